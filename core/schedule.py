"""When which poller is due: slots on one common epoch, so that equal intervals fall together.

Plain arithmetic on the loop's time. Slot n of an interval is `epoch + n * interval`, worked
out anew each time, so nothing drifts; slots that passed unused are counted and never made up.
"""

from math import floor, inf

# A timer may fire this much before its time; and slots this near to each other are one wake-up.
TOLERANCE_S = 0.002


class Schedule:
    """The slots of several pollers, by name."""

    def __init__(self, epoch: float) -> None:
        self._epoch = epoch
        self._intervals: dict[str, float] = {}
        self._slots: dict[str, int] = {}

    def add(self, name: str, interval_s: float, now: float) -> None:
        """Put `name` on the schedule, or give it another interval; its first slot is the next after `now`."""
        self._intervals[name] = interval_s
        self._slots[name] = floor((now - self._epoch) / interval_s + TOLERANCE_S) + 1

    def _time(self, name: str) -> float:
        return self._epoch + self._slots[name] * self._intervals[name]

    def soon(self, name: str, now: float) -> None:
        """Make `name` due at `now`, in the slot that is under way; nothing if it is not in the schedule."""
        if name not in self._slots:
            return
        self._slots[name] = floor((now - self._epoch) / self._intervals[name] + TOLERANCE_S)

    def next_at(self) -> float:
        """The time of the next slot; infinity if there is nothing to do."""
        return min((self._time(name) for name in self._slots), default=inf)

    def take(self, now: float) -> list[tuple[str, int]]:
        """Names that are due at `now`, each with the number of slots it missed; they move on to their next slot."""
        due: list[tuple[str, int]] = []
        for name, slot in self._slots.items():
            if self._time(name) <= now + TOLERANCE_S:
                current = floor((now + TOLERANCE_S - self._epoch) / self._intervals[name])
                due.append((name, max(0, current - slot)))
                self._slots[name] = max(slot, current) + 1
        return due
