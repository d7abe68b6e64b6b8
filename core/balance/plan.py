"""A plan as it is shown, kept, sent and applied: `bluetop.plan/1`."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from core.balance.options import Options, options_of
from core.errors import UsageError
from core.text import clean_line

SCHEMA = "bluetop.plan/1"

EVACUATE, RELIEVE, OVERFLOW, ROOM = "evacuate", "relieve_overload", "reduce_overflow", "make_room"
CODES = (EVACUATE, RELIEVE, OVERFLOW, ROOM)

# Why an agent stays above the target.
NO_RECEIVER, SATURATED, INDIVISIBLE = "no_eligible_receiver", "saturated", "indivisible"
PINNED, COOLDOWN, BUDGET = "pinned", "cooldown", "budget"


class AgentLoad(NamedTuple):
    """One agent before or after a plan: hours of expected work, per cent of capacity."""

    agent: str
    state: str
    capacity_hours: float
    load_hours: float
    utilisation: float
    workload_score: float
    pending: int

    def data(self) -> dict[str, Any]:
        """As in JSON, without the name."""
        found = self._asdict()
        del found["agent"]
        return found


class Picture(NamedTuple):
    """The workspace before or after a plan, by the goals of the planner."""

    misplaced: int
    peak: float
    excess_hours: float
    overflow: int
    overloaded: tuple[str, ...]
    underutilised: tuple[str, ...]
    agents: tuple[AgentLoad, ...]

    def of(self, agent: str) -> AgentLoad | None:
        """The row of an agent."""
        return next((row for row in self.agents if row.agent == agent), None)

    def data(self) -> dict[str, Any]:
        """As in JSON."""
        found = self._asdict()
        found["overloaded"], found["underutilised"] = list(self.overloaded), list(self.underutilised)
        found["agents"] = {row.agent: row.data() for row in self.agents}
        return found


class Move(NamedTuple):
    """One task that changes hands, in the order in which that is done.

    `hours_from` and `hours_to` are the expected hours at giver and receiver. `priority` and `title` are the
    task's, to be shown. `disruption` is what the move costs beside its hours: the weight of its priority,
    and dependencies torn apart less those brought together.
    """

    seq: int
    task_id: str
    source: str
    receiver: str
    hours_from: float
    hours_to: float
    imputed: bool
    fingerprint: str
    code: str
    text: str
    title: str = ""
    priority: str = ""
    disruption: int = 0

    def data(self) -> dict[str, Any]:
        """As in JSON."""
        return {
            "seq": self.seq, "task_id": self.task_id, "from": self.source, "to": self.receiver,
            "hours_from": self.hours_from, "hours_to": self.hours_to, "imputed": self.imputed,
            "fingerprint": self.fingerprint, "reason": {"code": self.code, "text": self.text},
            "title": self.title, "priority": self.priority, "disruption": self.disruption,
        }  # fmt: skip


class Unresolved(NamedTuple):
    """An agent that stays above the target, and why; `text` says it in a sentence."""

    agent: str
    utilisation: float
    cause: str
    text: str = ""

    def data(self) -> dict[str, Any]:
        """As in JSON."""
        return self._asdict()


class Warned(NamedTuple):
    """What was odd in the files. `agent` and `task_id` may be ""."""

    code: str
    agent: str
    task_id: str
    detail: str

    def data(self) -> dict[str, Any]:
        """As in JSON; what does not apply is null."""
        return {"code": self.code, "agent": self.agent or None, "task_id": self.task_id or None,
                "detail": self.detail}  # fmt: skip


class Plan(NamedTuple):
    """Which tasks should change hands, why, and what comes of it. `bound` is proven: no plan has a lower peak."""

    plan_id: str
    now: str
    options: Options
    before: Picture
    after: Picture
    bound: float | None
    gap: float | None
    moves: tuple[Move, ...]
    unresolved: tuple[Unresolved, ...]
    warnings: tuple[Warned, ...]

    def data(self) -> dict[str, Any]:
        """The object of bluetop.plan/1."""
        return {
            "schema": SCHEMA, "plan_id": self.plan_id, "now": self.now, "config": self.options.data(),
            "before": self.before.data(), "after": self.after.data(),
            "bound": {"peak": self.bound, "gap": self.gap},
            "moves": [move.data() for move in self.moves],
            "unresolved": [row.data() for row in self.unresolved],
            "warnings": [row.data() for row in self.warnings],
        }  # fmt: skip


def plan_id_of(inputs: str, now: str, options: Options, moves: tuple[Move, ...]) -> str:
    """Hex digest of what went in (a digest of the files), the flags and the moves."""
    rows = [[move.seq, move.task_id, move.source, move.receiver, move.fingerprint] for move in moves]
    text = json.dumps([inputs, now, options.data(), rows], sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def plan_of(data: Any) -> Plan:
    """The plan in an object of bluetop.plan/1, which may come from anywhere.

    Raises:
        UsageError: it is none; the sentence names the key that is wrong.
    """
    where = "the plan"
    if not isinstance(data, Mapping) or data.get("schema") != SCHEMA:
        found = data.get("schema") if isinstance(data, Mapping) else type(data).__name__
        raise UsageError(clean_line(f"{where} is no object of schema {SCHEMA} (found {found!r}); save one with "
                                    "`bluetop optimize --json`"))  # fmt: skip
    plan_id = _text(data, "plan_id")
    if not (8 <= len(plan_id) <= 64 and plan_id.isascii() and plan_id.isalnum()):
        raise UsageError(clean_line(f"plan_id {plan_id[:80]!r} is no hex digest"))
    rows = data.get("moves")
    if not isinstance(rows, list):
        raise UsageError("moves is no list")
    moves = tuple(_move(row, number) for number, row in enumerate(rows))
    if len({move.task_id for move in moves}) != len(moves) or len({move.seq for move in moves}) != len(moves):
        raise UsageError("a task or a seq occurs twice in moves: a plan moves each task once")
    bound = data.get("bound") if isinstance(data.get("bound"), Mapping) else {}
    return Plan(
        plan_id, _text(data, "now"), options_of(_table(data, "config")),
        _picture(_table(data, "before"), "before"), _picture(_table(data, "after"), "after"),
        _maybe(bound, "peak"), _maybe(bound, "gap"), moves,
        tuple(
            Unresolved(_text(row, "agent"), _number(row, "utilisation"), _text(row, "cause"), _word(row, "text"))
            for row in _tables(data, "unresolved")
        ),
        tuple(
            Warned(_text(row, "code"), _word(row, "agent"), _word(row, "task_id"), _word(row, "detail"))
            for row in _tables(data, "warnings")
        ),
    )  # fmt: skip


def _move(row: Any, number: int) -> Move:
    if not isinstance(row, Mapping):
        raise UsageError(f"moves[{number}] is no object")
    reason = row.get("reason")
    if not isinstance(reason, Mapping):
        raise UsageError(f"moves[{number}].reason is no object")
    seq = row.get("seq")
    if isinstance(seq, bool) or not isinstance(seq, int) or seq < 1:
        raise UsageError(f"moves[{number}].seq is no number from 1 up")
    move = Move(
        seq, _text(row, "task_id"), _text(row, "from"), _text(row, "to"),
        _number(row, "hours_from"), _number(row, "hours_to"), row.get("imputed") is True,
        _text(row, "fingerprint"), _text(reason, "code"), _word(reason, "text"),
        _word(row, "title"), _word(row, "priority"), int(_maybe(row, "disruption") or 0),
    )  # fmt: skip
    for name in (move.source, move.receiver):
        if name in (".", "..") or "/" in name or "\0" in name:
            raise UsageError(clean_line(f"moves[{number}]: {name[:80]!r} is no agent's name"))
    if move.source == move.receiver:
        raise UsageError(
            clean_line(f"moves[{number}]: {move.task_id} would move from {move.source} to itself")
        )
    return move


def _picture(data: Mapping[str, Any], where: str) -> Picture:
    agents = _table(data, "agents")
    rows = []
    for name, row in agents.items():
        if not isinstance(row, Mapping):
            raise UsageError(clean_line(f"{where}.agents.{name} is no object"))
        rows.append(AgentLoad(
            name, _text(row, "state"), _number(row, "capacity_hours"), _number(row, "load_hours"),
            _number(row, "utilisation"), _number(row, "workload_score"), int(_number(row, "pending")),
        ))  # fmt: skip
    names = []
    for key in ("overloaded", "underutilised"):
        found = data.get(key)
        if not isinstance(found, list) or not all(isinstance(name, str) for name in found):
            raise UsageError(f"{where}.{key} is no list of agents")
        names.append(tuple(found))
    return Picture(
        int(_number(data, "misplaced")), _number(data, "peak"), _number(data, "excess_hours"),
        int(_number(data, "overflow")), names[0], names[1], tuple(rows),
    )  # fmt: skip


def _table(data: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = data.get(key)
    if not isinstance(found, Mapping):
        raise UsageError(f"{key} is no object")
    return found


def _tables(data: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    found = data.get(key, [])
    if not isinstance(found, list) or not all(isinstance(row, Mapping) for row in found):
        raise UsageError(f"{key} is no list of objects")
    return found


def _text(data: Mapping[str, Any], key: str) -> str:
    found = data.get(key)
    if not isinstance(found, str) or not found:
        raise UsageError(f"{key} is no text")
    return found


def _word(data: Mapping[str, Any], key: str) -> str:
    found = data.get(key)
    return found if isinstance(found, str) else ""


def _number(data: Mapping[str, Any], key: str) -> float:
    found = data.get(key)
    if isinstance(found, bool) or not isinstance(found, int | float) or not abs(found) < 1e300:
        raise UsageError(f"{key} is no number")
    return found


def _maybe(data: Any, key: str) -> float | None:
    return None if not isinstance(data, Mapping) or data.get(key) is None else _number(data, key)
