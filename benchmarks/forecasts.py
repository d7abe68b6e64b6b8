"""How often the forecasts of `core.measures` hold, on queues whose future is known.

    python benchmarks/forecasts.py [--queues 200] [--seed 1] [--misses]

Each queue is simulated, looked at for a while every two seconds, judged by what was seen, and then
run on. Rates are compared with the true ones, forecasts with what really happens next. Ends with
status 1 where fewer than 80 % of the rates or of the clearing times lie in their intervals.
"""

import argparse
import heapq
import math
import random
import statistics
import sys
import time
from collections import Counter
from collections.abc import Iterator
from itertools import cycle, islice
from typing import NamedTuple

from core.measures.drain import CLEARS, GROWING, LEVEL, STALLED, UNKNOWN, Drain, departures, drain
from core.measures.rates import Rate, Span, rate

HOUR_S, DAY_S = 3600.0, 86400.0
LOOK_S = 2.0
WORKING_DAY_S = 10 * HOUR_S
LIMIT_S = 14 * DAY_S
GOAL_PERCENT = 80.0
MANY = "clears, ten or more waiting"
FAMILIES = ("Poisson", "even tasks", "batches", "workers", "changed", "nights off")


# -- the queues ------------------------------------------------------------------------------------


class Nature(NamedTuple):
    """How a queue behaves. Times are working seconds; a change of the rates comes at `changed_at`."""

    family: str
    arrivals_per_hour: float
    capacity_per_hour: float
    batch: int
    workers: int
    backlog: int
    watch_begin: float
    watch_end: float
    changed_at: float = math.inf
    arrivals_after: float = 0.0
    capacity_after: float = 0.0

    def arrivals(self, at: float) -> float:
        return self.arrivals_per_hour if at < self.changed_at else self.arrivals_after

    def capacity(self, at: float) -> float:
        return self.capacity_per_hour if at < self.changed_at else self.capacity_after


class Queue(NamedTuple):
    """What was seen of a queue up to `now`, and what is true of it (rates per hour; wall seconds)."""

    nature: Nature
    waiting: int
    came: list[float]
    left: list[float]
    watched: list[Span]
    now: float
    true_in: float
    true_out: float
    clear_s: float
    next_left_s: float
    waiting_later: int


def nature(family: str, dice: random.Random) -> Nature:
    """A queue of the family: busy or slow, filling or draining, watched for long or not."""
    arrivals = math.exp(dice.uniform(math.log(6), math.log(60)))
    least, most = dice.choice(((0.2, 0.8), (0.2, 0.8), (0.8, 1.2), (1.2, 2.5)))
    load = dice.uniform(least, most)
    capacity = arrivals / load
    watch_s = HOUR_S * math.exp(dice.uniform(math.log(0.75), math.log(8)))
    begin = HOUR_S * dice.uniform(0, 3)
    # Half of the queues have a backlog such that some of it is left, the others are as they come.
    backlog = 0
    if dice.random() < 0.5:
        left_over = math.exp(dice.uniform(0, math.log(60)))
        backlog = max(0, round(left_over + (capacity - arrivals) * watch_s / HOUR_S))
    made = Nature(
        family=family,
        arrivals_per_hour=arrivals,
        capacity_per_hour=capacity,
        batch=dice.randint(2, 6) if family == "batches" else 1,
        workers=dice.randint(2, 6) if family == "workers" else 1,
        backlog=backlog,
        watch_begin=begin,
        watch_end=begin + watch_s,
    )
    if family != "changed":
        return made
    factor = dice.choice((0.0, 1 / 3, 1 / 2, 2.0, 3.0))
    which = dice.random() < 0.5
    return made._replace(
        changed_at=begin + watch_s * dice.uniform(0.2, 0.9),
        arrivals_after=arrivals * (factor if which else 1.0),
        capacity_after=capacity * (1.0 if which else factor),
    )


def arrivals(of: Nature, dice: random.Random) -> Iterator[float]:
    """Arrival times: the backlog just before the watch, else a Poisson process of batches."""
    backlog_at = max(0.0, of.watch_begin - 1)
    at, backlog = 0.0, of.backlog
    while at < math.inf:
        per_hour = of.arrivals(at)
        following = at + dice.expovariate(per_hour / of.batch / HOUR_S) if per_hour else math.inf
        if at < of.changed_at < following:  # drawn again: the process has no memory
            at = of.changed_at
            continue
        if backlog and following > backlog_at:
            yield from [backlog_at] * backlog
            backlog = 0
        at = following
        yield at
        while dice.random() > 1 / of.batch:  # sizes are geometric
            yield at


def tasks(of: Nature, dice: random.Random) -> Iterator[tuple[float, float]]:
    """When each task comes and when it is begun, first come, first served, for ever."""
    free = [dice.uniform(0, 60) for _ in range(of.workers)]
    left = 0.0
    for came in arrivals(of, dice):
        notice_s = dice.uniform(5, 30)  # an idle agent looks at its queue now and then
        left = max(came + notice_s, heapq.heappop(free), left)
        capacity = of.capacity(left)
        if not capacity:
            left = math.inf
        heapq.heappush(free, left + (_task_s(of, capacity, dice) if capacity else 0.0))
        yield came, left


def _task_s(of: Nature, capacity: float, dice: random.Random) -> float:
    mean_s = of.workers * HOUR_S / capacity
    if of.family == "even tasks":
        return mean_s
    if of.workers > 1:
        return mean_s * dice.lognormvariate(-0.18, 0.6)  # of mean 1
    return dice.expovariate(1 / mean_s)


def simulated(of: Nature, dice: random.Random) -> Queue:
    """A queue, watched and then run on until it is clear and as long again as it was watched."""
    now = _look(of.watch_end)
    later = now + of.watch_end - of.watch_begin
    came: list[float] = []
    left: list[float] = []
    waiting = waiting_later = 0
    clear = next_left = math.inf
    before = 0.0
    for task_came, task_left in tasks(of, dice):
        if before > now and task_came > before:
            clear = min(clear, before)  # the next one comes after the last one was begun
        if task_came > now + LIMIT_S or (task_came > later and before > later and clear < math.inf):
            break
        before = task_left
        seen_came, seen_left = _look(task_came), _look(task_left)
        waiting_later += task_came <= later < task_left
        if seen_left > now:
            next_left = min(next_left, seen_left)
            waiting += seen_came <= now
        if of.watch_begin < seen_came <= now:
            came.append(_wall(of, seen_came))
        if of.watch_begin < seen_left <= now:
            left.append(_wall(of, seen_left))
    watched = _days(of, _look(of.watch_begin), now)
    at = watched[-1][1]
    return Queue(
        nature=of,
        waiting=waiting,
        came=came,
        left=left,
        watched=watched,
        now=at,
        true_in=of.arrivals(now),
        true_out=of.capacity(now),
        clear_s=_wall(of, clear) - at,
        next_left_s=_wall(of, next_left) - at,
        waiting_later=waiting_later,
    )


def _look(at: float) -> float:
    """When a change is seen."""
    return math.ceil(at / LOOK_S) * LOOK_S if at < math.inf else at


def _wall(of: Nature, at: float) -> float:
    """Working seconds as wall seconds: with nights off, neither agents nor bluetop run at night."""
    if of.family != "nights off" or at == math.inf:
        return at
    days, rest = divmod(at, WORKING_DAY_S)
    return days * DAY_S + rest


def _days(of: Nature, begin: float, end: float) -> list[Span]:
    """The spans in which bluetop looked."""
    if of.family != "nights off":
        return [(begin, end)]
    spans = []
    while begin < end:
        until = min(end, (begin // WORKING_DAY_S + 1) * WORKING_DAY_S)
        spans.append((_wall(of, begin), _wall(of, begin) + until - begin))
        begin = until
    return spans


# -- how they are judged ---------------------------------------------------------------------------


class Row:
    """What held and what did not, for some queues."""

    def __init__(self) -> None:
        self.queues = 0
        self.count: Counter[str] = Counter()
        self.held: Counter[str] = Counter()
        self.widths: dict[str, list[float]] = {"in": [], "out": [], CLEARS: [], MANY: []}
        self.wrong_signs = 0

    def add(self, other: "Row") -> None:
        """Take in the queues of another row."""
        self.queues += other.queues
        self.count += other.count
        self.held += other.held
        self.wrong_signs += other.wrong_signs
        for name, widths in other.widths.items():
            self.widths[name] += widths

    def note(self, what: str, held: bool, low: float = 0.0, high: float = 0.0) -> None:
        """One statement, whether it held, and its interval if it has one."""
        self.count[what] += 1
        self.held[what] += held
        if what in self.widths and low > 0:
            self.widths[what].append(high / low)

    def percent(self, *names: str) -> float | None:
        """Per cent of these statements that held; None if there were none."""
        count = sum(self.count[name] for name in names)
        return 100 * sum(self.held[name] for name in names) / count if count else None


class Judged(NamedTuple):
    """A queue, what was said of it, and whether that held."""

    queue: Queue
    arriving: Rate | None
    leaving: Rate | None
    said: Drain
    held: bool


def judged(queue: Queue, row: Row) -> Judged:
    """Forecast one queue and note in `row` what came true."""
    row.queues += 1
    arriving = rate(queue.came, queue.watched, queue.now)
    if arriving is not None:
        row.note("in", arriving.low <= queue.true_in <= arriving.high, arriving.low, arriving.high)
    leaving = departures(queue.waiting, queue.came, queue.left, queue.watched, queue.now)
    if leaving.rate is not None:
        low, high = leaving.rate.low, leaving.rate.high
        row.note("out", low <= queue.true_out <= high, low, high)
    said = drain(queue.waiting, queue.came, queue.left, queue.watched, queue.now)
    low, high = said.low_s or 0.0, said.high_s or math.inf
    held = True
    if said.kind in (CLEARS, LEVEL):
        held = low <= queue.clear_s <= high
    elif said.kind == GROWING:
        held = queue.waiting_later > queue.waiting
    elif said.kind == STALLED:  # for a quarter as long again
        held = queue.next_left_s > leaving.silent_s / 4
    row.note(said.kind, held, low, high)
    if said.kind == CLEARS and queue.waiting >= 10:
        row.note(MANY, held, low, high)
    row.wrong_signs += said.kind == CLEARS and queue.true_in > queue.true_out
    row.wrong_signs += said.kind == GROWING and queue.true_in < queue.true_out
    return Judged(queue, arriving, leaving.rate, said, held)


def run(queues: int, seed: int, misses: bool = False) -> dict[str, Row]:
    """So many queues, the families in turn; a row for each and one, `total`, for all."""
    dice = random.Random(seed)
    rows = {family: Row() for family in FAMILIES}
    for family in islice(cycle(FAMILIES), queues):
        queue = simulated(nature(family, dice), dice)
        while not queue.waiting:  # nothing to be forecast
            queue = simulated(nature(family, dice), dice)
        found = judged(queue, rows[family])
        if misses and not found.held:
            sys.stdout.write(_miss(found))
    total = Row()
    for row in rows.values():
        total.add(row)
    return {**rows, "total": total}


# -- what is printed -------------------------------------------------------------------------------

HEAD = """\
                     |  rate in  |  rate out |         clears          |   level   |  growing  |  stalled  |
             q  said |   n  % hi/|   n  % hi/|   n  %   high/low (10+) |   n     % |   n     % |   n     % |wrong
                     |       lo  |       lo  |                         |           |           |           |signs
"""
FOOT = """\
q: queues; said: with a forecast; n: statements of the kind, %: of them that held (the true rate or the clearing
time in the interval; not clear before; more waiting later; none left for a quarter as long again); high/low:
width of the median interval, 10+ where ten or more tasks wait: the last few tasks leave when they will.
"""


def table(rows: dict[str, Row]) -> str:
    """One line a family: how many statements of each kind, and how many per cent of them held."""
    lines = [HEAD]
    for name, row in rows.items():
        lines.append(
            f"{name:11}{row.queues:4}{row.queues - row.count[UNKNOWN]:6} |"
            f"{_share(row, 'in')}{_width(row, 'in'):>4}|{_share(row, 'out')}{_width(row, 'out'):>4}|"
            f"{_share(row, CLEARS)}{_width(row, CLEARS):>8}{_width(row, MANY):>9} |"
            f"{_share(row, LEVEL):>10} |{_share(row, GROWING):>10} |{_share(row, STALLED):>10} |{row.wrong_signs:4}\n"
        )
    return "".join([*lines, FOOT])


def _share(row: Row, what: str) -> str:
    percent = row.percent(what)
    return f"{row.count[what]:4}{'-' if percent is None else f'{percent:.0f}':>4}"


def _width(row: Row, what: str) -> str:
    return f"{statistics.median(row.widths[what]):.1f}" if row.widths[what] else "-"


def cost(seed: int) -> str:
    """What one rate and one forecast cost, the quickest of five rounds over the queues that have 20 to 60 events."""
    dice = random.Random(seed)
    queues = [simulated(nature(FAMILIES[0], dice), dice) for _ in range(100)]
    queues = [queue for queue in queues if queue.waiting and 20 <= len(queue.came) <= 60]
    rate_s, drain_s = [], []
    for _ in range(5):
        begin = time.perf_counter()
        for queue in queues:
            rate(queue.came, queue.watched, queue.now)
        middle = time.perf_counter()
        for queue in queues:
            drain(queue.waiting, queue.came, queue.left, queue.watched, queue.now)
        rate_s.append(middle - begin)
        drain_s.append(time.perf_counter() - middle)
    each = 1e6 / len(queues)
    return f"cost of one: rate {min(rate_s) * each:.0f} µs, forecast {min(drain_s) * each:.0f} µs\n"


def _miss(found: Judged) -> str:
    queue, of = found.queue, found.queue.nature
    really = f"{queue.true_in:.1f}/h in, {queue.true_out:.1f}/h out, clear in {queue.clear_s / 60:.0f} min"
    return f"{of.family}: {found.said.text} ({found.said.why}); really {really}\n"


def main() -> int:
    """Print the table; return 1 where a goal is missed."""
    parser = argparse.ArgumentParser(description="How often forecasts of queues hold.")
    parser.add_argument("--queues", type=int, default=200, help="how many are simulated")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--misses", action="store_true", help="also list every forecast that did not hold")
    options = parser.parse_args()
    rows = run(options.queues, options.seed, options.misses)
    sys.stdout.write(table(rows) + cost(options.seed))
    missed = 0
    for what, names in (("rates", ("in", "out")), ("clearing times", (CLEARS,))):
        percent = rows["total"].percent(*names)
        ok = percent is not None and percent >= GOAL_PERCENT
        missed += not ok
        said = "none" if percent is None else f"{percent:.1f} %"
        sys.stdout.write(
            f"{what} in their intervals: {said}; goal {GOAL_PERCENT:.0f} %: {'ok' if ok else 'MISSED'}\n"
        )
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
