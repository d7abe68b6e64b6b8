"""Plans carried out from the screen, with the real helpers: apply, stop, undo, what was cut off, what may not be."""

import json

import pytest

from tests import rebalancing as rb
from tests.stage import stage
from tui.keys import keys_of

# -- applying and undoing ----------------------------------------------------------------------------


async def test_nothing_is_applied_without_a_yes(tmp_path):
    root = rb.fleet(tmp_path)
    before = rb.files_of(root)
    async with stage(80, 24, rb.engine(root)) as on:
        await rb.planned(on)
        await on.press("A")
        assert on.rows()[-1].strip().startswith("apply 7 moves between 3 agents? y: yes")
        await on.press("n", "A", "escape", "A", "enter")
        assert on.kind == "rebalance"
        assert not on.app.talk.changing
    assert rb.files_of(root) == before


async def test_apply_then_undo_with_a_task_that_was_started_meanwhile(tmp_path):
    root = rb.fleet(tmp_path)
    everything = rb.tasks_of(root)
    async with stage(80, 24, rb.engine(root)) as on:
        screen = await rb.planned(on)
        plan = screen.draft.plan
        await on.press("A", "w")
        assert screen.prompting
        await on.type("CA is full")
        await on.press("enter")
        await rb.answered(on, lambda: on.kind == "task")
        assert "complete: 7 moves applied" in on.text()
        assert f"{plan.moves[0].task_id}  CA to {plan.moves[0].receiver}" in on.text()
        assert rb.tasks_of(root) == everything
        for move in plan.moves:
            assert rb.owner_of(root, move.task_id) == [(move.receiver, "pending")]
        await on.press("escape")
        assert on.kind == "rebalance"
        assert "complete: 7 moves applied" in on.rows()[4]
        assert on.text().count("applied") >= 7
        await on.press("A")
        assert "this plan was carried out" in on.rows()[-1]

        started = plan.moves[2]
        path = root / "postbox" / started.receiver / "outbox.json"
        document = json.loads(path.read_text())
        for task in document["tasks"]:
            if task["task_id"] == started.task_id:
                task["status"] = "in_progress"
        path.write_text(json.dumps(document))
        await on.press("u")
        await rb.answered(on, lambda: screen.questioning)
        assert f"undo it: 6 tasks come back, 1 stays: {started.task_id}" in on.rows()[-1]
        assert on.rows()[-1].rstrip().endswith("y: yes, w: say why, else no")
        assert "1 task cannot be undone, and stays" in on.text()
        await on.press("y")
        await rb.answered(on, lambda: on.kind == "task")
        assert "6 moves undone" in on.text()
        assert rb.owner_of(root, started.task_id) == [(started.receiver, "in_progress")]
        assert rb.owner_of(root, plan.moves[0].task_id) == [("CA", "pending")]
        assert rb.tasks_of(root) == everything
        await rb.answered(on, lambda: rb.quiet(on))
        assert "cut off" not in on.rows()[1]

        await on.press("escape", "H")
        await rb.answered(on, lambda: on.table.items)
        assert [row.kind for row in on.table.items] == ["undo", "apply"]
        assert on.table.items[1].reason == "CA is full"
        await on.press("j", "v")
        await rb.answered(on, lambda: on.kind == "task")
        assert "no task was lost or doubled" in on.text()
    (journal,) = root.glob(f".bluetop/journal/{plan.plan_id}.jsonl")
    assert "CA is full" in journal.read_text()


async def test_an_apply_that_is_stopped_leaves_the_rest_unmade(tmp_path):
    root = tmp_path
    rb.put_queue(root, "CA", [rb.row(f"TASK-{n}", hours=0.5) for n in range(160)])
    for name in ("CB", "CC", "CD"):
        rb.put_queue(root, name, [], metadata={"capacity_hours": 40})
    everything = rb.tasks_of(root)
    async with stage(80, 24, rb.engine(root)) as on:
        screen = await rb.planned(on)
        count = len(rb.moved(screen))
        assert count > 60
        await on.press("A", "y")
        await rb.answered(on, lambda: "move " in screen.busy_text())
        assert f"of {count}: " in on.rows()[2]
        assert "CA →" in on.rows()[2]
        assert "esc stops" in on.rows()[2]
        await on.press("q")
        assert "apply goes on; leave, and stop it after this move? y: yes, any other key: no" in on.rows()[-1]
        await on.press("n", "escape")
        assert on.kind == "rebalance"
        assert "stops after this move" in on.rows()[2]
        await rb.answered(on, lambda: on.kind == "task")
        assert "partial: " in on.text()
        assert "not begun: it was stopped before" in on.text()
    assert rb.tasks_of(root) == everything


async def test_there_is_nothing_to_undo_in_a_fresh_workspace(tmp_path):
    async with stage(80, 24, rb.engine(rb.fleet(tmp_path))) as on:
        await rb.planned(on)
        await on.press("u")
        await rb.answered(on, lambda: "no plan was applied here" in on.rows()[-1])


@pytest.mark.long
async def test_a_move_that_somebody_undid_unknowingly_is_put_right_and_told(tmp_path):
    """A writer without locks puts its old copies back; the helper stays for a minute to see that."""
    root = rb.fleet(tmp_path)
    everything = rb.tasks_of(root)
    old = {path: path.read_bytes() for path in root.glob("postbox/*/outbox.json")}
    async with stage(80, 24, rb.engine(root)) as on:
        screen = await rb.planned(on)
        gone = next(move for move in screen.draft.plan.moves if move.receiver == "CB")
        await on.press("A", "y")
        await rb.answered(on, lambda: on.kind == "task")
        path = root / "postbox" / "CB" / "outbox.json"
        path.write_bytes(old[path])
        await rb.answered(on, lambda: "restored" in on.rows()[-1])
        assert gone.task_id in on.rows()[-1] or "more" in on.rows()[-1]
    assert rb.tasks_of(root) == everything


# -- what was cut off --------------------------------------------------------------------------------


async def cut_off(root):
    """Apply a plan, and take the end out of its journal, as if it had been killed just before."""
    async with stage(80, 24, rb.engine(root)) as on:
        await rb.planned(on)
        await on.press("A", "y")
        await rb.answered(on, lambda: on.kind == "task")
    (journal,) = root.glob(".bluetop/journal/*.jsonl")
    journal.write_text("".join(journal.read_text().splitlines(keepends=True)[:-1]))


async def test_a_plan_that_was_cut_off_is_told_and_put_in_order(tmp_path):
    root = rb.fleet(tmp_path)
    everything = rb.tasks_of(root)
    await cut_off(root)
    async with stage(80, 24, rb.engine(root)) as on:
        assert not on.app.has_talk
        on.app.attend()
        await rb.answered(on, lambda: "was cut off" in on.rows()[1])
        assert on.rows()[1].rstrip().endswith("r look")
        screen = await rb.planned(on)
        assert "was cut off" in on.rows()[4]
        assert on.rows()[4].rstrip().endswith("R put in order")
        await on.press("R")
        assert "put in order what 1 plan left half done?" in on.rows()[-1]
        await on.press("y")
        await rb.answered(on, lambda: not on.app.talk.unfinished and rb.quiet(on))
        assert screen.is_current or on.kind == "task"
        assert "was cut off" not in on.rows()[1]
    assert rb.tasks_of(root) == everything


# -- where nothing can be changed --------------------------------------------------------------------


@pytest.mark.parametrize("why", ["read-only", "unwritable"])
async def test_where_nothing_can_be_changed_nothing_offers_it(tmp_path, why):
    root = rb.fleet(tmp_path)
    if why == "unwritable":
        (root / ".bluetop").write_text("no folder")
    before = rb.files_of(root)
    async with stage(200, 60, rb.engine(root), read_only=why == "read-only") as on:
        screen = await rb.planned(on)
        assert "7 moves from CA" in on.rows()[2]
        assert (
            "read-only: plans can be looked at" if why == "read-only" else "cannot be written"
        ) in on.rows()[4]
        writing = [row for row in keys_of("rebalance") if row.writes]
        assert {row.action for row in writing} >= {"apply", "undo", "recover"}
        for row in writing:
            assert f"{row.shown} {row.label}" not in on.rows()[-1]
        for key, says in (("A", "apply"), ("u", "undo"), ("R", "recover")):
            await on.press(key)
            assert not screen.questioning, says
        await on.press("question_mark")
        for row in writing:
            assert row.help not in "\n".join("".join(t for t, _ in line) for line in on.screen.lines)
        await on.press("escape", "colon")
        await on.type("apply")
        assert "after a question that says how many" not in on.text()
        await on.press("escape", "H")
        assert "undo" not in on.rows()[-1]
        await on.press("u")
        assert not on.screen.questioning
    assert rb.files_of(root) == before
