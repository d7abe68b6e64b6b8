"""What waits to be kept, and what was found: between the live alerts and the poller that has the prober do it.

Nothing here touches a file, and nothing is imported that the first frame would have to wait for.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

# So long is waited with telling until a step is kept; then it is told all the same.
PATIENCE_S = 3.0
WAITING, WRITING, READING, MEMORY = "waiting", "writing", "reading", "memory"
# Where nothing can be written, only so many lines wait; the oldest go, and a line says how many.
_MOST_LINES = 50_000
# A batch that the prober does not live to answer, or cannot write for another reason than the file system.
_MOST_TRIES = 3


class Found(NamedTuple):
    """What was kept before: the engine's state as JSON text, the last lines of the log, oldest first.

    `away_since` is when this operator's dashboard last looked (wall seconds), None if it never did.
    """

    state: str
    log: tuple[dict[str, Any], ...]
    away_since: float | None


class AlertsKept(NamedTuple):
    """One answer of the prober. `news` are lines that have come to the log, `found` is given where it was opened."""

    at: float
    host: str
    mode: str
    problem: str
    news: tuple[dict[str, Any], ...] = ()
    found: Found | None = None


class Keeping:
    """`plan` says where: `{"folders": […], "within": …, "write": …, "seen": …}`."""

    def __init__(self, plan: dict[str, Any]) -> None:
        self.plan = plan
        self.mode = WAITING
        self.folder = ""
        self.problem = ""
        self._lines: list[dict[str, Any]] = []
        self._requests: list[dict[str, Any]] = []
        self._state = ""
        self._reject = ""
        self._sent: dict[str, Any] | None = None
        self._batch = self._tries = self._dropped = 0
        self._since: float | None = None

    def add(self, lines: Sequence[dict[str, Any]], state: str, now: float) -> None:
        """Lines for the log, and the state they lead to ("" : the one before goes on)."""
        if self.mode in (READING, MEMORY):
            return  # another instance keeps them, or nobody can
        self._lines += lines
        if len(self._lines) > _MOST_LINES:
            self._dropped += len(self._lines) - _MOST_LINES
            del self._lines[:-_MOST_LINES]
        self._state = state or self._state
        if self._since is None:
            self._since = now

    def ask(self, line: dict[str, Any]) -> None:
        """Something for the instance that keeps the alerts."""
        self._requests.append(line)

    def reject(self, why: str) -> None:
        """The state that was found cannot be used."""
        self._reject = why

    @property
    def log_path(self) -> str:
        """Where the log is, "" while that is not known."""
        return f"{self.folder}/alerts.jsonl" if self.folder else ""

    @property
    def waits(self) -> bool:
        """Whether there is something to be written that was not given to the prober yet."""
        return self._sent is None and bool(self._lines or self._state or self._requests or self._reject)

    @property
    def unwritten(self) -> bool:
        """Whether something is yet to be written, or was given to be and is not known to be."""
        sent = self._sent
        return bool(self._lines or self._state or self._requests or self._reject) or (
            sent is not None and any(sent.values())
        )

    def busy(self, now: float) -> bool:
        """Whether something is about to be written, and may be waited for."""
        return self._since is not None and now - self._since < PATIENCE_S

    def take(self) -> dict[str, Any]:
        """What the prober is to write now. What it was given before and did not answer is given again as it was:
        by the number of the batch it knows whether that was written after all."""
        if self._sent is not None:
            self._tries += 1
            if self._tries > _MOST_TRIES:  # something in it cannot be written: the rest must not wait for it
                self._dropped += len(self._sent["lines"])
                self._sent = None
        if self._sent is None:
            self._batch += 1
            self._tries = 0
            if self._dropped:
                self._lines.insert(0, {"what": "dropped", "lines": self._dropped})
                self._dropped = 0
            lines = [{**line, "batch": self._batch} for line in self._lines]
            self._sent = {
                "lines": lines, "requests": self._requests, "state": self._state, "reject": self._reject,
            }  # fmt: skip
            self._lines, self._requests, self._state, self._reject = [], [], "", ""
        return self._sent

    def answered(self, mode: str, folder: str, problem: str, refused: bool) -> None:
        """The prober has done what it was given, or the file system `refused` it: then it is tried again."""
        self.mode, self.folder, self.problem = mode, folder, problem
        if not refused:
            self._sent = None
        self._tries = 0
        if not self.unwritten:
            self._since = None
