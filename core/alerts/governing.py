"""Flapping, acknowledgement, silence, inhibition: which transitions anybody is told of (alerting.md, section 4).

None of these changes a state. It is looked at once an instant, after all transitions, in rule
order and then by subject, and only where something can have changed.
"""

from collections.abc import Iterable

from core.alerts.agenda import Agenda
from core.alerts.instances import Instance, Notification, Silence
from core.alerts.names import FIRING

# Ended silences stay listed for so long.
LISTED_S = 86_400.0


class Governor:
    """Decides on notifications. `active` are the instances that are pending or fire, kept by the machine."""

    def __init__(self, agenda: Agenda, active: Iterable[Instance]) -> None:
        self.silences: dict[str, Silence] = {}
        self.looked_at: dict[Instance, None] = {}
        self._agenda = agenda
        self._active = active
        self._ended: dict[Instance, tuple[float | None, float]] = {}

    def look_at(self, instance: Instance) -> None:
        """Something about it has changed."""
        self.looked_at[instance] = None

    def look_at_all(self, t: float) -> None:
        """Silences have changed: that may concern everything that is active."""
        self.looked_at.update(dict.fromkeys(self._active))
        for silence in list(self.silences.values()):
            if silence.until + LISTED_S < t:
                del self.silences[silence.id]

    def begins(self, instance: Instance, t: float) -> None:
        """It begins to fire: a new episode, of which nobody was told."""
        instance.sent = False
        instance.acked_by = ""
        self._turned(instance, t)

    def ends(self, instance: Instance, t: float, value: float | None) -> None:
        """It has resolved."""
        instance.acked_by = ""
        self._ended[instance] = (value, instance.since)
        self._turned(instance, t)

    def _turned(self, instance: Instance, t: float) -> None:
        if instance.judged.rule.flap_high:
            instance.flips.append(t)
        # What fires inhibits the others of its series, or does so no longer.
        self.looked_at[instance] = None
        if len(instance.series.instances) > 1:
            self.looked_at.update(dict.fromkeys(instance.series.instances))

    def settle(self, t: float) -> tuple[Notification, ...]:
        """The notifications of this instant."""
        if not self.looked_at:
            return ()
        made: list[Notification] = []
        for instance in sorted(self.looked_at, key=_place):
            self._govern(instance, t, made)
        self.looked_at.clear()
        self._ended.clear()
        return tuple(made)

    def _govern(self, instance: Instance, t: float, made: list[Notification]) -> None:
        rule = instance.judged.rule
        instance.silenced_by = silence = self._silence_of(instance, t)
        instance.inhibited_by = _inhibitor_of(instance)
        hushed = silence is not None or instance.inhibited_by is not None
        if instance.flips and self._starts_flapping(instance, t) and not hushed:
            made.append(_told(instance, t, "flapping", instance.current(t), instance.since))
        ended = self._ended.get(instance)
        if ended is not None and instance.sent:
            if silence is None and not instance.flapping:
                made.append(_told(instance, t, "resolved", *ended))
            instance.sent = False
        if instance.state == FIRING and not (hushed or instance.flapping or instance.acked_by):
            if not instance.sent:
                instance.sent, instance.sent_at = True, t
                made.append(_told(instance, t, "firing", instance.current(t), instance.since))
            elif rule.repeat_s and t - instance.sent_at >= rule.repeat_s:
                instance.sent_at = t
                made.append(_told(instance, t, "repeat", instance.current(t), instance.since))
            if rule.repeat_s:
                self._agenda.govern_at(instance, instance.sent_at + rule.repeat_s)
        if instance.flapping:
            self._agenda.govern_at(instance, instance.flips[0] + rule.flap_window_s)

    def _starts_flapping(self, instance: Instance, t: float) -> bool:
        """Count the turns in (t - flap_window, t]; whether flapping starts with this instant."""
        rule, flips = instance.judged.rule, instance.flips
        begin = t - rule.flap_window_s
        while flips and flips[0] <= begin:
            flips.popleft()
        if not instance.flapping:
            instance.flapping = len(flips) >= rule.flap_high > 0
            return instance.flapping
        # Without a turn in the window there is nothing left to wait for.
        instance.flapping = bool(flips) and len(flips) > rule.flap_low
        return False

    def _silence_of(self, instance: Instance, t: float) -> Silence | None:
        for silence in self.silences.values():
            if t < silence.until and silence.matches(instance):
                return silence
        return None


def _inhibitor_of(instance: Instance) -> Instance | None:
    """What fires of the same series with a higher severity, if that hides this one."""
    series, judged = instance.series, instance.judged
    if not judged.rule.inhibit or not series.fired:
        return None
    for other in series.instances:
        if other.state == FIRING and other.judged.rank < judged.rank:
            return other
    return None


def _told(instance: Instance, t: float, what: str, value: float | None, since: float) -> Notification:
    _, scope, subject = instance.series.key
    return Notification(
        t, instance.judged.rule.name, subject, what, scope, instance.id, value, since, instance
    )


def _place(instance: Instance) -> tuple[int, str, str]:
    return instance.place
