"""What happened to tasks, kept: net changes between two looks, so that rates and ages survive a restart.

`ledger` says what changed (pure but for its clock), `keeper` who writes it, `journal` keeps it in
files, `files` and `statesfile` are where those lie and what is in them. All of it runs in the
prober: a file system that hangs costs the record, never the screen. The seam is
`journal.Record`: another store takes its place by doing the same few things.
"""

from typing import Any


def plan(
    workspace: str | None, state: str | None, *, write: bool, at_once: bool = False, most_bytes: int = 1 << 26
) -> dict[str, Any]:
    """Where the record of a workspace may be, and whether this instance may write it, for `Engine`.

    `state` is bluetop's own state folder, for a workspace that cannot be written. With `at_once` the
    record is opened with the first look: for a command that looks once. {} without a workspace.
    """
    if workspace is None:
        return {}
    from core.record.files import places

    folders = places(workspace, state)
    return {"folders": folders, "write": write, "at_once": at_once, "most_bytes": most_bytes}
