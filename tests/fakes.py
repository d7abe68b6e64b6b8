"""Real parts with a simpler inside, for tests. Time never really passes."""

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
