"""One turn on a real workspace: what is looked at, decided and kept."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from core.balance import autolog
from core.balance.apply import apply_plan
from core.balance.auto import DRY_RUN, OFF, ON, AutoSettings
from core.balance.doing import By
from core.balance.options import Options
from core.balance.plan import Plan
from core.balance.turn import Turn, take_turn
from tests.balance.auto.building import AUTO_USER
from tests.balance.outcomes.office import HOUR, Office
from tests.fakes import FakeClock
from tests.record.instance import tree

SETTINGS = AutoSettings(mode=ON, every_s=300.0, moves_per_hour=4)


@pytest.fixture
def office(tmp_path: Path) -> Office:
    """CA has far too much to do."""
    return Office(tmp_path, FakeClock(), CA=16, CB=1, CC=1)


def turn(office: Office, settings: AutoSettings = SETTINGS, **more: Any) -> Turn:
    """A turn when it is due."""
    office.clock.advance(settings.every_s)
    return take_turn(office.path, Options(), settings, AUTO_USER, office.clock.wall(), **more)


def acted(office: Office, settings: AutoSettings = SETTINGS) -> Turn:
    """A turn, whose plan is applied if that was decided."""
    found = turn(office, settings)
    if found.decision.what == "apply":
        assert found.decision.plan is not None
        apply_plan(office.path, found.decision.plan, By(AUTO_USER), office.clock, wait=office.clock.advance)
        office.look()
    return found


def first_plan(office: Office) -> Plan:
    """The first plan that is applied, after the dry runs."""
    (*_, found) = [acted(office).decision for _ in range(4)]
    assert found.what == "apply"
    assert found.plan is not None
    return found.plan


def queues(office: Office) -> dict[str, tuple[int, int, int]]:
    """All files below postbox/, with what would change if they were touched."""
    return tree(office.root / "postbox")


def test_it_tells_three_times_what_it_would_do_and_then_does_it(office: Office) -> None:
    before = queues(office)
    said = [turn(office).decision for _ in range(4)]
    assert [decision.what for decision in said] == ["would", "would", "would", "apply"]
    assert "2 of 3" in said[1].why
    assert queues(office) == before  # deciding changes no queue
    plan = said[3].plan
    assert plan is not None
    assert 0 < len(plan.moves) <= 4
    lines = autolog.recent(office.path)
    assert [line.what for line in lines] == ["apply", "would", "would", "would"]
    assert lines[0].plan_id == plan.plan_id
    assert lines[0].moves == len(plan.moves)


def test_a_decision_that_was_not_carried_out_yet_is_reckoned_with(office: Office) -> None:
    said = [turn(office).decision for _ in range(5)]
    moves = [len(decision.plan.moves) for decision in said[3:] if decision.plan is not None]
    assert sum(moves) <= 4


def test_plans_are_made_within_what_the_hour_allows(office: Office) -> None:
    moves = []
    for _ in range(30):
        found = acted(office)
        if found.decision.what == "apply":
            assert found.decision.plan is not None
            moves += [office.clock.wall()] * len(found.decision.plan.moves)
    assert moves
    for at in moves:
        assert sum(at - HOUR < other <= at for other in moves) <= 4
    ids = [row["task_id"] for name in ("CA", "CB", "CC") for row in office.read(name)["tasks"]]
    assert len(ids) == len(set(ids)) == 18
    for line in autolog.recent(office.path):
        assert line.by == AUTO_USER


def test_none_is_taken_before_it_is_due_whoever_asks(office: Office) -> None:
    assert turn(office).kept
    office.clock.advance(60.0)
    early = take_turn(office.path, Options(), SETTINGS, "auto (started by otto)", office.clock.wall())
    assert (early.kept, early.decision.what) == (False, "nothing")
    assert early.wait_s == pytest.approx(240.0)
    assert len(autolog.recent(office.path)) == 1


def test_only_one_takes_it_at_a_time(office: Office) -> None:
    office.clock.advance(900.0)
    with autolog.deciding(office.path):
        found = take_turn(office.path, Options(), SETTINGS, AUTO_USER, office.clock.wall())
    assert (found.kept, found.decision.why) == (False, "another bluetop decides at this moment")


@pytest.mark.parametrize("settings", [SETTINGS._replace(mode=OFF), SETTINGS])
def test_off_and_read_only_leave_no_trace(office: Office, settings: AutoSettings) -> None:
    before = tree(office.root)
    found = turn(office, settings, read_only=settings.mode != OFF)
    assert (found.kept, found.decision.what) == (False, "nothing")
    assert tree(office.root) == before


def test_where_decisions_cannot_be_kept_nothing_is_done(office: Office) -> None:
    path = office.root / ".bluetop" / autolog.NAME
    os.mkfifo(path)
    found = turn(office)
    assert (found.kept, found.decision.what) == (False, "nothing")
    assert "cannot be kept" in found.decision.why
    path.unlink()
    assert turn(office).kept


def test_a_dry_run_stays_one(office: Office) -> None:
    dry = SETTINGS._replace(mode=DRY_RUN)
    before = queues(office)
    assert {turn(office, dry).decision.what for _ in range(6)} == {"would"}
    assert queues(office) == before
    assert turn(office).decision.what == "apply"  # it was seen often enough


def test_other_settings_are_tried_first(office: Office) -> None:
    for _ in range(3):
        turn(office)
    assert turn(office, SETTINGS._replace(min_gain=4.0)).decision.what == "would"


def test_an_undo_by_a_person_stops_it_until_it_is_turned_on_again(office: Office) -> None:
    plan = first_plan(office)
    office.clock.advance(60.0)
    assert office.undo(plan.plan_id).applied
    office.clock.advance(9 * HOUR)  # beyond every cool-down
    stopped = acted(office).decision
    assert (stopped.what, "was undone by otto" in stopped.why) == ("nothing", True)
    assert 'set balance.auto.mode to "dry-run"' in stopped.why
    assert turn(office, SETTINGS._replace(mode=DRY_RUN)).decision.what == "would"
    assert [turn(office).decision.what for _ in range(3)] == ["would", "would", "apply"]


def test_harm_stops_it(office: Office) -> None:
    plan = first_plan(office)
    receivers = {move.receiver for move in plan.moves}
    office.pass_hours(1.0)
    office.finish("CA", 99)  # CA would have done it all within the hour
    for receiver in ("CB", "CC"):
        if receiver not in receivers:
            office.finish(receiver, 99)
    office.pass_hours(5.0)
    for receiver in receivers:
        office.finish(receiver, 99)
    office.pass_hours(0.1)
    stopped = turn(office).decision
    assert (stopped.what, "did harm" in stopped.why) == ("nothing", True), stopped.why


def test_a_plan_that_was_cut_off_stops_it(office: Office) -> None:
    plan = first_plan(office)
    path = office.root / ".bluetop" / "journal" / f"{plan.plan_id}.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    assert json.loads(lines[-1])["record"] == "end"
    path.write_bytes(b"".join(lines[:-1]))
    assert "bluetop optimize --recover" in turn(office).decision.why


def test_a_broken_journal_stops_it(office: Office) -> None:
    folder = office.root / ".bluetop" / "journal"
    folder.mkdir()
    (folder / "badbadbad.jsonl").write_text('{"record": "begin"}\n')
    assert "badbadbad" in turn(office).decision.why


def test_a_queue_that_cannot_be_read_any_more_is_waited_for_once(office: Office) -> None:
    for _ in range(3):
        turn(office)
    (office.root / "postbox" / "CB" / "outbox.json").write_text("{")
    assert "queue of CB cannot be read any more" in turn(office).decision.why
    found = turn(office).decision
    assert found.what == "apply"
    assert found.plan is not None
    assert {move.receiver for move in found.plan.moves} == {"CC"}


def test_a_postbox_that_is_gone_is_told(office: Office) -> None:
    os.rename(office.root / "postbox", office.root / "elsewhere")
    found = turn(office)
    assert (found.decision.what, "cannot be read" in found.decision.why) == ("nothing", True)


def test_the_answer_is_plain_data(office: Office) -> None:
    data = turn(office).data()
    assert json.loads(json.dumps(data)) == data
    assert data["schema"] == "bluetop.auto-turn/1"
    assert data["plan"]["schema"] == "bluetop.plan/1"
