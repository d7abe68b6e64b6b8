"""The plans that were applied or undone here: as predicted, as it came; each can be checked and undone."""

import json
from collections.abc import Mapping
from typing import Any, ClassVar

from core.balance.client import Done, Event, Failed
from core.config import Balance
from core.snapshot import Snapshot
from core.text import clean_line
from tui.panes import rebalancewords as words
from tui.panes.lists import draw_list
from tui.panes.rebalanceplans import (
    PastRow,
    decision_lines,
    past_lines,
    past_rows,
    plans_table,
    verified_lines,
)
from tui.screens.base import bindings_of
from tui.screens.rebalancechange import ChangingScreen
from tui.view.layout import Rect
from tui.view.pane import Size, Ui, framed, spread
from tui.view.spans import Line, fit_line
from tui.view.table import TableState

_DETAIL = 4


class PlansScreen(ChangingScreen):
    """The table, a line of how many helped, and the plan under the cursor in words."""

    kind = "plans"
    names: ClassVar[tuple[str, ...]] = ("note", "body", "detail")
    focus_order: ClassVar[tuple[str, ...]] = ("body",)
    BINDINGS = bindings_of("plans")

    def __init__(self, settings: Balance) -> None:
        super().__init__(settings)
        self.rows = plans_table()
        self.sentence = ""
        self.decisions: list[Mapping[str, Any]] = []
        self._empty = "reading ..."

    @property
    def table(self) -> TableState:
        """The only table there is."""
        return self.rows

    @property
    def where(self) -> str:
        """The trail to here."""
        return "rebalance > plans"

    def table_at(self, name: str) -> TableState | None:
        """Only the table can be clicked."""
        return self.rows if name == "body" else None

    def rects(self, width: int, height: int) -> dict[str, Rect]:
        """A line of how many helped, the table, the plan in words."""
        lines = _DETAIL + (1 if self.level_at(width, height) == "rows" else 3)
        return {
            "note": Rect(0, 2, width, 1),
            "body": Rect(0, 3, width, height - 4 - lines),
            "detail": Rect(0, height - 1 - lines, width, lines),
        }

    def on_mount(self) -> None:
        """Ask for what was done, and for how it turned out."""
        super().on_mount()
        self._finished()

    def _finished(self) -> None:
        """A plan was undone: what is listed is another."""
        if self.snap.workspace:
            self.owner.talk.look("history", self._take_history)
        else:
            self._empty = "there is no workspace here"

    def absorb(self, snap: Snapshot) -> None:
        """It is read when it is opened, and after an undo."""

    def _take_history(self, event: Event) -> None:
        if isinstance(event, Failed):
            self._empty = event.text
        elif isinstance(event, Done):
            self.rows.put(past_rows(_objects(event.data.get("plans"))))
            self.decisions = _objects(event.data.get("automatic"))
            self.sentence = clean_line(str(event.data.get("text") or ""), 200)
            self._empty = "no plan was applied here yet"
        if self.is_mounted:
            self.redraw()

    def draw(self, name: str, size: Size, ui: Ui) -> list[Line]:
        """The line, the table, or the plan in words."""
        wall = self.snap.wall
        if name == "note":
            busy = self.busy_text()
            status: Line = [(f"{busy} ", "accent")] if busy else []
            said: Line = [self.receipt] if self.receipt is not None else [(self.sentence, "text")]
            return [spread([(" ", "text"), *said], status, size.width)]
        if name == "body":
            return draw_list(self.rows, "PLANS", size, ui, wall, self._empty)
        bare = ui.level == "rows"
        cells = size.width - (2 if bare else 4)
        row = self.rows.current()
        lines = self.told_lines(cells) if self.told else (
            past_lines(row, ui.glyphs, cells, wall) if isinstance(row, PastRow) else []
        )  # fmt: skip
        body = [[(" ", "text"), *line] for line in lines]
        if not bare:
            return framed("SELECTED", [], body, [], size, ui._replace(focused=False))
        made = [fit_line([], size.width), *(fit_line(line, size.width) for line in body)]
        return [*made, *(fit_line([], size.width) for _ in range(size.height - len(made)))][: size.height]

    def after_cursor(self) -> None:
        """Another plan is in words."""
        self.told = []
        super().after_cursor()

    def action_enter(self) -> None:
        """All of the plan under the cursor, with its moves."""
        row = self.rows.current()
        if isinstance(row, PastRow):
            cells = max(40, self.size.width - 4)
            lines = past_lines(row, self.owner.glyphs, cells, self.snap.wall, moves=True)
            self.owner.open_text("plan", row.plan_id[:12], lines)

    def action_copy(self) -> None:
        """What is known of the plan under the cursor, as JSON."""
        row = self.rows.current()
        text = json.dumps(row.raw, indent=2) if isinstance(row, PastRow) else ""
        self.owner.copy(text, "" if text else "there is no plan here")

    def action_describe(self) -> None:
        """What the automatic mode decided lately."""
        lines = decision_lines(self.decisions, max(40, self.size.width - 4), self.snap.wall)
        if lines:
            self.owner.open_text("automatic", words.count(len(self.decisions), "decision"), lines)
        else:
            self.say(
                "the automatic mode has decided nothing here ([balance.auto] mode in the settings)", "dim"
            )

    def action_verify(self) -> None:
        """Check the receipt of the plan under the cursor against the queues as they are now."""
        row = self.rows.current()
        if not isinstance(row, PastRow):
            self.say("there is no plan here", "dim")
            return
        self.say(f"checking the receipt of {row.plan_id[:12]} ...", "dim")

        def take(event: Event) -> None:
            if not self.is_current:
                return
            if isinstance(event, Failed):
                self.say(event.text, "high")
            elif isinstance(event, Done):
                self.say("")
                lines = verified_lines(event.data, max(40, self.size.width - 4))
                self.owner.open_text("receipt", row.plan_id[:12], lines)

        self.owner.talk.look("verify", take, plan_id=row.plan_id)

    def action_undo(self) -> None:
        """Undo the plan under the cursor."""
        row = self.rows.current()
        if isinstance(row, PastRow):
            self.undo_plan(row.plan_id)
        else:
            self.say("there is no plan here", "dim")

    def action_back(self) -> None:
        """Stop an undo that goes on, else leave."""
        if self.busy_text() and not self.prompting:
            self.stop_change()
        else:
            super().action_back()


def _objects(value: Any) -> list[Mapping[str, Any]]:
    return [row for row in value if isinstance(row, Mapping)] if isinstance(value, list) else []
