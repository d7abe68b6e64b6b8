"""The table of alerts: on the dashboard what fires, on its own screen every alert; then history.

Two sets of columns of the same rows: the dashboard's says the least that one can act on.
"""

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from core.alerts.names import FIRING, PENDING, RANK, RESOLVED, SEVERITIES
from core.alerts.view import Alert
from core.units import duration_text, limit_text, measure_text
from tui.keys import Key, key_for, keys_of
from tui.panes.alertrows import Entry, is_host
from tui.view.chart import spark
from tui.view.glyphs import status_mark
from tui.view.spans import Line
from tui.view.table import Column, Drawn, TableState, View

if TYPE_CHECKING:
    from core.filter import Field

SPARK = 14
_NONE: Line = [("", "dim")]
_DAY_S = 86_400.0


def role_of(entry: Entry, role: str = "text") -> str:
    """The role of a word about a row: what has been seen to, is over or only may come is in the background."""
    return role if entry.open else "dim"


def _severity(entry: Entry, drawn: Drawn) -> Line:
    glyph, word, role = status_mark(entry.severity, drawn.glyphs)
    if entry.state == RESOLVED:
        return [(drawn.glyphs.resolved, "ok"), (f" {word}", "dim")]
    if entry.state == PENDING:
        return [(drawn.glyphs.dot, role), (f" {word}", "dim")]
    return [(f"{glyph} {word}", role_of(entry, role))]


def word_of(alert: Alert) -> str:
    """How it stands, in one word: what has been done about it goes before what it does."""
    if alert.state != FIRING:
        return alert.state
    said = (
        ("no data", alert.stale),
        ("acked", alert.acked_by),
        ("silenced", alert.silence),
        ("inhibited", alert.inhibited_by),
    )
    return next((word for word, so in said if so), FIRING)


def _state(entry: Entry, drawn: Drawn) -> Line:
    if entry.alert is None:
        return [(entry.state, "dim")]
    word = word_of(entry.alert)
    line: Line = [(word, "unknown" if word == "no data" else role_of(entry))]
    if entry.alert.flapping:
        line.append((f" {drawn.glyphs.up}{drawn.glyphs.down}", role_of(entry, "medium")))
    return line


def _age(at: float | None, drawn: Drawn, role: str) -> Line:
    return [("-", "dim")] if at is None else [(duration_text(max(0.0, drawn.wall - at)), role)]


def value_text(alert: Alert) -> str:
    """Its value with its unit; with as many decimals as it takes to tell it from the limit."""
    text = measure_text(alert.value, alert.unit)
    if alert.value is None or alert.value == alert.threshold or alert.unit.startswith("B"):
        return text
    for digits in range(1, 4):
        if text.split(" ")[0] not in (
            f"{alert.threshold:g}",
            f"{alert.threshold:.1f}",
            f"{alert.threshold:.2f}",
        ):
            break
        text = f"{alert.value:.{digits}f} {alert.unit}".rstrip()
    return text


def said_short(entry: Entry) -> str:
    """What it is about, its value and its limit: `CC queue 17 tasks > 15`."""
    alert = entry.alert
    if alert is None or alert.state == RESOLVED:
        return entry.text
    whose = "" if is_host(alert) else f"{alert.subject} "
    label = alert.label or alert.metric
    return f"{whose}{label} {value_text(alert)} {condition(alert)}"


def condition(alert: Alert) -> str:
    """The operator and the limit: `> 15`."""
    return f"{alert.op} {limit_text(alert.threshold, alert.unit)}"


def _with_past(entry: Entry, text: str) -> Line:
    line: Line = [(text, role_of(entry))]
    if entry.lasted_s is not None:
        line.append((f" for {duration_text(entry.lasted_s)}", "dim"))
    if entry.event.count > 1:
        line.append((f" x{entry.event.count}", "dim"))
    return line


def _at(entry: Entry, drawn: Drawn) -> Line:
    return _NONE if entry.at is None else [(time.strftime("%H:%M:%S", time.localtime(entry.at)), "dim")]


def _limit(entry: Entry, drawn: Drawn) -> Line:
    return _NONE if entry.alert is None else [(condition(entry.alert), "dim")]


def _value(entry: Entry, drawn: Drawn) -> Line:
    alert = entry.alert
    if alert is None or (alert.value is None and alert.state == RESOLVED):
        return _NONE
    unknown = alert.value is None or alert.stale
    return [(value_text(alert), "unknown" if unknown else role_of(entry))]


def _beyond(entry: Entry, drawn: Drawn) -> Line:
    alert = entry.alert
    if alert is None or alert.state != FIRING:
        return _NONE
    return [(f"{100 * alert.excess:.0f} %" if alert.threshold else f"{alert.excess:g}", role_of(entry))]


def _beyond_key(entry: Entry) -> tuple[int, float] | None:
    """By severity, and then by how far beyond its limit: how bottlenecks are ranked."""
    alert = entry.alert
    return None if alert is None or alert.state != FIRING else (-RANK[alert.severity], alert.excess)


def _spark(entry: Entry, drawn: Drawn) -> Line:
    alert = entry.alert
    if alert is None or entry.chart is None:
        return _NONE
    loud = status_mark(alert.severity, drawn.glyphs)[2]
    roles = (loud, "chart", "chart_last") if entry.open else ("dim", "bar_rest", "bar_rest")
    return spark(entry.chart, SPARK, alert.op, alert.threshold, roles, drawn.glyphs)


def clock_text(at: float, wall: float) -> str:
    """A time of day, with its day if that is another one: `18:00`, `Fri 08:00`, `06-12 08:00`."""
    try:
        there, here = time.localtime(at), time.localtime(wall)
    except (OverflowError, ValueError, OSError):  # no time that a calendar has
        return "-"
    if there[:3] == here[:3]:
        return time.strftime("%H:%M", there)
    return time.strftime("%a %H:%M" if abs(at - wall) < 6 * _DAY_S else "%m-%d %H:%M", there)


def _silenced(entry: Entry, drawn: Drawn) -> Line:
    until = entry.alert.silenced_until if entry.alert is not None else None
    return _NONE if until is None else [(clock_text(until, drawn.wall), "dim")]


def _seen(entry: Entry, drawn: Drawn) -> Line:
    """Who or what has seen to it, or why it has ended."""
    alert = entry.alert
    if alert is None:
        return _NONE
    if alert.state == RESOLVED:
        return [(alert.reason.replace("_", " "), "dim")]
    if alert.acked_by:
        return [(f"by {alert.acked_by}", "dim")]
    if alert.silenced_until is not None:
        return [(f"to {clock_text(alert.silenced_until, drawn.wall)}", "dim")]
    return [(f"by {alert.inhibited_by}", "dim")] if alert.inhibited_by else _NONE


def _seen_key(entry: Entry) -> str | None:
    alert = entry.alert
    return None if alert is None else alert.acked_by or alert.silenced_by or alert.inhibited_by or None


def step_of(entry: Entry) -> tuple[Key, str] | None:
    """The key that helps with an alert and what it does here, None if there is none that works."""
    alert = entry.alert
    if alert is None or not alert.action or alert.state == RESOLVED:
        return None
    row = key_for(alert.action)
    if row is None or row not in keys_of("alerts", entry.read_only):
        return None
    return row, alert.hint or row.label


def _step(entry: Entry, drawn: Drawn) -> Line:
    step = step_of(entry)
    if step is None:
        return _NONE
    return [(step[0].shown, "key" if entry.open else "dim"), (f" {step[1]}", "dim")]


def _keys(entry: Entry, drawn: Drawn) -> Line:
    """Just the keys: the one that acknowledges, and the one that helps."""
    step, ack = step_of(entry), key_for("ack")
    shown = [ack.shown] if ack is not None and entry.open and not entry.read_only else []
    if step is not None:
        shown.append(step[0].shown)
    return [(" ".join(shown), "key" if entry.open else "dim")]


def _of(name: str) -> Callable[[Entry], Any]:
    """That of an alert, None where there is none or it is empty."""
    return lambda entry: getattr(entry.alert, name, None) or None


def _text(name: str, role: str) -> Callable[[Entry, Drawn], Line]:
    return lambda entry, drawn: [(getattr(entry.alert, name, ""), role)]


_ROWS: tuple[Column, ...] = (
    Column("severity", "SEVERITY", 10, _severity, lambda e: (RANK.get(e.severity, 9), e.over),
           help="how much it matters"),
    Column("since", "SINCE", 7, lambda e, d: _age(e.at, d, role_of(e)), lambda e: e.at, ">", best_last=True,
           help="for how long its condition holds; how long ago it ended, or was noted"),
    Column("at", "AT", 8, _at, lambda e: e.at, rank=8, best_last=True, help="the same as a time of day"),
    Column("subject", "SUBJECT", 9, lambda e, d: [(e.subject, role_of(e))], lambda e: e.subject.casefold(), rank=6,
           help="the agent, process or host"),
    Column("what", "WHAT", 28, lambda e, d: _with_past(e, said_short(e)), lambda e: said_short(e).casefold(),
           grow=1, shrink=25, help="in short: whose, what, its value and its limit"),
    Column("text", "WHAT", 36, lambda e, d: _with_past(e, e.text), lambda e: e.text.casefold(), grow=1, shrink=25,
           help="the rule's own sentence"),
    Column("value", "VALUE", 11, _value, lambda e: getattr(e.alert, "value", None), ">", 3, best_last=True,
           help="what was judged last"),
    Column("limit", "LIMIT", 7, _limit, lambda e: getattr(e.alert, "threshold", None), "<", 3,
           help="the limit of the rule"),
    Column("beyond", "BEYOND", 7, _beyond, _beyond_key, ">", 3, best_last=True,
           help="how far beyond its limit; sorts by severity first"),
    Column("spark", "LAST MINUTES", SPARK, _spark, _beyond_key, rank=2, best_last=True,
           help="its values, five seconds each; the rail of dots is the limit"),
    Column("state", "STATE", 11, _state, lambda e: (e.over, word_of(e.alert) if e.alert is not None else e.state),
           help="pending, firing, and what was done about it; arrows: it flaps"),
    Column("seen", "SEEN TO", 13, _seen, _seen_key, rank=4, help="who acknowledged it, how long it is silent"),
    Column("acked", "ACKED BY", 8, _text("acked_by", "dim"), _of("acked_by"), rank=5,
           help="who has acknowledged it"),
    Column("silenced", "SILENT TO", 9, _silenced, _of("silenced_until"), rank=6,
           help="until when it is silenced"),
    Column("step", "WHAT HELPS", 22, _step, _of("hint"), rank=3, help="the key that helps, and what it does here"),
    Column("keys", "", 7, _keys, _of("action"), rank=1, help="the keys that acknowledge it and that help"),
    Column("rule", "RULE", 16, _text("rule", "dim"), _of("rule"), rank=8, help="the name of the rule"),
    Column("advice", "ADVICE", 40, _text("advice", "text"), _of("advice"), rank=9, help="what to do about it"),
)  # fmt: skip


DASHBOARD = ("severity", "since", "what", "spark", "state", "seen", "keys")
SCREEN = (
    "severity", "since", "subject", "text", "value", "limit", "spark", "state", "seen", "keys",
)  # fmt: skip


def columns_for(shown: Sequence[str]) -> tuple[Column, ...]:
    """All columns: those of `shown` first, as the default set."""
    by_name = {column.name: column for column in _ROWS}
    rest = [column._replace(shown=False) for column in _ROWS if column.name not in shown]
    return (*(by_name[name] for name in shown), *rest)


VIEWS = (
    View("open", "state:firing acked:no silenced:no inhibited:no", help="what fires and nobody has seen to"),
    View("everything", help="all alerts, then history"),
    View(
        "bottlenecks",
        "state:firing bottleneck:yes",
        "beyond",
        True,
        help="beyond a limit for a minute and more",
    ),
    View("history", "state:resolved,note", help="what has ended and what was noted"),
)


def fields() -> "dict[str, Field]":
    """What a filter of alerts may ask for."""
    from core.filter import Field

    def of_alert(name: str, kind: str, value: str, help_: str) -> Field:
        return Field(name, kind, lambda e, wall: getattr(e.alert, value, None), help_)

    def whether(name: str, value: str, help_: str) -> Field:
        def answer(entry: Entry, wall: float) -> str | None:
            return None if entry.alert is None else "yes" if getattr(entry.alert, value) else "no"

        return Field(name, "choice", answer, help_, ("yes", "no"))

    def age(entry: Entry, wall: float) -> float | None:
        return None if entry.at is None else max(0.0, wall - entry.at)

    def subjects(entry: Entry, wall: float) -> tuple[str, ...]:
        said = entry.alert.subject if entry.alert is not None else entry.event.subject
        return (said, entry.subject)

    made = (
        Field("state", "choice", lambda e, wall: e.state, "how it stands", (FIRING, PENDING, RESOLVED, "note"),
              ("what",)),
        Field("severity", "choice", lambda e, wall: e.severity, "how much it matters", (*SEVERITIES, "unknown", "ok")),
        of_alert("rule", "id", "rule", "the name of the rule"),
        Field("subject", "id", subjects, "the agent, process or host"),
        of_alert("metric", "id", "metric", "what is measured"),
        Field("text", "text", lambda e, wall: e.text, "the sentence"),
        Field("age", "duration", age, "since it began, ended, or was noted"),
        of_alert("value", "number", "value", "what was judged last"),
        whether("acked", "acked_by", "whether somebody has acknowledged it"),
        whether("silenced", "silence", "whether it is silenced"),
        whether("inhibited", "inhibited_by", "whether a more severe alert hides it"),
        whether("flapping", "flapping", "whether it comes and goes"),
        whether("stale", "stale", "whether no samples come any more"),
        whether("bottleneck", "bottleneck", "whether it is about a minute and more"),
        of_alert("by", "id", "acked_by", "who has acknowledged it"),
        Field("lasted", "duration", lambda e, wall: e.lasted_s, "how long it lasted, once it has ended"),
        Field("count", "number", lambda e, wall: e.event.count if e.alert is None else None, "how often it was noted"),
    )  # fmt: skip
    return {field.name: field for field in made}


def _search(entry: Entry) -> str:
    alert = entry.alert
    more = (
        ""
        if alert is None
        else f"{alert.rule} {alert.metric} {alert.label} {alert.acked_by} {word_of(alert)}"
    )
    return f"{entry.severity} {entry.state} {entry.event.subject} {entry.subject} {entry.text} {more}"


def alerts_table(dashboard: bool = False) -> TableState:
    """A fresh table of alerts, with the dashboard's columns or with those of the screen."""
    return TableState(
        columns_for(DASHBOARD if dashboard else SCREEN),
        identify=lambda e: e.key,
        search=_search,
        name="dashboard_alerts" if dashboard else "alerts",
        fields=fields,
        views=VIEWS,
    )
