"""The line that something is typed into, what is said below it, and what is done with the text.

A screen has one prompt; an `Asking` says what is asked. Not for what a filter means: `core.filter`.
"""

from typing import TYPE_CHECKING, Any, ClassVar, cast

from textual import events
from textual.binding import Binding
from textual.widgets import Input

from core.filter import MOST_CHARACTERS, FilterError
from core.filtercompletion import Completion
from tui.view.spans import Line, width
from tui.view.table import TableState

if TYPE_CHECKING:
    from tui.screens.base import BluetopScreen


class Asking:
    """What a prompt is for. Each method may return a line to be shown below the prompt, None for nothing."""

    placeholder = ""

    def __init__(self, value: str = "") -> None:
        self.value = value

    def typed(self, text: str, cells: int, left: int) -> Line | None:
        """The text is another; `cells` is the width of the prompt, `left` what of the text is scrolled off."""
        return None

    def kept(self, text: str) -> str:
        """Enter was pressed. A text that is returned says why the prompt stays open; "" closes it."""
        return ""

    def dropped(self) -> None:
        """Escape was pressed."""

    def complete(self, text: str, cursor: int) -> Completion | None:
        """Tab was pressed; None where there is nothing to complete."""
        return None


class FilterAsking(Asking):
    """The filter of a table: the table follows each letter, as long as the text can be used."""

    def __init__(self, table: TableState) -> None:
        super().__init__(table.filter_text)
        self.table = table
        self.wrong: FilterError | None = None
        self.placeholder = "filter: words, -word excludes"
        if table.fields:
            self.placeholder = "filter: words, -word, key:value; tab shows the keys"

    def typed(self, text: str, cells: int, left: int) -> Line | None:
        """Take the filter, or say where it is wrong."""
        self.wrong = self.table.set_filter(text)
        if self.wrong is None:
            return None
        return mistake_line(str(self.wrong), width(text[: self.wrong.start]) - left, cells)

    def kept(self, text: str) -> str:
        """A filter that cannot be used is not kept: the prompt stays until it is right or given up."""
        self.wrong = self.table.set_filter(text)
        return "" if self.wrong is None else str(self.wrong)

    def dropped(self) -> None:
        """Show everything again."""
        self.table.set_filter("")

    def complete(self, text: str, cursor: int) -> Completion:
        """Keys and values of the table."""
        return self.table.complete(text, cursor)


def _actions() -> dict[str, str]:
    """Key → action of Textual's input, and our own."""
    made = {"tab": "complete", "shift+tab": "complete"}
    for binding in Input.BINDINGS:
        if isinstance(binding, Binding):
            made |= {key.strip(): binding.action for key in binding.key.split(",")}
    return made


class Prompt(Input):
    """The input of a screen. Its keys act in the order in which they came, however many come at once.

    Textual gives letters to the input and actions (backspace, enter) to the app, which comes later:
    of a packet with both, the letters would be written first.
    """

    ACTIONS: ClassVar[dict[str, str]] = _actions()

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(compact=True, max_length=MOST_CHARACTERS, select_on_focus=False, **kwargs)
        self.cursor_blink = False
        self.display = False

    async def on_key(self, event: events.Key) -> None:
        """Act here and now; what was typed after the end of the prompt goes back to whom it is meant for."""
        screen = cast("BluetopScreen", self.screen)
        if not screen.prompting:
            self.app.post_message(events.Key(event.key, event.character))
        elif event.key == "enter":
            screen.keep_prompt(self.value)
        elif event.key == "escape":
            screen.action_back()
        elif event.key not in self.ACTIONS or not await self.app.run_action(self.ACTIONS[event.key], self):
            return
        event.stop()
        event.prevent_default()

    def action_complete(self) -> None:
        """Complete what is being typed."""
        cast("BluetopScreen", self.screen).complete_prompt()


def mistake_line(message: str, at: int, cells: int) -> Line:
    """`^ message` below the place that is wrong, `at` cells into the text; where it does not fit, just the message."""
    at = max(0, min(at, cells - 1))
    size = width(message)
    if at + 2 + size <= cells - 2:
        return [(" " * (at + 1), "text"), ("^ ", "high"), (message, "high")]
    if size + 2 <= at:
        return [(" " * (at - size), "text"), (message, "high"), (" ^", "high")]
    return [(" ", "text"), (message, "high")]


def candidates_line(candidates: tuple[str, ...], cells: int, ellipsis: str) -> Line:
    """As many candidates as fit, and how many more there are."""
    line: Line = [(" ", "text")]
    used = 1
    for number, name in enumerate(candidates):
        rest = f"{ellipsis} {len(candidates) - number} more"
        last = number == len(candidates) - 1
        if used + width(name) + 2 + (0 if last else len(rest)) > cells:
            line.append((rest, "dim"))
            break
        line.append((name + "  ", "accent"))
        used += width(name) + 2
    return line
