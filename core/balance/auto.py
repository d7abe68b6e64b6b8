"""The automatic mode's mind: whether a plan is applied without anybody asking for it. Pure.

Off unless it is switched on, and then it first tells what it would do. `hindrance` says what speaks against acting
at all, `asked` and `made_anew` which plan is made, `decide` what becomes of it. What is read and written
for it is `core.balance.turn`, when it is asked is `core.balance.automatic`.

It never acts: in read-only mode; in quiet hours; while a plan is unfinished; within the cool-down of a plan that
a person applied or undid; beyond the moves of an hour; for less than the gain that was asked for; on
a workspace that cannot be read as well as the last time; after one of its plans did harm or was undone by a
person, until it was set to "dry-run" and back to "on".
"""

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from core.balance.counting import left_alone, moves_since, tallies
from core.balance.deeds import HOUR_S, Deed
from core.balance.doing import UNDO
from core.balance.options import Options
from core.balance.plan import Plan
from core.errors import UsageError
from core.queues.times import parse
from core.text import clean_line

OFF, DRY_RUN, ON = "off", "dry-run", "on"
MODES = (OFF, DRY_RUN, ON)
ACTS, WOULD, NOTHING = "apply", "would", "nothing"
# So many times it says what it would do, with the settings as they are, before it does it.
TRIALS = 3
EXPIRES_S = 900.0
_SPAN = re.compile(r"([01]?\d|2[0-4]):([0-5]\d)-([01]?\d|2[0-4]):([0-5]\d)\Z", re.ASCII)
_DAY_MINUTES = 24 * 60
_AGAIN = 'to turn it on again, set balance.auto.mode to "dry-run", see what it would do, then set it to "on"'


class AutoSettings(NamedTuple):
    """`[balance.auto]`. `min_gain` is in percentage points; `quiet_hours` are spans of local time, "22:00-06:00"."""

    mode: str = OFF
    every_s: float = 300.0
    moves_per_hour: int = 10
    min_gain: float = 5.0
    quiet_hours: tuple[str, ...] = ()
    max_task_moves: int = 2

    def data(self) -> dict[str, Any]:
        """As plain values, for another process."""
        return {**self._asdict(), "quiet_hours": list(self.quiet_hours)}


class Line(NamedTuple):
    """One decision as it is kept. `mark` tells the settings it was made with.

    `trials` counts the dry runs with them up to now, `cleared_at` is when it last ran in the mode "dry-run".
    `unread` are the agents whose queues could not be read, None where that was not looked at.
    """

    at: float
    what: str
    why: str
    mode: str
    mark: str
    trials: int
    cleared_at: float
    plan_id: str = ""
    moves: int = 0
    peak_before: float | None = None
    peak_after: float | None = None
    unread: tuple[str, ...] | None = None
    by: str = ""


class Harm(NamedTuple):
    """An automatic plan that made matters worse, and when that was clear."""

    plan_id: str
    at: float
    text: str


class Past(NamedTuple):
    """What is known beside the plan. `minute` is that of the local day; `lines` are newest first.

    `unfinished` are plans whose journal has no end; `problem` is why nothing may be read or kept, "" if all is well.
    """

    deeds: tuple[Deed, ...] = ()
    lines: tuple[Line, ...] = ()
    harms: tuple[Harm, ...] = ()
    unfinished: int = 0
    minute: int = 0
    mark: str = ""
    read_only: bool = False
    problem: str = ""
    unread: tuple[str, ...] = ()


class Decision(NamedTuple):
    """What to do and why, in a sentence. `plan` is the one that is applied, or would be."""

    what: str
    why: str
    plan: Plan | None
    trials: int
    cleared_at: float


def auto_of(data: Mapping[str, Any]) -> AutoSettings:
    """The settings in plain values.

    Raises:
        UsageError: one of them makes no sense; the sentence names it.
    """
    where = "balance.auto"
    unknown = sorted(set(data) - set(AutoSettings._fields))
    if unknown:
        raise UsageError(f"{where}.{unknown[0]} is no setting")
    found = AutoSettings(**{**data, "quiet_hours": tuple(data.get("quiet_hours", ()))})
    if found.mode not in MODES:
        raise UsageError(f"{where}.mode must be one of {', '.join(MODES)}, not {found.mode}")
    limits = (("every_s", 1.0), ("moves_per_hour", 1), ("min_gain", 0.0), ("max_task_moves", 1))
    for name, least in limits:
        value = getattr(found, name)
        if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value < 1e9:
            raise UsageError(f"{where}.{name} must be a number from {least:g} up, not {value}")
    for span in found.quiet_hours:
        quiet_span(span)
    return found


def quiet_span(text: str) -> tuple[int, int]:
    """Begin and end, in minutes of the day, of a span such as "22:00-06:00".

    Raises:
        UsageError: it is none.
    """
    found = _SPAN.match(text) if isinstance(text, str) else None
    numbers = [int(word) for word in found.groups()] if found else []
    if not numbers or max(numbers[0] * 60 + numbers[1], numbers[2] * 60 + numbers[3]) > _DAY_MINUTES:
        raise UsageError(f'balance.auto.quiet_hours: {text!r} is no span of time such as "22:00-06:00"')
    return numbers[0] * 60 + numbers[1], numbers[2] * 60 + numbers[3]


def is_quiet(spans: tuple[str, ...], minute: int) -> str:
    """The span that a minute of the local day falls into; "" if none does. Equal ends are the whole day."""
    for text in spans:
        begin, end = quiet_span(text)
        inside = begin <= minute < end if begin < end else minute >= begin or minute < end
        if inside:
            return text
    return ""


def mark_of(settings: AutoSettings, options: Options) -> str:
    """What tells these settings from others, whatever the mode: dry runs count for those they were made with."""
    limits = settings.data()
    del limits["mode"]
    text = json.dumps([limits, options.data()], sort_keys=True)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:12]


# -- what speaks against it -------------------------------------------------------------------------


def hindrance(settings: AutoSettings, options: Options, past: Past, now: float) -> str:
    """Why it does nothing, whatever the plan; "" if nothing speaks against it. `now` in wall seconds."""
    if settings.mode == OFF:
        return "the automatic mode is off (balance.auto.mode)"
    if past.read_only:
        return "bluetop runs with --read-only"
    if past.problem:
        return past.problem
    stop = stopped(settings, past)
    if stop:
        return stop
    if past.unfinished:
        many = "a plan is" if past.unfinished == 1 else f"{past.unfinished} plans are"
        return f"{many} unfinished: look with `bluetop optimize --history`, then `bluetop optimize --recover`"
    quiet = is_quiet(settings.quiet_hours, past.minute)
    if quiet:
        return f"it is quiet from {quiet.replace('-', ' to ')} (balance.auto.quiet_hours)"
    for deed in past.deeds:
        ago = now - deed.last_at
        if not deed.automatic and deed.moved and ago < options.cooldown_hours * HOUR_S:
            did = "undid" if deed.kind == UNDO else "applied"
            return (
                f"{deed.user} {did} a plan {_ago(ago)}; nothing for {options.cooldown_hours:g} h after that"
            )
    if not _left(settings, past, now):
        return f"{settings.moves_per_hour} moves were made within the hour (balance.auto.moves_per_hour)"
    return _less_readable(past)


def stopped(settings: AutoSettings, past: Past) -> str:
    """Why it is stopped until a person turns it on again; "" if it is not."""
    stop = _stop(past)
    if stop is None or settings.mode == DRY_RUN or _cleared_at(past) > stop[0]:
        return ""
    return f"stopped: {stop[1]}; {_AGAIN}"


def _stop(past: Past) -> tuple[float, str] | None:
    """The last time that one of its plans did harm or was undone by a person: (wall seconds, what it was)."""
    stops = [(harm.at, f"its plan {harm.plan_id[:8]} did harm ({harm.text})") for harm in past.harms]
    undos = {deed.plan_id: deed for deed in past.deeds if deed.kind == UNDO}
    for deed in past.deeds:
        undo = undos.get(deed.undone_by)
        if deed.automatic and deed.undone_by and not (undo is not None and undo.automatic):
            by = undo.user if undo is not None else "somebody"
            at = max(deed.undone_at, undo.at if undo is not None else 0.0)
            stops.append((at, f"its plan {deed.plan_id[:8]} was undone by {by}"))
    return max(stops, default=None)


def _cleared_at(past: Past) -> float:
    return past.lines[0].cleared_at if past.lines else 0.0


def trials_of(past: Past) -> int:
    """How many dry runs with these settings are kept, since a stop if there was one."""
    if not past.lines or past.lines[0].mark != past.mark:
        return 0
    stop = _stop(past)
    return 0 if stop is not None and stop[0] >= past.lines[0].cleared_at else past.lines[0].trials


def _left(settings: AutoSettings, past: Past, now: float) -> int:
    """How many moves the hour still allows. What was decided and has no journal yet counts as made."""
    begin = now - HOUR_S
    made = moves_since(past.deeds, begin)
    ended = {deed.plan_id for deed in past.deeds if deed.ended_at is not None}
    for line in past.lines:
        if line.what == ACTS and line.at >= begin and line.plan_id not in ended:
            made[line.plan_id] = max(made[line.plan_id], line.moves)
    return max(0, settings.moves_per_hour - made.total())


def _less_readable(past: Past) -> str:
    """Whether queues cannot be read that the last decision could read: then half the fleet may be hidden."""
    before = next((line.unread for line in past.lines if line.unread is not None), None)
    lost = sorted(set(past.unread) - set(past.unread if before is None else before))
    if not lost:
        return ""
    more = f" and {len(lost) - 1} more" if len(lost) > 1 else ""
    return clean_line(f"the queue of {lost[0]}{more} cannot be read any more")


# -- the plan it may make, and what becomes of it ---------------------------------------------------


def asked(options: Options, settings: AutoSettings, past: Past, now: float) -> Options:
    """What kind of plan may be made: within the hour's moves, without the tasks that are left alone."""
    left = _left(settings, past, now)
    alone = _alone(options, settings, past, now)
    return options._replace(
        max_moves=min(options.max_moves, left) if options.max_moves else left,
        min_gain=max(options.min_gain, settings.min_gain),
        pins=tuple(sorted({*options.pins, *alone})),
    )


def _alone(options: Options, settings: AutoSettings, past: Past, now: float) -> frozenset[str]:
    return left_alone(
        tallies(past.deeds, now), now, most=settings.max_task_moves, cooldown_hours=options.cooldown_hours
    )


def made_anew(
    make: Callable[[Options], Plan], options: Options, settings: AutoSettings, past: Past, now: float
) -> Plan:
    """The plan that `make` makes as `asked`, without tasks that would go back to where they came from.

    At most three are made: the second leaves those tasks where they are, the third all that were moved of late.
    """
    limits = asked(options, settings, past, now)
    plan = make(limits)
    for stay in (_going_back(plan, past, now), tallies(past.deeds, now)):
        if not _going_back(plan, past, now):
            break
        limits = limits._replace(pins=tuple(sorted({*limits.pins, *stay})))
        plan = make(limits)
    return plan


def _going_back(plan: Plan, past: Past, now: float) -> dict[str, str]:
    """Task → receiver, of the moves that take a task back to an agent that it left within the week."""
    counted = tallies(past.deeds, now)
    return {
        move.task_id: move.receiver
        for move in plan.moves
        if move.task_id in counted and move.receiver in counted[move.task_id].left
    }


def decide(plan: Plan, settings: AutoSettings, past: Past, now: float) -> Decision:
    """What becomes of a plan that was made as `asked`. `now` in wall seconds."""
    cleared_at = now if settings.mode == DRY_RUN else _cleared_at(past)
    trials = trials_of(past)
    against = hindrance(settings, plan.options, past, now) or _unfit(plan, settings, past, now)
    if against:
        return Decision(NOTHING, against, None, trials, cleared_at)
    what = _summary(plan)
    if settings.mode == ON and trials >= TRIALS:
        return Decision(ACTS, what, plan, trials, cleared_at)
    trials += 1
    if settings.mode == DRY_RUN:
        why = f"a dry run (balance.auto.mode): {what}"
    else:
        why = f"a dry run, {min(trials, TRIALS)} of {TRIALS} with these settings: {what}"
    return Decision(WOULD, why, plan, trials, cleared_at)


def nothing(why: str, settings: AutoSettings, past: Past, now: float) -> Decision:
    """The decision to do nothing, where no plan was made."""
    cleared_at = now if settings.mode == DRY_RUN else _cleared_at(past)
    return Decision(NOTHING, why, None, trials_of(past), cleared_at)


def _unfit(plan: Plan, settings: AutoSettings, past: Past, now: float) -> str:
    """What is wrong with this plan; "" if nothing is."""
    if not plan.moves:
        return f"nothing to gain: the worst agent is at {plan.before.peak:.0f} %"
    made = parse(plan.now)
    if made is None or not -60.0 <= now - made.at <= EXPIRES_S:
        return "the plan is too old"
    left = _left(settings, past, now)
    if len(plan.moves) > left:
        return f"{len(plan.moves)} moves are more than the {left} that the hour still allows"
    alone = _alone(plan.options, settings, past, now)
    worn = next((move.task_id for move in plan.moves if move.task_id in alone), "")
    if worn:
        return clean_line(f"{worn} was moved often enough of late")
    back = next(iter(_going_back(plan, past, now).items()), None)
    if back is not None:
        return clean_line(f"{back[0]} would go back to {back[1]}, which it left a short while ago")
    gain = gain_of(plan)
    if gain < settings.min_gain and plan.after.misplaced >= plan.before.misplaced:
        return f"{_summary(plan)}: {gain:.1f} points are less than the {settings.min_gain:g} of balance.auto.min_gain"
    return ""


def gain_of(plan: Plan) -> float:
    """By how many percentage points the worst utilisation falls; below the target there is nothing to gain."""
    target = plan.options.target
    return max(target, plan.before.peak) - max(target, plan.after.peak)


def _summary(plan: Plan) -> str:
    agents = {move.source for move in plan.moves} | {move.receiver for move in plan.moves}
    moves = f"{len(plan.moves)} move{'s' if len(plan.moves) > 1 else ''}"
    text = f"{moves} between {len(agents)} agents, the worst from {plan.before.peak:.0f} to {plan.after.peak:.0f} %"
    placed = plan.before.misplaced - plan.after.misplaced
    return text + (f", {placed} misplaced no more" if placed > 0 else "")


def line_of(decision: Decision, settings: AutoSettings, past: Past, now: float, by: str) -> Line:
    """The decision as it is kept."""
    plan = decision.plan
    return Line(
        now, decision.what, clean_line(decision.why), settings.mode, past.mark, decision.trials, decision.cleared_at,
        plan.plan_id if plan else "", len(plan.moves) if plan else 0,
        plan.before.peak if plan else None, plan.after.peak if plan else None, past.unread, by,
    )  # fmt: skip


def _ago(seconds: float) -> str:
    minutes = max(0.0, seconds) / 60.0
    return f"{minutes:.0f} min ago" if minutes < 120 else f"{minutes / 60:.1f} h ago"
