"""What can be asked of the helper process of rebalancing, and what each request does.

    plan, why, undoable, verify, history, outcomes, state   read, and change nothing
    auto                                                    decides, and keeps the decision; changes no queue
    apply, undo, recover, attend                            change queues, never in read-only mode

Each gives the JSON object of its schema. Not for deciding who may ask: that is `core.control`; read-only mode is
refused here once more, below the interface, so that no way leads around it.
"""

import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from core.balance.ops import is_changing
from core.clock import Clock
from core.errors import ReadOnlyError, UsageError
from core.text import clean_line

if TYPE_CHECKING:
    from core.balance.doing import By, Recovery
    from core.balance.options import Options
    from core.balance.plan import Plan
    from core.balance.world import Tell, World

AUDITED = ("apply", "undo", "recover")
_DECISIONS = 50  # of the automatic mode
YOUNG_S = 60.0  # for so long after its end, a plan is looked after


class Job(NamedTuple):
    """A request, and what doing it needs of the process it is done in."""

    request: Mapping[str, Any]
    clock: Clock
    tell: "Tell"
    should_stop: Callable[[], bool]

    @property
    def workspace(self) -> str:
        """The folder that holds postbox/."""
        return self.text("workspace")

    def text(self, key: str) -> str:
        """A text of the request, "" where there is none."""
        value = self.request.get(key)
        return value if isinstance(value, str) else ""

    def now(self) -> float:
        """Wall seconds for which is planned: those of the request, else now, to the second."""
        value = self.request.get("now")
        return float(value) if isinstance(value, int | float) else float(int(self.clock.wall()))

    def by(self) -> "By":
        """Who asks, from where, and why."""
        from core.balance.doing import By

        return By(
            clean_line(self.text("user"), 100),
            clean_line(self.text("origin"), 100),
            clean_line(self.text("reason"), 300),
        )

    def options(self) -> "Options":
        """What the plan is asked to do.

        Raises:
            UsageError: it makes no sense.
        """
        from core.balance.options import options_of

        found = self.request.get("options")
        return options_of(found if isinstance(found, Mapping) else {})


def carry_out(job: Job) -> tuple[dict[str, Any], bool]:
    """Do what is asked: the answer, and whether there now is something to look after for a while.

    Raises:
        BluetopError: it cannot be done; the sentence says why.
        OSError: the file system refused.
    """
    op = job.text("op")
    operation = _OPERATIONS.get(op)
    if operation is None:
        raise UsageError(f"the helper knows no request {op!r}")
    if is_changing(op) and op != "attend" and job.request.get("read_only"):
        raise ReadOnlyError(f"{op} was refused: bluetop runs with --read-only; start it without")
    return (_noted(job, operation) if op in AUDITED else operation(job)), _is_to_be_watched(job)


def _noted(job: Job, operation: Callable[[Job], dict[str, Any]]) -> dict[str, Any]:
    """Do it, and write down who asked for it and what came of it."""
    from core.balance.audit import done, failed, note

    op, by = job.text("op"), job.by()
    try:
        data = operation(job)
    except Exception as error:
        note(job.workspace, job.clock.wall(), op, by, _plan_id(job), failed(error))
        raise
    if op != "recover" or data["recovered"]:
        note(job.workspace, job.clock.wall(), op, by, data.get("plan_id", ""), done(data))
    return data


def _plan_id(job: Job) -> str:
    plan = job.request.get("plan")
    found = plan.get("plan_id") if isinstance(plan, Mapping) else job.text("plan_id")
    return found if isinstance(found, str) else ""


# -- reading --------------------------------------------------------------------------------------


def _planned(job: Job) -> "tuple[World, Plan, float]":
    """The world as it is, and the plan that is talked of: the one given, or a new one, less what was dropped."""
    from core.balance.plan import plan_of
    from core.balance.planner import plan, without
    from core.balance.world import read_world

    options, given, now = job.options(), job.request.get("plan"), job.now()
    world = read_world(job.workspace, job.tell)
    found = plan(world, options, now, job.tell) if given is None else plan_of(given)
    drop = job.request.get("drop")
    if drop:
        missing = sorted(set(drop) - {move.seq for move in found.moves})
        if missing and job.request.get("strict"):
            raise UsageError(f"--drop {missing[0]}: the plan has no move of that number")
        found = without(world, found, frozenset(drop) - frozenset(missing), now)
    return world, found, now


def _plan(job: Job) -> dict[str, Any]:
    return _planned(job)[1].data()


def _why(job: Job) -> dict[str, Any]:
    from core.balance.why import why

    world, plan, now = _planned(job)
    return why(world, plan, job.text("task"), now).data()


def _undoable(job: Job) -> dict[str, Any]:
    from core.balance.undo import undoable

    plan_id = _named(job)
    can, cannot = undoable(job.workspace, plan_id, job.clock)
    return {
        "schema": "bluetop.undoable/1",
        "plan_id": plan_id,
        "can": list(can),
        "cannot": [row.data() for row in cannot],
    }


def _verify(job: Job) -> dict[str, Any]:
    from core.balance.receipts import verify

    return verify(job.workspace, _named(job)).data()


def _history(job: Job) -> dict[str, Any]:
    """Past plans with what came of them, and what the automatic mode decided lately."""
    from core.balance import autolog
    from core.balance.outcomes import outcomes
    from core.balance.past import history

    past = history(job.workspace)
    found = outcomes(job.workspace, job.now(), tell=job.tell) if past else None
    judged = {} if found is None else {row.plan_id: row.data() for row in found.rows}
    return {
        "schema": "bluetop.optimize.history/1",
        "plans": [{**row.data(), "outcome": judged.get(row.plan_id)} for row in past],
        "text": "" if found is None else found.sentence(),
        "automatic": [autolog.data_of(line) for line in autolog.recent(job.workspace, _DECISIONS)],
    }


def _outcomes(job: Job) -> dict[str, Any]:
    from core.balance.outcomes import outcomes

    return outcomes(job.workspace, job.now()).data()


def _state(job: Job) -> dict[str, Any]:
    """What stands beside a plan: how past ones did, which were cut off, and whether one could be applied."""
    from core.balance.outcomes import outcomes
    from core.balance.recover import unfinished

    cut_off = sum(not row.running for row in unfinished(job.workspace))
    return {
        "outcomes": outcomes(job.workspace, job.now()).sentence(),
        "unfinished": cut_off,
        "unwritable": unwritable(job.workspace),
    }


def _auto(job: Job) -> dict[str, Any]:
    from core.balance.auto import auto_of
    from core.balance.turn import take_turn

    found = job.request.get("auto")
    settings = auto_of(found if isinstance(found, Mapping) else {})
    user, read_only = job.by().user, bool(job.request.get("read_only"))
    return take_turn(
        job.workspace, job.options(), settings, user, job.now(), read_only=read_only, tell=job.tell
    ).data()


# -- changing -------------------------------------------------------------------------------------


def _apply(job: Job) -> dict[str, Any]:
    from core.balance.apply import apply_plan
    from core.balance.plan import plan_of

    plan = plan_of(job.request.get("plan"))
    result = apply_plan(
        job.workspace, plan, job.by(), job.clock,
        tell=job.tell, should_stop=job.should_stop, settle_s=_settle_s(job),
    )  # fmt: skip
    return result.data()


def _undo(job: Job) -> dict[str, Any]:
    from core.balance.undo import undo_plan

    result = undo_plan(
        job.workspace, _named(job), job.by(), job.clock,
        tell=job.tell, should_stop=job.should_stop, settle_s=_settle_s(job),
    )  # fmt: skip
    return result.data()


def _recover(job: Job) -> dict[str, Any]:
    from core.balance.recover import recover
    from core.balance.recover import settle as look

    found = recover(job.workspace, job.by(), job.clock, tell=job.tell, should_stop=job.should_stop)
    return recover_data((*found, *look(job.workspace, job.clock)))


def _attend(job: Job) -> dict[str, Any]:
    from core.balance.recover import unfinished

    why_not = unwritable(job.workspace)
    return {
        "schema": "bluetop.attend/1",
        "unfinished": [row._asdict() for row in unfinished(job.workspace)],
        "unwritable": why_not or None,
    }


def recover_data(found: "tuple[Recovery, ...]") -> dict[str, Any]:
    """The object of bluetop.recover/1."""
    from core.balance.doing import CONFLICT, ENDED, LOST

    conflicts = sum(row.code in (CONFLICT, LOST) for row in found)
    left = any(row.code not in ENDED for row in found)
    return {
        "schema": "bluetop.recover/1",
        "recovered": [row.data() for row in found],
        "conflicts": conflicts,
        "state": "conflict" if conflicts else "partial" if left else "recovered" if found else "clean",
    }


def settle(job: Job) -> Callable[[], list[dict[str, Any]]]:
    """What looks whether tasks that were moved a moment ago are still there, and puts right what is not."""
    from core.balance.recover import settle as look

    return lambda: [row.data() for row in look(job.workspace, job.clock)]


def unwritable(workspace: str) -> str:
    """Why nothing can be changed in a workspace, "" if it can. Makes no file."""
    for name in ("postbox", ".bluetop"):
        path = os.path.join(workspace, name)
        if name == ".bluetop" and not os.path.lexists(path):
            path = workspace
        if not os.access(path, os.W_OK | os.X_OK):
            return clean_line(f"{path} cannot be written; check its permissions, and how it is mounted")
    return ""


def _settle_s(job: Job) -> float:
    value = job.request.get("settle_s", 0.0)
    return float(value) if isinstance(value, int | float) else 0.0


def _named(job: Job) -> str:
    """The plan that is named; without a name the newest one that was applied and not undone.

    Raises:
        UsageError: there is none.
    """
    named = job.text("plan_id")
    if named:
        return named
    from core.balance.past import history

    past = history(job.workspace)
    undone = {row.plan_id: row.of for row in past}
    for row in past:
        back, of = False, row.of
        while of:  # an undo of an undo made the moves again
            back, of = not back, undone.get(of, "")
        if row.moved and not row.undone_by and not back:
            return row.plan_id
    raise UsageError(
        "no plan was applied here that could be undone; `bluetop optimize --history` lists them all"
    )


def _is_to_be_watched(job: Job) -> bool:
    """Whether a plan ended so short a while ago that others may still undo its moves unknowingly."""
    if not is_changing(job.text("op")) or job.request.get("read_only") or unwritable(job.workspace):
        return False
    from core.balance.past import history

    newest = next(iter(history(job.workspace)), None)
    return newest is not None and job.clock.wall() - newest.at < YOUNG_S


_OPERATIONS: Mapping[str, Callable[[Job], dict[str, Any]]] = {
    "plan": _plan, "why": _why, "undoable": _undoable, "verify": _verify, "history": _history,
    "outcomes": _outcomes, "state": _state, "auto": _auto,
    "apply": _apply, "undo": _undo, "recover": _recover, "attend": _attend,
}  # fmt: skip
