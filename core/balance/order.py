"""In which order the moves of a plan are done, so that each of them may be done when its turn comes.

A move is refused if its receiver ends above the target and above what the giver had before it; and a plan that is cut
off half-way should have pushed nobody above both the target and the peak of before. Such an order is looked for
from the beginning and from the end; where there is none, the one that breaks these rules least is taken.
"""

import heapq
from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from random import Random
from typing import NamedTuple

from core.balance.problem import Problem

_SOME, _FEW = 320, 120  # moves: up to so many more ways are tried, and up to so few any order
_TRIES = 40
_SETS = 4000  # of moves that are done, in the search for an order that pushes nobody
_SEED = 5
_LOOKED_AT = 500  # moves of which the least harmful is taken, where all do harm


class Step(NamedTuple):
    """A move before it has its words: item, receiver, and utilisations [%] of giver and receiver around it."""

    item: int
    receiver: int
    giver_before: float
    giver_after: float
    receiver_before: float
    receiver_after: float


class _Walk:
    """The loads while moves are done, or taken back."""

    def __init__(
        self, problem: Problem, moves: Mapping[int, int], before: Sequence[float], peak: float
    ) -> None:
        self.problem, self.moves = problem, moves
        self.load = list(before)
        self.target = problem.options.target
        self.ceiling = max(self.target, peak) + 1e-6
        self.steps: list[Step] = []
        self.harm = self.pushed = 0.0
        self.percent = [100.0 / capacity for capacity in problem.capacity]

    def hours(self, i: int, agent: int) -> float:
        item = self.problem.items[i]
        return item.size * self.problem.kinds[item.kind].hours[agent]

    def used(self, agent: int) -> float:
        return self.load[agent] * self.percent[agent]

    def beyond(self, i: int, giver: float, there: float) -> float:
        """How far the receiver ends (`there`) above what is allowed, the giver being at `giver` before [%]."""
        allowed = self.ceiling
        if not self.problem.items[i].misplaced:
            allowed = min(allowed, max(self.target, giver))
        return max(0.0, there - allowed - 1e-9)

    def harm_of(self, i: int) -> float:
        """The same, were the move done next."""
        to = self.moves[i]
        giver = self.problem.items[i].owner
        return self.beyond(i, self.used(giver), self.used(to) + self.hours(i, to) * self.percent[to])

    def harm_if_last(self, i: int) -> float:
        """The same, were it the last of those that are done."""
        giver = self.problem.items[i].owner
        before = self.used(giver) + self.hours(i, giver) * self.percent[giver]
        return self.beyond(i, before, self.used(self.moves[i]))

    def do(self, i: int) -> None:
        giver, to = self.problem.items[i].owner, self.moves[i]
        self.harm += self.harm_of(i)
        before = self.used(giver), self.used(to)
        self.load[giver] -= self.hours(i, giver)
        self.load[to] += self.hours(i, to)
        self.pushed += max(0.0, self.used(to) - self.ceiling)
        self.steps.append(Step(i, to, before[0], self.used(giver), before[1], self.used(to)))

    def may_be_next(self, i: int) -> bool:
        """Whether the receiver stays below both the target and the peak of before."""
        to = self.moves[i]
        return self.used(to) + self.hours(i, to) * self.percent[to] <= self.ceiling

    def undo(self) -> None:
        """The last move that was done is not."""
        step = self.steps.pop()
        giver = self.problem.items[step.item].owner
        self.load[giver] += self.hours(step.item, giver)
        self.load[step.receiver] -= self.hours(step.item, step.receiver)

    def take_back(self, i: int) -> None:
        giver, to = self.problem.items[i].owner, self.moves[i]
        self.harm += self.harm_if_last(i)
        self.pushed += max(0.0, self.used(to) - self.ceiling)
        after = self.used(giver), self.used(to)
        self.load[giver] += self.hours(i, giver)
        self.load[to] -= self.hours(i, to)
        self.steps.append(Step(i, to, self.used(giver), after[0], self.used(to), after[1]))


def in_order(problem: Problem, moves: Mapping[int, int], before: Sequence[float], peak: float) -> list[Step]:
    """The moves (item → receiver) in the order in which they are done; `before` are loads [h], `peak` is in per cent.

    Evacuations first, then from the agent that is worst then, as far as the rules let them.
    """
    best = _from_end(problem, moves, before, peak)
    if len(moves) <= _SOME:
        ways: list[Callable[[_Walk, int], float]] = [
            lambda walk, i: -walk.used(problem.items[i].owner),
            lambda walk, i: walk.used(moves[i]),
            lambda walk, i: walk.used(moves[i]) - walk.used(problem.items[i].owner),
        ]
        for way in ways:
            found = _from_start(problem, moves, before, peak, way)
            # The first is how a person would do it: from whoever is worst.
            if found.harm < best.harm - 1e-9 or (way is ways[0] and not found.harm):
                best = found
            if not best.harm:
                return best.steps
        chance = Random(_SEED)
        for _ in range(_TRIES if len(moves) <= _FEW else 0):
            found = _from_start(problem, moves, before, peak, lambda walk, i: chance.random())
            if found.harm < best.harm - 1e-9:
                best = found
            if not best.harm:
                break
        if best.pushed:
            found = _searched(problem, moves, before, peak)
            if found.pushed < best.pushed - 1e-9:
                best = found
    return best.steps


def _searched(problem: Problem, moves: Mapping[int, int], before: Sequence[float], peak: float) -> _Walk:
    """An order in which nobody is pushed too high, if a bounded search finds one; else as far as it came."""
    walk = _Walk(problem, moves, before, peak)
    for part in _parts(problem, moves):
        seen: set[frozenset[int]] = set()

        def gone_on(waiting: frozenset[int], seen: set[frozenset[int]] = seen) -> bool:
            if not waiting:
                return True
            allowed = [i for i in waiting if walk.may_be_next(i)]
            for i in sorted(allowed, key=lambda i: (-walk.used(problem.items[i].owner), i)):
                rest = waiting - {i}
                if rest in seen or len(seen) >= _SETS:
                    continue
                seen.add(rest)
                walk.do(i)
                if gone_on(rest):
                    return True
                walk.undo()
            return False

        if not gone_on(frozenset(part)):
            waiting = part[:]
            while waiting:
                chosen = min(waiting, key=lambda i: (not walk.may_be_next(i), walk.harm_of(i)))
                walk.do(chosen)
                waiting.remove(chosen)
    return walk


def _parts(problem: Problem, moves: Mapping[int, int]) -> tuple[list[int], list[int]]:
    """Evacuations and the others, the largest first."""

    def size(i: int) -> tuple[float, str]:
        item = problem.items[i]
        return -item.size * problem.kinds[item.kind].hours[item.owner], item.task.task_id

    ordered = sorted(moves, key=size)
    return (
        [i for i in ordered if problem.items[i].misplaced],
        [i for i in ordered if not problem.items[i].misplaced],
    )  # fmt: skip


def _from_start(
    problem: Problem, moves: Mapping[int, int], before: Sequence[float], peak: float,
    way: Callable[[_Walk, int], float],
) -> _Walk:  # fmt: skip
    """Always the first by `way` of the moves that may be next."""
    walk = _Walk(problem, moves, before, peak)
    for part in _parts(problem, moves):
        waiting = part[:]
        while waiting:
            allowed = [i for i in waiting if not walk.harm_of(i)]
            chosen = min(allowed, key=lambda i: way(walk, i)) if allowed else min(waiting, key=walk.harm_of)
            walk.do(chosen)
            waiting.remove(chosen)
    return walk


def _from_end(problem: Problem, moves: Mapping[int, int], before: Sequence[float], peak: float) -> _Walk:
    """Always the last into the agent that is highest then, of the moves that may be last."""
    walk = _Walk(problem, moves, before, peak)
    for i, to in moves.items():
        giver = problem.items[i].owner
        walk.load[giver] -= walk.hours(i, giver)
        walk.load[to] += walk.hours(i, to)
    for part in reversed(_parts(problem, moves)):
        into: dict[int, list[int]] = {}
        for i in reversed(part):
            into.setdefault(moves[i], []).append(i)
        heap = [(-walk.used(to), to) for to in into]
        heapq.heapify(heap)
        gives: dict[int, set[int]] = {}
        for i in part:
            gives.setdefault(problem.items[i].owner, set()).add(moves[i])
        refused: set[int] = set()
        while heap or refused:
            if not heap:
                some = islice((i for to in sorted(refused) for i in into[to]), _LOOKED_AT)
                chosen = min(some, key=lambda i: (walk.harm_if_last(i), i))
                to = moves[chosen]
                refused.discard(to)
            else:
                known, to = heapq.heappop(heap)
                if -known != walk.used(to):  # it has changed meanwhile
                    heapq.heappush(heap, (-walk.used(to), to))
                    continue
                fits = next((i for i in into[to] if not walk.harm_if_last(i)), None)
                if fits is None:
                    refused.add(to)
                    continue
                chosen = fits
            walk.take_back(chosen)
            into[to].remove(chosen)
            # The giver had more before: what was refused because of it may be done now.
            giver = problem.items[chosen].owner
            again = {
                agent for agent in refused & gives[giver]
                if any(problem.items[i].owner == giver and not walk.harm_if_last(i) for i in into[agent])
            }  # fmt: skip
            refused -= again
            for agent in sorted(again | ({to} if into[to] else set())):
                heapq.heappush(heap, (-walk.used(agent), agent))
    walk.steps.reverse()
    return walk
