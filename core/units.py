"""Bytes, rates, durations and percentages as text, once. Unknown (`None`) is always `-`."""

import time
from math import isfinite

UNKNOWN = "-"
_ONE = {"tasks": "task", "handles": "handle", "processes": "process"}
_STEPS = ("", "K", "M", "G", "T", "P", "E")


def bytes_text(value: float | None) -> str:
    """Bytes with a binary prefix and three significant figures: `0 B`, `14.9 GiB`."""
    if value is None:
        return UNKNOWN
    size = float(value)
    step = 0
    while abs(size) >= 999.5 and step < len(_STEPS) - 1:
        size /= 1024
        step += 1
    if step == 0:
        return f"{size:.0f} B"
    digits = 2 if abs(size) < 9.995 else 1 if abs(size) < 99.95 else 0
    return f"{size:.{digits}f} {_STEPS[step]}iB"


def percent_text(value: float | None) -> str:
    """Per cent without decimals: `43 %`."""
    return UNKNOWN if value is None else f"{value:.0f} %"


def number_text(value: float | None) -> str:
    """A count, at most five characters wide: `7`, `9999`, `12k`, `3.4M`."""
    if value is None:
        return UNKNOWN
    size = float(value)
    for step in ("", "k", "M", "G", "T"):
        if abs(size) < (9999.5 if step == "" else 999.5):
            return f"{size:.0f}{step}" if step == "" or abs(size) >= 9.95 else f"{size:.1f}{step}"
        size /= 1000
    return f"{size:.0e}"


def duration_text(seconds: float | None) -> str:
    """At most two units, at most seven characters: `12 s`, `4 m`, `3h 41m`, `2d 4h`, `7 w`."""
    if seconds is None or not isfinite(seconds):
        return UNKNOWN
    s = max(0, int(seconds))
    if s < 60:
        return f"{s} s"
    if s < 3600:
        return f"{s // 60} m"
    if s < 86400:
        return f"{s // 3600}h {s % 3600 // 60:02d}m"
    if s < 86400 * 60:
        return f"{s // 86400}d {s % 86400 // 3600}h"
    if s < 86400 * 365 * 2:
        return f"{s // (86400 * 7)} w"
    years = s // (86400 * 365)
    return f"{years} y" if years < 1000 else ">999 y"


def age_text(seconds: float | None) -> str:
    """Sub-minute ages with one decimal below ten seconds: `0.4 s`, `14 s`, `3 m`."""
    if seconds is not None and 0 <= seconds < 9.95:
        return f"{seconds:.1f} s"
    return duration_text(seconds)


def measure_text(value: float | None, unit: str) -> str:
    """A value with its unit, and always as many decimals as before: `93 %`, `17 tasks`, `61.2 MB/s`, `1.5 h`."""
    if value is None:
        return UNKNOWN
    if unit == "B":
        return bytes_text(value)
    if unit == "B/s":
        return f"{bytes_text(value)}/s"
    if unit in ("MB/s", "h"):
        return f"{value:.1f} {unit}" if abs(value) < 999.95 else f"{number_text(value)} {unit}"
    text = (
        f"{value:.0f}"
        if unit == "%"
        else f"{value:.2f}"
        if not unit and abs(value) < 99.995
        else number_text(value)
    )
    return f"{text} {_ONE.get(unit, unit) if text == '1' else unit}".rstrip()


def limit_text(limit: float, unit: str) -> str:
    """A limit as it was written, without its unit: `15`, `0.5`; bytes as bytes."""
    return bytes_text(limit) if unit.startswith("B") else f"{limit:g}"


MORNING = 8  # o'clock


def until_morning_s(wall: float) -> float:
    """Seconds from `wall` to 08:00 of the next local day, across any change of the clock."""
    here = time.localtime(wall)
    return time.mktime((here.tm_year, here.tm_mon, here.tm_mday + 1, MORNING, 0, 0, 0, 0, -1)) - wall
