"""One small process for each agent that works, so that process and handle panes show true things.

It is a shell that sits in its agent's folder, holds the queue file and its task's notes open, spends
a little processor time when a task starts, and ends when the fleet closes its pipe, or is gone.
"""

import os

# At most this many at a time: each is 1.7 MB.
LIMIT = 3
# Turns of a shell loop at the start of a task: about half a millisecond.
EFFORT = 500

_SHELL = "/bin/sh"
_SCRIPT = """cd "$1" && exec 3<outbox.json || exit 1
while read -r task effort; do
    exec 4>>"inbox/$task.md"
    while [ "$effort" -gt 0 ]; do effort=$((effort - 1)); done
done"""


class Workers:
    """The agents' processes, by agent. None of its calls waits for one of them."""

    def __init__(self, directory: str) -> None:
        self._directory = directory
        self._pipes: dict[str, int] = {}
        self._pids: dict[str, int] = {}
        self._ending: list[int] = []

    def begin(self, agent: str, task_id: str) -> None:
        """The agent takes up a task; its process is started if it has none and there is room."""
        if agent not in self._pipes:
            if len(self._pipes) >= LIMIT:
                return
            self._spawn(agent)
        try:
            os.write(self._pipes[agent], f"{task_id} {EFFORT}\n".encode())
        except BlockingIOError:
            # Somebody has stopped it, and its pipe is full: it will not miss one more line.
            return
        except BrokenPipeError:
            # Somebody has ended it; the next task starts another.
            self.rest(agent)

    def rest(self, agent: str) -> None:
        """The agent has nothing to do: its process ends by itself."""
        if agent in self._pipes:
            os.close(self._pipes.pop(agent))
            self._ending.append(self._pids.pop(agent))

    def reap(self) -> bool:
        """Take leave of those that have ended; True while some are still to end."""
        self._ending = [pid for pid in self._ending if not _ended(pid)]
        return bool(self._ending)

    def end(self) -> None:
        """All of them end by themselves, now."""
        for agent in list(self._pipes):
            self.rest(agent)

    def _spawn(self, agent: str) -> None:
        reading, writing = os.pipe()
        os.set_blocking(writing, False)
        folder = os.path.join(self._directory, "postbox", agent)
        nowhere = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
        try:
            self._pids[agent] = os.posix_spawn(
                _SHELL,
                [_SHELL, "-c", _SCRIPT, f"agent-{agent}", folder],
                {},
                file_actions=[
                    (os.POSIX_SPAWN_DUP2, reading, 0),
                    (os.POSIX_SPAWN_DUP2, nowhere, 1),
                    (os.POSIX_SPAWN_DUP2, nowhere, 2),
                ],
            )
            self._pipes[agent] = writing
        finally:
            os.close(reading)
            os.close(nowhere)


def _ended(pid: int) -> bool:
    try:
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    except ChildProcessError:
        return True
