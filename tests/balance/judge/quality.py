"""How near a plan comes to what the solver proves possible: the gaps of section 8, and their goals."""

import math
from typing import NamedTuple

from tests.balance.judge.checker import Plan
from tests.balance.judge.families import Instance
from tests.balance.judge.naive import Goals, Workspace
from tests.balance.judge.oracle import Exact, Reference, lower_bound, relaxed_reference

# How reference values are worked out: all by integers; only the fewest moves or the peak so; all by the relaxation.
MANY = 5_000  # tasks: beyond, splitting each task is too much for the solver, and only removals are counted
INTEGERS, MOVES, PEAK, RELAXED = "integers", "moves", "peak", "relaxed"


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
    goals = Goals(
        after["misplaced"],
        max(target, after["peak"]),
        after["excess_hours"],
        after["overflow"],
        after["peak"],
    )
    found = _beside(
        workspace,
        instance.name,
        how,
        len(plan["moves"]),
        goals,
        _reference(workspace, how, goals, limit_s),
        limit_s,
    )
    if how == MOVES and limits_missed(found):
        # The relaxation may ask for what cannot be: where something is missed, the integers decide.
        plain, whole = (_reference(workspace, one, goals, limit_s) for one in (MOVES, INTEGERS))
        best = Reference(
            whole.misplaced, max(plain.peak, whole.peak), max(plain.excess_hours, whole.excess_hours),
            max(plain.overflow, whole.overflow), max(plain.moves, whole.moves),
        )  # fmt: skip
        found = _beside(workspace, instance.name, INTEGERS, len(plan["moves"]), goals, best, limit_s)
    return found


def _reference(workspace: Workspace, how: str, goals: Goals, limit_s: float) -> Reference:
    if how == INTEGERS:
        return Exact(workspace, limit_s).reference(goals)
    reference = relaxed_reference(workspace, goals)
    if how == MOVES or (how == RELAXED and len(workspace.tasks) <= MANY):
        fewest = Exact(workspace, limit_s, whole=how == MOVES).least("moves", *goals[:4]).bound
        if not math.isfinite(fewest):
            return reference
        reference = reference._replace(moves=max(reference.moves, math.ceil(fewest - 1e-4)))
    return reference


def _beside(
    workspace: Workspace, name: str, how: str, moves: int, goals: Goals, reference: Reference, limit_s: float
) -> Quality:
    target = workspace.config["target"]
    level = target == 0
    least_peak = max(reference.peak, target, lower_bound(workspace, best=level))
    if how == PEAK and goals.peak > 1.01 * least_peak:
        least_peak = max(least_peak, Exact(workspace, limit_s).peak_bound())
    return Quality(
        name, how, level, goals.misplaced, reference.misplaced, goals.peak, least_peak,
        goals.excess_hours, reference.excess_hours, goals.overflow, reference.overflow, moves, reference.moves,
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
