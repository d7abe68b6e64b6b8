"""The formulas, on entries as they stand in metrics files."""

import pytest

from core.agentmetrics.measures import Sums, elapsed_hours, execution_hours, measures_data, percentile
from tests.agentmetrics.space import entry


def sums(*pairs):
    made = Sums()
    for pair in pairs:
        row, facts = pair if isinstance(pair, tuple) else (pair, {})
        made.add(row, facts)
    return made


def done(**more):
    return entry(status="completed", **more)


def test_nothing_known_is_none_and_never_zero_or_a_hundred():
    found = sums(entry(), done()).measures()
    assert (found.efficiency_percent, found.delivery_percent, found.task_time.mean_hours) == (
        None,
        None,
        None,
    )
    assert (found.efficiency_n, found.delivery_n, found.task_time.n) == (0, 0, 0)
    assert sums(entry()).measures().success_percent is None


def test_success_is_completed_of_completed_and_failed():
    found = sums(done(), done(), done(), entry(status="failed"), entry(status="ready_for_review")).measures()
    assert (found.success_percent, found.success_n) == (75.0, 4)


def test_efficiency_is_a_ratio_of_sums_and_may_be_above_a_hundred():
    found = sums(done(estimated_hours=4, actual_hours=2), done(estimated_hours=1, actual_hours=3)).measures()
    assert (found.efficiency_percent, found.efficiency_n) == (100.0, 2)
    assert sums(done(estimated_hours=3, actual_hours=0.2)).measures().efficiency_percent == pytest.approx(
        1500
    )


def test_only_the_delivered_share_is_earned_where_both_numbers_are_known():
    row = done(estimated_hours=4, actual_hours=4, deliverables_total=8)
    assert sums((row, {"delivered": 6})).measures().efficiency_percent == 75.0
    assert sums((row, {"delivered": 99})).measures().efficiency_percent == 100.0
    assert sums((row, {"delivered": 0})).measures().efficiency_percent == 0.0
    assert sums(row).measures().efficiency_percent == 100.0  # nothing is known of what was delivered


def test_hours_without_an_estimate_are_no_efficiency():
    found = sums(done(actual_hours=500), done(estimated_hours=3)).measures()
    assert (found.efficiency_percent, found.efficiency_n) == (None, 0)


def test_delivery_does_not_let_one_task_make_up_for_another():
    found = sums((done(deliverables_total=4), {"delivered": 8}), (done(deliverables_total=4), {"delivered": 2}),
                 (done(deliverables_total=4), {}), (done(), {"delivered": 3})).measures()  # fmt: skip
    assert (found.delivery_percent, found.delivery_n) == (75.0, 2)


ELAPSED = [
    ("2026-05-01T10:00:00Z", "2026-05-01T12:30:00Z", 2.5),
    ("2026-05-01T10:00:00Z", "2026-05-01T10:00:00Z", None),
    ("2026-05-01T10:00:00Z", "2026-05-01T09:00:00Z", None),
    ("2026-05-01T10:00:00Z", "2026-05-31T10:00:00Z", 720),
    ("2026-05-01T10:00:00Z", "2026-05-31T10:00:01Z", None),
    ("2026-05-01T10:00:00+02:00", "2026-05-01T10:00:00Z", 2),
    (None, "2026-05-01T10:00:00Z", None),
    ("", "soon", None),
]


@pytest.mark.parametrize(("began", "ended", "hours"), ELAPSED)
def test_two_times_tell_a_duration_only_where_that_is_plausible(began, ended, hours):
    assert elapsed_hours(began, ended) == hours


def test_actual_hours_come_before_times_and_doubtful_times_do_not_count():
    row = done(started_at="2026-05-01T10:00:00Z", completed_at="2026-05-01T12:00:00Z")
    assert execution_hours(row) == (2.0, "times")
    assert execution_hours({**row, "actual_hours": 5}) == (5, "actual_hours")
    assert execution_hours(row, ["started_at"]) is None


def test_the_task_time_says_what_it_rests_on():
    timed = done(started_at="2026-05-01T10:00:00Z", completed_at="2026-05-01T12:00:00Z")
    found = sums(done(actual_hours=1), done(actual_hours=3), timed, done()).measures()
    took = found.task_time
    assert (took.n, took.mean_hours, took.p50_hours, took.from_actual_hours, took.from_times) == (
        3,
        2,
        2,
        2,
        1,
    )
    assert took.p95_hours == pytest.approx(2.9)


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [([], 0.5, None), ([3.0], 0.95, 3), ([1.0, 3.0], 0.5, 2), ([1e308, 1.7e308], 0.5, 1.35e308)],
)
def test_percentiles_interpolate_between_the_closest_ranks(values, share, expected):
    assert percentile(values, share) == (None if expected is None else pytest.approx(expected))


def test_a_task_that_left_the_queue_unfinished_is_vanished_and_a_finished_one_is_what_it_was():
    found = sums((entry(), {"gone": True}), (done(), {"gone": True})).measures()
    assert (found.counts["vanished"], found.counts["pending"], found.counts["completed"]) == (1, 0, 1)


def test_sums_of_agents_add_up_to_those_of_the_fleet():
    rows = [done(estimated_hours=2, actual_hours=n, deliverables_total=2) for n in (1, 2, 4)]
    whole = sums(*((row, {"delivered": 1}) for row in rows))
    added = Sums()
    for row in rows:
        added.add_wire(sums((row, {"delivered": 1})).wire())
    assert added.measures() == whole.measures()


def test_hours_beyond_what_a_number_holds_do_not_make_an_infinite_figure():
    huge = done(estimated_hours=1e308, actual_hours=1e308)
    found = measures_data(sums(huge, huge).measures())
    assert found["efficiency_percent"] is None
    assert found["task_time"]["mean_hours"] is None
