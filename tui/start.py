"""The dashboard's start: settings, engine, first frame, and only then Textual.

Everything before the first frame is imported up here; Textual (some 150 ms) is imported once
real numbers are on the screen.
"""

import os
import sys
from typing import Any

from core import config
from core.clock import SYSTEM_CLOCK
from core.config import Settings
from core.engine import Engine
from core.errors import UsageError
from core.prober.client import Prober
from core.snapshot import Snapshot
from core.workspace import find
from tui import theming
from tui.cli.options import Options
from tui.panes import PANES
from tui.panes.agents import agents_table
from tui.panes.alerts import alerts_table
from tui.panes.foot import draw_foot
from tui.panes.head import Head
from tui.view.glyphs import ASCII, UTF8, Glyphs
from tui.view.layout import arrange
from tui.view.pane import Size, Ui, framed
from tui.view.picture import compose, small_lines
from tui.view.spans import Line
from tui.view.table import Drawn, calm_wall
from tui.wire import sgr

# How long the first frame waits for the queues: past this it is drawn without them.
FIRST_WAIT_S = 0.06


def choose_glyphs(asked: bool, setting: str, environ: dict[str, str]) -> Glyphs:
    """ASCII when asked for, or where the locale is not UTF-8 and the setting leaves it to us."""
    if asked or setting == "always":
        return ASCII
    if setting == "never":
        return UTF8
    locale = environ.get("LC_ALL") or environ.get("LC_CTYPE") or environ.get("LANG") or ""
    utf8 = "utf-8" in locale.lower() or "utf8" in locale.lower()
    return UTF8 if utf8 and environ.get("TERM") != "linux" else ASCII


def first_picture(snap: Snapshot, width: int, height: int, glyphs: Glyphs, read_only: bool) -> list[Line]:
    """The dashboard as it will look once Textual is up, drawn from the first snapshot."""
    layout = arrange(width, height, len(snap.agents), len(snap.events))
    drawn: dict[str, list[Line]] = {}
    at = Drawn(calm_wall(snap.wall), glyphs)
    for name, rect in layout.rects.items():
        size = Size(rect.width, rect.height)
        ui = Ui(glyphs, name == "agents", layout.level, snap.at)
        if name in PANES:
            drawn[name] = PANES[name].draw(snap, size, ui)
        elif name == "head":
            drawn[name] = Head().draw(snap, size, ui)
        elif name == "foot":
            drawn[name] = [draw_foot("dashboard", size, read_only)]
        elif name == "small":
            drawn[name] = small_lines(snap, width, height)
        elif name in ("agents", "alerts"):
            table = agents_table() if name == "agents" else alerts_table()
            table.put(snap.agents if name == "agents" else snap.events)
            title = name.upper()
            if layout.level == "rows":
                drawn[name] = table.lines(size.width, size.height, ui.focused, at, title)
            else:
                body = table.lines(size.width - 2, size.height - 2, ui.focused, at)
                drawn[name] = framed(title, [], body, [], size, ui)
    return compose(width, height, layout, drawn)


def show(options: Options, prober: Prober) -> int:
    """Show the dashboard; returns the exit status.

    Raises:
        ConfigError: the configuration or the theme cannot be used.
        WorkspaceError: a workspace was named and is not one.
    """
    environ = dict(os.environ)
    settings = config.load(options.config, environ)
    workspace = find(options.workspace, environ, settings.workspace.path)
    no_color = options.no_color or bool(environ.get("NO_COLOR"))
    system = "none" if no_color else sgr.detect(environ, sys.stdout.isatty())
    folder = config.config_dir(environ)
    name = options.theme or settings.ui.theme
    if system == "none" and options.theme is None:
        name = theming.NO_COLOR_THEME
    theme = theming.load(name, folder)
    glyphs = choose_glyphs(options.ascii, settings.ui.ascii, environ)
    if not (sys.stdin.isatty() and sys.stdout.isatty() and sys.stderr.isatty()):
        raise UsageError(
            "the dashboard needs a terminal on standard input, output and error; "
            "for scripts there is `bluetop analyze --json` and `bluetop monitor --json`"
        )
    engine = Engine(settings, workspace, clock=SYSTEM_CLOCK, read_only=options.read_only, prober=prober)
    if options.interval is not None:
        engine.set_interval(options.interval)
    return _show(engine, settings, options, theme, glyphs, system, folder)


def _show(
    engine: Engine,
    settings: Settings,
    options: Options,
    theme: theming.Theme,
    glyphs: Glyphs,
    system: str,
    folder: str | None,
) -> int:
    from tui.lean import without
    from tui.lifecycle import Lifecycle
    from tui.wire import firstframe

    size = os.get_terminal_size(sys.stdout.fileno())
    engine.prime()
    snap = engine.first_snapshot(FIRST_WAIT_S)
    lines = first_picture(snap, size.columns, size.lines, glyphs, options.read_only)
    frame = firstframe.enter(lines, theme.palette(system), size.columns, size.lines)
    life = Lifecycle(frame, engine.close)
    life.early()

    def make() -> Any:
        # NO_COLOR is ours to keep: Textual would answer it with greys, the wire with no codes at all.
        os.environ.pop("NO_COLOR", None)
        os.environ.setdefault("TEXTUAL_ANIMATIONS", "none")
        os.environ.setdefault("TEXTUAL_SMOOTH_SCROLL", "0")
        with without("ssl"):
            from tui.app import BluetopApp

        return BluetopApp(
            engine,
            settings,
            glyphs,
            theme,
            system=system,
            read_only=options.read_only,
            config_dir=folder,
            first_frame=frame,
        )

    return life.run(make, mouse=settings.ui.mouse and not options.no_mouse)
