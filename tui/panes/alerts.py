"""The alerts log: KPI changes and source problems, newest first, each with its time and age."""

import time

from core.snapshot import Event
from core.units import duration_text
from tui.view.glyphs import status_mark
from tui.view.spans import Line
from tui.view.table import Column, Drawn, TableState


def _severity(event: Event, drawn: Drawn) -> Line:
    glyph, word, role = status_mark(event.severity, drawn.glyphs)
    if event.what == "resolved":
        return [(drawn.glyphs.resolved, "ok"), (" " + word, "dim")]
    return [(f"{glyph} {word}", role)]


def _text(event: Event, drawn: Drawn) -> Line:
    many: Line = [(f" x{event.count}", "dim")] if event.count > 1 else []
    return [(event.text, "dim" if event.what == "resolved" else "text"), *many]


COLUMNS: tuple[Column, ...] = (
    Column("severity", "SEVERITY", 10, _severity, lambda e: -e.number),
    Column("at", "AT", 8, lambda e, d: [(time.strftime("%H:%M:%S", time.localtime(e.wall)), "dim")],
           lambda e: e.wall, rank=2),
    Column("age", "SINCE", 7, lambda e, d: [(duration_text(max(0.0, d.wall - e.wall)), "text")],
           lambda e: e.wall, ">"),
    Column("what", "", 8, lambda e, d: [(e.what, "dim")], lambda e: e.what, rank=1),
    Column("text", "", 20, _text, lambda e: e.text, grow=1),
)  # fmt: skip


def alerts_table() -> TableState:
    """A fresh log."""
    return TableState(
        COLUMNS,
        identify=lambda e: str(e.number),
        search=lambda e: f"{e.severity} {e.what} {e.subject} {e.text}",
    )
