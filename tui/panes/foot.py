"""The last line: the keys that work on what is selected now, or a message that has just arrived."""

from functools import lru_cache

from tui.keys import keys_of
from tui.view.pane import Size
from tui.view.spans import Line, fit_line, line_width


@lru_cache(maxsize=64)
def _keys_line(screen: str, cells: int, read_only: bool) -> Line:
    rows = sorted((k for k in keys_of(screen, read_only) if k.foot), key=lambda k: k.foot)
    if screen == "dashboard":
        rows = [k for k in rows if k.action != "back"]
    line: Line = [(" ", "text")]
    for row in rows:
        piece: Line = [(row.shown, "key"), (f" {row.label}  ", "dim")]
        if line_width(line) + line_width(piece) > cells - (9 if read_only else 0):
            break
        line.extend(piece)
    if read_only:
        gap = cells - line_width(line) - 10
        line += [(" " * max(0, gap), "text"), ("read-only ", "unknown")]
    return fit_line(line, cells)


def draw_foot(screen: str, size: Size, read_only: bool, message: str = "", role: str = "text") -> Line:
    """One line. A message takes the place of the keys until the next key is pressed."""
    if message:
        return fit_line([(" ", "text"), (message, role)], size.width)
    return _keys_line(screen, size.width, read_only)
