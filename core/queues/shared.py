"""Tasks that two agents have at once: their ids, kept up to date as the queues change.

Gives up, and keeps nothing, in a workspace with more unfinished tasks than its limit.
"""

from core.queues.model import Problem
from core.queues.notes import MOST_PROBLEMS, ODD
from core.text import clean_line


class SharedIds:
    """The ids of unfinished tasks, agent by agent. False as long as there is nothing to tell."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._ids: dict[str, frozenset[str]] = {}
        self._owners: dict[str, tuple[str, ...]] = {}
        self._several: set[str] = set()
        self.complete = True
        """Whether the workspace is small enough to be compared."""

    def __bool__(self) -> bool:
        return bool(self._several)

    def put(self, agent: str, ids: frozenset[str]) -> None:
        """`agent` has these unfinished tasks now, and no others."""
        if not self.complete:
            return
        old = self._ids.get(agent, frozenset())
        if ids == old:
            return
        for task_id in old - ids:
            self._set(task_id, tuple(name for name in self._owners[task_id] if name != agent))
        for task_id in ids - old:
            self._set(task_id, (*self._owners.get(task_id, ()), agent))
        self._ids[agent] = ids
        if len(self._owners) > self._limit:
            self._ids.clear()
            self._owners.clear()
            self._several.clear()
            self.complete = False

    def _set(self, task_id: str, owners: tuple[str, ...]) -> None:
        if owners:
            self._owners[task_id] = owners
        else:
            del self._owners[task_id]
        if len(owners) > 1:
            self._several.add(task_id)
        else:
            self._several.discard(task_id)

    def problems(self, paths: dict[str, str]) -> list[tuple[str, Problem]]:
        """One problem for each id that several agents have, under the path of the first of them."""
        found: list[tuple[str, Problem]] = []
        for task_id in sorted(self._several)[:MOST_PROBLEMS]:
            owners = sorted(self._owners[task_id])
            more = f" and {len(owners) - 2} more" if len(owners) > 2 else ""
            detail = f"{clean_line(task_id, 60)} is unfinished with {owners[0]} and with {owners[1]}{more}"
            found.append((paths.get(owners[0], "postbox"), Problem(ODD, "shared_id", detail)))
        return found
