"""Mounts and processes through psutil, for systems without /proc. Slower, and shows less.

Chosen in one place each: `mounts.read_mounts` and `processes.new_scanner`. psutil is imported
only here, and only when asked: it would double the prober's memory.
"""

import os
from collections.abc import Iterator

import psutil

from core.prober.mounts import Mount, is_network
from core.prober.processes import Facts, Source
from core.text import clean_line

_STATES = {
    psutil.STATUS_RUNNING: "R",
    psutil.STATUS_SLEEPING: "S",
    psutil.STATUS_DISK_SLEEP: "D",
    psutil.STATUS_STOPPED: "T",
    psutil.STATUS_ZOMBIE: "Z",
    psutil.STATUS_IDLE: "I",
}


def mounts() -> list[Mount]:
    """The physical mounts that psutil lists."""
    return [
        Mount(part.mountpoint, part.fstype, part.device, part.device, "/", is_network(part.fstype))
        for part in psutil.disk_partitions(all=False)
    ]


class PsutilSource(Source):
    """Processes as psutil sees them."""

    def pids(self) -> Iterator[int]:
        return iter(psutil.pids())

    def facts(self, pid: int) -> Facts | None:
        try:
            process = psutil.Process(pid)
            with process.oneshot():
                times = process.cpu_times()
                return Facts(
                    started=int(process.create_time() * 100),
                    started_at=process.create_time(),
                    name=clean_line(process.name()),
                    state=_STATES.get(process.status(), "?"),
                    parent=process.ppid(),
                    cpu_s=times.user + times.system,
                    rss_bytes=process.memory_info().rss,
                    age_s=None,
                )
        except psutil.Error:
            return None

    def folder(self, pid: int) -> bytes | None:
        try:
            return os.fsencode(psutil.Process(pid).cwd())
        except psutil.AccessDenied:
            return None
        except psutil.Error:
            return b""

    def words(self, pid: int) -> bytes:
        try:
            words = psutil.Process(pid).cmdline()
        except psutil.Error:
            return b""
        return os.fsencode("\0".join(words))

    def handles(self, pid: int) -> int | None:
        try:
            return int(psutil.Process(pid).num_fds())
        except psutil.Error:
            return None

    def handle_limit(self, pid: int) -> int | None:
        return None
