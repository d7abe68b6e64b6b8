"""What a Snapshot says, as plain data for the command line and, later, for published reports.

Everything here was judged elsewhere; this only arranges it. The keys are the documented ones of
docs/json.md: times are UTC text, unknown is None, and units are in the names.
"""

from collections.abc import Sequence
from math import isfinite
from typing import TYPE_CHECKING

from core import __version__
from core.advice import Limits, advise
from core.fleet import first_error
from core.kpi import SEVERITY_RANK, KpiRule, worst_severity
from core.metrics import METRICS
from core.reports.bottlenecks import bottleneck_data, kept_data
from core.reports.measures import fleet_measured, measured, need_data, needs_with_strays, record_data
from core.reports.plain import Data, rounded, time_text
from core.snapshot import AgentView, KpiStatus, Snapshot, SourceState

if TYPE_CHECKING:
    from core.alerts.kept import Kept

BAD_SOURCE = {"hung": "high", "unreadable": "medium", "gone": "medium", "stale": "low"}


def analysis(
    snapshot: Snapshot, rules: Sequence[KpiRule], limits: Limits, kept: "Kept | None" = None
) -> Data:
    """Everything that `bluetop analyze` shows (schema bluetop.analyze/1); `kept` is what is kept of alerts."""
    by_name = {rule.name: rule for rule in rules}
    bottlenecks = bottleneck_data(snapshot, by_name, limits, kept)
    problems = _problems(snapshot)
    return {
        "schema": "bluetop.analyze/1",
        "version": __version__,
        "generated_at": time_text(snapshot.wall),
        "workspace": snapshot.workspace,
        "complete": complete(snapshot),
        "overall": snapshot.overall,
        "severity": severity_of(snapshot, by_name, [data["severity"] for data in bottlenecks]),
        "verdict": {
            "severity": snapshot.verdict.severity,
            "text": snapshot.verdict.text,
            "evidence": snapshot.verdict.evidence,
        },
        "host": host_data(snapshot),
        "fleet": whole_fleet_data(snapshot),
        "kpis": [_kpi(kpi, by_name.get(kpi.name)) for kpi in snapshot.kpis],
        "bottlenecks": bottlenecks,
        "needs": [need_data(need) for need in needs_with_strays(snapshot.agents, snapshot)],
        "needs_count": snapshot.needs_count,
        "agents": [agent_data(view, snapshot.wall) for view in snapshot.agents],
        "recommendations": [
            {"severity": a.severity, "kpi": a.kpi, "subject": a.subject, "text": a.text}
            for a in advise(snapshot, rules, limits)
        ],
        "problems": problems,
        "record": record_data(snapshot.record, snapshot.wall),
        "alerts": kept_data(kept),
    }


def complete(snapshot: Snapshot) -> bool:
    """Whether every source answered: the queues were read to the end, and nothing hangs."""
    if snapshot.workspace is not None and (snapshot.queues.value is None or snapshot.progress is not None):
        return False
    return not any(source.state == "hung" for source in snapshot.sources)


def unread_workspace(snapshot: Snapshot) -> SourceState | None:
    """The workspace's own row if it could not be read at all, else None."""
    for source in snapshot.sources:
        if source.kind == "workspace" and source.state in BAD_SOURCE:
            return source
    return None


def severity_of(snapshot: Snapshot, rules: dict[str, KpiRule], others: Sequence[str] = ()) -> str:
    """The worst of all KPIs, agents, sources and of `others`: ok, low, medium, high, critical.

    Unknown counts as ok. Who has no row, and needs a person all the same, counts like an agent.
    """
    found = [rules[kpi.name].severity_of(kpi.status) for kpi in snapshot.kpis if kpi.name in rules]
    found += [view.severity for view in snapshot.agents]
    found += [need.severity for need in needs_with_strays((), snapshot)]
    found += [BAD_SOURCE[source.state] for source in snapshot.sources if source.state in BAD_SOURCE]
    found += others
    known = [severity for severity in found if severity in SEVERITY_RANK and severity != "unknown"]
    return worst_severity(known)


def host_data(snapshot: Snapshot) -> Data:
    """Figures of the machine, None where unknown."""
    cpu, memory = snapshot.cpu.value, snapshot.memory.value
    handles, processes = snapshot.handles.value, snapshot.processes.value
    load = cpu.load if cpu is not None and cpu.load is not None else (None, None, None)
    mounts = snapshot.mounts.value.mounts if snapshot.mounts.value is not None else ()
    return {
        "name": snapshot.host,
        "cpu_percent": rounded(cpu.percent, 1) if cpu is not None else None,
        "cores": cpu.cores if cpu is not None else None,
        "load_1m": rounded(load[0], 2),
        "load_5m": rounded(load[1], 2),
        "load_15m": rounded(load[2], 2),
        "memory_percent": rounded(memory.percent, 1) if memory is not None else None,
        "memory_used_bytes": memory.used_bytes if memory is not None else None,
        "memory_total_bytes": memory.total_bytes if memory is not None else None,
        "swap_used_bytes": memory.swap_used_bytes if memory is not None else None,
        "disk_io_mb_per_s": value_of(snapshot, "disk_io_mb_per_s"),
        "disk_read_mb_per_s": value_of(snapshot, "disk_read_mb_per_s"),
        "disk_write_mb_per_s": value_of(snapshot, "disk_write_mb_per_s"),
        "open_files": value_of(snapshot, "open_files"),
        "watched_processes": len(processes.rows) if processes is not None else None,
        "system_open_files": handles.allocated if handles is not None else None,
        "system_open_files_limit": handles.maximum if handles is not None else None,
        "mounts": [
            {
                "path": mount.path,
                "kind": mount.kind,
                "total_bytes": mount.total_bytes,
                "free_bytes": mount.free_bytes,
                "used_percent": rounded(mount.used_percent, 1),
                "problem": mount.problem or "",
            }
            for mount in mounts
        ],
    }


def fleet_data(snapshot: Snapshot) -> Data | None:
    """Sums over all agents; None until the queues were read, or without a workspace."""
    fleet = snapshot.queues.value
    if fleet is None or snapshot.workspace is None:
        return None
    return {
        "agents": fleet.agents,
        "active": fleet.active,
        "pending": fleet.pending,
        "in_progress": fleet.in_progress,
        "review": fleet.review,
        "blocked": fleet.blocked,
        "failed": fleet.failed,
        "completed": fleet.completed,
        "other": fleet.other,
        "unreadable": fleet.unreadable,
    }


def whole_fleet_data(snapshot: Snapshot) -> Data | None:
    """Sums and measures of all agents; None until the queues were read, or without a workspace."""
    sums = fleet_data(snapshot)
    return None if sums is None else {**sums, **fleet_measured(snapshot)}


def agent_data(view: AgentView, wall: float) -> Data:
    """One agent: what its file says, what follows from it, and what is measured."""
    queue = view.queue
    known = view.state not in ("unreadable", "missing")
    return {
        "id": queue.agent,
        "state": view.state,
        "why": view.why,
        "severity": view.severity,
        "role": queue.role,
        "pending": queue.pending if known else None,
        "in_progress": queue.in_progress if known else None,
        "review": queue.review if known else None,
        "blocked": queue.blocked if known else None,
        "failed": queue.failed if known else None,
        "completed": queue.completed if known else None,
        "other": queue.other if known else None,
        "pending_hours": rounded(queue.pending_hours, 2) if known else None,
        "hours_unknown": queue.hours_unknown if known else None,
        "workload_percent": rounded(view.workload_percent, 1),
        "success_percent": rounded(view.success_percent, 1),
        "current_task": (
            {
                "id": queue.current_id,
                "title": queue.current_title,
                "since_at": time_text(queue.current_since),
            }
            if queue.current_id or queue.current_title
            else None
        ),
        "oldest_waiting_at": time_text(queue.oldest_waiting_at),
        "changed_at": time_text(view.changed_at),
        "processes": view.processes,
        "open_files": view.handles,
        "file": queue.path,
        "form": queue.form,
        "problems": len(queue.problems),
        **measured(view, wall),
    }


def _kpi(kpi: KpiStatus, rule: KpiRule | None) -> Data:
    return {
        "name": kpi.name,
        "label": kpi.label,
        "metric": kpi.metric,
        "unit": kpi.unit,
        "status": kpi.status,
        "severity": rule.severity_of(kpi.status) if rule is not None else kpi.status,
        "subject": kpi.subject or None,
        "value": rounded(kpi.value),
        "target": kpi.target,
        "critical": kpi.critical or None,
        "aggregate": kpi.aggregate,
        "window_s": kpi.window_s,
        "parts": [
            {"subject": part.subject, "status": part.status, "value": rounded(part.value)}
            for part in kpi.parts
        ],
    }


def _problems(snapshot: Snapshot) -> list[Data]:
    """What is wrong or odd with files, then sources that do not answer."""
    problems: list[Data] = []
    for view in snapshot.agents:
        queue = view.queue
        for problem in queue.problems:
            severity = "odd"
            if problem.severity == "error":
                severity = (
                    "high" if problem is first_error(queue) and view.state == "unreadable" else "medium"
                )
            problems.append(
                {
                    "severity": "low" if severity == "odd" else severity,
                    "agent": queue.agent,
                    "source": queue.path,
                    "line": problem.line or None,
                    "column": problem.column or None,
                    "key": problem.key or None,
                    "code": problem.code,
                    "text": problem.detail,
                }
            )
    for source in snapshot.sources:
        # What a file says when it cannot be read is already there, with its line.
        bad = source.state in BAD_SOURCE and source.kind != "file"
        if bad or source.state == "hung" or source.kind == "signals":
            problems.append(_source_problem(source))
    return sorted(problems, key=lambda problem: SEVERITY_RANK.get(problem["severity"], 9))


def _source_problem(source: SourceState) -> Data:
    return {
        "severity": BAD_SOURCE.get(source.state, "low"),
        "agent": None,
        "source": source.name,
        "line": None,
        "column": None,
        "key": None,
        "code": source.state,
        "text": source.detail or source.state,
    }


def value_of(snapshot: Snapshot, metric: str) -> float | None:
    """Newest value of a host metric, None if unknown."""
    row = METRICS[metric]
    reading = getattr(snapshot, row.source)
    return None if reading.value is None else rounded(row.value(reading.value))


def values_of(snapshot: Snapshot, metric: str) -> list[tuple[str, float]]:
    """Newest known values of a metric by subject: the host's one, or each agent's."""
    row = METRICS[metric]
    if row.scope == "host":
        value = value_of(snapshot, metric)
        return [] if value is None else [(snapshot.host, value)]
    values = [(view.queue.agent, row.value(view)) for view in snapshot.agents]
    return [(agent, value) for agent, value in values if value is not None and isfinite(value)]
