"""One agent in words: who it is and how alive, its flow, its load; its timeline; tables of its past and skills."""

from collections.abc import Sequence
from typing import NamedTuple

from core.measures.liveness import evidence
from core.measures.rates import Rate
from core.measures.skills import SkillEstimate
from core.queues.model import Transition
from core.snapshot import AgentView, Snapshot
from core.units import bytes_text, duration_text, number_text, percent_text
from tui.panes.agents import STATE_ROLES
from tui.panes.tasks import STATUS_ROLES
from tui.view.glyphs import Glyphs, status_mark
from tui.view.pane import facts
from tui.view.spans import Line, fit, fit_line
from tui.view.table import AGE_STEP_S, Column, Drawn, TableState

WHO_LINES = 6
RANGES_S = (300.0, 900.0, 3600.0, 3 * 3600.0, 6 * 3600.0, 12 * 3600.0, 24 * 3600.0)
_ENOUGH = 12
_LABEL = 16


def who_lines(view: AgentView, snap: Snapshot, cells: int, problem: str, glyphs: Glyphs) -> list[Line]:
    """Six lines: state and evidence, counts, flow, load, time and success, role or problem."""
    queue, known, wall = view.queue, view.measures, snap.wall
    word = view.liveness or view.state
    said = evidence(queue, word, view.why, view.signs, wall)
    first: Line = [(" ", "text"), (word, STATE_ROLES.get(word, "text")), ("  " + ", ".join(said), "dim")]
    counts = facts(
        [
            f"{queue.pending} waiting",
            f"{queue.in_progress} of {view.wip_limit} in progress",
            f"{queue.review} in review",
            f"{queue.blocked} blocked",
            f"{queue.failed} failed",
            f"{queue.completed} done",
            f"{queue.other} other",
        ],
        cells - 2,
    )
    drain = known.drain
    flow = ["no forecast" if drain is None else drain.text]
    if drain is not None and drain.why != drain.text:
        flow = [f"{drain.text} ({drain.why})"]
    if drain is not None and len(flow[0]) > cells - 2:
        flow = [drain.text, *drain.why.split(", ")]
    rates = f"in {_rate(known.came)}, out {_rate(known.left)}, ended {_rate(known.ended)}"
    who = [part for part in (queue.role, " ".join(queue.expertise)) if part]
    last: Line = [(" " + facts(who, cells - 2), "dim")]
    if problem:
        last = [(" " + problem, "high")]
    elif view.needs and view.needs[0].severity != "low":
        glyph, _, role = status_mark(view.needs[0].severity, glyphs)
        last = [(f" {glyph} ", role), (view.needs[0].text, "text")]
    elif queue.problems:
        found = queue.problems[0]
        place = f" (line {found.line}, column {found.column})" if found.line else ""
        more = f", {len(queue.problems) - 1} more" if len(queue.problems) > 1 else ""
        last = [(f" {found.detail}{place}{more}", "low")]
    return [
        first,
        [(" " + counts, "text")],
        [
            (
                " " + facts([*flow, rates], cells - 2),
                "text" if drain and drain.kind not in ("unknown", "empty") else "dim",
            )
        ],
        [(" " + facts(_load(view), cells - 2), "dim")],
        [(" " + facts(_work(view, wall), cells - 2), "dim")],
        last,
    ]


def _rate(rate: Rate | None) -> str:
    """`2.4/h (1.1-4.6)`: with its interval, since few were seen."""
    if rate is None:
        return "-"
    return f"{rate.per_hour:.1f}/h ({rate.low:.1f}-{rate.high:.1f}, n {rate.n})"


def _load(view: AgentView) -> list[str]:
    queue = view.queue
    hours = "-" if queue.pending_hours is None else f"{queue.pending_hours:g} h"
    unknown = f", {queue.hours_unknown} without an estimate" if queue.hours_unknown else ""
    with_work = "-" if view.measures.load_percent is None else f"{view.measures.load_percent:.0f} %"
    processes = f"{view.processes} process" + ("" if view.processes == 1 else "es")
    return [
        f"workload {percent_text(view.workload_percent)} ({hours} waiting{unknown})",
        f"{with_work} uncapped, with work in progress",
        f"{processes}, CPU {percent_text(view.cpu_percent)}, {bytes_text(view.rss_bytes)}, "
        f"{number_text(view.handles)} files",
    ]


def _work(view: AgentView, wall: float) -> list[str]:
    queue, known = view.queue, view.measures
    time, work = known.task_time, known.work
    took = "task time unknown"
    if time is not None:
        p50, p95 = duration_text(time.p50_h * 3600), duration_text(time.p95_h * 3600)
        took = f"tasks take {p50}, 95 % within {p95} (n {time.n}, {known.time_source})"
    ended = queue.completed + queue.failed
    earned = f"efficiency {percent_text(known.efficiency_percent)}" + (
        f" (n {work.hours_n})" if work.hours_n else ""
    )
    found = [
        took,
        f"success {percent_text(view.success_percent)}" + (f" (n {ended})" if ended else ""),
        earned,
    ]
    if known.delivery_percent is not None:
        found.append(f"delivered {work.delivered} of {work.promised}")
    age = "-" if queue.mtime is None else f"{duration_text(max(0.0, wall - queue.mtime))} ago"
    return [*found, f"file {bytes_text(queue.size_bytes)}, written {age}, form {queue.form}"]


# -- the timeline -----------------------------------------------------------------------------------


class Bar(NamedTuple):
    """One task's life as it was seen: (from, to, status), wall seconds, `to` None: still so."""

    task: str
    parts: tuple[tuple[float, float | None, str], ...]


def bars(told: Sequence[Transition], since: float) -> tuple[Bar, ...]:
    """The tasks of which something was seen after `since`, those that moved last first."""
    lives: dict[str, list[Transition]] = {}
    for change in told:
        lives.setdefault(change.task, []).append(change)
    found: list[tuple[float, Bar]] = []
    for task, changes in lives.items():
        parts: list[tuple[float, float | None, str]] = []
        # What it was before the first change that is known, it had been for an unknown time.
        if changes[0].before is not None:
            parts.append((since, changes[0].seen_at, changes[0].before))
        for change, after in zip(changes, [*changes[1:], None], strict=True):
            if change.after is not None:
                parts.append((change.seen_at, None if after is None else after.seen_at, change.after))
        inside = tuple(p for p in parts if (p[1] is None or p[1] >= since) and (p[1] or p[0] + 1) > p[0])
        if changes[-1].seen_at >= since or (
            inside and inside[-1][1] is None and inside[-1][2] == "in_progress"
        ):
            found.append((changes[-1].seen_at, Bar(task, inside)))
    found.sort(key=lambda entry: -entry[0])
    return tuple(bar for _, bar in found)


def fitting_range(told: Sequence[Transition], wall: float) -> float:
    """The shortest range of the timeline that holds the last dozen changes, or all there are."""
    ages = sorted(wall - change.seen_at for change in told)
    if not ages:
        return RANGES_S[0]
    farthest = ages[min(_ENOUGH, len(ages)) - 1]
    return next((span for span in RANGES_S if span >= farthest), RANGES_S[-1])


_BLOCKS = {
    "in_progress": ("█", "#", "accent"), "ready_for_review": ("▒", "=", "medium"), "blocked": ("▓", "x", "high"),
    "failed": ("▓", "x", "high"), "completed": ("─", "-", "dim"), "pending": ("░", ".", "dim"),
    "assigned": ("░", ".", "dim"),
}  # fmt: skip


def timeline_lines(
    found: Sequence[Bar],
    watched: Sequence[tuple[float, float]],
    wall: float,
    range_s: float,
    cells: int,
    glyphs: Glyphs,
) -> list[Line]:
    """An axis, then a line a task; a cell shows the status that stands longest in it.

    Time in which nobody looked stays empty: what a task was then is not known.
    """
    room = max(8, cells - _LABEL - 2)
    begin = wall - range_s
    axis = _axis(range_s, room)
    step = range_s / room
    seen = [any(a < begin + step * (i + 1) and b > begin + step * i for a, b in watched) for i in range(room)]
    lines: list[Line] = [[(fit("", _LABEL + 1), "dim"), (axis, "dim")]]
    for bar in found:
        spans: list[tuple[str, str]] = []
        for cell in range(room):
            left = begin + range_s * cell / room
            right = begin + range_s * (cell + 1) / room
            status = _longest(bar.parts, left, right, wall) if seen[cell] else ""
            utf8, plain, role = _BLOCKS.get(status, ("░", "?", "unknown")) if status else (" ", " ", "text")
            char = plain if glyphs.ascii else utf8
            if spans and spans[-1][1] == role and spans[-1][0][-1] == char:
                spans[-1] = (spans[-1][0] + char, role)
            else:
                spans.append((char, role))
        lines.append([(fit(bar.task, _LABEL) + " ", "text"), *spans])
    return lines


def _longest(parts: Sequence[tuple[float, float | None, str]], left: float, right: float, wall: float) -> str:
    best, status = 0.0, ""
    for begin, end, word in parts:
        shared = min(wall if end is None else end, right) - max(begin, left)
        # What only lasted a moment is shown too: a task that was done in a second was done.
        if shared > best or (word == "in_progress" and shared >= 0 and best < (right - left) / 2):
            best, status = max(shared, 1e-9), word
    return status


def _axis(range_s: float, room: int) -> str:
    """Begin and end of the range and times in between that are whole minutes, as evenly as they are said."""
    marks = [" "] * room
    parts = next((n for n in (4, 3, 5) if range_s / n % 60 == 0), 4)
    for part in range(parts):
        text = f"-{duration_text(range_s * (parts - part) / parts).replace(' ', '')}"
        at = room * part // parts
        for i, char in enumerate(text):
            if at + i < room - 4:
                marks[at + i] = char
    marks[-3:] = "now"
    return "".join(marks)


def legend(glyphs: Glyphs) -> Line:
    """What the blocks mean."""
    line: Line = []
    for status, word in (
        ("pending", "waiting"), ("in_progress", "in progress"), ("ready_for_review", "in review"),
        ("blocked", "blocked, failed"), ("completed", "done"),
    ):  # fmt: skip
        utf8, plain, role = _BLOCKS[status]
        line += [((plain if glyphs.ascii else utf8) * 2, role), (f" {word}  ", "dim")]
    return line


# -- tables -------------------------------------------------------------------------------------------


def _status(word: str | None) -> Line:
    return [("-", "dim")] if word is None else [(word or "?", STATUS_ROLES.get(word, "unknown"))]


def _ago(at: float | None, drawn: Drawn) -> Line:
    if at is None:
        return [("-", "dim")]
    # A clock that was ahead wrote it: a time to come is no age. `wall` lags by up to its step.
    if at > drawn.wall + AGE_STEP_S:
        return [("ahead", "unknown")]
    return [(duration_text(max(0.0, drawn.wall - at)), "text")]


_PAST: tuple[Column, ...] = (
    Column("seen", "SEEN", 8, lambda c, d: _ago(c.seen_at, d), lambda c: c.seen_at, ">", best_last=True,
           help="how long ago the change was seen"),
    Column("agent", "AGENT", 10, lambda c, d: [(c.agent, "text")], lambda c: c.agent, rank=3,
           help="whose file said so", shown=False),
    Column("task", "TASK", 20, lambda c, d: [(c.task, "text")], lambda c: c.task, grow=1, shrink=14, help="the task"),
    Column("before", "FROM", 16, lambda c, d: _status(c.before), lambda c: c.before, shrink=14,
           help="what it was before"),
    Column("after", "TO", 16, lambda c, d: _status(c.after), lambda c: c.after, shrink=14,
           help="what it became; - is gone"),
    Column("written", "WRITTEN", 8, lambda c, d: _ago(c.file_mtime, d), lambda c: c.file_mtime, ">", rank=2,
           help="when the file was written that says so"),
)  # fmt: skip


def past_table() -> TableState:
    """Transitions, the newest first."""
    return TableState(
        _PAST,
        identify=lambda c: f"{c.seen_at}:{c.agent}:{c.task}:{c.after}",
        search=lambda c: f"{c.agent} {c.task} {c.before} {c.after}",
        sort="seen",
        descending=True,
    )


def _share(row: SkillEstimate) -> Line:
    # What nothing was seen of has the prior's estimate, which is no finding.
    if not row.done + row.failed:
        return [("-", "dim")]
    interval = f" ({row.success_low:.0f}-{row.success_high:.0f})"
    return [(f"{row.success_percent:.0f} %", "text"), (interval, "dim")]


def _speed(row: SkillEstimate) -> Line:
    if not row.speed_n:
        return [("-", "dim")]
    return [(f"{row.speed:.2f}", "text"), (f" ({row.speed_low:.2f}-{row.speed_high:.2f})", "dim")]


_SKILLS: tuple[Column, ...] = (
    Column("skill", "SKILL", 18, lambda r, d: [("all work" if r.skill == "*" else r.skill, "text")],
           lambda r: r.skill, grow=1, shrink=12, help="what a task asked for"),
    Column("done", "DONE", 5, lambda r, d: [(number_text(r.done), "text" if r.done else "dim")], lambda r: r.done, ">",
           best_last=True, help="tasks completed"),
    Column("failed", "FAIL", 5, lambda r, d: [(number_text(r.failed), "high" if r.failed else "dim")],
           lambda r: r.failed, ">", best_last=True, help="tasks failed"),
    Column("success", "SUCCESS", 15, lambda r, d: _share(r),
           lambda r: r.success_percent, ">", best_last=True,
           help="share that succeeds, drawn towards what is usual where few were seen, with its interval"),
    Column("speed", "SPEED", 17, lambda r, d: _speed(r), lambda r: r.speed, ">", best_last=True,
           help="estimated / actual hours, drawn towards 1 where few were seen, with its interval"),
    Column("speed_n", "OF", 4, lambda r, d: [(number_text(r.speed_n), "dim")], lambda r: r.speed_n, ">",
           rank=1, help="tasks that the speed rests on"),
)  # fmt: skip


def skills_table() -> TableState:
    """Estimates by skill, in the order they come: all work first."""
    return TableState(_SKILLS, identify=lambda r: r.skill, search=lambda r: r.skill)


def section_title(sections: Sequence[str], current: str) -> Line:
    """The names of the sections, the one that is shown in front of the eye."""
    line: Line = []
    for name in sections:
        role = "accent" if name == current else "dim"
        line += [(f" {name.upper()} ", role)]
    return line


def padded(lines: Sequence[Line], cells: int, height: int, offset: int) -> list[Line]:
    """`height` of the lines from `offset` on, each `cells` wide."""
    page = [fit_line([(" ", "text"), *line], cells) for line in lines[offset : offset + height]]
    return page + [[(" " * cells, "text")] for _ in range(height - len(page))]
