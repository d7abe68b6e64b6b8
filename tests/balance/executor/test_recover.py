"""What a crash or a writer without locks leaves behind: each state of the table comes to the end that it names."""

import fcntl
import json
import os

import pytest

from core.balance.apply import apply_plan
from core.balance.receipts import history, verify
from core.balance.recover import recover, settle, unfinished
from core.balance.undo import undo_plan
from core.control import ChangeFailed
from tests.balance.executor.scene import (
    BY,
    census,
    ids,
    journal,
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

PLAN = "a1b2c3d4e5f60718"


def change(root, agent, act):
    document = load(root, agent)
    act(document)
    put(root, agent, document)


@pytest.fixture
def crashed(root, clock):
    """T-1 was being moved from CA to CB: both files before and after, and a way to set the state found."""
    old = snapshot(root)
    apply_plan(str(root), plan_for(root, [("T-1", "CA", "CB")]), BY, clock, wait=no_wait)
    new = snapshot(root)
    path = root / ".bluetop" / "journal" / f"{PLAN}.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)

    def state(source: str, receiver: str, records: int) -> None:
        for agent, word in (("CA", source), ("CB", receiver)):
            name = f"postbox/{agent}/outbox.json"
            (root / name).write_bytes({"old": old, "new": new}[word][name])
        path.write_bytes(b"".join(lines[:records]))

    return state


def found(root, clock):
    rows = recover(str(root), BY, clock, wait=no_wait)
    assert recover(str(root), BY, clock, wait=no_wait) == ()
    assert unfinished(str(root)) == ()
    assert leftovers(root) == []
    return [(row.task_id, row.code) for row in rows]


def test_c0_before_the_intent_there_is_nothing_to_do(root, clock, crashed):
    crashed("old", "old", 1)
    assert [(row.plan_id, row.user, row.origin, row.open) for row in unfinished(str(root))] == [
        (PLAN, "maria", "10.0.0.7", 0)
    ]
    files = snapshot(root)
    assert found(root, clock) == []
    assert snapshot(root) == files


def test_c1_and_c2_the_task_is_in_its_source_only(root, clock, crashed):
    crashed("old", "old", 2)
    name = f".outbox.json.bluetop-{PLAN}-00ff00ff.tmp"
    others = ".outbox.json.bluetop-ffffffffffffffff-00ff00ff.tmp"
    (root / "postbox/CB" / name).write_text("{")
    (root / "postbox/CB" / others).write_text("of another workspace, which links here")
    files = snapshot(root)
    assert unfinished(str(root))[0].open == 1
    assert [row.code for row in recover(str(root), BY, clock, wait=no_wait)] == ["aborted"]
    assert snapshot(root) == files
    assert leftovers(root) == [others]


@pytest.mark.parametrize("records", [2, 3])
def test_c3_both_are_as_in_the_journal(root, clock, crashed, records):
    crashed("old", "new", records)
    assert found(root, clock) == [("T-1", "removed_copy")]
    assert (ids(root, "CA"), ids(root, "CB")) == (["T-2", "T-3"], ["T-1", "B-1"])


@pytest.mark.parametrize("what", [{"status": "in_progress"}, {"title": "x"}, {"status": "completed"}])
def test_c3_the_copy_in_the_source_was_started_or_changed(root, clock, crashed, what):
    crashed("old", "new", 2)
    change(root, "CA", lambda row: row["tasks"][0].update(what))
    assert found(root, clock) == [("T-1", "removed_copy")]
    assert (ids(root, "CA"), ids(root, "CB")) == (["T-1", "T-2", "T-3"], ["B-1"])
    assert load(root, "CA")["tasks"][0] == {**task("T-1", "HIGH"), **what}


def test_c3_the_copy_at_the_destination_was_started(root, clock, crashed):
    crashed("old", "new", 2)
    change(root, "CB", lambda row: row["tasks"][0].update(status="in_progress"))
    assert found(root, clock) == [("T-1", "removed_copy")]
    assert (ids(root, "CA"), ids(root, "CB")) == (["T-2", "T-3"], ["T-1", "B-1"])


def test_c3_both_were_started_and_both_are_kept(root, clock, crashed):
    crashed("old", "new", 2)
    for agent in ("CA", "CB"):
        change(root, agent, lambda row: row["tasks"][0].update(status="in_progress"))
    files = snapshot(root)
    rows = recover(str(root), BY, clock, wait=no_wait)
    assert [row.code for row in rows] == ["conflict"]
    assert "CA" in rows[0].detail
    assert "CB" in rows[0].detail
    assert snapshot(root) == files
    assert recover(str(root), BY, clock, wait=no_wait) == ()


def test_a_conflict_whose_copies_both_vanish_is_a_loss_again(root, clock, crashed):
    crashed("old", "new", 2)
    for agent in ("CA", "CB"):
        change(root, agent, lambda row: row["tasks"][0].update(status="in_progress"))
    assert [row.code for row in recover(str(root), BY, clock, wait=no_wait)] == ["conflict"]
    assert settle(str(root), clock, wait=no_wait) == ()
    for agent in ("CA", "CB"):
        change(root, agent, lambda row: row["tasks"].pop(0))
    rows = settle(str(root), clock, wait=no_wait)
    assert [(row.task_id, row.code) for row in rows] == [("T-1", "restored")]
    assert [agent for agent in ("CA", "CB") if "T-1" in ids(root, agent)] == ["CA"]
    assert settle(str(root), clock, wait=no_wait) == ()


def test_c3_the_source_has_done_it_meanwhile(root, clock, crashed):
    crashed("new", "new", 2)
    change(root, "CA", lambda row: row["history"].append({"task_id": "T-1", "status": "completed"}))
    assert found(root, clock) == [("T-1", "removed_copy")]
    assert ids(root, "CB") == ["B-1"]


@pytest.mark.parametrize("records", [2, 3])
def test_c4_the_task_is_at_its_destination_only(root, clock, crashed, records):
    crashed("new", "new", records)
    files = snapshot(root)
    assert found(root, clock) == [("T-1", "finished")]
    assert snapshot(root) == files
    assert undo_plan(str(root), PLAN, BY, clock, wait=no_wait).state == "complete"


def test_c5_the_task_is_nowhere(root, clock, crashed):
    crashed("new", "old", 3)
    assert found(root, clock) == [("T-1", "restored")]
    assert ids(root, "CA") == ["T-1", "T-2", "T-3"]
    assert load(root, "CA")["tasks"][0] == task("T-1", "HIGH")


@pytest.mark.parametrize("agent", ["CA", "CB"])
def test_what_is_in_a_history_is_not_put_back(root, clock, crashed, agent):
    crashed("new", "old", 3)
    change(root, agent, lambda row: row["history"].append({"task_id": "T-1", "status": "completed"}))
    assert found(root, clock) == [("T-1", "finished")]
    assert "T-1" not in census(root)


def test_what_a_third_agent_has_is_not_put_back(root, clock, crashed):
    crashed("new", "old", 3)
    put(root, "CC", queue("CC", task("T-1")))
    assert found(root, clock) == [("T-1", "finished")]
    assert census(root)["T-1"] == 1


def test_what_cannot_be_read_now_is_left_for_later(root, clock, crashed):
    crashed("old", "new", 2)
    path = root / "postbox/CB/outbox.json"
    data = path.read_bytes()
    path.write_bytes(data[:-9])
    assert [row.code for row in recover(str(root), BY, clock, wait=no_wait)] == ["unreadable"]
    assert len(unfinished(str(root))) == 1
    path.write_bytes(data)
    assert found(root, clock) == [("T-1", "removed_copy")]


def test_a_torn_line_is_passed_over_and_spoils_none_after_it(root, clock, crashed):
    crashed("old", "new", 2)
    path = root / ".bluetop" / "journal" / f"{PLAN}.jsonl"
    with open(path, "ab") as file:
        file.write(b'{"record":"inser')
    assert found(root, clock) == [("T-1", "removed_copy")]
    assert [row["record"] for row in journal(root, PLAN)] == ["begin", "intent", "recovered", "end"]


def test_apply_and_undo_recover_first(root, clock, crashed):
    crashed("old", "new", 2)
    result = apply_plan(str(root), plan_for(root, [("T-2", "CA", "CC")], "b" * 16), BY, clock, wait=no_wait)
    assert [(row.plan_id, row.code) for row in result.recovered] == [(PLAN, "removed_copy")]
    assert result.state == "complete"


def test_a_plan_that_was_cut_off_is_not_begun_again_before_it_is_recovered(root, clock, crashed):
    crashed("new", "new", 4)
    plan = plan_for(root, [("T-1", "CB", "CA")])
    plan = plan._replace(moves=(plan.moves[0]._replace(source="CA", receiver="CB"),))
    crashed("old", "new", 3)
    path = root / "postbox/CA/.outbox.json.lock"
    with open(path) as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(ChangeFailed, match="T-1 could not be brought to an end"):
            apply_plan(str(root), plan, BY, clock, wait=no_wait)
    assert found(root, clock) == [("T-1", "removed_copy")]
    assert max(census(root).values()) == 1


def rows_of(root):
    return [
        json.loads(line) for line in (root / ".bluetop/journal" / f"{PLAN}.jsonl").read_text().splitlines()
    ]


HOSTILE = {
    "a path for a name": lambda rows: rows[1].update(receiver="../../etc"),
    "a hidden name": lambda rows: rows[1].update(source=".."),
    "one agent only": lambda rows: rows[1].update(receiver="CA"),
    "another task": lambda rows: rows[1].update(text=json.dumps(task("T-3"))),
    "no task": lambda rows: rows[1].update(placed="[]"),
    "wrong kinds": lambda rows: rows[1].update(place="0"),
    "no text": lambda rows: rows[1].pop("text"),
    "another plan": lambda rows: rows[0].update(plan_id="f" * 16),
    "no begin": lambda rows: rows.pop(0),
    "another record": lambda rows: rows.append({"record": "exec", "seq": 1}),
    "no record": lambda rows: rows.append({}),
    "a peak that no float holds": lambda rows: rows[0].update(peak_before=10**400),
    "hours that no float holds": lambda rows: rows[1].update(hours_to=10**400),
    "a text nested without end": lambda rows: rows[1].update(text="[" * 100_000),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_journal_of_another_shape_is_reported_and_not_followed(root, clock, crashed, name):
    crashed("new", "old", 3)  # one that would be followed would write
    rows = rows_of(root)
    HOSTILE[name](rows)
    text = "".join(json.dumps(row) + "\n" for row in rows)
    (root / ".bluetop/journal" / f"{PLAN}.jsonl").write_text(text)
    files = snapshot(root)
    assert unfinished(str(root))[0].trouble
    rows = recover(str(root), BY, clock, wait=no_wait)
    assert [(row.code, row.task_id) for row in rows] == [("unreadable", "")]
    assert PLAN in rows[0].detail
    assert snapshot(root) == files
    result = apply_plan(str(root), plan_for(root, [("T-2", "CA", "CC")], "b" * 16), BY, clock, wait=no_wait)
    assert result.state == "complete"


def test_a_journal_that_is_a_link_or_a_fifo_is_not_followed(root, clock, crashed):
    crashed("new", "old", 3)
    path = root / ".bluetop/journal" / f"{PLAN}.jsonl"
    path.rename(root / "elsewhere")
    path.symlink_to(root / "elsewhere")
    assert [row.code for row in recover(str(root), BY, clock, wait=no_wait)] == ["unreadable"]
    path.unlink()
    os.mkfifo(path)
    assert [row.code for row in recover(str(root), BY, clock, wait=no_wait)] == ["unreadable"]


def test_a_plan_that_is_being_carried_out_is_told_from_one_that_was_cut_off(root, clock, crashed):
    crashed("old", "new", 2)
    assert [row.running for row in unfinished(str(root))] == [False]
    with open(root / ".bluetop/apply.lock", "w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        assert [row.running for row in unfinished(str(root))] == [True]
        with pytest.raises(ChangeFailed):
            recover(str(root), BY, clock, wait=no_wait)


def test_recovery_stops_when_asked_and_goes_on_another_time(root, clock, crashed):
    crashed("old", "new", 2)
    assert recover(str(root), BY, clock, wait=no_wait, should_stop=lambda: True) == ()
    assert found(root, clock) == [("T-1", "removed_copy")]


def test_a_plan_that_was_cut_off_gets_its_receipt_from_recovery(root, clock, crashed):
    crashed("new", "new", 2)
    (root / ".bluetop/receipts" / f"{PLAN}.json").unlink()
    recover(str(root), BY, clock, wait=no_wait)
    assert verify(str(root), PLAN).ok
    assert [row.state for row in history(str(root))] == ["complete"]


def test_nothing_to_recover_leaves_no_trace(root, clock):
    before = sorted(root.rglob("*"))
    assert recover(str(root), BY, clock, wait=no_wait) == ()
    assert settle(str(root), clock, wait=no_wait) == ()
    assert unfinished(str(root)) == ()
    assert sorted(root.rglob("*")) == before


# -- the minute after ------------------------------------------------------------------------------


@pytest.fixture
def moved(root, clock):
    """T-1 was moved from CA to CB a moment ago; the files before."""
    old = snapshot(root)
    apply_plan(str(root), plan_for(root, [("T-1", "CA", "CB")]), BY, clock, wait=no_wait)
    return old


def back(root, old, *agents):
    for agent in agents:
        (root / f"postbox/{agent}/outbox.json").write_bytes(old[f"postbox/{agent}/outbox.json"])


def looked(root, clock):
    rows = settle(str(root), clock, wait=no_wait)
    assert settle(str(root), clock, wait=no_wait) == ()
    assert unfinished(str(root)) == ()
    return [(row.task_id, row.code) for row in rows]


def test_a_task_that_an_older_copy_took_away_is_put_back(root, clock, moved):
    back(root, moved, "CB")
    assert looked(root, clock) == [("T-1", "restored")]
    assert ids(root, "CA") == ["T-1", "T-2", "T-3"]


def test_a_task_that_an_older_copy_brought_back_is_removed(root, clock, moved):
    back(root, moved, "CA")
    assert looked(root, clock) == [("T-1", "removed_copy")]
    assert (ids(root, "CA"), ids(root, "CB")) == (["T-2", "T-3"], ["T-1", "B-1"])


def test_a_move_that_two_older_copies_undid_is_reported(root, clock, moved):
    back(root, moved, "CA", "CB")
    assert looked(root, clock) == [("T-1", "aborted")]
    assert census(root)["T-1"] == 1


def test_a_task_that_came_to_its_end_is_left_alone(root, clock, moved):
    change(root, "CB", lambda row: row.update(tasks=[], history=[{"task_id": "T-1"}]))
    assert looked(root, clock) == []


def test_a_task_that_came_back_to_one_that_had_it_before_is_removed(root, clock, moved):
    between = snapshot(root)
    clock.advance(1)
    apply_plan(str(root), plan_for(root, [("T-1", "CB", "CC")], "b" * 16), BY, clock, wait=no_wait)
    clock.advance(1)
    apply_plan(str(root), plan_for(root, [("T-1", "CC", "CA")], "c" * 16), BY, clock, wait=no_wait)
    back(root, between, "CB")
    assert census(root)["T-1"] == 2
    assert looked(root, clock) == [("T-1", "removed_copy")]
    assert census(root)["T-1"] == 1
    assert "T-1" in ids(root, "CA")


def test_after_a_minute_nobody_looks_any_more(root, clock, moved):
    back(root, moved, "CB")
    clock.advance(61)
    assert settle(str(root), clock, wait=no_wait) == ()
    assert "T-1" not in census(root)


def test_a_plan_that_ended_in_the_future_is_not_young_for_years(root, clock):
    there = FakeClock(wall=clock.wall() + 86_400.0)
    apply_plan(str(root), plan_for(root, [("T-1", "CA", "CB")]), BY, there, wait=no_wait)
    change(root, "CB", lambda document: document["tasks"].pop(0))
    assert settle(str(root), clock, wait=no_wait) == ()
    assert "T-1" not in census(root)


def test_right_after_a_move_the_files_are_read_once_more(root, clock):
    """Another writer puts its older copy of CB back while the last look is waited for."""
    old = snapshot(root)

    def wait(seconds: float) -> None:
        if seconds == 1.0:
            back(root, old, "CB")

    plan = plan_for(root, [("T-1", "CA", "CB"), ("T-2", "CA", "CC")])
    result = apply_plan(str(root), plan, BY, clock, settle_s=1.0, wait=wait)
    assert (result.applied, result.state) == ((2,), "partial")
    assert [(row.seq, row.code) for row in result.skipped] == [(1, "overwritten")]
    assert [(row.seq, row.code) for row in result.recovered] == [(1, "restored")]
    assert census(root)["T-1"] == 1
    assert unfinished(str(root)) == ()
