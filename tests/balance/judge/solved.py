"""A plan by the solver, to try the judge on: the best X, P, E and O, with the fewest moves. Small instances only."""

import hashlib
import json
import math
from typing import Any

from tests.balance.judge.checker import Plan, homes, is_above, is_worth_it
from tests.balance.judge.naive import Document, Goals, Task, Workspace, fingerprint, id_of, priority_of
from tests.balance.judge.oracle import Exact, freedom_of, lower_bound


def solved(documents: dict[str, Document], config: Document, now: str) -> Plan:
    """An object of bluetop.plan/1."""
    workspace = Workspace(documents, config, now)
    before = workspace.goals()
    moves = _moves(workspace, before)
    moved = {task.key: receiver for task, receiver in moves}
    if not is_worth_it(workspace, before, workspace.goals(moved)):
        moves, moved = [], {}
    after = workspace.goals(moved)
    bound: float | None = None
    gap: float | None = None
    if not workspace.config["max_moves"]:
        bound = max(lower_bound(workspace), workspace.config["target"])
        gap = (after.peak - bound) / bound if bound else 0.0
    rows = [_row(workspace, number, task, receiver) for number, (task, receiver) in enumerate(moves, 1)]
    _explain(workspace, rows)
    return {
        "schema": "bluetop.plan/1", "plan_id": hashlib.sha256(json.dumps(rows).encode()).hexdigest()[:32],
        "now": now, "config": workspace.config,
        "before": _picture(workspace, {}, before), "after": _picture(workspace, moved, after),
        "bound": {"peak": bound, "gap": gap}, "moves": rows, "unresolved": _unresolved(workspace, moved),
        "warnings": [
            {"code": "duplicate_id", "agent": task.owner, "task_id": id_of(task.row), "detail": "twice"}
            for task in workspace.tasks if workspace.count[id_of(task.row)] > 1
        ] + [
            {"code": "id_mismatch", "agent": agent, "task_id": None, "detail": "another"}
            for agent in workspace.agents if documents[agent].get("agent_id") not in (agent, None, "")
        ],
    }  # fmt: skip


def _moves(workspace: Workspace, before: Goals) -> list[tuple[Task, str]]:
    exact = Exact(workspace)
    found = freedom_of(workspace, may_stay=True)
    limits: dict[str, float] = {}
    for goal in ("misplaced", "peak", "excess_hours", "overflow"):
        best = exact.least(goal, **limits).value
        if goal == "peak" and not before.misplaced:
            best = min(best, before.peak)
        limits[goal] = round(best) if goal in ("misplaced", "overflow") else best + 1e-7
    columns = exact.least("moves", **limits).columns
    chosen: list[tuple[Task, str]] = []
    at = 0
    for task in found.free:
        for agent in found.homes[task.key]:
            if columns[at] > 0.5 and agent != task.owner:
                chosen.append((task, agent))
            at += 1
    return _ordered(workspace, chosen)


def _ordered(workspace: Workspace, chosen: list[tuple[Task, str]]) -> list[tuple[Task, str]]:
    """Evacuations, then always the move that leaves the receiver lowest for what the giver has."""
    target = workspace.config["target"]
    loads = workspace.loads({})
    ordered = []
    rest = list(chosen)

    def worst_first(move: tuple[Task, str]) -> tuple[bool, bool, float, int]:
        task, receiver = move
        use = 100 * (loads[receiver] + workspace.p(receiver, task)) / workspace.capacity[receiver]
        giver = 100 * loads[task.owner] / workspace.capacity[task.owner]
        return task.key not in workspace.misplaced, is_above(use, max(target, giver)), -giver, task.key

    while rest:
        task, receiver = move = min(rest, key=worst_first)
        rest.remove(move)
        ordered.append(move)
        loads[task.owner] -= workspace.p(task.owner, task)
        loads[receiver] += workspace.p(receiver, task)
    return ordered


def _row(workspace: Workspace, number: int, task: Task, receiver: str) -> Document:
    return {
        "seq": number, "task_id": id_of(task.row), "from": task.owner, "to": receiver,
        "hours_from": workspace.p(task.owner, task), "hours_to": workspace.p(receiver, task),
        "imputed": workspace.imputed(task), "fingerprint": fingerprint(task.row),
        "reason": {"code": "evacuate", "text": ""}, "title": "", "priority": priority_of(task.row),
    }  # fmt: skip


def _explain(workspace: Workspace, rows: list[Document]) -> None:
    loads, pending = workspace.loads({}), workspace.pending({})
    limit = workspace.config["queue_limit"]
    for row in rows:
        task, source, receiver = workspace.by_id[row["task_id"]], row["from"], row["to"]
        giver = 100 * loads[source] / workspace.capacity[source]
        code = (
            "evacuate" if task.key in workspace.misplaced
            else "relieve_overload" if giver > workspace.config["target"]
            else "reduce_overflow" if pending[source] > limit > 0
            else "make_room"
        )  # fmt: skip
        loads[source] -= row["hours_from"]
        loads[receiver] += row["hours_to"]
        pending[source] -= 1
        pending[receiver] += 1
        after = 100 * loads[source] / workspace.capacity[source]
        row["reason"] = {"code": code, "text": f"{source} {giver:.1f} % -> {after:.1f} %"}


def _picture(workspace: Workspace, moved: dict[int, str], goals: Goals) -> Document:
    loads, pending, nominal = workspace.loads(moved), workspace.pending(moved), workspace.nominal(moved)
    use = {agent: 100 * loads[agent] / workspace.capacity[agent] for agent in workspace.agents}
    config = workspace.config
    return {
        "misplaced": goals.misplaced, "peak": goals.worst, "excess_hours": goals.excess_hours,
        "overflow": goals.overflow,
        "overloaded": [agent for agent in workspace.judged if use[agent] > config["target"]],
        "underutilised": [
            agent for agent in workspace.judged
            if use[agent] < config["under"] and workspace.state[agent] == "active"
        ],
        "agents": {
            agent: {
                "state": workspace.state[agent], "capacity_hours": workspace.capacity[agent],
                "load_hours": loads[agent], "utilisation": use[agent], "pending": pending[agent],
                "workload_score": min(100.0, 100 * nominal[agent] / workspace.capacity[agent]),
            }
            for agent in workspace.agents
        },
    }  # fmt: skip


def _unresolved(workspace: Workspace, moved: dict[int, str]) -> list[Document]:
    loads = workspace.loads(moved)
    found: list[dict[str, Any]] = []
    for agent in workspace.judged:
        use = 100 * loads[agent] / workspace.capacity[agent]
        if not is_above(use, workspace.config["target"]):
            continue
        tasks = [t for t in workspace.tasks if moved.get(t.key, t.owner) == agent and workspace.weight(t)]
        mobile = [
            t
            for t in tasks
            if workspace.is_movable(t) and any(other != agent for other in homes(workspace, t))
        ]
        cooling = any(workspace.is_cooling(t) for t in tasks)
        stuck = not all(workspace.is_movable(t) for t in tasks)
        cause = (
            "saturated" if mobile else "cooldown" if cooling else "pinned" if stuck else "no_eligible_receiver"
        )  # fmt: skip
        found.append({"agent": agent, "utilisation": math.fsum((use,)), "cause": cause})
    return found
