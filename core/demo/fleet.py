"""The fleet's process: makes the demo's agents work, in files and processes, until its time is over.

Started with `python -I -S` (see `command`) and careful with imports, since its memory counts for
the demo's: no json, no typing, no random, no signal, no subprocess. It sleeps between events. It
ends when its parent does, however that happens: the parent holds the other end of a pipe.
"""

from __future__ import annotations

import os
import select
import sys

from core.clock import SYSTEM_CLOCK, Clock
from core.demo import simulation, workspace
from core.demo.jsontext import Printer
from core.demo.rng import Rng
from core.demo.simulation import Change, State
from core.demo.stories import BY_AGENT
from core.demo.workers import Workers

# How soon to look again for processes that are about to end, in seconds.
_REAP_S = 0.05
_BOOT = "import sys; sys.path.append(sys.argv.pop(1)); from core.demo.fleet import main; sys.exit(main())"

GUARDED = "guarded"  # standard input is the parent's pipe: begin at its first byte, end when it is closed
REMOVING = "removing"  # remove the folder at the end
SOLITARY = "solitary"  # no processes for the agents


def command(directory: str, *flags: str, seed: int, speed: float = 1.0, duration_s: float = 0.0) -> list[str]:
    """The argument list that runs a fleet in this folder; `duration_s` 0 is without end."""
    code = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    start = [sys.executable, "-I", "-S", "-c", _BOOT, code]
    return [*start, directory, str(seed), repr(speed), repr(duration_s), *flags]


class Fleet:
    """A workspace, the state of its agents, and their processes."""

    def __init__(
        self, directory: str, *, seed: int, speed: float, clock: Clock = SYSTEM_CLOCK, solitary: bool = False
    ) -> None:
        self.directory = directory
        self._clock = clock
        self._rng = Rng(seed + 1)
        self._workers = None if solitary else Workers(directory)
        self._signatures: dict[str, tuple[int, int, int]] = {}
        self._printers = {agent: Printer() for agent in BY_AGENT}
        documents = {agent: d for agent in BY_AGENT if (d := self._read(agent))}
        self.state = simulation.resume(documents, self._rng, clock.now(), speed)
        for agent, document in documents.items():
            if task := next((t for t in document["tasks"] if t.get("status") == "in_progress"), None):
                self._begin(agent, str(task.get("task_id")))

    def next_wake(self) -> float:
        """The monotonic second at which `turn` has something to do."""
        wake = self.state.next_due()
        if self._workers and self._workers.reap():
            return min(wake, self._clock.now() + _REAP_S)
        return wake

    def turn(self) -> list[Change]:
        """Do everything that is due, and say what it was."""
        now = self._clock.now()
        due = [actor for actor, at in self.state.due.items() if at <= now]
        if not due:
            return []
        self.state = State(self._refreshed(due), self.state.due, self.state.number, self.state.speed)
        self.state, changes = simulation.step(self.state, self._rng, now, self._clock.wall())
        for change in changes:
            self._carry_out(change)
        return changes

    def end(self) -> None:
        """End the agents' processes; the files stay."""
        if self._workers:
            self._workers.end()

    def _refreshed(self, due: list[str]) -> dict[str, simulation.Document]:
        """The documents, read again where somebody else has changed one that is needed now."""
        documents = dict(self.state.documents)
        needed = set(BY_AGENT) if simulation.REVIEW in due else set()
        for agent in needed.union(actor.removeprefix(simulation.ASSIGN) for actor in due):
            if agent in BY_AGENT and self._signature(agent) != self._signatures.get(agent):
                document = self._read(agent)
                documents.pop(agent, None)
                if document:
                    documents[agent] = document
        return documents

    def _read(self, agent: str) -> simulation.Document | None:
        """The agent's document; None while it cannot be used, and then the agent just waits."""
        signature = self._signature(agent)
        try:
            document: simulation.Document = workspace.load(workspace.outbox(self.directory, agent))
        except (OSError, ValueError):
            return None
        self._signatures[agent] = signature
        return document

    def _signature(self, agent: str) -> tuple[int, int, int]:
        try:
            status = os.stat(workspace.outbox(self.directory, agent))
        except OSError:
            return (0, 0, 0)
        return (status.st_ino, status.st_size, status.st_mtime_ns)

    def _carry_out(self, change: Change) -> None:
        path = workspace.outbox(self.directory, change.agent)
        save = workspace.save_in_place if change.by_agent else workspace.save_by_rename
        save(path, self._printers[change.agent].pretty(change.document))
        self._signatures[change.agent] = self._signature(change.agent)
        task_id = str(change.task.get("task_id"))
        if change.action == "assign":
            workspace.announce(self.directory, change.agent, change.task)
        elif change.action in ("start", "unblock"):
            workspace.retract(self.directory, change.agent, f"NEW_{task_id}.flag")
            self._begin(change.agent, task_id)
        elif change.action in ("complete", "fail", "accept"):
            workspace.retract(self.directory, change.agent, f"{task_id}.md", f"NEW_{task_id}.flag")
        if change.action == "block":
            workspace.ask_for_help(self.directory, change.agent, change.task, self._clock.wall())
        elif change.action == "unblock":
            workspace.no_more_help(self.directory, change.agent, change.task)
        if change.by_agent and self._workers and not _has_work(change.document):
            self._workers.rest(change.agent)

    def _begin(self, agent: str, task_id: str) -> None:
        # The orchestrator is this process itself.
        if self._workers and agent != "ARCH":
            self._workers.begin(agent, task_id)


def _has_work(document: simulation.Document) -> bool:
    statuses = {task.get("status") for task in document["tasks"]}
    return "blocked" not in statuses and bool(statuses & {"pending", "assigned", "in_progress"})


def run(fleet: Fleet, *, guarded: bool, duration_s: float, clock: Clock = SYSTEM_CLOCK) -> int:
    """Work until the parent is gone, the time is over or the folder has vanished; the exit status."""
    ends_at = clock.now() + duration_s if duration_s else float("inf")
    watched = [0] if guarded else []
    while True:
        wait = min(fleet.next_wake(), ends_at) - clock.now()
        if select.select(watched, [], [], max(0.0, wait))[0] and not os.read(0, 64):
            return 0
        if clock.now() >= ends_at:
            return 0
        if not workspace.is_demo(fleet.directory):
            return 0
        try:
            fleet.turn()
        except OSError as error:
            if not workspace.is_demo(fleet.directory):
                return 0
            sys.stderr.write(f"bluetop demo: {fleet.directory}: {error.strerror}\n")
            return 1


def main() -> int:
    """Run as the process that `command` describes."""
    directory, seed, speed, duration_s, *flags = sys.argv[1:]
    guarded = GUARDED in flags
    fleet: Fleet | None = None
    try:
        if not guarded:
            _end_on_signals()
        elif not os.read(0, 1):
            return 0
        os.chdir(directory)
        fleet = Fleet(directory, seed=int(seed), speed=float(speed), solitary=SOLITARY in flags)
        return run(fleet, guarded=guarded, duration_s=float(duration_s))
    except _Ended as ended:
        return 128 + ended.signal
    finally:
        if fleet:
            fleet.end()
        if REMOVING in flags:
            os.chdir("/")
            workspace.remove(directory)


class _Ended(BaseException):
    def __init__(self, signal: int) -> None:
        self.signal = signal


def _end_on_signals() -> None:
    """A fleet without a parent's pipe is ended by signals, and cleans up as well."""
    import signal

    def end(number: int, _frame: object) -> None:
        raise _Ended(number)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, end)
