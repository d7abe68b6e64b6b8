"""The few characters that carry meaning, as UTF-8 and as ASCII. Never colour alone: glyph and word."""

from typing import NamedTuple


class Glyphs(NamedTuple):
    """One set of drawing characters; every one is a single cell."""

    ascii: bool
    live: str
    paused: str
    alarm: str
    calm: str
    unknown: str
    resolved: str
    cursor: str
    mark: str
    bar: str
    bar_rest: str
    target: str
    rule: str
    corner: tuple[str, str, str, str]
    side: str
    up: str
    down: str
    dot: str
    ellipsis: str


UTF8 = Glyphs(
    ascii=False, live="●", paused="‖", alarm="▲", calm="●", unknown="?", resolved="○", cursor="▌", mark="◆",
    bar="▇", bar_rest="▁", target="┄", rule="─", corner=("╭", "╮", "╰", "╯"), side="│",
    up="↑", down="↓", dot="·", ellipsis="…",
)  # fmt: skip

ASCII = Glyphs(
    ascii=True, live="*", paused="=", alarm="!", calm="*", unknown="?", resolved="o", cursor=">", mark="*",
    bar="#", bar_rest=".", target="-", rule="-", corner=("+", "+", "+", "+"), side="|",
    up="^", down="v", dot=".", ellipsis="~",
)  # fmt: skip

# Status → (glyph's name, word shown, role). The words are the same on every screen.
STATUS = {
    "ok": ("calm", "ok", "ok"),
    "info": ("dot", "info", "dim"),
    "low": ("alarm", "low", "low"),
    "medium": ("alarm", "medium", "medium"),
    "warning": ("alarm", "warn", "medium"),
    "high": ("alarm", "high", "high"),
    "critical": ("alarm", "critical", "critical"),
    "unknown": ("unknown", "unknown", "unknown"),
}


def status_mark(status: str, glyphs: Glyphs) -> tuple[str, str, str]:
    """(glyph, word, role) of a status or severity; an unheard-of one is shown as it is."""
    name, word, role = STATUS.get(status, ("unknown", status, "unknown"))
    return str(getattr(glyphs, name)), word, role
