"""Agents, tasks and problems: the one model that every queue form is read into.

Named tuples, since the prober makes them by the thousand and sends them as JSON arrays; see
`core.samples`. Text in them has passed `core.text.clean`. Times are seconds since 1970 UTC.
"""

from typing import NamedTuple

# Status words that bluetop knows, after folding synonyms (`postbox.STATUS_SYNONYMS`). Any
# other word is kept as it was written and counted as `other`.
STATUSES = (
    "pending",
    "assigned",
    "in_progress",
    "ready_for_review",
    "blocked",
    "failed",
    "completed",
)


class Problem(NamedTuple):
    """One thing about a source that is wrong or odd, and how it was read all the same.

    `severity` is "error" (something could not be read) or "odd" (read, but it is not as it
    should be). `code` is a stable word such as `trailing_comma`. `detail` is one sentence.
    `line` and `column` count from 1 and are 0 where they mean nothing; `key` is the JSON path.
    """

    severity: str
    code: str
    detail: str
    line: int = 0
    column: int = 0
    key: str = ""


class Task(NamedTuple):
    """One task as a list shows it. The whole record is read again when it is opened.

    `status` is one of `STATUSES` or the raw word; `raw_status` is what the file says. Times
    are None where absent or unreadable. `doubtful` names the times that cannot be true
    ("created_at" later than the file itself). `place` is where it stands: tasks, history,
    messages, records; `index` its position there. `also` counts further records of this id.
    """

    task_id: str
    agent: str
    title: str
    status: str
    raw_status: str
    priority: str
    estimated_hours: float | None
    actual_hours: float | None
    created_at: float | None
    started_at: float | None
    completed_at: float | None
    doubtful: tuple[str, ...]
    place: str
    index: int  # type: ignore[assignment]  # a tuple has a method of this name
    also: int


class AgentQueue(NamedTuple):
    """What one agent's queue file says, in sum. Counts are of task ids, not of records.

    `state` is active, paused or decommissioned. `form` is the shape of the file: standard,
    messages, list, documents, record, card, reports, empty, missing or unreadable.
    `stale_since` is the wall time of the last good read while the file cannot be read now.
    """

    agent: str
    path: str
    form: str
    state: str
    status_text: str
    role: str
    expertise: tuple[str, ...]
    pending: int
    in_progress: int
    review: int
    blocked: int
    failed: int
    completed: int
    other: int
    pending_hours: float | None
    hours_unknown: int
    current_id: str
    current_title: str
    current_since: float | None
    oldest_waiting_at: float | None
    messages: int
    capacity_hours: float | None
    mtime: float | None
    size_bytes: int | None
    read_ms: float | None
    read_at: float | None
    stale_since: float | None
    problems: tuple[Problem, ...]


EMPTY_QUEUE = AgentQueue(
    agent="", path="", form="missing", state="active", status_text="", role="", expertise=(),
    pending=0, in_progress=0, review=0, blocked=0, failed=0, completed=0, other=0,
    pending_hours=None, hours_unknown=0, current_id="", current_title="", current_since=None,
    oldest_waiting_at=None, messages=0, capacity_hours=None, mtime=None, size_bytes=None,
    read_ms=None, read_at=None, stale_since=None, problems=(),
)  # fmt: skip


class QueuesSample(NamedTuple):
    """All queues at `at`, and what changed since the sample before. Never changed after it is made.

    `queues` maps agent → queue; a queue that did not change is the same object. While a long
    first scan goes on, `complete` is False and `done` of `total` files have been read.
    `problems` are those of the workspace itself: (path, problem), of the last complete scan.
    """

    at: float
    host: str
    queues: dict[str, AgentQueue]
    changed: frozenset[str]
    gone: frozenset[str]
    done: int
    total: int
    complete: bool
    problems: tuple[tuple[str, Problem], ...]


def agent_queue_from_wire(row: list) -> AgentQueue:  # type: ignore[type-arg]
    """Rebuild an `AgentQueue` from the JSON array that the prober sent."""
    fields = list(row)
    fields[6] = tuple(fields[6])
    fields[-1] = tuple(Problem(*p) for p in fields[-1])
    return AgentQueue(*fields)


def task_from_wire(row: list) -> Task:  # type: ignore[type-arg]
    """Rebuild a `Task` from the JSON array that the prober sent."""
    fields = list(row)
    fields[11] = tuple(fields[11])
    return Task(*fields)
