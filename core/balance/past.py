"""What was carried out before: each apply and undo, as its journal tells.

Reads only. Not for checking that no task was lost: that is `core.balance.receipts`.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from core.balance.doing import APPLY, CONFLICT, FINISHED, REMOVED_COPY, UNDO, state_of
from core.balance.journal import BadJournal, Step, Trail, journals, read_trail
from core.queues.times import parse
from core.record.files import stamp
from core.text import clean_line


class Past(NamedTuple):
    """One plan that was applied, or undone; times in wall seconds.

    `of` is the plan that an undo takes back, `undone_by` the undo that took this one back later. `moves` are those
    that were made, as (seq, task id, from, to, at, hours_from, hours_to). `open` is how many were begun and not
    ended, `ended_at` None while there are such. `before` and `after` are what was predicted of the agents
    concerned: load_hours, utilisation, capacity_hours and pending; the peaks [%] are those of the workspace.
    """

    plan_id: str
    kind: str
    of: str
    at: float
    ended_at: float | None
    user: str
    origin: str
    reason: str
    moved: int
    skipped: int
    state: str
    open: int
    undone_by: str
    undone_at: float
    peak_before: float
    peak_after: float
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    options: Mapping[str, Any]
    moves: tuple[tuple[int, str, str, str, float, float, float], ...]
    trouble: str = ""

    def data(self) -> dict[str, Any]:
        """As in JSON, times as text."""
        found = self._asdict()
        found["at"] = stamp(self.at)
        found["ended_at"] = None if self.ended_at is None else stamp(self.ended_at)
        found["undone_at"] = stamp(self.undone_at) if self.undone_at else None
        found["before"], found["after"], found["options"] = (
            dict(self.before),
            dict(self.after),
            dict(self.options),
        )
        found["moves"] = [
            {"seq": seq, "task_id": task, "from": giver, "to": taker, "at": stamp(at), "hours_from": old,
             "hours_to": new}
            for seq, task, giver, taker, at, old, new in self.moves
        ]  # fmt: skip
        return found


def history(workspace: str) -> tuple[Past, ...]:
    """Everything that was applied and undone in a workspace, the newest first.

    Journals of another shape are left out.
    """
    rows = []
    for plan_id in journals(workspace):
        try:
            trail = read_trail(workspace, plan_id)
        except BadJournal:
            continue
        if trail is not None:
            rows.append(_past(trail))
    rows.sort(key=lambda row: (row.at, row.ended_at or row.at, row.plan_id), reverse=True)
    undos: dict[str, Past] = {}
    found = []
    for row in rows:
        undo = undos.get(row.plan_id)
        if undo is not None and undo.at >= row.at:
            row = row._replace(undone_by=undo.plan_id, undone_at=undo.at)
        found.append(row)
        # An undo that was itself undone took nothing back.
        if row.kind == UNDO and row.of and row.moved and not row.undone_by:
            undos.setdefault(row.of, row)
    return tuple(found)


def is_made(step: Step) -> bool:
    """Whether a move was made and stands."""
    return step.stands and step.outcome in ("removed", FINISHED, REMOVED_COPY)


def _wall(text: str) -> float:
    found = parse(text)
    return 0.0 if found is None else found.at


def _past(trail: Trail) -> Past:
    begin = trail.last
    by = {key: clean_line(str(value), 300) for key, value in begin.by.items()}
    made = [step for step in trail.made() if is_made(step)]
    still = len(trail.open())
    conflicts = [step.task_id for step in trail.steps.values() if step.outcome == CONFLICT]
    moves = tuple(
        (step.seq, clean_line(step.task_id, 200), intent.source, intent.receiver, _wall(intent.at),
         float(intent.hours_from), float(intent.hours_to))
        for step in made if (intent := step.intent) is not None
    )  # fmt: skip
    return Past(
        begin.plan_id, UNDO if begin.kind == UNDO else APPLY, begin.of, begin.at, trail.ended,
        by.get("user", ""), by.get("origin", ""), by.get("reason", ""), len(made),
        begin.moves - len(made) if trail.ended is not None else len(trail.steps) - len(made) - still,
        state_of(len(made), begin.moves) if trail.ended is not None else "unfinished", still, "", 0.0,
        begin.peak_before, begin.peak_after, begin.before, begin.after, begin.options, moves,
        clean_line(f"two copies of {', '.join(conflicts)} are kept") if conflicts else "",
    )  # fmt: skip
