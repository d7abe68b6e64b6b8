"""The minute after a plan: whether what was moved still is where it was put.

A writer without locks that read a file before a move and saves it afterwards takes a task away, or brings one back
that has gone elsewhere. Each refresh looks for that, by reading, and puts it right under the locks. Not for what
a crash cut off: that is `core.balance.recover`.
"""

import os
from collections.abc import Callable
from typing import NamedTuple

from core.balance.doing import ABORTED, CONFLICT, FINISHED, UNREADABLE, Recovery, Refused, pause
from core.balance.journal import BadJournal, Intent, Journal, Step, Trail, journals, path_of, read_trail
from core.balance.orphans import Orphans
from core.balance.resolve import Writer, remove_temporaries, resolved
from core.balance.room import Room
from core.balance.sheet import Sheet
from core.clock import Clock
from core.control import ChangeFailed
from core.errors import WorkspaceError
from core.record.files import stamp
from core.text import clean_line

YOUNG_S = 60.0
_PATIENCE_S = 0.5


class _Astray(NamedTuple):
    """A task that is not where it was put, and the move to look at, which may be one between others than it was.

    `home` is the receiver of the move as it was.
    """

    trail: Trail
    seq: int
    intent: Intent
    home: str


def settle(
    workspace: str, clock: Clock, *, young_s: float = YOUNG_S, wait: Callable[[float], None] = pause
) -> tuple[Recovery, ...]:
    """Look after every task that was moved within the last minute; what was lost is put back, what came back removed.

    Does nothing while a plan is being carried out, or where the workspace cannot be written.
    """
    try:
        room = Room(workspace, clock, wait=wait)
    except WorkspaceError:
        return ()
    if not _astray(room, young_s):
        return ()
    found: list[Recovery] = []
    try:
        with room.alone(_PATIENCE_S):
            for row in _astray(room, young_s):
                found += _put_right(room, row)
    except ChangeFailed:
        return tuple(found)
    return tuple(found)


def _astray(room: Room, young_s: float) -> list[_Astray]:
    found: list[_Astray] = []
    sheets: dict[str, Sheet | None] = {}
    for history in _young(room, young_s).values():
        found += _looked_at(room, history, sheets)
    return found


def _young(room: Room, young_s: float) -> dict[str, list[tuple[Trail, Step]]]:
    """By task, the moves of plans that ended a moment ago, the last one last.

    Not those that ended in the future, when a clock was wrong: they would be young for years.
    """
    now = room.clock.wall()
    since = now - young_s
    trails = []
    for plan_id in journals(room.workspace):
        try:
            if os.stat(path_of(room.workspace, plan_id)).st_mtime < since - young_s:
                continue  # not written to for so long, it cannot have ended since
            trail = read_trail(room.workspace, plan_id)
        except (OSError, BadJournal):
            continue
        if trail is not None and trail.ended is not None and since <= trail.ended <= now + young_s:
            trails.append(trail)
    found: dict[str, list[tuple[Trail, Step]]] = {}
    for trail in sorted(trails, key=lambda found: (found.last.at, found.ended or 0.0)):
        for step in trail.steps.values():
            if step.intent is not None and step.outcome:
                found.setdefault(step.task_id, []).append((trail, step))
    return found


def _looked_at(
    room: Room, history: list[tuple[Trail, Step]], sheets: dict[str, Sheet | None]
) -> list[_Astray]:
    """What is wrong with one task; files that cannot be read now are looked at another time."""
    trail, step = history[-1]
    intent = step.intent
    assert intent is not None  # only such steps are kept
    source, receiver = _sheet(room, intent.source, sheets), _sheet(room, intent.receiver, sheets)
    if source is None or receiver is None:
        return []
    task_id = intent.task_id
    here, there = bool(source.places(task_id)), bool(receiver.places(task_id))
    done = source.has_done(task_id) or receiver.has_done(task_id)
    lost = not (here or there or done)
    if lost and room.whereabouts(task_id, (intent.source, intent.receiver)):
        return []  # it has gone on
    if step.outcome == CONFLICT and not lost:
        return []  # both copies were kept, and said so; only both gone would be a loss
    is_elsewhere = here if step.stands else there
    if is_elsewhere or (here and there) or lost:
        return [_Astray(trail, step.seq, intent, intent.receiver)]
    # Where it was put is well. One that held it a moment before may have got it back from an older copy.
    known: dict[str, str] = {}
    for _, earlier in history:
        if earlier.intent is not None:
            known[earlier.intent.source], known[earlier.intent.receiver] = (
                earlier.intent.text,
                earlier.intent.placed,
            )
    home, text = (intent.receiver, intent.placed) if there else (intent.source, intent.text)
    found = []
    for agent, former in sorted(known.items()):
        sheet = None if agent in (intent.source, intent.receiver) else _sheet(room, agent, sheets)
        if sheet is not None and sheet.places(task_id) and (here or there):
            other = intent._replace(source=agent, text=former, receiver=home, placed=text, inner="")
            found.append(_Astray(trail, step.seq, other, intent.receiver))
    return found


def _sheet(room: Room, agent: str, sheets: dict[str, Sheet | None]) -> Sheet | None:
    if agent not in sheets:
        try:
            sheets[agent] = room.read(agent).sheet
        except Refused:
            sheets[agent] = None
    return sheets[agent]


def _put_right(room: Room, row: _Astray) -> list[Recovery]:
    plan_id, intent = row.trail.plan_id, row.intent
    orphans = Orphans(room, plan_id)
    try:
        with room.locked(intent.source, intent.receiver) as locks:
            journal = Journal(room.workspace, plan_id)
            try:
                # Open again, so that a crash from here on is recovered from.
                journal.add("reopened", seq=row.seq)
                writer = Writer(room, plan_id, None, orphans.lost)
                code, detail, stands = resolved(room, intent, writer, locks, was_moved=True)
                stands = stands and intent.receiver == row.home
                journal.add("recovered", seq=row.seq, code=code, detail=detail, stands=stands)
                remove_temporaries(room, plan_id)
                # It ended when it did: the minute is not begun again.
                journal.add("end", at=stamp(row.trail.ended or 0.0))
            finally:
                journal.close()
    except Refused as error:
        return [Recovery(plan_id, row.seq, intent.task_id, error.code, str(error)), *orphans.told]
    except OSError as error:
        detail = clean_line(f"not now: {error.strerror or error}")
        return [Recovery(plan_id, row.seq, intent.task_id, UNREADABLE, detail), *orphans.told]
    if code == FINISHED and stands == row.trail.steps[row.seq].stands:
        return orphans.told
    if code == ABORTED:
        detail = f"another writer put an older file back; {detail}"
    return [Recovery(plan_id, row.seq, intent.task_id, code, detail), *orphans.told]
