"""The scan: who is there, what is read, what is left alone, what stays when a file breaks."""

import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from core.errors import WorkspaceError
from core.queues import BACKENDS, Limits, folders
from core.queues.folders import mounted_in
from core.queues.reader import read_bytes
from tests.queues.workspace import Workspace, codes, outbox, task

linux = pytest.mark.skipif(sys.platform != "linux", reason="uses /proc or Linux file kinds")


def test_a_workspace_without_a_postbox_is_an_error(tmp_path: Path) -> None:
    backend = BACKENDS["postbox"](str(tmp_path), Limits())
    with pytest.raises(WorkspaceError, match="postbox"):
        list(backend.scan(lambda path: None))


def test_only_what_changed_is_told(space: Workspace) -> None:
    space.write("CA", outbox(task()))
    space.write("CB", outbox(agent_id="CB"))
    (part,) = space.scan()
    assert [row.agent for row in part.changed] == ["CA", "CB"]
    assert (part.done, part.total) == (2, 2)
    assert space.changed() == []
    space.write("CA", outbox(task(), task("T-2")), age_s=50)
    assert space.changed() == ["CA"]
    assert space.rows["CA"].pending == 2


def test_a_file_replaced_by_rename_is_read_again(space: Workspace) -> None:
    space.read(outbox(task("TASK-1")))
    space.write("CA", outbox(task("TASK-2", "blocked")), atomic=True)
    assert space.changed() == ["CA"]
    assert space.rows["CA"].blocked == 1


def test_a_rewrite_within_the_same_instant_is_not_missed(space: Workspace) -> None:
    space.write("CA", outbox(task("TASK-1", "pending")), age_s=0)
    space.scan()
    space.write("CA", outbox(task("TASK-1", "blocked")), age_s=0)  # the same size, time and inode
    assert space.changed() == ["CA"]


def test_a_touched_file_is_told_with_its_new_time_only(space: Workspace) -> None:
    before = space.read(outbox(task()))
    space.touch(space.path("CA"), 50)
    assert space.changed() == ["CA"]
    assert (
        space.rows["CA"]._replace(mtime=before.mtime, read_ms=before.read_ms, read_at=before.read_at)
        == before
    )


def test_agents_come_and_go(space: Workspace) -> None:
    space.write("CA", outbox())
    space.scan()
    space.clock.advance(1)
    space.write("CB", outbox(agent_id="CB"))
    assert space.changed() == ["CB"]
    space.path("CA").unlink()
    space.path("CA").parent.rmdir()
    parts = space.scan()
    assert [name for part in parts for name in part.gone] == ["CA"]
    assert list(space.rows) == ["CB"]


def test_files_among_the_folders_and_hidden_folders_are_no_agents(space: Workspace) -> None:
    postbox = space.root / "postbox"
    (postbox / "TASK_ASSIGNMENT_TEMPLATE.md").write_text("# x")
    (postbox / ".DS_Store").write_bytes(b"\0")
    (postbox / ".git").mkdir()
    (postbox / "nowhere").symlink_to("not-there")
    (postbox / "ARCH" / "inbox").mkdir(parents=True)
    space.write(".hidden", outbox(agent_id=".hidden"))
    space.scan()
    assert {name: row.form for name, row in space.rows.items()} == {"ARCH": "missing", ".hidden": "standard"}
    assert space.rows["ARCH"].problems == ()


def test_hostile_folder_names_are_cleaned_and_never_merge(space: Workspace) -> None:
    names = [
        b"\x1b[31mRED",
        b"\\x1b[31mRED",
        b"new\nline",
        b"b\xff\xfe",
        b"..x",
        b"-rf",
        "\u202eTXE".encode(),
    ]
    for name in names:
        folder = os.path.join(os.fsencode(space.root), b"postbox", name)
        os.mkdir(folder)
        with open(os.path.join(folder, b"outbox.json"), "wb") as file:
            file.write(b'{"tasks": []}')
    space.scan()
    assert len(space.rows) == len(names)
    assert all(name.isprintable() for name in space.rows)
    assert {row.form for row in space.rows.values()} == {"standard"}
    assert all(space.backend.tasks(name) == () for name in space.rows)


def test_more_agents_than_the_limit_are_named_and_not_read(tmp_path: Path) -> None:
    space = Workspace(tmp_path, Limits(max_agents=2))
    for name in ("CA", "CB", "CC"):
        space.write(name, outbox(agent_id=name))
    part = space.scan()[-1]
    assert list(space.rows) == ["CA", "CB"]
    assert [problem.code for _, problem in part.problems] == ["too_many_agents"]


def test_a_path_to_skip_is_not_touched_and_keeps_its_row(space: Workspace) -> None:
    space.write("CA", outbox())
    space.write("CB", outbox(agent_id="CB"))
    space.scan()
    space.write("CA", outbox(task()), age_s=50)
    space.beats.clear()
    unit = f"{space.root}/postbox/CA/outbox.json"
    part = space.scan(skip=(unit,))[-1]
    assert unit not in space.beats
    assert part.changed == ()
    assert part.problems == ()  # what hangs is told by the guard; the workspace is none the worse for it


def test_a_path_to_skip_that_was_never_read_gets_a_row_that_says_so(space: Workspace) -> None:
    space.write("CA", outbox())
    unit = f"{space.root}/postbox/CA/outbox.json"
    for told in (1, 0):
        part = space.scan(skip=(unit,))[-1]
        assert [row.form for row in part.changed] == ["unreadable"] * told
        assert part.problems == ()
    assert unit not in space.beats
    assert codes(space.rows["CA"]) == ["skipped"]
    assert space.rows["CA"].problems[0].detail == "left alone, since it did not answer"
    space.scan()
    assert space.rows["CA"].form == "standard"


TABLE = rb"""27 1 254:0 / / rw - ext4 /dev/vda rw
40 27 0:50 / /srv/my\040ws/postbox/CB rw - nfs4 server:/x rw
41 27 0:51 / /srv/my\040ws/postbox/a\134b\043/deep/er rw - fuse.sshfs x@host:/ rw
42 27 0:52 / /srv/my\040ws/postboxes/CC rw - nfs4 server:/y rw
"""


def test_folders_with_a_mount_of_their_own_are_known_from_the_table_of_mounts() -> None:
    assert mounted_in(TABLE, b"/srv/my ws/postbox") == {"CB", "a\\b#"}
    assert mounted_in(TABLE, b"/srv/my ws/postbox/CB") == frozenset()
    assert mounted_in(TABLE, b"/home") == frozenset()
    assert mounted_in(b"", b"/srv/my ws/postbox") == frozenset()


def test_the_first_scan_tells_of_the_others_before_it_touches_what_may_hang(
    space: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("CA", "CB", "CC"):
        space.write(name, outbox(agent_id=name))
    monkeypatch.setattr(folders, "mounted", lambda folder: frozenset({"CB"}))
    asked: list[str] = []
    seen: list[list[str]] = []
    for part in space.backend.scan(asked.append):
        seen.append([row.agent for row in part.changed])
        if len(seen) == 1:
            assert f"{space.root}/postbox/CB/outbox.json" not in asked
    assert seen == [["CA", "CC"], ["CB"]]


def test_the_same_unfinished_task_with_two_agents_is_named(space: Workspace) -> None:
    space.write("CA", outbox(task("T-1"), task("T-2")))
    space.write("CB", outbox(task("T-1"), task("T-2", "completed"), agent_id="CB"))
    problems = space.scan()[-1].problems
    assert [(path, problem.code) for path, problem in problems] == [("postbox/CA/outbox.json", "shared_id")]
    assert "T-1 is unfinished with CA and with CB" in problems[0][1].detail
    space.write("CB", outbox(task("T-1", "completed"), agent_id="CB"), age_s=50)
    assert space.scan()[-1].problems == ()


# -- hostile files ----------------------------------------------------------------------------------


@linux
def test_nothing_but_a_regular_file_is_opened(space: Workspace) -> None:
    for name in ("FIFO", "DIR", "SOCKET", "LOOP", "DANGLING", "DEVICE", "GOOD"):
        (space.root / "postbox" / name).mkdir()
    os.mkfifo(space.path("FIFO"))
    space.path("DIR").mkdir()
    server = socket.socket(socket.AF_UNIX)
    here = os.getcwd()
    os.chdir(space.path("SOCKET").parent)  # a socket's path may not be long
    server.bind("outbox.json")
    os.chdir(here)
    space.path("LOOP").symlink_to("outbox.json")
    space.path("DANGLING").symlink_to("nowhere.json")
    space.path("DEVICE").symlink_to("/dev/zero")
    space.write("GOOD", outbox(task(), agent_id="GOOD"))
    space.scan()
    server.close()
    told = {name: (row.form, row.problems[0].detail) for name, row in space.rows.items() if row.problems}
    assert told == {
        "FIFO": ("unreadable", "a FIFO (named pipe) and not a file; left alone"),
        "DIR": ("unreadable", "a directory and not a file; left alone"),
        "SOCKET": ("unreadable", "a socket and not a file; left alone"),
        "LOOP": ("unreadable", "a symbolic link that leads back to itself"),
        "DANGLING": ("unreadable", "a symbolic link to nowhere.json, which is not there"),
        "DEVICE": ("unreadable", "a device and not a file; left alone"),
    }
    assert space.rows["GOOD"].pending == 1
    assert space.changed() == []


def test_a_link_to_a_file_is_read_and_named(space: Workspace) -> None:
    space.write("CA", outbox(task()))
    space.path("CA").rename(space.path("CA").with_name("real.json"))
    space.path("CA").symlink_to("real.json")
    space.scan()
    assert (space.rows["CA"].pending, codes(space.rows["CA"])) == (1, ["link"])


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_is_named(space: Workspace) -> None:
    space.write("CA", outbox(task()))
    space.path("CA").chmod(0)
    space.scan()
    assert codes(space.rows["CA"]) == ["permission"]


def test_a_file_over_the_limit_is_not_read(tmp_path: Path) -> None:
    space = Workspace(tmp_path, Limits(max_bytes=100))
    row = space.read(outbox(task()))
    assert (row.form, codes(row)) == ("unreadable", ["too_large"])


def test_a_large_file_of_holes_is_not_read(space: Workspace) -> None:
    space.write("CA", b"")
    os.truncate(space.path("CA"), 64 << 20)
    space.touch(space.path("CA"))
    space.scan()
    assert (space.rows["CA"].form, codes(space.rows["CA"])) == ("unreadable", ["nul_bytes"])


@linux
def test_a_file_that_grows_without_end_is_no_trap(space: Workspace) -> None:
    (space.root / "postbox" / "CA").mkdir()
    space.path("CA").symlink_to("/proc/self/maps")  # a regular file of size 0 that holds more
    space.scan()
    assert space.rows["CA"].form in ("empty", "unreadable")


# -- torn reads -------------------------------------------------------------------------------------

WHOLE = outbox(task("T-1"), task("T-2"))
HALF = b'{"agent_id": "CA", "tasks": [{"task_id": "T-1", "sta'


def test_a_torn_file_is_read_again_in_the_same_scan(space: Workspace) -> None:
    space.read(WHOLE)
    space.write("CA", HALF, age_s=0)
    space.while_asleep = lambda: space.write("CA", outbox(task("T-3", "blocked")), age_s=0)
    assert space.changed() == ["CA"]
    assert (space.rows["CA"].blocked, space.rows["CA"].stale_since) == (1, None)
    assert space.slept == [0.05]


def test_a_torn_file_is_never_shown_as_a_loss(space: Workspace) -> None:
    good = space.read(WHOLE)
    for content in (HALF, b"", b"\0" * 100, b'{"tasks": [],}', b'{"a'):
        space.write("CA", content, age_s=0)
        space.scan()
        row = space.rows["CA"]
        assert (row.pending, row.stale_since, row.form) == (2, good.read_at, "standard")
        assert codes(row) == ["being_written"]
    assert sum(space.slept) <= 0.1 * 5 + 1e-9
    space.write("CA", outbox(task("T-1")), age_s=0)
    space.scan()
    assert (space.rows["CA"].pending, space.rows["CA"].stale_since, codes(space.rows["CA"])) == (1, None, [])


def test_all_torn_files_of_a_scan_wait_together(space: Workspace) -> None:
    names = [f"A{n}" for n in range(20)]
    for name in names:
        space.write(name, outbox(agent_id=name))
    space.scan()
    for name in names:
        space.write(name, HALF, age_s=0)
    space.scan()
    assert space.slept == [0.05, 0.05]


def test_a_file_that_stays_broken_keeps_the_last_good_state_and_says_why(space: Workspace) -> None:
    good = space.read(WHOLE)
    space.write("CA", HALF, age_s=0)
    space.scan()
    space.clock.advance(5)
    space.scan()
    row = space.rows["CA"]
    assert (row.pending, row.stale_since) == (2, good.read_at)
    assert (row.problems[0].code, row.problems[0].line, row.problems[0].column) == ("truncated", 1, 49)
    slept = len(space.slept)
    assert space.changed() == []
    assert len(space.slept) == slept


def test_a_trailing_comma_is_read_as_soon_as_nobody_is_writing(space: Workspace) -> None:
    space.read(WHOLE)
    space.write("CA", b'{"agent_id": "CA", "tasks": [{"task_id": "T-1", "status": "blocked"},]}', age_s=0)
    space.scan()
    assert space.rows["CA"].stale_since is not None
    space.clock.advance(3)
    space.scan()
    row = space.rows["CA"]
    assert (row.blocked, row.stale_since) == (1, None)
    assert [(p.severity, p.code, p.line, p.column) for p in row.problems] == [
        ("odd", "trailing_comma", 1, 69)
    ]


def test_a_broken_file_without_a_past_is_shown_as_far_as_it_can_be_read(space: Workspace) -> None:
    space.write(
        "CA", b'{"agent_id": "CA", "tasks": [{"task_id": "T-1", "status": "pending"}, {"task', age_s=0
    )
    space.scan()
    row = space.rows["CA"]
    assert (row.pending, row.stale_since, row.problems[0].code) == (1, None, "truncated")


def test_a_file_that_is_away_for_a_moment_is_no_loss(space: Workspace) -> None:
    good = space.read(WHOLE)
    space.path("CA").unlink()
    space.scan()
    assert (space.rows["CA"].pending, space.rows["CA"].stale_since) == (2, good.read_at)
    space.clock.advance(3)
    space.scan()
    assert (space.rows["CA"].form, space.rows["CA"].pending) == ("missing", 0)
    space.write("CA", WHOLE)
    space.scan()
    assert space.rows["CA"].pending == 2


@linux
def test_a_file_that_becomes_a_fifo_keeps_the_last_good_state(space: Workspace) -> None:
    space.read(WHOLE)
    space.path("CA").unlink()
    os.mkfifo(space.path("CA"))
    space.scan()
    row = space.rows["CA"]
    assert (row.pending, row.stale_since is not None, codes(row)) == (2, True, ["not_a_file"])


def test_a_file_that_shrinks_or_grows_while_it_is_read_is_torn(tmp_path: Path) -> None:
    path = tmp_path / "outbox.json"
    for change in (lambda: os.truncate(path, 10), lambda: os.truncate(path, 5_000_000), lambda: None):
        path.write_bytes(b" " * 3_000_000)
        os.utime(path, (1e9, 1e9))
        beats: list[None] = []

        def beat(change: Callable[[], None] = change, beats: list[None] = beats) -> None:
            beats.append(None)
            if len(beats) == 2:
                change()

        found = read_bytes(str(path), 1 << 30, beat)
        assert found.torn is (path.stat().st_size != 3_000_000)
        assert len(beats) >= 2


def test_a_postbox_to_skip_is_not_even_listed(space: Workspace) -> None:
    space.write("CA", outbox())
    space.scan()
    space.beats.clear()
    (part,) = space.scan(skip=(f"{space.root}/postbox",))
    assert space.beats == []
    assert [(path, problem.code) for path, problem in part.problems] == [("postbox", "skipped")]


def test_an_agent_without_a_queue_file_is_told_once_and_noticed_when_it_gets_one(space: Workspace) -> None:
    (space.root / "postbox" / "ARCH").mkdir()
    assert space.changed() == ["ARCH"]
    assert space.changed() == []
    space.write("ARCH", outbox(task(), agent_id="ARCH"))
    assert space.changed() == ["ARCH"]
    assert space.rows["ARCH"].pending == 1


def test_reading_leaves_no_trace(space: Workspace) -> None:
    space.write("CA", WHOLE)
    before = sorted((str(path), path.stat().st_mtime_ns) for path in space.root.rglob("*"))
    space.scan()
    space.backend.tasks("CA")
    space.backend.record("CA", "tasks", 0, "T-1")
    assert sorted((str(path), path.stat().st_mtime_ns) for path in space.root.rglob("*")) == before


def test_the_readers_bring_nothing_heavy_into_the_prober(tmp_path: Path) -> None:
    (tmp_path / "postbox" / "CA").mkdir(parents=True)
    (tmp_path / "postbox" / "CA" / "outbox.json").write_text('{"tasks": [{"task_id": "T"},]}')
    code = (
        f"import sys; sys.path.insert(0, {os.getcwd()!r}); from core.queues import BACKENDS, Limits;"
        f"list(BACKENDS['postbox']({str(tmp_path)!r}, Limits()).scan(lambda path: None));"
        "heavy = {'msgspec', 'asyncio', 'pathlib', 'dataclasses', 'datetime', 'subprocess', 'inspect'};"
        "print(*heavy & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == ""
