"""Ask the kernel something that may never be answered, in a process that can be left behind.

A `stat` on a dead network mount cannot be interrupted, so it is done by a forked child; when that
gives no answer in time it is killed, never waited for, and the next item gets a new child.
For one-shot commands and start-up, before there are threads; live reading is the prober's business.
"""

import os
import select
import signal
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, TypeVar

import msgspec

from core.clock import SYSTEM_CLOCK, Clock
from core.errors import BluetopError
from core.text import clean_line

T = TypeVar("T")

# Milliseconds. On a busy machine a killed process takes a while to go, and whoever runs for days keeps its remains.
_REAP_TRIES = 250


class Answer(NamedTuple):
    """What came back for one item: a JSON value, or a `problem`; `hung` if it is that none came in time."""

    value: Any
    problem: str = ""
    hung: bool = False


def ask_apart(
    items: Sequence[T], work: Callable[[T], Any], deadline_s: float, clock: Clock = SYSTEM_CLOCK
) -> Iterator[tuple[T, Answer]]:
    """`work(item)` for every item, in order, each within `deadline_s`; results must be JSON-able."""
    at = 0
    while at < len(items):
        child, pipe = _start(items[at:], work)
        try:
            for answer in _answers(pipe, deadline_s, clock):
                yield items[at], answer
                at += 1
                if answer.hung or at == len(items):
                    break
            else:
                yield (
                    items[at],
                    Answer(None, "the process that read it ended unexpectedly; report this as a bug"),
                )
                at += 1
        finally:
            os.close(pipe)
            _leave(child)


def _start(items: Sequence[T], work: Callable[[T], Any]) -> tuple[int, int]:
    reader, writer = os.pipe()
    child = os.fork()
    if child:
        os.close(writer)
        return child, reader
    status = 1
    try:  # in the child: nothing may escape, and no buffer of the parent may be flushed twice
        os.close(reader)
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        for item in items:
            line = msgspec.json.encode(_one(item, work)) + b"\n"
            view = memoryview(line)
            while view:
                view = view[os.write(writer, view) :]
        status = 0
    finally:
        os._exit(status)


def _one(item: T, work: Callable[[T], Any]) -> tuple[Any, str]:
    try:
        return work(item), ""
    except OSError as error:
        return None, clean_line(error.strerror or str(error))
    except (BluetopError, ValueError, RecursionError, MemoryError) as error:
        return None, clean_line(str(error) or type(error).__name__)


def _answers(pipe: int, deadline_s: float, clock: Clock) -> Iterator[Answer]:
    """Answers as they come, then, where one is overdue, a hung one. Ends at end of file."""
    poll = select.poll()
    poll.register(pipe, select.POLLIN)
    pending = bytearray()
    due = clock.now() + deadline_s
    while True:
        left = due - clock.now()
        if left <= 0 or not poll.poll(left * 1000):
            yield Answer(None, f"no answer within {deadline_s:g} s", hung=True)
            return
        data = os.read(pipe, 1 << 16)
        if not data:
            return
        looked = len(pending)  # an answer may be a hundred megabytes, and comes in small pieces
        pending += data
        while (end := pending.find(b"\n", looked)) >= 0:
            value, problem = msgspec.json.decode(bytes(pending[:end]))
            del pending[: end + 1]
            looked = 0
            yield Answer(value, problem)
            due = clock.now() + deadline_s


def _leave(child: int) -> None:
    """Kill, and reap as soon as it has gone. One stuck in the kernel is init's one day."""
    try:
        os.kill(child, signal.SIGKILL)
        for _ in range(_REAP_TRIES):
            if os.waitpid(child, os.WNOHANG)[0]:
                return
            select.poll().poll(1)
    except (ProcessLookupError, ChildProcessError):
        return
