"""An agent's tasks as a table: live ones first, then history."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from core.queues.model import Task
from core.units import duration_text
from tui.view.spans import Line
from tui.view.table import Column, Drawn, TableState, View

if TYPE_CHECKING:
    from core.filter import Field

STATUS_ROLES = {
    "pending": "text",
    "assigned": "text",
    "in_progress": "accent",
    "ready_for_review": "medium",
    "blocked": "high",
    "failed": "high",
    "completed": "dim",
}
_ORDER = {"in_progress": 0, "ready_for_review": 1, "blocked": 2, "pending": 3, "assigned": 3, "failed": 5,
          "completed": 6}  # fmt: skip
_PRIORITY = {"critical": 0, "high": 1, "medium": 2, "low": 3}


def _time(task: Task, name: str, drawn: Drawn) -> Line:
    at = getattr(task, name)
    if at is None:
        return [("-", "dim")]
    text = duration_text(max(0.0, drawn.wall - at))
    # A time that cannot be true is shown as doubtful, never as a plain fact.
    return [(text + "?", "unknown")] if name in task.doubtful else [(text, "text")]


def _status(task: Task, drawn: Drawn) -> Line:
    return [(task.status, STATUS_ROLES.get(task.status, "unknown"))]


def _hours(task: Task, drawn: Drawn) -> Line:
    return [("-", "dim")] if task.estimated_hours is None else [(f"{task.estimated_hours:g}h", "text")]


COLUMNS: tuple[Column, ...] = (
    Column("task", "TASK", 16, lambda t, d: [(t.task_id or "(no id)", "text")], lambda t: t.task_id, shrink=11,
           help="its id"),
    Column("status", "STATUS", 16, _status, lambda t: (_ORDER.get(t.status, 4), t.index), shrink=12,
           help="how it stands; a word that nobody knows is shown as it is"),
    Column("priority", "PRIORITY", 8, lambda t, d: [(t.priority or "-", "text" if t.priority else "dim")],
           lambda t: _PRIORITY.get(t.priority.casefold(), 9), rank=2,
           help="how much it matters"),
    Column("title", "TITLE", 34, lambda t, d: [(t.title, "text")], lambda t: t.title.casefold(), grow=1, shrink=24,
           help="what it is"),
    Column("hours", "EST", 6, _hours, lambda t: t.estimated_hours, ">", 1, best_last=True,
           help="estimated hours"),
    Column("created", "AGE", 8, lambda t, d: _time(t, "created_at", d), lambda t: t.created_at, ">", 1,
           help="since it was created, as the file claims; ? cannot be true"),
    Column("started", "STARTED", 8, lambda t, d: _time(t, "started_at", d), lambda t: t.started_at, ">", 3,
           help="since it was started, as the file claims"),
    Column("completed", "ENDED", 8, lambda t, d: _time(t, "completed_at", d), lambda t: t.completed_at, ">", 4,
           help="since it ended, as the file claims"),
    Column("place", "IN", 8, lambda t, d: [(t.place, "dim")], lambda t: (t.place, t.index), rank=5,
           help="where in the file it stands"),
)  # fmt: skip


VIEWS: tuple[View, ...] = (
    View("unfinished", "-state:completed,failed", "status", help="what is still to be done"),
    View("oldest first", "state:pending,assigned", "created", help="what has been waiting longest"),
    View("for a person", "state:ready_for_review,blocked", "status", help="what waits for somebody"),
    View("failed", "state:failed", "completed", True, help="what failed, the latest first"),
)


def task_fields() -> Mapping[str, "Field"]:
    """What a filter may ask of tasks; imported when somebody filters."""
    from core.fields import TASK_FIELDS

    return TASK_FIELDS


def tasks_table() -> TableState:
    """A fresh table of one agent's tasks, what is going on first."""
    return TableState(
        COLUMNS,
        identify=lambda t: t.task_id or f"{t.place}:{t.index}",
        search=lambda t: f"{t.task_id} {t.status} {t.raw_status} {t.priority} {t.title}",
        sort="status",
        name="tasks",
        fields=task_fields,
        views=VIEWS,
    )
