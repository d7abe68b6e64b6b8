"""Alerts of an engine with the real prober: kept in the workspace, across restarts and a dying prober."""

import os
import select
import signal
import sys
import time
from pathlib import Path

import pytest

from core.alerts import plan
from core.alerts.store import read_log
from core.config import Hook, Poll, Rule, Settings
from core.control import AckAlert, submit
from core.engine import Engine
from tests.core.test_engine_live import Live, live, write

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="stops and kills processes by /proc's rules")
RULES = (Rule("queue", "queue_length", 15, "agent", clear=12), Rule("never", "cpu_percent", 1e6, "host"))


def engine(
    root: Path, *, write: bool = True, state: str | None = None, hooks: tuple[Hook, ...] = ()
) -> Engine:
    poll = Poll(host_interval_s=0.1, queue_interval_s=0.1, deadline_s=0.5)
    settings = Settings(poll=poll, rule=RULES, hook=hooks)
    return Engine(
        settings, str(root), alerts=plan(str(root), state, write=write, seen=True), read_only=not write
    )


def fires(snapshot) -> bool:
    return any(alert.state == "firing" for alert in snapshot.alerts.active)


def lines(root: Path, what: str) -> list[dict]:
    return [row for row in read_log(str(root / ".bluetop")) if row["what"] == what]


def test_alerts_go_on_after_a_restart_with_their_id_and_start(tmp_path):
    write(tmp_path, "CA", *["pending"] * 20)
    seen = []

    async def story(here: Live) -> None:
        snapshot = await here.until(lambda s: fires(s) and s.alerts.mode == "writing")
        seen.append(snapshot.alerts.active[0])
        if len(seen) == 1:
            submit(AckAlert(here.engine.alerts.desk, "queue", "CA"), read_only=False, by="ann")
            await here.until(lambda s: s.alerts.active[0].acked_by)

    live(engine(tmp_path), story)
    live(engine(tmp_path), story)
    before, after = seen
    assert (after.id, after.acked_by, after.value) == (before.id, "ann", 20.0)
    assert after.since == pytest.approx(before.since, abs=0.01)
    assert [row["to"] for row in lines(tmp_path, "transition")] == ["firing"]
    assert [row["kind"] for row in lines(tmp_path, "notification")] == ["firing"]
    assert [row["by"] for row in lines(tmp_path, "ack")] == ["ann"]


def test_a_prober_that_dies_costs_no_line_and_doubles_none(tmp_path):
    write(tmp_path, "CA", *["pending"] * 20)

    async def story(here: Live) -> None:
        snapshot = await here.until(lambda s: fires(s) and s.alerts.mode == "writing")
        first = snapshot.alerts.active[0].id
        os.kill(here.engine.prober.pid, signal.SIGKILL)
        write(tmp_path, "CA", "pending")
        await here.until(lambda s: not fires(s))
        write(tmp_path, "CA", *["pending"] * 30)
        snapshot = await here.until(fires)
        assert snapshot.alerts.active[0].id != first
        assert snapshot.alerts.mode == "writing"

    live(engine(tmp_path), story)
    told = [(row["before"], row["to"]) for row in lines(tmp_path, "transition")]
    assert told == [("inactive", "firing"), ("firing", "resolved"), ("inactive", "firing")]


def test_read_only_judges_and_writes_nothing(tmp_path):
    write(tmp_path, "CA", *["pending"] * 20)

    async def story(here: Live) -> None:
        snapshot = await here.until(fires)
        assert snapshot.alerts.mode == "memory"

    live(engine(tmp_path, write=False, state=str(tmp_path / "state")), story)
    assert not (tmp_path / ".bluetop").exists()
    assert not (tmp_path / "state").exists()


def test_where_the_workspace_cannot_be_written_the_state_folder_keeps_them(tmp_path):
    root, state = tmp_path / "ws", tmp_path / "state"
    root.mkdir()
    write(root, "CA", *["pending"] * 20)
    (root / ".bluetop").write_text("in the way")

    async def story(here: Live) -> None:
        await here.until(lambda s: fires(s) and s.alerts.mode == "writing")

    live(engine(root, state=str(state)), story)
    (kept,) = state.glob("workspaces/*/alerts.json")
    assert '"queue"' in kept.read_text()
    assert (kept.parent / "alerts.seen").exists()


def test_a_hook_is_told_once_also_when_bluetop_ends_at_once(tmp_path):
    root, told = tmp_path / "ws", tmp_path / "told"
    root.mkdir()
    write(root, "CA", *["pending"] * 20)
    hook = Hook("page", ("/bin/sh", "-c", f"cat >> {told}; echo >> {told}"))

    async def story(here: Live) -> None:
        await here.until(lambda s: fires(s) and s.alerts.mode == "writing")

    for _ in range(2):
        live(engine(root, hooks=(hook,)), story)
    (message,) = written(told)
    assert '"rule":"queue"' in message.replace(" ", "")


def written(path: Path) -> list[str]:
    """The whole lines of a file, once there is one: what outlives its owner cannot be waited for otherwise."""
    end = time.monotonic() + 20.0
    while not (path.exists() and path.read_text().endswith("\n")):
        assert time.monotonic() < end, f"{path} was not written"
        select.select([], [], [], 0.005)
    return [line for line in path.read_text().splitlines() if line.strip()]
