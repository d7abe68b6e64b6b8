"""The dashboard's talk with the helper processes of rebalancing: who asked what, and who gets the answer.

Never waits: helpers answer over pipes that the event loop watches (`core.balance.client`). Changes go through
`core.control`, like all others; what was left half done is looked for once, after the start. Not for what
is shown of it: `tui.screens.rebalance`.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from core.balance.client import BalanceClient, Done, Event, Failed, Settled, Unsettled
from core.balance.ops import is_changing
from core.balance.options import Options
from core.clock import Clock
from core.config import Balance
from core.control import ApplyPlan, RecoverPlans, UndoPlan, submit
from core.snapshot import Snapshot, Verdict
from core.text import clean_line
from core.units import duration_text

if TYPE_CHECKING:
    from core.balance.doing import By
    from core.balance.plan import Plan

TICK_S = 0.5
AGAIN_S = 10.0  # until it is looked again whether a plan that somebody else applies came to its end
_REAP_S = 1.0  # a helper that has answered is gone soon after
_PLANS, _CHANGES, _LOOKS = "plans", "changes", "looks"
Take = Callable[[Event], None]


def options_from(settings: Balance) -> Options:
    """What `[balance]` asks of a plan."""
    return Options(
        settings.target, settings.under, settings.queue_limit, settings.max_moves, settings.cooldown_hours,
        settings.min_gain, settings.unlabelled,
    )  # fmt: skip


class Lane:
    """One client: what is asked here goes one after another, or, with `newest`, in place of what was asked before."""

    def __init__(self, clock: Clock, *, newest: bool = False) -> None:
        self.client = BalanceClient(clock)
        self._newest = newest
        self._takes: dict[int, tuple[Take, bool]] = {}  # by job; whether it is heard after its answer
        self._waiting: deque[tuple[Mapping[str, Any], Take]] = deque()
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._open = True
        self._loop.add_reader(self.client.fileno(), self._look)

    @property
    def busy(self) -> str:
        """The operation under way, "" if there is none."""
        return self.client.running

    def ask(self, request: Mapping[str, Any], take: Take) -> None:
        """Ask for something; `take` is called with all that is heard of it, never before this returns.

        After `close` nobody is asked any more.
        """
        if not self._open:
            return
        if self.client.running and not self._newest:
            self._waiting.append((request, take))
        else:
            self._start(request, take)

    def cancel(self) -> None:
        """Call off what is asked: what reads is not heard of again, a change stops after its present move."""
        self._waiting.clear()
        if self._open:
            self.client.cancel()

    def close(self) -> None:
        """Leave; a change finishes its present move by itself."""
        self._open = False
        if self._timer is not None:
            self._timer.cancel()
        self._loop.remove_reader(self.client.fileno())
        self.client.close()

    def _start(self, request: Mapping[str, Any], take: Take) -> None:
        if self._newest:
            self._takes.clear()
        self._takes[self.client.start(request)] = (take, is_changing(str(request["op"])))
        self._loop.call_soon(self._look)

    def _look(self) -> None:
        """Hand on what has come, and ask for what waits its turn."""
        self._hear()
        if not self._open:
            return
        while self._waiting and not self.client.running:
            self._start(*self._waiting.popleft())
        if self._timer is not None:
            self._timer.cancel()
        running = bool(self.client.running)
        # The tick notices a helper that stands still; the last one buries those that have ended.
        wait_s, what = (TICK_S, self._look) if running else (_REAP_S, self._hear)
        self._timer = self._loop.call_later(wait_s, what)

    def _hear(self) -> None:
        for event in self.client.poll() if self._open else ():
            take, stays = self._takes.get(event.job, (None, False))
            if isinstance(event, Failed | Unsettled) or (isinstance(event, Done) and not stays):
                self._takes.pop(event.job, None)
            if take is not None:
                take(event)


class Runner:
    """Has the door's changes done by a helper process; each call returns at once and says that it was begun."""

    def __init__(self, lane: Lane, workspace: str, take: Take) -> None:
        self._lane, self._workspace, self._take = lane, workspace, take

    def apply(self, plan: "Plan", by: "By") -> str:
        """Begin to apply `plan`."""
        return self._begin("apply", by, plan=plan.data())

    def undo(self, plan_id: str, by: "By") -> str:
        """Begin to undo a plan."""
        return self._begin("undo", by, plan_id=plan_id)

    def recover(self, by: "By") -> str:
        """Begin to put in order what was left half done."""
        return self._begin("recover", by)

    def _begin(self, op: str, by: "By", **more: Any) -> str:
        who = {"user": by.user, "origin": by.origin, "reason": by.reason}
        self._lane.ask({"op": op, "workspace": self._workspace, **who, **more}, self._take)
        return f"{op} has begun"


class Talk:
    """All lanes, what is known of plans that were cut off, and why nothing can be changed, if so.

    `say(text, role)` tells the operator of what happens later, when no screen waits for it any more.
    """

    def __init__(
        self, clock: Clock, workspace: str, read_only: bool, say: Callable[[str, str], None]
    ) -> None:
        self.workspace, self.read_only = workspace, read_only
        self.unfinished: tuple[Mapping[str, Any], ...] = ()
        self.unwritable = ""
        self._say = say
        self._clock = clock
        self._again: asyncio.TimerHandle | None = None
        self._lanes: dict[str, Lane] = {}
        self._closed = False

    @property
    def lanes(self) -> tuple[Lane, ...]:
        """Those that were needed so far."""
        return tuple(self._lanes.values())

    def _lane(self, name: str) -> Lane:
        """The lane of that name, made when it is first needed."""
        if name not in self._lanes:
            self._lanes[name] = Lane(self._clock, newest=name == _PLANS)
            if self._closed:
                self._lanes[name].close()
        return self._lanes[name]

    # -- asking ------------------------------------------------------------------------------

    def plan(self, request: Mapping[str, Any], take: Take) -> None:
        """Plan, in place of what was planned before."""
        self._lane(_PLANS).ask({"op": "plan", "workspace": self.workspace, **request}, take)

    def stop_planning(self) -> None:
        """The plan is not wanted any more."""
        if _PLANS in self._lanes:
            self._lanes[_PLANS].cancel()

    def look(self, op: str, take: Take, **request: Any) -> None:
        """Ask for something that changes nothing; one after another."""
        self._lane(_LOOKS).ask(
            {"op": op, "workspace": self.workspace, "read_only": self.read_only, **request}, take
        )

    def attend(self, done: Callable[[], None], *, stay: bool = False) -> None:
        """Look for plans that were cut off, and whether anything can be changed here; `done` is called then.

        With `stay` a plan that ended less than a minute ago is looked after until it is a minute old.
        """

        def take(event: Event) -> None:
            if isinstance(event, Done):
                rows = event.data.get("unfinished")
                # What is carried out right now, here or elsewhere, has no end yet either.
                applying = bool(event.data.get("applying") or self.changing)
                self.unfinished = tuple(rows) if isinstance(rows, list) and not applying else ()
                if applying and not self.changing:
                    self._again = asyncio.get_running_loop().call_later(AGAIN_S, self.attend, done)
                self.unwritable = clean_line(str(event.data.get("unwritable") or ""), 300)
                done()
            else:
                self._later(event)

        self.look("attend", take, stay=stay)

    # -- changing ----------------------------------------------------------------------------

    @property
    def preview_only(self) -> str:
        """Why nothing can be changed here, "" if it can."""
        if self.read_only:
            return "read-only: plans can be looked at, not applied"
        return f"only to look at: {self.unwritable}" if self.unwritable else ""

    @property
    def changing(self) -> str:
        """The change under way, "" if there is none."""
        return self._lanes[_CHANGES].busy if _CHANGES in self._lanes else ""

    def apply(self, plan: "Plan", reason: str, take: Take) -> None:
        """Apply a plan.

        Raises:
            BluetopError: it is refused; nothing was begun.
        """
        submit(ApplyPlan(self._runner(take), plan, reason), read_only=self.read_only)

    def undo(self, plan_id: str, reason: str, take: Take) -> None:
        """Undo a plan; raises as `apply`."""
        submit(UndoPlan(self._runner(take), plan_id, reason), read_only=self.read_only)

    def recover(self, take: Take) -> None:
        """Put in order what was left half done; raises as `apply`."""
        submit(RecoverPlans(self._runner(take)), read_only=self.read_only)

    def stop(self) -> None:
        """Stop the change after its present move."""
        if _CHANGES in self._lanes:
            self._lanes[_CHANGES].cancel()

    def close(self) -> None:
        """Leave all of it."""
        if self._again is not None:
            self._again.cancel()
        self._closed = True
        for lane in self._lanes.values():
            lane.close()

    def _runner(self, take: Take) -> Runner:
        def heard(event: Event) -> None:
            if isinstance(event, Settled | Unsettled):
                self._later(event)
                return
            take(event)

        return Runner(self._lane(_CHANGES), self.workspace, heard)

    def _later(self, event: Event) -> None:
        """What comes after an answer: tasks that others had undone or doubled."""
        if isinstance(event, Settled) and event.recovered:
            first = event.recovered[0]
            code = clean_line(str(first.get("code", "")), 40).replace("_", " ")
            more = f"; {len(event.recovered) - 1} more" if len(event.recovered) > 1 else ""
            detail = clean_line(str(first.get("detail", "")), 200)
            said = f"{clean_line(str(first.get('task_id', '')), 60)} {code}" + (
                f": {detail}" if detail else ""
            )
            self._say(said + more, "high" if code == "conflict" else "medium")
        elif isinstance(event, Unsettled):
            self._say(event.text, "medium")

    # -- what was cut off --------------------------------------------------------------------

    def marked(self, snap: Snapshot) -> Snapshot:
        """`snap` with a verdict about plans that were cut off, unless something critical goes before."""
        if not self.unfinished or snap.verdict.severity == "critical":
            return snap
        text, evidence = unfinished_text(self.unfinished, snap.wall)
        said = Verdict("high", text, evidence, "", "open_rebalance", "look")
        return replace(snap, verdict=said)


def unfinished_text(rows: Sequence[Mapping[str, Any]], wall: float) -> tuple[str, str]:
    """Which plans were cut off, and since when: a sentence and its evidence."""
    first = rows[0]
    moves = sum(int(row.get("open") or 0) for row in rows)
    who = clean_line(str(first.get("user") or "somebody"), 40)
    what = "an undo" if first.get("kind") == "undo" else "a rebalance"
    half = f" with {moves} move{'' if moves == 1 else 's'} open" if moves else ""
    at = first.get("at")
    since = f"{duration_text(max(0.0, wall - at))} ago" if isinstance(at, int | float) else ""
    more = f"{len(rows) - 1} more like it" if len(rows) > 1 else ""
    return f"{what} by {who} was cut off{half}", ", ".join(word for word in (since, more) if word)
