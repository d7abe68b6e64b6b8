"""`bluetop alerts replay`: recorded samples through the rules of a file (alerting.md, section 6)."""

import argparse
from typing import TYPE_CHECKING, Any

from tui.cli.options import Options

if TYPE_CHECKING:
    from core.alerts.instances import Step
    from core.alerts.rulefile import RuleFile
    from tui.cli.output import Output
    from tui.cli.samples import Samples

_SUBJECT = 12


def run(args: argparse.Namespace, options: Options) -> int:
    """Replay; 0 whatever comes of it."""
    from core.alerts.replay import Replay
    from core.alerts.rulefile import read
    from tui.cli import say
    from tui.cli.output import Output
    from tui.cli.samples import Samples

    out = Output(options)
    found = read(args.rules)
    for fault in found.faults:
        say(f"bluetop: {fault.sentence()}")
    samples = Samples(args.samples, "alerts replay")
    if args.json:
        replay = Replay(found.rules, found.kpis)
        replay.feed(samples.lines())
        out.json(replay.end())
        return 0
    table = _Table(found, samples, out)
    replay = Replay(found.rules, found.kpis, table.take)
    replay.feed(samples.lines())
    table.end(replay.end(), replay.engine.t)
    return 0


class _Table:
    """Prints what happens as it comes, so that nothing is kept of it."""

    def __init__(self, found: "RuleFile", samples: "Samples", out: "Output") -> None:
        self._out = out
        self._samples = samples
        self._cells = max([len(rule.name) for rule in found.rules] + [len("RULE")])
        self._transitions = self._told = 0

    def take(self, step: "Step") -> None:
        """One step in which something happened."""
        self._samples.progress.clear()
        for made in step.transitions:
            self._transitions += 1
            self._row(
                made.t, made.rule, made.subject, f"{made.before} -> {made.after}", made.reason,
                "-" if made.value is None else f"{made.value:.6g}",
            )  # fmt: skip
        for told in step.notifications:
            self._told += 1
            self._row(told.t, told.rule, told.subject, f"told: {told.what}", "", "")

    def _row(self, t: float, rule: str, subject: str, change: str, reason: str, value: str) -> None:
        from core.text import clean_line
        from tui.view.spans import fit, width

        if self._transitions + self._told == 1:
            self._line("T", "RULE", "SUBJECT", "CHANGE", "REASON", "VALUE")
        name = clean_line(subject, 60)
        self._line(
            f"{t:.3f}".rstrip("0").rstrip("."),
            rule,
            fit(name, max(_SUBJECT, width(name))),
            change,
            reason,
            value,
        )

    def _line(self, t: str, rule: str, subject: str, change: str, reason: str, value: str) -> None:
        said = f"{t:>14}  {rule:<{self._cells}}  {subject:<{_SUBJECT}}  {change:<22}  {reason:<12}  {value}"
        self._out.line(said.rstrip())

    def end(self, result: dict[str, Any], t: float) -> None:
        """What is left, what could not be used, the KPIs."""
        from core.text import clean_line

        out = self._out
        if not self._transitions + self._told:
            out.line("nothing happened")
        out.line()
        out.line(f"{self._transitions} transitions, {self._told} notifications")
        out.heading("AT THE END")
        for one in result["final"]:
            since = (
                "" if one["since"] is None else f" since {one['since']:g} ({max(0.0, t - one['since']):g} s)"
            )
            words = [
                word for word, said in (("acknowledged", one["acked"]), ("flapping", one["flapping"])) if said
            ]
            marks = f", {', '.join(words)}" if words else ""
            out.line(f"{one['state']:<9}{one['rule']} on {clean_line(one['subject'], 100)}{since}{marks}")
        if not result["final"]:
            out.line("nothing fires, is pending or flaps")
        if result["kpis"]:
            out.heading("KPIS")
            for kpi in result["kpis"]:
                bad = [f"{clean_line(name, 60)} {status}" for name, status in kpi["subjects"].items()]
                more = f" and {len(bad) - 5} more" if len(bad) > 5 else ""
                out.wrapped(
                    f"{out.paint(kpi['status'])}: {kpi['name']}: {', '.join(bad[:5]) or 'no samples'}{more}",
                    indent="",
                )
        dropped = {name: count for name, count in result["dropped"].items() if count}
        if dropped:
            out.line()
            said = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in dropped.items())
            out.line(f"not used: {said}")
