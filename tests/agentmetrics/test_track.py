"""A start and an end that somebody records by hand."""

import pytest

from core.agentmetrics.collect import track
from core.agentmetrics.store import Refused
from core.agentmetrics.track import COMPLETE, START, Event
from core.errors import UsageError
from tests.agentmetrics.space import entry, history, task

NOW = "2026-05-28T20:26:40Z"
HOUR = 3600.0


def start(space, **more):
    return track(space.place, "CA", "TASK-1", Event(START, **more))


def complete(space, **more):
    return track(space.place, "CA", "TASK-1", Event(COMPLETE, **more))


def test_start_and_end_are_recorded_and_give_the_hours(space):
    space.queue("CA", task())
    found = start(space, estimated_hours=3.0)
    assert (found.recorded, found.entry["status"], found.entry["started_at"]) == (True, "in_progress", NOW)
    space.clock.advance(2 * HOUR)
    found = complete(space, delivered=4)
    row = space.entry("CA")
    assert (row["status"], row["completed_at"], row["estimated_hours"], row["actual_hours"]) == (
        "completed", "2026-05-28T22:26:40Z", 3, 2,
    )  # fmt: skip
    assert (space.facts("CA")["delivered"], row["deliverables_completed"]) == (4, 4)


def test_the_same_again_is_known_already_and_writes_nothing(space):
    space.queue("CA", task())
    start(space)
    space.clock.advance(HOUR)
    before = space.written("CA")
    assert start(space).recorded is False
    assert start(space, at=space.clock.wall() - HOUR).recorded is False
    assert space.written("CA") == before
    assert complete(space).recorded is True
    space.clock.advance(HOUR)
    before = space.written("CA")
    assert complete(space).recorded is False
    assert space.written("CA") == before


def test_an_end_without_a_start_leaves_the_hours_unknown(space):
    space.queue("CA", task())
    complete(space)
    assert (space.entry("CA")["status"], space.entry("CA")["actual_hours"]) == ("completed", None)
    space.queue("CB", task("TASK-2"))
    track(space.place, "CB", "TASK-2", Event(COMPLETE, actual_hours=5.0, failed=True))
    row = space.entry("CB", "TASK-2")
    assert (row["status"], row["actual_hours"]) == ("failed", 5)


def test_hours_can_be_added_to_a_task_that_its_queue_file_has_as_done(space):
    space.queue("CA", done=[history(at="2026-05-01T12:00:00Z")])
    found = complete(space, actual_hours=2.5, delivered=3)
    assert (found.entry["actual_hours"], found.entry["completed_at"]) == (2.5, "2026-05-01T12:00:00Z")


REFUSED = [
    ([Event(START)], Event(START, at=1_779_990_000.0), "is recorded as started at .*--force"),
    ([Event(COMPLETE)], Event(START), "is recorded as ended at .*--force starts it again"),
    (
        [Event(COMPLETE)],
        Event(COMPLETE, failed=True),
        "is recorded as completed at .*--force records it anew",
    ),
    ([Event(COMPLETE, actual_hours=1.0)], Event(COMPLETE, actual_hours=2.0), "--force records it anew"),
    ([Event(START)], Event(COMPLETE, at=1_779_990_000.0), "its start at .* is later than that"),
    ([], Event(START, at=1_999_990_000.0), "is in the future"),
]


@pytest.mark.parametrize(("before", "event", "said"), REFUSED)
def test_what_contradicts_the_record_is_refused_and_changes_nothing(space, before, event, said):
    space.queue("CA", task())
    for earlier in before:
        track(space.place, "CA", "TASK-1", earlier)
    was = space.file("CA").read_bytes() if before else None
    with pytest.raises(Refused, match=f"CA: TASK-1: .*{said}"):
        track(space.place, "CA", "TASK-1", event)
    assert (space.file("CA").read_bytes() if before else None) == was
    if not before:
        assert not (space.root / ".metrics").exists()


def test_force_records_anew(space):
    space.queue("CA", task())
    start(space)
    complete(space, actual_hours=1.0, delivered=2)
    space.clock.advance(HOUR)
    row = start(space, force=True).entry
    assert (row["status"], row["completed_at"], row["started_at"]) == (
        "in_progress",
        None,
        "2026-05-28T21:26:40Z",
    )
    assert complete(space, failed=True).entry["status"] == "failed"


def test_a_finished_task_is_not_started_by_mistake_and_not_failed_against_its_file(space):
    space.queue("CA", done=[history()])
    with pytest.raises(Refused, match="it is completed already; --force starts it again"):
        start(space)
    with pytest.raises(Refused, match="its queue file says completed"):
        complete(space, failed=True)


def test_an_unknown_task_is_told_where_it_is_or_what_was_meant(space):
    space.queue("CA", task("TASK-11"))
    space.queue("CB", task())
    with pytest.raises(UsageError, match="it is in the queue file of CB: name that agent"):
        start(space)
    with pytest.raises(UsageError, match="did you mean TASK-11"):
        track(space.place, "CA", "TASK-111", Event(START))
    with pytest.raises(UsageError, match="it has TASK-11"):
        track(space.place, "CA", "something", Event(START))
    with pytest.raises(UsageError, match="there is no agent XX"):
        track(space.place, "XX", "TASK-1", Event(START))
    space.raw("CA", b"")
    with pytest.raises(UsageError, match="could not be wholly read: the file is empty"):
        start(space)
    assert not (space.root / ".metrics").exists()


def test_a_task_that_only_the_metrics_know_can_be_ended(space):
    space.put("CA", entry(status="in_progress"))
    space.queue("CA")
    assert complete(space).entry["status"] == "completed"


def test_a_task_that_moved_is_not_recorded_with_its_former_agent(space):
    space.queue("CA", task())
    space.queue("CB")
    space.collect()
    space.queue("CA")
    space.queue("CB", task())
    space.collect()
    with pytest.raises(Refused, match="it moved to CB; name that agent"):
        start(space)


def test_what_is_recorded_by_hand_stands_until_the_queue_file_says_more(space):
    space.queue("CA", task())
    start(space)
    space.clock.advance(HOUR)
    complete(space)
    space.collect()
    assert (space.entry("CA")["status"], space.entry("CA")["actual_hours"]) == ("completed", 1)
    space.queue("CA", done=[history(metrics={"actual_hours": 0.5})])
    space.collect()
    assert (space.entry("CA")["actual_hours"], space.entry("CA")["completed_at"]) == (
        0.5,
        "2026-05-28T21:26:40Z",
    )
    space.clock.advance(HOUR)
    space.queue("CA", task(status="in_progress", started_at="2026-05-28T22:00:00Z"))
    space.collect()
    row = space.entry("CA")
    assert (row["status"], row["completed_at"], row["started_at"]) == (
        "in_progress",
        None,
        "2026-05-28T22:00:00Z",
    )


def test_other_tasks_and_marks_are_left_alone(space):
    space.queue("CA", task(), task("TASK-2"))
    space.collect()
    before = space.metrics("CA")
    space.queue("CA", task(), task("TASK-3"))
    start(space)
    after = space.metrics("CA")
    assert [row["task_id"] for row in after["metrics"]] == ["TASK-1", "TASK-2"]
    assert after["metrics"][1] == before["metrics"][1]
