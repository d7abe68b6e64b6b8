"""One agent: who it is, then one of its sections: tasks, timeline, past, skills, processes."""

from collections.abc import Sequence
from typing import ClassVar

from core.measures.skills import Outcome, estimates
from core.queues.model import Task, Transition
from core.snapshot import AgentView, Snapshot
from tui.panes import agentpage
from tui.panes.lists import draw_list
from tui.panes.processes import processes_table
from tui.panes.tasks import tasks_table
from tui.screens.base import BluetopScreen, bindings_of
from tui.view.layout import Rect
from tui.view.pane import Size, Ui, framed
from tui.view.spans import Line, fit_line
from tui.view.table import AGE_STEP_S, TableState, calm_wall

SECTIONS = ("tasks", "timeline", "past", "skills", "processes")
_EMPTY = {
    "tasks": "no tasks",
    "past": "nothing seen yet: what happens from now on stands here",
    "skills": "no task has ended yet",
    "processes": "no process is known to work for this agent",
}
_UNREAD = "its file cannot be read now"


class AgentScreen(BluetopScreen):
    """Who an agent is; its tasks are read again whenever its file changes, its past when something happened."""

    kind = "agent"
    names: ClassVar[tuple[str, ...]] = ("who", "sections", "body")
    focus_order: ClassVar[tuple[str, ...]] = ("body",)
    BINDINGS = bindings_of("agent")

    def __init__(self, agent: str, section: str = "tasks") -> None:
        super().__init__()
        self.agent = agent
        self.section = section
        self.by_section: dict[str, TableState] = {
            "tasks": tasks_table(),
            "past": agentpage.past_table(),
            "skills": agentpage.skills_table(),
            "processes": processes_table(),
        }
        self.told: tuple[Transition, ...] = ()
        self.problem = "reading"
        self.offset_row = 0
        self._seen: object = None
        self._lived: object = None

    @property
    def tables(self) -> tuple[TableState, ...]:
        """Those of the sections."""
        return tuple(self.by_section.values())

    @property
    def table(self) -> TableState | None:
        """That of the section, if it is one."""
        return self.by_section.get(self.section)

    @property
    def where(self) -> str:
        """The trail to here."""
        return f"agents > {self.agent}"

    @property
    def view(self) -> AgentView | None:
        """The agent as the snapshot has it, None once it is gone."""
        return next((v for v in self.snap.agents if v.queue.agent == self.agent), None)

    def rects(self, width: int, height: int) -> dict[str, Rect]:
        """The lines about the agent, the names of the sections, the section."""
        body = 4 + agentpage.WHO_LINES
        return {
            "who": Rect(0, 3, width, agentpage.WHO_LINES),
            "sections": Rect(0, body - 1, width, 1),
            "body": Rect(0, body, width, height - body - 1),
        }

    # -- what there is to show ---------------------------------------------------------------

    def absorb(self, snap: Snapshot) -> None:
        """Read the tasks again if the file changed, the past if something happened."""
        view = self.view
        if view is None:
            return
        if view.queue is not self._seen:
            self._seen = view.queue
            self.owner.fetch_tasks(self.agent, self._take)
        moved = (view.signs.progress_at, view.measures.came, view.measures.left)
        if moved != self._lived:
            self._lived = moved
            self.owner.fetch_life(self.agent, "", self._take_life)
        rows = snap.processes.value.rows if snap.processes.value is not None else ()
        self.by_section["processes"].put(tuple(row for row in rows if row.agent == self.agent))

    def _take(self, agent: str, tasks: Sequence[Task], problem: str) -> None:
        self.problem = problem
        view = self.view
        if not tasks and _unread(view):
            # Nothing could be read, which is not the same as nothing to do: what was read last stays.
            self.redraw("who", "body")
            return
        if not problem:
            self.by_section["tasks"].put(tasks)
            skills = view.queue.expertise if view is not None else ()
            self.by_section["skills"].put(estimates(outcomes(tasks), skills))
        self.redraw("who", "body")

    def _take_life(self, told: Sequence[Transition], problem: str) -> None:
        if not problem:
            self.told = tuple(told)
            self.by_section["past"].put(self.told)
        self.redraw("body")

    # -- drawing -----------------------------------------------------------------------------

    def draw(self, name: str, size: Size, ui: Ui) -> list[Line]:
        """Who it is, the names of the sections, or the section."""
        if name == "body":
            if self.section == "timeline":
                return self._timeline(size, ui)
            return draw_list(
                self.by_section[self.section],
                self.section.upper(),
                size,
                ui,
                self.snap.wall,
                _UNREAD
                if self.section in ("tasks", "skills") and _unread(self.view)
                else _EMPTY[self.section],
            )
        if name == "sections":
            return [fit_line(agentpage.section_title(SECTIONS, self.section), size.width)]
        view = self.view
        if view is None:
            gone: Line = [(f" {self.agent} is gone: its folder is no longer there", "unknown")]
            return [fit_line(gone, size.width)]
        problem = self.problem if self.problem != "reading" else ""
        lines = agentpage.who_lines(view, self.snap, size.width, problem, ui.glyphs)
        return [fit_line(line, size.width) for line in lines]

    def _timeline(self, size: Size, ui: Ui) -> list[Line]:
        bare = ui.level == "rows"
        edge = 0 if bare else 2
        wall = calm_wall(self.snap.wall)
        # What a clock that was ahead has written lies beyond the end of the axis.
        told = [change for change in self.told if change.seen_at <= wall + AGE_STEP_S]
        range_s = agentpage.fitting_range(told, wall)
        found = agentpage.bars(told, wall - range_s)
        room = size.height - edge - 1
        self.offset_row = max(0, min(self.offset_row, len(found) - room + 1))
        cells = size.width - edge
        if not found:
            lines: list[Line] = [[(_EMPTY["past"], "dim")]]
        else:
            axis, *rows = agentpage.timeline_lines(
                found, self._watched(), wall, range_s, cells - 2, ui.glyphs
            )
            lines = [axis, *rows[self.offset_row :]]
        key = fit_line([(" ", "text"), *agentpage.legend(ui.glyphs)], cells)
        body = [*agentpage.padded(lines, cells, room, 0), key]
        return body if bare else framed("TIMELINE", [], body, [], size, ui)

    def _watched(self) -> list[tuple[float, float]]:
        """When somebody looked; the last time goes on."""
        spans = list(self.snap.record.watched)
        if spans:
            spans[-1] = (spans[-1][0], max(spans[-1][1], self.snap.wall))
        return spans

    # -- keys --------------------------------------------------------------------------------

    def action_section(self, step: int) -> None:
        """The next section."""
        self.section = SECTIONS[(SECTIONS.index(self.section) + step) % len(SECTIONS)]
        self.offset_row = 0
        self.redraw(*self.names)

    def action_cursor(self, rows: int) -> None:
        """Scroll the timeline, or move the cursor."""
        if self.section == "timeline":
            self.offset_row += rows
            self.redraw("body")
        else:
            super().action_cursor(rows)

    def action_edge(self, end: int) -> None:
        """The first or the last line of the timeline, or row of a table."""
        if self.section == "timeline":
            self.offset_row = 0 if end < 0 else len(self.told)
            self.redraw("body")
        else:
            super().action_edge(end)

    def action_enter(self) -> None:
        """The whole record of a task, or what can be said of the row."""
        if self.section == "tasks":
            task = self.by_section["tasks"].current()
            if task is not None:
                self.owner.open_task(task)
        elif self.section == "past":
            change = self.by_section["past"].current()
            task = next(
                (t for t in self.by_section["tasks"].items if change and t.task_id == change.task), None
            )
            if task is not None:
                self.owner.open_task(task)
            elif change is not None:
                self.say(f"{change.task} is not in {self.agent}'s file any more", "dim")

    def action_copy(self) -> None:
        """The record of the task under the cursor, as JSON."""
        task = self.by_section["tasks"].current() if self.section == "tasks" else None
        if task is not None:
            self.owner.fetch_record(task, lambda text, problem: self.owner.copy(text, problem))
        else:
            self.say("there is no record here: tasks have one", "dim")


def _unread(view: AgentView | None) -> bool:
    """Whether the file of an agent that is there cannot be read now."""
    return view is not None and (view.queue.stale_since is not None or view.queue.form == "unreadable")


def outcomes(tasks: Sequence[Task]) -> list[Outcome]:
    """Finished tasks as observations: what they asked for, whether they succeeded, what they took."""
    return [
        Outcome(task.skills, task.status == "completed", task.estimated_hours, task.actual_hours)
        for task in tasks
        if task.status in ("completed", "failed")
    ]
