"""The owner's side of the prober: ask it, read what it answers, notice when it no longer does.

Two faces. The plain one (`send`, `receive`, `ask`) is for the first frame and the command
line, and needs no asyncio; `parts` and `stream` are for the engine's loop. Nothing here ever
waits for the prober's health: sending is buffered, killing is SIGKILL without waiting, and a
dead prober is an answer like another (`Reply.gone`), followed by a new prober at the next
`send`. Not for deciding what to leave alone after a hang: that is `guard`.
"""

import os
import select
from collections import deque
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any, NamedTuple

from core.clock import SYSTEM_CLOCK, Clock
from core.errors import PollError, ProberGone
from core.prober import spawn, wire
from core.prober.spawn import BOOT

if TYPE_CHECKING:
    import asyncio


# A prober that computes (a file of 300 MB) is not one that hangs: it has this much more patience.
_BUSY_FACTOR = 12.0
_LONGEST_PAUSE_S = 60.0
_HEALTHY_S = 30.0


class Reply(NamedTuple):
    """One frame from the prober, or the news that it is `gone`. `error` is a sentence, "" if none."""

    id: int
    part: Any
    done: bool
    error: str = ""
    gone: bool = False


class Stuck(NamedTuple):
    """The prober has not moved for `for_s` seconds. `unit` is what it is at, "" if at nothing."""

    unit: str
    for_s: float


class Death(NamedTuple):
    """A prober that ended by itself. `unit` is what it was at ("" if at nothing)."""

    unit: str
    reason: str


class _Descriptors(NamedTuple):
    """The owner's ends. `life` is never written: its closing is what the prober dies of."""

    commands: int
    replies: int
    page: int
    life: int


class Prober:
    """One helper process and its successors. Owned by one thread."""

    def __init__(self, clock: Clock = SYSTEM_CLOCK, deadline_s: float = 5.0, boot: str = BOOT) -> None:
        self._clock = clock
        self._deadline_s = deadline_s
        self._boot = boot
        self.pid: int | None = None
        self.restarts = 0
        # Why there is no prober at the moment; "" while there is one.
        self.problem = ""
        # Probers that ended by themselves, for the guard to judge.
        self.deaths: deque[Death] = deque(maxlen=16)
        self._starts = 0
        self._started_at = 0.0
        self._failures = 0
        self._not_before = 0.0
        self._closed = False
        self._killed: list[int] = []
        self._fds: _Descriptors | None = None
        self._frames = wire.Frames()
        self._out = bytearray()
        self._next_id = 1
        self._open: dict[int, str] = {}
        self._unwanted: set[int] = set()
        self._inbox: dict[int, deque[Reply]] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._waiting: dict[int, asyncio.Future[None]] = {}
        self._seen = -1
        self._still_since = 0.0
        self._looked_at = 0.0
        self._credit = 0.0

    # -- life ---------------------------------------------------------------------------------

    def start(self, launched: tuple[int, int, int, int, int] | None = None) -> None:
        """Start the process if there is none, and return at once. Failure is kept in `problem`.

        `launched` is a process that `spawn.launch` has started already.
        """
        if self.pid is not None or self._closed:
            return
        self._reap()
        now = self._clock.now()
        if now < self._not_before:
            return
        try:
            self.pid, *ends = spawn.launch(self._boot) if launched is None else launched
        except OSError as error:
            self._postpone(now, f"the helper process cannot be started: {error.strerror or error}")
            return
        self._fds = _Descriptors(*ends)
        self._frames = wire.Frames()
        self._out.clear()
        self._started_at = now
        self._be_patient(now)
        self.restarts = self._starts
        self._starts += 1
        self.problem = ""
        if self._loop is not None:
            self._loop.add_reader(self._fds.replies, self._on_readable)

    def abandon(self, reason: str = "the helper process did not answer and was ended") -> None:
        """Kill the prober and give every open request its `gone` reply. Never waits."""
        if self.pid is not None:
            self._end(reason)

    def close(self) -> None:
        """Kill the prober for good. Never waits; nothing is answered any more."""
        self._closed = True
        if self.pid is not None:
            self._end("bluetop is ending")
        self._reap()

    def _end(self, reason: str) -> None:
        pid, fds = self.pid, self._fds
        if pid is None or fds is None:
            return
        self.pid = self._fds = None
        spawn.kill(pid)
        self._killed.append(pid)
        if self._loop is not None:
            self._loop.remove_reader(fds.replies)
            self._loop.remove_writer(fds.commands)
        for fd in fds:
            os.close(fd)
        self._out.clear()
        self._postpone(self._clock.now(), reason)
        self._reap()

    def _died(self, reason: str) -> None:
        """The prober ended, or talks nonsense: remember what it was at, for the guard."""
        unit = wire.read_page(self._fds.page)[1] if self._fds is not None else ""
        self.deaths.append(Death(unit, reason))
        self._end(reason)

    def _postpone(self, now: float, reason: str) -> None:
        """Note the failure, put off the next start if failures follow each other, fail what is open."""
        self.problem = reason
        self._failures = 1 if now - self._started_at > _HEALTHY_S else self._failures + 1
        pause = 0.0 if self._failures < 3 else min(_LONGEST_PAUSE_S, 2.0 ** (self._failures - 3))
        self._not_before = now + pause
        for request in list(self._open):
            self._deliver(Reply(request, None, True, reason, gone=True))

    def _reap(self) -> None:
        """Collect killed children that have ended; one stuck in the kernel is asked about again later."""
        self._killed = [pid for pid in self._killed if spawn.exited(pid) is None]

    # -- asking -------------------------------------------------------------------------------

    def send(self, op: str, **args: Any) -> int:
        """Ask; returns the request's number. Starts a prober if there is none. Never blocks."""
        self.start()
        request = self._next_id
        self._next_id += 1
        if not self._open:
            self._be_patient(self._clock.now())
        self._open[request] = op
        if self.pid is None:
            self._deliver(Reply(request, None, True, self.problem or "bluetop is ending", gone=True))
            return request
        self._out += wire.frame(wire.encode({**args, "id": request, "op": op}))
        self._flush()
        return request

    def _flush(self) -> None:
        if self._fds is None:
            return
        try:
            while self._out:
                del self._out[: os.write(self._fds.commands, self._out)]
        except BlockingIOError:
            if self._loop is not None:
                self._loop.add_writer(self._fds.commands, self._flush)
            return
        except OSError:  # EPIPE: the end of file on the replies tells it too, with what came before
            self._out.clear()
        if self._loop is not None:
            self._loop.remove_writer(self._fds.commands)

    def receive(self, timeout_s: float = 0.0) -> list[Reply]:
        """Every reply that is there; waits up to `timeout_s` for the first one. Needs no asyncio."""
        until = self._clock.now() + timeout_s
        while True:
            self._flush()
            while self._read():
                pass
            if any(self._inbox.values()) or not self._open or self._fds is None:
                break
            left = until - self._clock.now()
            if left <= 0:
                break
            poll = select.poll()
            poll.register(self._fds.replies, select.POLLIN)
            if self._out:
                poll.register(self._fds.commands, select.POLLOUT)
            poll.poll(max(1, round(1000 * left)))
        replies = [reply for queue in self._inbox.values() for reply in queue]
        self._inbox.clear()
        return replies

    def ask(self, op: str, timeout_s: float, **args: Any) -> list[Any]:
        """Ask and wait for all parts. Replies to other requests stay where they are.

        Raises:
            PollError: the prober cannot do it, or did not in time.
            ProberGone: the prober ended meanwhile.
        """
        request = self.send(op, **args)
        until = self._clock.now() + timeout_s
        others: list[Reply] = []
        found: list[Any] = []
        try:
            while True:
                left = until - self._clock.now()
                for reply in self.receive(max(0.0, left)):
                    if reply.id != request:
                        others.append(reply)
                        continue
                    _raise_for(reply)
                    if reply.part is not None:
                        found.append(reply.part)
                    if reply.done:
                        return found
                if left <= 0:
                    self.discard(request)
                    raise PollError(f"{op}: no answer for {timeout_s:g} s{self._at()}")
        finally:
            for reply in others:
                self._inbox.setdefault(reply.id, deque()).append(reply)

    async def parts(self, request: int) -> AsyncIterator[Any]:
        """The parts of the answer to `request`, as they come; may be taken up again after a cancellation.

        Raises:
            PollError: the prober cannot do it.
            ProberGone: the prober ended meanwhile.
        """
        import asyncio

        loop = asyncio.get_running_loop()
        self._attach(loop)
        while True:
            queue = self._inbox.get(request)
            while queue:
                reply = queue.popleft()
                if reply.done:
                    self._inbox.pop(request, None)
                _raise_for(reply)
                if reply.part is not None:
                    yield reply.part
                if reply.done:
                    return
                if queue:
                    await asyncio.sleep(0)  # a backlog is worked off between keys, not before them
            if request not in self._open:
                raise ProberGone("the answer was taken by somebody else")
            future = loop.create_future()
            self._waiting[request] = future
            try:
                await future
            finally:
                self._waiting.pop(request, None)

    async def stream(self, op: str, **args: Any) -> AsyncIterator[Any]:
        """Ask, and give the parts as they come. What comes after a cancellation is thrown away.

        Raises:
            PollError: the prober cannot do it.
            ProberGone: the prober ended meanwhile.
        """
        request = self.send(op, **args)
        try:
            async for part in self.parts(request):
                yield part
        finally:
            self.discard(request)

    def discard(self, request: int) -> None:
        """Nobody waits for `request` any more."""
        self._inbox.pop(request, None)
        if request in self._open:
            self._unwanted.add(request)

    def detach(self) -> None:
        """Let go of the event loop: before it is closed, or to use the plain face again."""
        if self._loop is not None and self._fds is not None:
            self._loop.remove_reader(self._fds.replies)
            self._loop.remove_writer(self._fds.commands)
        self._loop = None

    def _attach(self, loop: "asyncio.AbstractEventLoop") -> None:
        if self._loop is loop:
            return
        self._loop = loop
        if self._fds is not None:
            loop.add_reader(self._fds.replies, self._on_readable)
            self._flush()

    # -- hearing ------------------------------------------------------------------------------

    def _on_readable(self) -> None:
        self._read()

    def _read(self) -> bool:
        """Take at most one chunk from the pipe, so that a flood of parts is worked off in slices."""
        if self._fds is None:
            return False
        try:
            data = os.read(self._fds.replies, wire.CHUNK)
        except BlockingIOError:
            return False
        if not data:
            self._died("the helper process ended")
            return False
        try:
            for document in self._frames.feed(data):
                self._deliver(_reply(document))
        except (wire.GarbledError, TypeError, KeyError):
            self._died("the helper process sent what is no answer")
            return False
        return True

    def _deliver(self, reply: Reply) -> None:
        if reply.id not in self._open:
            return
        if reply.done:
            del self._open[reply.id]
        if reply.id in self._unwanted:
            if reply.done:
                self._unwanted.discard(reply.id)
            return
        self._inbox.setdefault(reply.id, deque()).append(reply)
        future = self._waiting.get(reply.id)
        if future is not None and not future.done():
            future.set_result(None)

    # -- watching -----------------------------------------------------------------------------

    def stuck(self, now: float) -> Stuck | None:
        """Whether the prober has stood still for its deadline though it was asked something. 1 µs.

        Call it each tick. A gap between two calls counts for half a deadline at most: when this
        process itself was asleep (ctrl+z, a closed lid), so perhaps was the prober.
        """
        if self._killed:
            self._reap()
        if self._fds is None or not self._open:
            self._be_patient(now)
            return None
        count, unit = wire.read_page(self._fds.page)
        if count != self._seen:
            self._be_patient(now)
            self._seen = count
            return None
        self._credit += max(0.0, min(now - self._looked_at, self._deadline_s / 2))
        self._looked_at = now
        if self._credit < self._deadline_s:
            return None
        poll = select.poll()
        poll.register(self._fds.replies, select.POLLIN)
        if poll.poll(0):  # it waits for us to read
            return None
        state = _state(self.pid)
        if state == "R" and self._credit < self._deadline_s * _BUSY_FACTOR:
            return None
        if state in ("T", "t"):  # stopped by a signal: what it was at is not to blame
            unit = ""
        return Stuck(unit, now - self._still_since)

    def _be_patient(self, now: float) -> None:
        self._seen = -1
        self._still_since = self._looked_at = now
        self._credit = 0.0

    def _at(self) -> str:
        """ " (at /some/path)", for messages."""
        if self._fds is None:
            return ""
        place = wire.read_page(self._fds.page)[1].partition(":")[2]
        from core.text import clean_line

        return f" (at {clean_line(place)})" if place else ""


def _raise_for(reply: Reply) -> None:
    if reply.gone:
        raise ProberGone(reply.error)
    if reply.error:
        raise PollError(reply.error)


def _reply(document: Any) -> Reply:
    """A frame as a `Reply`; KeyError or TypeError if it is none."""
    number = document["id"]
    if type(number) is not int:
        raise TypeError("a reply without a number")
    return Reply(number, document.get("part"), document["done"] is True, str(document.get("error") or ""))


def _state(pid: int | None) -> str:
    """The scheduler's letter for `pid` (R runs, S and D wait, T stopped), "" where there is no /proc."""
    from core.prober.procstat import parse_stat

    try:
        with open(f"/proc/{pid}/stat", "rb", buffering=0) as file:
            stat = parse_stat(file.read(1024) or b"")
    except OSError:
        return ""
    return stat.state if stat is not None else ""
