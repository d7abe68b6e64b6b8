import base64
import stat

from tui import clipboard


def test_text_is_copied_by_one_sequence():
    sequence = clipboard.osc52("héllo", {})
    assert sequence.startswith("\x1b]52;c;")
    assert base64.b64decode(sequence[7:-1]).decode() == "héllo"


def test_inside_tmux_it_is_sent_plain_and_passed_through():
    sequence = clipboard.osc52("x", {"TMUX": "/tmp/tmux-0/default,1,0"})
    assert "\x1bPtmux;\x1b\x1b]52;" in sequence


def test_what_terminals_drop_is_not_sent():
    assert clipboard.osc52("x" * 80_000, {}) is None


def test_a_long_text_goes_to_a_private_file(tmp_path):
    path = clipboard.spill("x" * 80_000, str(tmp_path / "state"))
    with open(path, encoding="utf-8") as file:
        assert len(file.read()) == 80_000
    import os

    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
