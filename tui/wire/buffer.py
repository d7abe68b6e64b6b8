"""What is on the terminal, what should be, and the least bytes that turn the one into the other.

Everything that reaches the screen goes through here, whoever drew it: the first frame, the fast
path, Textual's compositor. `paint` is told what should stand where; `flush` gives the bytes for
the cells that differ from what the terminal shows. Nothing is lost by flushing late: paint
twice, flush once, and only the second picture is sent.

Not for writing: that is `tui.wire.terminal`. Not for colours: looks come as SGR parameters
(`tui.wire.sgr`). Imported before the first frame; this is the hot path (25 changed rows a second
within 0.3 ms), hence strings instead of objects: a row is its cells and, one character a cell,
the numbers of their looks.
"""

from collections.abc import Iterable

from tui.wire import sgr as _sgr
from tui.wire.cells import UNKNOWN, Cells, cells_of, is_certain, is_firm_wide

Row = tuple[Cells, str]
_PLAIN = "\0"  # the number of the plain look
_STRIDE = 12
_WIDEST_BRIDGE = 4
_MOST_LOOKS = 50_000
_MOST_SWITCHES = 4096


class Buffer:
    """The front buffer of one terminal of `width` x `height` cells. Nothing is known of it at first."""

    def __init__(self, width: int, height: int, *, ascii_only: bool = False) -> None:
        self.width = width
        self.height = height
        self.ascii_only = ascii_only
        self._ids: dict[str, str] = {"": _PLAIN}
        self._params: list[str] = [""]
        self._grounds: dict[str, str] = {_PLAIN: ""}
        self._switches: dict[str, str] = {}
        self._front: list[Row] = [self._nothing()] * height
        self._back: list[Row] = [self._nothing()] * height
        self._dirty: set[int] = set()

    def _nothing(self) -> Row:
        return UNKNOWN * self.width, _PLAIN * self.width

    # -- what should be seen ---------------------------------------------------------------

    def paint(self, y: int, x: int, runs: Iterable[tuple[str, str]]) -> None:
        """Row `y` from column `x` on: `runs` of text and SGR parameters. What does not fit is cut off.

        Half of a wide character that is painted over leaves a blank for its other half.
        """
        if not (0 <= y < self.height and 0 <= x < self.width):
            return
        ids, ascii_only = self._ids, self.ascii_only
        parts: list[Cells] = []
        marks: list[str] = []
        plain = True
        for text, params in runs:
            cells = cells_of(text, ascii_only)
            parts.append(cells)
            plain = plain and cells.__class__ is str
            mark = ids.get(params) or self._number(params)
            marks.append(mark * len(cells))
        looks = "".join(marks)
        new: Cells = "".join(parts) if plain else [cell for part in parts for cell in part]  # type: ignore[arg-type]
        room = self.width - x
        if len(looks) > room:
            if not plain and new[room] == "":
                new = [*new[: room - 1], " "]
            new, looks = new[:room], looks[:room]
        row: Row = (new, looks) if len(looks) == self.width else self._spliced(self._back[y], x, new, looks)
        if row != self._back[y]:
            self._back[y] = row
            self._dirty.add(y)

    @staticmethod
    def _spliced(row: Row, x: int, new: Cells, looks: str) -> Row:
        cells, marks = row
        end = x + len(looks)
        marks = marks[:x] + looks + marks[end:]
        if isinstance(cells, str) and isinstance(new, str):
            return cells[:x] + new + cells[end:], marks
        left, right = list(cells[:x]), list(cells[end:])
        if left and cells[x] == "":
            left[-1] = " "
        if right and right[0] == "":
            right[0] = " "
        return _simplest([*left, *new, *right]), marks

    def _number(self, params: str) -> str:
        """The character that stands for a look. Past 50,000 looks, new ones are drawn plain."""
        if len(self._params) >= _MOST_LOOKS:
            return _PLAIN
        mark = self._ids[params] = chr(len(self._params))
        self._params.append(params)
        self._grounds[mark] = _sgr.ground(params)
        return mark

    # -- what is seen ----------------------------------------------------------------------

    def cleared(self) -> None:
        """The terminal has just been cleared: it shows blanks in the plain look."""
        self._front = [(" " * self.width, _PLAIN * self.width)] * self.height
        self._dirty.update(range(self.height))

    def invalidate(self) -> None:
        """Nothing is known of the terminal any more; the next flush draws all that was painted."""
        self._front = [self._nothing()] * self.height
        self._dirty.update(range(self.height))

    def resize(self, width: int, height: int) -> None:
        """Another size: nothing is known of the terminal, and nothing has been painted yet."""
        self.width, self.height = width, height
        self._back = [self._nothing()] * height
        self._dirty.clear()  # rows that are no more
        self.invalidate()

    @property
    def pending(self) -> bool:
        """Whether a flush may have something to send."""
        return bool(self._dirty)

    def text(self) -> list[str]:
        """The rows as painted, as text; unpainted cells are blanks (tests, the crash report)."""
        return ["".join(cells).replace(UNKNOWN, " ") for cells, _ in self._back]

    # -- the difference --------------------------------------------------------------------

    def flush(self) -> str:
        """What to send so that the terminal shows what was painted; "" when it already does.

        Begins with an absolute move and a whole SGR, so that it heals after anybody else's output.
        """
        if not self._dirty:
            return ""
        out: list[str] = []
        pen: str | None = None
        at_y, at_x = -1, None  # where the cursor is; None: in some column of that row
        front, back = self._front, self._back
        for y in sorted(self._dirty):
            old, new = front[y], back[y]
            if old == new:
                continue
            changed = self._changed(old, new)
            front[y] = new
            if not changed:
                continue
            cells, looks = new
            tail = self._blank_tail(cells, looks, changed)
            at = 0
            while at < len(changed):
                start = changed[at]
                if start >= tail:  # everything from here on becomes blank
                    out.append(self._move(at_y, at_x, y, start))
                    pen = self._pen(out, pen, looks[start], blank=True)
                    out.append("\x1b[K")
                    at_y, at_x = y, start
                    break
                end = start + 1
                at += 1
                while at < len(changed) and changed[at] == end and end < tail:
                    end += 1
                    at += 1
                near = at_y == y and at_x is not None and start - at_x <= _WIDEST_BRIDGE
                if near and at_x is not None and self._bridge(cells, looks, at_x, start, pen):
                    start = at_x
                else:
                    out.append(self._move(at_y, at_x, y, start))
                if cells.__class__ is str:
                    pen = self._write(out, cells, looks, start, end, pen)
                    at_x = end
                else:
                    pen, at_x = self._write_wide(out, cells, looks, start, end, pen)
                at_y = y
                if at_x == self.width:  # terminals differ in where the cursor is now
                    at_x = None
        self._dirty.clear()
        return "".join(out)

    def _changed(self, old: Row, new: Row) -> list[int]:
        """The columns to send, in order."""
        was, was_looks = old
        now, now_looks = new
        if self._is_blank(old) and all(self._grounds[mark] for mark in set(now_looks)):
            return list(range(self.width))  # the first picture: a background on every cell
        found: list[int] = []
        same_looks = was_looks == now_looks
        for left in range(0, self.width, _STRIDE):  # most of a row is as it was: comparing slices is cheap
            right = left + _STRIDE
            before, after = was[left:right], now[left:right]
            if same_looks or was_looks[left:right] == now_looks[left:right]:
                if before != after:
                    found += [x for x, (a, b) in enumerate(zip(before, after, strict=True), left) if a != b]
                continue
            found += [
                x
                for x, (a, b, c, d) in enumerate(
                    zip(before, after, was_looks[left:right], now_looks[left:right], strict=True),
                    left,
                )
                if (a != b or c != d) and not (a == b == " " and self._grounds[c] == self._grounds[d])
            ]
        if found and UNKNOWN in now:
            found = [x for x in found if now[x] != UNKNOWN]
        if found and now.__class__ is list:
            # A wide character is sent from its first cell on, and as a whole.
            both = {*found, *(x - 1 for x in found if now[x] == "")}
            found = sorted({*both, *(x + 1 for x in both if x + 1 < self.width and now[x + 1] == "")})
        return found

    def _is_blank(self, row: Row) -> bool:
        cells, looks = row
        return isinstance(cells, str) and cells.isspace() and looks.count(_PLAIN) == self.width

    def _blank_tail(self, cells: Cells, looks: str, changed: list[int]) -> int:
        """The first changed column from which on the row is blank and erasing it is the shorter way.

        Only in the plain ground: a terminal may erase with the current background or with its own.
        """
        last = self.width - 1
        if cells[last] != " " or self._grounds[looks[last]] or len(changed) < 4:
            return self.width
        x = last
        while x > 0 and cells[x - 1] == " " and not self._grounds[looks[x - 1]]:
            x -= 1
        inside = [column for column in changed if column >= x]
        return inside[0] if len(inside) > 3 else self.width

    def _pen(self, out: list[str], pen: str | None, look: str, blank: bool) -> str | None:
        """Take up the pen for `look`; a blank may be drawn with any pen of the same ground."""
        if pen == look or (blank and pen is not None and self._grounds[pen] == self._grounds[look]):
            return pen
        out.append(self._switch(pen, look))
        return look

    def _switch(self, pen: str | None, look: str) -> str:
        key = look if pen is None else pen + look
        found = self._switches.get(key)
        if found is None:
            if len(self._switches) >= _MOST_SWITCHES:
                self._switches.clear()
            old = None if pen is None else self._params[ord(pen)]
            found = self._switches[key] = _sgr.switch(old, self._params[ord(look)])
        return found

    def _write(
        self, out: list[str], cells: Cells, looks: str, start: int, end: int, pen: str | None
    ) -> str | None:
        """Send the cells from `start` to `end`, all of them certain."""
        while start < end:
            look = looks[start]
            stop = end
            if looks.count(look, start, end) != end - start:
                stop = start + 1
                while looks[stop] == look:
                    stop += 1
            chunk = cells[start:stop]
            text = chunk if isinstance(chunk, str) else "".join(chunk)
            if look != pen:
                pen = self._pen(out, pen, look, text.isspace())
            out.append(text)
            start = stop
        return pen

    def _write_wide(
        self, out: list[str], cells: Cells, looks: str, start: int, end: int, pen: str | None
    ) -> tuple[str | None, int | None]:
        """The same with cells that terminals may disagree about: after each such the cursor is put anew."""
        x = start
        lost = firm = False  # whether the cursor may be elsewhere; whether all but an odd terminal agree
        while x < end:
            cell = cells[x]
            certain = is_certain(cell)
            was_firm, firm = firm, not certain and is_firm_wide(cell)
            if lost and not (firm and was_firm):
                out.append(self._column(x))
            pen = self._pen(out, pen, looks[x], cell == " ")
            out.append(cell)
            lost = not certain
            x += 2 if x + 1 < self.width and cells[x + 1] == "" else 1
        return pen, None if lost else x

    def _bridge(self, cells: Cells, looks: str, start: int, end: int, pen: str | None) -> bool:
        """Whether to send the unchanged cells between two changes again rather than to jump over them."""
        gap = end - start
        chunk = cells[start:end]
        if isinstance(chunk, list):
            if not all(is_certain(cell) for cell in chunk):
                return False
            chunk = "".join(chunk)
        jump = 3 if gap == 1 else 4
        cost = gap if chunk.isascii() else len(chunk.encode())
        if cost > jump or UNKNOWN in chunk:
            return False
        target = looks[end]
        if pen == target and looks.count(pen, start, end) == gap:
            return True
        grounds = self._grounds
        jump += len(self._switch(pen, target))
        for cell, look in zip(chunk, looks[start:end], strict=True):
            if look != pen and not (cell == " " and pen is not None and grounds[pen] == grounds[look]):
                cost += len(self._switch(pen, look))
                pen = look
        return cost + len(self._switch(pen, target)) <= jump

    @staticmethod
    def _column(x: int) -> str:
        return f"\x1b[{x + 1}G" if x else "\r"

    def _move(self, at_y: int, at_x: int | None, y: int, x: int) -> str:
        """The shortest way of the cursor to (`y`, `x`). Line feeds keep the column: the device is raw."""
        whole = f"\x1b[{y + 1};{x + 1}H" if x else f"\x1b[{y + 1}H" if y else "\x1b[H"
        down = y - at_y
        if at_y < 0 or not 0 <= down <= 4:
            return whole
        way = self._column(x)
        if at_x is not None:
            step = x - at_x
            if step == 0:
                way = ""
            elif step == 1:
                way = min("\x1b[C", way, key=len)
            elif step > 1:
                way = min(f"\x1b[{step}C", way, key=len)
            elif step >= -3:
                way = min("\b" * -step, way, key=len)
            else:
                way = min(f"\x1b[{-step}D", way, key=len)
        way = "\n" * down + way
        return way if len(way) < len(whole) else whole


def _simplest(cells: list[str]) -> Cells:
    """As a string where every cell is certain, else as it is."""
    return (
        "".join(cells)
        if all(len(cell) == 1 and (cell == UNKNOWN or is_certain(cell)) for cell in cells)
        else cells
    )
