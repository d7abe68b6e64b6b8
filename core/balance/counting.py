"""How often tasks were moved, and how many moves were made lately: what the anti-thrash rules count.

A move that was undone is not counted for its task: it is where it was. It does count as a move of its hour,
and so does the undo: both were changes that somebody had to follow.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from core.balance.deeds import DAY_S, HOUR_S, Deed, read_deeds
from core.balance.doing import APPLY

WEEK_DAYS = 7.0


class Tally(NamedTuple):
    """How often a task was moved within the days that were asked for, when the last time, and whom it left."""

    moves: int
    last_at: float
    left: frozenset[str]


def tallies(deeds: Iterable[Deed], now: float, days: float = WEEK_DAYS) -> dict[str, Tally]:
    """Task id → its tally; moves that an undo took back are left out, and so are undos themselves.

    A time after `now` (the clock was set back) counts as lately: what cannot be told is not forgotten.
    """
    begin = now - days * DAY_S
    found: dict[str, Tally] = {}
    for deed in deeds:
        if deed.kind != APPLY:
            continue
        for move in deed.moved:
            if move.at >= begin and move.task_id not in deed.undone:
                old = found.get(move.task_id, Tally(0, 0.0, frozenset()))
                found[move.task_id] = Tally(
                    old.moves + 1, max(old.last_at, move.at), old.left | {move.source}
                )
    return found


def move_counts(workspace: str, now: float, days: float = WEEK_DAYS) -> dict[str, int]:
    """Task id → how often plans moved it in the last days, undone moves left out; from the journals."""
    return {task: tally.moves for task, tally in tallies(read_deeds(workspace, now).rows, now, days).items()}


def moves_since(deeds: Iterable[Deed], begin: float) -> Counter[str]:
    """Plan id → how many moves it made since `begin`, undos and undone moves too."""
    return Counter(deed.plan_id for deed in deeds for move in deed.moved if move.at >= begin)


def left_alone(
    counted: Mapping[str, Tally], now: float, *, most: int, cooldown_hours: float
) -> frozenset[str]:
    """The tasks that the automatic mode does not move now.

    Those that were moved `most` times, and those whose cool-down is not over: it is doubled by every move of theirs.
    """
    return frozenset(
        task_id
        for task_id, tally in counted.items()
        if tally.moves >= most or now - tally.last_at < cooldown_hours * HOUR_S * 2.0 ** min(tally.moves, 30)
    )
