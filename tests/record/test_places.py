"""Where the record may be, and what is never touched."""

import errno
import os
import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from core.record import files, statesfile
from core.record.journal import KEEP_AGAIN_S
from core.record.keeper import RETRY_S
from tests.fakes import FakeClock
from tests.record.instance import Instance, lines, opened, put, tree
from tests.record.scenes import chains, change, short, statuses


def test_read_only_writes_nothing_at_all(root: Path, clock: FakeClock, tmp_path: Path) -> None:
    put(root, clock, "CA", {"T-1": "pending"})
    state = tmp_path / "state"
    state.mkdir()
    before = tree(tmp_path)
    reader = Instance(root, clock, write=False, state=state)
    told = reader.begin()
    assert told.record is not None
    assert told.record.mode == "memory"
    for _ in range(50):
        reader.look(after_s=RETRY_S)
    assert tree(tmp_path) == before
    writer = Instance(root, clock, state=state)
    writer.begin()
    put(root, clock, "CA", {"T-1": "blocked"})
    writer.look()
    writer.kill()
    with (root / ".bluetop" / files.JOURNAL).open("ab") as file:
        file.write(b'{"torn')
    before = tree(tmp_path)
    reader = Instance(root, clock, write=False, state=state)
    assert short(reader.begin().past) == ["CA T-1 pending>blocked"]
    for _ in range(50):
        reader.look(after_s=RETRY_S)
    assert tree(tmp_path) == before


def prepare(root: Path, tmp_path: Path, hindrance: str) -> None:
    """Put something into the way of the record in the workspace."""
    folder, elsewhere = root / ".bluetop", tmp_path / "elsewhere"
    elsewhere.mkdir()
    if hindrance == "link away":
        folder.symlink_to(elsewhere)
        return
    if hindrance == "link to nowhere":
        folder.symlink_to(tmp_path / "not-there")
        return
    if hindrance == "file":
        folder.write_text("mine")
        return
    folder.mkdir()
    name, kind = hindrance.split(" is ")
    path = folder / {"journal": files.JOURNAL, "lock": files.LOCK}[name]
    match kind:
        case "a link":
            (elsewhere / "target").write_text("precious")
            path.symlink_to(elsewhere / "target")
        case "a dangling link":
            path.symlink_to(elsewhere / "made")
        case "a hard link":
            (elsewhere / "target").write_text("precious")
            os.link(elsewhere / "target", path)
        case "a fifo":
            os.mkfifo(path)
        case "a folder":
            path.mkdir()


KINDS = ("a link", "a dangling link", "a hard link", "a fifo", "a folder")


@pytest.mark.parametrize(
    "hindrance",
    ["link away", "link to nowhere", "file"]
    + [f"{name} is {kind}" for name in ("journal", "lock") for kind in KINDS],
)
def test_what_is_in_the_way_is_left_alone_and_the_state_folder_is_used(
    root: Path, clock: FakeClock, tmp_path: Path, hindrance: str
) -> None:
    put(root, clock, "CA", {"T-1": "pending"})
    prepare(root, tmp_path, hindrance)
    before = tree(tmp_path / "elsewhere")
    inside = {
        name: facts for name, facts in tree(root).items() if ".bluetop" in name and files.LOCK not in name
    }
    first = Instance(root, clock, state=tmp_path / "state")
    told = first.begin()
    assert told.record is not None
    assert told.record.mode == "writing"
    assert told.record.path.startswith(str(tmp_path / "state"))
    assert "cannot be opened" in told.record.problem
    put(root, clock, "CA", {"T-1": "blocked"})
    first.look()
    (kept,) = (tmp_path / "state" / "workspaces").iterdir()
    assert short(lines(kept)) == ["CA T-1 pending>blocked"]
    assert tree(tmp_path / "elsewhere") == before
    assert not (tmp_path / "not-there").exists()
    left = tree(root)
    assert {name: left[name][:2] for name in inside} == {name: facts[:2] for name, facts in inside.items()}


def test_nothing_is_read_through_a_link_that_leads_away(root: Path, clock: FakeClock, tmp_path: Path) -> None:
    other = tmp_path / "other"
    put(other, clock, "CA", {"X-1": "pending"})
    Instance(other, clock).begin()
    put(root, clock, "CA", {"T-1": "pending"})
    (root / ".bluetop").symlink_to(other / ".bluetop")
    told = Instance(root, clock, write=False).begin()
    assert told.record is not None
    assert told.record.mode == "memory"
    assert told.caught_up == ()


@contextmanager
def file_size_limit(size: int) -> Iterator[None]:
    """No file of this process can grow beyond `size` bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


def test_a_write_that_is_cut_short_leaves_no_half_line(tmp_path: Path, clock: FakeClock) -> None:
    writer = opened(tmp_path, clock)
    writer.append([change(1)])
    size = (tmp_path / files.JOURNAL).stat().st_size
    with file_size_limit(size + 40), pytest.raises(OSError, match=os.strerror(errno.EFBIG)):
        writer.append([change(2), change(3)])
    assert (tmp_path / files.JOURNAL).stat().st_size == size
    writer.append([change(4)])
    assert [line.task for line in lines(tmp_path)] == ["T-1", "T-4"]
    writer.close()


def test_states_that_cannot_be_written_leave_the_old_ones(root: Path, clock: FakeClock) -> None:
    put(root, clock, "CA", {"T-1": "pending"})
    instance = Instance(root, clock)
    instance.begin()
    path = root / ".bluetop" / files.STATES
    before = path.read_bytes()
    put(root, clock, "CA", {f"T-{number}": "pending" for number in range(300)})
    instance.look(after_s=2 * KEEP_AGAIN_S)
    for _ in range(5):
        instance.look(after_s=KEEP_AGAIN_S)
    grown = path.read_bytes()
    assert grown != before
    put(root, clock, "CA", {"T-1": "blocked"})
    with file_size_limit(len(grown) // 4):
        told = instance.look(after_s=2 * KEEP_AGAIN_S)
        assert told.record is not None
        assert "written" in told.record.problem or "kept" in told.record.problem
    assert path.read_bytes() == grown
    assert [p.name for p in path.parent.iterdir() if p.name.endswith(".tmp")] == []
    for _ in range(3):
        told = instance.look(after_s=KEEP_AGAIN_S)
    assert statuses(statesfile.read(str(path)).states["CA"]) == {"T-1": "blocked"}
    chains(lines(root / ".bluetop"))


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may write everywhere")
def test_a_workspace_that_may_not_be_written_has_its_record_in_the_state_folder(
    root: Path, clock: FakeClock, tmp_path: Path
) -> None:
    put(root, clock, "CA", {"T-1": "pending"})
    root.chmod(0o555)
    try:
        told = Instance(root, clock, state=tmp_path / "state").begin()
    finally:
        root.chmod(0o755)
    assert told.record is not None
    assert told.record.path.startswith(str(tmp_path / "state"))
