"""One instance that keeps alerts, on a scripted clock: an engine, its state, and the files they are in."""

from pathlib import Path
from typing import Any

from core.alerts import saved
from core.alerts.engine import AlertEngine
from core.alerts.lines import Lines
from core.alerts.store import AlertStore
from core.config import Rule
from tests.fakes import FakeClock

RULES = (
    Rule(
        "high", "m", 5.0, clear=3.0, for_s=2, keep_s=2, flap_high=4, flap_low=1, flap_window_s=40, repeat_s=3
    ),
    Rule("low", "m", 1.0, op="<", severity="low", stale_after_s=15),
)
STEP_S = 1.0
# Up and down, so that every kind of transition and notification is there.
VALUES = (0, 2, 6, 6, 7, 4, 2, 2, 2, 6, 6, 6, 0, 0, 0, 8, 8, 8, 8, 2, 2, 2, 2, 2, 2, 9, 9, 9, 9)
BEGAN = 1000.0
WALL = 1_780_000_000.0


class Keeper:
    """Opens what is kept and goes on from there; `left` is the number of the first step that is not in it."""

    def __init__(self, root: Path, most_bytes: int = 10_000_000) -> None:
        self.clock = FakeClock(BEGAN, WALL)
        self.store = AlertStore(
            [str(root / ".bluetop")], str(root), self.clock, write=True, most_bytes=most_bytes
        )
        self.opened = self.store.open()
        self.engine = AlertEngine(RULES)
        self.lines = Lines("box", "tests")
        self.left = 0
        if self.opened.state:
            state = saved.decoded(self.opened.state)
            self.left = round((state.t - BEGAN) / STEP_S) + 1
            t = BEGAN + self.left * STEP_S
            saved.restore(self.engine, state, t=t, wall=WALL + t - BEGAN, boot="b1")

    def step(self, number: int) -> None:
        """One sample, judged, and what came of it kept."""
        t = BEGAN + number * STEP_S
        self.engine.sample(t, "m", "agent", "CA", float(VALUES[number]))
        made = self.engine.settle()
        lines = [self.lines.transition(one, "", WALL - BEGAN) for one in made.transitions]
        lines += [self.lines.notification(told, WALL - BEGAN) for told in made.notifications]
        state = saved.encoded(saved.save(self.engine, wall=WALL + t - BEGAN, boot="b1"))
        self.store.keep(lines, state)

    def play(self) -> None:
        """All that is left."""
        for number in range(self.left, len(VALUES)):
            self.step(number)
        self.store.close()


def told(rows: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """What the lines of a log say, without who wrote them."""
    found: list[tuple[Any, ...]] = []
    for row in rows:
        if row["what"] == "transition":
            found.append(
                (row["t"], row["rule"], row["before"], row["to"], row["reason"], row["since"], row["id"])
            )
        elif row["what"] == "notification":
            found.append((row["t"], row["rule"], row["kind"]))
    return found
