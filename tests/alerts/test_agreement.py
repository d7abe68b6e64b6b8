"""Random lives of alerts: the product gives what the plain model gives, and keeps what the specification promises.

Of a thousand scenarios some 800 tell of a firing, 700 of a resolution, 600 of a repeat and 250 of flapping; in 90 a
firing alert is silenced, in 300 inhibited, in 180 acknowledged; 500 resolve and 200 go from pending for want of
data; in 100 there is a gap nobody saw while something is pending, in 400 an old value after a start while firing.
"""

import json
import tomllib
from itertools import groupby
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.alerts import model
from tests.alerts.lives import ONE_SCOPE, scenarios

# Without explaining: on lives as long as these it takes longer than a test may.
PHASES = (Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink)
FEW = settings(max_examples=100, deadline=None, phases=PHASES, suppress_health_check=[HealthCheck.too_slow])
MORE = settings(FEW, max_examples=120)
MANY = settings(FEW, max_examples=3000)
Scenario = tuple[str, list[str]]


def replayed(scenario: Scenario) -> dict[str, Any]:
    """What the product makes of it."""
    from core.alerts.replay import replay_text

    rules, lines = scenario
    return replay_text(rules, lines)


def rules_of(scenario: Scenario) -> dict[str, model.Rule]:
    return {said["name"]: model.rule_of(said) for said in tomllib.loads(scenario[0])["rule"]}


def check_agreement(scenario: Scenario) -> None:
    rules, lines = scenario
    # Half of it too: `final` and `kpis` tell of the end only.
    for some in (lines, lines[: len(lines) // 2]):
        expected = model.replay(tomllib.loads(rules), some)
        result = replayed((rules, some))
        for part in ("transitions", "notifications", "final", "dropped", "kpis"):
            assert result[part] == expected[part], part
        assert result == expected
        assert json.loads(json.dumps(result, allow_nan=False)) == result


@MORE
@given(scenarios())
def test_the_product_agrees_with_the_model(scenario: Scenario):
    check_agreement(scenario)


@pytest.mark.long
@MANY
@given(scenarios())
def test_the_product_agrees_with_the_model_many_times(scenario: Scenario):
    check_agreement(scenario)


# What was told, read once more, from the lines alone


class Told(NamedTuple):
    """A line that was taken in, and the t at which it acts."""

    t: float
    event: str
    said: dict[str, Any]


def told(lines: list[str]) -> list[Told]:
    """What of a recording is neither invalid, late nor said while the engine was stopped."""
    heard: list[Told] = []
    now, stopped = float("-inf"), False
    for line in lines:
        said = model.understood(line)
        if said is None:
            continue
        data = said["event"] in model.INSTANT_MAKERS
        late = said["t"] < now
        now = max(now, said["t"])
        stopped = {"stop": True, "start": False, "resume": False}.get(said["event"], stopped)
        if not data or not (stopped or late):
            heard.append(Told(now, said["event"], said))
    return heard


class Data:
    """The samples of a (metric, subject) as they stood when all input of some t was taken in."""

    def __init__(self, heard: list[Told], metric: str, subject: str, until: float) -> None:
        self.samples: dict[float, float] = {}
        for t, what, said in heard:
            if t > until or said.get("subject") != subject:
                continue
            if what == "gone" and subject_scope(metric, subject) == said["scope"]:
                self.samples = {}
            elif what == "sample" and said["metric"] == metric and said["value"] is not None:
                self.samples[t] = said["value"]

    def within(self, after: float, until: float) -> list[float]:
        return [value for t, value in self.samples.items() if after < t <= until]


def subject_scope(metric: str, subject: str) -> str:
    """The scope of a series, where each subject has but one of it."""
    return next((scope for one, scope, who in ONE_SCOPE if (one, who) == (metric, subject)), "none")


def check_cause(transition: dict[str, Any], rule: model.Rule, heard: list[Told]) -> None:
    t, value, since, reason = (transition[key] for key in ("t", "value", "since", "reason"))
    move = (transition["from"], transition["to"])
    here = [line for line in heard if line.t == t and line.event in model.INSTANT_MAKERS]
    assert here, "no instant"
    if reason == "gone":
        assert any(line.event == "gone" and line.said["subject"] == transition["subject"] for line in here), (
            "nobody went"
        )
        assert move in {("pending", "inactive"), ("firing", "resolved")}
        assert value is None
        return
    data = Data(heard, rule.metric, transition["subject"], t)
    last_t = max(data.samples)
    if reason == "no_data":
        assert value is None
        stale = t - last_t > rule.stale_after
        moves = {"hold": [("pending", "inactive"), ("firing", "resolved")],
                 "resolve": [("pending", "inactive"), ("firing", "resolved")],
                 "fire": [("inactive", "pending"), ("inactive", "firing"), ("pending", "firing")]}  # fmt: skip
        unknown = rule.aggregate != "last" and move == ("pending", "inactive")
        assert (stale and move in moves[rule.on_missing]) or unknown
        if move == ("firing", "resolved") and rule.on_missing == "hold":
            assert t - last_t > rule.hold_max
        if move == ("pending", "firing"):
            assert t - since >= rule.for_
        return
    # All others judge a value that is not old.
    assert t - last_t <= rule.stale_after
    window = data.within(t - rule.window, t)
    assert value == (
        data.samples[last_t] if rule.aggregate == "last" else model.aggregated(rule.aggregate, window)
    )
    if rule.aggregate != "last":
        assert t - min(data.samples) >= rule.window
    holds = model.HOLDS[rule.op]
    if reason == "breach":
        assert move == ("inactive", "firing" if rule.for_ == 0 else "pending")
        assert holds(value, rule.threshold)
        assert since == t
    elif reason == "for_elapsed":
        assert move == ("pending", "firing")
        assert holds(value, rule.threshold)
        assert t - since >= rule.for_
    else:
        assert reason == "cleared"
        assert move in {("pending", "inactive"), ("firing", "resolved")}
        assert not holds(value, rule.threshold if move[0] == "pending" else rule.clear)


@FEW
@given(scenarios(ONE_SCOPE))
def test_no_transition_without_cause(scenario: Scenario):
    rules, heard = rules_of(scenario), told(scenario[1])
    states: dict[tuple[str, str], str] = {}
    since: dict[tuple[str, str], float] = {}
    result = replayed(scenario)
    for transition in result["transitions"]:
        alert = (transition["rule"], transition["subject"])
        assert transition["from"] == states.get(alert, "inactive")
        if transition["from"] != "inactive":
            # "since is when the condition became true": moved on only by a gap nobody saw.
            assert since[alert] <= transition["since"] <= transition["t"]
        states[alert] = "inactive" if transition["to"] == "resolved" else transition["to"]
        since[alert] = transition["since"]
        check_cause(transition, rules[transition["rule"]], heard)
    assert [transition["t"] for transition in result["transitions"]] == sorted(
        transition["t"] for transition in result["transitions"]
    )
    left = {(entry["rule"], entry["subject"]): entry["state"] for entry in result["final"]}
    known = set(states) | set(left)
    assert all(left.get(alert, "inactive") == states.get(alert, "inactive") for alert in known)


def silenced(heard: list[Told], rule: model.Rule, subject: str, t: float) -> bool:
    silences: dict[str, dict[str, Any]] = {}
    for line in heard:
        if line.t <= t and line.event == "silence":
            silences[line.said["id"]] = line.said
        elif line.t <= t and line.event == "unsilence":
            silences.pop(line.said["id"], None)
    return any(
        t < said["until"]
        and model.fnmatchcase(rule.name, said["match"].get("rule", "*"))
        and model.fnmatchcase(subject, said["match"].get("subject", "*"))
        and said["match"].get("severity") in (None, rule.severity)
        for said in silences.values()
    )


@FEW
@given(scenarios(ONE_SCOPE))
def test_nobody_is_told_of_what_is_silenced_or_inhibited(scenario: Scenario):
    rules, heard = rules_of(scenario), told(scenario[1])
    gone_at = {(line.t, line.said["subject"]) for line in heard if line.event == "gone"}
    result = replayed(scenario)
    for note in result["notifications"]:
        t, subject, rule = note["t"], note["subject"], rules[note["rule"]]
        assert not silenced(heard, rule, subject, t)
        if note["what"] == "resolved" or not rule.inhibit or (t, subject) in gone_at:
            continue  # the end of what was told is told also while something worse is there
        states = {
            other["rule"]: other["to"]
            for other in result["transitions"]
            if other["t"] <= t and other["subject"] == subject
        }
        worse = [
            name
            for name, state in states.items()
            if state == "firing"
            and rules[name].metric == rule.metric
            and model.SEVERITIES.index(rules[name].severity) > model.SEVERITIES.index(rule.severity)
        ]
        assert not worse
        if note["what"] in ("firing", "repeat"):
            assert states[rule.name] == "firing"


@FEW
@given(scenarios(ONE_SCOPE))
def test_what_is_told_of_an_episode_is_firing_then_repeats_then_resolved(scenario: Scenario):
    rules = rules_of(scenario)
    result = replayed(scenario)
    # Each alert's firings and ends, and what was told of it; at one t the changes come first.
    stream = [
        (entry["t"], 0, entry["rule"], entry["subject"], entry["to"]) for entry in result["transitions"]
    ]
    stream += [
        (entry["t"], 1, entry["rule"], entry["subject"], entry["what"]) for entry in result["notifications"]
    ]
    heard = told(scenario[1])
    gone = {line.said["subject"] for line in heard if line.event == "gone"}
    stream = [entry for entry in stream if entry[3] not in gone]
    stream.sort(key=lambda entry: (entry[2], entry[3], entry[0], entry[1]))
    for (name, _), entries in groupby(stream, key=lambda entry: (entry[2], entry[3])):
        told_at: float | None = None
        resolved_at: float | None = None
        for t, note, *_, what in entries:
            if not note and what == "firing":
                told_at = None
            elif not note and what == "resolved":
                resolved_at = t
            elif what == "firing":
                assert told_at is None
                told_at = t
            elif what == "repeat":
                assert told_at is not None
                assert 0 < rules[name].repeat <= t - told_at
                told_at = t
            elif what == "resolved":
                assert told_at is not None
                assert resolved_at == t


@FEW
@given(scenarios(ONE_SCOPE))
def test_it_resolves_only_after_clear_and_hold(scenario: Scenario):
    rules, heard = rules_of(scenario), told(scenario[1])
    fired: dict[tuple[str, str], float] = {}
    for transition in replayed(scenario)["transitions"]:
        alert = (transition["rule"], transition["subject"])
        t, rule = transition["t"], rules[transition["rule"]]
        if transition["to"] == "firing":
            fired[alert] = t
        if transition["to"] != "resolved" or transition["reason"] != "cleared":
            continue
        held_from = t - rule.keep_firing_for
        assert fired[alert] <= held_from
        if rule.aggregate == "last":
            # Any sample in that time that meets `clear` would have begun the recovery anew.
            samples = Data(heard, rule.metric, transition["subject"], t).samples
            kept = [value for at, value in samples.items() if held_from <= at]
            assert not any(model.HOLDS[rule.op](value, rule.clear) for value in kept)


@FEW
@given(scenarios(), st.data())
def test_a_part_of_a_recording_gives_a_part_of_its_replay(scenario: Scenario, data: st.DataObject):
    rules, lines = scenario
    # Where one may cut: before the first line of a new t.
    cuts: list[tuple[int, float]] = []
    largest: float | None = None
    for index, line in enumerate(lines):
        said = model.understood(line)
        if said is not None and (largest is None or said["t"] > largest):
            cuts.append((index, said["t"]))
            largest = said["t"]
    index, t = data.draw(st.sampled_from(cuts)) if cuts else (0, 0.0)
    whole, part = replayed(scenario), replayed((rules, lines[:index]))
    for kind in ("transitions", "notifications"):
        assert part[kind] == whole[kind][: len(part[kind])]
        assert all(entry["t"] >= t for entry in whole[kind][len(part[kind]) :])
