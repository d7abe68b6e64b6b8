"""The search for a plan: the best state that can be had first, then the fewest moves that come close enough to it.

Never a chain of single improvements: what is best is known before the first move is chosen, and every task that
moves does so once, to where it stays. All limits are counts of work, so the same files give the same plan anywhere.
"""

import math
from collections.abc import Callable, Sequence
from random import Random
from typing import NamedTuple

from core.balance import level
from core.balance.bound import Bound, bound_of
from core.balance.problem import Problem
from core.balance.relief import evacuate, relieve
from core.balance.state import TINY, Goals, Score, State
from core.balance.surplus import lessen_excess, lessen_overflow
from core.balance.thrift import put_back, rank, retry, thin
from core.balance.world import Tell

# Tolerances of section 4. What is sought stays a little inside, so that planning anew finds nothing to add.
PEAK_TOLERANCE, LEVEL_TOLERANCE = 0.02, 0.005
EXCESS_PART, EXCESS_HOURS = 0.05, 0.5
OVERFLOW_PART, OVERFLOW_TASKS = 0.05, 1
_INSIDE = 0.97
LARGE = 20_000  # tasks that can move: each step is done once then, and not in several ways

_ANY = 1 << 30
_SEEDS = 7
_TURNS = 4  # attempts at a lower peak from each state that is begun with
_PULL = 0.01  # how much prices draw, beside the squares of what is above a limit
_HALVINGS = 9
# What it costs to take a task from its place while the load is lowered: dear at first, until that does not do.
_THRIFT = (0.05, 0.02, 0.01, 0.005, 0.002, 0.001, 0.0005, 0.0002, 0.00005)
_AGAIN = 0.002


class Found(NamedTuple):
    """The state a plan leads to, and the bound on the peak, None where none was needed or known."""

    state: State
    bound: float | None


class Effort(NamedTuple):
    """How much is tried: looks at candidates for a low peak, at exchanges for less excess, rounds for fewer moves."""

    looks: int
    exchanges: int
    rounds: int


def effort_for(problem: Problem) -> Effort:
    """More for small workspaces, where it costs nothing."""
    count = len(problem.items)
    looks = max(400_000, min(3_500_000, 15_000 * count))
    rounds = min(40, 12_000 // (count + 20))
    if not problem.options.target and count > 150:
        looks = min(24_000_000, 48_000 * count)  # nothing but the peak counts, and every per cent of it
    if not problem.options.target and count > 40:
        rounds = 0  # nearly every task moves, and to where it must
    return Effort(looks, max(60_000, min(400_000, 40 * count)), rounds)


def excess_tolerance(excess: float) -> float:
    """What excess [h] may be above the best without being worth a move."""
    return EXCESS_PART * excess + EXCESS_HOURS


def overflow_tolerance(overflow: int) -> float:
    """The same for overflow [tasks]."""
    return max(OVERFLOW_TASKS, OVERFLOW_PART * overflow)


def peak_tolerance(problem: Problem) -> float:
    """The same for the peak, as a part of it."""
    return PEAK_TOLERANCE if problem.options.target else LEVEL_TOLERANCE


def is_worth(problem: Problem, before: Score, after: Score) -> bool:
    """Whether a plan may be proposed at all: it lowers a goal by more than its tolerance."""
    if after.misplaced != before.misplaced:
        return after.misplaced < before.misplaced
    gain = before.peak - after.peak
    if gain > peak_tolerance(problem) * after.peak and gain >= problem.options.min_gain:
        return True
    if gain < -1e-6:
        return False
    return (
        before.excess - after.excess > excess_tolerance(after.excess)
        or before.overflow - after.overflow > overflow_tolerance(after.overflow)
    )  # fmt: skip


def seek(
    problem: Problem, tell: Tell, start: State | None = None, known: float | None = None, thrifty: bool = True
) -> Found:
    """The state to go to, which is that of now where nothing is worth a move.

    `start` is another state to begin from beside that of now, for a second look at what was found. `known` is the
    lowest peak that the search from nothing found before; it is not sought again. Not `thrifty`: the best
    state, whatever it costs in moves.
    """
    return _Search(problem, tell, known).run(start, thrifty)


class _Search:
    def __init__(self, problem: Problem, tell: Tell, known: float | None) -> None:
        self.problem, self.tell, self.known = problem, tell, known
        self.effort = effort_for(problem)
        self.home = State(problem)
        self.before = self.home.score()
        self.budget = problem.options.max_moves or _ANY
        self.bound: Bound | None = None
        self.groups: list[int] = []
        self.second: State | None = None
        self.near: list[list[tuple[int, float]]] | None = None
        self.tolerance = peak_tolerance(problem)
        self.is_large = len(problem.items) > LARGE

    def run(self, start: State | None, thrifty: bool) -> Found:
        """See `seek`."""
        self.second = start
        base = self.home.copy()
        self.tell("placing tasks that are misplaced", 0, 0)
        moved = evacuate(base, self.budget)
        if moved and moved >= self.budget:
            return self._found(base)
        self.tell("looking for the lowest peak", 0, 0)
        best = self._lowest(base)
        goals, full = self._goals(base, best)
        if goals is None:
            return self._found(base)
        if not thrifty:
            return self._found(full)
        self.tell("looking for the fewest moves", 0, 0)
        final = self._fewest(base, goals, [full])
        if final is None:
            return self._found(base)
        score = final.score()
        if score.moves > self.budget:
            final = self._within_budget(base, final, goals)
        return self._found(final)

    def _found(self, state: State) -> Found:
        """That state, or the present one where it is not worth its moves."""
        state.recount()
        if not is_worth(self.problem, self.before, state.score()):
            state = self.home
        bound = self.bound.peak if self.bound is not None else None
        return Found(state, bound)

    # -- the lowest peak ----------------------------------------------------------------------

    def _limits(self, peak: float) -> list[float]:
        """Hours [h] that each agent may have at that peak; what is fixed is not held against it."""
        problem = self.problem
        return [
            max(peak / 100.0 * capacity, fixed)
            for capacity, fixed in zip(problem.capacity, problem.fixed_hours, strict=True)
        ]

    def _lowest(self, base: State) -> State:
        """A state with the lowest peak that can be found, with as few moves as that costs nothing."""
        problem = self.problem
        target = problem.options.target
        at_target = self._limits(target)
        trial = base.copy()
        if target and relieve(trial, at_target) and trial.peak() <= target + 1e-9:
            return trial
        self.bound = bound = bound_of(problem, bool(problem.options.max_moves), target, group_of=self.groups)
        floor = max(target, bound.peak)
        if target and floor <= target:
            candidates = level.candidates_of(problem, self._flat())
        else:
            candidates = level.candidates_of(problem, bound.prices)
        starts = [trial]
        if self.known is None:
            starts.append(self._from_nothing(bound))
        if self.second is not None:
            starts.append(self.second.copy())
        best = min((base, *starts), key=lambda state: state.peak()).copy()
        turns = _TURNS if target else 3 * _TURNS
        if not target and self.known is None:
            starts.remove(trial)  # where they are now says nothing of where they are best
        share = self.effort.looks // (2 * turns if self.known is None else 4 * turns)
        for number, state in enumerate(starts):
            for turn in range(turns):
                pull = None
                if turn % 2 and floor > target:
                    pull = tuple(_PULL * price for price in bound.prices)
                # Far below first, then just below what is reached, then half-way.
                peak = state.peak()
                aim = (floor, peak * (1 - LEVEL_TOLERANCE), (peak + floor) / 2)[turn % 3]
                limits = self._limits(max(floor, aim))
                level.lower(state, candidates, limits, share, _SEEDS + 10 * number + turn, pull)
                if state.peak() < best.peak() - 1e-9:
                    best = state.copy()
                if state.peak() <= floor + 1e-9:
                    return best
                self.tell("looking for the lowest peak", number * turns + turn + 1, len(starts) * turns)
        return best

    def _flat(self) -> tuple[float, ...]:
        """Prices by capacity alone."""
        return tuple(1.0 / capacity for capacity in self.problem.capacity)

    def _from_nothing(self, bound: Bound) -> State:
        """Every task where the relaxed plan has it most: the same wherever the tasks are now."""
        problem, groups = self.problem, self.groups
        where = []
        given: list[dict[int, float]] = [{} for _ in bound.shares]
        total = [max(1, sum(share.values())) for share in bound.shares]
        for i, item in enumerate(problem.items):
            share = bound.shares[groups[i]]
            taken = given[groups[i]]
            if not share:
                where.append(item.owner if not item.misplaced else problem.kinds[item.kind].receivers[0])
                continue
            # The agent that is furthest behind its part of the group.
            agent = max(share, key=lambda a: (share[a] / total[groups[i]] / (1 + taken.get(a, 0.0)), -a))
            taken[agent] = taken.get(agent, 0.0) + 1
            where.append(agent)
        return State(problem, where)

    # -- what is to be reached ----------------------------------------------------------------

    def _goals(self, base: State, best: State) -> tuple[Goals | None, State]:
        """The goals, and a state that reaches them; None where the present state is good enough."""
        problem = self.problem
        now = base.score()
        floor = max(problem.options.target, self.bound.peak if self.bound is not None else 0.0)
        lowest = best.peak() if self.known is None else min(best.peak(), self.known)
        gain = now.peak - lowest
        if gain <= self.tolerance * lowest or gain < problem.options.min_gain:
            peak, full = now.peak, base.copy()
        else:
            peak = max(best.peak(), floor * (1 + _INSIDE * self.tolerance))
            peak, full = min(peak, now.peak), best.copy()
            if floor <= problem.options.target and best.peak() <= problem.options.target + 1e-9:
                peak = problem.options.target
        limits = self._limits(peak)
        self.tell("looking for less excess", 0, 0)
        full = self._least(limits, math.inf, 0.0, (full, base, self.second))
        least = full.excess()
        if now.excess <= least + excess_tolerance(least):
            excess = max(now.excess, least)
        else:
            excess = least + _INSIDE * excess_tolerance(least)
        self.tell("looking for shorter queues", 0, 0)
        full = self._least(limits, excess, excess, (full, base, self.second))
        fewest = full.overflow()
        if now.overflow <= fewest + overflow_tolerance(fewest):
            overflow: float = max(now.overflow, fewest)
        else:
            overflow = fewest + math.floor(_INSIDE * OVERFLOW_PART * fewest)
        goals = Goals(tuple(limits), excess, overflow)
        return (None if base.reaches(goals) else goals), full

    def _least(
        self, limits: Sequence[float], cap: float, aim: float, starts: Sequence[State | None]
    ) -> State:
        """Of these states, brought within the limits and to little excess and overflow, the best by excess or overflow.

        The first is within the limits. Until the excess is known (`cap` infinite) only that is sought.
        """
        results = []
        for number, start in enumerate(starts):
            if start is None or (number and self.is_large):
                continue
            state = start.copy()
            if number and not relieve(state, limits, wholly=True):
                continue
            lessen_excess(state, limits, aim, self.effort.exchanges)
            if cap < math.inf and (state.excess() <= cap + TINY or not number):
                lessen_overflow(state, limits, cap, 0)
            elif cap < math.inf:
                continue
            results.append(state)
        if cap < math.inf:
            return min(results, key=lambda state: (state.overflow(), round(state.excess(), 6)))
        return min(results, key=lambda state: (round(state.excess(), 6), state.overflow()))

    # -- the fewest moves ---------------------------------------------------------------------

    def _finish(self, state: State, goals: Goals, chance: Random | None) -> bool:
        """Bring a state to the goals, if that can be."""
        if not relieve(state, goals.limits, chance, wholly=True):
            seed = _SEEDS if chance is None else chance.randrange(1 << 30)
            if not level.lower(
                state, self._near(), list(goals.limits), self.effort.looks // 40, seed, None, _AGAIN
            ):
                return False
        return self._less(state, goals)

    def _less(self, state: State, goals: Goals) -> bool:
        """Bring a state that is within the limits to the other goals."""
        if state.excess() > goals.excess + TINY:
            lessen_excess(state, goals.limits, goals.excess, self.effort.exchanges // 4)
        if state.overflow() > goals.overflow:
            lessen_overflow(state, goals.limits, goals.excess, goals.overflow)
        return state.reaches(goals)

    def _near(self) -> list[list[tuple[int, float]]]:
        """Of every task the agents where it takes least, whatever their prices."""
        if self.near is None:
            self.near = level.candidates_of(self.problem, self._flat(), 2 * level.NEAREST)
        return self.near

    def _fewest(self, base: State, goals: Goals, known: Sequence[State]) -> State | None:
        """The state with the fewest moves that reaches the goals; None if none is known."""
        if self.is_large:
            state = known[0].copy()
            put_back(state, goals)
            return state
        found: list[State] = []
        for state in known:
            other = state.copy()
            if other.reaches(goals):
                found.append(other)
        fresh = base.copy()
        lowest = [
            min(pair) for pair in zip(goals.limits, self._limits(self.problem.options.target), strict=True)
        ]
        if self.problem.options.target and lowest != list(goals.limits):
            # As far down as the target where there is room: what helps the excess helps the peak as well.
            both = base.copy()
            relieve(both, lowest)
            if relieve(both, goals.limits, wholly=True) and self._less(both, goals):
                found.append(both)
        if relieve(fresh, goals.limits, wholly=True):
            if self._less(fresh, goals):
                found.append(fresh)
        else:
            relieved = base.copy()
            relieve(relieved, goals.limits)
            for start in (base.copy(), relieved):
                for turn, thrift in enumerate(_THRIFT):
                    self.tell("looking for the fewest moves", turn, len(_THRIFT))
                    looks = self.effort.looks // 16
                    if level.lower(
                        start, self._near(), list(goals.limits), looks, _SEEDS + turn, None, thrift
                    ):
                        if self._less(start, goals):
                            found.append(start)
                        break
        if not found:
            return None
        for state in found:
            thin(state, goals)
        best = min(found, key=lambda state: rank(state.score()))

        def told(turn: int, turns: int) -> None:
            self.tell("looking for the fewest moves", turn, turns)

        return retry(best, goals, self.effort.rounds, _SEEDS, self._finish, told)

    # -- a budget -----------------------------------------------------------------------------

    def _within_budget(self, base: State, final: State, goals: Goals) -> State:
        """The best that so many moves can do: first for the peak, then for the excess, then for the overflow."""
        now = base.score()
        wide = Goals(tuple(self._limits(max(now.peak, final.peak()))), math.inf, math.inf)
        best = base

        def tried(level_of: Callable[[float], Goals]) -> tuple[State, Goals] | None:
            """The nearest to the goals (1) from where we are (0) that the budget allows."""
            low, high, found = 0.0, 1.0, None
            for _ in range(_HALVINGS):
                middle = (low + high) / 2
                aim = level_of(middle)
                state = self._cheap(base, aim, final)
                if state is not None and len(state.moved()) <= self.budget:
                    low, found = middle, (state, aim)
                else:
                    high = middle
            return found

        peak_to, peak_from = final.peak(), now.peak
        reached = tried(lambda f: Goals(
            tuple(self._limits(peak_from + (peak_to - peak_from) * f)), math.inf, math.inf
        ))  # fmt: skip
        limits = wide.limits
        if reached is not None:
            best = reached[0]
            limits = tuple(self._limits(max(best.peak(), self.problem.options.target)))
        excess_from, excess_to = best.excess(), final.excess()
        if excess_from > excess_to + TINY:
            reached = tried(lambda f: Goals(limits, excess_from + (excess_to - excess_from) * f, math.inf))
            best = reached[0] if reached is not None else best
        excess = best.excess()
        fewest = best.overflow()
        for aim in range(fewest - 1, final.overflow() - 1, -1):
            state = self._cheap(base, Goals(limits, excess + TINY, aim), final)
            if state is None or len(state.moved()) > self.budget:
                break
            best = state
        return best

    def _cheap(self, base: State, goals: Goals, final: State) -> State | None:
        """A state that reaches the goals with few moves; None if none is found."""
        found = []
        for state in (base.copy(), final.copy()):
            if state.reaches(goals) or self._finish(state, goals, None):
                thin(state, goals)
                found.append(state)
        return min(found, key=lambda state: rank(state.score())) if found else None
