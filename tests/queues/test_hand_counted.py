"""Ten real workspaces, counted by hand. Needs BLUETOP_CORPUS: the folder postbox-corpus.

How it was counted: each file was read as text from its first line to its last, every record's id
and status written down on a list, and the list counted, without the product's own readers.

- A task is an id: TASK-168F stands twice in CA's history (29d1feb01, d2522bac3, f32dac125) and counts once.
- `complete`, `done`, `COMPLETED`, `closed_via_reference` and a message of type `task_complete` or
  `task_completion` mean completed; `created` is no status of a task that is known: other.
- A record with an id and no status (the reports in CA's file of cdc37fe3b and d702fe19c, the `merge_noop` and
  `merge_review` messages of ARCH in 6b5f72dc2) says nothing of how the task stands: other. Where a
  second record of that id says it (TASK-162P in cdc37fe3b: a report without, a record with `completed`), that counts.
- Two reports in CC's file of 6b5f72dc2 have a status and no id: nobody can tell whether they are one
  task, so they count one each. `release_tag` messages are about no task.
- The trailing comma (CA, f32dac125) and the JavaScript (CC, 596a77c52) cost no task.
"""

import os

import pytest

from core.queues import BACKENDS, Limits

CORPUS = os.environ.get("BLUETOP_CORPUS", "")

# Snapshot → agent → (waiting, in progress, in review, blocked, failed, completed, other); None: no queue file.
COUNTED: dict[str, dict[str, tuple[int, ...] | None]] = {
    "agent-comms-mvp-596a77c52": {
        "ARCH": (0, 0, 0, 0, 0, 0, 0), "CA": (0, 0, 0, 0, 0, 0, 0), "CC": (0, 0, 0, 0, 0, 2, 0),
        "WA": (0, 0, 0, 0, 0, 0, 0),
    },
    "agent-comms-mvp-6b5f72dc2": {
        "ARCH": (0, 0, 0, 0, 0, 24, 3), "CA": (0, 0, 0, 0, 0, 5, 0), "CC": (0, 0, 0, 0, 0, 34, 1),
        "HUMAN": None, "WA": (0, 0, 0, 0, 0, 3, 0),
    },
    "autopilot-29d1feb01": {
        "ARCH": (0, 0, 0, 0, 0, 3, 0), "BLUE": (0, 0, 0, 0, 0, 0, 0), "CA": (0, 0, 0, 0, 0, 15, 0),
        "CB": (0, 0, 0, 0, 0, 11, 0), "CC": (0, 0, 0, 0, 0, 7, 0), "WA": (0, 0, 0, 0, 0, 0, 0),
    },
    "autopilot-6681f7dd8": {
        "ARCH": (0, 0, 0, 0, 0, 3, 0), "BLUE": (0, 0, 0, 0, 0, 0, 0), "CA": (1, 0, 0, 0, 0, 2, 0),
        "CB": (0, 0, 1, 0, 0, 2, 0), "CC": (0, 1, 0, 0, 0, 2, 0), "WA": (0, 0, 0, 0, 0, 0, 0),
    },
    "autopilot-7c79f7d3d": {
        "ARCH": (0, 0, 0, 0, 0, 3, 0), "BLUE": (0, 0, 0, 0, 0, 0, 0), "CA": (0, 0, 0, 0, 0, 8, 0),
        "CB": (0, 0, 0, 0, 0, 8, 0), "CC": (0, 0, 1, 0, 0, 3, 0), "WA": (0, 0, 0, 0, 0, 0, 0),
    },
    "autopilot-cdc37fe3b": {
        "ARCH": (0, 0, 0, 0, 0, 1, 0), "CA": (0, 0, 0, 0, 0, 35, 16), "CC": (0, 0, 0, 0, 0, 16, 0),
        "WA": (0, 0, 0, 0, 0, 7, 0),
    },
    "autopilot-d2522bac3": {
        "ARCH": (0, 0, 0, 0, 0, 3, 0), "BLUE": (0, 0, 0, 0, 0, 0, 0), "CA": (0, 1, 0, 0, 0, 15, 0),
        "CB": (1, 0, 0, 0, 0, 11, 0), "CC": (1, 0, 0, 0, 0, 7, 0), "WA": (0, 0, 0, 0, 0, 0, 0),
    },
    "autopilot-d702fe19c": {
        "CA": (0, 0, 0, 0, 0, 6, 4), "CC": (0, 0, 0, 0, 0, 7, 0), "WA": (0, 0, 0, 0, 0, 1, 0),
    },
    "autopilot-f32dac125": {
        "ARCH": (0, 0, 0, 0, 0, 3, 0), "BLUE": (0, 0, 0, 0, 0, 0, 0), "CA": (1, 0, 0, 0, 0, 13, 0),
        "CB": (0, 1, 0, 0, 0, 9, 0), "CC": (0, 0, 1, 0, 0, 6, 0), "WA": (0, 0, 0, 0, 0, 0, 0),
    },
    "autopilot-f4c984f19": {
        "ARCH": (0, 0, 0, 0, 0, 1, 0), "BLUE": (0, 0, 0, 0, 0, 0, 0), "CA": (1, 0, 0, 0, 0, 4, 0),
        "CB": (1, 0, 0, 0, 0, 4, 0), "CC": (1, 0, 0, 0, 0, 3, 0), "WA": (0, 0, 0, 0, 0, 0, 0),
    },
}  # fmt: skip


@pytest.mark.skipif(not CORPUS, reason="BLUETOP_CORPUS is not set")
@pytest.mark.parametrize("name", sorted(COUNTED))
@pytest.mark.parametrize("deep_check_bytes", [Limits().deep_check_bytes, 0], ids=["careful", "fast"])
def test_the_counts_are_those_of_a_person(name: str, deep_check_bytes: int) -> None:
    root = os.path.join(CORPUS, "snapshots", name)
    backend = BACKENDS["postbox"](root, Limits(deep_check_bytes=deep_check_bytes))
    found = {
        row.agent: None
        if row.form == "missing"
        else (row.pending, row.in_progress, row.review, row.blocked, row.failed, row.completed, row.other)
        for part in backend.scan(lambda path: None)
        for row in part.changed
    }
    assert found == COUNTED[name]
