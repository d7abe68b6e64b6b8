"""The whole dashboard from one Snapshot, without Textual: the first frame, and a text twin some day."""

from core.snapshot import Snapshot
from tui.panes import PANES
from tui.panes.agents import agents_table
from tui.panes.alerts import alerts_table
from tui.panes.foot import draw_foot
from tui.panes.head import Head
from tui.panes.lists import NO_AGENTS, NO_ALERTS, draw_list, draw_no_workspace
from tui.view.glyphs import Glyphs
from tui.view.layout import arrange
from tui.view.pane import Size, Ui, framed
from tui.view.picture import compose, small_lines
from tui.view.spans import Line


def whole_picture(
    snap: Snapshot, width: int, height: int, glyphs: Glyphs, sort: tuple[str, bool] = ("", False)
) -> list[Line]:
    """The dashboard as its screen will look once Textual is up. `sort` is the agents' column and direction."""
    layout = arrange(width, height, len(snap.agents), len(snap.events))
    drawn: dict[str, list[Line]] = {}
    for name, rect in layout.rects.items():
        size = Size(rect.width, rect.height)
        ui = Ui(glyphs, name == "agents", layout.level, snap.at)
        if name in PANES:
            drawn[name] = PANES[name].draw(snap, size, ui)
        elif name == "head":
            drawn[name] = Head().draw(snap, size, ui)
        elif name == "foot":
            drawn[name] = [draw_foot("dashboard", size, snap.read_only)]
        elif name == "small":
            drawn[name] = small_lines(snap, width, height)
        elif name == "tasks":
            drawn[name] = framed("TASKS", [], [], [], size, ui)
        elif name == "agents" and not snap.workspace:
            drawn[name] = draw_no_workspace(size, ui)
        else:
            table = agents_table(*sort) if name == "agents" else alerts_table()
            table.put(snap.agents if name == "agents" else snap.events)
            empty = NO_AGENTS if name == "agents" else NO_ALERTS
            drawn[name] = draw_list(table, name.upper(), size, ui, snap.wall, empty)
    return compose(width, height, layout, drawn)
