"""The state machine: one instance of a rule, from inactive over pending to firing and back (alerting.md, section 3).

Judges one instance at one time; which, and when, is `core.alerts.engine`'s to know.
"""

from math import inf

from core.alerts.agenda import Agenda
from core.alerts.governing import Governor
from core.alerts.instances import Instance, Transition
from core.alerts.names import FIRING, INACTIVE, PENDING, RESOLVED
from core.alerts.windows import Track

BREACH, CLEARED, FOR_ELAPSED, NO_DATA, GONE = "breach", "cleared", "for_elapsed", "no_data", "gone"
RULE_CHANGED, RULE_REMOVED = "rule_changed", "rule_removed"


class Machine:
    """The states of all instances. `active` are those that are pending or fire, in the order in which they began.

    `started_at` is when the engine was started or resumed last.
    """

    def __init__(self, agenda: Agenda, first_id: int) -> None:
        self.started_at = -inf
        self.next_id = first_id
        self.active: dict[Instance, None] = {}
        self.transitions: list[tuple[tuple[int, str, str], Transition]] = []
        self.governor = Governor(agenda, self.active)
        self._agenda = agenda

    def judge(self, instance: Instance, t: float) -> None:
        """One rule on one series, by its last sample or the window up to `t`."""
        series, track = instance.series, instance.track
        last, stale_after_s = series.last, track.stale_after_s
        seen_at = max(last, self.started_at)
        if t - seen_at > stale_after_s:
            self._judge_stale(instance, t)
            return
        if t - last > stale_after_s:  # just started: too old to be judged, too early to be stale
            self._agenda.judge_at(instance, seen_at + stale_after_s)
            self._owe(instance)
            return
        if instance.stale or instance.owed:
            instance.stale = instance.owed = False
            settle_track(track)
        judged, state = instance.judged, instance.state
        value = instance.value = track.value(t, series.value)
        if value is None:
            if state == PENDING:
                self.change(instance, t, INACTIVE, NO_DATA, None)
            self._owe(instance)
            self._watch(instance)
            return
        holds = judged.op(value, judged.clear if state == FIRING else judged.rule.threshold)
        if (
            state == PENDING
            and holds
            and last == t
            and t - series.before > stale_after_s
            and judged.rule.on_missing != "fire"
        ):
            instance.since = t  # time that nobody saw does not count
        self._move(instance, t, holds, value, "")
        self._watch(instance)

    def _owe(self, instance: Instance) -> None:
        """A recovery may be over, and there is no value to say so: the next value is judged, whatever it is."""
        if instance.clear_at is not None and not instance.owed:
            instance.owed = True
            settle_track(instance.track)

    def _judge_stale(self, instance: Instance, t: float) -> None:
        """No sample for too long: as `on_missing` says."""
        rule = instance.judged.rule
        instance.value = None
        instance.stale = instance.track.stale = True
        if rule.on_missing != "hold":
            self._move(instance, t, rule.on_missing == "fire", None, NO_DATA)
        elif instance.state == PENDING:
            self.change(instance, t, INACTIVE, NO_DATA, None)
        elif instance.state == FIRING:
            last = instance.series.last
            if t - last > rule.hold_max_s:
                self.change(instance, t, RESOLVED, NO_DATA, None)
            else:
                self._agenda.judge_at(instance, last + rule.hold_max_s)

    def _move(self, instance: Instance, t: float, holds: bool, value: float | None, reason: str) -> None:
        """The condition holds or does not; `reason` is given where that is not because of a value."""
        rule, state = instance.judged.rule, instance.state
        if state == INACTIVE:
            if holds:
                instance.since = t
                self.change(instance, t, PENDING if rule.for_s > 0 else FIRING, reason or BREACH, value)
        elif state == PENDING:
            if not holds:
                self.change(instance, t, INACTIVE, reason or CLEARED, value)
            elif t - instance.since >= rule.for_s:
                self.change(instance, t, FIRING, reason or FOR_ELAPSED, value)
            else:
                self._agenda.judge_at(instance, instance.since + rule.for_s)
        elif holds:
            if instance.clear_at is not None:
                instance.clear_at = None
                settle_track(instance.track)
        else:
            if instance.clear_at is None:
                instance.clear_at = t
                settle_track(instance.track)
            if t - instance.clear_at >= rule.keep_s:
                self.change(instance, t, RESOLVED, reason or CLEARED, value)
            else:
                self._agenda.judge_at(instance, instance.clear_at + rule.keep_s)

    def change(self, instance: Instance, t: float, to: str, reason: str, value: float | None) -> None:
        """A transition: recorded, with everything that follows from it."""
        rule, series, before = instance.judged.rule, instance.series, instance.state
        if before == INACTIVE:
            instance.id = str(self.next_id)
            self.next_id += 1
            self.active[instance] = None
        _, scope, subject = series.key
        since = instance.since
        made = Transition(
            t, rule.name, subject, before, to, reason, value, since, scope, instance.id, instance
        )
        self.transitions.append((instance.place, made))
        instance.clear_at = None
        instance.state = INACTIVE if to == RESOLVED else to
        if to == FIRING:
            instance.fired_at = t
            series.fired += 1
            self.governor.begins(instance, t)
        elif to == PENDING:
            self._agenda.judge_at(instance, since + rule.for_s)
        else:
            self.active.pop(instance, None)
            if to == RESOLVED:
                series.fired -= 1
                self.governor.ends(instance, t, value)
        settle_track(instance.track)
        self._watch(instance)

    def adopt(self, instance: Instance) -> None:
        """It was pending or firing before this engine was made."""
        if instance.state != INACTIVE:
            self.active[instance] = None
            instance.series.fired += instance.state == FIRING

    def end(self, instance: Instance, t: float, reason: str) -> None:
        """It ends for another reason than a value: its subject is gone, or its rule is another."""
        if instance.state == FIRING:
            self.change(instance, t, RESOLVED, reason, None)
        elif instance.state == PENDING:
            self.change(instance, t, INACTIVE, reason, None)
        instance.due = instance.govern_at = inf
        instance.track.instances = [other for other in instance.track.instances if other is not instance]

    def _watch(self, instance: Instance) -> None:
        """An instance that a stale series would change is judged when its series becomes stale."""
        if instance.stale or (instance.state == INACTIVE and instance.judged.rule.on_missing != "fire"):
            return
        seen_at = max(instance.series.last, self.started_at)
        self._agenda.judge_at(instance, seen_at + instance.track.stale_after_s)


def settle_track(track: Track) -> None:
    """What the instances of a track would not move by, anew."""
    low, high = -inf, inf
    pending = stale = False
    for instance in track.instances:
        least, most = instance.unmoved()
        if least > low:
            low = least
        if most < high:
            high = most
        pending = pending or instance.state == PENDING
        stale = stale or instance.stale
    track.low, track.high, track.pending, track.stale = low, high, pending, stale
