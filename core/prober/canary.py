"""One throw-away process that touches a path which hung, to learn whether it answers again.

Not the prober: each try would hold up everything else for a deadline. Any answer counts, an
error too: what is wanted is that the kernel comes back.
"""

from core.clock import Clock
from core.prober import spawn

_CODE = """
import os, signal, stat, sys
path, patience = sys.argv[1], int(sys.argv[2])
signal.alarm(patience)
try:
    mode = os.stat(path).st_mode
    if path.startswith("/proc/"):
        names = [path + "/stat", path + "/cmdline"]
        os.stat(path + "/fd"), os.readlink(path + "/cwd")
    else:
        os.statvfs(path)
        names = [path] if stat.S_ISREG(mode) else []
        if stat.S_ISDIR(mode):
            with os.scandir(path) as entries:
                next(entries, None)
    for name in names:
        fd = os.open(name, os.O_RDONLY | os.O_NONBLOCK)
        os.read(fd, 65536)
except OSError:
    pass
"""


class Canary:
    """One try. `answered` is None while it runs. It dies by itself a while after its deadline."""

    def __init__(self, path: str, clock: Clock, deadline_s: float) -> None:
        self._until = clock.now() + deadline_s
        self._killed = False
        self._pid = spawn.spawn_python(_CODE, (path, str(int(deadline_s) + 5)))

    def answered(self, now: float) -> bool | None:
        """Whether the path answered; None while that is open.

        One that was killed stays open until the kernel lets it go: so they never pile up.
        """
        status = spawn.exited(self._pid)
        if status is not None:
            return status == 0 and not self._killed
        if now >= self._until and not self._killed:
            spawn.kill(self._pid)
            self._killed = True
        return None

    def end(self) -> None:
        """Kill it without waiting."""
        spawn.kill(self._pid)
        spawn.exited(self._pid)
