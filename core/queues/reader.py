"""One queue file → one reading: opening it without being trapped, then the right reader for it.

Follows symbolic links, but opens nothing but regular files: a FIFO would wait for a writer, a
device might act. Reads in pieces, and says between them that it is alive. Locks nothing and
writes nothing. What cannot be read becomes `RefusedError` with a sentence for the operator, never
another exception.
"""

import errno
import os
import stat
from collections.abc import Callable
from types import ModuleType
from typing import NamedTuple

from core.queues import Limits, forms, tally
from core.queues.decode import BROKEN, REPAIRED, WHOLE, Decoded, decode, locate
from core.queues.model import EMPTY_QUEUE, AgentQueue, Problem
from core.queues.notes import ERROR, MOST_PROBLEMS, ODD, Notes, place_of, problem
from core.queues.states import TaskStates
from core.text import clean_line

PIECE = 1024 * 1024
# A value is looked up by its path, to name its line, only in files up to this size.
_LOCATE = 2 * 1024 * 1024
_KINDS = {
    stat.S_IFIFO: "a FIFO (named pipe)",
    stat.S_IFSOCK: "a socket",
    stat.S_IFDIR: "a directory",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


class RefusedError(Exception):
    """A file cannot be read. `gone`: it is not there, which may be true for a moment only."""

    def __init__(self, code: str, detail: str, gone: bool = False) -> None:
        super().__init__(detail)
        self.problem = Problem(ERROR, code, detail)
        self.gone = gone


class Bytes(NamedTuple):
    """The content of a file. `torn`: it changed while it was read. `link` is where a symbolic link leads."""

    data: bytes | bytearray
    status: os.stat_result
    torn: bool
    link: str


class Reading(NamedTuple):
    """What a file says, without the file's own figures. `level` is that of `decode`."""

    counted: tally.Counted
    problems: tuple[Problem, ...]
    level: int

    @property
    def queue(self) -> AgentQueue:
        """The sums."""
        return self.counted.queue

    def tasks(self, mtime: float) -> TaskStates:
        """Every task's status, with what is remembered beside it."""
        queue, found = self.counted.queue, self.counted.tracked
        retired = queue.state == "decommissioned"
        return TaskStates(
            queue.agent, found.text, mtime, self.level <= REPAIRED, found.ended, found.needs, retired
        )


def read_bytes(path: str, max_bytes: int, beat: Callable[[], None]) -> Bytes:
    """The whole content of the regular file at `path`.

    Raises:
        RefusedError: it is no regular file, too large, not allowed, or not there.
    """
    try:
        _regular(os.stat(path), path)
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
        try:
            before = os.fstat(fd)
            _regular(before, path)
            size = before.st_size
            if size > max_bytes:
                detail = f"{size} bytes, over the limit of {max_bytes} (queues.max_bytes); not read"
                raise RefusedError("too_large", detail)
            data: bytes | bytearray
            data = os.read(fd, size + 1) if size < PIECE else _pieces(fd, size, beat)
            after = os.fstat(fd)
        finally:
            os.close(fd)
    except OSError as error:
        raise _refusal(error, path) from error
    torn = len(data) != size or (before.st_mtime_ns, size) != (after.st_mtime_ns, after.st_size)
    return Bytes(data, before, torn, _link(path))


def _pieces(fd: int, size: int, beat: Callable[[], None]) -> bytearray:
    data = bytearray(size)
    view, at = memoryview(data), 0
    while at < size:
        beat()
        count = os.readv(fd, [view[at : at + PIECE]])
        if count == 0:
            break
        if at == 0 and not any(view[: min(count, 4096)]):
            # A file of holes: a gigabyte of nothing is not worth its memory.
            raise RefusedError("nul_bytes", f"{size} bytes that begin with NUL bytes; not read")
        at += count
    del view
    if at < size:
        del data[at:]
    elif os.read(fd, 1):
        data += b"\n"  # it grew: the length alone says so
    return data


def _regular(status: os.stat_result, path: str) -> None:
    if not stat.S_ISREG(status.st_mode):
        kind = _KINDS.get(stat.S_IFMT(status.st_mode), "no regular file")
        raise RefusedError("not_a_file", f"{kind} and not a file; left alone")


def _link(path: str) -> str:
    try:
        return clean_line(os.readlink(path), 120)
    except OSError:  # EINVAL: it is no link, as nearly always
        return ""


def _refusal(error: OSError, path: str) -> RefusedError:
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        target = _link(path)
        if target:
            return RefusedError("dangling_link", f"a symbolic link to {target}, which is not there")
        return RefusedError("gone", "the file is not there", gone=True)
    if error.errno == errno.ELOOP:
        return RefusedError("link_loop", "a symbolic link that leads back to itself")
    if error.errno in (errno.EACCES, errno.EPERM):
        return RefusedError("permission", "permission denied; bluetop's user may not read it")
    return RefusedError("io_error", clean_line(f"cannot be read: {error.strerror or error}"))


# -- from bytes to a reading ------------------------------------------------------------------------


def interpret(
    data: bytes | bytearray, agent: str, latest: float, limits: Limits, careful: bool = True
) -> Reading:
    """What `data` says. `latest` is the time beyond which nothing in it can be true.

    Without `careful` the fast reader is tried first; what it cannot read plainly is read carefully.
    """
    fast = None if careful else _fast_reader()
    if fast is not None:
        if len(data) > limits.repair_bytes:
            return _streamed(fast, data, agent, latest)
        found = fast.sheet(data)
        if found is not None:
            notes = Notes()
            counted = tally.count(found, agent, latest, notes)
            if all(note.where < 0 and not note.path for note, _ in notes.first()):
                return Reading(counted, _problems(notes), WHOLE)
    notes = Notes()
    decoded = decode(data, notes, limits.repair_bytes)
    documents = decoded.documents
    counted = tally.count(forms.sheet(documents, notes), agent, latest, notes)
    level = decoded.level
    if not documents and "syntax" not in notes and "stray_text" not in notes:
        what = "is empty (0 bytes)" if not data else f"holds nothing but white space ({len(data)} bytes)"
        notes.add(ERROR, "empty_file", f"the file {what}")
        level = BROKEN
    queue = counted.queue
    if not documents:
        # No documents and no word of an empty file: there is something, and nothing of it could be read.
        queue = queue._replace(form="empty" if "empty_file" in notes else "unreadable", pending_hours=None)
    if queue.form == "unreadable":
        queue, level = queue._replace(pending_hours=None), BROKEN
    return Reading(counted._replace(queue=queue), placed(notes, decoded), level)


def _fast_reader() -> ModuleType | None:
    """The module `fast`; None where msgspec cannot be imported, and the careful reader has to do it all."""
    try:
        from core.queues import fast
    except ImportError:
        return None
    return fast


def _streamed(fast: ModuleType, data: bytes | bytearray, agent: str, latest: float) -> Reading:
    notes = Notes()
    try:
        counted = tally.count(fast.Stream(data).sheet(notes), agent, latest, notes)
    except fast.Unreadable as error:
        line = column = 0
        if error.byte >= 0:
            line = data.count(b"\n", 0, error.byte) + 1
            start = data.rfind(b"\n", 0, error.byte) + 1
            column = len(bytes(data[start : error.byte]).decode("utf-8", "replace")) + 1
        detail = f"not one JSON document ({clean_line(str(error), 80)}), and too large to be repaired"
        found = Problem(ERROR, "syntax", detail, line, column)
        nothing = tally.Counted(EMPTY_QUEUE._replace(agent=agent, form="unreadable"), frozenset())
        return Reading(nothing, (found,), BROKEN)
    level = BROKEN if counted.queue.form == "unreadable" else REPAIRED if notes.lossy else WHOLE
    return Reading(counted, _problems(notes), level)


def placed(notes: Notes, decoded: Decoded) -> tuple[Problem, ...]:
    """The remarks as problems, each with line and column where it has a place."""
    text, starts, level = decoded.text, decoded.starts, decoded.level
    found: list[Problem] = []
    for note, more in notes.first()[:MOST_PROBLEMS]:
        where = note.where
        if where < 0 and note.path and level == WHOLE and len(text) <= _LOCATE:
            number = note.path[0]
            if isinstance(number, int) and number < len(starts):
                where = locate(text, starts[number], note.path[1:])
        line, column = place_of(text, where) if where >= 0 else (0, 0)
        found.append(problem(note, more, line, column, len(starts)))
    return tuple(found)


def _problems(notes: Notes) -> tuple[Problem, ...]:
    return tuple(problem(note, more) for note, more in notes.first()[:MOST_PROBLEMS])


def link_problem(target: str) -> Problem:
    """A queue file that is a symbolic link: read, but worth knowing."""
    return Problem(ODD, "link", f"a symbolic link to {target}")
