"""Bringing to an end what a crash cut off.

For plans whose journal has no end. May be killed at any point and begun again. Nothing is forced: what is not as
the journal says is reported and kept. Not for what is done with one task: that is `core.balance.resolve`; nor for
the minute after a plan that came to its end: that is `core.balance.settling`.
"""

import os
from collections.abc import Callable
from typing import NamedTuple

from core.balance.doing import (
    ABORTED,
    CONFLICT,
    FINISHED,
    NOTHING,
    REMOVED_COPY,
    RESTORED,
    UNREADABLE,
    By,
    Recovery,
    Refused,
    Result,
    Skipped,
    pause,
    state_of,
)
from core.balance.journal import (
    APPLY_LOCK,
    BadJournal,
    Journal,
    Step,
    Trail,
    folder_of,
    journals,
    read_trail,
)
from core.balance.orphans import Orphans
from core.balance.past import is_made
from core.balance.receipts import write_receipt
from core.balance.resolve import Writer, remove_temporaries, resolved
from core.balance.room import Room, never
from core.balance.settling import settle
from core.balance.world import Tell, silent
from core.clock import Clock
from core.record.files import is_held, stamp
from core.text import clean_line

__all__ = ["Unfinished", "recover", "recovered_alone", "settle", "unfinished"]

# What brings a move to its end; all else is tried again another time.
_ENDS = (ABORTED, FINISHED, REMOVED_COPY, RESTORED, CONFLICT)


class Unfinished(NamedTuple):
    """A plan that was not carried out to its end: whose, since when (wall seconds), how many moves are open.

    `trouble` says why it cannot be brought to its end, where that is so. `running`: some plan is being carried out
    right now, and it may be this one.
    """

    plan_id: str
    kind: str
    user: str
    origin: str
    at: float
    open: int
    trouble: str = ""
    running: bool = False


def unfinished(workspace: str) -> tuple[Unfinished, ...]:
    """The plans of a workspace that have no end, the newest first. Reads only."""
    found = []
    running = is_held(os.path.join(folder_of(workspace), APPLY_LOCK))
    for plan_id in journals(workspace):
        try:
            trail = read_trail(workspace, plan_id)
        except BadJournal as error:
            found.append(Unfinished(plan_id, "", "", "", 0.0, 0, str(error)))
            continue
        if trail is not None and trail.ended is None:
            begin = trail.last
            user, origin = (clean_line(str(begin.by.get(key, "")), 100) for key in ("user", "origin"))
            found.append(
                Unfinished(plan_id, begin.kind, user, origin, begin.at, len(trail.open()), "", running)
            )
    return tuple(sorted(found, key=lambda row: (-row.at, row.plan_id)))


def recover(
    workspace: str, by: By, clock: Clock, *, tell: Tell = silent, should_stop: Callable[[], bool] = never,
    wait: Callable[[float], None] = pause,
) -> tuple[Recovery, ...]:  # fmt: skip
    """Bring every plan that was cut off to its end: each of its moves made or not made, every task in one place.

    Raises:
        ChangeFailed: another plan is being carried out, or the journal cannot be written.
        WorkspaceError: there is no workspace.
    """
    room = Room(workspace, clock, wait=wait, should_stop=should_stop)
    if not unfinished(room.workspace):
        return ()
    tell("waiting its turn", 0, 0)
    with room.alone():
        return recovered_alone(room, by, tell)


def recovered_alone(room: Room, by: By, tell: Tell = silent) -> tuple[Recovery, ...]:
    """The same, for one who holds the lock on carrying out plans."""
    found: list[Recovery] = []
    for row in unfinished(room.workspace):
        if row.trouble:
            found.append(Recovery(row.plan_id, 0, "", UNREADABLE, row.trouble))
            continue
        try:
            trail = read_trail(room.workspace, row.plan_id)
            if trail is not None and trail.ended is None:
                found += _finished(room, trail, by, tell)
        except (BadJournal, OSError, KeyError, TypeError, AttributeError) as error:
            said = (error.strerror if isinstance(error, OSError) else None) or str(error)
            found.append(Recovery(row.plan_id, 0, "", UNREADABLE, clean_line(said)))
    return tuple(found)


def _finished(room: Room, trail: Trail, by: By, tell: Tell) -> list[Recovery]:
    journal = Journal(room.workspace, trail.plan_id)
    found: list[Recovery] = []
    try:
        orphans = Orphans(room, trail.plan_id)
        writer = Writer(room, trail.plan_id, None, orphans.lost)
        still = trail.open()
        left = 0
        for number, step in enumerate(still):
            if room.should_stop():
                left += 1
                break
            tell(f"bringing {clean_line(step.task_id, 60)} to its end", number, len(still))
            row = _one(room, trail, step, writer, journal)
            found.append(row)
            left += row.code not in _ENDS
        if not left:
            remove_temporaries(room, trail.plan_id)
            state = _receipt(room, trail.plan_id, found)
            journal.add("end", at=stamp(room.clock.wall()), state=state, recovered_by=by.data())
    finally:
        journal.close()
    return found + orphans.told


def _receipt(room: Room, plan_id: str, found: list[Recovery]) -> str:
    """Keep the receipt that the plan would have got; how much of it was done."""
    trail = read_trail(room.workspace, plan_id)
    if trail is None:
        return NOTHING
    made = [step.intent for step in trail.made() if is_made(step) and step.intent is not None]
    skipped = tuple(
        Skipped(step.seq, step.task_id, step.outcome, step.detail)
        for step in trail.steps.values() if step.outcome and not is_made(step)
    )  # fmt: skip
    begin = trail.last
    state = state_of(len(made), begin.moves)
    result = Result(plan_id, tuple(sorted(intent.seq for intent in made)), skipped, tuple(found), state)
    if made or found:
        wall, kind = room.clock.wall(), begin.kind
        write_receipt(room.workspace, wall, result, kind, begin.by, made, begin.counted)
    return state


def _one(room: Room, trail: Trail, step: Step, writer: Writer, journal: Journal) -> Recovery:
    intent = step.intent
    assert intent is not None  # an open step has one
    try:
        with room.locked(intent.source, intent.receiver) as locks:
            code, detail, stands = resolved(room, intent, writer, locks, was_moved=step.inserted)
            journal.add("recovered", seq=step.seq, code=code, detail=detail, stands=stands)
    except Refused as error:
        return Recovery(trail.plan_id, step.seq, step.task_id, error.code, str(error))
    except OSError as error:
        detail = clean_line(f"not now: {error.strerror or error}")
        return Recovery(trail.plan_id, step.seq, step.task_id, UNREADABLE, detail)
    return Recovery(trail.plan_id, step.seq, step.task_id, code, detail)
