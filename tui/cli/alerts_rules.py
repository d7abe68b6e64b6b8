"""`bluetop alerts rules`: every rule in words, and those that were rejected, with their line."""

import argparse
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from tui.cli.options import Options

if TYPE_CHECKING:
    from core.config import Rule
    from core.configfile import Fault
    from tui.cli.output import Output


def run(args: argparse.Namespace, options: Options) -> int:
    """Show them; 1 where one was rejected."""
    from core.reports.alerts import rule_data
    from tui.cli import say
    from tui.cli.output import Output

    out = Output(options)
    if args.rules:
        from core.alerts.rulefile import read

        found = read(args.rules)
        rules, faults = found.rules, found.faults
        files = dict.fromkeys((rule.name for rule in rules), args.rules)
    else:
        rules, faults, files = _in_force(options.config)
    if args.json:
        out.json({
            "schema": "bluetop.alerts.rules/1",
            "file": args.rules,
            "rules": [rule_data(rule, files.get(rule.name)) for rule in rules],
            "rejected": [fault_data(fault) for fault in faults],
        })  # fmt: skip
    else:
        _show(rules, files, args.rules, out)
    for fault in faults:
        say(f"bluetop: {fault.sentence()}")
    return 1 if faults else 0


def fault_data(fault: "Fault") -> dict[str, object]:
    """A rule, or a change of one, that was left out."""
    return {
        "file": fault.file, "line": fault.line or None, "key": fault.key, "problem": fault.problem,
        "advice": fault.advice,
    }  # fmt: skip


def _in_force(config: str | None) -> "tuple[tuple[Rule, ...], tuple[Fault, ...], dict[str, str]]":
    """The rules of the settings, what was left out of them, and which file last changed each."""
    import os

    from core.config import files_in_force, load

    settings = load(config)
    files = files_in_force(config, os.environ)
    if not files:
        return settings.rule, (), {}
    from core.configfile import examine

    loaded = examine(files)
    changed = {}
    for key, file in loaded.origin.items():
        kind, _, rest = key.partition(".")
        if kind == "rule":
            changed[rest.rpartition(".")[0]] = file
    return settings.rule, loaded.rejected, changed


def _show(rules: "Sequence[Rule]", files: Mapping[str, str], file: str | None, out: "Output") -> None:
    from core.reports.alerts import condition_words, is_measured, span
    from core.text import clean
    from core.units import limit_text

    enabled = [rule for rule in rules if rule.enabled]
    off = [rule.name for rule in rules if not rule.enabled]
    of = f" OF {clean(file)}" if file else " IN FORCE"
    out.heading(f"RULES{of} ({len(enabled)})")
    rows = [
        (
            rule.name, rule.severity, condition_words(rule), span(rule.for_s),
            "" if rule.clear is None else limit_text(rule.clear, ""), span(rule.keep_s), _about(rule),
            "" if is_measured(rule) else "not measured", clean(files.get(rule.name, "shipped")),
        )
        for rule in enabled
    ]  # fmt: skip
    head = ("RULE", "SEVERITY", "FIRES WHEN", ">FOR", ">CLEAR", ">KEEP", "ABOUT", "MEASURED", "FROM")
    kept = [at for at in range(len(head)) if any(row[at] for row in rows)]
    if rows:
        titles = [head[at] for at in kept]
        names = [title.removeprefix(">") for title in titles]
        least = [name for name in ("FROM", "KEEP", "ABOUT", "CLEAR") if name in names]
        out.table(titles, [[row[at] for at in kept] for row in rows], status=1, least=least)
    else:
        out.line("none")
    if off:
        out.line()
        out.wrapped(f"switched off: {', '.join(off)}", indent="")


def _about(rule: "Rule") -> str:
    """Of what: `host`, `agent C*`, `any`."""
    scope = rule.scope or "any"
    return scope if rule.subject == "*" else f"{scope} {rule.subject}"
