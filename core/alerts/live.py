"""Alerts of the running bluetop: the engine fed by the pollers, what is kept of it, and who is told.

Owned by `core.engine.Engine`, which hands it every batch of answers with the Snapshot that came of
them, and takes back what the Snapshot shall say of alerts. Does no I/O itself: what is to be kept waits in
`Keeping` for the poller that has the prober write it; channels are helper processes of their own.
"""

from collections.abc import Callable, Sequence
from math import inf
from typing import TYPE_CHECKING

from core.advice import Limits
from core.alerts import saved
from core.alerts.desk import LiveDesk
from core.alerts.engine import AlertEngine
from core.alerts.instances import Notification, Step
from core.alerts.keeping import WRITING, AlertsKept, Found, Keeping
from core.alerts.lines import Line, Lines
from core.alerts.names import FIRING, RESOLVED
from core.alerts.note import Note
from core.alerts.past import Past
from core.alerts.succession import take_over
from core.alerts.texts import advice, summary
from core.alerts.view import Alerts, SilenceView
from core.alerts.views import Pictures
from core.clock import Clock
from core.config import Rule
from core.metrics import AGENT, METRICS, Metric, finite
from core.policy import Policy
from core.queues.model import QueuesSample
from core.snapshot import AgentView, Snapshot
from core.sources import Answer, Trouble

if TYPE_CHECKING:
    from core.alerts.sending import Sending

# An agent whose row does not change is a sample this often: the sampling interval that alerting.md goes by.
SAMPLE_S = 5.0
# Without an instant for so long, the machine or bluetop slept: that is treated like a start.
SLEPT_S = 12.0
# The state is kept again after so long while something is active, so that it knows the last samples.
KEEP_AGAIN_S = 60.0
# Keeping the state may take this share of the time (a fiftieth), and waits for no longer than so many seconds.
KEEP_SHARE = 50.0
MOST_DEFERRED_S = 5.0
# Of a burst no more notifications than these say what to do: advice looks at every agent.
_ADVISED_NOTES = 20
# Of a burst so many agents are judged in one turn, and the others in the next ones.
_MOST_JUDGED = 1000
# A message that could not be delivered is shown so long.
FAILED_S = 600.0
# What is kept is waited for so long; then alerts are judged without it.
PATIENCE_S = 10.0
# Agents whose file cannot be read tell nothing new.
_MISSING = ("stale", "unreadable")
# And these are asked for nothing: what they had is over.
_NOT_JUDGED = ("retired", "missing")
DEFAULT_LIMITS = Limits()
Sink = Callable[[Sequence[Note]], None]


class LiveAlerts:
    """The alerts of one engine. `keeping` is None where nothing is kept (no workspace, a command that looks once)."""

    def __init__(
        self, rules: Sequence[Rule], policy: Policy, clock: Clock, *,
        keeping: Keeping | None = None, limits: Limits = DEFAULT_LIMITS, rejected: Sequence[str] = (),
    ) -> None:  # fmt: skip
        self._rules = tuple(rules)
        self._policy = policy
        self._clock = clock
        self._limits = limits
        self._boot = clock.boot()
        self.keeping = keeping
        self.engine = self._new_engine()
        self.desk = LiveDesk(self)
        self.sinks: list[Sink] = []
        self.sending: Sending | None = None
        self._failed: tuple[float, str] = (-inf, "")  # when a message could not be delivered last, and why
        self.view = Alerts(mode="memory" if keeping is None else "waiting")
        self.past = Past()
        self.lines = Lines(policy.host)
        self._rejected = tuple(rejected)
        self._pictures = Pictures(limits)
        self._began_at: float | None = None
        self._now = -inf
        self._wall = 0.0
        self._ready = keeping is None
        self._mine = False  # whether what is kept comes from here
        self._restored = False  # whether agents may have gone while nobody looked
        self._agents: tuple[AgentView, ...] = ()
        self._fed: dict[str, AgentView] = {}
        self._turn = 0
        self._kept_at = -inf
        self._cost_s = 0.0
        self._unkept: list[Line] = []
        self._dirty = False
        self._fresh: list[Note] = []
        self._snapshot: Snapshot | None = None
        self._changed = True

    # -- what it listens to --------------------------------------------------------------------

    def _new_engine(self) -> AlertEngine:
        self._by_source: dict[str, list[Metric]] = {}
        for name in dict.fromkeys(rule.metric for rule in self._rules if rule.enabled):
            metric = METRICS.get(name)
            if metric is not None:
                self._by_source.setdefault(metric.source, []).append(metric)
        return AlertEngine(self._rules, least_stale_s=self._least_stale())

    def _least_stale(self) -> dict[str, float]:
        """Three sampling intervals of each metric: an operator may have chosen slow ones.

        And how many turns an agent that does not change is passed over.
        """
        policy = self._policy
        made: dict[str, float] = {}
        for source, metrics in self._by_source.items():
            every = policy.intervals.get("queues" if source == AGENT else source, policy.interval_s)
            least = 3.0 * max(every, SAMPLE_S if source == AGENT else 0.0)
            made |= {metric.name: least for metric in metrics}
        queues_s = policy.intervals.get("queues", policy.interval_s)
        self._every = max(1, round(SAMPLE_S / max(0.1, queues_s)))
        return made

    def with_policy(self, policy: Policy) -> None:
        """Another rhythm: what counts as stale follows it."""
        self._policy = policy
        self.engine.least_stale_s = self._least_stale()
        self.engine.reload(self._rules, self.now())

    def reload(self, rules: Sequence[Rule], rejected: Sequence[str] = ()) -> None:
        """Other rules, from now on."""
        self._rules = tuple(rules)
        self.engine.least_stale_s = self._new_engine().least_stale_s
        self.engine.reload(self._rules, self.now())
        self._rejected = tuple(rejected)
        self._tell_rules()

    def _tell_rules(self) -> None:
        """One line of the log about the rules that are in force, and what was rejected."""
        if self.keeping is not None:
            line = self.lines.rules(self.wall(), len(self.engine.judged), self._rejected)
            self.keeping.add([line], "", self.now())

    @property
    def ready(self) -> bool:
        """Whether it is known what was kept, so that alerts are judged."""
        return self._ready

    def now(self) -> float:
        """The time on the clock of the samples; never before what the engine has seen."""
        return max(self._clock.now(), self.engine.t)

    def wall(self) -> float:
        """The wall time."""
        return self._clock.wall()

    # -- a turn --------------------------------------------------------------------------------

    def take(
        self,
        answers: Sequence[Answer | Trouble],
        snapshot: Snapshot,
        now: float,
        wall: float,
        *,
        quiet: bool = False,
    ) -> Alerts:
        """Feed what the pollers brought, and say how alerts stand. While `quiet` (paused) agents are left out."""
        self._snapshot = snapshot
        if self._began_at is None:
            self._began_at = now
        for answer in answers:
            if isinstance(answer, Answer) and isinstance(answer.sample, AlertsKept):
                self._kept(answer.sample, now, wall)
        waits = self.keeping is not None and self.keeping.mode == WRITING  # its answer is on the way
        if not self._ready and not waits and now - self._began_at >= PATIENCE_S:
            self._ready = True
            self._changed = True
        if self._ready and now >= self.engine.t:
            self._judge(answers, snapshot, now, wall, quiet)
        self._release(now)
        if self.sending is not None:
            self.sending.turn()
        if self._changed or self.engine.machine.active:
            self.view = self._pictured(now, wall, snapshot)
            self._changed = False
        return self.view

    def _judge(
        self, answers: Sequence[Answer | Trouble], snapshot: Snapshot, now: float, wall: float, quiet: bool
    ) -> None:
        engine = self.engine
        if now - self._now > SLEPT_S + 2.0 * self._policy.interval_s and self._now > -inf:
            engine.start(now)
        self._now, self._wall = now, wall
        engine.tick(now)
        if quiet:  # nobody looks at the agents, which is not held against them
            engine.start(now)
        for answer in answers:
            if not isinstance(answer, Answer) or answer.sample is None:
                continue
            for metric in self._by_source.get(answer.source, ()):
                value = finite(metric.value(answer.sample))
                if value is not None:
                    engine.sample(now, metric.name, metric.scope, "host", float(value))
            if isinstance(answer.sample, QueuesSample) and not quiet:
                for agent in sorted(answer.sample.gone):
                    self._agent_gone(agent, now)
                self._agents_sampled(snapshot, now)
                if self._restored and answer.sample.complete:
                    self._restored = False
                    self._miss_agents(snapshot, now)
        self._step(engine.settle(), now, wall)
        self._keep(now, wall)

    def _agents_sampled(self, snapshot: Snapshot, now: float) -> None:
        """Agents that changed, and a share of those that did not: each is a sample every few seconds."""
        metrics = self._by_source.get(AGENT, ())
        if not metrics:
            return
        views, fed = snapshot.agents, self._fed
        every = self._every
        self._turn = turn = (self._turn + 1) % every
        moved = views is not self._agents
        new = 0
        for at in range(len(views)) if moved else range(turn, len(views), every):
            view = views[at]
            agent = view.queue.agent
            if fed.get(agent) is not view:
                if new == _MOST_JUDGED:
                    continue
                new += 1
            elif at % every != turn:
                continue
            if view.state in _NOT_JUDGED:
                self._agent_gone(agent, now)
                continue
            fed[agent] = view
            if view.state not in _MISSING:
                for metric in metrics:
                    value = finite(metric.value(view))
                    if value is not None:
                        self.engine.sample(now, metric.name, AGENT, agent, float(value))
        self._agents = views if new < _MOST_JUDGED else ()

    def _miss_agents(self, snapshot: Snapshot, now: float) -> None:
        """Agents that are known from before and are not there any more, or are asked for nothing."""
        there = {view.queue.agent for view in snapshot.agents if view.state not in _NOT_JUDGED}
        for scope, agent in self.engine.subjects():
            if scope == AGENT and agent not in there:
                self.engine.gone(now, AGENT, agent)

    def _agent_gone(self, agent: str, now: float) -> None:
        if self._fed.pop(agent, None) is not None:
            self.engine.gone(now, AGENT, agent)

    # -- what follows --------------------------------------------------------------------------

    def _step(self, step: Step, now: float, wall: float) -> None:
        """Keep and tell what one instant brought."""
        if not step.transitions and not step.notifications:
            return
        self._changed = True
        offset, host = wall - now, self._policy.host
        for made in step.transitions:
            text = self.past.text_of(made.id)
            if made.after == FIRING or (made.after == RESOLVED and not text):
                text = summary(made.instance, made.value, made.t - made.since, host)
            if made.after == FIRING:
                self.past.fired(made.id, text, made.t + offset)
            if made.after == RESOLVED or self.keeping is not None:
                line = self.lines.transition(made, text, offset)
                self._unkept.append(line)
                if made.after == RESOLVED:
                    self.past.ended(line)
        for told in step.notifications:
            self._unkept.append(self.lines.notification(told, offset))
            self._fresh.append(self._note(told, offset))
        self._dirty = True

    def _note(self, told: Notification, offset: float) -> Note:
        instance, policy = told.instance, self._policy
        rule, lasted = instance.judged.rule, told.t - told.since
        text, helps = self.past.text_of(told.id), ""
        if told.what != RESOLVED or not text:
            text = summary(instance, told.value, lasted, policy.host)
        if told.what != RESOLVED and self._snapshot is not None and len(self._fresh) < _ADVISED_NOTES:
            helps = advice(instance, told.value, lasted, self._snapshot, self._limits)
        return Note(
            told.what, told.id, rule.name, rule.metric, told.scope, told.subject, rule.severity, told.value,
            rule.threshold, text, helps, policy.host, policy.workspace or "", told.t + offset, told.since + offset,
        )  # fmt: skip

    def _keep(self, now: float, wall: float) -> None:
        """Have the state kept, with the lines that led to it. Of very many alerts not with every step: the more
        it costs, the longer the next one waits, and nobody is told before."""
        keeping = self.keeping
        if keeping is None or not self._ready:
            self._unkept.clear()
            self._dirty = False
            return
        active = bool(self.engine.machine.active)
        if not self._dirty and not (active and now - self._kept_at >= KEEP_AGAIN_S):
            return
        if now - self._kept_at < min(MOST_DEFERRED_S, KEEP_SHARE * self._cost_s):
            return
        began = self._clock.now()
        keeping.add(self._unkept, saved.encoded(saved.save(self.engine, wall=wall, boot=self._boot)), now)
        self._cost_s = self._clock.now() - began
        self._unkept, self._dirty, self._kept_at = [], False, now

    def not_delivered(self, channel: str, problem: str) -> None:
        """A channel did not take a message in the end: said for a while where alerts are looked at."""
        self._failed = (self.now(), f"{channel} was not told: {problem}")
        self._changed = True

    def changed_by_hand(self, lines: Sequence[Line]) -> None:
        """An operator acknowledged or silenced something: notifications are looked at again, and it is kept."""
        now, wall = self.now(), self.wall()
        self._changed = self._dirty = True
        self._unkept += lines
        self.engine.tick(now)
        self._step(self.engine.settle(), now, wall)
        self._keep(now, wall)
        self._release(now)

    def _release(self, now: float) -> None:
        """Tell what is kept, or cannot be: nobody is told twice of what a restart would tell again."""
        if not self._fresh or self._dirty or (self.keeping is not None and self.keeping.busy(now)):
            return
        notes, self._fresh = self._fresh, []
        for sink in self.sinks:
            sink(notes)

    # -- what was kept -------------------------------------------------------------------------

    def _kept(self, sample: AlertsKept, now: float, wall: float) -> None:
        """What the prober found or wrote."""
        if sample.found is not None:
            self._opened(sample.found, now, wall)
        keeps = sample.mode == WRITING
        for line in sample.news:
            # What this one asked for while another kept the alerts, and that one did not live to do.
            own_wish = keeps and line.get("what") == "request"
            if own_wish or self.lines.is_foreign(line):
                self.desk.hear(line, keeps=keeps)
        if (sample.mode, sample.problem) != (self.view.mode, self.view.problem):
            self._changed = True

    def _opened(self, found: Found, now: float, wall: float) -> None:
        """Alerts go on where what was kept left off; or, where only the prober is a new one, as they stand here."""
        mine = self._mine and self.keeping is not None and self.keeping.mode == WRITING
        if not mine and (found.state or not self._ready):
            engine = self._new_engine()
            if found.state:
                try:
                    restored = saved.decoded(found.state)
                    saved.restore(engine, restored, t=max(now, self._now), wall=wall, boot=self._boot)
                except saved.StateError as error:
                    engine = self._new_engine()
                    if self.keeping is not None:
                        self.keeping.reject(str(error))
            take_over(self.engine, engine)
            self.engine = engine
            self._fed, self._agents, self._restored = {}, (), True
            self.past.read(found.log, found.away_since)
        self._mine = self.keeping is not None and self.keeping.mode == WRITING
        self._ready = self._changed = True
        self._dirty = self._mine
        if self._mine:
            self._tell_rules()

    # -- what is shown -------------------------------------------------------------------------

    def _pictured(self, now: float, wall: float, snapshot: Snapshot) -> Alerts:
        pictures = self._pictures
        active = pictures.of(self.engine, snapshot, now, wall, self.past, changed=self._changed)
        silences = tuple([
            SilenceView(
                s.id, s.rule or "", s.subject or "", s.severity or "", s.by, s.comment, wall - (now - s.at),
                wall - (now - s.until), s.until <= now,
            )
            for s in self.engine.silences.values()
        ])  # fmt: skip
        keeping = self.keeping
        mode, problem = ("memory", "") if keeping is None else (keeping.mode, keeping.problem)
        failed_at, failed = self._failed
        if not problem and now - failed_at < FAILED_S:
            problem = failed
        old = self.view
        history = self.past.history
        away = self.past.away(active)
        return Alerts(
            old.active if old.active == active else active,
            old.history if old.history == history else history,
            old.silences if old.silences == silences else silences,
            away,
            mode if self._ready or keeping is None else "waiting",
            problem,
            pictures.fire,
            pictures.wait,
        )

    def last_words(self) -> None:
        """bluetop ends: hand over what waits to be sent, and keep the state once more, with the last samples."""
        if self.keeping is not None and self._ready and self.keeping.mode == WRITING and self._now > -inf:
            self._dirty, self._cost_s = True, 0.0
            self._keep(self._now, self._wall)
        self._dirty = False
        self._release(inf)
        if self.sending is not None:
            self.sending.close()
