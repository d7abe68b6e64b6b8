"""The screens that are text to read and scroll: one task, one source, the help."""

from typing import ClassVar

from core.queues.model import Task
from core.snapshot import Snapshot
from tui.keys import keys_of
from tui.screens.base import BluetopScreen, bindings_of
from tui.view.glyphs import Glyphs
from tui.view.pane import Size, Ui, framed
from tui.view.spans import Line, fit_line, width


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


class TaskScreen(TextScreen):
    """One task: every field, unknown ones too, as the file has it."""

    def __init__(self, task: Task) -> None:
        super().__init__("task", task.task_id or "(no id)", [[("reading ...", "dim")]])
        self.record_of = task
        self.json = ""
        self._seen: object = None

    @property
    def where(self) -> str:
        """The trail to here."""
        return f"agents > {self.record_of.agent} > {self.title_text}"

    def absorb(self, snap: Snapshot) -> None:
        """Read the record again when its file changed."""
        queue = next((v.queue for v in snap.agents if v.queue.agent == self.record_of.agent), None)
        if queue is not self._seen or not self.json:
            self._seen = queue
            self.owner.fetch_record(self.record_of, self._take)

    def _take(self, text: str, problem: str) -> None:
        if problem:
            kept: list[Line] = [[(line, "dim")] for line in self.json.split("\n")] if self.json else []
            self.lines = [[(problem, "high")], [("", "text")], *kept]
        else:
            self.json = text
            self.lines = self._summary() + [_tinted(line) for line in text.split("\n")]
        self.redraw("body")

    def _summary(self) -> list[Line]:
        task = self.record_of
        lines: list[Line] = []
        if task.raw_status and task.raw_status != task.status:
            lines.append([(f"status written as {task.raw_status!r}, read as {task.status}", "low")])
        if task.doubtful:
            names = ", ".join(task.doubtful)
            lines.append([(f"cannot be true: {names} (later than the file itself)", "unknown")])
        if task.also:
            lines.append([(f"{task.also} more record(s) with this id", "low")])
        return [*lines, [("", "text")]] if lines else []

    def action_copy(self) -> None:
        """The record as JSON."""
        self.owner.copy(self.json, "" if self.json else "there is nothing to copy yet")


class HelpScreen(TextScreen):
    """Every key that works on the screen it was called from, made from the live key table."""

    kind = "help"
    BINDINGS = bindings_of("help")

    def __init__(self, screen: str, read_only: bool, glyphs: Glyphs) -> None:
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
        if read_only:
            lines.append([("  Read-only: keys that change anything are absent.", "unknown")])
        super().__init__("help", screen, lines)

    @property
    def where(self) -> str:
        """The help of which screen."""
        return f"help > {self.title_text}"


def wrap(line: Line, cells: int) -> list[Line]:
    """A line in pieces of at most `cells` cells; a blank line stays one."""
    out: list[Line] = [[]]
    left = cells
    for text, role in line:
        rest = text
        while width(rest) > left:
            at = min(left, len(rest))
            while width(rest[:at]) > left:
                at -= 1
            space = rest.rfind(" ", at // 2, at)
            if space > 0:
                at = space + 1  # between two words, if there is a blank in the second half
            if at <= 0 and left == cells:
                at = 1  # one wide character in a single column: cut by the frame
            out[-1].append((rest[:at], role))
            out.append([])
            rest = rest[at:]
            left = cells
        if rest:
            out[-1].append((rest, role))
            left -= width(rest)
    return out


def _tinted(line: str) -> Line:
    """A line of pretty JSON with its key in the colour of labels."""
    start = len(line) - len(line.lstrip())
    end = line.find('": ', start)
    if line[start : start + 1] == '"' and end > 0:
        return [(line[: end + 2], "dim"), (line[end + 2 :], "text")]
    return [(line, "text")]
