"""Whose a task is that several agents have: it counts once, for one of them.

Tasks move, and the history of two agents may tell of the same one. In this order: who has it in its
queue file before who only has it in its metrics; unfinished before finished; the later before the
earlier, by the latest time that the record names; then the first by name.
"""

from collections.abc import Iterable
from typing import NamedTuple


class Claim(NamedTuple):
    """One agent has a task: in its queue file (`queued`), or only in its metrics.

    `live`: it is unfinished there. `at` is the latest time it names, seconds since 1970. `moved`: the
    metrics say already that another agent has it.
    """

    agent: str
    queued: bool
    live: bool = False
    at: float | None = None
    moved: bool = False


class Shared(NamedTuple):
    """A task that several queue files have: for whom it counts, who has it too, and what decided."""

    task_id: str
    owner: str
    others: tuple[str, ...]
    why: str


def owner(claims: Iterable[Claim]) -> Claim:
    """The claim that counts."""
    return min(claims, key=_rank)


def shared(task_id: str, claims: Iterable[Claim]) -> Shared | None:
    """The task as one that is in several queue files; None if it is in one at most."""
    queued = sorted((claim for claim in claims if claim.queued), key=_rank)
    if len(queued) < 2:
        return None
    first, second = queued[0], queued[1]
    if first.live != second.live:
        why = "unfinished there"
    elif first.at != second.at:
        why = "the later one"
    else:
        why = "the first by name"
    return Shared(task_id, first.agent, tuple(claim.agent for claim in queued[1:]), why)


def _rank(claim: Claim) -> tuple[bool, bool, bool, float, str]:
    # An unfinished task that left its queue tells nothing: it may have moved unseen.
    live = claim.queued and claim.live
    at = float("-inf") if claim.at is None else claim.at
    return not claim.queued, claim.moved, not live, -at, claim.agent


class Holders:
    """Which agents have which tasks; told agent by agent, and sparing of memory, for there may be a million."""

    def __init__(self) -> None:
        self._first: dict[str, str] = {}
        self._contested: dict[str, dict[str, None]] = {}
        self._by_agent: dict[str, set[str]] | None = None

    def add(self, agent: str, task_ids: Iterable[str]) -> None:
        """`agent` has these tasks, in its queue file or in its metrics."""
        self._by_agent = None
        first = self._first
        for task_id in task_ids:
            held = first.setdefault(task_id, agent)
            if held != agent:
                self._contested.setdefault(task_id, {held: None})[agent] = None

    def contested_by(self, agent: str) -> set[str]:
        """The tasks that this agent has and another has too."""
        if self._by_agent is None:
            self._by_agent = {}
            for task_id, names in self._contested.items():
                for name in names:
                    self._by_agent.setdefault(name, set()).add(task_id)
        return set(self._by_agent.get(agent, ()))
