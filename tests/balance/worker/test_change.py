"""Plans at the door for changes: who is told to the runner, what is audited, what is refused."""

import logging
from typing import Any

import pytest

from core.balance.change import sentence
from core.balance.doing import By, Result, Skipped
from core.balance.options import Options
from core.balance.plan import Picture, Plan
from core.control import ApplyPlan, ChangeFailed, RecoverPlans, UndoPlan, submit
from core.errors import ReadOnlyError

PICTURE = Picture(0, 0.0, 0.0, 0, (), (), ())
PLAN = Plan("ab" * 16, "2026-03-02T12:00:00Z", Options(), PICTURE, PICTURE, None, None, (), (), ())
SSH = {"USER": "maria", "SSH_CONNECTION": "10.0.0.5 50022 10.0.0.1 22"}


class Told:
    """A runner that keeps what it was asked, and gives what it was given."""

    def __init__(self, gives: Any) -> None:
        self.asked: list[tuple[Any, ...]] = []
        self._gives = gives

    def _told(self, *asked: Any) -> Any:
        self.asked.append(asked)
        if isinstance(self._gives, Exception):
            raise self._gives
        return self._gives

    def apply(self, plan: Plan, by: By) -> Any:
        return self._told("apply", plan, by)

    def undo(self, plan_id: str, by: By) -> Any:
        return self._told("undo", plan_id, by)

    def recover(self, by: By) -> Any:
        return self._told("recover", by)


def test_runner_is_told_who_asks_from_where_and_why():
    runner = Told("begun")
    for command in (
        ApplyPlan(runner, PLAN, "leave"),
        UndoPlan(runner, "x", "leave"),
        RecoverPlans(runner, "leave"),
    ):
        outcome = submit(command, read_only=False, environ=SSH)
        assert outcome == ("begun", "", None)
    by = By("maria", "10.0.0.5", "leave")
    assert runner.asked == [("apply", PLAN, by), ("undo", "x", by), ("recover", by)]


@pytest.mark.parametrize(
    ("environ", "user", "origin"),
    [
        ({"USER": "root", "SUDO_USER": "maria"}, "root (sudo by maria)", ""),
        ({"USER": "maria", "SUDO_USER": "maria"}, "maria", ""),
        ({"USER": "maria", "SSH_CLIENT": "10.0.0.7 1 22"}, "maria", "10.0.0.7"),
        ({"USER": "ma\x1b[31mria", "SSH_CONNECTION": "\x9b1m 1"}, "ma\\x1b[31mria", "\\x9b1m"),
    ],
)
def test_asker_is_named_as_the_environment_says_and_cleaned(environ, user, origin):
    runner = Told("begun")
    submit(RecoverPlans(runner), read_only=False, environ=environ)
    assert runner.asked == [("recover", By(user, origin, ""))]


@pytest.mark.parametrize("make", [lambda r: ApplyPlan(r, PLAN), lambda r: UndoPlan(r, ""), RecoverPlans])
def test_read_only_is_refused_before_the_runner_hears_of_it(make, caplog):
    runner = Told("begun")
    with caplog.at_level(logging.INFO, logger="bluetop.audit"), pytest.raises(ReadOnlyError):
        submit(make(runner), read_only=True, environ=SSH)
    assert runner.asked == []
    assert "by maria from 10.0.0.5: refused: read-only" in caplog.text


def test_result_becomes_a_sentence_and_its_object():
    result = Result(
        "ab" * 16, (1, 3), (Skipped(2, "TASK-2", "stale_status", "now in_progress"),), (), "partial"
    )
    outcome = submit(ApplyPlan(Told(result), PLAN), read_only=False, environ=SSH)
    assert outcome.detail == result.data()
    assert outcome.text == f"plan {'ab' * 16}: 2 tasks moved, 1 left where they were (stale_status)"


def test_failure_is_audited_and_raised(caplog):
    command = ApplyPlan(Told(ChangeFailed("no journal")), PLAN, "leave")
    with caplog.at_level(logging.INFO, logger="bluetop.audit"), pytest.raises(ChangeFailed):
        submit(command, read_only=False, environ=SSH)
    assert "by maria from 10.0.0.5 (leave): failed: no journal" in caplog.text


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ({"recovered": [], "conflicts": 0}, "nothing was left half done"),
        ({"recovered": [{"code": "finished"}] * 2, "conflicts": 0}, "2 tasks put in order"),
        (
            {"recovered": [{"code": "conflict"}], "conflicts": 1},
            "1 task put in order, 1 conflict left for a person",
        ),
        ({"recovered": [{"code": "locked"}], "conflicts": 0}, "1 left half done"),
        (
            {"recovered": [{"code": "aborted"}, {"code": "locked"}], "conflicts": 0},
            "1 task put in order, 1 left half done",
        ),
    ],
)
def test_recovery_in_a_sentence(data, text):
    assert sentence(data) == text
