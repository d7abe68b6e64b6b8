"""Recommendations: one imperative sentence that names the subject and a measured cause.

Only for a missed KPI; at most one per KPI and subject; no number that was not measured. Plain
functions of a Snapshot; nothing is done here.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from core.kpi import CRITICAL, SEVERITY_RANK, WARNING, KpiRule
from core.samples import ProcessRow
from core.snapshot import AgentView, KpiPart, Snapshot
from core.units import bytes_text, duration_text, number_text

_READY = ("working", "idle", "review", "blocked")
# Metrics of an agent's queue that fall when tasks go to other agents: `r` on the dashboard plans that.
REBALANCED = ("queue_length", "workload_percent")
_PREVIEW = "preview it with `bluetop optimize`"
_MOST_NAMED = 20


class Limits(NamedTuple):
    """From where an agent counts as underused: the one to move tasks to."""

    underused_percent: float = 30.0


class Advice(NamedTuple):
    """One recommendation."""

    severity: str
    kpi: str
    subject: str
    text: str


class Missed(NamedTuple):
    """What is beyond a limit: a metric of a subject, its value, and the limit in words ("target < 80")."""

    metric: str
    label: str
    unit: str
    scope: str
    subject: str
    value: float
    limit: str


def advise(snapshot: Snapshot, rules: Sequence[KpiRule], limits: Limits) -> list[Advice]:
    """All recommendations, the most severe first."""
    found = [
        Advice(rule.severity_of(part.status), rule.name, part.subject, sentence)
        for rule, part in _missed(snapshot, rules)
        if part.value is not None
        and (sentence := sentence_of(snapshot, _of_kpi(rule, part.subject, part.value), limits))
    ]
    return sorted(found, key=lambda advice: SEVERITY_RANK.get(advice.severity, 9))


def _of_kpi(rule: KpiRule, subject: str, value: float) -> Missed:
    return Missed(rule.metric, rule.label, rule.unit, rule.scope, subject, value, f"target {rule.target}")


def _missed(snapshot: Snapshot, rules: Sequence[KpiRule]) -> Iterator[tuple[KpiRule, KpiPart]]:
    by_name = {rule.name: rule for rule in rules}
    queued: set[str] = set()
    for kpi in snapshot.kpis:
        rule = by_name.get(kpi.name)
        if rule is None:
            continue
        for part in kpi.parts[:_MOST_NAMED]:
            if part.status not in (CRITICAL, WARNING) or part.value is None:
                continue
            # A long queue and a high workload of one agent have one cause and one cure.
            if rule.metric in REBALANCED:
                if part.subject in queued:
                    continue
                queued.add(part.subject)
            yield rule, part


def sentence_of(snapshot: Snapshot, part: Missed, limits: Limits) -> str:
    """One imperative sentence about what is missed, with a measured cause where there is one."""
    target, rule = part.limit, part
    if rule.scope == "agent":
        view = next((view for view in snapshot.agents if view.queue.agent == part.subject), None)
        if view is not None and rule.metric in REBALANCED:
            return _move(snapshot, view, target, limits)
        if view is not None and rule.metric == "success_percent":
            queue = view.queue
            return (
                f"Look into the failed tasks of {queue.agent}: {queue.failed} failed and {queue.completed} "
                f"completed, {part.value:.0f} % ({target})"
            )
        return f"Look at {part.subject}: {rule.label} is {_value(part.value, rule.unit)} ({target})"
    host = snapshot.host
    if rule.metric == "cpu_percent":
        top = _top(snapshot, lambda row: row.cpu_percent, 20.0)
        cause = (
            f"; {_who(top)} alone uses {top.cpu_percent:.0f} % of a core"
            if top is not None
            else _load(snapshot)
        )
        what = (
            f"lower the priority of {_who(top)} or move its tasks"
            if top is not None
            else "run fewer tasks at once"
        )
        return f"Relieve the processor of {host}: it is {part.value:.0f} % busy ({target}){cause}; {what}"
    if rule.metric == "memory_percent":
        top = _top(snapshot, lambda row: row.rss_bytes, 0.0)
        cause = f"; {_who(top)} holds {bytes_text(top.rss_bytes)}" if top is not None else _swap(snapshot)
        return f"Free memory on {host}: {part.value:.0f} % is in use ({target}){cause}"
    if rule.metric == "disk_io_mb_per_s":
        return f"Spread the disk work of {host}: {part.value:.0f} MB/s ({target}){_device(snapshot)}"
    if rule.metric == "open_files":
        top = _top(snapshot, lambda row: row.handles, 0.0)
        cause = f"; {_who(top)} holds {top.handles}" if top is not None else ""
        limit = f" of {top.handle_limit}" if top is not None and top.handle_limit else ""
        return f"Close file handles on {host}: the watched processes hold {part.value:.0f} ({target}){cause}{limit}"
    return f"Look at {host}: {rule.label} is {_value(part.value, rule.unit)} ({target})"


def _move(snapshot: Snapshot, view: AgentView, target: str, limits: Limits) -> str:
    """Move tasks to the least loaded agent that is ready for them, if there is one."""
    queue = view.queue
    hours = f" ({queue.pending_hours:.1f} h estimated)" if queue.pending_hours else ""
    oldest = ""
    if queue.oldest_waiting_at is not None and queue.oldest_waiting_at <= snapshot.wall:
        oldest = f", the oldest for {duration_text(snapshot.wall - queue.oldest_waiting_at)}"
    cause = f"{number_text(queue.pending)} of its tasks wait{hours}{oldest} ({target})"
    free = [
        (other.workload_percent, other.queue.pending, other.queue.agent)
        for other in snapshot.agents
        if other.state in _READY
        and other.queue.agent != queue.agent
        and other.workload_percent is not None
        and other.workload_percent < limits.underused_percent
    ]
    if view.state in ("retired", "paused"):
        first = f"Move the tasks of {queue.agent}, which is {view.state}"
    elif free:
        first = f"Move tasks of {queue.agent}"
    else:
        return f"Give {queue.agent} fewer tasks or add an agent: {cause}, and no other agent is underused"
    if not free:
        return f"{first}: {cause}; {_PREVIEW}"
    load, pending, agent = min(free)
    waiting = "nothing waits" if pending == 0 else f"{number_text(pending)} wait"
    return f"{first} to {agent}, where {waiting} (workload {load:.0f} %): {cause}; {_PREVIEW}"


def _top(snapshot: Snapshot, figure: Callable[[ProcessRow], float | None], least: float) -> ProcessRow | None:
    """The watched process with the highest figure above `least`."""
    sample = snapshot.processes.value
    rows = [(figure(row) or 0.0, row) for row in (sample.rows if sample is not None else ())]
    best = max(rows, key=lambda entry: entry[0], default=None)
    return best[1] if best is not None and best[0] > least else None


def _who(row: ProcessRow | None) -> str:
    if row is None:
        return ""
    return f"{row.agent or row.name} (process {row.pid})"


def _load(snapshot: Snapshot) -> str:
    cpu = snapshot.cpu.value
    if cpu is None or cpu.load is None:
        return ""
    return f"; the load is {cpu.load[0]:.1f} on {cpu.cores} cores"


def _swap(snapshot: Snapshot) -> str:
    memory = snapshot.memory.value
    if memory is None or not memory.swap_used_bytes:
        return ""
    return f"; {bytes_text(memory.swap_used_bytes)} of swap are in use"


def _device(snapshot: Snapshot) -> str:
    disk = snapshot.disk.value
    if disk is None or not disk.devices:
        return ""
    top = max(disk.devices, key=lambda device: device.read_bytes_per_s + device.write_bytes_per_s)
    read, written = top.read_bytes_per_s / 1e6, top.write_bytes_per_s / 1e6
    return f"; most on {top.name}, reading {read:.0f} and writing {written:.0f} MB/s"


def _value(value: float, unit: str) -> str:
    return f"{value:.1f} {unit}".rstrip()
