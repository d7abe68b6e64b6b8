"""A widget that shows lines of spans, and never causes a layout.

`show(lines)` compares with what is shown and sends the rows that differ, past Textual's compositor
where nothing is in front of the widget (`WireApp.paint_lines`). `put(lines)` only keeps them for the
next drawing. Not for deciding what stands on the lines: that is `tui.panes`.
"""

from typing import TYPE_CHECKING, Any, cast

from rich.segment import Segment
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from tui.view.spans import Line, fit_line, line_width

if TYPE_CHECKING:
    from tui.wire.app import WireApp


class LineWidget(Widget):
    """As many lines as it is high, each drawn in the looks of the app's palette."""

    ALLOW_SELECT = False
    DEFAULT_CSS = "LineWidget { width: auto; height: auto; }"

    def __init__(self, *, can_focus: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.can_focus = can_focus
        self.lines: list[Line] = []
        self._strips: dict[int, tuple[Line, int, object, Strip]] = {}

    @property
    def wire(self) -> "WireApp":
        """The app, by its own type."""
        return cast("WireApp", self.app)

    def put(self, lines: list[Line]) -> None:
        """Keep `lines`; rows that differ are drawn when Textual draws next."""
        changed = self._taken(lines)
        if changed and self.is_mounted:
            width = self.size.width
            self.refresh(*[Region(0, y, width, 1) for y in changed])

    def show(self, lines: list[Line]) -> None:
        """Show `lines` now; only rows that differ are sent."""
        changed = self._taken(lines)
        if changed and self.is_mounted:
            width = self.size.width
            self.wire.paint_lines(self, {y: self._line(y, width) for y in changed})

    def _taken(self, lines: list[Line]) -> list[int]:
        old, self.lines = self.lines, lines
        if old is lines:
            return []
        shared = min(len(old), len(lines))
        changed = [y for y in range(shared) if old[y] is not lines[y] and old[y] != lines[y]]
        changed += range(shared, max(len(old), len(lines)))
        height = self.size.height
        return [y for y in changed if y < height]

    def _line(self, y: int, width: int) -> Line:
        if y >= len(self.lines):
            return [(" " * width, "text")]
        line = self.lines[y]
        return line if line_width(line) == width else fit_line(line, width)

    # -- Textual's side --------------------------------------------------------------------

    def render_line(self, y: int) -> Strip:
        """One row as a Strip, kept until the line, the width or the palette is another."""
        width = self.size.width
        palette = self.wire.palette
        line = self.lines[y] if y < len(self.lines) else _NO_LINE
        kept = self._strips.get(y)
        if kept is not None and kept[0] is line and kept[1] == width and kept[2] is palette:
            return kept[3]
        rich = palette.rich
        strip = Strip([Segment(text, rich(role)) for text, role in self._line(y, width)], width)
        self._strips[y] = (line, width, palette, strip)
        return strip

    def render_lines(self, crop: Region) -> list[Strip]:
        """Rows for the compositor, past Textual's styles and filters: the palette says it all."""
        x, right = crop.x, crop.right
        whole = x == 0 and right == self.size.width
        strips = [self.render_line(y) for y in range(crop.y, crop.bottom)]
        return strips if whole else [strip.crop(x, right) for strip in strips]

    def get_content_width(self, container: Any, viewport: Any) -> int:
        """As wide as there is room; layouts of our own do not ask."""
        return cast("int", container.width)

    def get_content_height(self, container: Any, viewport: Any, width: int) -> int:
        """As high as what it shows."""
        return len(self.lines)


_NO_LINE: Line = []
