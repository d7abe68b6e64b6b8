"""The prompt of a filter: what is said below it, what tab writes, and that nothing else moves."""

import pytest
from textual import events

from tests.snapshots import WALL, snapshot
from tests.stage import crowd, stage, still
from tui.screens.prompt import candidates_line, mistake_line
from tui.view.glyphs import ASCII
from tui.view.spans import line_width, plain

IN_PROCESSES = ("f", "slash")


async def test_a_mistake_is_said_below_the_prompt_where_it_is():
    async with stage(80, 24, still(crowd()), keys=IN_PROCESSES) as on:
        await on.type("agent:A00* cpu>x")
        prompt, below = on.rows()[-2:]
        assert prompt.strip() == "agent:A00* cpu>x"
        assert below.index("^") == prompt.index("x")
        assert "cpu cannot be x; it takes per cent such as >80 or 80..100" in below
        assert [row.agent for row in on.table.rows] == [f"A00{n}" for n in range(10)]


async def test_the_prompt_makes_room_once_and_nothing_else_moves():
    async with stage(80, 24, still(crowd()), keys=IN_PROCESSES) as on:
        await on.type("agent:A001")
        head = on.rows()[:-3]
        for typed in (" ", "cpu", ">", "1", "0", "backspace", "0", "0"):
            await (on.press(typed) if typed == "backspace" else on.type(typed))
            if typed != "cpu":
                assert on.rows()[-2].strip().startswith("agent:A001")
        assert on.table.names == []  # none uses so much
        for _ in range(3):
            await on.press("backspace")
        assert on.table.filter_text == "agent:A001 cpu>1"
        assert on.rows()[:-3] == head
        await on.press("escape")
        assert on.rows()[-1].startswith(" ? help")
        assert len(on.table.rows) == 60


async def test_the_last_good_filter_stays_while_it_is_changed():
    async with stage(80, 24, still(crowd()), keys=IN_PROCESSES) as on:
        await on.type("files>990")
        assert len(on.table.rows) == 10
        for _ in range(3):
            await on.press("backspace")
            assert on.table.rows
        assert on.table.filter_text == "files>9"
        assert "files> is not complete" in on.rows()[-1]
        assert len(on.table.rows) == 60


async def test_a_key_that_is_being_typed_hides_nothing():
    async with stage(80, 24, still(crowd()), keys=IN_PROCESSES) as on:
        await on.type("files>")
        assert len(on.table.rows) == 60
        assert "nothing matches" not in on.text()


async def test_enter_keeps_no_filter_that_cannot_be_used():
    async with stage(80, 24, still(crowd()), keys=IN_PROCESSES) as on:
        await on.type("cpu>")
        await on.press("enter")
        assert on.screen.prompting
        assert "cpu> is not complete" in on.rows()[-1]
        await on.type("0.5")
        await on.press("enter")
        assert not on.screen.prompting
        assert on.table.filter_text == "cpu>0.5"
        assert "60 of 60 match /cpu>0.5" in on.text()
        await on.press("slash")
        assert on.rows()[-1].strip() == "cpu>0.5"
        await on.type("9")  # goes on from there
        assert on.table.filter_text == "cpu>0.59"


async def test_tab_shows_the_keys_and_writes_what_is_certain():
    async with stage(80, 24, still(crowd()), keys=IN_PROCESSES) as on:
        assert "tab shows the keys" in on.rows()[-1]
        await on.press("tab")
        assert on.rows()[-1].split()[:3] == ["agent:", "name:", "pid:"]
        await on.type("ag")
        await on.press("tab")
        assert on.rows()[-2].strip() == "agent:"
        await on.type("A05")
        await on.press("tab")
        assert on.rows()[-1].split() == [f"A05{n}" for n in range(10)]
        await on.type("7")
        await on.press("tab")
        assert on.rows()[-2].rstrip() == " agent:A057"
        assert on.table.filter_text == "agent:A057 "
        assert len(on.table.rows) == 1
        await on.type("cpu>")
        await on.press("tab")
        assert "processor use, of one core: it takes per cent" in on.rows()[-1]
        await on.press("shift+tab")  # leaves the prompt as little as tab does
        assert on.screen.prompting


async def test_tab_completes_where_the_cursor_is():
    async with stage(80, 24, still(crowd()), keys=IN_PROCESSES) as on:
        await on.type("x ag")
        await on.press("home", "right", "right", "right", "right", "tab")
        await on.type("A001")
        assert on.rows()[-2].strip() == "x agent:A001"


async def test_the_cursor_moves_in_the_table_while_one_types():
    async with stage(80, 24, still(crowd()), keys=("slash",)) as on:
        await on.type("a00")
        await on.press("down", "down")
        assert "A002" in on.selected()
        await on.type("2")
        await on.press("enter")
        assert "A002" in on.selected()


async def test_a_click_elsewhere_selects_a_row_and_leaves_the_keys_to_the_prompt():
    async with stage(80, 24, still(crowd()), keys=("slash",)) as on:
        await on.type("a00")
        await on.click(5, next(y for y, row in enumerate(on.rows()) if row.startswith(" A003")))
        await on.click(5, 5)
        await on.type("q")
        await on.press("backspace", "enter")
        assert (on.kind, on.table.filter_text) == ("dashboard", "a00")
        assert "A003" in on.selected()


async def test_what_is_typed_after_a_slash_in_one_packet_is_no_key():
    async with stage(80, 24, still(crowd())) as on:
        for key, char in (("slash", "/"), ("q", "q"), ("space", " "), ("V", "V"), ("enter", "\r")):
            on.app.post_message(events.Key(key, char))
        await on.settle()
        assert (on.kind, on.table.filter_text, on.table.marks) == ("dashboard", "q V", set())


async def test_keys_of_one_packet_act_in_their_order():
    async with stage(80, 24, still(crowd())) as on:
        packet = [("slash", "/"), ("a", "a"), ("x", "x"), ("backspace", "\x7f"), ("0", "0"), ("5", "5"),
                  ("enter", "\r"), ("j", "j"), ("space", " ")]  # fmt: skip
        for key, char in packet:
            on.app.post_message(events.Key(key, char))
        await on.settle()
        await on.settle()
        assert on.table.filter_text == "a05"
        assert on.table.marks == {"A051"}
        assert not on.screen.prompting


async def test_the_place_of_a_mistake_is_right_from_the_first_moment():
    async with stage(80, 24, still(crowd()), keys=("f",)) as on:
        for key, char in (("slash", "/"), *((c, c) for c in "agent:A00* cpu>x")):
            on.app.post_message(events.Key(key, char))
        await on.settle()
        prompt, below = on.rows()[-2:]
        assert below.index("^") == prompt.index("x")


async def test_a_filter_of_ages_follows_the_clock_in_steps_of_five_seconds():
    async with stage(80, 24, still(snapshot()), keys=("L", "slash")) as on:
        await on.type("age>5m")
        await on.press("enter")
        older = ["task_queue_overflow/CC", "note 2", "cpu_critical/ended/3600", "note 1"]
        assert on.table.names == older
        for second in (1, 59, 60):
            await on.publish(snapshot(wall=WALL + second))
            assert on.table.names == older
        await on.publish(snapshot(wall=WALL + 66))
        assert on.table.names == [older[0], "open_files/host", *older[1:]]


async def test_the_help_says_what_the_filter_of_that_table_takes():
    async with stage(120, 60, keys=("f", "question_mark", "G")) as on:
        assert "Keys of a filter" in on.text()
        assert "processor use, of one core" in on.text()
    async with stage(120, 60, keys=("f", "enter", "enter", "question_mark", "G")) as on:
        assert "Keys of a filter" not in on.text()


async def test_filter_and_mistakes_are_plain_letters_in_ascii():
    async with stage(80, 24, still(crowd()), keys=IN_PROCESSES, glyphs=ASCII) as on:
        await on.type("cpu>x")
        assert on.text().replace("…", "").isascii()
        await on.press("ctrl+a", "tab")
        assert on.text().replace("…", "").isascii()


@pytest.mark.parametrize("size", [(60, 20), (59, 19), (200, 60)])
async def test_the_prompt_stays_through_a_resize(size):
    async with stage(80, 24, still(crowd()), keys=IN_PROCESSES) as on:
        await on.type("cpu>x")
        await on.resize(*size)
        await on.resize(80, 24)
        assert on.rows()[-2].strip() == "cpu>x"
        assert "cpu cannot be x" in on.rows()[-1]


@pytest.mark.parametrize("cells", range(20, 90, 7))
def test_a_mistake_is_shown_beside_its_place_if_there_is_room(cells):
    for at in (0, 5, 30, 200, -3):
        line = mistake_line("this is wrong", at, cells)
        assert "this is wrong" in plain(line)
        if "^" in plain(line):
            assert plain(line).index("^") == min(max(at, 0), cells - 1) + 1
    assert line_width(mistake_line("this is wrong", 5, 80)) < 80


def test_candidates_say_how_many_more_there_are():
    names = tuple(f"name{n}" for n in range(30))
    text = plain(candidates_line(names, 60, "…"))
    assert text.startswith(" name0  name1")
    assert text.rstrip().endswith("more")
    assert len(text) <= 60
    assert "more" not in plain(candidates_line(names[:3], 60, "…"))
