"""Bytes of a queue file → JSON documents, forgiving and exact.

Takes what the files of real agents hold: one document, several one after another, a byte
order mark, UTF-16, trailing commas, JavaScript, half a file. What is not as JSON demands is
remarked with its place. Never raises over content, however deep, long or broken it is.

Not for the meaning of what is read (`forms`), and not for speed (`fast`).
"""

import json
import re
from collections.abc import Callable
from typing import Any, NamedTuple

from core.queues.notes import ERROR, ODD, Notes, Path, place_of
from core.queues.repair import Repair, Scan

# How good the reading is. Nothing is lost up to REPAIRED; from PARTIAL on something is.
WHOLE, REPAIRED, PARTIAL, BROKEN = range(4)

_BOMS = (
    (b"\xef\xbb\xbf", "utf-8", "UTF-8 with a byte order mark"),
    (b"\xff\xfe\0\0", "utf-32-le", "UTF-32"),
    (b"\0\0\xfe\xff", "utf-32-be", "UTF-32"),
    (b"\xff\xfe", "utf-16-le", "UTF-16"),
    (b"\xfe\xff", "utf-16-be", "UTF-16"),
)
_SURROGATE = re.compile(
    r"\\(?:u([dD][89abAB][0-9a-fA-F]{2})(\\u[dD][c-fC-F][0-9a-fA-F]{2})?|u([dD][c-fC-F][0-9a-fA-F]{2})|.)",
    re.S,
)
_SPACE = re.compile(r"[ \t\n\r]*")


class Decoded(NamedTuple):
    """The documents of a file, where each begins in `text`, and how good the reading is."""

    documents: list[Any]
    starts: list[int]
    text: str
    level: int


class _Parser:
    """A C scanner that remarks on duplicate keys and on what is no JSON number."""

    def __init__(self, strict: bool, exact: bool) -> None:
        self.strict, self.exact = strict, exact
        self.twice: list[str] = []
        self.constants: list[str] = []
        self.scan = self._scanner(None)

    def _scanner(self, parse_int: Callable[[str], Any] | None) -> Scan:
        decoder = json.JSONDecoder(
            object_pairs_hook=_members if self.exact else self._pairs,
            parse_float=Literal if self.exact else None,
            parse_int=Literal if self.exact else parse_int,
            parse_constant=Literal if self.exact else self._constant,
            strict=self.strict,
        )
        scan: Scan = decoder.scan_once  # type: ignore[attr-defined]
        return scan

    def _pairs(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs) and len(self.twice) < 100:
            seen: set[str] = set()
            self.twice += [key for key, _ in pairs if key in seen or seen.add(key)]  # type: ignore[func-returns-value]
        return found

    def _constant(self, name: str) -> float:
        self.constants.append(name)
        return float(name.replace("Infinity", "inf"))

    def with_long_integers(self) -> "_Parser":
        """The same, for numbers of more digits than Python converts: those become infinite."""
        self.scan = self._scanner(_long_int)
        return self


class Literal(str):
    """A number exactly as it is written."""

    __slots__ = ()


class Members(dict[str, Any]):
    """An object with all its members in `pairs`, duplicate keys too."""

    pairs: list[tuple[str, Any]]


def _members(pairs: list[tuple[str, Any]]) -> Members:
    found = Members(pairs)
    found.pairs = pairs
    return found


def _long_int(digits: str) -> float | int:
    if len(digits) <= 400:
        return int(digits)
    return float("-inf") if digits[0] == "-" else float("inf")


def decode(data: bytes | bytearray, notes: Notes, repair_bytes: int, exact: bool = False) -> Decoded:
    """Every JSON document in `data`. With `exact`, numbers are `Literal` and objects are `Members`."""
    text, level = to_text(data, notes)
    start = _end_of_space(text, 0)
    if start == len(text):
        return Decoded([], [], text, level)
    parser = _Parser(strict=True, exact=exact)
    documents, starts, at, error = _all_documents(text, start, parser)
    for _ in range(2):
        if isinstance(error, json.JSONDecodeError):
            if not error.msg.startswith("Invalid control character") or not parser.strict:
                break
            notes.add(ODD, "control_character", "a control character stands unescaped in a text", error.pos)
            level = max(level, REPAIRED)
            parser = _Parser(strict=False, exact=exact)
        elif isinstance(error, ValueError):
            where = _long_number(text)
            notes.add(ODD, "huge_integer", "a number of thousands of digits is taken for infinite", where)
            parser = parser.with_long_integers()
        else:
            break
        documents, starts, at, error = _all_documents(text, start, parser)
    if error is None:
        if len(documents) > 1:
            line, _ = place_of(text, starts[1])
            detail = (
                f"{len(documents)} JSON documents stand one after another; the second begins in line {line}"
            )
            notes.add(ODD, "documents", detail, starts[1])
    elif len(data) > repair_bytes:
        where = error.pos if isinstance(error, json.JSONDecodeError) else at
        what = error.msg if isinstance(error, json.JSONDecodeError) else "nested too deeply"
        notes.add(ERROR, "syntax", f"not JSON ({what}), and too large to be repaired", where)
        level = BROKEN
    else:
        repair = Repair(text, parser.scan, notes)
        more, more_starts = repair.documents(at, len(documents))
        documents += more
        starts += more_starts
        level = max(level, BROKEN if repair.broken else PARTIAL if repair.lossy else REPAIRED)
    _remark(text, parser, notes)
    return Decoded(documents, starts, text, level)


def _all_documents(text: str, at: int, parser: _Parser) -> tuple[list[Any], list[int], int, Exception | None]:
    """Documents up to the end of `text`, or up to the first error; then `at` is where that document begins."""
    documents: list[Any] = []
    starts: list[int] = []
    parser.twice.clear()
    parser.constants.clear()
    while at < len(text):
        try:
            value, end = parser.scan(text, at)
        except StopIteration as stop:
            return documents, starts, at, json.JSONDecodeError("Expecting value", text, stop.value)
        except (ValueError, RecursionError) as error:
            return documents, starts, at, error
        documents.append(value)
        starts.append(at)
        at = _end_of_space(text, end)
    return documents, starts, at, None


def _end_of_space(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found is not None else at


def to_text(data: bytes | bytearray, notes: Notes) -> tuple[str, int]:
    """The text of `data`, and how good the reading is."""
    encoding, name, skip = "utf-8", "", 0
    for mark, code, label in _BOMS:
        if data.startswith(mark):
            encoding, name, skip = code, label, len(mark)
            break
    else:
        if len(data) >= 2 and (data[0] == 0) != (data[1] == 0):
            encoding, name = ("utf-16-be" if data[0] == 0 else "utf-16-le"), "UTF-16"
    level = WHOLE
    if name:
        notes.add(ODD, "encoding", f"the file is {name}, not plain UTF-8", 0)
    body = memoryview(data)[skip:]
    try:
        text = str(body, encoding)
    except UnicodeDecodeError as error:
        text = str(body, encoding, "replace")
        where = len(str(body[: error.start], encoding, "replace"))
        byte = f"byte 0x{body[error.start]:02x}"
        notes.add(ERROR, "bad_utf8", f"{byte} is not {encoding.upper()[:6].rstrip('-')}", where)
        level = PARTIAL
    whole = text.rstrip("\0")
    if len(whole) != len(text):
        count = len(text) - len(whole)
        notes.add(
            ERROR,
            "nul_bytes",
            f"the file ends in {count} NUL bytes, as after a crash while it was written",
            len(whole),
        )
        text, level = whole, PARTIAL
    return text, level


def _remark(text: str, parser: _Parser, notes: Notes) -> None:
    """Oddities that the scanner does not stop at: duplicate keys, NaN, halves of surrogate pairs."""
    if parser.twice:
        where, path = _second_key(text)
        key = path[-1] if path else parser.twice[0]
        detail = f'the key "{key}" occurs twice in one object; the last one counts'
        notes.add(ERROR, "duplicate_key", detail, where, path)
    if parser.constants:
        name = parser.constants[0]
        found = re.search(rf"(?<=[:\[,\s]){re.escape(name)}\b", text)
        detail = f"{name} is no JSON number; taken as unknown"
        notes.add(ODD, "not_a_number", detail, found.start() if found else -1)
    if "\\ud" in text or "\\uD" in text:
        for match in _SURROGATE.finditer(text):
            if match[3] or (match[1] and not match[2]):
                notes.add(ODD, "surrogate", f"\\u{match[1] or match[3]} is half a character", match.start())
                break


_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*+"|[{}\[\]:,]|[^\s{}\[\]:,"]+', re.S)


def _second_key(text: str) -> tuple[int, Path]:
    """Where the first key stands that its object already has, and its path."""
    stack: list[tuple[set[str] | None, str | int]] = []
    last, key_next, number = "", False, -1
    for match in _TOKEN.finditer(text):
        token = match[0]
        if token in "{[" and not stack:
            number += 1
        if token == "{":
            stack.append((set(), ""))
            key_next = True
        elif token == "[":
            stack.append((None, 0))
        elif token in "}]":
            if stack:
                stack.pop()
        elif token == ",":
            key_next = bool(stack) and stack[-1][0] is not None
            if stack and isinstance(stack[-1][1], int):
                stack[-1] = (None, stack[-1][1] + 1)
        elif key_next and token[0] == '"' and stack:
            key_next = False
            keys = stack[-1][0]
            last = token[1:-1]
            if keys is not None:
                stack[-1] = (keys, last)
                if last in keys:
                    return match.start(), (number, *(step for _, step in stack))
                keys.add(last)
    return -1, ()


def _long_number(text: str) -> int:
    found = re.search(r"\d{4300}", text)
    return found.start() if found else -1


def locate(text: str, start: int, path: Path) -> int:
    """Offset of the value at `path` in the document that begins at `start`; -1 if it is not there.

    Only for valid JSON: it follows the very text that was read.
    """
    scan = _Parser(strict=False, exact=True).scan
    at = start
    try:
        for step in path:
            opener = text[at : at + 1]
            at = _end_of_space(text, at + 1)
            if opener == "{":
                while True:
                    key, at = scan(text, at)
                    at = _end_of_space(text, _end_of_space(text, at) + 1)
                    if key == step:
                        break
                    _, at = scan(text, at)
                    at = _end_of_space(text, _end_of_space(text, at) + 1)
            elif opener == "[" and isinstance(step, int):
                for _ in range(step):
                    _, at = scan(text, at)
                    at = _end_of_space(text, _end_of_space(text, at) + 1)
            else:
                return -1
    except (StopIteration, ValueError, RecursionError):
        return -1
    return at
