"""The automatic mode at work: asks for a turn every so often, and applies what was decided, through the door.

Attached to a running event loop, of the dashboard or of `bluetop collect`; never blocks it. Looking, planning and
deciding (`core.balance.turn`) and applying happen in helper processes. Every change is an `ApplyPlan` that is
submitted to `core.control`, as user `auto (started by …)`: refused in read-only mode, and written in the audit log.
"""

import asyncio
import logging
import os
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import msgspec

from core.balance.auto import ACTS, EXPIRES_S, NOTHING, OFF, AutoSettings, auto_of
from core.balance.change import by_of, sentence
from core.balance.client import BalanceClient, Done, Event, Failed, Settled, Unsettled
from core.balance.deeds import AUTOMATIC
from core.balance.doing import By
from core.balance.options import Options
from core.balance.plan import Plan, plan_of
from core.balance.turn import SCHEMA as TURN
from core.clock import Clock
from core.config import Settings
from core.control import ApplyPlan, submit
from core.errors import BluetopError
from core.queues.times import parse
from core.text import clean_line

# The first turn waits for the first frame and the first looks of the record.
FIRST_S = 20.0
# How often a helper process is looked at that says nothing.
_LOOK_S = 1.0
_log = logging.getLogger("bluetop.auto")


class Said(NamedTuple):
    """News of the automatic mode: `what` is apply, would, nothing, done, restored or failed, `text` a sentence."""

    what: str
    text: str


class Automatic:
    """The automatic mode of one workspace. Also the `core.control.Runner` of its plans."""

    def __init__(
        self, workspace: str, options: Options, settings: AutoSettings, *, clock: Clock,
        environ: Mapping[str, str], say: Callable[[Said], None], read_only: bool = False,
    ) -> None:  # fmt: skip
        """Must be made within a running event loop; `begin` starts it."""
        self._workspace, self._options, self._settings = workspace, options, settings
        self._clock, self._environ, self._say = clock, environ, say
        self._read_only = read_only
        who = environ.get("USER") or environ.get("LOGNAME") or f"uid {os.getuid()}"
        self._by = f"{AUTOMATIC}{clean_line(who, 60)})"
        self._loop = asyncio.get_running_loop()
        self._client = BalanceClient(clock)
        self._loop.add_reader(self._client.fileno(), self._listen)
        self._timer: asyncio.TimerHandle | None = None
        self._look: asyncio.TimerHandle | None = None
        self._closed = False
        self.last = Said(NOTHING, "the automatic mode has not decided yet")

    def begin(self, first_s: float = FIRST_S) -> None:
        """Take the first turn after so many seconds, and then one every so often."""
        self._set(first_s)

    def turn(self) -> None:
        """Ask for a decision now. While a plan is being applied, nothing is asked."""
        if self._closed:
            return
        self._set(self._settings.every_s)
        if self._client.running == "apply":
            return
        by = by_of(self._by, "", self._environ)
        self._client.start({
            "op": "auto", "workspace": self._workspace, "options": self._options.data(),
            "auto": self._settings.data(), "now": self._clock.wall(), "read_only": self._read_only,
            "user": by.user, "origin": by.origin,
        })  # fmt: skip
        self._listen()

    def close(self) -> None:
        """Leave. A move that is under way is brought to its end by its helper process."""
        if self._closed:
            return
        self._closed = True
        for timer in (self._timer, self._look):
            if timer is not None:
                timer.cancel()
        self._loop.remove_reader(self._client.fileno())
        self._client.close()

    # -- as the runner of its plans -----------------------------------------------------------------

    def apply(self, plan: Plan, by: By) -> str:
        """See `core.control.Runner`."""
        self._client.start({
            "op": "apply", "workspace": self._workspace, "plan": plan.data(), "read_only": self._read_only,
            "user": by.user, "origin": by.origin, "reason": by.reason,
        })  # fmt: skip
        return f"plan {plan.plan_id} is being applied"

    def undo(self, plan_id: str, by: By) -> str:
        """See `core.control.Runner`.

        Raises:
            BluetopError: always; the automatic mode undoes nothing.
        """
        raise BluetopError("the automatic mode undoes nothing; use `bluetop optimize --undo`")

    def recover(self, by: By) -> str:
        """See `core.control.Runner`.

        Raises:
            BluetopError: always; a person looks first.
        """
        raise BluetopError("the automatic mode recovers nothing; use `bluetop optimize --recover`")

    # -- what comes -----------------------------------------------------------------------------------

    def _set(self, seconds: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_later(max(_LOOK_S, seconds), self.turn)

    def _listen(self) -> None:
        """Take what the helper processes say; look again soon while one of them owes an answer."""
        if self._look is not None:
            self._look.cancel()
            self._look = None
        for event in self._client.poll():
            self._take(event)
        if self._client.running and not self._closed:
            self._look = self._loop.call_later(_LOOK_S, self._listen)

    def _take(self, event: Event) -> None:
        if isinstance(event, Done):
            if event.data.get("schema") == TURN:
                self._decided(event.data)
            else:
                self._tell("done", sentence(event.data))
        elif isinstance(event, Failed | Unsettled):
            self._tell("failed", event.text)
        elif isinstance(event, Settled):
            for row in event.recovered:
                self._tell("restored", f"{row.get('task_id')}: {row.get('code')}, {row.get('detail')}")

    def _decided(self, data: Mapping[str, Any]) -> None:
        what, why = str(data["what"]), str(data["why"])
        if not data["kept"]:
            self._set(float(data["wait_s"]))
        if what != ACTS:
            self._tell(what, why)
            return
        made = parse(data["at"])
        if made is None or not -60.0 <= self._clock.wall() - made.at <= EXPIRES_S:
            self._tell(NOTHING, "the decision came too late; it is made anew")
            return
        self._tell(ACTS, why)
        try:
            submit(
                ApplyPlan(self, plan_of(data["plan"]), why),
                read_only=self._read_only, environ=self._environ, by=self._by,
            )  # fmt: skip
        except BluetopError as error:
            self._tell("failed", str(error))

    def _tell(self, what: str, text: str) -> None:
        self.last = Said(what, clean_line(text))
        _log.info("%s: %s", what, self.last.text)
        self._say(self.last)


def attach(
    settings: Settings, workspace: str | None, *, clock: Clock, environ: Mapping[str, str],
    say: Callable[[Said], None], read_only: bool = False,
) -> Automatic | None:  # fmt: skip
    """The automatic mode at work within the running event loop; None where it is off or nothing can be changed.

    Raises:
        UsageError: a setting of [balance] makes no sense.
    """
    auto = auto_of(msgspec.to_builtins(settings.balance.auto))
    if auto.mode == OFF or workspace is None or read_only:
        return None
    automatic = Automatic(
        workspace, options_in(settings), auto, clock=clock, environ=environ, say=say, read_only=read_only
    )
    automatic.begin()
    return automatic


def options_in(settings: Settings) -> Options:
    """The options of `[balance]`."""
    known = Options._fields
    return Options(
        **{name: value for name, value in msgspec.structs.asdict(settings.balance).items() if name in known}
    )
