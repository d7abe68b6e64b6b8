"""How commands print: aligned tables as wide as the terminal, one JSON object, colour only where it may be.

Not for the dashboard. Text from outside has passed `core.text.clean` before it comes here.
"""

import os
import re
import sys
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import msgspec

from core.text import clean
from tui.cli.options import Options
from tui.view.spans import cut, fit, width

T = TypeVar("T")
_SGR = re.compile(r"\x1b\[[0-9;]*m")  # our own, see `paint`; text from outside has none
_HIDDEN = re.compile(r"[^\x20-\x7e\n]")  # candidates; `\n` stands between the lines of our JSON only
# SGR of the words that carry a status. The word says it; colour only helps the eye.
_COLOURS = {
    "ok": "32", "low": "36", "medium": "33", "warning": "33", "warn": "33", "high": "31", "critical": "1;31",
    "error": "31", "bad": "31", "odd": "33", "info": "36", "unknown": "2",
}  # fmt: skip


class Output:
    """Standard output, as the options and the environment want it."""

    def __init__(self, options: Options, environ: Mapping[str, str] | None = None) -> None:
        variables = os.environ if environ is None else environ
        terminal = sys.stdout.isatty()
        self.colour = (
            terminal
            and not options.no_color
            and not variables.get("NO_COLOR")
            and variables.get("TERM", "dumb") not in ("", "dumb")
        )
        self.ascii = options.ascii or not (sys.stdout.encoding or "").lower().replace("-", "").startswith(
            "utf8"
        )
        self._spoken = False
        self.cells = _terminal_width() if terminal else None
        if hasattr(sys.stdout, "reconfigure"):
            sys.stdout.reconfigure(
                errors="backslashreplace", **({"encoding": "ascii"} if options.ascii else {})
            )

    def line(self, text: str = "") -> None:
        """One line, cut at the terminal's edge."""
        self._spoken = True
        if self.ascii:
            text = text.replace("…", "~").replace("·", "-")
        text = _guarded(text)
        if self.cells is not None and _width(text) > self.cells:
            plain = _SGR.sub("", text)
            text = plain[: self.cells] if self.ascii else cut(plain, self.cells)
        sys.stdout.write(text + "\n")

    def flush(self) -> None:
        """Show what was written now: a reader of a pipe waits for each line of `monitor`."""
        sys.stdout.flush()

    def wrapped(self, text: str, indent: str = "  ") -> None:
        """A sentence, over as many lines as the terminal makes necessary."""
        cells = (self.cells or 10**6) - len(indent)
        line = ""
        for word in text.split(" "):
            if line and _width(line) + 1 + _width(word) > cells:
                self.line(indent + line)
                line = word
            else:
                line = f"{line} {word}" if line else word
        self.line(indent + line)

    def heading(self, text: str) -> None:
        """The name of a section, after an empty line unless it is the first thing said."""
        if self._spoken:
            self.line()
        self._spoken = True
        text = _guarded(text)
        sys.stdout.write(f"\x1b[1m{text}\x1b[0m\n" if self.colour else f"{text}\n")

    def table(
        self, head: Sequence[str], rows: Sequence[Sequence[str]], status: int = -1, least: Sequence[str] = ()
    ) -> None:
        """Columns of text; a heading that begins with ">" is right-aligned, the last is never padded.

        `status` is the column whose word is coloured; the columns `least` are left out, in this order, where the
        terminal is too narrow.
        """
        titles = [title.removeprefix(">") for title in head]
        sizes = [
            max(width(titles[i]), *(width(row[i]) for row in rows)) if rows else width(titles[i])
            for i in range(len(head))
        ]
        for title in least:
            if self.cells is None or sum(sizes) + 2 * len(sizes) - 2 <= self.cells:
                break
            at = [name.removeprefix(">") for name in head].index(title)
            head, titles, sizes = _without(head, at), _without(titles, at), _without(sizes, at)
            rows = [_without(row, at) for row in rows]
        for number, row in enumerate([titles, *rows]):
            cells = []
            for i, cell in enumerate(row):
                right = head[i].startswith(">")
                last = i == len(row) - 1
                shown = cell if last and not right else fit(cell, sizes[i], ">" if right else "<")
                cells.append(shown)
            plain = "  ".join(cells).rstrip()
            if number == 0 or status < 0 or not self.colour:
                self.line(plain)
                continue
            if self.cells is not None:
                plain = cut(plain, self.cells)
            start = sum(width(cell) + 2 for cell in cells[:status])
            word = row[status]
            at = plain.find(word, start) if word else -1
            if at >= 0 and word in _COLOURS:
                plain = f"{plain[:at]}{self.paint(word)}{plain[at + len(word) :]}"
            sys.stdout.write(_guarded(plain) + "\n")

    def paint(self, word: str) -> str:
        """A status word in its colour."""
        sgr = _COLOURS.get(word)
        return f"\x1b[{sgr}m{word}\x1b[0m" if self.colour and sgr else word

    def json(self, value: Mapping[str, Any], one_line: bool = False) -> None:
        """One JSON object; over several lines for a person at a terminal, unless it is one of many."""
        sys.stdout.write(json_text(value, indent=0 if one_line else 2) + "\n")


def _guarded(text: str) -> str:
    """The last guard, for whoever forgot to clean: nothing but our own colours acts on a terminal."""
    if text.isascii() and text.isprintable():
        return text
    words = _SGR.split(text)
    return "".join(
        clean(word) + colour for word, colour in zip(words, [*_SGR.findall(text), ""], strict=True)
    )


def _width(text: str) -> int:
    """Cells of a text in which words may be coloured."""
    return width(_SGR.sub("", text)) if "\x1b" in text else width(text)


def _without(row: Sequence[T], at: int) -> list[T]:
    return [*row[:at], *row[at + 1 :]]


def json_text(value: Mapping[str, Any], indent: int = 2) -> str:
    """Strict JSON: NaN and infinity, which it cannot say, are `null`; halves of characters are cleaned.

    What a terminal could act on is written as `\\u009b`: the value is the same, and a person may look at it.
    """
    try:
        raw = msgspec.json.encode(value)
    except UnicodeEncodeError:  # a path that is not UTF-8
        raw = msgspec.json.encode(_encodable(value))
    text = (msgspec.json.format(raw, indent=indent) if indent else raw).decode()
    return text if text.isascii() and "\x7f" not in text else _HIDDEN.sub(_json_escape, text)


def _encodable(value: Any) -> Any:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, Mapping):
        return {_encodable(key): _encodable(item) for key, item in value.items()}
    return [_encodable(item) for item in value] if isinstance(value, list | tuple) else value


def _json_escape(match: re.Match[str]) -> str:
    char = match[0]
    if char == clean(char):
        return char
    units = char.encode("utf-16-be")
    return "".join(f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2))


def _terminal_width() -> int:
    try:
        columns = os.get_terminal_size(sys.stdout.fileno()).columns
    except (OSError, ValueError):
        columns = 0
    return columns if columns > 0 else 80
