"""The files below .metrics/: where they may lie, who may write them, and what a refusal leaves behind."""

import contextlib
import errno
import json
import os
import resource
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from core.agentmetrics.store import LOCK, Changed, Held, Refused, Store, parsed, put, text_of, write_file
from tests.agentmetrics.space import entry, task

ROOT = Path(__file__).parents[2]


def opened(space, make=True, lock=True):
    store = Store(str(space.root), 10**6, space.clock, space.clock.advance)
    store.open(make)
    if lock:
        store.lock()
    return store


def tree(path):
    return sorted(str(found.relative_to(path)) for found in path.rglob("*"))


def test_nothing_is_made_where_nothing_is_to_be_written(space):
    store = opened(space, make=False, lock=False)
    assert store.names() == []
    assert store.read("CA") == Held(None, None)
    assert tree(space.root) == ["postbox"]


def test_a_file_is_replaced_whole_and_keeps_its_mode_and_its_last_line(space):
    path = space.put("CA", entry())
    path.write_text(path.read_text() + "\n")
    path.chmod(0o640)
    store = opened(space)
    held = store.read("CA")
    store.replace("CA", held, {**held.document(), "more": "é→"})
    assert path.read_text(encoding="utf-8").endswith('  "more": "é→"\n}\n')
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert tree(space.root / ".metrics") == [".bluetop.lock", "agents", "agents/CA_metrics.json", "reports"]


def test_a_file_that_somebody_else_wrote_meanwhile_is_not_replaced(space):
    path = space.put("CA", entry())
    store = opened(space)
    held = store.read("CA")
    path.write_text('{"theirs": 1}')
    with pytest.raises(Changed):
        store.replace("CA", held, {})
    assert path.read_text() == '{"theirs": 1}'
    with pytest.raises(Changed):
        store.replace("CB", held, {})


LINKS = [
    (".metrics", "leads out of the workspace"),
    (".metrics/agents", "leads out of the workspace"),
    (".metrics/reports", "leads out of the workspace"),
]


@pytest.mark.parametrize(("name", "said"), LINKS)
def test_a_link_that_leads_out_of_the_workspace_is_refused(space, tmp_path, name, said):
    outside = tmp_path / "outside"
    outside.mkdir()
    link = space.root / name
    link.parent.mkdir(exist_ok=True)
    link.symlink_to(outside)
    with pytest.raises(Refused, match=said):
        opened(space)
    assert tree(outside) == []


def test_a_link_to_another_place_in_the_workspace_is_followed(space):
    (space.root / "data" / "m").mkdir(parents=True)
    (space.root / ".metrics").symlink_to("data/m")
    space.queue("CA", task())
    space.collect()
    assert (space.root / "data/m/agents/CA_metrics.json").is_file()


def test_a_link_put_in_the_way_later_leads_nowhere(space, tmp_path):
    space.put("CA", entry())
    store = opened(space)
    held = store.read("CA")
    (space.root / ".metrics").rename(tmp_path / "moved")
    (tmp_path / "outside" / "agents").mkdir(parents=True)
    (space.root / ".metrics").symlink_to(tmp_path / "outside")
    store.replace("CA", held, {"new": 1})
    assert json.loads((tmp_path / "moved/agents/CA_metrics.json").read_text()) == {"new": 1}
    assert tree(tmp_path / "outside") == ["agents"]


def link(path):
    target = path.with_name("target")
    target.write_text("{}")
    path.symlink_to(target)


ODD = [
    (link, "symbolic link"),
    (os.mkfifo, "FIFO|regular"),
    (Path.mkdir, "regular file"),
    (lambda path: path.write_text(""), "cannot be read as JSON"),
    (lambda path: path.write_text("{"), "cannot be read as JSON .*mend it, or move it away"),
    (lambda path: path.write_text("[]"), "holds no JSON object"),
    (lambda path: path.write_text('{"a": 1, "a": 2}'), "twice"),
    (lambda path: path.write_text("[" * 100_000), "cannot be read as JSON"),
    (lambda path: path.write_bytes(b'{"a": "\xff"}'), "cannot be read as JSON"),
    (lambda path: path.write_text('{"a": ' + "9" * 5000 + "}"), "cannot be read as JSON"),
    (lambda path: path.write_text(" " * 2_000_000), "over the limit"),
]


@pytest.mark.parametrize(("make", "said"), ODD)
def test_what_is_no_metrics_file_is_refused_and_left_as_it_is(space, make, said):
    path = space.file("CA")
    path.parent.mkdir(parents=True)
    make(path)
    with pytest.raises(Refused, match=said):
        opened(space).read("CA").document()
    assert stat.S_ISREG(path.lstat().st_mode) or make in (link, os.mkfifo, Path.mkdir)


def test_an_unreadable_metrics_file_is_named_and_holds_up_no_other(space):
    space.put("CA", entry())
    space.file("CA").write_text('{"metrics": [{"task_id": "OLD"')
    space.queue("CA", task())
    space.queue("CB", task("TASK-2"))
    found = space.collect()
    (problem,) = found.problems
    assert (problem.severity, problem.file) == ("error", ".metrics/agents/CA_metrics.json")
    assert "mend it, or move it away" in problem.text
    assert space.file("CA").read_text() == '{"metrics": [{"task_id": "OLD"'
    assert space.entry("CB", "TASK-2")["status"] == "pending"
    assert not found.complete
    assert [agent.sums.measures().total_tasks for agent in found.agents] == [1, 1]


def test_an_agent_whose_name_is_too_long_for_a_file_is_told_of(space):
    name = "n" * 250
    space.queue(name, task())
    (problem,) = space.collect().problems
    assert "too long" in problem.text


def test_nan_and_numbers_out_of_range_become_null_and_half_characters_stay(space):
    document = parsed(b'{"a": NaN, "b": -Infinity, "c": 1e999, "d": "\\ud800"}')
    assert parsed(text_of(document)) == {"a": None, "b": None, "c": None, "d": "\ud800"}


# -- the lock -----------------------------------------------------------------------------------------


def test_whoever_holds_the_lock_is_waited_for_and_then_named(space):
    first = opened(space)
    began = space.clock.now()
    with pytest.raises(Refused, match=r"another bluetop has been writing \.metrics for 10 s; try again"):
        opened(space)
    assert 10 <= space.clock.now() - began < 11
    first.close()
    opened(space).close()
    assert (space.root / ".metrics" / LOCK).exists()


def test_a_lock_that_is_no_file_is_refused(space, tmp_path):
    (space.root / ".metrics").mkdir()
    lock = space.root / ".metrics" / LOCK
    lock.symlink_to(tmp_path / "stolen")
    with pytest.raises(Refused, match="is no file; remove it"):
        opened(space)
    assert not (tmp_path / "stolen").exists()
    lock.unlink()
    os.mkfifo(lock)
    with pytest.raises(Refused, match="is no file; remove it"):
        opened(space)


def test_what_a_killed_writer_left_behind_is_removed_and_nothing_else(space):
    space.put("CA", entry())
    left = space.file("CA").with_name(".bluetop-1-a.tmp")
    left.write_text("half")
    kept = space.file("CA").with_name("CA_metrics.json.tmp")
    kept.write_text("theirs")
    opened(space)
    assert not left.exists()
    assert kept.exists()


# -- a disk that refuses ------------------------------------------------------------------------------


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path):
    (tmp_path / "f").write_text("old")
    child = os.fork()
    if child == 0:
        status = 1
        with contextlib.suppress(BaseException):
            import signal

            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
            folder = os.open(tmp_path, os.O_RDONLY)
            try:
                put(folder, "f", b"x" * 2000)
            except OSError as error:
                status = 0 if (error.errno, error.filename) == (errno.EFBIG, "f") else 2
        os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert [found.name for found in tmp_path.iterdir()] == ["f"]
    assert (tmp_path / "f").read_text() == "old"


FULL = """
set -e
mount -t tmpfs -o size=1m none "$1"
mkdir -p "$1/postbox/CA" "$1/.metrics/agents"
cp "$2/outbox.json" "$1/postbox/CA/"
cp "$2/CA_metrics.json" "$1/.metrics/agents/"
head -c 2m /dev/zero > "$1/fill" 2>/dev/null || true
set +e
"$3" -m tui metrics collect --workspace "$1"; echo "status $?"
cmp "$2/CA_metrics.json" "$1/.metrics/agents/CA_metrics.json" && echo same
ls -A "$1/.metrics/agents"
"""


def test_a_full_disk_is_said_so_and_the_old_file_is_intact(space, tmp_path):
    if subprocess.run(["unshare", "-rm", "true"], capture_output=True, check=False).returncode:
        pytest.skip("no file system can be mounted here")
    source, at = tmp_path / "source", tmp_path / "full"
    source.mkdir()
    at.mkdir()
    (source / "outbox.json").write_bytes(
        space.queue("CA", *(task(f"TASK-{n}") for n in range(50))).read_bytes()
    )
    (source / "CA_metrics.json").write_bytes(space.put("CA", entry()).read_bytes())
    run = subprocess.run(
        ["unshare", "-rm", "sh", "-c", FULL, "sh", str(at), str(source), sys.executable],
        env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (
        "collecting the metrics failed: .metrics/agents/CA_metrics.json: No space left on device"
        in run.stderr
    )
    assert run.stdout.splitlines() == ["status 1", "same", "CA_metrics.json"]


def test_an_export_goes_through_a_link_and_into_a_fifo_and_replaces_no_device(tmp_path):
    (tmp_path / "real").write_text("old")
    (tmp_path / "link").symlink_to("real")
    write_file(str(tmp_path / "link"), b"new")
    assert ((tmp_path / "link").is_symlink(), (tmp_path / "real").read_text()) == (True, "new")
    os.mkfifo(tmp_path / "fifo")
    reader = os.open(tmp_path / "fifo", os.O_RDONLY | os.O_NONBLOCK)
    write_file(str(tmp_path / "fifo"), b"through")
    assert os.read(reader, 100) == b"through"
    write_file("/dev/null", b"away")
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)
    with pytest.raises(IsADirectoryError):
        write_file(str(tmp_path), b"x")
