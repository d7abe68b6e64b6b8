"""Probers with a backend of the tests' own, and ways to wait for processes without sleeping."""

import os
import select
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from core.prober.client import Prober
from tests.fakes import FakeClock
from tests.scripted_queues import BOOT


class Cell:
    """A prober on a scripted workspace."""

    def __init__(self, workspace: Path, clock: FakeClock) -> None:
        self.workspace = workspace
        self.clock = clock
        self.prober = Prober(deadline_s=5.0, boot=BOOT)

    def queues(self, skip: tuple[str, ...] = ()) -> dict[str, object]:
        """What to say with the operation "queues"."""
        return {"workspace": str(self.workspace), "backend": "scripted", "skip": skip}

    def put(self, agent: str, text: str) -> str:
        path = self.workspace / agent
        path.write_text(text)
        return str(path)


@pytest.fixture
def cell(tmp_path: Path) -> Iterator[Cell]:
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    cell = Cell(workspace, FakeClock())
    yield cell
    cell.prober.close()


@pytest.fixture
def wait_for_exit() -> Callable[..., bool]:
    """Whether a process ends within a time; waits on its pidfd."""

    def wait(pid: int, within_ms: int = 5000) -> bool:
        try:
            fd = os.pidfd_open(pid)
        except ProcessLookupError:
            return True
        try:
            poll = select.poll()
            poll.register(fd, select.POLLIN)
            return bool(poll.poll(within_ms))
        finally:
            os.close(fd)

    return wait
