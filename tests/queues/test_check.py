from pathlib import Path

import pytest

from core.errors import WorkspaceError
from core.queues.check import FileReport, check_file, check_workspace
from tests.queues.workspace import Workspace, outbox, task


def check(space: Workspace, content: object) -> FileReport:
    space.write("CA", content)
    return check_file(str(space.path("CA")), clock=space.clock)


def test_a_good_file_fits_the_schema_and_has_no_problem(space: Workspace) -> None:
    report = check(
        space,
        outbox(
            task(), history=[{"task_id": "H", "timestamp": "2025-05-01T00:00:00Z", "status": "completed"}]
        ),
    )
    assert (report.form, report.wholly_read, report.fits_schema, report.problems) == (
        "standard",
        True,
        True,
        (),
    )
    assert (report.queue.pending, report.queue.completed) == (1, 1)


def test_departures_from_the_schema_are_named_with_their_place(space: Workspace) -> None:
    report = check(space, outbox(task(status="ready_for_review", priority="high"), version=1))
    assert not report.fits_schema
    assert report.wholly_read
    assert [(p.code, p.key, p.line) for p in report.problems] == [
        ("schema", "version", 5),
        ("schema", "tasks[0].status", 13),
        ("schema", "tasks[0].priority", 14),
    ]


def test_odd_records_are_named_even_where_a_scan_does_not_mind(space: Workspace) -> None:
    twice = {"task_id": "H", "timestamp": "2025-05-01", "status": "done"}
    report = check(
        space,
        outbox(
            task("H", "partial", created_at="never", started_at="2099-01-01T00:00:00Z"), history=[twice, twice],
            metadata={"total_tasks_completed": 9},
        ),
    )  # fmt: skip
    found = {problem.code for problem in report.problems}
    assert found >= {
        "in_both", "repeated_entry", "no_zone", "bad_time", "doubtful_time", "unknown_status", "status_synonym",
        "wrong_total",
    }  # fmt: skip


def test_a_trailing_comma_is_wholly_read_and_half_a_file_is_not(space: Workspace) -> None:
    repaired = check(space, b'{"agent_id": "CA", "tasks": [],}')
    assert (repaired.wholly_read, repaired.fits_schema) == (True, False)
    assert (repaired.problems[0].code, repaired.problems[0].line, repaired.problems[0].column) == (
        "trailing_comma",
        1,
        31,
    )
    assert not check(space, b'{"agent_id": "CA", "tasks": [').wholly_read
    assert not check(space, b"").wholly_read


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    report = check_file(str(tmp_path / "outbox.json"))
    assert (report.form, report.wholly_read, report.problems[0].code) == ("unreadable", False, "gone")


def test_a_whole_workspace_is_checked_and_ids_are_compared(space: Workspace) -> None:
    space.write("CA", outbox(task("T-1")))
    space.write("CB", outbox(task("T-1"), agent_id="CB"))
    (space.root / "postbox" / "ARCH").mkdir()
    report = check_workspace(str(space.root), clock=space.clock)
    assert [(file.path, file.form, file.wholly_read) for file in report.files] == [
        ("postbox/ARCH/outbox.json", "missing", True),
        ("postbox/CA/outbox.json", "standard", True),
        ("postbox/CB/outbox.json", "standard", True),
    ]
    assert [problem.code for _, problem in report.problems] == ["shared_id"]


def test_a_folder_that_is_no_workspace_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(WorkspaceError):
        check_workspace(str(tmp_path))
