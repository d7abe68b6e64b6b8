"""A workspace whose metrics are collected, with a clock that obeys, and what is found in its files."""

import json
import os
from pathlib import Path
from typing import Any

from core.agentmetrics.collect import Collected, Place, collect
from tests.fakes import FakeClock
from tests.queues.workspace import outbox, task

__all__ = ["Space", "entry", "history", "outbox", "task"]

LAYOUT = (
    "task_id", "agent_id", "status", "created_at", "started_at", "completed_at", "estimated_hours", "actual_hours",
    "deliverables_completed", "deliverables_total",
)  # fmt: skip


def history(
    task_id: Any = "TASK-1", status: Any = "completed", at: Any = "2026-05-01T12:00:00Z", **more: Any
) -> Any:
    """An entry of the history, as agents write it."""
    return {"task_id": task_id, "timestamp": at, "status": status, "summary": "done", **more}


def entry(task_id: Any = "TASK-1", agent: str = "CA", status: Any = "pending", **more: Any) -> dict[str, Any]:
    """An entry of a metrics file, as the tool before this one wrote it."""
    values = (task_id, agent, status, "2026-05-01T10:00:00Z", None, None, 0, None, 0, 0)
    return {**dict(zip(LAYOUT, values, strict=True)), **more}


class Space:
    """One workspace. Files are a minute old by the clock when they are written."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.clock = FakeClock()
        (root / "postbox").mkdir(parents=True, exist_ok=True)

    @property
    def place(self) -> Place:
        return Place(str(self.root), clock=self.clock)

    def queue(self, agent: str, *tasks: Any, done: Any = (), **more: Any) -> Path:
        """Write the queue file of an agent."""
        return self.raw(agent, json.dumps(outbox(*tasks, history=done, agent_id=agent, **more)))

    def raw(self, agent: str, text: str | bytes) -> Path:
        path = self.root / "postbox" / agent / "outbox.json"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        at = self.clock.wall() - 60
        os.utime(path, (at, at))
        return path

    def file(self, agent: str) -> Path:
        return self.root / ".metrics" / "agents" / f"{agent}_metrics.json"

    def written(self, agent: str) -> tuple[bytes, int, int]:
        """What is in the file, and when it was last written; not when it was read."""
        path = self.file(agent)
        status = path.stat()
        return path.read_bytes(), status.st_ino, status.st_mtime_ns

    def put(self, agent: str, *entries: Any, **more: Any) -> Path:
        """Write a metrics file as the tool before this one did."""
        path = self.file(agent)
        path.parent.mkdir(parents=True, exist_ok=True)
        document = {"agent_id": agent, "last_updated": "2026-05-01T01:40:52.694275Z",
                    "summary": {"total_tasks": len(entries)}, "metrics": list(entries), **more}  # fmt: skip
        path.write_text(json.dumps(document, indent=2))
        return path

    def collect(self, save: bool = True, **more: Any) -> Collected:
        return collect(self.place, save, **more)

    def metrics(self, agent: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.file(agent).read_text(encoding="utf-8"))
        return found

    def entry(self, agent: str, task_id: str = "TASK-1") -> dict[str, Any]:
        """The entry of a task in an agent's metrics file."""
        return next(found for found in self.metrics(agent)["metrics"] if found["task_id"] == task_id)

    def facts(self, agent: str, task_id: str = "TASK-1") -> dict[str, Any]:
        """What `bluetop.tasks` says of it."""
        found: dict[str, Any] = self.metrics(agent)["bluetop"]["tasks"].get(task_id, {})
        return found


def totals(found: Collected) -> dict[str, int]:
    """How many tasks count for each agent."""
    return {agent.queue.agent: agent.sums.measures().total_tasks for agent in found.agents}
