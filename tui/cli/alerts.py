"""`bluetop alerts`: what fires, acknowledging and silencing it, and trying rules out on recorded samples."""

import argparse
from importlib import import_module

from tui.cli.options import Options
from tui.cli.parser import ActionParser, add_globals, duration, text

EXAMPLES = """\
examples:
  bluetop alerts list                              what fires, what is silenced, what ended in the last day
  bluetop alerts ack queue_length CA               you know of it: no more is told of it until it resolves
  bluetop alerts silence --subject CA --for 1h --comment "deploying"
  bluetop alerts rules                             the rules in force, in words
  bluetop alerts test --rules new.toml --samples monitor.jsonl
  bluetop alerts ACTION --help                     what an action can do

exit status: 0 good; 1 a finding at or above --fail-on, a change that could not be made, a rule that was
             rejected (rules); 2 wrong usage or configuration; 3 the workspace cannot be read
"""
_LIST = """\
examples:
  bluetop alerts list                  what is active, silences, what ended in the last day
  bluetop alerts list --history --since 7d
  bluetop alerts list --fail-on high   exit status 1 if something high or critical fires
  bluetop alerts list --json | jq -r '.active[] | select(.acked_by == null) | "\\(.rule) \\(.subject)"'

A running bluetop or `bluetop collect` keeps the alerts of a workspace. Where none does, this is the picture of
when the last one ended, and says so. Nothing is changed.
"""
_ACK = """\
examples:
  bluetop alerts ack queue_length CA
  bluetop alerts ack cpu_critical host

RULE and SUBJECT are those of `bluetop alerts list`; the host's own metrics have the subject "host". What is
acknowledged fires on, but nobody is told of it again until it has resolved and fires anew.
"""
_UNACK = """\
examples:
  bluetop alerts unack queue_length CA
"""
_SILENCE = """\
examples:
  bluetop alerts silence --rule 'queue_*' --subject CA --for 1h --comment "CA is being moved"
  bluetop alerts silence --severity low --for tomorrow --comment "not tonight"
  bluetop alerts silence --for 90m --comment "maintenance"        everything

A silence needs an end and a comment, and is signed with your name. Patterns are globs. Nobody is told of what
matches until it ends; what fires then is told. `tomorrow` is 8 o'clock of the next day, local time.
"""
_UNSILENCE = """\
examples:
  bluetop alerts unsilence 4f1c2a      the id is that of `bluetop alerts list`
"""
_REPLAY = """\
examples:
  bluetop alerts replay --rules rules.toml --samples samples.jsonl
  bluetop alerts replay --rules rules.toml --samples - --json < samples.jsonl | jq .final

The samples go through the engine that judges live; no state is read or written, nobody is told. A line is
  {"t": 100.0, "metric": "cpu_percent", "scope": "host", "subject": "host", "value": 93.5}
or an event (tick, gone, ack, unack, silence, unsilence, stop, start, resume); docs/alerts.md has them all.

exit status: 0 good; 2 wrong usage, or no rules that can be read
"""
_TEST = """\
examples:
  bluetop monitor --duration 7d --json >> monitor.jsonl          record samples first
  bluetop alerts test --rules new.toml --samples monitor.jsonl
  bluetop alerts test --rules new.toml --samples monitor.jsonl --since 24h

Says of each rule how often it would have fired, beside what the rules in force would have done. The file stands
alone: it holds whole rules, and no shipped ones are added. --samples takes lines of a replay, too.

exit status: 0 good; 2 wrong usage, no samples, or no rules that can be read
"""
_RULES = """\
examples:
  bluetop alerts rules                 the rules in force, and those that were rejected
  bluetop alerts rules --rules my.toml of this file alone

exit status: 0 good; 1 a rule was rejected; 2 a file that cannot be read
"""
SEVERITIES = ("critical", "high", "medium", "low", "info")
LISTED_S = 86_400.0
# Which file beside this one has an action.
_MODULES = {
    "list": "tui.cli.alerts_list", "rules": "tui.cli.alerts_rules", "replay": "tui.cli.alerts_replay",
    "test": "tui.cli.alerts_trial", "ack": "tui.cli.alerts_change", "unack": "tui.cli.alerts_change",
    "silence": "tui.cli.alerts_change", "unsilence": "tui.cli.alerts_change",
}  # fmt: skip


def configure(parser: argparse.ArgumentParser) -> None:
    """The actions of `alerts` and their options."""
    parser.epilog = EXAMPLES
    parser.usage = "bluetop alerts list|ack|unack|silence|unsilence|rules|replay|test [options]"
    actions = parser.add_subparsers(
        dest="action", metavar="action", title="actions", required=True, parser_class=ActionParser
    )

    def action(
        name: str, summary: str, examples: str, schema: str, usage: str = "[options]"
    ) -> argparse.ArgumentParser:
        made = actions.add_parser(
            name,
            help=summary,
            description=summary[0].upper() + summary[1:] + ".",
            epilog=examples,
            prog=f"bluetop alerts {name}",
            usage=f"bluetop alerts {name} {usage}",
        )
        add_globals(made.add_argument_group("global options"), False)
        made.add_argument("--json", action="store_true", help=f"one JSON object (schema {schema})")
        return made

    made = action("list", "what fires, what is silenced, and what has ended", _LIST, "bluetop.alerts/1")
    which = made.add_mutually_exclusive_group()
    which.add_argument(
        "--all", action="store_true", help="also all that is kept of older alerts and silences"
    )
    which.add_argument("--history", action="store_true", help="only what has ended")
    made.add_argument(
        "--since", metavar="D", type=duration, help="what ended in this time, such as 7d (default 1d)"
    )
    made.add_argument(
        "--fail-on", metavar="SEVERITY", choices=SEVERITIES, help=f"one of {', '.join(SEVERITIES)}"
    )
    changed = "bluetop.alerts.change/1"
    for name, summary, examples in (
        ("ack", "acknowledge what fires: no more is told of it until it resolves", _ACK),
        ("unack", "take an acknowledgement back", _UNACK),
    ):
        made = action(name, summary, examples, changed, "RULE SUBJECT [options]")
        made.add_argument("rule", metavar="RULE", type=text, help="the rule's name")
        made.add_argument("subject", metavar="SUBJECT", type=text, help="the agent, or host")
    made = action(
        "silence", "no notifications of what matches, for a while", _SILENCE, changed,
        "--for D --comment TEXT [options]",
    )  # fmt: skip
    made.add_argument("--rule", metavar="GLOB", type=glob, help="rules with such a name")
    made.add_argument("--subject", metavar="GLOB", type=glob, help="agents with such a name, or host")
    made.add_argument("--severity", metavar="S", choices=SEVERITIES, help="alerts of this severity")
    made.add_argument(
        "--for", metavar="D", dest="how_long", type=how_long, help="1h, 4h, 90m, 7d or tomorrow"
    )
    made.add_argument("--comment", metavar="TEXT", help="why, for whoever comes after you")
    made = action("unsilence", "end a silence now", _UNSILENCE, changed, "ID [options]")
    made.add_argument("silence", metavar="ID", type=text, help="the silence's id")
    made = action("rules", "the rules in force, in words, and those that were rejected", _RULES,
                  "bluetop.alerts.rules/1")  # fmt: skip
    made.add_argument("--rules", metavar="FILE", type=text, help="the rules of this file instead")
    made = action("replay", "recorded samples through the rules of a file", _REPLAY, "bluetop.alerts.replay/1",
                  "--rules FILE --samples FILE [options]")  # fmt: skip
    made.add_argument(
        "--rules", metavar="FILE", type=text, required=True, help="TOML with [[rule]] and [[kpi]]"
    )
    made.add_argument(
        "--samples",
        metavar="FILE",
        type=text,
        required=True,
        help="one sample or event a line (- is standard input)",
    )
    made = action("test", "what changed rules would have done, beside those in force", _TEST,
                  "bluetop.alerts.test/1", "--rules FILE --samples FILE [options]")  # fmt: skip
    made.add_argument("--rules", metavar="FILE", type=text, required=True, help="TOML with [[rule]]")
    made.add_argument(
        "--samples",
        metavar="FILE",
        type=text,
        help="lines of `bluetop monitor --json`, or of a replay (- is stdin)",
    )
    made.add_argument(
        "--since",
        metavar="D",
        type=duration,
        help="count what happened in this time before the newest sample",
    )


def run(args: argparse.Namespace, options: Options) -> int:
    """Do what `args.action` says."""
    status: int = import_module(_MODULES[args.action]).run(args, options)
    return status


# -- values of options ---------------------------------------------------------------------------------


def how_long(value: str) -> str:
    """How long a silence lasts: a duration, or the word tomorrow. Worked out when it begins."""
    if value.casefold() != "tomorrow":
        duration(value)
    return value.casefold()


def glob(value: str) -> str:
    """A pattern of names."""
    text(value)
    if len(value) > 200:
        raise argparse.ArgumentTypeError("a pattern has at most 200 characters")
    return value
