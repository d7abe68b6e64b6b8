"""The dashboard's first steps: start the prober, and while it starts, import all the rest.

Nothing is imported up here that costs anything; the rest of the start is `tui.start`.
"""

import gc

from core.prober import spawn

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tui.cli.options import Options

Launched = tuple[int, int, int, int, int]


def launch() -> Launched | None:
    """Start a prober before anything else; None if that fails (it is tried again, and reported, later)."""
    try:
        return spawn.launch()
    except OSError:
        return None


def call_off(launched: Launched | None) -> None:
    """The prober is not needed after all."""
    if launched is not None:
        from core.prober.client import Prober

        prober = Prober()
        prober.start(launched)
        prober.close()


def run(options: "Options", launched: Launched | None = None) -> int:
    """Run the dashboard until the operator leaves; returns the exit status.

    Raises:
        BluetopError: the configuration, the theme, the terminal or a named workspace cannot be used.
    """
    gc.disable()  # imports make no garbage worth looking for; `tui.wire.imports` turns it on again
    from core.prober.client import Prober
    from tui.lean import without

    prober = Prober()
    prober.start(launched)
    try:
        with without("typing_extensions"):
            import msgspec  # noqa: F401
        from tui.start import show

        return show(options, prober)
    finally:
        prober.close()
