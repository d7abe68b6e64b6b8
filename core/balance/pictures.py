"""What a plan looks like: loads before and after from the files' own numbers, its moves with their reasons."""

import math
from collections.abc import Mapping, Sequence

from core.balance.facts import ACTIVE, DECOMMISSIONED, PENDING, Agent, Task
from core.balance.order import Step
from core.balance.plan import EVACUATE, OVERFLOW, RELIEVE, ROOM, AgentLoad, Move, Picture
from core.balance.problem import Item, Problem
from core.balance.strict import fingerprint
from core.balance.world import World
from core.text import clean_line

_DIGITS = 9
_TITLE = 200


class Loads:
    """Load, nominal pending hours and pending tasks of every agent, exactly as the files give them."""

    def __init__(self, problem: Problem, world: World) -> None:
        self.problem, self.world = problem, world
        self.parts: list[list[float]] = [[] for _ in problem.names]
        self.nominal: list[list[float]] = [[] for _ in problem.names]
        self.pending = [0] * len(problem.names)
        for number, agent in enumerate(problem.agents):
            for task in agent.tasks:
                if task.weight:
                    self._put(number, agent, task)

    def _put(self, number: int, agent: Agent, task: Task) -> None:
        hours = self.world.estimates.of(task)
        self.parts[number].append(agent.hours(task, hours) * task.weight)
        if task.status == PENDING:
            self.nominal[number].append(hours)
            self.pending[number] += 1

    def move(self, item: Item, agent: int) -> None:
        """An item goes from its owner to `agent`."""
        problem, task = self.problem, item.task
        hours = self.world.estimates.of(task)
        self.parts[item.owner].remove(problem.agents[item.owner].hours(task, hours) * task.weight)
        self.nominal[item.owner].remove(hours)
        self.pending[item.owner] -= 1
        self._put(agent, problem.agents[agent], task)

    def picture(self, misplaced: int) -> Picture:
        """All of it; `misplaced` tasks are where they should not be."""
        problem = self.problem
        options = problem.options
        rows, overloaded, underutilised = [], [], []
        peak = excess = 0.0
        overflow = 0
        parts = []
        for number, agent in enumerate(problem.agents):
            load = math.fsum(self.parts[number])
            used = 100.0 * load / agent.capacity_hours
            score = min(100.0, 100.0 * math.fsum(self.nominal[number]) / agent.capacity_hours)
            rows.append(AgentLoad(
                agent.name, agent.state, agent.capacity_hours, round(load, _DIGITS), round(used, _DIGITS),
                round(score, _DIGITS), self.pending[number],
            ))  # fmt: skip
            if agent.state == ACTIVE and used < options.under:
                underutilised.append(agent.name)
            if agent.state == DECOMMISSIONED:
                continue
            peak = max(peak, used)
            if used > options.target + 1e-9:
                overloaded.append(agent.name)
            if options.target:
                parts.append(max(0.0, load - options.target / 100.0 * agent.capacity_hours))
            if options.queue_limit:
                overflow += max(0, self.pending[number] - options.queue_limit)
        excess = math.fsum(parts)
        return Picture(
            misplaced, round(peak, _DIGITS), round(excess, _DIGITS), overflow, tuple(overloaded), tuple(underutilised),
            tuple(rows),
        )  # fmt: skip


def moves_of(
    world: World, problem: Problem, steps: Sequence[Step], pending: Sequence[int]
) -> tuple[Move, ...]:
    """The moves with their reasons. `pending` are the pending tasks of each agent before."""
    where = {step.item: step.receiver for step in steps}
    rows = []
    left = list(pending)
    for number, step in enumerate(steps, 1):
        item = problem.items[step.item]
        task = item.task
        giver, receiver = problem.agents[item.owner], problem.agents[step.receiver]
        hours = world.estimates.of(task)
        code = _code(problem, item, step, left[item.owner])
        left[item.owner] -= 1
        left[step.receiver] += 1
        document = world.documents[giver.name]["tasks"][task.place]
        title = document.get("title")
        rows.append(Move(
            number, task.task_id, giver.name, receiver.name,
            round(giver.hours(task, hours), _DIGITS), round(receiver.hours(task, hours), _DIGITS),
            task.hours is None, fingerprint(document), code,
            clean_line(_text(problem, world, item, step, code, left), 400),
            clean_line(title, _TITLE) if isinstance(title, str) else "", clean_line(task.priority, 40),
            _disruption(problem, step.item, where),
        ))  # fmt: skip
    return tuple(rows)


def _code(problem: Problem, item: Item, step: Step, pending: int) -> str:
    if item.misplaced:
        return EVACUATE
    if step.giver_before > problem.options.target + 1e-9:
        return RELIEVE
    limit = problem.options.queue_limit
    return OVERFLOW if limit and pending > limit else ROOM


def _text(problem: Problem, world: World, item: Item, step: Step, code: str, pending: Sequence[int]) -> str:
    task = item.task
    giver, receiver = problem.agents[item.owner], problem.agents[step.receiver]
    told = (
        f"{giver.name} {percent(step.giver_before)} -> {percent(step.giver_after)}, "
        f"{receiver.name} {percent(step.receiver_before)} -> {percent(step.receiver_after)}"
    )
    parts = [told]
    if code == EVACUATE:
        if giver.state == DECOMMISSIONED:
            parts.append(f"{giver.name} is decommissioned")
        elif missing := sorted(task.skills - giver.expertise):
            parts.append(f"{giver.name} lacks {', '.join(missing)}")
        else:
            parts.append(f"{giver.name} may not do it (agent_hours)")
    if code == OVERFLOW:
        parts.append(
            f"{giver.name} keeps {pending[item.owner]} pending, {receiver.name} has {pending[step.receiver]}"
        )
    if code == ROOM:
        parts.append(f"makes room at {giver.name} for another task")
    hours = world.estimates.of(task)
    ratio = giver.hours(task, hours) / receiver.hours(task, hours)
    faster = "" if 0.995 < ratio < 1.005 else (
        f", {ratio:.2f}x faster on it" if ratio > 1 else f", {1 / ratio:.2f}x slower on it"
    )  # fmt: skip
    if task.skills:
        parts.append(f"{receiver.name} has {', '.join(sorted(task.skills))}{faster}")
    elif faster:
        parts.append(f"{receiver.name} is{faster.removeprefix(',')}")
    if task.hours is None:
        parts.append(f"{hours:g} h imputed")
    return "; ".join(parts)


def percent(value: float) -> str:
    """A utilisation as it is said: a decimal only where it has one."""
    text = f"{value:.1f}"
    return f"{text.removesuffix('.0')} %"


def _disruption(problem: Problem, i: int, where: Mapping[int, int]) -> int:
    """Weight of the priority, and dependencies torn apart less those brought together, by this move."""
    item = problem.items[i]
    found = item.weight
    for partner in problem.partners[i]:
        other = problem.items[partner]
        if partner in where and partner < i:
            continue  # counted with the other one
        was, now = other.owner == item.owner, where.get(partner, other.owner) == where[i]
        found += int(was) - int(now)
    for anchor in problem.anchors[i]:
        found += int(anchor == item.owner) - int(anchor == where[i])
    return found
