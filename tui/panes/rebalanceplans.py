"""Plans that were applied or undone: who, when, what was predicted of each and how it came out. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from core.queues.times import parse
from core.text import clean_line
from tui.panes.alerts import clock_text
from tui.panes.rebalance import arrow, hours, percent
from tui.panes.rebalancewords import count
from tui.view.glyphs import Glyphs
from tui.view.spans import Line, wrap
from tui.view.table import Column, Drawn, TableState

_OUTCOME_ROLES = {"helped": "ok", "hurt": "medium", "open": "text", "unknown": "dim"}
_MOST_MOVES = 200


class PastRow(NamedTuple):
    """One apply or undo; texts are clean, `raw` is its object of the history.

    Hours are wall hours until its tasks had left the queue: with the plan as predicted, and as it came.
    """

    plan_id: str
    kind: str
    at: float | None
    user: str
    origin: str
    reason: str
    moved: int
    skipped: int
    state: str
    peak_before: float | None
    peak_after: float | None
    undone: bool
    predicted_h: float | None
    actual_h: float | None
    outcome: str
    said: str
    raw: Mapping[str, Any]


def past_rows(plans: Sequence[Mapping[str, Any]]) -> list[PastRow]:
    """Rows from the objects of the history, in its order."""
    return [_row(plan) for plan in plans]


def _row(plan: Mapping[str, Any]) -> PastRow:
    at = parse(plan.get("at"))
    found = plan.get("outcome")
    outcome: Mapping[str, Any] = found if isinstance(found, Mapping) else {}
    return PastRow(
        _text(plan, "plan_id"), _text(plan, "kind"), at.at if at is not None else None, _text(plan, "user"),
        _text(plan, "origin"), _text(plan, "reason", 300), _whole(plan.get("moved")), _whole(plan.get("skipped")),
        _text(plan, "state"), _number(plan.get("peak_before")), _number(plan.get("peak_after")),
        bool(plan.get("undone_by")), _number(outcome.get("predicted_hours")), _number(outcome.get("actual_hours")),
        _text(outcome, "what"), _text(outcome, "text", 300), plan,
    )  # fmt: skip


def moves_of(plan: Mapping[str, Any]) -> dict[int, tuple[str, str, str]]:
    """The moves that a past plan made: number → task, from, to."""
    return {
        move["seq"]: (_text(move, "task_id"), _text(move, "from"), _text(move, "to"))
        for move in _rows(plan, "moves")
        if isinstance(move.get("seq"), int)
    }


def decision_lines(rows: Sequence[Mapping[str, Any]], cells: int, wall: float) -> list[Line]:
    """What the automatic mode decided lately, the newest first."""
    lines: list[Line] = []
    for row in rows:
        at = parse(row.get("at"))
        when = clock_text(at.at, wall) if at is not None else "-"
        head: Line = [(f"{when}  ", "dim"), (f"{_text(row, 'what')}  ", "text")]
        lines += wrap([*head, (_text(row, "why", 400), "dim")], cells)
    return lines


def _text(row: Mapping[str, Any], key: str, most: int = 80) -> str:
    value = row.get(key)
    return clean_line(value, most) if isinstance(value, str) else ""


def _whole(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _what(row: PastRow, drawn: Drawn) -> Line:
    return [("undone" if row.undone else row.kind, "dim" if row.undone else "text")]


def _peak(row: PastRow, drawn: Drawn) -> Line:
    if row.peak_before is None or row.peak_after is None:
        return [("-", "dim")]
    return [
        (f"{row.peak_before:.0f}", "text"), (f" {arrow(drawn.glyphs)} ", "dim"),
        (f"{row.peak_after:.0f} %", "text"),
    ]  # fmt: skip


def _hours(value: float | None) -> Line:
    return [("-", "dim")] if value is None else [(f"{hours(value)} h", "text")]


def _outcome(row: PastRow, drawn: Drawn) -> Line:
    return [(row.outcome or "-", _OUTCOME_ROLES.get(row.outcome, "dim"))]


def _state(row: PastRow, drawn: Drawn) -> Line:
    role = "dim" if row.state == "complete" else "high" if row.state == "unfinished" else "medium"
    return [(row.state, role)]


COLUMNS: tuple[Column, ...] = (
    Column("at", "WHEN", 12, lambda r, d: [("-" if r.at is None else clock_text(r.at, d.wall), "text")],
           lambda r: r.at, best_last=True, help="when it was begun"),
    Column("kind", "WHAT", 6, _what, lambda r: r.kind, help="whether a plan was applied or undone"),
    Column("user", "BY", 12, lambda r, d: [(r.user or "-", "text")], lambda r: r.user.casefold(), shrink=8,
           help="who did it"),
    Column("moved", "MOVED", 5, lambda r, d: [(str(r.moved), "text" if r.moved else "dim")], lambda r: r.moved, ">",
           best_last=True, help="moves that were made"),
    Column("skipped", "LEFT", 4, lambda r, d: [(str(r.skipped), "medium" if r.skipped else "dim")],
           lambda r: r.skipped, ">", 3, best_last=True, help="moves that were not made"),
    Column("peak", "PEAK", 11, _peak, lambda r: r.peak_before, ">", 1, best_last=True,
           help="the worst load before, and as predicted after"),
    Column("predicted", "PREDICTED", 9, lambda r, d: _hours(r.predicted_h), lambda r: r.predicted_h, ">",
           best_last=True, help="hours until its tasks are done, as predicted with the plan"),
    Column("actual", "ACTUAL", 8, lambda r, d: _hours(r.actual_h), lambda r: r.actual_h, ">", best_last=True,
           help="the same as it came"),
    Column("outcome", "OUTCOME", 8, _outcome, lambda r: r.outcome or None,
           help="whether the tasks were done sooner than without the plan"),
    Column("state", "STATE", 10, _state, lambda r: r.state, rank=2, help="whether all of it was done"),
    Column("reason", "REASON", 16, lambda r, d: [(r.reason, "dim")], lambda r: r.reason or None, rank=4, grow=1,
           help="the reason that was given"),
    Column("origin", "FROM", 16, lambda r, d: [(r.origin or "-", "dim")], lambda r: r.origin or None, rank=5,
           help="from where whoever did it was logged in"),
)  # fmt: skip


def plans_table() -> TableState:
    """A fresh table of past plans, the newest first."""
    return TableState(
        COLUMNS,
        identify=lambda r: r.plan_id,
        search=lambda r: f"{r.plan_id} {r.kind} {r.user} {r.origin} {r.reason} {r.state} {r.outcome}",
        name="plans",
    )


def past_lines(row: PastRow, glyphs: Glyphs, cells: int, wall: float, moves: bool = False) -> list[Line]:
    """One past plan in words; with its `moves` one by one."""
    who = f"by {row.user or 'somebody'}" + (f" from {row.origin}" if row.origin else "")
    when = "" if row.at is None else f", {clock_text(row.at, wall)}"
    lines: list[Line] = [[(f"{row.kind} {row.plan_id[:12]}", "strong"), (f"  {who}{when}", "dim")]]
    if row.reason:
        lines += wrap([("because ", "dim"), (row.reason, "text")], cells)
    if row.said:
        role = _OUTCOME_ROLES.get(row.outcome, "dim")
        lines += wrap([(f"{row.outcome}: ", role), (row.said, "text")], cells)
    said = f"{row.state}: {count(row.moved, 'move')} made"
    if row.skipped:
        said += f", {row.skipped} left"
    if row.peak_before is not None and row.peak_after is not None:
        said += (
            f"; worst load {percent(row.peak_before)} {arrow(glyphs)} {percent(row.peak_after)} as predicted"
        )
    lines += wrap([(said, "dim"), ("; undone since" if row.undone else "", "medium")], cells)
    trouble = _text(row.raw, "trouble", 300)
    if trouble:
        lines += wrap([(trouble, "high")], cells)
    made = row.raw.get("moves")
    if moves and isinstance(made, list):
        lines += [[], [("MOVES", "title")]]
        for move in made[:_MOST_MOVES]:
            named = " ".join((_text(move, "from", 40), arrow(glyphs), _text(move, "to", 40)))
            lines.append([(f"  {_text(move, 'task_id')}  ", "text"), (named, "dim")])
        if len(made) > _MOST_MOVES:
            lines.append([(f"  and {len(made) - _MOST_MOVES} more", "dim")])
    return lines


def verified_lines(data: Mapping[str, Any], cells: int) -> list[Line]:
    """What checking a receipt came to: in a sentence, then whatever is wrong, then where each moved task is."""
    good = data.get("ok") is True
    moved, trouble = _rows(data, "moved"), _rows(data, "trouble")
    head = "no task was lost or doubled" if good else "something is wrong"
    lines: list[Line] = [[(head, "ok" if good else "high")]]
    if detail := _text(data, "detail", 400):
        lines += wrap([(detail, "text")], cells)
    if data.get("intact") is False:
        lines.append([("the receipt itself was changed since it was written", "high")])
    if data.get("conserved") is False:
        lines.append([("the receipt says that tasks were lost or doubled by the plan", "high")])
    lines.append([(f"{count(_whole(data.get('tasks')), 'task')} in the receipt", "dim")])
    changed = data.get("changed_since")
    if isinstance(changed, list) and changed:
        named = ", ".join(clean_line(str(name), 40) for name in changed)
        lines += wrap([("changed since: ", "dim"), (named, "text")], cells)
    for title, rows, role in (("WRONG", trouble, "high"), ("MOVED TASKS", moved, "text")):
        if rows:
            lines += [[], [(title, "title")]]
            for row in rows[:_MOST_MOVES]:
                state = _text(row, "state").replace("_", " ")
                said = _text(row, "detail", 200)
                told = said if state in ("", "ok") else f"{state}: {said}" if said else state
                lines += wrap([(f"{_text(row, 'task_id')}  ", role), (told, "dim")], cells)
    return lines


def _rows(data: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    found = data.get(key)
    return [row for row in found if isinstance(row, Mapping)] if isinstance(found, list) else []
