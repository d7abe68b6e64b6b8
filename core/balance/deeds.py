"""What plans have done to a workspace: each past apply and undo, as its journal tells.

The counts of the anti-thrash rules and the judgement of outcomes are made of these. Reads only. Not for
checking that no task was lost: that is `core.balance.receipts`.
"""

import os
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from core.balance.doing import UNDO
from core.balance.journal import BadJournal, Trail, journals, path_of, read_trail
from core.balance.past import is_made
from core.queues.times import parse
from core.text import clean_line

# Who a plan was applied by, if nobody asked for it: `auto (started by maria)`.
AUTOMATIC = "auto (started by "
HOUR_S = 3600.0
DAY_S = 86_400.0
MOST_DAYS = 31.0


class Moved(NamedTuple):
    """One move that was made: of which task, from whom to whom, when (wall seconds), its expected hours at both."""

    task_id: str
    source: str
    receiver: str
    at: float
    hours_from: float = 0.0
    hours_to: float = 0.0


class Load(NamedTuple):
    """An agent before a plan: hours of expected work, and pending tasks; None where that is not known."""

    load_hours: float
    pending: int | None


class Deed(NamedTuple):
    """One plan that was applied, or its undo; times in wall seconds.

    `moved` are the moves that were made and stand, `before` the agents that it was to touch. `undo_of` is the plan
    that an undo took back; of that plan, `undone_by` is the last undo, and `undone` are the tasks that are back where
    they were. `open` is how many moves nobody knows the end of.
    """

    plan_id: str
    kind: str
    at: float
    ended_at: float | None
    user: str
    moved: tuple[Moved, ...]
    undo_of: str = ""
    undone: frozenset[str] = frozenset()
    undone_by: str = ""
    undone_at: float = 0.0
    open: int = 0
    before: Mapping[str, Load] = {}

    @property
    def automatic(self) -> bool:
        """Whether the automatic mode did it."""
        return self.user.startswith(AUTOMATIC)

    @property
    def last_at(self) -> float:
        """When it last changed something, as far as is known."""
        return max((self.at, self.ended_at or 0.0, *(move.at for move in self.moved)))


class Deeds(NamedTuple):
    """The deeds of a workspace, newest first; `bad` are sentences about journals that cannot be used."""

    rows: tuple[Deed, ...]
    bad: tuple[str, ...] = ()


def read_deeds(workspace: str, now: float, days: float = MOST_DAYS) -> Deeds:
    """What was done in the last days; `now` in wall seconds. What was written to in that time counts."""
    found: list[Deed] = []
    bad: list[str] = []
    for plan_id in journals(workspace):
        try:
            if now - os.stat(path_of(workspace, plan_id)).st_mtime > days * DAY_S:
                continue
            trail = read_trail(workspace, plan_id)
        except FileNotFoundError:
            continue
        except (BadJournal, OSError) as error:
            bad.append(clean_line(str(error)))
            continue
        if trail is not None:
            found.append(deed_of(trail))
    return Deeds(with_undos(found), tuple(bad))


def deed_of(trail: Trail) -> Deed:
    """The deed in a journal. Of a plan that was carried out again, the loads are those of the first time."""
    first, last = trail.begun[0], trail.last
    user = last.by.get("user")
    moved = []
    for step in trail.made():
        intent = step.intent
        if intent is not None and is_made(step):
            at = parse(intent.at)
            moved.append(Moved(
                step.task_id, intent.source, intent.receiver, last.at if at is None else at.at,
                intent.hours_from, intent.hours_to,
            ))  # fmt: skip
    return Deed(
        trail.plan_id, last.kind, first.at, trail.ended, clean_line(user, 100) if isinstance(user, str) else "",
        tuple(moved), last.of, open=len(trail.open()), before=_loads(first.before),
    )  # fmt: skip


def with_undos(deeds: Iterable[Deed]) -> tuple[Deed, ...]:
    """The deeds, newest first, each with what its undo took back; what an undo of the undo made again is not undone."""
    by_id = {deed.plan_id: deed for deed in sorted(deeds, key=lambda deed: (deed.at, deed.plan_id))}
    for undo in list(by_id.values()):
        of = by_id.get(undo.undo_of)
        if undo.kind != UNDO or of is None or not undo.moved:
            continue
        tasks = frozenset(move.task_id for move in undo.moved)
        by_id[of.plan_id] = of._replace(
            undone=of.undone | tasks, undone_by=undo.plan_id, undone_at=max(of.undone_at, undo.at)
        )
        again = by_id.get(of.undo_of)
        if again is not None:
            by_id[again.plan_id] = again._replace(undone=again.undone - tasks)
    return tuple(reversed(by_id.values()))


def _loads(agents: Mapping[str, Any]) -> dict[str, Load]:
    found: dict[str, Load] = {}
    for agent, row in agents.items():
        hours = row.get("load_hours") if isinstance(row, Mapping) else None
        if isinstance(hours, int | float) and not isinstance(hours, bool) and 0 <= hours < 1e12:
            pending = row.get("pending")
            found[agent] = Load(float(hours), pending if type(pending) is int and pending >= 0 else None)
    return found
