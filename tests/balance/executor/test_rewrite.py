"""Changing a queue file's text: whatever its style, only the move is different, and going back gives the same bytes."""

import json
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.balance.rewrite import (
    RewriteFailed,
    fitted,
    gap_at,
    inside,
    marked,
    place_for,
    put_in,
    taken_out,
)
from core.balance.sheet import object_members, sheet_of
from core.balance.strict import NotStandard, parse
from tests.balance.executor.scene import queue, task

STAMP = "2026-11-24T12:00:00Z"
PLAIN = '{"tasks": [{"task_id": "A"}, {"task_id": "B"}]}'


def styled(value: object, rng: random.Random, depth: int, end: str, unit: str) -> str:
    """A JSON value in a style made up on the way: inline here, indented there, with odd blanks and escapes."""
    if isinstance(value, dict | list):
        if not value:
            return (
                rng.choice(("{}", "{ }"))
                if isinstance(value, dict)
                else rng.choice(("[]", "[ ]", f"[{end}]"))
            )
        is_spread = rng.random() < 0.7 and end != ""
        lead = end + unit * (depth + 1) if is_spread else rng.choice(("", " "))
        last = end + unit * depth if is_spread else rng.choice(("", " "))
        gap = "," + (lead if is_spread else rng.choice(("", " ", "  ")))
        colon = rng.choice((":", ": ", " : "))
        if isinstance(value, dict):
            rows = [
                f"{text(key, rng)}{colon}{styled(item, rng, depth + 1, end, unit)}"
                for key, item in value.items()
            ]
            return "{" + lead + gap.join(rows) + last + "}"
        return "[" + lead + gap.join(styled(item, rng, depth + 1, end, unit) for item in value) + last + "]"
    if isinstance(value, float) and not isinstance(value, bool) and value == 1.0:
        return rng.choice(("1.0", "1e0", "10E-1", "1.00"))
    return text(value, rng) if isinstance(value, str) else json.dumps(value)


def text(value: str, rng: random.Random) -> str:
    return json.dumps(value, ensure_ascii=rng.random() < 0.3)


def literal(data: bytes) -> object:
    """The document with its numbers as they are spelled, by another reader than the one that is tested."""
    return json.loads(
        data, parse_float=lambda word: ("number", word), parse_int=lambda word: ("number", word)
    )


def documents() -> st.SearchStrategy[dict[str, object]]:
    values = st.recursive(
        st.none() | st.booleans() | st.integers(-5, 5) | st.just(1.0) | st.text(max_size=4),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
        max_leaves=6,
    )
    rows = st.fixed_dictionaries({
        "status": st.sampled_from(["pending", "in_progress"]), "priority": st.sampled_from(["HIGH", "LOW", "x"]),
        "more": values,
    })  # fmt: skip
    return st.fixed_dictionaries({"rows": st.lists(rows | st.integers(0, 3), max_size=4), "extra": values})


def built(found: dict[str, object], letter: str, seed: int) -> bytes:
    rng = random.Random(seed)
    rows = [
        {"task_id": f"{letter}-{number}", **row} if isinstance(row, dict) else row
        for number, row in enumerate(found["rows"])
    ]
    document = {"name": letter, "tasks": rows, "extra": found["extra"]}
    if rng.random() < 0.7:
        document["metadata"] = {"last_updated": "2026-03-01T10:00:00Z", "n": 1.0, "text": "ä\\ \u2028"}
    items = list(document.items())
    rng.shuffle(items)
    body = styled(dict(items), rng, 0, rng.choice(("\n", "\r\n", "")), rng.choice(("  ", "    ", "\t", " ")))
    return (body + rng.choice(("", "\n", "\r\n", " "))).encode()


@given(documents(), documents(), st.integers(0, 10**6))
@settings(max_examples=200, deadline=None)
def test_a_move_changes_nothing_else_and_going_back_gives_the_same_bytes(first, second, seed):
    source, target = sheet_of(built(first, "S", seed)), sheet_of(built(second, "T", seed + 1))
    assert source.document == parse(source.data)
    movable = [index for index, row in enumerate(source.tasks) if isinstance(row, dict)]
    if not movable:
        return
    index = movable[seed % len(movable)]
    old, row = source.element(index), source.tasks[index]
    placed = fitted(marked(old, STAMP, "S", "p"), source, target)
    at = place_for(target, row["priority"])
    more, less = put_in(target, at, placed, STAMP), taken_out(source, index, STAMP)

    want_source, want_target = literal(source.data), literal(target.data)
    moved = want_source["tasks"].pop(index)
    moved["bluetop"] = {"moved_at": STAMP, "origin": "S", "plan_id": "p"}
    want_target["tasks"].insert(at, moved)
    for document in (want_source, want_target):
        if "metadata" in document:
            document["metadata"]["last_updated"] = STAMP
    assert literal(less.data) == want_source
    assert literal(more.data) == want_target
    assert list(literal(more.data)) == list(want_target)

    back = taken_out(more, at, "2026-03-01T10:00:00Z", inside(target))
    again = put_in(less, index, old, "2026-03-01T10:00:00Z", gap_at(source, index))
    assert back.data == target.data
    assert again.data == source.data


@given(st.binary(max_size=60) | st.text(alphabet='{}[]",:tasksN1e. \\u\n', max_size=40).map(str.encode))
@settings(max_examples=300, deadline=None)
def test_both_readers_of_queue_files_take_and_refuse_the_same(data):
    def outcome(read):
        try:
            return read(data)
        except NotStandard:
            return None

    sheet = outcome(sheet_of)
    assert (None if sheet is None else sheet.document) == outcome(parse)


@pytest.mark.parametrize("text", [
    "", "[]", "null", "{", '{"tasks": []} {}', '{"tasks": [], "tasks": []}', '{"tasks": [{"a": 1, "a": 2}]}',
    '{"tasks": [NaN]}', '{"tasks": [1,]}', '{"tasks": {}}', '{"tasks": [], "x": Infinity}', '{"tasks": [] "x": 1}',
    "[" * 100_000, '{"tasks": [], }', "\ufeff{}", '{tasks: []}', '{"tasks" []}', '{"tasks": [1 2]}',
])  # fmt: skip
def test_what_is_not_strictly_a_queue_is_refused_by_both_readers(text):
    for read in (sheet_of, parse):
        with pytest.raises(NotStandard):
            read(text.encode())


def test_what_is_not_utf_8_is_refused():
    with pytest.raises(NotStandard, match="UTF-8"):
        sheet_of(b'{"tasks": ["\xff"]}')


def test_an_indented_task_is_put_into_one_line_where_the_file_is_in_one_line():
    source = sheet_of(json.dumps(queue("A", task("A-1", list=[1, 2])), indent=2).encode())
    target = sheet_of(b'{"tasks":[{"task_id":"B","status":"pending"}]}')
    placed = fitted(marked(source.element(0), STAMP, "A", "p"), source, target)
    assert "\n" not in placed
    assert json.loads(placed)["list"] == [1, 2]
    assert b"\n" not in put_in(target, 1, placed, STAMP).data


def test_indentation_and_line_ends_become_those_of_the_receiver():
    source = sheet_of(json.dumps(queue("A", task("A-1", deep={"x": [1]})), indent=2).encode())
    text = json.dumps(queue("B", task("B-1")), indent="\t").replace("\n", "\r\n")
    target = sheet_of(text.encode())
    made = put_in(target, 1, fitted(source.element(0), source, target), STAMP)
    want = json.loads(text)
    want["tasks"].append(task("A-1", deep={"x": [1]}))
    want["metadata"]["last_updated"] = STAMP
    assert made.text == json.dumps(want, indent="\t").replace("\n", "\r\n")


def test_a_key_that_is_there_keeps_its_place_and_what_else_it_holds():
    row = '{"task_id": "A", "bluetop": {"count": 1.50, "origin": "X", "moved_at": "then"}, "z": 1}'
    assert marked(row, STAMP, "X", "p") == (
        '{"task_id": "A", "bluetop": {"moved_at": "2026-11-24T12:00:00Z", "origin": "X", "plan_id": "p", '
        '"count": 1.50}, "z": 1}'
    )


def test_metadata_is_not_made_and_a_time_that_is_no_text_is_left_alone():
    assert taken_out(sheet_of(PLAIN.encode()), 0, STAMP).text == '{"tasks": [{"task_id": "B"}]}'
    text = PLAIN[:-1] + ', "metadata": {"last_updated": 5}}'
    assert taken_out(sheet_of(text.encode()), 0, STAMP).text.endswith('"metadata": {"last_updated": 5}}')
    text = PLAIN[:-1] + ', "metadata": {}}'
    assert taken_out(sheet_of(text.encode()), 0, STAMP).text.endswith('"metadata": {}}')


def test_what_would_change_more_than_one_task_is_refused():
    sheet = sheet_of(PLAIN.encode())
    for element in ('{"task_id": "C"}, {"task_id": "D"}', "{", "", '{"task_id": "C"}], "tasks": ['):
        with pytest.raises((RewriteFailed, NotStandard)):
            put_in(sheet, 1, element, STAMP)


@pytest.mark.parametrize(("rows", "priority", "place"), [
    ([], "HIGH", 0),
    ([("HIGH", "in_progress")], "HIGH", 1),
    ([("HIGH", "pending"), ("LOW", "pending")], "HIGH", 1),
    ([("HIGH", "pending"), ("LOW", "pending")], "critical", 0),
    ([("LOW", "in_progress"), ("LOW", "pending")], "HIGH", 1),
    ([("LOW", "pending"), ("HIGH", "pending")], "MEDIUM", 2),
    ([("HIGH", "pending"), ("odd", "pending"), ("HIGH", "completed")], "other", 2),
    ([("CRITICAL", " Pending "), ("LOW", "blocked"), ("MEDIUM", "pending")], "HIGH", 1),
])  # fmt: skip
def test_a_task_is_placed_behind_the_last_pending_one_of_its_rank_or_above(rows, priority, place):
    tasks = [task(f"T-{number}", rank, status) for number, (rank, status) in enumerate(rows)]
    assert place_for(sheet_of(json.dumps(queue("A", *tasks)).encode()), priority) == place


def test_members_know_where_they_stand():
    text = '{ "a" : [1, 2], "b\\"" :{"c": null} }'
    assert [(row.key, text[row.begin : row.end]) for row in object_members(text)] == [
        ("a", "[1, 2]"), ('b"', '{"c": null}'),
    ]  # fmt: skip
    for wrong in ("[]", "{} 1", '{"a": 1, "a": 2}'):
        with pytest.raises(NotStandard):
            object_members(wrong)
