"""From too much to enough, in few moves: tasks leave an agent that is above its limit, the largest that helps first.

The smallest task that is enough alone, else the largest that fits somewhere: so the number of removals stays near the
fewest that can be. Where nothing fits, room is made: another task leaves the receiver for a third agent.
"""

import heapq
from collections.abc import Sequence
from random import Random

from core.balance.problem import Problem
from core.balance.state import TINY, State

_LARGEST, _ROOMIEST = 8, 8  # tasks, and receivers of each, that are looked at where room has to be made


def receivers_of(problem: Problem, item: int) -> tuple[int, ...]:
    """Where an item may be: where it was first too, unless it is misplaced there."""
    return problem.allowed[item]


def evacuate(state: State, most: int) -> int:
    """Give every misplaced task to the eligible agent that has most room then, largest first; how many moved."""
    problem = state.problem
    waiting = [i for i, item in enumerate(problem.items) if item.misplaced and state.where[i] == item.owner]
    waiting.sort(key=lambda i: (-problem.items[i].hours, i))
    for i in waiting[:most]:
        item = problem.items[i]
        hours = problem.kinds[item.kind].hours
        state.move(i, min(
            (agent for agent in problem.kinds[item.kind].receivers if agent != item.owner),
            key=lambda a: ((state.load[a] + item.size * hours[a]) / problem.capacity[a], a),
        ))  # fmt: skip
    return min(most, len(waiting))


def relieve(
    state: State, limits: Sequence[float], chance: Random | None = None, wholly: bool = False
) -> bool:
    """Move tasks until every agent is within `limits` [h]; whether that could be done.

    With `chance` the receivers are drawn rather than chosen. `wholly`: what cannot be done in full is given up
    at once.
    """
    problem = state.problem
    stuck: set[int] = set()
    agents = [a for a, counts in enumerate(problem.counted) if counts]
    while True:
        over = [
            (-(state.load[a] - limits[a]) / problem.capacity[a], a)
            for a in agents
            if a not in stuck and state.load[a] > limits[a] + TINY * (1 + limits[a])
        ]
        if not over:
            break
        _, agent = min(over)
        while state.load[agent] > limits[agent] + TINY * (1 + limits[agent]):
            if not _one(state, limits, agent, chance) and not _with_room_made(state, limits, agent):
                if wholly:
                    return False
                stuck.add(agent)
                break
    return not stuck


def _one(state: State, limits: Sequence[float], agent: int, chance: Random | None) -> bool:
    """Move the best task of `agent` to where it fits; False if none fits anywhere."""
    problem = state.problem
    load, items, kinds = state.load, problem.items, problem.kinds
    need = load[agent] - limits[agent]
    rooms: dict[int, float] = {}
    enough: tuple[float, int] | None = None
    largest: tuple[float, int] | None = None
    for i in state.held[agent]:
        item = items[i]
        hours = kinds[item.kind].hours
        room = rooms.get(item.kind)
        if room is None:
            room = max(
                ((limits[b] - load[b]) / hours[b] for b in kinds[item.kind].receivers if b != agent),
                default=-1.0,
            )
            rooms[item.kind] = room
        size = item.size
        if size > room + TINY:
            if agent == item.owner or item.misplaced:
                continue
            home = item.owner
            if size * hours[home] > limits[home] - load[home] + TINY:
                continue
        here = size * hours[agent]
        if here >= need - TINY:
            if enough is None or (here, i) < enough:
                enough = (here, i)
        elif largest is None or (-here, i) < largest:
            largest = (-here, i)
    if enough is None and largest is None:
        return False
    chosen = enough if enough is not None else largest
    assert chosen is not None
    _place(state, limits, chosen[1], agent, chance)
    return True


def _place(state: State, limits: Sequence[float], i: int, agent: int, chance: Random | None) -> None:
    """Move an item to the best of the agents where it fits."""
    problem = state.problem
    item = problem.items[i]
    hours = problem.kinds[item.kind].hours
    queue = problem.options.queue_limit or 1 << 30
    fits = [
        b for b in receivers_of(problem, i)
        if b != agent and item.size * hours[b] <= limits[b] - state.load[b] + TINY
    ]  # fmt: skip
    if not item.misplaced and item.owner in fits:
        state.move(i, item.owner)
    elif chance is not None and chance.random() < 0.5:
        state.move(i, fits[int(chance.random() * len(fits))])
    else:
        state.move(i, min(fits, key=lambda b: (
            state.pending[b] >= queue,
            (state.load[b] + item.size * hours[b] - limits[b]) / problem.capacity[b],
            b,
        )))  # fmt: skip


def _with_room_made(state: State, limits: Sequence[float], agent: int) -> bool:
    """Move one task to an agent from which another first goes on to a third, or comes back in exchange."""
    problem = state.problem
    load, items, kinds = state.load, problem.items, problem.kinds
    need = load[agent] - limits[agent]
    roomy: dict[int, list[tuple[float, int]]] = {}
    best: tuple[float, int, int, int, int] | None = None
    here_of = {i: state.hours(i, agent) for i in state.held[agent]}
    for i in sorted(here_of, key=lambda i: (-here_of[i], i))[:_LARGEST]:
        here = here_of[i]
        if best is not None and best[0] <= -min(need, here) + TINY:
            break
        size, hours = items[i].size, kinds[items[i].kind].hours
        into = [
            ((load[b] + size * hours[b] - limits[b]) / problem.capacity[b], b)
            for b in receivers_of(problem, i) if b != agent
        ]  # fmt: skip
        for _, b in heapq.nsmallest(_ROOMIEST, into):
            lacking = load[b] + size * hours[b] - limits[b]
            for j in state.held[b]:
                item = items[j]
                takes = kinds[item.kind].hours
                if item.size * takes[b] < lacking - TINY:
                    continue
                if agent in takes and here - item.size * takes[agent] > 1e-6 and (
                    not item.misplaced or item.owner != agent
                ) and (agent == item.owner or agent in kinds[item.kind].receivers):  # fmt: skip
                    found = (-min(need, here - item.size * takes[agent]), i, b, j, agent)
                    if best is None or found < best:
                        best = found
                rows = roomy.get(item.kind)
                if rows is None:
                    rows = roomy[item.kind] = heapq.nlargest(3, (
                        ((limits[c] - load[c]) / takes[c], -c) for c in kinds[item.kind].receivers
                    ))  # fmt: skip
                for room, third in rows:
                    c = -third
                    if c in (b, agent) or room < item.size - TINY or (item.misplaced and c == item.owner):
                        continue
                    found = (-min(need, here), i, b, j, c)
                    if best is None or found < best:
                        best = found
                    break
    if best is None:
        return False
    _, i, b, j, c = best
    state.move(j, c)
    state.move(i, b)
    return True
