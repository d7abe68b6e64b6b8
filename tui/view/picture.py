"""The whole dashboard as lines: what the first frame paints, and what a text twin reads."""

from core.snapshot import Snapshot
from tui.view.layout import Layout, Rect
from tui.view.pane import blank
from tui.view.spans import Line, fit_line


def compose(width: int, height: int, layout: Layout, drawn: dict[str, list[Line]]) -> list[Line]:
    """One screen of lines from the panes' own lines, each at its rectangle."""
    rows: list[list[tuple[int, Rect, Line]]] = [[] for _ in range(height)]
    for name, rect in layout.rects.items():
        for at, piece in enumerate(drawn.get(name, [])[: rect.height]):
            if 0 <= rect.y + at < height:
                rows[rect.y + at].append((rect.x, rect, piece))
    picture = []
    for pieces in rows:
        line: Line = []
        x = 0
        for left, rect, piece in sorted(pieces, key=lambda p: p[0]):
            if left > x:
                line.append((" " * (left - x), "text"))
            line.extend(fit_line(piece, rect.width))
            x = left + rect.width
        picture.append(fit_line(line, width) if line else blank(width))
    return picture


def small_lines(snap: Snapshot, width: int, height: int) -> list[Line]:
    """What a window below 60x20 shows: the verdict, kindly, and how much room is wanted."""
    texts = [
        ("bluetop", "accent"),
        (snap.verdict.text, "strong"),
        (snap.verdict.evidence, "text"),
        ("", "text"),
        (f"This window is {width}x{height}; bluetop needs 60x20.", "dim"),
        ("Make it larger, or press q to leave.", "dim"),
    ]
    lines = [fit_line([(" ", "text"), (text, role)], width) for text, role in texts]
    return (lines + [blank(width)] * height)[:height]
