"""What stays above the target after a plan, and why."""

import math

from core.balance.facts import PENDING, Task
from core.balance.pictures import percent
from core.balance.plan import (
    BUDGET,
    COOLDOWN,
    INDIVISIBLE,
    NO_RECEIVER,
    PINNED,
    SATURATED,
    Picture,
    Unresolved,
)
from core.balance.problem import COOL, PIN, Problem, stays
from core.balance.state import State
from core.balance.world import World


def unresolved_of(
    world: World, problem: Problem, state: State, after: Picture, now: float
) -> tuple[Unresolved, ...]:
    """One row for each agent of `after` that is above the target, the worst first."""
    over = {name: number for number, name in enumerate(problem.names) if name in after.overloaded}
    used = {row.agent: row.utilisation for row in after.agents}
    rows = []
    for name, number in over.items():
        cause, text = _cause(world, problem, state, number, now)
        rows.append(Unresolved(name, used[name], cause, f"{name} stays at {percent(used[name])}: {text}"))
    rows.sort(key=lambda row: (-row.utilisation, row.agent))
    return tuple(rows)


def _cause(world: World, problem: Problem, state: State, agent: int, now: float) -> tuple[str, str]:
    options = problem.options
    movable = [i for i in state.held[agent] if any(b != agent for b in problem.allowed[i])]
    if movable:
        if options.max_moves and len(state.moved()) >= options.max_moves:
            return BUDGET, f"the budget of {options.max_moves} moves is used up"
        rooms = [
            (state.targets[b] - state.load[b], state.hours(i, b))
            for i in movable for b in problem.allowed[i] if b != agent
        ]  # fmt: skip
        if not options.target:
            return INDIVISIBLE, "no other split of the tasks was found that brings the highest load lower"
        if all(room <= 1e-9 for room, _ in rooms):
            return SATURATED, "every agent that could take its tasks is at the target itself"
        if all(room < hours for room, hours in rooms):
            return INDIVISIBLE, "no task of its own fits into the room that is left elsewhere"
        return INDIVISIBLE, "what could still be moved is less than what is worth a move"
    return _fixed(world, problem, agent, state, now)


def _fixed(world: World, problem: Problem, agent: int, state: State, now: float) -> tuple[str, str]:
    """Nothing of it can move: what most of its hours are."""
    row = problem.agents[agent]
    gone = {problem.items[i].task.place for i in state.moved() if problem.items[i].owner == agent}
    hours: dict[str, list[float]] = {}
    for task in row.tasks:
        if task.weight and task.place not in gone:
            kind = _kind(task, world, problem, now)
            hours.setdefault(kind, []).append(row.hours(task, world.estimates.of(task)) * task.weight)
    for i in state.held[agent]:
        if problem.items[i].owner != agent:  # it came, and cannot go elsewhere
            hours.setdefault(NO_RECEIVER, []).append(state.hours(i, agent))
    sums = {kind: math.fsum(parts) for kind, parts in hours.items()}
    named = {kind: found for kind, found in sums.items() if kind != INDIVISIBLE}
    if not named:
        return INDIVISIBLE, "what is left has been started or is blocked, and never moves"
    cause = max(named, key=lambda kind: (named[kind], kind))
    words = {
        PINNED: "are pinned",
        COOLDOWN: f"were moved less than {problem.options.cooldown_hours:g} h ago",
        NO_RECEIVER: "have no other agent that may take them",
    }
    return cause, f"{named[cause]:.1f} h of its tasks {words[cause]}"


def _kind(task: Task, world: World, problem: Problem, now: float) -> str:
    if task.status != PENDING:
        return INDIVISIBLE
    why = stays(task, world.twice, problem.options, now)
    return PINNED if why == PIN else COOLDOWN if why == COOL else NO_RECEIVER
