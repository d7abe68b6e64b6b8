"""Outcomes and counts of plans that were really applied, from journals and record as they lie on disk."""

from pathlib import Path

import pytest

from core.balance.counting import move_counts
from core.balance.deeds import read_deeds
from core.balance.outcomes import HELPED, OPEN, UNKNOWN, outcomes
from tests.balance.outcomes.office import HOUR, Office
from tests.fakes import FakeClock


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def office(tmp_path: Path, clock: FakeClock) -> Office:
    return Office(tmp_path, clock, CA=6, CB=1)


def test_a_plan_is_followed_from_its_application_to_the_last_task(office: Office) -> None:
    assert outcomes(office.path, office.clock.wall()).sentence() == ""
    office.pass_hours(0.1)
    plan = office.apply("CA", "CB", 2)
    begun = office.clock.wall()
    (found,) = outcomes(office.path, office.clock.wall()).rows
    assert (found.plan_id, found.what, found.tasks, found.remaining, found.user) == (
        plan.plan_id,
        OPEN,
        7,
        7,
        "maria",
    )
    for _ in range(4):
        office.pass_hours(1.0, CA=1, CB=1)
    (found,) = outcomes(office.path, office.clock.wall()).rows
    assert (found.what, found.remaining) == (HELPED, 0), found.text
    assert (found.predicted_hours, found.without_hours) == (4.0, 6.0)
    assert found.actual_hours == pytest.approx(4.0, abs=0.05)
    assert found.without_at_pace_hours == pytest.approx(6.0, abs=0.1)
    assert found.over_at == pytest.approx(begun + 4 * HOUR, abs=300)
    assert outcomes(office.path, office.clock.wall()).sentence() == "last plan: helped, 33 % sooner"


def test_an_undone_plan_is_unknown_and_its_moves_are_not_counted(office: Office) -> None:
    plan = office.apply("CA", "CB", 2)
    assert move_counts(office.path, office.clock.wall()) == {"CA-5": 1, "CA-6": 1}
    office.pass_hours(0.1)
    undo = office.undo(plan.plan_id)
    assert undo.state == "complete"
    deeds = {deed.plan_id: deed for deed in read_deeds(office.path, office.clock.wall()).rows}
    assert (deeds[plan.plan_id].undone_by, deeds[undo.plan_id].undo_of) == (undo.plan_id, plan.plan_id)
    assert deeds[plan.plan_id].undone == {"CA-5", "CA-6"}
    assert deeds[undo.plan_id].user == "otto"
    assert move_counts(office.path, office.clock.wall()) == {}
    (found,) = outcomes(office.path, office.clock.wall()).rows
    assert (found.what, found.text) == (UNKNOWN, "it was undone")


def test_a_second_plan_with_the_same_tasks_is_followed(office: Office) -> None:
    office.apply("CA", "CB", 3)
    office.pass_hours(2.1, CA=2, CB=1)
    office.apply("CB", "CA", 1)
    office.pass_hours(1.0, CA=1, CB=1)
    office.pass_hours(1.0, CA=1, CB=1)
    found = outcomes(office.path, office.clock.wall())
    assert {row.remaining for row in found.rows} == {0}
    assert all(row.what != UNKNOWN for row in found.rows), [row.text for row in found.rows]
    assert move_counts(office.path, office.clock.wall()) == {"CA-4": 1, "CA-5": 1, "CA-6": 2}


def test_a_task_moved_by_hand_makes_it_unknown(office: Office) -> None:
    office.apply("CA", "CB", 2)
    office.pass_hours(0.1)
    source, receiver = office.read("CB"), office.read("CA")
    receiver["tasks"].append(source["tasks"].pop())
    office.write("CA", receiver)
    office.write("CB", source)
    office.pass_hours(0.1)
    (found,) = outcomes(office.path, office.clock.wall()).rows
    assert (found.what, "by hand" in found.text) == (UNKNOWN, True)


def test_without_a_record_it_is_unknown(office: Office, tmp_path: Path) -> None:
    office.apply("CA", "CB", 2)
    (found,) = outcomes(office.path, office.clock.wall(), folders=[str(tmp_path / "none")]).rows
    assert (found.what, found.text) == (UNKNOWN, "nothing was recorded when it was applied")


def test_a_plan_while_nobody_looked_is_unknown(office: Office) -> None:
    office.watcher.kill()
    office.clock.advance(9 * HOUR)
    office.finish("CA", 6)
    office.clock.advance(9 * HOUR)
    office.write("CA", {"agent_id": "CA", "tasks": [
        {"task_id": f"D-{n}", "status": "pending", "estimated_hours": 1.0} for n in range(4)
    ]})  # fmt: skip
    plan = office.plan("CA", "CB", 2)
    from core.balance.apply import apply_plan
    from core.balance.doing import By

    apply_plan(office.path, plan, By("maria"), office.clock, wait=office.clock.advance)
    office.finish("CA", 9)
    office.finish("CB", 9)
    (found,) = outcomes(office.path, office.clock.wall()).rows
    assert found.what == UNKNOWN


def test_a_broken_journal_is_told_and_the_others_are_read(office: Office) -> None:
    plan = office.apply("CA", "CB", 1)
    (office.root / ".bluetop" / "journal" / "badbadbad.jsonl").write_text('{"record": "begin"}\n')
    deeds = read_deeds(office.path, office.clock.wall())
    assert [deed.plan_id for deed in deeds.rows] == [plan.plan_id]
    assert "badbadbad" in deeds.bad[0]
