"""What every screen of bluetop is: panes of lines at rectangles, one snapshot, keys from the table.

A screen says which panes it has (`names`), where they stand (`rects`) and what is on them
(`draw`); all the rest is here: drawing only what changed, the cursor, the filter, messages.
"""

from typing import TYPE_CHECKING, ClassVar, cast

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Input

from core.snapshot import Snapshot
from tui.keys import keys_of
from tui.panes.foot import draw_foot
from tui.panes.head import Head
from tui.screens.arranged import Arranged
from tui.view.layout import MIN_HEIGHT, MIN_WIDTH, PANES_HEIGHT, PANES_WIDTH, Rect
from tui.view.pane import Size, Ui
from tui.view.picture import small_lines
from tui.view.spans import Line, plain
from tui.view.table import TableState
from tui.wire.lines import LineWidget

if TYPE_CHECKING:
    from tui.app import BluetopApp


def bindings_of(kind: str) -> list[BindingType]:
    """Textual bindings of the rows of the key table that work on this screen; later rows do not win."""
    made: list[BindingType] = []
    taken: set[str] = set()
    for row in keys_of(kind):
        for key in row.keys:
            if key not in taken:
                taken.add(key)
                made.append(Binding(key, row.action, row.label, show=False))
    return made


class BluetopScreen(Screen[None]):
    """Base of all screens. `table` is the list that the cursor, sort and filter act on, if there is one."""

    AUTO_FOCUS = ""
    kind: ClassVar[str] = ""
    names: ClassVar[tuple[str, ...]] = ()
    focus_order: ClassVar[tuple[str, ...]] = ()
    CSS = """
    BluetopScreen { layout: vertical; overflow: hidden; }
    #prompt { border: none; height: 1; padding: 0 1; }
    """

    def __init__(self) -> None:
        super().__init__()
        self.head = Head()
        self.message = ("", "text")
        self.prompting = False
        self._refocused = False
        self._filtered: TableState | None = None
        self._before_prompt: Widget | None = None
        self._arrangement = Arranged(self._arranged)
        self._widgets: dict[str, LineWidget] = {}
        self._rects: dict[str, Rect] = {}
        self._level = "rows"

    @property
    def owner(self) -> "BluetopApp":
        """The app, by its own type."""
        return cast("BluetopApp", self.app)

    @property
    def snap(self) -> Snapshot:
        """The snapshot that is shown (an older one while paused)."""
        return self.owner.shown

    # -- what a screen fills in ------------------------------------------------------------

    @property
    def table(self) -> TableState | None:
        """The table under the cursor."""
        return None

    @property
    def where(self) -> str:
        """The trail in the head: "" on the dashboard."""
        return ""

    def rects(self, width: int, height: int) -> dict[str, Rect]:
        """Where the panes stand. The default is one pane called `body` between head and foot."""
        return {"body": Rect(0, 3, width, height - 4)}

    def draw(self, name: str, size: Size, ui: Ui) -> list[Line]:
        """The lines of pane `name`."""
        raise KeyError(name)

    def absorb(self, snap: Snapshot) -> None:
        """Take what this screen shows out of a new snapshot, before it is drawn."""

    @property
    def layout(self) -> Arranged:
        """Ours: rectangles from `tui.view.layout`, not from CSS."""
        return self._arrangement

    # -- composing and drawing -------------------------------------------------------------

    def compose(self) -> ComposeResult:
        """The panes, and the prompt that the filter is typed into."""
        for name in ("head", *self.names, "foot", "small"):
            self._widgets[name] = LineWidget(id=name, can_focus=name in self.focus_order)
        yield from self._widgets.values()
        prompt = Input(id="prompt", compact=True, placeholder="filter: words, !word excludes")
        prompt.cursor_blink = False
        prompt.display = False
        yield prompt

    def _arranged(self, width: int, height: int) -> dict[str, Rect]:
        if width < MIN_WIDTH or height < MIN_HEIGHT:
            rects = {"small": Rect(0, 0, width, height)}
        else:
            rects = {"head": Rect(0, 0, width, 2), **self.rects(width, height)}
            last = Rect(0, height - 1, width, 1)
            rects["prompt" if self.prompting else "foot"] = last
        self._rects = rects
        self._level = self.level_at(width, height)
        for name, rect in rects.items():  # lines are there before the first paint at a new size
            if name != "prompt":
                self._widgets[name].put(self._lines(name, Size(rect.width, rect.height)))
        return rects

    def _lines(self, name: str, size: Size) -> list[Line]:
        owner = self.owner
        focused = self.focused is not None and self.focused.id == name
        ui = Ui(
            owner.glyphs,
            focused or (name in self.focus_order and len(self.focus_order) == 1),
            self._level,
            self.snap.at,
        )
        if name == "head":
            return self.head.draw(self.snap, size, ui, self.where, owner.paused_for)
        if name == "foot":
            text, role = self.message
            return [draw_foot(self.kind, size, owner.read_only, text, role)]
        if name == "small":
            return small_lines(self.snap, size.width, size.height)
        return self.draw(name, size, ui)

    def level_at(self, width: int, height: int) -> str:
        """The level of detail at a size."""
        return "rows" if width < PANES_WIDTH or height < PANES_HEIGHT else "panes"

    def redraw(self, *names: str) -> None:
        """Draw the named panes again (all of them without a name); only what changed is sent."""
        if not self.is_mounted:
            return
        rects = self._rects
        with self.owner.one_frame():
            for name in names or self._widgets:
                rect = rects.get(name)
                if rect is not None:
                    self._widgets[name].show(self._lines(name, Size(rect.width, rect.height)))

    def relayout(self) -> None:
        """Arrange the panes anew: what stands where depends on more than the size, which is all Textual knows."""
        self._clear_arrangement_cache()
        self.refresh(layout=True)

    def show_snapshot(self, snap: Snapshot) -> None:
        """A new snapshot: take it in, then draw what it changed."""
        self.absorb(snap)
        self.redraw()

    def on_mount(self) -> None:
        """The cursor is somewhere from the start."""
        if self.focus_order:
            self.set_focus(self._widgets[self.focus_order[0]], scroll_visible=False)

    def on_screen_resume(self) -> None:
        """Another screen was left: what this one shows may be old by now."""
        self.absorb(self.snap)
        self.redraw()

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """The focused pane looks focused."""
        self.redraw()

    def say(self, text: str, role: str = "text") -> None:
        """A message in the foot until the next key."""
        self.message = (text, role)
        self.redraw("foot")

    # -- keys ------------------------------------------------------------------------------

    def on_key(self, event: events.Key) -> None:
        """Any key takes the message away."""
        self._refocused = False
        if self.message[0]:
            self.message = ("", "text")
            self.redraw("foot")

    def action_cursor(self, rows: int) -> None:
        """Up or down."""
        if self.table is not None:
            self.table.move(rows)
            self.after_cursor()

    def action_page(self, pages: int) -> None:
        """A page up or down."""
        self.action_cursor(pages * max(1, self.page_rows() - 1))

    def action_edge(self, end: int) -> None:
        """First or last row."""
        if self.table is not None:
            self.table.to_row(0 if end < 0 else -1)
            self.after_cursor()

    def page_rows(self) -> int:
        """Rows of a page."""
        return max(1, self.size.height - 6)

    def after_cursor(self) -> None:
        """The cursor moved: draw what shows it."""
        self.redraw(*self.names)

    def action_sort(self) -> None:
        """Sort by the next column."""
        if self.table is not None:
            column = self.table.next_sort(self.size.width - 2)
            self.say(f"sorted by {column.title.lower() or column.name}")
            self.redraw(*self.names)

    def action_reverse(self) -> None:
        """The other way round."""
        if self.table is not None:
            self.table.reverse()
            self.redraw(*self.names)

    def action_back(self) -> None:
        """Leave the filter, then the screen."""
        if self.prompting:
            if self._filtered is not None:
                self._filtered.set_filter("")
            self.close_prompt()
            self.redraw(*self.names)
        elif self.table is not None and self.table.filter_text:
            self.table.set_filter("")
            self.redraw(*self.names)
        elif len(self.app.screen_stack) > 1:
            self.app.pop_screen()

    # -- the mouse -------------------------------------------------------------------------

    def table_at(self, name: str) -> TableState | None:
        """The table that pane `name` shows."""
        return self.table if name in self.names else None

    def on_descendant_blur(self, event: events.DescendantBlur) -> None:
        """A click into another pane only goes there: its row under the cursor was not seen as selected."""
        self._refocused = True

    def on_click(self, event: events.Click) -> None:
        """A click selects the row, a click on the selected row opens it; on a gauge it is the focus."""
        name = event.widget.id if event.widget is not None else None
        if name is None or name not in self._rects or name not in self.names:
            return
        if name in self.focus_order:
            self.set_focus(self._widgets[name], scroll_visible=False)
        table = self.table_at(name)
        if table is None:
            return
        row = table.offset + event.y - (1 if self._level == "rows" else 2)
        if 0 <= row < len(table.rows):
            again = row == table.cursor_row and not self._refocused
            self._refocused = False
            table.to_row(row)
            self.after_cursor()
            if again:
                self.action_enter()

    def action_enter(self) -> None:
        """Open what is under the cursor; a screen that has nothing to open does nothing."""

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """The wheel moves the cursor."""
        self.action_cursor(3)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """The wheel moves the cursor."""
        self.action_cursor(-3)

    # -- the filter ------------------------------------------------------------------------

    def action_filter(self) -> None:
        """Open the prompt; the table follows each letter."""
        table = self.table
        if table is None or self.prompting:
            return
        self.prompting = True
        self._filtered = table
        self._before_prompt = self.focused
        prompt = self.query_one("#prompt", Input)
        prompt.display = True
        prompt.value = table.filter_text
        prompt.cursor_position = len(table.filter_text)
        self.set_focus(prompt, scroll_visible=False)  # at once: the next key belongs to the prompt
        self.relayout()

    def on_input_changed(self, event: Input.Changed) -> None:
        """The filter holds while it is typed."""
        if self.prompting and self._filtered is not None:
            self._filtered.set_filter(event.value)
            self.redraw(*self.names)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter keeps the filter."""
        self.close_prompt()

    def close_prompt(self) -> None:
        """Put the foot back, and the focus where it was."""
        self.prompting = False
        self.query_one("#prompt", Input).display = False
        before = self._before_prompt
        self.set_focus(before if before is not None and before.is_mounted else None, scroll_visible=False)
        self.relayout()

    def text_of(self, name: str) -> str:
        """What pane `name` shows, as text (tests, the text twin)."""
        return "\n".join(plain(line) for line in self._widgets[name].lines)
