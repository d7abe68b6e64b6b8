"""`bluetop alerts list`: what is kept of the alerts of a workspace, and how old that picture is."""

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from tui.cli.alerts import LISTED_S, SEVERITIES
from tui.cli.options import Options

if TYPE_CHECKING:
    from core.alerts.kept import Kept
    from core.alerts.view import Alert, SilenceView
    from tui.cli.output import Output

_LISTED = 50
_ENDED = 20
_WIDE = 150
# While something is active it is kept anew each minute.
_LATE_S = 150.0
_HEAD = (
    "SEVERITY", "STATE", "RULE", "SUBJECT", ">FOR", "SINCE", "ACKED BY", "SILENCED UNTIL", "INHIBITED BY", "FLAPPING",
    "ID", "TEXT",
)  # fmt: skip
_SHORT_HEAD = ("SEVERITY", "STATE", "RULE", "SUBJECT", ">FOR", "NOTE", "TEXT")


def run(args: argparse.Namespace, options: Options) -> int:
    """Show them; 1 where the state cannot be used, or something fires at or above `--fail-on`."""
    import os

    from core.alerts.kept import look, worst
    from core.clock import SYSTEM_CLOCK
    from core.config import load, state_dir
    from core.record.files import places
    from core.reports.alerts import list_data
    from core.text import clean_line
    from core.workspace import find, required
    from tui.cli import say
    from tui.cli.output import Output

    out = Output(options)
    settings = load(options.config)
    workspace = required(find(options.workspace, fallback=settings.workspace.path))
    wall = SYSTEM_CLOCK.wall()
    since_s = args.since if args.since is not None else None if args.all else LISTED_S
    kept = look(
        places(workspace, state_dir(os.environ)), workspace, settings.rule, SYSTEM_CLOCK,
        clean_line(os.uname().nodename) or "localhost", since=None if since_s is None else wall - since_s,
    )  # fmt: skip
    alerts = kept.alerts
    active = () if args.history else alerts.active
    history = alerts.history
    silences = () if args.history else alerts.silences
    if not args.all:
        silences = tuple(silence for silence in silences if not silence.over)
    if args.json:
        out.json(list_data(kept, active, history, silences, workspace, wall))
    elif not kept.path:
        out.wrapped(
            f"no alerts are kept for {clean_line(workspace)}: nobody has watched it yet. The dashboard (`bluetop`) and "
            "`bluetop collect` keep them; start one of them.",
            indent="",
        )
    else:
        if not kept.problem:
            out.wrapped(_standing(kept, wall), indent="")
        if not args.history and not kept.problem:
            _show_active(active, silences, kept, wall, out)
        _show_history(history, out, args.history, since_s)
    if kept.problem:
        said = f"bluetop: {kept.problem}; it was left as it is, and the bluetop that keeps alerts next sets it aside"
        say(said)
        return 1
    severity = worst(alerts)
    fails = args.fail_on is not None and severity != ""
    return int(fails and SEVERITIES.index(severity) <= SEVERITIES.index(args.fail_on))


def _standing(kept: "Kept", wall: float) -> str:
    """Who keeps them, or how old the picture is."""
    from core.reports.plain import time_text
    from core.units import duration_text

    if kept.running:
        who = "a running bluetop"
        if kept.process is not None:
            who += f" (process {kept.process}{f' on {kept.host}' if kept.host else ''})"
        late = wall - kept.as_of if kept.as_of is not None and kept.alerts.active else 0.0
        old = f", last {duration_text(late)} ago, so it may hang" if late > _LATE_S else ""
        return f"kept by {who}{old}: {kept.path}"
    if kept.as_of is None:
        return f"nobody keeps them now, and nothing has happened yet: {kept.path}"
    age = duration_text(wall - kept.as_of)
    return (
        f"as of {age} ago ({time_text(kept.as_of)}): nobody keeps them now, so what happened since is not known; "
        f"start `bluetop` or `bluetop collect`: {kept.path}"
    )


def _show_active(
    active: "tuple[Alert, ...]", silences: "tuple[SilenceView, ...]", kept: "Kept", wall: float, out: "Output"
) -> None:
    from core.reports.alerts import end_text

    fire = kept.alerts.fire
    waits = f", {kept.alerts.wait} of them open" if fire else ""
    past = "" if kept.running else " THEN"
    out.heading(f"ACTIVE{past} ({fire} fire{'s' if fire == 1 else ''}{waits})")
    until = wall if kept.running else kept.as_of
    wide = out.cells is None or out.cells >= _WIDE
    rows = [_row(alert, until, wide) for alert in active[:_LISTED]]
    if rows:
        _table(out, _HEAD if wide else _SHORT_HEAD, rows, least=("ID", "SINCE", "STATE"))
        _more(out, len(active), _LISTED)
    else:
        out.line("none")
    if silences:
        out.heading(f"SILENCES ({len(silences)})")
        _table(
            out,
            ("ID", "RULE", "SUBJECT", "SEVERITY", "UNTIL", "BY", "COMMENT"),
            [
                (
                    s.id,
                    s.rule,
                    s.subject,
                    s.severity,
                    "ended" if s.over else end_text(s.until) or "-",
                    s.by,
                    s.comment,
                )
                for s in silences
            ],
        )


def _row(alert: "Alert", until: float | None, wide: bool) -> tuple[str, ...]:
    """One alert; where there is no room, what anybody or anything has seen to is one word."""
    from core.reports.alerts import end_text, lasted_s
    from core.reports.plain import time_text
    from core.units import duration_text

    first = (alert.severity, alert.state, alert.rule, alert.subject, duration_text(lasted_s(alert, until)))
    flapping = "flapping" if alert.flapping else ""
    if wide:
        return (
            *first, time_text(alert.since) or "-", alert.acked_by, end_text(alert.silenced_until) or "",
            alert.inhibited_by, flapping, alert.id, alert.text,
        )  # fmt: skip
    note = (
        "acked"
        if alert.acked_by
        else "silenced"
        if alert.silence
        else "inhibited"
        if alert.inhibited_by
        else ""
    )
    return (*first, note or flapping, alert.text)


def _show_history(history: "tuple[Alert, ...]", out: "Output", only: bool, since_s: float | None) -> None:
    from core.reports.alerts import lasted_s, span
    from core.reports.plain import time_text
    from core.units import duration_text

    shown = history if only else history[:_ENDED]
    when = "" if since_s is None else f" IN THE LAST {span(since_s)}"
    out.heading(f"ENDED{when} ({len(history)})")
    rows = [
        (
            alert.severity, time_text(alert.ended_at) or "-", alert.rule, alert.subject,
            duration_text(lasted_s(alert, None)), alert.reason, alert.id, alert.text,
        )
        for alert in shown
    ]  # fmt: skip
    if not rows:
        out.line("none")
        return
    head = ("SEVERITY", "ENDED", "RULE", "SUBJECT", ">LASTED", "REASON", "ID", "TEXT")
    out.table(head, rows, status=0, least=("ID", "REASON"))
    if len(history) > len(shown):
        out.line(f"and {len(history) - len(shown)} more: --history lists them all")


def _table(
    out: "Output", head: Sequence[str], rows: Sequence[Sequence[str]], least: Sequence[str] = ()
) -> None:
    """A table without the columns that say nothing."""
    kept = [at for at in range(len(head)) if any(row[at] for row in rows)]
    titles = [head[at] for at in kept]
    out.table(
        titles, [[row[at] for at in kept] for row in rows], status=0 if head[0] == "SEVERITY" else -1,
        least=[title for title in least if title in titles],
    )  # fmt: skip


def _more(out: "Output", total: int, shown: int) -> None:
    if total > shown:
        out.line(f"and {total - shown} more: --json has them all")
