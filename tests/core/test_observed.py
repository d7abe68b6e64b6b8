"""What was seen of agents: transitions in, times out."""

from math import inf

import pytest

from core.observed import (
    MOST_AGENTS,
    MOST_FLEET_TIMES,
    MOST_HOURS,
    MOST_OPEN,
    MOST_TIMES,
    NOT_SEEN,
    Observed,
    Seen,
)
from core.queues.model import Knot, Ledgered, Lost, RecordState, Transition

WATCHED = RecordState("writing", "/w", "", ((500.0, 500.0),))


def went(
    at: float,
    before: str | None,
    after: str | None,
    task: str = "T",
    agent: str = "CA",
    mtime: float | None = None,
) -> Transition:
    """One transition of one task."""
    return Transition(at, agent, task, before, after, mtime)


def seen(*told: Transition, record: RecordState = WATCHED) -> Observed:
    """What is known after these, seen in watched time."""
    return Observed().take(Ledgered(seen=told, record=record), 2000.0)[0]


@pytest.mark.parametrize(
    ("before", "after", "kinds"),
    [
        (None, "pending", ["came"]),
        (None, "in_progress", []),
        (None, "completed", []),  # who knows when it ended
        ("pending", "assigned", []),
        ("pending", "in_progress", ["left"]),
        ("pending", "completed", ["left", "ended"]),
        ("pending", None, ["left"]),
        ("assigned", "failed", ["left", "failed"]),
        ("in_progress", "ready_for_review", ["ended"]),
        ("ready_for_review", "completed", []),  # it ended when it became ready
        ("ready_for_review", "pending", ["came"]),
        ("in_progress", "failed", ["failed"]),
        ("failed", "pending", ["came"]),
        ("in_progress", None, []),
        ("on hold", "pending", ["came"]),
        ("blocked", "cancelled", []),
    ],
)
def test_what_a_transition_counts_as(before: str | None, after: str | None, kinds: list[str]) -> None:
    found = seen(went(1500.0, before, after))
    for of in (found.of("CA"), found.fleet):
        assert [kind for kind in ("came", "left", "ended", "failed") if getattr(of, kind)] == kinds
        assert of.changed_at == 1500.0


def test_what_came_to_light_after_a_gap_counts_in_no_rate() -> None:
    found, touched = Observed().take(
        Ledgered(caught_up=(went(1500.0, None, "pending"),), record=WATCHED), 2000.0
    )
    assert touched == {"CA"}
    assert found.of("CA") == Seen(changed_at=1500.0)
    assert found.fleet.came == ()


def test_of_the_past_what_stands_at_the_begin_of_a_span_happened_before_it() -> None:
    record = RecordState("writing", "/w", "", ((1000.0, 1100.0), (1500.123, 1600.0)))
    past = (
        went(1050.0, None, "pending"),
        went(1500.1234, None, "pending", "U"),
        went(1501.0, None, "pending", "V"),
    )
    found, _ = Observed().take(Ledgered(past=past, record=record), 2000.0)
    assert found.of("CA").came == (1050.0, 1501.0)


def test_the_time_of_a_task_is_known_if_its_start_and_its_end_were_seen() -> None:
    found = seen(went(1000.0, "pending", "in_progress"), went(4600.0, "in_progress", "completed"))
    assert found.of("CA").hours == (1.0,)
    assert found.fleet.hours == ()
    found, _ = seen(went(1000.0, "pending", "in_progress")).take(
        Ledgered(caught_up=(went(4600.0, "in_progress", "completed"),), record=WATCHED), 5000.0
    )
    assert found.of("CA").hours == ()
    found = seen(went(1000.0, "pending", "in_progress"), went(1500.0, "in_progress", "blocked"),
                 went(1600.0, "blocked", "in_progress"), went(5200.0, "in_progress", "completed"))  # fmt: skip
    assert found.of("CA").hours == (1.0,)  # of the last stretch of work


def test_since_when_a_task_is_what_it_is() -> None:
    found = seen(went(1100.0, "pending", "in_progress", "A"), went(1200.0, "pending", "blocked", "B"),
                 went(1300.0, "in_progress", "ready_for_review", "A"), went(1400.0, None, "pending", "C"))  # fmt: skip
    assert found.of("CA").since == {"A": 1300.0, "B": 1200.0}
    found, _ = found.take(Ledgered(seen=(went(1500.0, "blocked", None, "B"),), record=WATCHED), 2000.0)
    assert found.of("CA").since == {"A": 1300.0}


def test_after_a_gap_the_time_of_the_file_is_the_nearest_that_is_known() -> None:
    told = (
        went(1500.0, "pending", "blocked", "A", mtime=1200.0),
        went(1500.0, "pending", "blocked", "B", mtime=9e9),
    )
    found, _ = Observed().take(Ledgered(caught_up=told, record=WATCHED), 2000.0)
    assert found.of("CA").since == {"A": 1200.0, "B": 1500.0}
    assert found.of("CA").started == {}


def test_only_so_much_is_remembered_and_from_when_on_is_said() -> None:
    told = tuple(
        went(1000.0 + number, None, "pending", f"T-{number}") for number in range(MOST_FLEET_TIMES + 10)
    )
    found = seen(*told)
    agent = found.of("CA")
    assert len(agent.came) == MOST_TIMES
    assert agent.from_at == agent.came[0]
    assert len(found.fleet.came) == MOST_FLEET_TIMES
    assert found.fleet.from_at == 1010.0
    assert NOT_SEEN.from_at == -inf
    spans = ((500.0, 600.0), (900.0, 9999.0))
    found = Observed(found.agents, found.fleet, WATCHED, spans)
    assert found.spans(agent, 9999.0) == ((agent.from_at, 9999.0),)
    assert found.spans(NOT_SEEN, 10_050.0) == ((500.0, 600.0), (900.0, 10_050.0))  # the last one goes on
    work = []
    for number in range(MOST_HOURS + 5):
        work += [went(2.0 * number, None, "in_progress"), went(2.0 * number + 1, "in_progress", "completed")]
    assert len(seen(*work).of("CA").hours) == MOST_HOURS
    many = [went(1000.0 + number, None, "in_progress", f"T-{number}") for number in range(MOST_OPEN + 5)]
    agent = seen(*many).of("CA")
    assert len(agent.since) == len(agent.started) == MOST_OPEN
    assert "T-4" not in agent.since


def test_agents_without_end_are_forgotten_oldest_change_first() -> None:
    agents = {f"AG{number}": Seen(changed_at=float(number)) for number in range(MOST_AGENTS)}
    found, _ = Observed(agents).take(
        Ledgered(seen=(went(1e9, None, "pending", agent="NEW"),), record=WATCHED), 1e9
    )
    assert len(found.agents) < MOST_AGENTS
    assert "NEW" in found.agents
    assert "AG0" not in found.agents
    assert f"AG{MOST_AGENTS - 1}" in found.agents


def test_a_clock_that_is_set_back_leaves_times_that_ascend() -> None:
    found = seen(went(5000.0, None, "pending", "A"), went(5001.0, None, "in_progress", "B"))
    found, _ = found.take(Ledgered(seen=(went(3000.0, None, "pending", "C"),), record=WATCHED), 3000.0)
    agent = found.of("CA")
    assert agent.came == found.fleet.came == (3000.0,)
    assert agent.since == {"B": 3000.0}
    assert agent.changed_at == 3000.0
    found, _ = found.take(
        Ledgered(seen=(went(6600.0, "in_progress", "completed", "B"),), record=WATCHED), 6600.0
    )
    assert found.of("CA").hours == (1.0,)


def test_nothing_new_is_the_same_object() -> None:
    found = seen(went(1500.0, None, "pending"))
    assert found.take(Ledgered(record=WATCHED), 3000.0) == (found, set())
    assert found.take(Ledgered(record=WATCHED), 3000.0)[0] is found
    assert found.take(Ledgered(), 3000.0)[0] is not found  # the record stands otherwise
    other = found.take(Ledgered(seen=(went(1600.0, None, "pending", agent="CB"),), record=WATCHED), 3000.0)[0]
    assert other.of("CA") is found.of("CA")
    assert found.of("CB") is NOT_SEEN  # what was given out never changes


def test_lost_tasks_and_knots_touch_their_agents_when_they_come_and_go() -> None:
    lost = Lost("CA", "T", "pending", 1500.0)
    knot = Knot("cycle", "U", "CB", ("U", "V"), "U and V wait for each other")
    found, touched = Observed().take(Ledgered(lost=(lost,), knots=(knot,), record=WATCHED), 2000.0)
    assert touched == {"CA", "CB"}
    assert (found.lost, found.knots) == ({"CA": (lost,)}, {"CB": (knot,)})
    found, touched = found.take(Ledgered(lost=(lost,), record=WATCHED), 2000.0)
    assert touched == set()
    found, touched = found.take(Ledgered(lost=(), record=WATCHED), 2000.0)
    assert touched == {"CA"}
    assert (found.lost, found.knots) == ({}, {"CB": (knot,)})


def test_watched_time_is_that_of_the_record() -> None:
    spans = ((100.0, 200.0), (300.0, 400.0))
    found, _ = Observed().take(Ledgered(record=RecordState("reading", "/w", "", spans)), 500.0)
    assert found.watched == spans
    found, _ = found.take(Ledgered(record=RecordState("writing", "/w", "full", ())), 500.0)
    assert found.watched == spans
