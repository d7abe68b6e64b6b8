"""Lines of spans: text and the role it plays. The theme decides how a role looks.

A `Line` is a list of `(text, role)`. Text in it is already clean (`core.text`). Roles are the
fixed words in `ROLES`; a theme gives each its colours and attributes.
"""

import unicodedata

Span = tuple[str, str]
Line = list[Span]

ROLES = (
    "text",  # plain
    "dim",  # labels, units, what one rarely reads
    "title",  # names of panes
    "accent",  # the one accent: focus, keys, the live mark
    "strong",  # the verdict
    "ok",
    "low",
    "medium",
    "high",
    "critical",
    "unknown",  # stale and unknown figures
    "chart",  # chart cells
    "chart_last",  # the newest chart cell
    "target",  # the thin target line of a chart
    "bar",  # filled part of a bar
    "bar_rest",  # its empty part
    "selected",  # the row under the cursor
    "marked",
    "key",  # a key in the footer
    "header",  # first line
    "border",
)


class _Widths(dict[str, int]):
    """Text that is not ASCII → its cells. Charts and frames ask for the same few texts again and again."""

    def __missing__(self, text: str) -> int:
        cells = sum(char_width(c) for c in text)
        if len(self) >= 2048:
            self.clear()
        if len(text) <= 256:
            self[text] = cells
        return cells


_widths = _Widths()


def width(text: str) -> int:
    """Cells that `text` takes: wide characters two, combining marks none."""
    return len(text) if text.isascii() else _widths[text]


def char_width(char: str) -> int:
    """Cells of one clean character: 0, 1 or 2 (Unicode TR 11; ambiguous counts as narrow)."""
    if char < "\u0300":
        return 1
    if unicodedata.combining(char) or unicodedata.category(char) in ("Mn", "Me"):
        return 0
    if "\u1160" <= char <= "\u11ff" or "\ud7b0" <= char <= "\ud7fb":  # jamo that join the one before
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def fit(text: str, cells: int, align: str = "<") -> str:
    """`text` in exactly `cells` cells: cut with an ellipsis, or padded (`<` left, `>` right)."""
    if cells <= 0:
        return ""
    size = width(text)
    if size > cells:
        text = cut(text, cells)
        size = width(text)
    pad = " " * (cells - size)
    return pad + text if align == ">" else text + pad


def cut(text: str, cells: int) -> str:
    """`text` in at most `cells` cells, its last one an ellipsis if something was left out."""
    if width(text) <= cells:
        return text
    kept = []
    used = 0
    for char in text:
        used += char_width(char)
        if used > cells - 1:
            break
        kept.append(char)
    return "".join(kept) + "…" if cells > 0 else ""


def line_width(line: Line) -> int:
    """Cells that a line takes."""
    cells = 0
    for text, _ in line:
        cells += len(text) if text.isascii() else _widths[text]
    return cells


def fit_line(line: Line, cells: int) -> Line:
    """`line` in exactly `cells` cells: cut where it is too long, padded with plain blanks."""
    used = line_width(line)
    if used == cells:
        return line
    if used < cells:
        return [*line, (" " * (cells - used), "text")]
    out: Line = []
    left = cells
    for text, role in line:
        size = width(text)
        if size > left:
            if left > 0:
                out.append((cut(text, left), role))
                left -= width(out[-1][0])
            break
        out.append((text, role))
        left -= size
    if left > 0:
        out.append((" " * left, "text"))
    return out


def plain(line: Line) -> str:
    """The text of a line without its roles."""
    return "".join(text for text, _ in line)


def wrap(line: Line, cells: int) -> list[Line]:
    """A line in pieces of at most `cells` cells; a blank line stays one."""
    out: list[Line] = [[]]
    left = cells
    for text, role in line:
        rest = text
        while width(rest) > left:
            at = min(left, len(rest))
            while width(rest[:at]) > left:
                at -= 1
            space = rest.rfind(" ", at // 2, at)
            if space > 0:
                at = space + 1  # between two words, if there is a blank in the second half
            if at <= 0 and left == cells:
                at = 1  # one wide character in a single column: cut by the frame
            out[-1].append((rest[:at], role))
            out.append([])
            rest = rest[at:]
            left = cells
        if rest:
            out[-1].append((rest, role))
            left -= width(rest)
    return out
