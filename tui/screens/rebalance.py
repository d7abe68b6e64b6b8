"""The rebalance screen: load before and after, the moves with their reasons, what stays above the target.

It shows a plan that a helper process makes, and shapes it: drop, pin, target, budget. Applying, undoing and
recovering are in `tui.screens.rebalancechange`.
"""

import asyncio
import json
from collections.abc import Mapping
from typing import Any, ClassVar

from core.balance.client import Done, Event, Failed, Progress
from core.balance.plan import Plan
from core.config import Balance
from core.errors import BluetopError
from core.snapshot import Snapshot
from core.text import clean_line
from tui.keys import key_for
from tui.panes import rebalance as loads
from tui.panes import rebalancewords as words
from tui.panes.lists import draw_list
from tui.panes.rebalancemoves import DROPPED, PINNED, MoveRow, move_rows, moves_table
from tui.screens.base import bindings_of
from tui.screens.rebalanceask import MOST_TARGET, NumberAsking
from tui.screens.rebalancechange import ChangingScreen
from tui.screens.rebalancetalk import unfinished_text
from tui.view.layout import Rect
from tui.view.pane import Size, Ui, blank, facts, framed, spread
from tui.view.spans import Line, fit_line, line_width, wrap
from tui.view.table import TableState

SIDE_FROM, SIDE_HEIGHT = 150, 34  # cells from which there is room for the plan in words beside the tables
FADE_S = 0.5  # a plan that takes longer than this to make leaves the one before it in the background
MOST_MOVES = 1_000_000
NOTE_LINES = 3
_LOW_HEIGHT = 24  # below it a line goes from the words to the moves
_IN_SIGHT = 5  # agents that are in sight on the smallest screen
_LEAST_WORDS, _MOST_WORDS = 3, 6  # lines for what is selected in words, by how many the moves leave


class RebalanceScreen(ChangingScreen):
    """Agents above, moves below; what is under the cursor in words, and beside them on a wide screen the plan."""

    kind = "rebalance"
    names: ClassVar[tuple[str, ...]] = ("note", "agents", "moves", "detail", "side")
    focus_order: ClassVar[tuple[str, ...]] = ("moves", "agents")
    opens: ClassVar[dict[str, str]] = {"slash": "filter", "T": "target", "B": "budget"}
    BINDINGS = bindings_of("rebalance")

    def __init__(self, settings: Balance, agent: str = "", *, resting: bool = False) -> None:
        super().__init__(settings)
        self._resting = resting  # the cursor was where it is at the start: the most loaded stay in sight
        self.agent = agent  # where one came from: it is shown whatever the plan does with it
        self.loads = loads.agents_table()
        self.moves = moves_table()
        self.kept: set[str] = {agent} if agent else set()
        self.everything = False
        self.fold = ""
        self.past = ""
        self._rows_shown = self._moves_shown = 0
        self._fade: asyncio.TimerHandle | None = None

    # -- what it is --------------------------------------------------------------------------

    @property
    def table(self) -> TableState:
        """The one that has the focus."""
        return self.loads if self.focused_pane == "agents" else self.moves

    @property
    def tables(self) -> tuple[TableState, ...]:
        """Both."""
        return self.moves, self.loads

    def table_at(self, name: str) -> TableState | None:
        """Both can be clicked."""
        return {"agents": self.loads, "moves": self.moves}.get(name)

    @property
    def where(self) -> str:
        """The trail to here."""
        plan = self.draft.plan
        if plan is None:
            return "rebalance"
        return f"rebalance: {words.count(len(plan.moves), 'move')}"

    def rects(self, width: int, height: int) -> dict[str, Rect]:
        """The lines about the plan, the agents, the moves; what is selected in words below or beside them."""
        framed_ = self.level_at(width, height) != "rows"
        edge = 2 if framed_ else 0
        rects = {"note": Rect(0, 2, width, NOTE_LINES)}
        top, left = 2 + NOTE_LINES, width
        bottom = height - 1
        if width >= SIDE_FROM and height >= SIDE_HEIGHT:
            side = max(56, width * 36 // 100)
            left = width - side
            rects["side"] = Rect(left, top, side, bottom - top)
        wanted = max(2, self._rows_shown) + 1 + edge + (1 if self.fold and not framed_ else 0)
        gap = 0 if framed_ else 1
        if "side" not in rects:
            most = bottom - top - min(wanted, (bottom - top) // 2) - gap - self._moves_shown - 1 - edge
            least = _LEAST_WORDS if height >= _LOW_HEIGHT else _LEAST_WORDS - 1
            lines = max(least, min(_MOST_WORDS, most - (edge or 1))) + (edge or 1)
            bottom -= lines
            rects["detail"] = Rect(0, bottom, width, lines)
        room = bottom - top
        agents = max(4 + edge, min(wanted, room // 2))
        rects["agents"] = Rect(0, top, left, agents)
        rects["moves"] = Rect(0, top + agents + gap, left, room - agents - gap)
        return rects

    def page_rows(self) -> int:
        """Rows of the table that has the focus."""
        rect = self._rects.get("agents" if self.table is self.loads else "moves")
        return max(1, rect.height - 3) if rect is not None else 1

    # -- the plan ----------------------------------------------------------------------------

    def on_mount(self) -> None:
        """Ask for a plan, and for how the plans before it turned out."""
        super().on_mount()
        self.action_replan()
        if self.snap.workspace:
            self.owner.talk.look("outcomes", self._take_past)
            self.attend()

    def on_unmount(self) -> None:
        """A plan that nobody waits for is not made."""
        if self._fade is not None:
            self._fade.cancel()
        if self.owner.has_talk:
            self.owner.talk.stop_planning()

    def action_replan(self) -> None:
        """Read the queues and plan anew."""
        if not self.snap.workspace:
            self.problem = "there is no workspace here: name one with --workspace DIR"
            self.redraw("note", "moves")
        elif not self.busy_text():
            self.results.clear()
            self.receipt = None
            self._ask(self.draft.anew(self.snap, self.owner.engine.clock.wall()))

    def _ask(self, request: Mapping[str, Any]) -> None:
        self.problem, self.progress = "", Progress("reading the queues", 0, 0)
        if self._fade is None:
            self._fade = asyncio.get_running_loop().call_later(FADE_S, self._put)
        self.planning = True
        self.owner.talk.plan(request, self._take)
        self.redraw("note", "moves")

    def _take(self, event: Event) -> None:
        if isinstance(event, Progress):
            self.progress = event
            self.redraw("note", "moves")
            return
        if not isinstance(event, Done | Failed):
            return
        try:
            if isinstance(event, Failed):
                self.problem = event.text
            elif self.draft.take(event.data):
                less = self.draft.less(self.owner.engine.clock.wall())
                if less is not None:
                    self._ask(less)
                    return
        except BluetopError as error:
            self.problem = clean_line(str(error))
        self._planned()

    def _planned(self) -> None:
        """The plan is there, or will not come."""
        self.planning = False
        if self._fade is not None:
            self._fade.cancel()
            self._fade = None
        self._put()
        self.draft.watch(self.snap)

    def _take_past(self, event: Event) -> None:
        if isinstance(event, Done):
            self.past = clean_line(str(event.data.get("text") or ""), 200)
            self.redraw("note", "side")

    def _put(self) -> None:
        """The rows of the plan as it is now; the panes only move where more agents are to be seen."""
        plan, draft = self.draft.plan, self.draft
        if plan is None:
            self.redraw()
            return
        faded = self.planning
        rows = loads.rows_of(plan, faded)
        self.kept |= {row.agent for row in rows if row.matters}
        shown, rest = (rows, []) if self.everything else loads.folded(rows, self.kept)
        first = not self.loads.items
        self.loads.put(shown)
        if first and self.agent in self.loads.names:
            at = self.loads.names.index(self.agent)
            if not self._resting or at < _IN_SIGHT:
                self.loads.to_row(at)
        told = {task: ("changed", what) for task, what in draft.touched.items()} | self.results
        full = draft.full.moves if draft.full is not None else ()
        self.moves.put(move_rows(plan, full, draft.pinned, told, faded))
        row = key_for("fold")
        self.fold = loads.fold_text(rest, row.shown if row is not None else "")
        grown = len(self.moves.items) > self._moves_shown
        if len(shown) > self._rows_shown or grown or (self.fold and not self._rows_shown):
            self._rows_shown = max(self._rows_shown, len(shown))
            self._moves_shown = max(self._moves_shown, len(self.moves.items))
            self.relayout()
        self.redraw()

    def _finished(self) -> None:
        """What became of each move stands in its row; how the plans did may be another by now."""
        self._put()
        self.owner.talk.look("outcomes", self._take_past)

    def absorb(self, snap: Snapshot) -> None:
        """Notice at once when queues are not what was planned with any more."""
        if self.planning or self.receipt is not None or self.busy_text() or not self.draft.watch(snap):
            return
        plan = self.draft.full
        if plan is not None and plan.moves and self.draft.changed:
            self.owner.fetch_standing([clean_line(move.task_id) for move in plan.moves], self._take_standing)

    def _take_standing(self, standing: Mapping[str, tuple[str, str]]) -> None:
        if not self.planning and self.receipt is None:
            self.draft.standing(standing)
            self._put()

    # -- drawing -----------------------------------------------------------------------------

    def draw(self, name: str, size: Size, ui: Ui) -> list[Line]:
        """The lines about the plan, one of the tables, or what is selected in words."""
        if name == "note":
            return self._note(size, ui)[: size.height]
        if name == "agents":
            return loads.draw_agents(self.loads, size, ui, self.fold)
        if name == "moves":
            return draw_list(self.moves, "MOVES", size, ui, 0.0, self._empty())
        if name == "side":
            cells = size.width - 4
            plan = self.draft.plan
            about = (
                words.plan_lines(plan, ui.glyphs, cells, self.past, size.height) if plan is not None else []
            )
            body = self._selected(ui, cells)
            if about:
                body = [*body, [], [("THE PLAN", "title")], *about]
            rest = len(body) - (size.height - 2)
            row = key_for("describe")
            said = f"{rest} lines more; {row.shown if row is not None else ''} shows all" if rest > 0 else ""
            foot: Line = [(said, "dim")] if said else []
            return framed("SELECTED", [], _indented(body), foot, size, ui._replace(focused=False))
        if ui.level == "rows":
            lines = self._selected(ui, size.width - 2)
            return [blank(size.width), *_filled(lines, Size(size.width, size.height - 1))]
        lines = self._selected(ui, size.width - 4)
        inner = _filled(lines, Size(size.width - 2, size.height - 2))
        return framed("SELECTED", [], inner, [], size, ui._replace(focused=False))

    def _empty(self) -> str:
        plan = self.draft.plan
        if self.problem and plan is None:
            return "there is no plan"
        if plan is None:
            return "planning; esc leaves it"
        return self._does(plan)

    def _does(self, plan: Plan) -> str:
        """The plan in half a sentence; that it does nothing may be the operator's own doing."""
        full = self.draft.full
        if not plan.moves and full is not None and full.moves:
            return "every move was dropped: there is nothing to apply"
        return words.what_it_does(plan)

    def _selected(self, ui: Ui, cells: int) -> list[Line]:
        if self.told:
            return self.told_lines(cells)
        if self.problem and self.draft.plan is None:
            return wrap([(self.problem, "high")], cells)
        row = self.table.current()
        if row is None:
            return []
        if isinstance(row, MoveRow):
            return words.move_lines(row, ui.glyphs, cells)
        return words.agent_lines(row, ui.glyphs, cells)

    def _note(self, size: Size, ui: Ui) -> list[Line]:
        """What the plan does and how old it may get; what it gains; what is to be known of it."""
        plan, cells = self.draft.plan, size.width
        status = [*self._status(), (" ", "text")]
        if plan is None:
            said = "the queues are read and a plan is made" if not self.problem else "there is no plan"
            return [spread([(" ", "text"), (said, "text")], status, cells), blank(cells), self._said(cells)]
        does = "strong" if plan.moves and not self.planning else "text"
        first = spread([(" ", "text"), (self._does(plan), does)], status, cells)
        gains: Line = [(" ", "text"), *words.figures_line(plan, ui.glyphs, cells - 2, self.planning)]
        return [first, fit_line(gains, cells), self._said(cells)]

    def _status(self) -> Line:
        """What goes on, or how long the plan still holds."""
        busy = self.busy_text()
        if busy:
            return [(busy, "accent")]
        if self.planning:
            done, total = self.progress.done, self.progress.total
            share = f" {100 * done // total} %" if total else ""
            what = self.progress.what.removeprefix("looking for ")  # each step has a share of its own
            said = f"planning: {what}{share}" if what else "planning"
            return [(said, "accent"), ("  esc", "key"), (" leave it", "dim")]
        if self.receipt is not None:
            return [("r", "key"), (" plan anew", "dim")]
        if self.draft.plan is None or not self.draft.plan.moves:
            return []
        left = self.draft.left_s(self.owner.engine.clock.wall())
        if left <= 0:
            return [("too old to apply  ", "medium"), ("r", "key"), (" plan anew", "dim")]
        return [("holds for ", "dim"), (words.clock_left(left), "text")]

    def _said(self, cells: int) -> Line:
        """The most urgent thing to know, else how good the plan is."""
        talk, plan = self.owner.talk, self.draft.plan
        if self.receipt is not None and not talk.changing:
            made = any(result != "skipped" for result, _ in self.results.values())
            back: Line = [("u", "key"), (" take it back ", "dim")] if made else []
            return spread([(" ", "text"), self.receipt], back, cells)
        if self.problem and plan is not None:
            return fit_line([(" ", "text"), (self.problem, "high")], cells)
        if talk.unfinished:
            text, since = unfinished_text(talk.unfinished, self.snap.wall)
            key: Line = [] if talk.preview_only else [("R", "key"), (" put in order ", "dim")]
            return spread([(f" {text}", "high"), (f", {since}" if since else "", "dim")], key, cells)
        anew: Line = [("r", "key"), (" plan anew ", "dim")]
        text, role = self.draft.notice(cells - line_width(anew) - 2)
        if text:
            return spread([(f" {text}", role)], anew, cells)
        if talk.preview_only:
            return fit_line([(f" {talk.preview_only}", "dim")], cells)
        if plan is None:
            return blank(cells)
        warned = len(plan.warnings)
        odd = f"{words.count(warned, 'warning')} (i)" if warned else ""
        short = self.past.split(";")[0].split(",")[0]
        past = self.past if cells >= 120 else short
        parts = [words.bound_text(plan, cells < 120), past, odd]
        return fit_line([(" " + facts([part for part in parts if part], cells - 2), "dim")], cells)

    # -- keys --------------------------------------------------------------------------------

    def after_cursor(self) -> None:
        """Another row is in words; what was told about something else is over."""
        self.told = []
        super().after_cursor()

    def action_next_pane(self, step: int) -> None:
        """From the moves to the agents, or back."""
        there = "moves" if self.focused_pane == "agents" else "agents"
        if there in self._widgets:
            self.set_focus(self._widgets[there], scroll_visible=False)
        self.told = []
        self.redraw()

    def action_fold(self) -> None:
        """All agents, or only those that the plan is about."""
        self.everything = not self.everything
        self._put()
        if not self.everything:
            self.say("only agents that are overloaded, give or take")

    def action_enter(self) -> None:
        """The task or the agent under the cursor."""
        row = self.table.current()
        if isinstance(row, loads.AgentRow):
            self.owner.open_agent(row.agent)
        elif isinstance(row, MoveRow):
            source = row.receiver if row.result == "applied" else row.source
            self.owner.find_task(source, row.task_id)

    def action_back(self) -> None:
        """Leave the prompt, marks, filter; call off what goes on; leave the screen."""
        if self.prompting or self.table.marks or self.table.filter_text:
            super().action_back()
        elif self.busy_text():
            self.stop_change()
        elif self.planning and self.draft.plan is not None:
            self.owner.talk.stop_planning()
            self.problem = "planning was left: this is the plan before it; r plans anew"
            self._planned()
        else:
            super().action_back()

    def _chosen(self) -> list[MoveRow]:
        """The moves that a key is about: those that are marked, or the one under the cursor."""
        if self.table is not self.moves:
            self.say("this is about moves: tab goes to them", "dim")
            return []
        rows = [row for row in self.moves.chosen() if isinstance(row, MoveRow)]
        if not rows:
            self.say("there is no move here", "dim")
        elif self.busy_text() or self.receipt is not None:
            self.say("this plan is carried out; r plans anew", "dim")
            return []
        return rows

    def action_drop(self) -> None:
        """Leave moves out of the plan, or take them back in."""
        rows = [row for row in self._chosen() if row.kind != PINNED]
        if not rows:
            return
        if self.planning:
            self.say("the plan is being made; wait for it", "dim")
            return
        names = self.draft.names()
        self.draft.toggle_dropped([names[row.task_id] for row in rows if row.task_id in names])
        self.moves.clear_marks()
        less = self.draft.less(self.owner.engine.clock.wall())
        if less is None:
            self._put()
        else:
            self._ask(less)

    def action_pin(self) -> None:
        """Keep tasks where they are, whatever the plan; or let go of them."""
        rows = self._chosen()
        if not rows:
            return
        names = self.draft.names()
        tasks = {names[row.task_id]: row.source for row in rows if row.task_id in names}
        pinned = self.draft.toggle_pinned(tasks)
        self.moves.clear_marks()
        what = words.names(list(tasks))
        self._ask(self.draft.anew(self.snap, self.owner.engine.clock.wall()))
        self.say(f"{what} {'stays where it is' if pinned else 'may move again'}, for plans on this screen")

    def action_target(self) -> None:
        """Ask for another target."""

        def take(value: float) -> None:
            self.draft.options = self.draft.options._replace(target=value)
            self.action_replan()

        hint = "per cent of capacity; 0 makes all as even as can be"
        self.ask(NumberAsking("target", hint, self.draft.options.target, MOST_TARGET, False, take))

    def action_budget(self) -> None:
        """Ask for another move budget."""

        def take(value: float) -> None:
            self.draft.options = self.draft.options._replace(max_moves=int(value))
            self.action_replan()

        hint = "0 is any number"
        self.ask(NumberAsking("move budget", hint, self.draft.options.max_moves, MOST_MOVES, True, take))

    def action_describe(self) -> None:
        """The plan in words, to read and scroll."""
        plan = self.draft.plan
        if plan is None:
            self.say("there is no plan yet", "dim")
            return
        lines: list[Line] = [[(self._does(plan), "strong")], []]
        lines += words.plan_lines(plan, self.owner.glyphs, max(40, self.size.width - 4), self.past)
        self.owner.open_text("plan", plan.plan_id[:12], lines)

    def action_copy(self) -> None:
        """The plan as JSON, fit for `bluetop optimize --apply`."""
        plan = self.draft.plan
        text = "" if plan is None else json.dumps(plan.data(), indent=2, ensure_ascii=True)
        self.owner.copy(text, "" if text else "there is no plan yet")

    def why_about(self) -> tuple[str, dict[str, Any]]:
        """The task that `w` is about, and the plan that it is asked of."""
        row = self.moves.current() if self.table is self.moves else None
        if row is None:
            return "", {}
        plan = self.draft.plan
        options = self.draft.options._replace(pins=tuple(sorted(self.draft.pinned)))
        more: dict[str, Any] = {"options": options.data()}
        if row.kind == DROPPED:
            plan = self.draft.full  # why it would go
        if plan is not None:
            more["plan"] = plan.data()
        return self.draft.names().get(row.task_id, row.task_id), more


def _indented(lines: list[Line]) -> list[Line]:
    return [[(" ", "text"), *line] for line in lines]


def _filled(lines: list[Line], size: Size) -> list[Line]:
    """Exactly so many lines of that width; what has no line of its own is cut off visibly."""
    if len(lines) > size.height:
        last, *more = lines[size.height - 1 :]
        lines = [
            *lines[: size.height - 1],
            [*last, *(span for line in more for span in (("; ", "dim"), *line))],
        ]
    made = [fit_line([(" ", "text"), *line], size.width) for line in lines]
    return made + [blank(size.width) for _ in range(size.height - len(made))]
