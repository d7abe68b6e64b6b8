"""Where tasks are that somebody asks for: lost ones, and those that others wait for.

Knows only the ids that matter: of a million tasks nobody indexes all. A task that leaves its
file without being finished is looked for in the others, for it may be moving; in none of
them, it is lost, and stays so until it comes back or a day has passed.
"""

from collections.abc import Callable, Iterable, Mapping

from core.queues.knots import Knots
from core.queues.model import Knot, Lost, Transition
from core.queues.states import FINISHED, TaskStates, ids_of, parse

# A task that was not finished is looked for this long before it is called lost.
MOVING_S = 10.0
LOST_FOR_S = 24 * 3600.0
MOST_LOST = 1000
VANISHED = "vanished"
_KNOTS = 100
_SEARCHED_SINGLY = 6


class Whereabouts:
    """`texts` gives (agent, text of `core.queues.states`) of every agent, as it is now."""

    def __init__(self, texts: Callable[[], Iterable[tuple[str, str | None]]]) -> None:
        self._texts = texts
        self._moving: dict[str, tuple[Lost, float]] = {}
        self._lost: dict[str, Lost] = {}
        self._lost_said: tuple[Lost, ...] = ()
        self._knots = Knots(self._status_of)
        self._knots_said: tuple[Knot, ...] = ()
        self._wanted: dict[str, dict[str, str]] = {}
        self._wants: dict[str, tuple[str, ...]] = {}

    def follow(self, change: Transition, since: float) -> None:
        """One transition, in the order in which they happened; `since` on the clock of `lost`."""
        task = change.task
        if change.after is not None:
            self._moving.pop(task, None)
            self._lost.pop(task, None)
        elif change.before not in FINISHED and change.before is not None:
            self._moving[task] = Lost(change.agent, task, change.before, change.seen_at), since
        agents = self._wanted.get(task)
        if agents is None:
            return
        if change.after is None:
            agents.pop(change.agent, None)
        else:
            agents[change.agent] = change.after

    def lost(self, wall: float, now: float) -> tuple[Lost, ...] | None:
        """The lost tasks, oldest loss first; None if they are the same as the last time."""
        due = [lost for lost, since in self._moving.values() if now - since >= MOVING_S]
        if due:
            elsewhere = self.search({lost.task for lost in due})
            for lost in due:
                del self._moving[lost.task]
                if not elsewhere[lost.task]:
                    self._lost[lost.task] = lost
        if not self._lost and not self._lost_said:
            return None
        for task in [t for t, lost in self._lost.items() if wall - lost.seen_at >= LOST_FOR_S]:
            del self._lost[task]
        while len(self._lost) > MOST_LOST:
            del self._lost[next(iter(self._lost))]
        found = tuple(self._lost.values())
        if found == self._lost_said:
            return None
        self._lost_said = found
        return found

    def search_again(self) -> None:
        """More is known of some agent than was told: look for what is waited for once more."""
        self._wanted.clear()

    def put(self, states: TaskStates) -> None:
        """What the tasks of one agent wait for now."""
        name = states.agent
        self._knots.retired(name, states.retired)
        if not states.needs and name not in self._wants:
            return
        self._knots.put(name, states.needs)
        wanted = tuple({task for needed in states.needs.values() for task in needed})
        if wanted:
            self._wants[name] = wanted
        else:
            del self._wants[name]

    def knots(self) -> tuple[Knot, ...] | None:
        """The tasks that wait for what will not come; None if they are the same as the last time."""
        if not self._wants and not self._knots_said:
            return None
        wanted = {task for tasks in self._wants.values() for task in tasks}
        for task in self._wanted.keys() - wanted:
            del self._wanted[task]
        come = wanted - self._wanted.keys()
        if come:
            self._wanted.update(self.search(come))
        found = self._knots.find(_KNOTS)
        if found == self._knots_said:
            return None
        self._knots_said = found
        return found

    def _status_of(self, task: str) -> tuple[str, str] | None:
        if task in self._lost:
            return self._lost[task].agent, VANISHED
        agents = self._wanted.get(task)
        return _foremost(agents) if agents else None

    def search(self, tasks: set[str]) -> dict[str, dict[str, str]]:
        """Task id → agent → status, for these tasks, in all files."""
        found: dict[str, dict[str, str]] = {task: {} for task in tasks}
        few = [f"\t{task}" for task in tasks] if len(tasks) <= _SEARCHED_SINGLY else None
        for name, text in self._texts():
            if not text or (few is not None and not any(task in text for task in few)):
                continue
            if few is None and tasks.isdisjoint(ids_of(text)):
                continue
            states = parse(text)
            for task in tasks & states.keys():
                found[task][name] = states[task].status
        return found

    def standing(self, tasks: Iterable[str]) -> dict[str, tuple[str, str]]:
        """Task id → (agent, status) of those that are known; a lost one has the status `vanished`."""
        found: dict[str, tuple[str, str]] = {}
        for task, agents in self.search(set(tasks)).items():
            if agents:
                found[task] = _foremost(agents)
            elif task in self._lost:
                found[task] = (self._lost[task].agent, VANISHED)
        return found


def _foremost(agents: Mapping[str, str]) -> tuple[str, str]:
    """Of several agents with one task the one where it is unfinished, else the first by name."""
    return min(agents.items(), key=lambda entry: (entry[1] in FINISHED, entry[0]))
