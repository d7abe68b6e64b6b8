"""What the demo's agents do next. Pure: documents in, changed documents out; no files, no time.

The state of an agent is what its queue file says, as with the real ones: whoever moves a task by
hand (or with bluetop) changes what the agent does. Only *when* it acts next is kept beside it.
"""

from __future__ import annotations

import time

from core.demo.rng import Rng
from core.demo.stories import (
    BY_AGENT,
    CHARACTERS,
    DELIVERABLES,
    FAILURES,
    HOUR_WEIGHTS,
    HOURS,
    PAST,
    PRIORITIES,
    PRIORITY_WEIGHTS,
    Character,
)

# True for type checkers only: `typing` is 1.5 MB, and nothing here needs it at run time.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Record = dict[str, Any]
    Document = dict[str, Any]

# A queue file's history is cut to the newest half when it grows past this, as at a new sprint.
HISTORY_LIMIT = 16
# ARCH accepts the oldest piece of work that waits for review once this many wait.
REVIEWS_BEFORE_ACCEPTING = 3
REVIEW = "review"
ASSIGN = "assign "
_URGENCY = {"CRITICAL": 0, "HIGH": 1, "MEDIUM": 2, "LOW": 3}


class State:
    """The fleet: each agent's queue document, and the monotonic second at which each actor acts next.

    `due` is keyed by agent, by `ASSIGN` + agent (the orchestrator has work for it) and by `REVIEW`.
    """

    __slots__ = ("documents", "due", "number", "speed")

    def __init__(
        self, documents: dict[str, Document], due: dict[str, float], number: int, speed: float
    ) -> None:
        self.documents = documents
        self.due = due
        self.number = number
        self.speed = speed

    def next_due(self) -> float:
        """The monotonic second of the next event."""
        return min(self.due.values())


class Change:
    """One queue file to be saved, and why: assign, start, complete, fail, review, block, unblock, accept.

    `by_agent` is True where the agent itself saves (in place, as a text editor does) and False where
    the orchestrator does (a temporary file and a rename, as its scripts do).
    """

    __slots__ = ("action", "agent", "by_agent", "document", "task")

    def __init__(self, agent: str, action: str, task: Record, document: Document, by_agent: bool) -> None:
        self.agent = agent
        self.action = action
        self.task = task
        self.document = document
        self.by_agent = by_agent


def stamp(wall: float) -> str:
    """A time as the real agents write it."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(wall))


def is_standard(document: object) -> bool:
    """Whether an agent of ours can go on with this document: `tasks` and `history` are lists of objects."""
    return isinstance(document, dict) and all(
        isinstance(document.get(part), list) and all(isinstance(record, dict) for record in document[part])
        for part in ("tasks", "history")
    )


def first_documents(rng: Rng, wall: float) -> dict[str, Document]:
    """The queues in the middle of a day: one overloaded, one waiting for review, one idle, one blocked."""
    documents: dict[str, Document] = {}
    number = 201
    for character in CHARACTERS:
        documents[character.agent], number = _first_document(character, rng, wall, number)
    return documents


def resume(documents: dict[str, Document], rng: Rng, now: float, speed: float) -> State:
    """A fleet that goes on with what the queue files say, from `now` (monotonic seconds)."""
    due = {REVIEW: now + rng.between(15, 30) / speed}
    for character in CHARACTERS:
        if character.work_s:
            due[character.agent] = now + rng.between(2, 0.6 * character.work_s) / speed
            due[ASSIGN + character.agent] = now + rng.between(4, character.arrival_s) / speed
    number = 1 + max(
        (_number(record) for d in documents.values() for record in (*d["tasks"], *d["history"])), default=200
    )
    return State(documents, due, number, speed)


def step(state: State, rng: Rng, now: float, wall: float) -> tuple[State, list[Change]]:
    """Everything that is due at `now` (monotonic seconds); `wall` is what the records are stamped with."""
    documents, due, number = dict(state.documents), dict(state.due), state.number
    changes: list[Change] = []
    for actor in [key for key, at in due.items() if at <= now]:
        change: Change | None = None
        if actor == REVIEW:
            change = _accept_oldest_review(documents, wall)
            wait = rng.between(25, 50)
        elif actor.startswith(ASSIGN):
            character = BY_AGENT[actor.removeprefix(ASSIGN)]
            change = _assign(character, documents.get(character.agent), rng, wall, number)
            number += change is not None
            wait = character.arrival_s * rng.between(0.6, 1.4)
        else:
            change, wait = _turn(BY_AGENT[actor], documents.get(actor), rng, wall)
        due[actor] = now + wait / state.speed
        if change:
            documents[change.agent] = change.document
            changes.append(change)
    return State(documents, due, number, state.speed), changes


def _turn(
    character: Character, document: Document | None, rng: Rng, wall: float
) -> tuple[Change | None, float]:
    """What the agent does when its time has come, and how long until the next (seconds at speed 1)."""
    if document is None:
        return None, 10.0
    working = rng.between(0.6, 1.4) * character.work_s
    resting = rng.between(2.0, 5.0)
    if task := _first(document, "blocked"):
        freed = {k: v for k, v in task.items() if k != "blocked_by"} | {"status": "in_progress"}
        return _edited(character, document, "unblock", freed, wall), working
    if task := _first(document, "in_progress"):
        if rng.chance(character.blocking):
            blocked = {**task, "status": "blocked", "blocked_by": "waits for CB's part of the same sprint"}
            return _edited(character, document, "block", blocked, wall), rng.between(50.0, 100.0)
        if rng.chance(character.failing):
            return _closed(character, document, "fail", task, rng, wall), resting
        if rng.chance(character.reviewed):
            handed = {**task, "status": "ready_for_review", "completed_at": stamp(wall)}
            return _edited(character, document, "review", handed, wall), resting
        return _closed(character, document, "complete", task, rng, wall), resting
    waiting = [t for t in document["tasks"] if t.get("status") in ("pending", "assigned")]
    if not waiting:
        return None, 12.0
    task = min(
        waiting, key=lambda t: (_URGENCY.get(str(t.get("priority")).upper(), 9), t.get("created_at", ""))
    )
    started = {**task, "status": "in_progress", "started_at": stamp(wall)}
    return _edited(character, document, "start", started, wall), working


def _accept_oldest_review(documents: dict[str, Document], wall: float) -> Change | None:
    waiting = [
        (str(task.get("completed_at", "")), agent)
        for agent, document in documents.items()
        for task in document["tasks"]
        if task.get("status") == "ready_for_review"
    ]
    if len(waiting) < REVIEWS_BEFORE_ACCEPTING:
        return None
    agent = min(waiting)[1]
    document = documents[agent]
    task = min(
        (t for t in document["tasks"] if t.get("status") == "ready_for_review"),
        key=lambda t: str(t.get("completed_at", "")),
    )
    entry = {**_entry(task, "completed", wall), "reviewed_by": "ARCH"}
    return Change(agent, "accept", task, _moved_to_history(document, task, entry, wall), by_agent=False)


def _assign(
    character: Character, document: Document | None, rng: Rng, wall: float, number: int
) -> Change | None:
    if document is None:
        return None
    waiting = sum(t.get("status") in ("pending", "assigned") for t in document["tasks"])
    if waiting >= character.most:
        return None
    task = _new_task(character, rng, wall, number)
    tasks = [*document["tasks"], task]
    return Change(character.agent, "assign", task, _saved({**document, "tasks": tasks}, wall), by_agent=False)


def _edited(character: Character, document: Document, action: str, task: Record, wall: float) -> Change:
    tasks = [task if t.get("task_id") == task.get("task_id") else t for t in document["tasks"]]
    return Change(character.agent, action, task, _saved({**document, "tasks": tasks}, wall), by_agent=True)


def _closed(
    character: Character, document: Document, action: str, task: Record, rng: Rng, wall: float
) -> Change:
    entry = _entry(task, "completed" if action == "complete" else "failed", wall)
    entry["metrics"] = {"actual_hours": _actual_hours(task, rng)}
    if action == "fail":
        entry["summary"] = rng.pick(FAILURES)
        entry["deliverables_completed"] = entry["deliverables_completed"][:1]
    document = _moved_to_history(document, task, entry, wall)
    return Change(character.agent, action, task, document, by_agent=True)


def _moved_to_history(document: Document, task: Record, entry: Record, wall: float) -> Document:
    tasks = [t for t in document["tasks"] if t is not task]
    history = [*document["history"], entry]
    if len(history) > HISTORY_LIMIT:
        history = history[-HISTORY_LIMIT // 2 :]
    done = sum(e.get("status") == "completed" for e in history)
    metadata = {**document.get("metadata", {}), "total_tasks_completed": done}
    return _saved({**document, "tasks": tasks, "history": history, "metadata": metadata}, wall)


def _saved(document: Document, wall: float) -> Document:
    return {**document, "metadata": {**document.get("metadata", {}), "last_updated": stamp(wall)}}


def _entry(task: Record, status: str, wall: float) -> Record:
    title = task.get("title", "")
    return {
        "task_id": task.get("task_id"),
        "title": title,
        "timestamp": stamp(wall),
        "status": status,
        "summary": f"Done: {title}",
        "started_at": task.get("started_at"),
        "deliverables_completed": list(task.get("deliverables", [])),
        "metrics": {"actual_hours": task.get("actual_hours", task.get("estimated_hours"))},
    }


def _first(document: Document, status: str) -> Record | None:
    return next((t for t in document["tasks"] if t.get("status") == status), None)


def _number(record: Record) -> int:
    digits = str(record.get("task_id", "")).removeprefix("TASK-")
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 10 else 200


def _actual_hours(task: Record, rng: Rng) -> float:
    """What the agent reports, somewhat off its estimate; its working day runs faster than ours."""
    estimate = task.get("estimated_hours")
    hours = estimate if isinstance(estimate, int | float) and 0 < estimate < 1000 else 1.0
    return round(hours * rng.between(0.6, 1.5), 1)


def _new_task(character: Character, rng: Rng, wall: float, number: int) -> Record:
    title = rng.pick(character.titles).replace("{n}", str(4 + number % 7))
    first = rng.bits() % len(DELIVERABLES)
    task: Record = {
        "task_id": f"TASK-{number}",
        "title": title,
        "priority": PRIORITIES[rng.index(PRIORITY_WEIGHTS)],
        "status": "pending",
        "created_at": stamp(wall),
        "estimated_hours": HOURS[rng.index(HOUR_WEIGHTS)],
        "description": f"{title}. Keep the change small, note what was tried, leave the workspace runnable.",
        "context": {"goal": "An operator can rely on it", "phase": f"DEMO_SPRINT_{number // 20 - 6}"},
        "deliverables": [DELIVERABLES[(first + i) % len(DELIVERABLES)] for i in range(1 + number % 3)],
        "dependencies": [f"TASK-{number - 3}"] if number % 5 == 0 else [],
        "signals_when_done": f"{title}: ready for the next agent",
    }
    return task


def _first_document(character: Character, rng: Rng, wall: float, number: int) -> tuple[Document, int]:
    """An agent's queue as the demo finds it, and the next free task number."""
    document: Document = {
        "agent_id": character.agent,
        "agent_name": character.name,
        "agent_type": "ai",
        "version": "1.0.0",
        "expertise": list(character.expertise),
        "tasks": [],
        "history": [],
    }
    if not character.work_s:
        return {**document, "status": "DECOMMISSIONED - No longer active"}, number
    past = PAST[character.agent]
    for position, outcome in enumerate(past):
        at = wall - (len(past) - position) * rng.between(1500, 2100)
        started = at - rng.between(900, 1400)
        task = _new_task(character, rng, started - 60, number) | {"started_at": stamp(started)}
        document = _closed(
            character, document, "complete" if outcome == "." else "fail", task, rng, at
        ).document
        number += 1
    opening = _opening(character)
    for position, status in enumerate(opening):
        age = rng.between(40, 90) if status in ("in_progress", "blocked") else rng.between(300, 900)
        created = wall - age - 420 * (len(opening) - position)
        task = _new_task(character, rng, created, number)
        number += 1
        if status != "pending":
            task |= {"status": status, "started_at": stamp(wall - age)}
        if status == "ready_for_review":
            task["completed_at"] = stamp(wall - age / 3)
        if status == "blocked":
            task["blocked_by"] = "waits for CB's part of the same sprint"
        document["tasks"].append(task)
    return _saved(document, wall), number


def _opening(character: Character) -> list[str]:
    """The statuses of the tasks that are open when the demo starts."""
    now = {"CC": ["blocked"], "CA": ["ready_for_review"] * 3 + ["in_progress"], "BLUE": []}
    return now.get(character.agent, ["in_progress"]) + ["pending"] * character.backlog
