"""Sections 1 to 4 of the specification of rebalancing, once more, as plainly as they can be written.

What `core.balance` says of a workspace is held against this, so nothing of it is used here: files are read with
`json`, every sum is made anew. Not quick, not shared with the product, and not to be optimised.
"""

import hashlib
import json
import math
import os
import re
import statistics
from collections import Counter
from datetime import UTC, datetime
from functools import cache, cached_property
from typing import Any, NamedTuple

Document = dict[str, Any]
GONE_WORDS = ("decommissioned", "retired", "inactive")
PAUSED_WORDS = ("paused", "offline", "maintenance")
DEFAULTS: dict[str, Any] = {
    "target": 80, "under": 30, "queue_limit": 10, "max_moves": 0, "cooldown_hours": 1, "min_gain": 1,
    "unlabelled": "peers",
}  # fmt: skip


class Task(NamedTuple):
    """One element of `tasks`, whose it is, and R_t. `key` tells tasks apart whose ids are the same."""

    key: int
    owner: str
    row: Document
    skills: frozenset[str]


class Goals(NamedTuple):
    """X, P, E and O of section 4, and the peak that P is made of, in per cent, hours and tasks."""

    misplaced: int
    peak: float
    excess_hours: float
    overflow: int
    worst: float


def strict_document(data: bytes) -> Document | None:
    """The object in a standard queue file; None for every other content."""

    def pairs(found: list[tuple[str, Any]]) -> Document:
        if len({key for key, _ in found}) < len(found):
            raise ValueError("a key occurs twice")
        return dict(found)

    def constant(name: str) -> float:
        raise ValueError(f"{name} is no JSON number")

    try:
        text = data.decode("utf-8")
        if text.startswith("\ufeff"):
            return None
        document = json.loads(text, object_pairs_hook=pairs, parse_constant=constant)
    except (ValueError, RecursionError):
        return None
    if not isinstance(document, dict) or not isinstance(document.get("tasks"), list):
        return None
    return document


def documents_of(workspace: str) -> tuple[dict[str, Document], list[str]]:
    """The standard queues of a workspace by agent, and the agents whose file takes no part."""
    postbox = os.path.join(workspace, "postbox")
    documents: dict[str, Document] = {}
    unread: list[str] = []
    for agent in sorted(os.listdir(postbox)):
        path = os.path.join(postbox, agent, "outbox.json")
        if not os.path.isdir(os.path.join(postbox, agent)) or not os.path.lexists(path):
            continue
        document = None
        if os.path.isfile(path):
            with open(path, "rb") as file:
                document = strict_document(file.read())
        if document is None:
            unread.append(agent)
        else:
            documents[agent] = document
    return documents, unread


def positive(value: Any) -> float | None:
    """A positive finite JSON number, else None."""
    if type(value) not in (int, float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if number > 0 and math.isfinite(number) else None


@cache
def tag(text: str) -> str:
    """A tag as it is compared."""
    return re.sub(r"[\s-]+", "_", text.strip().casefold())


def tag_set(value: Any) -> frozenset[str]:
    """A list of tags; empty for everything else."""
    if not isinstance(value, list):
        return frozenset()
    return frozenset(tag(name) for name in value if isinstance(name, str)) - {""}


def context_of(row: Document) -> Document:
    """The `context` of a task or history entry, empty where it has none."""
    found = row.get("context")
    return found if isinstance(found, dict) else {}


def skills_of(row: Document) -> frozenset[str]:
    """R_t."""
    return tag_set(row.get("required_skills")) or tag_set(context_of(row).get("required_skills"))


def agent_hours_of(row: Document) -> Document:
    """The `context.agent_hours` of a task, empty where it has none."""
    found = context_of(row).get("agent_hours")
    return found if isinstance(found, dict) else {}


def status_of(row: Document) -> str:
    """A status as it is compared."""
    found = row.get("status")
    return found.strip().lower() if isinstance(found, str) else ""


def priority_of(row: Document) -> str:
    """A priority as it is compared."""
    found = row.get("priority")
    return found.strip().upper() if isinstance(found, str) else ""


def id_of(row: Document) -> str:
    """The task's id, "" where it has none that counts."""
    found = row.get("task_id")
    return found if isinstance(found, str) else ""


def moved_of(row: Document) -> Document:
    """The `bluetop` object of a task, empty where it has none."""
    found = row.get("bluetop")
    return found if isinstance(found, dict) else {}


def seconds(text: Any) -> float | None:
    """A timestamp as seconds since 1970."""
    if not isinstance(text, str):
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()


def fingerprint(row: Document) -> str:
    """SHA-256 of a task as canonical JSON."""
    text = json.dumps(row, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def clip(value: float, low: float, high: float) -> float:
    """`value`, but not outside."""
    return min(high, max(low, value))


class Workspace:
    """What the specification says of these documents under these flags at this time (ISO 8601)."""

    def __init__(self, documents: dict[str, Document], config: Document | None = None, now: str = "") -> None:
        self.documents = {agent: documents[agent] for agent in sorted(documents)}
        self.config = {**DEFAULTS, **(config or {})}
        self.now = seconds(now) or 0.0
        self.agents = list(self.documents)
        rows = [(agent, row) for agent in self.agents for row in self.documents[agent]["tasks"]]
        kept = [(agent, row) for agent, row in rows if isinstance(row, dict)]
        self.tasks = [Task(number, agent, row, skills_of(row)) for number, (agent, row) in enumerate(kept)]
        self.count = Counter(id_of(task.row) for task in self.tasks if id_of(task.row))
        self.by_id = {id_of(task.row): task for task in self.tasks if self.count[id_of(task.row)] == 1}
        self._rates: dict[tuple[str, frozenset[str]], float] = {}

    @cached_property
    def state(self) -> dict[str, str]:
        """active, paused or decommissioned, by agent."""
        found = {}
        for agent, document in self.documents.items():
            status = document.get("status")
            words = status.strip().casefold() if isinstance(status, str) else ""
            found[agent] = (
                "decommissioned" if words.startswith(GONE_WORDS)
                else "paused" if words.startswith(PAUSED_WORDS)
                else "active"
            )  # fmt: skip
        return found

    @cached_property
    def judged(self) -> list[str]:
        """The agents that the goals are about."""
        return [agent for agent in self.agents if self.state[agent] != "decommissioned"]

    @cached_property
    def capacity(self) -> dict[str, float]:
        """C_a [h] by agent."""
        found = {}
        for agent, document in self.documents.items():
            metadata = document.get("metadata")
            own = positive(metadata.get("capacity_hours")) if isinstance(metadata, dict) else None
            found[agent] = own or 8.0
        return found

    @cached_property
    def expertise(self) -> dict[str, frozenset[str]]:
        """E_a by agent."""
        return {agent: tag_set(document.get("expertise")) for agent, document in self.documents.items()}

    @cached_property
    def finished(self) -> dict[str, set[str]]:
        """The ids in each agent's history."""
        found = {}
        for agent, document in self.documents.items():
            history = document.get("history")
            entries = history if isinstance(history, list) else []
            found[agent] = {id_of(entry) for entry in entries if isinstance(entry, dict)} - {""}
        return found

    @cached_property
    def _medians(self) -> tuple[dict[str, float], float]:
        by_priority: dict[str, list[float]] = {}
        for task in self.tasks:
            hours = positive(task.row.get("estimated_hours"))
            if hours is not None:
                by_priority.setdefault(priority_of(task.row), []).append(hours)
        every = [hours for found in by_priority.values() for hours in found]
        return (
            {name: statistics.median(found) for name, found in by_priority.items() if len(found) >= 5},
            statistics.median(every) if every else 2.0,
        )

    def hours(self, task: Task) -> float:
        """h_t [h], imputed where the task names none."""
        own = positive(task.row.get("estimated_hours"))
        if own is not None:
            return own
        medians, overall = self._medians
        return medians.get(priority_of(task.row), overall)

    def imputed(self, task: Task) -> bool:
        """Whether h_t is."""
        return positive(task.row.get("estimated_hours")) is None

    def observations(self, agent: str) -> list[Document]:
        """Section 2: what came to an end, one entry a task."""
        history = self.documents[agent].get("history")
        entries = [entry for entry in history if isinstance(entry, dict)] if isinstance(history, list) else []
        rows = [row for row in self.documents[agent]["tasks"] if isinstance(row, dict)]
        ended = [row for row in rows if status_of(row) in ("completed", "failed")]
        found, seen = [], set()
        for entry in entries + ended:
            task_id = id_of(entry)
            if task_id and task_id in seen:
                continue
            seen.add(task_id)
            found.append(entry)
        return found

    @cached_property
    def _record(self) -> dict[str, tuple[dict[str, float], float, float]]:
        return {agent: self._record_of(self.observations(agent)) for agent in self.agents}

    def _record_of(self, entries: list[Document]) -> tuple[dict[str, float], float, float]:
        """Speed by skill, speed over all, reliability."""
        completed = [entry for entry in entries if status_of(entry) == "completed"]
        failed = [entry for entry in entries if status_of(entry) == "failed"]
        of_skill: dict[str, list[float]] = {}
        of_all: list[float] = []
        for entry in completed:
            found = entry.get("metrics")
            metrics = found if isinstance(found, dict) else {}
            estimated = positive(entry.get("estimated_hours")) or positive(metrics.get("estimated_hours"))
            actual = positive(entry.get("actual_hours")) or positive(metrics.get("actual_hours"))
            if estimated is None or actual is None:
                continue
            log = math.log(clip(estimated / actual, 0.25, 4.0))
            of_all.append(log)
            for skill in skills_of(entry):
                of_skill.setdefault(skill, []).append(log)
        speeds = {skill: math.exp(math.fsum(logs) / (len(logs) + 3)) for skill, logs in of_skill.items()}
        reliability = (len(completed) + 5) / (len(completed) + len(failed) + 5)
        return speeds, math.exp(math.fsum(of_all) / (len(of_all) + 3)), max(0.5, reliability)

    def rate(self, agent: str, skills: frozenset[str]) -> float:
        """s(a,t)·q_a: estimated hours that the agent does in one."""
        if (agent, skills) not in self._rates:
            speeds, overall, reliability = self._record[agent]
            found = [speeds.get(skill, overall) for skill in sorted(skills)] or [overall]
            mean = math.exp(math.fsum(math.log(speed) for speed in found) / len(found))
            self._rates[agent, skills] = clip(mean, 0.5, 2.0) * reliability
        return self._rates[agent, skills]

    def p(self, agent: str, task: Task) -> float:
        """Processing time [h] of the task at the agent."""
        own = positive(agent_hours_of(task.row).get(agent))
        return own if own is not None else self.hours(task) / self.rate(agent, task.skills)

    def weight(self, task: Task) -> float:
        """w(t): the part of it that still is to be done."""
        status = status_of(task.row)
        if status in ("pending", "blocked"):
            return 1.0
        if status != "in_progress":
            return 0.0
        progress: Any = task.row.get("progress")
        if type(progress) not in (int, float) or not 0 <= progress <= 100:
            progress = 0
        return 1.0 - float(progress) / 100.0

    def is_pinned(self, task: Task) -> bool:
        """In its file, or by the flags of this plan."""
        if task.row.get("pinned") is True or context_of(task.row).get("pinned") is True:
            return True
        return id_of(task.row) in self.config.get("pins", ())

    def is_cooling(self, task: Task) -> bool:
        """Whether it was moved a short while ago."""
        moved_at = seconds(moved_of(task.row).get("moved_at"))
        return moved_at is not None and self.now - moved_at < self.config["cooldown_hours"] * 3600

    def is_movable(self, task: Task) -> bool:
        """Movable(t)."""
        return (
            status_of(task.row) == "pending" and self.count[id_of(task.row)] == 1
            and not self.is_pinned(task) and not self.is_cooling(task)
        )  # fmt: skip

    def expected(self, task: Task) -> frozenset[str]:
        """The expertise of the first owner: for a task without required skills. Empty if that is not known."""
        found = moved_of(task.row).get("origin")
        return self.expertise.get(found if isinstance(found, str) and found else task.owner, frozenset())

    def is_eligible(self, agent: str, task: Task) -> bool:
        """Eligible(b,t), and not where the receiver's history knows the id (section 3 of the postbox)."""
        if self.state[agent] != "active" or id_of(task.row) in self.finished[agent]:
            return False
        hours = agent_hours_of(task.row)
        if agent in hours and hours[agent] is None:
            return False
        if task.skills:
            return task.skills <= self.expertise[agent]
        if self.config["unlabelled"] == "peers":
            expected = self.expected(task)
            return not expected or bool(expected & self.expertise[agent])
        return bool(self.config["unlabelled"] == "any")

    def receivers(self, task: Task) -> list[str]:
        """The agents other than its owner that the task may go to."""
        return [agent for agent in self.agents if agent != task.owner and self.is_eligible(agent, task)]

    def is_ill_placed(self, task: Task) -> bool:
        """Whether its owner is the wrong one for it."""
        hours = agent_hours_of(task.row)
        return (
            self.state[task.owner] == "decommissioned"
            or not task.skills <= self.expertise[task.owner]
            or (task.owner in hours and hours[task.owner] is None)
        )

    @cached_property
    def misplaced(self) -> frozenset[int]:
        """Keys of the tasks that are misplaced as the files stand."""
        return frozenset(
            task.key
            for task in self.tasks
            if self.is_ill_placed(task)
            and self.is_movable(task)
            and any(agent != task.owner and self.is_eligible(agent, task) for agent in self.agents)
        )

    def loads(self, moved: dict[int, str]) -> dict[str, float]:
        """L_a [h] by agent, once the tasks with these keys are where `moved` says."""
        parts: dict[str, list[float]] = {agent: [] for agent in self.agents}
        for task in self.tasks:
            agent = moved.get(task.key, task.owner)
            if weight := self.weight(task):
                parts[agent].append(self.p(agent, task) * weight)
        return {agent: math.fsum(found) for agent, found in parts.items()}

    def pending(self, moved: dict[int, str]) -> dict[str, int]:
        """n_a by agent, likewise."""
        found = dict.fromkeys(self.agents, 0)
        for task in self.tasks:
            if status_of(task.row) == "pending":
                found[moved.get(task.key, task.owner)] += 1
        return found

    def nominal(self, moved: dict[int, str]) -> dict[str, float]:
        """H_a [h] by agent, likewise."""
        parts: dict[str, list[float]] = {agent: [] for agent in self.agents}
        for task in self.tasks:
            if status_of(task.row) == "pending":
                parts[moved.get(task.key, task.owner)].append(self.hours(task))
        return {agent: math.fsum(found) for agent, found in parts.items()}

    def goals_of(self, misplaced: int, loads: dict[str, float], pending: dict[str, int]) -> Goals:
        """X, P, E, O of these loads and counts."""
        target, limit = self.config["target"], self.config["queue_limit"]
        worst = max((100 * loads[agent] / self.capacity[agent] for agent in self.judged), default=0.0)
        excess = [max(0.0, loads[agent] - target / 100 * self.capacity[agent]) for agent in self.judged]
        over = sum(max(0, pending[agent] - limit) for agent in self.judged) if limit else 0
        return Goals(misplaced, max(target, worst), math.fsum(excess) if target > 0 else 0.0, over, worst)

    def goals(self, moved: dict[int, str] | None = None) -> Goals:
        """X, P, E, O once the tasks are where `moved` says."""
        moved = moved or {}
        left = sum(1 for key in self.misplaced if key not in moved)
        return self.goals_of(left, self.loads(moved), self.pending(moved))
