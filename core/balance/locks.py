"""Locks on queue files, and the one that carrying out plans takes: `flock` on a file beside, with an end to waiting.

A lock file is never emptied and never removed by us. Other tools do remove theirs, so a lock counts only while its
file still is the one at its path; that is asked once more just before every change. Not for what
is done under the lock: that is `core.balance.moving`.
"""

import contextlib
import errno
import fcntl
import os
import stat
from collections.abc import Callable, Iterator, Sequence

from core.balance.doing import LOCKED, UNREADABLE, Refused
from core.clock import Clock
from core.record.files import is_the_same

PATIENCE_S = 10.0
SETTLE_S = 0.003
_PAUSE_S = 0.02


class Held:
    """Locks that are ours, in the order of their paths; released at the end of `with`."""

    def __init__(self, locks: Sequence[tuple[str, int]]) -> None:
        self._locks = tuple(locks)

    def is_ours(self) -> bool:
        """Whether every lock file still is the one that we hold."""
        return all(is_the_same(path, fd) for path, fd in self._locks)

    def release(self) -> None:
        """Let go of them; the files stay."""
        locks, self._locks = self._locks, ()
        for _, fd in locks:
            os.close(fd)


@contextlib.contextmanager
def held(
    paths: Sequence[str], clock: Clock, wait: Callable[[float], None], *,
    patience_s: float = PATIENCE_S, should_stop: Callable[[], bool] = lambda: False,
) -> Iterator[Held]:  # fmt: skip
    """Hold an exclusive lock on each of `paths`, taken in this order.

    Raises:
        Refused: `locked`, somebody else holds one all the time; `unreadable`, two of them are one file.
    """
    locks = _taken(paths, clock, wait, patience_s, should_stop)
    try:
        yield locks
    finally:
        locks.release()


def _taken(
    paths: Sequence[str], clock: Clock, wait: Callable[[float], None], patience_s: float,
    should_stop: Callable[[], bool],
) -> Held:  # fmt: skip
    deadline, waited = clock.now() + patience_s, 0.0
    while True:
        locks: list[tuple[str, int]] = []
        try:
            for path in paths:
                fd = _opened(path)
                locks.append((path, fd))
                _refuse_alias(locks)
                while not _is_locked_by_us(fd, path):
                    if clock.now() >= deadline or waited >= patience_s or should_stop():
                        raise Refused(LOCKED, f"{_shown(path)} is held by somebody else")
                    wait(_PAUSE_S)
                    waited += _PAUSE_S
            taken = Held(locks)
            # Who removes the file on letting go does so after us: its path must still lead to what we hold.
            wait(SETTLE_S)
            waited += SETTLE_S
            if taken.is_ours():
                locks = []
                return taken
            if clock.now() >= deadline or waited >= patience_s:
                raise Refused(LOCKED, f"{_shown(paths[0])} is removed again and again")
        finally:
            for _, fd in locks:
                os.close(fd)


def _opened(path: str) -> int:
    flags = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
    try:
        try:
            fd = os.open(path, os.O_RDWR | flags)
        except FileNotFoundError:
            fd = _made(path, flags)
        except PermissionError:
            # Made by another user, it can be locked all the same.
            fd = os.open(path, os.O_RDONLY | flags)
    except OSError as error:
        what = "is a symbolic link" if error.errno == errno.ELOOP else error.strerror or "cannot be opened"
        raise Refused(LOCKED, f"{_shown(path)} cannot be locked: {what}") from error
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise Refused(LOCKED, f"{_shown(path)} is no regular file")
    return fd


def _made(path: str, flags: int) -> int:
    """Make a lock file. Who may write in its folder may lock it: others than root work there, too."""
    fd = os.open(path, os.O_RDWR | os.O_CREAT | flags, 0o644)
    with contextlib.suppress(OSError):
        folder, made = os.stat(os.path.dirname(path)), os.fstat(fd)
        if made.st_uid != folder.st_uid and os.geteuid() == 0:
            os.fchown(fd, folder.st_uid, folder.st_gid)
        os.fchmod(fd, 0o644 | folder.st_mode & 0o022)
    return fd


def _is_locked_by_us(fd: int, path: str) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        raise Refused(LOCKED, f"{_shown(path)} cannot be locked: {error.strerror}") from error
    return True


def _refuse_alias(locks: Sequence[tuple[str, int]]) -> None:
    """Two folders that are one: a move from the one to the other would lose the task."""
    marks = {(status.st_dev, status.st_ino) for status in (os.fstat(fd) for _, fd in locks)}
    if len(marks) < len(locks):
        raise Refused(UNREADABLE, "both agents' folders are one and the same")


def _shown(path: str) -> str:
    return "/".join(path.split("/")[-2:])
