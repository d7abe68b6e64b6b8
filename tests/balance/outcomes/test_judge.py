"""What came of a plan: helped, hurt, open, or not to be told."""

import pytest

from core.balance.deeds import Deed, Moved
from core.balance.outcomes import HELPED, HURT, OPEN, UNKNOWN, Outcome, Outcomes
from core.balance.tracks import Step
from tests.balance.outcomes.story import HOUR, NOW, PLAN, came_of, echo, own_tasks, steady, the_plan, worked

AGENTS = own_tasks()
DEED = the_plan()


def test_a_plan_that_halves_the_longest_queue_helped() -> None:
    found = came_of(DEED, worked(DEED, steady({"CA": 1.0, "CB": 1.0}), AGENTS))
    assert found.what == HELPED
    assert (found.tasks, found.remaining, found.moves) == (12, 0, 4)
    assert (found.predicted_hours, found.without_hours) == (6.0, 10.0)
    assert found.actual_hours == pytest.approx(6.0)
    assert found.without_at_pace_hours == pytest.approx(10.0)
    assert found.sooner_percent == pytest.approx(40.0)
    assert found.over_at == pytest.approx(NOW + 6 * HOUR)


@pytest.mark.parametrize("factor", [0.25, 3.0, 40.0])
def test_estimates_that_are_all_wrong_by_one_factor_change_nothing(factor: float) -> None:
    """Otherwise every plan would have helped where agents are quicker than their estimates."""
    found = came_of(DEED, worked(DEED, steady({"CA": factor, "CB": factor}), AGENTS))
    assert found.what == HELPED
    assert found.sooner_percent == pytest.approx(40.0)
    assert found.pace == pytest.approx(factor)


def test_a_receiver_that_is_slower_than_thought_makes_it_hurt() -> None:
    found = came_of(DEED, worked(DEED, steady({"CA": 1.0, "CB": 0.4}), AGENTS))
    assert found.what == HURT
    assert found.actual_hours == pytest.approx(15.0)
    assert found.without_at_pace_hours == pytest.approx(10.0)
    assert found.sooner_percent == pytest.approx(-50.0)


def test_quick_agents_do_not_hide_that_it_hurt() -> None:
    """It drained as soon as predicted, sooner than was predicted without it, and still later than it would have."""
    found = came_of(DEED, worked(DEED, steady({"CA": 8.0, "CB": 1.0}), AGENTS))
    assert found.actual_hours == pytest.approx(6.0)
    assert (found.predicted_hours, found.without_hours) == (6.0, 10.0)
    assert found.what == HURT


def test_a_giver_that_gave_all_has_the_pace_of_the_others() -> None:
    deed = the_plan(10)
    agents = own_tasks(10)
    found = came_of(deed, worked(deed, steady({"CB": 2.0}, 10), agents))
    assert found.actual_hours == pytest.approx(6.0)
    assert found.without_at_pace_hours == pytest.approx(5.0)
    assert found.what == HURT


def test_a_plan_that_was_made_in_part_is_judged_by_that_part() -> None:
    deed = the_plan(2)
    found = came_of(deed, worked(deed, steady({"CA": 1.0, "CB": 1.0}, 2), own_tasks(2)))
    assert (found.predicted_hours, found.without_hours) == (8.0, 10.0)
    assert found.what == HELPED


def test_failed_tasks_have_left_the_queue_too() -> None:
    steps = worked(DEED, steady({"CA": 1.0, "CB": 1.0}), AGENTS)
    steps["A-6"][-1] = steps["A-6"][-1]._replace(after="failed")
    assert came_of(DEED, steps).what == HELPED


def test_tasks_that_come_later_are_not_its_business() -> None:
    steps = worked(DEED, steady({"CA": 1.0, "CB": 1.0}), AGENTS)
    steps["N-1"] = [Step(NOW + HOUR, "CA", None, "pending")]
    assert came_of(DEED, steps).what == HELPED


def test_tasks_that_were_in_progress_or_over_are_not_its_business() -> None:
    steps = worked(DEED, steady({"CA": 1.0, "CB": 1.0}), AGENTS)
    steps["W-1"] = [Step(NOW + 50 * HOUR, "CA", "in_progress", "completed")]
    assert came_of(DEED, steps).tasks == 12


def test_it_is_open_until_the_last_task_is_over() -> None:
    ends = steady({"CA": 1.0, "CB": 1.0})
    steps = worked(DEED, {task: end for task, end in ends.items() if end < 5.5}, AGENTS)
    found = came_of(DEED, steps, hours=5.5)
    assert (found.what, found.remaining, found.tasks) == (OPEN, 2, 12)
    assert found.age_hours == pytest.approx(5.5)
    assert found.text == "2 of 12 tasks are not over"
    assert found.sooner_percent is None


def later(task: str, source: str, receiver: str) -> Deed:
    return the_plan()._replace(
        plan_id="plan0002", at=NOW + HOUR, moved=(Moved(task, source, receiver, NOW + HOUR),)
    )


def test_a_task_that_a_later_plan_moved_is_followed() -> None:
    steps = worked(DEED, steady({"CA": 1.0, "CB": 1.0}), AGENTS)
    end = steps["A-6"][-1]
    steps["A-6"] = [
        Step(NOW + HOUR, "CA", "pending", None), Step(NOW + HOUR, "CC", None, "pending"),
        end._replace(agent="CC", before="pending"),
    ]  # fmt: skip
    now_status: dict[str, dict[str, str]] = {"CA": {}, "CB": {}, "CC": {"A-6": "completed"}}
    moved = came_of(DEED, steps, deeds=(later("A-6", "CA", "CC"),), now_status=now_status)
    assert moved.what == HELPED
    by_hand = came_of(DEED, steps, now_status=now_status)
    assert (by_hand.what, by_hand.text) == (UNKNOWN, "A-6 was moved or removed by hand")


def test_a_moved_task_that_somebody_moves_back_makes_it_unknown() -> None:
    steps = worked(DEED, steady({"CA": 1.0, "CB": 1.0}), AGENTS)
    steps["M-4"][2:] = [
        Step(NOW + HOUR, "CB", "pending", None), Step(NOW + HOUR, "CA", None, "pending"),
        Step(NOW + 2 * HOUR, "CA", "pending", "completed"),
    ]  # fmt: skip
    assert came_of(DEED, steps).what == UNKNOWN


def test_a_task_that_is_removed_makes_it_unknown() -> None:
    steps = worked(DEED, steady({"CA": 1.0, "CB": 1.0}), AGENTS)
    steps["A-3"] = [Step(NOW + HOUR, "CA", "pending", None)]
    assert came_of(DEED, steps).what == UNKNOWN


def test_what_was_undone_is_unknown() -> None:
    steps = worked(DEED, steady({"CA": 1.0, "CB": 1.0}), AGENTS)
    found = came_of(DEED._replace(undone_by="undo0001", undone=frozenset({"M-1"})), steps)
    assert (found.what, found.text) == (UNKNOWN, "it was undone")


@pytest.mark.parametrize(
    ("watched", "what"),
    [
        (((NOW - HOUR, NOW + 99 * HOUR),), HELPED),
        (((NOW - HOUR, NOW + HOUR), (NOW + 2 * HOUR, NOW + 99 * HOUR)), HELPED),  # the end was seen
        (((NOW - HOUR, NOW + HOUR), (NOW + 6 * HOUR, NOW + 99 * HOUR)), UNKNOWN),  # it was found after a gap
        (((NOW - HOUR, NOW + 6 * HOUR - 200), (NOW + 6 * HOUR, NOW + 99 * HOUR)), HELPED),  # of three minutes
        (((NOW - HOUR, NOW + HOUR),), UNKNOWN),
        (((NOW + HOUR, NOW + 99 * HOUR),), UNKNOWN),  # nothing was recorded when it was applied
        ((), UNKNOWN),
    ],
)
def test_gaps_in_the_record_make_it_unknown(watched: tuple[tuple[float, float], ...], what: str) -> None:
    steps = worked(DEED, steady({"CA": 1.0, "CB": 1.0}), AGENTS)
    found = came_of(DEED, steps, watched=watched)
    assert found.what == what, found.text
    assert bool(found.text)


def test_a_record_that_does_not_account_for_the_tasks_makes_it_unknown() -> None:
    ends = {task: end for task, end in steady({"CA": 1.0, "CB": 1.0}).items() if not task.startswith("A-")}
    found = came_of(DEED, worked(DEED, ends, AGENTS), now_status={"CA": {}, "CB": {}})
    assert (found.what, found.text) == (UNKNOWN, "the record accounts for 6 of 12 tasks")


def test_an_end_that_nobody_saw_makes_it_unknown() -> None:
    ends = steady({"CA": 1.0, "CB": 1.0})
    del ends["M-4"]
    known: dict[str, dict[str, str]] = {"CA": {}, "CB": {"M-4": "completed"}}
    found = came_of(DEED, worked(DEED, ends, AGENTS), now_status=known)
    assert (found.what, found.text) == (UNKNOWN, "nobody saw M-4 end")


def test_a_journal_without_loads_makes_it_unknown() -> None:
    steps = worked(DEED, steady({"CA": 1.0, "CB": 1.0}), AGENTS)
    assert came_of(DEED._replace(before={}), steps).what == UNKNOWN


def test_the_moves_themselves_are_no_moves_by_hand() -> None:
    found = came_of(DEED, echo(DEED), hours=0.1)
    assert (found.what, found.remaining) == (OPEN, 12)


def row(what: str, sooner: float | None = None) -> Outcome:
    return came_of(DEED, echo(DEED))._replace(what=what, sooner_percent=sooner)


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ((), ""),
        ((row(HELPED, 31.0),), "last plan: helped, 31 % sooner"),
        ((*(row(HELPED, 31.0),) * 8, row(HURT, -5.0)), "last 9 plans: 8 helped, 1 did not; median 31 % sooner"),
        ((row(OPEN), row(UNKNOWN)), "last 2 plans: 1 not over yet, 1 cannot be told"),
        ((row(HELPED, 20.0), row(HURT, -10.0), row(OPEN), row(UNKNOWN)),
         "last 2 plans: 1 helped, 1 did not; median 5 % sooner (and 1 not over yet, 1 cannot be told)"),
        ((row(HURT, -12.0),), "last plan: did not help, 12 % later"),
    ],
)  # fmt: skip
def test_the_sentence_counts_unknown_ones_as_neither(rows: tuple[Outcome, ...], says: str) -> None:
    assert Outcomes(rows).sentence() == says


def test_the_object_holds_counts_and_rows() -> None:
    data = Outcomes((row(HELPED, 31.04567), row(UNKNOWN))).data()
    assert data["schema"] == "bluetop.outcomes/1"
    assert (data["n"], data["helped"], data["hurt"], data["open"], data["unknown"]) == (1, 1, 0, 0, 1)
    assert data["median_sooner_percent"] == 31.046
    assert data["plans"][0]["plan_id"] == PLAN
    assert data["plans"][0]["at"].endswith("Z")
