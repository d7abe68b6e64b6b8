"""A workspace in a temporary folder, with files as agents write them and a clock that obeys."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from core.queues import Limits, ScanPart
from core.queues.model import AgentQueue
from core.queues.postbox import PostboxBackend
from tests.fakes import FakeClock


def task(task_id: Any = "TASK-1", status: Any = "pending", **more: Any) -> dict[str, Any]:
    """A task as the schema wants it."""
    return {
        "task_id": task_id, "title": f"Do {task_id}", "status": status, "priority": "HIGH",
        "created_at": "2025-05-29T10:00:00Z", "estimated_hours": 2, **more,
    }  # fmt: skip


def outbox(*tasks: Any, history: Any = (), **more: Any) -> dict[str, Any]:
    """A standard queue."""
    return {
        "agent_id": "CA", "agent_name": "Agent CA", "agent_type": "ai", "version": "1.0.0",
        "expertise": ["python"], "tasks": list(tasks), "history": list(history), **more,
    }  # fmt: skip


class Workspace:
    """A postbox, a backend on it, and what the backend said last of each agent."""

    def __init__(self, root: Path, limits: Limits | None = None) -> None:
        self.root = root
        (root / "postbox").mkdir(exist_ok=True)
        self.clock = FakeClock()
        self.slept: list[float] = []
        self.while_asleep: Callable[[], None] = lambda: None
        self.backend = PostboxBackend(str(root), limits or Limits(), self.clock, self._sleep)
        self.rows: dict[str, AgentQueue] = {}
        self.beats: list[str] = []

    def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.clock.advance(seconds)
        self.while_asleep()

    def path(self, agent: str) -> Path:
        return self.root / "postbox" / agent / "outbox.json"

    def write(self, agent: str, content: Any, age_s: float = 100.0, atomic: bool = False) -> None:
        """Write bytes, text or a value, as if `age_s` seconds ago."""
        if not isinstance(content, (bytes, str)):
            content = json.dumps(content, indent=2, ensure_ascii=False)
        data = content.encode("utf-8", "surrogateescape") if isinstance(content, str) else content
        path = self.path(agent)
        path.parent.mkdir(exist_ok=True)
        target = path.with_name("outbox.json.tmp") if atomic else path
        target.write_bytes(data)
        self.touch(target, age_s)
        if atomic:
            os.replace(target, path)

    def touch(self, path: Path, age_s: float = 100.0) -> None:
        at = self.clock.wall() - age_s
        os.utime(path, (at, at))

    def scan(self, skip: tuple[str, ...] = ()) -> list[ScanPart]:
        """One scan; keeps the newest row of each agent."""
        parts = list(self.backend.scan(self.beats.append, skip))
        for part in parts:
            for row in part.changed:
                self.rows[row.agent] = row
            for name in part.gone:
                del self.rows[name]
        return parts

    def read(self, content: Any, agent: str = "CA") -> AgentQueue:
        """The row of one agent whose file holds `content`."""
        self.write(agent, content)
        self.scan()
        return self.rows[agent]

    def changed(self) -> list[str]:
        """The agents that one more scan tells of."""
        return [row.agent for part in self.scan() for row in part.changed]


def codes(row: AgentQueue) -> list[str]:
    return [problem.code for problem in row.problems]


def statuses(row: AgentQueue) -> dict[str, int]:
    """The counts that are not zero."""
    names = ("pending", "in_progress", "review", "blocked", "failed", "completed", "other")
    return {name: getattr(row, name) for name in names if getattr(row, name)}
