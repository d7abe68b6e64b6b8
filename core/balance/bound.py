"""A proven lower bound on the peak: no plan can bring the highest utilisation below it.

The linear-programming dual of spreading the work over eligible agents, where tasks may be split: for any weights
w_a ≥ 0 with Σ w_a·C_a/100 = 1, every plan's peak is at least Σ_a w_a·fixed_a + Σ_t min_a w_a·p(a,t), since the peak
is at least any weighted mean of utilisations (the relaxation of Lenstra, Shmoys, Tardos 1990). The weights are sought
by multiplicative updates (Plotkin, Shmoys, Tardos 1995) with iteration limits, so the bound is the same on every
machine. It also tells what an hour of each agent is worth, which guides the search.
"""

import math
from collections.abc import Callable, Sequence
from operator import itemgetter, mul
from typing import NamedTuple

from core.balance.problem import Problem

_SURE = 1e-9  # relative: what rounding may have added to a bound is taken off again
_STEPS, _WORK = 1500, 60_000_000
_WHOLE = 1e-9


class Bound(NamedTuple):
    """`peak` [%] is proven. `prices` [1/h] say how scarce an hour of each agent is; `shares` by group of alike tasks
    the agents that the relaxed plan uses, with how often it did."""

    peak: float
    prices: tuple[float, ...]
    shares: tuple[dict[int, int], ...]


class _Group(NamedTuple):
    """Tasks of one kind: their estimated hours together, who may have them, and hours there for one of these."""

    size: float
    agents: tuple[int, ...]
    hours: tuple[float, ...]
    pick: Callable[[Sequence[float]], Sequence[float]]


def bound_of(
    problem: Problem,
    stay: bool = False,
    goal: float = 0.0,
    steps: int = _STEPS,
    group_of: list[int] | None = None,
) -> Bound:
    """The best bound found. `stay`: misplaced tasks may stay where they are, as where there is a budget of moves.

    Seeking ends as soon as the bound is above `goal` and cannot be bettered by much. `group_of` gets the group of
    each item.
    """
    agents = [a for a, counts in enumerate(problem.counted) if counts]
    if not agents:
        return Bound(0.0, (), ())
    slot = {agent: number for number, agent in enumerate(agents)}
    percent = [100.0 / problem.capacity[a] for a in agents]
    fixed = [problem.fixed_hours[a] * percent[slot[a]] for a in agents]
    groups = _groups(problem, slot, percent, stay, group_of)
    floor = max(fixed, default=0.0)
    largest = _largest_task(problem, slot, percent, stay)
    best = max(floor, largest, 0.0)
    weights = [1.0 / len(agents)] * len(agents)
    shares: list[dict[int, int]] = [{} for _ in groups]
    best_weights = weights
    effort = sum(len(group.agents) for group in groups) + len(agents) + 1
    steps = max(30, min(steps, _WORK // (effort * 4)))
    highest = math.inf
    rate = 0.5
    for step in range(steps):
        load = fixed[:]
        value = sum(map(mul, weights, fixed))
        late = step >= steps // 3
        for number, group in enumerate(groups):
            costs = list(map(mul, group.pick(weights), group.hours))
            least = min(costs)
            chosen = costs.index(least)
            value += least * group.size
            agent = group.agents[chosen]
            load[agent] += group.size * group.hours[chosen]
            if late:
                share = shares[number]
                share[agent] = share.get(agent, 0) + 1
        if value > best or step == 0:
            best, best_weights = max(best, value), weights
        highest = min(highest, max(load))
        if highest <= best * (1 + 1e-6):
            break
        scale = max(load)
        if scale <= 0:
            break
        rate = 0.6 / math.sqrt(1 + step * 0.5)
        weights = [
            weight * math.exp(rate * (used - value) / scale)
            for weight, used in zip(weights, load, strict=True)
        ]
        total = sum(weights)
        weights = [weight / total for weight in weights]
    prices = [0.0] * len(problem.names)
    for agent, number in slot.items():
        prices[agent] = best_weights[number] * percent[number]
    proven = max(floor, largest, best * (1 - _SURE))
    return Bound(
        on_grid(problem, proven, stay), tuple(prices),
        tuple({agents[agent]: count for agent, count in share.items()} for share in shares),
    )  # fmt: skip


def _groups(
    problem: Problem, slot: dict[int, int], percent: list[float], stay: bool, group_of: list[int] | None
) -> list[_Group]:
    sizes: dict[tuple[int, int], float] = {}
    order: dict[tuple[int, int], int] = {}
    for item in problem.items:
        kind = problem.kinds[item.kind]
        home = -1
        if (stay or not item.misplaced) and item.owner not in kind.receivers:
            home = item.owner
        key = (item.kind, home)
        sizes[key] = sizes.get(key, 0.0) + item.size
        number = order.setdefault(key, len(order))
        if group_of is not None:
            group_of.append(number)
    groups = []
    for (number, home), size in sizes.items():
        kind = problem.kinds[number]
        allowed = sorted({*kind.receivers, home} - {-1}) if home >= 0 else sorted(kind.receivers)
        inside = [agent for agent in allowed if agent in slot]
        if len(inside) < len(allowed):  # at a decommissioned agent it is in nobody's way
            groups.append(_Group(0.0, (slot[inside[0]] if inside else 0,), (0.0,), _one(0)))
            continue
        places = tuple(slot[agent] for agent in inside)
        hours = tuple(kind.hours[agent] * percent[slot[agent]] for agent in inside)
        groups.append(
            _Group(size, places, hours, itemgetter(*places) if len(places) > 1 else _one(places[0]))
        )
    return groups


def _one(place: int) -> Callable[[Sequence[float]], Sequence[float]]:
    return lambda weights: (weights[place],)


def _allowed(problem: Problem, number: int, stay: bool) -> list[int]:
    item = problem.items[number]
    found = list(problem.kinds[item.kind].receivers)
    if (stay or not item.misplaced) and item.owner not in found:
        found.append(item.owner)
    return found


def _largest_task(problem: Problem, slot: dict[int, int], percent: list[float], stay: bool) -> float:
    """What the agent that is best at the worst task is used by it, beside what it has anyway."""
    least: dict[tuple[int, int], float] = {}
    worst = 0.0
    for number, item in enumerate(problem.items):
        key = (item.kind, item.owner if stay or not item.misplaced else -1)
        unit = least.get(key)
        if unit is None:
            hours = problem.kinds[item.kind].hours
            allowed = _allowed(problem, number, stay)
            unit = min(hours[a] * percent[slot[a]] if a in slot else 0.0 for a in allowed)
            least[key] = unit
        worst = max(worst, unit * item.size)
    return worst


def on_grid(problem: Problem, peak: float, stay: bool) -> float:
    """`peak`, or what is next above it where all hours are whole: then so is the load of every agent."""
    for a, counts in enumerate(problem.counted):
        if counts and not _is_whole(problem.fixed_hours[a]):
            return peak
    for number, item in enumerate(problem.items):
        hours = problem.kinds[item.kind].hours
        if not all(_is_whole(item.size * hours[a]) for a in _allowed(problem, number, stay)):
            return peak
    steps = {problem.capacity[a] for a, counts in enumerate(problem.counted) if counts}
    above = (math.ceil(peak * capacity / 100.0 - 1e-6) * 100.0 / capacity for capacity in steps)
    return max(peak, min(above, default=peak))


def _is_whole(hours: float) -> bool:
    return abs(hours - round(hours)) <= _WHOLE
