"""Looks, their lowering for poorer terminals, and what a terminal says it can."""

import os
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.wire.colors import luma, rgb_of, to_16, to_256
from tui.wire.sgr import SYSTEMS, Look, Palette, detect, ground, look_of, rich_style, sgr, split, switch

rgbs = st.tuples(*[st.integers(0, 255)] * 3)
colors = st.one_of(st.none(), st.integers(0, 255), rgbs)
looks = st.builds(Look, colors, colors, *[st.booleans()] * 7)


@pytest.mark.parametrize(
    ("look", "truecolor", "low", "ansi", "none"),
    [
        (Look(), "", "", "", ""),
        (Look(bold=True, dim=True, reverse=True), "1;2;7", "1;2;7", "1;2;7", "1;2;7"),
        (Look(fg=1, bg=12), "31;104", "31;104", "31;104", ""),
        (Look(fg=(255, 0, 0), underline=True), "4;38;2;255;0;0", "4;38;5;196", "4;91", "4"),
        (Look(fg=208), "38;5;208", "38;5;208", "93", ""),
        (
            Look(fg=(205, 214, 244), bg=(30, 30, 46)),
            "38;2;205;214;244;48;2;30;30;46",
            "38;5;189;48;5;235",
            "97;40",
            "",
        ),
        (Look(strike=True, blink=True, italic=True), "3;5;9", "3;5;9", "3;5;9", "3;5;9"),
    ],
)
def test_a_look_is_lowered_for_each_colour_system(look, truecolor, low, ansi, none):
    assert [sgr(look, system) for system in SYSTEMS] == [truecolor, low, ansi, none]


@pytest.mark.parametrize(
    ("color", "number"),
    [
        ((0, 0, 0), 0), ((30, 30, 46), 0), ((0, 43, 54), 0), ((0, 0, 139), 4), ((59, 66, 82), 8), ((128, 128, 128), 7),
        ((169, 177, 214), 7), ((205, 214, 244), 15), ((253, 246, 227), 15), ((255, 165, 0), 11), ((200, 40, 40), 9),
        ((166, 227, 161), 10), ((120, 20, 20), 1), ((137, 180, 250), 12), ((148, 226, 213), 14), ((150, 80, 150), 5),
    ],
)  # fmt: skip
def test_sixteen_colours_keep_the_hue_a_person_would_name(color, number):
    assert to_16(color) == number


@pytest.mark.parametrize(
    ("color", "number"),
    [((255, 255, 255), 231), ((0, 0, 0), 16), ((95, 135, 175), 67), ((128, 128, 128), 244)],
)
def test_the_nearest_of_256_is_exact_where_there_is_an_exact_one(color, number):
    assert to_256(color) == number


@given(rgbs)
def test_a_colour_of_256_is_near_in_lightness(color):
    assert abs(luma(rgb_of(to_256(color))) - luma(color)) < 48


def test_words_stay_apart_from_their_background_in_16_colours():
    assert sgr(Look(fg=(60, 60, 60), bg=(20, 20, 20)), "16") == "90;40"
    assert sgr(Look(fg=(30, 30, 30), bg=(20, 20, 20)), "16") == "90;40"
    assert sgr(Look(fg=(0, 0, 160), bg=(0, 0, 0)), "16") == "94;40"
    assert sgr(Look(fg=(250, 250, 250), bg=(255, 255, 255)), "16") == "30;107"


@given(looks)
def test_no_color_sends_no_colour_code(look):
    assert set(sgr(look, "none").split(";")) <= {"", "1", "2", "3", "4", "5", "7", "9"}


@given(looks)
def test_a_look_survives_the_way_through_rich(look):
    assert look_of(rich_style(look)) == look


@given(looks, st.sampled_from(SYSTEMS))
def test_both_ways_to_the_screen_give_one_sgr(look, system):
    palette = Palette({"text": look}, system)
    assert palette.sgr("text") == sgr(look_of(palette.rich("text")), system)


def applied(sequence, state):
    """The attributes, foreground and background that a terminal has after an SGR sequence."""
    on, fg, bg = set(state[0]), state[1], state[2]
    words = sequence[2:-1].split(";")
    while words:
        word = words.pop(0)
        if word in ("", "0"):
            on, fg, bg = set(), "", ""
        elif word in ("38", "48"):
            size = 4 if words[0] == "2" else 2
            color, words = ";".join([word, *words[:size]]), words[size:]
            fg, bg = (color, bg) if word == "38" else (fg, color)
        elif int(word) < 10:
            on.add(word)
        elif int(word) < 30:
            on -= {"22": {"1", "2"}}.get(word, {str(int(word) - 20)})
        elif word in ("39", "49"):
            fg, bg = ("", bg) if word == "39" else (fg, "")
        elif 40 <= int(word) < 50 or int(word) >= 100:
            bg = word
        else:
            fg = word
    return on, fg, bg


@given(looks, looks, st.sampled_from(SYSTEMS))
def test_switching_ends_in_the_new_look_and_never_costs_more_than_starting_over(old, new, system):
    before, after = sgr(old, system), sgr(new, system)
    sequence = switch(before, after)
    if before == after:
        assert sequence == ""
        return
    on, fg, bg = split(before)
    want_on, want_fg, want_bg = split(after)
    assert applied(sequence, (on, fg, bg)) == (set(want_on), want_fg, want_bg)
    assert len(sequence) <= len(switch(None, after))


def test_blanks_look_alike_when_only_the_foreground_differs():
    assert ground("1;31;44") == ground("32;44") == "44"
    assert ground("7;31") != ground("7;32")


@pytest.mark.parametrize(
    ("environ", "system"),
    [
        ({"TERM": "xterm-256color"}, "256"),
        ({"TERM": "xterm-256color", "COLORTERM": "truecolor"}, "truecolor"),
        ({"TERM": "xterm-256color", "COLORTERM": "truecolor", "NO_COLOR": "1"}, "none"),
        ({"TERM": "xterm-256color", "NO_COLOR": ""}, "256"),
        ({"TERM": "xterm"}, "16"),
        ({"TERM": "dumb", "COLORTERM": "truecolor"}, "none"),
        ({}, "none"),
        ({"TERM": "vt100"}, "none"),
        ({"TERM": "linux", "COLORTERM": "truecolor"}, "16"),
        ({"TERM": "tmux-256color", "TMUX": "x"}, "256"),
        ({"TERM": "screen-256color", "TMUX": "x", "COLORTERM": "truecolor"}, "truecolor"),
        ({"TERM": "screen-256color", "COLORTERM": "truecolor"}, "256"),
        ({"TERM": "screen", "STY": "1"}, "16"),
        ({"TERM": "xterm-kitty"}, "truecolor"),
        ({"TERM": "xterm-direct"}, "truecolor"),
        ({"TERM": "xterm-256color", "VTE_VERSION": "6800"}, "truecolor"),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "Apple_Terminal"}, "256"),
    ],
)
def test_the_environment_says_what_the_terminal_can(environ, system):
    assert detect(environ, True) == system


def test_what_is_no_terminal_has_no_colours():
    assert detect({"TERM": "xterm-256color", "COLORTERM": "truecolor"}, False) == "none"


def test_an_unknown_role_looks_like_text():
    palette = Palette({"text": Look(fg=2)}, "16")
    assert palette.sgr("no such role") == "32"
    assert look_of(palette.rich("no such role")) == Look(fg=2)


def test_what_runs_before_the_first_frame_imports_nothing_dear():
    code = (
        "import sys; import tui.wire.firstframe, tui.lifecycle;"
        "print([n for n in ('textual', 'rich', 'asyncio', 'subprocess', 'ssl', 'threading') if n in sys.modules])"
    )
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    answer = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True
    )
    assert answer.stdout.strip() in ("[]", "['threading']")
