"""Applying a plan: its moves one after the other, each looked at again, each written down before it is made.

`carry_out` is what apply and undo share. Not for one move: that is `core.balance.moving`; not for the plan
itself: that is `core.balance.planner`.
"""

import errno
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from core.balance.doing import APPLY, COMPLETE, STOPPED, UNWRITABLE, By, Recovery, Result, pause, state_of
from core.balance.journal import RECEIPTS, SCHEMA, BadJournal, Journal, Trail, made_folder, read_trail
from core.balance.judge import expected_levels
from core.balance.moving import Mover, Order, reason
from core.balance.options import Options
from core.balance.plan import Picture, Plan, plan_id_of
from core.balance.receipts import counted, has_receipt, write_receipt
from core.balance.recover import recovered_alone
from core.balance.room import Room, never
from core.balance.world import Tell, World, read_world, silent
from core.clock import Clock
from core.control import ChangeFailed
from core.errors import WorkspaceError
from core.record.files import stamp
from core.text import clean_line

_MOST_SETTLE_S = 30.0


def apply_plan(
    workspace: str, plan: Plan, by: By, clock: Clock, *,
    tell: Tell = silent, should_stop: Callable[[], bool] = never, settle_s: float = 0.0,
    wait: Callable[[float], None] = pause,
) -> Result:  # fmt: skip
    """Make the moves of `plan` that still are right; what is not is skipped with a code, never forced.

    `settle_s` is how long to wait before the last look at what was moved. Stopping takes effect after the
    present move. May block for minutes.

    Raises:
        ChangeFailed: nothing could be begun, and nothing was changed.
        WorkspaceError: there is no workspace.
    """
    if not plan.moves:
        return Result(plan.plan_id, (), (), (), COMPLETE)
    room = Room(workspace, clock, wait=wait, should_stop=should_stop)
    tell("waiting its turn", 0, 0)
    with room.alone():
        recovered = recovered_alone(room, by, tell)
        world = read_world(room.workspace, tell)
        orders = [
            Order(move.seq, move.task_id, move.source, move.receiver, move.fingerprint) for move in plan.moves
        ]
        if plan_id_of(world.inputs, plan.now, plan.options, plan.moves) == plan.plan_id:
            # Nothing has changed since the plan was made: what it leads to, step by step, is what was shown.
            levels = expected_levels(world, orders)
            orders = [order._replace(expected=levels.get(order.seq)) for order in orders]
        agents = sorted({name for order in orders for name in (order.source, order.receiver)})
        begin = {
            "kind": APPLY, "of": "", "options": plan.options.data(), "moves": len(orders),
            "before": predicted(plan.before, agents), "after": predicted(plan.after, agents),
            "peak_before": plan.before.peak, "peak_after": plan.after.peak,
        }  # fmt: skip
        return carry_out(
            room,
            plan.plan_id,
            by,
            begin,
            orders,
            plan.options,
            world,
            recovered,
            tell=tell,
            settle_s=settle_s,
        )


def carry_out(
    room: Room, plan_id: str, by: By, begin: Mapping[str, Any], orders: Sequence[Order], options: Options,
    world: World, recovered: tuple[Recovery, ...], *, tell: Tell, settle_s: float,
) -> Result:  # fmt: skip
    """Make moves, under the lock on carrying out plans, with journal and receipt.

    Raises:
        ChangeFailed: the journal cannot be written; nothing was changed.
    """
    agents = sorted({name for order in orders for name in (order.source, order.receiver)})
    before = counted(room.workspace).data(agents)
    journal = _begun(room, plan_id, by, {**begin, "counted": before}, orders)
    try:
        mover = Mover(room, journal, options, world)
        try:
            for number, order in enumerate(orders):
                tell(f"moving {clean_line(order.task_id, 60)}", number, len(orders))
                if mover.broken:
                    mover.skip(order, UNWRITABLE, mover.broken)
                elif room.should_stop():
                    mover.skip(order, STOPPED, "asked to stop before it")
                else:
                    mover.move(order)
            if settle_s > 0 and mover.applied:
                tell("looking whether all is still there", len(orders), len(orders))
                room.wait(min(settle_s, _MOST_SETTLE_S))
            mover.look_back()
        finally:
            mover.close()
        applied = tuple(sorted(intent.seq for intent in mover.applied))
        skipped = tuple(sorted(mover.skipped))
        result = Result(
            plan_id, applied, skipped, (*recovered, *mover.recovered), state_of(len(applied), len(orders))
        )
        if mover.broken or mover.left:
            return result  # without an end: recovery goes on from here
        try:
            # The receipt comes before the end: a plan without one is a plan that was cut off.
            if applied or mover.recovered or not has_receipt(room.workspace, plan_id):
                write_receipt(
                    room.workspace,
                    room.clock.wall(),
                    result,
                    str(begin["kind"]),
                    by.data(),
                    mover.applied,
                    before,
                )
            journal.add("end", at=stamp(room.clock.wall()), state=result.state)
        except (OSError, WorkspaceError) as error:
            detail = f"all is as it should be, but the receipt could not be written: {reason(error)}"
            late = Recovery(plan_id, 0, "", UNWRITABLE, clean_line(detail))
            return result._replace(recovered=(*result.recovered, late))
        return result
    finally:
        journal.close()


def _begun(room: Room, plan_id: str, by: By, begin: Mapping[str, Any], orders: Sequence[Order]) -> Journal:
    try:
        _refuse_again(read_trail(room.workspace, plan_id), orders)
        folder = made_folder(room.workspace, RECEIPTS)
        if not os.access(folder, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, f"{RECEIPTS}: {os.strerror(errno.EACCES)}")
        journal = Journal(room.workspace, plan_id)
        try:
            journal.add(
                "begin", schema=SCHEMA, plan_id=plan_id, at=stamp(room.clock.wall()), by=by.data(), **begin
            )
        except BaseException:
            journal.close()
            raise
    except BadJournal as error:
        raise ChangeFailed(f"nothing was changed: {error}") from error
    except OSError as error:
        raise ChangeFailed(
            f"nothing was changed: the journal cannot be written ({error.strerror or error}), and nothing is moved "
            "without one; check permissions and space of .bluetop in the workspace"
        ) from error
    return journal


def _refuse_again(trail: Trail | None, orders: Sequence[Order]) -> None:
    """Another run goes on in the same journal, where it may not cover what recovery and undo still need of the last.

    Raises:
        ChangeFailed: a move is half made still, or other tasks have the numbers of those that were moved.
    """
    if trail is None:
        return
    if still := trail.open():
        names = clean_line(", ".join(step.task_id for step in still[:3]), 200)
        raise ChangeFailed(
            f"nothing was changed: this plan was cut off before, and {names} could not be brought to an end now; "
            "`bluetop optimize --recover` says why"
        )
    made = {step.seq: step.task_id for step in trail.made()}
    if any(made.get(order.seq, order.task_id) != order.task_id for order in orders):
        raise ChangeFailed(
            "nothing was changed: a plan of this id with other moves was applied here before; make a new one"
        )


def predicted(picture: Picture, agents: Sequence[str]) -> dict[str, Any]:
    """What is kept of a picture, to compare it later with what came: the agents concerned."""
    return {
        row.agent: {
            "load_hours": row.load_hours, "utilisation": row.utilisation,
            "capacity_hours": row.capacity_hours, "pending": row.pending,
        }
        for row in picture.agents if row.agent in agents
    }  # fmt: skip
