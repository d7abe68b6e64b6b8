"""The rebalance screen as pictures, compared with those in `__snapshots__` that somebody has looked at.

The plan is made up and handed in as if a helper had made it, so that the picture is the same on every machine.
"""

import pytest

from core.balance.client import Done
from core.balance.options import Options
from core.balance.plan import AgentLoad, Move, Picture, Plan, Unresolved, Warned
from core.config import Balance
from tests.snapshots import snapshot
from tests.stage import make, still
from tui.screens.rebalance import RebalanceScreen
from tui.view.glyphs import ASCII

_STATES = {"WA": "decommissioned", "OPS": "paused"}
_BEFORE = {"CC": (132.5, 14), "BLUE": (96.0, 6), "CB": (61.0, 3), "DOCS": (55.0, 4), "OPS": (44.0, 4), "CA": (25.0, 1),
           "WA": (18.8, 2), "ARCH": (12.0, 0)}  # fmt: skip
_AFTER = {**_BEFORE, "CC": (82.5, 9), "CA": (67.5, 5), "WA": (0.0, 0), "ARCH": (38.3, 3)}
_MOVES = (
    ("TASK-171", "WA", "CA", 1.0, 1.1, "evacuate", "WA is decommissioned; CA has testing and python",
     "Reconcile sprint progress with the outboxes", "MEDIUM", 2, False),
    ("TASK-172", "WA", "ARCH", 0.5, 0.5, "evacuate", "WA is decommissioned; ARCH shares docs with it",
     "Compare three PDF extractors on 40 documents", "LOW", 1, True),
    ("TASK-160", "CC", "CA", 2.0, 1.6, "relieve_overload",
     "CC 132.5 % -> 107.5 %, CA 38.8 % -> 58.8 %; CA has testing, 1.25x faster on it",
     "Results page: empty and error states", "HIGH", 3, False),
    ("TASK-161", "CC", "ARCH", 1.0, 1.1, "relieve_overload", "CC 107.5 % -> 95.0 %, ARCH 18.3 % -> 32.0 %",
     "Database schema for extraction runs", "CRITICAL", 5, False),
    ("TASK-162", "CC", "ARCH", 0.5, 0.5, "reduce_overflow", "CC has 12 tasks waiting, its limit is 10",
     "Unified workflow engine", "MEDIUM", 2, False),
    ("TASK-163", "CC", "CA", 0.5, 0.7, "make_room", "makes room with CC for TASK-164", "日本語のタスク名 in a title",
     "LOW", 1, False),
    ("TASK-164", "CC", "CA", 0.5, 0.7, "relieve_overload", "CC 88.8 % -> 82.5 %, CA 58.8 % -> 67.5 %",
     "Migrate the settings", "LOW", 1, False),
)  # fmt: skip


def _picture(loads: dict[str, tuple[float, int]], misplaced: int) -> Picture:
    rows = tuple(
        AgentLoad(
            name, _STATES.get(name, "active"), 8.0, percent * 0.08, percent, min(100.0, percent), pending
        )
        for name, (percent, pending) in loads.items()
    )
    alive = [row for row in rows if row.state != "decommissioned"]
    return Picture(
        misplaced, max(row.utilisation for row in alive), sum(max(0.0, row.load_hours - 6.4) for row in alive),
        sum(max(0, row.pending - 10) for row in alive), tuple(r.agent for r in alive if r.utilisation > 80),
        tuple(r.agent for r in alive if r.utilisation < 30), rows,
    )  # fmt: skip


PLAN = Plan(
    "0123456789abcdef0123456789abcdef", "2026-05-28T20:26:40Z", Options(), _picture(_BEFORE, 2), _picture(_AFTER, 0),
    96.0, 0.0,
    tuple(
        Move(seq, task, source, receiver, old, new, imputed, "0" * 64, code, text, title, priority, disruption)
        for seq, (task, source, receiver, old, new, code, text, title, priority, disruption, imputed) in enumerate(
            _MOVES, 1
        )
    ),
    (
        Unresolved("BLUE", 96.0, "no_eligible_receiver",
                   "BLUE stays at 96 %: its tasks ask for rust, which no other agent has"),
        Unresolved("CC", 82.5, "indivisible",
                   "CC stays at 82.5 %: what could still be moved is less than what is worth a move"),
    ),
    (Warned("duplicate_id", "CB", "TASK-9", "2 tasks have this id; none of them is moved"),),
)  # fmt: skip

PICTURES = {
    "dusk-80x24": (80, 24, (), {}),
    "ascii-80x24": (80, 24, (), {"glyphs": ASCII, "theme": "mono", "system": "none"}),
    "agents-contrast-80x24": (80, 24, ("tab", "j"), {"theme": "contrast"}),
    "dawn-120x40": (120, 40, ("j", "j"), {"theme": "dawn"}),
    "dusk-200x60": (200, 60, ("j", "j", "j"), {}),
}


@pytest.mark.parametrize("name", sorted(PICTURES))
def test_the_screen_looks_as_it_did_when_somebody_looked(name, snap_compare):
    columns, lines, keys, options = PICTURES[name]
    app = make(still(snapshot(workspace=None)), **options)

    async def hand_in(pilot):
        screen = RebalanceScreen(Balance())
        await app.push_screen(screen)
        screen.draft.anew(app.shown, app.engine.clock.wall())
        screen.problem, screen.past = "", "last 9 plans: 8 helped, 1 did not; median 31 % sooner"
        screen._take(Done(PLAN.data()))
        await pilot.press(*keys)

    assert snap_compare(app, terminal_size=(columns, lines), run_before=hand_in)
