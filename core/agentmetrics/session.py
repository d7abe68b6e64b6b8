"""All that touches `.metrics/`, step by step, in a process that can be left behind.

`core.apart` runs `Session.work` on one step after another and kills the process that does not finish
one in time; what is on the disk is whole at any moment. A step is a tuple: its name, then its
arguments; what it returns is JSON. The caller stops at the first step that fails, and never has
another process do the rest: what was kept between the steps is gone with the first. The lock, which
has to be held from before the queue files are read, is kept by a process of its own (`Keeper`).
"""

import errno
import os
from collections.abc import Sequence
from typing import Any

import msgspec

from core.agentmetrics import merge as merging
from core.agentmetrics.arrange import activity, saved_report, task_data
from core.agentmetrics.measures import Sums
from core.agentmetrics.model import (
    FINISHED,
    SUFFIX,
    Data,
    Queue,
    seen_from_wire,
    status_of,
    task_key,
    time_of,
    utc_text,
)
from core.agentmetrics.owners import Claim, Holders, Shared, owner, shared
from core.agentmetrics.store import AGENTS, FOLDER, Changed, Held, Refused, Store
from core.agentmetrics.track import Event, decide
from core.clock import SYSTEM_CLOCK, Clock

_TRIES = 5
_CHANGES = "it keeps changing; stop the other program that writes it, and try again"
# What is wrong with one file only; any other failure to write is one of all files.
_OF_ONE_FILE = (errno.EISDIR, errno.ENAMETOOLONG, errno.EEXIST, errno.ENOTEMPTY, errno.EILSEQ)

Step = tuple[Any, ...]


class _Id(msgspec.Struct):
    task_id: Any = None


class _Ids(msgspec.Struct):
    metrics: list[_Id] = []


_ids = msgspec.json.Decoder(_Ids).decode
_rows = msgspec.json.Decoder(list[list[Any]]).decode


class Keeper:
    """Takes the lock in its first step and keeps it in its second, until whoever wanted it is gone.

    That is when the other end of a pipe is closed: by its owner and by every process that the owner has
    started since, so that none of them writes without the lock even if the owner is killed.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self.pipe = os.pipe()

    def work(self, step: str) -> Any:
        """Do the step of this name."""
        if step == "keep":
            os.close(self.pipe[1])
            os.read(self.pipe[0], 1)
            return None
        try:
            self._store.open(make=True)
            self._store.lock()
        except OSError as error:
            return {"failed": [error.errno, error.strerror or str(error), str(error.filename or FOLDER), 0]}
        return None


class Session:
    """The steps. With `save`, what has changed is written, and somebody holds the lock; else nothing is."""

    def __init__(
        self, workspace: str, queues: Sequence[Queue], max_bytes: int, save: bool, clock: Clock = SYSTEM_CLOCK
    ) -> None:
        self._store = Store(workspace, max_bytes, clock)
        self._queues, self._save, self._clock = queues, save, clock
        self._holders = Holders()
        self._claims: dict[str, list[Claim]] = {}
        self._legacies: dict[str, list[tuple[str, Data]]] = {}
        self._owners: dict[str, str] = {}
        self._bequeathed: dict[str, dict[str, Data]] = {}
        self._shared: list[Shared] = []
        self._summaries: dict[str, Data] = {}
        self._sums = Sums()
        self._moved = self._written = 0

    def work(self, step: Step) -> Any:
        """Do one step. A failure of the file system is `{"failed": [errno, reason, file, files written]}`."""
        try:
            return getattr(self, step[0])(*step[1:])
        except OSError as error:
            name = str(error.filename or FOLDER)
            where = f"{FOLDER}/{AGENTS}/{name}" if name.endswith(SUFFIX) else name
            return {"failed": [error.errno, error.strerror or str(error), where, self._written]}

    def names(self) -> list[str]:
        """The folders of the agents that have a metrics file, as hexadecimal digits: a name need not be UTF-8."""
        self._store.open(make=False)
        return [os.fsencode(name).hex() for name in self._store.names()]

    def begin(self) -> None:
        """Open `.metrics/`; make it, if it will be written."""
        self._store.open(make=self._save)

    def ids(self, number: int) -> None:
        """Take in which tasks an agent has."""
        queue = self._queues[number]
        self._holders.add(queue.agent, [row[0] for row in _rows(queue.rows)])
        held, _ = self._held(queue)
        if held.data:
            try:
                keys = [task_key(entry.task_id) for entry in _ids(held.data).metrics]
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                keys = merging.ids_of(self._document(held)[0])
            self._holders.add(queue.agent, filter(None, keys))

    def claims(self, number: int) -> None:
        """Take in what an agent says of the tasks that others have too."""
        queue = self._queues[number]
        mine = self._holders.contested_by(queue.agent)
        if not mine:
            return
        document, _ = self._document(self._held(queue)[0])
        entries = merging.entries_of(document)
        rows = {row.task_id: row for row in map(seen_from_wire, _rows(queue.rows)) if row.task_id in mine}
        for task_id in mine:
            row, entry, facts = rows.get(task_id), entries.get(task_id), merging.facts_of(document, task_id)
            if row is not None:
                claim = Claim(queue.agent, True, row.live, row.at)
            elif entry is not None:
                live = status_of(entry) not in FINISHED
                claim = Claim(queue.agent, False, live, merging.latest_of(entry), "moved_to" in facts)
            else:
                continue
            self._claims.setdefault(task_id, []).append(claim)
            self._legacies.setdefault(task_id, []).append((queue.agent, merging.legacy(entry, facts, row)))

    def owners(self) -> list[Shared]:
        """Decide whose each of those tasks is; the ones that several queue files have."""
        for task_id, claims in sorted(self._claims.items()):
            name = self._owners[task_id] = owner(claims).agent
            known: Data = {}
            for agent, left in sorted(self._legacies[task_id], key=lambda pair: pair[0]):
                if agent != name:
                    known = {**{key: value for key, value in left.items() if value}, **known}
            self._bequeathed.setdefault(name, {})[task_id] = known
            both = shared(task_id, claims)
            if both is not None:
                self._shared.append(both)
        return self._shared

    def merge(self, number: int, tasks: bool) -> Data:
        """Bring the metrics of one agent up to date; what became of it, with all its tasks if asked for."""
        queue = self._queues[number]
        rows = [seen_from_wire(row) for row in _rows(queue.rows)]
        whole = queue.form in ("read", "missing", "gone")

        def other(key: str) -> str:
            name = self._owners.get(key, queue.agent)
            return "" if name == queue.agent else name

        tries = _TRIES
        while True:
            held, problem = self._held(queue)
            document, fault = self._document(held)
            problem = problem or fault
            left = self._bequeathed.get(queue.agent)
            merged = merging.merge(document, queue.agent, rows, other, whole, bequeathed=left)
            worth = merged.changed and (held.data is not None or bool(merged.document["metrics"]))
            done = self._replace(queue, held, merged.document) if self._save and worth and not problem else ""
            tries -= 1
            if done != _CHANGES or not tries:
                break
        written = self._save and worth and not problem and not done
        notes = merged.document["bluetop"]["tasks"]
        summary = merged.document["summary"]
        self._summaries[queue.agent] = summary
        self._sums.add_wire(merged.sums.wire())
        self._moved += summary["moved_tasks"]
        return {
            "problem": problem or done,
            "kept": held.data is not None or written,
            "written": written,
            "added": len(merged.added),
            "updated": len(merged.updated),
            "moved": [[key, notes[key]["moved_to"]] for key in merged.moved],
            "moved_tasks": summary["moved_tasks"],
            "sums": merged.sums.wire(),
            "last_updated": None
            if (at := time_of(merged.document["last_updated"])) is None
            else utc_text(at),
            **activity(merged.counted),
            "tasks": [task_data(queue.agent, *row) for row in merged.counted] if tasks else [],
        }

    def report(self, at: float) -> str:
        """Save the report of everything that was merged; its path below the workspace."""
        overall = merging.summary(self._sums.measures(), self._moved)
        document = saved_report(at, self._summaries, overall, self._shared)
        return self._store.save_report(utc_text(at).translate(_STAMP), document)

    def track(self, number: int, task_id: str, event: Sequence[Any]) -> Data:
        """Record a start or an end: what `track.Decision` says, and the entry as it is then."""
        queue = self._queues[number]
        row = next((row for row in map(seen_from_wire, _rows(queue.rows)) if row.task_id == task_id), None)
        tries = _TRIES
        while True:
            held, problem = self._held(queue)
            document, fault = self._document(held)
            if problem or fault:
                raise Refused(f"{FOLDER}/{AGENTS}/{queue.agent}{SUFFIX}: {problem or fault}")
            decision = decide(document, row, task_id, Event(*event), self._clock.wall())
            rows, facts = ([] if row is None else [row]), decision.facts
            merged = merging.merge(
                document, queue.agent, rows, None, False, facts and {task_id: facts}, (task_id,)
            )
            wanted = self._save and facts is not None and merged.changed
            done = self._replace(queue, held, merged.document) if wanted else ""
            tries -= 1
            if done != _CHANGES or not tries:
                break
        if done:
            raise Refused(f"{FOLDER}/{AGENTS}/{queue.agent}{SUFFIX}: {done}")
        entry = merging.entries_of(merged.document).get(task_id, {})
        known = [] if entry else [row[0] for row in _rows(queue.rows)] + merging.ids_of(document)
        return {"decision": decision, "entry": entry, "ids": known}

    def end(self) -> int:
        """See to it that all is on the disk, and give everything back; how many files were written."""
        if self._save:
            self._store.sync()
        self._store.close()
        return self._written

    # -- one file -------------------------------------------------------------------------------

    def _held(self, queue: Queue) -> tuple[Held, str]:
        """The metrics file of an agent, or why it is not read."""
        try:
            return self._store.read(queue.folder), ""
        except Refused as refused:
            return Held(None, None), str(refused)
        except OSError as error:
            return Held(None, None), f"it cannot be read: {error.strerror}; check its permissions"

    def _document(self, held: Held) -> tuple[Data | None, str]:
        """What a metrics file holds, or why it is not used."""
        try:
            document = held.document()
            return None if document is None else merging.checked(document), ""
        except (Refused, merging.NoMetricsFile) as refused:
            return None, str(refused)

    def _replace(self, queue: Queue, held: Held, document: Data) -> str:
        """Write it, now updated; why that was not done, "" if it was."""
        now = utc_text(self._clock.wall())
        try:
            self._store.replace(queue.folder, held, {**document, "last_updated": now})
        except Changed:
            return _CHANGES
        except OSError as error:
            if error.errno not in _OF_ONE_FILE:
                raise
            return f"it cannot be written: {error.strerror}"
        document["last_updated"] = now
        self._written += 1
        return ""


# 2026-11-24T00:10:01Z as it stands in the name of a report: 20261124_001001.
_STAMP = str.maketrans({"-": None, ":": None, "T": "_", "Z": None})
