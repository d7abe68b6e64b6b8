"""Disk traffic per device and in total, from /proc/diskstats; rates since the previous poll.

Only whole devices are added up: a partition's traffic is its disk's, and that of a stacked
device (dm, md, bcache) passes through the devices below it.
"""

import os
from collections.abc import Container
from typing import NamedTuple

from core.errors import PollError
from core.pollers.pressure import PressureFile
from core.pollers.procfs import ProcFile, read_once
from core.samples import DeviceRate, DiskSample

_SECTOR = 512  # in this file always, whatever the device's own sectors
_NOT_DISKS = ("loop", "ram", "zram", "sr", "fd")


class DeviceCounters(NamedTuple):
    """Since boot. `busy_ms` is the time with at least one request in flight."""

    operations: int
    read_bytes: int
    write_bytes: int
    busy_ms: int


def parse_diskstats(text: bytes, only: Container[str] | None = None) -> dict[str, DeviceCounters | None]:
    """/proc/diskstats: name → counters, in its order; None for those that are not in `only`.

    The short lines of partitions before Linux 2.6.25 are left out.
    """
    found: dict[str, DeviceCounters | None] = {}
    for line in text.split(b"\n"):
        fields = line.split(None, 3)
        if len(fields) < 4:
            continue
        name = fields[2].decode("ascii", "replace")
        if only is not None and name not in only:
            found[name] = None
            continue
        columns = fields[3].split(None, 11)
        if len(columns) < 11:
            continue
        try:
            found[name] = DeviceCounters(
                operations=int(columns[0]) + int(columns[4]),
                read_bytes=int(columns[2]) * _SECTOR,
                write_bytes=int(columns[6]) * _SECTOR,
                busy_ms=int(columns[9]),
            )
        except ValueError:
            continue
    return found


def _is_disk(name: str) -> bool:
    kind = name.rstrip("0123456789")
    return kind not in _NOT_DISKS


def guessed_whole(names: list[str]) -> frozenset[str]:
    """Whole devices by their names alone, where /sys does not tell: no sda1 beside sda, no nvme0n1p1."""
    known = set(names)
    whole = set()
    for name in names:
        kind = name.rstrip("0123456789")
        disk = kind[:-1] if kind.endswith("p") and kind[:-1][-1:].isdigit() else kind
        part = disk != name and disk in known
        if _is_disk(name) and not part and not name.startswith(("dm-", "md")):
            whole.add(name)
    return frozenset(whole)


def whole_devices(root: str, names: list[str]) -> frozenset[str]:
    """Which of `names` are whole devices with nothing below them."""
    folder = os.path.join(root, "sys/block")
    try:
        blocks = set(os.listdir(folder))
    except OSError:
        return guessed_whole(names)
    if not blocks.intersection(names):
        return guessed_whole(names)
    whole = set()
    for name in blocks.intersection(names):
        if not _is_disk(name) or (read_once(folder, f"{name}/hidden") or b"").strip() == b"1":
            continue
        try:
            stacked = bool(os.listdir(os.path.join(folder, name, "slaves")))
        except OSError:
            stacked = False
        if not stacked:
            whole.add(name)
    return frozenset(whole)


def device_rate(
    name: str, before: DeviceCounters, after: DeviceCounters, elapsed_s: float
) -> DeviceRate | None:
    """The rates of one interval; None if a counter stepped back (it wrapped, or the device is another one)."""
    steps = [b - a for a, b in zip(before, after, strict=True)]
    if min(steps) < 0:
        return None
    operations, read, written, busy_ms = steps
    return DeviceRate(
        name=name,
        read_bytes_per_s=read / elapsed_s,
        write_bytes_per_s=written / elapsed_s,
        operations_per_s=operations / elapsed_s,
        busy_percent=min(100.0, busy_ms / (10 * elapsed_s)),
    )


class DiskPoller:
    """The disks of this host."""

    name = "disk"
    deadline_s = 1.0

    def __init__(self, host: str, interval_s: float, root: str = "/") -> None:
        self.interval_s = interval_s
        self._host = host
        self._root = root
        self._stats = ProcFile(root, "proc/diskstats")
        self._pressure = PressureFile(root, "io")
        self._names: list[str] = []
        self._whole: frozenset[str] = frozenset()
        self._before: dict[str, DeviceCounters] | None = None
        self._before_at = 0.0

    def prime(self, now: float) -> None:
        """Take the first counters."""
        self._before, self._before_at = self._counters(), now

    def _counters(self) -> dict[str, DeviceCounters]:
        text = self._stats.read()
        if text is None:
            raise PollError("/proc/diskstats cannot be read; disk figures are not available")
        found = parse_diskstats(text, self._whole)
        names = list(found)
        if names != self._names:
            self._names, self._whole = names, whole_devices(self._root, names)
            found = parse_diskstats(text, self._whole)
        return {name: counters for name, counters in found.items() if counters is not None}

    def poll(self, now: float) -> DiskSample:
        """The traffic since the last poll. A total is None when a device's counters were reset meanwhile.

        Raises:
            PollError: /proc/diskstats cannot be read.
        """
        after = self._counters()
        before, self._before = self._before, after
        elapsed_s, self._before_at = now - self._before_at, now
        devices: list[DeviceRate] = []
        known = before is not None and elapsed_s > 0
        if before is not None and elapsed_s > 0:
            for name, counters in after.items():
                if name in before:
                    rate = device_rate(name, before[name], counters, elapsed_s)
                    if rate is None:
                        known = False
                    else:
                        devices.append(rate)
        return DiskSample(
            at=now,
            host=self._host,
            read_bytes_per_s=sum(rate.read_bytes_per_s for rate in devices) if known else None,
            write_bytes_per_s=sum(rate.write_bytes_per_s for rate in devices) if known else None,
            operations_per_s=sum(rate.operations_per_s for rate in devices) if known else None,
            devices=tuple(devices),
            pressure=self._pressure.read(),
        )
