"""The pollers that ask the prober, with a real prober behind them."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from core.alerts import plan as alerts_plan
from core.alerts.keeping import Keeping
from core.errors import PollError, ProberGone
from core.pollers import POLLERS, build
from core.pollers.mounts import MountsPoller
from core.pollers.processes import ProcessesPoller
from core.pollers.queues import QueuesPoller
from core.pollers.setup import Setup
from core.prober import spawn
from core.prober.client import Prober
from core.prober.guard import Guard
from core.queues.model import QueuesSample
from tests.fakes import FakeClock
from tests.scripted_queues import BOOT

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="watches processes through /proc")


class Scripted(QueuesPoller):
    """The same poller on the tests' own backend."""

    def arguments(self) -> dict[str, Any]:
        return {**super().arguments(), "backend": "scripted"}


class Cell:
    def __init__(self, workspace: Path) -> None:
        self.workspace = workspace
        self.clock = FakeClock()
        self.prober = Prober(boot=BOOT)
        self.guard = Guard(self.prober, self.clock, mounts=list)
        keeping = Keeping(alerts_plan(str(workspace), None, write=True))
        self.setup = Setup("box", str(workspace), self.prober, self.guard, self.clock, alerts=keeping)
        self.queues = Scripted(self.setup)

    def put(self, agent: str, text: str) -> str:
        (self.workspace / agent).write_text(text)
        return str(self.workspace / agent)

    async def poll(self) -> QueuesSample:
        return await self.queues.poll(self.clock.now())


@pytest.fixture
def cell(tmp_path: Path) -> Iterator[Cell]:
    workspace = tmp_path / "ws"
    workspace.mkdir()
    cell = Cell(workspace)
    yield cell
    cell.prober.detach()
    cell.prober.close()


async def test_queues_are_all_there_and_only_changes_are_named(cell: Cell) -> None:
    cell.put("CA", "3")
    cell.put("CB", "4")
    first = await cell.poll()
    assert {name: queue.pending for name, queue in first.queues.items()} == {"CA": 3, "CB": 4}
    assert (first.changed, first.gone, first.complete) == ({"CA", "CB"}, frozenset(), True)
    cell.put("CB", "5")
    second = await cell.poll()
    assert second.changed == {"CB"}
    assert second.queues["CA"] is first.queues["CA"]
    assert first.queues["CB"].pending == 4  # a sample never changes


async def test_an_unchanged_workspace_gives_the_same_objects(cell: Cell) -> None:
    cell.put("CA", "3")
    first = await cell.poll()
    second = await cell.poll()
    assert second.queues is first.queues
    assert second.changed == frozenset()


async def test_an_agent_that_goes_is_gone(cell: Cell) -> None:
    cell.put("CA", "3")
    cell.put("CB", "4")
    await cell.poll()
    os.remove(cell.workspace / "CB")
    sample = await cell.poll()
    assert (set(sample.queues), sample.gone) == ({"CA"}, {"CB"})


async def test_a_new_prober_changes_nothing_that_did_not_change(cell: Cell) -> None:
    cell.put("CA", "3")
    cell.put("CB", "4")
    first = await cell.poll()
    cell.prober.abandon()
    os.remove(cell.workspace / "CB")
    sample = await cell.poll()
    assert (sample.changed, sample.gone) == (frozenset(), {"CB"})
    assert sample.queues["CA"] is first.queues["CA"]


async def test_a_barred_agent_keeps_its_row(cell: Cell) -> None:
    cell.put("CA", "3")
    barred = cell.put("CB", "4")
    await cell.poll()
    cell.prober.abandon()
    cell.guard.skip = (barred,)
    sample = await cell.poll()
    assert (set(sample.queues), sample.gone) == ({"CA", "CB"}, frozenset())


async def test_a_barred_workspace_is_a_reason_and_not_an_empty_fleet(cell: Cell) -> None:
    cell.put("CA", "3")
    await cell.poll()
    cell.guard.skip = (str(cell.workspace),)
    with pytest.raises(PollError, match="the workspace does not answer"):
        await cell.poll()
    assert set(cell.queues.take(0.0).queues) == {"CA"}


async def test_a_prober_that_dies_is_a_poll_error_and_the_next_poll_works(cell: Cell) -> None:
    cell.put("CA", "3")
    await cell.poll()
    assert cell.prober.pid is not None
    os.kill(cell.prober.pid, signal.SIGKILL)
    with pytest.raises(ProberGone):
        await cell.poll()
    assert set((await cell.poll()).queues) == {"CA"}


async def test_a_poll_that_was_cancelled_is_taken_up_by_the_next(cell: Cell) -> None:
    cell.put("CA", "3")
    os.mkfifo(cell.workspace / "ZZ")
    waiting = asyncio.ensure_future(cell.poll())
    await asyncio.sleep(0)
    fifo = os.open(cell.workspace / "ZZ", os.O_WRONLY)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    os.write(fifo, b"9")
    os.close(fifo)
    sample = await cell.poll()
    assert {name: queue.pending for name, queue in sample.queues.items()} == {"CA": 3, "ZZ": 9}


def test_before_there_is_a_loop_replies_are_fed_by_hand(cell: Cell) -> None:
    cell.put("CA", "3")
    cell.queues.prime(0.0)
    while not cell.queues.ready:
        for reply in cell.prober.receive(5.0):
            assert cell.queues.accept(reply)
    assert cell.queues.news
    assert cell.queues.sample(0.0).queues["CA"].pending == 3
    assert not cell.queues.news


def test_while_a_long_scan_goes_on_its_progress_can_be_taken(cell: Cell) -> None:
    for number in range(200):  # what they come to fits into the pipe
        cell.put(f"agent-{number:04}", "1")
    os.mkfifo(cell.workspace / "zz")
    cell.queues.prime(0.0)
    fifo = os.open(cell.workspace / "zz", os.O_WRONLY)
    while not cell.queues.news:
        for reply in cell.prober.receive(5.0):
            cell.queues.accept(reply)
    part = cell.queues.take(0.0)
    assert not part.complete
    assert 0 < part.done < part.total == 201
    assert len(part.queues) == part.done
    os.close(fifo)
    while not cell.queues.ready:
        for reply in cell.prober.receive(5.0):
            cell.queues.accept(reply)
    rest = cell.queues.take(0.0)
    assert rest.complete
    assert len(rest.queues) == 201
    assert rest.changed.isdisjoint(part.changed)


async def test_mounts_and_processes_of_this_host(cell: Cell) -> None:
    mounts = await MountsPoller(cell.setup).poll(7.0)
    assert "/" in [mount.path for mount in mounts.mounts]
    assert (mounts.at, mounts.host) == (7.0, "box")
    setup = cell.setup._replace(workspace=os.getcwd(), patterns=("no such process",))
    poller = ProcessesPoller(setup)
    processes = await poller.poll(8.0)
    assert processes.complete
    assert processes.total > 1
    assert os.getpid() not in [row.pid for row in processes.rows]
    assert processes.handles == sum(row.handles or 0 for row in processes.rows)


async def test_a_barred_mount_says_since_when(cell: Cell) -> None:
    cell.guard._bans.hung("/", 5.0)
    cell.guard.check(5.0)
    sample = await MountsPoller(cell.setup).poll(19.0)
    assert [mount.problem for mount in sample.mounts if mount.path == "/"] == ["no answer for 14 s"]


def test_every_poller_has_a_name_a_rhythm_and_a_deadline(cell: Cell) -> None:
    pollers = build(cell.setup)
    assert len(pollers) == len(POLLERS)
    names = [poller.name for poller in pollers]
    assert names == [
        "cpu",
        "memory",
        "disk",
        "handles",
        "queues",
        "mounts",
        "processes",
        "signals",
        "own",
        "alerts",
    ]
    assert all(poller.interval_s > 0 and poller.deadline_s > 0 for poller in pollers)
    without = {poller.name for poller in build(cell.setup._replace(workspace=None))}
    assert without.isdisjoint({"queues", "signals"})


@pytest.mark.parametrize("number", range(len(POLLERS)))
async def test_every_poller_gives_a_sample_with_its_time_and_host(cell: Cell, number: int) -> None:
    poller = POLLERS[number](cell.setup)
    assert poller is not None
    if poller.name == "queues":
        poller = cell.queues
    poller.prime(1.0)
    sample = poller.poll(2.0)
    if asyncio.iscoroutine(sample):
        sample = await sample
    assert (sample.at, sample.host) == (2.0, "box")


def test_pollers_load_nothing_that_the_first_frame_cannot_wait_for() -> None:
    heavy = {
        "asyncio",
        "subprocess",
        "socket",
        "psutil",
        "argparse",
        "tomllib",
        "rich",
        "textual",
        "filelock",
    }
    code = f"import sys, core.pollers; sys.exit(','.join({heavy} & set(sys.modules)) or 0)"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=spawn.root(), capture_output=True, text=True, timeout=30)
    assert (done.stderr, done.returncode) == ("", 0)
