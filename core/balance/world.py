"""A workspace as rebalancing sees it: every standard queue, what is odd, and a digest of what went in.

Reads and nothing else: no locks, no file is made. May hang with a mount; whoever cannot wait has it done by a
helper process (`core.balance.worker`).
"""

import hashlib
import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from core.balance.facts import Agent, Estimates, agent_of, estimates_of
from core.balance.plan import Warned
from core.balance.strict import QUEUE_FILE, NotStandard, parse, read_queue
from core.errors import WorkspaceError
from core.text import clean, clean_line
from core.workspace import POSTBOX

NESTED = os.path.join("outbox", QUEUE_FILE)

# (what is being done, how much of it, out of how much)
Tell = Callable[[str, int, int], None]


def silent(what: str, done: int, total: int) -> None:
    """Tell nobody."""


class World(NamedTuple):
    """The standard queues of a workspace, by agent; `inputs` is a digest of all their bytes, `sha256` one of each.

    `twice` are ids of which there is more than one task. `unread` are the agents that take no part.
    """

    agents: Mapping[str, Agent]
    documents: Mapping[str, Mapping[str, Any]]
    estimates: Estimates
    twice: frozenset[str]
    unread: tuple[str, ...]
    warnings: tuple[Warned, ...]
    inputs: str
    sha256: Mapping[str, str]


def read_world(workspace: str, tell: Tell = silent) -> World:
    """Read every queue of `workspace`.

    Raises:
        WorkspaceError: its postbox cannot be listed.
    """
    postbox = os.path.join(workspace, POSTBOX)
    try:
        names = sorted(entry.name for entry in os.scandir(postbox) if entry.is_dir())
    except OSError as error:
        raise WorkspaceError(
            clean_line(f"{postbox} cannot be read: {error.strerror}; check its permissions")
        ) from error
    files: dict[str, bytes] = {}
    unread: dict[str, str] = {}
    documents: dict[str, Mapping[str, Any]] = {}
    places: dict[tuple[int, int], list[str]] = {}
    for number, name in enumerate(names):
        shown = clean_line(name, 60)
        tell(f"reading {shown}", number, len(names))
        if clean(name) != name:
            unread[shown] = "has a name that cannot be shown as it is"
            continue
        try:
            queue = read_queue(postbox, name)
            files[name], documents[name] = queue.data, queue.document
            places.setdefault((queue.status.st_dev, queue.status.st_ino), []).append(name)
        except FileNotFoundError:
            if os.path.lexists(os.path.join(postbox, name, NESTED)):
                unread[name] = f"keeps its queue in {NESTED}, an older layout that is only read"
        except NotStandard as error:
            unread[name] = str(error)
    for names in places.values():
        for name, other in _aliases(postbox, names):
            del files[name], documents[name]
            unread[name] = f"is a link to the queue of {other}"
    return _world(documents, files, unread)


def _aliases(postbox: str, names: list[str]) -> Iterator[tuple[str, str]]:
    """Of agents that have one and the same file, those that only links lead to it, each with the one that keeps it.

    Hard links are left alone: they are two files as soon as one of them is replaced.
    """
    if len(names) < 2:
        return
    keepers: dict[str, str] = {}
    paths = {name: os.path.join(postbox, name, QUEUE_FILE) for name in names}
    for name in sorted(names, key=lambda name: (_is_linked(paths[name]), name)):
        keeper = keepers.setdefault(os.path.realpath(paths[name]), name)
        if keeper != name:
            yield name, keeper


def _is_linked(path: str) -> bool:
    return os.path.islink(path) or os.path.islink(os.path.dirname(path))


def world_of(files: Mapping[str, bytes]) -> World:
    """The same of queue files that are at hand: agent → bytes."""
    documents: dict[str, Mapping[str, Any]] = {}
    unread: dict[str, str] = {}
    for name in sorted(files):
        try:
            documents[name] = parse(files[name])
        except NotStandard as error:
            unread[name] = str(error)
    return _world(documents, files, unread)


def _world(
    documents: Mapping[str, Mapping[str, Any]], files: Mapping[str, bytes], unread: Mapping[str, str]
) -> World:
    agents = {name: agent_of(name, documents[name]) for name in sorted(documents)}
    marks = {name: hashlib.sha256(files[name]) for name in agents}
    digest = hashlib.sha256()
    for name, mark in marks.items():
        digest.update(os.fsencode(name) + b"\0" + mark.digest())
    counted = Counter(task.task_id for agent in agents.values() for task in agent.tasks if task.task_id)
    twice = frozenset(task_id for task_id, count in counted.items() if count > 1)
    warnings = [
        Warned("unreadable", name, "", clean_line(f"{unread[name]}; it takes no part")) for name in unread
    ]
    for name, agent in agents.items():
        if agent.agent_id and agent.agent_id != name:
            detail = f"its file says agent_id {agent.agent_id!r}; the folder's name counts"
            warnings.append(Warned("id_mismatch", name, "", clean_line(detail)))
        if twice:
            warnings += [
                Warned("duplicate_id", name, task_id,
                       f"{counted[task_id]} tasks have this id; none of them is moved")
                for task_id in dict.fromkeys(task.task_id for task in agent.tasks) if task_id in twice
            ]  # fmt: skip
    warnings.sort()
    return World(
        agents, documents, estimates_of(agents.values()), twice, tuple(sorted(unread)), tuple(warnings),
        digest.hexdigest(), {name: mark.hexdigest() for name, mark in marks.items()},
    )  # fmt: skip
