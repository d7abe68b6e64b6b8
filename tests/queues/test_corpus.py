"""Every real queue file there is. Needs BLUETOP_CORPUS: the folder postbox-corpus."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from core.queues import BACKENDS, Limits
from core.queues.check import check_file, check_workspace

CORPUS = os.environ.get("BLUETOP_CORPUS", "")
INSTRUMENTS = os.environ.get("BLUETOP_INSTRUMENTS", "")
needs_corpus = pytest.mark.skipif(not CORPUS, reason="BLUETOP_CORPUS is not set")


def real_files() -> list[dict[str, Any]]:
    with open(os.path.join(CORPUS, "MANIFEST.json"), encoding="utf-8") as file:
        files: list[dict[str, Any]] = json.load(file)["files"]
    return [row for row in files if "outbox" in row["file"] and row["file"].endswith(".json")]


@needs_corpus
def test_every_real_file_is_read_or_gets_a_place() -> None:
    rows = real_files()
    assert rows
    for row in rows:
        report = check_file(os.path.join(CORPUS, row["file"]))
        assert report.form != "unreadable", row["file"]
        if row["parses"]:
            assert report.wholly_read, (row["file"], report.problems)
        else:
            assert any(problem.line > 0 and problem.column > 0 for problem in report.problems), row["file"]
        if row.get("fits_schema") is not None:
            assert report.fits_schema == row["fits_schema"], (row["file"], report.problems)


@needs_corpus
def test_every_real_workspace_is_scanned_and_both_readers_agree(tmp_path: Path) -> None:
    for name in sorted(os.listdir(os.path.join(CORPUS, "snapshots"))):
        root = tmp_path / name
        shutil.copytree(os.path.join(CORPUS, "snapshots", name), root)
        rows = []
        for limits in (Limits(), Limits(deep_check_bytes=0)):
            backend = BACKENDS["postbox"](str(root), limits)
            parts = list(backend.scan(lambda path: None))
            found = {row.agent: row._replace(read_ms=0, read_at=0) for part in parts for row in part.changed}
            rows.append(found)
            for agent, row in found.items():
                total = (
                    row.pending
                    + row.in_progress
                    + row.review
                    + row.blocked
                    + row.failed
                    + row.completed
                    + row.other
                )
                assert len(backend.tasks(agent) if row.form != "missing" else ()) == total
        assert rows[0] == rows[1]
        folders = [entry.name for entry in os.scandir(root / "postbox") if entry.is_dir()]
        assert sorted(rows[0]) == sorted(folders)
        assert "unreadable" not in {row.form for row in rows[0].values()}


@needs_corpus
def test_the_one_trailing_comma_of_the_real_system_costs_nothing() -> None:
    root = os.path.join(CORPUS, "snapshots", "autopilot-f32dac125")
    if not os.path.isdir(root):
        pytest.skip("this snapshot is not in the corpus")
    (report,) = [file for file in check_workspace(root).files if file.queue.agent == "CA"]
    first = report.problems[0]
    assert (report.form, report.wholly_read, first.code, first.line, first.column) == (
        "standard", True, "trailing_comma", 80, 40,
    )  # fmt: skip
    assert (report.queue.in_progress, report.queue.completed) != (0, 0)


@pytest.mark.skipif(not INSTRUMENTS, reason="BLUETOP_INSTRUMENTS is not set")
def test_generated_workspaces_are_counted_right_whatever_stands_beside(tmp_path: Path) -> None:
    root, truth = tmp_path / "w", tmp_path / "truth.json"
    command = [
        sys.executable,
        os.path.join(INSTRUMENTS, "make_postbox.py"),
        str(root),
        "--one-of-each",
        "--stray",
    ]
    subprocess.run(
        [*command, "--hostile-names", "8", "--manifest", str(truth)], check=True, capture_output=True
    )
    made = json.loads(truth.read_text())["agents"]
    parts = list(BACKENDS["postbox"](str(root), Limits()).scan(lambda path: None))
    rows = {row.agent: row for part in parts for row in part.changed}
    for agent, row in made.items():
        if row["kind"] == "plain" and agent in rows and rows[agent].form != "missing":
            counts, queue = row["by_status"], rows[agent]
            assert queue.pending == counts.get("pending", 0)
            assert queue.blocked == counts.get("blocked", 0)
            assert queue.in_progress == counts.get("in_progress", 0)
            assert queue.pending_hours == pytest.approx(row["pending_hours"])
    for agent, row in made.items():
        if row.get("group") == "malformed":
            assert rows[agent].problems or rows[agent].form == "standard", agent
