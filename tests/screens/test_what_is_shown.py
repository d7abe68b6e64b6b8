"""What the eye must meet on every screen, at the sizes that operators have."""

import msgspec
import pytest

from core.alerts.view import Alerts
from core.errors import PollError
from core.queues.model import Problem
from core.snapshot import Progress, Reading, Verdict
from tests.snapshots import AT, agents, snapshot, view
from tests.stage import PATHS, SIZES, crowd, stage, still, task
from tui.view.glyphs import ASCII
from tui.view.spans import width

EVERY = [(w, h, kind) for w, h in SIZES for kind in PATHS]


@pytest.mark.parametrize(("columns", "lines", "kind"), EVERY)
async def test_every_screen_has_a_head_a_verdict_and_a_foot(columns, lines, kind):
    async with stage(columns, lines, keys=PATHS[kind]) as on:
        rows = on.rows()
        assert rows[0].startswith(" bluetop  prod-01  ")
        assert "live 1 s" in rows[0]
        assert rows[0].rstrip().endswith("20:26:40")
        assert rows[1].startswith(" ▲ CC queue is too long: 14 waiting, target < 10")
        assert rows[1].rstrip().endswith("i show CC")
        assert rows[-1].startswith(" ? help")
        assert ("q quit" if kind == "dashboard" else "esc back") in rows[-1]
        assert [width(row) for row in rows] == [columns] * lines


@pytest.mark.parametrize(("columns", "lines"), [(60, 20), (80, 24), (120, 40), (160, 50), (200, 60)])
async def test_the_dashboard_shows_gauges_agents_and_alerts_at_any_size(columns, lines):
    async with stage(columns, lines) as on:
        text = on.text()
        for word in ("CPU", "43 %", "MEM", "62 %", "DISK", "15.0 MB/s", "FILES", "104", "< 80", "▲ warn"):
            assert word in text
        for word in ("AGENT", "STATE", "NOW", "LOAD", "TASK-168B", "100 %"):
            assert word in text
        for word in ("FOR", "RUN", "WAIT", "OLDEST", "DRAINS", "32 m", "2d 4h"):
            assert word in text or columns < 80
        for view_ in agents():
            assert view_.queue.agent in text
        assert "open files 104 handles" in text
        assert on.selected()


async def test_below_the_least_size_there_is_the_verdict_and_a_kind_word():
    async with stage(59, 19) as on:
        text = on.text()
        assert "CC queue is too long" in text
        assert "59x19" in text
        assert "60x20" in text
        assert "press q" in text
        await on.press("j", "enter")
        assert "60x20" in on.text()


async def test_a_wide_screen_has_the_selected_agents_tasks_beside_the_table():
    async with stage(200, 60) as on:
        assert "TASKS OF CC" in on.text()
        assert "Title of CC-1" in on.text()
        await on.press("j")
        assert "TASKS OF CB" in on.text()
        assert "Title of CB-1" in on.text()
        assert "Title of CC-1" not in on.text()


@pytest.mark.parametrize(("columns", "lines"), SIZES)
async def test_the_agent_screen_says_who_it_is_and_lists_the_tasks(columns, lines):
    async with stage(columns, lines, keys=("enter",)) as on:
        text = on.text()
        assert "agents > CC" in on.rows()[0]
        for word in ("working", "14 waiting", "1 of 5 in progress", "2 failed", "31 done", "workload 100 %"):
            assert word in text
        for word in ("TASK", "STATUS↑", "TITLE", "AGE", "CC-1", "in_progress", "Title of CC-1", "4h"):
            assert word in text
        assert "s?" in text or "0 s?" in text  # a time that cannot be true is marked as doubtful


@pytest.mark.parametrize(("columns", "lines"), SIZES)
async def test_the_task_screen_shows_every_field_also_those_nobody_knows(columns, lines):
    async with stage(columns, lines, keys=("enter", "enter")) as on:
        text = on.text()
        assert "agents > CC > CC-1" in on.rows()[0]
        assert "status written as 'working', read as in_progress" in text
        assert '"unheard_of"' in text
        assert '"deep"' in text
        assert "word word word" in text
        await on.press("G")
        assert '"field_59": 59' in on.text()


async def test_a_task_says_what_cannot_be_true_and_what_is_there_twice():
    async with stage(80, 24, keys=("enter", "j", "enter")) as on:
        assert "cannot be true: created_at" in on.text()
        assert "1 more record(s) with this id" in on.text()


@pytest.mark.parametrize(("columns", "lines"), SIZES)
async def test_the_processes_screen_shows_who_holds_which_files(columns, lines):
    async with stage(columns, lines, keys=("f",)) as on:
        assert "processes: 3 of 80 " in on.rows()[0]
        for word in ("AGENT", "NAME", "CPU", "MEM", "FILES↓", "4000", "CB", "python3", "9.00 MiB", "41"):
            assert word in on.text()


@pytest.mark.parametrize(("columns", "lines"), SIZES)
async def test_the_sources_screen_has_the_worst_first(columns, lines):
    async with stage(columns, lines, keys=("o",)) as on:
        assert "sources" in on.rows()[0].lower()
        for word in ("TOOK", "/mnt/nfs", "no answer for 14 s", "postbox/CC/outbox.json", "0.4 ms"):
            assert word in on.text()
        assert on.row_of("▲ hung") < on.row_of("● ok")


async def test_a_source_says_all_of_itself_on_a_screen_of_its_own():
    async with stage(80, 24, keys=("o", "enter")) as on:
        assert "/mnt/nfs" in on.rows()[0]
        for word in ("hung", "mount", "missed", "3", "no answer for 14 s"):
            assert word in on.text()


@pytest.mark.parametrize(("columns", "lines"), SIZES)
async def test_the_alerts_screen_has_what_fires_and_then_the_newest_first(columns, lines):
    async with stage(columns, lines, keys=("L",)) as on:
        text = on.text()
        assert "alerts: 2 of 2 open" in on.rows()[0]
        for word in ("4 m", "firing", "open files of prod-01 is 104", "○ critical", "resolved", "note"):
            assert word in text
        places = [
            on.row_of(word) for word in ("queue of CC", "open files", "/mnt/nfs", "○ critical", "TASK-165")
        ]
        assert places == sorted(places)


@pytest.mark.parametrize(("columns", "lines"), SIZES)
@pytest.mark.parametrize("kind", sorted(set(PATHS) - {"help", "text"}))
async def test_the_help_lists_the_keys_of_the_screen_it_was_called_from(columns, lines, kind):
    async with stage(columns, lines, keys=(*PATHS[kind], "question_mark")) as on:
        assert f"help > {kind}" in on.rows()[0]
        assert f"Keys on the screen '{kind}'" in on.text()
        assert "All keys that work here" in on.text()


@pytest.mark.parametrize(("columns", "lines"), SIZES)
async def test_the_palette_finds_actions_themes_and_agents_by_name(columns, lines):
    async with stage(columns, lines, keys=("colon",)) as on:
        assert "Watched processes and their file handles" in on.text() or lines == 24
        await on.type("agent blue")
        assert "agent BLUE" in on.text()
        await on.settle()
        await on.press("enter")
        await on.settle()
        assert "agents > BLUE" in on.rows()[0]


@pytest.mark.parametrize(("columns", "lines"), SIZES)
async def test_the_filter_prompt_takes_the_place_of_the_foot(columns, lines):
    async with stage(columns, lines, keys=("slash",)) as on:
        assert on.rows()[-1].strip().startswith("filter: words, -word")
        await on.type("working !cb")
        assert on.rows()[-1].strip() == "working !cb"
        assert "1 of 6 match /working !cb" in on.text()
        assert "TASK-168B" in on.text()
        assert "TASK-168A" not in on.text()


async def test_before_the_first_samples_the_panes_say_that_they_wait():
    nothing = snapshot(
        cpu=Reading(), memory=Reading(), disk=Reading(), processes=Reading(), charts={}, kpis=(), agents=(),
        events=(), alerts=Alerts(), sources=(), overall="unknown",
        verdict=Verdict("unknown", "waiting for the first samples", ""),
    )  # fmt: skip
    async with stage(80, 24, still(nothing)) as on:
        assert on.text().count("waiting") >= 5
        assert "no agents in postbox/ yet" in on.text()
        assert "nothing fires" in on.text()
        for key in ("f", "o", "L", "escape", "escape", "escape", "enter", "a", "y", "s", "S", "G", "j"):
            await on.press(key)
        assert on.kind == "dashboard"


async def test_a_long_first_reading_says_how_far_it_is():
    async with stage(80, 24, still(snapshot(progress=Progress(30, 120, "queues")))) as on:
        assert "reading 25 %" in on.rows()[0]


@pytest.mark.parametrize(("columns", "lines"), SIZES)
async def test_without_a_workspace_the_screen_says_how_to_name_one(columns, lines):
    async with stage(columns, lines, still(snapshot(workspace=None, agents=()))) as on:
        assert "no workspace" in on.rows()[0]
        assert "bluetop --workspace DIR" in on.text()
        assert "bluetop demo" in on.text()


async def test_a_stale_figure_is_shown_as_its_age():
    base = snapshot()
    old = snapshot(cpu=Reading(base.cpu.value, AT - 14, 2.0), memory=Reading(base.memory.value, AT - 14, 2.0))
    async with stage(80, 24, still(old)) as on:
        assert "14 s old" in on.rows()[0]
        assert "43 %" not in on.text()


async def test_an_agent_whose_file_cannot_be_read_says_why():
    bad = view(
        "CA", "unreadable", "high", None, problems=(Problem("error", "json", "a comma is missing", 3, 7),)
    )
    engine = still(snapshot(agents=(bad,)), {"CA": PollError("postbox/CA/outbox.json: a comma is missing")})
    async with stage(80, 24, engine) as on:
        assert "unreadable" in on.text()
        await on.press("enter")
        assert "postbox/CA/outbox.json: a comma is missing" in on.text()


async def test_what_is_odd_in_a_file_is_said_with_its_place():
    odd = view(
        "CA",
        problems=(Problem("odd", "bom", "starts with a byte order mark", 1, 1), Problem("odd", "x", "y")),
    )
    async with stage(80, 24, still(snapshot(agents=(odd,))), keys=("enter",)) as on:
        assert "starts with a byte order mark (line 1, column 1), 1 more" in on.text()


async def test_an_agent_that_is_gone_is_said_to_be_gone():
    async with stage(80, 24, keys=("enter",)) as on:
        await on.publish(snapshot(agents=agents()[1:]))
        assert "CC is gone: its folder is no longer there" in on.text()


async def test_a_task_that_is_gone_keeps_its_text_under_the_reason():
    engine = still()
    async with stage(80, 24, engine, keys=("enter", "enter")) as on:
        engine.forget()
        first, *rest = agents()
        changed = msgspec.structs.replace(first, queue=first.queue._replace(completed=99))
        await on.publish(snapshot(agents=(changed, *rest)))
        assert "CC-1 is no longer in the file of CC" in on.text()
        assert '"unheard_of"' in on.text()


async def test_tasks_that_cannot_be_read_say_why_once_the_file_says_so():
    async with stage(80, 24, still(tasks={"CC": PollError("no answer for 5 s")}), keys=("enter",)) as on:
        assert "no answer for 5 s" in on.text()


@pytest.mark.parametrize("kind", sorted(PATHS))
async def test_in_ascii_nothing_else_reaches_the_screen(kind):
    async with stage(80, 24, glyphs=ASCII, keys=PATHS[kind]) as on:
        assert on.text().replace("…", "").isascii()  # the ellipsis of a cut text is the wire's to translate


@pytest.mark.parametrize("kind", sorted(PATHS))
async def test_without_colours_there_are_none(kind):
    async with stage(80, 24, theme="mono", system="none", keys=PATHS[kind]) as on:
        assert {color for row in on.cells() for _, style in row for color in colours(style)} == set()


def colours(style):
    """The colours of a style that are not the terminal's own."""
    found = () if style is None else (style.color, style.bgcolor)
    return [color for color in found if color is not None and not color.is_default]


@pytest.mark.parametrize("theme", ["mono", "ansi"])
async def test_a_theme_on_the_terminals_own_ground_paints_none_anywhere(theme):
    async with stage(80, 24, theme=theme) as on:
        for keys in ((), ("slash", "x", "enter"), ("colon",)):
            await on.press(*keys)
            grounds = {style.bgcolor for row in on.cells() for _, style in row if style and style.bgcolor}
            assert {g for g in grounds if g.triplet is not None} == set()


async def test_read_only_is_said_and_offers_no_key_that_writes():
    async with stage(80, 24, still(snapshot(read_only=True)), read_only=True) as on:
        assert on.rows()[-1].rstrip().endswith("read-only")
        await on.press("question_mark")
        assert "Save theme" not in on.text()
        await on.press("G")
        assert "Read-only: keys that change anything are absent" in on.text()


async def test_an_agent_with_very_many_tasks_shows_its_last_one_at_once():
    many = tuple(task(f"T-{n}", index=n) for n in range(20_000))
    async with stage(80, 24, still(tasks={"CC": many}), keys=("enter", "G")) as on:
        assert "T-19999" in on.selected()


async def test_ten_thousand_agents_stand_in_a_table_that_scrolls():
    async with stage(80, 24, still(crowd(10_000), {})) as on:
        await on.press("G")
        assert "A9999" in on.selected()
        await on.press("g")
        assert "A000" in on.selected()
