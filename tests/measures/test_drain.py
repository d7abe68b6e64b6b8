import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.measures.drain import (
    CLEARS,
    EMPTY,
    GROWING,
    LEVEL,
    STALLED,
    UNKNOWN,
    departures,
    drain,
    first_passage,
    range_text,
)
from core.measures.rates import MOST_S, Span

NOW = 1_780_000_000.0
HOUR, DAY = 3600.0, 86400.0


def evenly(n: int, minutes: float, until_min: float = 0.0) -> list[float]:
    """`n` times at even distances over so many minutes, ending so many minutes before NOW."""
    step_s = minutes * 60 / n
    return [NOW - until_min * 60 - (k + 0.5) * step_s for k in reversed(range(n))]


def watched(minutes: float) -> list[Span]:
    """One span that ends NOW."""
    return [(NOW - minutes * 60, NOW)]


# waiting, came, left, minutes watched; what is said.
CASES = [
    ("an empty queue", 0, evenly(9, 60), evenly(9, 60), 60, "empty", "nothing waits", "nothing waits"),
    ("less than nothing", -3, [], [], 60, "empty", "nothing waits", "nothing waits"),
    ("a minute of watching", 5, evenly(9, 1), evenly(9, 1), 1, "-", "no forecast", "watched for 1 m; needs 2 m"),
    ("two changes", 5, evenly(2, 4), [], 4, "-", "no forecast", "2 changes seen in 4 m; needs 5"),
    ("one change", 5, [], evenly(1, 4), 4, "-", "no forecast", "1 change seen in 4 m; needs 5"),
    ("no change", 5, [], [], 70, "-", "no forecast", "0 changes seen in 1h 10m; needs 5"),
    ("one batch", 25, [NOW - 120 - k / 10 for k in reversed(range(25))], [], 4, "-", "no forecast",
     "25 changes seen in 4 m; needs 5 that are 10 s apart"),
    ("a queue that just began to stand", 6, [*evenly(9, 60, 10.1), *evenly(6, 2.5)], evenly(9, 60, 10), 80, "-",
     "no forecast", "departures could be timed for 1 m of 1h 20m; needs 2 m"),
    ("no departure in two hours", 12, evenly(9, 130), [], 130, "stalled", "stalled",
     "12 waiting, none left in 2h 10m; 4.2/h in (9 in 2h 10m)"),
    ("no departure where they were frequent", 9, [], evenly(20, 40, 25), 65, "stalled", "stalled",
     "9 waiting, none left in 26 m, 19 before that; 0/h in (0 in 1h 05m)"),
    ("many come and few leave", 60, evenly(60, 120), evenly(20, 120), 120, "+20/h",
     "growing 20/h, will not drain", "60 waiting, 30/h in, 10/h out (60 and 20 seen in 2h 00m)"),
    ("few a day", 60, evenly(24, 1440), evenly(8, 1440), 1440, "+16/d", "growing 16/d, will not drain",
     "60 waiting, 1/h in, 8/d out (24 and 8 seen in 1d 0h)"),
    ("few come and many leave", 40, evenly(10, 60), evenly(60, 60), 60, "35-70m", "clears in 35-70 min",
     "40 waiting, 10/h in, 59/h out (10 and 59 seen in 1h 00m)"),
    ("none comes", 100, [], evenly(60, 120), 120, "2.5-4h", "clears in 2.5-4 h", "100 waiting, 0/h in, 30/h out"),
    ("the last one", 1, evenly(3, 60), evenly(20, 60), 60, "<10 m", "clears within 10 min", ""),
    ("as many come as leave", 40, evenly(30, 120), evenly(32, 120), 120, ">7 h",
     "level, clears in 7 h at the earliest", "40 waiting, 15/h in, 16/h out (30 and 32 seen in 2h 00m)"),
    ("hardly anything waits, as many come as leave", 1, evenly(60, 120), evenly(60, 120), 120, "level",
     "level, may clear or grow", ""),
    ("a mountain", 1_000_000, evenly(10, 60), evenly(60, 60), 60, ">14 d",
     "level, clears in 14 d at the earliest", "1.0M waiting"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("waiting", "came", "left", "minutes", "short", "text", "why"),
    [c[1:] for c in CASES],
    ids=[c[0] for c in CASES],
)
def test_what_is_said_of(waiting, came, left, minutes, short, text, why):
    said = drain(waiting, came, left, watched(minutes), NOW)
    assert (said.short, said.text) == (short, text)
    assert why in said.why


def test_the_kind_and_the_bounds_go_together():
    by_kind = {}
    for _, waiting, came, left, minutes, *_ in CASES:
        said = drain(waiting, came, left, watched(minutes), NOW)
        by_kind.setdefault(said.kind, said)
    assert set(by_kind) == {EMPTY, CLEARS, STALLED, GROWING, LEVEL, UNKNOWN}
    assert (by_kind[EMPTY].low_s, by_kind[EMPTY].high_s) == (0, 0)
    for kind in (STALLED, GROWING, UNKNOWN):
        assert (by_kind[kind].low_s, by_kind[kind].high_s) == (None, None)
    assert by_kind[LEVEL].low_s is not None
    assert by_kind[LEVEL].high_s is None
    assert by_kind[GROWING].net_per_hour == pytest.approx(20, abs=0.1)
    assert by_kind[CLEARS].net_per_hour == pytest.approx(-49.5, abs=0.1)


def test_a_stalled_queue_that_moves_again_is_no_longer_stalled():
    came, left = evenly(30, 300), evenly(20, 100, 200)
    assert drain(9, came, left, watched(300), NOW).kind == STALLED
    assert drain(9, came, [*left, NOW - 5], watched(300), NOW).kind != STALLED


def test_two_hours_without_departures_are_no_stall_where_little_waited_in_them():
    assert drain(3, evenly(3, 10), [], watched(300), NOW).kind == UNKNOWN
    assert (
        drain(9, [*evenly(3, 60, 240), *evenly(9, 20)], evenly(3, 60, 238), watched(300), NOW).kind != STALLED
    )


def test_what_went_on_before_the_night_is_no_stall_in_the_morning():
    # The evening ended with three hours of nothing: whether tasks waited then, nobody knows now.
    spans = [(NOW - 14 * HOUR, NOW - 10 * HOUR), (NOW - 300, NOW)]
    left = [NOW - 14 * HOUR + k * 100 for k in range(1, 30)]
    assert departures(9, [], left, spans, NOW).silent_s == 300
    assert drain(9, [], left, spans, NOW).kind != STALLED


def test_time_in_which_nothing_waited_says_nothing_of_the_pace():
    # Three hours idle, then thirty tasks at once of which one leaves every three minutes.
    came = [NOW - 30 * 60.0] * 30
    left = [NOW - 30 * 60.0 + k * 180 for k in range(1, 10)]
    found = departures(21, came, left, watched(210), NOW)
    assert found.rate is not None
    assert found.rate.per_hour == pytest.approx(20, rel=0.1)
    assert found.standing_s < 30 * 60


def test_what_an_idle_agent_takes_at_once_says_nothing_of_its_pace():
    # Ten tasks, each taken 20 s after it came; then three that wait.
    came = [*evenly(10, 100, 10), *evenly(3, 9)]
    left = [at + 20 for at in came[:10]]
    found = departures(3, came, left, watched(120), NOW)
    assert found.n == 0
    assert found.standing_s < 9 * 60


def test_a_short_gap_is_bridged_and_a_long_one_is_not():
    # One task has waited for an hour and a half; before it came, nothing did.
    def seen(gap_s: float) -> tuple[float, float]:
        spans = [(NOW - 2 * HOUR, NOW - HOUR), (NOW - HOUR + gap_s, NOW)]
        found = departures(1, [NOW - 1.5 * HOUR], [], spans, NOW)
        return found.silent_s, found.standing_s

    # Less the minute in which an idle agent would have noticed it.
    assert seen(60) == (1.5 * HOUR - 60, 1.5 * HOUR - 60 - 60)
    # What waited before a long gap is not known; all of that time counts as if something had.
    assert seen(1200) == (HOUR - 1200, HOUR - 1200 - 60 + HOUR)


def test_departures_without_any_watching():
    assert departures(5, [], [], [], NOW) == (None, 0, 0.0, 0.0)


def inverse_gaussian(seconds: float, height: float, drift: float, variance: float) -> float:
    """First passage with a known drift: its density, summed up."""
    total, steps = 0.0, 4000
    for k in range(steps):
        t = (k + 0.5) * seconds / steps
        density = height / math.sqrt(2 * math.pi * variance * t**3)
        total += density * math.exp(-((height - drift * t) ** 2) / (2 * variance * t)) * seconds / steps
    return total


@pytest.mark.parametrize("seconds", [100, 1000, 5000])
@pytest.mark.parametrize(
    ("height", "drift", "variance"), [(1, 0.01, 0.02), (20, 0.01, 0.02), (5, -0.002, 0.02)]
)
def test_first_passage_is_that_of_brownian_motion(seconds, height, drift, variance):
    exact = inverse_gaussian(seconds, height, drift, variance)
    assert first_passage(seconds, height, drift, variance, 0.0) == pytest.approx(exact, abs=1e-3)


@pytest.mark.parametrize(("height", "drift", "doubt"), [(20, 0.01, 0.004), (3, 0.0, 0.01), (40, -0.01, 0.02)])
def test_an_uncertain_drift_averages_over_what_it_may_be(height, drift, doubt):
    total = weight = 0.0
    for k in range(-400, 401):
        z = k / 80
        density = math.exp(-z * z / 2)
        weight += density
        total += density * first_passage(4000, height, drift + z * doubt, 0.02, 0.0)
    assert first_passage(4000, height, drift, 0.02, doubt) == pytest.approx(total / weight, abs=1e-4)


@given(
    height=st.floats(0.5, 1e7),
    drift=st.floats(-10, 10),
    variance=st.floats(1e-6, 100),
    doubt=st.floats(0, 10),
)
def test_first_passage_is_a_chance_that_grows_with_time(height, drift, variance, doubt):
    before = 0.0
    for power in range(16):
        chance = first_passage(4.0**power, height, drift, variance, doubt)
        assert 0 <= chance <= 1 + 1e-9
        assert chance >= before - 1e-6
        before = chance


RANGES = [
    (2100, 3600, "in 35-60 min", "35-60m"), (2050, 3650, "in 30-65 min", "30-65m"),
    (5 * HOUR, 7 * HOUR, "in 5-7 h", "5-7 h"), (5.6 * HOUR, 6.6 * HOUR, "in 5.5-7 h", "5.5-7h"),
    (1.6 * HOUR, 9.4 * HOUR, "in 1.5-9.5 h", "1.5-9.5h"), (12 * HOUR, 30 * HOUR, "in 12-30 h", "12-30h"),
    (20, 80, "in 20-80 s", "20-80s"), (4, 9, "in 4-9 s", "4-9 s"), (120, 300, "in 2-5 min", "2-5 m"),
    (1500, 9000, "in 25 min to 2.5 h", "25m-2.5h"), (9.7 * HOUR, 3.2 * DAY, "in 9 h to 3.5 d", "9h-3.5d"),
    (45, 400, "in 45 s to 7 min", "45s-7m"), (2 * DAY, 4 * DAY, "in 2-4 d", "2-4 d"),
    (100, 3500, "within 60 min", "<60 m"), (1, 12.2 * HOUR, "within 13 h", "<13 h"), (3, 90, "within 90 s", "<90 s"),
    (5 * HOUR, 5 * HOUR, "in 5 h", "5 h"),
]  # fmt: skip


@pytest.mark.parametrize(("low_s", "high_s", "text", "short"), RANGES)
def test_ranges_are_rounded_outwards(low_s, high_s, text, short):
    assert range_text(low_s, high_s) == (text, short)


@given(low_s=st.floats(1, 14 * DAY), factor=st.floats(1, 1e5))
def test_every_range_fits_its_column(low_s, factor):
    text, short = range_text(low_s, min(low_s * factor, 14 * DAY))
    assert len(short) <= 8
    assert len(text) <= 20
    assert not any(word in text for word in ("nan", "inf", "e+", "in 0"))


moments = st.floats(NOW - 2 * MOST_S, NOW + 60)
several_times = st.lists(moments, max_size=60).map(sorted)
batches = st.lists(st.tuples(moments, st.integers(1, 300)), max_size=6).map(
    lambda found: sorted(at for at, size in found for _ in range(size))
)
spans = st.lists(moments, max_size=10).map(lambda found: list(zip(*[iter(sorted(found))] * 2, strict=False)))


@settings(deadline=None)
@given(
    waiting=st.integers(-1, 50) | st.integers(0, 10**9),
    came=several_times | batches,
    left=several_times | batches,
    spans=spans | st.just(watched(60)) | st.just(watched(1440)),
)
def test_any_observations_give_a_forecast_that_can_be_shown(waiting, came, left, spans):
    said = drain(waiting, came, left, spans, NOW)
    assert (said.kind == EMPTY) == (waiting <= 0)
    assert len(said.short) <= 8
    assert len(said.text) <= 48
    assert said.why
    assert said.text.isprintable()
    assert said.why.isprintable()
    assert "nan" not in said.text + said.short + said.why
    for value in (said.low_s, said.high_s, said.net_per_hour):
        assert value is None or math.isfinite(value)
    assert (said.low_s is not None) == (said.kind in (EMPTY, CLEARS, LEVEL))
    assert (said.high_s is not None) == (said.kind in (EMPTY, CLEARS))
    if said.low_s is not None and said.high_s is not None:
        assert 0 <= said.low_s <= said.high_s
    if said.kind == GROWING:
        assert said.net_per_hour is not None
        assert said.net_per_hour > 0
    if said.kind == CLEARS:
        assert said.net_per_hour is not None
        assert said.net_per_hour < 0


@settings(deadline=None)
@given(seed=st.integers(0, 10**6), cut=st.floats(0, 1), gaps=st.integers(0, 3))
def test_a_longer_memory_never_makes_a_forecast_unknown(seed, cut, gaps):
    dice = random.Random(seed)
    begin = NOW - dice.uniform(0.1, 30) * HOUR
    waiting, at, came, left = dice.randrange(8), begin, [], []
    pace_s = dice.uniform(20, 2000)
    while (at := at + dice.expovariate(1 / pace_s)) < NOW:
        leaves = waiting > 0 and dice.random() < 0.5
        waiting += -1 if leaves else 1
        (left if leaves else came).append(at)
    ends = sorted(dice.uniform(begin, NOW) for _ in range(2 * gaps))
    whole: list[Span] = list(zip([begin, *ends[1::2]], [*ends[::2], NOW], strict=True))
    since = begin + cut * (NOW - begin)
    part = [(max(first, since), last) for first, last in whole if last > since]
    seen = drain(waiting, [t for t in came if t > since], [t for t in left if t > since], part, NOW)
    # Not so for a stall: where nothing is known to have ever left, less silence is enough.
    if seen.kind not in (UNKNOWN, STALLED):
        assert drain(waiting, came, left, whole, NOW).kind != UNKNOWN
