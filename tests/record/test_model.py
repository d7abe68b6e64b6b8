"""Random lives of a workspace: what is written is what a simple model says, whatever files and instances do."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from core.queues import ScanPart
from core.record.journal import SOON_S
from core.record.ledger import ABSENT_S, GAP_S
from tests.fakes import FakeClock
from tests.record.instance import Instance, lines, put
from tests.record.scenes import chains, no_beat, statuses

AGENTS = ("CA", "CB", "CC")
TASKS = st.dictionaries(
    st.sampled_from(["T-1", "T-2", "T-3", "Ä b"]),
    st.sampled_from(["pending", "in_progress", "completed", "on hold"]),
    max_size=3,
)
# What a file may hold that is no good reading, and one that leaves something out.
JUNK = st.sampled_from([b"", b"{", b"\x01", b"null", b'{"agent_id": "CA", "tasks": [{"task_id": "T-1", "st'])
LOSSY = b'{"agent_id": "CA", "tasks": [{"task_id": "T-1", "status": "blocked"}, {"task_id": oops()}], "history": []}'
AGENT = st.sampled_from(AGENTS)
OPS = st.one_of(
    st.tuples(st.just("write"), AGENT, TASKS),
    st.tuples(st.just("write"), AGENT, TASKS),
    st.tuples(st.just("write"), AGENT, JUNK | st.just(LOSSY)),
    st.tuples(st.just("remove"), AGENT, st.booleans()),
    st.tuples(st.just("look"), st.sampled_from([0.0, 0.5, 3.0, 31.0, 31.0, GAP_S + 40.0])),
    st.tuples(st.just("look"), st.just(3.0)),
    st.tuples(st.just("restart")),
)  # fmt: skip


class Model:
    """What should be known and told, by the plainest of rules."""

    def __init__(self) -> None:
        # Agent → (its tasks, whether that is all of them); None: never well read.
        self.known: dict[str, tuple[dict[str, str], bool] | None] = {}
        self.chains: dict[tuple[str, str], list[str | None]] = {}
        self.fresh = True
        self.restarted()

    def restarted(self) -> None:
        self.looks = 0
        self.absent: dict[str, float] = {}
        self.read: dict[str, tuple[dict[str, str], bool]] = {}
        self.last: dict[str, tuple[dict[str, str], bool]] = {}
        self.there: set[str] = set()
        self.looked_at = self.gap = 0.0

    def saw(self, parts: list[ScanPart], now: float) -> None:
        """One scan."""
        good = {s.agent: (statuses(s.text), s.whole) for part in parts for s in part.tasks}
        for part in parts:
            gone = [row.agent for row in part.changed if row.form == "missing"] + list(part.gone)
            for row in part.changed:
                self.read.pop(row.agent, None)
                if row.form != "missing":
                    self.there.add(row.agent)
                    self.absent.pop(row.agent, None)
            for agent in gone:
                self.absent.setdefault(agent, now)
                self.there.discard(agent)
                self.read.pop(agent, None)
        self.read |= good
        self.last |= good
        self.looks += 1
        if self.looks == 1:
            self.looked_at = now
            return
        if self.looks == 2:
            self._begin(now)
        gap, self.looked_at = now - self.looked_at, now
        missed = self.looks > 2 and gap > max(GAP_S, 3 * self.gap)
        self.gap = 0.0 if self.looks == 2 else gap
        for agent, since in list(self.absent.items()):
            if missed:
                self.absent[agent] = now
            elif now - since >= ABSENT_S and self.known.get(agent) != ({}, True):
                self._tell(agent, {}, True)
        for agent, (tasks, whole) in self.read.items():
            self._tell(agent, tasks, whole)
        self.read.clear()
        self.known |= {agent: ({}, True) for agent in self.there if agent not in self.known}

    def _begin(self, now: float) -> None:
        if self.fresh:
            self.known = dict.fromkeys((*self.there, *self.last, *self.absent))
            self.fresh = False
        for agent, known in self.known.items():
            if known is None:  # it begins with what was read last
                self.known[agent] = self.last.get(agent)
            if agent not in self.there:
                self.absent.setdefault(agent, now)

    def _tell(self, agent: str, tasks: dict[str, str], whole: bool) -> None:
        old = self.known.get(agent, ({}, True))
        if old is None:
            self.known[agent] = tasks, whole
            return
        before, begun_whole = old
        now = tasks if whole else {**before, **tasks}
        for task in {*before, *now}:
            a, b = before.get(task), now.get(task)
            if a != b and not (a is None and not begun_whole):
                self.chains.setdefault((agent, task), [a]).append(b)
        self.known[agent] = now, begun_whole or whole


class Observing(Instance):
    """An instance whose scans the model sees too."""

    def __init__(self, root: Path, clock: FakeClock, model: Model) -> None:
        super().__init__(root, clock)
        self.model = model
        model.restarted()

    def look(self, after_s: float = 1.0, at_once: bool = False) -> Any:
        self.clock.advance(after_s)
        parts = list(self.backend.scan(no_beat))
        for part in parts:
            self.ledger.take(part)
        self.model.saw(parts, self.clock.now())
        return self.ledger.tell(no_beat)


@contextmanager
def workspace() -> Iterator[Path]:
    root = Path(tempfile.mkdtemp(prefix="bluetop-model-"))
    try:
        (root / "postbox").mkdir()
        yield root
    finally:
        shutil.rmtree(root)


def live(root: Path, ops: list[Any]) -> None:
    clock, model = FakeClock(), Model()
    instance = Observing(root, clock, model)
    for op in ops:
        match op:
            case ("write", agent, content):
                put(root, clock, agent, content)
            case ("remove", agent, whole):
                folder = root / "postbox" / agent
                if whole:
                    shutil.rmtree(folder, ignore_errors=True)
                else:
                    (folder / "outbox.json").unlink(missing_ok=True)
            case ("look", after_s):
                instance.look(after_s)
            case _:
                instance.look(SOON_S + 1)  # what no line says is kept by then
                instance.kill()
                clock.advance(5.0)
                instance = Observing(root, clock, model)
                instance.begin()
    instance.look(3.0)
    instance.look(3.0)
    instance.kill()
    assert chains(lines(root / ".bluetop")) == model.chains if model.looks > 1 else True


@settings(max_examples=150, deadline=None)
@given(st.lists(OPS, max_size=25))
@example([("write", "CA", {"T-1": "pending"}), ("look", 3.0), ("look", 3.0), ("write", "CA", b""), ("restart",),
          ("write", "CA", {"T-1": "completed"})])  # fmt: skip
@example(
    [("look", 3.0), ("look", 3.0), ("write", "CB", LOSSY), ("look", 3.0), ("restart",), ("write", "CB", {})]
)
def test_the_record_is_what_the_model_says(ops: list[Any]) -> None:
    with workspace() as root:
        live(root, ops)
