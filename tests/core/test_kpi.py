"""KPI status as alerting.md section 5 has it."""

import random

import msgspec
import pytest

from core.config import Settings
from core.kpi import Condition, KpiRule, Ranking, kpi_status, worst_severity, worst_status
from core.policy import policy_of


def default_rules() -> dict[str, KpiRule]:
    policy = policy_of(Settings(), host="h", workspace="/w", read_only=False, intervals={})
    return {rule.name: rule for rule in policy.kpis}


RULES = default_rules()


@pytest.mark.parametrize(
    ("name", "value", "status"),
    [
        ("cpu", 79.9, "ok"), ("cpu", 80.0, "warning"), ("cpu", 95.0, "warning"), ("cpu", 95.1, "critical"),
        ("memory", 74.0, "ok"), ("memory", 75.0, "warning"), ("memory", 90.5, "critical"),
        ("disk_io", 49.9, "ok"), ("disk_io", 50.0, "warning"), ("disk_io", 5000.0, "warning"),
        ("open_files", 99, "ok"), ("open_files", 100, "warning"),
        ("queue", 9, "ok"), ("queue", 10, "warning"), ("queue", 0, "ok"),
        ("workload", 80.0, "ok"), ("workload", 80.1, "warning"),
        ("success", 95.0, "warning"), ("success", 95.1, "ok"), ("success", 0.0, "warning"),
        ("cpu", None, "unknown"), ("queue", None, "unknown"),
    ],
)  # fmt: skip
def test_default_kpis_judge_by_the_numbers_of_the_product(name, value, status):
    assert RULES[name].judge(value) == status


def test_what_is_not_measured_yet_is_not_judged_and_said_so():
    kpis = tuple(
        msgspec.structs.replace(kpi, metric="happiness") if kpi.name == "completion" else kpi
        for kpi in Settings().kpi
    )
    policy = policy_of(Settings(kpi=kpis), host="h", workspace=None, read_only=False, intervals={})
    assert "completion" not in {rule.name for rule in policy.kpis}
    assert any("happiness is not measured" in note for note in policy.notes)


def test_a_warning_speaks_with_the_severity_of_its_alert_rule():
    assert {name: rule.severity for name, rule in RULES.items()} == {
        "cpu": "high", "memory": "high", "disk_io": "medium", "open_files": "low", "queue": "medium",
        "workload": "medium", "success": "medium", "completion": "medium", "efficiency": "low",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("condition", "value", "excess"),
    [(Condition("<", 80), 100, 0.25), (Condition(">", 95), 47.5, 0.5), (Condition("<", 10), 5, -0.5),
     (Condition("<=", 0), 3, 3)],
)  # fmt: skip
def test_excess_is_relative_to_the_limit(condition, value, excess):
    assert condition.excess(value) == pytest.approx(excess)


def test_parts_are_sorted_worst_first_and_bounded():
    rule = RULES["queue"]
    keys = {f"A{n:03d}": rule.key(f"A{n:03d}", n) for n in range(80)}
    keys["lost"] = rule.key("lost", None)
    status = kpi_status(rule, Ranking().change(keys), None)
    assert (status.status, status.subject, status.value) == ("warning", "A079", 79)
    assert len(status.parts) == 50
    few = kpi_status(rule, Ranking().change({s: keys[s] for s in ("A003", "lost", "A012", "A030")}), None)
    assert [(p.subject, p.status) for p in few.parts] == [
        ("A030", "warning"), ("A012", "warning"), ("lost", "unknown"), ("A003", "ok"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("statuses", "worst"),
    [
        ("ok ok", "ok"),
        ("ok unknown", "unknown"),
        ("unknown warning ok", "warning"),
        ("warning critical", "critical"),
    ],
)
def test_overall_is_the_worst_of_the_parts(statuses, worst):
    values = {"ok": 1.0, "unknown": None, "warning": 85.0, "critical": 99.0}
    rule = RULES["cpu"]
    kpis = [
        kpi_status(rule, Ranking().change({"host": rule.key("host", values[s])}), None)
        for s in statuses.split()
    ]
    assert worst_status(kpis) == worst


def test_a_kpi_without_subjects_is_unknown_but_does_not_spoil_the_whole():
    nothing = kpi_status(RULES["success"], Ranking(), None)
    rule = RULES["cpu"]
    fine = kpi_status(rule, Ranking().change({"host": rule.key("host", 3.0)}), None)
    assert nothing.status == "unknown"
    assert worst_status([nothing, fine]) == "ok"
    assert worst_status([nothing]) == "unknown"


def test_unchanged_status_is_the_same_object():
    rule = RULES["queue"]
    ranking = Ranking().change({"CA": rule.key("CA", 3)})
    first = kpi_status(rule, ranking, None)
    assert kpi_status(rule, ranking.change({"CA": rule.key("CA", 3)}), first) is first
    assert kpi_status(rule, ranking.change({"CA": rule.key("CA", 4)}), first) is not first


def test_ranking_changed_bit_by_bit_equals_one_made_at_once():
    rule, dice = RULES["queue"], random.Random(7)
    ranking, known = Ranking(), {}
    for _ in range(60):
        changes = {}
        for _ in range(dice.choice([1, 3, 50])):
            name = f"A{dice.randrange(120)}"
            value = dice.choice([None, *range(25)])
            changes[name] = None if dice.random() < 0.2 else rule.key(name, value)
        before = ranking.order
        ranking = ranking.change(changes)
        known = {s: k for s, k in {**known, **changes}.items() if k is not None}
        assert ranking.order == tuple(sorted(known.values(), key=lambda k: k[:3]))
        assert ranking.of == known
        assert before is not ranking.order or not changes or ranking.change(changes) is ranking


def test_worst_severity():
    assert worst_severity(["ok", "low", "high", "unknown"]) == "high"
    assert worst_severity([]) == "ok"
    assert worst_severity(["unknown", "ok"]) == "unknown"
