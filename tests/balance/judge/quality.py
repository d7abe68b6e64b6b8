"""How near a plan comes to what the solver proves possible: the gaps of section 8, and their goals."""

import math
from typing import NamedTuple

from tests.balance.judge.checker import Plan
from tests.balance.judge.families import Instance
from tests.balance.judge.naive import Goals, Workspace
from tests.balance.judge.oracle import Exact, lower_bound, relaxed_reference

# How reference values are worked out: all by integers; only the fewest moves so; all by the relaxation.
INTEGERS, MOVES, RELAXED = "integers", "moves", "relaxed"


class Quality(NamedTuple):
    """One plan beside its reference values.

    `peak_gap` is (P - P*)/P*; hours and counts as they are, `least_` what is proven to be necessary.
    """

    name: str
    how: str
    level: bool
    misplaced: int
    least_misplaced: float
    peak: float
    least_peak: float
    excess_hours: float
    least_excess_hours: float
    overflow: int
    least_overflow: int
    moves: int
    fewest_moves: int

    @property
    def peak_gap(self) -> float:
        """(P - P*)/P*."""
        return (self.peak - self.least_peak) / self.least_peak if self.least_peak else 0.0

    @property
    def excess_gap(self) -> float:
        """(E - E*)/max(E*, 0.5 h)."""
        return (self.excess_hours - self.least_excess_hours) / max(self.least_excess_hours, 0.5)

    @property
    def overflow_gap(self) -> int:
        """O - O*."""
        return self.overflow - self.least_overflow

    @property
    def move_ratio(self) -> float:
        """M / fewest; 1 where there is nothing to move."""
        return self.moves / self.fewest_moves if self.fewest_moves else float(self.moves) or 1.0


def quality(instance: Instance, plan: Plan, now: str, how: str = INTEGERS, limit_s: float = 20.0) -> Quality:
    """The plan's quality; by integers, each question is given `limit_s` seconds."""
    workspace = Workspace(instance.documents, instance.config, now)
    after = plan["after"]
    target = workspace.config["target"]
    level = target == 0
    goals = Goals(
        after["misplaced"],
        max(target, after["peak"]),
        after["excess_hours"],
        after["overflow"],
        after["peak"],
    )
    if how == INTEGERS:
        reference = Exact(workspace, limit_s).reference(goals)
    else:
        reference = relaxed_reference(workspace, goals)
        if how == MOVES:
            fewest = Exact(workspace, limit_s).least("moves", *goals[:4]).bound
            reference = reference._replace(moves=max(reference.moves, math.ceil(fewest - 1e-4)))
    least_peak = max(reference.peak, target, lower_bound(workspace, best=level))
    return Quality(
        instance.name, how, level, goals.misplaced, reference.misplaced, goals.peak, least_peak,
        goals.excess_hours, reference.excess_hours, goals.overflow, reference.overflow, len(plan["moves"]),
        reference.moves,
    )  # fmt: skip


def limits_missed(found: Quality) -> list[str]:
    """What a single tiny plan misses of the goals."""
    missed = []
    if found.misplaced > found.least_misplaced:
        missed.append(f"{found.misplaced} are left misplaced, {found.least_misplaced} must be")
    if found.peak > found.least_peak * (1.03 if not found.level else 1.0) + 1e-6:
        missed.append(f"P is {found.peak:.6g}, the best is {found.least_peak:.6g}")
    if found.excess_hours > 1.10 * found.least_excess_hours + 1.0 + 1e-6:
        missed.append(f"E is {found.excess_hours:.6g}, the best is {found.least_excess_hours:.6g}")
    if found.overflow > found.least_overflow + max(1.0, 0.05 * found.least_overflow):
        missed.append(f"O is {found.overflow}, the best is {found.least_overflow}")
    if not found.level and found.moves > found.fewest_moves + 1:
        missed.append(f"{found.moves} moves, {found.fewest_moves} do")
    return [f"{found.name}: {what}" for what in missed]
