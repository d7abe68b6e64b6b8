"""Killing a child at a chosen change of the file system: the points of `tests.record.crash`, and those that are ours.

Beside the calls of `os` that are counted there: renaming, and letting two files change names. Not a test by itself.
"""

import os
import signal
from collections.abc import Callable, Iterator
from typing import Any

from core.balance import swap
from tests.record.crash import KILL, Points, in_child

KINDS = {"write", "fsync", "create", "exchange", "unlink"}


class MorePoints(Points):
    """Counts swaps of names and plain renames too."""

    def install(self) -> None:
        super().install()
        swap.exchange = self._plain("exchange", swap.exchange)
        os.rename = self._plain("rename", os.rename)

    def _plain(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def point(*args: Any, **more: Any) -> Any:
            self.hit(name)
            return call(*args, **more)

        return point


def reached(work: Callable[[], None]) -> list[str]:
    """The points that `work` comes by, in order."""
    read, write = os.pipe()
    assert in_child(MorePoints(0, KILL), work, write) == 0
    os.close(write)
    with open(read, "rb") as file:
        return [name.replace("_", " ") for name in file.read().decode().split()]


def killed(work: Callable[[], None], at: int) -> bool:
    """Run `work` in a child and kill it at its point number `at`; False if it came to its end before."""
    status = in_child(MorePoints(at, KILL), work)
    if os.WIFEXITED(status):
        assert os.WEXITSTATUS(status) == 0
        return False
    assert os.WTERMSIG(status) == signal.SIGKILL
    return True


def every(last: int, step: int) -> Iterator[int]:
    """The points from the first to the last, each `step`th one."""
    return iter(range(1, last + 1, step))
