"""What the prober can be asked. Each operation is a generator of steps.

A step is the JSON text of one part, or "" for a pause in which other operations get a turn;
the value returned is the last part (None: nothing more). Rows are sent as JSON arrays.
"""

from collections.abc import Callable, Generator, Iterable
from typing import TYPE_CHECKING, Any

from core.clock import SYSTEM_CLOCK, Clock
from core.errors import PollError
from core.prober import wire

if TYPE_CHECKING:
    from core.prober.processes import ProcessScanner
    from core.queues import QueueBackend

Step = Generator[str, None, str | None]
_TEXT_PIECE = 24 * 1024


class Skip:
    """What must not be touched: paths, and everything below them. Answers `path in skip`.

    "/" bars the root folder itself and nothing below: there would be nothing left to show.
    """

    def __init__(self, paths: Iterable[str]) -> None:
        self._paths = tuple(path.rstrip("/") or "/" for path in paths)

    def __bool__(self) -> bool:
        return bool(self._paths)

    def __contains__(self, path: object) -> bool:
        return any(path == barred or str(path).startswith(barred + "/") for barred in self._paths)


class Workroom:
    """What the operations keep between requests."""

    def __init__(self, page: wire.Page, clock: Clock = SYSTEM_CLOCK) -> None:
        self.page = page
        self.clock = clock
        self.scanner: ProcessScanner | None = None
        self._backend: QueueBackend | None = None
        self._key: tuple[str, str, str] = ("", "", "")

    def backend(self, request: dict[str, Any]) -> "QueueBackend":
        """The queue backend for the workspace and limits of `request`; the same one while they are the same."""
        workspace, kind = request["workspace"], request.get("backend", "postbox")
        limits = request.get("limits") or {}
        key = (workspace, kind, wire.encode(limits))
        if self._backend is None or key != self._key:
            from core.queues import BACKENDS, Limits

            self._backend, self._key = BACKENDS[kind](workspace, Limits(**limits)), key
        return self._backend

    def forget(self) -> None:
        """Drop the backend, so that everything is read again."""
        self._backend = None


def warm() -> None:
    """Import what the first requests will need, while the owner still imports its own."""
    import core.prober.mounts
    import core.prober.processes
    import core.queues.postbox  # noqa: F401


def _ping(room: Workroom, request: dict[str, Any]) -> Step:
    yield ""
    return '"pong"'


def _forget(room: Workroom, request: dict[str, Any]) -> Step:
    yield ""
    room.forget()
    return None


def _queues(room: Workroom, request: dict[str, Any]) -> Step:
    beat = room.page.beat
    skip = Skip(request.get("skip", ()))
    if request["workspace"] in skip:
        raise PollError("the workspace does not answer; it is tried again by itself")
    beat("queues:" + request["workspace"])
    backend = room.backend(request)
    held = ""
    for part in backend.scan(lambda path: beat("queues:" + path), skip):
        if held:
            yield held
            held = ""
        count = f'"done":{part.done},"total":{part.total}'
        pieces = list(wire.parts(wire.encode(row) for row in part.changed))
        for piece in pieces:
            yield f'{{"changed":[{piece}],"gone":[],"problems":[],{count}}}'
        if part.gone or part.problems:
            gone = wire.encode(part.gone)
            problems = wire.encode([(path, problem) for path, problem in part.problems])
            yield f'{{"changed":[],"gone":{gone},"problems":{problems},{count}}}'
        elif not pieces:
            # Nothing new: it may be the last part, and then one frame is enough.
            held = f'{{"changed":[],"gone":[],"problems":[],{count}}}'
    return held or None


def _tasks(room: Workroom, request: dict[str, Any]) -> Step:
    room.page.beat("tasks:" + (request.get("path") or request["workspace"]))
    rows = room.backend(request).tasks(request["agent"])
    for piece in wire.parts(wire.encode(row) for row in rows):
        yield f'{{"tasks":[{piece}]}}'
    return None


def _record(room: Workroom, request: dict[str, Any]) -> Step:
    room.page.beat("record:" + (request.get("path") or request["workspace"]))
    text = room.backend(request).record(
        request["agent"], request["place"], request["index"], request["task_id"]
    )
    for at in range(0, len(text), _TEXT_PIECE):
        yield wire.encode({"text": text[at : at + _TEXT_PIECE]})
    return None


def _mounts(room: Workroom, request: dict[str, Any]) -> Step:
    from core.prober.mounts import read_mounts, space

    skip = Skip(request.get("skip", ()))
    room.page.beat("mounts:")
    for mount in read_mounts(request.get("root", "/"), tuple(request.get("paths", ()))):
        # A hung mount bars what is mounted below it too.
        if mount.path in skip:
            yield wire.encode((mount.path, mount.kind, None, None, None, mount.network, None, "skipped"))
            continue
        room.page.beat("mounts:" + mount.path)
        yield wire.encode(space(mount, room.clock))
    return None


def _processes(room: Workroom, request: dict[str, Any]) -> Step:
    from core.prober.processes import new_scanner

    if room.scanner is None:
        room.scanner = new_scanner(request.get("root", "/"), room.clock)
    beat = room.page.beat
    scan = room.scanner.scan(
        lambda path: beat("processes:" + path),
        Skip(request.get("skip", ())),
        request.get("workspace") or "",
        request.get("patterns", ()),
        request.get("agent_patterns", {}),
        request.get("budget_ms", 20.0),
        request.get("exclude", ()),
    )
    for piece in wire.parts(wire.encode(row) for row in scan.rows):
        yield f'{{"rows":[{piece}]}}'
    return wire.encode(
        {
            "total": scan.total,
            "unreadable": scan.unreadable,
            "scan_ms": scan.scan_ms,
            "complete": scan.complete,
        }
    )


OPERATIONS: dict[str, Callable[[Workroom, dict[str, Any]], Step]] = {
    "ping": _ping,
    "forget": _forget,
    "queues": _queues,
    "tasks": _tasks,
    "record": _record,
    "mounts": _mounts,
    "processes": _processes,
}

# Operations that must not overtake each other share a lane; the others have their own.
LANES = {"forget": "queues", "record": "tasks"}
