from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import PollError
from core.pollers.disk import DeviceCounters, DiskPoller, device_rate, guessed_whole, parse_diskstats

# Linux 6.18 (20 columns), 4.4 (14), and the short lines of partitions of 2.6.18.
MODERN = b"""   7       0 loop0 9 0 9 9 9 0 9 0 0 0 9 0 0 0 0 0 0
 259       0 nvme0n1 1000 7598 2000 11106 500 15759 4000 2007 0 6740 13408 3192 46 75960 281 167 12
 259       1 nvme0n1p1 1000 7598 2000 11106 500 15759 4000 2007 0 6740 13408 3192 46 75960 281 167 12
 253       0 dm-0 900 0 1900 1 400 0 3900 1 0 6000 2 0 0 0 0 0 0
 253       1 zram0 8 0 8 0 8 0 8 0 0 8 0 0 0 0 0 0 0
"""
OLD = (
    b"   8    0 sda 10 0 80 5 4 0 32 1 0 6 6\n   8    1 sda1 5 40 3 24\n   8   16 sdb 1 0 8 5 0 0 0 1 0 6 6\n"
)


def line(
    name: str, reads: int = 0, sectors_read: int = 0, writes: int = 0, written: int = 0, busy: int = 0
) -> bytes:
    return f"8 0 {name} {reads} 0 {sectors_read} 0 {writes} 0 {written} 0 0 {busy} 0 0 0 0 0 0 0\n".encode()


class Host:
    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "proc").mkdir()
        self.poller = DiskPoller("box", 1.0, str(root))

    def stats(self, text: bytes) -> None:
        (self.root / "proc/diskstats").write_bytes(text)

    def block(self, name: str, *slaves: str) -> None:
        for slave in slaves:
            (self.root / "sys/block" / name / "slaves" / slave).mkdir(parents=True)
        (self.root / "sys/block" / name).mkdir(parents=True, exist_ok=True)


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


def test_every_kernel_is_read() -> None:
    assert parse_diskstats(MODERN)["nvme0n1"] == DeviceCounters(1500, 2000 * 512, 4000 * 512, 6740)
    assert list(parse_diskstats(OLD)) == ["sda", "sdb"]
    assert parse_diskstats(OLD, {"sdb"}) == {
        "sda": None,
        "sda1": None,
        "sdb": DeviceCounters(1, 8 * 512, 0, 6),
    }


@given(st.binary())
def test_any_bytes_give_a_value(text: bytes) -> None:
    guessed_whole(list(parse_diskstats(text)))


def test_only_whole_devices_count_and_stacked_ones_not_again(host: Host) -> None:
    for name in ("loop0", "nvme0n1", "zram0"):
        host.block(name)
    host.block("dm-0", "nvme0n1p1")
    host.stats(MODERN)
    host.poller.prime(10.0)
    host.stats(MODERN.replace(b" 1000 7598 2000", b" 1010 7598 2200").replace(b" 900 0 1900", b" 910 0 2100"))
    sample = host.poller.poll(12.0)
    assert [device.name for device in sample.devices] == ["nvme0n1"]
    assert (sample.read_bytes_per_s, sample.write_bytes_per_s) == (100 * 512, 0)
    assert sample.operations_per_s == 5


def test_without_sys_the_names_tell() -> None:
    names = [
        "sda",
        "sda1",
        "sda15",
        "nvme0n1",
        "nvme0n1p2",
        "mmcblk0",
        "mmcblk0p1",
        "md0",
        "dm-3",
        "vda",
        "xvda1",
    ]
    assert guessed_whole([*names, "loop4", "ram0", "sr0"]) == {"sda", "nvme0n1", "mmcblk0", "vda", "xvda1"}


def test_a_hidden_path_of_a_multipath_device_does_not_count(host: Host) -> None:
    for name in ("nvme0n1", "nvme0c0n1"):
        host.block(name)
    (host.root / "sys/block/nvme0c0n1/hidden").write_text("1\n")
    host.stats(line("nvme0n1") + line("nvme0c0n1"))
    host.poller.prime(10.0)
    assert [device.name for device in host.poller.poll(11.0).devices] == ["nvme0n1"]


def test_the_first_poll_knows_no_rates(host: Host) -> None:
    host.stats(line("sda", 5))
    sample = host.poller.poll(10.0)
    assert (sample.read_bytes_per_s, sample.operations_per_s, sample.devices) == (None, None, ())


def test_a_reset_counter_is_unknown_for_one_interval_and_never_negative(host: Host) -> None:
    host.stats(line("sda", 100, 800, busy=50) + line("sdb", 100))
    host.poller.prime(10.0)
    host.stats(line("sda", 3, 24, busy=1) + line("sdb", 110))
    sample = host.poller.poll(11.0)
    assert (sample.read_bytes_per_s, sample.write_bytes_per_s, sample.operations_per_s) == (None, None, None)
    assert [device.name for device in sample.devices] == ["sdb"]
    host.stats(line("sda", 5, 40, busy=2) + line("sdb", 110))
    sample = host.poller.poll(12.0)
    assert sample.read_bytes_per_s == 16 * 512
    assert len(sample.devices) == 2


def test_a_device_that_appears_has_a_rate_from_its_second_sample(host: Host) -> None:
    host.stats(line("sda"))
    host.poller.prime(10.0)
    host.stats(line("sda", 4) + line("sdb", 1_000_000))
    assert host.poller.poll(11.0).operations_per_s == 4
    host.stats(line("sda", 4) + line("sdb", 1_000_007))
    assert host.poller.poll(12.0).operations_per_s == 7


def test_busy_is_at_most_a_hundred() -> None:
    before, after = DeviceCounters(0, 0, 0, 0), DeviceCounters(1, 512, 0, 1100)
    rate = device_rate("sda", before, after, 1.0)
    assert rate is not None
    assert rate.busy_percent == 100.0
    rate = device_rate("sda", before, after, 2.2)
    assert rate is not None
    assert rate.busy_percent == pytest.approx(50.0)


def test_without_diskstats_the_error_says_so(host: Host) -> None:
    with pytest.raises(PollError, match="/proc/diskstats cannot be read"):
        host.poller.poll(10.0)
