"""What every pane is: a name, and a function from Snapshot and size to lines. And what they share."""

from typing import NamedTuple, Protocol

from core.snapshot import KpiStatus, Reading, Snapshot
from core.units import age_text
from tui.view.glyphs import Glyphs, status_mark
from tui.view.spans import Line, Span, cut, fit, fit_line, line_width, width


class Size(NamedTuple):
    """Cells of a pane."""

    width: int
    height: int


class Ui(NamedTuple):
    """What a pane must know of the interface: its glyphs, whether it has the focus, the level of detail."""

    glyphs: Glyphs
    focused: bool = False
    level: str = "rows"
    now: float = 0.0


class Pane(Protocol):
    """One pane. `draw` gives exactly `size.height` lines of exactly `size.width` cells."""

    @property
    def name(self) -> str:
        """What the pane is called in the layout."""
        ...

    @property
    def title(self) -> str:
        """What stands in its frame."""
        ...

    def draw(self, snap: Snapshot, size: Size, ui: Ui) -> list[Line]:
        """The pane's picture of this snapshot."""
        ...


def spread(left: Line, right: Line, cells: int) -> Line:
    """`left` at the left edge and `right` at the right one; the left gives way where both do not fit."""
    room = cells - line_width(right)
    if room <= 1:
        return fit_line(left, cells)
    if line_width(left) > room - 1:
        left = [*fit_line(left, room - 1), (" ", "text")]
    gap = cells - line_width(left) - line_width(right)
    return [*left, (" " * gap, "text"), *right]


def blank(cells: int) -> Line:
    """An empty line."""
    return [(" " * cells, "text")]


def figure(reading: Reading[object], text: str, now: float, cells: int) -> Span:
    """A figure right-aligned in `cells`, or its age once it may no longer be shown as current."""
    if reading.value is None:
        return (fit("waiting" if not reading.problem else "-", cells, ">"), "unknown")
    if not reading.fresh(now):
        return (fit(cut(f"{age_text(reading.age_s(now))} old", cells), cells, ">"), "unknown")
    return (fit(text, cells, ">"), "text")


def status_spans(kpi: KpiStatus | None, glyphs: Glyphs, cells: int = 10) -> Line:
    """Glyph and word of a KPI's status, in `cells` cells: `● ok`, `▲ warn`."""
    glyph, word, role = status_mark(kpi.status if kpi else "unknown", glyphs)
    return [(glyph, role), (fit(" " + word, cells - 1), role if kpi and kpi.status != "ok" else "dim")]


def framed(
    title: str, head: Line, body: list[Line], foot: Line, size: Size, ui: Ui, number_right: Line | None = None
) -> list[Line]:
    """`body` in a rounded frame; `title` and `head` stand in its top edge, `foot` in its bottom edge."""
    g = ui.glyphs
    role = "accent" if ui.focused else "border"
    inner = size.width - 2
    top: Line = [(g.corner[0] + g.rule, role), (f" {title} ", "accent" if ui.focused else "title"), *head]
    right = number_right or []
    fill = size.width - line_width(top) - line_width(right) - 1
    if fill < 1:
        top = fit_line(top, size.width - line_width(right) - 2)
        fill = 1
    top = [*top, (g.rule * fill, role), *right, (g.corner[1], role)]
    lines = [top]
    rows = size.height - 2
    edge: Span = (g.side, role)
    for at in range(rows):
        line = body[at] if at < len(body) else blank(inner)
        lines.append([edge, *fit_line(line, inner), edge])
    shown = cut("".join(t for t, _ in foot), inner - 4) if foot and line_width(foot) > inner - 4 else None
    tail: Line = [(shown, "dim")] if shown is not None else foot
    if tail:
        tail = [(" ", "dim"), *tail, (" ", "dim")]
    rest = size.width - 3 - line_width(tail)
    lines.append([(g.corner[2] + g.rule, role), *tail, (g.rule * rest + g.corner[3], role)])
    return lines[: size.height]


def facts(parts: list[str], cells: int) -> str:
    """As many of `parts` as fit, the first ones first, joined by commas."""
    text = ""
    for part in parts:
        longer = f"{text}, {part}" if text else part
        if width(longer) > cells:
            break
        text = longer
    return text
