"""The fleet's own JSON reads and writes exactly what the `json` package does."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.demo import jsontext

numbers = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
scalars = st.none() | st.booleans() | numbers | st.text()
values = st.recursive(
    scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=25
)


@given(values)
def test_pretty_text_is_that_of_the_json_package(value):
    assert jsontext.pretty(value) == json.dumps(value, indent=2, ensure_ascii=False)


@given(st.lists(st.dictionaries(st.text(), values, max_size=5), max_size=3))
def test_a_printer_gives_that_text_for_one_document_after_another(documents):
    printer = jsontext.Printer()
    for document in [*documents, *documents]:
        assert printer.pretty(document) == jsontext.pretty(document)


def test_a_printer_sees_a_record_that_was_replaced():
    printer = jsontext.Printer()
    one, two = {"task_id": "A"}, {"task_id": "B"}
    printer.pretty({"tasks": [one, two]})
    assert printer.pretty({"tasks": [one, {"task_id": "C"}, one]}) == jsontext.pretty(
        {"tasks": [{"task_id": "A"}, {"task_id": "C"}, {"task_id": "A"}]}
    )


@given(values)
def test_what_is_written_is_read_back(value):
    assert jsontext.parse(jsontext.pretty(value)) == value


@given(st.text())
def test_any_text_gives_a_value_or_value_error(text):
    try:
        expected = json.loads(text)
    except ValueError:
        with pytest.raises(ValueError, match=r"\w"):
            jsontext.parse(text)
    else:
        assert repr(jsontext.parse(text)) == repr(expected)


@pytest.mark.parametrize("text", ["", "  ", '{"a": 1,}', "{} {}", '{"a"', "[1, 2"])
def test_broken_text_is_a_value_error(text):
    with pytest.raises(ValueError, match=r"\w"):
        jsontext.parse(text)


def test_a_value_that_json_does_not_know_is_refused():
    with pytest.raises(TypeError, match="set has no place"):
        jsontext.pretty({"a": {1}})
