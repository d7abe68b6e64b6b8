import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.measures.tasktime import TaskTime, task_time

# hours; n, median, 95th percentile as numpy.percentile has them.
CASES = [
    ([2.0], (1, 2.0, 2.0)),
    ([1.0, 3.0], (2, 2.0, 2.9)),
    ([3.0, 1.0, 2.0], (3, 2.0, 2.9)),
    ([0.5, 4.0, 1.0, 2.0], (4, 1.5, 3.7)),
    ([float(k) for k in range(1, 22)], (21, 11.0, 20.0)),
    ([0.0, 0.0, 0.0, 8.0], (4, 0.0, 6.8)),
    ([5.0] * 100, (100, 5.0, 5.0)),
]


@pytest.mark.parametrize(("hours", "expected"), CASES)
def test_quantiles_are_linear_between_order_statistics(hours, expected):
    assert task_time(hours) == pytest.approx(TaskTime(*expected)[:])


def test_without_durations_there_is_no_task_time():
    assert task_time([]) is None
    assert task_time([math.nan, math.inf, -1.0]) is None


def test_impossible_durations_are_left_out():
    assert task_time([math.nan, 1.0, -2.0, math.inf, 3.0, -math.inf]) == task_time([1.0, 3.0])


@given(st.lists(st.floats(), max_size=60))
def test_quantiles_lie_within_what_was_seen(hours):
    found = task_time(hours)
    known = [value for value in hours if 0 <= value < math.inf]
    assert (found is None) == (not known)
    if found is not None:
        assert found.n == len(known)
        assert min(known) <= found.p50_h <= found.p95_h <= max(known)
