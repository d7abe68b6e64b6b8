"""The mouse, where it is on; and any size at any time."""

import pytest

from tests.snapshots import agents, snapshot, view
from tests.stage import PATHS, crowd, stage, still
from tui.view.spans import width


@pytest.mark.parametrize(("columns", "lines"), [(80, 24), (160, 50)])
async def test_a_click_selects_a_row_and_a_second_one_opens_it(columns, lines):
    async with stage(columns, lines) as on:
        row = on.row_of("▲ waiting")
        await on.click(5, row)
        assert "CA " in on.selected()
        assert on.kind == "dashboard"
        await on.click(5, row)
        assert "agents > CA" in on.rows()[0]


@pytest.mark.parametrize("kind", ["agent", "processes", "sources", "alerts"])
async def test_a_click_selects_in_every_list(kind):
    async with stage(80, 24, still(crowd()), keys=PATHS[kind]) as on:
        target = on.rows()[14]
        await on.click(20, 14)
        assert on.selected()[1:] == target[1:]


@pytest.mark.parametrize(("columns", "lines"), [(80, 24), (120, 40)])
async def test_a_click_on_what_needs_you_opens_the_list_of_it(columns, lines):
    async with stage(columns, lines) as on:
        await on.click(20, on.row_of("CB asks for help"))
        assert on.kind == "needs"


async def test_a_click_in_a_scrolled_list_hits_the_row_that_is_seen():
    async with stage(80, 24, still(crowd()), keys=("f", "G")) as on:
        target = on.rows()[10]
        await on.click(20, 10)
        assert on.selected()[1:] == target[1:]


async def test_a_click_on_a_heading_or_past_the_last_row_selects_nothing_else():
    async with stage(80, 24, keys=("j",)) as on:
        heading = on.row_of("AGENTS")
        await on.click(5, heading)
        await on.click(5, heading - 1)
        await on.click(5, 0)
        await on.click(5, 23)
        assert "CB " in on.selected()
        assert on.kind == "dashboard"


async def test_a_click_on_another_pane_gives_it_the_focus():
    async with stage(160, 50) as on:
        await on.click(20, on.row_of("open files 104"))
        assert on.screen.focused is not None
        assert on.screen.focused.id == "alerts"  # and nothing was opened: the row was not seen as selected
        await on.click(10, 5)
        assert on.screen.focused.id == "cpu"
        await on.press("enter")
        assert on.kind == "processes"


@pytest.mark.parametrize(
    "kind", ["dashboard", "agent", "processes", "sources", "alerts", "task", "help", "text"]
)
async def test_the_wheel_moves_by_three_lines(kind):
    async with stage(80, 24, still(crowd()), keys=PATHS[kind]) as on:

        def at():
            return getattr(on.screen, "offset_row", None) if on.screen.table is None else on.table.cursor_row

        await on.wheel(1)
        assert at() == 3
        await on.wheel(-1)
        assert at() == 0


# Each screen in the long run; in the quick one those that are laid out in a way of their own.
QUICK = {"dashboard", "alerts", "agent", "text"}


@pytest.mark.parametrize(
    "kind", [kind if kind in QUICK else pytest.param(kind, marks=pytest.mark.long) for kind in sorted(PATHS)]
)
async def test_every_screen_survives_every_size_and_comes_back_as_it_was(kind):
    async with stage(80, 24, still(crowd()), keys=PATHS[kind]) as on:
        before = on.rows()
        for columns, lines in (
            (160, 50),
            (60, 20),
            (59, 19),
            (1, 1),
            (200, 60),
            (20, 5),
            (300, 100),
            (100, 32),
        ):
            await on.resize(columns, lines)
            assert [width(row) for row in on.rows()] == [columns] * lines
        await on.resize(80, 24)
        assert on.rows() == before


async def test_a_resized_dashboard_looks_like_one_started_at_that_size():
    async with stage(80, 24) as on:
        for columns, lines in ((200, 60), (60, 20), (120, 40), (59, 19)):
            await on.resize(columns, lines)
            async with stage(columns, lines) as fresh:
                assert on.rows() == fresh.rows()


async def test_the_cursor_is_in_sight_after_every_resize():
    async with stage(160, 50, still(crowd()), keys=("G",)) as on:
        for columns, lines in ((80, 24), (60, 20), (200, 60), (120, 40)):
            await on.resize(columns, lines)
            assert "A059" in on.selected()


async def test_the_prompt_and_an_expanded_pane_survive_a_resize():
    async with stage(80, 24, keys=("e", "slash")) as on:
        await on.type("c")
        await on.resize(120, 40)
        assert on.rows()[-1].strip() == "c"
        assert "ALERTS" not in on.text()
        await on.press("enter", "escape", "escape")
        assert "ALERTS" in on.text()


async def test_the_layout_makes_room_when_agents_come_and_go():
    async with stage(160, 50) as on:
        many = (*agents(), *(view(f"NEW{n}") for n in range(8)))
        await on.publish(snapshot(agents=many))
        assert all(v.queue.agent in on.text() for v in many)
        async with stage(160, 50, still(snapshot(agents=many))) as fresh:
            assert on.rows() == fresh.rows()
        await on.publish(snapshot())
        async with stage(160, 50) as fresh:
            assert on.rows() == fresh.rows()
