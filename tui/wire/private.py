"""What of Textual's inside the wire relies on, in one place.

Textual promises none of this. `missing` says what a newer Textual has taken away or changed;
a test calls it, so that raising the pin shows the cause in one line instead of a blank screen.
"""

import importlib
import inspect
from collections.abc import Iterable
from typing import Any, NamedTuple


class Relied(NamedTuple):
    """One thing: where it is, the parameters it must take (None: it is no function), and what for."""

    path: str
    parameters: tuple[str, ...] | None
    why: str


RELIED: tuple[Relied, ...] = (
    Relied("textual.app:App._display", ("self", "screen", "renderable"), "every drawing passes here"),
    Relied("textual.app:App.post_display_hook", ("self",), "after each drawing"),
    Relied("textual.app:App._handle_exception", ("self", "error"), "crashes end here"),
    Relied("textual.app:App._close_messages_no_wait", ("self",), "ends the app after a crash"),
    Relied("textual.app:App._set_pointer_shape", ("self", "shape"), "writes an OSC we do not want"),
    Relied("textual.app:App._exception_event", None, "run_test waits for it"),
    Relied("textual.app:App.get_driver_class", ("self",), "our driver"),
    Relied("textual.driver:Driver.__init__", ("self", "app", "debug", "mouse", "size"), "the driver"),
    Relied("textual.driver:Driver.send_message", ("self", "message"), "without the way through the loop"),
    Relied("textual.driver:Driver.process_message", ("self", "message"), "mouse bookkeeping"),
    Relied("textual.driver:Driver.SignalResume", None, "told after ctrl+z and fg"),
    Relied("textual._xterm_parser:XTermParser.__init__", ("self", "debug"), "bytes → keys"),
    Relied("textual._parser:Parser.feed", ("self", "data"), "bytes → keys"),
    Relied("textual._parser:Parser.tick", ("self",), "the lone Esc"),
    Relied("textual._compositor:ChopsUpdate.__init__", ("self", "chops", "spans", "chop_ends"), "updates"),
    Relied("textual._compositor:LayoutUpdate.__init__", ("self", "strips", "region"), "updates"),
    Relied("textual._compositor:Compositor.visible_widgets", None, "what is in front of what"),
    Relied("textual.widget:Widget.render_lines", ("self", "crop"), "our lines, without Textual's styles"),
    Relied("textual.widget:Widget._clear_arrangement_cache", ("self",), "panes move without a resize"),
    Relied("textual.app:App.on_event", ("self", "event"), "what is typed ahead"),
    Relied("textual.constants:ESCAPE_DELAY", None, "read from ESCDELAY"),
)
# Attributes that exist on instances only, by the class that sets them in __init__.
INSTANCE: tuple[tuple[str, str], ...] = (
    ("textual.app:App", "_driver"),
    ("textual.app:App", "_batch_count"),
    ("textual.app:App", "_sync_available"),
    ("textual.app:App", "_screen_stacks"),
    ("textual.app:App", "app_suspend_signal"),
    ("textual.app:App", "_exception"),
    ("textual.app:App", "_return_code"),
    ("textual.app:App", "_loop"),
    ("textual.message_pump:MessagePump", "_running"),
    ("textual.widget:Widget", "_layout_required"),
    ("textual.driver:Driver", "_app"),
    ("textual.driver:Driver", "_loop"),
    ("textual.driver:Driver", "_mouse"),
    ("textual.driver:Driver", "_size"),
    ("textual._parser:Parser", "_timeout_time"),
    ("textual._compositor:ChopsUpdate", "chops"),
    ("textual._compositor:ChopsUpdate", "spans"),
    ("textual._compositor:LayoutUpdate", "strips"),
    ("textual._compositor:LayoutUpdate", "region"),
)


def _found(path: str) -> Any:
    module, _, name = path.partition(":")
    found: Any = importlib.import_module(module)
    for part in name.split("."):
        found = inspect.getattr_static(found, part)
    return found


def missing(relied: Iterable[Relied] = RELIED, instance: Iterable[tuple[str, str]] = INSTANCE) -> list[str]:
    """One sentence for each thing that is not there, or not as it was."""
    said: list[str] = []
    for path, parameters, why in relied:
        try:
            thing = _found(path)
        except (ImportError, AttributeError):
            said.append(f"{path} is gone ({why})")
            continue
        if parameters is not None:
            now = tuple(inspect.signature(thing).parameters)
            if now != parameters:
                said.append(f"{path} takes {', '.join(now)}; it took {', '.join(parameters)} ({why})")
    for path, name in instance:
        try:
            source = inspect.getsource(_found(path).__init__)
        except (ImportError, AttributeError):
            said.append(f"{path} is gone (its {name})")
            continue
        if f"self.{name}" not in source:
            said.append(f"{path} no longer sets {name}")
    return said
