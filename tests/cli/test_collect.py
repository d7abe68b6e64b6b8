"""`bluetop collect`: records without a screen, says how the record stands, and ends in order."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.documented import faults
from tui.cli import main

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def workspace(tmp_path, monkeypatch):
    """One agent with one task that waits."""
    for name in ("BLUETOP_CONFIG", "BLUETOP_WORKSPACE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    here = tmp_path / "ws"
    (here / "postbox" / "CA").mkdir(parents=True)
    save(here, "pending")
    monkeypatch.chdir(here)
    return here


def save(here, status):
    task = {"task_id": "TASK-1", "title": "one", "status": status}
    temporary = here / "postbox" / "CA" / "outbox.json.new"
    temporary.write_text(json.dumps({"agent_id": "CA", "tasks": [task], "history": []}))
    os.replace(temporary, here / "postbox" / "CA" / "outbox.json")


def start(here, *words):
    """The command as a process of its own, its lines readable one by one."""
    return subprocess.Popen(
        [sys.executable, "-m", "tui", "collect", "--json", *words],
        cwd=ROOT, env={**os.environ, "BLUETOP_WORKSPACE": str(here)}, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip


def lines_of(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_it_records_what_happens_and_ends_on_sigterm(workspace):
    process = start(workspace)
    first = json.loads(process.stdout.readline())
    assert faults(first) == []
    assert (first["event"], first["mode"], first["problem"]) == ("record", "writing", None)
    journal = Path(first["path"])
    assert journal == workspace / ".bluetop" / "transitions.jsonl"
    assert journal.read_text() == ""  # a first look is where it begins: nothing has happened yet
    save(workspace, "in_progress")
    while not lines_of(journal):
        assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    last = json.loads(process.communicate(timeout=10)[0].splitlines()[-1])
    assert (last["event"], process.returncode) == ("end", 128 + signal.SIGTERM)
    (line,) = lines_of(journal)
    assert set(line) == {"seen_at", "agent", "task", "from", "to", "file_mtime"}
    assert (line["agent"], line["task"], line["from"], line["to"]) == (
        "CA",
        "TASK-1",
        "pending",
        "in_progress",
    )


def test_the_duration_ends_it(capsys):
    assert main(["collect", "--duration", "1.5"]) == 0
    out = capsys.readouterr().out
    assert "writing: " in out
    assert "ended: writing" in out


def test_read_only_and_a_switched_off_record_are_refused(workspace, tmp_path, capsys):
    assert main(["--read-only", "collect"]) == 2
    assert "start it without" in capsys.readouterr().err
    config = tmp_path / "config.toml"
    config.write_text("[record]\nenabled = false\n")
    assert main(["--config", str(config), "collect"]) == 2
    assert "record.enabled is false; set it to true" in capsys.readouterr().err
    assert not (workspace / ".bluetop").exists()


def test_without_a_workspace_it_says_how_to_name_one(tmp_path, monkeypatch, capsys):
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    assert main(["collect", "--duration", "1"]) == 3
    assert "--workspace DIR" in capsys.readouterr().err


def test_a_record_that_cannot_be_written_there_goes_to_the_state_folder(workspace, tmp_path, capsys):
    (workspace / ".bluetop").write_text("a file where the folder should be")
    assert main(["collect", "--duration", "1.5", "--json"]) == 0
    first = json.loads(capsys.readouterr().out.splitlines()[0])
    assert first["mode"] == "writing"
    assert first["path"].startswith(str(tmp_path / "state" / "bluetop" / "workspaces"))
