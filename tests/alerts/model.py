"""The alert engine by the plainest of rules: what a replay should give, for the tests to hold the product to.

Every sentence in quotes is one of the specification (alerting.md), followed by the lines that
do it. Nothing here is quick, kept small or tolerant: each instant looks at every rule and every
series with its whole history, and the rules are taken to be valid. Channels, files, templates
and the reading of rules are not modelled.

A *series* is an object of its own, so one that comes back after `gone` shares nothing with the old one.
"""

import json
import math
import operator
from collections.abc import Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from itertools import pairwise
from typing import Any

SEVERITIES = ("info", "low", "medium", "high", "critical")
STATUSES = ("ok", "unknown", "warning", "critical")
UNITS_S = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}
HOLDS = {
    ">": operator.gt, ">=": operator.ge, "<": operator.lt, "<=": operator.le,
    "==": operator.eq, "!=": operator.ne,
}  # fmt: skip
INSTANT_MAKERS = ("sample", "tick", "gone")
EVENTS = ("tick", "gone", "ack", "unack", "silence", "unsilence", "stop", "start", "resume")


# What rules and KPIs say


def seconds(duration: float | str) -> float:
    """A duration: "Durations are numbers (seconds) or `250ms 15s 10m 4h 1d`."."""
    if not isinstance(duration, str):
        return float(duration)
    unit = duration.lstrip("0123456789.")
    return float(duration.removesuffix(unit)) * UNITS_S[unit]


@dataclass(frozen=True)
class Rule:
    """One `[[rule]]`. "Omitted keys: `for`, `keep_firing_for` 0; `severity` medium; the others as shown."."""

    name: str
    metric: str
    scope: str | None  # "absent = any"
    subject: str
    aggregate: str
    window: float
    op: str
    threshold: float
    clear: float
    for_: float
    keep_firing_for: float
    severity: str
    on_missing: str
    stale_after: float
    hold_max: float
    repeat: float
    inhibit: bool
    flap_window: float
    flap_high: int
    flap_low: int

    def matches(self, series: "Series") -> bool:
        """`subject` is a "glob, case-sensitive"."""
        return (
            series.metric == self.metric
            and self.scope in (None, series.scope)
            and fnmatchcase(series.subject, self.subject)
        )


def rule_of(said: dict[str, Any]) -> Rule:
    return Rule(
        name=said["name"],
        metric=said["metric"],
        scope=said.get("scope"),
        subject=said.get("subject", "*"),
        aggregate=said.get("aggregate", "last"),
        window=seconds(said.get("window", "60s")),
        op=said.get("op", ">"),
        threshold=said["threshold"],
        clear=said.get("clear", said["threshold"]),  # "default = threshold"
        for_=seconds(said.get("for", 0)),
        keep_firing_for=seconds(said.get("keep_firing_for", 0)),
        severity=said.get("severity", "medium"),
        on_missing=said.get("on_missing", "hold"),
        stale_after=seconds(said.get("stale_after", "15s")),
        hold_max=seconds(said.get("hold_max", "1h")),
        repeat=seconds(said.get("repeat", "4h")),
        inhibit=said.get("inhibit", True),
        flap_window=seconds(said.get("flap_window", "10m")),
        flap_high=said.get("flap_high", 6),
        flap_low=said.get("flap_low", 2),
    )


# What a line says


def number(said: object) -> float | None:
    """A finite number as a float; None for what is null, "not a number, a boolean, NaN or ±infinity"."""
    if isinstance(said, bool) or not isinstance(said, int | float):
        return None
    try:
        value = float(said)
    except OverflowError:
        return None
    return value if math.isfinite(value) else None


def is_text(*said: object) -> bool:
    return all(isinstance(part, str) for part in said)


def understood(line: str) -> dict[str, Any] | None:
    """One line with its defaults filled in and `event` "sample" for a sample; None if it says nothing.

    A sample whose value is *missing* is understood: it has the value None.
    """
    try:
        said = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(said, dict):
        return None
    t = number(said.get("t"))
    event = said.get("event") if "event" in said else "sample"
    if t is None or ("event" in said and event not in EVENTS):
        return None
    # "`scope` and `subject` default to `host`."
    known = {
        "t": t,
        "event": event,
        "scope": said.get("scope", "host"),
        "subject": said.get("subject", "host"),
    }
    if event == "sample":
        known |= {"metric": said.get("metric"), "value": number(said.get("value"))}
        return known if is_text(known["metric"], known["scope"], known["subject"]) else None
    if event == "gone":
        return known if is_text(known["scope"], known["subject"]) else None
    if event in ("ack", "unack"):
        known |= {"rule": said.get("rule"), "subject": said.get("subject")}
        return known if is_text(known["rule"], known["subject"]) else None
    if event == "silence":
        known |= {"id": said.get("id"), "until": number(said.get("until")), "match": said.get("match", {})}
        if not is_text(known["id"]) or known["until"] is None or not isinstance(known["match"], dict):
            return None
        wanted = [known["match"][key] for key in ("rule", "subject", "severity") if key in known["match"]]
        return known if is_text(*wanted) else None
    if event == "unsilence":
        known["id"] = said.get("id")
        return known if is_text(known["id"]) else None
    return known


# What is known at an instant


@dataclass(eq=False)
class Series:
    """One series: "A *series* is (metric, scope, subject)."."""

    metric: str
    scope: str
    subject: str
    samples: list[tuple[float, float]] = field(default_factory=list)

    def take(self, t: float, value: float) -> None:
        """Add a sample: "Two samples of a series at one `t`: the later line wins."."""
        if self.samples and self.samples[-1][0] == t:
            self.samples.pop()
        self.samples.append((t, value))

    @property
    def last_t(self) -> float:
        return self.samples[-1][0]

    def within(self, window: float, now: float) -> list[float]:
        """What a window holds: "samples in (t − window, t]"."""
        return [value for t, value in self.samples if now - window < t <= now]

    def observed_since(self, stale_after: float) -> float:
        """First t after the last gap. "A *gap* is an interval > `stale_after` between two samples of a series."."""
        begun = self.samples[0][0]
        for (before, _), (after, _) in pairwise(self.samples):
            if after - before > stale_after:
                begun = after
        return begun

    def new_after_gap(self, stale_after: float, now: float) -> bool:
        """Whether this very instant took in the first sample after a gap."""
        return len(self.samples) > 1 and self.last_t == now and self.observed_since(stale_after) == now


def aggregated(aggregate: str, values: list[float]) -> float:
    match aggregate:
        case "avg":
            return math.fsum(values) / len(values)
        case "max":
            return max(values)
        case "min":
            return min(values)
    return values[-1]


@dataclass(eq=False)
class Instance:
    """One alert: "State machine, one instance per (rule, series)"."""

    rule: Rule
    series: Series
    state: str = "inactive"
    since: float | None = None
    recovery: float | None = None  # "recovery begins at the first such t"
    acked: bool = False
    flapping: bool = False
    changes: list[float] = field(default_factory=list)  # "transitions to firing or resolved"
    told_at: float | None = None  # last `firing` or `repeat` of this episode


class Engine:
    """All state of a replay. `hear` takes lines, `end` closes the last instant."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.rules = [rule_of(said) for said in document.get("rule", []) if said.get("enabled", True)]
        self.series: dict[tuple[str, str, str], Series] = {}
        self.leaving: list[Series] = []  # told `gone` at this t, not yet evaluated
        self.instances: dict[tuple[str, Series], Instance] = {}
        self.silences: dict[str, tuple[float, dict[str, str]]] = {}
        self.now: float | None = None  # the largest t seen
        self.started = 0.0  # the last start or resume
        self.stopped = False
        self.due = False  # this t carried a sample, a tick or a `gone`, and is not yet evaluated
        self.transitions: list[dict[str, Any]] = []
        self.notifications: list[dict[str, Any]] = []
        self.dropped = {"out_of_order": 0, "invalid": 0, "rejected": 0}

    # Lines

    def hear(self, line: str) -> None:
        said = understood(line)
        if said is None:
            # "Unparseable lines and unknown events count as `invalid`"
            self.dropped["invalid"] += 1
            return
        if self.now is None:
            # The input begins where the engine first starts.
            self.now = self.started = said["t"]
        late = said["t"] < self.now
        if said["t"] > self.now:
            # "All input of that `t` is taken in first; then every enabled rule is evaluated"
            self.end()
            self.now = said["t"]
        if said["event"] not in INSTANT_MAKERS:
            self.operate(said)
        elif self.stopped:
            pass  # nobody saw it
        elif late:
            # "A sample with `t` below the largest `t` seen is discarded (`out_of_order`)."
            self.dropped["out_of_order"] += 1
        else:
            # "Only samples (also invalid ones), `tick` and `gone` make an evaluation instant"
            self.due = True
            self.take_in(said)

    def take_in(self, said: dict[str, Any]) -> None:
        if said["event"] == "gone":
            for key in list(self.series):
                if key[1:] == (said["scope"], said["subject"]):
                    self.leaving.append(self.series.pop(key))
        elif said["event"] == "sample":
            if said["value"] is None:
                # *missing*: "it does not refresh the series (counted `invalid`)"
                self.dropped["invalid"] += 1
                return
            key = (said["metric"], said["scope"], said["subject"])
            self.series.setdefault(key, Series(*key)).take(said["t"], said["value"])

    def operate(self, said: dict[str, Any]) -> None:
        """An operator's event: "the other events act in line order before it", the evaluation of their t."""
        match said["event"]:
            case "ack" | "unack":
                firing = [
                    alert
                    for alert in self.instances.values()
                    if alert.state == "firing"
                    and (alert.rule.name, alert.series.subject) == (said["rule"], said["subject"])
                ]
                for alert in firing:
                    alert.acked = said["event"] == "ack"
                if said["event"] == "ack" and not firing:
                    # "An ack of something not firing is refused."; "refused acks as `rejected`"
                    self.dropped["rejected"] += 1
            case "silence":
                self.silences[said["id"]] = (said["until"], said["match"])
            case "unsilence":
                self.silences.pop(said["id"], None)
            case "stop":
                self.stopped = True
            case "start" | "resume":
                # "**Resume** from suspend is treated like a start."
                self.stopped = False
                self.started = self.now

    def end(self) -> None:
        """All lines of the current t have been heard: the instant, if it is one."""
        if self.due:
            self.evaluate()
        self.due = False

    # One instant

    def evaluate(self) -> None:
        """One instant: "every enabled rule is evaluated against every series it matches, in rule order, then by
        subject".
        """
        seen = [*self.leaving, *self.series.values()]
        seen.sort(key=lambda series: (series.subject, series.scope))
        matching = []
        for rule in self.rules:
            for series in seen:
                if rule.matches(series):
                    alert = self.instances.setdefault((rule.name, series), Instance(rule, series))
                    matching.append(alert)
        episodes_ended = []
        for alert in matching:
            was_firing = alert.state == "firing"
            if alert.series in self.leaving:
                self.leave(alert)
            else:
                self.judge(alert)
            if was_firing and alert.state != "firing":
                episodes_ended.append(alert)
        # "At each instant, after all transitions, in rule and subject order"
        for alert in matching:
            self.notify(alert, alert in episodes_ended)
        # "the series is forgotten"
        self.instances = {key: alert for key, alert in self.instances.items() if key[1] not in self.leaving}
        self.leaving = []

    def leave(self, alert: Instance) -> None:
        """The row `gone`: "firing → resolved (`gone`), pending → inactive (`gone`)"."""
        if alert.state == "firing":
            self.change(alert, "resolved", "gone", None)
        elif alert.state == "pending":
            self.change(alert, "inactive", "gone", None)

    def judge(self, alert: Instance) -> None:
        """The rows of the state table, from those that need no value to those that do."""
        rule, series, now = alert.rule, alert.series, self.now
        # "A series is *stale* when t − max(last sample, last start or resume of the engine) > `stale_after`."
        if now - max(series.last_t, self.started) > rule.stale_after:
            self.judge_stale(alert)
            return
        # "a value older than `stale_after` is not judged at all: nothing changes"
        if now - series.last_t > rule.stale_after:
            return
        value = self.value(alert)
        if value is None:
            # "aggregate unknown": "pending → inactive (`no_data`); firing unchanged"
            if alert.state == "pending":
                self.change(alert, "inactive", "no_data", None)
            return
        # "the threshold applies here, not `clear`"; "while firing, the condition is `value op clear`"
        limit = rule.clear if alert.state == "firing" else rule.threshold
        condition = HOLDS[rule.op](value, limit)
        gap_unseen = series.new_after_gap(rule.stale_after, now) and rule.on_missing != "fire"
        if alert.state == "pending" and condition and gap_unseen:
            # "first sample after a gap nobody saw, not `fire`": "condition true: since = t, no transition"
            alert.since = now
            return
        self.step(alert, condition, value, {"begins": "breach", "elapses": "for_elapsed", "ends": "cleared"})

    def judge_stale(self, alert: Instance) -> None:
        rule, now = alert.rule, self.now
        if rule.on_missing == "hold":
            # "pending → inactive (`no_data`); firing is held and shown as stale; resolved (`no_data`)
            # when t − last sample > `hold_max`"
            if alert.state == "pending":
                self.change(alert, "inactive", "no_data", None)
            elif alert.state == "firing" and now - alert.series.last_t > rule.hold_max:
                self.change(alert, "resolved", "no_data", None)
            return
        # "`resolve` / `fire`": "the condition counts as false / true, reason `no_data`; `for` and
        # `keep_firing_for` apply as usual"
        condition = rule.on_missing == "fire"
        self.step(alert, condition, None, dict.fromkeys(("begins", "elapses", "ends"), "no_data"))

    def value(self, alert: Instance) -> float | None:
        """What is judged of a series that is not stale; None is unknown.

        "`avg|max|min` use samples in (t − window, t] and are unknown until the series has been observed
        without gap for a whole window"; "Windows restart after a gap.".
        """
        rule, series, now = alert.rule, alert.series, self.now
        if rule.aggregate == "last":
            return series.samples[-1][1]
        values = series.within(rule.window, now)
        if not values or now - series.observed_since(rule.stale_after) < rule.window:
            return None
        return aggregated(rule.aggregate, values)

    def step(self, alert: Instance, condition: bool, value: float | None, reasons: dict[str, str]) -> None:
        """The rows inactive, pending and firing for a condition that is known."""
        rule, now = alert.rule, self.now
        match alert.state:
            case "inactive":
                # "`for` = 0: firing (reason `breach`); else pending (`breach`), since = t"
                if condition:
                    alert.since = now
                    self.change(alert, "firing" if rule.for_ == 0 else "pending", reasons["begins"], value)
            case "pending":
                if not condition:
                    self.change(alert, "inactive", reasons["ends"], value)
                elif now - alert.since >= rule.for_:
                    # "true and t − since ≥ `for`"
                    self.change(alert, "firing", reasons["elapses"], value)
            case "firing":
                if condition:
                    # "stays; a begun recovery is cancelled"
                    alert.recovery = None
                    return
                # "recovery begins at the first such t; resolved (`cleared`) at the first instant with
                # t − that ≥ `keep_firing_for`"
                if alert.recovery is None:
                    alert.recovery = now
                if now - alert.recovery >= rule.keep_firing_for:
                    self.change(alert, "resolved", reasons["ends"], value)

    def change(self, alert: Instance, to: str, reason: str, value: float | None) -> None:
        self.transitions.append(
            {"t": self.now, "rule": alert.rule.name, "subject": alert.series.subject, "from": alert.state,
             "to": to, "reason": reason, "value": value, "since": alert.since}
        )  # fmt: skip
        if to in ("firing", "resolved"):
            alert.changes.append(self.now)
        if to == "firing":
            alert.told_at = None
        if to in ("inactive", "resolved"):
            # "resolved (= inactive)"; "*acknowledged* from an operator's ack of a firing alert until it resolves"
            alert.since = alert.recovery = None
            alert.acked = False
        alert.state = "inactive" if to == "resolved" else to

    # Notifications

    def notify(self, alert: Instance, resolved: bool) -> None:
        rule, now = alert.rule, self.now
        silenced, inhibited = self.silenced(alert), self.inhibited(alert)
        # "let n be the number of transitions to firing or resolved in (t − flap_window, t]. Starts at
        # n ≥ flap_high, ends at n ≤ flap_low."; "0 = no flap detection"
        n = sum(now - rule.flap_window < t <= now for t in alert.changes)
        if not alert.flapping and rule.flap_high > 0 and n >= rule.flap_high:
            alert.flapping = True
            # "`flapping` once when flapping starts, unless silenced or inhibited."
            if not silenced and not inhibited:
                self.tell(alert, "flapping")
        elif alert.flapping and n <= rule.flap_low:
            alert.flapping = False
        # "`resolved` when the alert resolves, if its `firing` was sent in this episode and it is neither
        # silenced nor flapping."
        if resolved and alert.told_at is not None and not silenced and not alert.flapping:
            self.tell(alert, "resolved")
        # "`firing` once per episode as soon as it is firing and not silenced, inhibited, flapping or
        # acknowledged"; "`repeat` when `repeat` has passed since the last one, under the same conditions."
        if alert.state == "firing" and not (silenced or inhibited or alert.flapping or alert.acked):
            if alert.told_at is None:
                self.tell(alert, "firing")
                alert.told_at = now
            elif rule.repeat > 0 and now - alert.told_at >= rule.repeat:
                self.tell(alert, "repeat")
                alert.told_at = now

    def tell(self, alert: Instance, what: str) -> None:
        self.notifications.append(
            {"t": self.now, "rule": alert.rule.name, "subject": alert.series.subject, "what": what}
        )

    def silenced(self, alert: Instance) -> bool:
        """Whether it is *silenced*: "while t < until of a silence whose `rule` glob, `subject` glob and `severity`
        (each optional) match".
        """
        return any(
            self.now < until
            and fnmatchcase(alert.rule.name, match.get("rule", "*"))
            and fnmatchcase(alert.series.subject, match.get("subject", "*"))
            and match.get("severity", alert.rule.severity) == alert.rule.severity
            for until, match in self.silences.values()
        )

    def inhibited(self, alert: Instance) -> bool:
        """Whether it is *inhibited*: "while another instance of the same series with higher severity is firing (and
        `inhibit` is true), also if that one is acknowledged or silenced".
        """
        return alert.rule.inhibit and any(
            other.state == "firing"
            and other.series is alert.series
            and SEVERITIES.index(other.rule.severity) > SEVERITIES.index(alert.rule.severity)
            for other in self.instances.values()
        )

    # What it all came to

    def final(self) -> list[dict[str, Any]]:
        """What is left: "`final` lists instances that are not inactive, or are flapping."."""
        shown = []
        for rule in self.rules:
            alerts = [alert for alert in self.instances.values() if alert.rule is rule]
            alerts.sort(key=lambda alert: (alert.series.subject, alert.series.scope))
            shown += [
                {"rule": rule.name, "subject": alert.series.subject, "state": alert.state, "since": alert.since,
                 "acked": alert.acked, "flapping": alert.flapping}
                for alert in alerts
                if alert.state != "inactive" or alert.flapping
            ]  # fmt: skip
        return shown

    def kpi(self, said: dict[str, Any]) -> dict[str, Any]:
        """One `[[kpi]]`. "The KPI's status (…) is the worst of its parts: critical > warning > unknown > ok."."""
        subjects = {
            series.subject: self.kpi_status(said, series)
            for series in sorted(self.series.values(), key=lambda series: series.subject)
            if series.metric == said["metric"] and series.scope == said.get("scope", "host")
        }
        worst = max(subjects.values(), key=STATUSES.index, default="unknown")
        return {"name": said["name"], "status": worst, "subjects": subjects}

    def kpi_status(self, said: dict[str, Any], series: Series) -> str:
        """One subject: "`unknown` without samples in the window or if stale; else `critical` if that condition
        holds; else `ok` if the target holds; else `warning`".

        Just after a start an old value is not stale, but "not judged at all" either: unknown too.
        """
        values = series.within(seconds(said.get("window", "60s")), self.now)
        if not values or self.now - series.last_t > seconds(said.get("stale_after", "15s")):
            return "unknown"
        value = aggregated(said.get("aggregate", "last"), values)
        if said.get("critical") and fulfils(value, said["critical"]):
            return "critical"
        return "ok" if fulfils(value, said["target"]) else "warning"


def fulfils(value: float, condition: str) -> bool:
    """Whether `value` meets a condition such as "< 80"."""
    op, limit = condition.split()
    return HOLDS[op](value, float(limit))


def replay(document: dict[str, Any], lines: Sequence[str]) -> dict[str, Any]:
    """The object of `bluetop alerts replay --json` for a parsed rules file and the lines of the input."""
    engine = Engine(document)
    for line in lines:
        engine.hear(line)
    engine.end()
    return {
        "schema": "bluetop.alerts.replay/1",
        "transitions": engine.transitions,
        "notifications": engine.notifications,
        "final": engine.final(),
        "dropped": engine.dropped,
        # "`kpis` are judged at the last `t`."
        "kpis": [engine.kpi(said) for said in document.get("kpi", []) if said.get("enabled", True)],
    }
