"""The host's figures through psutil, for systems without /proc. Chosen in `pollers.build` alone.

Slower, and with less to tell: no pressure, no cgroup, no stacked devices. psutil is imported
only when one of these is made.
"""

from typing import Any

from core.errors import PollError
from core.pollers.cpu import Times, shares
from core.pollers.memory import Growth
from core.samples import CpuSample, DeviceRate, DiskSample, HandlesSample, MemorySample


def _ticks(times: Any) -> Times:
    names = ("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal")
    return tuple(round(100 * getattr(times, name, 0.0)) for name in names)


class PsutilCpuPoller:
    """`CpuPoller` through psutil."""

    name = "cpu"
    deadline_s = 1.0

    def __init__(self, host: str, interval_s: float) -> None:
        import psutil

        self.interval_s = interval_s
        self._host = host
        self._psutil = psutil
        self._total: Times | None = None
        self._cores: list[Times] = []
        self._switches = 0
        self._at = 0.0

    def prime(self, now: float) -> None:
        """Take the first counters."""
        self._total = _ticks(self._psutil.cpu_times())
        self._cores = [_ticks(core) for core in self._psutil.cpu_times(percpu=True)]
        self._switches, self._at = self._psutil.cpu_stats().ctx_switches, now

    def poll(self, now: float) -> CpuSample:
        """The use since the last poll."""
        total, cores, switches, at = self._total, self._cores, self._switches, self._at
        self.prime(now)
        found = shares(total, self._total) if total is not None and self._total is not None else None
        same = total is not None and len(cores) == len(self._cores)
        pairs = [shares(a, b) for a, b in zip(cores, self._cores, strict=True)] if same else []
        known = total is not None and now > at and self._switches >= switches
        load = self._psutil.getloadavg() if hasattr(self._psutil, "getloadavg") else None
        frequency = self._psutil.cpu_freq() if hasattr(self._psutil, "cpu_freq") else None
        return CpuSample(
            at=now,
            host=self._host,
            percent=found.busy if found else None,
            per_core_percent=tuple(0.0 if pair is None else round(pair.busy, 2) for pair in pairs),
            iowait_percent=found.iowait if found and hasattr(self._psutil.cpu_times(), "iowait") else None,
            steal_percent=found.steal if found and hasattr(self._psutil.cpu_times(), "steal") else None,
            load=load,
            context_switches_per_s=(self._switches - switches) / (now - at) if known else None,
            frequency_mhz=frequency.current if frequency else None,
            cores=len(self._cores) or 1,
            pressure=None,
        )


class PsutilMemoryPoller:
    """`MemoryPoller` through psutil."""

    name = "memory"
    deadline_s = 1.0

    def __init__(self, host: str, interval_s: float) -> None:
        import psutil

        self.interval_s = interval_s
        self._host = host
        self._psutil = psutil
        self._swapped: tuple[int, int] | None = None
        self._at = 0.0
        self._growth = Growth()

    def prime(self, now: float) -> None:
        """Take the first counters."""
        swap = self._psutil.swap_memory()
        self._swapped, self._at = (swap.sin, swap.sout), now

    def poll(self, now: float) -> MemorySample:
        """What is used now."""
        memory, swap = self._psutil.virtual_memory(), self._psutil.swap_memory()
        before, at = self._swapped, self._at
        self._swapped, self._at = (swap.sin, swap.sout), now
        known = before is not None and now > at and swap.sin >= before[0] and swap.sout >= before[1]
        used = memory.total - memory.available
        return MemorySample(
            at=now,
            host=self._host,
            percent=100 * used / memory.total,
            used_bytes=used,
            available_bytes=memory.available,
            total_bytes=memory.total,
            cached_bytes=getattr(memory, "cached", None),
            limit_bytes=None,
            swap_used_bytes=swap.used,
            swap_total_bytes=swap.total,
            swap_in_bytes_per_s=(swap.sin - before[0]) / (now - at) if before and known else None,
            swap_out_bytes_per_s=(swap.sout - before[1]) / (now - at) if before and known else None,
            pressure=None,
            growth_bytes_per_min=self._growth.take(now, used),
        )


class PsutilDiskPoller:
    """`DiskPoller` through psutil, which lists whole disks where the system does."""

    name = "disk"
    deadline_s = 1.0

    def __init__(self, host: str, interval_s: float) -> None:
        import psutil

        self.interval_s = interval_s
        self._host = host
        self._psutil = psutil
        self._before: dict[str, Any] | None = None
        self._at = 0.0

    def _counters(self) -> dict[str, Any]:
        return dict(self._psutil.disk_io_counters(perdisk=True, nowrap=False) or {})

    def prime(self, now: float) -> None:
        """Take the first counters."""
        self._before, self._at = self._counters(), now

    def poll(self, now: float) -> DiskSample:
        """The traffic since the last poll."""
        before, at = self._before, self._at
        after = self._counters()
        self._before, self._at = after, now
        elapsed_s = now - at
        known = before is not None and elapsed_s > 0
        devices: list[DeviceRate] = []
        for name, counters in after.items():
            old = before.get(name) if before is not None and known else None
            if old is None:
                continue
            read, written = counters.read_bytes - old.read_bytes, counters.write_bytes - old.write_bytes
            count = counters.read_count + counters.write_count - old.read_count - old.write_count
            busy_ms = getattr(counters, "busy_time", 0) - getattr(old, "busy_time", 0)
            if min(read, written, count, busy_ms) < 0:
                known = False
                continue
            busy = min(100.0, busy_ms / (10 * elapsed_s))
            devices.append(DeviceRate(name, read / elapsed_s, written / elapsed_s, count / elapsed_s, busy))
        return DiskSample(
            at=now,
            host=self._host,
            read_bytes_per_s=sum(rate.read_bytes_per_s for rate in devices) if known else None,
            write_bytes_per_s=sum(rate.write_bytes_per_s for rate in devices) if known else None,
            operations_per_s=sum(rate.operations_per_s for rate in devices) if known else None,
            devices=tuple(devices),
            pressure=None,
        )


class NoHandlesPoller:
    """In place of `HandlesPoller`: psutil has no figure for the whole system."""

    name = "handles"
    deadline_s = 1.0

    def __init__(self, host: str, interval_s: float) -> None:
        self.interval_s = interval_s

    def prime(self, now: float) -> None:
        """Nothing to take."""

    def poll(self, now: float) -> HandlesSample:
        """Never a sample.

        Raises:
            PollError: always.
        """
        raise PollError("this system does not tell its open file handles")
