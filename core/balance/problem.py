"""What the planner works on: numbers only. Tasks that can move, agents that can take them, and what is fixed.

Everything here is in hours and indices; agents by name, tasks by agent and place, so that the same files give the same
problem. Tasks that ask for the same are one class: a class knows who may take its tasks, and how many hours an
estimated one of them takes there.
"""

from operator import itemgetter
from typing import NamedTuple

from core.balance.facts import (
    ACTIVE,
    DECOMMISSIONED,
    NOTHING,
    PENDING,
    Agent,
    Task,
    is_cooling,
    lacks,
    may_receive,
)
from core.balance.options import PEERS, Options
from core.balance.world import World

# Why a task stays, whatever the plan.
STATUS, NO_ID, TWICE, PIN, COOL, NOBODY = "status", "no_id", "duplicate", "pinned", "cooldown", "nobody"


class Kind(NamedTuple):
    """Tasks that ask for the same: `receivers` may take one, in order; `hours` by agent for one estimated hour.

    `hours` has the owners as well, which may not be among the receivers.
    """

    receivers: tuple[int, ...]
    hours: dict[int, float]


class Item(NamedTuple):
    """A task that can move. It takes `size` · `hours` of its kind at an agent."""

    owner: int
    task: Task
    kind: int
    size: float
    hours: float
    misplaced: bool
    weight: int


class Problem(NamedTuple):
    """One workspace to be planned. `allowed[i]` is where item i may be: its owner too, unless misplaced.

    `fixed_hours`, `fixed_pending` are what cannot move from each agent; `limit` is the queue limit. `partners[i]` are
    items that depend on item i, or that it depends on; `anchors[i]` agents where such tasks are fixed.
    """

    options: Options
    names: tuple[str, ...]
    agents: tuple[Agent, ...]
    capacity: tuple[float, ...]
    counted: tuple[bool, ...]
    fixed_hours: tuple[float, ...]
    fixed_pending: tuple[int, ...]
    kinds: tuple[Kind, ...]
    items: tuple[Item, ...]
    allowed: tuple[tuple[int, ...], ...]
    partners: tuple[tuple[int, ...], ...]
    anchors: tuple[tuple[int, ...], ...]


def stays(task: Task, twice: frozenset[str], options: Options, now: float) -> str:
    """Why a task may not move, "" if it may."""
    if task.status != PENDING:
        return STATUS
    if not task.task_id:
        return NO_ID
    if task.task_id in twice:
        return TWICE
    if task.pinned or task.task_id in options.pins:
        return PIN
    return COOL if is_cooling(task, options.cooldown_hours, now) else ""


def origin_of(world: World, agent: Agent, task: Task) -> frozenset[str]:
    """The expertise of whoever had the task first."""
    first = world.agents.get(task.origin) if task.origin else agent
    return NOTHING if first is None else first.expertise


def problem_of(world: World, options: Options, now: float) -> Problem:
    """The problem of planning `world` at `now` (wall seconds)."""
    names = tuple(sorted(world.agents))
    agents = tuple(world.agents[name] for name in names)
    fixed_hours = [0.0] * len(names)
    fixed_pending = [0] * len(names)
    kinds: list[Kind] = []
    known: dict[object, int] = {}
    items: list[Item] = []
    item_of: dict[str, tuple[int, int]] = {}
    finished = frozenset().union(*(agent.done for agent in agents)) if agents else NOTHING
    may_move: list[tuple[str, int, Task]] = []
    pins = frozenset(options.pins)
    for owner, agent in enumerate(agents):
        for task in agent.tasks:
            if not task.weight:
                continue
            if task.task_id not in pins and not stays(task, world.twice, options, now):
                may_move.append((task.task_id, owner, task))
                continue
            fixed_hours[owner] += agent.hours(task, world.estimates.of(task)) * task.weight
            if task.status == PENDING:
                fixed_pending[owner] += 1
                if task.task_id and task.task_id not in world.twice:
                    item_of[task.task_id] = (owner, -1)
    # By id, and not by where they are now: what is sought is the same wherever the tasks happen to lie.
    for task_id, owner, task in sorted(may_move, key=itemgetter(0)):
        agent, hours = agents[owner], world.estimates.of(task)
        number = _kind(world, agents, agent, task, options, kinds, known, task_id in finished)
        kind = kinds[number]
        if kind.receivers in ((), (owner,)):
            fixed_hours[owner] += agent.hours(task, hours)
            fixed_pending[owner] += 1
            item_of[task_id] = (owner, -1)
            continue
        own = task.agent_hours is not None
        if owner not in kind.hours:
            kind.hours[owner] = agent.hours(task, hours if own else 1.0)
        item_of[task_id] = (owner, len(items))
        items.append(
            Item(owner, task, number, 1.0 if own else hours, hours, lacks(agent, task), max(1, task.rank))
        )
    places: dict[tuple[int, int, bool], tuple[int, ...]] = {}
    for item in items:
        if (item.kind, item.owner, item.misplaced) not in places:
            others = [agent for agent in kinds[item.kind].receivers if agent != item.owner]
            places[item.kind, item.owner, item.misplaced] = tuple(
                others if item.misplaced else sorted((*others, item.owner))
            )
    allowed = tuple(places[item.kind, item.owner, item.misplaced] for item in items)
    partners, anchors = _edges(agents, len(items), item_of)
    return Problem(
        options, names, agents, tuple(agent.capacity_hours for agent in agents),
        tuple(agent.state != DECOMMISSIONED for agent in agents), tuple(fixed_hours), tuple(fixed_pending),
        tuple(kinds), tuple(items), allowed, partners, anchors,
    )  # fmt: skip


def _kind(
    world: World, agents: tuple[Agent, ...], owner: Agent, task: Task, options: Options, kinds: list[Kind],
    known: dict[object, int], finished: bool,
) -> int:  # fmt: skip
    """The number of the task's kind; a new one if there is none yet."""
    origin = NOTHING
    if not task.skills and options.unlabelled == PEERS:
        origin = origin_of(world, owner, task)
    single = task.agent_hours is not None or finished
    key: object = task.task_id if single else (task.skills, origin)
    number = known.get(key)
    if number is None:
        number = known[key] = len(kinds)
        estimate = world.estimates.of(task) if task.agent_hours is not None else 1.0
        receivers = tuple(
            index for index, agent in enumerate(agents)
            if agent.state == ACTIVE and may_receive(agent, task, origin, options.unlabelled)
        )  # fmt: skip
        kinds.append(Kind(receivers, {index: agents[index].hours(task, estimate) for index in receivers}))
    return number


def _edges(
    agents: tuple[Agent, ...], count: int, item_of: dict[str, tuple[int, int]]
) -> tuple[tuple[tuple[int, ...], ...], tuple[tuple[int, ...], ...]]:
    """Of each item, the items and the agents of pending tasks that it is tied to by a dependency."""
    partners: list[list[int]] = [[] for _ in range(count)]
    anchors: list[list[int]] = [[] for _ in range(count)]
    for owner, agent in enumerate(agents):
        for task in agent.tasks:
            if not task.needs or task.status != PENDING:
                continue
            mine = item_of.get(task.task_id, (owner, -1))
            for needed in task.needs:
                other = item_of.get(needed)
                if other is None or needed == task.task_id:
                    continue
                if mine[1] >= 0 and other[1] >= 0:
                    partners[mine[1]].append(other[1])
                    partners[other[1]].append(mine[1])
                elif mine[1] >= 0:
                    anchors[mine[1]].append(other[0])
                elif other[1] >= 0:
                    anchors[other[1]].append(owner)
    return tuple(map(tuple, partners)), tuple(map(tuple, anchors))
