"""`bluetop metrics`: how agents did. Collect it, report it, export it, and record starts and ends by hand."""

import argparse
import math
import sys
from typing import TYPE_CHECKING, Any

from tui.cli.options import Options
from tui.cli.parser import ActionParser, add_globals

if TYPE_CHECKING:
    from core.agentmetrics.collect import Collected, Place
    from tui.cli.output import Output

EXAMPLES = """\
examples:
  bluetop metrics collect              bring .metrics/agents/*_metrics.json up to date
  bluetop metrics report               the same, and how every agent did
  bluetop metrics export --format openmetrics --output /run/metrics/bluetop.prom
  bluetop metrics track-start TASK-7 --agent CA --estimated 3
  bluetop metrics ACTION --help        what an action can do

exit status: 0 good; 1 a file could not be wholly read or written, or a change could not be made;
             2 wrong usage or configuration; 3 the workspace cannot be read
"""
_COLLECT = """\
examples:
  bluetop metrics collect              every agent, one line each
  bluetop metrics collect --agent CA   only this one
  bluetop metrics collect --json | jq '.agents[] | select(.updated > 0) | .id'

What the queue files say goes to .metrics/agents/<AGENT>_metrics.json. Nothing there is lost: tasks that
have left the queue files stay, estimates and times once known stay known. A file that cannot be read is
named on standard error, and holds up no other.
"""
_REPORT = """\
examples:
  bluetop metrics report               collects, then shows how every agent did; saves the report
  bluetop metrics report --no-save     shows it, and changes nothing
  bluetop metrics report --json | jq .overall.efficiency_percent

It is saved to .metrics/reports/, as performance_report_<time>.json and latest_performance_report.json.
success: completed of completed and failed. efficiency: estimated hours that were delivered, of actual
hours. delivered: of what was promised. "-" is unknown, n how many tasks a figure rests on.
"""
_EXPORT = """\
examples:
  bluetop metrics export > agents.csv
  bluetop metrics export --format json | jq '.tasks[] | select(.vanished) | .id'
  bluetop metrics export --format openmetrics --output /run/metrics/bluetop.prom

Nothing in the workspace is changed. In CSV, a text that begins with = + - or @ has an apostrophe before
it, so that no spreadsheet takes it for a formula.
"""
_START = """\
examples:
  bluetop metrics track-start TASK-7 --agent CA
  bluetop metrics track-start TASK-7 --agent CA --estimated 3 --at 2026-11-24T09:00:00Z

The same start twice is recorded once; another one is refused without --force.
"""
_COMPLETE = """\
examples:
  bluetop metrics track-complete TASK-7 --agent CA
  bluetop metrics track-complete TASK-7 --agent CA --actual 2.5 --deliverables 4
  bluetop metrics track-complete TASK-7 --agent CA --failed

Without --actual the time since the recorded start counts; without a start the hours stay unknown.
"""
FORMATS = ("csv", "json", "openmetrics")
_LISTED = 20


def configure(parser: argparse.ArgumentParser) -> None:
    """The actions of `metrics` and their options."""
    parser.epilog = EXAMPLES
    parser.usage = "bluetop metrics collect|report|export|track-start|track-complete [options]"
    actions = parser.add_subparsers(
        dest="action", metavar="action", title="actions", required=True, parser_class=ActionParser
    )

    def action(name: str, summary: str, examples: str, usage: str = "[options]") -> argparse.ArgumentParser:
        made = actions.add_parser(
            name,
            help=summary,
            description=summary[0].upper() + summary[1:] + ".",
            epilog=examples,
            prog=f"bluetop metrics {name}",
            usage=f"bluetop metrics {name} {usage}",
        )
        add_globals(made.add_argument_group("global options"), False)
        return made

    made = action("collect", "bring .metrics/ up to date with the queue files", _COLLECT)
    made.add_argument("--agent", metavar="ID", help="only this agent")
    _json(made, "bluetop.metrics.collect/1")
    made = action("report", "how every agent did; collects first, and saves the report", _REPORT)
    made.add_argument("--no-save", action="store_true", help="change nothing: neither report nor metrics")
    _json(made, "bluetop.metrics.report/1")
    made = action("export", "every agent for other programs", _EXPORT)
    made.add_argument(
        "--format", choices=FORMATS, help="csv (default), json (bluetop.metrics/1) or openmetrics"
    )
    made.add_argument(
        "--output", metavar="FILE", help="write to FILE, whole or not at all (- is standard output)"
    )
    _json(made, "bluetop.metrics/1")
    for name, summary, examples in (
        ("track-start", "record that a task was started", _START),
        ("track-complete", "record that a task was completed, or failed", _COMPLETE),
    ):
        made = action(name, summary, examples, "TASK --agent ID [options]")
        made.add_argument("task", metavar="TASK", help="id of the task")
        made.add_argument("--agent", metavar="ID", required=True, help="whose task it is")
        made.add_argument(
            "--at", metavar="TIME", type=moment, help="when, such as 2026-11-24T09:00:00Z (default: now)"
        )
        if name == "track-start":
            made.add_argument("--estimated", metavar="H", type=hours, help="hours it is estimated at")
        else:
            made.add_argument("--actual", metavar="H", type=hours, help="hours it took")
            made.add_argument(
                "--deliverables", metavar="N", type=whole, help="how many deliverables were delivered"
            )
            made.add_argument("--failed", action="store_true", help="it failed")
        made.add_argument("--force", action="store_true", help="record it anew, whatever is recorded already")
        _json(made, "bluetop.metrics.track/1")


def _json(parser: argparse.ArgumentParser, schema: str) -> None:
    parser.add_argument("--json", action="store_true", help=f"one JSON object (schema {schema})")


def run(args: argparse.Namespace, options: Options) -> int:
    """Do what `args.action` says."""
    import msgspec

    from core.agentmetrics.collect import Place
    from core.config import load
    from core.queues import Limits
    from core.workspace import find, required
    from tui.cli.output import Output

    out = Output(options)
    settings = load(options.config)
    workspace = required(find(options.workspace, fallback=settings.workspace.path))
    place = Place(workspace, Limits(**msgspec.structs.asdict(settings.queues)), settings.poll.deadline_s)
    if args.action == "collect":
        return _collect(args, options, place, out)
    if args.action == "report":
        return _report(args, options, place, out)
    if args.action == "export":
        return _export(args, options, place, out)
    return _track(args, options, place, out)


# -- actions ----------------------------------------------------------------------------------------


def _collect(args: argparse.Namespace, options: Options, place: "Place", out: "Output") -> int:
    from core.agentmetrics.report import collect_data
    from core.control import CollectMetrics, submit

    found = submit(CollectMetrics(place, args.agent), read_only=options.read_only).detail
    if args.json:
        out.json(collect_data(found, place.workspace))
    else:
        for agent in found.agents:
            out.line(f"{agent.queue.agent}: {_news(agent)}")
    return _status(found)


def _news(agent: Any) -> str:
    """One agent's line: its tasks, and what is new."""
    total = agent.sums.measures().total_tasks
    if not total and not agent.kept:
        return "no tasks"
    said = [f"{agent.added} new" if agent.added else "", f"{agent.updated} updated" if agent.updated else ""]
    said += [f"{len(agent.moved)} moved away" if agent.moved else ""]
    said += [f"{agent.moved_tasks} counted elsewhere" if agent.moved_tasks else ""]
    new = agent.added or agent.updated
    return f"{total} tasks: {', '.join(filter(None, said if new else ['nothing new', *said]))}"


def _report(args: argparse.Namespace, options: Options, place: "Place", out: "Output") -> int:
    from core.agentmetrics.collect import collect
    from core.agentmetrics.report import report_data
    from core.control import CollectMetrics, submit

    keep = not args.no_save and not options.read_only
    found = (
        submit(CollectMetrics(place, report=True), read_only=False).detail
        if keep
        else collect(place, save=False)
    )
    if args.json:
        out.json(report_data(found, place.workspace))
        return _status(found)
    _show(found, out)
    out.line()
    if found.report:
        out.line(f"saved to {found.report} and latest_performance_report.json")
    else:
        out.line(
            f"not saved ({'--no-save' if args.no_save else '--read-only'}); nothing in .metrics was changed"
        )
    return _status(found)


def _export(args: argparse.Namespace, options: Options, place: "Place", out: "Output") -> int:
    from core.agentmetrics.collect import collect
    from core.agentmetrics.export import csv_text, openmetrics_text
    from core.agentmetrics.report import export_data
    from core.control import WriteExport, submit
    from core.errors import UsageError
    from tui.cli.output import json_text

    if args.json and args.format not in (None, "json"):
        raise UsageError(f"metrics export: --json and --format {args.format} are two formats; name one")
    kind = args.format or ("json" if args.json else "csv")
    found = collect(place, save=False, tasks=kind == "json")
    if kind == "json":
        text = json_text(export_data(found, place.workspace)) + "\n"
    else:
        text = csv_text(found) if kind == "csv" else openmetrics_text(found)
    if args.output and args.output != "-":
        submit(WriteExport(args.output, text.encode()), read_only=options.read_only)
    else:
        sys.stdout.write(text)
    return _status(found)


def _track(args: argparse.Namespace, options: Options, place: "Place", out: "Output") -> int:
    from core.agentmetrics.report import track_data
    from core.agentmetrics.track import COMPLETE, START, Event
    from core.control import TrackTask, submit

    if args.action == "track-start":
        event = Event(START, args.at, estimated_hours=args.estimated, force=args.force)
    else:
        event = Event(COMPLETE, args.at, None, args.actual, args.deliverables, args.failed, args.force)
    outcome = submit(TrackTask(place, args.agent, args.task, event), read_only=options.read_only)
    data = track_data(outcome.detail, event.kind)
    if args.json:
        out.json(data)
        return 0
    took = (
        f", {data['actual_hours']:g} h" if data["actual_hours"] is not None and data["completed_at"] else ""
    )
    times = [f"{word} {data[f'{word}_at']}" for word in ("started", "completed") if data[f"{word}_at"]]
    known = "" if data["recorded"] else "; known already, nothing was changed"
    out.line(f"{data['agent']}: {data['task']}: {data['status']}, {', '.join(times)}{took}{known}")
    return 0


# -- for people -------------------------------------------------------------------------------------


def _show(found: "Collected", out: "Output") -> None:
    """The table, the sum, and what is odd about whose tasks are whose."""
    rows = [_row(agent.queue.agent, agent.sums.measures(), agent.current) for agent in found.agents]
    out.heading(f"AGENTS ({len(found.agents)})")
    out.table(
        ("AGENT", ">TASKS", ">DONE", ">FAILED", ">OPEN", ">SUCCESS", ">EFFICIENCY", ">DELIVERED", ">P50", ">P95", ">N",
         "NOW"),
        [*rows, _row("all", found.overall.measures(), "")],
        least=("NOW", "DELIVERED", "FAILED", "P95"),
    )  # fmt: skip
    if found.shared:
        out.heading("IN SEVERAL QUEUE FILES")
        for row in found.shared[:_LISTED]:
            others = ", ".join(row.others[:_LISTED])
            out.wrapped(
                f"{row.task_id}: counted for {row.owner} ({row.why}), and not for {others}", indent=""
            )
        _more(out, len(found.shared))
    moved = [(agent.queue.agent, *pair) for agent in found.agents for pair in agent.moved]
    if moved:
        out.heading("MOVED SINCE THE LAST TIME")
        for agent, task_id, owner in moved[:_LISTED]:
            out.line(f"{task_id}: from {agent} to {owner}")
        _more(out, len(moved))


def _more(out: "Output", number: int) -> None:
    if number > _LISTED:
        out.line(f"and {number - _LISTED} more: --json has them all")


def _row(name: str, measures: Any, current: str) -> tuple[str, ...]:
    counts, took = measures.counts, measures.task_time
    closed = counts["completed"] + counts["failed"] + counts["vanished"]
    return (
        name,
        str(measures.total_tasks),
        str(counts["completed"]),
        str(counts["failed"]),
        str(measures.total_tasks - closed),
        _share(measures.success_percent, measures.success_n),
        _share(measures.efficiency_percent, measures.efficiency_n),
        _share(measures.delivery_percent, measures.delivery_n),
        _hours(took.p50_hours),
        _hours(took.p95_hours),
        str(took.n),
        current,
    )


def _share(percent: float | None, n: int) -> str:
    return "-" if percent is None else f"{percent:.0f} % n={n}"


def _hours(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f} h"


def _status(found: "Collected") -> int:
    """Names on standard error what could not be read or written, and what was odd; 1 if it was the former."""
    from tui.cli import say

    for problem in found.problems:
        say(f"bluetop: {problem.file}: {problem.text}")
    return 0 if found.complete else 1


# -- values of options ------------------------------------------------------------------------------


def hours(value: str) -> float:
    """Hours above 0."""
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not 0 < number < 1e6:
        raise argparse.ArgumentTypeError(f"{value} is no number of hours above 0")
    return number


def whole(value: str) -> int:
    """A whole number, 0 or more."""
    if not (value.isascii() and value.isdigit() and int(value[:9]) <= 1_000_000 and len(value) < 9):
        raise argparse.ArgumentTypeError(f"{value} is no whole number from 0 to 1000000")
    return int(value)


def moment(value: str) -> float:
    """A time, in UTC unless it names its zone; seconds since 1970."""
    from core.queues.times import parse

    found = parse(value)
    if found is None:
        raise argparse.ArgumentTypeError(f"{value} is no time; write one such as 2026-11-24T09:00:00Z")
    return found.at
