"""Agents as `bluetop agents` tells of them (schema bluetop.agents/1): their order, their rows, their skills."""

from collections.abc import Iterable, Mapping, Sequence

from core.kpi import SEVERITY_RANK
from core.measures.needs import Need
from core.measures.skills import Outcome, SkillEstimate, estimates
from core.queues.model import AgentQueue, Task
from core.report import agent_data, complete, whole_fleet_data
from core.reports.measures import need_data, record_data
from core.reports.plain import Data, rounded, time_text
from core.snapshot import AgentView, Snapshot

_UNKNOWN_LAST = 9


def urgent_first(view: AgentView) -> tuple[int, int, float, str]:
    """Those that need a person first, the most severe need in front; then by severity, load and name."""
    needs = min((SEVERITY_RANK.get(need.severity, _UNKNOWN_LAST) for need in view.needs), default=99)
    load = view.measures.load_percent
    if load is None:
        load = view.workload_percent or 0.0
    return needs, SEVERITY_RANK.get(view.severity, _UNKNOWN_LAST), -load, view.queue.agent


def skills_of(queue: AgentQueue, tasks: Iterable[Task]) -> tuple[SkillEstimate, ...]:
    """What to expect of an agent at each skill, from the tasks of its file that ended."""
    ended = [
        Outcome(task.skills, task.status == "completed", task.estimated_hours, task.actual_hours)
        for task in tasks
        if task.status in ("completed", "failed")
    ]
    return estimates(ended, queue.expertise)


def agents_data(
    snapshot: Snapshot,
    views: Sequence[AgentView],
    *,
    total: int,
    query: str,
    order: str,
    needs: Sequence[Need],
    skills: Mapping[str, Sequence[SkillEstimate]] | None = None,
    unread: Sequence[Data] = (),
) -> Data:
    """Everything that `bluetop agents` shows: `views` of the `total` that `query` takes, in `order`, and `needs`."""
    return {
        "schema": "bluetop.agents/1",
        "generated_at": time_text(snapshot.wall),
        "workspace": snapshot.workspace,
        "complete": complete(snapshot) and not unread,
        "filter": query,
        "order": order,
        "matched": total,
        "agents": [
            agent_row(view, snapshot.wall, None if skills is None else skills.get(view.queue.agent))
            for view in views
        ],
        "needs": [need_data(need) for need in needs],
        "needs_count": sum(need.count for need in needs),
        "fleet": whole_fleet_data(snapshot),
        "unread": list(unread),
        "record": record_data(snapshot.record, snapshot.wall),
    }


def agent_row(view: AgentView, wall: float, skills: Sequence[SkillEstimate] | None) -> Data:
    """One agent; `skills` None: not asked for."""
    row = agent_data(view, wall)
    # Here the state is how alive the agent is, and why; what its file alone says is in `file_state`.
    row["state"], row["why"] = row["liveness"], ", ".join(row["evidence"])
    row["skills"] = None if skills is None else [skill_data(estimate) for estimate in skills]
    return row


def skill_data(estimate: SkillEstimate) -> Data:
    """One skill, or all work ("*")."""
    return {
        "skill": estimate.skill,
        "done": estimate.done,
        "failed": estimate.failed,
        "success_percent": rounded(estimate.success_percent, 1),
        "success_low_percent": rounded(estimate.success_low, 1),
        "success_high_percent": rounded(estimate.success_high, 1),
        "speed": rounded(estimate.speed),
        "speed_low": rounded(estimate.speed_low),
        "speed_high": rounded(estimate.speed_high),
        "speed_n": estimate.speed_n,
    }


def unread_data(view: AgentView, problem: str) -> Data:
    """An agent whose tasks could not be read, or not all of them."""
    return {"agent": view.queue.agent, "source": view.queue.path, "text": problem}
