"""How well and how quickly an agent does each kind of work, from what became of its tasks.

Estimates are shrunken: a few outcomes move them a little. They are the numbers that rebalancing
plans with, so prior and clipping here are those of the planner. Not for what an agent says it can do,
nor for its load.
"""

import math
import re
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

ALL = "*"

# As if so many more tasks had been completed, and so many done exactly as estimated.
PRIOR_COMPLETED, PRIOR_ON_TIME = 5, 3
FASTEST, SLOWEST = 4.0, 0.25

_Z = 1.645  # normal quantile: intervals are 90 %, 5 % on each side
_TAIL = 0.05
# Before anything is seen, estimates are taken to be out by a factor of 2, about as surely as three
# tasks would tell.
_LOG_SPREAD, _LOG_SPREAD_N = math.log(2), 3
_MOST_STEPS, _TINY = 5000, 1e-30
_GAPS = re.compile(r"[\s-]+")


class Outcome(NamedTuple):
    """A task that came to an end: `completed`, else failed. Hours are None where they are not known."""

    skills: tuple[str, ...]
    completed: bool
    estimated_hours: float | None
    actual_hours: float | None


class SkillEstimate(NamedTuple):
    """What is to be expected of an agent at one skill; of all its work where `skill` is ALL.

    `done` and `failed` count outcomes; `speed` is estimated by actual hours of the `speed_n` that
    have both (2 is twice as fast as estimated). `_low` and `_high` are 90 % credible intervals.
    """

    skill: str
    done: int
    failed: int
    success_percent: float
    success_low: float
    success_high: float
    speed: float
    speed_low: float
    speed_high: float
    speed_n: int


def normal_tag(tag: str) -> str:
    """A skill as it is compared: trimmed, casefolded, runs of blanks and `-` as `_`."""
    return _GAPS.sub("_", tag.strip().casefold())


def estimates(outcomes: Iterable[Outcome], expertise: Iterable[str] = ()) -> tuple[SkillEstimate, ...]:
    """One estimate for all work, then one for each skill of the outcomes and of `expertise`, by name.

    A skill that nothing was seen of has the prior's estimate. An outcome counts once for each skill
    that it names, however often.
    """
    tallies = {ALL: _Tally()}
    for tag in expertise:
        tallies.setdefault(normal_tag(tag), _Tally())
    for outcome in outcomes:
        log_speed = _log_speed(outcome)
        tallies[ALL].add(outcome.completed, log_speed)
        for skill in {normal_tag(tag) for tag in outcome.skills} - {ALL}:
            tallies.setdefault(skill, _Tally()).add(outcome.completed, log_speed)
    tallies.pop("", None)
    overall = tallies.pop(ALL)
    return (overall.estimate(ALL), *(tallies[skill].estimate(skill) for skill in sorted(tallies)))


def success(done: int, failed: int) -> tuple[float, float, float]:
    """Share of tasks that will be completed, and its 90 % interval, 0 to 1.

    (done + 5) / (done + failed + 5), a share of the outcomes and five imagined successes. The interval is
    that of Jeffreys for such a share, up to 1 where nothing failed (Brown, Cai and DasGupta
    2001, Statistical Science 16, 101).
    """
    done += PRIOR_COMPLETED
    low, high = _share_interval(done, failed)
    return done / (done + failed), low, high


def speed(log_speeds_sum: float, log_speeds_squares: float, n: int) -> tuple[float, float, float]:
    """Estimated by actual hours to be expected, and its 90 % interval, from n logarithms of such ratios.

    exp(sum / (n + 3)): the geometric mean shrunk towards 1. The interval is Student's of the same
    model, normal logarithms with a conjugate prior (Gelman and others 2013, Bayesian Data Analysis,
    section 3.3), within 0.25 to 4 like the ratios.
    """
    weight = n + PRIOR_ON_TIME
    mean = log_speeds_sum / weight
    freedom = n + _LOG_SPREAD_N
    # Rounding may take the difference of two nearly equal sums below zero.
    squares = max(0.0, log_speeds_squares - weight * mean * mean)
    scale = math.sqrt((_LOG_SPREAD_N * _LOG_SPREAD**2 + squares) / freedom / weight)
    reach = _student(freedom) * scale
    return (
        math.exp(mean),
        max(SLOWEST, math.exp(mean - reach)),
        min(FASTEST, math.exp(mean + reach)),
    )


class _Tally:
    """Sums over the outcomes of one skill."""

    __slots__ = ("done", "failed", "n", "squares", "sum")

    def __init__(self) -> None:
        self.done = self.failed = self.n = 0
        self.sum = self.squares = 0.0

    def add(self, completed: bool, log_speed: float | None) -> None:
        if not completed:
            self.failed += 1
            return
        self.done += 1
        if log_speed is not None:
            self.n += 1
            self.sum += log_speed
            self.squares += log_speed * log_speed

    def estimate(self, skill: str) -> SkillEstimate:
        share, low, high = success(self.done, self.failed)
        pace, slow, fast = speed(self.sum, self.squares, self.n)
        return SkillEstimate(
            skill, self.done, self.failed, 100 * share, 100 * low, 100 * high, pace, slow, fast, self.n
        )


def _log_speed(outcome: Outcome) -> float | None:
    """The logarithm of estimated by actual hours; None where either is unknown, not above 0, or endless."""
    estimated, actual = outcome.estimated_hours, outcome.actual_hours
    if estimated is None or actual is None:
        return None
    if not (0 < estimated < math.inf and 0 < actual < math.inf):
        return None
    return math.log(min(max(estimated / actual, SLOWEST), FASTEST))


def _student(freedom: int) -> float:
    """The 95 % quantile of Student's t, to 0.3 % from 3 degrees of freedom (Abramowitz and Stegun 26.7.5)."""
    z, d = _Z, freedom
    return (
        z
        + (z**3 + z) / (4 * d)
        + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * d**2)
        + (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * d**3)
    )


@lru_cache(maxsize=4096)
def _share_interval(done: int, failed: int) -> tuple[float, float]:
    """5 % and 95 % quantiles of Beta(done + 1/2, failed + 1/2)."""
    a, b = done + 0.5, failed + 0.5
    return _beta_quantile(_TAIL, a, b), _beta_quantile(1 - _TAIL, a, b) if failed else 1.0


def _beta_quantile(chance: float, a: float, b: float) -> float:
    """By halving, to a millionth."""
    low, high = 0.0, 1.0
    for _ in range(20):
        middle = (low + high) / 2
        if _beta_chance(middle, a, b) < chance:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _beta_chance(x: float, a: float, b: float) -> float:
    """The regularised incomplete beta function for 0 < x < 1, to a millionth.

    The continued fraction 26.5.8 of Abramowitz and Stegun, evaluated as by Lentz (1976, Applied Optics
    15, 668). It takes some √max(a, b) steps.
    """
    if x > (a + 1) / (a + b + 2):  # where it would take many more
        return 1.0 - _beta_chance(1.0 - x, b, a)
    logarithm = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    above, below = 1.0, 1.0 / (1.0 - (a + b) * x / (a + 1.0))
    fraction = below
    for m in range(1, _MOST_STEPS):
        for term in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            above = 1.0 + term / above or _TINY
            below = 1.0 / (1.0 + term * below or _TINY)
            fraction *= above * below
        if abs(above * below - 1.0) < 1e-8:
            break
    return math.exp(logarithm) * fraction / a
