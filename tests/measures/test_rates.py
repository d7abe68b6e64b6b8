import math
import random
import subprocess
import sys
from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.measures.rates import (
    ENOUGH,
    MOST_S,
    Span,
    lower_count,
    rate,
    recent,
    upper_count,
    watched_s,
)

NOW = 1_780_000_000.0
HOUR = 3600.0


def poisson(per_hour: float, hours: float, seed: int = 1, end: float = NOW) -> list[float]:
    """A Poisson process over the last `hours` before `end`."""
    dice, times, at = random.Random(seed), [], end - hours * HOUR
    while (at := at + dice.expovariate(per_hour / HOUR)) <= end:
        times.append(at)
    return times


def at_most(n: int, mean: float) -> float:
    """The chance of at most `n` Poisson events, summed up."""
    term = total = math.exp(-mean)
    for k in range(1, n + 1):
        term *= mean / k
        total += term
    return total


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 7, 10, 20, 50, 100, 400])
def test_limits_are_those_of_the_exact_poisson_interval(n):
    assert 1 - at_most(n - 1, lower_count(n)) == pytest.approx(0.05, abs=0.0015)
    assert at_most(n, upper_count(n)) == pytest.approx(0.05, abs=0.0015)


def test_no_event_has_the_limits_zero_and_minus_log_five_percent():
    assert lower_count(0) == 0
    assert upper_count(0) == pytest.approx(-math.log(0.05), rel=0.01)


# Times in minutes after the begin of the watch; what is expected, per hour.
CASES = [
    ("nothing in an hour", [], 60, (0, 0, 2.97, 0, 1)),
    ("nothing in two hours", [], 120, (0, 0, 1.484, 0, 2)),
    ("one in half an hour", [10], 30, (2, 0.1026, 9.457, 1, 0.5)),
    ("four in an hour", [3, 22, 31, 55], 60, (4, 1.366, 9.151, 4, 1)),
    ("ten in an hour", [2, 3, 11, 14, 21, 34, 35, 47, 52, 58], 60, (10, 5.425, 16.96, 10, 1)),
    ("ten in two hours", [4, 6, 22, 28, 42, 68, 70, 94, 104, 116], 120, (5, 2.713, 8.479, 10, 2)),
    # Ten at once tell as much as one: 10 x (0.0513, 4.73).
    ("one batch of ten", [30] * 10, 60, (10, 0.513, 47.28, 10, 1)),
    # Index of dispersion 120/11: two batches of ten in two of twelve parts; 20 events count as 2.2.
    ("two batches of ten", [10.5] * 10 + [40.5] * 10, 60, (20, 3.986, 59.94, 20, 1)),
    # One in each of twelve parts: dispersion 0, taken as 0.3, so that twelve count as forty.
    ("twelve evenly", [2.5 + 5 * k for k in range(12)], 60, (12, 9.059, 15.63, 12, 1)),
]


@pytest.mark.parametrize(
    ("minutes", "watched_min", "expected"), [c[1:] for c in CASES], ids=[c[0] for c in CASES]
)
def test_rate_and_interval_of(minutes, watched_min, expected):
    begin = NOW - watched_min * 60
    found = rate([begin + m * 60 for m in minutes], [(begin, NOW)], NOW)
    assert tuple(found or ()) == pytest.approx(expected, rel=2e-3)


def test_two_minutes_must_have_been_watched():
    assert rate([NOW - 60], [(NOW - 119, NOW)], NOW) is None
    assert rate([NOW - 60], [(NOW - 120, NOW)], NOW) is not None
    assert rate([], [], NOW) is None
    assert rate([NOW - 60], [(NOW - HOUR, NOW)], NOW, window_s=100) is None


def test_time_that_was_not_watched_neither_lowers_a_rate_nor_narrows_it():
    day = [NOW - 50 * HOUR + m * 60 for m in (5, 17, 20, 41, 59)]
    today = [NOW - 3000, NOW - 2400, NOW - 1000, NOW - 900, NOW - 40]
    watched = [(NOW - 50 * HOUR, NOW - 49 * HOUR), (NOW - HOUR, NOW)]
    found = rate(day + today, watched, NOW)
    assert found is not None
    assert (found.n, found.hours, found.per_hour) == (10, 2, 5)


def test_a_busy_queue_is_judged_by_its_last_half_hour():
    found = rate(poisson(200, 8), [(NOW - 8 * HOUR, NOW)], NOW)
    assert found is not None
    assert found.hours == 0.5
    assert found.n >= ENOUGH


def test_a_quiet_queue_is_judged_by_a_day_of_watching():
    times = poisson(0.5, 40)
    found = rate(times, [(NOW - 40 * HOUR, NOW)], NOW)
    assert found is not None
    assert found.hours == 24
    assert found.n == sum(at > NOW - 24 * HOUR for at in times)


def test_a_window_that_is_asked_for_is_kept():
    times = [*poisson(60, 2, end=NOW - HOUR), *poisson(5, 1)]
    for window_s in (1800.0, 2 * HOUR, 3 * HOUR):
        found = rate(times, [(NOW - 3 * HOUR, NOW)], NOW, window_s)
        assert found is not None
        assert found.hours == window_s / HOUR
        assert found.n == sum(at > NOW - window_s for at in times)


@pytest.mark.parametrize(("before", "after"), [(40, 4), (40, 0), (4, 40)])
def test_after_a_change_only_the_new_rate_counts(before, after):
    newer = poisson(after, 0.4) if after else []
    times = [*poisson(before, 0.5, end=NOW - 0.4 * HOUR), *newer]
    found = rate(times, [(NOW - 0.9 * HOUR, NOW)], NOW)
    assert found is not None
    assert 0.25 < found.hours < 0.55  # found to one part in twelve, give or take chance
    assert found.low <= after <= found.high


def test_a_batch_long_ago_is_no_change_of_rate():
    watched = [(NOW - HOUR, NOW)]
    found = rate([NOW - 3500.0] * 20, watched, NOW)
    assert found is not None
    assert (found.n, found.hours) == (20, 1)
    assert found.low < 2  # as uncertain as a single event


def test_longer_watching_narrows_the_interval():
    widths = []
    for hours in (1, 2, 4, 8):
        found = [rate(poisson(6, hours, seed), [(NOW - hours * HOUR, NOW)], NOW) for seed in range(40)]
        widths.append(median(of.high / of.low for of in found if of is not None and of.n))
    assert widths == sorted(widths, reverse=True)


def test_watched_seconds_between_two_moments():
    watched: list[Span] = [(0, 100), (150, 200), (300, 400)]
    assert watched_s(watched, 50, 350) == 50 + 50 + 50
    assert watched_s(watched, -10, 1000) == 250
    assert watched_s(watched, 210, 290) == 0
    assert watched_s(watched, 350, 50) == 0
    assert watched_s([], 0, 10) == 0
    assert watched_s([(0, 100), (50, 120)], 0, 200) == 120  # overlaps count once


def test_recent_spans_are_newest_first_and_cut():
    watched: list[Span] = [(0, 100), (150, 200), (300, 400)]
    assert recent(watched, 350) == [(300, 350), (150, 200), (0, 100)]
    assert recent(watched, 350, 70) == [(300, 350), (180, 200)]
    assert recent(watched, 250, 20) == [(180, 200)]
    assert recent([(5, 5), (9, 3)], 10) == []


moments = st.floats(NOW - 3 * MOST_S, NOW + HOUR)
several_times = st.lists(moments, max_size=80).map(sorted)
bursts = st.lists(st.tuples(moments, st.integers(1, 40)), max_size=12).map(
    lambda found: sorted(at for at, size in found for _ in range(size))
)
spans = st.lists(moments, max_size=16).map(lambda found: list(zip(*[iter(sorted(found))] * 2, strict=False)))


@given(times=several_times | bursts, watched=spans, window_s=st.none() | st.floats(1, 4 * MOST_S))
def test_any_times_give_a_finite_rate_within_its_interval(times, watched, window_s):
    found = rate(times, watched, NOW, window_s)
    if watched_s(watched, -math.inf, NOW) < 119 or (window_s is not None and window_s < 120):
        assert found is None
        return
    if found is None:
        return
    assert all(math.isfinite(value) for value in found)
    assert 0 <= found.low <= found.per_hour <= found.high
    assert 0 < found.hours <= (MOST_S if window_s is None else window_s) / HOUR * (1 + 1e-9)
    assert found.per_hour == pytest.approx(found.n / found.hours)
    assert found.high > 0


@given(times=several_times, watched=spans, more=spans)
def test_longer_watching_never_makes_a_rate_unknown(times, watched, more):
    earlier = [(begin - 4 * MOST_S, end - 4 * MOST_S) for begin, end in more]
    if rate(times, watched, NOW) is not None:
        assert rate(times, [*earlier, *watched], NOW) is not None


def test_only_small_modules_are_imported():
    loaded = subprocess.run(
        [sys.executable, "-c", "import sys; import core.measures.drain, core.measures.skills, "
         "core.measures.tasktime; print(*sys.modules)"],
        capture_output=True, text=True, check=True,
    ).stdout.split()  # fmt: skip
    slow = {
        "asyncio",
        "datetime",
        "statistics",
        "fractions",
        "decimal",
        "random",
        "msgspec",
        "rich",
        "textual",
    }
    assert not slow & set(loaded)
