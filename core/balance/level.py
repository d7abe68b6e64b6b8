"""Bringing the highest load down: tabu search on the square of what is above a limit.

Each step takes the agent that is most above (now and then another one), and does the best of all single moves and
exchanges of its tasks with the agents that are cheapest for them; a task that was moved stays for a few steps, so
that the search climbs out of what is only locally best (Glover 1989). Effort is counted in looks at candidates, not in
seconds, so the outcome does not depend on the machine.
"""

import random
from collections.abc import Callable

from core.balance.problem import Problem
from core.balance.state import TINY, State

NEAREST = 8  # candidates of a task, where there are many
_OTHER = 0.25  # how often another agent than the worst is taken
_STAY, _STAY_MORE = 5, 10

Stop = Callable[[], None]


def candidates_of(
    problem: Problem, prices: tuple[float, ...], most: int = NEAREST
) -> list[list[tuple[int, float]]]:
    """For each item the agents that it may be at, the cheapest by `prices` first, with its hours there."""
    known: dict[tuple[int, int], list[int]] = {}
    found: list[list[tuple[int, float]]] = []
    for item in problem.items:
        kind = problem.kinds[item.kind]
        stay = item.owner if not item.misplaced and problem.counted[item.owner] else -1
        key = (item.kind, stay)
        agents = known.get(key)
        if agents is None:
            allowed = set(kind.receivers)
            allowed.discard(item.owner)
            if stay >= 0:
                allowed.add(stay)
            hours = kind.hours
            agents = sorted(allowed, key=lambda a: (prices[a] * hours[a], hours[a], a))[:most]
            if stay >= 0 and stay not in agents:
                agents.append(stay)
            known[key] = agents
        found.append([(agent, item.size * kind.hours[agent]) for agent in agents])
    return found


def lower(
    state: State,
    candidates: list[list[tuple[int, float]]],
    limits: list[float],
    effort: int,
    seed: int,
    pull: tuple[float, ...] | None = None,
    thrift: float = 0.0,
) -> bool:
    """Search from `state` on for loads within `limits` [h]; leaves it at the lowest peak that was met.

    `effort` is how many candidates are looked at, at most. `pull`, prices by agent, draws the search to agents
    where hours are cheap. `thrift` is what it costs to take a task from where it was first, in the unit of the squares.
    True if all are within.
    """  # fmt: skip
    problem = state.problem
    counted = problem.counted
    chance = random.Random(seed).random
    agents = range(len(problem.names))
    inverse = [1.0 / limit if limit > 0 else 1e6 for limit in limits]
    above = [state.load[a] * inverse[a] - 1.0 if counted[a] else -1e9 for a in agents]
    share = [{a: hours * inverse[a] for a, hours in row} for row in candidates]
    for i, agent in enumerate(state.where):
        share[i].setdefault(agent, state.hours(i, agent) * inverse[agent])
    rows = [list(row.items()) for row in share]
    waste: list[dict[int, float]] | None = None
    if pull is not None:
        waste = [{a: pull[a] / inverse[a] * part for a, part in row.items()} for row in share]
    owner = [item.owner for item in problem.items]
    held = [items[:] for items in state.held]
    where = state.where[:]
    best, best_where = max(above, default=-1.0), where[:]
    blocked = [-1] * len(where)
    step = 0
    while effort > 0 and best > TINY:
        step += 1
        effort -= 20
        if chance() >= _OTHER:
            worst = max(agents, key=above.__getitem__)
        else:
            over = [a for a in agents if above[a] > TINY]
            if not over:
                break
            worst = over[int(chance() * len(over))]
        high = above[worst]
        if high <= TINY:
            break
        least, chosen = 1e300, None
        square = high * high
        for i in held[worst]:
            if blocked[i] > step:
                continue
            mine = share[i][worst]
            left = high - mine
            left_square = left * left if left > 0 else 0.0
            lost = waste[i] if waste is not None else None
            for to, part in rows[i]:
                if to == worst:
                    continue
                there = above[to]
                full = there + part
                base = -square - (there * there if there > 0 else 0.0)
                if thrift:
                    base += thrift * ((to != owner[i]) - (worst != owner[i]))
                if lost is not None:
                    base += lost[to] - lost[worst]
                change = base + left_square
                if full > 0:
                    change += full * full
                if change < least:
                    least, chosen = change, (i, to, -1)
                if full > 0:
                    effort -= len(held[to])
                    for j in held[to]:
                        other = share[j]
                        back = other.get(worst)
                        if back is None or blocked[j] > step:
                            continue
                        x, y = left + back, full - other[to]
                        change = base
                        if x > 0:
                            change += x * x
                        if y > 0:
                            change += y * y
                        if waste is not None:
                            change += waste[j][worst] - waste[j][to]
                        if thrift:
                            change += thrift * ((worst != owner[j]) - (to != owner[j]))
                        if change < least:
                            least, chosen = change, (i, to, j)
                else:
                    effort -= 1
        if chosen is None:
            continue
        i, to, j = chosen
        above[worst] -= share[i][worst]
        above[to] += share[i][to]
        held[worst].remove(i)
        held[to].append(i)
        where[i] = to
        blocked[i] = step + _STAY + int(chance() * _STAY_MORE)
        if j >= 0:
            above[to] -= share[j][to]
            above[worst] += share[j][worst]
            held[to].remove(j)
            held[worst].append(j)
            where[j] = worst
            blocked[j] = step + _STAY + int(chance() * _STAY_MORE)
        highest = max(above)
        if highest < best - 1e-12:
            best, best_where = highest, where[:]
    settle(state, best_where)
    return best <= TINY


def settle(state: State, where: list[int]) -> None:
    """Make the state that assignment."""
    state.where = where[:]
    state.held = [[] for _ in state.problem.names]
    for number, agent in enumerate(where):
        state.held[agent].append(number)
    state.recount()
