"""The line in which a silence is asked for: how long, then why. Not for what a silence does: `core.control`."""

from collections.abc import Callable
from typing import NamedTuple

from core.control import MOST_SILENCE_S
from core.filtercompletion import Completion
from core.units import duration_text, until_morning_s
from tui.panes.alerts import clock_text
from tui.screens.prompt import Asking
from tui.view.spans import Line

WORDS = ("1h", "4h", "tomorrow")
_HOW = "first how long: 1h, 4h, tomorrow, or such as 90m; then why"


class Wanted(NamedTuple):
    """What was typed: for so many seconds, and why; or `problem`, which says what is missing."""

    for_s: float
    comment: str
    problem: str = ""


def wanted(text: str, wall: float) -> Wanted:
    """A duration and a comment: `1h why`, `tomorrow known, see the ticket`, `90m`."""
    from core.configfile import duration_s  # only where somebody types: it brings the TOML parser

    word, _, comment = text.strip().partition(" ")
    if not word:
        return Wanted(0.0, "", _HOW)
    if word.casefold() == "tomorrow":
        return Wanted(until_morning_s(wall), comment.strip())
    if word.isdigit():
        return Wanted(0.0, "", f"{word[:20]} of what? write {word[:20]}m, {word[:20]}h or {word[:20]}d")
    try:
        for_s = duration_s(word.casefold() if word.isascii() and word[-1].isalpha() else "")
    except ValueError:
        return Wanted(0.0, "", f"{word[:30]} is no time; {_HOW}")
    if not 1 <= for_s <= MOST_SILENCE_S:
        return Wanted(0.0, "", "a silence needs an end, at most 366 days from now")
    if _is_time(comment.split(" ")[0]):
        return Wanted(0.0, "", "one time only, such as 90m for 1h 30m; then why")
    return Wanted(for_s, comment.strip())


def _is_time(word: str) -> bool:
    return len(word) > 1 and word[:-1].isdigit() and word[-1] in "smhd"


class SilenceAsking(Asking):
    """Asks for how long and why. `what` names the alerts, `do` silences them and returns what went wrong."""

    def __init__(self, what: str, wall: Callable[[], float], do: Callable[[float, str], str]) -> None:
        super().__init__()
        self.what = what
        self.placeholder = f"silence {what} for: 1h why"
        self._wall = wall
        self._do = do

    def typed(self, text: str, cells: int, left: int) -> Line | None:
        """What would be silenced, and until when; or what is missing."""
        wall = self._wall()
        asked = wanted(text, wall)
        if asked.problem:
            return [(" ", "text"), (asked.problem, "dim" if asked.problem == _HOW else "high")]
        until = f"{clock_text(wall + asked.for_s, wall)} ({duration_text(asked.for_s)})"
        line: Line = [(f" silences {self.what} until ", "dim"), (until, "text")]
        return line if asked.comment else [*line, ("; now say why", "dim")]

    def kept(self, text: str) -> str:
        """Do it; the prompt stays as long as something is missing."""
        asked = wanted(text, self._wall())
        return asked.problem or self._do(asked.for_s, asked.comment)

    def complete(self, text: str, cursor: int) -> Completion | None:
        """The usual durations."""
        if " " in text[:cursor].lstrip():
            return Completion(text, cursor, (), "why: for whoever comes after you")
        begun = text[:cursor].lstrip()
        found = tuple(word for word in WORDS if word.startswith(begun.casefold()))
        if len(found) != 1:
            return Completion(text, cursor, found, "" if found else _HOW)
        rest = text[cursor:].lstrip()
        return Completion(f"{found[0]} {rest}", len(found[0]) + 1)
