"""Bottlenecks as the guide names them: kind, evidence, impact, resolution; from what is measured, and nothing else."""

import pytest

from core.advice import Limits
from core.alerts.bottlenecks import Beyond, facts, kind_of, limit_words, over_words
from core.alerts.kept import Kept
from core.alerts.view import Alerts
from core.config import DEFAULT_RULES, Settings
from core.measures.agent import UNMEASURED
from core.metrics import METRICS
from core.policy import policy_of
from core.report import analysis
from core.snapshot import KpiPart, KpiStatus, Reading
from tests.snapshots import WALL, alert, host_alert, snapshot

RULES = policy_of(Settings(), host="h", workspace="/w", read_only=True, intervals={}).kpis


def of_agent(metric, value, unit="tasks", subject="CC", **more):
    row = METRICS[metric]
    return facts(
        Beyond(metric, row.label, unit, "agent", subject, value, "limit > 10", **more), snapshot(), Limits()
    )


def of_host(metric, value, snap=None):
    row = METRICS[metric]
    beyond = Beyond(metric, row.label, row.unit, "host", "host", value, "limit > 10", 720.0)
    return facts(beyond, snapshot() if snap is None else snap, Limits())


@pytest.mark.parametrize(
    "rule", [rule for rule in DEFAULT_RULES if rule.aggregate != "last"], ids=lambda rule: rule.name
)
def test_every_shipped_bottleneck_has_a_name_of_the_guide(rule):
    kinds = {
        "task_queue_overflow": "task queue overflow", "slow_completion": "slow task completion",
        "cpu_exhausted": "resource exhaustion", "memory_exhausted": "resource exhaustion",
        "memory_growth": "resource exhaustion", "disk_io": "file system bottleneck",
        "open_files": "file system bottleneck",
    }  # fmt: skip
    assert kind_of(rule.metric) == kinds[rule.name]


@pytest.mark.parametrize("metric", list(METRICS))
def test_every_metric_has_facts_and_where_nothing_is_measured_none_are_made_up(metric):
    row = METRICS[metric]
    subject = "CC" if row.scope == "agent" else "host"
    beyond = Beyond(metric, row.label, row.unit, row.scope, subject, 12.0, "limit > 10")
    full = facts(beyond, snapshot(), Limits())
    assert full.evidence.startswith(f"{row.label} of ")
    assert full.resolution
    nothing = snapshot(
        agents=(), cpu=Reading(), memory=Reading(), disk=Reading(), processes=Reading(), mounts=Reading(),
        queues=Reading(), handles=Reading(), fleet=UNMEASURED,
    )  # fmt: skip
    bare = facts(beyond, nothing, Limits())
    assert bare.impact == ""
    assert bare.kind == full.kind


def test_an_overflow_says_what_waits_and_where_it_may_go():
    found = of_agent("queue_length", 14.0, lasted_s=720.0, over="lowest in 1 m")
    assert found.evidence == "queue of CC is 14 tasks (lowest in 1 m; limit > 10), for 12 m"
    assert found.impact.startswith("14 tasks wait (44.0 h estimated), the oldest for 2d 4h; ")
    assert found.resolution == "Move tasks of CC to ARCH, where nothing waits (workload 0 %)"


def test_slow_tasks_say_how_long_they_take_and_who_waits():
    found = of_agent("completion_hours", 3.2, "h")
    assert found.kind == "slow task completion"
    assert found.impact == "half of its tasks take 1h 06m or more; 14 tasks wait behind them"
    assert found.resolution.startswith("Review how complex the tasks of CC are: 95 % of them take up to 3h ")
    assert found.resolution.endswith("(5 tasks, seen)")


def test_an_exhausted_resource_says_what_has_to_wait():
    assert "load 1.2 on 2 cores" in of_host("cpu_percent", 97.0).impact
    assert "are available" in of_host("memory_percent", 93.0).impact
    assert of_host("disk_io_mb_per_s", 60.0).resolution.startswith(
        "Cache what is read again and again on prod-01, and batch what is written: 60 MB/s (limit > 10)"
    )
    assert of_host("open_files", 104.0).impact == "CB (process 4000) uses 4 % of the 1024 it may have"


@pytest.mark.parametrize(
    ("aggregate", "words"),
    [("last", ""), ("min", "lowest in 1 m"), ("max", "highest in 1 m"), ("avg", "average of 1 m")],
)
def test_the_value_of_a_window_is_said_to_be_one(aggregate, words):
    assert over_words(aggregate, 60.0) == words


def test_limits_are_words():
    assert limit_words(">", 2e9, "B") == "limit > 1.86 GiB"
    assert limit_words(">=", 50.0, "MB/s") == "limit >= 50"


# -- in the report -------------------------------------------------------------------------------------


def kept(*active, running=True):
    fire = [one for one in active if one.state == "firing"]
    return Kept(
        "/w/.bluetop/alerts.json", "", running, 7, "box", WALL - 20, Alerts(tuple(active), fire=len(fire))
    )


def reported(snap, found):
    return analysis(snap, RULES, Limits(), found)


def rows(report):
    return [(b["severity"], b["metric"], b["subject"], b["sustained"]) for b in report["bottlenecks"]]


LONG = KpiStatus(
    "queue", "queue", "queue_length", "tasks", "warning", "CC", 14.0, "< 10", "", "last", 60.0,
    (KpiPart("CC", "warning", 14.0),),
)  # fmt: skip


def test_what_a_running_bluetop_saw_last_is_sustained_and_takes_the_place_of_the_momentary():
    snap = snapshot(kpis=(LONG,))
    report = reported(snap, kept(alert(), alert("queue_length", severity="medium", bottleneck=False)))
    before = reported(snap, None)
    assert ("low", "queue_length", "CC", True) in rows(report)
    assert ("medium", "queue_length", "CC", None) in rows(before)
    assert ("medium", "queue_length", "CC", None) not in rows(report)
    (found,) = [b for b in report["bottlenecks"] if b["sustained"]]
    assert (found["rule"], found["kpi"], found["lasted_s"]) == ("task_queue_overflow", "queue", 720.0)
    assert (found["value"], found["limit"], found["excess_percent"]) == (14.0, 10.0, 40.0)
    assert found["evidence"] == "queue of CC is 14 tasks (lowest in 1 m; limit > 10), for 12 m"
    assert report["alerts"] == {"running": True, "as_of": "2026-05-28T20:26:20Z", "problem": None}
    assert before["alerts"]["running"] is False


def test_what_is_not_known_to_last_stays_listed():
    snap = snapshot(kpis=(LONG,))
    report = reported(snap, kept())
    assert rows(report) == rows(reported(snap, None)) == [("medium", "queue_length", "CC", None)]
    assert all(b["sustained"] is None and b["since_at"] is None for b in report["bottlenecks"])


def test_a_picture_of_the_past_says_nothing_about_now():
    assert rows(reported(snapshot(), kept(alert(), running=False))) == rows(reported(snapshot(), None))


def test_they_are_ranked_by_severity_then_by_excess_and_count_in_the_severity():
    memory = host_alert(
        "memory_exhausted", "critical", metric="memory_percent", threshold=90.0, value=96.0, bottleneck=True
    )
    found = kept(
        alert(excess=0.4), memory,
        alert(subject="CB", value=40.0, excess=3.0), alert(subject="CD", state="pending"),
    )  # fmt: skip
    report = reported(snapshot(), found)
    assert rows(report)[0] == ("critical", "memory_percent", "host", True)
    assert [(b["subject"]) for b in report["bottlenecks"] if b["sustained"]] == ["host", "CB", "CC"]
    assert report["severity"] == "critical"


def test_one_whose_value_is_not_known_now_is_left_out():
    nothing = snapshot(agents=())
    assert rows(reported(nothing, kept(alert(value=None)))) == rows(reported(nothing, None))
    assert ("low", "queue_length", "CC", True) in rows(reported(snapshot(), kept(alert(value=None))))
