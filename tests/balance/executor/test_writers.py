"""Eight other writers at work while plans are applied and undone: no task is lost or doubled, every race is noticed."""

import json
import random
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest

from core.balance.apply import apply_plan
from core.balance.doing import Recovery, Result, pause
from core.balance.plan import Plan
from core.balance.recover import recover, settle, unfinished
from core.balance.undo import undo_plan
from core.clock import SYSTEM_CLOCK
from tests.balance.executor import writers
from tests.balance.executor.scene import BY, EMPTY, OPTIONS, census, leftovers, move, put, queue, task

AGENTS = ("CA", "CB", "CC", "CD")
# Each file has two writers, of different kinds.
WRITERS = [
    ("locking", "CA"), ("in_place", "CA"), ("unlocked", "CB"), ("atomic", "CB"),
    ("in_place", "CC"), ("locking", "CC"), ("atomic", "CD"), ("unlocked", "CD"),
]  # fmt: skip


def briefly(seconds: float) -> None:
    """Wait less than would be wise: the others are to be met."""
    pause(seconds / 50)


class Book:
    """Where each task should be, by nothing but what was reported."""

    def __init__(self, where: dict[str, str]) -> None:
        self.where = where
        self.races: Counter[str] = Counter()

    def enter(self, result: Result, moves: dict[int, tuple[str, str, str]]) -> None:
        self.told(row for row in result.recovered if row.plan_id != result.plan_id)
        for seq in result.applied:
            task_id, _, receiver = moves[seq]
            self.where[task_id] = receiver
        self.races.update(row.code for row in result.skipped)
        self.told(row for row in result.recovered if row.plan_id == result.plan_id)

    def told(self, rows: Iterable[Recovery]) -> None:
        for row in rows:
            self.races[row.code] += 1
            said = re.search(r"is with (\w+)", row.detail)
            if said is not None:
                self.where[row.task_id] = said.group(1)


def places(root: Path) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for agent in AGENTS:
        for row in writers.read(root / "postbox" / agent / "outbox.json")["tasks"]:
            found.setdefault(row["task_id"], []).append(agent)
    return found


def round_of(root: Path, book: Book, rng: random.Random, number: int) -> None:
    """One plan made of what is there, applied; perhaps undone; and the look that each refresh takes."""
    documents = {agent: writers.read(root / "postbox" / agent / "outbox.json") for agent in AGENTS}
    rows = [
        (row, agent)
        for agent in AGENTS
        for row in documents[agent]["tasks"]
        if book.where[row["task_id"]] == agent
    ]
    chosen = rng.sample(rows, min(len(rows), 4))
    moves = {}
    made = []
    for seq, (row, agent) in enumerate(chosen, 1):
        receiver = rng.choice([name for name in AGENTS if name != agent])
        moves[seq] = (row["task_id"], agent, receiver)
        made.append(move(seq, row["task_id"], agent, receiver, row))
    plan_id = f"{number:016x}"
    plan = Plan(plan_id, "2026-03-02T12:00:00Z", OPTIONS, EMPTY, EMPTY, None, None, tuple(made), (), ())
    result = apply_plan(str(root), plan, BY, SYSTEM_CLOCK, wait=briefly)
    book.enter(result, moves)
    if result.applied and rng.random() < 0.5:
        back = undo_plan(str(root), plan_id, BY, SYSTEM_CLOCK, wait=briefly)
        book.enter(back, {seq: (name, taker, giver) for seq, (name, giver, taker) in moves.items()})
    book.told(settle(str(root), SYSTEM_CLOCK, wait=briefly))


@pytest.mark.parametrize(
    "updates", [60, pytest.param(1000, marks=[pytest.mark.long, pytest.mark.timeout(600)])]
)
def test_no_task_is_lost_or_doubled_while_eight_others_write(tmp_path, updates, record_property):
    where = {}
    for agent in AGENTS:
        rows = [task(f"{agent}-{number}") for number in range(5)]
        put(tmp_path, agent, queue(agent, *rows))
        where.update({row["task_id"]: agent for row in rows})
    before, book, rng = census(tmp_path), Book(where), random.Random(5)
    others = [
        subprocess.Popen([
            sys.executable, writers.__file__, kind, f"{kind}-{number}",
            str(tmp_path / "postbox" / agent / "outbox.json"), str(updates),
        ])
        for number, (kind, agent) in enumerate(WRITERS)
    ]  # fmt: skip
    number = 0
    try:
        while any(other.poll() is None for other in others):
            number += 1
            round_of(tmp_path, book, rng, number)
    finally:
        for other in others:
            other.kill()  # those that are through do not mind
    assert [other.wait() for other in others] == [0] * len(others)
    book.told(recover(str(tmp_path), BY, SYSTEM_CLOCK, wait=briefly))
    while found := settle(str(tmp_path), SYSTEM_CLOCK):
        book.told(found)
    assert census(tmp_path) == before
    assert {name: [agent] for name, agent in book.where.items()} == places(tmp_path)
    for agent in AGENTS:
        json.loads((tmp_path / "postbox" / agent / "outbox.json").read_bytes())
    assert leftovers(tmp_path) == []
    assert unfinished(str(tmp_path)) == ()
    assert number >= 2
    record_property("plans", number)
    for code, count in book.races.items():
        record_property(code, count)
