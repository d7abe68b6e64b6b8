"""The dashboard's start: settings, engine, first frame, and only then Textual.

Everything before the first frame is imported up here; Textual (some 150 ms) is imported once
real numbers are on the screen.
"""

import os
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from core import alerts, config
from core.clock import SYSTEM_CLOCK
from core.engine import Engine
from core.errors import UsageError
from core.prober.client import Prober
from core.record import plan
from core.workspace import find
from tui import lifecycle, theming
from tui.cli.options import Options
from tui.panes.whole import whole_picture
from tui.view.glyphs import ASCII, UTF8, Glyphs
from tui.view.spans import Line
from tui.wire import sgr
from tui.wire.firstframe import Started
from tui.wire.terminal import Terminal

if TYPE_CHECKING:
    from tui.wire.app import WireApp

# How long the first frame waits for the queues: past this it is drawn without them.
FIRST_WAIT_S = 0.06


class TtyBytes:
    """Counts what went to the terminal, once there is one: bluetop's own cost on the wire."""

    terminal: Terminal | None = None

    @property
    def total(self) -> int:
        """Bytes since the start."""
        return 0 if self.terminal is None else self.terminal.bytes_sent


def choose_glyphs(asked: bool, setting: str, environ: Mapping[str, str]) -> Glyphs:
    """ASCII when asked for, or where the locale is not UTF-8 and the setting leaves it to us."""
    if asked or setting == "always":
        return ASCII
    if setting == "never":
        return UTF8
    locale = environ.get("LC_ALL") or environ.get("LC_CTYPE") or environ.get("LANG") or ""
    utf8 = "utf-8" in locale.lower() or "utf8" in locale.lower()
    return UTF8 if utf8 and environ.get("TERM") != "linux" else ASCII


def choose_theme(options: Options, setting: str, system: str, folder: str | None) -> theming.Theme:
    """The theme asked for, else the one of the settings; without colours the monochrome one."""
    if system == "none" and options.theme is None:
        return theming.load(theming.NO_COLOR_THEME, folder)
    return theming.load(options.theme or setting, folder)


def show(options: Options, prober: Prober) -> int:
    """Show the dashboard until the operator leaves; returns the exit status.

    Raises:
        ConfigError: the configuration or the theme cannot be used.
        UsageError: there is no terminal.
        WorkspaceError: a workspace was named and is not one.
    """
    environ = dict(os.environ)
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError(
            "the dashboard needs a terminal on standard input and output; "
            "for scripts there is `bluetop analyze --json` and `bluetop monitor --json`"
        )
    settings = config.load(options.config, environ)
    workspace = find(options.workspace, environ, settings.workspace.path)
    system = "none" if options.no_color else sgr.detect(environ, True)
    folder, state = config.config_dir(environ), config.state_dir(environ)
    theme = choose_theme(options, settings.ui.theme, system, folder)
    palette = theme.palette(system)
    glyphs = choose_glyphs(options.ascii, settings.ui.ascii, environ)
    tty = TtyBytes()
    record = plan(
        workspace,
        state,
        write=settings.record.enabled and not options.read_only,
        most_bytes=settings.record.max_bytes,
    )
    engine = Engine(
        settings,
        workspace,
        clock=SYSTEM_CLOCK,
        read_only=options.read_only,
        tty=tty,
        prober=prober,
        record=record,
        alerts=alerts.plan(workspace, state, write=not options.read_only, seen=True),
        rejected=config.rejected(options.config, environ),
    )
    if options.interval is not None:
        engine.set_interval(options.interval)

    def first(width: int, height: int) -> list[Line]:
        engine.prime()
        snap = engine.first_snapshot(FIRST_WAIT_S)
        ui = settings.ui
        return whole_picture(snap, width, height, glyphs, (ui.sort, ui.sort_descending), ui.columns)

    def save(changes: dict[str, Any]) -> str:
        from core.control import SaveSettings, submit

        return submit(SaveSettings(changes), read_only=options.read_only, environ=environ).text

    def make(started: Started) -> "WireApp":
        from tui.app import BluetopApp
        from tui.notify import TerminalChannel

        tty.terminal = started.terminal
        channel = TerminalChannel(settings.notify, environ, SYSTEM_CLOCK)
        engine.tell_alerts(channel.put)
        return BluetopApp(
            engine,
            settings,
            glyphs,
            theme,
            system=system,
            read_only=options.read_only,
            folders=(folder, state),
            save=save,
            ring=channel.turn,
            started=started,
        )

    return lifecycle.run(
        first,
        make,
        palette,
        mouse=settings.ui.mouse and not options.no_mouse,
        ascii_only=glyphs.ascii,
        on_exit=(engine.close,),
        crash_log=None if state is None else os.path.join(state, "crash.log"),
    )
