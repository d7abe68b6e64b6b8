"""The prober's side of the ledger: what a scan told, as parts of its answer, and questions about the past.

Not for judging what changed: that is `core.record.ledger`.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from core.prober import wire
from core.queues.model import NO_WORK, AgentQueue, Task, Transition

if TYPE_CHECKING:
    from core.clock import Clock
    from core.record.ledger import Ledger, Told

MOST_LIFE = 2000
# Of more agents than these every line is parsed; of fewer only those that name one.
_NAMED_SINGLY = 20


def new_ledger(request: Mapping[str, Any], clock: "Clock") -> "Ledger":
    """The ledger that `request["record"]` asks for: its folders, and whether it may write there."""
    from core.record.journal import Journal
    from core.record.ledger import Ledger

    plan = request.get("record") or {}
    workspace = request["workspace"]
    journals = [
        Journal(
            folder, clock, write=bool(plan.get("write")), most_bytes=int(plan["most_bytes"]),
            within=workspace if folder.startswith(workspace.rstrip("/") + "/") else None,
        )
        for folder in plan.get("folders", ())
    ]  # fmt: skip
    return Ledger(clock, journals)


def with_work(row: AgentQueue, ledger: "Ledger") -> AgentQueue:
    """The row with what the ledger knows of its finished work; nothing is () on the wire."""
    work = ledger.work(row.agent)
    return row._replace(work=() if work is NO_WORK else work)  # type: ignore[arg-type]


def parts(told: "Told") -> Iterator[str]:
    """What was told, as JSON texts that the owner's poller puts together again.

    The record comes first: it says in which time the transitions were watched.
    """
    if told.record is not None:
        yield f'{{"record":{wire.encode(told.record)}}}'
    for name in ("past", "caught_up", "seen", "work"):
        rows = getattr(told, name)
        for piece in wire.parts(wire.encode(row) for row in rows):
            yield f'{{"{name}":[{piece}]}}'
    for name in ("lost", "knots"):
        rows = getattr(told, name)
        if rows is not None:
            yield f'{{"{name}":{wire.encode(rows)}}}'


def life(ledger: "Ledger", agent: str, task: str, beat: Callable[[str], None]) -> list[Transition]:
    """The last transitions of one agent or one task, oldest first; at most `MOST_LIFE`."""
    from core.record import journal
    from core.record.files import encoded

    ring = [c for c in ledger.ring() if (not agent or c.agent == agent) and (not task or c.task == task)]
    path = ledger.path
    if not path:
        return ring[-MOST_LIFE:]
    wanted = [
        f'"{key}": {encoded(word)}'.encode() for key, word in (("agent", agent), ("task", task)) if word
    ]
    folder = path.rpartition("/")[0]
    kept = journal.life(folder, lambda row: all(word in row for word in wanted), MOST_LIFE, beat)
    last = {(change.agent, change.task): change for change in kept}
    for change in ring:
        if _goes_on(last.get((change.agent, change.task)), change):
            kept.append(change)
            last[change.agent, change.task] = change
    return kept[-MOST_LIFE:]


def _goes_on(kept: Transition | None, change: Transition) -> bool:
    """Whether `change`, which this process saw, is not in the record, whose last of that task is `kept`.

    What another instance has written meanwhile ends where `change` does, and is no news.
    """
    return kept is None or (change.before == kept.after and change.seen_at > kept.seen_at)


def latest(ledger: "Ledger", agents: list[str], beat: Callable[[str], None]) -> list[Transition]:
    """The last transition of every task of `agents` (none: of all) that is not finished after it."""
    from core.queues.states import FINISHED
    from core.record import journal
    from core.record.files import encoded

    asked = set(agents)
    wanted = [f'"agent": {encoded(agent)}'.encode() for agent in agents[: _NAMED_SINGLY + 1]]
    named = 0 < len(wanted) <= _NAMED_SINGLY
    found: dict[tuple[str, str], Transition] = {}

    def put(change: Transition) -> None:
        if change.after is None or change.after in FINISHED:
            found.pop((change.agent, change.task), None)
        elif not asked or change.agent in asked:
            found[change.agent, change.task] = change

    path = ledger.path
    if path:
        folder = path.rpartition("/")[0]
        for change in journal.kept(folder, lambda row: not named or any(w in row for w in wanted), beat):
            put(change)
    for change in ledger.ring():
        if not path or _goes_on(found.get((change.agent, change.task)), change):
            put(change)
    return list(found.values())


def with_estimates(ledger: "Ledger", agent: str, tasks: tuple[Task, ...]) -> tuple[Task, ...]:
    """The tasks with the estimates that were known while they were live, where their records lack them."""
    if all(task.estimated_hours is not None for task in tasks):
        return tasks
    known = ledger.remembered(agent)
    return tuple(
        task._replace(estimated_hours=state.estimated_hours)
        if task.estimated_hours is None and (state := known.get(task.task_id)) is not None
        else task
        for task in tasks
    )
