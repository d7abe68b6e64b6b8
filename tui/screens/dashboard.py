"""The first screen: is anything wrong, what is the cause, which key fixes it."""

import logging
from collections.abc import Sequence
from typing import ClassVar

from textual import events

from core.queues.model import Task
from core.snapshot import Snapshot
from core.text import clean_line
from tui.keys import key_for
from tui.panes import PANES
from tui.panes.agents import agents_table, fleet_flow
from tui.panes.alertrows import Listing, count_active
from tui.panes.alerts import alerts_table
from tui.panes.lists import NO_AGENTS, NO_ALERTS, draw_list, draw_no_workspace
from tui.panes.tasks import tasks_table
from tui.screens.alerting import AlertingScreen
from tui.screens.base import bindings_of
from tui.view.layout import GAUGES, Layout, Rect, arrange
from tui.view.pane import Size, Ui, framed
from tui.view.spans import Line
from tui.view.table import Drawn, TableState, calm_wall


class DashboardScreen(AlertingScreen):
    """Gauges, agents, alerts; on a wide screen the selected agent's tasks beside them."""

    kind = "dashboard"
    names: ClassVar[tuple[str, ...]] = (*GAUGES, "needs", "agents", "alerts", "tasks")
    focus_order: ClassVar[tuple[str, ...]] = ("agents", "alerts", *GAUGES)
    opens: ClassVar[dict[str, str]] = {"slash": "filter", "z": "silence"}
    BINDINGS = bindings_of("dashboard")

    def __init__(self, sort: str = "", descending: bool = False, columns: Sequence[str] = ()) -> None:
        super().__init__()
        self.agents = agents_table(sort, descending)
        self.agents.name = "agents"
        self.no_columns = self.agents.choose(columns)
        self.alerts = alerts_table(dashboard=True)
        self.listing = Listing(dashboard=True)
        self.away_told = False
        self.tasks = tasks_table()
        self.expanded = ""
        self._shown = (0, 0, 0)
        self._tasks_of = ""
        self._tasks_seen: object = None

    @property
    def table(self) -> TableState | None:
        """The table that has the focus."""
        return {"agents": self.agents, "alerts": self.alerts}.get(self.focused_pane or "agents")

    @property
    def tables(self) -> tuple[TableState, ...]:
        """Those that can have the focus."""
        return self.agents, self.alerts

    @property
    def alert_rows(self) -> TableState:
        """The alerts pane's."""
        return self.alerts

    @property
    def alerts_focused(self) -> bool:
        """Whether keys are about the rows of the alerts pane."""
        return self.focused_pane == "alerts"

    def table_at(self, name: str) -> TableState | None:
        """Agents and alerts can be clicked; the tasks beside them only follow."""
        return {"agents": self.agents, "alerts": self.alerts}.get(name)

    def layout_of(self, width: int, height: int) -> Layout:
        """Rectangles at this size with what there is to show now; a filter moves no pane."""
        agents, alerts = len(self.agents.items), count_active(self.alerts.items)
        return arrange(width, height, agents, alerts, self.expanded, len(self.snap.needs))

    def rects(self, width: int, height: int) -> dict[str, Rect]:
        """Everything but head and foot, which all screens have."""
        rects = dict(self.layout_of(width, height).rects)
        del rects["head"], rects["foot"]
        return rects

    def level_at(self, width: int, height: int) -> str:
        """The level of the layout; an expanded pane has a frame of its own."""
        level = self.layout_of(width, height).level
        return "panes" if level == "one" else level

    def absorb(self, snap: Snapshot) -> None:
        """New rows; the layout only moves when their number changes what fits."""
        before = self._shown
        self.agents.put(snap.agents)
        self._put_alerts(snap)
        self._shown = (len(self.agents.items), count_active(self.alerts.items), min(3, len(snap.needs)))
        if before != self._shown and self._moved():
            self.relayout()
        self._follow_tasks()

    def _put_alerts(self, snap: Snapshot) -> None:
        """The rows of the alerts pane. As long as nobody is in it, it shows its first ones: the most urgent."""
        self.alerts.put(self.listing.rows(snap))
        if not self.alerts_focused and not self.alerts.marks:
            self.alerts.to_row(0)
        if snap.alerts.away and not self.away_told and not self.questioning:
            self.away_told = True
            self.say(f"{snap.alerts.away}; {_key('open_alerts')} shows them", "accent")

    def _moved(self) -> bool:
        """Whether the rows there are now would be laid out differently from what is shown."""
        rects = self.layout_of(*self.size).rects
        return any(self._rects.get(name) != rects.get(name) for name in ("needs", "agents", "alerts"))

    def draw(self, name: str, size: Size, ui: Ui) -> list[Line]:
        """Gauges draw themselves; the tables stand in frames."""
        if name in PANES:
            return PANES[name].draw(self.snap, size, ui)
        if name == "agents":
            if not self.snap.workspace:
                return draw_no_workspace(size, ui)
            flow = fleet_flow(self.snap)
            return draw_list(self.agents, "AGENTS", size, ui, self.snap.wall, NO_AGENTS, flow)
        if name == "alerts":
            return draw_list(self.alerts, "ALERTS", size, ui, self.snap.wall, NO_ALERTS)
        drawn = Drawn(calm_wall(self.snap.wall), ui.glyphs)
        body = self.tasks.lines(size.width - 2, size.height - 2, False, drawn)
        return framed(f"TASKS OF {self._tasks_of}" if self._tasks_of else "TASKS", [], body, [], size, ui)

    # -- the tasks beside the table, on a wide screen --------------------------------------

    def _arranged(self, width: int, height: int) -> dict[str, Rect]:
        """At another size the tasks may come in sight."""
        rects = super()._arranged(width, height)
        self._follow_tasks()
        return rects

    def _follow_tasks(self) -> None:
        """Ask for the selected agent's tasks when the agent or its file changed, if they are in sight."""
        view = self.agents.current()
        if view is None or "tasks" not in self._rects:
            return
        if view.queue is self._tasks_seen:
            return
        self._tasks_seen = view.queue
        self.owner.fetch_tasks(view.queue.agent, self._take_tasks)

    def _take_tasks(self, agent: str, tasks: Sequence[Task], problem: str) -> None:
        if not problem:
            self._tasks_of = agent
            self.tasks.put(tasks)
            self.redraw("tasks")

    def after_cursor(self) -> None:
        """Only the table that moved, and the tasks that follow it."""
        focused = self.focused_pane or "agents"
        self.redraw(focused)
        if focused == "agents":
            self._follow_tasks()

    def on_mount(self) -> None:
        """Columns that the settings name and the table has not are named once, and left out."""
        super().on_mount()
        if self.no_columns:
            said = clean_line(f"ui.columns names no column of the agents table: {', '.join(self.no_columns)}")
            logging.getLogger(__name__).warning("%s", said)
            self.say(said, "medium")

    def on_click(self, event: events.Click) -> None:
        """A click on what needs you opens the list of it; the base sees to all other panes."""
        if event.widget is not None and event.widget.id == "needs" and not self.prompting:
            self.owner.action_open_needs()

    # -- keys ------------------------------------------------------------------------------

    def action_next_pane(self, step: int) -> None:
        """Focus the next pane in sight."""
        shown = [n for n in self.focus_order if n in self._rects]
        if not shown:  # the window is too small for any
            return
        now = self.focused.id if self.focused is not None and self.focused.id in shown else shown[0]
        self.set_focus(self._widgets[shown[(shown.index(now or shown[0]) + step) % len(shown)]])

    def action_expand(self) -> None:
        """The focused pane alone, or all of them again."""
        focused = self.focused.id if self.focused is not None else "agents"
        self.expanded = "" if self.expanded else (focused or "agents")
        self.relayout()
        self.call_after_refresh(self.redraw)

    def action_back(self) -> None:
        """Undo the last of: marks, filter, expanded pane."""
        table = self.table
        if self.prompting or (table is not None and (table.marks or table.filter_text)):
            super().action_back()
        elif self.expanded:
            self.action_expand()

    def action_enter(self) -> None:
        """Open what is under the cursor, or what the focused gauge is about."""
        focused = self.focused.id if self.focused is not None else "agents"
        if focused in ("cpu", "memory", "files"):
            self.owner.action_open_processes()
        elif focused == "disk":
            self.owner.action_open_sources()
        elif focused == "alerts":
            self.jump_to(self.alerts.current())
        else:
            view = self.agents.current()
            if view is not None:
                self.owner.open_agent(view.queue.agent)

    def action_copy(self) -> None:
        """The marked agents, else the one under the cursor, as JSON, one a line."""
        from core.report import agent_data
        from tui.cli.output import json_text

        if self.table is self.alerts:
            self.say("agents can be copied, alerts cannot; tab goes to the agents", "dim")
            return
        chosen = self.agents.chosen()
        self.owner.copy(
            "\n".join(json_text(agent_data(view, self.snap.wall), indent=0) for view in chosen), ""
        )

    def action_open_agent(self) -> None:
        """The agent that the verdict names."""
        subject = self.snap.verdict.subject
        if subject.startswith("agent:"):
            self.owner.open_agent(subject[6:])
        else:
            row = key_for(self.snap.verdict.action)
            self.say("the verdict names no agent" + (f"; press {row.shown}" if row else ""), "dim")


def _key(action: str) -> str:
    row = key_for(action)
    return row.shown if row is not None else ""
