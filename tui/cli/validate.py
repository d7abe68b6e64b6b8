"""`bluetop validate [PATH...]`: every queue file, how it was read, and what is odd in it, with line and column."""

import argparse
import os
from typing import TYPE_CHECKING, Any

from tui.cli.options import Options

if TYPE_CHECKING:
    from core.apart import Answer
    from core.config import Settings
    from core.queues.model import Problem
    from tui.cli.output import Output

EXAMPLES = """\
examples:
  bluetop validate                     every queue file of the workspace found here
  bluetop validate ~/autopilot         every queue file of that workspace
  bluetop validate postbox/CA/outbox.json
  bluetop validate --json | jq '.files[] | select(.wholly_read | not) | .path'

Nothing is changed. "error" is something that could not be read, "odd" was read all the same.

exit status: 0 every file was wholly read; 1 one was not; 2 wrong usage; 3 a workspace cannot be read
"""

COUNTS = ("pending", "in_progress", "review", "blocked", "failed", "completed", "other", "messages")


def configure(parser: argparse.ArgumentParser) -> None:
    """The options of `validate`."""
    parser.epilog = EXAMPLES
    parser.usage = "bluetop validate [options] [PATH ...]"
    parser.add_argument(
        "paths", metavar="PATH", nargs="*", help="queue file or workspace (default: the one found)"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object (schema bluetop.validate/1)")
    parser.add_argument("--quiet", action="store_true", help="errors only, not what is merely odd")


def run(args: argparse.Namespace, options: Options) -> int:
    """Check every file, each within its deadline, in a process that can be left behind."""
    from core.apart import ask_apart
    from core.clock import SYSTEM_CLOCK
    from core.config import load
    from tui.cli.output import Output

    out = Output(options)
    settings = load(options.config)
    files, workspaces = _files(args.paths, options, settings)
    whole = errors = odd = 0
    hung = False
    documents: list[dict[str, Any]] = []
    started = SYSTEM_CLOCK.now()
    for path, answer in ask_apart(files, _checker(settings), settings.poll.deadline_s):
        document = _document(path, answer)
        hung = hung or answer.hung
        whole += document["wholly_read"]
        errors += sum(problem["severity"] == "error" for problem in document["problems"])
        odd += sum(problem["severity"] == "odd" for problem in document["problems"])
        if args.json:
            documents.append(document)
        else:
            _show(document, out, args.quiet)
    patience_s = settings.poll.deadline_s + 2 * (SYSTEM_CLOCK.now() - started)
    between = [] if hung else _between(workspaces, settings, patience_s)
    odd += len(between)
    if args.json:
        out.json(
            {
                "schema": "bluetop.validate/1",
                "files": documents,
                "between": between,
                "checked": len(files),
                "wholly_read": whole,
                "errors": errors,
                "odd": odd,
            }
        )
        return 0 if whole == len(files) else 1
    for problem in between if not args.quiet else ():
        out.wrapped(f"{problem['source']}: {out.paint(problem['severity'])}: {problem['text']}", indent="")
    out.line(f"{len(files)} files, {whole} wholly read, {errors} errors, {odd} oddities")
    return 0 if whole == len(files) else 1


def _checker(settings: "Settings") -> Any:
    """The work that is done apart for one file: its report as plain data."""
    import msgspec

    from core.queues import Limits
    from core.queues.check import check_file

    limits = Limits(**msgspec.structs.asdict(settings.queues))

    def work(path: str) -> Any:
        report = check_file(path, limits)
        return {
            "form": report.form,
            "agent": report.queue.agent,
            "counts": {name: getattr(report.queue, name) for name in COUNTS},
            "wholly_read": report.wholly_read,
            "fits_schema": report.fits_schema,
            "problems": [tuple(problem) for problem in report.problems],
        }

    return work


def _document(path: str, answer: "Answer") -> dict[str, Any]:
    """One file as it stands in the JSON."""
    from core.queues.model import Problem
    from core.text import clean

    if answer.problem:
        problem = Problem("error", "no_answer" if answer.hung else "unreadable", answer.problem)
        found: dict[str, Any] = {
            "agent": "",
            "form": "unreadable",
            "fits_schema": False,
            "counts": {},
            "wholly_read": False,
            "problems": [tuple(problem)],
        }
    else:
        found = answer.value
    return {
        "path": clean(path),
        "agent": found["agent"] or None,
        "form": found["form"],
        "wholly_read": found["wholly_read"],
        "fits_schema": found["fits_schema"],
        "counts": found["counts"],
        "problems": [_problem(Problem(*problem)) for problem in found["problems"]],
    }


def _problem(problem: "Problem") -> dict[str, Any]:
    return {
        "severity": problem.severity,
        "code": problem.code,
        "text": problem.detail,
        "line": problem.line or None,
        "column": problem.column or None,
        "key": problem.key or None,
    }


def _between(workspaces: list[str], settings: "Settings", patience_s: float) -> list[dict[str, Any]]:
    """What is odd between the files of a workspace: one task in two queues. Reads them once more, together."""
    import msgspec

    from core.apart import ask_apart
    from core.queues import Limits
    from core.queues.check import check_workspace
    from core.queues.model import Problem

    limits = Limits(**msgspec.structs.asdict(settings.queues))

    def work(path: str) -> Any:
        return [(source, tuple(problem)) for source, problem in check_workspace(path, limits).problems]

    found: list[dict[str, Any]] = []
    for path, answer in ask_apart(workspaces, work, patience_s):
        if answer.problem:
            said = Problem(
                "odd", "not_compared", f"the files were not compared with each other: {answer.problem}"
            )
            found.append({"source": path, **_problem(said)})
        else:
            found += [{"source": source, **_problem(Problem(*problem))} for source, problem in answer.value]
    return found


def _show(document: dict[str, Any], out: "Output", quiet: bool) -> None:
    """`file:line:col: severity: sentence`, as compilers say it and editors read it."""
    for problem in document["problems"]:
        if quiet and problem["severity"] != "error":
            continue
        place = document["path"]
        if problem["line"]:
            place += f":{problem['line']}" + (f":{problem['column']}" if problem["column"] else "")
        out.wrapped(f"{place}: {out.paint(problem['severity'])}: {problem['text']}", indent="")
    if not document["problems"] and not quiet:
        out.line(f"{document['path']}: {document['form']}, nothing odd")


def _files(paths: list[str], options: Options, settings: "Settings") -> tuple[list[str], list[str]]:
    """The queue files that `paths` stand for, and those paths that are workspaces."""
    from core.workspace import find, is_workspace, queue_files, required

    if not paths:
        workspace = required(find(options.workspace, fallback=settings.workspace.path))
        return queue_files(workspace), [workspace]
    full = [os.path.abspath(os.path.expanduser(path)) for path in paths]
    files = [file for path in full for file in queue_files(path)]
    return files, [path for path in full if is_workspace(path)]
