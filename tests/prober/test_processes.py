"""The scan of processes: on a made-up /proc, and on this host with real ones."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from core.clock import SYSTEM_CLOCK
from core.errors import PollError
from core.prober.processes import ProcessScanner, ProcSource, Rules, Scan
from core.prober.skip import Skip
from core.samples import ProcessRow
from tests.fakes import FakeClock

WS = "/srv/ws"


class Host:
    """A /proc of plain files, and a scanner on it."""

    def __init__(self, root: Path) -> None:
        self.proc = root / "proc"
        self.proc.mkdir()
        self.clock = FakeClock(now=5000.0)
        self.beats: list[str] = []
        self.scanner = ProcessScanner(ProcSource(str(root), self.clock), self.clock)

    def put(
        self,
        pid: int,
        folder: str,
        *words: str,
        started: int = 100,
        ticks: int = 0,
        parent: int = 1,
        fds: int = 3,
    ) -> None:
        place = self.proc / str(pid)
        place.mkdir(exist_ok=True)
        (place / "cwd").unlink(missing_ok=True)
        (place / "cwd").symlink_to(folder)
        (place / "cmdline").write_bytes(b"".join(os.fsencode(word) + b"\0" for word in words))
        (place / "stat").write_text(
            f"{pid} (worker) S {parent} 1 1 0 -1 0 0 0 0 0 {ticks} 0 0 0 20 0 1 0 {started} 4096 250 0\n"
        )
        (place / "limits").write_text(
            "Max open files            1024                 4096                 files\n"
        )
        (place / "fd").mkdir(exist_ok=True)
        for number in range(fds):
            (place / "fd" / str(number)).touch()

    def drop(self, pid: int) -> None:
        (self.proc / str(pid)).rename(self.proc / f"gone-{pid}-{self.clock.now()}")

    def scan(self, **changes: Any) -> Scan:
        values: dict[str, Any] = {
            "skip": Skip(()),
            "workspace": WS,
            "patterns": (),
            "agent_patterns": {},
            "budget_ms": 1000.0,
            "exclude": (),
        }
        return self.scanner.scan(self.beats.append, **{**values, **changes})

    def rows(self, **changes: Any) -> dict[int, ProcessRow]:
        return {row[0]: ProcessRow(*row) for row in self.scan(**changes).rows}


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


def test_a_process_in_the_workspace_is_watched_with_all_its_figures(host: Host) -> None:
    host.put(
        70, f"{WS}/postbox/CA", "python", "agent.py", "--token=abc", started=4990 * os.sysconf("SC_CLK_TCK")
    )
    host.put(71, "/export/x", "vim")
    scan = host.scan()
    row = ProcessRow(*scan.rows[0])
    assert row == ProcessRow(
        pid=70,
        started_at=round(host.clock.wall() - 10.0, 2),
        name="worker",
        command="python agent.py --token=***",
        agent="CA",
        why="works in the workspace",
        state="S",
        cpu_percent=None,
        rss_bytes=250 * os.sysconf("SC_PAGE_SIZE"),
        handles=3,
        handle_limit=1024,
    )
    assert (scan.total, scan.unreadable, scan.complete, len(scan.rows)) == (2, 0, True, 1)


@pytest.mark.parametrize(
    ("folder", "words", "expected"),
    [
        ("/srv/ws", "bash", ("works in the workspace", "")),
        ("/srv/ws/src/deep", "bash", ("works in the workspace", "")),
        ("/srv/ws/postbox/CA/sub", "bash", ("works in the workspace", "CA")),
        ("/srv/ws/postbox", "bash", ("works in the workspace", "")),
        ("/srv/ws", "agent postbox/CC/outbox.json", ("works in the workspace", "CC")),
        ("/srv/wsx", "bash", None),
        ("/", "agent --dir=/srv/ws", ("its command line names the workspace", "")),
        ("/", "tail /srv/ws/postbox/CB/outbox.json", ("its command line names the workspace", "CB")),
        ("/", "agent /srv/ws2", None),
        ("/", "agent /old/srv/ws", None),
        ("/", "agent /srv/ws-old /srv/ws", ("its command line names the workspace", "")),
        ("/", "agent my/srv/ws", None),
        ("", "", None),
    ],
)
def test_which_processes_work_in_the_workspace(
    folder: str, words: str, expected: tuple[str, str] | None
) -> None:
    rules = Rules(WS, (), {})
    assert rules.judge(folder.encode(), words.replace(" ", "\0").encode()) == expected


def test_patterns_watch_processes_elsewhere() -> None:
    rules = Rules(WS, ["^redis"], {"CA": r"agent .*--name[ =]alpha\b"})
    assert rules.judge(b"/", b"redis-server\0*:6379\0") == ("matches ^redis", "")
    assert rules.judge(b"/", b"agent\0run\0--name\0alpha\0") == ("matches the pattern of CA", "CA")
    assert rules.judge(b"/srv/ws", b"agent\0--name=alpha\0") == ("works in the workspace", "CA")
    assert rules.judge(b"/", b"agent\0--name=alphabet\0") is None


def test_a_workspace_at_the_root_does_not_watch_everything() -> None:
    assert Rules("/", (), {}).judge(b"/", b"bash\0/x") is None


def test_a_pattern_that_is_no_regular_expression_is_named(host: Host) -> None:
    with pytest.raises(PollError, match=r"process pattern '\(' is no regular expression"):
        host.scan(patterns=("(",))


def test_cpu_is_the_share_since_the_last_scan(host: Host) -> None:
    tick = os.sysconf("SC_CLK_TCK")
    host.put(70, WS, "agent", ticks=5 * tick)
    host.rows()
    host.clock.advance(4.0)
    host.put(70, WS, "agent", ticks=7 * tick)
    assert host.rows()[70].cpu_percent == 50.0
    host.clock.advance(4.0)
    assert host.rows()[70].cpu_percent == 0.0


def test_a_number_used_again_is_another_process(host: Host) -> None:
    host.put(70, WS, "agent", started=100, ticks=500)
    host.rows()
    host.clock.advance(5.0)
    host.put(70, WS, "other", started=200, ticks=1)
    row = host.rows()[70]
    assert (row.command, row.cpu_percent) == ("other", None)


def test_a_process_that_ends_is_not_in_the_next_scan(host: Host) -> None:
    host.put(70, WS, "agent")
    host.rows()
    host.drop(70)
    assert host.rows() == {}


def test_a_young_process_is_looked_at_again_in_the_next_scan(host: Host) -> None:
    tick = os.sysconf("SC_CLK_TCK")
    host.put(70, "/", "bash", started=4999 * tick)
    assert host.rows() == {}
    host.clock.advance(5.0)
    host.put(70, WS, "agent", started=4999 * tick)
    assert host.rows()[70].command == "agent"


def test_an_old_process_is_read_once_and_again_within_a_minute(host: Host) -> None:
    host.put(70, "/", "bash")
    host.rows()
    host.beats.clear()
    host.clock.advance(5.0)
    host.rows()
    assert "/proc/70" not in host.beats
    host.put(70, WS, "bash")
    host.clock.advance(50.0)
    assert host.rows()[70].why == "works in the workspace"


def test_a_watched_process_that_leaves_the_workspace_is_dropped(host: Host) -> None:
    host.put(70, WS, "bash")
    assert 70 in host.rows()
    host.put(70, "/home", "bash")
    host.clock.advance(50.0)
    assert host.rows() == {}


def test_bluetops_own_processes_are_not_listed(host: Host) -> None:
    for pid in (70, os.getpid(), os.getppid()):
        host.put(pid, WS, "agent")
    assert list(host.rows(exclude=(70,))) == []


def test_a_barred_process_is_left_alone(host: Host) -> None:
    host.put(70, WS, "agent")
    host.put(71, WS, "agent")
    assert list(host.rows(skip=Skip(["/proc/70"]))) == [71]
    assert "/proc/70" not in host.beats


def test_the_budget_spreads_a_first_look_over_scans(tmp_path: Path) -> None:
    class Ticking(FakeClock):
        """Every look at the CPU clock costs a millisecond."""

        def cpu(self) -> float:
            self._cpu += 0.001
            return self._cpu

    host = Host(tmp_path)
    host.clock = Ticking(now=5000.0)
    host.scanner = ProcessScanner(ProcSource(str(tmp_path), host.clock), host.clock)
    for pid in range(100, 150):
        host.put(pid, WS if pid % 2 else "/", "agent")
    found: list[int] = []
    for _ in range(12):
        scan = host.scan(budget_ms=12.0)
        found.append(len(scan.rows))
        assert not scan.complete
        host.clock.advance(1.0)
    assert found == sorted(found)
    assert found[0] < 25
    assert found[-1] == 25
    host.beats.clear()
    for _ in range(8):  # the known ones take turns
        host.scan(budget_ms=12.0)
    assert {f"/proc/{pid}" for pid in range(101, 150, 2)} <= set(host.beats)
    assert host.scan(budget_ms=1000.0).complete


def test_a_child_works_for_the_agent_of_its_parent(host: Host) -> None:
    host.put(70, f"{WS}/postbox/CA", "agent")
    host.put(71, WS, "sh", parent=70)
    host.put(72, WS, "make", parent=71)
    host.put(73, WS, "vim", parent=1)
    agents = {pid: row.agent for pid, row in host.rows().items()}
    assert agents == {70: "CA", 71: "CA", 72: "CA", 73: ""}


def test_hostile_command_lines_are_clean(host: Host) -> None:
    host.put(70, WS, "agent\x1b]52;c;x\x07", "\udcff\n", "[@click=app.quit]x" * 500)
    command = host.rows()[70].command
    assert command.isprintable()
    assert len(command) <= 500


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc of this host")
def test_a_real_process_agrees_with_psutil(tmp_path: Path) -> None:
    psutil = pytest.importorskip("psutil")
    code = (
        "import sys; files = [open(sys.executable) for _ in range(40)]; print(flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-I", "-c", code], cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        child.stdout.readline()
        scanner = ProcessScanner(ProcSource("/", SYSTEM_CLOCK), SYSTEM_CLOCK)
        scan = scanner.scan(lambda path: None, (), str(tmp_path), (), {}, 1000.0, ())
        (row,) = (ProcessRow(*row) for row in scan.rows)
        other = psutil.Process(child.pid)
        assert row.pid == child.pid
        assert row.handles == other.num_fds()
        assert row.handle_limit == other.rlimit(psutil.RLIMIT_NOFILE)[0]
        assert row.rss_bytes == pytest.approx(other.memory_info().rss, rel=0.1)
        assert row.started_at == pytest.approx(other.create_time(), abs=2.0)
        assert row.command.startswith(f"{sys.executable} -I -c")
        assert abs(scan.total - len(psutil.pids())) < 50
        child.stdin.close() if child.stdin else None


def test_the_portable_source_finds_the_same_process(tmp_path: Path) -> None:
    pytest.importorskip("psutil")
    from core.prober.portable import PsutilSource, mounts

    with subprocess.Popen(
        [sys.executable, "-I", "-c", "print(flush=True); input()"],
        cwd=tmp_path,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as child:
        assert child.stdout is not None
        child.stdout.readline()
        scanner = ProcessScanner(PsutilSource(), SYSTEM_CLOCK)
        scan = scanner.scan(lambda path: None, (), str(tmp_path.resolve()), (), {}, 5000.0, ())
        assert [row[0] for row in scan.rows] == [child.pid]
        assert (scan.rows[0][8] or 0) > 1_000_000
        assert child.stdin is not None
        child.stdin.write(b"\n")
        child.stdin.flush()
    assert all(mount.path for mount in mounts())
