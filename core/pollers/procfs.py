"""Files of /proc and /sys that are read again and again: kept open, read with `os.pread`.

Opening costs more than reading. A file that cannot be read is `None`, always: the kernel has
no such thing, or does not show it to this user; the figure is then unknown, not zero.
"""

import os

_SIZE = 16 * 1024


class ProcFile:
    """One file under `root`, opened when first read."""

    __slots__ = ("_fd", "_path")

    def __init__(self, root: str, name: str) -> None:
        self._path = os.path.join(root, name)
        self._fd = -1

    def read(self) -> bytes | None:
        """What it holds now, whole; None if it cannot be read."""
        if self._fd >= 0:
            try:
                return self._whole()
            except OSError:  # the process or the cgroup behind it is gone: perhaps there is a new one
                self.close()
        try:
            self._fd = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
            return self._whole()
        except OSError:
            self.close()
            return None

    def _whole(self) -> bytes:
        data = os.pread(self._fd, _SIZE, 0)
        if len(data) < 4096:
            return data
        # The kernel hands out a long file in pages: it ends where nothing more comes.
        pieces, at = [data], len(data)
        while data := os.pread(self._fd, 8 * _SIZE, at):
            pieces.append(data)
            at += len(data)
        return b"".join(pieces)

    def close(self) -> None:
        """Let go of the descriptor; `read` opens the file again."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def __del__(self) -> None:
        self.close()


def read_once(root: str, name: str) -> bytes | None:
    """A file that is read rarely: opened, read and closed; None if it cannot be read."""
    try:
        fd = os.open(os.path.join(root, name), os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        pieces = []
        while data := os.read(fd, _SIZE):
            pieces.append(data)
        return b"".join(pieces)
    except OSError:
        return None
    finally:
        os.close(fd)


def whole_number(text: bytes | None) -> int | None:
    """The file's one number; None if it holds none ("max", nothing)."""
    if text is None:
        return None
    try:
        return int(text)
    except ValueError:
        return None
