"""The terminal as a channel for alerts: the bell, and a desktop notification by OSC 9 or OSC 777.

It makes the bytes; writing them between two frames is the driver's. Whoever has no terminal on
standard output makes no channel. What is told, and when, is grouped as for every other channel
(`core.alerts.grouping`), but a notification is one line: it names the worst alert and counts the rest.
"""

from collections.abc import Mapping, Sequence

from core.alerts.grouping import WAITING, Group, Grouping
from core.alerts.names import RANK
from core.alerts.note import Note
from core.clock import Clock
from core.config import Notify
from core.text import clean_line

BELL = "\x07"
LIMIT = 200  # characters of title and body together

_ESC = "\x1b"
_NAME = 40  # characters of a host's or a rule's name
# GNU screen keeps so many bytes of a string (before 4.0.3; later 512 and 768) and prints the rest.
_SCREEN_BYTES = 256

# What shows OSC 9 (a text) or OSC 777 (title and body), and what knows neither: "". The innermost
# terminal says who it is in TERM_PROGRAM or TERM; other variables may be left over from one outside.
# kitty has both (777 since 0.24), Ghostty and WezTerm too. rxvt-unicode needs its notify extension,
# VTE a distribution's patch; without them they swallow it. iTerm2 and Warp know 9 only.
_BY_PROGRAM = {
    "iTerm.app": "9",
    "ghostty": "9",
    "kitty": "9",
    "WarpTerminal": "9",
    "WezTerm": "777",
    "Apple_Terminal": "",
    "vscode": "",
}
_BY_TERM = (
    ("xterm-kitty", "9"),
    ("xterm-ghostty", "9"),
    ("ghostty", "9"),
    ("wezterm", "777"),
    ("foot", "777"),
    ("rxvt-unicode", "777"),
    ("konsole", "777"),
    ("contour", "777"),
    ("alacritty", ""),
    ("linux", ""),  # the console: its OSC are palettes
    ("dumb", ""),
)
# OSC 9 is a set of commands to ConEmu (4 is its progress bar, 2 a message box): the bell only.
# Windows Terminal has 777 since 2026, and swallowed it before; of OSC 9 it knows the progress bar.
_BY_VARIABLE = (
    ("ITERM_SESSION_ID", "9"),
    ("KITTY_WINDOW_ID", "9"),
    ("GHOSTTY_RESOURCES_DIR", "9"),
    ("WEZTERM_PANE", "777"),
    ("KONSOLE_VERSION", "777"),
    ("ConEmuPID", ""),
    ("WT_SESSION", "777"),
)
_VTE_SWALLOWS = 4600  # older ones print what they do not know


def way_of(environ: Mapping[str, str]) -> str:
    """How this terminal shows a notification: "9", "777", or "" if only its bell is known to work."""
    program, term = environ.get("TERM_PROGRAM", ""), environ.get("TERM", "")
    if program in _BY_PROGRAM:
        return _BY_PROGRAM[program]
    for beginning, way in _BY_TERM:
        if term.startswith(beginning):
            return way
    if environ.get("LC_TERMINAL") == "iTerm2":  # which ssh passes on
        return "9"
    for name, way in _BY_VARIABLE:
        if environ.get(name):
            return way
    version = environ.get("VTE_VERSION", "")
    return "777" if version.isascii() and version.isdigit() and int(version) >= _VTE_SWALLOWS else ""


def sequence(way: str, title: str, body: str) -> str:
    """The escape sequence that shows a notification; "" for a way that is none."""
    title, body = plain(title, LIMIT), plain(body, LIMIT)
    if way == "9":
        text = f"{title}: {body}"
        # ConEmu and its kin take a number at the beginning for a command of theirs.
        return f"{_ESC}]9;{'- ' if text[0].isdigit() else ''}{text}{BELL}"
    if way == "777":
        # There is no escape for the semicolon that ends a field.
        return f"{_ESC}]777;notify;{title.replace(';', ',')};{body.replace(';', ',')}{BELL}"
    return ""


def plain(text: str, limit: int) -> str:
    """Printable characters on one line, at most `limit` of them: nothing that a terminal could act on."""
    line = " ".join(text[: 4 * limit].split())
    return clean_line("".join(char for char in line if char.isprintable()), limit)


def wrapped(osc: str, environ: Mapping[str, str]) -> str:
    """`osc` as it gets through tmux (which must have `allow-passthrough`) or GNU screen, if we are in one."""
    if not osc:
        return ""
    if environ.get("TMUX"):
        return f"{_ESC}Ptmux;{osc.replace(_ESC, _ESC * 2)}{_ESC}\\"
    if environ.get("STY") or environ.get("TERM", "").startswith("screen"):
        # screen keeps the low byte of each character: of another than ASCII that may be a control code.
        ascii_only = osc.replace("…", "...").encode("ascii", "replace").decode("ascii")
        size = _SCREEN_BYTES - 8
        pieces = [ascii_only[at : at + size] for at in range(0, len(ascii_only), size)]
        return "".join(f"{_ESC}P{piece}{_ESC}\\" for piece in pieces)
    return osc


class TerminalChannel:
    """The operator's own terminal. Owned by one thread; writes nothing itself."""

    def __init__(self, notify: Notify, environ: Mapping[str, str], clock: Clock) -> None:
        self._bell = notify.bell
        self._way = way_of(environ) if notify.osc == "auto" else notify.osc
        self._environ = dict(environ)
        self._clock = clock
        # All that wait are looked at: the bell is rung for any of them.
        self._grouping = Grouping(notify.severity, listed=WAITING)

    def put(self, notes: Sequence[Note]) -> None:
        """Let the terminal be told at the next `turn`."""
        if self._bell or self._way in ("9", "777"):
            self._grouping.put(notes)

    @property
    def due(self) -> float | None:
        """The time of `clock.now()` at which `turn` has something to send; 0.0 is at once, None never."""
        return self._grouping.due

    def turn(self) -> str:
        """The escape sequences to send now, "" for none."""
        group = self._grouping.take(self._clock.now())
        if group is None:
            return ""
        rings = self._bell and any(note.what != "resolved" for note in group.notes)
        # The bell is outside: tmux and screen know it themselves, and may not let the rest through.
        return wrapped(sequence(self._way, *told(group)), self._environ) + BELL * rings


def told(group: Group) -> tuple[str, str]:
    """Title and body for a group: the worst alert as it stands now, and how many others there are."""
    latest = {note.id: note for note in group.notes}
    lead = min(latest.values(), key=lambda note: (note.what == "resolved", RANK[note.severity]))
    others = group.total - sum(note.id == lead.id for note in group.notes)
    states = {
        "resolved": "resolved",
        "repeat": f"{lead.severity}, still firing",
        "flapping": f"{lead.severity}, flapping",
    }
    where = f" on {plain(lead.host, _NAME)}" if lead.host else ""
    title = f"bluetop{where}: {states.get(lead.what, lead.severity)}"
    more = f" (and {others} more)" if others > 0 else ""
    text = lead.text or f"{plain(lead.rule, _NAME)}: {lead.subject}"
    return title, plain(text, LIMIT - len(title) - len(more)) + more
