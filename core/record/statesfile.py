"""The states file: the last status of every task, so that a start need not read the whole journal.

One JSON text a line: a head, the agents, and how many they are, without which the file broke off.

    {"schema": "bluetop.tasks/1", "complete": true, "bytes": 5120, "mark": "9f0c2b1d-118", "watched": [[1.5, 9.0]]}
    ["CA", "p\\tTASK-1\\t3\\nc\\tTASK-2"]
    ["CB", null]                            never well read
    ["CC", "i\\tTASK-3", "part"]             it may have had more tasks than these
    {"end": 3}

Not for when it is written, nor for what came after it: that is `journal`.
"""

import contextlib
import math
import os
from collections.abc import Container, Iterable, Mapping
from typing import Any, NamedTuple

from core.queues.states import parse
from core.record import files
from core.text import clean

Span = tuple[float, float]
MOST_SPANS = 200
# A larger one is not ours: a million tasks are 40 MB.
MOST_BYTES = 1024 * 1024 * 1024
_PART = "part"
_PIECE = 1024 * 1024
_WHITE = str.maketrans("", "", "\n\t")


class Kept(NamedTuple):
    """What the file says. `states` maps agent → text of `core.queues.states`, None: never well read.

    Agents in `partial` may have had more tasks than their text; without `complete` there may have
    been more agents. `offset` bytes of the journal with the `mark` are in it; `size` is its own.
    """

    states: dict[str, str | None]
    partial: set[str]
    complete: bool
    watched: tuple[Span, ...]
    offset: int
    mark: str
    size: int


def read(path: str) -> Kept:
    """The file at `path`.

    Raises:
        FileNotFoundError: there is none.
        ValueError: it is broken, or not ours.
        OSError: it cannot be read.
    """
    with os.fdopen(files.open_regular(path, os.O_RDONLY), "rb", buffering=_PIECE) as file:
        if os.fstat(file.fileno()).st_size > MOST_BYTES:
            raise ValueError("it is too large")
        try:
            head = files.decoded(file.readline())
            if head["schema"] != files.SCHEMA:
                raise ValueError(f"its schema is {head['schema']!r}")
            states: dict[str, str | None] = {}
            partial: set[str] = set()
            for line in file:
                row = files.decoded(line)
                if isinstance(row, dict):
                    if row["end"] != len(states):
                        raise ValueError("agents are missing")
                    offset = head["bytes"]
                    if type(offset) is not int or offset < 0:
                        raise ValueError("its place in the journal is no number")
                    return Kept(
                        states, partial, head["complete"] is True, _spans(head["watched"]), offset,
                        str(head["mark"]), file.tell(),
                    )  # fmt: skip
                name, text, *more = row
                _check(name, text)
                states[name] = text
                if more == [_PART]:
                    partial.add(name)
        except (TypeError, KeyError, IndexError, AttributeError, RecursionError, OverflowError) as error:
            raise ValueError("it is not written as it should be") from error
    raise ValueError("it breaks off")


def _spans(value: Any) -> tuple[Span, ...]:
    spans = tuple([(float(begin), float(end)) for begin, end in value])
    if not all(math.isfinite(begin) and begin <= end < math.inf for begin, end in spans):
        raise ValueError("its spans of time are none")
    return spans


def _check(name: Any, text: Any) -> None:
    """Refuse what is not fit to be shown, or could not have been read from a queue."""
    if type(name) is not str or clean(name) != name:
        raise ValueError("an agent has an odd name")
    if text is None:
        return
    plain = text.translate(_WHITE)
    if not (plain.isascii() and plain.isprintable()) and clean(plain) != plain:
        raise ValueError("a task has an odd name")
    states = parse(text)
    if text and len(states) != text.count("\n") + 1:
        raise ValueError("a task has two lines")
    if any(state.promised is not None and state.promised < 0 for state in states.values()):
        raise ValueError("a number of deliverables is negative")


def write(
    path: str, states: Mapping[str, str | None], partial: Container[str], watched: Iterable[Span],
    offset: int, mark: str,
) -> int:  # fmt: skip
    """Put a new file in the place of the old one; its size. Agents without tasks are left out.

    Raises:
        OSError: the old file stands.
    """
    head = {
        "schema": files.SCHEMA, "complete": True, "bytes": offset, "mark": mark,
        "watched": list(watched)[-MOST_SPANS:],
    }  # fmt: skip
    temporary = path + ".tmp"
    discard(path)
    try:
        fd = files.open_regular(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        with os.fdopen(fd, "wb", buffering=_PIECE) as file:
            file.write(_line(head))
            number = 0
            for agent, text in states.items():
                if agent in partial:
                    file.write(_line([agent, text, _PART]))
                elif text != "":
                    file.write(_line([agent, text]))
                else:
                    continue
                number += 1
            file.write(_line({"end": number}))
            file.flush()
            size = file.tell()
            os.fsync(fd)
        os.replace(temporary, path)
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
    return size


def discard(path: str) -> None:
    """Take away what a writer that was killed left beside the file.

    Raises:
        OSError: it cannot be removed.
    """
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path + ".tmp")


def _line(value: Any) -> bytes:
    return files.encoded(value).encode("utf-8", "replace") + b"\n"
