"""A Snapshot with something on every pane, for tests of what is drawn."""

from typing import Any

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
            Event(3, WALL - 240, "low", "firing", "host", "watched files 104, target < 100"),
            Event(2, WALL - 720, "medium", "firing", "agent:CC", "CC queue 14, target < 10"),
            Event(1, WALL - 3600, "critical", "resolved", "host", "CPU 96 %, critical > 95, for 40 s"),
        ),
        "sources": (
            SourceState("postbox/CC/outbox.json", "file", "ok", "standard, 12 kB", AT - 0.5, 0.4, 0),
            SourceState("/mnt/nfs", "mount", "hung", "no answer for 14 s", AT - 14, None, 3),
        ),
    }  # fmt: skip
    return Snapshot(**{**made, **changes})
