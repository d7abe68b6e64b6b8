"""What fires while `bluetop monitor` watches: its rules, and beside them critical KPIs and sources that hang.

From one snapshot to the next, as changes: what began to fire, what resolved. Not for printing them.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from core.alerts.changes import Change, Changes
from core.alerts.names import FIRING, RESOLVED
from core.config import Rule
from core.reports.plain import rounded, time_text
from core.snapshot import Snapshot

if TYPE_CHECKING:
    from core.alerts.live import LiveAlerts
    from core.alerts.view import Alert

Data = dict[str, Any]
Key = tuple[str, str]  # rule and subject
_LIMITS = (
    Rule("cpu", "cpu_percent", 0.0, "host", severity="critical"),
    Rule("memory", "memory_percent", 0.0, "host", severity="high"),
)


def with_threshold(rules: Sequence[Rule], threshold: float | None) -> tuple[Rule, ...]:
    """The rules, those on the last value of processor and memory at once and above `threshold` if that is given."""
    if threshold is None:
        return tuple(rules)
    metrics = {limit.metric: limit for limit in _LIMITS}
    own = {
        rule.metric: rule for rule in reversed(rules) if rule.metric in metrics and rule.aggregate == "last"
    }
    given = [
        replace(own.get(metric, limit), op=">", threshold=threshold, clear=None, for_s=0.0, keep_s=0.0)
        for metric, limit in metrics.items()
    ]
    return (*given, *(rule for rule in rules if rule.metric not in metrics or rule.aggregate != "last"))


class Fired:
    """How often and for how long one alert fired; `began` is when it did so last (engine's clock), None when over."""

    def __init__(self) -> None:
        self.times = 0
        self.lasted_s = 0.0
        self.began: float | None = None


class Alarms:
    """Everything that fires. `fired` is kept of what fired at any time."""

    def __init__(self, host: str) -> None:
        self._host = host
        self._changes = Changes(host)
        self._beside: dict[Key, Data] = {}
        self.fired: dict[Key, Fired] = {}

    def take(self, snapshot: Snapshot, live: "LiveAlerts | None") -> list[Data]:
        """What has changed since the snapshot before, each as a line of `changes[]`."""
        found = [] if live is None else self._changes.take(live, snapshot.at, snapshot.wall)
        made = [self._of_rule(change) for change in found]
        made += self._of_others(snapshot)
        for change in made:
            self._count(change, snapshot.at)
        return made

    def current(self, snapshot: Snapshot, live: "LiveAlerts | None") -> list[Data]:
        """What fires now, each as a line of `alerts[]`."""
        found = [] if live is None else self._changes.current(live, snapshot.at, snapshot.wall)
        return [*(self._data(alert) for alert in found), *self._beside.values()]

    def lasted_s(self, fired: Fired, at: float) -> float:
        """How long it fired, up to `at`."""
        return fired.lasted_s + (0.0 if fired.began is None else max(0.0, at - fired.began))

    def _count(self, change: Data, at: float) -> None:
        fired = self.fired.setdefault((change["rule"], change["subject"]), Fired())
        if change["state"] == FIRING:
            fired.times += 1
            fired.began = at
        else:
            fired.lasted_s, fired.began = self.lasted_s(fired, at), None

    # -- rules ---------------------------------------------------------------------------------

    def _data(self, alert: "Alert") -> Data:
        subject = self._host if alert.scope == "host" and alert.subject == "host" else alert.subject
        return {
            "id": alert.id, "rule": alert.rule, "metric": alert.metric, "subject": subject, "severity": alert.severity,
            "state": alert.state, "since_at": time_text(alert.since), "value": rounded(alert.value),
            "threshold": alert.threshold, "text": alert.text,
        }  # fmt: skip

    def _of_rule(self, change: Change) -> Data:
        alert = change.alert
        return {**self._data(alert), "at": time_text(change.at), "reason": alert.reason or None}

    # -- KPIs and sources ----------------------------------------------------------------------

    def _of_others(self, snapshot: Snapshot) -> list[Data]:
        """A KPI is said once it is critical, unless a rule on the same already fires."""
        found = {(data["rule"], data["subject"]): data for data in others(snapshot)}
        at, made = time_text(snapshot.wall), []
        for key in [key for key in self._beside if key not in found]:
            ended = self._beside.pop(key)
            made.append({**ended, "state": RESOLVED, "at": at, "reason": None})
        ruled = {(data["metric"], data["subject"]) for data in map(self._data, self._changes.firing.values())}
        for key, data in found.items():
            old = self._beside.get(key)
            if old is not None:
                self._beside[key] = {**data, "since_at": old["since_at"]}
            elif (data["metric"], data["subject"]) not in ruled:
                self._beside[key] = data
                made.append({**data, "at": at, "reason": None})
        return made


def others(snapshot: Snapshot) -> Iterator[Data]:
    """Every part of a KPI that is critical, every source that hangs, and a workspace that cannot be read."""
    for kpi in snapshot.kpis:
        for part in kpi.parts:
            if part.status == "critical" and part.value is not None:
                subject = snapshot.host if part.subject == "host" else part.subject
                text = f"{kpi.label} of {subject} is {part.value:.4g} {kpi.unit}".rstrip()
                yield _other(snapshot, f"kpi {kpi.name}", kpi.metric, subject, "critical", part.value,
                             f"{text} (critical {kpi.critical})")  # fmt: skip
    for source in snapshot.sources:
        if source.state == "hung":
            text = f"{source.name} does not answer: {source.detail}"
            yield _other(snapshot, "source", "", source.name, "high", None, text)
        elif source.kind == "workspace" and source.state in ("unreadable", "gone"):
            text = f"the workspace {source.name} cannot be read: {source.detail or source.state}"
            yield _other(snapshot, "source", "", source.name, "critical", None, text)


def _other(
    snapshot: Snapshot, rule: str, metric: str, subject: str, severity: str, value: float | None, text: str
) -> Data:
    return {
        "id": f"{rule} {subject}", "rule": rule, "metric": metric or None, "subject": subject, "severity": severity,
        "state": FIRING, "since_at": time_text(snapshot.wall), "value": rounded(value), "threshold": None, "text": text,
    }  # fmt: skip
