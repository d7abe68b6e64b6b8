"""What a plan is asked to do: the flags of `bluetop optimize`, checked."""

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from core.errors import UsageError

PEERS, ANY, NEVER = "peers", "any", "never"
UNLABELLED = (PEERS, ANY, NEVER)


class Options(NamedTuple):
    """The goals and limits of a plan.

    `target` and `under` are per cent of an agent's capacity, `min_gain` percentage points; `target` 0 is level
    mode. `queue_limit` 0 switches overflow off, `max_moves` 0 is no limit. `pins` are ids of tasks that stay
    where they are for this plan, beside those that are pinned in their files.
    """

    target: float = 80.0
    under: float = 30.0
    queue_limit: int = 10
    max_moves: int = 0
    cooldown_hours: float = 1.0
    min_gain: float = 1.0
    unlabelled: str = PEERS
    pins: tuple[str, ...] = ()

    def data(self) -> dict[str, Any]:
        """As in a plan's `config`; `pins` only where there are any."""
        found: dict[str, Any] = {
            name: _plain(value) for name, value in self._asdict().items() if name != "pins"
        }
        if self.pins:
            found["pins"] = sorted(self.pins)
        return found


def checked(options: Options) -> Options:
    """`options`, if they make sense.

    Raises:
        UsageError: one does not; the sentence names it and its value.
    """
    for name in ("target", "under", "cooldown_hours", "min_gain"):
        value = getattr(options, name)
        if not math.isfinite(value) or value < 0:
            raise UsageError(f"{_flag(name)} must be a number from 0 up, not {_told(value)}")
    for name in ("target", "under"):
        if getattr(options, name) > 1000:
            raise UsageError(f"{_flag(name)} is in per cent, at most 1000, not {getattr(options, name):g}")
    for name in ("queue_limit", "max_moves"):
        value = getattr(options, name)
        if not math.isfinite(value) or value < 0 or value != int(value):
            raise UsageError(f"{_flag(name)} must be a whole number from 0 up, not {_told(value)}")
    if options.unlabelled not in UNLABELLED:
        raise UsageError(f"--unlabelled must be one of {', '.join(UNLABELLED)}, not {options.unlabelled}")
    # The same numbers whether they came as 80 or as 80.0: plans are the same byte for byte.
    return Options(
        float(options.target), float(options.under), int(options.queue_limit), int(options.max_moves),
        float(options.cooldown_hours), float(options.min_gain), options.unlabelled,
        tuple(sorted(set(options.pins))),
    )  # fmt: skip


def options_of(data: Mapping[str, Any]) -> Options:
    """The options that `Options.data` gave.

    Raises:
        UsageError: they are not; the sentence names what is wrong.
    """
    known = Options._fields
    unknown = sorted(set(data) - set(known))
    if unknown:
        raise UsageError(f"config.{unknown[0]} is no option of a plan")
    values: dict[str, Any] = {}
    for name, default in Options._field_defaults.items():
        value = data.get(name, default)
        if name == "pins":
            if not isinstance(value, list | tuple) or not all(isinstance(pin, str) for pin in value):
                raise UsageError("config.pins must be a list of task ids")
            value = tuple(value)
        elif name == "unlabelled":
            if not isinstance(value, str):
                raise UsageError(f"config.{name} must be a word")
        elif isinstance(value, bool) or not isinstance(value, int | float):
            raise UsageError(f"config.{name} must be a number")
        elif abs(value) >= 1e300:  # an integer beyond what a float holds is neither shown nor compared
            raise UsageError(f"config.{name} is too large a number")
        values[name] = value
    return checked(Options(**values))


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")


def _told(value: float) -> str:
    """A number as it is said, also one that is too large for a float."""
    return f"{value:g}" if abs(value) < 1e300 else "one with hundreds of digits"


def _plain(value: Any) -> Any:
    """Whole numbers without a point, as people write them."""
    return int(value) if isinstance(value, float) and value.is_integer() else value
