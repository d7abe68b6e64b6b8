"""The sentence of an alert, what it advises, and which key helps: filled in for one instance.

A rule's own `summary` and `recommendation` win; else both are made from what is measured.
"""

from typing import NamedTuple

from core.advice import REBALANCED, Limits, Missed, sentence_of
from core.alerts.instances import Instance
from core.alerts.rules import condition_text
from core.alerts.templates import filled
from core.metrics import METRICS
from core.snapshot import Snapshot
from core.text import clean_line
from core.units import duration_text, measure_text

_LONGEST = 300
# Which key of the dashboard shows the cause of a host's metric, by the poller that measures it.
_HELPS = {
    "cpu": ("open_processes", "show processes"),
    "memory": ("open_processes", "show processes"),
    "processes": ("open_processes", "show handles"),
    "disk": ("open_processes", "show processes"),
    "mounts": ("open_sources", "show sources"),
    "queues": ("open_needs", "who needs you"),
}


class Subject(NamedTuple):
    """What a rule is about, in words; a host is called by its own name."""

    label: str
    unit: str
    name: str


def subject_of(instance: Instance, host: str) -> Subject:
    """Label, unit and name for sentences."""
    metric, scope, subject = instance.series.key
    row = METRICS.get(metric)
    name = clean_line(host if scope == "host" and subject == "host" else subject, 100)
    return Subject(
        row.label if row is not None else clean_line(metric, 64), row.unit if row is not None else "", name
    )


def _filled(template: str, instance: Instance, value: float | None, lasted_s: float, name: str) -> str:
    rule = instance.judged.rule
    words = {"subject": name, "metric": rule.metric, "severity": rule.severity, "name": rule.name}
    numbers = {"value": value, "threshold": rule.threshold, "duration": lasted_s}
    if "{duration}" in template:
        template = template.replace("{duration}", duration_text(lasted_s))
    return clean_line(filled(template, words, numbers), _LONGEST)


def figure(value: float | None, unit: str, limit: float) -> str:
    """A value with its unit, always with as many decimals; with more where it would read like the limit."""
    if value is None:
        return "unknown"
    if value != limit and f"{value:.0f}" == f"{limit:.0f}" and unit in ("%", ""):
        return f"{value:.2f} {unit}".rstrip()
    return measure_text(value, unit)


def summary(instance: Instance, value: float | None, lasted_s: float, host: str) -> str:
    """One sentence about an alert: the rule's own, or `queue of CC is 17 tasks (> 15)`."""
    rule = instance.judged.rule
    label, unit, name = subject_of(instance, host)
    if rule.summary:
        return _filled(rule.summary, instance, value, lasted_s, name)
    return clean_line(
        f"{label} of {name} is {figure(value, unit, rule.threshold)} ({condition_text(rule)})", _LONGEST
    )


def advice(
    instance: Instance, value: float | None, lasted_s: float, snapshot: Snapshot, limits: Limits
) -> str:
    """What to do about it, "" if nothing measured says so."""
    rule = instance.judged.rule
    label, unit, name = subject_of(instance, snapshot.host)
    if rule.recommendation:
        return _filled(rule.recommendation, instance, value, lasted_s, name)
    if value is None:
        return ""
    _, scope, subject = instance.series.key
    part = Missed(rule.metric, label, unit, scope, subject, value, f"limit {rule.op} {rule.threshold:g}")
    return clean_line(sentence_of(snapshot, part, limits), _LONGEST)


def help_of(instance: Instance) -> tuple[str, str]:
    """The action of the key table that shows the cause, and what it does here; ("", "") if none does."""
    metric, scope, subject = instance.series.key
    if scope == "agent" and metric in REBALANCED:
        return "open_rebalance", "rebalance"
    if scope == "agent":
        return "enter", clean_line(f"show {subject}", 40)
    row = METRICS.get(metric)
    return _HELPS.get(row.source, ("", "")) if row is not None else ("", "")
