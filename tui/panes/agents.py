"""The agents table: one row an agent, everything on it from the Snapshot."""

from core.snapshot import AgentView
from core.units import duration_text, number_text, percent_text
from tui.view.chart import bar
from tui.view.glyphs import status_mark
from tui.view.spans import Line
from tui.view.table import Column, Drawn, TableState

STATE_ROLES = {
    "working": "text",
    "idle": "dim",
    "review": "medium",
    "blocked": "high",
    "paused": "dim",
    "retired": "dim",
    "stale": "unknown",
    "unreadable": "high",
    "missing": "dim",
}
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


# Rank 0 is never dropped. At 80 columns all of rank 0 and 1 stand; 120 and 200 add the rest.
COLUMNS: tuple[Column, ...] = (
    Column("agent", "AGENT", 9, lambda v, d: [(v.queue.agent, "text")], lambda v: v.queue.agent.casefold(),
           shrink=6),
    Column("severity", "", 1, _mark, lambda v: (_RANK.get(v.severity, 4), v.queue.agent.casefold())),
    Column("state", "STATE", 10, lambda v, d: [(v.state, STATE_ROLES.get(v.state, "text"))], lambda v: v.state),
    Column("now", "NOW", 26, _now, lambda v: v.queue.current_id or None, grow=1, shrink=9),
    Column("since", "FOR", 7, lambda v, d: age(v.queue.current_since, d), lambda v: v.queue.current_since,
           ">", 1),
    Column("pending", "WAIT", 4, lambda v, d: _count(v, v.queue.pending,
           _role(v, v.queue.pending >= QUEUE_LIMIT, d)), lambda v: v.queue.pending, ">", best_last=True),
    Column("in_progress", "RUN", 3, lambda v, d: _count(v, v.queue.in_progress),
           lambda v: v.queue.in_progress, ">", 1, best_last=True),
    Column("review", "REVIEW", 6, lambda v, d: _count(v, v.queue.review, "medium"), lambda v: v.queue.review,
           ">", 6, best_last=True),
    Column("blocked", "BLOCKED", 7, lambda v, d: _count(v, v.queue.blocked, "high"),
           lambda v: v.queue.blocked, ">", 7, best_last=True),
    Column("completed", "DONE", 4, lambda v, d: _count(v, v.queue.completed), lambda v: v.queue.completed,
           ">", 1, best_last=True),
    Column("failed", "FAIL", 4, lambda v, d: _count(v, v.queue.failed, "high"), lambda v: v.queue.failed,
           ">", 1, best_last=True),
    Column("success", "SUCCESS", 7, lambda v, d: [(percent_text(v.success_percent),
           "dim" if v.success_percent is None else "text")], lambda v: v.success_percent, ">", 8),
    Column("oldest", "OLDEST", 7, lambda v, d: age(v.queue.oldest_waiting_at, d),
           lambda v: v.queue.oldest_waiting_at, ">", 1),
    Column("load", "LOAD", 12, _load, lambda v: v.workload_percent, best_last=True),
    Column("hours", "HOURS", 6, _hours, lambda v: v.queue.pending_hours, ">", 9, best_last=True),
    Column("handles", "FILES", 5, lambda v, d: [(number_text(v.handles), "text" if v.handles else "dim")],
           lambda v: v.handles, ">", 10, best_last=True),
    Column("cpu", "CPU", 5, lambda v, d: [(percent_text(v.cpu_percent), "text" if v.cpu_percent else "dim")],
           lambda v: v.cpu_percent, ">", 10, best_last=True),
    Column("changed", "CHANGED", 7, lambda v, d: age(v.changed_at, d), lambda v: v.changed_at, ">", 3,
           best_last=True),
)  # fmt: skip


def agents_table(sort: str = "", descending: bool = False) -> TableState:
    """A fresh table of agents."""
    return TableState(
        COLUMNS,
        identify=lambda v: v.queue.agent,
        search=lambda v: (
            f"{v.queue.agent} {v.state} {v.queue.current_id} {v.queue.current_title} {v.queue.role}"
        ),
        sort=sort,
        descending=descending,
    )
