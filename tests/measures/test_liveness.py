"""The ladder of liveness: each rung with the evidence it stands on."""

import pytest

from core.measures.liveness import Limits, Liveness, Signs, evidence, liveness
from tests.snapshots import WALL, queue

LIMITS = Limits(silent_s=1800.0, timeout_s=14_400.0)
BUSY = {"in_progress": 1, "current_id": "TASK-1"}


def signs(progress=None, processes=None, cpu=None, process_at=None, asks=0, process_from=9999):
    """Signs so many seconds ago."""

    def at(ago):
        return None if ago is None else WALL - ago

    return Signs(at(progress), processes, cpu, at(process_at), asks, at(process_from))


# fields of the queue, state by the file, signs, expected word
LADDER = [
    ({}, "unreadable", signs(), "unreadable"),
    (BUSY, "stale", signs(5), "stale"),
    (BUSY, "retired", signs(5), "retired"),
    (BUSY, "paused", signs(99_999), "paused"),
    # the status field alone never makes an agent alive
    (BUSY, "working", signs(None), "silent"),
    (BUSY, "working", signs(60), "working"),
    (BUSY, "working", signs(1799), "working"),
    (BUSY, "working", signs(1800), "silent"),
    # a process that sleeps is no sign of work, a busy one is, but not for ever
    (BUSY, "working", signs(1800, processes=1, cpu=0.2), "silent"),
    (BUSY, "working", signs(1800, processes=1, cpu=40.0), "working"),
    (BUSY, "working", signs(14_400, processes=1, cpu=40.0), "silent"),
    (BUSY, "working", signs(None, processes=1), "working"),
    # a process that was there and is not: gone, unless the file moved on after it ended
    (BUSY, "working", signs(600, processes=0, process_at=300), "gone"),
    (BUSY, "working", signs(600, processes=0, process_at=30), "working"),
    (BUSY, "working", signs(100, processes=0, process_at=300), "working"),
    (BUSY, "working", signs(4000, processes=0, process_at=5000), "silent"),
    # somebody's shell that came and went after the last progress says nothing
    (BUSY, "working", signs(600, processes=0, process_at=300, process_from=400), "working"),
    # nothing in progress
    ({"review": 2}, "review", signs(99_999), "waiting"),
    ({"blocked": 1}, "blocked", signs(5), "waiting"),
    ({"pending": 4}, "idle", signs(5, asks=1), "waiting"),
    ({"pending": 4}, "idle", signs(99_999), "idle"),
    ({}, "idle", signs(5, processes=1, cpu=90.0), "idle"),
]


@pytest.mark.parametrize(("fields", "state", "given", "word"), LADDER)
def test_the_first_rung_that_holds_is_the_word(fields, state, given, word):
    assert liveness(queue("CA", **fields), state, given, WALL, LIMITS).word == word


def test_it_says_when_it_may_be_another_word_without_any_news():
    row = queue("CA", **BUSY)
    assert liveness(row, "working", signs(600), WALL, LIMITS) == Liveness("working", WALL + 1200)
    ended = signs(600, processes=0, process_at=20)
    assert liveness(row, "working", ended, WALL, LIMITS) == Liveness("working", WALL + 280)
    assert liveness(row, "working", signs(9999), WALL, LIMITS).until is None


@pytest.mark.parametrize(
    ("fields", "word", "given", "said"),
    [
        (BUSY, "silent", signs(11_400, processes=0),
         ("status in_progress", "no change for 3h 10m", "no process")),
        (BUSY, "silent", signs(2400, processes=1, cpu=0.0),
         ("status in_progress", "no change for 40 m", "1 process, CPU 0 %")),
        (BUSY, "gone", signs(900, processes=0, process_at=720),
         ("status in_progress", "no change for 15 m", "its process ended 12 m ago")),
        (BUSY, "working", signs(0.2), ("status in_progress", "changed just now")),
        ({"review": 2, "blocked": 1}, "waiting", signs(60, asks=1),
         ("2 in review, 1 blocked, 1 unanswered", "changed 1 m ago")),
        ({"pending": 4}, "idle", signs(60, processes=2, cpu=3.0),
         ("4 waiting, none in progress", "changed 1 m ago", "2 processes, CPU 3 %")),
        ({}, "idle", signs(None), ("nothing to do",)),
    ],
)  # fmt: skip
def test_the_evidence_is_what_was_judged_by(fields, word, given, said):
    assert evidence(queue("CA", **fields), word, "", given, WALL) == said


def test_tasks_of_unknown_status_are_not_said_to_be_nothing():
    assert evidence(queue("CA", other=4), "idle", "", signs(), WALL) == ("4 of unknown status",)


def test_what_the_file_says_of_itself_is_its_own_evidence():
    assert evidence(queue("WA"), "retired", "the file says: DECOMMISSIONED", signs(5), WALL) == (
        "the file says: DECOMMISSIONED",
    )
