"""`bluetop monitor`: one line (or JSON object) a sample, alerts where a limit is passed, a summary at the end."""

import argparse
from typing import TYPE_CHECKING, Any

from tui.cli.options import Options

if TYPE_CHECKING:
    from core.config import Rule, Settings
    from core.snapshot import Snapshot
    from tui.cli.output import Output

EXAMPLES = """\
examples:
  bluetop monitor --duration 15m                 one line every 5 seconds, for a quarter of an hour
  bluetop monitor --duration 90s --interval 1    every second
  bluetop monitor --duration 4h --alert-threshold 80 && echo quiet
  bluetop monitor --duration 7d --json >> monitor.jsonl

Without --alert-threshold the rules of the configuration are the limits. ctrl+c ends it with the summary.

exit status: 0 nothing fired; 1 something fired; 2 wrong usage or configuration; 3 the workspace cannot be read
"""
INTERVAL_S = 5.0
# A sample counts for a slot if it is at most this much of an interval early: timers are not exact.
_EARLY = 0.25


def configure(parser: argparse.ArgumentParser) -> None:
    """The options of `monitor`."""
    from tui.cli.parser import duration, interval, percent

    parser.epilog = EXAMPLES
    parser.usage = "bluetop monitor --duration S [options]"
    parser.add_argument(
        "--duration", metavar="S", type=duration, required=True, help="seconds, or 90s 15m 4h 7d"
    )
    parser.add_argument(
        "--interval",
        metavar="S",
        dest="every",
        type=interval,
        default=INTERVAL_S,
        help="between two samples (default 5)",
    )
    parser.add_argument(
        "--alert-threshold", metavar="PCT", type=percent, help="limit for processor and memory"
    )
    parser.add_argument(
        "--json", action="store_true", help="one JSON object a line (schema bluetop.monitor/1)"
    )


def run(args: argparse.Namespace, options: Options) -> int:
    """Watch for `args.duration` seconds; 1 if anything fired."""
    import asyncio

    from core.config import load
    from core.workspace import find
    from tui.cli.output import Output

    out = Output(options)
    settings = load(options.config)
    workspace = find(options.workspace, fallback=settings.workspace.path)
    watch = Watch(settings, args.alert_threshold, out, args.json)
    try:
        asyncio.run(_watch(watch, settings, workspace, args.every, args.duration))
    except KeyboardInterrupt:
        watch.interrupted = True
    watch.summary()
    return 1 if watch.fired else 0


async def _watch(
    watch: "Watch",
    settings: "Settings",
    workspace: str | None,
    every_s: float,
    duration_s: float,
) -> None:
    """Print the first snapshot of each slot; slots stand at multiples of `every_s` from the start, so none drifts."""
    import asyncio
    import contextlib
    import os

    import msgspec

    from core.clock import SYSTEM_CLOCK
    from core.config import state_dir
    from core.engine import Engine, host_name
    from core.record import plan

    poll = msgspec.structs.replace(settings.poll, host_interval_s=every_s)
    settings = msgspec.structs.replace(settings, poll=poll)
    record = plan(workspace, state_dir(os.environ), write=False, at_once=True)
    engine = Engine(settings, workspace, clock=SYSTEM_CLOCK, host=host_name(), read_only=True, record=record)
    arrived = asyncio.Event()
    engine.subscribe(lambda snapshot: arrived.set())
    running: asyncio.Task[None] | None = None
    try:
        engine.prime()
        running = asyncio.ensure_future(engine.run())
        started = SYSTEM_CLOCK.now()
        slot = 1
        while slot * every_s <= duration_s + 0.001:
            due = started + slot * every_s
            patience = due + every_s * (1 - _EARLY) - SYSTEM_CLOCK.now()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(max(0.0, patience)):
                    while not _fresh(engine.latest, due - _EARLY * every_s):
                        arrived.clear()
                        await arrived.wait()
            watch.sample(engine.latest)
            # A machine that slept, or was too busy, misses slots: they are not made up for.
            slot = max(slot + 1, int((SYSTEM_CLOCK.now() - started) / every_s + _EARLY) + 1)
            if running.done():
                running.result()
                return
    finally:
        if running is not None:
            running.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await running
        engine.close()


def _fresh(snapshot: "Snapshot", since: float) -> bool:
    """Whether the processor was sampled after `since` (engine's clock)."""
    return snapshot.cpu.at is not None and snapshot.cpu.at >= since


class Watch:
    """What was seen: prints each sample and remembers what fired and the extremes."""

    def __init__(self, settings: "Settings", threshold: float | None, out: "Output", as_json: bool) -> None:
        self.rules = _rules(settings, threshold)
        self.out = out
        self.as_json = as_json
        self.samples = 0
        self.fired: dict[tuple[str, str], int] = {}
        self.interrupted = False
        self._sums: dict[str, list[float]] = {"cpu_percent": [], "memory_percent": [], "disk_io_mb_per_s": []}

    def sample(self, snapshot: "Snapshot") -> None:
        """Print one sample and what it fires."""
        from core.report import fleet_data, value_of
        from core.reports.plain import time_text

        alerts = alerts_of(snapshot, self.rules)
        self.samples += 1
        for alert in alerts:
            key = (alert["rule"], alert["subject"])
            self.fired[key] = self.fired.get(key, 0) + 1
        figures = {metric: value_of(snapshot, metric) for metric in self._sums}
        for metric, value in figures.items():
            if value is not None:
                kept = self._sums[metric]
                # count, sum, maximum: a week of samples must not fill the memory
                kept[:] = [kept[0] + 1, kept[1] + value, max(kept[2], value)] if kept else [1, value, value]
        fleet = fleet_data(snapshot)
        data = {
            "schema": "bluetop.monitor/1",
            "at": time_text(snapshot.wall),
            "host": snapshot.host,
            "workspace": snapshot.workspace,
            **figures,
            "open_files": value_of(snapshot, "open_files"),
            "fleet": fleet,
            "overall": snapshot.overall,
            "alerts": alerts,
        }
        if self.as_json:
            self.out.json(data, one_line=True)
        else:
            self._show(data)
        self.out.flush()

    def _show(self, data: dict[str, Any]) -> None:
        def figure(key: str, cells: int, digits: int = 0) -> str:
            value = data[key]
            return "-".rjust(cells) if value is None else f"{value:{cells}.{digits}f}"

        if self.samples == 1:
            self.out.line("TIME (UTC)  CPU %  MEM %  DISK MB/s  FILES   WAIT   WORK  FAILED  STATUS")
        fleet = data["fleet"] or {}
        columns = (("pending", 7), ("in_progress", 7), ("failed", 8))
        counts = "".join(f"{fleet.get(key, '-'):>{cells}}" for key, cells in columns)
        self.out.line(
            f"{(data['at'] or '')[11:19]:<12}{figure('cpu_percent', 5)}  {figure('memory_percent', 5)}  "
            f"{figure('disk_io_mb_per_s', 9, 1)}  {figure('open_files', 5)}{counts}  {self.out.paint(data['overall'])}"
        )
        for alert in data["alerts"]:
            self.out.wrapped(f"{self.out.paint(alert['severity'])}: {alert['text']}")

    def summary(self) -> None:
        """The last lines; not for JSON, where every line is a sample."""
        if self.as_json:
            return
        out = self.out
        ended = " (interrupted)" if self.interrupted else ""
        out.line()
        out.line(f"{self.samples} samples{ended}")
        for metric, kept in self._sums.items():
            if kept:
                out.line(f"  {metric:<18}average {kept[1] / kept[0]:.1f}, highest {kept[2]:.1f}")
        if not self.fired:
            out.line("  nothing fired")
        for (rule, subject), count in sorted(self.fired.items(), key=lambda entry: -entry[1]):
            out.line(f"  {rule} on {subject}: in {count} of {self.samples} samples")


def _rules(settings: "Settings", threshold: float | None) -> tuple["Rule", ...]:
    """The limits in force: those of the configuration, with one for processor and memory if it was given."""
    import msgspec

    from core.config import Rule

    if threshold is None:
        return settings.rules
    rest = [rule for rule in settings.rules if rule.metric not in ("cpu_percent", "memory_percent")]
    found = {rule.metric: rule for rule in settings.rules}
    limits = (
        Rule("cpu", "cpu_percent", threshold=threshold, severity="critical"),
        Rule("memory", "memory_percent", threshold=threshold, severity="high"),
    )
    given = [
        msgspec.structs.replace(found.get(limit.metric, limit), op=">", threshold=threshold)
        for limit in limits
    ]
    return (*given, *rest)


def alerts_of(snapshot: "Snapshot", rules: tuple["Rule", ...]) -> list[dict[str, Any]]:
    """What is beyond a limit in this sample, and every KPI part that is critical."""
    from core.config import holds
    from core.metrics import METRICS
    from core.report import values_of

    alerts = []
    said: set[tuple[str, str]] = set()
    for rule in rules:
        metric = METRICS[rule.metric]
        for subject, value in values_of(snapshot, rule.metric):
            if holds(value, rule.op, rule.threshold):
                said.add((rule.metric, subject))
                text = f"{metric.label} of {subject} is {value:.4g} {metric.unit}".rstrip()
                alerts.append(_alert(rule.name, rule.metric, subject, value, rule.threshold, rule.severity,
                                     f"{text} (limit {rule.op} {rule.threshold:g})"))  # fmt: skip
    for kpi in snapshot.kpis:
        for part in kpi.parts:
            subject = snapshot.host if part.subject == "host" else part.subject
            if part.status == "critical" and part.value is not None and (kpi.metric, subject) not in said:
                text = f"{kpi.label} of {subject} is {part.value:.4g} {kpi.unit}".rstrip()
                alerts.append(_alert(f"kpi {kpi.name}", kpi.metric, subject, part.value, None, "critical",
                                     f"{text} (critical {kpi.critical})"))  # fmt: skip
    for source in snapshot.sources:
        if source.state == "hung":
            text = f"{source.name} does not answer: {source.detail}"
            alerts.append(_alert("source", "", source.name, None, None, "high", text))
        elif source.kind == "workspace" and source.state in ("unreadable", "gone"):
            text = f"the workspace {source.name} cannot be read: {source.detail or source.state}"
            alerts.append(_alert("source", "", source.name, None, None, "critical", text))
    return alerts


def _alert(
    rule: str,
    metric: str,
    subject: str,
    value: float | None,
    threshold: float | None,
    severity: str,
    text: str,
) -> dict[str, Any]:
    return {
        "rule": rule, "metric": metric or None, "subject": subject, "severity": severity, "value": value,
        "threshold": threshold, "text": text,
    }  # fmt: skip
