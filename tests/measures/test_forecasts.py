"""A small run of `benchmarks/forecasts.py`, so that a change that spoils the forecasts is noticed."""

import pytest

from benchmarks.forecasts import FAMILIES, GOAL_PERCENT, MANY, Row, run, table
from core.measures.drain import CLEARS, GROWING, LEVEL, UNKNOWN


@pytest.fixture(scope="module")
def rows() -> dict[str, Row]:
    """360 queues, sixty a family."""
    return run(360, seed=7)


def test_rates_lie_in_their_intervals_as_often_as_those_say(rows):
    total = rows["total"]
    assert total.queues == 360
    for name in ("in", "out"):
        assert total.count[name] >= 350
        assert 84 <= (total.percent(name) or 0) <= 96


def test_queues_clear_when_it_was_said(rows):
    total = rows["total"]
    assert total.count[CLEARS] >= 60
    assert (total.percent(CLEARS) or 0) >= GOAL_PERCENT
    assert (total.percent(LEVEL) or 0) >= 92


def test_queues_that_were_said_to_grow_grew(rows):
    assert rows["total"].count[GROWING] >= 60
    assert (rows["total"].percent(GROWING) or 0) >= 90


def test_intervals_are_no_wider_than_they_need_be(rows):
    widths = {name: sorted(found)[len(found) // 2] for name, found in rows["total"].widths.items()}
    assert widths["in"] < 2.3
    assert widths["out"] < 2.2
    assert widths[MANY] < 8


def test_signs_are_rarely_wrong_and_forecasts_rarely_missing(rows):
    total = rows["total"]
    assert total.wrong_signs <= 0.03 * total.queues
    assert total.count[UNKNOWN] <= 0.02 * total.queues


def test_the_same_seed_gives_the_same_table():
    first, second = table(run(30, seed=3)), table(run(30, seed=3))
    assert first == second
    assert [line[:11].strip() for line in first.splitlines()[3:10]] == [*FAMILIES, "total"]
