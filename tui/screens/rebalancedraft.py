"""The plan that is being looked at, as the operator shapes it: options, dropped moves, pinned tasks, its age.

Plain state; it knows no screen and asks nobody. Requests are made here and sent elsewhere.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from core.balance.options import Options
from core.balance.plan import Move, Plan, plan_of
from core.queues.model import AgentQueue
from core.queues.times import parse
from core.snapshot import Snapshot
from core.text import clean_line
from tui.view.spans import width

_NAMED = 2
MOST_ID = 80  # characters of an id that are shown


class Draft:
    """`full` is the plan as it was made, `plan` the same without the moves that were dropped."""

    def __init__(self, options: Options, expires_s: float) -> None:
        self.options = options
        self.expires_s = expires_s
        self.full: Plan | None = None
        self.plan: Plan | None = None
        self.dropped: dict[str, Move] = {}
        self.pinned: dict[str, str] = {}  # task → who has it
        self.changed: tuple[str, ...] = ()  # agents whose queues are not what was planned with
        self.touched: dict[str, str] = {}  # planned task → what it is now
        self._known = False  # whether it was looked where the planned tasks are, since a queue changed
        self._less = False
        self._base: dict[str, AgentQueue] = {}
        self._seen: dict[str, AgentQueue] = {}

    # -- asking for it -----------------------------------------------------------------------

    def anew(self, snap: Snapshot, wall: float) -> dict[str, Any]:
        """The request for a new plan from the queues as they are now."""
        self._less = False
        self._base = self._seen = {view.queue.agent: view.queue for view in snap.agents}
        options = self.options._replace(pins=tuple(sorted(self.pinned)))
        return {"options": options.data(), "now": wall}

    def less(self, wall: float) -> dict[str, Any] | None:
        """The request for the same plan without what was dropped; None where that is known already."""
        if self.full is None:
            return None
        seqs = [move.seq for move in self.full.moves if move.task_id in self.dropped]
        if not seqs:
            self.plan = self.full
            return None
        self._less = True
        made = parse(self.full.now)  # it gets no younger by having fewer moves
        now = made.at if made is not None else wall
        return {"plan": self.full.data(), "drop": seqs, "options": self.full.options.data(), "now": now}

    def take(self, data: Mapping[str, Any]) -> bool:
        """The plan that was asked for; whether the dropped moves are still to be taken out of it.

        Raises:
            UsageError: it is no plan.
        """
        plan = plan_of(data)
        if self._less:
            self.plan = plan
            return False
        self.full = plan
        there = {move.task_id: move for move in plan.moves}
        self.dropped = {task: there[task] for task in self.dropped if task in there}
        self.changed, self.touched = (), {}
        if self.dropped:
            return True
        self.plan = plan
        return False

    # -- shaping it --------------------------------------------------------------------------

    def names(self) -> dict[str, str]:
        """Tasks of the plan: what is shown of an id → the id as its file has it."""
        moves = self.full.moves if self.full is not None else ()
        return {shown_id(name): name for name in (*self.pinned, *(move.task_id for move in moves))}

    def toggle_dropped(self, tasks: Sequence[str]) -> None:
        """Drop these moves; where all of them are dropped, take them back."""
        moves = {move.task_id: move for move in self.full.moves} if self.full is not None else {}
        known = [task for task in tasks if task in moves]
        if all(task in self.dropped for task in known):
            for task in known:
                del self.dropped[task]
        else:
            self.dropped.update({task: moves[task] for task in known})

    def toggle_pinned(self, tasks: Mapping[str, str]) -> bool:
        """Pin these tasks (task → owner), or where all are pinned let go of them; whether they are pinned now."""
        if all(task in self.pinned for task in tasks):
            for task in tasks:
                del self.pinned[task]
            return False
        self.pinned.update(tasks)
        return True

    # -- its age -----------------------------------------------------------------------------

    def left_s(self, wall: float) -> float:
        """Seconds until it is too old to be applied; 0 without a plan."""
        made = parse(self.plan.now) if self.plan is not None else None
        return 0.0 if made is None else max(0.0, made.at + self.expires_s - wall)

    def watch(self, snap: Snapshot) -> bool:
        """Compare the queues with those that were planned with; whether any is another than the last time."""
        if self.full is None:
            return False
        now = {view.queue.agent: view.queue for view in snap.agents}
        if now.keys() == self._seen.keys() and all(now[name] is self._seen[name] for name in now):
            return False
        self._seen, self._known = now, False
        names = sorted(self._base.keys() | now.keys())
        self.changed = tuple(
            name for name in names if not _alike(self._base.get(name), now.get(name))
        )  # fmt: skip
        return True

    def standing(self, found: Mapping[str, tuple[str, str]]) -> None:
        """Where the planned tasks are now: task → (agent, status). What is known of none says nothing."""
        if self.full is None or not found:
            return
        self.touched, self._known = {}, True
        for move in self.full.moves:
            task = clean_line(move.task_id)
            agent, status = found.get(task, ("", ""))
            if not agent or status == "vanished":
                self.touched[move.task_id] = "is in no queue any more"
            elif agent != clean_line(move.source):
                self.touched[move.task_id] = f"is with {clean_line(agent, 40)} now"
            elif status not in ("pending", "assigned"):
                self.touched[move.task_id] = f"is {clean_line(status, 30)} now"

    def notice(self, cells: int) -> tuple[str, str]:
        """What is to be said in so many cells about queues that changed, and its role; ("", "") if it is nothing."""
        if self.touched:
            tasks = [f"{shown_id(task)} {what}" for task, what in self.touched.items()]
            said = ""
            for most in range(min(_NAMED, len(tasks)), 0, -1):
                more = f"; {len(tasks) - most} more changed" if len(tasks) > most else ""
                said = ", ".join(tasks[:most]) + more
                if width(said) <= cells:
                    break
            return said, "medium"
        if self.changed:
            named = ", ".join(clean_line(name, 24) for name in self.changed[:_NAMED])
            more = f" and {len(self.changed) - _NAMED} more" if len(self.changed) > _NAMED else ""
            verb = "queues" if len(self.changed) > 1 else "queue"
            calm = "; the planned tasks still wait" if self._known else ""
            return f"the {verb} of {named}{more} changed{calm}", "dim"
        return "", ""


def shown_id(task_id: str) -> str:
    """A task's id as it is shown."""
    return clean_line(task_id, MOST_ID)


def _alike(one: AgentQueue | None, other: AgentQueue | None) -> bool:
    """Whether two looks at a queue found the same file; that it was read again is no change."""
    if one is None or other is None:
        return one is other
    return one is other or _mark(one) == _mark(other)


def _mark(queue: AgentQueue) -> tuple[object, ...]:
    return (queue.mtime, queue.size_bytes, queue.form, queue.state, queue.pending, queue.in_progress)
