"""The tasks of many agents, a few files at a time, while a first look is held open.

Not for showing them. What cannot be read is reported and holds up nobody else.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from core.errors import PollError, ProberGone
from core.fleet import MISSING, UNREADABLE, first_error, where

if TYPE_CHECKING:
    from core.engine import Engine
    from core.queues.model import Task
    from core.snapshot import AgentView

# Files asked for at once: enough that the helper process is never without work.
_AHEAD = 4


class Read(NamedTuple):
    """The tasks of one agent, and what is wrong: "" where they are all of them."""

    view: "AgentView"
    tasks: "tuple[Task, ...]"
    problem: str = ""


async def tasks_of(engine: "Engine", views: "Sequence[AgentView]") -> "AsyncIterator[Read]":
    """One answer for each of `views`, in their order."""
    engine.pause()  # the helper process has this to do, and nobody waits for figures any more
    asked: deque[asyncio.Task[Read]] = deque()
    try:
        for view in views:
            asked.append(asyncio.ensure_future(_read(engine, view)))
            if len(asked) >= _AHEAD:
                yield await asked.popleft()
        while asked:
            yield await asked.popleft()
    finally:
        for task in asked:
            task.cancel()


async def _read(engine: "Engine", view: "AgentView") -> Read:
    if view.state == MISSING:
        return Read(view, ())
    if view.state == UNREADABLE:
        return Read(view, (), view.why)
    error = first_error(view.queue)
    try:
        tasks = await _asked(engine, view.queue.agent)
    except PollError as failed:
        return Read(view, (), str(failed))
    return Read(view, tasks, where(error) if error is not None else "")


async def _asked(engine: "Engine", agent: str) -> "tuple[Task, ...]":
    """Once more where the helper process ended: another file may be to blame.

    Raises:
        PollError: they cannot be read.
    """
    try:
        return await engine.tasks(agent)
    except ProberGone:
        return await engine.tasks(agent)
