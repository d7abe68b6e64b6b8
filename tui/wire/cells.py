"""Text as cells: one item a cell, and nothing in it that a terminal could act on.

The last guard of the wire. Text is expected to be clean (`core.text.clean`); whatever is not
becomes `?` here, so that no byte of a file can act as a control code, whoever forgot to clean it.

Cells are a string where every character is one cell for certain (nearly always), else a list: a
wide character is followed by the cell "" that it also covers, a combining mark stands with its base.
"""

import unicodedata

from tui.view.spans import char_width

Cells = str | list[str]

UNKNOWN = "\0"  # a cell nobody has painted yet; clean text has no such character
_BAD = "?"
_MOST_MARKS = 4  # on one base: more is an attack on the terminal, not writing
_MOST_KNOWN = 4096  # distinct characters that are remembered


def _certain(code: int) -> bool:
    """Whether every terminal gives this narrow character one cell.

    Latin, Greek, Cyrillic; punctuation, arrows, mathematics, box drawing, blocks, braille. For all
    else terminals disagree, by their version of Unicode or for CJK's sake.
    """
    return code < 0x300 or 0x370 <= code <= 0x52F or 0x2010 <= code <= 0x2BFF


# Characters that are one cell for certain. Grows as they are met: a set of what is in use answers
# faster than any rule.
_narrow = {chr(code) for code in (*range(0x20, 0x7F), *range(0x2500, 0x25A0), *range(0x2800, 0x2900))}
_fits_narrow = _narrow.issuperset


def is_certain(cell: str) -> bool:
    """Whether the cursor is where we think it is after this cell was written."""
    return len(cell) == 1 and cell in _narrow


def is_firm_wide(cell: str) -> bool:
    """Whether every terminal gives this character two cells (kana, CJK, Hangul; not emoji)."""
    if len(cell) != 1:
        return False
    code = ord(cell)
    return 0x3041 <= code <= 0x9FFF or 0xAC00 <= code <= 0xD7A3 or 0xFF01 <= code <= 0xFF60


def cells_of(text: str, ascii_only: bool = False) -> Cells:
    """The cells of `text`. With `ascii_only`, what is not ASCII becomes as many `?` as it has cells."""
    if ascii_only and "…" in text:
        text = text.replace("…", "~")  # our own mark for what was cut off
    if (text.isascii() and text.isprintable()) or (not ascii_only and _fits_narrow(text)):
        return text
    cells: list[str] = []
    plain = True
    for char in text:
        if char in _narrow:
            cells.append(char if not ascii_only or char < "\x7f" else _BAD)
            continue
        kind = unicodedata.category(char)
        if kind[0] == "C" or kind in ("Zl", "Zp"):
            cells.append(_BAD)
            continue
        if kind == "Zs":
            cells.append(" ")
            continue
        size = char_width(char)
        if size == 0:
            # A mark without a base takes no cell in any width that was reckoned with: left out.
            if cells and cells[-1] and not ascii_only and len(cells[-1]) <= _MOST_MARKS:
                cells[-1] += char
                plain = False
            elif len(cells) > 1 and not cells[-1] and not ascii_only and len(cells[-2]) <= _MOST_MARKS:
                cells[-2] += char
        elif ascii_only:
            cells += _BAD * size
        elif size == 2:
            cells += (char, "")
            plain = False
        else:
            cells.append(char)
            if not _certain(ord(char)):
                plain = False
            elif len(_narrow) < _MOST_KNOWN:
                _narrow.add(char)
            else:
                plain = False
    return "".join(cells) if plain else cells
