"""What is known of a task, and how a metrics file holds it.

A metrics file:

    agent_id, last_updated (when something in it last changed), summary, metrics, bluetop

An entry of `metrics` has the ten keys of `ENTRY` and no others of ours. Where the truth is not known
they hold what their readers have always been given: 0 hours estimated, 0 deliverables, no time.
`created_at` of a task first seen in the history is the time of that entry.

Which numbers are deliverables: `deliverables_total` is the length of the task's `deliverables`.
`deliverables_completed` is what a finished record claims under that very name (a list or a whole
number; a list wins, since it names them). Files are no deliverables: where nothing is claimed, that
key holds the number of files created and modified, as it always did, and `delivered` is absent.

`bluetop.tasks` maps a task id to what is known beyond that; a task of which nothing is has no key:

    delivered      deliverables claimed as done
    approximate    names of times that are that of the history entry, for want of a better one
    doubtful       names of times that cannot be believed: later than the file that claims them, or
                   without a time zone
    tracked        what was recorded by hand: started_at, completed_at, status, estimated_hours,
                   actual_hours, delivered
    gone           true: no queue file has the task any more
    moved_to       the agent that has it now; it counts there
    counted_for    the agent that it counts for, since both have it in their queue files
"""

import re
import time
from typing import Any, NamedTuple

from core.queues.statuses import fold
from core.queues.times import parse
from core.text import clean_line

SUFFIX = "_metrics.json"
ENTRY = (
    "task_id", "agent_id", "status", "created_at", "started_at", "completed_at", "estimated_hours", "actual_hours",
    "deliverables_completed", "deliverables_total",
)  # fmt: skip
TIMES = ("created_at", "started_at", "completed_at")
FINISHED = ("completed", "failed")
LONGEST_ID = 1000

Data = dict[str, Any]

# What any reader of ISO 8601 takes: with a zone, with milliseconds, microseconds or neither.
_PLAIN_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{3}(?:\d{3})?)?(?:Z|[+-]\d\d:\d\d)", re.ASCII)


class Seen(NamedTuple):
    """One task as a queue file has it; None is what the file does not say.

    `status` is folded, or the raw word. Times are text that every reader takes. `at` is the latest of
    them, seconds since 1970, never later than the file. `stamp` is the time of a history entry or
    message; where `stamped`, `completed_at` is nothing better than that. `files` counts those
    created and modified.
    """

    task_id: str
    status: str
    created_at: str | None = None
    started_at: str | None = None
    completed_at: str | None = None
    stamp: str | None = None
    stamped: bool = False
    at: float | None = None
    estimated_hours: float | None = None
    actual_hours: float | None = None
    promised: int | None = None
    delivered: int | None = None
    files: int | None = None
    doubtful: tuple[str, ...] = ()

    @property
    def live(self) -> bool:
        """Whether the task is not finished."""
        return self.status not in FINISHED


def seen_from_wire(row: list[Any]) -> Seen:
    """Rebuild a `Seen` from the JSON array that it was sent as."""
    fields = list(row)
    fields[-1] = tuple(fields[-1])
    return Seen(*fields)


class Queue(NamedTuple):
    """What was read of one agent's queue file. `folder` is its name on disk, `agent` the one that is shown.

    `rows` is a JSON array of `Seen`, as bytes: there may be a million. `form` is read, partly, unread,
    missing (the agent has none) or gone (there is no such agent any more); `problem` says why it was not
    wholly read, and `place` where: the file below the agent's folder, with line and column if known.
    `retired`: it takes no more work. `nameless` counts tasks without an id, which nobody can follow.
    """

    agent: str
    folder: str
    form: str
    rows: bytes = b"[]"
    problem: str = ""
    place: str = ""
    retired: bool = False
    nameless: int = 0


def task_key(value: Any) -> str:
    """What tells tasks apart: the id, fit to be shown; "" for what is no id."""
    if isinstance(value, str):
        return clean_line(value, LONGEST_ID)
    return str(value) if type(value) is int and -(1 << 64) < value < 1 << 64 else ""


def status_of(entry: Data) -> str:
    """The folded status of an entry, "" if it is none that bluetop knows."""
    return fold(entry.get("status"))


def time_of(value: Any) -> float | None:
    """Seconds since 1970 of a time in a file; None without."""
    moment = parse(value)
    return None if moment is None else moment.at


def plain_time(value: str, at: float) -> str:
    """`value`, which names the moment `at`, as every reader takes it: with a zone, whole."""
    return value if _PLAIN_TIME.fullmatch(value) else utc_text(at)


def utc_text(at: float) -> str:
    """Seconds since 1970 as `2026-11-24T00:10:01Z`."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))


def count_of(value: Any) -> int | None:
    """A whole number from 0 to a million, or the length of a list; None for anything else."""
    if isinstance(value, list):
        return len(value)
    return value if type(value) is int and 0 <= value <= 1_000_000 else None


def number(value: float) -> int | float:
    """A number as a person would write it: 4 and not 4.0."""
    return int(value) if value == int(value) and abs(value) < 1e15 else value
