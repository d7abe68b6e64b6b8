"""Applying a plan: what is right is done and nothing else changes; what is not right is skipped with a code."""

import fcntl
import json
import os
from pathlib import Path

import pytest

from core.balance.apply import apply_plan
from core.balance.doing import By, Result
from core.balance.options import Options
from core.balance.plan import Plan, plan_id_of
from core.balance.world import read_world
from core.control import ChangeFailed
from core.errors import WorkspaceError
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

PLAN = "a1b2c3d4e5f60718"


def run(root: Path, plan: Plan, clock, **more) -> Result:
    more.setdefault("wait", no_wait)
    return apply_plan(str(root), plan, BY, clock, **more)


def skipped(result: Result) -> list[tuple[int, str]]:
    return [(row.seq, row.code) for row in result.skipped]


def test_a_move_gives_the_task_its_mark_and_changes_nothing_else(root, clock):
    before = {agent: load(root, agent) for agent in ("CA", "CB")}
    result = run(root, plan_for(root, [("T-2", "CA", "CB")]), clock)
    assert result == Result(PLAN, (1,), (), (), "complete")
    moved = {**task("T-2"), "bluetop": {"moved_at": "2026-05-28T20:26:40Z", "origin": "CA", "plan_id": PLAN}}
    for agent in before:
        before[agent]["metadata"]["last_updated"] = "2026-05-28T20:26:40Z"
    before["CA"]["tasks"].pop(1)
    before["CB"]["tasks"].append(moved)
    assert {agent: load(root, agent) for agent in ("CA", "CB")} == before
    assert list(load(root, "CB")) == list(before["CB"])
    assert leftovers(root) == []


def test_the_result_is_an_object_of_bluetop_apply(root, clock):
    put(root, "CA", queue("CA", task("T-1"), task("T-2", status="in_progress")))
    plan = plan_for(root, [("T-1", "CA", "CB"), ("T-2", "CA", "CB")])
    assert run(root, plan, clock).data() == {
        "schema": "bluetop.apply/1", "plan_id": PLAN, "applied": [1],
        "skipped": [{"seq": 2, "task_id": "T-2", "code": "stale_status", "detail": "now in_progress"}],
        "recovered": [], "state": "partial",
    }  # fmt: skip


def test_the_first_owner_stays_the_origin(root, clock):
    run(root, plan_for(root, [("T-1", "CA", "CB")]), clock)
    result = run(root, plan_for(root, [("T-1", "CB", "CC")], "b" * 16), clock)
    assert result.state == "complete"
    assert load(root, "CC")["tasks"][0]["bluetop"] == {
        "moved_at": "2026-05-28T20:26:40Z", "origin": "CA", "plan_id": "b" * 16,
    }  # fmt: skip


def test_every_record_is_written_before_the_step_that_it_announces(root, clock):
    run(root, plan_for(root, [("T-1", "CA", "CB")]), clock)
    rows = journal(root, PLAN)
    assert [row["record"] for row in rows] == ["begin", "intent", "inserted", "removed", "end"]
    assert rows[0]["by"] == {"user": "maria", "origin": "10.0.0.7", "reason": "a test"}
    assert json.loads(rows[1]["text"]) == task("T-1", "HIGH")
    assert (root / ".bluetop" / ".gitignore").read_text() == "*\n"


def test_an_empty_plan_leaves_no_trace(root, clock):
    before = sorted(root.rglob("*"))
    assert run(root, plan_for(root, []), clock) == Result(PLAN, (), (), (), "complete")
    assert sorted(root.rglob("*")) == before


def test_a_plan_applied_twice_does_it_once(root, clock):
    plan = plan_for(root, [("T-1", "CA", "CB")])
    run(root, plan, clock)
    files = snapshot(root)
    result = run(root, plan, clock)
    assert (skipped(result), result.state) == ([(1, "stale_missing")], "nothing")
    assert "it is with CB" in result.skipped[0].detail
    assert snapshot(root) == files


CHANGES = {
    "stale_missing": lambda a, b: a["tasks"].pop(0),
    "stale_status": lambda a, b: a["tasks"][0].update(status="in_progress"),
    "stale_changed": lambda a, b: a["tasks"][0].update(title="another"),
    "stale_pinned": lambda a, b: a["tasks"][0].update(context={"pinned": True}),
    "stale_receiver": lambda a, b: b.update(status="Paused for maintenance"),
    "stale_receiver retired": lambda a, b: b.update(status="DECOMMISSIONED - No longer active"),
    "stale_duplicate twice": lambda a, b: a["tasks"].append(a["tasks"][0]),
    "stale_duplicate there": lambda a, b: b["tasks"].append(a["tasks"][0]),
    "stale_duplicate done": lambda a, b: b["history"].append({"task_id": "T-1", "status": "completed"}),
    "unreadable": lambda a, b: b.pop("tasks"),
    "stale_unsafe": lambda a, b: b["tasks"].append(task("B-9", estimated_hours=100)),
}


@pytest.mark.parametrize("name", CHANGES)
def test_what_has_changed_since_is_skipped_with_its_code(root, clock, name):
    plan = plan_for(root, [("T-1", "CA", "CB"), ("T-2", "CA", "CC")])
    plan = plan._replace(options=Options(unlabelled="any"))
    documents = {agent: load(root, agent) for agent in ("CA", "CB")}
    CHANGES[name](documents["CA"], documents["CB"])
    for agent, document in documents.items():
        put(root, agent, document)
    before, files = census(root), snapshot(root)
    result = run(root, plan, clock)
    assert skipped(result)[0] == (1, name.split()[0])
    assert result.applied == (2,)
    assert census(root) == before
    assert snapshot(root)["postbox/CB/outbox.json"] == files["postbox/CB/outbox.json"]


def test_a_task_that_a_third_agent_has_too_is_not_moved(root, clock):
    plan = plan_for(root, [("T-1", "CA", "CB")])
    put(root, "CD", queue("CD", task("T-1")))
    assert skipped(run(root, plan, clock)) == [(1, "stale_duplicate")]


def test_pins_of_the_plan_count(root, clock):
    plan = plan_for(root, [("T-1", "CA", "CB")])
    plan = plan._replace(options=plan.options._replace(pins=("T-1",)))
    assert skipped(run(root, plan, clock)) == [(1, "stale_pinned")]


def test_a_receiver_without_the_skill_is_not_eligible(root, clock):
    put(root, "CA", queue("CA", task("T-1", required_skills=["Unit Testing", "go"])))
    plan = plan_for(root, [("T-1", "CA", "CB")])
    assert skipped(run(root, plan, clock)) == [(1, "stale_receiver")]
    put(root, "CB", queue("CB", expertise=["unit-testing", "GO"]))
    assert run(root, plan, clock).state == "complete"


def test_later_moves_are_judged_on_what_really_happened(root, clock):
    """Two moves of 2 h each: after the first CC is at the giver's level, and the second would push it above."""
    put(root, "CA", queue("CA", task("T-1", estimated_hours=3), task("T-2", estimated_hours=3)))
    plan = plan_for(root, [("T-1", "CA", "CC"), ("T-2", "CA", "CC")])
    plan = plan._replace(options=Options(target=30, unlabelled="any"))
    assert skipped(run(root, plan, clock)) == [(2, "stale_unsafe")]
    assert (ids(root, "CA"), ids(root, "CC")) == (["T-2"], ["T-1"])


def test_what_was_shown_in_the_plan_is_done_as_long_as_nothing_has_changed(root, clock):
    put(root, "CA", queue("CA", task("T-1", estimated_hours=3), task("T-2", estimated_hours=3)))
    plan = plan_for(root, [("T-1", "CA", "CC"), ("T-2", "CA", "CC")])
    options = Options(target=30, unlabelled="any")
    plan_id = plan_id_of(read_world(str(root)).inputs, plan.now, options, plan.moves)
    assert run(root, plan._replace(options=options, plan_id=plan_id), clock).state == "complete"


def test_stopping_takes_effect_after_the_present_move(root, clock):
    asked = []

    def stop() -> bool:
        asked.append(1)
        return (root / "postbox/CB/outbox.json").read_text().count("T-1") > 0

    result = run(root, plan_for(root, [("T-1", "CA", "CB"), ("T-2", "CA", "CB")]), clock, should_stop=stop)
    assert (result.applied, skipped(result), result.state) == ((1,), [(2, "stopped")], "partial")
    assert journal(root, PLAN)[-1]["record"] == "end"


def test_progress_is_told(root, clock):
    told = []
    run(
        root,
        plan_for(root, [("T-1", "CA", "CB"), ("T-2", "CA", "CB")]),
        clock,
        tell=lambda *row: told.append(row),
    )
    assert [row for row in told if row[0].startswith("moving")] == [
        ("moving T-1", 0, 2),
        ("moving T-2", 1, 2),
    ]


def test_who_and_why_are_fit_for_a_terminal(root, clock):
    plan = plan_for(root, [("T-1", "CA", "CB")])
    apply_plan(str(root), plan, By("m\x1b[31m", "\u202e", "line\nbreak"), clock, wait=no_wait)
    assert journal(root, PLAN)[0]["by"] == {"user": "m\\x1b[31m", "origin": "\\u202e", "reason": "line break"}


@pytest.mark.parametrize("name", ["CX", "..", "a/b", "", "C\x1b", "../../etc"])
def test_a_plan_never_leads_out_of_the_postbox(root, clock, name):
    plan = plan_for(root, [("T-1", "CA", "CB")])
    for change in ({"receiver": name}, {"source": name}):
        made = plan._replace(moves=(plan.moves[0]._replace(**change),))
        files = snapshot(root)
        assert skipped(run(root, made, clock)) == [(1, "unreadable")]
        assert snapshot(root) == files


# -- files that are odd ----------------------------------------------------------------------------


def test_a_link_is_followed_and_stays_a_link(root, clock):
    link = root / "postbox/CB/outbox.json"
    elsewhere = root / "elsewhere"
    elsewhere.mkdir()
    link.rename(elsewhere / "real.json")
    link.symlink_to("../../elsewhere/real.json")
    assert run(root, plan_for(root, [("T-1", "CA", "CB")]), clock).state == "complete"
    assert link.is_symlink()
    assert ids(root, "CB") == ["T-1", "B-1"]
    assert leftovers(root) == []


@pytest.mark.parametrize("what", ["folder", "file"])
def test_a_link_out_of_the_workspace_is_not_followed(root, tmp_path_factory, clock, what):
    plan, outside = plan_for(root, [("T-1", "CA", "CB")]), tmp_path_factory.mktemp("outside")
    path = root / "postbox/CB" / ("outbox.json" if what == "file" else "")
    path.rename(outside / "there")
    path.symlink_to(outside / "there")
    files = snapshot(root)
    assert skipped(run(root, plan, clock)) == [(1, "unreadable")]
    assert snapshot(root) == files
    assert [name.name for name in outside.rglob(".*")] == []
    assert read_world(str(root)).unread == ("CB",)


def test_a_postbox_that_is_a_link_is_followed(root, tmp_path_factory, clock):
    plan, outside = plan_for(root, [("T-1", "CA", "CB")]), tmp_path_factory.mktemp("outside")
    (root / "postbox").rename(outside / "postbox")
    (root / "postbox").symlink_to(outside / "postbox")
    (outside / "postbox/CC/outbox.json").rename(outside / "beside.json")
    (outside / "postbox/CC/outbox.json").symlink_to("../../beside.json")
    assert run(root, plan, clock).state == "complete"
    assert read_world(str(root)).unread == ()


@pytest.mark.parametrize("name", ["BB", "CD"])
@pytest.mark.parametrize("what", ["folder", "file"])
def test_an_agent_that_is_a_link_to_another_takes_no_part(root, name, what):
    folder = root / "postbox" / name
    if what == "folder":
        folder.symlink_to("CB")
    else:
        folder.mkdir()
        (folder / "outbox.json").symlink_to("../CB/outbox.json")
    world = read_world(str(root))
    assert world.unread == (name,)
    assert world.twice == frozenset()
    assert "link to the queue of CB" in world.warnings[0].detail


def test_other_moves_under_the_id_of_a_plan_that_was_applied_are_refused(root, clock):
    other = plan_for(root, [("T-2", "CA", "CC")])
    run(root, plan_for(root, [("T-1", "CA", "CB")]), clock)
    files, before = snapshot(root), journal(root, PLAN)
    with pytest.raises(ChangeFailed, match="with other moves"):
        run(root, other, clock)
    assert (snapshot(root), journal(root, PLAN)) == (files, before)


@pytest.mark.parametrize("how", ["link", "hard link", "folder"])
def test_two_agents_with_one_file_lose_nothing(root, clock, how):
    plan = plan_for(root, [("T-1", "CA", "CB")])
    plan = plan._replace(moves=(plan.moves[0]._replace(receiver="CD"),))
    folder = root / "postbox/CD"
    if how == "folder":
        folder.symlink_to("CA")
    else:
        folder.mkdir()
        other = root / "postbox/CA/outbox.json"
        (folder / "outbox.json").symlink_to(other) if how == "link" else os.link(
            other, folder / "outbox.json"
        )
    files = snapshot(root)
    assert skipped(run(root, plan, clock))[0][1] in ("unreadable", "stale_duplicate")
    assert snapshot(root) == files


@pytest.mark.parametrize(
    "what", ["fifo", "folder", "device", "nothing", "broken", "two documents", "dangling"]
)
@pytest.mark.parametrize("agent", ["CA", "CB"])
def test_a_file_that_became_something_else_is_skipped(root, clock, what, agent):
    plan = plan_for(root, [("T-1", "CA", "CB"), ("B-1", "CB", "CC")])
    path = root / "postbox" / agent / "outbox.json"
    text = path.read_text()
    path.unlink()
    if what == "fifo":
        os.mkfifo(path)
    elif what == "folder":
        path.mkdir()
    elif what == "device":
        path.symlink_to("/dev/zero")
    elif what == "dangling":
        path.symlink_to("nowhere.json")
    elif what == "broken":
        path.write_text(text[:-20])
    elif what == "two documents":
        path.write_text(text + text)
    result = run(root, plan, clock)
    assert skipped(result)[0] == (1, "unreadable")
    assert result.applied == ((2,) if agent == "CA" else ())
    if what in ("broken", "two documents"):
        assert path.read_text() in (text[:-20], text + text)


def test_mode_and_time_of_the_other_files_are_kept(root, clock):
    path = root / "postbox/CB/outbox.json"
    path.chmod(0o640)
    run(root, plan_for(root, [("T-1", "CA", "CB")]), clock)
    assert path.stat().st_mode & 0o7777 == 0o640
    assert (root / "postbox/CA/outbox.json").stat().st_mode & 0o7777 == 0o644


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
def test_the_owner_is_kept(root, clock):
    path = root / "postbox/CB/outbox.json"
    os.chown(path, 1234, 2345)
    run(root, plan_for(root, [("T-1", "CA", "CB")]), clock)
    assert (path.stat().st_uid, path.stat().st_gid) == (1234, 2345)


def test_a_lock_that_is_held_is_waited_for_ten_seconds_and_no_more(root, clock):
    waited = []

    def wait(seconds: float) -> None:
        waited.append(seconds)
        clock.advance(seconds)

    with open(root / "postbox/CB/.outbox.json.lock", "w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        result = run(root, plan_for(root, [("T-1", "CA", "CB"), ("T-2", "CA", "CC")]), clock, wait=wait)
    assert (skipped(result), result.applied) == ([(1, "locked")], (2,))
    assert 10 <= sum(waited) < 11


def test_a_second_apply_waits_for_the_first_and_says_so(root, clock):
    (root / ".bluetop").mkdir()
    with open(root / ".bluetop/apply.lock", "w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        files = snapshot(root)
        with pytest.raises(ChangeFailed, match="another plan"):
            run(root, plan_for(root, [("T-1", "CA", "CB")]), clock)
        assert snapshot(root) == files


def test_where_there_is_no_workspace_that_is_said(tmp_path, root, clock):
    with pytest.raises(WorkspaceError):
        run(tmp_path / "nowhere", plan_for(root, [("T-1", "CA", "CB")]), clock)


@pytest.mark.parametrize("name", [".bluetop", ".bluetop/journal", ".bluetop/receipts"])
def test_a_journal_that_would_lie_elsewhere_stops_everything(root, tmp_path_factory, clock, name):
    outside = tmp_path_factory.mktemp("outside")
    (root / name).parent.mkdir(exist_ok=True)
    (root / name).symlink_to(outside)
    files = snapshot(root)
    with pytest.raises(ChangeFailed):
        run(root, plan_for(root, [("T-1", "CA", "CB")]), clock)
    assert snapshot(root) == files
    assert list(outside.iterdir()) == []
