"""What to do about an alert, step by step: the guide's troubleshooting for this subject, with what is measured of it.

Pure, from a Snapshot alone. A figure that is not known is said to be unknown, never made up. Not for the one
sentence of advice: `core.advice`; nor for the keys themselves: a step names an action of the key table.
"""

from collections.abc import Callable
from shlex import quote
from typing import Any, NamedTuple

from core.alerts.view import Alert, bottlenecks
from core.measures.liveness import evidence
from core.samples import ProcessRow
from core.snapshot import AgentView, Reading, Snapshot
from core.units import (
    age_text,
    bytes_text,
    duration_text,
    limit_text,
    measure_text,
    number_text,
    percent_text,
)

PROCESSES, SOURCES, ALERTS, NEEDS = "open_processes", "open_sources", "open_alerts", "open_needs"
ENTER, SLOWER, REBALANCE = "enter", "slower", "open_rebalance"
_READY = ("working", "idle", "review", "blocked")
_MOST_NAMED = 3
_BUSY_CORE = 85.0
_HALF_BUSY = 50.0
UNDERUSED_PERCENT = 30.0


class Step(NamedTuple):
    """One step: what to do, the action of the key table that shows it ("" for none), and what is known about it."""

    text: str
    action: str = ""
    evidence: str = ""


class _Case(NamedTuple):
    """What a book is written from. `view` is the agent's row; `rows` its processes, or all that are watched."""

    alert: Alert
    snap: Snapshot
    view: AgentView | None
    rows: tuple[ProcessRow, ...]

    @property
    def who(self) -> str:
        return self.alert.subject if self.view is not None else self.snap.host


def runbook(alert: Alert, snapshot: Snapshot) -> list[Step]:
    """The steps for this alert, the most likely to help first. Never empty, whatever the metric."""
    view = next((v for v in snapshot.agents if v.queue.agent == alert.subject), None)
    if alert.scope == "agent" and view is None:
        return _gone(alert, snapshot)
    sample = snapshot.processes.value
    rows = sample.rows if sample is not None else ()
    if alert.scope == "agent":
        rows = tuple(row for row in rows if row.agent == alert.subject)
    case = _Case(alert, snapshot, view if alert.scope == "agent" else None, rows)
    book = _BOOKS.get(alert.metric) or _by_name(alert.metric)
    return book(case)


def _by_name(metric: str) -> "Book":
    """The book for a metric that has none: by the word it begins with."""
    begun = (("cpu", _high_cpu), ("memory", _memory), ("swap", _memory), ("disk", _disk), ("own_", _own))
    return next((book for prefix, book in begun if metric.startswith(prefix)), _slow)


# -- what is known, in words -----------------------------------------------------------------------


def _old(reading: Reading[Any], snap: Snapshot) -> str:
    """What must be added to a figure that is not current."""
    return "" if reading.at is None or reading.fresh(snap.at) else f", {age_text(reading.age_s(snap.at))} ago"


def _process(row: ProcessRow) -> str:
    return f"{row.agent or row.name} (process {row.pid})"


def _ranked(case: _Case, figure: Callable[[ProcessRow], float | None]) -> list[ProcessRow]:
    """The processes of the case with a known figure above zero, the largest first."""
    known = [(value, row) for row in case.rows if (value := figure(row))]
    return [row for _, row in sorted(known, key=lambda pair: -pair[0])]


def _cpu(row: ProcessRow) -> float | None:
    return row.cpu_percent


def _holders(case: _Case, figure: Callable[[ProcessRow], float | None], said: Callable[[float], str]) -> str:
    """The processes with the most of something: `CB (process 4312) 98 %, CC (process 4313) 41 %`."""
    found = _ranked(case, figure)[:_MOST_NAMED]
    if found:
        named = ", ".join(f"{_process(row)} {said(figure(row) or 0.0)}" for row in found)
        return named + _old(case.snap.processes, case.snap)
    return _no_process(case)


def _no_process(case: _Case) -> str:
    if case.snap.processes.value is None:
        return "unknown: the processes have not been looked at yet"
    if case.view is not None:
        return f"unknown: no process is known to work for {case.who}"
    return "no watched process has any: it is another program of this host, or one that cannot be seen"


def _unchanged(case: _Case, agent: str) -> str:
    """How long nothing of an agent has changed, where it has something to do."""
    view = next((v for v in case.snap.agents if v.queue.agent == agent), None)
    if view is None or not view.queue.in_progress or view.signs.progress_at is None:
        return ""
    quiet = max(0.0, case.snap.wall - view.signs.progress_at)
    tasks = "its task" if view.queue.in_progress == 1 else f"its {view.queue.in_progress} tasks"
    return f"{tasks} in progress unchanged for {duration_text(quiet)}"


def _at_once(case: _Case) -> str:
    """How many tasks run at once, of how many."""
    if case.view is not None:
        return f"{case.view.queue.in_progress} in progress, of {case.view.wip_limit} at once"
    working = [v for v in case.snap.agents if v.queue.in_progress]
    if not case.snap.agents:
        return "unknown: there are no queues to look at"
    total = sum(v.queue.in_progress for v in working)
    over = [v for v in working if v.queue.in_progress > v.wip_limit]
    said = f"{total} in progress with {len(working)} agents"
    if over:
        counts = [f"{v.queue.agent} {v.queue.in_progress} of {v.wip_limit}" for v in over[:_MOST_NAMED]]
        return f"{said}; more than allowed: {', '.join(counts)}"
    return f"{said}, none more than it may" if working else said


# -- High CPU usage --------------------------------------------------------------------------------


def _high_cpu(case: _Case) -> list[Step]:
    top = next(iter(_ranked(case, _cpu)), None)
    loop = _no_process(case)
    if top is not None:
        loop = ", ".join(part for part in (_uses(top, case), _unchanged(case, top.agent)) if part)
    profile = "unknown: no process to profile is known"
    if top is not None:
        python = f", or py-spy top --pid {top.pid}" if top.name.startswith("python") else ""
        profile = f"perf top -p {top.pid}{python}; it runs {top.command or top.name}"
    return [
        Step("Check for a loop", PROCESSES, loop),
        Step("Review how many tasks run at once", ENTER if case.view else "", _at_once(case)),
        Step("Profile what uses the processor", "", profile),
        Step("Consider a pool of processes", "", _cores(case)),
        *_waits(case),
    ]


def _uses(row: ProcessRow, case: _Case) -> str:
    return f"{_process(row)} uses {row.cpu_percent:.0f} % of a core{_old(case.snap.processes, case.snap)}"


def _cores(case: _Case) -> str:
    cpu = case.snap.cpu.value
    if cpu is None or not cpu.per_core_percent:
        return "unknown: the use of each core is not known"
    busiest, *rest = sorted(cpu.per_core_percent, reverse=True)
    said = f"there is one core, at {busiest:.0f} %"
    if rest:
        mean = sum(rest) / len(rest)
        said = f"the busiest of {len(rest) + 1} cores is at {busiest:.0f} %, the others at {mean:.0f} % on average"
        if busiest >= _BUSY_CORE and mean < _HALF_BUSY:
            said += ": the work is on one of them, a pool would spread it"
        elif mean >= _BUSY_CORE:
            said += ": all are busy, fewer tasks at once would help more"
    load = "" if cpu.load is None else f"; load {cpu.load[0]:.2f}"
    return said + load + _old(case.snap.cpu, case.snap)


def _waits(case: _Case) -> list[Step]:
    """What of the processor's time was no work, where that is what the alert is about."""
    cpu = case.snap.cpu.value
    if case.alert.metric == "cpu_iowait_percent":
        return [Step("Check the disks", SOURCES, _disk_figures(case))]
    if case.alert.metric == "cpu_steal_percent":
        steal = None if cpu is None else cpu.steal_percent
        return [Step("Ask who shares this machine", "", f"{percent_text(steal)} of the time went to others")]
    return []


# -- Memory issues ---------------------------------------------------------------------------------


def _memory(case: _Case) -> list[Step]:
    held = _holders(case, lambda row: row.rss_bytes, bytes_text)
    return [
        Step("Check for a leak", PROCESSES, held if case.view else f"{_growth(case)}; most of it: {held}"),
        Step("Review the sizes of caches", "", _cached(case)),
        Step("Watch what is created", PROCESSES, _resident(case)),
        Step("Set a limit for memory", "", _limit(case)),
    ]


def _growth(case: _Case) -> str:
    memory = case.snap.memory.value
    grown = getattr(memory, "growth_bytes_per_min", None)
    if grown is None:
        return "how quickly memory grows is unknown yet"
    if grown <= 0:
        return "memory in use has not grown in the last minute"
    return f"memory in use grew by {bytes_text(grown)} in the last minute"


def _cached(case: _Case) -> str:
    memory = case.snap.memory.value
    if memory is None or memory.cached_bytes is None:
        return "unknown: how much is cached is not known"
    cached = bytes_text(memory.cached_bytes)
    return f"the kernel caches {cached}, which it gives back by itself; what programs cache is theirs to tell"


def _resident(case: _Case) -> str:
    known = [row.rss_bytes for row in case.rows if row.rss_bytes is not None]
    if not known:
        return _no_process(case)
    held = f"{len(known)} watched processes hold {bytes_text(sum(known))} together"
    return held + _old(case.snap.processes, case.snap)


def _limit(case: _Case) -> str:
    memory = case.snap.memory.value
    if memory is None:
        return "unknown: memory has not been measured yet"
    if memory.limit_bytes is not None:
        said = f"the cgroup allows {bytes_text(memory.limit_bytes)}"
    else:
        said = f"no cgroup limits it; there are {bytes_text(memory.total_bytes)}"
    if memory.available_bytes is not None:
        said += f", {bytes_text(memory.available_bytes)} available"
    if memory.swap_used_bytes:
        said += f"; {bytes_text(memory.swap_used_bytes)} of swap in use"
    return said + _old(case.snap.memory, case.snap)


# -- file system bottlenecks -----------------------------------------------------------------------


def _disk(case: _Case) -> list[Step]:
    disk = case.snap.disk.value
    read = disk.read_bytes_per_s if disk is not None else None
    written = disk.write_bytes_per_s if disk is not None else None
    cached = batched = "unknown: the traffic is not known yet"
    if disk is not None and read is not None and written is not None and read + written > 0:
        cached = f"{100 * read / (read + written):.0f} % of the traffic is reading"
        if disk.operations_per_s:
            each = (read + written) / disk.operations_per_s
            batched = f"{number_text(disk.operations_per_s)} operations a second, {bytes_text(each)} each"
    elif read is not None and written is not None:
        cached = batched = "nothing is read or written now"
    return [
        Step("Find what reads and writes", SOURCES, _disk_figures(case)),
        Step("Cache what is read again and again", "", cached),
        Step("Batch small operations", "", batched),
        Step("See who works now", PROCESSES, _at_once(case)),
    ]


def _disk_figures(case: _Case) -> str:
    disk = case.snap.disk.value
    if disk is None or disk.read_bytes_per_s is None or disk.write_bytes_per_s is None:
        return "unknown: the disks have not been measured yet"
    top = max(disk.devices, key=lambda d: d.read_bytes_per_s + d.write_bytes_per_s, default=None)
    who, rates, busy = "all disks together", (disk.read_bytes_per_s, disk.write_bytes_per_s), ""
    if top is not None:
        who, rates = top.name, (top.read_bytes_per_s, top.write_bytes_per_s)
        busy = f", busy {top.busy_percent:.0f} %"
    if disk.pressure is not None:
        busy += f"; some task waited for a disk {disk.pressure.some_percent:.1f} % of 10 s"
    said = f"{who}: {rates[0] / 1e6:.1f} MB/s read, {rates[1] / 1e6:.1f} MB/s written{busy}"
    return said + _old(case.snap.disk, case.snap)


def _files(case: _Case) -> list[Step]:
    top = next(iter(_ranked(case, lambda row: row.handles)), None)
    limit = "unknown: no process that holds any is known"
    if top is not None and top.handle_limit:
        share = 100 * (top.handles or 0) / top.handle_limit
        limit = f"{_process(top)} may have {number_text(top.handle_limit)}, {share:.0f} % are in use"
    elif top is not None:
        limit = f"the limit of {_process(top)} is unknown"
    leak = limit if top is None else f"ls -l /proc/{top.pid}/fd shows each of them"
    return [
        Step("Find who holds the files", PROCESSES, _holders(case, lambda row: row.handles, number_text)),
        Step("Close what is no longer used", "", leak),
        Step("Open files for several operations at once", "", _at_once(case)),
        Step("See how far the limits are", "", f"{limit}; {_system_files(case)}"),
    ]


def _system_files(case: _Case) -> str:
    system = case.snap.handles.value
    if system is None or system.allocated is None:
        return "those of the whole system are unknown"
    return f"the whole system has {number_text(system.allocated)} of {number_text(system.maximum)}"


def _mounts(case: _Case) -> list[Step]:
    sample = case.snap.mounts.value
    mounts = sample.mounts if sample is not None else ()
    known = [mount for mount in mounts if mount.used_percent is not None]
    if not known:
        return [Step("See how the mounts answer", SOURCES, "unknown: no mount has told its space yet")]
    top = max(known, key=lambda mount: mount.used_percent or 0.0)
    full = f"{top.path} is {top.used_percent:.0f} % full, {bytes_text(top.free_bytes)} free"
    told = (
        "; ".join(f"{m.path}: {m.problem}" for m in mounts if m.problem) or f"{len(known)} tell their space"
    )
    return [
        Step("Find what fills it", "", f"{full}; du -xh --max-depth=2 {quote(top.path)}"),
        Step("Remove or move what is old", "", "as far as its owners allow"),
        Step("See how the mounts answer", SOURCES, told),
    ]


# -- task queue overflow ---------------------------------------------------------------------------


def _queue(case: _Case) -> list[Step]:
    view = case.view
    if view is None:
        return _queues_of_all(case)
    queue = view.queue
    drain = view.measures.drain
    capacity = "unknown: not watched for long enough"
    if drain is not None:
        capacity = drain.text if drain.why == drain.text else f"{drain.text} ({drain.why})"
    oldest = f"{number_text(queue.pending)} wait"
    if queue.oldest_waiting_at is not None:
        oldest += f", the oldest for {duration_text(max(0.0, case.snap.wall - queue.oldest_waiting_at))}"
    if queue.pending_hours is not None:
        oldest += f", {queue.pending_hours:.1f} h estimated"
    return [
        Step("Move tasks to an agent that has time", REBALANCE, _free(case, view)),
        Step("See what holds it up", ENTER, _held_up(case, view)),
        Step("Look at what waits", ENTER, oldest),
        Step("Add an agent, or give it fewer tasks", "", capacity),
        Step("Review how many tasks run at once", "", _at_once(case)),
    ]


def _free(case: _Case, view: AgentView) -> str:
    free = sorted(
        (other.workload_percent, other.queue.pending, other.queue.agent)
        for other in case.snap.agents
        if other.state in _READY
        and other.queue.agent != view.queue.agent
        and other.workload_percent is not None
        and other.workload_percent < UNDERUSED_PERCENT
    )
    if not free:
        return f"no other agent has a workload below {UNDERUSED_PERCENT:.0f} %"
    named = ", ".join(
        f"{agent} ({pending} wait, workload {load:.0f} %)" for load, pending, agent in free[:_MOST_NAMED]
    )
    return named + (f" and {len(free) - _MOST_NAMED} more" if len(free) > _MOST_NAMED else "")


def _held_up(case: _Case, view: AgentView) -> str:
    if view.needs:
        return f"{view.queue.agent} needs you: {view.needs[0].text}"
    word = view.liveness or view.state
    said = ", ".join(evidence(view.queue, word, view.why, view.signs, case.snap.wall))
    blocked = f", {view.queue.blocked} blocked" if view.queue.blocked else ""
    return (f"{word}: {said}" if said else word) + blocked


def _queues_of_all(case: _Case) -> list[Step]:
    views = sorted(case.snap.agents, key=lambda v: -v.queue.pending)
    longest = ", ".join(f"{v.queue.agent} {v.queue.pending}" for v in views[:_MOST_NAMED] if v.queue.pending)
    drain = case.snap.fleet.drain
    idle = sum(v.state in _READY and not v.queue.pending and not v.queue.in_progress for v in views)
    return [
        Step("See where tasks wait", "", longest or "unknown: no agent has tasks that wait"),
        Step(
            "Move tasks to agents that have time",
            REBALANCE,
            f"{idle} of {len(views)} agents have nothing to do",
        ),
        Step("Add an agent", "", "unknown: not watched for long enough" if drain is None else drain.text),
        Step("Review how many tasks run at once", "", _at_once(case)),
    ]


# -- slow task completion --------------------------------------------------------------------------


def _tasks(case: _Case) -> list[Step]:
    view = case.view
    if view is None:
        return [Step("Review how many tasks run at once", "", _at_once(case)), *_slow(case)]
    queue, work = view.queue, view.measures.work
    steps = [Step("Review how complex its tasks are", ENTER, _task_time(view))]
    if case.alert.metric in ("success_percent", "failed_tasks"):
        ended = f"{queue.failed} failed and {queue.completed} completed"
        rate = "" if view.success_percent is None else f", {percent_text(view.success_percent)} succeed"
        steps.insert(0, Step("Read the tasks that failed", ENTER, ended + rate))
    hours = "unknown: no finished task has both an estimate and actual hours"
    if work.hours_n:
        hours = f"{work.actual_hours:.1f} h of work for {work.earned_hours:.1f} h estimated, over {work.hours_n} tasks"
    return [
        *steps,
        Step("Compare estimates with what tasks took", ENTER, hours),
        Step("See whether it works at all", ENTER, _held_up(case, view)),
        Step("Review how many tasks run at once", "", _at_once(case)),
        Step("Optimize what takes longest", PROCESSES, _holders(case, _cpu, percent_text)),
    ]


def _task_time(view: AgentView) -> str:
    time = view.measures.task_time
    if time is None:
        return "unknown: no task was seen from start to end"
    p50, p95 = duration_text(time.p50_h * 3600), duration_text(time.p95_h * 3600)
    return f"half of its tasks take {p50}, 95 % within {p95} ({time.n} tasks, {view.measures.time_source})"


# -- Slow performance, and what nobody wrote a book for --------------------------------------------


def _slow(case: _Case) -> list[Step]:
    firing = [alert for alert in bottlenecks(case.snap.alerts) if alert.id != case.alert.id]
    named = "; ".join(
        f"{alert.subject} {alert.label or alert.metric} {measure_text(alert.value, alert.unit)} {alert.op} "
        f"{limit_text(alert.threshold, alert.unit)}"
        for alert in firing[:_MOST_NAMED]
    )
    return [
        Step("Run the bottleneck analysis", ALERTS, named or "no other bottleneck is known now"),
        Step("Check the disks", SOURCES, _disk_figures(case)),
        Step("Review the network", SOURCES, _network(case)),
        Step("Optimize what uses most", PROCESSES, _holders(case, _cpu, percent_text)),
    ]


def _network(case: _Case) -> str:
    """Latency is not measured, but for what network mounts tell."""
    sample = case.snap.mounts.value
    mounts = [m for m in sample.mounts if m.network] if sample is not None else []
    said = [
        f"{m.path} {m.problem}" if m.problem else f"{m.path} answered in {m.asked_ms:.0f} ms"
        for m in mounts[:_MOST_NAMED]
        if m.problem or m.asked_ms is not None
    ]
    return "; ".join(said) or "unknown: latency is not measured, and no network mount tells of it"


def _watched(case: _Case) -> list[Step]:
    sample = case.snap.processes.value
    total = _no_process(case) if sample is None else f"{len(sample.rows)} watched of {sample.total}"
    return [
        Step("See which processes there are", PROCESSES, total + _old(case.snap.processes, case.snap)),
        Step("Compare with what should run", "", _at_once(case)),
    ]


def _own(case: _Case) -> list[Step]:
    own = case.snap.own.value
    said = "unknown: bluetop has not measured itself yet"
    if own is not None:
        sent = "-" if own.tty_bytes_per_s is None else f"{bytes_text(own.tty_bytes_per_s)}/s"
        used = f"{percent_text(own.cpu_percent)} of a core, {bytes_text(own.rss_bytes)}"
        said = f"{used}, {sent} to the terminal"
    return [
        Step("See which source is slow", SOURCES, said),
        Step("Sample less often", SLOWER, f"a sample each {case.snap.interval_s:g} s now"),
        Step("Watch fewer processes", PROCESSES, f"{len(case.rows)} are watched"),
    ]


def _gone(alert: Alert, snapshot: Snapshot) -> list[Step]:
    lost = [need.text for need in snapshot.needs if need.agent == alert.subject][:_MOST_NAMED]
    there = f"{alert.subject} has no queue any more; agents that have one: {len(snapshot.agents)}"
    return [
        Step("Find out where the agent went", SOURCES, there),
        Step("See whether tasks of it were lost", NEEDS, "; ".join(lost) or "none that is known"),
    ]


Book = Callable[[_Case], list[Step]]
_BOOKS: dict[str, Book] = {
    metric: book
    for book, metrics in (
        (_high_cpu, "load_1m context_switches_per_s agent_cpu_percent"),
        (_memory, "agent_rss_bytes"),
        (_files, "open_files system_open_files agent_open_files"),
        (_mounts, "mount_used_percent"),
        (_queue, "queue_length workload_percent pending_tasks"),
        (_tasks, "completion_hours efficiency_percent success_percent failed_tasks in_progress_tasks"),
        (_watched, "watched_processes"),
    )
    for metric in metrics.split()
}
