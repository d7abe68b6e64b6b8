"""What was seen to happen, agent by agent: when tasks came, left, ended, and how long they took.

Transitions in, times out; frozen, bounded, the same object where nothing is new. Times are
those of the looks, in watched time only: what is found changed after a gap says that it
happened, not when, and so counts in no rate. Not for judging: that is `core.measures`.
"""

from collections.abc import Iterable, Mapping
from math import inf

import msgspec

from core.queues.model import NOTHING_LEDGERED, Knot, Ledgered, Lost, RecordState, Transition
from core.queues.states import WAITING

Span = tuple[float, float]
MOST_TIMES = 256
MOST_FLEET_TIMES = 2048
MOST_OPEN = 64
MOST_HOURS = 128
# Of more agents than this, those that changed last are remembered: names may come and go without end.
MOST_AGENTS = 100_000
# Statuses in which the agent's own work on a task is over.
ENDED = frozenset(("ready_for_review", "completed"))


class Seen(msgspec.Struct, frozen=True):
    """One agent, or the fleet. Times are wall seconds, ascending, at most `MOST_TIMES` of each.

    `came`: a task began to wait; `left`: one ceased to; `ended`: one became ready for review or
    completed; `failed`: one failed. `hours` are durations of work that were seen from its
    start to its end. `since` maps a task that is in progress, in review or blocked to when it
    was seen to become so. `changed_at` is the last transition. `from_at` is the time before which
    times are missing here because there were too many.
    """

    came: tuple[float, ...] = ()
    left: tuple[float, ...] = ()
    ended: tuple[float, ...] = ()
    failed: tuple[float, ...] = ()
    hours: tuple[float, ...] = ()
    since: Mapping[str, float] = {}
    started: Mapping[str, float] = {}
    changed_at: float | None = None
    from_at: float = -inf


NOT_SEEN = Seen()


class Observed(msgspec.Struct, frozen=True):
    """All that was seen. `watched` are the spans of wall time in which somebody looked, the last one open."""

    agents: Mapping[str, Seen] = {}
    fleet: Seen = NOT_SEEN
    record: RecordState = RecordState()
    watched: tuple[Span, ...] = ()
    lost: Mapping[str, tuple[Lost, ...]] = {}
    knots: Mapping[str, tuple[Knot, ...]] = {}

    def of(self, agent: str) -> Seen:
        """What was seen of one agent."""
        return self.agents.get(agent, NOT_SEEN)

    def spans(self, seen: Seen, wall: float) -> tuple[Span, ...]:
        """The watched time that the times of `seen` cover, up to now."""
        spans = self.watched
        if spans and wall > spans[-1][1]:
            spans = (*spans[:-1], (spans[-1][0], wall))
        if seen.from_at == -inf or not spans or spans[0][0] >= seen.from_at:
            return spans
        return tuple((max(a, seen.from_at), b) for a, b in spans if b > seen.from_at)

    def take(self, ledger: Ledgered, wall: float) -> tuple["Observed", set[str]]:
        """With what the ledger told, and the agents of which something is new."""
        if ledger is NOTHING_LEDGERED or not (
            ledger.past or ledger.caught_up or ledger.seen
            or ledger.lost is not None or ledger.knots is not None or ledger.record != self.record
        ):  # fmt: skip
            return self, set()
        watched = self.watched
        if ledger.record.watched and ledger.record != self.record:
            watched = ledger.record.watched
        adding = _Adding(self, watched)
        adding.add(ledger.past, False)
        adding.add(ledger.caught_up, True)
        adding.add(ledger.seen, False)
        changed = adding.changed()
        touched = set(changed)
        lost, knots = self.lost, self.knots
        if ledger.lost is not None:
            old, lost = lost, _by_agent(ledger.lost)
            touched |= {a for a in old.keys() | lost.keys() if old.get(a) != lost.get(a)}
        if ledger.knots is not None:
            was, knots = knots, _by_agent(ledger.knots)
            touched |= {a for a in was.keys() | knots.keys() if was.get(a) != knots.get(a)}
        agents = {**self.agents, **changed} if changed else self.agents
        if len(agents) > MOST_AGENTS:
            latest = sorted(agents, key=lambda agent: agents[agent].changed_at or 0.0)
            agents = {agent: agents[agent] for agent in latest[-MOST_AGENTS * 3 // 4 :]}
        return Observed(agents, adding.fleet_seen(), ledger.record, watched, lost, knots), touched


def _by_agent(found: Iterable[Lost] | Iterable[Knot]) -> dict[str, tuple]:  # type: ignore[type-arg]
    by: dict[str, list[Lost | Knot]] = {}
    for entry in found:
        by.setdefault(entry.agent, []).append(entry)
    return {agent: tuple(entries) for agent, entries in by.items()}


class _Adding:
    """Transitions being added: lists while that goes on."""

    def __init__(self, old: Observed, watched: tuple[Span, ...]) -> None:
        self._old = old
        # A change that is told at the very begin of a span happened before it.
        self._begins = {round(begin, 2) for begin, _ in watched}
        self._lists: dict[str, _Lists] = {}
        self._fleet: _Lists | None = None

    def add(self, told: tuple[Transition, ...], unwatched: bool) -> None:
        """In the order in which they happened."""
        for change in told:
            lists = self._lists.get(change.agent)
            if lists is None:
                lists = self._lists[change.agent] = _Lists(self._old.of(change.agent), MOST_TIMES)
            if self._fleet is None:
                self._fleet = _Lists(self._old.fleet, MOST_FLEET_TIMES)
            missed = unwatched or round(change.seen_at, 2) in self._begins
            lists.add(change, missed)
            self._fleet.add(change, missed, fleet=True)

    def changed(self) -> dict[str, Seen]:
        """The agents that something was added to."""
        return {agent: lists.seen() for agent, lists in self._lists.items()}

    def fleet_seen(self) -> Seen:
        """The fleet as it is now."""
        return self._old.fleet if self._fleet is None else self._fleet.seen()


class _Lists:
    __slots__ = ("at", "came", "ended", "failed", "from_at", "hours", "left", "most", "since", "started")

    def __init__(self, old: Seen, most: int) -> None:
        self.came, self.left, self.ended = list(old.came), list(old.left), list(old.ended)
        self.failed, self.hours = list(old.failed), list(old.hours)
        self.since, self.started = dict(old.since), dict(old.started)
        self.at, self.from_at, self.most = old.changed_at, old.from_at, most

    def add(self, change: Transition, missed: bool, fleet: bool = False) -> None:
        at, task, before, after = change.seen_at, change.task, change.before, change.after
        if self.at is not None and at < self.at:
            self._set_back(at)
            self.at = at
        # After a gap the file's own time is the nearest that is known.
        happened_at = min(at, change.file_mtime or at) if missed else at
        self.at = happened_at if self.at is None else max(self.at, happened_at)
        if not missed:
            waited, waits = before in WAITING, after in WAITING
            if waits and not waited:
                self.came.append(at)
            elif waited and not waits:
                self.left.append(at)
            if after in ENDED and before not in ENDED and before is not None:
                self.ended.append(at)
            elif after == "failed":
                self.failed.append(at)
        if fleet:
            return
        begun = self.started.pop(task, None)
        if before == "in_progress" and after in ENDED and begun is not None and not missed:
            self.hours.append(max(0.0, at - begun) / 3600.0)
        self.since.pop(task, None)
        if after in ("in_progress", "ready_for_review", "blocked"):
            self.since[task] = happened_at
            if after == "in_progress" and not missed:
                self.started[task] = at
            if len(self.since) > MOST_OPEN:
                del self.since[next(iter(self.since))]
            if len(self.started) > MOST_OPEN:
                del self.started[next(iter(self.started))]

    def _set_back(self, at: float) -> None:
        """The clock was set back: times are ascending, and none is later than now."""
        for times in (self.came, self.left, self.ended, self.failed):
            while times and times[-1] > at:
                times.pop()
        for open_tasks in (self.since, self.started):
            open_tasks.update({task: at for task, begun in open_tasks.items() if begun > at})
        self.from_at = min(self.from_at, at)

    def seen(self) -> Seen:
        for times in (self.came, self.left, self.ended, self.failed):
            if len(times) > self.most:
                del times[: len(times) - self.most]
                self.from_at = max(self.from_at, times[0])
        del self.hours[:-MOST_HOURS]
        return Seen(
            tuple(self.came), tuple(self.left), tuple(self.ended), tuple(self.failed), tuple(self.hours),
            self.since, self.started, self.at, self.from_at,
        )  # fmt: skip
