from hypothesis import given
from hypothesis import strategies as st

from tui.view.spans import cut, fit, fit_line, line_width, width


def test_wide_characters_take_two_cells_and_combining_marks_none():
    assert width("日本") == 4
    assert width("e\u0301") == 1
    assert width("⣿▇é") == 3


def test_a_wide_character_is_never_cut_in_half():
    assert fit("日本語", 4) == "日… "
    assert width(fit("日本語", 4)) == 4


@given(st.text(), st.integers(0, 40))
def test_fit_gives_exactly_the_cells_asked_for(text, cells):
    assert width(fit(text, cells)) == cells
    assert width(fit(text, cells, ">")) == cells
    assert width(cut(text, cells)) <= cells


@given(st.lists(st.tuples(st.text(max_size=8), st.just("text")), max_size=6), st.integers(0, 40))
def test_fit_line_gives_exactly_the_cells_asked_for(line, cells):
    assert line_width(fit_line(line, cells)) == cells
