"""The terminal as a channel: which bytes it is sent, and which never."""

import re

import pytest

from core.config import Notify
from tests.alerts.test_grouping import note
from tests.fakes import FakeClock
from tui.notify import LIMIT, TerminalChannel, sequence, way_of, wrapped

PLAIN = {"TERM": "xterm-256color"}
TMUX = {"TERM": "tmux-256color", "TMUX": "/tmp/tmux-0/default,1,0", "TERM_PROGRAM": "tmux"}
SCREEN = {"TERM": "screen.xterm-256color", "STY": "1.pts-0.host"}
HOSTILE = "\x1b]0;title\x07 \x9b31m\x9c \u202e \u2028 \x00\ud800\x7f; 4;3;50 \x1b\\"


def channel(environ=PLAIN, *, clock=None, **notify):
    return TerminalChannel(Notify(**notify), environ, clock or FakeClock())


def sent(*notes, environ=PLAIN, **notify):
    terminal = channel(environ, **notify)
    terminal.put(notes)
    return terminal.turn()


def test_osc_9_is_one_text_and_the_bell_follows():
    assert sent(note(), osc="9") == "\x1b]9;bluetop on build-7: high: CPU of a1 is 94 %\x07\x07"


def test_osc_777_has_title_and_body():
    assert sent(note(), osc="777", bell=False) == (
        "\x1b]777;notify;bluetop on build-7: high;CPU of a1 is 94 %\x07"
    )


def test_bell_alone_where_nothing_else_is_known():
    assert sent(note(), osc="auto") == "\x07"
    assert sent(note(), osc="off") == "\x07"


def test_nothing_at_all_is_sent_if_all_is_off():
    terminal = channel(osc="off", bell=False)
    terminal.put([note()])
    assert terminal.due is None
    assert terminal.turn() == ""


def test_nothing_waits_nothing_is_sent():
    assert channel(osc="9").turn() == ""


def test_resolved_is_told_without_a_bell():
    assert sent(note(what="resolved"), osc="9") == (
        "\x1b]9;bluetop on build-7: resolved: CPU of a1 is 94 %\x07"
    )
    assert sent(note(what="resolved")) == ""


def test_bell_is_rung_for_any_of_a_group_that_is_not_resolved():
    calm = [note(str(number), "critical", "resolved") for number in range(60)]
    assert sent(*calm, note("low", "medium")) == "\x07"
    assert sent(*calm) == ""


@pytest.mark.parametrize(
    ("what", "said"),
    [("firing", "high: "), ("repeat", "high, still firing: "), ("flapping", "high, flapping: ")],
)
def test_title_says_what_it_is(what, said):
    assert f"bluetop on build-7: {said}" in sent(note(what=what), osc="9")


def test_less_than_the_severity_is_not_told():
    assert sent(note(severity="low"), osc="9", severity="medium") == ""


def test_one_message_in_ten_seconds_names_the_worst_and_counts_the_others():
    clock = FakeClock()
    terminal = channel(clock=clock, osc="9")
    terminal.put([note("first")])
    assert "CPU of first" in terminal.turn()
    terminal.put([note("a", "medium"), note("b", "critical"), note("c", "critical")])
    assert terminal.turn() == ""
    assert terminal.due == clock.now() + 10
    clock.advance(10)
    assert "critical: CPU of b is 94 % (and 2 more)\x07" in terminal.turn()


def test_an_alert_that_has_resolved_by_then_is_not_the_one_that_is_named():
    told = sent(note("x", "critical"), note("y", "medium"), note("x", "critical", "resolved"), osc="9")
    assert "medium: CPU of y is 94 % (and 2 more)" in told
    alone = sent(note("x", "critical"), note("x", "critical", "resolved"), osc="9")
    assert "resolved: CPU of x is 94 %\x07" in alone


def test_an_alert_without_a_text_is_named_by_its_rule():
    assert "cpu_critical: host" in sent(note(text=""), osc="9")


@pytest.mark.parametrize("way", ["9", "777"])
def test_no_control_character_of_any_kind_gets_into_the_text(way):
    told = sent(note(text=HOSTILE, host=HOSTILE, rule=HOSTILE), osc=way, bell=False)
    assert told.startswith(f"\x1b]{way};")
    assert told.endswith("\x07")
    assert told[1:-1].isprintable()


def test_semicolons_do_not_split_the_fields_of_osc_777():
    told = sent(note(text="a;b;c", host="h;i"), osc="777", bell=False)
    assert told == "\x1b]777;notify;bluetop on h,i: high;a,b,c\x07"


@pytest.mark.parametrize("text", ["4;3;50", "9;/tmp", "2;box", "٤;3"])
def test_osc_9_never_begins_with_a_number(text):
    assert re.match("\x1b]9;bluetop", sent(note(text=text, host=""), osc="9"))
    assert re.match("\x1b]9;- ", sequence("9", text, ""))


@pytest.mark.parametrize("way", ["9", "777"])
def test_text_is_of_limited_length_and_keeps_its_count(way):
    told = sent(note("a", text="x" * 5000, host="h" * 300), note("b", "medium"), osc=way, bell=False)
    assert len(told) <= LIMIT + len("\x1b]777;notify;;\x07")
    assert told.endswith("… (and 1 more)\x07")


def test_in_tmux_it_is_passed_through_and_the_bell_is_outside():
    assert sent(note(text="hot"), osc="9", environ=TMUX) == (
        "\x1bPtmux;\x1b\x1b]9;bluetop on build-7: high: hot\x07\x1b\\\x07"
    )


def test_in_an_unknown_terminal_below_tmux_only_the_bell_is_sent():
    assert sent(note(), environ=TMUX) == "\x07"


def test_in_screen_it_is_cut_into_strings_that_screen_can_hold():
    told = sent(note(text="ěш" * 300), osc="777", environ=SCREEN, bell=False)
    assert told.isascii()
    strings = re.findall("\x1bP(.*?)\x1b\\\\", told, re.DOTALL)
    assert "".join(f"\x1bP{string}\x1b\\" for string in strings) == told
    assert all(len(string) < 256 for string in strings)
    assert "".join(strings).startswith("\x1b]777;notify;bluetop on build-7: high;")
    long = re.findall("\x1bP(.*?)\x1b\\\\", wrapped(f"\x1b]9;{'x' * 600}\x07", SCREEN), re.DOTALL)
    assert len(long) == 3
    assert all(len(string) < 256 for string in long)


TERMINALS = [
    ({"TERM": "xterm-256color", "TERM_PROGRAM": "iTerm.app"}, "9"),
    ({"TERM": "xterm-256color", "LC_TERMINAL": "iTerm2"}, "9"),  # over ssh
    ({"TERM": "xterm-kitty", "KITTY_WINDOW_ID": "1"}, "9"),
    ({"TERM": "xterm-kitty"}, "9"),
    ({"TERM": "xterm-ghostty"}, "9"),
    ({"TERM": "xterm-256color", "TERM_PROGRAM": "ghostty"}, "9"),
    ({"TERM": "xterm-256color", "TERM_PROGRAM": "WezTerm"}, "777"),
    ({"TERM": "wezterm"}, "777"),
    ({"TERM": "foot"}, "777"),
    ({"TERM": "foot-extra"}, "777"),
    ({"TERM": "rxvt-unicode-256color"}, "777"),
    ({"TERM": "xterm-256color", "VTE_VERSION": "7600"}, "777"),
    ({"TERM": "xterm-256color", "VTE_VERSION": "4205"}, ""),
    ({"TERM": "xterm-256color", "VTE_VERSION": "new"}, ""),
    ({"TERM": "xterm-256color", "WT_SESSION": "b1"}, "777"),
    ({"TERM": "xterm-256color", "ConEmuPID": "7"}, ""),
    ({"TERM": "xterm-256color", "KONSOLE_VERSION": "230804"}, "777"),
    ({"TERM": "linux"}, ""),
    ({"TERM": "linux", "VTE_VERSION": "7600"}, ""),
    ({"TERM": "xterm-256color"}, ""),
    ({"TERM": "alacritty", "KITTY_WINDOW_ID": "1"}, ""),  # started from kitty
    ({"TERM": "xterm-256color", "TERM_PROGRAM": "vscode", "LC_TERMINAL": "iTerm2"}, ""),
    ({"TERM": "xterm-256color", "TERM_PROGRAM": "Apple_Terminal"}, ""),
    ({"TERM": "dumb"}, ""),
    ({}, ""),
    ({**TMUX, "LC_TERMINAL": "iTerm2"}, "9"),
    ({**SCREEN, "WEZTERM_PANE": "0"}, "777"),
]


@pytest.mark.parametrize(("environ", "way"), TERMINALS)
def test_the_terminal_is_told_in_the_way_it_knows(environ, way):
    assert way_of(environ) == way
