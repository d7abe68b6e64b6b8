"""The selection belongs to the item, not to the row, and what a key does it does to that item."""

import random

import msgspec
import pytest

from core.snapshot import Event
from tests.snapshots import WALL, agents, alerts, host_alert, snapshot
from tests.stage import crowd, stage, still, tasks_of
from tui.clipboard import osc52


def shuffled(snap, seed, keep):
    """The same items in another order, some of them missing, never `keep`."""
    chance = random.Random(seed)

    def some(items, name):
        kept = [item for item in items if name(item) == keep or chance.random() < 0.7]
        chance.shuffle(kept)
        return tuple(kept)

    return msgspec.structs.replace(
        snap,
        agents=some(snap.agents, lambda v: v.queue.agent),
        sources=some(snap.sources, lambda s: s.name),
        at=snap.at + seed,
        wall=snap.wall + seed,
    )


@pytest.mark.parametrize(("columns", "lines"), [(80, 24), (160, 50)])
async def test_the_cursor_stays_with_its_agent_while_a_hundred_snapshots_pass(columns, lines):
    start = crowd(40)
    async with stage(columns, lines, still(start), keys=("j",) * 20) as on:
        assert "A020" in on.selected()
        for seed in range(1, 101):
            await on.publish(shuffled(start, seed, "A020"))
            assert "A020" in on.selected()
        await on.press("enter")
        assert "agents > A020" in on.rows()[0]


async def test_the_cursor_stays_with_its_source_while_a_hundred_snapshots_pass():
    start = crowd(40)
    name = "postbox/A020/outbox.json"
    async with stage(80, 24, still(start), keys=("o", *("j",) * 20)) as on:
        for seed in range(1, 101):
            await on.publish(shuffled(start, seed, name))
            assert name in on.selected()
        await on.press("enter")
        assert name in on.rows()[0]


async def test_new_alerts_do_not_push_the_cursor_off_its_line():
    start = snapshot()
    async with stage(80, 24, still(start), keys=("L", "j")) as on:
        events, older = start.events, start.alerts.active
        await on.press("k")
        for number in range(4, 104):
            events = (*events, Event(number, WALL + number, "low", "note", "host", f"note {number}"))
            newer = host_alert(f"rule_{number}", "critical", since_s=0.0)
            await on.publish(snapshot(events=events, alerts=alerts(*older, newer)))
            assert "queue of CC is 14 tasks" in on.selected()
        await on.press("enter")
        assert "agents > CC" in on.rows()[0]


async def test_the_cursor_of_a_task_stays_while_the_agents_file_changes():
    start = agents()
    async with stage(80, 24, keys=("enter", "j", "j", "j")) as on:
        assert "CC-4" in on.selected()
        for turn in range(1, 101):
            on.engine.put("CC", (*tasks_of("CC", 5), *tasks_of(f"NEW{turn}", 2)))
            changed = msgspec.structs.replace(start[0], queue=start[0].queue._replace(completed=turn))
            await on.publish(snapshot(agents=(changed, *start[1:])))
            assert "CC-4" in on.selected()
        assert "NEW100-1" in on.text()
        await on.press("y")
        assert on.engine.asked[-1] == ("record", "CC", "tasks", "3", "CC-4")
        assert "CC-4" in on.text()
        assert on.sent == [osc52(await on.engine.record("CC", "tasks", 3, "CC-4"), {})]


async def test_when_the_selected_item_goes_its_neighbour_is_selected():
    async with stage(80, 24, keys=("j", "j")) as on:
        assert "CA " in on.selected()
        await on.publish(snapshot(agents=tuple(v for v in agents() if v.queue.agent != "CA")))
        assert "ARCH " in on.selected()
        await on.publish(snapshot(agents=()))
        assert on.selected() == ""
        await on.publish(snapshot())
        assert on.selected()


async def test_sorting_and_filtering_keep_the_selected_item():
    async with stage(160, 50, still(crowd(40)), keys=("j",) * 5) as on:
        for key in ("s", "s", "s", "S", "s", "s"):
            await on.press(key)
            assert "A005" in on.selected()
        await on.press("slash")
        await on.type("5")
        await on.press("enter")
        assert "A005" in on.selected()
        assert "4 of 40 match /5" in on.text()
        await on.press("escape")
        assert "A005" in on.selected()


async def test_a_filter_holds_for_what_comes_later_and_is_taken_away_by_escape():
    async with stage(80, 24, still(crowd(12)), keys=("slash",)) as on:
        await on.type("a00 !idle")
        await on.press("enter")
        assert [v.queue.agent for v in on.table.rows] == ["A000", "A002", "A004", "A006", "A008"]
        await on.publish(crowd(8))
        assert [v.queue.agent for v in on.table.rows] == ["A000", "A002", "A004", "A006"]
        await on.press("escape")
        assert len(on.table.rows) == 8


async def test_a_filter_that_matches_nothing_says_how_to_leave_it():
    async with stage(80, 24, keys=("slash",)) as on:
        await on.type("zzz")
        assert "nothing matches; esc takes the filter away" in on.text()
        await on.press("escape")
        assert "CC" in on.selected()
        assert on.rows()[-1].startswith(" ? help")


async def test_letters_typed_into_the_prompt_are_no_keys():
    async with stage(80, 24, keys=("slash",)) as on:
        await on.type("qpfta")
        assert on.kind == "dashboard"
        assert on.rows()[-1].strip() == "qpfta"
        assert not on.engine.paused


async def test_each_screen_remembers_its_cursor_while_another_is_open():
    async with stage(80, 24, still(crowd(40)), keys=("j", "j", "j", "enter", "j", "enter")) as on:
        assert "agents > A003 > A003-2" in on.rows()[0]
        await on.publish(crowd(41))
        await on.press("escape")
        assert "A003-2" in on.selected()
        await on.press("escape")
        assert "A003" in on.selected()


async def test_the_screen_behind_is_up_to_date_when_one_comes_back_to_it():
    async with stage(80, 24, keys=("f",)) as on:
        await on.publish(snapshot(agents=agents()[:2]))
        await on.press("escape")
        assert "ARCH" not in on.text()
        assert "CB" in on.text()
