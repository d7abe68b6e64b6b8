"""What is left alone after a hang: the rules by themselves, then with real processes."""

import os
import sys

import pytest

from core.prober.guard import Bans, Guard
from core.prober.mounts import Mount
from tests.prober.conftest import Cell

MOUNTS = [
    Mount("/", "ext4", "/dev/vda", "254:0", "/", False),
    Mount("/proc", "proc", "proc", "0:21", "/", False),
    Mount("/mnt/share", "nfs4", "server:/share", "0:50", "/", True),
    Mount("/mnt/share/deep", "ext4", "/dev/vdb", "254:16", "/", False),
]


def bans() -> Bans:
    return Bans(lambda: MOUNTS)


def paths(rules: Bans) -> set[str]:
    return {ban.path for ban in rules.all()}


def probes(rules: Bans, now: float) -> set[str]:
    return {ban.probe for ban in rules.due(now)}


def settle(rules: Bans, path: str, answered: bool, now: float) -> None:
    (ban,) = (ban for ban in rules.all() if ban.path == path)
    rules.settle(ban, answered, now)


def test_a_hang_bars_the_path_and_its_mount() -> None:
    rules = bans()
    rules.hung("/mnt/share/ws/CA", 100.0)
    assert paths(rules) == {"/mnt/share/ws/CA", "/mnt/share"}


def test_a_mount_within_the_mount_is_the_one_that_is_barred() -> None:
    rules = bans()
    rules.hung("/mnt/share/deep/file", 100.0)
    assert paths(rules) == {"/mnt/share/deep/file", "/mnt/share/deep"}


@pytest.mark.parametrize("path", ["/srv/ws/CA", "/proc/4711", "/"])
def test_the_root_and_proc_are_never_barred_as_a_whole(path: str) -> None:
    rules = bans()
    rules.hung(path, 100.0)
    assert paths(rules) == {path}


def test_when_the_mount_point_answers_only_the_culprit_stays_barred() -> None:
    rules = bans()
    rules.hung("/mnt/share/ws/CA", 100.0)
    assert probes(rules, 100.5) == set()
    assert probes(rules, 101.0) == {"/mnt/share", "/mnt/share/ws/CA"}
    settle(rules, "/mnt/share", True, 101.1)
    assert paths(rules) == {"/mnt/share/ws/CA"}
    settle(rules, "/mnt/share/ws/CA", True, 101.2)
    assert paths(rules) == set()


def test_after_a_second_hang_the_mount_point_is_no_witness_any_more() -> None:
    rules = bans()
    rules.hung("/mnt/share/ws/CA", 100.0)
    settle(rules, "/mnt/share", True, 101.1)
    rules.hung("/mnt/share/ws/CB", 110.0)
    assert paths(rules) == {"/mnt/share/ws/CA", "/mnt/share/ws/CB", "/mnt/share"}
    assert {ban.path: ban.probe for ban in rules.all()}["/mnt/share"] == "/mnt/share/ws/CB"


def test_canaries_are_sent_after_1_2_4_up_to_60_seconds() -> None:
    rules = bans()
    rules.hung("/srv/ws/CA", 0.0)
    now, pauses = 0.0, []
    for _ in range(9):
        pauses.append(rules.all()[0].due - now)
        now = rules.all()[0].due
        settle(rules, "/srv/ws/CA", False, now)
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_a_path_that_hangs_again_soon_is_given_less_trust() -> None:
    rules = bans()
    rules.hung("/srv/ws/CA", 0.0)
    settle(rules, "/srv/ws/CA", True, 1.0)
    rules.hung("/srv/ws/CA", 10.0)
    assert rules.all()[0].due == 12.0
    settle(rules, "/srv/ws/CA", True, 12.0)
    rules.hung("/srv/ws/CA", 1000.0)
    assert rules.all()[0].due == 1001.0


def test_a_crash_is_forgiven_once_and_then_costs_twice_as_long_each_time() -> None:
    rules = bans()
    rules.crashed("/srv/ws/CA", 0.0)
    assert paths(rules) == set()
    rules.crashed("/srv/ws/CA", 0.0)
    assert paths(rules) == {"/srv/ws/CA"}
    assert rules.due(29.0) == []
    assert paths(rules) == {"/srv/ws/CA"}
    rules.due(30.0)
    assert paths(rules) == set()
    rules.crashed("/srv/ws/CA", 40.0)
    rules.due(99.0)
    assert paths(rules) == {"/srv/ws/CA"}
    rules.due(100.0)
    assert paths(rules) == set()


linux = pytest.mark.skipif(sys.platform != "linux", reason="watches processes through /proc")


@linux
def test_the_guard_replaces_a_hung_prober_and_lets_the_path_in_again_when_it_answers(cell: Cell) -> None:
    good = cell.put("CA", "3")
    bad = str(cell.workspace / "stuck")
    os.mkfifo(bad)
    guard = Guard(cell.prober, cell.clock, mounts=lambda: MOUNTS[:1])
    cell.prober.send("queues", **cell.queues())
    fifo = os.open(bad, os.O_WRONLY)
    stuck = None
    while stuck is None:
        cell.clock.advance(2.0)
        stuck = guard.check(cell.clock.now())
    assert stuck.unit == f"queues:{bad}"
    assert guard.skip == (bad,)
    assert [(hung.path, hung.reason) for hung in guard.hung] == [(bad, "does not answer")]
    assert [reply.gone for reply in cell.prober.receive()] == [True]

    parts = cell.prober.ask("queues", 5.0, **cell.queues(guard.skip))
    assert [row[1] for row in parts[0]["changed"]] == [good]

    cell.clock.advance(1.0)
    while guard.skip:  # the canary opens without waiting, so it comes back at once
        guard.check(cell.clock.now())
    assert guard.hung == ()
    os.close(fifo)
    guard.close()


@linux
def test_a_file_that_ends_the_helper_is_left_alone_after_the_second_time(cell: Cell) -> None:
    guard = Guard(cell.prober, cell.clock, mounts=lambda: MOUNTS[:1])
    bad = cell.put("CB", "crash")
    for _ in range(2):
        cell.prober.send("queues", **cell.queues(guard.skip))
        while not cell.prober.receive(5.0):
            pass
        guard.check(cell.clock.now())
    assert guard.skip == (bad,)
    cell.put("CA", "3")
    parts = cell.prober.ask("queues", 5.0, **cell.queues(guard.skip))
    assert [row[0] for row in parts[0]["changed"]] == ["CA"]
    assert guard.misses == 2
