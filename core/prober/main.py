"""The prober's loop: take requests, work at them unit by unit, send parts, never hold a request up.

One thread. An operation is a generator; after each step the loop looks for new requests and
gives the next operation a turn, so that the tasks of one agent are read within a moment
while a first scan of ten thousand agents goes on. Operations of one lane run in order.

Ends when the owner does: by end of file on the command pipe, and, should the owner die while
a probe is blocked in the kernel, by the SIGIO that the closing life pipe sends.
"""

import os
import sys
from collections import deque
from collections.abc import Iterator
from typing import Any

from core.errors import BluetopError
from core.prober import spawn, wire
from core.prober.ops import LANES, OPERATIONS, Step, Workroom, warm
from core.prober.spawn import close_inherited
from core.text import clean_line


class Owner:
    """The pipes to the owner."""

    def __init__(self, commands: int, replies: int) -> None:
        self._commands = commands
        self._replies = replies
        self._frames = wire.Frames()

    def requests(self, wait: bool) -> Iterator[dict[str, Any]]:
        """The requests that have come; waits for one if `wait`.

        Raises:
            EOFError: the owner is gone.
        """
        os.set_blocking(self._commands, wait)
        try:
            data = os.read(self._commands, wire.CHUNK)
        except BlockingIOError:
            return
        if not data:
            raise EOFError
        yield from self._frames.feed(data)

    def reply(self, text: str) -> None:
        """Send one frame; waits while the owner does not read.

        Raises:
            BrokenPipeError: the owner is gone.
        """
        data = memoryview(wire.frame(text))
        while data:
            data = data[os.write(self._replies, data) :]


def error_text(operation: str, error: Exception) -> str:
    """One sentence for the operator about `error`, which ended `operation`."""
    if isinstance(error, BluetopError):
        return str(error)
    if isinstance(error, OSError):
        where = f"{error.filename}: " if error.filename else ""
        return clean_line(f"{where}{error.strerror or error}")
    return clean_line(f"{operation}: the helper met {type(error).__name__}: {error}")


def work(owner: Owner, room: Workroom) -> None:
    """Serve requests until the owner is gone."""
    lanes: dict[str, deque[tuple[int, str, Step]]] = {}
    turns: deque[str] = deque()
    while True:
        for request in owner.requests(wait=not turns):
            number, name = request["id"], request["op"]
            operation = OPERATIONS.get(name)
            if operation is None:
                owner.reply(wire.encode({"id": number, "error": f"no operation {name!r}", "done": True}))
                continue
            lane = LANES.get(name, name)
            jobs = lanes.setdefault(lane, deque())
            jobs.append((number, name, operation(room, request)))
            if len(jobs) == 1:
                turns.append(lane)
        if not turns:
            continue
        lane = turns.popleft()
        jobs = lanes[lane]
        number, name, steps = jobs[0]
        finished = True
        try:
            text = next(steps)
            finished = False
            reply = f'{{"id":{number},"part":{text},"done":false}}' if text else ""
        except StopIteration as end:
            reply = f'{{"id":{number},"part":{end.value or "null"},"done":true}}'
        except Exception as error:  # noqa: BLE001 - whatever one request meets, the next one is served
            reply = wire.encode({"id": number, "error": error_text(name, error), "done": True})
        room.page.beat()  # waiting for the owner to read is no probe
        if reply:
            owner.reply(reply)
        if finished:
            jobs.popleft()
        if jobs:
            turns.append(lane)


def _die_with_the_owner() -> None:
    """Have the kernel end this process when the owner's end of the life pipe closes.

    Not PR_SET_PDEATHSIG: that needs ctypes (a megabyte), and follows the thread that spawned.
    """
    import fcntl
    import signal

    signal.signal(signal.SIGIO, signal.SIG_DFL)
    for ignored in (signal.SIGINT, signal.SIGHUP, signal.SIGTSTP, signal.SIGPIPE):
        signal.signal(ignored, signal.SIG_IGN)
    if hasattr(os, "O_ASYNC"):
        fcntl.fcntl(spawn.LIFE_FD, fcntl.F_SETOWN, os.getpid())
        flags = fcntl.fcntl(spawn.LIFE_FD, fcntl.F_GETFL)
        fcntl.fcntl(spawn.LIFE_FD, fcntl.F_SETFL, flags | os.O_ASYNC)


def main() -> None:
    """Entry of the helper process; `client.BOOT` calls it."""
    import gc

    close_inherited(spawn.LIFE_FD)
    _die_with_the_owner()
    page = wire.Page(spawn.PAGE_FD)
    owner = Owner(spawn.COMMANDS_FD, spawn.REPLIES_FD)
    room = Workroom(page)
    warm()
    # What was imported lives for ever; and thousands of fresh rows are no garbage.
    gc.freeze()
    gc.set_threshold(20_000, 20, 100)
    page.beat()
    try:
        work(owner, room)
    except (EOFError, BrokenPipeError, wire.GarbledError):
        # The owner is gone, or talks nonsense: it will start another one if it lives.
        sys.exit(0)
