"""One queue file → its tasks as `model.Seen`, every form of file, healthy or not.

A task that the file has several times is one: the record that `tally.chosen` picks says its status,
and what that one does not say is taken from the others. Runs where it can be left behind: the file
may lie on a mount that does not answer.
"""

import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from core.agentmetrics.model import FINISHED, Data, Seen, count_of, plain_time, task_key
from core.clock import SYSTEM_CLOCK, Clock
from core.queues import Limits, forms
from core.queues.decode import PARTIAL, decode
from core.queues.forms import Found
from core.queues.notes import ERROR, Notes
from core.queues.reader import Bytes, RefusedError, placed, read_bytes
from core.queues.statuses import agent_state, fold, shown
from core.queues.tally import TOLERANCE_S, chosen
from core.queues.times import parse, plain
from core.queues.tracked import hours

_YOUNG_S = 2.0
_WAIT_S = 0.05
_MINUTES = ("time_spent_minutes", "duration_minutes")


class _Item:
    """A record and its entry, under the id that tells tasks apart here. Else it is like its entry."""

    __slots__ = ("entry", "record", "task_id")

    def __init__(self, task_id: str, entry: forms.Entry, record: Data) -> None:
        self.task_id, self.entry, self.record = task_id, entry, record

    def __getattr__(self, name: str) -> Any:
        """What `tally.chosen` looks at to tell which of two is the later one."""
        return getattr(self.entry, name)


def read_queue(
    folder: str,
    limits: Limits,
    clock: Clock = SYSTEM_CLOCK,
    sleep: Callable[[float], None] = time.sleep,
) -> Data:
    """What the queue file in `folder` says: the fields of `model.Queue` but for its names, and `rows` as a list.

    May hang with the mount that the folder lies on. Never raises over what is in the file.
    """
    name = "outbox.json"
    try:
        tries = 0
        while True:
            try:
                found = read_bytes(os.path.join(folder, name), limits.max_bytes, _nothing)
            except RefusedError as refused:
                if not refused.gone or name != "outbox.json":
                    raise
                name = "outbox/outbox.json"  # older systems keep it one folder down
                continue
            # What breaks off in a young file is probably being written.
            answer = _read(found, limits, clock)
            writing = found.torn or abs(clock.wall() - found.status.st_mtime) < _YOUNG_S
            if answer["form"] == "read" or not writing or tries >= limits.torn_retries:
                break
            tries += 1
            sleep(_WAIT_S)
    except RefusedError as refused:
        if refused.gone:
            return _answer("missing")
        return {**_answer("unread", str(refused)), "place": name}
    return {**answer, "place": name + answer["place"]}


def _nothing() -> None:
    return None


def _read(found: Bytes, limits: Limits, clock: Clock) -> Data:
    latest = min(found.status.st_mtime, clock.wall())
    notes = Notes()
    if len(found.data) > limits.repair_bytes:
        return _streamed(found.data, latest)
    decoded = decode(found.data, notes, limits.repair_bytes)
    rows, nameless = rows_of(forms.walk(decoded.documents, notes), latest)
    retired = agent_state(forms.head_of(decoded.documents).status) == "decommissioned"
    if decoded.level < PARTIAL and not notes.lossy and not found.torn and decoded.documents:
        return _answer("read", "", "", rows, retired, nameless)
    first = next((found for found in placed(notes, decoded) if found.severity == ERROR), None)
    where = f":{first.line}:{first.column}" if first is not None and first.line else ""
    said = "it changed while it was read" if found.torn else "the file is empty"
    problem = said if first is None else first.detail
    return _answer("partly" if rows else "unread", problem, where, rows, retired, nameless)


def _answer(
    form: str, problem: str = "", place: str = "", rows: Any = (), retired: bool = False, nameless: int = 0
) -> Data:
    return {
        "form": form, "problem": problem, "place": place, "rows": rows, "retired": retired, "nameless": nameless,
    }  # fmt: skip


def _streamed(data: bytes | bytearray, latest: float) -> Data:
    """The same from a file too large to be held as objects: its records are decoded one at a time."""
    import msgspec

    from core.queues import fast

    try:
        stream = fast.Stream(data)
    except fast.Unreadable as error:
        return _answer("unread", f"not one JSON document ({error}), and too large to be repaired")
    lost = 0

    def records() -> Iterator[Found]:
        nonlocal lost
        taken: list[Any] = []
        for place in (forms.TASKS, forms.HISTORY, forms.MESSAGES, forms.RECORDS):
            group = stream.raw(place)
            if any(group is other for other in taken):
                continue  # one list stands for messages and for records
            taken.append(group)
            for raw in group:
                try:
                    record = msgspec.json.decode(raw)
                except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                    record = None
                if isinstance(record, dict):
                    yield Found(place, record, ())
                else:
                    lost += 1

    rows, nameless = rows_of(records(), latest)
    problem = f"{lost} records cannot be read" if lost else ""
    return _answer("partly" if lost else "read", problem, "", rows, False, nameless)


def rows_of(records: Iterable[Found], latest: float) -> tuple[list[Seen], int]:
    """A row for each task id, and how many tasks have none. `latest`: nothing in the file can be later."""
    groups: tuple[list[_Item], list[_Item], list[_Item]] = ([], [], [])
    ranks = {forms.TASKS: groups[0], forms.HISTORY: groups[1]}
    nameless = 0
    for found in records:
        entry = forms.entry(found, 0)
        if entry is None:
            continue
        key = task_key(entry.task_id)
        if key:
            ranks.get(found.place, groups[2]).append(_Item(key, entry, found.record))
        else:
            nameless += 1
    if len({item.task_id for group in groups for item in group}) == sum(map(len, groups)):
        return [_row((item,), latest) for group in groups for item in group], nameless
    every: dict[str, list[_Item]] = {}
    for group in groups:
        # The later of equals first: it is the one that the file's order makes the newer.
        for item in reversed(group):
            every.setdefault(item.task_id, []).append(item)
    rows = []
    for best in chosen(groups, {}, []):
        others = [item for item in every[best.task_id] if item is not best]
        rows.append(_row((best, *others), latest))
    return rows, nameless


def _row(items: Sequence[_Item], latest: float) -> Seen:
    """One task from its records, the one that counts first."""
    first = items[0].entry
    status = fold(first.status)
    ended = status in FINISHED or status == "ready_for_review"
    times: dict[str, str] = {}
    doubtful: list[str] = []
    at = estimated = actual = promised = delivered = files = None
    for item in items:
        entry, record = item.entry, item.record
        for name, value in (
            ("created_at", entry.created_at),
            ("started_at", entry.started_at),
            ("completed_at", entry.completed_at if ended else None),
            ("stamp", entry.timestamp),
        ):
            if value is None or name in times:
                continue
            moment, doubted, text = _moment(value, latest)
            if moment is None:
                continue
            at = moment if at is None or moment > at else at
            times[name] = text
            if doubted:
                doubtful.append(name)
        if estimated is None:
            estimated = hours(entry.estimated_hours)
        if actual is None:
            actual = hours(entry.actual_hours) or _minutes(record)
        if promised is None:
            promised = count_of(record.get("deliverables")) or None
        if delivered is None and ended:
            delivered = _delivered(record)
        if files is None and "files" in record:
            files = _files(record["files"])
    stamped = ended and "completed_at" not in times and "stamp" in times
    if stamped:
        times["completed_at"] = times["stamp"]
        doubtful = ["completed_at" if name == "stamp" else name for name in doubtful]
    if "stamp" in doubtful:
        doubtful.remove("stamp")
    return Seen(
        items[0].task_id, status or shown(first.status), times.get("created_at"), times.get("started_at"),
        times.get("completed_at"), times.get("stamp"), stamped, at, estimated, actual, promised, delivered, files,
        tuple(doubtful),
    )  # fmt: skip


def _moment(value: Any, latest: float) -> tuple[float | None, bool, str]:
    """A time of a file: when it is but for what cannot be, whether it is to be doubted, and its text."""
    at = plain(value) if type(value) is str else None
    if at is not None:
        return min(at, latest), at > latest + TOLERANCE_S, value
    moment = parse(value)
    if moment is None:
        return None, False, ""
    doubted = moment.naive or moment.at > latest + TOLERANCE_S
    return min(moment.at, latest), doubted, plain_time(value, moment.at)


def _minutes(record: Data) -> float | None:
    """Hours of a record that gives minutes."""
    for part in _parts(record):
        for name in _MINUTES:
            if name in part:
                minutes = hours(part[name])
                if minutes is not None:
                    return minutes / 60.0
    return None


def _delivered(record: Data) -> int | None:
    """Deliverables as the record claims them done: its own word before that of its metrics."""
    for part in _parts(record):
        found = count_of(part.get("deliverables_completed"))
        if found is not None:
            return found
    return None


def _files(files: Any) -> int | None:
    """Files created and modified, as far as the record names them."""
    if not isinstance(files, dict):
        return None
    return sum(
        len(value) for value in (files.get("created"), files.get("modified")) if isinstance(value, list)
    )


def _parts(record: Data) -> list[Data]:
    """The record and the objects in it that figures stand in."""
    found = [record]
    for name in ("metrics", "content"):
        part = record.get(name)
        if isinstance(part, dict):
            found.append(part)
            inner = part.get("metrics")
            if isinstance(inner, dict):
                found.append(inner)
    return found
