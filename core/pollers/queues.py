"""The queues of all agents: the prober tells what changed, this keeps the whole.

A row that says the same is the same object, also when a new prober reads everything again. A
path that the guard bars keeps its last row: not to be asked is not to be gone.
"""

import os
from typing import Any

from core.pollers.asking import AskingPoller
from core.pollers.setup import Setup
from core.prober.ops import Skip
from core.queues.model import AgentQueue, Problem, QueuesSample, agent_queue_from_wire


class QueuesPoller(AskingPoller[QueuesSample]):
    """All queues of the workspace. `news` is true while there is something `take` has not given yet."""

    name = "queues"
    operation = "queues"

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup, setup.queue_interval_s)
        self.news = False
        self._queues: dict[str, AgentQueue] = {}
        self._lent = False
        self._changed: set[str] = set()
        self._gone: set[str] = set()
        self._problems: tuple[tuple[str, Problem], ...] = ()
        self._found: list[tuple[str, Problem]] = []
        self._done = self._total = 0
        self._complete = False
        self._generation = -1
        self._unseen: set[str] | None = None
        self._skip = Skip(())

    def arguments(self) -> dict[str, Any]:
        skip = self.setup.guard.skip
        self._skip = Skip(skip)
        return {"workspace": self.setup.workspace, "limits": self.setup.limits, "skip": skip}

    def begun(self) -> None:
        # The prober must run before its number means anything.
        self.setup.prober.start()
        self._found = []
        self._complete = False
        if self._generation != self.setup.prober.restarts:
            # A new prober knows of no agent that went before it came; what its first scan does
            # not name is gone. A scan that failed half-way is asked for once more.
            self._generation = self.setup.prober.restarts
            self._unseen = set(self._queues)

    def part(self, part: Any) -> None:
        for wire_row in part["changed"]:
            self._row(agent_queue_from_wire(wire_row))
        for agent in part["gone"]:
            self._drop(agent)
        self._found += [(path, Problem(*problem)) for path, problem in part["problems"]]
        if (part["done"], part["total"]) != (self._done, self._total):
            self._done, self._total = part["done"], part["total"]
            self.news = True

    def _row(self, row: AgentQueue) -> None:
        if self._unseen is not None:
            self._unseen.discard(row.agent)
        old = self._queues.get(row.agent)
        if old is not None and (row == old or (self._barred(row) and row.form in ("missing", "unreadable"))):
            return
        if old is not None and row._replace(read_ms=old.read_ms, read_at=old.read_at) == old:
            return  # only read again, by a new prober
        self._own()[row.agent] = row
        self._changed.add(row.agent)
        self._gone.discard(row.agent)
        self.news = True

    def _drop(self, agent: str) -> None:
        old = self._queues.get(agent)
        if old is None or self._barred(old):
            return
        del self._own()[agent]
        self._changed.discard(agent)
        self._gone.add(agent)
        self.news = True

    def _barred(self, row: AgentQueue) -> bool:
        if not self._skip:
            return False
        return os.path.join(self.setup.workspace or "/", row.path) in self._skip

    def _own(self) -> dict[str, AgentQueue]:
        """The map, as a copy if the last sample holds it: samples never change."""
        if self._lent:
            self._queues, self._lent = dict(self._queues), False
        return self._queues

    def ended(self) -> None:
        for agent in self._unseen or ():
            self._drop(agent)
        self._unseen = None
        self._complete = True
        problems = tuple(self._found)
        if problems != self._problems:
            self._problems = problems
            self.news = True

    def sample(self, now: float) -> QueuesSample:
        """The same as `take`."""
        return self.take(now)

    def take(self, now: float) -> QueuesSample:
        """All queues, and what changed since the last `take`. May be called while a scan goes on."""
        sample = QueuesSample(
            at=now,
            host=self.setup.host,
            queues=self._queues,
            changed=frozenset(self._changed),
            gone=frozenset(self._gone),
            done=self._done,
            total=self._total,
            complete=self._complete,
            problems=self._problems,
        )
        self._lent = True
        self._changed.clear()
        self._gone.clear()
        self.news = False
        return sample
