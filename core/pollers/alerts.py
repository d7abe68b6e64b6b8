"""What is kept of alerts: has the prober write what waits, and brings what it found or heard."""

from typing import Any

from core.alerts.keeping import AlertsKept, Found, Keeping
from core.pollers.asking import AskingPoller
from core.pollers.setup import Setup


class AlertsPoller(AskingPoller[AlertsKept]):
    """Asks once a second, and at once where something waits to be written."""

    name = "alerts"
    operation = "alerts"
    deadline_s = 30.0

    def __init__(self, setup: Setup, keeping: Keeping) -> None:
        super().__init__(setup, 1.0)
        self._keeping = keeping
        self.begun()
        self._answer: dict[str, Any] = {}

    def arguments(self) -> dict[str, Any]:
        return {"plan": self._keeping.plan, "skip": self.setup.guard.skip, **self._keeping.take()}

    def begun(self) -> None:
        self._rows: dict[str, list[Any]] = {"log": [], "news": [], "state": []}
        self._opened: dict[str, Any] | None = None

    def part(self, part: Any) -> None:
        if "opened" in part:
            self._opened = part["opened"]
        elif "mode" in part:
            self._answer = part
        else:
            for name, rows in part.items():
                self._rows[name] += rows

    def ended(self) -> None:
        answer = self._answer
        self._keeping.answered(answer["mode"], answer["folder"], answer["problem"], answer["refused"])

    def sample(self, now: float) -> AlertsKept:
        """What the last answer said; each line is given once."""
        found = None
        if self._opened is not None:
            found = Found("".join(self._rows["state"]), tuple(self._rows["log"]), self._opened["away_since"])
        news = tuple(self._rows["news"])
        self.begun()
        keeping = self._keeping
        return AlertsKept(now, self.setup.host, keeping.mode, keeping.problem, news, found)
