"""The app on a stage: no terminal, a StillEngine behind it, a clock that stands still.

`picture` reads what Textual would show, cell by cell, whoever drew it. Not for the wire: what
reaches a terminal is tested in `tests/wire` and `tests/pty`.
"""

import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from textual.pilot import Pilot

from core.config import Settings
from core.queues.model import Task
from core.snapshot import Snapshot
from tests.fakes import FakeClock, StillEngine
from tests.snapshots import WALL, snapshot
from tui import theming
from tui.app import BluetopApp
from tui.screens.base import BluetopScreen
from tui.view.glyphs import UTF8, Glyphs

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


def tasks_of(agent: str, count: int = 30) -> tuple[Task, ...]:
    """One in progress, one with a time that cannot be true, the rest waiting."""
    live = task(f"{agent}-1", agent, status="in_progress", raw_status="working", started_at=WALL - 1920, index=0)
    odd = task(f"{agent}-2", agent, doubtful=("created_at",), created_at=WALL + 9e6, also=1, index=1)
    rest = (task(f"{agent}-{n}", agent, index=n - 1) for n in range(3, count + 1))
    return (live, odd, *rest)


def record(task_id: str) -> str:
    """A record as the file has it, with a field that bluetop has never heard of."""
    fields = {"task_id": task_id, "status": "working", "unheard_of": {"deep": [1, 2]}, "notes": "word " * 60}
    return json.dumps(fields, indent=2)


def still(snap: Snapshot | None = None, tasks: Mapping[str, Any] | None = None) -> StillEngine:
    """An engine with tasks for the agents of `tests.snapshots`."""
    given = {agent: tasks_of(agent) for agent in ("CC", "CB", "CA", "ARCH", "BLUE", "WA")}
    known = {t.task_id: record(t.task_id) for found in given.values() for t in found}
    return StillEngine(snap or snapshot(), tasks if tasks is not None else given, known, FakeClock())


class Copied(NamedTuple):
    """One sequence that was sent to the terminal beside the picture."""

    sequence: str


class Stage:
    """The app while it runs, its pilot and its engine."""

    def __init__(self, app: BluetopApp, engine: StillEngine, pilot: Pilot[None], sent: list[str]) -> None:
        self.app = app
        self.engine = engine
        self.pilot = pilot
        self.sent = sent

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

    async def press(self, *keys: str) -> None:
        """Press keys, and let everything that follows from them happen."""
        await self.pilot.press(*keys)
        await self.settle()

    async def type(self, text: str) -> None:
        """Press the keys of `text`."""
        await self.press(*(_KEYS.get(char, char) for char in text))

    async def settle(self) -> None:
        """Until nothing is left to do: messages handled, tasks read, layout done, lines drawn."""
        await self.pilot.pause()
        await self.app.workers.wait_for_complete(
            [worker for worker in self.app.workers if worker.group != "engine"]
        )
        await self.pilot.pause()

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


_KEYS = {"/": "slash", "!": "exclamation_mark", ":": "colon", " ": "space", "?": "question_mark", "-": "minus"}


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
        on = Stage(app, engine, pilot, [])
        await on.settle()
        if keys:
            await on.press(*keys)
        yield on
