"""The mount table, and the space of one mount. Reading the table never blocks; `statvfs` may.

Only file systems that can fill up are of interest: no proc, cgroup, snap images, container
layers or automount points (asking those would mount them).
"""

import os
import re
from typing import Any, NamedTuple

from core.clock import Clock
from core.text import clean_line


class Mount(NamedTuple):
    """One line of /proc/self/mountinfo. `device` is "major:minor", `inner` what of it is mounted."""

    path: str
    kind: str
    source: str
    device: str
    inner: str
    network: bool


# fmt: off
_LOCAL = frozenset({
    "ext2", "ext3", "ext4", "xfs", "btrfs", "zfs", "f2fs", "vfat", "msdos", "exfat", "ntfs", "ntfs3", "fuseblk",
    "reiserfs", "jfs", "ufs", "bcachefs", "nilfs2", "hfs", "hfsplus", "apfs", "minix", "virtiofs",
})
_NETWORK = frozenset({
    "nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "ceph", "glusterfs", "lustre", "afs", "ncpfs", "beegfs",
    "orangefs", "pvfs2", "davfs", "coda", "gpfs", "autofs", "ocfs2", "gfs2",
})
# fmt: on
# A tmpfs is worth a line where people fill it, not where the system keeps its sockets.
_TMPFS_SHOWN = ("/tmp", "/var/tmp", "/dev/shm")
# What containers bind over single files: the device is not theirs to show.
_BOUND_FILES = ("/etc/hosts", "/etc/hostname", "/etc/resolv.conf")
_OCTAL = re.compile(r"\\([0-7]{3})")


def is_network(kind: str) -> bool:
    """Whether file systems of `kind` are served by another machine or a user's process, and so may hang."""
    return kind in _NETWORK or (kind.startswith("fuse") and kind != "fuseblk")


def _unescaped(field: str) -> str:
    if "\\" not in field:
        return field
    return _OCTAL.sub(lambda match: chr(int(match[1], 8)), field)


def parse_mountinfo(text: bytes) -> list[Mount]:
    """Every mount of a mountinfo file, in its order; lines that are none are left out."""
    mounts = []
    for line in text.decode("utf-8", "surrogateescape").split("\n"):  # a name may hold any other line end
        left, dash, right = line.partition(" - ")
        fields, tail = left.split(" "), right.split(" ")
        if not dash or len(fields) < 6 or len(tail) < 2:
            continue
        kind = tail[0]
        mounts.append(
            Mount(
                path=_unescaped(fields[4]),
                kind=kind,
                source=_unescaped(tail[1]),
                device=fields[2],
                inner=_unescaped(fields[3]),
                network=is_network(kind),
            )
        )
    return mounts


def mount_of(path: str, mounts: list[Mount]) -> Mount | None:
    """The mount that `path` lies on: the longest prefix; of mounts on one path, the last (topmost)."""
    best: Mount | None = None
    for mount in mounts:
        root = mount.path.rstrip("/")
        if (path == mount.path or path.startswith(root + "/")) and (
            best is None or len(mount.path) >= len(best.path)
        ):
            best = mount
    return best


def real_mounts(mounts: list[Mount], paths: tuple[str, ...] = ()) -> list[Mount]:
    """Those whose free space matters, each device once, and always those that `paths` lie on."""
    wanted = {mount.path for path in paths if (mount := mount_of(path, mounts)) is not None}
    topmost = {mount.path: mount for mount in mounts}
    chosen: dict[str, Mount] = {}
    for mount in topmost.values():
        if mount.kind == "autofs":
            continue
        asked = mount.path in wanted or mount.path == "/"
        shown = (
            mount.kind in _LOCAL
            or mount.network
            or (mount.kind == "tmpfs" and mount.path in _TMPFS_SHOWN)
            or (mount.kind == "overlay" and mount.path == "/")
        )
        if not asked and (not shown or mount.path in _BOUND_FILES or mount.path.startswith("/snap/")):
            continue
        # A network share is named by its source: each mount of it can have a device of its own.
        key = mount.source if mount.network and not asked else mount.device
        other = chosen.get(key)
        if other is None or _rank(mount, wanted) < _rank(other, wanted):
            chosen[key] = mount
    return sorted(chosen.values(), key=lambda mount: mount.path)


def _rank(mount: Mount, wanted: set[str]) -> tuple[bool, bool, bool, int]:
    """Of several mounts of one device the root stands for it, then one asked for, then a whole, short one."""
    return (mount.path != "/", mount.path not in wanted, mount.inner != "/", len(mount.path))


def all_mounts(root: str = "/") -> list[Mount]:
    """The mount table of this process; empty where there is no /proc. Does not block."""
    try:
        with open(os.path.join(root, "proc/self/mountinfo"), "rb", buffering=0) as file:
            return parse_mountinfo(file.readall())
    except OSError:
        return []


def read_mounts(root: str = "/", paths: tuple[str, ...] = ()) -> list[Mount]:
    """The mounts to ask for their space."""
    mounts = all_mounts(root)
    if mounts or os.path.exists(os.path.join(root, "proc/self/stat")):
        return real_mounts(mounts, paths)
    from core.prober.portable import mounts as portable_mounts

    return portable_mounts()


def space(mount: Mount, clock: Clock) -> tuple[Any, ...]:
    """A `MountSpace` as a plain tuple. This is the call that may never come back."""
    name, kind = clean_line(mount.path), clean_line(mount.kind)
    began = clock.now()
    try:
        answer = os.statvfs(mount.path)
    except OSError as error:
        problem = clean_line(error.strerror or str(error))
        return (name, kind, None, None, None, mount.network, _ms(clock, began), problem)
    took = _ms(clock, began)
    if not answer.f_blocks:
        return (name, kind, None, None, None, mount.network, took, "it has no size")
    size = answer.f_frsize or answer.f_bsize
    used = answer.f_blocks - answer.f_bfree
    # As df counts: the blocks kept for root are neither used nor free to others.
    usable = used + answer.f_bavail
    percent = 100 * used / usable if usable > 0 else 100.0
    free = max(0, answer.f_bavail) * size
    return (name, kind, answer.f_blocks * size, free, round(percent, 2), mount.network, took, None)


def _ms(clock: Clock, began: float) -> float:
    return round(1000 * (clock.now() - began), 3)
