"""`bluetop tasks [FILTER]`: the tasks of all agents, the longest in their state first."""

import argparse
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from tui.cli.filters import add_filter, query_of
from tui.cli.options import Options

if TYPE_CHECKING:
    from core.filter import Query
    from core.reports.tasks import Listed
    from core.snapshot import AgentView, Snapshot
    from tui.cli.output import Output

EXAMPLES = """\
examples:
  bluetop tasks                        everything unfinished, the longest in its state first
  bluetop tasks agent:CB               only CB's; no other file is read
  bluetop tasks state:blocked,ready_for_review 'age>1d'
  bluetop tasks state:completed 'ended<2h' --limit 20
  bluetop tasks --json | jq '.tasks[] | select(.timed_out) | .id'

FOR is how long a task has been what it is: as it was seen; ">2 h" at least so long, since nobody looked when it
became so; "~2 h" as its file claims; "~2 h?" a claim that cannot be true (later than the file itself).

Without `state:` or --all only tasks that are neither completed nor failed. FILTER is a list of terms that must
all hold, as on the dashboard: word, "two words", -word (or !word), key:value,other key>10 key:3..10 key<2h
no:key. The keys:
  task agent state priority title age started ended estimate actual progress skill needs in doubtful

exit status: 0 good; 1 a file could not be wholly read (it is named on standard error), or a source did not
             answer; 2 wrong usage (a filter that is none, say) or configuration; 3 the workspace cannot be read
"""
LISTED = 500


def configure(parser: argparse.ArgumentParser) -> None:
    """The options of `tasks`."""
    from tui.cli.parser import count

    parser.epilog = EXAMPLES
    parser.usage = "bluetop tasks [options] [FILTER ...]"
    add_filter(parser)
    parser.add_argument("--all", action="store_true", help="finished tasks too")
    parser.add_argument(
        "--limit", metavar="N", type=count, help=f"only the first N (text: {LISTED}); 0: all of them"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object (schema bluetop.tasks/1)")


def run(args: argparse.Namespace, options: Options) -> int:
    """Read the tasks of every agent that the filter does not leave out, and show those that it takes."""
    import asyncio

    from core.config import load
    from core.fields import TASK_FIELDS
    from core.workspace import find, required
    from tui.cli.output import Output

    out = Output(options)
    text, query = query_of(args.filter, TASK_FIELDS)
    settings = load(options.config)
    workspace = required(find(options.workspace, fallback=settings.workspace.path))
    shown = args.limit if args.limit is not None else 0 if args.json else LISTED
    everything = args.all or any(term.key == "state" for term in query.terms)
    found = Found(query, everything, shown, settings.tuning.task_timeout_hours * 3600.0)
    found.as_text = args.json and not shown
    asyncio.run(_read(settings, workspace, found))
    if args.json:
        for piece in json_pieces(found, text):
            sys.stdout.write(piece)
    else:
        show(found, out)
    return 0 if found.complete else 1


class Found:
    """What was found: the first `shown` tasks that the filter takes (0: all of them), and what could not be read."""

    def __init__(self, query: "Query", everything: bool, shown: int, timeout_s: float) -> None:
        self.query, self.everything, self.shown, self.timeout_s = query, everything, shown, timeout_s
        self.snapshot: Snapshot | None = None
        self.agents = 0
        self.matched = self.finished = 0
        self.unread: list[dict[str, Any]] = []
        self.complete = True
        # Of all the tasks there are, the JSON takes half the memory, and is made while the next file is read.
        self.as_text = False
        self._kept: list[tuple[float, Listed | bytes]] = []

    def add(self, listed: "Sequence[Listed]", wall: float) -> None:
        """The tasks of one agent."""
        from core.fields import task_text
        from core.reports.tasks import oldest_first, unfinished

        hits = self.query.hits([entry.task for entry in listed], task_text, wall)
        for entry, hit in zip(listed, hits, strict=True):
            if not hit:
                continue
            if not self.everything and not unfinished(entry.task):
                self.finished += 1
                continue
            self.matched += 1
            kept = task_json(entry, wall, self.timeout_s).encode() if self.as_text else entry
            self._kept.append((oldest_first(entry.since), kept))
        if self.shown and len(self._kept) > 4 * self.shown + 10_000:
            self._cut()

    def _cut(self) -> None:
        # Those of the same age stay in the order of their agents and files.
        self._kept.sort(key=lambda entry: entry[0])
        if self.shown:
            del self._kept[self.shown :]

    def first(self) -> "list[Listed | bytes]":
        """Those to be shown, in order: as they are, or as their JSON."""
        self._cut()
        return [kept for _, kept in self._kept]


async def _read(settings: Any, workspace: str, found: Found) -> None:
    from core.errors import PollError
    from core.report import complete
    from core.reports.agents import unread_data
    from core.reports.tasks import Listed, beginnings, last_of, since_of
    from tui.cli import say
    from tui.cli.look import AGENTS_ONLY, looking, read_workspace
    from tui.cli.progress import ProgressLine
    from tui.cli.reading import tasks_of

    with ProgressLine() as line:
        async with looking(
            settings, workspace, only=AGENTS_ONLY, told=lambda p: line.show(p.done, p.total, p.what)
        ) as engine:
            snapshot = found.snapshot = engine.latest
            read_workspace(snapshot, workspace)
            wall = snapshot.wall
            views = asked(snapshot, found.query)
            found.agents = len(views)
            names = [view.queue.agent for view in views]
            found.complete = complete(snapshot)
            try:
                everybody = len(names) == len(snapshot.agents)
                told = await engine.opening.latest(() if everybody else names) if names else []
            except PollError as error:  # the tasks are told all the same, with what their files claim
                say(f"bluetop: {error}")
                told, found.complete = [], False
            last = last_of(told)
            begins = beginnings(snapshot.record)
            done = 0
            async for read in tasks_of(engine, views):
                done += 1
                line.show(done, len(views), "agents whose tasks are read")
                known = last.get(read.view.queue.agent, {})
                found.add(
                    [Listed(task, since_of(task, known.get(task.task_id), begins)) for task in read.tasks],
                    wall,
                )
                if read.problem:
                    line.clear()
                    say(f"bluetop: {read.view.queue.path}: {read.problem}")
                    found.unread.append(unread_data(read.view, read.problem))
            found.complete = found.complete and not found.unread


def asked(snapshot: "Snapshot", query: "Query") -> "list[AgentView]":
    """The agents whose tasks the filter may take: those for which every term about the agent holds."""
    from core.fields import TASK_FIELDS
    from core.filter import parse
    from core.queues.model import Task

    about = parse(" ".join(str(term) for term in query.terms if term.key == "agent"), TASK_FIELDS)
    blank = Task("", "", "", "", "", "", None, None, None, None, None, (), "tasks", 0, 0)
    return [
        view
        for view in snapshot.agents
        if about.matches(blank._replace(agent=view.queue.agent), "", snapshot.wall)
    ]


# -- what is printed --------------------------------------------------------------------------------


def head_data(found: Found, text: str, shown: int) -> dict[str, Any]:
    """Everything of the JSON but the tasks."""
    from core.reports.measures import record_data
    from core.reports.plain import time_text

    snapshot = found.snapshot
    assert snapshot is not None
    return {
        "schema": "bluetop.tasks/1",
        "generated_at": time_text(snapshot.wall),
        "workspace": snapshot.workspace,
        "complete": found.complete,
        "filter": text,
        "finished_too": found.everything,
        "agents": found.agents,
        "matched": found.matched,
        "listed": shown,
        "finished_left_out": found.finished,
        "timeout_hours": found.timeout_s / 3600.0,
        "unread": found.unread,
        "record": record_data(snapshot.record, snapshot.wall),
    }


def json_pieces(found: Found, text: str) -> Iterator[str]:
    """The JSON in pieces, its tasks one by one: a million of them need not stand in memory as one text."""
    from tui.cli.output import json_text

    assert found.snapshot is not None
    first = found.first()
    head = json_text(head_data(found, text, len(first)))
    yield head.removesuffix("\n}") + ',\n  "tasks": ['
    wall = found.snapshot.wall
    between = "\n    "
    for kept in first:
        row = kept.decode() if isinstance(kept, bytes) else task_json(kept, wall, found.timeout_s)
        yield between + row
        between = ",\n    "
    yield "\n  ]\n}\n" if first else "]\n}\n"


def task_json(listed: "Listed", wall: float, timeout_s: float) -> str:
    """One task on one line."""
    from core.reports.tasks import task_data
    from tui.cli.output import json_text

    return json_text(task_data(listed, wall, timeout_s), indent=0)


def show(found: Found, out: "Output") -> None:
    """The table, and how much is not in it."""
    assert found.snapshot is not None
    wall = found.snapshot.wall
    first = [kept for kept in found.first() if not isinstance(kept, bytes)]
    out.heading(f"TASKS ({found.matched})")
    if first:
        out.table(
            ("TASK", "AGENT", "STATE", "PRIORITY", ">FOR", ">AGE", ">EST", "TITLE"),
            [row(listed, wall) for listed in first],
            least=("EST", "AGE", "PRIORITY"),
        )
    else:
        out.line("none")
    if found.matched > len(first):
        out.line(f"and {found.matched - len(first)} more: --limit 0 shows them all")
    if found.finished:
        out.line(f"and {found.finished} finished: --all shows them too")


def row(listed: "Listed", wall: float) -> tuple[str, ...]:
    """One task's cells."""
    task = listed.task
    estimate = "-" if task.estimated_hours is None else f"{task.estimated_hours:g}h"
    doubtful = "?" if "created_at" in task.doubtful else ""
    return (
        task.task_id or "(no id)",
        task.agent,
        task.status or "-",
        task.priority.lower() or "-",
        since_text(listed, wall),
        "-" if task.created_at is None else _age(task.created_at, wall) + doubtful,
        estimate,
        task.title or "-",
    )


def since_text(listed: "Listed", wall: float) -> str:
    """How long it has been what it is, marked where that was not seen."""
    from core.reports.tasks import CLAIMED, FOUND

    since = listed.since
    if since.at is None:
        return "-"
    mark = {CLAIMED: "~", FOUND: ">"}.get(since.source, "")
    return f"{mark}{_age(since.at, wall)}{'?' if since.doubtful else ''}"


def _age(at: float, wall: float) -> str:
    from core.units import duration_text

    return duration_text(max(0.0, wall - at))
