"""The program of a helper process that does one request of rebalancing, and ends.

It is given a job (JSON, in memory), tells how far it is, answers, and is gone. What is to be done is
`core.balance.requests`; the owner's side is `core.balance.client`. Four descriptors:

    job      the request, read from its beginning
    replies  one JSON object a line: progress, parts of a long answer, the answer, what was settled later
    page     the unit being worked at, for an owner that wonders why nothing comes (`core.prober.wire`)
    life     a byte on it asks to stop; end of file: the owner is gone

A request that only reads is killed: by its owner, or by the kernel when the owner is gone. One that changes
something is never killed: it finishes the move it is at, writes the end into its journal, and answers if
somebody is left to hear it. After a change it stays for a minute, to see that nobody undid it unknowingly.
"""

import json
import os
import select
import signal
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from core.clock import SYSTEM_CLOCK
from core.prober import spawn, wire
from core.prober.spawn import PATHS, close_inherited

JOB_FD, REPLIES_FD, PAGE_FD, LIFE_FD = 3, 4, 5, 6
BOOT = PATHS + "from core.balance.worker import main; main()"

STAY_S = 62.0  # after a change: until its end is a minute old
AGAIN_S = 2.0  # between two looks at what was changed
_EVERY_S = 0.1  # of progress
# A list or a map longer than this is sent ahead in parts, so that the owner parses a little at a time.
_LONG = 200
_PART = 100


class Owner:
    """The pipes to the owner, of whom nothing is known but that they may be gone, or not listening."""

    def __init__(self, replies: int = REPLIES_FD, life: int = LIFE_FD, page: int = PAGE_FD) -> None:
        self._replies, self._life = replies, life
        self._page = wire.Page(page)
        self._next_at = 0.0
        self._stopped = False
        os.set_blocking(replies, False)
        os.set_blocking(life, False)

    def tell(self, what: str, done: int, total: int) -> None:
        """How far it is. Said at most ten times a second, and not at all to an owner who does not read."""
        self._page.beat(what)
        now = SYSTEM_CLOCK.now()
        if now < self._next_at:
            return
        self._next_at = now + _EVERY_S
        line = _line({"progress": [what[:500], done, total]})
        if len(line) <= select.PIPE_BUF:  # at once or not at all
            try:
                os.write(self._replies, line)
            except (BlockingIOError, BrokenPipeError):
                return

    def answer(self, data: Mapping[str, Any]) -> None:
        """The answer, long ones in parts. Waits for the owner to read it; one who is gone is no error."""
        for line in lines_of(data):
            self.say(line)

    def say(self, line: bytes) -> None:
        """One line that must arrive."""
        os.set_blocking(self._replies, True)
        view = memoryview(line)
        try:
            while view:
                view = view[os.write(self._replies, view) :]
        except BrokenPipeError:
            self._stopped = True
        finally:
            os.set_blocking(self._replies, False)

    def should_stop(self) -> bool:
        """Whether the owner asked to stop, or is gone."""
        if not self._stopped:
            try:
                os.read(self._life, 1)
            except BlockingIOError:
                return False
            self._stopped = True
        return True

    def stop(self) -> None:
        """Stop after the present move, whoever says so."""
        self._stopped = True

    def pause(self, seconds: float) -> bool:
        """Wait, unless the owner asks to stop or goes; whether it may go on."""
        if not self.should_stop():
            select.select([self._life], [], [], seconds)
        return not self.should_stop()


def lines_of(data: Mapping[str, Any]) -> Iterator[bytes]:
    """An answer as the lines that carry it: the long lists and maps in it first, a hundred entries a line.

    `joined` is their other end.
    """
    rest: dict[str, Any] = dict(data)
    for path, value in _long_ones(data):
        empty: Any = [] if isinstance(value, list) else {}
        at = rest
        for key in path[:-1]:
            at[key] = dict(at[key])
            at = at[key]
        at[path[-1]] = empty
        entries = value if isinstance(value, list) else list(value.items())
        for first in range(0, len(entries), _PART):
            yield _line({"part": [path, entries[first : first + _PART]]})
    yield _line({"done": rest})


def _long_ones(data: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    for key, value in data.items():
        if isinstance(value, list | dict) and len(value) > _LONG:
            yield (*path, key), value
        elif isinstance(value, dict) and not path:
            yield from _long_ones(value, (key,))


def joined(data: dict[str, Any], parts: list[tuple[list[str], list[Any]]]) -> dict[str, Any]:
    """The answer whose parts came ahead of it."""
    for path, entries in parts:
        at: Any = data
        for key in path[:-1]:
            at = at[key]
        if isinstance(at[path[-1]], list):
            at[path[-1]] += entries
        else:
            at[path[-1]].update(entries)
    return data


def _line(value: Mapping[str, Any]) -> bytes:
    return wire.encode(value).encode("ascii") + b"\n"


def _read_job(fd: int) -> dict[str, Any]:
    pieces, at = [], 0
    while piece := os.pread(fd, 1 << 20, at):
        pieces.append(piece)
        at += len(piece)
    os.close(fd)
    request = json.loads(b"".join(pieces))
    if not isinstance(request, dict):
        raise TypeError("a request that is no object")
    return request


def _prepare(changing: bool, owner: Owner) -> None:
    """Who may end this process: the kernel one that reads, when its owner is gone; nobody one that changes."""
    import fcntl

    for ignored in (signal.SIGINT, signal.SIGHUP, signal.SIGTSTP, signal.SIGPIPE):
        signal.signal(ignored, signal.SIG_IGN)
    if changing:
        signal.signal(signal.SIGTERM, lambda _number, _frame: owner.stop())
        return
    signal.signal(signal.SIGIO, signal.SIG_DFL)
    if hasattr(os, "O_ASYNC"):
        fcntl.fcntl(LIFE_FD, fcntl.F_SETOWN, os.getpid())
        flags = fcntl.fcntl(LIFE_FD, fcntl.F_GETFL)
        fcntl.fcntl(LIFE_FD, fcntl.F_SETFL, flags | os.O_ASYNC)
    if owner.should_stop():  # gone before the kernel was asked to say so
        os._exit(0)


def work(request: Mapping[str, Any], owner: Owner) -> None:
    """Do what is asked, answer, and stay if there is something to look after."""
    from core.balance.requests import Job, carry_out, settle
    from core.errors import BluetopError
    from core.prober.main import error_text

    job = Job(request, SYSTEM_CLOCK, owner.tell, owner.should_stop)
    settled: Callable[[], list[dict[str, Any]]] | None = None
    try:
        data, stay = carry_out(job)
        owner.answer(data)
        if stay and request.get("stay", True):
            settled = settle(job)
    except Exception as error:  # noqa: BLE001 - whatever it meets, the owner hears of it
        status = error.exit_status if isinstance(error, BluetopError) else 1
        owner.say(_line({"failed": error_text(str(request.get("op")), error), "status": status}))
    if settled is not None:
        _stay(settled, owner)


def _stay(settled: Callable[[], list[dict[str, Any]]], owner: Owner) -> None:
    """Look again and again whether what was changed is still there, until it is a minute old."""
    from core.prober.main import error_text

    until = SYSTEM_CLOCK.now() + STAY_S
    while owner.pause(AGAIN_S):
        try:
            found = settled()
        except Exception as error:  # noqa: BLE001 - told, and left to the next start
            owner.say(_line({"unsettled": error_text("settle", error)}))
            return
        if found:
            owner.say(_line({"settled": found}))
        if SYSTEM_CLOCK.now() > until:
            return


def main() -> None:
    """Entry of the helper process; `BOOT` calls it."""
    import gc

    close_inherited(LIFE_FD)
    owner = Owner()
    owner.tell("starting", 0, 0)
    request = _read_job(JOB_FD)
    from core.balance.ops import is_changing

    changing = is_changing(str(request.get("op")))
    _prepare(changing, owner)
    nice = request.get("nice")
    if not changing and isinstance(nice, int) and nice > 0:
        os.nice(min(nice, 19))
    # Thousands of fresh rows are no garbage.
    gc.freeze()
    gc.set_threshold(200_000, 20, 100)
    work(request, owner)


def spawn_worker(request: Mapping[str, Any]) -> tuple[int, int, int, int]:
    """Start a worker on `request`: its process id, and the owner's ends of replies, page and life.

    Raises:
        OSError: there is no room for a process.
    """
    opened: list[int] = []
    try:
        for _ in range(2):
            for fd in os.pipe():
                opened.append(spawn.raised(fd))
        for _ in range(2):
            opened.append(spawn.raised(spawn.new_page()))
        replies_r, replies_w, life_r, life_w, page, job = opened
        os.ftruncate(job, 0)
        view, at = memoryview(wire.encode(request).encode("ascii")), 0
        while at < len(view):
            at += os.pwrite(job, view[at:], at)
        pid = spawn.spawn_python(
            BOOT,
            (spawn.root(), spawn.packages()),
            ((job, JOB_FD), (replies_w, REPLIES_FD), (page, PAGE_FD), (life_r, LIFE_FD)),
        )
    except OSError:
        for fd in opened:
            os.close(fd)
        raise
    for fd in (replies_w, life_r, job):
        os.close(fd)
    os.set_blocking(replies_r, False)
    return pid, replies_r, page, life_w
