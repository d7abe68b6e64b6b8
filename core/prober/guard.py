"""What to leave alone after a hang, and for how long.

When the prober stands still, the unit it is at is to blame. It is barred, and with it, at
first, the whole mount it lies on: the next file there would cost another deadline. A canary
then tries the mount point, after 1 s, 2 s, 4 s, … 60 s; when it answers, only the culprit stays
barred, until a canary of its own comes back. Should a second path of that mount hang
meanwhile, the mount point is no witness any more, and the mount stays barred until the path
that hung answers. The root file system and /proc are never barred as a whole.

A prober that dies twice at the same unit (out of memory, a crash) bars it for a while too.
"""

from collections.abc import Callable
from typing import NamedTuple

from core.clock import Clock
from core.prober.canary import Canary
from core.prober.client import Prober, Stuck
from core.prober.mounts import Mount, all_mounts, mount_of

_LONGEST_WAIT_S = 60.0
_CRASH_WAIT_S = 30.0
_LONGEST_CRASH_WAIT_S = 900.0
_CANARIES = 4
# Hung again so soon after its canary came back, a path is taken up where its patience had got to.
_RECENT_S = 300.0


class Hung(NamedTuple):
    """One thing that is left alone. `since` is on the engine's clock; `tries` are canaries that did not return."""

    path: str
    since: float
    tries: int
    reason: str


class _Ban:
    """One barred path. `probe` is what its canary touches, "" if only time lifts it."""

    __slots__ = ("canary", "due", "path", "probe", "reason", "since", "tries")

    def __init__(self, path: str, probe: str, since: float, due: float, reason: str) -> None:
        self.path = path
        self.probe = probe
        self.since = since
        self.due = due
        self.reason = reason
        self.tries = 0
        self.canary: Canary | None = None


class Bans:
    """The rules, without processes or time of their own."""

    def __init__(self, mounts: Callable[[], list[Mount]]) -> None:
        self._mounts = mounts
        self._bans: dict[str, _Ban] = {}
        self._crashes: dict[str, int] = {}
        self._lifted: dict[str, tuple[float, int]] = {}  # path → when, after how many tries

    def hung(self, path: str, now: float, since: float | None = None) -> None:
        """`path` has not answered (since then): bar it, and its mount."""
        began = now if since is None else since
        mount = mount_of(path, self._mounts())
        root = mount.path if mount is not None else "/"
        known = [ban.path for ban in self._bans.values() if ban.probe and _below(ban.path, root)]
        self._bar(path, path, now, began, "does not answer")
        if root in ("/", "/proc", path) or (mount is not None and mount.kind == "proc"):
            return
        witness = path if known and known != [path] else root
        self._bar(root, witness, now, began, f"{path} does not answer")

    def crashed(self, path: str, now: float) -> None:
        """A prober ended at `path` by itself; the second time it is barred for a while."""
        count = self._crashes[path] = self._crashes.get(path, 0) + 1
        if count >= 2:
            wait = min(_LONGEST_CRASH_WAIT_S, _CRASH_WAIT_S * 2.0 ** (count - 2))
            self._bans[path] = _Ban(path, "", now, now + wait, f"ended the helper {count} times")

    def _bar(self, path: str, probe: str, now: float, since: float, reason: str) -> None:
        old = self._bans.get(path)
        ban = self._bans[path] = _Ban(path, probe, since, now + 1.0, reason)
        if old is not None:
            ban.since, ban.tries, ban.canary = old.since, old.tries, old.canary
            return
        lifted_at, tries = self._lifted.pop(path, (now - _RECENT_S, 0))
        if now - lifted_at < _RECENT_S:
            ban.tries = tries + 1
            ban.due = now + _pause(ban.tries)

    def due(self, now: float) -> list[_Ban]:
        """Bans whose canary should be sent; those that only time lifts are lifted."""
        ready = [ban for ban in self._bans.values() if ban.canary is None and ban.due <= now]
        for ban in ready:
            if not ban.probe:
                del self._bans[ban.path]
        return [ban for ban in ready if ban.probe]

    def settle(self, ban: _Ban, answered: bool, now: float) -> None:
        """A canary came back (the bar is lifted) or was killed (later once more, after twice the time)."""
        ban.canary = None
        if answered:
            self._bans.pop(ban.path, None)
            self._lifted[ban.path] = (now, ban.tries)
        else:
            ban.tries += 1
            ban.due = now + _pause(ban.tries)

    def all(self) -> list[_Ban]:
        """Every ban, oldest first."""
        return list(self._bans.values())


def _pause(tries: int) -> float:
    return min(_LONGEST_WAIT_S, 2.0 ** min(tries, 10))


def _below(path: str, root: str) -> bool:
    return path == root or path.startswith(root.rstrip("/") + "/")


class Guard:
    """Watches one prober. `check` is called each tick; it costs one read of the shared page."""

    def __init__(
        self,
        prober: Prober,
        clock: Clock,
        deadline_s: float = 5.0,
        mounts: Callable[[], list[Mount]] = all_mounts,
    ) -> None:
        self._prober = prober
        self._clock = clock
        self._deadline_s = deadline_s
        self._bans = Bans(mounts)
        self.misses = 0
        self.skip: tuple[str, ...] = ()

    def check(self, now: float) -> Stuck | None:
        """Abandon the prober if it is stuck (and say so), and see to the canaries."""
        stuck = self._prober.stuck(now)
        if stuck is not None:
            self.misses += 1
            path = _path(stuck.unit)
            where = f" at {path}" if path else ""
            self._prober.abandon(f"no answer for {stuck.for_s:.0f} s{where}; a new helper is started")
            if path:
                self._bans.hung(path, now, now - stuck.for_s)
        while self._prober.deaths:
            path = _path(self._prober.deaths.popleft().unit)
            self.misses += 1
            if path:
                self._bans.crashed(path, now)
        bans = self._bans.all()
        if bans:
            self._tend(bans, now)
        if bans or self.skip:
            self.skip = tuple(ban.path for ban in self._bans.all())
        return stuck

    def _tend(self, bans: list[_Ban], now: float) -> None:
        out = 0
        for ban in bans:
            if ban.canary is None:
                continue
            answered = ban.canary.answered(now)
            if answered is None:
                out += 1
            else:
                self._bans.settle(ban, answered, now)
        for ban in self._bans.due(now)[: max(0, _CANARIES - out)]:
            try:
                ban.canary = Canary(ban.probe, self._clock, self._deadline_s)
            except OSError:  # no room for a process just now
                self._bans.settle(ban, False, now)

    @property
    def hung(self) -> tuple[Hung, ...]:
        """What is left alone now, oldest first."""
        return tuple(Hung(ban.path, ban.since, ban.tries, ban.reason) for ban in self._bans.all())

    def close(self) -> None:
        """End the canaries. Never waits."""
        for ban in self._bans.all():
            if ban.canary is not None:
                ban.canary.end()


def _path(unit: str) -> str:
    """The absolute path in the unit "operation:/path", "" if it names none."""
    path = unit.partition(":")[2]
    return path if path.startswith("/") else ""
