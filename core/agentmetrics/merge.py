"""A metrics file brought up to date with what a queue file says now. Pure: documents in, document out.

What the queue file says wins; what it does not say any more stays known: an estimate outlives the
move of a task into the history, and a task outlives its record. Nothing is ever removed. A time
recorded by hand wins over the agent's own, and an end recorded by hand stands until the queue file
says that the task is finished, or that it was started again later.

Merging the same again changes nothing.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, NamedTuple

from core.agentmetrics.measures import Measures, Sums, elapsed_hours, measures_data
from core.agentmetrics.model import (
    ENTRY,
    FINISHED,
    TIMES,
    Data,
    Seen,
    count_of,
    number,
    task_key,
    time_of,
)
from core.errors import BluetopError
from core.queues.statuses import fold
from core.queues.tracked import hours

VERSION = 1
_WAITING = ("pending", "assigned")
_NOT_ENDED = ("pending", "assigned", "in_progress", "blocked")


class NoMetricsFile(BluetopError):
    """A metrics file holds JSON, but not what a metrics file holds."""


class Merged(NamedTuple):
    """`document` is new where `changed`, else equal to what it was. Ids are given for `added`, `updated`
    and `moved` (a task that another agent has now, noticed just now). `counted` are the tasks that
    count for this agent: id, entry, and what `bluetop.tasks` says of it."""

    document: Data
    changed: bool
    added: tuple[str, ...]
    updated: tuple[str, ...]
    moved: tuple[str, ...]
    counted: tuple[tuple[str, Data, Data], ...]
    sums: Sums


def checked(document: Any) -> Data:
    """`document` if it is a metrics file, as far as it has to be one.

    Raises:
        NoMetricsFile: writing it anew would lose something.
    """
    if not isinstance(document, dict):
        raise NoMetricsFile("it holds no JSON object")
    for key, kind, name in (
        ("metrics", list, "list"),
        ("summary", dict, "object"),
        ("bluetop", dict, "object"),
    ):
        if not isinstance(document.get(key, kind()), kind):
            raise NoMetricsFile(f"{key} in it is no {name}")
    if not isinstance(document.get("bluetop", {}).get("tasks", {}), dict):
        raise NoMetricsFile("bluetop.tasks in it is no object")
    return document


def ids_of(document: Data | None) -> list[str]:
    """The ids of its entries."""
    return [key for entry in _entries(document) if (key := _key(entry))]


def facts_of(document: Data | None, task_id: str) -> Data:
    """What `bluetop.tasks` says of a task."""
    section = (document or {}).get("bluetop")
    tasks = section.get("tasks") if isinstance(section, dict) else None
    facts = tasks.get(task_id) if isinstance(tasks, dict) else None
    return facts if isinstance(facts, dict) else {}


def entries_of(document: Data | None) -> dict[str, Data]:
    """Its entries by task id; of several with one id, the first."""
    found: dict[str, Data] = {}
    for entry in _entries(document):
        if key := _key(entry):
            found.setdefault(key, entry)
    return found


def latest_of(entry: Data) -> float | None:
    """The latest time that an entry names, seconds since 1970."""
    found = [at for at in (time_of(entry.get(name)) for name in TIMES) if at is not None]
    return max(found, default=None)


def merge(
    document: Data | None,
    agent: str,
    rows: Iterable[Seen],
    owner: Callable[[str], str] | None = None,
    whole: bool = True,
    tracked: Data | None = None,
    only: Collection[str] | None = None,
    bequeathed: Mapping[str, Data] | None = None,
) -> Merged:
    """`document` (None: there is none yet) with what `rows` say of the tasks of `agent`.

    `owner` names the agent that a task counts for ("": this one); without it marks stay as they are.
    `whole`: `rows` are all tasks that the queue file has, so what it lacks is gone. `tracked` maps task
    ids to facts recorded by hand just now. With `only`, no other task is touched. `bequeathed` is what
    other agents that have or had a task know of it (`legacy`): it fills what is not known here.

    Raises:
        NoMetricsFile: `document` is no metrics file.
    """
    old = {} if document is None else checked(document)
    seen = {row.task_id: row for row in rows if only is None or row.task_id in only}
    section = dict(old.get("bluetop") or {})
    notes: Data = dict(section.get("tasks") or {})
    entries: list[Any] = []
    added: list[str] = []
    updated: list[str] = []
    moved: list[str] = []
    counted: list[tuple[str, Data, Data]] = []
    sums = Sums()
    known: set[str] = set()

    def put(key: str, entry: Data | None) -> Data:
        facts = notes.get(key)
        facts = facts if isinstance(facts, dict) else {}
        row = seen.get(key)
        touched = only is None or key in only
        fresh, told = (entry or {}), dict(facts)
        by_hand = (tracked or {}).get(key)
        if by_hand is not None:
            told["tracked"] = _recorded(told.get("tracked"), by_hand)
        if row is not None or by_hand is not None:
            fresh, told = _updated(fresh, told, row or _unseen(key, fresh), agent)
            left = bequeathed.get(key) if bequeathed else None
            if left:
                _inherit(fresh, told, left)
        if touched:
            _mark(told, key, row is not None, whole, owner)
        if entry is None:
            added.append(key)
        elif fresh != entry or told != facts:
            updated.append(key)
        if told.get("moved_to") != facts.get("moved_to") and "moved_to" in told:
            moved.append(key)
        if told:
            notes[key] = told
        elif isinstance(notes.get(key), dict):
            del notes[key]
        if "moved_to" not in told and "counted_for" not in told:
            counted.append((key, fresh, told))
            sums.add(fresh, told)
        return fresh

    for entry in old.get("metrics") or ():
        key = _key(entry)
        if not key or key in known:
            entries.append(entry)  # nobody's, or a second one of the same task: kept, and not counted
            continue
        known.add(key)
        entries.append(put(key, entry))
    for key in {**seen, **dict.fromkeys(tracked or ())}:
        if key not in known:
            known.add(key)
            entries.append(put(key, None))
    new = dict(old)
    new.setdefault("agent_id", agent)
    new.setdefault("last_updated", None)
    new["summary"] = {**(old.get("summary") or {}), **summary(sums.measures(), len(known) - len(counted))}
    new["metrics"] = entries
    section.setdefault("version", VERSION)
    section["tasks"] = notes
    new["bluetop"] = section
    return Merged(new, new != old, tuple(added), tuple(updated), tuple(moved), tuple(counted), sums)


def summary(measures: Measures, moved_tasks: int) -> Data:
    """The `summary` of a metrics file, or one agent of a saved report.

    The first six keys are the old ones: a percentage that is not known is 0 there, and the efficiency
    is a score that ends at 100. The others have null for unknown.
    """
    took = measures.task_time
    return {
        "total_tasks": measures.total_tasks,
        "completed_tasks": measures.counts["completed"],
        "failed_tasks": measures.counts["failed"],
        "success_rate": round(measures.success_percent or 0, 2),
        "avg_execution_time_hours": round(took.mean_hours or 0, 2),
        "avg_efficiency_score": round(min(measures.efficiency_percent or 0, 100), 2),
        **measures_data(measures),
        "moved_tasks": moved_tasks,
    }


def _entries(document: Data | None) -> list[Data]:
    found = (document or {}).get("metrics")
    return [entry for entry in found if isinstance(entry, dict)] if isinstance(found, list) else []


def _key(entry: Any) -> str:
    return task_key(entry.get("task_id")) if isinstance(entry, dict) else ""


def _mark(told: Data, key: str, here: bool, whole: bool, owner: Callable[[str], str] | None) -> None:
    """Say in `told` whose the task is, and whether any queue file has it."""
    if owner is not None:
        other = owner(key)
        told.pop("moved_to", None)
        told.pop("counted_for", None)
        if other:
            told["counted_for" if here else "moved_to"] = other
            told.pop("gone", None)
    if here:
        told.pop("gone", None)
    elif whole and "moved_to" not in told and owner is not None:
        told["gone"] = True


def _recorded(before: Any, now: Data) -> Data:
    """Facts recorded by hand, with newer ones; None takes one back."""
    found = {**(before if isinstance(before, dict) else {}), **now}
    return {name: value for name, value in found.items() if value is not None}


def _unseen(key: str, entry: Data) -> Seen:
    """What stands for the queue file's word where it has none: the status that is known."""
    status = entry.get("status")
    return Seen(key, status if isinstance(status, str) else "pending")


# -- one task ---------------------------------------------------------------------------------------


def _updated(old: Data, facts: Data, seen: Seen, agent: str) -> tuple[Data, Data]:
    """The entry of one task and its facts, with what was seen now."""
    facts = dict(facts)
    tracked = facts.get("tracked")
    tracked = tracked if isinstance(tracked, dict) else {}
    by_hand = actual_by_hand = None
    if tracked:
        if _started_again(tracked, seen):
            tracked = {name: value for name, value in tracked.items() if name == "estimated_hours"}
        by_hand, actual_by_hand = hours(tracked.get("estimated_hours")), hours(tracked.get("actual_hours"))
    status = _status(old, tracked, seen)
    times, approximate, doubtful = _times(old, facts, tracked, seen, status)
    estimated = by_hand or seen.estimated_hours or hours(old.get("estimated_hours"))
    actual = actual_by_hand or seen.actual_hours
    if actual is None and tracked:
        actual = elapsed_hours(tracked.get("started_at"), tracked.get("completed_at"))
    actual = actual or hours(old.get("actual_hours"))
    delivered = _first(count_of(tracked.get("delivered")), seen.delivered, count_of(facts.get("delivered")))
    promised = seen.promised or count_of(old.get("deliverables_total")) or 0
    done = delivered
    if done is None:
        done = seen.files or count_of(old.get("deliverables_completed")) or 0
    entry = dict(old)
    created, started, completed = times
    values = (
        old.get("task_id", seen.task_id), old.get("agent_id", agent), status, created or "", started, completed,
        number(round(estimated or 0, 4)), None if actual is None else number(round(actual, 4)), done, promised,
    )  # fmt: skip
    entry.update(zip(ENTRY, values, strict=True))
    for name, value in (
        ("delivered", delivered),
        ("approximate", approximate),
        ("doubtful", doubtful),
        ("tracked", tracked),
    ):
        if value is None or value == [] or value == {}:
            facts.pop(name, None)
        else:
            facts[name] = value
    return entry, facts


def legacy(entry: Data | None, facts: Data, row: Seen | None) -> Data:
    """What an agent knows of a task that stays true when another has it: estimate, promise, creation."""
    old = entry or {}
    approximate = facts.get("approximate")
    vague = isinstance(approximate, list) and "created_at" in approximate
    created = old.get("created_at")
    vague = vague or created == old.get("started_at") == old.get("completed_at")
    return {
        "estimated_hours": (row.estimated_hours if row else None) or hours(old.get("estimated_hours")),
        "deliverables_total": (row.promised if row else None)
        or count_of(old.get("deliverables_total"))
        or None,
        "created_at": (row.created_at if row else None) or (None if vague else _text(old, "created_at")),
    }


def _inherit(entry: Data, facts: Data, left: Data) -> None:
    """Fill what an entry lacks."""
    if not entry["estimated_hours"] and left.get("estimated_hours"):
        entry["estimated_hours"] = number(round(left["estimated_hours"], 4))
    if not entry["deliverables_total"] and left.get("deliverables_total"):
        entry["deliverables_total"] = left["deliverables_total"]
    approximate = facts.get("approximate") or []
    if left.get("created_at") and (not entry["created_at"] or "created_at" in approximate):
        entry["created_at"] = left["created_at"]
        facts["approximate"] = [name for name in approximate if name != "created_at"]
        if not facts["approximate"]:
            del facts["approximate"]


def _first(*values: Any) -> Any:
    return next((value for value in values if value is not None), None)


def _started_again(tracked: Data, seen: Seen) -> bool:
    """Whether the queue file says that the task was started after the end that was recorded by hand."""
    ended, began = time_of(tracked.get("completed_at")), time_of(seen.started_at)
    return seen.live and ended is not None and began is not None and began > ended


def _status(old: Data, tracked: Data, seen: Seen) -> str:
    before = old.get("status")
    status = seen.status or (before if isinstance(before, str) else "")
    ended = fold(tracked.get("status"))
    if fold(status) in FINISHED:
        return status
    if ended in FINISHED:
        return ended
    return "in_progress" if tracked.get("started_at") and fold(status) in _WAITING else status


def _times(
    old: Data, facts: Data, tracked: Data, seen: Seen, status: str
) -> tuple[tuple[str | None, str | None, str | None], list[str], list[str]]:
    """The three times of a task, and the names of those that are approximate and those that are doubtful."""
    old_created, old_started, old_completed = [_text(old, name) for name in TIMES]
    vague = facts.get("approximate")
    vague = vague if isinstance(vague, list) else []
    if not vague and old_created and old_created == old_started == old_completed:
        vague = ["created_at", "completed_at"]  # a history entry, as it used to be taken in
    created = seen.created_at or (None if "created_at" in vague else old_created)
    approximate = [] if created else ["created_at"]
    created = created or old_created or seen.stamp
    by_hand = _text(tracked, "started_at")
    started = by_hand or seen.started_at or old_started
    ended = _text(tracked, "completed_at")
    if ended:
        completed: str | None = ended
    elif fold(status) in _NOT_ENDED:
        completed = None
    elif seen.completed_at and not (seen.stamped and old_completed and "completed_at" not in vague):
        completed = seen.completed_at
        approximate += ["completed_at"] if seen.stamped else []
    else:
        completed = old_completed
        approximate += ["completed_at"] if completed and "completed_at" in vague else []
    approximate = approximate if created else [name for name in approximate if name != "created_at"]
    doubted = facts.get("doubtful")
    doubted = doubted if isinstance(doubted, list) else []
    doubtful = []
    if seen.doubtful or doubted:
        for name, value, was, claimed, recorded in (
            ("created_at", created, old_created, seen.created_at, None),
            ("started_at", started, old_started, seen.started_at, by_hand),
            ("completed_at", completed, old_completed, seen.completed_at, ended),
        ):
            if value is None or recorded:
                continue
            if (name in seen.doubtful and value == claimed) or (name in doubted and value == was):
                doubtful.append(name)
    return (created, started, completed), approximate, doubtful


def _text(record: Data, name: str) -> str | None:
    value = record.get(name)
    return value if isinstance(value, str) and value else None
