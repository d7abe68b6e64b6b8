"""Textual's app with a wire of its own: everything it draws goes through one cell diff.

`_display` hands Textual's own updates (its widgets, a palette, a layout) to the Buffer.
`paint_lines` is the fast path for our lines: past the compositor, where nothing is in front of
the widget. Both end in `send_frame`, which sends only what changed, and nothing while the terminal
has not taken the frame before. Headless (tests, screenshots) Textual's own way is left alone.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar

from rich.style import Style
from textual._compositor import ChopsUpdate, LayoutUpdate
from textual.app import App
from textual.binding import Binding, BindingType
from textual.driver import Driver
from textual.geometry import Region
from textual.screen import Screen
from textual.strip import Strip
from textual.widget import Widget

from tui.view.spans import Line
from tui.wire.buffer import Buffer
from tui.wire.driver import WireDriver
from tui.wire.firstframe import Started, begin
from tui.wire.lines import LineWidget
from tui.wire.sgr import Palette, look_of, sgr
from tui.wire.terminal import Terminal

_SYNC_FROM = 1200  # characters; below, a terminal draws a frame in one go anyway
_SYNC_ON, _SYNC_OFF = "\x1b[?2026h", "\x1b[?2026l"
_STALE_S = 0.25  # how long after a resize we wait for Textual's layout before drawing anyway
_MOST_STYLES = 8192


class WireApp(App[None]):
    """Base of the app. `started` is a terminal with a first frame on it, if there is one already."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+z", "suspend_process", "suspend", show=False)]

    def __init__(self, *, palette: Palette, started: Started | None = None, **kwargs: Any) -> None:
        no_color = os.environ.pop("NO_COLOR", None)  # Textual would answer it with greys of its own
        try:
            super().__init__(**kwargs)
        finally:
            if no_color is not None:
                os.environ["NO_COLOR"] = no_color
        self.palette = palette
        self.frames = 0
        self.crash: Exception | None = None
        self.on_leaving: Callable[[int], None] = lambda code: None
        self._started = started
        self._curtain = started is not None
        self._wire: Buffer | None = started.buffer if started else None
        self._terminal: Terminal | None = started.terminal if started else None
        self._held = 0
        self._when_up: Callable[[], None] | None = None
        self._stale = False
        self._sgrs: dict[Style, str] = {}
        self._places: dict[Widget, tuple[int, int] | None] = {}
        self._places_of: object = None

    # -- what others ask -------------------------------------------------------------------

    @property
    def bytes_sent(self) -> int:
        """Bytes sent to the terminal since the start."""
        return self._terminal.bytes_sent if self._terminal is not None else 0

    def set_palette(self, palette: Palette) -> None:
        """Draw everything in another theme's looks."""
        self.palette = palette
        self._sgrs.clear()
        for screen in self.screen_stack:
            for widget in screen.query(LineWidget):
                widget.refresh()

    def send_raw(self, sequence: str) -> None:
        """A control sequence that draws nothing (the clipboard, a bell)."""
        if self._wired is not None and self._driver is not None:
            self._driver.write(sequence)

    def name_window(self, text: str) -> None:
        """The terminal's title; only a new one is sent."""
        if self._wired is not None and self._terminal is not None:
            self._terminal.title(text)

    @contextmanager
    def one_frame(self) -> Iterator[None]:
        """Whatever is painted inside is sent as one frame."""
        self._held += 1
        try:
            yield
        finally:
            self._held -= 1
            if not self._held:
                self.send_frame()

    def paint_lines(self, widget: Widget, lines: Mapping[int, Line]) -> None:
        """Show these rows of `widget`, as wide as it is, without Textual's compositor where that is safe.

        It is when the widget's screen is on top, it is wholly visible, and nothing is in front of it.
        """
        buffer = self._wired
        place = self._place(widget) if buffer is not None else None
        if buffer is None or place is None:
            width = widget.size.width
            widget.refresh(*[Region(0, y, width, 1) for y in lines])
            return
        top, left = place
        sgrs = self.palette.sgrs
        for y, line in lines.items():
            buffer.paint(top + y, left, [(text, sgrs[role]) for text, role in line])
        self.send_frame()

    def send_frame(self) -> None:
        """Send what changed, unless the terminal is not ready for it: then later, and all at once."""
        buffer = self._wire
        driver = self._driver
        if (
            buffer is None
            or not buffer.pending
            or self._held
            or self._stale
            or not isinstance(driver, WireDriver)
        ):
            return
        if driver.busy:
            return
        data = buffer.flush()
        if data:
            self.frames += 1
            # The (hidden) cursor goes where text is typed: input methods open their window there.
            typing = getattr(self.focused, "cursor_screen_offset", None)
            if typing is not None:
                data += f"\x1b[{typing.y + 1};{typing.x + 1}H"
            if self._sync_available and len(data) >= _SYNC_FROM:
                data = _SYNC_ON + data + _SYNC_OFF
            driver.write(data)

    def redraw_all(self) -> None:
        """Nothing is known of the terminal any more: send the whole picture again."""
        if self._wire is not None:
            self._wire.invalidate()
            self.send_frame()

    # -- the fast path ---------------------------------------------------------------------

    @property
    def _wired(self) -> Buffer | None:
        """The buffer, where drawing goes to a terminal of ours and Textual is not holding it back."""
        if not self._running or self._batch_count or not isinstance(self._driver, WireDriver):
            return None
        return self._wire

    def _place(self, widget: Widget) -> tuple[int, int] | None:
        """Row and column of a widget that can be painted directly; None where Textual must draw it."""
        if self._curtain:
            return None
        screen = self.screen
        if widget.screen is not screen or screen._layout_required:
            return None
        visible = screen._compositor.visible_widgets
        if visible is not self._places_of:
            self._places_of = visible
            self._places.clear()
        if widget not in self._places:
            self._places[widget] = self._find_place(widget, visible)
        return self._places[widget]

    @staticmethod
    def _find_place(
        widget: Widget, visible: Mapping[Widget, tuple[Region, Region]]
    ) -> tuple[int, int] | None:
        if widget not in visible:
            return None
        region, clip = visible[widget]
        if not clip.contains_region(region) or region.size != widget.size:
            return None
        for other, (its_region, its_clip) in visible.items():  # from the front to the back
            if other is widget:
                return region.y, region.x
            if its_region.intersection(its_clip).overlaps(region):
                return None
        return None

    # -- Textual's way ---------------------------------------------------------------------

    def _display(self, screen: Screen[Any], renderable: Any) -> None:
        """Draw an update of Textual's through the buffer."""
        buffer = self._wired
        if buffer is None or not isinstance(renderable, ChopsUpdate | LayoutUpdate):
            super()._display(screen, renderable)
            if buffer is not None and renderable is not None:
                self.redraw_all()  # something we do not know drew on the terminal: heal
            return
        try:
            if self._curtain and not screen.query(LineWidget):
                return  # Textual's empty first screen shall not wipe the first frame away
            self._curtain = False
            if isinstance(renderable, LayoutUpdate):
                if (buffer.width, buffer.height) != tuple(self.size):
                    buffer.resize(*self.size)
                self._stale = False
                left = renderable.region.x
                for y, strips in enumerate(renderable.strips, renderable.region.y):
                    self._paint_strips(buffer, y, left, strips)
            else:
                for y, start, end in renderable.spans:
                    for x, strip in renderable.chops[y].items():
                        if strip is None or x >= end or x + strip.cell_length <= start:
                            continue
                        if x < start or x + strip.cell_length > end:
                            strip = strip.crop(max(0, start - x), end - x)
                        self._paint_strips(buffer, y, max(x, start), (strip,))
            self.send_frame()
        finally:
            self.post_display_hook()

    def _paint_strips(self, buffer: Buffer, y: int, x: int, strips: Any) -> None:
        runs: list[tuple[str, str]] = []
        strip: Strip
        for strip in strips:
            for text, style, control in strip:
                if not control:
                    runs.append((text, self._sgr_of(style)))
        buffer.paint(y, x, runs)

    def _sgr_of(self, style: Style | None) -> str:
        if style is None:
            return ""
        found = self._sgrs.get(style)
        if found is None:
            if len(self._sgrs) >= _MOST_STYLES:
                self._sgrs.clear()
            found = self._sgrs[style] = sgr(look_of(style), self.palette.system)
        return found

    def _set_pointer_shape(self, shape: str) -> None:
        """Not sent: some terminals show it, and the pointer is not our business."""

    def get_driver_class(self) -> type[Driver]:
        """Our driver."""
        return WireDriver

    def take_terminal(self) -> Terminal:
        """The terminal for the driver; opened here where no first frame has done so."""
        if self._terminal is None or self._wire is None:
            self._terminal, self._wire = begin(os.environ)
        return self._terminal

    # -- what happens to the terminal --------------------------------------------------------

    def terminal_resized(self, width: int, height: int) -> None:
        """The terminal has (or may have) another size, and what it shows is anybody's guess."""
        buffer = self._wire
        if buffer is None or (self._curtain and (buffer.width, buffer.height) == (width, height)):
            return
        if (buffer.width, buffer.height) != (width, height):
            buffer.resize(width, height)
            self._stale = True  # until Textual has laid out anew, there is nothing true to draw
            self.set_timer(_STALE_S, self._draw_anyway)
        self.redraw_all()

    def _draw_anyway(self) -> None:
        if self._stale:
            self._stale = False
            self.refresh(layout=True)

    def terminal_lost(self) -> None:
        """Nobody looks on any more: end like after a hang-up."""
        self.exit(return_code=129)

    def action_suspend_process(self) -> None:
        """ctrl+z."""
        if isinstance(self._driver, WireDriver):
            self.app_suspend_signal.publish(self)
            self._driver.suspend_process()

    def call_when_up(self, callback: Callable[[], None]) -> None:
        """Call `callback` once, after the first frame of Textual's is on the screen."""
        self._when_up = callback

    def post_display_hook(self) -> None:
        """Textual calls this after each drawing."""
        if self._when_up is not None and not self._curtain and self._running:
            callback, self._when_up = self._when_up, None
            self.call_after_refresh(callback)

    # -- the end ---------------------------------------------------------------------------

    def exit(self, result: None = None, return_code: int = 0, message: Any = None) -> None:
        """End the app; the watchdog starts to count."""
        if self._return_code is not None:  # what ended it first says why
            return_code = self._return_code
        self.on_leaving(return_code)
        super().exit(result, return_code, message)

    def _handle_exception(self, error: Exception) -> None:
        """An error nobody caught: end, and leave the report to `tui.lifecycle`.

        Textual's own report shows the values of local variables, and takes long to draw.
        """
        if not isinstance(self._driver, WireDriver):
            super()._handle_exception(error)
            return
        if self.crash is None:
            self.crash = error
            self._exception = error
            self._exception_event.set()
        self._return_code = 1
        self.on_leaving(1)
        self._close_messages_no_wait()
