"""The picture of the dashboard in the README: a Snapshot like the demo's, drawn by the real panes, as SVG.

    python benchmarks/picture.py [--theme dusk] [--size 120x36] [--output docs/dashboard.svg]

Not a screenshot through Textual: its SVG leaves the place of every character to the reader's fonts.
Here each word has its own place, and frames, bars and charts are shapes, so that the picture
is the same everywhere and needs no font from a network. `tests/screens/test_first_frame.py` holds
that the panes drawn this way are what the screen shows.
"""

import argparse
import math
import os
import time
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import NamedTuple, TypeVar

from core.alerts.view import Alert, Alerts
from core.measures.agent import Measures, measure, measure_fleet
from core.measures.liveness import Signs
from core.measures.needs import Need
from core.observed import Seen
from core.queues.model import EMPTY_QUEUE, NO_WORK
from core.samples import (
    CpuSample,
    DeviceRate,
    DiskSample,
    HandlesSample,
    MemorySample,
    MountSpace,
    MountsSample,
    Pressure,
    ProcessesSample,
    ProcessRow,
    SelfSample,
)
from core.snapshot import AgentView, Chart, Event, Fleet, KpiStatus, Reading, Snapshot, Verdict
from tui import theming
from tui.panes.whole import whole_picture
from tui.view.glyphs import UTF8
from tui.view.spans import Line, char_width, plain
from tui.wire.sgr import Color, Look

ROOT = Path(__file__).resolve().parents[1]
AT, WALL = 1000.0, 1_780_000_000.0
HOST, GIB = "prod-01", 1 << 30
T = TypeVar("T")


# -- what is shown ---------------------------------------------------------------------------------


class Agent(NamedTuple):
    """One row: what differs between the agents of the picture."""

    name: str
    state: str
    severity: str
    task: tuple[str, str, float]  # id, title, seconds since it was taken
    counts: tuple[int, int, int, int, int]  # waiting, in progress, in review, failed, completed
    oldest_s: float | None
    hours: float
    handles: int


AGENTS = (
    Agent("ARCH", "working", "ok", ("TASK-171", "Reconcile sprint progress with the outboxes", 95), (2, 1, 0, 0, 38),
          2400, 1.5, 21),
    Agent("BLUE", "working", "ok", ("TASK-168", "Compare three PDF extractors on 40 documents", 1260),
          (3, 1, 0, 1, 44), 5400, 4.0, 34),
    Agent("CA", "review", "low", ("TASK-166", "Results page: empty and error states", 13_260), (1, 0, 2, 0, 52),
          13_260, 2.0, 26),
    Agent("CB", "working", "ok", ("TASK-169", "Database schema for extraction runs", 3_900), (4, 1, 0, 1, 61),
          7_200, 4.9, 41),
    Agent("CC", "working", "medium", ("TASK-163", "Unified workflow engine", 1920), (14, 1, 0, 2, 31), 187_200,
          44.0, 37),
    Agent("WA", "retired", "ok", ("", "", 0), (0, 0, 0, 0, 19), None, 0.0, 0),
)  # fmt: skip


# Tasks that came and went in the last two hours.
FLOWS = {"ARCH": (6, 9), "BLUE": (8, 10), "CA": (5, 6), "CB": (12, 26), "CC": (24, 11)}
NEEDS = (
    Need(
        "signal", "high", "CB", "TASK-169", 1, WALL - 720, "asks for help: which migration is the right one?"
    ),
    Need("review", "low", "CA", "TASK-161", 2, WALL - 11_000, "TASK-161 and 1 more ready for review"),
)


def spread(count: int) -> tuple[float, ...]:
    """So many moments of the last two hours, evenly."""
    return tuple(WALL - 7200 + 7200 * (i + 0.5) / count for i in range(count))


def flow_of_all() -> Measures:
    """All agents together."""
    came, left = (sum(flow[i] for flow in FLOWS.values()) for i in (0, 1))
    return measure_fleet(
        24, NO_WORK, Seen(came=spread(came), left=spread(left)), ((WALL - 7200, WALL),), WALL
    )


def agent_view(agent: Agent) -> AgentView:
    """The row as the evaluator would make it."""
    pending, running, review, failed, completed = agent.counts
    task_id, title, taken_s = agent.task
    queue = EMPTY_QUEUE._replace(
        agent=agent.name, path=f"postbox/{agent.name}/outbox.json", form="standard", pending=pending,
        in_progress=running, review=review, failed=failed, completed=completed, current_id=task_id,
        current_title=title, current_since=WALL - taken_s if task_id else None, pending_hours=agent.hours,
        oldest_waiting_at=None if agent.oldest_s is None else WALL - agent.oldest_s, mtime=WALL - 12,
    )  # fmt: skip
    came, left = FLOWS.get(agent.name, (0, 0))
    seen = Seen(came=spread(came), left=spread(left))
    queue = queue._replace(load_hours=agent.hours)
    return AgentView(
        queue=queue, state=agent.state, why="",
        liveness="waiting" if agent.state == "review" else agent.state,
        signs=Signs(WALL - 12, 1, 1.0, WALL, 0), current_since=queue.current_since,
        measures=measure(queue, seen, ((WALL - 7200, WALL),), WALL, 8.0),
        workload_percent=None if agent.state == "retired" else min(100.0, agent.hours / 8 * 100),
        success_percent=100.0 * completed / (completed + failed), severity=agent.severity,
        changed_at=WALL - 12 - taken_s / 40, processes=1, handles=agent.handles, cpu_percent=1.0,
        rss_bytes=30 << 20,
    )  # fmt: skip


def wave(low: float, high: float, seed: float, last: float) -> Chart:
    """A history that looks like one: slow waves, faster ones on them, ending at `last`."""
    columns = []
    for i in range(300):
        slow = math.sin(i / 23 + seed) + 0.6 * math.sin(i / 7.3 + seed * 2.1)
        fast = 0.5 * math.sin(i * 1.7 + seed) + 0.4 * math.sin(i * 2.9 + seed * 3)
        columns.append(low + (high - low) * min(1.0, max(0.0, 0.45 + 0.22 * slow + 0.14 * fast)))
    return Chart(5.0, tuple(columns), last, 300)


def now(value: T) -> Reading[T]:
    """A reading just taken."""
    return Reading(value, AT - 0.2, 2.0)


def kpi(name: str, status: str, value: float, target: str) -> KpiStatus:
    """The status of one figure of the host."""
    return KpiStatus(name, name, name, "", status, "host", value, target, "", "avg", 300.0)


def alerts_of(files: int) -> Alerts:
    """A queue that is too long, files that are somebody's to close, and a disk that was busy."""
    queue = Alert(
        id="1", rule="queue_long", metric="queue_length", scope="agent", subject="CC", severity="medium",
        state="firing", text="queue of CC is 14 tasks (> 12)", label="queue", unit="tasks", threshold=12.0, clear=10.0,
        since=WALL - 720, fired_at=WALL - 720, value=14.0, action="open_rebalance", hint="rebalance",
        points=tuple(float(v) for v in (*(11, 12, 11, 12) * 3, *(13, 14, 12, 13, 14, 14) * 3)),
    )  # fmt: skip
    handles = Alert(
        id="2", rule="open_files", metric="open_files", scope="host", subject="host", severity="low", state="firing",
        text=f"open files of {HOST} is {files} handles (> 100)", label="open files", unit="handles", threshold=100.0,
        clear=90.0, since=WALL - 2400, fired_at=WALL - 2400, value=float(files), action="open_processes",
        hint="show handles", acked_by="ann", acked_at=WALL - 1800, points=(150.0,) * 40,
    )  # fmt: skip
    disk = Alert(
        id="3", rule="disk_io", metric="disk_io_mb_per_s", scope="host", subject="host", severity="high",
        state="resolved", text=f"disk I/O of {HOST} is 61.2 MB/s (avg over 60 s > 50)", label="disk I/O", unit="MB/s",
        threshold=50.0, since=WALL - 3700, ended_at=WALL - 3600, reason="cleared",
    )  # fmt: skip
    return Alerts((queue, handles), (disk,), mode="writing")


def demo_like() -> Snapshot:
    """Six agents, one of them with too long a queue, on a host that has time to spare."""
    rows = tuple(
        ProcessRow(4000 + i, 1.0, "python3", "agent", a.name, "cwd", "S", 1.0, 30 << 20, a.handles, 1024)
        for i, a in enumerate(AGENTS)
        if a.handles
    )
    files = sum(a.handles for a in AGENTS)
    device = DeviceRate("nvme0n1", 9.4e6, 3.1e6, 240.0, 18.0)
    return Snapshot(
        at=AT, wall=WALL, host=HOST, workspace="/srv/autopilot", interval_s=1.0, read_only=False,
        cpu=now(CpuSample(AT, HOST, 37.0, (51.0, 44.0, 29.0, 24.0), 0.4, 0.0, (1.24, 1.1, 0.9), 1800.0, 2600.0, 4,
                          Pressure(0.3, 0.0))),
        memory=now(MemorySample(AT, HOST, 62.0, int(9.9 * GIB), int(6.1 * GIB), 16 * GIB, 3 * GIB, None, 0, 0, 0.0,
                                0.0, None)),
        disk=now(DiskSample(AT, HOST, 9.4e6, 3.1e6, 240.0, (device,), None)),
        mounts=now(MountsSample(AT, HOST, (MountSpace("/", "ext4", 200 * GIB, 58 * GIB, 71.0, False, 1.0, None),))),
        handles=now(HandlesSample(AT, HOST, 3520, 1_000_000)),
        processes=now(ProcessesSample(AT, HOST, rows, files, 212, 0, 1.0, True)),
        own=now(SelfSample(AT, HOST, 0.5, 40 << 20, 500.0)),
        queues=now(Fleet(6, 5, 24, 4, 2, 0, 4, 245, 0, 0)),
        agents=tuple(agent_view(a) for a in AGENTS), progress=None,
        charts={"cpu_percent": wave(8, 72, 0.4, 37.0), "memory_percent": wave(52, 66, 2.0, 62.0),
                "disk_io_mb_per_s": wave(0, 61, 3.3, 12.5), "open_files": wave(96, 172, 5.1, float(files))},
        kpis=(kpi("cpu", "ok", 37.0, "< 80"), kpi("memory", "ok", 62.0, "< 75"), kpi("disk_io", "ok", 12.5, "< 50"),
              kpi("open_files", "warning", float(files), "< 100"), kpi("queue_length", "warning", 14.0, "< 10")),
        overall="warning",
        verdict=Verdict("medium", "CC will not drain: 14 waiting", "+6.5/h, target < 10, oldest 2d 4h", "agent:CC",
                        "open_rebalance", "rebalance"),
        needs=NEEDS, needs_count=3, fleet=flow_of_all(),
        events=(Event(2, WALL - 5400, "medium", "note", "agent:CB", "TASK-165 of CB is in no file any more"),),
        alerts=alerts_of(files),
        sources=(),
    )  # fmt: skip


# -- how it becomes an SVG -------------------------------------------------------------------------

CELL_W, CELL_H, PAD, FONT, DOT = 8.4, 18.0, 16.0, 14, 2.9
FONTS = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', 'Liberation Mono', monospace"
# Dot of a Braille character → its bit, by row and column.
BITS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
# Share of the cell that a block fills: left, top, width, height.
BLOCKS = {"▇": (0, 0.14, 1, 0.72), "▁": (0, 0.78, 1, 0.08), "▌": (0, 0, 0.35, 1)}


def number(value: float) -> str:
    """A coordinate, as short as it can be."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


def css(color: Color, default: str) -> str:
    """A colour of a theme in true colours."""
    return "#{:02x}{:02x}{:02x}".format(*color) if isinstance(color, tuple) else default


class Drawing:
    """One SVG while it is drawn, in the looks of one theme."""

    def __init__(self, theme: theming.Theme, width: int, height: int) -> None:
        self.looks = theme.looks
        self.ground = css(theme.base.bg, "#14171c")
        self.ink = css(theme.base.fg, "#c9d1d9")
        self.width, self.height = width * CELL_W + 2 * PAD, height * CELL_H + 2 * PAD
        self.back: list[str] = []
        self.front: list[str] = []

    def look(self, role: str) -> Look:
        """How a role looks."""
        return self.looks[role]

    def color(self, role: str) -> str:
        """The colour of a role's text."""
        return css(self.look(role).fg, self.ink)

    def line(self, row: int, line: Line) -> None:
        """One line of the screen."""
        at = 0
        top = PAD + row * CELL_H
        for text, role in line:
            ground = css(self.look(role).bg, self.ground)
            cells = sum(char_width(c) for c in text)
            if ground != self.ground:
                self.back.append(rect(PAD + at * CELL_W, top, cells * CELL_W, CELL_H, ground))
            self._run(at, top, text, role)
            at += cells

    def _run(self, at: int, top: float, text: str, role: str) -> None:
        """Text of one role: shapes where characters have them, else words, each at its place."""
        words: list[tuple[int, str]] = []
        dots: list[tuple[int, int]] = []
        open_word = False
        for char in text:
            x = PAD + at * CELL_W
            letter = False
            if "\u2800" <= char <= "\u28ff":
                dots.append((at, ord(char) - 0x2800))
            elif char in BLOCKS:
                left, down, wide, tall = BLOCKS[char]
                self.front.append(
                    rect(
                        x + left * CELL_W, top + down * CELL_H, wide * CELL_W, tall * CELL_H, self.color(role)
                    )
                )
            elif (shape := outline(char, x, top)) is not None:
                self.front.append(shape.replace("INK", self.color(role)))
            elif char != " ":
                letter = True
                if open_word:
                    words[-1] = (words[-1][0], words[-1][1] + char)
                else:
                    words.append((at, char))
            open_word = letter
            at += char_width(char)
        if dots:
            self.front.append(
                f'<path stroke="{self.color(role)}" stroke-width="{DOT}" '
                f'stroke-dasharray="{DOT} {number(CELL_W / 2 - DOT)}" d="{"".join(braille(dots, top))}"/>'
            )
        if words:
            look = self.look(role)
            style = ' font-weight="700"' * look.bold + ' font-style="italic"' * look.italic
            pieces = "".join(
                f'<tspan x="{number(PAD + x * CELL_W)}" textLength="{number(len(word) * CELL_W)}">'
                f"{escape(word, quote=False)}</tspan>"
                for x, word in words
            )
            self.front.append(
                f'<text y="{number(top + 13.2)}" fill="{self.color(role)}"{style}>{pieces}</text>'
            )

    def svg(self, title: str, described: str) -> str:
        """The whole file."""
        body = "\n".join([*self.back, *self.front])
        size = f'width="{number(self.width)}" height="{number(self.height)}"'
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} viewBox="0 0 {number(self.width)} '
            f'{number(self.height)}" role="img" font-family="{FONTS}" font-size="{FONT}">\n'
            f"<title>{escape(title)}</title>\n<desc>{escape(described)}</desc>\n"
            f'<rect {size} rx="10" fill="{self.ground}"/>\n{body}\n</svg>\n'
        )


def rect(x: float, y: float, wide: float, tall: float, color: str) -> str:
    """A filled rectangle."""
    return f'<rect x="{number(x)}" y="{number(y)}" width="{number(wide)}" height="{number(tall)}" fill="{color}"/>'


def braille(dots: list[tuple[int, int]], top: float) -> Iterator[str]:
    """Dashed lines through the dots of Braille cells, one for each stretch of dots side by side."""
    for down, pair in enumerate(BITS):
        lit = [2 * at + across for at, bits in dots for across, bit in enumerate(pair) if bits & bit]
        y = top + (down + 0.5) * CELL_H / 4
        start = 0
        for i, column in enumerate(lit):
            if i + 1 == len(lit) or lit[i + 1] != column + 1:
                left = PAD + lit[start] * CELL_W / 2 + (CELL_W / 2 - DOT) / 2
                long = (column - lit[start]) * CELL_W / 2 + DOT
                yield f"M{number(left)} {number(y)}h{number(long)}"
                start = i + 1


def outline(char: str, x: float, top: float) -> str | None:
    """Frames and marks as shapes; INK stands for their colour."""
    mid_x, mid_y, right, bottom = x + CELL_W / 2, top + CELL_H / 2, x + CELL_W, top + CELL_H
    paths = {
        "─": f"M{number(x)} {number(mid_y)}H{number(right)}",
        "┄": f"M{number(x + 1.4)} {number(mid_y)}h2.2m2 0h2.2",
        "│": f"M{number(mid_x)} {number(top)}V{number(bottom)}",
        "╭": f"M{number(mid_x)} {number(bottom)}V{number(mid_y + 4)}q0-4 {number(right - mid_x)}-4",
        "╮": f"M{number(mid_x)} {number(bottom)}V{number(mid_y + 4)}q0-4-{number(mid_x - x)}-4",
        "╰": f"M{number(mid_x)} {number(top)}V{number(mid_y - 4)}q0 4 {number(right - mid_x)} 4",
        "╯": f"M{number(mid_x)} {number(top)}V{number(mid_y - 4)}q0 4-{number(mid_x - x)} 4",
    }
    if char in paths:
        return f'<path fill="none" stroke="INK" stroke-width="1.1" d="{paths[char]}"/>'
    if char == "●":
        return f'<circle cx="{number(mid_x)}" cy="{number(mid_y)}" r="3.1" fill="INK"/>'
    if char == "○":
        ring = 'fill="none" stroke="INK" stroke-width="1.2"'
        return f'<circle cx="{number(mid_x)}" cy="{number(mid_y)}" r="2.9" {ring}/>'
    if char == "▲":
        return f'<path fill="INK" d="M{number(mid_x)} {number(mid_y - 4)}l4.1 7.4h-8.2z"/>'
    return None


def merged(line: Line) -> Line:
    """Neighbours of one role as one span."""
    out: Line = []
    for text, role in line:
        if out and out[-1][1] == role:
            out[-1] = (out[-1][0] + text, role)
        else:
            out.append((text, role))
    return out


def picture(theme: theming.Theme, width: int, height: int) -> str:
    """The SVG of the dashboard at a size."""
    lines = whole_picture(demo_like(), width, height, UTF8)
    drawing = Drawing(theme, width, height)
    for row, line in enumerate(lines):
        drawing.line(row, merged(line))
    return drawing.svg("bluetop", "The dashboard of bluetop: " + " ".join(plain(lines[1]).split()))


def main() -> None:
    """Write the file."""
    parser = argparse.ArgumentParser(description="Draw the picture of the dashboard in the README.")
    parser.add_argument("--theme", default="dusk", help="a theme (default: dusk)")
    parser.add_argument("--size", default="120x36", help="columns x lines (default: 120x36)")
    parser.add_argument(
        "--output", type=Path, default=ROOT / "docs" / "dashboard.svg", help="the file to write"
    )
    options = parser.parse_args()
    os.environ["TZ"], os.environ["HOME"] = "UTC", "/srv/operator"  # the same picture on every machine
    time.tzset()
    width, height = (int(part) for part in options.size.split("x"))
    options.output.write_text(picture(theming.load(options.theme), width, height), encoding="utf-8")


if __name__ == "__main__":
    main()
