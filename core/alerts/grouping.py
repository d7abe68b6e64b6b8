"""Grouping of notifications: what one channel is told in one message, and when. Pure; no clock, no I/O.

The first notification goes at once. After that a channel gets at most one message per interval;
what comes meanwhile waits and is told together, the most severe first. What waits is bounded: of
too many, the oldest of the least severe are dropped and only counted. Not for sending anything:
that is `core.alerts.outbox` and, for the terminal, `tui.notify`.
"""

import time
from collections import deque
from collections.abc import Iterable
from math import isfinite
from typing import Any, NamedTuple

from core.alerts.names import RANK, SEVERITIES
from core.alerts.note import Note
from core.text import clean_line

SCHEMA = "bluetop.alerts.message/1"

INTERVAL_S = 10.0
WAITING = 200  # notes that wait for one channel
LISTED = 20  # alerts that one message lists

_LONGEST_TEXT = 500
_LONGEST_NAME = 200
# The end of the year 9999, the last that four digits can name.
_LAST = 253_402_300_799.0


class Group(NamedTuple):
    """What goes into one message: the notes that it lists, most severe first, and how many there were in all."""

    notes: tuple[Note, ...]
    total: int

    @property
    def more(self) -> int:
        """How many are counted but not listed."""
        return self.total - len(self.notes)


class Grouping:
    """The notes that wait for one channel. `least` is the lowest severity that it is told of."""

    __slots__ = ("_dropped", "_interval_s", "_least", "_listed", "_next", "_room", "_serial", "_waiting")

    def __init__(
        self, least: str, *, interval_s: float = INTERVAL_S, room: int = WAITING, listed: int = LISTED
    ) -> None:
        self._least = RANK[least]
        self._interval_s = interval_s
        self._room = room
        self._listed = listed
        # By rank, so that dropping and listing need no search; the number keeps the order of arrival.
        self._waiting: tuple[deque[tuple[int, Note]], ...] = tuple(deque() for _ in SEVERITIES)
        self._serial = 0
        self._dropped = 0
        self._next = 0.0  # the next message may go at this time

    def __len__(self) -> int:
        return sum(map(len, self._waiting))

    def put(self, notes: Iterable[Note]) -> None:
        """Let the notes wait; those of less than the channel's severity are left out."""
        room = self._room - len(self)
        for note in notes:
            rank = RANK[note.severity]
            if rank > self._least:
                continue
            self._serial += 1
            self._waiting[rank].append((self._serial, note))
            room -= 1
            if room < 0:
                next(filter(None, reversed(self._waiting))).popleft()
                self._dropped += 1
                room = 0

    @property
    def due(self) -> float | None:
        """The time at which the next message may go (0.0: at once); None if nothing waits."""
        return self._next if any(self._waiting) else None

    def take(self, now: float) -> Group | None:
        """What goes into the message that goes `now`; None if there is none to send yet."""
        due = self.due
        return None if due is None or now < due else self.flush(now)

    def flush(self, now: float) -> Group | None:
        """Everything that waits, due or not; None if nothing does."""
        total = len(self) + self._dropped
        if not total:
            return None
        notes: list[Note] = []
        for queue in self._waiting:
            notes += [note for _, note in list(queue)[: self._listed - len(notes)]]
            queue.clear()
        self._dropped = 0
        self._next = now + self._interval_s
        return Group(tuple(notes), total)


def message(group: Group, sent_at: float) -> dict[str, Any]:
    """The JSON document that tells of a group, of the schema `SCHEMA`; `sent_at` is in wall seconds.

    Times are UTC text, null where unknown. Every text is on one line, clean and of limited length.
    """
    first = group.notes[0]
    return {
        "schema": SCHEMA,
        "host": clean_line(first.host, _LONGEST_NAME),
        "workspace": clean_line(first.workspace, _LONGEST_TEXT),
        "sent_at": utc_text(sent_at),
        "count": group.total,
        "more": group.more,
        "alerts": [_alert(note) for note in group.notes],
    }


def _alert(note: Note) -> dict[str, Any]:
    return {
        "what": note.what,
        "id": clean_line(note.id, _LONGEST_NAME),
        "rule": clean_line(note.rule, _LONGEST_NAME),
        "metric": clean_line(note.metric, _LONGEST_NAME),
        "scope": note.scope,
        "subject": clean_line(note.subject, _LONGEST_NAME),
        "severity": note.severity,
        "value": _number(note.value),
        "threshold": _number(note.threshold),
        "text": clean_line(note.text, _LONGEST_TEXT),
        "recommendation": clean_line(note.advice, _LONGEST_TEXT),
        "at": utc_text(note.at),
        "since": None if note.since is None else utc_text(note.since),
    }


def _number(value: float | None) -> float | None:
    """JSON knows neither NaN nor infinity."""
    return value if value is not None and isfinite(value) else None


def utc_text(wall: float) -> str | None:
    """Wall seconds as `2026-11-24T05:40:18Z`; None if that is no time."""
    if not 0 <= wall <= _LAST:
        return None
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(wall))
