import json
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.prober import spawn, wire


def feed_in_pieces(data: bytes, size: int) -> list[object]:
    frames = wire.Frames()
    return [document for at in range(0, len(data), size) for document in frames.feed(data[at : at + size])]


@pytest.mark.parametrize("size", [1, 2, 5, 7, 1000])
def test_frames_survive_any_cut(size: int) -> None:
    documents = [{"id": 1}, ["ä", "\udcff", None], "x" * 300]
    data = b"".join(wire.frame(wire.encode(document)) for document in documents)
    assert feed_in_pieces(data, size) == documents


@given(st.binary(min_size=6))
def test_any_bytes_are_documents_or_garbled(data: bytes) -> None:
    try:
        list(wire.Frames().feed(data))
    except wire.GarbledError:
        return


def test_a_frame_that_claims_too_much_is_garbled() -> None:
    with pytest.raises(wire.GarbledError):
        list(wire.Frames(limit=100).feed(wire.frame(wire.encode("x" * 200))))


def test_nesting_without_end_is_garbled() -> None:
    with pytest.raises(wire.GarbledError):
        list(wire.Frames().feed(wire.frame("[" * 200_000)))


def test_parts_keep_every_row_in_order_and_stay_small() -> None:
    rows = [json.dumps("r" * (n * 997 % 9000)) for n in range(200)]
    pieces = list(wire.parts(iter(rows)))
    assert [row for piece in pieces for row in json.loads(f"[{piece}]")] == [json.loads(row) for row in rows]
    assert len(pieces) > 5
    assert max(map(len, pieces)) <= wire.PART_SIZE


def test_a_row_larger_than_a_part_is_a_part_of_its_own() -> None:
    big = json.dumps("x" * (2 * wire.PART_SIZE))
    assert list(wire.parts(iter(["1", big, "2"]))) == ["1", big, "2"]


def test_the_page_tells_the_last_unit_and_counts() -> None:
    fd = spawn.new_page()
    page = wire.Page(fd)
    assert wire.read_page(fd) == (0, "")
    for unit in ("queues:/a/" + "long/" * 300, "queues:/a/\udcff", ""):
        page.beat(unit)
        assert wire.read_page(fd)[1] == unit
    assert wire.read_page(fd)[0] == 3
    os.close(fd)


def test_a_unit_longer_than_the_page_is_cut() -> None:
    fd = spawn.new_page()
    wire.Page(fd).beat("é" * wire.PAGE_SIZE)
    assert wire.read_page(fd)[1].startswith("ééé")
    os.close(fd)
