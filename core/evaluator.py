"""evaluate(state, answers, now, wall) → (state, Snapshot). No I/O, no clock, nothing changed in place.

`State` is a frozen value: the same state and answers give the same Snapshot, always. What did
not change is the same object in the next Snapshot, so a pane finds out by identity. The work
of a tick is that of what changed in it; the number of agents costs nothing while they rest.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from core.alerts.view import Alerts
from core.events import NOTE, Change, EventLog
from core.fleet import Figures, figures_by_agent, where
from core.history import Columns, Window, empty_columns
from core.kpi import HOST, PARTS_KEPT, UNKNOWN, Ranking, kpi_status, worst_status
from core.measures.agent import UNMEASURED, Measures, measure_fleet, total_work
from core.measures.needs import Need
from core.metrics import METRICS, Metric, finite
from core.policy import Policy
from core.queues.model import AgentQueue, Ledgered, Problem, QueuesSample, RecordState
from core.roster import News, Roster
from core.samples import MountsSample, ProcessesSample, SignalsSample
from core.snapshot import (
    AgentView,
    Chart,
    Event,
    KpiStatus,
    Progress,
    Reading,
    Snapshot,
    SourceState,
    Verdict,
)
from core.sources import Answer, Trouble, after_answer, mount_rows, source_change
from core.text import clean
from core.verdict import WAITING, Scene, verdict

POLLERS = ("cpu", "memory", "disk", "mounts", "handles", "processes", "own", "queues", "signals")
NEEDS_LISTED = 200
FLEET_AGAIN_S = 15.0
_CHARTED: dict[str, list[Metric]] = {}
for _metric in METRICS.values():
    if _metric.chart:
        _CHARTED.setdefault(_metric.source, []).append(_metric)


NO_RECORD = RecordState()
NO_ALERTS = Alerts()


class State(msgspec.Struct, frozen=True):
    """All that the evaluator remembers. `windows` is by KPI, `columns` by metric.

    `held` are lines for the log from a first scan of the queues that is still under way: at its
    end they are told together, so that a thousand long queues are one line and not sixty.
    """

    policy: Policy
    started_at: float
    snapshot: Snapshot
    readings: dict[str, Reading[Any]]
    windows: dict[str, Window]
    columns: dict[str, Columns]
    roster: Roster
    ranks: tuple[Ranking, ...]
    pollers: dict[str, SourceState]
    others: dict[str, SourceState]
    log: EventLog
    verdict_key: str = ""
    held: tuple[Change, ...] = ()
    fleet_at: float = -1e9


def begin(policy: Policy, now: float, wall: float) -> State:
    """The state before anything was measured."""
    readings: dict[str, Reading[Any]] = {
        name: Reading(stale_after_s=policy.stale_after_s(name)) for name in (*POLLERS, *policy.intervals)
    }
    windows: dict[str, Window] = {}
    ranks: list[Ranking] = []
    for rule in policy.kpis:
        if rule.scope == HOST:
            gap = policy.gap_s(METRICS[rule.metric].source, rule.stale_after_s)
            windows[rule.name] = Window(0.0 if rule.aggregate == "last" else rule.window_s, gap)
            ranks.append(Ranking().change({HOST: rule.key(HOST, None)}))
        else:
            ranks.append(Ranking())
    columns = {
        metric.name: empty_columns(
            policy.chart_step_s, policy.chart_columns, policy.gap_s(source, policy.chart_step_s)
        )
        for source, metrics in _CHARTED.items()
        for metric in metrics
    }
    pollers = {
        name: SourceState(name, "poller", "waiting", "", None, None, 0)
        for name in policy.intervals
    }  # fmt: skip
    log = EventLog(policy.events_kept).add(
        wall, [Change(f"note {note}", "low", NOTE, "", note, "settings") for note in policy.notes]
    )
    kpis = tuple(kpi_status(rule, rank, None) for rule, rank in zip(policy.kpis, ranks, strict=True))
    charts = {name: column.chart for name, column in columns.items()}
    snapshot = _snapshot(
        policy,
        now,
        wall,
        readings,
        charts=charts,
        kpis=kpis,
        events=log.events,
        sources=tuple(pollers.values()),
    )
    return State(policy, now, snapshot, readings, windows, columns, Roster(), tuple(ranks), pollers, {}, log)


def with_policy(state: State, policy: Policy) -> State:
    """The state under another rhythm: intervals may differ, the KPIs must be the same."""
    readings = {
        name: msgspec.structs.replace(reading, stale_after_s=policy.stale_after_s(name))
        for name, reading in state.readings.items()
    }
    windows = dict(state.windows)
    for rule in policy.kpis:
        if rule.name in windows:
            gap = policy.gap_s(METRICS[rule.metric].source, rule.stale_after_s)
            windows[rule.name] = msgspec.structs.replace(windows[rule.name], gap_s=gap)
    columns = {
        name: msgspec.structs.replace(column, gap_s=policy.gap_s(METRICS[name].source, policy.chart_step_s))
        for name, column in state.columns.items()
    }
    return msgspec.structs.replace(state, policy=policy, readings=readings, windows=windows, columns=columns)


def absorb(state: State, answers: Iterable[Answer]) -> State:
    """Only remember the figures, for charts and windows: what is left of evaluation while paused."""
    tick = _Tick(state, state.snapshot.at, state.snapshot.wall)
    for answer in answers:
        if answer.sample is not None and not isinstance(answer.sample, QueuesSample):
            tick.remember(answer)
    return msgspec.structs.replace(state, columns=tick.columns, windows=tick.windows, readings=tick.readings)


def evaluate(
    state: State, answers: Sequence[Answer | Trouble], now: float, wall: float
) -> tuple[State, Snapshot]:
    """What is known at `now`, after these answers in the order they came."""
    tick = _Tick(state, now, wall)
    for answer in answers:
        if isinstance(answer, Trouble):
            tick.trouble(answer)
        else:
            tick.answer(answer)
    return tick.finish()


def informed(state: State, alerts: Alerts) -> State:
    """The state, and its Snapshot, with what is known of alerts since; the verdict may be another."""
    old = state.snapshot
    if alerts is old.alerts:
        return state
    scene = Scene(
        old.at, old.wall, state.started_at, state.policy, old.kpis, state.roster,
        [*state.pollers.values(), *state.others.values()], state.readings, old.progress, alerts,
    )  # fmt: skip
    said, key = verdict(scene, state.verdict_key)
    snapshot = msgspec.structs.replace(
        old, alerts=alerts, verdict=old.verdict if said == old.verdict else said
    )
    return msgspec.structs.replace(state, snapshot=snapshot, verdict_key=key)


class _Tick:
    """One evaluation under way: copies of what may change, until `finish` makes the next state of them."""

    def __init__(self, state: State, now: float, wall: float) -> None:
        self.state, self.policy, self.now, self.wall = state, state.policy, now, wall
        self.readings, self.columns, self.windows = (
            dict(state.readings),
            dict(state.columns),
            dict(state.windows),
        )
        self.pollers, self.others = state.pollers, state.others
        self.roster, self.progress = state.roster, state.snapshot.progress
        self.queues: Answer | None = None
        self.changed: dict[str, AgentQueue] = {}
        self.gone: set[str] = set()
        self.figures: dict[str, Figures] | None = None
        self.signals: SignalsSample | None = None
        self.observed, self.told = state.roster.life.observed, set[str]()
        self.changes: list[Change] = []
        self.held = state.held

    def trouble(self, trouble: Trouble) -> None:
        """A path that hangs or answers again, a helper that was started anew."""
        key = f"{trouble.kind} {trouble.name}"
        old = self.others.get(key)
        answered = old.answered_at if old is not None and old.answered_at is not None else trouble.since
        if trouble.state == "ok":
            answered = trouble.at
        row = SourceState(
            trouble.name,
            trouble.kind,
            trouble.state,
            trouble.detail,
            answered,
            trouble.took_ms,
            trouble.misses,
        )
        if trouble.state == "gone":
            self._other(key, msgspec.structs.replace(row, state="ok"))
            self.others = {k: v for k, v in self.others.items() if k != key}
        else:
            self._other(key, row)

    def answer(self, answer: Answer) -> None:
        """What a poller brought."""
        name = answer.source
        old = self.pollers.get(name) or SourceState(name, "poller", "waiting", "", None, None, 0)
        row = after_answer(old, answer, self.policy.intervals.get(name, self.policy.interval_s))
        self._note(source_change(old, row))
        if self.pollers is self.state.pollers:
            self.pollers = dict(self.pollers)
        self.pollers[name] = row
        if name == "queues":
            self._queues(answer)
            return
        self.remember(answer)
        if isinstance(answer.sample, ProcessesSample):
            self.figures = figures_by_agent(answer.sample)
        elif isinstance(answer.sample, SignalsSample):
            self.signals = answer.sample
            rows = {
                f"signals {path}": SourceState(path, "signals", "odd", where(problem), None, None, 0)
                for path, problem in answer.sample.problems
            }
            self._rows(("signals",), rows)
        elif isinstance(answer.sample, MountsSample):
            self._mounts(answer.sample)

    def remember(self, answer: Answer) -> None:
        """Take the figures of a sample into readings, windows and charts."""
        name, at, sample = answer.source, answer.at, answer.sample
        old = self.readings[name]
        if sample is None:
            if old.problem != answer.problem:
                self.readings[name] = Reading(old.value, old.at, old.stale_after_s, answer.problem)
            return
        self.readings[name] = Reading(sample, at, old.stale_after_s)
        for metric in _CHARTED.get(name, ()):
            value = finite(metric.value(sample))
            if value is not None:
                self.columns[metric.name] = self.columns[metric.name].add(at, value)
        for rule in self.policy.measured.get(name, ()):
            value = finite(METRICS[rule.metric].value(sample))
            if value is not None:
                self.windows[rule.name] = self.windows[rule.name].add(at, value)

    def finish(self) -> tuple[State, Snapshot]:
        """Judge, and put the next state and its snapshot together."""
        state, old = self.state, self.state.snapshot
        self._agents()
        ranks = self._judged()
        kpis = self._kpis(ranks)
        charts = self._charts()
        log = state.log.add(self.wall, self.changes)
        listened = [*self.pollers.values(), *self.others.values()]
        scene = Scene(
            self.now, self.wall, state.started_at, self.policy, kpis, self.roster, listened, self.readings,
            self.progress, old.alerts,
        )  # fmt: skip
        said, key = verdict(scene, state.verdict_key)
        same_sources = (
            self.pollers is state.pollers and self.others is state.others
            and self.roster.files is state.roster.files
        )  # fmt: skip
        measured, fleet_at = self._fleet()
        snapshot = _snapshot(
            self.policy, self.now, self.wall, self.readings,
            needs=self._needs(),
            needs_count=self.roster.needs_count,
            fleet=measured,
            record=self.observed.record,
            agents=self.roster.views,
            progress=self.progress,
            charts=charts,
            kpis=kpis,
            overall=old.overall if kpis is old.kpis else worst_status(kpis),
            verdict=old.verdict if said == old.verdict else said,
            events=log.events,
            sources=old.sources if same_sources else (*listened, *self.roster.files),
            alerts=old.alerts,
        )  # fmt: skip
        after = State(
            self.policy, state.started_at, snapshot, self.readings, self.windows, self.columns,
            self.roster, ranks, self.pollers, self.others, log, key, self.held, fleet_at,
        )  # fmt: skip
        return after, snapshot

    def _needs(self) -> tuple[Need, ...]:
        """The most urgent things that need a person; the same object while they are the same."""
        roster, before = self.roster, self.state.roster
        if roster.needs is before.needs and roster.need_of is before.need_of:
            return self.state.snapshot.needs
        found = tuple(roster.need_of[key[2]] for key in roster.needs.order[:NEEDS_LISTED])
        return self.state.snapshot.needs if found == self.state.snapshot.needs else found

    def _fleet(self) -> tuple[Measures, float]:
        """The measures of all agents together, and when they were worked out."""
        old, at = self.state.snapshot.fleet, self.state.fleet_at
        whole = self.now - at >= FLEET_AGAIN_S
        if not whole and not self.told:
            return old, at
        seen, work = self.observed.fleet, old.work
        if whole:  # ten thousand agents are 10 ms
            work, at = total_work([view.queue.work for view in self.roster.views]), self.now
        waiting = self.roster.fleet.pending
        made = measure_fleet(waiting, work, seen, self.observed.spans(seen, self.wall), self.wall)
        return (old if made == old else made), at

    def _note(self, change: Change | None) -> None:
        if change is not None:
            self.changes.append(change)

    def _other(self, key: str, row: SourceState) -> None:
        old = self.others.get(key)
        if row != old:
            self._note(source_change(old, row))
            self.others = {**self.others, key: row}

    def _mounts(self, sample: MountsSample) -> None:
        rows = mount_rows(sample, self.others)
        for key, row in rows.items():
            self._other(key, row)
        lost = [key for key, row in self.others.items() if row.kind == "mount" and key not in rows]
        if lost:
            self.others = {key: row for key, row in self.others.items() if key not in lost}

    def _queues(self, answer: Answer) -> None:
        """One part of a scan, or the reason why there is none."""
        old, sample = self.readings["queues"], answer.sample
        if not isinstance(sample, QueuesSample):
            if old.problem != answer.problem:
                self.readings["queues"] = Reading(old.value, old.at, old.stale_after_s, answer.problem)
            return
        self.queues = answer
        for agent in sorted(sample.changed):
            self.changed[agent] = sample.queues[agent]
        for agent in sample.gone:
            self.gone.add(agent)
            self.changed.pop(agent, None)
        self.gone -= sample.changed
        self.observed, told = self.observed.take(sample.ledger, self.wall)
        self.told |= told
        self._recorded(sample.ledger)
        whole = sample.complete or self.roster.complete
        self.progress = None if whole else Progress(sample.done, sample.total, "queue files")
        self._workspace(sample.problems)

    def _recorded(self, ledger: Ledgered) -> None:
        """A line for each lost task, and a row for a record that cannot be kept."""
        was = self.state.roster.life.observed
        if ledger.lost is not None:
            known = {(entry.agent, entry.task) for entries in was.lost.values() for entry in entries}
            for entry in ledger.lost:
                if (entry.agent, entry.task) not in known:
                    text = f"{entry.task} of {entry.agent} ({entry.status}) is in no file any more"
                    subject = f"agent:{entry.agent}"
                    self._note(Change(f"lost {entry.task}", "high", NOTE, subject, text, "tasks lost"))
        record = ledger.record
        if record.problem or "record record" in self.others:
            # Written elsewhere, or once there is room again: worth knowing, and no fault of what is shown.
            state = "ok" if not record.problem else "odd" if record.mode == "writing" else "unreadable"
            detail = record.problem or f"{record.mode}: {record.path}"
            row = SourceState("record", "record", state, detail, None, None, int(bool(record.problem)))
            self._other("record record", row)

    def _workspace(self, problems: Sequence[tuple[str, Problem]]) -> None:
        """Rows for what is wrong with the workspace itself, and none for what is well again."""
        rows: dict[str, SourceState] = {}
        for path, problem in problems:
            bad = problem.severity == "error"
            kind = "workspace" if bad else "folder"
            state = "unreadable" if bad else "odd"
            rows[f"{kind} {path}"] = SourceState(path, kind, state, where(problem), None, None, int(bad))
        self._rows(("workspace", "folder"), rows)

    def _rows(self, kinds: Sequence[str], rows: Mapping[str, SourceState]) -> None:
        """These are all the rows of these kinds now, but for what hangs."""
        for key, row in rows.items():
            self._other(key, row)
        for key, row in self.others.items():
            if row.kind in kinds and row.state != "hung" and key not in rows:
                self._note(source_change(row, msgspec.structs.replace(row, state="ok")))
                self.others = {k: v for k, v in self.others.items() if k != key}

    def _agents(self) -> None:
        """The roster after the news, and the sums as the reading of the queues."""
        hung = None
        if self.others is not self.state.others:
            hung = {
                row.name: row.detail or "no answer" for row in self.others.values() if row.state == "hung"
            }
        observed = None if self.observed is self.state.roster.life.observed else self.observed
        known = (self.figures, hung, observed, self.signals)
        waits = self.roster.unsure or self.roster.due
        if self.changed or self.gone or waits or any(part is not None for part in known):
            news = News(
                tuple(self.changed.values()), self.gone, self.figures, hung, observed, self.told, self.signals
            )
            self.roster, told = self.roster.change(self.policy, news, self.now, self.wall)
            self.held = (*self.held, *told)
        if self.queues is not None and self.queues.sample.complete and not self.roster.complete:
            self.roster = self.roster.completed()
        if self.held and self.roster.complete:
            self.changes += self.held
            self.held = ()
        if self.queues is None:
            return
        self.remember(self.queues._replace(sample=self.roster.fleet))

    def _judged(self) -> tuple[Ranking, ...]:
        """A ranking per KPI: the host's from its windows, the agents' from the roster."""
        ranks: list[Ranking] = []
        agents = iter(self.roster.ranks)
        queues_at = self.readings["queues"].at
        for rule, old in zip(self.policy.kpis, self.state.ranks, strict=True):
            if rule.scope == HOST:
                window = self.windows[rule.name]
                value = None if window.stale(self.now) else window.aggregate(rule.aggregate, self.now)
                key = rule.key(HOST, value)
                if key == old.order[0]:
                    ranks.append(old)
                else:
                    ranks.append(Ranking((key,), {HOST: key}))
                continue
            rank = next(agents, old)
            if queues_at is not None and self.now - queues_at > self.policy.gap_s(
                "queues", rule.stale_after_s
            ):
                rank = Ranking(tuple(rule.key(key[2], None) for key in rank.order[:PARTS_KEPT]))
            ranks.append(rank)
        return tuple(ranks)

    def _kpis(self, ranks: tuple[Ranking, ...]) -> tuple[KpiStatus, ...]:
        old = self.state.snapshot.kpis
        new = tuple(
            kpi if rank is was else kpi_status(rule, rank, kpi)
            for rule, rank, was, kpi in zip(self.policy.kpis, ranks, self.state.ranks, old, strict=True)
        )
        return old if all(left is right for left, right in zip(old, new, strict=True)) else new

    def _charts(self) -> dict[str, Chart]:
        """The charts; the same dictionary while none of them changed."""
        old = self.state.snapshot.charts
        same = True
        for name, column in self.columns.items():
            if column is self.state.columns[name]:
                column = self.columns[name] = column.advance(self.now)
            same = same and old.get(name) is column.chart
        return old if same else {name: column.chart for name, column in self.columns.items()}


def _snapshot(
    policy: Policy,
    now: float,
    wall: float,
    readings: Mapping[str, Reading[Any]],
    *,
    agents: tuple[AgentView, ...] = (),
    progress: Progress | None = None,
    charts: dict[str, Chart],
    kpis: tuple[KpiStatus, ...],
    overall: str = UNKNOWN,
    verdict: Verdict = WAITING,
    events: tuple[Event, ...],
    sources: tuple[SourceState, ...],
    needs: tuple[Need, ...] = (),
    needs_count: int = 0,
    fleet: Measures = UNMEASURED,
    record: RecordState = NO_RECORD,
    alerts: Alerts = NO_ALERTS,
) -> Snapshot:
    return Snapshot(
        at=now,
        wall=wall,
        host=policy.host,
        workspace=None if policy.workspace is None else clean(policy.workspace),
        interval_s=policy.interval_s,
        read_only=policy.read_only,
        cpu=readings["cpu"],
        memory=readings["memory"],
        disk=readings["disk"],
        mounts=readings["mounts"],
        handles=readings["handles"],
        processes=readings["processes"],
        own=readings["own"],
        queues=readings["queues"],
        signals=readings["signals"],
        needs=needs,
        needs_count=needs_count,
        fleet=fleet,
        record=record,
        agents=agents,
        progress=progress,
        charts=charts,
        kpis=kpis,
        overall=overall,
        verdict=verdict,
        events=events,
        sources=sources,
        alerts=alerts,
    )
