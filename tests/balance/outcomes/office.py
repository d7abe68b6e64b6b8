"""A workspace with a real record, whose plans are really applied, on a clock that obeys."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from core.balance.apply import apply_plan
from core.balance.doing import By, Result
from core.balance.facts import load_hours
from core.balance.options import Options
from core.balance.plan import AgentLoad, Move, Picture, Plan, plan_id_of
from core.balance.strict import fingerprint
from core.balance.undo import undo_plan
from core.balance.world import World, read_world
from core.record.files import stamp
from tests.fakes import FakeClock
from tests.record.instance import Instance

HOUR = 3600.0


class Office:
    """Agents with tasks of an hour each; time passes by `pass_hours`, and is watched by `watch`."""

    def __init__(self, root: Path, clock: FakeClock, **agents: int) -> None:
        self.root, self.clock = root, clock
        for name, count in agents.items():
            rows = [
                {"task_id": f"{name}-{n}", "title": "work", "status": "pending", "estimated_hours": 1.0}
                for n in range(1, count + 1)
            ]
            self.write(name, {"agent_id": name, "tasks": rows, "history": []})
        self.watcher = Instance(root, clock)
        self.watcher.begin()

    @property
    def path(self) -> str:
        """The workspace."""
        return str(self.root)

    def read(self, agent: str) -> dict[str, Any]:
        """An agent's file."""
        found: dict[str, Any] = json.loads((self.root / "postbox" / agent / "outbox.json").read_bytes())
        return found

    def write(self, agent: str, document: Mapping[str, Any]) -> None:
        """Write an agent's file, as if a while ago."""
        path = self.root / "postbox" / agent / "outbox.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(document, indent=2))
        at = self.clock.wall() - 10.0
        os.utime(path, (at, at))

    def finish(self, agent: str, count: int = 1) -> None:
        """An agent finishes the first tasks of its queue."""
        document = self.read(agent)
        pending = [row for row in document["tasks"] if row["status"] == "pending"]
        for row in pending[:count]:
            row["status"] = "completed"
        self.write(agent, document)

    def look(self) -> None:
        """Somebody looks."""
        self.watcher.look()

    def pass_hours(self, hours: float, **finishing: int) -> None:
        """Time passes and is watched; at the end of it, agents finish so many tasks."""
        for _ in range(int(hours * HOUR / 30.0)):
            self.watcher.look(after_s=30.0)
        for agent, count in finishing.items():
            self.finish(agent, count)
        self.look()

    def apply(self, source: str, receiver: str, count: int, user: str = "maria") -> Plan:
        """Apply a plan that moves the last pending tasks of an agent to another."""
        plan = self.plan(source, receiver, count)
        result = apply_plan(self.path, plan, By(user), self.clock, wait=self.clock.advance)
        assert result.state == "complete", result
        self.look()
        return plan

    def undo(self, plan_id: str, user: str = "otto") -> Result:
        """Take a plan back."""
        result = undo_plan(self.path, plan_id, By(user), self.clock, wait=self.clock.advance)
        self.look()
        return result

    def plan(self, source: str, receiver: str, count: int) -> Plan:
        """A plan that moves the last pending tasks of an agent to another."""
        world = read_world(self.path)
        rows = [row for row in self.read(source)["tasks"] if row["status"] == "pending"][-count:]
        moves = tuple(
            Move(
                n,
                row["task_id"],
                source,
                receiver,
                1.0,
                1.0,
                False,
                fingerprint(row),
                "relieve_overload",
                "full",
            )
            for n, row in enumerate(rows, 1)
        )
        now, before = stamp(self.clock.wall()), self._picture(world, {})
        after = self._picture(world, {source: -count, receiver: count})
        plan_id = plan_id_of(world.inputs, now, Options(), moves)
        return Plan(plan_id, now, Options(), before, after, None, None, moves, (), ())

    def _picture(self, world: World, shift: Mapping[str, int]) -> Picture:
        rows = []
        for name, agent in world.agents.items():
            hours = load_hours(agent, world.estimates) + shift.get(name, 0)
            pending = sum(task.status == "pending" for task in agent.tasks) + shift.get(name, 0)
            rows.append(AgentLoad(name, agent.state, 8.0, hours, hours * 12.5, 0.0, pending))
        return Picture(0, max(row.utilisation for row in rows), 0.0, 0, (), (), tuple(rows))
