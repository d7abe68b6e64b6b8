"""METRICS: one row per metric, the only place that says what a metric is and where it comes from.

A new metric is one row here and whatever its poller must measure for it. Not for judging
(`core.kpi`) and not for keeping (`core.history`).

`source` is the poller whose sample carries the metric; "agent" stands for an agent's view.
MB is 10^6 bytes. `None` means not known, and so does every value that is not a finite number.
"""

from collections.abc import Callable
from math import isfinite
from typing import Any, NamedTuple

from core.samples import CpuSample, DiskSample, HandlesSample, MemorySample, MountsSample, ProcessesSample
from core.snapshot import AgentView, Fleet

MB = 1e6
AGENT = "agent"


class Metric(NamedTuple):
    """One metric. `value` takes the sample of `source` (or the AgentView) and gives the number, None if
    unknown; `chart` says whether a history is kept to be drawn."""

    name: str
    kind: str
    unit: str
    label: str
    help: str
    scope: str
    source: str
    value: Callable[[Any], float | None]
    chart: bool = False


def finite(value: float | None) -> float | None:
    """`value` if it is a finite number; a boolean, NaN or infinity is a missing sample."""
    if value is None or isinstance(value, bool) or not isfinite(value):
        return None
    return value


def _stall(sample: CpuSample | MemorySample | DiskSample) -> float | None:
    return None if sample.pressure is None else sample.pressure.some_percent


def _disk_io(sample: DiskSample) -> float | None:
    if sample.read_bytes_per_s is None or sample.write_bytes_per_s is None:
        return None
    return (sample.read_bytes_per_s + sample.write_bytes_per_s) / MB


def _mb(value: float | None) -> float | None:
    return None if value is None else value / MB


def _load(sample: CpuSample) -> float | None:
    return None if sample.load is None else sample.load[0]


def _fullest(sample: MountsSample) -> float | None:
    return max((m.used_percent for m in sample.mounts if m.used_percent is not None), default=None)


def _open_files(sample: ProcessesSample) -> float | None:
    if sample.handles is None and not sample.rows and sample.complete:
        return 0.0  # nothing is watched, so nothing is open: that is known
    return sample.handles


def _system_files(sample: HandlesSample) -> float | None:
    return sample.allocated


def queue_length(view: AgentView) -> float | None:
    """Tasks that wait for this agent, None while its file cannot be read at all."""
    return view.queue.pending if view.state not in ("unreadable", "missing") else None


def _pending(fleet: Fleet) -> float | None:
    return fleet.pending


def _in_progress(fleet: Fleet) -> float | None:
    return fleet.in_progress


def _host(
    source: str,
    name: str,
    unit: str,
    label: str,
    help_: str,
    value: Callable[[Any], float | None],
    chart: bool = False,
) -> Metric:
    return Metric(name, "gauge", unit, label, help_, "host", source, value, chart)


def _agent(
    name: str, unit: str, label: str, help_: str, value: Callable[[AgentView], float | None]
) -> Metric:
    return Metric(name, "gauge", unit, label, help_, AGENT, AGENT, value)


_ROWS: tuple[Metric, ...] = (
    _host("cpu", "cpu_percent", "%", "CPU",
          "Processor time in use, all cores together", lambda s: s.percent, True),
    _host("cpu", "cpu_iowait_percent", "%", "CPU iowait",
          "Processor time idle while a disk was waited for", lambda s: s.iowait_percent),
    _host("cpu", "cpu_steal_percent", "%", "CPU steal",
          "Processor time that the hypervisor gave to others", lambda s: s.steal_percent),
    _host("cpu", "cpu_stall_percent", "%", "CPU stall",
          "Time in which some task waited for a processor (PSI)", _stall),
    _host("cpu", "load_1m", "", "load",
          "Load average of the last minute", _load),
    _host("cpu", "context_switches_per_s", "/s", "context switches",
          "Context switches a second", lambda s: s.context_switches_per_s),
    _host("memory", "memory_percent", "%", "memory",
          "Memory in use, of the cgroup's limit where that is lower", lambda s: s.percent, True),
    _host("memory", "swap_used_bytes", "B", "swap",
          "Swap in use", lambda s: s.swap_used_bytes),
    _host("memory", "memory_mb_per_min", "MB/min", "memory growth",
          "How much more memory is in use than a minute ago", lambda s: _mb(s.growth_bytes_per_min)),
    _host("memory", "memory_stall_percent", "%", "memory stall",
          "Time in which some task waited for memory (PSI)", _stall),
    _host("disk", "disk_io_mb_per_s", "MB/s", "disk I/O",
          "Bytes read and written on all disks", _disk_io, True),
    _host("disk", "disk_read_mb_per_s", "MB/s", "disk read",
          "Bytes read from all disks", lambda s: _mb(s.read_bytes_per_s), True),
    _host("disk", "disk_write_mb_per_s", "MB/s", "disk write",
          "Bytes written to all disks", lambda s: _mb(s.write_bytes_per_s), True),
    _host("disk", "disk_operations_per_s", "/s", "disk operations",
          "Reads and writes a second, all disks", lambda s: s.operations_per_s),
    _host("disk", "disk_stall_percent", "%", "disk stall",
          "Time in which some task waited for a disk (PSI)", _stall),
    _host("mounts", "mount_used_percent", "%", "fullest mount",
          "Space in use on the fullest mount", _fullest),
    _host("processes", "open_files", "handles", "open files",
          "File handles of the watched processes together", _open_files, True),
    _host("processes", "watched_processes", "processes", "watched processes",
          "Processes that work in the workspace", lambda s: len(s.rows)),
    _host("handles", "system_open_files", "handles", "system files",
          "File handles of the whole system", _system_files),
    _host("own", "own_cpu_percent", "%", "bluetop CPU",
          "Processor time that bluetop uses, of one core", lambda s: s.cpu_percent),
    _host("own", "own_rss_bytes", "B", "bluetop memory",
          "Resident memory of all processes of bluetop", lambda s: s.rss_bytes),
    _host("own", "own_tty_bytes_per_s", "B/s", "bluetop output",
          "Bytes a second that bluetop sends to the terminal", lambda s: s.tty_bytes_per_s),
    _host("queues", "pending_tasks", "tasks", "waiting",
          "Tasks that wait, all agents together", _pending, True),
    _host("queues", "in_progress_tasks", "tasks", "in progress",
          "Tasks in progress, all agents together", _in_progress),
    _agent("queue_length", "tasks", "queue",
           "Tasks that wait for one agent", queue_length),
    _agent("workload_percent", "%", "workload",
           "Estimated hours of waiting tasks / 8 h, at most 100 %", lambda v: v.workload_percent),
    _agent("success_percent", "%", "success rate",
           "Completed tasks / (completed + failed)", lambda v: v.success_percent),
    _agent("completion_hours", "h", "task time",
           "Mean hours from start to end of a task, as seen; as claimed where too few were seen",
           lambda v: v.measures.mean_hours),
    _agent("efficiency_percent", "%", "efficiency",
           "Earned hours / actual hours of finished tasks, where both are known",
           lambda v: v.measures.efficiency_percent),
    _agent("failed_tasks", "tasks", "failed",
           "Failed tasks in the file (files are rewritten: it may fall)", lambda v: v.queue.failed),
    _agent("agent_open_files", "handles", "agent's files",
           "File handles of one agent's processes", lambda v: v.handles),
    _agent("agent_cpu_percent", "%", "agent's CPU",
           "Processor time of one agent's processes, of one core", lambda v: v.cpu_percent),
    _agent("agent_rss_bytes", "B", "agent's memory",
           "Resident memory of one agent's processes", lambda v: v.rss_bytes),
)  # fmt: skip

METRICS: dict[str, Metric] = {row.name: row for row in _ROWS}


def without_rates(sample: Any) -> Any:
    """A sample without what was measured over too short a time to mean anything."""
    if isinstance(sample, CpuSample):
        return sample._replace(
            percent=None, per_core_percent=(), iowait_percent=None, steal_percent=None,
            context_switches_per_s=None,
        )  # fmt: skip
    if isinstance(sample, DiskSample):
        return sample._replace(
            read_bytes_per_s=None, write_bytes_per_s=None, operations_per_s=None, devices=()
        )
    return sample
