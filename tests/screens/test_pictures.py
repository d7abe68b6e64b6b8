"""Whole screens as pictures, compared with those in `__snapshots__` that somebody has looked at.

After a wanted change: `python -m pytest tests/screens/test_pictures.py --snapshot-update`, then look
at the SVG files that changed. Clock, time zone and data stand still, so a picture is the same on
every machine. The dashboard's own screenshot for the README is made by `benchmarks/picture.py`.
"""

from pathlib import Path

import pytest

from benchmarks import picture
from core.snapshot import Reading, Verdict
from tests.snapshots import AT, on_fire, snapshot
from tests.stage import PATHS, crowd, make, still
from tui import theming
from tui.view.glyphs import ASCII

SMALL, MIDDLE, LARGE, WIDE = (80, 24), (120, 40), (160, 50), (200, 60)
TROUBLE = snapshot(
    cpu=Reading(snapshot().cpu.value, AT - 14, 2.0),
    verdict=Verdict("critical", "queue of CC cannot be read", "no answer for 14 s", "agent:CC", "open_agent",
                    "show CC"),
    overall="critical",
)  # fmt: skip
FIRE = snapshot(alerts=on_fire())

PICTURES = {
    "dashboard-dusk-80x24": (SMALL, "dashboard", {}),
    "dashboard-dusk-160x50": (LARGE, "dashboard", {}),
    "dashboard-dawn-160x50": (LARGE, "dashboard", {"theme": "dawn"}),
    "dashboard-mono-80x24": (SMALL, "dashboard", {"theme": "mono", "system": "none"}),
    "dashboard-ascii-80x24": (SMALL, "dashboard", {"glyphs": ASCII}),
    "dashboard-trouble-80x24": (SMALL, "dashboard", {"snap": TROUBLE}),
    "dashboard-crowd-160x50": (LARGE, "dashboard", {"snap": crowd()}),
    "agent-dusk-80x24": (SMALL, "agent", {}),
    "task-contrast-80x24": (SMALL, "task", {"theme": "contrast"}),
    "processes-dusk-160x50": (LARGE, "processes", {}),
    "sources-dawn-80x24": (SMALL, "sources", {"theme": "dawn"}),
    "alerts-clear-80x24": (SMALL, "alerts", {"theme": "clear"}),
    "alerts-fire-80x24": (SMALL, "alerts", {"snap": FIRE}),
    "alerts-fire-200x60": (WIDE, "alerts", {"snap": FIRE}),
    "dashboard-fire-120x40": (MIDDLE, "dashboard", {"snap": FIRE}),
    "help-ansi-80x24": (SMALL, "help", {"theme": "ansi", "system": "16"}),
}


@pytest.mark.parametrize("name", sorted(PICTURES))
def test_a_screen_looks_as_it_did_when_somebody_looked(name, snap_compare):
    size, kind, options = PICTURES[name]
    options = dict(options)
    app = make(still(options.pop("snap", None)), **options)
    assert snap_compare(app, press=PATHS[kind], terminal_size=size)


def test_the_picture_in_the_readme_is_what_the_panes_draw_now():
    """If not: `python benchmarks/picture.py`, then look at it."""
    file = Path(picture.__file__).parents[1] / "docs" / "dashboard.svg"
    assert file.read_text(encoding="utf-8") == picture.picture(theming.load("dusk"), 120, 36)
