"""`bluetop doctor`: what works here and what does not, each line with a next step."""

import argparse
import locale
import os
import sys
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from tui.cli.options import Options

if TYPE_CHECKING:
    from core.doctor import Check
    from core.snapshot import Snapshot
    from tui.cli.output import Output

EXAMPLES = """\
examples:
  bluetop doctor                       one line a check: ok, warn or bad, and what to do
  bluetop doctor --json                the same for a program, or for a bug report
  bluetop doctor --workspace DIR       with that workspace

exit status: 0 all is well, or only warnings; 1 something does not work
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """The options of `doctor`."""
    parser.epilog = EXAMPLES
    parser.add_argument("--json", action="store_true", help="one JSON object")


def run(args: argparse.Namespace, options: Options) -> int:
    """Check everything and print it."""
    from core import __version__, doctor
    from core.config import Settings, load
    from core.errors import BluetopError, ConfigError
    from core.workspace import find
    from tui.cli.look import look
    from tui.cli.output import Output

    out = Output(options)
    try:
        settings = load(options.config)
    except ConfigError:  # reported below, with its line
        settings = Settings()
    path, problem = None, ""
    try:
        path = find(options.workspace, fallback=settings.workspace.path)
    except BluetopError as error:
        problem = str(error)
    snapshot = look(settings, path, 0.2)
    timing = [(source.name, source.took_ms) for source in snapshot.sources if source.kind == "poller"]
    newest = max((a.queue.mtime for a in snapshot.agents if a.queue.mtime is not None), default=None)
    checks = list(
        doctor.gathered(
            doctor.versions(),
            doctor.ownership,
            doctor.configuration(options.config, os.environ),
            themes(settings.ui.theme, os.environ),
            terminal(os.environ),
            doctor.workspace(path, problem),
            doctor.state(os.environ, options.read_only),
            doctor.kernel(),
            doctor.clock_sane(newest),
            doctor.prober,
            doctor.redis,
            failures(snapshot),
        )
    )
    bad = sum(check.status == doctor.BAD for check in checks)
    warned = sum(check.status == doctor.WARN for check in checks)
    if args.json:
        out.json(
            {
                "schema": "bluetop.doctor/1",
                "version": __version__,
                "checks": [
                    {"area": c.area, "name": c.name, "status": c.status, "text": c.text, "advice": c.advice}
                    for c in checks
                ],
                "collectors": [{"name": name, "took_ms": took} for name, took in timing],
                "bad": bad,
                "warnings": warned,
            }
        )
        return 1 if bad else 0
    _print(out, checks, timing)
    out.line()
    out.line(f"{len(checks)} checks: {bad} bad, {warned} warnings")
    return 1 if bad else 0


def _print(out: "Output", checks: "list[Check]", timing: list[tuple[str, float | None]]) -> None:
    area = ""
    for check in checks:
        if check.area != area:
            area = check.area
            out.heading(area.upper())
        out.wrapped(f"{out.paint(check.status)}{' ' * (5 - len(check.status))}{check.name}: {check.text}")
        if check.advice and check.status != "ok":
            out.wrapped(f"→ {check.advice}" if not out.ascii else f"-> {check.advice}", indent="       ")
    out.heading("COLLECTORS")
    for name, took in timing:
        out.line(f"  {name:<12}{'-' if took is None else f'{took:.1f} ms':>10}")


def terminal(environ: Mapping[str, str]) -> "Iterator[Check]":
    """What the terminal says of itself."""
    from core.doctor import OK, WARN, Check
    from core.text import clean

    if not sys.stdout.isatty():
        yield Check("terminal", "tty", OK, "standard output is no terminal, so nothing is known of one")
    term = environ.get("TERM", "")
    if term in ("", "dumb"):
        text = f"TERM is {clean(term) or 'not set'}: the dashboard needs a terminal that can place the cursor"
        yield Check("terminal", "TERM", WARN, text, "export TERM=xterm-256color, if it is one")
    else:
        yield Check("terminal", "TERM", OK, clean(term))
    if environ.get("NO_COLOR"):
        yield Check("terminal", "colours", OK, "none: NO_COLOR is set")
    elif environ.get("COLORTERM") in ("truecolor", "24bit"):
        yield Check("terminal", "colours", OK, "16 million")
    else:
        text = "256" if "256color" in term else "16 (or 8)"
        yield Check("terminal", "colours", OK, text)
    encoding = locale.getpreferredencoding(False)
    if encoding.lower().replace("-", "") == "utf8":
        yield Check("terminal", "encoding", OK, "UTF-8")
    else:
        advice = "export LANG=C.UTF-8 to have charts with more than ASCII"
        yield Check("terminal", "encoding", WARN, f"{clean(encoding)}: ASCII drawing", advice)
    yield _size()
    inside = "tmux" if environ.get("TMUX") else "screen" if environ.get("STY") else ""
    if inside:
        yield Check("terminal", "multiplexer", OK, inside)
    if environ.get("SSH_CONNECTION") or environ.get("SSH_TTY"):
        yield Check("terminal", "ssh", OK, "over SSH: only what changes is sent")


def _size() -> "Check":
    from core.doctor import OK, WARN, Check

    for stream in (sys.stdout, sys.stdin, sys.stderr):
        try:
            size = os.get_terminal_size(stream.fileno())
        except (OSError, ValueError, AttributeError):
            continue
        text = f"{size.columns}x{size.lines}"
        if size.columns < 60 or size.lines < 20:
            return Check(
                "terminal", "size", WARN, f"{text}: too small for the dashboard", "make it 60x20 or larger"
            )
        return Check("terminal", "size", OK, text)
    return Check("terminal", "size", OK, "unknown: no terminal")


def themes(chosen: str, environ: Mapping[str, str]) -> "Iterator[Check]":
    """The themes that are there, and whether each of them can be used."""
    from core.config import config_dir
    from core.doctor import BAD, OK, Check
    from core.errors import ConfigError
    from core.text import clean
    from tui import theming

    folder = config_dir(environ)
    names = theming.names(folder)
    yield Check("config", "themes", OK, clean(", ".join(names)))
    for name in names:
        try:
            theming.load(name, folder)
        except ConfigError as error:
            yield Check("config", "theme", BAD, str(error), "correct the file, or remove it")
    if chosen not in names:
        yield Check(
            "config",
            "theme",
            BAD,
            f"ui.theme is {clean(chosen)}, which is not there",
            "choose one of the above",
        )


def failures(snapshot: "Snapshot") -> "Iterator[Check]":
    """Collectors and mounts that gave no answer."""
    from core.doctor import BAD, WARN, Check

    for source in snapshot.sources:
        if source.state in ("hung", "unreadable", "gone") and source.kind != "file":
            status = BAD if source.state == "hung" else WARN
            advice = "`bluetop validate` says more" if source.kind == "workspace" else ""
            yield Check(
                "sources", source.kind, status, f"{source.name}: {source.state}, {source.detail}", advice
            )
