"""Opening an agent and one of its tasks: asked of the prober, since the file may hang. On a running loop only."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from core.alike import Alike
from core.errors import PollError
from core.prober.client import Prober
from core.queues.model import Task, Transition, task_from_wire
from core.text import clean_line

DEADLINE_S = 30.0


class Found(NamedTuple):
    """Where a task is: agent → its status there. `alike` are ids like the one asked for, where there is none."""

    agents: dict[str, str]
    alike: Alike


class Opening:
    """Reads tasks and records of one workspace. `limits` are those of the queues."""

    def __init__(
        self,
        prober: Prober,
        workspace: str | None,
        limits: dict[str, int],
        plan: dict[str, Any] | None = None,
    ) -> None:
        self._prober = prober
        self._workspace = workspace
        self._limits = limits
        self._plan = plan or {}

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

    async def life(self, agent: str, task: str) -> tuple[Transition, ...]:
        """The last transitions of an agent, of a task, or of both, oldest first.

        Raises:
            PollError: they cannot be read, or not in time.
        """
        name = f"the record of {task or agent}"
        parts = await self._ask("life", name, "", {"agent": agent, "task": task})
        return tuple(Transition(*row) for part in parts for row in part["life"])

    async def latest(self, agents: Sequence[str] = ()) -> list[Transition]:
        """The last transition of every task of `agents` (none: of all) that is not finished after it.

        Raises:
            PollError: they cannot be read, or not in time.
        """
        parts = await self._ask("latest", "the record of all tasks", "", {"agents": list(agents)})
        return [Transition(*row) for part in parts for row in part["latest"]]

    async def find(self, name: str) -> Found:
        """Where the task called `name` is.

        Raises:
            PollError: nobody can tell, or not in time.
        """
        (part,) = await self._ask("find", f"where {name} is", "", {"name": name})
        same, begins, near, more = part["alike"]
        return Found(part["in"], Alike(tuple(same), tuple(begins), tuple(near), more))

    async def standing(self, tasks: Sequence[str]) -> dict[str, tuple[str, str]]:
        """Task id → (agent, status) of those that are known.

        Raises:
            PollError: nobody can tell, or not in time.
        """
        parts = await self._ask("standing", "where tasks are", "", {"tasks": list(tasks)})
        return {task: (agent, status) for part in parts for task, (agent, status) in part["standing"].items()}

    async def _ask(self, operation: str, name: str, path: str, what: dict[str, Any]) -> list[Any]:
        import asyncio

        if self._workspace is None:
            raise PollError(f"{clean_line(name)}: there is no workspace")
        place = {"workspace": self._workspace, "limits": self._limits, "path": path, "record": self._plan}
        try:
            async with asyncio.timeout(DEADLINE_S):
                return [part async for part in self._prober.stream(operation, **what, **place)]
        except TimeoutError:
            message = f"{clean_line(name)}: no answer for {DEADLINE_S:g} s; try again, or see the sources"
            raise PollError(message) from None
