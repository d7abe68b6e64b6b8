"""What the app does about rebalancing: one talk with the helpers, the screens, and a look after the start.

Everything else of it is imported when it is first needed: it costs the start and the memory of a dashboard
on which nobody presses `r` nothing. Not for the screens themselves.
"""

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

from core.queues.model import Task
from core.snapshot import Snapshot
from core.text import clean_line
from tui.screens.base import BluetopScreen

if TYPE_CHECKING:
    from core.balance.automatic import Automatic, Said
    from tui.app import BluetopApp
    from tui.screens.rebalancetalk import Talk

ATTEND_S = 1.5  # after the start: what a plan that was cut off has left is no matter for the first frame


class Rebalancing:
    """The part of the app that is about rebalancing; `BluetopApp` has all that is declared here."""

    _talk: "Talk | None" = None
    _automatic: "Automatic | None" = None

    @property
    def _app(self) -> "BluetopApp":
        return cast("BluetopApp", self)

    @property
    def has_talk(self) -> bool:
        """Whether anything was asked of the helpers that rebalance."""
        return self._talk is not None

    @property
    def talk(self) -> "Talk":
        """The talk with the helpers that rebalance; they are imported when first needed."""
        if self._talk is None:
            from tui.screens.rebalancetalk import Talk

            workspace = self._app.engine.latest.workspace or ""
            self._talk = Talk(self._app.engine.clock, workspace, self._app.read_only, self._app._say)
        return self._talk

    def on_unmount(self) -> None:
        """Helpers end by themselves: one that changes something after its present move."""
        if self._talk is not None:
            self._talk.close()
        if self._automatic is not None:
            self._automatic.close()

    def marked(self, snap: Snapshot) -> Snapshot:
        """`snap`, with a verdict about plans that were cut off, if there are any."""
        return snap if self._talk is None else self._talk.marked(snap)

    def begin_rebalancing(self) -> None:
        """After the start: look for plans that were cut off, and let the automatic mode begin if it is not off."""
        workspace, settings = self._app.engine.latest.workspace, self._app.settings
        if not workspace:
            return
        self.talk.attend(self._attended, stay=True)
        if settings.balance.auto.mode != "off":
            from core.balance.automatic import attach

            self._automatic = attach(
                settings, workspace, read_only=self._app.read_only, clock=self._app.engine.clock,
                environ=os.environ, say=self._told,
            )  # fmt: skip

    def attend(self) -> None:
        """Look for plans that were cut off, and whether anything can be changed here."""
        self.talk.attend(self._attended)

    def _told(self, news: "Said") -> None:
        """What the automatic mode did, or would do; that it does nothing is no news."""
        if news.what != "nothing":
            self._app._say(clean_line(news.text), "high" if news.what == "failed" else "accent")

    def _attended(self) -> None:
        """The verdict and the screen on top show it, also while the rest of the picture is held still."""
        app = self._app
        app._take(app.shown if app.paused_at is not None else app.engine.latest)
        app._redraw()

    async def action_quit(self) -> None:
        """Leave; while a plan is being applied only after a question."""
        app = self._app
        screen = app.screen
        if self._talk is None or not self._talk.changing or not isinstance(screen, BluetopScreen):
            app.exit()
        else:
            screen.confirm(f"{self._talk.changing} goes on; leave, and stop it after this move?", app.exit)

    def tell(self, text: str, role: str) -> None:
        """Say something on whatever screen is on top."""
        self._app._say(text, role)

    def open_plans(self) -> None:
        """The plans that were applied or undone here."""
        from tui.screens.rebalancehistory import PlansScreen

        self._app.push_screen(PlansScreen(self._app.settings.balance))

    def find_task(self, agent: str, task_id: str) -> None:
        """The screen of a task that is known by its name."""

        def take(_: str, tasks: Sequence[Task], problem: str) -> None:
            found = next((task for task in tasks if task.task_id == task_id), None)
            if found is not None:
                self._app.open_task(found)
            else:
                self._app._say(problem or f"{task_id} is not in {agent}'s queue any more", "dim")

        self._app.fetch_tasks(agent, take)

    def action_open_rebalance(self) -> None:
        """A plan to look at; the agent of the row one comes from is in sight. What lies above a plan is left for it."""
        from tui.screens.rebalance import RebalanceScreen
        from tui.screens.rebalanceopen import agent_of

        open_one = next((s for s in self._app.screen_stack if isinstance(s, RebalanceScreen)), None)
        if open_one is not None:
            while self._app.screen is not open_one:
                self._app.pop_screen()
            open_one.action_replan()
            return
        here = self._app.screen
        table = here.table if isinstance(here, BluetopScreen) and here.kind == "dashboard" else None
        resting = table is not None and table.names[:1] == [table.cursor]
        self._app.push_screen(RebalanceScreen(self._app.settings.balance, agent_of(here), resting=resting))

    def action_why(self) -> None:
        """Why a task goes where it goes, or stays where it is."""
        from tui.screens.rebalanceopen import WhyScreen, task_of

        task, more = task_of(self._app.screen, self._app.settings.balance)
        if task:
            self._app.push_screen(WhyScreen(task, more))
        else:
            self._app._say("no task is under the cursor", "dim")
