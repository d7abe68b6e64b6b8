"""The audit log of rebalancing: one line for each apply, undo and recovery that was asked for, done or not.

    .bluetop/audit.jsonl     only ever added to: who, from where, when, why, what, and what came of it
    .bluetop/audit.1.jsonl   the one before, once the first has grown too large

The moves themselves are in the plan's journal. A line that cannot be written stops nothing: the journal
says the same of all that was done.
"""

import contextlib
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from core.record.files import FOLDER, encoded, ignore_by_git, make_folder, open_regular, stamp, write_all
from core.text import clean_line

if TYPE_CHECKING:
    from core.balance.doing import By

AUDIT, OLDER = "audit.jsonl", "audit.1.jsonl"
FAILED = "failed"
MOST_BYTES = 4 * 1024 * 1024


def note(workspace: str, at: float, what: str, by: "By", plan_id: str, came_of_it: Mapping[str, Any]) -> None:
    """Add a line; `at` in wall seconds, `came_of_it` are further keys.

    What failed is no reason to begin a folder in a workspace that had none.
    """
    line = {
        "at": stamp(at),
        "what": what,
        "plan_id": clean_line(plan_id, 64) or None,
        "user": by.user,
        "origin": by.origin,
        "reason": by.reason,
        **came_of_it,
    }
    folder = os.path.join(workspace, FOLDER)
    if came_of_it.get("state") == FAILED and not os.path.isdir(folder):
        return
    with contextlib.suppress(OSError):
        make_folder(folder, workspace)
        ignore_by_git(folder)
        path = os.path.join(folder, AUDIT)
        with contextlib.suppress(FileNotFoundError):
            if os.lstat(path).st_size > MOST_BYTES:
                os.replace(path, os.path.join(folder, OLDER))
        fd = open_regular(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        try:
            write_all(fd, encoded(line).encode("utf-8", "backslashreplace") + b"\n")
        finally:
            os.close(fd)


def done(data: Mapping[str, Any]) -> dict[str, Any]:
    """What came of a change: the counts in its result."""
    return {
        "state": data.get("state"),
        "moved": len(data.get("applied", ())),
        "skipped": len(data.get("skipped", ())),
        "recovered": len(data.get("recovered", ())),
    }


def failed(error: Exception) -> dict[str, Any]:
    """What came of a change that could not be made."""
    return {"state": FAILED, "problem": clean_line(str(error) or type(error).__name__)}
