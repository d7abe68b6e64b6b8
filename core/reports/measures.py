"""What is measured of an agent or of the fleet, what needs a person, and how long somebody watched."""

from collections.abc import Iterable

from core.measures.agent import Measures
from core.measures.drain import Drain
from core.measures.liveness import evidence
from core.measures.needs import Need, order
from core.measures.rates import Rate
from core.queues.model import RecordState
from core.reports.plain import Data, rounded, time_text
from core.snapshot import AgentView, Snapshot

_NO_COUNTS = ("unreadable", "missing")


def measured(view: AgentView, wall: float) -> Data:
    """How alive an agent is and why, and its measures; keys for its row in `agents`."""
    queue, known, word = view.queue, view.measures, view.liveness or view.state
    counted = view.state not in _NO_COUNTS
    return {
        "liveness": word,
        "file_state": view.state,
        "file_why": view.why,
        "evidence": list(evidence(queue, word, view.why, view.signs, wall)),
        "needs": [need_data(need) for need in view.needs],
        "current_since_at": time_text(view.current_since) if queue.current_id else None,
        "progress_at": time_text(view.signs.progress_at),
        "wip_limit": view.wip_limit,
        **flow(known, counted),
        "task_time": _task_time(known),
        "success_n": queue.completed + queue.failed if counted else None,
        **quality(known),
        "load_percent": rounded(known.load_percent, 1),
        "load_hours": rounded(queue.load_hours, 2) if counted else None,
        "cpu_percent": rounded(view.cpu_percent, 1),
        "memory_bytes": view.rss_bytes,
    }


def flow(known: Measures, counted: bool = True) -> Data:
    """Rates and forecast, of one agent or of all."""
    return {
        "drain": _drain(known.drain) if counted else None,
        "rates": {"in": _rate(known.came), "out": _rate(known.left), "ended": _rate(known.ended)},
    }


def quality(known: Measures) -> Data:
    """Efficiency and delivery with what they rest on."""
    work = known.work
    return {
        "efficiency_percent": rounded(known.efficiency_percent, 1),
        "efficiency_n": work.hours_n,
        "delivery_percent": rounded(known.delivery_percent, 1),
        "delivery_n": work.delivery_n,
    }


def fleet_measured(snapshot: Snapshot) -> Data:
    """What is measured of all agents together; keys for `fleet`."""
    states: dict[str, int] = {}
    for view in snapshot.agents:
        word = view.liveness or view.state
        states[word] = states.get(word, 0) + 1
    return {
        "states": dict(sorted(states.items())),
        **flow(snapshot.fleet),
        **quality(snapshot.fleet),
    }


def needs_of(views: Iterable[AgentView]) -> list[Need]:
    """Everything of these agents that needs a person, the most urgent first."""
    return sorted((need for view in views for need in view.needs), key=order)


def needs_with_strays(views: Iterable[AgentView], snapshot: Snapshot) -> list[Need]:
    """Everything of these agents, and of those who have no row: the snapshot lists the most urgent of it."""
    rows = {view.queue.agent for view in snapshot.agents}
    strays = [need for need in snapshot.needs if need.agent not in rows]
    return sorted([*strays, *needs_of(views)], key=order)


def need_data(need: Need) -> Data:
    """One thing that needs a person."""
    return {
        "kind": need.kind,
        "severity": need.severity,
        "agent": need.agent,
        "task": need.task or None,
        "count": need.count,
        "since_at": time_text(need.since),
        "text": need.text,
    }


def record_data(record: RecordState, wall: float) -> Data:
    """How the record of transitions stands, and how long somebody watched."""
    watched_s = watched_for_s(record, wall)
    return {
        "mode": record.mode,
        "path": record.path or None,
        "problem": record.problem or None,
        "observed_since_at": time_text(record.watched[0][0]) if watched_s else None,
        "watched_hours": rounded(watched_s / 3600.0, 2),
    }


def watched_for_s(record: RecordState, wall: float) -> float:
    """Seconds of the spans in which somebody looked; 0 where this is the first look."""
    return sum(max(0.0, min(end, wall) - begin) for begin, end in record.watched)


def _rate(rate: Rate | None) -> Data | None:
    if rate is None:
        return None
    return {
        "per_hour": rounded(rate.per_hour),
        "low_per_hour": rounded(rate.low),
        "high_per_hour": rounded(rate.high),
        "n": rate.n,
        "watched_hours": rounded(rate.hours),
    }


def _drain(drain: Drain | None) -> Data | None:
    if drain is None:
        return None
    return {
        "kind": drain.kind,
        "low_s": rounded(drain.low_s, 0),
        "high_s": rounded(drain.high_s, 0),
        "net_per_hour": rounded(drain.net_per_hour),
        "text": drain.text,
        "why": drain.why,
    }


def _task_time(known: Measures) -> Data | None:
    time = known.task_time
    if time is None:
        return None
    return {
        "p50_hours": rounded(time.p50_h, 3),
        "p95_hours": rounded(time.p95_h, 3),
        "mean_hours": rounded(known.mean_hours, 3),
        "n": time.n,
        "source": known.time_source,
    }
