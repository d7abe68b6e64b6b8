"""Samples and answers for tests of the core: a healthy host and queues, to be varied."""

from typing import Any

from core.config import Settings
from core.evaluator import State, begin, evaluate
from core.policy import Policy, policy_of
from core.queues.model import EMPTY_QUEUE, AgentQueue, Problem, QueuesSample
from core.samples import (
    CpuSample,
    DiskSample,
    HandlesSample,
    MemorySample,
    MountSpace,
    MountsSample,
    ProcessesSample,
    ProcessRow,
    SelfSample,
)
from core.snapshot import Snapshot
from core.sources import Answer, Trouble

WALL = 1_780_000_000.0
INTERVALS = {
    "cpu": 1.0, "memory": 1.0, "disk": 1.0, "handles": 1.0, "own": 1.0, "queues": 1.0,
    "mounts": 5.0, "processes": 5.0,
}  # fmt: skip
TRAILING_COMMA = Problem("error", "trailing_comma", "a comma before the closing bracket", 80, 5)
LOWER_CASE = Problem("odd", "priority_case", "priority 'high' in lower case")


def policy(workspace: str | None = "/w", settings: Settings | None = None) -> Policy:
    return policy_of(
        settings or Settings(), host="prod-01", workspace=workspace, read_only=False, intervals=INTERVALS
    )


def queue(agent: str, **fields: Any) -> AgentQueue:
    path = f"/w/postbox/{agent}/outbox.json"
    known: dict[str, Any] = {
        "agent": agent,
        "path": path,
        "form": "standard",
        "mtime": WALL - 60,
        "read_at": WALL,
    }
    return EMPTY_QUEUE._replace(**{**known, **fields})


def cpu(at: float, percent: float | None = 20.0) -> Answer:
    return Answer(
        "cpu", at, CpuSample(at, "prod-01", percent, (), 0.0, 0.0, None, 1.0, None, 2, None), took_ms=0.1
    )


def memory(at: float, percent: float = 40.0) -> Answer:
    sample = MemorySample(at, "prod-01", percent, 4, 6, 10, 1, None, 0, 0, 0.0, 0.0, None)
    return Answer("memory", at, sample, took_ms=0.1)


def disk(at: float, mb_per_s: float | None = 1.0) -> Answer:
    rate = None if mb_per_s is None else mb_per_s * 1e6 / 2
    return Answer("disk", at, DiskSample(at, "prod-01", rate, rate, 3.0, (), None), took_ms=0.1)


def host(at: float) -> list[Answer]:
    """One second's worth of a calm host."""
    return [
        cpu(at), memory(at), disk(at),
        Answer("handles", at, HandlesSample(at, "prod-01", 3000, 100_000), took_ms=0.1),
        Answer("own", at, SelfSample(at, "prod-01", 0.4, 40_000_000, 300.0), took_ms=0.1),
    ]  # fmt: skip


def process(pid: int, agent: str = "", **fields: Any) -> ProcessRow:
    row = ProcessRow(pid, 0.0, "python", "python agent.py", agent, "cwd", "S", 1.0, 10_000_000, 10, 1024)
    return row._replace(**fields)


def processes(at: float, *rows: ProcessRow, handles: int | None = None) -> Answer:
    known = [row.handles for row in rows if row.handles is not None]
    total = handles if handles is not None else sum(known) if known else None
    return Answer("processes", at, ProcessesSample(at, "prod-01", rows, total, 90, 0, 1.0, True), took_ms=2.0)


def mounts(at: float, *spaces: MountSpace) -> Answer:
    local = MountSpace("/", "ext4", 100, 40, 60.0, False, 0.1, None)
    return Answer("mounts", at, MountsSample(at, "prod-01", spaces or (local,)), took_ms=1.0)


def queues(
    at: float,
    *changed: AgentQueue,
    gone: tuple[str, ...] = (),
    done: int = 0,
    total: int = 0,
    problems: tuple[tuple[str, Problem], ...] = (),
) -> Answer:
    """A scan in which these changed; not complete while `done` is below `total`."""
    sample = QueuesSample(
        at, "prod-01", {q.agent: q for q in changed}, frozenset(q.agent for q in changed), frozenset(gone),
        done, total, done >= total, problems,
    )  # fmt: skip
    return Answer("queues", at, sample, took_ms=1.0)


class Session:
    """A state and the snapshots it gave, step by step."""

    def __init__(
        self, workspace: str | None = "/w", settings: Settings | None = None, at: float = 1000.0
    ) -> None:
        self.state: State = begin(policy(workspace, settings), at, WALL)
        self.at = at
        self.snapshot: Snapshot = self.state.snapshot

    def step(self, *answers: Answer | Trouble, seconds: float = 0.0) -> Snapshot:
        """Evaluate `seconds` later."""
        self.at += seconds
        self.state, self.snapshot = evaluate(self.state, answers, self.at, WALL + self.at - 1000.0)
        return self.snapshot

    def tick(self, *answers: Answer | Trouble, seconds: float = 1.0) -> Snapshot:
        """One more second of a calm host, with an empty scan of the queues, and then these answers."""
        at = self.at + seconds
        return self.step(*host(at), queues(at), *answers, seconds=seconds)

    def calm(self, *agents: AgentQueue) -> Snapshot:
        """A calm host and these agents, everything seen once."""
        at = self.at + 1.0
        return self.tick(processes(at, process(7)), mounts(at), queues(at, *agents))
