"""The planner that is judged, asked like any other: documents and flags in, the object of bluetop.plan/1 out."""

import json
import os
import subprocess
import sys

from core.balance.options import options_of
from core.balance.planner import plan
from core.balance.world import world_of
from core.queues.times import parse
from tests.balance.judge.checker import Plan
from tests.balance.judge.families import bytes_of
from tests.balance.judge.naive import Document

_CHILD = """
import json, sys
from core.balance.options import options_of
from core.balance.planner import plan
from core.balance.world import read_world
workspace, config, now = sys.argv[1:4]
found = plan(read_world(workspace), options_of(json.loads(config)), float(now))
print(json.dumps(found.data(), ensure_ascii=False))
"""


def wall(now: str) -> float:
    """A time of day in wall seconds."""
    moment = parse(now)
    assert moment is not None
    return moment.at


def planned(documents: dict[str, Document], config: Document, now: str) -> Plan:
    """The product's plan, as it comes out of JSON."""
    found = plan(world_of(bytes_of(documents)), options_of(config), wall(now)).data()
    data: Plan = json.loads(json.dumps(found, ensure_ascii=False, allow_nan=False))
    return data


def planned_apart(workspace: str, config: Document, now: str, hash_seed: int) -> str:
    """The plan of a workspace on disk as another process prints it, its hashes seeded like this."""
    ran = subprocess.run(
        [sys.executable, "-c", _CHILD, workspace, json.dumps(config), str(wall(now))],
        env={**os.environ, "PYTHONHASHSEED": str(hash_seed)}, capture_output=True, text=True, check=True, timeout=300,
    )  # fmt: skip
    return ran.stdout
