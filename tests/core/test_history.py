"""Windows and chart columns, with samples that come too early, too late, or not at all."""

import pytest

from core.history import MAX_POINTS, Window, empty_columns


def filled(window: Window, *points: tuple[float, float]) -> Window:
    for at, value in points:
        window = window.add(at, value)
    return window


def test_window_holds_what_is_newer_than_its_span_and_not_what_is_exactly_as_old():
    window = filled(Window(10.0, 15.0), (100, 1), (105, 3), (109, 8))
    assert window.aggregate("avg", 109.9) == pytest.approx(4.0)
    assert window.aggregate("avg", 110) == pytest.approx(5.5)  # (100, 110]
    assert window.add(110, 4).aggregate("avg", 110) == pytest.approx(5.0)


@pytest.mark.parametrize(("how", "expected"), [("last", 2), ("avg", 4), ("max", 9), ("min", 1)])
def test_aggregates(how, expected):
    assert filled(Window(60, 15), (1, 1), (2, 9), (9, 2)).aggregate(how, 10) == expected


def test_window_without_a_sample_in_its_span_is_unknown():
    window = filled(Window(10, 100), (100, 1))
    assert window.aggregate("avg", 110) is None
    assert window.aggregate("last", 110) == 1


def test_window_keeps_what_is_in_it_across_a_gap_and_is_stale_while_the_gap_lasts():
    window = filled(Window(300, 15), (100, 90), (101, 90))
    assert window.stale(116.5)
    window = window.add(117, 30)
    assert not window.stale(117)
    assert window.aggregate("avg", 117) == 70


def test_a_sample_out_of_order_is_dropped_and_one_of_the_same_time_replaces():
    window = filled(Window(60, 15), (10, 1), (9, 50), (10, 3))
    assert (window.times, window.values) == ((10,), (3,))


def test_window_is_bounded_and_old_ones_are_not_changed_by_new_ones():
    first = window = Window(1e9, 1e9)
    for at in range(MAX_POINTS + 100):
        window = window.add(float(at), 1.0)
    assert len(window.times) == MAX_POINTS
    assert first.times == ()


def test_window_is_stale_after_its_gap():
    window = filled(Window(60, 15), (100, 1))
    assert not window.stale(115)
    assert window.stale(115.1)
    assert Window(60, 15).stale(0)


def test_columns_hold_the_largest_value_of_their_time():
    columns = empty_columns(5, 10, 15)
    for at, value in [(100, 1), (101, 7), (104.9, 3), (105, 2)]:
        columns = columns.add(at, value)
    assert columns.chart.columns == (7,)
    assert columns.chart.partial == 2


def test_chart_is_the_same_object_until_a_column_or_the_partial_changes():
    columns = empty_columns(5, 10, 15).add(100, 5)
    chart = columns.chart
    columns = columns.add(101, 5).add(102, 3)
    assert columns.chart is chart
    assert columns.advance(103) is columns
    assert columns.add(103, 6).chart is not chart


def test_a_slow_rhythm_is_not_a_gap():
    columns = empty_columns(5, 10, 45).add(100, 4).add(115, 6)
    assert columns.chart.columns == (4, 4, 4)
    assert columns.chart.partial == 6


def test_nothing_is_drawn_across_a_gap():
    columns = empty_columns(5, 10, 15).add(100, 4).add(121, 6)
    assert columns.chart.columns == (4, None, None, None)


def test_a_chart_without_samples_moves_on_empty_once_it_is_stale():
    columns = empty_columns(5, 10, 15).add(100, 4)
    assert columns.advance(114).chart is columns.chart
    late = columns.advance(127)
    assert late.chart.columns == (4, None, None, None, None)
    assert late.chart.partial is None
    assert late.add(128, 9).chart.partial == 9


def test_chart_is_bounded_even_after_a_year_asleep():
    columns = empty_columns(5, 8, 15).add(100, 4).add(31_536_000, 5)
    assert columns.chart.columns == (None,) * 8
