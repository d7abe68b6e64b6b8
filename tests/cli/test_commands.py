"""The commands on a real workspace: what they print, how they end, and that they change nothing."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from core.apart import Answer
from core.text import clean
from tests.documented import faults
from tui.cli import main
from tui.cli.validate import _document

ROOT = Path(__file__).parents[2]


def task(number, status, hours=2, **more):
    return {"task_id": f"TASK-{number}", "title": f"task {number}", "description": "", "priority": "HIGH",
            "status": status, "created_at": "2026-01-05T10:00:00Z", "estimated_hours": hours, **more}  # fmt: skip


def queue(agent, tasks, history=()):
    return {"agent_id": agent, "agent_name": agent, "agent_type": "ai", "version": "1.0.0", "tasks": tasks,
            "history": list(history)}  # fmt: skip


@pytest.fixture(autouse=True)
def workspace(tmp_path, monkeypatch):
    """Three agents: CA overloaded, CB free, CC with a file that has a name of its own and cannot be read whole."""
    for name in ("BLUETOP_CONFIG", "BLUETOP_WORKSPACE", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    here = tmp_path / "ws"
    long = queue("CA", [task(i, "pending") for i in range(16)] + [task(99, "in_progress")])
    done = {"task_id": "TASK-1", "timestamp": "2026-01-05T10:00:00Z", "status": "completed", "summary": ""}
    for agent, text in (
        ("CA", json.dumps(long)),
        ("CB", json.dumps(queue("CB", [], [done]))),
        (
            "CC",
            '{"tasks": [{"task_id": "T\\u001b]0;x\\u0007", "status": "in_progress", "title": "[red]\\u202e"}, {]',
        ),
    ):
        folder = here / "postbox" / agent
        folder.mkdir(parents=True)
        (folder / "outbox.json").write_text(text)
        os.utime(folder / "outbox.json", (1_780_000_000, 1_780_000_000))
    monkeypatch.chdir(here)
    return here


def printed(capsys):
    return json.loads(capsys.readouterr().out)


def tree(path):
    return {
        str(entry.relative_to(path)): (
            entry.lstat().st_mtime_ns,
            entry.lstat().st_size,
            entry.lstat().st_mode,
        )
        for entry in [path, *sorted(path.rglob("*"))]
    }


def test_analyze_prints_one_documented_object(capsys):
    assert main(["analyze", "--json"]) == 0
    report = printed(capsys)
    assert faults(report) == []
    agents = {agent["id"]: agent for agent in report["agents"]}
    assert (agents["CA"]["pending"], agents["CA"]["in_progress"], agents["CA"]["pending_hours"]) == (
        16,
        1,
        32.0,
    )
    assert agents["CA"]["current_task"]["id"] == "TASK-99"
    assert agents["CB"]["completed"] == 1
    assert report["complete"] is True
    assert report["fleet"]["pending"] == 16
    (long, loaded) = (b for b in report["bottlenecks"] if b["subject"] == "CA")
    assert {long["metric"], loaded["metric"]} == {"queue_length", "workload_percent"}
    assert long["sustained"] is None
    assert next(r["text"] for r in report["recommendations"] if r["subject"] == "CA").startswith(
        "Move tasks of CA to CB, where nothing waits (workload 0 %): 16 of its tasks wait (32.0 h estimated)"
    )
    assert "CC" in {problem["agent"] for problem in report["problems"]}
    assert report["host"]["cpu_percent"] is not None


def test_analyze_for_people_has_every_section_and_no_control_code(capsys):
    assert main(["analyze"]) == 0
    text = capsys.readouterr().out
    for heading in ("KPIS", "BOTTLENECKS", "AGENTS (3)", "HOST", "RECOMMENDATIONS", "PROBLEMS"):
        assert f"\n{heading}" in text
    assert all(c.isprintable() or c == "\n" for c in text)
    assert "T\\x1b]0;x\\x07" in text


def test_a_workspace_whose_path_is_no_text_is_shown_as_text(workspace, capsys):
    odd = os.fsencode(workspace) + b"\xff\x1b]0;x\x07"
    os.rename(workspace, odd)
    for words in (
        ["analyze"],
        ["analyze", "--json"],
        ["validate"],
        ["validate", "--json"],
        ["doctor", "--json"],
    ):
        main([*words, "--workspace", os.fsdecode(odd)])
        said = capsys.readouterr().out
        assert "udcff" in said, words
        assert all(char == "\n" or char == clean(char) for char in said), words
    main(["config", "validate", "--json", os.fsdecode(odd)])
    assert "udcff" in capsys.readouterr().out


def test_fail_on_compares_the_worst_severity(tmp_path, monkeypatch, capsys):
    calm = tmp_path / "calm.toml"  # a busy machine is not what is tested
    calm.write_text(
        "".join(f'[[kpi]]\nname = "{name}"\nenabled = false\n' for name in ("cpu", "memory", "disk_io"))
    )
    monkeypatch.setenv("BLUETOP_CONFIG", str(calm))
    assert main(["analyze", "--json", "--fail-on", "medium"]) == 1
    severity = printed(capsys)["severity"]
    above = {"medium": "high", "high": "critical"}[severity]
    assert main(["analyze", "--fail-on", above]) == 0


def test_output_goes_to_a_file_and_to_nowhere_else(tmp_path, capsys):
    path = tmp_path / "state.json"
    assert main(["analyze", "--output", str(path)]) == 0
    assert "KPIS" in capsys.readouterr().out
    assert faults(json.loads(path.read_text())) == []
    assert main(["analyze", "--output", "-"]) == 0
    assert printed(capsys)["schema"] == "bluetop.analyze/1"
    assert main(["analyze", "--output", str(tmp_path / "none/x")]) == 1
    assert "name a file that can be written" in capsys.readouterr().err


LOOKING = [
    ["analyze"], ["analyze", "--json"], ["validate"], ["validate", "--json"], ["doctor"], ["config", "show"],
    ["monitor", "--duration", "0.4", "--interval", "0.2"],
]  # fmt: skip


@pytest.mark.parametrize("words", LOOKING, ids=lambda words: " ".join(words))
def test_commands_that_look_create_and_change_nothing_in_the_workspace(words, workspace):
    before = tree(workspace)
    for folder in [workspace, *(path for path in workspace.rglob("*") if path.is_dir())]:
        folder.chmod(0o555)
    try:
        main(words)
    finally:
        for folder in [workspace, *(path for path in workspace.rglob("*") if path.is_dir())]:
            folder.chmod(before[str(folder.relative_to(workspace))][2] & 0o777)
    assert tree(workspace) == before


def test_validate_names_file_line_column_and_how_it_was_read(workspace, capsys):
    assert main(["validate"]) == 1
    text = capsys.readouterr().out
    assert f"{workspace}/postbox/CC/outbox.json:1:" in text
    assert ": error: " in text
    assert "3 files, 2 wholly read" in text
    assert "\x1b" not in text


def test_validate_prints_one_documented_object(capsys):
    assert main(["validate", "--json"]) == 1
    report = printed(capsys)
    assert faults(report) == []
    assert [document["agent"] for document in report["files"]] == ["CA", "CB", "CC"]
    assert report["files"][0]["counts"]["pending"] == 16


def test_validate_takes_files_and_is_good_where_all_is_read(workspace, capsys):
    assert main(["validate", str(workspace / "postbox/CB/outbox.json"), "--json"]) == 0
    assert printed(capsys)["files"][0]["wholly_read"] is True


def test_validate_of_what_is_not_there_is_an_unread_file(tmp_path, capsys):
    assert main(["validate", str(tmp_path / "none.json")]) == 1
    assert "none.json: error:" in capsys.readouterr().out


@pytest.mark.parametrize("hung", [True, False])
def test_validate_of_a_file_that_gives_no_answer_is_a_documented_row(hung):
    document = _document("/w/postbox/CA/outbox.json", Answer(None, "no answer within 5 s", hung))
    assert document["agent"] is None
    assert not document["wholly_read"]
    assert [problem["text"] for problem in document["problems"]] == ["no answer within 5 s"]


def test_validate_finds_one_task_in_two_queues(workspace, capsys):
    for agent in ("CA", "CB"):
        (workspace / f"postbox/{agent}/outbox.json").write_text(
            json.dumps(queue(agent, [task(7, "pending")]))
        )
    main(["validate", "--json"])
    assert any("TASK-7" in problem["text"] for problem in printed(capsys)["between"])


def test_monitor_prints_one_documented_object_a_sample(capsys):
    assert main(
        ["monitor", "--duration", "0.9", "--interval", "0.3", "--json", "--alert-threshold", "100"]
    ) in (0, 1)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(lines) == 3
    assert [faults(line) for line in lines] == [[], [], []]
    assert lines[-1]["fleet"]["pending"] == 16
    # What fires is in every line from then on, and its beginning in one.
    (alert,) = [one for one in lines[-1]["alerts"] if one["rule"] == "queue_length"]
    assert (alert["subject"], alert["state"], alert["value"], alert["threshold"]) == (
        "CA",
        "firing",
        16.0,
        15.0,
    )
    begun = [one for line in lines for one in line["changes"] if one["rule"] == "queue_length"]
    assert [(one["subject"], one["state"], one["id"]) for one in begun] == [("CA", "firing", alert["id"])]


def test_monitor_fires_where_a_rule_holds_once_and_says_so_in_the_summary(workspace, capsys):
    before = tree(workspace)
    assert main(["monitor", "--duration", "0.9", "--interval", "0.3"]) == 1
    text = capsys.readouterr().out
    assert text.count("firing    medium: queue of CA is 16 tasks (> 15)") == 1
    assert "queue_length on CA: fired once, " in text
    assert " in all, still firing" in text
    assert tree(workspace) == before  # judged in memory: nothing is kept


def test_monitor_fires_at_once_above_a_threshold_and_names_rules_that_were_left_out(tmp_path, capsys):
    config = tmp_path / "c.toml"
    config.write_text(
        '[[rule]]\nname = "memory_high"\nfor = "1h"\n[[rule]]\nname = "odd"\nmetric = "cpu_percent"\n'
    )
    words = [
        "monitor",
        "--duration",
        "0.4",
        "--interval",
        "0.2",
        "--alert-threshold",
        "0",
        "--config",
        str(config),
    ]
    assert main(words) == 1
    said = capsys.readouterr()
    assert "firing    high: memory of " in said.out
    assert said.err.startswith(f"bluetop: {config}:4: rule odd")


def test_monitor_tells_no_channel(tmp_path, capsys):
    config = tmp_path / "c.toml"
    config.write_text(f'[[hook]]\nname = "h"\ncommand = ["touch", "{tmp_path}/told"]\n')
    assert main(["monitor", "--duration", "0.6", "--interval", "0.3", "--config", str(config)]) == 1
    assert "queue of CA is 16 tasks" in capsys.readouterr().out
    assert not (tmp_path / "told").exists()


def test_monitor_is_quiet_where_nothing_is_beyond_a_limit(workspace, tmp_path, capsys):
    for agent in ("CA", "CC"):
        (workspace / f"postbox/{agent}/outbox.json").write_text(json.dumps(queue(agent, [])))
    config = tmp_path / "c.toml"
    names = ("cpu_critical", "memory_high", "disk_io", "open_files")
    kpis = ("cpu", "memory")
    config.write_text(
        "".join(f'[[rule]]\nname = "{name}"\nenabled = false\n' for name in names)
        + "".join(f'[[kpi]]\nname = "{name}"\nenabled = false\n' for name in kpis)
    )
    assert main(["monitor", "--duration", "0.3", "--interval", "0.3", "--config", str(config)]) == 0
    assert "nothing fired" in capsys.readouterr().out


def test_monitor_goes_on_without_a_workspace(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    main(["monitor", "--duration", "0.2", "--interval", "0.2", "--json"])
    line = printed(capsys)
    assert (line["workspace"], line["fleet"]) == (None, None)
    assert faults(line) == []


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_monitor_ends_with_its_summary_at_ctrl_c(workspace):
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    run = subprocess.Popen(
        [sys.executable, "-m", "tui", "monitor", "--duration", "1h", "--interval", "0.2"],
        env=environ, cwd=workspace, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert run.stdout is not None
    while "queue of CA is 16 tasks" not in run.stdout.readline():
        pass
    run.send_signal(signal.SIGINT)
    out, err = run.communicate(timeout=20)
    assert run.returncode == 1  # the rule for the queue of CA fired
    assert "samples (interrupted)" in out
    assert err == ""


def test_doctor_prints_one_documented_object(capsys):
    status = main(["doctor", "--json"])
    report = printed(capsys)
    assert faults(report) == []
    assert status == (1 if report["bad"] else 0)
    areas = {check["area"] for check in report["checks"]}
    assert {"program", "config", "terminal", "workspace", "state", "host"} <= areas
    assert {"cpu", "memory", "queues"} <= {collector["name"] for collector in report["collectors"]}
    assert all(check["advice"] for check in report["checks"] if check["status"] == "bad")


def test_doctor_finds_a_bad_configuration_and_a_missing_workspace(tmp_path, monkeypatch, capsys):
    config = tmp_path / "c.toml"
    config.write_text("[ui]\nmouse = 3\n")
    monkeypatch.setenv("BLUETOP_WORKSPACE", str(tmp_path / "none"))
    assert main(["doctor", "--config", str(config)]) == 1
    text = capsys.readouterr().out
    assert f"bad  file: {config}:2: ui.mouse is 3" in text
    assert "bad  found: workspace" in text


def test_doctor_leaves_nothing_behind_and_with_read_only_makes_nothing(tmp_path):
    main(["doctor", "--read-only"])
    assert not (tmp_path / "state").exists()
    main(["doctor"])
    assert list((tmp_path / "state/bluetop").iterdir()) == []
