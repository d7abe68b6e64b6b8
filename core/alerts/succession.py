"""One engine in the place of another that has already judged: what was begun, acknowledged and told goes on.

For what is kept and is read late, or is taken over from an instance that ended: the kept state wins, and what
it does not know is carried over.
"""

from core.alerts.engine import AlertEngine
from core.alerts.instances import Instance
from core.alerts.names import FIRING, INACTIVE


def take_over(old: AlertEngine, new: AlertEngine) -> None:
    """Carry over from `old` what `new`, which has judged nothing yet, does not know."""
    for silence in old.silences.values():
        if silence.until > old.t and silence.id not in new.silences:
            new.silence(silence)
    new.machine.next_id = max(new.machine.next_id, old.machine.next_id)
    for before in list(old.active):
        series = new.series_of(before.series.key)
        if series is None or before.state != FIRING:
            continue
        for instance in series.instances:
            if instance.judged.rule == before.judged.rule:
                _go_on(before, instance, new)


def _go_on(before: Instance, instance: Instance, engine: AlertEngine) -> None:
    if instance.state == INACTIVE:
        series, seen = instance.series, before.series
        if series.last < seen.last:
            series.last, series.before, series.value = seen.last, seen.before, seen.value
        instance.state, instance.since, instance.id = FIRING, before.since, before.id
        instance.fired_at, instance.flips = before.fired_at, before.flips
        instance.sent, instance.sent_at = before.sent, before.sent_at
        engine.machine.adopt(instance)
    elif before.sent and not instance.sent and instance.state == FIRING:
        instance.sent, instance.sent_at = True, before.sent_at
    if before.acked_by and not instance.acked_by and instance.state == FIRING:
        instance.acked_by, instance.acked_at = before.acked_by, before.acked_at
    engine.resume_all(engine.t)
