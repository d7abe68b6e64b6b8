"""The plan for a workspace: what should move, why, what comes of it, and how far that is from what is possible.

Pure: the same files, options and time give the same plan, byte for byte. May take a minute for a hundred thousand
tasks: whoever has a screen runs it in a helper process (`core.balance.client`).
"""

from collections.abc import Collection
from types import MappingProxyType

from core.balance.facts import is_cooling
from core.balance.options import Options, checked
from core.balance.order import in_order
from core.balance.pictures import Loads, moves_of
from core.balance.plan import Plan, plan_id_of
from core.balance.problem import Problem, problem_of
from core.balance.seek import LARGE, seek
from core.balance.state import State
from core.balance.unresolved import unresolved_of
from core.balance.world import Tell, World, silent
from core.record.files import stamp

_SMALL = 1000  # tasks that can move: the outcome is looked at with and without the cool-down
_CHECKS = 4  # how often the outcome is planned anew, to see that nothing is left to do


def plan(world: World, options: Options, now: float, tell: Tell = silent) -> Plan:
    """The plan for `world` at `now` (wall seconds); it has no moves where nothing is worth one."""
    problem = problem_of(world, checked(options), now)
    large = len(problem.items) > LARGE
    found = seek(problem, tell, thrifty=large)
    state, bound = found.state, found.bound
    if state.moved() and not large:
        state = _settled(world, problem, state, now, tell)
    tell("putting the moves in order", 0, 0)
    return _told(world, problem, state, bound, now)


def _settled(world: World, problem: Problem, best: State, now: float, tell: Tell) -> State:
    """Few moves to something as good as `best`, after which planning anew finds nothing to do."""
    peak = best.peak()
    if problem.options.max_moves:  # with a new budget there always is more to do
        return seek(problem, tell, best, peak).state
    better: State | None = best
    for turn in range(_CHECKS):
        tell("looking for the best state", turn, _CHECKS)
        more = _again(world, problem, best, now, peak)
        if more is None:
            break
        better = best = more
        peak = min(peak, best.peak())
    state = best
    for turn in range(_CHECKS):
        if better is None:
            break
        peak = min(peak, better.peak())
        state = seek(problem, tell, better, peak).state
        tell("checking that nothing is left to do", turn, _CHECKS)
        better = _again(world, problem, state, now, min(peak, state.peak())) if state.moved() else None
    return state


def without(world: World, plan: Plan, seqs: Collection[int], now: float) -> Plan:
    """`plan` less the moves of these numbers; what comes of the rest is counted anew."""
    problem = problem_of(world, plan.options, now)
    number = {item.task.task_id: i for i, item in enumerate(problem.items)}
    agents = {name: i for i, name in enumerate(problem.names)}
    state = State(problem)
    for move in plan.moves:
        if move.seq not in seqs and move.task_id in number and move.receiver in agents:
            state.move(number[move.task_id], agents[move.receiver])
    return _told(world, problem, state, plan.bound, now)


def moved_world(world: World, problem: Problem, state: State, now: float) -> World:
    """The workspace as it is once the moves of `state` are made."""
    leaves: dict[str, set[int]] = {}
    comes: dict[str, list[int]] = {}
    for i in state.moved():
        item = problem.items[i]
        leaves.setdefault(problem.names[item.owner], set()).add(item.task.place)
        comes.setdefault(problem.names[state.where[i]], []).append(i)
    agents = dict(world.agents)
    for name in {*leaves, *comes}:
        agent = agents[name]
        gone = leaves.get(name, set())
        tasks = [task for task in agent.tasks if task.place not in gone]
        for i in comes.get(name, ()):
            item = problem.items[i]
            origin = item.task.origin or problem.names[item.owner]
            tasks.append(item.task._replace(moved_at=now, origin=origin))
        agents[name] = agent._replace(tasks=tuple(tasks))
    return world._replace(agents=MappingProxyType(agents))


def _again(world: World, problem: Problem, state: State, now: float, known: float) -> State | None:
    """A better state, if planning what comes of `state` anew finds one; with and without the cool-down."""
    after = moved_world(world, problem, state, now)
    options = problem.options
    # What is cooling now stays so, also where what this plan moves is looked at as if it were not.
    cooling = tuple(
        task.task_id for agent in world.agents.values() for task in agent.tasks
        if task.task_id and is_cooling(task, options.cooldown_hours, now)
    )  # fmt: skip
    number = {item.task.task_id: i for i, item in enumerate(problem.items)}
    # Without the cool-down more can move: where that finds nothing the other finds little.
    cooldowns = (0.0, options.cooldown_hours) if len(problem.items) <= _SMALL else (0.0,)
    for hours in dict.fromkeys(cooldowns):
        again = problem_of(after, options._replace(cooldown_hours=hours, pins=(*options.pins, *cooling)), now)
        found = seek(again, silent, known=known, thrifty=False).state
        where = state.where[:]
        for i in found.moved():
            where[number[again.items[i].task.task_id]] = found.where[i]
        if where != state.where:
            return State(problem, where)
    return None


def _told(world: World, problem: Problem, state: State, bound: float | None, now: float) -> Plan:
    options = problem.options
    moves = {i: state.where[i] for i in state.moved()}
    loads = Loads(problem, world)
    home = State(problem)
    before = loads.picture(home.misplaced())
    pending = list(loads.pending)
    steps = in_order(problem, moves, home.load, before.peak)
    rows = moves_of(world, problem, steps, pending)
    for i, agent in moves.items():
        loads.move(problem.items[i], agent)
    after = loads.picture(state.misplaced())
    reached = max(options.target, after.peak)
    if not options.max_moves:
        bound = max(options.target, bound if bound is not None else 0.0)
    elif bound is not None:
        bound = max(options.target, bound)
    if bound is not None:
        bound = min(bound, reached)  # rounding alone could put it above
    when = now_text(now)
    gap = None if bound is None else 0.0 if bound <= 0 else max(0.0, (reached - bound) / bound)
    return Plan(
        plan_id_of(world.inputs, when, options, rows), when, options, before, after, bound, gap, rows,
        unresolved_of(world, problem, state, after, now), world.warnings,
    )  # fmt: skip


def now_text(now: float) -> str:
    """Wall seconds as in a plan: whole seconds without a fraction."""
    return stamp(now).replace(".000Z", "Z")
