"""What pollers are made of: plain values and the two objects they share. Not the settings file."""

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

from core.alerts.keeping import Keeping
from core.clock import SYSTEM_CLOCK, Clock
from core.prober.client import Prober
from core.prober.guard import Guard


class ByteCounter(Protocol):
    """Something that counts the bytes written to the terminal."""

    @property
    def total(self) -> int:
        """Bytes since the start."""
        ...


class Setup(NamedTuple):
    """For every poller. `root` is "/" but in tests; `exclude` are processes never to be watched.

    `record` says where the record of transitions may be and whether it may be written:
    `{"folders": […], "write": …, "at_once": …, "most_bytes": …}`, {} for none. `alerts` is what waits to be
    kept of alerts, None where nothing is kept.
    """

    host: str
    workspace: str | None
    prober: Prober
    guard: Guard
    clock: Clock = SYSTEM_CLOCK
    host_interval_s: float = 1.0
    queue_interval_s: float = 1.0
    scan_interval_s: float = 5.0
    limits: Mapping[str, int] = {}
    record: Mapping[str, Any] = {}
    alerts: Keeping | None = None
    patterns: tuple[str, ...] = ()
    agent_patterns: Mapping[str, str] = {}
    budget_ms: float = 40.0
    exclude: tuple[int, ...] = ()
    tty: ByteCounter | None = None
    root: str = "/"
