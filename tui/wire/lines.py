"""A widget that shows lines of spans: the only kind that our panes are made of.

It never causes layout, keeps no state but its lines, and sends only the lines that changed:
past Textual's compositor where that is safe (`WireApp.paint_lines`), else through it.
"""

from typing import TYPE_CHECKING, cast

from rich.segment import Segment
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from tui.view.spans import Line, line_width

if TYPE_CHECKING:
    from tui.wire.app import WireApp


class LineWidget(Widget):
    """Lines of `(text, role)`, the look of a role from the app's palette."""

    ALLOW_SELECT = False

    def __init__(self, id: str | None = None, can_focus: bool = False) -> None:
        super().__init__(id=id)
        self.can_focus = can_focus
        self.lines: list[Line] = []
        self._strips: dict[int, tuple[Line, object, Strip]] = {}

    def put(self, lines: list[Line]) -> None:
        """Take new lines without drawing: for when everything is about to be drawn anyway."""
        self.lines = lines

    def show(self, lines: list[Line]) -> None:
        """Take new lines and draw those that differ from the ones before."""
        old = self.lines
        if lines is old:
            return
        self.lines = lines
        known = len(old)
        changed = [
            y for y, line in enumerate(lines) if y >= known or (line is not old[y] and line != old[y])
        ]
        changed += range(len(lines), known)
        if changed:
            cast("WireApp", self.app).paint_lines(self, changed)

    def line(self, y: int) -> Line:
        """Line `y`, empty beyond the last."""
        return self.lines[y] if 0 <= y < len(self.lines) else []

    def render_line(self, y: int) -> Strip:
        """Line `y` as Textual wants it, exactly as wide as the widget."""
        line = self.line(y)
        cells = self.size.width
        palette = cast("WireApp", self.app).palette
        kept = self._strips.get(y)
        if kept is not None and kept[0] is line and kept[1] is palette and kept[2].cell_length == cells:
            return kept[2]
        segments = [Segment(text, palette.rich(role)) for text, role in line]
        strip = Strip(segments).adjust_cell_length(cells, palette.rich("text"))
        self._strips[y] = (line, palette, strip)
        return strip

    def render_lines(self, crop: Region) -> list[Strip]:
        """The lines in `crop`. No borders, no padding, no opacity: Textual's style cache is not needed."""
        left, right = crop.x, crop.right
        whole = left == 0 and right >= self.size.width
        strips = []
        for y in range(crop.y, crop.bottom):
            strip = self.render_line(y)
            strips.append(strip if whole else strip.crop(left, right))
        return strips

    def runs(self, y: int) -> list[tuple[str, str]]:
        """Line `y` as text and SGR codes, exactly as wide as the widget."""
        palette = cast("WireApp", self.app).palette
        line = self.line(y)
        runs = [(text, palette.sgr(role)) for text, role in line]
        missing = self.size.width - line_width(line)
        if missing > 0:
            runs.append((" " * missing, palette.base))
        return runs
