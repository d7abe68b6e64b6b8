"""The screens that are text to read and scroll: one source, the help; a task is in `tui.screens.task`."""

from collections.abc import Iterable
from typing import ClassVar

from core.filter import Field
from tui.keys import keys_of
from tui.screens.base import BluetopScreen, bindings_of
from tui.view.glyphs import Glyphs
from tui.view.pane import Size, Ui, framed
from tui.view.spans import Line, fit_line, line_width, wrap


class TextScreen(BluetopScreen):
    """Lines to scroll. Long lines are wrapped, never cut off."""

    kind = "task"
    names: ClassVar[tuple[str, ...]] = ("body",)
    focus_order: ClassVar[tuple[str, ...]] = ("body",)
    BINDINGS = bindings_of("task")

    def __init__(self, kind: str, title: str, lines: list[Line]) -> None:
        super().__init__()
        self.heading = kind
        self.title_text = title
        self.lines = lines
        self.offset_row = 0

    @property
    def where(self) -> str:
        """What is being read."""
        return f"{self.heading} > {self.title_text}"

    def wrapped(self, cells: int) -> list[Line]:
        """The lines, each cut into pieces of at most `cells` cells."""
        out: list[Line] = []
        for line in self.lines:
            out.extend(wrap(line, cells))
        return out

    def draw(self, name: str, size: Size, ui: Ui) -> list[Line]:
        """A page of the text, and how far through it that is."""
        inner = max(1, size.width - 4)
        lines = self.wrapped(inner)
        room = size.height - 2
        self.offset_row = max(0, min(self.offset_row, len(lines) - room))
        page = lines[self.offset_row : self.offset_row + room]
        body: list[Line] = [[(" ", "text"), *fit_line(line, inner)] for line in page]
        end = min(len(lines), self.offset_row + room)
        foot: Line = [(f"{self.offset_row + 1}-{end} of {len(lines)}", "dim")] if len(lines) > room else []
        return framed(self.heading.upper(), [], body, foot, size, ui)

    def action_cursor(self, rows: int) -> None:
        """Scroll."""
        self.offset_row += rows
        self.redraw("body")

    def action_edge(self, end: int) -> None:
        """Start or end of the text."""
        self.offset_row = 0 if end < 0 else len(self.lines) * 100
        self.redraw("body")

    def action_copy(self) -> None:
        """The text as it stands."""
        self.owner.copy("\n".join("".join(t for t, _ in line) for line in self.lines), "")


class HelpScreen(TextScreen):
    """Every key that works on the screen it was called from, made from the live key table, and what a filter takes."""

    kind = "help"
    BINDINGS = bindings_of("help")

    def __init__(self, screen: str, read_only: bool, glyphs: Glyphs, fields: Iterable[Field] = ()) -> None:
        rows = keys_of(screen, read_only)
        up, down = ("up", "down") if glyphs.ascii else ("↑", "↓")
        lines: list[Line] = [[(f"Keys on the screen {screen!r}", "strong")], [("", "text")]]
        for row in rows:
            shown = row.shown.replace("↑", up).replace("↓", down)
            lines.append([(f"  {shown:<10}", "key"), (f"{row.label:<14}", "text"), (row.help, "dim")])
        lines += [
            [("", "text")],
            [(f"  {glyphs.alarm} word     ", "medium"), ("beyond its target: low, medium, high, critical", "dim")],
            [("  ?          ", "unknown"), ("unknown or stale: the figure is replaced by its age", "dim")],
            [("", "text")],
            [("  With the mouse: click selects, click again opens, the wheel scrolls. Hold shift to select text.",
              "dim")],
        ]  # fmt: skip
        lines += filter_help(list(fields))
        if read_only:
            lines += [[("", "text")], [("  Read-only: keys that change anything are absent.", "unknown")]]
        super().__init__("help", screen, lines)

    def wrapped(self, cells: int) -> list[Line]:
        """What a key does is wrapped below itself."""
        out: list[Line] = []
        for *head, last in self.lines:
            hang = line_width(head)
            room = cells - hang if hang < cells // 2 else cells
            for number, piece in enumerate(wrap([last], room)):
                out.append(
                    [*(head if not number else [(" " * hang, "text")] if hang < cells // 2 else []), *piece]
                )
        return out

    @property
    def where(self) -> str:
        """The help of which screen."""
        return f"help > {self.title_text}"


_TAKES = {
    "text": "part, =whole, *part*",
    "id": "whole, part*, one,other",
    "choice": "one,other",
    "number": ">10, 3..10, 5",
    "percent": ">80, 80..100",
    "duration": ">10m, 1h..2d",
}


def filter_help(fields: list[Field]) -> list[Line]:
    """The filter language in a few lines, and the keys of one table."""
    if not fields:
        return []
    lines: list[Line] = [
        [("", "text")],
        [("Keys of a filter", "strong"), ("   (terms that must all hold; -term: it must not)", "dim")],
        [("", "text")],
        [('  word "two words" wor*', "key"), ("  somewhere in the row", "dim")],
    ]
    for field in fields:
        takes = ",".join(field.choices[:3]) + (",..." if len(field.choices) > 3 else "")
        said = field.help + (f" (or {', '.join(field.aliases)}:)" if field.aliases else "")
        lines.append(
            [
                (f"  {field.name + ':':<14}", "key"),
                (f"{takes or _TAKES[field.kind]:<26}", "text"),
                (said, "dim"),
            ]
        )
    return [*lines, [("  no:key key:*  ", "key"), ("it is unknown, known", "dim")]]
