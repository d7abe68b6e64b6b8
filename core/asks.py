"""What can be asked of a running engine beside its Snapshot: tasks, records, what happened to them.

The face of `core.opening` that screens and commands use; `Engine` is it.
"""

import os
from collections.abc import Sequence

from core.evaluator import State
from core.observed import Observed
from core.opening import Opening
from core.queues.model import Task, Transition


class Asks:
    """The questions. The engine sets what they are answered from."""

    _opening: Opening
    _state: State
    _workspace: str | None

    async def tasks(self, agent: str) -> tuple[Task, ...]:
        """The tasks of one agent, read from its file now.

        Raises:
            PollError: they cannot be read, or not in time.
        """
        return await self._opening.tasks(agent, self._file_of(agent))

    async def record(self, agent: str, place: str, index: int, task_id: str) -> str:
        """The whole record of one task, as indented JSON; `place` and `index` are those of the Task.

        Raises:
            PollError: it cannot be read, or not in time.
        """
        return await self._opening.record(agent, self._file_of(agent), place, index, task_id)

    async def life(self, agent: str = "", task: str = "") -> tuple[Transition, ...]:
        """The last transitions of an agent, of a task, or of both, oldest first, from the record.

        Raises:
            PollError: they cannot be read, or not in time.
        """
        return await self._opening.life(agent, task)

    async def standing(self, tasks: Sequence[str]) -> dict[str, tuple[str, str]]:
        """Task id → (agent, status) of those of `tasks` that are known; a lost one is `vanished`.

        Raises:
            PollError: nobody can tell, or not in time.
        """
        return await self._opening.standing(tasks)

    @property
    def opening(self) -> Opening:
        """For those who ask more of files and record than the above."""
        return self._opening

    @property
    def observed(self) -> Observed:
        """All that was seen of tasks."""
        return self._state.roster.life.observed

    def _file_of(self, agent: str) -> str:
        """The file of `agent`, so that the prober can say what it is at."""
        view = self._state.roster.get(agent)
        return os.path.join(self._workspace or "/", view.queue.path if view is not None else "")
