"""How often tasks were moved, as the journals tell."""

from core.balance.counting import left_alone, moves_since, tallies
from core.balance.deeds import Deed, with_undos
from core.balance.doing import UNDO
from tests.balance.auto.building import HOUR, NOW, a_deed

DAY = 24 * HOUR


def counts(*deeds: Deed, days: float = 7.0) -> dict[str, int]:
    found = tallies(with_undos(deeds), NOW, days)
    return {task: tally.moves for task, tally in found.items()}


def test_moves_of_the_last_week_are_counted() -> None:
    assert counts(
        a_deed(NOW - DAY, 2), a_deed(NOW - 2 * DAY, 1, plan_id="deed0002", user="otto"),
        a_deed(NOW - 8 * DAY, 1, plan_id="deed0003"),
    ) == {"T-1": 2, "T-2": 1}  # fmt: skip
    assert counts(a_deed(NOW - 2 * DAY), days=1.0) == {}


def test_an_undone_move_is_not_counted_and_one_that_is_made_again_is() -> None:
    plan = a_deed(NOW - 9 * HOUR, 2, plan_id="plan0001")
    undo = a_deed(NOW - 8 * HOUR, 1, kind=UNDO, plan_id="undo0001", undo_of="plan0001")
    redo = a_deed(NOW - 7 * HOUR, 1, kind=UNDO, plan_id="redo0001", undo_of="undo0001")
    assert counts(plan, undo) == {"T-2": 1}
    assert counts(plan, undo, redo) == {"T-1": 1, "T-2": 1}


def test_an_undo_that_moved_nothing_undid_nothing() -> None:
    plan = a_deed(NOW - 9 * HOUR, 2, plan_id="plan0001")
    undo = a_deed(NOW - 8 * HOUR, 0, kind=UNDO, plan_id="undo0001", undo_of="plan0001")
    found = {deed.plan_id: deed for deed in with_undos((plan, undo))}
    assert found["plan0001"].undone_by == ""


def test_all_moves_of_the_hour_are_counted_undone_or_not() -> None:
    plan = a_deed(NOW - 600, 2, plan_id="plan0001")
    undo = a_deed(NOW - 300, 2, kind=UNDO, plan_id="undo0001", undo_of="plan0001")
    old = a_deed(NOW - HOUR - 1, 5, plan_id="plan0002")
    assert moves_since(with_undos((plan, undo, old)), NOW - HOUR).total() == 4


def test_the_cool_down_of_a_task_doubles_with_every_move() -> None:
    one = tallies((a_deed(NOW - 1.5 * HOUR),), NOW)
    assert left_alone(one, NOW, most=5, cooldown_hours=1.0) == {"T-1"}
    assert left_alone(one, NOW, most=5, cooldown_hours=0.5) == set()
    assert left_alone(one, NOW, most=1, cooldown_hours=0.0) == {"T-1"}
    two = tallies((a_deed(NOW - 1.5 * HOUR), a_deed(NOW - 9 * HOUR, plan_id="deed0002")), NOW)
    assert left_alone(two, NOW, most=5, cooldown_hours=0.5) == {"T-1"}
