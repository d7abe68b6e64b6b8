"""Where a task is that was being moved, and bringing it to exactly one place: the table of section 7.

The same rules serve a crash, a writer without locks that put an older file back, and the look that follows every
move. Called under the locks of both agents. Not for deciding whether a move is made: that is
`core.balance.moving`.
"""

import json
import os
from collections.abc import Callable
from typing import Any, NamedTuple

from core.balance.doing import (
    ABORTED,
    BUSY,
    CONFLICT,
    FINISHED,
    REMOVED_COPY,
    RESTORED,
    UNWRITABLE,
    Refused,
)
from core.balance.facts import task_of
from core.balance.journal import Intent
from core.balance.locks import Held
from core.balance.rewrite import Gap, RewriteFailed, put_in, taken_out
from core.balance.room import Loaded, Room
from core.balance.sheet import Sheet
from core.balance.strict import fingerprint
from core.balance.swap import Replaced, commit, is_ours, remove, sync, temporary

RETRIES = 3
# The look after a move and recovery have more patience than a move that can be left undone.
_TURNS = 12


class Outcome(NamedTuple):
    """What became of a move. `stands`: the task is with the receiver, or was and has gone on from there."""

    code: str
    detail: str
    stands: bool


class Wish(NamedTuple):
    """A queue file as it is, and as it shall be."""

    loaded: Loaded
    made: Sheet


def _nobody(agent: str, data: bytes) -> None:
    """Nobody is told."""


class Writer:
    """Replaces queue files for one plan. `keep` gets what was swapped out, `lost` what others lost by it.

    `touched`: since it was last set to False, a file may have held for a moment what then was taken back.
    """

    def __init__(
        self, room: Room, plan_id: str, keep: Callable[[str, Replaced, Sheet], None] | None = None,
        lost: Callable[[str, bytes], None] = _nobody,
    ) -> None:  # fmt: skip
        self.room, self.plan_id = room, plan_id
        self.touched = False
        self._keep, self._lost = keep, lost

    def write(self, wish: Wish, locks: Held) -> bool:
        """Make a queue file what it shall be; False if it is not any more what was read.

        Raises:
            Refused, OSError: that cannot be.
        """
        made = temporary(wish.loaded.queue, wish.made.data, self.plan_id)
        try:
            sync(made)
        except BaseException:
            remove(made)
            raise
        if not self.put(wish, made, locks):
            return False
        sync(wish.loaded.folder)
        return True

    def put(self, wish: Wish, made: str, locks: Held) -> bool:
        """The same with a temporary file that is on the disk already; its folder is to be synced afterwards."""
        queue = wish.loaded.queue
        before, self.touched = self.touched, True  # until it is known: also where commit raises
        found, touched = commit(
            made, queue, wish.made.data, self.room.link(queue.agent), locks.is_ours,
            lambda data: self._lost(queue.agent, data),
        )  # fmt: skip
        self.touched = before or touched
        if found is None:
            return False
        self.room.wrote(queue.path, wish.made)
        if self._keep is None:
            found.close()
        else:
            self._keep(queue.agent, found, wish.made)
        return True


def resolved(room: Room, intent: Intent, writer: Writer, locks: Held, *, was_moved: bool) -> Outcome:
    """Look where the task of a move is, and put right what is not as it should be.

    `was_moved`: the move had been brought to its end before.

    Raises:
        Refused: a file cannot be read or written, so that nothing can be said.
        OSError: the same.
    """
    for turn in range(_TURNS):
        source, receiver = room.read(intent.source), room.read(intent.receiver)
        try:
            outcome, wish = _decided(room, intent, source, receiver, was_moved)
        except RewriteFailed as error:
            raise Refused(UNWRITABLE, str(error)) from error
        if wish is None or writer.write(wish, locks):
            return outcome
        if not locks.is_ours():
            break
        if turn:
            room.wait(0.01)
    raise Refused(BUSY, f"{intent.source} or {intent.receiver} is written without a pause")


def _decided(
    room: Room, intent: Intent, source: Loaded, receiver: Loaded, was_moved: bool
) -> tuple[Outcome, Wish | None]:
    here, there = source.sheet.places(intent.task_id), receiver.sheet.places(intent.task_id)
    giver, taker, task_id = intent.source, intent.receiver, intent.task_id
    if len(here) > 1 or len(there) > 1:
        return Outcome(
            CONFLICT, f"{task_id} is there twice with {giver if len(here) > 1 else taker}", bool(there)
        ), None
    stamp = room.stamp()
    if here and there:
        old, new = source.sheet.tasks[here[0]], receiver.sheet.tasks[there[0]]
        if is_same(old, intent.text):
            wish = Wish(source, taken_out(source.sheet, here[0], stamp))
            return Outcome(REMOVED_COPY, f"removed from {giver}, it is with {taker}", True), wish
        if is_same(new, intent.placed):
            wish = Wish(receiver, taken_out(receiver.sheet, there[0], stamp, intent.inner))
            what = told(old, intent.text)
            return Outcome(REMOVED_COPY, f"removed from {taker}: {giver} has it, {what}", False), wish
        both = f"with {giver} {told(old, intent.text)}, with {taker} {told(new, intent.placed)}"
        return Outcome(CONFLICT, f"{task_id} is {both}; both are kept, remove one by hand", True), None
    if here:
        return Outcome(ABORTED, f"it is with {giver}, as before", False), None
    if there:
        new = receiver.sheet.tasks[there[0]]
        if source.sheet.has_done(task_id) and not intent.was_done and is_same(new, intent.placed):
            wish = Wish(receiver, taken_out(receiver.sheet, there[0], stamp, intent.inner))
            return Outcome(REMOVED_COPY, f"removed from {taker}: {giver} has done it", False), wish
        return Outcome(FINISHED, f"it is with {taker}", True), None
    if receiver.sheet.has_done(task_id):
        return Outcome(FINISHED, f"{taker} has it in its history", True), None
    if source.sheet.has_done(task_id) and not intent.was_done:
        return Outcome(FINISHED, f"{giver} has it in its history", False), None
    other = room.whereabouts(task_id, (giver, taker))
    if other:
        return Outcome(FINISHED, f"it is with {other} by now", was_moved), None
    place = former_place(source.sheet, intent)
    wish = Wish(source, put_in(source.sheet, place, intent.text, stamp, Gap(intent.before, intent.after)))
    return Outcome(RESTORED, f"it was nowhere any more, and is with {giver} again", False), wish


def former_place(sheet: Sheet, intent: Intent) -> int:
    """Where a task goes back to: behind its former neighbour, else before the other one, else by its number."""
    before = sheet.places(intent.before_id) if intent.before_id else []
    after = sheet.places(intent.after_id) if intent.after_id else []
    if len(before) == 1 and intent.place:
        return before[0] + 1
    if len(after) == 1:
        return after[0]
    return min(intent.place, len(sheet.elements))


def is_same(row: Any, text: str) -> bool:
    """Whether a task is equal to the one in `text`."""
    return fingerprint(row) == fingerprint(json.loads(text))


def told(row: Any, text: str) -> str:
    """What is different about a task, in two words."""
    status = task_of(0, row).status if isinstance(row, dict) else ""
    return (
        f"now {status or 'without a status'}" if status != task_of(0, json.loads(text)).status else "changed"
    )


def remove_temporaries(room: Room, plan_id: str) -> None:
    """Delete the temporary files that this plan left behind; nobody else has any of it, since the lock is ours."""
    folders = set()
    for agent in room.agents():
        link = room.link(agent)
        folders.add(os.path.dirname(link))
        if os.path.islink(link):
            folders.add(os.path.dirname(os.path.realpath(link)))
    ours = frozenset((plan_id,))
    for folder in sorted(folders):
        try:
            names = os.listdir(folder)
        except OSError:
            continue
        for name in names:
            if is_ours(name, ours):
                remove(os.path.join(folder, name))
