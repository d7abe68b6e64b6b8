"""Memory and swap, from /proc/meminfo and /proc/vmstat, and the cgroup's limit where it is lower."""

import os
from collections import deque

from core.errors import PollError
from core.pollers.cgroup import CgroupFiles
from core.pollers.pressure import PressureFile
from core.pollers.procfs import ProcFile
from core.samples import MemorySample

_PAGE = os.sysconf("SC_PAGE_SIZE")


_NAMES = (
    b"MemTotal:",
    b"MemFree:",
    b"MemAvailable:",
    b"Buffers:",
    b"Cached:",
    b"SwapTotal:",
    b"SwapFree:",
    b"SReclaimable:",
)


def parse_meminfo(text: bytes) -> dict[bytes, int]:
    """The figures of /proc/meminfo that are used, in bytes. One that is not `name: number kB` is left out."""
    found = {}
    text = b"\n" + text
    for name in _NAMES:
        at = text.find(b"\n" + name)
        if at < 0:
            continue
        at += len(name) + 1
        words = text[at : at + 40].split(None, 2)
        if len(words) > 1 and words[1].startswith(b"kB") and words[0].isdigit():
            found[name[:-1]] = int(words[0]) * 1024
    return found


def available(found: dict[bytes, int]) -> int | None:
    """Memory that programs can still get; guessed as `free` did before Linux 3.14 told it."""
    if b"MemAvailable" in found:
        return found[b"MemAvailable"]
    if b"MemFree" not in found:
        return None
    return found[b"MemFree"] + found.get(b"Buffers", 0) + found.get(b"Cached", 0)


def parse_swap_pages(text: bytes | None) -> tuple[int, int] | None:
    """Pages swapped in and out since boot, from /proc/vmstat."""
    text = text or b""
    found = []
    for name in (b"\npswpin ", b"\npswpout "):
        at = text.find(name)
        if at < 0:
            return None
        words = text[at + len(name) : at + len(name) + 24].split(None, 1)
        if not words or not words[0].isdigit():
            return None
        found.append(int(words[0]))
    return found[0], found[1]


class Growth:
    """How fast what is used grows: the difference to a minute ago, in bytes a minute."""

    SPAN_S = 60.0
    STEP_S = 5.0

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int]] = deque()

    def take(self, now: float, used: int) -> float | None:
        """The growth up to `now`; None until a minute was watched, and after a gap as long."""
        seen = self._seen
        if seen and now - seen[-1][0] > self.SPAN_S:
            seen.clear()
        if not seen or now - seen[-1][0] >= self.STEP_S:
            seen.append((now, used))
        while len(seen) > 1 and now - seen[1][0] >= self.SPAN_S:
            seen.popleft()
        elapsed_s = now - seen[0][0]
        if elapsed_s < self.SPAN_S:
            return None
        return (used - seen[0][1]) / elapsed_s * 60.0


class MemoryPoller:
    """The memory of this host, or of our container."""

    name = "memory"
    deadline_s = 1.0

    def __init__(self, host: str, interval_s: float, root: str = "/") -> None:
        self.interval_s = interval_s
        self._host = host
        self._meminfo = ProcFile(root, "proc/meminfo")
        self._vmstat = ProcFile(root, "proc/vmstat")
        self._pressure = PressureFile(root, "memory")
        self._cgroup = CgroupFiles(root)
        self._swapped: tuple[int, int] | None = None
        self._swapped_at = 0.0
        self._growth = Growth()

    def prime(self, now: float) -> None:
        """Nothing here needs an earlier reading but the swap rates: they may wait."""

    def poll(self, now: float) -> MemorySample:
        """What is used now.

        Raises:
            PollError: /proc/meminfo cannot be read.
        """
        found = parse_meminfo(self._meminfo.read() or b"")
        total = found.get(b"MemTotal")
        free = available(found)
        if not total or free is None:
            raise PollError("/proc/meminfo cannot be read; memory figures are not available")
        used = max(0, total - free)
        cached = found.get(b"Cached", 0) + found.get(b"Buffers", 0) + found.get(b"SReclaimable", 0)
        group = self._cgroup.read(now, total)
        limit = None
        if group is not None:
            total, used, cached = (
                group.limit_bytes,
                min(group.used_bytes, group.limit_bytes),
                group.cached_bytes,
            )
            limit = group.limit_bytes
            free = min(free, total - used)
        swap_total = found.get(b"SwapTotal", 0)
        swap_in, swap_out = self._swap_rates(now, swap_total)
        return MemorySample(
            at=now,
            host=self._host,
            percent=100 * used / total,
            used_bytes=used,
            available_bytes=free,
            total_bytes=total,
            cached_bytes=cached,
            limit_bytes=limit,
            swap_used_bytes=max(0, swap_total - found.get(b"SwapFree", 0)),
            swap_total_bytes=swap_total,
            swap_in_bytes_per_s=swap_in,
            swap_out_bytes_per_s=swap_out,
            pressure=self._pressure.read(),
            growth_bytes_per_min=self._growth.take(now, used),
        )

    def _swap_rates(self, now: float, swap_total: int) -> tuple[float | None, float | None]:
        if not swap_total:
            self._swapped = None
            return 0.0, 0.0  # known without reading a long file: nothing can be swapped
        before, elapsed_s = self._swapped, now - self._swapped_at
        self._swapped, self._swapped_at = parse_swap_pages(self._vmstat.read()), now
        if before is None or self._swapped is None or elapsed_s <= 0:
            return None, None
        read, written = (b - a for a, b in zip(before, self._swapped, strict=True))
        if read < 0 or written < 0:
            return None, None
        return read * _PAGE / elapsed_s, written * _PAGE / elapsed_s
