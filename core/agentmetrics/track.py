"""A start or an end that somebody records by hand: whether it can be, and as which facts. Pure.

Saying the same twice changes nothing. What contradicts an earlier record is refused, unless `force`
says that it is meant.
"""

from typing import NamedTuple

from core.agentmetrics.merge import entries_of, facts_of
from core.agentmetrics.model import FINISHED, Data, Seen, status_of, time_of, utc_text
from core.queues.statuses import fold

START, COMPLETE = "start", "complete"
_AHEAD_S = 60.0


class Event(NamedTuple):
    """What is to be recorded. `at`: seconds since 1970, None for now, or for the time already known."""

    kind: str
    at: float | None = None
    estimated_hours: float | None = None
    actual_hours: float | None = None
    delivered: int | None = None
    failed: bool = False
    force: bool = False


class Decision(NamedTuple):
    """`facts` for `bluetop.tasks[…].tracked`, None for no change. `refusal`: why not, and what to do instead.
    `unknown`: there is no such task."""

    facts: Data | None = None
    refusal: str = ""
    unknown: bool = False


def decide(document: Data | None, row: Seen | None, task_id: str, event: Event, now: float) -> Decision:
    """What an event means for a task, given its metrics file and what its queue file says (None: nothing)."""
    entry = entries_of(document).get(task_id)
    if entry is None and row is None:
        return Decision(unknown=True)
    facts = facts_of(document, task_id)
    if row is None and isinstance(facts.get("moved_to"), str):
        return Decision(refusal=f"it moved to {facts['moved_to']}; name that agent")
    if event.at is not None and event.at > now + _AHEAD_S:
        return Decision(refusal=f"{utc_text(event.at)} is in the future; name a time that has passed")
    tracked = facts.get("tracked")
    tracked = tracked if isinstance(tracked, dict) else {}
    status = fold(row.status) if row is not None else status_of(entry or {})
    found = (
        _start(event, tracked, status, now)
        if event.kind == START
        else _end(event, tracked, status, row is not None, now)
    )
    if found.facts is not None and all(tracked.get(name) == value for name, value in found.facts.items()):
        return Decision()
    return found


def _start(event: Event, tracked: Data, status: str, now: float) -> Decision:
    began, ended = tracked.get("started_at"), tracked.get("completed_at")
    if not event.force:
        if ended or (status in FINISHED and not began):
            word = f"it is recorded as ended at {ended}" if ended else f"it is {status} already"
            return Decision(refusal=f"{word}; --force starts it again")
        if began and event.at is not None and time_of(began) != float(int(event.at)):
            return Decision(refusal=f"it is recorded as started at {began}; --force records another time")
        if began:
            more = {"estimated_hours": event.estimated_hours} if event.estimated_hours is not None else {}
            return Decision(facts={"started_at": began, **more})
    facts: Data = {"started_at": utc_text(now if event.at is None else event.at)}
    facts |= {"completed_at": None, "status": None, "actual_hours": None, "delivered": None}
    if event.estimated_hours is not None:
        facts["estimated_hours"] = event.estimated_hours
    return Decision(facts=facts)


def _end(event: Event, tracked: Data, status: str, queued: bool, now: float) -> Decision:
    word = "failed" if event.failed else "completed"
    if queued and status in FINISHED and status != word:
        return Decision(refusal=f"its queue file says {status}; change that, or record it as {status}")
    ended = tracked.get("completed_at")
    if tracked.get("status") in FINISHED and not event.force:
        same = (
            tracked["status"] == word
            and (event.at is None or time_of(ended) == float(int(event.at)))
            and event.actual_hours in (None, tracked.get("actual_hours"))
            and event.delivered in (None, tracked.get("delivered"))
        )
        if not same:
            return Decision(
                refusal=f"it is recorded as {tracked['status']}{f' at {ended}' if ended else ''}; "
                "--force records it anew"
            )
        return Decision()
    facts: Data = {"status": word}
    if event.at is not None or status not in FINISHED:
        facts["completed_at"] = utc_text(now if event.at is None else event.at)
        began = time_of(tracked.get("started_at"))
        if began is not None and began > (time_of(facts["completed_at"]) or 0.0):
            return Decision(
                refusal=f"its start at {utc_text(began)} is later than that; name a later time with --at"
            )
    for name, value in (("actual_hours", event.actual_hours), ("delivered", event.delivered)):
        if value is not None:
            facts[name] = value
    return Decision(facts=facts)
