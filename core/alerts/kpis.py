"""KPI status of recorded samples (alerting.md, section 5), as the dashboard judges it live.

The judgement of a value is `core.kpi`'s; this keeps the samples of each subject's window.
"""

from collections import deque
from collections.abc import Sequence
from math import fsum
from typing import Any

from core.config import Kpi, parse_condition
from core.kpi import STATUS_RANK, UNKNOWN, Condition, judge

Samples = deque[tuple[float, float]]


class _Judged:
    """One KPI and the samples of each of its subjects, as far as its window reaches."""

    def __init__(self, kpi: Kpi) -> None:
        self.kpi = kpi
        self.target = Condition(*parse_condition(kpi.target))
        self.critical = Condition(*parse_condition(kpi.critical)) if kpi.critical else None
        self.subjects: dict[str, Samples] = {}

    def add(self, t: float, subject: str, value: float) -> None:
        """One more sample. A gap does not begin the window anew: section 5 asks for samples in it, no more."""
        samples = self.subjects.get(subject)
        if samples is None:
            samples = self.subjects[subject] = deque()
        if samples:
            if self.kpi.aggregate == "last":
                samples.clear()
            elif samples[-1][0] == t:
                samples.pop()
        samples.append((t, value))
        self._drop(samples, t)

    def _drop(self, samples: Samples, t: float) -> None:
        while samples and samples[0][0] <= t - self.kpi.window_s:
            samples.popleft()

    def status(self, subject: str, t: float) -> str:
        """The status of one subject at `t`."""
        samples, how = self.subjects[subject], self.kpi.aggregate
        stale = bool(samples) and t - samples[-1][0] > self.kpi.stale_after_s
        self._drop(samples, t)
        if stale or not samples:
            return UNKNOWN
        values = [value for _, value in samples]
        if how == "avg":
            value = fsum(value / len(values) for value in values)
        else:
            value = {"last": values[-1], "max": max(values), "min": min(values)}[how]
        return judge(value, self.target, self.critical)


class KpiBook:
    """The windows of all KPIs that are enabled."""

    def __init__(self, kpis: Sequence[Kpi]) -> None:
        self._kpis = [_Judged(kpi) for kpi in kpis if kpi.enabled]
        self.wanted = bool(self._kpis)
        self._by_metric: dict[tuple[str, str], list[_Judged]] = {}
        for judged in self._kpis:
            self._by_metric.setdefault((judged.kpi.metric, judged.kpi.scope), []).append(judged)

    def sample(self, t: float, metric: str, scope: str, subject: str, value: float) -> None:
        """Take one in, in the order of time; of two at one time the later wins."""
        for judged in self._by_metric.get((metric, scope), ()):
            judged.add(t, subject, value)

    def gone(self, scope: str, subject: str) -> None:
        """A subject was removed."""
        for judged in self._kpis:
            if judged.kpi.scope == scope:
                judged.subjects.pop(subject, None)

    def judged(self, t: float) -> list[dict[str, Any]]:
        """Each KPI at `t`: its status is the worst of its subjects', unknown without any."""
        made = []
        for judged in self._kpis:
            subjects = {subject: judged.status(subject, t) for subject in sorted(judged.subjects)}
            worst = min(subjects.values(), key=STATUS_RANK.__getitem__, default=UNKNOWN)
            made.append({"name": judged.kpi.name, "status": worst, "subjects": subjects})
        return made
