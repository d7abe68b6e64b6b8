"""One alert in words: what it is, how it stands, what to do. A few lines, a pane beside the table, or a text.

Not for the steps themselves: `core.alerts.runbook`.
"""

from typing import NamedTuple

from core.advice import Limits
from core.alerts.bottlenecks import beyond_of, facts
from core.alerts.names import FIRING, PENDING, RESOLVED
from core.alerts.runbook import Step, runbook
from core.alerts.view import Alert
from core.snapshot import Chart, Snapshot
from core.units import duration_text, limit_text
from tui.keys import key_for
from tui.panes.alertrows import Entry, is_host
from tui.panes.alerts import clock_text, condition, step_of, value_text, word_of
from tui.view.chart import chart_lines, nice_ceiling, peak, row_of
from tui.view.glyphs import Glyphs, status_mark
from tui.view.pane import Size, Ui, blank, framed, spread
from tui.view.spans import Line, fit, fit_line, wrap
from tui.view.table import calm_wall

LABEL = 11
_AXIS = 14  # cells beside a chart, for what its lines mean
_TALL = 10
_NOTHING = "nothing fires"
_HUSHED = ("acked", "silenced", "hidden")


class Fact(NamedTuple):
    """One thing to know of an alert: a label, what it is, and the role of that."""

    label: str
    text: str
    role: str = "text"


def _ago(at: float, wall: float) -> str:
    return f"{duration_text(max(0.0, wall - at))} ago"


def judged_text(alert: Alert) -> str:
    """How its value is judged: `average over 60 s > 15, clears at 12`."""
    words = {"avg": "average", "max": "largest", "min": "smallest"}
    over = f"{words.get(alert.aggregate, alert.aggregate)} over {duration_text(alert.window_s)}"
    judged = "last value" if alert.aggregate == "last" else over
    clear = "" if alert.clear == alert.threshold else f", clears at {limit_text(alert.clear, alert.unit)}"
    return f"{judged} {condition(alert)}{clear}"


def facts_of(alert: Alert, wall: float) -> list[Fact]:
    """All that is known of how an alert stands."""
    value = value_text(alert) if alert.value is not None else "unknown"
    found = [
        Fact("rule", f"{alert.rule}, {alert.severity}"),
        Fact(
            "value", value + (", no new samples" if alert.stale else ""), "unknown" if alert.stale else "text"
        ),
        Fact("judged", judged_text(alert)),
    ]
    if alert.ended_at is not None:
        ended = f"{clock_text(alert.ended_at, wall)}, {_ago(alert.ended_at, wall)}"
        found.append(Fact("ended", f"{ended}, {alert.reason.replace('_', ' ')}"))
    if alert.since is not None:
        begun = f"{clock_text(alert.since, wall)}, {_ago(alert.since, wall)}"
        waits = ", not long enough yet to fire" if alert.state == PENDING else ""
        found.append(Fact("began" if alert.state == RESOLVED else "since", begun + waits))
    if alert.flapping:
        found.append(Fact("flapping", "it fires and resolves again and again; it is told of once", "medium"))
    if alert.acked_by:
        when = f", {_ago(alert.acked_at, wall)}" if alert.acked_at is not None else ""
        found.append(Fact("acked", f"by {alert.acked_by}{when}, until it resolves"))
    if alert.silence:
        until = f"until {clock_text(alert.silenced_until, wall)}" if alert.silenced_until is not None else ""
        found.append(Fact("silenced", f"{until} by {alert.silenced_by}: {alert.silence_comment}".strip()))
    if alert.inhibited_by:
        found.append(Fact("hidden", f"by {alert.inhibited_by}, which is more severe"))
    return found


def bottleneck_facts(alert: Alert, snap: Snapshot) -> list[Fact]:
    """What a bottleneck is called, and what it does, as far as that is measured."""
    if not alert.bottleneck or alert.state != FIRING or alert.value is None:
        return []
    found = facts(beyond_of(alert, alert.value, snap.wall), snap, Limits())
    named = (Fact("bottleneck", found.kind), Fact("impact", found.impact))
    return [fact for fact in named if fact.text]


def _labelled(facts: list[Fact], cells: int) -> list[Line]:
    """The facts one under another, wrapped at `cells`."""
    lines: list[Line] = []
    for fact in facts:
        for number, piece in enumerate(wrap([(fact.text, fact.role)], max(10, cells - LABEL))):
            lines.append([(fit("" if number else fact.label, LABEL), "dim"), *piece])
    return lines


# -- a few lines below the table -------------------------------------------------------------------


def detail_lines(entry: Entry | None, snap: Snapshot, size: Size, glyphs: Glyphs) -> list[Line]:
    """The sentence, how it stands, then what to do, with the keys that help at the end."""
    if entry is None:
        return [blank(size.width) for _ in range(size.height)]
    wall = calm_wall(snap.wall)
    glyph, word, role = status_mark(entry.severity, glyphs)
    lines: list[Line] = [[(f"{glyph} {word}  ", "dim" if entry.over else role), (entry.text, "text")]]
    alert, room = entry.alert, max(0, size.height - 2)
    if alert is None:
        noted = [entry.state, entry.subject, _ago(entry.event.wall, wall)]
        lines.append([(", ".join(word for word in noted if word), "dim")])
    else:
        lines.append(_standing(alert, wall))
        advice = wrap([(alert.advice, "text")], size.width - 2) if alert.state != RESOLVED else []
        # What has no line of its own is cut off visibly.
        advice[room - 1 :] = [[span for line in advice[room - 1 :] for span in line]] if room else []
        advice += [[] for _ in range(room - len(advice))]
        lines += [*advice[:-1], *(spread(line, _help(entry), size.width - 1) for line in advice[-1:])]
    lines += [[] for _ in range(size.height - len(lines))]
    return [fit_line([(" ", "text"), *line], size.width) for line in lines[: size.height]]


def _standing(alert: Alert, wall: float) -> Line:
    """How it stands: who has seen to it, since when, how it is judged; what matters most comes first."""
    facts = [fact for fact in facts_of(alert, wall) if fact.label not in ("rule", "value", "judged")]
    hushed = [f"{fact.label} {fact.text}" for fact in facts if fact.label in _HUSHED]
    rest = [f"{fact.label} {fact.text}" for fact in facts if fact.label not in _HUSHED]
    word = word_of(alert)
    first = hushed or [word]
    return [
        (
            ", ".join(first),
            "unknown" if word == "no data" else "dim" if hushed or alert.state != FIRING else "text",
        ),
        (", ".join(["", *rest, judged_text(alert)]), "dim"),
    ]


def _help(entry: Entry) -> Line:
    """The keys that help, at the end of the last line."""
    line: Line = []
    step = step_of(entry)
    if step is not None:
        line += [(f"  {step[0].shown}", "key"), (f" {step[1]}", "dim")]
    row = key_for("runbook")
    return [*line, (f"  {row.shown}", "key"), (" runbook ", "dim")] if row is not None else line


# -- a pane beside the table -----------------------------------------------------------------------


def draw_side(entry: Entry | None, snap: Snapshot, size: Size, ui: Ui) -> list[Line]:
    """Sentence, chart, facts, and the first steps of the runbook, in a frame."""
    alert = entry.alert if entry is not None else None
    if entry is None or alert is None:
        said = _NOTHING if entry is None else entry.text
        body = [
            [(" ", "text"), *line]
            for line in wrap([(said, "dim" if entry is None else "text")], size.width - 4)
        ]
        return framed("ALERT", [], body, [], size, ui)
    cells, wall = size.width - 4, calm_wall(snap.wall)
    glyph, word, role = status_mark(alert.severity, ui.glyphs)
    lines: list[Line] = wrap(
        [(f"{glyph} {word}  ", role if entry.open else "dim"), (alert.text, "text")], cells
    )
    lines += [[], *chart_of(entry, snap, cells, _TALL, ui.glyphs), []] if entry.chart is not None else [[]]
    lines += [*_labelled([*facts_of(alert, wall), *bottleneck_facts(alert, snap)], cells), []]
    if alert.advice:
        lines += [*wrap([(alert.advice, "text")], cells), []]
    row = key_for("runbook")
    key: Line = [(row.shown, "key"), (" all of it", "dim")] if row is not None else []
    lines += [spread([("RUNBOOK", "title")], key, cells), *steps_lines(alert, snap, cells, entry.read_only)]
    body = [[(" ", "text"), *line] for line in lines[: size.height - 2]]
    return framed(f"{entry.subject} {alert.label or alert.metric}".upper(), [], body, [], size, ui)


def chart_of(entry: Entry, snap: Snapshot, cells: int, rows: int, glyphs: Glyphs) -> list[Line]:
    """Its values, as far back as is known, with the lines at which it fires and clears, and what those are."""
    alert = entry.alert
    if alert is None:
        return []
    chart: Chart | None = snap.charts.get(alert.metric) if is_host(alert) else None
    chart = chart or entry.chart
    top = max(peak(chart) or 0.0, alert.threshold)
    high = 100.0 if alert.unit == "%" and 50.0 <= top <= 100.0 else nice_ceiling(top * 1.1)
    wide = max(8, cells - _AXIS)
    clear = alert.clear if alert.clear != alert.threshold else None
    lines = chart_lines(chart, wide, rows, high, alert.threshold, glyphs, f"alert {alert.id}", clear)
    said: dict[int, tuple[str, str]] = {rows - 1: (limit_text(high, alert.unit), "dim"), 0: ("0", "dim")}
    if clear is not None:
        said[row_of(clear, rows, high)] = (f"{limit_text(clear, alert.unit)} clears", "dim")
    said[row_of(alert.threshold, rows, high)] = (f"{condition(alert)} fires", "text")
    return [[*line, (fit("  " + text, _AXIS), role)] for at, line in enumerate(lines)
            for text, role in (said.get(rows - 1 - at, ("", "dim")),)]  # fmt: skip


# -- the runbook -----------------------------------------------------------------------------------


def runbook_lines(entry: Entry, alert: Alert, snap: Snapshot, glyphs: Glyphs, cells: int) -> list[Line]:
    """The whole text, wrapped at `cells`: the alert's facts, what is advised, every step with what is known."""
    glyph, word, role = status_mark(alert.severity, glyphs)
    wall = snap.wall
    lines: list[Line] = [[(f"{glyph} {word}  ", role), (alert.text, "strong")], []]
    lines += _labelled([*facts_of(alert, wall), *bottleneck_facts(alert, snap)], cells)
    if alert.advice:
        lines += [[], *_labelled([Fact("advice", alert.advice)], cells)]
    return [*lines, [], [("WHAT TO DO", "title")], [], *steps_lines(alert, snap, cells, entry.read_only)]


def steps_lines(alert: Alert, snap: Snapshot, cells: int, read_only: bool) -> list[Line]:
    """Each step with its number; below it what is known, and the key that shows more."""
    lines: list[Line] = []
    for number, step in enumerate(runbook(alert, snap), 1):
        lines.append([(f"{number}  ", "accent"), (step.text, "text"), *_key_of(step, alert, read_only)])
        if step.evidence:
            unknown = step.evidence.startswith("unknown")
            pieces = wrap([(step.evidence, "unknown" if unknown else "dim")], max(10, cells - 3))
            lines += [[("   ", "text"), *piece] for piece in pieces]
    return lines


def _key_of(step: Step, alert: Alert, read_only: bool) -> Line:
    row = key_for(step.action) if step.action else None
    if row is None or (row.writes and read_only):
        return []
    what = f"on this alert: {alert.subject}" if step.action == "enter" else row.label
    return [("   ", "text"), (row.shown, "key"), (f" {what}", "dim")]
