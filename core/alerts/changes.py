"""What begins to fire and what resolves, from one look at live alerts to the next. For whoever prints it, line by line.

All of them, not only the most urgent that a screen lists; an alert that is acknowledged, silenced or inhibited
fires like any other. Not for notifications: those are `core.alerts.live`'s to tell.
"""

from typing import NamedTuple

from msgspec.structs import replace

from core.alerts.live import LiveAlerts
from core.alerts.names import FIRING, RESOLVED
from core.alerts.plain import alert_of
from core.alerts.view import Alert, urgency


class Change(NamedTuple):
    """One alert that begins to fire, or has resolved, at a wall time."""

    at: float
    alert: Alert


class Changes:
    """Compares with the look before. `host` is the name of this machine."""

    def __init__(self, host: str) -> None:
        self._host = host
        self.firing: dict[str, Alert] = {}  # by id, as they began

    def take(self, live: LiveAlerts, now: float, wall: float) -> list[Change]:
        """What has changed since the last call, in the order of time."""
        found = {one.id: one for one in live.engine.active if one.state == FIRING}
        ended = [alert for alert_id, alert in self.firing.items() if alert_id not in found]
        changes: list[Change] = []
        if ended:
            past = {alert.id: alert for alert in live.past.history}
            for before in ended:
                del self.firing[before.id]
                known = past.get(before.id, before)
                at = known.ended_at if known.ended_at is not None else wall
                changes.append(Change(at, replace(
                    before, state=RESOLVED, value=known.value, reason=known.reason, ended_at=at,
                )))  # fmt: skip
        for alert_id, one in found.items():
            if alert_id not in self.firing:
                made = alert_of(one, one.current(now), now, wall, self._host)
                self.firing[alert_id] = made
                changes.append(Change(made.fired_at if made.fired_at is not None else wall, made))
        return sorted(changes, key=lambda change: change.at)

    def current(self, live: LiveAlerts, now: float, wall: float) -> list[Alert]:
        """What fires now, the most urgent first."""
        return sorted(
            (
                alert_of(one, one.current(now), now, wall, self._host)
                for one in live.engine.active if one.state == FIRING
            ),
            key=urgency,
        )  # fmt: skip
