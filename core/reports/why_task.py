"""Why a task is where it is: in which files, since when, what it waits for, whether that will come.

Sentences for people beside plain data; see `why_agent`. Not for reading anything: what was found is
handed in as `Facts`.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from core.measures.liveness import GONE, SILENT, evidence
from core.measures.needs import Need
from core.queues.model import Knot, Lost, Task, Transition
from core.queues.states import FINISHED
from core.reports.measures import need_data, watched_for_s
from core.reports.plain import Data, rounded, time_text
from core.reports.tasks import FOUND, SEEN, Listed, beginnings, task_data, timed_out
from core.reports.why_agent import Reason, ago
from core.snapshot import AgentView, Snapshot
from core.units import duration_text

DONE, OPEN, NEVER, UNHEARD = "done", "open", "never", "unknown"
VANISHED = "vanished"


class Facts(NamedTuple):
    """What was found of the task `name`.

    `listed` are its records, one of each file that has it; `known` maps agent → status also where a file
    that was read well before cannot be read whole now. `told` are its transitions, oldest first.
    `standing` maps what it waits for → (agent, status), as far as anybody knows; `knots` are all knots of the
    workspace, `lost` says that it is lost. `views` are the agents that have, had or hold it up, by name.
    """

    name: str
    listed: tuple[Listed, ...] = ()
    known: Mapping[str, str] = {}
    told: tuple[Transition, ...] = ()
    standing: Mapping[str, tuple[str, str]] = {}
    knots: Sequence[Knot] = ()
    lost: Lost | None = None
    views: Mapping[str, AgentView] = {}


class Wait(NamedTuple):
    """One task that it waits for. `outcome` is DONE, OPEN (it may end), NEVER or UNHEARD."""

    task: str
    agent: str
    status: str
    outcome: str
    text: str


def foremost(facts: Facts) -> Listed | None:
    """Of several records the one that is unfinished, else the first."""
    return min(facts.listed, key=lambda entry: entry.task.status in FINISHED, default=None)


def state_of(facts: Facts) -> str:
    """What it is: its status, or VANISHED where no file has it any more."""
    entry = foremost(facts)
    status = entry.task.status if entry is not None else next(iter(facts.known.values()), VANISHED)
    return status or "without a status"


def waits(facts: Facts) -> tuple[Wait, ...]:
    """What an unfinished task waits for, and what becomes of that."""
    found: dict[str, Wait] = {}
    for task in (entry.task for entry in facts.listed if entry.task.status not in FINISHED):
        for name in task.needs:
            found.setdefault(name, _wait(name, facts))
    return tuple(found.values())


def _wait(name: str, facts: Facts) -> Wait:
    agent, status = facts.standing.get(name, ("", ""))
    if not agent:
        return Wait(name, "", "", UNHEARD, "in no file: nobody knows it")
    if status == "completed":
        return Wait(name, agent, status, DONE, f"completed by {agent}")
    if status == "failed":
        return Wait(name, agent, status, NEVER, f"failed at {agent}: it will not come")
    if status == VANISHED:
        return Wait(
            name, agent, status, NEVER, f"in no file any more, last in that of {agent}: it will not come"
        )
    view = facts.views.get(agent)
    if view is not None and view.state == "retired":
        return Wait(name, agent, status, NEVER, f"{status} at {agent}, which is retired: it will not come")
    knot = next((knot for knot in facts.knots if _held(name, knot)), None)
    if knot is not None:
        return Wait(name, agent, status, NEVER, f"{status} at {agent}, and stuck itself: {knot.text}")
    alive = f", which is {view.liveness}" if view is not None and view.liveness else ""
    return Wait(name, agent, status, OPEN, f"{status} at {agent}{alive}")


def _held(task: str, knot: Knot) -> bool:
    """Whether `task` is one of those that a knot holds up: all of its chain but a dead end."""
    return task in (knot.chain if knot.kind == "cycle" else knot.chain[:-1])


def needs_about(facts: Facts) -> list[Need]:
    """What of its agents needs a person because of this task."""
    return [need for view in facts.views.values() for need in view.needs if need.task == facts.name]


def task_reasons(facts: Facts, snapshot: Snapshot, timeout_s: float) -> tuple[Reason, ...]:
    """All that can be said of the task."""
    wall = snapshot.wall
    return tuple(Reason(about, text) for about, text in _reasons(facts, snapshot, wall, timeout_s))


def _reasons(facts: Facts, snapshot: Snapshot, wall: float, timeout_s: float) -> Iterator[tuple[str, str]]:
    if not facts.listed:
        yield "state", _unlisted(facts, snapshot, wall)
    for entry in facts.listed:
        yield "where", _where(entry, facts)
        yield "how long", how_long(entry, wall)
        stuck = _stuck(entry, facts, wall, timeout_s)
        if stuck:
            yield "stuck", stuck
        if entry.task.doubtful:
            names = ", ".join(entry.task.doubtful)
            yield "doubtful", f"{names}: without a time zone, or later than the file itself"
    if len(facts.listed) > 1:
        names = " and ".join(entry.task.agent for entry in facts.listed)
        twice = sum(entry.task.status not in FINISHED for entry in facts.listed) > 1
        why = (
            "two agents may work on it" if twice else "where it is finished, it may have been moved or copied"
        )
        yield "twice", f"it is in the files of {names}: {why}"
    for wait in waits(facts):
        yield "waits for", f"{wait.task}: {wait.text}"
    for knot in facts.knots:
        if _held(facts.name, knot):
            yield "will not end", knot.text
    if not facts.told:
        watched_s = watched_for_s(snapshot.record, wall)
        text = f"in {duration_text(watched_s)} of watching" if watched_s else "; nobody has watched yet"
        yield "its life", f"nothing of it was seen to change{' ' if watched_s else ''}{text}"


def _where(entry: Listed, facts: Facts) -> str:
    task = entry.task
    view = facts.views.get(task.agent)
    path = view.queue.path if view is not None else ""
    written = f" (written as {task.raw_status})" if task.raw_status and task.raw_status != task.status else ""
    more = f", and {task.also} more of this id" if task.also else ""
    place = f"{path or 'its file'}, {task.place}[{task.index}]"
    return f"{task.agent}: {task.status or 'no status'}{written} in {place}{more}"


def how_long(entry: Listed, wall: float) -> str:
    """Since when it is what it is, and how that is known."""
    at, source, doubtful = entry.since
    status = entry.task.status or "so"
    if at is None:
        return f"{status} since nobody knows when: it was not seen, and its file does not say"
    age = duration_text(max(0.0, wall - at))
    if source == SEEN:
        return f"{status} for {age}: seen to become so at {time_text(at)}"
    if source == FOUND:
        return f"{status} for {age} or more: found so after nobody had looked; its file was written at {time_text(at)}"
    if doubtful:
        return f"{status} for {age} as its file claims ({time_text(at)}), which cannot be true"
    return f"{status} for {age} as its file claims ({time_text(at)}); it was not seen"


def _stuck(entry: Listed, facts: Facts, wall: float, timeout_s: float) -> str:
    status, said = entry.task.status, []
    if timed_out(entry, wall, timeout_s):
        said.append(f"in progress for more than {duration_text(timeout_s)} (tuning.task_timeout_hours)")
    view = facts.views.get(entry.task.agent)
    if view is not None and view.state in ("retired", "paused") and status not in FINISHED:
        said.append(f"its agent {entry.task.agent} is {view.state}: {view.why}")
    if view is not None and view.liveness in (SILENT, GONE) and status == "in_progress":
        facts_ = ", ".join(evidence(view.queue, view.liveness, view.why, view.signs, wall))
        said.append(f"its agent {entry.task.agent} is {view.liveness}: {facts_}")
    return "; ".join(said)


def _unlisted(facts: Facts, snapshot: Snapshot, wall: float) -> str:
    """Where no file that can be read has it."""
    if facts.known or not facts.told:
        said = " and ".join(
            f"{status or 'without a status'} at {agent}" for agent, status in facts.known.items()
        )
        return f"{said or 'unknown'}, as its file was last read well; now that cannot be read whole"
    if facts.lost is not None:
        lost = facts.lost
        return (
            f"lost: in no file any more since {ago(lost.seen_at, wall)}; it was {lost.status or 'without a status'} "
            f"in that of {lost.agent}"
        )
    last = facts.told[-1]
    if last.after is not None:
        return (
            f"in no file any more; last seen as {last.after or 'without a status'} in that of {last.agent}, "
            f"at {ago(last.seen_at, wall)}; nobody saw it go"
        )
    was = (
        f"in no file any more since {ago(last.seen_at, wall)}; it was {last.before or 'without a status'} "
        f"in that of {last.agent}"
    )
    if last.before in FINISHED:
        return f"{was}, so nothing is lost"
    return f"{was}, and went while nobody looked" if _missed(last, beginnings(snapshot.record)) else was


def _missed(change: Transition, begins: frozenset[float]) -> bool:
    return round(change.seen_at, 2) in begins


# -- as JSON ----------------------------------------------------------------------------------------


def task_why_data(facts: Facts, snapshot: Snapshot, timeout_s: float) -> Data:
    """The task as JSON has it."""
    entry = foremost(facts)
    found, state = waits(facts), state_of(facts)
    return {
        "id": facts.name,
        "status": None if state == VANISHED else state,
        "title": _title(facts),
        "vanished": state == VANISHED,
        "since_at": None if entry is None else time_text(entry.since.at),
        "since_source": None if entry is None else entry.since.source or None,
        "timed_out": False if entry is None else timed_out(entry, snapshot.wall, timeout_s),
        "reasons": [reason._asdict() for reason in task_reasons(facts, snapshot, timeout_s)],
        "needs": [need_data(need) for need in needs_about(facts)],
        "records": [task_data(listed, snapshot.wall, timeout_s) for listed in facts.listed],
        "waits_for": [
            {"task": w.task, "agent": w.agent or None, "status": w.status or None, "outcome": w.outcome, "text": w.text}
            for w in found
        ],
        "will_not_end": any(_held(facts.name, knot) for knot in facts.knots)
        or any(wait.outcome == NEVER for wait in found),
        "life": life_data(facts.told, snapshot),
    }  # fmt: skip


def _title(facts: Facts) -> str | None:
    titles: Iterator[Task] = (entry.task for entry in facts.listed if entry.task.title)
    return next((task.title for task in titles), None)


def life_data(told: Sequence[Transition], snapshot: Snapshot) -> list[Data]:
    """Transitions, oldest first, each with how long it had been what it was before."""
    begins = beginnings(snapshot.record)
    found: list[Data] = []
    before: dict[tuple[str, str], Transition] = {}
    for change in told:
        earlier = before.get((change.agent, change.task))
        before[change.agent, change.task] = change
        after_s = None
        if earlier is not None and earlier.after == change.before:
            after_s = rounded(max(0.0, change.seen_at - earlier.seen_at), 1)
        found.append(
            {
                "seen_at": time_text(change.seen_at),
                "agent": change.agent,
                "task": change.task,
                "from": change.before,
                "to": change.after,
                "file_mtime_at": time_text(change.file_mtime),
                "after_s": after_s,
                "watched": not _missed(change, begins),
            }
        )
    return found
