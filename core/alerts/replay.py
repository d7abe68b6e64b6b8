"""Replay: recorded samples and events through the very engine that runs live (alerting.md, section 6).

Touches no state, sends nothing. Lines are read one by one; what is kept is what the longest window needs.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from math import inf, isfinite
from typing import Any

import msgspec

from core.alerts.engine import AlertEngine, number_of
from core.alerts.instances import Notification, Silence, Step, Transition
from core.alerts.kpis import KpiBook
from core.alerts.names import INACTIVE
from core.config import Kpi, Rule

SCHEMA = "bluetop.alerts.replay/1"
HOST = "host"


class _Line(msgspec.Struct):
    """A line as it is usually: a sample. Whatever is none is read once more, with care."""

    t: float
    metric: str = ""
    scope: str = HOST
    subject: str = HOST
    value: float | None = None
    event: str = ""


_decode = msgspec.json.Decoder(_Line).decode


class Replay:
    """One replay under way. `told` hears of each step in which something happened."""

    def __init__(
        self, rules: Sequence[Rule], kpis: Sequence[Kpi] = (), told: Callable[[Step], None] | None = None
    ) -> None:
        self.engine = AlertEngine(rules)
        self.kpis = KpiBook(kpis)
        self.transitions: list[Transition] = []
        self.notifications: list[Notification] = []
        self._told = self._keep if told is None else told
        self.invalid = 0

    def _keep(self, step: Step) -> None:
        self.transitions += step.transitions
        self.notifications += step.notifications

    def feed(self, lines: Iterable[bytes | str]) -> None:
        """Take these lines in; the instant of the last one stays open, since more of it may come."""
        engine, kpis = self.engine, self.kpis
        for line in lines:
            try:
                read = _decode(line)
                t, metric = read.t, read.metric
                if read.event or not metric:
                    raise ValueError("no sample")
            except ValueError:  # msgspec's errors too
                self._odd(line)
                continue
            if t > engine.t and engine.waits:
                self._settle()
            taken = engine.sample(t, metric, read.scope, read.subject, read.value)
            if taken is not None and kpis.wanted:
                kpis.sample(t, metric, read.scope, read.subject, taken)

    def _odd(self, line: bytes | str) -> None:
        """An event, an empty line, a value that is no number, or nothing that can be read."""
        if not line.strip():
            return
        try:
            read = json.loads(line)
        except (ValueError, RecursionError):
            read = None
        t = number_of(read.get("t")) if isinstance(read, dict) else None
        if t is None or not isfinite(t) or not self._take(read, t):
            self.invalid += 1

    def _take(self, read: dict[str, Any], t: float) -> bool:
        """Whether the line says anything."""
        scope, subject = read.get("scope", HOST), read.get("subject", HOST)
        if not (isinstance(scope, str) and isinstance(subject, str)):
            return False
        event, metric = read.get("event"), read.get("metric")
        act: Callable[[], object]
        engine = self.engine
        if event is None:
            if not isinstance(metric, str) or not metric:
                return False
            act = partial(self._sample, t, metric, scope, subject, read.get("value"))
        elif event in ("tick", "gone", "stop", "start", "resume"):
            act = {
                "tick": lambda: engine.tick(t),
                "gone": lambda: self._gone(t, scope, subject),
                "stop": lambda: engine.stop(t),
                "start": lambda: engine.start(t),
                "resume": lambda: engine.start(t),
            }[event]
        else:
            found = self._of_operators(event, read, t)
            if found is None:
                return False
            act = found
        if t > engine.t and engine.waits:
            self._settle()
        act()
        return True

    def _sample(self, t: float, metric: str, scope: str, subject: str, value: object) -> None:
        taken = self.engine.sample(t, metric, scope, subject, value)
        if taken is not None:
            self.kpis.sample(t, metric, scope, subject, taken)

    def _gone(self, t: float, scope: str, subject: str) -> None:
        if t >= self.engine.t and not self.engine.stopped:
            self.kpis.gone(scope, subject)
        self.engine.gone(t, scope, subject)

    def _of_operators(self, event: object, read: dict[str, Any], t: float) -> Callable[[], object] | None:
        """What an operator's event does; None if it cannot be used."""
        engine = self.engine
        rule, subject, by = read.get("rule"), read.get("subject", HOST), read.get("by")
        if event in ("ack", "unack"):
            if not isinstance(rule, str):
                return None
            if event == "unack":
                return lambda: engine.unack(rule, subject, t)
            return lambda: engine.ack(rule, subject, by if isinstance(by, str) and by else "?", t)
        name = read.get("id")
        if not isinstance(name, str) or event not in ("silence", "unsilence"):
            return None
        if event == "unsilence":
            return lambda: engine.unsilence(name, t)
        until, match = number_of(read.get("until")), read.get("match", {})
        if until is None or not isfinite(until) or not isinstance(match, dict):
            return None
        rules, subjects, severity = (match.get(key) for key in ("rule", "subject", "severity"))
        if not all(glob is None or isinstance(glob, str) for glob in (rules, subjects, severity)):
            return None
        silence = Silence(name, until, rules, subjects, severity, by=by if isinstance(by, str) else "", at=t)
        return lambda: engine.silence(silence, t)

    def _settle(self) -> None:
        step = self.engine.settle()
        if step.transitions or step.notifications:
            self._told(step)

    def end(self) -> dict[str, Any]:
        """Judge the last instant; the object of the public contract."""
        self._settle()
        engine = self.engine
        return {
            "schema": SCHEMA,
            "transitions": [_transition(made) for made in self.transitions],
            "notifications": [
                {"t": told.t, "rule": told.rule, "subject": told.subject, "what": told.what}
                for told in self.notifications
            ],
            "final": [
                {
                    "rule": instance.judged.rule.name,
                    "subject": instance.subject,
                    "state": instance.state,
                    "since": None if instance.state == INACTIVE else instance.since,
                    "acked": bool(instance.acked_by),
                    "flapping": instance.flapping,
                }
                for instance in engine.final()
            ],
            "dropped": {
                "out_of_order": engine.out_of_order,
                "invalid": engine.invalid + self.invalid,
                "rejected": engine.rejected,
            },
            "kpis": self.kpis.judged(engine.t if engine.t > -inf else 0.0),
        }


def _transition(made: Transition) -> dict[str, Any]:
    return {
        "t": made.t, "rule": made.rule, "subject": made.subject, "from": made.before, "to": made.after,
        "reason": made.reason, "value": made.value, "since": made.since,
    }  # fmt: skip


def replay(rules: Sequence[Rule], kpis: Sequence[Kpi], lines: Iterable[bytes | str]) -> dict[str, Any]:
    """All of `lines` through `rules` and `kpis`."""
    made = Replay(rules, kpis)
    made.feed(lines)
    return made.end()


def replay_text(rules: str, lines: Iterable[bytes | str]) -> dict[str, Any]:
    """`lines` through the rules and KPIs of a TOML text; those that cannot be used are left out.

    Raises:
        ConfigError: the text is no TOML.
    """
    from core.alerts.rulefile import parse

    read = parse(rules, "rules")
    return replay(read.rules, read.kpis, lines)
