"""What keys do to the whole app: hold still, dress otherwise, keep the settings, another rhythm."""

import pytest

from core.errors import ConfigError
from tests.snapshots import agents, snapshot
from tests.stage import PATHS, stage
from tui import theming


@pytest.mark.parametrize("kind", sorted(PATHS))
async def test_while_paused_nothing_moves_but_how_far_behind_the_screen_is(kind):
    async with stage(80, 24, keys=(*PATHS[kind], "p")) as on:
        assert "paused, 0 s behind" in on.rows()[0]
        before = on.cells()
        await on.publish(snapshot(agents=agents()[:1], events=(), sources=(), host="other"))
        assert on.cells() == before
        on.engine.clock.advance(9)
        on.app._tick_pause()  # what the loop's timer does each second
        await on.settle()
        assert "paused, 9 s behind" in on.rows()[0]
        assert on.cells()[1:] == before[1:]


async def test_resuming_shows_the_newest_snapshot():
    async with stage(80, 24, keys=("p",)) as on:
        await on.publish(snapshot(host="second"))
        await on.publish(snapshot(host="third", agents=agents()[:1]))
        await on.press("p")
        assert "third" in on.rows()[0]
        assert "live 1 s" in on.rows()[0]
        assert "ARCH" not in on.text()


async def test_the_cursor_and_the_screens_still_work_while_paused():
    async with stage(80, 24, keys=("p", "j")) as on:
        assert "CB" in on.selected()
        await on.press("enter")
        assert "agents > CB" in on.rows()[0]
        assert "CB-1" in on.text()
        assert "paused" in on.rows()[0]


async def test_a_snapshot_that_was_on_its_way_when_paused_is_not_shown():
    async with stage(80, 24) as on:
        on.engine.publish(snapshot(host="late"))
        on.app.action_pause()
        await on.settle()
        assert "prod-01" in on.rows()[0]


async def test_the_interval_goes_by_steps_and_stops_at_both_ends():
    async with stage(80, 24) as on:
        seen = []
        for _ in range(7):
            await on.press("minus")
            seen.append(on.engine.latest.interval_s)
        assert seen == [2, 5, 10, 30, 60, 60, 60]
        for _ in range(8):
            await on.press("plus")
        assert on.engine.latest.interval_s == 0.5


@pytest.mark.parametrize(("columns", "lines"), [(80, 24), (160, 50)])
async def test_every_theme_takes_its_turn_and_changes_no_character(columns, lines):
    async with stage(columns, lines) as on:
        text = on.rows()[:-1]
        looks = []
        for _ in theming.names():
            await on.press("t")
            assert on.rows()[:-1] == text
            assert theming.load(on.app.look.name).label in on.rows()[-1]
            looks.append(str(on.cells()))
        assert on.app.look.name == "dusk"
        assert len(set(looks)) == len(theming.names())


async def test_a_theme_is_shown_on_all_screens_also_those_beneath():
    async with stage(80, 24, keys=("enter", "enter", "t")) as on:
        ground = on.cells()[0][0][1].bgcolor
        await on.press("escape", "escape")
        assert {style.bgcolor for _, style in on.cells()[0]} == {ground}


async def test_the_operators_own_theme_can_be_chosen_and_a_broken_one_is_named(tmp_path):
    (tmp_path / "themes").mkdir()
    (tmp_path / "themes" / "mine.toml").write_text(
        'label = "Mine"\nbackground = "#010203"\n', encoding="utf-8"
    )
    (tmp_path / "themes" / "bad.toml").write_text('background = "blue"\n', encoding="utf-8")
    async with stage(240, 24, folders=(str(tmp_path), None)) as on:  # the path in the foot is a long one
        on.app.use_theme("mine")
        await on.settle()
        assert tuple(on.cells()[5][5][1].bgcolor.triplet) == (1, 2, 3)
        on.app.use_theme("bad")
        await on.settle()
        assert "bad.toml" in on.rows()[-1]
        assert on.app.look.name == "mine"


async def test_save_keeps_theme_interval_and_sort_order():
    saved = []

    def save(changes):
        saved.append(changes)
        return "saved to settings.toml"

    async with stage(80, 24, save=save, keys=("t", "minus", "s", "s", "S", "o", "W")) as on:
        assert saved == [
            {
                "ui.theme": "dawn",
                "poll.host_interval_s": 2.0,
                "ui.sort": "severity",
                "ui.sort_descending": True,
                "ui.columns": [],
            }
        ]
        assert "saved to settings.toml" in on.rows()[-1]


async def test_what_stands_in_the_way_of_saving_is_said():
    def save(changes):
        raise ConfigError("/etc is not writable; set XDG_CONFIG_HOME")

    async with stage(80, 24, save=save, keys=("W",)) as on:
        assert "/etc is not writable" in on.rows()[-1]
        assert on.kind == "dashboard"


async def test_read_only_saves_nothing():
    saved = []
    async with stage(
        80, 24, save=lambda changes: str(saved.append(changes)), read_only=True, keys=("W",)
    ) as on:
        assert saved == []
        assert "nothing is saved" in on.rows()[-1]


async def test_a_message_goes_with_the_next_key():
    async with stage(80, 24, keys=("t",)) as on:
        assert "theme:" in on.rows()[-1]
        await on.press("j")
        assert on.rows()[-1].startswith(" ? help")


async def test_what_is_pasted_is_never_taken_for_keys():
    async with stage(80, 24) as on:
        on.paste("qqq\rt")
        await on.settle()
        assert on.kind == "dashboard"
        assert on.app.look.name == "dusk"
        await on.press("slash")
        on.paste("blue")
        await on.settle()
        assert on.rows()[-1].strip() == "blue"


async def test_quitting_closes_the_engine():
    async with stage(80, 24) as on:
        assert on.engine.running
        await on.press("q")
    assert on.engine.closed
    assert not on.engine.running


async def test_where_the_text_is_too_long_for_the_terminal_it_goes_to_a_file(tmp_path):
    state = tmp_path / "state"
    async with stage(160, 50, folders=(None, str(state)), keys=("enter", "enter")) as on:
        on.app.copy("x" * 80_000, "")
        await on.settle()
        assert "it is in" in on.rows()[-1]
        assert (state / "clipboard.json").read_text() == "x" * 80_000
        assert on.sent == []


async def test_read_only_writes_no_file_for_the_clipboard(tmp_path):
    async with stage(160, 50, folders=(None, str(tmp_path)), read_only=True) as on:
        on.app.copy("x" * 80_000, "")
        await on.settle()
        assert "too long for the terminal's clipboard" in on.rows()[-1]
        assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("subject", ["host", "cpu"])
async def test_a_verdict_about_no_agent_says_which_key_helps(subject):
    from core.snapshot import Verdict

    told = Verdict("high", "CPU is busy", "96 %", subject, "open_processes", "show processes")
    async with stage(80, 24) as on:
        await on.publish(snapshot(verdict=told))
        assert on.rows()[1].rstrip().endswith("f show processes")
        await on.press("i")
        assert on.kind == "dashboard"
        assert "press f" in on.rows()[-1]
