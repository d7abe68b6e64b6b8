"""A whole instance below the screen: queue files, their reader, a ledger, and its journal on disk."""

import json
import os
from collections.abc import Mapping
from pathlib import Path

from core.queues import Limits
from core.queues.model import Transition
from core.queues.postbox import PostboxBackend
from core.record import files
from core.record.journal import MOST_BYTES, Journal
from core.record.ledger import Ledger, Told
from tests.fakes import FakeClock
from tests.record.scenes import no_beat


def put(
    root: Path, clock: FakeClock, agent: str, tasks: Mapping[str, str] | bytes, age_s: float = 10.0
) -> None:
    """Write the agent's file, as if `age_s` ago; bytes as they are."""
    path = root / "postbox" / agent / "outbox.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    if not isinstance(tasks, bytes):
        rows = [{"task_id": task, "title": task, "status": status} for task, status in tasks.items()]
        tasks = json.dumps({"agent_id": agent, "tasks": rows, "history": []}).encode()
    path.write_bytes(tasks)
    at = clock.wall() - age_s
    os.utime(path, (at, at))


class Instance:
    """One bluetop on the workspace `root`. `kill` is what SIGKILL leaves: its lock is gone, nothing else."""

    def __init__(
        self, root: Path, clock: FakeClock, write: bool = True, most_bytes: int = MOST_BYTES, state: Path | None = None
    ) -> None:  # fmt: skip
        self.clock = clock
        self.backend = PostboxBackend(str(root), Limits(), clock, clock.advance)
        self.journals = [
            Journal(
                folder, clock, write=write, most_bytes=most_bytes,
                within=str(root) if folder.startswith(f"{root}/") else None,
            )
            for folder in files.places(str(root), None if state is None else str(state))
        ]  # fmt: skip
        self.ledger = Ledger(clock, self.journals)

    def look(self, after_s: float = 1.0, at_once: bool = False) -> Told:
        self.clock.advance(after_s)
        for part in self.backend.scan(no_beat):
            self.ledger.take(part)
        return self.ledger.tell(no_beat, (), at_once)

    def begin(self) -> Told:
        self.look()
        return self.look()

    def kill(self) -> None:
        for journal in self.journals:
            journal.close()


def opened(folder: Path, clock: FakeClock, most_bytes: int = MOST_BYTES) -> Journal:
    """A journal that writes in `folder`."""
    found = Journal(str(folder), clock, write=True, within=None, most_bytes=most_bytes)
    found.acquire(no_beat)
    return found


def lines(folder: Path, torn: bool = False) -> list[Transition]:
    """All that the journals of both generations say; fails on a line that is none, but for a `torn` end."""
    found = []
    for name in (files.OLDER, files.JOURNAL):
        path = folder / name
        if path.exists():
            for row in path.read_bytes().splitlines(keepends=True):
                if torn and not row.endswith(b"\n"):
                    continue
                change = files.transition_of(row)
                assert change is not None, row
                assert row.endswith(b"\n")
                found.append(change)
    return found


def tree(folder: Path) -> dict[str, tuple[int, int, int]]:
    """Every file below `folder`, with what would change if it were touched."""
    return {
        str(path.relative_to(folder)): (status.st_ino, status.st_size, status.st_mtime_ns)
        for path in sorted(folder.rglob("*"))
        for status in [path.lstat()]
    }
