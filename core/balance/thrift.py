"""The same goals with fewer moves: what need not have moved goes back, two moves become one, parts are sought anew."""

import heapq
from collections.abc import Callable
from random import Random

from core.balance.relief import relieve
from core.balance.state import TINY, Goals, Score, State

_PAIRS = 60  # pairs of one agent's moves that are tried to become one
_SENT, _RECEIVERS = 5, 3  # tasks that are tried to go instead, and agents for each


def put_back(state: State, goals: Goals, order: Callable[[int], tuple[float, int]] | None = None) -> None:
    """Return every task that can be at home without missing a goal, until none is left."""
    problem = state.problem
    while True:
        moved = [i for i in state.moved() if not problem.items[i].misplaced]
        moved.sort(key=order if order is not None else lambda i: (state.hours(i, problem.items[i].owner), i))
        excess, overflow = state.excess(), state.overflow()
        back = 0
        for i in moved:
            change = returns(state, goals, i, excess, overflow)
            if change is not None:
                excess, overflow = excess + change[0], overflow + change[1]
                state.move(i, problem.items[i].owner)
                back += 1
        if not back:
            return


def returns(state: State, goals: Goals, i: int, excess: float, overflow: int) -> tuple[float, int] | None:
    """How excess and overflow change if item i goes home; None if that misses a goal."""
    problem = state.problem
    home, here = problem.items[i].owner, state.where[i]
    there = state.load[home] + state.hours(i, home)
    if not problem.counted[home]:
        return None
    if there > goals.limits[home] + TINY * (1 + goals.limits[home]):
        return None
    change = 0.0
    if problem.options.target:
        target, other = state.targets[home], state.targets[here]
        change = max(0.0, there - target) - max(0.0, state.load[home] - target)
        left = state.load[here] - state.hours(i, here)
        change += max(0.0, left - other) - max(0.0, state.load[here] - other)
        if excess + change > goals.excess + TINY:
            return None
    more = 0
    limit = problem.options.queue_limit
    if limit:
        more = int(state.pending[home] >= limit) - int(state.pending[here] > limit)
        if overflow + more > goals.overflow:
            return None
    return change, more


def merge(state: State, goals: Goals) -> bool:
    """Let one task go where two went from the same agent; whether any could."""
    problem = state.problem
    leavers: dict[int, list[int]] = {}
    for i in state.moved():
        if not problem.items[i].misplaced:
            leavers.setdefault(problem.items[i].owner, []).append(i)
    done = False
    for agent, gone in leavers.items():
        home = [i for i in state.held[agent] if problem.items[i].owner == agent]
        if len(gone) < 2 or not home:
            continue
        sizes = sorted((state.hours(i, agent), i) for i in home)
        ordered = sorted(gone, key=lambda i: (state.hours(i, agent), i))
        tried = 0
        for first, i in enumerate(ordered):
            if i not in gone:
                continue
            for j in ordered[first + 1 :]:
                if j not in gone or i not in gone:
                    continue
                tried += 1
                need = state.load[agent] + state.hours(i, agent) + state.hours(j, agent) - goals.limits[agent]
                if tried > _PAIRS or need > sizes[-1][0] + TINY:
                    break
                if _swapped(state, goals, agent, i, j, [k for size, k in sizes if size >= need - TINY]):
                    gone.remove(i)
                    gone.remove(j)
                    sizes = sorted(
                        (state.hours(k, agent), k) for k in state.held[agent] if problem.items[k].owner == agent
                    )  # fmt: skip
                    done = True
                    break
            if tried > _PAIRS:
                break
    return done


def _swapped(state: State, goals: Goals, agent: int, i: int, j: int, others: list[int]) -> bool:
    """Bring i and j home and send one of `others` instead, if that keeps the goals, which are met before."""
    problem = state.problem
    was_i, was_j = state.where[i], state.where[j]
    excess, overflow = state.excess(), state.overflow()
    around = (agent, was_i, was_j)
    before = _share(state, around)
    state.move(i, agent)
    state.move(j, agent)
    for k in others[:_SENT]:
        into = [
            (state.load[b] + state.hours(k, b) - goals.limits[b], b) for b in problem.allowed[k] if b != agent
        ]  # fmt: skip
        for over, b in heapq.nsmallest(_RECEIVERS, into):
            if over > TINY * (1 + goals.limits[b]):
                continue
            extra = (0.0, 0) if b in around else _share(state, (b,))
            state.move(k, b)
            if state.load[agent] <= goals.limits[agent] + TINY * (1 + goals.limits[agent]):
                after = _share(state, around if b in around else (*around, b))
                if (
                    excess + after[0] - before[0] - extra[0] <= goals.excess + TINY
                    and overflow + after[1] - before[1] - extra[1] <= goals.overflow
                ):
                    return True
            state.move(k, agent)
    state.move(i, was_i)
    state.move(j, was_j)
    return False


def _share(state: State, agents: tuple[int, ...]) -> tuple[float, int]:
    """Excess [h] and overflow of these agents."""
    problem = state.problem
    excess, overflow = 0.0, 0
    for agent in set(agents):
        if problem.counted[agent]:
            if problem.options.target:
                excess += max(0.0, state.load[agent] - state.targets[agent])
            if problem.options.queue_limit:
                overflow += max(0, state.pending[agent] - problem.options.queue_limit)
    return excess, overflow


def thin(state: State, goals: Goals) -> None:
    """Fewer moves by both ways, until neither finds any."""
    put_back(state, goals)
    while merge(state, goals):
        put_back(state, goals)


def rank(score: Score) -> tuple[int, float, int]:
    """What counts once the goals are reached: moves, then hours, then disruption."""
    return score.moves, round(score.hours, 9), score.disruption


def retry(
    state: State, goals: Goals, rounds: int, seed: int, finish: Callable[[State, Goals, Random], bool],
    stop: Callable[[int, int], None],
) -> State:  # fmt: skip
    """Ruin and recreate (Schrimpf 2000): part of the moves is undone and sought anew; the best that was found.

    `finish` brings a state back to the goals. `stop` is told how far it is.
    """
    problem = state.problem
    chance = Random(seed)
    best, best_rank = state, rank(state.score())
    now, now_rank = best, best_rank
    for turn in range(rounds):
        stop(turn, rounds)
        moved = now.moved()
        if len(moved) < 1:
            break
        other = now.copy()
        around = {now.where[moved[int(chance.random() * len(moved))]]}
        around.add(problem.items[moved[int(chance.random() * len(moved))]].owner)
        part = [i for i in moved if now.where[i] in around or problem.items[i].owner in around]
        share = 0.3 + 0.7 * chance.random()
        for i in part:
            if chance.random() < share:
                item = problem.items[i]
                if not item.misplaced:
                    other.move(i, item.owner)
                else:
                    rows = problem.kinds[item.kind].receivers
                    other.move(i, rows[int(chance.random() * len(rows))])
        if not finish(other, goals, chance):
            continue
        thin(other, goals)
        found = rank(other.score())
        if found <= now_rank:
            now, now_rank = other, found
            if found < best_rank:
                best, best_rank = other.copy(), found
    return best


def bring_within(state: State, goals: Goals, chance: Random | None) -> bool:
    """Relieve whoever is above a limit; whether the other goals are met then as well."""
    return relieve(state, goals.limits, chance) and state.reaches(goals)
