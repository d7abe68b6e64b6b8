"""`bluetop agents [FILTER]`: how every agent is really doing, who needs a person, and the fleet in one line."""

import argparse
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tui.cli.filters import add_filter, query_of
from tui.cli.options import Options

if TYPE_CHECKING:
    from core.filter import Field, Query
    from core.measures.needs import Need
    from core.measures.rates import Rate
    from core.measures.skills import SkillEstimate
    from core.queues.model import RecordState
    from core.snapshot import AgentView, Snapshot
    from tui.cli.output import Output

EXAMPLES = """\
examples:
  bluetop agents                       every agent, those that need a person first
  bluetop agents state:silent,gone     only those that seem to be dead
  bluetop agents 'wait>10' '!state:retired' --sort load
  bluetop agents --skills CB           and how well and quickly CB does each kind of work
  bluetop agents --json | jq '.agents[] | select(.drain.kind == "growing") | .id'

The states are working, idle, waiting (for a person), silent (in progress, but nothing changes) and gone (its
process ended); or what the file says: paused, retired, stale, unreadable, missing. `bluetop why AGENT`
gives the evidence. "~" is as the file claims, not as seen; "-" is unknown.

Without --sort: those that need a person first, the most severe need in front; then by severity, load, name.
FILTER is a list of terms that must all hold, as on the dashboard: word, "two words", -word (or !word),
key:value,other key>10 key:3..10 key<2h no:key. The keys, which --sort takes too (the largest first):
  agent state severity needs wait run review blocked failed done task for oldest drains in out ended p50 p95
  load work hours success efficiency delivery changed quiet cpu memory files processes skill role form

exit status: 0 good; 1 a source did not answer, or with --skills a file could not be wholly read;
             2 wrong usage (a filter that is none, say) or configuration; 3 the workspace cannot be read
"""
LISTED = 500
_NEEDS_LISTED = 20
# What stands first where the order of a word's letters means nothing.
_FIRST: Mapping[str, Sequence[str]] = {
    "state": ("gone", "silent", "unreadable", "stale", "waiting", "working", "idle", "paused", "missing", "retired"),
    "drains": ("growing", "stalled", "level", "clears", "empty", "unknown"),
}  # fmt: skip


def configure(parser: argparse.ArgumentParser) -> None:
    """The options of `agents`."""
    from tui.cli.parser import count

    parser.epilog = EXAMPLES
    parser.usage = "bluetop agents [options] [FILTER ...]"
    add_filter(parser)
    parser.add_argument("--sort", metavar="KEY", help="sort by a key of the filter (see below)")
    parser.add_argument("--reverse", action="store_true", help="the other way round")
    parser.add_argument(
        "--limit", metavar="N", type=count, help=f"only the first N (text: {LISTED}); 0: all of them"
    )
    parser.add_argument("--skills", action="store_true", help="estimates by skill too; reads all their tasks")
    parser.add_argument("--json", action="store_true", help="one JSON object (schema bluetop.agents/1)")


def run(args: argparse.Namespace, options: Options) -> int:
    """Look, and show those that the filter takes."""
    import asyncio

    from core.config import load
    from core.fields import AGENT_FIELDS
    from core.workspace import find, required
    from tui.cli.output import Output

    out = Output(options)
    text, query = query_of(args.filter, AGENT_FIELDS)
    sort = key_of(args.sort, AGENT_FIELDS) if args.sort else None
    settings = load(options.config)
    workspace = required(find(options.workspace, fallback=settings.workspace.path))
    look = asyncio.run(_look(settings, workspace, query, sort, args))
    report = _report(look, text, sort, args)
    if args.json:
        out.json(report)
    else:
        show(look, out)
    return 0 if report["complete"] else 1


class _Look:
    """What was found: the agents that the filter takes, in order, and their skills if they were asked for."""

    def __init__(
        self, snapshot: "Snapshot", views: "list[AgentView]", shown: int, everybody: bool = True
    ) -> None:
        self.snapshot, self.everybody = snapshot, everybody
        self.matched = len(views)
        self.views = views[:shown] if shown else views
        self.skills: dict[str, Sequence[SkillEstimate]] | None = None
        self.unread: list[dict[str, Any]] = []

    def needs(self) -> "list[Need]":
        """What needs a person: of these agents and, without a filter, of those who have no row too."""
        from core.reports.measures import needs_of, needs_with_strays

        return needs_with_strays(self.views, self.snapshot) if self.everybody else needs_of(self.views)


async def _look(
    settings: Any, workspace: str, query: "Query", sort: "Field | None", args: argparse.Namespace
) -> _Look:
    from core.reports.agents import skills_of, unread_data
    from tui.cli import say
    from tui.cli.look import AGENTS_ONLY, looking, read_workspace
    from tui.cli.progress import ProgressLine
    from tui.cli.reading import tasks_of

    with ProgressLine() as line:
        async with looking(
            settings, workspace, only=AGENTS_ONLY, told=lambda p: line.show(p.done, p.total, p.what)
        ) as engine:
            snapshot = engine.latest
            read_workspace(snapshot, workspace)
            shown = args.limit if args.limit is not None else 0 if args.json else LISTED
            found = _Look(snapshot, chosen(snapshot, query, sort, args.reverse), shown, not query.terms)
            if not args.skills:
                return found
            found.skills = {}
            done = 0
            async for read in tasks_of(engine, found.views):
                done += 1
                line.show(done, len(found.views), "agents whose tasks are read")
                found.skills[read.view.queue.agent] = skills_of(read.view.queue, read.tasks)
                if read.problem:
                    line.clear()
                    say(f"bluetop: {read.view.queue.path}: {read.problem}")
                    found.unread.append(unread_data(read.view, read.problem))
            return found


def chosen(snapshot: "Snapshot", query: "Query", sort: "Field | None", reverse: bool) -> "list[AgentView]":
    """The agents that `query` takes, in order; unknown values last, whichever way it goes."""
    from core.fields import agent_text
    from core.reports.agents import urgent_first

    wall = snapshot.wall
    hits = query.hits(snapshot.agents, agent_text, wall)
    views = [view for view, hit in zip(snapshot.agents, hits, strict=True) if hit]
    if sort is None:
        return sorted(views, key=urgent_first, reverse=reverse)
    keys = [(_sort_key(sort, sort.value(view, wall)), view) for view in views]
    known = [(key, view) for key, view in keys if key is not None]
    descending = (sort.kind in ("number", "percent", "duration")) is not reverse
    known.sort(key=lambda entry: entry[0], reverse=descending)
    return [view for _, view in known] + [view for key, view in keys if key is None]


def key_of(name: str, fields: "Mapping[str, Field]") -> "Field":
    """The field that --sort names.

    Raises:
        UsageError: there is none.
    """
    from difflib import get_close_matches

    from core.errors import UsageError

    known = {other: field for field in fields.values() for other in (*field.aliases, field.name)}
    field = known.get(name.casefold().replace("-", "_"))
    if field is None:
        close = get_close_matches(name.casefold(), known, n=1, cutoff=0.5)
        advice = f"did you mean {close[0]}?" if close else f"it is one of {', '.join(fields)}"
        raise UsageError(f"--sort cannot be {name}; {advice}")
    return field


def _sort_key(field: "Field", value: Any) -> Any:
    if value is None or value == "" or value == ():
        return None
    if field.kind in ("number", "percent", "duration"):
        return value
    words = value if isinstance(value, tuple) else (value,)
    order = _FIRST.get(field.name) or field.choices
    if order:
        return min(order.index(word) if word in order else len(order) for word in words)
    return tuple(word.casefold() for word in words)


def _report(look: _Look, text: str, sort: "Field | None", args: argparse.Namespace) -> dict[str, Any]:
    from core.reports.agents import agents_data

    order = sort.name if sort is not None else "urgency"
    return agents_data(
        look.snapshot,
        look.views,
        total=look.matched,
        query=text,
        needs=look.needs(),
        order=f"{order} reversed" if args.reverse else order,
        skills=look.skills,
        unread=look.unread,
    )


# -- for people -------------------------------------------------------------------------------------


def show(look: _Look, out: "Output") -> None:
    """The table, what needs a person, and the fleet."""
    snapshot = look.snapshot
    several = "" if look.matched == len(snapshot.agents) else f" of {len(snapshot.agents)}"
    out.heading(f"AGENTS ({look.matched}{several})")
    out.table(
        ("AGENT", "STATE", "SEVERITY", ">FOR", ">RUN", ">WAIT", ">OLDEST", ">DRAINS", ">IN/H", ">OUT/H", ">DONE",
         ">FAILED", ">SUCCESS", ">P50", ">P95", ">EFF", ">LOAD", "NOW"),
        [row(view, snapshot.wall) for view in look.views],
        status=2,
        least=("P95", "P50", "EFF", "OUT/H", "IN/H", "SUCCESS", "FAILED", "DONE", "OLDEST", "SEVERITY"),
    )  # fmt: skip
    if look.matched > len(look.views):
        out.line(f"and {look.matched - len(look.views)} more: --limit 0 shows them all")
    show_needs(look.needs(), snapshot.wall, out)
    if look.skills is not None:
        show_skills(look.skills, out)
    out.heading("FLEET")
    for line in fleet_lines(snapshot):
        out.wrapped(line, indent="")


def row(view: "AgentView", wall: float) -> tuple[str, ...]:
    """One agent's cells."""
    from core.units import duration_text, number_text, percent_text

    queue, known = view.queue, view.measures
    counted = view.state not in ("unreadable", "missing")

    def age(at: float | None) -> str:
        return duration_text(None if at is None else max(0.0, wall - at))

    def took(name: str) -> str:
        time = known.task_time
        claimed = "~" if known.time_source == "claimed" else ""
        return "-" if time is None else claimed + duration_text(getattr(time, name) * 3600.0)

    now = f"{queue.current_id} {queue.current_title}".strip() if view.state != "unreadable" else view.why
    return (
        queue.agent,
        view.liveness or view.state,
        view.severity,
        age(view.current_since),
        f"{number_text(queue.in_progress)}/{view.wip_limit}" if counted else "-",
        number_text(queue.pending if counted else None),
        age(queue.oldest_waiting_at),
        drain_text(view),
        rate_text(known.came),
        rate_text(known.left),
        number_text(queue.completed if counted else None),
        number_text(queue.failed if counted else None),
        percent_text(view.success_percent),
        took("p50_h"),
        took("p95_h"),
        percent_text(known.efficiency_percent),
        percent_text(view.workload_percent),
        now or "-",
    )


def drain_text(view: "AgentView") -> str:
    """When its queue will be empty, in at most eight cells."""
    drain = view.measures.drain
    if drain is None or drain.kind == "empty" or view.state in ("unreadable", "missing"):
        return "-"
    return drain.short


def rate_text(rate: "Rate | None") -> str:
    """Tasks per hour: `0.4`, `12`."""
    from core.units import number_text

    if rate is None:
        return "-"
    return f"{rate.per_hour:.1f}" if 0 < rate.per_hour < 9.95 else number_text(rate.per_hour)


def show_needs(needs: "Sequence[Need]", wall: float, out: "Output") -> None:
    """What needs a person, the most urgent first."""
    from core.units import duration_text

    out.heading(f"NEEDS YOU ({sum(need.count for need in needs)})")
    for need in needs[:_NEEDS_LISTED]:
        age = "" if need.since is None else f", for {duration_text(max(0.0, wall - need.since))}"
        out.wrapped(f"{out.paint(need.severity)}: {need.agent} {need.text}{age}", indent="")
    if len(needs) > _NEEDS_LISTED:
        out.line(f"and {len(needs) - _NEEDS_LISTED} more: --json has them all")
    if not needs:
        out.line("nothing")


def show_skills(skills: "Mapping[str, Sequence[SkillEstimate]]", out: "Output") -> None:
    """A line for each agent and skill."""
    rows = [
        (agent, "all work" if e.skill == "*" else e.skill, str(e.done), str(e.failed),
         f"{e.success_percent:.0f} % ({e.success_low:.0f}-{e.success_high:.0f})",
         f"{e.speed:.2f} ({e.speed_low:.2f}-{e.speed_high:.2f})", str(e.speed_n))
        for agent, estimates in skills.items() for e in estimates
    ]  # fmt: skip
    out.heading("SKILLS (drawn towards what is usual where few tasks were seen; 90 % intervals)")
    out.table(("AGENT", "SKILL", ">DONE", ">FAILED", ">SUCCESS", ">SPEED", ">OF"), rows, least=("OF",))


def fleet_lines(snapshot: "Snapshot") -> list[str]:
    """All agents together, whatever the filter: what they do, and how work flows; then who watched for how long."""
    from core.reports.measures import fleet_measured

    fleet, known = snapshot.queues.value, snapshot.fleet
    states = fleet_measured(snapshot)["states"]
    said = ", ".join(
        f"{count} {'waiting for a person' if word == 'waiting' else word}"
        for word, count in sorted(states.items(), key=lambda state: (-state[1], state[0]))
    )
    lines = [f"{len(snapshot.agents)} agents" + (f": {said}" if said else "")]
    if fleet is not None:
        lines[0] += (
            f"; tasks: {fleet.pending} waiting, {fleet.in_progress} in progress, {fleet.review} in review, "
            f"{fleet.blocked} blocked, {fleet.failed} failed, {fleet.completed} done"
        )
    drain = known.drain
    if known.came is not None and known.left is not None:
        lines[0] += f"; {rate_text(known.came)}/h in, {rate_text(known.left)}/h out"
    if drain is not None and drain.kind != "empty":
        lines[0] += f"; {drain.text}"
    lines.append(record_text(snapshot.record, snapshot.wall))
    return lines


def record_text(record: "RecordState", wall: float) -> str:
    """How long somebody watched, on which rates and forecasts rest."""
    from core.reports.measures import watched_for_s
    from core.reports.plain import time_text
    from core.units import duration_text

    watched_s = watched_for_s(record, wall)
    place = f"; the record is {record.path}" if record.path else ""
    problem = f" ({record.problem})" if record.problem else ""
    if not watched_s:
        return f"nobody has watched yet: rates and forecasts need the dashboard to run for a while{place}{problem}"
    since = time_text(record.watched[0][0])
    return f"watched for {duration_text(round(watched_s))} since {since}{place}{problem}"
