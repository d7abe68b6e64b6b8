"""The helper process of rebalancing and its owner's side: answers, cancelling, ends of every kind."""

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from core.balance.client import BalanceClient, Done, Failed, Progress, Settled
from core.balance.options import Options
from core.balance.plan import plan_of
from core.balance.worker import joined, lines_of
from tests.balance.worker.building import LONGEST_S, answer, events_until, skewed, task, tasks_of, write
from tests.cli.conftest import tree

ROOT = Path(__file__).parents[3]


@pytest.fixture
def client() -> Iterator[BalanceClient]:
    made = BalanceClient()
    yield made
    made.close()


def plan_in(client: BalanceClient, ws: Path, **more: Any) -> dict[str, Any]:
    found = answer(client, op="plan", workspace=str(ws), options=Options().data(), **more)
    assert isinstance(found, Done), found
    return found.data


def gone(pid: int) -> bool:
    """Whether a process has ended; its own child would stay as a zombie until it is waited for."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return True
    return stat.rpartition(")")[2].split()[0] == "Z"


def wait_for(condition: Any, longest_s: float = LONGEST_S) -> None:
    until = time.monotonic() + longest_s
    while not condition():
        assert time.monotonic() < until, "it did not come"
        select.select([], [], [], 0.02)


# -- reading ----------------------------------------------------------------------------------------


def test_plan_is_made_and_nothing_is_touched(client, tmp_path):
    ws = skewed(tmp_path)
    before = tree(ws)
    plan = plan_of(plan_in(client, ws))
    assert plan.moves
    assert plan.after.peak < plan.before.peak
    assert tree(ws) == before


def test_dropped_moves_are_left_out(client, tmp_path):
    ws = skewed(tmp_path)
    whole = plan_in(client, ws, now=1e9)
    less = plan_in(client, ws, now=1e9, drop=[whole["moves"][0]["seq"]])
    assert [m["task_id"] for m in less["moves"]] == [m["task_id"] for m in whole["moves"][1:]]


def test_why_explains_a_task(client, tmp_path):
    found = answer(client, op="why", workspace=str(skewed(tmp_path)), task="TASK-1", options={})
    assert isinstance(found, Done)
    assert found.data["schema"] == "bluetop.why-task/1"


def test_workspace_that_cannot_be_read_fails_with_its_status(client, tmp_path):
    found = answer(client, op="plan", workspace=str(tmp_path / "none"), options={})
    assert isinstance(found, Failed)
    assert found.status == 3
    assert "postbox" in found.text


@pytest.mark.parametrize("request_", [{"op": "dance"}, {"op": "plan", "options": {"target": "x"}}, {}])
def test_request_that_makes_no_sense_fails_with_a_sentence(client, tmp_path, request_):
    found = answer(client, workspace=str(tmp_path), **request_)
    assert isinstance(found, Failed)
    assert found.status == 2


def test_second_request_takes_the_place_of_the_first(client, tmp_path):
    ws = skewed(tmp_path)
    first = client.start({"op": "plan", "workspace": str(ws), "options": {}})
    second = client.start({"op": "plan", "workspace": str(ws), "options": {"target": 70}})
    heard = events_until(client, Done)
    assert {event.job for event in heard} == {second}
    assert second != first
    assert heard[-1].data["config"]["target"] == 70


def test_cancelled_plan_says_no_more(client, tmp_path):
    client.start({"op": "plan", "workspace": str(skewed(tmp_path)), "options": {}})
    pid = client._front.pid
    client.cancel()
    assert client.running == ""
    wait_for(lambda: client.poll() == [] and gone(pid))


def test_helper_that_is_killed_is_said(client, tmp_path):
    client.start({"op": "plan", "workspace": str(skewed(tmp_path)), "options": {}})
    os.kill(client._front.pid, signal.SIGKILL)
    heard = events_until(client, Failed)
    assert "ended without an answer" in heard[-1].text


def test_helper_that_stands_still_is_given_up_with_the_name_of_what_it_was_at(tmp_path):
    client = BalanceClient(deadline_s=0.2)
    client.start({"op": "plan", "workspace": str(skewed(tmp_path)), "options": {}})
    pid = client._front.pid
    os.kill(pid, signal.SIGSTOP)  # to its owner, a helper that does not go on
    client._front.credit = 1e6  # one that was stopped is given more time than a test has
    failed = events_until(client, Failed)[-1]
    assert failed.status == 3
    assert "no answer for 0.2 s (starting)" in failed.text
    wait_for(lambda: client.poll() == [] and gone(pid))
    client.close()


def test_answer_that_is_none_is_said_and_the_helper_ended(client, tmp_path):
    client.start({"op": "plan", "workspace": str(skewed(tmp_path)), "options": {}})
    job = client._front
    heard: list[Any] = []
    for line in (b"{}\n", b'{"progress": 3}\n'):
        read, write_end = os.pipe()
        os.dup2(read, job.replies)
        os.set_blocking(job.replies, False)
        os.write(write_end, line)
        os.close(read)
        client._read(job, heard)
        os.close(write_end)
        if job.replies < 0:
            break
    assert isinstance(heard[-1], Failed)
    assert "no answer" in heard[-1].text
    assert client.running == ""


def test_owner_that_is_killed_takes_a_reading_helper_with_it(tmp_path):
    for number in range(300):
        write(tmp_path, f"A{number:03}", [task(number * 100 + k) for k in range(30)])
    code = (
        "import sys,time; sys.path.insert(0, sys.argv[2]); from core.balance.client import BalanceClient\n"
        "c = BalanceClient(); c.start({'op': 'plan', 'workspace': sys.argv[1], 'options': {}})\n"
        "print(c._front.pid, flush=True); time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path), str(ROOT)], stdout=subprocess.PIPE, text=True
    ) as owner:
        assert owner.stdout is not None
        pid = int(owner.stdout.readline())
        owner.kill()
    wait_for(lambda: gone(pid))


def test_long_answers_come_in_parts_and_whole():
    data = {
        "schema": "x", "moves": [{"seq": n} for n in range(1234)], "few": [1, 2],
        "before": {"peak": 1.0, "agents": {f"A{n}": {"n": n} for n in range(555)}},
    }  # fmt: skip
    lines = [json.loads(line) for line in lines_of(data)]
    assert len(lines) == 13 + 6 + 1
    assert joined(lines[-1]["done"], [tuple(line["part"]) for line in lines[:-1]]) == data


def test_plan_of_many_agents_arrives_whole(client, tmp_path):
    for number in range(210):
        write(tmp_path, f"A{number:03}", [task(k, 1.0) for k in range(60 if number == 0 else 0)])
    begin = time.monotonic()
    client.start({"op": "plan", "workspace": str(tmp_path), "options": {}})
    heard = events_until(client, Done, Failed)
    plan = heard[-1].data
    said = [event for event in heard if isinstance(event, Progress)]
    assert 1 <= len(said) <= 10 * (time.monotonic() - begin) + 1
    assert len(plan["before"]["agents"]) == len(plan["after"]["agents"]) == 210
    assert len(plan_of(plan).moves) > 20


# -- changing ---------------------------------------------------------------------------------------


def applied(client: BalanceClient, ws: Path, **more: Any) -> dict[str, Any]:
    plan = plan_in(client, ws)
    found = answer(client, op="apply", workspace=str(ws), plan=plan, user="maria", stay=False, **more)
    assert isinstance(found, Done), found
    return found.data


def test_apply_undo_and_verify(client, tmp_path):
    ws = skewed(tmp_path)
    result = applied(client, ws)
    assert result["schema"] == "bluetop.apply/1"
    assert result["state"] == "complete"
    assert tasks_of(ws, "CB")
    verified = answer(client, op="verify", workspace=str(ws), plan_id=result["plan_id"])
    assert isinstance(verified, Done)
    assert verified.data["ok"]
    could = answer(client, op="undoable", workspace=str(ws), plan_id="")
    assert isinstance(could, Done)
    assert could.data["plan_id"] == result["plan_id"]
    assert could.data["can"] == result["applied"]
    undone = answer(client, op="undo", workspace=str(ws), plan_id="", user="maria", stay=False)
    assert isinstance(undone, Done)
    assert undone.data["state"] == "complete"
    assert tasks_of(ws, "CA") == [f"TASK-{n}" for n in range(1, 7)]
    assert tasks_of(ws, "CB") == []
    again = answer(client, op="undo", workspace=str(ws), plan_id="", stay=False)
    assert isinstance(again, Failed)
    assert again.status == 2


def test_who_where_and_why_are_kept(client, tmp_path):
    ws = skewed(tmp_path)
    result = applied(client, ws, origin="10.0.0.5", reason="CA is on leave")
    [line] = [json.loads(line) for line in (ws / ".bluetop" / "audit.jsonl").read_text().splitlines()]
    assert line.pop("at").endswith("Z")
    assert line == {
        "what": "apply", "plan_id": result["plan_id"], "user": "maria", "origin": "10.0.0.5",
        "reason": "CA is on leave", "state": "complete", "moved": len(result["applied"]), "skipped": 0, "recovered": 0,
    }  # fmt: skip
    past = answer(client, op="history", workspace=str(ws))
    assert isinstance(past, Done)
    assert past.data["plans"][0]["reason"] == "CA is on leave"


@pytest.mark.parametrize("op", ["apply", "undo", "recover"])
def test_read_only_is_refused_below_the_interface_too(client, tmp_path, op):
    ws = skewed(tmp_path)
    plan = plan_in(client, ws)
    before = tree(ws)
    found = answer(client, op=op, workspace=str(ws), plan=plan, plan_id=plan["plan_id"], read_only=True)
    assert isinstance(found, Failed)
    assert "--read-only" in found.text
    assert found.status == 2
    assert tree(ws) == before


def test_workspace_that_cannot_be_written_can_be_planned_and_says_why_it_cannot_be_changed(client, tmp_path):
    ws = skewed(tmp_path)
    (ws / ".bluetop").write_text("in the way")  # root may write everywhere, but not into a file
    plan = plan_in(client, ws)
    found = answer(client, op="apply", workspace=str(ws), plan=plan)
    assert isinstance(found, Failed)
    assert ".bluetop" in found.text
    assert tasks_of(ws, "CB") == []


def test_apply_that_is_called_off_stops_between_two_moves_and_answers(client, tmp_path):
    ws = skewed(tmp_path, tasks=60)
    plan = plan_in(client, ws)
    job = client.start({"op": "apply", "workspace": str(ws), "plan": plan, "stay": False})
    client.cancel()
    heard = events_until(client, Done)
    assert heard[-1].job == job
    found = heard[-1].data
    assert found["state"] in ("nothing", "partial")
    assert {row["code"] for row in found["skipped"]} == {"stopped"}
    assert sorted(tasks_of(ws, "CA") + tasks_of(ws, "CB")) == sorted(f"TASK-{n}" for n in range(1, 61))


def test_apply_that_is_killed_is_said_reported_and_recovered(client, tmp_path):
    ws = skewed(tmp_path, tasks=60)
    client.start({"op": "apply", "workspace": str(ws), "plan": plan_in(client, ws), "user": "maria"})
    pid = client._front.pid
    wait_for(lambda: tasks_of(ws, "CB"))
    os.kill(pid, signal.SIGKILL)
    failed = events_until(client, Failed)[-1]
    assert "ended without an answer" in failed.text
    assert "--recover" in failed.text
    cut_off = answer(client, op="attend", workspace=str(ws), stay=False)
    assert isinstance(cut_off, Done)
    [row] = cut_off.data["unfinished"]
    assert (row["user"], row["running"]) == ("maria", False)
    recovered = answer(client, op="recover", workspace=str(ws), user="maria", stay=False)
    assert isinstance(recovered, Done)
    assert recovered.data["state"] in ("clean", "recovered")
    assert sorted(tasks_of(ws, "CA") + tasks_of(ws, "CB")) == sorted(f"TASK-{n}" for n in range(1, 61))
    again = answer(client, op="recover", workspace=str(ws), stay=False)
    assert isinstance(again, Done)
    assert again.data["state"] == "clean"


def test_owner_that_is_killed_leaves_an_apply_to_finish_its_move(tmp_path):
    ws = skewed(tmp_path, tasks=60)
    client = BalanceClient()
    plan = tmp_path / "plan.json"
    plan.write_text(json.dumps(plan_in(client, ws)))
    client.close()
    code = (
        "import json,sys,time; sys.path.insert(0, sys.argv[3]); from core.balance.client import BalanceClient\n"
        "c = BalanceClient()\n"
        "c.start({'op': 'apply', 'workspace': sys.argv[1], 'plan': json.load(open(sys.argv[2]))})\n"
        "print(c._front.pid, flush=True); time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(ws), str(plan), str(ROOT)], stdout=subprocess.PIPE, text=True
    ) as owner:
        assert owner.stdout is not None
        pid = int(owner.stdout.readline())
        wait_for(lambda: list(ws.glob(".bluetop/journal/*.jsonl")) or gone(pid))
        owner.kill()
    wait_for(lambda: gone(pid))
    assert sorted(tasks_of(ws, "CA") + tasks_of(ws, "CB")) == sorted(f"TASK-{n}" for n in range(1, 61))
    [journal] = ws.glob(".bluetop/journal/*.jsonl")
    assert '"end"' in journal.read_text().splitlines()[-1]
    client = BalanceClient()
    found = answer(client, op="attend", workspace=str(ws), stay=False)
    client.close()
    assert isinstance(found, Done)
    assert found.data["unfinished"] == []


def test_after_an_apply_what_others_lose_is_put_back_and_said(client, tmp_path, monkeypatch):
    ws = skewed(tmp_path)
    queue = ws / "postbox" / "CB" / "outbox.json"
    old = queue.read_bytes()
    plan = plan_in(client, ws)
    client.start({"op": "apply", "workspace": str(ws), "plan": plan})
    events_until(client, Done)
    queue.write_bytes(old)  # a writer without locks puts back what it had read before
    heard = events_until(client, Settled)
    assert {row["code"] for row in heard[-1].recovered} == {"restored"}
    assert sorted(tasks_of(ws, "CA") + tasks_of(ws, "CB")) == sorted(f"TASK-{n}" for n in range(1, 7))


def test_attend_reports_what_was_cut_off_and_whether_the_workspace_can_be_written(client, tmp_path):
    found = answer(client, op="attend", workspace=str(skewed(tmp_path)))
    assert isinstance(found, Done)
    assert found.data == {
        "schema": "bluetop.attend/1",
        "unfinished": [],
        "unwritable": None,
    }
    assert not (tmp_path / ".bluetop").exists()
