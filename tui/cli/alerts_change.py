"""`bluetop alerts ack|unack|silence|unsilence`: what the keys of the dashboard do, through the same door."""

import argparse
from typing import TYPE_CHECKING, Any

from tui.cli.options import Options

if TYPE_CHECKING:
    from core.alerts.filedesk import FileDesk
    from core.control import Command


def run(args: argparse.Namespace, options: Options) -> int:
    """Do it; 1 where it could not be done, or the bluetop that keeps the alerts has not said that it has."""
    import os

    from core.alerts.filedesk import FileDesk, Unanswered
    from core.clock import SYSTEM_CLOCK
    from core.config import load, state_dir
    from core.control import submit
    from core.errors import UsageError
    from core.record.files import places
    from core.text import clean_line
    from core.workspace import find, required
    from tui.cli import say
    from tui.cli.output import Output

    if args.action == "silence" and (args.how_long is None or not (args.comment or "").strip()):
        raise UsageError(
            "alerts silence: a silence needs an end and a comment; add --for 1h --comment TEXT (who you are is known)"
        )
    out = Output(options)
    settings = load(options.config)
    workspace = required(find(options.workspace, fallback=settings.workspace.path))
    desk = FileDesk(
        places(workspace, state_dir(os.environ)), workspace, SYSTEM_CLOCK,
        clean_line(os.uname().nodename) or "localhost", origin=origin(os.environ.get("SSH_CONNECTION", "")),
    )  # fmt: skip
    done, text = True, ""
    try:
        text = submit(_command(args, desk, SYSTEM_CLOCK.wall()), read_only=options.read_only).text
    except Unanswered as error:
        done, text = False, str(error)
        say(f"bluetop: {text}")
    if args.json:
        out.json(change_data(desk, args.action, done, text))
    elif done:
        out.wrapped(text, indent="")
    return 0 if done else 1


def origin(connection: str) -> str:
    """From where somebody is logged in, by what sshd says; "" at the machine itself."""
    return connection.split(" ", 1)[0]


def _command(args: argparse.Namespace, desk: "FileDesk", wall: float) -> "Command":
    from core.control import AckAlert, EndSilence, Match, SilenceAlerts

    if args.action in ("ack", "unack"):
        return AckAlert(desk, args.rule, args.subject, undo=args.action == "unack")
    if args.action == "unsilence":
        return EndSilence(desk, args.silence)
    return SilenceAlerts(
        desk,
        Match(args.rule or "", args.subject or "", args.severity or ""),
        seconds(args.how_long, wall),
        args.comment,
    )


def seconds(how_long: str, wall: float) -> float:
    """Seconds from `wall` on: a duration, or until tomorrow morning."""
    from core.units import until_morning_s
    from tui.cli.parser import duration

    return until_morning_s(wall) if how_long == "tomorrow" else duration(how_long)


def change_data(desk: "FileDesk", action: str, done: bool, text: str) -> dict[str, Any]:
    """The object of bluetop.alerts.change/1."""
    from core.alerts.past import wall_of
    from core.reports.alerts import end_text
    from core.reports.plain import time_text

    line = desk.line
    match = line.get("match") or {}
    return {
        "schema": "bluetop.alerts.change/1",
        "what": action,
        "done": done,
        "done_by": None if not done else "keeper" if desk.asked else "command",
        "at": time_text(wall_of(line.get("at"))),
        "by": line.get("by"),
        "origin": line.get("origin"),
        "comment": line.get("comment"),
        "rule": line.get("rule", match.get("rule")),
        "subject": line.get("subject", match.get("subject")),
        "severity": match.get("severity"),
        "silence": line.get("id"),
        "until": end_text(wall_of(line.get("until"))),
        "matches": desk.matches if action == "silence" else None,
        "text": text,
    }
