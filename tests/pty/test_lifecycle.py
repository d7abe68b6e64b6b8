"""Life and death of an app on the wire, seen from the terminal's side."""

import os
import re
import signal
import sys
import time

import pytest

from tests.pty.terminal import Terminal, python

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="pidfd and pty behaviour of Linux"
)
TOY = "tests.pty.toy"


def up(terminal):
    """Textual answers keys."""
    terminal.wait_text("READY .* first")
    terminal.send("a")
    terminal.wait_text("key:a")


def test_the_first_frame_stands_before_textual_answers_and_typed_keys_are_kept():
    with Terminal(python(TOY)) as terminal:
        terminal.wait_text("READY 80x24 first")
        terminal.send("a")
        terminal.wait_text("READY 80x24 key:a")
        entered = bytes(terminal.raw).count(b"\x1b[?1049h")
        assert entered == 1
        assert b"a" not in re.findall(rb"READY 80x24 first(.*?)\x1b", bytes(terminal.raw))


def test_textual_sends_nothing_that_the_first_frame_has_shown():
    with Terminal(python(TOY), env={"COLORTERM": "truecolor"}) as terminal:
        up(terminal)
        assert bytes(terminal.raw).count(b"READY") == 1
        assert bytes(terminal.raw).count(b"row 7") == 1


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 130)], ids=str
)
def test_a_signal_ends_it_in_order_within_a_second(number, code, tmp_path):
    told = tmp_path / "told"
    with Terminal(python(TOY, "", str(told))) as terminal:
        up(terminal)
        start = time.monotonic()
        terminal.signal(number)
        assert terminal.end() == code
        assert time.monotonic() - start < 1.0
        assert terminal.is_restored()
        assert told.read_text() == "told\n"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=str)
def test_a_signal_before_textual_is_up_ends_it_too(number):
    with Terminal(python(TOY)) as terminal:
        terminal.wait_text("READY")
        terminal.signal(number)
        assert terminal.end() == 128 + number
        assert terminal.is_restored()


def test_quitting_restores_everything_and_tells_the_children():
    with Terminal(python(TOY)) as terminal:
        up(terminal)
        terminal.send("q")
        assert terminal.end() == 0
        assert terminal.is_restored()


def test_a_callback_that_fails_at_exit_does_not_keep_the_others_from_being_called(tmp_path):
    told = tmp_path / "told"
    with Terminal(python(TOY, "", str(told)), env={"TOY_BROKEN_EXIT": "1"}) as terminal:
        up(terminal)
        terminal.send("q")
        assert terminal.end() == 0
        assert told.read_text() == "told\n"
        assert b"bluetop: at exit: nothing to see here" in terminal.raw


@pytest.mark.parametrize("ignore", [(), (signal.SIGHUP,)], ids=["SIGHUP", "nohup"])
@pytest.mark.parametrize("flood", [False, True], ids=["idle", "drawing"])
def test_a_closed_window_ends_it(ignore, flood):
    with Terminal(python(TOY), ignore=ignore) as terminal:
        up(terminal)
        if flood:
            terminal.send("f")
            terminal.wait_text("count [1-9]")
        start = time.monotonic()
        terminal.hang_up()
        assert terminal.end() == 129
        assert time.monotonic() - start < 1.0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP], ids=str)
def test_a_terminal_that_takes_nothing_does_not_hold_the_exit(number):
    with Terminal(python(TOY)) as terminal:
        up(terminal)
        terminal.send("f")
        terminal.wait_text("count [1-9]")
        start = time.monotonic()
        terminal.signal(number)
        assert terminal.end(reading=False) == 128 + number
        assert time.monotonic() - start < 1.0


def test_the_watchdog_ends_what_spins():
    with Terminal(python(TOY)) as terminal:
        up(terminal)
        terminal.send("bs")
        terminal.wait_text("count 1")
        start = time.monotonic()
        terminal.signal(signal.SIGTERM)
        assert terminal.end() == 143
        assert time.monotonic() - start < 1.2
        assert terminal.is_restored()


def test_a_crash_restores_the_terminal_and_says_briefly_what_where_and_where_more_is(tmp_path):
    log = tmp_path / "state" / "crash.log"
    with Terminal(python(TOY, str(log)), size=(150, 24)) as terminal:
        up(terminal)
        terminal.send("x")
        assert terminal.end() == 1
        assert terminal.is_restored()
        said = bytes(terminal.raw).rpartition(b"\x1b[?1049l")[2].decode()
        assert "bluetop crashed: ValueError: boom \\x1b]0;title\\x07" in said
        assert "toy.py:" in said
        assert str(log) in said
        assert len(said.splitlines()) <= 6
        assert "Traceback" in log.read_text()
        assert "\x1b]" not in said


def test_escape_alone_is_a_key_and_comes_soon():
    with Terminal(python(TOY)) as terminal:
        up(terminal)
        start = time.monotonic()
        terminal.send("\x1b")
        terminal.wait_text("key:escape")
        assert time.monotonic() - start < 0.3
        terminal.send("\x1b[A")
        terminal.wait_text("key:up")
        terminal.send("\x1b[57u")
        terminal.wait_text("key:9")


def test_a_paste_is_one_paste_and_broken_bytes_are_survived():
    with Terminal(python(TOY)) as terminal:
        up(terminal)
        terminal.send("\x1b[200~q\nx\x1b[201~")
        terminal.wait_text("paste:3")
        os.write(terminal.fd, b"\xff\xfe\x80")
        terminal.send("k")
        terminal.wait_text("key:k")


def test_another_size_is_drawn_whole():
    with Terminal(python(TOY)) as terminal:
        up(terminal)
        terminal.resize(60, 10)
        terminal.wait_text("READY 60x10")
        terminal.wait_text("row 9")
        terminal.resize(100, 30)
        terminal.wait_text("READY 100x30")
        terminal.wait_text("row 29")


def test_a_slow_terminal_gets_the_newest_frame_not_all_of_them():
    with Terminal(python(TOY)) as terminal:
        up(terminal)
        before = len(terminal.raw)
        terminal.send("f")
        terminal.wait_text("count [0-9]{3}", seconds=30)
        frames = int(re.findall(r"count (\d+)", terminal.text)[0])
        assert len(terminal.raw) - before < frames * 2200
        terminal.send("q")
        assert terminal.end() == 0


def test_ctrl_z_gives_the_terminal_back_and_fg_draws_everything_anew():
    with Terminal(python("tests.pty.shell", *python(TOY))) as terminal:
        up(terminal)
        terminal.send("\x1a")
        terminal.wait(lambda: b"STOPPED" in terminal.raw)
        assert terminal.is_restored()
        terminal.screen.reset()
        terminal.send("fg\n")
        terminal.wait_text("READY 80x24 resumed")
        terminal.wait_text("row 23")
        terminal.send("k")
        terminal.wait_text("key:k")
        terminal.send("q")
        assert terminal.end() == 0
        assert terminal.is_restored()


def test_a_job_continued_in_the_background_waits_for_the_foreground():
    with Terminal(python("tests.pty.shell", *python(TOY))) as terminal:
        up(terminal)
        terminal.send("\x1a")
        terminal.wait(lambda: b"STOPPED" in terminal.raw)
        terminal.send("bg\n")
        terminal.wait(lambda: bytes(terminal.raw).count(b"STOPPED") == 2)
        assert terminal.is_restored()
        terminal.send("fg\n")
        terminal.wait_text("READY 80x24 resumed")
        terminal.send("q")
        assert terminal.end() == 0


def test_ctrl_z_where_nobody_could_continue_us_goes_on():
    with Terminal(python(TOY)) as terminal:
        up(terminal)
        terminal.send("\x1a")
        terminal.wait_text("resumed")
        terminal.send("q")
        assert terminal.end() == 0
        assert terminal.is_restored()


def test_stopped_and_continued_by_others_it_takes_the_terminal_again():
    with Terminal(python(TOY)) as terminal:
        up(terminal)
        terminal.signal(signal.SIGSTOP)
        os.waitid(os.P_PIDFD, terminal.pidfd, os.WSTOPPED | os.WNOWAIT)
        terminal.screen.reset()
        terminal.signal(signal.SIGCONT)
        terminal.wait_text("row 23")
        terminal.wait_text("READY 80x24 key:a")
        terminal.send("q")
        assert terminal.end() == 0
        assert terminal.is_restored()


def test_no_mouse_means_no_mouse():
    with Terminal(python(TOY), env={"TOY_NO_MOUSE": "1"}) as terminal:
        up(terminal)
        assert not re.search(rb"\x1b\[\?100\dh", bytes(terminal.raw))
    with Terminal(python(TOY)) as terminal:
        up(terminal)
        assert b"\x1b[?1006h" in terminal.raw


def test_no_color_sends_no_colour_code_and_not_even_grey():
    with Terminal(python(TOY), env={"NO_COLOR": "1", "COLORTERM": "truecolor"}) as terminal:
        up(terminal)
        terminal.send("t")
        terminal.wait_text("TOAST")
        words = set(
            ";".join(m.decode() for m in re.findall(rb"\x1b\[([0-9;]*)m", bytes(terminal.raw))).split(";")
        )
        assert words <= {"", "1", "2", "3", "4", "5", "7", "9", "22", "23", "24", "25", "27", "29"}


def test_large_frames_are_shown_at_once_where_the_terminal_can():
    with Terminal(python(TOY), synchronised=True) as terminal:
        up(terminal)
        before = len(terminal.raw)
        terminal.send("b")
        terminal.wait_text("count 1")
        terminal.send("k")
        terminal.wait_text("key:k")
        sent = bytes(terminal.raw[before:])
        assert sent.count(b"\x1b[?2026h") == sent.count(b"\x1b[?2026l") == 1


def test_what_stands_in_front_is_not_painted_over_and_comes_off_without_a_trace():
    with Terminal(python(TOY)) as terminal:
        up(terminal)
        terminal.send("m")
        terminal.wait_text("MODAL")
        terminal.send("b")
        terminal.wait_text("count 1")
        assert "MODAL" in terminal.text
        terminal.send("o")
        terminal.wait_text("key:o")
        terminal.wait(lambda: "MODAL" not in terminal.text)
        terminal.wait_text("^READY 80x24 key:o")


def test_without_a_terminal_it_says_so():
    import subprocess

    done = subprocess.run(python(TOY), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "needs a terminal" in done.stderr
