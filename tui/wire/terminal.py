"""The terminal device: its line discipline, the modes we turn on, and writes that never block.

We open the device anew, so that it can be non-blocking for us without being so for the shell that
shares standard input and output with us (the flag belongs to the open file, not to the process).
A terminal that takes nothing (stopped, a dead link) or is gone then costs nothing but its picture.

Every mode that is turned on is remembered and turned off again by `leave`, which may be called by
anyone at any time, also by the watchdog's thread. Not for what is drawn: that is `tui.wire.buffer`.
"""

import os
import select
import termios
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from core.clock import SYSTEM_CLOCK
from core.errors import UsageError
from core.text import clean_line

_DRAIN_S = 0.15  # how long leaving waits for a slow terminal to take its last bytes
_MOST_REST = 1 << 20  # bytes kept for a terminal that takes nothing; what comes then is dropped
_ABORT = b"\x18"  # CAN: ends an escape sequence that was cut off in the middle


# These print a title, or have no window to name.
_NO_TITLE = ("linux", "vt", "dumb", "cons", "ansi")


def _title(text: str) -> str:
    return f"\x1b]2;{clean_line(text, 120)}\x07"


def usable(fd: int) -> bool:
    """Whether `fd` is a terminal."""
    try:
        return os.isatty(fd)
    except OSError:
        return False


def _opened(fd: int) -> int:
    """The device behind `fd`, as an open file of our own that never blocks."""
    flags = os.O_RDWR | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
    paths = ["/dev/tty"]
    with suppress(OSError):  # a device of another mount namespace has no name here
        paths.insert(0, os.ttyname(fd))
    for path in paths:
        try:
            return os.open(path, flags)
        except OSError:  # after `su` the device may belong to somebody else; /dev/tty is everybody's
            continue
    # Shared with whoever started us, so left blocking: `write` asks before each piece.
    return os.dup(fd)


class Terminal:
    """One terminal. `gone` is set once a read or write said that nobody is there any more."""

    def __init__(self, input_fd: int, output_fd: int, environ: Mapping[str, str]) -> None:
        self.term = environ.get("TERM", "")
        self._apple = environ.get("TERM_PROGRAM") == "Apple_Terminal"
        self.in_fd = _opened(input_fd)
        self.out_fd = self.in_fd
        if os.fstat(input_fd).st_rdev != os.fstat(output_fd).st_rdev:
            self.out_fd = _opened(output_fd)
        self._blocking = os.get_blocking(self.out_fd)
        self._saved: list[Any] | None = None
        self._on: list[tuple[str, str]] = []  # what was sent to turn modes on, and what turns them off
        self._rest = b""  # accepted from the caller, not yet by the terminal
        self._title = ""
        self.bytes_sent = 0
        self.gone = False

    @classmethod
    def open(cls, environ: Mapping[str, str]) -> "Terminal":
        """The terminal of this process.

        Raises:
            UsageError: there is none.
        """
        found = [fd for fd in (0, 1, 2) if usable(fd)]
        outputs = [fd for fd in found if fd > 0]
        if not outputs:
            raise UsageError(
                "the dashboard needs a terminal, and the output is none; use `bluetop analyze` or `bluetop monitor`"
            )
        return cls(found[0], outputs[0], environ)

    # -- size and line discipline ----------------------------------------------------------

    def size(self) -> tuple[int, int]:
        """Columns and rows; 80x24 where the terminal does not say."""
        try:
            width, height = os.get_terminal_size(self.out_fd)
        except OSError:
            width = height = 0
        return (width or 80, height or 24)

    def raw(self, signals: bool) -> None:
        """Keys come one by one and are not echoed; output is passed as it is.

        With `signals`, ctrl+c still is a SIGINT: for the time in which nobody reads keys. A process
        in the background is stopped here until it is in front, which is right.
        """
        try:
            attrs = termios.tcgetattr(self.in_fd)
            if self._saved is None:
                self._saved = [*attrs[:6], list(attrs[6])]
            attrs[0] &= ~(termios.IXON | termios.IXOFF | termios.ICRNL | termios.INLCR | termios.IGNCR)
            attrs[1] &= ~termios.OPOST  # so that a line feed keeps the column
            attrs[3] &= ~(termios.ECHO | termios.ICANON | termios.IEXTEN)
            attrs[3] = attrs[3] | termios.ISIG if signals else attrs[3] & ~termios.ISIG
            attrs[6][termios.VMIN], attrs[6][termios.VTIME] = 1, 0
            termios.tcsetattr(self.in_fd, termios.TCSANOW, attrs)
        except termios.error:
            self.gone = True

    def restore(self) -> None:
        """The line discipline as it was, and without the answers nobody will read any more."""
        saved, self._saved = self._saved, None
        if saved is None:
            return
        try:
            termios.tcsetattr(self.in_fd, termios.TCSANOW, saved)
            termios.tcflush(self.in_fd, termios.TCIFLUSH)
        except termios.error:
            self.gone = True

    # -- modes -----------------------------------------------------------------------------

    def enter(self) -> None:
        """The alternate screen, empty, without a cursor and without wrapping lines."""
        if self._on:
            return
        clear = "\x1b[2J\x1b[H" if self.term == "linux" else ""  # it has no alternate screen to leave
        self._turn(
            "\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[m\x1b[H\x1b[2J", f"\x1b[m{clear}\x1b[?7h\x1b[?1049l\x1b[?25h"
        )

    def listen(self, mouse: bool) -> None:
        """Bracketed paste, keys without ambiguity where the terminal can, the mouse if wanted.

        Clicks, drags and the wheel only: a pointer that is merely moved shall cost nothing. Asks
        whether the terminal can show a frame at once (mode 2026).
        """
        self._turn("\x1b[?2004h", "\x1b[?2004l")
        if mouse:
            self._turn("\x1b[?1002h\x1b[?1006h", "\x1b[?1006l\x1b[?1002l")
        if self.term != "linux":  # it prints what it does not know
            self._turn("\x1b[>1u", "\x1b[<u")
            if not self._apple:
                self.write(b"\x1b[?2026$p")

    def title(self, text: str) -> None:
        """Name the window (OSC 2), where the terminal has a name that can be given back (XTWINOPS 22, 23)."""
        if text == self._title or self.gone or not self._on or self.term.startswith(_NO_TITLE):
            return
        if not self._title:
            self._turn("\x1b[22;2t", "\x1b[23;2t")
        self._title = text
        self.write(_title(text).encode())

    def _turn(self, on: str, off: str) -> None:
        self._on.append((on, off))
        self.write(on.encode())

    def reenter(self) -> None:
        """Once more all that is on: somebody else had the terminal meanwhile."""
        self.raw(signals=False)
        again = [off for _, off in reversed(self._on)] + [on for on, _ in self._on]
        again += [_title(self._title)] if self._title else []
        self.write("".join(again).encode())

    def leave(self) -> None:
        """Everything off and as it was. Waits at most 0.15 s for a terminal that takes nothing."""
        on, self._on = self._on, []
        self._title = ""  # was given back with the rest: whoever enters again names the window anew
        if on:
            cut, self._rest = bool(self._rest), b""
            self.write((_ABORT if cut else b"") + "".join(off for _, off in reversed(on)).encode())
            self.drain(_DRAIN_S)
        self.restore()

    def close(self) -> None:
        """Leave, and let go of the device."""
        self.leave()
        for fd in {self.in_fd, self.out_fd}:
            os.close(fd)
        self.in_fd = self.out_fd = -1
        self.gone = True

    # -- bytes -----------------------------------------------------------------------------

    @property
    def busy(self) -> bool:
        """Whether the terminal has not yet taken all that was written."""
        return bool(self._rest)

    def write(self, data: bytes) -> None:
        """Send `data`, or keep what the terminal does not take now; `push` goes on with it."""
        if self.gone or len(self._rest) > _MOST_REST:
            return
        self.bytes_sent += len(data)
        self._rest = self._rest + data if self._rest else data
        self.push()

    def push(self) -> None:
        """Send what is left, as far as the terminal takes it now."""
        while self._rest and not self.gone:
            piece = self._rest
            if self._blocking:
                if not self._room(0):
                    return
                piece = piece[:256]
            try:
                sent = os.write(self.out_fd, piece)
            except BlockingIOError:
                return
            except OSError:
                self.lost()
                return
            self._rest = self._rest[sent:]
            if sent < len(piece):
                return

    def drain(self, seconds: float) -> None:
        """Send what is left, waiting at most so long."""
        deadline = SYSTEM_CLOCK.now() + seconds
        self.push()
        while self._rest and not self.gone:
            left = deadline - SYSTEM_CLOCK.now()
            if left <= 0 or not self._room(left):
                self._rest = b""
                return
            self.push()

    def read(self) -> bytes | None:
        """What was typed; b"" when there is nothing now, None when the terminal is gone."""
        try:
            data = os.read(self.in_fd, 65536)
        except (BlockingIOError, InterruptedError):
            return b""
        except OSError:
            data = b""
        if not data:
            self.lost()
            return None
        return data

    def lost(self) -> None:
        """Nobody is there any more."""
        self.gone = True
        self._rest = b""

    def _room(self, seconds: float) -> bool:
        poll = select.poll()
        poll.register(self.out_fd, select.POLLOUT)
        return any(event & select.POLLOUT for _, event in poll.poll(int(seconds * 1000)))
