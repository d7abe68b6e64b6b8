"""Alerts, silences and rules as plain data, as docs/json.md has them. Nothing is judged here."""

from collections.abc import Sequence
from math import isfinite
from typing import TYPE_CHECKING

from core.alerts.rules import condition_text
from core.alerts.view import Alert, SilenceView
from core.config import Rule
from core.metrics import METRICS
from core.reports.plain import Data, rounded, time_text
from core.units import limit_text

if TYPE_CHECKING:
    from core.alerts.kept import Kept
    from core.alerts.trial import Compared, Would

_WORDS = {"avg": "average", "max": "highest", "min": "lowest"}


def list_data(
    kept: "Kept", active: Sequence[Alert], history: Sequence[Alert], silences: Sequence[SilenceView],
    workspace: str, wall: float,
) -> Data:  # fmt: skip
    """The object of bluetop.alerts/1."""
    until = wall if kept.running else kept.as_of
    return {
        "schema": "bluetop.alerts/1",
        "generated_at": time_text(wall),
        "workspace": workspace,
        "path": kept.path or None,
        "problem": kept.problem or None,
        "as_of": time_text(kept.as_of),
        "keeper": {"running": kept.running, "process": kept.process, "host": kept.host or None},
        "fire": kept.alerts.fire,
        "wait": kept.alerts.wait,
        "active": [alert_data(alert, until) for alert in active],
        "history": [alert_data(alert, until) for alert in history],
        "silences": [silence_data(silence) for silence in silences],
    }


def lasted_s(alert: Alert, until: float | None) -> float | None:
    """How long it lasts, or lasted; `until` is the wall time up to which that is known of what is active."""
    end = alert.ended_at if alert.ended_at is not None else until
    begin = alert.fired_at if alert.ended_at is not None and alert.fired_at is not None else alert.since
    if begin is None or end is None or not isfinite(end - begin):
        return None
    return max(0.0, end - begin)


def alert_data(alert: Alert, until: float | None) -> Data:
    """One alert."""
    return {
        "id": alert.id,
        "rule": alert.rule,
        "metric": alert.metric,
        "scope": alert.scope,
        "subject": alert.subject,
        "severity": alert.severity,
        "state": alert.state,
        "text": alert.text,
        "value": rounded(alert.value),
        "unit": alert.unit,
        "since_at": time_text(alert.since),
        "fired_at": time_text(alert.fired_at),
        "ended_at": time_text(alert.ended_at),
        "lasted_s": rounded(lasted_s(alert, until), 1),
        "reason": alert.reason or None,
        "acked_by": alert.acked_by or None,
        "acked_at": time_text(alert.acked_at),
        "silence": alert.silence or None,
        "silenced_until": end_text(alert.silenced_until),
        "inhibited_by": alert.inhibited_by or None,
        "flapping": alert.flapping,
        "bottleneck": alert.bottleneck,
    }


def end_text(wall: float | None) -> str | None:
    """To the nearest second: an end that was given as one is told as it was given."""
    return time_text(None if wall is None else wall + 0.5)


def silence_data(silence: SilenceView) -> Data:
    """One silence."""
    return {
        "id": silence.id,
        "rule": silence.rule or None,
        "subject": silence.subject or None,
        "severity": silence.severity or None,
        "by": silence.by,
        "comment": silence.comment,
        "at": time_text(silence.at),
        "until": end_text(silence.until),
        "over": silence.over,
    }


# -- rules ---------------------------------------------------------------------------------------------


def span(seconds: float) -> str:
    """A duration as it would be written in a rule: `15s`, `10m`, `90s`; "" for none."""
    for unit, size in (("d", 86_400), ("h", 3600), ("m", 60)):
        if seconds >= size and seconds % size == 0:
            return f"{seconds / size:g}{unit}"
    return f"{seconds:g}s" if seconds else ""


def condition_words(rule: Rule) -> str:
    """The condition of a rule as people say it: `average disk I/O over 1m > 50 MB/s`."""
    metric = METRICS.get(rule.metric)
    label, unit = (metric.label, metric.unit) if metric is not None else (rule.metric, "")
    limit = f"{rule.op} {limit_text(rule.threshold, unit)}"
    unit = "" if unit.startswith("B") else unit
    if rule.aggregate == "last":
        return f"{label} {limit} {unit}".rstrip()
    return f"{_WORDS[rule.aggregate]} {label} over {span(rule.window_s)} {limit} {unit}".rstrip()


def is_measured(rule: Rule) -> bool:
    """Whether bluetop measures what the rule is about."""
    metric = METRICS.get(rule.metric)
    return metric is not None and rule.scope in ("", metric.scope)


def rule_data(rule: Rule, file: str | None) -> Data:
    """One rule; `file` is what sets or changes it, None for one that is as it was shipped."""
    metric = METRICS.get(rule.metric)
    return {
        "name": rule.name,
        "metric": rule.metric,
        "scope": rule.scope or None,
        "subject": rule.subject,
        "condition": condition_text(rule),
        "text": condition_words(rule),
        "unit": metric.unit if metric is not None else "",
        "aggregate": rule.aggregate,
        "window_s": rule.window_s if rule.aggregate != "last" else None,
        "op": rule.op,
        "threshold": rule.threshold,
        "clear": rule.threshold if rule.clear is None else rule.clear,
        "for_s": rule.for_s,
        "keep_firing_for_s": rule.keep_s,
        "severity": rule.severity,
        "enabled": rule.enabled,
        "measured": is_measured(rule),
        "file": file,
    }


# -- rules on trial ------------------------------------------------------------------------------------


def trial_data(rule: "Compared") -> Data:
    """One rule of `bluetop alerts test`."""
    return {
        "name": rule.name,
        "changed": rule.changed,
        "would": None if rule.would is None else _would(rule.would),
        "now": None if rule.now is None else _would(rule.now),
    }


def _would(would: "Would") -> Data:
    return {
        "fired": would.fired,
        "flapped": would.flapped,
        "told": would.told,
        "still_firing": would.still,
        "longest_s": rounded(would.longest_s, 1),
        "firing_s": rounded(would.firing_s, 1),
        "subjects": list(would.subjects),
        "seen": would.seen,
    }
