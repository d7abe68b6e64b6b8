from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import PollError
from core.pollers.cpu import (
    CpuPoller,
    Times,
    parse_cpuinfo_mhz,
    parse_load,
    parse_stat,
    read_frequency,
    shares,
)
from core.pollers.pressure import parse_pressure
from core.samples import Pressure

# Linux 6.18 on two cores; 2.6.9 with four columns; a container that shows no cores.
MODERN = b"""cpu  5263 0 2230 267827 457 0 90 2033 0 0
cpu0 2020 0 924 134918 16 0 12 1092 0 0
cpu1 3242 0 1305 132909 440 0 77 941 0 0
intr 150742 0 0 0 0
ctxt 281037
btime 1795477140
processes 5930
procs_running 1
procs_blocked 0
softirq 91018 0 14503 2 2606 5263 0 17 32154 0 36473
"""
OLD = b"cpu  100 0 50 850\ncpu0 100 0 50 850\nintr 1\nctxt 1000\nbtime 1\n"
BARE = b"cpu 1 2 3 4 5 6 7 8 9 10\n"


def times(*fields: int) -> Times:
    return fields + (0,) * (8 - len(fields))


class Host:
    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "proc/pressure").mkdir(parents=True)
        self.poller = CpuPoller("box", 1.0, str(root))

    def put(self, name: str, text: bytes) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text)


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


def test_every_kernel_is_read() -> None:
    modern, old, bare = parse_stat(MODERN), parse_stat(OLD), parse_stat(BARE)
    assert modern is not None
    assert modern.total == (5263, 0, 2230, 267827, 457, 0, 90, 2033)
    assert list(modern.cores) == [b"cpu0", b"cpu1"]
    assert modern.context_switches == 281037
    assert old is not None
    assert old.total == times(100, 0, 50, 850)
    assert bare is not None
    assert (bare.cores, bare.context_switches) == ({}, None)
    assert parse_stat(b"cpu 1 2 3 45") == (times(1, 2, 3, 45), {}, None)


@given(st.binary())
def test_any_bytes_give_a_value_or_none(text: bytes) -> None:
    parse_stat(text)
    parse_stat(b"cpu " + text)
    parse_load(text)
    parse_pressure(text)
    parse_cpuinfo_mhz(text)


@pytest.mark.parametrize("text", [b"", b"nothing", b"cpu0 1 2 3 4\n", b"cpu a b c d\n"])
def test_without_a_line_for_all_processors_there_is_nothing(text: bytes) -> None:
    assert parse_stat(text) is None


def test_shares_of_an_interval() -> None:
    found = shares(times(0, 0, 0, 0), times(30, 0, 10, 40, 10, 2, 3, 5))
    assert found is not None
    assert (found.busy, found.iowait, found.steal) == (50.0, 10.0, 5.0)


def test_a_counter_that_steps_back_counts_as_nothing() -> None:
    found = shares(times(10, 0, 0, 100, 50), times(20, 0, 0, 110, 40))
    assert found is not None
    assert (found.busy, found.iowait) == (50.0, 0.0)


def test_no_time_between_two_readings_is_unknown() -> None:
    assert shares(times(1, 2, 3, 4), times(1, 2, 3, 4)) is None


@given(st.lists(st.integers(0, 2**64), min_size=16, max_size=16))
def test_shares_are_never_negative_nor_above_a_hundred(numbers: list[int]) -> None:
    found = shares(tuple(numbers[:8]), tuple(numbers[8:]))
    if found is not None:
        assert all(-1e-6 <= share <= 100.000001 for share in found)


def test_the_first_poll_knows_no_use_and_the_second_does(host: Host) -> None:
    host.put("proc/stat", MODERN)
    host.put("proc/loadavg", b"0.35 0.15 0.06 1/91 5930\n")
    host.put("proc/pressure/cpu", b"some avg10=0.82 avg60=0.66 avg300=0.32 total=8480242\n")
    first = host.poller.poll(10.0)
    assert (first.percent, first.per_core_percent, first.context_switches_per_s) == (None, (), None)
    assert (first.load, first.cores) == ((0.35, 0.15, 0.06), 2)
    assert first.pressure == Pressure(0.82, None)
    host.put(
        "proc/stat",
        MODERN.replace(b"cpu  5263 0 2230 267827", b"cpu  5363 0 2230 267927")
        .replace(b"cpu0 2020 0 924 134918", b"cpu0 2120 0 924 134918")
        .replace(b"cpu1 3242 0 1305 132909", b"cpu1 3242 0 1305 133009")
        .replace(b"ctxt 281037", b"ctxt 281237"),
    )
    second = host.poller.poll(12.0)
    assert (second.percent, second.per_core_percent) == (50.0, (100.0, 0.0))
    assert second.context_switches_per_s == 100.0


def test_after_priming_the_first_poll_has_a_figure(host: Host) -> None:
    host.put("proc/stat", MODERN)
    host.poller.prime(10.0)
    host.put("proc/stat", MODERN.replace(b"cpu  5263 0 2230 267827", b"cpu  5264 0 2230 267830"))
    assert host.poller.poll(10.03).percent == 25.0


def test_a_core_that_comes_gives_no_figures_of_other_cores(host: Host) -> None:
    host.put("proc/stat", MODERN)
    host.poller.prime(10.0)
    host.put("proc/stat", MODERN.replace(b"intr", b"cpu2 1 0 1 1 0 0 0 0 0 0\nintr"))
    sample = host.poller.poll(11.0)
    assert (sample.per_core_percent, sample.cores) == ((), 3)


def test_without_proc_stat_the_error_says_so(host: Host) -> None:
    with pytest.raises(PollError, match="/proc/stat cannot be read"):
        host.poller.poll(10.0)


def test_a_file_that_comes_later_is_found(host: Host) -> None:
    host.put("proc/stat", MODERN)
    assert host.poller.poll(10.0).load is None
    host.put("proc/loadavg", b"1.00 2.00 3.00 1/91 5930\n")
    assert host.poller.poll(11.0).load == (1.0, 2.0, 3.0)


def test_the_frequency_is_asked_for_seldom(host: Host) -> None:
    host.put("proc/stat", MODERN)
    host.put("sys/devices/system/cpu/cpufreq/policy0/scaling_cur_freq", b"2000000\n")
    host.put("sys/devices/system/cpu/cpufreq/policy1/scaling_cur_freq", b"3000000\n")
    assert host.poller.poll(10.0).frequency_mhz == 2500.0
    host.put("sys/devices/system/cpu/cpufreq/policy0/scaling_cur_freq", b"1000000\n")
    assert host.poller.poll(19.0).frequency_mhz == 2500.0
    assert host.poller.poll(20.0).frequency_mhz == 2000.0


def test_the_frequency_from_cpuinfo_or_none(tmp_path: Path) -> None:
    assert read_frequency(str(tmp_path)) is None
    assert (
        parse_cpuinfo_mhz(b"processor : 0\ncpu MHz\t\t: 2300.000\n\nprocessor : 1\ncpu MHz\t: 2500.0\n")
        == 2400.0
    )
    assert parse_cpuinfo_mhz(b"processor\t: 0\nBogoMIPS\t: 50.00\n") is None


def test_pressure_of_newer_kernels_has_full() -> None:
    text = b"some avg10=1.50 avg60=0.29 avg300=0.06 total=4101615\nfull avg10=0.75 avg60=0.29 avg300=0.06 total=1\n"
    assert parse_pressure(text) == Pressure(1.5, 0.75)
    assert parse_pressure(None) is None
    assert parse_pressure(b"some avg10=x\n") is None
