"""The watched processes and their file handles, the nearest to its limit first."""

from core.samples import ProcessRow
from core.units import bytes_text, number_text, percent_text
from tui.view.spans import Line
from tui.view.table import Column, Drawn, TableState


def _handles(row: ProcessRow, drawn: Drawn) -> Line:
    if row.handles is None:
        return [("-", "unknown")]
    near = row.handle_limit is not None and row.handles > 0.8 * row.handle_limit
    return [(number_text(row.handles), "high" if near else "text")]


COLUMNS: tuple[Column, ...] = (
    Column("pid", "PID", 9, lambda r, d: [(str(r.pid), "text")], lambda r: r.pid, ">"),
    Column("agent", "AGENT", 10, lambda r, d: [(r.agent or "-", "text" if r.agent else "dim")],
           lambda r: r.agent or None),
    Column("name", "NAME", 15, lambda r, d: [(r.name, "text")], lambda r: r.name, shrink=10),
    Column("state", "STATE", 5, lambda r, d: [(r.state, "dim")], lambda r: r.state, rank=3),
    Column("cpu", "CPU", 6, lambda r, d: [(percent_text(r.cpu_percent), "text")], lambda r: r.cpu_percent, ">",
           best_last=True),
    Column("rss", "MEM", 9, lambda r, d: [(bytes_text(r.rss_bytes), "text")], lambda r: r.rss_bytes, ">",
           best_last=True),
    Column("handles", "FILES", 6, _handles, lambda r: r.handles, ">", best_last=True),
    Column("limit", "LIMIT", 7, lambda r, d: [(number_text(r.handle_limit), "dim")],
           lambda r: r.handle_limit, ">", 1),
    Column("why", "WATCHED FOR", 22, lambda r, d: [(r.why, "dim")], lambda r: r.why, rank=2, shrink=14),
    Column("command", "COMMAND", 16, lambda r, d: [(r.command, "dim")], lambda r: r.command, grow=1),
)  # fmt: skip


def processes_table() -> TableState:
    """A fresh table of processes, most handles first."""
    return TableState(
        COLUMNS,
        identify=lambda r: f"{r.pid}:{r.started_at}",
        search=lambda r: f"{r.pid} {r.agent} {r.name} {r.command} {r.why}",
        sort="handles",
        descending=True,
    )
