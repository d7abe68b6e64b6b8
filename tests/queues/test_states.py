"""The text of all tasks of an agent: written from entries, read back, compared."""

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from core.queues import Limits
from core.queues.forms import Entry
from core.queues.reader import interpret
from core.queues.states import (
    LETTERS,
    State,
    carried,
    changes,
    ids_of,
    letter_of,
    parse,
    render,
    shared_lines,
)
from core.queues.statuses import STATUS_SYNONYMS
from core.queues.tally import chosen
from core.queues.tracked import Tracked, hours, id_text, tracked
from core.text import clean_line

IDS = st.text(min_size=1, max_size=200).map(lambda text: clean_line(text, 120)).filter(bool)
WORDS = st.sampled_from(list(LETTERS)) | st.text(max_size=70).map(lambda text: clean_line(text, 60))
HOURS = st.none() | st.floats(0, 1e6, exclude_min=True, exclude_max=True) | st.integers(1, 99).map(float)
PROMISED = st.none() | st.integers(1, 99)
STATES = st.dictionaries(IDS, st.builds(State, WORDS, HOURS, PROMISED), max_size=8)


@given(STATES)
def test_what_is_rendered_is_parsed_to_the_same(states: dict[str, State]) -> None:
    text = render(states)
    assert parse(text) == states
    assert list(parse(text)) == list(states)
    assert list(ids_of(text)) == list(states)


@given(STATES, STATES)
def test_changes_lead_from_the_one_to_the_other(old: dict[str, State], new: dict[str, State]) -> None:
    now = {task: state.status for task, state in old.items()}
    for task, before, after in changes(old, new):
        assert now.get(task) == before
        assert before != after
        if after is None:
            del now[task]
        else:
            now[task] = after
    assert now == {task: state.status for task, state in new.items()}


@given(STATES, STATES)
def test_what_was_not_read_whole_neither_comes_nor_goes(old: dict[str, State], new: dict[str, State]) -> None:
    assert all(after is not None for _, _, after in changes(old, new, vanished=False))
    assert all(before is not None for _, before, _ in changes(old, new, come=False))
    both = changes(old, new, vanished=False, come=False)
    assert {task for task, _, _ in both} <= old.keys() & new.keys()


@given(STATES, STATES)
def test_what_is_known_of_a_task_is_not_forgotten(old: dict[str, State], new: dict[str, State]) -> None:
    before = dict(new)
    touched = carried(old, new)
    assert touched == (before != new)
    for task, state in new.items():
        assert state.status == before[task].status
        for at in (1, 2):
            own, known = before[task][at], old[task][at] if task in old else None
            assert state[at] == (known if own is None else own)


TABLE = [
    # old, new, transitions
    ("", "", []),
    ("", "p\tA", [("A", None, "pending")]),
    ("p\tA", "", [("A", "pending", None)]),
    ("p\tA", "p\tA\t3", []),  # an estimate is no transition
    ("p\tA\nc\tB", "c\tB\np\tA", []),  # nor is another order
    ("p\tA", "i\tA", [("A", "pending", "in_progress")]),
    ("p\tA", "?on hold\tA", [("A", "pending", "on hold")]),
    ("?on hold\tA", "?\tA", [("A", "on hold", "")]),
    ("p\tA\np\tB", "p\tC\ni\tB", [("C", None, "pending"), ("B", "pending", "in_progress"), ("A", "pending", None)]),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "expected"), TABLE)
def test_what_differs(old: str, new: str, expected: list[tuple[str, str | None, str | None]]) -> None:
    assert changes(parse(old), parse(new)) == expected


@pytest.mark.parametrize("text", ["p", "p\tA\n", "\n", "p\tA\tx", "p\tA\t1\tx", "p\tA\t\t"])
def test_what_is_no_such_text_is_refused(text: str) -> None:
    with pytest.raises((ValueError, IndexError)):
        parse(text)


@pytest.mark.parametrize("hours", ["nan", "inf", "-1", "0", "1e300"])
def test_hours_that_no_work_takes_are_unknown(hours: str) -> None:
    assert parse(f"p\tA\t{hours}\t2") == {"A": State("pending", None, 2)}


def test_every_known_status_has_a_letter_of_its_own() -> None:
    letters = [letter_of(word) for word in LETTERS]
    assert len(set(letters)) == len(LETTERS)
    assert all(len(letter) == 1 and letter != "?" for letter in letters)


# -- from entries -------------------------------------------------------------------------------------

RAW_IDS: st.SearchStrategy[Any] = (
    st.sampled_from(["T-1", "T-2", "TASK-161H-MERGE+TAG", "a b", "T\t1", "T\n1", "T\r1", "\t", "\n", " ", "", "é日"])
    | st.text(max_size=10)
    | st.none()
    | st.integers(-5, 10**30)
    | st.booleans()
    | st.just([])
    | st.just("x" * 300)
)  # fmt: skip
RAW_WORDS = (
    st.sampled_from([*LETTERS, *STATUS_SYNONYMS, "In Progress", "DONE", "on hold", "a\tb", "a\nb", "", "?"])
    | st.text(max_size=8)
    | st.none()
    | st.integers(0, 3)
)
RAW_HOURS = st.none() | st.integers(-1, 10**7) | st.floats() | st.booleans() | st.just("3")
RAW_PROMISED = st.none() | st.integers(-1, 10**7) | st.lists(st.just("x"), max_size=3) | st.just("many")


def entry(
    task_id: Any, status: Any = "pending", estimate: Any = None, promised: Any = None, **more: Any
) -> Entry:
    """An entry of `tasks`."""
    fields: dict[str, Any] = dict.fromkeys(Entry._fields)
    fields |= {"task_id": task_id, "status": status, "estimated_hours": estimate, "deliverables": promised}
    return Entry(**{**fields, "place": "tasks", "index": 0, **more})


ENTRIES = st.lists(st.builds(entry, RAW_IDS, RAW_WORDS, RAW_HOURS, RAW_PROMISED), max_size=6)
# One that is never plain, and has no id: with it every entry is read the careful way.
NOTHING_PLAIN = entry(None, "pending")


@given(ENTRIES)
@example([entry("T\tX"), entry("B")])
@example([entry("T\t1\t2"), entry("A\nB")])
@example([entry("A", "pending", 0.1234567891), entry("B", "pending", 3.0)])
def test_the_fast_way_and_the_careful_way_find_the_same(entries: list[Entry]) -> None:
    fast, careful = tracked(entries), tracked([*entries, NOTHING_PLAIN])
    assert parse(fast.text) == parse(careful.text)
    assert fast[1:] == careful[1:]


@given(ENTRIES)
def test_no_id_has_two_lines(entries: list[Entry]) -> None:
    items = list(chosen([entries], {}, []))
    text = tracked(items).text
    assert len(parse(text)) == len(list(ids_of(text)))


@given(ENTRIES)
def test_every_entry_with_an_id_has_a_line_that_can_be_shown(entries: list[Entry]) -> None:
    found = parse(tracked(entries).text)
    assert found.keys() == {id_text(item.task_id) for item in entries} - {""}
    for task, state in found.items():
        assert task.isprintable()
        assert state.status.isprintable()


def test_plain_entries_take_the_fast_way() -> None:
    entries = [entry("T-1", "pending", 3), entry("T-2", "done", 0.5), entry("T-3", "blocked")]
    assert tracked(entries).text == "p\tT-1\t3\nc\tT-2\t0.5\nb\tT-3"
    assert tracked([]) == Tracked()


def test_a_hostile_id_cannot_forge_a_line() -> None:
    text = tracked([entry("A\nc\tB"), entry("C\t9\t9")]).text
    assert parse(text) == {"A c B": State("pending"), "C 9 9": State("pending")}


@pytest.mark.parametrize("value", [True, "3", 0, -1, float("nan"), float("inf"), 1e6, 10**400, None, []])
def test_what_is_no_number_of_hours_is_unknown(value: Any) -> None:
    assert hours(value) is None


@pytest.mark.parametrize("hours", ["1e308", "nan", "inf", "-3"])
def test_hours_that_cannot_be_are_not_taken_from_an_old_text(hours: str) -> None:
    assert parse(f"p\tT-1\t{hours}\t2") == {"T-1": State("pending", None, 2)}


@given(st.lists(st.fixed_dictionaries({"task_id": RAW_IDS, "status": RAW_WORDS}), max_size=5))
def test_any_file_gives_a_text_that_can_be_read(tasks: list[Any]) -> None:
    data = json.dumps({"tasks": tasks}).encode()
    for limits, careful in ((Limits(), True), (Limits(), False), (Limits(repair_bytes=0), False)):
        text = interpret(data, "CA", 1.0, limits, careful).counted.tracked.text
        assert render(parse(text)) == text


def test_an_id_in_tasks_and_in_history_counts_once_and_the_task_wins() -> None:
    data = json.dumps(
        {
            "tasks": [{"task_id": "A", "status": "in_progress"}, {"task_id": "B", "status": "pending"}],
            "history": [{"task_id": "A", "status": "completed"}, {"task_id": "C", "status": "completed"}],
        }
    ).encode()
    for careful in (True, False):
        found = parse(interpret(data, "CA", 1.0, Limits(), careful).counted.tracked.text)
        assert {task: state.status for task, state in found.items()} == {
            "A": "in_progress", "B": "pending", "C": "completed",
        }  # fmt: skip


# -- long texts ---------------------------------------------------------------------------------------


@given(STATES, STATES, STATES, STATES, st.integers(1, 9))
def test_what_two_texts_share_is_the_same_whole_lines(
    head: dict[str, State], left: dict[str, State], right: dict[str, State], tail: dict[str, State], step: int
) -> None:
    a, b = ("\n".join(filter(None, map(render, (head, middle, tail)))) for middle in (left, right))
    if a == b:
        return
    begin, end = shared_lines(a, b, step)
    assert a[:begin] == b[:begin]
    assert begin == 0 or a[begin - 1] == "\n"
    assert a[len(a) - end :] == b[len(b) - end :]
    assert end == 0 or a[len(a) - end] == "\n"
    assert begin + end <= min(len(a), len(b))


def test_what_is_shared_leaves_only_the_lines_that_differ() -> None:
    rows = [f"p\tT-{number}" for number in range(1000)]
    a, b = "\n".join(rows), "\n".join([*rows[:500], "i\tT-500", *rows[501:]])
    head, tail = shared_lines(a, b)
    assert (a[head : len(a) - tail], b[head : len(b) - tail]) == ("p\tT-500", "i\tT-500")
