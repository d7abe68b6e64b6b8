"""What needs a person, agent by agent: the first thing an operator wants to see.

In this order: an unanswered signal, a deadlock, a lost task, a task in progress for too long, a
blocked task, work that is ready for review. Says since when, never how long that is: ages
are the screen's. Not for what is wrong with files or the host.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from core.queues.model import AgentQueue, Knot, Lost, Open
from core.samples import Signal

SIGNAL, DEADLOCK, LOST, TIMED_OUT, BLOCKED, REVIEW = (
    "signal",
    "deadlock",
    "lost",
    "timed out",
    "blocked",
    "review",
)
KINDS = (SIGNAL, DEADLOCK, LOST, TIMED_OUT, BLOCKED, REVIEW)
_SEVERITY = {
    SIGNAL: "high",
    DEADLOCK: "high",
    LOST: "high",
    TIMED_OUT: "medium",
    BLOCKED: "medium",
    REVIEW: "low",
}
_ASKS = {"NEEDS_HELP": "asks for help", "HELP": "asks for help", "HANDOFF_REQUEST": "asks to hand over",
         "HANDOFF": "asks to hand over", "BLOCKED": "says it is blocked"}  # fmt: skip


class Need(NamedTuple):
    """One thing. `task` is an id, "" without; `count` tasks like it, of which `task` is the oldest.

    `since` is a wall time, None where nobody knows. `text` is what to say after the agent's name.
    """

    kind: str
    severity: str
    agent: str
    task: str
    count: int  # type: ignore[assignment]  # a tuple has a method of this name
    since: float | None
    text: str


class Needs(NamedTuple):
    """All of one agent, and the wall time from which on there may be more without any news."""

    found: tuple[Need, ...]
    until: float | None


def needs(
    queue: AgentQueue,
    since: Mapping[str, float],
    signals: Sequence[Signal],
    knots: Sequence[Knot],
    lost: Sequence[Lost],
    wall: float,
    timeout_s: float,
) -> Needs:
    """What of this agent needs a person at `wall`. `since`: when a task was seen to become what it is."""
    agent = queue.agent
    found: list[Need] = []
    found += _asked(agent, signals)
    found += [Need(DEADLOCK, _SEVERITY[DEADLOCK], agent, knot.task, 1, None, knot.text) for knot in knots]
    for gone in lost:
        text = f"{gone.task} ({gone.status}) is in no file any more"
        found.append(Need(LOST, _SEVERITY[LOST], agent, gone.task, 1, gone.seen_at, text))
    until: float | None = None
    for entry in queue.running:
        begun = _since(entry, since)
        if begun is None:
            continue
        if wall - begun >= timeout_s:
            text = f"{entry.task_id} is in progress for too long"
            found.append(Need(TIMED_OUT, _SEVERITY[TIMED_OUT], agent, entry.task_id, 1, begun, text))
        else:
            until = begun + timeout_s if until is None else min(until, begun + timeout_s)
    # A blocked task that is asked for by name, or is in a deadlock, is above already.
    told = {need.task for need in found if need.kind in (SIGNAL, DEADLOCK)}
    blocking = [entry for entry in queue.blocking if entry.task_id not in told]
    blocked = queue.blocked - (len(queue.blocking) - len(blocking))
    for kind, count, named, word in (
        (BLOCKED, blocked, blocking, "blocked"),
        (REVIEW, queue.review, queue.reviewing, "ready for review"),
    ):
        if count:
            task, at = _oldest(named, since)
            more = f" and {count - 1} more" if count > 1 else ""
            text = f"{task}{more} {word}" if task else f"{count} {word}"
            found.append(Need(kind, _SEVERITY[kind], agent, task, count, at, text))
    return Needs(tuple(found), until)


def _asked(agent: str, signals: Sequence[Signal]) -> list[Need]:
    """The signals; those that say the same again and again are one, as old as the oldest."""
    found: dict[tuple[str, str], Need] = {}
    for signal in signals:
        what = _ASKS.get(signal.kind, f"signals {signal.kind}")
        text = f"{what}: {signal.message}" if signal.message else what
        same = found.get((signal.task, text))
        if same is None:
            found[signal.task, text] = Need(SIGNAL, _SEVERITY[SIGNAL], agent, signal.task, 1, signal.at, text)
        else:
            times = [at for at in (same.since, signal.at) if at is not None]
            found[signal.task, text] = same._replace(count=same.count + 1, since=min(times, default=None))
    return [
        need._replace(text=f"{need.text} ({need.count} times)") if need.count > 1 else need
        for need in found.values()
    ]


def _since(entry: Open, since: Mapping[str, float]) -> float | None:
    """When it became so: as it was seen, else as the file claims."""
    return since.get(entry.task_id, entry.since)


def _oldest(named: Sequence[Open], since: Mapping[str, float]) -> tuple[str, float | None]:
    known = [(at, entry.task_id) for entry in named if (at := _since(entry, since)) is not None]
    if known:
        at, task = min(known)
        return task, at
    return (named[0].task_id, None) if named else ("", None)


def order(need: Need) -> tuple[int, float]:
    """Where it stands among the others: by kind, the oldest first, those of unknown age before all."""
    return KINDS.index(need.kind), need.since or 0.0
