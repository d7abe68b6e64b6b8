"""What needs a person: one calm line on the dashboard, and the whole list as a table."""

from collections.abc import Sequence

from core.measures.needs import Need
from core.snapshot import Snapshot
from core.units import duration_text
from tui.view.glyphs import status_mark
from tui.view.pane import Size, Ui, blank, framed
from tui.view.spans import Line, cut, fit_line, line_width, width
from tui.view.table import Column, Drawn, TableState, calm_wall

TITLE = "NEEDS YOU"
_APART = "   "
_PIECE = 60  # a need takes no more than this where there is room for another beside it


class NeedsPane:
    """The most urgent things, as many as fit; how many more there are stands at the end."""

    name = "needs"
    title = TITLE

    def draw(self, snap: Snapshot, size: Size, ui: Ui) -> list[Line]:
        """One line with the title in front, or a frame of lines."""
        wall = calm_wall(snap.wall)
        if ui.level == "rows" or size.height < 3:
            title: Line = [(f" {TITLE}  ", "dim")]
            (line,) = _packed(snap.needs, snap.needs_count, 1, size.width - line_width(title), wall, ui)
            rest = [blank(size.width) for _ in range(size.height - 1)]
            return [fit_line([*title, *line], size.width), *rest]
        rows = max(1, size.height - 2)
        lines = _packed(snap.needs, snap.needs_count, rows, size.width - 4, wall, ui)
        return framed(TITLE, [], [[(" ", "text"), *line] for line in lines], [], size, ui)


NEEDS = NeedsPane()


def _piece(need: Need, wall: float, ui: Ui, limit: int) -> Line:
    glyph, _, role = status_mark(need.severity, ui.glyphs)
    age = "" if need.since is None else f" {duration_text(max(0.0, wall - need.since))}"
    agent = cut(need.agent, max(8, limit // 3))
    text = cut(need.text, max(8, limit - width(agent) - len(age) - 3))
    return [(f"{glyph} ", role), (agent, "text"), (f" {text}", "text"), (age, "dim")]


def _packed(needs: Sequence[Need], count: int, rows: int, cells: int, wall: float, ui: Ui) -> list[Line]:
    """The needs one after another on so many lines, and at the end of the last how many are left out."""
    # What is left out stands at the end even of a line that has room for one need only.
    whole = cells - len(f"{_APART}+{count}")
    beside = max(1, round(whole / (_PIECE + len(_APART))))
    even = _filled(needs, count, rows, cells, wall, ui, (whole - len(_APART) * (beside - 1)) // beside)
    short = _filled(needs, count, rows, cells, wall, ui, min(whole, _PIECE))
    return (short if short[1] > even[1] else even)[0]


def _filled(
    needs: Sequence[Need], count: int, rows: int, cells: int, wall: float, ui: Ui, limit: int
) -> tuple[list[Line], int]:
    """The lines with needs of at most `limit` cells, and how many are on them."""
    lines: list[Line] = [[]]
    shown = 0
    for need in needs:
        piece = _piece(need, wall, ui, limit)
        rest = f"{_APART}+{max(0, count - shown - need.count)}"
        room = cells - line_width(lines[-1]) - (len(rest) if len(lines) == rows else 0)
        gap = len(_APART) if lines[-1] else 0
        if line_width(piece) + gap > room:
            if len(lines) == rows:
                break
            lines.append([])
            gap = 0
        if gap:
            lines[-1].append((_APART, "text"))
        lines[-1] += piece
        shown += need.count
    if shown < count:
        lines[-1].append((f"{_APART}+{count - shown}", "dim"))
    return lines + [[] for _ in range(rows - len(lines))], shown


def _age(need: Need, drawn: Drawn) -> Line:
    if need.since is None:
        return [("-", "dim")]
    return [(duration_text(max(0.0, drawn.wall - need.since)), "text")]


def _severity(need: Need, drawn: Drawn) -> Line:
    glyph, word, role = status_mark(need.severity, drawn.glyphs)
    return [(f"{glyph} {word}", role)]


_RANK = {"critical": 0, "high": 1, "medium": 2, "low": 3}

COLUMNS: tuple[Column, ...] = (
    Column(
        "severity", "SEVERITY", 10, _severity, lambda n: _RANK.get(n.severity, 9), help="how much it matters"
    ),
    Column(
        "agent",
        "AGENT",
        10,
        lambda n, d: [(n.agent, "text")],
        lambda n: n.agent.casefold(),
        help="whose it is",
    ),
    Column(
        "kind", "WHY", 9, lambda n, d: [(n.kind, "dim")], lambda n: n.kind, rank=1, help="why it needs you"
    ),
    Column("since", "SINCE", 7, _age, lambda n: n.since, ">", help="for how long, as far as is known"),
    Column("text", "WHAT", 24, lambda n, d: [(n.text, "text")], lambda n: n.text, grow=1, help="what it is"),
)


def needs_table() -> TableState:
    """A fresh table of needs, the most urgent first."""
    return TableState(
        COLUMNS,
        identify=lambda n: f"{n.agent}\t{n.kind}\t{n.task}\t{n.text}",
        search=lambda n: f"{n.agent} {n.kind} {n.task} {n.text} {n.severity}",
        name="needs",
    )
