"""Every file, mount and poller that bluetop listens to: how it answers, and what it missed."""

from typing import TYPE_CHECKING

from core.snapshot import SourceState
from core.units import number_text
from tui.view.spans import Line
from tui.view.table import Column, Drawn, TableState, View

if TYPE_CHECKING:
    from core.filter import Field

_ROLES = {
    "ok": "ok",
    "waiting": "dim",
    "slow": "medium",
    "hung": "critical",
    "stale": "unknown",
    "odd": "low",
    "unreadable": "high",
    "gone": "unknown",
}
_RANK = {"hung": 0, "unreadable": 1, "stale": 2, "gone": 3, "slow": 4, "odd": 5, "waiting": 6, "ok": 7}


def _state(source: SourceState, drawn: Drawn) -> Line:
    role = _ROLES.get(source.state, "unknown")
    glyph = drawn.glyphs.calm if source.state in ("ok", "waiting") else drawn.glyphs.alarm
    return [(f"{glyph} {source.state}", role)]


def _took(source: SourceState, drawn: Drawn) -> Line:
    return [("-", "dim")] if source.took_ms is None else [(f"{source.took_ms:.1f} ms", "text")]


COLUMNS: tuple[Column, ...] = (
    Column("state", "STATE", 12, _state, lambda s: (_RANK.get(s.state, 4), s.name),
           help="how it answers"),
    Column("kind", "KIND", 7, lambda s, d: [(s.kind, "dim")], lambda s: s.kind, rank=1, help="file, mount or poller"),
    Column("name", "SOURCE", 30, lambda s, d: [(s.name, "text")], lambda s: s.name, shrink=20,
           help="what is read"),
    Column("took", "TOOK", 9, _took, lambda s: s.took_ms, ">", 2, best_last=True,
           help="how long the last answer took"),
    Column("misses", "MISSED", 6, lambda s, d: [(number_text(s.misses), "medium" if s.misses else "dim")],
           lambda s: s.misses, ">", 3, best_last=True, help="deadlines missed and reads failed since the start"),
    Column("detail", "WHAT IT SAYS", 20, lambda s, d: [(s.detail, "dim" if s.state == "ok" else "text")],
           lambda s: s.detail, grow=1, help="what is odd about it"),
)  # fmt: skip
VIEWS = (View("trouble", "-state:ok,waiting", "state", help="all that do not answer as they should"),)


def fields() -> "dict[str, Field]":
    """What a filter of sources may ask for."""
    from core.filter import Field

    made = (
        Field("state", "choice", lambda s, wall: s.state, "how it answers", tuple(_RANK)),
        Field("kind", "choice", lambda s, wall: s.kind, "file, mount or poller"),
        Field("source", "text", lambda s, wall: s.name, "what is read", aliases=("name",)),
        Field("took", "number", lambda s, wall: s.took_ms, "milliseconds of the last answer"),
        Field("missed", "number", lambda s, wall: s.misses, "deadlines missed and reads failed"),
        Field("detail", "text", lambda s, wall: s.detail, "what it says"),
    )
    return {field.name: field for field in made}


def sources_table() -> TableState:
    """A fresh table of sources, the worst first."""
    return TableState(
        COLUMNS,
        identify=lambda s: f"{s.kind}:{s.name}",
        search=lambda s: f"{s.state} {s.kind} {s.name} {s.detail}",
        sort="state",
        name="sources",
        fields=fields,
        views=VIEWS,
    )
