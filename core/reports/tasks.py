"""Tasks of many agents as plain data: what the file says of each, and since when it is what it is.

A time that was seen goes before one that an agent claims, as for the agents' own figures. Not for
reading files: the tasks are handed in.
"""

from collections.abc import Collection, Iterable
from math import inf
from typing import NamedTuple

from core.queues.model import RecordState, Task, Transition
from core.queues.states import FINISHED, WAITING
from core.reports.plain import Data, rounded, time_text

SEEN, FOUND, CLAIMED = "seen", "found", "claimed"
# What a file says of when a task became what it is.
_CLAIMS = {
    **dict.fromkeys(WAITING, "created_at"),
    "in_progress": "started_at",
    **dict.fromkeys(("ready_for_review", *FINISHED), "completed_at"),
}


class Since(NamedTuple):
    """Since when a task is what it is. `at` is a wall time, None if nobody knows.

    `source` is SEEN: somebody looked when it became so; FOUND: it was so when somebody looked again, at
    `at` at the latest; CLAIMED: its file says so; "" without `at`. `doubtful`: the claim cannot be true.
    """

    at: float | None = None
    source: str = ""
    doubtful: bool = False


class Listed(NamedTuple):
    """One task of a list."""

    task: Task
    since: Since


def beginnings(record: RecordState) -> frozenset[float]:
    """When somebody began to watch: what was found at these times had happened before."""
    return frozenset(round(begin, 2) for begin, _ in record.watched)


def since_of(task: Task, last: Transition | None, begins: Collection[float]) -> Since:
    """Since when `task` is what it is; `last` is the last transition of it that is known, None without.

    The rule of `core.observed`: what is found changed after a gap became so no later than its file was written.
    """
    if last is not None and last.after == task.status:
        if round(last.seen_at, 2) not in begins:
            return Since(last.seen_at, SEEN)
        return Since(min(last.seen_at, last.file_mtime or last.seen_at), FOUND)
    name = _CLAIMS.get(task.status)
    at = None if name is None else getattr(task, name)
    return Since() if at is None else Since(at, CLAIMED, name in task.doubtful)


def oldest_first(since: Since) -> float:
    """What a list of tasks is sorted by: the longest in its state first, those of unknown age last."""
    return inf if since.at is None else since.at


def unfinished(task: Task) -> bool:
    """Whether somebody still has to do something about it."""
    return task.status not in FINISHED


def timed_out(listed: Listed, wall: float, timeout_s: float) -> bool | None:
    """Whether a task in progress is so for too long; None where that cannot be told."""
    if listed.task.status != "in_progress":
        return False
    return None if listed.since.at is None else wall - listed.since.at >= timeout_s


def task_data(listed: Listed, wall: float, timeout_s: float) -> Data:
    """One task as JSON has it."""
    task, since = listed
    return {
        "id": task.task_id or None,
        "agent": task.agent,
        "status": task.status or None,
        "raw_status": task.raw_status or None,
        "priority": task.priority or None,
        "title": task.title or None,
        "since_at": time_text(since.at),
        "since_source": since.source or None,
        "timed_out": timed_out(listed, wall, timeout_s),
        "created_at": time_text(task.created_at),
        "started_at": time_text(task.started_at),
        "completed_at": time_text(task.completed_at),
        "doubtful": list(task.doubtful),
        "estimated_hours": rounded(task.estimated_hours, 3),
        "actual_hours": rounded(task.actual_hours, 3),
        "progress_percent": rounded(task.progress, 1),
        "skills": list(task.skills),
        "waits_for": list(task.needs),
        "place": task.place,
        "index": task.index,
        "more_records": task.also,
    }


def last_of(told: Iterable[Transition]) -> dict[str, dict[str, Transition]]:
    """Agent → task → its last transition."""
    found: dict[str, dict[str, Transition]] = {}
    for change in told:
        found.setdefault(change.agent, {})[change.task] = change
    return found
