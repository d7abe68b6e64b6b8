"""Acknowledging and silencing in the running bluetop, by its own keys and as other processes ask for it.

Where another instance keeps the alerts, what is done here is done here at once, and asked of that one.
"""

import os
from typing import TYPE_CHECKING, Any

from core.alerts.instances import Silence
from core.alerts.keeping import READING
from core.alerts.lines import Line, request_of
from core.alerts.names import RANK
from core.alerts.past import wall_of
from core.control import MOST_SILENCE_S, ChangeFailed, Match
from core.text import clean_line

if TYPE_CHECKING:
    from core.alerts.live import LiveAlerts


class LiveDesk:
    """Fulfils `core.control.Desk`."""

    def __init__(self, live: "LiveAlerts") -> None:
        self._live = live

    def _ready(self) -> None:
        """Nothing can be changed before it is known what was kept: it would be lost when that is read."""
        if not self._live.ready:
            raise ChangeFailed("what was kept of alerts is still being read; try again in a moment")

    def ack(self, rule: str, subject: str, by: str) -> str:
        self._ready()
        if not self._live.engine.ack(rule, subject, by):
            self._live.engine.rejected -= 1
            raise ChangeFailed(
                clean_line(f"{rule} on {subject} does not fire: there is nothing to acknowledge")
            )
        self._done(self._live.lines.ack(self._live.wall(), rule, subject, by, undo=False))
        return f"acknowledged {rule} on {subject}, until it resolves"

    def unack(self, rule: str, subject: str, by: str) -> str:
        self._ready()
        if not self._live.engine.unack(rule, subject):
            raise ChangeFailed(clean_line(f"{rule} on {subject} is not acknowledged"))
        self._done(self._live.lines.ack(self._live.wall(), rule, subject, by, undo=True))
        return f"{rule} on {subject} is not acknowledged any more"

    def silence(self, match: Match, for_s: float, by: str, comment: str) -> str:
        self._ready()
        live = self._live
        name = os.urandom(3).hex()
        self._begin(name, match, live.now() + for_s, by, comment)
        until = live.wall() + for_s
        self._done(live.lines.silence(live.wall(), name, match, until, by, comment))
        return f"silenced {match}"

    def _begin(self, name: str, match: Match, until: float, by: str, comment: str) -> None:
        live = self._live
        rule, subject, severity = (word or None for word in match)
        live.engine.silence(Silence(name, until, rule, subject, severity, by, comment, live.now()))

    def unsilence(self, silence: str, by: str) -> str:
        self._ready()
        if not self._live.engine.unsilence(silence, self._live.now()):
            raise ChangeFailed(clean_line(f"there is no silence {silence} in force"))
        self._done(self._live.lines.unsilence(self._live.wall(), silence, by))
        return f"the silence {silence} has ended"

    def _done(self, line: Line) -> None:
        live = self._live
        if live.keeping is not None and live.keeping.mode == READING:
            live.keeping.ask(request_of(line))
            live.changed_by_hand([])
        else:
            live.changed_by_hand([line])

    def hear(self, line: dict[str, Any], *, keeps: bool) -> None:
        """A line that another process has written. What is asked for is done by the instance that keeps the alerts;
        the others follow what that one says it has done.

        What is written of it is made anew: of a line of somebody else nothing is taken on trust.
        """
        what = line.get("op") if line.get("what") == "request" else line.get("what")
        if (line.get("what") == "request") != keeps or not isinstance(what, str):
            return
        done = self._follow(what, line)
        if done is not None:
            origin = _text(line.get("origin"), 100)
            more = {"origin": origin} if origin else {}
            self._live.changed_by_hand([{**done, **more}] if keeps else [])

    def _follow(self, what: str, line: dict[str, Any]) -> Line | None:
        """Do it; the line that says so, None if there is nothing to be done."""
        live, lines = self._live, self._live.lines
        engine, wall = live.engine, live.wall()
        by, comment = _text(line.get("by"), 100), _text(line.get("comment"), 300)
        name, match = _text(line.get("id"), 40), line.get("match")
        rule, subject = line.get("rule"), line.get("subject")
        if not by:
            return None
        if what in ("ack", "unack") and isinstance(rule, str) and isinstance(subject, str):
            if what == "unack":
                return lines.ack(wall, rule, subject, by, undo=True) if engine.unack(rule, subject) else None
            if engine.ack(rule, subject, by):
                return lines.ack(wall, rule, subject, by, undo=False)
            engine.rejected -= 1
            return None
        if what == "unsilence" and name:
            return lines.unsilence(wall, name, by) if engine.unsilence(name, live.now()) else None
        until = wall_of(line.get("until"))
        if what != "silence" or not name or not comment or until is None or not isinstance(match, dict):
            return None
        words = Match(*(_text(match.get(key), 200) for key in Match._fields))
        if not wall < until <= wall + MOST_SILENCE_S or (words.severity and words.severity not in RANK):
            return None
        self._begin(name, words, live.now() + until - wall, by, comment)
        return lines.silence(wall, name, words, until, by, comment)


def _text(value: object, most: int) -> str:
    return clean_line(value, most) if isinstance(value, str) else ""
