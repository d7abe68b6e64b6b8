"""Everything that is measured of one agent, or of the fleet, put together from its parts.

Each part has its formula in its own module; here is what is taken where there is a choice:
task times that were seen go before those that the file claims, once there are enough.
"""

from collections.abc import Sequence

import msgspec

from core.measures.drain import Drain, drain
from core.measures.rates import Rate, Span, rate
from core.measures.tasktime import TaskTime, task_time
from core.observed import NOT_SEEN, Seen
from core.queues.model import NO_WORK, AgentQueue, Work

# From so many on, task times that were seen are worth more than those that agents claim.
ENOUGH_SEEN = 5
SEEN, CLAIMED = "seen", "claimed"


class Measures(msgspec.Struct, frozen=True):
    """What is measured; None is unknown, never zero.

    `came`, `left`, `ended`: tasks per hour that begin to wait, cease to, are done (ready for
    review or completed). `drain`: when the waiting ones will be gone. `task_time`: hours from start
    to end, `time_source` seen or claimed. `efficiency_percent`: earned hours / actual hours x 100
    over `work.hours_n` tasks; `delivery_percent`: delivered / promised x 100 over
    `work.delivery_n`. `load_percent`: estimated hours not done yet, those in progress too, in per
    cent of a working day; not capped.
    """

    came: Rate | None = None
    left: Rate | None = None
    ended: Rate | None = None
    drain: Drain | None = None
    task_time: TaskTime | None = None
    time_source: str = ""
    mean_hours: float | None = None
    efficiency_percent: float | None = None
    delivery_percent: float | None = None
    load_percent: float | None = None
    work: Work = NO_WORK


UNMEASURED = Measures()


def efficiency_percent(work: Work) -> float | None:
    """Earned hours / actual hours x 100 (the cost performance index of earned value management, ANSI/EIA-748).

    None where no task has both an estimate and actual hours.
    """
    return 100.0 * work.earned_hours / work.actual_hours if work.hours_n and work.actual_hours > 0 else None


def delivery_percent(work: Work) -> float | None:
    """Delivered / promised deliverables x 100, None where no task says both."""
    return 100.0 * work.delivered / work.promised if work.promised else None


def load_percent(queue: AgentQueue, workday_hours: float) -> float | None:
    """Estimated hours of all that is not done yet, in per cent of a working day; None if unknown."""
    if queue.form in ("unreadable", "missing") or queue.load_hours is None:
        return None
    return queue.load_hours / workday_hours * 100.0


def task_times(seen: Seen, work: Work) -> tuple[TaskTime | None, str, float | None]:
    """Quantiles of the hours from start to end, where they come from, and the mean."""
    if len(seen.hours) >= ENOUGH_SEEN or (seen.hours and not work.claimed_n):
        return task_time(seen.hours), SEEN, sum(seen.hours) / len(seen.hours)
    if work.claimed_n and work.p50_hours is not None and work.p95_hours is not None:
        time = TaskTime(work.claimed_n, work.p50_hours, work.p95_hours)
        return time, CLAIMED, work.claimed_hours / work.claimed_n
    return None, "", None


def measure(
    queue: AgentQueue, seen: Seen, watched: Sequence[Span], wall: float, workday_hours: float
) -> Measures:
    """What is measured of the agent of `queue`; `watched` are the spans that `seen` covers."""
    work = queue.work
    time, source, mean = task_times(seen, work)
    load = load_percent(queue, workday_hours)
    if not queue.pending and seen is NOT_SEEN and work is NO_WORK:
        return Measures(load_percent=load, drain=drain(0, (), (), watched, wall))
    return Measures(
        came=rate(seen.came, watched, wall),
        left=rate(seen.left, watched, wall),
        ended=rate(seen.ended, watched, wall),
        drain=None
        if queue.form == "unreadable"
        else drain(queue.pending, seen.came, seen.left, watched, wall),
        task_time=time,
        time_source=source,
        mean_hours=mean,
        efficiency_percent=efficiency_percent(work),
        delivery_percent=delivery_percent(work),
        load_percent=load,
        work=work,
    )


def measure_fleet(waiting: int, work: Work, seen: Seen, watched: Sequence[Span], wall: float) -> Measures:
    """The same for all agents together; task times are those of `work`, since they are kept by agent."""
    return Measures(
        came=rate(seen.came, watched, wall),
        left=rate(seen.left, watched, wall),
        ended=rate(seen.ended, watched, wall),
        drain=drain(waiting, seen.came, seen.left, watched, wall),
        efficiency_percent=efficiency_percent(work),
        delivery_percent=delivery_percent(work),
        work=work,
    )


def total_work(works: Sequence[Work]) -> Work:
    """The sums of several agents' work; quantiles cannot be added and are left out."""
    known = [work for work in works if work is not NO_WORK]
    if not known:
        return NO_WORK
    columns = list(zip(*known, strict=True))
    n, estimated, earned, actual, delivery_n, delivered, promised, claimed, hours = map(sum, columns[:9])
    return Work(n, estimated, earned, actual, delivery_n, delivered, promised, claimed, hours)
