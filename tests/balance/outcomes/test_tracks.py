"""What the record says of tasks: their steps, and when somebody looked."""

from pathlib import Path

import pytest

from core.balance.tracks import Step, read_tracks, tracks_of
from core.record import files
from tests.fakes import FakeClock
from tests.record.instance import Instance, put


def nothing(path: str) -> None:
    """For what is called while the record is read."""


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "postbox").mkdir()
    return tmp_path


def test_steps_are_read_by_task_and_by_agent(root: Path, clock: FakeClock) -> None:
    put(root, clock, "CA", {"T-1": "pending", "T-2": "pending"})
    put(root, clock, "CB", {})
    first = Instance(root, clock)
    first.begin()
    put(root, clock, "CA", {"T-1": "in_progress", "T-2": "pending"})
    first.look()
    since = clock.wall() + 0.5
    put(root, clock, "CA", {"T-1": "completed"})
    put(root, clock, "CB", {"T-2": "pending"})
    first.look()
    tracks = read_tracks([str(root / ".bluetop")], since, nothing)
    at = clock.wall()
    assert tracks.steps == {
        "T-1": [Step(at, "CA", "in_progress", "completed")],
        "T-2": [Step(at, "CA", "pending", None), Step(at, "CB", None, "pending")],
    }
    assert tracks.at_agent["CB"] == {"T-2": [Step(at, "CB", None, "pending")]}
    assert len(read_tracks([str(root / ".bluetop")], 0.0, nothing).steps["T-1"]) == 2


def test_the_first_folder_that_has_a_record_is_read(root: Path, clock: FakeClock, tmp_path: Path) -> None:
    put(root, clock, "CA", {"T-1": "pending"})
    first = Instance(root, clock)
    first.begin()
    put(root, clock, "CA", {"T-1": "completed"})
    first.look()
    (tmp_path / "empty").mkdir()
    folders = [str(tmp_path / "not there"), str(tmp_path / "empty"), str(root / ".bluetop")]
    assert set(read_tracks(folders, 0.0, nothing).steps) == {"T-1"}
    assert read_tracks(folders[:2], 0.0, nothing).watched == ()


def test_the_watch_goes_up_to_the_last_look_and_shows_its_gaps(root: Path, clock: FakeClock) -> None:
    put(root, clock, "CA", {"T-1": "pending"})
    first = Instance(root, clock)
    first.begin()
    begun = clock.wall()
    for _ in range(40):
        first.look(after_s=15.0)
    left = clock.wall()
    first.kill()
    clock.advance(5000.0)
    second = Instance(root, clock)
    second.begin()
    again = clock.wall()
    for _ in range(40):
        second.look(after_s=15.0)
    tracks = read_tracks([str(root / ".bluetop")], 0.0, nothing)
    assert len(tracks.watched) == 2
    assert tracks.knew(begun)
    assert not tracks.knew(begun - 60.0)
    assert tracks.gap_before(begun + 100.0) == 0.0
    gap = tracks.gap_before(again)
    assert gap is not None
    assert abs(gap - (again - left)) < 20.0
    assert tracks.gap_before(again + 100.0) == 0.0
    assert tracks.gap_before(clock.wall()) == 0.0
    assert tracks.gap_before(left + 1000.0) is None
    assert tracks.gap_before(clock.wall() + 1000.0) is None


def test_a_broken_states_file_means_that_nobody_is_known_to_have_looked(root: Path, clock: FakeClock) -> None:
    put(root, clock, "CA", {"T-1": "pending"})
    Instance(root, clock).begin()
    (root / ".bluetop" / files.STATES).write_text("{")
    assert read_tracks([str(root / ".bluetop")], 0.0, nothing).watched == ()


def test_without_spans_nobody_looked() -> None:
    tracks = tracks_of({}, ())
    assert tracks.gap_before(5.0) is None
    assert not tracks.knew(5.0)
