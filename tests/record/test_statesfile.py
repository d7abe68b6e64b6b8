"""The states file: written whole, read whole or not at all."""

import json
import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.queues.states import State, render
from core.record import files, statesfile
from tests.queues.test_states import STATES
from tests.record.test_files import NAMES

TEXTS = st.none() | STATES.map(render)
SPANS = st.lists(
    st.tuples(st.floats(0, 1e9), st.floats(0, 1e9)).map(lambda pair: (min(pair), max(pair))), max_size=4
)


@given(st.dictionaries(NAMES, TEXTS, max_size=6), st.data(), SPANS, st.integers(0, 10**12))
def test_what_is_written_is_read_again(
    states: dict[str, str | None], data: st.DataObject, spans: list[tuple[float, float]], offset: int
) -> None:
    partial = data.draw(st.sets(st.sampled_from(sorted(states))) if states else st.just(set()))
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, files.STATES)
        size = statesfile.write(path, states, partial, spans, offset, "mark")
        assert size == os.path.getsize(path)
        found = statesfile.read(path)
    assert found.states == {name: text for name, text in states.items() if text != "" or name in partial}
    assert found.partial == partial
    assert (found.complete, found.offset, found.mark, found.size) == (True, offset, "mark", size)
    assert list(found.watched) == spans


def written(folder: Path) -> Path:
    path = folder / files.STATES
    states = {"CA": render({"T-1": State("pending", 2.0, 3)}), "CB": None, "CC": "?on hold\tT-2"}
    statesfile.write(str(path), states, {"CC"}, [(1.0, 2.0)], 7, "m")
    return path


def test_a_file_that_breaks_off_anywhere_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path)
    whole = path.read_bytes()
    assert statesfile.read(str(path)).states["CC"] == "?on hold\tT-2"
    for length in range(len(whole) - 1):  # the last line break may be missing
        path.write_bytes(whole[:length])
        with pytest.raises(ValueError, match=r"\w"):
            statesfile.read(str(path))


def test_a_file_with_a_flipped_byte_is_refused_or_says_something_that_can_be_shown(tmp_path: Path) -> None:
    path = written(tmp_path)
    whole = bytearray(path.read_bytes())
    for at in range(len(whole)):
        for flip in (0x01, 0x80, 0xFF):
            path.write_bytes(whole[:at] + bytes([whole[at] ^ flip]) + whole[at + 1 :])
            try:
                found = statesfile.read(str(path))
            except ValueError:
                continue
            assert all(name.isprintable() for name in found.states)
            assert all(part.isprintable() for text in found.states.values() for part in (text or "").split())


HEAD = {"schema": files.SCHEMA, "complete": True, "bytes": 0, "mark": "", "watched": []}
BROKEN = [
    [],
    [[]], [1], ["x"], [None], [{}], [{"schema": "bluetop.tasks/2"}, {"end": 0}],
    [{**HEAD, "bytes": -1}, {"end": 0}], [{**HEAD, "bytes": 1e999}, {"end": 0}], [{**HEAD, "bytes": True}, {"end": 0}],
    [{**HEAD, "bytes": "1"}, {"end": 0}], [{**HEAD, "watched": None}, {"end": 0}],
    [{**HEAD, "watched": [[1]]}, {"end": 0}], [{**HEAD, "watched": [[2, 1]]}, {"end": 0}],
    [{**HEAD, "watched": [[float("nan"), 1]]}, {"end": 0}], [{**HEAD, "watched": [[1, float("inf")]]}, {"end": 0}],
    [HEAD], [HEAD, {"end": 1}], [HEAD, {}], [HEAD, ["CA"], {"end": 1}], [HEAD, [1, "p\tT"], {"end": 1}],
    [HEAD, ["CA", 5], {"end": 1}], [HEAD, ["CA", "p"], {"end": 1}], [HEAD, ["CA", "p\tT\n"], {"end": 1}],
    [HEAD, ["C\x1bA", "p\tT"], {"end": 1}], [HEAD, ["CA", "p\tT\x1b[31m"], {"end": 1}],
    [HEAD, ["CA", "p\tT\t1\t-5"], {"end": 1}],
    [HEAD, ["CA", "p\tT\t\tx"], {"end": 1}], [HEAD, ["CA", "p\tT\u202e"], {"end": 1}],
    [HEAD, ["CA", "p\tT\nc\tT"], {"end": 1}],
]  # fmt: skip


@pytest.mark.parametrize("rows", BROKEN, ids=range(len(BROKEN)))
def test_what_is_no_states_file_is_refused(tmp_path: Path, rows: list[object]) -> None:
    path = tmp_path / files.STATES
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    with pytest.raises(ValueError, match=r"\w"):
        statesfile.read(str(path))


def test_nesting_without_end_is_refused(tmp_path: Path) -> None:
    path = tmp_path / files.STATES
    path.write_text("[" * 200_000)
    with pytest.raises(ValueError, match="not written as it should be"):
        statesfile.read(str(path))


def test_a_file_of_holes_is_not_read_into_memory(tmp_path: Path) -> None:
    path = tmp_path / files.STATES
    with path.open("wb") as file:
        file.truncate(statesfile.MOST_BYTES + 1)
    with pytest.raises(ValueError, match="too large"):
        statesfile.read(str(path))


def test_what_a_killed_writer_left_is_no_obstacle(tmp_path: Path) -> None:
    path = written(tmp_path)
    left = tmp_path / (files.STATES + ".tmp")
    left.write_text("half")
    statesfile.write(str(path), {}, (), (), 0, "")
    assert sorted(file.name for file in tmp_path.iterdir()) == [files.STATES]
    left.symlink_to(tmp_path / "elsewhere")
    statesfile.write(str(path), {}, (), (), 0, "")
    assert sorted(file.name for file in tmp_path.iterdir()) == [files.STATES]
