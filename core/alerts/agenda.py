"""What is to be looked at again, and when, though no sample comes: one heap for an engine.

An instance has at most one valid entry for its state (`due`) and one for its notifications (`govern_at`);
one that was overtaken by an earlier one is left in the heap and passed over.
"""

from collections.abc import Iterator
from heapq import heapify, heappop, heappush
from itertools import count
from math import inf

from core.alerts.instances import Instance
from core.alerts.windows import Track

# Entries are this much early, so that rounding cannot make one late; what is looked at too early is
# looked at again at the next instant.
_EARLY_S = 1e-6

_SWEEP_AT = 4096

Entry = tuple[float, int, Track | Instance | None]


class Agenda:
    """Times at which instances and windows change by time alone. None stands for all notifications."""

    def __init__(self) -> None:
        self.heap: list[Entry] = []
        self._most = _SWEEP_AT
        self._number = count()

    def judge_at(self, instance: Instance, at: float) -> None:
        """The state of an instance is judged at `at`, if not earlier."""
        at -= _EARLY_S
        if at < instance.due:
            instance.due = at
            heappush(self.heap, (at, next(self._number), instance))

    def govern_at(self, instance: Instance, at: float) -> None:
        """The notifications of an instance are looked at again at `at`, if not earlier."""
        at -= _EARLY_S
        if at < instance.govern_at:
            instance.govern_at = at
            heappush(self.heap, (at, next(self._number), instance))

    def remind_at(self, at: float) -> None:
        """All notifications are looked at again at `at`."""
        heappush(self.heap, (at - _EARLY_S, next(self._number), None))

    def expect(self, track: Track, t: float) -> None:
        """The window of a track moves on after `t`, unless nothing is in it."""
        at = track.changes_at(t)
        if at < inf:
            track.expiring = True
            heappush(self.heap, (at - _EARLY_S, next(self._number), track))

    def sweep(self) -> None:
        """Throw out what is passed over anyway, once it may be most of it: agents come and go by thousands."""
        if len(self.heap) > self._most:
            self.heap = [entry for entry in self.heap if _counts(*entry)]
            heapify(self.heap)
            self._most = max(_SWEEP_AT, 2 * len(self.heap))

    def due_at(self) -> float:
        """The earliest time of an entry; inf without one."""
        return self.heap[0][0] + _EARLY_S if self.heap else inf

    def take(self, t: float) -> Iterator[tuple[float, Track | Instance | None]]:
        """The entries up to `t`. What is added meanwhile is given too, if it is due already."""
        heap = self.heap
        while heap and heap[0][0] <= t:
            at, _, what = heappop(heap)
            yield at, what


def _counts(at: float, number: int, what: Track | Instance | None) -> bool:
    """Whether anything would come of an entry."""
    if what is None:
        return True
    if isinstance(what, Instance):
        return at in (what.due, what.govern_at)
    return not what.series.gone
