"""What bluetop itself costs: this process and its prober."""

import os

from core.pollers.procfs import ProcFile
from core.pollers.setup import Setup
from core.prober.procstat import parse_stat
from core.samples import SelfSample

_PAGE = os.sysconf("SC_PAGE_SIZE")
_TICK = os.sysconf("SC_CLK_TCK")


def parse_schedstat(text: bytes | None) -> float | None:
    """CPU seconds from /proc/PID/schedstat, exact to the nanosecond; of the main thread only."""
    words = (text or b"").split()
    return int(words[0]) / 1e9 if words and words[0].isdigit() else None


def parse_statm(text: bytes | None) -> int | None:
    """Resident bytes from /proc/PID/statm."""
    words = (text or b"").split()
    return int(words[1]) * _PAGE if len(words) > 1 and words[1].isdigit() else None


class _Child:
    """The files of one process of ours (it has one thread)."""

    def __init__(self, root: str, pid: int) -> None:
        self.pid = pid
        self._schedstat = ProcFile(root, f"proc/{pid}/schedstat")
        self._stat = ProcFile(root, f"proc/{pid}/stat")
        self._statm = ProcFile(root, f"proc/{pid}/statm")

    def cpu_s(self) -> float | None:
        exact = parse_schedstat(self._schedstat.read())
        if exact is not None:
            return exact
        stat = parse_stat(self._stat.read() or b"")
        return None if stat is None else stat.cpu_ticks / _TICK

    def rss_bytes(self) -> int | None:
        return parse_statm(self._statm.read())

    def close(self) -> None:
        for file in (self._schedstat, self._stat, self._statm):
            file.close()


class OwnPoller:
    """CPU and memory of bluetop, and the bytes it writes to the terminal."""

    name = "own"
    deadline_s = 1.0

    def __init__(self, setup: Setup) -> None:
        self.interval_s = setup.host_interval_s
        self._setup = setup
        self._statm = ProcFile(setup.root, "proc/self/statm")
        self._child: _Child | None = None
        self._gone_s = 0.0
        self._child_cpu_s = 0.0
        self._cpu_s: float | None = None
        self._bytes = 0
        self._at = 0.0

    def prime(self, now: float) -> None:
        """Take the first counters."""
        self._cpu_s, self._at = self._used(), now
        self._bytes = self._setup.tty.total if self._setup.tty is not None else 0

    def _used(self) -> float:
        """CPU seconds of all our processes, those that ended included."""
        pid = self._setup.prober.pid
        if self._child is not None and self._child.pid != pid:
            self._child.close()
            self._child = None
            self._gone_s += self._child_cpu_s
            self._child_cpu_s = 0.0
        if self._child is None and pid is not None:
            self._child = _Child(self._setup.root, pid)
        if self._child is not None:
            self._child_cpu_s = max(self._child_cpu_s, self._child.cpu_s() or 0.0)
        return self._setup.clock.cpu() + self._gone_s + self._child_cpu_s

    def poll(self, now: float) -> SelfSample:
        """The cost since the last poll; the first one has only the memory."""
        before, self._cpu_s = self._cpu_s, self._used()
        elapsed_s, self._at = now - self._at, now
        tty = self._setup.tty
        written, self._bytes = self._bytes, tty.total if tty is not None else 0
        known = before is not None and elapsed_s > 0
        rss = parse_statm(self._statm.read())
        child_rss = self._child.rss_bytes() if self._child is not None else 0
        return SelfSample(
            at=now,
            host=self._setup.host,
            cpu_percent=100 * (self._cpu_s - before) / elapsed_s if before is not None and known else None,
            rss_bytes=rss + (child_rss or 0) if rss is not None else None,
            tty_bytes_per_s=(self._bytes - written) / elapsed_s if known and tty is not None else None,
        )
