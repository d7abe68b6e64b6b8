"""Colours and their nearest relatives in 256 and in 16 colours.

Not for looks (bold, underline): that is `tui.wire.sgr`.
"""

Rgb = tuple[int, int, int]
# A true colour, a number of the terminal's palette (0 to 15 the ANSI ones, to 255 the xterm ones),
# or None: the terminal's own default.
Color = Rgb | int | None

_LEVELS = (0, 95, 135, 175, 215, 255)  # of the 6x6x6 cube at 16 to 231
# xterm's defaults. Terminals differ here, so these only serve to judge how light a number is.
_ANSI: tuple[Rgb, ...] = (
    (0, 0, 0), (205, 0, 0), (0, 205, 0), (205, 205, 0),
    (0, 0, 238), (205, 0, 205), (0, 205, 205), (229, 229, 229),
    (127, 127, 127), (255, 0, 0), (0, 255, 0), (255, 255, 0),
    (92, 92, 255), (255, 0, 255), (0, 255, 255), (255, 255, 255),
)  # fmt: skip


def rgb_of(number: int) -> Rgb:
    """The usual colour of a palette number, 0 to 255."""
    if number < 16:
        return _ANSI[number]
    if number < 232:
        red, rest = divmod(number - 16, 36)
        return (_LEVELS[red], _LEVELS[rest // 6], _LEVELS[rest % 6])
    grey = 8 + 10 * (number - 232)
    return (grey, grey, grey)


def luma(color: Rgb) -> float:
    """How light a colour looks, 0 to 255 (Rec. 601)."""
    red, green, blue = color
    return 0.299 * red + 0.587 * green + 0.114 * blue


def _apart(a: Rgb, b: Rgb) -> float:
    """How far two colours look apart (the "redmean" approximation; compuphase.com/cmetric.htm)."""
    mean = (a[0] + b[0]) / 2
    red, green, blue = a[0] - b[0], a[1] - b[1], a[2] - b[2]
    return (2 + mean / 256) * red * red + 4 * green * green + (2 + (255 - mean) / 256) * blue * blue


def to_256(color: Rgb) -> int:
    """The nearest of the cube and the grey ramp. The first 16 are left out: themes repaint them."""
    steps = [min(range(6), key=lambda i: abs(_LEVELS[i] - channel)) for channel in color]
    cube = 16 + 36 * steps[0] + 6 * steps[1] + steps[2]
    grey = 232 + min(23, max(0, round((sum(color) / 3 - 8) / 10)))
    return min((cube, grey), key=lambda number: _apart(rgb_of(number), color))


def to_16(color: Rgb) -> int:
    """The ANSI colour a person would call it by.

    Not the nearest by distance: that turns every soft colour grey and every dark one black. What
    has a hue keeps it; what has none goes by how light it is.
    """
    high, low = max(color), min(color)
    light = luma(color)
    if high < 80 or (high - low < max(24, high / 4) and light < 48):
        return 0
    if high - low < max(24, high / 4):
        return 8 if light < 120 else 7 if light < 200 else 15
    middle = (high + low) / 2
    hue = sum(bit for bit, channel in zip((1, 2, 4), color, strict=True) if channel > middle)
    return hue + (8 if high >= 192 else 0)


def lowered(color: Color, system: str) -> Color:
    """`color` as a terminal of this colour system can show it."""
    if color is None or system == "none":
        return None
    if isinstance(color, int):
        return to_16(rgb_of(color)) if system == "16" and color > 15 else color
    if system == "truecolor":
        return color
    return to_256(color) if system == "256" else to_16(color)


def readable(fg: Color, bg: Color, was_fg: Color, was_bg: Color) -> Color:
    """A foreground that can be told from its background after both were lowered to 16 colours."""
    if not isinstance(fg, int) or not isinstance(bg, int):
        return fg
    if fg == bg and was_fg != was_bg:
        if bg in (0, 8):
            return 8 if bg == 0 else 15  # two dark shades: what was faint stays faint
        return 0 if luma(rgb_of(bg)) > 100 else 15
    return 12 if (fg, bg) == (4, 0) else fg  # dark blue on black cannot be read on most terminals
