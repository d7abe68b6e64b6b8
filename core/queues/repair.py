"""Reads on where JSON has been broken by hand: what stands before and after is kept.

Walks by hand only along the way to each error; everything whole is left to the C scanner.
Every repair is remarked with its place. `lossy` says that some value could not be read,
`broken` that the text ends in the middle, as it does while somebody writes it.
"""

import re
from collections.abc import Callable
from json.decoder import scanstring  # type: ignore[attr-defined]
from typing import Any, Final

from core.queues.notes import ERROR, ODD, Notes, Path
from core.text import clean_line

Scan = Callable[[str, int], tuple[Any, int]]

# Deeper than this nothing is repaired: a container with an error in it is left out whole.
_DEEPEST = 64
_SPACE = re.compile(r"[ \t\n\r]*")
_COMMENT = re.compile(r"//[^\n]*|#[^\n]*|/\*.*?\*/", re.S)
_MARKER = re.compile(r"(?:<{7}|={7}|>{7}|\|{7})(?: [^\n]*)?(?=\r?\n|$)")
_JUNK = re.compile(
    r'"(?:[^"\\\n]|\\.)*+"|\'(?:[^\'\\\n]|\\.)*+\'|`[^`]*`|[()\[\]{},]|[^()\[\]{},"\'`]+|.', re.S
)
_BRACKET = re.compile(r'"(?:[^"\\]|\\.)*+"|[\[\]{}]|"', re.S)
_WORD = re.compile(r"'([^'\\\n]*)'|([A-Za-z_$][\w$-]*)")
_WORDS = {"None": None, "undefined": None, "True": True, "False": False}
_NEXT_DOCUMENT = re.compile(r"[\[{]")
_PAIRS = {"(": ")", "[": "]", "{": "}"}


class _Missing:
    """Stands for a value that could not be read."""


MISSING: Final = _Missing()


class Repair:
    """One walk through `text`. `scan` is the C scanner to use for what is whole."""

    def __init__(self, text: str, scan: Scan, notes: Notes) -> None:
        self._text, self._scan, self._notes = text, scan, notes
        self._path: list[str | int] = []
        self.lossy = self.broken = False

    def documents(self, at: int, number: int = 0) -> tuple[list[Any], list[int]]:
        """Every document from `at` on, and where each begins; the first is called `number`."""
        found: list[Any] = []
        starts: list[int] = []
        self._path = [number]
        while (at := self._space(at)) < len(self._text):
            char = self._text[at]
            if char in '{["':
                value, end = self._value(at)
                if value is not MISSING:
                    found.append(value)
                    starts.append(at)
                    self._path = [number + len(found)]
                at = max(end, at + 1)
                continue
            self._lose("stray_text", f"not JSON, left out: {self._quote(at)}", at)
            following = _NEXT_DOCUMENT.search(self._text, at + 1)
            at = following.start() if following is not None else len(self._text)
        return found, starts

    # -- values -------------------------------------------------------------------------------

    def _value(self, at: int) -> tuple[Any, int]:
        """The value that begins at `at`, MISSING if it cannot be read, and where it ends."""
        text = self._text
        char = text[at]
        deep = False
        try:
            return self._scan(text, at)
        except (StopIteration, ValueError):
            pass
        except RecursionError:
            deep = True
        if char in "{[":
            if len(self._path) < _DEEPEST:
                return self._object(at) if char == "{" else self._array(at)
            what = "nested too deeply" if deep else "broken, and nested too deeply to be repaired"
            self._lose("too_deep", f"left out, for it is {what}", at)
            return MISSING, self._end_of_container(at)
        if char == '"':
            self._end(at, "inside a text")
            return MISSING, len(text)
        return MISSING, at

    def _object(self, at: int) -> tuple[dict[str, Any], int]:
        text, found = self._text, dict[str, Any]()
        begin, at, comma = at, at + 1, -1
        while True:
            at = self._space(at)
            if at >= len(text):
                self._end(at, "before an object is closed", begin)
                return found, at
            char = text[at]
            if char == "}":
                self._trailing(comma)
                return found, at + 1
            if char == "]":
                self._lose("wrong_bracket", "']' where the object should be closed with '}'", at)
                return found, at if len(self._path) > 1 else at + 1
            if char == ",":
                self._repair("extra_comma", "a comma with nothing before it", at)
                at += 1
                continue
            key, after = self._key(at)
            if key is None:
                if after > at:
                    return found, after
                self._lose("syntax", f"a key was expected, not {self._quote(at)}", at)
                at = self._after_junk(at)
            else:
                self._path.append(key)
                value, at = self._member(after)
                self._path.pop()
                if value is not MISSING:
                    found[key] = value
            at, comma = self._separator(at, "}")

    def _key(self, at: int) -> tuple[str | None, int]:
        """A key, and where it ends; None where there is none (at the end of the text if it breaks off)."""
        text = self._text
        if text[at] == '"':
            try:
                return scanstring(text, at + 1, False)  # type: ignore[no-any-return]
            except ValueError:
                self._end(at, "inside a key")
                return None, len(text)
        word = _WORD.match(text, at)
        if word is None:
            return None, at
        self._repair("bare_key", "a key without double quotes", at)
        return (word[1] if word[1] is not None else word[2]), word.end()

    def _member(self, at: int) -> tuple[Any, int]:
        text = self._text
        at = self._space(at)
        if at >= len(text):
            return MISSING, at
        if text[at] == ":":
            at = self._space(at + 1)
        else:
            self._repair("missing_colon", "a colon is missing after the key", at)
        if at >= len(text):
            return MISSING, at
        if text[at] in ",}]":
            self._lose("missing_value", f"the key {clean_line(str(self._path[-1]), 40)!r} has no value", at)
            return MISSING, at
        return self._whole_value(at)

    def _array(self, at: int) -> tuple[list[Any], int]:
        text, found = self._text, list[Any]()
        begin, at, comma = at, at + 1, -1
        while True:
            at = self._space(at)
            if at >= len(text):
                self._end(at, "before a list is closed", begin)
                return found, at
            char = text[at]
            if char == "]":
                self._trailing(comma)
                return found, at + 1
            if char == "}":
                self._lose("wrong_bracket", "'}' where the list should be closed with ']'", at)
                return found, at if len(self._path) > 1 else at + 1
            if char == ",":
                self._repair("extra_comma", "a comma with nothing before it", at)
                at += 1
                continue
            self._path.append(len(found))
            value, at = self._whole_value(at)
            self._path.pop()
            if value is not MISSING:
                found.append(value)
            at, comma = self._separator(at, "]")

    def _whole_value(self, at: int) -> tuple[Any, int]:
        """A value with nothing behind it; MISSING for an expression, which is skipped."""
        text = self._text
        value, end = self._value(at)
        if value is MISSING and end == at:
            word = _WORD.match(text, at)
            if word is not None and (word[1] is not None or word[2] in _WORDS):
                value, end = (word[1] if word[1] is not None else _WORDS[word[2]]), word.end()
                following = self._space(end)
                if following >= len(text) or text[following] in ",}]":
                    self._repair("not_json_value", f"{self._quote(at)} is not how JSON writes it", at)
                    return value, end
            return self._expression(at)
        following = self._space(end)
        if value is MISSING or following >= len(text) or text[following] in ",}]":
            return value, end
        if text[at] in "{[" or text[following] in '"{[' or "\n" in text[end:following]:
            return value, end  # a comma is missing
        return self._expression(at)

    def _expression(self, at: int) -> tuple[Any, int]:
        end = self._after_junk(at)
        code, cut = clean_line(self._text[at : min(end, at + 400)], 60), self._short()
        self._lose("expression", f"not JSON but an expression, left out: {cut}{code}", at)
        return MISSING, end

    # -- what stands between ------------------------------------------------------------------

    def _separator(self, at: int, closer: str) -> tuple[int, int]:
        """Past the comma after a member or element, and where the comma is (-1: there is none)."""
        at = self._space(at)
        if at >= len(self._text) or self._text[at] in "}]":
            return at, -1
        if self._text[at] == ",":
            return at + 1, at
        self._repair("missing_comma", f"a comma is missing before {self._quote(at)}", at)
        return at, -1

    def _trailing(self, comma: int) -> None:
        if comma >= 0:
            self._repair("trailing_comma", "a comma stands after the last element", comma)

    def _space(self, at: int) -> int:
        """Past white space, comments and conflict markers."""
        text = self._text
        while True:
            match = _SPACE.match(text, at)
            at = match.end() if match is not None else at
            char = text[at : at + 1]
            if char in "<=>|" and char and (at == 0 or text[at - 1] == "\n"):
                marker = _MARKER.match(text, at)
                if marker is not None:
                    self._lose("conflict", f"a conflict marker of git: {self._quote(at)}", at)
                    at = marker.end()
                    continue
            elif char in "/#" and char:
                comment = _COMMENT.match(text, at)
                if comment is not None:
                    self._repair("comment", "a comment, which JSON does not have", at)
                    at = comment.end()
                    continue
            return at

    def _after_junk(self, at: int) -> int:
        """The next comma or closing bracket that belongs to the container `at` is in; the end if none."""
        closers: list[str] = []
        for match in _JUNK.finditer(self._text, at):
            token = match[0]
            if token in _PAIRS:
                closers.append(_PAIRS[token])
            elif closers and token == closers[-1]:
                closers.pop()
            elif not closers and token in (",", "]", "}"):
                return match.start()
        return len(self._text)

    def _end_of_container(self, at: int) -> int:
        depth = 0
        for match in _BRACKET.finditer(self._text, at):
            token = match[0]
            if token in "{[":
                depth += 1
            elif token in "}]":
                depth -= 1
                if depth == 0:
                    return match.end()
        self._end(len(self._text), "inside a deeply nested value", at)
        return len(self._text)

    # -- remarks ------------------------------------------------------------------------------

    def _repair(self, code: str, detail: str, at: int) -> None:
        self._notes.add(ODD, code, detail, at, tuple(self._path))

    def _lose(self, code: str, detail: str, at: int) -> None:
        self.lossy = True
        self._notes.add(ERROR, code, detail, at, tuple(self._path))

    def _end(self, at: int, where: str, begin: int = -1) -> None:
        """The text ends in the middle of something; the innermost is told first and is enough."""
        if not self.broken:
            path: Path = tuple(self._path)
            self._notes.add(ERROR, "truncated", f"the file ends {where}", min(at, len(self._text)), path)
        self.broken = self.lossy = True

    def _short(self) -> str:
        key = next((step for step in reversed(self._path) if isinstance(step, str)), "")
        return f"{clean_line(key, 40)}: " if key else ""

    def _quote(self, at: int) -> str:
        line = self._text[at : at + 100].split("\n", 1)[0]
        return f"'{clean_line(line, 30)}'"
