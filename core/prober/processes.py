"""The scan of processes: which of them work in the workspace, and what they hold.

Cheap by reading little: a process that is not watched costs nothing in most scans, since what
it is (working directory, command line) is read when it first appears and then about every
half minute; a watched one costs one read of its `stat` and one `stat()` of its `fd` folder.
A budget of CPU time spreads the rest over several scans; `complete` is False meanwhile.

Not for all processes of the host: htop does that better.
"""

import os
import re
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from core.clock import Clock
from core.errors import PollError
from core.prober.procstat import parse_limit, parse_stat
from core.prober.secrets import masked
from core.text import clean_line

_WORDS_LIMIT = 4096
# What a process is gets looked at again after 15 to 45 seconds, by its number, so that the
# looks are spread; one younger than this is looked at in the next scan too, for it may have
# forked and not yet become the program it is going to be.
_LOOK_AGAIN_S, _LOOK_SPREAD = 15.0, 31
_YOUNG_S = 15.0
_POSTBOX = re.compile(rb"(?:^|[\0/ =:])postbox/([^/\0 \"':,]+)")
# Characters that go on a name: "/srv/work" is no path in "/srv/workshop" or "/x/srv/work".
_NAME = re.compile(rb"[A-Za-z0-9._\-\x80-\xff]")


class Facts(NamedTuple):
    """What the kernel says about one process. `started` tells two processes of one number apart."""

    started: int
    started_at: float
    name: str
    state: str
    parent: int
    cpu_s: float
    rss_bytes: int
    age_s: float | None


class Source:
    """Where processes are read from. Unknown is None; gone is None or empty, never an exception."""

    def pids(self) -> Iterator[int]:
        """The numbers of all processes."""
        raise NotImplementedError

    def facts(self, pid: int) -> Facts | None:
        """What `pid` is doing; None if it is gone."""
        raise NotImplementedError

    def folder(self, pid: int) -> bytes | None:
        """Its working directory, b"" if it has none; None if this user may not know."""
        raise NotImplementedError

    def words(self, pid: int) -> bytes:
        """Its command line, words ended by NUL."""
        raise NotImplementedError

    def handles(self, pid: int) -> int | None:
        """How many files it has open."""
        raise NotImplementedError

    def handle_limit(self, pid: int) -> int | None:
        """How many files it may have open."""
        raise NotImplementedError


class ProcSource(Source):
    """/proc under `root`: one open, read and close a figure."""

    def __init__(self, root: str, clock: Clock) -> None:
        self._proc = os.path.join(root, "proc")
        self._clock = clock
        self._tick = os.sysconf("SC_CLK_TCK")
        self._page = os.sysconf("SC_PAGE_SIZE")
        # Start times count from boot, and so does this clock.
        self._booted_at = clock.wall() - clock.now()
        try:
            # The size of an fd folder is the count of its entries since Linux 6.2, 0 before.
            self._counted = os.stat(f"{self._proc}/self/fd").st_size > 0
        except OSError:
            self._counted = False

    def _read(self, name: str, size: int = 65536) -> bytes:
        fd = os.open(f"{self._proc}/{name}", os.O_RDONLY | os.O_CLOEXEC)
        try:
            return os.read(fd, size)
        finally:
            os.close(fd)

    def pids(self) -> Iterator[int]:
        return (int(name) for name in os.listdir(self._proc) if name[0] <= "9" and name.isdigit())

    def facts(self, pid: int) -> Facts | None:
        try:
            stat = parse_stat(self._read(f"{pid}/stat", 1024))
        except OSError:
            return None
        if stat is None:
            return None
        started_s = stat.started / self._tick
        return Facts(
            started=stat.started,
            started_at=self._booted_at + started_s,
            name=clean_line(stat.name.decode("utf-8", "replace")),
            state=stat.state,
            parent=stat.parent,
            cpu_s=stat.cpu_ticks / self._tick,
            rss_bytes=stat.rss_pages * self._page,
            age_s=self._clock.now() - started_s,
        )

    def folder(self, pid: int) -> bytes | None:
        try:
            return os.fsencode(os.readlink(f"{self._proc}/{pid}/cwd"))
        except PermissionError:
            return None
        except OSError:
            return b""

    def words(self, pid: int) -> bytes:
        try:
            return self._read(f"{pid}/cmdline", _WORDS_LIMIT)
        except OSError:
            return b""

    def handles(self, pid: int) -> int | None:
        folder = f"{self._proc}/{pid}/fd"
        try:
            if self._counted:
                return os.stat(folder).st_size
            return len(os.listdir(folder))
        except OSError:
            return None

    def handle_limit(self, pid: int) -> int | None:
        try:
            return parse_limit(self._read(f"{pid}/limits"))
        except OSError:
            return None


class Rules:
    """Which processes are watched, and for whom they work."""

    def __init__(self, workspace: str, patterns: Sequence[str], agent_patterns: Mapping[str, str]) -> None:
        # In "/" everything would be watched; so there only patterns count.
        self._workspace = os.fsencode(workspace.rstrip("/"))
        self._patterns = [(text, _compiled(text)) for text in patterns]
        self._agents = [(agent, _compiled(text)) for agent, text in agent_patterns.items()]

    def judge(self, folder: bytes, words: bytes) -> tuple[str, str] | None:
        """(why it is watched, its agent or ""), None if it is not watched."""
        why = agent = ""
        if self._workspace:
            if _inside(folder, self._workspace):
                why = "works in the workspace"
            elif self._named(words):
                why = "its command line names the workspace"
            if why:
                place = folder[len(self._workspace) :] + b"/" if _inside(folder, self._workspace) else b""
                found = _POSTBOX.search(place) or _POSTBOX.search(words)
                agent = clean_line(found[1].decode("utf-8", "replace")) if found else ""
        if self._agents or (self._patterns and not why):
            text = words.replace(b"\0", b" ").decode("utf-8", "replace").strip()
            for name, pattern in self._agents:
                if pattern.search(text):
                    return why or f"matches the pattern of {clean_line(name)}", name
            if not why:
                for source, pattern in self._patterns:
                    if pattern.search(text):
                        return f"matches {clean_line(source)}", ""
        return (why, agent) if why else None

    def _named(self, words: bytes) -> bool:
        """Whether the workspace stands in a command line as a path or as the start of one."""
        at = words.find(self._workspace)
        while at >= 0:
            end = at + len(self._workspace)
            before, after = words[at - 1 : at] if at else b"", words[end : end + 1]
            if not (_NAME.match(before) or before == b"/" or _NAME.match(after)):
                return True
            at = words.find(self._workspace, end)
        return False


def _inside(path: bytes, folder: bytes) -> bool:
    return path.startswith(folder) and path[len(folder) : len(folder) + 1] in (b"", b"/")


def _compiled(pattern: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern)
    except re.error as error:
        raise PollError(
            f"process pattern {clean_line(pattern)!r} is no regular expression: {error}"
        ) from None


class _Watched:
    """One watched process between scans."""

    __slots__ = ("agent", "command", "cpu_s", "due", "limit", "parent", "row", "seen_at", "started", "why")

    def __init__(self, started: int, why: str, agent: str, command: str) -> None:
        self.started = started
        self.why = why
        self.agent = agent
        self.command = command
        self.cpu_s = 0.0
        self.seen_at: float | None = None
        self.due = 0.0
        self.limit: int | None = None
        self.parent = 0
        self.row: tuple[Any, ...] = ()


class Scan(NamedTuple):
    """One scan. `rows` are `ProcessRow`s as plain tuples."""

    rows: list[tuple[Any, ...]]
    total: int
    unreadable: int
    scan_ms: float
    complete: bool


class ProcessScanner:
    """Keeps what it knows of each process from scan to scan."""

    def __init__(self, source: Source, clock: Clock) -> None:
        self._source = source
        self._clock = clock
        self._watched: dict[int, _Watched] = {}
        self._others: dict[int, float] = {}  # number → when to look at it again
        self._denied: set[int] = set()
        self._settings: tuple[Any, ...] = ()
        self._rules = Rules("", (), {})
        self._turn = 0

    def scan(
        self,
        beat: Callable[[str], None],
        skip: Container[str],
        workspace: str,
        patterns: Sequence[str],
        agent_patterns: Mapping[str, str],
        budget_ms: float,
        exclude: Sequence[int],
    ) -> Scan:
        """Look at all processes, at what is new first. Spends about `budget_ms` of CPU time.

        Raises:
            PollError: a pattern is no regular expression.
        """
        began = self._clock.cpu()
        deadline = began + budget_ms / 1000
        self._apply(beat, skip, workspace, patterns, agent_patterns)
        beat("")
        pids = set(self._source.pids())
        total = len(pids)
        pids -= {os.getpid(), os.getppid(), *exclude}
        for gone in self._watched.keys() - pids:
            del self._watched[gone]
        for gone in self._others.keys() - pids:
            del self._others[gone]
        self._denied &= pids

        now = self._clock.now()
        # Half for the known ones, so that many of them cannot keep new ones from being seen.
        complete = self._follow(beat, skip, began + budget_ms / 2000, now)
        new = [pid for pid in pids if pid not in self._watched and pid not in self._others]
        due = [pid for pid, at in self._others.items() if at <= now]
        due += [pid for pid, process in self._watched.items() if process.due <= now]
        for pid in new + due:
            path = f"/proc/{pid}"
            if path in skip:
                continue
            if self._clock.cpu() > deadline:
                complete = False
                break
            beat(path)
            self._look(pid, now)
        beat("")
        self._hand_down()
        return Scan(
            rows=[process.row for process in self._watched.values() if process.row],
            total=total,
            unreadable=len(self._denied),
            scan_ms=round(1000 * (self._clock.cpu() - began), 3),
            complete=complete,
        )

    def _apply(
        self,
        beat: Callable[[str], None],
        skip: Container[str],
        workspace: str,
        patterns: Sequence[str],
        agent_patterns: Mapping[str, str],
    ) -> None:
        """Take new rules, and look at everything again, if they differ from those of the last scan."""
        settings = (workspace, tuple(patterns), tuple(agent_patterns.items()))
        if settings == self._settings:
            return
        resolved = workspace
        if workspace and workspace not in skip:
            # The kernel names working directories without links in them.
            beat(workspace)
            resolved = os.path.realpath(workspace)
        self._rules = Rules(resolved, patterns, agent_patterns)
        self._settings = settings
        self._watched.clear()
        self._others.clear()
        self._denied.clear()

    def _follow(self, beat: Callable[[str], None], skip: Container[str], deadline: float, now: float) -> bool:
        """Read the watched ones; when that alone is too dear, a slice of them. Whether all were read."""
        pids = list(self._watched)
        if self._turn:
            pids = pids[self._turn :] + pids[: self._turn]
        for count, pid in enumerate(pids):
            path = f"/proc/{pid}"
            if path in skip:
                continue
            if self._clock.cpu() > deadline:
                self._turn = (self._turn + count) % len(pids)
                return False
            beat(path)
            process = self._watched[pid]
            facts = self._source.facts(pid)
            if facts is None or facts.started != process.started:
                del self._watched[pid]
            else:
                self._measure(pid, process, facts, now)
        self._turn = 0
        return True

    def _look(self, pid: int, now: float) -> None:
        """Find out what `pid` is, and whether it is watched."""
        folder = self._source.folder(pid)
        words = self._source.words(pid)
        if folder is None:
            self._denied.add(pid)
        else:
            self._denied.discard(pid)
        known = self._watched.get(pid)
        verdict = self._rules.judge(folder or b"", words) if folder or words else None
        due = now + _LOOK_AGAIN_S + pid % _LOOK_SPREAD
        if verdict is None:
            if known is not None:
                del self._watched[pid]
            # A kernel thread, or a process without a past: see `_YOUNG_S`.
            if pid not in self._others and words:
                facts = self._source.facts(pid)
                if facts is not None and facts.age_s is not None and facts.age_s < _YOUNG_S:
                    due = now
            self._others[pid] = due
            return
        facts = self._source.facts(pid)
        if facts is None:
            return
        self._others.pop(pid, None)
        why, agent = verdict
        command = clean_line(masked(words.rstrip(b"\0").decode("utf-8", "replace").split("\0")))
        if known is None or known.started != facts.started:
            known = self._watched[pid] = _Watched(facts.started, why, agent, command)
            known.limit = self._source.handle_limit(pid)
            self._measure(pid, known, facts, now)
        else:
            known.why, known.agent, known.command = why, agent, command
            known.limit = self._source.handle_limit(pid)
        young = facts.age_s is not None and facts.age_s < _YOUNG_S
        known.due = now if young else due

    def _measure(self, pid: int, process: _Watched, facts: Facts, now: float) -> None:
        cpu_percent = None
        if process.seen_at is not None and now > process.seen_at:
            used = max(0.0, facts.cpu_s - process.cpu_s)
            cpu_percent = round(100 * used / (now - process.seen_at), 2)
        process.cpu_s, process.seen_at, process.parent = facts.cpu_s, now, facts.parent
        process.row = (
            pid,
            round(facts.started_at, 2),
            facts.name,
            process.command or f"[{facts.name}]",
            process.agent,
            process.why,
            facts.state,
            cpu_percent,
            facts.rss_bytes,
            self._source.handles(pid),
            process.limit,
        )

    def _hand_down(self) -> None:
        """A watched process without an agent of its own works for the agent of its nearest parent that has one."""
        for process in self._watched.values():
            if process.agent or not process.row:
                continue
            above, steps = self._watched.get(process.parent), 0
            while above is not None and not above.agent and steps < 32:
                above, steps = self._watched.get(above.parent), steps + 1
            agent = above.agent if above is not None else ""
            if agent != process.row[4]:
                process.row = (*process.row[:4], agent, *process.row[5:])


def new_scanner(root: str, clock: Clock) -> ProcessScanner:
    """A scanner of /proc under `root`, of psutil's processes where there is no /proc."""
    if os.path.exists(os.path.join(root, "proc/self/stat")):
        return ProcessScanner(ProcSource(root, clock), clock)
    from core.prober.portable import PsutilSource

    return ProcessScanner(PsutilSource(), clock)
