"""A record in memory, with a lock that can be taken away and a disk that can be full."""

import errno
from collections.abc import Callable, Container, Iterable, Mapping

from core.queues.model import Transition
from core.queues.states import State, parse, render
from core.record.journal import Loaded
from core.record.statesfile import Span


class Shelf:
    """What is kept, for all records on it. `full`: nothing can be written. `owner` is the one that writes."""

    def __init__(self) -> None:
        self.lines: list[Transition] = []
        self.states: dict[str, str | None] | None = None
        self.partial: frozenset[str] = frozenset()
        self.watched: tuple[Span, ...] = ()
        self.owner: MemoryRecord | None = None
        self.full = self.broken = self.gone = False
        self.keeps = 0
        self._kept_lines = 0

    def now(self) -> dict[str, str | None]:
        """The last status of every task, as whoever opens the record would have it."""
        states = {} if self.states is None else dict(self.states)
        for change in self.lines[self._kept_lines :]:
            tasks = parse(states.get(change.agent) or "")
            if change.after is None:
                tasks.pop(change.task, None)
            else:
                tasks[change.task] = tasks.get(change.task, State(""))._replace(status=change.after)
            states[change.agent] = render(tasks)
        return states

    def keep(self, states: Mapping[str, str | None], partial: Iterable[str], watched: Iterable[Span]) -> None:
        self.states, self.partial, self.watched = dict(states), frozenset(partial), tuple(watched)
        self._kept_lines = len(self.lines)
        self.keeps += 1

    def lose_states(self) -> None:
        """As if the states file were gone."""
        self.states, self.partial, self._kept_lines = None, frozenset(), 0


class MemoryRecord:
    """One instance's view of a shelf."""

    def __init__(self, shelf: Shelf, path: str = "/w/.bluetop/transitions.jsonl", wants: bool = True) -> None:
        self.shelf, self._path, self.wants = shelf, path, wants
        self.held = False
        self.loads = 0

    @property
    def writing(self) -> bool:
        return self.shelf.owner is self

    @property
    def path(self) -> str:
        return self._path

    def acquire(self, beat: Callable[[str], None]) -> None:
        self._check(beat)
        if self.wants and not self.writing:
            self.held = self.shelf.owner is not None
            if not self.held:
                self.shelf.owner = self

    def load(self, beat: Callable[[str], None]) -> Loaded:
        self._check(beat)
        self.loads += 1
        shelf = self.shelf
        kept = shelf.states is not None
        states = shelf.now()
        unknown = {name for name in states if shelf.states is None or (
            name in shelf.states and shelf.states[name] is None and states[name] is not None)}  # fmt: skip
        return Loaded(
            states, shelf.partial | unknown, kept, tuple(shelf.lines), None, shelf.watched,
            not kept and not shelf.lines,
        )  # fmt: skip

    def append(self, changes: Iterable[Transition]) -> None:
        if self.shelf.full:
            raise OSError(errno.ENOSPC, "No space left on device")
        self.shelf.lines += changes

    def keep(
        self, states: Mapping[str, str | None], partial: Container[str], watched: Iterable[Span],
        beat: Callable[[str], None], soon: bool = False,
    ) -> bool:  # fmt: skip
        if self.shelf.full:
            raise OSError(errno.ENOSPC, "No space left on device")
        if self.shelf.states is not None and not soon:
            return False
        self.shelf.keep(states, [name for name in states if name in partial], watched)
        return True

    def looked(self, wall: float) -> None:
        if self.shelf.gone:
            self.shelf.gone = False
            self.close()
            raise OSError(errno.ESTALE, "it was moved or removed")

    def close(self) -> None:
        if self.writing:
            self.shelf.owner = None

    def _check(self, beat: Callable[[str], None]) -> None:
        beat(self._path)
        if self.shelf.broken:
            raise OSError(errno.EIO, "Input/output error")
