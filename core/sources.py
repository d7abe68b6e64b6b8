"""What bluetop listens to and how it answers: one `SourceState` per poller, mount, file, and whatever hung.

Turns answers into rows and into lines of the log. Not for deciding that something hangs: the
engine and the prober's owner do that, and say so with an `Answer` or a `Trouble`.
"""

from typing import Any, NamedTuple

from core.events import FIRING, NOTE, RESOLVED, Change
from core.fleet import MISSING, UNREADABLE, where
from core.queues.model import AgentQueue
from core.samples import MountsSample
from core.snapshot import AgentView, SourceState

GOOD = ("ok", "waiting", "slow", "odd")
_SEVERITY = {"hung": "high", "unreadable": "medium", "gone": "medium", "stale": "low"}


class Answer(NamedTuple):
    """What one poll brought: a sample, or the reason why there is none.

    `state` is "ok" with a sample; "hung" when the deadline passed; "unreadable" when the source
    refused. `at` is when the sample was taken or the attempt ended (engine's clock). `missed`
    counts the slots skipped since the last answer because this one took so long.
    """

    source: str
    at: float
    sample: Any = None
    problem: str = ""
    state: str = "ok"
    took_ms: float | None = None
    missed: int = 0


class Trouble(NamedTuple):
    """News of a source that is not a poller: a path that hangs, the prober itself. State "ok" or "gone"
    ends it; "gone" also removes its row. `since` is when what hangs was last known to answer."""

    name: str
    kind: str
    state: str
    detail: str
    at: float
    took_ms: float | None = None
    misses: int = 0
    since: float | None = None


def after_answer(old: SourceState, answer: Answer, interval_s: float) -> SourceState:
    """The row of a poller after its answer."""
    if answer.problem or answer.sample is None:
        state = answer.state if answer.state != "ok" else "unreadable"
        return SourceState(
            old.name, old.kind, state, answer.problem, old.answered_at, answer.took_ms,
            old.misses + 1 + answer.missed,
        )  # fmt: skip
    took = answer.took_ms
    slow = took is not None and took > 1000.0 * interval_s
    detail = "takes longer than its interval" if slow else ""
    state = "slow" if slow else "ok"
    return SourceState(old.name, old.kind, state, detail, answer.at, took, old.misses + answer.missed)


def mount_rows(sample: MountsSample, old: dict[str, SourceState]) -> dict[str, SourceState]:
    """A row for each mount, by its key."""
    rows: dict[str, SourceState] = {}
    for mount in sample.mounts:
        key = f"mount {mount.path}"
        before = old.get(key)
        misses = before.misses if before is not None else 0
        if mount.problem:
            state = "hung" if mount.problem.startswith("no answer") else UNREADABLE
            answered = before.answered_at if before is not None else None
            rows[key] = SourceState(
                mount.path, "mount", state, mount.problem, answered, mount.asked_ms, misses + 1
            )
        else:
            rows[key] = SourceState(mount.path, "mount", "ok", mount.kind, sample.at, mount.asked_ms, misses)
    return rows


def file_row(view: AgentView, old: SourceState | None, at: float | None) -> SourceState:
    """The row of one queue file; `at` is when it was read (engine's clock)."""
    queue = view.queue
    state, detail = _file_state(view, queue, old)
    misses = old.misses if old is not None else 0
    if state in (UNREADABLE, "stale", "hung") and (old is None or old.state != state):
        misses += 1
    return SourceState(queue.path, "file", state, detail, at, queue.read_ms, misses)


def _file_state(view: AgentView, queue: AgentQueue, old: SourceState | None) -> tuple[str, str]:
    if view.state in (UNREADABLE, "stale"):
        return view.state, view.why
    if view.state == MISSING:
        return ("gone" if old is not None and old.state != "waiting" else "waiting"), view.why
    if queue.problems:
        more = len(queue.problems) - 1
        return "odd", where(queue.problems[0]) + (f"; and {more} more" if more else "")
    return "ok", queue.form


def source_change(old: SourceState | None, new: SourceState) -> Change | None:
    """The line of the log for a row that became bad, became good again, or is odd for the first time."""
    was_bad = old is not None and old.state not in GOOD
    is_bad = new.state not in GOOD
    if not was_bad and not is_bad and new.state != "odd":
        return None
    key, subject = f"source {new.kind} {new.name}", f"source:{new.name}"
    if is_bad and not (was_bad and old is not None and old.state == new.state):
        severity = "critical" if new.kind == "workspace" else _SEVERITY.get(new.state, "medium")
        text = f"{new.name}: {new.state}" + (f", {new.detail}" if new.detail else "")
        return Change(key, severity, FIRING, subject, text, f"{new.kind} {new.state}")
    if was_bad and not is_bad:
        return Change(key, "low", RESOLVED, subject, f"{new.name}: answers again", f"{new.kind} answers")
    if new.state == "odd" and (old is None or old.state == "waiting"):
        return Change(key, "low", NOTE, subject, f"{new.name}: {new.detail}", f"{new.kind} odd")
    return None
