"""What the terminal shows, cell by cell, and the fewest bytes that turn it into what it should show.

`paint` compares a run of cells with what is there and queues only what differs; `flush` gives
the bytes. The wire is also the last guard: a control character that got this far is replaced.
Not for deciding what to draw, and not a terminal: it never reads anything back.
"""

import unicodedata

Run = tuple[str, str]  # text, SGR codes

# An unchanged gap of up to this many cells is sent again rather than jumped over: a jump is 4 bytes.
_GAP = 4
_UNKNOWN = "\0"


class Buffer:
    """The front buffer of a terminal of `width` x `height` cells. All cells are unknown at first."""

    def __init__(self, width: int, height: int) -> None:
        self.width = width
        self.height = height
        self._text: list[list[str]] = []
        self._look: list[list[str]] = []
        self._out: list[str] = []
        self._at: tuple[int, int] | None = None
        self._sgr = ""
        self._wide = _Widths()
        self.resize(width, height)

    def resize(self, width: int, height: int) -> None:
        """Another size: everything is unknown again."""
        self.width = width
        self.height = height
        self.invalidate()

    def invalidate(self) -> None:
        """Something else may have written on the terminal: every cell will be sent again."""
        self._text = [[_UNKNOWN] * self.width for _ in range(self.height)]
        self._look = [[""] * self.width for _ in range(self.height)]
        self._out.clear()
        self.forget_cursor()

    def blank(self, sgr: str) -> None:
        """The terminal was just erased in the colours of `sgr`: every cell is a blank of that look."""
        self._text = [[" "] * self.width for _ in range(self.height)]
        self._look = [[sgr] * self.width for _ in range(self.height)]
        self._out.clear()
        self._at = None
        self._sgr = sgr

    def forget_cursor(self) -> None:
        """Something else moved the cursor or changed the colours: both are set anew before the next cell."""
        self._at = None
        self._sgr = ""

    def paint(self, y: int, x: int, runs: list[Run], limit: int | None = None) -> None:
        """Cells of row `y` from column `x` on; what lies beyond column `limit` is cut off."""
        if not 0 <= y < self.height:
            return
        end = self.width if limit is None else min(limit, self.width)
        text, look = self._text[y], self._look[y]
        for run, sgr in runs:
            if x >= end:
                break
            if run.isascii() and run.isprintable():
                stop = min(end, x + len(run))
                # Whole-run comparison first: most runs of most rows did not change.
                if x >= 0 and text[x:stop] == list(run[: stop - x]) and look[x:stop].count(sgr) == stop - x:
                    x = stop
                    continue
            for char, cells in self._clusters(run):
                if x + cells > end:  # half of a wide character at the edge
                    char, cells = " ", 1
                if x >= end:
                    break
                if x >= 0 and (text[x] != char or look[x] != sgr):
                    self._put(y, x, char, sgr, cells)
                x += cells
        if 0 < x < self.width and text[x] == "":
            self._put(y, x, " ", look[x], 1)  # its left half was just painted over

    def _clusters(self, run: str) -> list[tuple[str, int]]:
        """Characters with their cells; combining marks (four at most) stay with the one before them."""
        out: list[tuple[str, int]] = []
        for char in run:
            cells = self._wide[char]
            if cells > 0:
                out.append((char, cells))
            elif cells < 0:
                out.append(("\ufffd", 1))
            elif out and len(out[-1][0]) < 5:
                out[-1] = (out[-1][0] + char, out[-1][1])
        return out

    def _put(self, y: int, x: int, char: str, sgr: str, cells: int) -> None:
        text, look = self._text[y], self._look[y]
        if text[x] == "" and x > 0:  # the right half of a wide character: its left half goes too
            text[x] = _UNKNOWN
            self._put(y, x - 1, " ", look[x - 1], 1)
        self._move(y, x)
        if sgr != self._sgr:
            self._out.append(sgr)
            self._sgr = sgr
        self._out.append(char)
        text[x] = char
        look[x] = sgr
        if cells == 2:
            if x + 2 < self.width and text[x + 1] != "" and text[x + 2] == "":
                text[x + 2] = _UNKNOWN
            text[x + 1] = ""
            look[x + 1] = sgr
        # After a character whose width terminals may see differently, the place is set anew.
        plain = cells == 1 and len(char) == 1
        at = x + cells
        self._at = (y, at) if plain and at < self.width else None

    def _move(self, y: int, x: int) -> None:
        if self._at == (y, x):
            return
        if self._at is not None and self._at[0] == y and self._at[1] < x:
            gap = x - self._at[1]
            between = range(self._at[1], x)
            text, look = self._text[y], self._look[y]
            if gap <= _GAP and all(look[i] == self._sgr and len(text[i]) == 1 and " " <= text[i] <= "~" for i in between):
                self._out.append("".join(text[i] for i in between))
            else:
                self._out.append("\x1b[C" if gap == 1 else f"\x1b[{gap}C")
        elif x == 0:
            self._out.append(f"\x1b[{y + 1}H")
        else:
            self._out.append(f"\x1b[{y + 1};{x + 1}H")

    @property
    def pending(self) -> bool:
        """Whether there is anything to flush."""
        return bool(self._out)

    def flush(self) -> str:
        """The bytes to send, as text; the terminal is then as the buffer says."""
        out = "".join(self._out)
        self._out.clear()
        return out

    def text(self, y: int) -> str:
        """Row `y` as it is shown; unknown cells are blanks."""
        return "".join(" " if c == _UNKNOWN else c for c in self._text[y])


class _Widths(dict[str, int]):
    """Cells of a character: 0 combining, 1, 2 wide, -1 for what must never be sent."""

    def __missing__(self, char: str) -> int:
        kind = unicodedata.category(char)
        if kind in ("Cc", "Cf", "Cs", "Zl", "Zp", "Cn"):
            cells = -1
        elif kind in ("Mn", "Me") or unicodedata.combining(char):
            cells = 0
        else:
            cells = 2 if unicodedata.east_asian_width(char) in "WF" else 1
        if len(self) < 8192:
            self[char] = cells
        return cells
