"""Reading a plan from a file, a pipe or standard input, without being held up by any of them."""

import json
import os
import select
import stat
import sys
from typing import TYPE_CHECKING

from core.errors import UsageError
from core.text import clean_line

if TYPE_CHECKING:
    from core.balance.plan import Plan

MOST_BYTES = 256 * 1024 * 1024
PATIENT_S = 300.0  # for the next byte of a pipe: whoever writes the plan may be making it
_HOW = "save one with `bluetop optimize --json > plan.json`"


def read_plan(path: str, patient_s: float = PATIENT_S) -> "Plan":
    """The plan in the file at `path`, or on standard input for "-".

    Raises:
        UsageError: it cannot be read, or is none; the sentence names the file and the key.
    """
    from core.balance.plan import plan_of

    name = "standard input" if path == "-" else clean_line(path, 200)
    try:
        data = _bytes_of(path, patient_s)
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise UsageError(f"--apply {name}: {reason}; {_HOW}") from error
    try:
        found = json.loads(data.decode())
    except (ValueError, RecursionError) as error:
        said = error.msg if isinstance(error, json.JSONDecodeError) else "not UTF-8 or nested too deeply"
        line = f", line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        raise UsageError(f"--apply {name}: it is no JSON ({said}{line}); {_HOW}") from error
    try:
        return plan_of(found)
    except UsageError as error:
        raise UsageError(f"--apply {name}: {error}") from error


def _bytes_of(path: str, patient_s: float) -> bytes:
    if path == "-":
        if sys.stdin is None or sys.stdin.isatty():
            raise ValueError("it is a terminal; name a file, or pipe a plan into it")
        return _drained(sys.stdin.fileno(), patient_s)
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    try:
        kind = os.fstat(fd).st_mode
        if stat.S_ISDIR(kind) or stat.S_ISBLK(kind):
            raise ValueError("it is no file")
        return _drained(fd, patient_s)
    finally:
        os.close(fd)


def _drained(fd: int, patient_s: float) -> bytes:
    """Everything up to the end of file.

    Raises:
        ValueError: nothing more comes, there is nothing, or there is no end of it.
    """
    pieces, size = [], 0
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    waits = os.get_blocking(fd)
    while True:
        # A FIFO that nobody has opened to write is read first: it is at its end, but `poll` does not say so.
        if waits and not poll.poll(round(patient_s * 1000)):
            raise ValueError(f"nothing came for {patient_s:g} s")
        try:
            piece = os.read(fd, 1 << 20)
        except BlockingIOError:
            waits = True
            continue
        waits = waits and os.get_blocking(fd)
        if not piece:
            break
        size += len(piece)
        if size > MOST_BYTES:
            raise ValueError(f"it has more than {MOST_BYTES >> 20} MiB")
        pieces.append(piece)
    if not pieces:
        raise ValueError("it is empty")
    return b"".join(pieces)
