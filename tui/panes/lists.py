"""A table as a pane: in a frame or bare, and what stands there when it has no rows.

The screens and the first frame both draw with it, so that they cannot differ.
"""

from tui.view.pane import Size, Ui, framed
from tui.view.spans import Line, cut, fit_line
from tui.view.table import Drawn, TableState, calm_wall

NO_AGENTS = "no agents in postbox/ yet"
NO_ALERTS = "nothing fires, and nothing has since the start"
NO_WORKSPACE = (
    "No workspace here: only the host is watched.",
    "Start it where postbox/ is, or name one: bluetop --workspace DIR",
    "To see it at work first: bluetop demo",
)


def draw_list(
    table: TableState,
    title: str,
    size: Size,
    ui: Ui,
    wall: float,
    empty: str = "nothing yet",
    head: str = "",
) -> list[Line]:
    """A table in a frame where there is room for one, else by itself; `empty` where it has no rows.

    `head` is said in the frame's upper edge.
    """
    said = ""
    if table.filter_text.strip():
        said = f"{len(table.rows)} of {len(table.items)} match /{table.filter_text}"
        empty = "nothing matches; esc takes the filter away"
    bare = ui.level == "rows"
    edge = 0 if bare else 2
    last = 1 if bare and said else 0
    drawn = Drawn(calm_wall(wall), ui.glyphs)
    height = size.height - edge - last
    lines = table.lines(size.width - edge, height, ui.focused, drawn, title if bare else "")
    if not table.rows and len(lines) > 1:
        lines = [lines[0], fit_line([(f" {empty}", "dim")], size.width - edge), *lines[2:]]
    if not bare:
        said = ", ".join([said, *notes(table)] if said else notes(table))
        top: Line = [(f" {cut(head, size.width - 24)} ", "dim")] if head else []
        return framed(title, [], lines, [(said, "unknown")] if said else [], size, ui, number_right=top)
    if said:
        lines = [*lines, fit_line([(f" {said}", "unknown")], size.width)]
    return lines[: size.height]


def notes(table: TableState) -> list[str]:
    """What must be known of a table and is not in its rows: in its frame, else at the end of the foot."""
    said = []
    marked, unseen = table.marked_counts()
    if marked:
        said.append(f"{marked} marked" + (f" ({unseen} not shown)" if unseen else ""))
    if table.left_out:
        said.append(f"{table.left_out} column{'' if table.left_out == 1 else 's'} more")
    return said


def draw_no_workspace(size: Size, ui: Ui) -> list[Line]:
    """In place of the agents: how to point bluetop at a workspace."""
    body: list[Line] = [[("  " + text, "text" if i else "strong")] for i, text in enumerate(NO_WORKSPACE)]
    return body[: size.height] if ui.level == "rows" else framed("AGENTS", [], body, [], size, ui)
