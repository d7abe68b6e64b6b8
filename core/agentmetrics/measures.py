"""The measures of an agent or a fleet, from the entries that count for it. Unknown is None, never 0.

    success     completed / (completed + failed)
    efficiency  earned / actual hours of the completed tasks that have an estimate and actual hours
                above 0. Earned is the estimate, or, where both numbers are known, the share of it that
                was delivered: earned value over actual cost, the CPI of earned value management
                (ANSI/EIA-748). A ratio of sums, so a task weighs as much as it took; above 100 % is
                faster than estimated.
    delivery    deliverables delivered / promised of the completed tasks where both are known; what a
                task delivered beyond its promise does not make up for another
    task time   hours of the completed tasks: actual hours, else completed_at - started_at where that is
                plausible. Mean, and percentiles by linear interpolation between closest ranks
                (Hyndman & Fan 1996, type 7).

Two times are plausible if both are there, neither is doubtful, and the second is later than the
first by at most `LONGEST_HOURS`. A history entry has one time for both, so it says nothing.
"""

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from core.agentmetrics.model import Data, count_of, status_of, time_of
from core.queues.tracked import hours

LONGEST_HOURS = 30 * 24.0
# Status → the name under which tasks are counted: as everywhere, assigned ones wait like others.
COUNTED = {
    "pending": "pending", "assigned": "pending", "in_progress": "in_progress", "ready_for_review": "review",
    "blocked": "blocked", "failed": "failed", "completed": "completed", "": "other",
}  # fmt: skip
COUNTS = (*dict.fromkeys(COUNTED.values()), "vanished")


class TaskTime(NamedTuple):
    """Hours that completed tasks took: `n` of them, of which so many by each source."""

    n: int
    mean_hours: float | None
    p50_hours: float | None
    p95_hours: float | None
    from_actual_hours: int
    from_times: int


class Measures(NamedTuple):
    """What is known of one agent's tasks, or of a fleet's. Percentages are not capped; see the module.

    `counts` has every name of `COUNTS`; vanished tasks were never finished, and no queue file has
    them any more.
    """

    total_tasks: int
    counts: dict[str, int]
    success_percent: float | None
    success_n: int
    efficiency_percent: float | None
    efficiency_n: int
    delivery_percent: float | None
    delivery_n: int
    task_time: TaskTime


def execution_hours(entry: Data, doubtful: Collection[Any] = ()) -> tuple[float, str] | None:
    """How long a task took, and from what that is known: "actual_hours" or "times"; None if it is not."""
    actual = hours(entry.get("actual_hours"))
    if actual is not None:
        return actual, "actual_hours"
    if "started_at" in doubtful or "completed_at" in doubtful:
        return None
    elapsed = elapsed_hours(entry.get("started_at"), entry.get("completed_at"))
    return None if elapsed is None else (elapsed, "times")


def elapsed_hours(started_at: Any, completed_at: Any) -> float | None:
    """Hours between two times of a file, if that is plausible."""
    began, ended = time_of(started_at), time_of(completed_at)
    if began is None or ended is None:
        return None
    elapsed = (ended - began) / 3600.0
    return elapsed if 0 < elapsed <= LONGEST_HOURS else None


def earned_hours(estimated: float, delivered: int | None, promised: int | None) -> float:
    """The estimate, or the delivered share of it where both numbers are known."""
    if delivered is None or not promised:
        return estimated
    return estimated * min(1.0, delivered / promised)


def efficiency_percent(entry: Data, delivered: int | None) -> float | None:
    """Earned of actual hours of one task, per cent; None where either is unknown."""
    estimated, actual = hours(entry.get("estimated_hours")), hours(entry.get("actual_hours"))
    if estimated is None or actual is None:
        return None
    return 100.0 * earned_hours(estimated, delivered, count_of(entry.get("deliverables_total"))) / actual


class Sums:
    """Entries added up, so that sums of agents can be added up to those of the fleet."""

    def __init__(self) -> None:
        self.counts = dict.fromkeys(COUNTS, 0)
        self.times: list[float] = []
        self.from_times = 0
        self.efficiency_n = self.delivery_n = self.delivered = self.promised = 0
        self.earned = self.actual = 0.0

    def add(self, entry: Data, facts: Data) -> None:
        """One task that counts; `facts` are what `bluetop.tasks` says of it."""
        status = status_of(entry)
        if facts.get("gone") is True and status not in ("completed", "failed"):
            self.counts["vanished"] += 1
            return
        self.counts[COUNTED[status]] += 1
        if status != "completed":
            return
        doubtful = facts.get("doubtful")
        took = execution_hours(entry, doubtful if isinstance(doubtful, list) else ())
        if took is not None:
            self.times.append(took[0])
            self.from_times += took[1] == "times"
        delivered, promised = count_of(facts.get("delivered")), count_of(entry.get("deliverables_total"))
        estimated, actual = hours(entry.get("estimated_hours")), hours(entry.get("actual_hours"))
        if estimated is not None and actual is not None:
            self.efficiency_n += 1
            self.earned += earned_hours(estimated, delivered, promised)
            self.actual += actual
        if delivered is not None and promised:
            self.delivery_n += 1
            self.delivered += min(delivered, promised)
            self.promised += promised

    def wire(self) -> list[Any]:
        """As JSON can hold it."""
        return [list(self.counts.values()), self.times, self.from_times, self.efficiency_n, self.earned, self.actual,
                self.delivery_n, self.delivered, self.promised]  # fmt: skip

    def add_wire(self, row: Sequence[Any]) -> None:
        """Add the sums of one agent, as `wire` gave them."""
        for name, count in zip(COUNTS, row[0], strict=True):
            self.counts[name] += count
        self.times += row[1]
        self.from_times += row[2]
        self.efficiency_n += row[3]
        self.earned += row[4]
        self.actual += row[5]
        self.delivery_n += row[6]
        self.delivered += row[7]
        self.promised += row[8]

    def measures(self) -> Measures:
        """The measures of all that was added."""
        done, failed = self.counts["completed"], self.counts["failed"]
        times = sorted(self.times)
        n = len(times)
        return Measures(
            sum(self.counts.values()),
            dict(self.counts),
            _percent(done, done + failed),
            done + failed,
            _percent(self.earned, self.actual),
            self.efficiency_n,
            _percent(self.delivered, self.promised),
            self.delivery_n,
            TaskTime(
                n, _finite(sum(times) / n) if n else None, percentile(times, 0.5), percentile(times, 0.95),
                n - self.from_times, self.from_times,
            ),
        )  # fmt: skip


def measures_data(measures: Measures) -> Data:
    """Measures as plain data, rounded to two digits."""
    took = measures.task_time
    return {
        "total_tasks": measures.total_tasks,
        **measures.counts,
        "success_percent": _rounded(measures.success_percent),
        "success_n": measures.success_n,
        "efficiency_percent": _rounded(measures.efficiency_percent),
        "efficiency_n": measures.efficiency_n,
        "delivery_percent": _rounded(measures.delivery_percent),
        "delivery_n": measures.delivery_n,
        "task_time": {
            "n": took.n,
            "mean_hours": _rounded(took.mean_hours),
            "p50_hours": _rounded(took.p50_hours),
            "p95_hours": _rounded(took.p95_hours),
            "from_actual_hours": took.from_actual_hours,
            "from_times": took.from_times,
        },
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)


def percentile(values: Sequence[float], share: float) -> float | None:
    """The percentile of sorted values, `share` from 0 to 1; None without values."""
    if not values:
        return None
    place = share * (len(values) - 1)
    below = int(place)
    if below + 1 == len(values):
        return values[below]
    part = place - below
    # Not below + part * (above - below): that difference may be beyond what a number can hold.
    return values[below] * (1 - part) + values[below + 1] * part


def _percent(part: float, whole: float) -> float | None:
    return _finite(100.0 * (part / whole)) if whole > 0 else None


def _finite(value: float) -> float | None:
    return value if value - value == 0 else None
