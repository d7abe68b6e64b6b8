"""The alerts log: KPI changes and source problems, newest first, each with its time and age."""

import time
from typing import TYPE_CHECKING

from core.snapshot import Event
from core.units import duration_text
from tui.view.glyphs import status_mark
from tui.view.spans import Line
from tui.view.table import Column, Drawn, TableState, View

if TYPE_CHECKING:
    from core.filter import Field


def _severity(event: Event, drawn: Drawn) -> Line:
    glyph, word, role = status_mark(event.severity, drawn.glyphs)
    if event.what == "resolved":
        return [(drawn.glyphs.resolved, "ok"), (" " + word, "dim")]
    return [(f"{glyph} {word}", role)]


def _text(event: Event, drawn: Drawn) -> Line:
    many: Line = [(f" x{event.count}", "dim")] if event.count > 1 else []
    return [(event.text, "dim" if event.what == "resolved" else "text"), *many]


COLUMNS: tuple[Column, ...] = (
    Column("severity", "SEVERITY", 10, _severity, lambda e: -e.number, help="how bad it was when it was seen"),
    Column("at", "AT", 8, lambda e, d: [(time.strftime("%H:%M:%S", time.localtime(e.wall)), "dim")],
           lambda e: e.wall, rank=2, help="time of day"),
    Column("age", "SINCE", 7, lambda e, d: [(duration_text(max(0.0, d.wall - e.wall)), "text")],
           lambda e: e.wall, ">", help="how long ago"),
    Column("what", "", 8, lambda e, d: [(e.what, "dim")], lambda e: e.what, rank=1, help="firing, resolved, or a note"),
    Column("text", "", 20, _text, lambda e: e.text, grow=1, help="what happened"),
)  # fmt: skip
VIEWS = (View("firing", "what:firing severity:critical,high,medium", help="what was worth a look"),)


def fields() -> "dict[str, Field]":
    """What a filter of alerts may ask for."""
    from core.filter import Field

    made = (
        Field("severity", "choice", lambda e, wall: e.severity, "how bad it was",
              ("critical", "high", "medium", "low", "info", "unknown", "ok")),
        Field("what", "choice", lambda e, wall: e.what, "firing, resolved or note", ("firing", "resolved", "note")),
        Field("subject", "id", lambda e, wall: e.subject, "what it is about: agent:NAME, host"),
        Field("text", "text", lambda e, wall: e.text, "what happened"),
        Field("age", "duration", lambda e, wall: wall - e.wall, "how long ago"),
        Field("count", "number", lambda e, wall: e.count, "how often in a row"),
    )  # fmt: skip
    return {field.name: field for field in made}


def alerts_table() -> TableState:
    """A fresh log."""
    return TableState(
        COLUMNS,
        identify=lambda e: str(e.number),
        search=lambda e: f"{e.severity} {e.what} {e.subject} {e.text}",
        name="alerts",
        fields=fields,
        views=VIEWS,
    )
