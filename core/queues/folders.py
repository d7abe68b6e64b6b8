"""Which agents a postbox has, and what is remembered of each between two scans.

An agent is a folder in `postbox/`; files beside the folders are none, nor are hidden folders
without a queue file. Its name is the folder's, made fit to be shown; the name on disk is kept
for opening files only. Two folders never get the same name.
"""

import os

from core.clock import Clock
from core.errors import WorkspaceError
from core.queues.model import AgentQueue, Problem
from core.queues.notes import ERROR
from core.text import clean, clean_line

Signature = tuple[int, int, int, int]

# The folder is listed again this often even if its time says that nothing changed.
_LIST_S = 10.0
_RACY_S = 0.05


class Agent:
    """One folder of the postbox, and what the last scan left behind."""

    __slots__ = (
        "_folder", "_shown", "absent", "file", "good", "name", "nested", "noticed", "path", "queue", "risky",
        "seen", "signature", "torn", "unit",
    )  # fmt: skip

    def __init__(self, name: str, folder: str, root: str) -> None:
        self.name = name
        self._folder = f"{root}/postbox/{folder}"
        self._shown = f"{root}/"
        self.file = self.path = self.unit = ""
        self.use(nested=False)
        self.signature: Signature | None = None
        """What the file looked like when it was read; None: the next scan reads it in any case."""
        self.risky = False
        """Whether the folder has a mount of its own, which may hang while the others answer."""
        self.absent = False
        """Whether the last look found no queue file, here or one folder down."""
        self.seen: Signature | None = None
        self.noticed = 0.0
        """When `seen` was first seen (clock's now)."""
        self.torn = False
        """Whether this scan should wait and read it again."""
        self.queue: AgentQueue | None = None
        """The row that was given out last."""
        self.good: AgentQueue | None = None
        """The last row that could be read in full."""

    def use(self, nested: bool) -> str:
        """The queue file to look at from now on: `outbox.json`, or `outbox/outbox.json`."""
        self.nested = nested
        inner = "outbox/outbox.json" if nested else "outbox.json"
        file = f"{self._folder}/{inner}"
        if file != self.file:
            self.file = file
            self.path = f"postbox/{self.name}/{inner}"
            self.unit = self._shown + self.path
        return file

    def is_absent(self) -> bool:
        """Whether there still is no queue file, here or one folder down."""
        return not os.path.lexists(self.file) and not os.path.lexists(f"{self._folder}/outbox/outbox.json")

    def displaced(self) -> bool:
        """Whether there is an `outbox.json` again where this agent's is looked for one folder down."""
        return os.path.lexists(f"{self._folder}/outbox.json")


class Folders:
    """The agents of one workspace, in the order of their folders' names."""

    def __init__(self, workspace: str, most: int, clock: Clock) -> None:
        self._root = os.path.abspath(workspace).rstrip("/")
        self._most, self._clock = most, clock
        self.postbox = f"{self._root}/postbox"
        self.shown = clean_line(self.postbox)
        self.agents: list[Agent] = []
        self.by_name: dict[str, Agent] = {}
        self.problems: list[tuple[str, Problem]] = []
        self._by_folder: dict[str, Agent] = {}
        self._mtime_ns: int | None = None
        self._listed_at = 0.0

    def refresh(self) -> list[str]:
        """List the postbox if it may have changed; the names of the agents that are gone.

        Raises:
            WorkspaceError: there is no postbox, or it cannot be listed.
        """
        now = self._clock.now()
        try:
            status = os.stat(self.postbox)
            if status.st_mtime_ns == self._mtime_ns and now - self._listed_at < _LIST_S:
                return []
            names = self._names()
        except OSError as error:
            self._mtime_ns = None
            reason = clean_line(error.strerror or str(error))
            raise WorkspaceError(
                f"{self.shown}: {reason}; a workspace is a folder that holds postbox/"
            ) from error
        racy = abs(self._clock.wall() - status.st_mtime_ns / 1e9) < _RACY_S
        self._mtime_ns = None if racy else status.st_mtime_ns
        self._listed_at = now
        return self._take(names)

    def mounted_last(self) -> list[Agent]:
        """The agents, those whose folder has a mount of its own at the end: what hangs shall hang last."""
        names = mounted(self.postbox)
        for folder, agent in self._by_folder.items() if names else ():
            agent.risky = folder in names
        return sorted(self.agents, key=lambda agent: agent.risky) if names else self.agents

    def _names(self) -> list[str]:
        names: list[str] = []
        with os.scandir(self.postbox) as entries:
            for entry in entries:
                try:
                    if not entry.is_dir():
                        continue
                except OSError:  # a link that leads nowhere or in a circle
                    continue
                hidden = entry.name.startswith(".")
                if hidden and not os.path.lexists(f"{self.postbox}/{entry.name}/outbox.json"):
                    continue
                names.append(entry.name)
        names.sort()
        self.problems = []
        if len(names) > self._most:
            detail = f"{len(names) - self._most} more agents are not read (queues.max_agents is {self._most})"
            self.problems = [("postbox", Problem(ERROR, "too_many_agents", detail))]
            del names[self._most :]
        return names

    def _take(self, names: list[str]) -> list[str]:
        if names == list(self._by_folder):
            return []
        old, self._by_folder = self._by_folder, {}
        kept = set(names)
        gone = [agent.name for folder, agent in old.items() if folder not in kept]
        for name in gone:
            del self.by_name[name]
        for folder in names:
            agent = old.get(folder)
            if agent is None:
                agent = Agent(self._free_name(folder), folder, self._root)
                self.by_name[agent.name] = agent
            self._by_folder[folder] = agent
        self.agents = list(self._by_folder.values())
        return gone

    def _free_name(self, folder: str) -> str:
        name = plain = clean(folder)
        number = 2
        while name in self.by_name:
            name, number = f"{plain}~{number}", number + 1
        return name


# As the kernel writes a path into the table of mounts, the backslash first.
_ESCAPES = ((b"\\", b"\\134"), (b" ", b"\\040"), (b"\t", b"\\011"), (b"\n", b"\\012"), (b"#", b"\\043"))


def mounted(folder: str) -> frozenset[str]:
    """The names in `folder` on which, or somewhere below which, something is mounted. Does not block."""
    try:
        with open("/proc/self/mountinfo", "rb", buffering=0) as file:
            table = file.readall()
    except OSError:  # not on Linux
        return frozenset()
    return mounted_in(table, os.fsencode(os.path.realpath(folder)))


def mounted_in(table: bytes, folder: bytes) -> frozenset[str]:
    """The same, from a table of mounts."""
    if folder + b"/" not in table and not any(plain in folder for plain, _ in _ESCAPES):
        return frozenset()
    found = set()
    for line in table.split(b"\n"):
        fields = line.split(b" ", 5)
        if len(fields) < 6:
            continue
        path = fields[4]
        for plain, escaped in reversed(_ESCAPES):
            path = path.replace(escaped, plain)
        if path.startswith(folder + b"/"):
            found.add(os.fsdecode(path[len(folder) + 1 :].split(b"/")[0]))
    return frozenset(found)
