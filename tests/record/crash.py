"""A child process that records a scripted workspace and dies, or meets a full disk, at a chosen call.

Every call that changes the file system is a point: `os.write`, `fsync`, `replace` and so on, and
the writes of file objects. A write that is hit is done by half. Not a test by itself.
"""

import errno
import io
import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.fakes import FakeClock
from tests.record.instance import Instance, put

STEP_S = 20.0
CALLS = ("write", "fsync", "replace", "ftruncate", "unlink", "utime", "mkdir")
KILL, FULL = "kill", "full"
Step = Mapping[str, Mapping[str, str] | bytes]


class Points:
    """Counts the calls; acts at number `at`, and, for a full disk, at the `more` after it."""

    def __init__(self, at: int, mode: str, more: int = 0) -> None:
        self.at, self.mode, self.more = at, mode, more
        self.names: list[str] = []

    def install(self) -> None:
        """Put itself before every such call of this process."""
        for name in CALLS:
            setattr(os, name, self._wrapped(name, getattr(os, name)))
        os.open = self._wrapped_open(os.open)
        os.fdopen = self._fdopen  # type: ignore[assignment]

    def hit(self, name: str, by_half: Callable[[], object] = lambda: None) -> None:
        """One point is reached."""
        self.names.append(name)
        number = len(self.names)
        if not self.at <= number <= self.at + self.more:
            return
        by_half()
        if self.mode == KILL:
            os.kill(os.getpid(), signal.SIGKILL)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def _wrapped(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def point(*args: Any, **more: Any) -> Any:
            if name == "write":
                fd, data = args
                self.hit(name, lambda: call(fd, bytes(data)[: len(data) // 2]))
            elif not isinstance(args[0], Path):  # those are the test's own
                self.hit(name)
            return call(*args, **more)

        return point

    def _wrapped_open(self, call: Callable[..., int]) -> Callable[..., int]:
        def point(path: Any, flags: int, mode: int = 0o777, **more: Any) -> int:
            if flags & os.O_CREAT:
                self.hit("create")
            return call(path, flags, mode, **more)

        return point

    def _fdopen(self, fd: int, mode: str, buffering: int = -1) -> io.BufferedIOBase:
        points = self

        class Raw(io.FileIO):
            def write(self, data: Any) -> int:
                points.hit("file write", lambda: io.FileIO.write(self, bytes(data)[: len(data) // 2]))
                return io.FileIO.write(self, data)

        if "w" in mode:
            return io.BufferedWriter(Raw(fd, "wb"), 64)  # small, so that there are many writes
        return io.BufferedReader(io.FileIO(fd, "rb"))


def play(root: Path, clock: FakeClock, steps: Sequence[Step], at: int, most_bytes: int) -> None:
    """Two looks at what is there, and then one after each step from number `at` on; says how far it is."""
    instance = Instance(root, clock, most_bytes=most_bytes)
    instance.begin()
    for number, step in enumerate(steps[at:], at):
        change(root, clock, step)
        (root / "step").write_text(f"{number + 1} {clock.wall()}")
        instance.look(after_s=STEP_S)
    instance.look(after_s=STEP_S)
    instance.look(after_s=STEP_S)
    instance.kill()


def change(root: Path, clock: FakeClock, step: Step) -> None:
    """The workspace after a step."""
    for agent, tasks in step.items():
        put(root, clock, agent, tasks)


def progress(root: Path) -> tuple[int, float]:
    """How many steps were taken, and the wall time of the last."""
    path = root / "step"
    if not path.exists():
        return 0, 0.0
    number, wall = path.read_text().split()
    return int(number), float(wall)


def in_child(points: Points, work: Callable[[], None], report: int | None = None) -> int:
    """Run `work` in a forked child with `points`; its status as `waitpid` gives it. Names go to `report`."""
    pid = os.fork()
    if pid:
        return os.waitpid(pid, 0)[1]
    status = 70
    try:
        write = os.write
        points.install()
        work()
        if report is not None:
            write(report, " ".join(name.replace(" ", "_") for name in points.names).encode())
        status = 0
    except BaseException:  # noqa: BLE001 - nothing of the child may go on in the test's place
        traceback.print_exc(file=sys.__stderr__)
    finally:
        os._exit(status)
    return status


def reached(work: Callable[[], None]) -> list[str]:
    """The points that `work` comes by, in order."""
    read, write = os.pipe()
    assert in_child(Points(0, KILL), work, write) == 0
    os.close(write)
    with open(read, "rb") as file:
        return [name.replace("_", " ") for name in file.read().decode().split()]


def turned(words: Sequence[str], tasks: int) -> Iterator[dict[str, str]]:
    """Tasks that go from word to word, one step each, and then leave."""
    for number in range(tasks + len(words)):
        yield {
            f"T-{task}": words[number - task]
            for task in range(max(0, number - len(words) + 1), min(tasks, number + 1))
        }
