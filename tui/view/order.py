"""Which items of a table stand in which row: sorted, filtered, and followed through small changes.

Of ten thousand items a tick changes a few. Those are found by identity and put where they belong;
nothing is sorted, and no key or filter is asked again, for the rest. The outcome is always what
sorting and filtering everything would give. Not for cursors, marks or drawing: `tui.view.table`.
"""

from collections.abc import Callable, Iterable, Sequence
from itertools import compress
from operator import is_not
from typing import Any

Key = Callable[[Any], Any]
Hits = Callable[[Iterable[Any]], list[bool]]

_FEW = 32  # changes up to this many, or this part of the items, are followed one by one
_FEW_PARTS = 40


class Order:
    """Items by their rows. `rows` and `names` are what is shown, in order; `names` come from `identify`.

    Items with equal keys keep the order in which they came; unknown keys (None) stand last, whichever
    way the sort goes. `version` changes with every change of `rows`.
    """

    def __init__(self, identify: Callable[[Any], str]) -> None:
        self.items: Sequence[Any] = ()
        self.rows: list[Any] = []
        self.names: list[str] = []
        self.version = 0
        self._identify = identify
        self._key: Key | None = None
        self._descending = False
        self._hits_of: Hits | None = None
        self._ids: list[str] = []  # by position in `items`, as are keys and hits
        self._keys: list[Any] = []
        self._hits: list[bool] = []
        self._sorted: list[int] = []  # positions of all items, in order
        self._shown: list[int] = []

    # -- what changes it -------------------------------------------------------------------

    def put(self, items: Sequence[Any]) -> None:
        """Take new items in place of the old ones."""
        if items is self.items:
            return
        changed = self._changes(items)
        self.items = items
        if changed is None or not self._follow(changed):
            self._ids = [self._identify(item) for item in items]
            self._sort_all()
            self._filter_all()
            self._show()

    def sort(self, key: Key | None, descending: bool) -> None:
        """Sort by `key`; without one the items stand as they came (or backwards)."""
        self._key, self._descending = key, descending
        self._sort_all()
        self._show()

    def select(self, hits_of: Hits | None) -> None:
        """Show only items for which `hits_of` is true; without it all of them."""
        self._hits_of = hits_of
        self.refresh()

    def refresh(self) -> None:
        """Ask the filter again: its answer depends on more than the items."""
        before = self._hits
        self._filter_all()
        if self._hits != before:
            self._show()

    def everything(self) -> list[Any]:
        """All items in order, those that the filter hides as well."""
        return list(map(self.items.__getitem__, self._sorted))

    def present(self, names: Iterable[str]) -> set[str]:
        """Those of `names` that an item has, shown or not."""
        return set(names).intersection(self._ids)

    # -- few changes -----------------------------------------------------------------------

    def _changes(self, items: Sequence[Any]) -> list[int] | None:
        """Positions at which `items` differ from those there are; None if that is no small change."""
        if len(items) != len(self.items):
            return None
        changed = list(compress(range(len(items)), map(is_not, self.items, items)))
        return changed if len(changed) <= max(_FEW, len(items) // _FEW_PARTS) else None

    def _follow(self, changed: list[int]) -> bool:
        """Put the changed items where they belong; False if everything must be worked out anew."""
        items = self.items
        new = [items[at] for at in changed]
        if any(self._identify(item) != self._ids[at] for at, item in zip(changed, new, strict=True)):
            return False
        moved: list[tuple[int, Any]] = []
        if self._key is not None:
            for at, item in zip(changed, new, strict=True):
                key = self._key(item)
                if key != self._keys[at]:
                    moved.append((at, key))
        for at, _ in moved:
            place = self._place(at)
            if self._sorted[place : place + 1] != [at]:  # keys without an order, such as NaN
                return False
            del self._sorted[place]
        for at, key in moved:
            self._keys[at] = key
            self._sorted.insert(self._place(at), at)
        same_rows = not moved
        if self._hits_of is not None:
            for at, hit in zip(changed, self._hits_of(new), strict=True):
                if hit is not self._hits[at]:
                    self._hits[at] = hit
                    same_rows = False
        if not same_rows:
            self._show()
        elif changed:
            self.rows = list(map(items.__getitem__, self._shown))
            self.version += 1
        return True

    def _place(self, at: int) -> int:
        """Where in `_sorted` the item at position `at` stands, or would."""
        keys, ordered = self._keys, self._sorted
        key = keys[at]
        low, high = 0, len(ordered)
        while low < high:
            middle = (low + high) // 2
            other = ordered[middle]
            its = keys[other]
            if its is None or key is None:
                before = its is not None or (key is None and other < at)
            elif its == key:
                before = other < at
            else:
                before = its > key if self._descending else its < key
            if before:
                low = middle + 1
            else:
                high = middle
        return low

    # -- everything ------------------------------------------------------------------------

    def _sort_all(self) -> None:
        count = len(self.items)
        if self._key is None:
            self._keys = []
            self._sorted = list(range(count - 1, -1, -1)) if self._descending else list(range(count))
            return
        key = self._key
        keys = self._keys = [key(item) for item in self.items]
        known = [at for at in range(count) if keys[at] is not None]
        known.sort(key=keys.__getitem__, reverse=self._descending)
        self._sorted = known + [at for at in range(count) if keys[at] is None]

    def _filter_all(self) -> None:
        self._hits = [] if self._hits_of is None else self._hits_of(self.items)

    def _show(self) -> None:
        if self._hits_of is None:
            self._shown = self._sorted
        else:
            self._shown = list(compress(self._sorted, map(self._hits.__getitem__, self._sorted)))
        self.rows = list(map(self.items.__getitem__, self._shown))
        self.names = list(map(self._ids.__getitem__, self._shown))
        self.version += 1
