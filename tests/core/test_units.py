"""Figures as text: what is unknown, and what is beyond all measure."""

import math

import pytest

from core.units import duration_text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "-"), (math.inf, "-"), (math.nan, "-"), (-5, "0 s"), (59.9, "59 s"), (3600, "1h 00m"),
        (86400 * 365 * 3, "3 y"), (1e300, ">999 y"),
    ],
)  # fmt: skip
def test_a_duration_fits_its_column_whatever_it_is(seconds, text):
    assert duration_text(seconds) == text
