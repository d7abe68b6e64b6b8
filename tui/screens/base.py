"""What every screen of bluetop is: panes of lines at rectangles, one snapshot, keys from the table.

A screen says which panes it has (`names`), where they stand (`rects`) and what is on them
(`draw`); all the rest is here: drawing only what changed, the cursor, the marks, the prompt, messages.
"""

from collections.abc import Callable
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
from tui.panes.lists import notes
from tui.screens.arranged import Arranged
from tui.screens.prompt import Asking, FilterAsking, Prompt, candidates_line
from tui.view.layout import MIN_HEIGHT, MIN_WIDTH, PANES_HEIGHT, PANES_WIDTH, Rect
from tui.view.pane import Size, Ui
from tui.view.picture import small_lines
from tui.view.spans import Line, fit_line, plain, width
from tui.view.table import TableState, View
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
    opens: ClassVar[dict[str, str]] = {"slash": "filter"}  # keys after which one types, and their actions
    CSS = """
    BluetopScreen { layout: vertical; overflow: hidden; }
    #prompt { border: none; height: 1; padding: 0 1; }
    """

    def __init__(self) -> None:
        super().__init__()
        self.head = Head()
        self.message = ("", "text")
        self.asking: Asking | None = None
        self._hint: Line | None = None
        self._raised = False
        self._question: Callable[[], None] | None = None
        self._refocused = False
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
    def focused_pane(self) -> str:
        """The pane that has the focus, or had it before the prompt was opened; "" if there is none."""
        widget = self._before_prompt if self.prompting else self.focused
        return "" if widget is None else widget.id or ""

    @property
    def tables(self) -> tuple[TableState, ...]:
        """All tables that one can get at here."""
        return () if self.table is None else (self.table,)

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
        yield Prompt(id="prompt")

    def _arranged(self, width: int, height: int) -> dict[str, Rect]:
        if width < MIN_WIDTH or height < MIN_HEIGHT:
            rects = {"small": Rect(0, 0, width, height)}
        else:
            rects = {"head": Rect(0, 0, width, 2), **self.rects(width, height)}
            last = Rect(0, height - 1, width, 1)
            rects["prompt" if self.prompting and not self._raised else "foot"] = last
            if self._raised:
                rects["prompt"] = Rect(0, height - 2, width, 1)
        self._rects = rects
        self._level = self.level_at(width, height)
        for name, rect in rects.items():  # lines are there before the first paint at a new size
            if name != "prompt":
                self._widgets[name].put(self._lines(name, Size(rect.width, rect.height)))
        return rects

    def _lines(self, name: str, size: Size) -> list[Line]:
        owner = self.owner
        ui = Ui(
            owner.glyphs,
            self.focused_pane == name or (name in self.focus_order and len(self.focus_order) == 1),
            self._level,
            self.snap.at,
        )
        if name == "head":
            return self.head.draw(self.snap, size, ui, self.where, owner.paused_for)
        if name == "foot":
            if self.prompting:
                return [fit_line(self._hint or [], size.width)]
            text, role = self.message
            said = [note for table in self.tables for note in notes(table)] if self._level == "rows" else []
            return [draw_foot(self.kind, size, owner.read_only, text, role, ", ".join(said))]
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
        self._take_in(snap)
        self.redraw()

    def _take_in(self, snap: Snapshot) -> None:
        for table in self.tables:
            table.at(snap.wall)
        self.absorb(snap)

    def on_mount(self) -> None:
        """The tables have the columns that were chosen for their kind; the cursor is somewhere from the start."""
        for table in self.tables:
            self.owner.choices.dress(self.table_name(table), table)
        if self.focus_order:
            self.set_focus(self._widgets[self.focus_order[0]], scroll_visible=False)

    def on_screen_resume(self) -> None:
        """Another screen was left: what this one shows may be old by now."""
        self._take_in(self.snap)
        self.redraw()

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """The focused pane looks focused; while something is typed a click elsewhere takes the keys nowhere."""
        if self.prompting and event.widget.id != "prompt":
            self.set_focus(self.query_one("#prompt", Prompt), scroll_visible=False)
        else:
            self.redraw()

    def say(self, text: str, role: str = "text") -> None:
        """A message in the foot until the next key. A question that stood there is no longer asked."""
        self._question = None
        self.message = (text, role)
        self.redraw("foot")

    def confirm(self, question: str, do: Callable[[], None]) -> None:
        """Ask in the foot; `do` is called if the next key is `y`, and no other key does anything."""
        self.say(f"{question} y: yes, any other key: no", "medium")
        self._question = do

    @property
    def questioning(self) -> bool:
        """Whether the next key is an answer."""
        return self._question is not None

    # -- keys ------------------------------------------------------------------------------

    def on_key(self, event: events.Key) -> None:
        """Any key takes the message away; where something was asked it is the answer and nothing else."""
        self._refocused = False
        if self.message[0]:
            self.message = ("", "text")
            self.redraw("foot")
        if self._question is not None:
            do, self._question = self._question, None
            event.stop()
            if event.key == "y":
                do()

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
        if self.table is None:
            self._say_no_table()
        else:
            column = self.table.next_sort(self.size.width - 2)
            self.say(f"sorted by {column.title.lower() or column.name}")
            self.redraw(*self.names)

    def action_reverse(self) -> None:
        """The other way round."""
        if self.table is None:
            self._say_no_table()
        else:
            self.table.reverse()
            self.redraw(*self.names)

    def action_back(self) -> None:
        """Leave the prompt, the marks, the filter, then the screen."""
        table = self.table
        if self.asking is not None:
            self.asking.dropped()
            self.close_prompt()
            self.redraw(*self.names)
        elif table is not None and table.marks:
            self.action_clear_marks()
        elif table is not None and table.filter_text:
            table.set_filter("")
            self.redraw(*self.names)
        elif len(self.app.screen_stack) > 1:
            self.app.pop_screen()

    # -- marks, columns, views -------------------------------------------------------------

    def action_mark(self) -> None:
        """Mark or unmark the row."""
        if self.table is None:
            self._say_no_table()
        else:
            self.table.toggle_mark()
            self._marks_changed()

    def action_mark_range(self) -> None:
        """Mark from the last mark to here."""
        if self.table is None:
            self._say_no_table()
        else:
            self.table.mark_range()
            self._marks_changed()

    def action_clear_marks(self) -> None:
        """Unmark everything."""
        if self.table is not None:
            self.table.clear_marks()
            self._marks_changed()

    def _marks_changed(self) -> None:
        self.after_cursor()
        self.redraw("foot")

    def table_name(self, table: TableState) -> str:
        """What a table is called in the settings."""
        return table.name or self.kind

    def action_columns(self) -> None:
        """Choose the columns of the table."""
        if self.table is None:
            self._say_no_table()
        else:
            self.owner.open_columns(self.table, self.table_name(self.table))

    def action_views(self) -> None:
        """The views of the table."""
        if self.table is None:
            self._say_no_table()
        else:
            self.owner.open_views(self.table, self.table_name(self.table))

    def _say_no_table(self) -> None:
        self.say("no table is selected here; tab goes to one", "dim")

    def apply_view(self, table: TableState, view: View) -> None:
        """Look at a table as `view` says, and say what of it cannot be used."""
        problem = table.apply(view)
        self.owner.choices.remember(self.table_name(table), table)
        self.redraw(*self.names)
        self.say(problem or f"view: {view.name}", "high" if problem else "text")

    def views_here(self) -> list[tuple[View, bool]]:
        """The views of the table under the cursor, and whether each is the operator's own."""
        table = self.table
        return [] if table is None else self.owner.choices.all_of(self.table_name(table), table)

    def use_view(self, name: str) -> None:
        """Look at the table under the cursor as the view `name` says."""
        for view, _ in self.views_here():
            if view.name == name and self.table is not None:
                self.apply_view(self.table, view)

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

    # -- the prompt ------------------------------------------------------------------------

    @property
    def prompting(self) -> bool:
        """Whether keys are typed into the prompt."""
        return self.asking is not None

    def action_filter(self) -> None:
        """Open the prompt; the table follows each letter."""
        if self.table is None:
            self._say_no_table()
        else:
            self.ask(FilterAsking(self.table))

    def ask(self, asking: Asking) -> None:
        """Open the prompt for `asking`, unless it is open."""
        if self.prompting:
            return
        self.asking = asking
        self.message = ("", "text")
        self._before_prompt = self.focused
        prompt = self.query_one("#prompt", Prompt)
        prompt.display = True
        prompt.placeholder = asking.placeholder
        prompt.value = asking.value
        prompt.cursor_position = len(asking.value)
        self.set_focus(prompt, scroll_visible=False)  # at once: the next key belongs to the prompt
        self.relayout()

    def on_input_changed(self, event: Input.Changed) -> None:
        """What is asked for follows each letter."""
        if self.asking is not None:
            self._typed(event.value)

    def _typed(self, text: str) -> None:
        if self.asking is not None:
            cells = self.size.width
            fits = width(text) < cells - 2
            left = 0 if fits else self.query_one("#prompt", Prompt).scroll_offset.x
            self.show_hint(self.asking.typed(text, cells, left))
            self.redraw(*self.names)

    def show_hint(self, line: Line | None) -> None:
        """A line below the prompt, which makes room for the first one and then stays where it is."""
        self._hint = line
        if line and not self._raised:
            self._raised = True
            self.relayout()
        else:
            self.redraw("foot")

    def complete_prompt(self) -> None:
        """Write what is certain of what is being typed, and show what could follow."""
        prompt = self.query_one("#prompt", Prompt)
        done = self.asking.complete(prompt.value, prompt.cursor_position) if self.asking is not None else None
        if done is None:
            return
        with prompt.prevent(Input.Changed):
            prompt.value = done.text
        prompt.cursor_position = done.cursor
        self._typed(done.text)
        if done.candidates:
            self.show_hint(candidates_line(done.candidates, self.size.width, self.owner.glyphs.ellipsis))
        elif done.hint:
            self.show_hint([(" ", "text"), (done.hint, "dim")])

    def keep_prompt(self, text: str) -> None:
        """Enter keeps what was typed, if it can be used."""
        if self.asking is None:
            return
        problem = self.asking.kept(text)
        if problem:
            self._typed(text)
            if self._hint is None:
                self.show_hint([(" ", "text"), (problem, "high")])
        else:
            self.close_prompt()

    def close_prompt(self) -> None:
        """Put the foot back, and the focus where it was."""
        self.asking = self._hint = None
        self._raised = False
        self.query_one("#prompt", Prompt).display = False
        before = self._before_prompt
        self.set_focus(before if before is not None and before.is_mounted else None, scroll_visible=False)
        self.relayout()

    def text_of(self, name: str) -> str:
        """What pane `name` shows, as text (tests, the text twin)."""
        return "\n".join(plain(line) for line in self._widgets[name].lines)
