"""`bluetop optimize` in this process: every option and action, what is refused, and what it leaves alone."""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.balance.worker.building import planned_and_applied, skewed, task, tasks_of, write
from tests.cli.conftest import Told, tree
from tests.documented import faults

ESCAPES = "\x1b]52;c;aGk=\x07\x1b[31mred\u202e\x9b1m"


@pytest.fixture
def lopsided(ws: Path) -> Path:
    """CA has twelve hours to do, CB nothing."""
    return skewed(ws)


def plan_of(bluetop: Told, *words: str) -> Any:
    status, printed, said = bluetop("optimize", "--json", *words)
    assert (status, said) == (0, ""), said
    return json.loads(printed)


def saved(bluetop: Told, ws: Path, *words: str) -> Path:
    path = ws.parent / "plan.json"
    path.write_text(json.dumps(plan_of(bluetop, *words)))
    return path


def changed(bluetop: Told, *words: str, status: int = 0) -> Any:
    found, printed, said = bluetop("optimize", "--json", *words)
    assert found == status, said or printed
    return json.loads(printed)


# -- planning ---------------------------------------------------------------------------------------


def test_plan_is_one_object_and_nothing_is_made_or_touched(lopsided, bluetop):
    before = tree(lopsided)
    plan = plan_of(bluetop)
    assert plan["schema"] == "bluetop.plan/1"
    assert plan["moves"]
    assert faults(plan) == []
    assert tree(lopsided) == before


def test_plan_as_text_shows_bars_moves_and_the_next_step(lopsided, bluetop):
    before = tree(lopsided)
    status, printed, _ = bluetop("optimize", "--target", "70")
    assert status == 0
    assert "▇" in printed
    assert "AGENTS (2)" in printed
    assert "MOVES (" in printed
    assert printed.rstrip().endswith("bluetop optimize --target 70 --apply")
    assert tree(lopsided) == before


def test_ascii_text_has_no_other_character(lopsided, bluetop):
    _, printed, _ = bluetop("--ascii", "optimize")
    assert printed.isascii()
    assert "#" in printed
    assert "->" in printed


def test_empty_plan_is_good(ws, bluetop):
    write(ws, "CA", [task(1)])
    write(ws, "CB", [])
    plan = plan_of(bluetop)
    assert plan["moves"] == []
    status, printed, _ = bluetop("optimize")
    assert status == 0
    assert "nothing to move" in printed
    assert "--apply" not in printed


def test_workspace_without_any_agent_gives_an_empty_plan(ws, bluetop):
    assert plan_of(bluetop)["moves"] == []


@pytest.mark.parametrize(
    ("words", "key", "value"),
    [
        (["--target", "70"], "target", 70), (["--target", "62.5%"], "target", 62.5), (["--under", "10"], "under", 10),
        (["--queue-limit", "3"], "queue_limit", 3), (["--max-moves", "1"], "max_moves", 1),
        (["--cooldown-hours", "0"], "cooldown_hours", 0), (["--min-gain", "2.5"], "min_gain", 2.5),
        (["--unlabelled", "never"], "unlabelled", "never"),
        (["--pin", "TASK-1", "--pin", "TASK-2"], "pins", ["TASK-1", "TASK-2"]),
    ],
)  # fmt: skip
def test_option_reaches_the_plan(lopsided, bluetop, words, key, value):
    plan = plan_of(bluetop, *words)
    assert plan["config"][key] == value
    if key == "pins":
        assert not {"TASK-1", "TASK-2"} & {move["task_id"] for move in plan["moves"]}
    if key == "max_moves":
        assert len(plan["moves"]) == 1


def test_configuration_says_what_the_options_do_not(lopsided, bluetop, tmp_path):
    config = tmp_path / "c.toml"
    config.write_text('[balance]\ntarget = 60.0\nqueue_limit = 4\nunlabelled = "any"\n')
    plan = plan_of(bluetop, "--config", str(config), "--queue-limit", "5")
    assert (plan["config"]["target"], plan["config"]["queue_limit"]) == (60, 5)
    assert plan["config"]["unlabelled"] == "any"


def test_same_time_gives_the_same_bytes(lopsided, bluetop):
    words = ("optimize", "--json", "--now", "2026-03-02T12:00:00Z")
    first, second = bluetop(*words), bluetop(*words)
    assert first == second
    assert json.loads(first[1])["now"] == "2026-03-02T12:00:00Z"


def test_dropped_move_is_left_out_and_one_that_is_not_there_is_said(lopsided, bluetop):
    whole = plan_of(bluetop)
    seq = whole["moves"][0]["seq"]
    less = plan_of(bluetop, "--drop", str(seq))
    assert len(less["moves"]) == len(whole["moves"]) - 1
    status, _, said = bluetop("optimize", "--drop", "99")
    assert status == 2
    assert "--drop 99" in said


def test_output_writes_the_object_beside_the_text(lopsided, bluetop, tmp_path):
    path = tmp_path / "out.json"
    status, printed, _ = bluetop("optimize", "--output", str(path))
    assert status == 0
    assert "MOVES (" in printed
    assert json.loads(path.read_text())["schema"] == "bluetop.plan/1"


def test_why_tells_of_a_task_that_moves_and_of_one_that_does_not(lopsided, bluetop):
    plan = plan_of(bluetop)
    mover = plan["moves"][0]["task_id"]
    stayer = next(
        f"TASK-{n}" for n in range(1, 7) if f"TASK-{n}" not in {m["task_id"] for m in plan["moves"]}
    )
    for task_id in (mover, stayer):
        found = changed(bluetop, "--why", task_id)
        assert found["schema"] == "bluetop.why-task/1"
        assert faults(found) == []
        status, printed, _ = bluetop("optimize", "--why", task_id)
        assert status == 0
        assert task_id in printed


def test_what_files_say_reaches_no_terminal_as_it_is(ws, bluetop):
    write(ws, "CA", [task(n, task_id=f"T{n}{ESCAPES}", title=ESCAPES, priority=ESCAPES) for n in range(8)])
    write(ws, "CB", [])
    seen = [bluetop("optimize", *words) for words in ([], ["--ascii"], ["--json"], ["--why", f"T1{ESCAPES}"])]
    assert "T1\\x1b]52" in seen[0][1]
    result = planned_and_applied(ws)
    seen += [bluetop("optimize", *words) for words in (["--history"], ["--verify", result["plan_id"]])]
    for _, printed, said in seen:
        assert not set(printed + said) & set("\x1b\x07\x9b\u202e")


@pytest.mark.long
def test_what_files_say_reaches_no_terminal_after_a_change(ws, bluetop):
    write(ws, "CA", [task(n, task_id=f"T{n}{ESCAPES}", title=ESCAPES, priority=ESCAPES) for n in range(8)])
    write(ws, "CB", [])
    path = saved(bluetop, ws)
    for words in (["--apply", str(path)], ["--undo"], ["--undo", "--json"]):
        _, printed, said = bluetop("optimize", *words)
        assert not set(printed + said) & set("\x1b\x07\x9b\u202e")


def test_numbers_beyond_all_measure_hold_up_no_other_agent(ws, bluetop):
    skewed(ws)
    write(
        ws, "CX", [task(number, hours=1e308) for number in (21, 22, 23)], metadata={"capacity_hours": 1e-308}
    )
    write(ws, "CY", [], metadata={"capacity_hours": 1e308})
    plan = plan_of(bluetop)
    assert faults(plan) == []
    assert changed(bluetop, "--apply", "--yes")["state"] == "complete"


# -- wrong usage ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["--target", "x"], "--target"), (["--target", "-1"], "--target"), (["--target", "nan"], "--target"),
        (["--target", "2000"], "--target"), (["--under", "inf"], "--under"), (["--queue-limit", "-1"], "--queue-limit"),
        (["--queue-limit", "1.5"], "--queue-limit"), (["--max-moves", ""], "--max-moves"),
        (["--cooldown-hours", "soon"], "--cooldown-hours"), (["--min-gain", "?"], "--min-gain"),
        (["--unlabelled", "all"], "--unlabelled"), (["--now", "then"], "--now"), (["--pin", ""], "--pin"),
        (["--drop", "one"], "--drop"), (["--apply", "p.json", "--undo"], "two actions"),
        (["--history", "--recover"], "two actions"), (["--apply", "p.json", "--target", "3"], "--target"),
        (["--undo", "--pin", "TASK-1"], "--pin"), (["--reason", "x"], "--reason"), (["--yes"], "--yes"),
        (["--apply"], "no terminal"), (["--apply", "--json"], "--yes"), (["--apply", "nowhere.json"], "nowhere.json"),
        (["--apply", "."], "no file"), (["--apply", "/dev/null"], "empty"), (["--verify", "../x"], "no plan's id"),
        (["--verify", "ab" * 16], "no receipt"), (["--undo"], "could be undone"), (["--undo", "ab" * 16], "no plan"),
        (["--why"], "--why"), (["--histroy"], "--history"), (["word"], "word"),
        (["--output", "x", "--apply", "y"], "--output"), (["--undo", ""], "--undo"),
        (["--apply", "", "--yes"], "--apply"),
    ],
)  # fmt: skip
def test_wrong_usage_is_one_line_that_names_it(lopsided, bluetop, words, hint):
    before = tree(lopsided)
    status, printed, said = bluetop("optimize", *words)
    assert (status, printed) == (2, "")
    assert said.count("\n") == 1
    assert hint in said
    assert tree(lopsided) == before


@pytest.mark.parametrize(
    ("change", "hint"),
    [
        ({"schema": "bluetop.plan/2"}, "schema"), ({"plan_id": "../../x"}, "plan_id"), ({"plan_id": 3}, "plan_id"),
        ({"moves": {}}, "moves"), ({"moves": [{"seq": 1}]}, "moves[0]"), ({"config": {"target": "x"}}, "target"),
        ({"config": {"speed": 1}}, "speed"), ({"config": {"target": 10**400}}, "target"),
        ({"config": {"max_moves": float("inf")}}, "max_moves"), ({"config": {"queue_limit": float("nan")}}, "queue"),
        ({"before": None}, "before"), ({"now": ESCAPES, "before": []}, "before"),
    ],
)  # fmt: skip
def test_bad_plan_file_is_one_line_that_names_file_and_key(lopsided, bluetop, tmp_path, change, hint):
    path = saved(bluetop, lopsided)
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    before = tree(lopsided)
    status, printed, said = bluetop("optimize", "--apply", str(path), "--json")
    assert (status, printed, said.count("\n")) == (2, "", 1)
    assert "plan.json" in said
    assert hint in said
    assert "\x1b" not in said
    assert tree(lopsided) == before


@pytest.mark.parametrize("text", ["", "[]", "7", '{"schema":', "\xff", "[" * 100_000, '{"schema": NaN}'])
def test_file_that_is_no_plan_is_one_line(lopsided, bluetop, tmp_path, text):
    path = tmp_path / "plan.json"
    path.write_bytes(text.encode("latin-1"))
    status, printed, said = bluetop("optimize", "--apply", str(path))
    assert (status, printed, said.count("\n")) == (2, "", 1)
    assert "plan.json" in said


def test_fifo_that_nobody_writes_to_holds_nothing_up(lopsided, bluetop, tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    status, _, said = bluetop("optimize", "--apply", str(path))
    assert status == 2
    assert "it is empty" in said


def test_workspace_that_is_none_is_3(tmp_path, ws, bluetop):
    status, printed, said = bluetop("--workspace", str(tmp_path / "none"), "optimize", "--json")
    assert (status, printed) == (3, "")
    assert said


# -- changing ---------------------------------------------------------------------------------------


def test_apply_verify_undo(lopsided, bluetop):
    path = saved(bluetop, lopsided)
    start = tasks_of(lopsided, "CA")
    result = changed(bluetop, "--apply", str(path), "--reason", "CA is on leave")
    assert faults(result) == []
    assert result["state"] == "complete"
    moved = tasks_of(lopsided, "CB")
    assert moved
    assert sorted(tasks_of(lopsided, "CA") + moved) == start
    verified = changed(bluetop, "--verify", result["plan_id"])
    assert faults(verified) == []
    assert verified["ok"]
    assert verified["by"]["reason"] == "CA is on leave"
    undone = changed(bluetop, "--undo", result["plan_id"])
    assert faults(undone) == []
    assert undone["state"] == "complete"
    assert tasks_of(lopsided, "CA") == start
    assert bluetop("optimize", "--undo")[0] == 2  # nothing stands any more


@pytest.mark.long
def test_undo_of_an_undo_is_a_redo_and_the_next_undo_takes_that_back(lopsided, bluetop):
    start = tasks_of(lopsided, "CA")
    changed(bluetop, "--apply", "--yes")
    moved = tasks_of(lopsided, "CB")
    undone = changed(bluetop, "--undo")
    changed(bluetop, "--undo", undone["plan_id"])
    assert tasks_of(lopsided, "CB") == moved
    changed(bluetop, "--undo")  # the last one that stands is the redo
    assert tasks_of(lopsided, "CA") == start
    past = changed(bluetop, "--history")
    assert faults(past) == []
    assert [row["kind"] for row in past["plans"]] == ["undo", "undo", "undo", "apply"]


def test_each_action_as_text_says_what_came_of_it(lopsided, bluetop):
    status, printed, _ = bluetop("optimize", "--apply", "--yes")
    assert status == 0
    assert "complete: plan " in printed
    assert ".bluetop/receipts/" in printed
    plan_id = printed.split("--verify ")[1].split()[0]
    assert bluetop("optimize", "--verify", plan_id)[1].startswith(f"ok  plan {plan_id}")
    assert faults(changed(bluetop, "--history")) == []
    status, printed, _ = bluetop("optimize", "--history")
    assert status == 0
    assert plan_id in printed
    status, printed, _ = bluetop("optimize", "--undo")
    assert status == 0
    assert "moved back" in printed
    assert bluetop("optimize", "--recover")[:2] == (0, "nothing was left half done\n")


def test_what_has_changed_since_is_left_alone_and_ends_with_1(lopsided, bluetop):
    path = saved(bluetop, lopsided)
    first = json.loads(path.read_text())["moves"][0]["task_id"]
    write(
        lopsided,
        "CA",
        [task(n, status="in_progress" if f"TASK-{n}" == first else "pending") for n in range(1, 7)],
    )
    result = changed(bluetop, "--apply", str(path), status=1)
    assert [row["code"] for row in result["skipped"] if row["task_id"] == first] == ["stale_status"]
    assert first in tasks_of(lopsided, "CA")


def test_started_work_is_not_undone(lopsided, bluetop):
    result = planned_and_applied(lopsided)
    queue = lopsided / "postbox" / "CB" / "outbox.json"
    document = json.loads(queue.read_text())
    document["tasks"][0]["status"] = "in_progress"
    queue.write_text(json.dumps(document))
    undone = changed(bluetop, "--undo", result["plan_id"], status=1)
    assert [row["code"] for row in undone["skipped"]] == ["stale_status"]


def test_lost_task_is_found_by_verify(lopsided, bluetop):
    result = planned_and_applied(lopsided)
    queue = lopsided / "postbox" / "CB" / "outbox.json"
    document = json.loads(queue.read_text())
    del document["tasks"][0]
    queue.write_text(json.dumps(document))
    verified = changed(bluetop, "--verify", result["plan_id"], status=1)
    assert [row["state"] for row in verified["trouble"]] == ["gone"]


def test_read_only_plans_and_refuses_every_change_without_a_hint_at_it(lopsided, bluetop):
    path = saved(bluetop, lopsided)
    before = tree(lopsided)
    status, printed, _ = bluetop("--read-only", "optimize")
    assert status == 0
    assert "--read-only" in printed
    assert "--apply" not in printed
    for words in (["--apply", str(path)], ["--apply", "--yes"], ["--undo"], ["--recover"]):
        status, printed, said = bluetop("--read-only", "optimize", *words)
        assert status == 2
        assert "--read-only" in said
    assert tree(lopsided) == before


def test_unwritable_workspace_plans_and_says_why_nothing_can_be_applied(lopsided, bluetop):
    (lopsided / ".bluetop").write_text("in the way")
    path = saved(bluetop, lopsided)
    status, _, said = bluetop("optimize", "--apply", str(path))
    assert status == 1
    assert ".bluetop" in said
    assert tasks_of(lopsided, "CB") == []


def test_audit_line_says_who_from_where_why_and_what(lopsided, bluetop, monkeypatch, caplog):
    monkeypatch.setenv("SSH_CONNECTION", "10.0.0.5 50022 10.0.0.1 22")
    monkeypatch.setenv("USER", "maria")
    with caplog.at_level("INFO", logger="bluetop.audit"):
        result = changed(bluetop, "--apply", "--yes", "--reason", f"leave{ESCAPES}")
    [line] = [record.getMessage() for record in caplog.records]
    assert line.startswith(f"applying plan {result['plan_id']} (")
    assert "by maria from 10.0.0.5 (leave" in line
    assert "\x1b" not in line
    kept = json.loads((lopsided / ".bluetop" / "audit.jsonl").read_text())
    assert (kept["user"], kept["origin"]) == ("maria", "10.0.0.5")
    assert kept["reason"].startswith("leave\\x1b")


# -- real workspaces --------------------------------------------------------------------------------

CORPUS = Path(os.environ.get("BLUETOP_CORPUS", "nowhere")) / "snapshots"
SNAPSHOTS = sorted(path.parent for path in CORPUS.glob("*/postbox"))


@pytest.mark.skipif(not SNAPSHOTS, reason="BLUETOP_CORPUS is not set")
@pytest.mark.parametrize("snapshot", SNAPSHOTS, ids=lambda path: path.name)
def test_real_workspace_is_planned_and_left_as_it_is(snapshot, ws, bluetop):
    here = ws / "copy"
    shutil.copytree(snapshot, here, symlinks=True)
    before = tree(here)
    plan = plan_of(
        bluetop, "--workspace", str(here), "--target", "1", "--queue-limit", "1", "--unlabelled", "any"
    )
    assert faults(plan) == []
    status, printed, said = bluetop("--workspace", str(here), "optimize")
    assert (status, said) == (0, "")
    assert "AGENTS (" in printed
    unread = {row["agent"] for row in plan["warnings"] if row["code"] == "unreadable"}
    assert unread.isdisjoint(plan["before"]["agents"])
    assert tree(here) == before
