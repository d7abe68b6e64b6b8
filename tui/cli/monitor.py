"""`bluetop monitor`: one line (or JSON object) a sample, one for each alert that fires or resolves, a summary."""

import argparse
from typing import TYPE_CHECKING, Any

from tui.cli.options import Options

if TYPE_CHECKING:
    from core.alerts.live import LiveAlerts
    from core.config import Settings
    from core.snapshot import Snapshot
    from tui.cli.monitor_alerts import Alarms
    from tui.cli.output import Output

EXAMPLES = """\
examples:
  bluetop monitor --duration 15m                 one line every 5 seconds, for a quarter of an hour
  bluetop monitor --duration 90s --interval 1    every second
  bluetop monitor --duration 4h --alert-threshold 80 && echo quiet
  bluetop monitor --duration 7d --json >> monitor.jsonl

The rules of the configuration are judged as the dashboard does, from now on and in memory: nobody is notified, and
nothing is kept. --alert-threshold has processor and memory fire at once above that. ctrl+c ends it with the summary.

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
        "--alert-threshold", metavar="PCT", type=percent, help="processor and memory fire at once above it"
    )
    parser.add_argument(
        "--json", action="store_true", help="one JSON object a line (schema bluetop.monitor/1)"
    )


def run(args: argparse.Namespace, options: Options) -> int:
    """Watch for `args.duration` seconds; 1 if anything fired."""
    import asyncio

    import msgspec

    from core.config import load, rejected
    from core.workspace import find
    from tui.cli import say
    from tui.cli.monitor_alerts import with_threshold
    from tui.cli.output import Output

    out = Output(options)
    settings = load(options.config)
    for sentence in rejected(options.config):
        say(f"bluetop: {sentence}")
    # Channels are for whoever keeps the alerts: this is one more to look, and nobody is told twice.
    settings = msgspec.structs.replace(
        settings, rule=with_threshold(settings.rules, args.alert_threshold), webhook=(), hook=(),
        poll=msgspec.structs.replace(settings.poll, host_interval_s=args.every),
    )  # fmt: skip
    workspace = find(options.workspace, fallback=settings.workspace.path)
    watch = Watch(out, args.json)
    try:
        asyncio.run(_watch(watch, settings, workspace, args.every, args.duration))
    except KeyboardInterrupt:
        watch.interrupted = True
    watch.end()
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

    from core.clock import SYSTEM_CLOCK
    from core.config import state_dir
    from core.engine import Engine, host_name
    from core.record import plan

    record = plan(workspace, state_dir(os.environ), write=False, at_once=True)
    engine = Engine(
        settings, workspace, clock=SYSTEM_CLOCK, host=host_name(), read_only=True, record=record, alerts={}
    )
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
                        watch.take(engine.latest, engine.alerts)
            watch.sample(engine.latest, engine.alerts)
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
    """What was seen: prints each sample and each change, and remembers what fired and the extremes."""

    def __init__(self, out: "Output", as_json: bool) -> None:
        self.out = out
        self.as_json = as_json
        self.samples = 0
        self.interrupted = False
        self._alarms: Alarms | None = None
        self._last: tuple[Snapshot, LiveAlerts | None] | None = None
        self._changes: list[dict[str, Any]] = []
        self._begun = False
        self._sums: dict[str, list[float]] = {"cpu_percent": [], "memory_percent": [], "disk_io_mb_per_s": []}

    @property
    def fired(self) -> bool:
        """Whether anything has fired."""
        return self._alarms is not None and bool(self._alarms.fired)

    def take(self, snapshot: "Snapshot", live: "LiveAlerts | None") -> None:
        """Tell what began to fire and what resolved; in JSON the next sample does."""
        from tui.cli.monitor_alerts import Alarms

        if self._alarms is None:
            self._alarms = Alarms(snapshot.host)
        self._last = snapshot, live
        changes = self._alarms.take(snapshot, live)
        if self.as_json:
            self._changes += changes
            return
        for change in changes:
            self._show_change(change)
        if changes:
            self.out.flush()

    def sample(self, snapshot: "Snapshot", live: "LiveAlerts | None") -> None:
        """Print one sample."""
        from core.report import fleet_data, value_of
        from core.reports.plain import time_text

        self.take(snapshot, live)
        assert self._alarms is not None
        self.samples += 1
        figures = {metric: value_of(snapshot, metric) for metric in self._sums}
        for metric, value in figures.items():
            if value is not None:
                kept = self._sums[metric]
                # count, sum, maximum: a week of samples must not fill the memory
                kept[:] = [kept[0] + 1, kept[1] + value, max(kept[2], value)] if kept else [1, value, value]
        data = {
            "schema": "bluetop.monitor/1",
            "at": time_text(snapshot.wall),
            "host": snapshot.host,
            "workspace": snapshot.workspace,
            **figures,
            "open_files": value_of(snapshot, "open_files"),
            "fleet": fleet_data(snapshot),
            "overall": snapshot.overall,
        }
        if self.as_json:
            alerts = self._alarms.current(snapshot, live)
            self.out.json({**data, "alerts": alerts, "changes": self._changes}, one_line=True)
            self._changes = []
        else:
            self._show(data)
        self.out.flush()

    def _begin(self) -> None:
        if not self._begun:
            self.out.line("TIME (UTC)  CPU %  MEM %  DISK MB/s  FILES   WAIT   WORK  FAILED  STATUS")
        self._begun = True

    def _show(self, data: dict[str, Any]) -> None:
        def figure(key: str, cells: int, digits: int = 0) -> str:
            value = data[key]
            return "-".rjust(cells) if value is None else f"{value:{cells}.{digits}f}"

        self._begin()
        fleet = data["fleet"] or {}
        columns = (("pending", 7), ("in_progress", 7), ("failed", 8))
        counts = "".join(f"{fleet.get(key, '-'):>{cells}}" for key, cells in columns)
        self.out.line(
            f"{_time(data['at'])}{figure('cpu_percent', 5)}  {figure('memory_percent', 5)}  "
            f"{figure('disk_io_mb_per_s', 9, 1)}  {figure('open_files', 5)}{counts}  {self.out.paint(data['overall'])}"
        )

    def _show_change(self, change: dict[str, Any]) -> None:
        """`00:10:01    firing    medium: queue of CA is 16 tasks (> 15)`."""
        self._begin()
        why = f" ({change['reason'].replace('_', ' ')})" if change["reason"] not in (None, "cleared") else ""
        said = f"{self.out.paint(change['severity'])}: {change['text']}{why}"
        self.out.wrapped(f"{_time(change['at'])}{change['state']:<9} {said}", indent="")

    def end(self) -> None:
        """The last lines. In JSON every line is a sample: one more, if something changed since the last."""
        if self.as_json:
            if self._changes and self._last is not None:
                self.sample(*self._last)
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
        self._show_fired()

    def _show_fired(self) -> None:
        """What fired, the longest first."""
        from core.units import duration_text

        if self._alarms is None or self._last is None:
            return
        alarms, at = self._alarms, self._last[0].at
        lasted = {key: alarms.lasted_s(fired, at) for key, fired in alarms.fired.items()}
        for (rule, subject), fired in sorted(alarms.fired.items(), key=lambda entry: -lasted[entry[0]]):
            times = "once" if fired.times == 1 else f"{fired.times} times"
            still = ", still firing" if fired.began is not None else ""
            long = duration_text(lasted[rule, subject])
            self.out.line(f"  {rule} on {subject}: fired {times}, {long} in all{still}")


def _time(at: str | None) -> str:
    """The time of day, as wide as its column."""
    return f"{(at or '')[11:19]:<12}"
