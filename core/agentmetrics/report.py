"""What was collected, as the plain data of docs/json.md: bluetop.metrics.report/1 and its like.

Times are UTC text, unknown is None, units are in the names. Not for the layout of the files in
`.metrics/` (`merge`, `arrange`).
"""

from core import __version__
from core.agentmetrics.arrange import shared_data
from core.agentmetrics.collect import Agent, Collected, Tracked
from core.agentmetrics.measures import measures_data
from core.agentmetrics.model import Data, time_of, utc_text
from core.queues.tracked import hours
from core.text import clean


def report_data(found: Collected, workspace: str) -> Data:
    """All agents and the fleet (schema bluetop.metrics.report/1)."""
    return {
        "schema": "bluetop.metrics.report/1",
        **_head(found, workspace),
        "saved": found.report or None,
        **_body(found),
    }


def export_data(found: Collected, workspace: str) -> Data:
    """The same and every task (schema bluetop.metrics/1)."""
    tasks = [task for agent in found.agents for task in agent.tasks]
    return {"schema": "bluetop.metrics/1", **_head(found, workspace), **_body(found), "tasks": tasks}


def collect_data(found: Collected, workspace: str) -> Data:
    """What collecting changed (schema bluetop.metrics.collect/1)."""
    return {
        "schema": "bluetop.metrics.collect/1",
        **_head(found, workspace),
        "written": found.written,
        "agents": [
            {
                "id": agent.queue.agent,
                "metrics_file": agent.file if agent.kept else None,
                "written": agent.written,
                "total_tasks": agent.sums.measures().total_tasks,
                "added": agent.added,
                "updated": agent.updated,
                "moved_tasks": agent.moved_tasks,
            }
            for agent in found.agents
        ],
        **_tail(found),
    }


def track_data(found: Tracked, kind: str) -> Data:
    """A start or an end that was recorded (schema bluetop.metrics.track/1)."""
    entry = found.entry
    times = {name: time_of(entry.get(name)) for name in ("started_at", "completed_at")}
    return {
        "schema": "bluetop.metrics.track/1",
        "event": kind,
        "agent": found.agent,
        "task": found.task_id,
        "recorded": found.recorded,
        "status": str(entry.get("status") or ""),
        **{name: None if at is None else utc_text(at) for name, at in times.items()},
        "estimated_hours": hours(entry.get("estimated_hours")),
        "actual_hours": hours(entry.get("actual_hours")),
        "metrics_file": found.file,
    }


def state_of(agent: Agent) -> str:
    """What an agent is at, as far as its queue file tells: working, idle, retired, unreadable, missing or gone."""
    form = agent.queue.form
    if form in ("missing", "gone"):
        return form
    if form == "unread":
        return "unreadable"
    if agent.queue.retired:
        return "retired"
    return "working" if agent.sums.counts["in_progress"] else "idle"


def _head(found: Collected, workspace: str) -> Data:
    return {
        "version": __version__,
        "generated_at": utc_text(found.at),
        "workspace": clean(workspace),
        "complete": found.complete,
    }


def _body(found: Collected) -> Data:
    return {
        "agents": [_agent(agent) for agent in found.agents],
        "overall": {
            "agents": len(found.agents),
            **measures_data(found.overall.measures()),
            "moved_tasks": sum(agent.moved_tasks for agent in found.agents),
        },
        **_tail(found),
    }


def _tail(found: Collected) -> Data:
    return {
        "shared": [shared_data(row) for row in found.shared],
        "moved": [
            {"id": task_id, "from": agent.queue.agent, "to": owner}
            for agent in found.agents
            for task_id, owner in agent.moved
        ],
        "problems": [
            {"severity": row.severity, "agent": row.agent or None, "file": row.file, "text": row.text}
            for row in found.problems
        ],
    }


def _agent(agent: Agent) -> Data:
    return {
        "id": agent.queue.agent,
        "state": state_of(agent),
        "queue_file": agent.queue.form,
        "metrics_file": agent.file if agent.kept else None,
        **measures_data(agent.sums.measures()),
        "moved_tasks": agent.moved_tasks,
        "current_task": agent.current or None,
        "last_active_at": agent.last_active,
        "last_updated_at": agent.last_updated,
    }
