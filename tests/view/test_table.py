import random
from typing import NamedTuple

import pytest

from core.filter import Field
from tests.snapshots import view
from tui.panes.agents import agents_table
from tui.view.glyphs import ASCII, UTF8
from tui.view.spans import line_width, plain
from tui.view.table import Column, Drawn, TableState, View, fit_chosen, fit_columns

WALL = 1_780_000_000.0
DRAWN = Drawn(WALL, UTF8)


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


def test_the_cursor_waits_for_its_item_while_nothing_matches():
    table = table_of("A", "B", "C")
    table.move(1)
    table.set_filter("zzz")
    assert table.current() is None
    assert table.cursor_row == -1
    table.set_filter("")
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


@pytest.mark.parametrize("cells", range(40, 220, 7))
def test_rows_are_exactly_as_wide_as_asked(cells):
    table = agents_table()
    table.put((view("A" * 40, "working", "critical", 100.0, pending=123_456, current_id="T" * 80),))
    for line in table.lines(cells, 3, True, DRAWN):
        assert line_width(line) == cells


def test_at_eighty_columns_no_column_that_matters_is_lost():
    names = {c.name for c, _ in fit_columns(agents_table().columns, 78)}
    assert {"agent", "state", "now", "since", "in_progress", "pending", "oldest", "drains", "load"} <= names


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


# -- a table of rows (name, load, since) -----------------------------------------------------------


class Row(NamedTuple):
    """An item with what the columns and fields below show of it."""

    name: str
    load: float | None = None
    since: float = WALL


def shown(row, drawn):
    return [(row.name, "text")]


COLUMNS = (
    Column("name", "NAME", 8, shown, lambda r: r.name, help="what it is called"),
    Column("load", "LOAD", 6, lambda r, d: [(f"{r.load}", "text")], lambda r: r.load, ">", 1, best_last=True),
    Column("age", "AGE", 10, lambda r, d: [(f"{d.wall - r.since:.0f}", "text")], lambda r: r.since, rank=2),
    Column("note", "NOTE", 12, lambda r, d: [("note", "dim")], lambda r: 0, grow=1, rank=3, shown=False),
)


def fields():
    made = (
        Field("name", "id", lambda r, wall: r.name),
        Field("load", "percent", lambda r, wall: r.load),
        Field("age", "duration", lambda r, wall: wall - r.since),
    )
    return {field.name: field for field in made}


def table_with(*rows, **options):
    table = TableState(COLUMNS, lambda r: r.name, lambda r: r.name, fields=fields, **options)
    table.at(WALL)
    table.put(rows)
    return table


ABC = (Row("a", 90.0), Row("b", None), Row("c", 10.0, WALL - 700))


# -- filter ----------------------------------------------------------------------------------------


def test_a_filter_asks_for_fields():
    table = table_with(*ABC)
    table.set_filter("load>50")
    assert table.names == ["a"]
    table.set_filter("no:load")
    assert table.names == ["b"]


def test_while_a_text_is_no_filter_the_last_good_one_stays():
    table = table_with(*ABC)
    assert table.set_filter("load>50") is None
    wrong = table.set_filter("load>fifty")
    assert wrong is not None
    assert (wrong.start, wrong.end) == (5, 10)
    assert (table.filter_text, table.names) == ("load>50", ["a"])
    assert table.set_filter("  ") is None
    assert table.names == ["a", "b", "c"]


def test_a_word_that_turns_out_to_be_a_key_no_longer_hides_everything():
    table = table_with(*ABC)
    for typed in ("l", "lo", "loa", "load"):
        assert table.set_filter(typed) is None
    assert table.names == []
    assert table.set_filter("load>") is not None
    assert (table.filter_text, table.names) == ("", ["a", "b", "c"])
    table.set_filter("name:a,c load")
    assert table.set_filter("name:a,c load:") is not None
    assert table.names == ["a", "c"]
    assert table.set_filter("name:a,c load:9") is None
    assert table.set_filter("name:a,c load:9 ") is None


def test_a_filter_of_ages_is_asked_again_every_five_seconds_and_not_more_often():
    table = table_with(Row("young", since=WALL - 598), Row("old", since=WALL - 9000))
    table.move(1)
    table.set_filter("age>10m")
    version = table.names
    for second in range(5):
        table.at(WALL + second)
        assert table.names is version
    table.at(WALL + 5)
    assert table.names == ["young", "old"]
    assert table.cursor == "old"


def test_a_filter_that_knows_no_time_is_not_asked_again():
    asked = []
    table = TableState(COLUMNS, lambda r: r.name, lambda r: asked.append(r.name) or r.name)
    table.put(ABC)
    table.set_filter("a")
    assert asked == ["a", "b", "c"]
    table.at(WALL + 60)
    assert asked == ["a", "b", "c"]


def test_one_changed_item_is_the_only_one_that_is_looked_at():
    asked = []
    key = Column("name", "", 8, shown, lambda r: asked.append("key") or r.name)
    table = TableState((key,), lambda r: r.name, lambda r: asked.append("text") or r.name, "name")
    rows = tuple(Row(f"r{n:03}") for n in range(200))
    table.put(rows)
    table.set_filter("r")
    asked.clear()
    changed = (*rows[:50], Row("r050", 3.0), *rows[51:])
    table.put(changed)
    assert asked == ["key", "text"]
    assert table.rows == list(changed)


def test_tab_knows_the_values_that_are_there():
    table = table_with(*ABC)
    assert table.complete("na", 2).text == "name:"
    assert table.complete("name:", 5).candidates == ("a", "b", "c")


# -- marks -----------------------------------------------------------------------------------------


def test_a_mark_belongs_to_the_item_and_outlives_refresh_sort_and_filter():
    table = table_with(*ABC)
    table.toggle_mark()
    assert (table.marks, table.cursor) == ({"a"}, "b")
    table.put((Row("c"), Row("b"), Row("a", 5.0)))
    table.sort_by("name")
    table.reverse()
    assert [r.name for r in table.marked()] == ["a"]
    assert table.marked()[0].load == 5.0
    table.set_filter("name:b")
    assert table.marked_counts() == (1, 1)
    assert [r.name for r in table.marked()] == ["a"]
    table.set_filter("")
    assert table.marked_counts() == (1, 0)
    table.to_row(2)
    table.toggle_mark()
    assert table.marks == set()


def test_a_mark_whose_item_is_away_does_not_count_and_is_back_with_it():
    table = table_with(*ABC)
    table.toggle_mark()
    table.put(ABC[1:])
    assert table.marked_counts() == (0, 0)
    assert table.marked() == []
    table.put(ABC)
    assert table.marked_counts() == (1, 0)


def test_a_range_goes_from_the_last_mark_to_the_cursor_in_both_directions():
    table = table_with(*(Row(name) for name in "abcdef"))
    table.to_row(1)
    table.toggle_mark()
    table.to_row(3)
    table.mark_range()
    assert [r.name for r in table.marked()] == ["b", "c", "d"]
    table.to_row(0)
    table.mark_range()
    assert [r.name for r in table.marked()] == ["a", "b", "c", "d"]
    table.clear_marks()
    table.to_row(4)
    table.mark_range()
    assert [r.name for r in table.marked()] == ["e"]


def test_a_range_whose_beginning_is_filtered_out_begins_anew():
    table = table_with(*(Row(name) for name in ("xa", "b", "xc", "xd")))
    table.to_row(1)
    table.toggle_mark()
    table.set_filter("x")
    table.to_row(2)
    table.mark_range()
    assert [r.name for r in table.marked()] == ["b", "xd"]


def test_what_an_action_acts_on_is_the_marks_or_the_row_under_the_cursor():
    table = table_with(*ABC)
    assert [r.name for r in table.chosen()] == ["a"]
    table.to_row(2)
    table.toggle_mark()
    table.to_row(1)
    assert [r.name for r in table.chosen()] == ["c"]
    assert table_with().chosen() == []


@pytest.mark.parametrize("glyphs", [UTF8, ASCII])
def test_a_mark_can_be_seen_without_colours_also_under_the_cursor(glyphs):
    table = table_with(*ABC)
    table.toggle_mark()
    drawn = Drawn(WALL, glyphs)
    assert plain(table.lines(60, 5, True, drawn)[1])[0] == glyphs.mark
    table.move(-1)
    row = plain(table.lines(60, 5, True, drawn)[1])
    assert (row[0], row[-1]) == (glyphs.cursor, glyphs.mark)
    assert len(row) == 60
    table.clear_marks()
    assert glyphs.mark not in plain(table.lines(60, 5, True, drawn)[1])


# -- columns ---------------------------------------------------------------------------------------


def named(layout):
    return [column.name for column, _ in layout]


def test_a_column_that_is_not_of_the_default_set_appears_when_it_is_chosen():
    table = table_with(*ABC)
    assert named(table.layout(80)) == ["name", "load", "age"]
    assert table.choose(("note", "name")) == ()
    assert named(table.layout(80)) == ["note", "name"]
    assert "note" in plain(table.lines(80, 4, True, DRAWN)[1])
    table.choose(())
    assert named(table.layout(80)) == ["name", "load", "age"]


def test_of_the_default_set_the_highest_rank_goes_first_and_nothing_is_said():
    table = table_with(*ABC)
    assert named(table.layout(16)) == ["name", "load"]
    assert table.left_out == 0


def test_of_chosen_columns_the_last_ones_go_and_never_the_first():
    table = table_with(*ABC)
    table.choose(("age", "load", "name"))
    for cells, wanted in ((40, ["age", "load", "name"]), (20, ["age", "load"]), (10, ["age"]), (3, ["age"])):
        assert named(table.layout(cells)) == wanted
        assert table.left_out == 3 - len(wanted)
    assert named(fit_chosen(COLUMNS, 5)) == ["name"]


def test_unknown_and_repeated_columns_are_left_out_and_the_unknown_named():
    table = table_with(*ABC)
    assert table.choose(("lod", "name", "name", "lod", "x")) == ("lod", "x")
    assert table.chosen_columns == ("name",)
    assert table.choose(("x",)) == ("x",)
    assert named(table.layout(80)) == ["name", "load", "age"]


def test_rows_are_drawn_anew_when_columns_are_chosen():
    table = table_with(*ABC)
    before = plain(table.lines(80, 4, False, DRAWN)[1])
    table.choose(("load", "name"))
    assert plain(table.lines(80, 4, False, DRAWN)[1]) != before


def test_the_tables_title_replaces_only_its_own_first_column():
    table = table_with(*ABC)
    assert "ROWS" in plain(table.lines(80, 4, False, DRAWN, "ROWS")[0])
    table.choose(("load", "name"))
    assert "ROWS" not in plain(table.lines(80, 4, False, DRAWN, "ROWS")[0])


# -- views -----------------------------------------------------------------------------------------


def test_a_view_is_filter_order_and_columns():
    table = table_with(*ABC)
    assert table.apply(View("busy", "load>5", "load", True, ("load", "name"))) == ""
    assert table.names == ["a", "c"]
    assert named(table.layout(80)) == ["load", "name"]
    assert table.as_view("mine") == View("mine", "load>5", "load", True, ("load", "name"))
    assert table.apply(View("all")) == ""
    assert table.names == ["a", "b", "c"]
    assert named(table.layout(80)) == ["load", "name"]  # a view without columns leaves them


def test_a_view_that_cannot_be_used_says_why_and_changes_nothing():
    table = table_with(*ABC)
    said = table.apply(View("old", "loda>5", "name", True))
    assert "old" in said
    assert "did you mean load?" in said
    assert (table.filter_text, table.sort) == ("", "")


def test_a_view_with_unknown_columns_is_used_without_them():
    table = table_with(*ABC)
    said = table.apply(View("old", "", "gone", True, ("name", "lost")))
    assert said == "old names no column of this table: lost, gone"
    assert named(table.layout(80)) == ["name"]
    assert table.sort == ""
