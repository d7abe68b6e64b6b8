"""What the automatic mode decided, kept: `.bluetop/auto.jsonl`, one decision a line, and the lock of whoever decides.

Bounded: a file that has grown too large goes on with its newer half. What must outlive that is carried on from line
to line (`trials`, `cleared_at`). Nothing here decides; that is `core.balance.auto`.
"""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from typing import Any

from core.balance.auto import ACTS, MODES, NOTHING, WOULD, Line
from core.queues.times import parse
from core.record import files
from core.record.files import stamp
from core.text import clean_line

NAME, LOCK = "auto.jsonl", "auto.lock"
MOST_BYTES = 512 * 1024
SCHEMA = "bluetop.auto-log/1"


def folder_of(workspace: str) -> str:
    """Where the decisions about a workspace lie: always inside it."""
    return os.path.join(workspace, files.FOLDER)


@contextlib.contextmanager
def deciding(workspace: str) -> Iterator[bool]:
    """Hold the lock of whoever decides; False where another bluetop holds it.

    Raises:
        OSError: it cannot be made, so nothing can be kept here.
    """
    folder = folder_of(workspace)
    files.make_folder(folder, workspace)
    files.ignore_by_git(folder)
    fd = files.open_regular(os.path.join(folder, LOCK), os.O_RDWR | os.O_CREAT)
    try:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True
    finally:
        os.close(fd)


def recent(workspace: str, most: int = 50) -> tuple[Line, ...]:
    """The last decisions, newest first; () where there are none.

    Raises:
        OSError: the file is there and cannot be read, or is no file.
    """
    folder = folder_of(workspace)
    files.stay_within(folder, workspace)
    try:
        fd = files.open_regular(os.path.join(folder, NAME), os.O_RDONLY)
    except (FileNotFoundError, NotADirectoryError):
        return ()
    try:
        begin = max(0, os.fstat(fd).st_size - MOST_BYTES)
        found = [line for _, raw in files.whole_lines(fd, begin) if (line := line_of(raw)) is not None]
    finally:
        os.close(fd)
    return tuple(reversed(found[-most:]))


def keep(workspace: str, line: Line) -> None:
    """Add a decision; it is on the disk when this returns. Only under `deciding`.

    Raises:
        OSError: it could not be kept.
    """
    path = os.path.join(folder_of(workspace), NAME)
    fd = files.open_regular(path, os.O_RDWR | os.O_CREAT | os.O_APPEND)
    try:
        size = os.fstat(fd).st_size
        if size > MOST_BYTES:
            _halve(path, fd, size)
            os.close(fd)
            fd = files.open_regular(path, os.O_RDWR | os.O_APPEND)
            size = os.fstat(fd).st_size
        # A writer that was killed may have left half a line.
        torn = size > 0 and os.pread(fd, 1, size - 1) != b"\n"
        text = ("\n" if torn else "") + files.encoded(data_of(line)) + "\n"
        files.write_all(fd, text.encode("utf-8", "replace"))
        os.fsync(fd)
    finally:
        os.close(fd)


def _halve(path: str, fd: int, size: int) -> None:
    """Put the newer half in the place of the file."""
    kept = b"".join(raw + b"\n" for _, raw in files.whole_lines(fd, size // 2))
    temporary = path + ".tmp"
    with contextlib.suppress(FileNotFoundError):
        os.unlink(temporary)
    made = files.open_regular(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    try:
        files.write_all(made, kept)
        os.fsync(made)
    finally:
        os.close(made)
    os.replace(temporary, path)


def data_of(line: Line) -> dict[str, Any]:
    """A decision as JSON: `bluetop.auto-log/1`."""
    return {
        "schema": SCHEMA, "at": stamp(line.at), "what": line.what, "why": line.why, "mode": line.mode,
        "settings": line.mark, "trials": line.trials,
        "cleared_at": stamp(line.cleared_at) if line.cleared_at else None,
        "plan_id": line.plan_id or None, "moves": line.moves, "peak_before": line.peak_before,
        "peak_after": line.peak_after, "unread": None if line.unread is None else list(line.unread),
        "by": line.by,
    }  # fmt: skip


def line_of(raw: bytes) -> Line | None:
    """The decision in a line of the file; None if it holds none."""
    try:
        row = files.decoded(raw)
    except (ValueError, RecursionError):
        return None
    if not isinstance(row, dict) or row.get("schema") != SCHEMA:
        return None
    at, cleared = parse(row.get("at")), parse(row.get("cleared_at"))
    what, mode, unread = row.get("what"), row.get("mode"), row.get("unread")
    if at is None or what not in (ACTS, WOULD, NOTHING) or mode not in MODES:
        return None
    names = tuple(clean_line(name, 200) for name in unread if isinstance(name, str)) if isinstance(
        unread, list) else None  # fmt: skip
    return Line(
        at.at, what, _word(row, "why"), mode, _word(row, "settings"), int(_number(row, "trials") or 0),
        cleared.at if cleared else 0.0, _word(row, "plan_id"), int(_number(row, "moves") or 0),
        _number(row, "peak_before"), _number(row, "peak_after"), names, _word(row, "by"),
    )  # fmt: skip


def sentence(line: Line) -> str:
    """A decision in one line for people: when (UTC), what, why."""
    word = {ACTS: "applied", WOULD: "would apply", NOTHING: "nothing"}[line.what]
    at = stamp(line.at)[:16].replace("T", " ")
    return clean_line(f"{at}Z {word}: {line.why}")


def _word(row: dict[str, Any], key: str) -> str:
    found = row.get(key)
    return clean_line(found) if isinstance(found, str) else ""


def _number(row: dict[str, Any], key: str) -> float | None:
    found = row.get(key)
    if isinstance(found, bool) or not isinstance(found, int | float) or not abs(found) < 1e12:
        return None
    return found
