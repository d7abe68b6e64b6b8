"""Textual's driver on the event loop: no input thread, no output thread, nothing that polls.

The keys are read when the loop says they are there, so an idle app sleeps, and quitting waits for
nobody (Textual's own driver wakes ten times a second and joins two threads). A terminal that
is gone ends the app; one that takes nothing holds back frames and nothing else.

Not for drawing: `WireApp` does that. Not for signals that end us: that is `tui.lifecycle`.
"""

import asyncio
import os
import signal
from codecs import getincrementaldecoder
from typing import TYPE_CHECKING, Any, cast

from textual import events
from textual._xterm_parser import XTermParser
from textual.driver import Driver
from textual.geometry import Size
from textual.message import Message

if TYPE_CHECKING:
    from tui.wire.app import WireApp


class WireDriver(Driver):
    """One terminal, read and written on the event loop."""

    def __init__(
        self, app: Any, *, debug: bool = False, mouse: bool = True, size: tuple[int, int] | None = None
    ) -> None:
        super().__init__(app, debug=debug, mouse=mouse, size=size)
        self.wire = cast("WireApp", app)
        self.terminal = self.wire.take_terminal()
        self._parser = XTermParser()
        self._decode = getincrementaldecoder("utf-8")("replace").decode
        self._escape: asyncio.TimerHandle | None = None
        self._running = False
        self._writing = False
        self._handled: list[signal.Signals] = []

    @property
    def can_suspend(self) -> bool:
        """ctrl+z works."""
        return True

    # -- application mode ------------------------------------------------------------------

    def start_application_mode(self) -> None:
        """Take the terminal: raw, alternate screen, keys and signals to the loop."""
        terminal = self.terminal
        terminal.raw(signals=False)
        terminal.enter()
        terminal.listen(self._mouse)
        self._size = terminal.size()
        self._running = True
        loop = self._loop
        loop.add_reader(terminal.in_fd, self._readable)
        for number, handler in (
            (signal.SIGWINCH, self._resized),
            (signal.SIGTSTP, self.suspend_process),
            (signal.SIGCONT, self._continued),
        ):
            if signal.getsignal(number) is not signal.SIG_IGN:  # a shell without job control
                loop.add_signal_handler(number, handler)
                self._handled.append(number)
        self._resized()
        if terminal.gone:
            loop.call_soon(self._lost)

    def disable_input(self) -> None:
        """No more keys."""
        self._running = False
        if self._escape is not None:
            self._escape.cancel()
            self._escape = None
        if self.terminal.in_fd >= 0:
            self._loop.remove_reader(self.terminal.in_fd)
        while self._handled:
            self._loop.remove_signal_handler(self._handled.pop())

    def stop_application_mode(self) -> None:
        """Give the terminal back as it was."""
        self.disable_input()
        if self._writing:
            self._loop.remove_writer(self.terminal.out_fd)
            self._writing = False
        self.terminal.leave()

    def resume_application_mode(self) -> None:
        """Take the terminal again and show everything anew."""
        self.start_application_mode()
        self.wire.redraw_all()

    # -- out -------------------------------------------------------------------------------

    @property
    def busy(self) -> bool:
        """Whether the terminal has not taken the last frame yet: then a new one waits."""
        return self.terminal.busy or not self._running

    def write(self, data: str) -> None:
        """Send `data`, now or as soon as the terminal takes it."""
        terminal = self.terminal
        if terminal.in_fd < 0:
            return
        terminal.write(data.encode(errors="replace"))
        if terminal.gone:
            self._loop.call_soon(self._lost)
        elif terminal.busy and not self._writing and self._running:
            self._writing = True
            self._loop.add_writer(terminal.out_fd, self._writable)

    def _writable(self) -> None:
        terminal = self.terminal
        terminal.push()
        if terminal.gone:
            self._lost()
        elif not terminal.busy:
            self._loop.remove_writer(terminal.out_fd)
            self._writing = False
            self.wire.send_frame()

    # -- in --------------------------------------------------------------------------------

    def send_message(self, message: Message) -> None:
        """We are on the loop already: no need to go through it."""
        self._app.post_message(message)

    def _readable(self) -> None:
        data = self.terminal.read()
        if data is None:
            self._lost()
            return
        text = self._decode(data)
        if text:
            for message in self._parser.feed(text):
                self.process_message(message)
        self._await_escape()

    def _await_escape(self) -> None:
        """An Esc that nothing follows is the key: the parser says when it has waited long enough."""
        if self._escape is not None:
            self._escape.cancel()
            self._escape = None
        at = self._parser._timeout_time
        if at is not None and self._running:
            self._escape = self._loop.call_later(max(0.0, at - self._loop.time()), self._tick)

    def _tick(self) -> None:
        self._escape = None
        for message in self._parser.tick():
            self.process_message(message)
        self._await_escape()

    def _lost(self) -> None:
        """Nobody is there any more. Once: a hung-up terminal would be readable for ever."""
        if not self._running:
            return
        self.terminal.lost()
        self.disable_input()
        if self._writing:
            self._loop.remove_writer(self.terminal.out_fd)
            self._writing = False
        self.wire.terminal_lost()

    # -- size, stop and continue -----------------------------------------------------------

    def _resized(self) -> None:
        width, height = self.terminal.size()
        self.wire.terminal_resized(width, height)
        size = Size(width, height)
        self._app.post_message(events.Resize(size, size))

    def suspend_process(self) -> None:
        """Stop like any other job: the terminal restored, the whole process group stopped.

        The group, as the kernel does it for ctrl+z: whoever started us and waits (make, a script)
        must stop too, or the shell never gets its prompt. Where nobody could continue us (an
        orphaned group) the signal does nothing, and we go on at once.
        """
        if signal.SIGTSTP not in self._handled:
            return
        self.suspend_application_mode()
        os.kill(0, signal.SIGTSTP)  # comes back once we are continued
        self.resume_application_mode()
        self._app.post_message(self.SignalResume())

    def _continued(self) -> None:
        """Stopped and continued by others: whatever the terminal was used for meanwhile is undone."""
        self.terminal.reenter()
        self._resized()
        self.wire.redraw_all()
