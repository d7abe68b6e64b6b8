"""One line on standard error that says how far a long command is, where somebody is there to see it."""

import sys
from types import TracebackType

from core.clock import SYSTEM_CLOCK, Clock

AFTER_S = 1.0
_EVERY_S = 0.1


class ProgressLine:
    """Shows nothing in the first second, nor where standard error is no terminal; leaves nothing behind."""

    def __init__(self, clock: Clock = SYSTEM_CLOCK) -> None:
        self._clock = clock
        self._next_at = clock.now() + AFTER_S
        self._terminal = sys.stderr is not None and sys.stderr.isatty()
        self._cells = 0

    def show(self, done: int, total: int, what: str) -> None:
        """`what` is what is counted, such as "queue files"; `total` is 0 where that is not known."""
        if not self._terminal or self._clock.now() < self._next_at:
            return
        self._next_at = self._clock.now() + _EVERY_S
        self._write(f"{what}: {done} of {total}" if total else f"{what}: {done}")

    def clear(self) -> None:
        """Take the line away, before something else is said there."""
        if self._cells:
            self._write("")

    def _write(self, text: str) -> None:
        try:
            sys.stderr.write("\r" + text.ljust(self._cells) + ("" if text else "\r"))
            sys.stderr.flush()
        except (OSError, ValueError):  # nobody listens any more
            self._terminal = False
        self._cells = len(text)

    def __enter__(self) -> "ProgressLine":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.clear()
