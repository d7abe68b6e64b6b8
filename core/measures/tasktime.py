"""How long tasks take: the median and the time that 95 of 100 stay within.

Not for where the durations come from, nor for how long a task waits.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple


class TaskTime(NamedTuple):
    """Quantiles of `n` durations, in hours. With few, `p95_h` is near the longest seen."""

    n: int
    p50_h: float
    p95_h: float


def task_time(hours: Sequence[float]) -> TaskTime | None:
    """Median and 95th percentile of durations in hours, in any order; None if there are none.

    Durations that are negative or not finite are left out. Quantiles are linear between order
    statistics: type 7 of Hyndman and Fan (1996, The American Statistician 50, 361), as numpy, R
    and spreadsheets have them, so that anyone can check them.
    """
    known = sorted(value for value in hours if 0 <= value < math.inf)
    if not known:
        return None
    return TaskTime(len(known), _quantile(known, 0.5), _quantile(known, 0.95))


def _quantile(ascending: Sequence[float], share: float) -> float:
    place = (len(ascending) - 1) * share
    k = int(place)
    low = ascending[k]
    if k + 1 == len(ascending):
        return low
    return low + (ascending[k + 1] - low) * (place - k)
