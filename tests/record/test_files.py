"""Lines, and opening files without being trapped."""

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.queues.model import Transition
from core.record import files, plan
from core.text import clean, clean_line

NAMES = st.text(max_size=40).map(clean)
IDS = st.text(min_size=1, max_size=200).map(lambda text: clean_line(text, 120)).filter(bool)
WORDS = st.none() | st.text(max_size=80).map(lambda text: clean_line(text, 60))
TIMES = st.integers(0, 4_000_000_000_000).map(lambda milli: milli / 1000)


@given(TIMES, NAMES, IDS, WORDS, WORDS, st.none() | TIMES)
def test_a_transition_comes_back_as_it_was_written(
    at: float, agent: str, task: str, before: str | None, after: str | None, mtime: float | None
) -> None:
    change = Transition(at, agent, task, before, after, mtime)
    line = files.line_of(change)
    assert "\n" not in line
    found = files.transition_of(line.encode())
    if before == after:
        assert found is None
        return
    assert found is not None
    assert found[1:5] == change[1:5]
    assert found.seen_at == pytest.approx(at, abs=0.0006)
    assert (found.file_mtime is None) == (mtime is None)


def test_a_line_has_the_documented_fields() -> None:
    line = files.line_of(Transition(1_780_000_000.25, "CA", "TASK-1", None, "pending", 1_779_999_999.0))
    assert json.loads(line) == {
        "seen_at": "2026-05-28T20:26:40.250Z", "agent": "CA", "task": "TASK-1", "from": None, "to": "pending",
        "file_mtime": "2026-05-28T20:26:39.000Z",
    }  # fmt: skip


def test_the_line_in_the_manual_is_one_of_ours() -> None:
    manual = (Path(__file__).parents[2] / "docs" / "record.md").read_text()
    (line,) = [line for line in manual.splitlines() if line.startswith("{")]
    found = files.transition_of(line)
    assert found is not None
    assert files.line_of(found) == line


@pytest.mark.parametrize("mtime", [-1.0, -1e15, 1e15, 9e18, 253_402_300_799.5])
def test_a_file_time_that_no_calendar_has_is_left_out(mtime: float) -> None:
    line = files.line_of(Transition(1_780_000_000.0, "CA", "T", None, "pending", mtime))
    assert json.loads(line)["file_mtime"] is None


@pytest.mark.parametrize(
    "agent", ["a  b", " CA", "CA ", "x" * 1500, "\\x1b[31m", "日本"], ids=lambda name: repr(name)[:20]
)
def test_an_agent_with_an_odd_name_keeps_it(agent: str) -> None:
    assert clean(agent) == agent
    found = files.transition_of(files.line_of(Transition(1.0, agent, "T", None, "pending", None)))
    assert found is not None
    assert found.agent == agent


def test_a_task_id_that_cleaning_would_change_twice_keeps_its_form() -> None:
    task = clean_line("a \u200d b", 120)
    assert clean_line(task) != task  # two spaces, which a second cleaning would make one
    found = files.transition_of(files.line_of(Transition(1.0, "CA", task, None, "pending", None)))
    assert found is not None
    assert found.task == task


@pytest.mark.parametrize(
    "line",
    [
        b"", b"{", b"[]", b"null", b"{}", b"\xff\xfe", b"[" * 100_000, b"\0" * 50,
        b'{"seen_at":"soon","agent":"CA","task":"T","from":null,"to":"pending"}',
        b'{"seen_at":"2026-01-01T00:00:00Z","agent":1,"task":"T","from":null,"to":"pending"}',
        b'{"seen_at":"2026-01-01T00:00:00Z","agent":"CA","task":null,"from":null,"to":"pending"}',
        b'{"seen_at":"2026-01-01T00:00:00Z","agent":"CA","task":"T","from":[],"to":"pending"}',
        b'{"seen_at":"2026-01-01T00:00:00Z","agent":"CA","task":"T","from":"x","to":"x"}',
    ],
)  # fmt: skip
def test_what_is_no_transition_is_none(line: bytes) -> None:
    assert files.transition_of(line) is None


def test_what_somebody_else_wrote_is_cleaned() -> None:
    line = json.dumps(
        {"seen_at": "2026-01-01T00:00:00Z", "agent": "\x1b[31m", "task": "T\n", "from": None, "to": "\u202e"}
    )
    found = files.transition_of(line)
    assert found is not None
    assert (found.agent, found.task, found.after) == ("\\x1b[31m", "T\\x0a", "\\u202e")


@given(
    st.lists(st.binary(max_size=30).map(lambda b: b.replace(b"\n", b"")), max_size=20), st.binary(max_size=9),
    st.integers(0, 400), st.integers(1, 50),
)  # fmt: skip
def test_lines_are_whole_and_at_their_place(lines: list[bytes], tail: bytes, begin: int, piece: int) -> None:
    data = b"".join(line + b"\n" for line in lines) + tail.replace(b"\n", b"")
    expected, at = [], 0
    for line in lines:
        if at >= begin:
            expected.append((at, line))
        at += len(line) + 1
    fd = os.memfd_create("lines")
    try:
        os.write(fd, data)
        assert list(files.whole_lines(fd, begin, piece)) == expected
    finally:
        os.close(fd)


def test_a_line_too_long_to_be_ours_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"one\n" + b"x" * (3 * files.LONGEST) + b"\ntwo\n" + b"y" * (2 * files.LONGEST))
    fd = os.open(path, os.O_RDONLY)
    try:
        assert [line for _, line in files.whole_lines(fd, 0, 1000)] == [b"one", b"two"]
    finally:
        os.close(fd)


# -- places -------------------------------------------------------------------------------------------


def test_the_record_lies_in_the_workspace_or_else_in_the_state_folder() -> None:
    inside, outside = files.places("/srv/auto pilot", "/var/lib/bluetop")
    assert inside == "/srv/auto pilot/.bluetop"
    assert outside.startswith("/var/lib/bluetop/workspaces/auto_pilot-")
    assert files.places("/srv/a", None) == ("/srv/a/.bluetop",)
    other = files.places("/mnt/auto pilot", "/var/lib/bluetop")[1]
    assert other != outside


def test_without_a_workspace_there_is_no_plan() -> None:
    assert plan(None, "/s", write=True) == {}
    assert plan("/w", None, write=False)["folders"] == ("/w/.bluetop",)


def test_the_workspace_itself_is_never_made(tmp_path: Path) -> None:
    gone = tmp_path / "unmounted"
    with pytest.raises(FileNotFoundError):
        files.make_folder(str(gone / ".bluetop"), str(gone))
    assert list(tmp_path.iterdir()) == []


def test_a_link_to_elsewhere_is_refused_and_one_within_is_not(tmp_path: Path) -> None:
    workspace, elsewhere = tmp_path / "w", tmp_path / "elsewhere"
    (workspace / "kept").mkdir(parents=True)
    elsewhere.mkdir()
    folder = workspace / ".bluetop"
    for target, refused in (
        ("kept", False),
        (str(elsewhere), True),
        ("../elsewhere", True),
        ("..", True),
        (".", True),
    ):
        folder.symlink_to(target)
        if refused:
            with pytest.raises(files.RefusedPath, match="out of the workspace"):
                files.make_folder(str(folder), str(workspace))
        else:
            files.make_folder(str(folder), str(workspace))
        folder.unlink()
    assert list(elsewhere.iterdir()) == []


def test_only_regular_files_of_one_name_are_opened(tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    plain.write_text("x")
    (tmp_path / "link").symlink_to("plain")
    (tmp_path / "nowhere").symlink_to("not-there")
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "other").write_text("y")
    os.link(tmp_path / "other", tmp_path / "hard")
    flags = os.O_RDWR | os.O_CREAT | os.O_APPEND
    for name in ("link", "nowhere", "folder", "fifo", "hard"):
        with pytest.raises((files.RefusedPath, IsADirectoryError)):
            files.open_regular(str(tmp_path / name), flags)
    with pytest.raises(files.RefusedPath):
        files.open_regular(str(tmp_path / "fifo"), os.O_RDONLY)  # and does not wait for a writer
    os.close(files.open_regular(str(tmp_path / "hard"), os.O_RDONLY))
    os.close(files.open_regular(str(plain), flags))
    assert not (tmp_path / "not-there").exists()
