"""A fleet in which work comes and goes at random, left to the automatic mode: nothing is moved to and fro."""

import json
import random
from collections import Counter
from collections.abc import Sequence

import pytest

from core.balance.auto import (
    ACTS,
    ON,
    AutoSettings,
    Past,
    decide,
    hindrance,
    line_of,
    made_anew,
    mark_of,
    nothing,
)
from core.balance.deeds import Deed, Moved
from core.balance.doing import APPLY
from core.balance.options import Options
from core.balance.planner import plan
from core.balance.world import world_of
from core.record.files import stamp
from tests.balance.auto.building import AUTO_USER, HOUR, NOW, a_line

AGENTS = ("CA", "CB", "CC", "CD", "CE", "CF")
SKILLS = ("testing", "python", "docs")
EVERY_S = 300.0


class Fleet:
    """Some agents, whose queues are kept in memory. At most `busy` tasks come at once."""

    def __init__(self, seed: int, names: Sequence[str], busy: int = 4) -> None:
        self.random, self.names, self.busy = random.Random(seed), names, busy
        self.count = 0
        self.queues: dict[str, list[dict[str, object]]] = {name: [] for name in names}
        self.expertise = {name: self.random.sample(SKILLS, 2) for name in names}
        for name in names:
            for _ in range(self.random.randint(0, 3 * self.busy)):
                self.arrive(name)

    def arrive(self, agent: str) -> None:
        """A task comes in."""
        self.count += 1
        self.queues[agent].append({
            "task_id": f"T-{self.count}", "status": "pending", "priority": self.random.choice(("HIGH", "MEDIUM")),
            "estimated_hours": self.random.choice((0.5, 1.0, 2.0, 3.0)),
            "required_skills": self.random.sample(self.expertise[agent], 1),
        })  # fmt: skip

    def live(self) -> None:
        """Five minutes: some finish a task, work comes in bursts."""
        for name in self.names:
            if self.queues[name] and self.random.random() < 0.15:
                self.queues[name].pop(0)
        if self.random.random() < 0.15 * self.busy:
            unlucky = self.random.choice(self.names)
            for _ in range(self.random.randint(1, self.busy)):
                self.arrive(unlucky)

    def files(self) -> dict[str, bytes]:
        """The queue files."""
        return {
            name: json.dumps({"agent_id": name, "expertise": self.expertise[name], "tasks": rows}).encode()
            for name, rows in self.queues.items()
        }

    def move(self, task_id: str, source: str, receiver: str, at: float, plan_id: str) -> None:
        """One move."""
        row = next(row for row in self.queues[source] if row["task_id"] == task_id)
        self.queues[source].remove(row)
        former = row.get("bluetop")
        origin = former["origin"] if isinstance(former, dict) else source
        row["bluetop"] = {"moved_at": stamp(at), "origin": origin, "plan_id": plan_id}
        self.queues[receiver].append(row)


class Keeper:
    """The automatic mode of a fleet, with decisions and deeds in memory."""

    def __init__(self, fleet: Fleet) -> None:
        self.fleet, self.now = fleet, NOW
        self.settings, self.options = AutoSettings(ON, EVERY_S, 10, 5.0, (), 2), Options()
        self.mark = mark_of(self.settings, self.options)
        self.lines = [a_line(NOW - EVERY_S, trials=3, mark=self.mark)]
        self.deeds: list[Deed] = []
        self.moves: list[Moved] = []

    def turn(self) -> bool:
        """Decide, and carry it out; whether it acted."""
        self.now += EVERY_S
        past = Past(tuple(reversed(self.deeds)), tuple(reversed(self.lines)), mark=self.mark, minute=720)
        against = hindrance(self.settings, self.options, past, self.now)
        if against:
            decision = nothing(against, self.settings, past, self.now)
        else:
            world = world_of(self.fleet.files())
            made = made_anew(
                lambda limits: plan(world, limits, self.now), self.options, self.settings, past, self.now
            )
            decision = decide(made, self.settings, past, self.now)
        self.lines.append(line_of(decision, self.settings, past, self.now, AUTO_USER))
        if decision.what != ACTS or decision.plan is None:
            return False
        done = tuple(
            Moved(move.task_id, move.source, move.receiver, self.now, move.hours_from, move.hours_to)
            for move in decision.plan.moves
        )
        for move in done:
            self.fleet.move(move.task_id, move.source, move.receiver, self.now, decision.plan.plan_id)
        self.deeds.append(Deed(decision.plan.plan_id, APPLY, self.now, self.now, AUTO_USER, done))
        self.moves += done
        return True


def test_no_ping_pong_over_fifty_rounds() -> None:
    nothing_goes_to_and_fro(Fleet(0, AGENTS[:3], busy=2))


@pytest.mark.long
@pytest.mark.parametrize("seed", range(1, 5))
def test_no_ping_pong_in_larger_fleets(seed: int) -> None:
    nothing_goes_to_and_fro(Fleet(seed, AGENTS))


def nothing_goes_to_and_fro(fleet: Fleet) -> None:
    """Fifty rounds in which work comes and goes, and some in which nothing does."""
    keeper = Keeper(fleet)
    for _ in range(50):
        fleet.live()
        keeper.turn()
    moves = keeper.moves
    assert moves, "the fleet was never out of balance: this tests nothing"
    assert max(Counter(move.task_id for move in moves).values()) <= 2
    for move in moves:
        assert sum(move.at - HOUR < other.at <= move.at for other in moves) <= 10
    # No task comes back to an agent that it left.
    left: set[tuple[str, str]] = set()
    for move in moves:
        assert (move.task_id, move.receiver) not in left
        left.add((move.task_id, move.source))
    # And where nothing comes and nothing goes any more, it comes to rest.
    acted = [keeper.turn() for _ in range(30)]
    assert not any(acted[-6:])
    ids = [row["task_id"] for rows in fleet.queues.values() for row in rows]
    assert len(ids) == len(set(ids))
