"""Queue backends behind one Protocol. One file each, one line in `BACKENDS`.

What every backend answers is in `model`; how much it may read, and what one step of a scan
yields, is here. Nothing is imported until a backend is made: the dashboard needs the model
before its first frame and the readers never, since they run in the prober.
"""

from collections.abc import Callable, Container, Iterator
from typing import NamedTuple, Protocol

from core.queues.model import AgentQueue, Problem, Task
from core.queues.states import TaskStates


class Limits(NamedTuple):
    """How much is read, and how patiently. Sizes in bytes.

    `deep_check_bytes` is what one scan may spend on the careful reader, which also finds
    duplicate keys and names lines; what goes beyond it is read by the fast one. A file over
    `repair_bytes` is not repaired if it is not valid JSON. `torn_retries` are the times, 50 ms
    apart, that one scan reads torn files again before it leaves them to the next scan. With
    more live tasks than `cross_ids` in the workspace, ids are not compared between agents.
    `max_tasks` is the most that `tasks` returns, finished ones left out first.
    """

    max_bytes: int = 512 * 1024 * 1024
    deep_check_bytes: int = 8 * 1024 * 1024
    max_agents: int = 100_000
    torn_retries: int = 2
    repair_bytes: int = 32 * 1024 * 1024
    cross_ids: int = 50_000
    max_tasks: int = 50_000


class ScanPart(NamedTuple):
    """What a scan has found since its previous part.

    `changed` are rows to put in the place of older ones, `gone` agents that are no more.
    `done` of `total` agents have been looked at. `problems` are those of the workspace as a
    whole, (path, problem): always complete in the last part of a scan, empty in the others.
    `tasks` are the states of all tasks of agents whose file was well read, also where no sum changed.
    """

    changed: tuple[AgentQueue, ...]
    gone: tuple[str, ...]
    done: int
    total: int
    problems: tuple[tuple[str, Problem], ...] = ()
    tasks: tuple[TaskStates, ...] = ()


class QueueBackend(Protocol):
    """Agents and their tasks, wherever they are kept. Looks, and changes nothing."""

    def scan(self, beat: Callable[[str], None], skip: Container[str] = ()) -> Iterator[ScanPart]:
        """Look at every agent; yields at least one part, and one about every 100 ms.

        `beat` is called with the full path before anything that can hang; paths in `skip` are
        left alone.

        Raises:
            WorkspaceError: there is nothing to scan.
        """
        ...

    def tasks(self, agent: str) -> tuple[Task, ...]:
        """The tasks of `agent`, one per task id, read now.

        Raises:
            PollError: there is no such agent, or its queue cannot be read.
        """
        ...

    def record(self, agent: str, place: str, index: int, task_id: str) -> str:
        """One record as it stands in the queue, as indented JSON.

        Raises:
            PollError: the record is not there any more, or cannot be read.
        """
        ...


def _postbox(workspace: str, limits: Limits) -> QueueBackend:
    from core.queues.postbox import PostboxBackend

    return PostboxBackend(workspace, limits)


BACKENDS: dict[str, Callable[[str, Limits], QueueBackend]] = {
    "postbox": _postbox,
}
