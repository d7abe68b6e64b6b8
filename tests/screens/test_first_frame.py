"""The first frame, drawn before Textual is there, is what the dashboard's screen shows: cell by cell.

Where they differ, the operator would see the picture jump once Textual is up.
"""

import pytest
from msgspec.structs import replace

from core.alerts.view import Alerts
from core.config import Settings, Ui
from core.snapshot import Progress, Reading, Verdict
from tests.snapshots import agents, alerts, on_fire, snapshot
from tests.stage import crowd, stage, still
from tui.panes.whole import whole_picture
from tui.view.glyphs import ASCII, UTF8
from tui.view.layout import arrange
from tui.wire.sgr import rich_style

SNAPSHOTS = {
    "usual": snapshot(),
    "crowd": crowd(),
    "nothing yet": snapshot(
        cpu=Reading(), memory=Reading(), disk=Reading(), processes=Reading(), charts={}, kpis=(), agents=(),
        events=(), alerts=Alerts(), sources=(), overall="unknown", verdict=Verdict("unknown", "waiting", ""),
        progress=Progress(3, 90, "queues"),
    ),
    "no workspace": snapshot(workspace=None, agents=(), events=()),
    "no alerts": snapshot(events=(), alerts=alerts()),
    "on fire": snapshot(alerts=replace(on_fire(), away="")),
    "read-only": snapshot(read_only=True),
}  # fmt: skip

# More than fits in 80 cells.
MANY = ("now", "agent", "state", "hours", "changed", "load", "pending", "completed", "failed", "oldest")


def cells_of(lines, palette):
    return [
        [(char, rich_style(palette.look(role))) for text, role in line for char in text] for line in lines
    ]


@pytest.mark.parametrize(("columns", "lines"), [(80, 24), (120, 40), (200, 60), (60, 20), (59, 19)])
@pytest.mark.parametrize("name", sorted(SNAPSHOTS))
async def test_the_first_frame_is_what_the_screen_shows(name, columns, lines):
    snap = SNAPSHOTS[name]
    async with stage(columns, lines, still(snap), read_only=snap.read_only) as on:
        frame = cells_of(whole_picture(snap, columns, lines, UTF8), on.app.palette)
        shown = on.cells()
        tasks = arrange(columns, lines, len(snap.agents), len(snap.events)).rects.get("tasks")
        for y in range(lines):
            end = tasks.x if tasks is not None and y >= tasks.y else columns
            assert "".join(c for c, _ in frame[y][:end]) == "".join(c for c, _ in shown[y][:end]), y
            for x in range(end):
                assert same(frame[y][x], shown[y][x]), (x, y, frame[y][x], shown[y][x])


def same(one, two):
    """The same character in the same look; of a blank only its ground can be seen."""
    if one[0] == two[0] == " ":
        return (one[1].bgcolor, one[1].reverse, one[1].underline) == (
            two[1].bgcolor,
            two[1].reverse,
            two[1].underline,
        )
    return one == two


async def test_it_is_so_in_ascii_too():
    async with stage(80, 24, glyphs=ASCII) as on:
        frame = cells_of(whole_picture(snapshot(), 80, 24, ASCII), on.app.palette)
        assert ["".join(c for c, _ in row) for row in frame] == on.rows()


@pytest.mark.parametrize(("sort", "descending"), [("pending", True), ("agent", False), ("", True)])
async def test_it_is_so_with_the_operators_sort_order(sort, descending):
    settings = Settings(ui=Ui(sort=sort, sort_descending=descending))
    async with stage(120, 40, settings=settings) as on:
        frame = cells_of(whole_picture(snapshot(), 120, 40, UTF8, (sort, descending)), on.app.palette)
        assert ["".join(c for c, _ in row) for row in frame] == on.rows()


@pytest.mark.parametrize(("columns", "lines"), [(80, 24), (120, 40), (200, 60)])
@pytest.mark.parametrize("chosen", [("state", "agent"), ("load", "nonsense"), MANY])
async def test_it_is_so_with_the_operators_columns(columns, lines, chosen):
    settings = Settings(ui=Ui(columns=chosen))
    async with stage(columns, lines, settings=settings, keys=("j", "k")) as on:
        frame = cells_of(whole_picture(snapshot(), columns, lines, UTF8, columns=chosen), on.app.palette)
        tasks = arrange(columns, lines, len(agents()), len(snapshot().events)).rects.get("tasks")
        end = columns if tasks is None else tasks.x
        assert ["".join(c for c, _ in row[:end]) for row in frame] == [row[:end] for row in on.rows()]


async def test_the_second_snapshot_moves_nothing_that_did_not_change():
    async with stage(120, 40) as on:
        before = on.cells()
        await on.publish(snapshot(agents=agents()))
        assert on.cells() == before
