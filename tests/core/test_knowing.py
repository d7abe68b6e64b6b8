"""What the evaluator makes of observations, signals and processes: liveness, needs, measures, the verdict."""

from typing import Any

from core.evaluator import evaluate
from core.observed import Observed
from core.queues.model import Knot, Ledgered, Lost, Open, Problem, RecordState, Transition
from core.samples import Signal, SignalsSample
from core.sources import Answer
from tests.measured import WALL, Session, process, processes, queue, queues

HOUR = 3600.0
WORKING = {
    "in_progress": 1,
    "current_id": "TASK-1",
    "running": (Open("TASK-1", WALL - 60),),
    "mtime": WALL - 60,
}


def told(at: float, *seen: Transition, **fields: Any) -> Answer:
    """A scan in which no sum changed, and what the ledger told with it."""
    record = RecordState("writing", "/w/.bluetop/transitions.jsonl", "", ((WALL, WALL),))
    answer = queues(at)
    return answer._replace(sample=answer.sample._replace(ledger=Ledgered(seen=seen, record=record, **fields)))


def signals(at: float, *found: Signal) -> Answer:
    last = tuple((signal.agent, signal.at or WALL, signal.kind) for signal in found)
    return Answer("signals", at, SignalsSample(at, "prod-01", found, 0, last, (), True), took_ms=1.0)


def asks(agent: str = "CB", at: float = WALL - 720) -> Signal:
    return Signal(
        "SIG-1", "NEEDS_HELP", agent, "", at, "which schema?", "HIGH", "TASK-1", ".signals/active/SIG-1.json"
    )


def change(second: float, task: str, before: str | None, after: str | None, agent: str = "CA") -> Transition:
    return Transition(WALL + second, agent, task, before, after, WALL + second - 0.5)


def view(session: Session, agent: str = "CA"):
    return next(v for v in session.snapshot.agents if v.queue.agent == agent)


def test_an_agent_falls_silent_by_time_alone():
    session = Session()
    session.calm(queue("CA", **WORKING))
    assert view(session).liveness == "working"
    session.tick(seconds=1700)
    assert view(session).liveness == "working"
    session.tick(seconds=60)
    assert view(session).liveness == "silent"
    said = session.snapshot.verdict
    assert said.text == "CA is silent with TASK-1 in progress"
    assert "no change for" in said.evidence
    assert said.subject == "agent:CA"


def test_a_transition_or_a_signal_is_a_sign_of_life():
    for sign in (
        told(2700.0, change(1699, "TASK-2", "pending", "in_progress")),
        signals(2700.0, asks("CA", WALL + 1699)),
    ):
        session = Session()
        session.calm(queue("CA", **WORKING))
        session.tick(sign, seconds=1700)
        session.tick(seconds=200)
        assert view(session).liveness == "working"


def test_a_process_that_ends_with_its_task_unfinished_is_gone():
    session = Session()
    session.calm(queue("CA", **WORKING))
    session.tick(processes(1002.0, process(9, "CA")))
    assert view(session).signs.processes == 1
    session.tick(processes(1007.0), seconds=5)
    assert view(session).liveness == "working"
    session.tick(processes(1320.0), seconds=313)
    assert view(session).liveness == "gone"
    assert session.snapshot.verdict.text == "CA is gone with TASK-1 in progress"


def test_a_clock_that_is_set_back_a_day_keeps_nobody_alive():
    session = Session()
    session.calm(queue("CA", **WORKING))
    session.tick(
        told(1002.0, change(2, "TASK-2", "pending", "in_progress")), processes(1002.0, process(9, "CA"))
    )
    session.tick(processes(1003.0))
    state, wall = session.state, WALL - 24 * HOUR
    words = []
    for second in (10, 1000, 1900, 2900, 3900):
        state, snapshot = evaluate(state, [queues(1000.0 + second)], 1000.0 + second, wall + second)
        words.append(snapshot.agents[0].liveness)
    assert words[0] == "working"
    assert words[-1] == "silent"


def test_an_editor_that_is_closed_takes_no_agent_with_it():
    session = Session()
    session.calm(queue("CA", **WORKING))
    session.tick(processes(1002.0, process(9, "CA", name="vim", command="vim outbox.json")))
    session.tick(processes(1320.0), seconds=318)
    session.tick(processes(1200.0), seconds=100)
    assert view(session).liveness == "working"


def test_a_task_times_out_by_time_alone_and_is_counted():
    session = Session()
    session.calm(queue("CA", **{**WORKING, "running": (Open("TASK-1", WALL - 4 * HOUR + 10),)}))
    assert session.snapshot.needs_count == 0
    session.tick(seconds=30)
    assert [(n.kind, n.task) for n in session.snapshot.needs] == [("timed out", "TASK-1")]
    assert session.snapshot.needs_count == 1


def test_signals_come_first_and_go_with_their_answer():
    session = Session()
    session.calm(queue("CA", review=2, reviewing=(Open("T-1", WALL - 60),)), queue("CB"))
    session.tick(signals(1002.0, asks("CB")))
    assert [n.kind for n in session.snapshot.needs] == ["signal", "review"]
    assert session.snapshot.needs_count == 3
    assert view(session, "CB").liveness == "waiting"
    said = session.snapshot.verdict
    assert (said.severity, said.text, said.action) == (
        "high",
        "CB: asks for help: which schema?",
        "open_needs",
    )
    session.tick(signals(1003.0))
    assert [n.kind for n in session.snapshot.needs] == ["review"]
    assert view(session, "CB").liveness == "idle"


def test_needs_go_with_their_agent():
    session = Session()
    session.calm(queue("CA", review=2), queue("CB"))
    assert session.snapshot.needs_count == 2
    session.tick(queues(1002.0, gone=("CA",)))
    assert (session.snapshot.needs, session.snapshot.needs_count) == ((), 0)


def test_a_lost_task_is_told_once_and_needs_somebody():
    session = Session()
    session.calm(queue("CA"))
    lost = (Lost("CA", "TASK-9", "in_progress", WALL),)
    session.tick(told(1002.0, lost=lost))
    session.tick(told(1003.0, lost=lost))
    lines = [e for e in session.snapshot.events if "TASK-9" in e.text]
    assert [(e.text, e.count) for e in lines] == [("TASK-9 of CA (in_progress) is in no file any more", 1)]
    assert [n.kind for n in session.snapshot.needs] == ["lost"]
    session.tick(told(1004.0, lost=()))
    assert session.snapshot.needs == ()


def test_a_knot_needs_somebody_until_it_is_untied():
    session = Session()
    session.calm(queue("CA", pending=1))
    knot = Knot("failed", "T-1", "CA", ("T-1", "T-2"), "T-1 waits for T-2, which failed")
    session.tick(told(1002.0, knots=(knot,)))
    assert [n.text for n in session.snapshot.needs] == ["T-1 waits for T-2, which failed"]
    session.tick(told(1003.0, knots=()))
    assert session.snapshot.needs == ()


def test_rates_and_the_forecast_follow_what_was_seen():
    session = Session()
    session.calm(queue("CA", pending=10))
    seen = [change(60 * i, f"T-{i}", None, "pending") for i in range(1, 40)]
    session.tick(told(1000.0 + 2400, *seen), seconds=2400)
    known = view(session).measures
    assert known.came.per_hour > 40
    assert known.drain.kind in ("growing", "stalled")
    session.tick(queues(1000.0 + 2500, queue("CA", pending=11)), seconds=90)
    assert "CA will not drain: 11 waiting" in session.snapshot.verdict.text
    assert session.snapshot.fleet.came.n == 39


def test_what_is_caught_up_after_a_gap_counts_in_no_rate():
    session = Session()
    session.calm(queue("CA", pending=10))
    seen = tuple(change(2, f"T-{i}", None, "pending") for i in range(50))
    session.tick(told(1002.0, caught_up=seen))
    session.tick(told(1000.0 + 1200), seconds=1200)
    assert view(session).measures.came.n == 0


def test_an_unchanged_agent_is_the_same_object_when_it_is_judged_again():
    session = Session()
    before = session.calm(queue("CA", **WORKING), queue("CB"))
    after = session.tick(seconds=600)
    assert after.agents[0] is before.agents[0]
    assert after.agents is before.agents or after.agents == before.agents


def test_nothing_told_leaves_everything_as_it_was():
    observed = Observed()
    assert observed.take(Ledgered(), WALL) == (observed, set())


def test_a_record_that_cannot_be_written_is_a_source_until_it_can():
    session = Session()
    session.calm(queue("CA"))
    broken = RecordState(
        "writing", "/w/.bluetop/transitions.jsonl", "cannot be written: No space left on device"
    )
    answer = queues(1002.0)
    session.tick(answer._replace(sample=answer.sample._replace(ledger=Ledgered(record=broken))))
    (row,) = [s for s in session.snapshot.sources if s.kind == "record"]
    assert (row.state, row.detail) == ("odd", "cannot be written: No space left on device")
    answer = queues(1003.0)
    session.tick(
        answer._replace(sample=answer.sample._replace(ledger=Ledgered(record=broken._replace(problem=""))))
    )
    (row,) = [s for s in session.snapshot.sources if s.kind == "record"]
    assert row.state == "ok"


def test_who_has_no_folder_may_need_somebody_all_the_same():
    session = Session()
    session.tick(signals(999.0, asks("GHOST")))
    session.calm(queue("CA"))
    assert [(n.agent, n.kind) for n in session.snapshot.needs] == [("GHOST", "signal")]
    assert session.snapshot.verdict.text == "GHOST: asks for help: which schema?"
    session.tick(queues(1003.0, queue("GHOST")))
    assert [(n.agent, n.kind) for n in session.snapshot.needs] == [("GHOST", "signal")]
    assert session.snapshot.needs_count == 1
    session.tick(queues(1004.0, gone=("GHOST",)))
    assert session.snapshot.needs_count == 1
    session.tick(signals(1005.0))
    assert (session.snapshot.needs, session.snapshot.needs_count) == ((), 0)


def test_tasks_lost_with_their_whole_folder_need_somebody_until_they_are_found():
    session = Session()
    session.calm(queue("CA", in_progress=1, running=(Open("T-1", WALL - 60),)), queue("CB"))
    session.tick(queues(1002.0, gone=("CA",)))
    session.tick(
        told(
            1070.0,
            change(70, "T-1", "in_progress", None),
            lost=(Lost("CA", "T-1", "in_progress", WALL + 70),),
        )
    )
    assert [(n.agent, n.kind, n.task) for n in session.snapshot.needs] == [("CA", "lost", "T-1")]
    session.tick(told(1080.0, lost=()))
    assert (session.snapshot.needs, session.snapshot.needs_count) == ((), 0)


def test_what_is_wrong_with_a_signal_file_has_a_row_until_it_is_mended():
    session = Session()
    session.calm(queue("CA"))
    bad = ((".signals/active/S.json", Problem("error", "syntax", "it is no JSON", 3)),)
    session.tick(
        Answer("signals", 1002.0, SignalsSample(1002.0, "prod-01", (), 0, (), bad, True), took_ms=1.0)
    )
    (row,) = [row for row in session.snapshot.sources if row.kind == "signals"]
    assert (row.name, row.state) == (".signals/active/S.json", "odd")
    assert "it is no JSON" in row.detail
    session.tick(signals(1003.0))
    assert not [row for row in session.snapshot.sources if row.kind == "signals"]


def test_a_queue_in_which_nothing_moves_is_watched_ever_longer_and_stalls_in_the_end():
    session = Session()
    session.calm(queue("CA", pending=3), queue("CB"))
    session.tick(told(1001.0))
    assert view(session).measures.drain.kind == "unknown"
    for _ in range(20):
        session.tick(seconds=10)
    assert "watched for" not in view(session).measures.drain.why
    for _ in range(900):
        session.tick(seconds=10)
    assert view(session).measures.drain.kind == "stalled"
    assert view(session, "CB").measures.drain.kind == "empty"
