"""Every form of queue file, one by one, through a whole scan."""

import json
from typing import Any

import pytest

from tests.queues.workspace import Workspace, codes, outbox, statuses, task


def test_a_standard_queue_is_counted(space: Workspace) -> None:
    row = space.read(
        outbox(
            task("T-1", "pending", created_at="2025-05-29T10:00:00Z"),
            task("T-2", "pending", estimated_hours=0.5, created_at="2025-05-28T10:00:00Z"),
            task("T-3", "in_progress", started_at="2025-05-29T11:00:00Z", title="Now"),
            task("T-4", "ready_for_review"),
            task("T-5", "blocked"),
            task("T-6", "failed"),
            task("T-7", "completed"),
            task("T-8", "someday"),
            history=[{"task_id": "T-0", "timestamp": "2025-05-01T00:00:00Z", "status": "completed"}],
            metadata={"capacity_hours": 6},
            role="Frontend",
        )
    )
    assert row.form == "standard"
    assert statuses(row) == {
        "pending": 2, "in_progress": 1, "review": 1, "blocked": 1, "failed": 1, "completed": 2, "other": 1,
    }  # fmt: skip
    assert (row.pending_hours, row.hours_unknown, row.capacity_hours) == (2.5, 0, 6.0)
    assert (row.current_id, row.current_title, row.current_since) == ("T-3", "Now", 1748516400.0)
    assert row.oldest_waiting_at == 1748426400.0
    assert (row.role, row.expertise, row.state) == ("Frontend", ("python",), "active")
    assert row.path == "postbox/CA/outbox.json"
    assert row.problems == ()


FORMS: list[tuple[str, Any, dict[str, int], int]] = [
    ("messages", {"messages": [
        {"task_id": "T-1", "message_type": "task_completion", "content": {"status": "completed", "summary": "x"}},
        {"task_id": "T-2", "message_type": "task_completion", "content": {"summary": "no word, but the type"}},
        {"message": "hello"},
    ]}, {"completed": 2}, 3),
    ("list", [
        {"id": "m-1", "type": "task_status", "sender": "CA", "content": {"task_id": "T-1", "status": "in_progress"}},
        {"id": "m-2", "type": "task_status", "sender": "CA", "content": {"task_id": "T-1", "status": "completed"}},
        {"id": "m-3", "type": "merge_noop", "sender": "CA", "task_id": "T-9"},
    ], {"completed": 1}, 3),
    ("list", [{"task_id": "T-1", "status": "complete", "notes": []}, {"task_id": "T-2", "status": "done"}],
     {"completed": 2}, 0),
    ("list", [outbox(task("T-1"))], {"pending": 1}, 0),
    ("list", [], {}, 0),
    ("record", {"task_id": "T-1", "status": "complete", "details": {}}, {"completed": 1}, 0),
    ("reports", {"reports": [{"task_id": "T-1", "status": "success"}]}, {"completed": 1}, 0),
    ("card", {"agent_id": "CA", "status": "AVAILABLE_FOR_NEW_TASKS", "active_tasks": ["T-2"],
              "completed_tasks": ["T-1", {"task_id": "T-0", "status": "COMPLETED"}]},
     {"in_progress": 1, "completed": 2}, 0),
    ("card", {"current_status": "AVAILABLE", "task_completion": {"task_id": "Task 2", "status": "COMPLETED"}},
     {"completed": 1}, 0),
    ("standard", {"agent_id": "CA", "tasks": {"T-1": {"status": "pending"}, "T-2": {"status": "blocked"}}},
     {"pending": 1, "blocked": 1}, 0),
    ("standard", {"agent_id": "CA", "tasks": None, "history": None}, {}, 0),
    ("standard", {"agent_id": "CA", "agent_name": "new"}, {}, 0),
    ("empty", {}, {}, 0),
]  # fmt: skip


@pytest.mark.parametrize(("form", "content", "counts", "messages"), FORMS)
def test_each_form_is_read(
    space: Workspace, form: str, content: Any, counts: dict[str, int], messages: int
) -> None:
    row = space.read(content)
    assert (row.form, statuses(row), row.messages) == (form, counts, messages)


def test_documents_one_after_another_count_together(space: Workspace) -> None:
    documents = [{"task_id": f"T-{n}", "status": "COMPLETED"} for n in range(3)] + [
        {"task_id": "T-9", "report": {}}
    ]
    row = space.read("\n\n".join(json.dumps(document) for document in documents))
    assert (row.form, statuses(row)) == ("documents", {"completed": 3, "other": 1})
    assert codes(row) == ["documents", "no_status"]


def test_the_file_may_lie_one_folder_down(space: Workspace) -> None:
    folder = space.root / "postbox" / "CA" / "outbox"
    folder.mkdir(parents=True)
    (folder / "outbox.json").write_text(json.dumps(outbox(task())))
    space.scan()
    assert space.rows["CA"].path == "postbox/CA/outbox/outbox.json"
    assert space.rows["CA"].pending == 1
    space.touch(folder / "outbox.json")
    space.scan()
    assert space.changed() == []
    space.write("CA", outbox(task(), task("T-2")))
    assert space.changed() == ["CA"]
    assert (space.rows["CA"].path, space.rows["CA"].pending) == ("postbox/CA/outbox.json", 2)


@pytest.mark.parametrize(
    ("word", "counted"),
    [("COMPLETED", "completed"), ("complete", "completed"), ("done", "completed"), ("success", "completed"),
     ("closed_via_reference", "completed"), ("IN_PROGRESS", "in_progress"), ("In Progress", "in_progress"),
     ("in-progress", "in_progress"), ("Ready for review", "review"), ("assigned", "pending"), ("FAILED", "failed"),
     ("partial", "other"), ("sent", "other"), ("cancelled", "other"), ("[bold]pending[/]", "other"), (7, "other"),
     (None, "other"), ([], "other")],
)  # fmt: skip
def test_status_words_are_folded_and_unknown_ones_stay_raw(space: Workspace, word: Any, counted: str) -> None:
    assert statuses(space.read(outbox(task("T-1", word)))) == {counted: 1}
    (row,) = space.backend.tasks("CA")
    assert row.raw_status == ("" if word in (None, []) else str(word))
    if counted == "other":
        assert row.status == row.raw_status


@pytest.mark.parametrize(
    ("status", "state"),
    [("DECOMMISSIONED - No longer active", "decommissioned"), (" retired ", "decommissioned"),
     ("Inactive", "decommissioned"), ("paused until Monday", "paused"), ("OFFLINE", "paused"),
     ("maintenance", "paused"), ("busy", "active"),
     ("not paused", "active"), (None, "active"), (7, "active")],
)  # fmt: skip
def test_agents_out_of_service_are_recognised(space: Workspace, status: Any, state: str) -> None:
    assert space.read(outbox(status=status)).state == state


@pytest.mark.parametrize(
    "value", [None, True, False, "3", "4 hours", [], {}, -5, 0, -0.0, float("nan"), float("inf"), 10**400]
)
def test_hours_that_are_no_positive_number_are_unknown(space: Workspace, value: Any) -> None:
    row = space.read(outbox(task("T-1", estimated_hours=value), task("T-2", estimated_hours=3)))
    assert (row.pending_hours, row.hours_unknown) == (3.0, 1)
    assert space.read(outbox(task("T-1", estimated_hours=value))).pending_hours is None


def test_pending_hours_are_zero_without_pending_tasks(space: Workspace) -> None:
    assert space.read(outbox(task(status="completed"))).pending_hours == 0.0


def test_an_id_in_tasks_and_history_is_one_task_and_the_live_one_counts(space: Workspace) -> None:
    history = [{"task_id": "T-1", "status": "completed", "timestamp": "2025-05-30T00:00:00Z"}]
    assert statuses(space.read(outbox(task("T-1", "in_progress"), history=history))) == {"in_progress": 1}
    (row,) = space.backend.tasks("CA")
    assert (row.status, row.also, row.place) == ("in_progress", 1, "tasks")


def test_an_id_twice_in_the_history_is_one_task_and_the_latest_counts(space: Workspace) -> None:
    history = [
        {"task_id": "T-1", "status": "completed", "timestamp": "2025-05-30T00:00:00Z"},
        {"task_id": "T-1", "status": "failed", "timestamp": "2025-05-29T00:00:00Z"},
        {"task_id": "T-2", "status": "failed"},
        {"task_id": "T-2", "status": "completed"},
    ]
    row = space.read(outbox(history=history))
    assert statuses(row) == {"completed": 2}
    assert row.problems == ()


def test_an_id_twice_in_tasks_is_named(space: Workspace) -> None:
    row = space.read(outbox(task("T-1", "pending"), task("T-1", "blocked")))
    assert statuses(row) == {"blocked": 1}
    assert codes(row) == ["duplicate_id"]


def test_tasks_without_an_id_count_one_by_one(space: Workspace) -> None:
    row = space.read(outbox(task(""), task(None), task([]), task(7), task("7")))
    assert row.pending == 4
    assert set(codes(row)) == {"no_id", "duplicate_id"}


def test_times_from_the_future_are_marked_and_never_used_beyond_the_file(space: Workspace) -> None:
    space.write(
        "CA",
        outbox(
            task("T-1", created_at="2099-01-01T00:00:00Z"),
            task("T-2", "in_progress", started_at="2098-01-01"),
        ),
    )
    space.scan()
    row = space.rows["CA"]
    assert row.oldest_waiting_at == row.current_since == row.mtime
    assert codes(row) == ["doubtful_time"]
    first, second = space.backend.tasks("CA")
    assert first.doubtful == ("created_at",)
    assert second.doubtful == ("started_at",)


def test_a_time_without_a_zone_is_marked_on_the_task(space: Workspace) -> None:
    space.read(outbox(task(created_at="2025-05-22T14:30:00")))
    (row,) = space.backend.tasks("CA")
    assert (row.created_at, row.doubtful) == (1747924200.0, ("created_at",))


def test_the_task_started_last_is_the_current_one(space: Workspace) -> None:
    row = space.read(
        outbox(
            task("T-1", "in_progress", started_at="2025-05-29T10:00:00Z"),
            task("T-2", "in_progress", started_at="2025-05-29T12:00:00Z"),
            task("T-3", "in_progress"),
        )
    )
    assert row.current_id == "T-2"


def test_wrong_types_everywhere_are_named_and_stop_nothing(space: Workspace) -> None:
    wrong = {**outbox(None, 7, "x", [], True, task("T-1")),
             "history": [None, {"task_id": 1, "metrics": [], "files": 1}],
             "expertise": [1, None, "python", "python"], "metadata": [], "agent_name": 4, "role": {}}  # fmt: skip
    row = space.read(wrong)
    assert statuses(row) == {"pending": 1, "other": 1}
    assert row.expertise == ("python",)
    assert [(p.code, p.key, p.line) for p in row.problems if p.severity == "error"] == [
        ("not_an_object", "tasks[0]", 13),
        ("not_an_object", "history[0]", 28),
    ]


@pytest.mark.parametrize(
    ("content", "form", "code"),
    [(b"", "empty", "empty_file"), (b" \n\t", "empty", "empty_file"), (b"null", "unreadable", "top_level"),
     (b"42", "unreadable", "top_level"), (b'"x"', "unreadable", "top_level"), (b"hello", "unreadable", "stray_text"),
     (b'{"x": 1}', "unreadable", "unknown_form"), (b"\0" * 4096, "empty", "nul_bytes"),
     (b'{"tasks": 7}', "standard", "not_a_list")],
)  # fmt: skip
def test_what_holds_no_queue_gets_a_sentence(space: Workspace, content: bytes, form: str, code: str) -> None:
    row = space.read(content)
    assert row.form == form
    assert code in codes(row)
    assert row.problems[0].severity == "error"


def test_an_agent_id_of_another_agent_is_named(space: Workspace) -> None:
    row = space.read(outbox(agent_id="CB"))
    assert [(p.code, p.line, p.key) for p in row.problems] == [("id_mismatch", 2, "agent_id")]


def test_nothing_a_terminal_could_act_on_gets_through(space: Workspace) -> None:
    evil = "\x1b]0;pwn\x07\u202e\n\ud800"
    row = space.read(
        json.dumps(
            outbox(
                task("T" + evil, "in_progress", title=evil * 10_000), status=evil, expertise=[evil], role=evil
            )
        )
    )
    space.write("CA", json.dumps(outbox(task("T" + evil, evil, title=evil, priority=evil))))
    texts = [str(row), str(space.backend.tasks("CA")), str(space.read(json.dumps({evil: 1})))]
    for text in texts:
        assert text.isprintable()
        assert "\x1b" not in text
    assert len(row.current_title) <= 200
