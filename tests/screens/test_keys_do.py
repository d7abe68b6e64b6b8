"""Every row of the key table does what its help says, on each screen where it works.

All its keys are pressed on the first of these screens, its first key on the others: that keys mean
the same everywhere is held by `tests/tui/test_keys.py`.
"""

import base64
import json
from collections.abc import Awaitable, Callable

import pytest

from core.config import Settings, Ui, View
from tests.fakes import StillDesk
from tests.stage import PATHS, Stage, crowd, still
from tests.stage import stage as on_stage
from tui.keys import KEYS, PLANNING, Key, keys_of
from tui.screens.text import TextScreen

Check = Callable[[Stage, str], Awaitable[None]]
CHECKS: dict[str, Check] = {}
TEXTS = ("task", "help", "text")
SETTINGS = Settings(
    ui=Ui(
        views={f"mine {n:02}": View(filter=f"a0{n + 1}", sort="pending", descending=True) for n in range(40)}
    )
)


def checks(action: str) -> Callable[[Check], Check]:
    def keep(check: Check) -> Check:
        CHECKS[action] = check
        return check

    return keep


def position(on: Stage) -> int:
    """Where one is: the row under the cursor, or the first line in sight of a text."""
    screen = on.screen
    return screen.offset_row if isinstance(screen, TextScreen) else on.table.cursor_row


async def moved(on: Stage, key: str, keys_before: tuple[str, ...] = ()) -> int:
    """By how much `key` moves; what is drawn moves with it."""
    await on.press(*keys_before)
    before, picture = position(on), on.rows()
    await on.press(key)
    assert on.rows() != picture
    if not isinstance(on.screen, TextScreen):
        assert on.table.identify(on.table.current()) in ("", on.table.cursor)
        assert len([row for row in on.rows() if on.app.glyphs.cursor in row]) == 1
    return position(on) - before


@checks("cursor(1)")
async def down(on: Stage, key: str) -> None:
    assert await moved(on, key) == 1


@checks("cursor(-1)")
async def up(on: Stage, key: str) -> None:
    assert await moved(on, key, ("j", "j", "j")) == -1


@checks("page(1)")
async def page_down(on: Stage, key: str) -> None:
    assert 5 <= await moved(on, key) <= 24


@checks("page(-1)")
async def page_up(on: Stage, key: str) -> None:
    assert -24 <= await moved(on, key, ("G",)) <= -5


@checks("edge(-1)")
async def top(on: Stage, key: str) -> None:
    assert await moved(on, key, ("G",)) < 0
    assert position(on) == 0


@checks("edge(1)")
async def bottom(on: Stage, key: str) -> None:
    assert await moved(on, key) > 0
    before = on.text()
    await on.press("j")
    assert on.text() == before


@checks("app.show_help")
async def help_for_this_screen(on: Stage, key: str) -> None:
    kind, depth = on.kind, len(on.app.screen_stack)
    await on.press(key)
    assert on.kind == "help"
    if kind == "help":
        assert len(on.app.screen_stack) == depth
        return
    assert isinstance(on.screen, TextScreen)
    said = "\n".join("".join(text for text, _ in line) for line in on.screen.lines)
    for row in keys_of(kind):
        assert row.help in said
    await on.press("escape")
    assert on.kind == kind


@checks("filter")
async def filter_prompt(on: Stage, key: str) -> None:
    table = on.table
    everything = len(table.rows)
    await on.press(key)
    text = "-1" if on.kind == "agent" else "a01"
    await on.type(text)
    assert on.rows()[-1].strip() == text
    assert 0 < len(table.rows) < everything
    await on.press("enter")
    assert f"{len(table.rows)} of {everything} match /{text}" in on.text()
    await on.press("escape")
    assert len(table.rows) == everything


@checks("app.palette")
async def palette(on: Stage, key: str) -> None:
    await on.press(key)
    assert on.kind == "Palette"
    assert "help" in on.text()
    await on.press("escape")
    assert on.kind != "Palette"


@checks("enter")
async def into(on: Stage, key: str) -> None:
    kind = on.kind
    await on.press("j")
    if kind == "views":
        on.table.to_row(on.table.names.index("mine 01"))  # others come with the table
    name = on.table.cursor
    await on.press(key)
    head = on.rows()[0]
    if kind == "views":
        assert on.kind == "dashboard"
        assert f"view: {name}" in on.rows()[-1]
        assert (on.table.filter_text, on.table.sort, on.table.descending) == ("a02", "pending", True)
        assert on.table.names[0] in ("A020", "A027")  # six wait there
    elif kind == "dashboard":
        assert on.kind == "agent"
        assert f"agents > {name}" in head
    elif kind == "agent":
        assert on.kind == "task"
        assert "A000-2" in head
    elif kind in ("processes", "alerts", "needs"):
        assert on.kind == "agent"
        assert "A001" in head
    else:
        assert on.kind == "task"
        assert "postbox/A001/outbox.json" in head


@checks("back")
async def back(on: Stage, key: str) -> None:
    depth = len(on.app.screen_stack)
    if on.kind == "dashboard":
        before = on.text()
        await on.press("e")
        assert on.text() != before
        await on.press(key)
        assert on.text() == before
        await on.press(key)
        assert (on.kind, on.text()) == ("dashboard", before)
    else:
        await on.press(key)
        assert len(on.app.screen_stack) == depth - 1


@checks("next_pane(1)")
async def next_pane(on: Stage, key: str) -> None:
    await go_round(on, key, ["alerts", "cpu", "memory", "disk", "files", "agents"])


@checks("next_pane(-1)")
async def previous_pane(on: Stage, key: str) -> None:
    await go_round(on, key, ["files", "disk", "memory", "cpu", "alerts", "agents"])


async def go_round(on: Stage, key: str, names: list[str]) -> None:
    seen = []
    for _ in names:
        picture = on.cells()
        await on.press(key)
        focused = on.screen.focused
        seen.append(focused.id if focused is not None else None)
        assert on.cells() != picture  # the focus can be seen
    assert seen == names


@checks("sort")
async def sort(on: Stage, key: str) -> None:
    table, seen = on.table, []
    for _ in range(3):
        await on.press(key)
        seen.append(table.sort)
        assert "sorted by" in on.rows()[-1]
    assert len(set(seen)) == 3


@checks("reverse")
async def reverse(on: Stage, key: str) -> None:
    before = list(on.table.names)
    await on.press(key)
    assert on.table.names == before[::-1]
    await on.press(key)
    assert on.table.names == before


@checks("mark")
async def mark(on: Stage, key: str) -> None:
    first = on.table.names[0]
    await on.press(key)
    assert (on.table.marks, on.table.cursor_row) == ({first}, 1)
    assert "1 marked" in on.rows()[-1]
    assert len([row for row in on.rows() if row.startswith(on.app.glyphs.mark)]) == 1
    await on.press("k", key)
    assert on.table.marks == set()
    assert "marked" not in on.rows()[-1]


@checks("mark_range")
async def mark_range(on: Stage, key: str) -> None:
    names = on.table.names
    await on.press("j", "space", "j", "j", key)
    assert on.table.marks == set(names[1:5])
    assert "4 marked" in on.rows()[-1]


@checks("clear_marks")
async def clear_marks(on: Stage, key: str) -> None:
    before = on.text()
    await on.press("space", "space", key)
    assert on.table.marks == set()
    await on.press("g")
    assert on.text() == before


@checks("columns")
async def columns(on: Stage, key: str) -> None:
    name = on.table.name or on.kind
    await on.press(key)
    assert on.kind == "columns"
    assert f"{name} > columns" in on.rows()[0]


@checks("views")
async def views(on: Stage, key: str) -> None:
    await on.press(key)
    assert on.kind == "views"
    assert "> views" in on.rows()[0]


@checks("show_column")
async def show_column(on: Stage, key: str) -> None:
    heading = on.rows()[on.row_of("─ AGENTS ─") + 1]
    await on.press("j", "j", key)
    assert "STATE" in heading
    assert "STATE" not in on.rows()[on.row_of("─ AGENTS ─") + 1]
    await on.press(key)
    assert on.rows()[on.row_of("─ AGENTS ─") + 1].split() == heading.split()


@checks("reorder(-1)")
async def column_up(on: Stage, key: str) -> None:
    await on.press("j", "j", key, key)
    assert on.selected().startswith(f"{on.app.glyphs.cursor}[x] state")
    assert on.rows()[on.row_of("─ AGENTS ─") + 1].split()[:2] == ["STATE", "AGENT"]


@checks("reorder(1)")
async def column_down(on: Stage, key: str) -> None:
    await on.press(key, key)
    assert on.selected().startswith(f"{on.app.glyphs.cursor}[x] agent")
    assert on.rows()[on.row_of("─ AGENTS ─") + 1].split()[:2] == ["STATE", "AGENT"]


@checks("defaults")
async def defaults(on: Stage, key: str) -> None:
    before = on.rows()[:-1]
    await on.press("space", "j", "J", key)
    assert "default set" in on.rows()[-1]
    await on.press("g")
    assert on.rows()[:-1] == before


@checks("sort_here")
async def sort_here(on: Stage, key: str) -> None:
    await on.press("j", "j", key)
    assert "STATE↑" in on.text()
    assert "sorted by state" in on.rows()[-1]
    await on.press(key)
    assert "STATE↓" in on.text()


@checks("new_view")
async def new_view(on: Stage, key: str) -> None:
    await on.press(key)
    await on.type("a new one")
    await on.press("enter")
    assert "saved 1 settings" in on.rows()[-1]
    assert "a new one" in on.text()


@checks("remove_view")
async def remove_view(on: Stage, key: str) -> None:
    on.table.to_row(on.table.names.index("mine 00"))  # others come with the table
    await on.press(key)
    assert "remove the view mine 00 from your settings? y: yes, any other key: no" in on.rows()[-1]
    await on.press("y")
    assert "mine 00" not in on.text()
    assert "saved 1 settings" in on.rows()[-1]


@checks("expand")
async def expand(on: Stage, key: str) -> None:
    before = on.text()
    await on.press(key)
    assert "ALERTS" not in on.text()
    assert on.text().count("\n A0") + on.text().count("│ A0") > 8
    await on.press(key)
    assert on.text() == before


@checks("open_agent")
async def open_agent(on: Stage, key: str) -> None:
    await on.press(key)
    assert "agents > A007" in on.rows()[0]


@checks("ack")
async def ack(on: Stage, key: str) -> None:
    await on.press(key)
    assert "acknowledged task_queue_overflow on A000, until it resolves" in on.rows()[-1]
    assert [done[:3] for done in desk(on).done] == [("ack", "task_queue_overflow", "A000")]
    assert on.app.shown.alerts.active[0].acked_by


@checks("unack")
async def unack(on: Stage, key: str) -> None:
    await on.press("a", key)
    assert "task_queue_overflow on A000 is not acknowledged any more" in on.rows()[-1]
    assert not on.app.shown.alerts.active[0].acked_by


@checks("silence")
async def silence(on: Stage, key: str) -> None:
    await on.press(key)
    assert on.rows()[-1].strip() == "silence task_queue_overflow on A000 for: 1h why"
    await on.type("90m why not")
    await on.press("enter")
    assert "silenced task_queue_overflow, on A000" in on.rows()[-1]
    done = desk(on).done[0]
    assert (*done[:5], done[6]) == ("silence", "task_queue_overflow", "A000", "", 5400.0, "why not")


@checks("unsilence")
async def unsilence(on: Stage, key: str) -> None:
    await on.press("z")
    await on.type("1h why")
    await on.press("enter", key)
    assert "the silence s1 has ended" in on.rows()[-1]
    assert not on.app.shown.alerts.active[0].silence


@checks("runbook")
async def runbook(on: Stage, key: str) -> None:
    await on.press(key)
    assert "overflow on A000" in on.rows()[0]
    await on.press("G")
    assert "Move tasks to an agent that has time" in on.text()
    await on.press("escape")


def desk(on: Stage) -> StillDesk:
    """Where alerts are acknowledged."""
    assert on.engine.alerts is not None
    return on.engine.alerts


def opens(kind: str) -> Check:
    async def check(on: Stage, key: str) -> None:
        await on.press(key)
        assert on.kind == kind

    return check


CHECKS["app.open_processes"] = opens("processes")
CHECKS["app.open_sources"] = opens("sources")
CHECKS["app.open_alerts"] = opens("alerts")
CHECKS["app.open_rebalance"] = opens("rebalance")


@checks("app.why")
async def why(on: Stage, key: str) -> None:
    """A source's text, and a section without tasks, have none to ask about."""
    await on.press(key)
    if "no task is under the cursor" not in on.rows()[-1]:
        assert "why > A000-1" in on.rows()[0]


@checks("section(1)")
async def next_section(on: Stage, key: str) -> None:
    await on.press(key)
    assert on.screen.section == "timeline"


@checks("section(-1)")
async def section_before(on: Stage, key: str) -> None:
    await on.press(key)
    assert on.screen.section == "processes"


@checks("app.open_needs")
async def open_needs(on: Stage, key: str) -> None:
    await on.press(key)
    assert on.kind == "needs"
    assert "needs you: " in on.rows()[0]


@checks("copy")
async def copy(on: Stage, key: str) -> None:
    if on.kind == "dashboard":
        await on.press("space", "space", key)
        (sequence,) = on.sent
        text = base64.b64decode(sequence.removeprefix("\x1b]52;c;").removesuffix("\x07")).decode()
        assert [json.loads(line)["id"] for line in text.split("\n")] == ["A000", "A001"]
        return
    await on.press(key)
    (sequence,) = on.sent
    text = base64.b64decode(sequence.removeprefix("\x1b]52;c;").removesuffix("\x07")).decode()
    if ("record", "A000", "tasks", "0", "A000-1") in on.engine.asked:
        assert json.loads(text)["task_id"] == "A000-1"
        assert json.loads(text)["unheard_of"] == {"deep": [1, 2]}
    else:
        assert "fact 39 about this file" in text
    assert f"copied {len(text)} characters" in on.rows()[-1]


@checks("app.pause")
async def pause(on: Stage, key: str) -> None:
    await on.press(key)
    assert on.engine.paused
    assert "paused" in on.rows()[0]
    await on.press(key)
    assert not on.engine.paused
    assert "live 1 s" in on.rows()[0]


@checks("app.slower")
async def slower(on: Stage, key: str) -> None:
    await on.press(key)
    assert "live 2 s" in on.rows()[0]
    assert "each 2 s" in on.rows()[-1]


@checks("app.faster")
async def faster(on: Stage, key: str) -> None:
    await on.press(key)
    assert "live 0.5 s" in on.rows()[0]
    assert "each 0.5 s" in on.rows()[-1]


@checks("app.next_theme")
async def next_theme(on: Stage, key: str) -> None:
    text, cells = on.rows()[:-1], on.cells()
    await on.press(key)
    assert on.app.look.name == "dawn"
    assert "theme: Dawn" in on.rows()[-1]
    assert on.rows()[:-1] == text
    assert on.cells()[0] != cells[0]


@checks("app.save_settings")
async def save_settings(on: Stage, key: str) -> None:
    await on.press(key)
    assert "saved 5 settings" in on.rows()[-1]


@checks("app.redraw")
async def redraw(on: Stage, key: str) -> None:
    before = on.cells()
    await on.press(key)
    assert on.cells() == before


@checks("app.suspend")
async def suspend(on: Stage, key: str) -> None:
    """Without a terminal there is no shell to go back to (`tests/pty` has one): the screen stays."""
    before = on.cells()
    await on.press(key)
    assert on.cells() == before


@checks("app.quit")
async def quit_(on: Stage, key: str) -> None:
    await on.press(key)
    assert on.app._exit
    assert on.app.return_code == 0


def cases() -> list[object]:
    """Each row on each screen where it works; a source's text has the keys of a task."""
    made = []
    for row in KEYS:
        for kind in PATHS:
            known = "task" if kind == "text" else kind
            if "*" in row.where or known in row.where:
                made.append(pytest.param(kind, row, id=f"{kind}-{row.action}-{row.shown}"))
    return made


@pytest.mark.parametrize(("kind", "row"), cases())
async def test_a_key_does_what_its_help_says(kind: str, row: Key) -> None:
    first = "dashboard" if "*" in row.where else row.where[0]
    for key in row.keys if kind == first else row.keys[:1]:
        options = {"settings": SETTINGS, "save": lambda c: f"saved {len(c)} settings"}
        async with on_stage(80, 24, still(crowd()), PATHS[kind], **options) as on:
            await CHECKS[row.action](on, key)


def test_every_row_of_the_table_is_checked() -> None:
    """Those of the plan and of the plans before it: `test_rebalance_keys`."""
    assert {row.action for row in KEYS if not set(row.where) <= set(PLANNING)} == set(CHECKS)
