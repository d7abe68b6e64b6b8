"""The engine's side of alerts: made once the loop runs, fed with every batch, kept once more at the end.

Imports the alert engine late, since the first frame does not wait for it.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from core.alerts.keeping import Keeping
from core.alerts.view import Alerts
from core.clock import Clock
from core.config import Hook, Settings, Webhook
from core.errors import PollError
from core.policy import Policy
from core.prober.client import Prober
from core.sources import Answer, Trouble

if TYPE_CHECKING:
    from core.alerts.live import LiveAlerts
    from core.alerts.note import Note
    from core.evaluator import State

# So long is waited at the end for the state to be kept.
LAST_S = 0.15


class Alerting:
    """The alerts of one engine; `keeping` is None where they are in memory only."""

    def __init__(self, settings: Settings, keeping: Keeping | None, rejected: Sequence[str]) -> None:
        self._settings = settings
        self._keeping = keeping
        self._rejected = tuple(rejected)
        self.live: LiveAlerts | None = None
        self._early: list[Answer | Trouble] = []
        self.sinks: list[Callable[[Sequence[Note]], None]] = []  # who is told, beside webhooks and hooks

    @property
    def waits(self) -> bool:
        """Whether something waits to be written."""
        return self._keeping is not None and self._keeping.waits

    def take(
        self, batch: Sequence[Answer | Trouble], state: "State", clock: Clock, *, quiet: bool = False
    ) -> Alerts:
        """What is known of alerts after this batch. While `quiet` (paused) agents are not judged."""
        live = self.live
        if live is None:
            live = self.live = self._made(state.policy, clock)
        if self._early:
            batch, self._early = [*self._early, *batch], []
        return live.take(batch, state.snapshot, clock.now(), clock.wall(), quiet=quiet)

    def _made(self, policy: Policy, clock: Clock) -> "LiveAlerts":
        from core.advice import Limits
        from core.alerts.live import LiveAlerts

        settings, keeping = self._settings, self._keeping
        live = LiveAlerts(
            settings.rules, policy, clock, keeping=keeping, rejected=self._rejected,
            limits=Limits(settings.workload.underused_percent),
        )  # fmt: skip
        live.sinks = self.sinks
        channels: list[Webhook | Hook] = [*settings.webhook, *settings.hook]
        # One that may change nothing tells nobody either: whoever keeps the alerts does.
        may = keeping is None or keeping.plan["write"]
        if may and any(channel.enabled for channel in channels):
            from core.alerts.sending import Sending

            live.sending = Sending(channels, clock, live)
        return live

    def hold(self, batch: Sequence[Answer | Trouble]) -> None:
        """Answers that came before alerts are judged: what was kept is among them, and is told once only."""
        self._early += [
            answer for answer in batch if isinstance(answer, Answer) and answer.source == "alerts"
        ]

    def with_policy(self, policy: Policy) -> None:
        """Another rhythm."""
        if self.live is not None:
            self.live.with_policy(policy)

    def close(self, prober: Prober, skip: Sequence[str]) -> None:
        """bluetop ends: what waits is handed over, and the state is kept once more, if that takes but a moment."""
        live, keeping = self.live, self._keeping
        if live is None:
            return
        live.last_words()
        # What is on its way is given once more, as the prober may not have got to it; then what came after it.
        for _ in range(3):
            if keeping is None or prober.pid is None or not (keeping.unwritten or keeping.plan["seen"]):
                return
            last = not keeping.unwritten
            request: dict[str, Any] = {"plan": keeping.plan, "skip": skip, "ends": True, **keeping.take()}
            try:
                parts = prober.ask("alerts", LAST_S, **request)
            except PollError:
                return
            answer = next((part for part in parts if "mode" in part), None)
            if answer is not None:
                keeping.answered(answer["mode"], answer["folder"], answer["problem"], answer["refused"])
            if last:
                return
