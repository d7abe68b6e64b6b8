"""KPI status (alerting.md, section 5): conditions, the judgement of one value, the worst of many.

Plain values in, plain values out; what is judged and when is the evaluator's business. Not
for alert rules: a KPI has no hold time, no hysteresis and no state.

Per subject: `unknown` without samples or if stale; else `critical` if that condition holds;
else `ok` if the target holds; else `warning`. A KPI is as bad as the worst of its parts:
critical > warning > unknown > ok.
"""

import operator
from bisect import bisect_left, insort
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

import msgspec

from core.snapshot import KpiPart, KpiStatus

CRITICAL, WARNING, UNKNOWN, OK = "critical", "warning", "unknown", "ok"
STATUS_RANK = {CRITICAL: 0, WARNING: 1, UNKNOWN: 2, OK: 3}
SEVERITY_RANK = {"critical": 0, "high": 1, "medium": 2, "low": 3, "unknown": 4, "ok": 5}
PARTS_KEPT = 50
HOST = "host"

_OPERATORS: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip

# One judged subject: rank of its status, minus how far it is beyond the target (so that the
# worst sorts first), subject, value. Sorts without ever comparing values of two subjects.
Key = tuple[int, float, str, float | None]


class Condition(NamedTuple):
    """`value op limit`, for example `< 80`."""

    op: str
    limit: float

    def holds(self, value: float) -> bool:
        """Whether `value` fulfils the condition."""
        return _OPERATORS[self.op](value, self.limit)

    def excess(self, value: float) -> float:
        """How far `value` is beyond the limit, as a share of the limit; negative on the good side."""
        distance = value - self.limit if self.op[0] == "<" else self.limit - value
        return distance / abs(self.limit) if self.limit else distance

    def __str__(self) -> str:
        return f"{self.op} {self.limit:g}"


def judge(value: float | None, target: Condition, critical: Condition | None) -> str:
    """Status of one value by its conditions; None is unknown."""
    if value is None:
        return UNKNOWN
    if critical is not None and critical.holds(value):
        return CRITICAL
    return OK if target.holds(value) else WARNING


class KpiRule(msgspec.Struct, frozen=True):
    """One KPI: what is judged, over what time, by which conditions.

    `scope` is host or agent. Agent metrics are judged by their last value (`aggregate` last).
    `severity` is that of a warning; a critical status is always of severity critical.
    """

    name: str
    label: str
    metric: str
    unit: str
    scope: str
    aggregate: str
    window_s: float
    stale_after_s: float
    target: Condition
    critical: Condition | None = None
    severity: str = "medium"

    def judge(self, value: float | None) -> str:
        """Status of one value; None is unknown."""
        return judge(value, self.target, self.critical)

    def key(self, subject: str, value: float | None) -> Key:
        """Where `subject` stands among the subjects of this KPI."""
        excess = 0.0 if value is None else self.target.excess(value)
        return (STATUS_RANK[self.judge(value)], -excess, subject, value)

    def severity_of(self, status: str) -> str:
        """Severity of a status of this KPI."""
        if status == WARNING:
            return self.severity
        return status  # critical, unknown and ok are severities too


def missed_text(rule: KpiRule, value: float) -> str:
    """`queue 14 tasks (target < 10)`: the figure without decimals, and what it should be."""
    unit = f" {rule.unit}" if rule.unit else ""
    figure = f"{value:.1f}" if rule.unit == "h" else f"{value:.0f}"
    return f"{rule.label} {figure}{unit} (target {rule.target})"


STATUSES = (CRITICAL, WARNING, UNKNOWN, OK)


class Ranking(msgspec.Struct, frozen=True):
    """Subjects in order, worst first: a value that is changed by making the next one.

    A change of a few subjects among 10,000 costs two copies of pointers, about 0.1 ms.
    """

    order: tuple[Key, ...] = ()
    of: dict[str, Key] = {}

    def change(self, changes: Mapping[str, Key | None]) -> "Ranking":
        """With new keys for some subjects; None removes one. The same object if nothing differs."""
        changed = {s: k for s, k in changes.items() if self.of.get(s) != k}
        if not changed:
            return self
        of = self.of.copy()
        if len(changed) <= 32:
            order = list(self.order)
            for subject, key in changed.items():
                old = of.pop(subject, None)
                if old is not None:
                    del order[bisect_left(order, old)]
                if key is not None:
                    insort(order, key)
                    of[subject] = key
        else:
            order = [key for key in self.order if key[2] not in changed]
            for subject, key in changed.items():
                of.pop(subject, None)
                if key is not None:
                    order.append(key)
                    of[subject] = key
            order.sort()
        return Ranking(tuple(order), of)

    def count(self, rank: int) -> int:
        """How many subjects have this rank."""
        return bisect_left(self.order, (rank + 1,)) - bisect_left(self.order, (rank,))


def kpi_status(rule: KpiRule, ranking: Ranking, previous: KpiStatus | None) -> KpiStatus:
    """The status of one KPI from its subjects; `previous` itself if nothing differs."""
    worst = ranking.order[:PARTS_KEPT]
    if previous is not None and len(previous.parts) == len(worst):
        for part, key in zip(previous.parts, worst, strict=True):
            if part.subject != key[2] or part.value != key[3] or STATUS_RANK[part.status] != key[0]:
                break
        else:
            return previous
    return KpiStatus(
        name=rule.name,
        label=rule.label,
        metric=rule.metric,
        unit=rule.unit,
        status=STATUSES[worst[0][0]] if worst else UNKNOWN,
        subject=worst[0][2] if worst else "",
        value=worst[0][3] if worst else None,
        target=str(rule.target),
        critical=str(rule.critical) if rule.critical is not None else "",
        aggregate=rule.aggregate,
        window_s=rule.window_s,
        parts=tuple(KpiPart(key[2], STATUSES[key[0]], key[3]) for key in worst),
    )


def worst_status(kpis: Iterable[KpiStatus]) -> str:
    """Worst-of over all KPIs that have something to judge; unknown if none has."""
    ranks = [STATUS_RANK[kpi.status] for kpi in kpis if kpi.parts]
    return STATUSES[min(ranks)] if ranks else UNKNOWN


def worst_severity(severities: Iterable[str]) -> str:
    """The most severe of them, ok if there is none."""
    return min(severities, key=SEVERITY_RANK.__getitem__, default=OK)
