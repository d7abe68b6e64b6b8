"""The queues of all agents: the prober tells what changed, this keeps the whole.

A row that says the same is the same object, also when a new prober reads everything again. A
path that the guard bars keeps its last row: not to be asked is not to be gone.
"""

import os
from math import inf
from typing import Any

from core.pollers.asking import AskingPoller
from core.pollers.setup import Setup
from core.prober.skip import Skip
from core.queues.model import (
    AgentQueue,
    Knot,
    Ledgered,
    Lost,
    Problem,
    QueuesSample,
    RecordState,
    Transition,
    Work,
    agent_queue_from_wire,
)


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
        self._told: dict[str, list[Transition]] = {"past": [], "caught_up": [], "seen": []}
        self._lost: tuple[Lost, ...] | None = None
        self._knots: tuple[Knot, ...] | None = None
        self._record = RecordState()
        # The time of what was told last, and what it was; of the past nothing is told that is not newer.
        self._told_at, self._told_then = 0.0, set[tuple[str, str, str | None]]()
        self._known: tuple[float, frozenset[tuple[str, str, str | None]]] = (0.0, frozenset())
        self._has_past = self._opened = False

    def arguments(self) -> dict[str, Any]:
        skip = self.setup.guard.skip
        self._skip = Skip(skip)
        setup = self.setup
        return {"workspace": setup.workspace, "limits": setup.limits, "skip": skip, "record": setup.record}

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
            # A prober that takes the place of another reads the past once more. What the one before
            # wrote and did not live to tell is news; what another instance wrote, it has told in its way.
            mine = not self._has_past or self._record.mode == "writing"
            self._known = (self._told_at if mine else inf, frozenset(self._told_then))
            self._opened = False

    def part(self, part: Any) -> None:
        if "changed" not in part:
            self._ledgered(part)
            return
        for wire_row in part["changed"]:
            self._row(agent_queue_from_wire(wire_row))
        for agent in part["gone"]:
            self._drop(agent)
        self._found += [(path, Problem(*problem)) for path, problem in part["problems"]]
        if (part["done"], part["total"]) != (self._done, self._total):
            self._done, self._total = part["done"], part["total"]
            self.news = True

    def _ledgered(self, part: Any) -> None:
        """One part of what the ledger told."""
        self.news = True
        if "record" in part:
            mode, path, problem, watched = part["record"]
            self._record = RecordState(mode, path, problem, tuple([(a, b) for a, b in watched]))
            self._opened = True  # by this prober: its past is on the way
        for name, told in self._told.items():
            for row in part.get(name, ()):
                change = self._transition(row)
                if name != "past" or self._is_news(change):
                    told.append(change)
                    self._remember(change)
        for agent, fields in part.get("work", ()):
            old, work = self._queues.get(agent), Work(*fields)
            if old is not None and old.work != work:
                self._own()[agent] = old._replace(work=work)
                self._changed.add(agent)
        if "lost" in part:
            self._lost = tuple([Lost(*row) for row in part["lost"]])
        if "knots" in part:
            self._knots = tuple([Knot(k, t, a, tuple(chain), text) for k, t, a, chain, text in part["knots"]])

    def _transition(self, row: list[Any]) -> Transition:
        change = Transition(*row)
        # What was told together has one time, and not a thousand.
        return change._replace(seen_at=self._told_at) if change.seen_at == self._told_at else change

    def _is_news(self, change: Transition) -> bool:
        at, then = self._known
        if abs(change.seen_at - at) < 0.001:  # milliseconds are all that is written
            return (change.agent, change.task, change.after) not in then
        return change.seen_at > at

    def _remember(self, change: Transition) -> None:
        if change.seen_at != self._told_at:
            self._told_at = change.seen_at
            self._told_then.clear()
        self._told_then.add((change.agent, change.task, change.after))

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
        if self._opened:
            self._has_past = True
            self._known = (inf, frozenset())
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
            ledger=self._take_ledgered(),
        )
        self._lent = True
        self._changed.clear()
        self._gone.clear()
        self.news = False
        return sample

    def _take_ledgered(self) -> Ledgered:
        told = {name: tuple(rows) for name, rows in self._told.items()}
        found = Ledgered(**told, lost=self._lost, knots=self._knots, record=self._record)
        for rows in self._told.values():
            rows.clear()
        self._lost = self._knots = None
        return found
