"""What an operator changes about alerts while no bluetop keeps them: in the state that was kept.

Nothing is judged here and nobody is told: that is for the instance that goes on from this state, which finds
the acknowledgement or the silence in it. So no notification is spent on a command that has no channel for it.
Pure; times are on the clock of the samples of the state, `t` of `time_now`.
"""

from collections.abc import Callable
from fnmatch import fnmatchcase
from typing import NamedTuple

from msgspec.structs import replace

from core.alerts.names import FIRING
from core.alerts.saved import Saved, SavedInstance, SavedSeries, SavedSilence

Change = Callable[[SavedInstance], SavedInstance | None]


class Firing(NamedTuple):
    """What fires in a state."""

    rule: str
    subject: str
    severity: str
    acked_by: str


def time_now(saved: Saved, *, now: float, wall: float, boot: str) -> float:
    """Now, on the clock of the samples in the state: that of another boot is told by the wall clock."""
    if boot == saved.boot and now >= saved.t:
        return now
    return saved.t + max(0.0, wall - saved.wall)


def firing(saved: Saved | None) -> list[Firing]:
    """What fires, in the order of the state."""
    return [
        Firing(one.rule, series.subject, one.severity, one.acked_by)
        for series in (saved.series if saved is not None else ())
        for one in series.instances
        if one.state == FIRING
    ]


def acknowledged(saved: Saved, rule: str, subject: str, by: str, t: float) -> Saved | None:
    """The state with what fires of this rule and subject acknowledged; None if nothing does."""
    return _changed(saved, rule, subject, lambda one: replace(one, acked_by=by, acked_at=t))


def unacknowledged(saved: Saved, rule: str, subject: str) -> Saved | None:
    """The state without that acknowledgement; None if there is none."""
    return _changed(
        saved, rule, subject, lambda one: replace(one, acked_by="", acked_at=0.0) if one.acked_by else None
    )


def silenced(saved: Saved, silence: SavedSilence) -> Saved:
    """The state with one more silence."""
    return replace(saved, silences=(*(s for s in saved.silences if s.id != silence.id), silence))


def unsilenced(saved: Saved, silence: str, t: float) -> Saved | None:
    """The state in which the silence of that id has ended; None if none of that id is in force."""
    if not any(one.id == silence and t < one.until for one in saved.silences):
        return None
    ended = (replace(one, until=t) if one.id == silence else one for one in saved.silences)
    return replace(saved, silences=tuple(ended))


def in_force(saved: Saved | None, t: float) -> list[str]:
    """The ids of the silences in force."""
    return [one.id for one in (saved.silences if saved is not None else ()) if t < one.until]


def matched(saved: Saved | None, rule: str, subject: str, severity: str) -> int:
    """How many of the alerts that fire a silence would be about; "" matches everything."""
    return sum(
        fnmatchcase(one.rule, rule or "*")
        and fnmatchcase(one.subject, subject or "*")
        and severity in ("", one.severity)
        for one in firing(saved)
    )


def _changed(saved: Saved, rule: str, subject: str, change: Change) -> Saved | None:
    """With `change` made to what fires of this rule and subject; None where it applies to none of them."""
    applied = False
    made: list[SavedSeries] = []
    for series in saved.series:
        instances = list(series.instances)
        for at, one in enumerate(instances):
            if (series.subject, one.rule, one.state) == (subject, rule, FIRING):
                changed = change(one)
                if changed is not None:
                    applied, instances[at] = True, changed
        made.append(replace(series, instances=tuple(instances)) if series.subject == subject else series)
    return replace(saved, series=tuple(made)) if applied else None
