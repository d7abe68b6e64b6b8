"""Timestamps as agents write them: with a zone, without one, a date alone, prose, nothing.

`parse` turns text into seconds since 1970 UTC. It does not say whether the time is true:
agents invent times, so whoever shows one compares it with the file (`forms.Notes`).
No `datetime`: the prober would pay half a megabyte for it.
"""

import re
from typing import Any, NamedTuple

_FORM = re.compile(
    r"\s*(\d{4})-?(\d\d)-?(\d\d)"
    r"(?:[Tt ]\s*(\d\d):?(\d\d)(?::?(\d\d)(?:[.,](\d{1,12}))?)?"
    r"\s*(?:([+-])(\d\d):?(\d\d)?)?([Zz]|\s*UTC)?)?\s*",
    re.ASCII,
)
_MONTH_DAYS = (0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_PLAIN = len("2025-05-29T08:45:36Z")
_TWO = {f"{n:02d}": n for n in range(60)}
_DAYS: dict[str, int | None] = {}


class Moment(NamedTuple):
    """`at`: seconds since 1970 UTC. `naive`: the text names no zone, so `at` takes it for UTC."""

    at: float
    naive: bool


def parse(text: Any) -> Moment | None:
    """The moment that `text` names; None if it is no text, no timestamp, or before 1970."""
    if type(text) is not str:
        return None
    at = plain(text)
    if at is not None:
        return Moment(at, False)
    if len(text) > 80:
        return None
    found = _FORM.fullmatch(text)
    if found is None:
        return None
    year, month, day, hour, minute, second, fraction, sign, ahead, ahead_min, zone = found.groups()
    days = _days(int(year), int(month), int(day))
    if days is None:
        return None
    at = days * 86400.0
    if hour is None:
        return Moment(at, True)
    h, m, s = int(hour), int(minute), int(second or 0)
    offset_min = int(ahead or 0) * 60 + int(ahead_min or 0)
    if h > 23 or m > 59 or s > 60 or offset_min >= 24 * 60 or int(ahead_min or 0) > 59:
        return None
    at += h * 3600 + m * 60 + min(s, 59) + (float(f"0.{fraction}") if fraction else 0.0)
    at -= offset_min * 60 if sign == "+" else -offset_min * 60
    return Moment(at, sign is None and zone is None) if at >= 0 else None


def plain(text: str) -> float | None:
    """Seconds since 1970 for the commonest form, `2025-05-29T08:45:36Z`; None for any other."""
    if len(text) != _PLAIN or text[10] != "T" or text[19] != "Z" or text[13] != ":" or text[16] != ":":
        return None
    date = text[:10]
    days = _DAYS.get(date, -1)
    if days == -1:
        days = _date(date)
        if len(_DAYS) < 4096:
            _DAYS[date] = days
    hour, minute, second = _TWO.get(text[11:13]), _TWO.get(text[14:16]), _TWO.get(text[17:19])
    if days is None or hour is None or hour > 23 or minute is None or second is None:
        return None
    return days * 86400.0 + hour * 3600 + minute * 60 + second


def _date(text: str) -> int | None:
    year, month, day = text[:4], text[5:7], text[8:]
    digits = year + month + day
    if text[4] != "-" or text[7] != "-" or not (digits.isascii() and digits.isdigit()):
        return None
    return _days(int(year), int(month), int(day))


def _days(year: int, month: int, day: int) -> int | None:
    """Days since 1970-01-01; None if there is no such day, or it is before."""
    if not (year >= 1970 and 1 <= month <= 12 and day >= 1):
        return None
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    if day > _MONTH_DAYS[month] + (leap and month == 2):
        return None
    # The year begins in March, so that the leap day is its last one (Hinnant, days_from_civil).
    y = year - (month <= 2)
    day_of_year = (153 * (month + (-3 if month > 2 else 9)) + 2) // 5 + day - 1
    return y * 365 + y // 4 - y // 100 + y // 400 + day_of_year - 719468
