"""The engine's state as plain data, so that a restart goes on where it was (alerting.md, section 3).

Kept are the instances that matter (pending, firing, flapping or on the way to it) with the last samples of
their series, and the silences. Not the windows of everything else: they begin anew, which is the careful side.

Times are on the clock of the samples, which starts anew with the machine: the state says which boot it
is of and what wall time it was, and after a reboot everything is moved by what has passed since.
"""

import zlib
from collections.abc import Iterator
from math import inf

import msgspec

from core.alerts.engine import AlertEngine
from core.alerts.instances import Instance, Series, Silence
from core.alerts.machine import RULE_CHANGED, RULE_REMOVED
from core.alerts.names import FIRING, INACTIVE, PENDING
from core.alerts.rules import Judged
from core.alerts.windows import LAST, new_track
from core.config import Operator, Rule, Severity

_MOST_S = 1e11  # some three thousand years: nothing that was kept is further away


class StateError(ValueError):
    """What was kept cannot be used; the message says why."""


class SavedInstance(msgspec.Struct, frozen=True):
    """One instance. `print` tells whether its rule is still the same."""

    rule: str
    print: str
    state: str
    since: float
    id: str
    severity: Severity
    clear_at: float | None = None
    acked_by: str = ""
    acked_at: float = 0.0
    flapping: bool = False
    flips: tuple[float, ...] = ()
    sent: bool = False
    sent_at: float = 0.0
    fired_at: float = 0.0
    op: Operator = ">"
    threshold: float = 0.0


class SavedTrack(msgspec.Struct, frozen=True):
    """The window of one aggregate."""

    aggregate: str
    window_s: float
    stale_after_s: float
    run_start: float
    samples: tuple[tuple[float, float], ...]


class SavedSeries(msgspec.Struct, frozen=True):
    """One series that has an instance that matters."""

    metric: str
    scope: str
    subject: str
    last: float
    before: float | None
    value: float
    instances: tuple[SavedInstance, ...]
    tracks: tuple[SavedTrack, ...] = ()


class SavedSilence(msgspec.Struct, frozen=True):
    """One silence."""

    id: str
    until: float
    rule: str | None
    subject: str | None
    severity: str | None
    by: str
    comment: str
    at: float


class Saved(msgspec.Struct, frozen=True):
    """The whole: as of `t` on the clock of the samples, which was the wall time `wall` in that boot."""

    t: float
    wall: float
    boot: str
    next_id: int
    series: tuple[SavedSeries, ...] = ()
    silences: tuple[SavedSilence, ...] = ()


_decoder = msgspec.json.Decoder(Saved)
_encode = msgspec.json.encode


def print_of(rule: Rule) -> str:
    """What tells a rule from an edited one."""
    return f"{zlib.crc32(_encode(rule)):08x}"


def matters(instance: Instance) -> bool:
    """Whether a restart must know of it."""
    fires = instance.judged.rule.on_missing == "fire"  # when no sample comes after the restart either
    return fires or instance.state != INACTIVE or instance.flapping or bool(instance.flips)


def save(engine: AlertEngine, *, wall: float, boot: str) -> Saved:
    """The state of an engine as of its last instant."""
    series: list[SavedSeries] = []
    for one in engine.series.values():
        kept = [instance for instance in one.instances if matters(instance)]
        if kept:
            series.append(_series(one, kept))
    silences = tuple([
        SavedSilence(s.id, s.until, s.rule, s.subject, s.severity, s.by, s.comment, s.at)
        for s in engine.silences.values()
    ])  # fmt: skip
    t = engine.t if engine.t > float("-inf") else 0.0
    return Saved(t, wall, boot, engine.machine.next_id, series=tuple(series), silences=silences)


def _series(series: Series, kept: list[Instance]) -> SavedSeries:
    tracks = {instance.track: None for instance in kept}
    return SavedSeries(
        *series.key,
        series.last,
        series.before if series.before > float("-inf") else None,
        series.value,
        tuple([_instance(instance) for instance in kept]),
        tuple([
            SavedTrack(*track.key, track.run_start, tuple(track.samples())) for track in tracks if track.window_s
        ]),
    )  # fmt: skip


def _instance(i: Instance) -> SavedInstance:
    return SavedInstance(
        i.judged.rule.name, print_of(i.judged.rule), i.state, i.since, i.id, i.judged.rule.severity, i.clear_at,
        i.acked_by, i.acked_at, i.flapping, tuple(i.flips), i.sent, i.sent_at, i.fired_at,
        i.judged.rule.op, i.judged.rule.threshold,
    )  # fmt: skip


def encoded(saved: Saved) -> str:
    """The state as JSON text."""
    return _encode(saved).decode()


def decoded(data: str | bytes) -> Saved:
    """The state that a text holds.

    Raises:
        StateError: it holds none.
    """
    try:
        saved = _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise StateError(str(error)[:200] or "it cannot be read") from error
    states = {instance.state for series in saved.series for instance in series.instances}
    if not states <= {INACTIVE, PENDING, FIRING}:
        raise StateError("a state in it is none")
    if not all(-_MOST_S < time < _MOST_S for time in _times(saved)):
        raise StateError("a time in it is none")
    return saved


def _times(saved: Saved) -> Iterator[float]:
    """Every time in a state; NaN is none either."""
    yield saved.t
    yield saved.wall if saved.wall >= 0 else inf
    for silence in saved.silences:
        yield from (silence.until, silence.at)
    for series in saved.series:
        yield series.last
        yield series.before or 0.0
        for one in series.instances:
            yield from (one.since, one.acked_at, one.sent_at, one.fired_at, one.clear_at or 0.0, *one.flips)
        for track in series.tracks:
            yield track.run_start
            yield from (t for t, _ in track.samples)


def restore(engine: AlertEngine, saved: Saved, *, t: float, wall: float, boot: str) -> None:
    """Put an engine that has seen nothing yet where `saved` left off, and start it at `t`.

    Rules that are others now end what they had begun, at the first instant.
    """
    shift = 0.0
    if boot != saved.boot or saved.t > t:
        shift = t - saved.t - max(0.0, wall - saved.wall)
    engine.machine.next_id = max(engine.machine.next_id, saved.next_id)
    for silence in saved.silences:
        engine.silence(Silence(
            silence.id, silence.until + shift, silence.rule, silence.subject, silence.severity, silence.by,
            silence.comment, silence.at + shift,
        ))  # fmt: skip
    for series in saved.series:
        _restore_series(engine, series, shift)
    engine.start(t)
    engine.resume_all(t)


def _restore_series(engine: AlertEngine, saved: SavedSeries, shift: float) -> None:
    series = engine.series_of((saved.metric, saved.scope, saved.subject))
    if series is None:  # no rule is about its metric any more
        series = Series(saved.metric, saved.scope, saved.subject)
    series.last, series.value = saved.last + shift, saved.value
    if saved.before is not None:
        series.before = saved.before + shift
    tracks = {track.key: track for track in series.tracks}
    for kept in saved.tracks:
        track = tracks.get((kept.aggregate, kept.window_s, kept.stale_after_s))
        if track is not None:
            track.resume(kept.run_start + shift, [(t + shift, value) for t, value in kept.samples])
    now = {instance.judged.rule.name: instance for instance in series.instances}
    for one in saved.instances:
        instance = now.get(one.rule)
        if instance is not None and print_of(instance.judged.rule) == one.print:
            _restore_instance(instance, one, shift)
            engine.machine.adopt(instance)
        elif one.state != INACTIVE:
            stub = Rule(one.rule, saved.metric, one.threshold, op=one.op, severity=one.severity, flap_high=0)
            ended = Instance(Judged(stub, len(engine.judged)), series, new_track(series, LAST))
            _restore_instance(ended, one, shift)
            engine.machine.adopt(ended)
            known = any(judged.rule.name == one.rule for judged in engine.judged)
            engine.end(ended, RULE_CHANGED if known else RULE_REMOVED)


def _restore_instance(instance: Instance, saved: SavedInstance, shift: float) -> None:
    instance.state, instance.since, instance.id = saved.state, saved.since + shift, saved.id
    instance.clear_at = None if saved.clear_at is None else saved.clear_at + shift
    instance.acked_by, instance.acked_at = saved.acked_by, saved.acked_at + shift
    instance.flapping, instance.sent, instance.sent_at = saved.flapping, saved.sent, saved.sent_at + shift
    instance.fired_at = saved.fired_at + shift
    instance.flips.extend(t + shift for t in saved.flips)
