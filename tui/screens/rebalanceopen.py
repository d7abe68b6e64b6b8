"""The ways into rebalancing from other screens: which agent or task one means; and why a task goes or stays."""

from collections.abc import Mapping
from typing import Any

from core.balance.client import Done, Event, Failed
from core.config import Balance
from core.queues.model import Task
from core.snapshot import AgentView, Snapshot
from core.text import clean_line
from tui.panes.alertrows import Entry
from tui.panes.rebalancewords import why_lines
from tui.screens.agent import AgentScreen
from tui.screens.base import BluetopScreen
from tui.screens.rebalance import RebalanceScreen
from tui.screens.rebalancetalk import options_from
from tui.screens.task import TaskScreen
from tui.screens.text import TextScreen


def agent_of(screen: object) -> str:
    """The agent that the row under the cursor is about, "" if it is about none."""
    if isinstance(screen, AgentScreen):
        return screen.agent
    if isinstance(screen, TaskScreen):
        return screen.record_of.agent
    row = screen.table.current() if isinstance(screen, BluetopScreen) and screen.table is not None else None
    if isinstance(row, AgentView):
        return row.queue.agent
    if isinstance(row, Entry):
        alert = row.alert
        if alert is not None:
            return alert.subject if alert.scope == "agent" else ""
        return row.event.subject.removeprefix("agent:") if row.event.subject.startswith("agent:") else ""
    return str(getattr(row, "agent", ""))


def task_of(screen: object, settings: Balance) -> tuple[str, dict[str, Any]]:
    """The task that is meant, and with what plan it is asked about."""
    if isinstance(screen, RebalanceScreen):
        return screen.why_about()
    more = {"options": options_from(settings).data()}
    if isinstance(screen, TaskScreen):
        return screen.record_of.task_id, more
    if isinstance(screen, AgentScreen):
        row = screen.table.current() if screen.table is not None else None
        return (row.task_id if isinstance(row, Task) else str(getattr(row, "task", ""))), more
    return "", more


class WhyScreen(TextScreen):
    """Why one task goes where it goes, or stays; asked of a helper, and told in its words."""

    def __init__(self, task: str, request: Mapping[str, Any]) -> None:
        super().__init__("why", clean_line(task, 60), [[("looking at every agent ...", "dim")]])
        self.task_name = task
        self.request = request

    def on_mount(self) -> None:
        """Ask."""
        super().on_mount()
        if self.snap.workspace:
            wall = self.owner.engine.clock.wall()
            self.owner.talk.look("why", self._take, **{"now": wall, **self.request}, task=self.task_name)
        else:
            self.lines = [[("there is no workspace here", "dim")]]

    def absorb(self, snap: Snapshot) -> None:
        """It is asked once: what is read here shall not move."""

    def _take(self, event: Event) -> None:
        if isinstance(event, Failed):
            self.lines = [[(event.text, "high")]]
        elif isinstance(event, Done):
            from core.balance.why import why_of  # it brings the planner's model of a workspace

            self.lines = why_lines(why_of(event.data), self.owner.glyphs, max(40, self.size.width - 4))
        if self.is_mounted:
            self.redraw("body")
