"""The agents table: one row an agent, everything on it from the Snapshot."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from core.measures.rates import Rate
from core.snapshot import AgentView, Snapshot
from core.units import bytes_text, duration_text, number_text, percent_text
from tui.view.chart import bar
from tui.view.glyphs import status_mark
from tui.view.spans import Line
from tui.view.table import Column, Drawn, TableState, View

if TYPE_CHECKING:
    from core.filter import Field

STATE_ROLES = {
    "working": "text",
    "idle": "dim",
    "waiting": "medium",
    "silent": "medium",
    "gone": "high",
    "paused": "dim",
    "retired": "dim",
    "stale": "unknown",
    "unreadable": "high",
    "missing": "dim",
}
_DRAIN_ROLES = {"growing": "high", "stalled": "medium", "empty": "dim", "unknown": "dim", "level": "text"}
_RANK = {"critical": 0, "high": 1, "medium": 2, "low": 3, "unknown": 4, "ok": 5}
_NO_COUNTS = ("unreadable", "missing")
QUEUE_LIMIT = 10
_BAR = 6  # cells of the load bar
OVERLOADED_PERCENT = 80


def age(at: float | None, drawn: Drawn) -> Line:
    """How long ago a wall time was; a time that is still to come counts as now."""
    return [("-", "dim")] if at is None else [(duration_text(max(0.0, drawn.wall - at)), "text")]


def _count(view: AgentView, value: int, role: str = "text") -> Line:
    if view.state in _NO_COUNTS:
        return [("-", "unknown")]
    return [(number_text(value), role if value else "dim")]


def _role(view: AgentView, beyond: bool, drawn: Drawn) -> str:
    return status_mark(view.severity, drawn.glyphs)[2] if beyond and view.severity != "ok" else "text"


def _mark(view: AgentView, drawn: Drawn) -> Line:
    if view.state == "stale":
        return [(drawn.glyphs.unknown, "unknown")]
    if view.severity in ("ok", "unknown"):
        return [(" ", "text")]
    glyph, _, role = status_mark(view.severity, drawn.glyphs)
    return [(glyph, role)]


def _now(view: AgentView, drawn: Drawn) -> Line:
    queue = view.queue
    if view.state == "unreadable":
        return [(view.why, "unknown")]
    if not queue.current_id or view.state == "retired":
        return [("-", "dim")]
    title: Line = [(" " + queue.current_title, "dim")] if queue.current_title else []
    return [(queue.current_id, "text"), *title]


def _load(view: AgentView, drawn: Drawn) -> Line:
    if view.state in ("retired", *_NO_COUNTS):
        return [("-", "dim")]
    percent = view.workload_percent
    if percent is None:
        return [(" " * _BAR, "text"), ("    -", "unknown")]
    line = bar(percent, _BAR, drawn.glyphs)
    over = percent > OVERLOADED_PERCENT
    if over:
        line = [(text, "high" if role == "bar" else role) for text, role in line]
    return [*line, (f"{percent:4.0f} %", "high" if over else "text")]


def _hours(view: AgentView, drawn: Drawn) -> Line:
    hours = view.queue.pending_hours
    if hours is None:
        return [("-", "unknown")]
    return [(f"{hours:.1f}h" if hours < 999.5 else f"{number_text(hours)}h", "text" if hours else "dim")]


def _word(view: AgentView) -> str:
    return view.liveness or view.state


def _run(view: AgentView, drawn: Drawn) -> Line:
    """Work in progress against its limit: `2/5`."""
    if view.state in _NO_COUNTS:
        return [("-", "unknown")]
    running, limit = view.queue.in_progress, view.wip_limit
    role = "high" if running > limit else "text" if running else "dim"
    return [(f"{number_text(running)}/{limit}", role)]


def _drains(view: AgentView, drawn: Drawn) -> Line:
    drain = view.measures.drain
    if drain is None or view.state in _NO_COUNTS:
        return [("-", "dim")]
    return [("-" if drain.kind == "empty" else drain.short, _DRAIN_ROLES.get(drain.kind, "text"))]


def _drain_key(view: AgentView) -> tuple[int, float] | None:
    """What will not drain first, then the longest to clear; unknown is neither."""
    drain = view.measures.drain
    if drain is None or drain.kind == "unknown":
        return None
    if drain.kind in ("growing", "stalled"):
        return (0 if drain.kind == "growing" else 1, -(drain.net_per_hour or 0.0))
    return (3 if drain.kind == "empty" else 2, -(drain.high_s or drain.low_s or 0.0))


def _rate(rate: Rate | None) -> Line:
    """Tasks per hour: `0.4`, `12`."""
    if rate is None:
        return [("-", "dim")]
    per_hour = rate.per_hour
    return [
        (f"{per_hour:.1f}" if 0 < per_hour < 9.95 else number_text(per_hour), "text" if per_hour else "dim")
    ]


def _rate_key(rate: Rate | None) -> float | None:
    return None if rate is None else rate.per_hour


def _hours_text(hours: float) -> str:
    return duration_text(hours * 3600.0)


def _task_time(view: AgentView, drawn: Drawn, name: str) -> Line:
    """A quantile; one that rests on what agents claim is dim."""
    time = view.measures.task_time
    if time is None:
        return [("-", "dim")]
    return [(_hours_text(getattr(time, name)), "text" if view.measures.time_source == "seen" else "dim")]


def _percent(value: float | None) -> Line:
    return [(percent_text(value), "dim" if value is None else "text")]


def _needs(view: AgentView, drawn: Drawn) -> Line:
    count = sum(need.count for need in view.needs)
    return [(number_text(count), view.needs[0].severity if count else "dim")]


# Rank 0 is never dropped. At 80 columns all of rank 0 and 1 stand; 120 and 200 add the rest.
COLUMNS: tuple[Column, ...] = (
    Column("agent", "AGENT", 9, lambda v, d: [(v.queue.agent, "text")], lambda v: v.queue.agent.casefold(),
           shrink=6, help="its name: that of its folder"),
    Column("severity", "", 1, _mark, lambda v: (_RANK.get(v.severity, 4), v.queue.agent.casefold()),
           help="the worst of its missed targets and problems"),
    Column("state", "STATE", 10, lambda v, d: [(_word(v), STATE_ROLES.get(_word(v), "text"))], _word,
           help="working, idle, waiting for a person, silent or gone: see the agent's page for the evidence"),
    Column("now", "NOW", 16, _now, lambda v: v.queue.current_id or None, grow=1, shrink=9,
           help="the task in progress that was started last"),
    Column("since", "FOR", 7, lambda v, d: age(v.current_since, d), lambda v: v.current_since,
           ">", 1, help="how long it has been in progress: as seen, else as the file claims"),
    Column("in_progress", "RUN", 4, _run, lambda v: v.queue.in_progress, ">", 1, best_last=True,
           help="tasks in progress / how many it may work on at once"),
    Column("pending", "WAIT", 4, lambda v, d: _count(v, v.queue.pending,
           _role(v, v.queue.pending >= QUEUE_LIMIT, d)), lambda v: v.queue.pending, ">", best_last=True,
           help="tasks that wait"),
    Column("oldest", "OLDEST", 7, lambda v, d: age(v.queue.oldest_waiting_at, d),
           lambda v: v.queue.oldest_waiting_at, ">", 1, help="how long the oldest of them has been waiting"),
    Column("drains", "DRAINS", 8, _drains, _drain_key, ">", 1, help="when its queue will be empty, from what was seen"),
    Column("rate_in", "IN/H", 4, lambda v, d: _rate(v.measures.came), lambda v: _rate_key(v.measures.came), ">", 4,
           best_last=True, help="tasks per hour that begin to wait"),
    Column("rate_out", "OUT/H", 5, lambda v, d: _rate(v.measures.left), lambda v: _rate_key(v.measures.left), ">", 4,
           best_last=True, help="tasks per hour that cease to wait"),
    Column("rate_ended", "END/H", 5, lambda v, d: _rate(v.measures.ended), lambda v: _rate_key(v.measures.ended),
           ">", 12, best_last=True, help="tasks per hour that become ready for review or completed"),
    Column("completed", "DONE", 4, lambda v, d: _count(v, v.queue.completed), lambda v: v.queue.completed,
           ">", 2, best_last=True, help="completed tasks in its file"),
    Column("failed", "FAIL", 4, lambda v, d: _count(v, v.queue.failed, "high"), lambda v: v.queue.failed,
           ">", 2, best_last=True, help="failed tasks in its file"),
    Column("review", "REVIEW", 6, lambda v, d: _count(v, v.queue.review, "medium"), lambda v: v.queue.review,
           ">", 7, best_last=True, help="tasks that are ready for review"),
    Column("blocked", "BLOCKED", 7, lambda v, d: _count(v, v.queue.blocked, "high"),
           lambda v: v.queue.blocked, ">", 8, best_last=True, help="blocked tasks"),
    Column("p50", "P50", 7, lambda v, d: _task_time(v, d, "p50_h"),
           lambda v: v.measures.task_time.p50_h if v.measures.task_time else None, ">", 6, best_last=True,
           help="half of its tasks take no longer; dim: as agents claim, not as seen"),
    Column("p95", "P95", 7, lambda v, d: _task_time(v, d, "p95_h"),
           lambda v: v.measures.task_time.p95_h if v.measures.task_time else None, ">", 7, best_last=True,
           help="95 of 100 of its tasks take no longer"),
    Column("success", "SUCCESS", 7, lambda v, d: _percent(v.success_percent), lambda v: v.success_percent, ">", 9,
           help="completed of those that ended"),
    Column("efficiency", "EFF", 5, lambda v, d: _percent(v.measures.efficiency_percent),
           lambda v: v.measures.efficiency_percent, ">", 10, best_last=True,
           help="earned / actual hours of finished tasks that have both"),
    Column("load", "LOAD", 12, _load, lambda v: v.workload_percent, best_last=True,
           help="workload score: estimated hours that wait, of a working day, at most 100 %"),
    Column("work", "WORK", 6, lambda v, d: _percent(v.measures.load_percent), lambda v: v.measures.load_percent,
           ">", 11, best_last=True, help="the same with blocked work and what is in progress, not capped"),
    Column("hours", "HOURS", 6, _hours, lambda v: v.queue.pending_hours, ">", 13, best_last=True,
           help="estimated hours that wait"),
    Column("needs", "NEEDS", 5, _needs, lambda v: sum(n.count for n in v.needs), ">", 14, best_last=True,
           help="tasks and signals of it that need a person"),
    Column("handles", "FILES", 5, lambda v, d: [(number_text(v.handles), "text" if v.handles else "dim")],
           lambda v: v.handles, ">", 15, best_last=True, help="open files of its processes"),
    Column("cpu", "CPU", 5, lambda v, d: [(percent_text(v.cpu_percent), "text" if v.cpu_percent else "dim")],
           lambda v: v.cpu_percent, ">", 15, best_last=True, help="processor time of its processes, of one core"),
    Column("memory", "MEM", 8, lambda v, d: [(bytes_text(v.rss_bytes), "text" if v.rss_bytes else "dim")],
           lambda v: v.rss_bytes, ">", 16, best_last=True, help="memory of its processes"),
    Column("changed", "CHANGED", 7, lambda v, d: age(v.changed_at, d), lambda v: v.changed_at, ">", 5,
           best_last=True, help="since its file changed"),
    Column("quiet", "QUIET", 7, lambda v, d: age(v.signs.progress_at, d), lambda v: v.signs.progress_at, ">",
           shown=False, help="since anything of it changed: its file, a task, a signal"),
    Column("delivery", "DELIVER", 7, lambda v, d: _percent(v.measures.delivery_percent),
           lambda v: v.measures.delivery_percent, ">", shown=False, best_last=True,
           help="delivered / promised deliverables of finished tasks that have both"),
    Column("skills", "SKILLS", 20, lambda v, d: [(" ".join(v.queue.expertise) or "-", "dim")],
           lambda v: v.queue.expertise or None, shown=False, help="what it says it can do"),
    Column("role", "ROLE", 16, lambda v, d: [(v.queue.role or "-", "dim")], lambda v: v.queue.role or None,
           shown=False, help="what it says it is"),
)  # fmt: skip

VIEWS: tuple[View, ...] = (
    View("needs you", "-no:needs", "needs", True, help="agents that wait for a person"),
    View("stuck", "state:silent,gone,waiting", "quiet", help="silent, gone, or waiting for a person"),
    View("not draining", "drains:growing,stalled", "drains", help="queues that grow or stand still"),
    View("overloaded", "load>80", "load", True, help="more waiting work than the target"),
    View("free", "state:idle wait:0", help="nothing to do"),
)


def agent_fields() -> Mapping[str, "Field"]:
    """What a filter may ask of agents; imported when somebody filters."""
    from core.fields import AGENT_FIELDS

    return AGENT_FIELDS


def agents_table(sort: str = "", descending: bool = False) -> TableState:
    """A fresh table of agents."""
    return TableState(
        COLUMNS,
        identify=lambda v: v.queue.agent,
        search=lambda v: (
            f"{v.queue.agent} {v.liveness} {v.queue.current_id} {v.queue.current_title} {v.queue.role}"
        ),
        sort=sort,
        descending=descending,
        fields=agent_fields,
        views=VIEWS,
        name="agents",
    )


def fleet_flow(snap: Snapshot) -> str:
    """All agents together, as the frame says it: `24 waiting, in 30/h, out 62/h, clears in 40-60 min`."""
    fleet, known = snap.queues.value, snap.fleet
    if fleet is None or known.drain is None or not snap.workspace:
        return ""
    said = [f"{number_text(fleet.pending)} waiting"]
    for word, rate in (("in", known.came), ("out", known.left)):
        if rate is not None:
            said.append(f"{word} {_rate(rate)[0][0]}/h")
    if known.drain.kind not in ("empty", "unknown"):
        said.append(known.drain.text)
    return ", ".join(said)
