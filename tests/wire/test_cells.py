"""Text as cells: the last guard before the terminal."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.text import clean
from tui.view.spans import width
from tui.wire.cells import cells_of, is_certain


@given(st.text())
def test_no_control_code_leaves(text):
    out = "".join(cells_of(text))
    assert not [c for c in out if c < " " or "\x7f" <= c < "\xa0" or c in "\u202e\u2028\u200b\ufeff"]


@given(st.text())
def test_ascii_only_means_ascii_only(text):
    assert "".join(cells_of(text, ascii_only=True)).isascii()


@given(st.text(alphabet=st.characters(exclude_categories=("Mn", "Me"))))
def test_clean_text_takes_the_cells_that_it_was_reckoned_with(text):
    text = clean(text)
    assert len(cells_of(text)) == width(text) == len(cells_of(text, ascii_only=True))


@pytest.mark.parametrize(
    ("text", "cells"),
    [
        ("abc", "abc"),
        ("a\x1b[31mb", "a?[31mb"),
        ("─│▇⣿…", "─│▇⣿…"),
        ("a漢b", ["a", "漢", "", "b"]),
        ("e\u0301x", ["e\u0301", "x"]),
        ("漢\u0301", ["漢\u0301", ""]),
        ("\u0301x", "x"),
        ("a\u00a0b", "a b"),
        ("Ünï Ω Ж", "Ünï Ω Ж"),
        ("a\tb\nc", "a?b?c"),
    ],
)
def test_cells(text, cells):
    assert cells_of(text) == cells


def test_marks_do_not_pile_up_without_end():
    (cell,) = cells_of("e" + "\u0301" * 1000)
    assert len(cell) <= 6


def test_terminals_may_disagree_about_emoji_and_wide_characters_but_not_about_our_drawing():
    assert all(map(is_certain, cells_of("aé─│▇▁⣿●○▲‖▌…↑╭")))
    assert not is_certain("漢")
    assert not is_certain("e\u0301")
