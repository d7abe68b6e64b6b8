"""`bluetop metrics`: what it prints, how it ends, what it writes and where it must not."""

import csv
import io
import json
import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.agentmetrics.space import Space, entry, history, task
from tests.agentmetrics.test_export import samples
from tests.documented import faults
from tui.cli import main

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def space(tmp_path, monkeypatch):
    """CA with a task that was estimated, CB with the same task in its history and one that is broken off."""
    for name in ("BLUETOP_CONFIG", "BLUETOP_WORKSPACE", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))
    made = Space(tmp_path / "ws")
    made.queue(
        "CA", task("T1"), task("T2", "in_progress"), done=[history("T0", estimated_hours=2, actual_hours=4)]
    )
    made.queue("CB", done=[history("T0", at="2026-04-01T00:00:00Z")])
    made.queue("IDLE")
    monkeypatch.chdir(made.root)
    return made


def tree(path):
    return {str(found.relative_to(path)): found.lstat().st_mtime_ns for found in [path, *path.rglob("*")]}


def printed(capsys):
    return json.loads(capsys.readouterr().out)


def test_collect_prints_one_line_an_agent(capsys):
    assert main(["metrics", "collect"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "CA: 3 tasks: 3 new", "CB: 0 tasks: 1 new, 1 counted elsewhere", "IDLE: no tasks",
    ]  # fmt: skip
    assert main(["metrics", "collect", "--agent", "CA"]) == 0
    assert capsys.readouterr().out == "CA: 3 tasks: nothing new\n"


def test_collect_prints_one_documented_object(capsys):
    assert main(["metrics", "collect", "--json"]) == 0
    data = printed(capsys)
    assert faults(data) == []
    assert [row["added"] for row in data["agents"]] == [3, 1, 0]
    assert data["shared"][0]["agent"] == "CA"


def test_report_shows_a_table_names_what_is_shared_and_saves_it(space, capsys):
    assert main(["metrics", "report"]) == 0
    out = capsys.readouterr().out
    lines = out.splitlines()
    assert lines[0] == "AGENTS (3)"
    assert lines[1].split()[:6] == ["AGENT", "TASKS", "DONE", "FAILED", "OPEN", "SUCCESS"]
    assert "50 % n=1" in next(line for line in lines if line.startswith("CA "))
    assert next(line for line in lines if line.startswith("IDLE ")).split()[5:7] == ["-", "-"]
    assert "T0: counted for CA (the later one), and not for CB" in out
    assert "saved to .metrics/reports/performance_report_" in out
    assert (space.root / ".metrics/reports/latest_performance_report.json").exists()
    assert "\x1b" not in out


def test_report_prints_one_documented_object(capsys):
    assert main(["metrics", "report", "--json"]) == 0
    data = printed(capsys)
    assert faults(data) == []
    assert data["saved"].startswith(".metrics/reports/")
    assert (data["overall"]["total_tasks"], data["overall"]["efficiency_percent"]) == (3, 50)


LOOKING = [
    ["report", "--no-save"], ["report", "--read-only"], ["export"], ["export", "--format", "openmetrics"],
    ["export", "--json"], ["report", "--no-save", "--json"],
]  # fmt: skip


@pytest.mark.parametrize("words", LOOKING, ids=" ".join)
def test_what_only_looks_changes_nothing_in_the_workspace(words, space, capsys):
    before = tree(space.root)
    assert main(["metrics", *words]) == 0
    assert tree(space.root) == before
    out = capsys.readouterr().out
    if words[0] == "report" and "--json" not in words:
        assert f"not saved ({words[1]}); nothing in .metrics was changed" in out


CHANGING = [
    ["collect"],
    ["track-start", "T1", "--agent", "CA"],
    ["track-complete", "T1", "--agent", "CA"],
    ["export", "--output", "out.csv"],
]


@pytest.mark.parametrize("words", CHANGING, ids=" ".join)
def test_read_only_refuses_every_change_in_the_same_words(words, space, capsys):
    before = tree(space.root)
    assert main(["metrics", *words, "--read-only"]) == 2
    assert "was refused: bluetop runs with --read-only; start it without" in capsys.readouterr().err
    assert main(["--read-only", "metrics", *words]) == 2
    assert tree(space.root) == before


def test_every_change_leaves_an_audit_line(capsys, caplog):
    with caplog.at_level(logging.INFO, logger="bluetop.audit"):
        for words in CHANGING:
            assert main(["metrics", *words]) == 0
        main(["metrics", "collect", "--read-only"])
    said = [record.getMessage() for record in caplog.records]
    assert [line.split(" by ")[0] for line in said] == [
        "collecting the metrics", "recording the start of T1", "recording the end of T1", "writing out.csv",
        "collecting the metrics",
    ]  # fmt: skip
    assert said[-1].endswith("refused: read-only")


def test_a_file_that_cannot_be_read_is_named_on_standard_error_and_holds_up_no_other(space, capsys):
    space.raw("CB", '{"tasks": [{"task_id": "T9", "status": "pend')
    for words in (["collect"], ["report"], ["export"]):
        assert main(["metrics", *words]) == 1
        said = capsys.readouterr()
        assert "bluetop: postbox/CB/outbox.json:1:" in said.err
        assert "CA" in said.out
    assert len(space.metrics("CA")["metrics"]) == 3


def test_export_is_csv_by_default_and_goes_to_a_file_whole_or_not_at_all(space, tmp_path, capsys):
    assert main(["metrics", "export"]) == 0
    rows = {row["Agent"]: row for row in csv.DictReader(io.StringIO(capsys.readouterr().out, newline=""))}
    assert (rows["CA"]["Current_Task"], rows["CA"]["Efficiency_Percent"], rows["IDLE"]["Efficiency_Percent"]) == (
        "T2", "50.0", "",
    )  # fmt: skip
    path = tmp_path / "out.prom"
    assert main(["metrics", "export", "--format", "openmetrics", "--output", str(path)]) == 0
    assert capsys.readouterr().out == ""
    assert samples(path.read_text())
    assert main(["metrics", "export", "--json", "--output", "-"]) == 0
    assert faults(printed(capsys)) == []
    assert main(["metrics", "export", "--output", str(tmp_path / "none" / "x")]) == 1
    assert "writing " in (err := capsys.readouterr().err)
    assert "failed" in err


def test_track_says_what_is_recorded_now(space, capsys):
    assert (
        main(
            [
                "metrics",
                "track-start",
                "T1",
                "--agent",
                "CA",
                "--estimated",
                "3",
                "--at",
                "2026-05-01T09:00:00Z",
            ]
        )
        == 0
    )
    assert capsys.readouterr().out == "CA: T1: in_progress, started 2026-05-01T09:00:00Z\n"
    assert main(["metrics", "track-start", "T1", "--agent", "CA", "--json"]) == 0
    data = printed(capsys)
    assert faults(data) == []
    assert (data["recorded"], data["estimated_hours"]) == (False, 3)
    words = [
        "metrics",
        "track-complete",
        "T1",
        "--agent",
        "CA",
        "--at",
        "2026-05-01T11:30:00Z",
        "--deliverables",
        "2",
    ]
    assert main(words) == 0
    assert capsys.readouterr().out == (
        "CA: T1: completed, started 2026-05-01T09:00:00Z, completed 2026-05-01T11:30:00Z, 2.5 h\n"
    )
    assert main(words) == 0
    assert capsys.readouterr().out.endswith("2.5 h; known already, nothing was changed\n")
    assert main([*words, "--failed"]) == 1
    assert (
        "T1: it is recorded as completed at 2026-05-01T11:30:00Z; --force records it anew"
        in capsys.readouterr().err
    )
    assert space.facts("CA", "T1")["tracked"]["delivered"] == 2


WRONG = [
    (["metrics"], 2, "metrics: the following arguments are required: action"),
    (["metrics", "raport"], 2, "did you mean report?"),
    (["metrics", "report", "--jsn"], 2, "metrics report: --jsn is no option; did you mean --json?"),
    (["metrics", "report", "CA"], 2, "metrics report: CA is one word too many"),
    (["metrics", "collect", "--agent", "CX"], 2, "there is no agent CX in .*; did you mean C[AB]?"),
    (["metrics", "export", "--format", "xml"], 2, "invalid choice: 'xml'"),
    (["metrics", "export", "--format", "csv", "--json"], 2, "are two formats; name one"),
    (["metrics", "track-start", "T1"], 2, "the following arguments are required: --agent"),
    (["metrics", "track-start", "T11", "--agent", "CA"], 2, "CA has no task T11, .*did you mean T1?"),
    (["metrics", "track-start", "T1", "--agent", "CA", "--at", "noon"], 2, "noon is no time"),
    (
        ["metrics", "track-start", "T1", "--agent", "CA", "--at", "2099-01-01T00:00:00Z"],
        1,
        "is in the future",
    ),
    (
        ["metrics", "track-start", "T1", "--agent", "CA", "--estimated", "0"],
        2,
        "0 is no number of hours above 0",
    ),
    (
        ["metrics", "track-complete", "T1", "--agent", "CA", "--actual", "nan"],
        2,
        "nan is no number of hours above 0",
    ),
    (
        ["metrics", "track-complete", "T1", "--agent", "CA", "--deliverables", "-1"],
        2,
        "-1 is no whole number",
    ),
    (["metrics", "collect", "--workspace", "/none"], 3, "is not there"),
]


@pytest.mark.parametrize(("words", "status", "said"), WRONG, ids=[" ".join(words) for words, _, _ in WRONG])
def test_wrong_words_are_one_line_with_a_next_step(words, status, said, space, capsys):
    import re

    before = tree(space.root)
    assert main(words) == status
    err = capsys.readouterr().err
    assert re.search(said, err), err
    assert err.count("\n") == 1
    assert tree(space.root) == before


@pytest.mark.parametrize("action", ["collect", "report", "export", "track-start", "track-complete"])
def test_every_action_explains_itself_with_examples(action, capsys):
    with pytest.raises(SystemExit):
        main(["metrics", action, "--help"])
    out = capsys.readouterr().out
    assert f"usage: bluetop metrics {action}" in out
    assert f"examples:\n  bluetop metrics {action}" in out
    assert "--read-only" in out


def test_a_metrics_folder_that_is_locked_or_leads_away_is_one_line(space, tmp_path, capsys):
    (space.root / ".metrics").symlink_to(tmp_path)
    assert main(["metrics", "collect"]) == 1
    assert "leads out of the workspace" in capsys.readouterr().err


def test_hostile_text_reaches_the_terminal_as_text(space, capsys):
    space.queue("\x1b]0;x\x07", task("\x1b[31m\u202e", "in_progress"))
    for words in (
        ["collect"],
        ["report"],
        ["export"],
        ["export", "--format", "openmetrics"],
        ["export", "--json"],
    ):
        main(["metrics", *words])
        out = capsys.readouterr().out.replace("\r\n", "\n")
        assert all(char == "\n" or char.isprintable() for char in out), words


def test_ascii_and_no_color_are_kept_to(space):
    space.queue("é完了", task())
    run = subprocess.run(
        [sys.executable, "-m", "tui", "metrics", "report", "--no-save", "--ascii"],
        env={**os.environ, "PYTHONPATH": str(ROOT), "NO_COLOR": "1"}, capture_output=True, check=True,
    )  # fmt: skip
    assert run.stdout.isascii()
    assert b"\x1b" not in run.stdout


def test_what_was_there_before_is_taken_up(space, capsys):
    space.put("CA", entry("T0", estimated_hours=8), entry("OLD", status="completed"))
    assert main(["metrics", "report", "--json"]) == 0
    agents = {row["id"]: row for row in printed(capsys)["agents"]}
    assert (agents["CA"]["total_tasks"], agents["CA"]["completed"]) == (4, 2)
    assert space.entry("CA", "T0")["estimated_hours"] == 2  # what the queue file says now
