"""What comes of carrying out a plan: who asked, which moves were made, which were not and why.

The records that apply, undo and recovery hand back; `Result.data` is the object of `bluetop.apply/1`. Not for
how it is done: that is `core.balance.moving`.
"""

import select
from typing import Any, NamedTuple

from core.errors import BluetopError
from core.text import clean_line

SCHEMA = "bluetop.apply/1"
APPLY, UNDO = "apply", "undo"
COMPLETE, PARTIAL, NOTHING = "complete", "partial", "nothing"

# Why a move was not made. Those of the specification:
LOCKED, UNREADABLE = "locked", "unreadable"
MISSING, STATUS, CHANGED = "stale_missing", "stale_status", "stale_changed"
DUPLICATE, PINNED, RECEIVER, UNSAFE = "stale_duplicate", "stale_pinned", "stale_receiver", "stale_unsafe"
# And those beside them: somebody writes without end, the file system refuses, another writer put an older file
# back, the move was made by half and is left to recovery, the operator said stop, undoing has nothing to undo.
BUSY, UNWRITABLE, OVERWRITTEN, UNFINISHED, STOPPED, NOT_MADE = (
    "busy", "unwritable", "overwritten", "unfinished", "stopped", "not_made",
)  # fmt: skip

# What became of a move that was under way, or that another writer undid.
ABORTED, FINISHED, REMOVED_COPY, RESTORED, CONFLICT = (
    "aborted", "finished", "removed_copy", "restored", "conflict",
)  # fmt: skip
MERGED, LOST = "merged", "lost"
# What brings a move to its end; after all else recovery is to try again.
ENDED = (ABORTED, FINISHED, REMOVED_COPY, RESTORED, CONFLICT, MERGED, LOST)


class By(NamedTuple):
    """Who asks for a change: the user, the address of the SSH client or "", and the reason given."""

    user: str
    origin: str = ""
    reason: str = ""

    def data(self) -> dict[str, Any]:
        """As it is kept in a journal and a receipt."""
        return {
            "user": clean_line(self.user, 100), "origin": clean_line(self.origin, 64),
            "reason": clean_line(self.reason.strip(), 300),
        }  # fmt: skip


class Skipped(NamedTuple):
    """A move that was not made: the code is one of those above, the detail a few words for people."""

    seq: int
    task_id: str
    code: str
    detail: str

    def data(self) -> dict[str, Any]:
        """As in JSON."""
        return self._asdict()


class Recovery(NamedTuple):
    """What became of a move that was not brought to its end, or that another writer took back."""

    plan_id: str
    seq: int
    task_id: str
    code: str
    detail: str

    def data(self) -> dict[str, Any]:
        """As in JSON."""
        return self._asdict()


class Result(NamedTuple):
    """What came of applying or undoing a plan; `applied` are the numbers of the moves that were made."""

    plan_id: str
    applied: tuple[int, ...]
    skipped: tuple[Skipped, ...]
    recovered: tuple[Recovery, ...]
    state: str

    def data(self) -> dict[str, Any]:
        """The object of bluetop.apply/1."""
        return {
            "schema": SCHEMA, "plan_id": self.plan_id, "applied": list(self.applied),
            "skipped": [row.data() for row in self.skipped],
            "recovered": [row.data() for row in self.recovered], "state": self.state,
        }  # fmt: skip


def state_of(applied: int, moves: int) -> str:
    """The state of a result: how much of what was asked for was done."""
    if applied == moves:
        return COMPLETE
    return PARTIAL if applied else NOTHING


class Refused(BluetopError):
    """One move is not made; `code` says why, the sentence says it for people."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code


def pause(seconds: float) -> None:
    """Let time pass."""
    select.select((), (), (), seconds)
