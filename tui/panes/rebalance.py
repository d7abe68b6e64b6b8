"""The agents of a plan: load before and after as bars with the target in them, hours, tasks that wait.

Pure, from a Plan to rows and lines. Not for the moves: `tui.panes.rebalancemoves`; nor for sentences about
a plan: `tui.panes.rebalancewords`.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from functools import lru_cache
from typing import NamedTuple

from core.balance.facts import ACTIVE, DECOMMISSIONED, PAUSED
from core.balance.plan import AgentLoad, Plan
from core.text import clean_line
from core.units import number_text
from tui.view.glyphs import Glyphs
from tui.view.pane import Size, Ui, facts, framed, spread
from tui.view.spans import Line, fit, fit_line
from tui.view.table import Column, Drawn, TableState

_NAME = 60
MOST_SCALE = 3.0  # a bar ends at so many times the target; what is beyond has an arrow at its end
CAUSES = {
    "no_eligible_receiver": "no receiver",
    "saturated": "all are full",
    "indivisible": "indivisible",
    "pinned": "pinned",
    "cooldown": "cooling down",
    "budget": "move budget",
}


class AgentRow(NamedTuple):
    """One agent of a plan. `cause` is why it stays above the target, "" if it does not; `text` says it in a sentence.

    `scale` is the per cent at the end of the bars. A `faded` row belongs to a picture that is being made anew.
    """

    agent: str
    before: AgentLoad
    after: AgentLoad
    gives: int
    takes: int
    cause: str
    text: str
    target: float
    scale: float
    faded: bool

    @property
    def matters(self) -> bool:
        """Whether the plan is about this agent."""
        return bool(self.gives or self.takes or self.cause) or self.is_over(self.before)

    def is_over(self, load: AgentLoad) -> bool:
        """Whether a load of this agent is above the target; in level mode nothing is."""
        return self.target > 0 and load.utilisation > self.target + 1e-6


def arrow(glyphs: Glyphs) -> str:
    """What stands between a before and its after."""
    return ">" if glyphs.ascii else "→"


def percent(value: float) -> str:
    """Per cent with one decimal, at most seven cells: `132.5 %`, `1325 %`."""
    return f"{value:.1f} %" if value < 999.95 else f"{number_text(value)} %"


def hours(value: float) -> str:
    """Hours with one decimal, at most five cells: `10.6`."""
    return f"{value:.1f}" if value < 999.95 else number_text(value)


def few(count: int) -> str:
    """A count in three cells: `14`, `12k`."""
    return str(count) if count < 1000 else f"{count // 1000}k"


def rows_of(plan: Plan, faded: bool = False) -> list[AgentRow]:
    """A row for each agent, the most loaded first; of two alike the first by name."""
    after = {load.agent: load for load in plan.after.agents}
    gives = Counter(move.source for move in plan.moves)
    takes = Counter(move.receiver for move in plan.moves)
    above = {row.agent: row for row in plan.unresolved}
    target = plan.options.target
    scale = _scale(plan)
    made = []
    for load in sorted(plan.before.agents, key=lambda row: (-row.utilisation, row.agent)):
        left = above.get(load.agent)
        name = clean_line(load.agent, _NAME)
        made.append(AgentRow(
            name, load, after.get(load.agent, load), gives[load.agent], takes[load.agent],
            clean_line(left.cause, 40) if left else "", clean_line(left.text, 300) if left else "",
            target, scale, faded,
        ))  # fmt: skip
    return made


def _scale(plan: Plan) -> float:
    """The end of the bars: in steps, so that a change of one agent does not change all pictures."""
    loads = [row.utilisation for row in (*plan.before.agents, *plan.after.agents)]
    highest = max((value for value in loads if value < 1e9), default=0.0)
    least = max(100.0, 1.25 * plan.options.target)
    step = 50.0
    whole = step * -(-highest // step)
    # With a target what is far beyond it may be cut off; without one the highest is what it is about.
    most = MOST_SCALE * max(plan.options.target, 50.0) if plan.options.target > 0 else whole
    return max(least, min(most, whole))


def load_bar(row: AgentRow, load: AgentLoad, cells: int, glyphs: Glyphs) -> Line:
    """A load in `cells` cells, one of which is the target: what lies to the right of that line is above it."""
    value = load.utilisation
    room = cells - 1 if row.target > 0 else cells
    line_at = max(1, min(room - 1, round(row.target / row.scale * room))) if row.target > 0 else room
    full = max(0, min(room, round(value / row.scale * room)))
    if row.target > 0:  # rounding must not carry a load over the line, nor back
        full = max(full, line_at + 1) if row.is_over(load) else min(full, line_at)
    if value > 0:
        full = max(1, full)
    fill, rest = ("dim", "bar_rest") if row.faded else ("bar", "bar_rest")
    line: Line = _cells(min(full, line_at), line_at, fill, rest, glyphs)
    if row.target > 0:
        line.append((glyphs.side, "bar_rest" if row.faded else "target"))
        over = "dim" if row.faded else "high"
        line += _cells(max(0, full - line_at), room - line_at, over, rest, glyphs)
    if value > row.scale:
        text, role = line[-1]
        line[-1] = (text[:-1] + (">" if glyphs.ascii else "»"), role)
    return line


def _cells(full: int, cells: int, role: str, rest: str, glyphs: Glyphs) -> Line:
    line: Line = []
    if full:
        line.append((glyphs.bar * full, role))
    if full < cells:
        line.append((glyphs.bar_rest * (cells - full), rest))
    return line


# -- columns -----------------------------------------------------------------------------------------


def _role(row: AgentRow, role: str) -> str:
    return "dim" if row.faded else role


def _name(row: AgentRow, drawn: Drawn) -> Line:
    return [(row.agent, _role(row, "text" if row.matters else "dim"))]


def _mark(row: AgentRow, drawn: Drawn) -> Line:
    """The agent is above the target once all is done, or takes no tasks."""
    if row.is_over(row.after):
        return [(drawn.glyphs.alarm, _role(row, "high"))]
    signs = {PAUSED: drawn.glyphs.paused, DECOMMISSIONED: drawn.glyphs.resolved}
    return [(signs.get(row.before.state, " "), "dim")]


def _before_percent(row: AgentRow, drawn: Drawn) -> Line:
    role = "high" if row.is_over(row.before) else "text" if row.matters else "dim"
    return [(percent(row.before.utilisation), _role(row, role))]


def _after_percent(row: AgentRow, drawn: Drawn) -> Line:
    same = row.after.load_hours == row.before.load_hours
    role = "high" if row.is_over(row.after) else "dim" if same else "text"
    return [(percent(row.after.utilisation), _role(row, role))]


def _pair(before: str, after: str, cells: int, row: AgentRow, drawn: Drawn) -> Line:
    """Two figures in fixed places, also where nothing changes."""
    same = before == after
    return [
        (fit(before, cells, ">"), _role(row, "dim" if same and not row.matters else "text")),
        (f" {arrow(drawn.glyphs)} ", "dim"),
        (fit(after, cells, ">"), _role(row, "dim" if same else "text")),
    ]


def _hours(row: AgentRow, drawn: Drawn) -> Line:
    return _pair(hours(row.before.load_hours), hours(row.after.load_hours), 5, row, drawn)


def _waiting(row: AgentRow, drawn: Drawn) -> Line:
    return _pair(few(row.before.pending), few(row.after.pending), 3, row, drawn)


def _moves(row: AgentRow, drawn: Drawn) -> Line:
    line: Line = []
    if row.gives:
        line.append((f"-{row.gives}", _role(row, "text")))
    if row.takes:
        line.append((f"+{row.takes}", _role(row, "accent")))
    return line or [("", "dim")]


def note_of(row: AgentRow) -> str:
    """Its state, and why it stays above the target."""
    cause = CAUSES.get(row.cause, row.cause.replace("_", " "))
    return ", ".join(word for word in (clean_line(row.before.state, 20), cause) if word)


def _note(row: AgentRow, drawn: Drawn) -> Line:
    odd = row.cause or row.before.state != ACTIVE
    return [(note_of(row), _role(row, "medium" if odd else "dim"))]


@lru_cache(maxsize=8)
def columns_of(bar: int) -> tuple[Column, ...]:
    """The columns, with bars of `bar` cells."""
    return (
        Column("agent", "AGENT", 12, _name, lambda r: r.agent.casefold(), shrink=8, help="its name"),
        Column("above", "", 1, _mark, lambda r: -r.after.utilisation if r.is_over(r.after) else None,
               help="it stays above the target"),
        Column("bar_before", "BEFORE", bar, lambda r, d: load_bar(r, r.before, bar, d.glyphs),
               lambda r: r.before.utilisation, best_last=True,
               help="load now: expected hours of all work, of its capacity; the line is the target"),
        Column("before", "", 7, _before_percent, lambda r: r.before.utilisation, ">", best_last=True,
               help="the same in per cent"),
        Column("bar_after", "AFTER", bar, lambda r, d: load_bar(r, r.after, bar, d.glyphs),
               lambda r: r.after.utilisation, best_last=True, help="load once the plan is applied"),
        Column("after", "", 7, _after_percent, lambda r: r.after.utilisation, ">", best_last=True,
               help="the same in per cent"),
        Column("hours", "HOURS", 13, _hours, lambda r: r.before.load_hours, ">", 3, best_last=True,
               help="expected hours of work, before and after"),
        Column("waiting", "WAIT", 9, _waiting, lambda r: r.before.pending, ">", 1, best_last=True,
               help="tasks that wait, before and after"),
        Column("moves", "MOVES", 5, _moves, lambda r: r.takes - r.gives, ">", 2,
               help="tasks it gives (-) and takes (+)"),
        Column("state", "STATE", 18, _note, lambda r: (not r.cause, note_of(r)), rank=4, grow=1,
               help="whether it takes tasks, and why it stays above the target"),
    )  # fmt: skip


def bar_cells(cells: int) -> int:
    """How wide a bar is in a table of `cells` cells."""
    return 9 if cells < 96 else 14 if cells < 124 else 20


def agents_table() -> TableState:
    """A fresh table of agents, in the order in which they are put: the most loaded first."""
    return TableState(
        columns_of(bar_cells(80)),
        identify=lambda r: r.agent,
        search=lambda r: f"{r.agent} {r.before.state} {note_of(r)}",
        name="rebalance_agents",
    )


def folded(rows: list[AgentRow], always: Collection[str]) -> tuple[list[AgentRow], list[AgentRow]]:
    """The agents that the plan is about, with those of `always`; then the others."""
    shown = [row for row in rows if row.matters or row.agent in always]
    kept = {row.agent for row in shown}
    return shown, [row for row in rows if row.agent not in kept]


def fold_text(rest: list[AgentRow], key: str) -> str:
    """What is folded away: `14 more agents, 3.0 to 71.0 %; e shows them`."""
    if not rest:
        return ""
    loads = [row.before.utilisation for row in rest]
    count = "1 more agent" if len(rest) == 1 else f"{len(rest)} more agents"
    between = percent(loads[0]) if len(rest) == 1 else f"{min(loads):.1f} to {percent(max(loads))}"
    return f"{count}, {between}; {key} shows {'it' if len(rest) == 1 else 'them'}"


def above_text(rows: Sequence[AgentRow], cells: int) -> str:
    """Who stays above the target and why, as many as there is room for: `BLUE no receiver, CC indivisible`."""
    left = [row for row in rows if row.cause]
    said = facts([f"{row.agent} {CAUSES.get(row.cause, row.cause.replace('_', ' '))}" for row in left], cells)
    return said or (f"{len(left)} stay above the target" if left and cells > 24 else "")


def draw_agents(table: TableState, size: Size, ui: Ui, fold: str) -> list[Line]:
    """The table in its frame where there is room for one; what is folded away is said below it.

    Where the table has no room for it, so is who stays above the target.
    """
    framed_ = ui.level != "rows"
    edge = 2 if framed_ else 0
    cells = size.width - edge
    table.columns = columns_of(bar_cells(cells))
    rows = size.height - edge - (1 if fold and not framed_ else 0)
    lines = table.lines(cells, rows, ui.focused, Drawn(0.0, ui.glyphs), "" if framed_ else "AGENTS")
    if not table.rows and len(lines) > 1:
        empty = "nothing matches; esc takes the filter away" if table.filter_text else "no agents yet"
        lines = [lines[0], fit_line([(f" {empty}", "dim")], cells), *lines[2:]]
    if framed_:
        return framed("AGENTS", [], lines, [(fold, "dim")] if fold else [], size, ui)
    if fold:
        above = above_text(table.items, cells - len(fold) - 4)
        lines = [*lines, spread([(f" {fold}", "dim")], [(f"{above} ", "medium")] if above else [], cells)]
    return lines[: size.height]
