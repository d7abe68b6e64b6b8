"""Alerts of the running bluetop: fed by pollers, kept, gone on with after a restart, shared with others."""

import pytest

from core.alerts.store import AlertStore, read_log
from core.alerts.view import bottlenecks
from core.config import Rule
from core.control import AckAlert, ChangeFailed, EndSilence, Match, SilenceAlerts, submit
from core.errors import ReadOnlyError
from tests.alerts.living import Living
from tests.fakes import FakeClock
from tests.measured import WALL, cpu, memory, queue, queues

MEMORY = Rule("memory", "memory_percent", 85, "host", clear=80, for_s=5, severity="high")
QUEUE = Rule("queue", "queue_length", 15, "agent", clear=12)
FULL = Rule("full", "queue_length", 10, "agent", aggregate="min", window_s=60, severity="low")


def busy(at: float, pending: int = 20):
    return queues(at, queue("CA", pending=pending))


def test_a_figure_of_the_host_fires_after_its_time_and_resolves():
    here = Living(MEMORY)
    here.run(3)
    assert here.states() == {}
    for _ in range(5):
        here.tick(memory(here.at + 1, 90))
    assert here.states() == {("memory", "host"): "pending"}
    here.tick(memory(here.at + 1, 91))
    alert = here.alert("memory")
    assert (alert.state, alert.value, alert.severity) == ("firing", 91.0, "high")
    assert alert.text == "memory of prod-01 is 91 % (> 85)"
    assert alert.since == here.clock.wall() - 5
    assert alert.advice.startswith("Free memory on prod-01: 91 % is in use (limit > 85)")
    here.tick(memory(here.at + 1, 82))
    assert here.alert("memory").value == 82
    here.tick(memory(here.at + 1, 70))
    assert here.states() == {}
    (ended,) = here.alerts.history
    assert (ended.rule, ended.state, ended.reason, ended.value) == ("memory", "resolved", "cleared", 70.0)
    assert ended.text == "memory of prod-01 is 91 % (> 85)"
    assert here.told() == [("firing", "memory", "host"), ("resolved", "memory", "host")]
    assert here.notes[0].text == alert.text
    assert here.notes[0].advice == alert.advice


def test_an_agent_that_does_not_change_is_a_sample_all_the_same():
    here = Living(QUEUE, FULL)
    here.calm(queue("CA", pending=20), queue("CB", pending=3))
    here.run(4)
    assert here.states() == {("queue", "CA"): "firing"}
    here.run(62)
    assert here.states() == {("queue", "CA"): "firing", ("full", "CA"): "firing"}
    assert not here.alert("queue").stale
    assert here.alert("full").inhibited_by == "queue"
    assert [alert.rule for alert in bottlenecks(here.alerts)] == ["full"]
    here.tick(busy(here.at + 1, 3))
    assert here.states() == {}


def test_an_agent_that_goes_resolves_what_it_had():
    here = Living(QUEUE)
    here.calm(queue("CA", pending=20), queue("CB", pending=30))
    here.run(5)
    assert set(here.states()) == {("queue", "CA"), ("queue", "CB")}
    here.tick(queues(here.at + 1, gone=("CA",)))
    here.run(2)
    assert set(here.states()) == {("queue", "CB")}
    assert here.alerts.history[0].reason == "gone"
    here.tick(queues(here.at + 1, queue("CB", pending=30, state="decommissioned")))
    here.run(5)
    assert here.states() == {}


def test_what_cannot_be_read_is_held_and_shown_as_stale_never_as_current():
    here = Living(QUEUE)
    here.calm(queue("CA", pending=20))
    here.run(5)
    here.tick(queues(here.at + 1, queue("CA", form="unreadable")))
    here.run(20)
    alert = here.alert("queue")
    assert (alert.state, alert.stale, alert.value) == ("firing", True, None)
    here.tick(busy(here.at + 1, 22))
    assert (here.alert("queue").stale, here.alert("queue").value) == (False, 22.0)


def test_a_machine_that_slept_resolves_nothing_and_counts_no_time():
    hours = Rule("queue", "queue_length", 15, "agent", clear=12, hold_max_s=3600)
    here = Living(MEMORY, hours)
    here.calm(queue("CA", pending=20))
    here.run(5)
    for _ in range(3):
        here.tick(memory(here.at + 1, 90))
    assert here.states() == {("memory", "host"): "pending", ("queue", "CA"): "firing"}
    here.step(memory(here.at + 7200, 90), seconds=7200.0)  # the queues have not been read yet
    assert here.states() == {("memory", "host"): "pending", ("queue", "CA"): "firing"}
    for _ in range(4):
        here.tick(memory(here.at + 1, 90))
    assert here.states()["memory", "host"] == "pending"
    here.tick(memory(here.at + 1, 90), seconds=1.0)
    assert here.states()["memory", "host"] == "firing"


def test_setting_the_clock_changes_no_state():
    here = Living(MEMORY)
    for step in range(12):
        here.clock._wall += (-1) ** step * 86_400.0
        here.tick(memory(here.at + 1, 90))
    assert here.states() == {("memory", "host"): "firing"}
    assert here.told() == [("firing", "memory", "host")]


def test_a_restart_keeps_id_and_start_and_tells_nothing_again(tmp_path):
    first = Living(MEMORY, QUEUE, root=tmp_path)
    first.calm(queue("CA", pending=20))
    for _ in range(8):
        first.tick(memory(first.at + 1, 90))
    submit(AckAlert(first.live.desk, "queue", "CA"), read_only=False, by="ann")
    first.keep()
    before = {
        alert.rule: (alert.id, alert.since, alert.fired_at, alert.acked_by) for alert in first.alerts.active
    }
    assert first.told() == [("firing", "queue", "CA"), ("firing", "memory", "host")]
    first.end()
    later = Living(MEMORY, QUEUE, root=tmp_path, at=first.at + 40, wall=first.clock.wall() + 40)
    later.calm(queue("CA", pending=20))
    for _ in range(8):
        later.tick(memory(later.at + 1, 90))
    after = {
        alert.rule: (alert.id, alert.since, alert.fired_at, alert.acked_by) for alert in later.alerts.active
    }
    assert after == before
    assert later.told() == []
    assert later.alerts.mode == "writing"
    later.end()


def test_after_a_reboot_times_are_those_of_the_wall_clock(tmp_path):
    first = Living(MEMORY, root=tmp_path, at=900_000.0)
    for _ in range(8):
        first.tick(memory(first.at + 1, 90))
    since = first.alert("memory").since
    first.end()
    later = Living(MEMORY, root=tmp_path, at=30.0, wall=first.clock.wall() + 600, boot="b2")
    for _ in range(8):
        later.tick(memory(later.at + 1, 90))
    assert later.alert("memory").since == pytest.approx(since, abs=0.01)
    assert later.told() == []
    later.end()


def test_a_rule_edited_or_removed_while_nothing_ran_ends_what_it_had_begun(tmp_path):
    first = Living(MEMORY, QUEUE, root=tmp_path)
    first.calm(queue("CA", pending=20))
    for _ in range(8):
        first.tick(memory(first.at + 1, 90))
    first.end()
    edited = Rule("memory", "memory_percent", 70, "host", severity="high")
    later = Living(edited, root=tmp_path, at=first.at + 5, wall=first.clock.wall() + 5)
    later.run(3)
    reasons = {alert.rule: alert.reason for alert in later.alerts.history}
    assert reasons == {"memory": "rule_changed", "queue": "rule_removed"}
    later.end()


def test_rules_reloaded_while_it_runs(tmp_path):
    here = Living(MEMORY, QUEUE, root=tmp_path)
    here.calm(queue("CA", pending=20))
    for _ in range(8):
        here.tick(memory(here.at + 1, 90))
    kept = here.alert("queue").id
    here.live.reload(
        [QUEUE, Rule("memory", "memory_percent", 80, "host", severity="high")], ["config.toml:3: wrong"]
    )
    here.tick(memory(here.at + 1, 70), busy(here.at + 1))
    assert here.states() == {("queue", "CA"): "firing"}
    assert here.alert("queue").id == kept
    assert here.alerts.history[0].reason == "rule_changed"
    here.end()
    last = [row for row in read_log(str(tmp_path / ".bluetop")) if row["what"] == "rules"][-1]
    assert (last["count"], last["rejected"]) == (2, ["config.toml:3: wrong"])


def test_nobody_is_told_before_it_is_kept_unless_it_cannot_be(tmp_path):
    here = Living(Rule("memory", "memory_percent", 85, "host"), root=tmp_path)
    here.run(3)
    keep, here.keep = here.keep, lambda: None
    here.tick(memory(here.at + 1, 90))
    assert here.states() == {("memory", "host"): "firing"}
    assert here.told() == []
    keep()
    assert here.told() == [("firing", "memory", "host")]
    here.tick(memory(here.at + 1, 20))
    here.run(4)  # the disk does not answer
    assert here.told() == [("firing", "memory", "host"), ("resolved", "memory", "host")]


def test_ack_silence_and_their_refusals_go_through_the_one_door(tmp_path):
    here = Living(QUEUE, root=tmp_path)
    desk = here.live.desk
    here.calm(queue("CA", pending=20))
    here.run(2)
    with pytest.raises(ChangeFailed, match="queue on CB does not fire"):
        submit(AckAlert(desk, "queue", "CB"), read_only=False)
    with pytest.raises(ReadOnlyError):
        submit(AckAlert(desk, "queue", "CA"), read_only=True)
    with pytest.raises(ChangeFailed, match="is not acknowledged"):
        submit(AckAlert(desk, "queue", "CA", undo=True), read_only=False)
    with pytest.raises(ChangeFailed, match="a silence needs a comment"):
        submit(SilenceAlerts(desk, Match("queue"), 60, " "), read_only=False)
    with pytest.raises(ChangeFailed, match="a silence needs an end"):
        submit(SilenceAlerts(desk, Match("queue"), 0, "why"), read_only=False)
    assert submit(AckAlert(desk, "queue", "CA"), read_only=False, by="ann").text.startswith(
        "acknowledged queue on CA"
    )
    here.run(1)
    assert here.alert("queue").acked_by == "ann"
    submit(AckAlert(desk, "queue", "CA", undo=True), read_only=False, by="ann")
    submit(SilenceAlerts(desk, Match("que*", "C?"), 60, "being worked on"), read_only=False, by="bob")
    here.run(1)
    alert = here.alert("queue")
    assert (alert.acked_by, alert.silenced_by, alert.silence_comment) == ("", "bob", "being worked on")
    assert alert.silenced_until == pytest.approx(here.clock.wall() + 59, abs=1.1)
    submit(EndSilence(desk, alert.silence), read_only=False)
    with pytest.raises(ChangeFailed, match="there is no silence"):
        submit(EndSilence(desk, alert.silence), read_only=False)
    here.run(1)
    assert here.alert("queue").silence == ""
    assert [silence.over for silence in here.alerts.silences] == [True]
    here.end()
    lines = [(row["what"], row.get("by")) for row in read_log(str(tmp_path / ".bluetop"))]
    assert lines[-4:] == [("ack", "ann"), ("unack", "ann"), ("silence", "bob"), ("unsilence", lines[-1][1])]


def test_nothing_is_changed_before_it_is_known_what_was_kept(tmp_path):
    here = Living(QUEUE, root=tmp_path)
    here.keep = lambda: None
    here.calm(queue("CA", pending=20))
    with pytest.raises(ChangeFailed, match="still being read"):
        submit(SilenceAlerts(here.live.desk, Match("queue"), 60, "night"), read_only=False)


def test_a_silence_keeps_quiet_and_when_it_ends_what_still_fires_is_told():
    here = Living(QUEUE)
    here.calm(queue("CA", pending=3))
    submit(SilenceAlerts(here.live.desk, Match(subject="CA"), 30, "deploying"), read_only=False)
    here.tick(busy(here.at + 1))
    here.run(20)
    assert here.told() == []
    here.run(15)
    assert here.told() == [("firing", "queue", "CA")]


def test_a_second_bluetop_follows_asks_and_takes_over(tmp_path):
    keeper = Living(QUEUE, root=tmp_path)
    keeper.calm(queue("CA", pending=20))
    keeper.run(2)
    other = Living(QUEUE, root=tmp_path, at=keeper.at, wall=keeper.clock.wall())
    other.calm(queue("CA", pending=20))
    other.run(2)
    assert (keeper.alerts.mode, other.alerts.mode) == ("writing", "reading")
    assert other.alert("queue").id == keeper.alert("queue").id
    submit(AckAlert(other.live.desk, "queue", "CA"), read_only=False, by="bob")
    other.run(1)
    keeper.run(2)
    assert keeper.alert("queue").acked_by == "bob"
    submit(AckAlert(keeper.live.desk, "queue", "CA", undo=True), read_only=False, by="ann")
    keeper.run(1)
    other.run(2)
    assert other.alert("queue").acked_by == ""
    submit(SilenceAlerts(keeper.live.desk, Match(), 3600, "night"), read_only=False, by="ann")
    keeper.run(1)
    other.run(1)
    assert other.alert("queue").silence_comment == "night"
    keeper.end()
    assert other.store is not None
    assert other.store.vacant()
    other.keep(again=True)
    other.run(2)
    assert other.alerts.mode == "writing"
    assert other.alert("queue").silenced_by == "ann"
    other.end()


def test_what_happened_while_nobody_looked(tmp_path):
    here = Living(MEMORY, QUEUE, root=tmp_path)
    here.calm(queue("CA", pending=20))
    here.run(2)
    left = here.clock.wall() + 0.5
    for _ in range(8):
        here.tick(memory(here.at + 1, 90))
    here.run(2)
    here.tick(queues(here.at + 1, queue("CA", pending=30), queue("CB", pending=30)))
    here.end()
    later = Living(MEMORY, QUEUE, root=tmp_path, at=here.at + 5, wall=here.clock.wall() + 5, away_since=left)
    later.calm(queue("CA", pending=30), queue("CB", pending=30))
    later.run(1)
    assert later.alerts.away == "while you were away: 2 fired, 1 still open"
    later.end()
    calm = Living(
        MEMORY, QUEUE, root=tmp_path, at=later.at + 5, wall=later.clock.wall() + 5, away_since=WALL + 1e6
    )
    calm.run(1)
    assert calm.alerts.away == ""


def test_a_state_that_makes_no_sense_is_set_aside(tmp_path):
    here = Living(QUEUE, root=tmp_path)
    here.calm(queue("CA", pending=20))
    here.run(2)
    here.end()
    path = tmp_path / ".bluetop" / "alerts.json"
    path.write_text(path.read_text().replace('"firing"', '"on fire"'))
    later = Living(QUEUE, root=tmp_path, at=here.at + 5)
    later.calm(queue("CA", pending=20))
    later.run(2)
    assert list(path.parent.glob("alerts.json.corrupt-*"))
    assert "could not be used" in later.alerts.problem
    assert later.states() == {("queue", "CA"): "firing"}
    later.end()


def test_the_clock_of_slow_samples_is_slow_too():
    here = Living(Rule("memory", "memory_percent", 85, "host", on_missing="resolve"))
    here.live.with_policy(type(here.state.policy)(**{
        **{name: getattr(here.state.policy, name) for name in here.state.policy.__struct_fields__},
        "intervals": {**here.state.policy.intervals, "memory": 60.0}, "interval_s": 60.0,
    }))  # fmt: skip
    for _ in range(3):
        here.step(memory(here.at + 60, 90), seconds=60.0)
        here.step(cpu(here.at + 5), seconds=5.0)
        assert here.states() == {("memory", "host"): "firing"}
    here.step(cpu(here.at + 100), seconds=100.0)
    here.step(cpu(here.at + 100), seconds=100.0)
    assert here.states() == {}


def test_a_place_that_cannot_be_written_is_told_and_alerts_go_on_in_memory(tmp_path):
    (tmp_path / ".bluetop").write_text("not a folder")
    here = Living(QUEUE, root=tmp_path)
    here.calm(queue("CA", pending=20))
    here.run(2)
    assert here.alerts.mode == "memory"
    assert "alerts cannot be kept" in here.alerts.problem
    assert here.told() == [("firing", "queue", "CA")]


def test_what_could_not_be_delivered_is_said_for_a_while():
    here = Living(QUEUE)
    here.run(1)
    here.live.not_delivered("ops", "https://hooks.example.org: connection refused")
    here.run(1)
    assert here.alerts.problem == "ops was not told: https://hooks.example.org: connection refused"
    here.calm(queue("CA", pending=20))
    here.run(601)
    assert here.alerts.problem == ""


def test_a_link_that_leads_out_of_the_workspace_is_not_followed(tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    root = tmp_path / "ws"
    root.mkdir()
    (root / ".bluetop").symlink_to(outside)
    store = AlertStore([str(root / ".bluetop")], str(root), FakeClock(), write=True)
    assert store.open().mode == "memory"
    assert list(outside.iterdir()) == []
