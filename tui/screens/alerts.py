"""All alerts: what fires, what may come, what was seen to, and what has ended; with one of them in words."""

from typing import ClassVar

from core.snapshot import Snapshot
from tui.panes.alertdetail import detail_lines, draw_side
from tui.panes.alertrows import Listing
from tui.panes.alerts import alerts_table
from tui.panes.lists import NO_ALERTS, draw_list
from tui.screens.alerting import AlertingScreen
from tui.screens.base import bindings_of
from tui.view.layout import Rect
from tui.view.pane import Size, Ui, framed
from tui.view.spans import Line, fit_line
from tui.view.table import TableState

SIDE_FROM = 160  # cells: there is room for a pane beside the table
SIDE_HEIGHT = 30
_BARE, _FRAMED = 3, 4  # lines about the row under the cursor


class AlertsScreen(AlertingScreen):
    """The table, and below it or beside it the alert under the cursor."""

    kind = "alerts"
    names: ClassVar[tuple[str, ...]] = ("note", "body", "detail", "side")
    focus_order: ClassVar[tuple[str, ...]] = ("body",)
    opens: ClassVar[dict[str, str]] = {"slash": "filter", "z": "silence"}
    BINDINGS = bindings_of("alerts")

    def __init__(self) -> None:
        super().__init__()
        self.rows = alerts_table()
        self.listing = Listing()

    @property
    def table(self) -> TableState:
        """The only table there is."""
        return self.rows

    @property
    def alert_rows(self) -> TableState:
        """The same."""
        return self.rows

    @property
    def where(self) -> str:
        """How many fire, and how many of these nobody has seen to."""
        alerts = self.snap.alerts
        listed = len(alerts.firing)
        fire, wait = max(listed, alerts.fire), max(len(alerts.open), alerts.wait)
        more = f", {listed} listed" if fire > listed else ""
        return f"alerts: {wait} of {fire} open{more}" if fire else "alerts: nothing fires"

    def rects(self, width: int, height: int) -> dict[str, Rect]:
        """A line of notes, the table, and the alert in words where there is most room for it."""
        rects = {"note": Rect(0, 2, width, 1)}
        if width >= SIDE_FROM and height >= SIDE_HEIGHT:
            side = max(60, width * 36 // 100)
            rects["body"] = Rect(0, 3, width - side, height - 4)
            rects["side"] = Rect(width - side, 3, side, height - 4)
            return rects
        lines = _BARE + 1 if self.level_at(width, height) == "rows" else _FRAMED + 2
        rects["body"] = Rect(0, 3, width, height - 4 - lines)
        rects["detail"] = Rect(0, height - 1 - lines, width, lines)
        return rects

    def table_at(self, name: str) -> TableState | None:
        """Only the table can be clicked."""
        return self.rows if name == "body" else None

    def page_rows(self) -> int:
        """Rows of the table that are in sight."""
        body = self._rects.get("body")
        return max(1, body.height - 3) if body is not None else 1

    def absorb(self, snap: Snapshot) -> None:
        """All alerts, and what was noted."""
        self.rows.put(self.listing.rows(snap))

    def draw(self, name: str, size: Size, ui: Ui) -> list[Line]:
        """The table in its frame; the row under the cursor in words."""
        if name == "note":
            return [self._note(size)]
        if name == "body":
            return draw_list(self.rows, "ALERTS", size, ui, self.snap.wall, NO_ALERTS)
        entry = self.rows.current()
        if name == "side":
            return draw_side(entry, self.snap, size, ui)
        if ui.level == "rows":
            room = Size(size.width, size.height - 1)
            return [fit_line([], size.width), *detail_lines(entry, self.snap, room, ui.glyphs)]
        inner = detail_lines(entry, self.snap, Size(size.width - 2, size.height - 2), ui.glyphs)
        return framed("SELECTED", [], inner, [], size, ui._replace(focused=False))

    def _note(self, size: Size) -> Line:
        """What happened while nobody looked, or why alerts are not kept."""
        alerts = self.snap.alerts
        away = "" if self.owner.away_read else alerts.away
        line: Line = [(" ", "text")]
        if alerts.problem:
            line.append((alerts.problem, "medium"))
        elif away:
            line.append((away, "accent"))
        elif self.owner.read_only:
            line.append(("read-only: alerts are judged here, and kept nowhere", "dim"))
        elif alerts.mode == "reading":
            line.append(("another bluetop keeps these alerts", "dim"))
        return fit_line(line, size.width)

    def on_unmount(self) -> None:
        """What happened meanwhile has been read."""
        self.owner.away_read = self.owner.away_read or bool(self.snap.alerts.away)

    def action_enter(self) -> None:
        """What it is about."""
        self.jump_to(self.rows.current())
