"""Every form of queue file → records of tasks, and what the file says of its agent.

A form is told by its keys. `walk` finds the records and says where each stands; `sheet`
makes entries of them, which `tally` counts. Reads only values that are there: nothing about
a task is made up, except that a message of type `task_completion` says that one is completed.
"""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from core.queues.notes import ERROR, ODD, Notes, Path
from core.queues.statuses import MESSAGE_TYPES
from core.text import clean_line

TASKS, HISTORY, MESSAGES, RECORDS = "tasks", "history", "messages", "records"

_CARD = ("active_tasks", "completed_tasks", "current_status", "task_completion")
_AGENT = ("agent_id", "agent_name", "expertise", "history", "agent_type")
_MESSAGE = ("sender", "recipient", "from", "to", "message_type", "message_id", "content")
_SHOWN_KEYS = 4


class Entry(NamedTuple):
    """One record, its values as they stand in the file: of any type, or None."""

    task_id: Any
    title: Any
    status: Any
    priority: Any
    estimated_hours: Any
    actual_hours: Any
    created_at: Any
    started_at: Any
    completed_at: Any
    timestamp: Any
    place: str
    index: int  # type: ignore[assignment]  # a tuple has a method of this name
    progress: Any = None
    dependencies: Any = None
    skills: Any = None
    deliverables: Any = None
    deliverables_completed: Any = None


class Head(NamedTuple):
    """What the file says of its agent, values of any type."""

    agent_id: Any = None
    agent_name: Any = None
    role: Any = None
    status: Any = None
    expertise: Any = None
    metadata: Any = None


class Sheet(NamedTuple):
    """A queue file, told apart. `messages` counts all of them, also those about no task."""

    form: str
    head: Head
    tasks: Iterable[Any]
    history: Iterable[Any]
    others: Iterable[Any]
    messages: int


class Found(NamedTuple):
    """A record where it stands. `name` is its id where it has none of its own; `status` likewise."""

    place: str
    record: dict[str, Any]
    path: Path
    name: str = ""
    status: str = ""


def sheet(documents: list[Any], notes: Notes) -> Sheet:
    """The whole file told apart."""
    groups: dict[str, list[Entry]] = {TASKS: [], HISTORY: [], MESSAGES: [], RECORDS: []}
    counts = dict.fromkeys(groups, 0)
    for found in walk(documents, notes):
        index = counts[found.place]
        counts[found.place] = index + 1
        made = entry(found, index)
        if made is not None:
            groups[found.place].append(made)
    others = groups[MESSAGES] + groups[RECORDS]
    return Sheet(
        form_of(documents), head_of(documents), groups[TASKS], groups[HISTORY], others, counts[MESSAGES]
    )


def form_of(documents: list[Any]) -> str:
    """The form's name, as `model.AgentQueue.form` lists them."""
    if len(documents) != 1:
        return "documents" if documents else "empty"
    document = documents[0]
    if isinstance(document, list):
        return "list"
    if not isinstance(document, dict):
        return "unreadable"
    return _object_form(document)


def _object_form(document: dict[str, Any]) -> str:
    if not document:
        return "empty"
    if TASKS in document:
        return "standard"
    if MESSAGES in document:
        return "messages"
    if "reports" in document:
        return "reports"
    if any(key in document for key in _CARD):
        return "card"
    if "task_id" in document or (_is_message(document) and "agent_id" not in document):
        return "record"
    return "standard" if any(key in document for key in _AGENT) else "unreadable"


def head_of(documents: list[Any]) -> Head:
    """What the documents say of the agent; a later one overrides an earlier one, key by key."""
    values: dict[str, Any] = {}
    for document in documents:
        # A standard object in a list (a queue file that somebody wrapped) says it too.
        for item in document if isinstance(document, list) and len(document) <= 8 else (document,):
            if not isinstance(item, dict) or _object_form(item) not in (
                "standard",
                "messages",
                "card",
                "reports",
            ):
                continue
            for key in Head._fields:
                if key in item:
                    values[key] = item[key]
            if "status" not in item and "current_status" in item:
                values["status"] = item["current_status"]
    return Head(**values)


# -- records --------------------------------------------------------------------------------------


def walk(documents: list[Any], notes: Notes) -> Iterator[Found]:
    """Every record of every document, in the order of the file."""
    for number, document in enumerate(documents):
        if isinstance(document, list):
            for index, item in enumerate(document):
                path = (number, index)
                if not isinstance(item, dict):
                    _not_an_object(item, path, notes, "list")
                elif _is_container(item):
                    yield from _object(item, path, notes)
                else:
                    yield Found(MESSAGES if _is_message(item) else RECORDS, item, path)
        elif isinstance(document, dict):
            yield from _object(document, (number,), notes)
        else:
            detail = f"the file holds {_kind(document)} and not an object or a list"
            notes.add(ERROR, "top_level", detail, path=(number,))


def _object(document: dict[str, Any], path: Path, notes: Notes) -> Iterator[Found]:
    form = _object_form(document)
    if form == "record":
        yield Found(RECORDS if "task_id" in document else MESSAGES, document, path)
        return
    if form == "unreadable":
        keys = ", ".join(clean_line(key, 30) for key in list(document)[:_SHOWN_KEYS])
        more = ", …" if len(document) > _SHOWN_KEYS else ""
        notes.add(
            ERROR, "unknown_form", f"an object with the keys {keys}{more} is no form of a queue", path=path
        )
        return
    yield from _records(document, TASKS, TASKS, path, notes)
    yield from _records(document, "active_tasks", TASKS, path, notes, "in_progress")
    yield from _records(document, HISTORY, HISTORY, path, notes)
    yield from _records(document, "completed_tasks", HISTORY, path, notes, "completed")
    yield from _records(document, MESSAGES, MESSAGES, path, notes)
    yield from _records(document, "reports", RECORDS, path, notes)
    completion = document.get("task_completion")
    if isinstance(completion, dict):
        yield Found(RECORDS, completion, (*path, "task_completion"))


def _records(
    document: dict[str, Any], key: str, place: str, path: Path, notes: Notes, status: str = ""
) -> Iterator[Found]:
    """The records in the list (or the object keyed by id) at `key`."""
    if key not in document:
        return
    value, path = document[key], (*path, key)
    if isinstance(value, list):
        for index, item in enumerate(value):
            if isinstance(item, dict):
                yield Found(place, item, (*path, index), "", status)
            elif status and isinstance(item, str) and item:
                yield Found(place, {}, (*path, index), item, status)
            else:
                _not_an_object(item, (*path, index), notes, key)
    elif isinstance(value, dict):
        if value:
            notes.add(ODD, "keyed_by_id", f"{key} is an object keyed by id and not a list", path=path)
        for name, item in value.items():
            if isinstance(item, dict):
                yield Found(place, item, (*path, name), name, status)
            else:
                _not_an_object(item, (*path, name), notes, key)
    elif value is None:
        notes.add(ODD, "null_list", f"{key} is null and not a list", path=path)
    else:
        notes.add(ERROR, "not_a_list", f"{key} is {_kind(value)} and not a list", path=path)


def _is_container(item: dict[str, Any]) -> bool:
    return any(isinstance(item.get(key), list) for key in (TASKS, MESSAGES, "reports"))


def _is_message(item: dict[str, Any]) -> bool:
    return any(key in item for key in _MESSAGE)


def _not_an_object(item: Any, path: Path, notes: Notes, group: str) -> None:
    notes.add(ERROR, "not_an_object", f"{_kind(item)} where a record should be", path=path, group=group)


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f"the text '{clean_line(value, 30)}'"
    if isinstance(value, (int, float)):
        return "a number"
    return "a list" if isinstance(value, list) else "an object"


# -- entries --------------------------------------------------------------------------------------


def entry(found: Found, index: int) -> Entry | None:
    """The record's values; None for a message that is about no task, or says nothing of its state."""
    record = found.record
    get = record.get
    if found.place == TASKS:
        # The shape of nearly every record there is, without the detours below.
        return Entry(
            get("task_id", found.name or None), get("title"), get("status", found.status or None), get("priority"),
            get("estimated_hours"), get("actual_hours"), get("created_at"), get("started_at"),
            get("completed_at"), get("timestamp"), TASKS, index, get("progress"), get("dependencies"),
            _skills(record), get("deliverables"), get("deliverables_completed"),
        )  # fmt: skip
    content, details, metrics = (
        _inner(record, "content"),
        _inner(record, "details"),
        _inner(record, "metrics"),
    )
    if not details:
        details = _inner(content, "details")
    task_id = own_id(found)
    status = _first(record, content, details, key="status")
    if status is None:
        status = details.get("task_status")
    if found.place == MESSAGES:
        if status is None:
            kind = _first(record, content, keys=("message_type", "type"))
            status = MESSAGE_TYPES.get(kind) if isinstance(kind, str) else None
        if status is None or task_id is None:
            return None
    if status is None:
        status = found.status or None
    title = _first(record, content, keys=("title", "task_name", "summary"))
    if title is None and isinstance(record.get("details"), str):
        title = record["details"]
    elif title is None and isinstance(content.get("details"), str):
        title = content["details"]
    return Entry(
        task_id, title, status, get("priority"), _first(record, metrics, key="estimated_hours"),
        _first(record, metrics, keys=("actual_hours", "hours_spent", "duration_hours")),
        get("created_at"), get("started_at"), get("completed_at"), get("timestamp"), found.place, index,
        None, get("dependencies"), _skills(record), get("deliverables"),
        _first(record, metrics, key="deliverables_completed"),
    )  # fmt: skip


def _skills(record: dict[str, Any]) -> Any:
    """The skills that a task asks for: its own list, else that of its context."""
    skills = record.get("required_skills")
    return _inner(record, "context").get("required_skills") if skills is None else skills


def own_id(found: Found) -> Any:
    """The task id of a record, as it stands there."""
    if found.place == TASKS:
        return found.record.get("task_id", found.name or None)
    value = _first(found.record, _inner(found.record, "content"), key="task_id")
    return (found.name or None) if value is None else value


def _inner(record: dict[str, Any], key: str) -> dict[str, Any]:
    value = record.get(key)
    return value if isinstance(value, dict) else {}


def _first(*records: dict[str, Any], key: str = "", keys: tuple[str, ...] = ()) -> Any:
    """The first value that is there, key by key."""
    for name in keys or (key,):
        for record in records:
            value = record.get(name)
            if value is not None:
                return value
    return None
