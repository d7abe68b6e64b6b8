"""What is kept of the alerts of a workspace, looked at by a command: nothing is locked for long, changed or judged.

State and log are those of `core.alerts.store`. Whether a bluetop keeps them now is told by its lock; without one
the picture is of the past, and says of when. Not for changing anything: that is `core.alerts.filedesk`.
"""

import contextlib
import os
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from core.alerts import saved as saving
from core.alerts.amended import time_now
from core.alerts.engine import AlertEngine
from core.alerts.names import FIRING, PENDING, RANK
from core.alerts.past import Past, wall_of
from core.alerts.plain import alert_of
from core.alerts.saved import Saved, StateError
from core.alerts.store import LOCK, LOG, SCHEMA, STATE, generations
from core.alerts.view import Alert, Alerts, SilenceView, urgency
from core.clock import Clock
from core.config import Rule
from core.record.files import decoded, encoded, is_held, open_regular, stay_within, whole_lines
from core.text import clean_line

MOST_ENDED = 10_000
_KINDS = (b'"transition"', b'"rules"')


class Kept(NamedTuple):
    """`path` is the state file, "" where nothing is kept; `problem` says why it cannot be used.

    `running`: a bluetop keeps them now, the process `process` on `host` as far as that is known. `as_of` is the
    wall time up to which the picture is known to be true; None where there is no picture.
    """

    path: str
    problem: str = ""
    running: bool = False
    process: int | None = None
    host: str = ""
    as_of: float | None = None
    alerts: Alerts = Alerts()


def folder_of(folders: Sequence[str], within: str) -> str:
    """The first of the folders in which alerts are kept; "" if there is none."""
    for folder in folders:
        with contextlib.suppress(OSError):
            if any(os.path.isfile(os.path.join(folder, name)) for name in (STATE, LOG)):
                stay_within(folder, within if folder.startswith(within.rstrip("/") + "/") else None)
                return folder
    return ""


def state_of(folder: str) -> Saved | None:
    """The state that is kept in a folder; None without one.

    Raises:
        StateError: it cannot be used.
        OSError: it cannot be read.
    """
    try:
        fd = open_regular(os.path.join(folder, STATE), os.O_RDONLY)
    except FileNotFoundError:
        return None
    with os.fdopen(fd, "rb") as file:
        data = file.read()
    try:
        kept = decoded(data)
    except (ValueError, RecursionError) as error:
        raise StateError(str(error)) from error
    if not (isinstance(kept, dict) and isinstance(kept.get("engine"), dict)):
        raise StateError("it holds no state")
    if kept.get("schema") != SCHEMA:
        raise StateError(f"its schema is not {SCHEMA}")
    return saving.decoded(encoded(kept["engine"]))


def is_running(folder: str) -> bool:
    """Whether a bluetop keeps the alerts of that folder now."""
    return is_held(os.path.join(folder, LOCK))


def look(
    folders: Sequence[str], within: str, rules: Sequence[Rule], clock: Clock, host: str, *,
    since: float | None = None, log: bool = True,
) -> Kept:  # fmt: skip
    """What is kept, as far as the rules in force explain it; what ended after the wall time `since`.

    Without `log` only what is active. A state that cannot be used is a `problem`; it stays where it is.
    """
    folder = folder_of(folders, within)
    if not folder:
        return Kept("")
    path = clean_line(os.path.join(folder, STATE), 1000)
    running = is_running(folder)
    told = _Told(since)
    try:
        if log:
            told.read(folder)
        state = state_of(folder)
    except (StateError, OSError) as error:
        why = error.strerror or str(error) if isinstance(error, OSError) else str(error)
        problem = clean_line(f"{path} cannot be used: {why}", 400)
        return Kept(path, problem, running, alerts=Alerts(history=told.history))
    alerts = Alerts(history=told.history, mode="reading" if running else "memory")
    as_of = told.last
    if state is not None:
        alerts = _pictured(state, rules, clock, host, told)
        as_of = max(as_of or 0.0, state.wall)
    process, on = told.keeper if running else (None, "")
    return Kept(path, "", running, process, on, as_of, alerts)


class _Told:
    """What the log tells. `began` are the sentences with which alerts began to fire, by id."""

    def __init__(self, since: float | None) -> None:
        self._since = since
        self._past = Past(MOST_ENDED)
        self.began: dict[str, str] = {}
        self.history: tuple[Alert, ...] = ()
        self.last: float | None = None
        self.keeper: tuple[int | None, str] = (None, "")

    def read(self, folder: str) -> None:
        """All that can matter, oldest first."""
        self._past.read(self._lines(folder), None)
        since = self._since
        self.history = tuple(
            alert for alert in self._past.history
            if since is None or alert.ended_at is None or alert.ended_at >= since
        )  # fmt: skip

    def _lines(self, folder: str) -> Iterator[dict[str, Any]]:
        for path in generations(folder):
            with contextlib.suppress(OSError):
                if self._since is not None and os.stat(path).st_mtime < self._since:
                    continue
                fd = open_regular(path, os.O_RDONLY)
                try:
                    for _, line in whole_lines(fd, 0):
                        if any(kind in line for kind in _KINDS):
                            yield from self._line(line)
                finally:
                    os.close(fd)

    def _line(self, line: bytes) -> Iterator[dict[str, Any]]:
        try:
            row = decoded(line)
        except (ValueError, RecursionError):
            return
        if not isinstance(row, dict):
            return
        at, text = wall_of(row.get("at")), row.get("text")
        if at is not None:
            self.last = max(at, self.last or 0.0)
        if row.get("what") == "rules":
            process, _, rest = str(row.get("from", "")).partition("-")
            known = int(process) if process.isascii() and process.isdigit() and rest else None
            self.keeper = known, clean_line(str(row.get("host", "")), 100)
        elif row.get("what") == "transition":
            if row.get("to") == FIRING and isinstance(text, str):
                self.began[str(row.get("id"))] = clean_line(text, 300)
            yield row


def _pictured(state: Saved, rules: Sequence[Rule], clock: Clock, host: str, told: _Told) -> Alerts:
    """The state as those rules explain it: values as of when it was kept, silences as of now."""
    engine = AlertEngine(rules)
    saving.restore(engine, state, t=state.t, wall=state.wall, boot=state.boot)
    wall = clock.wall()
    t = time_now(state, now=clock.now(), wall=wall, boot=clock.boot())
    values = {one: one.current(state.t) for one in engine.active}
    engine.machine.governor.settle(t)  # who is silenced or inhibited; what would be told is told to nobody
    active = [
        alert_of(one, value, t, wall, host, began=told.began.get(one.id, "")) for one, value in values.items()
    ]
    silences = tuple([
        SilenceView(
            clean_line(s.id, 40), clean_line(s.rule or "", 200), clean_line(s.subject or "", 200),
            clean_line(s.severity or "", 20), clean_line(s.by, 100), clean_line(s.comment, 300),
            wall - (t - s.at), wall - (t - s.until), s.until <= t,
        )
        for s in engine.silences.values()
    ])  # fmt: skip
    fire = [alert for alert in active if alert.state == FIRING]
    return Alerts(
        tuple(sorted(active, key=urgency)), told.history, silences, mode="reading",
        fire=len(fire), wait=sum(not alert.hushed for alert in fire),
    )  # fmt: skip


def worst(alerts: Alerts) -> str:
    """The highest severity of what fires; "" where nothing does."""
    return min((alert.severity for alert in alerts.firing), key=RANK.__getitem__, default="")


def pending(alerts: Alerts) -> tuple[Alert, ...]:
    """Those that do not fire yet."""
    return tuple(alert for alert in alerts.active if alert.state == PENDING)
