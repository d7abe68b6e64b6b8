"""What the record of transitions says of tasks since a moment: their steps, and when somebody looked.

Reads the record (`core.record`) whoever writes it, and changes nothing. Of what nobody saw there is no step: whoever
judges by these looks at `gap_before` first.
"""

import contextlib
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from sys import intern
from typing import NamedTuple

from core.record import files, journal, statesfile
from core.record.files import stamp

Span = tuple[float, float]
# The first look of a span tells what happened before it.
_FIRST_LOOK_S = 0.5
_HEAD = b'{"seen_at": "'
_STAMP_LENGTH = len("2026-11-24T05:40:18.123Z")


class Step(NamedTuple):
    """One change of one task: seen when (wall seconds), at which agent, from what to what (None: not there)."""

    at: float
    agent: str
    before: str | None
    after: str | None


class Tracks(NamedTuple):
    """Task → its steps, oldest first; and the spans of wall time in which somebody looked, oldest first.

    `at_agent` has the same steps by agent, then task.
    """

    steps: Mapping[str, Sequence[Step]]
    watched: tuple[Span, ...]
    at_agent: Mapping[str, Mapping[str, Sequence[Step]]]

    def gap_before(self, at: float) -> float | None:
        """For how many seconds before `at` nobody looked: 0 in the middle of a span, None if nobody did at all."""
        before = 0.0
        for begin, end in self.watched:
            if at < begin - _FIRST_LOOK_S:
                break
            if at <= begin + _FIRST_LOOK_S:
                return begin - before if before else None
            if at <= end + 1.0:
                return 0.0
            before = end
        return None

    def knew(self, at: float) -> bool:
        """Whether there was a record by then."""
        return any(begin <= at for begin, _ in self.watched)


def tracks_of(steps: Mapping[str, Sequence[Step]], watched: Iterable[Span]) -> Tracks:
    """The tracks made of these steps."""
    at_agent: dict[str, dict[str, list[Step]]] = {}
    for task, found in steps.items():
        for step in found:
            at_agent.setdefault(step.agent, {}).setdefault(task, []).append(step)
    return Tracks(steps, tuple(watched), at_agent)


def read_tracks(folders: Iterable[str], since: float, beat: Callable[[str], None]) -> Tracks:
    """All steps since `since`, from the first of the folders that has a record."""
    for folder in folders:
        if any(os.path.exists(os.path.join(folder, name)) for name in (files.JOURNAL, files.STATES)):
            return tracks_of(_steps(folder, since, beat), _watched(folder))
    return tracks_of({}, ())


def _steps(folder: str, since: float, beat: Callable[[str], None]) -> dict[str, list[Step]]:
    # Times of one length and one zone: their order is that of their letters.
    first = stamp(max(0.0, since)).encode()

    def chosen(raw: bytes) -> bool:
        at = raw[len(_HEAD) : len(_HEAD) + _STAMP_LENGTH]
        return at >= first if raw.startswith(_HEAD) else True

    found: dict[str, list[Step]] = {}
    for change in journal.kept(folder, chosen, beat):
        if change.seen_at >= since:
            # Few words in many lines: one copy of each.
            before, after = change.before and intern(change.before), change.after and intern(change.after)
            step = Step(change.seen_at, intern(change.agent), before, after)
            found.setdefault(change.task, []).append(step)
    return found


def _watched(folder: str) -> tuple[Span, ...]:
    """The spans that are kept, the last one up to when somebody last looked; () where they cannot be read."""
    try:
        spans = statesfile.read(os.path.join(folder, files.STATES)).watched
    except (OSError, ValueError):
        return ()
    if not spans:
        return ()
    begin, end = spans[-1]
    with contextlib.suppress(OSError):
        end = max(end, os.stat(os.path.join(folder, files.LOCK)).st_mtime)
    return (*spans[:-1], (begin, end))
