"""One task: its life as it was seen, what it waits for, and every field as the file has it."""

import time
from collections.abc import Mapping, Sequence

from core.queues.model import Task, Transition
from core.snapshot import Snapshot
from core.units import duration_text
from tui.panes.tasks import STATUS_ROLES
from tui.screens.text import TextScreen
from tui.view.spans import Line, cut

_LABEL = 14
_WORD = 24


class TaskScreen(TextScreen):
    """A task is read again when its file changes."""

    def __init__(self, task: Task) -> None:
        super().__init__("task", task.task_id or "(no id)", [[("reading ...", "dim")]])
        self.record_of = task
        self.json = ""
        self.problem = ""
        self.told: tuple[Transition, ...] | None = None
        self.standing: Mapping[str, tuple[str, str]] = {}
        self._seen: object = None
        self._all_seen: object = None

    @property
    def where(self) -> str:
        """The trail to here."""
        return f"agents > {self.record_of.agent} > {self.title_text}"

    def absorb(self, snap: Snapshot) -> None:
        """Read everything again when its file changed; where those are that it waits for, when any did."""
        task = self.record_of
        if task.needs and snap.agents is not self._all_seen:
            self._all_seen = snap.agents
            self.owner.fetch_standing(task.needs, self._take_standing)
        queue = next((v.queue for v in snap.agents if v.queue.agent == self.record_of.agent), None)
        if queue is self._seen and self.json:
            return
        self._seen = queue
        self.owner.fetch_record(task, self._take)
        if task.task_id:
            self.owner.fetch_life("", task.task_id, self._take_life)

    def _take(self, text: str, problem: str) -> None:
        self.json, self.problem = text or self.json, problem
        self._rewrite()

    def _take_life(self, told: Sequence[Transition], problem: str) -> None:
        self.told = tuple(told) if not problem else self.told
        self._rewrite()

    def _take_standing(self, standing: Mapping[str, tuple[str, str]]) -> None:
        self.standing = standing
        self._rewrite()

    def _rewrite(self) -> None:
        record: list[Line] = [_tinted(line) for line in self.json.split("\n")] if self.json else []
        if self.problem:
            record = [[(self.problem, "high")], [("", "text")], *[[(_plain(line), "dim")] for line in record]]
        elif not self.json:
            record = [[("reading ...", "dim")]]
        self.lines = [*self._summary(), *self._life(), *self._dependencies(), [("RECORD", "dim")], *record]
        self.redraw("body")

    def _summary(self) -> list[Line]:
        task = self.record_of
        lines: list[Line] = []
        if task.raw_status and task.raw_status != task.status:
            lines.append([(f"status written as {task.raw_status!r}, read as {task.status}", "low")])
        if task.doubtful:
            names = ", ".join(task.doubtful)
            lines.append([(f"cannot be true: {names} (later than the file itself)", "unknown")])
        if task.also:
            lines.append([(f"{task.also} more record(s) with this id", "low")])
        return [*lines, [("", "text")]] if lines else []

    def _life(self) -> list[Line]:
        """Each change with when it was seen and how long it had been what it was."""
        if not self.record_of.task_id:
            return []
        lines: list[Line] = [[("LIFE", "dim"), ("  as it was seen", "dim")]]
        if not self.told:
            lines.append([("  nothing seen yet" if self.told is not None else "  reading ...", "dim")])
        for change, earlier in zip(self.told or (), (None, *(self.told or ())), strict=False):
            after = ""
            if earlier is not None and earlier.after == change.before:
                after = f" after {duration_text(change.seen_at - earlier.seen_at)}"
            seen, now = time.localtime(change.seen_at), time.localtime(self.snap.wall)
            at = time.strftime("%m-%d %H:%M:%S" if seen.tm_year == now.tm_year else "%Y-%m-%d %H:%M:%S", seen)
            lines.append(
                [
                    (f"  {at}  ", "dim"),
                    *_word(change.before),
                    (" > ", "dim"),
                    *_word(change.after),
                    (f"{after}  {change.agent}", "dim"),
                ]
            )
        return [*lines, [("", "text")]]

    def _dependencies(self) -> list[Line]:
        """What it waits for, each with its state as far as any file tells."""
        needs = self.record_of.needs
        if not needs:
            return []
        lines: list[Line] = [[("WAITS FOR", "dim")]]
        for task in needs:
            agent, status = self.standing.get(task, ("", ""))
            known: Line = [*_word(status), (f"  {agent}", "dim")] if agent else [("in no file", "unknown")]
            lines.append([(f"  {task:<{_LABEL}} ", "text"), *known])
        return [*lines, [("", "text")]]

    def action_copy(self) -> None:
        """The record as JSON."""
        self.owner.copy(self.json, "" if self.json else "there is nothing to copy yet")


def _word(status: str | None) -> Line:
    if status is None:
        return [("not there", "dim")]
    return [(cut(status, _WORD) or "no status", STATUS_ROLES.get(status, "unknown"))]


def _plain(line: Line) -> str:
    return "".join(text for text, _ in line)


def _tinted(line: str) -> Line:
    """A line of pretty JSON with its key in the colour of labels."""
    start = len(line) - len(line.lstrip())
    end = line.find('": ', start)
    if line[start : start + 1] == '"' and end > 0:
        return [(line[: end + 2], "dim"), (line[end + 2 :], "text")]
    return [(line, "text")]
