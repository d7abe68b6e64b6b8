"""The judge of a plan: a list of sentences of what is wrong with it, by section 5 of the specification.

Reads the plan's JSON and the documents, and works everything out with `tests.balance.judge.naive`. Whether the same
comes out again, and whether nothing comes out afterwards, is asked of the planner that is handed in.
"""

import copy
import math
import re
from collections import Counter
from collections.abc import Callable
from typing import Any

from tests.balance.judge.naive import (
    Document,
    Goals,
    Task,
    Workspace,
    fingerprint,
    id_of,
    moved_of,
    priority_of,
    seconds,
    status_of,
)

Plan = dict[str, Any]
Planner = Callable[[dict[str, Document], Document, str], Plan]

CODES = ("evacuate", "relieve_overload", "reduce_overflow", "make_room")
CAUSES = ("no_eligible_receiver", "saturated", "indivisible", "pinned", "cooldown", "budget")
RANKS = {"CRITICAL": 4, "HIGH": 3, "MEDIUM": 2, "LOW": 1}
TINY = 1e-6


def is_above(left: float, right: float) -> bool:
    """Whether `left` is higher by more than rounding explains."""
    return left > right + TINY * max(1.0, abs(right))


def is_same(left: Any, right: float) -> bool:
    """Whether a number in a plan is the one that was worked out."""
    if type(left) not in (int, float):
        return False
    return math.isclose(left, right, rel_tol=1e-9, abs_tol=TINY)


def is_worse(left: Goals, right: Goals) -> bool:
    """Whether `left` comes after `right` in the order X, P, E, O."""
    for mine, other in zip(left[:4], right[:4], strict=True):
        if is_above(mine, other):
            return True
        if is_above(other, mine):
            return False
    return False


def faults(documents: dict[str, Document], plan: Plan) -> list[str]:
    """What is wrong with a plan by itself: I1 to I6, I9, I10 and the order of its moves."""
    workspace = Workspace(documents, plan["config"], plan["now"])
    found = _of_moves(workspace, plan)
    if found:
        return found  # nothing else can be worked out
    moved = {_task(workspace, move).key: move["to"] for move in plan["moves"]}
    before, after = workspace.goals(), workspace.goals(moved)
    found += _of_picture(workspace, "before", plan["before"], {}, before)
    found += _of_picture(workspace, "after", plan["after"], moved, after)
    found += _of_goals(workspace, plan, before, after)
    found += _of_each_undone(workspace, plan, moved, after)
    found += _of_order(workspace, plan, before, after)
    found += _of_bound(plan, before, after)
    found += _of_unresolved(workspace, plan, moved)
    found += _of_warnings(workspace, plan)
    return found


def faults_in_repetition(documents: dict[str, Document], plan: Plan, planner: Planner) -> list[str]:
    """I7 within one process, and I8: the plan again, and a plan of what comes of it."""
    found = []
    turned = {agent: documents[agent] for agent in reversed(list(documents))}
    if planner(turned, plan["config"], plan["now"]) != plan:
        found.append("I7: planned again, with the agents in another order, it is another plan")
    if plan["config"]["max_moves"]:
        return found  # what the budget did not allow is still to be done
    found += _of_more(documents, plan, planner, plan["config"])
    without: Document = {**plan["config"], "cooldown_hours": 0}
    workspace = Workspace(documents, plan["config"], plan["now"])
    if any(workspace.is_cooling(task) for task in workspace.tasks):
        # Tasks that could not be moved may be moved without a cool-down: that makes it another plan from the start.
        plan = planner(documents, without, plan["now"])
    return found + _of_more(documents, plan, planner, without)


def _of_more(documents: dict[str, Document], plan: Plan, planner: Planner, config: Document) -> list[str]:
    """Whether anything is left to be done once the plan is applied."""
    again = planner(applied(documents, plan), config, plan["now"])
    if not again["moves"]:
        return []
    first = again["moves"][0]
    return [
        f"I8: after applying {len(plan['moves'])} moves, with cooldown_hours {config['cooldown_hours']}, "
        f"{len(again['moves'])} more are planned, first {task_id_of(first)} ({first['reason']['code']}); "
        f"X P E O {_short(again['before'])} -> {_short(again['after'])}"
    ]


def applied(documents: dict[str, Document], plan: Plan) -> dict[str, Document]:
    """The documents after the plan, tasks placed as section 7 says."""
    done = copy.deepcopy(documents)
    for move in plan["moves"]:
        source, target = done[move["from"]]["tasks"], done[move["to"]]["tasks"]
        place = next(
            n for n, row in enumerate(source) if isinstance(row, dict) and id_of(row) == move["task_id"]
        )
        row = source.pop(place)
        origin = moved_of(row).get("origin") or move["from"]
        row["bluetop"] = {"moved_at": plan["now"], "origin": origin, "plan_id": plan["plan_id"]}
        target.insert(placement(target, row), row)
    return done


def placement(tasks: list[Any], row: Document) -> int:
    """Where a moved task goes among the receiver's."""
    rank = RANKS.get(priority_of(row), 0)
    pending = [
        n for n, other in enumerate(tasks) if isinstance(other, dict) and status_of(other) == "pending"
    ]
    equal = [n for n in pending if RANKS.get(priority_of(tasks[n]), 0) >= rank]
    return equal[-1] + 1 if equal else pending[0] if pending else len(tasks)


def _short(picture: Document) -> str:
    return f"({picture['misplaced']}, {picture['peak']:.6g}, {picture['excess_hours']:.6g}, {picture['overflow']})"


def _task(workspace: Workspace, move: Document) -> Task:
    return workspace.by_id[move["task_id"]]


def _of_moves(workspace: Workspace, plan: Plan) -> list[str]:
    """I1 to I4, I9, and the numbers of each move."""
    found = []
    moves = plan["moves"]
    config = plan["config"]
    if [move["seq"] for move in moves] != list(range(1, len(moves) + 1)):
        found.append("I1: seq does not count 1, 2, 3, …")
    for task_id, count in Counter(move["task_id"] for move in moves).items():
        if count > 1:
            found.append(f"I1: {task_id} is in {count} moves")
    if config["max_moves"] and len(moves) > config["max_moves"]:
        found.append(f"I4: {len(moves)} moves, {config['max_moves']} are allowed")
    for move in moves:
        task_id, source, receiver = move["task_id"], move["from"], move["to"]
        name = f"move {move['seq']} ({task_id} {source} -> {receiver})"
        task = workspace.by_id.get(task_id)
        if task is None:
            found.append(f"I1: {name}: there are {workspace.count.get(task_id, 0)} tasks of this id")
            continue
        if task.owner != source:
            found.append(f"I1: {name}: its owner is {task.owner}")
            continue
        if source == receiver:
            found.append(f"I1: {name}: goes nowhere")
        if receiver not in workspace.documents:
            found.append(f"I3: {name}: there is no such agent")
            continue
        if not workspace.is_movable(task):
            found.append(f"I2: {name}: is not movable")
        if not workspace.is_eligible(receiver, task):
            found.append(f"I3: {name}: the receiver is not eligible")
        for key, agent in (("hours_from", source), ("hours_to", receiver)):
            if not is_same(move[key], workspace.p(agent, task)):
                found.append(f"I10: {name}: {key} is {move[key]}, not {workspace.p(agent, task)}")
        if move["imputed"] is not workspace.imputed(task):
            found.append(f"I10: {name}: imputed is {move['imputed']}")
        if move["fingerprint"] != fingerprint(task.row):
            found.append(f"I10: {name}: the fingerprint is another one")
        found += [f"I9: {name}: {what}" for what in _of_reason(move["reason"])]
    return found


def _of_reason(reason: Document) -> list[str]:
    if reason["code"] not in CODES:
        return [f"there is no reason {reason['code']!r}"]
    if not re.search(r"\d", reason["text"]):
        return [f"the reason has no number: {reason['text']!r}"]
    return []


def _of_picture(
    workspace: Workspace, name: str, picture: Document, moved: dict[int, str], goals: Goals
) -> list[str]:
    """I10: every number of `before` or `after`."""
    found = []
    for key, value in (
        ("misplaced", goals.misplaced), ("peak", goals.worst), ("excess_hours", goals.excess_hours),
        ("overflow", goals.overflow),
    ):  # fmt: skip
        if not is_same(picture[key], value):
            found.append(f"I10: {name}.{key} is {picture[key]}, not {value}")
    if sorted(picture["agents"]) != workspace.agents:
        return [*found, f"I10: {name}.agents are {sorted(picture['agents'])}, not {workspace.agents}"]
    loads, pending, nominal = workspace.loads(moved), workspace.pending(moved), workspace.nominal(moved)
    target, under = workspace.config["target"], workspace.config["under"]
    for agent, row in picture["agents"].items():
        capacity = workspace.capacity[agent]
        use = 100 * loads[agent] / capacity
        for key, value in (
            ("capacity_hours", capacity), ("load_hours", loads[agent]), ("utilisation", use),
            ("workload_score", min(100.0, 100 * nominal[agent] / capacity)), ("pending", pending[agent]),
        ):  # fmt: skip
            if not is_same(row[key], value):
                found.append(f"I10: {name}.agents.{agent}.{key} is {row[key]}, not {value}")
        if row["state"] != workspace.state[agent]:
            found.append(f"I10: {name}.agents.{agent}.state is {row['state']}, not {workspace.state[agent]}")
        # Whether one that is to be emptied anyway counts as overloaded is left open.
        over = agent in picture["overloaded"]
        if over != (use > target) and abs(use - target) > TINY and (over or agent in workspace.judged):
            found.append(f"I10: {name}.overloaded {'has' if over else 'lacks'} {agent} at {use:.6g} %")
        few = agent in picture["underutilised"]
        if few != (use < under and workspace.state[agent] == "active") and abs(use - under) > TINY:
            found.append(f"I10: {name}.underutilised {'has' if few else 'lacks'} {agent} at {use:.6g} %")
    return found


def _of_goals(workspace: Workspace, plan: Plan, before: Goals, after: Goals) -> list[str]:
    """I5, and whether it is worth proposing."""
    found = []
    target = workspace.config["target"]
    if is_worse(after, before):
        found.append(f"I5: X P E O become worse: {before[:4]} -> {after[:4]}")
    if not before.misplaced and is_above(after.worst, max(target, before.worst)):
        found.append(
            f"I5: nothing was misplaced, and the worst utilisation rises: {before.worst} -> {after.worst}"
        )
    if plan["moves"] and not is_worth_it(workspace, before, after):
        found.append(f"goals: nothing is lowered by more than its tolerance: {before[:4]} -> {after[:4]}")
    return found


def is_worth_it(workspace: Workspace, before: Goals, after: Goals) -> bool:
    """Whether a plan that does this may be proposed; tolerances are taken of the value afterwards."""
    peak = before.peak - after.peak
    relative = 0.02 if workspace.config["target"] > 0 else 0.005
    return (
        after.misplaced < before.misplaced
        or (peak > relative * after.peak - TINY and peak >= workspace.config["min_gain"] - TINY)
        or before.excess_hours - after.excess_hours > 0.05 * after.excess_hours + 0.5 - TINY
        or before.overflow - after.overflow > max(1.0, 0.05 * after.overflow) - TINY
    )


def _of_each_undone(workspace: Workspace, plan: Plan, moved: dict[int, str], after: Goals) -> list[str]:
    """I6: each move undone by itself."""
    found = []
    loads, pending = workspace.loads(moved), workspace.pending(moved)
    for move in plan["moves"]:
        task = _task(workspace, move)
        source, receiver = move["from"], move["to"]
        was = loads[source], loads[receiver]
        loads[source] += workspace.p(source, task)
        loads[receiver] -= workspace.p(receiver, task)
        pending[source] += 1
        pending[receiver] -= 1
        left = after.misplaced + (task.key in workspace.misplaced)
        undone = workspace.goals_of(left, loads, pending)
        pending[source] -= 1
        pending[receiver] += 1
        loads[source], loads[receiver] = was
        if not any(worse > good + TINY for worse, good in zip(undone[:4], after[:4], strict=True)):
            found.append(
                f"I6: move {move['seq']} ({task_id_of(move)}) is not needed: X P E O are {after[:4]} with it, "
                f"{undone[:4]} without"
            )
    return found


def task_id_of(move: Document) -> str:
    """The task and its way, for a sentence."""
    return f"{move['task_id']} {move['from']} -> {move['to']}"


def _of_order(workspace: Workspace, plan: Plan, before: Goals, after: Goals) -> list[str]:
    """Evacuations first; no agent is pushed too high on the way, where that can be had; codes make sense."""
    found = []
    pushes = []
    target, limit = workspace.config["target"], workspace.config["queue_limit"]
    highest = max(target, before.worst, after.worst)
    loads, pending = workspace.loads({}), workspace.pending({})
    receives = Counter(move["to"] for move in plan["moves"])
    others = False
    for move in plan["moves"]:
        task, source, receiver = _task(workspace, move), move["from"], move["to"]
        name = f"move {move['seq']} ({task_id_of(move)})"
        code = move["reason"]["code"]
        giver_use = 100 * loads[source] / workspace.capacity[source]
        was_full = pending[source] > limit > 0
        loads[source] -= workspace.p(source, task)
        loads[receiver] += workspace.p(receiver, task)
        pending[source] -= 1
        pending[receiver] += 1
        use = 100 * loads[receiver] / workspace.capacity[receiver]
        if is_above(use, highest):
            pushes.append(f"order: {name} pushes {receiver} to {use:.6g} %, above {highest:.6g} %")
        if (code == "evacuate") != (task.key in workspace.misplaced):
            found.append(f"I9: {name} is {code}, and was {'' if code != 'evacuate' else 'not '}misplaced")
        if code == "evacuate" and others:
            found.append(f"order: {name} is an evacuation, after moves that are none")
        if code == "relieve_overload" and not is_above(giver_use, target):
            found.append(f"I9: {name} is {code}, and the giver is at {giver_use:.6g} %")
        if code == "reduce_overflow" and not was_full:
            found.append(f"I9: {name} is {code}, and the giver has {pending[source] + 1} pending tasks")
        if code == "make_room" and not receives[source]:
            found.append(f"I9: {name} is {code}, and the giver receives nothing")
        others = others or code != "evacuate"
    if pushes and _has_order(workspace, plan, highest):
        found += pushes
    return found


def _has_order(workspace: Workspace, plan: Plan, highest: float) -> bool:
    """Whether the moves can be done in an order that pushes nobody above `highest`, evacuations first.

    Looks at so many sets of moves at most; gives up with False.
    """
    moves = [(_task(workspace, move), move["from"], move["to"]) for move in plan["moves"]]
    first = [n for n, (task, _, _) in enumerate(moves) if task.key in workspace.misplaced]
    seen: set[frozenset[int]] = set()
    open_sets: list[frozenset[int]] = [frozenset()]
    start = workspace.loads({})
    while open_sets and len(seen) < 3_000:
        done = open_sets.pop()
        if done in seen:
            continue
        seen.add(done)
        if len(done) == len(moves):
            return True
        loads = dict(start)
        for n in done:
            task, source, receiver = moves[n]
            loads[source] -= workspace.p(source, task)
            loads[receiver] += workspace.p(receiver, task)
        candidates = [n for n in first if n not in done] or [n for n in range(len(moves)) if n not in done]
        for n in candidates:
            task, _, receiver = moves[n]
            use = 100 * (loads[receiver] + workspace.p(receiver, task)) / workspace.capacity[receiver]
            if not is_above(use, highest):
                open_sets.append(done | {n})
    return False


def _of_bound(plan: Plan, before: Goals, after: Goals) -> list[str]:
    peak, gap = plan["bound"]["peak"], plan["bound"]["gap"]
    if peak is None:
        return [] if gap is None else [f"I10: bound.gap is {gap} without a bound"]
    found = []
    known = [after] if before.misplaced else [before, after]
    for goals in known:
        if is_above(peak, goals.peak):
            found.append(f"I10: bound.peak is {peak}, and a plan with {goals.peak} is known")
    least = max(plan["config"]["target"], peak)
    if least > 0.001 and not is_same(gap, (after.peak - least) / least):
        found.append(f"I10: bound.gap is {gap}, not {(after.peak - least) / least}")
    return found


def _of_unresolved(workspace: Workspace, plan: Plan, moved: dict[int, str]) -> list[str]:
    """I10: whoever is left above the target is listed, once, with a cause that can be."""
    found = []
    rows = plan["unresolved"]
    loads = workspace.loads(moved)
    target = workspace.config["target"]
    names = [row["agent"] for row in rows]
    for agent in workspace.judged:
        use = 100 * loads[agent] / workspace.capacity[agent]
        if is_above(use, target) and names.count(agent) != 1:
            found.append(f"I10: {agent} stays at {use:.6g} % and is in unresolved {names.count(agent)} times")
    theirs: dict[str, list[Task]] = {agent: [] for agent in workspace.agents}
    for task in workspace.tasks:
        theirs[moved.get(task.key, task.owner)].append(task)
    for row in rows:
        agent, cause = row["agent"], row["cause"]
        if agent not in workspace.documents:
            found.append(f"I10: unresolved has {agent}, which does not exist")
            continue
        use = 100 * loads[agent] / workspace.capacity[agent]
        if not is_same(row["utilisation"], use):
            found.append(f"I10: unresolved has {agent} at {row['utilisation']} %, not {use}")
        if use < target - TINY:
            found.append(f"I10: unresolved has {agent}, which is at {use:.6g} %")
        found += [
            f"I10: unresolved: {agent} is {cause}, but {what}"
            for what in _against(workspace, plan, agent, cause, theirs[agent])
        ]
    return found


def _against(workspace: Workspace, plan: Plan, agent: str, cause: str, tasks: list[Task]) -> list[str]:
    """What speaks against a cause."""
    open_tasks = [task for task in tasks if workspace.weight(task) > 0]
    movable = [task for task in open_tasks if workspace.is_movable(task)]
    mobile = [task for task in movable if any(other != agent for other in homes(workspace, task))]
    if cause not in CAUSES:
        return ["there is no such cause"]
    if cause == "no_eligible_receiver" and mobile:
        return [f"{id_of(mobile[0].row)} may go to {homes(workspace, mobile[0])[:3]}"]
    if cause == "pinned" and len(movable) == len(open_tasks):
        return ["all of its tasks are movable"]
    if cause == "cooldown" and not any(
        status_of(task.row) == "pending" and workspace.is_cooling(task) for task in open_tasks
    ):
        return ["no task of it is cooling down"]
    if cause == "budget" and not plan["config"]["max_moves"]:
        return ["there is no budget"]
    started = any(status_of(task.row) != "pending" for task in open_tasks)
    if cause in ("saturated", "indivisible") and not mobile and not (cause == "indivisible" and started):
        return ["none of its tasks may go anywhere"]
    return []


def homes(workspace: Workspace, task: Task) -> list[str]:
    """Where a task could be, its owner included unless it is the wrong one."""
    return [*([] if task.key in workspace.misplaced else [task.owner]), *workspace.receivers(task)]


def _of_warnings(workspace: Workspace, plan: Plan) -> list[str]:
    """Whether what is odd in the documents is said."""
    said = {(row["code"], row["agent"], row["task_id"]) for row in plan["warnings"]}
    expected: set[tuple[str, str, str | None]] = {
        ("duplicate_id", task.owner, id_of(task.row))
        for task in workspace.tasks
        if workspace.count[id_of(task.row)] > 1
    }
    for agent, document in workspace.documents.items():
        agent_id = document.get("agent_id")
        if isinstance(agent_id, str) and agent_id and agent_id != agent:
            expected.add(("id_mismatch", agent, None))
    return [f"warnings: {row} is missing" for row in sorted(expected - said, key=str)]


def at(plan: Plan) -> float:
    """The plan's `now` in wall seconds."""
    return seconds(plan["now"]) or 0.0
