"""The prober as its owner sees it: a real process, asked, stopped, killed and talked nonsense to."""

import asyncio
import contextlib
import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from core.errors import PollError, ProberGone
from core.prober import spawn
from core.prober.client import Prober, Stuck
from core.prober.spawn import PATHS
from tests.prober.conftest import Cell

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="watches processes through /proc and pidfd")


def stuck_after(prober: Prober, now: float, looks: int = 40) -> tuple[Stuck | None, float]:
    """Look every 2 s of a made-up time until the prober counts as stuck; how long that took."""
    for look in range(looks):
        found = prober.stuck(now + 2.0 * look)
        if found is not None:
            return found, 2.0 * look
    return None, 2.0 * looks


def hang(cell: Cell) -> int:
    """Have the prober block in a read of a FIFO, for certain; returns the FIFO's writing end."""
    fifo = cell.workspace / "stuck"
    os.mkfifo(fifo)
    cell.prober.send("queues", **cell.queues())
    return os.open(fifo, os.O_WRONLY)  # returns when the prober has opened the other end


def test_ping_is_answered(cell: Cell) -> None:
    assert cell.prober.ask("ping", 5.0) == ["pong"]
    assert (cell.prober.restarts, cell.prober.problem) == (0, "")


def test_an_unchanged_workspace_answers_one_empty_part(cell: Cell) -> None:
    cell.put("CA", "3")
    first = cell.prober.ask("queues", 5.0, **cell.queues())
    assert [row[0] for part in first for row in part.get("changed", ())] == ["CA"]
    again = cell.prober.ask("queues", 5.0, **cell.queues())
    assert again == [{"changed": [], "gone": [], "problems": [], "done": 1, "total": 1}]


def test_forget_has_everything_read_again(cell: Cell) -> None:
    cell.put("CA", "3")
    cell.prober.ask("queues", 5.0, **cell.queues())
    cell.prober.ask("forget", 5.0)
    part = cell.prober.ask("queues", 5.0, **cell.queues())[0]
    assert [row[0] for row in part.get("changed", ())] == ["CA"]


def test_an_error_is_a_clean_sentence_and_the_next_request_is_served(cell: Cell) -> None:
    cell.put("CA", "odd")
    with pytest.raises(PollError, match=r"the helper met ValueError: the file is odd\\x1b\[31m"):
        cell.prober.ask("queues", 5.0, **cell.queues())
    assert cell.prober.ask("ping", 5.0) == ["pong"]


def test_an_unknown_operation_is_an_error(cell: Cell) -> None:
    with pytest.raises(PollError, match="no operation 'dance'"):
        cell.prober.ask("dance", 5.0)


def test_many_rows_come_in_parts_of_bounded_size(cell: Cell) -> None:
    for number in range(1000):
        cell.put(f"agent-{number:04}", "1")
    parts = cell.prober.ask("queues", 20.0, **cell.queues())
    names = [row[0] for part in parts for row in part.get("changed", ())]
    assert names == [f"agent-{number:04}" for number in range(1000)]
    assert [p["problems"] for p in parts if p.get("problems")] == [
        [[str(cell.workspace), ["odd", "crowded", "many", 0, 0, ""]]]
    ]


def test_tasks_and_records_come_in_chunks(cell: Cell) -> None:
    cell.put("CA", "2000")
    cell.prober.ask("queues", 5.0, **cell.queues())
    parts = cell.prober.ask("tasks", 5.0, agent="CA", **cell.queues())
    assert len(parts) > 2
    assert [row[0] for part in parts for row in part["tasks"]] == [f"T{n}" for n in range(2000)]
    record = cell.prober.ask("record", 5.0, agent="CA", place="tasks", index=0, task_id="T0", **cell.queues())
    assert "".join(part["text"] for part in record) == "{" + "ä" * 100_000 + "}"


def test_a_short_question_overtakes_a_long_scan(cell: Cell) -> None:
    for number in range(1000):
        cell.put(f"agent-{number:04}", "1")
    scan = cell.prober.send("queues", **cell.queues())
    ping = cell.prober.send("ping")
    order: list[int] = []
    while scan not in order:
        order += [reply.id for reply in cell.prober.receive(5.0) if reply.done]
    assert order.index(ping) < order.index(scan)


def test_a_prober_blocked_in_a_read_is_stuck_at_that_path(cell: Cell) -> None:
    fifo = hang(cell)
    found, waited = stuck_after(cell.prober, 1000.0)
    assert found is not None
    assert found.unit == f"queues:{cell.workspace}/stuck"
    assert waited >= 5.0
    os.close(fifo)


def test_an_abandoned_prober_is_killed_and_its_requests_are_told(
    cell: Cell, wait_for_exit: Callable[..., bool]
) -> None:
    fifo = hang(cell)
    pid = cell.prober.pid
    assert pid is not None
    cell.prober.abandon("no answer")
    replies = cell.prober.receive()
    assert [(reply.done, reply.gone, reply.error) for reply in replies] == [(True, True, "no answer")]
    assert wait_for_exit(pid)
    assert cell.prober.ask("ping", 5.0) == ["pong"]
    assert cell.prober.restarts == 1
    os.close(fifo)


def test_an_idle_prober_is_never_stuck(cell: Cell) -> None:
    cell.prober.ask("ping", 5.0)
    assert stuck_after(cell.prober, 1000.0)[0] is None


def test_one_long_sleep_of_the_owner_is_not_held_against_the_prober(cell: Cell) -> None:
    fifo = hang(cell)
    cell.prober.stuck(1000.0)
    assert cell.prober.stuck(9000.0) is None
    os.close(fifo)


def test_a_stopped_prober_is_stuck_but_its_unit_is_not_blamed(cell: Cell) -> None:
    cell.prober.ask("ping", 5.0)
    pid = cell.prober.pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    os.waitid(os.P_PID, pid, os.WSTOPPED | os.WNOWAIT)
    cell.prober.send("ping")
    found, _ = stuck_after(cell.prober, 1000.0)
    assert found is not None
    assert found.unit == ""
    cell.prober.abandon()
    assert cell.prober.ask("ping", 5.0) == ["pong"]


def test_a_killed_prober_is_gone_for_those_who_wait_and_back_for_the_next(cell: Cell) -> None:
    fifo = hang(cell)
    pid = cell.prober.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    with pytest.raises(ProberGone, match="the helper process ended"):
        cell.prober.ask("ping", 5.0)
    assert [death.unit for death in cell.prober.deaths] == [f"queues:{cell.workspace}/stuck"]
    assert cell.prober.ask("ping", 5.0) == ["pong"]
    assert cell.prober.restarts == 1
    os.close(fifo)


def test_a_prober_that_talks_nonsense_is_replaced(cell: Cell) -> None:
    cell.put("CA", "garbage")
    with pytest.raises(ProberGone, match="what is no answer"):
        cell.prober.ask("queues", 5.0, **cell.queues())
    assert cell.prober.ask("ping", 5.0) == ["pong"]


def test_a_prober_that_cannot_start_is_put_off_longer_and_longer(cell: Cell) -> None:
    prober = Prober(cell.clock, boot="raise SystemExit(3)")
    starts = 0
    for _ in range(100):
        with contextlib.suppress(ProberGone):
            prober.ask("ping", 5.0)
        starts = max(starts, prober.restarts)
        cell.clock.advance(1.0)
    assert 3 <= starts <= 10
    prober.close()


def test_without_an_interpreter_requests_fail_and_nothing_is_raised(
    cell: Cell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    request = cell.prober.send("ping")
    replies = cell.prober.receive(1.0)
    assert [(reply.id, reply.gone) for reply in replies] == [(request, True)]
    assert "cannot be started" in cell.prober.problem


def test_ask_gives_up_and_says_where_it_waits(cell: Cell) -> None:
    fifo = hang(cell)
    with pytest.raises(PollError, match=r"ping: no answer for 0.01 s \(at .*/stuck\)"):
        cell.prober.ask("ping", 0.01)
    os.close(fifo)


def test_after_close_there_is_no_process_and_no_new_one(
    cell: Cell, wait_for_exit: Callable[..., bool]
) -> None:
    cell.prober.ask("ping", 5.0)
    pid = cell.prober.pid
    assert pid is not None
    cell.prober.close()
    assert wait_for_exit(pid)
    with pytest.raises(ProberGone):
        cell.prober.ask("ping", 1.0)


def test_the_prober_holds_its_pipes_and_nothing_else_of_ours(cell: Cell, tmp_path: Path) -> None:
    with open(tmp_path / "ours", "w") as ours:
        os.set_inheritable(ours.fileno(), True)
        cell.prober.ask("ping", 5.0)
        pid = cell.prober.pid
        held = sorted(int(fd) for fd in os.listdir(f"/proc/{pid}/fd"))
        assert held == [0, 1, 2, 3, 4, 5, 6]
        assert {os.readlink(f"/proc/{pid}/fd/{fd}") for fd in (0, 1, 2)} == {os.devnull}
        assert os.getpgid(pid or 0) == pid


def test_the_prober_imports_nothing_heavy(cell: Cell) -> None:
    code = PATHS + (
        "import core.prober.main, core.prober.mounts, core.prober.processes; "
        "heavy = 'asyncio subprocess socket dataclasses pathlib msgspec psutil textual select mmap'.split(); "
        "sys.exit(','.join(name for name in heavy if name in sys.modules) or 0)"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code, spawn.root(), ""], capture_output=True, text=True, timeout=30
    )
    assert (done.stderr, done.returncode) == ("", 0)


OWNER = """
import sys
sys.path.insert(0, sys.argv[1])
from core.prober.client import Prober
from tests.scripted_queues import BOOT
prober = Prober(boot=BOOT)
prober.ask("ping", 10.0)
prober.send("queues", workspace=sys.argv[2], backend="scripted")
print(prober.pid, flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("blocked", [False, True])
def test_the_prober_dies_with_its_owner_even_inside_a_probe(
    cell: Cell, wait_for_exit: Callable[..., bool], blocked: bool
) -> None:
    if blocked:
        os.mkfifo(cell.workspace / "stuck")
    with subprocess.Popen(
        [sys.executable, "-c", OWNER, spawn.root(), str(cell.workspace)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as owner:
        assert owner.stdout is not None
        pid = int(owner.stdout.readline())
        fifo = os.open(cell.workspace / "stuck", os.O_WRONLY) if blocked else -1
        owner.kill()
    assert wait_for_exit(pid)
    if blocked:
        os.close(fifo)


async def test_stream_gives_the_parts_in_order(cell: Cell) -> None:
    for number in range(300):
        cell.put(f"agent-{number:04}", "1")
    names = [
        row[0]
        async for part in cell.prober.stream("queues", **cell.queues())
        for row in part.get("changed", ())
    ]
    assert names == [f"agent-{number:04}" for number in range(300)]
    cell.prober.detach()


async def test_two_streams_at_once_do_not_mix(cell: Cell) -> None:
    cell.put("CA", "3")

    async def collect(op: str) -> list[object]:
        return [part async for part in cell.prober.stream(op, **cell.queues())]

    queues, pong = await asyncio.gather(collect("queues"), collect("ping"))
    assert pong == ["pong"]
    assert len(queues) == 1 or len(queues) == 2
    cell.prober.detach()


async def test_a_request_begun_before_the_loop_is_taken_up_on_it(cell: Cell) -> None:
    cell.put("CA", "3")
    request = cell.prober.send("queues", **cell.queues())
    parts = [part async for part in cell.prober.parts(request)]
    assert parts[0]["changed"][0][0] == "CA"
    cell.prober.detach()


async def test_a_cancelled_wait_loses_no_part(cell: Cell) -> None:
    fifo = hang(cell)
    request = cell.prober.send("queues", **cell.queues())

    async def collect() -> list[object]:
        return [part async for part in cell.prober.parts(request)]

    waiting = asyncio.ensure_future(collect())
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    os.remove(cell.workspace / "stuck")  # first, or the second scan may open it again
    os.write(fifo, b"7")
    os.close(fifo)
    assert await collect()
    cell.prober.detach()


async def test_a_death_ends_the_streams_on_the_loop(cell: Cell) -> None:
    fifo = hang(cell)
    stream = cell.prober.stream("ping")
    waiting = asyncio.ensure_future(anext(stream))
    await asyncio.sleep(0)
    assert cell.prober.pid is not None
    os.kill(cell.prober.pid, signal.SIGKILL)
    with pytest.raises(ProberGone):
        await waiting
    assert [part async for part in cell.prober.stream("ping")] == ["pong"]
    cell.prober.detach()
    os.close(fifo)


async def test_sending_never_waits_for_a_prober_that_does_not_read(cell: Cell) -> None:
    fifo = hang(cell)
    big = tuple(f"/skip/{number:06}" * 10 for number in range(2000))
    for _ in range(10):
        cell.prober.send("queues", **cell.queues(big))
    ping = cell.prober.send("ping")
    waiting = asyncio.ensure_future(anext(cell.prober.parts(ping)))
    os.write(fifo, b"7")
    os.close(fifo)
    os.remove(cell.workspace / "stuck")
    assert await waiting == "pong"
    cell.prober.detach()


def test_a_flood_of_replies_does_not_block_the_prober_for_good(
    cell: Cell, wait_for_exit: Callable[..., bool]
) -> None:
    cell.put("CA", "20000")
    cell.prober.ask("queues", 5.0, **cell.queues())
    request = cell.prober.send("tasks", agent="CA", **cell.queues())
    assert cell.prober.pid is not None
    # Nobody reads: the prober waits with a full pipe, and that is no hang.
    assert cell.prober._fds is not None
    assert select.select([cell.prober._fds.replies], [], [], 15.0)[0]
    assert not wait_for_exit(cell.prober.pid, 50)
    assert stuck_after(cell.prober, 1000.0)[0] is None
    rows = 0
    done = False
    while not done:
        for reply in cell.prober.receive(5.0):
            rows += len(reply.part["tasks"]) if reply.part else 0
            done = done or (reply.id == request and reply.done)
    assert rows == 20000
