"""A picture on the terminal before Textual is imported, from which Textual goes on.

Importing Textual takes 150 ms; real numbers are there after 40. So the first picture is drawn
by hand: through the same Buffer, which Textual's app then takes over, so that its own first
frame sends only what changed. Echo is off from here on; keys typed meanwhile wait in the
terminal's queue until Textual reads them.
"""

from collections.abc import Mapping
from typing import NamedTuple

from tui.view.spans import Line
from tui.wire.buffer import Buffer
from tui.wire.sgr import Palette
from tui.wire.terminal import Terminal


class Started(NamedTuple):
    """A terminal in use and what is on it."""

    terminal: Terminal
    buffer: Buffer


def begin(environ: Mapping[str, str], *, ascii_only: bool = False) -> Started:
    """Open the terminal; nothing is sent to it or changed yet.

    Raises:
        UsageError: there is no terminal.
    """
    terminal = Terminal.open(environ)
    return Started(terminal, Buffer(*terminal.size(), ascii_only=ascii_only))


def draw(started: Started, lines: list[Line], palette: Palette) -> None:
    """Enter the alternate screen and show `lines`. ctrl+c still is a signal: nobody reads keys yet."""
    terminal, buffer = started
    terminal.raw(signals=True)
    terminal.enter()
    buffer.cleared()
    sgrs = palette.sgrs
    for y, line in enumerate(lines):
        buffer.paint(y, 0, [(text, sgrs[role]) for text, role in line])
    terminal.write(buffer.flush().encode())
