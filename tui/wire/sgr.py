"""Looks as SGR parameters, what colours a terminal can show, and the palette: role → look.

An `sgr` here is the parameters only, in one canonical order ("1;38;5;12;48;5;0"; "" is plain), so
that equal looks are equal strings wherever they come from: a role, or a rich style of Textual's.
Imported before Textual is: rich is only imported by `Palette.rich` and `look_of`.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from tui.wire.colors import Color, Rgb, lowered, readable

if TYPE_CHECKING:
    from rich.style import Style

__all__ = ["SYSTEMS", "Color", "Look", "Palette", "Rgb", "detect", "ground", "look_of", "sgr", "switch"]

SYSTEMS = ("truecolor", "256", "16", "none")


class Look(NamedTuple):
    """How something is drawn."""

    fg: Color = None
    bg: Color = None
    bold: bool = False
    dim: bool = False
    italic: bool = False
    underline: bool = False
    reverse: bool = False
    strike: bool = False
    blink: bool = False


def sgr(look: Look, system: str) -> str:
    """The parameters that draw `look` on a terminal of this colour system; "" is plain.

    "none" is NO_COLOR: not one colour code; bold, dim, underline and reverse stay.
    """
    words = [
        code
        for code, on in (
            ("1", look.bold), ("2", look.dim), ("3", look.italic), ("4", look.underline),
            ("5", look.blink), ("7", look.reverse), ("9", look.strike),
        )
        if on
    ]  # fmt: skip
    fg, bg = lowered(look.fg, system), lowered(look.bg, system)
    if system == "16":
        fg = readable(fg, bg, look.fg, look.bg)
    if fg is not None:
        words.append(_color(fg, 30))
    if bg is not None:
        words.append(_color(bg, 40))
    return ";".join(words)


def _color(color: Rgb | int, base: int) -> str:
    if isinstance(color, int):
        if color < 8:
            return str(base + color)
        return str(base + 52 + color) if color < 16 else f"{base + 8};5;{color}"
    return f"{base + 8};2;{color[0]};{color[1]};{color[2]}"


_OFF = {"1": "22", "2": "22", "3": "23", "4": "24", "5": "25", "7": "27", "9": "29"}


def split(params: str) -> tuple[list[str], str, str]:
    """Canonical parameters → the attributes that are on, the foreground's and the background's words."""
    words = params.split(";") if params else []
    on: list[str] = []
    fg = bg = ""
    at = 0
    while at < len(words):
        word = words[at]
        if word in _OFF:
            on.append(word)
            at += 1
            continue
        size = 1 if word not in ("38", "48") else 5 if words[at + 1] == "2" else 3
        color = ";".join(words[at : at + size])
        if word[0] == "3" or (word[0] == "9" and len(word) == 2):
            fg = color
        else:
            bg = color
        at += size
    return on, fg, bg


def switch(old: str | None, new: str) -> str:
    """The shorter of: reset and set everything, or change only what differs. None: the pen is unknown."""
    whole = f"\x1b[;{new}m" if new else "\x1b[m"  # an empty first parameter is a reset
    if old is None:
        return whole
    if old == new:
        return ""
    on, fg, bg = split(old)
    now, now_fg, now_bg = split(new)
    words: list[str] = []
    off = {_OFF[word] for word in on if word not in now}
    words += sorted(off)
    words += [word for word in now if word not in on or _OFF[word] in off]
    if now_fg != fg:
        words.append(now_fg or "39")
    if now_bg != bg:
        words.append(now_bg or "49")
    change = f"\x1b[{';'.join(words)}m"
    return change if len(change) < len(whole) else whole


def ground(params: str) -> str:
    """What of a look shows where the character is a blank: blanks of one ground look the same."""
    on, fg, bg = split(params)
    marks = [word for word in on if word in ("4", "7", "9")]
    seen = fg if marks else ""
    return ";".join(word for word in (*marks, seen, bg) if word)


def detect(environ: Mapping[str, str], isatty: bool) -> str:
    """The colour system of the terminal these variables describe; "none" where it has no colours."""
    term = environ.get("TERM", "").lower()
    if not isatty or environ.get("NO_COLOR") or term in ("", "dumb", "unknown", "cons25-m"):
        return "none"
    if term.startswith(("vt", "ansi-m", "sun")) or "mono" in term or term.endswith("-m"):
        return "none"
    if term == "linux":
        return "16"
    said = environ.get("COLORTERM", "").lower() in ("truecolor", "24bit")
    in_screen = "STY" in environ or (term.startswith("screen") and "TMUX" not in environ)
    if in_screen:  # GNU screen 4 garbles true colours that the terminal around it would know
        return "256" if "256" in term or said else "16"
    if (
        said
        or "direct" in term
        or environ.get("TERM_PROGRAM") in ("iTerm.app", "WezTerm", "ghostty", "vscode")
    ):
        return "truecolor"
    if term.startswith(("xterm-kitty", "alacritty", "foot", "wezterm", "xterm-ghostty", "contour")):
        return "truecolor"
    if "WT_SESSION" in environ or (
        environ.get("VTE_VERSION", "0").isdecimal() and int(environ.get("VTE_VERSION", "0")) >= 3600
    ):
        return "truecolor"
    return "256" if "256" in term else "16"


class _Made(dict[str, str]):
    """Role → sgr, worked out when first asked for; an unknown role looks like `text`."""

    def __init__(self, looks: Mapping[str, Look], system: str) -> None:
        super().__init__()
        self._looks = looks
        self._system = system

    def __missing__(self, role: str) -> str:
        look = self._looks.get(role) or self._looks.get("text") or Look()
        made = self[role] = sgr(look, self._system)
        return made


class Palette:
    """The looks of one theme on a terminal of one colour system.

    `sgrs[role]` and `rich(role)` are the same look for the two ways to the screen: the fast path,
    and Textual's compositor. A role without a background of its own should be given the theme's.
    """

    def __init__(self, looks: Mapping[str, Look], system: str) -> None:
        self.looks = dict(looks)
        self.system = system
        self.sgrs: dict[str, str] = _Made(self.looks, system)
        self._styles: dict[str, Style] = {}

    def sgr(self, role: str) -> str:
        """The SGR parameters of a role."""
        return self.sgrs[role]

    def look(self, role: str) -> Look:
        """The look of a role; an unknown one looks like `text`."""
        return self.looks.get(role) or self.looks.get("text") or Look()

    def rich(self, role: str) -> "Style":
        """The same look as a rich style, in full colour: the wire lowers it like any other."""
        style = self._styles.get(role)
        if style is None:
            style = self._styles[role] = rich_style(self.look(role))
        return style


def rich_style(look: Look) -> "Style":
    """A rich style that `look_of` turns back into `look`."""
    from rich.color import Color as RichColor
    from rich.style import Style

    def color(value: Color) -> RichColor | None:
        if value is None:
            return None
        return RichColor.from_ansi(value) if isinstance(value, int) else RichColor.from_rgb(*value)

    return Style(
        color=color(look.fg),
        bgcolor=color(look.bg),
        bold=look.bold or None,
        dim=look.dim or None,
        italic=look.italic or None,
        underline=look.underline or None,
        reverse=look.reverse or None,
        strike=look.strike or None,
        blink=look.blink or None,
    )


def look_of(style: "Style | None") -> Look:
    """What of a rich style a terminal shows. Links and metadata are left out."""
    if style is None:
        return Look()
    values: list[Color] = []
    for color in (style.color, style.bgcolor):
        if color is None or color.is_default:
            values.append(None)
        elif color.triplet is not None:
            values.append((color.triplet.red, color.triplet.green, color.triplet.blue))
        else:
            values.append(color.number)
    return Look(
        values[0],
        values[1],
        bool(style.bold),
        bool(style.dim),
        bool(style.italic),
        bool(style.underline or style.underline2),
        bool(style.reverse),
        bool(style.strike),
        bool(style.blink or style.blink2),
    )
