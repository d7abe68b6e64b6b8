"""The device: never blocking, and as it was when it is left."""

import os
import select
import termios

import pytest

from tui.wire import terminal as module
from tui.wire.terminal import Terminal


@pytest.fixture
def ends():
    master, slave = os.openpty()
    yield master, slave
    for fd in (master, slave):
        try:
            os.close(fd)
        except OSError:
            continue


def read_until(master: int, end: bytes) -> bytes:
    """What was written, up to `end`: a pseudo-terminal may hand it over in pieces."""
    data = b""
    while not data.endswith(end):
        assert select.select([master], [], [], 15)[0], data
        data += os.read(master, 65536)
    return data


def test_the_device_is_ours_and_the_shared_one_stays_blocking(ends):
    _, slave = ends
    terminal = Terminal(slave, slave, {})
    assert not os.get_blocking(terminal.out_fd)
    assert os.get_blocking(slave)
    assert not os.get_inheritable(terminal.out_fd)
    terminal.close()


@pytest.mark.parametrize("shared", [False, True], ids=["own", "shared"])
def test_a_terminal_that_takes_nothing_never_blocks_us(ends, shared, monkeypatch):
    master, slave = ends
    if shared:
        monkeypatch.setattr(module, "_opened", os.dup)
    terminal = Terminal(slave, slave, {})
    terminal.raw(signals=False)
    while not terminal.busy:
        terminal.write(b"x" * 5000)
    sent = terminal.bytes_sent
    got = 0
    while select.select([master], [], [], 0)[0]:
        got += len(os.read(master, 65536))
        terminal.push()
    assert got == sent
    assert not terminal.busy
    terminal.close()


def test_what_cannot_be_sent_is_kept_only_up_to_a_limit(ends):
    _, slave = ends
    terminal = Terminal(slave, slave, {})
    for _ in range(60):
        terminal.write(b"x" * 100_000)
    assert terminal.bytes_sent < 2_000_000
    terminal.close()


def test_leaving_cuts_a_half_sent_frame_off_and_restores(ends):
    master, slave = ends
    before = termios.tcgetattr(slave)
    terminal = Terminal(slave, slave, {"TERM": "xterm"})
    terminal.raw(signals=True)
    assert termios.tcgetattr(slave)[3] & termios.ISIG
    terminal.enter()
    terminal.raw(signals=False)
    terminal.listen(mouse=True)
    assert not termios.tcgetattr(slave)[3] & (termios.ISIG | termios.ECHO | termios.ICANON)
    os.read(master, 65536)
    while not terminal.busy:
        terminal.write(b"\x1b[31m" * 1000)
    terminal.leave()
    assert termios.tcgetattr(slave) == before
    assert not terminal.busy
    terminal.close()


def test_modes_are_undone_in_reverse_and_once(ends):
    master, slave = ends
    terminal = Terminal(slave, slave, {"TERM": "xterm"})
    terminal.enter()
    terminal.enter()
    terminal.listen(mouse=True)
    assert read_until(master, b"\x1b[?2026$p").count(b"\x1b[?1049h") == 1
    terminal.leave()
    assert read_until(master, b"\x1b[?25h") == (
        b"\x1b[<u\x1b[?1006l\x1b[?1002l\x1b[?2004l\x1b[m\x1b[?7h\x1b[?1049l\x1b[?25h"
    )
    terminal.leave()
    assert not select.select([master], [], [], 0)[0]
    terminal.close()


def test_the_linux_console_is_asked_nothing_it_would_print(ends):
    master, slave = ends
    terminal = Terminal(slave, slave, {"TERM": "linux"})
    terminal.enter()
    terminal.listen(mouse=False)
    sent = read_until(master, b"\x1b[?2004h")
    assert b"u" not in sent
    assert b"$p" not in sent
    terminal.close()


def test_a_vanished_terminal_is_noticed_by_reading_and_by_writing(ends):
    master, slave = ends
    reading, writing = Terminal(slave, slave, {}), Terminal(slave, slave, {})
    os.close(master)
    assert reading.read() is None
    assert reading.gone
    writing.write(b"x")
    assert writing.gone
    reading.leave()
    reading.close()
    writing.close()


def test_a_window_is_named_anew_after_the_terminal_was_left_and_entered(ends):
    master, slave = ends
    terminal = Terminal(slave, slave, {"TERM": "xterm-256color"})
    for _ in range(2):
        terminal.enter()
        terminal.title("bluetop host: 2 need you")
        terminal.title("bluetop host: 2 need you")
        said = read_until(master, b"need you\x07")
        assert said.count(b"\x1b[22;2t\x1b]2;bluetop host: 2 need you\x07") == 1
        terminal.leave()
        assert b"\x1b[23;2t" in read_until(master, b"\x1b[?25h")
    terminal.close()
