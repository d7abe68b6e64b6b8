"""The alert engine: samples in, transitions and notifications out (alerting.md, sections 2 to 4).

Deterministic, without clock, files or threads: it is told what time it is by what it is given, live and in
replay alike. Input of one time is taken in first; `settle` then judges it, once.

At an instant only that is judged which can have changed: series with a new sample whose value leaves
the interval in which nothing happens (`Track.low` and `high`), and what the agenda has an entry for: a hold time
that is over, a window that moves on, a series that becomes stale. Every other rule on every other series
would be judged with the same result as before.
"""

from collections.abc import Iterable, Mapping, Sequence
from math import inf, isfinite

from core.alerts.agenda import Agenda
from core.alerts.instances import NO_STEP, Instance, Series, Silence, Step, Transition
from core.alerts.machine import GONE, RULE_CHANGED, RULE_REMOVED, Machine, settle_track
from core.alerts.names import FIRING
from core.alerts.rules import Judged
from core.alerts.windows import Track, new_track
from core.config import Rule

SeriesKey = tuple[str, str, str]  # metric, scope, subject


class AlertEngine:
    """Rules on series. `least_stale_s` is, by metric, the shortest time after which a series may count as stale."""

    def __init__(
        self,
        rules: Sequence[Rule] = (),
        *,
        least_stale_s: Mapping[str, float] | None = None,
        first_id: int = 1,
    ) -> None:
        self.least_stale_s = dict(least_stale_s or {})
        self.t = -inf
        self.stopped = False
        self.out_of_order = self.invalid = self.rejected = 0
        self.judged: list[Judged] = []
        self.series: dict[SeriesKey, Series] = {}
        self.silences: dict[str, Silence] = {}
        self.agenda = Agenda()
        self.machine = Machine(self.agenda, first_id)
        self.machine.governor.silences = self.silences
        self._by_metric: dict[str, list[Judged]] = {}
        self._of_subject: dict[tuple[str, str], set[SeriesKey]] = {}
        self._touched: list[Series] = []
        self._ending: list[tuple[Instance, str]] = []
        self._set_rules(rules)
        self.waits = False  # whether something was taken in that `settle` has not judged

    @property
    def active(self) -> Iterable[Instance]:
        """The instances that are pending or fire, in the order in which they began."""
        return self.machine.active

    # -- input of one time ---------------------------------------------------------------------

    def at(self, t: float) -> None:
        """It is `t` now; the first time ever is that of the first start."""
        if t > self.t:
            if self.machine.started_at == -inf:
                self.machine.started_at = t
            self.t = t

    def _sees(self, t: float) -> bool:
        """Whether input of `t` is taken in: not while stopped, not out of order."""
        if t < self.t:
            self.out_of_order += not self.stopped
            return False
        self.at(t)
        self.waits = self.waits or not self.stopped
        return not self.stopped

    def sample(self, t: float, metric: str, scope: str, subject: str, value: object) -> float | None:
        """A sample; one that is missing (None, no number, not finite) only makes an instant.

        Returns the number that was taken in, None if none was.
        """
        if not self._sees(t):
            return None
        number = value if isinstance(value, float) else number_of(value)
        if number is None or not isfinite(number):
            self.invalid += 1
            return None
        key = (metric, scope, subject)
        series = self.series.get(key)
        if series is None:
            if metric not in self._by_metric:
                return number
            series = self._new_series(key)
        if series.waiting is None:
            self._touched.append(series)
        series.waiting = number
        return number

    def tick(self, t: float) -> None:
        """Nothing but time."""
        self._sees(t)

    def gone(self, t: float, scope: str, subject: str) -> None:
        """The agent or process was removed: its series are forgotten."""
        if self._sees(t):
            for key in sorted(self._of_subject.pop((scope, subject), ())):
                series = self.series.pop(key)
                series.gone = True
                self._ending += [(instance, GONE) for instance in series.instances]

    def stop(self, t: float) -> None:
        """Nothing is seen from now on."""
        self.at(t)
        self.stopped = True

    def start(self, t: float) -> None:
        """A start, or the resumption after a suspend: what was not seen meanwhile is not held against a series."""
        self.at(t)
        self.stopped = False
        self.machine.started_at = self.t

    # -- operators -----------------------------------------------------------------------------

    def firing(self, rule: str, subject: str) -> list[Instance]:
        """What fires of this rule and subject."""
        return [
            i for i in self.active
            if i.state == FIRING and i.judged.rule.name == rule and i.subject == subject
        ]  # fmt: skip

    def ack(self, rule: str, subject: str, by: str, t: float | None = None) -> bool:
        """Acknowledge what fires of this rule and subject; False if nothing does."""
        self.at(self.t if t is None else t)
        found = self.firing(rule, subject)
        for instance in found:
            instance.acked_by, instance.acked_at = by, self.t
            self.machine.governor.look_at(instance)
        self.rejected += not found
        return bool(found)

    def unack(self, rule: str, subject: str, t: float | None = None) -> bool:
        """Take an acknowledgement back; False if there is none."""
        self.at(self.t if t is None else t)
        found = [instance for instance in self.firing(rule, subject) if instance.acked_by]
        for instance in found:
            instance.acked_by = ""
            self.machine.governor.look_at(instance)
        return bool(found)

    def silence(self, silence: Silence, t: float | None = None) -> None:
        """Begin a silence, or replace the one of the same id."""
        self.at(self.t if t is None else t)
        self.silences[silence.id] = silence
        self.machine.governor.look_at_all(self.t)
        self.agenda.remind_at(silence.until)

    def unsilence(self, silence_id: str, t: float | None = None) -> bool:
        """End a silence now; False if there is none of that id in force."""
        self.at(self.t if t is None else t)
        old = self.silences.get(silence_id)
        if old is None or old.until <= self.t:
            return False
        self.silences[silence_id] = old._replace(until=self.t)
        self.machine.governor.look_at_all(self.t)
        return True

    def reload(self, rules: Sequence[Rule], t: float) -> None:
        """Other rules: what fires by one that was changed or removed is resolved, the others go on as they are."""
        self.tick(t)
        self._set_rules(rules)
        names = {judged.rule.name: judged.rule for judged in self.judged}
        for series in self.series.values():
            before = {instance.judged.rule.name: instance for instance in series.instances}
            for name, instance in before.items():
                if names.get(name) != instance.judged.rule:
                    self._ending.append((instance, RULE_CHANGED if name in names else RULE_REMOVED))
            self.attach(series, before)

    # -- going on after a restart --------------------------------------------------------------

    def series_of(self, key: SeriesKey) -> Series | None:
        """The series of that key, made if it is not there; None if no rule is about its metric."""
        if key[0] not in self._by_metric:
            return None
        return self.series.get(key) or self._new_series(key)

    def subjects(self) -> list[tuple[str, str]]:
        """(scope, subject) of all series there are."""
        return sorted(self._of_subject)

    def end(self, instance: Instance, reason: str) -> None:
        """It ends at the next instant, for another reason than a value."""
        self._ending.append((instance, reason))

    def resume_all(self, t: float) -> None:
        """Everything that is active is judged, and its notifications are looked at, at the next instant."""
        for series in self.series.values():
            for track in series.tracks:
                settle_track(track)
            for (
                instance
            ) in series.instances:  # also those that fire when no sample comes, or that are flapping
                self.agenda.judge_at(instance, t)
                self.machine.governor.look_at(instance)
        self.machine.governor.look_at_all(t)

    # -- judging -------------------------------------------------------------------------------

    def settle(self) -> Step:
        """Judge the instant whose input was taken in; nothing if there was none."""
        if not self.waits:
            return NO_STEP
        self.waits = False
        t, machine = self.t, self.machine
        due: dict[Instance, None] = {}
        if self._ending:
            for instance, reason in self._ending:
                machine.end(instance, t, reason)
            self._ending.clear()
        for series in self._touched:
            value = series.waiting
            series.waiting = None
            if value is not None and not series.gone:
                self._take(series, t, value, due)
        self._touched.clear()
        heap = self.agenda.heap
        if heap and heap[0][0] <= t:
            self._follow_agenda(t, due)
            self.agenda.sweep()
        for instance in due:
            machine.judge(instance, t)
        governor = machine.governor
        if not machine.transitions and not governor.looked_at:
            return NO_STEP
        made = tuple([transition for _, transition in sorted(machine.transitions, key=_place)])
        machine.transitions.clear()
        return Step(made, governor.settle(t))

    def _take(self, series: Series, t: float, value: float, due: dict[Instance, None]) -> None:
        """One sample becomes the last of its series; what it may change is due."""
        last = series.last
        series.before, series.last, series.value = last, t, value
        passed = t - last
        for track in series.tracks:
            found: float | None = value
            gap = passed > track.stale_after_s
            if track.window_s:
                if gap:
                    track.restart(t)
                found = track.push(t, value)
                if not track.expiring:
                    self.agenda.expect(track, t)
            unmoved = not track.pending if found is None else track.low <= found <= track.high
            if not unmoved or track.stale or (gap and (track.pending or last == -inf)):
                due.update(dict.fromkeys(track.instances))

    def _follow_agenda(self, t: float, due: dict[Instance, None]) -> None:
        moved: list[Track] = []
        for at, what in self.agenda.take(t):
            if what is None:
                self.machine.governor.look_at_all(t)
            elif isinstance(what, Instance):
                if what.due == at:
                    what.due = inf
                    due[what] = None
                if what.govern_at == at:
                    what.govern_at = inf
                    self.machine.governor.look_at(what)
            elif not what.series.gone:
                moved.append(what)
        for track in moved:
            series = track.series
            track.expiring = False
            if series.last != t:  # else it was looked at when the sample was taken
                value = track.value(t, series.value)
                if track.pending if value is None else not track.low <= value <= track.high:
                    due.update(dict.fromkeys(track.instances))
                if t - max(series.last, self.machine.started_at) > track.stale_after_s:
                    continue
            self.agenda.expect(track, t)

    # -- series and rules ----------------------------------------------------------------------

    def _set_rules(self, rules: Iterable[Rule]) -> None:
        self.judged = [
            Judged(rule, index, self.least_stale_s.get(rule.metric, 0.0))
            for index, rule in enumerate(rule for rule in rules if rule.enabled)
        ]
        self._by_metric = {}
        for judged in self.judged:
            self._by_metric.setdefault(judged.rule.metric, []).append(judged)

    def _new_series(self, key: SeriesKey) -> Series:
        series = self.series[key] = Series(*key)
        self._of_subject.setdefault(key[1:], set()).add(key)
        self.attach(series, {})
        return series

    def attach(self, series: Series, before: Mapping[str, Instance]) -> None:
        """Instances of the rules on a series; those of `before` whose rule is the same go on as they are."""
        metric, scope, subject = series.key
        tracks = {track.key: track for track in series.tracks}
        for track in series.tracks:
            track.instances = []
        series.tracks, series.instances = [], []
        for entry in self._by_metric.get(metric, ()):
            if not entry.matches(scope, subject):
                continue
            rule = entry.rule
            window_s = 0.0 if rule.aggregate == "last" else rule.window_s
            key = (rule.aggregate, window_s, entry.stale_after_s)
            if key not in tracks:
                tracks[key] = new_track(series, key)
            track = tracks[key]
            instance = before.get(rule.name)
            if instance is None or instance.judged.rule != rule:
                instance = Instance(entry, series, track)
            instance.judged, instance.track = entry, track
            if not track.instances:
                series.tracks.append(track)
            track.instances.append(instance)
            series.instances.append(instance)
        for track in series.tracks:
            settle_track(track)

    def final(self) -> list[Instance]:
        """Instances that are not inactive, or are flapping, in rule order, then by subject."""
        found = dict.fromkeys(self.active)
        for series in self.series.values():
            found.update(dict.fromkeys(instance for instance in series.instances if instance.flapping))
        return sorted(found, key=_order)


def number_of(value: object) -> float | None:
    """A number as a float; None for anything else, a boolean too."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value)
    except OverflowError:
        return None


def _place(entry: tuple[tuple[int, str, str], Transition]) -> tuple[int, str, str]:
    return entry[0]


def _order(instance: Instance) -> tuple[int, str, str]:
    return instance.place
