"""Undoing a plan: tasks go back as they were and where they were; what has gone on since stays and is reported."""

import re

import pytest

from core.balance.apply import apply_plan
from core.balance.receipts import history, verify
from core.balance.undo import undo_plan, undoable
from core.errors import UsageError
from tests.balance.executor.scene import (
    BY,
    ids,
    journal,
    load,
    no_wait,
    plan_for,
    put,
    queue,
    snapshot,
    task,
)

PLAN = "a1b2c3d4e5f60718"
MOVES = [("T-2", "CA", "CB"), ("T-1", "CA", "CC"), ("T-3", "CA", "CC"), ("B-1", "CB", "CA")]


def untimed(files: dict[str, bytes]) -> dict[str, bytes]:
    """The files without the time of their last update."""
    return {name: re.sub(rb'"last_updated": "[^"]*"', b"", data) for name, data in files.items()}


def apply(root, clock, moves=MOVES):
    return apply_plan(str(root), plan_for(root, moves), BY, clock, wait=no_wait)


def undo(root, clock, plan_id=PLAN):
    clock.advance(5)
    return undo_plan(str(root), plan_id, BY, clock, wait=no_wait)


def test_an_undo_gives_the_former_bytes(root, clock):
    before = snapshot(root)
    assert apply(root, clock).applied == (1, 2, 3, 4)
    assert undoable(str(root), PLAN, clock) == ((1, 2, 3, 4), ())
    result = undo(root, clock)
    assert (result.applied, result.state) == ((1, 2, 3, 4), "complete")
    assert result.plan_id != PLAN
    assert untimed(snapshot(root)) == untimed(before)
    assert journal(root, result.plan_id)[0]["of"] == PLAN


def test_an_undo_of_an_undo_makes_the_moves_again_and_so_on(root, clock):
    before = untimed(snapshot(root))
    apply(root, clock)
    after = untimed(snapshot(root))
    plan_id = PLAN
    for number in range(5):
        result = undo(root, clock, plan_id)
        assert result.state == "complete"
        plan_id = result.plan_id
        assert untimed(snapshot(root)) == (after if number % 2 else before)
        assert verify(str(root), plan_id).ok
    past = history(str(root))
    assert [row.kind for row in past] == ["undo"] * 5 + ["apply"]
    assert [bool(row.undone_by) for row in past] == [False, True, False, True, False, True]


def test_a_former_mark_comes_back_as_it_was(root, clock):
    mark = {"moved_at": "2020-01-01T00:00:00Z", "origin": "CX", "plan_id": "old", "count": 1.0}
    put(root, "CA", queue("CA", task("T-1", bluetop=mark), task("T-2")))
    before = snapshot(root)
    apply(root, clock, [("T-1", "CA", "CB")])
    assert load(root, "CB")["tasks"][-1]["bluetop"]["origin"] == "CX"
    undo(root, clock)
    assert untimed(snapshot(root)) == untimed(before)


def test_what_was_started_changed_or_moved_since_stays_and_is_reported(root, clock):
    apply(root, clock)
    documents = {agent: load(root, agent) for agent in ("CB", "CC", "CA")}
    documents["CB"]["tasks"][0]["status"] = "in_progress"  # T-2
    documents["CC"]["tasks"][0]["title"] = "changed"  # T-1
    put(root, "CD", queue("CD", documents["CC"]["tasks"].pop(1)))  # T-3
    for agent, document in documents.items():
        put(root, agent, document)
    can, cannot = undoable(str(root), PLAN, clock)
    result = undo(root, clock)
    for rows in (cannot, result.skipped):
        assert [(row.seq, row.task_id, row.code) for row in rows] == [
            (1, "T-2", "stale_status"), (2, "T-1", "stale_changed"), (3, "T-3", "stale_missing"),
        ]  # fmt: skip
    assert (can, result.applied, result.state) == ((4,), (4,), "partial")
    assert result.skipped[0].detail == "now in_progress"
    assert result.skipped[2].detail == "not with CC any more; it is with CD"


def test_undoing_what_was_undone_finds_nothing_to_take_back(root, clock):
    apply(root, clock)
    undo(root, clock)
    files = snapshot(root)
    result = undo(root, clock)
    assert (result.applied, result.state) == ((), "nothing")
    assert {row.code for row in result.skipped} == {"stale_missing"}
    assert snapshot(root) == files


def test_a_task_goes_back_to_its_neighbour_though_others_came_and_went(root, clock):
    apply(root, clock, [("T-2", "CA", "CB")])
    document = load(root, "CA")
    document["tasks"] = [task("N-1"), task("N-2"), document["tasks"][0], task("N-3")]
    put(root, "CA", document)
    undo(root, clock)
    assert ids(root, "CA") == ["N-1", "N-2", "T-1", "T-2", "N-3"]


def test_without_its_first_neighbour_it_goes_before_the_other(root, clock):
    apply(root, clock, [("T-2", "CA", "CB")])
    document = load(root, "CA")
    document["tasks"] = [task("N-1"), document["tasks"][1]]
    put(root, "CA", document)
    undo(root, clock)
    assert ids(root, "CA") == ["N-1", "T-2", "T-3"]


def test_an_evacuation_can_be_undone_though_its_owner_takes_no_tasks(root, clock):
    put(root, "CA", queue("CA", task("T-1"), status="retired"))
    before = snapshot(root)
    apply(root, clock, [("T-1", "CA", "CB")])
    assert undo(root, clock).state == "complete"
    assert untimed(snapshot(root)) == untimed(before)


def test_an_owner_that_retired_since_gets_nothing_back(root, clock):
    apply(root, clock, [("T-1", "CA", "CB")])
    put(root, "CA", {**load(root, "CA"), "status": "decommissioned"})
    result = undo(root, clock)
    assert [row.code for row in result.skipped] == ["stale_receiver"]
    assert "decommissioned" in result.skipped[0].detail


def test_an_owner_that_has_done_it_gets_it_not_back(root, clock):
    apply(root, clock, [("T-1", "CA", "CB")])
    document = load(root, "CA")
    document["history"].append({"task_id": "T-1", "status": "completed"})
    put(root, "CA", document)
    assert [row.code for row in undo(root, clock).skipped] == ["stale_duplicate"]


@pytest.mark.parametrize("plan_id", ["c" * 16, "../../etc", "", "x"])
def test_a_plan_that_was_never_applied_cannot_be_undone(root, clock, plan_id):
    for act in (
        lambda: undo_plan(str(root), plan_id, BY, clock),
        lambda: undoable(str(root), plan_id, clock),
    ):
        with pytest.raises(UsageError, match="--history"):
            act()
    assert not (root / ".bluetop").exists()


def test_a_plan_that_moved_nothing_has_nothing_to_undo(root, clock):
    plan = plan_for(root, [("T-1", "CA", "CB")])
    put(root, "CA", queue("CA"))
    assert apply_plan(str(root), plan, BY, clock, wait=no_wait).state == "nothing"
    with pytest.raises(UsageError, match="nothing to undo"):
        undo(root, clock)


def test_looking_what_can_be_undone_writes_nothing(root, clock):
    apply(root, clock)
    before = {path: path.stat().st_mtime_ns for path in root.rglob("*")}
    undoable(str(root), PLAN, clock)
    assert {path: path.stat().st_mtime_ns for path in root.rglob("*")} == before


def test_moves_that_were_not_made_are_not_taken_back_and_said(root, clock):
    plan = plan_for(root, [("T-1", "CA", "CB"), ("T-2", "CA", "CB")])
    put(root, "CA", {**load(root, "CA"), "tasks": [task("T-1", "HIGH")]})
    apply_plan(str(root), plan, BY, clock, wait=no_wait)
    can, cannot = undoable(str(root), PLAN, clock)
    assert (can, [(row.seq, row.code) for row in cannot]) == ((1,), [(2, "not_made")])
    assert undo(root, clock).state == "complete"
