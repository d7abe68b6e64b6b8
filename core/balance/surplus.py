"""Less excess above the target, less overflow of queues, without raising the peak.

Of the agents that may have a task only those are looked at that have most room, or do it in the least hours.
"""

import heapq
from bisect import insort
from collections.abc import Sequence

from core.balance.state import TINY, State

_ROOMIEST, _QUICKEST = 6, 4
_MORE = 8  # tasks that are looked at after the first that costs nothing
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

    def changed(self, agent: int) -> None:
        """Another load: whoever had that agent in mind looks again."""
        for kind in [kind for kind, found in self.known.items() if agent in found]:
            del self.known[kind]

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
        sizes = sorted(((state.hours(i, agent), -i) for i in state.held[agent]), reverse=True)
        while excess > enough + TINY:
            best = _single(state, limits, agent, likely, sizes)
            if best[1] < 0 and looks > 0:
                best, looks = _exchange(state, limits, agent, likely, looks)
            if best[1] < 0:
                done.add(agent)
                break
            change, i, b, j = best
            sizes.remove((state.hours(i, agent), -i))
            state.move(i, b)
            if j >= 0:
                state.move(j, agent)
                insort(sizes, (state.hours(j, agent), -j), key=lambda row: (-row[0], -row[1]))
            excess += change
            done.discard(b)
            likely.changed(b)
            if state.load[agent] <= state.targets[agent] + TINY:
                break


def _single(
    state: State, limits: Sequence[float], agent: int, likely: _Likely, sizes: list[tuple[float, int]]
) -> Best:
    """The move of one task of `agent` that takes most excess away; `sizes` are its tasks, the largest first."""
    problem, load, targets = state.problem, state.load, state.targets
    best = _NONE
    above = load[agent] - targets[agent]
    for here, minus in sizes:
        i = -minus
        out = -min(above, here)
        if out >= best[0] - 1e-12:
            break  # none of the smaller ones can take more away
        row = problem.items[i]
        hours, size = problem.kinds[row.kind].hours, row.size
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
    last, rows = -1, _Places(state, limits, -1)
    while overflow > enough:
        full = [
            (-state.pending[a], a)
            for a in places
            if a not in done and state.pending[a] > limit and state.held[a]
        ]
        if not full:
            return
        _, agent = min(full)
        if agent != last:
            last, rows = agent, _Places(state, limits, agent)
        best: tuple[float, float, int, int] | None = None
        seen = 0
        for _, i in rows.sizes:
            item = problem.items[i]
            hours = problem.kinds[item.kind].hours
            for b in rows.of(i):
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
            if best is not None and best[0] <= 0:
                seen += 1
                if seen > _MORE:
                    break
        if best is None:
            done.add(agent)
            continue
        _, _, i, b = best
        if not level:
            excess += _excess_change(state, b, state.hours(i, b))
            excess += _excess_change(state, agent, -state.hours(i, agent))
        rows.sizes.remove((state.hours(i, agent), i))
        state.move(i, b)
        rows.changed(b)
        overflow -= 1


class _Places:
    """The tasks of a full queue, the smallest first, and where there is a place for each."""

    def __init__(self, state: State, limits: Sequence[float], agent: int) -> None:
        self.state, self.limits = state, limits
        self.agent = agent
        self.sizes = sorted((state.hours(i, agent), i) for i in state.held[agent]) if agent >= 0 else []
        self.known: dict[int, list[int]] = {}

    def changed(self, agent: int) -> None:
        """One place less: whoever had that agent in mind looks again."""
        for kind in [kind for kind, found in self.known.items() if agent in found]:
            del self.known[kind]

    def of(self, i: int) -> list[int]:
        """Agents with a place for an item, those with most room for its kind, and its owner."""
        state, problem = self.state, self.state.problem
        item = problem.items[i]
        limit = problem.options.queue_limit
        found = self.known.get(item.kind)
        if found is None:
            hours = problem.kinds[item.kind].hours
            roofs = self.limits
            if problem.options.target:
                roofs = [min(pair) for pair in zip(self.limits, state.targets, strict=True)]
            found = self.known[item.kind] = heapq.nlargest(
                _ROOMIEST,
                (
                    b
                    for b in problem.kinds[item.kind].receivers
                    if b != self.agent and state.pending[b] < limit
                ),
                key=lambda b: ((roofs[b] - state.load[b]) / hours[b], -b),
            )
        owner = item.owner
        if owner == self.agent or not problem.counted[owner]:
            return found
        if item.misplaced:
            return [b for b in found if b != owner]
        if owner not in found and state.pending[owner] < limit:
            return [*found, owner]
        return found
