"""The terminal's driver: input and output on the event loop, no threads, nothing that can block.

Textual's own driver reads in a thread that wakes ten times a second and joins it at exit, and
writes in a thread that can hang on a stopped terminal. Here the loop itself watches the
terminal: no wake-up without input, and an end of file is news (the terminal is gone), not a
busy loop. Output goes through a descriptor of our own that never blocks; while the terminal
does not take it, frames are dropped, and the next one starts from scratch.
"""

import asyncio
import os
import select
import signal
import sys
import termios
import tty
from codecs import getincrementaldecoder
from typing import TYPE_CHECKING, Any

from textual import constants, events
from textual._xterm_parser import XTermParser
from textual.drivers.linux_driver import LinuxDriver
from textual.geometry import Size
from textual.message import Message

if TYPE_CHECKING:
    from textual.app import App

# Output that the terminal has not taken yet: past this, whole frames are dropped.
BACKLOG_BYTES = 262_144
# How long the last words (leaving the alternate screen) may wait for a terminal that does not read.
FAREWELL_S = 0.2
_KITTY = "\x1b[>25u"  # disambiguate, report all keys, associated text: as Textual asks for


class WireDriver(LinuxDriver):
    """Textual's Linux driver without its threads. Made by Textual, once for each run."""

    def __init__(
        self, app: "App[Any]", *, debug: bool = False, mouse: bool = True, size: tuple[int, int] | None = None
    ) -> None:
        super().__init__(app, debug=debug, mouse=mouse, size=size)
        self._out = -1
        self._backlog = bytearray()
        self._writing = False
        self._flush_due = False
        self._reading = False
        self._started = False
        self._parser = XTermParser(debug)
        self._decode = getincrementaldecoder("utf-8")("replace").decode
        self._escape: asyncio.TimerHandle | None = None
        self.bytes_sent = 0
        self.dropped = False
        self.gone = False

    # -- output ----------------------------------------------------------------------------

    def write(self, data: str) -> None:
        """Queue bytes for the terminal; they go out in this turn of the loop at the latest."""
        self._backlog += data.encode("utf-8", "replace")
        if not self._flush_due and not self._writing:
            self._flush_due = True
            self._loop.call_soon(self.flush)

    @property
    def congested(self) -> bool:
        """Whether the terminal takes less than it is sent: frames should be left out."""
        return self._writing and len(self._backlog) > BACKLOG_BYTES

    def flush(self) -> None:
        """Send what the terminal takes now; the rest when it is ready for it."""
        self._flush_due = False
        if self._writing or self._out < 0:
            return
        self._send()
        if self._backlog and not self.gone:
            self._writing = True
            self._loop.add_writer(self._out, self._on_writable)

    def _send(self) -> None:
        while self._backlog:
            try:
                sent = os.write(self._out, self._backlog)
            except (BlockingIOError, InterruptedError):
                return
            except OSError:
                self._lost()
                return
            self.bytes_sent += sent
            del self._backlog[:sent]

    def _on_writable(self) -> None:
        self._send()
        if not self._backlog or self.gone:
            self._stop_writing()

    def _stop_writing(self) -> None:
        if self._writing:
            self._writing = False
            self._loop.remove_writer(self._out)

    def _lost(self) -> None:
        """The terminal is gone: say so once, and never touch it again."""
        if not self.gone:
            self.gone = True
            self._backlog.clear()
            self._stop_reading()
            terminal_gone = getattr(self._app, "terminal_gone", None)
            if terminal_gone is not None:
                self._loop.call_soon(terminal_gone)

    # -- input -----------------------------------------------------------------------------

    def _on_readable(self) -> None:
        try:
            data = os.read(self.fileno, 4096)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            data = b""
        if not data:
            self._lost()
            return
        if self._escape is not None:
            self._escape.cancel()
            self._escape = None
        for event in self._parser.feed(self._decode(data)):
            self.process_message(event)
        if self._parser._timeout_time is not None:  # a lone escape, or the start of a sequence
            self._escape = self._loop.call_later(constants.ESCAPE_DELAY + 0.005, self._on_silence)

    def _on_silence(self) -> None:
        self._escape = None
        for event in self._parser.tick():
            self.process_message(event)

    def send_message(self, message: Message) -> None:
        """Input is on the loop's own thread: no detour through another one."""
        self._app.post_message(message)

    def _stop_reading(self) -> None:
        if self._reading:
            self._reading = False
            self._loop.remove_reader(self.fileno)
        if self._escape is not None:
            self._escape.cancel()
            self._escape = None

    # -- modes -----------------------------------------------------------------------------

    def start_application_mode(self) -> None:
        """Take the terminal: raw input, alternate screen, mouse, bracketed paste."""
        self._loop = asyncio.get_running_loop()
        self._out = self._open_output()
        first = getattr(self._app, "first_frame", None) if not self._started else None
        self._backlog.clear()
        try:
            before = termios.tcgetattr(self.fileno)
        except termios.error:
            before = None
        self.attrs_before = first.saved if first is not None and first.saved is not None else before
        if before is not None:
            raw = list(before)
            raw[tty.LFLAG] = self._patch_lflag(raw[tty.LFLAG])
            raw[tty.IFLAG] = self._patch_iflag(raw[tty.IFLAG])
            raw[tty.CC] = list(raw[tty.CC])
            raw[tty.CC][termios.VMIN] = 1
            try:
                termios.tcsetattr(self.fileno, termios.TCSANOW, raw)
            except termios.error:
                self.attrs_before = None
        if first is None:
            self.write("\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[m\x1b[2J")
        self._enable_mouse_support()
        if not constants.DISABLE_KITTY_KEY:
            self.write(_KITTY)
        self._enable_bracketed_paste()
        self._request_terminal_sync_mode_support()
        try:
            self._loop.add_reader(self.fileno, self._on_readable)
            self._reading = True
        except (PermissionError, OSError):
            self._reading = False  # not a terminal: nothing will ever be typed
        self._loop.add_signal_handler(signal.SIGWINCH, self._on_resize)
        self._on_resize()
        again = self._started
        self._started = True
        if again:
            self._app.call_later(getattr(self._app, "invalidate", self._app.refresh))
        if self._must_signal_resume:
            self._must_signal_resume = False
            self._app.post_message(self.SignalResume())
        self.flush()

    def _open_output(self) -> int:
        """A descriptor of our own, so that "never block" is not imposed on the operator's shell."""
        flags = os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
        for descriptor in (2, 1, 0):
            try:
                return os.open(os.ttyname(descriptor), flags)
            except OSError:
                continue
        return os.dup(2)

    def _on_resize(self) -> None:
        try:
            width, height = os.get_terminal_size(self._out)
        except OSError:
            width, height = self._get_terminal_size()
        size = Size(width or 80, height or 24)
        self._app.post_message(events.Resize(size, size))

    def _enable_mouse_support(self) -> None:
        """Clicks and the wheel; not every movement, which is a packet each on a thin line."""
        if self._mouse:
            self.write("\x1b[?1000h\x1b[?1006h")

    def _disable_mouse_support(self) -> None:
        if self._mouse:
            self.write("\x1b[?1000l\x1b[?1006l")

    def disable_input(self) -> None:
        """No more keys."""
        self._stop_reading()
        loop = getattr(self, "_loop", None)
        if loop is not None and not loop.is_closed():
            loop.remove_signal_handler(signal.SIGWINCH)
        try:
            termios.tcflush(self.fileno, termios.TCIFLUSH)
        except termios.error:
            pass  # the terminal is gone

    def stop_application_mode(self) -> None:
        """Give the terminal back as it was."""
        self.disable_input()
        self._disable_mouse_support()
        if not constants.DISABLE_KITTY_KEY:
            self.write("\x1b[<u")
        self.write("\x1b[?2004l\x1b[m\x1b[?7h\x1b[?25h\x1b[?1049l")
        self._farewell()
        if self.attrs_before is not None and not self.gone:
            try:
                termios.tcsetattr(self.fileno, termios.TCSANOW, self.attrs_before)
            except termios.error:
                pass  # the terminal is gone

    def _farewell(self) -> None:
        """Send the last words, waiting a moment for a slow terminal, never longer."""
        self._stop_writing()
        if self._out < 0 or self.gone:
            return
        poller = select.poll()
        poller.register(self._out, select.POLLOUT)
        for _ in range(8):
            self._send()
            if not self._backlog or self.gone:
                return
            if len(self._backlog) > 4096:  # frames that nobody will see; only the last words count
                del self._backlog[:-256]
            poller.poll(FAREWELL_S * 1000 / 8)

    def close(self) -> None:
        """Let go of the descriptor."""
        self._stop_writing()
        if self._out >= 0:
            os.close(self._out)
            self._out = -1


assert sys.platform != "win32"
