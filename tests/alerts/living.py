"""Live alerts on scripted samples, with real files behind them: what the prober does is done here at once."""

from pathlib import Path
from typing import Any

from core.alerts.keeping import AlertsKept, Found, Keeping
from core.alerts.live import LiveAlerts
from core.alerts.note import Note
from core.alerts.store import AlertStore
from core.alerts.view import Alert, Alerts
from core.config import Rule, Settings
from core.sources import Answer, Trouble
from tests.fakes import FakeClock
from tests.measured import WALL, Session, policy


class BootClock(FakeClock):
    """A clock of one boot of the machine."""

    def __init__(self, now: float, wall: float, boot: str) -> None:
        super().__init__(now, wall)
        self._boot = boot

    def boot(self) -> str:
        return self._boot


class Living(Session):
    """A bluetop that judges alerts. With a folder they are kept there, as the prober would; `notes` was told."""

    def __init__(
        self, *rules: Rule, root: Path | None = None, at: float = 1000.0, wall: float = WALL, boot: str = "b1",
        away_since: float | None = None,
    ) -> None:  # fmt: skip
        settings = Settings(rule=rules) if rules else Settings()
        super().__init__(settings=settings, at=at)
        self.clock = BootClock(at, wall, boot)
        self.notes: list[Note] = []
        self.away_since = away_since
        self.store: AlertStore | None = None
        keeping = None
        if root is not None:
            folder = str(root / ".bluetop")
            keeping = Keeping({"folders": [folder], "within": str(root), "write": True, "seen": ""})
            self.store = AlertStore([folder], str(root), self.clock, write=True)
        self.live = LiveAlerts(settings.rules, policy(settings=settings), self.clock, keeping=keeping)
        self.live.sinks.append(self.notes.extend)
        self.alerts = Alerts()
        self._opened = False

    def step(self, *answers: Answer | Trouble, seconds: float = 0.0) -> Any:
        """Evaluate, judge, and keep what came of it."""
        self.clock.advance(seconds)
        snapshot = super().step(*answers, seconds=seconds)
        self.alerts = self.live.take(answers, snapshot, self.at, self.clock.wall())
        self.keep()
        return snapshot

    def keep(self, *, again: bool = False) -> None:
        """What the prober does once a second."""
        keeping, store = self.live.keeping, self.store
        if keeping is None or store is None:
            return
        work, found = keeping.take(), None
        if not self._opened or again:
            opened = store.open()
            self._opened = True
            found = Found(opened.state, tuple(opened.log), self.away_since)
        if work["reject"]:
            store.set_aside(work["reject"])
        if work["lines"] or work["state"]:
            store.keep(work["lines"], work["state"])
        for line in work["requests"]:
            store.request(line)
        news = tuple(store.news())
        keeping.answered(store.mode, store.folder, store.problem, refused=False)
        kept = AlertsKept(self.at, "box", store.mode, store.problem, news, found)
        self.alerts = self.live.take(
            (Answer("alerts", self.at, kept),), self.snapshot, self.at, self.clock.wall()
        )

    def run(self, seconds: int, *answers: Answer) -> None:
        """So many calm seconds; with these answers in each of them."""
        for _ in range(seconds):
            self.tick(*answers)

    def end(self) -> None:
        """It ends as a dashboard does."""
        self.live.last_words()
        self.keep()
        if self.store is not None:
            self.store.close()

    def states(self) -> dict[tuple[str, str], str]:
        """(rule, subject) → state of what is active."""
        return {(alert.rule, alert.subject): alert.state for alert in self.alerts.active}

    def alert(self, rule: str) -> Alert:
        """The one of that rule that is active."""
        (found,) = [alert for alert in self.alerts.active if alert.rule == rule]
        return found

    def told(self) -> list[tuple[str, str, str]]:
        """What was told, in order."""
        return [(note.what, note.rule, note.subject) for note in self.notes]
