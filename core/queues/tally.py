"""Entries → counts. A task id counts once, however often the file repeats it.

A live entry (place `tasks`) wins over the history, the history over messages and single
records; among equals one that says a status, and of those the latest: by its times if they can be
told apart, else the one further down. Entries without an id cannot be told apart and count one each.

Times are claims of the agents. One later than the file or than now is doubtful: it is
counted, and never used beyond the file's own time.
"""

import time
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from core.queues.forms import Entry, Head, Sheet
from core.queues.knots import needed
from core.queues.model import EMPTY_QUEUE, MOST_OPEN, AgentQueue, Open, Task
from core.queues.notes import ODD, Notes
from core.queues.states import MOST_HOURS
from core.queues.statuses import KNOWN, agent_state, fold, shown
from core.queues.times import parse
from core.queues.tracked import NOTHING, Tracked, hours, id_text, tracked
from core.text import clean, clean_line

# A writer's clock may be ahead of the file system's by this much before its times are doubted.
TOLERANCE_S = 2.0
_MOST_TAGS = 50


class Counted(NamedTuple):
    """`queue` with everything but the file's own figures; `live` are the ids of unfinished tasks.

    `tracked` is what the ledger keeps.
    """

    queue: AgentQueue
    live: frozenset[str]
    tracked: Tracked = NOTHING


def chosen(groups: Iterable[Iterable[Any]], also: dict[str, int], doubled: list[str]) -> Iterator[Any]:
    """The entry that stands for each task. Groups come in the order of their rank.

    `also` counts the further entries of an id; `doubled` gets ids that the first group repeats.
    """
    ranks: list[dict[str, Any]] = []
    nameless: list[Any] = []
    for group in groups:
        best: dict[str, Any] = {}
        for item in group:
            task_id = item.task_id
            if type(task_id) is not str:
                task_id = id_text(task_id)
            if not task_id:
                nameless.append(item)
                continue
            for higher in ranks:
                if task_id in higher:
                    also[task_id] = also.get(task_id, 0) + 1
                    break
            else:
                old = best.setdefault(task_id, item)
                if old is item:
                    continue
                also[task_id] = also.get(task_id, 0) + 1
                if not ranks:
                    doubled.append(task_id)
                if not _later(old, item):
                    best[task_id] = item
        ranks.append(best)
    for best in ranks:
        yield from best.values()
    yield from nameless


def _distinct(items: list[Any]) -> bool:
    """Whether every entry has an id of its own, and a text: nearly always, and then nothing is to be chosen."""
    ids = {item.task_id for item in items if type(item.task_id) is str}
    return len(ids) == len(items) and "" not in ids


def _later(left: Any, right: Any) -> bool:
    """Whether `left` counts and not `right`: it is later, or the only one that says a status."""
    says, other = left.status not in (None, ""), right.status not in (None, "")
    if says != other:
        return says
    a, b = _stamp(left), _stamp(right)
    return a is not None and b is not None and a > b


def _stamp(item: Any) -> float | None:
    times = [
        m.at for m in map(parse, (item.timestamp, item.completed_at, item.started_at, item.created_at)) if m
    ]
    return max(times, default=None)


def count(sheet: Sheet, agent: str, latest: float, notes: Notes) -> Counted:
    """The sums of a file. `latest` is the time beyond which nothing in it can be true."""
    counts = {"pending": 0, "assigned": 0, "in_progress": 0, "ready_for_review": 0,
              "blocked": 0, "failed": 0, "completed": 0, "": 0}  # fmt: skip
    doubled: list[str] = []
    groups = [
        group if isinstance(group, list) else list(group)
        for group in (sheet.tasks, sheet.history, sheet.others)
    ]
    items: list[Any] = [*groups[0], *groups[1], *groups[2]]
    if not _distinct(items):
        items = list(chosen(groups, {}, doubled))
    live: list[str] = []
    running: list[Open] = []
    reviewing: list[Any] = []
    blocking: list[Any] = []
    known_hours, without_hours = 0.0, 0
    other_hours, others_known, others = 0.0, 0, 0
    oldest: float | None = None
    oldest_text, latest_text = "~", _written(latest)
    current: Any = None
    current_since: float | None = None
    doubtful = no_status = no_id = 0
    for item in items:
        raw, task_id = item.status, item.task_id
        status = KNOWN.get(raw) if type(raw) is str else ""
        if status is None:
            status = fold(raw)
        counts[status] += 1
        if type(task_id) is not str or not task_id:
            no_id += not id_text(task_id)
            task_id = ""
        if status == "completed" or status == "failed":
            continue
        if task_id:
            live.append(task_id)
        estimate = item.estimated_hours
        if (type(estimate) is not int or not 0 < estimate < MOST_HOURS) and estimate is not None:
            estimate = hours(estimate)
        if status == "pending" or status == "assigned":
            if estimate is None:
                without_hours += 1
            else:
                known_hours += estimate
            created = item.created_at
            if (
                type(created) is str
                and len(created) == 20
                and oldest_text <= created <= latest_text
                and created[4] == "-"
                and created[10] == "T"
                and created[19] == "Z"
            ):
                continue  # neither older than the oldest nor too late, as its letters show
            moment = parse(created)
            if moment is not None:
                at = moment.at
                if at > latest + TOLERANCE_S:
                    doubtful += 1
                if at > latest:
                    at = latest
                if oldest is None or at < oldest:
                    oldest, oldest_text = at, _written(at)
        elif status == "in_progress":
            started = parse(item.started_at)
            since = None if started is None else min(started.at, latest)
            if started is not None and started.at > latest + TOLERANCE_S:
                doubtful += 1
            if current is None or (since is not None and (current_since is None or since > current_since)):
                current, current_since = item, since
            if task_id:
                running.append(Open(id_text(task_id), since))
            others += 1
            if estimate is not None:
                others_known += 1
                other_hours += estimate * (1 - _share(item.progress))
        elif status == "ready_for_review":
            if task_id:
                reviewing.append(item)
        elif status == "blocked":
            if task_id:
                blocking.append(item)
            others += 1
            if estimate is not None:
                others_known += 1
                other_hours += estimate
        elif not status and (raw is None or raw == ""):
            no_status += 1
    _remark(notes, doubtful, no_status, no_id, doubled)
    waiting = counts["pending"] + counts["assigned"]
    pending_hours = known_hours if waiting > without_hours or not waiting else None
    load_known = others_known + waiting - without_hours
    load_hours = known_hours + other_hours if load_known or not waiting + others else None
    queue = with_head(EMPTY_QUEUE, sheet.head, agent, notes)._replace(
        agent=agent,
        form=sheet.form,
        pending=waiting,
        in_progress=counts["in_progress"],
        review=counts["ready_for_review"],
        blocked=counts["blocked"],
        failed=counts["failed"],
        completed=counts["completed"],
        other=counts[""],
        pending_hours=pending_hours,
        hours_unknown=without_hours,
        current_id=id_text(current.task_id) if current is not None else "",
        current_title=text(current.title, 200) if current is not None else "",
        current_since=current_since,
        oldest_waiting_at=oldest,
        messages=sheet.messages,
        running=_oldest(running),
        reviewing=_oldest(_reviewed(reviewing, latest)),
        blocking=tuple([Open(id_text(item.task_id), None) for item in blocking[:MOST_OPEN]]),
        load_hours=load_hours,
    )
    return Counted(queue, frozenset(live), tracked(items))


def _reviewed(items: list[Any], latest: float) -> list[Open]:
    """The reviews with their times; of many, only those whose times are written as the earliest."""
    if len(items) > MOST_OPEN:
        items = sorted(items, key=lambda item: item.completed_at if type(item.completed_at) is str else "~")
    return [Open(id_text(item.task_id), _not_after(item.completed_at, latest)) for item in items[:MOST_OPEN]]


def _oldest(found: list[Open]) -> tuple[Open, ...]:
    """The oldest few; those of unknown age last, in the order of the file."""
    if len(found) > 1:
        found.sort(key=lambda entry: (entry.since is None, entry.since or 0.0))
    return tuple(found[:MOST_OPEN])


def _not_after(value: Any, latest: float) -> float | None:
    moment = parse(value)
    return None if moment is None else min(moment.at, latest)


def _share(progress: Any) -> float:
    """Progress in per cent as a share; 0 for anything that is no percentage."""
    if (type(progress) is int or type(progress) is float) and 0 <= progress <= 100:
        return progress / 100.0
    return 0.0


def _written(at: float) -> str:
    """The last whole second not after `at`, as nearly all timestamps are written; "" if it cannot be."""
    try:
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at)) if 0 <= at < 2e11 else ""
    except (OverflowError, ValueError, OSError):
        return ""


def _remark(notes: Notes, doubtful: int, no_status: int, no_id: int, doubled: list[str]) -> None:
    if doubled:
        more = f" and {len(doubled) - 1} more" if len(doubled) > 1 else ""
        notes.add(ODD, "duplicate_id", f"{id_text(doubled[0])}{more} is in tasks twice; the latest counts")
    if no_id:
        notes.add(ODD, "no_id", f"{_tasks(no_id)} without an id, counted one by one")
    if no_status:
        notes.add(ODD, "no_status", f"{_tasks(no_status)} without a status, counted as other")
    if doubtful:
        notes.add(ODD, "doubtful_time", f"{_tasks(doubtful)} with a time later than the file itself")


def _tasks(number: int) -> str:
    return "1 task" if number == 1 else f"{number} tasks"


def with_head(queue: AgentQueue, head: Head, agent: str, notes: Notes) -> AgentQueue:
    """`queue` with what the file says of its agent."""
    tags: list[str] = []
    if isinstance(head.expertise, list):
        for tag in head.expertise:
            if isinstance(tag, str) and len(tags) < _MOST_TAGS:
                tags.append(clean_line(tag, 60))
    metadata = head.metadata if isinstance(head.metadata, dict) else {}
    name = head.agent_id
    if agent and name is not None and not (isinstance(name, str) and clean(name) == agent):
        detail = f"agent_id is {shown(name) or 'not a text'!r} but the folder is {agent!r}"
        notes.add(ODD, "id_mismatch", detail, path=(0, "agent_id"))
    return queue._replace(
        state=agent_state(head.status),
        status_text=text(head.status, 120),
        role=text(head.role, 120) or text(head.agent_name, 120),
        expertise=tuple(dict.fromkeys(tag for tag in tags if tag)),
        capacity_hours=hours(metadata.get("capacity_hours")),
    )


def text(value: Any, limit: int) -> str:
    """A text of the file, fit to be shown; "" for anything else."""
    return clean_line(value, limit) if isinstance(value, str) else ""


def task(item: Entry, agent: str, latest: float, also: int) -> Task:
    """One entry as a row of a list."""
    times: dict[str, float | None] = {}
    doubtful: list[str] = []
    for name, value in (
        ("created_at", item.created_at),
        ("started_at", item.started_at),
        # A message and an entry of the history have one time, that of what they report.
        ("completed_at", item.timestamp if item.completed_at is None else item.completed_at),
    ):
        moment = parse(value)
        times[name] = None if moment is None else moment.at
        if moment is not None and (moment.naive or moment.at > latest + TOLERANCE_S):
            doubtful.append(name)
    status = fold(item.status)
    if status not in ("completed", "failed", "ready_for_review") and item.completed_at is None:
        times["completed_at"] = None
        doubtful = [name for name in doubtful if name != "completed_at"]
    priority = item.priority
    return Task(
        task_id=id_text(item.task_id),
        agent=agent,
        title=text(item.title, 300),
        status=status or shown(item.status),
        raw_status=shown(item.status),
        priority=shown(priority).upper() if not isinstance(priority, bool) else "",
        estimated_hours=hours(item.estimated_hours),
        actual_hours=hours(item.actual_hours),
        created_at=times["created_at"],
        started_at=times["started_at"],
        completed_at=times["completed_at"],
        doubtful=tuple(doubtful),
        place=item.place,
        index=item.index,
        also=also,
        skills=_skills(item.skills),
        needs=needed(item.dependencies),
        progress=None if item.progress is None else 100.0 * _share(item.progress),
    )


def _skills(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list):
        return ()
    words = (clean_line(word, 60) for word in value[:_MOST_TAGS] if isinstance(word, str))
    return tuple(dict.fromkeys(word for word in words if word))
