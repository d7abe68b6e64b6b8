"""The queues of a BlueLabelAutopilot system: `postbox/<AGENT>/outbox.json`, one file per agent.

Looks at every file with one `stat`, and reads those that changed. Keeps sums per agent, never
tasks. Somebody may be writing while we read: what breaks off in a young file is read again,
in this scan or the next, and until it is whole the last good state stands, marked stale.

Changes nothing, takes no locks. Does not read `.sprint/`, `.signals/` or `.metrics/`.
"""

import os
import time
from collections.abc import Callable, Container, Iterator, Sequence

from core.clock import SYSTEM_CLOCK, Clock
from core.errors import PollError
from core.queues import Limits, ScanPart
from core.queues.decode import BROKEN, WHOLE
from core.queues.folders import Agent, Folders
from core.queues.model import EMPTY_QUEUE, AgentQueue, Problem, Task
from core.queues.notes import ERROR
from core.queues.reader import Bytes, Reading, RefusedError, interpret, link_problem, read_bytes
from core.queues.shared import SharedIds
from core.queues.states import TaskStates
from core.queues.statuses import STATUS_SYNONYMS

__all__ = ["STATUS_SYNONYMS", "PostboxBackend"]

# A broken file that changed this recently is probably being written.
YOUNG_S = 2.0
# A file that changed this recently may change again without a new signature: times are coarse.
RACY_S = 0.05
_WAIT_S = 0.05
_PART_S = 0.1
_READ_MS, _READ_AT = AgentQueue._fields.index("read_ms"), AgentQueue._fields.index("read_at")


class PostboxBackend:
    """One workspace. `sleep` waits for a writer to finish, 50 ms at a time."""

    def __init__(
        self,
        workspace: str,
        limits: Limits | None = None,
        clock: Clock = SYSTEM_CLOCK,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._limits = limits or Limits()
        self._clock, self._sleep = clock, sleep
        self._folders = Folders(workspace, self._limits.max_agents, clock)
        self._shared = SharedIds(self._limits.cross_ids)
        self._tasks: list[TaskStates] = []

    def scan(self, beat: Callable[[str], None], skip: Container[str] = ()) -> Iterator[ScanPart]:
        """See `QueueBackend.scan`."""
        folders, clock = self._folders, self._clock
        if skip and folders.postbox in skip:
            found = Problem(ERROR, "skipped", "left alone, since it did not answer")
            yield ScanPart((), (), 0, len(folders.agents), (("postbox", found),))
            return
        beat(folders.postbox)
        gone = folders.refresh()
        for name in gone:
            self._shared.put(name, frozenset())
        agents = folders.agents
        total = len(agents)
        problems = [(path, found) for path, found in folders.problems]
        changed: list[AgentQueue] = []
        torn: list[Agent] = []
        if any(agent.queue is None for agent in agents):
            agents = folders.mounted_last()
        careful, retries = self._limits.deep_check_bytes, self._limits.torn_retries
        patient = retries > 0
        looks_at_all = not skip
        said = clock.now()
        system_stat = os.stat
        for done, agent in enumerate(agents):
            unit = agent.unit
            if not looks_at_all and (unit in skip or agent.path in skip):
                if agent.queue is None and (row := self._emit(agent, _left_alone(agent))) is not None:
                    changed.append(row)
                continue
            if agent.risky and agent.queue is None and (changed or gone):
                # Whatever becomes of this one, the others are on the screen.
                yield self._part(changed, gone, done, total)
                changed, gone, said = [], [], clock.now()
            beat(unit)
            try:
                status = system_stat(agent.file)
                signature = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)
            except OSError:
                signature = None
            if (
                signature == agent.signature
                and signature is not None
                and not (agent.nested and agent.displaced())
            ):
                continue
            row = self._look(agent, beat, careful, patient)
            if row is not None:
                changed.append(row)
                careful -= row.size_bytes or 0
            if agent.torn:
                torn.append(agent)
            if clock.now() - said >= _PART_S:
                yield self._part(changed, gone, done + 1, total)
                changed, gone, said = [], [], clock.now()
        while torn and retries > 0:
            if changed or gone:
                yield self._part(changed, gone, total, total)
                changed, gone = [], []
            retries -= 1
            self._sleep(_WAIT_S)
            for agent in torn:
                beat(agent.unit)
                row = self._look(agent, beat, careful, patient=retries > 0)
                if row is not None:
                    changed.append(row)
            torn = [agent for agent in torn if agent.torn]
        problems += self._shared.problems(
            {agent.name: agent.path for agent in agents} if self._shared else {}
        )
        yield self._part(changed, gone, total, total, problems)

    def _part(
        self,
        changed: list[AgentQueue],
        gone: list[str],
        done: int,
        total: int,
        problems: Sequence[tuple[str, Problem]] = (),
    ) -> ScanPart:
        tasks, self._tasks = tuple(self._tasks), []
        return ScanPart(tuple(changed), tuple(gone), done, total, tuple(problems), tasks)

    # -- one agent ----------------------------------------------------------------------------

    def _look(
        self, agent: Agent, beat: Callable[[str], None], careful: int, patient: bool
    ) -> AgentQueue | None:
        """Read the agent's file; its row, if that is not the same as before.

        `patient`: it will be read again in this scan if its writer seems to be at work, and
        until then a good state that is on the screen is not marked.
        """
        clock = self._clock
        began, wall = clock.now(), clock.wall()
        try:
            found = self._read(agent, beat)
        except RefusedError as refused:
            return self._refused(agent, refused, began)
        agent.absent = False
        status = found.status
        signature = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)
        if signature != agent.seen:
            agent.seen, agent.noticed = signature, began
        mtime = status.st_mtime_ns / 1e9
        reading = interpret(
            found.data, agent.name, min(mtime, wall), self._limits, careful >= len(found.data)
        )
        young = abs(wall - mtime) < YOUNG_S or (agent.queue is not None and began - agent.noticed < YOUNG_S)
        doubted = found.torn or (young and reading.level != WHOLE)
        # What was never good has nothing to be held against: it is shown as far as it can be read.
        held = agent.good is not None and (doubted or reading.level == BROKEN)
        agent.torn = doubted and (held or found.torn or reading.level == BROKEN)
        agent.signature = None if doubted or abs(wall - mtime) < RACY_S else signature
        if held and agent.good is not None:
            if agent.torn and patient:
                return None
            return self._emit(agent, _stale(agent.good, reading.problems, doubted))
        row = reading.queue._replace(
            path=agent.path,
            mtime=mtime,
            size_bytes=status.st_size,
            read_ms=round((clock.now() - began) * 1000, 3),
            read_at=wall,
            problems=_with_link(reading, found),
        )
        if reading.level != BROKEN and not doubted:
            agent.good = row
            self._tasks.append(reading.tasks(mtime))
        self._shared.put(agent.name, reading.counted.live)
        return self._emit(agent, row)

    def _read(self, agent: Agent, beat: Callable[[str], None]) -> Bytes:
        def alive() -> None:
            beat(agent.unit)

        try:
            return read_bytes(agent.use(nested=False), self._limits.max_bytes, alive)
        except RefusedError as refused:
            if not refused.gone:
                raise
        # Older systems keep the file one folder down.
        try:
            return read_bytes(agent.use(nested=True), self._limits.max_bytes, alive)
        except RefusedError as refused:
            if refused.gone:
                agent.use(nested=False)
            raise

    def _refused(self, agent: Agent, refused: RefusedError, now: float) -> AgentQueue | None:
        if agent.seen is not None:
            agent.seen, agent.noticed = None, now
        agent.torn = False
        agent.signature = None
        if agent.good is not None and not (refused.gone and now - agent.noticed >= YOUNG_S):
            # Some editors remove a file and write it anew: for a moment that is no loss.
            return self._emit(agent, _stale(agent.good, (refused.problem,), refused.gone))
        agent.good = None
        agent.absent = refused.gone
        self._shared.put(agent.name, frozenset())
        row = EMPTY_QUEUE._replace(agent=agent.name, path=agent.path)
        if not refused.gone:
            row = row._replace(form="unreadable", problems=(refused.problem,), read_at=self._clock.wall())
        return self._emit(agent, row)

    def _emit(self, agent: Agent, row: AgentQueue) -> AgentQueue | None:
        old = agent.queue
        if (
            old is not None
            and old[:_READ_MS] == row[:_READ_MS]
            and old[_READ_AT + 1 :] == row[_READ_AT + 1 :]
        ):
            return None
        agent.queue = row
        return row

    # -- on demand ----------------------------------------------------------------------------

    def tasks(self, agent: str) -> tuple[Task, ...]:
        """See `QueueBackend.tasks`."""
        from core.queues.detail import tasks

        found = self._content(agent)
        latest = min(found.status.st_mtime_ns / 1e9, self._clock.wall())
        return tasks(found.data, agent, latest, self._limits)

    def record(self, agent: str, place: str, index: int, task_id: str) -> str:
        """See `QueueBackend.record`."""
        from core.queues.detail import record

        text = record(self._content(agent).data, place, index, task_id, self._limits)
        if text is None:
            path = self._folders.by_name[agent].path
            raise PollError(f"{task_id or f'{place}[{index}]'} is not in {path} any more")
        return text

    def _content(self, name: str) -> Bytes:
        if name not in self._folders.by_name:
            self._folders.refresh()
        agent = self._folders.by_name.get(name)
        if agent is None:
            raise PollError(f"there is no agent {name} in {self._folders.shown}")
        try:
            return self._read(agent, lambda unit: None)
        except RefusedError as refused:
            raise PollError(f"{agent.path}: {refused}") from refused


def _left_alone(agent: Agent) -> AgentQueue:
    """The row of an agent that hung before it could be read once."""
    found = Problem(ERROR, "skipped", "left alone, since it did not answer")
    return EMPTY_QUEUE._replace(agent=agent.name, path=agent.path, form="unreadable", problems=(found,))


def _stale(good: AgentQueue, problems: tuple[Problem, ...], passing: bool) -> AgentQueue:
    """The last good row, marked. `passing`: somebody is probably writing the file."""
    if passing:
        errors = [found for found in problems if found.severity == ERROR]
        first = errors[0] if errors else Problem(ERROR, "torn", "it changed while it was read")
        detail = f"probably being written ({first.detail})"
        problems = (Problem(ERROR, "being_written", detail, first.line, first.column, first.key),)
    return good._replace(stale_since=good.read_at, problems=problems)


def _with_link(reading: Reading, found: Bytes) -> tuple[Problem, ...]:
    return (*reading.problems, link_problem(found.link)) if found.link else reading.problems
