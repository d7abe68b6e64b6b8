"""All measures of one agent: where each comes from, and that unknown is not zero."""

import pytest

from core.measures.agent import (
    UNMEASURED,
    delivery_percent,
    efficiency_percent,
    load_percent,
    measure,
    measure_fleet,
    task_times,
    total_work,
)
from core.observed import NOT_SEEN, Seen
from core.queues.model import NO_WORK, Work
from tests.snapshots import WALL, queue

WATCHED = ((WALL - 7200, WALL),)


def test_nothing_known_is_nothing_said():
    said = measure(queue("CA", form="unreadable"), NOT_SEEN, (), WALL, 8.0)
    assert (said.came, said.task_time, said.efficiency_percent, said.load_percent) == (None,) * 4
    assert UNMEASURED.efficiency_percent is None


def test_efficiency_is_earned_hours_over_actual_hours_and_never_a_hundred_by_default():
    assert efficiency_percent(NO_WORK) is None
    assert (
        efficiency_percent(Work(hours_n=2, estimated_hours=6.0, earned_hours=6.0, actual_hours=8.0)) == 75.0
    )
    half = Work(1, 4.0, 2.0, 4.0, 1, 2, 4)
    assert efficiency_percent(half) == 50.0
    assert delivery_percent(half) == 50.0
    assert delivery_percent(NO_WORK) is None


def test_the_load_counts_what_is_in_progress_and_is_not_capped():
    assert load_percent(queue("CA", load_hours=12.0), 8.0) == 150.0
    assert load_percent(queue("CA", load_hours=0.0), 8.0) == 0.0
    assert load_percent(queue("CA", load_hours=None), 8.0) is None


def test_task_times_that_were_seen_go_before_claims_once_there_are_five():
    claims = Work(claimed_n=3, claimed_hours=9.0, p50_hours=3.0, p95_hours=4.0)
    few = Seen(hours=(1.0,) * 4)
    assert task_times(few, claims)[1:] == ("claimed", 3.0)
    time, source, mean = task_times(Seen(hours=(1.0, 2.0, 3.0, 4.0, 5.0)), claims)
    assert (time.n, time.p50_h, source, mean) == (5, 3.0, "seen", 3.0)
    assert task_times(few, NO_WORK)[1] == "seen"
    assert task_times(NOT_SEEN, NO_WORK) == (None, "", None)


def test_rates_come_from_watched_time_only():
    seen = Seen(came=tuple(WALL - 7200 + 600 * i for i in range(12)))
    said = measure(queue("CA", pending=12), seen, WATCHED, WALL, 8.0)
    assert said.came.per_hour == pytest.approx(6.0, rel=0.1)
    assert said.came.low < 6.0 < said.came.high
    assert said.left.per_hour == 0.0
    assert measure(queue("CA", pending=12), seen, (), WALL, 8.0).came is None


def test_the_fleet_adds_work_up_and_leaves_out_what_cannot_be_added():
    total = total_work([NO_WORK, Work(1, 2.0, 2.0, 4.0, 1, 2, 4, 1, 4.0, 4.0, 4.0), Work(1, 2.0, 2.0, 1.0)])
    assert (total.hours_n, total.earned_hours, total.actual_hours, total.p50_hours) == (2, 4.0, 5.0, None)
    assert measure_fleet(0, total, NOT_SEEN, WATCHED, WALL).efficiency_percent == 80.0
    assert total_work([]) is NO_WORK
