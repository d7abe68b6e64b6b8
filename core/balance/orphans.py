"""Queue files that were swapped out, while somebody may still have them open and write into them.

A writer that opened the file before it was replaced, and writes in place, writes into a file that has no name any
more. That is noticed here: what was written is carried over where that can be done safely, else kept
in `.bluetop/lost` and reported. Not for files that were replaced by others: CAS in `core.balance.swap` sees those.
"""

import json
import os
from typing import NamedTuple

from core.balance.doing import LOST, MERGED, Recovery, Refused
from core.balance.journal import Intent, made_folder
from core.balance.locks import Held
from core.balance.resolve import Wish, Writer, is_same
from core.balance.rewrite import RewriteFailed, place_for, put_in, taken_out
from core.balance.room import Room
from core.balance.sheet import Sheet, sheet_of
from core.balance.strict import NotStandard
from core.balance.swap import Replaced
from core.record.files import FOLDER, write_all

LOST_FOLDER = "lost"
MOST = 64
_TURNS, _PAUSE_S = 10, 0.02


class Orphan(NamedTuple):
    """One file that was swapped out, and what took its place; `intent` is the move for which that was done."""

    agent: str
    replaced: Replaced
    made: Sheet
    intent: Intent


class Orphans:
    """The files that one plan swapped out, the last ones of them."""

    def __init__(self, room: Room, plan_id: str) -> None:
        self._room, self._plan_id = room, plan_id
        self._kept: list[Orphan] = []
        self.told: list[Recovery] = []
        """What was noticed."""

    def keep(self, orphan: Orphan) -> None:
        """Watch one more."""
        self._kept.append(orphan)
        if len(self._kept) > MOST:
            self._kept.pop(0).replaced.close()

    def close(self) -> None:
        """Watch no more."""
        for orphan in self._kept:
            orphan.replaced.close()
        self._kept.clear()

    def carry(self, writer: Writer, locks: Held, intent: Intent) -> None:
        """Right after a move, under its locks: carry over what was written into the files that it swapped out.

        Raises:
            Refused, OSError: a file could not be written.
        """
        for orphan in [row for row in self._kept if row.intent is intent]:
            found = self._later(orphan)
            if found is None:
                continue
            self._kept.remove(orphan)
            orphan.replaced.close()
            wish = self._merged(orphan, found)
            if wish is None or not writer.write(wish, locks):
                self._lose(orphan, found)
                continue
            detail = (
                f"{orphan.agent}'s file was written in place while it was replaced; both changes are in it"
            )
            self.told.append(Recovery(self._plan_id, intent.seq, intent.task_id, MERGED, detail))

    def look(self) -> None:
        """At the end: what was written since into files that were swapped out is kept aside and reported."""
        for orphan in self._kept:
            found = self._later(orphan)
            if found is not None:
                self._lose(orphan, found)

    def lost(self, agent: str, data: bytes) -> None:
        """Report what others wrote over at the very moment in which a file was replaced."""
        self._save(agent, data, f"{agent}'s file was written by two others at once")

    def _later(self, orphan: Orphan) -> bytes | None:
        """What was written into a swapped out file, once it is whole; None if nothing was."""
        found = orphan.replaced.later()
        for _ in range(_TURNS):
            if found is None or _is_whole(found):
                break
            self._room.wait(_PAUSE_S)
            found = orphan.replaced.later()
        return found

    def _merged(self, orphan: Orphan, data: bytes) -> Wish | None:
        """The file as it is, and what was written in place with the move made in it; None if that cannot be."""
        intent = orphan.intent
        try:
            theirs, now = sheet_of(data), self._room.read(orphan.agent)
            if now.sheet.data != orphan.made.data:
                return None  # somebody has gone on from what we wrote
            places, stamp = theirs.places(intent.task_id), self._room.stamp()
            if orphan.agent == intent.receiver:
                if places:
                    return None
                place = place_for(theirs, json.loads(intent.placed).get("priority"))
                return Wish(now, put_in(theirs, place, intent.placed, stamp))
            if len(places) == 1 and is_same(theirs.tasks[places[0]], intent.text):
                return Wish(now, taken_out(theirs, places[0], stamp))
            return Wish(now, theirs)  # begun there meanwhile: what follows from that is seen to next
        except (NotStandard, RewriteFailed, Refused):
            return None

    def _lose(self, orphan: Orphan, data: bytes) -> None:
        what = (
            f"{orphan.agent}'s file was written in place by somebody who had opened it before it was replaced"
        )
        self._save(orphan.agent, data, what, orphan.intent)

    def _save(self, agent: str, data: bytes, what: str, intent: Intent | None = None) -> None:
        try:
            folder = made_folder(self._room.workspace, LOST_FOLDER)
            name = f"{self._plan_id[:16]}-{os.urandom(4).hex()}.json"
            fd = os.open(
                os.path.join(folder, name),
                os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC,
                0o600,
            )
            try:
                write_all(fd, data)
            finally:
                os.close(fd)
            where = f"it is kept in {FOLDER}/{LOST_FOLDER}/{name}, compare the two"
        except OSError as error:
            where = f"and it could not be kept: {error.strerror or error}"
        self.told.append(Recovery(
            self._plan_id, 0 if intent is None else intent.seq, "" if intent is None else intent.task_id, LOST,
            f"{what}; {where}",
        ))  # fmt: skip


def _is_whole(data: bytes) -> bool:
    try:
        sheet_of(data)
    except NotStandard:
        return False
    return True
