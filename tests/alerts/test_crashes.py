"""Killed, or out of space, at every call that changes the file system: log and state are whole afterwards."""

import os
import shutil
import signal
from pathlib import Path

import pytest

from core.alerts.store import LOG, STATE, read_log
from tests.alerts.keeper import Keeper, told
from tests.record.crash import CALLS, FULL, KILL, Points, in_child, reached


def expected(tmp_path: Path) -> list[tuple[object, ...]]:
    """What is told when nothing goes wrong."""
    root = tmp_path / "whole"
    root.mkdir()
    Keeper(root).play()
    return told(list(read_log(str(root / ".bluetop"))))


def check(root: Path, whole: list[tuple[object, ...]]) -> None:
    found = list(read_log(str(root / ".bluetop")))
    assert told(found) == whole
    numbers = [row["n"] for row in found]
    assert numbers == sorted(set(numbers))


# The quick run dies at every fifth point, the long one at each.
@pytest.mark.parametrize(("most_bytes", "every"), [
    (1500, 5), pytest.param(1500, 1, marks=pytest.mark.long), pytest.param(10_000_000, 1, marks=pytest.mark.long),
])  # fmt: skip
def test_killed_at_every_write_the_next_one_goes_on_and_doubles_nothing(tmp_path, most_bytes, every):
    whole = expected(tmp_path)
    assert {row[2] for row in whole if len(row) == 3} == {"firing", "resolved", "repeat", "flapping"}
    at = 1
    while True:
        root = tmp_path / f"k{at}"
        root.mkdir()
        status = in_child(Points(at, KILL), lambda root=root: Keeper(root, most_bytes).play())
        Keeper(root, most_bytes).play()
        check(root, whole)
        shutil.rmtree(root)
        if os.WIFEXITED(status):
            break
        assert os.WTERMSIG(status) == signal.SIGKILL
        at += every
    fresh = tmp_path / "fresh"
    fresh.mkdir()
    names = reached(lambda: Keeper(fresh, most_bytes).play())
    assert {"write", "fsync", "replace", "create"} <= set(names) <= {*CALLS, "create"}
    assert len(names) < at <= len(names) + every
    assert len(names) > 60


def test_a_full_disk_is_told_and_loses_nothing_once_there_is_room(tmp_path):
    whole = expected(tmp_path)

    def play(root: Path) -> None:
        keeper = Keeper(root)
        for number in range(keeper.left, 29):
            try:
                keeper.step(number)
            except OSError:
                return  # what came of this step is tried again by a keeper that goes on from the state
        keeper.store.close()

    for at in range(4, 40, 3):
        root = tmp_path / f"f{at}"
        root.mkdir()
        in_child(Points(at, FULL), lambda root=root: play(root))
        Keeper(root).play()
        check(root, whole)


def test_a_corrupt_state_is_set_aside_and_reported(tmp_path):
    Keeper(tmp_path).play()
    folder = tmp_path / ".bluetop"
    for damage in (b"", b"{", b'{"schema": "other/1", "engine": {}}', b"[" * 100_000, b"\xff\xfe"):
        (folder / STATE).write_bytes(damage)
        keeper = Keeper(tmp_path)
        assert keeper.opened.state == ""
        assert keeper.opened.mode == "writing"
        assert "could not be used" in keeper.opened.problem
        (aside,) = folder.glob(f"{STATE}.corrupt-*")
        assert aside.read_bytes() == damage
        assert not (folder / STATE).exists()
        keeper.step(0)
        assert (folder / STATE).exists()
        keeper.store.close()
        aside.unlink()


def test_torn_and_foreign_lines_of_the_log_are_passed_over(tmp_path):
    Keeper(tmp_path).play()
    log = tmp_path / ".bluetop" / LOG
    before = list(read_log(str(log.parent)))
    with log.open("ab") as file:
        file.write(b'null\n[1]\nnot json\n{"what": "transition", "n": 3, "t"')
    keeper = Keeper(tmp_path)
    keeper.store.keep([{"what": "rules"}], "")
    keeper.store.close()
    after = list(read_log(str(log.parent)))
    assert after[:-1] == before
    assert after[-1] == {"n": before[-1]["n"] + 1, "what": "rules"}
