"""The rows of the alerts: what is active, then what has ended and what was noted, in the order one reads them.

An alert or a note that did not change stays the very same row, so that nothing is drawn for it. Not for how a
row looks: `tui.panes.alerts`.
"""

from collections.abc import Sequence
from typing import NamedTuple

from core.alerts.names import FIRING, PENDING, RESOLVED
from core.alerts.view import Alert, Alerts
from core.snapshot import Chart, Event, Snapshot

STEP_S = 5.0
NO_EVENT = Event(0, 0.0, "", "note", "", "")
_MOST_STEPS = 4  # columns that may have come since the last look and are still told from others


class Entry(NamedTuple):
    """One row: an alert, or without one a note. `chart` holds the points of an alert, `host` the host's name."""

    alert: Alert | None
    event: Event
    chart: Chart | None
    host: str
    read_only: bool

    @property
    def key(self) -> str:
        """Which row it is, for good."""
        return self.alert.id if self.alert is not None else f"note {self.event.number}"

    @property
    def severity(self) -> str:
        """How much it matters."""
        return self.alert.severity if self.alert is not None else self.event.severity

    @property
    def state(self) -> str:
        """firing, pending, resolved, or note."""
        return self.alert.state if self.alert is not None else self.event.what

    @property
    def at(self) -> float | None:
        """Since when: its condition holds; it has ended; it was noted. Wall seconds."""
        if self.alert is not None:
            return self.alert.ended_at if self.alert.state == RESOLVED else self.alert.since
        return self.event.wall

    @property
    def lasted_s(self) -> float | None:
        """For how long its condition held, once it has ended."""
        alert = self.alert
        if alert is None or alert.ended_at is None or alert.since is None:
            return None
        return max(0.0, alert.ended_at - alert.since)

    @property
    def subject(self) -> str:
        """What it is about, in a word: a host by its own name."""
        if self.alert is not None:
            return self.host if is_host(self.alert) else self.alert.subject
        subject = self.event.subject
        return self.host if subject == "host" else subject.partition(":")[2] or subject

    @property
    def text(self) -> str:
        """The sentence."""
        return self.alert.text if self.alert is not None else self.event.text

    @property
    def open(self) -> bool:
        """Whether it fires and nobody has seen to it."""
        return self.alert is not None and self.alert.state == FIRING and not self.alert.hushed

    @property
    def over(self) -> bool:
        """Whether it is history."""
        return self.alert is None or self.alert.state == RESOLVED


def is_host(alert: Alert) -> bool:
    """Whether it is about this host as a whole."""
    return alert.scope == "host" and alert.subject in ("host", "")


def on_dashboard(alerts: Alerts) -> tuple[Alert, ...]:
    """What fires: open ones first, then those somebody has seen to. Nothing that another alert hides."""
    firing = [alert for alert in alerts.active if alert.state == FIRING and not alert.inhibited_by]
    return tuple(sorted(firing, key=lambda alert: alert.hushed))


def everything_active(alerts: Alerts) -> tuple[Alert, ...]:
    """All that is active: open ones, those seen to or hidden, pending ones; each by severity, then by since."""
    return tuple(sorted(alerts.active, key=lambda alert: (alert.state == PENDING, alert.hushed)))


def count_active(rows: Sequence[Entry]) -> int:
    """How many rows are not history: so many the dashboard makes room for."""
    return sum(not row.over for row in rows)


class Listing:
    """The rows of one table, made anew from what changed in a snapshot."""

    def __init__(self, dashboard: bool = False) -> None:
        self._choose = on_dashboard if dashboard else everything_active
        self._rows: tuple[Entry, ...] = ()
        self._past: tuple[Entry, ...] = ()
        self._from: tuple[object, ...] = ()
        self._past_from: tuple[object, ...] = ()
        self._kept: dict[str, Entry] = {}
        self._dropped: dict[str, int] = {}  # columns that have left an alert's points

    def rows(self, snap: Snapshot) -> tuple[Entry, ...]:
        """Active alerts, then history, newest first; the same object if nothing changed."""
        alerts = snap.alerts
        past_from = (alerts.history, snap.events, snap.host, snap.read_only)
        made_from = (alerts.active, *past_from)
        if _same(made_from, self._from):
            return self._rows
        if not _same(past_from, self._past_from):
            past = [self._row(snap, alert) for alert in alerts.history]
            past += [
                self._row(snap, None, event)
                for event in sorted(snap.events, key=lambda e: e.number, reverse=True)
            ]
            self._past = tuple(sorted(past, key=lambda row: -(row.at or 0.0)))
        self._rows = (*(self._row(snap, alert) for alert in self._choose(alerts)), *self._past)
        self._from, self._past_from = made_from, past_from
        self._kept = {row.key: row for row in self._rows}
        self._dropped = {key: count for key, count in self._dropped.items() if key in self._kept}
        return self._rows

    def _row(self, snap: Snapshot, alert: Alert | None, event: Event = NO_EVENT) -> Entry:
        kept = self._kept.get(alert.id if alert is not None else f"note {event.number}")
        said = (alert, event, snap.host, snap.read_only)
        if kept is not None and (kept.alert, kept.event, kept.host, kept.read_only) == said:
            return kept
        chart = None if alert is None else self._chart(snap, alert, kept)
        return Entry(alert, event, chart, snap.host, snap.read_only)

    def _chart(self, snap: Snapshot, alert: Alert, kept: Entry | None) -> Chart | None:
        """The points as a chart whose columns keep their partners while they move (see `tui.view.chart`)."""
        points = alert.points
        if not points:
            return None
        host = snap.charts.get(alert.metric) if is_host(alert) else None
        if host is not None:
            return Chart(STEP_S, points[:-1], points[-1], host.completed)
        before = kept.alert.points if kept is not None and kept.alert is not None else ()
        dropped = self._dropped.get(alert.id, 0) + shifted(before, points)
        self._dropped[alert.id] = dropped
        return Chart(STEP_S, points[:-1], points[-1], dropped + len(points) - 1)


def _same(one: Sequence[object], other: Sequence[object]) -> bool:
    return len(one) == len(other) and all(a is b for a, b in zip(one, other, strict=True))


def shifted(before: Sequence[float | None], after: Sequence[float | None]) -> int:
    """How many points have left at the front from `before` to `after`; the last one of each may still change."""
    old, new = before[:-1], after[:-1]
    for steps in range(min(_MOST_STEPS + 1, len(old))):
        if old[steps:] == new[: len(old) - steps]:
            return steps
    return 0
