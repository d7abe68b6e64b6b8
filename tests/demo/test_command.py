"""`bluetop demo` as a person runs it, in a terminal: however it ends, nothing of it stays behind."""

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time

import pytest

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc")

RUN = "import sys; from tui.cli import main; sys.exit(main(sys.argv[1:]))"
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


class Terminal:
    """A pseudo terminal with bluetop in it; `drain` keeps it from blocking on output."""

    def __init__(self, home, *words):
        self.temporary = home
        self.seen = b""
        env = {"PATH": os.environ["PATH"], "HOME": str(home), "TMPDIR": str(home), "TERM": "xterm-256color",
               "LANG": "C.UTF-8", "PYTHONPATH": ROOT}  # fmt: skip
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            try:
                os.execve(sys.executable, [sys.executable, "-c", RUN, *words], env)
            finally:
                os._exit(127)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))

    def folders(self):
        return [name for name in os.listdir(self.temporary) if name.startswith("bluetop-demo-")]

    def drain(self):
        while select.select([self.fd], [], [], 0)[0]:
            try:
                data = os.read(self.fd, 65536)
            except OSError:
                return
            if not data:
                return
            self.seen += data

    def until(self, condition, timeout_s=20.0):
        end = time.monotonic() + timeout_s
        while not (answer := condition()):
            assert time.monotonic() < end, "it did not come to pass"
            self.drain()
            select.select([], [], [], 0.01)
        return answer

    def members(self):
        """The processes that work in the demo's folder."""
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                if os.readlink(f"/proc/{pid}/cwd").startswith(f"{self.temporary}/bluetop-demo-"):
                    found.append(int(pid))
            except OSError:
                continue
        return found

    def ended(self):
        """The wait status, once there is one."""
        pid, status = os.waitpid(self.pid, os.WNOHANG)
        return (status,) if pid else None

    def running(self):
        """Wait until the agents work and the dashboard shows them (its screen is up)."""
        self.until(lambda: self.members() and b"CB" in self.seen)


def described(pid):
    """What a process that should have ended is and what it waits for, for the message of a failure."""
    said = []
    for name in ("cmdline", "wchan", "status"):
        try:
            with open(f"/proc/{pid}/{name}", "rb") as file:
                said.append(file.read().replace(b"\0", b" ").decode(errors="replace"))
        except OSError as error:
            said.append(f"{name}: {error.strerror}")
    return "\n".join([str(pid), *said])


@pytest.fixture
def demo(tmp_path):
    terminal = Terminal(tmp_path, "demo", "--speed", "20")
    yield terminal
    os.close(terminal.fd)
    try:
        os.kill(terminal.pid, signal.SIGKILL)
        os.waitpid(terminal.pid, 0)
    except (ProcessLookupError, ChildProcessError):
        return


def test_q_ends_everything_with_status_0(demo):
    demo.running()
    os.write(demo.fd, b"q")
    (status,) = demo.until(demo.ended)
    assert os.waitstatus_to_exitcode(status) == 0
    assert not demo.folders()
    demo.until(lambda: not demo.members())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_everything_with_its_status(demo, number):
    demo.running()
    os.kill(demo.pid, number)
    (status,) = demo.until(demo.ended)
    assert os.waitstatus_to_exitcode(status) in (128 + number, -number)
    demo.until(lambda: not demo.folders() and not demo.members())


def test_killed_outright_it_still_leaves_nothing(demo):
    demo.running()
    os.kill(demo.pid, signal.SIGKILL)
    demo.until(demo.ended)
    demo.until(lambda: not demo.folders() and not demo.members(), timeout_s=2.0)


@pytest.mark.long
def test_killed_at_any_moment_of_its_start_it_leaves_nothing(tmp_path):
    for step in range(60):
        terminal = Terminal(tmp_path, "demo")
        try:
            select.select([], [], [], step * 0.008)
            os.kill(terminal.pid, signal.SIGKILL)
            os.waitpid(terminal.pid, 0)
            # Long, since a disk that is being flushed can hold up a file operation for seconds.
            end = time.monotonic() + 60.0
            while (left := terminal.members()) and time.monotonic() < end:
                select.select([], [], [], 0.01)
            assert not left, [described(pid) for pid in left]
        finally:
            os.close(terminal.fd)
    # Between making the folder and starting the fleet (under 1 ms) nobody else can clear it up.
    assert len(terminal.folders()) <= 2


def headless(tmp_path, *words):
    return subprocess.run(
        [sys.executable, "-c", RUN, "demo", "--headless", *words],
        cwd=ROOT, env={**os.environ, "TMPDIR": str(tmp_path)}, capture_output=True, text=True, timeout=30,
    )  # fmt: skip


def test_without_a_dashboard_the_agents_work_in_the_named_folder_which_stays(tmp_path):
    done = headless(tmp_path, "--dir", str(tmp_path / "show"), "--duration", "0.3", "--speed", "100")
    assert done.returncode == 0
    assert "six agents work in" in done.stderr
    assert (tmp_path / "show/postbox/CB/outbox.json").exists()


def test_without_a_dashboard_and_a_folder_the_temporary_one_is_removed(tmp_path):
    done = headless(tmp_path, "--duration", "0.1")
    assert done.returncode == 0
    assert not os.listdir(tmp_path)


def test_somebody_elses_folder_is_refused_in_one_line(tmp_path):
    (tmp_path / "mine").write_text("")
    done = headless(tmp_path, "--dir", str(tmp_path))
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "not empty" in done.stderr
