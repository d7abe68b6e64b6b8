"""A full disk at any moment, folders and files that may not be written: a clear result, and nothing lost."""

import json
import os
import shutil
import traceback
from collections.abc import Callable
from pathlib import Path

import pytest

from core.balance.apply import apply_plan
from core.balance.doing import Result
from core.balance.recover import recover, unfinished
from core.balance.undo import undo_plan
from core.control import ChangeFailed
from tests.balance.executor.crash import MorePoints, every, reached
from tests.balance.executor.scene import (
    BY,
    census,
    leftovers,
    no_wait,
    plan_for,
    put,
    queue,
    snapshot,
    task,
)
from tests.fakes import FakeClock
from tests.record.crash import FULL, in_child

PLAN = "a1b2c3d4e5f60718"
NOBODY = 65534


def build(root: Path) -> Path:
    root.mkdir()
    put(root, "CA", queue("CA", task("T-1", "HIGH"), task("T-2")))
    put(root, "CB", queue("CB", task("B-1")))
    put(root, "CC", queue("CC"))
    return root


def applied(root: Path) -> Result:
    plan = plan_for(root, [("T-1", "CA", "CB"), ("T-2", "CA", "CC")])
    return apply_plan(str(root), plan, BY, FakeClock(), wait=no_wait)


def said(root: Path, work: Callable[[], Result]) -> None:
    """Do it, and keep what was said where the parent finds it: no other error may come out."""
    try:
        result = work()
        text = json.dumps(result.data())
    except ChangeFailed as error:
        text = json.dumps({"state": "failed", "text": str(error)})
    (root / "said").write_text(text)


@pytest.mark.parametrize("more", [0, 10**6])
@pytest.mark.parametrize("step", [9, pytest.param(1, marks=[pytest.mark.long, pytest.mark.timeout(600)])])
def test_a_disk_that_is_full_at_any_point_is_told_and_loses_nothing(tmp_path, step, more):
    """`more` 0: one call fails; else all from there on do, but for those of a restart."""
    fresh = build(tmp_path / "fresh")
    names = reached(lambda: applied(fresh))
    states = set()
    for at in every(len(names), step):
        root = build(tmp_path / f"f{at}")
        before = census(root)
        assert in_child(MorePoints(at, FULL, more), lambda root=root: said(root, lambda: applied(root))) == 0
        told = json.loads((root / "said").read_text())
        states.add(told["state"])
        assert all(count in (1, 2) for count in census(root).values())
        if told["state"] == "failed":
            assert told["text"].startswith("nothing was changed")
            assert unfinished(str(root)) == () or census(root) == before
        for task_id in {"T-1", "T-2"} if told["state"] == "complete" else ():
            assert f'"{task_id}"' not in (root / "postbox/CA/outbox.json").read_text()
        recover(str(root), BY, FakeClock(), wait=no_wait)
        assert census(root) == before
        assert unfinished(str(root)) == ()
        if more == 0:
            assert leftovers(root) == []
        shutil.rmtree(root)
    assert states >= {"failed", "partial"}


def as_nobody(root: Path, work: Callable[[], Result]) -> dict[str, object]:
    """What comes of it for a user who is neither the owner nor root."""
    pid = os.fork()
    if not pid:
        status = 70
        try:
            if os.geteuid() == 0:
                os.setgid(NOBODY)
                os.setuid(NOBODY)
            said(root, work)
            status = 0
        except BaseException:  # noqa: BLE001 - nothing of the child may go on in the test's place
            traceback.print_exc()
        finally:
            os._exit(status)
    assert os.waitpid(pid, 0)[1] == 0
    found: dict[str, object] = json.loads((root / "said").read_text())
    return found


@pytest.fixture
def space(tmp_path):
    """A workspace that everybody may write, below folders that everybody may enter."""
    root = build(tmp_path / "space")
    for path in (root, *root.rglob("*")):
        path.chmod(0o777 if path.is_dir() else 0o666)
        if os.geteuid() == 0:
            os.chown(path, NOBODY, NOBODY)
    above = root.parent
    while above != above.parent and above.stat().st_uid == os.geteuid() and len(above.parts) > 2:
        above.chmod(above.stat().st_mode | 0o755)
        above = above.parent
    (root / "said").touch()
    (root / "said").chmod(0o666)
    return root


def test_a_workspace_that_may_be_written_by_a_plain_user(space):
    assert as_nobody(space, lambda: applied(space))["state"] == "complete"


def test_a_read_only_workspace_is_not_begun_with(space):
    space.chmod(0o555)
    files = snapshot(space)
    told = as_nobody(space, lambda: applied(space))
    assert told["state"] == "failed"
    assert "Permission denied" in str(told["text"])
    assert snapshot(space) == files


def test_a_journal_folder_that_may_not_be_written_stops_everything(space):
    (space / ".bluetop" / "journal").mkdir(parents=True)
    (space / ".bluetop").chmod(0o777)
    (space / ".bluetop" / "journal").chmod(0o555)
    files = snapshot(space)
    assert as_nobody(space, lambda: applied(space))["state"] == "failed"
    assert snapshot(space) == files


@pytest.mark.parametrize("agent", ["CA", "CB"])
def test_an_agents_folder_that_may_not_be_written_stops_its_moves_only(space, agent):
    (space / "postbox" / agent).chmod(0o555)
    before = census(space)
    told = as_nobody(space, lambda: applied(space))
    assert [row["code"] for row in told["skipped"]][:1] == ["locked"]
    assert told["applied"] == ([] if agent == "CA" else [2])
    assert census(space) == before


def test_a_folder_that_has_its_lock_file_already_but_takes_no_other(space):
    lock = space / "postbox/CB/.outbox.json.lock"
    lock.touch()
    lock.chmod(0o666)
    (space / "postbox/CB").chmod(0o555)
    before = census(space)
    told = as_nobody(space, lambda: applied(space))
    assert [row["code"] for row in told["skipped"]] == ["unwritable"]
    assert (told["applied"], census(space)) == ([2], before)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make files of another user")
def test_a_file_that_would_change_its_owner_is_left_alone(space):
    os.chown(space / "postbox/CB/outbox.json", 1234, 1234)
    before = census(space)
    told = as_nobody(space, lambda: applied(space))
    assert [row["code"] for row in told["skipped"]] == ["unwritable"]
    assert "1234" in told["skipped"][0]["detail"]
    assert census(space) == before
    assert leftovers(space) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="root reads everything")
def test_a_file_that_may_not_be_read_is_skipped(space):
    path = space / "postbox/CB/outbox.json"
    plan = plan_for(space, [("T-1", "CA", "CB")])
    os.chown(path, 0, 0)
    path.chmod(0o600)
    told = as_nobody(space, lambda: apply_plan(str(space), plan, BY, FakeClock(), wait=no_wait))
    assert [row["code"] for row in told["skipped"]] == ["unreadable"]


def test_undoing_in_a_workspace_that_became_read_only_says_so(space):
    as_nobody(space, lambda: applied(space))
    (space / ".bluetop").chmod(0o555)
    (space / ".bluetop/journal").chmod(0o555)
    files = snapshot(space)
    told = as_nobody(space, lambda: undo_plan(str(space), PLAN, BY, FakeClock(), wait=no_wait))
    assert told["state"] == "failed"
    assert snapshot(space) == files
