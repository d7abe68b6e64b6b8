"""Which columns a table has and in which order, on a screen of its own; each change holds at once."""

from typing import ClassVar, NamedTuple

from core.snapshot import Snapshot
from tui.panes.lists import draw_list
from tui.screens.base import BluetopScreen, bindings_of
from tui.view.layout import Rect
from tui.view.pane import Size, Ui
from tui.view.spans import Line, fit_line
from tui.view.table import Column, Drawn, TableState, calm_wall

_SAMPLE = 6  # lines at the bottom that show how the table will look


class Choice(NamedTuple):
    """One column of the table. `room` is whether it fits in the table as wide as it is now."""

    column: Column
    on: bool
    room: bool


def _help(choice: Choice, drawn: Drawn) -> Line:
    line: Line = [("no room; ", "medium")] if choice.on and not choice.room else []
    return [*line, (choice.column.help, "dim")]


COLUMNS: tuple[Column, ...] = (
    Column("on", "", 3, lambda c, d: [("[x]" if c.on else "[ ]", "accent" if c.on else "dim")], lambda c: not c.on),
    Column("name", "COLUMN", 14, lambda c, d: [(c.column.name, "text" if c.on else "dim")], lambda c: c.column.name),
    Column("title", "TITLE", 10, lambda c, d: [(c.column.title, "dim")], lambda c: c.column.title),
    Column("help", "WHAT IT SHOWS", 20, _help, lambda c: c.column.help, grow=1),
)  # fmt: skip


class ColumnsScreen(BluetopScreen):
    """All columns of a table, those that are shown first and in their order."""

    kind = "columns"
    names: ClassVar[tuple[str, ...]] = ("body", "sample")
    focus_order: ClassVar[tuple[str, ...]] = ("body",)
    opens: ClassVar[dict[str, str]] = {}
    BINDINGS = bindings_of("columns")

    def __init__(self, of: TableState, name: str) -> None:
        super().__init__()
        self.of = of
        self.of_name = name
        self.rows = TableState(COLUMNS, lambda c: c.column.name, lambda c: c.column.name, name="columns")
        self._start()

    @property
    def table(self) -> TableState:
        """The list of columns."""
        return self.rows

    @property
    def where(self) -> str:
        """Whose columns they are."""
        return f"{self.of_name} > columns"

    def rects(self, width: int, height: int) -> dict[str, Rect]:
        """The list, and below it how the table looks."""
        return {
            "body": Rect(0, 3, width, height - 4 - _SAMPLE),
            "sample": Rect(0, height - 1 - _SAMPLE, width, _SAMPLE),
        }

    def table_at(self, name: str) -> TableState | None:
        """The sample cannot be clicked."""
        return self.rows if name == "body" else None

    def draw(self, name: str, size: Size, ui: Ui) -> list[Line]:
        """The list in its frame, or the sample below a rule."""
        wall = self.snap.wall
        if name == "body":
            return draw_list(self.rows, "COLUMNS", size, ui, wall)
        said = f" {self.of_name.upper()} "
        more = self.of.left_out
        said += f"({more} more without room) " if more else ""
        rule: Line = [(ui.glyphs.rule, "border"), (said, "title"), (ui.glyphs.rule * size.width, "border")]
        cells = min(self._cells, size.width)
        lines = self.of.sample(cells, size.height - 1, Drawn(calm_wall(wall), ui.glyphs))
        return [fit_line(line, size.width) for line in [_cut(rule, size.width), *lines, *[[]] * size.height]][
            : size.height
        ]

    def absorb(self, snap: Snapshot) -> None:
        """Nothing here comes from a snapshot but the sample."""

    # -- the choice ------------------------------------------------------------------------

    @property
    def _cells(self) -> int:
        """How wide the table was drawn last; before it ever was, like the smallest terminal."""
        return self.of.cells or 80

    def _shown(self) -> list[str]:
        return [column.name for column, _ in self.of.layout(self._cells - 2)]

    def _start(self) -> None:
        """The list as the table is now. Of the default set that is what can be seen of it."""
        there = self._shown()
        on = self.of.chosen_columns or tuple(there)
        order = [*self.of.chosen_columns, *(c.name for c in self.of.columns)]
        columns = [c for name in dict.fromkeys(order) if (c := self.of.column(name)) is not None]
        self.rows.put(tuple(Choice(c, c.name in on, c.name in there) for c in columns))

    def _choose(self, choices: list[Choice]) -> None:
        """Show what is on, in the order of the list."""
        self.of.choose([c.column.name for c in choices if c.on])
        there = self._shown()
        self.rows.put(tuple(c._replace(room=c.column.name in there) for c in choices))
        self._changed()

    def _changed(self) -> None:
        self.owner.choices.remember(self.of_name, self.of)
        self.redraw("body", "sample")

    def action_show_column(self) -> None:
        """The column under the cursor on or off; one always stays."""
        choices: list[Choice] = list(self.rows.rows)
        at = self.rows.cursor_row
        if choices[at].on and sum(c.on for c in choices) == 1:
            self.say("one column must stay", "medium")
            return
        choices[at] = choices[at]._replace(on=not choices[at].on)
        self._choose(choices)

    def action_enter(self) -> None:
        """A click on the selected column."""
        self.action_show_column()

    def action_reorder(self, step: int) -> None:
        """The column under the cursor one place up or down."""
        choices: list[Choice] = list(self.rows.rows)
        at = self.rows.cursor_row
        if 0 <= at + step < len(choices):
            choices.insert(at + step, choices.pop(at))
            self._choose(choices)

    def action_defaults(self) -> None:
        """The default set again."""
        self.of.choose(())
        self._start()
        self._changed()
        self.say("the default set of columns; as many as fit")

    def action_sort_here(self) -> None:
        """Sort the table by the column under the cursor; again: the other way round."""
        name = self.rows.cursor
        if self.of.sort == name:
            self.of.reverse()
        else:
            self.of.sort_by(name)
        self.redraw("sample")
        self.say(f"sorted by {name}{', the largest first' if self.of.descending else ''}")


def _cut(rule: Line, cells: int) -> Line:
    """A rule of exactly `cells` cells, without the ellipsis of a cut text."""
    used = sum(len(text) for text, _ in rule[:-1])
    return [*rule[:-1], (rule[-1][0][: max(0, cells - used)], rule[-1][1])]
