"""The app on the wire: both ways to the screen agree, and the fast one knows when it may be taken."""

import asyncio
import fcntl
import os
import struct
import termios

import pyte
import pytest
from textual.app import ComposeResult
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from tui.view.spans import Line
from tui.wire.app import WireApp
from tui.wire.buffer import Buffer
from tui.wire.firstframe import Started, draw
from tui.wire.lines import LineWidget
from tui.wire.sgr import Look, Palette
from tui.wire.terminal import Terminal

WIDTH, HEIGHT = 60, 12
DARK = {
    "text": Look((200, 200, 210), (22, 22, 30)),
    "dim": Look((200, 200, 210), (22, 22, 30), dim=True),
    "ok": Look((120, 200, 120), (22, 22, 30), bold=True, italic=True),
    "selected": Look((20, 20, 20), (120, 200, 120), underline=True),
}
ANSI = {
    "text": Look(),
    "dim": Look(dim=True),
    "ok": Look(2, bold=True),
    "selected": Look(0, 10, reverse=True, strike=True),
}
LINES: list[Line] = [
    [("one ", "text"), ("two ", "dim"), ("three", "ok"), (" 漢字 e\u0301 ", "selected")],
    [("─" * 30, "dim"), ("⣿⣿", "ok")],
    [("   ", "selected")],
]


class Device:
    """A pseudo-terminal in this process, with an emulator on the other side."""

    def __init__(self) -> None:
        self.master, self.slave = os.openpty()
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", HEIGHT, WIDTH, 0, 0))
        os.set_blocking(self.master, False)
        self.terminal = Terminal(self.slave, self.slave, {"TERM": "linux"})
        self.screen = pyte.Screen(WIDTH, HEIGHT)
        self._stream = pyte.ByteStream(self.screen)

    def read(self) -> bytes:
        """What was sent since the last time."""
        data = b""
        while True:
            try:
                piece = os.read(self.master, 65536)
            except BlockingIOError:
                break
            data += piece
        self._stream.feed(data)
        return data

    def start(self) -> Started:
        return Started(self.terminal, Buffer(WIDTH, HEIGHT))

    def close(self) -> None:
        self.terminal.close()
        os.close(self.master)
        os.close(self.slave)


@pytest.fixture
def device():
    made = Device()
    yield made
    made.close()


class Small(WireApp):
    """A pane, and a prompt below it."""

    ENABLE_COMMAND_PALETTE = False
    AUTO_FOCUS = None
    CSS = """
    Screen { overflow: hidden; layers: base top; }
    LineWidget { width: 40; height: 5; }
    #over { layer: top; display: none; }
    """

    def compose(self) -> ComposeResult:
        yield LineWidget(id="pane")
        yield Input(id="prompt", compact=True)
        yield Static("OVER", id="over")

    def on_mount(self) -> None:
        self.pane.put(LINES)

    @property
    def pane(self) -> LineWidget:
        return self.query_one("#pane", LineWidget)


async def settled(app: WireApp) -> None:
    """Everything the app had to do is done: its screen has drawn, twice over."""
    for _ in range(3):
        done = asyncio.Event()
        app.call_after_refresh(done.set)
        await asyncio.wait_for(done.wait(), 10)
        assert app.crash is None, app.crash


class Running:
    """`async with Running(app)`: the app runs on its terminal."""

    def __init__(self, app: WireApp) -> None:
        self.app = app

    async def __aenter__(self) -> WireApp:
        up = asyncio.Event()
        self.app.call_when_up(up.set)
        self._task = asyncio.create_task(self.app.run_async())
        await asyncio.wait_for(up.wait(), 10)
        await settled(self.app)
        return self.app

    async def __aexit__(self, *error: object) -> None:
        self.app.exit()
        await asyncio.wait_for(self._task, 10)


@pytest.mark.parametrize("looks", [DARK, ANSI], ids=["truecolor", "ansi"])
@pytest.mark.parametrize("system", ["truecolor", "256", "16", "none"])
async def test_the_compositor_sends_nothing_for_what_the_fast_path_has_painted(device, looks, system):
    app = Small(palette=Palette(looks, system), started=device.start())
    async with Running(app):
        app.pane.show([[("changed", "ok")], *LINES])
        assert b"changed" in device.read()
        app.screen.refresh()
        await settled(app)
        assert device.read() == b""
        assert device.screen.display[0].startswith("changed")
        assert device.screen.display[1].startswith("one two three")


async def test_only_the_rows_that_changed_are_sent(device):
    app = Small(palette=Palette(DARK, "256"), started=device.start())
    async with Running(app):
        device.read()
        frames = app.frames
        app.pane.show([*LINES[:2], [("new", "ok")]])
        sent = device.read()
        assert sent.startswith(b"\x1b[3H")
        assert len(sent) < 80
        assert app.frames == frames + 1
        app.pane.show([*LINES[:2], [("new", "ok")]])
        assert device.read() == b""


async def test_several_panes_are_one_frame(device):
    app = Small(palette=Palette(DARK, "256"), started=device.start())
    async with Running(app):
        frames = app.frames
        with app.one_frame():
            app.pane.show([[("a", "ok")]])
            app.pane.show([[("b", "ok")]])
        assert app.frames == frames + 1
        assert app.bytes_sent > 0


async def test_what_lies_in_front_of_a_pane_sends_it_the_slow_way(device):
    app = Small(palette=Palette(DARK, "256"), started=device.start())
    async with Running(app):
        over = app.query_one("#over")
        over.display = True
        await settled(app)
        device.read()
        assert "OVER" in "\n".join(device.screen.display)
        app.pane.show([[("x" * 40, "text")]] * 5)
        await settled(app)
        device.read()
        assert "OVER" in "\n".join(device.screen.display)
        over.display = False
        await settled(app)
        device.read()
        assert device.screen.display[0].startswith("x" * 40)
        app.pane.show([[("y" * 40, "text")]] * 5)
        assert b"y" * 40 in device.read()


async def test_modal_screens_are_not_painted_over(device):
    class Modal(ModalScreen[None]):
        def compose(self) -> ComposeResult:
            yield Static("MODAL")

    app = Small(palette=Palette(DARK, "256"), started=device.start())
    async with Running(app):
        pane = app.pane
        app.call_later(app.push_screen, Modal())
        await settled(app)
        pane.show([[("x" * 40, "text")]] * 5)
        for _ in range(50):  # Textual draws around a modal screen when it comes to it
            await settled(app)
            device.read()
            if "xxxx" in device.screen.display[1]:
                break
        assert device.screen.display[0].startswith("MODAL")
        assert "xxxx" in device.screen.display[1]
        app.call_later(app.pop_screen)
        await settled(app)
        device.read()
        assert device.screen.display[0].startswith("x" * 40)


async def test_a_terminal_that_takes_nothing_gets_one_frame_when_it_does_again(device):
    app = Small(palette=Palette(DARK, "256"), started=device.start())
    async with Running(app):
        device.read()
        n = 0
        while not device.terminal.busy:
            n += 1
            app.pane.show([[(f"{n:05} " + chr(65 + n % 26) * 34, "text")] for _ in range(5)])
        frames = app.frames
        for n in range(n + 1, n + 50):  # noqa: B020 - goes on counting
            app.pane.show([[(f"{n:05} " + chr(65 + n % 26) * 34, "text")] for _ in range(5)])
        assert app.frames == frames
        caught_up = asyncio.get_running_loop().create_future()

        def read() -> None:
            device.read()
            if device.screen.display[0].startswith(f"{n:05}") and not caught_up.done():
                caught_up.set_result(None)

        asyncio.get_running_loop().add_reader(device.master, read)
        await asyncio.wait_for(caught_up, 10)
        asyncio.get_running_loop().remove_reader(device.master)
        assert app.frames == frames + 1


async def test_the_first_frame_stays_until_textual_has_something_to_show(device):
    started = device.start()
    lines = [*LINES, *([[(" " * WIDTH, "text")]] * (HEIGHT - 3))]
    draw(started, lines, Palette(DARK, "256"))
    shown = device.read()
    assert b"one" in shown
    app = Small(palette=Palette(DARK, "256"), started=started)
    async with Running(app):
        assert b"\x1b[2J" not in device.read()
        assert device.screen.display[0].startswith("one two three")


async def test_another_palette_draws_everything_in_its_looks(device):
    app = Small(palette=Palette(DARK, "truecolor"), started=device.start())
    async with Running(app):
        device.read()
        app.set_palette(Palette({**DARK, "ok": Look((1, 2, 3), (22, 22, 30))}, "truecolor"))
        await settled(app)
        sent = device.read()
        assert b"38;2;1;2;3" in sent
        assert b"three" in sent
        assert b"one" not in sent


async def test_typing_in_a_prompt_sends_little(device):
    app = Small(palette=Palette(DARK, "truecolor"), started=device.start())
    async with Running(app):
        app.query_one(Input).focus()
        await settled(app)
        device.read()
        os.write(device.master, b"abc")
        while app.query_one(Input).value != "abc":
            await settled(app)
        await settled(app)
        assert len(device.read()) < 200
        assert any("abc" in row for row in device.screen.display)


async def test_a_terminal_that_vanished_ends_the_app():
    device = Device()
    app = Small(palette=Palette(DARK, "256"), started=device.start())
    async with Running(app):
        os.close(device.slave)
        os.close(device.master)
        await asyncio.wait_for(app_ended(app), 10)
    assert app.return_code == 129
    device.terminal.close()


async def app_ended(app: WireApp) -> None:
    while app.return_code is None:
        await asyncio.sleep(0)


async def test_headless_runs_and_screenshots_need_no_terminal(monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    app = Small(palette=Palette(DARK, "truecolor"))
    async with app.run_test(size=(WIDTH, HEIGHT)) as pilot:
        assert os.environ["NO_COLOR"] == "1"
        app.pane.show([[("headless", "ok")], *LINES])
        await pilot.pause()
        assert app.pane.render_line(0).text == "headless".ljust(40)
        picture = app.export_screenshot()
        assert "headless" in picture
        assert "#78c878" in picture.lower()
        assert app.bytes_sent == 0


async def test_an_error_in_a_headless_run_reaches_the_test():
    class Broken(Small):
        def on_mount(self) -> None:
            raise ValueError("seen")

    with pytest.raises(ValueError, match="seen"):
        async with Broken(palette=Palette(DARK, "truecolor")).run_test():
            pass


async def test_lines_are_fitted_and_rows_without_a_line_are_blank():
    app = Small(palette=Palette(DARK, "truecolor"))
    async with app.run_test(size=(WIDTH, HEIGHT)):
        app.pane.show([[("x" * 100, "text")]])
        assert app.pane.render_line(0).text == "x" * 39 + "…"
        assert app.pane.render_line(4).text == " " * 40
        assert app.pane.render_line(0) is app.pane.render_line(0)
