"""What the engine keeps: series with their last sample, and one instance of each rule that is about them.

Plain mutable records without behaviour but for looking at themselves; what happens to them is
`core.alerts.engine` (states) and `core.alerts.governing` (notifications). Times are seconds on
the clock of the samples.
"""

from collections import deque
from fnmatch import fnmatchcase
from math import inf
from typing import NamedTuple

from core.alerts.names import FIRING, INACTIVE, PENDING
from core.alerts.rules import NOWHERE, Judged
from core.alerts.windows import Track


class Series:
    """One metric of one subject. `waiting` is a sample that was taken in and is not judged yet.

    `last` is the time of the last sample (-inf before the first), `before` that of the one before it.
    """

    __slots__ = ("before", "fired", "gone", "instances", "key", "last", "tracks", "value", "waiting")

    def __init__(self, metric: str, scope: str, subject: str) -> None:
        self.key = (metric, scope, subject)
        self.last = self.before = -inf
        self.value = 0.0
        self.waiting: float | None = None
        self.gone = False
        self.fired = 0  # how many of its instances fire
        self.tracks: list[Track] = []
        self.instances: list[Instance] = []


class Instance:
    """One rule on one series. `since` is when its condition became true, `clear_at` when a recovery began.

    `sent` says whether this episode's firing was notified, `sent_at` when firing or repeat was last.
    `flips` are the times at which it began to fire or resolved, as far as flapping looks back.
    """

    __slots__ = (
        "acked_at", "acked_by", "clear_at", "due", "fired_at", "flapping", "flips", "govern_at", "id",
        "inhibited_by", "judged", "owed",
        "sent", "sent_at", "series", "silenced_by", "since", "stale", "state", "track", "value",
    )  # fmt: skip

    def __init__(self, judged: Judged, series: Series, track: Track) -> None:
        self.judged = judged
        self.series = series
        self.track = track
        self.state = INACTIVE
        self.since = self.fired_at = 0.0
        self.clear_at: float | None = None
        self.value: float | None = None  # as it was judged last
        self.stale = False
        self.owed = False  # whether its time was over when there was no value: the next one is judged
        self.id = ""
        self.acked_by = ""
        self.acked_at = 0.0
        self.flapping = False
        self.flips: deque[float] = deque()
        self.sent = False
        self.sent_at = 0.0
        self.due = self.govern_at = inf  # what the agenda has for it
        self.silenced_by: Silence | None = None
        self.inhibited_by: Instance | None = None

    @property
    def subject(self) -> str:
        """Of its series."""
        return self.series.key[2]

    @property
    def place(self) -> tuple[int, str, str]:
        """Rule order, then by subject."""
        _, scope, subject = self.series.key
        return self.judged.index, subject, scope

    def current(self, t: float) -> float | None:
        """The value as it would be judged at `t`; None while it is unknown."""
        return None if self.stale else self.track.value(t, self.series.value)

    def silenced(self, t: float) -> "Silence | None":
        """The silence that keeps it quiet at `t`, None without one."""
        silence = self.silenced_by
        return silence if silence is not None and t < silence.until else None

    def unmoved(self) -> tuple[float, float]:
        """The closed interval of values that change nothing about it."""
        judged = self.judged
        if self.owed:
            return NOWHERE
        if self.state == FIRING:
            return judged.stays if self.clear_at is None else judged.recovers
        return judged.holds if self.state == PENDING else judged.calm


class Silence(NamedTuple):
    """No notifications of what matches, until `until`. None matches everything."""

    id: str
    until: float
    rule: str | None = None
    subject: str | None = None
    severity: str | None = None
    by: str = ""
    comment: str = ""
    at: float = 0.0

    def matches(self, instance: Instance) -> bool:
        """Whether the instance is silenced by it."""
        rule = instance.judged.rule
        return (
            (self.rule is None or fnmatchcase(rule.name, self.rule))
            and (self.subject is None or fnmatchcase(instance.subject, self.subject))
            and (self.severity is None or rule.severity == self.severity)
        )


class Transition(NamedTuple):
    """A change of state, at the time when it was noticed. `value` is None where there was none to judge."""

    t: float
    rule: str
    subject: str
    before: str
    after: str
    reason: str
    value: float | None
    since: float
    scope: str
    id: str
    instance: Instance


class Notification(NamedTuple):
    """What is to be told: firing, repeat, resolved or flapping."""

    t: float
    rule: str
    subject: str
    what: str
    scope: str
    id: str
    value: float | None
    since: float
    instance: Instance


class Step(NamedTuple):
    """What one evaluation brought."""

    transitions: tuple[Transition, ...]
    notifications: tuple[Notification, ...]


NO_STEP = Step((), ())
