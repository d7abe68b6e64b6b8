"""What a screen or a report may know of alerts: frozen, in wall time, texts filled in.

Made by `core.alerts.live` and by whoever reads what was kept; a part that did not change stays the same object.
"""

from fnmatch import fnmatchcase

import msgspec

from core.alerts.names import FIRING, PENDING, RANK


class Alert(msgspec.Struct, frozen=True):
    """One episode of one rule on one subject. Times are wall seconds, None unknown.

    `state` is pending, firing or resolved; `since` is when the condition became true, `fired_at` when it
    began to fire, `ended_at` when it resolved, and `reason` why. `value` is what was judged last, None while that is
    unknown (`stale` says that no sample comes any more). `text` is the rule's sentence, `advice` what to do about it;
    `action` and `hint` are the key of the key table that helps, and what it does here ("" if none does).
    `points` are recent values, one for each five seconds, oldest first, None where nothing was observed.
    Inhibited, silenced and acknowledged alerts fire like others; they are only told to nobody.
    """

    id: str
    rule: str
    metric: str
    scope: str
    subject: str
    severity: str
    state: str
    text: str
    label: str = ""
    unit: str = ""
    op: str = ">"
    threshold: float = 0.0
    clear: float = 0.0
    aggregate: str = "last"
    window_s: float = 0.0
    since: float | None = None
    fired_at: float | None = None
    ended_at: float | None = None
    reason: str = ""
    value: float | None = None
    stale: bool = False
    advice: str = ""
    action: str = ""
    hint: str = ""
    acked_by: str = ""
    acked_at: float | None = None
    silence: str = ""
    silenced_by: str = ""
    silenced_until: float | None = None
    silence_comment: str = ""
    inhibited_by: str = ""
    flapping: bool = False
    bottleneck: bool = False
    excess: float = 0.0
    points: tuple[float | None, ...] = ()

    @property
    def hushed(self) -> bool:
        """Whether somebody or something has seen to it that it need not be looked at now."""
        return bool(self.acked_by or self.silence or self.inhibited_by)


class SilenceView(msgspec.Struct, frozen=True):
    """One silence; `until` and `at` are wall seconds, `over` says that it has ended. "" matches everything."""

    id: str
    rule: str
    subject: str
    severity: str
    by: str
    comment: str
    at: float
    until: float
    over: bool = False

    def is_about(self, alert: Alert) -> bool:
        """Whether the alert is silenced by it."""
        return (
            (not self.rule or fnmatchcase(alert.rule, self.rule))
            and (not self.subject or fnmatchcase(alert.subject, self.subject))
            and (not self.severity or alert.severity == self.severity)
        )


class Alerts(msgspec.Struct, frozen=True):
    """All alerts: `active` are firing and pending ones, in the order of `urgency`; `history` ended ones, newest first.

    Of very many the most urgent are listed: `fire` counts all that fire, and `wait` those of them that nobody
    has seen to, with the ones not listed.
    `away` says what happened since this operator last looked ("" if nothing did). `mode` is writing, reading
    (another instance keeps them), memory (nothing is kept) or waiting (what was kept is not read yet); `problem`
    is why they cannot be kept.
    """

    active: tuple[Alert, ...] = ()
    history: tuple[Alert, ...] = ()
    silences: tuple[SilenceView, ...] = ()
    away: str = ""
    mode: str = "waiting"
    problem: str = ""
    fire: int = 0
    wait: int = 0

    @property
    def firing(self) -> tuple[Alert, ...]:
        """Those that fire."""
        return tuple(alert for alert in self.active if alert.state == FIRING)

    @property
    def open(self) -> tuple[Alert, ...]:
        """Those listed that fire and that nobody has seen to."""
        return tuple(alert for alert in self.active if alert.state == FIRING and not alert.hushed)

    def get(self, alert_id: str) -> Alert | None:
        """The alert of that id, active or ended."""
        return next((alert for alert in (*self.active, *self.history) if alert.id == alert_id), None)


def urgency(alert: Alert) -> tuple[bool, int, float, str, str]:
    """Sorts firing ones before pending ones, then by severity, then by `since`."""
    return alert.state == PENDING, RANK[alert.severity], alert.since or 0.0, alert.rule, alert.subject


def bottlenecks(alerts: Alerts) -> list[Alert]:
    """Firing rules with an aggregate over a minute or more: by severity, then by how far beyond the limit."""
    found = [alert for alert in alerts.active if alert.state == FIRING and alert.bottleneck]
    return sorted(found, key=lambda alert: (RANK[alert.severity], -alert.excess, alert.rule, alert.subject))
