"""A bottleneck as the performance guide names them: its kind, evidence, impact and resolution, from what is measured.

Pure, from a Snapshot alone; nothing that was not measured is said, and what is unknown is left out. Not for
finding bottlenecks: rules and KPIs do that. Not for every step one could take: `core.alerts.runbook`.
"""

from collections.abc import Callable
from typing import NamedTuple

from core.advice import Limits, Missed, sentence_of
from core.alerts.view import Alert
from core.samples import Pressure, ProcessRow
from core.snapshot import AgentView, Snapshot
from core.text import clean_line
from core.units import bytes_text, duration_text, limit_text, measure_text, number_text

OVERFLOW, SLOW = "task queue overflow", "slow task completion"
EXHAUSTED, FILES, OTHER = "resource exhaustion", "file system bottleneck", "other"
_KINDS = {
    OVERFLOW: "queue_length workload_percent pending_tasks",
    SLOW: "completion_hours efficiency_percent success_percent failed_tasks in_progress_tasks",
    EXHAUSTED: "load_1m context_switches_per_s swap_used_bytes agent_cpu_percent agent_rss_bytes",
    FILES: "open_files system_open_files agent_open_files mount_used_percent",
}
_OF_METRIC = {metric: kind for kind, metrics in _KINDS.items() for metric in metrics.split()}
_OF_WORD = {"cpu": EXHAUSTED, "memory": EXHAUSTED, "disk": FILES}
_LONGEST = 400


class Beyond(NamedTuple):
    """What is beyond its limit: `limit` in words ("limit > 10"), and for how long it is known to be, None if not.

    `over` is what the value is of a window, such as "lowest in 1 m"; "" for the last value.
    """

    metric: str
    label: str
    unit: str
    scope: str
    subject: str
    value: float
    limit: str
    lasted_s: float | None = None
    over: str = ""


class Facts(NamedTuple):
    """What there is to say; "" is nothing that was measured."""

    kind: str
    evidence: str
    impact: str
    resolution: str


def kind_of(metric: str) -> str:
    """The guide's name for a bottleneck of this metric."""
    return _OF_METRIC.get(metric) or _OF_WORD.get(metric.partition("_")[0], OTHER)


def facts(beyond: Beyond, snapshot: Snapshot, limits: Limits) -> Facts:
    """Kind, evidence, impact and resolution."""
    kind = kind_of(beyond.metric)
    view = next((v for v in snapshot.agents if v.queue.agent == beyond.subject), None)
    if beyond.scope != "agent":
        view = None
    impact = _IMPACTS[kind](beyond, snapshot, view)
    said = (_evidence(beyond, snapshot), impact, _resolution(kind, beyond, snapshot, view, limits))
    return Facts(kind, *(clean_line(text, _LONGEST) for text in said))


def beyond_of(alert: Alert, value: float, wall: float) -> Beyond:
    """What an alert says is beyond its limit; `value` is the alert's, or a newer one."""
    return Beyond(
        alert.metric, alert.label, alert.unit, alert.scope, alert.subject, value,
        limit_words(alert.op, alert.threshold, alert.unit),
        None if alert.since is None else max(0.0, wall - alert.since),
        over_words(alert.aggregate, alert.window_s) if alert.value is not None else "",
    )  # fmt: skip


def limit_words(op: str, threshold: float, unit: str) -> str:
    """The limit of a rule, in words."""
    return f"limit {op} {limit_text(threshold, unit)}"


def over_words(aggregate: str, window_s: float) -> str:
    """What the value is of the window; "" for the last one."""
    word = {"avg": "average of", "max": "highest in", "min": "lowest in"}.get(aggregate)
    return f"{word} {duration_text(window_s)}" if word else ""


def _evidence(beyond: Beyond, snapshot: Snapshot) -> str:
    who = snapshot.host if beyond.scope == "host" and beyond.subject == "host" else beyond.subject
    limit = f"{beyond.over}; {beyond.limit}" if beyond.over else beyond.limit
    what, value = beyond.label or beyond.metric, measure_text(beyond.value, beyond.unit)
    said = f"{what} of {who} is {value} ({limit})"
    return said if beyond.lasted_s is None else f"{said}, for {duration_text(beyond.lasted_s)}"


def _resolution(kind: str, beyond: Beyond, snapshot: Snapshot, view: AgentView | None, limits: Limits) -> str:
    time = view.measures.task_time if view is not None else None
    if kind == SLOW and view is not None and time is not None:
        took = f"95 % of them take up to {duration_text(time.p95_h * 3600)}"
        of = f"({time.n} tasks, {view.measures.time_source})"
        return f"Review how complex the tasks of {beyond.subject} are: {took} {of}"
    missed = Missed(
        beyond.metric, beyond.label or beyond.metric, beyond.unit, beyond.scope, beyond.subject, beyond.value,
        beyond.limit,
    )  # fmt: skip
    if beyond.metric == "disk_io_mb_per_s":
        spread = sentence_of(snapshot, missed, limits).partition(": ")[2]
        return f"Cache what is read again and again on {snapshot.host}, and batch what is written: {spread}"
    said = sentence_of(snapshot, missed, limits)
    # How much waits is said as the impact already.
    return said.partition(": ")[0] if kind == OVERFLOW and view is not None else said


# -- what it means, by kind ----------------------------------------------------------------------------

Impact = Callable[[Beyond, Snapshot, AgentView | None], str]


def _joined(*said: str) -> str:
    return "; ".join(words for words in said if words)


def _overflow(beyond: Beyond, snapshot: Snapshot, view: AgentView | None) -> str:
    """How much waits, for how long already, and until when."""
    if view is None:
        drain = snapshot.fleet.drain if beyond.scope != "agent" else None
        return drain.text if drain is not None and drain.kind != "unknown" else ""
    queue, drain = view.queue, view.measures.drain
    hours = "" if queue.pending_hours is None else f" ({queue.pending_hours:.1f} h estimated)"
    oldest = ""
    if queue.oldest_waiting_at is not None and queue.oldest_waiting_at <= snapshot.wall:
        oldest = f", the oldest for {duration_text(snapshot.wall - queue.oldest_waiting_at)}"
    when = drain.text if drain is not None and drain.kind not in ("unknown", "empty") else ""
    return _joined(f"{number_text(queue.pending)} tasks wait{hours}{oldest}", when)


def _slow(beyond: Beyond, snapshot: Snapshot, view: AgentView | None) -> str:
    """How long tasks take, and who waits for that."""
    if view is None:
        return ""
    queue, time = view.queue, view.measures.task_time
    took = "" if time is None else f"half of its tasks take {duration_text(time.p50_h * 3600)} or more"
    waits = f"{number_text(queue.pending)} tasks wait behind them" if queue.pending else ""
    failed = beyond.metric in ("success_percent", "failed_tasks")
    return _joined(f"{queue.failed} failed, {queue.completed} completed" if failed else took, waits)


def _exhausted(beyond: Beyond, snapshot: Snapshot, view: AgentView | None) -> str:
    """What has to wait for the resource."""
    if beyond.metric.startswith(("memory", "swap", "agent_rss")):
        memory = snapshot.memory.value
        if memory is None:
            return ""
        left = "" if memory.available_bytes is None else f"{bytes_text(memory.available_bytes)} are available"
        swap = f"{bytes_text(memory.swap_used_bytes)} of swap in use" if memory.swap_used_bytes else ""
        return _joined(left, swap, _waited(memory.pressure, "memory"))
    cpu = snapshot.cpu.value
    if cpu is None:
        return ""
    load = "" if cpu.load is None else f"load {cpu.load[0]:.1f} on {cpu.cores} cores"
    return _joined(load, _waited(cpu.pressure, "a processor"), _at_work(snapshot))


def _files(beyond: Beyond, snapshot: Snapshot, view: AgentView | None) -> str:
    """What has to wait for the disks, or how near the limit of open files is."""
    if beyond.metric.endswith("open_files"):
        sample = snapshot.processes.value
        rows = [row for row in (sample.rows if sample is not None else ()) if _near(row) is not None]
        if beyond.scope == "agent":
            rows = [row for row in rows if row.agent == beyond.subject]
        top = max(rows, key=lambda row: _near(row) or 0.0, default=None)
        if top is None:
            return ""
        who = f"{top.agent or top.name} (process {top.pid})"
        return (
            f"{who} uses {100 * (_near(top) or 0.0):.0f} % of the {number_text(top.handle_limit)} it may have"
        )
    if beyond.metric == "mount_used_percent":
        mounts = snapshot.mounts.value.mounts if snapshot.mounts.value is not None else ()
        known = [mount for mount in mounts if mount.used_percent is not None]
        full = max(known, key=lambda mount: mount.used_percent or 0.0, default=None)
        return f"{bytes_text(full.free_bytes)} are free on {full.path}" if full is not None else ""
    disk = snapshot.disk.value
    if disk is None:
        return ""
    top_device = max(disk.devices, key=lambda device: device.busy_percent, default=None)
    busy = (
        f"{top_device.name} is busy {top_device.busy_percent:.0f} % of the time"
        if top_device is not None
        else ""
    )
    return _joined(busy, _waited(disk.pressure, "a disk"), _at_work(snapshot))


def _near(row: ProcessRow) -> float | None:
    """The share of its file handles that a process uses."""
    return row.handles / row.handle_limit if row.handles is not None and row.handle_limit else None


def _waited(pressure: Pressure | None, what: str) -> str:
    """How long something had to wait, as the kernel measured it (PSI)."""
    if pressure is None or pressure.some_percent < 0.5:
        return ""
    return f"some task waited for {what} {pressure.some_percent:.0f} % of the last 10 s"


def _at_work(snapshot: Snapshot) -> str:
    fleet = snapshot.queues.value
    return (
        f"{number_text(fleet.in_progress)} tasks are in progress"
        if fleet is not None and fleet.in_progress
        else ""
    )


_IMPACTS: dict[str, Impact] = {
    OVERFLOW: _overflow,
    SLOW: _slow,
    EXHAUSTED: _exhausted,
    FILES: _files,
    OTHER: lambda beyond, snapshot, view: "",
}
