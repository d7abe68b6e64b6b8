"""`bluetop demo`: a folder, a fleet that works in it, and the dashboard on it; gone without a trace after.

The fleet is a child process that holds our pipe: it ends, and removes the folder, when this process
does, in whatever way. What the agents do is in `core.demo`; this is only who starts and ends it.
"""

import os
import select
import signal
import sys

from core.clock import SYSTEM_CLOCK
from core.demo import fleet, workspace
from core.demo.rng import Rng
from core.text import clean
from tui.cli.options import Options

# How long the fleet may take to clear up before we do it ourselves; it takes about 5 ms.
_PATIENCE_S = 0.3


def run(
    options: Options,
    *,
    dashboard: bool = True,
    directory: str | None = None,
    seed: int | None = None,
    speed: float = 1.0,
    duration_s: float = 0.0,
) -> int:
    """Run the demo until its dashboard is left (or, without one, until a signal or `duration_s`).

    A folder named with `directory` is the operator's own and stays; otherwise it is a temporary
    one. `duration_s` 0 is without end. Returns the exit status.

    Raises:
        UsageError: the folder holds something else.
        WorkspaceError: it cannot be written.
    """
    seed = int.from_bytes(os.urandom(4)) if seed is None else seed
    place = os.path.abspath(directory) if directory is not None else workspace.temporary()
    flags = () if directory is not None else (fleet.REMOVING,)
    if not dashboard:
        workspace.create(place, Rng(seed), SYSTEM_CLOCK.wall())
        words = fleet.command(place, *flags, seed=seed, speed=speed, duration_s=duration_s)
        sys.stderr.write(f"bluetop demo: six agents work in {clean(place)}; ctrl+c ends them\n")
        sys.stderr.flush()
        os.execv(words[0], words)
    # The fleet comes first: from here on there is somebody who clears up, however we end.
    words = fleet.command(place, fleet.GUARDED, *flags, seed=seed, speed=speed, duration_s=duration_s)
    guarded = _Fleet(words)
    try:
        workspace.create(place, Rng(seed), SYSTEM_CLOCK.wall())
        guarded.begin()
        from tui.dashboard import run as run_dashboard

        return run_dashboard(options._replace(workspace=place))
    finally:
        guarded.end()
        if directory is None:
            workspace.remove(place)


class _Fleet:
    """The fleet's process: it waits for `begin`, and lives as long as we hold its pipe."""

    def __init__(self, words: list[str]) -> None:
        its_end, self._lifeline = os.pipe()
        self._words, its_stderr = os.pipe()
        nowhere = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
        try:
            self._pid = os.posix_spawn(
                words[0],
                words,
                os.environ,
                file_actions=[
                    (os.POSIX_SPAWN_DUP2, its_end, 0),
                    (os.POSIX_SPAWN_DUP2, nowhere, 1),
                    (os.POSIX_SPAWN_DUP2, its_stderr, 2),
                ],
                # A group of its own: ctrl+c and a hang-up are for the dashboard, which then ends it.
                setpgroup=0,
            )
        finally:
            os.close(its_end)
            os.close(its_stderr)
            os.close(nowhere)

    def begin(self) -> None:
        """The folder is ready: the agents may start."""
        os.write(self._lifeline, b"!")

    def end(self) -> None:
        """Let go of it, and see it gone; anything it had to complain about goes to standard error."""
        os.close(self._lifeline)
        complaint = b""
        while select.select([self._words], [], [], _PATIENCE_S)[0]:
            said = os.read(self._words, 4096)
            if not said:
                os.waitpid(self._pid, 0)
                break
            complaint += said
        else:
            os.kill(self._pid, signal.SIGKILL)
        os.close(self._words)
        if complaint:
            sys.stderr.write(clean(complaint.decode(errors="replace").strip()) + "\n")
