from functools import partial

import pytest

from core.snapshot import Reading, Verdict
from tests.snapshots import AT, NEEDS, queue, snapshot, view
from tui.panes import PANES
from tui.panes.agentpage import past_table, skills_table
from tui.panes.agents import agents_table
from tui.panes.alerts import alerts_table
from tui.panes.foot import draw_foot
from tui.panes.head import Head
from tui.panes.needs import needs_table
from tui.panes.processes import processes_table
from tui.panes.sources import sources_table
from tui.panes.tasks import tasks_table
from tui.view.glyphs import ASCII, UTF8
from tui.view.pane import Size, Ui
from tui.view.spans import ROLES, line_width, plain
from tui.view.table import Drawn, fit_columns

SIZES = [Size(80, 1), Size(60, 1), Size(59, 8), Size(60, 9), Size(50, 10), Size(200, 1), Size(200, 50)]


@pytest.mark.parametrize("name", sorted(PANES))
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("glyphs", [UTF8, ASCII])
def test_a_pane_is_exactly_its_size_and_uses_known_roles(name, size, glyphs):
    empty = snapshot(cpu=Reading(), memory=Reading(), disk=Reading(), processes=Reading(), charts={}, kpis=())
    for snap in (snapshot(), empty):
        lines = PANES[name].draw(snap, size, Ui(glyphs))
        assert len(lines) == size.height
        for line in lines:
            assert line_width(line) == size.width
            assert {role for _, role in line} <= set(ROLES)
            if glyphs.ascii:
                assert plain(line).replace("…", "").isascii()


def test_a_stale_figure_is_replaced_by_its_age():
    old = snapshot(cpu=Reading(snapshot().cpu.value, AT - 14, 2.0))
    text = plain(PANES["cpu"].draw(old, Size(80, 1), Ui(UTF8))[0])
    assert "14 s old" in text
    assert "43 %" not in text


def test_unknown_is_a_dash_and_zero_is_zero():
    snap = snapshot()
    none = snapshot(processes=Reading(snap.processes.value._replace(handles=None), AT, 2.0))
    zero = snapshot(processes=Reading(snap.processes.value._replace(handles=0, rows=()), AT, 2.0))
    assert plain(PANES["files"].draw(none, Size(80, 1), Ui(UTF8))[0]).split()[1] == "-"
    assert plain(PANES["files"].draw(zero, Size(80, 1), Ui(UTF8))[0]).split()[1] == "0"


def test_status_is_glyph_and_word_and_colour():
    line = PANES["files"].draw(snapshot(), Size(80, 1), Ui(UTF8))[0]
    assert ("▲", "medium") in line
    assert any(text.startswith(" warn") and role == "medium" for text, role in line)


def test_numbers_do_not_move_their_neighbours():
    a = snapshot()
    b = snapshot(cpu=Reading(a.cpu.value._replace(percent=100.0), AT, 2.0))
    c = snapshot(cpu=Reading(a.cpu.value._replace(percent=3.0), AT, 2.0))
    at = {plain(PANES["cpu"].draw(s, Size(80, 1), Ui(UTF8))[0]).index("●") for s in (a, b, c)}
    assert len(at) == 1


def test_the_verdict_names_the_key_that_helps():
    text = plain(Head().draw(snapshot(), Size(80, 2), Ui(UTF8))[1])
    assert "CC queue is too long" in text
    assert text.rstrip().endswith("i show CC")


@pytest.mark.parametrize("cells", [60, 75, 80, 120, 200])
def test_the_head_fits_even_with_long_names(cells):
    snap = snapshot(
        host="h" * 300,
        workspace="/x/" + "w" * 300,
        verdict=Verdict("critical", "t" * 300, "e" * 300, "", "quit"),
    )
    for paused in (None, 3.0, 86_400.0):
        for line in Head().draw(snap, Size(cells, 2), Ui(UTF8), "", paused):
            assert line_width(line) == cells


def test_while_paused_only_the_figure_changes():
    one = plain(Head().draw(snapshot(), Size(80, 2), Ui(UTF8), "", 9.0)[0])
    two = plain(Head().draw(snapshot(), Size(80, 2), Ui(UTF8), "", 10.0)[0])
    assert sum(a != b for a, b in zip(one, two, strict=True)) <= 12
    assert "paused, 9 s behind" in one


@pytest.mark.parametrize("cells", [60, 80, 120])
def test_the_foot_fits_and_read_only_says_so(cells):
    line = draw_foot("dashboard", Size(cells, 1), True)
    assert line_width(line) == cells
    assert "read-only" in plain(line)
    assert "help" in plain(line)


def test_an_unreadable_agent_shows_why_and_no_numbers():
    table = agents_table()
    bad = view("CA", "unreadable", "high", None)
    table.put((bad,))
    row = plain(table.lines(120, 2, False, Drawn(1_780_000_000.0, UTF8))[1])
    assert "unreadable" in row
    assert " 0 " not in row
    assert queue("CA").pending == 0


@pytest.mark.parametrize("cells", range(60, 201, 4))
@pytest.mark.parametrize("height", [1, 3, 5])
def test_at_any_width_the_first_need_is_named_and_what_is_left_out_is_counted(cells, height):
    signal = NEEDS[0]._replace(text="asks for help: " + "which schema is right? " * 9)
    long_named = signal._replace(agent="n" * 200)
    for needs in ((signal, NEEDS[1]), (long_named, NEEDS[1])):
        text = "\n".join(map(plain, PANES["needs"].draw(
            snapshot(needs=needs, needs_count=2000), Size(cells, height), Ui(UTF8, False, "panes")
        )))  # fmt: skip
        assert needs[0].agent[:6] in text
        assert "+1998" in text or "+1999" in text


def test_a_wide_line_of_needs_is_used_to_its_end():
    signal = NEEDS[0]._replace(text="asks for help: " + "which schema is right? " * 9)
    for cells in (100, 120, 140):
        snap = snapshot(needs=(signal, signal), needs_count=2)
        line = plain(PANES["needs"].draw(snap, Size(cells, 3), Ui(UTF8, False, "panes"))[1])
        assert len(line.rstrip(" │")) > 0.85 * cells


@pytest.mark.parametrize(
    "made",
    [
        agents_table,
        alerts_table,
        partial(alerts_table, dashboard=True),
        needs_table,
        past_table,
        processes_table,
        skills_table,
        sources_table,
        tasks_table,
    ],
)
@pytest.mark.parametrize("cells", [58, 60, 76, 78, 98, 118, 198])
def test_the_default_columns_of_every_table_fit(made, cells):
    fitting = fit_columns(made().columns, cells)
    assert sum(size for _, size in fitting) + len(fitting) - 1 <= cells
