"""The engine with scripted pollers and a clock of its own: rhythm, deadlines, folding, pause."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from core.config import Settings
from core.engine import Engine
from core.errors import PollError
from core.pollers import Poller
from core.snapshot import Snapshot, SourceState
from tests.fakes import NEVER, FakeClock, Later, ScriptedPoller, VirtualLoop
from tests.measured import cpu, disk, memory, mounts, processes


def sampled(answer: Callable[..., Any], *values: Any) -> Callable[[float], Any]:
    return lambda now: answer(now, *values).sample


class Bench:
    """An engine on a virtual loop, and what it published: (seconds since the start, Snapshot)."""

    def __init__(self, *pollers: Poller, workspace: str | None = None) -> None:
        self.clock = FakeClock()
        self.loop = VirtualLoop(self.clock)
        self.began = self.clock.now()
        self.engine = Engine(
            Settings(), workspace, clock=self.clock, host="prod-01", pollers=lambda setup: pollers
        )
        self.published: list[tuple[float, Snapshot]] = []
        self.engine.subscribe(lambda s: self.published.append((round(self.clock.now() - self.began, 3), s)))

    def run(self, seconds: float, meanwhile: Coroutine[Any, Any, None] | None = None) -> None:
        async def main() -> None:
            running = asyncio.ensure_future(self.engine.run())
            other = asyncio.ensure_future(meanwhile) if meanwhile is not None else None
            done, _ = await asyncio.wait([running], timeout=seconds + 0.01)
            running.cancel()
            if other is not None:
                await other
            for task in done:
                await task
            await asyncio.gather(running, return_exceptions=True)

        self.loop.run_until_complete(main())
        self.loop.close()

    @property
    def times(self) -> list[float]:
        return [at for at, _ in self.published]

    def source(self, name: str) -> SourceState:
        return next(s for s in self.engine.latest.sources if s.name == name)


def host_pollers() -> list[ScriptedPoller]:
    return [
        ScriptedPoller("cpu", 1.0, sampled(cpu, 20.0)),
        ScriptedPoller("memory", 1.0, sampled(memory)),
        ScriptedPoller("disk", 1.0, sampled(disk)),
    ]


def test_a_second_is_one_wake_and_one_snapshot_for_all_pollers_that_answer_at_once():
    pollers = host_pollers()
    bench = Bench(*pollers)
    bench.run(10)
    assert bench.times == [float(n) for n in range(1, 11)]
    assert pollers[0].polls == pollers[2].polls == [1000.0 + n for n in range(1, 11)]
    assert bench.loop.wakes <= 12


def test_a_slow_poller_delays_nobody_and_its_missed_slots_are_counted():
    slow = ScriptedPoller("processes", 1.0, Later(3.5, sampled(processes)), sampled(processes))
    quick = ScriptedPoller("cpu", 1.0, sampled(cpu, 20.0))
    bench = Bench(slow, quick)
    bench.run(6)
    assert quick.polls == [1000.0 + n for n in range(1, 7)]
    assert slow.polls[:3] == [1001.0, 1005.0, 1006.0]
    assert 4.5 in bench.times  # the first answer is worth a snapshot of its own
    assert bench.source("processes").misses == 3


def test_a_poller_that_never_answers_is_given_up_at_its_deadline_and_asked_again():
    dead = ScriptedPoller("mounts", 5.0, NEVER, sampled(mounts), deadline_s=4.0)
    bench = Bench(dead, *host_pollers())
    bench.run(9.5)
    row = bench.source("mounts")
    assert (row.state, row.detail, row.misses, row.answered_at) == ("hung", "no answer for 4 s", 1, None)
    assert bench.engine.latest.mounts.problem == "no answer for 4 s"
    bench = Bench(ScriptedPoller("mounts", 5.0, NEVER, sampled(mounts), deadline_s=4.0))
    bench.run(11)
    assert bench.source("mounts").state == "ok"


def test_a_failed_poll_keeps_the_last_value_and_says_why():
    poller = ScriptedPoller("cpu", 1.0, sampled(cpu, 30.0), PollError("/proc/stat: no permission"))
    bench = Bench(poller)
    bench.run(5)
    latest = bench.engine.latest
    assert (latest.cpu.value.percent, latest.cpu.at, latest.cpu.problem) == (
        30.0,
        1001.0,
        "/proc/stat: no permission",
    )
    assert bench.source("cpu").misses == 4
    assert [(e.what, e.count) for e in latest.events if "cpu" in e.text] == [("firing", 1)]


def test_a_poller_with_a_fault_of_its_own_does_not_stop_the_others(caplog: pytest.LogCaptureFixture):
    with caplog.at_level(logging.ERROR):
        bench = Bench(
            ScriptedPoller("cpu", 1.0, ValueError("odd \x1b line")),
            ScriptedPoller("memory", 1.0, sampled(memory)),
        )
        bench.run(3)
    assert len(bench.published) == 3
    assert bench.engine.latest.cpu.problem == "unexpected ValueError: odd \\x1b line; please report it"
    assert "poller cpu failed" in caplog.text


def test_a_subscriber_that_raises_stops_neither_the_engine_nor_the_others(caplog: pytest.LogCaptureFixture):
    bench = Bench(*host_pollers())

    def broken(snapshot: Snapshot) -> None:
        raise RuntimeError("no screen")

    bench.engine._subscribers.insert(0, broken)
    bench.run(3)
    assert bench.times == [1.0, 2.0, 3.0]
    assert "a subscriber to snapshots failed" in caplog.text


def test_an_error_of_the_evaluation_ends_run_with_it():
    bench = Bench(ScriptedPoller("cpu", 1.0, lambda now: mounts(now).sample))
    with pytest.raises(AttributeError):
        bench.run(3)


def test_another_interval_takes_effect_and_is_published():
    pollers = host_pollers()
    scan = ScriptedPoller("mounts", 5.0, sampled(mounts))
    bench = Bench(*pollers, scan)

    async def slower() -> None:
        await asyncio.sleep(2.5)
        bench.engine.set_interval(2.0)

    bench.run(10, slower())
    assert bench.times == [1.0, 2.0, 2.5, 4.0, 5.0, 6.0, 8.0, 10.0]
    assert scan.polls == [1005.0, 1010.0]
    latest = bench.engine.latest
    assert (latest.interval_s, latest.cpu.stale_after_s) == (2.0, 4.5)


def test_an_interval_out_of_range_is_held_to_it():
    bench = Bench(*host_pollers())
    bench.engine.set_interval(0.0)
    assert bench.engine.interval_s == 0.1
    bench.engine.set_interval(1e9)
    assert bench.engine.interval_s == 3600.0


def test_paused_it_publishes_and_scans_nothing_but_keeps_the_history():
    pollers = host_pollers()
    scan = ScriptedPoller("processes", 5.0, sampled(processes))
    bench = Bench(*pollers, scan)

    async def pause() -> None:
        await asyncio.sleep(2.5)
        bench.engine.pause()
        await asyncio.sleep(60)
        bench.engine.resume()

    bench.run(64, pause())
    assert bench.times == [1.0, 2.0, 62.5, 63.0, 64.0]
    assert len(pollers[0].polls) == 2 + 24 + 2
    assert scan.polls == []
    first = dict(bench.published)[62.5]
    assert len(first.charts["cpu_percent"].columns) == 12
    assert first.kpi("cpu").status == "ok"
    assert None not in first.charts["cpu_percent"].columns


def test_a_first_rate_over_a_moment_is_unknown_and_the_next_is_not():
    bench = Bench(*host_pollers())
    first = bench.engine.first_snapshot(0.0)
    assert first.cpu.value.percent is None
    assert first.disk.value.read_bytes_per_s is None
    assert first.memory.value.percent == 40.0
    assert first.verdict.text == "waiting for the first samples"
    bench.run(1)
    assert bench.engine.latest.cpu.value.percent == 20.0


def test_an_answer_that_changes_nothing_waits_for_the_next_slot():
    scan = ScriptedPoller("mounts", 1.0, Later(0.3, sampled(mounts)))
    bench = Bench(scan, *host_pollers())
    bench.run(4)
    assert bench.times == [1.0, 1.3, 2.0, 3.0, 4.0]


def test_it_can_be_closed_twice_and_before_it_ran():
    bench = Bench(*host_pollers())
    bench.engine.close()
    bench.engine.close()
    bench.loop.close()


def test_tasks_without_a_workspace_are_refused_with_a_sentence():
    bench = Bench(*host_pollers())

    async def ask() -> None:
        with pytest.raises(PollError, match="there is no workspace"):
            await bench.engine.tasks("CA")

    bench.run(1, ask())


def test_an_unreadable_workspace_is_told_by_its_poller():
    broken = ScriptedPoller(
        "queues", 1.0, PollError("the workspace does not answer; it is tried again by itself")
    )
    bench = Bench(broken, *host_pollers(), workspace="/w")
    bench.run(2)
    assert bench.engine.latest.queues.problem.startswith("the workspace does not answer")
    assert bench.source("queues").state == "unreadable"
