"""The watched processes and their file handles, the nearest to its limit first."""

from typing import TYPE_CHECKING

from core.samples import ProcessRow
from core.units import bytes_text, number_text, percent_text
from tui.view.spans import Line
from tui.view.table import Column, Drawn, TableState, View

if TYPE_CHECKING:
    from core.filter import Field


def _handles(row: ProcessRow, drawn: Drawn) -> Line:
    if row.handles is None:
        return [("-", "unknown")]
    near = row.handle_limit is not None and row.handles > 0.8 * row.handle_limit
    return [(number_text(row.handles), "high" if near else "text")]


COLUMNS: tuple[Column, ...] = (
    Column("pid", "PID", 9, lambda r, d: [(str(r.pid), "text")], lambda r: r.pid, ">",
           help="number of the process"),
    Column("agent", "AGENT", 10, lambda r, d: [(r.agent or "-", "text" if r.agent else "dim")],
           lambda r: r.agent or None, help="the agent it works for, where that is known"),
    Column("name", "NAME", 15, lambda r, d: [(r.name, "text")], lambda r: r.name, shrink=10,
           help="name of the program"),
    Column("state", "STATE", 5, lambda r, d: [(r.state, "dim")], lambda r: r.state, rank=4,
           help="state as the kernel has it: R runs, S sleeps, D waits for a disk, Z is dead"),
    Column("cpu", "CPU", 6, lambda r, d: [(percent_text(r.cpu_percent), "text")], lambda r: r.cpu_percent, ">",
           best_last=True, help="processor use, in per cent of one core"),
    Column("rss", "MEM", 9, lambda r, d: [(bytes_text(r.rss_bytes), "text")], lambda r: r.rss_bytes, ">",
           best_last=True, help="memory in use (resident set)"),
    Column("handles", "FILES", 6, _handles, lambda r: r.handles, ">", best_last=True,
           help="open files, sockets and pipes"),
    Column("limit", "LIMIT", 7, lambda r, d: [(number_text(r.handle_limit), "dim")],
           lambda r: r.handle_limit, ">", 2, help="how many of these it may have open"),
    Column("why", "WATCHED FOR", 22, lambda r, d: [(r.why, "dim")], lambda r: r.why, rank=3, shrink=14,
           help="why bluetop watches it"),
    Column("command", "COMMAND", 16, lambda r, d: [(r.command, "dim")], lambda r: r.command, rank=1, grow=1,
           help="its command line"),
)  # fmt: skip
VIEWS = (View("busy", "cpu>=50", "cpu", True, help="those that use half a core or more"),)


def fields() -> "dict[str, Field]":
    """What a filter of processes may ask for."""
    from core.filter import Field

    made = (
        Field("agent", "id", lambda r, wall: r.agent, "the agent it works for"),
        Field("name", "text", lambda r, wall: r.name, "name of the program"),
        Field("pid", "id", lambda r, wall: str(r.pid), "number of the process"),
        Field("state", "choice", lambda r, wall: r.state, "state as the kernel has it"),
        Field("cpu", "percent", lambda r, wall: r.cpu_percent, "processor use, of one core"),
        Field("mem", "number", lambda r, wall: r.rss_bytes, "memory in bytes (100M, 2Gi)"),
        Field("files", "number", lambda r, wall: r.handles, "open files", aliases=("handles",)),
        Field("limit", "number", lambda r, wall: r.handle_limit, "how many files it may have open"),
        Field("why", "text", lambda r, wall: r.why, "why it is watched"),
        Field("command", "text", lambda r, wall: r.command, "its command line"),
    )
    return {field.name: field for field in made}


def processes_table() -> TableState:
    """A fresh table of processes, most handles first."""
    return TableState(
        COLUMNS,
        identify=lambda r: f"{r.pid}:{r.started_at}",
        search=lambda r: f"{r.pid} {r.agent} {r.name} {r.command} {r.why}",
        sort="handles",
        descending=True,
        name="processes",
        fields=fields,
        views=VIEWS,
    )
