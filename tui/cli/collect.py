"""`bluetop collect`: the recorder without a screen, for a service manager or a container."""

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING

from tui.cli.options import Options

if TYPE_CHECKING:
    from core.balance.automatic import Said
    from core.config import Settings
    from core.snapshot import Snapshot
    from tui.cli.output import Output

EXAMPLES = """\
examples:
  bluetop collect                      record what happens to tasks until it is ended
  bluetop collect --duration 8h        for eight hours
  bluetop collect --json               one JSON object a line: at the start, when something changes, at the end

One instance records, the others read: a second one waits, and takes over when the first ends. The record
is .bluetop/transitions.jsonl in the workspace. Alerts are judged, kept and told to webhooks and hooks the same
way: `bluetop alerts list` shows them. So does the automatic mode of rebalancing, if balance.auto.mode is not "off":
`bluetop optimize --history` shows what it decided.

exit status: 0 good, also when ended by ctrl+c; 1 there is no place where the record can be written;
             2 wrong usage or configuration; 3 the workspace cannot be read; 143 ended by SIGTERM
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """The options of `collect`."""
    from tui.cli.parser import duration

    parser.epilog = EXAMPLES
    parser.add_argument(
        "--duration", metavar="S", type=duration, help="seconds, or 90s 15m 4h 7d (default: no end)"
    )
    parser.add_argument(
        "--json", action="store_true", help="one JSON object a line (schema bluetop.collect/1)"
    )


def run(args: argparse.Namespace, options: Options) -> int:
    """Record until it is ended; 1 if the record could not be written at the end."""
    import asyncio

    from core.config import load, rejected
    from core.errors import ConfigError, ReadOnlyError
    from core.workspace import find, required
    from tui.cli.output import Output

    if options.read_only:
        raise ReadOnlyError("collect records, and bluetop runs with --read-only; start it without")
    settings = load(options.config)
    if not settings.record.enabled:
        raise ConfigError("record.enabled is false; set it to true to collect")
    workspace = required(find(options.workspace, fallback=settings.workspace.path))
    teller = Teller(Output(options), args.json, workspace)
    try:
        ended_by = asyncio.run(_collect(teller, settings, workspace, args.duration, rejected(options.config)))
    except KeyboardInterrupt:
        ended_by = 0
    teller.end()
    if ended_by:
        return 128 + ended_by
    return 1 if teller.problem and not teller.writing else 0


class Teller:
    """Says how the record stands when that changes."""

    def __init__(self, out: "Output", as_json: bool, workspace: str) -> None:
        self.out, self.as_json, self.workspace = out, as_json, workspace
        self.problem = ""
        self.writing = False
        self._said: tuple[str, str, str] = ("", "", "")
        self._decided: Said | None = None

    def take(self, snapshot: "Snapshot") -> None:
        """A new snapshot."""
        record = snapshot.record
        self.problem, self.writing = record.problem, record.mode == "writing"
        if record.mode in ("off", "waiting") or record[:3] == self._said:
            return
        self._said = record[:3]
        self._tell("record")

    def decided(self, said: "Said") -> None:
        """News of the automatic mode of rebalancing. That there is nothing to do is said once, until that changes."""
        if self.as_json:
            self.out.json(
                {
                    "schema": "bluetop.collect.auto/1", "workspace": self.workspace,
                    "what": said.what, "text": said.text,
                },
                one_line=True,
            )  # fmt: skip
        elif said.what != "nothing" or said != self._decided:
            self.out.line(f"automatic: {said.text}")
        self._decided = said
        self.out.flush()

    def end(self) -> None:
        """The last line."""
        if self._said[0]:
            self._tell("end")

    def _tell(self, what: str) -> None:
        mode, path, problem = self._said
        if self.as_json:
            self.out.json(
                {
                    "schema": "bluetop.collect/1", "event": what, "workspace": self.workspace, "mode": mode,
                    "path": path or None, "problem": problem or None,
                },
                one_line=True,
            )  # fmt: skip
        elif what == "end":
            self.out.line(f"ended: {mode}, {path or 'no record'}")
        else:
            self.out.line(f"{problem or mode}: {path or 'no record'}")
        self.out.flush()


def _automatic(teller: Teller, settings: "Settings", workspace: str) -> Callable[[], None]:
    """Let the automatic mode of rebalancing begin, if it is not off; what ends it."""
    import os

    if settings.balance.auto.mode == "off":
        return lambda: None
    from core.balance.automatic import attach
    from core.clock import SYSTEM_CLOCK

    found = attach(settings, workspace, clock=SYSTEM_CLOCK, environ=os.environ, say=teller.decided)
    return lambda: None if found is None else found.close()


async def _collect(
    teller: Teller, settings: "Settings", workspace: str, duration_s: float | None, rejected: tuple[str, ...]
) -> int:
    """Until the time is over or a signal comes; its number, 0 for none."""
    import asyncio
    import contextlib
    import os
    import signal

    from core.alerts import plan as plan_alerts
    from core.config import state_dir
    from core.engine import Engine
    from core.record import plan

    ended = 0
    over = asyncio.Event()

    def end(number: int) -> None:
        nonlocal ended
        ended = number
        over.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            loop.add_signal_handler(number, end, number)
    record = plan(
        workspace, state_dir(os.environ), write=True, at_once=True, most_bytes=settings.record.max_bytes
    )
    alerts = plan_alerts(workspace, state_dir(os.environ), write=True)
    engine = Engine(settings, workspace, record=record, alerts=alerts, rejected=rejected)
    engine.subscribe(teller.take)
    running = asyncio.ensure_future(engine.run())
    running.add_done_callback(lambda _: over.set())
    automatic = _automatic(teller, settings, workspace)
    try:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(duration_s):
                await over.wait()
        if running.done():
            running.result()
    finally:
        running.cancel()
        automatic()
        with contextlib.suppress(asyncio.CancelledError):
            await running
        engine.close()
    return ended
