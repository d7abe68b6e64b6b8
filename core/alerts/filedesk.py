"""Acknowledging and silencing from the command line: fulfils `core.control.Desk` over what is kept in files.

Where no bluetop keeps the alerts now, the change is made in the state that was kept, under its lock; the next one
goes on from there. Where one does, it is asked by a line in its log, and its own line is waited for.
"""

import os
import select
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from typing import NamedTuple

from core.alerts import saved as saving
from core.alerts.amended import (
    Firing,
    acknowledged,
    firing,
    in_force,
    matched,
    silenced,
    time_now,
    unacknowledged,
    unsilenced,
)
from core.alerts.kept import folder_of, is_running, state_of
from core.alerts.lines import Line, Lines, request_of
from core.alerts.saved import Saved, SavedSilence, StateError
from core.alerts.store import MEMORY, WRITING, AlertStore
from core.clock import Clock
from core.control import ChangeFailed, Match
from core.record.files import RefusedPath, stamp
from core.text import clean_line

# The keeper listens once a second, and writes what it has done in the next turn.
PATIENCE_S = 3.0
PAUSE_S = 0.05
_NAMED = 5


class Unanswered(ChangeFailed):
    """The bluetop that keeps the alerts was asked, and has not said yet that it has done it."""


class _Wish(NamedTuple):
    """What is to be done: the line that tells of it, the state it leads to (None: it makes no sense now)."""

    line: Line
    amend: Callable[[Saved, float], Saved | None]
    refused: Callable[[Saved | None, float], str]
    words: str


def pause(seconds: float) -> None:
    """Let time pass."""
    select.select((), (), (), seconds)


class FileDesk:
    """The alerts kept in the first of `folders`; `within` bounds the first of them.

    `origin` is from where the operator is logged in, "" at the machine itself. `line` is what was written of the
    last change, `asked` whether another instance was asked for it, and `matches` how many alerts a silence hushes.
    """

    def __init__(
        self, folders: Sequence[str], within: str, clock: Clock, host: str, *,
        origin: str = "", wait: Callable[[float], None] = pause,
    ) -> None:  # fmt: skip
        self._folders = tuple(folders)
        self._within = within
        self._clock = clock
        self._lines = Lines(host)
        self._origin = clean_line(origin, 64)
        self._wait = wait
        self.line: Line = {}
        self.asked = False
        self.matches = 0

    def ack(self, rule: str, subject: str, by: str) -> str:
        """Acknowledge what fires of this rule and subject, until it resolves."""
        none = f"{rule} on {subject} does not fire: there is nothing to acknowledge"
        self._done(_Wish(
            self._lines.ack(self._clock.wall(), rule, subject, by, undo=False),
            lambda state, t: acknowledged(state, rule, subject, by, t),
            lambda state, t: none + _what(state, rule, subject),
            f"to acknowledge {rule} on {subject}",
        ))  # fmt: skip
        return clean_line(f"acknowledged {rule} on {subject}, until it resolves{self._by_whom}")

    def unack(self, rule: str, subject: str, by: str) -> str:
        """Take that back."""
        self._done(_Wish(
            self._lines.ack(self._clock.wall(), rule, subject, by, undo=True),
            lambda state, t: unacknowledged(state, rule, subject),
            lambda state, t: f"{rule} on {subject} is not acknowledged{_acked(state)}",
            f"to take the acknowledgement of {rule} on {subject} back",
        ))  # fmt: skip
        return clean_line(f"{rule} on {subject} is not acknowledged any more{self._by_whom}")

    def silence(self, match: Match, for_s: float, by: str, comment: str) -> str:
        """No notifications of what matches for so many seconds."""
        name, wall = os.urandom(3).hex(), self._clock.wall()
        line = self._lines.silence(wall, name, match, wall + for_s, by, comment)

        def amend(state: Saved, t: float) -> Saved:
            self.matches = matched(state, *match)
            rule, subject, severity = (word or None for word in match)
            made = SavedSilence(name, t + for_s, rule, subject, severity, by, comment, t)
            return silenced(state, made)

        self._done(_Wish(line, amend, lambda state, t: "", f"to silence {match}"), new=True)
        fire = {0: "nothing that fires now", 1: "1 alert that fires now"}
        hushed = fire.get(self.matches, f"{self.matches} alerts that fire now")
        until = f"{stamp(wall + for_s)[:16]}Z"
        return clean_line(f"silenced {match} until {until}, {hushed}; its id is {name}{self._by_whom}")

    def unsilence(self, silence: str, by: str) -> str:
        """End a silence now."""
        self._done(_Wish(
            self._lines.unsilence(self._clock.wall(), silence, by),
            lambda state, t: unsilenced(state, silence, t),
            lambda state, t: f"there is no silence {silence} in force{_silences(state, t)}",
            f"to end the silence {silence}",
        ))  # fmt: skip
        return clean_line(f"the silence {silence} has ended{self._by_whom}")

    @property
    def _by_whom(self) -> str:
        return " (by the bluetop that keeps the alerts)" if self.asked else ""

    # -- where and by whom ---------------------------------------------------------------------

    def _done(self, wish: _Wish, *, new: bool = False) -> None:
        """See to it. With `new` it may be the first thing that is ever kept.

        Raises:
            ChangeFailed: it makes no sense as things stand, or the state cannot be used.
            Unanswered: the keeper was asked and says nothing.
            OSError: the file system refused.
        """
        self.asked = False
        line = {**wish.line, "origin": self._origin} if self._origin else wish.line
        wish = wish._replace(line=line)
        self.line = line
        folder = folder_of(self._folders, self._within)
        # Before anything is locked or made: what makes no sense leaves no trace.
        state = self._known(folder)
        if not new and not folder:
            raise ChangeFailed(
                "no alerts are kept for this workspace: nobody has watched it; start `bluetop` or `bluetop collect`"
            )
        if not new or state is not None:
            self._amended(state, wish)
        store = AlertStore([folder] if folder else self._folders, self._within, self._clock, write=True)
        try:
            store.open()
            if store.mode == WRITING:
                self._keep(store, wish)
            elif store.mode == MEMORY:
                raise ChangeFailed(f"{store.problem}; check who owns that folder, and the space there")
            else:
                self._ask(store, wish)
        finally:
            store.close()

    def _known(self, folder: str) -> Saved | None:
        try:
            return state_of(folder) if folder else None
        except StateError as error:
            who = "a bluetop that is running" if is_running(folder) else "the next bluetop"
            raise ChangeFailed(
                f"{folder}/alerts.json cannot be used ({error}); nothing was changed: {who} sets it aside"
            ) from error

    def _amended(self, state: Saved | None, wish: _Wish) -> Saved:
        """The state with it done."""
        now, wall, boot = self._clock.now(), self._clock.wall(), self._clock.boot()
        known = state if state is not None else Saved(now, wall, boot, 1)
        t = time_now(known, now=now, wall=wall, boot=boot)
        made = wish.amend(known, t)
        if made is None:
            raise ChangeFailed(clean_line(wish.refused(state, t)))
        return made

    def _keep(self, store: AlertStore, wish: _Wish) -> None:
        """Nobody keeps them now: do it here."""
        made = self._amended(self._known(store.folder), wish)
        store.keep([wish.line], saving.encoded(made))

    def _ask(self, store: AlertStore, wish: _Wish) -> None:
        """Ask the keeper, and wait for its own line. Where it ends meanwhile, do it here."""
        try:
            store.request(request_of(wish.line))
        except FileNotFoundError as error:
            raise Unanswered("a bluetop that keeps the alerts is just starting; try again") from error
        except RefusedPath as error:
            raise ChangeFailed(f"{error}; the bluetop that keeps the alerts cannot be asked") from error
        self.asked = True
        until = self._clock.now() + PATIENCE_S
        while not any(self._tells(row, wish.line) for row in store.news()):
            if store.vacant():
                store.open()
                if store.mode == WRITING:
                    self.asked = False
                    self._keep(store, wish)
                    return
            if self._clock.now() >= until:
                raise Unanswered(
                    f"asked the bluetop that keeps the alerts {wish.words}; it has not answered yet: "
                    "`bluetop alerts list` shows when it has"
                )
            self._wait(PAUSE_S)

    def _tells(self, row: Line, line: Line) -> bool:
        """Whether a line of another process says that it has done what `line` is about."""
        same = all(row.get(key) == line[key] for key in line if key not in ("from", "at", "host"))
        return same and self._lines.is_foreign(row)


# -- what may have been meant -------------------------------------------------------------------------


def _what(state: Saved | None, rule: str, subject: str) -> str:
    """What fires that may have been meant."""
    found = firing(state)
    if not found:
        return "; nothing fires now"
    of_rule = [one.subject for one in found if one.rule == rule]
    if of_rule:
        return f"; it fires on {_some(of_rule)}"
    close = get_close_matches(rule, [one.rule for one in found], n=1, cutoff=0.6)
    if close:
        return f"; did you mean {close[0]}?"
    return f"; what fires is {_some([_words(one) for one in found])}"


def _acked(state: Saved | None) -> str:
    found = [_words(one) for one in firing(state) if one.acked_by]
    return f"; acknowledged is {_some(found)}" if found else "; nothing is"


def _words(one: Firing) -> str:
    return f"{one.rule} on {one.subject}"


def _silences(state: Saved | None, t: float) -> str:
    found = in_force(state, t)
    return f"; in force is {_some(found)}" if found else "; none is"


def _some(words: Sequence[str]) -> str:
    more = f" and {len(words) - _NAMED} more" if len(words) > _NAMED else ""
    return ", ".join(words[:_NAMED]) + more
