"""The reference values themselves: the solver against trying out every plan there is."""

import itertools
import math

import pytest

from tests.balance.judge import families
from tests.balance.judge.families import NOW, Instance
from tests.balance.judge.naive import Goals, Workspace
from tests.balance.judge.oracle import Exact, fewest_removals, freedom_of, lower_bound, relaxed_reference

MOST_PLANS = 3_000


def everything(workspace: Workspace) -> list[tuple[Goals, int]]:
    """X, P, E, O and the moves of every plan; none if there are too many."""
    found = freedom_of(workspace, may_stay=True)
    if math.prod(len(found.homes[task.key]) for task in found.free) > MOST_PLANS:
        return []
    most = workspace.config["max_moves"] or len(found.free)
    plans = []
    for places in itertools.product(*(found.homes[task.key] for task in found.free)):
        moved = {task.key: to for task, to in zip(found.free, places, strict=True) if to != task.owner}
        if len(moved) <= most:
            plans.append((workspace.goals(moved), len(moved)))
    return plans


def small() -> list[Instance]:
    """What can be tried out."""
    made = [families.tiny(seed) for seed in range(60)] + [families.tiny_level(seed) for seed in range(20)]
    return [*made, *(families.budgets(seed) for seed in range(20))]


def test_the_solver_finds_the_best_of_all_plans() -> None:
    tried = 0
    for instance in small():
        workspace = Workspace(instance.documents, instance.config, NOW)
        plans = everything(workspace)
        if not plans:
            continue
        tried += 1
        misplaced, peak = Exact(workspace).best()
        best = min(goals[:2] for goals, _ in plans)
        assert (misplaced, peak) == pytest.approx(best, abs=1e-5), instance.name
        chosen, _ = min(plans, key=lambda plan: (*plan[0][:4], plan[1]))
        reference = Exact(workspace).reference(chosen)
        assert reference.excess_hours == pytest.approx(chosen.excess_hours, abs=1e-5), instance.name
        assert reference.overflow == chosen.overflow, instance.name
        fewest = min(
            moves
            for goals, moves in plans
            if all(value <= limit + 1e-6 for value, limit in zip(goals[:4], chosen[:4], strict=True))
        )
        assert reference.moves == fewest, instance.name
        assert fewest_removals(workspace, chosen) <= fewest, instance.name
    assert tried > 20


def test_bounds_by_the_relaxation_are_bounds() -> None:
    for instance in small()[:80:3]:
        workspace = Workspace(instance.documents, instance.config, NOW)
        misplaced, peak = Exact(workspace).best()
        assert misplaced == 0
        target = workspace.config["target"]
        plain, better = lower_bound(workspace), lower_bound(workspace, best=True)
        assert plain <= better + 1e-6, instance.name
        assert max(target, better) <= peak + 1e-6, instance.name
        goals = Goals(0, max(peak, target), math.inf, 10**6, peak)
        exact = Exact(workspace).reference(goals)
        relaxed = relaxed_reference(workspace, goals._replace(excess_hours=1e9))
        assert relaxed.excess_hours <= exact.excess_hours + 1e-5, instance.name
        assert relaxed.overflow <= exact.overflow, instance.name


def test_a_bound_of_whole_hours_is_on_the_grid() -> None:
    documents, config = families._simple({"A": [2] * 4, "B": []}, target=0, queue_limit=0)
    documents["C"] = families.outbox("C", [], ["testing"])
    assert lower_bound(Workspace(documents, config, NOW)) == 100 * 3 / 8
