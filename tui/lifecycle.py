"""Starting and ending: signals, a vanished terminal, a crash, a shutdown that hangs.

Whatever happens, the terminal is restored, the process is gone within a second, and the exit
status says why: 128 + n for signal n, 129 for a terminal that went away, 1 for a crash.
"""

import gc
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tui.wire.app import WireApp
    from tui.wire.firstframe import FirstFrame

# A shutdown that takes longer than this is ended from outside.
PATIENCE_S = 0.7
RESTORE = b"\x1b[<u\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1006l\x1b[?2004l\x1b[?2026l\x1b[m\x1b[?7h\x1b[?25h\x1b[?1049l"
_ENDING = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)


class Lifecycle:
    """One run of an app. `at_exit` is called early in any ending and must not block."""

    def __init__(self, first_frame: "FirstFrame | None", at_exit: Callable[[], None]) -> None:
        self._first_frame = first_frame
        self._at_exit = at_exit
        self._app: WireApp | None = None
        self._status: int | None = None
        self._deadline: threading.Timer | None = None

    def early(self) -> None:
        """Signals between the first frame and Textual: give the terminal back and go."""
        for number in _ENDING:
            signal.signal(number, self._end_early)

    def _end_early(self, number: int, frame: Any) -> None:
        self._at_exit()
        if self._first_frame is not None:
            self._first_frame.leave()
        os._exit(128 + number)

    def run(self, make: Callable[[], "WireApp"], mouse: bool) -> int:
        """Run the app that `make` gives; returns the exit status."""
        try:
            self._app = app = make()
            status = self._serve(app, mouse)
        except BaseException as error:
            self._restore()
            return self._crashed(error)
        finally:
            self._at_exit()
            if self._deadline is not None:
                self._deadline.cancel()
        return status

    def _serve(self, app: "WireApp", mouse: bool) -> int:
        import asyncio

        async def serve() -> None:
            loop = asyncio.get_running_loop()
            for number in _ENDING:
                loop.add_signal_handler(number, self.end, 128 + number)
            loop.call_later(2.0, _settle)
            await app.run_async(mouse=mouse)

        asyncio.run(serve())
        if self._status is not None:
            return self._status
        return app.return_code or 0

    def end(self, status: int) -> None:
        """End the app; if it does not end by itself in time, the process is ended under it."""
        if self._status is not None:
            return
        self._status = status
        self.watch(status)
        self._at_exit()
        if self._app is not None:
            self._app.exit(return_code=status)

    def watch(self, status: int) -> None:
        """From now on the shutdown has `PATIENCE_S` seconds."""
        self._deadline = threading.Timer(PATIENCE_S, self._force, (status,))
        self._deadline.daemon = True
        self._deadline.start()

    def _force(self, status: int) -> None:
        self._restore()
        os._exit(status)

    def _restore(self) -> None:
        """The terminal as it was, by the shortest way, without waiting for it."""
        from tui.wire.firstframe import restore

        try:
            descriptor = os.open(os.ttyname(2), os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY)
        except OSError:
            return  # no terminal: nothing to restore
        try:
            os.write(descriptor, RESTORE)
        except OSError:
            pass  # it does not take anything; the attributes can still be set
        finally:
            os.close(descriptor)
        driver = getattr(self._app, "_driver", None)
        saved = getattr(driver, "attrs_before", None)
        if saved is None and self._first_frame is not None:
            saved = self._first_frame.saved
        restore(saved)

    def _crashed(self, error: BaseException) -> int:
        if isinstance(error, KeyboardInterrupt):
            return 130
        if isinstance(error, SystemExit):
            return error.code if isinstance(error.code, int) else 1
        last = traceback.extract_tb(error.__traceback__)[-1:]
        where = f" ({os.path.basename(last[0].filename)}:{last[0].lineno})" if last else ""
        print(f"bluetop: internal error: {type(error).__name__}: {error}{where}", file=sys.stderr)  # noqa: T201
        return 1


def _settle() -> None:
    """Once everything is imported and running: what is there now will stay, so stop looking at it."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
