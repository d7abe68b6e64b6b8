"""The demo's agents, without files or time."""

from collections import Counter

import pytest

from core.demo import simulation
from core.demo.rng import Rng
from core.demo.stories import CHARACTERS

WALL = 1_780_000_000.0


def played(seconds: float, *, seed: int = 7, speed: float = 1.0):
    """A fleet that has worked for so long: its state, and every change on the way with its time."""
    rng = Rng(seed)
    state = simulation.resume(simulation.first_documents(rng, WALL), rng, 0.0, speed)
    changes = []
    now = 0.0
    while (now := state.next_due()) <= seconds:
        state, made = simulation.step(state, rng, now, WALL + now)
        changes += [(now, change) for change in made]
    return state, changes


def statuses(state, agent):
    return Counter(task["status"] for task in state.documents[agent]["tasks"])


def test_the_day_starts_with_one_agent_in_each_situation():
    documents = simulation.first_documents(Rng(1), WALL)
    state = simulation.resume(documents, Rng(1), 0.0, 1.0)
    assert statuses(state, "CB")["pending"] > 15
    assert statuses(state, "CA")["ready_for_review"] == 3
    assert statuses(state, "CC")["blocked"] == 1
    assert not statuses(state, "BLUE")
    assert statuses(state, "ARCH")["in_progress"] == 1
    assert documents["WA"]["status"].startswith("DECOMMISSIONED")
    assert any(e["status"] == "failed" for d in documents.values() for e in d["history"])


def test_the_same_seed_plays_the_same_day():
    first, second = played(900)[1], played(900)[1]
    assert [(at, c.agent, c.action) for at, c in first] == [(at, c.agent, c.action) for at, c in second]
    assert [c.document for _, c in first] == [c.document for _, c in second]


def test_another_seed_plays_another_day():
    first, second = played(300)[1], played(300, seed=8)[1]
    assert [(c.agent, c.action) for _, c in first] != [(c.agent, c.action) for _, c in second]


def test_something_happens_every_few_seconds():
    _, changes = played(3600)
    assert 2.0 <= 3600 / len(changes) <= 5.0


def test_speed_shortens_every_wait():
    assert len(played(600, speed=10.0)[1]) > 7 * len(played(600)[1])


def test_every_kind_of_event_comes_within_an_hour():
    _, changes = played(3600)
    assert {c.action for _, c in changes} == {
        "assign", "start", "complete", "fail", "review", "accept", "block", "unblock",
    }  # fmt: skip


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_after_hours_the_situations_are_still_there(seed):
    state, _ = played(6 * 3600, seed=seed)
    assert statuses(state, "CB")["pending"] > 10, "the overloaded queue does not drain"
    assert statuses(state, "CA")["ready_for_review"] >= 1
    assert statuses(state, "BLUE")["pending"] <= 1
    assert all(len(d["history"]) <= simulation.HISTORY_LIMIT for d in state.documents.values())
    assert all(len(d["tasks"]) <= 25 for d in state.documents.values())


def test_no_task_is_lost_or_doubled_on_its_way():
    state, changes = played(1800)
    for _, change in changes:
        ids = [t["task_id"] for t in change.document["tasks"]]
        assert len(ids) == len(set(ids))
    assigned = {c.task["task_id"] for _, c in changes if c.action == "assign"}
    closed = {c.task["task_id"] for _, c in changes if c.action in ("complete", "fail", "accept")}
    open_now = {t["task_id"] for d in state.documents.values() for t in d["tasks"]}
    assert assigned <= closed | open_now
    assert not closed & open_now


def test_no_time_lies_in_the_future_and_each_task_ages_in_order():
    _, changes = played(1800)
    for now, change in changes:
        stamp = simulation.stamp(WALL + now)
        for task in change.document["tasks"]:
            times = [task[key] for key in ("created_at", "started_at", "completed_at") if key in task]
            assert times == sorted(times)
            assert times[-1] <= stamp


def test_a_step_leaves_the_documents_it_was_given_as_they_were():
    rng = Rng(3)
    state = simulation.resume(simulation.first_documents(rng, WALL), rng, 0.0, 1.0)
    before = repr(state.documents)
    simulation.step(state, rng, 500.0, WALL + 500)
    assert repr(state.documents) == before


def test_an_agent_whose_file_cannot_be_used_waits_and_the_others_go_on():
    rng = Rng(3)
    documents = simulation.first_documents(rng, WALL)
    del documents["CB"]
    state = simulation.resume(documents, rng, 0.0, 1.0)
    state, changes = simulation.step(state, rng, 500.0, WALL)
    assert changes
    assert "CB" not in {c.agent for c in changes}


def test_a_new_task_never_takes_the_number_of_one_that_is_there():
    rng = Rng(3)
    documents = simulation.first_documents(rng, WALL)
    documents["BLUE"]["tasks"].append({"task_id": "TASK-900", "status": "pending"})
    documents["BLUE"]["tasks"].append({"task_id": "WF-deploy-7", "status": "pending"})
    assert simulation.resume(documents, rng, 0.0, 1.0).number == 901


@pytest.mark.parametrize(
    "document",
    [None, [], {}, {"tasks": []}, {"tasks": {}, "history": []}, {"tasks": [1], "history": []}],
)
def test_anything_but_two_lists_of_objects_is_not_standard(document):
    assert not simulation.is_standard(document)


def test_every_character_can_be_told_from_the_others():
    assert len({c.agent for c in CHARACTERS}) == len({c.name for c in CHARACTERS}) == 6
