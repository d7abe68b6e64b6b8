"""Entries → what the ledger keeps of them: one text of all states, what finished ones tell, who waits for what.

Made for a million tasks: ids that are fit to be shown as they stand, nearly all there are, are checked
all at once. Counts nothing: that is `tally`, which has chosen one entry for each id before.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from core.queues.knots import needed
from core.queues.states import LETTERS, MOST_HOURS, Ended, letter_of, line
from core.queues.statuses import KNOWN, fold, shown
from core.text import clean_line

_LETTER: dict[str, str] = {raw: LETTERS[word] for raw, word in KNOWN.items()}
_LONGEST = 120
_WHITE = str.maketrans("", "", "\n\t")


class Tracked(NamedTuple):
    """The fields of `states.TaskStates` that come from entries."""

    text: str = ""
    ended: tuple[Ended, ...] = ()
    needs: Mapping[str, tuple[str, ...]] = {}


NOTHING = Tracked()


def tracked(items: Sequence[Any]) -> Tracked:
    """Of these entries, one for each task id as it stands there; those without an id are left out."""
    rows: list[str] = []
    telling: list[Any] = []
    plain, estimated = True, 0
    letters = _LETTER
    for item in items:
        if item.actual_hours is not None or item.deliverables_completed is not None or item.dependencies:
            telling.append(item)
        if not plain:
            continue
        raw, task_id, estimate = item.status, item.task_id, item.estimated_hours
        if type(task_id) is not str or type(raw) is not str or item.deliverables or not task_id:
            plain = False
            continue
        letter = letters.get(raw)
        if letter is None:
            plain = False
        elif estimate is None:
            rows.append(f"{letter}\t{task_id}")
        elif (type(estimate) is int or type(estimate) is float) and 0.001 <= estimate < MOST_HOURS:
            rows.append(f"{letter}\t{task_id}\t{estimate}")
            estimated += 1
        else:
            plain = False
    text = "\n".join(rows)
    if (
        not plain
        or not text.isascii()
        or " " in text
        or not text.translate(_WHITE).isprintable()
        or text.count("\n") != len(rows) - 1
        or text.count("\t") != len(rows) + estimated
        or max(map(len, rows), default=0) > _LONGEST
    ):
        # Ids that are not the same may look the same once they are fit to be shown: the last one counts.
        text = "\n".join({id_text(item.task_id): row for item in items if (row := _row(item))}.values())
    if not telling:
        return Tracked(text) if text else NOTHING
    ended: list[Ended] = []
    needs: dict[str, tuple[str, ...]] = {}
    for item in telling:
        task_id, status = id_text(item.task_id), fold(item.status)
        if not task_id:
            continue
        if status not in ("completed", "failed"):
            wanted = needed(item.dependencies) if item.dependencies else ()
            if wanted:
                needs[task_id] = wanted
        elif item.actual_hours is not None or item.deliverables_completed is not None:
            ended.append(
                Ended(
                    task_id, hours(item.estimated_hours), hours(item.actual_hours),
                    _how_many(item.deliverables), _how_many(item.deliverables_completed),
                )
            )  # fmt: skip
    return Tracked(text, tuple(ended), needs)


def _row(item: Any) -> str:
    task_id = id_text(item.task_id)
    if not task_id:
        return ""
    status = fold(item.status)
    promised = _how_many(item.deliverables) or 0
    return line(letter_of(status or shown(item.status)), task_id, hours(item.estimated_hours), promised)


def hours(value: Any) -> float | None:
    """A positive number; None for anything else (true, text, 0, NaN), and for what no work takes."""
    if (type(value) is int or type(value) is float) and 0 < value < MOST_HOURS:
        return float(value)
    return None


def _how_many(value: Any) -> int | None:
    """A count of deliverables: a whole number, or as many as a list holds."""
    if type(value) is list:
        return len(value)
    return value if type(value) is int and 0 <= value < 1_000_000 else None


def id_text(value: Any) -> str:
    """A task id, fit to be shown."""
    if type(value) is str:
        if value.isascii() and value.isprintable() and " " not in value and len(value) <= _LONGEST:
            return value  # as nearly all are
        return clean_line(value, _LONGEST)
    return str(value) if type(value) is int and -(1 << 64) < value < 1 << 64 else ""
