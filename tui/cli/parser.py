"""The parser: which commands there are, where global options may stand, and what a wrong word is told.

Each command lives in a module of its own with `configure(parser)` and `run(args, options) -> int`; only
that of the command that was named is imported.
"""

import argparse
import math
import re
from collections.abc import Sequence
from importlib import import_module
from typing import Any, NamedTuple, NoReturn

from core import __version__
from core.errors import UsageError
from core.text import clean_line
from tui.cli.options import DASHBOARD_ONLY, FLAGS, Options


class CommandEntry(NamedTuple):
    """One command: its name, the module that has it, one line of help, and whether it shows the dashboard."""

    name: str
    module: str
    summary: str
    screen: bool = False


COMMANDS = (
    CommandEntry(
        "demo",
        "tui.cli.demo_command",
        "the dashboard on a workspace made for show, with six working agents",
        True,
    ),
    CommandEntry("analyze", "tui.cli.analyze", "KPIs, bottlenecks, task distribution, recommendations"),
    CommandEntry("agents", "tui.cli.agents", "every agent: how alive it is, its flow, who needs a person"),
    CommandEntry("tasks", "tui.cli.tasks", "the tasks of all agents, the longest in their state first"),
    CommandEntry("why", "tui.cli.why", "one agent or task: where each number and word comes from"),
    CommandEntry(
        "optimize",
        "tui.cli.optimize",
        "rebalance queues: plan, apply, undo, recover, verify; a plan changes nothing",
    ),
    CommandEntry("monitor", "tui.cli.monitor", "one line a sample, for a while, with alerts"),
    CommandEntry(
        "validate", "tui.cli.validate", "check queue files: what is odd, where, and how it was read"
    ),
    CommandEntry("metrics", "tui.cli.metrics", "how agents did: collect, report, export, track by hand"),
    CommandEntry(
        "alerts", "tui.cli.alerts", "alerts: list, acknowledge, silence; try rules out on recorded samples"
    ),
    CommandEntry(
        "collect", "tui.cli.collect", "record what happens to tasks and keep alerts, without a screen"
    ),
    CommandEntry("config", "tui.cli.config", "write, show or check the configuration"),
    CommandEntry("doctor", "tui.cli.doctor", "what works here and what does not"),
)

EXAMPLES = """\
examples:
  bluetop                              the dashboard, on the workspace found from here upward
  bluetop --workspace ~/autopilot      the dashboard, on that workspace
  bluetop demo                         the dashboard, on a workspace made for show
  bluetop analyze --json               the state of everything, for a program
  bluetop optimize                     which tasks should change hands, and why; changes nothing
  bluetop monitor --duration 15m       one line a sample
  bluetop COMMAND --help               what a command can do

exit status: 0 good; 1 a finding; 2 wrong usage or configuration; 3 the workspace cannot be read
"""


class Parser(argparse.ArgumentParser):
    """An argparse parser whose errors are one line of ours, with a next step."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("allow_abbrev", False)
        kwargs.setdefault("formatter_class", argparse.RawDescriptionHelpFormatter)
        super().__init__(*args, **kwargs)

    def error(self, message: str) -> NoReturn:
        raise UsageError(
            clean_line(f"{self.place}{message.removeprefix('argument ')}{self._advice(message)}")
        )

    @property
    def place(self) -> str:
        """The command's name and a colon, "" for the program itself."""
        name = self.prog.removeprefix("bluetop").strip()
        return f"{name}: " if name else ""

    def _advice(self, message: str) -> str:
        """A guess where a word from a list was meant, else where to read on."""
        wrong = re.search(r"invalid choice: '(.*?)' \(choose from (.*)\)", message)
        if wrong:
            from difflib import get_close_matches

            close = get_close_matches(wrong[1], re.findall(r"[\w-]+", wrong[2]), n=1, cutoff=0.5)
            if close:
                return f"; did you mean {close[0]}?"
        return f"; `{self.prog} --help` shows how it is used"

    def known_options(self) -> list[str]:
        """Every option this parser takes."""
        return [option for action in self._actions for option in action.option_strings]


class ActionParser(Parser):
    """The parser of one action of a command, which says itself what it does not know."""

    def parse_known_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """As in argparse; a word that is left over is an error here."""
        found, unknown = super().parse_known_args(args, namespace)
        if unknown:
            raise UsageError(unknown_word(unknown[0], self, None))
        return found, unknown


def parse(words: Sequence[str]) -> int:
    """Parse `words` and run what they ask for.

    Raises:
        UsageError: they make no sense; the message has a suggestion.
    """
    chosen = _command_of(words)
    parser = Parser(
        prog="bluetop",
        description="top for an agent fleet: a live dashboard, and a command line for the same.",
        epilog=EXAMPLES,
        usage="bluetop [options] [command] ...",
    )
    parser.add_argument("--version", "-V", action="version", version=f"bluetop {__version__}")
    entry = next((command for command in COMMANDS if command.name == chosen), None)
    screen = entry is None or entry.screen
    if chosen is not None and not screen:
        for word in words[: words.index(chosen)]:
            if word.partition("=")[0] in (flag.name for flag in FLAGS if flag.field in DASHBOARD_ONLY):
                raise UsageError(
                    f"{word} before the command's name is for the dashboard; write {chosen}'s own after it"
                )
    add_globals(parser, screen)
    if screen:
        parser.add_argument(
            "--or-demo", action="store_true", help="dashboard: where there is no workspace, the demo"
        )
    subparsers = parser.add_subparsers(dest="command", metavar="command", title="commands", prog="bluetop")
    sub: Parser | None = None
    run: Any = None
    for command in COMMANDS:
        made = subparsers.add_parser(
            command.name,
            help=command.summary,
            description=command.summary[0].upper() + command.summary[1:] + ".",
            usage=f"bluetop {command.name} [options]",
        )
        if command is entry:
            sub = made
            module = import_module(command.module)
            add_globals(made.add_argument_group("global options"), command.screen)
            module.configure(made)
            run = module.run
    args, unknown = parser.parse_known_args(words)
    if isinstance(getattr(args, "what", None), list) and not any(word.startswith("-") for word in unknown):
        args.what += unknown  # argparse gives up a list of words at the first option between them
        unknown = []
    if isinstance(getattr(args, "filter", None), list):  # `-word` is a term of a filter, and no option
        args.filter += [word for word in unknown if not word.startswith("--")]
        unknown = [word for word in unknown if word.startswith("--")]
    if unknown:
        raise UsageError(unknown_word(unknown[0], parser, sub))
    options = Options(
        **{field: value for field in Options._fields if (value := getattr(args, field, None)) is not None}
    )
    if run is None:
        return _dashboard(options, args.or_demo, words)
    status: int = run(args, options)
    return status


def _dashboard(options: Options, or_demo: bool, words: Sequence[str]) -> int:
    from tui.dashboard import run

    if or_demo:
        from core.config import load
        from core.workspace import find

        if find(options.workspace, fallback=load(options.config).workspace.path) is None:
            return parse(["demo", *(word for word in words if word != "--or-demo")])
    return run(options)


def add_globals(parser: argparse._ActionsContainer, screen: bool) -> None:
    """The global options: on the main parser and on each command's, so that they may stand on either side."""
    for flag in FLAGS:
        if flag.field in DASHBOARD_ONLY and not screen:
            continue
        if not flag.metavar:
            parser.add_argument(
                flag.name, dest=flag.field, action="store_true", default=argparse.SUPPRESS, help=flag.help
            )
        else:
            kind = interval if flag.field == "interval" else text
            parser.add_argument(
                flag.name,
                dest=flag.field,
                metavar=flag.metavar,
                type=kind,
                default=argparse.SUPPRESS,
                help=flag.help,
            )


def _command_of(words: Sequence[str]) -> str | None:
    """The first word that is neither an option nor an option's value; None if there is none.

    Raises:
        UsageError: it is no command.
    """
    taking = {flag.name for flag in FLAGS if flag.metavar}
    skip = False
    for word in words:
        if skip:
            skip = False
        elif word.startswith("-"):
            skip = word in taking
        elif any(word == command.name for command in COMMANDS):
            return word
        else:
            raise UsageError(_no_command(word))
    return None


def _no_command(word: str) -> str:
    import os.path
    from difflib import get_close_matches

    names = [command.name for command in COMMANDS]
    close = get_close_matches(word, names, n=1, cutoff=0.5)
    if close:
        advice = f"did you mean {close[0]}?"
    elif os.sep in word or word in (".", ".."):
        advice = f"did you mean --workspace {word}?"
    else:
        advice = f"the commands are {', '.join(names)}"
    return clean_line(f"{word} is no command; {advice}")


def unknown_word(word: str, parser: Parser, sub: Parser | None) -> str:
    """What to say of a word that a parser, or that of the command, did not take."""
    from difflib import get_close_matches

    name = word.partition("=")[0]
    at = parser if sub is None else sub
    known = parser.known_options() + ([] if sub is None else sub.known_options())
    if not name.startswith("-"):
        return clean_line(f"{at.place}{word} is one word too many; `{at.prog} --help` shows how it is used")
    if name in known:
        where = "after" if sub is not None and name in sub.known_options() else "before"
        return clean_line(f"{at.place}{name} must stand {where} the command's name")
    close = get_close_matches(name, known, n=1, cutoff=0.6)
    advice = f"did you mean {close[0]}?" if close else f"`{at.prog} --help` lists the options"
    return clean_line(f"{at.place}{name} is no option; {advice}")


# ── values of options ────────────────────────────────────────────────────────────────────────


def text(value: str) -> str:
    """A value that must not be empty."""
    if not value:
        raise argparse.ArgumentTypeError("it must not be empty")
    return value


def interval(value: str) -> float:
    """Seconds between two samples."""
    seconds = duration(value)
    if not 0.1 <= seconds <= 3600:
        raise argparse.ArgumentTypeError(f"{value} is not between 0.1 and 3600 seconds")
    return seconds


def duration(value: str) -> float:
    """Seconds above 0: a number, or `90s 15m 4h 7d`."""
    units = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
    number, unit = (value[:-1], units[value[-1]]) if value[-1:] in units else (value, 1.0)
    try:
        seconds = float(number) * unit
    except ValueError:
        seconds = math.nan
    if not math.isfinite(seconds) or seconds <= 0:
        raise argparse.ArgumentTypeError(f"{value} is no duration; write seconds, or 90s 15m 4h 7d")
    return seconds


def count(value: str) -> int:
    """A whole number, 0 or more."""
    if not (value.isascii() and value.isdigit() and len(value) <= 9):
        raise argparse.ArgumentTypeError(f"{value} is no whole number, 0 or more")
    return int(value)


def percent(value: str) -> float:
    """A number from 0 to 100, with or without the sign."""
    try:
        number = float(value.removesuffix("%"))
    except ValueError:
        number = math.nan
    if not 0 <= number <= 100:
        raise argparse.ArgumentTypeError(f"{value} is not a percentage from 0 to 100")
    return number
