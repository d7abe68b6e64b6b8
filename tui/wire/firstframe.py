"""The first frame, written before Textual is there, and what it leaves for Textual to go on from.

Enters the alternate screen, turns echo off (what is typed now is kept for Textual), paints the
lines through the wire's own buffer, and hands that buffer over: Textual's first picture then
finds its cells already there.
"""

import os
import sys
import termios
from typing import Any

from tui.view.spans import Line
from tui.wire.buffer import Buffer
from tui.wire.sgr import Palette

ENTER = "\x1b[?1049h\x1b[?25l\x1b[?7l"
LEAVE = "\x1b[m\x1b[?7h\x1b[?25h\x1b[?1049l"


class FirstFrame:
    """The terminal between the first frame and Textual. `leave` gives it back if Textual never comes."""

    def __init__(self, buffer: Buffer, saved: list[Any] | None, descriptor: int) -> None:
        self.buffer = buffer
        self.saved = saved
        self.descriptor = descriptor
        self.bytes_sent = 0

    def leave(self) -> None:
        """The terminal as it was before."""
        try:
            os.write(self.descriptor, LEAVE.encode())
        except OSError:
            pass  # the terminal is gone; there is nothing left to restore
        restore(self.saved)


def restore(saved: list[Any] | None) -> None:
    """Terminal attributes as they were."""
    if saved is not None:
        try:
            termios.tcsetattr(sys.stdin.fileno(), termios.TCSANOW, saved)
        except (termios.error, OSError, ValueError):
            pass  # the terminal is gone; there is nothing left to restore


def enter(lines: list[Line], palette: Palette, width: int, height: int) -> FirstFrame:
    """Paint `lines` (one a row of the terminal) and return what Textual needs to go on.

    Raises:
        OSError: the terminal cannot be written.
    """
    saved = None
    try:
        saved = termios.tcgetattr(sys.stdin.fileno())
        quiet = termios.tcgetattr(sys.stdin.fileno())
        quiet[3] &= ~(termios.ECHO | termios.ICANON)
        termios.tcsetattr(sys.stdin.fileno(), termios.TCSANOW, quiet)
    except (termios.error, OSError, ValueError):
        saved = None
    descriptor = sys.stderr.fileno()  # where Textual writes, too
    buffer = Buffer(width, height)
    # Erasing in the background colour makes every cell a known blank of that colour.
    start = ENTER + palette.base + "\x1b[2J"
    buffer.blank(palette.base)
    for y, line in enumerate(lines[:height]):
        buffer.paint(y, 0, [(text, palette.sgr(role)) for text, role in line])
    frame = FirstFrame(buffer, saved, descriptor)
    data = (start + buffer.flush()).encode("utf-8", "replace")
    frame.bytes_sent = len(data)
    while data:
        data = data[os.write(descriptor, data) :]
    return frame
