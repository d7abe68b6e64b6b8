"""A table as plain data: columns, an order that holds still, a cursor that belongs to an item.

Only the rows in sight are ever turned into lines, so a table of 10,000 agents costs what a
screenful costs. Not a widget: `tui.widgets.table` puts one on the screen.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from tui.view.glyphs import Glyphs
from tui.view.spans import Line, Span, cut, fit, fit_line, line_width, width


class Drawn(NamedTuple):
    """What a cell may know beside its item: the wall time it is drawn for, and the glyphs.

    `wall` moves in steps (`calm_wall`), so that a table of ages is drawn anew every few seconds only.
    """

    wall: float
    glyphs: Glyphs


class Column(NamedTuple):
    """One column: `cell` gives its spans for an item, `key` what it is sorted by.

    `cells` is its fixed width; the one with `grow` takes what is left over. Of columns that do
    not fit, the one with the highest `rank` goes first (rank 0 never goes). Below 100 cells a
    column may `shrink` to that width. `best_last` sorts descending first (large numbers matter more).
    """

    name: str
    title: str
    cells: int
    cell: Callable[[Any, Drawn], Line]
    key: Callable[[Any], Any]
    align: str = "<"
    rank: int = 0
    grow: int = 0
    best_last: bool = False
    shrink: int = 0


AGE_STEP_S = 5.0


def calm_wall(wall: float) -> float:
    """Wall time in steps of five seconds: ages that do not flicker, rows that need no drawing."""
    return wall - wall % AGE_STEP_S


class Match(NamedTuple):
    """A filter: all `words` must occur in an item's text, none of `without` may."""

    words: tuple[str, ...] = ()
    without: tuple[str, ...] = ()

    def __call__(self, text: str) -> bool:
        folded = text.casefold()
        return all(w in folded for w in self.words) and not any(w in folded for w in self.without)


def parse_filter(text: str) -> Match:
    """`working !retired` → must hold "working", must not hold "retired"; letter case is ignored."""
    words = [w.casefold() for w in text.split()]
    return Match(
        tuple(w for w in words if not w.startswith("!")),
        tuple(w[1:] for w in words if w.startswith("!") and len(w) > 1),
    )


def fit_columns(columns: Sequence[Column], cells: int) -> list[tuple[Column, int]]:
    """The columns that fit in `cells` cells, with their widths; one blank stands between two."""
    chosen = list(columns)

    def least(column: Column) -> int:
        return column.shrink if column.shrink and cells < 100 else column.cells

    def needed() -> int:
        return sum(least(c) + 1 for c in chosen) - 1

    while needed() > cells and any(c.rank for c in chosen):
        worst = max(c.rank for c in chosen)
        last = max(i for i, c in enumerate(chosen) if c.rank == worst)
        del chosen[last]
    widths = [least(c) for c in chosen]
    spare = cells - needed()
    for i, c in enumerate(chosen):  # shrunk columns get their own width back first
        more = max(0, min(spare, c.cells - widths[i]))
        widths[i] += more
        spare -= more
    growing = sum(c.grow for c in chosen)
    if spare > 0 and growing:
        share = spare // growing
        for i, c in enumerate(chosen):
            widths[i] += share * c.grow
    return list(zip(chosen, widths, strict=True))


class TableState:
    """The state of one table: items, order, filter, marks, cursor, scroll. Knows no widget.

    `identify` names an item for good: the cursor and the marks stay with that name while the
    rows around it come, go and move.
    """

    def __init__(
        self,
        columns: Sequence[Column],
        identify: Callable[[Any], str],
        search: Callable[[Any], str],
        sort: str = "",
        descending: bool = False,
    ) -> None:
        self.columns = tuple(columns)
        self.identify = identify
        self.search = search
        self.sort = sort
        self.descending = descending
        self.filter_text = ""
        self.items: Sequence[Any] = ()
        self.rows: list[Any] = []
        self.names: list[str] = []
        self.cursor = ""
        self.offset = 0
        self.hidden = 0
        self._version = 0
        self._drawn: tuple[object, list[Line]] = (None, [])
        self._rows_drawn: dict[str, tuple[Any, object, Line]] = {}

    @property
    def cursor_row(self) -> int:
        """Row of the cursor among the rows shown, -1 if there is none."""
        if not self.names:
            return -1
        try:
            return self.names.index(self.cursor)
        except ValueError:
            return 0

    def current(self) -> Any | None:
        """The item under the cursor."""
        row = self.cursor_row
        return self.rows[row] if row >= 0 else None

    def put(self, items: Sequence[Any]) -> None:
        """Take new items. The order is worked out again; the cursor keeps its item, or its place."""
        if items is self.items:
            return
        self.items = items
        self._order()

    def _order(self) -> None:
        before = self.cursor_row
        match = parse_filter(self.filter_text)
        rows = list(self.items)
        if self.filter_text.strip():
            rows = [item for item in rows if match(self.search(item))]
        self.hidden = len(self.items) - len(rows)
        column = next((c for c in self.columns if c.name == self.sort), None)
        if column is not None:
            key = column.key
            known = [r for r in rows if key(r) is not None]
            known.sort(key=key, reverse=self.descending)
            rows = known + [r for r in rows if key(r) is None]  # unknown is neither first nor zero
        elif self.descending:
            rows = rows[::-1]
        self._version += 1
        self.rows = rows
        self.names = [self.identify(r) for r in rows]
        if self.cursor not in self.names:
            self.cursor = self.names[min(max(before, 0), len(rows) - 1)] if rows else ""

    def set_filter(self, text: str) -> None:
        """Show only the items that match; the cursor stays with its item if that is still shown."""
        if text != self.filter_text:
            self.filter_text = text
            self._order()
            self.offset = 0

    def next_sort(self, width_cells: int) -> Column:
        """Sort by the next of the columns in sight; the one after the last is the first."""
        shown = [c for c, _ in fit_columns(self.columns, width_cells)]
        at = next((i for i, c in enumerate(shown) if c.name == self.sort), -1)
        column = shown[(at + 1) % len(shown)]
        self.sort_by(column.name)
        return column

    def sort_by(self, name: str, descending: bool | None = None) -> None:
        """Sort by column `name`, in its natural direction unless told otherwise."""
        column = next(c for c in self.columns if c.name == name)
        self.sort = name
        self.descending = column.best_last if descending is None else descending
        self._order()

    def reverse(self) -> None:
        """The other way round."""
        self.descending = not self.descending
        self._order()

    def move(self, rows: int) -> None:
        """Move the cursor, stopping at both ends."""
        if self.names:
            self.cursor = self.names[min(max(self.cursor_row + rows, 0), len(self.names) - 1)]

    def to_row(self, row: int) -> None:
        """Put the cursor on a row; negative counts from the end."""
        if self.names:
            self.cursor = self.names[min(max(row, 0), len(self.names) - 1)] if row >= 0 else self.names[-1]

    def scroll(self, height: int) -> int:
        """First row shown so that the cursor is in sight in `height` rows."""
        row = max(0, self.cursor_row)
        height = max(1, height)
        self.offset = min(max(self.offset, row - height + 1), row)
        self.offset = max(0, min(self.offset, max(0, len(self.rows) - height)))
        return self.offset

    def lines(self, cells: int, height: int, focused: bool, drawn: Drawn, title: str = "") -> list[Line]:
        """The heading and the rows in sight, `height` lines in all, each `cells` wide.

        `title` replaces the first column's where the table stands without a frame of its own.
        """
        room = height - 1
        first = self.scroll(room)
        cursor = self.cursor_row if focused else -1
        key = (self._version, cursor, first, cells, height, drawn, title, self.sort, self.descending)
        if self._drawn[0] == key:
            return self._drawn[1]
        layout = fit_columns(self.columns, cells - 2)
        out = [self._heading(layout, cells, drawn.glyphs, title)]
        look = (cells, drawn)
        fresh: dict[str, tuple[Any, object, Line]] = {}
        for at in range(first, min(first + room, len(self.rows))):
            item, name = self.rows[at], self.names[at]
            kept = self._rows_drawn.get(name)
            if kept is None or kept[0] is not item or kept[1] != look:
                kept = (item, look, self._row(layout, item, cells, drawn))
            fresh[name] = kept
            out.append(_selected(kept[2], drawn.glyphs) if at == cursor else kept[2])
        self._rows_drawn = fresh
        while len(out) < height:
            out.append([(" " * cells, "text")])
        self._drawn = (key, out[:height])
        return self._drawn[1]

    def _heading(self, layout: list[tuple[Column, int]], cells: int, glyphs: Glyphs, first: str) -> Line:
        line: Line = [(" ", "dim")]
        for i, (column, size) in enumerate(layout):
            title = first if i == 0 and 0 < width(first) <= size else column.title
            role = "dim"
            if column.name == self.sort:
                role = "accent"
                arrow = glyphs.down if self.descending else glyphs.up
                title = title if width(title) >= size else title + arrow
            line.append((fit(title, size, column.align) + (" " if i < len(layout) - 1 else ""), role))
        return _padded(line, cells)

    def _row(self, layout: list[tuple[Column, int]], item: Any, cells: int, drawn: Drawn) -> Line:
        line: Line = [(" ", "text")]
        for i, (column, size) in enumerate(layout):
            line.extend(_cell(column.cell(item, drawn), size, column.align))
            if i < len(layout) - 1:
                line.append((" ", "text"))
        return _padded(line, cells)


def _selected(line: Line, glyphs: Glyphs) -> Line:
    """A row under the cursor: a mark in front as well as the colours, which may be missing."""
    return [(glyphs.cursor + "".join(text for text, _ in line)[1:], "selected")]


def _cell(spans: Line, size: int, align: str) -> Line:
    """Spans in exactly `size` cells."""
    used = line_width(spans)
    if used == size:
        return spans
    if used < size:
        pad: Span = (" " * (size - used), "text")
        return [pad, *spans] if align == ">" else [*spans, pad]
    out: Line = []
    left = size
    for text, role in spans:
        if left <= 0:
            break
        piece = cut(text, left)
        out.append((piece, role))
        left -= width(piece)
        if piece != text:
            break
    if left > 0:
        out.append((" " * left, "text"))
    return out


def _padded(line: Line, cells: int) -> Line:
    used = line_width(line)
    if used < cells:
        return [*line, (" " * (cells - used), "text")]
    return line if used == cells else fit_line(line, cells)
