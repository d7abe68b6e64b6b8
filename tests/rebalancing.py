"""A workspace with one agent that has too much to do, and the rebalance screen upon it.

The helpers are the real ones, in processes of their own: `answered` waits, a bounded time, until they have said so
much that a condition holds.
"""

import json
import select
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from core.snapshot import Snapshot
from tests.fakes import StillEngine
from tests.snapshots import snapshot, view
from tests.stage import Stage, still, task
from tui.screens.rebalance import RebalanceScreen

_TURNS, _TURN_S = 120, 0.25


def row(task_id: str, status: str = "pending", hours: float = 2.0, **more: Any) -> dict[str, Any]:
    """One task as a file has it."""
    return {"task_id": task_id, "title": f"Title of {task_id}", "status": status, "priority": "MEDIUM",
            "estimated_hours": hours, "required_skills": ["python"], **more}  # fmt: skip


def put_queue(root: Path, agent: str, tasks: Sequence[dict[str, Any]], **more: Any) -> Path:
    """The queue file of an agent that knows Python."""
    path = root / "postbox" / agent / "outbox.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    document = {"agent_id": agent, "expertise": ["python"], "tasks": list(tasks), **more}
    path.write_text(json.dumps(document, indent=2))
    return path


def fleet(root: Path) -> Path:
    """CA has twelve tasks of two hours; CB and CC, who could do them, nothing; CD is asked for by nobody."""
    put_queue(root, "CA", [row(f"TASK-{n}") for n in range(1, 13)])
    put_queue(root, "CB", [])
    put_queue(root, "CC", [row("TASK-50", "in_progress")])
    put_queue(root, "CD", [row("TASK-60", required_skills=["rust"])], expertise=["rust"])
    return root


def seen(root: Path, **changes: Any) -> Snapshot:
    """What the dashboard shows of it."""
    agents = (
        view("CA", "idle", "medium", 100.0, pending=12, pending_hours=24.0),
        view("CB"), view("CC", "working", in_progress=1, current_id="TASK-50"), view("CD", pending=1),
    )  # fmt: skip
    return snapshot(**{"workspace": str(root), "agents": agents, **changes})


def engine(root: Path, **changes: Any) -> StillEngine:
    """An engine that stands still upon the workspace."""
    tasks = {"CA": tuple(task(f"TASK-{n}", "CA", index=n - 1) for n in range(1, 13))}
    return still(seen(root, **changes), tasks)


async def answered(on: Stage, condition: Callable[[], object]) -> None:
    """Until `condition` holds; helpers are listened to for as long as that takes, half a minute at most."""
    for _ in range(_TURNS):
        await on.settle()
        if condition():
            return
        select.select([lane.client.fileno() for lane in on.app.talk.lanes], [], [], _TURN_S)
    raise AssertionError(f"it did not come to that:\n{on.text()}")


def screen_of(on: Stage) -> RebalanceScreen:
    """The rebalance screen, wherever it is in the stack."""
    return next(s for s in on.app.screen_stack if isinstance(s, RebalanceScreen))


async def planned(on: Stage) -> RebalanceScreen:
    """Open the screen, and wait for its plan and for all that is asked at its start."""
    await on.press("r")
    screen = screen_of(on)
    await answered(on, lambda: not screen.planning and quiet(on))
    return screen


def quiet(on: Stage) -> bool:
    """Whether nothing that was asked of a helper is still to be answered."""
    return not any(lane.busy for lane in on.app.talk.lanes)


def owner_of(root: Path, task_id: str) -> list[tuple[str, str]]:
    """Who has a task in which status, by the files as they are."""
    found = []
    for path in sorted(root.glob("postbox/*/outbox.json")):
        for item in json.loads(path.read_text())["tasks"]:
            if item["task_id"] == task_id:
                found.append((path.parent.name, item["status"]))
    return found


def tasks_of(root: Path) -> list[str]:
    """All task ids there are, each as often as it is there."""
    return sorted(
        item["task_id"]
        for path in root.glob("postbox/*/outbox.json")
        for item in json.loads(path.read_text())["tasks"]
    )


def files_of(root: Path) -> dict[str, bytes]:
    """Every file of a workspace."""
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def moved(screen: RebalanceScreen) -> list[str]:
    """The tasks that the plan on the screen moves."""
    assert screen.draft.plan is not None
    return [move.task_id for move in screen.draft.plan.moves]


async def settled(on: Stage, screen: RebalanceScreen) -> None:
    """Until the screen has its plan."""
    await answered(on, lambda: not screen.planning and quiet(on))
