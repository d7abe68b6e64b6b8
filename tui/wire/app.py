"""A Textual app whose output goes through the cell buffer, and panes that may paint past the compositor.

What is private in Textual and used here is listed in `PRIVATE`; a test looks whether it is all there.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar, cast

from textual._compositor import ChopsUpdate, LayoutUpdate
from textual.app import App
from textual.errors import NoWidget
from textual.geometry import Region
from textual.screen import Screen

from tui.wire.buffer import Buffer
from tui.wire.driver import WireDriver
from tui.wire.lines import LineWidget
from tui.wire.sgr import Palette, codes, look_of

if TYPE_CHECKING:
    from textual.filter import LineFilter

    from tui.wire.firstframe import FirstFrame

# (where, what) of Textual 8.2 that this room relies on.
PRIVATE = (
    ("textual.app.App", "_display"),
    ("textual.app.App", "_batch_count"),
    ("textual.app.App", "_running"),
    ("textual.app.App", "_notifications"),
    ("textual.app.App", "_sync_available"),
    ("textual.app.App", "get_line_filters"),
    ("textual._compositor.ChopsUpdate", "__init__"),
    ("textual._compositor.LayoutUpdate", "__init__"),
    ("textual._parser.Parser", "tick"),
    ("textual._xterm_parser.XTermParser", "feed"),
    ("textual.drivers.linux_driver.LinuxDriver", "_patch_lflag"),
    ("textual.drivers.linux_driver.LinuxDriver", "_patch_iflag"),
    ("textual.drivers.linux_driver.LinuxDriver", "_request_terminal_sync_mode_support"),
)
# A frame larger than this is drawn at once by terminals that can (synchronised output, mode 2026).
SYNC_BYTES = 600


class WireApp(App[int]):
    """Base of the dashboard's app. `palette` gives roles their looks; `first_frame` is what is shown already."""

    ALLOW_SELECT = False
    ENABLE_COMMAND_PALETTE: ClassVar[bool] = False

    def __init__(self, palette: Palette, first_frame: "FirstFrame | None" = None) -> None:
        super().__init__(driver_class=WireDriver)
        self.palette = palette
        self.first_frame = first_frame
        self.buffer = first_frame.buffer if first_frame is not None else Buffer(1, 1)
        self._codes: dict[Any, str] = {}
        self._frame_depth = 0
        self.frames = 0

    # -- what is sent ----------------------------------------------------------------------

    @property
    def bytes_sent(self) -> int:
        """Bytes that went to the terminal since the start."""
        first = self.first_frame.bytes_sent if self.first_frame is not None else 0
        return first + (self._driver.bytes_sent if isinstance(self._driver, WireDriver) else 0)

    def get_line_filters(self) -> "Sequence[LineFilter]":
        """None: colours are brought down to what the terminal has at the wire, for all that is drawn."""
        return ()

    def _wired(self) -> bool:
        return isinstance(self._driver, WireDriver) and not self.is_headless and self._running

    def _display(self, screen: Screen[Any], renderable: Any) -> None:
        """Whatever the compositor wants to draw, as cells into the buffer; only what differs is sent."""
        if not self._wired() or not isinstance(renderable, (ChopsUpdate, LayoutUpdate)):
            if self._wired() and renderable is not None:
                self.buffer.invalidate()  # something we do not know is about to write
            super()._display(screen, renderable)
            return
        if self._batch_count:
            return
        width, height = self.size
        if (self.buffer.width, self.buffer.height) != (width, height):
            self.buffer.resize(width, height)
        if isinstance(renderable, LayoutUpdate):
            for y, strips in enumerate(renderable.strips, renderable.region.y):
                self._paint_strips(y, renderable.region.x, strips, width)
        else:
            for y, x1, x2 in renderable.spans:
                for end, (x, strip) in zip(renderable.chop_ends[y], renderable.chops[y].items(), strict=False):
                    if strip is not None and x <= x2 and end > x1:
                        self._paint_strips(y, x, (strip,), min(end, x2))
        self._send_frame()
        self.post_display_hook()

    def _paint_strips(self, y: int, x: int, strips: Any, limit: int) -> None:
        runs = []
        known = self._codes
        for strip in strips:
            for text, style, control in strip:
                if control:
                    continue
                sgr = known.get(style)
                if sgr is None:
                    sgr = self.palette.base if style is None else codes(look_of(style), self.palette.system)
                    if len(known) > 4096:
                        known.clear()
                    known[style] = sgr
                runs.append((text, sgr))
        self.buffer.paint(y, x, runs, limit)

    def _send_frame(self) -> None:
        if self._frame_depth or not self.buffer.pending:
            return
        driver = cast(WireDriver, self._driver)
        if driver.congested:
            self.buffer.invalidate()  # this frame is dropped; the next one will be whole
            return
        data = self.buffer.flush()
        if self._sync_available and len(data) > SYNC_BYTES:
            data = f"\x1b[?2026h{data}\x1b[?2026l"
        driver.write(data)
        driver.flush()
        self.frames += 1

    @contextmanager
    def one_frame(self) -> Iterator[None]:
        """All that is painted inside goes out together."""
        self._frame_depth += 1
        try:
            yield
        finally:
            self._frame_depth -= 1
            if self._wired():
                self._send_frame()

    # -- past the compositor ---------------------------------------------------------------

    def paint_lines(self, widget: LineWidget, rows: list[int]) -> None:
        """Draw rows of a widget: straight into the buffer where nothing lies above it, else by Textual."""
        region = self._open_region(widget)
        if region is None:
            width = widget.size.width
            widget.refresh(*(Region(0, y, width, 1) for y in rows if y < widget.size.height))
            return
        for y in rows:
            if y < region.height:
                self.buffer.paint(region.y + y, region.x, widget.runs(y), region.right)
        self._send_frame()

    def _open_region(self, widget: LineWidget) -> Region | None:
        """The widget's place on the terminal if it is wholly visible and on top, else None."""
        if not self._wired() or self._batch_count or self._notifications or widget.screen is not self.screen:
            return None
        if (self.buffer.width, self.buffer.height) != tuple(self.size):
            return None
        try:
            place = self.screen.find_widget(widget)
        except NoWidget:
            return None
        region = place.region
        return region if place.clip.contains_region(region) and region.size == widget.size else None

    def invalidate(self) -> None:
        """Forget what the terminal shows and draw everything again."""
        self.buffer.invalidate()
        if self._screen_stack:
            self.screen.refresh(layout=True)

    def set_palette(self, palette: Palette) -> None:
        """Another palette: everything looks different now."""
        self.palette = palette
        self._codes.clear()
        if self._screen_stack:
            self.screen.refresh(layout=True)

    def send_raw(self, sequence: str) -> None:
        """A sequence of our own making (a clipboard copy); never text from outside."""
        if self._wired():
            driver = cast(WireDriver, self._driver)
            driver.write(sequence)
            driver.flush()

    def terminal_gone(self) -> None:
        """The terminal has vanished: end as for SIGHUP."""
        self.exit(return_code=129)
