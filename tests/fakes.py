"""Real parts with a simpler inside, for tests. Time never really passes."""

import asyncio
import selectors
from collections.abc import Callable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

import msgspec

from core.alerts.view import Alert
from core.clock import Clock
from core.control import ChangeFailed, Match
from core.errors import PollError
from core.queues.model import Task, Transition
from core.snapshot import Snapshot


class FakeClock(Clock):
    """A clock that stands still until it is moved."""

    def __init__(self, now: float = 1000.0, wall: float = 1_780_000_000.0) -> None:
        self._now = now
        self._wall = wall
        self._cpu = 0.0

    def now(self) -> float:
        return self._now

    def wall(self) -> float:
        return self._wall

    def cpu(self) -> float:
        return self._cpu

    def advance(self, seconds: float, cpu: float = 0.0) -> None:
        """Move monotonic and wall time together."""
        self._now += seconds
        self._wall += seconds
        self._cpu += cpu


class _JumpingSelector(selectors.DefaultSelector):
    """Instead of waiting for a timer, moves the clock to it."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__()
        self._clock = clock
        self.waits = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if ready or timeout == 0:
            return ready
        if timeout is None:
            raise AssertionError("nothing is scheduled: this would wait for ever")
        self.waits += 1
        self._clock.advance(timeout)
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose time is a FakeClock: an hour of timers passes in a moment. `wakes` counts its sleeps."""

    def __init__(self, clock: FakeClock) -> None:
        self._jumping = _JumpingSelector(clock)
        super().__init__(self._jumping)
        self._fake = clock

    def time(self) -> float:
        return self._fake.now()

    @property
    def wakes(self) -> int:
        return self._jumping.waits


class Later(NamedTuple):
    """In a script: the answer comes after so many seconds."""

    seconds: float
    answer: Any


NEVER = object()


class ScriptedPoller:
    """A poller that says its lines in turn and repeats the last one.

    A line is a function of `now` that gives the sample, an exception to be raised, `Later`, or
    NEVER. `polls` holds the times it was asked.
    """

    def __init__(self, name: str, interval_s: float, *script: Any, deadline_s: float = 5.0) -> None:
        self.name = name
        self.interval_s = interval_s
        self.deadline_s = deadline_s
        self.polls: list[float] = []
        self.primed: list[float] = []
        self._script = list(script)

    def prime(self, now: float) -> None:
        self.primed.append(now)

    def poll(self, now: float) -> Any:
        self.polls.append(now)
        line = self._script[0] if len(self._script) == 1 else self._script.pop(0)
        return self._said(line, now)

    def _said(self, line: Any, now: float) -> Any:
        if isinstance(line, Exception):
            raise line
        if isinstance(line, Later) or line is NEVER:
            return self._slowly(line, now)
        return line(now)

    async def _slowly(self, line: Any, now: float) -> Any:
        if line is NEVER:
            await asyncio.get_running_loop().create_future()
        await asyncio.sleep(line.seconds)
        return self._said(line.answer, now)


class StillDesk:
    """Acknowledges and silences in the snapshot of a StillEngine, at once. `done` lists what was asked, in order."""

    def __init__(self, engine: "StillEngine") -> None:
        self._engine = engine
        self.done: list[tuple[Any, ...]] = []

    @property
    def desk(self) -> "StillDesk":
        return self

    def ack(self, rule: str, subject: str, by: str) -> str:
        self.done.append(("ack", rule, subject, by))
        self._change(rule, subject, acked_by=by, acked_at=self._engine.clock.wall())
        return f"acknowledged {rule} on {subject}, until it resolves"

    def unack(self, rule: str, subject: str, by: str) -> str:
        self.done.append(("unack", rule, subject, by))
        self._change(rule, subject, acked_by="", acked_at=None)
        return f"{rule} on {subject} is not acknowledged any more"

    def silence(self, match: Match, for_s: float, by: str, comment: str) -> str:
        self.done.append(("silence", *match, for_s, by, comment))
        until = self._engine.clock.wall() + for_s
        given = {"silence": f"s{len(self.done)}", "silenced_by": by, "silenced_until": until}
        self._put([
            msgspec.structs.replace(alert, silence_comment=comment, **given)
            if fnmatchcase(alert.rule, match.rule) and fnmatchcase(alert.subject, match.subject) else alert
            for alert in self._engine.latest.alerts.active
        ])  # fmt: skip
        return f"silenced {match}"

    def unsilence(self, silence: str, by: str) -> str:
        self.done.append(("unsilence", silence, by))
        self._put([
            msgspec.structs.replace(alert, silence="", silenced_until=None) if alert.silence == silence else alert
            for alert in self._engine.latest.alerts.active
        ])  # fmt: skip
        return f"the silence {silence} has ended"

    def _change(self, rule: str, subject: str, **changes: Any) -> None:
        """Of what fires; anything else is refused."""
        active = self._engine.latest.alerts.active
        meant = [a for a in active if (a.rule, a.subject, a.state) == (rule, subject, "firing")]
        if not meant or bool(meant[0].acked_by) == bool(changes["acked_by"]):
            raise ChangeFailed(f"{rule} on {subject} does not fire: there is nothing to acknowledge")
        self._put([msgspec.structs.replace(a, **changes) if a in meant else a for a in active])

    def _put(self, active: Sequence[Alert]) -> None:
        snap = self._engine.latest
        alerts = msgspec.structs.replace(snap.alerts, active=tuple(active))
        self._engine.publish(msgspec.structs.replace(snap, alerts=alerts))


class StillEngine:
    """An engine that stands still: the face of `core.engine.Engine` that the screens see.

    It shows the Snapshot it was given until the test publishes another. `tasks` holds what
    opening an agent answers; an exception in it is raised. `told` are
    all transitions there are, `where` says where tasks are. `record` makes the record of a task from
    its id. `asked` lists what was asked for, in order.
    """

    def __init__(
        self,
        snapshot: Snapshot,
        tasks: Mapping[str, Sequence[Task] | Exception] | None = None,
        record: Callable[[str], str] | None = None,
        clock: FakeClock | None = None,
    ) -> None:
        self.latest = snapshot
        self.clock = clock if clock is not None else FakeClock()
        self.asked: list[tuple[str, ...]] = []
        self.paused = self.closed = self.running = False
        self._tasks = dict(tasks or {})
        self._record = record
        self.alerts: StillDesk | None = StillDesk(self)
        self.told: tuple[Transition, ...] = ()
        self.where: dict[str, tuple[str, str]] = {}
        self._subscribers: list[Callable[[Snapshot], None]] = []
        self._waiting: Snapshot | None = None

    def publish(self, snapshot: Snapshot) -> None:
        """What the next sample says. While paused it waits for `resume`, and only the newest does."""
        if self.paused:
            self._waiting = snapshot
            return
        self.latest = snapshot
        for subscriber in self._subscribers:
            subscriber(snapshot)

    async def life(self, agent: str = "", task: str = "") -> tuple[Transition, ...]:
        self.asked.append(("life", agent, task))
        return tuple(c for c in self.told if agent in ("", c.agent) and task in ("", c.task))

    async def standing(self, tasks: Sequence[str]) -> dict[str, tuple[str, str]]:
        self.asked.append(("standing", *tasks))
        return {task: self.where[task] for task in tasks if task in self.where}

    def put(self, agent: str, tasks: Sequence[Task] | Exception) -> None:
        """What the file of `agent` says from now on."""
        self._tasks[agent] = tasks

    def forget(self) -> None:
        """From now on no record is found."""
        self._record = None

    def subscribe(self, callback: Callable[[Snapshot], None]) -> None:
        self._subscribers.append(callback)

    async def run(self) -> None:
        self.running = True
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            self.running = False

    def pause(self) -> None:
        self.paused = True

    def rest(self, *, asleep: bool = False) -> None:
        self.asked.append(("rest",))

    def resume(self) -> None:
        self.paused = False
        if self._waiting is not None:
            waiting, self._waiting = self._waiting, None
            asyncio.get_running_loop().call_soon(self.publish, waiting)

    def set_interval(self, seconds: float) -> None:
        self.publish(msgspec.structs.replace(self.latest, interval_s=seconds))

    async def tasks(self, agent: str) -> tuple[Task, ...]:
        self.asked.append(("tasks", agent))
        found = self._tasks.get(agent, PollError(f"{agent} has no queue file"))
        if isinstance(found, Exception):
            raise found
        return tuple(found)

    async def record(self, agent: str, place: str, index: int, task_id: str) -> str:
        self.asked.append(("record", agent, place, str(index), task_id))
        if self._record is None:
            raise PollError(f"{task_id} is no longer in the file of {agent}")
        return self._record(task_id)

    def close(self) -> None:
        self.closed = True
