"""Real parts with a simpler inside, for tests. Time never really passes."""

import asyncio
import selectors
from typing import Any, NamedTuple

from core.clock import Clock


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
