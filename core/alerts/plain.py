"""One instance of a rule as the frozen `Alert`, for lists and lines: without what only a screen needs."""

from core.alerts.instances import Instance
from core.alerts.names import FIRING
from core.alerts.rules import excess, is_bottleneck
from core.alerts.texts import subject_of, summary
from core.alerts.view import Alert
from core.text import clean_line


def alert_of(
    instance: Instance, value: float | None, t: float, wall: float, host: str, *, began: str = "",
) -> Alert:  # fmt: skip
    """As it stands at `t` on the clock of the samples, which is the wall time `wall`; `host` is its name.

    `began` is the sentence with which it began to fire, for where nothing better is known.
    """
    metric, scope, subject = instance.series.key
    judged, rule = instance.judged, instance.judged.rule
    label, unit, _ = subject_of(instance, host)
    offset = wall - t
    silence, inhibitor = instance.silenced(t), instance.inhibited_by
    known = instance in instance.series.instances  # else a stub of a rule that is another one now
    text = (
        summary(instance, value, max(0.0, t - instance.since), host) if known and value is not None else began
    )
    if not text:
        text = (
            summary(instance, None, 0.0, host) if known else clean_line(f"{rule.name}: its rule has changed")
        )
    return Alert(
        id=clean_line(instance.id, 40), rule=clean_line(rule.name, 64), metric=clean_line(metric, 64),
        scope=clean_line(scope, 20), subject=clean_line(subject, 100), severity=rule.severity, state=instance.state,
        text=text,
        label=label, unit=unit, op=rule.op, threshold=rule.threshold, clear=judged.clear, aggregate=rule.aggregate,
        window_s=rule.window_s if rule.aggregate != "last" else 0.0, since=instance.since + offset,
        fired_at=instance.fired_at + offset if instance.state == FIRING else None, value=value, stale=instance.stale,
        acked_by=clean_line(instance.acked_by, 100),
        acked_at=instance.acked_at + offset if instance.acked_by else None,
        silence=clean_line(silence.id, 40) if silence is not None else "",
        silenced_by=clean_line(silence.by, 100) if silence is not None else "",
        silenced_until=silence.until + offset if silence is not None else None,
        silence_comment=clean_line(silence.comment, 300) if silence is not None else "",
        inhibited_by=clean_line(inhibitor.judged.rule.name, 64) if inhibitor is not None else "",
        flapping=instance.flapping, bottleneck=known and is_bottleneck(rule),
        excess=0.0 if value is None or not known else excess(rule, value),
    )  # fmt: skip
