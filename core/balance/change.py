"""What the door does with plans: who asks for what, in words, and what came of it in a sentence.

The work itself is a runner's: a helper process that the dashboard watches (`core.balance.client`), or one that
a command waits for. Not for applying a plan: that is `core.balance.apply`.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from core.control import ApplyPlan, Outcome, RecoverPlans, UndoPlan
from core.text import clean_line

if TYPE_CHECKING:
    from core.balance.doing import By

MOST_REASON = 300


def carry_out(command: ApplyPlan | UndoPlan | RecoverPlans, who: str, environ: Mapping[str, str]) -> Outcome:
    """Have the runner do it; `detail` is the object of its schema, or None where it has only been begun.

    Raises:
        BluetopError: it could not be done.
    """
    by = by_of(who, command.reason, environ)
    found: Any
    if isinstance(command, ApplyPlan):
        found = command.runner.apply(command.plan, by)
    elif isinstance(command, UndoPlan):
        found = command.runner.undo(command.plan_id, by)
    else:
        found = command.runner.recover(by)
    if isinstance(found, str):
        return Outcome(clean_line(found), "")
    data = found if isinstance(found, Mapping) else found.data()
    return Outcome(sentence(data, undo=isinstance(command, UndoPlan)), "", data)


def by_of(who: str, reason: str, environ: Mapping[str, str]) -> "By":
    """Who asks, from where they are logged in, and why."""
    from core.balance.doing import By

    sudo = environ.get("SUDO_USER", "")
    name = f"{who} (sudo by {sudo})" if sudo and sudo != who else who
    return By(
        clean_line(name, 100), clean_line(origin(environ), 100), clean_line(reason.strip(), MOST_REASON)
    )


def origin(environ: Mapping[str, str]) -> str:
    """From where somebody is logged in, by what sshd says; "" at the machine itself."""
    said = environ.get("SSH_CONNECTION") or environ.get("SSH_CLIENT") or ""
    return said.split(" ", 1)[0]


def words(command: ApplyPlan | UndoPlan | RecoverPlans) -> str:
    """What is asked for, in a few words."""
    if isinstance(command, ApplyPlan):
        return clean_line(
            f"applying plan {command.plan.plan_id} ({counted(len(command.plan.moves), 'move')})"
        )
    if isinstance(command, UndoPlan):
        return clean_line(f"undoing {f'plan {command.plan_id}' if command.plan_id else 'the last plan'}")
    return "recovering plans that were cut off"


def asker(command: ApplyPlan | UndoPlan | RecoverPlans, who: str, environ: Mapping[str, str]) -> str:
    """Who asks, from where and why, for the audit line."""
    where, why = origin(environ), command.reason.strip()
    return who + (f" from {where}" if where else "") + (f" ({clean_line(why, MOST_REASON)})" if why else "")


def sentence(data: Mapping[str, Any], *, undo: bool = False) -> str:
    """An object of bluetop.apply/1 (of an undo, if so) or bluetop.recover/1 as a sentence."""
    from core.balance.doing import ENDED

    recovered = data.get("recovered", [])
    left = sum(row["code"] not in ENDED for row in recovered)
    parts = [f"{counted(len(recovered) - left, 'task')} put in order"] if len(recovered) > left else []
    put_right = ", ".join([*parts, f"{left} left half done"] if left else parts)
    if "applied" not in data:
        if not recovered:
            return "nothing was left half done"
        conflicts = data.get("conflicts", 0)
        return put_right + (f", {counted(conflicts, 'conflict')} left for a person" if conflicts else "")
    applied, skipped = data["applied"], data["skipped"]
    said = [f"{counted(len(applied), 'task')} moved{' back' if undo else ''}"]
    if skipped:
        codes = ", ".join(dict.fromkeys(str(row["code"]) for row in skipped))
        said.append(f"{len(skipped)} left where they were ({codes})")
    if put_right:
        said.append(put_right)
    return clean_line(f"{'undo' if undo else 'plan'} {data['plan_id']}: {', '.join(said)}")


def counted(number: int, noun: str) -> str:
    """`1 move`, `2 moves`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"
