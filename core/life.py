"""What is known of agents beside their files: what was seen, who asks, whose process was there when.

A frozen value of the roster's; the same object while nothing is new. Not for judging it.
"""

from collections.abc import Mapping

import msgspec

from core.fleet import Figures
from core.measures.liveness import Signs
from core.observed import Observed
from core.samples import Signal, SignalsSample
from core.snapshot import AgentView

_AHEAD_S = 60.0


class Life(msgspec.Struct, frozen=True):
    """`asks` are the unanswered signals of each agent, `heard` its newest signal; `process_at` is when a
    process that may be it was last seen, `process_from` when the oldest was started. `scanned`: processes have
    been looked for at least once."""

    observed: Observed = Observed()
    asks: Mapping[str, tuple[Signal, ...]] = {}
    heard: Mapping[str, float] = {}
    signals: SignalsSample | None = None
    process_at: Mapping[str, float] = {}
    process_from: Mapping[str, float] = {}
    scanned: bool = False

    def after(
        self,
        observed: Observed | None,
        signals: SignalsSample | None,
        figures: Mapping[str, Figures] | None,
        wall: float,
    ) -> "Life":
        """With these news; None is none."""
        asks, heard, scanned = self.asks, self.heard, self.scanned
        process_at, process_from = self.process_at, self.process_from
        kept = self.signals
        if signals is not None and not same_signals(signals, kept):
            by: dict[str, list[Signal]] = {}
            for signal in signals.open:
                by.setdefault(signal.agent, []).append(signal)
            asks = {agent: tuple(found) for agent, found in by.items()}
            heard = {agent: at for agent, at, _ in signals.last}
            kept = signals
        if figures is not None:
            there = {agent: wall for agent, sums in figures.items() if sums.workers}
            if there:
                began = {agent: figures[agent].started_at for agent in there}
                process_from = {**process_from, **{a: wall if at is None else at for a, at in began.items()}}
                process_at = {**process_at, **there}
            scanned = True
        if (
            (observed is None or observed is self.observed)
            and kept is self.signals
            and process_at is self.process_at
            and scanned == self.scanned
        ):
            return self
        return Life(observed or self.observed, asks, heard, kept, process_at, process_from, scanned)

    def heard_anew(self, signals: SignalsSample | None) -> set[str]:
        """The agents of which `signals` say something else than before."""
        if signals is None or same_signals(signals, self.signals):
            return set()
        before = self.signals
        old = {*before.open} if before is not None else set()
        found = {signal.agent for signal in old.symmetric_difference(signals.open)}
        return found | {agent for agent, at, _ in signals.last if self.heard.get(agent) != at}

    def signs(self, view: AgentView, transition_at: float | None, wall: float) -> Signs:
        """The signs of life of the agent of `view` at `wall`; a time later than that is from a clock set back."""
        agent = view.queue.agent
        seen = (view.changed_at, transition_at, self.heard.get(agent))
        times = [at for at in seen if at is not None and at <= wall + _AHEAD_S]
        process_at = self.process_at.get(agent)
        return Signs(
            max(times, default=None),
            view.processes if self.scanned else None,
            view.cpu_percent,
            process_at if process_at is not None and process_at <= wall + _AHEAD_S else None,
            len(self.asks.get(agent, ())),
            self.process_from.get(agent),
        )


def same_signals(new: SignalsSample, old: SignalsSample | None) -> bool:
    """Whether two samples say the same: their parts are then the same objects."""
    return old is not None and new.open is old.open and new.last is old.last
