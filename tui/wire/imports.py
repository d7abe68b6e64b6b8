"""Importing Textual cheaply, and what that leaves to be put right afterwards.

Measured: keeping `ssl` out saves 12 ms and 4.2 MiB; nothing in the dashboard needs it. A later
`import ssl` works as ever; only asyncio has by then noticed that there is none, which `with_ssl`
corrects for whoever wants TLS on the event loop.
"""

import gc
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from tui.lean import standing_in

# Read by Textual when it is imported. Esc alone is a key after 50 ms instead of 100.
SETTINGS: Mapping[str, str] = {
    "TEXTUAL_ANIMATIONS": "none",
    "TEXTUAL_SMOOTH_SCROLL": "0",
    "ESCDELAY": "50",
}
_SSL = ("ssl", "_ssl")
# What has the few names that Textual wants of these modules: 2 MiB and 15 ms less.
_LENDERS = {"typing_extensions": "typing", "textual.types": "textual._types"}


@contextmanager
def textual_settings(environ: Mapping[str, str]) -> Iterator[None]:
    """Import Textual inside: our settings where the user has none, no `ssl`, no garbage collection."""
    ours = {name: value for name, value in SETTINGS.items() if name not in environ}
    os.environ.update(ours)
    kept_out = [name for name in _SSL if name not in sys.modules]
    for name in kept_out:
        sys.modules[name] = None  # type: ignore[assignment]
    collecting = gc.isenabled()
    gc.disable()
    try:
        with standing_in(_LENDERS):
            yield
    finally:
        for name in kept_out:
            if sys.modules.get(name, name) is None:
                del sys.modules[name]
        for name in ours:  # not for the children
            os.environ.pop(name, None)
        if collecting:
            gc.enable()


def with_ssl() -> None:
    """Let asyncio, imported without `ssl`, use it after all. Harmless where it does already."""
    import asyncio.base_events
    import asyncio.selector_events
    import asyncio.sslproto
    import asyncio.unix_events
    import importlib
    import ssl

    if getattr(asyncio.sslproto, "ssl", None) is not None:
        return
    importlib.reload(asyncio.sslproto)
    for module in (asyncio.base_events, asyncio.selector_events, asyncio.unix_events):
        if hasattr(module, "ssl"):
            module.ssl = ssl  # type: ignore[attr-defined]


def settle() -> None:
    """The app is up: what is there now stays, so the collector need not look at it again."""
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
    gc.enable()
