"""`bluetop alerts list|ack|unack|silence|unsilence|rules`: what they print, how they end, what they leave behind."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from core.alerts.filedesk import FileDesk
from core.alerts.past import wall_of
from core.alerts.store import read_log
from core.clock import SYSTEM_CLOCK
from core.text import clean
from core.units import until_morning_s
from tests.cli.alerting import lived
from tests.cli.conftest import tree
from tests.documented import faults
from tui.cli import main
from tui.cli.alerts_change import change_data, origin, seconds

ROOT = Path(__file__).parents[2]


def printed(out):
    document = json.loads(out)
    assert faults(document) == []
    return document


# -- list ----------------------------------------------------------------------------------------------


def test_where_nothing_is_kept_it_says_what_to_start(ws, bluetop):
    before = tree(ws)
    status, out, err = bluetop("alerts", "list")
    assert (status, err) == (0, "")
    assert "nobody has watched it yet" in out
    assert "`bluetop collect`" in out
    status, out, _ = bluetop("alerts", "list", "--json", "--fail-on", "info")
    report = printed(out)
    assert (status, report["path"], report["as_of"], report["active"]) == (0, None, None, [])
    assert tree(ws) == before


def test_it_lists_what_fires_by_severity_then_what_has_ended(ws, bluetop):
    lived(ws, 720)
    before = tree(ws)
    status, out, err = bluetop("alerts", "list")
    assert (status, err) == (0, "")
    assert out.startswith("as of 12 m ago (")
    assert "nobody keeps them now" in out
    lines = out.splitlines()
    at = next(
        number for number, line in enumerate(lines) if line.startswith("ACTIVE THEN (2 fire, 2 of them open)")
    )
    assert [line.split()[:4] for line in lines[at + 2 : at + 5]] == [
        ["medium", "firing", "queue_length", "CA"], ["medium", "firing", "queue_length", "CB"],
        ["high", "pending", "memory_high", "host"],
    ]  # fmt: skip
    assert "queue of CA is 20 tasks (> 15)" in out
    ended = next(line for line in lines if "cpu_critical" in line)
    assert "cleared" in ended
    assert tree(ws) == before


def test_json_has_everything_and_keeps_to_its_table(ws, bluetop):
    here = lived(ws, 720)
    report = printed(bluetop("alerts", "list", "--json")[1])
    assert [(a["rule"], a["subject"], a["state"]) for a in report["active"]] == [
        ("queue_length", "CA", "firing"), ("queue_length", "CB", "firing"), ("memory_high", "host", "pending"),
    ]  # fmt: skip
    assert (report["fire"], report["wait"], report["keeper"]["running"]) == (2, 2, False)
    assert report["active"][2]["id"] == here.alert("memory_high").id
    assert 8 < report["active"][0]["lasted_s"] < 14  # up to when the picture was taken, not till now
    (ended,) = report["history"]
    assert (ended["rule"], ended["state"], ended["reason"]) == ("cpu_critical", "resolved", "cleared")
    assert ended["ended_at"] > ended["fired_at"] > ended["since_at"]


def test_a_running_bluetop_is_named_and_time_goes_on(ws, bluetop):
    here = lived(ws, 120, end=False)
    out = bluetop("alerts", "list")[1]
    assert f"kept by a running bluetop (process {os.getpid()} on prod-01): {ws}/.bluetop/alerts.json" in out
    assert "\nACTIVE (2 fire" in out
    report = printed(bluetop("alerts", "list", "--json")[1])
    assert report["keeper"] == {"running": True, "process": os.getpid(), "host": "prod-01"}
    assert report["active"][0]["lasted_s"] > 125
    here.end()


def test_one_that_runs_and_keeps_nothing_any_more_is_said_to(ws, bluetop):
    here = lived(ws, 720, end=False)
    assert ", last 12 m ago, so it may hang: " in bluetop("alerts", "list")[1]
    here.end()


def test_since_all_and_history_choose_what_is_shown(ws, bluetop):
    lived(ws, 3 * 86_400)
    assert printed(bluetop("alerts", "list", "--json")[1])["history"] == []
    assert len(printed(bluetop("alerts", "list", "--json", "--since", "7d")[1])["history"]) == 1
    whole = printed(bluetop("alerts", "list", "--json", "--all")[1])
    assert (len(whole["history"]), len(whole["active"])) == (1, 3)
    past = printed(bluetop("alerts", "list", "--json", "--history", "--since", "4d")[1])
    assert (len(past["history"]), past["active"]) == (1, [])
    out = bluetop("alerts", "list", "--history", "--since", "4d")[1]
    assert "ENDED IN THE LAST 4d (1)" in out
    assert "ACTIVE" not in out


@pytest.mark.parametrize(("severity", "status"), [("high", 0), ("medium", 1), ("info", 1)])
def test_fail_on_is_about_what_fires(ws, bluetop, severity, status):
    lived(ws)
    assert bluetop("alerts", "list", "--fail-on", severity)[0] == status


def test_a_corrupt_state_is_said_and_left_where_it_is(ws, bluetop):
    lived(ws)
    (ws / ".bluetop" / "alerts.json").write_text("{")
    before = tree(ws)
    status, out, err = bluetop("alerts", "list")
    assert status == 1
    assert err.startswith(f"bluetop: {ws}/.bluetop/alerts.json cannot be used: ")
    assert err.count("\n") == 1
    assert "cpu_critical" in out  # what has ended is in the log
    status, out, _ = bluetop("alerts", "list", "--json")
    assert (status, printed(out)["active"]) == (1, [])
    assert "cannot be used" in printed(out)["problem"]
    assert tree(ws) == before


def test_what_is_kept_in_the_state_folder_is_found(ws, bluetop):
    (ws / ".bluetop").write_text("in the way")
    assert bluetop("alerts", "silence", "--for", "1h", "--comment", "why")[0] == 0
    report = printed(bluetop("alerts", "list", "--json")[1])
    assert report["path"].startswith(f"{ws.parent}/state/bluetop/workspaces/")
    assert [silence["comment"] for silence in report["silences"]] == ["why"]


def test_without_a_workspace_it_is_exit_3(tmp_path, monkeypatch, bluetop):
    monkeypatch.chdir(tmp_path)
    for words in (["list"], ["ack", "a", "b"], ["silence", "--for", "1h", "--comment", "x"]):
        status, _, err = bluetop("alerts", *words)
        assert status == 3
        assert "--workspace DIR" in err


# -- changes -------------------------------------------------------------------------------------------


def test_ack_and_unack(ws, bluetop, monkeypatch):
    lived(ws)
    monkeypatch.setenv("USER", "ann")
    monkeypatch.setenv("SSH_CONNECTION", "10.1.2.3 51234 10.0.0.1 22")
    status, out, err = bluetop("alerts", "ack", "queue_length", "CA")
    assert (status, out, err) == (0, "acknowledged queue_length on CA, until it resolves\n", "")
    report = printed(bluetop("alerts", "list", "--json")[1])
    assert [alert["acked_by"] for alert in report["active"]] == ["ann", None, None]
    assert report["wait"] == 1
    assert "ann" in bluetop("alerts", "list")[1]
    line = next(row for row in read_log(str(ws / ".bluetop")) if row["what"] == "ack")
    assert (line["by"], line["origin"]) == ("ann", "10.1.2.3")
    document = printed(bluetop("alerts", "unack", "queue_length", "CA", "--json")[1])
    assert (document["what"], document["done"], document["done_by"]) == ("unack", True, "command")
    assert (document["rule"], document["subject"], document["origin"]) == ("queue_length", "CA", "10.1.2.3")


def test_silence_and_unsilence(ws, bluetop, monkeypatch):
    lived(ws)
    monkeypatch.setenv("USER", "ann")
    monkeypatch.delenv("SSH_CONNECTION", raising=False)
    words = [
        "alerts",
        "silence",
        "--rule",
        "queue_*",
        "--subject",
        "C?",
        "--severity",
        "medium",
        "--for",
        "90m",
    ]
    document = printed(bluetop(*words, "--comment", "being  moved", "--json")[1])
    assert (document["matches"], document["by"], document["origin"]) == (2, "ann", None)
    assert (document["rule"], document["subject"], document["severity"]) == ("queue_*", "C?", "medium")
    report = printed(bluetop("alerts", "list", "--json")[1])
    (silence,) = report["silences"]
    assert silence["id"] == document["silence"]
    assert (silence["by"], silence["comment"], silence["over"]) == ("ann", "being moved", False)
    ends = {document["until"], silence["until"], report["active"][0]["silenced_until"]}
    assert max(map(wall_of, ends)) - min(map(wall_of, ends)) <= 1.0
    assert report["wait"] == 0
    out = bluetop("alerts", "list")[1]
    assert "\nSILENCES (1)\n" in out
    status, out, _ = bluetop("alerts", "unsilence", document["silence"])
    assert (status, out) == (0, f"the silence {document['silence']} has ended\n")
    assert printed(bluetop("alerts", "list", "--json")[1])["silences"] == []
    assert printed(bluetop("alerts", "list", "--all", "--json")[1])["silences"][0]["over"] is True


WRONG = [
    (["ack", "queue_length", "CX"], 1, "queue_length on CX does not fire: there is nothing to acknowledge"),
    (["ack", "queue_length", "CX"], 1, "; it fires on CA, CB"),
    (["ack", "queue_lenght", "CA"], 1, "did you mean queue_length?"),
    (["ack", "memory_high", "host"], 1, "memory_high on host does not fire"),
    (["ack", "queue_length"], 2, "the following arguments are required: SUBJECT"),
    (["unack", "queue_length", "CA"], 1, "queue_length on CA is not acknowledged"),
    (["unsilence", "4f1c2a"], 1, "there is no silence 4f1c2a in force"),
    (["silence", "--comment", "x"], 2, "a silence needs an end and a comment; add --for 1h --comment TEXT"),
    (["silence", "--for", "1h"], 2, "a silence needs an end and a comment"),
    (["silence", "--for", "1h", "--comment", "  "], 2, "a silence needs an end and a comment"),
    (["silence", "--for", "soon", "--comment", "x"], 2, "soon is no duration"),
    (["silence", "--for", "-1h", "--comment", "x"], 2, "expected one argument"),
    (["silence", "--for", "400d", "--comment", "x"], 1, "a silence needs an end, at most 366 days from now"),
    (["silence", "--severity", "hgh", "--for", "1h", "--comment", "x"], 2, "did you mean high?"),
    (["silence", "--rule", "", "--for", "1h", "--comment", "x"], 2, "must not be empty"),
    (["silence", "--subjet", "CA", "--for", "1h"], 2, "--subjet is no option; did you mean --subject?"),
    (["silnce"], 2, "did you mean silence?"),
    ([], 2, "the following arguments are required: action"),
    (["list", "extra"], 2, "extra is one word too many"),
    (["list", "--all", "--history"], 2, "not allowed with argument"),
]  # fmt: skip


@pytest.mark.parametrize(("words", "status", "said"), WRONG)
def test_what_cannot_be_done_is_one_line_and_changes_nothing(ws, bluetop, words, status, said):
    lived(ws)
    before = tree(ws)
    found, out, err = bluetop("alerts", *words)
    assert (found, out) == (status, "")
    assert said in err
    assert err.startswith("bluetop: ")
    assert err.count("\n") == 1
    assert tree(ws) == before


def test_read_only_refuses_every_change_and_still_lists(ws, bluetop):
    lived(ws)
    before = tree(ws)
    for words in (
        ["ack", "queue_length", "CA"],
        ["silence", "--for", "1h", "--comment", "x"],
        ["unsilence", "x"],
    ):
        status, _, err = bluetop("--read-only", "alerts", *words)
        assert status == 2
        assert "bluetop runs with --read-only" in err
    assert bluetop("--read-only", "alerts", "list")[0] == 0
    assert tree(ws) == before


def test_a_silence_may_last_until_tomorrow_morning(monkeypatch):
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    try:
        # The evening before the clock goes back: there are 25 hours in that day, and 12 from 20:00 to 8:00 and one.
        assert until_morning_s(1_792_864_800.0) == 13 * 3600.0
        assert seconds("tomorrow", 1_792_864_800.0) == 13 * 3600.0
        assert seconds("90m", 0.0) == 5400.0
    finally:
        monkeypatch.undo()
        time.tzset()


def test_the_address_is_the_first_word_that_sshd_says():
    assert origin("2001:db8::1 51234 2001:db8::2 22") == "2001:db8::1"
    assert origin("") == ""


def test_what_was_not_answered_is_not_done(tmp_path):
    desk = FileDesk([str(tmp_path)], str(tmp_path), SYSTEM_CLOCK, "box")
    desk.line, desk.asked = {"at": "2026-11-24T00:05:00.000Z", "rule": "a", "subject": "b", "by": "ann"}, True
    document = change_data(desk, "ack", False, "asked")
    assert faults(document) == []
    assert (document["done"], document["done_by"]) == (False, None)


def test_hostile_words_reach_neither_terminal_nor_log(ws, bluetop):
    lived(ws)
    for words in (["ack", "q\x1b[2J", "\x9b31m"], ["unsilence", "\x1b]0;x\x07"]):
        status, out, err = bluetop("alerts", *words)
        assert (status, out) == (1, "")
        assert all(char == "\n" or char == clean(char) for char in err)
    assert bluetop("alerts", "silence", "--for", "1h", "--comment", "\x1b[2J\nevil")[0] == 0
    out = bluetop("alerts", "list")[1]
    assert all(char == "\n" or char == clean(char) for char in out)
    assert "\\x1b[2J evil" in out


@pytest.mark.skipif(sys.platform != "linux", reason="waits for a process by its pipe")
def test_beside_a_collector_it_is_the_collector_that_does_it(ws, bluetop):
    folder = ws / "postbox" / "CA"
    folder.mkdir()
    tasks = [{"task_id": f"T{n}", "title": "t", "status": "pending"} for n in range(20)]
    (folder / "outbox.json").write_text(json.dumps({"agent_id": "CA", "tasks": tasks, "history": []}))
    process = subprocess.Popen(
        [sys.executable, "-m", "tui", "collect", "--json"], cwd=ROOT,
        env={**os.environ, "BLUETOP_WORKSPACE": str(ws)}, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        process.stdout.readline()
        while not [row for row in read_log(str(ws / ".bluetop")) if row["what"] == "notification"]:
            assert process.poll() is None
        status, out, err = bluetop("alerts", "ack", "queue_length", "CA")
        assert (status, err) == (0, "")
        assert out.endswith("(by the bluetop that keeps the alerts)\n")
        report = printed(bluetop("alerts", "list", "--json")[1])
        assert report["keeper"]["running"] is True
        assert report["keeper"]["process"] == process.pid
        assert report["active"][0]["acked_by"]
        analysis = json.loads((bluetop("analyze", "--json"))[1])
        assert faults(analysis) == []
        assert analysis["alerts"]["running"] is True
    finally:
        process.terminate()
        process.communicate(timeout=20)


# -- rules ---------------------------------------------------------------------------------------------


def test_rules_in_force_are_told_in_words(ws, bluetop):
    status, out, err = bluetop("alerts", "rules")
    assert (status, err) == (0, "")
    assert out.startswith("RULES IN FORCE (11)\n")
    row = next(line for line in out.splitlines() if line.startswith("disk_io "))
    assert row.split("  ")[0] == "disk_io"
    assert "average disk I/O over 1m > 50 MB/s" in row
    assert row.endswith("shipped")
    document = printed(bluetop("alerts", "rules", "--json")[1])
    assert all(rule["measured"] and rule["file"] is None for rule in document["rules"])
    assert document["rejected"] == []


def test_rules_of_the_configuration_say_which_file_and_what_was_rejected(ws, tmp_path, bluetop):
    config = tmp_path / "c.toml"
    config.write_text(
        '[[rule]]\nname = "queue_length"\nthreshold = 25\n[[rule]]\nname = "cpu_critical"\nclear = 99\n'
        '[[rule]]\nname = "odd"\nmetric = "moon_phase"\nthreshold = 1\n[[rule]]\nname = "disk_io"\nenabled = false\n'
    )
    status, out, err = bluetop("alerts", "rules", "--config", str(config))
    assert status == 1
    assert "queue > 25 tasks" in out
    assert "CPU > 90 %" in out  # the shipped one stays
    assert "switched off: disk_io" in out
    assert [line.split(": ")[1] for line in err.splitlines()] == [f"{config}:6", f"{config}:9"]
    document = printed(bluetop("alerts", "rules", "--config", str(config), "--json")[1])
    rules = {rule["name"]: rule for rule in document["rules"]}
    assert rules["queue_length"]["file"] == str(config)
    assert (rules["odd"]["measured"], rules["cpu_critical"]["file"]) == (False, None)
    assert [(fault["line"], fault["key"]) for fault in document["rejected"]] == [
        (6, "rule cpu_critical, clear"), (9, "rule.odd.metric"),
    ]  # fmt: skip


def test_rules_of_another_file(ws, tmp_path, bluetop):
    file = tmp_path / "my.toml"
    file.write_text(
        '[[rule]]\nname = "a"\nmetric = "cpu_percent"\nthreshold = 5\nfor = "90s"\nsubject = "b*"\n'
    )
    status, out, _ = bluetop("alerts", "rules", "--rules", str(file))
    assert status == 0
    assert out.startswith(f"RULES OF {file} (1)\n")
    assert "90s" in out
    assert "any b*" in out
    assert printed(bluetop("alerts", "rules", "--rules", str(file), "--json")[1])["file"] == str(file)
    status, _, err = bluetop("alerts", "rules", "--rules", str(tmp_path / "none.toml"))
    assert status == 2
    assert "cannot be read" in err


@pytest.mark.parametrize(
    "action", ["list", "ack", "unack", "silence", "unsilence", "rules", "replay", "test"]
)
def test_every_action_has_its_help(action, capsys):
    with pytest.raises(SystemExit) as caught:
        main(["alerts", action, "--help"])
    assert caught.value.code == 0
    out = capsys.readouterr().out
    assert f"usage: bluetop alerts {action}" in out
    assert "examples:\n  bluetop" in out
    assert "--json" in out
