"""The memory limit of the cgroup this process lives in, version 2 or 1.

In a container the machine's memory is not what one may use. The tightest limit on the way
from our own cgroup to the root counts, and the use of the group that has it. Page cache that
the kernel would give back (inactive file pages) is not counted as used, as Kubernetes does.
"""

import os
from typing import NamedTuple

from core.pollers.procfs import ProcFile, read_once, whole_number
from core.prober.mounts import Mount, parse_mountinfo


class CgroupMemory(NamedTuple):
    """The group with the tightest limit."""

    limit_bytes: int
    used_bytes: int
    cached_bytes: int


class _Names(NamedTuple):
    limit: str
    used: str
    inactive: bytes
    cached: bytes


_V2 = _Names("memory.max", "memory.current", b"inactive_file", b"file")
_V1 = _Names("memory.limit_in_bytes", "memory.usage_in_bytes", b"total_inactive_file", b"total_cache")


def parse_cgroup(text: bytes) -> dict[str, str]:
    """/proc/self/cgroup: controller → path; "" is version 2."""
    found = {}
    for line in text.decode("utf-8", "surrogateescape").split("\n"):  # a name may hold any other line end
        fields = line.split(":", 2)
        if len(fields) == 3:
            for controller in fields[1].split(","):
                found[controller] = fields[2]
    return found


def parse_memory_stat(text: bytes, name: bytes) -> int:
    """One figure of memory.stat, 0 if it has none of that name."""
    for line in text.splitlines():
        key, _, value = line.partition(b" ")
        if key == name and value.isdigit():
            return int(value)
    return 0


def folders(root: str, mount: Mount, path: str) -> list[str]:
    """Our group's folder and those above it, innermost first.

    What is mounted may be a part of the tree (a container without a cgroup namespace): then
    our path begins with that part, or lies outside and the mount's own top is all we see.
    """
    inner = mount.inner.rstrip("/")
    if inner and (path == inner or path.startswith(inner + "/")):
        path = path[len(inner) :]
    elif inner or path.startswith("/.."):
        path = ""
    top = os.path.join(root, mount.path.lstrip("/"))
    names = [name for name in path.split("/") if name]
    return [os.path.join(top, *names[:count]) for count in range(len(names), -1, -1)]


def _groups(root: str) -> list[tuple[_Names, list[str]]]:
    mounts = parse_mountinfo(read_once(root, "proc/self/mountinfo") or b"")
    paths = parse_cgroup(read_once(root, "proc/self/cgroup") or b"")
    found = []
    for mount in mounts:
        if mount.kind == "cgroup2" and "" in paths:
            found.append((_V2, folders(root, mount, paths[""])))
        elif mount.kind == "cgroup" and "memory" in paths and mount.path.rstrip("/").endswith("memory"):
            found.append((_V1, folders(root, mount, paths["memory"])))
    return found


class CgroupFiles:
    """Finds the tightest limit once in a while, and then keeps that group's files open."""

    _SEARCH_EVERY_S = 15.0

    def __init__(self, root: str) -> None:
        self._root = root
        self._search_at = float("-inf")
        self._limit: int | None = None
        self._names = _V2
        self._used: ProcFile | None = None
        self._stat: ProcFile | None = None

    def read(self, now: float, machine_bytes: int | None) -> CgroupMemory | None:
        """The limit and its use; None where no limit is below `machine_bytes`."""
        if now >= self._search_at:
            self._search_at = now + self._SEARCH_EVERY_S
            self._search(machine_bytes)
        if self._limit is None or self._used is None or self._stat is None:
            return None
        used = whole_number(self._used.read())
        if used is None:
            self._search_at = now  # the group is gone: look again at the next poll
            return None
        stat = self._stat.read() or b""
        inactive = parse_memory_stat(stat, self._names.inactive)
        return CgroupMemory(self._limit, max(0, used - inactive), parse_memory_stat(stat, self._names.cached))

    def _search(self, machine_bytes: int | None) -> None:
        best: tuple[int, str, _Names] | None = None
        for names, chain in _groups(self._root):
            for folder in chain:
                limit = whole_number(read_once(folder, names.limit))
                # No limit is "max" in version 2, and a number beyond any memory in version 1.
                if limit is None or limit <= 0 or (machine_bytes is not None and limit >= machine_bytes):
                    continue
                if best is None or limit < best[0]:
                    best = (limit, folder, names)
        for file in (self._used, self._stat):
            if file is not None:
                file.close()
        self._limit = self._used = self._stat = None
        if best is not None:
            self._limit, folder, self._names = best
            self._used = ProcFile(folder, self._names.used)
            self._stat = ProcFile(folder, "memory.stat")
