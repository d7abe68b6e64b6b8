"""The one door for text from outside: what comes out of it can be written to any terminal."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import BluetopError, ConfigError
from core.text import clean, clean_line
from tui.view.spans import char_width

ANY = st.text(st.characters(codec=None, exclude_categories=()), max_size=40)


@given(ANY)
def test_nothing_that_acts_hides_or_breaks_a_line_comes_out(text):
    for char in clean(text):
        assert unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
        assert char == " " or unicodedata.category(char) != "Zs"


@given(ANY)
def test_what_is_clean_stays_as_it_is(text):
    once = clean(text)
    assert clean(once) == once


@given(ANY, st.integers(1, 50))
def test_a_cleaned_line_is_one_line_within_its_limit(text, limit):
    line = clean_line(text, limit)
    assert len(line) <= limit
    assert "\n" not in line


@pytest.mark.parametrize("filler", ["\u115f", "\u1160", "\u3164", "\uffa0", "\u17b4"])
def test_letters_of_which_nothing_is_seen_are_made_visible(filler):
    assert clean(f"a{filler}b") == f"a\\u{ord(filler):04x}b"


@pytest.mark.parametrize("selector", ["\u200d", "\ufe00", "\ufe0f", "\u034f", "\u180b", "\U000e0100"])
def test_joiners_and_selectors_whose_width_differs_between_terminals_are_left_out(selector):
    assert clean(f"a{selector}b") == "ab"


@pytest.mark.parametrize("text", ["plain", "日本語", "e\u0301", "±½→", "한국어", "😀", "שלום"])
def test_writing_of_all_kinds_stays(text):
    assert clean(text) == text


def test_jamo_that_join_the_one_before_take_no_cell():
    assert [char_width(char) for char in "\u1112\u1161\u11ab"] == [2, 0, 0]


def test_a_message_to_the_operator_is_one_clean_line_whatever_was_put_into_it():
    error = ConfigError("--config names /x\x1b]52;c;eA==\x07\n\x9b31m\udcff, which does not exist")
    assert str(error) == "--config names /x\\x1b]52;c;eA==\\x07 \\x9b31m\\udcff, which does not exist"
    assert str(BluetopError()) == ""
