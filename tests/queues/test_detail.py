import json
from pathlib import Path

import pytest

from core.errors import PollError
from core.queues import Limits
from tests.queues.workspace import Workspace, outbox, task


def test_a_record_comes_back_as_it_was_written(space: Workspace) -> None:
    raw = '{"agent_id": "CA", "tasks": [{"task_id": "T-1", "n": 1.50, "big": %s, "x": 1e999, "x": [], "e": "é✅"}]}'
    space.write("CA", raw % ("9" * 5000))
    text = space.backend.record("CA", "tasks", 0, "T-1")
    assert text.splitlines()[:3] == ["{", '  "task_id": "T-1",', '  "n": 1.50,']
    assert '  "x": 1e999,' in text.splitlines()
    assert '  "x": [],' in text.splitlines()
    assert '  "e": "é✅"' in text.splitlines()
    assert "9" * 5000 in text


def test_a_record_is_valid_json_without_anything_a_terminal_acts_on(space: Workspace) -> None:
    value = {
        "task_id": "T-1",
        "t": "\x1b[2J\x9b\u202e\u200d\ufe0f\u2028 \u00a0",
        "\x07key": ["\ud800", None, True, {}],
    }
    space.write("CA", json.dumps(outbox(value)))
    text = space.backend.record("CA", "tasks", 0, "T-1")
    assert json.loads(text) == value
    assert all(line.isprintable() for line in text.splitlines())


def test_a_record_that_moved_is_found_by_its_id_and_one_that_went_is_said_to_be_gone(
    space: Workspace,
) -> None:
    space.write("CA", outbox(task("T-2"), task("T-1", note="here")))
    assert json.loads(space.backend.record("CA", "tasks", 0, "T-1"))["note"] == "here"
    with pytest.raises(PollError, match="T-9 is not in postbox/CA/outbox"):
        space.backend.record("CA", "tasks", 0, "T-9")
    with pytest.raises(PollError, match="no agent CX"):
        space.backend.record("CX", "tasks", 0, "T-1")


def test_every_task_of_every_place_can_be_opened(space: Workspace) -> None:
    content = outbox(
        task("T-1"), task(7), task(""),
        history=[{"task_id": "H-1", "status": "completed", "metrics": {"actual_hours": 3}}],
        messages=[{"task_id": "M-1", "content": {"status": "sent"}}],
    )  # fmt: skip
    space.write("CA", content)
    rows = space.backend.tasks("CA")
    assert [(row.task_id, row.place, row.index) for row in rows] == [
        ("T-1", "tasks", 0), ("7", "tasks", 1), ("H-1", "history", 0), ("M-1", "messages", 0), ("", "tasks", 2),
    ]  # fmt: skip
    assert rows[2].actual_hours == 3.0
    for row in rows:
        assert space.backend.record("CA", row.place, row.index, row.task_id)


def test_a_very_long_queue_is_cut_with_the_finished_left_out_first(tmp_path: Path) -> None:
    space = Workspace(tmp_path, Limits(max_tasks=3))
    space.write(
        "CA", outbox(*(task(f"D-{n}", "completed") for n in range(5)), task("P"), task("B", "blocked"))
    )
    assert [row.task_id for row in space.backend.tasks("CA")] == ["D-0", "P", "B"]


def test_the_streamed_reader_gives_the_same_tasks_and_records(tmp_path: Path, space: Workspace) -> None:
    content = outbox(task("T-1"), task("T-2", "IN PROGRESS"), history=[{"task_id": "H-1", "status": "done"}])
    space.write("CA", content)
    streamed = Workspace(tmp_path, Limits(repair_bytes=0, deep_check_bytes=0))
    assert streamed.backend.tasks("CA") == space.backend.tasks("CA")
    assert streamed.backend.record("CA", "tasks", 1, "T-2") == space.backend.record("CA", "tasks", 1, "T-2")
    streamed.scan()
    space.scan()
    assert streamed.rows["CA"]._replace(read_ms=0) == space.rows["CA"]._replace(read_ms=0)


def test_a_queue_that_is_not_json_has_no_tasks_but_a_reason(tmp_path: Path) -> None:
    space = Workspace(tmp_path, Limits(repair_bytes=0))
    space.write("CA", b'{"tasks": [1,')
    with pytest.raises(PollError, match="not JSON"):
        space.backend.tasks("CA")
