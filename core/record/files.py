"""The record's files: where they lie, one line of each, and opening them without being trapped.

    .bluetop/transitions.jsonl    one object a line, only ever added to
    .bluetop/transitions.1.jsonl  the generation before, once the first has grown too large
    .bluetop/tasks.jsonl          the last status of every task, so that a start need not read it all
    .bluetop/record.lock          held by the one instance that writes; its time is that of the last look
    .bluetop/.gitignore           so that agents who commit everything do not commit the record

Below the workspace, or, where that cannot be written, in bluetop's own state folder. Never through
a symbolic link that leads out of the workspace, never to anything but a regular file of one name.
"""

import contextlib
import errno
import fcntl
import functools
import json
import os
import stat
import time
import zlib
from collections.abc import Iterator
from typing import Any

from core.queues.model import Transition
from core.queues.times import parse
from core.text import clean, clean_line

FOLDER = ".bluetop"
JOURNAL = "transitions.jsonl"
OLDER = "transitions.1.jsonl"
STATES = "tasks.jsonl"
LOCK = "record.lock"
IGNORE = ".gitignore"
SCHEMA = "bluetop.tasks/1"
# A longer line of the journal is not ours: the longest names that a file system takes stay below.
LONGEST = 16 * 1024
_PIECE = 256 * 1024
# The end of the year 9999: some file systems let files be from later.
_LAST = 253_402_300_799.0

_encode = json.JSONEncoder(ensure_ascii=False).encode
_decode = json.JSONDecoder().decode


class RefusedPath(OSError):
    """A place that is not what it should be: a link that leads away, a FIFO, a device."""


def places(workspace: str, state: str | None) -> tuple[str, ...]:
    """Where the record may lie, the preferred place first; `state` is bluetop's own state folder."""
    inside = os.path.join(workspace, FOLDER)
    if not state:
        return (inside,)
    real = os.path.realpath(workspace)
    plain = "".join(char if char.isascii() and char.isalnum() else "_" for char in os.path.basename(real))
    return inside, os.path.join(state, "workspaces", f"{plain[:40]}-{zlib.crc32(os.fsencode(real)):08x}")


@functools.lru_cache(maxsize=64)  # a thousand lines have two times between them
def stamp(wall: float) -> str:
    """Wall seconds as UTC text with milliseconds: `2026-11-24T05:40:18.123Z`."""
    whole, milli = divmod(round(wall * 1000), 1000)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(whole))}.{milli:03d}Z"


def line_of(change: Transition) -> str:
    """One transition as the line that is kept."""
    mtime = change.file_mtime
    return _encode(
        {
            "seen_at": stamp(change.seen_at),
            "agent": change.agent,
            "task": change.task,
            "from": change.before,
            "to": change.after,
            "file_mtime": stamp(mtime) if mtime is not None and 0 <= mtime < _LAST else None,
        }
    )


def transition_of(line: bytes | str) -> Transition | None:
    """The transition that a line holds; None if it holds none (torn, or not ours)."""
    try:
        row = _decode(line.decode() if isinstance(line, bytes) else line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(row, dict):
        return None
    agent, task, before, after = row.get("agent"), row.get("task"), row.get("from"), row.get("to")
    seen, written = parse(row.get("seen_at")), parse(row.get("file_mtime"))
    if not (isinstance(agent, str) and isinstance(task, str) and seen is not None) or before == after:
        return None
    if not isinstance(before, str | None) or not isinstance(after, str | None):
        return None
    # What was written is fit to be shown, and must stay what it was: `clean` leaves it alone.
    return Transition(
        seen.at, clean(agent), clean(task), before and clean(before), after and clean(after),
        None if written is None else written.at,
    )  # fmt: skip


def make_folder(path: str, within: str | None) -> None:
    """Make the folder if it is not there; it may be a link only to somewhere within `within`.

    Raises:
        RefusedPath: it leads away, or is no folder.
        OSError: it cannot be made.
    """
    stay_within(path, within)
    if within is None:
        os.makedirs(path, mode=0o700, exist_ok=True)
        return
    # Never the workspace itself: where it is gone, there is nothing to record.
    with contextlib.suppress(FileExistsError):
        os.mkdir(path, 0o755)


def stay_within(path: str, within: str | None) -> None:
    """Refuse a folder that is a link, unless it leads to somewhere within `within`.

    Raises:
        RefusedPath: it leads away.
    """
    if within is not None and os.path.islink(path):
        real, root = os.path.realpath(path), os.path.realpath(within)
        if not real.startswith(root.rstrip("/") + "/"):
            raise RefusedPath(f"{clean_line(path)} is a link that leads out of the workspace")


def ignore_by_git(folder: str) -> None:
    """Have git pass over the folder; if that cannot be, the record is kept all the same."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with contextlib.suppress(OSError):
        fd = os.open(os.path.join(folder, IGNORE), flags, 0o644)
        try:
            write_all(fd, b"*\n")
        finally:
            os.close(fd)


def open_regular(path: str, flags: int) -> int:
    """A descriptor of the regular file at `path`, which may be no link; to be written, it may have no other name.

    Raises:
        RefusedPath: it is something else.
        OSError: it cannot be opened.
    """
    try:
        fd = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY, 0o644)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise RefusedPath(f"{clean_line(path)} is a symbolic link") from error
        raise
    status = os.fstat(fd)
    problem = ""
    if not stat.S_ISREG(status.st_mode):
        problem = "is no regular file"
    elif status.st_nlink > 1 and flags & (os.O_WRONLY | os.O_RDWR):
        problem = "has another name (a hard link), and what that is nobody knows"
    if problem:
        os.close(fd)
        raise RefusedPath(f"{clean_line(path)} {problem}")
    return fd


def is_held(path: str) -> bool:
    """Whether somebody has locked a lock file, which we may perhaps only read; False where that cannot be known."""
    try:
        fd = open_regular(path, os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        os.close(fd)
    return False


def is_the_same(path: str, fd: int) -> bool:
    """Whether the file open as `fd` still is the one at `path`; True where that cannot be known."""
    try:
        there, ours = os.stat(path, follow_symlinks=False), os.fstat(fd)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    return (there.st_dev, there.st_ino) == (ours.st_dev, ours.st_ino)


def whole_lines(fd: int, begin: int, piece_size: int = _PIECE) -> Iterator[tuple[int, bytes]]:
    """(byte, line) of every whole line that begins at or after `begin`; what is too long is left out.

    Raises:
        OSError: it cannot be read.
    """
    # The line that `begin` stands in is left out, unless it begins there.
    rest, at, skipping = b"", max(0, begin - 1), begin > 0
    while piece := os.pread(fd, piece_size, at + len(rest)):
        lines = (rest + piece).split(b"\n")
        rest = lines.pop()
        for line in lines:
            if not skipping and len(line) < LONGEST:
                yield at, line
            skipping = False
            at += len(line) + 1
        if len(rest) > LONGEST:
            at += len(rest)
            rest, skipping = b"", True


def write_all(fd: int, data: bytes) -> None:
    """Write all of it, however many calls that takes.

    Raises:
        OSError: the file system refused; part of it may have been written.
    """
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


def first_line_mark(fd: int) -> str:
    """What tells this generation of the journal from others: a sum of its first line, "" if it is empty."""
    head = os.pread(fd, LONGEST, 0)
    end = head.find(b"\n")
    return f"{zlib.crc32(head[:end]):08x}-{end}" if end >= 0 else ""


def decoded(line: bytes) -> Any:
    """The JSON value in a line.

    Raises:
        ValueError: nothing that can be read.
        RecursionError: it is nested too deeply.
    """
    return _decode(line.decode())


def encoded(value: Any) -> str:
    """A JSON value as it stands in a line."""
    return _encode(value)
