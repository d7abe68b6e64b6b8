"""A real fleet at fifty changes a second, and instances that are killed: what is recorded is what happened.

Needs BLUETOP_INSTRUMENTS: the folder with make_postbox.py, which makes the fleet and logs what it did.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from core.record import files
from tests.record.instance import lines
from tests.record.scenes import chains

INSTRUMENTS = os.environ.get("BLUETOP_INSTRUMENTS", "")
pytestmark = [
    pytest.mark.long,
    pytest.mark.timeout(300),
    pytest.mark.skipif(not INSTRUMENTS, reason="BLUETOP_INSTRUMENTS is not set"),
    pytest.mark.skipif(sys.platform != "linux", reason="finds the helper process through /proc"),
]
MIB = 1024 * 1024


def make(root: Path, *more: str) -> subprocess.Popen[bytes]:
    tool = [sys.executable, str(Path(INSTRUMENTS) / "make_postbox.py"), str(root), *more]
    return subprocess.Popen(tool, stdout=subprocess.DEVNULL)


@contextmanager
def churning(root: Path, seconds: int) -> Iterator[subprocess.Popen[bytes]]:
    """A writer of every habit: in place and by rename, with locks and without, some caught half-way.

    One writer only: two without locks leave files that nobody can read any more.
    """
    process = make(
        root, "--churn", "50", "--seconds", str(seconds), "--write", "mix", "--lock", "mix",
        "--torn-ms", "5", "--log", str(root.parent / "log"),
    )  # fmt: skip
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


def passes(process: subprocess.Popen[bytes], seconds: float) -> None:
    """Time passes while `process` is at work."""
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(seconds)


class Collector:
    """`bluetop collect` on the workspace, and its helper."""

    def __init__(self, root: Path) -> None:
        environ = {**os.environ, "XDG_STATE_HOME": str(root.parent / "state")}
        command = [sys.executable, "-m", "tui", "--workspace", str(root), "collect"]
        self.process = subprocess.Popen(
            command,
            cwd=Path(__file__).parents[2],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=environ,
        )

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def helper_rss(self) -> int:
        """The memory of its largest child, in bytes."""
        pid = self.process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        pages = [int(Path(f"/proc/{child}/statm").read_text().split()[1]) for child in children]
        return max(pages) * os.sysconf("SC_PAGE_SIZE")

    def begun(self, root: Path, process: subprocess.Popen[bytes] | None = None) -> None:
        """Wait until it has seen the workspace and kept what it saw."""
        for _ in range(100):
            if (root / files.FOLDER / files.STATES).exists():
                return
            passes(process or self.process, 0.2)
        raise AssertionError("it has not begun")


def states(root: Path) -> dict[tuple[str, str], str]:
    """(agent, task) → status, as the files say."""
    found = {}
    for path in (root / "postbox").glob("*/outbox.json"):
        document = json.loads(path.read_bytes())
        agent = path.parent.name
        for entry in (*document.get("history", ()), *document["tasks"]):
            found[agent, entry["task_id"]] = entry["status"]
    return found


def check(root: Path, before: dict[tuple[str, str], str]) -> int:
    """From what was to what is, without a gap, and only what was touched; how many lines there are."""
    after = states(root)
    told = lines(root / files.FOLDER)
    found = chains(told)
    touched = set()
    for log in root.parent.glob("log*"):
        for line in log.read_text().splitlines():
            entry = json.loads(line)
            touched.add((entry["agent"], entry["task_id"]))
    assert found.keys() <= touched, "invented"
    for key in before.keys() | after.keys() | found.keys():
        chain = found.get(key, [before.get(key)])
        assert chain[0] == before.get(key), key
        assert chain[-1] == after.get(key), key
    return len(told)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    found = tmp_path / "workspace"
    assert make(found, "--agents", "20", "--tasks", "30").wait() == 0
    return found


def test_every_net_change_is_recorded_once_though_the_recorder_is_killed_twice(root: Path) -> None:
    before = states(root)
    with ExitStack() as stack:
        collector = Collector(root)
        stack.callback(collector.kill)
        collector.begun(root)
        churn = stack.enter_context(churning(root, 90))
        for _ in range(2):
            passes(churn, 15.0)
            collector.kill()
            passes(churn, 1.0)
            collector = Collector(root)
            stack.callback(collector.kill)
        passes(churn, 30.0)
        rss = collector.helper_rss()
        assert churn.wait(60) == 0
        passes(collector.process, 6.0)
        grown = collector.helper_rss() - rss
        collector.process.send_signal(signal.SIGTERM)
        collector.process.wait(10)
    assert check(root, before) > 2000
    assert grown < 3 * MIB


def test_instances_that_take_over_from_each_other_write_one_record(root: Path) -> None:
    before = states(root)
    collectors: list[Collector] = []

    def kill_all() -> None:
        for collector in collectors:
            collector.kill()

    with ExitStack() as stack:
        stack.callback(kill_all)
        collectors.append(Collector(root))
        collectors[0].begun(root)
        collectors.append(Collector(root))
        churn = stack.enter_context(churning(root, 45))
        for _ in range(3):
            passes(churn, 11.0)
            collectors.pop(0).kill()
            collectors.append(Collector(root))
        assert churn.wait(60) == 0
        passes(collectors[0].process, 12.0)
    assert check(root, before) > 1000
