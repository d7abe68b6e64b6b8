"""Text of strangers on every screen: cleaned at the edge, it stays text, in its place, and within its width.

What `clean` makes of control characters is tested in core; here their visible escapes stand beside
what a markup language, a layout and a width table could fall for.
"""

import pytest

from core.queues.model import Problem
from core.snapshot import Event, SourceState, Verdict
from core.text import clean_line
from tests.fakes import StillEngine
from tests.snapshots import AT, WALL, reading, snapshot, view
from tests.stage import PATHS, record, stage, task
from tui.view.glyphs import ASCII
from tui.view.spans import width

NASTY = {
    "markup": "[@click=app.quit]click[/] [red]red[/x] [bold",
    "escapes": clean_line("\x1b]52;c;aGk=\x07\x1b[2J\x9b31m\u202eevil\u2066\x00\x7f"),
    "wide": "日本語のタスク名" * 6,
    "emoji": "🚀👩‍👩‍👧‍👦🇩🇪👍🏽" * 5,
    "marks": "e\u0301" * 40 + "Z" + "\u0301" * 30,
    "zero width": "a\u200bb\u200dc\ufeffd" * 9,
    "long": "x" * 5000,
    "spaces": "   ",
    "empty": "",
    "right to left": "שלום עולם مرحبا بالعالم",
    "surrogate": "\udce4\udcff",
    "braces": "{0} {name!r} %s %(x)s $PATH \\n",
}


def hostile(text):
    """A Snapshot in which every word that comes from outside is `text`."""
    base = snapshot()
    scan = base.processes.value
    rows = tuple(r._replace(name=text, command=text, why=text, agent=text) for r in scan.rows)
    agent = view(
        text, "working", "medium", 55.0, current_id=text, current_title=text, role=text, expertise=(text, text),
        status_text=text, current_since=WALL - 5, pending=3, path=f"postbox/{text}/outbox.json",
        problems=(Problem("odd", "code", text, 3, 4, text),),
    )  # fmt: skip
    return snapshot(
        host=text, workspace="/" + text, agents=(agent, view("CB"), view("CA")),
        processes=reading(scan._replace(rows=rows)),
        verdict=Verdict("high", text, text, f"agent:{text}", "open_agent", text),
        events=tuple(Event(n, WALL, "high", "firing", f"agent:{text}", text, 3) for n in (2, 1)),
        sources=(SourceState(text, "file", "odd", f"{text}; {text}", AT, 1.0, 2), *base.sources),
    )  # fmt: skip


def engine(text):
    tasks = tuple(
        task(text, text, title=text, status=text, raw_status=text, priority=text, index=n) for n in range(3)
    )
    return StillEngine(hostile(text), {text: tasks}, lambda task_id: record(task_id) + "\n" + text)


# Of those that are much like another one the quick run leaves out some.
ALIKE = {"braces", "empty", "marks", "spaces", "wide"}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.long) if name in ALIKE else name for name in sorted(NASTY)]
)
async def test_no_text_breaks_a_screen(name):
    async with stage(80, 24, engine(NASTY[name])) as on:
        for kind, keys in PATHS.items():
            await on.press(*keys)
            for columns, lines in (
                ((160, 50), (80, 24)) if kind in ("dashboard", "agent", "text") else ((80, 24),)
            ):
                await on.resize(columns, lines)
                rows = on.rows()
                assert [width(row) for row in rows] == [columns] * lines, kind
                assert not any(char < " " or "\x7f" <= char < "\xa0" for row in rows for char in row)
                assert not any(
                    "\u202a" <= char <= "\u202e" or "\u2066" <= char <= "\u2069" for char in on.text()
                )
            await on.press(*(["escape"] * len(keys)))
            assert on.kind == "dashboard"


@pytest.mark.parametrize("kind", ["dashboard", "agent", "alerts", "sources", "task", "processes"])
async def test_markup_is_shown_as_it_is_written(kind):
    async with stage(160, 50, engine(NASTY["markup"]), keys=PATHS[kind]) as on:
        assert "[@click=app.quit]click" in on.text()


@pytest.mark.parametrize("kind", ["dashboard", "agent", "alerts", "sources", "processes", "task"])
async def test_a_click_on_markup_clicks_nothing(kind):
    async with stage(160, 50, engine(NASTY["markup"]), keys=PATHS[kind]) as on:
        for y, row in enumerate(on.rows()):
            if "click" in row:
                await on.click(row.index("click") + 1, y)
                break
        else:
            pytest.fail("the markup is not in sight")
        assert on.app._exit is False


async def test_a_command_that_names_an_agent_clicks_nothing():
    snap = snapshot(agents=(view("[@click=app.quit]evil[/]"),))
    async with stage(80, 24, StillEngine(snap, {"[@click=app.quit]evil[/]": ()}), keys=("colon",)) as on:
        await on.type("evil")
        await on.settle()
        y = on.row_of("agent [@click=app.quit]evil[/]")
        await on.click(on.rows()[y].index("evil") + 1, y)
        await on.settle()
        assert on.app._exit is False
        assert "[@click=app.quit]evil[/]" in on.rows()[0]


async def test_the_palette_and_the_prompt_take_any_name_for_text():
    for text in ("[@click=app.quit]x[/]", "[/x]", "日本", "[bold"):
        base = snapshot(agents=(view(text), view("CB")))
        async with stage(80, 24, StillEngine(base, {text: (), "CB": ()}), keys=("colon",)) as on:
            await on.type("agent ")
            await on.settle()
            assert f"agent {text}" in on.text()
            await on.press("escape", "slash")
            await on.type("[/x]")
            assert on.rows()[-1].strip() == "[/x]"


async def test_columns_stand_in_line_beside_wide_characters():
    names = ("日本", "ab", "é́", "👍🏽x")
    base = snapshot(agents=tuple(view(name, "idle", load=50.0) for name in names))
    async with stage(120, 40, StillEngine(base)) as on:
        rows = [row for row in on.rows() if " idle " in row]
        assert len(rows) == len(names)
        assert len({width(row[: row.index(" idle ")]) for row in rows}) == 1
        assert len({width(row[: row.index("50 %")]) for row in rows}) == 1


async def test_a_letter_that_ascii_does_not_have_is_left_to_the_wire():
    async with stage(80, 24, StillEngine(hostile("日本")), glyphs=ASCII) as on:
        assert "日本" in on.text()
        assert [width(row) for row in on.rows()] == [80] * 24
