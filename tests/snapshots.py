"""A Snapshot with something on every pane, for tests of what is drawn."""

from collections.abc import Sequence
from typing import Any

from core.alerts.view import Alert, Alerts, SilenceView, urgency
from core.measures.agent import UNMEASURED, Measures, measure
from core.measures.liveness import Signs
from core.measures.needs import Need
from core.observed import Seen
from core.queues.model import EMPTY_QUEUE, NO_WORK, AgentQueue, RecordState, Work
from core.samples import (
    CpuSample,
    DeviceRate,
    DiskSample,
    HandlesSample,
    MemorySample,
    MountSpace,
    MountsSample,
    Pressure,
    ProcessesSample,
    ProcessRow,
    SelfSample,
)
from core.snapshot import AgentView, Chart, Event, Fleet, KpiStatus, Reading, Snapshot, SourceState, Verdict

AT = 1000.0
WALL = 1_780_000_000.0
GIB = 1 << 30


def queue(agent: str, **fields: Any) -> AgentQueue:
    """A standard queue of one agent."""
    base = {"agent": agent, "path": f"postbox/{agent}/outbox.json", "form": "standard", "mtime": WALL - 60}
    return EMPTY_QUEUE._replace(**{**base, **fields})


def view(
    agent: str,
    state: str = "idle",
    severity: str = "ok",
    load: float | None = 0.0,
    measures: Measures = UNMEASURED,
    needs: tuple[Need, ...] = (),
    **fields: Any,
) -> AgentView:
    """One row of the agents table."""
    said = queue(agent, **fields)
    return AgentView(
        queue=said, state=state, why="", workload_percent=load, success_percent=None,
        severity=severity, changed_at=WALL - 70, processes=1, handles=12, cpu_percent=1.0, rss_bytes=1 << 20,
        liveness={"review": "waiting", "blocked": "waiting"}.get(state, state),
        signs=Signs(WALL - 70, 1, 1.0, WALL - 1, 0), measures=measures, needs=needs,
        current_since=said.current_since,
    )  # fmt: skip


def measured(
    waiting: int, came: int, left: int, hours: tuple[float, ...] = (), work: Work = NO_WORK, load: float = 0.0
) -> Measures:
    """The measures of an agent of which so much was seen in the last two hours, spread evenly."""
    seen = Seen(came=_spread(came), left=_spread(left), ended=_spread(left), hours=hours)
    row = queue("X", pending=waiting, work=work, load_hours=load)
    return measure(row, seen, ((WALL - 7200, WALL),), WALL, 8.0)


def _spread(count: int) -> tuple[float, ...]:
    return tuple(WALL - 7200 + 7200 * (i + 0.5) / count for i in range(count))


NEEDS = (
    Need("signal", "high", "CB", "TASK-168A", 1, WALL - 720, "asks for help: which schema is right?"),
    Need("review", "low", "CA", "TASK-168C", 1, WALL - 13_260, "TASK-168C ready for review"),
)


def agents() -> tuple[AgentView, ...]:
    """Six agents in different situations."""
    return (
        view("CC", "working", "medium", 100.0, pending=14, in_progress=1, completed=31, failed=2,
             current_id="TASK-168B", current_title="Unified workflow engine", current_since=WALL - 1920,
             oldest_waiting_at=WALL - 187_200, pending_hours=44.0,
             measures=measured(14, 24, 12, (0.5, 0.7, 1.1, 2.0, 3.5), load=50.0)),
        view("CB", "working", "ok", 61.0, pending=3, in_progress=1, completed=44, current_id="TASK-168A",
             current_title="Database schema", current_since=WALL - 7800, oldest_waiting_at=WALL - 14_400,
             pending_hours=5.0, needs=NEEDS[:1],
             measures=measured(3, 14, 30, (), Work(4, 10.0, 10.0, 12.5, 0, 0, 0, 6, 9.0, 1.2, 3.0), load=6.0)),
        view("CA", "review", "low", 25.0, pending=1, review=1, completed=12, current_id="TASK-168C",
             current_since=WALL - 13_260, oldest_waiting_at=WALL - 13_260, pending_hours=2.0, needs=NEEDS[1:]),
        view("ARCH", completed=7),
        view("BLUE"),
        view("WA", "retired", load=None, completed=9),
    )  # fmt: skip


def kpi(name: str, status: str, value: float | None, target: str) -> KpiStatus:
    """One KPI of the host."""
    return KpiStatus(name, name, name, "", status, "host", value, target, "", "avg", 300.0)


def alert(
    rule: str = "task_queue_overflow", subject: str = "CC", severity: str = "low", state: str = "firing",
    since_s: float = 720.0, **fields: Any,
) -> Alert:  # fmt: skip
    """One alert of an agent: its queue is too long, for twelve minutes. `since_s` is how long ago it began."""
    made: dict[str, Any] = {
        "id": f"{rule}/{subject}", "rule": rule, "metric": "queue_length", "scope": "agent", "subject": subject,
        "severity": severity, "state": state, "text": f"queue of {subject} is 14 tasks (min over 60 s > 10)",
        "label": "queue", "unit": "tasks", "threshold": 10.0, "clear": 8.0, "aggregate": "min", "window_s": 60.0,
        "since": WALL - since_s, "fired_at": WALL - since_s if state == "firing" else None, "value": 14.0,
        "advice": f"Move tasks of {subject} to ARCH, where nothing waits", "action": "enter",
        "hint": f"show {subject}", "bottleneck": True, "excess": 0.4,
        "points": (*(None,) * 4, *(float(6 + n % 9) for n in range(46))),
    }  # fmt: skip
    return Alert(**{**made, **fields})


def host_alert(
    rule: str = "open_files", severity: str = "low", state: str = "firing", **fields: Any
) -> Alert:
    """One alert of the host: too many files are open, for four minutes."""
    made: dict[str, Any] = {
        "metric": "open_files", "scope": "host", "since_s": 240.0, "label": "open files", "unit": "handles",
        "text": "open files of prod-01 is 104 handles (> 100)", "threshold": 100.0, "clear": 90.0, "value": 104.0,
        "excess": 0.04, "aggregate": "last", "window_s": 0.0, "bottleneck": False, "action": "open_processes",
        "hint": "show handles", "points": tuple(60.0 + n for n in range(45)),
        "advice": "Close file handles on prod-01: the watched processes hold 104 (limit > 100); CB (process 4000) "
                  "holds 41 of 1024",
    }  # fmt: skip
    return alert(rule, "host", severity, state, **{**made, **fields})


def ended(rule: str = "cpu_critical", ago_s: float = 3600.0, lasted_s: float = 40.0, **fields: Any) -> Alert:
    """One alert of the host that has ended."""
    made: dict[str, Any] = {
        "id": f"{rule}/ended/{ago_s:g}", "metric": "cpu_percent", "scope": "host", "subject": "host", "label": "CPU",
        "text": "CPU of prod-01 is 96 % (> 90)", "unit": "%", "threshold": 90.0, "clear": 90.0, "value": 71.0,
        "excess": 0.0, "since_s": ago_s + lasted_s, "ended_at": WALL - ago_s, "reason": "cleared", "advice": "",
        "action": "", "hint": "", "points": (), "bottleneck": False, "severity": "critical", "aggregate": "last",
    }  # fmt: skip
    return alert(rule, state="resolved", **{**made, **fields})


def alerts(*active: Alert, history: Sequence[Alert] = (), **fields: Any) -> Alerts:
    """What `Snapshot.alerts` holds: these, in the order of urgency."""
    silences = tuple(
        SilenceView(a.silence, a.rule, a.subject, "", a.silenced_by, a.silence_comment, WALL - 600,
                    a.silenced_until or WALL)
        for a in active
        if a.silence
    )  # fmt: skip
    made: dict[str, Any] = {"silences": silences, "mode": "writing"}
    return Alerts(tuple(sorted(active, key=urgency)), tuple(history), **{**made, **fields})


_CPU: dict[str, Any] = {
    "metric": "cpu_percent", "label": "CPU", "unit": "%", "hint": "show processes", "value": 97.0, "threshold": 90.0,
    "clear": 85.0, "text": "CPU of prod-01 is 97 % (> 90)", "excess": 0.08,
    "points": tuple(float(min(97, 42 + 2 * n % 23 + (n > 40) * 60)) for n in range(60)),
    "advice": "Relieve the processor of prod-01: it is 97 % busy (limit > 90); CB (process 4000) alone uses 98 % of a "
              "core; lower the priority of CB (process 4000) or move its tasks",
}  # fmt: skip
_MEMORY: dict[str, Any] = {
    "metric": "memory_percent", "label": "memory", "unit": "%", "value": 88.0, "threshold": 85.0, "clear": 80.0,
    "text": "memory of prod-01 is 88 % (> 85)", "flapping": True, "excess": 0.03, "hint": "show processes",
    "points": tuple(80.0 + n % 11 for n in range(60)),
}  # fmt: skip
_DISK: dict[str, Any] = {
    "metric": "disk_io_mb_per_s", "label": "disk I/O", "unit": "MB/s", "value": 61.2, "threshold": 50.0, "clear": 40.0,
    "text": "disk I/O of prod-01 is 61.2 MB/s (avg over 60 s > 50)", "aggregate": "avg", "window_s": 60.0,
    "bottleneck": True, "excess": 0.22, "hint": "show processes", "acked_by": "ann", "acked_at": WALL - 1800,
    "points": (*(4.0,) * 10, *(55.0 + n % 9 for n in range(50))),
}  # fmt: skip
_SLOW: dict[str, Any] = {
    "metric": "efficiency_percent", "label": "efficiency", "unit": "%", "op": "<", "value": 44.0, "threshold": 60.0,
    "clear": 65.0, "text": "efficiency of CA is 44 % (< 60)", "aggregate": "last", "window_s": 0.0,
    "points": tuple(float(80 - n) for n in range(37)), "bottleneck": False, "excess": 0.27, "stale": True,
    "advice": "Look at CA: efficiency is 44.0 % (limit < 60)",
}  # fmt: skip
_SILENT: dict[str, Any] = {
    "silence": "s1", "silenced_by": "bob", "silenced_until": WALL + 40_000, "silence_comment": "backup is running",
}  # fmt: skip
_PLAIN: dict[str, Any] = {"aggregate": "last", "window_s": 0.0, "bottleneck": False}


def on_fire() -> Alerts:
    """One alert of every kind: open ones of all severities, seen to, hidden, pending, without data; and history."""
    long = "queue of CC is 14 tasks (> 12)"
    coming = {"text": "queue of CB is 16 tasks (> 15)", "value": 16.0, "threshold": 15.0, **_PLAIN}
    gone = {"scope": "agent", "subject": "WA", "metric": "queue_length", "label": "queue", "unit": "tasks",
            "text": "queue of WA is 19 tasks (> 15)", "reason": "gone", "severity": "medium",
            "threshold": 15.0}  # fmt: skip
    return alerts(
        host_alert("cpu_critical", "critical", since_s=95.0, **_CPU),
        host_alert("memory_high", "high", since_s=31.0, **_MEMORY),
        alert("queue_length", severity="medium", threshold=12.0, text=long, excess=0.17, **_PLAIN),
        alert(inhibited_by="queue_length"),
        host_alert("disk_io", "medium", since_s=2400.0, **_DISK),
        host_alert(**_SILENT),
        alert("efficiency_low", "CA", **_SLOW),
        alert("queue_length", "CB", "medium", "pending", since_s=20.0, **coming),
        history=(
            ended(),
            ended(ago_s=90_000.0, lasted_s=900.0),
            ended("queue_length", 180_000.0, 7300.0, **gone),
        ),
        away="while you were away: 3 fired, 1 still open",
    )


def reading(value: Any, at: float = AT - 0.3) -> Reading[Any]:
    """A reading that was taken just now."""
    return Reading(value, at, 2.0)


def snapshot(**changes: Any) -> Snapshot:
    """The snapshot, with `changes` to its fields."""
    host = "prod-01"
    cpu = CpuSample(
        AT, host, 43.0, (51.0, 35.0), 0.2, 0.0, (1.24, 1.1, 0.9), 1800.0, 2600.0, 2, Pressure(0.3, 0.0)
    )
    memory = MemorySample(AT, host, 62.0, 15 * GIB, 9 * GIB, 24 * GIB, 3 * GIB, None, 0, 0, 0.0, 0.0, None)
    disk = DiskSample(AT, host, 12.1e6, 2.9e6, 210.0, (DeviceRate("vda", 12.1e6, 2.9e6, 210.0, 31.0),), None)
    mount = MountSpace("/", "ext4", 100 * GIB, 29 * GIB, 71.0, False, 1.0, None)
    rows = tuple(
        ProcessRow(4000 + i, 1.0, name, f"sh -c work {name}", agent, f"cwd postbox/{agent}", "S", 1.5, 9 << 20,
                   handles, 1024)
        for i, (name, agent, handles) in enumerate((("python3", "CB", 41), ("node", "CC", 37), ("sh", "CA", 26)))
    )  # fmt: skip
    made: dict[str, Any] = {
        "at": AT, "wall": WALL, "host": host, "workspace": "/srv/autopilot", "interval_s": 1.0, "read_only": False,
        "cpu": reading(cpu), "memory": reading(memory), "disk": reading(disk),
        "mounts": reading(MountsSample(AT, host, (mount,))),
        "handles": reading(HandlesSample(AT, host, 3520, 1_000_000)),
        "processes": reading(ProcessesSample(AT, host, rows, 104, 80, 0, 1.0, True)),
        "own": reading(SelfSample(AT, host, 0.5, 40 << 20, 500.0)),
        "queues": reading(Fleet(6, 5, 18, 2, 1, 0, 2, 103, 0, 0)),
        "agents": agents(), "progress": None, "needs": NEEDS, "needs_count": 2, "fleet": measured(18, 44, 62),
        "record": RecordState("writing", "/srv/autopilot/.bluetop/transitions.jsonl", "", ((WALL - 7200, WALL),)),
        "charts": {
            name: Chart(5.0, tuple(float(top * (i % 40) / 40) for i in range(300)), float(top), 300)
            for name, top in (("cpu_percent", 81), ("memory_percent", 63), ("disk_io_mb_per_s", 55),
                              ("open_files", 104))
        },
        "kpis": (kpi("cpu", "ok", 43.0, "< 80"), kpi("memory", "ok", 62.0, "< 75"), kpi("disk_io", "ok", 15.0, "< 50"),
                 kpi("open_files", "warning", 104.0, "< 100")),
        "overall": "warning",
        "verdict": Verdict("medium", "CC queue is too long", "14 waiting, target < 10", "agent:CC", "open_agent",
                           "show CC"),
        "events": (
            Event(1, WALL - 7200, "medium", "note", "agent:CB", "TASK-165 of CB is in no file any more"),
            Event(2, WALL - 720, "medium", "note", "source:/mnt/nfs", "/mnt/nfs does not answer", 3),
        ),
        "alerts": alerts(alert(), host_alert(), history=(ended(),)),
        "sources": (
            SourceState("postbox/CC/outbox.json", "file", "ok", "standard, 12 kB", AT - 0.5, 0.4, 0),
            SourceState("/mnt/nfs", "mount", "hung", "no answer for 14 s", AT - 14, None, 3),
        ),
    }  # fmt: skip
    return Snapshot(**{**made, **changes})
