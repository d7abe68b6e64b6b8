"""A queue file as text with the places of its parts: top-level members, and the elements of `tasks`.

Reads as strictly as `core.balance.strict`, and knows besides where each value stands, so that `rewrite` can
change one and leave every other character alone. Not for what tasks mean: that is `core.balance.facts`.
"""

import json
import re
from typing import Any, NamedTuple

from core.balance.strict import DECODER, NotStandard

TASKS, METADATA = "tasks", "metadata"
_blank = re.compile(r"[ \t\n\r]*").match


class Member(NamedTuple):
    """One `"key": value` of an object: where the key begins, and where the value begins and ends."""

    key: str
    at: int
    begin: int
    end: int
    value: Any


class Sheet(NamedTuple):
    """A queue file, its parts and their places in `text`; `array` is the place of the value of `tasks`."""

    data: bytes
    text: str
    document: dict[str, Any]
    members: tuple[Member, ...]
    elements: tuple[tuple[int, int], ...]
    array: tuple[int, int]

    @property
    def tasks(self) -> list[Any]:
        """The values of the elements of `tasks`."""
        found: list[Any] = self.document[TASKS]
        return found

    def element(self, index: int) -> str:
        """The text of one element of `tasks`."""
        begin, end = self.elements[index]
        return self.text[begin:end]

    def places(self, task_id: str) -> list[int]:
        """At which elements of `tasks` this id stands."""
        return [
            index
            for index, row in enumerate(self.tasks)
            if isinstance(row, dict) and row.get("task_id") == task_id
        ]

    def has_done(self, task_id: str) -> bool:
        """Whether the id is in the file's history."""
        history = self.document.get("history")
        return isinstance(history, list) and any(
            isinstance(row, dict) and row.get("task_id") == task_id for row in history
        )


def sheet_of(data: bytes) -> Sheet:
    """The parts of a standard queue file.

    Raises:
        NotStandard: it is none.
    """
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise NotStandard(f"is not UTF-8: byte 0x{data[error.start]:02x} at {error.start}") from None
    if text.startswith("\ufeff"):
        raise NotStandard("begins with a byte order mark")
    elements: list[tuple[int, int]] = []
    try:
        begin = _after_blank(text, 0)
        if text[begin : begin + 1] != "{":
            DECODER.decode(text)  # says what is wrong, if it is no JSON at all
            raise NotStandard("is no JSON object")
        members, end = _object(text, begin, elements)
        if (rest := _after_blank(text, end)) != len(text):
            raise json.JSONDecodeError("Extra data", text, rest)
    except json.JSONDecodeError as error:
        raise NotStandard(f"is not JSON: {error.msg}, line {error.lineno} column {error.colno}") from None
    except RecursionError:
        raise NotStandard("is nested too deeply") from None
    except ValueError as error:
        raise NotStandard(f"is not strict JSON: {error}") from None
    document = {member.key: member.value for member in members}
    if not isinstance(document.get(TASKS), list):
        raise NotStandard("has no list `tasks`" if TASKS not in document else "`tasks` is no list")
    array = next((member.begin, member.end) for member in members if member.key == TASKS)
    return Sheet(data, text, document, tuple(members), tuple(elements), array)


def object_members(text: str) -> list[Member]:
    """The members of the object that `text` is.

    Raises:
        NotStandard: it is none.
    """
    try:
        if text[:1] != "{":
            raise ValueError("no object")
        members, end = _object(text, 0, None)
        if end != len(text):
            raise ValueError("more than one value")
    except (ValueError, RecursionError) as error:
        raise NotStandard(f"holds no JSON object: {error}") from None
    return members


def _object(text: str, at: int, elements: list[tuple[int, int]] | None) -> tuple[list[Member], int]:
    """The members of the object that begins at `at`, and its end; those of `tasks` into `elements`."""
    members: list[Member] = []
    seen: set[str] = set()
    at = _after_blank(text, at + 1)
    if text[at : at + 1] == "}":
        return members, at + 1
    while True:
        if text[at : at + 1] != '"':
            raise json.JSONDecodeError("Expecting property name enclosed in double quotes", text, at)
        key, end = DECODER.raw_decode(text, at)
        colon = _after_blank(text, end)
        if text[colon : colon + 1] != ":":
            raise json.JSONDecodeError("Expecting ':' delimiter", text, colon)
        begin = _after_blank(text, colon + 1)
        if elements is not None and key == TASKS and text[begin : begin + 1] == "[":
            value, end = _array(text, begin, elements)
        else:
            value, end = DECODER.raw_decode(text, begin)
        if key in seen:
            raise ValueError(f"the key {key[:60]!r} occurs twice in one object")
        seen.add(key)
        members.append(Member(key, at, begin, end, value))
        at = _after_blank(text, end)
        if text[at : at + 1] == "}":
            return members, at + 1
        if text[at : at + 1] != ",":
            raise json.JSONDecodeError("Expecting ',' delimiter", text, at)
        at = _after_blank(text, at + 1)


def _array(text: str, at: int, spans: list[tuple[int, int]]) -> tuple[list[Any], int]:
    values: list[Any] = []
    at = _after_blank(text, at + 1)
    if text[at : at + 1] == "]":
        return values, at + 1
    while True:
        value, end = DECODER.raw_decode(text, at)
        values.append(value)
        spans.append((at, end))
        at = _after_blank(text, end)
        if text[at : at + 1] == "]":
            return values, at + 1
        if text[at : at + 1] != ",":
            raise json.JSONDecodeError("Expecting ',' delimiter", text, at)
        at = _after_blank(text, at + 1)


def _after_blank(text: str, at: int) -> int:
    found = _blank(text, at)
    assert found is not None  # it matches nothing at all, too
    return found.end()
