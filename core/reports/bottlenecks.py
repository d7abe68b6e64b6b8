"""Bottlenecks as plain data: those that last, as the instance that keeps the alerts saw them, and what is beyond now.

One look cannot tell whether something lasts; who watched can. Ranked by severity, then by how far beyond the limit.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from core.advice import Limits
from core.alerts.bottlenecks import Beyond, beyond_of, facts
from core.alerts.view import Alert, bottlenecks
from core.kpi import CRITICAL, SEVERITY_RANK, WARNING, KpiRule
from core.metrics import METRICS
from core.reports.plain import Data, rounded, time_text
from core.snapshot import Snapshot

if TYPE_CHECKING:
    from core.alerts.kept import Kept

_INFO_RANK = 9


def bottleneck_data(
    snapshot: Snapshot, rules: Mapping[str, KpiRule], limits: Limits, kept: "Kept | None"
) -> list[Data]:
    """`bottlenecks[]` of bluetop.analyze/1. `kept` is given where a bluetop keeps the alerts now."""
    lasting = list(_lasting(snapshot, list(rules.values()), limits, kept))
    known = {(data["metric"], data["subject"]) for _, data in lasting}
    found = lasting + [
        (excess, data) for excess, data in _beyond(snapshot, rules, limits)
        if (data["metric"], data["subject"]) not in known
    ]  # fmt: skip
    return [data for _, data in sorted(found, key=_rank)]


def kept_data(kept: "Kept | None") -> Data:
    """`alerts` of bluetop.analyze/1: whether somebody watches."""
    if kept is None:
        return {"running": False, "as_of": None, "problem": None}
    return {"running": kept.running, "as_of": time_text(kept.as_of), "problem": kept.problem or None}


def _rank(entry: tuple[float, Data]) -> tuple[int, float]:
    return SEVERITY_RANK.get(entry[1]["severity"], _INFO_RANK), -entry[0]


def _lasting(
    snapshot: Snapshot, rules: Sequence[KpiRule], limits: Limits, kept: "Kept | None"
) -> Iterator[tuple[float, Data]]:
    """Firing rules over a minute or more."""
    said: set[tuple[str, str]] = set()
    for alert in bottlenecks(kept.alerts) if kept is not None and kept.running else ():
        value = alert.value if alert.value is not None else _measured(snapshot, alert)
        if value is None or (alert.metric, alert.subject) in said:
            continue
        said.add((alert.metric, alert.subject))
        beyond = beyond_of(alert, value, snapshot.wall)
        kpi = next((rule.name for rule in rules if rule.metric == alert.metric), "")
        excess = abs(value - alert.threshold) / abs(alert.threshold) if alert.threshold else None
        yield (
            excess or 0.0,
            _data(
                beyond, snapshot, limits, kpi, alert.severity, alert.threshold, excess,
                rule=alert.rule, since=time_text(alert.since), sustained=True,
            ),
        )  # fmt: skip


def _measured(snapshot: Snapshot, alert: Alert) -> float | None:
    """The newest value of what an alert is about."""
    metric = METRICS.get(alert.metric)
    if metric is None:
        return None
    if metric.scope == "host":
        reading = getattr(snapshot, metric.source)
        return None if reading.value is None else metric.value(reading.value)
    view = next((v for v in snapshot.agents if v.queue.agent == alert.subject), None)
    return None if view is None else metric.value(view)


def _beyond(snapshot: Snapshot, rules: Mapping[str, KpiRule], limits: Limits) -> Iterator[tuple[float, Data]]:
    """What is beyond its limit now. Whether it lasts, one look cannot tell: `sustained` is None."""
    for kpi in snapshot.kpis:
        rule = rules.get(kpi.name)
        if rule is None or rule.target.op[0] != "<":  # too little success is no bottleneck
            continue
        for part in kpi.parts:
            value, target = part.value, rule.target
            if part.status not in (CRITICAL, WARNING) or value is None or value == target.limit:
                continue
            excess = target.excess(value)
            beyond = Beyond(
                kpi.metric, kpi.label, kpi.unit, rule.scope, part.subject, value, f"target {target}"
            )
            yield (
                excess,
                _data(
                    beyond, snapshot, limits, kpi.name, rule.severity_of(part.status), target.limit, excess
                ),
            )


def _data(
    beyond: Beyond, snapshot: Snapshot, limits: Limits, kpi: str, severity: str, limit: float, excess: float | None,
    *, rule: str | None = None, since: str | None = None, sustained: bool | None = None,
) -> Data:  # fmt: skip
    known = facts(beyond, snapshot, limits)
    return {
        "kind": known.kind,
        "kpi": kpi,
        "rule": rule,
        "metric": beyond.metric,
        "subject": beyond.subject,
        "severity": severity,
        "value": rounded(beyond.value),
        "unit": beyond.unit,
        "limit": limit,
        "excess_percent": None if excess is None else rounded(100 * excess, 1),
        "sustained": sustained,
        "since_at": since,
        "lasted_s": rounded(beyond.lasted_s, 1),
        "evidence": known.evidence,
        "impact": known.impact or None,
        "resolution": known.resolution or None,
    }
