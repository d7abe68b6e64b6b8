"""`bluetop optimize`: rebalance queues. Plan, apply, undo, recover, verify, explain; as text or JSON.

Only the words are here. The work is a helper process's (`tui.cli.optimize_ask`), the text `tui.cli.optimize_show`.
"""

import argparse
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

from tui.cli.options import Options

if TYPE_CHECKING:
    from core.balance.options import Options as Goals
    from core.config import Settings
    from tui.cli.optimize_ask import Helper
    from tui.cli.output import Output

EXAMPLES = """\
examples:
  bluetop optimize                     what should move, why, and what comes of it; changes nothing
  bluetop optimize --json > plan.json  the same as an object, to be applied later
  bluetop optimize --apply plan.json   apply it: what has changed since is left alone, and named
  bluetop optimize --apply             plan, show, ask, apply
  bluetop optimize --undo              take the last plan back; what has been started stays
  bluetop optimize --why TASK-7        why a task moves, or why not, and who else could have it
  bluetop optimize --history           the plans of this workspace, and how they did
  bluetop optimize --recover           put in order what a killed bluetop left half done
  bluetop optimize --verify PLAN_ID    whether every task of a plan is still there, once

What a plan is asked to do is set in [balance] of the configuration; the options say otherwise for once. A move needs
a task that is pending, and an agent that may have it; nothing else is ever touched (docs/rebalancing.md).

exit status: 0 good, also for an empty plan; 1 not all of a plan could be applied or undone, --verify found a task
             gone or doubled, --recover left something open; 2 wrong usage; 3 the workspace cannot be read
"""

# Options that make a new plan, and so make no sense beside one that is made.
PLANNING = (
    "target", "under", "queue_limit", "max_moves", "cooldown_hours", "min_gain", "unlabelled", "pin", "drop", "now",
)  # fmt: skip

# The value of --apply and --undo where no plan is named. Not "": that is a variable of a script that was not set.
_NEWEST = ()


class Action(NamedTuple):
    """Something beside showing a plan: the name of its option, and whether it makes a plan to do so."""

    name: str
    plans: bool


ACTIONS = {
    "apply": Action("--apply", True), "undo": Action("--undo", False), "recover": Action("--recover", False),
    "verify": Action("--verify", False), "why": Action("--why", True), "history": Action("--history", False),
}  # fmt: skip


def configure(parser: argparse.ArgumentParser) -> None:
    """The options of `optimize`."""
    from core.balance.options import UNLABELLED
    from tui.cli.metrics import moment
    from tui.cli.parser import count, text

    parser.epilog = EXAMPLES
    parser.add_argument(
        "--json", action="store_true", help="one JSON object (schema bluetop.plan/1, or that of the action)"
    )
    parser.add_argument(
        "--output", metavar="FILE", type=text, help="write the JSON to FILE as well (- is standard output)"
    )
    goals = parser.add_argument_group("what a plan is asked to do (defaults: [balance] of the configuration)")
    goals.add_argument(
        "--target", metavar="PERCENT", type=number, help="load that is fine (80); 0: as even as can be"
    )
    goals.add_argument(
        "--under", metavar="PERCENT", type=number, help="load below which an agent is underutilised (30)"
    )
    goals.add_argument(
        "--queue-limit", metavar="N", type=count, help="most pending tasks of an agent (10); 0: any"
    )
    goals.add_argument("--max-moves", metavar="N", type=count, help="most moves (0: any)")
    goals.add_argument("--cooldown-hours", metavar="H", type=number, help="hours that a moved task stays (1)")
    goals.add_argument("--min-gain", metavar="POINTS", type=number, help="least fall of the worst load (1)")
    goals.add_argument(
        "--unlabelled",
        choices=UNLABELLED,
        metavar="WHO",
        help=f"who may get tasks without skills: {', '.join(UNLABELLED)}",
    )
    goals.add_argument(
        "--now", metavar="TIME", type=moment, help="plan for this time, such as 2026-11-24T09:00:00Z"
    )
    goals.add_argument(
        "--pin", metavar="TASK", action="append", type=text, help="leave this task where it is (repeatable)"
    )
    goals.add_argument(
        "--drop",
        metavar="SEQ",
        action="append",
        type=count,
        help="leave this move out of the plan (repeatable)",
    )
    actions = parser.add_argument_group("actions")
    actions.add_argument(
        "--apply",
        metavar="PLAN",
        nargs="?",
        const=_NEWEST,
        type=text,
        help="apply the plan in a file (- is standard input), or a new one",
    )
    actions.add_argument(
        "--undo",
        metavar="PLAN_ID",
        nargs="?",
        const=_NEWEST,
        type=text,
        help="undo a plan, or the last one",
    )
    actions.add_argument(
        "--recover", action="store_true", help="put in order what plans left that were cut off"
    )
    actions.add_argument(
        "--verify", metavar="PLAN_ID", type=text, help="check a plan's receipt against the queues"
    )
    actions.add_argument("--why", metavar="TASK", type=text, help="why a task moves, or why it does not")
    actions.add_argument(
        "--history", action="store_true", help="every plan that was applied here, newest first"
    )
    actions.add_argument(
        "--reason", metavar="TEXT", type=text, help="why, for the audit log (--apply, --undo, --recover)"
    )
    actions.add_argument("--yes", "-y", action="store_true", help="apply a new plan without asking")


def run(args: argparse.Namespace, options: Options) -> int:
    """Do what is asked, and judge the exit status."""
    from core.config import load
    from core.workspace import find, required
    from tui.cli.optimize_ask import Helper
    from tui.cli.output import Output

    action = _action(args)
    _check(args, action)
    out = Output(options)
    settings = load(options.config)
    goals = _goals(args, settings)
    plan = _given(args)
    workspace = required(find(options.workspace, fallback=settings.workspace.path))
    with Helper(workspace, options.read_only, settings.poll.deadline_s) as helper:
        if action == "apply":
            return _apply(args, options, helper, out, goals, plan)
        if action in ("undo", "recover"):
            return _change_back(args, options, helper, out, action)
        if action in ("verify", "history", "why"):
            return _tell(args, options, helper, out, goals, action)
        return _plan(args, options, helper, out, goals)


# -- words ----------------------------------------------------------------------------------------


def _action(args: argparse.Namespace) -> str:
    """The one action that is named, "" for none.

    Raises:
        UsageError: there are two.
    """
    from core.errors import UsageError

    named = [name for name in ACTIONS if getattr(args, name) not in (None, False)]
    if len(named) > 1:
        first, second = (ACTIONS[name].name for name in named[:2])
        raise UsageError(f"optimize: {first} and {second} are two actions; name one")
    return named[0] if named else ""


def _check(args: argparse.Namespace, action: str) -> None:
    from core.errors import UsageError

    planning = [f"--{name.replace('_', '-')}" for name in PLANNING if getattr(args, name) is not None]
    if planning and action == "apply" and args.apply:
        raise UsageError(
            f"optimize: {planning[0]} is for a new plan; that in {_short(args.apply)} is applied as it stands"
        )
    if planning and action and not ACTIONS[action].plans:
        raise UsageError(f"optimize: {planning[0]} is for a plan; {ACTIONS[action].name} makes none")
    if args.reason is not None and action not in ("apply", "undo", "recover"):
        raise UsageError(
            "optimize: --reason says why something is changed; it goes with --apply, --undo or --recover"
        )
    if args.yes and action != "apply":
        raise UsageError("optimize: --yes goes with --apply")
    if action == "apply" and not args.apply and not args.yes and (args.json or not _is_asked()):
        why = "--json cannot ask" if args.json else "there is no terminal to ask on"
        raise UsageError(
            f"optimize: --apply asks before it applies a new plan, and {why}; add --yes, or name a plan file"
        )
    if args.output is not None and args.apply is not None:
        raise UsageError("optimize: --output is for plans and reports; with --apply use --json")


def _is_asked() -> bool:
    return sys.stdin is not None and sys.stdin.isatty() and sys.stderr is not None and sys.stderr.isatty()


def _short(path: str) -> str:
    from core.text import clean_line

    return "standard input" if path == "-" else clean_line(path, 120)


def _goals(args: argparse.Namespace, settings: "Settings") -> "Goals":
    """What a plan is asked to do: the configuration, and what the options say otherwise.

    Raises:
        UsageError: it makes no sense.
    """
    from core.balance.options import Options as Goals
    from core.balance.options import checked

    values: dict[str, Any] = {}
    for name in Goals._fields:
        if name != "pins":
            said = getattr(args, name)
            values[name] = getattr(settings.balance, name) if said is None else said
    return checked(Goals(**values, pins=tuple(args.pin or ())))


def _given(args: argparse.Namespace) -> Any:
    """The plan that is to be applied, as data; None if there is none yet."""
    if not args.apply:
        return None
    from tui.cli.optimize_file import read_plan

    return read_plan(args.apply)


def _request(args: argparse.Namespace, goals: "Goals") -> dict[str, Any]:
    found: dict[str, Any] = {"options": goals.data(), "strict": True}
    if args.now is not None:
        found["now"] = args.now
    if args.drop:
        found["drop"] = sorted(set(args.drop))
    return found


# -- what is done ---------------------------------------------------------------------------------


def _plan(args: argparse.Namespace, options: Options, helper: "Helper", out: "Output", goals: "Goals") -> int:
    data = helper.ask("plan", **_request(args, goals))
    if not _written(args, options, out, data):
        from core.balance.plan import plan_of
        from tui.cli.optimize_show import next_step, show_plan

        plan = plan_of(data)
        show_plan(plan, out)
        next_step(plan, out, helper.state(), options, _again(args, options))
    return 0


def _apply(
    args: argparse.Namespace, options: Options, helper: "Helper", out: "Output", goals: "Goals", plan: Any
) -> int:
    from core.balance.plan import plan_of
    from core.control import ApplyPlan, submit
    from tui.cli import INTERRUPTED
    from tui.cli.optimize_ask import confirmed
    from tui.cli.optimize_show import show_plan, show_result

    if plan is None:
        plan = plan_of(helper.ask("plan", **_request(args, goals)))
        if not args.json:
            show_plan(plan, out)
            if not plan.moves:
                return 0
            out.line()
        if not options.read_only and not args.yes and not confirmed(plan, out):
            out.line("nothing was changed")
            return 0
    outcome = submit(ApplyPlan(helper, plan, args.reason or ""), read_only=options.read_only)
    if args.json:
        out.json(outcome.detail)
    else:
        show_result(outcome.detail, out, plan)
    if helper.interrupted:
        return INTERRUPTED
    return 0 if outcome.detail["state"] == "complete" else 1


def _change_back(
    args: argparse.Namespace, options: Options, helper: "Helper", out: "Output", action: str
) -> int:
    from core.control import RecoverPlans, UndoPlan, submit
    from tui.cli import INTERRUPTED
    from tui.cli.optimize_show import show_recovery, show_result

    reason = args.reason or ""
    if action == "undo":
        data = submit(UndoPlan(helper, args.undo or "", reason), read_only=options.read_only).detail
        status = 0 if data["state"] == "complete" else 1
    else:
        data = submit(RecoverPlans(helper, reason), read_only=options.read_only).detail
        status = 0 if data["state"] in ("clean", "recovered") else 1
    if not _written(args, options, out, data):
        (show_result if action == "undo" else show_recovery)(data, out)
    return INTERRUPTED if helper.interrupted else status


def _tell(
    args: argparse.Namespace, options: Options, helper: "Helper", out: "Output", goals: "Goals", action: str
) -> int:
    from tui.cli.optimize_tell import show_history, show_verification, show_why

    if action == "why":
        data = helper.ask("why", task=args.why, **_request(args, goals))
    else:
        data = helper.ask(action, plan_id=args.verify or "")
    if not _written(args, options, out, data):
        {"why": show_why, "verify": show_verification, "history": show_history}[action](data, out)
    return 1 if action == "verify" and not data["ok"] else 0


def _written(args: argparse.Namespace, options: Options, out: "Output", data: dict[str, Any]) -> bool:
    """Write the JSON where it is wanted; whether standard output has had its object."""
    if args.output and args.output != "-":
        from core.control import WriteExport, submit
        from tui.cli.output import json_text

        submit(WriteExport(args.output, (json_text(data) + "\n").encode()), read_only=options.read_only)
    if args.json or args.output == "-":
        out.json(data)
        return True
    return False


def _again(args: argparse.Namespace, options: Options) -> str:
    """The command that made this plan, to be typed again with one more word."""
    import shlex

    words = ["bluetop", "optimize"]
    for name in ("workspace", "config"):
        value = getattr(options, name)
        if value is not None:
            words += [f"--{name}", value]
    for name in PLANNING:
        value = getattr(args, name)
        flag = f"--{name.replace('_', '-')}"
        if name == "now" or value is None:
            continue
        for item in value if isinstance(value, list) else [value]:
            words += [flag, f"{item:g}" if isinstance(item, float) else str(item)]
    return shlex.join(words)


# -- values of options ----------------------------------------------------------------------------


def number(value: str) -> float:
    """A number from 0 up."""
    import math

    try:
        found = float(value.removesuffix("%"))
    except ValueError:
        found = math.nan
    if not 0 <= found < 1e6:
        raise argparse.ArgumentTypeError(f"{value} is no number from 0 up")
    return found
