"""What reaches a terminal: no wider than it is, coloured only where colour may be."""

import fcntl
import json
import os
import pty
import re
import struct
import sys
import termios
from pathlib import Path

import pytest

from core.text import clean
from tui.cli.options import Options
from tui.cli.output import Output, json_text
from tui.view.spans import width

ROOT = Path(__file__).parents[2]
SGR = re.compile(r"\x1b\[[0-9;]*m")
TABLE = (
    "from tui.cli.options import Options; from tui.cli.output import Output;"
    "out = Output(Options({options}));"
    "out.heading('THINGS'); out.table(('NAME', 'STATUS', '>COUNT', '>EXTRA', 'NOTE'), "
    "[('漢字 name ' * 2, 'critical', '12', '3', 'a note that is rather long for a narrow terminal'), "
    "('b', 'ok', '1', '', '')], status=1, least=('EXTRA',));"
    "out.wrapped(out.paint('high') + ': a sentence of many words that needs more than one line of the terminal');"
    "out.line(out.paint('medium') + ' ' + 'x' * 100)"
)


def on_terminal(code, columns, **environ):
    """What a program writes to a terminal of its own."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    env = {**os.environ, "TERM": "xterm", "PYTHONPATH": str(ROOT), "PYTHONUTF8": "1", **environ}
    env = {name: value for name, value in env.items() if value != ""}
    child = os.posix_spawn(
        sys.executable, [sys.executable, "-c", code], env,
        file_actions=[(os.POSIX_SPAWN_DUP2, theirs, 1), (os.POSIX_SPAWN_DUP2, theirs, 2)],
    )  # fmt: skip
    os.close(theirs)
    written = b""
    while True:
        try:
            piece = os.read(ours, 65536)
        except OSError:  # the other end is closed
            break
        if not piece:
            break
        written += piece
    os.waitpid(child, 0)
    os.close(ours)
    return written.decode().replace("\r\n", "\n")


@pytest.mark.parametrize("columns", [40, 60, 80, 200])
def test_no_line_is_wider_than_the_terminal(columns):
    text = on_terminal(TABLE.format(options=""), columns, NO_COLOR="")
    assert "\x1b[" in text
    for line in text.splitlines():
        assert width(SGR.sub("", line)) <= columns
        assert len(re.findall(r"\x1b\[0m", line)) == len(re.findall(r"\x1b\[[^0][0-9;]*m", line))


def test_the_least_column_goes_where_it_is_narrow_and_stays_where_it_is_wide():
    assert "EXTRA" not in on_terminal(TABLE.format(options=""), 60)
    assert "EXTRA" in on_terminal(TABLE.format(options=""), 200)


@pytest.mark.parametrize(
    ("options", "environ"), [("", {"NO_COLOR": "1"}), ("", {"TERM": "dumb"}), ("no_color=True", {})]
)
def test_there_is_no_escape_where_colour_is_not_wanted(options, environ):
    text = on_terminal(TABLE.format(options=options), 80, **environ)
    assert "critical" in text
    assert "\x1b" not in text


def test_a_pipe_gets_whole_lines_without_colour(capsys):
    out = Output(Options(), {"TERM": "xterm"})
    out.line("x" * 500)
    out.table(("A", "STATUS"), [("y" * 300, "ok")], status=1)
    text = capsys.readouterr().out
    assert "x" * 500 in text
    assert "\x1b" not in text


def test_json_is_strict():
    assert json_text({"a": float("nan"), "b": [float("inf"), 1.5]}, indent=0) == '{"a":null,"b":[null,1.5]}'


def test_json_is_harmless_on_a_terminal_and_still_says_the_same():
    value = {
        "a\x9b31m": "\x1b]0;x\x07 \x7f \u202e \u2028 \ufeff \U000e0041 \ufe0f",
        "plain": "日本語 é 😀",
        "n": [1],
    }
    for indent in (0, 2):
        text = json_text(value, indent)
        assert json.loads(text) == value
        assert "日本語 é 😀" in text
        assert all(char == "\n" or char == clean(char) for char in text)


def test_json_of_a_path_that_is_not_utf8_is_written_and_not_refused():
    assert json.loads(json_text({"files": ["/x/\udcff.toml", {"\udc80": ("\udcff",)}]})) == {
        "files": ["/x/\\udcff.toml", {"\\udc80": ["\\udcff"]}]
    }


def test_text_that_nobody_cleaned_cannot_act_on_the_terminal():
    evil = "x\\x1b]52;c;eA==\\x07\\x9b31m\\u202e\\ny"
    code = (
        "from tui.cli.options import Options; from tui.cli.output import Output; out = Output(Options());"
        f"out.line('{evil}'); out.wrapped(out.paint('high') + ': {evil}'); out.heading('{evil}');"
        f"out.table(('NAME', 'STATUS'), [('{evil}', 'ok')], status=1)"
    )
    text = SGR.sub("", on_terminal(code, 80, NO_COLOR=""))
    assert all(char == "\n" or char == clean(char) for char in text)
    assert text.count("]52;c;eA==") == 4
