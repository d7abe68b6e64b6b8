"""Runs the pollers, feeds the evaluator, publishes the newest Snapshot.

The only place where the core keeps mutable state, and the owner of the prober. Three phases:
`prime` and `first_snapshot` need no event loop and are for the first frame; `run` goes on
until it is cancelled; `close` ends the prober at once, at any time.

One timer wakes for all pollers of a slot. Those whose source lives in memory answer on the
spot; those that ask the prober get a task, and a slot that comes while they still wait is
skipped and counted, so a slow source delays nobody. What came in one turn of the loop is one
Snapshot. An answer of the prober that changes nothing waits for the next turn.
"""

import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from math import inf
from typing import TYPE_CHECKING, Any

import msgspec

from core.alerts.attached import Alerting
from core.alerts.keeping import Keeping
from core.asks import Asks
from core.clock import SYSTEM_CLOCK, Clock
from core.config import Settings
from core.errors import PollError, ProberGone
from core.evaluator import absorb, begin, evaluate, informed, with_policy
from core.metrics import without_rates
from core.opening import Opening
from core.policy import policy_of
from core.pollers import Poller, build
from core.pollers.asking import AskingPoller
from core.pollers.queues import QueuesPoller
from core.pollers.setup import ByteCounter, Setup
from core.prober.client import Prober, Reply
from core.prober.guard import Guard
from core.queues.model import QueuesSample
from core.schedule import Schedule
from core.snapshot import Snapshot
from core.sources import Answer, Trouble
from core.text import clean_line
from core.troubles import Watch

if TYPE_CHECKING:
    import asyncio
    import logging

    from core.alerts.live import LiveAlerts
    from core.alerts.note import Note

# A rate over less than this is noise: the processor's clock ticks a hundred times a second,
# and most of what it counted was the start of this very program.
LEAST_RATE_S = 0.2
# A first scan that takes long is shown while it goes on, this often.
PEEK_S = 0.25
# An answer that changes nothing waits for the next slot, if that is not further away than this.
FOLD_S = 1.5
# What is still sampled while paused.
PAUSED_TOO = ("cpu", "memory", "disk", "alerts")
# And how often: twice in a column of the charts.
PAUSED_S = 2.5
SLOWEST_S, FASTEST_S = 3600.0, 0.1


def _log() -> "logging.Logger":
    """Imported when first needed: the first frame has no 5 ms for it."""
    import logging

    return logging.getLogger(__name__)


def host_name() -> str:
    """The name of this host, fit for a terminal."""
    return clean_line(os.uname().nodename) or "localhost"


class _Source:
    """One poller and what the engine knows of it."""

    __slots__ = ("asked_at", "gone", "missed", "poller", "task")

    def __init__(self, poller: Poller) -> None:
        self.poller = poller
        self.task: asyncio.Task[None] | None = None
        self.asked_at = 0.0
        self.missed = 0
        self.gone = False


class Engine(Asks):
    """The live core of one host and at most one workspace."""

    def __init__(
        self,
        settings: Settings,
        workspace: str | None,
        *,
        clock: Clock = SYSTEM_CLOCK,
        host: str | None = None,
        read_only: bool = False,
        tty: ByteCounter | None = None,
        prober: Prober | None = None,
        pollers: Callable[[Setup], Sequence[Poller]] = build,
        record: Mapping[str, Any] | None = None,
        alerts: Mapping[str, Any] | None = None,
        rejected: Sequence[str] = (),
    ) -> None:
        """`record` is the plan of `core.record.plan`: None keeps what happens in memory only.

        `alerts` is that of `core.alerts.plan`: None judges no alerts, {} keeps them in memory. `rejected` are
        sentences about rules that were left out.
        """
        self._clock = clock
        self._workspace = workspace
        limits: dict[str, int] = msgspec.structs.asdict(settings.queues)
        host = host_name() if host is None else host
        deadline_s = settings.poll.deadline_s
        # One that was started before the rest was imported saves its start-up time.
        self.prober = prober if prober is not None else Prober(clock, deadline_s)
        self.guard = Guard(self.prober, clock, deadline_s)
        self._watch = Watch(self.prober, self.guard, workspace, self._is_mount)
        plan = dict(record or {})
        keeping = Keeping(dict(alerts)) if alerts else None
        self._opening = Opening(self.prober, workspace, limits, plan)
        setup = Setup(
            host=host,
            workspace=workspace,
            prober=self.prober,
            guard=self.guard,
            clock=clock,
            host_interval_s=settings.poll.host_interval_s,
            queue_interval_s=settings.poll.queue_interval_s,
            scan_interval_s=settings.tuning.resource_check_interval,
            limits=limits,
            record=plan,
            alerts=keeping,
            patterns=settings.watch.patterns,
            agent_patterns=settings.watch.agents,
            budget_ms=settings.watch.scan_budget_ms,
            exclude=(os.getpid(),),
            tty=tty,
        )
        self._sources = {poller.name: _Source(poller) for poller in pollers(setup)}
        self._quick = tuple(
            name
            for name, source in self._sources.items()
            if source.poller.interval_s in (settings.poll.host_interval_s, settings.poll.queue_interval_s)
        )
        policy = policy_of(
            settings, host=host, workspace=workspace, read_only=read_only, intervals=self._intervals()
        )
        if rejected:
            policy = msgspec.structs.replace(policy, notes=(*policy.notes, *rejected))
        self._state = begin(policy, clock.now(), clock.wall())
        # Made when the loop begins: the first frame does not wait for it.
        self._alerting = None if alerts is None else Alerting(settings, keeping, rejected)
        self.latest: Snapshot = self._state.snapshot
        self._subscribers: list[Callable[[Snapshot], None]] = []
        self._batch: list[Answer | Trouble] = []
        self._primed_at: float | None = None
        self._paused = False
        self._publishing = False
        self._epoch = 0.0
        self._closed = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._schedule: Schedule | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._peeking: asyncio.TimerHandle | None = None
        self._ended: asyncio.Future[None] | None = None

    # ── before there is a loop ───────────────────────────────────────────────────────────────

    def prime(self) -> None:
        """Start the prober, send it the first requests, take the first counters. Returns at once."""
        if self._primed_at is not None or self._closed:
            return
        now = self._primed_at = self._clock.now()
        # The prober first: it starts while the local pollers are read.
        for source in sorted(self._sources.values(), key=lambda s: not isinstance(s.poller, AskingPoller)):
            source.asked_at = now
            try:
                source.poller.prime(now)
            except Exception as error:  # noqa: BLE001 - `_failed` tells it
                self._failed(source, error)

    def first_snapshot(self, wait_s: float) -> Snapshot:
        """What is known once the queues have answered, or after `wait_s` at the latest."""
        self.prime()
        until = self._clock.now() + wait_s
        asking = [s for s in self._sources.values() if isinstance(s.poller, AskingPoller)]
        while any(s.poller.name == "queues" and self._under_way(s) for s in asking):
            left = until - self._clock.now()
            replies = self.prober.receive(max(0.0, left))
            for reply in replies:
                self._accept(asking, reply)
            if not replies:
                break
        for reply in self.prober.receive(0.0):
            self._accept(asking, reply)
        self._peek(urgent=False)
        now = self._clock.now()
        for source in self._sources.values():
            if not isinstance(source.poller, AskingPoller):
                self._poll(source, now)
        self._evaluate()
        return self.latest

    def _under_way(self, source: _Source) -> bool:
        return isinstance(source.poller, AskingPoller) and not source.poller.ready and not source.gone

    def _accept(self, asking: Sequence[_Source], reply: Reply) -> None:
        for source in asking:
            poller = source.poller
            if not isinstance(poller, AskingPoller):
                continue
            try:
                if not poller.accept(reply):
                    continue
            except PollError as error:
                self._failed(source, error)
                return
            if poller.ready:
                self._answered(source, poller.sample(self._clock.now()))
            return

    # ── the loop ─────────────────────────────────────────────────────────────────────────────

    async def run(self) -> None:
        """Poll, evaluate and publish until cancelled."""
        import asyncio

        loop = self._loop = asyncio.get_running_loop()
        self.prime()
        ended = self._ended = loop.create_future()
        # Slots count from the priming, so that the first rates are over a whole interval.
        self._epoch = loop.time() - (self._clock.now() - (self._primed_at or 0.0))
        for source in self._sources.values():
            if self._under_way(source):
                self._start(source)
        try:
            self._plan()
            await ended
        finally:
            for timer in (self._timer, self._peeking):
                if timer is not None:
                    timer.cancel()
            for source in self._sources.values():
                if source.task is not None:
                    source.task.cancel()
            self._loop = self._schedule = self._timer = self._peeking = None
            self.prober.detach()

    def _plan(self) -> None:
        """The schedule for this state of affairs, from now on."""
        if self._loop is None:
            return
        now = self._loop.time()
        schedule = self._schedule = Schedule(self._epoch)
        for name, source in self._sources.items():
            if not self._paused:
                schedule.add(name, source.poller.interval_s, now)
            elif name in PAUSED_TOO:
                schedule.add(name, max(PAUSED_S, source.poller.interval_s), now)
        self._set_timer()

    def _set_timer(self) -> None:
        if self._loop is None or self._schedule is None:
            return
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        due = self._schedule.next_at()
        if due < inf:
            self._timer = self._loop.call_at(due, self._turn)

    def _turn(self) -> None:
        """One turn of the schedule. An error of our own ends `run` with it: a screen must not freeze silently."""
        loop, schedule = self._loop, self._schedule
        if loop is None or schedule is None:
            return
        try:
            now = self._clock.now()
            self.guard.check(now)
            for name, missed in schedule.take(loop.time()):
                source = self._sources[name]
                source.missed += missed
                self._due(source, now)
            self._set_timer()
            for trouble in self._watch.news(now):
                self._deliver(trouble)
            if self._paused:
                self._absorb()
        except Exception as error:  # noqa: BLE001 - it ends `run`
            _log().exception("a turn of the engine failed")
            self._end(error)

    def _due(self, source: _Source, now: float) -> None:
        if source.task is not None:
            source.missed += 1
            self._peek()
        elif isinstance(source.poller, AskingPoller):
            source.asked_at = now
            self._start(source)
        elif now - source.asked_at >= min(LEAST_RATE_S, source.poller.interval_s / 2):
            self._poll(source, now)

    def _poll(self, source: _Source, now: float) -> None:
        """Ask a poller that answers at once, or at least soon."""
        source.asked_at = self._clock.now()
        try:
            result = source.poller.poll(now)
        except Exception as error:  # noqa: BLE001 - `_failed` tells it
            self._failed(source, error)
            return
        if hasattr(result, "__await__"):
            self._start(source, result)
        else:
            self._answered(source, result)

    def _start(self, source: _Source, result: Awaitable[Any] | None = None) -> None:
        if self._loop is None or source.task is not None:
            return
        source.task = self._loop.create_task(
            self._wait_for(source, result), name=f"poll {source.poller.name}"
        )
        if source.poller.name == "queues" and not self._state.roster.complete and self._peeking is None:
            self._peeking = self._loop.call_later(PEEK_S, self._peek_again)

    async def _wait_for(self, source: _Source, result: Awaitable[Any] | None) -> None:
        import asyncio

        poller = source.poller
        try:
            async with asyncio.timeout(poller.deadline_s):
                sample = await (poller.poll(self._clock.now()) if result is None else result)
        except TimeoutError:
            self._deliver(self._problem(source, f"no answer for {poller.deadline_s:g} s", "hung"))
        except Exception as error:  # noqa: BLE001 - `_failed` tells it
            self._failed(source, error)
        else:
            self._answered(source, sample, late=True)
        finally:
            source.task = None

    def _peek_again(self) -> None:
        self._peeking = None
        if self._loop is not None and not self._state.roster.complete:
            self._peek()
            self._peeking = self._loop.call_later(PEEK_S, self._peek_again)

    def _peek(self, urgent: bool = True) -> None:
        """Show what a scan of the queues has found so far."""
        source = self._sources.get("queues")
        if source is not None and isinstance(source.poller, QueuesPoller) and source.poller.news:
            now = self._clock.now()
            self._deliver(Answer("queues", now, source.poller.take(now)), urgent)

    # ── answers ──────────────────────────────────────────────────────────────────────────────

    def _answered(self, source: _Source, sample: Any, late: bool = False) -> None:
        """A sample has come; `late` if not in the turn that asked for it."""
        now = self._clock.now()
        if now - (self._primed_at or now) < LEAST_RATE_S:
            sample = without_rates(sample)
        source.gone = False
        missed, source.missed = source.missed, 0
        took_ms = (now - source.asked_at) * 1000.0
        answer = Answer(source.poller.name, sample.at, sample, took_ms=took_ms, missed=missed)
        self._deliver(answer, not late or self._matters(answer))

    def _matters(self, answer: Answer) -> bool:
        """Whether a late answer is worth a Snapshot of its own."""
        name, sample = answer.source, answer.sample
        reading = self._state.readings[name]
        if reading.at is None or reading.problem:
            return True
        if isinstance(sample, QueuesSample) and (
            sample.changed or sample.gone or sample.ledger.seen or not sample.complete
        ):
            return True
        return min(source.poller.interval_s for source in self._sources.values()) > FOLD_S

    def _failed(self, source: _Source, error: Exception) -> None:
        """No sample this time. That the prober ended is no fault of this source: it is asked once more first."""
        name = source.poller.name
        if isinstance(error, ProberGone) and not source.gone:
            source.gone = True
            if self._schedule is not None and self._loop is not None:
                self._schedule.soon(name, self._loop.time())
            return
        if isinstance(error, PollError):
            state = "hung" if isinstance(error, ProberGone) else "unreadable"
            self._deliver(self._problem(source, str(error), state))
            return
        # A poller meets kernels and files that its author never saw: the rest goes on, and this is told.
        _log().error("poller %s failed", name, exc_info=error)
        reason = clean_line(f"unexpected {type(error).__name__}: {error}; please report it")
        self._deliver(self._problem(source, reason, "unreadable"))

    def _problem(self, source: _Source, problem: str, state: str) -> Answer:
        now = self._clock.now()
        missed, source.missed = source.missed, 0
        return Answer(source.poller.name, now, None, problem, state, (now - source.asked_at) * 1000.0, missed)

    def _deliver(self, answer: Answer | Trouble, urgent: bool = True) -> None:
        self._batch.append(answer)
        if urgent:
            self._publish_soon()

    # ── snapshots ────────────────────────────────────────────────────────────────────────────

    def _publish_soon(self) -> None:
        if self._loop is not None and not self._publishing and not self._paused:
            self._publishing = True
            self._loop.call_soon(self._publish)

    def _publish(self) -> None:
        self._publishing = False
        if self._paused or self._loop is None:
            return
        try:
            self._evaluate()
        except Exception as error:  # noqa: BLE001 - it ends `run`
            _log().exception("the evaluation failed")
            self._end(error)
            return
        for subscriber in self._subscribers:
            try:
                subscriber(self.latest)
            except Exception:  # noqa: BLE001 - a screen's fault is not the engine's
                _log().exception("a subscriber to snapshots failed: %r", subscriber)

    def _evaluate(self) -> None:
        batch, self._batch = self._batch, []
        now, wall = self._clock.now(), self._clock.wall()
        self._state, self.latest = evaluate(self._state, batch, now, wall)
        self._alert(batch)

    def _alert(self, batch: Sequence[Answer | Trouble], *, quiet: bool = False) -> None:
        """Judge the alerts by what has come; what is to be kept of that is written soon."""
        alerting = self._alerting
        if alerting is None:
            return
        if self._loop is None:
            alerting.hold(batch)  # what was kept is told once, and may come before the first frame
            return
        alerts = alerting.take(batch, self._state, self._clock, quiet=quiet)
        self._state = informed(self._state, alerts)
        self.latest = self._state.snapshot
        keeper = self._sources.get("alerts")
        if keeper is not None and keeper.task is None and alerting.waits and self._schedule is not None:
            self._schedule.soon("alerts", self._loop.time())
            self._set_timer()

    def _absorb(self) -> None:
        """While paused: figures go into the history, everything else waits for `resume`."""
        figures: list[Answer] = []
        rest: list[Answer | Trouble] = []
        for answer in self._batch:
            if isinstance(answer, Answer) and answer.source in PAUSED_TOO:
                figures.append(answer)
            else:
                rest.append(answer)
        self._batch = rest
        if figures:
            self._state = absorb(self._state, figures)
            self._alert(figures, quiet=True)

    def _end(self, error: Exception) -> None:
        if self._ended is not None and not self._ended.done():
            self._ended.set_exception(error)

    # ── for whoever runs it ──────────────────────────────────────────────────────────────────

    def subscribe(self, callback: Callable[[Snapshot], None]) -> None:
        """Call `callback` with every new Snapshot, on the loop's thread. It may not block."""
        self._subscribers.append(callback)

    @property
    def clock(self) -> Clock:
        """The clock that `at` of every reading is on."""
        return self._clock

    @property
    def interval_s(self) -> float:
        """The rhythm of the host's gauges and of the queues."""
        return self._state.policy.interval_s

    def set_interval(self, seconds: float) -> None:
        """Another rhythm for the host's gauges and the queues; scans keep theirs."""
        seconds = min(SLOWEST_S, max(FASTEST_S, seconds))
        for name in self._quick:
            self._sources[name].poller.interval_s = seconds
        policy = msgspec.structs.replace(self._state.policy, interval_s=seconds, intervals=self._intervals())
        self._state = with_policy(self._state, policy)
        if self._alerting is not None:
            self._alerting.with_policy(policy)
        self._plan()
        self._publish_soon()

    def pause(self) -> None:
        """Publish nothing and ask nothing of the prober; the host's figures still go into the history."""
        self._paused = True
        self._plan()
        self.rest()

    def rest(self, *, asleep: bool = False) -> None:
        """Nobody looks at the queues for a while (paused, ctrl+z): another instance may write the record.

        And, while this one is `asleep` (ctrl+z), keep the alerts.
        """
        if self._workspace is not None and self.prober.pid is not None:
            self.prober.discard(self.prober.send("rest", skip=self.guard.skip, asleep=asleep))

    def resume(self) -> None:
        """Go on, and publish at once."""
        if not self._paused:
            return
        self._paused = False
        self._publish_soon()
        self._plan()
        if self._schedule is not None and self._loop is not None:
            for name, source in self._sources.items():
                if isinstance(source.poller, AskingPoller):
                    self._schedule.soon(name, self._loop.time())
            self._set_timer()

    @property
    def alerts(self) -> "LiveAlerts | None":
        """The alerts, once the loop runs; None where none are judged."""
        return self._alerting.live if self._alerting is not None else None

    def tell_alerts(self, sink: "Callable[[Sequence[Note]], None]") -> None:
        """Hand every notification of an alert to `sink`, on the loop's thread. It may not block."""
        if self._alerting is not None:
            self._alerting.sinks.append(sink)

    def close(self) -> None:
        """End the prober. Waits a moment at most, for alerts to be kept; may be called twice."""
        if self._alerting is not None and not self._closed:
            self._alerting.close(self.prober, self.guard.skip)
        self._closed = True
        self.guard.close()
        self.prober.close()

    def _is_mount(self, path: str) -> bool:
        return f"mount {path}" in self._state.others

    def _intervals(self) -> dict[str, float]:
        return {name: source.poller.interval_s for name, source in self._sources.items()}
