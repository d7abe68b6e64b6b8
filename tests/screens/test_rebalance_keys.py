"""The keys of the plan and of the plans before it that `test_rebalance` does not press, the mouse, the palette."""

import base64
import json

from core.balance.plan import plan_of
from tests import rebalancing as rb
from tests.snapshots import view
from tests.stage import Stage, stage
from tui.keys import KEYS, PLANNING

# Where each of them is pressed: here, or in `test_rebalance`.
PRESSED = {
    "here": {"copy", "describe", "next_pane(1)", "app.why", "verify", "undo", "history"},
    "there": {"apply", "drop", "pin", "target", "budget", "replan", "undo", "history", "fold", "recover", "describe"},
}  # fmt: skip


def test_every_key_of_a_plan_is_pressed_somewhere():
    own = {row.action for row in KEYS if set(row.where) <= set(PLANNING)}
    assert own == PRESSED["here"] | PRESSED["there"]


def copied(on: Stage) -> str:
    (sequence,) = on.sent
    return base64.b64decode(sequence.removeprefix("\x1b]52;c;").removesuffix("\x07")).decode()


async def test_the_plan_is_copied_as_it_can_be_applied(tmp_path):
    async with stage(80, 24, rb.engine(rb.fleet(tmp_path))) as on:
        screen = await rb.planned(on)
        await on.press("y")
        assert plan_of(json.loads(copied(on))) == screen.draft.plan


async def test_tab_goes_to_the_agents_and_back(tmp_path):
    async with stage(80, 24, rb.engine(rb.fleet(tmp_path))) as on:
        await rb.planned(on)
        assert "TASK" in on.selected()
        await on.press("tab")
        assert "300.0 %" in on.selected()
        assert "8.0 h of capacity" in on.text()
        await on.press("j")
        assert on.row_of(" CC  active") > on.row_of("MOVES ")
        await on.press("x")
        assert "this is about moves: tab goes to them" in on.rows()[-1]
        await on.press("tab")
        assert "TASK" in on.selected()


async def test_the_mouse_selects_and_opens(tmp_path):
    async with stage(80, 24, rb.engine(rb.fleet(tmp_path))) as on:
        screen = await rb.planned(on)
        third = screen.moves.names[2]
        y = on.row_of(f" 3 {third.split()[-1]}")
        await on.click(10, y)
        assert screen.moves.cursor == third
        await on.click(10, y)
        assert on.kind == "task"
        await on.press("escape")
        await on.click(5, next(y for y, row in enumerate(on.rows()) if row.startswith(" CB ")))
        assert screen.focused_pane == "agents"
        assert screen.loads.cursor == "CB"


async def test_moves_are_filtered_and_sorted_like_any_table(tmp_path):
    async with stage(80, 24, rb.engine(rb.fleet(tmp_path))) as on:
        screen = await rb.planned(on)
        await on.press("slash")
        await on.type("CB")
        await on.press("enter")
        assert {row.receiver for row in screen.moves.rows} == {"CB"}
        await on.press("escape", "s", "s", "S")
        assert "sorted by" not in on.rows()[0]
        assert on.kind == "rebalance"


async def test_the_palette_has_what_works_here(tmp_path):
    async with stage(120, 40, rb.engine(rb.fleet(tmp_path))) as on:
        await rb.planned(on)
        await on.press("colon")
        await on.type("apply")
        await on.press("enter")
        await on.settle()
        assert on.screen.questioning or "apply" in on.text()


async def test_why_is_asked_from_the_plan_and_from_a_task(tmp_path):
    async with stage(80, 24, rb.engine(rb.fleet(tmp_path))) as on:
        screen = await rb.planned(on)
        task = screen.draft.plan.moves[0].task_id
        await on.press("w")
        assert f"why > {task}" in on.rows()[0]
        await rb.answered(on, lambda: "looking at every agent" not in on.text())
        assert task in "\n".join(on.rows()[3:])
        assert "CB" in "\n".join(on.rows()[3:])
        await on.press("escape", "escape", "g", "enter", "enter")
        assert on.kind == "task"
        await on.press("w")
        assert "why > TASK-1" in on.rows()[0]
        await rb.answered(on, lambda: "looking at every agent" not in on.text())
        assert "TASK-1" in "\n".join(on.rows()[3:])


async def test_the_plans_before_can_be_read_checked_copied_and_undone(tmp_path):
    root = rb.fleet(tmp_path)
    async with stage(120, 40, rb.engine(root)) as on:
        screen = await rb.planned(on)
        plan = screen.draft.plan
        await on.press("H")
        await rb.answered(on, lambda: "no plan was applied here yet" in on.text())
        await on.press("enter", "v", "y", "u", "i")
        assert on.kind == "plans"
        await on.press("escape", "A", "y")
        await rb.answered(on, lambda: on.kind == "task")
        await on.press("escape", "H")
        await rb.answered(on, lambda: on.table.items)
        assert "300 → 125 %" in on.selected()
        await on.press("y")
        assert json.loads(copied(on))["plan_id"] == plan.plan_id
        await on.press("enter")
        assert plan.moves[-1].task_id in on.text()
        await on.press("escape", "i")
        assert "the automatic mode has decided nothing here" in on.rows()[-1]
        await on.press("v")
        await rb.answered(on, lambda: on.kind == "task")
        assert "no task was lost or doubled" in on.text()
        await on.press("escape", "u")
        await rb.answered(on, lambda: on.screen.questioning)
        assert "undo it: 7 tasks come back?" in on.rows()[-1]
        await on.press("y")
        await rb.answered(on, lambda: on.kind == "task")
        await on.press("escape")
        await rb.answered(on, lambda: len(on.table.items) == 2)
        await on.press("g", "u")
        await rb.answered(on, lambda: on.screen.questioning)
        assert "undo the undo: 7 tasks come back?" in on.rows()[-1]
        await on.press("n")
    for move in plan.moves:
        assert rb.owner_of(root, move.task_id) == [("CA", "pending")]


async def test_the_most_loaded_agents_stay_in_sight_unless_the_cursor_was_moved_to_another(tmp_path):
    names = [f"A{n:02}" for n in range(20)]
    for at, name in enumerate(names):  # the last by name has most to do
        rb.put_queue(tmp_path, name, [rb.row(f"TASK-{at}-{n}", hours=2.0) for n in range(5 + at)])
    agents = tuple(view(name, pending=5) for name in names)
    async with stage(80, 24, rb.engine(tmp_path, agents=agents)) as on:
        first = on.app.screen.table.names[0]
        assert first == names[0]
        screen = await rb.planned(on)
        assert screen.loads.cursor == names[-1]
        assert on.rows()[6].split()[0] == names[-1]
        await on.press("escape", "j", "r")
        screen = rb.screen_of(on)
        await rb.answered(on, lambda: not screen.planning)
        assert screen.loads.cursor == names[1]
