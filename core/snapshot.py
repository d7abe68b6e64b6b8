"""Everything a screen may show, frozen, with its age. One Snapshot a tick.

Widgets compare parts by identity: a part that did not change is the very same object in the
next Snapshot, so nothing is drawn for it. Times named `at` are on the engine's clock; times
of files and tasks are wall time, and `wall` is the wall time of the snapshot itself.
"""

from typing import Generic, TypeVar

import msgspec

from core.alerts.view import Alerts
from core.measures.agent import UNMEASURED, Measures
from core.measures.liveness import Signs
from core.measures.needs import Need
from core.queues.model import AgentQueue, RecordState
from core.samples import (
    CpuSample,
    DiskSample,
    HandlesSample,
    MemorySample,
    MountsSample,
    ProcessesSample,
    SelfSample,
    SignalsSample,
)

T = TypeVar("T")


class Reading(msgspec.Struct, Generic[T], frozen=True):
    """The newest sample of one poller. `problem` is why the last poll failed, "" if it did not.

    `value` is None until the first sample; `at` is when it was taken (engine's clock);
    `stale_after_s` is the age beyond which it must be shown as its age, not as current.
    """

    value: T | None = None
    at: float | None = None
    stale_after_s: float = 2.0
    problem: str = ""

    def age_s(self, now: float) -> float | None:
        """Seconds since the sample was taken, None before the first."""
        return None if self.at is None else max(0.0, now - self.at)

    def fresh(self, now: float) -> bool:
        """Whether the value may be shown as current at `now`."""
        return self.at is not None and now - self.at <= self.stale_after_s


class Chart(msgspec.Struct, frozen=True):
    """Recent history of one metric in columns of `step_s` seconds, oldest first.

    A column holds the largest value seen in its time, None where nothing was observed (a gap
    stays a gap). `partial` is the column still being filled. `completed` counts the columns ever
    completed: the column after the last one has that number, so a drawing can keep columns in
    the same pairs while they move. Same object until it changes.
    """

    step_s: float
    columns: tuple[float | None, ...] = ()
    partial: float | None = None
    completed: int = 0


class KpiPart(msgspec.Struct, frozen=True):
    """One subject of one KPI: status, and the value it was judged on."""

    subject: str
    status: str
    value: float | None


class KpiStatus(msgspec.Struct, frozen=True):
    """One KPI (alerting.md, section 5): ok, warning, critical or unknown; worst of its parts.

    `value` and `subject` are those of the worst part. `target` and `critical` are conditions
    such as "< 80". `parts` is sorted worst first and holds at most the 50 worst.
    """

    name: str
    label: str
    metric: str
    unit: str
    status: str
    subject: str
    value: float | None
    target: str
    critical: str
    aggregate: str
    window_s: float
    parts: tuple[KpiPart, ...] = ()


class Verdict(msgspec.Struct, frozen=True):
    """Line two of the screen: the worst thing, its evidence, and the key that helps.

    `severity` is ok, low, medium, high, critical or unknown. `subject` is what the key acts
    on ("agent:CC", "source:postbox/CA/outbox.json", "host"). `action` is the name of an
    action in the key table, "" if there is none; `hint` is its label ("show CC").
    """

    severity: str
    text: str
    evidence: str
    subject: str = ""
    action: str = ""
    hint: str = ""


class Event(msgspec.Struct, frozen=True):
    """One line of the alerts log. `what` is firing, resolved or note; `count` repeats of the same."""

    number: int
    wall: float
    severity: str
    what: str
    subject: str
    text: str
    count: int = 1


class SourceState(msgspec.Struct, frozen=True):
    """One file, mount, endpoint or poller that bluetop listens to.

    `state` is ok, waiting, slow, hung, stale, odd, unreadable or gone. `answered_at` is on the
    engine's clock. `misses` counts deadlines missed and reads failed since the start.
    """

    name: str
    kind: str
    state: str
    detail: str
    answered_at: float | None
    took_ms: float | None
    misses: int


class Progress(msgspec.Struct, frozen=True):
    """How far the reading of the queues is, while it takes longer than a moment."""

    done: int
    total: int
    what: str


class Fleet(msgspec.Struct, frozen=True):
    """Sums over all agents. Counts are of task ids per agent, added up."""

    agents: int = 0
    active: int = 0
    pending: int = 0
    in_progress: int = 0
    review: int = 0
    blocked: int = 0
    failed: int = 0
    completed: int = 0
    other: int = 0
    unreadable: int = 0


NO_SIGNS = Signs(None, None, None, None, 0)


class AgentView(msgspec.Struct, frozen=True):
    """One row of the agents table: what the file says, and what follows from it.

    `state` is working, idle, review, blocked, paused, retired, stale, unreadable or missing; `why`
    says from what. `workload_percent` is min(100, pending hours / 8 h x 100), None if unknown.
    `success_percent` is completed / (completed + failed), None without either.
    `severity` is the worst of this agent's KPI parts and problems: ok, low, medium, high, critical, unknown.
    `changed_at` is the wall time of the last change that was seen, or the file's mtime.
    `liveness` is `core.measures.liveness`'s word, and `signs` what it was judged by; `current_since`
    is when the current task was seen to be begun, else what the file claims; `wip_limit` is how many
    tasks the agent may work on at once.
    """

    queue: AgentQueue
    state: str
    why: str
    workload_percent: float | None
    success_percent: float | None
    severity: str
    changed_at: float | None
    processes: int
    handles: int | None
    cpu_percent: float | None
    rss_bytes: int | None
    liveness: str = ""
    signs: Signs = NO_SIGNS
    measures: Measures = UNMEASURED
    needs: tuple[Need, ...] = ()
    current_since: float | None = None
    wip_limit: int = 5


class Snapshot(msgspec.Struct, frozen=True):
    """What is known at `at`. Never changed after it is made.

    `needs` are the most urgent things that need a person, `needs_count` how many tasks and signals
    those are with the ones not listed. `fleet` are the measures of all agents together.
    """

    at: float
    wall: float
    host: str
    workspace: str | None
    interval_s: float
    read_only: bool
    cpu: Reading[CpuSample]
    memory: Reading[MemorySample]
    disk: Reading[DiskSample]
    mounts: Reading[MountsSample]
    handles: Reading[HandlesSample]
    processes: Reading[ProcessesSample]
    own: Reading[SelfSample]
    queues: Reading[Fleet]
    agents: tuple[AgentView, ...]
    progress: Progress | None
    charts: dict[str, Chart]
    kpis: tuple[KpiStatus, ...]
    overall: str
    verdict: Verdict
    events: tuple[Event, ...]
    sources: tuple[SourceState, ...]
    signals: Reading[SignalsSample] = Reading()
    needs: tuple[Need, ...] = ()
    needs_count: int = 0
    fleet: Measures = UNMEASURED
    record: RecordState = RecordState()
    alerts: Alerts = Alerts()

    def kpi(self, name: str) -> KpiStatus | None:
        """The KPI called `name`, None if there is none."""
        for status in self.kpis:
            if status.name == name:
                return status
        return None
