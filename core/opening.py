"""Opening an agent and one of its tasks: asked of the prober, since the file may hang. On a running loop only."""

from typing import Any

from core.errors import PollError
from core.prober.client import Prober
from core.queues.model import Task, task_from_wire
from core.text import clean_line

DEADLINE_S = 30.0


class Opening:
    """Reads tasks and records of one workspace. `limits` are those of the queues."""

    def __init__(self, prober: Prober, workspace: str | None, limits: dict[str, int]) -> None:
        self._prober = prober
        self._workspace = workspace
        self._limits = limits

    async def tasks(self, agent: str, path: str) -> tuple[Task, ...]:
        """The tasks of `agent`; `path` is its file.

        Raises:
            PollError: they cannot be read, or not in time.
        """
        parts = await self._ask("tasks", f"the tasks of {agent}", path, {"agent": agent})
        return tuple(task_from_wire(row) for part in parts for row in part["tasks"])

    async def record(self, agent: str, path: str, place: str, index: int, task_id: str) -> str:
        """The whole record of one task, as indented JSON.

        Raises:
            PollError: it cannot be read, or not in time.
        """
        what = {"agent": agent, "place": place, "index": index, "task_id": task_id}
        parts = await self._ask("record", f"the record of {task_id}", path, what)
        return "".join(part["text"] for part in parts)

    async def _ask(self, operation: str, name: str, path: str, what: dict[str, Any]) -> list[Any]:
        import asyncio

        if self._workspace is None:
            raise PollError(f"{clean_line(name)}: there is no workspace")
        place = {"workspace": self._workspace, "limits": self._limits, "path": path}
        try:
            async with asyncio.timeout(DEADLINE_S):
                return [part async for part in self._prober.stream(operation, **what, **place)]
        except TimeoutError:
            message = f"{clean_line(name)}: no answer for {DEADLINE_S:g} s; try again, or see the sources"
            raise PollError(message) from None
