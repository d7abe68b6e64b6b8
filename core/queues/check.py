"""What `bluetop validate` says of a queue file: how it was read, what is odd, where, and whether it
fits the system's own schema (OUTBOX_SCHEMA 1.0.0).

Reads carefully, whatever it costs, and looks at more than a scan does: every time, every
status, the figures the file gives about itself. Judges nothing else and changes nothing.
"""

import os
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from core.clock import SYSTEM_CLOCK, Clock
from core.queues import Limits, forms
from core.queues.decode import WHOLE, Decoded, decode
from core.queues.folders import Folders
from core.queues.model import EMPTY_QUEUE, STATUSES, AgentQueue, Problem
from core.queues.notes import ERROR, ODD, Notes, Path
from core.queues.reader import (
    Bytes,
    RefusedError,
    interpret,
    link_problem,
    placed,
    read_bytes,
)
from core.queues.shared import SharedIds
from core.queues.statuses import fold, shown
from core.queues.tally import TOLERANCE_S
from core.queues.times import parse
from core.text import clean_line

_WAIT_S = 0.05
_TEXT, _LIST, _OBJECT, _NUMBER = "a text", "a list", "an object", "a number"
_HEAD = {"agent_id": _TEXT, "agent_name": _TEXT, "agent_type": _TEXT, "version": _TEXT}
_HEAD_MORE = {"expertise": _LIST, "metadata": _OBJECT}
_TASK = {"task_id": _TEXT, "title": _TEXT, "status": _TEXT, "priority": _TEXT, "created_at": _TEXT}
_TASK_MORE = {
    "description": _TEXT, "started_at": _TEXT, "completed_at": _TEXT, "estimated_hours": _NUMBER,
    "actual_hours": _NUMBER, "context": _OBJECT, "deliverables": _LIST, "dependencies": _LIST,
    "signals_when_done": _TEXT,
}  # fmt: skip
_ENTRY = {"task_id": _TEXT, "timestamp": _TEXT, "status": _TEXT}
_ENTRY_MORE = {"summary": _TEXT, "report": _TEXT, "files": _OBJECT, "metrics": _OBJECT}
_WORDS = {
    "agent_type": ("ai", "human", "hybrid"),
    "status": ("pending", "in_progress", "completed", "failed", "blocked"),
    "priority": ("LOW", "MEDIUM", "HIGH", "CRITICAL"),
}
_TIMES = ("created_at", "started_at", "completed_at", "timestamp")
_LISTS_OF_TEXT = ("expertise", "deliverables", "dependencies")


class FileReport(NamedTuple):
    """What was found in one file. `queue` has its form and counts; `wholly_read` is False if anything in it
    could not be read. `fits_schema` is whether it is as OUTBOX_SCHEMA demands."""

    path: str
    queue: AgentQueue
    problems: tuple[Problem, ...]
    wholly_read: bool
    fits_schema: bool

    @property
    def form(self) -> str:
        """The form of the file, as `AgentQueue.form`."""
        return self.queue.form


class WorkspaceReport(NamedTuple):
    """Every file of a workspace, and what is odd between them: (path, problem)."""

    files: tuple[FileReport, ...]
    problems: tuple[tuple[str, Problem], ...]


def check_workspace(
    workspace: str, limits: Limits | None = None, clock: Clock = SYSTEM_CLOCK
) -> WorkspaceReport:
    """Every queue file of `workspace`. Agents without one are reported with the form `missing`.

    Raises:
        WorkspaceError: there is no postbox in `workspace`.
    """
    limits = limits or Limits()
    folders = Folders(workspace, limits.max_agents, clock)
    folders.refresh()
    shared = SharedIds(limits.cross_ids)
    files: list[FileReport] = []
    paths: dict[str, str] = {}
    for agent in folders.agents:
        nested = not os.path.lexists(agent.file) and os.path.lexists(agent.use(nested=True))
        report, live = _check(agent.use(nested), agent.name, agent.path, limits, clock, time.sleep)
        files.append(report)
        shared.put(agent.name, live)
        paths[agent.name] = agent.path
    problems = [*folders.problems, *shared.problems(paths)]
    if not shared.complete:
        detail = f"ids are not compared between agents: more than {limits.cross_ids} unfinished tasks"
        problems.append(("postbox", Problem(ODD, "not_compared", detail)))
    return WorkspaceReport(tuple(files), tuple(problems))


def check_file(
    path: str,
    limits: Limits | None = None,
    clock: Clock = SYSTEM_CLOCK,
    sleep: Callable[[float], None] = time.sleep,
) -> FileReport:
    """One queue file, wherever it lies. Its agent is the folder it is in, if that is in a postbox."""
    folder = os.path.dirname(os.path.abspath(path))
    if os.path.basename(folder) == "outbox":
        folder = os.path.dirname(folder)
    inside = os.path.basename(os.path.dirname(folder)) == "postbox"
    agent = clean_line(os.path.basename(folder)) if inside else ""
    return _check(path, agent, clean_line(path), limits or Limits(), clock, sleep)[0]


def _check(
    path: str, agent: str, label: str, limits: Limits, clock: Clock, sleep: Callable[[float], None]
) -> tuple[FileReport, frozenset[str]]:
    try:
        found = _settled(path, limits, sleep)
    except RefusedError as refused:
        form = "missing" if refused.gone and agent else "unreadable"
        queue = EMPTY_QUEUE._replace(agent=agent, path=label, form=form)
        told = () if form == "missing" else (refused.problem,)
        return FileReport(label, queue._replace(problems=told), told, form == "missing", False), frozenset()
    mtime = found.status.st_mtime_ns / 1e9
    latest = min(mtime, clock.wall())
    careful = len(found.data) <= limits.repair_bytes
    reading = interpret(found.data, agent, latest, limits, careful)
    problems = list(reading.problems)
    fits = False
    if careful:
        decoded = decode(found.data, Notes(), limits.repair_bytes)
        further, fits = _further(decoded, latest)
        problems += [p for p in further if (p.code, p.key) not in {(q.code, q.key) for q in reading.problems}]
        fits = fits and decoded.level == WHOLE and not any(p.severity == ERROR for p in problems)
    if found.link:
        problems.append(link_problem(found.link))
    queue = reading.queue._replace(
        agent=agent, path=label, mtime=mtime, size_bytes=found.status.st_size, problems=tuple(problems)
    )
    whole = not any(found_problem.severity == ERROR for found_problem in problems)
    return FileReport(label, queue, tuple(problems), whole, fits), reading.counted.live


def _settled(path: str, limits: Limits, sleep: Callable[[float], None]) -> Bytes:
    """The content, read again while it changes under our hands."""
    found = read_bytes(path, limits.max_bytes, lambda: None)
    for _ in range(limits.torn_retries):
        if not found.torn:
            break
        sleep(_WAIT_S)
        found = read_bytes(path, limits.max_bytes, lambda: None)
    return found


# -- what a scan does not look at -------------------------------------------------------------------


def _further(decoded: Decoded, latest: float) -> tuple[tuple[Problem, ...], bool]:
    """Oddities of the records, and whether the schema is kept."""
    notes, counts, seen = Notes(), dict[str, int](), dict[tuple[str, str], Path]()
    for found in forms.walk(decoded.documents, Notes()):
        index = counts.get(found.place, 0)
        counts[found.place] = index + 1
        item = forms.entry(found, index)
        if item is None:
            continue
        _times(found, latest, notes)
        _status(item.status, found.path, notes)
        if found.place in (forms.TASKS, forms.HISTORY) and isinstance(item.task_id, str) and item.task_id:
            _repeated(item.task_id, found, seen, notes)
    standard = [
        (number, document)
        for number, document in enumerate(decoded.documents)
        if isinstance(document, dict) and forms.TASKS in document
    ]
    schema = Notes()
    for number, document in standard:
        _metadata(document, number, notes)
        _schema(document, (number,), schema)
    fits = len(standard) == len(decoded.documents) == 1 and not schema
    return placed(notes, decoded) + placed(schema, decoded), fits


def _times(found: forms.Found, latest: float, notes: Notes) -> None:
    for key in _TIMES:
        value = found.record.get(key)
        if value is None:
            continue
        moment, path = parse(value), (*found.path, key)
        if moment is None:
            notes.add(ODD, "bad_time", f"{shown(value)!r} is no time that bluetop can read", path=path)
        elif moment.at > latest + TOLERANCE_S:
            notes.add(ODD, "doubtful_time", f"{shown(value)} is later than the file itself", path=path)
        elif moment.naive:
            notes.add(ODD, "no_zone", f"{shown(value)} names no time zone; taken for UTC", path=path)


def _status(raw: Any, path: Path, notes: Notes) -> None:
    folded = fold(raw)
    word = shown(raw)
    if word and not folded:
        notes.add(
            ODD,
            "unknown_status",
            f"status {word!r} is shown as it is, counted as other",
            path=path,
            group=word,
        )
    elif word and word not in STATUSES:
        notes.add(ODD, "status_synonym", f"status {word!r} is read as {folded}", path=path, group=word)


def _repeated(task_id: str, found: forms.Found, seen: dict[tuple[str, str], Path], notes: Notes) -> None:
    name = clean_line(task_id, 60)
    if (forms.HISTORY, task_id) in seen and found.place == forms.HISTORY:
        notes.add(
            ODD, "repeated_entry", f"{name} is in the history twice; the latest counts", path=found.path
        )
    elif (forms.TASKS, task_id) in seen and found.place == forms.HISTORY:
        notes.add(ODD, "in_both", f"{name} is in tasks and in the history; counted once", path=found.path)
    seen.setdefault((found.place, task_id), found.path)


def _metadata(document: dict[str, Any], number: int, notes: Notes) -> None:
    metadata, history = document.get("metadata"), document.get(forms.HISTORY)
    if not isinstance(metadata, dict) or not isinstance(history, list):
        return
    said = metadata.get("total_tasks_completed")
    count = sum(1 for item in history if isinstance(item, dict) and fold(item.get("status")) == "completed")
    if type(said) is int and said != count:
        detail = f"total_tasks_completed is {shown(said)} but the history holds {count} completed"
        notes.add(ODD, "wrong_total", detail, path=(number, "metadata", "total_tasks_completed"))


# -- the schema -------------------------------------------------------------------------------------


def _schema(document: dict[str, Any], path: Path, notes: Notes) -> None:
    """Where the document departs from OUTBOX_SCHEMA 1.0.0."""
    _keys(document, _HEAD, _HEAD_MORE, path, notes)
    for key, needed, more in ((forms.TASKS, _TASK, _TASK_MORE), (forms.HISTORY, _ENTRY, _ENTRY_MORE)):
        if key not in document:
            notes.add(ODD, "schema", f"{key} is missing", path=path, group=f"{key} missing")
            continue
        items = document[key]
        if not isinstance(items, list):
            notes.add(ODD, "schema", f"{key} is not a list", path=(*path, key), group=f"{key} list")
            continue
        for index, item in enumerate(items):
            if isinstance(item, dict):
                _keys(item, needed, more, (*path, key, index), notes, words=key == forms.TASKS)
            else:
                notes.add(
                    ODD, "schema", f"{key} holds more than objects", path=(*path, key, index), group=key
                )
    metadata = document.get("metadata")
    if isinstance(metadata, dict) and "total_tasks_completed" in metadata:
        total = metadata["total_tasks_completed"]
        if type(total) is not int and not (type(total) is float and total.is_integer()):
            where = (*path, "metadata", "total_tasks_completed")
            notes.add(ODD, "schema", "total_tasks_completed is not a whole number", path=where, group="total")


def _keys(
    record: dict[str, Any],
    needed: dict[str, str],
    more: dict[str, str],
    path: Path,
    notes: Notes,
    words: bool = True,
) -> None:
    for key in needed:
        if key not in record:
            notes.add(ODD, "schema", f"{key} is missing", path=path, group=f"{key} missing")
    for key, kind in (needed | more).items():
        if key not in record:
            continue
        value, where = record[key], (*path, key)
        if not _is(value, kind):
            notes.add(ODD, "schema", f"{key} is not {kind}", path=where, group=f"{key} kind")
        elif words and key in _WORDS and value not in _WORDS[key]:
            detail = f"{key} {shown(value)!r} is not one of {', '.join(_WORDS[key])}"
            notes.add(ODD, "schema", detail, path=where, group=f"{key} word")
        elif key in _LISTS_OF_TEXT and not all(isinstance(item, str) for item in value):
            notes.add(ODD, "schema", f"{key} holds more than texts", path=where, group=f"{key} items")


def _is(value: Any, kind: str) -> bool:
    if kind == _NUMBER:
        return type(value) in (int, float)
    return isinstance(value, {_TEXT: str, _LIST: list, _OBJECT: dict}[kind])
