import os
import sys
from pathlib import Path

import pytest

from core.errors import PollError
from core.pollers.handles import HandlesPoller, parse_file_nr
from core.pollers.own import OwnPoller, parse_schedstat, parse_statm
from core.pollers.procfs import ProcFile, read_once
from core.pollers.setup import Setup
from core.prober.client import Prober
from core.prober.guard import Guard
from tests.fakes import FakeClock


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"547\t0\t2466183\n", (547, 2466183)),
        (b"1200\t300\t9223372036854775807\n", (900, None)),
        (b"547 0\n", None),
        (b"", None),
        (b"a b c", None),
        (None, None),
    ],
)
def test_file_handles_of_the_system(text: bytes | None, expected: tuple[int, int | None] | None) -> None:
    assert parse_file_nr(text) == expected


def test_without_file_nr_the_error_says_so(tmp_path: Path) -> None:
    with pytest.raises(PollError, match="file-nr cannot be read"):
        HandlesPoller("box", 1.0, str(tmp_path)).poll(1.0)


def test_a_file_longer_than_a_page_is_read_whole(tmp_path: Path) -> None:
    (tmp_path / "long").write_bytes(b"x" * 300_000)
    file = ProcFile(str(tmp_path), "long")
    assert file.read() == b"x" * 300_000
    assert read_once(str(tmp_path), "long") == b"x" * 300_000
    file.close()
    assert file.read() is not None
    assert read_once(str(tmp_path), "missing") is None
    assert ProcFile(str(tmp_path), "missing").read() is None


class Tty:
    total = 0


def test_own_cost_is_that_of_both_processes(tmp_path: Path) -> None:
    clock, tty = FakeClock(), Tty()
    prober = Prober(clock)
    prober.pid = 77
    page = os.sysconf("SC_PAGE_SIZE")
    for name, text in (
        ("self/statm", "900 300 5 5 5 5 5"),
        ("77/statm", "900 100 5 5 5 5 5"),
        ("77/schedstat", "1000000000 5 5"),
    ):
        (tmp_path / "proc" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "proc" / name).write_text(text)
    poller = OwnPoller(Setup("box", None, prober, Guard(prober, clock), clock, tty=tty, root=str(tmp_path)))
    assert poller.poll(10.0).cpu_percent is None
    clock.advance(1.0, cpu=0.02)
    tty.total = 500
    (tmp_path / "proc/77/schedstat").write_text("1010000000 5 5")
    sample = poller.poll(12.0)
    assert sample.cpu_percent == pytest.approx(1.5)
    assert sample.rss_bytes == 400 * page
    assert sample.tty_bytes_per_s == 250.0
    prober.pid = None  # it died: what it had used stays used
    sample = poller.poll(14.0)
    assert sample.cpu_percent == pytest.approx(0.0)
    assert sample.rss_bytes == 300 * page


def test_small_files() -> None:
    assert parse_schedstat(b"2500000000 1 2\n") == 2.5
    assert parse_schedstat(None) is None
    assert parse_statm(b"x y") is None


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_the_real_prober_is_counted() -> None:
    clock = FakeClock()
    prober = Prober()
    prober.ask("ping", 10.0)
    poller = OwnPoller(Setup("box", None, prober, Guard(prober, clock), clock))
    sample = poller.poll(10.0)
    prober.close()
    alone = poller.poll(11.0)
    assert sample.rss_bytes is not None
    assert alone.rss_bytes is not None
    assert sample.rss_bytes - alone.rss_bytes > 4 * 1024 * 1024
    assert sample.tty_bytes_per_s is None
