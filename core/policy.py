"""What the evaluator needs of the settings, as plain values: read from `Settings` here and nowhere else.

Not a second configuration: every number comes from `core.config`, the metrics' names and
units from `core.metrics`.
"""

import msgspec

from core.alerts.names import RANK
from core.config import Kpi, Settings, parse_condition
from core.kpi import HOST, Condition, KpiRule
from core.metrics import AGENT, METRICS

CHART_STEP_S = 5.0
CHART_COLUMNS = 480  # 40 minutes; a braille cell shows two columns, so this fills 240 cells
EVENTS_KEPT = 500


class Policy(msgspec.Struct, frozen=True):
    """What the evaluator judges by.

    `intervals` is the rhythm of each poller by name, `measured` the host's KPIs by the poller
    that measures them. `silent_s` and `timeout_s` are for liveness and needs; `wip_limit` is the tasks
    that one agent may work on at once. `notes` are sentences about settings that
    cannot be honoured, shown once in the log. `read_only`, `host` and `workspace` are passed on.
    """

    host: str
    workspace: str | None
    read_only: bool
    interval_s: float
    intervals: dict[str, float]
    kpis: tuple[KpiRule, ...]
    workday_hours: float = 8.0
    silent_s: float = 1800.0
    timeout_s: float = 4 * 3600.0
    wip_limit: int = 5
    measured: dict[str, tuple[KpiRule, ...]] = {}
    chart_step_s: float = CHART_STEP_S
    chart_columns: int = CHART_COLUMNS
    events_kept: int = EVENTS_KEPT
    notes: tuple[str, ...] = ()

    def stale_after_s(self, source: str) -> float:
        """Age beyond which a figure of this poller is shown as its age: twice its interval, and a second."""
        return 2.0 * self.intervals.get(source, self.interval_s) + 0.5

    def gap_s(self, source: str, wanted_s: float) -> float:
        """Silence that counts as a gap: what the rule says, but at least three of the poller's intervals."""
        return max(wanted_s, 3.0 * self.intervals.get(source, self.interval_s))


def policy_of(
    settings: Settings,
    *,
    host: str,
    workspace: str | None,
    read_only: bool,
    intervals: dict[str, float],
    interval_s: float | None = None,
) -> Policy:
    """The policy that `settings` describe, for these pollers."""
    rules: list[KpiRule] = []
    notes: list[str] = []
    for kpi in settings.kpis:
        found, note = _rule(kpi, _severities(settings))
        if found is not None:
            rules.append(found)
        if note:
            notes.append(note)
    measured: dict[str, tuple[KpiRule, ...]] = {}
    for rule in rules:
        if rule.scope == HOST:
            source = METRICS[rule.metric].source
            measured[source] = (*measured.get(source, ()), rule)
    return Policy(
        host=host,
        workspace=workspace,
        read_only=read_only,
        interval_s=settings.poll.host_interval_s if interval_s is None else interval_s,
        intervals=intervals,
        kpis=tuple(rules),
        workday_hours=settings.workload.hours,
        silent_s=settings.liveness.silent_after_s,
        timeout_s=settings.tuning.task_timeout_hours * 3600.0,
        wip_limit=settings.tuning.max_concurrent_tasks,
        measured=measured,
        notes=tuple(notes),
    )


def _severities(settings: Settings) -> dict[str, str]:
    """Metric → severity of its most severe alert rule: a KPI's warning speaks with the same voice."""
    found: dict[str, str] = {}
    for rule in settings.rules:
        old = found.get(rule.metric)
        if old is None or RANK[rule.severity] < RANK[old]:
            found[rule.metric] = rule.severity
    return found


def _rule(kpi: Kpi, severities: dict[str, str]) -> tuple[KpiRule | None, str]:
    metric = METRICS.get(kpi.metric)
    if metric is None or metric.scope != kpi.scope:
        return None, f"KPI {kpi.name}: {kpi.scope} metric {kpi.metric} is not measured, so it is not judged"
    note = ""
    aggregate = kpi.aggregate
    if kpi.scope == AGENT and aggregate != "last":
        note = f"KPI {kpi.name}: agents are judged by their last value, not by the {aggregate} over a window"
        aggregate = "last"
    severity = severities.get(kpi.metric, "medium")
    if severity in ("critical", "info"):
        # "critical" is the word for a KPI's critical condition; a missed target is one step below.
        severity = "high" if severity == "critical" else "low"
    return KpiRule(
        name=kpi.name,
        label=metric.label,
        metric=kpi.metric,
        unit=metric.unit,
        scope=kpi.scope,
        aggregate=aggregate,
        window_s=kpi.window_s,
        stale_after_s=kpi.stale_after_s,
        target=Condition(*parse_condition(kpi.target)),
        critical=Condition(*parse_condition(kpi.critical)) if kpi.critical else None,
        severity=severity,
    ), note
