"""A command's side of the helper process: ask, show how far it is, wait for the answer, stay interruptible."""

import select
import signal
import sys
from types import TracebackType
from typing import TYPE_CHECKING, Any

from core.balance.client import BalanceClient, Done, Event, Failed, Progress
from core.control import ChangeFailed
from core.errors import BluetopError, UsageError, WorkspaceError
from tui.cli import say
from tui.cli.progress import ProgressLine

if TYPE_CHECKING:
    from core.balance.doing import By
    from core.balance.plan import Plan
    from tui.cli.output import Output

_TICK_S = 0.2
# After a change, a moment in which a writer that does not lock would show: it is then said at once.
SETTLE_S = 1.0
_KINDS: dict[int, type[BluetopError]] = {2: UsageError, 3: WorkspaceError}


class Helper:
    """Asks helper processes about one workspace, and waits. It is a `core.control.Runner`."""

    def __init__(self, workspace: str, read_only: bool, deadline_s: float) -> None:
        self.workspace = workspace
        self.interrupted = False
        self._read_only = read_only
        self._client = BalanceClient(deadline_s=deadline_s)

    def __enter__(self) -> "Helper":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def ask(self, op: str, **more: Any) -> dict[str, Any]:
        """The answer to a request that changes nothing.

        Raises:
            BluetopError: there is none; its kind says with which status to end.
        """
        return self._waited({"op": op, "nice": 0, **more})

    def state(self) -> dict[str, Any]:
        """What stands beside a plan; {} where that cannot be told."""
        try:
            return self.ask("state")
        except BluetopError:
            return {}

    def apply(self, plan: "Plan", by: "By") -> dict[str, Any]:
        """Apply it, and wait. ctrl+c stops it after the present move."""
        return self._change("apply", by, plan=plan.data(), settle_s=SETTLE_S)

    def undo(self, plan_id: str, by: "By") -> dict[str, Any]:
        """Undo it, and wait."""
        return self._change("undo", by, plan_id=plan_id, settle_s=SETTLE_S)

    def recover(self, by: "By") -> dict[str, Any]:
        """Put in order what was cut off, and wait."""
        return self._change("recover", by)

    def _change(self, op: str, by: "By", **more: Any) -> dict[str, Any]:
        return self._waited({"op": op, "stay": False, **by.data(), **more})

    def _waited(self, request: dict[str, Any]) -> dict[str, Any]:
        job = self._client.start({"workspace": self.workspace, "read_only": self._read_only, **request})
        with ProgressLine() as line, _Interrupts() as interrupts:
            while True:
                for event in self._events():
                    if event.job != job:
                        continue
                    if isinstance(event, Progress):
                        line.show(event.done, event.total, event.what)
                    elif isinstance(event, Done):
                        return event.data
                    elif isinstance(event, Failed):
                        raise _KINDS.get(event.status, ChangeFailed)(event.text)
                if interrupts.count > 1 or (interrupts.count and not self._client.is_changing):
                    raise KeyboardInterrupt
                if interrupts.count and not self.interrupted:
                    self.interrupted = True
                    line.clear()
                    say(
                        "bluetop: stopping after the present move; ctrl+c again leaves it to finish by itself"
                    )
                    self._client.cancel()

    def _events(self) -> list[Event]:
        select.select([self._client], [], [], _TICK_S)
        return self._client.poll()


class _Interrupts:
    """Counts ctrl+c instead of raising: an answer that has just been read must not be lost to it."""

    def __init__(self) -> None:
        self.count = 0
        self._before: Any = None

    def _noticed(self, number: int, frame: object) -> None:
        self.count += 1

    def __enter__(self) -> "_Interrupts":
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            self._before = signal.signal(signal.SIGINT, self._noticed)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)


def confirmed(plan: "Plan", out: "Output") -> bool:
    """Whether the operator says yes to the plan, on the terminal."""
    from core.balance.change import counted

    agents = {name for move in plan.moves for name in (move.source, move.receiver)}
    out.flush()
    sys.stderr.write(
        f"apply {counted(len(plan.moves), 'move')} between {counted(len(agents), 'agent')}? [y/N] "
    )
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")
