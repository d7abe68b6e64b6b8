"""What a gauge shows when it has the whole screen: everything that was measured, in words and numbers."""

from typing import Any

from core.samples import Pressure
from core.snapshot import Snapshot
from core.units import bytes_text, number_text, percent_text
from tui.view.chart import bar
from tui.view.glyphs import Glyphs
from tui.view.spans import Line, fit

_LABEL = 20


def _fact(label: str, text: str, role: str = "text") -> Line:
    return [(fit(label, _LABEL), "dim"), (text, role)]


def _pressure(pressure: Pressure | None) -> Line:
    if pressure is None:
        return _fact("stall (PSI)", "not available on this kernel", "unknown")
    full = "" if pressure.full_percent is None else f", all of them {pressure.full_percent:.1f} %"
    return _fact("stall (PSI)", f"some tasks {pressure.some_percent:.1f} % of the last 10 s{full}")


def _rate(value: float | None, unit: str = "/s") -> str:
    return "-" if value is None else f"{number_text(value)} {unit}"


def _bytes_rate(value: float | None) -> str:
    return "-" if value is None else f"{bytes_text(value)}/s"


def cpu(snap: Snapshot, sample: Any, cells: int, glyphs: Glyphs) -> list[Line]:
    """Every core with a bar, then the rest."""
    lines: list[Line] = []
    across = max(1, cells // 32)
    cores = list(enumerate(sample.per_core_percent))
    rows = (len(cores) + across - 1) // across
    for row in range(min(rows, 16)):
        line: Line = []
        for number, percent in cores[row::rows][:across]:
            line += [(f"{number:>4} ", "dim"), *bar(percent, 16, glyphs), (f"{percent:5.0f} %   ", "text")]
        lines.append(line)
    load = "-" if sample.load is None else " ".join(f"{value:.2f}" for value in sample.load)
    lines += [
        _fact("load 1, 5, 15 min", f"{load} on {sample.cores} cores"),
        _fact("context switches", _rate(sample.context_switches_per_s)),
        _fact("waiting for disk", percent_text(sample.iowait_percent)),
        _fact("stolen by the host", percent_text(sample.steal_percent)),
        _fact("frequency", "-" if sample.frequency_mhz is None else f"{sample.frequency_mhz:.0f} MHz"),
        _pressure(sample.pressure),
    ]
    return lines


def memory(snap: Snapshot, sample: Any, cells: int, glyphs: Glyphs) -> list[Line]:
    """Where the memory is, and what limits it."""
    limit = "none of a cgroup"
    if sample.limit_bytes is not None:
        limit = f"{bytes_text(sample.limit_bytes)} by the cgroup, which is the truth here"
    swap = "none"
    if sample.swap_total_bytes:
        swap = f"{bytes_text(sample.swap_used_bytes)} of {bytes_text(sample.swap_total_bytes)}"
    return [
        _fact("used", f"{bytes_text(sample.used_bytes)} of {bytes_text(sample.total_bytes)}"),
        _fact("available", bytes_text(sample.available_bytes)),
        _fact("cached", bytes_text(sample.cached_bytes)),
        _fact("limit", limit),
        _fact("swap", swap),
        _fact("swapping", f"in {_bytes_rate(sample.swap_in_bytes_per_s)}, "
                          f"out {_bytes_rate(sample.swap_out_bytes_per_s)}"),
        _pressure(sample.pressure),
    ]  # fmt: skip


def disk(snap: Snapshot, sample: Any, cells: int, glyphs: Glyphs) -> list[Line]:
    """Every device, then every mount."""
    lines: list[Line] = [[(f"{'DEVICE':<16}{'READ':>14}{'WRITE':>14}{'OPS':>9}{'BUSY':>8}", "dim")]]
    for device in sorted(sample.devices, key=lambda d: -d.busy_percent)[:12]:
        lines.append([
            (fit(device.name, 16), "text"),
            (fit(_bytes_rate(device.read_bytes_per_s), 14, ">"), "text"),
            (fit(_bytes_rate(device.write_bytes_per_s), 14, ">"), "text"),
            (fit(_rate(device.operations_per_s), 9, ">"), "text"),
            (fit(percent_text(device.busy_percent), 8, ">"), "text"),
        ])  # fmt: skip
    lines += [[("", "text")], [(f"{'MOUNT':<30}{'KIND':<10}{'FREE':>12}{'FULL':>8}", "dim")]]
    mounts = snap.mounts.value.mounts if snap.mounts.value is not None else ()
    for mount in mounts[:12]:
        kind = f"{mount.kind} net" if mount.network else mount.kind
        line: Line = [(fit(mount.path, 29) + " ", "text"), (fit(kind, 10), "dim")]
        if mount.problem:
            line.append((f"  {mount.problem}", "high"))
        else:
            full = "high" if (mount.used_percent or 0) >= 90 else "text"
            line += [(fit(bytes_text(mount.free_bytes), 12, ">"), "text"),
                     (fit(percent_text(mount.used_percent), 8, ">"), full)]  # fmt: skip
        lines.append(line)
    return [*lines, _pressure(sample.pressure)]


def files(snap: Snapshot, sample: Any, cells: int, glyphs: Glyphs) -> list[Line]:
    """The processes that hold most files, and the system's table."""
    lines: list[Line] = [[(f"{'PID':>8} {'AGENT':<11}{'NAME':<18}{'FILES':>8}{'LIMIT':>9}", "dim")]]
    known = sorted((r for r in sample.rows if r.handles is not None), key=lambda r: -r.handles)
    for row in known[:12]:
        near = row.handle_limit is not None and row.handles > 0.8 * row.handle_limit
        lines.append([
            (f"{row.pid:>8} ", "text"), (fit(row.agent or "-", 10) + " ", "text"), (fit(row.name, 17) + " ", "text"),
            (fit(number_text(row.handles), 8, ">"), "high" if near else "text"),
            (fit(number_text(row.handle_limit), 9, ">"), "dim"),
        ])  # fmt: skip
    system = snap.handles.value
    if system is not None:
        lines.append(
            _fact("whole system", f"{number_text(system.allocated)} of {number_text(system.maximum)}")
        )
    if sample.unreadable:
        lines.append(_fact("not to be seen", f"{sample.unreadable} processes of other users", "unknown"))
    if not sample.complete:
        lines.append(_fact("scan", "spread over several rounds: this host has many processes", "unknown"))
    return lines
