"""Texts of rules: `CPU of {subject} is {value:.0f} %`. Only seven names, only formats of numbers.

Not `str.format`: that would let a rule reach attributes and indexes of what it is given.
"""

import re
from collections.abc import Mapping
from string import Formatter

NUMBERS = ("value", "threshold", "duration")
WORDS = ("subject", "metric", "severity", "name")
_SPEC = re.compile(r"(?:[<>=^])?[+\- ]?#?0?\d{0,2}[,_]?(?:\.\d{1,2})?[eEfFgGn%]?\Z")
UNKNOWN = "unknown"


def template_fault(text: str) -> str:
    """What is wrong with a template, "" if nothing is."""
    try:
        pieces = list(Formatter().parse(text))
    except ValueError as error:
        return f"{str(error)[:60].lower()}"
    for _, name, spec, conversion in pieces:
        if name is None:
            continue
        if name not in NUMBERS and name not in WORDS:
            known = " ".join(f"{{{known}}}" for known in (*WORDS, *NUMBERS))
            return f"{{{name[:40]}}} is no placeholder; there are {known}"
        if conversion:
            return f"{{{name}!{conversion[:1]}}} cannot be used; write {{{name}}}"
        if spec and (name in WORDS or not _SPEC.match(spec)):
            return f"{{{name}:{spec[:20]}}} is no format of a number, such as {{value:.1f}}"
    return ""


def filled(text: str, words: Mapping[str, str], numbers: Mapping[str, float | None]) -> str:
    """The template with its placeholders filled in. A number without a format is short; None is "unknown".

    Raises:
        ValueError: it has a fault (see `template_fault`).
    """
    made: list[str] = []
    for literal, name, spec, _ in Formatter().parse(text):
        made.append(literal)
        if name is None:
            continue
        if name in words:
            made.append(words[name])
        else:
            value = numbers[name]
            made.append(UNKNOWN if value is None else format(value, spec or ".4g"))
    return "".join(made)
