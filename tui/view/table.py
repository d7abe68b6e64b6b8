"""A table as plain data: columns, rows, a filter, marks, and a cursor that belongs to an item.

Only the rows in sight are ever turned into lines, so a table of 10,000 agents costs what a
screenful costs. Which item stands in which row is `tui.view.order`'s to know. Not a widget:
`tui.panes.lists` puts one on the screen.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from tui.view.glyphs import Glyphs
from tui.view.order import Order
from tui.view.spans import Line, Span, cut, fit, fit_line, line_width, width

if TYPE_CHECKING:
    from core.filter import Field, FilterError, Query
    from core.filtercompletion import Completion

Fields = Mapping[str, "Field"]


class Drawn(NamedTuple):
    """What a cell may know beside its item: the wall time it is drawn for, and the glyphs.

    `wall` moves in steps (`calm_wall`), so that a table of ages is drawn anew every few seconds only.
    """

    wall: float
    glyphs: Glyphs


class Column(NamedTuple):
    """One column: `cell` gives its spans for an item, `key` what it is sorted by.

    `cells` is its fixed width; the one with `grow` takes what is left over. Of the default set,
    the columns with `shown`, those that do not fit go: the one with the highest `rank` first (rank 0
    never goes). Below 100 cells a column may `shrink` to that width. `best_last` sorts descending first
    (large numbers matter more). `help` is said where columns are chosen.
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
    help: str = ""
    shown: bool = True


class View(NamedTuple):
    """A way to look at a table that has a name. Without `columns` those that are there stay."""

    name: str
    filter: str = ""
    sort: str = ""
    descending: bool = False
    columns: tuple[str, ...] = ()
    help: str = ""


AGE_STEP_S = 5.0


def calm_wall(wall: float) -> float:
    """Wall time in steps of five seconds: ages that do not flicker, rows that need no drawing."""
    return wall - wall % AGE_STEP_S


def _least(column: Column, cells: int) -> int:
    return column.shrink if column.shrink and cells < 100 else column.cells


def _needed(columns: Sequence[Column], cells: int) -> int:
    return sum(_least(c, cells) + 1 for c in columns) - 1


def fit_columns(columns: Sequence[Column], cells: int) -> list[tuple[Column, int]]:
    """The columns of the default set that fit in `cells` cells, with their widths; a blank between two."""
    fitting = [c for c in columns if c.shown]
    while _needed(fitting, cells) > cells and any(c.rank for c in fitting):
        worst = max(c.rank for c in fitting)
        del fitting[max(i for i, c in enumerate(fitting) if c.rank == worst)]
    return _widened(fitting, cells)


def fit_chosen(columns: Sequence[Column], cells: int) -> list[tuple[Column, int]]:
    """The first of `columns` that fit in `cells` cells, in their order, with their widths; always one."""
    fitting = list(columns)
    while len(fitting) > 1 and _needed(fitting, cells) > cells:
        fitting.pop()
    return _widened(fitting, cells)


def _widened(fitting: list[Column], cells: int) -> list[tuple[Column, int]]:
    widths = [_least(c, cells) for c in fitting]
    spare = cells - _needed(fitting, cells)
    for i, c in enumerate(fitting):  # shrunk columns get their own width back first
        more = max(0, min(spare, c.cells - widths[i]))
        widths[i] += more
        spare -= more
    growing = sum(c.grow for c in fitting)
    if spare > 0 and growing:
        share = spare // growing
        for i, c in enumerate(fitting):
            widths[i] += share * c.grow
    return list(zip(fitting, widths, strict=True))


class TableState:
    """The state of one table: items, order, filter, columns, marks, cursor, scroll. Knows no widget.

    `identify` names an item for good: the cursor and the marks stay with that name while the
    rows around it come, go and move. `search` is the text that words of a filter are looked for in.
    `fields` are what else a filter may ask for, or a function that makes them when first needed;
    `views` the ways to look at this table that come with it. `name` says which table it is, for saving.
    """

    def __init__(
        self,
        columns: Sequence[Column],
        identify: Callable[[Any], str],
        search: Callable[[Any], str],
        sort: str = "",
        descending: bool = False,
        *,
        name: str = "",
        fields: Fields | Callable[[], Fields] | None = None,
        views: Sequence[View] = (),
    ) -> None:
        self.columns = tuple(columns)
        self.identify = identify
        self.search = search
        self.name = name
        self.views = tuple(views)
        self.sort = sort
        self.descending = descending
        self.filter_text = ""
        self.chosen_columns: tuple[str, ...] = ()
        self.left_out = 0
        self.cells = 0  # as wide as it was drawn last
        self.marks: set[str] = set()
        self.cursor = ""
        self.offset = 0
        self.wall = 0.0
        self._fields = fields
        self._query: Query | None = None
        self._order = Order(identify)
        self._anchor = ""
        self._row = 0
        self._looks = 0  # counts changes of columns and marks
        self._counted: tuple[object, tuple[int, int]] = (None, (0, 0))
        self._drawn: tuple[object, list[Line]] = (None, [])
        self._rows_drawn: dict[str, tuple[Any, object, Line]] = {}
        self._sort_rows()

    # -- rows and cursor -------------------------------------------------------------------

    @property
    def items(self) -> Sequence[Any]:
        """All items, as they were put."""
        return self._order.items

    @property
    def rows(self) -> list[Any]:
        """The items that are shown, in order."""
        return self._order.rows

    @property
    def names(self) -> list[str]:
        """The names of the rows."""
        return self._order.names

    @property
    def hidden(self) -> int:
        """How many items the filter hides."""
        return len(self.items) - len(self.rows)

    @property
    def cursor_row(self) -> int:
        """Row of the cursor among the rows shown, -1 if there is none."""
        names = self.names
        if not names:
            return -1
        if not (self._row < len(names) and names[self._row] == self.cursor):
            try:
                self._row = names.index(self.cursor)
            except ValueError:
                self._row = 0
        return self._row

    def current(self) -> Any | None:
        """The item under the cursor."""
        row = self.cursor_row
        return self.rows[row] if row >= 0 else None

    def put(self, items: Sequence[Any]) -> None:
        """Take new items; the cursor keeps its item, or its place. Costs little if few of them differ."""
        if items is not self.items:
            before = self.cursor_row
            self._order.put(items)
            self._settle(before)

    def at(self, wall: float) -> None:
        """It is `wall` now, in wall seconds: a filter of ages is asked again, at most each five seconds."""
        calm = calm_wall(wall)
        if calm != self.wall:
            self.wall = calm
            if self._query is not None and self._query.depends_on_time:
                before = self.cursor_row
                self._order.refresh()
                self._settle(before)

    def _settle(self, before: int) -> None:
        """The rows are others: the cursor goes where its item is, else to the row it was in.

        Where there are no rows it waits: a filter may let its item come back with the next letter.
        """
        names = self.names
        row = self._row
        if not names or (row < len(names) and names[row] == self.cursor):
            return
        if self.cursor not in names:
            self.cursor = names[min(max(before, 0), len(names) - 1)]

    def move(self, rows: int) -> None:
        """Move the cursor, stopping at both ends."""
        if self.names:
            self.to_row(min(max(self.cursor_row + rows, 0), len(self.names) - 1))

    def to_row(self, row: int) -> None:
        """Put the cursor on a row; negative counts from the end."""
        if self.names:
            self._row = min(row, len(self.names) - 1) if row >= 0 else len(self.names) - 1
            self.cursor = self.names[self._row]

    def scroll(self, height: int) -> int:
        """First row shown so that the cursor is in sight in `height` rows."""
        row = max(0, self.cursor_row)
        height = max(1, height)
        self.offset = min(max(self.offset, row - height + 1), row)
        self.offset = max(0, min(self.offset, max(0, len(self.rows) - height)))
        return self.offset

    # -- filter ----------------------------------------------------------------------------

    @property
    def fields(self) -> Fields:
        """What a filter may ask for beside words."""
        if callable(self._fields):
            self._fields = self._fields()
        return self._fields or {}

    def set_filter(self, text: str) -> "FilterError | None":
        """Show only the items that match; the cursor stays with its item if that is still shown.

        Returns what is wrong with `text`; then the filter that was in force stays so, but for a word
        that has turned out to be the beginning of a key (`cpu` on the way to `cpu>50`).
        """
        if text == self.filter_text:
            return None
        query = None
        if text.strip():
            from core.filter import FilterError, before_key, parse  # not before the first frame

            try:
                query = parse(text, self.fields)
            except FilterError as error:
                self.set_filter(before_key(self.filter_text, text))
                return error
        self.filter_text = text
        self._query = query
        before = self.cursor_row
        if query is None or not query.terms:
            self._order.select(None)
        else:
            self._order.select(lambda items: query.hits(items, self.search, self.wall))
        self._settle(before)
        self.offset = 0
        return None

    def complete(self, text: str, cursor: int) -> "Completion":
        """A filter that is being typed, completed as far as that is certain."""
        from core.filtercompletion import complete

        return complete(text, cursor, self.fields, self.values)

    def values(self, field: "Field") -> list[str]:
        """The values that `field` has in the items that are there."""
        found: set[str] = set()
        for item in self.items:
            value = field.value(item, self.wall)
            if isinstance(value, tuple | list | frozenset):
                found.update(map(str, value))
            elif value is not None and value != "":
                found.add(str(value))
        return list(found)

    # -- order -----------------------------------------------------------------------------

    def column(self, name: str) -> Column | None:
        """The column called `name`, None if there is none."""
        return next((c for c in self.columns if c.name == name), None)

    def next_sort(self, width_cells: int) -> Column:
        """Sort by the next of the columns in sight; the one after the last is the first."""
        shown = [c for c, _ in self.layout(width_cells)]
        at = next((i for i, c in enumerate(shown) if c.name == self.sort), -1)
        column = shown[(at + 1) % len(shown)]
        self.sort_by(column.name)
        return column

    def sort_by(self, name: str, descending: bool | None = None) -> None:
        """Sort by column `name`, in its natural direction unless told otherwise; "" is the items' own order."""
        column = self.column(name)
        self.sort = name if column is not None else ""
        natural = column.best_last if column is not None else False
        self.descending = natural if descending is None else descending
        self._sort_rows()

    def reverse(self) -> None:
        """The other way round."""
        self.descending = not self.descending
        self._sort_rows()

    def _sort_rows(self) -> None:
        before = self.cursor_row
        column = self.column(self.sort)
        self._order.sort(column.key if column is not None else None, self.descending)
        self._settle(before)

    # -- columns and views -----------------------------------------------------------------

    def choose(self, names: Sequence[str]) -> tuple[str, ...]:
        """Show these columns in this order, none of them: the default set. Returns names that are none of ours."""
        known = [name for name in dict.fromkeys(names) if self.column(name) is not None]
        self.chosen_columns = tuple(known)
        self._looks += 1
        return tuple(name for name in dict.fromkeys(names) if name not in known)

    def layout(self, cells: int) -> list[tuple[Column, int]]:
        """The columns that stand in `cells` cells, with their widths; `left_out` counts chosen ones without room."""
        if not self.chosen_columns:
            self.left_out = 0
            return fit_columns(self.columns, cells)
        by_name = {c.name: c for c in self.columns}
        chosen = [by_name[name] for name in self.chosen_columns]
        fitting = fit_chosen(chosen, cells)
        self.left_out = len(chosen) - len(fitting)
        return fitting

    def apply(self, view: View) -> str:
        """Look at the table as `view` says. Returns a sentence about what of it cannot be used, or ""."""
        wrong = self.set_filter(view.filter)
        if wrong is not None:
            return f"the filter of {view.name} cannot be used: {wrong}"
        unknown = self.choose(view.columns) if view.columns else ()
        if view.sort and self.column(view.sort) is None:
            unknown = (*unknown, view.sort)
        self.sort_by(view.sort, view.descending)
        return f"{view.name} names no column of this table: {', '.join(unknown)}" if unknown else ""

    def as_view(self, name: str) -> View:
        """The way the table is looked at now."""
        return View(name, self.filter_text, self.sort, self.descending, self.chosen_columns)

    # -- marks -----------------------------------------------------------------------------

    def toggle_mark(self) -> None:
        """Mark or unmark the row under the cursor, and go down one."""
        if self.names:
            self._anchor = self.names[self.cursor_row]
            self.marks ^= {self._anchor}
            self._looks += 1
            self.move(1)

    def mark_range(self) -> None:
        """Mark all rows from the one marked last to the one under the cursor."""
        if not self.names:
            return
        here = self.cursor_row
        there = self.names.index(self._anchor) if self._anchor in self.names else here
        self.marks.update(self.names[min(here, there) : max(here, there) + 1])
        self._anchor = self.names[here]
        self._looks += 1

    def clear_marks(self) -> None:
        """Unmark everything."""
        self.marks.clear()
        self._anchor = ""
        self._looks += 1

    def marked(self) -> list[Any]:
        """The marked items in the order of the rows, those that the filter hides as well."""
        if not self.marks:
            return []
        return [item for item in self._order.everything() if self.identify(item) in self.marks]

    def chosen(self) -> list[Any]:
        """What an action acts on: the marked items, or without marks the one under the cursor."""
        current = self.current()
        return self.marked() or ([] if current is None else [current])

    def marked_counts(self) -> tuple[int, int]:
        """How many items are marked, and how many of these the filter hides."""
        if not self.marks:
            return 0, 0
        key = (self._order.version, self._looks)
        if self._counted[0] != key:
            there = self._order.present(self.marks)
            self._counted = (key, (len(there), len(there.difference(self.names))))
        return self._counted[1]

    # -- lines -----------------------------------------------------------------------------

    def lines(self, cells: int, height: int, focused: bool, drawn: Drawn, title: str = "") -> list[Line]:
        """The heading and the rows in sight, `height` lines in all, each `cells` wide.

        `title` replaces the first column's where the table stands without a frame of its own.
        """
        self.cells = cells
        room = height - 1
        first = self.scroll(room)
        cursor = self.cursor_row if focused else -1
        look = (self._order.version, self._looks, self.sort, self.descending)
        key = (look, cursor, first, cells, height, drawn, title)
        if self._drawn[0] == key:
            return self._drawn[1]
        layout = self.layout(cells - 2)
        out = [self._heading(layout, cells, drawn.glyphs, title)]
        dress = (cells, drawn, self.chosen_columns)
        fresh: dict[str, tuple[Any, object, Line]] = {}
        rows, names = self.rows, self.names
        for at in range(first, min(first + room, len(rows))):
            item, name = rows[at], names[at]
            kept = self._rows_drawn.get(name)
            if kept is None or kept[0] is not item or kept[1] != dress:
                kept = (item, dress, self._line(layout, item, cells, drawn))
            fresh[name] = kept
            out.append(_dressed(kept[2], at == cursor, name in self.marks, drawn.glyphs))
        self._rows_drawn = fresh
        while len(out) < height:
            out.append([(" " * cells, "text")])
        self._drawn = (key, out[:height])
        return self._drawn[1]

    def sample(self, cells: int, height: int, drawn: Drawn) -> list[Line]:
        """Heading and first rows in sight, as a taste: at most `height` lines; scrolls nothing."""
        layout = self.layout(cells - 2)
        rows = self.rows[self.offset : self.offset + height - 1]
        return [
            self._heading(layout, cells, drawn.glyphs, ""),
            *(self._line(layout, item, cells, drawn) for item in rows),
        ]

    def _heading(self, layout: list[tuple[Column, int]], cells: int, glyphs: Glyphs, first: str) -> Line:
        line: Line = [(" ", "dim")]
        for i, (column, size) in enumerate(layout):
            named = i == 0 and column is self.columns[0] and 0 < width(first) <= size
            title = first if named else column.title
            role = "dim"
            if column.name == self.sort:
                role = "accent"
                arrow = glyphs.down if self.descending else glyphs.up
                title = title if width(title) >= size else title + arrow
            line.append((fit(title, size, column.align) + (" " if i < len(layout) - 1 else ""), role))
        return _padded(line, cells)

    def _line(self, layout: list[tuple[Column, int]], item: Any, cells: int, drawn: Drawn) -> Line:
        line: Line = [(" ", "text")]
        for i, (column, size) in enumerate(layout):
            line.extend(_cell(column.cell(item, drawn), size, column.align))
            if i < len(layout) - 1:
                line.append((" ", "text"))
        return _padded(line, cells)


def _dressed(line: Line, selected: bool, marked: bool, glyphs: Glyphs) -> Line:
    """A row with what shows that it is marked or under the cursor: a sign in front, not colours alone.

    Under the cursor the mark goes to the row's end: both must be seen.
    """
    if selected:
        text = glyphs.cursor + "".join(text for text, _ in line)[1:]
        return [(text[:-1] + glyphs.mark if marked and text[-1] == " " else text, "selected")]
    return [(glyphs.mark, "marked"), *line[1:]] if marked else line


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
