"""The last line: the keys that work on what is selected now, or a message that has just arrived."""

from functools import lru_cache

from tui.keys import keys_of
from tui.view.pane import Size
from tui.view.spans import Line, fit_line, line_width


@lru_cache(maxsize=64)
def _keys_line(screen: str, cells: int, read_only: bool, notes: str) -> Line:
    rows = sorted((k for k in keys_of(screen, read_only) if k.foot), key=lambda k: k.foot)
    if screen == "dashboard":
        rows = [k for k in rows if k.action != "back"]
    line: Line = [(" ", "text")]
    right = ", ".join([notes, "read-only"] if notes and read_only else [notes or "read-only"])
    taken = len(right) + 1 if notes or read_only else 0  # and a blank at the edge
    for row in rows:
        piece: Line = [(row.shown, "key"), (f" {row.label}  ", "dim")]
        if line_width(line) + line_width(piece) > cells - taken:
            break
        line.extend(piece)
    if taken:
        gap = cells - line_width(line) - taken
        line += [(" " * max(0, gap), "text"), (right + " ", "unknown")]
    return fit_line(line, cells)


def draw_foot(
    screen: str, size: Size, read_only: bool, message: str = "", role: str = "text", notes: str = ""
) -> Line:
    """One line: the keys, then `notes`. A message takes the place of both until the next key is pressed."""
    if message:
        return fit_line([(" ", "text"), (message, role)], size.width)
    return _keys_line(screen, size.width, read_only, notes)
