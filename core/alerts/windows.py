"""The value that a rule judges: the last sample of a series, or an aggregate of those in a window.

A *track* is one aggregate of one series, shared by all rules that ask for the same. It also knows
between which values none of its rules would do anything, so that most samples cost one comparison.

alerting.md, section 2: `avg`, `max` and `min` use the samples in (t - window, t]; they are unknown until
the series has been observed without a gap (more than `stale_after_s` between two samples) for a whole window.
"""

from collections import deque
from math import inf, isfinite
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from core.alerts.instances import Instance, Series


Key = tuple[str, float, float]  # aggregate, window and stale_after in seconds
LAST: Key = ("last", 0.0, inf)


class Track:
    """The last sample, as it is. Subclasses aggregate. Values have the metric's unit, times are seconds.

    `low` and `high` are the closed interval of values that change nothing; `pending` and `stale` say whether an
    instance is pending, or was stale when it was judged last.
    """

    __slots__ = (
        "expiring", "high", "instances", "key", "low", "pending", "run_start", "series", "stale", "stale_after_s",
        "window_s",
    )  # fmt: skip

    def __init__(self, series: "Series", key: Key) -> None:
        self.series = series
        self.key = key
        _, self.window_s, self.stale_after_s = key
        self.instances: list[Instance] = []
        self.low, self.high = -inf, inf
        self.pending = self.stale = False
        self.run_start = inf  # when the samples without a gap began; not of the last sample alone
        self.expiring = False  # whether the agenda has an entry for it

    def restart(self, t: float) -> None:
        """The sample that comes at `t` is the first, or the first after a gap."""

    def push(self, t: float, value: float) -> float | None:
        """Take the sample of `t`; the value to be judged now, None if it is unknown."""
        return value

    def value(self, t: float, last: float) -> float | None:
        """The value at `t`, when no sample has come since `last`."""
        return last

    def changes_at(self, t: float) -> float:
        """When, after `t`, the value may change though no sample comes; inf if never."""
        return inf

    def samples(self) -> list[tuple[float, float]]:
        """The samples that are kept, oldest first."""
        return []

    def resume(self, run_start: float, samples: list[tuple[float, float]]) -> None:
        """Go on with samples that were kept elsewhere."""


class _Window(Track):
    """What aggregates over a window have in common."""

    __slots__ = ("kept",)

    def __init__(self, series: "Series", key: Key) -> None:
        super().__init__(series, key)
        self.kept: deque[tuple[float, float]] = deque()

    def restart(self, t: float) -> None:
        self.run_start = t
        self.kept.clear()

    def changes_at(self, t: float) -> float:
        if t - self.run_start < self.window_s:
            return self.run_start + self.window_s
        return self.kept[0][0] + self.window_s if self.kept else inf

    def samples(self) -> list[tuple[float, float]]:
        return list(self.kept)

    def resume(self, run_start: float, samples: list[tuple[float, float]]) -> None:
        self.restart(run_start)
        for t, value in samples:
            self.push(t, value)


class Average(_Window):
    """The mean of the samples (not over time). The sum is carried along with its rounding error
    (Neumaier 1974), so that a week of samples is as exact as the first minute."""

    __slots__ = ("carry", "total")

    def __init__(self, series: "Series", key: Key) -> None:
        super().__init__(series, key)
        self.total = self.carry = 0.0

    def restart(self, t: float) -> None:
        super().restart(t)
        self.total = self.carry = 0.0

    def _add(self, value: float) -> None:
        total = self.total
        made = total + value
        if abs(total) >= abs(value):
            self.carry += (total - made) + value
        else:
            self.carry += (value - made) + total
        self.total = made

    def push(self, t: float, value: float) -> float | None:
        self.kept.append((t, value))
        self._add(value)
        return self.value(t, value)

    def value(self, t: float, last: float) -> float | None:
        kept, begin = self.kept, t - self.window_s
        while kept and kept[0][0] <= begin:
            self._add(-kept.popleft()[1])
        if not kept:
            self.total = self.carry = 0.0
            return None
        if t - self.run_start < self.window_s:
            return None
        mean = (self.total + self.carry) / len(kept)
        # Of numbers near the largest there are, the sum is none.
        return mean if isfinite(mean) else sum(value / len(kept) for _, value in kept)


class Extreme(_Window):
    """The largest or (`sign` -1) the smallest of the samples: only those that may still become it are kept."""

    __slots__ = ("sign",)

    def __init__(self, series: "Series", key: Key) -> None:
        super().__init__(series, key)
        self.sign = 1.0 if key[0] == "max" else -1.0

    def push(self, t: float, value: float) -> float | None:
        kept, sign = self.kept, self.sign
        while kept and sign * kept[-1][1] <= sign * value:
            kept.pop()
        kept.append((t, value))
        return self.value(t, value)

    def value(self, t: float, last: float) -> float | None:
        kept, begin = self.kept, t - self.window_s
        while kept and kept[0][0] <= begin:
            kept.popleft()
        if not kept or t - self.run_start < self.window_s:
            return None
        return kept[0][1]


def new_track(series: "Series", key: Key) -> Track:
    """The track of an aggregate: last, avg, max or min."""
    if key[0] == "last":
        return Track(series, key)
    return Average(series, key) if key[0] == "avg" else Extreme(series, key)
