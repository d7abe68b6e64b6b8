"""The rebalance screen upon a real workspace, with the real helpers: preview, shape, apply, undo, recover."""

import subprocess
import sys

import pytest
from msgspec.structs import replace

from core.balance.automatic import Said
from core.config import Auto, Balance, Settings
from core.text import clean_line
from tests import rebalancing as rb
from tests.snapshots import alert, alerts, view
from tests.stage import stage, still
from tui.view.spans import width

SIZES = ((60, 20), (80, 24), (120, 40), (200, 60))


# -- looking -----------------------------------------------------------------------------------------


async def test_a_preview_shows_the_loads_and_the_moves_and_changes_nothing(tmp_path):
    root = rb.fleet(tmp_path)
    before = rb.files_of(root)
    async with stage(80, 24, rb.engine(root)) as on:
        screen = await rb.planned(on)
        rows = on.rows()
        assert "rebalance: 7 moves" in rows[0]
        assert "7 moves from CA to C" in rows[2]
        assert "holds for 15:00" in rows[2]
        assert "peak 300.0 % → 125.0 %" in rows[3]
        assert "no plan can do better than 112.5 %" in rows[4]
        ca = rows[on.row_of(" CA  ")]
        assert "300.0 %" in ca
        assert "125.0 %" in ca
        assert "12 →   5" in ca
        assert on.selected().split()[1:3] == ["1", rb.moved(screen)[0]]
        assert "CA 300 % → 275 %" in on.text()
    assert rb.files_of(root) == before


@pytest.mark.parametrize(("columns", "lines"), SIZES)
async def test_it_fits_at_every_size(tmp_path, columns, lines):
    async with stage(columns, lines, rb.engine(rb.fleet(tmp_path))) as on:
        await rb.planned(on)
        rows = on.rows()
        assert [width(row) for row in rows] == [columns] * lines
        for said in ("7 moves from CA", "AGENT", "CA", "125.0 %", "WHY"):
            assert said in on.text()
        await on.resize(80, 24)
        assert [width(row) for row in on.rows()] == [80] * 24


async def test_nothing_jumps_when_a_plan_replaces_another(tmp_path):
    async with stage(80, 24, rb.engine(rb.fleet(tmp_path))) as on:
        screen = await rb.planned(on)
        places = dict(screen._rects)
        await on.press("x")
        await rb.settled(on, screen)
        await on.press("B", "backspace", "2", "enter")
        await rb.settled(on, screen)
        assert dict(screen._rects) == places


async def test_the_picture_before_stays_while_a_plan_is_made_and_esc_leaves_it(tmp_path):
    async with stage(80, 24, rb.engine(rb.fleet(tmp_path))) as on:
        screen = await rb.planned(on)
        rows = on.rows()[5:14]
        await on.press("r")
        assert screen.planning
        assert "planning" in on.rows()[2]
        assert on.rows()[5:14] == rows
        await on.press("escape")
        assert on.kind == "rebalance"
        assert not screen.planning
        assert "planning was left" in on.rows()[4]
        await on.press("escape")
        assert on.kind == "dashboard"


async def test_from_a_row_its_agent_is_in_sight(tmp_path):
    root = rb.fleet(tmp_path)
    snap = rb.seen(root, alerts=alerts(alert(subject="CD")))
    async with stage(120, 40, still(snap)) as on:
        await on.press("j", "j", "j")
        await rb.planned(on)
        await on.press("tab")
        assert "CD " in on.selected()[:6]
        await on.press("escape", "L")
        assert on.kind == "alerts"
        screen = await rb.planned(on)
        assert screen.agent == "CD"


async def test_all_agents_can_be_shown(tmp_path):
    async with stage(80, 24, rb.engine(rb.fleet(tmp_path))) as on:
        await rb.planned(on)
        assert "1 more agent, 25.0 %; e shows it" in on.text()
        assert " CD  " not in on.text()
        await on.press("e")
        assert " CD  " in on.text()


async def test_enter_opens_the_task_or_the_agent(tmp_path):
    async with stage(80, 24, rb.engine(rb.fleet(tmp_path))) as on:
        screen = await rb.planned(on)
        await on.press("enter")
        assert on.kind == "task"
        assert rb.moved(screen)[0] in on.rows()[0]
        await on.press("escape", "tab", "enter")
        assert "agents > CA" in on.rows()[0]


async def test_warnings_and_the_bound_are_told_in_words(tmp_path):
    root = rb.fleet(tmp_path)
    rb.put_queue(root, "CE", [rb.row("TASK-1")])
    async with stage(80, 24, rb.engine(root)) as on:
        await rb.planned(on)
        assert "2 warnings (i)" in on.text()
        await on.press("i")
        assert "2 THINGS TO KNOW OF THE FILES" in on.text()
        await on.press("G")
        assert "2 tasks have this id; none of them is" in on.text()


async def test_without_a_workspace_it_says_so(tmp_path):
    snap = rb.seen(tmp_path, workspace=None, agents=())
    async with stage(80, 24, still(snap), keys=("r",)) as on:
        assert "there is no workspace here" in on.text()
        await on.press("A", "x", "P", "w", "i", "y", "enter", "escape")
        assert on.kind == "dashboard"


async def test_a_workspace_that_cannot_be_read_is_named(tmp_path):
    async with stage(80, 24, still(rb.seen(tmp_path / "nowhere"))) as on:
        await rb.planned(on)
        assert "there is no plan" in on.rows()[2]
        assert "cannot be read" in on.text()


async def test_text_of_strangers_stays_text(tmp_path):
    nasty = "[@click=app.quit]x[/]\x1b]52;c;aGk=\x07\u202e日本"
    root = tmp_path
    tasks = [rb.row(f"{nasty} {n}", title=nasty, priority=nasty) for n in range(12)]
    rb.put_queue(root, "CA", tasks)
    rb.put_queue(root, "CB", [])
    for columns, lines in ((80, 24), (200, 60)):
        async with stage(columns, lines, rb.engine(root)) as on:
            screen = await rb.planned(on)
            assert rb.moved(screen)
            for key in ("x", "tab", "tab", "P", "i", "escape", "w", "escape"):
                await on.press(key)
                await rb.settled(on, screen)
                assert [width(row) for row in on.rows()] == [columns] * lines
                assert not any(char < " " or "\x7f" <= char < "\xa0" or char == "\u202e"
                               for char in on.text() if char != "\n")  # fmt: skip


# -- shaping -----------------------------------------------------------------------------------------


async def test_a_dropped_move_can_be_taken_back(tmp_path):
    async with stage(80, 24, rb.engine(rb.fleet(tmp_path))) as on:
        screen = await rb.planned(on)
        all_of_them = rb.moved(screen)
        await on.press("x")
        await rb.settled(on, screen)
        assert sorted(rb.moved(screen)) == sorted(all_of_them[1:])
        assert "dropped" in on.selected()
        assert "6 moves" in on.rows()[2]
        assert "300.0 % → 150.0 %" in on.rows()[3]
        await on.press("x")
        assert rb.moved(screen) == all_of_them
        assert "dropped" not in on.text()
        assert "300.0 % → 125.0 %" in on.rows()[3]


async def test_marked_moves_are_dropped_together(tmp_path):
    async with stage(80, 24, rb.engine(rb.fleet(tmp_path))) as on:
        screen = await rb.planned(on)
        await on.press("space", "space", "space", "x")
        await rb.settled(on, screen)
        assert "4 moves" in on.rows()[2]
        assert on.text().count("dropped") == 3


async def test_drops_outlive_a_new_plan_if_the_task_is_in_it(tmp_path):
    async with stage(80, 24, rb.engine(rb.fleet(tmp_path))) as on:
        screen = await rb.planned(on)
        first = rb.moved(screen)[0]
        await on.press("x")
        await rb.settled(on, screen)
        await on.press("r")
        await rb.settled(on, screen)
        assert first not in rb.moved(screen)
        assert len(rb.moved(screen)) == 6


async def test_a_pinned_task_stays_and_can_be_let_go(tmp_path):
    async with stage(80, 24, rb.engine(rb.fleet(tmp_path))) as on:
        screen = await rb.planned(on)
        first = rb.moved(screen)[0]
        await on.press("P")
        await rb.settled(on, screen)
        assert first not in rb.moved(screen)
        assert f"{first} stays where it is" in on.rows()[-1]
        assert screen.draft.plan.options.pins == (first,)
        await on.press("G")
        assert "pinned" in on.selected()
        assert "stays with CA" in on.selected()
        await on.press("P")
        await rb.settled(on, screen)
        assert screen.draft.plan.options.pins == ()
        assert "pinned" not in on.text()


async def test_another_target_and_another_budget_change_the_plan(tmp_path):
    async with stage(80, 24, rb.engine(rb.fleet(tmp_path))) as on:
        screen = await rb.planned(on)
        await on.press("B")
        await on.type("x")
        assert "move budget: a whole number from 0" in on.text()
        await on.press("enter")
        assert screen.prompting
        await on.press("backspace", "backspace", "3", "enter")
        await rb.settled(on, screen)
        assert len(rb.moved(screen)) == 3
        assert screen.draft.plan.options.max_moves == 3
        await on.press("T", "backspace", "backspace")
        await on.type("120")
        await on.press("enter")
        await rb.settled(on, screen)
        assert screen.draft.plan.options.target == 120
        assert screen.draft.plan.options.max_moves == 3


async def test_r_on_what_was_opened_from_a_plan_goes_back_to_it_and_plans_anew(tmp_path):
    async with stage(80, 24, rb.engine(rb.fleet(tmp_path))) as on:
        screen = await rb.planned(on)
        depth = len(on.app.screen_stack)
        await on.press("enter", "r")
        assert on.screen is screen
        assert screen.planning
        assert len(on.app.screen_stack) == depth


# -- its age -----------------------------------------------------------------------------------------


async def test_a_plan_that_is_too_old_is_not_applied(tmp_path):
    root = rb.fleet(tmp_path)
    before = rb.files_of(root)
    engine = rb.engine(root)
    async with stage(80, 24, engine) as on:
        screen = await rb.planned(on)
        engine.clock.advance(870)
        await on.publish(rb.seen(root, wall=engine.clock.wall()))
        assert "holds for 0:30" in on.rows()[2]
        await on.press("A")
        engine.clock.advance(31)
        await on.press("y")
        assert "too old by now: nothing was applied" in on.rows()[-1]
        await on.publish(rb.seen(root, wall=engine.clock.wall()))
        assert "too old to apply  r plan anew" in on.rows()[2]
        await on.press("A")
        assert "the plan is too old to apply" in on.rows()[-1]
        await on.press("r")
        await rb.settled(on, screen)
        assert "holds for 15:00" in on.rows()[2]
    assert rb.files_of(root) == before


async def test_a_plan_gets_no_younger_by_having_fewer_moves(tmp_path):
    root = rb.fleet(tmp_path)
    engine = rb.engine(root)
    async with stage(80, 24, engine) as on:
        screen = await rb.planned(on)
        engine.clock.advance(870)
        await on.press("x")
        await rb.settled(on, screen)
        await on.publish(rb.seen(root, wall=engine.clock.wall()))
        assert "6 moves" in on.rows()[2]
        assert "holds for 0:30" in on.rows()[2]


async def test_that_all_moves_were_dropped_is_not_said_to_be_no_gain(tmp_path):
    async with stage(80, 24, rb.engine(rb.fleet(tmp_path))) as on:
        screen = await rb.planned(on)
        await on.press("g", *["space"] * 7, "x")
        await rb.settled(on, screen)
        assert "every move was dropped: there is nothing to apply" in on.rows()[2]


async def test_a_planned_task_that_was_started_is_named_at_once(tmp_path):
    root = rb.fleet(tmp_path)
    engine = rb.engine(root)
    async with stage(80, 24, engine) as on:
        screen = await rb.planned(on)
        task = rb.moved(screen)[1]
        engine.where = dict.fromkeys(rb.moved(screen), ("CA", "pending")) | {task: ("CA", "in_progress")}
        ca = view("CA", "working", pending=11, in_progress=1)
        await on.publish(rb.seen(root, agents=(ca, *rb.seen(root).agents[1:])))
        assert f"{task} is in_progress now" in on.rows()[4]
        assert "r plan anew" in on.rows()[4]
        assert [row for row in on.rows()[5:] if f" {task} " in row and "changed" in row]
        await on.press("A")
        assert "(1 changed since)" in on.rows()[-1]
        await on.press("n", "r")
        await rb.settled(on, screen)
        assert "in_progress now" not in on.text()


@pytest.mark.parametrize(
    ("standing", "said"),
    [(("CB", "pending"), "is with CB now"), (("CA", "vanished"), "is in no queue any more")],
)
async def test_what_became_of_a_planned_task_is_said(tmp_path, standing, said):
    root = rb.fleet(tmp_path)
    engine = rb.engine(root)
    async with stage(80, 24, engine) as on:
        screen = await rb.planned(on)
        engine.where = dict.fromkeys(rb.moved(screen), ("CA", "pending")) | {rb.moved(screen)[0]: standing}
        await on.publish(rb.seen(root, agents=rb.seen(root).agents[1:]))
        assert f"{rb.moved(screen)[0]} {said}" in on.rows()[4]


async def test_a_queue_that_changed_beside_the_plan_is_said_calmly(tmp_path):
    root = rb.fleet(tmp_path)
    engine = rb.engine(root)
    async with stage(80, 24, engine) as on:
        screen = await rb.planned(on)
        engine.where = dict.fromkeys(rb.moved(screen), ("CA", "pending"))
        await on.publish(rb.seen(root, agents=(*rb.seen(root).agents[:3], view("CD", pending=2))))
        assert "the queue of CD changed; the planned tasks still wait" in on.rows()[4]
        assert "changed" not in on.selected()


# -- what it costs the start -------------------------------------------------------------------------


def test_the_start_imports_nothing_of_it():
    code = (
        "import sys, tui.app\n"
        "print(sorted(m for m in sys.modules if m.startswith('core.balance') or m == 'tui.screens.rebalance'))"
    )
    said = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert said.stdout.strip() == "[]"


async def test_nothing_is_asked_before_the_first_frame():
    async with stage(80, 24) as on:
        assert not on.app.has_talk


@pytest.mark.parametrize("severity", ["critical", "medium"])
async def test_a_plan_that_was_cut_off_goes_before_all_but_what_is_critical(tmp_path, severity):
    root = rb.fleet(tmp_path)
    snap = rb.seen(root)
    snap = replace(snap, verdict=replace(snap.verdict, severity=severity))
    async with stage(80, 24, still(snap)) as on:
        on.app.talk.unfinished = (
            {"plan_id": "a", "user": "\x1bana", "open": 2, "at": snap.wall - 720, "kind": "apply"},
        )
        await on.publish(replace(snap))
        said = "a rebalance by \\x1bana was cut off with 2 moves open" in on.rows()[1]
        assert said == (severity != "critical")
        assert clean_line(on.rows()[1]) == " ".join(on.rows()[1].split())


# -- the automatic mode ------------------------------------------------------------------------------


async def test_the_automatic_mode_begins_after_the_start_and_ends_with_the_app(tmp_path):
    settings = Settings(balance=Balance(auto=Auto(mode="dry-run")))
    async with stage(80, 24, rb.engine(rb.fleet(tmp_path)), settings=settings) as on:
        on.app.begin_rebalancing()
        automatic = on.app._automatic
        assert automatic is not None
        on.app._told(Said("nothing", "not now"))
        assert "not now" not in on.rows()[-1]
        on.app._told(Said("would", "would apply 7 moves"))
        await on.settle()
        assert "would apply 7 moves" in on.rows()[-1]
    assert automatic._closed
