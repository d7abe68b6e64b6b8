"""One plan and what came after it: CA gave tasks M-1, M-2 … to CB, and both had tasks of their own."""

from collections.abc import Iterable, Mapping

from core.balance.deeds import Deed, Load, Moved
from core.balance.doing import APPLY
from core.balance.outcomes import Outcome, judge
from core.balance.tracks import Span, Step, tracks_of

NOW = 1_780_000_000.0
HOUR = 3600.0
PLAN = "plan0001"


def the_plan(moved: int = 4, at: float = NOW, user: str = "maria") -> Deed:
    """CA had 10 tasks of an hour each, CB 2 of them; M-1 … of them were moved."""
    return Deed(
        PLAN, APPLY, at, at + 2.0, user,
        tuple(Moved(f"M-{n}", "CA", "CB", at + 1.0, 1.0, 1.0) for n in range(1, moved + 1)),
        before={"CA": Load(10.0, 10), "CB": Load(2.0, 2)},
    )  # fmt: skip


def own_tasks(moved: int = 4) -> dict[str, str]:
    """Task → agent, of all that is pending when the plan was applied."""
    mine = {f"A-{n}": "CA" for n in range(1, 11 - moved)} | {f"B-{n}": "CB" for n in (1, 2)}
    return mine | {f"M-{n}": "CB" for n in range(1, moved + 1)}


def echo(deed: Deed) -> dict[str, list[Step]]:
    """The steps that the moves themselves leave in the record."""
    return {
        move.task_id: [
            Step(deed.at + 1.5, move.source, "pending", None),
            Step(deed.at + 1.5, move.receiver, None, "pending"),
        ]
        for move in deed.moved
    }


def worked(deed: Deed, ends: Mapping[str, float], agents: Mapping[str, str]) -> dict[str, list[Step]]:
    """The steps of tasks that ended so many hours after the plan, each begun a little earlier."""
    steps = echo(deed)
    for task, hours in ends.items():
        end = deed.at + hours * HOUR
        steps.setdefault(task, []).extend((
            Step(end - 60.0, agents[task], "pending", "in_progress"),
            Step(end, agents[task], "in_progress", "completed"),
        ))  # fmt: skip
    return steps


def steady(per_hour: Mapping[str, float], moved: int = 4) -> dict[str, float]:
    """Task → hours after the plan at which it ends, where each agent does so many tasks an hour."""
    done = dict.fromkeys(per_hour, 0)
    found = {}
    for task, agent in own_tasks(moved).items():
        done[agent] += 1
        found[task] = done[agent] / per_hour[agent]
    return found


def came_of(
    deed: Deed, steps: Mapping[str, list[Step]], *, deeds: Iterable[Deed] = (), hours: float = 100.0,
    watched: Iterable[Span] | None = None, now_status: Mapping[str, Mapping[str, str]] | None = None,
) -> Outcome:  # fmt: skip
    """What came of it, so many hours later, watched all the time unless said otherwise."""
    now = deed.at + hours * HOUR
    spans = ((deed.at - HOUR, now),) if watched is None else tuple(watched)
    known: dict[str, dict[str, str]] = {}
    for task, agent in own_tasks(len(deed.moved)).items():
        ended = any(step.after == "completed" for step in steps.get(task, ()))
        known.setdefault(agent, {})[task] = "completed" if ended else "pending"
    tracks = tracks_of(steps, spans)
    return judge(deed, (deed, *deeds), tracks, known if now_status is None else now_status, now)
