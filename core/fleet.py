"""One row of the agents table from what a queue file says, and the sums over all of them.

Plain functions over values. State comes from the file alone; whether the agent is alive is
another question and another module's.
"""

from collections.abc import Iterable
from typing import NamedTuple, TypeVar

from core.queues.model import AgentQueue, Problem
from core.samples import ProcessesSample, ProcessRow
from core.snapshot import AgentView, Fleet

UNREADABLE, MISSING = "unreadable", "missing"


_READ_MS, _READ_AT = AgentQueue._fields.index("read_ms"), AgentQueue._fields.index("read_at")


class Figures(NamedTuple):
    """What the watched processes of one agent use together.

    `workers` of them may be the agent itself; `started_at` is when the oldest of those was started (wall).
    """

    processes: int = 0
    handles: int | None = None
    cpu_percent: float | None = None
    rss_bytes: int | None = None
    started_at: float | None = None
    workers: int = 0


NO_FIGURES = Figures()
# With these somebody looks at an agent's files. That they end says nothing of the agent.
_LOOKS = frozenset(
    ("bat", "btop", "cat", "code", "emacs", "emacsclient", "find", "git", "grep", "head", "helix", "htop", "hx",
     "jq", "less", "man", "mc", "micro", "more", "most", "nano", "nnn", "nvim", "ranger", "rg", "screen", "ssh",
     "tail", "tig", "tmux", "top", "vi", "view", "vim", "vim.basic", "vim.tiny", "watch")
)  # fmt: skip
_SHELLS = frozenset(("ash", "bash", "csh", "dash", "fish", "ksh", "sh", "tcsh", "zsh"))


def figures_by_agent(sample: ProcessesSample) -> dict[str, Figures]:
    """Sums per agent over the watched processes that are known to work for one."""
    found: dict[str, Figures] = {}
    for row in sample.rows:
        if row.agent:
            old = found.get(row.agent, NO_FIGURES)
            started_at = old.started_at
            works = not _only_looks(row)
            if works:
                started_at = row.started_at if started_at is None else min(started_at, row.started_at)
            found[row.agent] = Figures(
                old.processes + 1,
                _plus(old.handles, row.handles),
                _plus(old.cpu_percent, row.cpu_percent),
                _plus(old.rss_bytes, row.rss_bytes),
                started_at,
                old.workers + works,
            )
    return found


def _only_looks(row: ProcessRow) -> bool:
    """Whether it is an editor, a pager or the like, or a shell that runs no script."""
    name = row.name.partition(":")[0]
    if name in _LOOKS:
        return True
    options = row.command.split()[1:]
    return name in _SHELLS and not any(word[0] not in "-+" or "c" in word[:4] for word in options)


_Number = TypeVar("_Number", int, float)


def _plus(left: _Number | None, right: _Number | None) -> _Number | None:
    """Sum of what is known."""
    if left is None:
        return right
    return left if right is None else left + right


def same_content(old: AgentQueue, new: AgentQueue) -> bool:
    """Whether two reads of a file say the same, whenever and however fast they were made."""
    return old[:_READ_MS] == new[:_READ_MS] and old[_READ_AT + 1 :] == new[_READ_AT + 1 :]


def first_error(queue: AgentQueue) -> Problem | None:
    """The first problem that kept something from being read."""
    for problem in queue.problems:
        if problem.severity == "error":
            return problem
    return None


def where(problem: Problem) -> str:
    """The problem's sentence, with line and column where they mean something."""
    if problem.line <= 0:
        return problem.detail
    place = f"line {problem.line}" + (f", column {problem.column}" if problem.column > 0 else "")
    return problem.detail if f"line {problem.line}" in problem.detail else f"{problem.detail} ({place})"


def state_of(queue: AgentQueue) -> tuple[str, str]:
    """State of an agent and the sentence that says from what it follows."""
    if queue.form == MISSING:
        return MISSING, f"no queue file at {queue.path}" if queue.path else "no queue file"
    error = first_error(queue)
    if queue.stale_since is not None:
        reason = where(error) if error is not None else "the file cannot be read"
        return "stale", f"last good state; now: {reason}"
    if queue.form == UNREADABLE:
        return UNREADABLE, where(error) if error is not None else "the file cannot be read"
    if queue.state == "decommissioned":
        return "retired", _said(queue, "the file says decommissioned")
    if queue.state == "paused":
        return "paused", _said(queue, "the file says paused")
    if queue.in_progress > 0:
        what = queue.current_id or f"{queue.in_progress} without an id"
        more = f" and {queue.in_progress - 1} more" if queue.current_id and queue.in_progress > 1 else ""
        return "working", f"in progress: {what}{more}"
    if queue.blocked > 0:
        return "blocked", f"{_tasks(queue.blocked)} blocked, none in progress"
    if queue.review > 0:
        return "review", f"{_tasks(queue.review)} ready for review, none in progress"
    if queue.pending > 0:
        return "idle", f"{_tasks(queue.pending)} waiting, none in progress"
    return "idle", "nothing waiting, nothing in progress"


def _said(queue: AgentQueue, otherwise: str) -> str:
    return f"the file says: {queue.status_text}" if queue.status_text else otherwise


def _tasks(count: int) -> str:
    return "1 task" if count == 1 else f"{count} tasks"


def workload_percent(queue: AgentQueue, workday_hours: float) -> float | None:
    """Estimated hours of the waiting tasks in per cent of a working day, at most 100; None if unknown."""
    if queue.form in (UNREADABLE, MISSING):
        return None
    if queue.pending == 0:
        return 0.0
    hours = queue.pending_hours
    if hours is None or hours != hours or hours < 0:
        return None
    return min(100.0, hours / workday_hours * 100.0)


def success_percent(queue: AgentQueue) -> float | None:
    """completed / (completed + failed) x 100, None before anything was finished."""
    finished = queue.completed + queue.failed
    return queue.completed * 100.0 / finished if finished > 0 else None


def agent_view(
    queue: AgentQueue, figures: Figures, workday_hours: float, changed_at: float | None, severity: str
) -> AgentView:
    """The row of one agent, as far as its file and its processes tell."""
    state, why = state_of(queue)
    return AgentView(
        queue=queue,
        state=state,
        why=why,
        workload_percent=workload_percent(queue, workday_hours),
        success_percent=success_percent(queue),
        severity=severity,
        changed_at=changed_at,
        processes=figures.processes,
        handles=figures.handles,
        cpu_percent=figures.cpu_percent,
        rss_bytes=figures.rss_bytes,
    )


def fleet_changed(fleet: Fleet, gone: Iterable[AgentView], come: Iterable[AgentView]) -> Fleet:
    """The sums after some rows were replaced; costs as much as there are changes."""
    sums = list(_sums_of(fleet))
    for views, sign in ((gone, -1), (come, 1)):
        for view in views:
            for place, count in enumerate(_counts(view)):
                sums[place] += sign * count
    return fleet if not any(sums) and not any(_sums_of(fleet)) else Fleet(*sums)


def _sums_of(fleet: Fleet) -> tuple[int, ...]:
    return (
        fleet.agents, fleet.active, fleet.pending, fleet.in_progress, fleet.review, fleet.blocked,
        fleet.failed, fleet.completed, fleet.other, fleet.unreadable,
    )  # fmt: skip


def _counts(view: AgentView) -> tuple[int, ...]:
    """What one agent adds to each sum, in the order of Fleet's fields."""
    q = view.queue
    cannot = view.state in (UNREADABLE, "stale")
    active = view.state not in ("retired", "paused", MISSING, UNREADABLE)
    return (
        1, int(active), q.pending, q.in_progress, q.review, q.blocked,
        q.failed, q.completed, q.other, int(cannot),
    )  # fmt: skip
