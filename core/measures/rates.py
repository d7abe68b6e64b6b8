"""Events per hour with an interval, from the times at which they were seen.

Not for what an event is, who saw it, or where the times are kept. Times are wall seconds, finite and
ascending. Only time within `watched` counts: a night without bluetop neither lowers a rate nor
narrows an interval. Events lie within watched time; those that only came to light after a gap are
not among them, since nobody knows when they happened.

A rate is judged once per agent and round, so its cost does not grow with the number of events:
they are counted by bisection, in a dozen equal parts of the window (10 µs).
"""

import math
from bisect import bisect_right
from collections.abc import Sequence
from typing import NamedTuple

Span = tuple[float, float]

HOUR_S = 3600.0
LEAST_S = 120.0  # watched for less, nothing is said
MOST_S = 24 * HOUR_S  # older events say little of now
WINDOWS_S = (0.5 * HOUR_S, HOUR_S, 2 * HOUR_S, 4 * HOUR_S, 8 * HOUR_S)
ENOUGH = 48  # events in a window: the interval is then about ±25 %
Z = 1.645  # normal quantile: intervals are 90 %, 5 % on each side

_PARTS = 12
_UNEVEN = 1.5  # dispersion from which a change is looked for
_CHANGED = 11.0  # twice the log-likelihood ratio: one false alarm in some 300 steady windows
_SUSTAINED = 3  # parts with events that make a rate; fewer may be a single batch
# Clearly even distances: a dispersion below the first, of at least so many events; never taken below the second.
_REGULAR, _REGULAR_FLOOR, _REGULAR_LEAST = 0.4, 0.3, 12


class Rate(NamedTuple):
    """Events per hour, 90 % interval `low` to `high`; `n` events seen in `hours` of watched time."""

    per_hour: float
    low: float
    high: float
    n: int
    hours: float


def watched_s(watched: Sequence[Span], begin: float, end: float) -> float:
    """Seconds of `watched` between `begin` and `end`."""
    seconds = 0.0
    for k in range(len(watched) - 1, -1, -1):
        first, last = watched[k]
        if min(last, end) > max(first, begin):
            seconds += min(last, end) - max(first, begin)
            end = first  # what overlaps counts once
        if first <= begin:
            break
    return seconds


def recent(watched: Sequence[Span], now: float, most_s: float = math.inf) -> list[Span]:
    """The last `most_s` seconds of `watched` up to `now`, newest span first.

    Takes spans in ascending order. Empty and overlapping ones do no harm.
    """
    spans: list[Span] = []
    for k in range(len(watched) - 1, -1, -1):
        first, last = watched[k]
        if last > now:
            last = now
        if last <= first:
            continue
        if last - first >= most_s:
            spans.append((last - most_s, last))
            break
        spans.append((first, last))
        most_s -= last - first
        now = first
    return spans


def rate(
    times: Sequence[float], watched: Sequence[Span], now: float, window_s: float | None = None
) -> Rate | None:
    """Events per hour up to `now`; None if less than two minutes were watched.

    The window is the last `window_s` seconds of watched time. Where it is None it is the shortest of
    30 min, 1, 2, 4 and 8 h with 48 events, else all there is, up to 24 h; and if the rate
    changed within it, only the time since then.

    The interval is the exact one of a Poisson count (Garwood 1936) in the approximation of Gehrels
    (1986, Astrophys. J. 303, 336, equations 9 and 14), which is within 1 % of it. Events in batches
    widen it: n events of index of dispersion D count like n/D independent ones (Cox and Lewis 1966,
    The Statistical Analysis of Series of Events; quasi-Poisson in McCullagh and Nelder 1989,
    section 6.2). Events at clearly even distances narrow it, never below D = 0.3.
    """
    spans = recent(watched, now, MOST_S if window_s is None else window_s)
    seconds = 0.0
    for first, last in spans:
        seconds += last - first
    if seconds < LEAST_S:
        return None
    stop = bisect_right(times, now)
    if window_s is None:
        for window in WINDOWS_S:
            if window >= seconds:
                break
            if stop - bisect_right(times, _begins(spans, (window,))[0]) >= ENOUGH:
                seconds = window
                break
    part_s = seconds / _PARTS
    places = [bisect_right(times, begin) for begin in _begins(spans, [part_s * k for k in _NUMBERS])]
    newer = stop
    counts = []  # newest first
    for place in places:
        counts.append(newer - place)
        newer = place
    n = stop - newer
    dispersion = _unevenness(counts, n) / (_PARTS - 1)
    if dispersion > _UNEVEN and window_s is None:
        parts, dispersion = _since_change(counts, n, dispersion)
        n = stop - places[parts - 1]
        seconds = part_s * parts
    hours = seconds / HOUR_S
    if not n:
        return Rate(0.0, 0.0, upper_count(0.0) / hours, 0, hours)
    if dispersion < _REGULAR and n >= _REGULAR_LEAST:
        dispersion = max(dispersion, _REGULAR_FLOOR)
    else:
        dispersion = min(max(dispersion, 1.0), n)
    unit = dispersion / hours
    return Rate(n / hours, lower_count(n / dispersion) * unit, upper_count(n / dispersion) * unit, n, hours)


def lower_count(n: float) -> float:
    """The mean below which `n` or more Poisson events have a chance under 5 %; 0 for `n` below 1."""
    if n < 1:
        return 0.0
    cube_root = 1 - 1 / (9 * n) - Z / (3 * math.sqrt(n)) + 0.031 / (n * n * math.sqrt(n))
    return n * cube_root * cube_root * cube_root


def upper_count(n: float) -> float:
    """The mean above which `n` or fewer Poisson events have a chance under 5 %."""
    n += 1
    cube_root = 1 - 1 / (9 * n) + Z / (3 * math.sqrt(n))
    return n * cube_root * cube_root * cube_root


_NUMBERS = range(1, _PARTS + 1)


def _begins(spans: Sequence[Span], ago_s: Sequence[float]) -> list[float]:
    """The wall times from which on the spans (newest first) hold these watched seconds, ascending."""
    begins = []
    k, passed = 0, 0.0
    first, last = spans[0]
    for ago in ago_s:
        while ago - passed > last - first and k + 1 < len(spans):
            passed += last - first
            k += 1
            first, last = spans[k]
        begins.append(max(first, last - (ago - passed)))
    return begins


def _unevenness(counts: Sequence[int], n: int) -> float:
    """Pearson's chi-squared of `n` events in equal parts; a Poisson process gives their number less one."""
    if not n:
        return 0.0
    squares = 0
    for count in counts:
        squares += count * count
    return squares * len(counts) / n - n


def _since_change(counts: Sequence[int], n: int, dispersion: float) -> tuple[int, float]:
    """How many of the newest parts have the present rate, and the dispersion then; all, if no change.

    The likelihood ratio of one change of a Poisson rate (Akman and Raftery 1986, Annals of Statistics
    14, 1583), taken at the ends of the parts, relative to the dispersion that is left beside it. The
    power of 1.5 is for batches: the best split makes what is left look tamer than it is (false
    alarms by simulation: 3 in 1,000 for single events, 3 in 100 for batches of six).
    """
    best, parts = -math.inf, _PARTS
    newer = 0
    for k in range(1, _PARTS):
        newer += counts[k - 1]
        older = n - newer
        gain = newer * math.log(newer / k) if newer else 0.0
        if older:
            gain += older * math.log(older / (_PARTS - k))
        if gain > best:
            best, parts = gain, k
    newest, oldest = counts[:parts], counts[parts:]
    newer = sum(newest)
    left_over = (_unevenness(newest, newer) + _unevenness(oldest, n - newer)) / (_PARTS - 2)
    denser = newest if newer * (_PARTS - parts) > (n - newer) * parts else oldest
    ratio = 2 * (best - n * math.log(n / _PARTS))
    if ratio < _CHANGED * max(left_over, 1.0) ** 1.5 or sum(map(bool, denser)) < _SUSTAINED:
        return _PARTS, dispersion
    return parts, left_over
