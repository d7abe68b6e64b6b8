"""On which line of a TOML text each table and key stands, for messages that name the line.

A scanner of lines beside the real parser, which does not keep positions. Not for reading values.
"""

import re

_KEY = r"""(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')"""
_HEADER = re.compile(rf"^\s*(\[\[?)\s*({_KEY}(?:\s*\.\s*{_KEY})*)\s*\]")
_ASSIGN = re.compile(rf"^\s*({_KEY}(?:\s*\.\s*{_KEY})*)\s*=")

Path = tuple[str | int, ...]


def lines_of(text: str) -> dict[Path, int]:
    """Line number of every table and key of a TOML text, by path (`("kpi", 2, "target")`).

    A scanner of lines, not a parser: what stands inside an inline table has the line of its key,
    which the caller finds by shortening the path.
    """
    lines: dict[Path, int] = {}
    counts: dict[Path, int] = {}
    table: Path = ()
    inside = ""  # the quotes that end the multi-line text we are in
    for number, line in enumerate(text.split("\n"), 1):
        if inside:
            if inside in line:
                inside = ""
            continue
        header = _HEADER.match(line)
        if header:
            table = _resolve(_split(header[2]), counts)
            if header[1] == "[[":
                plain = table
                counts[plain] = counts.get(plain, -1) + 1
                table = (*plain, counts[plain])
            lines.setdefault(table, number)
            continue
        assign = _ASSIGN.match(line)
        if assign:
            path = table
            for part in _split(assign[1]):
                path = (*path, part)
                lines.setdefault(path, number)
        for quotes in ('"""', "'''"):
            if line.count(quotes) % 2:
                inside = quotes
    return lines


def _split(dotted: str) -> list[str]:
    return [part.strip("\"'") for part in re.findall(_KEY, dotted)]


def _resolve(parts: list[str], counts: dict[Path, int]) -> Path:
    """Parts of a header with the number of the array element each array stands at."""
    path: Path = ()
    for i, part in enumerate(parts):
        path = (*path, part)
        if path in counts and i < len(parts) - 1:
            path = (*path, counts[path])
    return path


def dotted(path: Path) -> str:
    """A path as an operator writes it: `kpi[2].target`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text
