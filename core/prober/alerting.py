"""The prober's side of what is kept of alerts: opens, writes, listens. Judges nothing."""

import os
from collections.abc import Generator
from typing import TYPE_CHECKING, Any

from core.prober import wire
from core.prober.skip import Skip
from core.text import clean_line

if TYPE_CHECKING:
    from core.prober.ops import Workroom

_PIECE = 24 * 1024
# How often an instance that only listens looks whether the keeper is gone, and one that can keep nothing tries again.
_TRY_AGAIN_S = 5.0
_SEEN_AGAIN_S = 5.0


def alerts(room: "Workroom", request: dict[str, Any]) -> Generator[str, None, str | None]:
    """Write what waits, and tell what has come; where it is opened, what was kept before."""
    plan = request["plan"]
    folders: list[str] = plan["folders"]
    skip = Skip(request.get("skip", ()))

    def beat(path: str) -> None:
        room.page.beat("alerts:" + path)

    if any(folder in skip for folder in folders[:1]):
        problem = f"{clean_line(folders[0])} does not answer"
        return _answer("waiting", "", problem, refused=True)
    store = room.alerts(plan)
    now = room.clock.now()
    first, before = not store.opened, store.mode
    again = first
    if not first and now - room.alerts_tried_at >= _TRY_AGAIN_S:
        room.alerts_tried_at = now
        again = before == "memory" or store.vacant(beat)
    opened = None
    if again:
        room.alerts_tried_at = now
        opened = store.open(beat)
    if opened is not None and (first or opened.mode != before):
        away = _looked(plan.get("seen", ""), beat)
        yield wire.encode({"opened": {"away_since": away}})
        for piece in wire.parts(wire.encode(row) for row in opened.log):
            yield f'{{"log":[{piece}]}}'
        for at in range(0, len(opened.state), _PIECE):
            yield wire.encode({"state": [opened.state[at : at + _PIECE]]})
    refused, problem = False, store.problem
    try:
        if request["reject"]:
            store.set_aside(request["reject"])
        if request["lines"] or request["state"]:
            store.keep(request["lines"], request["state"], beat)
        for line in request["requests"]:
            store.request(line)
        for piece in wire.parts(wire.encode(row) for row in store.news(beat)):
            yield f'{{"news":[{piece}]}}'
        problem = store.problem
    except OSError as error:
        refused = True
        problem = f"alerts cannot be kept: {error.strerror or error} ({clean_line(store.folder)})"
    if plan.get("seen") and (now - room.alerts_seen_at >= _SEEN_AGAIN_S or request.get("ends")):
        room.alerts_seen_at = now
        _touch(plan["seen"], beat)
    return _answer(store.mode, store.folder, problem, refused)


def _answer(mode: str, folder: str, problem: str, refused: bool) -> str:
    return wire.encode({"mode": mode, "folder": folder, "problem": problem, "refused": refused})


def _looked(path: str, beat: Any) -> float | None:
    """When this operator's dashboard last looked: the time of a file in the state folder."""
    if not path:
        return None
    beat(path)
    try:
        return os.stat(path).st_mtime
    except OSError:
        return None


def _touch(path: str, beat: Any) -> None:
    """This operator's dashboard is looking. Where that cannot be written, nobody will be told what was missed."""
    beat(path)
    try:
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            os.utime(fd)
        finally:
            os.close(fd)
    except OSError:
        return
