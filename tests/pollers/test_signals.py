"""The signals poller, with a real prober behind it."""

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from core.errors import PollError
from core.pollers.setup import Setup
from core.pollers.signals import SignalsPoller
from core.prober.client import Prober
from core.prober.guard import Guard
from core.samples import SignalsSample
from tests.fakes import FakeClock

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="watches processes through /proc")


class Cell:
    def __init__(self, workspace: Path) -> None:
        self.active = workspace / ".signals" / "active"
        self.active.mkdir(parents=True)
        self.prober = Prober()
        self.guard = Guard(self.prober, FakeClock(), mounts=list)
        setup = Setup("box", str(workspace), self.prober, self.guard, scan_interval_s=7.0)
        self.poller = SignalsPoller(setup)

    def ask(self, name: str, **values: Any) -> Path:
        path = self.active / f"{name}.json"
        content = {"signal_id": name, "signal_type": "NEEDS_HELP", "from_agent": "CB", **values}
        path.write_text(json.dumps(content))
        return path

    async def poll(self) -> SignalsSample:
        return await self.poller.poll(2.0)


@pytest.fixture
def cell(tmp_path: Path) -> Iterator[Cell]:
    cell = Cell(tmp_path)
    yield cell
    cell.prober.detach()
    cell.prober.close()


def ids(sample: SignalsSample) -> list[str]:
    return [signal.signal_id for signal in sample.open]


async def test_unanswered_signals_come_as_records(cell: Cell) -> None:
    path = cell.ask("S-1", timestamp="2025-05-29T08:54:55Z", message="\x1b[2J", to_agent="CA")
    sample = await cell.poll()
    (signal,) = sample.open
    assert (sample.at, sample.host, sample.more, sample.complete) == (2.0, "box", 0, True)
    assert signal == (
        "S-1", "NEEDS_HELP", "CB", "CA", 1748508895.0, "\\x1b[2J", "", "", f".signals/active/{path.name}",
    )  # fmt: skip
    assert sample.last == (("CB", 1748508895.0, "NEEDS_HELP"),)
    assert cell.poller.interval_s == 7.0


async def test_what_did_not_change_is_the_same_object(cell: Cell) -> None:
    cell.ask("S-1")
    (cell.active / "bad.json").symlink_to("bad.json")
    first = await cell.poll()
    second = await cell.poll()
    assert (second.open is first.open, second.last is first.last) == (True, True)
    assert second.problems is first.problems
    assert [path for path, _ in first.problems] == [".signals/active/bad.json"]


async def test_a_scan_that_finds_nothing_new_sends_nothing(cell: Cell) -> None:
    cell.ask("S-1")
    await cell.poll()
    arguments = cell.poller.arguments()
    assert cell.prober.ask("signals", 5.0, **arguments) == []
    parts = cell.prober.ask("signals", 5.0, **{**arguments, "version": "another"})
    assert [sorted(part) for part in parts] == [["open"], ["last"], ["complete", "more", "version"]]


async def test_a_new_prober_changes_nothing_that_did_not_change(cell: Cell) -> None:
    cell.ask("S-1")
    first = await cell.poll()
    cell.prober.abandon()
    second = await cell.poll()
    assert second.open is first.open


async def test_signals_that_come_and_go_are_noticed(cell: Cell) -> None:
    assert ids(await cell.poll()) == []
    path = cell.ask("S-1")
    assert ids(await cell.poll()) == ["S-1"]
    os.remove(path)
    sample = await cell.poll()
    assert (sample.open, sample.last) == ((), ())


async def test_a_barred_workspace_is_a_reason_and_not_silence(cell: Cell) -> None:
    cell.ask("S-1")
    await cell.poll()
    cell.guard.skip = (str(cell.active.parent.parent),)
    with pytest.raises(PollError, match="the workspace does not answer"):
        await cell.poll()
    cell.guard.skip = ()
    assert ids(await cell.poll()) == ["S-1"]


async def test_a_large_answer_comes_in_pieces_and_whole(cell: Cell) -> None:
    for number in range(200):
        cell.ask(f"S-{number:03}", from_agent=f"A{number}", message="x" * 300)
    sample = await cell.poll()
    assert ids(sample) == [f"S-{number:03}" for number in range(200)]
    assert len(sample.last) == 200


def test_before_there_is_a_loop_replies_are_fed_by_hand(cell: Cell) -> None:
    cell.ask("S-1")
    cell.poller.prime(0.0)
    while not cell.poller.ready:
        for reply in cell.prober.receive(5.0):
            assert cell.poller.accept(reply)
    assert ids(cell.poller.sample(1.0)) == ["S-1"]


def test_before_the_first_answer_nothing_is_claimed(cell: Cell) -> None:
    assert cell.poller.sample(1.0) == SignalsSample(1.0, "box", (), 0, (), (), False)
