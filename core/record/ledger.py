"""What changed between two looks at all queues: transitions, lost tasks, knots, figures of finished work.

Takes the parts of a scan as they come (`take`) and tells at its end (`tell`) what is new since
the end of the one before. The record of an earlier run is opened after the first scan, so
that nothing waits for it; what differs from it happened while nobody looked.

Every change is told once. A file that cannot be read is no look at its tasks; a folder that is
gone is believed after a minute. Not for rates and ages: those are `core.measures`.
"""

from collections import deque
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from core.alike import NOTHING_ALIKE, Alike, alike
from core.clock import Clock
from core.errors import PollError
from core.queues import ScanPart
from core.queues.model import NO_WORK, Knot, Lost, RecordState, Transition, Work
from core.queues.states import State, TaskStates, carried, changes, ids_of, parse, render, shared_lines
from core.record.journal import JOINED_S, Loaded, Record
from core.record.keeper import Beat, Keeper, Look, Standing
from core.record.statesfile import MOST_SPANS, Span
from core.record.whereabouts import Whereabouts
from core.record.work import work_of

# An agent without a file has lost its tasks only after this long: a mount may come back.
ABSENT_S = 60.0
# So long without a look, and three times as long as the one before, was no watching.
GAP_S = 60.0
_RING = 2000
# Of texts as long as this (characters) only the lines that differ are looked into.
LARGE = 32 * 1024


class Told(NamedTuple):
    """What is new at the end of a scan.

    `work` is where it is more than `Ledger.work` said before; `lost`, `knots` and `record` are None where
    they are as before.
    """

    past: tuple[Transition, ...] = ()
    caught_up: tuple[Transition, ...] = ()
    seen: tuple[Transition, ...] = ()
    work: tuple[tuple[str, Work], ...] = ()
    lost: tuple[Lost, ...] | None = None
    knots: tuple[Knot, ...] | None = None
    record: RecordState | None = None


NOTHING = Told()


class _Agent:
    """`now` is what its file said last, `told` the same as it was told (a text of `core.queues.states`).

    `told` None: nothing of it is known yet, so the next good reading is where it begins. `whole`: it
    had no more tasks than `told` says. `sure`: the last look at its file was a good reading.
    """

    __slots__ = ("absent_since", "now", "sure", "told", "whole", "work")

    def __init__(self) -> None:
        self.now: TaskStates | None = None
        self.told: str | None = None
        self.whole = True
        self.sure = False
        self.absent_since: float | None = None
        self.work = NO_WORK


class Ledger:
    """The ledger of one workspace. `records` are the places for its record; () is none."""

    def __init__(self, clock: Clock, records: Sequence[Record] = ()) -> None:
        self._clock = clock
        self._keeper = Keeper(records, self._standing)
        self._waits = bool(records)
        self._agents: dict[str, _Agent] = {}
        self._dirty: dict[str, None] = {}
        self._absent: set[str] = set()
        self._loaded: Loaded | None = None
        self._begun_at: float | None = None
        self._scans = 0
        self._gap_s = 0.0
        self._last = Look(0.0, 0.0, 0.0, lambda path: None, ())
        self._watched: list[Span] = []
        self._said: tuple[object, ...] = ()
        self._ring: deque[Transition] = deque(maxlen=_RING)
        self._whereabouts = Whereabouts(self._texts)

    # -- during a scan --------------------------------------------------------------------------

    def take(self, part: ScanPart) -> None:
        """One part of a scan."""
        for row in part.changed:
            if row.form == "missing":
                self._miss(row.agent)
                continue
            agent = self._agent(row.agent)
            # A file that cannot be read is there all the same.
            agent.absent_since = None
            self._absent.discard(row.agent)
            agent.sure = False  # unless its tasks are among `part.tasks`
        for states in part.tasks:
            name = states.agent
            agent = self._agent(name)
            agent.now, agent.absent_since, agent.sure = states, None, True
            agent.work = work_of(states.ended, agent.told or "")
            self._absent.discard(name)
            self._dirty[name] = None
        for name in part.gone:
            self._miss(name)

    def _agent(self, name: str) -> _Agent:
        agent = self._agents.get(name)
        if agent is None:
            agent = self._agents[name] = _Agent()
            if self._begun:
                agent.told = ""  # it is new, and so are its tasks
        return agent

    @property
    def _begun(self) -> bool:
        return self._begun_at is not None

    def _miss(self, name: str) -> None:
        agent = self._agent(name)
        agent.sure = False
        if agent.absent_since is None:
            agent.absent_since = self._clock.now()
            self._absent.add(name)

    def work(self, name: str) -> Work:
        """What finished tasks of one agent tell, as far as it is known by now."""
        agent = self._agents.get(name)
        return NO_WORK if agent is None else agent.work

    # -- at its end -----------------------------------------------------------------------------

    def tell(self, beat: Beat, skip: Container[str] = (), at_once: bool = False) -> Told:
        """What is new. The record is opened at the end of the second scan, or `at_once`."""
        self._scans += 1
        last = self._last
        look = self._last = Look(self._clock.now(), round(self._clock.wall(), 3), last.wall, beat, skip)
        if self._begun:
            gap = look.now - last.now
            missed = gap > max(GAP_S, 3 * self._gap_s)
            self._gap_s = gap
            self._watch(look.wall, anew=missed)
            self._forget_absent(look.now, missed)
            return self._finish((), missed, look)
        if at_once or self._scans >= 2 or not self._waits:
            return self._begin(look, at_once)
        return NOTHING

    def _begin(self, look: Look, at_once: bool) -> Told:
        """The first time: take up what the record knew."""
        loaded = self._loaded
        if loaded is None:
            loaded = self._loaded = self._keeper.open(look)
            last = loaded.recent[-1].seen_at if loaded is not None and loaded.recent else 0.0
            if self._keeper.writing and last > look.since and not at_once:
                # The writer before may have seen more than this scan: the next one sees as much.
                return NOTHING
        now, wall = look.now, look.wall
        self._begun_at, self._loaded = now, None
        known: Loaded | None = None if loaded is None or loaded.first else loaded
        for name in known.states if known is not None else ():
            if name not in self._agents:
                self._miss(name)
        for name, agent in self._agents.items():
            if known is not None:
                agent.told = known.states.get(name, "" if known.complete else None)
                agent.whole = name not in known.partial
            if agent.sure or agent.told is None:
                self._dirty[name] = None
            else:
                self._dirty.pop(name, None)
        self._keeper.begin(self._agents, loaded)
        past: tuple[Transition, ...] = ()
        if loaded is not None:
            past = loaded.recent
            self._watched = list(loaded.watched)
            if loaded.recent_from is not None:
                self._watched = clipped(self._watched, loaded.recent_from)
            for change in past:
                self._whereabouts.follow(change, now - max(0.0, wall - change.seen_at))
        self._watch(wall, anew=True)
        return self._finish(past, True, look)

    def _watch(self, wall: float, anew: bool) -> None:
        spans = self._watched
        if spans and wall < spans[-1][1] - JOINED_S:
            # The clock was set back: nothing was watched later than now.
            spans[:] = [(begin, min(end, wall)) for begin, end in spans if begin < wall]
            anew = True
        if spans and (not anew or abs(wall - spans[-1][1]) < JOINED_S):
            spans[-1] = (spans[-1][0], max(spans[-1][1], wall))
        else:
            spans.append((wall, wall))
            del spans[:-MOST_SPANS]

    def _forget_absent(self, now: float, missed: bool) -> None:
        """Agents without a file for so long that it is no hiccup have no tasks any more."""
        for name in list(self._absent):
            agent = self._agents[name]
            if missed or agent.absent_since is None:
                agent.absent_since = now  # nobody saw that it was away all the time
            elif now - agent.absent_since >= ABSENT_S:
                self._absent.discard(name)
                agent.now = TaskStates(name, "", 0.0, True)
                agent.sure = True
                self._dirty[name] = None

    def _transitions(self, look: Look) -> tuple[dict[str, list[Transition]], bool]:
        """What changed, by agent ([]: read, and no change), and whether more is known than that."""
        found: dict[str, list[Transition]] = {}
        silent = False
        for name in self._dirty:
            agent = self._agents[name]
            states = agent.now
            if states is None:
                continue
            if agent.told is None:  # this is where it begins: nothing has happened yet
                agent.told, agent.whole = states.text, states.whole
                found[name] = []
                silent = True
            else:
                text, differ = merged(agent.told, states, agent.whole)
                silent |= not agent.whole and (states.whole or text != agent.told)
                agent.told = text
                agent.whole = agent.whole or states.whole
                mtime = states.mtime or None
                found[name] = [Transition(look.wall, name, task, a, b, mtime) for task, a, b in differ]
            self._whereabouts.put(states)
        if silent:
            self._whereabouts.search_again()
        for changes_ in found.values():
            for change in changes_:
                self._ring.append(change)
                self._whereabouts.follow(change, look.now)
        return found, silent

    def _finish(self, past: tuple[Transition, ...], missed: bool, look: Look) -> Told:
        """Tell, write, and let go of the agents that are gone."""
        found, silent = self._transitions(look) if self._dirty else ({}, False)
        keeper = self._keeper
        keeper.tend(found, silent, self._agents, self._watched, look)
        lost = self._whereabouts.lost(look.wall, look.now)
        knots = self._whereabouts.knots() if self._dirty or lost is not None else None
        changed = tuple(change for changes_ in found.values() for change in changes_)
        told = Told(past, changed if missed else (), () if missed else changed, self._work(), lost, knots)
        state = keeper.state._replace(watched=tuple(self._watched))
        said = (*state[:3], *(begin for begin, _ in state.watched[-1:]))
        if said != self._said:
            self._said = said
            told = told._replace(record=state)
        for name in self._dirty:
            agent = self._agents[name]
            if agent.absent_since is not None and name not in self._absent and agent.told == "":
                del self._agents[name]  # what comes under this name again is new
        self._dirty.clear()
        return NOTHING if told == NOTHING else told

    def _work(self) -> tuple[tuple[str, Work], ...]:
        work: list[tuple[str, Work]] = []
        for name in self._dirty:
            agent = self._agents[name]
            if agent.now is None:
                continue
            if agent.told is agent.now.text:
                continue  # nothing is remembered that the file does not say
            known = work_of(agent.now.ended, agent.told or "")
            if known != agent.work:
                agent.work = known
                work.append((name, known))
        return tuple(work)

    # -- for those who ask ------------------------------------------------------------------------

    def _texts(self) -> Iterator[tuple[str, str | None]]:
        return ((name, agent.told) for name, agent in self._agents.items())

    def _standing(self, name: str) -> Standing:
        agent = self._agents.get(name)
        if agent is None:  # it is gone, unless this ledger is too young to know
            old = self._begun_at is not None and self._clock.now() - self._begun_at >= ABSENT_S
            return Standing("", None, True, old)
        mtime = None if agent.now is None else agent.now.mtime or None
        return Standing(agent.told, mtime, agent.whole, agent.sure)

    def standing(self, tasks: Iterable[str]) -> dict[str, tuple[str, str]]:
        """Task id → (agent, status) of those that are known; a lost one has the status `vanished`."""
        return self._whereabouts.standing(tasks)

    def find(self, name: str) -> tuple[dict[str, str], Alike]:
        """Agent → status of the task called `name`, in every file that has it; where none has, ids like it.

        Raises:
            PollError: the files have not been read yet.
        """
        if not self._begun:
            raise PollError("the queue files have not been read yet; try again")
        found = self._whereabouts.search({name})[name]
        if found:
            return found, NOTHING_ALIKE
        return {}, alike(name, (task for _, text in self._texts() if text for task in ids_of(text)))

    def remembered(self, agent: str) -> Mapping[str, State]:
        """The states of one agent's tasks, with estimates that its file may not have any more."""
        known = self._agents.get(agent)
        return parse(known.told) if known is not None and known.told else {}

    @property
    def path(self) -> str:
        """Where the record is, "" if there is none."""
        return self._keeper.path

    def ring(self) -> tuple[Transition, ...]:
        """The last transitions that this process saw, for where there is no record to look into."""
        return tuple(self._ring)

    def rest(self, beat: Beat, skip: Container[str] = ()) -> None:
        """Nobody will look for a while: let another instance write the record."""
        self._keeper.rest(beat, skip)

    def close(self) -> None:
        """Let go of the record, so that another ledger may write it."""
        self._keeper.close()


def merged(
    text: str, states: TaskStates, begun_whole: bool
) -> tuple[str, list[tuple[str, str | None, str | None]]]:
    """The text after a reading (that of the reading itself, if it can be), and what differs.

    `begun_whole` False: `text` may lack tasks that were there, so that what it lacks is not new.
    """
    now = states.text
    if text == now:
        return now, []
    if min(len(text), len(now)) >= LARGE:
        head, tail = shared_lines(text, now)
        inner = now[head : len(now) - tail]
        made, differ = _merged(text[head : len(text) - tail], inner, states.whole, begun_whole)
        return now if made is inner else now[:head] + made + now[len(now) - tail :], differ
    return _merged(text, now, states.whole, begun_whole)


def _merged(
    text: str, now: str, whole: bool, begun_whole: bool
) -> tuple[str, list[tuple[str, str | None, str | None]]]:
    old, new = parse(text), parse(now)
    differ = changes(old, new, vanished=whole, come=begun_whole)
    touched = carried(old, new)
    if not whole:
        new |= {task: state for task, state in old.items() if task not in new}
        touched = True
    return render(new) if touched else now, differ


def clipped(spans: Iterable[Span], begin: float) -> list[Span]:
    """The spans without what lies before `begin`."""
    return [(max(a, begin), b) for a, b in spans if b > begin]
