"""What finished tasks tell of hours and deliverables, as far as both sides are known."""

from collections.abc import Iterable

from core.measures.tasktime import task_time
from core.queues.model import NO_WORK, Work
from core.queues.states import Ended, parse


def work_of(ended: Iterable[Ended], text: str) -> Work:
    """The sums over `ended`; `text` (of `core.queues.states`) may know estimates that they lack.

    Earned hours are those of earned value management (ANSI/EIA-748): the estimate times the
    share of the deliverables that was delivered, the whole estimate where that is not known.
    """
    ended = tuple(ended)
    if not ended:
        return NO_WORK
    states = (
        parse(text) if text and any(e.estimated_hours is None or e.promised is None for e in ended) else {}
    )
    hours_n = delivery_n = delivered = promised = 0
    estimated = earned = actual = 0.0
    claimed: list[float] = []
    for entry in ended:
        state = states.get(entry.task_id)
        estimate, promise = entry.estimated_hours, entry.promised
        if state is not None:
            estimate = state.estimated_hours if estimate is None else estimate
            promise = state.promised if promise is None else promise
        share = 1.0
        if promise and entry.delivered is not None:
            delivery_n += 1
            promised += promise
            delivered += min(entry.delivered, promise)
            share = min(1.0, entry.delivered / promise)
        if entry.actual_hours is not None:
            claimed.append(entry.actual_hours)
            if estimate is not None:
                hours_n += 1
                estimated += estimate
                earned += estimate * share
                actual += entry.actual_hours
    times = task_time(claimed)
    return Work(
        hours_n, estimated, earned, actual, delivery_n, delivered, promised,
        *((0, 0.0, None, None) if times is None else (times.n, sum(claimed), times.p50_h, times.p95_h)),
    )  # fmt: skip
