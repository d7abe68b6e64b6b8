"""Killed at every write, fsync, swap, create and unlink of apply, undo, recovery and settling: nothing is lost."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from core.balance.apply import apply_plan
from core.balance.receipts import verify
from core.balance.recover import recover, settle, unfinished
from core.balance.undo import undo_plan
from tests.balance.executor.crash import KINDS, every, killed, reached
from tests.balance.executor.scene import (
    BY,
    census,
    ids,
    leftovers,
    load,
    no_wait,
    plan_for,
    put,
    queue,
    snapshot,
    task,
)
from tests.fakes import FakeClock

MOVES = [("T-2", "CA", "CB"), ("T-1", "CA", "CC"), ("B-1", "CB", "CA")]
PLAN = "a1b2c3d4e5f60718"
STEPS = [11, pytest.param(1, marks=[pytest.mark.long, pytest.mark.timeout(900)])]


def build(root: Path) -> Path:
    """A workspace of four agents in different styles."""
    root.mkdir()
    put(root, "CA", queue("CA", task("T-1", "HIGH"), task("T-2"), task("T-3", hours=1.0)))
    put(root, "CB", queue("CB", task("B-1", "LOW")), indent=None)
    put(root, "CC", queue("CC"), indent=4)
    put(root, "CD", queue("CD", task("D-1", status="in_progress")))
    return root


def applied(root: Path) -> Callable[[], None]:
    plan = plan_for(root, MOVES)
    return lambda: check(apply_plan(str(root), plan, BY, FakeClock(), wait=no_wait).state == "complete")


def undone(root: Path) -> Callable[[], None]:
    clock = FakeClock()
    clock.advance(5)
    return lambda: check(undo_plan(str(root), PLAN, BY, clock, wait=no_wait).state == "complete")


def recovered(root: Path) -> Callable[[], None]:
    return lambda: check(recover(str(root), BY, FakeClock(), wait=no_wait) is not None)


def check(value: bool) -> None:
    assert value


def whole(root: Path, before: dict[str, int]) -> None:
    """After recovery: every task once, everything parses, nothing of ours is left, and there is nothing more to do."""
    assert census(root) == before
    for data in snapshot(root).values():
        json.loads(data)
    assert leftovers(root) == []
    assert unfinished(str(root)) == ()
    files = snapshot(root)
    assert recover(str(root), BY, FakeClock(), wait=no_wait) == ()
    assert settle(str(root), FakeClock(), wait=no_wait) == ()
    assert snapshot(root) == files
    for task_id, source, receiver in MOVES:
        assert sum(task_id in ids(root, agent) for agent in (source, receiver)) == 1
    assert load(root, "CD")["tasks"] == [task("D-1", status="in_progress")]


@pytest.mark.parametrize("step", STEPS)
def test_apply_killed_at_every_point_is_recovered_from(tmp_path, step):
    work = applied(build(tmp_path / "fresh"))
    names = reached(work)
    assert set(names) >= KINDS | {"mkdir", "replace"}
    states = set()
    for at in every(len(names), step):
        root = build(tmp_path / f"a{at}")
        before = census(root)
        assert killed(applied(root), at), f"point {at} was not reached"
        assert sum(census(root).values()) >= sum(before.values())  # never a loss, not even before recovery
        assert all(census(root)[name] in (1, 2) for name in before)
        found = recover(str(root), BY, FakeClock(), wait=no_wait)
        states.update(row.code for row in found)
        whole(root, before)
        if (root / ".bluetop" / "receipts" / f"{PLAN}.json").exists():
            assert verify(str(root), PLAN).ok
        shutil.rmtree(root)
    assert states >= {"aborted"}
    if step == 1:
        assert states == {"aborted", "finished", "removed_copy"}
        root = build(tmp_path / "end")
        assert not killed(applied(root), len(names) + 1)


@pytest.mark.parametrize("step", STEPS)
def test_undo_killed_at_every_point_is_recovered_from(tmp_path, step):
    root = build(tmp_path / "fresh")
    applied(root)()
    names = reached(undone(root))
    assert set(names) >= KINDS
    for at in every(len(names), step):
        root = build(tmp_path / f"u{at}")
        before = census(root)
        applied(root)()
        assert killed(undone(root), at), f"point {at} was not reached"
        recover(str(root), BY, FakeClock(), wait=no_wait)
        whole(root, before)
        shutil.rmtree(root)


def stopped_at(root: Path, at: int) -> Path:
    """A workspace in which apply was killed at a point."""
    build(root)
    assert killed(applied(root), at)
    return root


@pytest.mark.parametrize("step", STEPS)
def test_recovery_killed_at_every_point_is_recovered_from(tmp_path, step):
    names = reached(applied(build(tmp_path / "fresh")))
    swaps = [number for number, name in enumerate(names, 1) if name == "exchange"]
    # Just before the destination is swapped in (C2), just after (C3), and after the source is (C4).
    crashes = [swaps[0], swaps[0] + 1, swaps[1], swaps[1] + 1, swaps[3], swaps[5] + 2]
    kinds: set[str] = set()
    for crash in crashes if step == 1 else crashes[2:3]:
        root = stopped_at(tmp_path / f"r{crash}", crash)
        points = reached(recovered(root))
        kinds |= set(points)
        for at in every(len(points), step):
            root = stopped_at(tmp_path / f"r{crash}-{at}", crash)
            assert killed(recovered(root), at), f"point {at} of {len(points)} was not reached"
            recover(str(root), BY, FakeClock(), wait=no_wait)
            whole(root, {"T-1": 1, "T-2": 1, "T-3": 1, "B-1": 1, "D-1": 1})
            shutil.rmtree(root)
    assert kinds >= KINDS


def lost(root: Path) -> None:
    """Another writer put older copies back: T-2 is nowhere, T-1 is in both places."""
    build(root)
    old = snapshot(root)
    applied(root)()
    for agent, keep in (("CB", "CB"), ("CA", "CA")):
        path = root / "postbox" / agent / "outbox.json"
        document = json.loads(old[f"postbox/{keep}/outbox.json"])
        document["tasks"] = [row for row in document["tasks"] if row["task_id"] in ("T-1", "T-3")]
        if agent == "CA":
            document["tasks"].append(load(root, "CA")["tasks"][-1])
        path.write_text(json.dumps(document, indent=2, ensure_ascii=False))


@pytest.mark.parametrize("step", STEPS)
def test_settling_killed_at_every_point_is_recovered_from(tmp_path, step):
    def work(root: Path) -> Callable[[], None]:
        return lambda: check(len(settle(str(root), FakeClock(), wait=no_wait)) == 2)

    lost(tmp_path / "fresh")
    assert census(tmp_path / "fresh") == {"T-1": 2, "T-3": 1, "B-1": 1, "D-1": 1}
    names = reached(work(tmp_path / "fresh"))
    assert set(names) >= KINDS
    for at in every(len(names), step):
        root = tmp_path / f"s{at}"
        lost(root)
        assert killed(work(root), at)
        recover(str(root), BY, FakeClock(), wait=no_wait)
        settle(str(root), FakeClock(), wait=no_wait)
        whole(root, {"T-1": 1, "T-2": 1, "T-3": 1, "B-1": 1, "D-1": 1})
        shutil.rmtree(root)
