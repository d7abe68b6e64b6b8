"""`bluetop why AGENT|TASK`: where each word and number comes from, what is stuck, and whether it will end."""

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tui.cli.options import Options

if TYPE_CHECKING:
    from core.alike import Alike
    from core.engine import Engine
    from core.policy import Policy
    from core.reports.why_task import Facts
    from core.snapshot import AgentView, Snapshot
    from tui.cli.output import Output

EXAMPLES = """\
examples:
  bluetop why CC                       CC's state with its evidence, each number with its operands
  bluetop why TASK-168B                where it is, since when, what it waits for, its life as it was seen
  bluetop why task-168                 another case, or the beginning, if only one name fits
  bluetop why CC --json | jq -r '.agent.reasons[] | "\\(.about): \\(.text)"'

A name that is both an agent's and a task's tells of both. A task that is in no file any more is found by its
whole id, as long as the record knows it; one that was lost lately by its beginning, too.

exit status: 0 good; 1 told, but a file could not be wholly read or a source did not answer;
             2 nothing is called so (a guess is made), several names begin so, or wrong usage;
             3 the workspace cannot be read
"""
_LABEL = 12
_LIFE_LISTED = 20


def configure(parser: argparse.ArgumentParser) -> None:
    """The options of `why`."""
    parser.epilog = EXAMPLES
    parser.usage = "bluetop why [options] AGENT|TASK"
    parser.add_argument("name", metavar="AGENT|TASK", help="an agent's name or a task's id")
    parser.add_argument("--json", action="store_true", help="one JSON object (schema bluetop.why/1)")


def run(args: argparse.Namespace, options: Options) -> int:
    """Find it, and tell."""
    import asyncio

    from core.config import load
    from core.errors import UsageError
    from core.text import clean, clean_line
    from core.workspace import find, required
    from tui.cli.output import Output

    out = Output(options)
    name = clean_line(args.name, 120)
    if not name:
        raise UsageError("why: name an agent or a task; `bluetop agents` and `bluetop tasks` list them")
    settings = load(options.config)
    workspace = required(find(options.workspace, fallback=settings.workspace.path))
    told = asyncio.run(_tell(settings, workspace, name, clean(args.name)))
    if args.json:
        out.json(told.data())
    else:
        told.show(out)
    return 0 if told.complete else 1


class Told:
    """Everything that was found of one name."""

    def __init__(self, snapshot: "Snapshot", policy: "Policy", name: str) -> None:
        self.snapshot, self.policy, self.asked = snapshot, policy, name
        self.name, self.how = name, "name"
        self.view: AgentView | None = None
        self.skills: Sequence[Any] = ()
        self.agent_life: Sequence[Any] = ()
        self.facts: Facts | None = None
        self.unread: list[dict[str, Any]] = []

    @property
    def complete(self) -> bool:
        """Whether everything could be read."""
        from core.report import complete

        return complete(self.snapshot) and not self.unread

    def data(self) -> dict[str, Any]:
        """As JSON has it (schema bluetop.why/1)."""
        from core.reports.measures import record_data
        from core.reports.plain import time_text
        from core.reports.why_task import task_why_data

        snapshot = self.snapshot
        return {
            "schema": "bluetop.why/1",
            "generated_at": time_text(snapshot.wall),
            "workspace": snapshot.workspace,
            "complete": self.complete,
            "asked": self.asked,
            "name": self.name,
            "found_by": self.how,
            "agent": self._agent_data(),
            "task": None
            if self.facts is None
            else task_why_data(self.facts, snapshot, self.policy.timeout_s),
            "unread": self.unread,
            "record": record_data(snapshot.record, snapshot.wall),
        }

    def _agent_data(self) -> dict[str, Any] | None:
        from core.reports.agents import agent_row
        from core.reports.why_agent import agent_reasons
        from core.reports.why_task import life_data

        if self.view is None:
            return None
        return {
            **agent_row(self.view, self.snapshot.wall, self.skills),
            "reasons": [reason._asdict() for reason in agent_reasons(self.view, self.snapshot, self.policy)],
            "faults": [
                {
                    "severity": problem.severity,
                    "code": problem.code,
                    "text": problem.detail,
                    "line": problem.line or None,
                    "column": problem.column or None,
                    "key": problem.key or None,
                }
                for problem in self.view.queue.problems
            ],
            "life": life_data(self.agent_life, self.snapshot),
        }

    # -- for people -----------------------------------------------------------------------------

    def show(self, out: "Output") -> None:
        """The agent, the task, or both."""
        if self.view is not None:
            self._show_agent(self.view, out)
        if self.facts is not None:
            self._show_task(self.facts, out)

    def _show_agent(self, view: "AgentView", out: "Output") -> None:
        from core.fleet import where
        from core.reports.why_agent import agent_reasons, need_text

        wall = self.snapshot.wall
        role = f" ({view.queue.role})" if view.queue.role else ""
        out.heading(f"AGENT {view.queue.agent}{role}")
        for reason in agent_reasons(view, self.snapshot, self.policy):
            fact(out, reason.about, reason.text)
        out.heading("NEEDS YOU")
        for need in view.needs:
            out.wrapped(f"{out.paint(need.severity)}: {need_text(need, wall)}", indent="")
        if not view.needs:
            out.line("nothing")
        if len(self.skills) > 1 or any(estimate.done + estimate.failed for estimate in self.skills):
            from tui.cli.agents import show_skills

            show_skills({view.queue.agent: self.skills}, out)
        if self.agent_life:
            out.heading("LATELY, as it was seen")
            self._show_life(self.agent_life, out, agent=False)
        if view.queue.problems:
            out.heading("PROBLEMS OF ITS FILE")
            for problem in view.queue.problems:
                out.wrapped(f"{out.paint(problem.severity)}: {where(problem)}", indent="")

    def _show_task(self, facts: "Facts", out: "Output") -> None:
        from core.reports.why_agent import need_text
        from core.reports.why_task import foremost, needs_about, state_of, task_reasons

        wall = self.snapshot.wall
        out.heading(f"TASK {facts.name}: {state_of(facts)}")
        entry = foremost(facts)
        if entry is not None:
            task = entry.task
            estimate = "" if task.estimated_hours is None else f"estimated {task.estimated_hours:g} h"
            said = [task.title, task.priority.lower(), estimate, " ".join(task.skills)]
            fact(out, "what", ", ".join(filter(None, said)) or "its file does not say")
        for reason in task_reasons(facts, self.snapshot, self.policy.timeout_s):
            fact(out, reason.about, reason.text)
        needs = needs_about(facts)
        if needs:
            out.heading("NEEDS YOU")
            for need in needs:
                out.wrapped(f"{out.paint(need.severity)}: {need.agent} {need_text(need, wall)}", indent="")
        if facts.told:
            out.heading("ITS LIFE, as it was seen")
            self._show_life(facts.told, out, agent=True)

    def _show_life(self, told: Sequence[Any], out: "Output", agent: bool) -> None:
        from core.reports.why_task import life_data
        from core.units import duration_text

        rows = [
            (row["seen_at"] or "-", row["agent"] if agent else row["task"], row["from"] or "-", row["to"] or "-",
             "-" if row["after_s"] is None else duration_text(row["after_s"]),
             "" if row["watched"] else "found so after nobody had looked")
            for row in life_data(told, self.snapshot)[-_LIFE_LISTED:]
        ]  # fmt: skip
        out.table(("SEEN", "AGENT" if agent else "TASK", "FROM", "TO", ">AFTER", ""), rows, least=("AFTER",))
        if len(told) > _LIFE_LISTED:
            out.line(f"and {len(told) - _LIFE_LISTED} before that: --json has them all")


def fact(out: "Output", about: str, text: str) -> None:
    """`about` and a sentence beside it, over as many lines as the terminal makes necessary."""
    from tui.view.spans import width

    cells = (out.cells or 10**6) - _LABEL - 1
    label, line = f"{about:<{_LABEL}} ", ""
    for word in text.split(" "):
        if line and width(line) + 1 + width(word) > cells:
            out.line(label + line)
            label, line = " " * (_LABEL + 1), word
        else:
            line = f"{line} {word}" if line else word
    out.line(label + line)


# -- finding it -------------------------------------------------------------------------------------


async def _tell(settings: Any, workspace: str, name: str, folder: str) -> Told:
    from core.engine import host_name
    from core.policy import policy_of
    from tui.cli.look import AGENTS_ONLY, looking, read_workspace
    from tui.cli.progress import ProgressLine

    policy = policy_of(settings, host=host_name(), workspace=workspace, read_only=True, intervals={})
    with ProgressLine() as line:
        async with looking(
            settings, workspace, only=AGENTS_ONLY, told=lambda p: line.show(p.done, p.total, p.what)
        ) as engine:
            snapshot = engine.latest
            read_workspace(snapshot, workspace)
            # A folder's name may be longer than any task's, and begin or end with a space.
            there = any(view.queue.agent == folder for view in snapshot.agents)
            told = Told(snapshot, policy, folder if there else name)
            line.clear()
            await _find(engine, told)
            return told


async def _find(engine: "Engine", told: Told) -> None:
    """The agent and the task that are called so.

    Raises:
        UsageError: nothing is, or several may be meant.
    """
    from core.alike import alike

    views = {view.queue.agent: view for view in told.snapshot.agents}
    name = told.asked
    found = await engine.opening.find(name)
    life = await engine.life("", name)
    if name not in views and not found.agents and not life:
        lost = (entry.task for entries in engine.observed.lost.values() for entry in entries)
        told.name, told.how = only_one(name, alike(name, (*views, *lost)), found.alike, told.snapshot)
        found, life = await engine.opening.find(told.name), await engine.life("", told.name)
    if told.name in views:
        await _tell_agent(engine, told, views[told.name])
    if found.agents or life:
        await _tell_task(engine, told, views, found.agents, life)


def only_one(name: str, known: "Alike", tasks: "Alike", snapshot: "Snapshot") -> tuple[str, str]:
    """The one name that may be meant, and by what it was found: case or beginning.

    `known` are agents and lost tasks, `tasks` those that a file has.

    Raises:
        UsageError: there is none, or more than one.
    """
    from difflib import get_close_matches

    from core.alike import COUNTED
    from core.errors import UsageError

    for how, many in (("case", "are called so, but for their case"), ("beginning", "begin so")):
        kind = "same" if how == "case" else "begins"
        names = list(dict.fromkeys((*getattr(known, kind), *getattr(tasks, kind))))
        if len(names) == 1:
            return names[0], how
        if names:
            total = len(names) + (known.more + tasks.more if how == "beginning" else 0)
            count = f"{total} names" if total < COUNTED else f"{COUNTED} names or more"
            rest = ", ..." if total > 10 else ""
            shown = ", ".join(names[:10])
            raise UsageError(f"why: {count} {many}: {shown}{rest}; write more of the one you mean")
    near = list(dict.fromkeys((*known.near, *tasks.near)))
    if not near:
        words = {view.queue.agent.casefold(): view.queue.agent for view in snapshot.agents}
        near = [words[word] for word in get_close_matches(name.casefold(), words, n=3, cutoff=0.6)]
    advice = (
        f"did you mean {' or '.join(near[:3])}?" if near else "`bluetop agents` and `bluetop tasks` list them"
    )
    unread = sum(view.state in ("unreadable", "stale") for view in snapshot.agents)
    but = f" ({unread} agents' files cannot be read)" if unread else ""
    raise UsageError(f"why: no agent or task is called {name}{but}; {advice}")


async def _tell_agent(engine: "Engine", told: Told, view: "AgentView") -> None:
    from core.reports.agents import skills_of
    from tui.cli.reading import tasks_of

    told.view = view
    async for read in tasks_of(engine, [view]):
        told.skills = skills_of(view.queue, read.tasks)
        _note(told, read)
    told.agent_life = (await engine.life(view.queue.agent))[-_LIFE_LISTED:]


async def _tell_task(
    engine: "Engine", told: Told, views: "dict[str, AgentView]", known: dict[str, str], life: Sequence[Any]
) -> None:
    from core.reports.tasks import Listed, beginnings, last_of, since_of
    from core.reports.why_task import Facts
    from tui.cli.reading import tasks_of

    last, begins = last_of(life), beginnings(told.snapshot.record)
    listed: list[Listed] = []
    async for read in tasks_of(engine, [views[agent] for agent in sorted(known) if agent in views]):
        for task in read.tasks:
            if task.task_id == told.name:
                change = last.get(task.agent, {}).get(task.task_id)
                listed.append(Listed(task, since_of(task, change, begins)))
        _note(told, read)
    needed = list(dict.fromkeys(task for entry in listed for task in entry.task.needs))
    standing = await engine.standing(needed) if needed else {}
    observed = engine.observed
    names = {*known, *(change.agent for change in life), *(agent for agent, _ in standing.values())}
    told.facts = Facts(
        told.name,
        tuple(listed),
        known,
        tuple(life),
        standing,
        [knot for knots in observed.knots.values() for knot in knots],
        next((lost for found in observed.lost.values() for lost in found if lost.task == told.name), None),
        {agent: views[agent] for agent in sorted(names) if agent in views},
    )


def _note(told: Told, read: Any) -> None:
    """Say what of a file could not be read, once."""
    from core.reports.agents import unread_data
    from tui.cli import say

    found = unread_data(read.view, read.problem)
    if read.problem and found not in told.unread:
        say(f"bluetop: {read.view.queue.path}: {read.problem}")
        told.unread.append(found)
