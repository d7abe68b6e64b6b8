"""Small workspaces, and waiting for what a helper process says."""

import json
import select
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from core.balance.client import BalanceClient, Done, Event, Failed, Progress

LONGEST_S = 30.0  # for a helper process to answer on a busy machine


def task(number: int, hours: float = 2.0, **more: Any) -> dict[str, Any]:
    """A pending task."""
    return {
        "task_id": f"TASK-{number}", "title": f"task {number}", "priority": "MEDIUM", "status": "pending",
        "estimated_hours": hours, **more,
    }  # fmt: skip


def write(ws: Path, agent: str, tasks: Sequence[dict[str, Any]], **more: Any) -> Path:
    """The queue file of an agent."""
    folder = ws / "postbox" / agent
    folder.mkdir(parents=True, exist_ok=True)
    document = {"agent_id": agent, "expertise": ["testing"], "tasks": list(tasks), "history": [], **more}
    path = folder / "outbox.json"
    path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    return path


def skewed(ws: Path, tasks: int = 6) -> Path:
    """A workspace in which CA has everything and CB nothing."""
    write(ws, "CA", [task(number) for number in range(1, tasks + 1)])
    write(ws, "CB", [])
    return ws


def tasks_of(ws: Path, agent: str) -> list[str]:
    """Ids of the tasks of an agent, in their order."""
    document = json.loads((ws / "postbox" / agent / "outbox.json").read_text(encoding="utf-8"))
    return [row["task_id"] for row in document["tasks"]]


def events_until(client: BalanceClient, *kinds: type, longest_s: float = LONGEST_S) -> list[Event]:
    """What the client hears until something of one of `kinds` comes."""
    until = time.monotonic() + longest_s
    heard: list[Event] = []
    while time.monotonic() < until:
        select.select([client], [], [], 0.1)
        heard += client.poll()
        if any(isinstance(event, kinds) for event in heard):
            return heard
    raise AssertionError(f"nothing of {kinds} came, only {heard[-5:]}")


def answer(client: BalanceClient, **request: Any) -> Done | Failed:
    """Ask, and wait for the answer."""
    client.start(request)
    heard = events_until(client, Done, Failed)
    found = next(event for event in heard if isinstance(event, Done | Failed))
    assert all(isinstance(event, Progress | Done | Failed) for event in heard)
    return found


def planned_and_applied(ws: Path) -> dict[str, Any]:
    """Plan and apply at once, without the wait that a command adds; the result."""
    client = BalanceClient()
    plan = answer(client, op="plan", workspace=str(ws), options={})
    assert isinstance(plan, Done)
    found = answer(client, op="apply", workspace=str(ws), plan=plan.data, user="maria", stay=False)
    client.close()
    assert isinstance(found, Done)
    return found.data
