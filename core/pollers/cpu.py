"""Processor use, from /proc/stat and its neighbours; rates are since the previous poll."""

import os
from typing import NamedTuple

from core.errors import PollError
from core.pollers.pressure import PressureFile
from core.pollers.procfs import ProcFile, read_once
from core.samples import CpuSample

# Asking a core for its frequency can wake it: seldom, and not all of a large machine.
_FREQUENCY_EVERY_S = 10.0
_FREQUENCY_CORES = 16


# Ticks since boot: user, nice, system, idle, iowait, irq, softirq, steal. Guest time is in user already.
Times = tuple[int, ...]
_COLUMNS = 8


class CpuCounters(NamedTuple):
    """What one read of /proc/stat says."""

    total: Times
    cores: dict[bytes, Times]
    context_switches: int | None


class Shares(NamedTuple):
    """Per cent of an interval."""

    busy: float
    iowait: float
    steal: float


def parse_stat(text: bytes) -> CpuCounters | None:
    """/proc/stat; None if it has no line for all processors. Kernels before 2.6.11 have fewer columns."""
    found: dict[bytes, Times] = {}
    try:
        # The line of interrupts that follows the processors can be longer than all the rest.
        for line in text.partition(b"\nintr ")[0].split(b"\n"):
            words = line.split()
            if not words or not words[0].startswith(b"cpu"):
                break
            times = tuple(map(int, words[1 : _COLUMNS + 1]))
            found[words[0]] = times if len(times) == _COLUMNS else times + (0,) * (_COLUMNS - len(times))
        at = text.find(b"\nctxt ")
        switches = int(text[at + 6 : text.find(b"\n", at + 6)]) if at >= 0 else None
    except ValueError:
        return None
    total = found.pop(b"cpu", None)
    return None if total is None else CpuCounters(total, found, switches)


def shares(before: Times, after: Times) -> Shares | None:
    """How the time between two readings was spent; None if none passed.

    Single counters may step back (iowait is an estimate, idle is corrected when a core comes
    online): such a step counts as nothing.
    """
    steps = [max(0, b - a) for a, b in zip(before, after, strict=True)]
    total = sum(steps)
    if total <= 0:
        return None
    scale = 100.0 / total
    return Shares((total - steps[3] - steps[4]) * scale, steps[4] * scale, steps[7] * scale)


def parse_load(text: bytes | None) -> tuple[float, float, float] | None:
    """/proc/loadavg: the averages of 1, 5 and 15 minutes."""
    try:
        one, five, fifteen = (text or b"").split()[:3]
        return float(one), float(five), float(fifteen)
    except ValueError:
        return None


def parse_cpuinfo_mhz(text: bytes | None) -> float | None:
    """The mean of the frequencies in /proc/cpuinfo; None on machines that do not list any."""
    found = []
    for line in (text or b"").splitlines():
        name, _, value = line.partition(b":")
        if name.strip() == b"cpu MHz":
            try:
                found.append(float(value))
            except ValueError:
                continue
    return sum(found) / len(found) if found else None


def read_frequency(root: str) -> float | None:
    """The mean frequency of the first cores in MHz, None where neither /sys nor /proc tells."""
    folder = os.path.join(root, "sys/devices/system/cpu/cpufreq")
    try:
        policies = sorted(name for name in os.listdir(folder) if name.startswith("policy"))
    except OSError:
        policies = []
    found = []
    for name in policies[:_FREQUENCY_CORES]:
        text = read_once(folder, f"{name}/scaling_cur_freq")
        if text and text.strip().isdigit():
            found.append(int(text) / 1000)
    if found:
        return sum(found) / len(found)
    return parse_cpuinfo_mhz(read_once(root, "proc/cpuinfo"))


class CpuPoller:
    """The processors of this host."""

    name = "cpu"
    deadline_s = 1.0

    def __init__(self, host: str, interval_s: float, root: str = "/") -> None:
        self.interval_s = interval_s
        self._host = host
        self._root = root
        self._stat = ProcFile(root, "proc/stat")
        self._load = ProcFile(root, "proc/loadavg")
        self._pressure = PressureFile(root, "cpu")
        self._before: CpuCounters | None = None
        self._before_at = 0.0
        self._frequency: float | None = None
        self._frequency_due = float("-inf")

    def prime(self, now: float) -> None:
        """Take the first counters, so that the first poll has something to compare with."""
        self._before, self._before_at = self._counters(), now

    def _counters(self) -> CpuCounters:
        counters = parse_stat(self._stat.read() or b"")
        if counters is None:
            raise PollError("/proc/stat cannot be read; CPU figures are not available")
        return counters

    def poll(self, now: float) -> CpuSample:
        """The use since the last poll.

        Raises:
            PollError: /proc/stat cannot be read.
        """
        after = self._counters()
        before, self._before = self._before, after
        elapsed_s, self._before_at = now - self._before_at, now
        total = shares(before.total, after.total) if before is not None else None
        per_core: tuple[float, ...] = ()
        switches = None
        if before is not None:
            # Cores that came or went: no figures for one interval rather than figures of other cores.
            if before.cores.keys() == after.cores.keys():
                pairs = [shares(before.cores[name], times) for name, times in after.cores.items()]
                per_core = tuple(0.0 if pair is None else round(pair.busy, 2) for pair in pairs)
            if before.context_switches is not None and after.context_switches is not None and elapsed_s > 0:
                step = after.context_switches - before.context_switches
                switches = step / elapsed_s if step >= 0 else None
        if now >= self._frequency_due:
            self._frequency = read_frequency(self._root)
            self._frequency_due = now + _FREQUENCY_EVERY_S
        return CpuSample(
            at=now,
            host=self._host,
            percent=total.busy if total else None,
            per_core_percent=per_core,
            iowait_percent=total.iowait if total else None,
            steal_percent=total.steal if total else None,
            load=parse_load(self._load.read()),
            context_switches_per_s=switches,
            frequency_mhz=self._frequency,
            cores=len(after.cores) or 1,
            pressure=self._pressure.read(),
        )
