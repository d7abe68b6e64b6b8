"""What is said about a plan: what it does, what it gains, how good it could be, what stays, what was odd.

Pure: from a Plan to lines of spans. Not for tables: `tui.panes.rebalance`, `tui.panes.rebalancemoves`.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from core.balance.doing import STOPPED
from core.balance.plan import Move, Picture, Plan
from core.text import clean_line
from tui.panes.rebalance import CAUSES, AgentRow, arrow, hours, percent
from tui.panes.rebalancemoves import DROPPED, PINNED, MoveRow, agents_in
from tui.view.glyphs import Glyphs
from tui.view.spans import Line, fit, line_width, wrap

if TYPE_CHECKING:
    from core.balance.why import Why

LABEL = 11
MOST_TOLD = 1000
_NAMED = 3
_WEIGHTS = {"CRITICAL": 4, "HIGH": 3, "MEDIUM": 2, "LOW": 1}
_WARNED = {
    "unreadable": "takes no part",
    "id_mismatch": "another name inside",
    "duplicate_id": "id occurs twice",
}


def count(number: int, noun: str) -> str:
    """`1 move`, `7 moves`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def names(found: Sequence[str], most: int = _NAMED) -> str:
    """`CA, CB and 3 more`."""
    shown = ", ".join(clean_line(name, 24) for name in found[:most])
    return f"{shown} and {len(found) - most} more" if len(found) > most else shown


def what_it_does(plan: Plan) -> str:
    """The plan in half a sentence."""
    moves = plan.moves
    if moves:
        sources = list(dict.fromkeys(move.source for move in moves))
        receivers = list(dict.fromkeys(move.receiver for move in moves))
        return f"{count(len(moves), 'move')} from {names(sources)} to {names(receivers)}"
    if not plan.before.agents:
        return "there are no queues to balance"
    if plan.before.overloaded or plan.before.overflow or plan.before.misplaced:
        return "nothing can be gained by moving tasks"
    return "balanced: there is nothing to move"


class Figure(NamedTuple):
    """One goal of a plan: what it is, before and after as they are shown, and the role of the latter."""

    label: str
    before: str
    after: str
    role: str


def figures(plan: Plan) -> list[Figure]:
    """The goals in their order; those of which there is nothing, or a target of 0 says nothing, are left out."""
    before, after = plan.before, plan.after
    if not before.agents:
        return []
    goals: list[tuple[str, float, float, Callable[[float], str]]] = [
        ("peak", before.peak, after.peak, percent),
        ("misplaced", before.misplaced, after.misplaced, str),
        ("overflow", before.overflow, after.overflow, str),
        ("underused", len(before.underutilised), len(after.underutilised), str),
    ]
    if plan.options.target > 0:
        excess = ("above target", before.excess_hours, after.excess_hours, lambda value: f"{hours(value)} h")
        goals.insert(2, excess)
        goals.insert(4, ("overloaded", len(before.overloaded), len(after.overloaded), str))
    made = []
    for label, was, is_now, shown in goals:
        if was or is_now or label == "peak":
            same = shown(was) == shown(is_now)
            role = "text" if same else "ok" if is_now < was else "medium"
            made.append(Figure(label, shown(was), shown(is_now), role))
    return made


def figures_line(plan: Plan, glyphs: Glyphs, cells: int, faded: bool = False) -> Line:
    """`peak 132.5 % → 82.0 %   above target 9.1 h → 0.4 h   overflow 3 → 0`, as many as fit in `cells`."""
    line: Line = []
    for label, before, after, role in figures(plan):
        piece: Line = [(f"{'   ' if line else ''}{label} ", "dim"), (before, "dim" if faded else "text")]
        if before != after:
            piece += [(f" {arrow(glyphs)} ", "dim"), (after, "dim" if faded else role)]
        if line_width(line) + line_width(piece) > cells:
            break
        line += piece
    return line


def bound_text(plan: Plan, short: bool = False) -> str:
    """How good the plan is against what is possible, in plain words; a `short` one leaves out how good it is itself."""
    if plan.bound is None:
        return "how much better any plan could be is not known"
    target, bound = plan.options.target, plan.bound
    reached = max(target, plan.after.peak)
    best = max(target, bound)
    if not plan.before.agents:
        return ""
    if plan.before.peak <= target and target > 0:
        return f"every agent is at or below the target of {target:g} %"
    if reached <= best + max(0.05, 1e-6 * best):
        if best <= target and target > 0:
            return f"every agent comes to the target of {target:g} % or below"
        return f"no plan can do better than {percent(best)}"
    limited = plan.options.max_moves and len(plan.moves) >= plan.options.max_moves
    said = f"no plan{', of any number of moves,' if limited else ''} can do better than {percent(best)}"
    return said if short else f"{said}; this one comes to {percent(reached)}"


def options_text(plan: Plan) -> str:
    """The goals and limits that the plan was made with."""
    options = plan.options
    said = [f"target {options.target:g} %" if options.target > 0 else "level mode (target 0)"]
    said.append(f"at most {count(options.max_moves, 'move')}" if options.max_moves else "any number of moves")
    if options.queue_limit:
        said.append(f"queue limit {options.queue_limit}")
    said.append(f"cool-down {options.cooldown_hours:g} h")
    said.append(f"least gain {options.min_gain:g} point{'' if options.min_gain == 1 else 's'}")
    if options.pins:
        said.append(f"pinned here: {names(options.pins)}")
    return ", ".join(said)


def clock_left(left_s: float) -> str:
    """A countdown: `14:32`, `0:05`."""
    seconds = max(0, int(left_s))
    return f"{seconds // 60}:{seconds % 60:02d}"


# -- what is under the cursor ------------------------------------------------------------------------


def move_lines(row: MoveRow, glyphs: Glyphs, cells: int) -> list[Line]:
    """A move in words: the task, what it costs, then why."""
    head: Line = [(row.task_id, "strong")]
    if row.priority:
        head.append((f"  {row.priority.lower()}", "dim"))
    if row.title:
        head.append((f"  {row.title}", "text"))
    if row.kind == PINNED:
        owner = row.source or "its owner"
        return [head, [(f"pinned for this plan: it stays with {owner}; ", "dim"), ("P", "key"),
                       (" takes that back", "dim")]]  # fmt: skip
    imputed = ", estimated from others like it" if row.imputed else ""
    facts = [
        f"{hours(row.hours_from)} h with {row.source}, {hours(row.hours_to)} h with {row.receiver}{imputed}",
        _cost(row),
    ]
    lines = [head]
    if row.result:
        said = f": {row.said}" if row.said else ""
        lines += wrap([(row.result, "ok" if row.result != "skipped" else "medium"), (said, "text")], cells)
    if row.kind == DROPPED:
        lines.append(
            [(f"dropped: it stays with {row.source}; ", "dim"), ("x", "key"), (" takes it back", "dim")]
        )
    if row.text:
        lines += wrap([(with_arrows(row.text, glyphs), "text")], cells)
    lines += wrap([(", ".join(facts), "dim")], cells)
    return lines


def with_arrows(text: str, glyphs: Glyphs) -> str:
    """A planner's sentence with the arrows of the tables."""
    return text if glyphs.ascii else text.replace(" -> ", f" {arrow(glyphs)} ")


def _cost(row: MoveRow) -> str:
    """What a move costs beside its hours, and of what that is made: `cost 4: high 3, dependencies +1`."""
    weight = _WEIGHTS.get(row.priority.upper())
    if weight is None:
        return f"cost {row.disruption}"
    torn = row.disruption - weight
    return f"cost {row.disruption}: {row.priority.lower()} {weight}" + (
        f", dependencies {torn:+d}" if torn else ""
    )


def agent_lines(row: AgentRow, glyphs: Glyphs, cells: int) -> list[Line]:
    """An agent in words: load before and after, why it stays above the target."""
    before, after = row.before, row.after
    mark = arrow(glyphs)
    head: Line = [
        (row.agent, "strong"),
        (f"  {clean_line(before.state, 20)}, {hours(before.capacity_hours)} h of capacity", "dim"),
    ]
    said = (
        f"{percent(before.utilisation)} {mark} {percent(after.utilisation)}, "
        f"{hours(before.load_hours)} h {mark} {hours(after.load_hours)} h, "
        f"waiting {before.pending} {mark} {after.pending}"
    )
    moves = ", ".join(
        word for word in (f"gives {row.gives}" if row.gives else "", f"takes {row.takes}" if row.takes else "") if word
    )  # fmt: skip
    figures_ = wrap([(said, "text"), (f"; {moves}" if moves else "", "dim")], cells)
    lines = [head, *figures_]
    if row.cause:  # it goes before the figures, which stand in the table as well
        text = row.text or f"stays above the target: {CAUSES.get(row.cause, row.cause.replace('_', ' '))}"
        lines = [head, *wrap([(text, "medium")], cells), *figures_]
    else:
        nominal = f"workload score {before.workload_score:.0f} {mark} {after.workload_score:.0f}"
        lines.append([(nominal, "dim")])
    return lines


def why_lines(answer: "Why", glyphs: Glyphs, cells: int) -> list[Line]:
    """Why a task goes where it goes or stays: the sentence, then every agent and what speaks for or against it."""
    lines: list[Line] = [*wrap([(with_arrows(clean_line(answer.text, 500), glyphs), "strong")], cells), []]
    signs = {"there": arrow(glyphs), "here": glyphs.dot}
    roles = {"there": "accent", "here": "text"}
    for option in answer.options:
        role = roles.get(option.role, "text" if option.eligible else "dim")
        name = clean_line(option.agent, 60)
        head = (
            f"{signs.get(option.role, ' ')} {fit(name, 12) if line_width([(name, role)]) <= 12 else name}  "
        )
        room = max(20, cells - 16)
        for number, piece in enumerate(wrap([(clean_line(option.text, 300), role)], room)):
            lines.append([(head if not number else " " * 16, role), *piece])
    return lines


# -- the whole plan ----------------------------------------------------------------------------------


def plan_lines(plan: Plan, glyphs: Glyphs, cells: int, past: str = "", most: int = MOST_TOLD) -> list[Line]:
    """The plan in words: its figures, its bound, what stays above the target, what was odd; `most` of each."""
    lines: list[Line] = []
    for label, before, after, role in figures(plan):
        lines.append([
            (fit(label, 14), "dim"), (fit(before, 9, ">"), "text"), (f"  {arrow(glyphs)} ", "dim"),
            (fit(after, 9, ">"), role),
        ])  # fmt: skip
    for said in (bound_text(plan), past):
        if said:
            lines += wrap([(said, "text")], cells)
    lines += wrap([(options_text(plan), "dim")], cells)
    if plan.unresolved:
        lines += [[], [("STAYS ABOVE THE TARGET", "title")]]
        for row in plan.unresolved[:most]:
            cause = CAUSES.get(row.cause, row.cause.replace("_", " "))
            text = clean_line(row.text or cause, 300)
            said = text.partition(" %: ")[2] if text.startswith(f"{clean_line(row.agent)} stays at ") else ""
            text = said or text  # the agent and its load stand before it
            lines += _hanging(f"{clean_line(row.agent, 40)} {percent(row.utilisation)}", text, cells)
        lines += _more(len(plan.unresolved) - most)
    if plan.warnings:
        lines += [[], [(f"{count(len(plan.warnings), 'thing').upper()} TO KNOW OF THE FILES", "title")]]
        for warned in plan.warnings[:most]:
            who = " ".join(clean_line(word, 40) for word in (warned.agent, warned.task_id) if word)
            said = warned.detail or _WARNED.get(warned.code, warned.code)
            lines += _hanging(who or warned.code, clean_line(said, 400), cells)
        lines += _more(len(plan.warnings) - most)
    return lines


def _more(number: int) -> list[Line]:
    return [[(f"and {number} more", "dim")]] if number > 0 else []


def _hanging(label: str, text: str, cells: int) -> list[Line]:
    """A label, and a text beside it that is wrapped below itself."""
    room = max(12, cells - LABEL - 5)
    pieces = wrap([(text, "dim")], room)
    if len(label) > LABEL + 4:
        return [[(label, "text")], *[[("  ", "dim"), *piece] for piece in wrap([(text, "dim")], cells - 2)]]
    return [[(fit("" if at else label, LABEL + 5), "text"), *piece] for at, piece in enumerate(pieces)]


# -- applying, undoing -------------------------------------------------------------------------------


def apply_question(moves: Sequence[Move]) -> str:
    """What is asked before anything is changed."""
    return f"apply {count(len(moves), 'move')} between {count(agents_in(moves), 'agent')}?"


def skipped_text(row: Mapping[str, Any]) -> str:
    """One move that was not made, and why: `TASK-8: now in_progress (stale_status)`."""
    task = clean_line(str(row.get("task_id") or f"move {row.get('seq')}"), 80)
    code, detail = clean_line(str(row.get("code", "")), 40), clean_line(str(row.get("detail", "")), 200)
    return f"{task}: {detail} ({code})" if detail else f"{task}: {code.replace('_', ' ')}"


def skipped_short(row: Mapping[str, Any]) -> str:
    """The same in as few words as name the task."""
    task = clean_line(str(row.get("task_id") or f"move {row.get('seq')}"), 40)
    detail = clean_line(str(row.get("detail") or row.get("code", "")), 60)
    return f"{task} {detail}"


def recovered_text(row: Mapping[str, Any]) -> str:
    """One task that was put in order: `TASK-8 restored: ...`."""
    task = clean_line(str(row.get("task_id", "")), 80)
    code, detail = clean_line(str(row.get("code", "")), 40), clean_line(str(row.get("detail", "")), 200)
    return f"{task} {code.replace('_', ' ')}" + (f": {detail}" if detail else "")


def result_head(data: Mapping[str, Any], verb: str) -> tuple[str, str]:
    """A result in half a sentence, and its role: `complete: 7 moves applied`."""
    applied, stopped = len(data.get("applied", ())), _stopped(data)
    skipped = len(data.get("skipped", ())) - stopped
    state = str(data.get("state", ""))
    said = f"{state}: {count(applied, 'move')} {verb}"
    if skipped:
        said += f", {skipped} skipped"
    if stopped:
        said += f", {stopped} not begun"
    return clean_line(said, 200), "ok" if state == "complete" else "medium"


def _stopped(data: Mapping[str, Any]) -> int:
    """How many moves were not begun because somebody stopped the rest."""
    return sum(row.get("code") == STOPPED for row in data.get("skipped", ()))


def result_lines(
    data: Mapping[str, Any], moves: Mapping[int, tuple[str, str, str]], verb: str, cells: int, where: str
) -> list[Line]:
    """A receipt to read: what was moved, what was not and why, what was put in order, where it is kept.

    `moves` are those that were asked for: number → task, from whom, to whom.
    """
    head, role = result_head(data, verb)
    lines: list[Line] = [[(head, role)]]
    applied = list(data.get("applied", ()))
    if applied:
        lines += [[], [(verb.upper(), "title")]]
        for seq in applied[:MOST_TOLD]:
            task, source, receiver = (
                clean_line(word, 60) for word in moves.get(seq, (f"move {seq}", "", ""))
            )
            said = f"{task}  {source} to {receiver}" if receiver else task
            lines.append([(fit(str(seq), 4, ">"), "dim"), (f"  {said}", "text")])
        lines += _more(len(applied) - MOST_TOLD)
    skipped = [row for row in data.get("skipped", ()) if row.get("code") != STOPPED]
    for title, rows, text in (
        ("NOT MOVED", skipped, skipped_text),
        ("PUT IN ORDER", data.get("recovered", ()), recovered_text),
    ):
        if rows:
            lines += [[], [(title, "title")]]
            for row in rows[:MOST_TOLD]:
                lines += [[("  ", "text"), *piece] for piece in wrap([(text(row), "text")], cells - 2)]
            lines += _more(len(rows) - MOST_TOLD)
    if stopped := _stopped(data):
        said = f"{count(stopped, 'move')} not begun: it was stopped before"
        lines += [[], [(said, "medium")]]
    plan_id = clean_line(str(data.get("plan_id", "")), 64)
    lines += [[], [(fit("plan", LABEL), "dim"), (plan_id, "text")]]
    if where:
        lines.append([(fit("receipt", LABEL), "dim"), (where, "text")])
    lines.append([(fit("check", LABEL), "dim"), (f"bluetop optimize --verify {plan_id}", "text")])
    if applied:
        lines.append([(fit("take back", LABEL), "dim"), (f"bluetop optimize --undo {plan_id}", "text")])
    return lines


def changed_peak(before: Picture, after: Picture, glyphs: Glyphs) -> str:
    """`132.5 % → 82.0 %`."""
    return f"{percent(before.peak)} {arrow(glyphs)} {percent(after.peak)}"
