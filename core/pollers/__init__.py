"""One file per source. A poller never knows who listens: it returns a sample or raises PollError.

A poller whose source lives in memory (/proc of the host, psutil) returns its sample at once.
One whose source can hang in the kernel (a queue file, a mount, a process) asks the prober and
returns an awaitable; the engine puts the poller's deadline on it.
"""

import os
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from core.pollers.alerts import AlertsPoller
from core.pollers.cpu import CpuPoller
from core.pollers.disk import DiskPoller
from core.pollers.handles import HandlesPoller
from core.pollers.memory import MemoryPoller
from core.pollers.mounts import MountsPoller
from core.pollers.own import OwnPoller
from core.pollers.processes import ProcessesPoller
from core.pollers.queues import QueuesPoller
from core.pollers.setup import Setup
from core.pollers.signals import SignalsPoller


class Poller(Protocol):
    """A source, its rhythm and its patience. `poll` may be called again only after it answered."""

    name: str
    interval_s: float
    deadline_s: float

    def prime(self, now: float) -> None:
        """Take first counters, or ask already, so that the first `poll` has figures. Optional to call.

        Raises:
            PollError: the source cannot be read.
        """
        ...

    def poll(self, now: float) -> Any | Awaitable[Any]:
        """The sample for time `now` (engine's clock), or an awaitable of it.

        Raises:
            PollError: there is no sample this time; the message says why.
        """
        ...


def _host(name: str) -> Callable[[Setup], Poller]:
    """The poller `name` of the host itself: on /proc, on psutil where there is none."""

    def make(setup: Setup) -> Poller:
        if os.path.exists(os.path.join(setup.root, "proc/stat")):
            return _ON_PROC[name](setup.host, setup.host_interval_s, setup.root)
        from core.pollers import portable

        on_psutil: dict[str, Callable[[str, float], Poller]] = {
            "cpu": portable.PsutilCpuPoller,
            "memory": portable.PsutilMemoryPoller,
            "disk": portable.PsutilDiskPoller,
            "handles": portable.NoHandlesPoller,
        }
        return on_psutil[name](setup.host, setup.host_interval_s)

    return make


_ON_PROC: dict[str, Callable[[str, float, str], Poller]] = {
    "cpu": CpuPoller,
    "memory": MemoryPoller,
    "disk": DiskPoller,
    "handles": HandlesPoller,
}


def _queues(setup: Setup) -> Poller | None:
    return QueuesPoller(setup) if setup.workspace is not None else None


def _signals(setup: Setup) -> Poller | None:
    return SignalsPoller(setup) if setup.workspace is not None else None


def _alerts(setup: Setup) -> Poller | None:
    return AlertsPoller(setup, setup.alerts) if setup.alerts is not None else None


# One factory per poller; None where there is nothing to poll.
POLLERS: tuple[Callable[[Setup], Poller | None], ...] = (
    _host("cpu"),
    _host("memory"),
    _host("disk"),
    _host("handles"),
    _queues,
    MountsPoller,
    ProcessesPoller,
    _signals,
    OwnPoller,
    _alerts,
)


def build(setup: Setup) -> tuple[Poller, ...]:
    """Every poller that this setup has work for, in the order of `POLLERS`."""
    return tuple(poller for make in POLLERS if (poller := make(setup)) is not None)
