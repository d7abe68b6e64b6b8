import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import PollError
from core.pollers.cgroup import CgroupFiles, parse_cgroup
from core.pollers.memory import MemoryPoller, available, parse_meminfo, parse_swap_pages
from core.prober.mounts import parse_mountinfo

GIB = 1024**3
MODERN = b"""MemTotal:       24684096 kB
MemFree:        20000000 kB
MemAvailable:   22000000 kB
Buffers:            1784 kB
Cached:            58140 kB
SwapCached:            0 kB
SwapTotal:       2097148 kB
SwapFree:        1048572 kB
SReclaimable:      61952 kB
HugePages_Total:       0
Hugepagesize:       2048 kB
"""
# Linux 2.6.32: nothing is called available.
OLD = (
    b"MemTotal:  1000 kB\nMemFree: 300 kB\nBuffers: 50 kB\nCached: 150 kB\nSwapTotal: 0 kB\nSwapFree: 0 kB\n"
)
V2 = b"31 23 0:28 / /sys/fs/cgroup rw shared:9 - cgroup2 cgroup2 rw,nsdelegate\n"
V1 = (
    b"31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755\n"
    b"35 31 0:32 /docker/abc /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
)


class Host:
    def __init__(self, root: Path) -> None:
        self.root = root
        self.poller = MemoryPoller("box", 1.0, str(root))

    def put(self, name: str, text: str | bytes) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode() if isinstance(text, str) else text)

    def group(self, folder: str, limit: int | str, used: int, inactive: int = 0) -> None:
        """A version 2 group."""
        place = f"sys/fs/cgroup/{folder}".rstrip("/")
        self.put(f"{place}/memory.max", f"{limit}\n")
        self.put(f"{place}/memory.current", f"{used}\n")
        self.put(f"{place}/memory.stat", f"anon 1\nfile {inactive + 7}\ninactive_file {inactive}\n")


@pytest.fixture
def host(tmp_path: Path) -> Host:
    host = Host(tmp_path)
    host.put("proc/meminfo", MODERN)
    return host


def test_meminfo_of_a_modern_kernel(host: Host) -> None:
    sample = host.poller.poll(10.0)
    total, free = 24684096 * 1024, 22000000 * 1024
    assert (sample.total_bytes, sample.available_bytes, sample.used_bytes) == (total, free, total - free)
    assert sample.percent == pytest.approx(100 * (total - free) / total)
    assert sample.cached_bytes == (1784 + 58140 + 61952) * 1024
    assert (sample.swap_total_bytes, sample.swap_used_bytes) == (2097148 * 1024, 1048576 * 1024)
    assert (sample.limit_bytes, sample.pressure) == (None, None)


def test_before_linux_3_14_available_is_guessed() -> None:
    assert available(parse_meminfo(OLD)) == 500 * 1024
    assert available({}) is None


@given(st.binary())
def test_any_bytes_give_a_value_or_none(text: bytes) -> None:
    parse_meminfo(text)
    parse_swap_pages(text)
    parse_cgroup(text)


@pytest.mark.parametrize("text", [b"", b"MemTotal: 0 kB\nMemAvailable: 0 kB\n", b"MemTotal: 100 kB\n"])
def test_without_the_figures_the_error_says_so(host: Host, text: bytes) -> None:
    host.put("proc/meminfo", text)
    with pytest.raises(PollError, match="/proc/meminfo cannot be read"):
        host.poller.poll(10.0)


def test_swap_rates_are_bytes_a_second(host: Host) -> None:
    host.put("proc/vmstat", "pgpgin 1\npswpin 10\npswpout 20\n")
    assert host.poller.poll(10.0).swap_in_bytes_per_s is None
    host.put("proc/vmstat", "pgpgin 1\npswpin 30\npswpout 20\n")
    sample = host.poller.poll(12.0)
    assert sample.swap_in_bytes_per_s == 10 * os.sysconf("SC_PAGE_SIZE")
    assert sample.swap_out_bytes_per_s == 0.0


def test_swap_counters_that_step_back_are_unknown_for_one_interval(host: Host) -> None:
    host.put("proc/vmstat", "x 1\npswpin 10\npswpout 20\n")
    host.poller.poll(10.0)
    host.put("proc/vmstat", "x 1\npswpin 5\npswpout 20\n")
    assert host.poller.poll(12.0).swap_in_bytes_per_s is None


def test_without_swap_nothing_is_swapped_and_vmstat_is_not_read(host: Host) -> None:
    host.put("proc/meminfo", OLD)
    sample = host.poller.poll(10.0)
    assert (sample.swap_in_bytes_per_s, sample.swap_out_bytes_per_s) == (0.0, 0.0)


def test_a_cgroup_limit_is_the_truth_where_it_is_lower(host: Host) -> None:
    host.put("proc/self/mountinfo", V2)
    host.put("proc/self/cgroup", "0::/\n")
    host.group("", 2 * GIB, 3 * GIB // 2, inactive=GIB // 2)
    sample = host.poller.poll(10.0)
    assert (sample.limit_bytes, sample.total_bytes) == (2 * GIB, 2 * GIB)
    assert (sample.used_bytes, sample.percent) == (GIB, 50.0)
    assert sample.available_bytes == GIB


def test_the_tightest_of_nested_groups_counts(host: Host) -> None:
    host.put("proc/self/mountinfo", V2)
    host.put("proc/self/cgroup", "0::/user.slice/job.scope/inner\n")
    host.group("user.slice", 4 * GIB, 3 * GIB)
    host.group("user.slice/job.scope", GIB, GIB // 4)
    host.group("user.slice/job.scope/inner", "max", GIB // 4)
    sample = host.poller.poll(10.0)
    assert (sample.limit_bytes, sample.percent) == (GIB, 25.0)


def test_a_limit_above_the_machines_memory_is_none(host: Host) -> None:
    host.put("proc/self/mountinfo", V2)
    host.put("proc/self/cgroup", "0::/\n")
    host.group("", 500 * GIB, GIB)
    assert host.poller.poll(10.0).limit_bytes is None


def test_version_1_in_a_container_without_a_namespace(host: Host) -> None:
    host.put("proc/self/mountinfo", V1)
    host.put("proc/self/cgroup", "9:name=systemd:/docker/abc\n4:cpu,memory:/docker/abc/inner\n0::/\n")
    place = "sys/fs/cgroup/memory/inner"
    host.put(f"{place}/memory.limit_in_bytes", f"{GIB}\n")
    host.put(f"{place}/memory.usage_in_bytes", f"{GIB // 2}\n")
    host.put(f"{place}/memory.stat", f"cache 1\ntotal_cache 99\ntotal_inactive_file {GIB // 4}\n")
    host.put("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n")
    sample = host.poller.poll(10.0)
    assert (sample.limit_bytes, sample.percent, sample.cached_bytes) == (GIB, 25.0, 99)


def test_a_limit_that_changes_is_noticed_soon(host: Host) -> None:
    host.put("proc/self/mountinfo", V2)
    host.put("proc/self/cgroup", "0::/\n")
    host.group("", 2 * GIB, GIB)
    files = CgroupFiles(str(host.root))
    first = files.read(0.0, 24 * GIB)
    assert first is not None
    assert first.limit_bytes == 2 * GIB
    host.group("", "max", GIB)
    assert files.read(20.0, 24 * GIB) is None


def test_a_group_that_goes_is_no_limit_any_more(host: Host) -> None:
    host.put("proc/self/mountinfo", V2)
    host.put("proc/self/cgroup", "0::/job\n")
    host.group("job", 2 * GIB, GIB)
    files = CgroupFiles(str(host.root))
    assert files.read(0.0, 24 * GIB) is not None
    for name in ("memory.max", "memory.current", "memory.stat"):
        (host.root / "sys/fs/cgroup/job" / name).write_text("")
    assert files.read(1.0, 24 * GIB) is None
    assert files.read(2.0, 24 * GIB) is None


def test_cgroup_lines() -> None:
    assert parse_cgroup(b"12:cpu,cpuacct:/a:b\n0::/c\nnonsense\n") == {
        "cpu": "/a:b",
        "cpuacct": "/a:b",
        "": "/c",
    }
    assert parse_mountinfo(V1)[1].inner == "/docker/abc"
