"""Recorded samples, line by line: those of a replay, and what `bluetop monitor --json` printed, made into such.

A line of monitor is the figures of one moment; its time is wall time to the second. Figures of single agents are
not in it. Nothing is kept of what was read.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import IO, Any

import msgspec

from core.queues.times import parse

LONGEST = 1 << 20
# A line that is no line of samples, for what is too long to be one: it counts as invalid.
UNREADABLE = b"{\n"
_MONITOR = b'"bluetop.monitor/1"'
# Figures of a line of monitor that are metrics of the host, and those of its `fleet`.
_FIGURES = ("cpu_percent", "memory_percent", "disk_io_mb_per_s", "open_files")
_SUMS = {"pending": "pending_tasks", "in_progress": "in_progress_tasks"}
# So many lines are read between two reports of how far it is.
_PIECE = 4096

Told = Callable[[int], None]


class _Time(msgspec.Struct):
    t: float


class _Monitor(msgspec.Struct):
    at: str
    cpu_percent: float | None = None
    memory_percent: float | None = None
    disk_io_mb_per_s: float | None = None
    open_files: float | None = None
    fleet: dict[str, Any] | None = None


_time = msgspec.json.Decoder(_Time).decode
_monitor = msgspec.json.Decoder(_Monitor).decode
_encode = msgspec.json.Encoder().encode


def lines_of(file: IO[bytes], told: Told) -> Iterator[bytes]:
    """The lines of a file; `told` hears now and then how many bytes have been read.

    Raises:
        OSError: it cannot be read any further.
    """
    readline, done, count = file.readline, 0, 0
    while line := readline(LONGEST):
        done += len(line)
        count += 1
        if len(line) == LONGEST and not line.endswith(b"\n"):
            while (rest := readline(LONGEST)) and not rest.endswith(b"\n"):
                done += len(rest)
            line = UNREADABLE
        yield line
        if count % _PIECE == 0:
            told(done)


def pieces(lines: Iterable[bytes]) -> Iterator[list[bytes]]:
    """The lines in lists, for who goes over each of them more than once."""
    piece: list[bytes] = []
    for line in lines:
        piece.append(line)
        if len(piece) == _PIECE:
            yield piece
            piece = []
    if piece:
        yield piece


def as_samples(lines: Iterable[bytes]) -> Iterator[bytes]:
    """The lines, those of monitor made into lines of samples."""
    for line in lines:
        if _MONITOR in line:
            yield from _converted(line)
        else:
            yield line


def _converted(line: bytes) -> Iterator[bytes]:
    try:
        read = _monitor(line)
    except msgspec.DecodeError:
        yield UNREADABLE
        return
    found = parse(read.at)
    if found is None:
        yield UNREADABLE
        return
    figures: dict[str, Any] = {name: getattr(read, name) for name in _FIGURES}
    figures |= {metric: (read.fleet or {}).get(key) for key, metric in _SUMS.items()}
    yield _encode({"t": found.at, "event": "tick"})
    for metric, value in figures.items():
        if value is not None:
            yield _encode({"t": found.at, "metric": metric, "value": value})


def newest(lines: Iterable[bytes]) -> float | None:
    """The largest time of the lines; None where none has any."""
    last: float | None = None
    for line in lines:
        try:
            t = _time(line).t
        except msgspec.DecodeError:
            continue
        if t - t == 0.0 and (last is None or t > last):
            last = t
    return last
