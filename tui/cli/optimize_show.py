"""A plan, its application and its recovery as text: load bars before and after, moves with reasons, what is left."""

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from core.balance.change import counted
from core.text import clean_line
from tui.view.spans import fit, width

if TYPE_CHECKING:
    from core.balance.plan import AgentLoad, Move, Plan
    from tui.cli.options import Options
    from tui.cli.output import Output

_AGENTS, _MOVES, _LISTED = 40, 50, 15
_NARROW, _WIDE = 80, 160
# Bars end here, in per cent of capacity, unless the worst agent stays below.
_LONGEST, _SHORTEST = 200.0, 120.0
CAUSES = {
    "no_eligible_receiver": "nobody else may have its tasks",
    "saturated": "everybody who could help is loaded as well",
    "indivisible": "its tasks are too large to be moved without overloading the next one",
    "pinned": "its tasks are pinned",
    "cooldown": "its tasks were moved a short while ago",
    "budget": "the budget of moves is spent",
}


def show_plan(plan: "Plan", out: "Output") -> None:
    """The whole plan: sums, agents, moves, what stays, what was odd."""
    before, after, options = plan.before, plan.after, plan.options
    level = "as even as can be" if options.target == 0 else f"target {options.target:g} %"
    out.wrapped(f"plan {clean_line(plan.plan_id)} · {clean_line(plan.now)} · {level}", indent="")
    out.wrapped(_summary(plan), indent="")
    if plan.moves:
        out.line()
        figures = [
            ("worst load", f"{before.peak:.1f} %", f"{after.peak:.1f} %"),
            ("above the target", f"{before.excess_hours:.1f} h", f"{after.excess_hours:.1f} h"),
            ("over the queue limit", str(before.overflow), str(after.overflow)),
            ("with the wrong agent", str(before.misplaced), str(after.misplaced)),
        ]
        out.table(
            ("", ">BEFORE", ">AFTER"), [row for row in figures if row[1] != row[2] or row is figures[0]]
        )
    for text in _bound(plan):
        out.wrapped(text, indent="")
    _show_agents(plan, out)
    if plan.moves:
        _show_moves(plan, out)
    if plan.unresolved:
        out.heading("STAYS ABOVE THE TARGET")
        for left in plan.unresolved[:_LISTED]:
            said = clean_line(left.text) or CAUSES.get(left.cause, clean_line(left.cause))
            out.wrapped(f"{clean_line(left.agent)} {left.utilisation:.1f} %: {said}", indent="")
        _more(out, len(plan.unresolved), _LISTED)
    if plan.warnings:
        out.heading("ODD IN THE FILES")
        for odd in plan.warnings[:_LISTED]:
            where = " ".join(clean_line(name) for name in (odd.agent, odd.task_id) if name)
            out.wrapped(f"{clean_line(odd.code)}: {where}: {clean_line(odd.detail)}", indent="")
        _more(out, len(plan.warnings), _LISTED)


def _summary(plan: "Plan") -> str:
    moves = plan.moves
    if moves:
        agents = {name for move in moves for name in (move.source, move.receiver)}
        hours = sum(move.hours_from for move in moves)
        return f"{counted(len(moves), 'move')} between {counted(len(agents), 'agent')}, {hours:.1f} h of work"
    if not plan.before.agents:
        return "there is no agent whose queue can be planned"
    if plan.before.misplaced == 0 and plan.before.peak <= plan.options.target and plan.before.overflow == 0:
        return "nothing to move: every agent is within its limits"
    return "nothing to move: no plan would help by more than it costs"


def _bound(plan: "Plan") -> list[str]:
    """How good the plan is against what is possible, in words."""
    if plan.bound is None:
        return ["how low the worst load could be brought is not known"] if plan.moves else []
    reached = max(plan.options.target, plan.after.peak)
    if reached <= plan.options.target and plan.options.target > 0:
        return []
    if reached - plan.bound < 0.05:
        return [f"no plan can do better than {plan.bound:.1f} %"]
    return [
        f"no plan can do better than {plan.bound:.1f} %; this one is {reached - plan.bound:.1f} points above that"
    ]


def _show_agents(plan: "Plan", out: "Output") -> None:
    """Load bars before and after, the worst first; those whose load stays and is fine are counted only."""
    touched = {name for move in plan.moves for name in (move.source, move.receiver)}
    first = [row for row in plan.before.agents if row.agent in touched or row.agent in plan.before.overloaded]
    rest = [row for row in plan.before.agents if row not in first]
    few = len(plan.before.agents) <= _LISTED
    rows = sorted([*first, *rest] if few else first, key=lambda row: (-row.utilisation, row.agent))
    out.heading(f"AGENTS ({len(plan.before.agents)})")
    cells = min(_WIDE, out.cells or _NARROW)
    name = min(max([5, *(width(clean_line(row.agent)) for row in rows[:_AGENTS])]), max(8, cells // 6))
    state = max([0, *(len(row.state) for row in rows[:_AGENTS] if row.state != "active")])
    # Beside the bars: the name, two figures of 6 with blanks, the arrow, the pending tasks, the state.
    bar = max(4, (cells - name - 2 * 8 - 3 - 11 - state) // 2)
    top = min(_LONGEST, max([_SHORTEST, *(row.utilisation for row in plan.before.agents)]))
    after = {row.agent: row for row in plan.after.agents}
    limit = plan.options.target
    arrow = arrow_of(out)
    for row in rows[:_AGENTS]:
        new = after.get(row.agent, row)
        pending = f"{row.pending} {arrow} {new.pending}" if new.pending != row.pending else str(row.pending)
        word = "" if row.state == "active" else clean_line(row.state, state)
        line = (
            f"{fit(clean_line(row.agent), name)} {_figure(row)} {_bar(row, top, bar, limit, out)} "
            f"{fit(arrow, 2)}{_figure(new)} {_bar(new, top, bar, limit, out)}  {fit(pending, 9)} {word}"
        )
        out.line(line.rstrip())
    _more(out, len(rows), _AGENTS)
    others = len(plan.before.agents) - len(rows)
    if others:
        loads = [row.utilisation for row in rest]
        out.line(
            f"and {counted(others, 'agent')} whose load does not change ({min(loads):.0f} to {max(loads):.0f} %)"
        )


def _figure(row: "AgentLoad") -> str:
    return f"{row.utilisation:.0f}%".rjust(6) if row.utilisation < 99_999 else ">99999"


def _bar(row: "AgentLoad", top: float, cells: int, limit: float, out: "Output") -> str:
    """The load of an agent as a bar, with a mark at the target."""
    full, rest, mark, beyond = ("#", ".", "|", "+") if out.ascii else ("▇", "▁", "┊", "▶")
    filled = min(cells, round(cells * row.utilisation / top))
    if row.utilisation > 0 and filled == 0:
        filled = 1
    bar = [full] * filled + [rest] * (cells - filled)
    if row.utilisation > top:
        bar[-1] = beyond
    at = min(cells - 1, round(cells * limit / top))
    if limit > 0:
        bar[at] = mark
    return "".join(bar)


def _show_moves(plan: "Plan", out: "Output") -> None:
    out.heading(f"MOVES ({len(plan.moves)})")
    for move in plan.moves[:_MOVES]:
        out.wrapped(_move(move, out), indent="")
        if move.title:
            out.line(f"    {clean_line(move.title, 200)}")
        if move.text:
            out.wrapped(clean_line(move.text), indent="    ")
    _more(out, len(plan.moves), _MOVES)
    if any(move.imputed for move in plan.moves[:_MOVES]):
        out.wrapped("~ hours that no file names: what such tasks usually take", indent="")


def _move(move: "Move", out: "Output") -> str:
    arrow = arrow_of(out)
    rough = "~" if move.imputed else ""
    priority = f", {clean_line(move.priority, 20)}" if move.priority else ""
    return (
        f"{fit(str(move.seq), 4)}{clean_line(move.task_id, 80)}  {clean_line(move.source, 40)} {arrow} "
        f"{clean_line(move.receiver, 40)}  {rough}{move.hours_from:.1f} h {arrow} {rough}{move.hours_to:.1f} h"
        f"{priority}, cost {move.disruption}  [{clean_line(move.code, 40)}]"
    )


def next_step(plan: "Plan", out: "Output", state: Mapping[str, Any], options: "Options", again: str) -> None:
    """How past plans did, and what to type next; no word of applying where nothing can be changed."""
    said = [clean_line(str(state[key])) for key in ("outcomes",) if state.get(key)]
    unfinished = state.get("unfinished", 0)
    if unfinished:
        said.append(
            f"{counted(unfinished, 'plan')} was cut off: `bluetop optimize --recover` puts it in order"
        )
    why_not = "bluetop runs with --read-only" if options.read_only else str(state.get("unwritable") or "")
    if plan.moves:
        said.append(
            f"nothing can be applied: {clean_line(why_not)}"
            if why_not
            else f"to apply it: {clean_line(again, 1000)} --apply"
        )
    if said:
        out.line()
    for text in said:
        out.wrapped(text, indent="")


def show_result(data: Mapping[str, Any], out: "Output", plan: "Plan | None" = None) -> None:
    """What came of applying `plan`, or without one of undoing it."""
    from core.balance.change import sentence

    out.wrapped(f"{clean_line(str(data['state']))}: {sentence(data, undo=plan is None)}", indent="")
    moves = {move.seq: move for move in plan.moves} if plan is not None else {}
    done = [moves[seq] for seq in data["applied"] if seq in moves]
    for move in done[:_MOVES]:
        names = f"{clean_line(move.source)} {arrow_of(out)} {clean_line(move.receiver)}"
        out.line(f"{fit(str(move.seq), 4)}{clean_line(move.task_id)}  {names}")
    _more(out, len(done), _MOVES)
    if data["skipped"]:
        out.heading("LEFT WHERE THEY WERE")
        for row in data["skipped"][:_MOVES]:
            out.wrapped(f"{fit(str(row['seq']), 4)}{_row(row)}", indent="")
        _more(out, len(data["skipped"]), _MOVES)
    _show_recovered(data["recovered"], out)
    is_open = any(row["code"] == "unfinished" for row in data["skipped"]) or any(
        row["seq"] == 0 and row["code"] == "unwritable" for row in data["recovered"]
    )
    if is_open:
        out.line()
        out.wrapped("no receipt yet: `bluetop optimize --recover` brings the plan to its end", indent="")
    elif data["applied"]:
        plan_id = clean_line(str(data["plan_id"]))
        out.line()
        out.wrapped(f"receipt: {os.path.join('.bluetop', 'receipts', plan_id)}.json", indent="")
        out.wrapped(f"to check it: bluetop optimize --verify {plan_id}", indent="")
        back = "to take it back" if plan is not None else "to make the moves again"
        out.wrapped(f"{back}: bluetop optimize --undo {plan_id}", indent="")


def show_recovery(data: Mapping[str, Any], out: "Output") -> None:
    """What recovery found, and did about it."""
    from core.balance.change import sentence

    out.wrapped(sentence(data), indent="")
    _show_recovered(data["recovered"], out)


def _show_recovered(rows: list[Mapping[str, Any]], out: "Output") -> None:
    from core.balance.doing import ENDED

    ended = [row for row in rows if row["code"] in ENDED]
    for title, found in (
        ("PUT IN ORDER", ended),
        ("LEFT HALF DONE", [row for row in rows if row["code"] not in ENDED]),
    ):
        if found:
            out.heading(title)
        for row in found[:_MOVES]:
            out.wrapped(_row(row), indent="")
        _more(out, len(found), _MOVES)


def _row(row: Mapping[str, Any]) -> str:
    """Task, code and sentence of a row of a result."""
    task, code, detail = (clean_line(str(row[key])) for key in ("task_id", "code", "detail"))
    return f"{task}: {code}: {detail}"


def arrow_of(out: "Output") -> str:
    """From here to there, in one or two cells."""
    return "->" if out.ascii else "→"


def _more(out: "Output", number: int, shown: int) -> None:
    if number > shown:
        out.line(f"and {number - shown} more: --json has them all")
