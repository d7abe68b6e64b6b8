"""Whether a move of a plan still is right, by the files as they are under the locks: section 7, revalidation.

Pure. A move that is not right is refused with a code, never forced. Not for making it: that is
`core.balance.moving`.
"""

from typing import TYPE_CHECKING, NamedTuple

from core.balance.doing import CHANGED, DUPLICATE, MISSING, PINNED, RECEIVER, STATUS, UNSAFE, Refused
from core.balance.facts import (
    ACTIVE,
    NOTHING,
    PENDING,
    Agent,
    Task,
    load_hours,
    may_receive,
    task_of,
)
from core.balance.options import ANY, Options
from core.balance.sheet import Sheet
from core.balance.strict import fingerprint
from core.balance.world import World

if TYPE_CHECKING:
    from core.balance.moving import Order

# Percentage points by which sums may differ for the order in which they are added up.
_SLACK = 1e-6


class Case(NamedTuple):
    """A move and what there is to judge it by; `world` is the workspace as it was when the apply began."""

    order: "Order"
    source: Sheet
    receiver: Sheet
    giver: Agent
    taker: Agent
    options: Options
    world: World


def refuse_stale(case: Case) -> tuple[int, float, float]:
    """The place of the task in its owner's `tasks`, and the expected hours [h] of it at giver and receiver.

    Raises:
        Refused: the move is not right any more; `code` is one of section 7.
    """
    order, taker = case.order, case.taker
    task_id, to = order.task_id, taker.name
    places = case.source.places(task_id)
    if not places:
        raise Refused(MISSING, f"not with {order.source} any more{_where(case)}")
    if len(places) > 1:
        raise Refused(DUPLICATE, f"{len(places)} tasks of {order.source} have this id")
    if case.receiver.places(task_id):
        raise Refused(DUPLICATE, f"{to} has a task of this id already")
    if case.receiver.has_done(task_id) and not _was_done_there(case):
        raise Refused(DUPLICATE, f"{to} has this id in its history")
    if task_id in case.world.twice:
        raise Refused(DUPLICATE, "another agent has a task of this id too")
    row = case.source.tasks[places[0]]
    task = task_of(places[0], row)
    if task.status != PENDING:
        raise Refused(STATUS, f"now {task.status}" if task.status else "now without a status")
    if task.pinned or task_id in case.options.pins:
        raise Refused(PINNED, "pinned by now")
    if fingerprint(row) != order.fingerprint:
        raise Refused(CHANGED, "it is not any more what it was")
    _refuse_receiver(case, task)
    estimate = case.world.estimates.of(task)
    hours_to = taker.hours(task, estimate)
    if order.former is None:
        _refuse_load(case, hours_to)
    return places[0], case.giver.hours(task, estimate), hours_to


def _refuse_receiver(case: Case, task: Task) -> None:
    taker, former = case.taker, case.order.former
    if former is not None:
        # Taking a move back: its owner of old need not be one that would be given it, if it was not then either.
        fits = taker.state == ACTIVE and may_receive(taker, task, NOTHING, ANY)
        if fits or (not former.was_fit and taker.state in (ACTIVE, former.state)):
            return
        if former.was_done and taker.state == former.state:
            return
    elif may_receive(taker, task, origin_of(case, task), case.options.unlabelled):
        return
    why = (
        f"{taker.name} is {taker.state}" if taker.state != ACTIVE else f"{taker.name} is not eligible for it"
    )
    raise Refused(RECEIVER, why)


def origin_of(case: Case, task: Task) -> frozenset[str]:
    """The expertise of a task's origin: of its first owner, where one is named, else of its owner."""
    first = case.world.agents.get(task.origin) if task.origin else case.giver
    return NOTHING if first is None else first.expertise


def _refuse_load(case: Case, hours: float) -> None:
    """The receiver may not end above the target and above the giver, unless that is what was shown in the plan."""
    target, estimates = case.options.target, case.world.estimates
    after = 100.0 * (load_hours(case.taker, estimates) + hours) / case.taker.capacity_hours
    before = 100.0 * load_hours(case.giver, estimates) / case.giver.capacity_hours
    limit = max(target, before, case.order.expected or 0.0)
    if after > limit + _SLACK:
        raise Refused(
            UNSAFE,
            f"{case.taker.name} would be at {after:.0f} %, above {max(target, before):.0f} % "
            f"({case.giver.name} is at {before:.0f} %, the target is {target:g} %)",
        )


def _was_done_there(case: Case) -> bool:
    """Taking a move back to one that had the id in its history at that time already."""
    return case.order.former is not None and case.order.former.was_done


def _where(case: Case) -> str:
    task_id = case.order.task_id
    if case.receiver.places(task_id):
        return f"; it is with {case.taker.name}"
    for sheet, agent in ((case.source, case.giver), (case.receiver, case.taker)):
        if sheet.has_done(task_id):
            return f"; it is in the history of {agent.name}"
    for name, agent in case.world.agents.items():
        if name not in (case.giver.name, case.taker.name) and any(
            row.task_id == task_id for row in agent.tasks
        ):
            return f"; it is with {name}"
    return ""


def expected_levels(world: World, moves: "list[Order]") -> dict[int, float]:
    """By number of a move, the utilisation [%] of its receiver right after it, if all goes as planned."""
    tasks = {
        (name, task.task_id): task
        for name, agent in world.agents.items()
        for task in agent.tasks
        if task.task_id
    }
    loads: dict[str, float] = {}
    found: dict[int, float] = {}
    for move in moves:
        giver, taker = world.agents.get(move.source), world.agents.get(move.receiver)
        task = tasks.get((move.source, move.task_id))
        if giver is None or taker is None or task is None:
            continue
        estimate = world.estimates.of(task)
        for agent in (giver, taker):
            if agent.name not in loads:
                loads[agent.name] = load_hours(agent, world.estimates)
        loads[giver.name] -= giver.hours(task, estimate)
        loads[taker.name] += taker.hours(task, estimate)
        found[move.seq] = 100.0 * loads[taker.name] / taker.capacity_hours
    return found
