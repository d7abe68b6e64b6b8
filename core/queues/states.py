"""Every task of an agent in one text, small enough to be kept for a million tasks.

A line a task: a letter for its status (or `?` and the word itself), its id, and, where they are
known, the hours it was estimated at and how many deliverables were promised:

    p <tab> TASK-1 <tab> 3 <tab> 5

No id has two lines. The last two are kept because a finished task's entry in the history often
lacks them. Not for what a list of tasks shows: that is read again when somebody asks (`detail`).
"""

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

LETTERS = {
    "pending": "p",
    "assigned": "a",
    "in_progress": "i",
    "ready_for_review": "r",
    "blocked": "b",
    "failed": "f",
    "completed": "c",
}
_WORDS = {letter: word for word, letter in LETTERS.items()}
FINISHED = frozenset(("completed", "failed"))
WAITING = frozenset(("pending", "assigned"))
# A hundred years: whatever says more means something else, and would make every sum nonsense.
MOST_HOURS = 1_000_000


class Ended(NamedTuple):
    """A finished task that says what it took or delivered; None where it does not say."""

    task_id: str
    estimated_hours: float | None
    actual_hours: float | None
    promised: int | None
    delivered: int | None


class TaskStates(NamedTuple):
    """The tasks of one agent as a good reading of its file has them. `whole`: none was left out.

    `text` is as above, `ended` the finished tasks with figures, `needs` the ids that unfinished
    tasks wait for, `retired` whether the agent takes no more work.
    """

    agent: str
    text: str
    mtime: float
    whole: bool
    ended: tuple[Ended, ...] = ()
    needs: Mapping[str, tuple[str, ...]] = {}
    retired: bool = False


class State(NamedTuple):
    """One line: the status word, and what is known of estimate (hours) and promise (deliverables)."""

    status: str
    estimated_hours: float | None = None
    promised: int | None = None


def line(letter: str, task_id: str, estimate: float | None, promised: int) -> str:
    """One task. `task_id` holds no tab and no line break."""
    hours = "" if estimate is None else f"{estimate:g}"
    if hours and float(hours) != estimate:
        hours = repr(estimate)
    if promised:
        return f"{letter}\t{task_id}\t{hours}\t{promised}"
    return f"{letter}\t{task_id}\t{hours}" if hours else f"{letter}\t{task_id}"


def parse(text: str) -> dict[str, State]:
    """Task id → state, in the order of the file.

    Raises:
        ValueError, IndexError: it is no such text.
    """
    found: dict[str, State] = {}
    for row in text.split("\n") if text else ():
        parts = row.split("\t")
        status = _WORDS.get(parts[0]) or parts[0][1:]
        if len(parts) == 2:
            found[parts[1]] = _PLAIN.get(status) or State(status)
        else:
            promised = int(parts[3]) if len(parts) > 3 else None
            hours = float(parts[2]) if parts[2] else None
            if hours is not None and not 0 < hours < MOST_HOURS:
                hours = None
            found[parts[1]] = State(status, hours, promised)
    return found


_PLAIN = {word: State(word) for word in LETTERS}


def render(states: Mapping[str, State]) -> str:
    """The text that `parse` reads."""
    return "\n".join(
        line(letter_of(state.status), task_id, state.estimated_hours, state.promised or 0)
        for task_id, state in states.items()
    )


def letter_of(status: str) -> str:
    """What a line begins with. `status` is folded or the file's own word, without tab and line break."""
    return LETTERS.get(status) or f"?{status}"


def carried(old: Mapping[str, State], new: dict[str, State]) -> bool:
    """Give `new` the estimates and promises that only `old` knows; whether there were any."""
    changed = False
    for task_id, state in new.items():
        if state.estimated_hours is not None and state.promised is not None:
            continue
        before = old.get(task_id)
        if before is None:
            continue
        estimate = before.estimated_hours if state.estimated_hours is None else state.estimated_hours
        promised = before.promised if state.promised is None else state.promised
        if (estimate, promised) != state[1:]:
            new[task_id] = State(state.status, estimate, promised)
            changed = True
    return changed


def changes(
    old: Mapping[str, State], new: Mapping[str, State], vanished: bool = True, come: bool = True
) -> list[tuple[str, str | None, str | None]]:
    """(task, status before, status after) of what differs: in the order of `new`, what vanished at the end.

    Without `vanished`, a task that `new` lacks is not taken for gone; without `come`, one that
    `old` lacks is not taken for new: one of the two readings was not whole.
    """
    found: list[tuple[str, str | None, str | None]] = []
    for task_id, state in new.items():
        before = old.get(task_id)
        if before is None:
            if come:
                found.append((task_id, None, state.status))
        elif before.status != state.status:
            found.append((task_id, before.status, state.status))
    if vanished:
        found += [(task_id, state.status, None) for task_id, state in old.items() if task_id not in new]
    return found


def ids_of(text: str) -> Iterable[str]:
    """The task ids of a text."""
    return (row.split("\t", 2)[1] for row in text.split("\n")) if text else ()


def shared_lines(a: str, b: str, step: int = 65536) -> tuple[int, int]:
    """(head, tail): two different texts begin and end with so many characters of the same whole lines.

    The head has the line break after it, the tail the one before it. Compares `step` characters at a time.
    """
    most = min(len(a), len(b))
    head = _shared(most, step, lambda i, j: a[i:j] == b[i:j])
    head = a.rfind("\n", 0, head) + 1
    tail = _shared(most - head, step, lambda i, j: a[len(a) - j : len(a) - i] == b[len(b) - j : len(b) - i])
    begin = a.find("\n", len(a) - tail)
    return head, len(a) - begin if begin >= 0 else 0


def _shared(most: int, step: int, same: Callable[[int, int], bool]) -> int:
    """How many of `most` characters are the same; `same` compares those from one place to another."""
    at = 0
    while at + step <= most and same(at, at + step):
        at += step
    low, high = at, min(at + step, most)
    while low < high:
        middle = (low + high + 1) // 2
        if same(at, middle):
            low = middle
        else:
            high = middle - 1
    return low
