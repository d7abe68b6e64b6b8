"""What the global options of the command line say, before the configuration is read.

A plain named tuple, since it is made before the first frame. Not the settings: those are
`core.config.Settings`; an option given here wins over them.
"""

from typing import NamedTuple


class Options(NamedTuple):
    """`None` means "not said": the configuration, then the default, decides."""

    workspace: str | None = None
    config: str | None = None
    read_only: bool = False
    no_color: bool = False
    ascii: bool = False
    no_mouse: bool = False
    interval: float | None = None
    theme: str | None = None


class Flag(NamedTuple):
    """One global option: how it is written, the field of `Options` it sets, and its help."""

    name: str
    field: str
    metavar: str
    help: str


# In the order of the help. A flag without a metavar is a switch.
FLAGS = (
    Flag(
        "--workspace", "workspace", "DIR", "directory that holds postbox/ (default: found from here upward)"
    ),
    Flag("--config", "config", "FILE", "configuration file (default: $XDG_CONFIG_HOME/bluetop/config.toml)"),
    Flag("--read-only", "read_only", "", "change nothing anywhere: neither queues nor settings"),
    Flag("--no-color", "no_color", "", "no colour at all (as with NO_COLOR)"),
    Flag("--ascii", "ascii", "", "ASCII characters only"),
    Flag("--no-mouse", "no_mouse", "", "dashboard: leave the mouse to the terminal"),
    Flag("--interval", "interval", "S", "dashboard: seconds between two samples"),
    Flag("--theme", "theme", "NAME", "dashboard: theme for this run"),
)
# These belong to the dashboard; other commands have their own meaning of --interval or none.
DASHBOARD_ONLY = ("no_mouse", "interval", "theme")


def quick(argv: list[str]) -> Options | None:
    """`Options` where `argv` holds nothing but well-formed global options, else None.

    This spares plain `bluetop` the 10 ms of argparse before its first frame. Anything that it does
    not understand at once, errors too, is left to the real parser.
    """
    flags = {flag.name: flag for flag in FLAGS}
    given: dict[str, str | bool | float] = {}
    words = iter(argv)
    for word in words:
        name, equals, value = word.partition("=")
        flag = flags.get(name)
        if flag is None or (equals and not flag.metavar):
            return None
        if not flag.metavar:
            given[flag.field] = True
            continue
        if not equals:
            value = next(words, "")
        if not value or value.startswith("-"):
            return None
        if flag.field == "interval":
            try:
                seconds = float(value)
            except ValueError:
                return None
            if not 0.1 <= seconds <= 3600:
                return None
            given[flag.field] = seconds
        else:
            given[flag.field] = value
    return Options(**given)  # type: ignore[arg-type]
