"""Our own readers of /proc against psutil, on the host that runs the tests."""

import sys

import pytest

from core.errors import PollError
from core.pollers import _host, portable
from core.pollers.cpu import CpuPoller, parse_stat
from core.pollers.disk import parse_diskstats
from core.pollers.memory import MemoryPoller, parse_meminfo
from core.pollers.procfs import read_once

psutil = pytest.importorskip("psutil")
linux = pytest.mark.skipif(sys.platform != "linux", reason="compares with /proc")


@linux
def test_cpu_times_agree() -> None:
    counters = parse_stat(read_once("/", "proc/stat") or b"")
    assert counters is not None
    times = psutil.cpu_times()
    ours = dict(zip(("user", "nice", "system", "idle"), counters.total, strict=False))
    for name, ticks in ours.items():
        assert ticks / 100 == pytest.approx(getattr(times, name), abs=2.0)
    assert len(counters.cores) == psutil.cpu_count()


@linux
def test_cpu_use_over_one_interval_agrees() -> None:
    ours, theirs = CpuPoller("box", 1.0), portable.PsutilCpuPoller("box", 1.0)
    ours.prime(0.0)
    theirs.prime(0.0)
    total = 0
    for number in range(3_000_000):
        total += number
    one, two = ours.poll(1.0), theirs.poll(1.0)
    assert one.percent is not None
    assert two.percent is not None
    assert one.percent == pytest.approx(two.percent, abs=15.0)
    assert one.cores == two.cores
    assert one.load == pytest.approx(two.load, abs=0.5)


@linux
def test_memory_agrees() -> None:
    found = parse_meminfo(read_once("/", "proc/meminfo") or b"")
    theirs = psutil.virtual_memory()
    assert found[b"MemTotal"] == theirs.total
    assert found[b"MemAvailable"] == pytest.approx(theirs.available, rel=0.05)
    ours = MemoryPoller("box", 1.0).poll(0.0)
    other = portable.PsutilMemoryPoller("box", 1.0).poll(0.0)
    if ours.limit_bytes is None:
        assert ours.total_bytes == other.total_bytes
        assert ours.percent == pytest.approx(other.percent, abs=5.0)


@linux
def test_disk_counters_agree() -> None:
    ours = parse_diskstats(read_once("/", "proc/diskstats") or b"")
    for name, theirs in psutil.disk_io_counters(perdisk=True, nowrap=False).items():
        counters = ours[name]
        assert counters is not None
        assert counters.read_bytes == pytest.approx(theirs.read_bytes, rel=0.02, abs=2**22)
        assert counters.write_bytes == pytest.approx(theirs.write_bytes, rel=0.02, abs=2**24)


def test_the_portable_pollers_have_rates_from_the_second_poll() -> None:
    disk, memory = portable.PsutilDiskPoller("box", 1.0), portable.PsutilMemoryPoller("box", 1.0)
    assert disk.poll(0.0).read_bytes_per_s is None
    assert memory.poll(0.0).swap_in_bytes_per_s is None
    assert disk.poll(1.0).read_bytes_per_s is not None
    assert memory.poll(1.0).swap_in_bytes_per_s is not None


def test_where_there_is_no_proc_psutil_is_chosen(tmp_path: object) -> None:
    class Nowhere:
        host = "box"
        host_interval_s = 1.0
        root = str(tmp_path)

    for name, kind in (("cpu", portable.PsutilCpuPoller), ("memory", portable.PsutilMemoryPoller)):
        assert isinstance(_host(name)(Nowhere()), kind)  # type: ignore[arg-type]
    with pytest.raises(PollError):
        _host("handles")(Nowhere()).poll(0.0)  # type: ignore[arg-type]
