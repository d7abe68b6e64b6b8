"""Charts of recent history in Braille cells (two columns, four dots each), or in ASCII.

Columns keep their partners: the n-th column ever observed is always the left or always the
right half of a cell, so the picture moves one whole cell at a time and between two moves only
the last cell changes. On a thin wire that is the cost of a chart.
"""

import math

from core.snapshot import Chart
from tui.view.glyphs import Glyphs
from tui.view.spans import Line

# Dots of a Braille cell from bottom to top, left and right column (Unicode block U+2800).
_LEFT = (0x00, 0x40, 0x44, 0x46, 0x47)
_RIGHT = (0x00, 0x80, 0xA0, 0xB0, 0xB8)
_ASCII = " .:|#"

Column = float | None


def columns_of(chart: Chart | None, cells: int) -> list[Column]:
    """The newest columns that fill `cells` cells, oldest first, two a cell, the unfilled ones None."""
    wanted = 2 * cells
    if chart is None:
        return [None] * wanted
    newest = [*chart.columns, chart.partial]
    if (chart.completed + 1) % 2:  # the column being filled is a left half: its partner is to come
        newest.append(None)
    newest = newest[-wanted:]
    return [None] * (wanted - len(newest)) + newest


def nice_ceiling(value: float) -> float:
    """The next of 1, 2, 5 x 10^n at or above `value`, so that a scale does not change all the time."""
    if value <= 0:
        return 1.0
    base: float = 10.0 ** math.floor(math.log10(value))
    for step in (1, 2, 5, 10):
        if value <= step * base * 1.0000001:
            return step * base
    return 10 * base


def _dots(value: Column, high: float, rows: int) -> int:
    """Height of a column in dots; something above zero is always at least one dot."""
    if value is None:
        return -1
    if value <= 0 or high <= 0:
        return 0
    return max(1, min(4 * rows, round(value / high * 4 * rows)))


# Charts as they were drawn last, by what else decides their look: all columns but the newest cell's,
# and the lines of those.
_KEPT_CHARTS = 32
_kept: dict[tuple[object, ...], tuple[list[Column], list[Line]]] = {}


def chart_lines(
    chart: Chart | None,
    cells: int,
    rows: int,
    high: float,
    target: float | None,
    glyphs: Glyphs,
    name: str = "",
) -> list[Line]:
    """`rows` lines of `cells` cells, the top one first; 0 to `high`, `target` as a thin line.

    A gap stays empty. The newest cell has the role `chart_last`. The cells before it are kept from
    one call to the next, by `name`, since they change only when a column is completed.
    """
    columns = columns_of(chart, cells)
    target_row = -1
    if target is not None and rows > 1 and 0 < target < high:
        target_row = min(rows - 1, int(target / high * rows))
    key = (name, cells, rows, high, target_row, glyphs.ascii)
    body = columns[:-2]
    kept = _kept.get(key)
    if kept is None or kept[0] != body:
        if len(_kept) >= _KEPT_CHARTS:
            _kept.clear()
        kept = (body, _cells(body, rows, high, target_row, "chart", glyphs))
        _kept[key] = kept
    newest = _cells(columns[-2:], rows, high, target_row, "chart_last", glyphs)
    return [[*line, *last] for line, last in zip(kept[1], newest, strict=True)]


def _cells(
    values: list[Column], rows: int, high: float, target_row: int, role: str, glyphs: Glyphs
) -> list[Line]:
    columns = [_dots(v, high, rows) for v in values]
    lines: list[Line] = []
    for row in range(rows - 1, -1, -1):
        floor = 4 * row
        line: Line = []
        for cell in range(len(columns) // 2):
            left = columns[2 * cell] - floor
            right = columns[2 * cell + 1] - floor
            char, shown = " ", role
            if left > 0 or right > 0:
                char = _char(left, right, glyphs)
            elif row == 0 and (left == 0 or right == 0):
                char = _zero(left, right, glyphs)
            elif row == target_row:
                char, shown = glyphs.target, "target"
            if line and line[-1][1] == shown:
                line[-1] = (line[-1][0] + char, shown)
            else:
                line.append((char, shown))
        lines.append(line)
    return lines


def _char(left: int, right: int, glyphs: Glyphs) -> str:
    if glyphs.ascii:
        return _ASCII[max(0, min(4, max(left, right)))]
    return chr(0x2800 | _LEFT[max(0, min(4, left))] | _RIGHT[max(0, min(4, right))])


def _zero(left: int, right: int, glyphs: Glyphs) -> str:
    """The lowest cell of columns that are exactly zero: a base line, so that zero is not a gap."""
    if glyphs.ascii:
        return "_"
    return chr(0x2800 | (0x40 if left == 0 else 0) | (0x80 if right == 0 else 0))


def peak(chart: Chart | None) -> float | None:
    """The largest value that a chart holds, None if it holds none."""
    if chart is None:
        return None
    values = [v for v in (*chart.columns, chart.partial) if v is not None]
    return max(values, default=None)


def bar(percent: float | None, cells: int, glyphs: Glyphs) -> Line:
    """A horizontal bar of `cells` cells; unknown is blank, anything above zero at least one cell."""
    if percent is None:
        return [(" " * cells, "text")]
    full = max(0, min(cells, round(percent / 100 * cells)))
    if percent > 0:
        full = max(1, full)
    line: Line = []
    if full:
        line.append((glyphs.bar * full, "bar"))
    if full < cells:
        line.append((glyphs.bar_rest * (cells - full), "bar_rest"))
    return line
