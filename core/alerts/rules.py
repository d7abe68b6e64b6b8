"""A rule as it is judged: its condition, which values leave each state as it is, what it matches.

The keys of a rule are `core.config.Rule`; what they must be to each other is `faults_of`. Not for
reading files: `core.alerts.rulefile`.
"""

import operator
from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from math import inf, nextafter

from core.alerts.names import RANK
from core.alerts.templates import template_fault
from core.config import Rule

OPERATORS: dict[str, Callable[[float, float], bool]] = {
    ">": operator.gt, ">=": operator.ge, "<": operator.lt, "<=": operator.le, "==": operator.eq, "!=": operator.ne,
}  # fmt: skip
NOWHERE = (inf, -inf)  # an interval that no value is in
# A bottleneck is a firing rule with an aggregate over at least this long (alerting.md, section 5).
SUSTAINED_S = 60.0


class Judged:
    """One rule in force. `index` is its place among them, `stale_after_s` at least three sampling intervals."""

    __slots__ = (
        "calm",
        "clear",
        "holds",
        "index",
        "op",
        "rank",
        "recovers",
        "rule",
        "stale_after_s",
        "stays",
    )

    def __init__(self, rule: Rule, index: int, least_stale_s: float = 0.0) -> None:
        self.rule = rule
        self.index = index
        self.op = OPERATORS[rule.op]
        self.rank = RANK[rule.severity]
        self.clear = rule.threshold if rule.clear is None else rule.clear
        self.stale_after_s = max(rule.stale_after_s, least_stale_s)
        # The values for which the condition does not hold, and holds; and while it fires, the same of `clear`.
        self.calm, self.holds = _where_not(rule.op, rule.threshold), _where(rule.op, rule.threshold)
        self.recovers, self.stays = _where_not(rule.op, self.clear), _where(rule.op, self.clear)

    def matches(self, scope: str, subject: str) -> bool:
        """Whether the rule is about this subject; its metric is looked at elsewhere."""
        rule = self.rule
        return (not rule.scope or rule.scope == scope) and (
            rule.subject == "*" or fnmatchcase(subject, rule.subject)
        )


def _where(op: str, limit: float) -> tuple[float, float]:
    """The closed interval of values for which `value op limit` holds."""
    if op == ">":
        return nextafter(limit, inf), inf
    if op == ">=":
        return limit, inf
    if op == "<":
        return -inf, nextafter(limit, -inf)
    if op == "<=":
        return -inf, limit
    return (limit, limit) if op == "==" else NOWHERE


def _where_not(op: str, limit: float) -> tuple[float, float]:
    opposite = {">": "<=", ">=": "<", "<": ">=", "<=": ">", "==": "!=", "!=": "=="}
    return _where(opposite[op], limit)


def is_bottleneck(rule: Rule) -> bool:
    """Whether the rule, while it fires, tells of a bottleneck: something sustained, not a spike."""
    return rule.aggregate != "last" and rule.window_s >= SUSTAINED_S


def excess(rule: Rule, value: float) -> float:
    """|value - threshold| / |threshold|, by which bottlenecks of one severity are ranked; the distance for 0."""
    distance = abs(value - rule.threshold)
    return distance / abs(rule.threshold) if rule.threshold else distance


def condition_text(rule: Rule) -> str:
    """The condition as people write it: `avg over 60s > 50`."""
    over = "" if rule.aggregate == "last" else f"{rule.aggregate} over {rule.window_s:g} s "
    return f"{over}{rule.op} {rule.threshold:g}"


def faults_of(rule: Rule) -> Iterator[tuple[str, str, str]]:
    """(key, what is wrong with it, what to do) of all that does not go together in a rule."""
    if rule.clear is not None:
        if rule.op in ("==", "!="):
            yield "clear", f"a rule with {rule.op} has none", "remove the line"
        elif rule.op in (">", ">=") and rule.clear > rule.threshold:
            yield "clear", f"it is above the threshold {rule.threshold:g}", "it must be the threshold or less"
        elif rule.op in ("<", "<=") and rule.clear < rule.threshold:
            yield "clear", f"it is below the threshold {rule.threshold:g}", "it must be the threshold or more"
    if rule.aggregate != "last" and rule.window_s <= 0:
        yield "window", f"{rule.aggregate} needs a window above 0", 'write window = "60s"'
    for key in ("summary", "recommendation"):
        fault = template_fault(getattr(rule, key))
        if fault:
            yield key, fault, "see the placeholders in the documentation of [[rule]]"
