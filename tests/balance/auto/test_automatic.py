"""The automatic mode at work in an event loop, with real helper processes on a real workspace."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import msgspec
import pytest

from core.balance import autolog
from core.balance.auto import ON, AutoSettings
from core.balance.automatic import Automatic, Said, attach, options_in
from core.balance.deeds import read_deeds
from core.balance.options import Options
from core.clock import SYSTEM_CLOCK
from core.config import Auto, Balance, Settings
from tests.balance.outcomes.office import Office
from tests.fakes import FakeClock

SETTINGS = AutoSettings(mode=ON, every_s=300.0, moves_per_hour=4)
ENVIRON = {"USER": "maria", "SSH_CONNECTION": "192.0.2.7 50000 192.0.2.1 22"}
ANSWERS_S = 30.0

Start = Callable[..., tuple[Automatic, "asyncio.Queue[Said]"]]


@pytest.fixture
def clock() -> FakeClock:
    """One that stands where the clock of the helper processes is now."""
    return FakeClock(wall=SYSTEM_CLOCK.wall())


@pytest.fixture
def office(tmp_path: Path, clock: FakeClock) -> Office:
    """CA has far too much to do."""
    return Office(tmp_path, clock, CA=16, CB=1, CC=1)


@pytest.fixture
async def start(office: Office, clock: FakeClock) -> AsyncIterator[Start]:
    """Starts the automatic mode; its news come into a queue."""
    begun: list[Automatic] = []

    def started(settings: AutoSettings = SETTINGS, **more: bool) -> tuple[Automatic, "asyncio.Queue[Said]"]:
        news: asyncio.Queue[Said] = asyncio.Queue()
        found = Automatic(
            office.path, Options(), settings, clock=clock, environ=ENVIRON, say=news.put_nowait, **more
        )
        begun.append(found)
        return found, news

    yield started
    for automatic in begun:
        automatic.close()
        automatic.close()  # may be done twice


async def told(news: "asyncio.Queue[Said]") -> Said:
    """The next news."""
    return await asyncio.wait_for(news.get(), ANSWERS_S)


async def test_it_tells_acts_and_says_who_started_it(
    office: Office, clock: FakeClock, start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "bluetop.audit")
    automatic, news = start()
    said = []
    for _ in range(4):
        clock.advance(300.0)
        automatic.turn()
        said.append(await told(news))
    assert [row.what for row in said] == ["would", "would", "would", "apply"]
    done = await told(news)
    assert (done.what, automatic.last) == ("done", done)
    assert "moved" in done.text
    (deed,) = read_deeds(office.path, clock.wall()).rows
    assert (deed.user, deed.automatic) == ("auto (started by maria)", True)
    assert 0 < len(deed.moved) <= 4
    row = json.loads(
        (office.root / ".bluetop" / "journal" / f"{deed.plan_id}.jsonl").read_text().split("\n")[0]
    )
    assert row["by"]["origin"] == "192.0.2.7"
    assert row["by"]["reason"] == said[3].text
    (audit,) = [record.getMessage() for record in caplog.records if record.name == "bluetop.audit"]
    assert "auto (started by maria)" in audit
    ids = [row["task_id"] for name in ("CA", "CB", "CC") for row in office.read(name)["tasks"]]
    assert sorted(ids) == sorted({*ids})
    assert len(ids) == 18
    clock.advance(300.0)
    automatic.turn()
    assert (await told(news)).what == "nothing"


async def test_read_only_changes_nothing(office: Office, clock: FakeClock, start: Start) -> None:
    automatic, news = start(read_only=True)
    for _ in range(5):
        clock.advance(300.0)
        automatic.turn()
        assert (await told(news)).what == "nothing"
    assert autolog.recent(office.path) == ()


async def test_two_of_them_act_as_one(office: Office, clock: FakeClock, start: Start) -> None:
    (first, news), (second, others) = start(), start()
    for _ in range(2):
        clock.advance(300.0)
        first.turn()
        assert (await told(news)).what == "would"
        clock.advance(10.0)
        second.turn()
        said = await told(others)
        assert (said.what, said.text) == ("nothing", "the last decision was 10 s ago")
    assert len(autolog.recent(office.path)) == 2
    clock.advance(600.0)
    second.turn()  # the first one has ended
    assert (await told(others)).what == "would"


async def test_a_workspace_that_is_gone_is_told_and_asked_for_again(
    office: Office, clock: FakeClock, start: Start
) -> None:
    automatic, news = start()
    (office.root / "postbox").rename(office.root / "elsewhere")
    automatic.turn()
    said = await told(news)
    assert (said.what, "cannot be read" in said.text) == ("nothing", True)
    (office.root / "elsewhere").rename(office.root / "postbox")
    clock.advance(300.0)
    automatic.turn()
    assert (await told(news)).what == "would"


def settings_of(**auto: object) -> Settings:
    return msgspec.structs.replace(Settings(), balance=Balance(target=70.0, auto=Auto(**auto)))  # type: ignore[arg-type]  # of its fields


async def test_it_is_attached_only_where_it_is_switched_on_and_can_act(
    office: Office, clock: FakeClock
) -> None:
    news: list[Said] = []

    def attached(settings: Settings, workspace: str | None = office.path, *, read_only: bool = False) -> bool:
        found = attach(
            settings, workspace, clock=clock, environ=ENVIRON, say=news.append, read_only=read_only
        )
        if found is not None:
            found.close()
        return found is not None

    assert not attached(Settings())
    assert not attached(settings_of(mode="on"), None)
    assert not attached(settings_of(mode="on"), read_only=True)
    assert attached(settings_of(mode="on"))
    assert attached(settings_of(mode="dry-run", quiet_hours=("22:00-06:00",)))
    assert news == []


def test_its_plans_are_asked_for_as_the_settings_say() -> None:
    assert options_in(settings_of()) == Options(target=70.0)
