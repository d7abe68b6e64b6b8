"""Whatever changes, rows are those that sorting and filtering everything anew would give."""

from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.view.order import Order


class Item(NamedTuple):
    name: str
    key: Any
    hit: bool = True


def order_of(items, key=True, descending=False, hits=True):
    order = Order(lambda item: item.name)
    order.sort((lambda item: item.key) if key else None, descending)
    order.select((lambda some: [item.hit for item in some]) if hits else None)
    order.put(items)
    return order


def plainly(items, key, descending, hits):
    """What the rows must be, the obvious way."""
    rows = list(items)
    if key:
        known = sorted((i for i in rows if i.key is not None), key=lambda i: i.key, reverse=descending)
        rows = known + [i for i in rows if i.key is None]
    elif descending:
        rows = rows[::-1]
    return [i for i in rows if i.hit or not hits]


KEYS = st.none() | st.integers(0, 3)
ITEMS = st.lists(st.builds(lambda key, hit: (key, hit), KEYS, st.booleans()), max_size=12)


@given(
    st.booleans(), st.booleans(), st.booleans(), ITEMS,
    st.lists(st.lists(st.tuples(st.integers(0, 11), KEYS, st.booleans()), max_size=5), max_size=6),
)  # fmt: skip
def test_small_changes_lead_to_the_same_rows_as_starting_anew(key, descending, hits, start, ticks):
    items = tuple(Item(f"i{n}", *fields) for n, fields in enumerate(start))
    order = order_of(items, key, descending, hits)
    assert order.rows == plainly(items, key, descending, hits)
    for changes in ticks:
        new = list(items)
        for at, new_key, hit in changes:
            if at < len(new):
                new[at] = Item(new[at].name, new_key, hit)
        items = tuple(new)
        order.put(items)
        assert order.rows == plainly(items, key, descending, hits)
        assert all(
            row is item for row, item in zip(order.rows, plainly(items, key, descending, hits), strict=True)
        )
        assert order.names == [row.name for row in order.rows]
        assert order.everything() == plainly(items, key, descending, False)


@given(ITEMS, ITEMS)
def test_any_other_items_are_taken_as_they_are(one, two):
    first = tuple(Item(f"i{n}", *fields) for n, fields in enumerate(one))
    second = tuple(Item(f"j{n}", *fields) for n, fields in enumerate(two))
    order = order_of(first)
    order.put(second)
    assert order.rows == plainly(second, True, False, True)


@pytest.mark.parametrize("descending", [False, True])
def test_keys_without_an_order_lose_no_item(descending):
    nan = float("nan")
    items = tuple(Item(f"i{n}", value) for n, value in enumerate((3.0, nan, 1.0, nan, 2.0)))
    order = order_of(items, True, descending, False)
    for at in range(5):
        items = (*items[:at], Item(f"i{at}", 2.5 if at % 2 else nan), *items[at + 1 :])
        order.put(items)
        assert sorted(order.names) == ["i0", "i1", "i2", "i3", "i4"]
        assert {id(row) for row in order.rows} == {id(item) for item in items}


def test_the_same_items_again_change_nothing():
    items = (Item("a", 1), Item("b", 2))
    order = order_of(items)
    version, rows = order.version, order.rows
    order.put(items)
    order.put((*items,))
    assert order.version == version
    assert order.rows is rows


def test_the_filter_is_asked_again_only_for_what_changed():
    asked = []

    def hits(some):
        asked.extend(item.name for item in some)
        return [item.hit for item in some]

    order = Order(lambda item: item.name)
    order.select(hits)
    items = tuple(Item(f"i{n}", n) for n in range(1000))
    order.put(items)
    asked.clear()
    order.put((*items[:7], Item("i7", 7, False), *items[8:]))
    assert asked == ["i7"]
    assert len(order.rows) == 999


def test_names_that_are_there_are_told_from_those_that_are_not():
    order = order_of((Item("a", 1), Item("b", 2, False)))
    assert order.present({"a", "b", "c"}) == {"a", "b"}
