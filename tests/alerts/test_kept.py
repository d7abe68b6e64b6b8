"""What a command sees of kept alerts: as they are, as of when, and whatever is in the files."""

import json
from pathlib import Path

import pytest

from core.alerts.kept import Kept, is_running, look, worst
from core.alerts.store import AlertStore
from core.config import Rule
from core.control import AckAlert, Match, SilenceAlerts, submit
from core.text import clean
from tests.alerts.living import BootClock, Living
from tests.fakes import FakeClock
from tests.measured import memory, queue

QUEUE = Rule("queue", "queue_length", 15, "agent", clear=12)
LOW = Rule("longish", "queue_length", 10, "agent", aggregate="min", window_s=60, severity="low")
MEMORY = Rule("memory", "memory_percent", 85, "host", clear=80, for_s=5, severity="high")
RULES = (MEMORY, QUEUE, LOW)


def lived(root: Path, *rules: Rule) -> Living:
    """Memory has fired and resolved; the queue of CA fires for more than a minute; memory is pending again."""
    here = Living(*(rules or RULES), root=root)
    here.calm(queue("CA", pending=20), queue("CB", pending=3))
    for _ in range(8):
        here.tick(memory(here.at + 1, 91))
    here.run(60)
    here.tick(memory(here.at + 1, 93))
    return here


def seen(root: Path, clock: FakeClock, rules=RULES, **more) -> Kept:
    return look([str(root / ".bluetop"), str(root / "state")], str(root), rules, clock, "box", **more)


def later(here: Living, seconds: float) -> BootClock:
    return BootClock(here.at + seconds, here.clock.wall() + seconds, "b1")


def test_it_is_what_the_running_bluetop_shows(tmp_path):
    here = lived(tmp_path)
    submit(AckAlert(here.live.desk, "queue", "CA"), read_only=False, by="ann")
    submit(SilenceAlerts(here.live.desk, Match("long*"), 600, "known"), read_only=False, by="bob")
    here.run(1, memory(here.at + 1, 93))
    kept = seen(tmp_path, here.clock)
    assert (kept.running, kept.problem) == (True, "")
    assert kept.process is not None
    shown = {alert.rule: alert for alert in here.alerts.active}
    assert [alert.rule for alert in kept.alerts.active] == [alert.rule for alert in here.alerts.active]
    for alert in kept.alerts.active:
        theirs = shown[alert.rule]
        for name in (
            "id",
            "state",
            "severity",
            "subject",
            "unit",
            "acked_by",
            "silenced_by",
            "inhibited_by",
            "bottleneck",
        ):
            assert getattr(alert, name) == getattr(theirs, name), name
        assert alert.since == pytest.approx(theirs.since)
    queue_alert, longish = kept.alerts.active[:2]
    assert (queue_alert.acked_by, longish.inhibited_by, longish.silence_comment) == ("ann", "queue", "known")
    assert longish.text == "queue of CA is 20 tasks (min over 60 s > 10)"
    assert longish.silenced_until == pytest.approx(here.clock.wall() + 599, abs=1.1)
    assert (kept.alerts.fire, kept.alerts.wait, worst(kept.alerts)) == (2, 0, "medium")
    (ended,) = kept.alerts.history
    assert (ended.rule, ended.reason, ended.text) == ("memory", "cleared", "memory of prod-01 is 91 % (> 85)")
    here.end()


def test_a_picture_of_the_past_says_of_when(tmp_path):
    here = lived(tmp_path)
    here.end()
    kept = seen(tmp_path, later(here, 720.0))
    assert not kept.running
    assert kept.as_of == pytest.approx(here.clock.wall(), abs=0.1)
    assert kept.alerts.active[0].since == pytest.approx(here.alert("queue").since)
    rebooted = later(here, 720.0)
    rebooted._now, rebooted._boot = 5.0, "b2"
    assert seen(tmp_path, rebooted).alerts.active[0].since == pytest.approx(here.alert("queue").since)


def test_looking_changes_nothing_and_stops_nobody(tmp_path):
    here = lived(tmp_path)
    here.end()
    before = {path.name: path.stat().st_mtime_ns for path in (tmp_path / ".bluetop").iterdir()}
    assert not seen(tmp_path, later(here, 10.0)).running
    assert {path.name: path.stat().st_mtime_ns for path in (tmp_path / ".bluetop").iterdir()} == before
    store = AlertStore([str(tmp_path / ".bluetop")], str(tmp_path), FakeClock(), write=True)
    assert store.open().mode == "writing"
    assert is_running(str(tmp_path / ".bluetop"))
    assert seen(tmp_path, later(here, 10.0)).running
    store.close()


def test_what_ended_before_is_left_out(tmp_path):
    here = lived(tmp_path)
    here.end()
    clock = later(here, 3600.0)
    assert len(seen(tmp_path, clock, since=clock.wall() - 7200).alerts.history) == 1
    kept = seen(tmp_path, clock, since=clock.wall() - 60)
    assert kept.alerts.history == ()
    assert kept.alerts.fire == 2
    assert seen(tmp_path, clock, log=False).alerts.history == ()


def test_a_rule_that_is_another_one_now_is_told_as_it_was(tmp_path):
    here = lived(tmp_path)
    here.end()
    edited = Rule("queue", "queue_length", 50, "agent", severity="critical")
    found = {alert.rule: alert for alert in seen(tmp_path, later(here, 5.0), (edited,)).alerts.active}
    assert found["queue"].text == "queue of CA is 20 tasks (> 15)"
    assert found["queue"].severity == "medium"
    assert not found["longish"].bottleneck
    assert found["memory"].text == "memory: its rule has changed"


def test_without_a_state_there_is_nothing_and_with_a_log_alone_there_is_a_past(tmp_path):
    assert seen(tmp_path, FakeClock()) == Kept("")
    assert list(tmp_path.iterdir()) == []
    here = lived(tmp_path)
    here.end()
    (tmp_path / ".bluetop" / "alerts.json").unlink()
    kept = seen(tmp_path, later(here, 5.0))
    assert (kept.problem, kept.alerts.active, len(kept.alerts.history)) == ("", (), 1)


ODD = [
    "", "{", "[]", '"x"', '{"schema": "bluetop.alerts.state/9", "engine": {}}',
    '{"schema": "bluetop.alerts.state/1", "engine": 3}', '{"schema": "bluetop.alerts.state/1", "engine": {"t": "x"}}',
    "[" * 100_000, "\x00\xff",
]  # fmt: skip


@pytest.mark.parametrize("text", ODD)
def test_a_state_that_cannot_be_used_is_a_problem_and_stays_where_it_is(tmp_path, text):
    here = lived(tmp_path)
    here.end()
    path = tmp_path / ".bluetop" / "alerts.json"
    path.write_text(text)
    kept = seen(tmp_path, later(here, 5.0))
    assert kept.problem.startswith(f"{path} cannot be used: ")
    assert kept.problem == clean(kept.problem)
    assert path.read_text() == text
    assert len(kept.alerts.history) == 1


def test_a_severity_that_is_none_is_a_state_that_cannot_be_used(tmp_path):
    here = lived(tmp_path)
    here.end()
    path = tmp_path / ".bluetop" / "alerts.json"
    kept = json.loads(path.read_text())
    kept["engine"]["series"][0]["instances"][0]["severity"] = "dreadful"
    path.write_text(json.dumps(kept))
    problem = seen(tmp_path, later(here, 5.0)).problem
    assert "cannot be used" in problem
    assert "'dreadful'" in problem


def test_hostile_text_comes_out_clean(tmp_path):
    here = lived(tmp_path)
    here.end()
    path = tmp_path / ".bluetop" / "alerts.json"
    evil = "\x1b]0;x\x07\n\u202e"
    state = json.loads(path.read_text())
    for series in state["engine"]["series"]:
        series["subject"] += evil
        for one in series["instances"]:
            one["rule"], one["acked_by"], one["id"] = one["rule"] + evil, evil, one["id"] + evil
    state["engine"]["silences"].append({
        "id": evil, "until": 1e9, "rule": evil, "subject": "*" * 300, "severity": evil, "by": evil, "comment": evil,
        "at": 0,
    })  # fmt: skip
    path.write_text(json.dumps(state))
    with open(tmp_path / ".bluetop" / "alerts.jsonl", "a") as log:
        log.write(
            '{"what": "transition", "to": "resolved", "rule": "\\u001b[31m", "severity": "low", "text": "\\u0007"}\n'
        )
        log.write('{"what": "rules", "from": "12\\u001b-x", "host": "\\u009b"}\n{"torn": ')
    kept = seen(tmp_path, later(here, 5.0))
    assert len(kept.alerts.active) == 3
    for alert in (*kept.alerts.active, *kept.alerts.history):
        for text in (alert.text, alert.rule, alert.subject, alert.acked_by, alert.id):
            assert text == clean(text)
    for silence in kept.alerts.silences:
        for text in silence.id, silence.rule, silence.subject, silence.severity, silence.by, silence.comment:
            assert text == clean(text)


def test_a_link_that_leads_out_of_the_workspace_is_not_followed(tmp_path):
    inside, outside = tmp_path / "ws", tmp_path / "outside"
    inside.mkdir()
    outside.mkdir()
    lived(outside).end()
    (inside / ".bluetop").symlink_to(outside / ".bluetop")
    assert seen(inside, FakeClock()) == Kept("")
