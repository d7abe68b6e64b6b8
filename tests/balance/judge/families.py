"""Workspaces to judge a planner by: the families of section 8 of the specification, and odd ones.

Each is made from its name, size and seed alone, the same on every machine. Documents only; `write` puts them on disk.
"""

import json
import os
import random
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from tests.balance.judge.naive import Document

NOW = "2026-03-02T12:00:00Z"
SKILLS = (
    "testing", "frontend", "backend", "database", "security", "documentation", "devops", "design", "analytics",
    "mobile", "infrastructure", "research",
)  # fmt: skip
SPELLINGS = (str, str.upper, lambda tag: f" {tag} ", lambda tag: tag.replace("_", "-"))
PRIORITIES = ("CRITICAL", "HIGH", "MEDIUM", "LOW")
LEVEL: Document = {"target": 0, "queue_limit": 0, "unlabelled": "any"}


class Instance(NamedTuple):
    """One workspace: documents by agent, and the flags it is planned with, beside the defaults."""

    name: str
    documents: dict[str, Document]
    config: Document


def write(instance: Instance, workspace: str, backwards: bool = False) -> None:
    """Put the queue files on disk, in the order of names or against it."""
    for agent in sorted(instance.documents, reverse=backwards):
        folder = os.path.join(workspace, "postbox", agent)
        os.makedirs(folder)
        with open(os.path.join(folder, "outbox.json"), "w", encoding="utf-8") as file:
            json.dump(instance.documents[agent], file, ensure_ascii=False, indent=2)
            file.write("\n")


def bytes_of(documents: dict[str, Document]) -> dict[str, bytes]:
    """The same as files at hand."""
    return {agent: json.dumps(row, ensure_ascii=False).encode() for agent, row in documents.items()}


def row(task_id: str, hours: float | None = 1.0, **more: Any) -> Document:
    """A pending task."""
    made: Document = {"task_id": task_id, "title": f"Do {task_id}", "status": "pending", "priority": "MEDIUM"}
    if hours is not None:
        made["estimated_hours"] = hours
    return {**made, **more}


def outbox(agent: str, tasks: list[Any], expertise: list[str] | None = None, **more: Any) -> Document:
    """A standard queue file."""
    made: Document = {
        "agent_id": agent, "agent_name": f"Agent {agent}", "expertise": expertise or [], "tasks": tasks,
        "history": [], "metadata": {"last_updated": "2026-03-02T11:00:00Z"},
    }  # fmt: skip
    return {**made, **more}


def mixed(agents: int, tasks: int, seed: int) -> Instance:
    """Skills, speeds, hours, states and fixed work of all kinds; loads from well below to beyond the target."""
    rng = random.Random(f"mixed {agents} {tasks} {seed}")
    known = SKILLS[: rng.choice((3, 6, 12)) if agents > 4 else 3]
    names = [f"A{number:04d}" for number in range(agents)]
    expertise = {name: rng.sample(known, min(len(known), rng.choice((1, 2, 2, 3, 4)))) for name in names}
    for skill in known:  # a specialist or more for each
        if not any(skill in found for found in expertise.values()):
            expertise[rng.choice(names)].append(skill)
    base = rng.choice((8.0, 8.0, 20.0, 40.0))
    same = rng.random() < 0.4
    capacity = {name: base if same else base * rng.choice((0.5, 1.0, 1.0, 1.0, 1.5, 2.0)) for name in names}
    states = dict.fromkeys(names, "")
    for name in names:
        draw = rng.random()
        if agents >= 5 and draw < 0.12:
            states[name] = "DECOMMISSIONED - No longer active" if draw < 0.06 else "paused until Monday"
    if not any(not state for state in states.values()):
        states[names[0]] = ""
    load = rng.choice((0.4, 0.6, 0.7, 0.78, 0.85, 1.1))
    skew = rng.choice((0.0, 0.5, 1.0, 2.0))
    standing = [1.0 / (1 + number) ** skew for number in range(agents)]
    rng.shuffle(standing)
    by_skill = {skill: [name for name in names if skill in expertise[name]] for skill in known}
    owner_weight = dict(zip(names, standing, strict=True))
    made: list[tuple[str, Document]] = []
    fits: dict[frozenset[str], list[str]] = {}
    for number in range(tasks):
        skills = rng.sample(known, rng.choice((0, 1, 1, 1, 1, 2)))
        if frozenset(skills) not in fits:
            fits[frozenset(skills)] = [name for name in names if set(skills) <= set(expertise[name])]
        fit = fits[frozenset(skills)]
        if skills and not fit:
            skills = skills[:1]
            fit = by_skill[skills[0]]
        pool = fit if rng.random() < 0.97 else names
        owner = rng.choices(pool, [owner_weight[name] for name in pool])[0]
        task = _mixed_task(rng, f"TASK-{number}", skills, number)
        if skills and rng.random() < min(0.02, 10 / agents):
            task["context"] = {
                "agent_hours": {
                    name: rng.choice((None, 1.0, 3.0)) for name in rng.sample(names, min(2, agents))
                }
            }
        made.append((owner, task))
    _scale(made, load * sum(capacity.values()))
    queues: dict[str, list[Document]] = {name: [] for name in names}
    for owner, task in made:
        queues[owner].append(task)
    documents = {
        name: outbox(
            name, queues[name],
            [rng.choice(SPELLINGS)(skill) for skill in expertise[name]],
            history=_history(rng, name, expertise[name]),
            metadata={"capacity_hours": capacity[name]} if capacity[name] != 8.0 else {"last_updated": NOW},
            **({"status": states[name]} if states[name] else {}),
        )
        for name in names
    }  # fmt: skip
    limit = rng.choice((10, 10, 0, max(10, 2 * tasks // agents)))
    config = {"queue_limit": limit, "unlabelled": rng.choice(("peers", "peers", "any", "never"))}
    return Instance(f"mixed {agents}x{tasks} #{seed}", documents, config)


def _mixed_task(rng: random.Random, task_id: str, skills: list[str], number: int) -> Document:
    hours = rng.choice((0.5, 1, 1, 2, 2, 3, 4, 6, 8, round(rng.lognormvariate(0.7, 0.8), 2)))
    task = row(task_id, hours, priority=rng.choice(PRIORITIES))
    if skills:
        task["required_skills"] = skills
    draw = rng.random()
    if draw < 0.04:
        task |= {"status": "in_progress", "progress": rng.choice((0, 25, 50, 90))}
    elif draw < 0.07:
        task["status"] = "blocked"
    elif draw < 0.10:
        task["pinned"] = True
    elif draw < 0.13:
        task["status"] = rng.choice(("completed", "failed", "ready_for_review"))
    elif draw < 0.15:
        task["bluetop"] = {"moved_at": "2026-03-02T11:30:00Z", "origin": "A0000", "plan_id": "0" * 32}
    if rng.random() < 0.05:
        del task["estimated_hours"]
    if number and rng.random() < 0.1:
        task["dependencies"] = [f"TASK-{rng.randrange(number)} (must finish)"]
    return task


def _scale(made: list[tuple[str, Document]], total: float) -> None:
    """Bring the estimated hours of all tasks together to `total`, on a grid of a quarter or finer."""
    now = sum(task.get("estimated_hours", 2.0) for _, task in made)
    factor = total / max(1.0, now)
    grid = 0.25 if factor > 0.4 else 0.01
    for _, task in made:
        if "estimated_hours" in task:
            task["estimated_hours"] = max(
                grid, round(round(task["estimated_hours"] * factor / grid) * grid, 2)
            )


def _history(rng: random.Random, name: str, expertise: list[str]) -> list[Document]:
    pace = rng.choice((0.6, 0.8, 1.0, 1.0, 1.3, 1.8))
    entries = []
    for number in range(rng.choice((0, 0, 3, 8))):
        hours = rng.choice((1, 2, 4, 5))
        entry: Document = {
            "task_id": f"OLD-{name}-{number}", "status": "failed" if rng.random() < 0.1 else "completed",
            "estimated_hours": hours, "required_skills": [rng.choice(expertise)],
        }  # fmt: skip
        actual = round(hours / pace * rng.uniform(0.8, 1.25), 2)
        if rng.random() < 0.5:
            entry["metrics"] = {"actual_hours": actual}
        else:
            entry["actual_hours"] = actual
        entries.append(entry)
    return entries


def level(agents: int, tasks: int, seed: int, kind: str) -> Instance:
    """R||Cmax by `context.agent_hours`: u100 U(1,100), u10 U(10,100), machine- or job-correlated, few eligible."""
    rng = random.Random(f"level {kind} {agents} {tasks} {seed}")
    names = [f"M{number:02d}" for number in range(agents)]
    machine = [rng.randint(1, 20) for _ in names]
    documents = {name: outbox(name, []) for name in names}
    for number in range(tasks):
        job = rng.randint(1, 20)
        hours: dict[str, float | None] = {}
        for slot, name in enumerate(names):
            hours[name] = {
                "u100": rng.randint(1, 100), "u10": rng.randint(10, 100),
                "machine": rng.randint(1, 100) + 5 * machine[slot], "job": rng.randint(1, 100) + 5 * job,
                "few": rng.randint(1, 100),
            }[kind]  # fmt: skip
        eligible = list(names)
        if kind == "few":
            eligible = [name for name in names if rng.random() < 0.3] or [rng.choice(names)]
            hours = {name: hours[name] if name in eligible else None for name in names}
        owner = rng.choice(eligible)
        documents[owner]["tasks"].append(row(f"J-{number}", hours[owner], context={"agent_hours": hours}))
    return Instance(f"level-{kind} {agents}x{tasks} #{seed}", documents, dict(LEVEL))


LEVEL_KINDS = ("u100", "u10", "machine", "job", "few")


def tiny(seed: int) -> Instance:
    """At most 5 x 15, target 80, all kinds."""
    rng = random.Random(f"tiny {seed}")
    found = mixed(rng.randint(1, 5), rng.randint(1, 15), seed)
    return found._replace(name=f"tiny #{seed}")


def tiny_level(seed: int) -> Instance:
    """At most 5 x 15, level mode."""
    rng = random.Random(f"tiny level {seed}")
    kind = rng.choice(LEVEL_KINDS)
    found = level(rng.randint(2, 5), rng.randint(2, 15), seed, kind)
    return found._replace(name=f"tiny-level-{kind} #{seed}")


def _simple(hours: dict[str, list[float]], **config: Any) -> tuple[dict[str, Document], Document]:
    """Agents with tasks of these hours, all of one skill."""
    documents = {
        name: outbox(
            name,
            [row(f"{name}-{n}", h, required_skills=["testing"]) for n, h in enumerate(found)],
            ["testing"],
        )
        for name, found in hours.items()
    }
    return documents, config


def _pinned_agent() -> tuple[dict[str, Document], Document]:
    documents, config = _simple({"A": [4, 4, 4], "B": []})
    for task in documents["A"]["tasks"]:
        task["pinned"] = True
    return documents, config


def _cooling_agent() -> tuple[dict[str, Document], Document]:
    documents, config = _simple({"A": [4, 4, 4], "B": []})
    for task in documents["A"]["tasks"]:
        task["bluetop"] = {"moved_at": "2026-03-02T11:59:00Z", "origin": "B", "plan_id": "0" * 32}
    return documents, config


def _crossed_skills() -> tuple[dict[str, Document], Document]:
    """What B could take, only a chain by way of C makes room for."""
    documents, config = _simple({"A": [3, 3, 3], "B": [6], "C": []}, queue_limit=0)
    documents["B"]["tasks"] = [row("B-0", 6, required_skills=["frontend"])]
    documents["B"]["expertise"] = ["testing", "frontend"]
    documents["C"]["expertise"] = ["frontend"]
    return documents, config


def _retired() -> tuple[dict[str, Document], Document]:
    documents, config = _simple({"A": [2, 2, 2, 2, 2], "B": [1], "C": [6]})
    documents["A"]["status"] = " Retired on Friday"
    return documents, config


def _nobody() -> tuple[dict[str, Document], Document]:
    documents, config = _simple({"A": [2, 2], "B": [1]})
    for document in documents.values():
        document["status"] = "inactive"
    return documents, config


def _wrong_owner() -> tuple[dict[str, Document], Document]:
    documents, config = _simple({"A": [2, 2, 2, 2], "B": [5, 1]})
    documents["A"]["expertise"] = ["design"]
    return documents, config


def _budgeted(most: int) -> tuple[dict[str, Document], Document]:
    return _simple({"A": [2] * 8, "B": [3], "C": []}, max_moves=most)


ODD: dict[str, Callable[[], tuple[dict[str, Document], Document]]] = {
    "no agents": lambda: ({}, {}),
    "one agent": lambda: _simple({"A": [9, 9, 9]}),
    "nothing to do": lambda: _simple({"A": [], "B": [], "C": []}),
    "balanced": lambda: _simple({"A": [3, 3], "B": [3, 3], "C": [3, 3]}),
    "all below the target": lambda: _simple({"A": [6], "B": [], "C": []}),
    "all overloaded": lambda: _simple({"A": [8, 8], "B": [8, 8], "C": [8, 8]}),
    "all overloaded, one worse": lambda: _simple({"A": [8] * 6, "B": [8, 8], "C": [8, 8]}),
    "one large task": lambda: _simple({"A": [20], "B": [], "C": []}),
    "whole hours": lambda: _simple({"A": [1] * 9, "B": [], "C": []}),
    "equal tasks": lambda: _simple({"A": [2] * 8, "B": [2], "C": []}),
    "equal tasks, level": lambda: _simple({"A": [2] * 8, "B": [2], "C": []}, **LEVEL),
    "level, nothing to gain": lambda: _simple({"A": [2], "B": [2], "C": [2]}, **LEVEL),
    "level, one task": lambda: _simple({"A": [2], "B": []}, **LEVEL),
    "long queue of crumbs": lambda: _simple({"A": [0.1] * 25, "B": [], "C": []}),
    "long queues": lambda: _simple({"A": [0.1] * 25, "B": [0.1] * 12, "C": [0.1] * 9}),
    "no queue limit": lambda: _simple({"A": [0.1] * 25, "B": [], "C": []}, queue_limit=0),
    **{f"budget {most}": partial(_budgeted, most) for most in (1, 2, 3, 4, 5)},
    "budget and retired": lambda: (_retired()[0], {"max_moves": 2}),
    "pinned": _pinned_agent,
    "cooling down": _cooling_agent,
    "no cool-down": lambda: (_cooling_agent()[0], {"cooldown_hours": 0}),
    "crossed skills": _crossed_skills,
    "retired": _retired,
    "nobody active": _nobody,
    "wrong owner": _wrong_owner,
    "a high gain asked": lambda: _simple({"A": [4, 3], "B": [], "C": []}, min_gain=20),
    "target 0.5": lambda: _simple({"A": [4, 3], "B": [1], "C": []}, target=0.5),
    "target 150": lambda: _simple({"A": [9, 5], "B": [1], "C": []}, target=150),
}


def odd() -> list[Instance]:
    """Every odd one."""
    found = []
    for name, make in ODD.items():
        documents, config = make()
        found.append(Instance(name, documents, config))
    return found


MIXED_SIZES = ((3, 10), (5, 15), (10, 100), (20, 400), (100, 2_000), (1_000, 100_000))
LEVEL_SIZES = ((10, 100), (20, 200), (50, 500))


def budgets(seed: int) -> Instance:
    """A tiny one with a budget of 1 to 5 moves."""
    found = tiny(seed)
    return Instance(
        f"budget {1 + seed % 5}, {found.name}", found.documents, {**found.config, "max_moves": 1 + seed % 5}
    )
