"""What was found, as plain data: one task, what an agent is at, the report that is saved.

The keys of the saved report are the old ones and more; those of a task are the ones of docs/json.md.
"""

from collections.abc import Iterable, Mapping, Sequence

from core.agentmetrics.measures import efficiency_percent, execution_hours
from core.agentmetrics.model import FINISHED, TIMES, Data, count_of, status_of, time_of, utc_text
from core.agentmetrics.owners import Shared
from core.queues.statuses import shown
from core.queues.tracked import hours

VERSION = 1


def activity(counted: Iterable[tuple[str, Data, Data]]) -> Data:
    """The task in progress that was started last, and when one was last finished."""
    current, since = "", float("-inf")
    last = 0.0
    for key, entry, facts in counted:
        status = status_of(entry)
        if status == "in_progress" and "gone" not in facts:
            at = time_of(entry.get("started_at")) or 0.0
            if at > since:
                current, since = key, at
        elif status in FINISHED and "completed_at" not in (facts.get("doubtful") or ()):
            at = time_of(entry.get("completed_at")) or 0.0
            last = max(last, at)
    return {"current": current, "last_active": utc_text(last) if last else None}


def task_data(agent: str, key: str, entry: Data, facts: Data) -> Data:
    """One task as the JSON export has it; what is not known is None."""
    doubtful = facts.get("doubtful")
    doubtful = [name for name in TIMES if isinstance(doubtful, list) and name in doubtful]
    approximate = facts.get("approximate")
    approximate = [name for name in TIMES if isinstance(approximate, list) and name in approximate]
    delivered = count_of(facts.get("delivered"))
    status = status_of(entry)
    took = execution_hours(entry, doubtful) if status == "completed" else None
    efficiency = efficiency_percent(entry, delivered) if status == "completed" else None
    times = {name: time_of(entry.get(name)) for name in TIMES}
    return {
        "id": key,
        "agent": agent,
        "status": status or shown(entry.get("status")),
        **{name: None if at is None else utc_text(at) for name, at in times.items()},
        "approximate": approximate,
        "doubtful": doubtful,
        "estimated_hours": hours(entry.get("estimated_hours")),
        "actual_hours": hours(entry.get("actual_hours")),
        "task_hours": None if took is None else round(took[0], 4),
        "task_hours_from": None if took is None else took[1],
        "promised": count_of(entry.get("deliverables_total")) or None,
        "delivered": delivered,
        "efficiency_percent": None if efficiency is None else round(efficiency, 2),
        "tracked": isinstance(facts.get("tracked"), dict),
        "vanished": "gone" in facts and status not in FINISHED,
    }


def saved_report(at: float, agents: Mapping[str, Data], overall: Data, common: Sequence[Shared]) -> Data:
    """The report as it is kept in `.metrics/reports/`."""
    return {
        "generated_at": utc_text(at),
        "agents": dict(agents),
        "overall": overall,
        "bluetop": {"version": VERSION, "shared": [shared_data(row) for row in common]},
    }


def shared_data(row: Shared) -> Data:
    """A task that several queue files have."""
    return {"id": row.task_id, "agent": row.owner, "others": list(row.others), "why": row.why}
