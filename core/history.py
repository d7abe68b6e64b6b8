"""Recent points, bounded: windows for rules and columns for charts. Nothing here touches a disk.

Both are values: `add` returns a new one and leaves the old as it was, which keeps the
evaluator pure. The points are tuples of floats, so a new window of five minutes costs about
a microsecond. A window holds at most `MAX_POINTS` points (64 KiB), a chart at most its `keep` columns.

A *gap* is a time without samples longer than the series' `gap_s`. A window is stale in it, charts
show it, and nothing is ever interpolated across it.
"""

from bisect import bisect_right
from math import floor

import msgspec

from core.snapshot import Chart

MAX_POINTS = 2048


class Window(msgspec.Struct, frozen=True):
    """The samples of one series in (t - span_s, t], irregular in time, oldest first."""

    span_s: float
    gap_s: float
    times: tuple[float, ...] = ()
    values: tuple[float, ...] = ()

    @property
    def last_at(self) -> float | None:
        """When the newest sample was taken, None without any."""
        return self.times[-1] if self.times else None

    def add(self, at: float, value: float) -> "Window":
        """With one more sample. Older than the newest: dropped; of the same time: it replaces that one."""
        times, values = self.times, self.values
        if times:
            last = times[-1]
            if at < last:
                return self
            if at == last:
                return Window(self.span_s, self.gap_s, times, (*values[:-1], value))
            old = max(bisect_right(times, at - self.span_s), len(times) - MAX_POINTS + 1)
            if old > 0:
                times, values = times[old:], values[old:]
        return Window(self.span_s, self.gap_s, (*times, at), (*values, value))

    def aggregate(self, how: str, now: float) -> float | None:
        """`last`, `avg`, `max` or `min` of the samples in (now - span_s, now]; None without any.

        The average is over samples, not over time: a poller's rhythm is even, and the rules of
        alerting.md count samples. `last` ignores the span; its age is judged by staleness.
        """
        values = self.values
        if not values:
            return None
        if how == "last":
            return values[-1]
        first = bisect_right(self.times, now - self.span_s)
        if first:
            values = values[first:]
        if not values:
            return None
        if how == "avg":
            return sum(values) / len(values)
        return max(values) if how == "max" else min(values)

    def stale(self, now: float) -> bool:
        """Whether there is no sample, or the newest is older than a gap."""
        return not self.times or now - self.times[-1] > self.gap_s


class Columns(msgspec.Struct, frozen=True):
    """The history of one metric, drawn in columns of `chart.step_s`; `number` is the column being filled."""

    keep: int
    gap_s: float
    chart: Chart
    number: int = 0
    last_at: float | None = None
    last: float = 0.0

    def add(self, at: float, value: float) -> "Columns":
        """With one more sample; older ones than the newest are dropped."""
        chart, step = self.chart, self.chart.step_s
        number = floor(at / step)
        if self.last_at is None:
            return self._with(Chart(step, (), value), number, at, value)
        if at < self.last_at:
            return self
        if number == self.number:
            if chart.partial is None or value > chart.partial:
                chart = Chart(step, chart.columns, value)
            return self._with(chart, number, at, value)
        # Columns that no sample fell into hold the value that was known all the while, unless
        # nobody looked for too long.
        between = None if at - self.last_at > self.gap_s else self.last
        return self._with(Chart(step, self._shifted(number, between), value), number, at, value)

    def advance(self, now: float) -> "Columns":
        """As of `now` without a sample: once the series is stale, its chart moves on with empty columns."""
        if self.last_at is None or now - self.last_at <= self.gap_s:
            return self
        step = self.chart.step_s
        number = floor(now / step)
        if number <= self.number:
            return self
        return self._with(Chart(step, self._shifted(number, None), None), number, self.last_at, self.last)

    def _shifted(self, number: int, between: float | None) -> tuple[float | None, ...]:
        missing = min(number - self.number - 1, self.keep)
        columns = (*self.chart.columns, self.chart.partial, *((between,) * missing))
        return columns[-self.keep :]

    def _with(self, chart: Chart, number: int, at: float, last: float) -> "Columns":
        return Columns(self.keep, self.gap_s, chart, number, at, last)


def empty_columns(step_s: float, keep: int, gap_s: float) -> Columns:
    """A chart nothing was added to yet."""
    return Columns(keep, gap_s, Chart(step_s))
