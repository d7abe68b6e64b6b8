"""A queue backend of our own for tests of the prober: real files, but a form that can misbehave.

Every file of the workspace is an agent and holds a number, its pending tasks. A file that
says `crash` ends the process, `garbage` writes nonsense to the owner, `odd` raises. A FIFO is
opened and read as if it were a file: that hangs, which is the point.
"""

import os
from collections.abc import Callable, Container, Iterator
from typing import Any

from core.queues import BACKENDS, Limits, ScanPart
from core.queues.model import EMPTY_QUEUE, AgentQueue, Problem, Task

# The boot code of a prober that knows this backend; see `core.prober.client.BOOT`.
BOOT = (
    "import sys; sys.path.insert(0, sys.argv[1]); "
    "import tests.scripted_queues; from core.prober.main import main; main()"
)


class ScriptedBackend:
    """Reads numbers."""

    def __init__(self, workspace: str, limits: Limits) -> None:
        self._workspace = workspace
        self._seen: dict[str, str] = {}

    def scan(self, beat: Callable[[str], None], skip: Container[str] = ()) -> Iterator[ScanPart]:
        names = sorted(os.listdir(self._workspace))
        gone = tuple(sorted(self._seen.keys() - set(names)))
        for agent in gone:
            del self._seen[agent]
        changed: list[AgentQueue] = []
        for done, name in enumerate(names, 1):
            path = os.path.join(self._workspace, name)
            if path in skip:
                continue
            beat(path)
            with open(path, "rb") as file:
                text = file.read().decode()
            self._obey(text)
            if self._seen.get(name) != text:
                self._seen[name] = text
                row = EMPTY_QUEUE._replace(agent=name, path=path, form="standard", pending=int(text or "0"))
                changed.append(row)
            if len(changed) == 100:
                yield ScanPart(tuple(changed), (), done, len(names))
                changed = []
        problems = ((self._workspace, Problem("odd", "crowded", "many")),) if len(names) > 900 else ()
        yield ScanPart(tuple(changed), gone, len(names), len(names), problems)

    def _obey(self, text: str) -> None:
        if text == "crash":
            os.abort()
        if text == "garbage":
            os.write(4, b"this is no frame at all")
        if text == "odd":
            raise ValueError("the file is odd\x1b[31m")

    def tasks(self, agent: str) -> tuple[Task, ...]:
        return tuple(
            Task(
                f"T{n}",
                agent,
                "title",
                "pending",
                "pending",
                "",
                None,
                None,
                None,
                None,
                None,
                (),
                "tasks",
                n,
                0,
            )
            for n in range(int(self._seen[agent]))
        )

    def record(self, agent: str, place: str, index: int, task_id: str) -> str:
        return "{" + "ä" * 100_000 + "}"


def _scripted(workspace: str, limits: Limits) -> Any:
    return ScriptedBackend(workspace, limits)


BACKENDS["scripted"] = _scripted
