"""The dashboard's first steps: start the prober, and while it starts, import all the rest.

`run` is what `bluetop` without a command calls. Nothing is imported up here that costs more
than a millisecond; the rest of the start is `tui.start`.
"""

from core.prober.client import Prober
from tui.cli.options import Options
from tui.lean import without


def run(options: Options) -> int:
    """Run the dashboard until the operator leaves; returns the exit status.

    Raises:
        BluetopError: the configuration, the theme, the terminal or a named workspace cannot be used.
    """
    prober = Prober()
    prober.start()
    try:
        with without("typing_extensions"):
            import msgspec  # noqa: F401
        from tui.start import show

        return show(options, prober)
    finally:
        prober.close()
