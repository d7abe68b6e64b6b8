"""Killed, or out of space, at every call that changes the file system: the next start makes it whole."""

import os
import shutil
import signal
from pathlib import Path

import pytest

from core.record import files
from tests.fakes import FakeClock
from tests.record.crash import (
    CALLS,
    FULL,
    KILL,
    STEP_S,
    Points,
    Step,
    in_child,
    play,
    progress,
    reached,
    turned,
)
from tests.record.instance import Instance, lines, put
from tests.record.scenes import chains

MOST_BYTES = 6500
WORDS = ("pending", "in_progress", "blocked", "in_progress", "ready_for_review", "completed")
JUNK = b"\x01 not JSON"


def script() -> list[Step]:
    """Two agents at work, one of which cannot be read at times; a third comes late."""
    steps: list[Step] = []
    for number, tasks in enumerate(turned(WORDS, 6)):
        other = {f"U-{task.removeprefix('T-')}": status for task, status in tasks.items()}
        step: dict[str, dict[str, str] | bytes] = {"CA": tasks, "CB": JUNK if number in (3, 4) else other}
        if number >= 5:
            step["CC"] = {"V-1": WORDS[number % len(WORDS)]}
        steps.append(step)
    return steps


SCRIPT = script()
BEFORE = {"CA": {"T-0": "assigned", "OLD-1": "completed"}, "CB": {"U-9": "blocked"}}


def prepared(root: Path) -> None:
    """A workspace with a record whose writer was killed in the middle of a line."""
    clock = FakeClock(wall=1_779_000_000.0)
    for agent, tasks in BEFORE.items():
        put(root, clock, agent, dict.fromkeys(tasks, "pending"))
    first = Instance(root, clock)
    first.begin()
    for agent, tasks in BEFORE.items():
        put(root, clock, agent, tasks)
    first.look()
    first.kill()
    with (root / ".bluetop" / files.JOURNAL).open("ab") as file:
        file.write(b'{"seen_at": "2026-0')


def go(root: Path, most_bytes: int = MOST_BYTES) -> None:
    """Take the script up where it was left, with a clock that is later than all before."""
    done, wall = progress(root)
    clock = FakeClock(wall=max(1_780_000_000.0, wall) + 3600.0)
    play(root, clock, SCRIPT, done, most_bytes)


def check(root: Path) -> None:
    """The chains go without a gap from the first state to the last, through states that there were."""
    found = chains(lines(root / ".bluetop"))
    for agent in ("CA", "CB", "CC"):
        story: dict[str, list[str | None]] = {task: ["pending"] for task in BEFORE.get(agent, {})}
        readable = [BEFORE.get(agent, {})] + [s.get(agent, {}) for s in SCRIPT if s.get(agent) != JUNK]
        for tasks in readable:
            assert not isinstance(tasks, bytes)
            for task in {*story, *tasks}:
                story.setdefault(task, [None]).append(tasks.get(task))
        for task, states in story.items():
            net = [s for number, s in enumerate(states) if number == 0 or s != states[number - 1]]
            chain = found.pop((agent, task), [states[0]])
            assert chain[0] == net[0], (agent, task, chain, net)
            assert chain[-1] == net[-1], (agent, task, chain, net)
            left = iter(net)
            assert all(any(state == other for other in left) for state in chain), (agent, task, chain, net)
    assert found == {}


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("template") / "workspace"
    prepared(root)
    return root


@pytest.fixture(scope="module")
def points(template: Path, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The names of all points, in the order in which an undisturbed run comes by them."""
    root = tmp_path_factory.mktemp("undisturbed") / "workspace"
    shutil.copytree(template, root)
    found = reached(lambda: go(root))
    check(root)
    assert (root / ".bluetop" / files.OLDER).exists()
    return found


def test_every_kind_of_call_is_a_point(points: list[str]) -> None:
    assert set(points) == {*CALLS, "create", "file write"}
    assert len(points) > 50


def test_killed_at_any_point_nothing_is_lost_doubled_or_invented(
    points: list[str], template: Path, tmp_path: Path
) -> None:
    for number in range(1, len(points) + 1):
        root = tmp_path / f"w{number}"
        shutil.copytree(template, root)
        status = in_child(Points(number, KILL), lambda root=root: go(root))  # type: ignore[misc]
        assert os.WIFSIGNALED(status), (number, points[number - 1])
        assert os.WTERMSIG(status) == signal.SIGKILL
        go(root)
        check(root)
        shutil.rmtree(root)


def test_killed_while_a_new_record_is_turned_over_for_the_first_time(template: Path, tmp_path: Path) -> None:
    fresh = tmp_path / "fresh"
    shutil.copytree(template, fresh, ignore=shutil.ignore_patterns(files.FOLDER))
    for number in range(1, 40):
        root = tmp_path / f"w{number}"
        shutil.copytree(fresh, root)
        in_child(Points(number, KILL), lambda root=root: go(root, 500))  # type: ignore[misc]
        before = lines(root / files.FOLDER, torn=True)
        go(root, 100_000)
        found = lines(root / files.FOLDER)
        chains(found)
        assert found[: len(before)] == before
        assert len(found) == len(set(found))
        shutil.rmtree(root)


@pytest.mark.parametrize(
    "more", [0, pytest.param(1, marks=pytest.mark.long), pytest.param(3, marks=pytest.mark.long), 40]
)
def test_out_of_space_at_any_point_nothing_is_lost_doubled_or_invented(
    points: list[str], template: Path, tmp_path: Path, more: int
) -> None:
    for number in range(1, len(points) + 1, 1 if more < 2 else 5):
        root = tmp_path / f"w{number}"
        shutil.copytree(template, root)
        status = in_child(Points(number, FULL, more), lambda root=root: go(root))  # type: ignore[misc]
        assert status == 0, (number, points[number - 1])
        clock = FakeClock(wall=progress(root)[1] + 3600.0)
        last = Instance(root, clock)
        last.begin()
        last.look(after_s=STEP_S)
        last.kill()
        check(root)
        shutil.rmtree(root)


@pytest.mark.long
def test_killed_twice(points: list[str], template: Path, tmp_path: Path) -> None:
    for first in range(1, len(points) + 1, 3):
        for second in range(1, 30, 2):
            root = tmp_path / f"w{first}-{second}"
            shutil.copytree(template, root)
            for number in (first, second):
                in_child(Points(number, KILL), lambda root=root: go(root))  # type: ignore[misc]
            go(root)
            check(root)
            shutil.rmtree(root)
