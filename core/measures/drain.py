"""When a queue will be empty, from how it filled and drained while it was watched.

Says one of: it clears (from when to when), it stalled, it grows, it cannot be told from standing
still, or no forecast. Each with the numbers it comes from. Not for how long one task takes, nor
for what its agent does: a forecast takes the next hours to be like the watched ones.

Intervals are 90 %. Whether a queue grows or clears matters more than how quickly, and near standstill
the speed says nothing: a direction is only stated where it is 95 % sure, else the queue is level.
"""

import math
from bisect import bisect_right
from collections.abc import Callable, Sequence
from typing import NamedTuple

from core.measures.rates import HOUR_S, LEAST_S, MOST_S, Rate, Span, Z, rate, recent, watched_s
from core.units import UNKNOWN as UNKNOWN_TEXT
from core.units import duration_text, number_text

EMPTY, CLEARS, STALLED, GROWING, LEVEL, UNKNOWN = "empty", "clears", "stalled", "growing", "level", "unknown"

NEEDED = 5  # changes, at so many moments
APART_S = 10.0  # what comes closer together is one moment: a script that hands out ten tasks
STALL_CHANCE = 0.003  # of such a silence at the pace seen before
STALL_LEAST_S = 600.0
STALL_UNSEEN_S = 2 * HOUR_S  # where too few departures were seen to know their pace
FARTHEST_S = 14 * 24 * HOUR_S

_NOTICED_S = 60.0  # an idle agent has noticed a new task by then
_BRIDGED_S = 300.0  # a gap over which the number of tasks waiting is taken to be known
_MOST_DEPARTURES = 200  # followed back one by one; bounds the cost of a busy queue
_TAIL = 0.05
_CRAWL = 10.0  # times the time at the mean pace: an interval that long says no more than level
_HALVINGS = 14
_LONG = {"s": "s", "m": "min", "h": "h", "d": "d"}
_SQRT_2, _SQRT_2_PI = math.sqrt(2), math.sqrt(2 * math.pi)


class Drain(NamedTuple):
    """What is to be expected of a queue.

    `kind` is one of EMPTY, CLEARS, STALLED, GROWING, LEVEL, UNKNOWN. CLEARS: it is empty for the first
    time in `low_s` to `high_s` seconds. LEVEL: not before `low_s`. `net_per_hour` is arrivals
    less departures. `short` fits a column of 8 cells; `why` has the numbers.
    """

    kind: str
    low_s: float | None
    high_s: float | None
    net_per_hour: float | None
    text: str
    short: str
    why: str


class Departures(NamedTuple):
    """Departures while something waited.

    `rate` is None if that was for less than two minutes (`standing_s`). `silent_s`: seconds watched
    since the last departure, or since something began to wait if that was later.
    """

    rate: Rate | None
    n: int
    standing_s: float
    silent_s: float


def drain(
    waiting: int, came: Sequence[float], left: Sequence[float], watched: Sequence[Span], now: float
) -> Drain:
    """The forecast for `waiting` tasks, from when tasks came and left (wall seconds, ascending).

    The queue is taken as a Brownian motion whose drift is arrivals less departures and whose variance is
    their sum, each times its dispersion (the diffusion approximation: Kleinrock 1976, Queueing
    Systems II, chapter 2). The interval is that of its first passage to zero (`first_passage`),
    with the drift uncertain by the intervals of both rates, combined as by Zou and Donner (2008,
    Statistics in Medicine 27, 1693: MOVER). Its early end starts half a task lower, since tasks
    leave in whole numbers.
    """
    if waiting <= 0:
        return Drain(EMPTY, 0.0, 0.0, None, "nothing waits", "empty", "nothing waits")
    spans = recent(watched, now, MOST_S)
    seen_s = sum(last - first for first, last in spans)
    seen_text = duration_text(round(seen_s))
    if seen_s < LEAST_S:
        return _unknown(f"watched for {seen_text}; needs {duration_text(LEAST_S)}")
    arriving = rate(came, watched, now)
    leaving = departures(waiting, came, left, watched, now)
    if leaving.silent_s >= _stall_s(leaving):
        return _stalled(waiting, arriving, leaving)
    if _moments(came, left, spans[-1][0], now) < NEEDED:
        seen = bisect_right(came, now) + bisect_right(left, now)
        seen -= bisect_right(came, spans[-1][0]) + bisect_right(left, spans[-1][0])
        changes = f"{seen} change{'s' * (seen != 1)} seen in {seen_text}"
        return _unknown(f"{changes}; needs {NEEDED}{'' if seen < NEEDED else ' that are 10 s apart'}")
    if arriving is None or leaving.rate is None:
        timed = duration_text(round(leaving.standing_s))
        return _unknown(
            f"departures could be timed for {timed} of {seen_text}; needs {duration_text(LEAST_S)}"
        )
    return _forecast(waiting, arriving, leaving.rate)


def departures(
    waiting: int, came: Sequence[float], left: Sequence[float], watched: Sequence[Span], now: float
) -> Departures:
    """How quickly tasks leave while tasks wait: what an empty queue does not do says nothing.

    The queue is followed backwards from `waiting`, over the last 200 departures and gaps of up to five
    minutes; before that, all watched time counts as if something had waited. Each time tasks
    begin to wait, the first departure or minute does not count: until then the agent may have been idle,
    and how soon it notices a task is not how soon it is done with one.
    """
    spans = recent(watched, now, MOST_S)
    if not spans:
        return Departures(None, 0, 0.0, 0.0)
    now = spans[0][1]
    joined = 1
    while joined < len(spans) and spans[joined - 1][0] - spans[joined][1] <= _BRIDGED_S:
        joined += 1
    since = spans[joined - 1][0]
    came_stop, left_stop = bisect_right(came, now), bisect_right(left, now)
    left_start = bisect_right(left, since)
    if left_stop - left_start > _MOST_DEPARTURES:
        left_start = left_stop - _MOST_DEPARTURES
        since = left[left_start - 1]
    silent_since = left[left_stop - 1] if left_stop > left_start else since

    periods: list[Span] = []  # newest first
    end = now
    for i in range(left_stop - 1, left_start - 2, -1):
        moment = left[i] if i >= left_start else since
        arrival = bisect_right(came, moment)
        waited = waiting - (came_stop - arrival) + (left_stop - 1 - i)
        if moment >= end or (waited > 0 and i >= left_start):
            continue
        begin = moment
        if waited <= 0:
            begin = came[arrival] if arrival < came_stop else now
            if end == now:
                silent_since = max(silent_since, begin)
        begin += _NOTICED_S
        if i + 1 < left_stop and left[i + 1] < begin:
            begin = left[i + 1]
        if begin < end:
            periods.append((begin, end))
        end = moment
    if joined > 1:
        periods = _common(periods, spans)
    periods.extend((first, min(last, since)) for first, last in spans if first < since)
    periods.reverse()
    standing_s = 0.0
    counted: list[float] = []
    for begin, end in periods:
        standing_s += end - begin
        counted.extend(left[bisect_right(left, begin) : bisect_right(left, end)])
    silent_s = watched_s(watched, silent_since, now)
    return Departures(rate(counted, periods, now), len(counted), standing_s, silent_s)


def first_passage(seconds: float, height: float, drift: float, variance: float, doubt: float) -> float:
    """The chance that a Brownian motion has come down by `height` within `seconds`.

    `drift` (downwards) and `variance` are per second; the drift is only known to ± `doubt`, one
    standard deviation. With `doubt` 0 this is the inverse Gaussian distribution (Cox and Miller
    1965, The Theory of Stochastic Processes, section 5.7); its mean over a normal drift is by Peng and
    Tseng (2009, IEEE Transactions on Reliability 58, 444). Needs `seconds`, `height` and
    `variance` above 0.
    """
    doubt *= doubt
    spread = math.sqrt((variance + doubt * seconds) * seconds)
    below = (drift * seconds - height) / spread
    chance = 0.5 * math.erfc(-below / _SQRT_2)
    # The paths that came back up: exp(...) * normal(-x), or by its continued fraction where that
    # would be infinity times zero.
    x = (height + drift * seconds + 2 * doubt * height * seconds / variance) / spread
    if x < 5:
        # Never above exp(12.5) but for rounding.
        weight = math.exp(min(2 * height / variance * (drift + doubt * height / variance), 12.5))
        return chance + weight * 0.5 * math.erfc(x / _SQRT_2)
    return chance + math.exp(-below * below / 2) / _SQRT_2_PI / (x + 1 / (x + 2 / (x + 3 / x)))


# -- how it is judged ------------------------------------------------------------------------------


def _common(periods: Sequence[Span], spans: Sequence[Span]) -> list[Span]:
    """What both cover; both newest first."""
    common = []
    newest = 0
    for begin, end in periods:
        while newest < len(spans) and spans[newest][0] >= end:
            newest += 1
        for k in range(newest, len(spans)):
            first, last = spans[k]
            if last <= begin:
                break
            common.append((max(begin, first), min(end, last)))
    return common


def _stall_s(leaving: Departures) -> float:
    """So long without a departure, and the queue has stalled.

    After n departures in b seconds of a Poisson process, the next s seconds have none with a chance of
    (b / (b + s)) ** n: the predictive distribution with the prior 1/rate (Gelman and others 2013,
    Bayesian Data Analysis, section 2.6).
    """
    least = STALL_UNSEEN_S if leaving.n < NEEDED else STALL_LEAST_S
    if not leaving.n:
        return least
    n = max(leaving.n, NEEDED)
    gap_s = (leaving.standing_s - leaving.silent_s) / leaving.n
    return max(least, gap_s * n * math.expm1(-math.log(STALL_CHANCE) / n))


def _moments(came: Sequence[float], left: Sequence[float], begin: float, now: float) -> int:
    """At how many moments something changed; stops at NEEDED."""
    count = 0
    while count < NEEDED:
        following = math.inf
        for times in (came, left):
            place = bisect_right(times, begin)
            if place < len(times):
                following = min(following, times[place])
        if following > now:
            break
        count += 1
        begin = following + APART_S
    return count


def _forecast(waiting: int, arriving: Rate, leaving: Rate) -> Drain:
    net = arriving.per_hour - leaving.per_hour
    why = _numbers(waiting, arriving, leaving)
    drift = -net / HOUR_S
    variance = (_variance(arriving) + _variance(leaving)) / HOUR_S
    # How much faster and slower it may really be drifting, one standard deviation each.
    faster = math.hypot(leaving.high - leaving.per_hour, arriving.per_hour - arriving.low) / Z / HOUR_S
    slower = math.hypot(leaving.per_hour - leaving.low, arriving.high - arriving.per_hour) / Z / HOUR_S
    if drift + Z * faster < 0:
        return Drain(GROWING, None, None, net, f"growing {_pace(net)}, will not drain", f"+{_pace(net)}", why)
    low_s = _time(_TAIL, waiting - 0.5, drift, variance, faster)
    if drift > 0 and first_passage(FARTHEST_S, waiting, drift, variance, slower) >= 1 - _TAIL:
        high_s = _time(1 - _TAIL, waiting, drift, variance, slower)
        if high_s <= _CRAWL * waiting / drift:
            text, short = range_text(low_s, high_s)
            return Drain(CLEARS, low_s, high_s, net, f"clears {text}", short, why)
    if low_s < 60:
        return Drain(LEVEL, low_s, None, net, "level, may clear or grow", "level", why)
    unit, size_s = _unit(low_s)
    least = _rounded(low_s, size_s, math.floor)
    text = f"level, clears in {least} {_LONG[unit]} at the earliest"
    return Drain(LEVEL, low_s, None, net, text, f">{least} {unit}", why)


def _variance(of: Rate) -> float:
    """Variance per hour: the rate times its dispersion, as the width of its interval tells it.

    Never 0: no event seen is no certainty that none comes.
    """
    if not of.n:
        return 0.5 / of.hours
    sd = (of.high - of.low) * of.hours / (2 * Z)  # of n, of which D² is for n being small
    return (math.sqrt(of.n * of.n + 4 * sd * sd) - of.n) / 2 * of.per_hour


def _time(chance: float, height: float, drift: float, variance: float, doubt: float) -> float:
    """When the first passage has this chance, to 0.1 %; at least 1 s and at most FARTHEST_S."""
    if first_passage(FARTHEST_S, height, drift, variance, doubt) < chance:
        return FARTHEST_S
    low, high = 0.0, math.log(FARTHEST_S)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if first_passage(math.exp(middle), height, drift, variance, doubt) < chance:
            low = middle
        else:
            high = middle
    return math.exp(low if chance < 0.5 else high)


# -- how it is said --------------------------------------------------------------------------------


def _unknown(why: str) -> Drain:
    return Drain(UNKNOWN, None, None, None, "no forecast", UNKNOWN_TEXT, why)


def _stalled(waiting: int, arriving: Rate | None, leaving: Departures) -> Drain:
    why = f"{number_text(waiting)} waiting, none left in {duration_text(round(leaving.silent_s))}"
    if leaving.n:
        why += f", {number_text(leaving.n)} before that"
    if arriving is None:
        return Drain(STALLED, None, None, None, "stalled", "stalled", why)
    why += f"; {_pace(arriving.per_hour)} in ({_seen(arriving)})"
    return Drain(STALLED, None, None, arriving.per_hour, "stalled", "stalled", why)


def _numbers(waiting: int, arriving: Rate, leaving: Rate) -> str:
    text = f"{number_text(waiting)} waiting, {_pace(arriving.per_hour)} in, {_pace(leaving.per_hour)} out"
    if 0.95 * arriving.hours < leaving.hours < 1.05 * arriving.hours:
        hours = _hours_text(arriving.hours)
        return f"{text} ({number_text(arriving.n)} and {number_text(leaving.n)} seen in {hours})"
    return f"{text} ({_seen(arriving)}; {_seen(leaving)} with tasks waiting)"


def _seen(of: Rate) -> str:
    return f"{number_text(of.n)} in {_hours_text(of.hours)}"


def _hours_text(hours: float) -> str:
    return duration_text(round(hours * HOUR_S))  # 3599.9999 s is an hour


def _pace(per_hour: float) -> str:
    """`12/h`, `2.5/h`, `14/d`: at most seven cells."""
    unit = "h"
    if 0 < per_hour < 0.95:
        per_hour, unit = per_hour * 24, "d"
    return f"{number_text(per_hour) if per_hour >= 9.95 else format(round(per_hour, 1), 'g')}/{unit}"


def range_text(low_s: float, high_s: float) -> tuple[str, str]:
    """`in 35-60 min` and `35-60m`; rounded outwards, so that the text holds what the interval does."""
    unit, size_s = _unit(high_s)
    high = _rounded(high_s, size_s, math.ceil)
    if low_s < high_s / 10:  # as good as any time from now on
        return f"within {high} {_LONG[unit]}", f"<{high} {unit}"
    if low_s >= size_s:
        low = _rounded(low_s, size_s, math.floor)
        if low == high:
            return f"in {high} {_LONG[unit]}", f"{high} {unit}"
        blank = " " if len(low) + len(high) < 4 else ""
        return f"in {low}-{high} {_LONG[unit]}", f"{low}-{high}{blank}{unit}"
    low_unit, low_size_s = _unit(low_s)
    low = str(math.floor(low_s / low_size_s))
    return f"in {low} {_LONG[low_unit]} to {high} {_LONG[unit]}", f"{low}{low_unit}-{high}{unit}"


def _unit(seconds: float) -> tuple[str, float]:
    """The unit a time is said in, and its seconds."""
    if seconds < 100:
        return "s", 1.0
    if seconds < 6000:
        return "m", 60.0
    return ("h", HOUR_S) if seconds < 48 * HOUR_S else ("d", 24 * HOUR_S)


def _rounded(seconds: float, size_s: float, how: Callable[[float], int]) -> str:
    """In halves below ten hours or days, in fives above thirty minutes or seconds, else whole."""
    number = seconds / size_s
    step = 1.0
    if size_s >= HOUR_S and number < 10:
        step = 0.5
    elif size_s < HOUR_S and number >= 30:
        step = 5.0
    return f"{how(number / step) * step:g}"
