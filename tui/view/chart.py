"""Charts of recent history in Braille cells (two columns, four dots each), or in ASCII.

Columns keep their partners: the n-th column ever observed is always the left or always the
right half of a cell, so the picture moves one whole cell at a time and between two moves only
the last cell changes. On a thin wire that is the cost of a chart.
"""

import math
from collections.abc import Sequence

from core.alerts.rules import OPERATORS
from core.snapshot import Chart
from tui.view.glyphs import Glyphs
from tui.view.spans import Line

# Dots of a Braille cell from bottom to top, left and right column (Unicode block U+2800).
_LEFT = (0x00, 0x40, 0x44, 0x46, 0x47)
_RIGHT = (0x00, 0x80, 0xA0, 0xB0, 0xB8)
_ASCII = " .:|#"
# The second row of dots from below, in both columns: where a line of one cell's height has its limit.
_RAIL = (0x04, 0x20)
_ASCII_RAIL = {0: "_", 1: ".", 3: "#"}
_ZERO = "_"

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
    clear: float | None = None,
) -> list[Line]:
    """`rows` lines of `cells` cells, the top one first; 0 to `high`, `target` and `clear` as thin lines.

    A gap stays empty. The newest cell has the role `chart_last`. The cells before it are kept from
    one call to the next, by `name`, since they change only when a column is completed.
    """
    columns = columns_of(chart, cells)
    thin = tuple(row for limit in (target, clear) if (row := row_of(limit, rows, high)) >= 0)
    key = (name, cells, rows, high, thin, glyphs.ascii)
    body = columns[:-2]
    kept = _kept.get(key)
    if kept is None or kept[0] != body:
        if len(_kept) >= _KEPT_CHARTS:
            _kept.clear()
        kept = (body, _cells(body, rows, high, thin, "chart", glyphs))
        _kept[key] = kept
    newest = _cells(columns[-2:], rows, high, thin, "chart_last", glyphs)
    return [[*line, *last] for line, last in zip(kept[1], newest, strict=True)]


def row_of(limit: float | None, rows: int, high: float) -> int:
    """The row, counted from below, in which a thin line at `limit` stands; -1 where there is none."""
    if limit is None or rows <= 1 or not 0 < limit < high:
        return -1
    return min(rows - 1, int(limit / high * rows))


def _cells(
    values: list[Column], rows: int, high: float, thin: tuple[int, ...], role: str, glyphs: Glyphs
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
            elif row in thin:
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
        return _ZERO
    return chr(0x2800 | (0x40 if left == 0 else 0) | (0x80 if right == 0 else 0))


def spark(
    chart: Chart | None, cells: int, op: str, limit: float, roles: tuple[str, str, str], glyphs: Glyphs
) -> Line:
    """One line of `cells` cells that shows which values were beyond `limit` (`value op limit`), and how near the rest.

    The limit is a rail of dots in the second row from below. Columns above it have the third row too; of those
    below it, the ones beyond half of the limit have the first. The fourth stays free, so that lines one under
    another do not touch. A gap is a gap, in the rail as well. `roles` are those of cells with a value beyond the
    limit, of others, and of the newest one of these.
    """
    columns = columns_of(chart, cells)
    beyond = OPERATORS.get(op, OPERATORS[">"])
    line: Line = []
    for cell in range(cells):
        pair = columns[2 * cell : 2 * cell + 2]
        known = [value for value in pair if value is not None]
        char = _rail(pair, op, limit, glyphs) if known else " "
        plain = roles[2] if cell == cells - 1 else roles[1]
        role = roles[0] if any(beyond(value, limit) for value in known) else plain
        if line and line[-1][1] == role:
            line[-1] = (line[-1][0] + char, role)
        else:
            line.append((char, role))
    return line


def _rail(pair: Sequence[Column], op: str, limit: float, glyphs: Glyphs) -> str:
    heights = [None if value is None else _height(value, op, limit) for value in pair]
    if glyphs.ascii:
        found = [height for height in heights if height is not None]
        worst = min(found) if op in ("<", "<=") else max(found)
        return _ASCII_RAIL[worst]
    bits = 0x2800
    for dots, height, rail in zip((_LEFT, _RIGHT), heights, _RAIL, strict=True):
        if height is not None:
            bits |= dots[height] | rail
    return chr(bits)


def _height(value: float, op: str, limit: float) -> int:
    """Dots of a column beside the rail. A value at the limit stands on the side on which it counts."""
    above = value >= limit if op in (">=", "<", "==") else value > limit
    return 3 if above else 1 if value > limit / 2 else 0


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
