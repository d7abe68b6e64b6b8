"""What a reader remarks while it reads one file, gathered so that a thousand like it are one.

Knows where things are (line and column from an offset); knows nothing of queues.
"""

from typing import NamedTuple

from core.queues.model import Problem
from core.text import clean_line

ERROR, ODD = "error", "odd"
MOST_PROBLEMS = 20

Path = tuple[str | int, ...]


class Note(NamedTuple):
    """A remark. `where` is an offset in the text; -1: it has to be looked up by its `path`, if it has one."""

    severity: str
    code: str
    detail: str
    where: int = -1
    path: Path = ()


class Notes:
    """Remarks of one reading: the first of each kind, and how many more there were."""

    def __init__(self) -> None:
        self._first: dict[tuple[str, str], Note] = {}
        self._more: dict[tuple[str, str], int] = {}

    def add(
        self, severity: str, code: str, detail: str, where: int = -1, path: Path = (), group: str = ""
    ) -> None:
        """Remark on something. Of remarks with the same `code` and `group` only the first is kept whole."""
        key = (code, group)
        if key in self._first:
            self._more[key] = self._more.get(key, 0) + 1
        else:
            self._first[key] = Note(severity, code, detail, where, path)

    def __bool__(self) -> bool:
        return bool(self._first)

    def __contains__(self, code: str) -> bool:
        return any(key[0] == code for key in self._first)

    @property
    def lossy(self) -> bool:
        """Whether something could not be read."""
        return any(note.severity == ERROR for note in self._first.values())

    def first(self) -> list[tuple[Note, int]]:
        """Each kept remark with the number of further ones like it; errors first."""
        found = [(note, self._more.get(key, 0)) for key, note in self._first.items()]
        found.sort(key=lambda pair: pair[0].severity != ERROR)
        return found


def place_of(text: str, offset: int) -> tuple[int, int]:
    """Line and column, both from 1, of an offset in `text`."""
    offset = max(0, min(offset, len(text)))
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)


def path_text(path: Path, documents: int = 1) -> str:
    """`tasks[3].status` for (0, "tasks", 3, "status"): the first step is the number of the document."""
    parts: list[str] = []
    if not path:
        return ""
    lead = f"document {int(path[0]) + 1}: " if documents > 1 else ""
    path = path[1:] if len(path) <= 9 else (*path[1:7], "…")
    for step in path:
        if isinstance(step, int):
            parts.append(f"[{step}]")
        else:
            parts.append(f".{clean_line(step, 40)}" if parts else clean_line(step, 40))
    return (lead + "".join(parts)).removesuffix(": ")


def problem(note: Note, more: int, line: int = 0, column: int = 0, documents: int = 1) -> Problem:
    """The remark as the model's record."""
    detail = note.detail if more == 0 else f"{note.detail} (and {more} more like it)"
    return Problem(
        note.severity, note.code, clean_line(detail, 300), line, column, path_text(note.path, documents)
    )
