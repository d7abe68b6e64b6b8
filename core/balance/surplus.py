"""Less excess above the target, less overflow of queues, without raising the peak.

Of the agents that may have a task only those are looked at that have most room, or do it in the least hours.
"""

import heapq
from collections.abc import Sequence

from core.balance.state import TINY, State

_ROOMIEST, _QUICKEST = 6, 4
_LEAST = 1e-6  # hours that are worth looking at
Best = tuple[float, int, int, int]  # change [h], item, receiver, item that comes back or -1
_NONE: Best = (-_LEAST, -1, -1, -1)


def _excess_change(state: State, agent: int, hours: float) -> float:
    """How excess [h] changes if `agent` has so many hours more."""
    above = state.load[agent] - state.targets[agent]
    return max(0.0, above + hours) - max(0.0, above)


class _Likely:
    """For tasks of one kind the agents that come first into question, as things are now."""

    def __init__(self, state: State, agent: int, roofs: Sequence[float]) -> None:
        self.state, self.agent, self.roofs = state, agent, roofs
        self.known: dict[int, list[int]] = {}

    def of(self, item: int) -> list[int]:
        """Agents for an item, its owner among them."""
        problem = self.state.problem
        row = problem.items[item]
        found = self.known.get(row.kind)
        if found is None:
            hours, load = problem.kinds[row.kind].hours, self.state.load
            others = [a for a in problem.kinds[row.kind].receivers if a != self.agent]
            found = heapq.nlargest(
                _ROOMIEST, others, key=lambda a: ((self.roofs[a] - load[a]) / hours[a], -a)
            )
            found += [
                a for a in heapq.nsmallest(_QUICKEST, others, key=lambda a: (hours[a], a)) if a not in found
            ]
            self.known[row.kind] = found
        if row.owner == self.agent:
            return found
        if row.misplaced:
            return [a for a in found if a != row.owner]
        return found if row.owner in found else [*found, row.owner]


def lessen_excess(state: State, limits: Sequence[float], enough: float, looks: int) -> None:
    """Move tasks from agents above the target to where they add least excess, until it is `enough` [h].

    `looks` is how many exchanges are looked at, at most.
    """
    problem = state.problem
    if not problem.options.target:
        return
    excess = state.excess()
    done: set[int] = set()
    while excess > enough + TINY:
        over = [
            (state.targets[a] - state.load[a], a) for a, counts in enumerate(problem.counted)
            if counts and a not in done and state.load[a] > state.targets[a] + TINY and state.held[a]
        ]  # fmt: skip
        if not over:
            return
        _, agent = min(over)
        likely = _Likely(state, agent, state.targets)
        best = _single(state, limits, agent, likely)
        if best[1] < 0 and looks > 0:
            best, looks = _exchange(state, limits, agent, likely, looks)
        if best[1] < 0:
            done.add(agent)
            continue
        change, i, b, j = best
        state.move(i, b)
        if j >= 0:
            state.move(j, agent)
        excess += change
        done.discard(b)


def _single(state: State, limits: Sequence[float], agent: int, likely: _Likely) -> Best:
    """The move of one task of `agent` that takes most excess away."""
    problem, load, targets = state.problem, state.load, state.targets
    best = _NONE
    above = load[agent] - targets[agent]
    for i in state.held[agent]:
        row = problem.items[i]
        hours, size = problem.kinds[row.kind].hours, row.size
        out = -min(above, size * hours[agent])
        if out >= best[0] - 1e-12:
            continue
        for b in likely.of(i):
            there = load[b] + size * hours[b]
            if there <= limits[b] + TINY:
                change = out + max(0.0, there - targets[b]) - max(0.0, load[b] - targets[b])
                if change < best[0] - 1e-12:
                    best = (change, i, b, -1)
    return best


def _exchange(
    state: State, limits: Sequence[float], agent: int, likely: _Likely, looks: int
) -> tuple[Best, int]:
    """The best exchange of one task of `agent` for one of another agent, and how many looks are left."""
    problem, load, targets = state.problem, state.load, state.targets
    best = _NONE
    above = load[agent] - targets[agent]
    room = limits[agent] - load[agent] + TINY
    back: dict[int, list[tuple[int, float, float]]] = {}
    for i in state.held[agent]:
        leaves = state.hours(i, agent)
        for b in likely.of(i):
            rows = back.get(b)
            if rows is None:
                rows = back[b] = [
                    (j, state.hours(j, agent), state.hours(j, b)) for j in state.held[b] if agent in problem.allowed[j]
                ]  # fmt: skip
            comes = state.hours(i, b)
            there_room = limits[b] - load[b] + TINY
            there_above = load[b] - targets[b]
            base = -above - (there_above if there_above > 0 else 0.0)
            looks -= len(rows) + 1
            for j, here, was in rows:
                net, there = here - leaves, comes - was
                if net > room or there > there_room:
                    continue
                x, y = above + net, there_above + there
                change = base + (x if x > 0 else 0.0) + (y if y > 0 else 0.0)
                if change < best[0] - 1e-12:
                    best = (change, i, b, j)
        if looks <= 0:
            break
    return best, looks


def lessen_overflow(state: State, limits: Sequence[float], excess_limit: float, enough: float) -> None:
    """Move tasks from full queues to those with places left, the smallest first, until the overflow is `enough`."""
    problem = state.problem
    limit = problem.options.queue_limit
    if not limit:
        return
    level = not problem.options.target
    excess = state.excess()
    done: set[int] = set()
    overflow = state.overflow()
    places = [a for a, counts in enumerate(problem.counted) if counts]
    while overflow > enough:
        full = [
            (-state.pending[a], a)
            for a in places
            if a not in done and state.pending[a] > limit and state.held[a]
        ]
        if not full:
            return
        _, agent = min(full)
        open_ = {a for a in places if state.pending[a] < limit and limits[a] > state.load[a]}
        best: tuple[float, float, int, int] | None = None
        known: dict[int, list[int]] = {}
        for i in state.held[agent]:
            item = problem.items[i]
            rows = known.get(item.kind)
            hours = problem.kinds[item.kind].hours
            if rows is None:
                rows = known[item.kind] = heapq.nlargest(
                    _ROOMIEST,
                    (b for b in problem.kinds[item.kind].receivers if b in open_),
                    key=lambda b: ((min(limits[b], state.targets[b]) - state.load[b]) / hours[b], -b)
                    if not level else ((limits[b] - state.load[b]) / hours[b], -b),
                )  # fmt: skip
            home = item.owner != agent and not item.misplaced and item.owner in open_
            for b in (*rows, *((item.owner,) if home and item.owner not in rows else ())):
                if item.misplaced and b == item.owner:
                    continue
                comes = item.size * hours[b]
                if state.load[b] + comes > limits[b] + TINY:
                    continue
                change = 0.0
                if not level:
                    change = _excess_change(state, b, comes)
                    change += _excess_change(state, agent, -item.size * hours[agent])
                    if excess + change > excess_limit + TINY:
                        continue
                found = (max(0.0, change), comes / problem.capacity[b], i, b)
                if best is None or found < best:
                    best = found
        if best is None:
            done.add(agent)
            continue
        _, _, i, b = best
        if not level:
            excess += _excess_change(state, b, state.hours(i, b))
            excess += _excess_change(state, agent, -state.hours(i, agent))
        state.move(i, b)
        overflow -= 1
