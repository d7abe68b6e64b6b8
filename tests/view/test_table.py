import random

import pytest

from tests.snapshots import view
from tui.panes.agents import agents_table
from tui.view.glyphs import UTF8
from tui.view.spans import line_width, plain
from tui.view.table import Drawn, fit_columns, parse_filter

DRAWN = Drawn(1_780_000_000.0, UTF8)


def table_of(*names):
    table = agents_table()
    table.put(tuple(view(name) for name in names))
    return table


def test_the_cursor_stays_with_its_agent_when_rows_move():
    table = table_of("A", "B", "C")
    table.move(1)
    assert table.cursor == "B"
    table.put(tuple(view(n) for n in ("Z", "C", "A", "B")))
    assert table.current().queue.agent == "B"
    assert table.cursor_row == 3


def test_the_cursor_takes_the_neighbour_when_its_agent_goes():
    table = table_of("A", "B", "C")
    table.move(1)
    table.put((view("A"), view("C")))
    assert table.cursor == "C"


def test_the_cursor_stops_at_both_ends():
    table = table_of("A", "B")
    table.move(-5)
    assert table.cursor == "A"
    table.move(99)
    assert table.cursor == "B"


def test_an_empty_table_has_no_cursor_and_still_draws():
    table = table_of()
    table.move(1)
    assert table.current() is None
    assert len(table.lines(80, 5, True, DRAWN)) == 5


def test_unknown_values_sort_last_in_both_directions():
    table = agents_table()
    table.put((view("A", load=None), view("B", load=5.0), view("C", load=90.0)))
    table.sort_by("load")
    assert table.names == ["C", "B", "A"]
    table.reverse()
    assert table.names == ["B", "C", "A"]


def test_filter_words_must_all_match_and_excluded_ones_must_not():
    table = agents_table()
    table.put((view("CA", "working"), view("CB", "idle"), view("WA", "retired")))
    table.set_filter("!retired c")
    assert table.names == ["CA", "CB"]
    table.set_filter("WORK")
    assert table.names == ["CA"]
    assert table.hidden == 2
    table.set_filter("")
    assert table.names == ["CA", "CB", "WA"]


def test_a_lone_exclamation_mark_excludes_nothing():
    assert parse_filter("!")("anything")


@pytest.mark.parametrize("cells", range(40, 220, 7))
def test_rows_are_exactly_as_wide_as_asked(cells):
    table = agents_table()
    table.put((view("A" * 40, "working", "critical", 100.0, pending=123_456, current_id="T" * 80),))
    for line in table.lines(cells, 3, True, DRAWN):
        assert line_width(line) == cells


def test_at_eighty_columns_no_column_that_matters_is_lost():
    names = {c.name for c, _ in fit_columns(agents_table().columns, 78)}
    assert {"agent", "state", "now", "since", "pending", "completed", "failed", "oldest", "load"} <= names


def test_only_rows_in_sight_are_drawn_and_the_cursor_is_always_in_sight():
    table = agents_table()
    table.put(tuple(view(f"A{i:05}") for i in range(10_000)))
    rng = random.Random(1)
    for _ in range(50):
        table.to_row(rng.randrange(10_000))
        lines = [plain(line) for line in table.lines(100, 12, True, DRAWN)]
        assert any(table.cursor in line for line in lines)


def test_the_next_sort_wraps_around():
    table = table_of("A")
    seen = [table.next_sort(78).name for _ in range(40)]
    assert seen[0] == "agent"
    assert seen.count("agent") >= 2
