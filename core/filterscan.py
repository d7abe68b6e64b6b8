"""The terms of a filter as they are written: any text in, keys, operators and values with their places out.

Nothing is refused and nothing has a meaning here: an unfinished text has terms as well, which
completion needs. What terms mean, and what is wrong with them, is `core.filter`.
"""

from typing import NamedTuple

COMPARE = (">=", "<=", ">", "<")


class Piece(NamedTuple):
    """A word or one of a key's values, and where it stands. `closed` is False for an open quote."""

    start: int
    end: int
    text: str
    quoted: bool = False
    closed: bool = True


class Raw(NamedTuple):
    """One term before it means anything; a lone `-` is an empty word."""

    start: int
    end: int
    negated: bool
    key: str
    op: str
    pieces: tuple[Piece, ...]


def scan(text: str, keys: bool) -> list[Raw]:
    """The terms of any text; nothing is refused here, since completion reads unfinished ones."""
    found: list[Raw] = []
    at, length = 0, len(text)
    while True:
        while at < length and text[at].isspace():
            at += 1
        if at >= length:
            return found
        start = at
        negated = text[at] in "-!"
        at += negated
        key_end, op = _key(text, at) if keys else (at, "")
        if op:
            pieces, end = _values(text, key_end + len(op))
            found.append(Raw(start, end, negated, text[at:key_end], op, pieces))
        else:
            piece = _quote(text, at) if text[at : at + 1] == '"' else _bare(text, at, "")
            end = piece.end
            found.append(Raw(start, end, negated, "", "", (piece,)))
        at = end


def _key(text: str, at: int) -> tuple[int, str]:
    """Where the key that begins at `at` ends, and the operator after it; "" if there is no key."""
    end = at
    while end < len(text) and (text[end].isalnum() or (text[end] in "_-" and end > at)):
        end += 1
    if end == at or not text[at].isalpha() or text[end - 1] == "-" or text[end : end + 1] not in (*":=<>",):
        return at, ""
    two = text[end : end + 2]
    return end, two if two in COMPARE else text[end]


def _values(text: str, at: int) -> tuple[tuple[Piece, ...], int]:
    """The values from `at` on, commas between them, and where they end."""
    pieces: list[Piece] = []
    while True:
        piece = _quote(text, at) if text[at : at + 1] == '"' else _bare(text, at, ",")
        pieces.append(piece)
        at = piece.end
        if text[at : at + 1] != ",":
            return tuple(pieces), at
        at += 1


def _bare(text: str, at: int, stop: str) -> Piece:
    end = at
    while end < len(text) and not text[end].isspace() and text[end] != stop:
        end += 1
    return Piece(at, end, text[at:end])


def _quote(text: str, at: int) -> Piece:
    kept: list[str] = []
    end = at + 1
    while end < len(text):
        char = text[end]
        if char == '"':
            return Piece(at, end + 1, "".join(kept), True)
        if char == "\\" and text[end + 1 : end + 2] in ('"', "\\"):
            end += 1
            char = text[end]
        kept.append(char)
        end += 1
    return Piece(at, len(text), "".join(kept), True, False)
