"""The owner's side of webhooks and command hooks: groups what they are told, and never waits for them.

Each message is handed to a courier, a process of its own (`core.alerts.courier`); `turn` starts what
is due, reads what couriers have to say, and kills what is overdue. Nothing here blocks, needs a
thread or an event loop, or grows: what waits for a dead channel is bounded by its grouping. Not for
the terminal, which is told in process: `tui.notify`.

A job holds addresses and headers, so it goes through a file in memory that only the courier has open
(where there is none, a deleted one): it is in no argument list, and unlike a pipe it takes a job of
any size at once. What comes back is fit for the log: the courier makes its texts without either.
"""

import contextlib
import os
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import msgspec

from core.alerts.grouping import Group, Grouping, message
from core.alerts.note import Note
from core.clock import Clock
from core.config import Hook, Webhook
from core.prober.spawn import PATHS, exited, kill, new_page, packages, raised, root, spawn_python
from core.prober.wire import encode
from core.text import clean_line

AT_ONCE = 2  # couriers, over all channels
LOOK_S = 1.0  # between two looks at couriers that are under way
# A courier ends itself after `Patience.life_s`; this much later it is stuck where no alarm reaches it.
_OVERDUE_S = 5.0
# Turns come about once a second: after more than this the machine slept, and the couriers did too.
_ASLEEP_S = 5.0
_ANSWER_BYTES = 4096

BOOT = PATHS + "from core.alerts.courier import main; main()"
# The numbers that job, result, life and turn have in the courier.
_NUMBERS = (3, 4, 5, 6)


class Patience(NamedTuple):
    """How a courier tries: one try and one more after each pause, each for `timeout_s` at most.

    A command that is out of time has `grace_s` between SIGTERM and SIGKILL. Whatever happens, the
    courier ends after `life_s`, which is more than all tries and pauses need together.
    """

    timeout_s: float = 5.0
    backoff_s: tuple[float, ...] = (1.0, 2.0)
    grace_s: float = 0.5
    life_s: float = 25.0


PATIENCE = Patience()


class Delivery(NamedTuple):
    """How one message ended. `alerts` is how many it told of; `problem` may be logged, "" if it arrived."""

    channel: str
    ok: bool
    tries: int
    alerts: int
    problem: str


class Started(NamedTuple):
    """A courier: its process, where its result is read, and what is closed or written to own the result."""

    pid: int
    result: int
    life: int


class _Result(msgspec.Struct, frozen=True):
    ok: bool
    tries: int
    problem: str


class _Message(NamedTuple):
    """A job that is ready to go, and how many alerts it tells of."""

    job: dict[str, Any]
    alerts: int


class _Channel:
    """One channel, what waits for it, and the courier that is under way to it."""

    __slots__ = ("busy", "failures", "grouping", "name", "not_before", "target", "unsent")

    def __init__(self, target: Webhook | Hook) -> None:
        self.name = target.name
        self.target = target
        self.grouping = Grouping(target.severity)
        self.busy = False
        # A message for which no courier could be started, how often, and when to try again.
        self.unsent: _Message | None = None
        self.failures = 0
        self.not_before = 0.0

    @property
    def due(self) -> float | None:
        """When the next message may go; None if there is none, or another one is under way."""
        if self.busy:
            return None
        return self.grouping.due if self.unsent is None else self.not_before


class _Courier:
    """A courier under way. `told` once its result is known."""

    __slots__ = ("alerts", "channel", "kill_at", "said", "started", "told")

    def __init__(self, channel: _Channel, started: Started, alerts: int, kill_at: float) -> None:
        self.channel = channel
        self.started = started
        self.alerts = alerts
        self.kill_at = kill_at
        self.said = b""
        self.told = False


class Outbox:
    """Delivers notes to webhooks and command hooks. Owned by one thread.

    `log_path` is where a courier notes its failure if its owner is gone by then; as long as the owner
    lives, it logs the deliveries that `turn` and `close` return.
    """

    def __init__(
        self,
        channels: Sequence[Webhook | Hook],
        clock: Clock,
        *,
        log_path: str = "",
        patience: Patience = PATIENCE,
    ) -> None:
        self._channels = tuple(_Channel(channel) for channel in channels if channel.enabled)
        self._clock = clock
        self.log_path = log_path
        self._patience = patience
        self._couriers: list[_Courier] = []
        self._killed: list[int] = []  # to be reaped, whenever the kernel lets go of them
        self._turned_at = clock.now()

    def put(self, notes: Sequence[Note]) -> None:
        """Let every channel that hears of such severities be told at its next `turn`."""
        if notes:
            for channel in self._channels:
                channel.grouping.put(notes)

    @property
    def due(self) -> float | None:
        """The time of `clock.now()` at which `turn` has something to do; 0.0 is at once, None never."""
        times = [self._turned_at + LOOK_S] if self._couriers or self._killed else []
        if len(self._couriers) < AT_ONCE:
            times += [due for channel in self._channels if (due := channel.due) is not None]
        return min(times, default=None)

    @property
    def descriptors(self) -> tuple[int, ...]:
        """Readable as soon as a courier has a result: an owner that watches these need not look each second."""
        return tuple(courier.started.result for courier in self._couriers if not courier.told)

    def turn(self) -> list[Delivery]:
        """Read results, kill what is overdue, start what is due. Returns at once, with what has ended."""
        now = self._clock.now()
        slept = now - self._turned_at
        self._turned_at = now
        ended: list[Delivery] = []
        for courier in tuple(self._couriers):
            if slept > _ASLEEP_S:
                courier.kill_at += slept
            self._look_at(courier, now, ended)
        self._killed = [pid for pid in self._killed if exited(pid) is None]
        waiting = [(due, n) for n, channel in enumerate(self._channels) if (due := channel.due) is not None]
        for due, number in sorted(waiting):  # who waits longest goes first
            if due > now or len(self._couriers) >= AT_ONCE:
                break
            self._start(self._channels[number], now, ended)
        return ended

    def close(self) -> list[Delivery]:
        """Hand everything that still waits to couriers and forget them; returns at once, with what has ended.

        The limits hold all the same: a courier that may not go yet waits for the end of another one.
        What a courier has to say from here on, it writes to the log itself.
        """
        now = self._clock.now()
        ended: list[Delivery] = []
        for courier in tuple(self._couriers):
            self._look_at(courier, now, ended)
        # The last courier of each of the two rows that couriers stand in, and how many are before it.
        rows = [(courier.channel, courier.started, 1) for courier in self._couriers if not courier.told]
        for channel, waiting in self._everything(now):
            before = next((row for row in rows if row[0] is channel), None)
            if before is None and len(rows) >= AT_ONCE:
                before = min(rows, key=lambda row: row[2])
            depth = before[2] if before else 0
            job = waiting.job | {"wait_s": depth * (self._patience.life_s + _OVERDUE_S)}
            try:
                started = start(encode(job), before[1].result if before else None)
            except OSError as error:
                ended.append(Delivery(channel.name, False, 0, waiting.alerts, _no_courier(error)))
                continue
            if before:
                rows.remove(before)
                _let_go(before[1])
            rows.append((channel, started, depth + 1))
        for _, started, _ in rows:
            _let_go(started)
        self._channels = ()
        self._couriers.clear()
        self._killed.clear()
        return ended

    def _look_at(self, courier: _Courier, now: float, ended: list[Delivery]) -> None:
        pid = courier.started.pid
        if not courier.told:
            result = _read(courier)
            if result is None and now < courier.kill_at:
                return
            if result is None:
                result = _Result(False, 0, "the courier did not end in time and was killed")
                kill(pid)
            _own(courier.started)
            courier.told = True
            problem = "" if result.ok else clean_line(result.problem, 300)
            ended.append(Delivery(courier.channel.name, result.ok, result.tries, courier.alerts, problem))
        gone = exited(pid) is not None
        if not gone and now >= courier.kill_at:
            kill(pid)
            self._killed.append(pid)  # stuck in the kernel, it must not keep others from going
            gone = True
        if gone:
            self._couriers.remove(courier)
            courier.channel.busy = False

    def _start(self, channel: _Channel, now: float, ended: list[Delivery]) -> None:
        if channel.unsent is None:
            group = channel.grouping.take(now)
            if group is None:
                return
            channel.unsent = self._message(channel, group)
        alerts = channel.unsent.alerts
        try:
            started = start(encode(channel.unsent.job))
        except OSError as error:
            channel.failures += 1
            if channel.failures <= len(self._patience.backoff_s):
                channel.not_before = now + self._patience.backoff_s[channel.failures - 1]
                return
            ended.append(Delivery(channel.name, False, 0, alerts, _no_courier(error)))
        else:
            channel.busy = True
            kill_at = now + self._patience.life_s + _OVERDUE_S
            self._couriers.append(_Courier(channel, started, alerts, kill_at))
        channel.unsent, channel.failures = None, 0

    def _everything(self, now: float) -> Iterator[tuple[_Channel, _Message]]:
        for channel in self._channels:
            if channel.unsent is not None:
                yield channel, channel.unsent
            group = channel.grouping.flush(now)
            if group is not None:
                yield channel, self._message(channel, group)

    def _message(self, channel: _Channel, group: Group) -> _Message:
        said = message(group, self._clock.wall())
        job = {"channel": channel.name, "log": self.log_path, "message": said}
        return _Message(job | _carried(channel.target) | self._patience._asdict(), group.total)


def _carried(target: Webhook | Hook) -> dict[str, Any]:
    if isinstance(target, Webhook):
        return {"kind": "webhook", "url": target.url, "headers": target.headers}
    return {"kind": "hook", "command": target.command}


def start(job: str, before: int | None = None) -> Started:
    """Start a courier with a job (JSON in ASCII). Before it goes it waits for the end of file on `before`.

    Raises:
        OSError: no room for a process or a descriptor, or there is no such Python any more.
    """
    ours: list[int] = []
    its: list[int] = []
    try:
        its.append(new_page())
        os.ftruncate(its[0], 0)
        os.pwrite(its[0], job.encode("ascii"), 0)
        result, writable = os.pipe()
        ours.append(result)
        its.append(writable)
        readable, life = os.pipe()
        ours.append(life)
        its.append(readable)
        if before is not None:
            its.append(os.dup(before))
        for place, fd in enumerate(its):
            its[place] = raised(fd)
        numbers = _NUMBERS[: len(its)]
        pid = spawn_python(
            BOOT, (root(), packages(), *map(str, numbers)), tuple(zip(its, numbers, strict=True))
        )
    except OSError:
        for fd in ours:
            os.close(fd)
        raise
    finally:
        for fd in its:
            os.close(fd)
    os.set_blocking(result, False)
    os.set_blocking(life, False)
    return Started(pid, result, life)


def _read(courier: _Courier) -> _Result | None:
    """The result, if there is one; one of ours if the courier ended without."""
    try:
        piece = os.read(courier.started.result, _ANSWER_BYTES)
    except BlockingIOError:
        return None
    courier.said += piece
    if piece and not courier.said.endswith(b"\n"):
        return None
    try:
        return msgspec.json.decode(courier.said, type=_Result)
    except msgspec.MsgspecError:
        return _Result(False, 0, "the courier ended without a result")


def _own(started: Started) -> None:
    """Tell the courier that its result is known, so that it does not log it, and let it end."""
    with contextlib.suppress(OSError):  # it has ended: after a success it does not wait for this
        os.write(started.life, b"+")
    _let_go(started)


def _let_go(started: Started) -> None:
    os.close(started.result)
    os.close(started.life)


def _no_courier(error: OSError) -> str:
    return f"no courier could be started: {clean_line(error.strerror or 'there is no such Python', 120)}"
