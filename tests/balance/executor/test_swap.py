"""Replacing a file while others write it at the worst moment: nothing of theirs is lost, or it is kept and said."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from core.balance import swap
from core.balance.apply import apply_plan
from core.balance.recover import unfinished
from core.balance.strict import Queue, parse, read_regular
from tests.balance.executor.scene import BY, census, ids, leftovers, load, no_wait, plan_for, snapshot

PLAN = "a1b2c3d4e5f60718"


class Between:
    """Does something at chosen swaps: just before names are changed, just after, or once the old file is unlinked."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.before: dict[int, Callable[[], None]] = {}
        self.after: dict[int, Callable[[], None]] = {}
        self.count = 0
        self.unlinked: list[Callable[[], None]] = []
        self._call, self._unlink = swap.exchange, os.unlink
        monkeypatch.setattr(os, "unlink", self._unlinked)
        monkeypatch.setattr(swap, "exchange", self._exchange)

    def _exchange(self, one: str, other: str) -> bool:
        self.count += 1
        self.before.get(self.count, lambda: None)()
        done = self._call(one, other)
        self.after.get(self.count, lambda: None)()
        return done

    def _unlinked(self, path: object) -> None:
        self._unlink(path)
        if self.unlinked:
            self.unlinked.pop(0)()


@pytest.fixture
def between(monkeypatch):
    return Between(monkeypatch)


def count_up(path: Path, *, atomic: bool, name: str = "n") -> None:
    """What another writer does: one more, in place or by renaming."""
    document = json.loads(path.read_bytes())
    document[name] = document.get(name, 0) + 1
    text = json.dumps(document, indent=2, ensure_ascii=False)
    if atomic:
        made = path.with_suffix(".new")
        made.write_text(text)
        os.replace(made, path)
    else:
        path.write_text(text)


def run(root, clock, **more):
    more.setdefault("wait", no_wait)
    return apply_plan(str(root), plan_for(root, [("T-1", "CA", "CB")]), BY, clock, **more)


@pytest.mark.parametrize("atomic", [True, False])
@pytest.mark.parametrize(("agent", "at"), [("CB", 1), ("CA", 2)])
def test_a_write_in_the_last_moment_is_kept_and_the_move_made_on_top(root, clock, between, agent, at, atomic):
    path = root / "postbox" / agent / "outbox.json"
    between.before[at] = lambda: count_up(path, atomic=atomic)
    assert run(root, clock).state == "complete"
    assert load(root, agent)["n"] == 1
    assert (ids(root, "CA"), ids(root, "CB")) == (["T-2", "T-3"], ["T-1", "B-1"])
    assert leftovers(root) == []


def test_two_writes_within_that_moment_lose_none_unnoticed(root, clock, between):
    path = root / "postbox/CB/outbox.json"
    between.before[1] = lambda: count_up(path, atomic=True, name="first")
    between.after[1] = lambda: count_up(path, atomic=True, name="second")
    result = run(root, clock)
    assert result.applied == (1,)
    assert load(root, "CB")["second"] == 1
    assert census(root)["T-1"] == 1
    assert [row.code for row in result.recovered] == ["lost"]
    (kept,) = (root / ".bluetop/lost").iterdir()
    assert json.loads(kept.read_bytes())["first"] == 1


def test_one_who_writes_at_every_swap_doubles_nothing(root, clock, between):
    """What it read while ours stood there it writes back: the task got to CB by another's hand."""
    path = root / "postbox/CB/outbox.json"
    for at in range(1, 2000):
        between.before[at] = lambda: count_up(path, atomic=True)
    result = run(root, clock)
    assert result.applied == (1,)
    assert {row.code for row in result.recovered} == {"lost"}
    assert len(list((root / ".bluetop/lost").iterdir())) == len(result.recovered)
    assert census(root)["T-1"] == 1
    assert (leftovers(root), unfinished(str(root))) == ([], ())


@pytest.mark.parametrize(("agent", "at"), [("CB", 1), ("CA", 2)])
def test_a_write_in_place_into_the_file_that_was_swapped_out_is_carried_over(root, clock, between, agent, at):
    path = root / "postbox" / agent / "outbox.json"
    fd = os.open(path, os.O_RDWR)
    document = {**load(root, agent), "n": 7}

    def write() -> None:
        os.pwrite(fd, json.dumps(document, indent=2).encode().ljust(os.fstat(fd).st_size), 0)

    between.unlinked = [lambda: None] * (at - 1) + [write]
    result = run(root, clock)
    os.close(fd)
    assert (result.state, [row.code for row in result.recovered]) == ("complete", ["merged"])
    assert load(root, agent)["n"] == 7
    assert (ids(root, "CA"), ids(root, "CB")) == (["T-2", "T-3"], ["T-1", "B-1"])


def test_a_task_that_was_started_in_place_at_that_moment_is_not_moved(root, clock, between):
    path = root / "postbox/CA/outbox.json"
    fd = os.open(path, os.O_RDWR)
    document = load(root, "CA")
    document["tasks"][0]["status"] = "in_progress"
    between.unlinked = [lambda: None, lambda: os.pwrite(fd, json.dumps(document, indent=4).encode(), 0)]
    result = run(root, clock)
    os.close(fd)
    assert [(row.code, row.seq) for row in result.skipped] == [("stale_changed", 1)]
    assert (ids(root, "CA"), ids(root, "CB")) == (["T-1", "T-2", "T-3"], ["B-1"])
    assert load(root, "CA")["tasks"][0]["status"] == "in_progress"


def test_a_late_write_into_a_swapped_out_file_is_kept_aside_and_told(root, clock):
    fd = os.open(root / "postbox/CB/outbox.json", os.O_RDWR)
    late = json.dumps({**load(root, "CB"), "n": 7}, indent=4).encode()

    def wait(seconds: float) -> None:
        if seconds == 2.0:
            os.pwrite(fd, late, 0)

    result = run(root, clock, settle_s=2.0, wait=wait)
    os.close(fd)
    assert (result.state, [row.code for row in result.recovered]) == ("complete", ["lost"])
    (kept,) = (root / ".bluetop/lost").iterdir()
    assert kept.read_bytes() == late
    assert kept.name in result.recovered[0].detail


def test_where_names_cannot_be_swapped_files_are_compared_and_renamed(root, clock, monkeypatch):
    monkeypatch.setattr(swap, "_renameat2", lambda: None)
    before = census(root)
    assert run(root, clock).state == "complete"
    assert (census(root), leftovers(root)) == (before, [])


def test_a_lock_that_was_taken_from_us_stops_the_write(root, clock, between):
    """Another tool removes the lock file between the two writes: it is taken anew, and the move brought to its end."""
    lock = root / "postbox/CA/.outbox.json.lock"
    between.after[1] = lock.unlink
    assert run(root, clock).state == "complete"
    assert census(root)["T-1"] == 1


def test_a_lock_file_that_is_removed_before_the_write_is_told(root, clock, monkeypatch):
    """Somebody else could hold a new one by then: nothing is written."""
    call, done = os.pread, []

    def pread(fd: int, size: int, at: int) -> bytes:
        if not done and os.path.samestat(os.fstat(fd), (root / "postbox/CB/outbox.json").stat()):
            done.append((root / "postbox/CB/.outbox.json.lock").unlink())
        return call(fd, size, at)

    monkeypatch.setattr(os, "pread", pread)
    files = snapshot(root)
    assert [row.code for row in run(root, clock).skipped] == ["locked"]
    assert (snapshot(root), leftovers(root)) == (files, [])


def queue_at(path: Path) -> Queue:
    data, status = read_regular(str(path))
    return Queue("CB", str(path), data, parse(data), status)


def test_a_file_that_is_not_what_was_read_is_left_alone(root):
    path = root / "postbox/CB/outbox.json"
    queue = queue_at(path)
    for act in (lambda: path.write_text("x"), path.unlink, lambda: path.symlink_to("../CA/outbox.json")):
        act()
        files = snapshot(root)
        made = swap.temporary(queue, b"new", PLAN)
        assert swap.commit(made, queue, b"new", str(path), lambda: True, lambda data: None) == (None, False)
        assert (snapshot(root), leftovers(root)) == (files, [])


def test_only_our_own_temporary_files_are_known_as_ours():
    ours = frozenset((PLAN,))
    assert swap.is_ours(f".outbox.json.bluetop-{PLAN}-12ab34cd.tmp", ours)
    for name in (
        ".outbox.json.bluetop-x-1.tmp",
        "outbox.json.tmp",
        f".outbox.json.bluetop-{PLAN}-1.json",
        "outbox.json",
    ):
        assert not swap.is_ours(name, ours)
