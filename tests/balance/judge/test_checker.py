"""The judge itself: it finds nothing wrong with good plans, and whatever is done to one is found."""

import copy
from collections.abc import Callable

import pytest

from tests.balance.judge import families
from tests.balance.judge.checker import Plan, applied, faults, faults_in_repetition, placement
from tests.balance.judge.families import NOW, Instance
from tests.balance.judge.naive import Workspace, strict_document, tag
from tests.balance.judge.solved import solved

GOOD = [*families.odd(), *map(families.tiny, range(25)), *map(families.tiny_level, range(10))]
GOOD += map(families.budgets, range(10))


def plan_of(instance: Instance) -> Plan:
    """The solver's."""
    return solved(instance.documents, instance.config, NOW)


def test_a_plan_by_the_solver_is_found_good() -> None:
    wrong = {
        instance.name: found
        for instance in GOOD
        if (
            found := [
                fault
                for fault in faults(instance.documents, plan_of(instance))
                if not fault.startswith("order:")
            ]
        )
    }
    assert wrong == {}


def test_a_plan_applied_leaves_nothing_to_the_solver() -> None:
    for instance in GOOD[:30]:
        if not instance.config.get("max_moves"):
            plan = plan_of(instance)
            assert faults_in_repetition(instance.documents, plan, solved) == [], instance.name


def first(plan: Plan) -> dict:
    """The first move."""
    return plan["moves"][0]


def _turn(plan: Plan) -> None:
    plan["moves"].reverse()


def _swap_numbers(plan: Plan) -> None:
    plan["moves"][0]["seq"], plan["moves"][1]["seq"] = 2, 1


def _set(key: str, value: object) -> Callable[[Plan], None]:
    def change(plan: Plan) -> None:
        first(plan)[key] = value

    return change


def _picture(name: str, key: str, more: float) -> Callable[[Plan], None]:
    def change(plan: Plan) -> None:
        plan[name][key] += more

    return change


def _agent(name: str, key: str, more: float) -> Callable[[Plan], None]:
    def change(plan: Plan) -> None:
        next(iter(plan[name]["agents"].values()))[key] += more

    return change


def _top(name: str, key: str, value: object) -> Callable[[Plan], None]:
    def change(plan: Plan) -> None:
        plan[name][key] = value

    return change


def _reason(**reason: object) -> Callable[[Plan], None]:
    def change(plan: Plan) -> None:
        first(plan)["reason"] |= reason

    return change


def _twice(plan: Plan) -> None:
    plan["moves"].append({**first(plan), "seq": len(plan["moves"]) + 1})


def _without_unresolved(plan: Plan) -> None:
    plan["unresolved"].clear()


def _cause(cause: str) -> Callable[[Plan], None]:
    def change(plan: Plan) -> None:
        plan["unresolved"][0]["cause"] = cause

    return change


# Agent A is retired with 5 tasks of 2 h; B has 8 tasks of 2 h, C a 3 h one and a pinned one, D can do nothing.
def busy() -> Instance:
    """A workspace in which everything happens."""
    skilled = {"required_skills": ["testing"]}
    documents = {
        "A": families.outbox("A", [families.row(f"A-{n}", 2, **skilled) for n in range(3)], ["testing"],
                             status="retired"),
        "B": families.outbox("B", [families.row(f"B-{n}", 2 + n / 8, **skilled) for n in range(9)], ["testing"]),
        "C": families.outbox("C", [families.row("C-0", 1, **skilled)], ["testing"]),
        "D": families.outbox("D", [families.row("D-0", 1, required_skills=["design"])], ["design"]),
        "E": families.outbox("E", [families.row("E-0", 9, pinned=True, **skilled)], ["testing"]),
    }  # fmt: skip
    return Instance("busy", documents, {})


MUTATIONS: dict[str, tuple[Callable[[Plan], None], str]] = {
    "an unknown task": (_set("task_id", "B-99"), "I1"),
    "a task twice": (_twice, "I1"),
    "another owner": (_set("from", "C"), "I1"),
    "to its owner": (_set("to", "A"), "I1"),
    "nowhere": (_set("to", "Z"), "I3"),
    "a receiver without the skill": (_set("to", "D"), "I3"),
    "numbers out of order": (_swap_numbers, "I1"),
    "a pinned task": (_set("task_id", "E-0"), "I1"),
    "hours": (_set("hours_to", 1.0), "I10"),
    "hours as text": (_set("hours_from", "2"), "I10"),
    "imputed": (_set("imputed", True), "I10"),
    "a fingerprint": (_set("fingerprint", "0" * 64), "I10"),
    "no numbers in the reason": (_reason(text="because"), "I9"),
    "an unknown reason": (_reason(code="luck"), "I9"),
    "another reason": (_reason(code="make_room"), "I9"),
    "evacuations last": (_turn, "I1"),
    "before.peak": (_picture("before", "peak", 0.01), "I10"),
    "after.peak": (_picture("after", "peak", 1e-4), "I10"),
    "after.excess": (_picture("after", "excess_hours", -1e-4), "I10"),
    "after.overflow": (_picture("after", "overflow", 1), "I10"),
    "before.misplaced": (_picture("before", "misplaced", 1), "I10"),
    "load": (_agent("after", "load_hours", 0.01), "I10"),
    "utilisation": (_agent("before", "utilisation", -1), "I10"),
    "score": (_agent("before", "workload_score", 1), "I10"),
    "pending": (_agent("after", "pending", 1), "I10"),
    "capacity": (_agent("after", "capacity_hours", 1), "I10"),
    "overloaded": (_top("before", "overloaded", []), "I10"),
    "underutilised": (_top("before", "underutilised", ["E"]), "I10"),
    "a bound too high": (_top("bound", "peak", 10_000.0), "I10"),
    "a gap": (_top("bound", "gap", 0.5), "I10"),
    "a budget that was passed": (_top("config", "max_moves", 1), "I4"),
    "unresolved missing": (_without_unresolved, "I10"),
    "unresolved for no reason": (_cause("fate"), "I10"),
    "unresolved for another reason": (_cause("budget"), "I10"),
}


@pytest.mark.parametrize("name", MUTATIONS)
def test_whatever_is_changed_in_a_plan_is_found(name: str) -> None:
    change, expected = MUTATIONS[name]
    instance = busy()
    plan = plan_of(instance)
    assert faults(instance.documents, plan) == []
    assert len(plan["moves"]) > 3
    assert plan["unresolved"]
    changed = copy.deepcopy(plan)
    change(changed)
    found = faults(instance.documents, changed)
    assert any(fault.startswith(expected) for fault in found), found


def with_moves(instance: Instance, moves: list[tuple[str, str, str]], code: str = "relieve_overload") -> Plan:
    """The plan with these moves whose numbers are all right, though the plan is not."""
    from tests.balance.judge import solved as by_solver

    workspace = Workspace(instance.documents, instance.config, NOW)
    plan = plan_of(instance)
    pairs = [(workspace.by_id[task_id], receiver) for task_id, _, receiver in moves]
    moved = {task.key: receiver for task, receiver in pairs}
    rows = [by_solver._row(workspace, n, task, receiver) for n, (task, receiver) in enumerate(pairs, 1)]
    by_solver._explain(workspace, rows)
    after = workspace.goals(moved)
    plan |= {
        "moves": rows, "after": by_solver._picture(workspace, moved, after),
        "unresolved": by_solver._unresolved(workspace, moved),
        "bound": {"peak": None, "gap": None},
    }  # fmt: skip
    return plan


def simple(hours: dict[str, list[float]], **config: object) -> Instance:
    """Agents of one skill."""
    documents, flags = families._simple(hours, **config)
    return Instance("simple", documents, flags)


def test_a_move_too_many_is_found() -> None:
    instance = simple({"A": [4, 4, 0.5], "B": [], "C": []})
    good = with_moves(instance, [("A-0", "A", "B")])
    assert faults(instance.documents, good) == []
    crumb = with_moves(instance, [("A-0", "A", "B"), ("A-2", "A", "C")])
    assert [fault for fault in faults(instance.documents, crumb) if fault.startswith("I6: move 2")]


def test_harm_is_found() -> None:
    instance = simple({"A": [4, 4], "B": [4, 4, 4]})
    found = faults(instance.documents, with_moves(instance, [("A-0", "A", "B")]))
    assert [fault for fault in found if fault.startswith("I5")]


def test_a_gain_below_the_tolerance_is_found() -> None:
    instance = simple({"A": [4, 4, 0.1], "B": [6]}, queue_limit=0)
    found = faults(instance.documents, with_moves(instance, [("A-2", "A", "B")]))
    assert [fault for fault in found if fault.startswith("goals")]


def test_a_receiver_pushed_too_high_on_the_way_is_found_where_there_is_another_way() -> None:
    instance = simple({"A": [5, 1], "B": [3, 1, 1, 1], "C": [1]}, queue_limit=0)
    moves = [("A-0", "A", "B"), ("B-0", "B", "C")]
    found = faults(instance.documents, with_moves(instance, moves))
    assert [fault for fault in found if fault.startswith("order: move 1")]
    found = faults(instance.documents, with_moves(instance, moves[::-1]))
    assert not [fault for fault in found if fault.startswith("order")]
    exchange = simple({"A": [5, 1, 1], "B": [5, 1, 1]}, queue_limit=0)
    found = faults(exchange.documents, with_moves(exchange, [("A-0", "A", "B"), ("B-0", "B", "A")]))
    assert not [fault for fault in found if fault.startswith("order")]


def test_what_is_left_to_be_done_is_found() -> None:
    instance = simple({"A": [4, 4, 4], "B": [], "C": []})
    half = with_moves(instance, [("A-0", "A", "B")])
    assert [f for f in faults_in_repetition(instance.documents, half, solved) if f.startswith("I8")]
    assert [f for f in faults_in_repetition(instance.documents, half, solved) if f.startswith("I7")]


def test_cool_down_pins_and_duplicates_count_as_the_specification_says() -> None:
    documents, _ = families._simple({"A": [4, 4, 4, 4], "B": []})
    rows = documents["A"]["tasks"]
    rows[0]["bluetop"] = {"moved_at": "2026-03-02T11:00:01Z"}
    rows[1]["bluetop"] = {"moved_at": "2026-03-02T11:00:00Z"}
    rows[2]["context"] = {"pinned": True}
    rows.append({"task_id": "A-3"})
    workspace = Workspace(documents, {}, NOW)
    assert [workspace.is_movable(task) for task in workspace.tasks] == [False, True, False, False, False]
    workspace = Workspace(documents, {"cooldown_hours": 0, "pins": ["A-1"]}, NOW)
    assert [workspace.is_movable(task) for task in workspace.tasks] == [True, False, False, False, False]


def test_hours_speeds_and_reliability_by_hand() -> None:
    history = [
        {"task_id": "1", "status": "completed", "estimated_hours": 4, "metrics": {"actual_hours": 1},
         "required_skills": ["Unit-Tests"]},
        {"task_id": "1", "status": "failed"},
        {"task_id": "2", "status": "FAILED "},
    ]  # fmt: skip
    tasks = [families.row("T", 3, required_skills=[" unit tests"]), families.row("U", None)]
    workspace = Workspace({"A": families.outbox("A", tasks, ["unit_tests"], history=history)}, {}, NOW)
    first_task, second = workspace.tasks
    assert workspace.p("A", first_task) == pytest.approx(3 / (4 ** (1 / 4) * 6 / 7))
    assert workspace.hours(second) == 3
    assert workspace.imputed(second)
    assert tag(" Unit  -Tests ") == "unit_tests"


def test_only_strict_json_is_read() -> None:
    good = b'{"tasks": []}'
    assert strict_document(good) == {"tasks": []}
    for bad in (b'{"tasks": [], "tasks": []}', b'{"tasks": [NaN]}', b"[]", b'{"tasks": {}}', b"\xff", b"",
                b"\xef\xbb\xbf" + good, b"[" * 100_000):  # fmt: skip
        assert strict_document(bad) is None


def test_a_moved_task_is_placed_after_the_last_of_equal_or_higher_priority() -> None:
    def of(priority: str, status: str = "pending") -> dict:
        return {"priority": priority, "status": status}

    tasks = [of("LOW", "completed"), of("HIGH"), of("LOW"), of("odd")]
    assert placement(tasks, of("high")) == 2
    assert placement(tasks, of("CRITICAL")) == 1
    assert placement(tasks, of("MEDIUM")) == 2
    assert placement(tasks, of("other")) == 4
    assert placement([of("LOW", "blocked")], of("LOW")) == 1


def test_a_plan_is_applied_to_a_copy() -> None:
    instance = busy()
    plan = plan_of(instance)
    before = copy.deepcopy(instance.documents)
    done = applied(instance.documents, plan)
    assert instance.documents == before
    ids = sorted(row["task_id"] for document in done.values() for row in document["tasks"])
    assert ids == sorted(row["task_id"] for document in before.values() for row in document["tasks"])
    moved = next(row for row in done[first(plan)["to"]]["tasks"] if row["task_id"] == first(plan)["task_id"])
    assert moved["bluetop"] == {"moved_at": NOW, "origin": "A", "plan_id": plan["plan_id"]}
