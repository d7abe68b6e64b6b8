"""Rules on trial: recorded samples through those of a file and through those in force, and what each would have done.

Both go through the engine that runs live, side by side, in one pass. Kept of it are sums for each rule, not what
happened one by one.
"""

from collections.abc import Iterable, Sequence
from math import inf
from typing import NamedTuple

from core.alerts.instances import Step
from core.alerts.names import FIRING, RESOLVED
from core.alerts.replay import Replay
from core.alerts.samplefile import pieces
from core.config import Rule

Key = tuple[str, str, str]  # rule, scope, subject


class Would(NamedTuple):
    """What one rule would have done. `firing_s` is over all subjects together, `longest_s` of one of them.

    `still` is how many fire at the end; `flapped` how often flapping began where that would have been told, `told`
    how many notifications there would have been. `seen`: there were samples that it is about.
    """

    fired: int = 0
    flapped: int = 0
    told: int = 0
    still: int = 0
    longest_s: float = 0.0
    firing_s: float = 0.0
    subjects: tuple[str, ...] = ()
    seen: bool = False


class Compared(NamedTuple):
    """One rule in both sets; None where it is not in one. `changed`: it is in both, and not the same."""

    name: str
    would: Would | None
    now: Would | None
    changed: bool


class _Sums:
    """The sums of one rule."""

    __slots__ = ("fired", "firing_s", "flapped", "longest_s", "subjects", "told")

    def __init__(self) -> None:
        self.fired = self.flapped = self.told = 0
        self.longest_s = self.firing_s = 0.0
        self.subjects: dict[str, None] = {}


class _Tally:
    """One set of rules, and what it does from `begin` on (the time on the clock of the samples)."""

    def __init__(self, rules: Sequence[Rule], begin: float) -> None:
        self.replay = Replay(rules, told=self._take)
        self._begin = begin
        self._sums = {rule.name: _Sums() for rule in rules if rule.enabled}
        self._open: dict[Key, float] = {}

    def _take(self, step: Step) -> None:
        for made in step.transitions:
            sums, key = self._sums[made.rule], (made.rule, made.scope, made.subject)
            if made.after == FIRING:
                self._open[key] = made.t
                if made.t >= self._begin:
                    sums.fired += 1
                    sums.subjects[made.subject] = None
            elif made.after == RESOLVED:
                self._lasted(sums, self._open.pop(key, made.t), made.t)
        for told in step.notifications:
            if told.t >= self._begin:
                self._sums[told.rule].told += 1
                self._sums[told.rule].flapped += told.what == "flapping"

    def _lasted(self, sums: _Sums, began: float, ended: float) -> None:
        if ended >= self._begin:
            sums.longest_s = max(sums.longest_s, ended - began)
            sums.firing_s += ended - max(began, self._begin)

    def end(self) -> dict[str, Would]:
        """Every rule, once all samples were taken in."""
        self.replay.end()
        engine = self.replay.engine
        still: dict[str, int] = {}
        for (rule, _, subject), began in self._open.items():
            still[rule] = still.get(rule, 0) + 1
            self._sums[rule].subjects[subject] = None
            self._lasted(self._sums[rule], began, engine.t)
        seen = {
            instance.judged.rule.name for series in engine.series.values() for instance in series.instances
        }
        return {
            name: Would(
                sums.fired, sums.flapped, sums.told, still.get(name, 0), sums.longest_s, sums.firing_s,
                tuple(sorted(sums.subjects)), name in seen or bool(sums.fired),
            )
            for name, sums in self._sums.items()
        }  # fmt: skip


class Trial:
    """`rules` are those of the file, `in_force` the ones that judge now; what comes before `begin` is not counted."""

    def __init__(self, rules: Sequence[Rule], in_force: Sequence[Rule], begin: float = -inf) -> None:
        self._rules = {rule.name: rule for rule in rules if rule.enabled}
        self._in_force = {rule.name: rule for rule in in_force if rule.enabled}
        self._would, self._now = _Tally(rules, begin), _Tally(in_force, begin)
        self.first = inf

    def feed(self, lines: Iterable[bytes]) -> None:
        """All of the samples, in the order of time."""
        engine = self._would.replay.engine
        for piece in pieces(lines):
            rest = iter(piece)
            if self.first == inf:
                for line in rest:
                    self._would.replay.feed([line])
                    if engine.t > -inf:
                        self.first = engine.t
                        break
            self._would.replay.feed(rest)
            self._now.replay.feed(piece)

    @property
    def last(self) -> float:
        """The newest time of the samples; -inf before the first."""
        return self._would.replay.engine.t

    @property
    def dropped(self) -> dict[str, int]:
        """What could not be used of the samples, as in a replay."""
        replay = self._would.replay
        return {
            "out_of_order": replay.engine.out_of_order,
            "invalid": replay.engine.invalid + replay.invalid,
            "rejected": replay.engine.rejected,
        }

    def end(self) -> list[Compared]:
        """The rules of the file in their order, then those that are in force only."""
        would, now = self._would.end(), self._now.end()
        return [
            Compared(
                name, would.get(name), now.get(name),
                name in would and name in now and self._rules[name] != self._in_force[name],
            )
            for name in dict.fromkeys((*would, *now))
        ]  # fmt: skip
