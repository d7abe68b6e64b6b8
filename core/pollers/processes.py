"""The watched processes, scanned by the prober."""

from typing import Any

from core.pollers.asking import AskingPoller
from core.pollers.setup import Setup
from core.samples import ProcessesSample, ProcessRow


class ProcessesPoller(AskingPoller[ProcessesSample]):
    """Processes that work in the workspace, and those that a pattern names."""

    name = "processes"
    operation = "processes"

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup, setup.scan_interval_s)
        self._rows: list[ProcessRow] = []
        self._sums: dict[str, Any] = {}

    def arguments(self) -> dict[str, Any]:
        setup = self.setup
        return {
            "workspace": setup.workspace or "",
            "patterns": setup.patterns,
            "agent_patterns": setup.agent_patterns,
            "budget_ms": setup.budget_ms,
            "exclude": setup.exclude,
            "skip": setup.guard.skip,
            "root": setup.root,
        }

    def begun(self) -> None:
        self._rows, self._sums = [], {}

    def part(self, part: Any) -> None:
        if "rows" in part:
            self._rows += [ProcessRow(*row) for row in part["rows"]]
        else:
            self._sums = part

    def sample(self, now: float) -> ProcessesSample:
        """The rows of the scan and its sums."""
        counted = [row.handles for row in self._rows if row.handles is not None]
        known = bool(counted) or not self._rows
        return ProcessesSample(
            at=now,
            host=self.setup.host,
            rows=tuple(self._rows),
            handles=sum(counted) if known else None,
            total=self._sums.get("total", 0),
            unreadable=self._sums.get("unreadable", 0),
            scan_ms=self._sums.get("scan_ms", 0.0),
            complete=self._sums.get("complete", False),
        )
