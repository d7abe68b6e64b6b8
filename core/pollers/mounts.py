"""Free space of every real mount, asked for by the prober."""

from typing import Any

from core.pollers.asking import AskingPoller
from core.pollers.setup import Setup
from core.samples import MountSpace, MountsSample


class MountsPoller(AskingPoller[MountsSample]):
    """The mounts of this host. One that hangs is listed with its problem; the others are not held up."""

    name = "mounts"
    operation = "mounts"

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup, setup.scan_interval_s)
        self._mounts: list[MountSpace] = []

    def arguments(self) -> dict[str, Any]:
        paths = [self.setup.workspace] if self.setup.workspace else []
        return {"skip": self.setup.guard.skip, "paths": paths, "root": self.setup.root}

    def begun(self) -> None:
        self._mounts = []

    def part(self, part: Any) -> None:
        self._mounts.append(MountSpace(*part))

    def sample(self, now: float) -> MountsSample:
        """The mounts in the order of their paths."""
        mounts = tuple(self._explained(mount, now) for mount in self._mounts)
        return MountsSample(now, self.setup.host, mounts)

    def _explained(self, mount: MountSpace, now: float) -> MountSpace:
        if mount.problem != "skipped":
            return mount
        for hung in self.setup.guard.hung:
            if mount.path == hung.path or mount.path.startswith(hung.path.rstrip("/") + "/"):
                return mount._replace(problem=f"no answer for {now - hung.since:.0f} s")
        return mount._replace(problem="no answer")
