"""Columns are chosen and ordered on a screen of their own, hold at once, and are kept for the next start."""

import pytest

from core.config import Settings, Ui
from tests.stage import crowd, stage, still
from tui.view.glyphs import ASCII


def settings(*columns):
    return Settings(ui=Ui(columns=columns))


def heading(on):
    """The words of the heading of the agents table."""
    return next(row for row in on.rows() if "STATE" in row and "NOW" in row).strip("│ ").split()


async def test_a_change_holds_at_once_in_the_table_behind():
    async with stage(160, 50, still(crowd()), keys=("C", "j", "j", "K", "K")) as on:
        assert on.rows()[on.row_of("─ AGENTS ─") + 1].split()[:2] == ["STATE", "AGENT"]
        await on.press("escape")
        assert heading(on)[:2] == ["STATE", "AGENT"]
        assert on.table.chosen_columns[:2] == ("state", "agent")


async def test_what_is_on_at_first_is_what_can_be_seen():
    async with stage(80, 24, still(crowd())) as on:
        seen = [column.name for column, _ in on.table.layout(on.table.cells - 2)]
        await on.press("C")
        on_now = [choice.column.name for choice in on.table.rows if choice.on]
        assert on_now == seen
        assert all(choice.room for choice in on.table.rows if choice.on)


async def test_a_column_without_room_is_said_so_and_the_table_says_how_many():
    async with stage(80, 24, still(crowd()), keys=("C", "G")) as on:
        hidden = [choice.column.name for choice in on.table.rows if not choice.on]
        for name in hidden[:2]:
            on.table.to_row(on.table.names.index(name))
            await on.press("space")
        assert "no room" in on.text()
        assert "more without room" in on.text()
        await on.press("escape")
        assert on.rows()[-1].rstrip().endswith(" more")
        await on.resize(300, 60)
        assert " more" not in on.text()


async def test_one_column_always_stays():
    async with stage(80, 24, settings=settings("agent"), keys=("C", "space")) as on:
        assert "one column must stay" in on.rows()[-1]
        await on.press("escape")
        assert on.table.chosen_columns == ("agent",)


async def test_a_click_on_the_selected_column_shows_or_hides_it():
    async with stage(80, 24, keys=("C",)) as on:
        row = on.row_of("] state")
        await on.click(10, row)
        assert "[x] state" in on.selected()
        await on.click(10, row)
        assert "[ ] state" in on.selected()
        await on.click(10, on.row_of("─ AGENTS ─") + 2)  # the sample cannot be clicked
        assert "[ ] state" in on.selected()


async def test_a_column_moves_no_further_than_the_ends():
    async with stage(80, 24, keys=("C", "K")) as on:
        assert on.table.cursor_row == 0
        await on.press("G", "J")
        assert on.table.cursor_row == len(on.table.rows) - 1


async def test_chosen_columns_are_saved_in_their_order_and_shown_at_the_next_start():
    saved = []
    async with stage(
        80, 24, save=lambda c: str(saved.append(c)), settings=settings("load", "agent", "state")
    ) as on:
        assert on.rows()[on.row_of("LOAD")].split() == ["LOAD", "AGENT", "STATE"]
        await on.press("C", "j", "K", "escape", "W")
        assert saved[0]["ui.columns"] == ["agent", "load", "state"]


async def test_unknown_columns_are_named_once_and_break_nothing(caplog):
    async with stage(80, 24, settings=settings("agnet", "state", "lode")) as on:
        assert "ui.columns names no column of the agents table: agnet, lode" in on.rows()[-1]
        assert "agnet" in caplog.text
        assert on.table.chosen_columns == ("state",)
        await on.press("j")
        assert "agnet" not in on.text()


async def test_a_list_that_is_opened_again_has_the_columns_that_were_chosen_for_it():
    async with stage(120, 40, still(crowd()), keys=("f", "C", "space", "escape")) as on:
        chosen = on.table.chosen_columns
        assert "pid" not in chosen
        await on.press("escape", "f")
        assert on.table.chosen_columns == chosen
        await on.press("C", "0", "escape", "escape", "f")
        assert on.table.chosen_columns == ()


async def test_read_only_chooses_for_now_and_saves_nothing():
    saved = []
    async with stage(
        80, 24, read_only=True, save=lambda c: str(saved.append(c)), keys=("C", "j", "space", "W")
    ) as on:
        assert saved == []
        assert "nothing is saved" in on.rows()[-1]
        await on.press("escape")
        assert "severity" not in on.table.chosen_columns


@pytest.mark.parametrize("name", ["agent", "processes", "sources", "alerts"])
async def test_every_list_can_be_arranged(name):
    paths = {"agent": ("enter",), "processes": ("f",), "sources": ("o",), "alerts": ("L",)}
    async with stage(120, 40, still(crowd()), keys=(*paths[name], "C", "space")) as on:
        await on.press("escape")
        assert on.kind == name
        assert on.table.chosen_columns
        assert on.table.columns[0].name not in on.table.chosen_columns


async def test_the_screen_is_plain_letters_in_ascii():
    async with stage(80, 24, still(crowd()), keys=("C",), glyphs=ASCII) as on:
        assert on.text().replace("…", "").isascii()
        assert "- AGENTS -" in on.text()
