"""Plans of the planner carried out, one after the other and by several at once: what was shown is what comes."""

import json
import os
import random
import traceback
from collections.abc import Callable
from pathlib import Path

import pytest

from core.balance.apply import apply_plan
from core.balance.options import Options
from core.balance.plan import plan_of
from core.balance.planner import plan
from core.balance.recover import recover, settle, unfinished
from core.balance.undo import undo_plan
from core.balance.world import read_world
from tests.balance.executor.scene import BY, census, leftovers, no_wait, plan_for, put, queue, snapshot, task
from tests.balance.executor.writers import rest
from tests.fakes import FakeClock

SKILLS = ("testing", "docs", "api", "ui")


def fleet(root: Path, seed: int) -> None:
    """A workspace with skills, sizes, states and progress all over the place."""
    rng = random.Random(seed)
    for number in range(rng.randint(3, 9)):
        name = f"A{number}"
        rows = [
            task(
                f"{name}-{index}", rng.choice(("CRITICAL", "HIGH", "MEDIUM", "LOW", "odd")),
                rng.choice(("pending", "pending", "pending", "in_progress", "blocked", "completed")),
                estimated_hours=rng.choice((0.5, 1, 2, 3, 5, None)),
                required_skills=rng.sample(SKILLS, rng.choice((0, 0, 1))),
            )
            for index in range(rng.randint(0, 14))
        ]  # fmt: skip
        status = rng.choice(("active", "active", "active", "paused", "decommissioned"))
        put(
            root,
            name,
            queue(name, *rows, status=status, expertise=rng.sample(SKILLS, 3)),
            indent=rng.choice((2, None)),
        )


@pytest.mark.parametrize(
    "seed", [*range(3), *(pytest.param(seed, marks=pytest.mark.long) for seed in range(3, 30))]
)
def test_a_fresh_plan_is_carried_out_whole_and_comes_to_what_was_shown(tmp_path, clock, seed):
    fleet(tmp_path, seed)
    options = Options(cooldown_hours=0.0)
    made = plan_of(json.loads(json.dumps(plan(read_world(str(tmp_path)), options, clock.wall()).data())))
    before, files = census(tmp_path), snapshot(tmp_path)
    result = apply_plan(str(tmp_path), made, BY, clock, wait=no_wait)
    assert (result.state, result.skipped) == ("complete", ())
    assert census(tmp_path) == before
    again = plan(read_world(str(tmp_path)), options, clock.wall())
    assert again.moves == ()
    assert again.before.data() == made.after.data()
    if made.moves:
        clock.advance(5)
        assert undo_plan(str(tmp_path), made.plan_id, BY, clock, wait=no_wait).state == "complete"
        stamps = [json.loads(data) for data in snapshot(tmp_path).values()]
        former = [json.loads(data) for data in files.values()]
        for document in (*stamps, *former):
            document["metadata"].pop("last_updated")
        assert stamps == former


def in_children(works: list[Callable[[], object]]) -> None:
    """Do all of it at once, each in a process of its own."""
    pids = []
    for work in works:
        pid = os.fork()
        if not pid:
            status = 70
            try:
                work()
                status = 0
            except BaseException:  # noqa: BLE001 - nothing of the child may go on in the test's place
                traceback.print_exc()
            finally:
                os._exit(status)
        pids.append(pid)
    assert [os.waitpid(pid, 0)[1] for pid in pids] == [0] * len(pids)


def test_several_at_once_take_their_turns(root, clock):
    """The same plan twice, another one over the same tasks, recovery and settling: each task is there once."""
    first = plan_for(root, [("T-1", "CA", "CB"), ("T-2", "CA", "CC"), ("B-1", "CB", "CC")])
    other = plan_for(root, [("T-1", "CA", "CC"), ("T-3", "CA", "CB"), ("B-1", "CB", "CA")], "b" * 16)
    before = census(root)

    def brief(seconds: float) -> None:
        rest(seconds / 10)

    def applying(chosen):
        return lambda: apply_plan(str(root), chosen, BY, FakeClock(), wait=brief)

    def looking() -> None:
        for _ in range(5):
            recover(str(root), BY, FakeClock(), wait=brief)
            settle(str(root), FakeClock(), wait=brief)

    in_children([applying(first), applying(other), applying(first), looking])
    assert census(root) == before
    assert (leftovers(root), unfinished(str(root))) == ([], ())
    tasks = {row: agent for agent in ("CA", "CB", "CC") for row in _ids(root, agent)}
    assert tasks["T-2"] == "CC"
    assert tasks["T-3"] == "CB"
    assert tasks["T-1"] in ("CB", "CC")


def _ids(root: Path, agent: str) -> list[str]:
    return [
        row["task_id"] for row in json.loads((root / f"postbox/{agent}/outbox.json").read_bytes())["tasks"]
    ]
