"""The screens that are one table: what needs a person, processes, sources."""

from typing import ClassVar

from core.snapshot import Snapshot
from core.units import bytes_text
from tui.panes.lists import draw_list
from tui.panes.needs import needs_table
from tui.panes.processes import processes_table
from tui.panes.sources import sources_table
from tui.screens.base import BluetopScreen, bindings_of
from tui.view.pane import Size, Ui
from tui.view.spans import Line
from tui.view.table import TableState


class ListScreen(BluetopScreen):
    """Head, one table, foot."""

    names: ClassVar[tuple[str, ...]] = ("body",)
    focus_order: ClassVar[tuple[str, ...]] = ("body",)
    title_text = ""
    empty_text = "nothing yet"
    rows: TableState

    @property
    def table(self) -> TableState | None:
        """The only table there is."""
        return self.rows

    @property
    def where(self) -> str:
        """The name of the list."""
        return self.title_text.lower()

    def draw(self, name: str, size: Size, ui: Ui) -> list[Line]:
        """The table in its frame."""
        return draw_list(self.rows, self.title_text, size, ui, self.snap.wall, self.empty_text)


class ProcessesScreen(ListScreen):
    """The watched processes and their file handles."""

    kind = "processes"
    title_text = "PROCESSES"
    empty_text = "no process works in the workspace, and no pattern of [watch] names one"
    BINDINGS = bindings_of("processes")

    def __init__(self) -> None:
        super().__init__()
        self.rows = processes_table()

    @property
    def where(self) -> str:
        """How many are watched, of how many."""
        sample = self.snap.processes.value
        return "processes" if sample is None else f"processes: {len(sample.rows)} of {sample.total}"

    def absorb(self, snap: Snapshot) -> None:
        """The rows of the last scan."""
        self.rows.put(snap.processes.value.rows if snap.processes.value is not None else ())

    def action_enter(self) -> None:
        """The agent that the process works for."""
        row = self.rows.current()
        if row is not None and row.agent:
            self.owner.open_agent(row.agent)
        elif row is not None:
            self.say(f"process {row.pid} works for no agent that bluetop knows", "dim")


class SourcesScreen(ListScreen):
    """Every file, mount and poller."""

    kind = "sources"
    title_text = "SOURCES"
    BINDINGS = bindings_of("sources")

    def __init__(self) -> None:
        super().__init__()
        self.rows = sources_table()

    @property
    def where(self) -> str:
        """What bluetop itself costs stands here, where one looks for what is slow."""
        own = self.snap.own.value
        if own is None or own.cpu_percent is None:
            return "sources"
        if self.size.width < 100:
            return f"sources; self {own.cpu_percent:.1f} %"
        sent = "-" if own.tty_bytes_per_s is None else f"{own.tty_bytes_per_s:.0f} B/s"
        return f"sources; bluetop {own.cpu_percent:.1f} % CPU, {bytes_text(own.rss_bytes)}, {sent}"

    def absorb(self, snap: Snapshot) -> None:
        """The sources as they answered last."""
        self.rows.put(snap.sources)

    def action_enter(self) -> None:
        """All that a source says, which may not fit in its row."""
        row = self.rows.current()
        if row is not None:
            self.owner.open_text(
                "source",
                row.name,
                [
                    [("state    ", "dim"), (row.state, "text")],
                    [("kind     ", "dim"), (row.kind, "text")],
                    [("missed   ", "dim"), (str(row.misses), "text")],
                    [("", "text")],
                    *[[(part.strip(), "text")] for part in (row.detail or "nothing to say").split("; ")],
                ],
            )


class NeedsScreen(ListScreen):
    """What needs a person, the most urgent first."""

    kind = "needs"
    title_text = "NEEDS YOU"
    empty_text = "nothing needs you"
    BINDINGS = bindings_of("needs")

    def __init__(self) -> None:
        super().__init__()
        self.rows = needs_table()

    @property
    def where(self) -> str:
        """How many, also of those that are not listed one by one."""
        return f"needs you: {self.snap.needs_count}"

    def absorb(self, snap: Snapshot) -> None:
        """The needs as they stand."""
        self.rows.put(snap.needs)

    def action_enter(self) -> None:
        """The agent that needs you."""
        need = self.rows.current()
        if need is not None:
            self.owner.open_agent(need.agent)
