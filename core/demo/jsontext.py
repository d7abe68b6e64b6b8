"""JSON in and out for the fleet, as the real agents lay it out: two spaces, raw UTF-8.

Not the `json` package: that brings `re` along, and with it 1.2 MB that the fleet would hold for
nothing. The scanner and the string encoder below are the very ones that `json` uses in C. Not for
files of strangers: those are read by `core.queues`.
"""

from __future__ import annotations

import _json

# True for type checkers only: `typing` is 1.5 MB, and nothing here needs it at run time.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_quote = _json.encode_basestring


class _Context:
    """What the C scanner asks of a decoder."""

    strict = True
    object_hook = None
    object_pairs_hook = None
    parse_float = float
    parse_int = int
    parse_constant = float
    memo: dict[str, str] = {}  # noqa: RUF012 - the scanner's own cache, emptied by it after each call


_scan = _json.make_scanner(_Context())  # type: ignore[arg-type]  # it asks for these six fields only


def parse(text: str) -> Any:
    """The one value in the text. Raises ValueError where there is none, or more than one."""
    start = len(text) - len(text.lstrip(" \t\r\n"))
    try:
        value, end = _scan(text, start)
    except StopIteration:
        raise ValueError("no JSON value") from None
    if text[end:].strip(" \t\r\n"):
        raise ValueError("more than one JSON value")
    return value


def pretty(value: object) -> str:
    """The same text that `json.dumps(value, indent=2, ensure_ascii=False)` gives."""
    return _text(value, "\n")


class Printer:
    """Prints one document again and again; a record that is the same object as last time costs nothing."""

    def __init__(self) -> None:
        # The record is kept beside its text, so that no other can come to have its id.
        self._known: dict[int, tuple[object, str]] = {}

    def pretty(self, document: dict[str, Any]) -> str:
        """The same text as `pretty(document)`, for an object whose lists hold records."""
        known: dict[int, tuple[object, str]] = {}
        parts: list[str] = []
        opening = "{"
        for key, value in document.items():
            parts.append(f"{opening}\n  {_quote(key)}: ")
            if isinstance(value, list) and value:
                for position, record in enumerate(value):
                    parts.append(",\n    " if position else "[\n    ")
                    if id(record) not in known:
                        known[id(record)] = self._known.get(id(record)) or (record, _text(record, "\n    "))
                    parts.append(known[id(record)][1])
                parts.append("\n  ]")
            else:
                _write(value, "\n  ", parts)
            opening = ","
        self._known = known
        parts.append("\n}" if document else "{}")
        return "".join(parts)


def _text(value: object, line: str) -> str:
    parts: list[str] = []
    _write(value, line, parts)
    return "".join(parts)


def _write(value: object, line: str, parts: list[str]) -> None:
    if isinstance(value, str):
        parts.append(_quote(value))
    elif value is None:
        parts.append("null")
    elif isinstance(value, bool):
        parts.append("true" if value else "false")
    elif isinstance(value, int | float):
        parts.append(repr(value))
    elif isinstance(value, dict):
        opening, inner = "{", line + "  "
        for key, item in value.items():
            # Most values are text: taking them here halves the cost of a file.
            if isinstance(item, str):
                parts.append(f"{opening}{inner}{_quote(key)}: {_quote(item)}")
            else:
                parts.append(f"{opening}{inner}{_quote(key)}: ")
                _write(item, inner, parts)
            opening = ","
        parts.append(line + "}" if value else "{}")
    elif isinstance(value, list | tuple):
        opening, inner = "[", line + "  "
        for item in value:
            if isinstance(item, str):
                parts.append(f"{opening}{inner}{_quote(item)}")
            else:
                parts.append(opening + inner)
                _write(item, inner, parts)
            opening = ","
        parts.append(line + "]" if value else "[]")
    else:
        raise TypeError(f"{type(value).__name__} has no place in a queue file")
