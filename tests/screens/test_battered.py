"""Keys where they have nothing to act on: a window too small for any pane, a palette without room or matches."""

import pytest
from textual.command import CommandList

from tests.stage import PATHS, stage
from tui.keys import keys_of

_LEAVING = ("app.quit", "app.suspend")


@pytest.mark.parametrize("kind", sorted(PATHS))
async def test_no_key_fails_in_a_window_too_small_for_anything(kind):
    async with stage(80, 24, keys=PATHS[kind]) as on:
        await on.resize(12, 3)
        for row in keys_of(on.screen.kind):
            if row.action not in _LEAVING:
                await on.press(row.keys[0])
        await on.resize(80, 24)
        assert on.app.is_running


@pytest.mark.parametrize("typed", ["", "zzzz", "agent"])
async def test_page_keys_in_the_palette_never_fail(typed):
    async with stage(80, 24) as on:
        await on.press("colon", *typed, "pageup", "pagedown", "down", "pageup")
        await on.resize(4, 2)
        await on.press("pageup", "pagedown", "pagedown", "up", "pageup", "escape")
        assert on.app.is_running


async def test_page_keys_typed_ahead_of_the_palette_never_fail():
    async with stage(6, 2) as on:
        await on.press("colon", "pagedown", "pageup", "a", "pagedown", "pageup")
        assert on.app.is_running


async def test_a_second_choice_in_a_palette_that_was_just_left_closes_nothing_else():
    async with stage(80, 24) as on:
        await on.press("colon")
        await on.type("pause")
        await on.pilot.pause(0.3)
        options = on.app.screen.query_one(CommandList)
        options.highlighted = 0
        options.action_select()
        options.action_select()
        await on.pilot.pause()
        await on.pilot.pause()
        assert on.kind == "dashboard"
        assert on.app.paused_at is not None  # done once: twice would have let go again
