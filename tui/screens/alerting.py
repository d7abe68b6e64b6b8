"""What the keys do to alerts, on the dashboard and on their own screen: acknowledge, silence, read the runbook.

All of it goes through `core.control`, which refuses it in read-only mode. Not for what is drawn.
"""

import glob
from collections.abc import Callable, Sequence

from core.alerts.names import RESOLVED
from core.alerts.view import Alert
from core.control import AckAlert, Command, Desk, EndSilence, Match, SilenceAlerts, submit
from core.errors import BluetopError
from core.text import clean_line
from tui.panes.alertdetail import runbook_lines
from tui.panes.alertrows import NO_EVENT, Entry, on_dashboard
from tui.screens.base import BluetopScreen
from tui.screens.silencing import SilenceAsking
from tui.view.table import TableState


class AlertingScreen(BluetopScreen):
    """A screen with a table of alerts. `alerts_focused` says that keys are about its cursor and its marks."""

    @property
    def alert_rows(self) -> TableState:
        """The table of alerts."""
        raise NotImplementedError

    @property
    def alerts_focused(self) -> bool:
        """Whether the rows of alerts have the focus."""
        return True

    # -- which alerts are meant --------------------------------------------------------------

    def _meant(self, wanted: Callable[[Alert], object], none: str) -> list[Alert]:
        """The marked alerts, or the one under the cursor; without the focus the most urgent one that is `wanted`.

        Says `none` where there is none.
        """
        if self.alerts_focused:
            chosen: Sequence[Entry] = self.alert_rows.chosen()
            meant = [entry.alert for entry in chosen if entry.alert is not None]
            if chosen and not meant:
                self.say("this is a note, not an alert", "dim")
            elif not chosen:
                self.say(none, "dim")
            return meant
        found = next((alert for alert in on_dashboard(self.snap.alerts) if wanted(alert)), None)
        if found is None:
            self.say(none, "dim")
        return [] if found is None else [found]

    def _desk(self) -> Desk | None:
        desk = self.owner.desk
        if desk is None:
            self.say("no alerts are judged here", "medium")
        return desk

    # -- doing it ----------------------------------------------------------------------------

    def _submit(self, commands: Sequence[Command], many: str) -> str:
        """Carry out all of them and say so; returns what went wrong with the first that failed, "" if none did."""
        done: list[str] = []
        failed: list[str] = []
        for command in commands:
            try:
                done.append(submit(command, read_only=self.owner.read_only).text)
            except BluetopError as error:
                failed.append(clean_line(str(error)))
        if len(commands) == 1:
            self.say((done or failed)[0], "ok" if done else "high")
        elif failed:
            self.say(f"{len(done)} of {len(commands)} {many}; {failed[0]}", "high")
        else:
            self.say(f"{len(done)} alerts {many}", "ok")
        self.redraw(*self.names)
        return "" if done else failed[0] if failed else ""

    def action_ack(self) -> None:
        """Acknowledge what is meant."""
        self._acknowledge(undo=False)

    def action_unack(self) -> None:
        """Take an acknowledgement back."""
        self._acknowledge(undo=True)

    def _acknowledge(self, *, undo: bool) -> None:
        none = "nothing is acknowledged" if undo else "no alert is open: there is nothing to acknowledge"
        meant = self._meant(lambda alert: alert.acked_by if undo else not alert.hushed, none)
        desk = self._desk() if meant else None
        if desk is not None:
            commands = [AckAlert(desk, alert.rule, alert.subject, undo) for alert in meant]
            self._submit(commands, "are not acknowledged any more" if undo else "acknowledged")

    def action_silence(self) -> None:
        """Ask for how long and why, then silence what is meant."""
        if self.owner.read_only:
            self.say("read-only: nothing is silenced", "medium")
            return
        meant = self._meant(lambda alert: not alert.hushed, "no alert is open: there is nothing to silence")
        desk = self._desk() if meant else None
        if desk is None:
            return
        pairs = list(dict.fromkeys((alert.rule, alert.subject) for alert in meant))
        what = f"{pairs[0][0]} on {pairs[0][1]}" if len(pairs) == 1 else f"{len(pairs)} alerts"

        def silence(for_s: float, comment: str) -> str:
            commands = [
                SilenceAlerts(desk, Match(glob.escape(rule), glob.escape(subject)), for_s, comment)
                for rule, subject in pairs
            ]
            return self._submit(commands, "silenced")

        self.ask(SilenceAsking(what, self.owner.engine.clock.wall, silence))

    def action_unsilence(self) -> None:
        """End the silences of what is meant."""
        meant = self._meant(lambda alert: alert.silence, "nothing is silenced")
        hushed = [alert for alert in meant if alert.silence]
        others = [one for one in self.snap.alerts.silences if not one.over and any(map(one.is_about, hushed))]
        silences = list(dict.fromkeys([*(alert.silence for alert in hushed), *(one.id for one in others)]))
        if meant and not silences:
            self.say("it is not silenced" if len(meant) == 1 else "none of these is silenced", "dim")
        desk = self._desk() if silences else None
        if desk is not None:
            self._submit([EndSilence(desk, silence) for silence in silences], "not silenced any more")

    def action_runbook(self) -> None:
        """What to do about it, step by step."""
        meant = self._meant(lambda alert: not alert.hushed, "no alert is open")
        if meant:
            alert = meant[0]
            entry = Entry(alert, NO_EVENT, None, self.snap.host, self.owner.read_only)
            lines = runbook_lines(entry, alert, self.snap, self.owner.glyphs, max(20, self.size.width - 4))
            self.owner.open_text("runbook", f"{alert.rule} on {entry.subject}", lines)

    def jump_to(self, entry: Entry | None) -> None:
        """The screen of what a row is about: the agent, or the processes of the host."""
        if entry is None:
            return
        alert = entry.alert
        if alert is None:
            self.owner.jump(entry.event.subject)
        elif alert.scope != "agent":
            self.owner.action_open_processes()
        elif alert.state == RESOLVED and all(v.queue.agent != alert.subject for v in self.snap.agents):
            self.say(f"{alert.subject} is gone", "dim")
        else:
            self.owner.open_agent(alert.subject)
