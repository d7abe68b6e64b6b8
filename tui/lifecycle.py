"""From the first frame to the last byte: signals, a terminal that is gone, a crash, a hanging exit.

Whatever ends the dashboard, the terminal is as it was before, the process is gone within a
second, nothing it started is left, and the exit status tells: 0 quit, 1 crash, 128 + n for signal
n (a terminal that vanished counts as a hang-up: 129, also where nohup ignores the signal).

Not for what is shown: `run` is handed the first picture and a function that makes the app.
"""

import os
import signal
import sys
from collections.abc import Callable, Sequence
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

from core.errors import BluetopError
from core.text import clean_line
from tui.view.spans import Line
from tui.wire import firstframe, imports
from tui.wire.firstframe import Started
from tui.wire.sgr import Palette

if TYPE_CHECKING:
    from tui.wire.app import WireApp

_ENDING = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
LEAVE_WITHIN_S = 0.8
_KILL_WITHIN_S = 0.95  # by the kernel: even where no Python code runs any more


class Life:
    """One run of the dashboard. `code` is the exit status once something has ended it."""

    def __init__(self, started: Started, on_exit: Sequence[Callable[[], None]]) -> None:
        self.started = started
        self.app: WireApp | None = None
        self.code: int | None = None
        self._on_exit = list(on_exit)
        self._watched = False
        self._before: dict[int, object] = {}

    # -- signals ---------------------------------------------------------------------------

    def listen(self) -> None:
        """Signals end us in order. One that was ignored when we started (nohup) stays ignored."""
        for number in _ENDING:
            if signal.getsignal(number) is not signal.SIG_IGN:
                self._before[number] = signal.signal(number, self._signalled)

    def _signalled(self, number: int, frame: FrameType | None) -> None:
        """Runs between two steps of whatever the main thread does, also while the loop is busy."""
        first = self.code is None
        self.code = 128 + number if first else self.code
        app = self.app
        if app is None or app._loop is None:  # Textual is not up: nothing but the terminal to put right
            self.abandon()
        if first:
            self.watch(self.code or 0)
            app._loop.call_soon_threadsafe(self._stop)

    def _stop(self) -> None:
        if self.app is not None:
            self.app.exit(return_code=self.code or 0)

    # -- the end ---------------------------------------------------------------------------

    def leaving(self, code: int) -> None:
        """The app has been told to end: from now on it has 0.8 seconds."""
        if self.code is None:
            self.code = code
        self.watch(self.code)

    def watch(self, code: int) -> None:
        """Make sure that the process ends, whatever its threads are doing."""
        if self._watched:
            return
        self._watched = True
        import threading

        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_REAL, _KILL_WITHIN_S)
        timer = threading.Timer(LEAVE_WITHIN_S, self.abandon)
        timer.daemon = True
        timer.start()
        self._timer = timer

    def abandon(self) -> NoReturn:
        """End here and now, from any thread: terminal restored as far as it can be, children told."""
        self.started.terminal.leave()
        self.run_exits()
        os._exit(self.code or 0)

    def run_exits(self) -> None:
        """Call what was to be called at the end; each once, none can keep the others from it."""
        while self._on_exit:
            callback = self._on_exit.pop()
            try:
                callback()
            except Exception as error:  # noqa: BLE001 - there is nobody left to raise it to
                print(f"bluetop: at exit: {clean_line(str(error))}", file=sys.stderr)  # noqa: T201

    def finish(self) -> None:
        """The app has ended by itself: the watchdog goes home, signals are as they were."""
        if self._watched:
            self._timer.cancel()
            signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]


def run(
    first: Callable[[int, int], list[Line]],
    make_app: Callable[[Started], "WireApp"],
    palette: Palette,
    *,
    mouse: bool = True,
    ascii_only: bool = False,
    on_exit: Sequence[Callable[[], None]] = (),
    crash_log: str | None = None,
) -> int:
    """Show `first(width, height)`, then import Textual and run the app; returns the exit status.

    `make_app` imports what needs Textual, and gives its app the `Started` it is handed. `on_exit`
    is called last and must not block: kill what was started. A crash leaves a short account on standard error
    and the whole one in `crash_log`.

    Raises:
        UsageError: there is no terminal.
        BluetopError: whatever `first` or `make_app` raised of this tree; the terminal is restored before.
    """
    environ = dict(os.environ)
    started = firstframe.begin(environ, ascii_only=ascii_only)
    life = Life(started, on_exit)
    crash: BaseException | None = None
    try:
        lines = first(started.buffer.width, started.buffer.height)
        life.listen()
        firstframe.draw(started, lines, palette)
        with imports.textual_settings(environ):
            app = make_app(started)
        life.app = app
        app.on_leaving = life.leaving
        app.call_when_up(imports.settle)
        app.run(mouse=mouse)
        crash = app.crash
        code = life.code if life.code is not None else app.return_code
    except BluetopError:
        raise
    except Exception as error:  # noqa: BLE001 - the last place that can give the terminal back
        crash, code = error, 1
    finally:
        started.terminal.leave()
        life.run_exits()
        if crash is not None:
            code = 1
            report(crash, crash_log)
        life.finish()
        started.terminal.close()
    return code or 0


def report(crash: BaseException, crash_log: str | None) -> None:
    """A short account of a crash for the operator, the whole one for us."""
    import traceback

    where = traceback.extract_tb(crash.__traceback__)
    said = [f"bluetop crashed: {type(crash).__name__}: {clean_line(str(crash))}"]
    said += [f"  {os.path.basename(f.filename)}:{f.lineno} in {f.name}" for f in where[-3:]]
    if crash_log is not None:
        try:
            os.makedirs(os.path.dirname(crash_log), mode=0o700, exist_ok=True)
            with open(crash_log, "a", encoding="utf-8") as file:
                file.write("".join(traceback.format_exception(crash)) + "\n")
            said.append(f"the whole account is in {crash_log}")
        except OSError as error:
            said.append(f"the whole account could not be written: {clean_line(str(error))}")
    try:
        print("\n".join(said), file=sys.stderr)  # noqa: T201
    except OSError:  # nobody is there to read it
        return


def end_process(code: int) -> NoReturn:
    """End without tearing the interpreter down: that takes longer than all the rest of quitting."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            continue
    os._exit(code)
