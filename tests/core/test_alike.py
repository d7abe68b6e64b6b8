"""Names like one that was typed: another case, a beginning, one slip of the finger."""

from hypothesis import given
from hypothesis import strategies as st

from core.alike import COUNTED, MOST, NOTHING_ALIKE, alike

NAMES = ("TASK-1", "TASK-12", "TASK-2", "task-12", "CA", "CB", "Straße")


def test_the_same_in_another_case_goes_before_what_begins_so():
    found = alike("Task-1", NAMES)
    assert (found.same, found.begins) == (("TASK-1",), ("TASK-12", "task-12"))
    assert found.meant == ("TASK-1",)
    assert alike("task-", NAMES).meant == ("TASK-1", "TASK-12", "TASK-2", "task-12")
    assert alike("STRASSE", NAMES).same == ("Straße",)


def test_one_letter_too_many_too_few_another_one_or_two_swapped_is_near():
    for typed in ("TASK-3", "TAK-2", "TTASK-2", "ATSK-2", "TASK2"):
        assert "TASK-2" in alike(typed, NAMES).near, typed
    assert alike("TUSK-22", NAMES).near == ()


def test_of_many_names_the_first_are_kept_and_the_rest_counted():
    found = alike("t", (f"T{number:06}" for number in range(50_000)))
    assert len(found.begins) == MOST
    assert found.more == COUNTED - MOST


def test_nothing_is_like_nothing():
    assert alike("", NAMES) == NOTHING_ALIKE
    assert alike("x" * 5000, NAMES) == NOTHING_ALIKE


@given(st.text(max_size=70), st.lists(st.text(max_size=8), max_size=8))
def test_any_text_has_an_answer_and_a_name_is_like_itself(name, names):
    found = alike(name, names)
    assert {*found.same, *found.begins, *found.near} <= set(names)
    if name:
        assert name in alike(name, [*names, name]).same
