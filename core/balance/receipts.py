"""Receipts: which tasks there were before and after a plan was carried out, and whether they all are there still.

    .bluetop/receipts/<plan_id>.json   ids before and after per agent, hashes of the files, the result, a sum

Also the list of what was done before, from the journals. Reads only, but for `write_receipt`.
"""

import hashlib
import json
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from core.balance.doing import Result
from core.balance.journal import RECEIPTS, Intent, folder_of, is_plan_id, made_folder
from core.balance.past import Past, history
from core.balance.room import stamp_of
from core.balance.strict import NotStandard, read_regular
from core.balance.swap import remove, sync_folder
from core.balance.world import read_world
from core.errors import UsageError
from core.record.files import stay_within, write_all
from core.text import clean_line

__all__ = ["Counted", "Found", "Past", "Verification", "counted", "history", "verify", "write_receipt"]

SCHEMA, VERIFY_SCHEMA = "bluetop.receipt/1", "bluetop.verify/1"


class Counted(NamedTuple):
    """The queue files at one moment: ids of tasks and SHA-256 by agent.

    `done` are the ids in histories and whose they are, `unread` the agents whose file takes no part.
    """

    tasks: Mapping[str, Counter[str]]
    sha256: Mapping[str, str]
    done: Mapping[str, str]
    unread: tuple[str, ...]

    @property
    def everywhere(self) -> Counter[str]:
        """How many tasks have which id, over all agents."""
        total: Counter[str] = Counter()
        for found in self.tasks.values():
            total.update(found)
        return total

    def data(self, agents: Sequence[str]) -> dict[str, Any]:
        """As it is kept: the agents that are concerned by name, all together as one number and one digest."""
        everywhere = self.everywhere
        rows = json.dumps(sorted(everywhere.items()), separators=(",", ":")).encode()
        return {
            "agents": {
                name: {"sha256": self.sha256.get(name), "tasks": dict(sorted(self.tasks.get(name, {}).items()))}
                for name in agents
            },
            "all_tasks": sum(everywhere.values()),
            "all_ids_sha256": hashlib.sha256(rows).hexdigest(),
        }  # fmt: skip


def counted(workspace: str) -> Counted:
    """Count all tasks of a workspace, file by file as they are now.

    Raises:
        WorkspaceError: its postbox cannot be listed.
    """
    world = read_world(workspace)
    return Counted(
        {
            name: Counter(task.task_id for task in agent.tasks if task.task_id)
            for name, agent in world.agents.items()
        },
        world.sha256,
        {task_id: name for name, agent in world.agents.items() for task_id in agent.done},
        world.unread,
    )


def differences(before: Mapping[str, Any], after: Counted) -> dict[str, list[str]]:
    """What came and went since `before`, as `Counted.data` gave it, of its agents' tasks.

    By id: lost, doubled, finished (in a history by now), added.
    """
    agents: Mapping[str, Any] = before["agents"]
    had: Counter[str] = Counter()
    has: Counter[str] = Counter()
    for name, row in agents.items():
        had.update(row["tasks"])
        has.update(after.tasks.get(name, {}))
    everywhere = after.everywhere
    found: dict[str, list[str]] = {"lost": [], "doubled": [], "finished": [], "added": []}
    for task_id in sorted(had.keys() | has.keys()):
        if everywhere[task_id] < had[task_id]:
            found["finished" if task_id in after.done else "lost"].append(task_id)
        elif has[task_id] > had[task_id]:
            found["doubled" if had[task_id] else "added"].append(task_id)
    return found


# -- writing ---------------------------------------------------------------------------------------


def write_receipt(
    workspace: str, wall: float, result: Result, kind: str, by: Mapping[str, Any], moves: Sequence[Intent],
    before: Mapping[str, Any],
) -> None:  # fmt: skip
    """Keep the receipt of what was done; `before` is what `Counted.data` gave when it began.

    Raises:
        OSError: it could not be written.
        WorkspaceError: its postbox cannot be listed.
    """
    folder = made_folder(workspace, RECEIPTS)
    after = counted(workspace)
    body: dict[str, Any] = {
        "schema": SCHEMA, "plan_id": result.plan_id, "kind": kind, "at": stamp_of(wall),
        "by": dict(by), "result": result.data(),
        "moves": [
            {"seq": move.seq, "task_id": move.task_id, "from": move.source, "to": move.receiver} for move in moves
        ],
        "before": before, "after": after.data(list(before["agents"])), "differences": differences(before, after),
    }  # fmt: skip
    body["checksum"] = checksum(body)
    path = _path(workspace, result.plan_id)
    if os.path.lexists(path):
        _set_aside(path)
    made = os.path.join(folder, f".{result.plan_id}-{os.urandom(4).hex()}.tmp")
    fd = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
    try:
        try:
            write_all(fd, json.dumps(body, indent=1).encode() + b"\n")
            os.fsync(fd)
        finally:
            os.close(fd)
        os.replace(made, path)
    except BaseException:
        remove(made)
        raise
    sync_folder(folder)


def has_receipt(workspace: str, plan_id: str) -> bool:
    """Whether there is a receipt of a plan already."""
    return os.path.lexists(_path(workspace, plan_id))


def checksum(body: Mapping[str, Any]) -> str:
    """SHA-256 of a receipt, all but its sum, as canonical JSON."""
    rest = {key: value for key, value in body.items() if key != "checksum"}
    return hashlib.sha256(json.dumps(rest, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _path(workspace: str, plan_id: str) -> str:
    return os.path.join(folder_of(workspace), RECEIPTS, plan_id + ".json")


def _set_aside(path: str) -> None:
    """Keep the receipt of an earlier run of the same plan under another name."""
    number = 1
    while os.path.lexists(other := f"{path[: -len('.json')]}.{number}.json"):
        number += 1
    os.rename(path, other)


# -- checking --------------------------------------------------------------------------------------


class Found(NamedTuple):
    """One task of a receipt as it is now: `ok`, `moved_on`, `finished`, `gone`, `doubled` or `unknown`."""

    task_id: str
    agent: str
    state: str
    detail: str


class Verification(NamedTuple):
    """A receipt against the files as they are now.

    `intact`: it is as it was written. `conserved`: it says that nothing was lost or doubled while the plan was
    carried out. `moved` are the tasks that were moved, `trouble` all that are gone or doubled since, `changed`
    the agents whose file is another by now.
    """

    plan_id: str
    at: str
    by: Mapping[str, Any]
    intact: bool
    conserved: bool
    tasks: int
    moved: tuple[Found, ...]
    trouble: tuple[Found, ...]
    changed: tuple[str, ...]
    detail: str

    @property
    def ok(self) -> bool:
        """Whether no task was lost or doubled, then or since."""
        return self.intact and self.conserved and not self.trouble

    def data(self) -> dict[str, Any]:
        """The object of bluetop.verify/1."""
        return {
            "schema": VERIFY_SCHEMA, "plan_id": self.plan_id, "ok": self.ok, "at": self.at, "by": dict(self.by),
            "intact": self.intact, "conserved": self.conserved, "tasks": self.tasks,
            "moved": [row._asdict() for row in self.moved],
            "trouble": [row._asdict() for row in self.trouble],
            "changed_since": list(self.changed), "detail": self.detail,
        }  # fmt: skip


def read_receipt(workspace: str, plan_id: str) -> dict[str, Any]:
    """The receipt of a plan.

    Raises:
        UsageError: there is none, or it cannot be read.
    """
    if not is_plan_id(plan_id):
        raise UsageError(f"{plan_id[:80]!r} is no plan's id; `bluetop optimize --history` lists them")
    path = _path(workspace, plan_id)
    try:
        stay_within(folder_of(workspace), workspace)
        stay_within(os.path.dirname(path), workspace)
        data, _ = read_regular(path)
        body = json.loads(data)
    except FileNotFoundError:
        raise UsageError(
            f"there is no receipt of plan {plan_id}; `bluetop optimize --history` lists what was applied"
        ) from None
    except (OSError, NotStandard, ValueError, RecursionError) as error:
        raise UsageError(f"the receipt of plan {plan_id} cannot be read: {error}") from error
    if not isinstance(body, dict) or body.get("schema") != SCHEMA or body.get("plan_id") != plan_id:
        raise UsageError(f"{RECEIPTS}/{plan_id}.json is no receipt of that plan")
    return body


def verify(workspace: str, plan_id: str) -> Verification:
    """Whether all tasks of a receipt are there still, each once, or came to an end.

    Raises:
        UsageError: there is no such receipt.
        WorkspaceError: the workspace cannot be read.
    """
    body = read_receipt(workspace, plan_id)
    try:
        return _verified(body, plan_id, counted(workspace))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UsageError(f"the receipt of plan {plan_id} is not of bluetop's shape: {error}") from error


def _verified(body: Mapping[str, Any], plan_id: str, now: Counted) -> Verification:
    agents: Mapping[str, Any] = body["after"]["agents"]
    holders: dict[str, list[str]] = {}
    for name, tasks in now.tasks.items():
        for task_id, count in tasks.items():
            holders.setdefault(task_id, []).extend([name] * count)
    counts: Counter[str] = Counter()
    for row in agents.values():
        counts.update(row["tasks"])
    unread = [name for name in agents if name in now.unread]
    made = set(body["result"]["applied"])
    receivers = {move["task_id"]: move["to"] for move in body["moves"] if move["seq"] in made}
    moved, trouble = [], []
    for task_id in sorted(counts.keys() | receivers.keys()):
        found = _found(task_id, max(1, counts[task_id]), holders.get(task_id, []), now.done, unread)
        receiver = receivers.get(task_id)
        if found.state == "ok" and receiver is not None and found.agent != receiver:
            found = found._replace(
                state="moved_on",
                detail=f"with {found.agent} by now, not with {clean_line(str(receiver), 100)}",
            )
        if receiver is not None:
            moved.append(found)
        if found.state in ("gone", "doubled"):
            trouble.append(found)
    changed = tuple(name for name, row in sorted(agents.items()) if row["sha256"] != now.sha256.get(name))
    lost = body["differences"]["lost"] + body["differences"]["doubled"]
    intact = body.get("checksum") == checksum(body)
    detail = (
        "the receipt was changed after it was written" if not intact
        else f"{len(lost)} tasks were lost or doubled while the plan was carried out" if lost
        else f"{len(trouble)} tasks are there twice, or in no queue and no history any more" if trouble
        else "every task is there once, or came to an end"
    )  # fmt: skip
    return Verification(
        plan_id, clean_line(str(body["at"]), 40), _cleaned(body["by"]), intact, not lost, sum(counts.values()),
        tuple(moved), tuple(trouble), tuple(clean_line(name, 100) for name in changed), detail,
    )  # fmt: skip


def _cleaned(by: Mapping[str, Any]) -> dict[str, str]:
    return {clean_line(key, 40): clean_line(str(value), 300) for key, value in by.items()}


def _found(task_id: str, count: int, holders: list[str], done: Mapping[str, str], unread: list[str]) -> Found:
    shown = clean_line(task_id, 100)
    if len(holders) > count:
        return Found(shown, holders[0], "doubled", f"there {len(holders)} times: {', '.join(holders)}")
    if holders:
        return Found(shown, holders[0], "ok", f"with {holders[0]}")
    if task_id in done:
        return Found(shown, done[task_id], "finished", f"in the history of {done[task_id]}")
    if unread:
        return Found(shown, "", "unknown", f"{', '.join(unread)} cannot be read now")
    return Found(
        shown, "", "gone", "in no queue and in no history: finished and dropped by its agent, or lost"
    )
