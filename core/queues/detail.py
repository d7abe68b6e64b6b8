"""The tasks of one file as rows, and one record of it as text: read again when somebody asks.

Records come back as they were written: every field, numbers digit for digit, duplicate keys
too. The text is valid JSON, and can be written to a terminal: what a terminal could act on
is escaped as JSON escapes it.
"""

from typing import Any

from core.errors import PollError
from core.queues import Limits, forms
from core.queues.decode import Literal, Members, decode
from core.queues.model import Task
from core.queues.notes import Notes
from core.queues.tally import chosen, task
from core.queues.tracked import id_text
from core.text import clean

_URGENCY = {
    "in_progress": 0,
    "blocked": 1,
    "ready_for_review": 2,
    "failed": 3,
    "pending": 4,
    "assigned": 5,
    "completed": 7,
}
_DEEPEST = 200


def tasks(data: bytes | bytearray, agent: str, latest: float, limits: Limits) -> tuple[Task, ...]:
    """One row per task id, in the order of the file; at most `limits.max_tasks`, the finished left out first."""
    groups: tuple[Any, ...]
    if len(data) > limits.repair_bytes:
        from core.queues import fast

        try:
            groups = fast.Stream(data).entries()
        except fast.Unreadable as error:
            raise PollError(f"{agent}: the queue file is not JSON ({error})") from error
    else:
        notes = Notes()
        sheet = forms.sheet(decode(data, notes, limits.repair_bytes).documents, notes)
        groups = (sheet.tasks, sheet.history, sheet.others)
    also: dict[str, int] = {}
    found = list(chosen(groups, also, []))
    rows = [task(item, agent, latest, 0) for item in found]
    rows = [row._replace(also=also[row.task_id]) if row.task_id in also else row for row in rows]
    if len(rows) > limits.max_tasks:
        places = sorted(range(len(rows)), key=lambda i: (_URGENCY.get(rows[i].status, 6), i))
        rows = [rows[i] for i in sorted(places[: limits.max_tasks])]
    return tuple(rows)


def record(data: bytes | bytearray, place: str, index: int, task_id: str, limits: Limits) -> str | None:
    """The record at `place` and `index`, or the one in that place with the same id; None if there is none."""
    if len(data) > limits.repair_bytes:
        return _from_stream(data, place, index, task_id, limits)
    found: dict[str, Any] | None = None
    count = 0
    notes = Notes()
    for item in forms.walk(decode(data, notes, limits.repair_bytes, exact=True).documents, notes):
        if item.place != place:
            continue
        same = _id_of(item) == task_id
        if same and (count == index or found is None):
            found = item.record or {"task_id": item.name}
        if count == index and same:
            break
        count += 1
    return None if found is None else pretty(found)


def _id_of(item: forms.Found) -> str:
    value = forms.own_id(item)
    if isinstance(value, Literal):
        whole = value.removeprefix("-").isdigit() and len(value) <= 20
        return id_text(int(value)) if whole else ""
    return id_text(value)


def _from_stream(data: bytes | bytearray, place: str, index: int, task_id: str, limits: Limits) -> str | None:
    from core.queues import fast

    try:
        records = fast.Stream(data).raw(place)
    except fast.Unreadable as error:
        raise PollError(f"the queue file is not JSON ({error})") from error
    nearby = range(len(records)) if not 0 <= index < len(records) else (index, *range(len(records)))
    for number in nearby:
        found = decode(bytes(records[number]), Notes(), limits.repair_bytes, exact=True).documents
        if found and isinstance(found[0], dict) and _id_of(forms.Found(place, found[0], ())) == task_id:
            return pretty(found[0])
    return None


# -- printing ---------------------------------------------------------------------------------------


def pretty(value: Any) -> str:
    """JSON with an indent of two blanks, fit to be shown line by line."""
    lines: list[str] = []
    _print(value, "", "", "", lines)
    return "\n".join(lines)


def _print(value: Any, lead: str, indent: str, tail: str, lines: list[str]) -> None:
    if isinstance(value, dict):
        pairs = value.pairs if isinstance(value, Members) else list(value.items())
        rows = [(f"{_quoted(key)}: ", inner) for key, inner in pairs]
        opener, closer = "{", "}"
    elif isinstance(value, list):
        rows = [("", inner) for inner in value]
        opener, closer = "[", "]"
    else:
        lines.append(f"{indent}{lead}{_scalar(value)}{tail}")
        return
    if not rows:
        lines.append(f"{indent}{lead}{opener}{closer}{tail}")
        return
    if len(indent) > 2 * _DEEPEST:
        lines.append(f'{indent}{lead}"… nested too deeply to be shown"{tail}')
        return
    lines.append(f"{indent}{lead}{opener}")
    for number, (key, inner) in enumerate(rows):
        _print(inner, key, indent + "  ", "," if number < len(rows) - 1 else "", lines)
    lines.append(f"{indent}{closer}{tail}")


def _scalar(value: Any) -> str:
    if isinstance(value, Literal):
        return str(value)
    if isinstance(value, str):
        return _quoted(value)
    return {None: "null", True: "true", False: "false"}.get(value, "null")


def _quoted(text: str) -> str:
    import json

    plain = json.dumps(text, ensure_ascii=False)
    if plain.isascii() and plain.isprintable():
        return plain
    # What `clean` would alter is escaped, so that the line passes it untouched and stays JSON.
    return "".join(char if clean(char) == char else json.dumps(char)[1:-1] for char in plain)
