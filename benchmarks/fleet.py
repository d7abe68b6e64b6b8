"""What ten thousand agents cost the evaluator and the ledger when one of them changes.

    python benchmarks/fleet.py [--agents 10000] [--tasks 100] [--rounds 30] [--json FILE]

Evaluated is a whole snapshot, with its KPIs, needs, measures and verdict; beside it, the same fleet judged anew
from nothing, which is what an evaluator without memory would do each tick. The ledger takes one changed
file of so many tasks. Ends with status 1 where a limit is missed. Not a test: it is timed.
"""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from typing import NamedTuple

from core.clock import SYSTEM_CLOCK
from core.config import Settings
from core.evaluator import begin, evaluate
from core.policy import policy_of
from core.queues import ScanPart
from core.queues.model import EMPTY_QUEUE, AgentQueue, Ledgered, Open, QueuesSample, RecordState, Transition
from core.queues.states import TaskStates
from core.record.ledger import Ledger
from core.sources import Answer

WALL = 1_780_000_000.0


class Cost(NamedTuple):
    """One line of the table, in milliseconds; `limit_ms` 0 is none."""

    name: str
    median_ms: float
    worst_ms: float
    limit_ms: float


def queue(number: int, pending: int, tasks: int) -> AgentQueue:
    """Something like an agent of a generated workspace."""
    name = f"AG{number:05d}"
    since = WALL - 3600 * (number % 50)
    return EMPTY_QUEUE._replace(
        agent=name, path=f"postbox/{name}/outbox.json", form="standard", pending=pending, in_progress=1,
        review=tasks // 8, blocked=tasks // 16, failed=2, completed=tasks // 4, pending_hours=2.0 * pending,
        load_hours=2.0 * pending + 3, current_id=f"TASK-{number}", current_since=since,
        oldest_waiting_at=WALL - 90_000, running=(Open(f"TASK-{number}", since),), mtime=WALL - number % 977,
        reviewing=(Open(f"TASK-{number}-R", since),), blocking=(Open(f"TASK-{number}-B", None),), size_bytes=35_000,
    )  # fmt: skip


def scan(at: float, changed: list[AgentQueue], told: Ledgered) -> Answer:
    """A complete scan in which these changed."""
    names = frozenset(row.agent for row in changed)
    rows = {row.agent: row for row in changed}
    return Answer("queues", at, QueuesSample(at, "h", rows, names, frozenset(), 0, 0, True, (), told))


def timed(name: str, rounds: int, step: Callable[[int], object], limit_ms: float = 0.0) -> Cost:
    """`step` so many times, each by itself."""
    costs = []
    for number in range(rounds):
        began = time.perf_counter()
        step(number)
        costs.append((time.perf_counter() - began) * 1000.0)
    return Cost(name, statistics.median(costs), max(costs), limit_ms)


def evaluated(agents: int, tasks: int, rounds: int) -> list[Cost]:
    """The evaluator: one agent changes each tick, with what the ledger told of it."""
    policy = policy_of(
        Settings(), host="h", workspace="/w", read_only=False, intervals={"queues": 1.0, "cpu": 1.0}
    )
    record = RecordState("writing", "/w/.bluetop/transitions.jsonl", "", ((WALL, WALL),))
    first = [queue(n, n % 40, tasks) for n in range(agents)]
    state = begin(policy, 1000.0, WALL)

    def anew(number: int) -> None:
        nonlocal state
        state, _ = evaluate(begin(policy, 1000.0, WALL), [scan(1000.0, first, Ledgered())], 1000.0, WALL)

    def one(number: int) -> None:
        nonlocal state
        at = 1001.0 + number
        row = queue(number % agents, 7 + number, tasks)._replace(
            mtime=WALL + number, size_bytes=36_000 + number
        )
        change = Transition(WALL + number, row.agent, f"T-{number}", None, "pending", WALL + number)
        state, _ = evaluate(
            state, [scan(at, [row], Ledgered(seen=(change,), record=record))], at, WALL + number
        )

    def none(number: int) -> None:
        nonlocal state
        at = 1001.0 + rounds + number
        state, _ = evaluate(state, [scan(at, [], Ledgered(record=record))], at, WALL + rounds + number)

    return [
        timed("evaluate: all anew", 3, anew),
        timed("evaluate: one agent changed", rounds, one, 20.0),
        timed("evaluate: nothing changed", rounds, none, 20.0),
    ]


def ledgered(agents: int, tasks: int, rounds: int) -> list[Cost]:
    """The ledger: one file is read again, and one of its tasks has moved on."""
    ledger = Ledger(SYSTEM_CLOCK)

    def states(number: int, started: int) -> TaskStates:
        rows = [f"{'i' if n < started else 'p'}\tTASK-{number:05d}-{n:04d}\t3" for n in range(tasks)]
        return TaskStates(f"AG{number:05d}", "\n".join(rows), WALL, True)

    def part(found: list[TaskStates]) -> ScanPart:
        changed = tuple(EMPTY_QUEUE._replace(agent=s.agent, form="standard") for s in found)
        return ScanPart(changed, (), agents, agents, (), tuple(found))

    everything = [states(n, 0) for n in range(agents)]

    def tell(found: list[TaskStates]) -> None:
        ledger.take(part(found))
        ledger.tell(lambda path: None)

    return [
        timed("ledger: first look at all", 1, lambda number: tell(everything)),
        timed(
            "ledger: one file changed",
            rounds,
            lambda number: tell([states(number % agents, 1 + number % 9)]),
            20.0,
        ),
        timed("ledger: nothing changed", rounds, lambda number: tell([]), 20.0),
    ]


def main() -> int:
    """Print the table; 1 if a limit is missed."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--agents", type=int, default=10_000)
    parser.add_argument("--tasks", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--json", metavar="FILE")
    args = parser.parse_args()
    costs = evaluated(args.agents, args.tasks, args.rounds) + ledgered(args.agents, args.tasks, args.rounds)
    out = sys.stdout.write
    out(f"{args.agents} agents x {args.tasks} tasks, {args.rounds} rounds\n")
    out(f"{'':<30}{'median ms':>10}{'worst ms':>10}{'limit':>7}\n")
    for cost in costs:
        limit = f"{cost.limit_ms:g}" if cost.limit_ms else "-"
        out(f"{cost.name:<30}{cost.median_ms:>10.2f}{cost.worst_ms:>10.2f}{limit:>7}\n")
    if args.json:
        with open(args.json, "w", encoding="utf-8") as file:
            json.dump([cost._asdict() for cost in costs], file, indent=2)
    return int(any(cost.limit_ms and cost.median_ms > cost.limit_ms for cost in costs))


if __name__ == "__main__":
    sys.exit(main())
