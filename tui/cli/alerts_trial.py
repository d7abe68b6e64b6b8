"""`bluetop alerts test`: what the rules of a file would have done on recorded samples, beside those in force."""

import argparse
from collections.abc import Sequence
from math import inf
from typing import TYPE_CHECKING

from core.errors import UsageError
from tui.cli.options import Options

if TYPE_CHECKING:
    from core.alerts.trial import Compared, Trial, Would
    from tui.cli.output import Output
    from tui.cli.samples import Samples

_NAMED = 5


def run(args: argparse.Namespace, options: Options) -> int:
    """Compare them; 0 whatever comes of it."""
    from core.alerts.rulefile import read
    from core.alerts.samplefile import as_samples
    from core.alerts.trial import Trial
    from core.config import load
    from tui.cli import say
    from tui.cli.output import Output
    from tui.cli.samples import Samples

    if args.samples is None:
        raise UsageError(
            "alerts test: there are no samples; record some with `bluetop monitor --duration 1d --json >> FILE`, "
            "then add --samples FILE"
        )
    out = Output(options)
    found = read(args.rules)
    in_force = load(options.config).rules
    for fault in found.faults:
        say(f"bluetop: {fault.sentence()}")
    samples = Samples(args.samples, "alerts test")
    trial = Trial(found.rules, in_force, _begin(samples, args.since))
    trial.feed(as_samples(samples.lines()))
    compared = trial.end()
    if trial.first == inf:
        raise UsageError(
            f"alerts test: {samples.name} holds no samples; a line is one of `bluetop monitor --json`, or of a replay"
        )
    if args.json:
        from core.reports.alerts import trial_data
        from tui.cli.alerts_rules import fault_data

        out.json({
            "schema": "bluetop.alerts.test/1",
            "rules_file": args.rules,
            "samples": samples.name,
            "first_t": trial.first,
            "last_t": trial.last,
            "since_s": args.since,
            "dropped": trial.dropped,
            "rules": [trial_data(rule) for rule in compared],
            "rejected": [fault_data(fault) for fault in found.faults],
        })  # fmt: skip
    else:
        _show(compared, trial, samples.name, args.since, out)
    return 0


def _begin(samples: "Samples", since_s: float | None) -> float:
    """From when on it counts: `since_s` before the newest sample."""
    if since_s is None:
        return -inf
    from core.alerts.samplefile import as_samples, newest

    samples.spool()
    last = newest(as_samples(samples.lines()))
    return -inf if last is None else last - since_s


def _show(
    compared: "Sequence[Compared]", trial: "Trial", name: str, since_s: float | None, out: "Output"
) -> None:
    from core.text import clean_line
    from core.units import duration_text

    span = duration_text(trial.last - trial.first)
    counted = f"; the last {duration_text(since_s)} of them count" if since_s is not None else ""
    out.wrapped(f"samples of {span} from {clean_line(name, 300)}{counted}", indent="")
    out.line()
    for rule in compared:
        if rule.would is not None:
            changed = " (changed)" if rule.changed else " (new)" if rule.now is None else ""
            now = "no such rule" if rule.now is None else _said(rule.now)
            said = f"{rule.name}{changed}: would have {_said(rule.would, full=True)} (now: {now})"
            out.wrapped(said, indent="")
    others = [(rule.name, rule.now) for rule in compared if rule.would is None and rule.now is not None]
    if others:
        fired = [f"{name} {_said(now)}" for name, now in others if now.fired]
        never = len(others) - len(fired)
        said = "; ".join([*fired, *([f"{never} {'others ' if fired else ''}never fired"] if never else [])])
        out.wrapped(f"in force, and not in this file: {said}", indent="")
    unseen = [rule.name for rule in compared if rule.would is not None and not rule.would.seen]
    if unseen:
        out.line()
        out.wrapped(f"no samples of what they are about: {', '.join(unseen)}", indent="")
    dropped = ", ".join(f"{count} {word.replace('_', ' ')}" for word, count in trial.dropped.items() if count)
    if dropped:
        out.line(f"not used: {dropped}")


def _said(would: "Would", *, full: bool = False) -> str:
    """`fired 3 times, flapped twice, longest 12 m, on CA, CB`."""
    from core.text import clean_line
    from core.units import duration_text

    words = [f"fired {_times(would.fired)}"]
    if would.flapped:
        words.append(f"flapped {_times(would.flapped)}")
    if full and (would.fired or would.longest_s):
        words.append(f"longest {duration_text(would.longest_s)}")
    if full and would.subjects:
        more = f" and {len(would.subjects) - _NAMED} more" if len(would.subjects) > _NAMED else ""
        words.append("on " + ", ".join(clean_line(subject, 60) for subject in would.subjects[:_NAMED]) + more)
    if would.still:
        words.append(f"{would.still} still at the end")
    return ", ".join(words)


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"
