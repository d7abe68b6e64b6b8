"""One look at everything for a command: run an engine until every source has answered, and end it.

Not for the dashboard, whose first frame waits for nothing.
"""

import asyncio
import contextlib
from typing import Any

import msgspec

from core.advice import Limits
from core.clock import SYSTEM_CLOCK, Clock
from core.config import Settings
from core.engine import Engine, host_name
from core.kpi import KpiRule
from core.policy import policy_of
from core.pollers import Poller, build
from core.samples import CpuSample, DiskSample
from core.snapshot import Snapshot

# Of a longer window our own start is no part worth mentioning; a shorter one begins after it.
_OWN_START_MATTERS_S = 2.0


def look(settings: Settings, workspace: str | None, window_s: float, clock: Clock = SYSTEM_CLOCK) -> Snapshot:
    """A Snapshot in which every source has answered, or has been given up as hung.

    Rates (processor, disks) are measured over `window_s`, in which this program rests.
    """
    return asyncio.run(_look(settings, workspace, window_s, clock))


async def _look(settings: Settings, workspace: str | None, window_s: float, clock: Clock) -> Snapshot:
    poll = msgspec.structs.replace(settings.poll, host_interval_s=window_s)
    quiet = Quiet(0.0 if window_s >= _OWN_START_MATTERS_S else None)
    engine = Engine(
        msgspec.structs.replace(settings, poll=poll),
        workspace,
        clock=clock,
        host=host_name(),
        read_only=True,
        pollers=lambda setup: [quiet.only(poller) for poller in build(setup)],
    )
    arrived = asyncio.Event()
    engine.subscribe(lambda snapshot: arrived.set())
    engine.prime()
    running = asyncio.ensure_future(engine.run())
    running.add_done_callback(lambda task: arrived.set())
    # A source that hangs is given up after the deadline, the ones behind it are asked again: twice that, and some.
    patience_s = 3 * settings.poll.deadline_s + 3 * window_s
    try:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience_s) as patience:
                done = 0
                while not running.done():
                    snapshot = engine.latest
                    if (
                        snapshot.progress is not None and snapshot.progress.done > done
                    ):  # much to read, not hung
                        done = snapshot.progress.done
                        patience.reschedule(asyncio.get_running_loop().time() + patience_s)
                    if settled(snapshot):
                        if quiet.since is None:
                            quiet.since = clock.now()
                        if _measured(snapshot):
                            break
                    arrived.clear()
                    await arrived.wait()
        if running.done():
            running.result()
        return engine.latest
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
        engine.close()


class Quiet:
    """Keeps the start of this very program out of the figures: rates count from `since` on, None is not yet."""

    def __init__(self, since: float | None) -> None:
        self.since = since

    def only(self, poller: Poller) -> Poller:
        """`poller`, without rates over a time that began before `since`."""
        return _QuietPoller(poller, self) if poller.name in ("cpu", "disk") else poller


class _QuietPoller:
    """A poller of rates that begin with the quiet."""

    def __init__(self, poller: Poller, quiet: Quiet) -> None:
        self._poller, self._quiet = poller, quiet
        self.name, self.interval_s, self.deadline_s = poller.name, poller.interval_s, poller.deadline_s
        self._before = 0.0

    def prime(self, now: float) -> None:
        self._before = now
        self._poller.prime(now)

    def poll(self, now: float) -> Any:
        sample = self._poller.poll(now)
        before, self._before = self._before, now
        since = self._quiet.since
        if since is not None and before >= since:
            return sample
        if isinstance(sample, CpuSample):
            return sample._replace(percent=None, per_core_percent=(), iowait_percent=None, steal_percent=None)
        if isinstance(sample, DiskSample):
            return sample._replace(
                read_bytes_per_s=None, write_bytes_per_s=None, operations_per_s=None, devices=()
            )
        return sample


def settled(snapshot: Snapshot) -> bool:
    """Whether everything has answered once, or is known not to."""
    if any(source.state == "waiting" for source in snapshot.sources if source.kind == "poller"):
        return False
    return snapshot.workspace is None or (snapshot.queues.value is not None and snapshot.progress is None)


def _measured(snapshot: Snapshot) -> bool:
    """Whether there are rates, or there never will be."""
    cpu, disk = snapshot.cpu, snapshot.disk
    waits_for_cpu = not cpu.problem and (cpu.value is None or cpu.value.percent is None)
    return not waits_for_cpu and (bool(disk.problem) or disk.value is not None)


def rules_of(settings: Settings, workspace: str | None) -> tuple[KpiRule, ...]:
    """The KPIs as the evaluator judges them, for their severities and limits."""
    return policy_of(settings, host=host_name(), workspace=workspace, read_only=True, intervals={}).kpis


def limits_of(settings: Settings) -> Limits:
    """What the recommendations need of the settings."""
    return Limits(settings.workload.underused_percent)
