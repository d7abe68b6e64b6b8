"""The four gauges of the host: CPU, memory, disk, file handles. One line each, or a framed chart.

All four share one drawing; a gauge says what its figure, its scale and its facts are.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from core.snapshot import Reading, Snapshot
from core.units import bytes_text
from tui.panes import details as details_of
from tui.view.chart import chart_lines, nice_ceiling, peak
from tui.view.glyphs import Glyphs, status_mark
from tui.view.pane import Size, Ui, facts, figure, framed, status_spans
from tui.view.spans import Line, fit, fit_line

# From this height on (an expanded pane) a gauge shows everything that was measured.
ROOMY = 18


class Gauge(NamedTuple):
    """One gauge. `figure` is the number as text, `target` the KPI whose status it shows, `chart` the
    name of its history, `ceiling` the top of the scale (None: the next round number above the peak)."""

    name: str
    title: str
    kpi: str
    chart: str
    ceiling: float | None
    limit: float
    reading: Callable[[Snapshot], Reading[Any]]
    figure: Callable[[Any], str]
    percent: Callable[[Any], float | None]
    facts: Callable[[Snapshot, Any], list[str]]
    detail: Callable[[Snapshot, Any], list[Line]]
    everything: Callable[[Snapshot, Any, int, Glyphs], list[Line]]

    def draw(self, snap: Snapshot, size: Size, ui: Ui) -> list[Line]:
        """One line where there is one, else a frame with a chart as tall as the room."""
        return [self._row(snap, size, ui)] if size.height == 1 else self._frame(snap, size, ui)

    def _high(self, snap: Snapshot) -> float:
        top = peak(snap.charts.get(self.chart))
        return self.ceiling or nice_ceiling(max(self.limit, top or 0.0))

    def _row(self, snap: Snapshot, size: Size, ui: Ui) -> Line:
        reading = self.reading(snap)
        kpi = snap.kpi(self.kpi)
        value = reading.value
        mark = (ui.glyphs.cursor, "accent") if ui.focused else (" ", "text")  # no frame that could show it
        line: Line = [mark, (fit(self.title, 7), "accent" if ui.focused else "title")]
        line.append(figure(reading, self.figure(value) if value is not None else "", snap.at, 9))
        line.append(("  ", "text"))
        line.extend(status_spans(kpi, ui.glyphs, 10))
        line.append((fit(kpi.target if kpi else "", 6), "dim"))
        room = size.width - 36
        cells = max(12, min(60, room * 45 // 100))
        line.extend(
            chart_lines(snap.charts.get(self.chart), cells, 1, self._high(snap), None, ui.glyphs, self.name)[
                0
            ]
        )
        line.append(("  ", "text"))
        rest = room - cells - 2
        fresh = value is not None and reading.fresh(snap.at)
        said = facts(self.facts(snap, value), rest) if fresh else facts([reading.problem], rest)
        line.append((fit(said, rest), "dim"))
        return fit_line(line, size.width)

    def _frame(self, snap: Snapshot, size: Size, ui: Ui) -> list[Line]:
        reading = self.reading(snap)
        kpi = snap.kpi(self.kpi)
        value = reading.value
        fresh = value is not None and reading.fresh(snap.at)
        head: Line = [figure(reading, self.figure(value) if value is not None else "", snap.at, 9)]
        head.append((f"  {fit(kpi.target if kpi else '', 5)}  ", "dim"))
        glyph, word, role = status_mark(kpi.status if kpi else "unknown", ui.glyphs)
        head += [(glyph, role), (f" {word} ", role if kpi and kpi.status != "ok" else "dim")]
        chart = snap.charts.get(self.chart)
        top = peak(chart)
        corner: Line = []
        if top is not None and size.width >= 52:
            corner = [(f" peak {fit(self._scale_text(top), 6, '>')} ", "dim")]
        inner = size.width - 4
        details: list[Line] = []
        if fresh and size.height >= ROOMY:
            details = [[("", "text")], *self.everything(snap, value, inner, ui.glyphs)][: size.height - 6]
        elif fresh and size.height >= 7:
            details = self.detail(snap, value)
        rows = max(1, size.height - 2 - len(details))
        high = self._high(snap)
        target = self.limit if self.limit < high else None
        body: list[Line] = [
            [(" ", "text"), *line]
            for line in chart_lines(chart, inner, rows, high, target, ui.glyphs, self.name)
        ]
        body.extend([(" ", "text"), *line] for line in details)
        said = facts(self.facts(snap, value), inner - 4) if fresh else reading.problem
        return framed(self.title, head, body, [(said, "dim")] if said else [], size, ui, corner)

    def _scale_text(self, value: float) -> str:
        if self.name in ("cpu", "memory"):
            return f"{value:.0f} %"
        return f"{value:.0f}" if value >= 10 or self.name == "files" else f"{value:.1f}"


def _pressure(pressure: Any) -> list[str]:
    return [] if pressure is None else [f"stall {pressure.some_percent:.1f} %"]


def _cpu_facts(snap: Snapshot, cpu: Any) -> list[str]:
    parts = [f"{cpu.cores} core{'s' if cpu.cores != 1 else ''}"]
    if cpu.load is not None:
        parts.append(f"load {cpu.load[0]:.2f}")
    parts += _pressure(cpu.pressure)
    if cpu.steal_percent:
        parts.append(f"steal {cpu.steal_percent:.0f} %")
    if cpu.iowait_percent is not None and cpu.iowait_percent >= 1:
        parts.append(f"iowait {cpu.iowait_percent:.0f} %")
    if cpu.frequency_mhz:
        parts.append(f"{cpu.frequency_mhz / 1000:.1f} GHz")
    return parts


def _cpu_detail(snap: Snapshot, cpu: Any) -> list[Line]:
    cores = cpu.per_core_percent
    if not cores or len(cores) > 64:
        return []
    line: Line = []
    for number, percent in enumerate(cores[:12]):
        line += [(f"{number} ", "dim"), (f"{percent:3.0f} % ", "text")]
    return [line]


def _memory_facts(snap: Snapshot, memory: Any) -> list[str]:
    parts = []
    if memory.used_bytes is not None and memory.total_bytes is not None:
        used, total = bytes_text(memory.used_bytes), bytes_text(memory.total_bytes)
        same = used[-4:] == total[-4:]
        parts.append(f"{used[:-4] if same else used} of {total}")
    if memory.limit_bytes is not None:
        parts.append("cgroup limit")
    if memory.swap_total_bytes == 0:
        parts.append("no swap")
    elif memory.swap_used_bytes is not None:
        parts.append(f"swap {bytes_text(memory.swap_used_bytes)}")
    return parts + _pressure(memory.pressure)


def _memory_detail(snap: Snapshot, memory: Any) -> list[Line]:
    line: Line = []
    for label, size in (("available", memory.available_bytes), ("cached", memory.cached_bytes)):
        line += [(f"{label} ", "dim"), (fit(bytes_text(size), 9), "text"), (" ", "text")]
    return [line]


def fullest(snap: Snapshot) -> tuple[str, float] | None:
    """Path and per cent of the fullest local mount whose figures are known."""
    mounts = snap.mounts.value
    known = [(m.path, m.used_percent) for m in mounts.mounts if m.used_percent is not None] if mounts else []
    return max(known, key=lambda m: m[1], default=None)


def _rate(value: float | None) -> str:
    return "-" if value is None else f"{value / 1e6:.1f}"


def _disk_facts(snap: Snapshot, disk: Any) -> list[str]:
    parts = [f"r {_rate(disk.read_bytes_per_s)}  w {_rate(disk.write_bytes_per_s)}"]
    full = fullest(snap)
    if full is not None:
        parts.append(f"{full[0]} {full[1]:.0f} % full")
    return parts + _pressure(disk.pressure)


def _disk_detail(snap: Snapshot, disk: Any) -> list[Line]:
    line: Line = []
    for device in sorted(disk.devices, key=lambda d: -d.busy_percent)[:3]:
        line += [(f"{device.name} ", "dim"), (f"busy {device.busy_percent:3.0f} %  ", "text")]
    if disk.operations_per_s is not None:
        line += [("operations ", "dim"), (f"{disk.operations_per_s:5.0f} /s", "text")]
    return [line]


def _disk_figure(disk: Any) -> str:
    if disk.read_bytes_per_s is None or disk.write_bytes_per_s is None:
        return "-"
    rate = (disk.read_bytes_per_s + disk.write_bytes_per_s) / 1e6
    return f"{rate:.1f} MB/s" if rate < 99.95 else f"{rate:.0f} MB/s"


def _files_facts(snap: Snapshot, processes: Any) -> list[str]:
    parts = []
    known = [r for r in processes.rows if r.handles is not None]
    if known:
        worst = max(known, key=lambda r: r.handles)
        who = worst.agent or worst.name
        limit = f" of {worst.handle_limit}" if worst.handle_limit else ""
        parts.append(f"{who} {worst.handles}{limit}")
    count = len(processes.rows)
    parts.append(f"{count} process{'es' if count != 1 else ''}")
    system = snap.handles.value
    if system is not None and system.allocated is not None:
        parts.append(f"system {system.allocated}")
    return parts


def _files_detail(snap: Snapshot, processes: Any) -> list[Line]:
    line: Line = []
    rows = sorted((r for r in processes.rows if r.handles is not None), key=lambda r: -r.handles)
    for row in rows[:4]:
        line += [(f"{row.agent or row.name} ", "dim"), (f"{row.handles}  ", "text")]
    return [line]


CPU = Gauge(
    name="cpu", title="CPU", kpi="cpu", chart="cpu_percent", ceiling=100.0, limit=80.0,
    reading=lambda s: s.cpu,
    figure=lambda v: "-" if v.percent is None else f"{v.percent:.0f} %",
    percent=lambda v: v.percent, facts=_cpu_facts, detail=_cpu_detail, everything=details_of.cpu,
)  # fmt: skip
MEMORY = Gauge(
    name="memory", title="MEM", kpi="memory", chart="memory_percent", ceiling=100.0, limit=75.0,
    reading=lambda s: s.memory,
    figure=lambda v: "-" if v.percent is None else f"{v.percent:.0f} %",
    percent=lambda v: v.percent, facts=_memory_facts, detail=_memory_detail, everything=details_of.memory,
)  # fmt: skip
DISK = Gauge(
    name="disk", title="DISK", kpi="disk_io", chart="disk_io_mb_per_s", ceiling=None, limit=50.0,
    reading=lambda s: s.disk, figure=_disk_figure,
    percent=lambda v: None, facts=_disk_facts, detail=_disk_detail, everything=details_of.disk,
)  # fmt: skip
FILES = Gauge(
    name="files", title="FILES", kpi="open_files", chart="open_files", ceiling=None, limit=100.0,
    reading=lambda s: s.processes,
    figure=lambda v: "-" if v.handles is None else f"{v.handles}",
    percent=lambda v: None, facts=_files_facts, detail=_files_detail, everything=details_of.files,
)  # fmt: skip
