"""Killed at any moment, collecting leaves files that are whole, and the next time makes up for it."""

import fcntl
import json
import os
import signal

import pytest

from core.agentmetrics.collect import Place, _locked, collect
from core.agentmetrics.store import LOCK, Store
from tests.agentmetrics.space import Space, entry, history, task

CALLS = ("write", "fsync", "replace", "mkdir", "fchmod", "open", "close", "unlink")


def workspace(root):
    space = Space(root)
    space.queue("CA", task("TASK-2", "in_progress"), done=[history(metrics={"actual_hours": 2})])
    space.queue("CB", task("TASK-3"))
    space.put("CA", entry(estimated_hours=4))
    return space


def killed_at(space, point):
    """Collect and report in a process group of its own that is killed at the given call; False: it was not."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.setsid()
            _arm(point)
            space.collect(report=True)
            status = 0
        finally:
            os._exit(status)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return os.WIFSIGNALED(status)


def _arm(point):
    """Count the calls that change something, in this process and its children alike, and die at one of them."""
    import mmap

    shared = mmap.mmap(-1, 8)

    def armed(name, call):
        def wrapper(*words, **more):
            if name != "open" or (len(words) > 1 and words[1] & os.O_CREAT):
                count = int.from_bytes(shared[:8], "little") + 1
                shared[:8] = count.to_bytes(8, "little")
                if count == point:
                    if name == "write":  # half of it has gone out
                        call(words[0], bytes(words[1])[: len(words[1]) // 2])
                    os.killpg(0, signal.SIGKILL)
                    signal.pause()
            return call(*words, **more)

        return wrapper

    for name in CALLS:
        setattr(os, name, armed(name, getattr(os, name)))


def contents(space):
    """Every file below .metrics/ but for the times and names that differ from one run to the next."""
    found = {}
    for path in sorted((space.root / ".metrics").rglob("*.json")):
        name = "report" if path.name.startswith("performance_report") else path.name
        found[name] = json.loads(path.read_text())
    return found


@pytest.mark.long
def test_killed_at_every_write_sync_and_rename_files_stay_whole_and_nothing_is_lost(tmp_path):
    whole = workspace(tmp_path / "whole")
    before = contents(whole)
    whole.collect(report=True)
    expected = contents(whole)
    point = 1
    while True:
        space = workspace(tmp_path / str(point))
        died = killed_at(space, point)
        for name, document in contents(space).items():  # each parses
            assert document in (before.get(name), expected[name]), (point, name)
        if not died:
            break
        space.collect(report=True)
        assert contents(space) == expected, point
        assert not list((space.root / ".metrics").rglob("*.tmp")), point
        point += 1
    assert point > 30


@pytest.mark.parametrize("collectors", [4])
def test_collecting_at_the_same_time_loses_nothing(tmp_path, collectors):
    space = Space(tmp_path)
    ids = [f"TASK-{n}" for n in range(60)]
    children = []
    for number in range(collectors):
        child = os.fork()
        if child == 0:
            status = 1
            try:
                for step in range(15):
                    mine = ids[number * 15 + step]
                    space.queue(f"A{number}", task(mine))
                    collect(Place(str(space.root)), save=True, report=step % 5 == 0)
                status = 0
            finally:
                os._exit(status)
        children.append(child)
    assert [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children] == [0] * collectors
    found = space.collect()
    assert found.complete
    kept = [row["task_id"] for n in range(collectors) for row in space.metrics(f"A{n}")["metrics"]]
    assert sorted(kept) == sorted(ids)
    assert found.overall.measures().total_tasks == 60
    reports = list((space.root / ".metrics/reports").iterdir())
    assert len(reports) == 3 * collectors + 1
    assert all(json.loads(path.read_text())["overall"] for path in reports)


def test_queue_files_are_read_under_the_lock_so_that_no_older_look_overwrites_a_newer_one(
    tmp_path, monkeypatch
):
    space = Space(tmp_path)
    space.queue("CA", task())
    opened = os.open

    def looking(path, *words, **more):
        if os.fsdecode(path).endswith("outbox.json"):
            lock = opened(space.root / ".metrics" / LOCK, os.O_RDWR)
            with pytest.raises(BlockingIOError):
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.close(lock)
        return opened(path, *words, **more)

    monkeypatch.setattr(os, "open", looking)
    found = space.collect()
    assert (found.complete, found.written) == (True, 1)


def test_the_lock_ends_with_whoever_wanted_it(tmp_path):
    space = Space(tmp_path)
    ready, told = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            with _locked(Place(str(space.root))):
                os.write(told, b"1")
                signal.pause()
        finally:
            os._exit(1)
    assert os.read(ready, 1) == b"1"
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    store = Store(str(space.root), 10**6)
    store.open(make=False)
    store.lock(deadline_s=20)  # not at once: the keeper notices that the other end of its pipe is closed
    store.close()
