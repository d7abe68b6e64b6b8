"""FILTER on the command line: its words, its query, and where in it the error is."""

import argparse
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from core.filter import Field, Query

_AROUND = 30  # characters of a long filter that are shown on either side of what is wrong


def add_filter(parser: argparse.ArgumentParser) -> None:
    """FILTER as the command's words; `args.filter` is a list of them."""
    parser.add_argument(
        "filter", metavar="FILTER", nargs="*", help="only those that it takes, such as state:silent load>80"
    )


def query_of(words: list[str], fields: Mapping[str, "Field"]) -> "tuple[str, Query]":
    """The text of the filter and the query that it is.

    Raises:
        FilterError: it is none; the text and a mark below what is wrong have been said on standard error.
    """
    from core.filter import FilterError, parse

    text = " ".join(words)
    try:
        return text, parse(text, fields)
    except FilterError as error:
        from tui.cli import say

        for line in marked(text, error.start, error.end):
            say(line)
        raise


def marked(text: str, start: int, end: int) -> tuple[str, str]:
    """The part of a text around what is wrong, and a line of `^` below it. Fit for a terminal."""
    from core.text import clean
    from tui.view.spans import width

    start = max(0, min(start, len(text)))
    end = max(start, min(end, len(text)))
    first, last = max(0, start - _AROUND), min(len(text), end + _AROUND)
    before = ("…" if first else "") + clean(text[first:start])
    wrong = clean(text[start : min(end, start + 2 * _AROUND)])
    if start + 2 * _AROUND < end:
        wrong, after = f"{wrong}…", ""
    else:
        after = clean(text[end:last]) + ("…" if last < len(text) else "")
    return f"  {before}{wrong}{after}", f"  {' ' * width(before)}{'^' * max(1, width(wrong))}"
