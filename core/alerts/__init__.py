"""Alert rules: judged by a pure engine, live and in replay; what is kept of them, and who is told.

`rules`, `windows`, `instances`, `machine`, `governing`, `agenda` and `engine` judge; `replay` feeds them from a
file, `live` from the pollers. `saved` and `store` keep state and log, `outbox` and `courier` carry notifications
away. `view` is what screens and reports see.
"""

import os
from typing import Any


def plan(workspace: str | None, state: str | None, *, write: bool, seen: bool = False) -> dict[str, Any]:
    """Where alerts of a workspace may be kept, and whether this instance may write there, for `Engine`.

    `state` is bluetop's own state folder, for a workspace that cannot be written. With `seen` it is remembered
    there when this operator looked last. {} without a workspace: alerts are in memory only.
    """
    if workspace is None:
        return {}
    from core.record.files import places

    folders = places(workspace, state)
    marker = os.path.join(folders[-1], "alerts.seen") if seen and write and len(folders) > 1 else ""
    return {"folders": folders, "within": workspace, "write": write, "seen": marker}
