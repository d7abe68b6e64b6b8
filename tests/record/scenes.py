"""A ledger that is fed made-up scans, and a check of what it wrote."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from core.queues import ScanPart
from core.queues.model import EMPTY_QUEUE, Transition
from core.queues.states import Ended, State, TaskStates, parse, render
from core.record.journal import Record
from core.record.ledger import Ledger, Told
from tests.fakes import FakeClock

GONE, MISSING, UNREADABLE, STALE = "gone", "missing", "unreadable", "stale"
Tasks = Mapping[str, str]
Said = Tasks | TaskStates | str


def no_beat(path: str) -> None:
    """For what is called with a path before it touches anything."""


def states_of(agent: str, tasks: Tasks, mtime: float = 50.0, whole: bool = True, **more: Any) -> TaskStates:
    """What a good reading of the agent's file says."""
    text = render({task: State(status) for task, status in tasks.items()})
    return TaskStates(agent, text, mtime, whole, **more)


class Watcher:
    """A ledger and a clock. `look` is one scan: what it says of each agent that changed, in order.

    A mapping of tasks is a good reading; GONE, MISSING, UNREADABLE and STALE are what they say.
    """

    def __init__(self, *records: Record, clock: FakeClock | None = None) -> None:
        self.clock = clock or FakeClock()
        self.ledger = Ledger(self.clock, records)

    def look(
        self, at_once: bool = False, skip: Sequence[str] = (), after_s: float = 1.0, **agents: Said
    ) -> Told:  # fmt: skip
        return self.see(agents, at_once, skip, after_s)

    def see(
        self, agents: Mapping[str, Said], at_once: bool = False, skip: Sequence[str] = (), after_s: float = 1.0
    ) -> Told:  # fmt: skip
        """The same, of agents with any name."""
        self.clock.advance(after_s)
        rows, gone, tasks = [], [], []
        for name, said in agents.items():
            row = EMPTY_QUEUE._replace(agent=name, path=f"postbox/{name}/outbox.json")
            if said == GONE:
                gone.append(name)
            elif said == MISSING:
                rows.append(row)
            elif said == UNREADABLE:
                rows.append(row._replace(form="unreadable"))
            elif said == STALE:
                rows.append(row._replace(form="standard", stale_since=1.0))
            else:
                assert not isinstance(said, str)
                rows.append(row._replace(form="standard"))
                tasks.append(said if isinstance(said, TaskStates) else states_of(name, said))
        self.ledger.take(ScanPart(tuple(rows), tuple(gone), 0, 0, (), tuple(tasks)))
        return self.ledger.tell(no_beat, skip, at_once)

    def begin(self, **agents: Said) -> Told:
        """Two looks, after which the ledger has begun; what the second one told."""
        self.see(agents)
        return self.look()


def short(changes: Iterable[Transition]) -> list[str]:
    """`CA T-1 pending>blocked`, and nothing for what is not there."""
    return [f"{c.agent} {c.task} {c.before or ''}>{c.after or ''}" for c in changes]


def chains(lines: Iterable[Transition]) -> dict[tuple[str, str], list[str | None]]:
    """(agent, task) → its statuses in turn; fails where a line does not go on from the one before."""
    found: dict[tuple[str, str], list[str | None]] = defaultdict(list)
    for line in lines:
        chain = found[line.agent, line.task]
        assert line.before != line.after, line
        if chain:
            assert chain[-1] == line.before, (chain, line)
            chain.append(line.after)
        else:
            chain += [line.before, line.after]
    return dict(found)


def change(number: int, before: str | None = None, after: str | None = "pending") -> Transition:
    """A transition of the task `T-number`, so many seconds after some time."""
    return Transition(1_780_000_000.0 + number, "CA", f"T-{number}", before, after, 1.0)


def statuses(text: str | None) -> dict[str, str]:
    """Task id → status."""
    return {task: state.status for task, state in parse(text or "").items()}


def ended(task: str, **more: Any) -> Ended:
    """A finished task that says something of itself."""
    return Ended(task, *(more.get(key) for key in ("estimated", "actual", "promised", "delivered")))
