"""Views: used by enter or by name, saved under a name, removed when one says yes, and never in read-only mode."""

import pytest
from textual import events

from core.config import Settings, Ui, View
from core.errors import ConfigError
from tests.stage import crowd, stage, still
from tui.view.table import View as TableView

BUSY = View("processes", "files>990", "cpu", True, ("agent", "cpu"))
SETTINGS = Settings(ui=Ui(views={"very busy": BUSY, "quiet": View(filter="idle", sort="agent")}))


def saving(kept):
    def save(changes):
        kept.append(changes)
        return "saved to settings.toml"

    return save


async def pick(on, name):
    """Put the cursor on a view of the list."""
    on.table.to_row(on.table.names.index(name))
    on.screen.redraw()


async def test_a_view_sets_filter_order_and_columns():
    async with stage(80, 24, still(crowd()), keys=("f", "V"), settings=SETTINGS) as on:
        await pick(on, "very busy")
        await on.press("enter")
        assert on.kind == "processes"
        assert "view: very busy" in on.rows()[-1]
        assert (on.table.filter_text, on.table.sort, on.table.descending) == ("files>990", "cpu", True)
        assert on.table.chosen_columns == ("agent", "cpu")
        assert len(on.table.rows) == 10


async def test_each_table_lists_its_own_views_and_those_that_come_with_it():
    async with stage(80, 24, keys=("f", "V"), settings=SETTINGS) as on:
        assert on.table.names == ["busy", "very busy"]
        assert "built in" in on.selected()
        assert "yours" in on.rows()[on.row_of("very busy")]
        await on.press("escape", "escape", "V")
        assert "quiet" in on.table.names
        assert "very busy" not in on.table.names


async def test_the_table_as_it_stands_is_saved_under_a_name():
    kept = []
    async with stage(80, 24, still(crowd()), keys=("slash",), save=saving(kept)) as on:
        await on.type("a00")
        await on.press("enter", "s", "S", "V", "n")
        await on.type(" mine too ")
        await on.press("enter")
        assert kept == [
            {"ui.views.mine too": {
                "table": "agents", "filter": "a00", "sort": "agent", "descending": True, "columns": []}}
        ]  # fmt: skip
        assert "saved to settings.toml" in on.rows()[-1]
        await pick(on, "mine too")
        assert "yours" in on.selected()
        await on.press("escape", "escape", "V")
        await pick(on, "mine too")
        await on.press("enter")
        assert on.table.filter_text == "a00"


async def test_a_name_that_is_none_is_said_so_while_it_is_typed():
    kept = []
    async with stage(80, 24, keys=("V", "n"), save=saving(kept)) as on:
        await on.type("a.b")
        assert "a name has 1 to 40 letters, digits, blanks, _ or -" in on.rows()[-1]
        await on.press("enter")
        assert on.screen.prompting
        await on.press("escape")
        assert (on.kind, kept) == ("views", [])


async def test_an_empty_name_keeps_the_prompt_open():
    kept = []
    async with stage(80, 24, keys=("V", "n", "enter"), save=saving(kept)) as on:
        assert on.screen.prompting
        assert "a name has 1 to 40 letters" in on.rows()[-1]
        assert kept == []


@pytest.mark.parametrize(("answer", "count"), [("y", 1), ("n", 0), ("escape", 0), ("x", 0)])
async def test_a_name_that_is_taken_is_only_replaced_if_one_says_yes(answer, count):
    kept = []
    async with stage(80, 24, keys=("f", "V", "n"), settings=SETTINGS, save=saving(kept)) as on:
        await on.type("very busy")
        await on.press("enter")
        assert (
            "there is a view very busy of processes: replace it? y: yes, any other key: no" in on.rows()[-1]
        )
        await on.press(answer)
        assert len(kept) == count
        assert on.kind == "views"


@pytest.mark.parametrize("answer", ["y", "n", "q", "slash", "escape"])
async def test_a_view_is_removed_if_one_says_yes(answer):
    kept = []
    async with stage(80, 24, keys=("f", "V"), settings=SETTINGS, save=saving(kept)) as on:
        await pick(on, "very busy")
        await on.press("x", answer)
        assert on.table.names == (["busy"] if answer == "y" else ["busy", "very busy"])
        assert kept == ([{"ui.views.very busy": None}] if answer == "y" else [])
        assert not on.app._exit


async def test_a_question_that_can_no_longer_be_read_is_not_answered():
    kept = []
    async with stage(80, 24, keys=("f", "V"), settings=SETTINGS, save=saving(kept)) as on:
        await pick(on, "very busy")
        await on.press("x")
        on.screen.say("something else was said")
        await on.press("y")
        assert kept == []


async def test_a_view_that_comes_with_the_table_is_not_removed():
    async with stage(80, 24, keys=("f", "V", "x"), save=saving([])) as on:
        assert "busy comes with bluetop" in on.rows()[-1]
        assert not on.screen.questioning


async def test_a_view_that_cannot_be_saved_is_not_there():
    def save(changes):
        raise ConfigError("the disk is full")

    async with stage(80, 24, keys=("V", "n"), save=save) as on:
        before = list(on.table.names)
        await on.type("mine")
        await on.press("enter")
        assert "the disk is full" in on.rows()[-1]
        assert on.table.names == before


async def test_read_only_uses_views_and_offers_nothing_that_writes():
    kept = []
    async with stage(
        80, 24, still(crowd()), keys=("f", "V"), settings=SETTINGS, save=saving(kept), read_only=True
    ) as on:
        assert "n new" not in on.text()
        assert "x remove" not in on.text()
        await on.press("n")
        assert "read-only: nothing is saved" in on.rows()[-1]
        await on.press("x")
        assert "read-only: nothing is removed" in on.rows()[-1]
        await on.press("question_mark")
        assert "Remove a view" not in on.text()
        await on.press("escape")
        await pick(on, "very busy")
        await on.press("enter")
        assert on.table.filter_text == "files>990"
        assert kept == []


async def test_an_empty_list_says_how_to_fill_it_where_that_is_allowed():
    async with stage(80, 24, keys=("enter",), save=saving([])) as on:
        on.table.views = ()
        await on.press("V")
        assert "n saves the table as it stands" in on.text()
    async with stage(80, 24, keys=("enter",), read_only=True) as on:
        on.table.views = ()
        await on.press("V")
        assert "no views yet" in on.text()
        assert "n saves" not in on.text()


async def test_a_view_of_the_operators_hides_the_built_in_one_of_its_name():
    mine = Settings(ui=Ui(views={"busy": View("processes", "cpu>1")}))
    async with stage(80, 24, keys=("f", "V"), settings=mine) as on:
        assert on.table.names == ["busy"]
        assert "yours" in on.selected()


async def test_a_view_that_cannot_be_used_says_why_and_changes_nothing():
    old = Settings(
        ui=Ui(views={"old": View("processes", "handels>3", "cpu"), "strange": View("processes", "", "x")})
    )
    async with stage(80, 24, keys=("f", "V"), settings=old) as on:
        await pick(on, "old")
        await on.press("enter")
        assert "the filter of old cannot be used: no key is called handels; did you mean" in on.rows()[-1]
        assert (on.table.filter_text, on.table.sort) == ("", "handles")
        await on.press("V")
        await pick(on, "strange")
        await on.press("enter")
        assert "strange names no column of this table: x" in on.rows()[-1]


async def test_views_are_found_by_name_in_the_palette():
    async with stage(80, 24, still(crowd()), keys=("f", "colon"), settings=SETTINGS) as on:
        await on.type("view: very")
        await on.settle()
        assert "view: very busy" in on.text()
        await on.press("enter")
        await on.settle()
        assert on.table.filter_text == "files>990"
        assert "view: very busy" in on.rows()[-1]


async def test_a_filter_that_looks_like_markup_is_text_in_the_palette_and_in_the_list():
    nasty = '"[@click=app.quit]x[/]"'
    mine = Settings(ui=Ui(views={"nasty": View("processes", nasty)}))
    async with stage(100, 30, keys=("f", "V"), settings=mine) as on:
        assert nasty in on.text()
        await on.press("escape", "colon")
        await on.type("view: nasty")
        await on.settle()
        assert "(@click=app.quit)x" in on.text()
        await on.press("enter")
        await on.settle()
        assert on.table.filter_text == nasty
        assert not on.app._exit


async def test_typing_a_name_in_one_packet_acts_on_nothing():
    kept = []
    async with stage(80, 24, keys=("V",), save=saving(kept)) as on:
        for key in ("n", "x", "y", "q", "enter"):
            on.app.post_message(events.Key(key, "\r" if key == "enter" else key))
        await on.settle()
        assert list(kept[0]) == ["ui.views.xyq"]


async def test_a_built_in_view_without_columns_keeps_those_that_were_chosen():
    async with stage(120, 40, still(crowd()), keys=("f", "C", "space", "escape")) as on:
        chosen = on.table.chosen_columns
        on.table.views = (TableView("plain", "", "cpu", True),)
        await on.press("V")
        await pick(on, "plain")
        await on.press("enter")
        assert on.table.chosen_columns == chosen
        assert on.table.sort == "cpu"
