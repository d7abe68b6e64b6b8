"""What is read of a task, from every form of queue file."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.agentmetrics.seen import read_queue, rows_of
from core.clock import SYSTEM_CLOCK
from core.queues import Limits
from core.queues.forms import Found
from tests.agentmetrics.space import history, outbox, task

LATEST = 1_780_000_000.0  # 2026-05-28


def rows(*records, place="tasks"):
    found, _ = rows_of([Found(place, record, ()) for record in records], LATEST)
    return found


def read(space, content, agent="CA", **limits):
    path = space.raw(agent, content if isinstance(content, (bytes, str)) else json.dumps(content))
    return read_queue(str(path.parent), Limits(**limits), space.clock, lambda seconds: None)


def test_a_live_task_tells_its_estimate_its_promise_and_its_times():
    (row,) = rows(task(started_at="2026-05-01T10:00:00Z", deliverables=["a", "b"]))
    assert (row.status, row.live, row.estimated_hours, row.promised) == ("pending", True, 2, 2)
    assert (row.created_at, row.started_at) == ("2025-05-29T10:00:00Z", "2026-05-01T10:00:00Z")
    assert (row.actual_hours, row.delivered, row.completed_at) == (None, None, None)


def test_an_entry_of_the_history_has_one_time_and_it_is_when_the_task_ended():
    (row,) = rows(history(metrics={"actual_hours": 2.5}), place="history")
    assert (row.completed_at, row.stamped, row.created_at, row.started_at) == (
        "2026-05-01T12:00:00Z",
        True,
        None,
        None,
    )
    assert row.actual_hours == 2.5


DELIVERED = [
    ({"deliverables_completed": ["a", "b"]}, 2),
    ({"deliverables_completed": 3}, 3),
    ({"metrics": {"deliverables_completed": 8}}, 8),
    ({"deliverables_completed": ["a"], "metrics": {"deliverables_completed": 8}}, 1),
    ({"files": {"created": ["x", "y"]}, "metrics": {"files_created": 7}}, None),
    ({"deliverables_completed": True}, None),
    ({"deliverables_completed": "all"}, None),
    ({}, None),
]


@pytest.mark.parametrize(("more", "delivered"), DELIVERED)
def test_only_what_is_called_a_deliverable_is_one(more, delivered):
    (row,) = rows(history(**more), place="history")
    assert row.delivered == delivered


def test_files_created_and_modified_are_counted_apart_from_deliverables():
    (row,) = rows(history(files={"created": ["x", "y"], "modified": ["z"]}), place="history")
    assert (row.files, row.delivered) == (3, None)


HOURS = [
    ({"actual_hours": 2}, 2),
    ({"hours_spent": 1.5}, 1.5),
    ({"metrics": {"actual_hours": 0.5}}, 0.5),
    ({"time_spent_minutes": 90}, 1.5),
    ({"actual_hours": "3"}, None),
    ({"actual_hours": float("nan")}, None),
    ({"actual_hours": -1}, None),
    ({"actual_hours": 0}, None),
    ({"actual_hours": True}, None),
]


@pytest.mark.parametrize(("more", "hours"), HOURS)
def test_actual_hours_are_a_positive_number_under_any_of_their_names(more, hours):
    (row,) = rows(history(**more), place="history")
    assert row.actual_hours == hours


def test_one_task_in_tasks_and_history_is_one_row_with_what_either_knows():
    found, _ = rows_of(
        [
            Found("tasks", task("T", "completed", deliverables=["a"]), ()),
            Found("history", history("T", metrics={"actual_hours": 4}), ()),
        ],
        LATEST,
    )
    (row,) = found
    assert (row.status, row.estimated_hours, row.actual_hours, row.promised) == ("completed", 2, 4, 1)
    assert row.completed_at == "2026-05-01T12:00:00Z"


def test_a_live_record_says_the_status_though_the_history_has_the_task_too():
    found, _ = rows_of([Found("history", history("T"), ()), Found("tasks", task("T"), ())], LATEST)
    assert [(row.task_id, row.status, row.completed_at) for row in found] == [("T", "pending", None)]


TIMES = [
    ("2026-05-01T10:00:00Z", "2026-05-01T10:00:00Z", False),
    ("2026-05-01T10:00:00.123456Z", "2026-05-01T10:00:00.123456Z", False),
    ("2026-05-01T10:00:00-07:00", "2026-05-01T10:00:00-07:00", False),
    ("2026-05-01T10:00:00", "2026-05-01T10:00:00Z", True),
    ("2026-05-01", "2026-05-01T00:00:00Z", True),
    ("2026-05-01T10:00Z", "2026-05-01T10:00:00Z", False),
    ("2026-07-01T10:00:00Z", "2026-07-01T10:00:00Z", True),
    ("yesterday", None, False),
    (17, None, False),
]


@pytest.mark.parametrize(("written", "kept", "doubtful"), TIMES)
def test_times_are_kept_as_any_reader_takes_them_and_doubted_where_they_cannot_be(written, kept, doubtful):
    (row,) = rows(task(started_at=written))
    assert (row.started_at, "started_at" in row.doubtful) == (kept, doubtful)


def test_no_time_counts_beyond_the_file_itself():
    (row,) = rows(task(started_at="2099-01-01T00:00:00Z"))
    assert row.at == LATEST


def test_messages_that_say_a_task_is_completed_count_and_tasks_without_an_id_are_told_apart(space):
    messages = [
        {
            "from": "CA",
            "to": "ARCH",
            "message_type": "task_completion",
            "task_id": "T",
            "timestamp": "2026-05-01T10:00:00Z",
        },
        {"from": "CA", "to": "ARCH", "content": {"text": "hello"}},
    ]
    found = read(space, {"messages": messages, "tasks": [task(None), task("")]})
    assert [(row.task_id, row.status) for row in found["rows"]] == [("T", "completed")]
    assert (found["form"], found["nameless"]) == ("read", 2)


def test_a_file_one_folder_down_is_found(space):
    folder = space.root / "postbox" / "CA" / "outbox"
    folder.mkdir(parents=True)
    (folder / "outbox.json").write_text(json.dumps(outbox(task())))
    found = read_queue(str(folder.parent), Limits())
    assert (found["form"], found["place"], len(found["rows"])) == ("read", "outbox/outbox.json", 1)


def test_a_trailing_comma_is_no_loss_and_half_a_file_is_one_with_its_place(space):
    text = json.dumps(outbox(task(), task("TASK-2")), indent=2)
    assert read(space, text.replace("\n    }\n  ],", "\n    },\n  ],", 1))["form"] == "read"
    found = read(space, text[: text.index("TASK-2") + 3])
    assert (found["form"], len(found["rows"])) == ("partly", 1)
    assert found["place"].startswith("outbox.json:")
    assert found["problem"]


def test_an_empty_file_is_unread_and_no_file_is_missing(space):
    assert (read(space, b"")["form"], read(space, b"")["problem"]) == ("unread", "the file is empty")
    (space.root / "postbox" / "CB").mkdir()
    assert read_queue(str(space.root / "postbox" / "CB"), Limits())["form"] == "missing"


def test_a_file_that_is_being_written_is_read_again(space):
    path = space.raw("CA", '{"tasks": [')
    waited = []

    def finish(seconds):
        waited.append(seconds)
        space.raw("CA", json.dumps(outbox(task())))

    now = SYSTEM_CLOCK.wall()
    import os

    os.utime(path, (now, now))
    found = read_queue(str(path.parent), Limits(), SYSTEM_CLOCK, finish)
    assert (found["form"], len(found["rows"]), len(waited)) == ("read", 1, 1)


def test_a_file_too_large_for_objects_is_read_record_by_record_to_the_same_rows(space):
    content = outbox(*(task(f"T{n}", deliverables=["x"]) for n in range(5)), history=[history("H")])
    assert read(space, content, repair_bytes=10)["rows"] == read(space, content)["rows"]


def test_ids_are_made_fit_to_be_shown_and_stay_apart():
    found = rows(task("a\x1b[31m"), task("a"), task(7), task("x" * 300 + "1"), task("x" * 300 + "2"))
    assert [row.task_id[:9] for row in found] == ["a\\x1b[31m", "a", "7", "x" * 9, "x" * 9]


@given(st.binary(max_size=300))
def test_any_bytes_are_read_without_an_exception(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("q")
    (folder / "outbox.json").write_bytes(data)
    found = read_queue(str(folder), Limits(torn_retries=0))
    assert found["form"] in ("read", "partly", "unread")
