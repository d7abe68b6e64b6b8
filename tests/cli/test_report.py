"""What a Snapshot becomes: severities, bottlenecks, advice, alerts and the exit status."""

import pytest

from core.advice import Limits, advise
from core.config import Rule, Settings
from core.kpi import KpiRule
from core.policy import policy_of
from core.report import analysis
from core.reports.plain import time_text
from core.samples import ProcessesSample
from core.snapshot import KpiPart, KpiStatus, SourceState
from tests.alerts.living import Living
from tests.measured import memory
from tests.snapshots import AT, reading, snapshot, view
from tui.cli.analyze import status_of
from tui.cli.monitor_alerts import Alarms, with_threshold

RULES: tuple[KpiRule, ...] = policy_of(
    Settings(), host="h", workspace="/w", read_only=True, intervals={}
).kpis


def kpi(name, *parts):
    rule = next(rule for rule in RULES if rule.name == name)
    made = tuple(KpiPart(subject, rule.judge(value), value) for subject, value in parts)
    first = made[0]
    return KpiStatus(name, rule.label, rule.metric, rule.unit, first.status, first.subject, first.value,
                     str(rule.target), str(rule.critical or ""), rule.aggregate, rule.window_s, made)  # fmt: skip


def texts(snap, **limits):
    return [advice.text for advice in advise(snap, RULES, Limits(**limits))]


def test_no_advice_without_a_missed_target():
    assert texts(snapshot(kpis=(kpi("cpu", ("host", 43.0)), kpi("queue", ("CC", 3.0))))) == []


def test_a_long_queue_and_its_workload_are_one_advice_that_names_a_free_agent():
    snap = snapshot(kpis=(kpi("queue", ("CC", 14.0)), kpi("workload", ("CC", 100.0))))
    assert texts(snap) == [
        "Move tasks of CC to ARCH, where nothing waits (workload 0 %): "
        "14 of its tasks wait (44.0 h estimated), the oldest for 2d 4h (target < 10); "
        "preview it with `bluetop optimize`"
    ]


def test_where_nobody_is_free_no_agent_is_invented():
    snap = snapshot(
        agents=(view("CC", load=100.0, pending=14), view("CB", load=90.0)), kpis=(kpi("queue", ("CC", 14.0)),)
    )
    assert texts(snap) == [
        "Give CC fewer tasks or add an agent: 14 of its tasks wait (target < 10), and no other agent is underused"
    ]


def test_the_retired_and_the_unreadable_get_no_tasks():
    agents = (
        view("CC", load=100.0, pending=14),
        view("WA", "retired", load=0.0),
        view("X", "unreadable", load=0.0),
    )
    assert "no other agent" in texts(snapshot(agents=agents, kpis=(kpi("queue", ("CC", 14.0)),)))[0]


def test_host_advice_names_the_measured_cause_only():
    missed = (kpi("open_files", ("host", 104.0)),)
    assert texts(snapshot(kpis=missed)) == [
        "Close file handles on prod-01: the watched processes hold 104 (target < 100); "
        "CB (process 4000) holds 41 of 1024"
    ]
    nothing = reading(ProcessesSample(AT, "prod-01", (), None, 80, 0, 1.0, True))
    assert texts(snapshot(kpis=missed, processes=nothing)) == [
        "Close file handles on prod-01: the watched processes hold 104 (target < 100)"
    ]


@pytest.mark.parametrize(
    ("name", "value", "begins"),
    [
        (
            "cpu",
            93.0,
            "Relieve the processor of prod-01: it is 93 % busy (target < 80); the load is 1.2 on 2 cores",
        ),
        ("memory", 80.0, "Free memory on prod-01: 80 % is in use (target < 75)"),
        ("disk_io", 60.0, "Spread the disk work of prod-01: 60 MB/s (target < 50); most on vda, reading 12"),
    ],
)
def test_each_host_kpi_has_its_sentence(name, value, begins):
    (text,) = texts(snapshot(kpis=(kpi(name, ("host", value)),)))
    assert text.startswith(begins)


def test_low_success_is_advice_but_no_bottleneck():
    snap = snapshot(kpis=(kpi("success", ("CC", 90.0)),))
    report = analysis(snap, RULES, Limits())
    assert report["recommendations"][0]["text"].startswith(
        "Look into the failed tasks of CC: 2 failed and 31 completed"
    )
    assert report["bottlenecks"] == []


def test_a_value_at_its_limit_misses_the_target_but_is_no_bottleneck():
    report = analysis(snapshot(kpis=(kpi("queue", ("CC", 10.0)),)), RULES, Limits())
    assert report["kpis"][0]["status"] == "warning"
    assert report["bottlenecks"] == []


def test_bottlenecks_are_ranked_by_severity_then_by_how_far():
    snap = snapshot(kpis=(kpi("queue", ("CC", 14.0), ("CA", 12.0)), kpi("cpu", ("host", 97.0)),
                          kpi("workload", ("CC", 100.0))))  # fmt: skip
    found = [
        (b["severity"], b["subject"], b["excess_percent"])
        for b in analysis(snap, RULES, Limits())["bottlenecks"]
    ]
    assert found == [
        ("critical", "host", 21.2), ("medium", "CC", 40.0), ("medium", "CC", 25.0), ("medium", "CA", 20.0),
    ]  # fmt: skip


def test_a_hung_source_is_a_problem_makes_the_look_incomplete_and_the_status_1():
    report = analysis(snapshot(), RULES, Limits())
    assert report["complete"] is False
    assert ("high", "/mnt/nfs", "hung") in [
        (p["severity"], p["source"], p["code"]) for p in report["problems"]
    ]
    assert status_of(report, None) == 1


@pytest.mark.parametrize(
    ("severity", "fail_on", "status"),
    [
        ("ok", "low", 0),
        ("low", "low", 1),
        ("medium", "high", 0),
        ("critical", "high", 1),
        ("critical", None, 0),
    ],
)
def test_exit_status_follows_fail_on(severity, fail_on, status):
    assert status_of({"complete": True, "severity": severity}, fail_on) == status


def test_times_that_cannot_be_are_unknown():
    assert time_text(1_780_000_000.9) == "2026-05-28T20:26:40Z"
    for wall in (None, float("nan"), float("inf"), 1e18, -1e18):
        assert time_text(wall) is None


class Watched:
    """What `monitor` makes of one snapshot after the other. `live` are alerts of rules, on a scripted clock."""

    def __init__(self, *rules):
        self.live = Living(*rules)
        self.alarms = Alarms("prod-01")

    def take(self, snap=None):
        made = self.alarms.take(self.live.snapshot if snap is None else snap, self.live.live)
        return [(change["state"], change["rule"], change["subject"], change["severity"]) for change in made]

    def now(self, snap=None):
        found = self.alarms.current(self.live.snapshot if snap is None else snap, self.live.live)
        return [(alert["rule"], alert["subject"]) for alert in found]


def test_monitor_tells_of_a_workspace_that_cannot_be_read_once():
    lost = SourceState(
        "/srv/autopilot", "workspace", "unreadable", "No such file or directory", None, None, 1
    )
    watched, gone = Watched(), snapshot(sources=(lost,), kpis=())
    assert watched.take(gone) == [("firing", "source", "/srv/autopilot", "critical")]
    assert watched.take(gone) == []
    assert watched.now(gone) == [("source", "/srv/autopilot")]
    assert watched.take(snapshot(sources=(), kpis=())) == [
        ("resolved", "source", "/srv/autopilot", "critical")
    ]


def test_monitor_tells_of_critical_kpis_and_hung_sources_as_changes():
    bad = snapshot(
        kpis=(kpi("memory", ("host", 92.0)), kpi("cpu", ("host", 97.0))), sources=snapshot().sources
    )
    watched = Watched()
    assert watched.take(bad) == [
        ("firing", "kpi memory", "prod-01", "critical"), ("firing", "kpi cpu", "prod-01", "critical"),
        ("firing", "source", "/mnt/nfs", "high"),
    ]  # fmt: skip
    assert watched.take(bad) == []
    better = snapshot(kpis=(kpi("memory", ("host", 93.0)),), sources=())
    assert watched.take(better) == [
        ("resolved", "kpi cpu", "prod-01", "critical"), ("resolved", "source", "/mnt/nfs", "high"),
    ]  # fmt: skip
    (alert,) = watched.alarms.current(better, None)
    assert (alert["value"], alert["threshold"]) == (93.0, None)
    assert [(fired.times, fired.began is None) for fired in watched.alarms.fired.values()] == [
        (1, False), (1, True), (1, True),
    ]  # fmt: skip


def test_a_critical_kpi_is_not_told_beside_a_rule_that_fires_on_the_same():
    watched = Watched(Rule("memory_high", "memory_percent", 85, "host", severity="high"))
    watched.live.tick(memory(watched.live.at + 1, 92))
    snap = snapshot(
        kpis=(kpi("memory", ("host", 92.0)),), sources=(), at=watched.live.at, wall=watched.live.clock.wall()
    )
    assert watched.take(snap) == [("firing", "memory_high", "prod-01", "high")]
    assert watched.now(snap) == [("memory_high", "prod-01")]
    watched.live.run(1)
    assert watched.take(snap) == [
        ("resolved", "memory_high", "prod-01", "high"), ("firing", "kpi memory", "prod-01", "critical"),
    ]  # fmt: skip


def test_a_threshold_makes_processor_and_memory_fire_at_once_and_leaves_the_other_rules():
    rules = with_threshold(Settings().rules, 70.0)
    changed = {rule.name: rule for rule in rules}
    for name, severity in (("cpu_critical", "critical"), ("memory_high", "high")):
        rule = changed.pop(name)
        assert (rule.op, rule.threshold, rule.clear, rule.for_s, rule.keep_s) == (">", 70.0, None, 0.0, 0.0)
        assert rule.severity == severity
    assert changed == {rule.name: rule for rule in Settings().rules if rule.name in changed}
    assert len(changed) == len(Settings().rules) - 2
    assert [rule.name for rule in with_threshold((), 70.0)] == ["cpu", "memory"]
    assert with_threshold(Settings().rules, None) == Settings().rules
