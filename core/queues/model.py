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
    skills: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    progress: float | None = None


class Open(NamedTuple):
    """An unfinished task that somebody may have to look at. `since`: what the file claims, None without."""

    task_id: str
    since: float | None


class Work(NamedTuple):
    """What finished tasks of one agent tell of hours and deliverables, as far as both sides are known.

    `estimated_hours` (of which `earned_hours` were delivered) and `actual_hours` are sums over
    `hours_n` tasks, `delivered` and `promised` over `delivery_n`; `claimed_n`, `claimed_hours` (their
    sum), `p50_hours` and `p95_hours` are of all actual hours that the file claims.
    """

    hours_n: int = 0
    estimated_hours: float = 0.0
    earned_hours: float = 0.0
    actual_hours: float = 0.0
    delivery_n: int = 0
    delivered: int = 0
    promised: int = 0
    claimed_n: int = 0
    claimed_hours: float = 0.0
    p50_hours: float | None = None
    p95_hours: float | None = None


NO_WORK = Work()
# Most tasks of one kind that an agent's row names; its counts count them all.
MOST_OPEN = 4


class Knot(NamedTuple):
    """Tasks that cannot go on by themselves: `task` of `agent` waits for something that will not come.

    `kind` is cycle, failed, retired or vanished; `chain` are the task ids from `task` down to
    the one that will not end; `text` is one sentence.
    """

    kind: str
    task: str
    agent: str
    chain: tuple[str, ...]
    text: str


class Transition(NamedTuple):
    """One net change of one task between two looks. `before` None: it was not there; `after` None: it is
    not there any more. `file_mtime` is that of the queue file that shows it, None if there is none."""

    seen_at: float
    agent: str
    task: str
    before: str | None
    after: str | None
    file_mtime: float | None


class Lost(NamedTuple):
    """A task that was not finished and is in no file any more. `status` is its last one."""

    agent: str
    task: str
    status: str
    seen_at: float


class RecordState(NamedTuple):
    """How the record of transitions stands.

    `mode` is off, waiting (not opened yet), writing, reading (another instance writes) or
    memory (there is none to read or write). `path` is where it is, `problem` why nothing is
    written where something should be. `watched` are the spans of wall time in which this or
    another instance looked, oldest first; the last one goes on.
    """

    mode: str = "off"
    path: str = ""
    problem: str = ""
    watched: tuple[tuple[float, float], ...] = ()


class AgentQueue(NamedTuple):
    """What one agent's queue file says, in sum. Counts are of task ids, not of records.

    `running`, `reviewing` and `blocking` name up to `MOST_OPEN` tasks each, the oldest first.
    `load_hours` is the estimated work not done yet: waiting and blocked tasks whole, those in
    progress less their progress. `work` comes from the ledger and not from the reader.

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
    running: tuple[Open, ...]
    reviewing: tuple[Open, ...]
    blocking: tuple[Open, ...]
    load_hours: float | None
    work: Work
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
    oldest_waiting_at=None, messages=0, capacity_hours=None, running=(), reviewing=(), blocking=(),
    load_hours=None, work=NO_WORK, mtime=None, size_bytes=None,
    read_ms=None, read_at=None, stale_since=None, problems=(),
)  # fmt: skip


class Ledgered(NamedTuple):
    """What the ledger told since the sample before: transitions, lost tasks and dependency knots.

    `past` are those that the record held when it was opened, `caught_up` those that happened while
    nobody looked, `seen` those of watched time. `lost` and `knots` are whole lists, None if unchanged.
    """

    past: tuple[Transition, ...] = ()
    caught_up: tuple[Transition, ...] = ()
    seen: tuple[Transition, ...] = ()
    lost: tuple[Lost, ...] | None = None
    knots: tuple[Knot, ...] | None = None
    record: RecordState = RecordState()


NOTHING_LEDGERED = Ledgered()


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
    ledger: Ledgered = NOTHING_LEDGERED


def agent_queue_from_wire(row: list) -> AgentQueue:  # type: ignore[type-arg]
    """Rebuild an `AgentQueue` from the JSON array that the prober sent."""
    fields = list(row)
    fields[_EXPERTISE] = tuple(fields[_EXPERTISE])
    for place in _OPEN:
        fields[place] = tuple([Open(*entry) for entry in fields[place]])
    fields[_WORK] = Work(*fields[_WORK]) if fields[_WORK] else NO_WORK
    fields[-1] = tuple([Problem(*p) for p in fields[-1]])
    return AgentQueue(*fields)


_EXPERTISE, _WORK = AgentQueue._fields.index("expertise"), AgentQueue._fields.index("work")
_OPEN = tuple(AgentQueue._fields.index(name) for name in ("running", "reviewing", "blocking"))


def task_from_wire(row: list) -> Task:  # type: ignore[type-arg]
    """Rebuild a `Task` from the JSON array that the prober sent."""
    fields = list(row)
    for place in _TASK_TUPLES:
        fields[place] = tuple(fields[place])
    return Task(*fields)


_TASK_TUPLES = tuple(Task._fields.index(name) for name in ("doubtful", "skills", "needs"))
