"""From too much to enough, in few moves: tasks leave an agent that is above its limit, the largest that helps first.

The smallest task that is enough alone, else the largest that fits somewhere: so the number of removals stays near the
fewest that can be. Where nothing fits, room is made: another task leaves the receiver for a third agent.
"""

import heapq
from bisect import bisect_left
from collections.abc import Sequence
from random import Random

from core.balance.state import TINY, State

_LARGEST, _ROOMIEST = 8, 8  # tasks, and receivers of each, that are looked at where room has to be made


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
        leaving = _Leaving(state, limits, agent)
        while state.load[agent] > limits[agent] + TINY * (1 + limits[agent]):
            if leaving.one(chance):
                continue
            if _with_room_made(state, limits, agent):
                leaving = _Leaving(state, limits, agent)
            else:
                if wholly:
                    return False
                stuck.add(agent)
                break
    return not stuck


class _Leaving:
    """The tasks of one agent by size, and for each kind the agent that has most room for it, kept up to date."""

    def __init__(self, state: State, limits: Sequence[float], agent: int) -> None:
        self.state, self.limits, self.agent = state, limits, agent
        self.sizes = sorted((state.hours(i, agent), -i) for i in state.held[agent])
        self.rooms: dict[int, tuple[float, int]] = {}

    def one(self, chance: Random | None) -> bool:
        """Move the best task to where it fits: the smallest that is enough, else the largest; False if none fits."""
        need = self.state.load[self.agent] - self.limits[self.agent]
        first = bisect_left(self.sizes, (need - TINY, -(1 << 60)))
        for place in (*range(first, len(self.sizes)), *range(first - 1, -1, -1)):
            i = -self.sizes[place][1]
            if self._fits(i):
                del self.sizes[place]
                to = _place(self.state, self.limits, i, self.agent, chance)
                for kind in [kind for kind, (_, best) in self.rooms.items() if best == to]:
                    del self.rooms[kind]
                return True
        return False

    def _fits(self, i: int) -> bool:
        state, limits = self.state, self.limits
        item = state.problem.items[i]
        hours, load = state.problem.kinds[item.kind].hours, state.load
        found = self.rooms.get(item.kind)
        if found is None:
            found = max(
                (((limits[b] - load[b]) / hours[b], b)
                 for b in state.problem.kinds[item.kind].receivers if b != self.agent), default=(-1.0, -1),
            )  # fmt: skip
            self.rooms[item.kind] = found
        room, best = found
        if item.size <= room + TINY and not (item.misplaced and best == item.owner):
            return True
        if self.agent == item.owner or item.misplaced:
            return False
        return item.size * hours[item.owner] <= limits[item.owner] - load[item.owner] + TINY


def _place(state: State, limits: Sequence[float], i: int, agent: int, chance: Random | None) -> int:
    """Move an item to the best of the agents where it fits; which that was."""
    problem = state.problem
    item = problem.items[i]
    hours = problem.kinds[item.kind].hours
    queue = problem.options.queue_limit or 1 << 30
    aims = problem.options.target > 0
    load, targets, pending, capacity = state.load, state.targets, state.pending, problem.capacity
    best: tuple[float, bool, float, int] | None = None
    fits = []
    for b in problem.allowed[i]:
        there = load[b] + item.size * hours[b]
        if b == agent or there > limits[b] + TINY:
            continue
        if b == item.owner:  # home
            state.move(i, b)
            return b
        fits.append(b)
        beyond = 0.0
        if aims and there > targets[b]:
            beyond = there - max(targets[b], load[b])
        found = (beyond, pending[b] >= queue, (there - limits[b]) / capacity[b], b)
        if best is None or found < best:
            best = found
    assert best is not None  # whoever calls has seen that it fits somewhere
    to = best[3]
    if chance is not None and chance.random() < 0.5:
        to = fits[int(chance.random() * len(fits))]
    state.move(i, to)
    return to


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
            for b in problem.allowed[i] if b != agent
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
