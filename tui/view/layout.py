"""Where each pane of the dashboard stands, for any size. Pure: the first frame and Textual both ask it.

Three levels of detail: `rows` (from 60x20; a gauge is one line), `panes` (from 100x36; gauges two by
two, with tall charts), `wide` (from 170x40; the selected agent's tasks beside the table).
"""

from typing import NamedTuple

MIN_WIDTH = 60
MIN_HEIGHT = 20
PANES_WIDTH = 100  # from here on there are frames and tall charts
PANES_HEIGHT = 36
GAUGES = ("cpu", "memory", "disk", "files")


class Rect(NamedTuple):
    """A rectangle of cells; x and y count from 0 at the top left."""

    x: int
    y: int
    width: int
    height: int


class Layout(NamedTuple):
    """`level` is small, rows, panes, wide or one (a pane expanded); `rects` by pane name."""

    level: str
    rects: dict[str, Rect]


def arrange(width: int, height: int, agents: int, alerts: int, expanded: str = "", needs: int = 0) -> Layout:
    """Rectangles of all panes that are shown at this size.

    `agents` and `alerts` are how many rows those panes would like (of the alerts, those that are no history);
    without `needs` there is no pane for them. Below 60x20 there is only `small`. With `expanded` that pane alone
    stands between the head and the foot.
    """
    if width < MIN_WIDTH or height < MIN_HEIGHT:
        return Layout("small", {"small": Rect(0, 0, width, height)})
    rects = {"head": Rect(0, 0, width, 2), "foot": Rect(0, height - 1, width, 1)}
    if expanded:
        rects[expanded] = Rect(0, 3, width, height - 4)
        return Layout("one", rects)
    if width < PANES_WIDTH or height < PANES_HEIGHT:
        for i, name in enumerate(GAUGES):
            rects[name] = Rect(0, 3 + i, width, 1)
        top = 8
        if needs and height >= MIN_HEIGHT + 4:
            rects["needs"] = Rect(0, top, width, 1)
            top += 2
        _lists(rects, top, height - 1, width, agents, alerts, frame=0)
        return Layout("rows", rects)
    level = "wide" if width >= 170 and height >= 40 else "panes"
    tall = 8 if height < 48 else 9
    half = width // 2
    if level == "wide":  # four in a row
        quarter = width // 4
        tall = max(10, min(16, height * 24 // 100))
        for i, name in enumerate(GAUGES):
            end = width if i == 3 else (i + 1) * quarter
            rects[name] = Rect(i * quarter, 2, end - i * quarter, tall)
        top = 2 + tall
    else:
        for i, name in enumerate(GAUGES):
            x = half * (i % 2)
            rects[name] = Rect(x, 2 + tall * (i // 2), half if i % 2 == 0 else width - half, tall)
        top = 2 + 2 * tall
    if needs:
        rows = 1 if height < 40 else 3 if height < 48 else min(needs, 3) + 2
        rects["needs"] = Rect(0, top, width, rows)
        top += rows
    if level == "wide":
        left = max(112, width * 58 // 100)
        _lists(rects, top, height - 1, left, agents, alerts, frame=2)
        rects["tasks"] = Rect(left, top, width - left, height - 1 - top)
    else:
        _lists(rects, top, height - 1, width, agents, alerts, frame=2)
    return Layout(level, rects)


def _lists(
    rects: dict[str, Rect], top: int, bottom: int, width: int, agents: int, alerts: int, frame: int
) -> None:
    """The agents table and the alerts share what is left; the alerts keep a third of it, four lines at least."""
    room = bottom - top
    gap = 0 if frame else 1
    want_agents = agents + 1 + frame
    want_alerts = max(3, alerts) + 1 + frame
    least_alerts = min(want_alerts, max(4 + (frame or 1), room // 3))
    agents_height = max(3 + frame, min(want_agents, room - gap - least_alerts))
    alerts_height = room - gap - agents_height
    if alerts_height > want_alerts + 4 and agents_height < want_agents:
        agents_height = min(want_agents, room - gap - want_alerts)
        alerts_height = room - gap - agents_height
    rects["agents"] = Rect(0, top, width, agents_height)
    rects["alerts"] = Rect(0, top + agents_height + gap, width, alerts_height - (0 if frame else 1))
