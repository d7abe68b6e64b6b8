"""The parts of Textual's inside that the wire relies on are still there."""

import textual

from tui.wire.private import Relied, missing


def test_textual_has_everything_the_wire_relies_on():
    said = missing()
    assert not said, f"Textual {textual.__version__} changed under tui.wire:\n" + "\n".join(said)


def test_what_is_gone_or_changed_is_named():
    relied = [
        Relied("textual.app:App._nothing", ("self",), "a test"),
        Relied("textual.app:App._display", ("self",), "a test"),
        Relied("textual.nowhere:App", None, "a test"),
    ]
    assert [line.split(" (")[0] for line in missing(relied, [("textual.app:App", "_nothing_either")])] == [
        "textual.app:App._nothing is gone",
        "textual.app:App._display takes self, screen, renderable; it took self",
        "textual.nowhere:App is gone",
        "textual.app:App no longer sets _nothing_either",
    ]
