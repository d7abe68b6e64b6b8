"""What a poller yields: frozen records, units in the field names, the host on each.

They are named tuples and not msgspec structs because the prober process makes some of them,
and msgspec would cost it 3.5 MiB and 20 ms for nothing. `None` is unknown, never zero.
`at` is seconds on the engine's clock (see `core.clock`).
"""

from typing import NamedTuple

from core.queues.model import Problem


class Pressure(NamedTuple):
    """Pressure stall information of one resource (/proc/pressure), per cent of the last 10 s."""

    some_percent: float
    full_percent: float | None


class CpuSample(NamedTuple):
    """Processor use since the previous sample of the same poller."""

    at: float
    host: str
    percent: float | None
    per_core_percent: tuple[float, ...]
    iowait_percent: float | None
    steal_percent: float | None
    load: tuple[float, float, float] | None
    context_switches_per_s: float | None
    frequency_mhz: float | None
    cores: int
    pressure: Pressure | None


class MemorySample(NamedTuple):
    """Memory. `limit_bytes` is the cgroup's limit where that is lower than the machine's memory, and then
    `total_bytes` and `percent` are of the cgroup. `growth_bytes_per_min` is how much more is used than a minute
    ago; None until so much was seen."""

    at: float
    host: str
    percent: float | None
    used_bytes: int | None
    available_bytes: int | None
    total_bytes: int | None
    cached_bytes: int | None
    limit_bytes: int | None
    swap_used_bytes: int | None
    swap_total_bytes: int | None
    swap_in_bytes_per_s: float | None
    swap_out_bytes_per_s: float | None
    pressure: Pressure | None
    growth_bytes_per_min: float | None = None


class DeviceRate(NamedTuple):
    """One block device since the previous sample."""

    name: str
    read_bytes_per_s: float
    write_bytes_per_s: float
    operations_per_s: float
    busy_percent: float


class DiskSample(NamedTuple):
    """Disk traffic: the sum over whole devices (partitions and stacked devices are not counted twice)."""

    at: float
    host: str
    read_bytes_per_s: float | None
    write_bytes_per_s: float | None
    operations_per_s: float | None
    devices: tuple[DeviceRate, ...]
    pressure: Pressure | None


class MountSpace(NamedTuple):
    """Space of one mount. `problem` says why the figures are unknown ("no answer for 14 s")."""

    path: str
    kind: str
    total_bytes: int | None
    free_bytes: int | None
    used_percent: float | None
    network: bool
    asked_ms: float | None
    problem: str | None


class MountsSample(NamedTuple):
    """Free space of every real mount, asked for by the prober."""

    at: float
    host: str
    mounts: tuple[MountSpace, ...]


class HandlesSample(NamedTuple):
    """File handles of the whole system (/proc/sys/fs/file-nr)."""

    at: float
    host: str
    allocated: int | None
    maximum: int | None


class ProcessRow(NamedTuple):
    """One watched process. `agent` is the agent it works for, where that is known, else ''."""

    pid: int
    started_at: float
    name: str
    command: str
    agent: str
    why: str
    state: str
    cpu_percent: float | None
    rss_bytes: int | None
    handles: int | None
    handle_limit: int | None


class ProcessesSample(NamedTuple):
    """The watched processes: those that work in the workspace, and those that a pattern names.

    `handles` is their sum, `None` when none could be counted. `unreadable` counts processes of
    other users whose working directory or handles this user may not see. `scan_ms` is what the
    scan cost in CPU; `complete` is False while the scan budget spreads it over several scans.
    """

    at: float
    host: str
    rows: tuple[ProcessRow, ...]
    handles: int | None
    total: int
    unreadable: int
    scan_ms: float
    complete: bool


class Signal(NamedTuple):
    """What one agent asks of another in `.signals/active/`, and nobody has answered yet.

    `kind` is any word, in capitals (NEEDS_HELP, HANDOFF_REQUEST, …). `agent` asks, `to` is to
    answer, "" is anybody. `at` is the time it claims, but never later than its file or than now.
    `task` is the id of the task it is about, '' if it names none; `path` is its file in the workspace.
    """

    signal_id: str
    kind: str
    agent: str
    to: str
    at: float | None
    message: str
    priority: str
    task: str
    path: str


class SignalsSample(NamedTuple):
    """The unanswered signals of the workspace, the oldest first, and `more` than those listed.

    `last` is the newest signal of each agent, whatever it was about, from the newest daily folders:
    (agent, at, kind), by agent; it is a sign of life. `problems` are (path, problem). `complete` is
    False while a first look at thousands of files is spread over several scans: an answer may be
    among those not read yet. A part that says the same is the same object.
    """

    at: float
    host: str
    open: tuple[Signal, ...]
    more: int
    last: tuple[tuple[str, float, str], ...]
    problems: tuple[tuple[str, Problem], ...]
    complete: bool


class SelfSample(NamedTuple):
    """What bluetop itself costs: all its own processes."""

    at: float
    host: str
    cpu_percent: float | None
    rss_bytes: int | None
    tty_bytes_per_s: float | None
