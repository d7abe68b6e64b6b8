"""Every file, mount and poller that bluetop listens to: how it answers, and what it missed."""

from core.snapshot import SourceState
from core.units import number_text
from tui.view.spans import Line
from tui.view.table import Column, Drawn, TableState

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
    Column("state", "STATE", 12, _state, lambda s: (_RANK.get(s.state, 4), s.name)),
    Column("kind", "KIND", 7, lambda s, d: [(s.kind, "dim")], lambda s: s.kind, rank=1),
    Column("name", "SOURCE", 30, lambda s, d: [(s.name, "text")], lambda s: s.name, shrink=20),
    Column("took", "TOOK", 9, _took, lambda s: s.took_ms, ">", 2, best_last=True),
    Column("misses", "MISSED", 6, lambda s, d: [(number_text(s.misses), "medium" if s.misses else "dim")],
           lambda s: s.misses, ">", 3, best_last=True),
    Column("detail", "WHAT IT SAYS", 20, lambda s, d: [(s.detail, "dim" if s.state == "ok" else "text")],
           lambda s: s.detail, grow=1),
)  # fmt: skip


def sources_table() -> TableState:
    """A fresh table of sources, the worst first."""
    return TableState(
        COLUMNS,
        identify=lambda s: f"{s.kind}:{s.name}",
        search=lambda s: f"{s.state} {s.kind} {s.name} {s.detail}",
        sort="state",
    )
