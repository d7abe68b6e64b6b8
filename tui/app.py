"""BluetopApp: wiring only. Snapshots go to the screen on top; what keys ask for goes to the engine."""

import asyncio
import os
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from textual import events
from textual.binding import Binding, BindingType

from core.config import Settings
from core.control import Desk
from core.engine import Engine
from core.errors import BluetopError
from core.queues.model import Task, Transition
from core.snapshot import Snapshot
from core.text import clean_line
from tui import clipboard, theming
from tui.choices import TableChoices, as_setting
from tui.feed import Feed
from tui.messages import SnapshotArrived
from tui.palette import Actions, Palette
from tui.screens.agent import AgentScreen
from tui.screens.alerts import AlertsScreen
from tui.screens.base import BluetopScreen
from tui.screens.columns import ColumnsScreen
from tui.screens.dashboard import DashboardScreen
from tui.screens.lists import NeedsScreen, ProcessesScreen, SourcesScreen
from tui.screens.rebalanceapp import ATTEND_S, Rebalancing
from tui.screens.task import TaskScreen
from tui.screens.text import HelpScreen, TextScreen
from tui.screens.views import ViewsScreen
from tui.view.glyphs import Glyphs
from tui.view.spans import Line
from tui.view.table import TableState, View
from tui.wire.app import WireApp

INTERVALS_S = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0)


class BluetopApp(Rebalancing, WireApp):
    """The dashboard. `settings`, `engine` and the first Snapshot are made before Textual is imported."""

    TITLE = "bluetop"
    CSS_PATH = "bluetop.tcss"
    COMMANDS: ClassVar[Any] = {Actions}
    ENABLE_COMMAND_PALETTE = True
    COMMAND_PALETTE_BINDING = "ctrl+backslash"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q,ctrl+q,ctrl+c", "quit", "quit", show=False, priority=False)
    ]

    def __init__(
        self,
        engine: Engine,
        settings: Settings,
        glyphs: Glyphs,
        theme: theming.Theme,
        *,
        system: str,
        read_only: bool = False,
        folders: tuple[str | None, str | None] = (None, None),
        save: Callable[[dict[str, Any]], str] | None = None,
        ring: Callable[[], str] = str,
        **wire: Any,
    ) -> None:
        super().__init__(palette=theme.palette(system), **wire)
        self.engine = engine
        self.settings = settings
        self.glyphs = glyphs
        self.look = theme
        self.system = system
        self.read_only = read_only
        self.config_dir, self.state_dir = folders
        self.save = save
        self.ring = (
            ring  # what the terminal is to be told of alerts now: a bell, a notification, mostly nothing
        )
        self.choices = TableChoices(settings.ui)
        self.shown: Snapshot = engine.latest
        self.theme_names = theming.names(self.config_dir)
        self.away_read = False  # whether somebody has read what happened while nobody looked
        self.paused_at: float | None = None
        self.paused_for: float | None = None
        self._typed: list[events.Key] | None = None
        self._pause_timer: asyncio.TimerHandle | None = None
        self._feed = Feed(engine, self._deliver)

    # -- life ------------------------------------------------------------------------------

    def on_mount(self) -> None:
        """Dress Textual like us, show the dashboard, start sampling."""
        self._dress()
        ui = self.settings.ui
        home = DashboardScreen(ui.sort, ui.sort_descending, ui.columns)
        self.push_screen(home)
        self.run_worker(self._feed.run(), group="engine", exit_on_error=True)
        self.set_timer(ATTEND_S, self.begin_rebalancing)

    def _dress(self) -> None:
        made = theming.textual_theme(self.look)
        self.register_theme(made)
        self.theme = made.name

    def _deliver(self, snap: Snapshot) -> None:
        self._ring()
        self.post_message(SnapshotArrived(snap))

    def _ring(self) -> None:
        told = self.ring()
        if told:
            self.send_raw(told)

    def on_snapshot_arrived(self, message: SnapshotArrived) -> None:
        """Show it, unless the operator holds the screen still."""
        if self.paused_at is not None:
            return
        self._take(message.snapshot)
        self._name_window(message.snapshot)
        screen = self.screen
        if isinstance(screen, BluetopScreen) and screen.is_mounted:
            screen.show_snapshot(self.shown)

    def _take(self, snap: Snapshot) -> None:
        self.shown = self.marked(snap)

    def _name_window(self, snap: Snapshot) -> None:
        """How many things need somebody, where it is seen also when another window is looked at."""
        if self.settings.ui.title:
            count = snap.needs_count
            said = f": {count} need{'s' if count == 1 else ''} you" if count else ""
            self.name_window(f"bluetop {snap.host}{said}")

    # -- what screens ask for --------------------------------------------------------------

    def fetch_tasks(self, agent: str, take: Callable[[str, Sequence[Task], str], None]) -> None:
        """Read an agent's tasks; `take(agent, tasks, problem)` is called when they are there."""

        async def work() -> None:
            try:
                take(agent, await self.engine.tasks(agent), "")
            except BluetopError as error:
                take(agent, (), clean_line(str(error)))

        self.run_worker(work(), group=f"tasks-{agent}", exclusive=True, exit_on_error=True)

    def fetch_life(self, agent: str, task: str, take: Callable[[Sequence[Transition], str], None]) -> None:
        """Read what happened to an agent's tasks, or to one; `take(transitions, problem)` when it is there."""

        async def work() -> None:
            try:
                take(await self.engine.life(agent, task), "")
            except BluetopError as error:
                take((), clean_line(str(error)))

        self.run_worker(work(), group=f"life-{agent}-{task}", exclusive=True, exit_on_error=True)

    def fetch_standing(
        self, tasks: Sequence[str], take: Callable[[dict[str, tuple[str, str]]], None]
    ) -> None:
        """Look up where tasks are; `take` gets id → (agent, status) of those that are known."""

        async def work() -> None:
            try:
                take(await self.engine.standing(tasks))
            except BluetopError:
                take({})

        self.run_worker(work(), group="standing", exclusive=True, exit_on_error=True)

    def fetch_record(self, task: Task, take: Callable[[str, str], None]) -> None:
        """Read one task's whole record; `take(json, problem)` is called when it is there."""

        async def work() -> None:
            try:
                text = await self.engine.record(task.agent, task.place, task.index, task.task_id)
            except BluetopError as error:
                take("", clean_line(str(error)))
            else:
                take(text, "")

        self.run_worker(work(), group="record", exclusive=True, exit_on_error=True)

    def copy(self, text: str, problem: str) -> None:
        """To the operator's clipboard; where that cannot be, to a file whose path is shown."""
        screen = self.screen
        if not isinstance(screen, BluetopScreen):
            return
        if problem or not text:
            screen.say(problem or "there is nothing to copy", "high")
            return
        sequence = clipboard.osc52(text, dict(os.environ))
        if sequence is not None:
            self.send_raw(sequence)
            screen.say(f"copied {len(text)} characters (OSC 52; your terminal may ask or refuse)", "ok")
        elif self.state_dir is None or self.read_only:
            screen.say("too long for the terminal's clipboard", "high")
        else:
            try:
                path = clipboard.spill(text, self.state_dir)
            except OSError as error:
                screen.say(f"too long for the terminal's clipboard, and {clean_line(str(error))}", "high")
            else:
                screen.say(f"too long for the terminal's clipboard; it is in {path}", "medium")

    def open_agent(self, agent: str) -> None:
        """An agent's screen."""
        self.push_screen(AgentScreen(agent))

    def open_task(self, task: Task) -> None:
        """A task's screen."""
        self.push_screen(TaskScreen(task))

    def open_text(self, kind: str, title: str, lines: list[Line]) -> None:
        """Something to read."""
        self.push_screen(TextScreen(kind, title, lines))

    def open_columns(self, table: TableState, name: str) -> None:
        """The columns of a table."""
        self.push_screen(ColumnsScreen(table, name))

    def open_views(self, table: TableState, name: str) -> None:
        """The views of a table."""
        self.push_screen(ViewsScreen(table, name))

    @property
    def desk(self) -> Desk | None:
        """Where alerts are acknowledged and silenced; None where none are judged."""
        alerts = self.engine.alerts
        return None if alerts is None else alerts.desk

    @property
    def can_save(self) -> bool:
        """Whether settings can be written at all."""
        return self.save is not None and not self.read_only

    def save_view(self, table: str, view: View) -> None:
        """Write a view to the settings; it is there once that is done."""
        changes = {f"ui.views.{view.name}": as_setting(table, view)}
        self._change(changes, lambda: self.choices.keep(table, view))

    def remove_view(self, name: str) -> None:
        """Take a view out of the settings."""
        self._change({f"ui.views.{name}": None}, lambda: self.choices.forget(name))

    def jump(self, subject: str) -> None:
        """The screen of a subject ("agent:CC", "source:...", a metric)."""
        if subject.startswith("agent:"):
            self.open_agent(subject[6:])
        elif subject.startswith(("source:", "mount:", "file:")):
            self.action_open_sources()
        else:
            self.action_open_processes()

    # -- actions of the key table ----------------------------------------------------------

    def action_show_help(self) -> None:
        """The keys that work here."""
        kind = getattr(self.screen, "kind", "dashboard")
        if kind != "help":
            table = getattr(self.screen, "table", None)
            fields = table.fields.values() if table is not None else ()
            read_only = self.read_only or getattr(self.screen, "preview_only", False)
            self.push_screen(HelpScreen(kind, read_only, self.glyphs, fields))

    def action_palette(self) -> None:
        """Any action by its name (the key itself is seen to in `on_event`)."""
        self.action_command_palette()

    def action_command_palette(self) -> None:
        """Open it, unless it is open."""
        if not any(isinstance(screen, Palette) for screen in self.screen_stack):
            self.push_screen(Palette(id="--command-palette"))

    def action_open_processes(self) -> None:
        """Watched processes."""
        self.push_screen(ProcessesScreen())

    def action_open_sources(self) -> None:
        """Sources."""
        self.push_screen(SourcesScreen())

    def action_open_needs(self) -> None:
        """What needs a person."""
        self.push_screen(NeedsScreen())

    def action_open_alerts(self) -> None:
        """All alerts."""
        if not isinstance(self.screen, AlertsScreen):
            self.push_screen(AlertsScreen())

    def action_redraw(self) -> None:
        """Everything anew, after something else has written on the terminal."""
        self.redraw_all()

    def action_suspend(self) -> None:
        """Back to the shell."""
        self.engine.rest(asleep=True)
        self.action_suspend_process()

    def action_pause(self) -> None:
        """Hold the screen still, or let go."""
        if self.paused_at is None:
            self.paused_at = self.engine.clock.now()
            self.paused_for = 0.0
            self.engine.pause()
            self._tick_pause()
        else:
            self.paused_at = self.paused_for = None
            if self._pause_timer is not None:
                self._pause_timer.cancel()
            self.engine.resume()
            self._take(self.engine.latest)
        self._redraw()

    def _tick_pause(self) -> None:
        """How far behind the screen is, once a second: straight on the loop, this is all that goes on."""
        if self.paused_at is not None:
            self.paused_for = self.engine.clock.now() - self.paused_at
            self._ring()
            if isinstance(self.screen, BluetopScreen):
                self.screen.redraw("head")
            self._pause_timer = asyncio.get_running_loop().call_later(1.0, self._tick_pause)

    def _redraw(self) -> None:
        if isinstance(self.screen, BluetopScreen) and self.screen.is_mounted:
            self.screen.show_snapshot(self.shown)

    def _step_interval(self, step: int) -> None:
        now = self.shown.interval_s
        at = min(range(len(INTERVALS_S)), key=lambda i: abs(INTERVALS_S[i] - now))
        seconds = INTERVALS_S[min(max(at + step, 0), len(INTERVALS_S) - 1)]
        self.engine.set_interval(seconds)
        self._say(f"a sample each {seconds:g} s")

    def action_slower(self) -> None:
        """A longer interval."""
        self._step_interval(1)

    def action_faster(self) -> None:
        """A shorter interval."""
        self._step_interval(-1)

    def action_next_theme(self) -> None:
        """The next theme, by the order of their names."""
        at = self.theme_names.index(self.look.name) if self.look.name in self.theme_names else -1
        self.use_theme(self.theme_names[(at + 1) % len(self.theme_names)])

    def use_theme(self, name: str) -> None:
        """Dress in theme `name`; a theme that cannot be used is named, and nothing changes."""
        try:
            theme = theming.load(name, self.config_dir)
        except BluetopError as error:
            self._say(clean_line(str(error)), "high")
            return
        self.look = theme
        self._dress()
        self.set_palette(theme.palette(self.system))
        self._redraw()
        self._say(f"theme: {theme.label}")

    def action_save_settings(self) -> None:
        """Keep theme, interval, and sort order and columns of the agents for the next start."""
        home = next((s for s in self.screen_stack if isinstance(s, DashboardScreen)), None)
        changes: dict[str, Any] = {"ui.theme": self.look.name, "poll.host_interval_s": self.shown.interval_s}
        if home is not None:
            changes |= {"ui.sort": home.agents.sort, "ui.sort_descending": home.agents.descending,
                        "ui.columns": list(home.agents.chosen_columns)}  # fmt: skip
        self._change(changes, lambda: None)

    def _change(self, changes: dict[str, Any], done: Callable[[], None]) -> None:
        """Save `changes`, then do what follows from it, and say how it went."""
        if self.save is None or self.read_only:
            self._say("read-only: nothing is saved", "medium")
        else:
            self.run_worker(self._save(self.save, changes, done), group="save", exit_on_error=False)

    async def _save(
        self, save: Callable[[dict[str, Any]], str], changes: dict[str, Any], done: Callable[[], None]
    ) -> None:
        """In a thread: a lock and an fsync take their time, and a hung home folder takes for ever."""
        try:
            said = await asyncio.to_thread(save, changes)
        except BluetopError as error:
            self._say(clean_line(str(error)), "high")
        else:
            done()
            self._redraw()
            self._say(said, "ok")

    def _say(self, text: str, role: str = "text") -> None:
        if isinstance(self.screen, BluetopScreen):
            self.screen.say(text, role)

    async def on_event(self, event: events.Event) -> None:
        """Keys that open something to type into do it here and now, before the next key is looked at.

        Textual hands keys on through queues: on a line that delivers them in one packet, what is
        typed after `/` or `:` would still reach the table, where `q` quits. A pasted text never
        acts as keys: outside a prompt it is dropped.
        """
        screen = self.screen if self._screen_stack else None
        if isinstance(screen, BluetopScreen) and not screen.prompting and not screen.questioning:
            if isinstance(event, events.Paste):
                event.stop()
                return
            if isinstance(event, events.Key):
                if self._typed is not None:
                    self._typed.append(event)
                    return
                opener = screen.opens.get(event.key)
                if opener is not None and screen.table is not None:
                    getattr(screen, f"action_{opener}")()
                    return
                if event.key in ("colon", "ctrl+p"):
                    self._typed = []
                    self.action_command_palette()
                    self._pass_on()
                    return
        elif isinstance(event, events.Key) and self._typed is not None:
            self._typed.append(event)
            return
        await super().on_event(event)

    def _pass_on(self, tries: int = 50) -> None:
        """Give the palette what was typed while it opened."""
        if tries and (isinstance(self.screen, BluetopScreen) or self.screen.focused is None):
            self.set_timer(0.01, lambda: self._pass_on(tries - 1))
            return
        typed, self._typed = self._typed or [], None
        for event in typed:
            self.post_message(event)
