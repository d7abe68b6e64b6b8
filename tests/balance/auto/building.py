"""Plans, deeds and decisions for tests of the automatic mode, each in one line."""

from core.balance.auto import ON, AutoSettings, Line, Past, mark_of
from core.balance.deeds import AUTOMATIC, Deed, Moved
from core.balance.doing import APPLY
from core.balance.options import Options
from core.balance.plan import AgentLoad, Move, Picture, Plan
from core.record.files import stamp

NOW = 1_780_000_000.0
HOUR = 3600.0
OPTIONS = Options()
SETTINGS = AutoSettings(mode=ON)
MARK = mark_of(SETTINGS, OPTIONS)
AUTO_USER = AUTOMATIC + "maria)"


def picture(peak: float, misplaced: int = 0) -> Picture:
    """A workspace whose worst agent is CA."""
    rows = (
        AgentLoad("CA", "active", 8.0, peak * 0.08, peak, 100.0, 9),
        AgentLoad("CB", "active", 8.0, 1.0, 12.5, 10.0, 1),
    )
    return Picture(misplaced, peak, 0.0, 0, ("CA",) if peak > 80 else (), ("CB",), rows)


def a_plan(
    moves: int = 2, peak: tuple[float, float] = (130.0, 90.0), *, options: Options = OPTIONS, at: float = NOW,
    plan_id: str = "f00dfeed", first: int = 1, misplaced: tuple[int, int] = (0, 0),
) -> Plan:  # fmt: skip
    """A plan that moves tasks T-1, T-2 … from CA to CB."""
    rows = tuple(
        Move(
            n, f"T-{first + n - 1}", "CA", "CB", 1.0, 1.0, False, "ab" * 32, "relieve_overload", "CA is full"
        )
        for n in range(1, moves + 1)
    )
    before, after = picture(peak[0], misplaced[0]), picture(peak[1], misplaced[1])
    return Plan(plan_id, stamp(at), options, before, after, 80.0, 0.0, rows, (), ())


def a_deed(
    at: float, moves: int = 1, *, user: str = AUTO_USER, kind: str = APPLY, plan_id: str = "deed0001",
    first: int = 1, ended: bool = True, undo_of: str = "", every_s: float = 0.0, back: bool = False,
) -> Deed:  # fmt: skip
    """A plan that was applied at `at`, and moved tasks T-1, T-2 … from CA to CB, or `back`."""
    where = ("CB", "CA") if back else ("CA", "CB")
    moved = tuple(Moved(f"T-{first + n}", *where, at + n * every_s) for n in range(moves))
    end = at + moves * every_s if ended else None
    return Deed(plan_id, kind, at, end, user, moved, undo_of)


def a_line(at: float, what: str = "nothing", *, mode: str = ON, mark: str = MARK, trials: int = 0,
           cleared_at: float = 0.0, plan_id: str = "", moves: int = 0,
           unread: tuple[str, ...] | None = ()) -> Line:  # fmt: skip
    """A decision that was kept."""
    return Line(at, what, "so", mode, mark, trials, cleared_at, plan_id, moves, None, None, unread, AUTO_USER)


# Enough dry runs were seen: nothing stands between a good plan and its being applied.
READY = Past(lines=(a_line(NOW - 300.0, "would", trials=3),), mark=MARK, minute=12 * 60)
