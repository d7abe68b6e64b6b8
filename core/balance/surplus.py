"""Less excess above the target, less overflow of queues, without raising the peak."""

from collections.abc import Sequence

from core.balance.relief import receivers_of
from core.balance.state import TINY, State


def _excess_change(state: State, agent: int, hours: float) -> float:
    load, target = state.load[agent], state.targets[agent]
    return max(0.0, load + hours - target) - max(0.0, load - target)


def lessen_excess(state: State, limits: Sequence[float], enough: float, looks: int) -> None:
    """Move tasks from agents above the target to where they add least excess, until it is `enough` [h].

    `looks` is how many candidates are looked at, at most.
    """
    problem = state.problem
    if not problem.options.target:
        return
    excess = state.excess()
    done: set[int] = set()
    while excess > enough + TINY and looks > 0:
        over = [
            (state.targets[a] - state.load[a], a) for a, counts in enumerate(problem.counted)
            if counts and a not in done and state.load[a] > state.targets[a] + TINY and state.held[a]
        ]  # fmt: skip
        if not over:
            return
        _, agent = min(over)
        best = (-1e-6, -1, -1, -1)
        for i in state.held[agent]:
            out = _excess_change(state, agent, -state.hours(i, agent))
            for b in receivers_of(problem, i):
                if b == agent or out >= best[0] - 1e-12:
                    continue
                looks -= 1
                comes = state.hours(i, b)
                if state.load[b] + comes <= limits[b] + TINY:
                    change = out + _excess_change(state, b, comes)
                    if change < best[0] - 1e-12:
                        best = (change, i, b, -1)
        if best[1] < 0:
            best, looks = _exchange(state, limits, agent, looks)
        if best[1] < 0:
            done.add(agent)
            continue
        change, i, b, j = best
        state.move(i, b)
        if j >= 0:
            state.move(j, agent)
        excess += change
        # Whoever has more room or less now may be helped, or help.
        done.discard(b)


def _exchange(
    state: State, limits: Sequence[float], agent: int, looks: int
) -> tuple[tuple[float, int, int, int], int]:
    """The best exchange of one task of `agent` for one of another agent."""
    problem = state.problem
    best = (-1e-6, -1, -1, -1)
    for i in state.held[agent]:
        leaves = state.hours(i, agent)
        for b in receivers_of(problem, i):
            if b == agent:
                continue
            comes = state.hours(i, b)
            for j in state.held[b]:
                if agent not in problem.kinds[problem.items[j].kind].hours or agent not in receivers_of(
                    problem, j
                ):
                    continue
                looks -= 1
                net = state.hours(j, agent) - leaves
                there = comes - state.hours(j, b)
                if state.load[b] + there > limits[b] + TINY or state.load[agent] + net > limits[agent] + TINY:
                    continue
                change = _excess_change(state, agent, net) + _excess_change(state, b, there)
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
    excess = state.excess()
    done: set[int] = set()
    overflow = state.overflow()
    while overflow > enough:
        full = [
            (limit - state.pending[a], a) for a, counts in enumerate(problem.counted)
            if counts and a not in done and state.pending[a] > limit and state.held[a]
        ]  # fmt: skip
        if not full:
            return
        _, agent = min(full)
        best: tuple[float, float, int, int] | None = None
        places: dict[int, list[int]] = {}
        for i in state.held[agent]:
            item = problem.items[i]
            open_ = places.get(item.kind)
            if open_ is None:
                open_ = places[item.kind] = [
                    b for b in problem.kinds[item.kind].receivers if b != agent and state.pending[b] < limit
                ]
            hours = problem.kinds[item.kind].hours
            homes = [item.owner] if (
                item.owner != agent and not item.misplaced and problem.counted[item.owner]
                and state.pending[item.owner] < limit
            ) else []  # fmt: skip
            for b in (*open_, *homes):
                comes = item.size * hours[b]
                if state.load[b] + comes > limits[b] + TINY:
                    continue
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
        state.move(i, b)
        excess = state.excess() if problem.options.target else 0.0
        overflow -= 1
