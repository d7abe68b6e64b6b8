"""Applying a plan, undoing one, recovering: asked first, shown while it goes on, told afterwards.

All of it goes through `core.control` to a helper process (`tui.screens.rebalancetalk`). Not for the plan
that is looked at: `tui.screens.rebalance`.
"""

from collections.abc import Callable, Mapping
from typing import Any

from textual import events

from core.balance.client import Done, Event, Failed, Progress
from core.balance.doing import STOPPED
from core.balance.plan import Plan
from core.config import Balance
from core.errors import BluetopError
from core.text import clean_line
from tui.panes import rebalancewords as words
from tui.panes.foot import draw_foot
from tui.panes.rebalance import arrow
from tui.panes.rebalanceplans import moves_of
from tui.screens.base import BluetopScreen
from tui.screens.rebalanceask import ReasonAsking
from tui.screens.rebalancedraft import Draft
from tui.screens.rebalancetalk import options_from
from tui.view.pane import Size
from tui.view.spans import Line, Span, cut, wrap

_ASKED = "y: yes, w: yes and say why, any other key: no"
_ASKED_SHORT = "y: yes, w: say why, else no"
RECEIPTS = ".bluetop/receipts"
Moves = Mapping[int, tuple[str, str, str]]  # number → task, from whom, to whom
_MOVING = "moving "  # what a helper says before the name of the task


class ChangingScreen(BluetopScreen):
    """A screen from which plans are applied and undone, where that is allowed at all."""

    def __init__(self, settings: Balance) -> None:
        super().__init__()
        self.draft = Draft(options_from(settings), settings.plan_expires_s)
        self.planning = False
        self.problem = ""
        self.progress = Progress("", 0, 0)
        self.results: dict[str, tuple[str, str]] = {}  # task → what became of its move, and why
        self.receipt: Span | None = None
        self.told: list[Line] = []  # in place of what is selected: what an undo would leave
        self.stopping = False
        self._reasoned: tuple[str, Callable[[str], None]] | None = None

    # -- what is allowed, what goes on ---------------------------------------------------------

    @property
    def preview_only(self) -> bool:
        """Whether nothing can be changed here, so that no key offers it."""
        return bool(self.owner.talk.preview_only)

    def _lines(self, name: str, size: Size) -> list[Line]:
        """The foot has no key that changes anything where nothing can be changed."""
        if name == "foot" and not self.prompting and not self.message[0] and self.preview_only:
            return [draw_foot(self.kind, size, True)]
        return super()._lines(name, size)

    def attend(self) -> None:
        """Look for plans that were cut off, and whether anything can be changed here."""
        self.owner.attend()

    def busy_text(self) -> str:
        """The change that goes on, "" if there is none."""
        op = self.owner.talk.changing if self.owner.has_talk else ""
        if not op:
            return ""
        done, total = self.progress.done, self.progress.total
        what = self.progress.what or "starting"
        said = f"{op}: {what}"
        if what.startswith(_MOVING) and total:
            noun, named = "move", self._move_text(what)
            if op == "undo":  # it need not be the plan that is looked at, and goes the other way
                noun, named = op, what.removeprefix(_MOVING)
            said = f"{noun} {min(done + 1, total)} of {total}: {named}"
        return f"{said}; stops after this move" if self.stopping else f"{said}  esc stops"

    def _move_text(self, what: str) -> str:
        """`TASK-7 CA → CB`, of what the helper says that it does."""
        task = what.removeprefix(_MOVING)
        moves = self.draft.plan.moves if self.draft.plan is not None and what != task else ()
        move = next((move for move in moves if clean_line(move.task_id, 60) == task), None)
        if move is None:
            return task
        mark = arrow(self.owner.glyphs)
        return f"{task} {clean_line(move.source, 24)} {mark} {clean_line(move.receiver, 24)}"

    def _refused(self) -> bool:
        """Say why nothing can be changed now, if so."""
        talk = self.owner.talk
        why = talk.preview_only
        if not why and talk.changing:
            why = f"{talk.changing} goes on; esc stops it after its present move"
        if why:
            self.say(why, "medium")
        return bool(why)

    def _confirm(self, question: str, what: str, do: Callable[[str], None]) -> None:
        """Ask; `do` gets the reason, "" where none is given."""
        asked = _ASKED if len(question) + len(_ASKED) + 2 < self.size.width else _ASKED_SHORT
        self.say(f"{cut(question, self.size.width - len(asked) - 3)} {asked}", "medium")
        self._question = lambda: do("")
        self._reasoned = (what, do)

    def on_key(self, event: events.Key) -> None:
        """Beside yes and no: yes, with a reason that is kept. Textual calls the base's own `on_key` as well."""
        reasoned, self._reasoned = self._reasoned, None
        if reasoned is not None and self.questioning and event.key == "w":
            event.stop()
            event.prevent_default()
            self.say("")
            self.ask(ReasonAsking(*reasoned))

    # -- applying ------------------------------------------------------------------------------

    def action_apply(self) -> None:
        """Apply the plan, after a question that says how many moves that is."""
        plan = self.draft.plan
        if self._refused():
            return
        if plan is None or self.planning:
            self.say("there is no plan yet: wait for it", "dim")
        elif self.receipt is not None:
            self.say("this plan was carried out; r plans anew", "dim")
        elif not plan.moves:
            self.say("the plan has no moves: there is nothing to apply", "dim")
        elif self.draft.left_s(self.owner.engine.clock.wall()) <= 0:
            self.say("the plan is too old to apply; r plans anew", "medium")
        else:
            note = f" ({len(self.draft.touched)} changed since)" if self.draft.touched else ""
            question = words.apply_question(plan.moves)
            self._confirm(
                question.replace("?", f"{note}?"), question[:-1], lambda why: self._apply(plan, why)
            )

    def _apply(self, plan: Plan, reason: str) -> None:
        if plan is not self.draft.plan or self.draft.left_s(self.owner.engine.clock.wall()) <= 0:
            self.say("the plan is another one, or too old by now: nothing was applied", "medium")
            return
        moves = {move.seq: (move.task_id, move.source, move.receiver) for move in plan.moves}
        self._begin(
            lambda: self.owner.talk.apply(plan, reason, lambda event: self._heard(event, moves, "applied"))
        )

    def _begin(self, begin: Callable[[], None]) -> None:
        self.stopping, self.progress, self.told = False, Progress("starting", 0, 0), []
        self.problem = ""
        try:
            begin()
        except BluetopError as error:
            self.say(clean_line(str(error)), "high")
        self.redraw()

    def _heard(self, event: Event, moves: Moves, verb: str) -> None:
        """How far it is, then what came of it: in the table, in the line about the plan, and as a text to read."""
        if isinstance(event, Progress):
            self.progress = event
            if self.is_mounted:
                self.redraw("note")
        elif isinstance(event, Failed):
            self.problem = event.text
            self.attend()
            self._tell(event.text, "high")
        elif isinstance(event, Done):
            self._done(event.data, moves, verb)

    def _done(self, data: Mapping[str, Any], moves: Moves, verb: str) -> None:
        head, role = words.result_head(data, verb)
        self.receipt = (head, role)
        # An undo leaves what it did not come to as it was.
        before = self.results if verb == "undone" else {}
        self.results = before | {moves[seq][0]: (verb, "") for seq in data.get("applied", ()) if seq in moves}
        for row in data.get("skipped", ()):
            if row.get("code") == STOPPED and str(row.get("task_id")) in before:
                continue
            said = clean_line(f"{row.get('detail') or ''} ({row.get('code')})".strip(), 200)
            self.results[str(row.get("task_id"))] = ("skipped", said)
        plan_id = clean_line(str(data.get("plan_id", "")), 64)
        where = f"{RECEIPTS}/{plan_id}.json"
        cells = max(40, self.owner.size.width - 4)
        lines = words.result_lines(data, moves, verb, cells, where)
        self._finished()
        if self.is_current:
            self.owner.open_text("receipt", plan_id[:12], lines)
        self._tell(head, role)
        self.attend()

    def _finished(self) -> None:
        """A change is over: show it. What screens add."""

    def _tell(self, text: str, role: str) -> None:
        """To whatever screen is on top: the operator may be elsewhere."""
        if self.is_mounted:
            self.redraw()
        self.owner.tell(text, role)

    def stop_change(self) -> None:
        """Stop after the present move."""
        self.stopping = True
        self.owner.talk.stop()
        self.redraw("note")

    # -- undoing -------------------------------------------------------------------------------

    def action_undo(self) -> None:
        """Undo the last plan, after saying what of it cannot be undone any more."""
        self.undo_plan("")

    def undo_plan(self, plan_id: str) -> None:
        """Look what of a plan (the last one without a name) can be undone, then ask."""
        if self._refused():
            return
        self.say("looking what can be undone ...", "dim")
        plan: dict[str, Any] = {}

        def take_history(event: Event) -> None:
            if isinstance(event, Done):
                rows = event.data.get("plans", ())
                plan.update(next((row for row in rows if row.get("plan_id") == named[0]), {}))
            if isinstance(event, Done | Failed) and self.is_current:
                self._ask_undo(found[0], plan)

        named, found = [plan_id], [dict[str, Any]()]

        def take(event: Event) -> None:
            if not self.is_current:
                return
            if isinstance(event, Failed):
                self.say(event.text, "medium")
            elif isinstance(event, Done):
                named[0], found[0] = str(event.data.get("plan_id", "")), event.data
                self.owner.talk.look("history", take_history)

        self.owner.talk.look("undoable", take, plan_id=plan_id)

    def _ask_undo(self, data: Mapping[str, Any], plan: Mapping[str, Any]) -> None:
        """Say what comes back and what cannot, and ask."""
        can, cannot = data.get("can", ()), data.get("cannot", ())
        plan_id = str(data.get("plan_id", ""))
        self.told = []
        if cannot:
            self.told = [[(f"{words.count(len(cannot), 'task')} cannot be undone, and stays", "medium")]]
            self.told += [[(words.skipped_text(row), "text")] for row in cannot]
        self.redraw()
        named = words.names([words.skipped_short(row) for row in cannot], 2)
        if not can:
            self.say(f"nothing of that plan can be undone: {named or 'it moved nothing'}", "medium")
            return
        back = "1 task comes back" if len(can) == 1 else f"{len(can)} tasks come back"
        stay = "1 stays" if len(cannot) == 1 else f"{len(cannot)} stay"
        rest = f", {stay}: {named}" if cannot else ""
        moves = {seq: (task, to, source) for seq, (task, source, to) in moves_of(plan).items()}
        what = "undo the undo" if plan.get("kind") == "undo" else "undo it"
        self._confirm(
            f"{what}: {back}{rest}?", what,
            lambda why: self._begin(
                lambda: self.owner.talk.undo(plan_id, why, lambda event: self._heard(event, moves, "undone"))
            ),
        )  # fmt: skip

    def told_lines(self, cells: int) -> list[Line]:
        """What was told in place of what is selected."""
        return [piece for line in self.told for piece in (wrap(line, cells) if line else [[]])]

    # -- what was cut off ----------------------------------------------------------------------

    def action_recover(self) -> None:
        """Put in order what was left half done, after a question."""
        if self._refused():
            return
        talk = self.owner.talk
        if not talk.unfinished:
            self.say("no plan was cut off: there is nothing to put in order", "dim")
            self.attend()
            return
        plans = words.count(len(talk.unfinished), "plan")
        self.confirm(f"put in order what {plans} left half done?", lambda: self._begin(self._recover))

    def _recover(self) -> None:
        def take(event: Event) -> None:
            if isinstance(event, Progress):
                self.progress = event
                self.redraw("note")
            elif isinstance(event, Failed):
                self._tell(event.text, "high")
            elif isinstance(event, Done):
                self._recovered(event.data)

        self.owner.talk.recover(take)

    def _recovered(self, data: Mapping[str, Any]) -> None:
        """Say what was put in order; a conflict is for a person to look at."""
        rows = data.get("recovered", ())
        conflicts = int(data.get("conflicts") or 0)
        self.owner.talk.unfinished = ()
        self.attend()
        if not rows:
            self._tell("nothing was left half done", "ok")
            return
        lines: list[Line] = []
        for row in rows:
            role = "high" if row.get("code") == "conflict" else "text"
            lines += wrap([(words.recovered_text(row), role)], max(40, self.owner.size.width - 4))
        if self.is_current:
            self.owner.open_text("recovered", words.count(len(rows), "task"), lines)
        said = f"{words.count(len(rows), 'task')} put in order"
        self._tell(
            said + (f", {words.count(conflicts, 'conflict')} left for you" if conflicts else ""),
            "high" if conflicts else "ok",
        )

    # -- the plans before ----------------------------------------------------------------------

    def action_history(self) -> None:
        """All plans that were applied or undone here."""
        self.owner.open_plans()
