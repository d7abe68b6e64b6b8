"""Where every task is while a plan is sought, and what that is worth.

Loads are kept up to date move by move, in hours. Not for what is shown: pictures are counted anew from the
files' own numbers (`core.balance.pictures`).
"""

import math
from typing import NamedTuple

from core.balance.problem import Problem

TINY = 1e-9  # hours: what rounding may do to a load


class Score(NamedTuple):
    """The goals of section 4, the most important first. `peak` [%] is not below the target."""

    misplaced: int
    peak: float
    excess: float
    overflow: int
    moves: int
    hours: float
    disruption: int


class Goals(NamedTuple):
    """What a plan has to reach: hours that each agent may have at most, excess [h] and overflow in all."""

    limits: tuple[float, ...]
    excess: float
    overflow: float


class State:
    """An assignment. `where[i]` is the agent of item i, `held[a]` the items of agent a."""

    __slots__ = ("held", "hours_of", "load", "pending", "problem", "targets", "where")

    def __init__(self, problem: Problem, where: list[int] | None = None) -> None:
        self.problem = problem
        self.where = [item.owner for item in problem.items] if where is None else where[:]
        self.targets = [problem.options.target / 100.0 * capacity for capacity in problem.capacity]
        self.held: list[list[int]] = [[] for _ in problem.names]
        self.load: list[float] = []
        self.pending: list[int] = []
        for number, agent in enumerate(self.where):
            self.held[agent].append(number)
        self.recount()

    def recount(self) -> None:
        """Loads anew, without what rounding has added up."""
        problem = self.problem
        kinds, items = problem.kinds, problem.items
        self.load = [
            fixed + math.fsum(items[i].size * kinds[items[i].kind].hours[agent] for i in self.held[agent])
            for agent, fixed in enumerate(problem.fixed_hours)
        ]
        self.pending = [fixed + len(self.held[agent]) for agent, fixed in enumerate(problem.fixed_pending)]

    def copy(self) -> "State":
        """Another one, the same."""
        other = State.__new__(State)
        other.problem, other.targets = self.problem, self.targets
        other.where, other.load, other.pending = self.where[:], self.load[:], self.pending[:]
        other.held = [items[:] for items in self.held]
        return other

    def hours(self, item: int, agent: int) -> float:
        """Hours of an item at an agent that may have it."""
        row = self.problem.items[item]
        return row.size * self.problem.kinds[row.kind].hours[agent]

    def move(self, item: int, agent: int) -> None:
        """Put an item somewhere else."""
        row = self.problem.items[item]
        hours = self.problem.kinds[row.kind].hours
        before = self.where[item]
        self.load[before] -= row.size * hours[before]
        self.load[agent] += row.size * hours[agent]
        self.pending[before] -= 1
        self.pending[agent] += 1
        self.held[before].remove(item)
        self.held[agent].append(item)
        self.where[item] = agent

    def moved(self) -> list[int]:
        """The items that are not where they were, in order."""
        return [i for i, item in enumerate(self.problem.items) if self.where[i] != item.owner]

    def misplaced(self) -> int:
        """X: tasks that are where they should not be."""
        return sum(
            1 for i, item in enumerate(self.problem.items) if item.misplaced and self.where[i] == item.owner
        )

    def peak(self) -> float:
        """Highest utilisation [%] of an agent that counts, or the target."""
        problem = self.problem
        highest = problem.options.target
        for agent, counts in enumerate(problem.counted):
            if counts:
                highest = max(highest, 100.0 * self.load[agent] / problem.capacity[agent])
        return highest

    def excess(self) -> float:
        """E [h]: what is above the target."""
        if not self.problem.options.target:
            return 0.0
        return math.fsum(
            max(0.0, load - target)
            for load, target, counts in zip(self.load, self.targets, self.problem.counted, strict=True)
            if counts
        )

    def overflow(self) -> int:
        """O: pending tasks beyond the queue limit."""
        limit = self.problem.options.queue_limit
        if not limit:
            return 0
        return sum(
            max(0, count - limit)
            for count, counts in zip(self.pending, self.problem.counted, strict=True)
            if counts
        )

    def score(self) -> Score:
        """All goals."""
        problem, where = self.problem, self.where
        moved = self.moved()
        disruption = 0
        for i in moved:
            item = problem.items[i]
            disruption += item.weight
            for partner in problem.partners[i]:
                was = problem.items[partner].owner == item.owner
                now = where[partner] == where[i]
                if was != now and (where[partner] == problem.items[partner].owner or i < partner):
                    disruption += 1 if was else -1
            for anchor in problem.anchors[i]:
                was, now = anchor == item.owner, anchor == where[i]
                if was != now:
                    disruption += 1 if was else -1
        return Score(
            self.misplaced(), self.peak(), self.excess(), self.overflow(), len(moved),
            math.fsum(problem.items[i].hours for i in moved), disruption,
        )  # fmt: skip

    def reaches(self, goals: Goals) -> bool:
        """Whether the goals are met, but for rounding."""
        for agent, counts in enumerate(self.problem.counted):
            if counts and self.load[agent] > goals.limits[agent] + TINY * (1 + goals.limits[agent]):
                return False
        return self.excess() <= goals.excess + TINY and self.overflow() <= goals.overflow
