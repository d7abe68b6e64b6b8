"""What `bluetop optimize` tells of one task, of a receipt, and of past plans, as text."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from core.balance.change import counted
from core.text import clean_line
from tui.cli.optimize_show import arrow_of

if TYPE_CHECKING:
    from tui.cli.output import Output

_LISTED = 40
_DECISIONS = 10


def show_why(data: Mapping[str, Any], out: "Output") -> None:
    """Why a task moves, or why it does not, and who could have it."""
    from core.balance.why import why_of

    for line in why_of(data).lines():
        text = line.lstrip()
        out.wrapped(clean_line(text), indent=" " * (len(line) - len(text)))


def show_verification(data: Mapping[str, Any], out: "Output") -> None:
    """Whether every task of a receipt is still there, once."""
    word = "ok" if data["ok"] else "bad"
    out.wrapped(
        f"{out.paint(word)}  plan {clean_line(data['plan_id'])}: {clean_line(data['detail'])}", indent=""
    )
    by = data["by"]
    out.wrapped(f"{clean_line(data['at'])}, {_by(by)}, {counted(data['tasks'], 'task')} counted", indent="")
    for title, rows in (("GONE OR DOUBLED", data["trouble"]), ("MOVED", data["moved"])):
        if rows:
            out.heading(f"{title} ({len(rows)})")
        for row in rows[:_LISTED]:
            out.wrapped(
                f"{clean_line(row['task_id'])}: {clean_line(row['state'])}: {clean_line(row['detail'])}",
                indent="",
            )
        _more(out, len(rows))
    if data["changed_since"]:
        names = ", ".join(clean_line(name) for name in data["changed_since"][:_LISTED])
        out.line()
        out.wrapped(f"files that have changed since, as they should while agents work: {names}", indent="")


def show_history(data: Mapping[str, Any], out: "Output") -> None:
    """Past plans, newest first: who, when, how much, what was predicted and what came; the automatic mode."""
    plans = data["plans"]
    out.heading(f"PLANS ({len(plans)})")
    if not plans:
        out.line("none was applied here")
    for row in plans[:_LISTED]:
        _show_past(row, out)
    _more(out, len(plans))
    if data["text"]:
        out.line()
        out.wrapped(clean_line(data["text"]), indent="")
    if data["automatic"]:
        out.heading("AUTOMATIC MODE")
    for row in data["automatic"][:_DECISIONS]:
        when = clean_line(str(row["at"]))[:16].replace("T", " ")
        out.wrapped(f"{when}  {clean_line(str(row['what']))}: {clean_line(str(row['why']))}", indent="")
    if len(data["automatic"]) > _DECISIONS:
        out.line(f"and {len(data['automatic']) - _DECISIONS} more: --json has them")


def _show_past(row: Mapping[str, Any], out: "Output") -> None:
    when = clean_line(str(row["at"]))[:16].replace("T", " ")
    what = "undo of " + clean_line(str(row["of"])) if row["kind"] == "undo" else "plan"
    out.wrapped(f"{when}  {clean_line(row['plan_id'])}  {what} {_by(row)}", indent="")
    said = [counted(row["moved"], "task") + " moved"]
    if row["skipped"]:
        said.append(f"{row['skipped']} left where they were")
    if row["state"] not in ("complete", "partial"):
        said.append(clean_line(str(row["state"])))
    said.append(f"worst load {row['peak_before']:.1f} % {arrow_of(out)} {row['peak_after']:.1f} % predicted")
    if row["undone_by"]:
        said.append(f"undone by {clean_line(row['undone_by'])}")
    out.wrapped(", ".join(said), indent="    ")
    outcome = row["outcome"]
    if outcome is not None:
        out.wrapped(f"{clean_line(str(outcome['what']))}: {clean_line(str(outcome['text']))}", indent="    ")
    if row["trouble"]:
        out.wrapped(clean_line(row["trouble"]), indent="    ")


def _by(by: Mapping[str, Any]) -> str:
    """Who, from where, why."""
    where = f" from {clean_line(str(by['origin']))}" if by.get("origin") else ""
    why = f": {clean_line(str(by['reason']))}" if by.get("reason") else ""
    return f"by {clean_line(str(by.get('user') or 'somebody'))}{where}{why}"


def _more(out: "Output", number: int) -> None:
    if number > _LISTED:
        out.line(f"and {number - _LISTED} more: --json has them all")
