"""A workspace with a past: somebody looked every minute, and the record tells of it. Real files, real record."""

import json
import os
import time
from pathlib import Path
from typing import Any

from core.queues import Limits
from core.queues.postbox import PostboxBackend
from core.record.journal import Journal
from core.record.ledger import Ledger
from tests.fakes import FakeClock


def stamp(wall: float) -> str:
    """As agents write times."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(wall))


def task(task_id: str, status: str = "pending", **more: Any) -> dict[str, Any]:
    """A task as the schema wants it, created a day ago."""
    return {
        "task_id": task_id, "title": f"Do {task_id}", "description": "", "status": status, "priority": "HIGH",
        "created_at": stamp(time.time() - 86_400), "estimated_hours": 2, **more,
    }  # fmt: skip


def write(
    root: Path, agent: str, tasks: Any, at: float | None = None, history: Any = (), **more: Any
) -> Path:
    """An agent's queue file, written at `at`; text instead of tasks is written as it is."""
    path = root / "postbox" / agent / "outbox.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(tasks, str):
        path.write_text(tasks)
    else:
        queue = {
            "agent_id": agent, "agent_name": agent, "agent_type": "ai", "version": "1.0.0", "tasks": list(tasks),
            "history": list(history), **more,
        }  # fmt: skip
        path.write_text(json.dumps(queue))
    if at is not None:
        os.utime(path, (at, at))
    return path


class Past:
    """Looks at `root` from `hours` ago on, once a minute."""

    def __init__(self, root: Path, hours: float) -> None:
        self.root = root
        (root / "postbox").mkdir(parents=True, exist_ok=True)
        self.clock = FakeClock(wall=time.time() - hours * 3600.0)
        self._backend = PostboxBackend(str(root), Limits(), self.clock, self.clock.advance)
        self._journal = Journal(str(root / ".bluetop"), self.clock, write=True, within=str(root))
        self._ledger = Ledger(self.clock, [self._journal])

    @property
    def now(self) -> float:
        """Wall time there."""
        return self.clock.wall()

    def put(self, agent: str, *tasks: Any, **more: Any) -> None:
        """Write a file, as of then."""
        write(self.root, agent, tasks, self.now, **more)

    def look(self, minutes: float = 1.0) -> None:
        """Let time pass, and look once a minute."""
        for _ in range(max(1, round(minutes))):
            for part in self._backend.scan(lambda path: None):
                self._ledger.take(part)
            self._ledger.tell(lambda path: None)
            self.clock.advance(60.0)

    def end(self, until_now: bool = True) -> None:
        """Look until now (or not), and let go of the record."""
        if until_now:
            self.look((time.time() - self.now) / 60.0)
        self._journal.close()
