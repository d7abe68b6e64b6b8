"""The record on disk: opened by every instance, written by one.

`acquire` takes the lock if it is free; `load` reads the last status of every task: those of
the states file, then every transition added since. `append` adds lines with one write; what a
crash leaves torn is cut off by the next writer, whose first look finds the same change again.
`keep` writes the states file anew, by a temporary file and a rename.

Raises OSError where the file system refuses; the ledger goes on without, and tries again.
"""

import contextlib
import errno
import fcntl
import os
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from typing import NamedTuple, Protocol

from core.clock import Clock
from core.queues.model import Transition
from core.queues.states import State, parse, render
from core.record import files, statesfile
from core.record.statesfile import Kept, Span

# A journal larger than this becomes the older generation; so the record has at most twice that.
MOST_BYTES = 64 * 1024 * 1024
# How much of the end of the journal is read for what happened lately.
RECENT_BYTES = 5 * 1024 * 1024 // 2
# Without a states file, so much of the end tells what is known of tasks.
MOST_REPLAYED = 16 * 1024 * 1024
# Two spans of watching with less than this between them are one: an instance that took over.
JOINED_S = 5.0
# The states are written when so much was added, at most this often; or when something was, and so long ago.
KEEP_BYTES = 256 * 1024
KEEP_S, KEEP_AGAIN_S = 60.0, 600.0
# What no line tells is kept sooner: after so long, and a second more for each of so many bytes.
SOON_S, SOON_BYTES = 10.0, 100_000
_BEAT_LINES = 4096


class Loaded(NamedTuple):
    """What the record knew. `states` maps agent → text of `core.queues.states`, None: never well read.

    Agents in `partial` may have had more tasks than their text says. `complete` is False where the
    states file was missing or broken: then there may have been more agents. `recent` are
    the last transitions, oldest first, and reach back to `recent_from` (None: to the beginning).
    `watched` are the spans of wall time in which somebody looked. `first` is True where there was
    no record at all.
    """

    states: dict[str, str | None]
    partial: frozenset[str]
    complete: bool
    recent: tuple[Transition, ...]
    recent_from: float | None
    watched: tuple[Span, ...]
    first: bool
    problem: str = ""


class Record(Protocol):
    """What the ledger needs of a place that keeps transitions. Any of it may raise OSError, but for `close`."""

    @property
    def writing(self) -> bool:
        """Whether this instance is the one that writes."""
        ...

    @property
    def wants(self) -> bool:
        """Whether this instance would write, if it could."""
        ...

    @property
    def held(self) -> bool:
        """Whether another instance was the writer when `acquire` last looked."""
        ...

    @property
    def path(self) -> str:
        """Where it is, for people."""
        ...

    def acquire(self, beat: Callable[[str], None]) -> None:
        """Become the writer if this instance wants to and nobody is."""
        ...

    def load(self, beat: Callable[[str], None]) -> Loaded:
        """Read what is known."""
        ...

    def append(self, changes: Iterable[Transition]) -> None:
        """Keep them, all or none."""
        ...

    def keep(
        self, states: Mapping[str, str | None], partial: Container[str], watched: Iterable[Span],
        beat: Callable[[str], None], soon: bool = False,
    ) -> bool:  # fmt: skip
        """Keep the last statuses if it is time to; whether it was. `soon`: they say what no line does."""
        ...

    def looked(self, wall: float) -> None:
        """Somebody looked, and the record is up to that time; an error if it is not there any more."""
        ...

    def close(self) -> None:
        """Let go of it."""
        ...


class Journal:
    """The record in the folder `folder`. Without `write` it is only read, whoever else writes.

    `within` is the workspace if the folder lies in it. Nothing is made or changed where it cannot write.
    """

    def __init__(
        self, folder: str, clock: Clock, *, write: bool, within: str | None, most_bytes: int = MOST_BYTES
    ) -> None:
        self.folder = folder
        self._clock, self._within, self._most_bytes = clock, within, most_bytes
        self.wants = write
        self.held = False
        self._lock: int | None = None
        self._file: int | None = None
        self._size = 0
        self._torn = False
        self._kept_at_size = self._kept_size = 0
        self._kept_at: float | None = None

    @property
    def writing(self) -> bool:
        """See `Record.writing`."""
        return self._file is not None

    @property
    def path(self) -> str:
        """See `Record.path`."""
        return os.path.join(self.folder, files.JOURNAL)

    def _path(self, name: str) -> str:
        return os.path.join(self.folder, name)

    # -- opening --------------------------------------------------------------------------------

    def acquire(self, beat: Callable[[str], None]) -> None:
        """See `Record.acquire`.

        Raises:
            OSError: the folder cannot be made or written, or holds what is no file.
        """
        if self.wants and self._file is None:
            beat(self.path)
            self._become_writer()

    def _become_writer(self) -> None:
        files.make_folder(self.folder, self._within)
        path = self._path(files.LOCK)
        self.held = False
        try:
            lock = files.open_regular(path, os.O_RDWR | os.O_CREAT)
        except OSError as error:
            # Of another user's record one can still tell whether somebody writes it.
            self.held = error.errno in (errno.EACCES, errno.EPERM, errno.EROFS) and files.is_held(path)
            if self.held:
                return
            raise
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if not files.is_the_same(
                path, lock
            ):  # it was removed meanwhile: whoever comes next locks another
                raise OSError(errno.ESTALE, "its lock was removed")
            file = files.open_regular(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND)
        except BlockingIOError:
            os.close(lock)
            self.held = True
            return
        except OSError:
            os.close(lock)
            raise
        self._lock, self._file = lock, file
        self._kept_at, self._torn = None, False
        try:
            self._size = _cut_torn_end(file)
            statesfile.discard(self._path(files.STATES))
        except OSError:
            self.close()
            raise
        if self._within is not None:
            files.ignore_by_git(self.folder)

    def load(self, beat: Callable[[str], None]) -> Loaded:
        """See `Record.load`.

        Raises:
            OSError: the journal cannot be read, or is no file.
        """
        beat(self.path)
        files.stay_within(self.folder, self._within)
        kept: Kept | None = None
        problem = ""
        try:
            kept = statesfile.read(self._path(files.STATES))
        except FileNotFoundError:
            pass
        except (files.RefusedPath, ValueError) as error:
            problem = self._set_aside(error)
        states = {} if kept is None else kept.states
        replayed = self._replayed(kept)
        begins = self._begins(RECENT_BYTES)
        added: dict[str, dict[str, State]] = {}
        recent: list[Transition] = []
        for path, begin in begins.items():
            apply_at = replayed.get(path)
            lowest = begin if apply_at is None else min(begin, apply_at)
            for at, change in self._lines(path, lowest, beat):
                if apply_at is not None and at >= apply_at:
                    _apply(states, added, change)
                if at >= begin:
                    recent.append(change)
        partial = set() if kept is None else kept.partial
        for agent, tasks in added.items():
            if states.get(agent) is None and (kept is None or not kept.complete or agent in states):
                partial.add(agent)
            states[agent] = render(tasks)
        recent_from = None
        if any(begins.values()):
            recent_from = recent[0].seen_at if recent else self._clock.wall()
        first = kept is None and not problem and not any(_size(path) for path in begins)
        complete = kept is not None and kept.complete
        return Loaded(
            states,
            frozenset(partial),
            complete,
            tuple(recent),
            recent_from,
            self._watched(kept),
            first,
            problem,
        )

    def _set_aside(self, error: Exception) -> str:
        """Say what is wrong with the states file; the writer puts it out of the way."""
        path = self._path(files.STATES)
        if self._file is None:
            return f"{path} cannot be used: {error}"
        aside = f"{path}.corrupt"
        try:
            os.replace(path, aside)
        except OSError as refused:
            return f"{path} cannot be used ({error}), nor put aside ({refused.strerror})"
        return f"{path} cannot be used ({error}); it is set aside as {os.path.basename(aside)}"

    def _begins(self, most: int) -> dict[str, int]:
        """From which byte on the last `most` bytes of both generations stand, the older one first."""
        found: dict[str, int] = {}
        for name in (files.JOURNAL, files.OLDER):
            size = _size(self._path(name))
            found[self._path(name)] = max(0, size - most)
            most = max(0, most - size)
        return dict(reversed(found.items()))

    def _replayed(self, kept: Kept | None) -> dict[str, int]:
        """Which journals to apply to the states, and from which byte on."""
        older = self._path(files.OLDER)
        if kept is None:
            return self._begins(MOST_REPLAYED)
        if not kept.mark or kept.mark == _mark(self.path):
            # A shorter journal has lost its end: what it still says is what its lines went on from.
            return {self.path: kept.offset if _size(self.path) >= kept.offset else 0}
        if kept.mark == _mark(older):
            # The journal was put aside after the states were kept.
            return {older: kept.offset, self.path: 0}
        return {self.path: 0}

    def _watched(self, kept: Kept | None) -> tuple[Span, ...]:
        """The spans of the states file, the last one up to when somebody last looked."""
        if kept is None or not kept.watched:
            return ()
        begin, end = kept.watched[-1]
        try:
            looked_at = os.stat(self._path(files.LOCK)).st_mtime
        except OSError:
            return kept.watched
        return (*kept.watched[:-1], (begin, max(end, min(looked_at, self._clock.wall()))))

    def _lines(self, path: str, begin: int, beat: Callable[[str], None]) -> Iterator[tuple[int, Transition]]:
        """(byte, transition) of every line from `begin` on; what is torn or not ours is left out."""
        for number, (at, line) in enumerate(_raw_lines(path, begin)):
            if number % _BEAT_LINES == 0:
                beat(self.path)
            change = files.transition_of(line)
            if change is not None:
                yield at, change

    # -- writing --------------------------------------------------------------------------------

    def append(self, changes: Iterable[Transition]) -> None:
        """See `Record.append`.

        Raises:
            OSError: nothing was kept.
        """
        if self._file is None:
            return
        data = "".join([files.line_of(change) + "\n" for change in changes]).encode("utf-8", "replace")
        if not data:
            return
        self._cut()
        self._size = os.fstat(self._file).st_size
        self._torn = True
        try:
            files.write_all(self._file, data)
        except OSError:
            with contextlib.suppress(OSError):
                self._cut()
            raise
        self._torn = False
        self._size += len(data)

    def _cut(self) -> None:
        """Cut off what a refused write has left; nothing may be added after that."""
        if self._torn and self._file is not None:
            os.ftruncate(self._file, self._size)
            self._torn = False

    def keep(
        self, states: Mapping[str, str | None], partial: Container[str], watched: Iterable[Span],
        beat: Callable[[str], None], soon: bool = False,
    ) -> bool:  # fmt: skip
        """See `Record.keep`.

        Raises:
            OSError: the old file stands.
        """
        now = self._clock.now()
        if self._file is None or not self._is_due(now, soon):
            return False
        self._kept_at = now
        beat(self.path)
        if self._size > self._most_bytes:
            self._keep(states, partial, watched)
            self._turn_over()
        self._keep(states, partial, watched)
        return True

    def _is_due(self, now: float, soon: bool) -> bool:
        if self._kept_at is None:
            return True
        since = now - self._kept_at
        if soon and since >= SOON_S + self._kept_size / SOON_BYTES:
            return True
        grown = self._size - self._kept_at_size
        much = grown >= max(KEEP_BYTES, self._kept_size) or self._size > self._most_bytes
        return since >= (KEEP_S if much else KEEP_AGAIN_S) and grown > 0

    def _keep(
        self, states: Mapping[str, str | None], partial: Container[str], watched: Iterable[Span]
    ) -> None:
        assert self._file is not None
        # Lines that the states are ahead of must not be lost when the power fails.
        os.fsync(self._file)
        mark = files.first_line_mark(self._file)
        path = self._path(files.STATES)
        self._kept_size = statesfile.write(path, states, partial, watched, self._size, mark)
        self._kept_at_size = self._size

    def _turn_over(self) -> None:
        """Begin a new journal. The states that were just kept name the old one by its mark."""
        assert self._file is not None
        with contextlib.suppress(FileNotFoundError):  # it was put aside, and then no new one could be made
            os.replace(self.path, self._path(files.OLDER))
        fresh = files.open_regular(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND)
        os.close(self._file)
        self._file, self._size, self._kept_at_size = fresh, 0, 0

    def looked(self, wall: float) -> None:
        """See `Record.looked`.

        Raises:
            OSError: its files were moved or removed, and it was let go; or they cannot be reached.
        """
        if self._lock is None or self._file is None:
            return
        same = files.is_the_same
        if not (same(self._path(files.LOCK), self._lock) and same(self.path, self._file)):
            self.close()
            raise OSError(errno.ESTALE, "it was moved or removed")
        os.utime(self._lock, (wall, wall))

    def close(self) -> None:
        """See `Record.close`. The lock goes with its descriptor; its file stays."""
        for fd in (self._file, self._lock):
            if fd is not None:
                os.close(fd)
        self._file = self._lock = None


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size
    except OSError:
        return 0


def _mark(path: str) -> str:
    try:
        fd = files.open_regular(path, os.O_RDONLY)
    except OSError:
        return ""
    try:
        return files.first_line_mark(fd)
    finally:
        os.close(fd)


def _cut_torn_end(fd: int) -> int:
    """Cut off what stands after the last line break: a line whose writer was killed; the size that is left."""
    size = end = os.fstat(fd).st_size
    while end > 0:
        begin = max(0, end - 65536)
        at = os.pread(fd, end - begin, begin).rfind(b"\n")
        if at >= 0:
            end = begin + at + 1
            break
        end = begin
    if end < size:
        os.ftruncate(fd, end)
    return end


def _raw_lines(path: str, begin: int) -> Iterator[tuple[int, bytes]]:
    """(byte, line) from `begin` on; nothing where there is no file.

    Raises:
        OSError: it cannot be read, or is no file.
    """
    try:
        fd = files.open_regular(path, os.O_RDONLY)
    except FileNotFoundError:
        return
    try:
        yield from files.whole_lines(fd, begin)
    finally:
        os.close(fd)


def _apply(states: dict[str, str | None], added: dict[str, dict[str, State]], change: Transition) -> None:
    tasks = added.get(change.agent)
    if tasks is None:
        tasks = added[change.agent] = parse(states.get(change.agent) or "")
    if change.after is None:
        tasks.pop(change.task, None)
    else:
        old = tasks.get(change.task)
        tasks[change.task] = State(change.after, *(old[1:] if old is not None else ()))


def life(
    folder: str, chosen: Callable[[bytes], bool], most: int, beat: Callable[[str], None]
) -> list[Transition]:
    """The last `most` transitions of both generations whose raw line `chosen` accepts, oldest first."""
    found: list[Transition] = []
    for change in kept(folder, chosen, beat):
        found.append(change)
        if len(found) >= 2 * most:
            del found[:-most]
    return found[-most:]


def kept(folder: str, chosen: Callable[[bytes], bool], beat: Callable[[str], None]) -> Iterator[Transition]:
    """The transitions of both generations whose raw line `chosen` accepts, oldest first."""
    for name in (files.OLDER, files.JOURNAL):
        with contextlib.suppress(OSError):
            for number, (_, line) in enumerate(_raw_lines(os.path.join(folder, name), 0)):
                if number % _BEAT_LINES == 0:
                    beat(folder)
                if chosen(line) and (change := files.transition_of(line)) is not None:
                    yield change
