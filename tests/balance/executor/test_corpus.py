"""Every real workspace there is: only standard files are touched, and of those only what moves.

Needs BLUETOP_CORPUS: the folder postbox-corpus.
"""

import json
import os
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from core.balance.apply import apply_plan
from core.balance.plan import Move
from core.balance.receipts import verify
from core.balance.strict import fingerprint
from core.balance.undo import undo_plan
from core.record.files import stamp
from tests.balance.executor.scene import BY, census, leftovers, move, no_wait, plan_for, snapshot
from tests.fakes import FakeClock

CORPUS = os.environ.get("BLUETOP_CORPUS", "")
SNAPSHOTS = sorted(path.name for path in Path(CORPUS, "snapshots").iterdir()) if CORPUS else []
STATUS = re.compile(r'"status":\s*"(in_progress|ready_for_review|pending)"')
UPDATED = re.compile(rb'("last_updated":\s*)"[^"]*"')

pytestmark = pytest.mark.skipif(not CORPUS, reason="BLUETOP_CORPUS is not set")


@pytest.fixture(params=[*SNAPSHOTS, pytest.param("loose", marks=pytest.mark.long)])
def workspace(request, tmp_path) -> Path:
    """A copy of a snapshot, or all loose queue files as one workspace; what was worked on is pending again."""
    root: Path = tmp_path / "workspace"
    if request.param == "loose":
        for number, path in enumerate(sorted(Path(CORPUS, "loose").glob("*/*__postbox_*_outbox.json"))):
            folder = root / "postbox" / f"A{number:02}"
            folder.mkdir(parents=True)
            shutil.copy(path, folder / "outbox.json")
    else:
        shutil.copytree(Path(CORPUS, "snapshots", request.param), root)
    for path in root.glob("postbox/*/outbox.json"):
        path.chmod(0o644)
        path.parent.chmod(0o755)
        if standard(path) and standard(path)["tasks"]:
            text = path.read_text()
            at = text.index('"tasks"')
            path.write_text(text[:at] + STATUS.sub('"status": "pending"', text[at:], count=1))
    return root


def standard(path: Path) -> dict[str, Any]:
    """The object of a standard queue file, as another reader sees it; {} for everything else."""
    try:
        found = json.loads(path.read_bytes())
    except ValueError:
        return {}
    return found if isinstance(found, dict) and isinstance(found.get("tasks"), list) else {}


def alike(one: str, other: str) -> int:
    """How many characters two texts begin with alike."""
    pairs = zip(one, other, strict=False)
    return next((at for at, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))


def changed(old: bytes, new: bytes) -> tuple[str, str]:
    """What is different between two texts, apart from the time of the last update."""
    one, other = (UPDATED.sub(rb'\1""', data).decode() for data in (old, new))
    assert one != other
    begin = alike(one, other)
    shorter = min(len(one), len(other)) - begin
    end = alike(one[::-1][:shorter], other[::-1][:shorter])
    return one[begin : len(one) - end], other[begin : len(other) - end]


def is_nothing(text: str) -> bool:
    return not text.strip(" \t\r\n,[]{}")


def test_only_the_move_is_different_and_an_undo_gives_the_former_bytes(workspace):
    folders = {path.parent.name: standard(path) for path in workspace.glob("postbox/*/outbox.json")}
    good = sorted(name for name, document in folders.items() if document)
    clock = FakeClock()
    once = {name for name, count in census(workspace).items() if count == 1}
    number = 0
    for giver in good:
        rows = [
            row for row in folders[giver]["tasks"] if row["status"] == "pending" and row["task_id"] in once
        ]
        for taker in good:
            done = {row.get("task_id") for row in folders[taker].get("history", []) if isinstance(row, dict)}
            is_open = not str(folders[taker].get("status", "")).upper().startswith("DECOMM")
            if taker == giver or not is_open or not rows or rows[0]["task_id"] in done:
                continue
            number += 1
            clock.advance(10)
            one_move(workspace, clock, rows[0], giver, taker, f"{number:016x}")
    if any(folders[name]["tasks"] for name in good) and len(good) > 1:
        assert number > 0


def one_move(root: Path, clock: FakeClock, row: dict[str, Any], giver: str, taker: str, plan_id: str) -> None:
    before, tasks = snapshot(root), census(root)
    plan = plan_for(root, [(row["task_id"], giver, taker)], plan_id)
    assert apply_plan(str(root), plan, BY, clock, wait=no_wait).state == "complete"
    after = snapshot(root)
    source, receiver = f"postbox/{giver}/outbox.json", f"postbox/{taker}/outbox.json"
    assert {name for name in after if after[name] != before[name]} == {source, receiver}
    gone, left = changed(before[source], after[source])
    assert row["description"][:40] in gone
    assert is_nothing(left)
    stood, came = changed(before[receiver], after[receiver])
    assert is_nothing(stood)
    assert row["description"][:40] in came
    for name in (source, receiver):
        old, new = json.loads(before[name]), json.loads(after[name])
        assert list(old) == list(new)
        for key in old:
            if key == "tasks":
                assert [one for one in old[key] if one != row] == [
                    one for one in new[key] if one["task_id"] != row["task_id"]
                ]
            elif key == "metadata":
                assert {**old[key], "last_updated": 0} == {**new[key], "last_updated": 0}
            else:
                assert old[key] == new[key]
    (moved,) = [one for one in json.loads(after[receiver])["tasks"] if one["task_id"] == row["task_id"]]
    assert moved.pop("bluetop") == {
        "moved_at": f"{stamp(clock.wall())[:19]}Z", "origin": giver, "plan_id": plan_id,
    }  # fmt: skip
    assert moved == row
    assert census(root) == tasks
    assert verify(str(root), plan_id).ok
    assert undo_plan(str(root), plan_id, BY, clock, wait=no_wait).state == "complete"
    for name, data in snapshot(root).items():
        assert UPDATED.sub(rb"\1", data) == UPDATED.sub(rb"\1", before[name])
    assert leftovers(root) == []


def test_files_that_are_not_standard_are_never_written(workspace):
    folders = {path.parent.name: standard(path) for path in workspace.glob("postbox/*/outbox.json")}
    bad = sorted(name for name, document in folders.items() if not document)
    good = sorted(name for name, document in folders.items() if document)
    moves: list[Move] = []
    for name in bad:
        others = [other for other in (*good, *bad) if other != name][:2]
        for other in others:
            moves.append(move(len(moves) + 1, f"T-{len(moves)}", name, other, {}))
        for other in good[:1]:
            row = folders[other]["tasks"][0] if folders[other]["tasks"] else {"task_id": "T-x"}
            made = move(len(moves) + 1, f"{row['task_id']}", other, name, row)
            moves.append(made._replace(fingerprint=fingerprint(row)))
    before = snapshot(workspace)
    plan = plan_for(workspace, [])._replace(moves=tuple(moves))
    result = apply_plan(str(workspace), plan, BY, FakeClock(), wait=no_wait)
    assert result.applied == ()
    assert {row.code for row in result.skipped} <= {"unreadable"}
    assert len(result.skipped) == len(moves)
    assert snapshot(workspace) == before
