"""One turn of the automatic mode: look, decide, keep the decision. Changes no queue; runs in a helper process.

What it decides to apply is applied by whoever asked, through the door for changes (`core.balance.automatic`). Only one
bluetop decides at a time (`.bluetop/auto.lock`), and none sooner than `every_s` after the last decision, whoever made
it: so of several that run with the automatic mode on, one acts, and another takes over when it ends. A
decision that cannot be kept is not acted on.
"""

import time
from typing import Any, NamedTuple

from core.balance import autolog
from core.balance.auto import (
    NOTHING,
    OFF,
    AutoSettings,
    Decision,
    Harm,
    Past,
    decide,
    hindrance,
    line_of,
    made_anew,
    mark_of,
    nothing,
)
from core.balance.deeds import Deed, read_deeds
from core.balance.options import Options
from core.balance.outcomes import HURT, outcomes
from core.balance.planner import plan
from core.balance.world import Tell, World, read_world, silent
from core.errors import BluetopError
from core.record.files import stamp
from core.text import clean_line

SCHEMA = "bluetop.auto-turn/1"
# A turn that comes a little early, by the jitter of a timer, is in time.
_EARLY = 0.9
# Later than without the plan by more than this is harm, not the noise of estimates.
HARM_PERCENT = 10.0
_LOOKED_BACK = 5  # of its own plans


class Turn(NamedTuple):
    """What was decided. `kept` is False where it was not written down; `wait_s` is when to ask again."""

    decision: Decision
    at: float
    kept: bool
    wait_s: float

    def data(self) -> dict[str, Any]:
        """The object of bluetop.auto-turn/1."""
        decision = self.decision
        return {
            "schema": SCHEMA, "at": stamp(self.at), "what": decision.what, "why": decision.why,
            "trials": decision.trials, "kept": self.kept, "wait_s": self.wait_s,
            "plan": None if decision.plan is None else decision.plan.data(),
        }  # fmt: skip


def take_turn(
    workspace: str, options: Options, settings: AutoSettings, by: str, now: float, *,
    read_only: bool = False, tell: Tell = silent,
) -> Turn:  # fmt: skip
    """Look, decide, keep the decision; `now` in wall seconds. May hang with the mount that the workspace lies on."""
    past = Past(mark=mark_of(settings, options), read_only=read_only)
    against = hindrance(settings, options, past, now) if read_only or settings.mode == OFF else ""
    if against:
        return _unkept(against, settings, past, now)
    try:
        with autolog.deciding(workspace) as first:
            if not first:
                return _unkept("another bluetop decides at this moment", settings, past, now)
            return _decided(workspace, options, settings, past, by, now, tell)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        reason = f"its decisions cannot be kept: {where}{error.strerror or error}"
        return _unkept(clean_line(reason), settings, past, now)


def _decided(
    workspace: str, options: Options, settings: AutoSettings, past: Past, by: str, now: float, tell: Tell
) -> Turn:
    past = past._replace(lines=autolog.recent(workspace, most=100_000))
    since = now - past.lines[0].at if past.lines else settings.every_s
    if 0 <= since < settings.every_s * _EARLY:
        text = f"the last decision was {since:.0f} s ago"
        return _unkept(text, settings, past, now, settings.every_s - since)
    past, world = _looked(workspace, past, now, tell)
    against = hindrance(settings, options, past, now)
    if against or world is None:
        decision = nothing(against, settings, past, now)
    else:
        made = made_anew(lambda limits: plan(world, limits, now, tell), options, settings, past, now)
        decision = decide(made, settings, past, now)
    autolog.keep(workspace, line_of(decision, settings, past, now, by))
    return Turn(decision, now, True, settings.every_s)


def _looked(workspace: str, past: Past, now: float, tell: Tell) -> tuple[Past, World | None]:
    """Everything that a decision is made of; the world is None where it cannot be read."""
    local = time.localtime(now)
    past = past._replace(minute=local.tm_hour * 60 + local.tm_min)
    try:
        deeds, bad = read_deeds(workspace, now)
        world = read_world(workspace, tell)
        past = past._replace(
            problem=bad[0] if bad else "",
            deeds=deeds,
            unfinished=sum(1 for deed in deeds if deed.ended_at is None or deed.open),
            unread=world.unread,
            harms=_harms(workspace, now, deeds, world, tell),
        )
    except BluetopError as error:
        return past._replace(problem=f"the workspace cannot be read: {error}"), None
    if not world.agents:
        return past._replace(problem="no queue in the workspace can be read"), None
    return past, world


def _harms(workspace: str, now: float, deeds: tuple[Deed, ...], world: World, tell: Tell) -> tuple[Harm, ...]:
    """The automatic plans that came out worse than nothing would have."""
    own = [deed.plan_id for deed in deeds if deed.automatic and deed.moved][:_LOOKED_BACK]
    if not own:
        return ()
    found = outcomes(workspace, now, deeds=deeds, world=world, only=frozenset(own), tell=tell)
    return tuple(
        Harm(row.plan_id, row.over_at, row.text)
        for row in found.rows
        if row.what == HURT and row.over_at is not None
        and row.sooner_percent is not None and row.sooner_percent < -HARM_PERCENT
    )  # fmt: skip


def _unkept(why: str, settings: AutoSettings, past: Past, now: float, wait_s: float | None = None) -> Turn:
    decision = nothing(why, settings, past, now)
    assert decision.what == NOTHING
    return Turn(decision, now, False, settings.every_s if wait_s is None else wait_s)
