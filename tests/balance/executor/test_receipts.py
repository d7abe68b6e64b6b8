"""Receipts and the list of what was done: what they say can be checked later, and by others."""

import hashlib
import json

import pytest

from core.balance.apply import apply_plan
from core.balance.receipts import history, verify
from core.errors import UsageError
from tests.balance.executor.scene import BY, census, load, no_wait, plan_for, put, queue, snapshot, task

PLAN = "a1b2c3d4e5f60718"
MOVES = [("T-2", "CA", "CB"), ("T-1", "CA", "CC")]


@pytest.fixture
def receipt(root, clock):
    """The receipt of a plan that was applied, as it lies there."""
    before = {"census": census(root), "files": snapshot(root)}
    apply_plan(str(root), plan_for(root, MOVES), BY, clock, wait=no_wait)
    path = root / ".bluetop" / "receipts" / f"{PLAN}.json"
    return path, json.loads(path.read_bytes()), before


def test_it_holds_the_ids_and_the_hashes_before_and_after(root, receipt):
    _, body, before = receipt
    for moment, files in (("before", before["files"]), ("after", snapshot(root))):
        picture = body[moment]
        assert picture["all_tasks"] == sum(before["census"].values())
        assert sorted(picture["agents"]) == ["CA", "CB", "CC"]
        for agent, row in picture["agents"].items():
            data = files[f"postbox/{agent}/outbox.json"]
            assert row["sha256"] == hashlib.sha256(data).hexdigest()
            assert row["tasks"] == {one["task_id"]: 1 for one in json.loads(data)["tasks"]}
    assert body["before"]["all_ids_sha256"] == body["after"]["all_ids_sha256"]
    assert body["by"] == {"user": "maria", "origin": "10.0.0.7", "reason": "a test"}
    assert body["result"]["state"] == "complete"


def test_right_after_it_all_is_well(root, receipt):
    found = verify(str(root), PLAN)
    assert found.ok
    assert found.data()["schema"] == "bluetop.verify/1"
    assert [(row.task_id, row.agent, row.state) for row in found.moved] == [
        ("T-1", "CC", "ok"),
        ("T-2", "CB", "ok"),
    ]
    assert (found.changed, found.tasks) == ((), 4)


def change(root, agent, act):
    document = load(root, agent)
    act(document)
    put(root, agent, document)


def test_a_task_that_came_to_its_end_is_no_loss(root, receipt):
    change(root, "CB", lambda row: row.update(tasks=[], history=[{"task_id": "T-2"}, {"task_id": "B-1"}]))
    found = verify(str(root), PLAN)
    assert found.ok
    assert found.moved[1][1:3] == ("CB", "finished")
    assert found.changed == ("CB",)


def test_a_task_that_is_gone_and_one_that_is_there_twice_are_named(root, receipt):
    change(root, "CB", lambda row: row.update(tasks=[one for one in row["tasks"] if one["task_id"] != "T-2"]))
    change(root, "CA", lambda row: row["tasks"].append(task("B-1")))
    found = verify(str(root), PLAN)
    assert not found.ok
    assert [(row.task_id, row.state) for row in found.trouble] == [("B-1", "doubled"), ("T-2", "gone")]


def test_a_doubled_task_is_found_with_an_agent_that_had_no_part(root, receipt):
    put(root, "CX", queue("CX", task("T-3")))
    found = verify(str(root), PLAN)
    assert [(row.task_id, row.state) for row in found.trouble] == [("T-3", "doubled")]


def test_a_task_that_was_moved_on_is_no_loss(root, receipt):
    moved = load(root, "CC")["tasks"][0]
    change(root, "CC", lambda row: row["tasks"].clear())
    change(root, "CA", lambda row: row["tasks"].append(moved))
    found = verify(str(root), PLAN)
    assert found.ok
    assert found.moved[0].state == "moved_on"


def test_a_file_that_cannot_be_read_now_leaves_it_open(root, receipt):
    (root / "postbox/CC/outbox.json").write_text("{")
    found = verify(str(root), PLAN)
    assert found.moved[0].state == "unknown"
    assert found.changed == ("CC",)


def test_a_receipt_that_was_changed_is_not_believed(root, receipt):
    path, body, _ = receipt
    body["by"]["user"] = "somebody else"
    path.write_text(json.dumps(body))
    found = verify(str(root), PLAN)
    assert (found.intact, found.ok) == (False, False)


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", "null", '{"schema": "bluetop.receipt/1", "plan_id": "a1b2c3d4e5f60718"}']
)
def test_what_is_no_receipt_is_said_to_be_none(root, receipt, text):
    receipt[0].write_text(text)
    with pytest.raises(UsageError):
        verify(str(root), PLAN)


def test_without_a_receipt_the_way_to_the_list_is_told(root):
    for plan_id in ("d" * 16, "../x"):
        with pytest.raises(UsageError, match="--history"):
            verify(str(root), plan_id)


def test_a_plan_of_which_nothing_could_be_done_has_a_receipt_too(root, clock):
    plan = plan_for(root, [("T-1", "CA", "CB")])
    put(root, "CA", {**load(root, "CA"), "tasks": []})
    assert apply_plan(str(root), plan, BY, clock, wait=no_wait).state == "nothing"
    assert verify(str(root), PLAN).ok


def test_the_list_says_who_when_why_and_what_was_predicted(root, receipt):
    (past,) = history(str(root))
    assert (past.plan_id, past.kind, past.user, past.origin, past.reason) == (
        PLAN, "apply", "maria", "10.0.0.7", "a test",
    )  # fmt: skip
    assert (past.moved, past.skipped, past.state, past.open, past.undone_by) == (2, 0, "complete", 0, "")
    assert [row[1:4] for row in past.moves] == [("T-2", "CA", "CB"), ("T-1", "CA", "CC")]
    assert past.data()["at"] == "2026-05-28T20:26:40.000Z"
    json.dumps(past.data())


def test_nothing_done_is_an_empty_list(root):
    assert history(str(root)) == ()
