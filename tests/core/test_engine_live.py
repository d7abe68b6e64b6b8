"""The engine with the real prober on a real workspace. Waits for events, never for time."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from core.config import Poll, Settings
from core.engine import Engine
from core.errors import PollError
from core.snapshot import Snapshot
from core.troubles import HELPER

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="stops and kills processes by /proc's rules")
BRISK = Settings(poll=Poll(host_interval_s=0.1, queue_interval_s=0.1, deadline_s=0.5))


def write(workspace: Path, agent: str, *statuses: str) -> None:
    tasks = [
        {"task_id": f"TASK-{n}", "title": f"Task {n}", "status": status, "priority": "HIGH", "estimated_hours": 1,
         "description": "", "created_at": "2025-05-29T10:00:00Z", "colour": "blue"}
        for n, status in enumerate(statuses)
    ]  # fmt: skip
    folder = workspace / "postbox" / agent
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"agent_id": agent, "tasks": tasks, "history": []}, indent=2)
    (folder / "new").write_text(text)
    os.replace(folder / "new", folder / "outbox.json")


class Live:
    """A running engine; `until` waits for a Snapshot of which something is true."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._changed = asyncio.Event()
        engine.subscribe(lambda snapshot: self._changed.set())

    async def until(self, true: Callable[[Snapshot], object]) -> Snapshot:
        async with asyncio.timeout(20):
            while not true(self.engine.latest):
                self._changed.clear()
                await self._changed.wait()
        return self.engine.latest


def live(engine: Engine, story: Callable[[Live], object]) -> None:
    """Run the engine while `story` goes on, and close it."""

    async def main() -> None:
        running = asyncio.ensure_future(engine.run())
        telling = asyncio.ensure_future(story(Live(engine)))  # type: ignore[arg-type]
        await asyncio.wait([running, telling], return_when=asyncio.FIRST_COMPLETED)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await telling

    try:
        asyncio.run(main())
    finally:
        engine.close()


def pending(snapshot: Snapshot, agent: str) -> int | None:
    return next((v.queue.pending for v in snapshot.agents if v.queue.agent == agent), None)


def test_first_snapshot_has_the_queues_and_the_run_goes_on_from_there(tmp_path: Path):
    write(tmp_path, "CA", *["pending"] * 14)
    write(tmp_path, "CB", "in_progress")
    engine = Engine(BRISK, str(tmp_path))
    first = engine.first_snapshot(10.0)
    assert [view.queue.agent for view in first.agents] == ["CA", "CB"]
    assert first.verdict.text == "CA has 14 tasks waiting"
    assert first.memory.value is not None

    async def story(here: Live) -> None:
        await here.until(lambda s: s.mounts.at is not None and s.processes.at is not None)
        before = here.engine.latest
        write(tmp_path, "CA", "pending")
        after = await here.until(lambda s: pending(s, "CA") == 1)
        assert after.agents[1] is before.agents[1]
        write(tmp_path, "CC", "pending")
        await here.until(lambda s: pending(s, "CC") == 1)
        (tmp_path / "postbox/CB/outbox.json").unlink()
        (tmp_path / "postbox/CB").rmdir()
        await here.until(lambda s: pending(s, "CB") is None)

    live(engine, story)


def test_an_agent_and_a_task_can_be_opened(tmp_path: Path):
    write(tmp_path, "CA", "pending", "in_progress")
    engine = Engine(BRISK, str(tmp_path))

    async def story(here: Live) -> None:
        await here.until(lambda s: pending(s, "CA") == 1)
        tasks = await engine.tasks("CA")
        assert [task.task_id for task in tasks] == ["TASK-0", "TASK-1"]
        text = await engine.record("CA", tasks[1].place, tasks[1].index, tasks[1].task_id)
        assert json.loads(text)["colour"] == "blue"
        with pytest.raises(PollError):
            await engine.tasks("NOBODY")

    live(engine, story)


def test_a_prober_that_is_killed_is_replaced_and_nothing_is_lost(tmp_path: Path):
    write(tmp_path, "CA", "pending")
    engine = Engine(BRISK, str(tmp_path))

    async def story(here: Live) -> None:
        before = (await here.until(lambda s: pending(s, "CA") == 1)).agents
        assert engine.prober.pid is not None
        os.kill(engine.prober.pid, signal.SIGKILL)
        await here.until(lambda s: any(row.name == HELPER for row in s.sources))
        write(tmp_path, "CB", "pending")
        after = await here.until(lambda s: pending(s, "CB") == 1)
        assert after.agents[0] is before[0]
        assert after.queues.problem == ""

    live(engine, story)


def test_a_prober_that_stands_still_is_abandoned_and_the_screen_stays_live(tmp_path: Path):
    write(tmp_path, "CA", "pending")
    engine = Engine(BRISK, str(tmp_path))

    async def story(here: Live) -> None:
        await here.until(lambda s: pending(s, "CA") == 1)
        stopped = engine.prober.pid
        assert stopped is not None
        os.kill(stopped, signal.SIGSTOP)
        write(tmp_path, "CA", "pending", "pending")
        ticks = 0

        def seen(snapshot: Snapshot) -> bool:
            nonlocal ticks
            ticks += 1
            return pending(snapshot, "CA") == 2

        await here.until(seen)
        assert ticks > 3
        assert engine.prober.pid != stopped

    live(engine, story)


def test_without_a_workspace_the_host_is_watched():
    engine = Engine(BRISK, None)
    first = engine.first_snapshot(0.0)
    assert (first.workspace, first.agents) == (None, ())

    async def story(here: Live) -> None:
        snapshot = await here.until(lambda s: s.verdict.severity != "unknown" and s.mounts.at is not None)
        assert snapshot.cpu.value is not None
        assert snapshot.progress is None

    live(engine, story)


def test_closing_is_instant_even_while_the_prober_is_busy(tmp_path: Path):
    write(tmp_path, "CA", "pending")
    engine = Engine(BRISK, str(tmp_path))
    engine.prime()
    pid = engine.prober.pid
    assert pid is not None
    engine.close()
    assert engine.prober.pid is None
    assert engine.first_snapshot(0.0).agents == ()
