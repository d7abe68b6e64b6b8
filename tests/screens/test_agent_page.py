"""An agent's page and a task's: who, evidence, sections, life, what it waits for."""

import time

import msgspec
import pytest

from core.measures.liveness import Signs
from core.queues.model import Transition
from tests.snapshots import WALL, agents, snapshot, view
from tests.stage import SIZES, stage, still, task
from tui.panes.agentpage import timeline_lines
from tui.view.glyphs import UTF8
from tui.view.spans import plain

TOLD = (
    Transition(WALL - 7000, "CC", "CC-1", None, "pending", WALL - 7001),
    Transition(WALL - 3600, "CC", "CC-1", "pending", "in_progress", WALL - 3601),
    Transition(WALL - 900, "CC", "CC-97", "in_progress", "completed", WALL - 901),
    Transition(WALL - 600, "CC", "CC-98", "blocked", None, WALL - 601),
)


def silent():
    """CC, which says that it works and has not moved for three hours."""
    signs = Signs(WALL - 11_400, 0, None, None, 0)
    return tuple(
        msgspec.structs.replace(v, liveness="silent", signs=signs) if v.queue.agent == "CC" else v
        for v in agents()
    )


@pytest.mark.parametrize("size", SIZES)
async def test_the_page_gives_the_evidence_for_the_state(size):
    async with stage(*size, still(snapshot(agents=silent()))) as on:
        await on.press("enter")
        assert "silent  status in_progress, no change for 3h 10m, no process" in on.text()


@pytest.mark.parametrize("size", SIZES)
async def test_the_page_says_where_the_forecast_comes_from(size):
    async with stage(*size) as on:
        await on.press("enter")
        assert "growing" in on.text()
        assert "14 waiting, 12/h in" in on.text()


@pytest.mark.parametrize("size", SIZES)
async def test_tab_goes_through_the_sections_and_back(size):
    engine = still()
    engine.told = TOLD
    async with stage(*size, engine) as on:
        await on.press("enter")
        seen = []
        for _ in range(5):
            seen.append(on.screen.section)
            await on.press("tab")
        assert seen == ["tasks", "timeline", "past", "skills", "processes"]
        assert on.screen.section == "tasks"
        await on.press("shift+tab")
        assert on.screen.section == "processes"


@pytest.mark.parametrize("size", SIZES)
async def test_the_timeline_shows_what_was_seen_and_nothing_else(size):
    engine = still()
    engine.told = TOLD
    async with stage(*size, engine) as on:
        await on.press("enter", "tab")
        (row,) = [line for line in on.rows() if "CC-1 " in line]
        assert "░" in row
        assert row.rstrip(" │").endswith("█")
        # Nobody looked before two hours ago: of what was then nothing is drawn.
        assert row.split("CC-1")[1].startswith("    ")
        assert "now" in on.text()


@pytest.mark.parametrize("size", SIZES)
async def test_the_past_lists_transitions_the_newest_first(size):
    engine = still()
    engine.told = TOLD
    async with stage(*size, engine) as on:
        await on.press("enter", "tab", "tab")
        rows = [line for line in on.rows() if "CC-" in line]
        assert "CC-98" in rows[0]
        assert "blocked" in rows[0]
        assert rows[0].split("blocked")[1].split()[0] == "-"
        assert "pending" in rows[-1]


async def test_enter_on_a_change_opens_its_task_or_says_that_it_is_gone():
    engine = still()
    engine.told = TOLD
    async with stage(120, 40, engine) as on:
        await on.press("enter", "tab", "tab", "enter")
        assert "CC-98 is not in CC's file any more" in on.text()
        await on.press("G", "enter")
        assert on.screen.kind == "task"


@pytest.mark.parametrize("size", SIZES)
async def test_skills_come_with_the_number_of_tasks_and_an_interval(size):
    done = [
        task(f"CC-{n}", status="completed", raw_status="done", actual_hours=2.0, skills=("sql",), index=n)
        for n in range(4)
    ]
    async with stage(*size, still(tasks={"CC": tuple(done)})) as on:
        await on.press("enter", "tab", "tab", "tab")
        rows = [line for line in on.rows() if "sql" in line or "all work" in line]
        assert len(rows) == 2
        assert "%" in rows[1]
        assert "(" in rows[1]
        assert " 4 " in rows[1]


async def test_of_a_skill_that_nothing_was_seen_of_no_estimate_is_shown():
    able = tuple(
        msgspec.structs.replace(v, queue=v.queue._replace(expertise=("sql",))) if v.queue.agent == "CC" else v
        for v in agents()
    )
    async with stage(80, 24, still(snapshot(agents=able), tasks={"CC": (task("CC-1"),)})) as on:
        await on.press("enter", "tab", "tab", "tab")
        row = [line for line in on.rows() if line.startswith(" sql")][-1]
        assert row.split() == ["sql", "0", "0", "-", "-", "0"]


@pytest.mark.parametrize("size", SIZES)
async def test_a_task_shows_its_life_and_what_it_waits_for(size):
    waits = task("CC-1", needs=("CB-2", "GONE-7"))
    engine = still(tasks={"CC": (waits,)})
    engine.told = TOLD
    engine.where = {"CB-2": ("CB", "failed")}
    async with stage(*size, engine) as on:
        await on.press("enter", "enter")
        text = on.text()
        assert "not there > pending" in text
        assert "pending > in_progress after 56 m" in text
        assert "CB-2           failed  CB" in text
        assert "GONE-7         in no file" in text
        assert '"task_id": "CC-1"' in text


@pytest.mark.parametrize("size", SIZES)
async def test_what_needs_you_is_listed_counted_and_named_in_the_head(size):
    async with stage(*size) as on:
        assert "2 need you" in on.rows()[0]
        assert "NEEDS YOU" in on.text()
        assert "CB asks for help: which schema is right?" in on.text()
        await on.press("n")
        assert "needs you: 2" in on.rows()[0]
        rows = [line for line in on.rows()[2:] if "asks for help" in line or "ready for review" in line]
        assert "signal" in rows[0]
        await on.press("enter")
        assert "agents > CB" in on.rows()[0]


async def test_without_needs_there_is_no_line_for_them():
    calm = snapshot(needs=(), needs_count=0)
    async with stage(80, 24, still(calm)) as on:
        assert "NEEDS YOU" not in on.text()
        assert "need you" not in on.rows()[0]
        await on.press("n")
        assert "nothing needs you" in on.text()


async def test_a_new_need_comes_into_sight_at_once():
    calm = snapshot(needs=(), needs_count=0)
    engine = still(calm)
    async with stage(80, 24, engine) as on:
        before = next(y for y, row in enumerate(on.rows()) if " AGENTS" in row)
        engine.publish(snapshot())
        await on.pilot.pause()
        assert "NEEDS YOU" in on.text()
        assert next(y for y, row in enumerate(on.rows()) if " AGENTS" in row) == before + 2


async def test_an_agent_that_goes_while_it_is_looked_at_is_said_to_be_gone():
    engine = still()
    async with stage(80, 24, engine) as on:
        await on.press("enter")
        engine.publish(snapshot(agents=(view("CB"),)))
        await on.pilot.pause()
        assert "CC is gone" in on.text()


async def test_changes_that_a_clock_ahead_has_written_are_no_age_and_in_no_timeline():
    engine = still()
    ahead = Transition(WALL + 9e6, "CC", "CC-5", "pending", "in_progress", WALL)
    engine.told = (*TOLD, ahead)
    async with stage(120, 40, engine) as on:
        await on.press("enter", "tab")
        assert "CC-98" in on.text()
        assert "CC-5 " not in on.text()
        await on.press("tab")
        (row,) = [line for line in on.rows() if "CC-5 " in line]
        assert row.split("CC")[0].split()[-1] == "ahead"


async def test_bottom_and_top_go_to_the_ends_of_a_long_timeline():
    engine = still()
    engine.told = tuple(
        Transition(WALL - 1000 + n, "CC", f"X-{n}", "pending", "in_progress", WALL - 1000) for n in range(99)
    )
    async with stage(80, 24, engine) as on:
        await on.press("enter", "tab")
        assert "X-98 " in on.text()
        await on.press("G")
        assert "X-0 " in on.text()
        assert "X-98 " not in on.text()
        await on.press("g")
        assert "X-98 " in on.text()


@pytest.mark.parametrize(("range_s", "marks"), [(300, 5), (900, 3), (3600, 4), (3 * 3600, 4), (86_400, 4)])
def test_the_marks_of_the_axis_are_whole_minutes_apart(range_s, marks):
    (axis,) = timeline_lines((), (), WALL, range_s, 100, UTF8)
    said = plain(axis).split()
    assert len(said) == marks + 1
    if range_s == 300:
        assert said == ["-5m", "-4m", "-3m", "-2m", "-1m", "now"]


async def test_keys_of_a_table_say_that_the_timeline_is_none():
    async with stage(80, 24) as on:
        await on.press("enter", "tab")
        for key in ("slash", "s", "S", "space", "v", "C", "V"):
            await on.press(key)
            assert "no table is selected here" in on.text(), key
            await on.press("j")
            assert "no table is selected here" not in on.text(), key


async def test_a_task_that_waits_follows_the_files_of_others():
    engine = still(tasks={"CC": (task("CC-1", needs=("CB-2",)),)})
    engine.where = {"CB-2": ("CB", "pending")}
    async with stage(80, 24, engine) as on:
        await on.press("enter", "enter")
        assert "CB-2           pending  CB" in on.text()
        engine.where = {"CB-2": ("CB", "completed")}
        now = engine.latest
        engine.publish(
            snapshot(agents=tuple(v if v.queue.agent == "CC" else view(v.queue.agent) for v in now.agents))
        )
        await on.pilot.pause()
        await on.pilot.pause()
        assert "CB-2           completed  CB" in on.text()


async def test_a_life_of_more_than_a_year_says_the_year():
    engine = still(tasks={"CC": (task("CC-1"),)})
    long_ago = Transition(WALL - 500 * 86_400, "CC", "CC-1", None, "s" * 400, None)
    engine.told = (long_ago, *TOLD)
    async with stage(80, 24, engine) as on:
        await on.press("enter", "enter")
        year = time.localtime(long_ago.seen_at).tm_year
        (row,) = [line for line in on.rows() if f"{year}-" in line]
        assert "sss" in row
        assert row.rstrip(" │").endswith("CC")


@pytest.mark.parametrize("size", SIZES)
async def test_a_file_that_cannot_be_read_is_not_said_to_have_no_tasks(size):
    engine = still()
    async with stage(*size, engine) as on:
        await on.press("enter")
        assert "CC-1 " in on.text()
        engine.put("CC", ())
        broken = tuple(msgspec.structs.replace(v, queue=v.queue._replace(stale_since=WALL)) for v in agents())
        await on.publish(snapshot(agents=broken))
        assert "CC-1 " in on.text()
        assert "no tasks" not in on.text()
        await on.press("escape", "enter")
        assert "its file cannot be read now" in on.text()
