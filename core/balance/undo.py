"""Undoing a plan: each task that still is as it was placed goes back to its owner, as it was and where it was.

An undo is carried out as a plan is, with an id, a journal and a receipt of its own; undoing it makes the moves
again. What was started, changed or moved since stays, and is reported. Not for crashes: that is
`core.balance.recover`.
"""

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from typing import Any

from core.balance.apply import carry_out
from core.balance.doing import NOT_MADE, UNDO, By, Refused, Result, Skipped, pause
from core.balance.facts import agent_of
from core.balance.journal import BadJournal, Trail, is_plan_id, journals, path_of, read_trail
from core.balance.judge import Case, refuse_stale
from core.balance.moving import Order
from core.balance.options import Options, options_of
from core.balance.past import is_made
from core.balance.recover import recovered_alone
from core.balance.room import Room, never
from core.balance.strict import fingerprint
from core.balance.swap import refuse_same
from core.balance.world import Tell, World, read_world, silent
from core.clock import Clock
from core.errors import UsageError
from core.text import clean_line


def undo_plan(
    workspace: str, plan_id: str, by: By, clock: Clock, *,
    tell: Tell = silent, should_stop: Callable[[], bool] = never, settle_s: float = 0.0,
    wait: Callable[[float], None] = pause,
) -> Result:  # fmt: skip
    """Take the moves of a plan back, the last one first. The result has the id of the undo, and the plan's numbers.

    Raises:
        UsageError: no such plan was applied here, or it moved nothing.
        ChangeFailed: nothing could be begun, and nothing was changed.
        WorkspaceError: there is no workspace.
    """
    room = Room(workspace, clock, wait=wait, should_stop=should_stop)
    trail = _trail(room.workspace, plan_id)
    if trail.ended is not None and not _orders(trail):
        raise UsageError(f"plan {plan_id} moved nothing: there is nothing to undo")
    tell("waiting its turn", 0, 0)
    with room.alone():
        recovered = recovered_alone(room, by, tell)
        trail = _trail(room.workspace, plan_id)
        world = read_world(room.workspace, tell)
        orders = _orders(trail)
        begin = {
            "kind": UNDO, "of": plan_id, "options": dict(trail.last.options), "moves": len(orders),
            "before": dict(trail.last.after), "after": dict(trail.last.before),
            "peak_before": trail.last.peak_after, "peak_after": trail.last.peak_before,
        }  # fmt: skip
        return carry_out(
            room, _new_id(room, plan_id), by, begin, orders, _options(trail.last.options), world, recovered,
            tell=tell, settle_s=settle_s,
        )  # fmt: skip


def undoable(workspace: str, plan_id: str, clock: Clock) -> tuple[tuple[int, ...], tuple[Skipped, ...]]:
    """Which moves of a plan could be taken back now, by number, and which not and why. Reads only.

    Raises:
        UsageError: no such plan was applied here.
        WorkspaceError: there is no workspace.
    """
    room = Room(workspace, clock)
    trail = _trail(room.workspace, plan_id)
    world = read_world(room.workspace)
    options = _options(trail.last.options)
    can: list[int] = []
    cannot: list[Skipped] = []
    for order in _orders(trail):
        try:
            _look(room, order, options, world)
        except Refused as error:
            cannot.append(Skipped(order.seq, order.task_id, error.code, str(error)))
        else:
            can.append(order.seq)
    cannot += [
        Skipped(step.seq, step.task_id, NOT_MADE, clean_line(f"it was not made: {step.detail or step.outcome}"))
        for step in trail.steps.values() if not is_made(step)
    ]  # fmt: skip
    return tuple(sorted(can)), tuple(sorted(cannot))


def _look(room: Room, order: Order, options: Options, world: World) -> None:
    source, receiver = room.read(order.source), room.read(order.receiver)
    refuse_same(source.queue, receiver.queue)
    giver = agent_of(order.source, source.sheet.document)
    taker = agent_of(order.receiver, receiver.sheet.document)
    refuse_stale(Case(order, source.sheet, receiver.sheet, giver, taker, options, world))


def _trail(workspace: str, plan_id: str) -> Trail:
    if not is_plan_id(plan_id):
        raise UsageError(f"{plan_id[:80]!r} is no plan's id; `bluetop optimize --history` lists them")
    try:
        trail = read_trail(workspace, plan_id)
    except BadJournal as error:
        raise UsageError(str(error)) from error
    if trail is None:
        raise UsageError(
            f"no plan {plan_id} was applied here; `bluetop optimize --history` lists those that were"
        )
    return trail


def _orders(trail: Trail) -> list[Order]:
    """The moves back, the last one first, so that neighbours are there again before who stood beside them."""
    made = [step.intent for step in trail.made() if is_made(step) and step.intent is not None]
    return [
        Order(
            intent.seq, intent.task_id, intent.receiver, intent.source, fingerprint(json.loads(intent.placed)),
            None, intent,
        )
        for intent in reversed(made)
    ]  # fmt: skip


def _options(data: Mapping[str, Any]) -> Options:
    try:
        return options_of(data)._replace(pins=())
    except UsageError:
        return Options()


def _new_id(room: Room, plan_id: str) -> str:
    """An id for an undo, of a journal that is not there yet."""
    number = 0
    known = set(journals(room.workspace))
    while True:
        text = f"undo {plan_id} {room.clock.wall():.6f} {number}"
        found = hashlib.sha256(text.encode()).hexdigest()[:32]
        if found not in known and not os.path.lexists(path_of(room.workspace, found)):
            return found
        number += 1
