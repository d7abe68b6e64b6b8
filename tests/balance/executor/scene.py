"""A workspace made of plain dictionaries, plans made by hand, and counts that use nothing of what is tested."""

import json
import os
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from core.balance.doing import By
from core.balance.options import Options
from core.balance.plan import Move, Picture, Plan
from core.balance.strict import fingerprint

BY = By("maria", "10.0.0.7", "a test")
EMPTY = Picture(0, 0.0, 0.0, 0, (), (), ())
OPTIONS = Options(target=1000.0, unlabelled="any")
_waited: list[float] = []


def no_wait(seconds: float) -> None:
    """Waiting that takes no time."""
    _waited.append(seconds)


def task(task_id: str, priority: str = "MEDIUM", status: str = "pending", **more: Any) -> dict[str, Any]:
    """One task of a queue."""
    return {
        "task_id": task_id, "title": f"Title of {task_id} – ünïcode", "priority": priority, "status": status,
        "created_at": "2026-03-01T10:00:00Z", "estimated_hours": 2, **more,
    }  # fmt: skip


def queue(agent: str, *tasks: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A queue file's object."""
    return {
        "agent_id": agent, "expertise": ["testing"], "tasks": list(tasks), "history": [],
        "metadata": {"last_updated": "2026-03-01T10:00:00Z", "notes": "ä"}, **more,
    }  # fmt: skip


def put(root: Path, agent: str, document: Any, *, text: str | None = None, **style: Any) -> Path:
    """Write an agent's queue file."""
    path = root / "postbox" / agent / "outbox.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    style.setdefault("indent", 2)
    path.write_bytes((json.dumps(document, ensure_ascii=False, **style) if text is None else text).encode())
    return path


def load(root: Path, agent: str) -> dict[str, Any]:
    """What is in an agent's queue file."""
    found: dict[str, Any] = json.loads((root / "postbox" / agent / "outbox.json").read_bytes())
    return found


def ids(root: Path, agent: str) -> list[str]:
    """The ids of an agent's tasks, in order."""
    return [row["task_id"] for row in load(root, agent)["tasks"]]


def census(root: Path) -> Counter[str]:
    """How often each id is there, over all files that parse."""
    total: Counter[str] = Counter()
    for path in sorted((root / "postbox").glob("*/outbox.json")):
        try:
            document = json.loads(path.read_bytes())
        except ValueError:
            continue
        if isinstance(document, dict) and isinstance(document.get("tasks"), list):
            total.update(
                row["task_id"] for row in document["tasks"] if isinstance(row, dict) and "task_id" in row
            )
    return total


def plan_for(root: Path, moves: Iterable[tuple[str, str, str]], plan_id: str = "a1b2c3d4e5f60718") -> Plan:
    """A plan of (task id, from, to) as things stand now."""
    rows = []
    for seq, (task_id, source, receiver) in enumerate(moves, 1):
        found = next(row for row in load(root, source)["tasks"] if row.get("task_id") == task_id)
        rows.append(move(seq, task_id, source, receiver, found))
    return Plan(plan_id, "2026-03-02T12:00:00Z", OPTIONS, EMPTY, EMPTY, None, None, tuple(rows), (), ())


def move(seq: int, task_id: str, source: str, receiver: str, row: Mapping[str, Any]) -> Move:
    """One move of a plan."""
    return Move(seq, task_id, source, receiver, 2.0, 2.0, False, fingerprint(row), "relieve_overload", "")


def snapshot(root: Path) -> dict[str, bytes]:
    """The bytes of all queue files."""
    return {
        os.path.relpath(path, root): path.read_bytes()
        for path in sorted((root / "postbox").glob("*/outbox.json"))
        if path.is_file()
    }


def leftovers(root: Path) -> list[str]:
    """Temporary files of ours that are still there."""
    return sorted(path.name for path in root.rglob("*bluetop-*.tmp"))


def journal(root: Path, plan_id: str) -> list[dict[str, Any]]:
    """The records of a journal."""
    lines = (root / ".bluetop" / "journal" / f"{plan_id}.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines if line.startswith("{") and line.endswith("}")]
