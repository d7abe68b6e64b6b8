import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.queues.decode import BROKEN, PARTIAL, REPAIRED, WHOLE, Decoded, decode
from core.queues.notes import ERROR, Notes, path_text, place_of

MB = 1 << 20


def read(data: bytes | str) -> tuple[Decoded, list[tuple[str, int, int, str]]]:
    """What is decoded, and each remark as (code, line, column, key)."""
    notes = Notes()
    raw = data.encode() if isinstance(data, str) else data
    found = decode(raw, notes, 32 * MB)
    told = [
        (note.code, *(place_of(found.text, note.where) if note.where >= 0 else (0, 0)), path_text(note.path))
        for note, _ in notes.first()
    ]
    return found, told


def test_plain_json_is_whole_and_without_remark() -> None:
    found, told = read('{"a": [1, 2.5, null, "é"]}')
    assert (found.documents, found.level, told) == ([{"a": [1, 2.5, None, "é"]}], WHOLE, [])


def test_several_documents_are_all_read() -> None:
    found, told = read('{"a": 1}\n\n{"b": 2}\n[3]')
    assert found.documents == [{"a": 1}, {"b": 2}, [3]]
    assert found.level == WHOLE
    assert told == [("documents", 3, 1, "")]


CASES: list[tuple[str, Any, int, tuple[str, int, int, str]]] = [
    ('{"a": [1, 2,\n], "b": 3}', {"a": [1, 2], "b": 3}, REPAIRED, ("trailing_comma", 1, 12, "a")),
    ('{"a": 1,\n}', {"a": 1}, REPAIRED, ("trailing_comma", 1, 8, "")),
    ('{"a": 1\n "b": 2}', {"a": 1, "b": 2}, REPAIRED, ("missing_comma", 2, 2, "")),
    ('[{"a": 1} {"b": 2}]', [{"a": 1}, {"b": 2}], REPAIRED, ("missing_comma", 1, 11, "")),
    ('{"a" 1}', {"a": 1}, REPAIRED, ("missing_colon", 1, 6, "a")),
    ('{"a": 1, // why\n "b": 2}', {"a": 1, "b": 2}, REPAIRED, ("comment", 1, 10, "")),
    ("{a: 1, 'b': 2}", {"a": 1, "b": 2}, REPAIRED, ("bare_key", 1, 2, "")),
    ('{"a": None, "b": True}', {"a": None, "b": True}, REPAIRED, ("not_json_value", 1, 7, "a")),
    ('{"a": "x\x1b[31m"}', {"a": "x\x1b[31m"}, REPAIRED, ("control_character", 1, 9, "")),
    (
        '[{"id": "msg_" + new Date().getTime(), "b": 2}, {"c": 3}]',
        [{"b": 2}, {"c": 3}],
        PARTIAL,
        ("expression", 1, 9, "[0].id"),
    ),
    ('{"at": new Date(1, [2, 3]), "b": 2}', {"b": 2}, PARTIAL, ("expression", 1, 8, "at")),
    ('{"a": , "b": 2}', {"b": 2}, PARTIAL, ("missing_value", 1, 7, "a")),
    ('{"a": [1, 2}, "b": 3}', {"a": [1, 2]}, PARTIAL, ("wrong_bracket", 1, 12, "a")),
    ('{"a": 1,\n<<<<<<< HEAD\n"b": 2,\n=======\n"c": 3,\n>>>>>>> x\n"d": 4}',
     {"a": 1, "b": 2, "c": 3, "d": 4}, PARTIAL, ("conflict", 2, 1, "")),
    ('{"a": [{"b": 1}, {"c": "x', {"a": [{"b": 1}, {}]}, BROKEN, ("truncated", 1, 24, "a[1].c")),
    ('{"a": [1', {"a": [1]}, BROKEN, ("truncated", 1, 9, "a")),
]  # fmt: skip


@pytest.mark.parametrize(("text", "value", "level", "remark"), CASES)
def test_hand_made_errors_are_repaired_and_named(
    text: str, value: Any, level: int, remark: tuple[str, int, int, str]
) -> None:
    found, told = read(text)
    assert found.documents[0] == value
    assert found.level == level
    assert remark in told


@pytest.mark.parametrize("code", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_other_encodings_are_read_and_named(code: str) -> None:
    found, told = read('{"a": "é"}'.encode(code))
    assert found.documents == [{"a": "é"}]
    assert [remark[0] for remark in told] == ["encoding"]


def test_a_byte_that_is_not_utf8_costs_only_itself() -> None:
    found, told = read(b'{"a": "x\xff\xfey",\n "b": 2}')
    assert found.documents == [{"a": "x\ufffd\ufffdy", "b": 2}]
    assert told == [("bad_utf8", 1, 9, "")]


def test_nul_bytes_at_the_end_are_named_and_the_rest_is_read() -> None:
    found, told = read(b'{"a": 1}' + b"\0" * 512)
    assert found.documents == [{"a": 1}]
    assert told == [("nul_bytes", 1, 9, "")]


def test_duplicate_keys_are_found_with_their_place() -> None:
    found, told = read('{"a": {"x": 1,\n "x": 2}}')
    assert found.documents == [{"a": {"x": 2}}]
    assert told == [("duplicate_key", 2, 2, "a.x")]


def test_nan_and_huge_integers_are_read_and_named() -> None:
    found, told = read('{"a": NaN,\n"b": ' + "9" * 5000 + "}")
    assert found.documents[0]["b"] == float("inf")
    assert told == [("huge_integer", 2, 6, ""), ("not_a_number", 1, 7, "")]


def test_half_a_surrogate_pair_is_named_and_a_whole_one_is_not() -> None:
    assert read(r'{"a": "\ud83d\ude00", "b": "\\ud800"}')[1] == []
    assert read(r'{"a": "\ud800 x"}')[1] == [("surrogate", 1, 8, "")]


@pytest.mark.parametrize("text", ["[" * 100_000 + "]" * 100_000, '{"a":' * 100_000 + "1" + "}" * 100_000])
def test_a_hundred_thousand_levels_cost_only_themselves(text: str) -> None:
    found, told = read('{"tasks": [], "deep": ' + text + ', "after": 1}')
    assert found.documents[0]["tasks"] == []
    assert found.documents[0]["after"] == 1
    assert told[0][0] == "too_deep"


def test_a_large_broken_file_is_not_repaired_but_its_place_is_told() -> None:
    notes = Notes()
    found = decode(b'{"a": 1,\n "b": [1,]}', notes, repair_bytes=4)
    assert found.level == BROKEN
    note = notes.first()[0][0]
    assert note.code == "syntax"
    assert place_of(found.text, note.where)[0] == 2


@given(st.binary(max_size=400))
def test_any_bytes_are_a_value_or_a_named_problem(data: bytes) -> None:
    notes = Notes()
    found = decode(data, notes, 32 * MB)
    assert found.level < PARTIAL or any(note.severity == ERROR for note, _ in notes.first())


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=20,
)


@given(JSON, st.data())
def test_cutting_json_anywhere_never_raises_and_is_never_called_whole(
    value: Any, data: st.DataObject
) -> None:
    text = json.dumps({"tasks": value}, ensure_ascii=False)
    at = data.draw(st.integers(1, len(text) - 1))
    notes = Notes()
    assert decode(text[:at].encode("utf-8", "surrogatepass"), notes, MB).level == BROKEN
    assert notes.lossy


@given(JSON, st.data())
def test_inserting_anything_anywhere_never_raises(value: Any, data: st.DataObject) -> None:
    text = json.dumps([value, {"a": value}], ensure_ascii=False)
    at = data.draw(st.integers(0, len(text)))
    junk = data.draw(st.sampled_from(list("{}[],:\"'\\/#<x9\n\0")) | st.text(max_size=6))
    notes = Notes()
    found = decode((text[:at] + junk + text[at:]).encode("utf-8", "surrogatepass"), notes, MB)
    assert found.level < PARTIAL or notes.lossy
