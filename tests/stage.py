"""The app on a stage: no terminal, a StillEngine behind it, a clock that stands still.

`picture` reads what Textual would show, cell by cell, whoever drew it. Not for the wire: what
reaches a terminal is tested in `tests/wire` and `tests/pty`.
"""

import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import cache
from typing import Any

from textual import events
from textual.pilot import Pilot

from core.config import Settings
from core.measures.needs import Need
from core.queues.model import Task
from core.snapshot import Event, Snapshot, SourceState, Verdict
from tests.fakes import FakeClock, StillEngine
from tests.snapshots import AT, WALL, alert, alerts, reading, snapshot, view
from tui import theming
from tui.app import BluetopApp
from tui.screens.base import BluetopScreen
from tui.view.glyphs import UTF8, Glyphs
from tui.view.table import TableState

SIZES = ((80, 24), (160, 50))


def task(task_id: str, agent: str = "CC", **fields: Any) -> Task:
    """A task that waits."""
    base: dict[str, Any] = {
        "task_id": task_id, "agent": agent, "title": f"Title of {task_id}", "status": "pending",
        "raw_status": "pending", "priority": "high", "estimated_hours": 4.0, "actual_hours": None,
        "created_at": WALL - 9000, "started_at": None, "completed_at": None, "doubtful": (),
        "place": "tasks", "index": 0, "also": 0,
    }  # fmt: skip
    return Task(**{**base, **fields})


@cache
def tasks_of(agent: str, count: int = 30) -> tuple[Task, ...]:
    """One in progress, one with a time that cannot be true, the rest waiting."""
    live = task(
        f"{agent}-1", agent, status="in_progress", raw_status="working", started_at=WALL - 1920, index=0
    )
    odd = task(f"{agent}-2", agent, doubtful=("created_at",), created_at=WALL + 9e6, also=1, index=1)
    rest = (task(f"{agent}-{n}", agent, index=n - 1) for n in range(3, count + 1))
    return (live, odd, *rest)


def record(task_id: str) -> str:
    """A long record as the file has it, with fields that bluetop has never heard of."""
    fields = {"task_id": task_id, "status": "working", "unheard_of": {"deep": [1, 2]}, "notes": "word " * 60}
    return json.dumps({**fields, **{f"field_{n}": n for n in range(60)}}, indent=2)


def still(snap: Snapshot | None = None, tasks: Mapping[str, Any] | None = None) -> StillEngine:
    """An engine with tasks for all agents of its snapshot."""
    snap = snap or snapshot()
    given = {v.queue.agent: tasks_of(v.queue.agent) for v in snap.agents} if tasks is None else tasks
    return StillEngine(snap, given, record, FakeClock())


def crowd(count: int = 60, **changes: Any) -> Snapshot:
    """More of everything than a screen can hold: each list has `count` rows."""
    base = snapshot()
    said = "; ".join(f"fact {n} about this file" for n in range(40))
    scan = base.processes.value
    assert scan is not None
    rows = tuple(
        scan.rows[n % 3]._replace(pid=5000 + n, agent=f"A{n:03}", handles=1000 - n) for n in range(count)
    )
    made: dict[str, Any] = {
        "agents": tuple(
            view(f"A{n:03}", ("working", "idle")[n % 2], load=float(n), pending=n % 7, completed=n)
            for n in range(count)
        ),
        "events": tuple(
            Event(count - n, WALL - 60 * n, "low", "note", f"agent:A{n:03}", f"event about A{n:03}")
            for n in range(count)
        ),
        "alerts": alerts(*(alert(subject=f"A{n:03}", since_s=7200 - n) for n in range(min(count, 15)))),
        "needs": tuple(
            Need("review", "low", f"A{n:03}", f"T-{n}", 1, WALL - 60 * n, f"T-{n} ready for review")
            for n in range(count)
        ),
        "needs_count": count,
        "processes": reading(scan._replace(rows=rows, total=900)),
        "sources": tuple(
            SourceState(f"postbox/A{n:03}/outbox.json", "file", "ok", said, AT - 1, float(n), n)
            for n in range(count)
        ),
        "verdict": Verdict("medium", "A007 queue is too long", "14 waiting, target < 10", "agent:A007",
                           "open_agent", "show A007"),
    }  # fmt: skip
    return snapshot(**{**made, **changes})


class Stage:
    """The app while it runs, its pilot and its engine."""

    def __init__(self, app: BluetopApp, engine: StillEngine, pilot: Pilot[None]) -> None:
        self.app = app
        self.engine = engine
        self.pilot = pilot
        self.sent: list[str] = []  # what goes to the terminal beside the picture
        app.send_raw = self.sent.append  # type: ignore[method-assign]

    @property
    def screen(self) -> BluetopScreen:
        """The screen on top."""
        screen = self.app.screen
        assert isinstance(screen, BluetopScreen), screen
        return screen

    @property
    def kind(self) -> str:
        """What kind of screen is on top; the name of its class where it is not ours."""
        return getattr(self.app.screen, "kind", "") or type(self.app.screen).__name__

    @property
    def table(self) -> TableState:
        """The table that the keys of the screen on top act on."""
        table = self.screen.table
        assert table is not None
        return table

    async def press(self, *keys: str) -> None:
        """Press keys by Textual's names (`slash`, `G`, `ctrl+f`), and let all that follows happen.

        Not `Pilot.press`, which sleeps until the processor looks idle, 40 ms a key.
        """
        for key in keys:
            self.app.post_message(events.Key(key, _CHARS.get(key, key if len(key) == 1 else None)))
            await self.settle()

    async def type(self, text: str) -> None:
        """Press the keys of `text`."""
        names = {char: name for name, char in _CHARS.items()}
        await self.press(*(names.get(char, char) for char in text))

    async def settle(self) -> None:
        """Until nothing is left to do: messages handled, tasks read, layout done, lines drawn."""
        for _ in range(2):
            await self.pilot.pause(0)
            for worker in [w for w in self.app.workers if w.group != "engine" and not w.is_finished]:
                await worker.wait()
        await self.pilot.pause(0)

    async def click(self, x: int, y: int) -> None:
        """A click on a cell, as a driver reports it: down, then up. (`Pilot.click` names no widget.)"""
        for kind in (events.MouseDown, events.MouseUp):
            self.app.post_message(kind(None, x, y, 0, 0, 1, False, False, False, x, y))
            await self.settle()

    async def wheel(self, steps: int) -> None:
        """The wheel, turned over the middle of the screen; positive is down."""
        x, y = self.app.size.width // 2, self.app.size.height * 2 // 3
        kind = events.MouseScrollDown if steps > 0 else events.MouseScrollUp
        for _ in range(abs(steps)):
            self.app.post_message(kind(None, x, y, 0, steps, 0, False, False, False, x, y))
            await self.settle()

    def paste(self, text: str) -> None:
        """Text pasted by the terminal."""
        self.app.post_message(events.Paste(text))

    async def resize(self, width: int, height: int) -> None:
        """The terminal has another size."""
        await self.pilot.resize_terminal(width, height)
        await self.settle()

    async def publish(self, snap: Snapshot) -> None:
        """Another Snapshot arrives."""
        self.engine.publish(snap)
        await self.settle()

    def rows(self) -> list[str]:
        """The whole picture as text, one string a row."""
        return ["".join(char for char, _ in row) for row in self.cells()]

    def text(self) -> str:
        """The whole picture as one string."""
        return "\n".join(self.rows())

    def cells(self) -> list[list[tuple[str, Any]]]:
        """The whole picture: (character, rich style) of each cell; a wide character has one entry."""
        app = self.app
        update = app.screen._compositor.render_update(full=True, screen_stack=app._background_screens)
        assert update is not None
        return [
            [
                (char, segment.style)
                for strip in strips
                for segment in strip
                if not segment.control
                for char in segment.text
            ]
            for strips in update.strips  # type: ignore[attr-defined]
        ]

    def row_of(self, text: str) -> int:
        """The first row that shows `text`."""
        return next(y for y, row in enumerate(self.rows()) if text in row)

    def selected(self) -> str:
        """The row under the cursor, "" if none looks selected."""
        return next((row for row in self.rows() if self.app.glyphs.cursor in row), "")


# Textual's names of the keys that are not their own name → what they type.
_CHARS = {
    "slash": "/", "exclamation_mark": "!", "colon": ":", "space": " ", "question_mark": "?", "minus": "-",
    "plus": "+", "equals_sign": "=", "left_square_bracket": "[", "right_square_bracket": "]",
    "greater_than_sign": ">", "less_than_sign": "<", "quotation_mark": '"', "asterisk": "*", "comma": ",",
    "full_stop": ".", "underscore": "_", "percent_sign": "%", "backslash": "\\",
}  # fmt: skip

# How each kind of screen is reached from the dashboard. `text` is a source's own text.
PATHS: dict[str, tuple[str, ...]] = {
    "dashboard": (),
    "agent": ("enter",),
    "task": ("enter", "enter"),
    "processes": ("f",),
    "sources": ("o",),
    "alerts": ("L",),
    "help": ("question_mark",),
    "text": ("o", "enter"),
    "needs": ("n",),
    "columns": ("C",),
    "views": ("V",),
}


def make(
    engine: StillEngine,
    *,
    theme: str = "dusk",
    glyphs: Glyphs = UTF8,
    system: str = "truecolor",
    read_only: bool = False,
    folders: tuple[str | None, str | None] = (None, None),
    save: Callable[[dict[str, Any]], str] | None = None,
    settings: Settings | None = None,
) -> BluetopApp:
    """The app as `tui.start` makes it, on a StillEngine."""
    return BluetopApp(
        engine,  # type: ignore[arg-type]
        settings or Settings(),
        glyphs,
        theming.load(theme, folders[0]),
        system=system,
        read_only=read_only,
        folders=folders,
        save=save,
    )


@asynccontextmanager
async def stage(
    width: int = 80,
    height: int = 24,
    engine: StillEngine | None = None,
    keys: Sequence[str] = (),
    **options: Any,
) -> AsyncIterator[Stage]:
    """The app, up and quiet, after `keys`."""
    engine = engine or still()
    app = make(engine, **options)
    async with app.run_test(size=(width, height)) as pilot:
        on = Stage(app, engine, pilot)
        await on.settle()
        await on.press(*keys)
        yield on
