"""The files in which alerts are kept, below the workspace or in bluetop's own state folder:

    .bluetop/alerts.json     the engine's state; replaced whole, by a temporary file and a rename
    .bluetop/alerts.jsonl    log and audit: one object a line, appended with one write; rotated
    .bluetop/alerts.lock     held by the one instance that keeps them

The state is written before the log: it carries the lines of its own step (`unlogged`), numbered, and whoever
opens it adds those that did not get there. So a kill between any two writes loses and doubles nothing.

Other instances and the command line ask for what they want by a line of their own ("what": "request"); the
keeper hears it within a second. Runs in the prober, or in a command; no msgspec here, nothing judged here.
"""

import contextlib
import errno
import fcntl
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from core.clock import Clock
from core.queues.times import parse
from core.record.files import (
    decoded,
    encoded,
    ignore_by_git,
    is_held,
    is_the_same,
    make_folder,
    open_regular,
    stamp,
    stay_within,
    whole_lines,
    write_all,
)
from core.text import clean_line

SCHEMA = "bluetop.alerts.state/1"
STATE, LOG, LOCK, NEW = "alerts.json", "alerts.jsonl", "alerts.lock", "alerts.json.new"
MOST_BYTES = 10_000_000
KEPT_S = 30 * 86_400.0
MOST_GENERATIONS = 20
# What is read of the log at the start, from its end.
TAIL_BYTES = 512 * 1024
WRITING, READING, MEMORY = "writing", "reading", "memory"
Beat = Callable[[str], None]


def _no_beat(path: str) -> None:
    return


class Opened(NamedTuple):
    """What was found: `state` is the engine's, as JSON text ("" without one), `log` the last lines as objects."""

    mode: str
    path: str
    problem: str
    state: str
    log: list[dict[str, Any]]


class AlertStore:
    """The alerts of one workspace, in the first of `folders` that can be had. `within` bounds the first."""

    def __init__(
        self, folders: Sequence[str], within: str, clock: Clock, *, write: bool, most_bytes: int = MOST_BYTES
    ) -> None:
        self._folders = tuple(folders)
        self._within = within
        self._clock = clock
        self._write = write
        self._most_bytes = most_bytes
        self._lock: int | None = None
        self._log: int | None = None
        self._at = 0  # up to where the log was heard
        self._n = 0
        self._written: set[tuple[str, int]] = set()  # the last batches that reached the log
        self.opened = False
        self.folder = ""
        self.mode = MEMORY
        self.problem = ""

    # -- opening -------------------------------------------------------------------------------

    def open(self, beat: Beat = _no_beat) -> Opened:
        """Read what is kept, and become the keeper if that can be and nobody is."""
        self._let_go()
        self.mode, self.folder, self.problem = MEMORY, "", ""
        self.opened = True
        for folder in self._folders:
            beat(folder)
            try:
                if self._write:
                    self._acquire(folder)
                elif os.path.isfile(os.path.join(folder, STATE)):
                    stay_within(folder, self._bound(folder))
                    self.mode = READING
                else:
                    continue
                self.folder = folder
                break
            except OSError as error:
                self._let_go()
                self.mode = MEMORY
                self.problem = f"alerts cannot be kept: {error.strerror or error} ({clean_line(folder)})"
        if not self.folder:
            return Opened(self.mode, "", self.problem, "", [])
        elsewhere, self.problem = self.problem, ""
        try:
            kept = self._read_state()
            log = self._open_log(kept)
        except OSError as error:
            self._let_go()
            self.mode, folder, self.folder = MEMORY, self.folder, ""
            self.problem = f"alerts cannot be kept: {error.strerror or error} ({clean_line(folder)})"
            return Opened(MEMORY, "", self.problem, "", [])
        if elsewhere and not self.problem:
            self.problem = f"{elsewhere}; they are kept in {clean_line(self.folder)}"
        state = encoded(kept["engine"]) if kept is not None else ""
        return Opened(self.mode, self._path(STATE), self.problem, state, log)

    def _bound(self, folder: str) -> str | None:
        return self._within if folder.startswith(self._within.rstrip("/") + "/") else None

    def _path(self, name: str) -> str:
        return os.path.join(self.folder, name)

    def _acquire(self, folder: str) -> None:
        make_folder(folder, self._bound(folder))
        ignore_by_git(folder)
        self._lock = open_regular(os.path.join(folder, LOCK), os.O_RDWR | os.O_CREAT)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._lock)
            self._lock = None
            self.mode = READING
        else:
            self.mode = WRITING

    def _read_state(self) -> dict[str, Any] | None:
        """What the state file holds; one that cannot be used is set aside."""
        path = self._path(STATE)
        try:
            fd = open_regular(path, os.O_RDONLY)
        except FileNotFoundError:
            return None
        try:
            with os.fdopen(fd, "rb") as file:
                kept = decoded(file.read())
            if not (isinstance(kept, dict) and isinstance(kept.get("engine"), dict)):
                raise ValueError("it holds no state")
            if kept.get("schema") != SCHEMA:
                raise ValueError(f"its schema is not {SCHEMA}")
            _check(kept)
        except (ValueError, RecursionError) as error:
            self.set_aside(str(error))
            return None
        return kept

    def set_aside(self, why: str) -> None:
        """The state cannot be used: put it beside, for whoever wants to know; a reader only says so."""
        name = f"{STATE}.corrupt-{stamp(self._clock.wall()).replace(':', '')}"
        reason = clean_line(why, 120)
        if self.mode == WRITING:
            with contextlib.suppress(FileNotFoundError):
                os.replace(self._path(STATE), self._path(name))
            self.problem = (
                f"{STATE} could not be used ({reason}); it is kept as {name}, and alerts begin anew"
            )
        else:
            self.problem = f"{STATE} cannot be used ({reason}); alerts begin anew here"

    def _open_log(self, kept: dict[str, Any] | None) -> list[dict[str, Any]]:
        """The last lines of the log; those of the last step that did not reach it are added first."""
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT if self.mode == WRITING else os.O_RDONLY
        try:
            self._log = open_regular(self._path(LOG), flags)
        except FileNotFoundError:
            return []
        size = os.fstat(self._log).st_size
        found = list(_objects(self._log, max(0, size - TAIL_BYTES)))
        self._n = _last_number(row for _, row in found)
        if not self._n:  # it has just been begun
            before = _tail_of(self._generation(1))
            self._n = _last_number(before)
            found = [(0, row) for row in before] + found
        if self.mode == WRITING:
            self._drop_old()
            first = next((row for _, row in _objects(self._log, 0)), None)
            begun = parse(first.get("at")) if first is not None and isinstance(first.get("at"), str) else None
            if begun is not None and self._clock.wall() - begun.at > KEPT_S:
                self._turn_over()  # so that it, too, is kept a month and no longer
                size = 0
        if kept is not None and isinstance(kept.get("n"), int):
            if self.mode == WRITING:
                late = [row for row in kept.get("unlogged", ()) if isinstance(row, dict)]
                late = [row for row in late if isinstance(row.get("n"), int) and row["n"] > self._n]
                if late:
                    self._append(late)
                    found += [(size, row) for row in late]
            self._n = max(self._n, kept["n"])
        self._written = {_batch_of(row) for _, row in found} - {_NO_BATCH}
        # Requests that came while nobody kept the alerts are of the past, but for those after the state.
        mark, at = (kept or {}).get("heard") or ("", 0)
        self._at = at if kept is not None and mark == self._mark() and at <= size else size
        return [row for _, row in found]

    def _mark(self) -> int:
        """What tells this generation of the log from the others."""
        return os.fstat(self._log).st_ino if self._log is not None else 0

    # -- keeping -------------------------------------------------------------------------------

    def keep(self, lines: Sequence[dict[str, Any]], state: str, beat: Beat = _no_beat) -> None:
        """Keep what a step brought: the state as JSON text, then its lines of the log ("" : lines only).

        Raises:
            OSError: the file system refused; nothing, or the state alone, was written.
        """
        if self.mode != WRITING or self._log is None:
            return
        beat(self.folder)
        self._stay()
        numbered = []
        for line in lines:
            if _batch_of(line) in self._written:  # it was written by a prober that did not live to say so
                continue
            self._n += 1
            numbered.append({"n": self._n, **{key: value for key, value in line.items() if key != "n"}})
        if state:
            whole = (
                f'{{"schema":{encoded(SCHEMA)},"n":{self._n},"heard":{encoded([self._mark(), self._at])},'
                f'"unlogged":{encoded(numbered)},"engine":{state}}}\n'
            )
            self._replace(whole)
        if numbered:
            self._append(numbered)
            # The last batch may come again; those before it were answered.
            self._written = {_batch_of(row) for row in numbered} - {_NO_BATCH}
        if os.fstat(self._log).st_size > self._most_bytes:
            self._turn_over()

    def _stay(self) -> None:
        """Its files must still be those that are there, or another instance may keep the alerts by now.

        Raises:
            OSError: they were moved or removed; the store is closed, to be opened again.
        """
        lock, log = self._lock, self._log
        if lock is None or log is None:
            return
        if not (is_the_same(self._path(LOCK), lock) and is_the_same(self._path(LOG), log)):
            self.close()
            raise OSError(errno.ESTALE, "its files were moved or removed; it is begun anew")

    def _replace(self, whole: str) -> None:
        new = self._path(NEW)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(new)  # never written through: whoever put it there may mean another file by it
        fd = open_regular(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        try:
            write_all(fd, whole.encode("utf-8", "backslashreplace"))
            os.fsync(fd)
        finally:
            os.close(fd)
        os.replace(new, self._path(STATE))

    def _append(self, lines: Sequence[dict[str, Any]]) -> None:
        assert self._log is not None
        append(self._log, lines)

    def _drop_old(self) -> None:
        """Remove logs that ended more than a month ago."""
        for number in range(1, MOST_GENERATIONS + 1):
            name = self._generation(number)
            with contextlib.suppress(FileNotFoundError):
                if self._clock.wall() - os.stat(name).st_mtime > KEPT_S:
                    os.unlink(name)

    def _turn_over(self) -> None:
        """Begin a new log; the old ones move up, and go when they are too many or a month old."""
        assert self._log is not None
        self._drop_old()
        fcntl.flock(self._log, fcntl.LOCK_EX)  # nobody is adding a line now
        try:
            for number in range(MOST_GENERATIONS - 1, 0, -1):
                with contextlib.suppress(FileNotFoundError):
                    os.replace(self._generation(number), self._generation(number + 1))
            os.replace(self._path(LOG), self._generation(1))
        finally:
            fcntl.flock(self._log, fcntl.LOCK_UN)
        fresh = open_regular(self._path(LOG), os.O_RDWR | os.O_CREAT | os.O_APPEND)
        os.close(self._log)
        self._log, self._at = fresh, 0

    def _generation(self, number: int) -> str:
        return self._path(f"alerts.{number}.jsonl")

    # -- hearing -------------------------------------------------------------------------------

    def news(self, beat: Beat = _no_beat) -> list[dict[str, Any]]:
        """The whole lines that have come since the last call, by whomever."""
        if not self.folder:
            return []
        beat(self.folder)
        if self.mode == WRITING:
            self._stay()
        if self._log is None or (self.mode == READING and not is_the_same(self._path(LOG), self._log)):
            self._follow()
        if self._log is None or os.fstat(self._log).st_size <= self._at:
            return []
        found = []
        for at, line in whole_lines(self._log, self._at):
            self._at = at + len(line) + 1
            row = _object(line)
            if row is not None:
                found.append(row)
        return found

    def _follow(self) -> None:
        """The keeper has begun a new log: read that from its beginning."""
        if self._log is not None:
            os.close(self._log)
            self._log = None
        with contextlib.suppress(OSError):
            self._log = open_regular(self._path(LOG), os.O_RDONLY)
            self._at = 0

    def vacant(self, beat: Beat = _no_beat) -> bool:
        """Whether nobody keeps the alerts any more, so that this instance may `open` again."""
        if self.mode != READING or not self._write:
            return False
        beat(self.folder)
        return not is_held(self._path(LOCK))

    def request(self, line: dict[str, Any]) -> None:
        """Ask the keeper for something, by a line in the log.

        Raises:
            OSError: it cannot be written.
        """
        ask(self.folder, line)

    def close(self) -> None:
        """Let go of everything; the lock goes with its descriptor."""
        self._let_go()
        self.mode = MEMORY
        self.opened = False

    def _let_go(self) -> None:
        for fd in (self._log, self._lock):
            if fd is not None:
                os.close(fd)
        self._log = self._lock = None


_NO_BATCH = ("", 0)


def _batch_of(row: dict[str, Any]) -> tuple[str, int]:
    """Who wrote a line, and in which batch; a line without a batch is like no other."""
    batch, who = row.get("batch"), row.get("from")
    return (who, batch) if isinstance(batch, int) and isinstance(who, str) and who else _NO_BATCH


def _check(kept: dict[str, Any]) -> None:
    """What stands around the engine's state must be what it should be.

    Raises:
        ValueError: it is not.
    """
    n, heard, unlogged = kept.get("n", 0), kept.get("heard", ["", 0]), kept.get("unlogged", [])
    if not isinstance(n, int) or not 0 <= n < 1 << 53:
        raise ValueError("n is no number of a line")
    if not (isinstance(heard, list) and len(heard) == 2 and isinstance(heard[1], int)):
        raise ValueError("heard is no place in the log")
    if not (isinstance(unlogged, list) and all(isinstance(row, dict) for row in unlogged)):
        raise ValueError("unlogged holds no lines")


def _last_number(rows: Iterable[dict[str, Any]]) -> int:
    numbers = (row.get("n") for row in rows)
    return max((n for n in numbers if isinstance(n, int) and 0 < n < 1 << 53), default=0)


def _tail_of(path: str) -> list[dict[str, Any]]:
    """The last lines of an older log; none if there is none."""
    try:
        fd = open_regular(path, os.O_RDONLY)
    except OSError:
        return []
    try:
        return [row for _, row in _objects(fd, max(0, os.fstat(fd).st_size - TAIL_BYTES))]
    finally:
        os.close(fd)


def append(fd: int, lines: Sequence[dict[str, Any]]) -> None:
    """Add lines with one write. After a torn line, whose writer was killed, they begin on a new one."""
    # Halves of characters cannot be UTF-8; as escapes they are the same text in JSON.
    text = "".join(encoded(line) + "\n" for line in lines).encode("utf-8", "backslashreplace")
    size = os.fstat(fd).st_size
    if size and os.pread(fd, 1, size - 1) != b"\n":
        text = b"\n" + text
    done = 0
    try:
        while done < len(text):
            done += os.write(fd, text[done:])
    except OSError:
        # The disk is full: half of it would be there twice once there is room. Unless another one has added a line.
        if done and os.fstat(fd).st_size == size + done:
            os.ftruncate(fd, size)
        raise


def ask(folder: str, line: dict[str, Any]) -> None:
    """Add a request to the log of the instance that keeps the alerts there.

    Raises:
        OSError: it cannot be written.
    """
    path = os.path.join(folder, LOG)
    for _ in range(10):
        fd = open_regular(path, os.O_RDWR | os.O_APPEND)
        try:
            fcntl.flock(fd, fcntl.LOCK_SH)  # the keeper waits with beginning a new log
            if is_the_same(path, fd):
                append(fd, [line])
                return
        finally:
            os.close(fd)
    raise OSError(errno.EAGAIN, "the log was replaced again and again")


def generations(folder: str) -> list[str]:
    """The files of the log there are, the oldest first."""
    numbers = range(MOST_GENERATIONS, 0, -1)
    found = [os.path.join(folder, f"alerts.{number}.jsonl") for number in numbers]
    return [path for path in (*found, os.path.join(folder, LOG)) if os.path.isfile(path)]


def read_log(folder: str, beat: Beat = _no_beat) -> Iterator[dict[str, Any]]:
    """Every line of every generation, the oldest first; what is torn or no object is left out."""
    for path in generations(folder):
        beat(path)
        with contextlib.suppress(OSError):
            fd = open_regular(path, os.O_RDONLY)
            try:
                for _, row in _objects(fd, 0):
                    yield row
            finally:
                os.close(fd)


def _objects(fd: int, begin: int) -> Iterator[tuple[int, dict[str, Any]]]:
    """(byte after it, object) of the whole lines from `begin` on."""
    for at, line in whole_lines(fd, begin):
        row = _object(line)
        if row is not None:
            yield at + len(line) + 1, row


def _object(line: bytes) -> dict[str, Any] | None:
    """The object in a line, None if there is none."""
    try:
        row = decoded(line)
    except (ValueError, RecursionError):
        return None
    return row if isinstance(row, dict) else None
