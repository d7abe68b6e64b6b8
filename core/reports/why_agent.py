"""Why an agent's row says what it says: one sentence for each word and number, with the operands and the rule.

Sentences for people, the same on the terminal and in JSON. Nothing is judged here: each says what
the module that judged it says of itself.
"""

from collections.abc import Iterator
from typing import NamedTuple

from core.fleet import MISSING, UNREADABLE, first_error
from core.kpi import OK, SEVERITY_RANK, UNKNOWN, missed_text
from core.measures.liveness import GONE, SILENT, evidence
from core.measures.needs import BLOCKED, Need
from core.measures.rates import Rate
from core.metrics import METRICS, finite
from core.policy import Policy
from core.reports.measures import watched_for_s
from core.reports.plain import time_text
from core.snapshot import AgentView, Snapshot
from core.units import bytes_text, duration_text, number_text, percent_text


class Reason(NamedTuple):
    """`about` is what the sentence is about, in one or two words."""

    about: str
    text: str


def agent_reasons(view: AgentView, snapshot: Snapshot, policy: Policy) -> tuple[Reason, ...]:
    """All that can be said of where an agent's figures come from."""
    wall = snapshot.wall
    found = [
        Reason("state", _state(view, wall, policy)),
        Reason("its file", f"says {view.state}: {view.why}"),
    ]
    if view.state not in (UNREADABLE, MISSING):
        found += [Reason(about, text) for about, text in _counted(view, wall, policy)]
    found += [
        Reason(
            "severity", "; ".join(severities(view, policy)) or "ok: no target is missed, nothing is wrong"
        ),
        Reason("processes", _processes(view)),
        Reason("file", _file(view, wall)),
        Reason("watched", record_sentence(snapshot)),
    ]
    return tuple(found)


def ago(at: float, wall: float) -> str:
    """`2026-11-24T00:10:01Z (2h 05m ago)`."""
    return f"{time_text(at) or 'a time that cannot be'} ({duration_text(max(0.0, wall - at))} ago)"


def _state(view: AgentView, wall: float, policy: Policy) -> str:
    word = view.liveness or view.state
    text = (
        f"{word}: {', '.join(evidence(view.queue, word, view.why, view.signs, wall)) or 'nothing is known'}"
    )
    if word == SILENT:
        busy = "liveness.silent_after_s; with a busy process tuning.task_timeout_hours"
        text += f"; silent from {duration_text(policy.silent_s)} without a change ({busy})"
    elif word == GONE:
        text += "; gone since the process that was seen at the task is not there any more"
    elif view.queue.in_progress and view.signs.progress_at is not None:
        text += f"; silent only after {duration_text(policy.silent_s)} without a change"
    return text


def _counted(view: AgentView, wall: float, policy: Policy) -> Iterator[tuple[str, str]]:
    queue, known, work = view.queue, view.measures, view.measures.work
    hours = "hours unknown" if queue.pending_hours is None else f"{queue.pending_hours:g} h estimated"
    without = f", {queue.hours_unknown} without an estimate" if queue.hours_unknown else ""
    oldest = (
        ""
        if queue.oldest_waiting_at is None
        else f"; the oldest since {ago(queue.oldest_waiting_at, wall)}, as its file claims"
    )
    yield "waiting", f"{queue.pending} tasks, {hours}{without}{oldest}"
    running = f"{queue.in_progress} of at most {view.wip_limit} at once (tuning.max_concurrent_tasks)"
    if queue.current_id:
        begun = "" if view.current_since is None else f" since {ago(view.current_since, wall)}"
        running += f"; {queue.current_id}{begun}"
    yield "running", running
    yield (
        "others",
        f"{queue.review} in review, {queue.blocked} blocked, {queue.failed} failed, {queue.completed} done, "
        f"{queue.other} with a status that bluetop does not know",
    )
    yield "in", _rate(known.came, "begin to wait")
    yield "out", _rate(known.left, "cease to wait")
    yield "ended", _rate(known.ended, "become ready for review or completed")
    drain = known.drain
    forecast = "no forecast" if drain is None else drain.text
    yield "drain", forecast if drain is None or drain.why == forecast else f"{forecast}: {drain.why}"
    yield "workload", _workload(view, policy)
    load = "unknown: no task that is not done has an estimate"
    if known.load_percent is not None and queue.load_hours is not None:
        load = (
            f"{known.load_percent:.0f} % = {queue.load_hours:g} h not done yet (waiting, blocked, and what is left of "
            f"those in progress) / {policy.workday_hours:g} h; not capped"
        )
    yield "load", load
    yield "task time", _task_time(view)
    ended = queue.completed + queue.failed
    success = "unknown: no task in its file is completed or failed"
    if view.success_percent is not None:
        success = (
            f"{view.success_percent:.1f} % = {queue.completed} completed / {ended} completed or failed, "
            "as its file has them"
        )
    yield "success", success
    efficiency = "unknown: no finished task has both an estimate and actual hours"
    if known.efficiency_percent is not None:
        efficiency = (
            f"{known.efficiency_percent:.0f} % = {work.earned_hours:g} h earned / {work.actual_hours:g} h actual; "
            f"earned are the estimated hours as far as they were delivered; n {work.hours_n}, as claimed"
        )
    yield "efficiency", efficiency
    delivery = "unknown: no finished task says both what was promised and what was delivered"
    if known.delivery_percent is not None:
        delivery = (
            f"{known.delivery_percent:.0f} % = {work.delivered} delivered / {work.promised} promised "
            f"deliverables; n {work.delivery_n}"
        )
    yield "delivery", delivery


def _rate(rate: Rate | None, what: str) -> str:
    if rate is None:
        return f"unknown: less than 2 minutes were watched (tasks that {what})"
    return (
        f"{rate.per_hour:.1f}/h, 90 % interval {rate.low:.1f} to {rate.high:.1f}: {number_text(rate.n)} seen to {what} "
        f"in {duration_text(round(rate.hours * 3600))} watched"
    )


def _workload(view: AgentView, policy: Policy) -> str:
    queue = view.queue
    if view.workload_percent is None:
        return "unknown: none of the waiting tasks has an estimate"
    if not queue.pending:
        return "0 %: nothing waits"
    without = (
        f"; {queue.hours_unknown} waiting without an estimate count nothing" if queue.hours_unknown else ""
    )
    return (
        f"{view.workload_percent:.0f} % = {queue.pending_hours or 0:g} h waiting / {policy.workday_hours:g} h a "
        f"working day (workload.hours), at most 100{without}"
    )


def _task_time(view: AgentView) -> str:
    known = view.measures
    time = known.task_time
    if time is None:
        return "unknown: no task was seen from its start to its end, and its file claims no actual hours"
    whence = "seen from start to end" if known.time_source == "seen" else "as its file claims"
    mean = "" if known.mean_hours is None else f", {duration_text(known.mean_hours * 3600)} on average"
    return (
        f"half take no longer than {duration_text(time.p50_h * 3600)}, 95 of 100 no longer than "
        f"{duration_text(time.p95_h * 3600)}{mean}; n {time.n}, {whence}"
    )


def severities(view: AgentView, policy: Policy) -> list[str]:
    """What makes the severity of an agent's row, the worst first: `medium: queue 14 tasks (target < 10)`."""
    found: list[tuple[str, str]] = []
    for rule in policy.kpis:
        if rule.scope == "host" or view.state in ("retired", MISSING):
            continue
        value = finite(METRICS[rule.metric].value(view))
        severity = rule.severity_of(rule.judge(value))
        if value is not None and severity not in (OK, UNKNOWN):
            found.append((severity, missed_text(rule, value)))
    found += [
        (need.severity, need.text) for need in view.needs if need.severity != "low" and need.kind != BLOCKED
    ]
    if view.liveness in (GONE, SILENT):
        found.append(("high" if view.liveness == GONE else "medium", view.liveness))
    if view.state == UNREADABLE:
        found.append(("high", "its file cannot be read"))
    elif view.state == "stale":
        found.append(("medium", "its file cannot be read now"))
    elif view.state != MISSING and view.queue.problems:
        error = first_error(view.queue) is not None
        found.append(("medium", "a part of its file cannot be read") if error else ("low", "its file is odd"))
    found.sort(key=lambda entry: SEVERITY_RANK.get(entry[0], 9))
    return [f"{severity}: {text}" for severity, text in found]


def _processes(view: AgentView) -> str:
    if view.signs.processes is None:
        return "unknown: processes have not been looked for"
    if not view.processes:
        return "none is known to work for it"
    count = "1 process" if view.processes == 1 else f"{view.processes} processes"
    return (
        f"{count}, CPU {percent_text(view.cpu_percent)} of one core, {bytes_text(view.rss_bytes)}, "
        f"{number_text(view.handles)} open files"
    )


def _file(view: AgentView, wall: float) -> str:
    queue = view.queue
    written = "" if queue.mtime is None else f", written {ago(queue.mtime, wall)}"
    return f"{queue.path or 'none'}: form {queue.form}, {bytes_text(queue.size_bytes)}{written}"


def record_sentence(snapshot: Snapshot) -> str:
    """How long somebody watched, and where that is kept."""
    record = snapshot.record
    watched_s = watched_for_s(record, snapshot.wall)
    place = f"; the record is {record.path}" if record.path else "; there is no record"
    problem = f" ({record.problem})" if record.problem else ""
    if not watched_s:
        return f"never before: rates, forecasts and times as seen need the dashboard to run{place}{problem}"
    return (
        f"{duration_text(round(watched_s))} since {ago(record.watched[0][0], snapshot.wall)}{place}{problem}"
    )


def need_text(need: Need, wall: float) -> str:
    """`TASK-7 blocked, since 2026-11-24T00:10:01Z (2h 05m ago)`."""
    return need.text if need.since is None else f"{need.text}, since {ago(need.since, wall)}"
