"""What a filter may ask of agents and of tasks: one row a key, for tables and commands alike.

Not the language itself: that is `core.filter`.
"""

from collections.abc import Callable, Mapping
from typing import Any

from core.filter import Field
from core.measures.needs import KINDS
from core.queues.model import STATUSES, Task
from core.snapshot import AgentView

LIVENESS = (
    "working", "idle", "waiting", "silent", "gone", "paused", "retired", "stale", "unreadable", "missing",
)  # fmt: skip
DRAINS = ("empty", "clears", "stalled", "growing", "level", "unknown")
SEVERITIES = ("critical", "high", "medium", "low", "ok", "unknown")
PRIORITIES = ("critical", "high", "medium", "low")


def _count(name: str) -> Callable[[AgentView, float], Any]:
    def value(view: AgentView, wall: float) -> Any:
        return None if view.state in ("unreadable", "missing") else getattr(view.queue, name)

    return value


def _age(at: float | None, wall: float) -> float | None:
    return None if at is None else max(0.0, wall - at)


def _rate(name: str) -> Callable[[AgentView, float], Any]:
    def value(view: AgentView, wall: float) -> Any:
        rate = getattr(view.measures, name)
        return None if rate is None else rate.per_hour

    return value


def _time(name: str) -> Callable[[AgentView, float], Any]:
    def value(view: AgentView, wall: float) -> Any:
        time = view.measures.task_time
        return None if time is None else getattr(time, name) * 3600.0

    return value


def _table(*fields: Field) -> Mapping[str, Field]:
    return {field.name: field for field in fields}


AGENT_FIELDS: Mapping[str, Field] = _table(
    Field("agent", "id", lambda v, w: v.queue.agent, "its name", aliases=("name",)),
    Field("state", "choice", lambda v, w: v.liveness, "how alive it is", LIVENESS),
    Field("severity", "choice", lambda v, w: v.severity, "the worst of its targets and problems", SEVERITIES),
    Field("needs", "choice", lambda v, w: tuple(n.kind for n in v.needs) or None, "what of it needs a person",
          KINDS),
    Field("wait", "number", _count("pending"), "tasks that wait", aliases=("pending", "queue")),
    Field("run", "number", _count("in_progress"), "tasks in progress", aliases=("in_progress", "wip")),
    Field("review", "number", _count("review"), "tasks ready for review"),
    Field("blocked", "number", _count("blocked"), "blocked tasks"),
    Field("failed", "number", _count("failed"), "failed tasks"),
    Field("done", "number", _count("completed"), "completed tasks", aliases=("completed",)),
    Field("task", "id", lambda v, w: v.queue.current_id or None, "the task in progress"),
    Field("for", "duration", lambda v, w: _age(v.current_since, w), "how long that has been in progress"),
    Field("oldest", "duration", lambda v, w: _age(v.queue.oldest_waiting_at, w), "age of the oldest that waits",
          aliases=("age",)),
    Field("drains", "choice", lambda v, w: v.measures.drain.kind if v.measures.drain else None,
          "what becomes of its queue", DRAINS),
    Field("in", "number", _rate("came"), "tasks that come per hour"),
    Field("out", "number", _rate("left"), "tasks that cease to wait per hour"),
    Field("ended", "number", _rate("ended"), "tasks that end per hour"),
    Field("p50", "duration", _time("p50_h"), "half of its tasks take no longer"),
    Field("p95", "duration", _time("p95_h"), "95 of 100 of its tasks take no longer"),
    Field("load", "percent", lambda v, w: v.workload_percent, "workload score: waiting hours of a working day"),
    Field("work", "percent", lambda v, w: v.measures.load_percent, "load with what is in progress, not capped"),
    Field("hours", "number", _count("pending_hours"), "estimated hours that wait"),
    Field("success", "percent", lambda v, w: v.success_percent, "completed of those that ended"),
    Field("efficiency", "percent", lambda v, w: v.measures.efficiency_percent, "earned / actual hours"),
    Field("delivery", "percent", lambda v, w: v.measures.delivery_percent, "delivered / promised"),
    Field("changed", "duration", lambda v, w: _age(v.changed_at, w), "since its file changed"),
    Field("quiet", "duration", lambda v, w: _age(v.signs.progress_at, w), "since anything of it changed"),
    Field("cpu", "percent", lambda v, w: v.cpu_percent, "processor time of its processes"),
    Field("memory", "number", lambda v, w: v.rss_bytes, "bytes of memory of its processes", aliases=("mem",)),
    Field("files", "number", lambda v, w: v.handles, "open files of its processes", aliases=("handles",)),
    Field("processes", "number", lambda v, w: v.processes, "its processes"),
    Field("skill", "id", lambda v, w: v.queue.expertise or None, "what it can do", aliases=("skills", "expertise")),
    Field("role", "text", lambda v, w: v.queue.role or None, "what it is"),
    Field("form", "id", lambda v, w: v.queue.form, "the form of its file"),
)  # fmt: skip


def _since_created(task: Task, wall: float) -> float | None:
    return _age(task.created_at, wall)


def _status(task: Task, wall: float) -> tuple[str, ...] | None:
    return tuple({task.status, task.raw_status} - {""}) or None


TASK_FIELDS: Mapping[str, Field] = _table(
    Field("task", "id", lambda t, w: t.task_id or None, "its id", aliases=("id",)),
    Field("agent", "id", lambda t, w: t.agent, "whose it is"),
    Field("state", "id", _status, f"one of {', '.join(STATUSES)}, or the file's own word", aliases=("status",)),
    Field("priority", "id", lambda t, w: t.priority.casefold() or None, "how much it matters"),
    Field("title", "text", lambda t, w: t.title or None, "what it says"),
    Field("age", "duration", _since_created, "since it was created, as the file claims", aliases=("created",)),
    Field("started", "duration", lambda t, w: _age(t.started_at, w), "since it was started"),
    Field("ended", "duration", lambda t, w: _age(t.completed_at, w), "since it ended", aliases=("completed",)),
    Field("estimate", "duration", lambda t, w: _hours(t.estimated_hours), "estimated hours", aliases=("est",)),
    Field("actual", "duration", lambda t, w: _hours(t.actual_hours), "actual hours"),
    Field("progress", "percent", lambda t, w: t.progress, "how far it is"),
    Field("skill", "id", lambda t, w: t.skills or None, "a skill that it asks for", aliases=("skills",)),
    Field("needs", "id", lambda t, w: t.needs or None, "a task that it waits for", aliases=("depends",)),
    Field("in", "choice", lambda t, w: t.place, "where it stands in the file",
          ("tasks", "history", "messages", "records")),
    Field("doubtful", "id", lambda t, w: t.doubtful or None, "a time of it that cannot be true"),
)  # fmt: skip


def _hours(hours: float | None) -> float | None:
    return None if hours is None else hours * 3600.0


def agent_text(view: AgentView) -> str:
    """What the words of a filter are looked for in."""
    queue = view.queue
    return f"{queue.agent} {view.liveness} {queue.current_id} {queue.current_title} {queue.role}"


def task_text(task: Task) -> str:
    """What the words of a filter are looked for in."""
    return f"{task.task_id} {task.status} {task.raw_status} {task.priority} {task.title}"
