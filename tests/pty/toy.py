"""A small app on the wire, for the tests of life and death: `python -m tests.pty.toy`.

Shows READY, its size, the last key, a counter. Keys: q quit, x crash, b a frame with everything changed,
f a flood of such frames, s spin for ever, t a toast, m a modal screen, o off with it.
"""

import os
import sys
from typing import Any

from tui import lifecycle
from tui.view.spans import Line, fit_line
from tui.wire import sgr
from tui.wire.firstframe import Started
from tui.wire.sgr import Look, Palette

LOOKS = {
    "text": Look((200, 200, 210), (22, 22, 30)),
    "ok": Look((120, 200, 120), (22, 22, 30), bold=True),
    "selected": Look((20, 20, 20), (120, 200, 120)),
}


def picture(width: int, height: int, word: str, count: int) -> list[Line]:
    """Lines that fill the screen."""
    lines: list[Line] = [
        [("READY ", "ok"), (f"{width}x{height} ", "text"), (word, "selected")],
        [(f"count {count}", "text")],
    ]
    lines += [
        [(f"row {y} " + chr(97 + (count + y) % 26) * (count and width), "text")] for y in range(2, height)
    ]
    return [fit_line(line, width) for line in lines[:height]]


def make(started: Started) -> Any:
    """The app; Textual is imported here."""
    from textual.app import ComposeResult
    from textual.screen import ModalScreen, Screen
    from textual.widgets import Static

    from tui.wire.app import WireApp
    from tui.wire.lines import LineWidget

    class Home(Screen[None]):
        CSS = "Home { overflow: hidden; } LineWidget { width: 100%; height: 100%; }"
        word = "-"
        count = 0

        def compose(self) -> ComposeResult:
            yield LineWidget(id="all")

        def on_resize(self) -> None:
            self.draw()

        def draw(self) -> None:
            widget = self.query_one(LineWidget)
            widget.show(picture(*self.app.size, self.word, self.count))

    class Over(ModalScreen[None]):
        def compose(self) -> ComposeResult:
            yield Static("MODAL")

    class Toy(WireApp):
        def on_mount(self) -> None:
            self.home = Home()
            self.push_screen(self.home)
            self.app_resume_signal.subscribe(self, lambda _: self.say("resumed"))

        def say(self, word: str) -> None:
            self.home.word = word
            self.home.draw()

        def on_paste(self, event: Any) -> None:
            self.say(f"paste:{len(event.text)}")

        def on_key(self, event: Any) -> None:
            if event.key == "q":
                self.exit()
            elif event.key == "x":
                raise ValueError("boom \x1b]0;title\x07")
            elif event.key == "b":
                self.home.count += 1
            elif event.key == "f":
                self.set_interval(0.001, self.flood)
            elif event.key == "s":
                while True:
                    os.getpid()
            elif event.key == "t":
                self.notify("TOAST", timeout=600)
            elif event.key == "o":
                self.pop_screen()
            elif event.key == "m":
                self.push_screen(Over())
            self.say(f"key:{event.key}")

        def flood(self) -> None:
            self.home.count += 1
            self.home.draw()

    return Toy(palette=PALETTE, started=started)


PALETTE = Palette(LOOKS, sgr.detect(os.environ, True))


def main() -> int:
    """Run it; the first word may name a file for the whole account of a crash, the second a file to write at exit."""
    words = sys.argv[1:]

    def at_exit() -> None:
        if len(words) > 1:
            with open(words[1], "a", encoding="utf-8") as file:
                file.write("told\n")

    def broken() -> None:
        raise OSError("nothing to see here")

    return lifecycle.run(
        lambda width, height: picture(width, height, "first", 0),
        make,
        PALETTE,
        mouse="TOY_NO_MOUSE" not in os.environ,
        on_exit=(at_exit, broken) if "TOY_BROKEN_EXIT" in os.environ else (at_exit,),
        crash_log=words[0] if words else None,
    )


if __name__ == "__main__":
    sys.exit(main())
