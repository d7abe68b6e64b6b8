"""`bluetop analyze`: one look at everything, judged; as text or JSON."""

import argparse
import sys
from typing import TYPE_CHECKING, Any

from tui.cli.options import Options

if TYPE_CHECKING:
    from core.alerts.kept import Kept
    from core.config import Settings
    from tui.cli.output import Output

EXAMPLES = """\
examples:
  bluetop analyze                      KPIs, bottlenecks, agents, needs, recommendations, problems of files
  bluetop analyze --fail-on high       exit status 1 if something is high or critical
  bluetop analyze --json | jq '.agents[] | select(.pending > 10) | .id'
  bluetop analyze --output state.json  the JSON to a file, the text to the terminal
  bluetop analyze --window 5           measure processor and disks over 5 seconds, not 0.2

It is one look, not a watch: which bottlenecks last is known where a running bluetop or `bluetop collect` keeps the
alerts of the workspace; the others are beyond their limit now.

exit status: 0 good; 1 a finding at or above --fail-on, or a source that did not answer;
             2 wrong usage or configuration; 3 the workspace cannot be read
"""
SEVERITIES = ("low", "medium", "high", "critical")
WINDOW_S = 0.2
_LISTED = 20
_EXPLAINED = 10


def configure(parser: argparse.ArgumentParser) -> None:
    """The options of `analyze`."""
    from tui.cli.parser import duration

    parser.epilog = EXAMPLES
    parser.add_argument("--json", action="store_true", help="one JSON object (schema bluetop.analyze/1)")
    parser.add_argument(
        "--output", metavar="FILE", help="write the JSON to FILE as well (- is standard output)"
    )
    parser.add_argument(
        "--fail-on", metavar="SEVERITY", choices=SEVERITIES, help=f"one of {', '.join(SEVERITIES)}"
    )
    parser.add_argument(
        "--window",
        metavar="S",
        type=duration,
        default=WINDOW_S,
        help="seconds to measure rates over (default 0.2)",
    )


def run(args: argparse.Namespace, options: Options) -> int:
    """Look, report, and judge the exit status."""
    from core.config import load
    from core.report import analysis
    from core.workspace import find, required
    from tui.cli.look import limits_of, look, read_workspace, rules_of
    from tui.cli.output import Output

    out = Output(options)
    settings = load(options.config)
    workspace = required(find(options.workspace, fallback=settings.workspace.path))
    snapshot = look(settings, workspace, args.window)
    read_workspace(snapshot, workspace)
    report = analysis(
        snapshot, rules_of(settings, workspace), limits_of(settings), _kept(settings, workspace)
    )
    if args.output:
        _write(report, args.output)
    if args.json:
        if args.output != "-":
            out.json(report)
    elif args.output != "-":
        show(report, out, args.window)
    return status_of(report, args.fail_on)


def _kept(settings: "Settings", workspace: str) -> "Kept":
    """What is kept of alerts, as far as it is active."""
    import os

    from core.alerts.kept import look
    from core.clock import SYSTEM_CLOCK
    from core.config import state_dir
    from core.engine import host_name
    from core.record.files import places

    folders = places(workspace, state_dir(os.environ))
    return look(folders, workspace, settings.rules, SYSTEM_CLOCK, host_name(), log=False)


def status_of(report: dict[str, Any], fail_on: str | None) -> int:
    """1 if something did not answer, or the worst severity is at or above `fail_on`."""
    if not report["complete"]:
        return 1
    if fail_on is None or report["severity"] not in SEVERITIES:
        return 0
    return int(SEVERITIES.index(report["severity"]) >= SEVERITIES.index(fail_on))


def _write(report: dict[str, Any], path: str) -> None:
    from core.control import ChangeFailed
    from core.text import clean_line
    from tui.cli.output import json_text

    text = json_text(report) + "\n"
    if path == "-":
        sys.stdout.write(text)
        return
    try:
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise ChangeFailed(
            clean_line(f"--output {path}: {error.strerror}; name a file that can be written")
        ) from error


def show(report: dict[str, Any], out: "Output", looked_s: float) -> None:
    """The report for a person; `looked_s` is how long the host was looked at."""
    verdict = report["verdict"]
    evidence = f" · {verdict['evidence']}" if verdict["evidence"] else ""
    out.wrapped(f"{report['generated_at']} · {report['host']['name']} · {report['workspace']}", indent="")
    out.wrapped(f"{out.paint(verdict['severity'])}  {verdict['text']}{evidence}", indent="")
    _show_needs(report, out)
    out.heading("KPIS")
    out.table(
        ("KPI", "STATUS", ">VALUE", "TARGET", "CRITICAL", "OVER", "WORST"),
        [_kpi_row(kpi, looked_s) for kpi in report["kpis"]],
        status=1,
        least=("OVER", "CRITICAL"),
    )
    _show_bottlenecks(report, out)
    _show_agents(report, out)
    _show_host(report["host"], out)
    out.heading("RECOMMENDATIONS")
    for advice in report["recommendations"][:_LISTED]:
        out.wrapped(f"{out.paint(advice['severity'])}: {advice['text']}", indent="")
    _more(out, report["recommendations"])
    if not report["recommendations"]:
        out.line("none: no target is missed")
    out.heading("PROBLEMS")
    for problem in report["problems"][:_LISTED]:
        place = problem["source"] + (f":{problem['line']}" if problem["line"] else "")
        out.wrapped(f"{out.paint(problem['severity'])}: {place}: {problem['text']}", indent="")
    _more(out, report["problems"])
    if not report["problems"]:
        out.line("none: every file was read as it should be")


def _show_bottlenecks(report: dict[str, Any], out: "Output") -> None:
    """Each with its evidence, what it means, and what to do; those known to last say for how long.

    A long queue and a high workload of one agent are one bottleneck with two figures.
    """
    grouped: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for b in report["bottlenecks"]:
        grouped.setdefault((b["kind"], b["subject"]), []).append(b)
    out.heading(f"BOTTLENECKS ({len(grouped)})")
    for found in list(grouped.values())[:_EXPLAINED]:
        first = found[0]
        said = "; ".join(_beyond(b) for b in found)
        out.wrapped(f"{out.paint(first['severity'])}: {first['kind']}: {said}", indent="")
        lasting = next((b for b in found if b["sustained"]), first)
        for text in (lasting["impact"], lasting["resolution"]):
            if text:
                out.wrapped(text)
    if len(grouped) > _EXPLAINED:
        out.line(f"and {len(grouped) - _EXPLAINED} more: --json has them all")
    if not grouped:
        out.line("none")
    elif not report["alerts"]["running"]:
        out.wrapped(
            "nobody keeps the alerts of this workspace now, so which of them last is not known: `bluetop collect` does",
            indent="",
        )


def _beyond(b: dict[str, Any]) -> str:
    percent = "" if b["excess_percent"] is None else f", {b['excess_percent']:+.0f} %"
    return f"{b['evidence']}{percent}{'' if b['sustained'] else ', now'}"


def _show_agents(report: dict[str, Any], out: "Output") -> None:
    from core.units import number_text, percent_text

    fleet = report["fleet"] or {}
    out.heading(f"AGENTS ({fleet.get('agents', 0)})")
    # Those with most to do first; a fleet of thousands is for --json.
    agents = sorted(report["agents"], key=lambda a: (-(a["pending"] or 0), -(a["in_progress"] or 0), a["id"]))
    rows = [
        (a["id"], a["liveness"], *(number_text(a[key]) for key in
         ("pending", "in_progress", "review", "blocked", "failed", "completed")),
         "-" if a["pending_hours"] is None else f"{a['pending_hours']:.1f}", percent_text(a["workload_percent"]),
         _drains(a), percent_text(a["success_percent"]), (a["current_task"] or {}).get("id", ""))
        for a in agents[: 2 * _LISTED]
    ]  # fmt: skip
    out.table(
        ("AGENT", "STATE", ">WAIT", ">WORK", ">REVIEW", ">BLOCKED", ">FAILED", ">DONE", ">HOURS", ">LOAD", ">DRAINS",
         ">SUCCESS", "NOW"),
        rows,
        least=("HOURS", "BLOCKED", "SUCCESS", "REVIEW"),
    )  # fmt: skip
    _more(out, agents, 2 * _LISTED)


def _drains(agent: dict[str, Any]) -> str:
    """`clears in 35-60 min` without its verb, `growing`, `stalled`: a column's worth of the forecast."""
    drain = agent["drain"]
    if drain is None or drain["kind"] in ("empty", "unknown"):
        return "-"
    text = str(drain["text"])
    return text.removeprefix("clears ").partition(",")[0]


def _show_needs(report: dict[str, Any], out: "Output") -> None:
    out.heading(f"NEEDS YOU ({report['needs_count']})")
    for need in report["needs"][:_LISTED]:
        since = f", since {need['since_at']}" if need["since_at"] else ""
        out.wrapped(f"{out.paint(need['severity'])}: {need['agent']} {need['text']}{since}", indent="")
    _more(out, report["needs"])
    if not report["needs"]:
        out.line("nothing")


def _show_host(host: dict[str, Any], out: "Output") -> None:
    from core.units import bytes_text, number_text, percent_text

    def figure(value: float | None) -> str:
        return "-" if value is None else f"{value:.1f}"

    out.heading("HOST")
    cores = f"{host['cores']} cores, load {figure(host['load_1m'])}"
    memory = f"{bytes_text(host['memory_used_bytes'])} of {bytes_text(host['memory_total_bytes'])}"
    disk = f"read {figure(host['disk_read_mb_per_s'])}, write {figure(host['disk_write_mb_per_s'])} MB/s"
    files = f"{number_text(host['open_files'])} open by {number_text(host['watched_processes'])} watched processes"
    out.line(f"cpu     {percent_text(host['cpu_percent'])}, {cores}")
    out.line(f"memory  {percent_text(host['memory_percent'])}, {memory}")
    out.line(f"disk    {disk}")
    out.line(f"files   {files}")
    for mount in host["mounts"]:
        space = f"{percent_text(mount['used_percent'])} used, {bytes_text(mount['free_bytes'])} free"
        out.line(f"mount   {mount['path']}  {mount['problem'] or space}")


def _kpi_row(kpi: dict[str, Any], looked_s: float) -> tuple[str, ...]:
    from core.kpi import PARTS_KEPT

    # What was really looked at, which is less than the KPI's own window: one look is no average of minutes.
    over = (
        "last" if kpi["aggregate"] == "last" else f"{kpi['aggregate']} {min(looked_s, kpi['window_s']):g} s"
    )
    missed = sum(part["status"] in ("warning", "critical") for part in kpi["parts"])
    worst = kpi["subject"] or ""
    if missed > 1:
        at_least = "at least " if missed == PARTS_KEPT else ""
        worst += f" and {at_least}{missed - 1} more"
    return (
        kpi["label"], kpi["status"], _figure(kpi["value"], kpi["unit"]), kpi["target"], kpi["critical"] or "-", over,
        worst,
    )  # fmt: skip


def _figure(value: float | None, unit: str) -> str:
    return (
        "-"
        if value is None
        else f"{value:.{0 if value == int(value) or abs(value) >= 100 else 1}f} {unit}".rstrip()
    )


def _more(out: "Output", rows: list[Any], shown: int = _LISTED) -> None:
    if len(rows) > shown:
        out.line(f"and {len(rows) - shown} more: --json has them all")
