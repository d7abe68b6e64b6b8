"""The scan of `.signals/`: what agents ask of each other, and when each was last heard of.

`active/ID.json` asks for an answer. Its writer never takes it away again, so the daily folders,
`YYYYMMDD/`, are searched for what answers it. Every file is read once: a folder is listed again
when its time has changed, and once a minute in any case, since files are also rewritten in place.
One scan reads a bounded number of files, the newest first, and leaves the rest to the next scans.

Changes nothing: archives nothing, makes no folder, takes no lock. Does not read the index, the log
or the archive. Not for saying how urgent a signal is.
"""

import os
import re
import time
from collections.abc import Callable, Container, Generator, Iterator
from math import inf
from typing import Any, NamedTuple

from core.clock import Clock
from core.prober.answers import Answers, Said, signal
from core.queues.decode import BROKEN, REPAIRED, WHOLE, decode
from core.queues.model import Problem
from core.queues.notes import ERROR, MOST_PROBLEMS, ODD, Notes
from core.queues.reader import RefusedError, placed, read_bytes
from core.text import clean_line

MOST_OPEN = 200
MOST_READ = 1000
MOST_FILES = 10_000
FILE_BYTES = 256 * 1024
# As many daily folders tell who was heard of; more of them are searched for answers if a signal is older.
DAYS, MOST_DAYS = 7, 60
AGAIN_S = 60.0

_MOST_LISTED = 50_000
# What changed this recently may still be being written: the real writer empties the file first.
_YOUNG_S = 2.0
# One scan spends no more than this; a pause comes after eight files that were read, or many that were not.
_MOST_CPU_S = 0.25
_READ_COST, _STEP_COST = 32, 256
_DAY = re.compile(r"[12]\d{7}", re.ASCII)
_INDEX = "signal_index.json"
_SHOWN = 9  # the values of a `Said` that a `Signal` has


class Found(NamedTuple):
    """What a scan came to. `version` changes with it; rows are `Signal`s and the like as plain tuples."""

    version: str
    open: tuple[tuple[Any, ...], ...]
    more: int
    last: tuple[tuple[str, float, str], ...]
    problems: tuple[tuple[str, Problem], ...]
    complete: bool


# -- folders and files --------------------------------------------------------------------------------


class _File(NamedTuple):
    """A file as it was read. `entry` is its number in the folder; `unsure`: read it again next time."""

    entry: int
    signature: tuple[int, int, int] | None
    unsure: bool
    said: Said | None
    problems: tuple[Problem, ...]


class _Listing:
    """The names in one folder, read again only when there may be other ones."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._mtime_ns: int | None = None
        self._whole_at = -inf

    def fresh(
        self, beat: Callable[[str], None], now: float, wall: float, wanted: Callable[[str], Any]
    ) -> tuple[dict[str, int], bool] | None:
        """Names with their numbers, and whether it is time to look at every file; None: as before.

        Raises:
            OSError: the folder cannot be listed.
        """
        beat(self.path)
        mtime_ns, self._mtime_ns = self._mtime_ns, None
        every = now - self._whole_at >= AGAIN_S
        names: dict[str, int] = {}
        try:
            status = os.stat(self.path)
            if status.st_mtime_ns == mtime_ns and not every:
                self._mtime_ns = mtime_ns
                return None
            with os.scandir(self.path) as entries:
                for count, entry in enumerate(entries, 1):
                    if count % 1024 == 0:
                        beat(self.path)
                    if wanted(entry.name):
                        names[entry.name] = entry.inode()
                    if count >= _MOST_LISTED:
                        break
        except FileNotFoundError:
            return {}, False
        if abs(wall - status.st_mtime_ns / 1e9) >= _YOUNG_S:
            self._mtime_ns = status.st_mtime_ns
        if every:
            self._whole_at = now
        return names, every


def _is_signal(name: str) -> bool:
    return name.endswith(".json") and name[0] != "." and name != _INDEX


class _Folder:
    """One folder of signals. `due` are the names to look at, the newest last; `more` are left out."""

    def __init__(self, path: str, shown_as: str, whole: bool) -> None:
        self.path, self.shown = path, shown_as
        self.files: dict[str, _File] = {}
        self.due: list[str] = []
        self.more = 0
        self._listing = _Listing(path)
        self._whole = whole
        self._entries: dict[str, int] = {}
        self._unsure: set[str] = set()

    @property
    def held(self) -> int:
        """How many files are there, without those left out."""
        return len(self._entries)

    def list(self, beat: Callable[[str], None], now: float, wall: float, most: int) -> bool:
        """See which files are there and which of them to look at; whether one is gone.

        Raises:
            OSError: the folder cannot be listed.
        """
        fresh = self._listing.fresh(beat, now, wall, _is_signal)
        if fresh is None:
            self.due += sorted(self._unsure.difference(self.due))
            return False
        names, every = fresh
        kept = sorted(names)[-most:] if most > 0 else []
        self.more = len(names) - len(kept)
        self._entries = {name: names[name] for name in kept}
        gone = [name for name in self.files if name not in self._entries]
        for name in gone:
            self._drop(name)
        self.due = [name for name in kept if every or self._differs(name)]
        return bool(gone)

    def _differs(self, name: str) -> bool:
        known = self.files.get(name)
        return known is None or known.unsure or known.entry != self._entries[name]

    def look(self, name: str, beat: Callable[[str], None], wall: float) -> tuple[bool, bool]:
        """Look at one file: whether it had to be read, and whether it says something else now."""
        path = f"{self.path}/{name}"
        entry, old = self._entries.get(name, 0), self.files.get(name)
        beat(path)
        signature = _signature(path)
        if old is not None and signature is not None and signature == old.signature and not old.unsure:
            self.files[name] = old._replace(entry=entry)
            return False, False
        try:
            found = read_bytes(path, FILE_BYTES, lambda: beat(path))
        except RefusedError as refused:
            if refused.gone:
                return True, self._drop(name)
            problem = refused.problem
            if problem.code == "too_large":
                problem = problem._replace(detail=f"over {FILE_BYTES} bytes, too much for a signal; not read")
            return True, self._put(name, _File(entry, None, False, None, (problem,)))
        status = found.status
        signature, mtime = (status.st_ino, status.st_size, status.st_mtime_ns), status.st_mtime_ns / 1e9
        said, problems, level = self._read(name, found.data, min(mtime, wall))
        # One look at a broken file proves nothing, unless it is old: its writer may be at work.
        unsure = found.torn or abs(wall - mtime) < _YOUNG_S
        unsure |= level != WHOLE and wall - mtime < AGAIN_S and (old is None or old.signature != signature)
        if unsure and level != WHOLE:
            problems = ()
            if old is not None and old.said is not None:
                said = old.said
            elif level > REPAIRED:
                said = None
        return True, self._put(name, _File(entry, signature, unsure, said, problems))

    def problems(self) -> Iterator[tuple[str, Problem]]:
        """What is wrong with the files, each with its path in the workspace."""
        for name, file in sorted((name, file) for name, file in self.files.items() if file.problems):
            for problem in file.problems:
                yield self._shown(name), problem

    def _shown(self, name: str) -> str:
        return f"{self.shown}/{clean_line(name, 120)}"

    def _read(
        self, name: str, data: bytes | bytearray, latest: float
    ) -> tuple[Said | None, tuple[Problem, ...], int]:
        """What a file says, what is wrong with it, and how good the reading is (as `decode` has it)."""
        notes = Notes()
        decoded = decode(data, notes, FILE_BYTES)
        for document in decoded.documents:
            said = signal(document, name.removesuffix(".json"), self._shown(name), latest)
            if said is not None:
                # Of a daily signal nothing is shown but that there was one.
                said = said if self._whole else said._replace(signal_id="", message="", priority="", path="")
                return said, placed(notes, decoded), decoded.level
        if decoded.documents:
            notes.add(ERROR, "no_signal", "it holds no object with a signal_type or a from_agent")
        elif not notes:
            notes.add(ERROR, "empty_file", "the file is empty")
        return None, placed(notes, decoded), BROKEN

    def _put(self, name: str, file: _File) -> bool:
        old = self.files.get(name)
        self.files[name] = file
        if file.unsure:
            self._unsure.add(name)
        else:
            self._unsure.discard(name)
        return old is None or (old.said, old.problems) != (file.said, file.problems)

    def _drop(self, name: str) -> bool:
        self._unsure.discard(name)
        return self.files.pop(name, None) is not None


def _signature(path: str) -> tuple[int, int, int] | None:
    try:
        status = os.stat(path)
    except OSError:  # `read_bytes` will say what it is
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns


def _folder_problem(error: OSError) -> Problem:
    if isinstance(error, NotADirectoryError):
        return Problem(ERROR, "not_a_folder", "it is no folder; left alone")
    return Problem(ERROR, "io_error", clean_line(f"cannot be listed: {error.strerror or error}"))


_SKIPPED = Problem(ERROR, "skipped", "left alone, since it did not answer")


# -- the scan -----------------------------------------------------------------------------------------


class SignalScanner:
    """The signals of one workspace, from scan to scan. `found` is what the last scan came to."""

    def __init__(self, workspace: str, clock: Clock) -> None:
        self.workspace = workspace
        self._clock = clock
        self._root = os.path.abspath(workspace).rstrip("/") + "/.signals"
        self._listing = _Listing(self._root)
        self._active = self._folder("active")
        self._days: dict[str, _Folder] = {}
        self._names: list[str] = []
        self._reads = 0
        self._stop_at = 0.0
        self._problems: list[tuple[str, Problem]] = []
        self._told: list[tuple[str, Problem]] = []
        self._expires_at = inf
        # Scanners in other processes count too.
        self._token, self._count = os.urandom(6).hex(), 0
        self.found = Found(f"{self._token}.0", (), 0, (), (), False)

    def scan(self, beat: Callable[[str], None], skip: Container[str]) -> Iterator[None]:
        """See what changed; pauses every few files. Beats before whatever can hang; leaves `skip` alone.

        What cannot be read keeps what it said before, and is a problem.
        """
        wall = self._clock.wall()
        self._reads, self._stop_at = MOST_READ, self._clock.cpu() + _MOST_CPU_S
        self._problems = []
        changed = False
        if self._list(beat, skip):
            changed = yield from self._refresh(self._active, beat, skip, MOST_FILES)
            before = self._days
            self._days = self._searched()
            changed |= self._days.keys() != before.keys()
            room = MOST_FILES - self._active.held
            for folder in self._days.values():
                changed |= yield from self._refresh(folder, beat, skip, room)
                room -= folder.held
        folders = (self._active, *self._days.values())
        more = sum(folder.more for folder in folders)
        if more:
            detail = f"{more} older signals are not read; {MOST_FILES} are"
            self._problems.append((".signals", Problem(ODD, "too_many_signals", detail)))
        complete = not any(folder.due for folder in folders)
        settled = complete == self.found.complete and self._problems == self._told
        if changed or not settled or wall >= self._expires_at:
            self._told = self._problems
            self._conclude(wall, complete)

    def _folder(self, name: str) -> _Folder:
        return _Folder(f"{self._root}/{name}", f".signals/{name}", whole=name == "active")

    def _list(self, beat: Callable[[str], None], skip: Container[str]) -> bool:
        """Find the daily folders, the newest first; whether there is anything to look at."""
        if self._root in skip:
            self._problems.append((".signals", _SKIPPED))
            return False
        try:
            fresh = self._listing.fresh(beat, self._clock.now(), self._clock.wall(), _DAY.fullmatch)
        except OSError as error:
            self._problems.append((".signals", _folder_problem(error)))
            return False
        if fresh is not None:
            self._names = sorted(fresh[0], reverse=True)[:MOST_DAYS]
        return True

    def _searched(self) -> dict[str, _Folder]:
        """The daily folders to look at: the newest, and all since the oldest signal that wants an answer."""
        asked = [file.said.heard_at for file in self._active.files.values() if file.said is not None]
        # A folder's date is that of its writer's zone.
        since = _day(min(asked) - 86400.0) if asked else "3"
        names = [name for number, name in enumerate(self._names) if number < DAYS or name >= since]
        known = self._days
        return {name: known[name] if name in known else self._folder(name) for name in names}

    def _refresh(
        self, folder: _Folder, beat: Callable[[str], None], skip: Container[str], most: int
    ) -> Generator[None, None, bool]:
        """Look at what is due in one folder; whether anything is different now."""
        if folder.path in skip:
            self._problems.append((folder.shown, _SKIPPED))
            return False
        wall, clock = self._clock.wall(), self._clock
        try:
            changed = folder.list(beat, clock.now(), wall, most)
        except OSError as error:
            self._problems.append((folder.shown, _folder_problem(error)))
            return False
        due, later, spent = folder.due, [], 0
        while due and self._reads > 0 and clock.cpu() <= self._stop_at:
            name = due.pop()
            if f"{folder.path}/{name}" in skip:
                later.append(name)
                continue
            read, differs = folder.look(name, beat, wall)
            changed |= differs
            self._reads -= read
            spent += _READ_COST if read else 1
            if spent >= _STEP_COST:
                spent = 0
                yield
        if later:
            self._problems.append((f"{folder.shown}/{clean_line(later[0], 120)}", _SKIPPED))
        folder.due = later[::-1] + due
        return changed

    def _conclude(self, wall: float, complete: bool) -> None:
        answers = Answers()
        last: dict[str, tuple[float, str]] = {}
        problems = self._problems + list(self._active.problems())
        asked: dict[str, Said] = {}
        for said in _said(self._active):
            asked.setdefault(said.signal_id, said)
            _hear(last, said)
        for number, folder in enumerate(self._days.values()):
            problems += folder.problems()
            for said in _said(folder):
                answers.add(said)
                if number < DAYS:
                    _hear(last, said)
        wanted = [
            said
            for said in asked.values()
            if said.wants_answer and not (said.expires_at is not None and said.expires_at <= wall)
        ]
        unanswered = [said for said in wanted if not answers.answered(said)]
        unanswered.sort(key=lambda said: (said.heard_at, said.signal_id))
        self._expires_at = min(
            (said.expires_at for said in wanted if said.expires_at is not None), default=inf
        )
        if len(problems) > MOST_PROBLEMS:
            detail = f"{len(problems) - MOST_PROBLEMS} more problems with signals"
            problems[MOST_PROBLEMS:] = [(".signals", Problem(ODD, "more_problems", detail))]
        old = self.found
        found = Found(
            version=old.version,
            open=tuple(said[:_SHOWN] for said in unanswered[:MOST_OPEN]),
            more=max(0, len(unanswered) - MOST_OPEN),
            last=tuple((agent, at, kind) for agent, (at, kind) in sorted(last.items())),
            problems=tuple(problems),
            complete=complete,
        )
        if found != old:
            self._count += 1
            self.found = found._replace(version=f"{self._token}.{self._count}")


def _said(folder: _Folder) -> Iterator[Said]:
    return (file.said for file in folder.files.values() if file.said is not None)


def _hear(last: dict[str, tuple[float, str]], said: Said) -> None:
    if said.agent and (said.heard_at, said.kind) > last.get(said.agent, (-inf, "")):
        last[said.agent] = (said.heard_at, said.kind)


def _day(at: float) -> str:
    """The date, as the daily folders are named."""
    return time.strftime("%Y%m%d", time.gmtime(max(0.0, at)))
