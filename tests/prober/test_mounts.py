import os
import sys

import pytest

from core.clock import SYSTEM_CLOCK
from core.prober.mounts import (
    Mount,
    all_mounts,
    is_network,
    mount_of,
    parse_mountinfo,
    read_mounts,
    real_mounts,
    space,
)

# From real machines: a server, a laptop with snaps and an automounter, a container.
SERVER = rb"""22 27 0:21 / /proc rw,relatime - proc proc rw
23 27 0:22 / /sys rw,relatime - sysfs sysfs rw
24 27 0:6 / /dev rw,relatime - devtmpfs devtmpfs rw,size=12334524k,nr_inodes=3083631,mode=755
27 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw,discard
31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
32 27 254:16 / /srv/my\040data rw master:3 propagate_from:2 - xfs /dev/vdb rw
33 27 254:16 /logs /var/log rw - xfs /dev/vdb rw
34 27 0:50 / /mnt/share rw - nfs4 server:/share rw,vers=4.2
35 27 0:51 /sub /mnt/again rw - nfs4 server:/share rw,vers=4.2
36 27 0:60 / /export/x/remote rw - fuse.sshfs x@host:/ rw
"""
LAPTOP = rb"""26 1 259:2 /@ / rw,noatime shared:1 - btrfs /dev/nvme0n1p2 rw,subvol=/@
40 26 259:2 /@home /home rw,noatime shared:2 - btrfs /dev/nvme0n1p2 rw,subvol=/@home
41 26 7:3 / /snap/core20/1974 ro,nodev,relatime shared:3 - squashfs /dev/loop3 ro
42 26 0:44 / /net rw,relatime shared:4 - autofs /etc/auto.net rw,fd=6,pgrp=1,timeout=300
43 26 0:45 / /run rw shared:5 - tmpfs tmpfs rw
44 26 0:46 / /tmp rw shared:6 - tmpfs tmpfs rw
45 26 0:47 / /data rw shared:7 - autofs systemd-1 rw,fd=30
46 45 8:1 / /data rw shared:8 - ext4 /dev/sda1 rw
"""
CONTAINER = rb"""700 600 0:300 / / rw,relatime - overlay overlay rw,lowerdir=/l,upperdir=/u,workdir=/w
701 700 0:301 / /proc rw - proc proc rw
710 700 254:1 /var/lib/docker/containers/x/hosts /etc/hosts rw - ext4 /dev/vda1 rw
711 700 254:1 /var/lib/docker/containers/x/hostname /etc/hostname rw - ext4 /dev/vda1 rw
712 700 254:1 /srv/work /work rw - ext4 /dev/vda1 rw
713 700 0:310 / /var/lib/docker/overlay2/y/merged rw - overlay overlay rw
"""


def shown(text: bytes, *paths: str) -> list[str]:
    return [mount.path for mount in real_mounts(parse_mountinfo(text), paths)]


def test_a_server_shows_each_device_once() -> None:
    assert shown(SERVER) == ["/", "/export/x/remote", "/mnt/share", "/srv/my data"]


def test_a_laptop_shows_no_snaps_and_never_touches_an_automount_point() -> None:
    assert shown(LAPTOP) == ["/", "/data", "/tmp"]
    assert {mount.path: mount.kind for mount in real_mounts(parse_mountinfo(LAPTOP))}["/data"] == "ext4"


def test_a_container_shows_its_root_and_its_volumes() -> None:
    assert shown(CONTAINER) == ["/", "/work"]


def test_the_mount_of_the_workspace_is_shown_whatever_it_is() -> None:
    assert "/run" in shown(LAPTOP, "/run/user/1000/ws")
    assert shown(SERVER, "/mnt/again/ws") == [
        "/",
        "/export/x/remote",
        "/mnt/again",
        "/mnt/share",
        "/srv/my data",
    ]


def test_lines_that_are_no_mounts_are_left_out() -> None:
    assert parse_mountinfo(b"") == []
    assert parse_mountinfo(b"nonsense\n22 27 0:21 / /a rw - \n1 2 3 - x y\n") == []
    assert [mount.path for mount in parse_mountinfo(b"22 27 0:21 / /\xff rw - ext4 x rw\n")] == ["/\udcff"]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/srv/my data/x", "/srv/my data"),
        ("/srv/my datax", "/"),
        ("/srv", "/"),
        ("/", "/"),
        ("/mnt/share", "/mnt/share"),
        ("/proc/1/fd", "/proc"),
    ],
)
def test_a_path_lies_on_the_longest_prefix(path: str, expected: str) -> None:
    mount = mount_of(path, parse_mountinfo(SERVER))
    assert mount is not None
    assert mount.path == expected


def test_of_mounts_on_one_path_the_last_counts() -> None:
    mount = mount_of("/data/x", parse_mountinfo(LAPTOP))
    assert mount is not None
    assert mount.kind == "ext4"


def test_network_kinds() -> None:
    assert [
        kind for kind in ("nfs", "cifs", "fuse.sshfs", "fuse", "fuseblk", "ext4") if is_network(kind)
    ] == [
        "nfs",
        "cifs",
        "fuse.sshfs",
        "fuse",
    ]


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_the_root_of_this_host_has_space_as_statvfs_says() -> None:
    (root,) = (mount for mount in read_mounts() if mount.path == "/")
    path, _, total, free, percent, network, asked_ms, problem = space(root, SYSTEM_CLOCK)
    answer = os.statvfs("/")
    assert (path, total, network, problem) == ("/", answer.f_blocks * answer.f_frsize, False, None)
    assert 0 <= free <= total
    assert 0 <= percent <= 100
    assert asked_ms >= 0
    assert any(mount.path == "/proc" for mount in all_mounts())


def test_a_mount_that_is_gone_is_a_problem_and_no_exception() -> None:
    row = space(Mount("/nowhere\x1b/at all", "ext4", "x", "1:1", "/", False), SYSTEM_CLOCK)
    assert row[0] == "/nowhere\\x1b/at all"
    assert row[2] is None
    assert row[-1] == "No such file or directory"


@pytest.mark.skipif(not os.path.ismount("/proc"), reason="needs /proc")
def test_a_file_system_without_a_size_says_so() -> None:
    assert space(Mount("/proc", "proc", "proc", "0:21", "/", False), SYSTEM_CLOCK)[-1] == "it has no size"


@pytest.mark.parametrize("name", ["\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\r", "\x1b[31m"])
def test_a_mount_whose_name_holds_any_line_end_but_the_kernels_is_one_mount(name):
    line = f"40 27 8:1 / /mnt/a{name}b rw - ext4 /dev/sda1 rw\n"
    assert [mount.path for mount in parse_mountinfo(SERVER + line.encode())][-1] == f"/mnt/a{name}b"
