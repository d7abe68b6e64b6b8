"""What needs a person: which kinds, in which order, since when."""

from core.measures.needs import KINDS, needs, order
from core.queues.model import Knot, Lost, Open
from core.samples import Signal
from tests.snapshots import WALL, queue

HOUR = 3600.0


def found(row, since=None, signals=(), knots=(), lost=()):
    return needs(row, since or {}, signals, knots, lost, WALL, 4 * HOUR)


def signal(kind="NEEDS_HELP", message="which schema?", ago=720):
    return Signal(
        "SIG-1", kind, "CA", "", WALL - ago, message, "HIGH", "TASK-1", ".signals/active/SIG-1.json"
    )


def test_an_agent_that_waits_for_nobody_needs_nobody():
    said = found(queue("CA", pending=40, in_progress=1, failed=3, running=(Open("T", WALL - HOUR),)))
    assert said.found == ()
    assert said.until == WALL + 3 * HOUR


def test_each_kind_says_what_it_is_and_since_when():
    row = queue(
        "CA", review=3, blocked=1, in_progress=1, running=(Open("T-1", WALL - 5 * HOUR),),
        reviewing=(Open("T-2", WALL - 2 * HOUR), Open("T-3", None)), blocking=(Open("T-4", None),),
    )  # fmt: skip
    knots = [Knot("failed", "T-5", "CA", ("T-5", "T-6"), "T-5 waits for T-6, which failed")]
    lost = [Lost("CA", "T-7", "in_progress", WALL - 60)]
    said = found(row, {"T-4": WALL - 600}, [signal()], knots, lost).found
    assert [(n.kind, n.task, n.count, n.since) for n in said] == [
        ("signal", "TASK-1", 1, WALL - 720),
        ("deadlock", "T-5", 1, None),
        ("lost", "T-7", 1, WALL - 60),
        ("timed out", "T-1", 1, WALL - 5 * HOUR),
        ("blocked", "T-4", 1, WALL - 600),
        ("review", "T-2", 3, WALL - 2 * HOUR),
    ]
    assert [n.text for n in said] == [
        "asks for help: which schema?",
        "T-5 waits for T-6, which failed",
        "T-7 (in_progress) is in no file any more",
        "T-1 is in progress for too long",
        "T-4 blocked",
        "T-2 and 2 more ready for review",
    ]
    assert sorted(said, key=order) == list(said)
    assert {n.kind for n in said} == set(KINDS)


def test_what_was_seen_goes_before_what_the_file_claims():
    row = queue("CA", in_progress=1, running=(Open("T-1", WALL - 90 * HOUR),))
    assert found(row).found[0].kind == "timed out"
    assert found(row, {"T-1": WALL - 60}).found == ()


def test_a_task_of_unknown_start_never_times_out():
    said = found(queue("CA", in_progress=1, running=(Open("T-1", None),)))
    assert said == ((), None)


def test_a_word_that_nobody_knows_is_said_as_it_is():
    assert (
        found(queue("CA"), signals=[signal("RESOURCE_CLAIM", "")]).found[0].text == "signals RESOURCE_CLAIM"
    )


def test_tasks_without_an_id_are_counted_all_the_same():
    said = found(queue("CA", review=2)).found[0]
    assert (said.text, said.count, said.task) == ("2 ready for review", 2, "")


def test_the_same_call_again_and_again_is_one_need_as_old_as_the_first():
    said = found(queue("CA"), signals=[signal(ago=720), signal(ago=9000), signal(message="anybody?")]).found
    assert [(n.text, n.count, n.since) for n in said] == [
        ("asks for help: which schema? (2 times)", 2, WALL - 9000),
        ("asks for help: anybody?", 1, WALL - 720),
    ]


def test_a_blocked_task_that_is_asked_for_by_name_stands_once():
    row = queue("CA", blocked=3, blocking=(Open("TASK-1", None), Open("T-2", None), Open("T-5", None)))
    knots = [Knot("failed", "T-5", "CA", ("T-5", "T-6"), "T-5 waits for T-6, which failed")]
    said = found(row, signals=[signal("BLOCKED")], knots=knots).found
    assert [(n.kind, n.task, n.count) for n in said] == [
        ("signal", "TASK-1", 1), ("deadlock", "T-5", 1), ("blocked", "T-2", 1),
    ]  # fmt: skip
