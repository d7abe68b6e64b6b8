"""Which tasks wait for what will never come: for each other, for a failed, an orphaned or a lost task.

Pure: knows ids and who waits for whom, no files and no times. A task that waits for an unfinished
one is fine, and so is one that waits for an id that nobody knows: old sprints are full of them.
Not for deciding what a task's state is: whoever asks says so.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from core.queues.model import Knot
from core.text import clean_line

KINDS = ("cycle", "failed", "retired", "vanished")
MOST_NEEDED = 20
# Ids in a chain that are kept, and those that a sentence names.
LONGEST = 50
_NAMED = 4

_MOST_ITEMS = 200
_MOST_TEXT = 500
_LEAD = re.compile(r"[\s\"'`(\[{*•–—-]*")
_WORD = re.compile(r"[^\s,;&()\[\]{}\"'`]+")
_JOIN = re.compile(r"[\"'`)\]]*\s*(?:[,;&]|and\b)\s*[\"'`(\[]*", re.I)
_NOTHING = re.compile(r"[\s\"'`)\]}.,;:!]*")
_PREFIXES = ("TASK-", "TASK_")
_NONE = frozenset(("none", "n/a", "na", "null", "nil", "no", "tbd"))


# -- what a task says it waits for ----------------------------------------------------------------


def needed(value: Any) -> tuple[str, ...]:
    """The task ids that `value` names, a task's `dependencies` of any type; at most `MOST_NEEDED`.

    A text that is one word is an id, whatever it looks like. Of a longer text the leading word is
    one if it has a letter, a digit and a dash or underscore (`SPRINT4-001`), or begins with TASK-; so
    are further such words after a comma, a semicolon, & or "and". What else the text says is for
    people. An object names a task by its `task_id`, `id` or `task`, or is keyed by ids.
    """
    found: dict[str, None] = {}
    for item in _items(value):
        if isinstance(item, dict):
            item = next((item[key] for key in _OBJECT_KEYS if item.get(key) is not None), None)
        if isinstance(item, str):
            for name in _named(item):
                found[name] = None
        elif type(item) is int and -(1 << 64) < item < 1 << 64:
            found[str(item)] = None
        if len(found) >= MOST_NEEDED:
            break
    return tuple(found)[:MOST_NEEDED]


_OBJECT_KEYS = ("task_id", "id", "task")


def _items(value: Any) -> list[Any]:
    if isinstance(value, list):
        return value[:_MOST_ITEMS]
    if isinstance(value, dict) and not any(key in value for key in _OBJECT_KEYS):
        return [key for key, _ in zip(value, range(_MOST_ITEMS), strict=False) if _is_id(key)]
    return [value]


def _named(text: str) -> Iterator[str]:
    text = text[:_MOST_TEXT]
    lead = _LEAD.match(text)
    word = _WORD.match(text, lead.end() if lead else 0)
    first = True
    while word is not None:
        name = word[0].rstrip(".:!?")
        alone = first and _NOTHING.fullmatch(text, word.end()) and name.casefold() not in _NONE
        if not (_is_id(name) or (alone and any(map(str.isalnum, name)))):
            return
        yield clean_line(name, 120)
        join = _JOIN.match(text, word.end())
        word = _WORD.match(text, join.end()) if join else None
        first = False


def _is_id(word: str) -> bool:
    if word.startswith(_PREFIXES):
        return len(word) > len(_PREFIXES[0])
    return (
        ("-" in word or "_" in word)
        and any(map(str.isdigit, word))
        and any(map(str.isalpha, word))
        and not any(map(str.isspace, word))
    )


# -- who waits for whom -----------------------------------------------------------------------------


class Knots:
    """The unfinished tasks that wait for others, agent by agent.

    `status_of` gives (agent, status) of any other task, None for one that nobody knows; a status is
    one of `model.STATUSES`, "vanished", or any word. Gives up, and keeps nothing, with more than
    `most` dependencies: `complete` is False from then on. `total` is what the last `find` found,
    also beyond its limit.
    """

    def __init__(self, status_of: Callable[[str], tuple[str, str] | None], most: int = 50_000) -> None:
        self.complete = True
        self.total = 0
        self._status_of = status_of
        self._most = most
        self._waiting: dict[str, dict[str, tuple[str, ...]]] = {}
        self._count = 0
        self._retired: set[str] = set()
        self._graph: _Graph | None = None

    def put(self, agent: str, edges: Mapping[str, tuple[str, ...]]) -> None:
        """`agent` has these unfinished tasks that wait, id → what it waits for, and no others."""
        old = self._waiting.get(agent)
        if not self.complete or (old is None and not edges):
            return
        new = {task: tuple(wanted) for task, wanted in edges.items() if wanted}
        if new == (old or {}):
            return
        self._graph = None
        self._count += sum(map(len, new.values())) - sum(map(len, (old or {}).values()))
        if new:
            self._waiting[agent] = new
        else:
            del self._waiting[agent]
        if self._count > self._most:
            self._waiting.clear()
            self.complete = False

    def retired(self, agent: str, retired: bool) -> None:
        """Whether `agent` takes no more work: then what it has not finished will not be."""
        if retired:
            self._retired.add(agent)
        else:
            self._retired.discard(agent)

    def find(self, limit: int = 100) -> tuple[Knot, ...]:
        """The knots: circles first, then by kind as in `KINDS`, each kind by id; at most `limit`.

        Each circle once, from its smallest id: tasks that all wait for each other are one circle,
        and its chain is a shortest way round. Of what waits for a dead end, the head has a knot: the
        task for which none waits that is stuck too, with the shortest chain down to the nearest dead
        end. Where that leaves out a dead end, the first that waits for it has one too, unless it
        has one already. Unfinished tasks of a retired agent are dead ends and no heads. Costs O(V + E).
        """
        self.total = 0
        if not self._waiting:
            return ()
        if self._graph is None:
            self._graph = _Graph(self._waiting)
        graph = self._graph
        circles = graph.circles[:limit]
        dead = self._dead(graph)
        if not dead:
            self.total = len(graph.circles)
            return tuple(circles)
        stuck, heads = _stuck(graph, dead)
        self.total = len(graph.circles) + len(heads)
        heads.sort(key=lambda head: (KINDS.index(dead[head.end][0]), head.task))
        knots = [_knot(head, stuck, dead, graph.owner) for head in heads[: limit - len(circles)]]
        return (*circles, *knots)

    def _dead(self, graph: "_Graph") -> dict[str, tuple[str, str]]:
        """Tasks that will not end: id → (kind, agent)."""
        dead: dict[str, tuple[str, str]] = {}
        for task in graph.outside:
            known = self._status_of(task)
            if known is None:
                continue
            agent, status = known
            if status == "failed" or status == "vanished":
                dead[task] = status, agent
            elif status != "completed" and agent in self._retired:
                dead[task] = "retired", agent
        if self._retired:
            for task, agent in graph.owner.items():
                if agent in self._retired:
                    dead[task] = "retired", agent
        return dead


class _Graph:
    """What waits for what at one moment. `outside` are the ids that do not wait themselves."""

    def __init__(self, waiting: Mapping[str, Mapping[str, tuple[str, ...]]]) -> None:
        self.edges: dict[str, tuple[str, ...]] = {}
        self.owner: dict[str, str] = {}
        for agent in sorted(waiting):
            for task, wanted in waiting[agent].items():
                # Two agents with one task: it waits for what either waits for.
                known = self.edges.get(task, ())
                self.edges[task] = (*known, *(name for name in wanted if name not in known))
                self.owner.setdefault(task, agent)
        self.outside = sorted({name for names in self.edges.values() for name in names} - self.edges.keys())
        self.circles = [self._circle(group) for group in self._groups()]
        self.circles.sort(key=lambda knot: knot.task)
        self._waiters: dict[str, list[str]] | None = None

    def waiters(self) -> dict[str, list[str]]:
        """Id → the tasks that wait for it, in the order of their ids."""
        if self._waiters is None:
            self._waiters = {}
            for task in sorted(self.edges):
                for name in dict.fromkeys(self.edges[task]):
                    self._waiters.setdefault(name, []).append(task)
        return self._waiters

    def _groups(self) -> Iterator[list[str]]:
        """The sets of tasks that all wait for each other (Tarjan 1972, strongly connected components)."""
        order: dict[str, int] = {}
        low: dict[str, int] = {}
        stack: list[str] = []
        on_stack: set[str] = set()
        for root in self.edges:
            if root in order:
                continue
            order[root] = low[root] = len(order)
            stack.append(root)
            on_stack.add(root)
            # A stack of our own: chains are longer than the interpreter's.
            walk = [(root, iter(self.edges[root]))]
            while walk:
                task, wanted = walk[-1]
                for name in wanted:
                    if name not in self.edges:
                        continue
                    if name not in order:
                        order[name] = low[name] = len(order)
                        stack.append(name)
                        on_stack.add(name)
                        walk.append((name, iter(self.edges[name])))
                        break
                    if name in on_stack:
                        low[task] = min(low[task], order[name])
                else:
                    walk.pop()
                    if walk:
                        above = walk[-1][0]
                        low[above] = min(low[above], low[task])
                    if low[task] == order[task]:
                        at = len(stack) - 1
                        while stack[at] != task:
                            at -= 1
                        group = stack[at:]
                        del stack[at:]
                        on_stack.difference_update(group)
                        if len(group) > 1 or task in self.edges[task]:
                            yield group

    def _circle(self, group: list[str]) -> Knot:
        first, inside = min(group), set(group)
        came: dict[str, str] = {}
        queue = [first]
        for task in queue:
            wanted = self.edges[task]
            if first in wanted:
                chain = [task]
                while chain[-1] != first:
                    chain.append(came[chain[-1]])
                chain.reverse()
                break
            for name in wanted:
                if name in inside and name not in came and name != first:
                    came[name] = task
                    queue.append(name)
        else:  # cannot be: each of the group waits for the first
            chain = [first]
        return Knot("cycle", first, self.owner[first], _cut(chain), _round(chain, len(group)))


def _cut(chain: list[str]) -> tuple[str, ...]:
    """Of a very long circle the beginning and the end."""
    return tuple(chain) if len(chain) <= LONGEST else (*chain[: LONGEST - 1], chain[-1])


def _round(chain: list[str], size: int) -> str:
    if size == 1:
        return f"{chain[0]} waits for itself"
    if size <= _NAMED and len(chain) == size:
        return f"{', '.join(chain[:-1])} and {chain[-1]} wait for each other"
    shown = chain[: _NAMED - 1]
    return f"{', '.join(shown)} and {size - len(shown)} more wait for each other"


# -- dead ends ----------------------------------------------------------------------------------------


class _Stuck(NamedTuple):
    """A task that waits, however indirectly, for a dead end: the next one, the end, and how many steps to it."""

    toward: str
    end: str
    steps: int


class _Head(NamedTuple):
    """A task to be told of, with the first task of its chain and the last."""

    task: str
    toward: str
    end: str


def _stuck(graph: _Graph, dead: Mapping[str, Any]) -> tuple[dict[str, _Stuck], list[_Head]]:
    """Everything that waits for a dead end (and the ends themselves, no step away), and whom to tell of."""
    waiters = graph.waiters()
    # Backwards from all dead ends at once, so that each task meets its nearest one first.
    stuck = {task: _Stuck(task, task, 0) for task in sorted(dead)}
    queue = list(stuck)
    for task in queue:
        _, end, steps = stuck[task]
        for waiter in waiters.get(task, ()):
            if waiter not in stuck:
                stuck[waiter] = _Stuck(task, end, steps + 1)
                queue.append(waiter)
    heads = {
        task: _Head(task, stuck[task].toward, stuck[task].end)
        for task in queue[len(dead) :]
        if not any(waiter != task and waiter not in dead for waiter in waiters.get(task, ()))
    }
    told = {head.end for head in heads.values()}
    for end in queue[: len(dead)]:
        if end not in told:
            for waiter in waiters.get(end, ()):
                if waiter not in dead and waiter not in heads:
                    heads[waiter] = _Head(waiter, end, end)
                    break
    return stuck, list(heads.values())


def _knot(
    head: _Head,
    stuck: Mapping[str, _Stuck],
    dead: Mapping[str, tuple[str, str]],
    owner: Mapping[str, str],
) -> Knot:
    task, step, end = head
    chain = [task, step]
    while chain[-1] != end and len(chain) < LONGEST - 1:
        chain.append(stuck[chain[-1]].toward)
    if chain[-1] != end:
        chain.append(end)
    kind, agent = dead[end]
    fate = {
        "failed": "which failed",
        "retired": f"whose agent {clean_line(agent, 60)} is retired",
        "vanished": "which is in no file any more",
    }[kind]
    between = stuck[step].steps
    if between + 2 > _NAMED:
        text = f"{task} waits, by way of {between} others, for {end}, {fate}"
    else:
        text = f"{task} waits for {', which waits for '.join(chain[1:])}, {fate}"
    return Knot(kind, task, owner[task], tuple(chain), text)
