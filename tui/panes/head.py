"""The first two lines: who and where, how fresh, what time; then the verdict and the key that helps."""

import os
import time

from core.alerts.names import RANK
from core.snapshot import Snapshot
from core.units import age_text, duration_text
from tui.keys import key_for
from tui.view.glyphs import Glyphs, status_mark
from tui.view.pane import Size, Ui, spread
from tui.view.spans import Line, Span, cut, fit, fit_line, line_width, width


class Head:
    """The head of every screen. `where` is the trail of screens ("agents > CB"), "" on the dashboard."""

    name = "head"
    title = ""

    def draw(
        self, snap: Snapshot, size: Size, ui: Ui, where: str = "", paused_for: float | None = None
    ) -> list[Line]:
        """Two lines."""
        return [self._identity(snap, size, ui, where, paused_for), self._verdict(snap, size, ui)][
            : size.height
        ]

    def _identity(self, snap: Snapshot, size: Size, ui: Ui, where: str, paused_for: float | None) -> Line:
        clock = time.strftime("%H:%M:%S", time.localtime(snap.wall))
        right: Line = [*_pulse(snap, ui, paused_for), (" ", "header")]
        # On a narrow screen the trail is worth more than counts, and those more than a path.
        if snap.needs_count and (size.width >= 76 or (size.width >= 56 and not where)):
            count = str(snap.needs_count) if snap.needs_count < 100 else "99+"
            verb = "needs you" if snap.needs_count == 1 else "need you"
            right += [(fit(f"{count} {verb}", 12, ">"), snap.needs[0].severity), ("  ", "header")]
        if size.width >= 100 or (size.width >= 76 and not where):
            right += [_alerts(snap, ui.glyphs), ("  ", "header")]
        right += [(clock, "dim"), (" ", "header")]
        left: Line = [
            (" bluetop ", "accent"),
            (" ", "header"),
            (cut(snap.host, 24), "text"),
            ("  ", "header"),
        ]
        room = size.width - line_width(left) - line_width(right) - 1
        place = where or home_path(snap.workspace) or "no workspace"
        left.append((_cut_left(place, max(0, room), ui.glyphs), "dim" if not where else "text"))
        return spread(left, right, size.width)

    def _verdict(self, snap: Snapshot, size: Size, ui: Ui) -> Line:
        verdict = snap.verdict
        glyph, _, role = status_mark(verdict.severity, ui.glyphs)
        right: Line = []
        row = key_for(verdict.action) if verdict.action else None
        if row is not None:
            right = [(row.shown, "key"), (" " + (verdict.hint or row.label) + " ", "dim")]
        text = verdict.text
        calm = verdict.severity == "ok"
        left: Line = [(f" {glyph} ", role), (text, "text" if calm else "strong")]
        if verdict.evidence:
            left.append((": " + verdict.evidence, "dim" if calm else "text"))
        return spread(left, right, size.width) if right else fit_line(left, size.width)


def _alerts(snap: Snapshot, glyphs: Glyphs) -> Span:
    """How many alerts are open, in the colour of the worst; the room stays where there are none."""
    found = snap.alerts.open
    if not found:
        return (" " * 10, "header")
    worst = min(found, key=lambda alert: RANK.get(alert.severity, 9))
    count = len(found) if len(found) < 100 else "99+"
    return (f"{count:>3} {'alert ' if count == 1 else 'alerts'}", status_mark(worst.severity, glyphs)[2])


def _pulse(snap: Snapshot, ui: Ui, paused_for: float | None) -> Line:
    """Live, paused (and how far behind), or how old the newest sample is."""
    g = ui.glyphs
    if paused_for is not None:
        return [(g.paused, "medium"), (fit(f" paused, {duration_text(paused_for)} behind", 24), "medium")]
    ages = [r.age_s(snap.at) for r in (snap.cpu, snap.memory)]
    known = [a for a in ages if a is not None]
    if snap.progress is not None and snap.progress.total:
        share = 100 * snap.progress.done // max(1, snap.progress.total)
        return [(g.live, "accent"), (fit(f" reading {share} %", 13), "dim")]
    if not known:
        return [(g.unknown, "unknown"), (fit(" waiting", 10), "dim")]
    age = max(known)
    if age > 2 * snap.interval_s:
        return [(g.unknown, "unknown"), (fit(f" {age_text(age)} old", 10), "unknown")]
    live = f" {interval_text(snap.interval_s)}"
    return [(g.live, "ok"), (fit(live, max(10, len(live))), "dim")]


def interval_text(seconds: float) -> str:
    """`live 1 s`, `live 0.5 s`."""
    return f"live {seconds:g} s"


def home_path(path: str | None) -> str:
    """A path with the home folder as `~`."""
    if not path:
        return ""
    home = os.environ.get("HOME", "")
    if home and (path == home or path.startswith(home.rstrip("/") + "/")):
        return "~" + path[len(home.rstrip("/")) :]
    return path


def _cut_left(text: str, cells: int, glyphs: Glyphs) -> str:
    """The end of a path says more than its start."""
    if width(text) <= cells:
        return text
    kept = text
    while kept and width(kept) > cells - 1:
        kept = kept[1:]
    return glyphs.ellipsis + kept if cells > 0 else ""
