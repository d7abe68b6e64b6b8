"""The journal of each plan that was carried out: what was about to be done, written down before it is.

    .bluetop/journal/<plan_id>.jsonl   one object a line: begin, then per move intent, inserted, removed or
                                       skipped, then end; after a crash recovered, and end

A plan that is carried out again goes on in the same file, with another `begin`. A torn line is passed over: its
step was not taken. Lines of another shape make the whole file one that is reported and not followed: who
can write it could otherwise have us write elsewhere. Not for what is done about it: that is `core.balance.recover`.
"""

import json
import os
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from core.balance.strict import NotStandard, read_regular
from core.balance.swap import sync, sync_folder
from core.errors import BluetopError
from core.queues.times import parse
from core.record.files import FOLDER, ignore_by_git, make_folder, open_regular, stay_within, write_all
from core.text import clean, clean_line

SCHEMA = "bluetop.journal/1"
JOURNAL, RECEIPTS, APPLY_LOCK = "journal", "receipts", "apply.lock"
_ENDING = ".jsonl"
_TOLD_LATER = ("intent", "inserted", "removed", "skipped")


class BadJournal(BluetopError):
    """A journal that is not of our shape; the sentence says where it lies and what is wrong."""


class Intent(NamedTuple):
    """One move that was about to be made.

    `text` is the task as it stood in `source`, `placed` as it was to stand in `receiver`. `place`, `before_id`,
    `after_id`, `before` and `after` are its former place, its neighbours and the text between. `inner` is what
    stood in the receiver's empty list. `state` and `was_fit` say whether the giver would have been given the task
    then; `was_done` whether it stood in the giver's history already. `hours_from` and `hours_to` are the expected
    hours at the two.
    """

    seq: int
    task_id: str
    source: str
    receiver: str
    at: str
    text: str
    placed: str
    place: int
    before_id: str
    after_id: str
    before: str
    after: str
    inner: str
    state: str
    was_fit: bool
    was_done: bool
    source_sha256: str
    receiver_sha256: str
    hours_from: float
    hours_to: float


class Step(NamedTuple):
    """What a journal says of one move. `outcome` is "" while it is open; `stands`: the task is with the receiver."""

    seq: int
    task_id: str
    intent: Intent | None
    inserted: bool
    outcome: str
    detail: str
    stands: bool


class Begin(NamedTuple):
    """The first record of a run: what it is, who asked for it, and what was predicted.

    `before` and `after` are the agents concerned, by name: load_hours, utilisation, capacity_hours, pending; the
    peaks [%] are those of the whole workspace. `counted` are the tasks of these agents' files as they were.
    """

    plan_id: str
    kind: str
    of: str
    at: float
    by: Mapping[str, Any]
    options: Mapping[str, Any]
    moves: int
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    peak_before: float
    peak_after: float
    counted: Mapping[str, Any]


class Trail(NamedTuple):
    """A journal as it was read. `begun` are its runs, the last one last; `ended` is when that one ended, or None.

    `steps` are the moves by number; a later run that made the move counts, one that skipped it does not.
    """

    plan_id: str
    begun: tuple[Begin, ...]
    steps: Mapping[int, Step]
    ended: float | None

    @property
    def last(self) -> Begin:
        """Its last run."""
        return self.begun[-1]

    def made(self) -> list[Step]:
        """The moves that were made and stand, in the order in which they were."""
        return [step for step in self.steps.values() if step.stands and step.intent is not None]

    def open(self) -> list[Step]:
        """The moves that were begun, of which nobody knows yet what became."""
        return [
            step for _, step in sorted(self.steps.items()) if step.intent is not None and not step.outcome
        ]


# -- where it lies ---------------------------------------------------------------------------------


def folder_of(workspace: str) -> str:
    """Where bluetop keeps what it knows of a workspace."""
    return os.path.join(workspace, FOLDER)


def made_folder(workspace: str, name: str) -> str:
    """The folder `name` below `.bluetop`, made if it is not there. Inside the workspace, or not at all.

    Raises:
        OSError: it cannot be made, or it leads out of the workspace.
    """
    outer = folder_of(workspace)
    is_new = not os.path.isdir(outer)
    make_folder(outer, workspace)
    if is_new:
        ignore_by_git(outer)
        sync_folder(workspace)
    if not name:
        return outer
    inner = os.path.join(outer, name)
    is_new = not os.path.isdir(inner)
    make_folder(inner, workspace)
    if is_new:
        sync_folder(outer)
    return inner


def is_plan_id(text: str) -> bool:
    """Whether a text can be the id of a plan, and so a file's name."""
    return 8 <= len(text) <= 64 and text.isascii() and text.isalnum()


def is_agent_name(name: str) -> bool:
    """Whether a text can be the name of an agent's folder; nothing else is ever joined to a path."""
    return bool(name) and name not in (".", "..") and "/" not in name and clean(name) == name


def journals(workspace: str) -> list[str]:
    """The ids of the plans that have a journal, by name."""
    folder = os.path.join(folder_of(workspace), JOURNAL)
    try:
        stay_within(folder_of(workspace), workspace)
        stay_within(folder, workspace)
        names = os.listdir(folder)
    except OSError:
        return []
    return sorted(
        name[: -len(_ENDING)]
        for name in names
        if name.endswith(_ENDING) and is_plan_id(name[: -len(_ENDING)])
    )


def path_of(workspace: str, plan_id: str) -> str:
    """Where the journal of a plan lies."""
    return os.path.join(folder_of(workspace), JOURNAL, plan_id + _ENDING)


# -- writing ---------------------------------------------------------------------------------------


class Journal:
    """The open journal of one plan. A record is on the disk when `add` returns, but for some.

    `intent` and `inserted` are there when `sync` returns, which is called before the step that they announce.
    `removed` and `skipped` only tell what was done, and get there with the next one: without them, recovery
    finds the same in the files.
    """

    def __init__(self, workspace: str, plan_id: str) -> None:
        folder = made_folder(workspace, JOURNAL)
        self.plan_id = plan_id
        self.path = path_of(workspace, plan_id)
        is_new = not os.path.lexists(self.path)
        self._fd = open_regular(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT)
        size = os.fstat(self._fd).st_size
        # What a crash left unfinished ends here, so that it spoils no line after it.
        self._torn = bool(size) and os.pread(self._fd, 1, size - 1) != b"\n"
        if is_new:
            sync_folder(folder)

    def add(self, record: str, **values: Any) -> None:
        """Add a record.

        Raises:
            OSError: it could not be written; the next one begins a line of its own.
        """
        line = json.dumps({"record": record, **values}, separators=(",", ":")).encode() + b"\n"
        line = b"\n" + line if self._torn else line
        self._torn = True
        write_all(self._fd, line)
        self._torn = False
        if record not in _TOLD_LATER:
            self.sync()

    def sync(self, *paths: str) -> None:
        """Have what was added written down to the disk, and these files and folders too.

        Raises:
            OSError: that could not be.
        """
        sync(*paths, also=(self._fd,))

    def close(self) -> None:
        """Write no more."""
        os.close(self._fd)


# -- reading ---------------------------------------------------------------------------------------


def read_trail(workspace: str, plan_id: str) -> Trail | None:
    """The journal of a plan; None if there is none, or nothing in it yet.

    Raises:
        BadJournal: it is of another shape, or cannot be read.
    """
    path = path_of(workspace, plan_id)
    shown = clean_line(f"{FOLDER}/{JOURNAL}/{plan_id}{_ENDING}")
    try:
        stay_within(os.path.dirname(path), workspace)
        if os.path.islink(path):
            raise BadJournal(f"{shown} is a symbolic link")
        data, _ = read_regular(path)
    except FileNotFoundError:
        return None
    except (OSError, NotStandard) as error:
        raise BadJournal(f"{shown} cannot be read: {error}") from error
    begun: list[Begin] = []
    steps: dict[int, Step] = {}
    ended: float | None = None
    for number, row in _rows(data):
        try:
            record = row["record"]
            if record == "begin":
                begun.append(_begin_of(row, plan_id))
                ended = None
            elif not begun:
                raise ValueError("there is no begin before it")
            elif record == "end":
                ended = _time(row)
            elif record == "reopened":
                ended = None
                step = steps[_seq(row)]
                steps[step.seq] = step._replace(outcome="")
            else:
                _take(steps, record, row)
        except (KeyError, ValueError, TypeError, OverflowError, RecursionError) as error:
            raise BadJournal(
                f"{shown}, line {number} is not bluetop's: {error}; it is not followed, see to its moves by hand "
                "and remove it"
            ) from error
    return Trail(plan_id, tuple(begun), steps, ended) if begun else None


def _rows(data: bytes) -> Iterator[tuple[int, Mapping[str, Any]]]:
    for number, line in enumerate(data.split(b"\n"), 1):
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            continue  # torn: its step was not taken
        if not isinstance(row, dict):
            raise BadJournal(f"a journal's line {number} holds no object")
        yield number, row


def _take(steps: dict[int, Step], record: Any, row: Mapping[str, Any]) -> None:
    seq = _seq(row)
    known = steps.get(seq)
    if record == "intent":
        begun = intent_of(row)
        steps.pop(seq, None)  # the last one begun comes last
        steps[seq] = Step(seq, begun.task_id, begun, False, "", "", False)
    elif record == "skipped":
        if known is None or not known.stands:
            intent = None if known is None else known.intent
            steps[seq] = Step(seq, _text(row, "task_id"), intent, False, _text(row, "code"), _text(row, "detail"),
                              False)  # fmt: skip
    elif known is None or known.intent is None:
        raise ValueError(f"a {record!r} of a move that was not begun")
    elif record == "inserted":
        steps[seq] = known._replace(inserted=True)
    elif record == "removed":
        steps[seq] = known._replace(outcome="removed", stands=True)
    elif record == "recovered":
        stands = row["stands"] is True
        steps[seq] = known._replace(outcome=_text(row, "code"), detail=_text(row, "detail"), stands=stands)
    else:
        raise ValueError(f"the record {clean_line(str(record), 40)!r} is not known")


def intent_of(row: Mapping[str, Any]) -> Intent:
    """The intent in a record.

    Raises:
        ValueError, KeyError, TypeError: it is none, or one that may not be followed.
    """
    values: dict[str, Any] = {}
    for name, kind in Intent.__annotations__.items():
        value = row[name]
        if type(value) is not kind and not (kind is float and type(value) is int):
            raise ValueError(f"{name} is no {kind.__name__}")
        values[name] = float(value) if kind is float else value
    intent = Intent(**values)
    if (
        not (is_agent_name(intent.source) and is_agent_name(intent.receiver))
        or intent.source == intent.receiver
    ):
        raise ValueError("it names what can be no agents")
    for text in (intent.text, intent.placed):
        task = json.loads(text)
        if not isinstance(task, dict) or task.get("task_id") != intent.task_id or not intent.task_id:
            raise ValueError("its task is not the one that it names")
    if intent.place < 0 or intent.seq < 1:
        raise ValueError("its numbers are below zero")
    return intent


def _begin_of(row: Mapping[str, Any], plan_id: str) -> Begin:
    if row["schema"] != SCHEMA or row["plan_id"] != plan_id:
        raise ValueError("it belongs to another plan")
    tables = []
    for name in ("by", "options", "before", "after", "counted"):
        if not isinstance(row[name], dict):
            raise ValueError(f"{name} is no object")
        tables.append(row[name])
    of = _text(row, "of")
    if of and not is_plan_id(of):
        raise ValueError("it undoes what can be no plan")
    moves = row["moves"]
    if type(moves) is not int:
        raise ValueError("moves is no number")
    peaks = []
    for name in ("peak_before", "peak_after"):
        if isinstance(row[name], bool) or not isinstance(row[name], int | float):
            raise ValueError(f"{name} is no number")
        peaks.append(float(row[name]))
    by, options, before, after, counted = tables
    return Begin(
        plan_id,
        _text(row, "kind"),
        of,
        _time(row),
        by,
        options,
        moves,
        before,
        after,
        peaks[0],
        peaks[1],
        counted,
    )


def _seq(row: Mapping[str, Any]) -> int:
    seq = row["seq"]
    if type(seq) is not int:
        raise ValueError("seq is no number")
    return seq


def _time(row: Mapping[str, Any]) -> float:
    found = parse(row["at"])
    if found is None:
        raise ValueError("at is no time")
    return found.at


def _text(row: Mapping[str, Any], key: str) -> str:
    found = row[key]
    if not isinstance(found, str):
        raise ValueError(f"{key} is no text")
    return found
