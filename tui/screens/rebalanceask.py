"""What is typed on the rebalance screen: a target, a move budget, a reason. Not for what follows from it."""

import math
from collections.abc import Callable

from tui.screens.prompt import Asking
from tui.view.spans import Line

MOST_TARGET = 1000.0


class NumberAsking(Asking):
    """Asks for a number of at most `most`; `what` says what for, `hint` what it means, `do` takes it."""

    def __init__(
        self, what: str, hint: str, value: float, most: float, whole: bool, do: Callable[[float], None]
    ) -> None:
        super().__init__(f"{value:g}")
        self.placeholder = f"{what}: a number"
        self._what, self._hint, self._most, self._whole, self._do = what, hint, most, whole, do

    def _number(self, text: str) -> float | None:
        try:
            value = float(text.strip().removesuffix("%"))
        except ValueError:
            return None
        if not math.isfinite(value) or not 0 <= value <= self._most or (self._whole and value != int(value)):
            return None
        return value

    def typed(self, text: str, cells: int, left: int) -> Line | None:
        """What the number means, or that it is none."""
        if self._number(text) is None:
            return [(" ", "text"), (self._wrong(text), "high" if text.strip() else "dim")]
        return [(f" {self._what}; ", "dim"), (self._hint, "dim")]

    def kept(self, text: str) -> str:
        """Take it; the prompt stays until it is a number."""
        value = self._number(text)
        if value is None:
            return self._wrong(text)
        self._do(value)
        return ""

    def _wrong(self, text: str) -> str:
        kind = "a whole number" if self._whole else "a number"
        return f"{self._what}: {kind} from 0 to {self._most:,.0f}; {self._hint}"


class ReasonAsking(Asking):
    """Asks why, which may stay empty; `what` is about to be done, `do` goes on with the reason."""

    def __init__(self, what: str, do: Callable[[str], None]) -> None:
        super().__init__()
        self.placeholder = f"why {what}? kept with it; enter goes on, esc leaves all as it is"
        self._do = do

    def kept(self, text: str) -> str:
        """Go on."""
        self._do(text.strip())
        return ""
