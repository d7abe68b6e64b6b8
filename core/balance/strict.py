"""Queue files that may be rewritten: strictly parsed, standard, regular.

Whatever is not an object with a list `tasks`, in UTF-8, without duplicate keys or NaN, is refused with the
reason: writing it anew could destroy what another reading sees in it. Not for showing what is in a
file that is refused: that is `core.queues`.
"""

import hashlib
import json
import os
import stat
from typing import Any, NamedTuple

from core.errors import BluetopError

QUEUE_FILE = "outbox.json"
MOST_BYTES = 512 * 1024 * 1024


class NotStandard(BluetopError):
    """The file takes no part in rebalancing; the sentence says why, with line and column where it can."""


class Queue(NamedTuple):
    """One queue file as it was read: its bytes, what is in them, and its identity.

    `path` is the file itself, where `outbox.json` is a link the one it leads to.
    """

    agent: str
    path: str
    data: bytes
    document: dict[str, Any]
    status: os.stat_result

    @property
    def sha256(self) -> str:
        """Hex digest of its bytes."""
        return hashlib.sha256(self.data).hexdigest()


def read_queue(postbox: str, agent: str) -> Queue:
    """The queue of `agent`, whose folder lies in `postbox`. May hang with the mount it lies on.

    Raises:
        NotStandard: it is no file that may be rewritten.
        FileNotFoundError: there is none.
    """
    path = queue_path(postbox, agent)
    try:
        data, status = read_regular(path)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise NotStandard(f"cannot be read: {error.strerror or error}") from error
    return Queue(agent, path, data, parse(data), status)


def queue_path(postbox: str, agent: str) -> str:
    """Where the queue file of `agent` lies: where `outbox.json` is a link, the path to which it leads.

    Raises:
        NotStandard: a link leads it out of the workspace.
    """
    path = os.path.join(postbox, agent, QUEUE_FILE)
    if not (os.path.islink(path) or os.path.islink(os.path.dirname(path))):
        return path
    real = os.path.realpath(path)
    # The postbox itself may be a link: then what lies beside it is inside, too.
    roots = {os.path.realpath(os.path.dirname(postbox)), os.path.dirname(os.path.realpath(postbox))}
    if not any(real.startswith(root.rstrip("/") + "/") for root in roots):
        raise NotStandard("lies outside of the workspace, to which a link leads")
    return real if os.path.islink(path) else path


def read_regular(path: str) -> tuple[bytes, os.stat_result]:
    """The bytes of a regular file, and its status.

    Raises:
        NotStandard: it is a FIFO, a device, a folder, or far too large.
        OSError: it cannot be read.
    """
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    try:
        status = os.fstat(fd)
        if not stat.S_ISREG(status.st_mode):
            raise NotStandard("is no regular file")
        if status.st_size > MOST_BYTES:
            raise NotStandard(f"has {status.st_size} bytes; more than {MOST_BYTES} are not read")
        pieces = []
        while piece := os.read(fd, 1 << 20):
            pieces.append(piece)
        return b"".join(pieces), status
    finally:
        os.close(fd)


def parse(data: bytes) -> dict[str, Any]:
    """The object in the bytes of a standard queue file.

    Raises:
        NotStandard: they are something else.
    """
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise NotStandard(f"is not UTF-8: byte 0x{data[error.start]:02x} at {error.start}") from None
    if text.startswith("\ufeff"):
        raise NotStandard("begins with a byte order mark")
    try:
        document = _decode(text)
    except json.JSONDecodeError as error:
        raise NotStandard(f"is not JSON: {error.msg}, line {error.lineno} column {error.colno}") from None
    except RecursionError:
        raise NotStandard("is nested too deeply") from None
    except ValueError as error:
        raise NotStandard(f"is not strict JSON: {error}") from None
    if not isinstance(document, dict):
        raise NotStandard("is no JSON object")
    if not isinstance(document.get("tasks"), list):
        raise NotStandard("has no list `tasks`" if "tasks" not in document else "`tasks` is no list")
    return document


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise ValueError(f"the key {key[:60]!r} occurs twice in one object")
            seen.add(key)
    return found


def _constant(name: str) -> float:
    raise ValueError(f"{name} is no JSON number")


DECODER = json.JSONDecoder(object_pairs_hook=_pairs, parse_constant=_constant)
_decode = DECODER.decode


def canonical(task: Any) -> bytes:
    """A task as canonical JSON: sorted keys, no blanks, UTF-8.

    Raises:
        ValueError: it holds half a character or a number that JSON has no word for.
    """
    text = json.dumps(task, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode("utf-8", "surrogatepass")


def fingerprint(task: Any) -> str:
    """SHA-256 of a task as canonical JSON."""
    return hashlib.sha256(canonical(task)).hexdigest()
