"""The record on real files: kept, turned over, torn, copied, shared."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from core.record import files, journal, statesfile
from core.record.journal import KEEP_AGAIN_S, KEEP_S, RECENT_BYTES, Journal
from core.record.keeper import HEARTBEAT_S, RETRY_S
from tests.fakes import FakeClock
from tests.record.instance import Instance, lines, opened, put, tree
from tests.record.scenes import chains, change, no_beat, short, statuses

# -- kept and taken up again ----------------------------------------------------------------------------


def test_the_record_goes_on_after_a_restart(root: Path, clock: FakeClock) -> None:
    put(root, clock, "CA", {"T-1": "pending"})
    first = Instance(root, clock)
    first.begin()
    put(root, clock, "CA", {"T-1": "in_progress"})
    first.look()
    first.kill()
    clock.advance(500)
    put(root, clock, "CA", {"T-1": "completed"})
    told = Instance(root, clock).begin()
    assert short(told.past) == ["CA T-1 pending>in_progress"]
    assert short(told.caught_up) == ["CA T-1 in_progress>completed"]
    assert chains(lines(root / ".bluetop")) == {("CA", "T-1"): ["pending", "in_progress", "completed"]}


def test_what_lies_there_is_what_is_documented(root: Path, clock: FakeClock) -> None:
    put(root, clock, "CA", {"T-1": "pending"})
    Instance(root, clock).begin()
    names = {path.name for path in (root / ".bluetop").iterdir()}
    assert names == {files.JOURNAL, files.STATES, files.LOCK, ".gitignore"}
    assert (root / ".bluetop" / ".gitignore").read_text() == "*\n"
    assert {path.name for path in root.iterdir()} == {"postbox", ".bluetop"}


def test_the_states_are_kept_now_and_then_and_the_rest_is_in_the_lines(root: Path, clock: FakeClock) -> None:
    put(root, clock, "CA", {"T-1": "pending"})
    first = Instance(root, clock)
    first.begin()
    path = root / ".bluetop" / files.STATES
    before = path.stat().st_ino
    put(root, clock, "CA", {"T-1": "blocked"})
    for _ in range(3):
        first.look(after_s=KEEP_S - 1)
    assert path.stat().st_ino == before
    for _ in range(8):
        first.look(after_s=KEEP_S - 1)
    assert path.stat().st_ino != before
    assert statuses(statesfile.read(str(path)).states["CA"]) == {"T-1": "blocked"}


def test_what_no_line_says_is_kept_soon(root: Path, clock: FakeClock) -> None:
    put(root, clock, "CA", b"\x01 not yet")
    first = Instance(root, clock)
    first.begin()
    put(root, clock, "CA", {"T-1": "pending"})
    first.look()
    for _ in range(12):
        first.look()
    first.kill()
    put(root, clock, "CA", {"T-1": "blocked", "T-2": "pending"})
    told = Instance(root, clock).begin()
    assert short(told.caught_up) == ["CA T-1 pending>blocked", "CA T-2 >pending"]


def test_a_look_leaves_its_time_on_the_lock(root: Path, clock: FakeClock) -> None:
    put(root, clock, "CA", {})
    first = Instance(root, clock)
    first.begin()
    begun = clock.wall()
    for _ in range(40):
        first.look()
    first.kill()
    clock.advance(1000)
    told = Instance(root, clock).begin()
    assert told.record is not None
    (begin, end), (again, now) = told.record.watched
    assert begin == pytest.approx(begun)
    assert 40 - HEARTBEAT_S <= end - begun <= 40
    assert again == now == pytest.approx(clock.wall())


def test_the_time_on_a_lock_is_never_taken_for_later_than_now(root: Path, clock: FakeClock) -> None:
    put(root, clock, "CA", {})
    Instance(root, clock).begin()
    os.utime(root / ".bluetop" / files.LOCK, (4e9, 4e9))
    found = Journal(str(root / ".bluetop"), clock, write=False, within=str(root)).load(no_beat)
    assert found.watched[-1][1] == clock.wall()


def test_of_a_long_journal_the_end_is_read_and_from_when_is_said(tmp_path: Path, clock: FakeClock) -> None:
    writer = opened(tmp_path, clock)
    writer.append(change(number) for number in range(25_000))
    writer.close()
    size = (tmp_path / files.JOURNAL).stat().st_size
    assert size > RECENT_BYTES
    found = Journal(str(tmp_path), clock, write=False, within=None).load(no_beat)
    assert found.recent[-1] == change(24_999)
    assert 10_000 < len(found.recent) < 25_000
    assert found.recent_from == found.recent[0].seen_at
    assert len(statuses(found.states["CA"])) == 25_000  # but every line is applied


# -- a torn end -------------------------------------------------------------------------------------------


def test_a_last_line_torn_at_any_byte_is_dropped_and_found_again(root: Path, clock: FakeClock) -> None:
    put(root, clock, "CA", {"T-1": "pending"})
    first = Instance(root, clock)
    first.begin()
    for status in ("blocked", "failed"):
        put(root, clock, "CA", {"T-1": status})
        first.look()
    first.kill()
    folder = root / ".bluetop"
    whole = (folder / files.JOURNAL).read_bytes()
    last = whole.rindex(b"\n", 0, -1) + 1
    kept = (folder / files.STATES).read_bytes()
    for length in range(last, len(whole)):
        (folder / files.JOURNAL).write_bytes(whole[:length])
        (folder / files.STATES).write_bytes(kept)
        reader = Instance(root, clock, write=False)
        assert short(reader.begin().caught_up) == ["CA T-1 blocked>failed"]
        assert (folder / files.JOURNAL).stat().st_size == length  # who only reads cuts nothing off
        again = Instance(root, clock)
        assert short(again.begin().caught_up) == ["CA T-1 blocked>failed"]
        again.kill()
        assert chains(lines(folder)) == {("CA", "T-1"): ["pending", "blocked", "failed"]}


@pytest.mark.parametrize(
    "junk", [b"\0" * 5000, b"not ours\n", b"\n\n", b"{}\n", b"x" * 200_000, b"\xff\xfe\n"]
)
def test_junk_in_a_journal_is_passed_over(root: Path, clock: FakeClock, junk: bytes) -> None:
    put(root, clock, "CA", {"T-1": "pending"})
    first = Instance(root, clock)
    first.begin()
    put(root, clock, "CA", {"T-1": "blocked"})
    first.look()
    first.kill()
    with (root / ".bluetop" / files.JOURNAL).open("ab") as file:
        file.write(junk)
    put(root, clock, "CA", {"T-1": "failed"})
    second = Instance(root, clock)
    told = second.begin()
    assert short(told.past) == ["CA T-1 pending>blocked"]
    assert short(told.caught_up) == ["CA T-1 blocked>failed"]
    second.kill()
    assert Instance(root, clock).begin().caught_up == ()


# -- the states file -------------------------------------------------------------------------------------


@pytest.mark.parametrize("damage", ["cut", "gone", "schema", "empty", "binary", "folder", "link", "fifo"])
def test_a_states_file_that_cannot_be_used_costs_no_line_and_invents_none(
    root: Path, clock: FakeClock, damage: str
) -> None:
    put(root, clock, "CA", {"T-1": "pending", "T-2": "pending"})
    put(root, clock, "CB", {"U-1": "pending"})
    first = Instance(root, clock)
    first.begin()
    put(root, clock, "CA", {"T-1": "blocked", "T-2": "pending"})
    first.look()
    first.kill()
    path = root / ".bluetop" / files.STATES
    whole = path.read_bytes()
    path.unlink()
    match damage:
        case "cut":
            path.write_bytes(whole[: len(whole) // 2])
        case "schema":
            path.write_bytes(whole.replace(b"bluetop.tasks/1", b"bluetop.tasks/9"))
        case "empty":
            path.touch()
        case "binary":
            path.write_bytes(bytes(range(256)))
        case "folder":
            path.mkdir()
        case "link":
            path.symlink_to("/etc/hostname")
        case "fifo":
            os.mkfifo(path)
    put(root, clock, "CA", {"T-1": "failed", "T-2": "pending"})
    second = Instance(root, clock)
    told = second.begin()
    assert short(told.caught_up) == ["CA T-1 blocked>failed"]
    assert told.record is not None
    assert told.record.mode == "writing"
    assert ("set aside" in told.record.problem) == (damage != "gone")
    assert statuses(statesfile.read(str(path)).states["CA"]) == {"T-1": "failed", "T-2": "pending"}
    second.kill()
    assert Instance(root, clock).begin().caught_up == ()
    assert chains(lines(root / ".bluetop")) == {("CA", "T-1"): ["pending", "blocked", "failed"]}


def test_who_only_reads_leaves_a_broken_states_file_where_it_is(root: Path, clock: FakeClock) -> None:
    put(root, clock, "CA", {"T-1": "pending"})
    Instance(root, clock).begin()
    path = root / ".bluetop" / files.STATES
    path.write_bytes(b"broken")
    before = tree(root)
    told = Instance(root, clock, write=False).begin()
    assert told.record is not None
    assert "cannot be used" in told.record.problem
    assert tree(root) == before


def test_states_older_than_the_journal_are_brought_up_to_date(root: Path, clock: FakeClock) -> None:
    put(root, clock, "CA", {"T-1": "pending"})
    first = Instance(root, clock)
    first.begin()
    old = (root / ".bluetop" / files.STATES).read_bytes()
    for number in range(20):
        put(root, clock, "CA", {"T-1": "pending", f"T-{number + 2}": "pending"})
        first.look(after_s=2 * KEEP_AGAIN_S)
    first.kill()
    (root / ".bluetop" / files.STATES).write_bytes(old)
    assert Instance(root, clock).begin().caught_up == ()
    chains(lines(root / ".bluetop"))


def test_a_journal_that_lost_lines_goes_on_from_those_it_has(root: Path, clock: FakeClock) -> None:
    put(root, clock, "CA", {"T-1": "pending"})
    first = Instance(root, clock)
    first.begin()
    for status in ("blocked", "in_progress", "completed"):
        put(root, clock, "CA", {"T-1": status})
        first.look(after_s=2 * KEEP_AGAIN_S)
    first.kill()
    path = root / ".bluetop" / files.JOURNAL
    rows = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(rows[:2]))  # the states know of three
    assert short(Instance(root, clock).begin().caught_up) == ["CA T-1 in_progress>completed"]
    assert chains(lines(root / ".bluetop")) == {
        ("CA", "T-1"): ["pending", "blocked", "in_progress", "completed"]
    }


def test_a_copied_workspace_has_the_same_record(root: Path, clock: FakeClock, tmp_path: Path) -> None:
    put(root, clock, "CA", {"T-1": "pending"})
    first = Instance(root, clock)
    first.begin()
    put(root, clock, "CA", {"T-1": "blocked"})
    first.look()
    copy = tmp_path / "copy"
    shutil.copytree(root, copy)  # while it is written
    put(copy, clock, "CA", {"T-1": "failed"})
    second = Instance(copy, clock)
    assert short(second.begin().caught_up) == ["CA T-1 blocked>failed"]
    put(root, clock, "CA", {"T-1": "completed"})
    assert short(first.look().seen) == ["CA T-1 blocked>completed"]
    assert len(lines(root / ".bluetop")) == len(lines(copy / ".bluetop")) == 2


# -- turning over -------------------------------------------------------------------------------------------


def test_a_journal_that_has_grown_too_large_becomes_the_older_one(root: Path, clock: FakeClock) -> None:
    instance = Instance(root, clock, most_bytes=3000)
    put(root, clock, "CA", {})
    instance.begin()
    folder = root / ".bluetop"
    sizes = set()
    for number in range(200):
        put(root, clock, "CA", {"T-1": "blocked" if number % 2 else "pending"})
        instance.look(after_s=5)
        if number % 40 == 39:
            instance.kill()
            instance = Instance(root, clock, most_bytes=3000)
            assert instance.begin().caught_up == ()
        sizes.add((folder / files.JOURNAL).stat().st_size)
    assert (folder / files.OLDER).exists()
    assert max(sizes) < 3000 + 2000 + 200 * (KEEP_S / 5)
    found = lines(folder)
    assert 20 < len(found) < 200
    chains(found)


def test_lines_that_went_to_a_journal_after_it_was_put_aside_count(tmp_path: Path, clock: FakeClock) -> None:
    writer = opened(tmp_path, clock)
    writer.append([change(1), change(2)])
    writer.keep({"CA": "p\tT-1\np\tT-2"}, (), (), no_beat)
    writer.append([change(1, "pending", "blocked")])
    writer.close()
    # A new one could not be made, and the writer went on with the one it had.
    (tmp_path / files.JOURNAL).rename(tmp_path / files.OLDER)
    found = Journal(str(tmp_path), clock, write=False, within=None).load(no_beat)
    assert statuses(found.states["CA"]) == {"T-1": "blocked", "T-2": "pending"}
    again = opened(tmp_path, clock)
    again.append([change(2, "pending", "failed")])
    again.close()
    found = Journal(str(tmp_path), clock, write=False, within=None).load(no_beat)
    assert statuses(found.states["CA"]) == {"T-1": "blocked", "T-2": "failed"}


# -- two instances --------------------------------------------------------------------------------------------


def test_the_second_instance_reads_and_takes_over_when_the_first_is_gone(
    root: Path, clock: FakeClock
) -> None:
    put(root, clock, "CA", {"T-1": "pending"})
    first, second = Instance(root, clock), Instance(root, clock)
    first.begin()
    told = second.begin()
    assert told.record is not None
    assert told.record.mode == "reading"
    put(root, clock, "CA", {"T-1": "blocked"})
    assert short(second.look().seen) == short(first.look().seen) == ["CA T-1 pending>blocked"]
    first.kill()
    put(root, clock, "CA", {"T-1": "failed"})
    told = second.look(after_s=RETRY_S)
    assert told.record is not None
    assert told.record.mode == "writing"
    second.look()
    put(root, clock, "CA", {"T-1": "completed"})
    second.look()
    expected = ["pending", "blocked", "failed", "completed"]
    assert chains(lines(root / ".bluetop")) == {("CA", "T-1"): expected}


HOLDER = """
import sys, time
from core.clock import SYSTEM_CLOCK
from core.record.journal import Journal
held = Journal(sys.argv[1], SYSTEM_CLOCK, write=True, within=None)
held.acquire(lambda path: None)
print("held" if held.writing else "refused", flush=True)
sys.stdin.read()
"""


@contextmanager
def holder(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that has the lock."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        try:
            yield process
        finally:
            process.kill()


def test_a_killed_holder_lets_go_at_once(tmp_path: Path, clock: FakeClock) -> None:
    with holder(tmp_path) as process:
        mine = opened(tmp_path, clock)
        assert (mine.writing, mine.held) == (False, True)
        process.send_signal(signal.SIGKILL)
        process.wait()
        mine.acquire(no_beat)
        assert (mine.writing, mine.held) == (True, False)
        mine.close()


def test_a_stopped_holder_does_not(tmp_path: Path, clock: FakeClock) -> None:
    with holder(tmp_path) as process:
        process.send_signal(signal.SIGSTOP)
        mine = opened(tmp_path, clock)
        assert (mine.writing, mine.held) == (False, True)


def test_a_lock_that_was_removed_is_noticed_and_nobody_writes_beside_the_heir(
    root: Path, clock: FakeClock
) -> None:
    put(root, clock, "CA", {"T-1": "pending"})
    first = Instance(root, clock)
    first.begin()
    shutil.rmtree(root / ".bluetop")
    second = Instance(root, clock)
    told = second.begin()
    assert told.record is not None
    assert told.record.mode == "writing"  # nobody can know of the first
    told = first.look(after_s=HEARTBEAT_S)
    assert told.record is not None
    assert "moved or removed" in told.record.problem
    told = first.look(after_s=RETRY_S)
    put(root, clock, "CA", {"T-1": "blocked"})
    for instance in (first, second):
        instance.look()
    assert short(lines(root / ".bluetop")) == ["CA T-1 pending>blocked"]


# -- looking back ------------------------------------------------------------------------------------------------


def test_the_life_of_a_task_is_found_in_both_generations(tmp_path: Path, clock: FakeClock) -> None:
    writer = opened(tmp_path, clock, most_bytes=800)
    told = [change(1, None, "pending"), *(change(n) for n in range(2, 9)), change(1, "pending", "blocked")]
    for line in told:
        writer.append([line])
        clock.advance(KEEP_S)
        writer.keep({}, (), (), no_beat)
    writer.close()
    assert (tmp_path / files.OLDER).exists()
    found = journal.life(str(tmp_path), lambda raw: b'"task": "T-1"' in raw, 10, no_beat)
    assert short(found) == ["CA T-1 >pending", "CA T-1 pending>blocked"]
    assert [c.task for c in journal.life(str(tmp_path), lambda raw: True, 2, no_beat)] == ["T-8", "T-1"]
    assert journal.life(str(tmp_path / "nowhere"), lambda raw: True, 2, no_beat) == []
