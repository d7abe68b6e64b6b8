"""Line two of the screen: one sentence that names the worst thing, its evidence, and the key that helps.

In order: a workspace that cannot be read; a critical KPI; a source that hangs; a queue file
that cannot be read; an agent that is gone or silent; a person who is asked for, a deadlock, a
lost task; a missed target, by how far it is missed; something unknown that was known before;
other tasks that wait for a person; odd files; and else what was checked.

The sentence keeps its subject while that is still among the worst of its kind, and has whole
numbers only, so that it can be read. Not for judging: everything here was judged elsewhere.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from core.advice import REBALANCED
from core.alerts.names import FIRING
from core.alerts.view import Alert, Alerts
from core.fleet import where
from core.kpi import CRITICAL, OK, UNKNOWN, WARNING, KpiRule
from core.measures.liveness import GONE
from core.measures.liveness import evidence as signs_of_life
from core.measures.needs import Need
from core.metrics import METRICS
from core.policy import Policy
from core.roster import Roster
from core.samples import CpuSample, ProcessesSample, ProcessRow
from core.snapshot import AgentView, KpiPart, KpiStatus, Progress, Reading, SourceState, Verdict
from core.units import bytes_text, duration_text

(_WORKSPACE, _CRITICAL, _HUNG, _BROKEN, _QUIET, _URGENT, _MISSED, _SILENT, _PERSON, _FAILED, _ODD, _WAITING,
 _WELL) = range(13)  # fmt: skip
START_S = 15.0
WAITING = Verdict(severity=UNKNOWN, text="waiting for the first samples", evidence="")
_NO_WORKSPACE = "no workspace found: name one with --workspace DIR, or try bluetop demo"


class Scene(msgspec.Struct, frozen=True):
    """What the verdict looks at. `sources` are pollers, mounts and whatever hung, without the queue files."""

    now: float
    wall: float
    started_at: float
    policy: Policy
    kpis: Sequence[KpiStatus]
    roster: Roster
    sources: Sequence[SourceState]
    readings: Mapping[str, Reading[Any]]
    progress: Progress | None
    alerts: Alerts = Alerts()


class _Candidate(NamedTuple):
    rank: int
    weight: float
    key: str
    what: Any
    more: Any = None


def verdict(scene: Scene, previous_key: str) -> tuple[Verdict, str]:
    """The verdict, and the key to hand in the next time so that it does not jump."""
    best: _Candidate | None = None
    kept: _Candidate | None = None
    for candidate in _candidates(scene):
        if best is None or (candidate.rank, -candidate.weight) < (best.rank, -best.weight):
            best = candidate
        if candidate.key == previous_key:
            kept = candidate
    if best is None:
        return _well(scene), ""
    if kept is not None and kept.rank == best.rank and kept.weight * 1.5 + 0.1 >= best.weight:
        best = kept
    return _SAY[best.rank](scene, best), best.key


def _candidates(scene: Scene) -> Iterator[_Candidate]:
    for source in scene.sources:
        if source.state in ("hung", "unreadable", "gone"):
            rank = _WORKSPACE if source.kind == "workspace" else _HUNG
            yield _Candidate(rank, 2.0 if source.state == "hung" else 1.0, f"source {source.name}", source)
    for kpi, rule in zip(scene.kpis, scene.policy.kpis, strict=True):
        if kpi.status in (CRITICAL, WARNING):
            for part in kpi.parts:
                if part.status not in (CRITICAL, WARNING) or part.value is None:
                    break
                rank = _CRITICAL if part.status == CRITICAL else _MISSED
                yield _Candidate(
                    rank, rule.target.excess(part.value), f"{rule.name} {part.subject}", rule, part
                )
        elif kpi.status == UNKNOWN:
            yield from _unknown(scene, rule)
    yield from _alerts(scene)
    roster = scene.roster
    for key in roster.needs.order[:3]:
        need = roster.need_of[key[2]]
        rank = _URGENT if need.severity == "high" else _PERSON
        weight = 100.0 - 10.0 * key[0] - (1e-9 * key[1])
        yield _Candidate(rank, weight, f"need {key[2]}", need, roster.needs_count)
    for rank, ranking in (
        (_BROKEN, roster.broken), (_QUIET, roster.quiet), (_FAILED, roster.waiting), (_ODD, roster.odd)
    ):  # fmt: skip
        for place in ranking.order[:3]:
            yield _Candidate(rank, -place[1], f"{rank} {place[2]}", roster.get(place[2]), len(ranking.order))
    if scene.policy.workspace is not None and not roster.complete:
        yield _Candidate(_WAITING, 2.0, "reading", None)


def _alerts(scene: Scene) -> Iterator[_Candidate]:
    """The most urgent alert that nobody has seen to, unless a KPI says the same with more to it."""
    for alert in scene.alerts.active:
        if alert.state != FIRING or alert.hushed or alert.stale:
            continue
        rank = _CRITICAL if alert.severity == CRITICAL else _MISSED
        said = any(
            kpi.metric == alert.metric and (kpi.status == CRITICAL or rank == _MISSED)
            for kpi in scene.kpis
            for part in kpi.parts
            if part.subject == alert.subject and part.status in (CRITICAL, WARNING)
        )
        if not said:
            weight = alert.excess if alert.severity not in ("low", "info") else alert.excess / 10.0
            yield _Candidate(rank, weight, f"alert {alert.rule} {alert.subject}", alert)
            return


def _unknown(scene: Scene, rule: KpiRule) -> Iterator[_Candidate]:
    """A KPI that cannot be judged, unless that is because this host (or file) simply does not tell."""
    source = _source(rule)
    reading = scene.readings.get(source)
    if reading is None or (source in ("queues", "processes") and scene.policy.workspace is None):
        return
    if reading.at is None:
        rank = _WAITING if scene.now - scene.started_at <= START_S else _SILENT
        yield _Candidate(rank, 1.0, f"no {source}", rule, None)
        return
    age = scene.now - reading.at
    if age > scene.policy.gap_s(source, rule.stale_after_s):
        yield _Candidate(_SILENT, 1.0, f"no {source}", rule, age)
    elif rule.scope == "host" and scene.now - scene.started_at <= reading_warmup_s(scene.policy, source):
        yield _Candidate(_WAITING, 1.0, f"no {source}", rule, None)  # a rate needs two samples


def reading_warmup_s(policy: Policy, source: str) -> float:
    """How long after the start a rate may still be missing because there was only one sample."""
    return 2.5 * policy.intervals.get(source, policy.interval_s)


def _source(rule: KpiRule) -> str:
    return METRICS[rule.metric].source if rule.scope == "host" else "queues"


# ── the sentences ────────────────────────────────────────────────────────────────────────────


def _say_source(scene: Scene, c: _Candidate) -> Verdict:
    source: SourceState = c.what
    workspace = source.kind == "workspace"
    what = f"the workspace {source.name}" if workspace else source.name
    how = (
        "does not answer"
        if source.state == "hung"
        else "is gone"
        if source.state == "gone"
        else "cannot be read"
    )
    evidence = "" if source.detail == how else source.detail
    if source.answered_at is not None:
        age = f"last answer {duration_text(scene.now - source.answered_at)} ago"
        evidence = f"{evidence}, {age}" if evidence else age
    severity = CRITICAL if workspace else "high"
    return Verdict(
        severity, f"{what} {how}", evidence, f"source:{source.name}", "open_sources", "show sources"
    )


def _say_alert(scene: Scene, alert: Alert) -> Verdict:
    facts = []
    if alert.since is not None:
        facts.append(f"for {duration_text(max(0.0, scene.wall - alert.since))}")
    if alert.flapping:
        facts.append("flapping")
    subject = f"agent:{alert.subject}" if alert.scope == "agent" else "host"
    action, hint = alert.action, alert.hint
    if alert.scope == "agent":
        action, hint = _agent_help(scene, alert.metric, alert.subject)
    return Verdict(alert.severity, alert.text, ", ".join(facts), subject, action, hint)


def _say_missed(scene: Scene, c: _Candidate) -> Verdict:
    if isinstance(c.what, Alert):
        return _say_alert(scene, c.what)
    rule: KpiRule = c.what
    part: KpiPart = c.more
    value = part.value if part.value is not None else 0.0
    severity = rule.severity_of(part.status)
    if rule.scope != "host":
        view = scene.roster.get(part.subject)
        text, evidence = _agent_words(scene, rule, part.subject, value, view)
        action, hint = _agent_help(scene, rule.metric, part.subject)
        return Verdict(severity, text, evidence, f"agent:{part.subject}", action, hint)
    text, evidence, action, hint = _host_words(scene, rule, value)
    return Verdict(severity, text, evidence, "host", action, hint)


def _agent_help(scene: Scene, metric: str, agent: str) -> tuple[str, str]:
    """The key that helps an agent: where its queue is too long and others are there, a rebalance."""
    if metric in REBALANCED and scene.roster.fleet.active > 1:
        return "open_rebalance", "rebalance"
    return "open_agent", f"show {agent}"


def _agent_words(
    scene: Scene, rule: KpiRule, agent: str, value: float, view: AgentView | None
) -> tuple[str, str]:
    evidence = [f"target {rule.target}"]
    text = f"{agent}: {rule.label} {value:.0f} {rule.unit}"
    if view is None:
        return text, evidence[0]
    queue = view.queue
    if rule.metric == "queue_length":
        text = f"{agent} has {_count(queue.pending, 'task')} waiting"
        drain = view.measures.drain
        if drain is not None and drain.kind in ("growing", "stalled"):
            text = f"{agent} will not drain: {queue.pending} waiting"
            evidence.insert(0, "none leaves" if drain.kind == "stalled" else drain.short)
        elif drain is not None and drain.kind == "clears":
            evidence.append(drain.text)
        if queue.oldest_waiting_at is not None and queue.oldest_waiting_at <= scene.wall:
            evidence.append(f"oldest {duration_text(scene.wall - queue.oldest_waiting_at)}")
        if queue.in_progress == 0:
            evidence.append("none in progress")
    elif rule.metric == "workload_percent":
        hours = queue.pending_hours or 0.0
        text = f"{agent} is overloaded: {hours:.0f} h of work waiting"
        evidence = [f"workload {value:.0f} %", f"target {rule.target}"]
    elif rule.metric == "completion_hours":
        known = view.measures
        count = known.task_time.n if known.task_time is not None else 0
        text = f"{agent}'s tasks take {value:.1f} h on average"
        evidence = [f"target {rule.target}", f"{_count(count, 'task')} {known.time_source}"]
    elif rule.metric == "efficiency_percent":
        work = view.measures.work
        text = f"{agent} works at {value:.0f} % efficiency"
        evidence = [f"{work.earned_hours:.0f} h earned in {work.actual_hours:.0f} h", f"target {rule.target}"]
    elif rule.metric == "success_percent":
        text = f"{agent} fails too often: {value:.0f} % succeed"
        evidence = [f"{queue.failed} failed, {queue.completed} completed", f"target {rule.target}"]
    return text, ", ".join(evidence)


def _host_words(scene: Scene, rule: KpiRule, value: float) -> tuple[str, str, str, str]:
    limit = f"target {rule.target}"
    over = ""
    if rule.aggregate != "last":
        whole = scene.now - scene.started_at >= rule.window_s
        over = f" over {duration_text(rule.window_s)}" if whole else " since the start"
    processes = scene.readings["processes"].value if "processes" in scene.readings else None
    evidence = [limit]
    if rule.metric == "cpu_percent":
        cpu = scene.readings["cpu"].value
        if isinstance(cpu, CpuSample) and cpu.percent is not None and over:
            evidence.append(f"now {cpu.percent:.0f} %")
        evidence += _top(processes, "cpu_percent", 20.0, lambda r: f"{r.cpu_percent:.0f} %")
        verb = "averages" if over else "is at"
        return f"CPU {verb} {value:.0f} %{over}", ", ".join(evidence), "open_processes", "show processes"
    if rule.metric == "memory_percent":
        evidence += _top(processes, "rss_bytes", 0.0, lambda r: bytes_text(r.rss_bytes))
        return f"memory is {value:.0f} % full{over}", ", ".join(evidence), "open_processes", "show processes"
    if rule.metric == "disk_io_mb_per_s":
        return f"the disks move {value:.0f} MB/s{over}", limit, "expand", "expand disk"
    if rule.metric == "open_files":
        evidence += _top(processes, "handles", 0.0, _handles)
        text = f"watched processes hold {value:.0f} files open"
        return text, ", ".join(evidence), "open_processes", "show handles"
    text = f"{rule.label}: {value:.0f} {rule.unit}".rstrip() + over
    return text, limit, "open_alerts", "show alerts"


def _handles(row: ProcessRow) -> str:
    return f"{row.handles} of {row.handle_limit}" if row.handle_limit else f"{row.handles}"


def _top(processes: ProcessesSample | None, field: str, least: float, words: Any) -> list[str]:
    """The watched process that uses most of it: a measured cause, or nothing."""
    if processes is None:
        return []
    known = [row for row in processes.rows if (getattr(row, field) or 0.0) > least]
    if not known:
        return []
    top = max(known, key=lambda row: float(getattr(row, field)))
    return [f"most: {top.agent or top.name} {words(top)}"]


def _say_broken(scene: Scene, c: _Candidate) -> Verdict:
    view: AgentView = c.what
    queue = view.queue
    if view.state == "stale":
        text = f"{queue.agent}'s queue file cannot be read now"
        evidence = view.why
    else:
        text = f"{queue.agent}'s queue file cannot be read"
        evidence = view.why
    severity = "high" if view.state != "stale" else "medium"
    return Verdict(severity, text, evidence + _others(c.more), f"agent:{queue.agent}", "open_agent",
                   f"show {queue.agent}")  # fmt: skip


def _others(count: int) -> str:
    return f"; {count - 1} more like it" if count > 1 else ""


def _say_silent(scene: Scene, c: _Candidate) -> Verdict:
    rule: KpiRule = c.what
    source = _source(rule)
    what = rule.label if rule.scope == "host" else "the queues"
    since = "since the start" if c.more is None else f"for {duration_text(c.more)}"
    problem = scene.readings[source].problem
    return Verdict(UNKNOWN, f"cannot tell: no sample of {what} {since}", problem, f"source:{source}",
                   "open_sources", "show sources")  # fmt: skip


def _say_quiet(scene: Scene, c: _Candidate) -> Verdict:
    view: AgentView = c.what
    queue = view.queue
    gone = view.liveness == GONE
    what = queue.current_id or _count(queue.in_progress, "task")
    text = f"{queue.agent} is {view.liveness} with {what} in progress"
    facts = signs_of_life(queue, view.liveness, view.why, view.signs, scene.wall)[1:]
    return Verdict("high" if gone else "medium", text, ", ".join(facts) + _others(c.more),
                   f"agent:{queue.agent}", "open_agent", f"show {queue.agent}")  # fmt: skip


def _say_need(scene: Scene, c: _Candidate) -> Verdict:
    need: Need = c.what
    facts = [] if need.since is None else [f"for {duration_text(max(0.0, scene.wall - need.since))}"]
    if c.more > need.count:
        facts.append(f"{c.more} things need you in all")
    return Verdict(need.severity, f"{need.agent}: {need.text}", ", ".join(facts), f"agent:{need.agent}",
                   "open_needs", "who needs you")  # fmt: skip


def _say_failed(scene: Scene, c: _Candidate) -> Verdict:
    queue = c.what.queue
    text = f"{queue.agent} has {_count(queue.failed, 'failed task')}"
    evidence = f"{_count(scene.roster.fleet.failed, 'task')} failed in all" if c.more > 1 else ""
    return Verdict("medium", text, evidence, f"agent:{queue.agent}", "open_agent", f"show {queue.agent}")


def _say_odd(scene: Scene, c: _Candidate) -> Verdict:
    queue = c.what.queue
    problem = where(queue.problems[0])
    text = f"{queue.agent}'s queue file is odd: {problem}"
    evidence = "read all the same" + _others(c.more)
    return Verdict("low", text, evidence, f"agent:{queue.agent}", "open_agent", f"show {queue.agent}")


def _say_waiting(scene: Scene, c: _Candidate) -> Verdict:
    progress = scene.progress
    if c.what is None and progress is not None and progress.total:
        text = f"reading the queues: {progress.done} of {progress.total} files"
        return Verdict(UNKNOWN, text, "")
    waiting = [
        kpi.label
        for kpi, rule in zip(scene.kpis, scene.policy.kpis, strict=True)
        if kpi.status == UNKNOWN and rule.scope == "host"
    ]
    if c.what is None:
        waiting.append("the queues")
    return Verdict(UNKNOWN, WAITING.text, ", ".join(waiting))


def _well(scene: Scene) -> Verdict:
    hosts = [kpi for kpi in scene.kpis if kpi.parts and _is_host(kpi)]
    checked = sum(kpi.status == OK for kpi in hosts)
    unknown = [kpi.label for kpi in hosts if kpi.status == UNKNOWN]
    roster = scene.roster
    mounts = sum(source.kind == "mount" for source in scene.sources)
    said = [_count(checked, "host check")]
    if scene.policy.workspace is not None:
        said.insert(0, _count(roster.fleet.agents, "agent"))
        said.append(_count(len(roster.files), "file"))
    if mounts:
        said.append(_count(mounts, "mount"))
    evidence = f"not measured here: {', '.join(unknown)}" if unknown else ""
    if scene.policy.workspace is None:
        text = f"the host is well: {', '.join(said)}" if checked else WAITING.text
        return Verdict(OK if checked else UNKNOWN, text, _NO_WORKSPACE, "host", "show_help", "help")
    if not checked:
        return WAITING
    return Verdict(OK, f"all well: {', '.join(said)}", evidence, "", "", "")


def _is_host(kpi: KpiStatus) -> bool:
    return METRICS[kpi.metric].scope == "host"


def _count(number: int, noun: str) -> str:
    return f"1 {noun}" if number == 1 else f"{number} {noun}s"


_SAY = {
    _WORKSPACE: _say_source,
    _CRITICAL: _say_missed,
    _HUNG: _say_source,
    _BROKEN: _say_broken,
    _MISSED: _say_missed,
    _SILENT: _say_silent,
    _PERSON: _say_need,
    _URGENT: _say_need,
    _QUIET: _say_quiet,
    _FAILED: _say_failed,
    _ODD: _say_odd,
    _WAITING: _say_waiting,
}
