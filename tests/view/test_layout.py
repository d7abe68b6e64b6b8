import itertools

import pytest

from tui.view.layout import GAUGES, arrange

SIZES = [(60, 20), (80, 24), (100, 32), (120, 40), (160, 50), (169, 39), (170, 40), (200, 60), (300, 90)]


@pytest.mark.parametrize(("width", "height"), SIZES)
@pytest.mark.parametrize(("agents", "alerts"), [(0, 0), (1, 1), (6, 4), (40, 2), (2, 40), (10_000, 500)])
def test_panes_lie_inside_the_window_and_never_on_each_other(width, height, agents, alerts):
    rects = arrange(width, height, agents, alerts).rects
    for rect in rects.values():
        assert rect.x >= 0
        assert rect.y >= 0
        assert rect.width > 0
        assert rect.height > 0
        assert rect.x + rect.width <= width
        assert rect.y + rect.height <= height
    for a, b in itertools.combinations(rects.values(), 2):
        apart = a.x + a.width <= b.x or b.x + b.width <= a.x or a.y + a.height <= b.y or b.y + b.height <= a.y
        assert apart, (a, b)


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_every_size_has_the_gauges_the_agents_and_the_alerts(width, height):
    rects = arrange(width, height, 6, 4).rects
    assert {"head", "foot", "agents", "alerts", *GAUGES} <= set(rects)


def test_the_agents_get_the_room_when_there_are_many_but_the_log_keeps_some():
    rects = arrange(80, 24, 500, 500).rects
    assert rects["agents"].height > rects["alerts"].height >= 4


def test_below_the_least_size_there_is_only_the_kind_word():
    assert arrange(59, 24, 6, 4).level == "small"
    assert arrange(80, 19, 6, 4).level == "small"


def test_an_expanded_pane_stands_alone():
    assert set(arrange(80, 24, 6, 4, "cpu").rects) == {"head", "foot", "cpu"}


def test_the_tasks_stand_beside_the_table_on_a_wide_screen_only():
    assert "tasks" in arrange(200, 60, 6, 4).rects
    assert "tasks" not in arrange(120, 40, 6, 4).rects
