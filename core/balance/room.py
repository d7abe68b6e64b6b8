"""The workspace in which plans are carried out: its queues as they are now, its locks, its clock and its patience.

What apply, undo and recovery share. Everything here may block for a while, and nothing for ever. Not for
deciding what is done: that is `core.balance.moving` and `core.balance.resolve`.
"""

import contextlib
import os
from collections.abc import Callable, Iterator
from typing import NamedTuple

from core.balance.doing import UNREADABLE, Refused, pause
from core.balance.journal import APPLY_LOCK, is_agent_name, made_folder
from core.balance.locks import Held, held
from core.balance.sheet import Sheet, sheet_of
from core.balance.strict import QUEUE_FILE, NotStandard, Queue, queue_path, read_regular
from core.clock import Clock
from core.control import ChangeFailed
from core.errors import WorkspaceError
from core.record.files import FOLDER, stamp
from core.text import clean_line
from core.workspace import POSTBOX

APPLY_PATIENCE_S = 60.0
QUEUE_LOCK = ".outbox.json.lock"
_FRESH_S, _TURNS, _PAUSE_S = 2.0, 4, 0.075
_QUIET_S, _QUIET_PAUSE_S = 1.0, 0.05


def never() -> bool:
    """Nobody asks to stop."""
    return False


class Loaded(NamedTuple):
    """A queue file as it was just read, and its parts."""

    queue: Queue
    sheet: Sheet

    @property
    def folder(self) -> str:
        """The folder in which the file itself lies."""
        return os.path.dirname(self.queue.path)


class Room:
    """One workspace, while plans are carried out in it."""

    def __init__(
        self, workspace: str, clock: Clock, *,
        wait: Callable[[float], None] = pause, should_stop: Callable[[], bool] = never,
    ) -> None:  # fmt: skip
        self.workspace = os.path.abspath(workspace)
        self.postbox = os.path.join(self.workspace, POSTBOX)
        self.clock, self.wait, self.should_stop = clock, wait, should_stop
        self.ours: dict[str, Sheet] = {}
        """What we wrote last, by path: it need not be read apart once more."""
        self._quiet_left_s = 15.0
        if not os.path.isdir(self.postbox):
            raise WorkspaceError(
                f"{clean_line(self.postbox)} is no folder; a workspace is one that holds postbox/"
            )

    @contextlib.contextmanager
    def alone(self, patience_s: float = APPLY_PATIENCE_S) -> Iterator[None]:
        """Carry out plans here as the only one.

        Raises:
            ChangeFailed: another one does, or there is no place for the journal.
        """
        with contextlib.ExitStack() as stack:
            try:
                path = os.path.join(made_folder(self.workspace, ""), APPLY_LOCK)
                stack.enter_context(
                    held([path], self.clock, self.wait, patience_s=patience_s, should_stop=self.should_stop)
                )
            except OSError as error:
                raise ChangeFailed(
                    f"nothing was changed: {FOLDER} in the workspace cannot be written "
                    f"({error.strerror or error}), and nothing is moved without a journal; check its permissions "
                    "and space"
                ) from error
            except Refused as error:
                raise ChangeFailed(
                    f"nothing was changed: {error}; if another plan is being carried out, try again once it is "
                    "through"
                ) from error
            yield

    def locked(self, one: str, other: str) -> contextlib.AbstractContextManager[Held]:
        """Hold the locks of two agents' queues, taken in the order of their names.

        Raises:
            Refused: that cannot be.
        """
        paths = []
        for name in sorted((one, other)):
            folder = self._folder(name)
            paths.append(os.path.join(folder, QUEUE_LOCK))
        return held(paths, self.clock, self.wait, should_stop=self.should_stop)

    def link(self, agent: str) -> str:
        """The path by which an agent knows its queue file."""
        return os.path.join(self.postbox, agent, QUEUE_FILE)

    def read(self, agent: str) -> Loaded:
        """The queue of an agent as it is now; one that is just being written is read again, a few times.

        Raises:
            Refused: `unreadable`, it is no file that may be rewritten.
        """
        for turn in range(_TURNS + 1):
            try:
                return self._read(agent)
            except FileNotFoundError as error:
                if turn == _TURNS or not os.path.isdir(os.path.dirname(self.link(agent))):
                    raise Refused(UNREADABLE, f"{agent} has no {QUEUE_FILE}") from error
            except OSError as error:
                raise Refused(
                    UNREADABLE, f"{agent}'s {QUEUE_FILE} cannot be read: {error.strerror or error}"
                ) from error
            except NotStandard as error:
                if turn == _TURNS or not self._is_fresh(agent):
                    raise Refused(UNREADABLE, f"{agent}'s {QUEUE_FILE} {error}") from error
            self.wait(_PAUSE_S)
        raise AssertionError("the last turn returns or raises")

    def _read(self, agent: str) -> Loaded:
        path = queue_path(self.postbox, agent)
        data, status = read_regular(path)
        known = self.ours.get(path)
        sheet = known if known is not None and known.data == data else sheet_of(data)
        self.ours[path] = sheet
        return Loaded(Queue(agent, path, data, sheet.document, status), sheet)

    def wrote(self, path: str, sheet: Sheet) -> None:
        """Remember what we wrote."""
        self.ours[path] = sheet

    def until_quiet(self, agent: str) -> None:
        """Wait until nobody but us has written the agent's queue for a second; at most that long, and not for ever."""
        waited = 0.0
        while waited < _QUIET_S and self._quiet_left_s > 0:
            try:
                status = os.stat(self.link(agent))
            except OSError:
                return
            if not 0 <= self.clock.wall() - status.st_mtime < _QUIET_S or self.is_ours(agent, status):
                return
            self.wait(_QUIET_PAUSE_S)
            waited += _QUIET_PAUSE_S
            self._quiet_left_s -= _QUIET_PAUSE_S

    def is_ours(self, agent: str, status: os.stat_result) -> bool:
        """Whether the file is as long as what we know of it, and has been read or written by us before."""
        known = self.ours.get(os.path.realpath(self.link(agent)))
        return known is not None and len(known.data) == status.st_size

    def agents(self) -> list[str]:
        """The names of all agents' folders."""
        try:
            with os.scandir(self.postbox) as entries:
                return sorted(entry.name for entry in entries if is_agent_name(entry.name) and entry.is_dir())
        except OSError:
            return []

    def whereabouts(self, task_id: str, besides: tuple[str, ...]) -> str:
        """Which other agent has a task of this id, in its tasks or its history; "" if none."""
        for agent in self.agents():
            if agent in besides:
                continue
            try:
                sheet = self._read(agent).sheet
            except (OSError, NotStandard):
                continue
            if sheet.places(task_id) or sheet.has_done(task_id):
                return agent
        return ""

    def stamp(self) -> str:
        """The time now, as it is written into queue files."""
        return stamp_of(self.clock.wall())

    def _folder(self, agent: str) -> str:
        folder = os.path.join(self.postbox, agent)
        if not is_agent_name(agent) or not os.path.isdir(folder):
            raise Refused(UNREADABLE, f"there is no agent {agent}")
        try:
            queue_path(self.postbox, agent)  # nor is a lock file made elsewhere
        except NotStandard as error:
            raise Refused(UNREADABLE, f"{agent}'s {QUEUE_FILE} {error}") from error
        return folder

    def _is_fresh(self, agent: str) -> bool:
        try:
            status = os.stat(self.link(agent))
        except OSError:
            return True
        return status.st_size == 0 or self.clock.wall() - status.st_mtime < _FRESH_S


def stamp_of(wall: float) -> str:
    """Wall seconds as UTC text in whole seconds: `2026-11-24T05:40:18Z`."""
    return stamp(float(int(wall)))[:19] + "Z"
