"""Times and figures as JSON has them: UTC text, no digits that nobody measured, None for what is unknown."""

from datetime import UTC, datetime
from math import isfinite
from typing import Any

Data = dict[str, Any]


def time_text(wall: float | None) -> str | None:
    """Seconds since 1970 as UTC text such as 2026-11-24T00:10:01Z; None where there is no such time."""
    if wall is None or not isfinite(wall):
        return None
    try:
        return datetime.fromtimestamp(int(wall), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (OverflowError, ValueError, OSError):
        return None


def rounded(value: float | None, digits: int = 3) -> float | None:
    """A figure without the digits that nobody measured; None for what is no number."""
    if value is None or not isfinite(value):
        return None
    return round(value, digits)
