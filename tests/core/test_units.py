"""Figures as text: what is unknown, and what is beyond all measure."""

import math

import pytest

from core.units import duration_text, limit_text, measure_text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "-"), (math.inf, "-"), (math.nan, "-"), (-5, "0 s"), (59.9, "59 s"), (3600, "1h 00m"),
        (86400 * 365 * 3, "3 y"), (1e300, ">999 y"),
    ],
)  # fmt: skip
def test_a_duration_fits_its_column_whatever_it_is(seconds, text):
    assert duration_text(seconds) == text


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (None, "%", "-"), (93.0, "%", "93 %"), (93.4, "%", "93 %"), (17.0, "tasks", "17 tasks"),
        (1.0, "tasks", "1 task"), (61.23, "MB/s", "61.2 MB/s"), (8.0, "MB/s", "8.0 MB/s"),
        (12_345.0, "MB/s", "12k MB/s"), (2.25, "h", "2.2 h"), (1 << 30, "B", "1.00 GiB"), (512, "B/s", "512 B/s"),
        (1.5, "", "1.50"), (250.0, "", "250"), (-3.0, "tasks", "-3 tasks"),
    ],
)  # fmt: skip
def test_a_value_has_its_unit_and_as_many_decimals_as_before(value, unit, text):
    assert measure_text(value, unit) == text


@pytest.mark.parametrize(
    ("limit", "unit", "text"), [(15.0, "tasks", "15"), (0.5, "h", "0.5"), (1 << 30, "B", "1.00 GiB")]
)
def test_a_limit_is_said_as_it_was_written(limit, unit, text):
    assert limit_text(limit, unit) == text
