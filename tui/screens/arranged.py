"""A Textual layout that asks `tui.view.layout` where everything stands.

So the first frame, drawn before Textual is there, and Textual's own layout cannot disagree.
"""

from collections.abc import Callable
from typing import Any

from textual.geometry import NULL_SPACING, Region, Size
from textual.layout import ArrangeResult, Layout, WidgetPlacement
from textual.widget import Widget

from tui.view.layout import Rect


class Arranged(Layout):
    """Each child at the rectangle that `rects(width, height)` gives for its id; others are not placed."""

    name = "arranged"

    def __init__(self, rects: Callable[[int, int], dict[str, Rect]]) -> None:
        self._rects = rects

    def arrange(
        self, parent: Widget, children: list[Widget], size: Size, greedy: bool = True
    ) -> ArrangeResult:
        """Placements of the children that have a rectangle at this size."""
        rects = self._rects(size.width, size.height)
        placements: list[Any] = []
        for order, child in enumerate(children):
            rect = rects.get(child.id or "")
            if rect is not None and rect.width > 0 and rect.height > 0:
                placements.append(
                    WidgetPlacement(
                        Region(*rect), Region(0, 0, 0, 0).offset, NULL_SPACING, child, order, True, False
                    )
                )
        return placements
