"""The screens that are one table: an agent's tasks, processes, sources, the alerts log."""

from collections.abc import Sequence
from typing import ClassVar

from core.queues.model import Task
from core.snapshot import AgentView, Snapshot
from core.units import bytes_text, duration_text, percent_text
from tui.panes.agents import STATE_ROLES
from tui.panes.alerts import alerts_table
from tui.panes.lists import draw_list
from tui.panes.processes import processes_table
from tui.panes.sources import sources_table
from tui.panes.tasks import tasks_table
from tui.screens.base import BluetopScreen, bindings_of
from tui.view.layout import Rect
from tui.view.pane import Size, Ui, facts
from tui.view.spans import Line, fit_line
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


class AlertsScreen(ListScreen):
    """The whole log."""

    kind = "alerts"
    title_text = "ALERTS"
    empty_text = "no alerts since the start"
    BINDINGS = bindings_of("alerts")

    def __init__(self) -> None:
        super().__init__()
        self.rows = alerts_table()

    def absorb(self, snap: Snapshot) -> None:
        """All events that are kept."""
        self.rows.put(snap.events)

    def action_enter(self) -> None:
        """What the alert is about."""
        event = self.rows.current()
        if event is not None:
            self.owner.jump(event.subject)


class AgentScreen(ListScreen):
    """One agent: who it is, then its tasks. Tasks are read again whenever its file changes."""

    kind = "agent"
    names: ClassVar[tuple[str, ...]] = ("who", "body")
    BINDINGS = bindings_of("agent")

    def __init__(self, agent: str) -> None:
        super().__init__()
        self.agent = agent
        self.title_text = "TASKS"
        self.rows = tasks_table()
        self.empty_text = "no tasks"
        self.problem = "reading"
        self._seen: object = None

    @property
    def where(self) -> str:
        """The trail to here."""
        return f"agents > {self.agent}"

    @property
    def view(self) -> AgentView | None:
        """The agent as the snapshot has it, None once it is gone."""
        return next((v for v in self.snap.agents if v.queue.agent == self.agent), None)

    def rects(self, width: int, height: int) -> dict[str, Rect]:
        """Four lines about the agent, then the table."""
        return {"who": Rect(0, 3, width, 4), "body": Rect(0, 7, width, height - 8)}

    def absorb(self, snap: Snapshot) -> None:
        """Read the tasks again if the file changed."""
        view = self.view
        if view is not None and view.queue is not self._seen:
            self._seen = view.queue
            self.owner.fetch_tasks(self.agent, self._take)

    def _take(self, agent: str, tasks: Sequence[Task], problem: str) -> None:
        self.problem = problem
        if not problem:
            self.rows.put(tasks)
        self.redraw("who", "body")

    def draw(self, name: str, size: Size, ui: Ui) -> list[Line]:
        """Who it is; or its tasks."""
        if name == "body":
            return super().draw(name, size, ui)
        view = self.view
        if view is None:
            return [
                fit_line([(f" {self.agent} is gone: its folder is no longer there", "unknown")], size.width)
            ]
        return [fit_line(line, size.width) for line in self._who(view, size.width)]

    def _who(self, view: AgentView, cells: int) -> list[Line]:
        queue = view.queue
        wall = self.snap.wall
        first: Line = [
            (" ", "text"),
            (view.state, STATE_ROLES.get(view.state, "text")),
            (f"  {view.why}", "dim"),
        ]
        counts = facts(
            [
                f"{queue.pending} waiting",
                f"{queue.in_progress} in progress",
                f"{queue.review} in review",
                f"{queue.blocked} blocked",
                f"{queue.failed} failed",
                f"{queue.completed} done",
                f"{queue.other} other",
            ],
            cells - 2,
        )
        hours = "-" if queue.pending_hours is None else f"{queue.pending_hours:g} h"
        load = facts(
            [
                f"workload {percent_text(view.workload_percent)} ({hours} waiting)",
                f"success {percent_text(view.success_percent)}",
                f"{view.processes} processes, {view.handles if view.handles is not None else '-'} files",
                f"file {bytes_text(queue.size_bytes)}, changed {_ago(queue.mtime, wall)}, form {queue.form}",
            ],
            cells - 2,
        )
        last: Line = [(" " + facts([queue.role, " ".join(queue.expertise)], cells - 2), "dim")]
        problem = queue.problems[0] if queue.problems else None
        if self.problem and self.problem != "reading":
            last = [(" " + self.problem, "high")]
        elif problem is not None:
            place = f" (line {problem.line}, column {problem.column})" if problem.line else ""
            more = f", {len(queue.problems) - 1} more" if len(queue.problems) > 1 else ""
            last = [(f" {problem.detail}{place}{more}", "low")]
        return [first, [(" " + counts, "text")], [(" " + load, "dim")], last]

    def action_enter(self) -> None:
        """The whole record of a task."""
        task = self.rows.current()
        if task is not None:
            self.owner.open_task(task)

    def action_copy(self) -> None:
        """The record of the task under the cursor, as JSON."""
        task = self.rows.current()
        if task is not None:
            self.owner.fetch_record(task, lambda text, problem: self.owner.copy(text, problem))


def _ago(at: float | None, wall: float) -> str:
    return "-" if at is None else f"{duration_text(max(0.0, wall - at))} ago"
