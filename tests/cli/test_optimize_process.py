"""`bluetop optimize` as a program: pipes, the question on a terminal, ctrl+c, and being killed."""

import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.balance.worker.building import LONGEST_S, skewed, tasks_of
from tests.cli.conftest import tree

ROOT = Path(__file__).parents[2]


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    keep = {name: value for name, value in os.environ.items() if not name.startswith("BLUETOP_")}
    return {
        **keep, "PYTHONPATH": str(ROOT), "XDG_CONFIG_HOME": str(tmp_path / "home"),
        "XDG_STATE_HOME": str(tmp_path / "state"), "TERM": "xterm-256color",
    }  # fmt: skip


@pytest.fixture
def lopsided(tmp_path: Path) -> Path:
    ws = tmp_path / "ws"
    ws.mkdir()
    return skewed(ws)


def words(ws: Path, *more: str) -> list[str]:
    return [sys.executable, "-m", "tui", "--workspace", str(ws), "optimize", *more]


def done(ws: Path, environ: dict[str, str], *more: str, given: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        words(ws, *more), input=given, capture_output=True, text=True, env=environ, timeout=LONGEST_S
    )


class OnTerminal:
    """The command with a terminal as standard input and standard error, its output in a pipe."""

    def __init__(self, ws: Path, environ: dict[str, str], *more: str) -> None:
        self.master, slave = pty.openpty()
        self.process = subprocess.Popen(
            words(ws, *more), stdin=slave, stdout=subprocess.PIPE, stderr=slave, text=True, env=environ,
            start_new_session=True,
        )  # fmt: skip
        os.close(slave)
        self.said = ""

    def hear(self, text: str) -> None:
        """Wait until `text` is on the terminal."""
        until = time.monotonic() + LONGEST_S
        while text not in self.said:
            assert time.monotonic() < until, self.said
            if select.select([self.master], [], [], 0.1)[0]:
                self.said += os.read(self.master, 4096).decode()

    def answer(self, text: str) -> tuple[int, str]:
        """Type a line; how it ends, and what it printed."""
        os.write(self.master, text.encode())
        printed, _ = self.process.communicate(timeout=LONGEST_S)
        os.close(self.master)
        return self.process.returncode, printed


@pytest.fixture
def on_terminal(lopsided: Path, environ: dict[str, str]) -> Iterator[OnTerminal]:
    started = OnTerminal(lopsided, environ, "--apply")
    yield started
    if started.process.poll() is None:
        started.process.kill()
        started.process.communicate()


def ids(ws: Path) -> list[str]:
    return sorted(tasks_of(ws, "CA") + tasks_of(ws, "CB"))


def test_plan_goes_through_a_pipe(lopsided, environ):
    plan = done(lopsided, environ, "--json")
    assert plan.returncode == 0
    assert not (lopsided / ".bluetop").exists()
    result = done(lopsided, environ, "--apply", "-", "--json", given=plan.stdout)
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout)["state"] == "complete"
    assert tasks_of(lopsided, "CB")


def test_nothing_on_standard_input_is_no_plan(lopsided, environ):
    result = done(lopsided, environ, "--apply", "-")
    assert result.returncode == 2
    assert "standard input: it is empty" in result.stderr


def test_question_states_how_many_moves_and_no_is_no(lopsided, on_terminal):
    before = tree(lopsided)
    on_terminal.hear("[y/N] ")
    assert "apply " in on_terminal.said
    assert " moves between 2 agents?" in on_terminal.said
    status, printed = on_terminal.answer("\n")
    assert status == 0
    assert printed.endswith("nothing was changed\n")
    assert tree(lopsided) == before


def test_yes_is_yes(lopsided, on_terminal):
    on_terminal.hear("[y/N] ")
    status, printed = on_terminal.answer("y\n")
    assert status == 0
    assert "complete: plan " in printed
    assert tasks_of(lopsided, "CB")


def test_ctrl_c_at_the_question_changes_nothing(lopsided, on_terminal):
    before = tree(lopsided)
    on_terminal.hear("[y/N] ")
    on_terminal.process.send_signal(signal.SIGINT)
    on_terminal.process.communicate(timeout=LONGEST_S)
    assert on_terminal.process.returncode == 130
    assert tree(lopsided) == before


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_apply_that_is_interrupted_leaves_everything_whole(lopsided, environ, number):
    skewed(lopsided, tasks=80)
    plan = done(lopsided, environ, "--json", "--queue-limit", "0").stdout
    process: Any = subprocess.Popen(
        words(lopsided, "--apply", "-", "--json"), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True, env=environ,
    )  # fmt: skip
    process.stdin.write(plan)
    process.stdin.close()
    process.stdin = None
    until = time.monotonic() + LONGEST_S
    while not list(lopsided.glob(".bluetop/journal/*.jsonl")):
        assert time.monotonic() < until
        select.select([], [], [], 0.005)
    process.send_signal(number)
    printed, said = process.communicate(timeout=LONGEST_S)
    if number == signal.SIGINT:
        assert process.returncode == 130
        assert "stopping after the present move" in said
        assert json.loads(printed)["state"] in ("nothing", "partial")
    [journal] = lopsided.glob(".bluetop/journal/*.jsonl")
    while '"end"' not in journal.read_text():  # the helper process finishes by itself
        assert time.monotonic() < until
        select.select([], [], [], 0.05)
    assert ids(lopsided) == sorted(f"TASK-{n}" for n in range(1, 81))
    assert not list(lopsided.glob("postbox/*/.outbox.json.bluetop-*"))
    recovered = done(lopsided, environ, "--recover", "--json")
    assert (recovered.returncode, json.loads(recovered.stdout)["recovered"]) == (0, [])


@pytest.mark.parametrize("columns", [60, 80, 132])
def test_text_fits_the_terminal_and_uses_what_there_is(lopsided, environ, columns):
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    process = subprocess.Popen(
        words(lopsided, "--ascii"),
        stdin=subprocess.DEVNULL,
        stdout=slave,
        stderr=subprocess.DEVNULL,
        env=environ,
    )
    os.close(slave)
    shown = b""
    while select.select([master], [], [], LONGEST_S)[0]:
        try:
            shown += os.read(master, 65536)
        except OSError:  # the other end is closed: that is all
            break
    os.close(master)
    assert process.wait(LONGEST_S) == 0
    sizes = [len(line) for line in re.sub(r"\x1b\[[0-9;]*m", "", shown.decode()).split("\r\n")]
    assert columns - 12 < max(sizes) <= columns
