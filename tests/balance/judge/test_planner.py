"""The planner before the judge: invariants on every family, and quality beside the solver.

The quick ones run always; the families in full are `long`, and `benchmarks/balance.py` prints their tables.
"""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.balance.judge import families
from tests.balance.judge.checker import faults, faults_in_repetition
from tests.balance.judge.families import NOW, Instance
from tests.balance.judge.naive import Document, Workspace
from tests.balance.judge.oracle import Exact
from tests.balance.judge.product import planned, planned_apart
from tests.balance.judge.quality import Quality, limits_missed, quality


def verdict(instance: Instance, again: bool = True) -> list[str]:
    """All that is wrong with the product's plan of an instance."""
    plan = planned(instance.documents, instance.config, NOW)
    found = faults(instance.documents, plan)
    if again:
        found += faults_in_repetition(instance.documents, plan, planned)
    return [f"{instance.name}: {fault}" for fault in found]


@pytest.mark.parametrize("instance", families.odd(), ids=lambda instance: instance.name)
def test_odd_workspaces_are_planned_as_specified(instance: Instance) -> None:
    assert verdict(instance) == []


@pytest.mark.parametrize("seed", range(6))
def test_tiny_workspaces_are_planned_as_specified(seed: int) -> None:
    assert (
        verdict(families.tiny(seed)) + verdict(families.tiny_level(seed)) + verdict(families.budgets(seed))
        == []
    )


@pytest.mark.parametrize("seed", range(2))
def test_workspaces_of_ten_agents_are_planned_as_specified(seed: int) -> None:
    assert verdict(families.mixed(10, 100, seed)) == []


@pytest.mark.parametrize("seed", range(6))
def test_tiny_plans_are_as_good_as_the_solver(seed: int) -> None:
    for instance in (families.tiny(seed), families.tiny_level(seed)):
        assert limits_missed(quality_of(instance)) == []


@pytest.mark.parametrize("seed", range(8))
def test_a_budget_is_spent_on_the_first_goals_first(seed: int) -> None:
    instance = families.budgets(seed)
    plan = planned(instance.documents, instance.config, NOW)
    workspace = Workspace(instance.documents, instance.config, NOW)
    misplaced, peak = Exact(workspace).best()
    assert plan["after"]["misplaced"] == misplaced
    if not workspace.misplaced and plan["moves"]:
        reached = max(workspace.config["target"], plan["after"]["peak"])
        assert reached <= max(peak, workspace.config["target"]) * 1.02 + 1e-6


def quality_of(instance: Instance) -> Quality:
    """How good the product's plan is."""
    plan = planned(instance.documents, instance.config, NOW)
    return quality(instance, plan, NOW, limit_s=5.0)


def test_a_plan_is_the_same_in_every_process_and_order_of_folders(tmp_path: Path) -> None:
    instance = families.mixed(5, 15, 3)
    printed = set()
    for turn in (0, 1):
        folder = tmp_path / str(turn)
        families.write(instance, str(folder), backwards=bool(turn))
        printed.add(planned_apart(str(folder), instance.config, NOW, hash_seed=1 + 41 * turn))
    assert len(printed) == 1


# Documents that people and scripts could write: every key now and then of a wrong kind.
ODD_VALUES: st.SearchStrategy[Any] = st.sampled_from(
    [None, True, False, 0, -1, 1, 2.5, "3", "", [], {}, 10**400, 1e-9]
)
HOURS = st.sampled_from([0.25, 0.5, 1, 2, 3, 4.5, 8]) | ODD_VALUES
TAGS = st.sampled_from(["testing", " Testing", "unit-tests", "UNIT  tests", "design", "", "*"])
TAG_LISTS = st.lists(TAGS, max_size=3) | st.sampled_from(["testing", None, 3, [1, "design", None]])
STATUSES = st.sampled_from(
    [
        "pending",
        " Pending ",
        "PENDING",
        "in_progress",
        "blocked",
        "completed",
        "failed",
        "assigned",
        "",
        None,
        1,
    ]
)
PRIORITIES = st.sampled_from(["CRITICAL", "high", " LOW ", "MEDIUM", "urgent", 1, None])
STATES = st.sampled_from([
    "", "active", None, 3, "DECOMMISSIONED - No longer active", " Paused", "offline", "In maintenance", "retired",
])  # fmt: skip
AGENTS = ("CA", "CB", "CC", "CD")


@st.composite
def tasks(draw: Any, number: int) -> Any:
    """An element of `tasks`."""
    if draw(st.integers(0, 40)) == 0:
        return draw(ODD_VALUES)
    made: Document = {"task_id": f"TASK-{number}", "status": "pending", "estimated_hours": draw(HOURS)}
    if draw(st.integers(0, 15)) == 0:
        made["task_id"] = draw(st.sampled_from(["TASK-1", "TASK-0", "", None, 7, "H-1"]))
    choices = {
        "status": STATUSES, "priority": PRIORITIES, "required_skills": TAG_LISTS, "progress": ODD_VALUES,
        "pinned": st.sampled_from([True, False, "true", 1]),
        "dependencies": st.sampled_from([["TASK-0"], ["TASK-1 (must finish)", 3], "TASK-0", None, [""]]),
        "bluetop": st.sampled_from([
            {"moved_at": "2026-03-02T11:30:00Z", "origin": "CB"}, {"moved_at": "2026-03-01T11:30:00Z", "origin": "ZZ"},
            {"moved_at": "yesterday"}, None, 3,
        ]),
        "context": st.fixed_dictionaries({}, optional={
            "pinned": st.booleans(), "required_skills": TAG_LISTS,
            "agent_hours": st.dictionaries(st.sampled_from((*AGENTS, "ZZ")), HOURS, max_size=3) | ODD_VALUES,
        }) | ODD_VALUES,
    }  # fmt: skip
    for key, values in choices.items():
        if draw(st.integers(0, 4)) == 0:
            made[key] = draw(values)
    return made


@st.composite
def histories(draw: Any) -> Any:
    """A `history`."""
    if draw(st.integers(0, 10)) == 0:
        return draw(ODD_VALUES)
    entry = st.fixed_dictionaries(
        {"task_id": st.sampled_from(["H-1", "H-2", "TASK-1", None]), "status": STATUSES},
        optional={
            "estimated_hours": HOURS, "actual_hours": HOURS, "required_skills": TAG_LISTS,
            "metrics": st.dictionaries(st.sampled_from(["actual_hours", "estimated_hours"]), HOURS) | ODD_VALUES,
        },
    )  # fmt: skip
    return draw(st.lists(entry | ODD_VALUES, max_size=4))


@st.composite
def workspaces(draw: Any) -> Instance:
    """A workspace and flags."""
    number = 0
    documents = {}
    for agent in AGENTS[: draw(st.integers(1, 4))]:
        rows = []
        for _ in range(draw(st.integers(0, 6))):
            rows.append(draw(tasks(number)))
            number += 1
        documents[agent] = {
            "agent_id": draw(st.sampled_from([agent, agent, agent, "XX", "", None])), "tasks": rows,
            "expertise": draw(TAG_LISTS), "history": draw(histories()), "status": draw(STATES),
            "metadata": draw(st.fixed_dictionaries({}, optional={"capacity_hours": HOURS}) | ODD_VALUES),
        }  # fmt: skip
    config = {
        "target": draw(st.sampled_from([80, 80, 50, 0, 120.5])), "queue_limit": draw(st.sampled_from([10, 0, 1, 3])),
        "max_moves": draw(st.sampled_from([0, 0, 0, 1, 3])), "cooldown_hours": draw(st.sampled_from([1, 0, 48])),
        "min_gain": draw(st.sampled_from([1, 0, 25])), "unlabelled": draw(st.sampled_from(["peers", "any", "never"])),
    }  # fmt: skip
    return Instance("drawn", documents, config)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(workspaces())
def test_hostile_documents_are_planned_as_specified(instance: Instance) -> None:
    assert verdict(instance) == []


@pytest.mark.long
@settings(max_examples=1000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(workspaces())
def test_thousands_of_hostile_documents_are_planned_as_specified(instance: Instance) -> None:
    assert verdict(instance) == []


@pytest.mark.long
@pytest.mark.parametrize("seed", range(6, 66))
def test_many_tiny_plans_are_right_and_good(seed: int) -> None:
    for instance in (families.tiny(seed), families.tiny_level(seed)):
        assert verdict(instance) == []
        assert limits_missed(quality_of(instance)) == []
    assert verdict(families.budgets(seed)) == []


@pytest.mark.long
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("agents", "count"), [(10, 100), (20, 400)])
def test_workspaces_of_middle_size_are_planned_as_specified(agents: int, count: int, seed: int) -> None:
    assert verdict(families.mixed(agents, count, seed)) == []


@pytest.mark.long
@pytest.mark.parametrize("seed", range(1))
@pytest.mark.parametrize("kind", families.LEVEL_KINDS)
def test_level_mode_is_planned_as_specified(kind: str, seed: int) -> None:
    for agents, count in families.LEVEL_SIZES[:2]:
        assert verdict(families.level(agents, count, seed, kind), again=agents == 10) == []


@pytest.mark.long
def test_a_large_workspace_is_planned_as_specified() -> None:
    assert verdict(families.mixed(100, 2_000, 0)) == []
