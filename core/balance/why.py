"""Why a task goes where it goes, or stays: every agent, and what speaks for or against it there."""

from typing import Any, NamedTuple

from core.balance.facts import ACTIVE, DECOMMISSIONED, PAUSED, PENDING, Agent, Task, lacks
from core.balance.options import NEVER, PEERS
from core.balance.pictures import percent
from core.balance.plan import Plan
from core.balance.problem import COOL, NO_ID, PIN, STATUS, TWICE, origin_of, stays
from core.balance.world import World
from core.errors import UsageError
from core.text import clean_line

SCHEMA = "bluetop.why-task/1"


class Option(NamedTuple):
    """One agent for the task: whether it may have it, hours [h] it would take there, and the sentence.

    `utilisation` is the agent's after the plan; `role` is "here", "there" (where the plan puts it) or "".
    """

    agent: str
    eligible: bool
    role: str
    hours: float
    utilisation: float
    text: str

    def data(self) -> dict[str, Any]:
        """As in JSON."""
        return self._asdict()


class Why(NamedTuple):
    """The answer for one task. `moves_to` is "" where it stays."""

    plan_id: str
    task_id: str
    agent: str
    moves_to: str
    status: str
    movable: bool
    text: str
    options: tuple[Option, ...]

    def data(self) -> dict[str, Any]:
        """The object of bluetop.why-task/1."""
        return {
            "schema": SCHEMA, "plan_id": self.plan_id, "task_id": self.task_id, "agent": self.agent,
            "moves_to": self.moves_to or None, "status": self.status, "movable": self.movable, "text": self.text,
            "options": [option.data() for option in self.options],
        }  # fmt: skip

    def lines(self) -> list[str]:
        """The same in lines: the sentence, then one line an agent."""
        marks = {"here": "=", "there": ">", "": " "}
        rows = [f"{marks[option.role]} {option.agent}: {option.text}" for option in self.options]
        return [self.text, *rows]


def why(world: World, plan: Plan, task_id: str, now: float) -> Why:
    """Why `plan` does with a task what it does.

    Raises:
        UsageError: there is no such task in a standard queue.
    """
    holders = [
        (agent, task) for agent in world.agents.values() for task in agent.tasks if task.task_id == task_id
    ]
    if not holders or not task_id:
        raise UsageError(clean_line(
            f"no task {task_id[:80]!r} in a queue that takes part; `bluetop tasks` lists all tasks"
        ))  # fmt: skip
    owner, task = holders[0]
    move = next((move for move in plan.moves if move.task_id == task_id), None)
    reason = stays(task, world.twice, plan.options, now)
    to = move.receiver if move is not None else ""
    options = tuple(_option(world, plan, owner, task, agent, to) for agent in world.agents.values())
    if move is not None:
        text = f"{task_id} goes from {move.source} to {move.receiver}: {move.text}"
    else:
        text = f"{task_id} stays with {owner.name}: {_stays(plan, owner, task, reason, options)}"
    ranked = sorted(
        options,
        key=lambda row: (row.role != "there", row.role != "here", not row.eligible, row.hours, row.agent),
    )
    return Why(
        plan.plan_id, task_id, owner.name, to, task.status, not reason, clean_line(text, 400), tuple(ranked)
    )  # fmt: skip


def _option(world: World, plan: Plan, owner: Agent, task: Task, agent: Agent, to: str) -> Option:
    hours = agent.hours(task, world.estimates.of(task))
    row = plan.after.of(agent.name)
    used = row.utilisation if row is not None else 0.0
    refusal = refused(world, plan, owner, task, agent)
    role = "there" if agent.name == to else "here" if agent.name == owner.name else ""
    if role == "here":
        text = f"has it now; {hours:.1f} h, {percent(used)} after the plan"
        if lacks(owner, task):
            text += "; should not have it"
    elif refusal:
        text = refusal
    else:
        capacity = agent.capacity_hours
        full = used if role == "there" else used + 100.0 * hours / capacity
        text = f"{hours:.1f} h there, {percent(full)} with it"
        if not role and plan.options.target and full > plan.options.target + 1e-9:
            text += f", above the target of {percent(plan.options.target)}"
    return Option(agent.name, not refusal, role, round(hours, 6), round(used, 6), clean_line(text, 300))


def refused(world: World, plan: Plan, owner: Agent, task: Task, agent: Agent) -> str:
    """Why `agent` may not have the task, "" if it may."""
    if agent.name == owner.name:
        return ""
    if agent.state == DECOMMISSIONED:
        return "is decommissioned"
    if agent.state == PAUSED:
        return "is paused, and receives nothing"
    if task.task_id in agent.done:
        return "has a task of this id in its history"
    if task.agent_hours is not None and task.agent_hours.get(agent.name, 0) is None:
        return "is ruled out by the task's agent_hours"
    if missing := sorted(task.skills - agent.expertise):
        return f"lacks {', '.join(missing)}"
    if not task.skills:
        if plan.options.unlabelled == NEVER:
            return "tasks without required skills stay (--unlabelled never)"
        origin = origin_of(world, owner, task)
        if plan.options.unlabelled == PEERS and origin and origin.isdisjoint(agent.expertise):
            return "shares no expertise with the task's first owner"
    return "" if agent.state == ACTIVE else "receives nothing"


def _stays(plan: Plan, owner: Agent, task: Task, reason: str, options: tuple[Option, ...]) -> str:
    if reason == STATUS:
        return f"it is {task.status or 'without a status'}, and only {PENDING} tasks move"
    if reason == NO_ID:
        return "it has no id"
    if reason == TWICE:
        return "there is more than one task of this id"
    if reason == PIN:
        return "it is pinned"
    if reason == COOL:
        return f"it was moved less than {plan.options.cooldown_hours:g} h ago"
    if not any(option.eligible and not option.role for option in options):
        return "no other agent may take it"
    row = plan.after.of(owner.name)
    if row is not None and plan.options.target and row.utilisation <= plan.options.target + 1e-9:
        return f"{owner.name} is within the target ({percent(row.utilisation)})"
    return "moving it would gain less than it is worth, or push another agent too high"


def why_of(data: Any) -> Why:
    """The answer in an object of bluetop.why-task/1, as `Why.data` gave it."""
    rows = tuple(Option(**row) for row in data["options"])
    return Why(
        data["plan_id"], data["task_id"], data["agent"], data["moves_to"] or "", data["status"], data["movable"],
        data["text"], rows,
    )  # fmt: skip
