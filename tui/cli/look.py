"""One look at everything for a command: run an engine until every source has answered, and end it.

Not for the dashboard, whose first frame waits for nothing.
"""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import msgspec

from core.advice import Limits
from core.clock import SYSTEM_CLOCK, Clock
from core.config import Settings, state_dir
from core.engine import Engine, host_name
from core.errors import WorkspaceError
from core.kpi import KpiRule
from core.measures.liveness import SILENT
from core.policy import policy_of
from core.pollers import Poller, build
from core.record import plan
from core.report import unread_workspace
from core.samples import CpuSample, DiskSample
from core.snapshot import Progress, Snapshot

# What tells of agents and tasks; and memory, since an answer that changes nothing waits for a figure of the host
# before anybody hears of it.
AGENTS_ONLY = ("queues", "processes", "signals", "memory")
# Signals and processes are looked at again after this long: thousands of files take more than one turn, and
# what a process uses is known the second time.
_AGAIN_S = 0.5
# And for so long at the most, once everything else has answered.
_PATIENT_S = 3.0
# Of a longer window our own start is no part worth mentioning; a shorter one begins after it.
_OWN_START_MATTERS_S = 2.0


def look(settings: Settings, workspace: str | None, window_s: float, clock: Clock = SYSTEM_CLOCK) -> Snapshot:
    """A Snapshot in which every source has answered, or has been given up as hung.

    Rates (processor, disks) are measured over `window_s`, in which this program rests.
    """
    return asyncio.run(_look(settings, workspace, window_s, clock))


async def _look(settings: Settings, workspace: str | None, window_s: float, clock: Clock) -> Snapshot:
    async with looking(settings, workspace, window_s, clock=clock) as engine:
        return engine.latest


@contextlib.asynccontextmanager
async def looking(
    settings: Settings,
    workspace: str | None,
    window_s: float = 0.2,
    *,
    only: Sequence[str] = (),
    told: Callable[[Progress], None] | None = None,
    clock: Clock = SYSTEM_CLOCK,
) -> AsyncIterator[Engine]:
    """An engine whose `latest` is what `look` gives, and which can be asked more until the block ends.

    With `only`, just these pollers run. `told` hears how far a long first look is.
    """
    again_s = min(_AGAIN_S, settings.tuning.resource_check_interval)
    quiet = Quiet(0.0 if window_s >= _OWN_START_MATTERS_S else None)
    engine = Engine(
        msgspec.structs.replace(
            settings,
            poll=msgspec.structs.replace(settings.poll, host_interval_s=window_s),
            tuning=msgspec.structs.replace(settings.tuning, resource_check_interval=again_s),
        ),
        workspace,
        clock=clock,
        host=host_name(),
        read_only=True,
        record=plan(workspace, state_dir(os.environ), write=False, at_once=True),
        pollers=lambda setup: [
            quiet.only(poller) for poller in build(setup) if not only or poller.name in only
        ],
    )
    arrived = asyncio.Event()
    engine.subscribe(lambda snapshot: arrived.set())
    engine.prime()
    running = asyncio.ensure_future(engine.run())
    running.add_done_callback(lambda task: arrived.set())
    try:
        await _until_known(engine, running, arrived, settings.poll.deadline_s, window_s, quiet, told)
        if running.done():
            running.result()
        yield engine
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
        engine.close()


async def _until_known(
    engine: Engine,
    running: "asyncio.Future[None]",
    arrived: asyncio.Event,
    deadline_s: float,
    window_s: float,
    quiet: "Quiet",
    told: Callable[[Progress], None] | None,
) -> None:
    """Wait until every source has answered, or will not."""
    clock = engine.clock
    # A source that hangs is given up after the deadline, the ones behind it are asked again: twice that, and some.
    patience_s = 3 * deadline_s + 3 * window_s
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(patience_s) as patience:
            done, known_at = 0, None
            while not running.done():
                snapshot = engine.latest
                progress = snapshot.progress
                if progress is not None and progress.done > done:  # much to read, not hung
                    done = progress.done
                    patience.reschedule(asyncio.get_running_loop().time() + patience_s)
                    if told is not None:
                        told(progress)
                if settled(snapshot):
                    if quiet.since is None:
                        quiet.since = clock.now()
                    if known_at is None and _measured(snapshot):
                        known_at = clock.now()
                        patience.reschedule(asyncio.get_running_loop().time() + _PATIENT_S)
                    if known_at is not None and not in_doubt(snapshot):
                        break
                arrived.clear()
                await arrived.wait()


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
    asked = {source.name for source in snapshot.sources if source.kind == "poller"}
    cpu, disk = snapshot.cpu, snapshot.disk
    waits_for_cpu = "cpu" in asked and not cpu.problem and (cpu.value is None or cpu.value.percent is None)
    return not waits_for_cpu and ("disk" not in asked or bool(disk.problem) or disk.value is not None)


def in_doubt(snapshot: Snapshot) -> bool:
    """Whether a second look may tell more: of signals and processes not read yet, of a process that may be busy."""
    for reading in (snapshot.signals, snapshot.processes):
        if reading.value is not None and not reading.value.complete and not reading.problem:
            return True
    return any(
        view.liveness == SILENT and view.processes and view.cpu_percent is None for view in snapshot.agents
    )


def read_workspace(snapshot: Snapshot, workspace: str) -> None:
    """Nothing, where the queues of the workspace were read.

    Raises:
        WorkspaceError: they were not.
    """
    gone = unread_workspace(snapshot)
    if gone is not None or snapshot.queues.value is None:
        reason = f"{gone.state}, {gone.detail}" if gone is not None else "does not answer"
        raise WorkspaceError(f"workspace {workspace}: {reason}; `bluetop doctor` says more")


def rules_of(settings: Settings, workspace: str | None) -> tuple[KpiRule, ...]:
    """The KPIs as the evaluator judges them, for their severities and limits."""
    return policy_of(settings, host=host_name(), workspace=workspace, read_only=True, intervals={}).kpis


def limits_of(settings: Settings) -> Limits:
    """What the recommendations need of the settings."""
    return Limits(settings.workload.underused_percent)
