"""File handles of the whole system, from /proc/sys/fs/file-nr."""

from core.errors import PollError
from core.pollers.procfs import ProcFile
from core.samples import HandlesSample

# systemd sets the limit to the largest number there is: that is none.
_NO_LIMIT = 1 << 60


def parse_file_nr(text: bytes | None) -> tuple[int, int | None] | None:
    """(handles in use, the most there may be or None); before Linux 2.6 the second number was free ones."""
    words = (text or b"").split()
    if len(words) != 3 or not all(word.isdigit() for word in words):
        return None
    allocated, free, most = (int(word) for word in words)
    return max(0, allocated - free), most if 0 < most < _NO_LIMIT else None


class HandlesPoller:
    """The file handles of this host."""

    name = "handles"
    deadline_s = 1.0

    def __init__(self, host: str, interval_s: float, root: str = "/") -> None:
        self.interval_s = interval_s
        self._host = host
        self._file = ProcFile(root, "proc/sys/fs/file-nr")

    def prime(self, now: float) -> None:
        """Counts need no earlier reading."""

    def poll(self, now: float) -> HandlesSample:
        """How many are in use now.

        Raises:
            PollError: the file cannot be read.
        """
        found = parse_file_nr(self._file.read())
        if found is None:
            raise PollError("/proc/sys/fs/file-nr cannot be read; file handle figures are not available")
        return HandlesSample(now, self._host, *found)
