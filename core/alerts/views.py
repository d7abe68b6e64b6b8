"""Pictures of what is active: the most urgent instances, each as the frozen `Alert` that screens show."""

from collections import deque
from heapq import nsmallest

import msgspec

from core.advice import Limits
from core.alerts.engine import AlertEngine
from core.alerts.instances import Instance
from core.alerts.names import FIRING, PENDING
from core.alerts.past import Past
from core.alerts.rules import excess, is_bottleneck
from core.alerts.texts import advice, help_of, subject_of, summary
from core.alerts.view import Alert, urgency
from core.snapshot import Snapshot
from core.text import clean_line

MOST = 200
# Of more than these the most urgent are chosen every five seconds only.
MANY = 2000
POINTS = 60
STEP_S = 5.0
# Advice looks at every agent: the most urgent alerts have it, and it is worked out anew this often.
_ADVISED = 20
_ADVISED_AGAIN_S = 15.0


class Pictures:
    """Keeps which instances are shown, their recent values, and what is advised. `fire` and `wait` count them all."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._shown: list[Instance] = []
        self._points: dict[Instance, deque[float | None]] = {}
        self._advice: dict[tuple[str, str], tuple[float, str]] = {}
        self._slot = -1
        self.fire = self.wait = 0

    def of(
        self, engine: AlertEngine, snapshot: Snapshot, now: float, wall: float, past: Past, *, changed: bool
    ) -> tuple[Alert, ...]:
        """The most urgent of what is pending or fires; `changed` says that it may be others than before."""
        slot = int(now // STEP_S)
        steps = min(POINTS, slot - self._slot) if self._slot >= 0 else 1
        if steps or (changed and len(engine.machine.active) < MANY):
            self._choose(engine, now)
        elif changed:
            self._shown = [instance for instance in self._shown if instance in engine.machine.active]
        if steps:
            self._slot = slot
        self._extend(steps, now)
        made = sorted([self._picture(i, snapshot, now, wall, past) for i in self._shown], key=urgency)
        known = {(alert.id, alert.state) for alert in made}
        self._advice = {key: kept for key, kept in self._advice.items() if key in known}
        by_id = {instance.id: instance for instance in self._shown}
        advised = [self._advised(alert, by_id[alert.id], snapshot, now) for alert in made[:_ADVISED]]
        return (*advised, *made[_ADVISED:])

    def _choose(self, engine: AlertEngine, now: float) -> None:
        """The most urgent, and how many there are."""
        self._shown = nsmallest(MOST, engine.active, key=_rank)
        fire = wait = 0
        for instance in engine.active:
            if instance.state == FIRING:
                fire += 1
                wait += not (instance.acked_by or instance.inhibited_by or instance.silenced(now))
        self.fire, self.wait = fire, wait

    def _extend(self, steps: int, now: float) -> None:
        """One more point for every five seconds."""
        points = {}
        for instance in self._shown:
            kept = points[instance] = self._points.get(instance) or deque(maxlen=POINTS)
            kept.extend([None] * (steps - 1))
            if steps or not kept:
                kept.append(instance.current(now))
        self._points = points

    def _advised(self, alert: Alert, instance: Instance, snapshot: Snapshot, now: float) -> Alert:
        at, text = self._advice.get((alert.id, alert.state), (-1e9, ""))
        if now - at >= _ADVISED_AGAIN_S:
            lasted = now - instance.since
            text = advice(instance, instance.current(now), lasted, snapshot, self._limits)
            self._advice[alert.id, alert.state] = (now, text)
        return msgspec.structs.replace(alert, advice=text) if text else alert

    def _picture(self, i: Instance, snapshot: Snapshot, now: float, wall: float, past: Past) -> Alert:
        metric, scope, subject = i.series.key
        judged, rule = i.judged, i.judged.rule
        label, unit, _ = subject_of(i, snapshot.host)
        offset = wall - now
        silence, inhibitor = i.silenced(now), i.inhibited_by
        action, hint = help_of(i)
        value = i.current(now)
        chart = snapshot.charts.get(metric) if scope == "host" else None
        shown = tuple(self._points[i]) if chart is None else (*chart.columns[1 - POINTS :], chart.partial)
        return Alert(
            id=i.id, rule=rule.name, metric=metric, scope=scope, subject=clean_line(subject, 100),
            severity=rule.severity, state=i.state, text=_text(i, value, now, snapshot.host, past), label=label,
            unit=unit, op=rule.op, threshold=rule.threshold, clear=judged.clear, aggregate=rule.aggregate,
            window_s=rule.window_s if rule.aggregate != "last" else 0.0, since=i.since + offset,
            fired_at=i.fired_at + offset if i.state == FIRING else None, value=value, stale=i.stale, action=action,
            hint=hint, acked_by=i.acked_by, acked_at=i.acked_at + offset if i.acked_by else None,
            silence=silence.id if silence is not None else "", silenced_by=silence.by if silence is not None else "",
            silenced_until=silence.until + offset if silence is not None else None,
            silence_comment=silence.comment if silence is not None else "",
            inhibited_by=inhibitor.judged.rule.name if inhibitor is not None else "", flapping=i.flapping,
            bottleneck=is_bottleneck(rule), excess=0.0 if value is None else excess(rule, value), points=shown,
        )  # fmt: skip


def _rank(instance: Instance) -> tuple[bool, int, float]:
    return instance.state == PENDING, instance.judged.rank, instance.since


def _text(instance: Instance, value: float | None, now: float, host: str, past: Past) -> str:
    """As it stands now; while nothing is known, as it was when it began."""
    known = past.text_of(instance.id) if value is None else ""
    return known or summary(instance, value, now - instance.since, host)
