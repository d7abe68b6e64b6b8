"""Looks of cells as SGR codes, for any colour system. No Rich and no Textual at import.

`Look` is what a cell looks like; `Palette` gives each role of `tui.view` its look and its codes.
The same look always gives the same codes, whoever asks for it, so that the cell diff sees no
difference between what a pane painted and what Textual's compositor paints there.
"""

from typing import Any, NamedTuple

Color = tuple[int, int, int] | int | None  # (r, g, b), an index of the 256 colours, the terminal's own
SYSTEMS = ("truecolor", "256", "16", "none")
RESET = "\x1b[m"


class Look(NamedTuple):
    """What one cell looks like."""

    fg: Color = None
    bg: Color = None
    bold: bool = False
    dim: bool = False
    italic: bool = False
    underline: bool = False
    reverse: bool = False
    strike: bool = False


_CUBE = (0, 95, 135, 175, 215, 255)
# xterm's defaults for the first sixteen colours.
_SIXTEEN = (
    (0, 0, 0), (205, 0, 0), (0, 205, 0), (205, 205, 0), (0, 0, 238), (205, 0, 205), (0, 205, 205), (229, 229, 229),
    (127, 127, 127), (255, 0, 0), (0, 255, 0), (255, 255, 0), (92, 92, 255), (255, 0, 255), (0, 255, 255),
    (255, 255, 255),
)  # fmt: skip


def _distance(a: tuple[int, int, int], b: tuple[int, int, int]) -> float:
    """Squared distance weighted by how well eyes tell red, green and blue apart ("redmean")."""
    mean = (a[0] + b[0]) / 2
    r, g, bl = a[0] - b[0], a[1] - b[1], a[2] - b[2]
    return (2 + mean / 256) * r * r + 4 * g * g + (2 + (255 - mean) / 256) * bl * bl


def rgb_of(index: int) -> tuple[int, int, int]:
    """The usual (r, g, b) of one of the 256 colours."""
    if index < 16:
        return _SIXTEEN[index]
    if index < 232:
        index -= 16
        return _CUBE[index // 36], _CUBE[index // 6 % 6], _CUBE[index % 6]
    grey = 8 + 10 * (index - 232)
    return grey, grey, grey


def nearest_256(rgb: tuple[int, int, int]) -> int:
    """The nearest of the 6x6x6 cube and the grey ramp (the first sixteen are the operator's own)."""
    r, g, b = (min(range(6), key=lambda i, v=v: abs(_CUBE[i] - v)) for v in rgb)
    grey = 232 + max(0, min(23, round((sum(rgb) / 3 - 8) / 10)))
    cube = 16 + 36 * r + 6 * g + b
    return min((cube, grey), key=lambda i: _distance(rgb, rgb_of(i)))


def nearest_16(rgb: tuple[int, int, int]) -> int:
    """The nearest of the sixteen colours."""
    return min(range(16), key=lambda i: _distance(rgb, _SIXTEEN[i]))


def _color_codes(color: Color, system: str, background: bool) -> list[str]:
    if color is None or system == "none":
        return []
    base = 40 if background else 30
    if isinstance(color, tuple):
        if system == "truecolor":
            return [str(base + 8), "2", *(str(c) for c in color)]
        color = nearest_256(color) if system == "256" else nearest_16(color)
    if color >= 16 and system == "16":
        color = nearest_16(rgb_of(color))
    if color < 8:
        return [str(base + color)]
    if color < 16:
        return [str(base + 52 + color)]
    return [str(base + 8), "5", str(color)]


def codes(look: Look, system: str) -> str:
    """The SGR sequence that turns any state of a terminal into this look. "none" has no colour code at all."""
    parts = ["0"]
    for on, code in ((look.bold, "1"), (look.dim, "2"), (look.italic, "3"), (look.underline, "4"),
                     (look.reverse, "7"), (look.strike, "9")):  # fmt: skip
        if on:
            parts.append(code)
    parts += _color_codes(look.fg, system, False)
    parts += _color_codes(look.bg, system, True)
    return RESET if parts == ["0"] else f"\x1b[{';'.join(parts)}m"


def detect(environ: dict[str, str], tty: bool) -> str:
    """The colour system of this terminal: "none" with NO_COLOR, for TERM=dumb, or where there is no terminal."""
    term = environ.get("TERM", "")
    if environ.get("NO_COLOR") or term in ("dumb", "unknown") or not tty:
        return "none"
    if environ.get("COLORTERM", "").lower() in ("truecolor", "24bit") or term.endswith("-direct"):
        return "truecolor"
    if term.startswith(("xterm-kitty", "alacritty", "foot", "wezterm", "xterm-ghostty")):
        return "truecolor"
    if "256" in term or term.startswith(("tmux", "screen")):
        return "256"
    return "16" if term else "none"


class Palette:
    """The look of every role, in the codes of one colour system."""

    def __init__(self, looks: dict[str, Look], system: str) -> None:
        self.looks = looks
        self.system = system
        self._codes: dict[str, str] = {}
        self._styles: dict[str, Any] = {}

    @property
    def base(self) -> str:
        """The codes of plain text: what empty cells have."""
        return self.sgr("text")

    def sgr(self, role: str) -> str:
        """The codes of a role; an unheard-of role looks like plain text."""
        made = self._codes.get(role)
        if made is None:
            made = codes(self.looks.get(role, self.looks["text"]), self.system)
            self._codes[role] = made
        return made

    def rich(self, role: str) -> Any:
        """The Rich style of a role, for what goes through Textual's compositor."""
        style = self._styles.get(role)
        if style is None:
            from rich.style import Style

            look = self.looks.get(role, self.looks["text"])
            style = Style(
                color=_rich_color(look.fg), bgcolor=_rich_color(look.bg), bold=look.bold, dim=look.dim,
                italic=look.italic, underline=look.underline, reverse=look.reverse, strike=look.strike,
            )  # fmt: skip
            self._styles[role] = style
        return style


def _rich_color(color: Color) -> Any:
    from rich.color import Color as RichColor

    if color is None:
        return RichColor.default()
    if isinstance(color, int):
        return RichColor.from_ansi(color)
    return RichColor.from_rgb(*color)


def look_of(style: Any) -> Look:
    """The look of a Rich style."""
    return Look(
        _color_of(style.color), _color_of(style.bgcolor), bool(style.bold), bool(style.dim), bool(style.italic),
        bool(style.underline), bool(style.reverse), bool(style.strike),
    )  # fmt: skip


def _color_of(color: Any) -> Color:
    if color is None or color.is_default:
        return None
    if color.number is not None:
        return int(color.number)
    triplet = color.triplet
    return None if triplet is None else (triplet.red, triplet.green, triplet.blue)
