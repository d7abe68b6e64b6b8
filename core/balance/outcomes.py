"""What came of past plans: how long the queues really took to drain, against what was to be expected without.

For one plan, of which moves were made:

- The agents it touched are those that gave or received a task. Its tasks are those that were pending at them when
  it had been applied; tasks that came later are not its business. A task is followed to wherever a later plan moves it.
- A task is over when it is first seen completed or failed. The plan is over with the last of its tasks; `actual_hours`
  are the wall hours until then, on the record of transitions (docs/record.md), to a second or so while bluetop runs.
- `predicted_hours` is the greatest load among the agents touched with the moves that were made, `without_hours`
  without them: expected working hours, as in the plan.
- Working hours are not wall hours, and estimates can all be wrong by one factor. So what would have been without
  the plan is told at the pace that was really seen: `pace` of an agent is the expected hours of its load, times
  the share of its tasks that it finished itself, over the wall hours it took for them; an agent that finished
  none has the pace of the others together. `without_at_pace_hours` is the greatest load without the plan over the pace.
- helped: `actual_hours` is less than `without_at_pace_hours`. hurt: it is not. open: not over yet.
- unknown, and never counted as helped: it was undone, even in part; a task was moved or removed by hand; nothing was
  recorded at the time; nobody looked for a while before the last task ended (more than 5 minutes and a twentieth of
  the time it took); or the record does not account for the tasks.

Reads only: journals, record, queues. `judge` and what is below it are pure.
"""

import os
import statistics
from collections import Counter
from collections.abc import Container, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from core.balance.deeds import DAY_S, HOUR_S, Deed, read_deeds
from core.balance.doing import APPLY
from core.balance.tracks import Step, Tracks, read_tracks
from core.balance.world import Tell, World, read_world, silent
from core.queues.states import FINISHED
from core.queues.statuses import fold
from core.record.files import places, stamp
from core.text import clean, clean_line

SCHEMA = "bluetop.outcomes/1"
HELPED, HURT, OPEN, UNKNOWN = "helped", "hurt", "open", "unknown"
MOST_PLANS, MOST_DAYS = 20, 30.0
_PENDING = "pending"
_ECHO_S = 60.0  # a record that lags may show the moves themselves so long after they were made
_GAP_S, _GAP_SHARE = 300.0, 0.05
_MISSED_SHARE = 0.1


class Outcome(NamedTuple):
    """What came of one plan; hours are wall hours unless they are predicted.

    Of `tasks` that were pending, `remaining` are not over. `text` says what was, or why that cannot be told. None is
    what is not known (yet).
    """

    plan_id: str
    at: float
    user: str
    automatic: bool
    what: str
    text: str
    moves: int
    tasks: int
    remaining: int
    predicted_hours: float | None
    without_hours: float | None
    actual_hours: float | None
    pace: float | None
    without_at_pace_hours: float | None
    sooner_percent: float | None
    over_at: float | None
    age_hours: float

    def data(self) -> dict[str, Any]:
        """As in JSON."""
        found = {name: _rounded(value) for name, value in self._asdict().items()}
        found["at"], found["over_at"] = stamp(self.at), None if self.over_at is None else stamp(self.over_at)
        return found


class Outcomes(NamedTuple):
    """The outcomes of the last plans, newest first."""

    rows: tuple[Outcome, ...]

    def count(self, what: str) -> int:
        """How many of them are helped, hurt, open or unknown."""
        return sum(row.what == what for row in self.rows)

    @property
    def judged(self) -> int:
        """How many are over and can be told."""
        return self.count(HELPED) + self.count(HURT)

    @property
    def median_sooner(self) -> float | None:
        """By how many per cent the judged ones drained sooner than without, in the middle; below 0 is later."""
        found = [row.sooner_percent for row in self.rows if row.sooner_percent is not None]
        return statistics.median(found) if found else None

    def sentence(self) -> str:
        """`last 9 plans: 8 helped, 1 did not; median 31 % sooner`; "" where there was no plan."""
        if not self.rows:
            return ""
        judged, median = self.judged, self.median_sooner
        if len(self.rows) == 1:
            how = {HELPED: "helped", HURT: "did not help", OPEN: "not over yet"}.get(
                self.rows[0].what, "cannot be told"
            )
            pace = "" if median is None else f", {abs(median):.0f} % {'sooner' if median >= 0 else 'later'}"
            return f"last plan: {how}{pace}"
        rest = [
            f"{count} {words}"
            for count, words in (
                (self.count(OPEN), "not over yet"), (self.count(UNKNOWN), "cannot be told"),
            ) if count
        ]  # fmt: skip
        if not judged:
            return f"last {_plans(len(self.rows))}: {', '.join(rest)}"
        helped, hurt = self.count(HELPED), self.count(HURT)
        text = f"last {_plans(judged)}: {helped} helped" + (f", {hurt} did not" if hurt else "")
        if median is not None:
            text += f"; median {abs(median):.0f} % {'sooner' if median >= 0 else 'later'}"
        return text + (f" (and {', '.join(rest)})" if rest else "")

    def data(self) -> dict[str, Any]:
        """The object of bluetop.outcomes/1; `n` is how many are over and can be told."""
        return {
            "schema": SCHEMA, "n": self.judged,
            **{what: self.count(what) for what in (HELPED, HURT, OPEN, UNKNOWN)},
            "median_sooner_percent": _rounded(self.median_sooner), "text": self.sentence(),
            "plans": [row.data() for row in self.rows],
        }  # fmt: skip


def outcomes(
    workspace: str, now: float, *, folders: Sequence[str] | None = None, deeds: Sequence[Deed] | None = None,
    world: World | None = None, only: Container[str] | None = None, tell: Tell = silent,
) -> Outcomes:  # fmt: skip
    """The outcomes of the last plans of a workspace; `now` in wall seconds. May hang with the mount it lies on.

    `folders` are where the record may lie: in the workspace or in bluetop's own state folder. `only` are the plans
    that matter. `deeds` and `world` are read if they are not given.

    Raises:
        WorkspaceError: its postbox cannot be listed.
    """
    every = read_deeds(workspace, now, MOST_DAYS).rows if deeds is None else deeds
    judged = [
        deed
        for deed in every
        if deed.kind == APPLY and deed.moved and now - deed.at < MOST_DAYS * DAY_S
        and (only is None or deed.plan_id in only)
    ][:MOST_PLANS]  # fmt: skip
    if not judged:
        return Outcomes(())
    if folders is None:
        from core.config import state_dir

        folders = places(workspace, state_dir(os.environ))
    known = read_world(workspace, tell) if world is None else world
    tell("reading the record", 0, 0)
    since = min(deed.at for deed in judged) - _ECHO_S
    tracks = read_tracks(folders, since, lambda path: tell("reading the record", 0, 0))
    status = statuses(known)
    return Outcomes(tuple(judge(deed, every, tracks, status, now) for deed in judged))


def statuses(world: World) -> dict[str, dict[str, str]]:
    """Agent → task → its status now, in the words of the record; what is in a history is finished."""
    found: dict[str, dict[str, str]] = {}
    for name, agent in world.agents.items():
        tasks = dict.fromkeys((clean(task_id) for task_id in agent.done), "completed")
        tasks |= {clean(task.task_id): fold(task.status) or task.status for task in agent.tasks}
        found[name] = tasks
    return found


def judge(
    deed: Deed, deeds: Iterable[Deed], tracks: Tracks, now_status: Mapping[str, Mapping[str, str]], now: float
) -> Outcome:
    """What came of `deed`, of which moves were made. `now_status` is agent → task → status."""
    before, after = _loads(deed)
    touched = {agent for move in deed.moved for agent in (move.source, move.receiver)}
    mine = _tasks_of(deed, touched, tracks, now_status)
    ends = {task: end for task in mine if (end := _end(tracks.steps.get(task, ()), deed.at)) is not None}
    remaining = {task for task in mine if task not in ends}
    outcome = Outcome(
        deed.plan_id, deed.at, deed.user, deed.automatic, UNKNOWN, "", len(deed.moved), len(mine), len(remaining),
        max(after.values(), default=None), max(before.values(), default=None), None, None, None, None, None,
        max(0.0, now - deed.at) / HOUR_S,
    )  # fmt: skip
    why = _doubt(deed, deeds, tracks, mine, before) or _stray(remaining, now_status)
    if why:
        return outcome._replace(text=clean_line(why))
    if remaining:
        return outcome._replace(what=OPEN, text=f"{len(remaining)} of {len(mine)} tasks are not over")
    last = max(ends.values())
    actual_s = max(1.0, last.at - deed.at)
    gap = tracks.gap_before(last.at)
    if gap is None or min(gap, actual_s) > max(_GAP_S, _GAP_SHARE * actual_s):
        return outcome._replace(text="nobody looked when the last task ended")
    pace = _paces(deed.at, after, mine, ends)
    if not pace or not before:
        return outcome._replace(text="there is no pace to compare with")
    pooled = pace[""]
    without = max(hours / pace.get(agent, pooled) for agent, hours in before.items())
    actual = actual_s / HOUR_S
    if without <= 0:
        return outcome._replace(text="the journal holds no loads")
    sooner = 100.0 * (1.0 - actual / without)
    how = f"{abs(sooner):.0f} % {'sooner' if sooner > 0 else 'later'} than without"
    return outcome._replace(
        what=HELPED if actual < without else HURT, actual_hours=actual, pace=pooled, over_at=last.at,
        without_at_pace_hours=without, sooner_percent=sooner,
        text=f"drained in {actual:.1f} h, {how} ({without:.1f} h at the pace seen)",
    )  # fmt: skip


def _loads(deed: Deed) -> tuple[dict[str, float], dict[str, float]]:
    """Load hours of the agents touched, before the plan and after the moves that were made."""
    touched = {agent for move in deed.moved for agent in (move.source, move.receiver)}
    before = {agent: deed.before[agent].load_hours for agent in sorted(touched & deed.before.keys())}
    after = dict(before)
    for move in deed.moved:
        if move.source in after and move.receiver in after:
            after[move.source] = max(0.0, after[move.source] - move.hours_from)
            after[move.receiver] += move.hours_to
    return before, after


def _tasks_of(
    deed: Deed, touched: set[str], tracks: Tracks, now_status: Mapping[str, Mapping[str, str]]
) -> dict[str, str]:
    """Task → agent, of what was pending at the agents touched once the moves were made."""
    mine: dict[str, str] = {}
    for agent in touched:
        stepped: set[str] = set()
        for task, steps in tracks.at_agent.get(agent, {}).items():
            # The first step since then says what it was until then.
            first = next((step for step in steps if step.at >= deed.at), None)
            if first is not None:
                stepped.add(task)
                if first.before == _PENDING:
                    mine[task] = agent
        for task, status in now_status.get(agent, {}).items():
            if status == _PENDING and task not in stepped:
                mine[task] = agent
    # The moves themselves are steps too, and a moved task was pending.
    return mine | {clean(move.task_id): move.receiver for move in deed.moved}


def _end(steps: Sequence[Step], since: float) -> Step | None:
    return next((step for step in steps if step.at >= since and step.after in FINISHED), None)


def _doubt(
    deed: Deed, deeds: Iterable[Deed], tracks: Tracks, mine: Mapping[str, str], before: Mapping[str, float]
) -> str:
    """Why the plan cannot be judged at all; "" if it can."""
    if deed.undone or deed.undone_by:
        return "it was undone"
    if not before:
        return "the journal holds no loads"
    if not tracks.knew(deed.at):
        return "nothing was recorded when it was applied"
    expected = sum(deed.before[agent].pending or 0 for agent in before)
    if expected - len(mine) > max(1.0, _MISSED_SHARE * expected):
        return f"the record accounts for {len(mine)} of {expected} tasks"
    made: Counter[tuple[str, str]] = Counter()
    for other in deeds:
        made.update(
            (clean(move.task_id), move.source) for move in other.moved if move.at >= deed.at - _ECHO_S
        )
    for task in mine:
        left: Counter[str] = Counter()
        for step in tracks.steps.get(task, ()):
            if step.at < deed.at:
                continue
            if step.after in FINISHED:
                break
            if step.after is None:
                left[step.agent] += 1
        if any(count > made[task, agent] for agent, count in left.items()):
            return f"{task} was moved or removed by hand"
    return ""


def _stray(remaining: set[str], now_status: Mapping[str, Mapping[str, str]]) -> str:
    """Whether one of the tasks that have no end in the record is over or gone all the same."""
    still: set[str] = set()
    for tasks in now_status.values():
        still.update(task for task in remaining & tasks.keys() if tasks[task] not in FINISHED)
    gone = sorted(remaining - still)
    return f"nobody saw {gone[0]} end" if gone else ""


def _paces(
    begin: float, after: Mapping[str, float], mine: Mapping[str, str], ends: Mapping[str, Step]
) -> dict[str, float]:
    """Agent → expected hours per wall hour; "" is that of all together. {} if nobody has one."""
    had = Counter(mine.values())
    by_agent: dict[str, list[float]] = {}
    for task, end in ends.items():
        if end.agent == mine[task]:
            by_agent.setdefault(end.agent, []).append(end.at)
    found: dict[str, float] = {}
    all_work = all_hours = 0.0
    for agent, times in by_agent.items():
        hours = max(1.0, max(times) - begin) / HOUR_S
        work = after.get(agent, 0.0) * len(times) / had[agent]
        if work > 0:
            found[agent] = work / hours
            all_work, all_hours = all_work + work, all_hours + hours
    return {**found, "": all_work / all_hours} if found else {}


def _rounded(value: Any) -> Any:
    return round(value, 3) if isinstance(value, float) else value


def _plans(count: int) -> str:
    return "plan" if count == 1 else f"{count} plans"
