"""The fleet as a process: what it costs, who sees its agents, and that nothing of it stays behind."""

import os
import select
import signal
import subprocess
import sys
import time

import pytest

from core.demo import fleet, workspace
from core.demo.rng import Rng

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc")

RSS_LIMIT_MIB = 9.5


class Running:
    """A fleet in a process of its own, with the test as its parent."""

    def __init__(self, place, *flags, speed=60.0, duration_s=0.0, **options):
        self.words = fleet.command(place, *flags, seed=5, speed=speed, duration_s=duration_s)
        self.process = subprocess.Popen(
            self.words, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options
        )
        if fleet.GUARDED in flags:
            self.process.stdin.write("!")
            self.process.stdin.flush()

    def children(self):
        try:
            with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children") as file:
                return [int(pid) for pid in file.read().split()]
        except OSError:
            return []


def until(condition, timeout_s=20.0):
    """The first true answer; looks every few milliseconds, since processes tell nobody."""
    end = time.monotonic() + timeout_s
    while not (answer := condition()):
        assert time.monotonic() < end, "it did not come to pass"
        select.select([], [], [], 0.005)
    return answer


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return file.read().rpartition(b")")[2].split()[0] != b"Z"
    except OSError:
        return False


@pytest.fixture
def place(tmp_path):
    directory = str(tmp_path / "démo with spaces")
    workspace.create(directory, Rng(5), time.time())
    return directory


@pytest.fixture
def start(place):
    started = []

    def starter(*flags, **options):
        started.append(Running(place, *flags, **options))
        return started[-1]

    yield starter
    for running in started:
        running.process.kill()
        running.process.wait()
        for stream in (running.process.stdin, running.process.stderr):
            stream.close()


def test_it_ends_with_its_parents_pipe_and_takes_folder_and_agents_along(place, start):
    running = start(fleet.GUARDED, fleet.REMOVING)
    agents = until(running.children)
    running.process.stdin.close()
    assert running.process.wait(5) == 0
    assert running.process.stderr.read() == ""
    assert not os.path.exists(place)
    until(lambda: not any(alive(pid) for pid in agents))


def test_a_parent_that_dies_before_the_folder_is_ready_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    place = workspace.temporary()
    words = fleet.command(place, fleet.GUARDED, fleet.REMOVING, seed=1)
    assert subprocess.run(words, stdin=subprocess.DEVNULL, timeout=10).returncode == 0
    assert not os.listdir(tmp_path)


def test_killed_outright_it_leaves_no_agent_behind(place, start):
    running = start(fleet.GUARDED)
    agents = until(running.children)
    running.process.kill()
    until(lambda: not any(alive(pid) for pid in agents))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_without_a_guard_a_signal_ends_it_and_it_still_clears_up(place, start, number):
    running = start(fleet.REMOVING)
    agents = until(running.children)
    running.process.send_signal(number)
    assert running.process.wait(5) == 128 + number
    assert not os.path.exists(place)
    until(lambda: not any(alive(pid) for pid in agents))


def test_a_duration_ends_it_and_a_folder_of_the_operators_own_stays(place, start):
    running = start(duration_s=0.2)
    assert running.process.wait(10) == 0
    assert os.path.exists(workspace.outbox(place, "CB"))


def test_it_ends_when_its_folder_vanishes(place, start):
    running = start(fleet.GUARDED)
    until(running.children)
    workspace.remove(place)
    assert running.process.wait(10) == 0


def test_each_working_agent_is_a_process_in_its_own_folder_with_its_own_files(place, start):
    running = start(fleet.GUARDED)

    def seen():
        agents = {}
        for pid in running.children():
            try:
                folder = os.readlink(f"/proc/{pid}/cwd")
                names = os.listdir(f"/proc/{pid}/fd")
                files = [os.readlink(f"/proc/{pid}/fd/{name}") for name in names]
            except OSError:
                continue
            if any(path.endswith(".md") for path in files):
                agents[os.path.basename(folder)] = (folder, files)
        return agents

    agents = until(seen)
    assert len(running.children()) <= 3
    for agent, (folder, files) in agents.items():
        assert folder == os.path.join(place, "postbox", agent)
        assert any(path.startswith(os.path.join(folder, "outbox.json")) for path in files)
        assert any(path.startswith(os.path.join(folder, "inbox/TASK-")) for path in files)


def test_an_agents_process_that_is_killed_comes_back_with_a_later_task(place, start):
    running = start(fleet.GUARDED)
    killed = set(until(running.children))
    for pid in killed:
        os.kill(pid, signal.SIGKILL)
    until(lambda: set(running.children()) - killed)
    assert running.process.poll() is None


def test_its_memory_stays_within_its_share(place, start):
    code = os.path.dirname(os.path.dirname(os.path.abspath(fleet.__file__)))
    subprocess.run([sys.executable, "-m", "compileall", "-q", code], check=True)
    running = start(fleet.GUARDED)
    until(running.children)
    with open(f"/proc/{running.process.pid}/status") as file:
        rss = next(int(line.split()[1]) for line in file if line.startswith("VmRSS"))
    bare = subprocess.run(
        [sys.executable, "-I", "-S", "-c", "print(open('/proc/self/status').read())"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    floor = next(int(line.split()[1]) for line in bare.stdout.splitlines() if line.startswith("VmRSS"))
    # Pythons differ by megabytes between builds; what is ours does not.
    assert rss <= max(RSS_LIMIT_MIB * 1024, floor + 1500)


def test_it_imports_nothing_heavy(place):
    probe = (
        "import sys; sys.path.append(sys.argv[1]); import core.demo.fleet as f;"
        "f.Fleet(sys.argv[2], seed=1, speed=1.0, solitary=True).turn(); print(*sys.modules)"
    )
    code = fleet.command(place, seed=1)[5]
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", probe, code, place], capture_output=True, text=True, check=True
    )
    heavy = {"json", "re", "typing", "random", "signal", "subprocess", "asyncio", "enum", "dataclasses"}
    assert not heavy & set(done.stdout.split())
