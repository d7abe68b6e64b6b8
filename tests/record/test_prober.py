"""The record as the owner of a prober meets it: a real helper process that is killed and started again."""

import os
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from core.clock import SYSTEM_CLOCK
from core.config import Poll, Settings
from core.engine import Engine
from core.pollers.queues import QueuesPoller
from core.pollers.setup import Setup
from core.prober.client import Prober
from core.prober.guard import Guard
from core.queues.model import Ledgered, Transition
from core.record import files, plan
from core.record.journal import Journal
from tests.core.test_engine_live import Live, live
from tests.fakes import FakeClock
from tests.record.instance import lines, put
from tests.record.scenes import chains, no_beat, short

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="watches the helper through /proc")


class Owner:
    """A poller with a prober of its own on the workspace `root`."""

    def __init__(self, root: Path, write: bool = True) -> None:
        self.root = root
        self.clock = FakeClock(wall=time.time())
        self.prober = Prober(self.clock)
        guard = Guard(self.prober, self.clock, mounts=list)
        record = plan(str(root), None, write=write)
        self.poller = QueuesPoller(Setup("box", str(root), self.prober, guard, self.clock, record=record))
        self.told: list[Transition] = []

    def put(self, agent: str, tasks: Mapping[str, str]) -> None:
        self.clock.advance(1.0)  # or two files of one size would have one time
        put(self.root, self.clock, agent, tasks)

    async def poll(self, times: int = 1) -> Ledgered:
        """The last of so many polls; all transitions go to `told`."""
        found = Ledgered()
        for _ in range(times):
            found = (await self.poller.poll(self.clock.now())).ledger
            self.told += (*found.past, *found.caught_up, *found.seen)
        return found

    def kill(self) -> None:
        """End the prober as a hang would have it ended; the next one may start at once."""
        self.prober.abandon()
        self.clock.advance(61.0)


@pytest.fixture
def owner(tmp_path: Path) -> Iterator[Owner]:
    root = tmp_path / "workspace"
    (root / "postbox").mkdir(parents=True)
    owner = Owner(root)
    yield owner
    owner.prober.detach()
    owner.prober.close()


async def test_a_prober_that_is_killed_again_and_again_has_each_change_told_once(owner: Owner) -> None:
    words = ["pending", "in_progress", "blocked", "in_progress", "completed"]
    owner.put("CA", {"T-1": words[0], "T-2": "pending"})
    await owner.poll(2)
    for word in words[1:]:
        owner.put("CA", {"T-1": word, "T-2": "pending"})
        await owner.poll()
        owner.kill()
        await owner.poll(2)
    assert chains(owner.told) == {("CA", "T-1"): words}
    assert chains(lines(owner.root / ".bluetop")) == {("CA", "T-1"): words}


async def test_what_happened_while_a_prober_was_being_replaced_is_caught_up_with(owner: Owner) -> None:
    owner.put("CA", {"T-1": "pending"})
    await owner.poll(2)
    owner.kill()
    owner.put("CA", {"T-1": "blocked"})
    assert (await owner.poll()).caught_up == ()
    assert short((await owner.poll()).caught_up) == ["CA T-1 pending>blocked"]
    assert owner.poller.take(0.0).ledger.record.mode == "writing"


async def test_what_a_prober_wrote_and_did_not_live_to_tell_is_told_by_the_next(owner: Owner) -> None:
    owner.put("CA", {"T-1": "pending"})
    await owner.poll(2)
    owner.put("CA", {"T-1": "blocked"})
    await owner.poll()
    owner.kill()
    with (owner.root / ".bluetop" / files.JOURNAL).open("a") as file:
        file.write(files.line_of(Transition(time.time(), "CA", "T-1", "blocked", "failed", None)) + "\n")
    owner.put("CA", {"T-1": "failed"})
    found = await owner.poll(2)
    assert short(found.past) == ["CA T-1 blocked>failed"]
    assert found.caught_up == ()
    assert chains(owner.told) == {("CA", "T-1"): ["pending", "blocked", "failed"]}


async def test_what_another_instance_wrote_is_not_told_again_by_the_next_prober(owner: Owner) -> None:
    other = Journal(str(owner.root / ".bluetop"), SYSTEM_CLOCK, write=True, within=str(owner.root))
    other.acquire(no_beat)
    owner.put("CA", {"T-1": "pending"})
    assert (await owner.poll(2)).record.mode == "reading"
    owner.put("CA", {"T-1": "blocked"})
    assert short((await owner.poll()).seen) == ["CA T-1 pending>blocked"]
    later = time.time() + 0.5
    other.append([Transition(later, "CA", "T-1", "pending", "blocked", None)])  # the same, in its time
    owner.kill()
    found = await owner.poll(2)
    assert (found.past, found.caught_up, found.seen) == ((), (), ())
    other.close()


async def test_the_past_comes_with_the_spans_in_which_it_was_watched(owner: Owner) -> None:
    owner.put("CA", {"T-1": "pending"})
    await owner.poll(2)
    owner.put("CA", {"T-1": "blocked"})
    await owner.poll()
    owner.prober.detach()
    owner.prober.close()
    second = Owner(owner.root, write=False)
    try:
        found = await second.poll(2)
    finally:
        second.prober.detach()
        second.prober.close()
    assert short(found.past) == ["CA T-1 pending>blocked"]
    assert found.record.mode == "reading"
    begin, end = found.record.watched[0]
    assert begin < found.past[0].seen_at
    assert end <= found.record.watched[-1][1]


async def test_forgetting_everything_does_not_lose_the_lock(owner: Owner) -> None:
    owner.put("CA", {"T-1": "pending"})
    await owner.poll(2)
    owner.prober.detach()
    owner.prober.ask("forget", 5.0)
    owner.put("CA", {"T-1": "blocked"})
    found = await owner.poll(2)
    assert short(found.caught_up) == ["CA T-1 pending>blocked"]
    assert found.past == ()
    assert found.record.mode == "writing"
    owner.put("CA", {"T-1": "failed"})
    await owner.poll()
    assert chains(lines(owner.root / ".bluetop")) == {("CA", "T-1"): ["pending", "blocked", "failed"]}


async def test_a_prober_that_rests_lets_go_of_the_lock_until_it_is_asked_to_look(owner: Owner) -> None:
    owner.put("CA", {"T-1": "pending"})
    await owner.poll(2)
    owner.prober.detach()
    owner.prober.ask("rest", 5.0)
    other = Journal(str(owner.root / ".bluetop"), SYSTEM_CLOCK, write=True, within=str(owner.root))
    other.acquire(no_beat)
    assert other.writing
    other.close()
    owner.put("CA", {"T-1": "blocked"})
    found = await owner.poll()
    assert found.record.mode == "writing"
    assert short(found.seen) == short(lines(owner.root / ".bluetop")) == ["CA T-1 pending>blocked"]


async def test_an_agent_from_the_far_future_with_a_hostile_name_breaks_nothing(owner: Owner) -> None:
    owner.put("a  b\x1b[31m", {"T\t1": "pending", "T\n2": "x\ty"})
    await owner.poll(2)
    path = owner.root / "postbox" / "a  b\x1b[31m" / "outbox.json"
    owner.put("a  b\x1b[31m", {"T\t1": "blocked", "T\n2": "x\ty", "T\u20282": "\u202e"})
    os.utime(path, (2e10, 2e10))
    await owner.poll()
    owner.kill()
    await owner.poll(2)
    assert short(owner.told) == ["a  b\\x1b[31m T 1 pending>blocked", "a  b\\x1b[31m T 2 x y>\\u202e"]
    assert short(lines(owner.root / ".bluetop")) == short(owner.told)


def test_an_engine_that_is_held_still_lets_another_instance_write(owner: Owner) -> None:
    settings = Settings(poll=Poll(host_interval_s=0.1, queue_interval_s=0.1))
    engine = Engine(settings, str(owner.root), record=plan(str(owner.root), None, write=True))
    other = Journal(str(owner.root / ".bluetop"), SYSTEM_CLOCK, write=True, within=str(owner.root))
    owner.put("CA", {"T-1": "pending"})

    async def story(running: Live) -> None:
        await running.until(lambda snapshot: snapshot.record.mode == "writing")
        other.acquire(no_beat)
        assert not other.writing
        engine.pause()
        await engine.standing(["T-1"])  # answered after what was asked before
        other.acquire(no_beat)
        assert other.writing
        engine.resume()
        await running.until(lambda snapshot: snapshot.record.mode == "reading")

    live(engine, story)
    other.close()
