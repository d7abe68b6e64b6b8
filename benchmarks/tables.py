"""What a table of very many rows costs a tick and a key, beside sorting and filtering everything anew.

    python benchmarks/tables.py [--rows 10000] [--rounds 20] [--json FILE]

The columns are those of the agents table; the plain way is what a table without memory would do: all
keys, all texts and all names again for one changed row. Ends with status 1 where a limit is missed.
Not a test: the figures of a busy machine differ by a quarter from run to run.
"""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

from core.filter import Field, parse
from tui.view.glyphs import UTF8
from tui.view.spans import Line
from tui.view.table import Column, Drawn, TableState

WALL = 1_780_000_000.0
DRAWN = Drawn(WALL, UTF8)
STATES = ("working", "idle", "review", "blocked")
CELLS, HEIGHT = 160, 48


class Row(NamedTuple):
    """Something like an agent."""

    name: str
    state: str
    title: str
    since: float
    load: float | None
    waiting: int


class Figure(NamedTuple):
    """One row of the outcome: milliseconds of the median and the slowest round, and the most they may be."""

    what: str
    median_ms: float
    worst_ms: float
    most_ms: float | None


def _text(field: str) -> Callable[[Row, Drawn], Line]:
    return lambda row, drawn: [(str(getattr(row, field)), "text")]


COLUMNS = (
    Column("name", "AGENT", 10, _text("name"), lambda r: r.name.casefold()),
    Column("state", "STATE", 10, _text("state"), lambda r: (STATES.index(r.state), r.name)),
    Column("title", "NOW", 26, _text("title"), lambda r: r.title, grow=1),
    Column("since", "FOR", 8, lambda r, d: [(f"{d.wall - r.since:.0f} s", "text")], lambda r: r.since, ">", 1),
    Column("load", "LOAD", 8, _text("load"), lambda r: r.load, ">", 2, best_last=True),
    Column("waiting", "WAIT", 5, _text("waiting"), lambda r: r.waiting, ">", 1, best_last=True),
)  # fmt: skip
FIELDS = {
    field.name: field
    for field in (
        Field("name", "id", lambda r, wall: r.name),
        Field("state", "choice", lambda r, wall: r.state, choices=STATES),
        Field("title", "text", lambda r, wall: r.title),
        Field("age", "duration", lambda r, wall: wall - r.since),
        Field("load", "percent", lambda r, wall: r.load),
        Field("wait", "number", lambda r, wall: r.waiting),
    )
}
FILTERS = ("schema -idle", "state:working,review load>=50 age>10m", "title:*number*9* wait:1..5")


def text_of(row: Row) -> str:
    """What words of a filter are looked for in."""
    return f"{row.name} {row.state} {row.title}"


def row(number: int, turn: int = 0) -> Row:
    """Row `number` after `turn` changes: nothing in it is in order."""
    mixed = (number * 7919 + turn * 104_729) % 100_003
    load = None if mixed % 11 == 0 else mixed % 1000 / 10
    return Row(
        f"A{number:06}",
        STATES[mixed % 4],
        f"Task number {mixed} of the schema",
        WALL - mixed,
        load,
        mixed % 15,
    )


def table(rows: Sequence[Row], sort: str = "load", text: str = "") -> TableState:
    """A table that shows them."""
    made = TableState(COLUMNS, lambda r: r.name, text_of, sort, True, fields=FIELDS)
    made.at(WALL)
    made.set_filter(text)
    made.put(rows)
    return made


def plainly(rows: Sequence[Row], text: str) -> tuple[list[Row], list[str]]:
    """Rows and names of the table without a memory."""
    kept = list(rows)
    if text:
        query = parse(text, FIELDS)
        kept = [r for r in kept if query.matches(r, text_of(r), WALL)]
    known = sorted((r for r in kept if r.load is not None), key=lambda r: r.load or 0.0, reverse=True)
    ordered = known + [r for r in kept if r.load is None]
    return ordered, [r.name for r in ordered]


def measure(what: str, most_ms: float | None, rounds: int, work: Callable[[int], Any]) -> Figure:
    """The time of `work(round)`; a first round warms up."""
    work(0)
    took = []
    for number in range(1, rounds + 1):
        begin = time.perf_counter()
        work(number)
        took.append(1000 * (time.perf_counter() - begin))
    return Figure(what, statistics.median(took), max(took), most_ms)


def figures(count: int, rounds: int) -> list[Figure]:
    """Every figure, for `count` rows. Ticks are made beforehand: making them is not the table's work."""
    rows = tuple(row(number) for number in range(count))
    text = FILTERS[0]
    ticks = [rows]
    for turn in range(1, rounds + 1):
        at = turn * 6151 % count
        last = ticks[-1]
        ticks.append((*last[:at], row(at, turn), *last[at + 1 :]))
    others = [tuple(row(number, turn) for number in range(count)) for turn in range(3)]
    sorted_only, filtered, turned = table(rows), table(rows, text=text), table(rows)

    def measured(what: str, most_ms: float | None, work: Callable[[int], Any]) -> Figure:
        return measure(what, most_ms, rounds, work)

    found = [
        measured("one of them changed: the plain way", None, lambda n: plainly(ticks[n], text)),
        measured("one of them changed, sorted", 10.0, lambda n: sorted_only.put(ticks[n])),
        measured("one of them changed, sorted and filtered", 10.0, lambda n: filtered.put(ticks[n])),
        measured("all of them changed", 100.0, lambda n: turned.put(others[n % 3])),
    ]
    for name in ("name", "state", "load"):
        found.append(measured(f"sort by {name}", 100.0, partial(_sorted, turned, name)))
    for asked in FILTERS:
        found.append(measured(f"filter: {asked}", 100.0, partial(_filtered, turned, asked)))
    turned.set_filter("")
    found.append(measured("a key down, drawn", 33.0, lambda n: _scrolled(turned, 1)))
    found.append(measured("a page down, drawn", 33.0, lambda n: _scrolled(turned, HEIGHT)))
    return found


def _sorted(shown: TableState, name: str, number: int) -> None:
    shown.sort_by(name, bool(number % 2))


def _filtered(shown: TableState, text: str, number: int) -> None:
    shown.set_filter(text + " " * (number % 2))


def _scrolled(shown: TableState, by: int) -> None:
    shown.move(by)
    shown.lines(CELLS, HEIGHT, True, DRAWN)


def main() -> int:
    """Measure, print the table, and return 1 where a limit is missed."""
    parser = argparse.ArgumentParser(description="what a table of very many rows costs")
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--json", metavar="FILE", help="write the figures there as well")
    options = parser.parse_args()
    found = figures(options.rows, options.rounds)
    out = sys.stdout.write
    out(f"{options.rows} rows, {options.rounds} rounds, milliseconds\n\n")
    out(f"{'':48}{'median':>9}{'worst':>9}{'limit':>9}\n")
    for figure in found:
        limit = "" if figure.most_ms is None else f"{figure.most_ms:9.0f}"
        missed = "  missed" if figure.most_ms is not None and figure.median_ms > figure.most_ms else ""
        out(f"{figure.what:48}{figure.median_ms:9.2f}{figure.worst_ms:9.2f}{limit}{missed}\n")
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump([figure._asdict() for figure in found], file, indent=2)
    return int(any(f.most_ms is not None and f.median_ms > f.most_ms for f in found))


if __name__ == "__main__":
    raise SystemExit(main())
