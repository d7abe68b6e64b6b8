"""All agents as one value: their rows, sums, rankings and files; a change costs as much as what changed.

`Roster.change` is the only door. With 10,000 agents of which one changed it copies a few
arrays of pointers (about 1 ms); without a change it returns the same object, so whoever holds
a part of it can compare by identity.
"""

import os
from collections.abc import Collection, Iterable, Mapping, Sequence

import msgspec

from core.events import NOTE, Change
from core.fleet import (
    MISSING,
    NO_FIGURES,
    UNREADABLE,
    Figures,
    agent_view,
    first_error,
    fleet_changed,
    same_content,
)
from core.kpi import OK, STATUSES, Key, KpiRule, Ranking, worst_severity
from core.life import Life
from core.measures.agent import measure
from core.measures.liveness import GONE, SILENT, Limits, liveness
from core.measures.needs import Need, needs, order
from core.metrics import METRICS, finite
from core.observed import Observed
from core.policy import Policy
from core.queues.model import EMPTY_QUEUE, AgentQueue
from core.samples import SignalsSample
from core.snapshot import AgentView, Fleet, SourceState
from core.sources import file_row, source_change

GRACE_S = 15.0
# Rates and forecasts move with time: of an agent whose tasks moved lately they are worked out this often,
# of so many agents at once at the most.
AGAIN_S = 15.0
AGAIN_SHARE = 0.1  # of the time watched, where nothing was seen to move
MIN_AGAIN_S = 1.0
MOST_AGAIN = 100
FORGET_S = 25 * 3600.0


class News(msgspec.Struct, frozen=True):
    """What happened to the agents since the last evaluation. `figures` None: no new process scan.

    `hung` None: the same paths hang as before. `observed` and `signals` likewise; `told` are the
    agents of which `observed` says something new.
    """

    changed: Sequence[AgentQueue] = ()
    gone: Collection[str] = ()
    figures: Mapping[str, Figures] | None = None
    hung: Mapping[str, str] | None = None
    observed: Observed | None = None
    told: Collection[str] = ()
    signals: SignalsSample | None = None


class Roster(msgspec.Struct, frozen=True):
    """Every agent, by name. `ranks` holds one ranking per agent KPI, in the policy's order.

    `broken`, `waiting`, `odd` and `quiet` rank the agents whose file cannot be read, that have failed
    tasks, whose file is odd, and that are gone or silent; their keys' first number is always 0. `unsure` are agents
    shown in their last good state, with the time after which that is not good enough for a KPI any more
    (None: it has passed).
    `life` is what is known beside the files. `needs` ranks what needs a person, `need_of` has each by its
    subject; `due` says when an agent is to be judged again though nothing was told of it. `stray` are the
    needs of those who have no row: whose folder is gone with its tasks, or who only signals.
    """

    views: tuple[AgentView, ...] = ()
    index: dict[str, int] = {}
    files: tuple[SourceState, ...] = ()
    fleet: Fleet = Fleet()
    figures: Mapping[str, Figures] = {}
    hung: Mapping[str, str] = {}
    ranks: tuple[Ranking, ...] = ()
    broken: Ranking = Ranking()
    waiting: Ranking = Ranking()
    odd: Ranking = Ranking()
    quiet: Ranking = Ranking()
    unsure: dict[str, float | None] = {}
    life: Life = Life()
    needs: Ranking = Ranking()
    need_of: dict[str, Need] = {}
    needs_count: int = 0
    due: dict[str, float] = {}
    stray: dict[str, tuple[Need, ...]] = {}
    complete: bool = False

    def get(self, agent: str) -> AgentView | None:
        """The row of `agent`, None if there is none."""
        place = self.index.get(agent)
        return None if place is None else self.views[place]

    def again(self, now: float) -> list[str]:
        """Agents to be judged again because time has passed: the longest overdue first, not too many at once."""
        unsure = [agent for agent, until in self.unsure.items() if until is not None and until < now]
        late = [agent for agent, at in self.due.items() if at <= now]
        if len(late) > MOST_AGAIN:
            late = sorted(late, key=self.due.__getitem__)[:MOST_AGAIN]
        return unsure + late

    def change(self, policy: Policy, news: News, now: float, wall: float) -> "tuple[Roster, list[Change]]":
        """The roster after `news`, and the lines for the log."""
        queues = self._touched(news, now, policy.workspace)
        gone = [agent for agent in news.gone if agent in self.index]
        figures = self.figures if news.figures is None else news.figures
        hung = self.hung if news.hung is None else news.hung
        life = self.life.after(news.observed, news.signals, news.figures, wall)
        if not queues and not gone:
            if figures is self.figures and hung is self.hung and life is self.life:
                return self, []
            made = msgspec.structs.replace(self, figures=figures, hung=hung, life=life)
            same = life.asks is self.life.asks and life.observed.lost is self.life.observed.lost
            return (made if same else _with_strays(made)), []
        made, log = _Changing(self, policy, figures, hung, life, now, wall).run(queues, gone)
        return _with_strays(made), log

    def completed(self) -> "Roster":
        """The same once every agent has been looked at: who has no row now has none."""
        return _with_strays(msgspec.structs.replace(self, complete=True))

    def _touched(self, news: News, now: float, workspace: str | None) -> dict[str, AgentQueue]:
        """Agents whose row must be made again, with the queue it is made from."""
        touched: dict[str, AgentQueue] = {}
        for queue in news.changed:
            old = self.get(queue.agent)
            if old is None or not same_content(old.queue, queue):
                touched[queue.agent] = queue
        again: set[str] = {*self.again(now), *news.told, *self.life.heard_anew(news.signals)}
        if news.figures is not None:
            for agent in self.figures.keys() | news.figures.keys():
                if self.figures.get(agent) != news.figures.get(agent):
                    again.add(agent)
        if news.hung is not None and news.hung != self.hung:
            for view in self.views:
                path = view.queue.path
                if hung_at(path, workspace, self.hung) != hung_at(path, workspace, news.hung):
                    again.add(view.queue.agent)
        for agent in sorted(again):
            known = self.get(agent)
            if known is not None:
                touched.setdefault(agent, known.queue)
        return touched


class _Changing:
    """One change of a roster under way."""

    def __init__(
        self,
        old: Roster,
        policy: Policy,
        figures: Mapping[str, Figures],
        hung: Mapping[str, str],
        life: Life,
        now: float,
        wall: float,
    ) -> None:
        self.old, self.policy, self.now, self.wall = old, policy, now, wall
        self.life = life
        self.due = dict(old.due)
        self.need_of = dict(old.need_of)
        self.need_keys: dict[str, Key | None] = {}
        self.needs_count = old.needs_count
        self.figures, self.hung = figures, hung
        self.rules = [rule for rule in policy.kpis if rule.scope != "host"]
        self.keys: list[dict[str, Key | None]] = [{} for _ in self.rules]
        self.broken: dict[str, Key | None] = {}
        self.waiting: dict[str, Key | None] = {}
        self.odd: dict[str, Key | None] = {}
        self.quiet: dict[str, Key | None] = {}
        self.unsure = dict(old.unsure)
        self.log: list[Change] = []

    def run(self, queues: Mapping[str, AgentQueue], gone: Collection[str]) -> tuple[Roster, list[Change]]:
        """Make the rows again, then everything that follows from them."""
        before: list[AgentView] = []
        after: dict[str, AgentView] = {}
        for agent, queue in queues.items():
            view = self.old.get(agent)
            if view is not None:
                before.append(view)
            after[agent] = self._view(queue, view)
        for agent in sorted(gone):
            view = self.old.get(agent)
            if view is not None and agent not in after:
                before.append(view)
                self._forget(agent, view)
        lost = {view.queue.agent for view in before} - after.keys()
        views, index, files = self._arrays(after, lost)
        old = self.old
        ranks = old.ranks or tuple(Ranking() for _ in self.rules)
        return Roster(
            views=views,
            index=index,
            files=files,
            fleet=fleet_changed(old.fleet, before, after.values()),
            figures=self.figures,
            hung=self.hung,
            ranks=tuple(rank.change(keys) for rank, keys in zip(ranks, self.keys, strict=True)),
            broken=old.broken.change(self.broken),
            waiting=old.waiting.change(self.waiting),
            odd=old.odd.change(self.odd),
            quiet=old.quiet.change(self.quiet),
            unsure=self.unsure,
            life=self.life,
            needs=old.needs.change(self.need_keys),
            need_of=self.need_of,
            needs_count=self.needs_count,
            due=self.due,
            stray=old.stray,
            complete=old.complete,
        ), self.log

    def _view(self, queue: AgentQueue, old: AgentView | None) -> AgentView:
        agent, policy = queue.agent, self.policy
        changed_at = self._changed_at(queue, old)
        view = agent_view(queue, self.figures.get(agent, NO_FIGURES), policy.workday_hours, changed_at, OK)
        view = self._known(view, old)
        stuck = hung_at(queue.path, policy.workspace, self.hung) if self.hung else ""
        if stuck and view.state not in (UNREADABLE, MISSING):
            view = msgspec.structs.replace(view, state="stale", why=f"last good state; now: {stuck}")
        too_old = self._too_old(agent, view)
        severities = [_problem_severity(view), *life_severities(view)]
        for rule, keys in zip(self.rules, self.keys, strict=True):
            key = _judged(rule, view, too_old)
            keys[agent] = key
            status = OK if key is None else STATUSES[key[0]]
            severities.append(rule.severity_of(status))
        severity = worst_severity(severities)
        self.broken[agent], self.waiting[agent], self.odd[agent] = concerns(view)
        self.quiet[agent] = _quiet(view)
        made = view if severity == OK else msgspec.structs.replace(view, severity=severity)
        return old if old is not None and made == old and made.queue is old.queue else made

    def _known(self, view: AgentView, old: AgentView | None) -> AgentView:
        """With what is known beside the file: measures, liveness, needs."""
        queue, policy, wall = view.queue, self.policy, self.wall
        agent = queue.agent
        life = self.life
        seen = life.observed.of(agent)
        spans = life.observed.spans(seen, wall)
        measures = measure(queue, seen, spans, wall, policy.workday_hours)
        asks = life.asks.get(agent, ())
        signs = life.signs(view, seen.changed_at, wall)
        alive = liveness(queue, view.state, signs, wall, Limits(policy.silent_s, policy.timeout_s))
        found = needs(
            queue, seen.since, asks, life.observed.knots.get(agent, ()), life.observed.lost.get(agent, ()),
            wall, policy.timeout_s,
        )  # fmt: skip
        untils = [until for until in (alive.until, found.until) if until is not None]
        if seen.changed_at is not None and wall - seen.changed_at < FORGET_S:
            untils.append(wall + AGAIN_S)
        elif queue.pending:
            # Nothing happens but that it is watched longer: the forecast says so, and in the end that it stalled.
            watched_s = wall - spans[-1][0] if spans else 0.0
            untils.append(wall + max(AGAIN_S, AGAIN_SHARE * watched_s))
        if untils:
            self.due[agent] = self.now + max(MIN_AGAIN_S, min(untils) - wall)
        else:
            self.due.pop(agent, None)
        self._put_needs(old.needs if old is not None else (), found.found)
        return msgspec.structs.replace(
            view,
            liveness=alive.word,
            signs=signs,
            measures=measures,
            needs=found.found,
            wip_limit=policy.wip_limit,
            current_since=seen.since.get(queue.current_id, queue.current_since),
        )

    def _put_needs(self, old: Sequence[Need], new: Sequence[Need]) -> None:
        if old == new:
            return
        for need in old:
            subject = need_subject(need)
            self.need_of.pop(subject, None)
            self.need_keys[subject] = None
            self.needs_count -= need.count
        for need in new:
            subject = need_subject(need)
            rank, since = order(need)
            self.need_of[subject] = need
            self.need_keys[subject] = (rank, since, subject, None)
            self.needs_count += need.count

    def _changed_at(self, queue: AgentQueue, old: AgentView | None) -> float | None:
        if old is None:
            # A file from the future was changed no later than now.
            return None if queue.mtime is None else min(queue.mtime, self.wall)
        was = old.queue
        # Where the clock was set back, no later than now.
        before = None if old.changed_at is None else min(old.changed_at, self.wall)
        if was is queue:
            return before
        # Neither a failed read nor what the ledger adds is a change of the file.
        same = was._replace(
            work=queue.work, problems=queue.problems, stale_since=queue.stale_since,
            read_ms=queue.read_ms, read_at=queue.read_at,
        )  # fmt: skip
        return before if same == queue else self.wall

    def _too_old(self, agent: str, view: AgentView) -> bool:
        """Whether the last good state of `agent` is too old to be judged; keeps `unsure`."""
        if view.state != "stale":
            self.unsure.pop(agent, None)
            return False
        until = self.unsure.get(agent, self.now + GRACE_S)
        if until is not None and until < self.now:
            until = None
        self.unsure[agent] = until
        return until is None

    def _forget(self, agent: str, view: AgentView) -> None:
        for keys in (*self.keys, self.broken, self.waiting, self.odd, self.quiet):
            keys[agent] = None
        self.unsure.pop(agent, None)
        self.due.pop(agent, None)
        self._put_needs(view.needs, ())
        text = f"{agent} is gone: {view.queue.path or 'its folder'} is not there any more"
        self.log.append(Change(f"gone {agent}", "low", NOTE, f"agent:{agent}", text, "agents gone"))

    def _arrays(
        self, after: Mapping[str, AgentView], lost: Iterable[str]
    ) -> tuple[tuple[AgentView, ...], dict[str, int], tuple[SourceState, ...]]:
        """Rows and files in the order of names, and the place of each name."""
        old, lost = self.old, set(lost)
        index = old.index
        come = after.keys() - index.keys()
        views, files = list(old.views), list(old.files)
        if come or lost:
            kept = {view.queue.agent: (view, row) for view, row in zip(views, files, strict=True)}
            names = sorted((kept.keys() - lost) | come)
            index = {name: place for place, name in enumerate(names)}
            views = [kept[name][0] if name in kept else after[name] for name in names]
            files = [kept[name][1] if name in kept else _NO_FILE for name in names]
        for agent, view in after.items():
            place = index[agent]
            views[place] = view
            before = None if agent in come else files[place]
            row = file_row(view, before, self._read_at(view.queue, before))
            if row != before:
                files[place] = row
                change = source_change(before, row)
                if change is not None:
                    self.log.append(change)
            if agent in come and old.complete:
                self.log.append(
                    Change(f"new {agent}", "low", NOTE, f"agent:{agent}", f"{agent} is new", "new agents")
                )
        return tuple(views), index, tuple(files)

    def _read_at(self, queue: AgentQueue, before: SourceState | None) -> float | None:
        if queue.read_at is None:
            return before.answered_at if before is not None else None
        return min(self.now, self.now - (self.wall - queue.read_at))


def _with_strays(roster: Roster) -> Roster:
    """With the signals and lost tasks of those who have no row, once it is known who has one."""
    asks, lost = roster.life.asks, roster.life.observed.lost
    found: dict[str, tuple[Need, ...]] = {}
    known = roster.index
    for agent in sorted(asks.keys() | lost.keys()) if roster.complete else ():
        if agent in known:
            continue
        queue = EMPTY_QUEUE._replace(agent=agent or "(no name)")
        said = needs(queue, {}, asks.get(agent, ()), (), lost.get(agent, ()), 0.0, 1.0).found
        if said:
            found[agent] = said
    if found == roster.stray:
        return roster
    need_of, count = dict(roster.need_of), roster.needs_count
    keys: dict[str, Key | None] = {}
    for agent, said in roster.stray.items():
        view = roster.get(agent)
        kept = {need_subject(need) for need in view.needs} if view is not None else ()
        for need in said:
            count -= need.count
            subject = need_subject(need)
            if subject not in kept:
                need_of.pop(subject, None)
                keys[subject] = None
    for said in found.values():
        for need in said:
            count += need.count
            subject = need_subject(need)
            need_of[subject] = need
            keys[subject] = (*order(need), subject, None)
    return msgspec.structs.replace(
        roster, stray=found, need_of=need_of, needs=roster.needs.change(keys), needs_count=count
    )


def hung_at(path: str, workspace: str | None, hung: Mapping[str, str]) -> str:
    """Why `path` is not looked at: it hangs, or the mount it lies on does. "" if it is looked at."""
    path = os.path.join(workspace or "/", path)
    for barred, reason in hung.items():
        if path == barred or path.startswith(barred.rstrip("/") + "/"):
            return reason
    return ""


_NO_FILE = SourceState("", "file", "waiting", "", None, None, 0)


def _judged(rule: KpiRule, view: AgentView, too_old: bool) -> Key | None:
    """Where this agent stands in one KPI; None where there is nothing to judge (it was never measured)."""
    if view.state in ("retired", MISSING):
        return None
    agent = view.queue.agent
    if too_old:
        return rule.key(agent, None)
    value = finite(METRICS[rule.metric].value(view))
    if value is None and view.state != UNREADABLE:
        return None
    return rule.key(agent, value)


def need_subject(need: Need) -> str:
    """What tells a need from all others."""
    return f"{need.agent}\t{need.kind}\t{need.task}\t{need.text if need.kind == 'signal' else ''}"


def life_severities(view: AgentView) -> list[str]:
    """How much it matters that this agent is silent, gone, or asks for something urgent."""
    found = [need.severity for need in view.needs if need.severity != "low" and need.kind != "blocked"]
    if view.liveness in (SILENT, GONE):
        found.append("high" if view.liveness == GONE else "medium")
    return found


def _problem_severity(view: AgentView) -> str:
    if view.state == UNREADABLE:
        return "high"
    if view.state == "stale":
        return "medium"
    if view.state == MISSING:
        return OK
    if first_error(view.queue) is not None:
        return "medium"
    return "low" if view.queue.problems else OK


def concerns(view: AgentView) -> tuple[Key | None, Key | None, Key | None]:
    """Keys in `broken`, `waiting` and `odd`: the more it matters, the further in front."""
    queue = view.queue
    broken = waiting = odd = None
    if view.state == UNREADABLE:
        broken = (0, -2.0, queue.agent, None)
    elif view.state == "stale":
        broken = (0, -1.0, queue.agent, None)
    elif view.state not in ("retired", MISSING) and queue.failed:
        waiting = (0, -float(queue.failed), queue.agent, float(queue.failed))
    if broken is None and queue.problems and view.state != MISSING:
        errors = sum(problem.severity == "error" for problem in queue.problems)
        odd = (0, -(errors * 1e3 + len(queue.problems)), queue.agent, None)
    return broken, waiting, odd


def _quiet(view: AgentView) -> Key | None:
    """The key in `quiet`: gone before silent, the longest without a change first."""
    if view.liveness not in (GONE, SILENT):
        return None
    weight = 2e10 if view.liveness == GONE else 1e10
    return (0, -(weight - (view.signs.progress_at or 0.0)), view.queue.agent, None)
