"""Saved and restored at any moment, an engine goes on as one that was stopped and started."""

import json
import re
import tomllib
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st

from core.alerts import saved
from core.alerts.replay import Replay
from core.alerts.rulefile import parse
from tests.alerts.lives import scenarios

# Windows of what was calm are not kept: they begin anew, which is the careful side.
AGGREGATE = re.compile(r'aggregate = "\w+"')


def cut_at(lines: list[str], place: int) -> tuple[int, float] | None:
    """The first place from `place` on between two different times, and a time between them."""
    latest = float("-inf")
    for number, line in enumerate(lines):
        try:
            t = json.loads(line).get("t")
        except (ValueError, AttributeError):
            continue
        if isinstance(t, bool) or not isinstance(t, int | float) or t - t != 0:
            continue
        if t > latest:
            if number >= place and latest > float("-inf"):
                return number, (latest + t) / 2
            latest = float(t)
    return None


def said(replay: Replay) -> tuple[list[Any], list[Any], list[Any]]:
    end = replay.end()
    return end["transitions"], end["notifications"], end["final"]


FEW = settings(
    max_examples=80, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)  # fmt: skip
MOMENTS = given(scenarios(), st.integers(0, 40), st.sampled_from(["b1", "b2"]))


@FEW
@MOMENTS
def test_a_restart_at_any_moment_is_a_stop_and_a_start(
    scenario: tuple[str, list[str]], place: int, boot: str
):
    check_restart(scenario, place, boot)


@pytest.mark.long
@settings(FEW, max_examples=3000)
@MOMENTS
def test_a_restart_at_very_many_moments(scenario: tuple[str, list[str]], place: int, boot: str):
    check_restart(scenario, place, boot)


def check_restart(scenario: tuple[str, list[str]], place: int, boot: str):
    text, lines = scenario
    text = AGGREGATE.sub('aggregate = "last"', text)
    rules = parse(text, "rules").rules
    stops = {json.loads(line).get("event") for line in lines if line.startswith("{") and line.endswith("}")
             and "event" in line and _readable(line)}  # fmt: skip
    assume(not stops & {"stop"})
    found = cut_at(lines, min(place, max(0, len(lines) - 2)))
    assume(found is not None)
    number, t = found  # type: ignore[misc]  # assumed to be there
    whole = Replay(rules)
    whole.feed(
        [*lines[:number], json.dumps({"t": t, "event": "stop"}), json.dumps({"t": t, "event": "start"})]
    )
    whole.feed(lines[number:])
    before = Replay(rules)
    before.feed(lines[:number])
    before.end()
    state = saved.decoded(saved.encoded(saved.save(before.engine, wall=5000.0, boot="b1")))
    after = Replay(rules)
    # After a reboot everything is moved by the wall time that passed: here by nothing.
    saved.restore(after.engine, state, t=t, wall=5000.0 + t - state.t, boot=boot)
    after.feed(lines[number:])
    expected, result = said(whole), said(after)
    passed = len(before.transitions), len(before.notifications)
    assert result[0] == expected[0][passed[0] :]
    assert result[1] == expected[1][passed[1] :]
    assert result[2] == expected[2]


def _readable(line: str) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False


def test_rules_of_the_scenarios_are_read():
    assert tomllib.loads(AGGREGATE.sub('aggregate = "last"', '[[rule]]\naggregate = "avg"\n')) == {
        "rule": [{"aggregate": "last"}]
    }
