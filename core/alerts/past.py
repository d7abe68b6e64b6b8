"""Alerts that have ended, as they are read from the log and as they end; and what happened while nobody looked."""

from collections import deque
from collections.abc import Iterable, Sequence
from math import isfinite
from typing import Any

from core.alerts.engine import number_of
from core.alerts.names import FIRING, RANK, RESOLVED
from core.alerts.view import Alert
from core.metrics import METRICS
from core.queues.times import parse
from core.text import clean_line

MOST = 200
_MOST_TEXTS = 5000


def wall_of(text: object) -> float | None:
    """Wall seconds of a time in a line, None if it is none."""
    found = parse(text) if isinstance(text, str) else None
    return found.at if found is not None else None


def _word(line: dict[str, Any], key: str) -> str:
    word = line.get(key)
    return clean_line(word, 300) if isinstance(word, str) else ""


def _number(line: dict[str, Any], key: str) -> float | None:
    number = number_of(line.get(key))
    return number if number is not None and isfinite(number) else None


class Past:
    """`history` is newest first, of `most` alerts. `texts` are the sentences with which alerts began to fire, by id."""

    def __init__(self, most: int = MOST) -> None:
        self._ended: deque[Alert] = deque(maxlen=most)
        self._began: dict[str, tuple[str, float | None]] = {}
        self._away: set[str] = set()
        self._history: tuple[Alert, ...] | None = ()

    def fired(self, alert_id: str, text: str, wall: float | None) -> None:
        """An alert begins to fire."""
        if len(self._began) >= _MOST_TEXTS:
            self._began = dict(list(self._began.items())[_MOST_TEXTS // 2 :])
        self._began[alert_id] = (text, wall)

    def text_of(self, alert_id: str) -> str:
        """The sentence with which it began, "" if that is not known."""
        return self._began.get(alert_id, ("", None))[0]

    def ended(self, line: dict[str, Any]) -> None:
        """An alert has resolved: `line` is that of the log."""
        alert_id = _word(line, "id")
        text, fired_at = self._began.pop(alert_id, ("", None))
        alert = _alert(line, alert_id, text, fired_at)
        if alert is not None:
            self._ended.appendleft(alert)
            self._history = None

    @property
    def history(self) -> tuple[Alert, ...]:
        """Ended alerts, newest first; the same object until another one ends."""
        if self._history is None:
            self._history = tuple(self._ended)
        return self._history

    def read(self, log: Iterable[dict[str, Any]], away_since: float | None) -> None:
        """What the log tells, oldest first."""
        self._ended.clear()
        for line in log:
            if line.get("what") != "transition":
                continue
            if line.get("to") == FIRING:
                alert_id, wall = _word(line, "id"), wall_of(line.get("at"))
                self.fired(alert_id, _word(line, "text"), wall)
                if away_since is not None and wall is not None and wall > away_since:
                    self._away.add(alert_id)
            elif line.get("to") == RESOLVED:
                self.ended(line)
        self._history = None

    def away(self, active: Sequence[Alert]) -> str:
        """What began to fire while this operator did not look, "" if nothing did."""
        if not self._away:
            return ""
        still = sum(alert.state == FIRING and alert.id in self._away for alert in active)
        return f"while you were away: {len(self._away)} fired, {still or 'none'} still open"


def _alert(line: dict[str, Any], alert_id: str, text: str, fired_at: float | None) -> Alert | None:
    rule, subject, severity = _word(line, "rule"), _word(line, "subject"), _word(line, "severity")
    if not rule or severity not in RANK:
        return None
    metric = METRICS.get(_word(line, "metric"))
    threshold = _number(line, "threshold") or 0.0
    return Alert(
        id=alert_id, rule=rule, metric=_word(line, "metric"), scope=_word(line, "scope"), subject=subject,
        severity=severity, state=RESOLVED, text=text or _word(line, "text") or f"{rule} on {subject}",
        label=metric.label if metric is not None else "", unit=metric.unit if metric is not None else "",
        op=_word(line, "op") or ">", threshold=threshold, clear=threshold, since=wall_of(line.get("since_at")),
        fired_at=fired_at, ended_at=wall_of(line.get("at")), reason=_word(line, "reason"), value=_number(line, "value"),
    )  # fmt: skip
