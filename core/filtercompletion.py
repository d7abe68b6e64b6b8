"""Completing a filter as it is typed: its keys and its values, like a shell.

Not for what a filter means: that is `core.filter`. Pure.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from core.filter import ORDERED, Field, by_name, in_quotes, names_of, no_such_key, shortened, takes
from core.filterscan import Piece, scan

MOST_CANDIDATES = 100


class Completion(NamedTuple):
    """A text with more of it written, the new place of the cursor, and what could stand there.

    `candidates` is empty where nothing fits or where the one that does was written; `hint` then says
    what is wanted.
    """

    text: str
    cursor: int
    candidates: tuple[str, ...] = ()
    hint: str = ""


def complete(
    text: str, cursor: int, fields: Mapping[str, Field], values: Callable[[Field], Iterable[str]]
) -> Completion:
    """Complete the key or the value that ends at `cursor`, as far as it is certain, like a shell.

    `values` gives the values of a field that are there now; choices are known without it.
    """
    cursor = max(0, min(cursor, len(text)))
    known = by_name(fields)
    terms = scan(text[:cursor], bool(known))
    raw = terms[-1] if terms and terms[-1].end == cursor else None
    if raw is None or not raw.key:
        piece = Piece(cursor, cursor, "") if raw is None else raw.pieces[0]
        if piece.quoted:
            return Completion(text, cursor, (), "plain text")
        names = (*names_of(known), *(("no",) if known else ()))
        return _completed(text, cursor, piece, names, key=True)
    piece = raw.pieces[-1]
    field = known.get(raw.key.casefold().replace("-", "_"))
    if field is None:
        if raw.key.casefold() == "no":
            return _completed(text, cursor, piece, names_of(known))
        return Completion(text, cursor, (), str(no_such_key(raw, known)))
    if field.kind in ORDERED:
        return Completion(text, cursor, (), f"{field.help or field.name}: {takes(field)}")
    done = _completed(text, cursor, piece, field.choices or sorted(values(field), key=_alphabetical))
    if done.candidates or done.text != text:
        return done
    return done._replace(
        hint=f"{field.help or field.name}: nothing there begins with {shortened(piece.text)}"
    )


def _completed(text: str, cursor: int, piece: Piece, names: Iterable[str], key: bool = False) -> Completion:
    typed = piece.text.casefold()
    found = list(dict.fromkeys(name for name in names if name and name.casefold().startswith(typed)))
    if not found:
        return Completion(
            text, cursor, (), "no key begins so; words are looked for in the text" if key else ""
        )
    if len(found) == 1:
        ending = ":" if key else " " if cursor == len(text) else ""
        written = found[0] + ending if key else _written(found[0], piece.quoted) + ending
    else:
        shared = _shared(found)
        if len(shared) <= len(typed):
            return Completion(text, cursor, _shown(found, key))
        written = _written(shared, piece.quoted)
        if written.startswith('"'):
            written = written[:-1]  # the quote stays open: there is more to come
    made = text[: piece.start] + written + text[cursor:]
    return Completion(made, piece.start + len(written), _shown(found, key) if len(found) > 1 else ())


def _alphabetical(name: str) -> tuple[str, str]:
    return name.casefold(), name


def _shown(found: list[str], key: bool) -> tuple[str, ...]:
    return tuple(f"{name}:" if key else name for name in found[:MOST_CANDIDATES])


def _shared(found: list[str]) -> str:
    """What all of them begin with, in the letters of the first."""
    first = found[0]
    size = len(first)
    for other in found[1:]:
        size = min(size, len(other))
        while size and first[:size].casefold() != other[:size].casefold():
            size -= 1
    return first[:size]


def _written(value: str, quoted: bool) -> str:
    """A value as it must be typed: in quotes where it would mean something else without."""
    plain = not any(char.isspace() or char in ',"*' for char in value) and value != "-"
    return value if plain and not quoted else in_quotes(value)
