"""The alerts log as long as there are no alert rules: KPI changes and source problems, newest last.

Bounded, numbered, and calm: what comes again is counted, not repeated, and what happens to
many subjects at once is one line. Says what changed; what is judged is decided elsewhere.
"""

from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from core.snapshot import Event

FIRING, RESOLVED, NOTE = "firing", "resolved", "note"
GROUP_FROM = 6
REPEAT_WITHIN_S = 3600.0


class Change(NamedTuple):
    """Something to log. `key` tells what repeats what; changes of one `group` and `what` in one
    evaluation become one line, which begins with their number, when there are `GROUP_FROM` of them."""

    key: str
    severity: str
    what: str
    subject: str
    text: str
    group: str


class EventLog(msgspec.Struct, frozen=True):
    """The last `kept` events. A new value for every change, the same object without one."""

    kept: int
    events: tuple[Event, ...] = ()
    keys: tuple[str, ...] = ()
    next_number: int = 1

    def add(self, wall: float, changes: Iterable[Change]) -> "EventLog":
        """With these changes at the end."""
        changes = _grouped(changes)
        if not changes:
            return self
        events, keys, number = list(self.events), list(self.keys), self.next_number
        for change in changes:
            key = f"{change.what} {change.key}"
            count = 1
            for place in range(len(keys) - 1, -1, -1):
                if keys[place] == key:
                    if wall - events[place].wall <= REPEAT_WITHIN_S:
                        count = events[place].count + 1
                        del events[place], keys[place]
                    break
            events.append(
                Event(number, wall, change.severity, change.what, change.subject, change.text, count)
            )
            keys.append(key)
            number += 1
        return EventLog(self.kept, tuple(events[-self.kept :]), tuple(keys[-self.kept :]), number)


def _grouped(changes: Iterable[Change]) -> list[Change]:
    listed = list(changes)
    if len(listed) < GROUP_FROM:
        return listed
    sizes: dict[tuple[str, str], int] = {}
    for change in listed:
        sizes[change.group, change.what] = sizes.get((change.group, change.what), 0) + 1
    kept: list[Change] = []
    said: set[tuple[str, str]] = set()
    for change in listed:
        group = (change.group, change.what)
        if sizes[group] < GROUP_FROM:
            kept.append(change)
        elif group not in said:
            said.add(group)
            text = f"{sizes[group]} × {change.group}, first {change.text}"
            kept.append(Change(f"group {change.group}", change.severity, change.what, "", text, change.group))
    return kept
