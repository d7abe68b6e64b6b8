"""Replacing a queue file: whole or not at all, and only if it still is what was read.

The new file is written beside the old one, then the two change names in one step (Linux, most file systems). What
was swapped out is compared with what had been read: if somebody wrote in between, the names are changed back
and nothing is lost. Elsewhere the file is compared just before it is replaced. Not for what is written:
that is `core.balance.rewrite`.
"""

import contextlib
import errno
import os
import stat
import threading
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from core.balance.doing import BUSY, UNREADABLE, UNWRITABLE, Refused
from core.balance.strict import NotStandard, Queue, read_regular
from core.record.files import write_all

BEGINNING, ENDING = ".outbox.json.bluetop-", ".tmp"
_AT_FDCWD, _EXCHANGE = -100, 2
_UNABLE = (errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP, errno.EPERM)
# Some file systems know no fsync of a folder; nothing more can be done for it there.
_UNSYNCABLE = (errno.EINVAL, errno.EOPNOTSUPP)
_TURNS = 20


class Committed(NamedTuple):
    """What came of putting a file in another's place: the one swapped out, or None if that was not done.

    `touched`: for a moment ours stood there, and somebody may have read it.
    """

    replaced: "Replaced | None"
    touched: bool


class Replaced:
    """A file that was swapped out. It stays open, to see whether somebody who has it open still writes into it."""

    def __init__(self, fd: int, data: bytes) -> None:
        self.fd = fd
        self.data = data

    def later(self) -> bytes | None:
        """What stands in it now; None if that is what stood in it when it was swapped out."""
        found = whole(self.fd)
        return None if found == self.data else found

    def close(self) -> None:
        """Look no more."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1


def temporary(queue: Queue, data: bytes, plan_id: str) -> str:
    """Write `data` beside the queue's file, with its mode and owner; the path of what was written.

    It is not on the disk before `sync`.

    Raises:
        Refused: `unwritable`, the file would get another owner.
        OSError: it could not be written; nothing is left of it.
    """
    folder = os.path.dirname(queue.path)
    path = os.path.join(folder, f"{BEGINNING}{plan_id[:16]}-{os.urandom(4).hex()}{ENDING}")
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        try:
            write_all(fd, data)
            _keep_owner(fd, queue.status)
            os.fchmod(fd, stat.S_IMODE(queue.status.st_mode))
            _keep_attributes(queue.path, fd)
        finally:
            os.close(fd)
    except BaseException:
        remove(path)
        raise
    return path


def remove(path: str) -> None:
    """Delete one of our temporary files, if it can be."""
    with contextlib.suppress(OSError):
        os.unlink(path)


def is_ours(name: str, plan_ids: frozenset[str]) -> bool:
    """Whether a file of this name is a temporary one of one of these plans."""
    if not (name.startswith(BEGINNING) and name.endswith(ENDING)):
        return False
    mark = name[len(BEGINNING) : -len(ENDING)].split("-")[0]
    return any(plan_id[:16] == mark for plan_id in plan_ids)


def commit(
    made: str,
    queue: Queue,
    data: bytes,
    link: str,
    may_go_on: Callable[[], bool],
    lost: Callable[[bytes], None],
) -> Committed:
    """Put the temporary file `made`, which holds `data`, in the place of the queue's file.

    `link` is the path by which the agent knows it. It is not done if the file is not what was read, or if
    `may_go_on` says no: then that file holds what others wrote. Where two others wrote within that moment, `lost`
    gets what the later one wrote over. The temporary file is gone in any case. The new name is not on the disk
    before the folder is synced.

    Raises:
        Refused: `busy`, others write faster than can be compared.
        OSError: the file system refused; nothing has changed.
    """
    try:
        fd = _still(queue, link)
        if fd is None:
            return Committed(None, False)
        try:
            if not may_go_on():
                return Committed(None, False)
            if not _swapped(made, queue, data, fd, lost):
                return Committed(None, True)
            kept, fd = Replaced(fd, queue.data), -1
        finally:
            if fd >= 0:
                os.close(fd)
    finally:
        remove(made)
    return Committed(kept, True)


def _still(queue: Queue, link: str) -> int | None:
    """A descriptor of the queue's file, if it still is what was read."""
    if os.path.realpath(link) != os.path.realpath(queue.path):
        return None
    try:
        fd = os.open(queue.path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NOCTTY)
    except OSError:
        return None
    if stat.S_ISREG(os.fstat(fd).st_mode) and whole(fd) == queue.data:
        return fd
    os.close(fd)
    return None


def _swapped(made: str, queue: Queue, data: bytes, fd: int, lost: Callable[[bytes], None]) -> bool:
    if not exchange(made, queue.path):
        os.replace(made, queue.path)
        return True
    if _is(made, fd) and whole(fd) == queue.data:
        return True
    # Somebody wrote in between: what they wrote goes back. If then even that is not what we had put there, a newer
    # one came while ours stood there, and that one is put back.
    for _ in range(_TURNS):
        back = _bytes_at(made)
        try:
            exchange(made, queue.path)
        except OSError:
            os.replace(made, queue.path)
            return False
        if _bytes_at(made) == data:
            return False
        if back is not None:
            lost(back)
            data = back
    raise Refused(BUSY, "is replaced by others without a pause")


def exchange(one: str, other: str) -> bool:
    """Let two files change names in one step; False where that cannot be done at all.

    Raises:
        OSError: it can, but was refused.
    """
    call = _renameat2()
    if call is None:
        return False
    import ctypes  # a megabyte, for those only who change files

    if call(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _EXCHANGE) == 0:
        return True
    number = ctypes.get_errno()
    if number in _UNABLE:
        return False
    raise OSError(number, os.strerror(number), other)


@lru_cache(maxsize=1)
def _renameat2() -> Any:
    """The call of the C library; None where there is none."""
    import ctypes

    try:
        call = ctypes.CDLL(None, use_errno=True).renameat2
    except (OSError, AttributeError):
        return None
    call.argtypes = (ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_uint)
    call.restype = ctypes.c_int
    return call


def whole(fd: int) -> bytes:
    """Everything in an open file, from its begin."""
    pieces: list[bytes] = []
    at = 0
    while piece := os.pread(fd, 1 << 20, at):
        pieces.append(piece)
        at += len(piece)
    return b"".join(pieces)


def sync(*paths: str, also: Sequence[int] = ()) -> None:
    """Have files and folders, and open files too, written down to the disk.

    All at once: a file system that writes a log is through with several as soon as with one (measured: 2 ms for
    three, where one after the other took 15).

    Raises:
        OSError: one of them could not be.
    """
    fds: list[int] = []
    try:
        for path in paths:
            fds.append(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY))
        failed: list[OSError] = []
        threads = []
        for fd in (*fds, *also)[1:]:
            thread = threading.Thread(target=_sync, args=(fd, failed))
            try:
                thread.start()
            except RuntimeError:  # no more threads are to be had
                _sync(fd, failed)
            else:
                threads.append(thread)
        _sync((*fds, *also)[0], failed)
        for thread in threads:
            thread.join()
        if failed:
            raise failed[0]
    finally:
        for fd in fds:
            os.close(fd)


def _sync(fd: int, failed: list[OSError]) -> None:
    try:
        os.fsync(fd)
    except OSError as error:
        if error.errno not in _UNSYNCABLE:
            failed.append(error)


def sync_folder(folder: str) -> None:
    """Have the names in a folder written down to the disk.

    Raises:
        OSError: that could not be.
    """
    sync(folder)


def _bytes_at(path: str) -> bytes | None:
    try:
        return read_regular(path)[0]
    except (OSError, NotStandard):
        return None


def _is(path: str, fd: int) -> bool:
    there, ours = os.stat(path, follow_symlinks=False), os.fstat(fd)
    return (there.st_dev, there.st_ino) == (ours.st_dev, ours.st_ino)


def _keep_owner(fd: int, status: os.stat_result) -> None:
    made = os.fstat(fd)
    if (made.st_uid, made.st_gid) == (status.st_uid, status.st_gid):
        return
    try:
        os.fchown(fd, status.st_uid, status.st_gid)
    except PermissionError as error:
        raise Refused(
            UNWRITABLE,
            f"belongs to user {status.st_uid}, group {status.st_gid}; replacing it would change that",
        ) from error


def _keep_attributes(path: str, fd: int) -> None:
    """Access lists and other extended attributes, as far as they can be set."""
    if not hasattr(os, "listxattr"):
        return
    with contextlib.suppress(OSError):
        for name in os.listxattr(path):
            with contextlib.suppress(OSError):
                os.setxattr(fd, name, os.getxattr(path, name))


def refuse_same(one: Queue, other: Queue) -> None:
    """Two agents whose queue is one file: a move from the one to the other would lose the task.

    Raises:
        Refused: they are.
    """
    if (one.status.st_dev, one.status.st_ino) == (other.status.st_dev, other.status.st_ino):
        raise Refused(UNREADABLE, f"{one.agent} and {other.agent} have one and the same file")
