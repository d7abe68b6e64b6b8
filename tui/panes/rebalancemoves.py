"""The moves of a plan as a table: the task, from whom to whom, its hours with both, what it costs, why.

With the moves that were dropped and the tasks that were pinned, so that both can be taken back; and, once
a plan was applied, with what became of each move. Pure.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from core.balance.plan import EVACUATE, OVERFLOW, RELIEVE, ROOM, Move, Plan
from core.text import clean_line
from tui.panes.rebalance import arrow, hours
from tui.view.glyphs import Glyphs
from tui.view.spans import Line, cut, fit, width
from tui.view.table import Column, Drawn, TableState

MOVE, DROPPED, PINNED = "move", "dropped", "pinned"
WORDS = {EVACUATE: "evacuate", RELIEVE: "relieve", OVERFLOW: "overflow", ROOM: "make room"}
_NAMES = 17  # cells for `from → to`
_PRIORITY = {"CRITICAL": 0, "HIGH": 1, "MEDIUM": 2, "LOW": 3}


class MoveRow(NamedTuple):
    """One row: a move of the plan, one that was dropped from it, or a task that is pinned where it is.

    `result` is what became of it ("applied", "skipped"), and `said` why. All texts are clean.
    """

    kind: str
    seq: int
    task_id: str
    source: str
    receiver: str
    hours_from: float
    hours_to: float
    imputed: bool
    code: str
    text: str
    title: str
    priority: str
    disruption: int
    result: str = ""
    said: str = ""
    faded: bool = False

    @property
    def word(self) -> str:
        """What the row is about, in a word or two."""
        if self.result or self.kind != MOVE:
            return self.result or self.kind
        return WORDS.get(self.code, self.code.replace("_", " "))


def row_of(move: Move, kind: str = MOVE, faded: bool = False) -> MoveRow:
    """The row of a move."""
    return MoveRow(
        kind, move.seq, clean_line(move.task_id, 80), clean_line(move.source, 60), clean_line(move.receiver, 60),
        move.hours_from, move.hours_to, move.imputed, clean_line(move.code, 40), clean_line(move.text, 500),
        clean_line(move.title, 200), clean_line(move.priority, 20), move.disruption, faded=faded,
    )  # fmt: skip


def move_rows(
    plan: Plan,
    full: Sequence[Move] = (),
    pinned: Mapping[str, str] | None = None,
    results: Mapping[str, tuple[str, str]] | None = None,
    faded: bool = False,
) -> list[MoveRow]:
    """The moves of `full`, in its order, with those dropped that `plan` has not; then what is pinned.

    `pinned` names the owner of each pinned task; `results` says of task ids what became of their move, and why.
    """
    there = {move.task_id: move for move in plan.moves}
    rows = []
    for move in full or plan.moves:
        kept = there.get(move.task_id)
        row = row_of(kept or move, MOVE if kept is not None else DROPPED, faded)
        word, said = (results or {}).get(move.task_id, ("", ""))
        rows.append(row._replace(result=word, said=said) if kept is not None and word else row)
    for task, owner in (pinned or {}).items():
        rows.append(MoveRow(PINNED, 0, clean_line(task, 80), clean_line(owner, 60), "", 0.0, 0.0, False, PINNED,
                            "", "", "", 0, faded=faded))  # fmt: skip
    return rows


def between(row: MoveRow, glyphs: Glyphs, cells: int) -> str:
    """`CA → CB`; where it does not fit the longer name gives way."""
    mark = f" {arrow(glyphs)} "
    if not row.receiver:
        return cut(f"stays with {row.source}" if row.source else "stays where it is", cells)
    room = max(2, cells - len(mark))
    source, receiver = row.source, row.receiver
    if width(source) + width(receiver) > room:
        half = room // 2
        if width(source) <= half:
            receiver = cut(receiver, room - width(source))
        elif width(receiver) <= half:
            source = cut(source, room - width(receiver))
        else:
            source, receiver = cut(source, room - half), cut(receiver, half)
    return f"{source}{mark}{receiver}"


def _role(row: MoveRow, role: str) -> str:
    return "dim" if row.faded or row.kind != MOVE or row.result == "skipped" else role


def _task(row: MoveRow, drawn: Drawn) -> Line:
    place = str(row.seq) if row.kind == MOVE else "-"
    return [(fit(place, 2, ">"), "dim"), (f" {row.task_id}", _role(row, "text"))]


def _hours(row: MoveRow, drawn: Drawn) -> Line:
    if row.kind == PINNED:
        return [("", "dim")]
    sign = "~" if row.imputed else " "
    return [
        (sign + fit(hours(row.hours_from), 5, ">"), _role(row, "text")),
        (f" {arrow(drawn.glyphs)} ", "dim"),
        (fit(hours(row.hours_to), 5, ">"), _role(row, "text")),
    ]


def _why(row: MoveRow, drawn: Drawn) -> Line:
    roles = {"applied": "ok", "undone": "ok", "skipped": "medium"}
    if row.result:
        return [(row.result, roles.get(row.result, "text"))]
    return [(row.word, "unknown" if row.kind == PINNED else _role(row, "text"))]


def _text(row: MoveRow, drawn: Drawn) -> Line:
    text = row.said or row.text or row.title
    return [(text if drawn.glyphs.ascii else text.replace(" -> ", f" {arrow(drawn.glyphs)} "), "dim")]


COLUMNS: tuple[Column, ...] = (
    Column("task", "TASK", 18, _task, lambda r: r.seq or None, shrink=14,
           help="its place in the order in which the moves are done, and the task"),
    Column("between", "FROM AND TO", _NAMES, lambda r, d: [(between(r, d.glyphs, _NAMES), _role(r, "text"))],
           lambda r: (r.source, r.receiver), help="who has it, and who gets it"),
    Column("hours", "HOURS", 14, _hours, lambda r: r.hours_from, ">", best_last=True,
           help="expected hours with the one and with the other; ~ its own are not known"),
    Column("why", "WHY", 9, _why, lambda r: r.word, help="what the move is good for, or what became of it"),
    Column("cost", "COST", 4, lambda r, d: [(str(r.disruption) if r.kind != PINNED else "", _role(r, "text"))],
           lambda r: r.disruption, ">", 1, best_last=True,
           help="disruption: weight of its priority, and dependencies torn apart less those brought together"),
    Column("priority", "PRIORITY", 8, lambda r, d: [(r.priority.lower() or "-", _role(r, "dim"))],
           lambda r: _PRIORITY.get(r.priority.upper(), 9), rank=4, help="how much the task matters"),
    Column("title", "TITLE", 24, lambda r, d: [(r.title, _role(r, "text"))], lambda r: r.title.casefold(),
           rank=2, grow=1, shrink=10, help="what the task is"),
    Column("text", "REASON", 44, _text, lambda r: r.text, rank=5, grow=2, help="why, with the numbers"),
)  # fmt: skip


def moves_table() -> TableState:
    """A fresh table of moves, in the order in which they are done."""
    return TableState(
        COLUMNS,
        identify=lambda r: f"{r.kind == PINNED} {r.task_id}",
        search=lambda r: f"{r.task_id} {r.source} {r.receiver} {r.word} {r.title} {r.priority}",
        name="rebalance_moves",
    )


def agents_in(moves: Collection[Move]) -> int:
    """How many agents give or take."""
    return len({name for move in moves for name in (move.source, move.receiver)})
