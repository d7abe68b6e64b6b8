"""The views of a table: those that come with it and the operator's own; to be used, saved, removed."""

from typing import ClassVar, NamedTuple

from core.snapshot import Snapshot
from tui.choices import no_view_name
from tui.panes.lists import draw_list
from tui.screens.base import BluetopScreen, bindings_of
from tui.screens.prompt import Asking
from tui.view.pane import Size, Ui
from tui.view.spans import Line
from tui.view.table import Column, Drawn, TableState, View


class Entry(NamedTuple):
    """One row: a view, and whether the operator saved it."""

    view: View
    own: bool


def _sort(entry: Entry, drawn: Drawn) -> Line:
    view = entry.view
    if not view.sort:
        return [("-", "dim")]
    return [(view.sort, "text"), (drawn.glyphs.down if view.descending else drawn.glyphs.up, "accent")]


def _told(entry: Entry, drawn: Drawn) -> Line:
    view = entry.view
    line: Line = [(view.filter, "text")] if view.filter else []
    if view.help:
        line += [("  " if line else "", "text"), (view.help, "dim")]
    return line or [("everything", "dim")]


COLUMNS: tuple[Column, ...] = (
    Column("name", "VIEW", 22, lambda e, d: [(e.view.name, "text")], lambda e: e.view.name.casefold(), shrink=16),
    Column("own", "", 8, lambda e, d: [("yours" if e.own else "built in", "dim")], lambda e: e.own, rank=2),
    Column("sort", "SORTED BY", 12, _sort, lambda e: e.view.sort, rank=1),
    Column("columns", "COLUMNS", 8, lambda e, d: [(str(len(e.view.columns) or "-"), "dim")],
           lambda e: len(e.view.columns), ">", 3),
    Column("filter", "FILTER", 20, _told, lambda e: e.view.filter, grow=1),
)  # fmt: skip


class NameAsking(Asking):
    """The name under which the table as it stands is saved."""

    placeholder = "name of the view: letters, digits, blanks, _ or -"

    def __init__(self, screen: "ViewsScreen") -> None:
        super().__init__()
        self.screen = screen

    def typed(self, text: str, cells: int, left: int) -> Line | None:
        """Say at once what is no name."""
        problem = no_view_name(text.strip()) if text.strip() else ""
        return [(" ", "text"), (problem, "high")] if problem else None

    def kept(self, text: str) -> str:
        """Save it."""
        name = text.strip()
        problem = no_view_name(name)
        if not problem:
            self.screen.keep(name)
        return problem


class ViewsScreen(BluetopScreen):
    """A list of views; the one under the cursor can be used."""

    kind = "views"
    names: ClassVar[tuple[str, ...]] = ("body",)
    focus_order: ClassVar[tuple[str, ...]] = ("body",)
    opens: ClassVar[dict[str, str]] = {"n": "new_view"}
    BINDINGS = bindings_of("views")

    def __init__(self, of: TableState, name: str) -> None:
        super().__init__()
        self.of = of
        self.of_name = name
        self.rows = TableState(COLUMNS, lambda e: e.view.name, lambda e: e.view.name, name="views")

    @property
    def table(self) -> TableState:
        """The list of views."""
        return self.rows

    @property
    def where(self) -> str:
        """Whose views they are."""
        return f"{self.of_name} > views"

    def draw(self, name: str, size: Size, ui: Ui) -> list[Line]:
        """The list in its frame."""
        empty = "no views yet" + ("" if self.owner.read_only else "; n saves the table as it stands")
        return draw_list(self.rows, "VIEWS", size, ui, self.snap.wall, empty)

    def absorb(self, snap: Snapshot) -> None:
        """The views there are now."""
        entries = tuple(Entry(*made) for made in self.owner.choices.all_of(self.of_name, self.of))
        if entries != tuple(self.rows.items):
            self.rows.put(entries)

    def action_enter(self) -> None:
        """Look at the table this way."""
        entry = self.rows.current()
        if entry is not None:
            below = self.app.screen_stack[-2]
            if isinstance(below, BluetopScreen):
                below.apply_view(self.of, entry.view)
            self.app.pop_screen()

    def action_new_view(self) -> None:
        """Ask for a name, and save the table as it stands under it."""
        if not self.owner.can_save:
            self.say("read-only: nothing is saved", "medium")
        else:
            self.ask(NameAsking(self))

    def keep(self, name: str) -> None:
        """Save the table as it stands under `name`; what is there already is only replaced if told to."""
        view = self.of.as_view(name)
        there = self.owner.choices.views.get(name)
        if there is None:
            self.owner.save_view(self.of_name, view)
        else:
            self.confirm(
                f"there is a view {name} of {there.table}: replace it?",
                lambda: self.owner.save_view(self.of_name, view),
            )

    def action_remove_view(self) -> None:
        """Remove one of the operator's own, if that is what is meant."""
        entry = self.rows.current()
        if not self.owner.can_save:
            self.say("read-only: nothing is removed", "medium")
        elif entry is not None and not entry.own:
            self.say(f"{entry.view.name} comes with bluetop; only your own views can be removed", "dim")
        elif entry is not None:
            name = entry.view.name
            self.confirm(f"remove the view {name} from your settings?", lambda: self.owner.remove_view(name))
