"""What rebalancing knows of agents and tasks: state, capacity, skills, speed, hours.

Sections 1 to 3 of the specification of rebalancing, as pure functions of strictly parsed queue files. Speeds are
shrunken geometric means, reliability a shrunken success rate, as in `core.measures.skills`. Not for
showing a queue: that is `core.queues`, which reads every form; here a file is standard or takes no part.
"""

import math
import statistics
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from core.balance.options import ANY, PEERS
from core.measures.skills import FASTEST, PRIOR_COMPLETED, PRIOR_ON_TIME, SLOWEST, normal_tag
from core.queues.times import parse

ACTIVE, PAUSED, DECOMMISSIONED = "active", "paused", "decommissioned"
_STATES = (
    (DECOMMISSIONED, ("decommissioned", "retired", "inactive")),
    (PAUSED, ("paused", "offline", "maintenance")),
)
PENDING, BLOCKED, IN_PROGRESS, COMPLETED, FAILED = "pending", "blocked", "in_progress", "completed", "failed"
CAPACITY_HOURS = 8.0
HOURS = 2.0  # of a task, where no task has any
ENOUGH = 5  # tasks of one priority, to take their median
_SLOW, _FAST, _LEAST_RELIABLE = 0.5, 2.0, 0.5
PRIORITIES = {"CRITICAL": 4, "HIGH": 3, "MEDIUM": 2, "LOW": 1}
NOTHING: frozenset[str] = frozenset()
# Hours beyond these mean nothing, but would have sums overflow.
_SMALLEST, _LARGEST = 1e-9, 1e12


class Task(NamedTuple):
    """The element of `tasks` at `place`; `hours` is None where it names none, `moved_at` [wall s] if it never was.

    `rank` is that of its priority, 4 for CRITICAL, 0 for what is not known; `weight` the part of it that
    still is to be done.
    """

    place: int
    task_id: str
    status: str
    priority: str
    rank: int
    hours: float | None
    weight: float
    skills: frozenset[str]
    agent_hours: Mapping[str, Any] | None
    pinned: bool
    moved_at: float | None
    origin: str
    needs: tuple[str, ...]


class Agent(NamedTuple):
    """One agent, from its queue file. `speeds` by skill, "*" for all its work; `done` are the ids in its history."""

    name: str
    state: str
    capacity_hours: float
    expertise: frozenset[str]
    speeds: Mapping[str, float]
    reliability: float
    tasks: tuple[Task, ...]
    done: frozenset[str]
    agent_id: str

    def speed(self, skills: frozenset[str]) -> float:
        """Expected speed at a task that asks for `skills`; 2 is twice as fast as estimated."""
        speeds, overall = self.speeds, self.speeds["*"]
        if not skills:
            found = overall
        else:
            logs = sorted(math.log(speeds.get(skill, overall)) for skill in skills)
            found = math.exp(math.fsum(logs) / len(logs))
        return min(_FAST, max(_SLOW, found))

    def hours(self, task: Task, estimate: float) -> float:
        """Expected hours [h] of `task`, whose estimate is `estimate`, done by this agent."""
        if task.agent_hours is not None:
            own = number(task.agent_hours.get(self.name))
            if own is not None:
                return own
        return estimate / (self.speed(task.skills) * self.reliability)


class Estimates(NamedTuple):
    """What a task without estimated hours is taken for: the median of its priority, or of all."""

    by_priority: Mapping[str, float]
    overall: float

    def of(self, task: Task) -> float:
        """Estimated hours [h] of a task."""
        return self.by_priority.get(task.priority, self.overall) if task.hours is None else task.hours


def number(value: Any) -> float | None:
    """A positive finite JSON number, of a size that can be added up and divided by; None for everything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        found = float(value)
    except OverflowError:
        return None
    return min(_LARGEST, max(_SMALLEST, found)) if 0 < found < math.inf else None


def agent_of(name: str, document: Mapping[str, Any]) -> Agent:
    """The agent whose standard queue file holds `document`."""
    metadata = document.get("metadata")
    capacity = number(metadata.get("capacity_hours")) if isinstance(metadata, Mapping) else None
    history = document.get("history")
    entries = [entry for entry in history if isinstance(entry, dict)] if isinstance(history, list) else []
    tasks: list[Task] = []
    ended: list[dict[str, Any]] = []
    for place, row in enumerate(document["tasks"]):
        if not isinstance(row, dict):
            continue
        task = task_of(place, row)
        tasks.append(task)
        if task.status in (COMPLETED, FAILED):
            ended.append(row)
    speeds, reliability = _record((*entries, *ended))
    agent_id = document.get("agent_id")
    return Agent(
        name, state_of(document.get("status")), CAPACITY_HOURS if capacity is None else capacity,
        tags(document.get("expertise")), speeds, reliability, tuple(tasks),
        frozenset(task_id for entry in entries if isinstance(task_id := entry.get("task_id"), str)),
        agent_id if isinstance(agent_id, str) else "",
    )  # fmt: skip


def state_of(status: Any) -> str:
    """What an agent's top-level status says: whether it takes tasks."""
    word = status.strip().casefold() if isinstance(status, str) else ""
    for state, beginnings in _STATES:
        if word.startswith(beginnings):
            return state
    return ACTIVE


def task_of(place: int, row: Mapping[str, Any]) -> Task:
    """The task in an element of `tasks`."""
    found = row.get("context")
    context: Mapping[str, Any] = found if isinstance(found, dict) else {}
    found = row.get("bluetop")
    moved: Mapping[str, Any] = found if isinstance(found, dict) else {}
    status = word(row.get("status")).lower()
    priority = word(row.get("priority")).upper()
    agent_hours = context.get("agent_hours")
    task_id, origin = row.get("task_id"), moved.get("origin")
    at = parse(moved.get("moved_at")) if moved else None
    return Task(
        place, task_id if isinstance(task_id, str) else "", status, priority, PRIORITIES.get(priority, 0),
        number(row.get("estimated_hours")), _weight(status, row.get("progress")), _skills(row, context),
        agent_hours if isinstance(agent_hours, dict) and agent_hours else None,
        row.get("pinned") is True or context.get("pinned") is True,
        None if at is None else at.at, origin if isinstance(origin, str) else "", _needs(row),
    )  # fmt: skip


def word(value: Any) -> str:
    """A text, trimmed; "" for everything else."""
    return value.strip() if isinstance(value, str) else ""


def tags(value: Any) -> frozenset[str]:
    """A list of tags as a set, each as it is compared."""
    if not isinstance(value, list) or not value:
        return NOTHING
    return _tags(tuple(tag for tag in value if isinstance(tag, str)))


@lru_cache(maxsize=4096)
def _tags(words: tuple[str, ...]) -> frozenset[str]:
    return frozenset(tag for name in words if (tag := normal_tag(name)))


def _skills(row: Mapping[str, Any], context: Mapping[str, Any]) -> frozenset[str]:
    return tags(row.get("required_skills")) or tags(context.get("required_skills"))


def _weight(status: str, progress: Any) -> float:
    """The part of a task that still is to be done (section 3)."""
    if status in (PENDING, BLOCKED):
        return 1.0
    if status != IN_PROGRESS:
        return 0.0
    if isinstance(progress, bool) or not isinstance(progress, int | float) or not 0 <= progress <= 100:
        return 1.0
    return 1.0 - progress / 100.0


def _needs(row: Mapping[str, Any]) -> tuple[str, ...]:
    found = row.get("dependencies")
    if not isinstance(found, list) or not found:
        return ()
    names = (item.split(None, 1) for item in found if isinstance(item, str))
    return tuple(dict.fromkeys(parts[0].rstrip(",;:") for parts in names if parts))


def _record(entries: Iterable[Mapping[str, Any]]) -> tuple[dict[str, float], float]:
    """Speeds and reliability, from what came to an end: section 2. One observation a task, the first one."""
    sums: dict[str, list[float]] = {"*": []}
    seen: set[str] = set()
    completed = failed = 0
    for entry in entries:
        task_id = entry.get("task_id")
        if isinstance(task_id, str) and task_id:
            if task_id in seen:
                continue
            seen.add(task_id)
        status = word(entry.get("status")).lower()
        if status == FAILED:
            failed += 1
        if status != COMPLETED:
            continue
        completed += 1
        found = entry.get("metrics")
        metrics = found if isinstance(found, dict) else {}
        estimated = number(entry.get("estimated_hours")) or number(metrics.get("estimated_hours"))
        actual = number(entry.get("actual_hours")) or number(metrics.get("actual_hours"))
        if estimated is None or actual is None:
            continue
        log_speed = math.log(min(FASTEST, max(SLOWEST, estimated / actual)))
        context = entry.get("context")
        sums["*"].append(log_speed)
        for skill in _skills(entry, context if isinstance(context, dict) else {}):
            if skill != "*":
                sums.setdefault(skill, []).append(log_speed)
    speeds = {skill: math.exp(math.fsum(logs) / (len(logs) + PRIOR_ON_TIME)) for skill, logs in sums.items()}
    reliability = (completed + PRIOR_COMPLETED) / (completed + failed + PRIOR_COMPLETED)
    return speeds, max(_LEAST_RELIABLE, reliability)


def estimates_of(agents: Iterable[Agent]) -> Estimates:
    """The medians of the valid estimated hours of all tasks, whatever their status."""
    by_priority: dict[str, list[float]] = {}
    for agent in agents:
        for task in agent.tasks:
            if task.hours is not None:
                by_priority.setdefault(task.priority, []).append(task.hours)
    every = [hours for found in by_priority.values() for hours in found]
    medians = {name: statistics.median(found) for name, found in by_priority.items() if len(found) >= ENOUGH}
    return Estimates(medians, statistics.median(every) if every else HOURS)


def load_hours(agent: Agent, estimates: Estimates) -> float:
    """L_a [h]: expected hours of all that the agent still has to do."""
    return math.fsum(
        agent.hours(task, estimates.of(task)) * task.weight for task in agent.tasks if task.weight
    )


def may_receive(agent: Agent, task: Task, origin: frozenset[str], unlabelled: str) -> bool:
    """Whether `agent`, which is not its owner, is eligible for `task`; `origin` is the expertise of its origin.

    One that has already done a task of that id is not: two outcomes of one id could not be told apart.
    """
    if agent.state != ACTIVE or task.task_id in agent.done:
        return False
    if task.agent_hours is not None and task.agent_hours.get(agent.name, 0) is None:
        return False
    if task.skills:
        return task.skills <= agent.expertise
    if unlabelled == PEERS:
        return not origin or not origin.isdisjoint(agent.expertise)
    return unlabelled == ANY


def lacks(owner: Agent, task: Task) -> bool:
    """Whether a task's owner is decommissioned, or the wrong one for it."""
    if owner.state == DECOMMISSIONED or not task.skills <= owner.expertise:
        return True
    return task.agent_hours is not None and task.agent_hours.get(owner.name, 0) is None


def is_cooling(task: Task, cooldown_hours: float, now: float) -> bool:
    """Whether the task was moved less than so many hours before `now` (wall seconds)."""
    return task.moved_at is not None and now - task.moved_at < cooldown_hours * 3600.0
