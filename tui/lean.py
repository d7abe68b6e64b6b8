"""Imports without what they would load for nothing.

`ssl`, which asyncio takes along, is 4 MiB and 12 ms; `typing_extensions`, which msgspec prefers to
`typing`, 14 ms. Both can do without, and say so by catching ImportError. Textual wants of it, and of its own
`textual.types` (which brings trees and selects), only names that another module has at hand: that one stands in.
Afterwards the modules can be imported by whoever really wants them.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType
from typing import Any


@contextmanager
def without(*names: str) -> Iterator[None]:
    """While inside, modules that are not loaded yet cannot be imported under these names."""
    absent = [name for name in names if name not in sys.modules]
    for name in absent:
        sys.modules[name] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        for name in absent:
            if sys.modules.get(name, sys) is None:
                del sys.modules[name]


class _StandIn(ModuleType):
    """Has the names of another module, and those that it lacks of the one whose place it takes."""

    def __init__(self, name: str, lender: str) -> None:
        super().__init__(name)
        self.__dict__["_lender"] = lender

    def __getattr__(self, name: str) -> Any:
        lender = sys.modules.get(self.__dict__["_lender"]) or import_module(self.__dict__["_lender"])
        if name.startswith("__"):
            raise AttributeError(name)
        try:
            return getattr(lender, name)
        except AttributeError:
            if sys.modules.get(self.__name__) is self:
                del sys.modules[self.__name__]
            return getattr(import_module(self.__name__), name)


@contextmanager
def standing_in(lenders: dict[str, str]) -> Iterator[None]:
    """While inside, modules that are not loaded yet are stood in for: `{"typing_extensions": "typing"}`."""
    made = {name: _StandIn(name, lender) for name, lender in lenders.items() if name not in sys.modules}
    sys.modules.update(made)
    try:
        yield
    finally:
        for name, module in made.items():
            if sys.modules.get(name) is module:
                del sys.modules[name]
