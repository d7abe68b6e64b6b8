"""The owner's side of the helper processes that rebalance: ask, hear how far they are, take the answer.

Nothing here ever waits. One request stands in front; the helper of a change that was answered stays behind it for
a minute and tells what it had to put right. The owner watches `fileno`, and calls `poll` when it is readable and on
each tick: only then is a helper noticed that stands still, such as one that reads from a hung mount.
"""

import json
import os
import select
import selectors
from collections.abc import Mapping
from typing import Any, NamedTuple

from core.balance.ops import is_changing
from core.balance.worker import joined, spawn_worker
from core.clock import SYSTEM_CLOCK, Clock
from core.prober import spawn, wire
from core.text import clean_line

# What one `poll` reads at most, so that a long answer is worked off between keys.
_SLICE = 256 * 1024
_LONGEST = 64 * 1024 * 1024
# One that computes is not one that hangs; and a change may wait for locks.
_BUSY_FACTOR = 60.0
_LOCKS_S = 100.0
NICE = 5  # beside a dashboard, planning gives way to whoever else works on this machine
AFTER_CUT = "`bluetop optimize --recover` puts in order what may be half done"


class Progress(NamedTuple):
    """How far a request is; `total` is 0 where that is not known."""

    what: str
    done: int
    total: int
    job: int = 0


class Done(NamedTuple):
    """The answer: the object of the request's schema."""

    data: dict[str, Any]
    job: int = 0


class Failed(NamedTuple):
    """There is no answer, and why. `status` is what a command would end with."""

    text: str
    status: int = 1
    job: int = 0


class Settled(NamedTuple):
    """After `Done` of a change: what others had undone or doubled, and what was made of it (`Recovery` rows)."""

    recovered: tuple[dict[str, Any], ...]
    job: int = 0


class Unsettled(NamedTuple):
    """After `Done` of a change: it can no longer be looked after, and why."""

    text: str
    job: int = 0


Event = Progress | Done | Failed | Settled | Unsettled


class _Job:
    """One helper process, and what came from it so far."""

    def __init__(self, number: int, request: Mapping[str, Any], now: float) -> None:
        self.number = number
        self.op = str(request.get("op"))
        self.changing = is_changing(self.op)
        self.pid, self.replies, self.page, self.life = spawn_worker(request)
        self.answered = False
        self.parts: list[tuple[list[str], list[Any]]] = []
        self.line: list[bytes] = []
        self.length = 0
        self.seen = -1
        self.credit = 0.0
        self.looked_at = now


class BalanceClient:
    """Requests to helper processes, one at a time. Owned by one thread."""

    def __init__(self, clock: Clock = SYSTEM_CLOCK, deadline_s: float = 5.0) -> None:
        """`deadline_s`: a helper that stands still for so long, and does not compute, is given up."""
        self._clock, self._deadline_s = clock, deadline_s
        self._front: _Job | None = None
        self._behind: list[_Job] = []
        self._ended: list[int] = []
        self._failed: list[Event] = []
        self._count = 0
        self._watch = selectors.DefaultSelector()

    @property
    def running(self) -> str:
        """The operation that has not been answered yet, "" if there is none."""
        return self._front.op if self._front is not None else ""

    @property
    def is_changing(self) -> bool:
        """Whether what runs may change queues."""
        return self._front is not None and self._front.changing

    def start(self, request: Mapping[str, Any]) -> int:
        """Ask for something, and call off what was asked before; the number of the new job.

        A change that is called off finishes its present move, and is still answered.
        """
        self.cancel()
        if self._front is not None:
            self._behind.append(self._front)
            self._front = None
        self._count += 1
        try:
            job = _Job(self._count, {"nice": NICE, **request}, self._clock.now())
        except OSError as error:
            reason = clean_line(f"the helper process cannot be started: {error.strerror or error}")
            self._failed.append(Failed(reason, 1, self._count))
            return self._count
        self._watch.register(job.replies, selectors.EVENT_READ)
        self._front = job
        return job.number

    def fileno(self) -> int:
        """Readable when `poll` has something to do."""
        return self._watch.fileno()

    def poll(self) -> list[Event]:
        """What has happened since. Never waits."""
        events, self._failed = self._failed, []
        for job in (*self._behind, *((self._front,) if self._front is not None else ())):
            self._read(job, events)
            self._look(job, events)
        self._reap()
        return events

    def cancel(self) -> None:
        """Call off what runs: what reads is killed and says no more, a change is asked to stop."""
        job = self._front
        if job is None:
            return
        if job.changing:
            self._ask_to_stop(job)
        else:
            self._kill(job)

    def at(self) -> str:
        """What the helper is at, as it says itself."""
        return clean_line(wire.read_page(self._front.page)[1]) if self._front is not None else ""

    def close(self) -> None:
        """Leave: what reads is killed, a change finishes its present move by itself."""
        for job in (*self._behind, *((self._front,) if self._front is not None else ())):
            if job.changing:
                self._let_go(job)
            else:
                self._kill(job)
        self._reap()
        self._watch.close()

    # -- one job ------------------------------------------------------------------------------

    def _read(self, job: _Job, events: list[Event]) -> None:
        left = _SLICE
        while left > 0:
            try:
                data = os.read(job.replies, wire.CHUNK)
            except BlockingIOError:
                return
            if not data:
                self._over(job, events)
                return
            left -= len(data)
            *whole, rest = data.split(b"\n")
            for piece in whole:
                job.line.append(piece)
                line, job.line, job.length = b"".join(job.line), [], 0
                try:
                    self._take(job, json.loads(line), events)
                except (ValueError, TypeError, KeyError, RecursionError):
                    job.length = _LONGEST
                    break
            if rest:
                job.line.append(rest)
                job.length += len(rest)
            if job.length >= _LONGEST:
                self._give_up(job, "the helper process sent what is no answer", events)
                return

    def _take(self, job: _Job, said: Any, events: list[Event]) -> None:
        if "progress" in said:
            what, done, total = said["progress"]
            events.append(Progress(clean_line(what), done, total, job.number))
        elif "part" in said:
            path, entries = said["part"]
            job.parts.append((path, entries))
        elif "done" in said:
            data, job.parts = joined(said["done"], job.parts), []
            self._answered(job)
            events.append(Done(data, job.number))
        elif "failed" in said:
            self._answered(job)
            events.append(Failed(clean_line(said["failed"], 2000), said["status"], job.number))
        elif "settled" in said:
            events.append(Settled(tuple(said["settled"]), job.number))
        elif "unsettled" in said:
            events.append(Unsettled(clean_line(said["unsettled"]), job.number))

    def _answered(self, job: _Job) -> None:
        job.answered = True
        if job is self._front:
            self._front = None
            self._behind.append(job)

    def _over(self, job: _Job, events: list[Event]) -> None:
        """The helper has ended."""
        self._let_go(job)
        if not job.answered:
            status = spawn.exited(job.pid)
            how = f" (signal {-status})" if status is not None and status < 0 else ""
            after = f"; {AFTER_CUT}" if job.changing else "; try again"
            events.append(Failed(f"the helper process ended without an answer{how}{after}", 1, job.number))
            if status is None:
                self._ended.append(job.pid)
        else:
            self._ended.append(job.pid)

    def _look(self, job: _Job, events: list[Event]) -> None:
        """Notice a helper that stands still. A gap between two looks counts for half a deadline at most."""
        if job.answered or job.replies < 0:
            return
        now = self._clock.now()
        count, unit = wire.read_page(job.page)
        deadline_s = _LOCKS_S if job.changing else self._deadline_s
        if count != job.seen:
            job.seen, job.credit, job.looked_at = count, 0.0, now
            return
        job.credit += max(0.0, min(now - job.looked_at, deadline_s / 2))
        job.looked_at = now
        if job.credit < deadline_s:
            return
        if _state(job.pid) in ("R", "T", "t") and job.credit < deadline_s * _BUSY_FACTOR:
            return
        poll = select.poll()
        poll.register(job.replies, select.POLLIN)
        if poll.poll(0):  # it waits for us to read
            return
        where = clean_line(unit) or "starting"
        self._give_up(job, f"no answer for {deadline_s:.3g} s ({where}): its mount may be hung", events)

    def _give_up(self, job: _Job, reason: str, events: list[Event]) -> None:
        if job.changing:
            self._let_go(job)
            self._ended.append(job.pid)
            reason = f"{reason}; {AFTER_CUT}"
        else:
            self._kill(job)
        if not job.answered:
            events.append(Failed(reason, 1 if job.changing else 3, job.number))

    def _ask_to_stop(self, job: _Job) -> None:
        if job.life >= 0:
            try:
                os.write(job.life, b"s")
            except OSError:  # it has just ended
                return

    def _kill(self, job: _Job) -> None:
        spawn.kill(job.pid)
        self._let_go(job)
        self._ended.append(job.pid)

    def _let_go(self, job: _Job) -> None:
        """Close our ends; the helper sees that, and it is no longer looked at."""
        if job is self._front:
            self._front = None
        if job in self._behind:
            self._behind.remove(job)
        if job.replies >= 0:
            self._watch.unregister(job.replies)
            for fd in (job.replies, job.page, job.life):
                os.close(fd)
            job.replies = job.page = job.life = -1

    def _reap(self) -> None:
        self._ended = [pid for pid in self._ended if spawn.exited(pid) is None]


def _state(pid: int) -> str:
    """The scheduler's letter for `pid` (R runs, S and D wait, T stopped), "" where there is no /proc."""
    from core.prober.procstat import parse_stat

    try:
        with open(f"/proc/{pid}/stat", "rb", buffering=0) as file:
            stat = parse_stat(file.read(1024) or b"")
    except OSError:
        return ""
    return stat.state if stat is not None else ""
