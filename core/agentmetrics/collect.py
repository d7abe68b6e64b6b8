"""Collecting the metrics of a workspace: queue files and `.metrics/` are read, and written if that is wanted.

Every queue file is read apart, within its own deadline, so that one on a mount that hangs costs its
agent's news and nothing else; what touches `.metrics/` is `session`. What is written is what was read
under the lock, so that no older look overwrites a newer one. Called through `core.control` where
something is written; without `save` nothing is changed anywhere.
"""

import contextlib
import os
from collections.abc import Generator, Iterator, Sequence
from typing import Any, NamedTuple, cast

import msgspec

from core.agentmetrics.measures import Sums
from core.agentmetrics.model import SUFFIX, Data, Queue, task_key
from core.agentmetrics.owners import Shared
from core.agentmetrics.seen import read_queue
from core.agentmetrics.session import Keeper, Session, Step
from core.agentmetrics.store import AGENTS, FOLDER, LOCK_S, Refused, Store
from core.agentmetrics.track import Decision, Event
from core.apart import Answer, ask_apart
from core.clock import SYSTEM_CLOCK, Clock
from core.errors import UsageError, WorkspaceError
from core.queues import Limits
from core.queues.folders import Folders
from core.text import clean, clean_line

# A queue file larger than this may take as long as reading it takes, if it can be looked at at all.
_PATIENT_BYTES = 16 * 1024 * 1024
_BYTES_PER_S = 2 * 1024 * 1024
_NAMED = 8


class Place(NamedTuple):
    """A workspace, and how patiently it is read."""

    workspace: str
    limits: Limits = Limits()
    deadline_s: float = 5.0
    clock: Clock = SYSTEM_CLOCK


class Agent(NamedTuple):
    """One agent after collecting. `queue` is without its rows; `current` is the task in progress.

    `kept`: it has a metrics file, which was `written` now or not. `added`, `updated` and `moved` (task
    and its new agent) are news of this time; `moved_tasks` counts all that it keeps for others.
    """

    queue: Queue
    kept: bool
    written: bool
    added: int
    updated: int
    moved: tuple[tuple[str, str], ...]
    moved_tasks: int
    sums: Sums
    last_updated: str | None
    current: str
    last_active: str | None
    tasks: tuple[Data, ...]

    @property
    def file(self) -> str:
        """Its metrics file, below the workspace."""
        return metrics_file(self.queue)


class Problem(NamedTuple):
    """Something about a file. `severity` is error (not wholly read, or not written) or odd (read all the same)."""

    severity: str
    agent: str
    file: str
    text: str


class Collected(NamedTuple):
    """All agents, the sum of them, tasks that several have, what went wrong, and the report that was saved."""

    at: float
    agents: tuple[Agent, ...]
    overall: Sums
    shared: tuple[Shared, ...]
    problems: tuple[Problem, ...]
    report: str
    written: int

    @property
    def complete(self) -> bool:
        """Whether every file was wholly read and, where that was wanted, written."""
        return not any(problem.severity == "error" for problem in self.problems)


class Tracked(NamedTuple):
    """A task after its start or end was recorded; `recorded` False: that was known already."""

    agent: str
    task_id: str
    recorded: bool
    entry: Data
    file: str


def metrics_file(queue: Queue) -> str:
    """The metrics file of an agent, below the workspace, fit to be shown."""
    return clean(f"{FOLDER}/{AGENTS}/{queue.folder}{SUFFIX}")


def collect(
    place: Place, save: bool, agent: str | None = None, report: bool = False, tasks: bool = False
) -> Collected:
    """Bring the metrics of every agent, or of one, up to date; `report` saves one too, `tasks` gives each task.

    Raises:
        UsageError: there is no such agent.
        WorkspaceError: the workspace, or `.metrics/` in it, does not answer.
        Refused: `.metrics/` is not to be written, or another bluetop does that all the time.
        OSError: the file system refused to write.
    """
    if agent is not None:  # before anything is made
        listed, left_out = _agents(place)
        _match(listed, _former(place, listed, left_out), agent, place)
    with _locked(place) if save else contextlib.nullcontext():
        return _collect(place, save, agent, report, tasks)


def _collect(place: Place, save: bool, agent: str | None, report: bool, tasks: bool) -> Collected:
    listed, left_out = _agents(place)
    former = _former(place, listed, left_out)
    only = None if agent is None else _match(listed, former, agent, place)
    queues = [*_read(place, listed), *former]
    at = place.clock.wall()
    every = range(len(queues))
    chosen = every if only is None else range(only, only + 1)
    steps: list[Step] = [
        ("begin",),
        *(("ids", n) for n in every),
        *(("claims", n) for n in every),
        ("owners",),
    ]
    steps += [("merge", n, tasks) for n in chosen]
    steps += [("report", at), ("end",)] if report else [("end",)]
    answers = _session(place, queues, save, steps)
    overall = Sums()
    agents: list[Agent] = []
    problems = [Problem("error", "", "postbox", text) for text in left_out]
    for n, found in zip(chosen, answers["merge"], strict=True):
        overall.add_wire(found["sums"])
        problems += _problems(queues[n], found.pop("problem"))
        agents.append(_agent(queues[n], found))
    shared = tuple(Shared(row[0], row[1], tuple(row[2]), row[3]) for row in answers["owners"][0])
    if only is not None:
        name = agents[0].queue.agent
        shared = tuple(row for row in shared if name == row.owner or name in row.others)
    saved = answers["report"][0] if report else ""
    return Collected(at, tuple(agents), overall, shared, tuple(problems), saved, answers["end"][0])


def _agent(queue: Queue, found: Data) -> Agent:
    sums = Sums()
    sums.add_wire(found.pop("sums"))
    moved = tuple((row[0], row[1]) for row in found.pop("moved"))
    return Agent(queue._replace(rows=b""), sums=sums, moved=moved, tasks=tuple(found.pop("tasks")), **found)


def _problems(queue: Queue, of_metrics: str) -> list[Problem]:
    found: list[Problem] = []
    file = f"postbox/{queue.agent}/{queue.place}"
    if queue.problem:
        found.append(Problem("error", queue.agent, file, queue.problem))
    if queue.nameless:
        number = "1 task" if queue.nameless == 1 else f"{queue.nameless} tasks"
        text = f"{number} without an id; nobody can follow what has no name, so not counted here"
        found.append(Problem("odd", queue.agent, file, text))
    if of_metrics:
        found.append(Problem("error", queue.agent, metrics_file(queue), of_metrics))
    return found


# -- by hand ----------------------------------------------------------------------------------------


def track(place: Place, agent: str, task: str, event: Event) -> Tracked:
    """Record the start or the end of a task.

    Raises:
        UsageError: there is no such agent, or it has no such task.
        Refused: it contradicts what is recorded, or the metrics file is not to be written.
        WorkspaceError, OSError: as for `collect`.
    """
    listed, _ = _agents(place)
    name, folder = listed[_match(listed, [], agent, place)]
    key = task_key(task)
    steps = [("begin",), ("track", 0, key, event), ("end",)]

    def look(save: bool) -> tuple[Queue, Decision, Data]:
        queue = _read(place, [(name, folder)])[0]
        (found,) = _session(place, [queue], save, steps)["track"]
        return queue, Decision(*found["decision"]), found

    queue, decision, found = look(save=False)
    if decision.unknown:
        raise UsageError(_no_task(place, listed, queue, key, found["ids"]))
    if not decision.refusal and decision.facts is not None:
        # Nothing was made so far, not even a folder; now it is decided again, under the lock.
        with _locked(place):
            queue, decision, found = look(save=True)
    if decision.refusal:
        raise Refused(f"{name}: {key}: {decision.refusal}")
    return Tracked(name, key, decision.facts is not None, found["entry"], metrics_file(queue))


def _no_task(place: Place, listed: list[tuple[str, str]], queue: Queue, key: str, ids: list[str]) -> str:
    from difflib import get_close_matches

    said = f"{queue.agent} has no task {key}, neither in its queue file nor in its metrics"
    if queue.problem:
        return f"{said}; but {queue.place} could not be wholly read: {queue.problem}"
    others = [agent for agent in listed if agent[0] != queue.agent]
    owners = [q.agent for q in _read(place, others) if key in {row[0] for row in msgspec.json.decode(q.rows)}]
    if owners:
        return f"{said}; it is in the queue file of {owners[0]}: name that agent"
    close = get_close_matches(key, ids, n=1, cutoff=0.6)
    if close:
        return f"{said}; did you mean {close[0]}?"
    return f"{said}; it has {_some(ids)}"


# -- reading ----------------------------------------------------------------------------------------


def _agents(place: Place) -> tuple[list[tuple[str, str]], list[str]]:
    """The agents: name and folder; and what there is to say of agents that were left out."""

    def work(workspace: str) -> Any:
        folders = Folders(workspace, place.limits.max_agents, place.clock)
        folders.refresh()
        names = [(agent.name, os.fsencode(agent.file.rsplit("/", 2)[1]).hex()) for agent in folders.agents]
        return names, [problem.detail for _, problem in folders.problems]

    answer = _asked(place.workspace, work, place.deadline_s)
    if answer.hung:
        raise WorkspaceError(
            f"workspace {place.workspace} does not answer ({place.deadline_s:g} s): its mount may be hung"
        )
    if answer.problem:
        raise WorkspaceError(f"workspace {place.workspace}: {answer.problem}")
    names, problems = answer.value
    return [(name, _name(digits)) for name, digits in names], problems


def _read(place: Place, agents: Sequence[tuple[str, str]]) -> list[Queue]:
    """The queue file of each agent."""

    def work(path: str) -> Any:
        return read_queue(path, place.limits, place.clock)

    paths = [os.path.join(place.workspace, "postbox", folder) for _, folder in agents]
    found: list[Queue] = []
    for (name, folder), (path, answer) in zip(agents, ask_apart(paths, work, place.deadline_s), strict=True):
        if answer.hung and (size := _size(path, place.deadline_s)) > _PATIENT_BYTES:
            answer = _asked(path, work, place.deadline_s + size / _BYTES_PER_S)
        if answer.problem:
            found.append(Queue(name, folder, "unread", problem=answer.problem, place="outbox.json"))
        else:
            value = answer.value
            rows = msgspec.json.encode(value.pop("rows"))
            found.append(Queue(name, folder, rows=rows, **value))
    return found


def _size(folder: str, deadline_s: float) -> int:
    """Bytes of the queue file in a folder; 0 if it does not answer that either."""
    answer = _asked(os.path.join(folder, "outbox.json"), lambda path: os.stat(path).st_size, deadline_s)
    return answer.value or 0


def _asked(item: Any, work: Any, deadline_s: float) -> Answer:
    ((_, answer),) = ask_apart([item], work, deadline_s)
    return answer


def _former(place: Place, listed: Sequence[tuple[str, str]], left_out: Sequence[str]) -> list[Queue]:
    """Agents that have a metrics file and no folder any more; where some were left out, they may have one."""
    taken = {name for name, _ in listed}
    folders = {folder for _, folder in listed}
    found: list[Queue] = []
    for digits in _session(place, (), False, [("names",)])["names"][0]:
        folder = _name(digits)
        if folder in folders:
            continue
        name = plain = clean(folder)
        number = 2
        while name in taken:
            name, number = f"{plain}~{number}", number + 1
        taken.add(name)
        found.append(Queue(name, folder, "unread" if left_out else "gone"))
    return found


def _name(digits: str) -> str:
    """A file name that was sent as hexadecimal digits."""
    return os.fsdecode(bytes.fromhex(digits))


def _match(listed: Sequence[tuple[str, str]], former: Sequence[Queue], wanted: str, place: Place) -> int:
    """Which of the agents is meant: its place among those that are listed and, after them, the former ones."""
    from difflib import get_close_matches

    names = [name for name, _ in listed] + [queue.agent for queue in former]
    name = clean(wanted)
    if name in names:
        return names.index(name)
    close = get_close_matches(name.casefold(), [known.casefold() for known in names], n=1, cutoff=0.5)
    if close:
        meant = next(known for known in names if known.casefold() == close[0])
        advice = f"did you mean {meant}?"
    else:
        advice = f"there are {_some(names)}" if names else "there is none at all"
    raise UsageError(f"there is no agent {clean_line(name, 80)} in {place.workspace}; {advice}")


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more if names else "none"


@contextlib.contextmanager
def _locked(place: Place) -> Iterator[None]:
    """Hold the lock of `.metrics/`, which is made if it is not there, in a process of its own."""
    keeper = Keeper(Store(place.workspace, place.limits.max_bytes, place.clock))
    patience_s = place.deadline_s + LOCK_S
    asked = cast("Generator[tuple[str, Answer]]", ask_apart(("lock", "keep"), keeper.work, patience_s))
    try:
        with contextlib.closing(asked):  # then the process goes, and the lock with it
            _, answer = next(asked)
            _checked(answer, place, patience_s, True)
            yield
    finally:
        for fd in keeper.pipe:
            os.close(fd)


def _session(
    place: Place, queues: Sequence[Queue], save: bool, steps: Sequence[Step]
) -> dict[str, list[Any]]:
    """Have the steps done, in one process; what each returned, by its name."""
    session = Session(place.workspace, queues, place.limits.max_bytes, save, place.clock)
    # The tasks of one agent may be a million.
    most = max((len(queue.rows) for queue in queues), default=0)
    patience_s = 2 * place.deadline_s + most / _BYTES_PER_S
    asked = cast("Generator[tuple[Step, Answer]]", ask_apart(steps, session.work, patience_s))
    answers: dict[str, list[Any]] = {}
    with contextlib.closing(asked):  # with the first failure the process goes
        for step, answer in asked:
            answers.setdefault(step[0], []).append(_checked(answer, place, patience_s, save))
    return answers


def _checked(answer: Answer, place: Place, patience_s: float, save: bool) -> Any:
    """What a step returned, or the reason why it did not, raised."""
    if answer.hung:
        raise WorkspaceError(
            f"{FOLDER} in {place.workspace} does not answer ({patience_s:g} s): its mount may be hung"
        )
    if answer.problem:
        raise Refused(answer.problem)
    value = answer.value
    if isinstance(value, dict) and "failed" in value:
        number, reason, file, written = value["failed"]
        if not save:
            raise Refused(f"{file} cannot be read: {reason}; check its permissions")
        before = f", after {written} files had been written" if written else ""
        raise OSError(number, f"{reason}{before}", file)
    return value
