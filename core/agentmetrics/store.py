"""The files below `.metrics/`: reached without leaving the workspace, locked, replaced whole or not at all.

Folders are opened one below the other and nothing is looked up by path again, so a link that is put
in the way later leads nowhere. `.metrics` itself may be a link to somewhere within the workspace. A
file is written under a name of its own, forced to the disk, and then renamed over the old one: whoever
reads, or is killed, has the old content or the new. Whoever writes holds the lock; it is never
removed, since removing a lock file lets two have it.

May hang with the mount that the workspace lies on: for use in a process that can be left behind.
"""

import contextlib
import errno
import fcntl
import json
import os
import stat
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from core.agentmetrics.model import SUFFIX, Data
from core.clock import SYSTEM_CLOCK, Clock
from core.errors import BluetopError

FOLDER = ".metrics"
AGENTS, REPORTS = "agents", "reports"
LOCK = ".bluetop.lock"
LOCK_S = 10.0
LATEST = "latest_performance_report.json"
_WAIT_S = 0.02
_TEMPORARY, _TAIL = ".bluetop-", ".tmp"
_LONGEST_NAME = 255

Signature = tuple[int, int, int, int]


class Refused(BluetopError):
    """A file or folder is not what it should be, and is left as it is. The message says what to do."""


class Changed(Exception):
    """Somebody else wrote the file since it was read; nothing was done."""


class Held(NamedTuple):
    """The content of a metrics file, and what the file looked like; None: there is none."""

    data: bytes | None
    signature: Signature | None

    def document(self) -> Data | None:
        """What it holds.

        Raises:
            Refused: no JSON object that could be written anew without loss.
        """
        return None if self.data is None else parsed(self.data)


class Store:
    """`.metrics/` of one workspace. Close it, or let the process end."""

    def __init__(
        self,
        workspace: str,
        max_bytes: int,
        clock: Clock = SYSTEM_CLOCK,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._root = os.path.realpath(workspace)
        self._max_bytes, self._clock, self._sleep = max_bytes, clock, sleep
        self._folders: dict[str, int] = {}
        self._lock = -1

    def open(self, make: bool) -> bool:
        """Open the folders; with `make`, those that are missing are made, else False says that one is.

        Raises:
            Refused: one leads out of the workspace, or is no folder.
            OSError: one cannot be opened or made.
        """
        for name in ("", AGENTS, REPORTS):
            if name in self._folders:
                continue
            path = os.path.join(FOLDER, name).rstrip("/")
            fd = self._enter(path, make)
            if fd is None:
                if name != REPORTS:
                    return False
            else:
                self._folders[name] = fd
        return True

    def lock(self, deadline_s: float = LOCK_S) -> None:
        """Take the lock, waiting at most so long; and remove what a writer that was killed left behind.

        Raises:
            Refused: another bluetop has it all that time, or it is no file.
            OSError: it cannot be had here at all.
        """
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        try:
            fd = os.open(LOCK, flags, 0o666, dir_fd=self._folders[""])
        except OSError as error:
            if error.errno not in (errno.ELOOP, errno.EISDIR, errno.ENXIO):
                raise
            raise Refused(f"{FOLDER}/{LOCK} is no file; remove it") from error
        try:
            if not stat.S_ISREG(os.fstat(fd).st_mode):
                raise Refused(f"{FOLDER}/{LOCK} is no file; remove it")
            due = self._clock.now() + deadline_s
            while True:
                try:
                    fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except OSError as error:
                    if error.errno not in (errno.EAGAIN, errno.EACCES, errno.EINTR):
                        raise OSError(error.errno, error.strerror, f"{FOLDER}/{LOCK}") from error
                    if self._clock.now() >= due:
                        raise Refused(
                            f"another bluetop has been writing {FOLDER} for {deadline_s:g} s; try again when it is done"
                        ) from error
                self._sleep(_WAIT_S)
        except BaseException:
            os.close(fd)
            raise
        self._lock = fd
        for name in (AGENTS, REPORTS):
            self._tidy(name)

    def names(self) -> list[str]:
        """The names of the metrics files, in order, without the part that is the same in all."""
        found = os.listdir(self._folders[AGENTS]) if AGENTS in self._folders else []
        return sorted(
            name.removesuffix(SUFFIX)
            for name in found
            if name.endswith(SUFFIX) and len(name) > len(SUFFIX) and not name.startswith(_TEMPORARY)
        )

    def read(self, folder: str) -> Held:
        """The metrics file of the agent whose folder is so named.

        Raises:
            Refused: it is not to be read, and so must not be replaced.
            OSError: the file system refused.
        """
        if AGENTS not in self._folders:
            return Held(None, None)
        name = folder + SUFFIX
        if len(os.fsencode(name)) > _LONGEST_NAME:
            raise Refused("the agent's name is too long for a metrics file; its tasks are not kept")
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
        try:
            fd = os.open(name, flags, dir_fd=self._folders[AGENTS])
        except FileNotFoundError:
            return Held(None, None)
        except OSError as error:
            if error.errno == errno.ELOOP:
                raise Refused("it is a symbolic link; put a file in its place") from error
            if error.errno == errno.ENXIO:
                raise Refused("it is a FIFO or a socket; remove it") from error
            raise
        try:
            status = os.fstat(fd)
            if not stat.S_ISREG(status.st_mode):
                raise Refused("it is no regular file; move it away")
            if status.st_size > self._max_bytes:
                limit = f"the limit of {self._max_bytes} (queues.max_bytes)"
                raise Refused(f"it has {status.st_size} bytes, over {limit}")
            with open(fd, "rb", buffering=0, closefd=False) as file:
                return Held(file.readall() or b"", _signature(status))
        finally:
            os.close(fd)

    def replace(self, folder: str, held: Held, document: Data) -> None:
        """Put `document` in the place of the metrics file that `held` was read from. The lock must be held.

        Raises:
            Changed: it is not as it was read.
            OSError: the file system refused; the old file is as it was.
        """
        name = folder + SUFFIX
        at = self._folders[AGENTS]
        try:
            now: Signature | None = _signature(os.stat(name, dir_fd=at, follow_symlinks=False))
        except FileNotFoundError:
            now = None
        if now != held.signature:
            raise Changed
        newline = held.data is not None and held.data.endswith(b"\n")
        put(at, name, text_of(document) + (b"\n" if newline else b""))

    def save_report(self, stamp: str, document: Data) -> str:
        """Keep a report, under its own name and as the latest; its path below the workspace.

        Raises:
            OSError: the file system refused.
        """
        at = self._folders[REPORTS]
        data = text_of(document)
        name, number = f"performance_report_{stamp}.json", 2
        while _there(name, at):
            name, number = f"performance_report_{stamp}_{number}.json", number + 1
        put(at, name, data)
        put(at, LATEST, data)
        return f"{FOLDER}/{REPORTS}/{name}"

    def sync(self) -> None:
        """See to it that the renames outlive a power cut."""
        for fd in self._folders.values():
            with contextlib.suppress(OSError):  # some file systems cannot do this to a folder
                os.fsync(fd)

    def close(self) -> None:
        """Give the lock and the folders back."""
        for fd in (self._lock, *self._folders.values()):
            if fd >= 0:
                os.close(fd)
        self._lock = -1
        self._folders.clear()

    # -- folders --------------------------------------------------------------------------------

    def _enter(self, path: str, make: bool) -> int | None:
        """A descriptor of the folder at `path` below the workspace, followed through links that stay within."""
        target = os.path.realpath(os.path.join(self._root, path))
        inside = self._root.rstrip("/") + "/"
        if not target.startswith(inside):
            raise Refused(
                f"{path} is a link that leads out of the workspace, to {target}; nothing is read or written there"
            )
        fd = os.open(self._root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        for part in target[len(inside) :].split("/"):
            try:
                below = self._below(fd, part, make)
            except OSError as error:
                if error.errno in (errno.ENOTDIR, errno.ELOOP):
                    raise Refused(f"{path} is no folder; move it away") from error
                raise OSError(error.errno, error.strerror, path) from error
            finally:
                os.close(fd)
            if below is None:
                return None
            fd = below
        return fd

    def _below(self, fd: int, part: str, make: bool) -> int | None:
        flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            return os.open(part, flags, dir_fd=fd)
        except FileNotFoundError:
            if not make:
                return None
        with contextlib.suppress(FileExistsError):
            os.mkdir(part, 0o777, dir_fd=fd)
        return os.open(part, flags, dir_fd=fd)

    def _tidy(self, folder: str) -> None:
        fd = self._folders.get(folder)
        for name in os.listdir(fd) if fd is not None else ():
            if name.startswith(_TEMPORARY) and name.endswith(_TAIL):
                with contextlib.suppress(OSError):
                    os.unlink(name, dir_fd=fd)


def parsed(data: bytes) -> Data:
    """The JSON object in `data`. NaN and infinity, which are no JSON, become null.

    Raises:
        Refused: there is none, or it has a key twice: written anew, it would lose something.
    """
    try:
        document = json.loads(data, object_pairs_hook=_members, parse_constant=lambda name: None)
    except (ValueError, RecursionError) as error:
        reason = (
            f"{error.msg} in line {error.lineno}" if isinstance(error, json.JSONDecodeError) else str(error)
        )
        raise Refused(
            f"it cannot be read as JSON ({reason or type(error).__name__}); mend it, or move it away to begin anew"
        ) from error
    if not isinstance(document, dict):
        raise Refused("it holds no JSON object; move it away to begin anew")
    return document


def _members(pairs: list[tuple[str, Any]]) -> Data:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key occurs twice in one object")
    return found


def text_of(document: Data) -> bytes:
    """A document as metrics files have always been written: an indent of two, raw UTF-8, no last newline."""
    import msgspec

    try:
        text = json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    except ValueError:  # a number beyond what a float holds became infinite when it was read
        text = json.dumps(_finite(document), ensure_ascii=False, separators=(",", ":"))
    try:
        return msgspec.json.format(text.encode(), indent=2)
    except UnicodeEncodeError:  # half a character: escaped, as it came
        text = json.dumps(_finite(document), ensure_ascii=False, indent=2)
        return text.encode("utf-8", "backslashreplace")


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if value - value == 0 else None
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    return [_finite(item) for item in value] if isinstance(value, list) else value


# -- one file ---------------------------------------------------------------------------------------


def put(folder: int, name: str, data: bytes) -> None:
    """Replace the file `name` in an open folder by `data`, at once or not at all. Keeps its mode and owner.

    Raises:
        OSError: the file system refused; the old file is as it was, and nothing is left behind.
    """
    temporary = f"{_TEMPORARY}{os.getpid()}-{os.urandom(6).hex()}{_TAIL}"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        fd = os.open(temporary, flags, 0o666, dir_fd=folder)
        try:
            try:
                _like_the_old(fd, name, folder)
                view = memoryview(data)
                while view:
                    view = view[os.write(fd, view) :]
                os.fsync(fd)
            finally:
                os.close(fd)
            os.replace(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(temporary, dir_fd=folder)
            raise
    except OSError as error:
        raise OSError(error.errno, error.strerror, name) from error


def _like_the_old(fd: int, name: str, folder: int) -> None:
    try:
        old = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return
    if stat.S_ISREG(old.st_mode):
        with contextlib.suppress(PermissionError):
            os.fchown(fd, old.st_uid, old.st_gid)
        os.fchmod(fd, stat.S_IMODE(old.st_mode))


def write_file(path: str, data: bytes) -> None:
    """Replace the file at `path`, wherever it is, at once or not at all. A link is followed.

    What is no regular file, a terminal or a FIFO, is written to and not replaced.

    Raises:
        OSError: the file system refused.
    """
    target = os.path.realpath(path)
    try:
        regular = stat.S_ISREG(os.stat(target).st_mode)
    except FileNotFoundError:
        regular = True
    if not regular:
        with open(target, "wb", buffering=0) as file:
            view = memoryview(data)
            while view:
                view = view[file.write(view) or 0 :]
        return
    folder = os.open(os.path.dirname(target), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        put(folder, os.path.basename(target), data)
        with contextlib.suppress(OSError):
            os.fsync(folder)
    finally:
        os.close(folder)


def _there(name: str, folder: int) -> bool:
    try:
        os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def _signature(status: os.stat_result) -> Signature:
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns
