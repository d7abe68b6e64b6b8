"""What the prober can be asked. Each operation is a generator of steps.

A step is the JSON text of one part, or "" for a pause in which other operations get a turn;
the value returned is the last part (None: nothing more). Rows are sent as JSON arrays.
"""

from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any

from core.clock import SYSTEM_CLOCK, Clock
from core.errors import PollError
from core.prober import recording, wire
from core.prober.alerting import alerts
from core.prober.recording import with_work
from core.prober.skip import Skip
from core.record.ledger import NOTHING

if TYPE_CHECKING:
    from core.alerts.store import AlertStore
    from core.prober.processes import ProcessScanner
    from core.prober.signals import SignalScanner
    from core.queues import QueueBackend
    from core.record.ledger import Ledger

Step = Generator[str, None, str | None]
_TEXT_PIECE = 24 * 1024


class Workroom:
    """What the operations keep between requests."""

    def __init__(self, page: wire.Page, clock: Clock = SYSTEM_CLOCK) -> None:
        self.page = page
        self.clock = clock
        self.scanner: ProcessScanner | None = None
        self.signals: SignalScanner | None = None
        self._backend: QueueBackend | None = None
        self._ledger: Ledger | None = None
        self._key: tuple[str, str, str] = ("", "", "")
        self._plan = ""
        self.alerts_tried_at = self.alerts_seen_at = -1e9
        self._alerts: tuple[str, AlertStore] | None = None

    def alerts(self, plan: dict[str, Any]) -> "AlertStore":
        """What alerts are kept in; the same one while the plan is the same."""
        key = wire.encode(plan)
        if self._alerts is not None and self._alerts[0] == key:
            return self._alerts[1]
        from core.alerts.store import AlertStore

        if self._alerts is not None:
            self._alerts[1].close()
        store = AlertStore(plan["folders"], plan["within"], self.clock, write=plan["write"])
        self._alerts = (key, store)
        return store

    def backend(self, request: dict[str, Any]) -> "QueueBackend":
        """The queue backend for the workspace and limits of `request`; the same one while they are the same."""
        workspace, kind = request["workspace"], request.get("backend", "postbox")
        limits = request.get("limits") or {}
        key = (workspace, kind, wire.encode(limits))
        if self._backend is None or key != self._key:
            from core.queues import BACKENDS, Limits

            self._backend, self._key = BACKENDS[kind](workspace, Limits(**limits)), key
            self._let_go()  # it knows what this backend said
        return self._backend

    def ledger(self, request: dict[str, Any]) -> "Ledger":
        """The ledger that goes with the backend; the same one while its record is the same."""
        plan = wire.encode(request.get("record") or {})
        if self._ledger is None or plan != self._plan:
            from core.prober.recording import new_ledger

            self._let_go()
            self._ledger, self._plan = new_ledger(request, self.clock), plan
        return self._ledger

    def forget(self) -> None:
        """Drop the backend and its ledger, so that everything is read again."""
        self._backend = None
        self._let_go()

    def rest(self, skip: Skip, *, asleep: bool) -> None:
        """The queues will not be looked at for a while: another instance may write the record, and keep the alerts."""
        if asleep and self._alerts is not None:
            self._alerts[1].close()
        if self._ledger is not None:
            self._ledger.rest(lambda path: self.page.beat("queues:" + path), skip)

    def _let_go(self) -> None:
        """Drop the ledger. Its lock must go with it, or the next one could not write."""
        if self._ledger is not None:
            self._ledger.close()
            self._ledger = None


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


def _rest(room: Workroom, request: dict[str, Any]) -> Step:
    yield ""
    room.rest(Skip(request.get("skip", ())), asleep=bool(request.get("asleep")))
    return None


def _queues(room: Workroom, request: dict[str, Any]) -> Step:
    beat = room.page.beat
    skip = Skip(request.get("skip", ()))
    if request["workspace"] in skip:
        raise PollError("the workspace does not answer; it is tried again by itself")
    beat("queues:" + request["workspace"])
    backend = room.backend(request)
    ledger = room.ledger(request)
    held = ""
    for part in backend.scan(lambda path: beat("queues:" + path), skip):
        ledger.take(part)
        if held:
            yield held
            held = ""
        count = f'"done":{part.done},"total":{part.total}'
        pieces = list(wire.parts(wire.encode(with_work(row, ledger)) for row in part.changed))
        for piece in pieces:
            yield f'{{"changed":[{piece}],"gone":[],"problems":[],{count}}}'
        if part.gone or part.problems:
            gone = wire.encode(part.gone)
            problems = wire.encode([(path, problem) for path, problem in part.problems])
            yield f'{{"changed":[],"gone":{gone},"problems":{problems},{count}}}'
        elif not pieces:
            # Nothing new: it may be the last part, and then one frame is enough.
            held = f'{{"changed":[],"gone":[],"problems":[],{count}}}'
    at_once = bool((request.get("record") or {}).get("at_once"))
    told = ledger.tell(lambda path: beat("queues:" + path), skip, at_once)
    if told is not NOTHING:
        for text in recording.parts(told):
            if held:
                yield held
            held = text
    return held or None


def _life(room: Workroom, request: dict[str, Any]) -> Step:
    def beat(path: str) -> None:
        room.page.beat("life:" + path)

    rows = recording.life(room.ledger(request), request.get("agent", ""), request.get("task", ""), beat)
    for piece in wire.parts(wire.encode(row) for row in rows):
        yield f'{{"life":[{piece}]}}'
    return None


def _latest(room: Workroom, request: dict[str, Any]) -> Step:
    def beat(path: str) -> None:
        room.page.beat("latest:" + path)

    rows = recording.latest(room.ledger(request), request.get("agents") or [], beat)
    for piece in wire.parts(wire.encode(row) for row in rows):
        yield f'{{"latest":[{piece}]}}'
    return None


def _find(room: Workroom, request: dict[str, Any]) -> Step:
    yield ""
    found, like = room.ledger(request).find(request["name"])
    return wire.encode({"in": found, "alike": like})


def _standing(room: Workroom, request: dict[str, Any]) -> Step:
    yield ""
    return wire.encode({"standing": room.ledger(request).standing(request["tasks"])})


def _tasks(room: Workroom, request: dict[str, Any]) -> Step:
    room.page.beat("tasks:" + (request.get("path") or request["workspace"]))
    rows = room.backend(request).tasks(request["agent"])
    rows = recording.with_estimates(room.ledger(request), request["agent"], rows)
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


def _signals(room: Workroom, request: dict[str, Any]) -> Step:
    from core.prober.signals import SignalScanner

    workspace, skip = request["workspace"], Skip(request.get("skip", ()))
    if workspace in skip:
        raise PollError("the workspace does not answer; it is tried again by itself")
    if room.signals is None or room.signals.workspace != workspace:
        room.signals = SignalScanner(workspace, room.clock)
    beat = room.page.beat
    for _ in room.signals.scan(lambda path: beat("signals:" + path), skip):
        yield ""
    found = room.signals.found
    if found.version == request.get("version"):
        return None
    for name, rows in (("open", found.open), ("last", found.last), ("problems", found.problems)):
        for piece in wire.parts(wire.encode(row) for row in rows):
            yield f'{{"{name}":[{piece}]}}'
    return wire.encode({"version": found.version, "more": found.more, "complete": found.complete})


OPERATIONS: dict[str, Callable[[Workroom, dict[str, Any]], Step]] = {
    "ping": _ping,
    "forget": _forget,
    "rest": _rest,
    "queues": _queues,
    "tasks": _tasks,
    "life": _life,
    "latest": _latest,
    "find": _find,
    "standing": _standing,
    "record": _record,
    "mounts": _mounts,
    "processes": _processes,
    "signals": _signals,
    "alerts": alerts,
}

# Operations that must not overtake each other share a lane; the others have their own.
LANES = {
    "forget": "queues",
    "rest": "queues",
    "record": "tasks",
    "life": "tasks",
    "latest": "tasks",
    "standing": "queues",
    "find": "queues",
}
