"""The whole dashboard from one Snapshot, without Textual: the first frame, and a text twin some day."""

from collections.abc import Sequence

from core.snapshot import Snapshot
from tui.panes import PANES
from tui.panes.agents import agents_table, fleet_flow
from tui.panes.alertrows import Listing, count_active
from tui.panes.alerts import alerts_table
from tui.panes.foot import draw_foot
from tui.panes.head import Head
from tui.panes.lists import NO_AGENTS, NO_ALERTS, draw_list, draw_no_workspace, notes
from tui.view.glyphs import Glyphs
from tui.view.layout import arrange
from tui.view.pane import Size, Ui, framed
from tui.view.picture import compose, small_lines
from tui.view.spans import Line


def whole_picture(
    snap: Snapshot,
    width: int,
    height: int,
    glyphs: Glyphs,
    sort: tuple[str, bool] = ("", False),
    columns: Sequence[str] = (),
) -> list[Line]:
    """The dashboard as its screen will look once Textual is up.

    `sort` is the agents' column and direction, `columns` those chosen for them (none: the default set).
    """
    agents = agents_table(*sort)
    agents.choose(columns)
    agents.put(snap.agents)
    alerts = alerts_table(dashboard=True)
    alerts.put(Listing(dashboard=True).rows(snap))
    layout = arrange(width, height, len(snap.agents), count_active(alerts.items), needs=len(snap.needs))
    drawn: dict[str, list[Line]] = {}
    for name, rect in layout.rects.items():
        size = Size(rect.width, rect.height)
        ui = Ui(glyphs, name == "agents", layout.level, snap.at)
        if name in PANES:
            drawn[name] = PANES[name].draw(snap, size, ui)
        elif name == "head":
            drawn[name] = Head().draw(snap, size, ui)
        elif name == "small":
            drawn[name] = small_lines(snap, width, height)
        elif name == "tasks":
            drawn[name] = framed("TASKS", [], [], [], size, ui)
        elif name == "agents" and not snap.workspace:
            drawn[name] = draw_no_workspace(size, ui)
        elif name == "agents":
            drawn[name] = draw_list(agents, "AGENTS", size, ui, snap.wall, NO_AGENTS, fleet_flow(snap))
        elif name == "alerts":
            drawn[name] = draw_list(alerts, "ALERTS", size, ui, snap.wall, NO_ALERTS)
    if "foot" in layout.rects:  # last: it says what had no room in the table
        said = ", ".join(notes(agents)) if layout.level == "rows" else ""
        drawn["foot"] = [draw_foot("dashboard", Size(width, 1), snap.read_only, notes=said)]
    return compose(width, height, layout, drawn)
