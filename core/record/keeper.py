"""Who keeps the record: this instance if it can have the lock, else another one, else nobody.

What is told is written at once where this instance writes; what a full disk refused is owed,
as the difference between what was written and what is known, and tried again. An instance that
only reads takes over when the writer goes. The file system is touched only after `beat`,
and nothing that is in `skip`.
"""

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from typing import NamedTuple

from core.queues.model import RecordState, Transition
from core.queues.states import changes, parse
from core.record.journal import Loaded, Record
from core.record.statesfile import Span

HEARTBEAT_S = 15.0
RETRY_S = 5.0
# A remark about a record that could be opened all the same is shown so long.
REMARK_S = 60.0
WAITING, WRITING, READING, MEMORY = "waiting", "writing", "reading", "memory"
Beat = Callable[[str], None]


class Look(NamedTuple):
    """One look at all queues: when it ended (clock's now and wall), and how the file system may be touched.

    All that it found was read after `since` (wall): the end of the look before.
    """

    now: float
    wall: float
    since: float
    beat: Beat
    skip: Container[str]


class Standing(NamedTuple):
    """One agent as it stands: what is told of it, and the time of the file that says so.

    `whole`: it has no more tasks than `text` says. `sure`: the last look at its file went well.
    """

    text: str | None
    mtime: float | None
    whole: bool
    sure: bool


class Keeper:
    """`records` are the places where the record may be, the preferred one first; () is none at all.

    `standing` says how an agent stands.
    """

    def __init__(self, records: Sequence[Record], standing: Callable[[str], Standing]) -> None:
        self._records = tuple(records)
        self._standing = standing
        self._record: Record | None = None
        self._written: dict[str, str | None] = {}
        self._partial: set[str] = set()
        # Agents of which something was not written: because of an error, and because this instance has
        # just become the writer. Those wait until a look is sure to have seen what the writer before saw.
        self._owed: dict[str, None] = {}
        self._pending: dict[str, None] = {}
        self._pending_since = 0.0
        self._watched_before: tuple[Span, ...] = ()
        self._spans_kept = 0
        self._silent = False
        self._problem = self._keep_problem = self._remark = ""
        self._remark_until = 0.0
        self._tried_at = self._beat_at = -1e9
        self._opened = not records

    @property
    def path(self) -> str:
        """Where the record is, "" if there is none."""
        return self._record.path if self._record is not None else ""

    @property
    def writing(self) -> bool:
        """Whether what is told is written."""
        return self._record is not None and self._record.writing

    @property
    def state(self) -> RecordState:
        """How the record stands, without the spans that were watched."""
        record, problem = self._record, self._problem or self._keep_problem or self._remark
        if record is None:
            return RecordState(MEMORY if self._opened else WAITING, "", problem)
        return RecordState(WRITING if record.writing else READING, record.path, problem)

    # -- taking it up ---------------------------------------------------------------------------

    def open(self, look: Look) -> Loaded | None:
        """Read what is known, and become the writer if that can be; None where nothing could be opened."""
        self._tried_at, self._opened = look.now, True
        for record in self._records:
            loaded = self._try(record, look)
            if loaded is not None and (record.writing or record.held or not loaded.first):
                self._take(record, loaded, look.now)
                return loaded
        return None  # `_problem` says why, if it should be otherwise

    def _try(self, record: Record, look: Look) -> Loaded | None:
        """What `record` knows, if it can be opened; why not stands in `_problem`."""
        if record.path in look.skip:
            self._problem = f"{record.path} does not answer"
            return None
        try:
            record.acquire(look.beat)
            if self._record is not None and not record.writing:
                return None  # nothing new
            return record.load(look.beat)
        except OSError as error:
            record.close()
            self._problem = f"{record.path} cannot be opened: {error.strerror or error}"
            return None

    def _take(self, record: Record, loaded: Loaded, now: float) -> None:
        self._remark, self._remark_until = loaded.problem or self._problem, now + REMARK_S
        self._record, self._problem = record, ""
        self._written, self._partial = {}, set()
        if record.writing:
            self._written, self._partial = dict(loaded.states), set(loaded.partial)
            self._silent = True

    def begin(self, agents: Iterable[str], loaded: Loaded | None) -> None:
        """Agents of which the record cannot know begin with what is told of them next (None)."""
        if not self.writing:
            return
        known = loaded is not None and not loaded.first and loaded.complete
        for name in agents:
            self._written.setdefault(name, "" if known else None)

    def _inherit(self, agents: Iterable[str], look: Look) -> None:
        """Become the writer if the one before is gone; what it did not write any more is pending."""
        self._tried_at = look.now
        problem = self._problem
        for record in self._records:
            loaded = self._try(record, look)
            if loaded is not None and record.writing:
                self._succeed(record, loaded, list(agents), look)
                return
            if record.held:
                if loaded is not None and self._record is None:
                    self._take(record, loaded, look.now)
                break
        if self._record is not None:
            self._problem = problem  # that another place cannot be opened is no news

    def _succeed(self, record: Record, loaded: Loaded, agents: Sequence[str], look: Look) -> None:
        if self._record is None:
            self._watched_before = loaded.watched
        self._take(record, loaded, look.now)
        self.begin(agents, loaded)
        self._pending_since = loaded.recent[-1].seen_at if loaded.recent else 0.0
        self._owed.clear()
        self._pending.clear()
        for name in dict.fromkeys((*agents, *loaded.states)):
            before = self._written.get(name, "")
            if before is None:
                self._settle(name)  # of this one the record begins here
            elif before != self._standing(name).text:
                self._pending[name] = None

    # -- writing --------------------------------------------------------------------------------

    def _write(self, record: Record, found: Mapping[str, list[Transition]], look: Look) -> None:
        """Write what was just told, agent by agent, and what is owed."""
        if self._pending and self._pending_since <= look.since:
            for name in list(self._pending):
                if name in found or (not look.skip and self._standing(name).sure):
                    del self._pending[name]
                    self._owed[name] = None
        found = {name: told for name, told in found.items() if name not in self._pending}
        lines: list[Transition] = []
        for name, told in found.items():
            if name not in self._owed:
                lines += told
        for name in self._owed:
            lines += self._difference(name, look.wall)
        try:
            if record.path in look.skip:
                raise OSError(0, "it does not answer")
            if lines:
                look.beat(record.path)
                record.append(lines)
        except OSError as error:
            self._problem = f"{record.path} cannot be written: {error.strerror or error}"
            self._owed.update(dict.fromkeys(found))
            self._tried_at = look.now
            return
        self._problem = ""
        for name in (*found, *self._owed):
            self._settle(name)
        self._owed.clear()

    def _difference(self, name: str, wall: float) -> list[Transition]:
        """What the record does not say yet of one agent."""
        text, mtime, _, _ = self._standing(name)
        before = self._written.get(name, "")
        if text is None or before is None:
            return []
        come = name not in self._partial
        return [
            Transition(wall, name, task, a, b, mtime)
            for task, a, b in changes(parse(before), parse(text), come=come)
        ]

    def _settle(self, name: str) -> None:
        """What stands now of one agent is in the record."""
        text, _, whole, _ = self._standing(name)
        if text is None:
            return
        before = self._written.get(name, "")
        self._silent |= before is None or name in self._partial
        if whole:
            self._partial.discard(name)
        else:
            self._partial.add(name)
        if text or not whole:
            self._written[name] = text
        else:
            self._written.pop(name, None)  # as if it had never been

    # -- after every look -----------------------------------------------------------------------

    def tend(
        self, found: Mapping[str, list[Transition]], silent: bool, agents: Iterable[str],
        watched: Sequence[Span], look: Look,
    ) -> None:  # fmt: skip
        """Write what was told (`found`, agent by agent), and see to what the record wants now and then.

        `silent`: more is known than was told. `agents` are all there are.
        """
        now = look.now
        if self._record is not None and self._record.path in look.skip and not self.writing:
            return
        if not self.writing and now - self._tried_at >= RETRY_S and any(r.wants for r in self._records):
            self._inherit(agents, look)
        record = self._record
        if record is None or not record.writing:
            return
        if self._remark and now >= self._remark_until:
            self._remark = ""
        self._silent |= silent
        if found or self._pending or (self._owed and now - self._tried_at >= RETRY_S):
            self._write(record, found, look)
        if record.path in look.skip:
            return
        self._keep(record, (*self._watched_before, *watched), look.beat)
        if now - self._beat_at >= HEARTBEAT_S:
            self._beat_at = now
            look.beat(record.path)
            try:
                record.looked(look.wall)
                if not self._owed:
                    self._problem = ""
            except OSError as error:
                self._problem = f"{record.path}: {error.strerror or error}"

    def rest(self, beat: Beat, skip: Container[str]) -> None:
        """Let another instance write for as long as this one does not look; the next look goes on."""
        record = self._record
        if record is not None and record.writing and record.path not in skip:
            beat(record.path)
            record.close()
            self._tried_at = -1e9

    def _keep(self, record: Record, watched: Sequence[Span], beat: Beat) -> None:
        """Keep the states."""
        if self._owed:
            return  # the disk is full
        soon = self._silent or len(watched) != self._spans_kept
        try:
            if record.keep(self._written, self._partial, watched, beat, soon):
                self._silent, self._spans_kept, self._keep_problem = False, len(watched), ""
        except OSError as error:
            self._keep_problem = f"{record.path}: the states cannot be kept: {error.strerror or error}"

    def close(self) -> None:
        """Let go of the record."""
        for record in self._records:
            record.close()
