"""Webhooks and hooks of the running bluetop: only the instance that keeps the alerts sends, and logs what fails."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from core.alerts.keeping import READING
from core.alerts.note import Note
from core.alerts.outbox import Delivery, Outbox
from core.clock import Clock
from core.config import Hook, Webhook

if TYPE_CHECKING:
    from core.alerts.live import LiveAlerts


class Sending:
    """An outbox that is fed by live alerts."""

    def __init__(self, channels: Sequence[Webhook | Hook], clock: Clock, live: "LiveAlerts") -> None:
        self._live = live
        self._outbox = Outbox(channels, clock)
        live.sinks.append(self._put)

    def _put(self, notes: Sequence[Note]) -> None:
        keeping = self._live.keeping
        if keeping is None or keeping.mode != READING:
            self._outbox.put(notes)
            self.turn()

    def turn(self) -> None:
        """Start what is due; write down what failed."""
        self._outbox.log_path = _log_of(self._live)
        self._told(self._outbox.turn())

    def _told(self, ended: Sequence[Delivery]) -> None:
        live = self._live
        for delivery in ended:
            if not delivery.ok:
                live.not_delivered(delivery.channel, delivery.problem)
                if live.keeping is not None:
                    line = live.lines.failed(live.wall(), delivery.channel, delivery.alerts, delivery.problem)
                    live.keeping.add([line], "", live.now())

    def close(self) -> None:
        """Hand over what still waits."""
        self._outbox.log_path = _log_of(self._live)
        self._told(self._outbox.close())


def _log_of(live: "LiveAlerts") -> str:
    return live.keeping.log_path if live.keeping is not None else ""
