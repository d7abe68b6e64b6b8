"""The unanswered signals of the workspace, and when each agent was last heard of; read by the prober."""

from typing import Any

from core.pollers.asking import AskingPoller
from core.pollers.setup import Setup
from core.queues.model import Problem
from core.samples import Signal, SignalsSample


class SignalsPoller(AskingPoller[SignalsSample]):
    """Keeps what the prober said last: of a scan that found nothing new it hears one word."""

    name = "signals"
    operation = "signals"

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup, setup.scan_interval_s)
        self._version = ""
        self._sums: dict[str, Any] = {}
        self._open: tuple[Signal, ...] = ()
        self._last: tuple[tuple[str, float, str], ...] = ()
        self._problems: tuple[tuple[str, Problem], ...] = ()
        self.begun()

    def arguments(self) -> dict[str, Any]:
        setup = self.setup
        return {"workspace": setup.workspace, "skip": setup.guard.skip, "version": self._version}

    def begun(self) -> None:
        self._parts: dict[str, list[Any]] = {"open": [], "last": [], "problems": []}
        self._news: dict[str, Any] = {}

    def part(self, part: Any) -> None:
        if "version" in part:
            self._news = part
            return
        for name, rows in part.items():
            self._parts[name] += rows

    def ended(self) -> None:
        if not self._news:
            return
        self._version, self._sums = self._news["version"], self._news
        rows = self._parts
        self._open = _kept(self._open, tuple(Signal(*row) for row in rows["open"]))
        self._last = _kept(self._last, tuple((agent, at, kind) for agent, at, kind in rows["last"]))
        self._problems = _kept(
            self._problems, tuple((path, Problem(*problem)) for path, problem in rows["problems"])
        )

    def sample(self, now: float) -> SignalsSample:
        """What the last whole answer said."""
        return SignalsSample(
            at=now,
            host=self.setup.host,
            open=self._open,
            more=self._sums.get("more", 0),
            last=self._last,
            problems=self._problems,
            complete=self._sums.get("complete", False),
        )


def _kept(old: tuple[Any, ...], new: tuple[Any, ...]) -> tuple[Any, ...]:
    """The old object if it says the same: who compares by identity has nothing to do then."""
    return old if new == old else new
