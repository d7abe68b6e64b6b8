import pytest

from core.snapshot import Chart
from tui.view.chart import bar, chart_lines, columns_of, nice_ceiling
from tui.view.glyphs import ASCII, UTF8
from tui.view.spans import line_width, plain


def drawn(values, cells=4, rows=1, high=100.0, target=None, glyphs=UTF8, completed=None, partial=None):
    chart = Chart(5.0, tuple(values), partial, len(values) if completed is None else completed)
    return [plain(line) for line in chart_lines(chart, cells, rows, high, target, glyphs)]


def test_full_and_empty_columns():
    assert drawn([100, 100, 0, 0], cells=3) == ["⣿⣀ "]


def test_a_gap_stays_a_gap_and_zero_is_a_base_line():
    assert drawn([100, 100, None, None, 0, 0], cells=4) == ["⣿ ⣀ "]


def test_columns_keep_their_partner_while_they_move():
    # The pairs are (0,1) (2,3) ... by the number of the column ever observed, in every picture.
    saw = [10, 90]
    assert drawn(saw * 4, cells=5) == drawn(saw * 4, cells=5, completed=8)
    assert drawn([90, *saw * 3, 10], cells=5, completed=9)[0][:4] == "⢸" + drawn(saw * 3, cells=4)[0][:3]
    cell = drawn(saw, cells=2)[0][0]
    assert drawn(saw * 5, cells=6, completed=10)[0] == cell * 5 + " "


def test_only_the_last_cell_changes_while_a_column_fills():
    before = drawn([50] * 8, cells=6, partial=10.0)
    after = drawn([50] * 8, cells=6, partial=95.0)
    assert [a == b for a, b in zip(before[0], after[0], strict=True)].count(False) == 1


def test_anything_above_zero_is_at_least_one_dot():
    assert drawn([0.001] * 4, cells=2)[0].strip() != ""


@pytest.mark.parametrize("glyphs", [UTF8, ASCII])
@pytest.mark.parametrize("rows", [1, 3, 7])
def test_every_line_has_exactly_its_cells(glyphs, rows):
    chart = Chart(5.0, tuple(float(i % 120) for i in range(77)), 33.0, 77)
    for line in chart_lines(chart, 31, rows, 100.0, 80.0, glyphs):
        assert line_width(line) == 31


def test_the_target_is_a_line_where_nothing_is_drawn():
    lines = drawn([10] * 8, cells=6, rows=4, target=80.0)
    assert UTF8.target in lines[0]
    assert UTF8.target not in lines[3]


def test_no_chart_is_blank():
    assert [plain(line) for line in chart_lines(None, 5, 2, 100.0, None, UTF8)] == ["     ", "     "]


def test_columns_beyond_the_width_fall_off_on_the_left():
    chart = Chart(5.0, tuple(float(i) for i in range(100)), 100.0, 100)
    assert columns_of(chart, 3) == [96.0, 97.0, 98.0, 99.0, 100.0, None]


@pytest.mark.parametrize(
    ("value", "top"), [(0, 1), (0.7, 1), (1, 1), (1.1, 2), (3, 5), (51, 100), (104, 200)]
)
def test_scales_end_at_round_numbers(value, top):
    assert nice_ceiling(value) == top


def test_a_bar_shows_unknown_as_nothing_and_little_as_one_cell():
    assert plain(bar(None, 8, UTF8)) == " " * 8
    assert plain(bar(0.5, 8, UTF8)).count(UTF8.bar) == 1
    assert plain(bar(0.0, 8, UTF8)).count(UTF8.bar) == 0
    assert plain(bar(250.0, 8, UTF8)).count(UTF8.bar) == 8
