"""Imports without what they would load for nothing.

`ssl`, which asyncio takes along, is 4 MiB and 12 ms; `typing_extensions`, which msgspec prefers to
`typing`, 14 ms. Both can do without, and say so by catching ImportError. Afterwards the modules
can be imported by whoever really wants them.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager


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
