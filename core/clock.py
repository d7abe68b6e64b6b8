"""The only module that reads time.

Durations come from a clock that never steps and goes on through suspend; wall time is for
display and for comparison with times found in files. Tests use `tests.fakes.FakeClock`.
"""

import time

_BOOTTIME: int | None = getattr(time, "CLOCK_BOOTTIME", None)


class Clock:
    """Monotonic seconds (`now`), wall-clock seconds since 1970 UTC (`wall`) and CPU seconds."""

    def now(self) -> float:
        """Seconds on CLOCK_BOOTTIME where there is one, else on CLOCK_MONOTONIC."""
        if _BOOTTIME is not None:
            return time.clock_gettime(_BOOTTIME)
        return time.monotonic()

    def wall(self) -> float:
        """Seconds since 1970-01-01 UTC."""
        return time.time()

    def boot(self) -> str:
        """What tells this run of the machine from others, since `now` begins anew with each; "" if unknown."""
        try:
            with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
                return file.read(64).strip()
        except OSError:
            return ""

    def cpu(self) -> float:
        """CPU seconds, user and system, that this process has used."""
        return time.process_time()


SYSTEM_CLOCK = Clock()
