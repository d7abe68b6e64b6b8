"""Marks belong to items: they stay through refresh, sort and filter, and are always counted somewhere."""

import pytest

from tests.snapshots import agents, snapshot
from tests.stage import crowd, stage, still
from tui.view.glyphs import ASCII


async def test_marks_outlive_refresh_sort_and_filter_and_are_counted():
    async with stage(80, 24, still(crowd(40)), keys=("j", "space", "space")) as on:
        assert on.table.marks == {"A001", "A002"}
        assert on.rows()[-1].rstrip().endswith("2 marked")
        await on.publish(crowd(20))
        await on.press("s", "S", "s")
        assert [v.queue.agent for v in on.table.marked()] in (["A001", "A002"], ["A002", "A001"])
        await on.press("slash")
        await on.type("a001")
        await on.press("enter")
        assert on.rows()[-1].rstrip().endswith("2 marked (1 not shown)")
        assert len(on.table.marked()) == 2


@pytest.mark.parametrize(("columns", "lines"), [(120, 40), (160, 50)])
async def test_in_a_frame_the_count_stands_in_the_frame(columns, lines):
    async with stage(columns, lines, still(crowd(40)), keys=("space", "space")) as on:
        assert "─ 2 marked ─" in on.text()
        assert "marked" not in on.rows()[-1]
        await on.press("slash")
        await on.type("a00")
        assert "10 of 40 match /a00, 2 marked ─" in on.text()


async def test_control_and_space_marks_a_range_as_terminals_send_it():
    async with stage(80, 24, still(crowd(40)), keys=("space", "j", "j", "ctrl+@")) as on:
        assert on.table.marks == {"A000", "A001", "A002", "A003"}


async def test_escape_takes_marks_away_then_the_filter_then_the_pane():
    async with stage(80, 24, still(crowd(40)), keys=("e", "slash")) as on:
        await on.type("a00")
        await on.press("enter", "space")
        assert len(on.table.rows) == 10
        await on.press("escape")
        assert (on.table.marks, on.table.filter_text) == (set(), "a00")
        await on.press("escape")
        assert on.table.filter_text == ""
        assert "ALERTS" not in on.text()
        await on.press("escape")
        assert "ALERTS" in on.text()


async def test_escape_leaves_a_list_only_after_its_marks():
    async with stage(80, 24, still(crowd(40)), keys=("f", "space", "escape")) as on:
        assert on.kind == "processes"
        await on.press("escape")
        assert on.kind == "dashboard"


async def test_marks_of_agents_that_went_are_not_counted():
    async with stage(80, 24, keys=("space", "space")) as on:
        await on.publish(snapshot(agents=agents()[1:]))
        assert on.rows()[-1].rstrip().endswith(" 1 marked")
        await on.publish(snapshot())
        assert on.rows()[-1].rstrip().endswith(" 2 marked")


async def test_each_table_of_the_dashboard_has_its_own_marks():
    async with stage(80, 24, still(crowd(40)), keys=("space", "tab", "space", "space")) as on:
        assert len(on.table.marks) == 2
        assert on.rows()[-1].rstrip().endswith("1 marked, 2 marked")
        await on.press("escape", "shift+tab")
        assert on.table.marks == {"A000"}


async def test_a_mark_is_seen_without_colours_in_ascii():
    async with stage(
        80, 24, still(crowd(40)), keys=("space", "k"), glyphs=ASCII, theme="mono", system="none"
    ) as on:
        row = on.selected()
        assert (row[0], row[-1]) == (">", "*")
        await on.press("j")
        assert [row[1:5] for row in on.rows() if row.startswith("*")] == ["A000"]


async def test_where_no_table_has_the_focus_marks_do_nothing():
    async with stage(80, 24, keys=("tab", "tab", "space", "v", "backslash", "C", "V")) as on:
        assert on.kind == "dashboard"
        assert "no table is selected here" in on.rows()[-1]


async def test_copy_in_the_alerts_copies_no_agent_that_was_not_meant():
    async with stage(80, 24) as on:
        await on.press("tab", "space", "y")
        assert on.sent == []
        assert "tab goes to the agents" in on.rows()[-1]
