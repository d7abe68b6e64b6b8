"""One signal file → one signal, and which signals are answers to which. Reads no files.

Only what the real system's files and its protocol (AGENT_COMMUNICATION_PROTOCOL.md there) hold is
understood; any other kind of signal is a word like another. Values may be of any type.
"""

import sys
from typing import Any, NamedTuple

from core.queues.statuses import shown
from core.queues.tally import text
from core.queues.times import parse
from core.queues.tracked import id_text
from core.text import clean_line

_MOST_REFERENCES = 20
# Of one task: ten thousand hostile files shall not be compared with ten thousand others.
_MOST_ACCEPTING = 100

_ID_KEYS = ("signal_id", "id")
_KIND_KEYS = ("signal_type", "type")
_AGENT_KEYS = ("from_agent", "from", "sender")
_TO_KEYS = ("to_agent", "to", "recipient")
_TASK_KEYS = ("current_task", "blocked_task", "task_id", "completed_task")
_REFERENCE_KEYS = ("related_signals", "in_response_to", "response_to", "responds_to", "reply_to", "signal_id")
# A signal of these kinds asks something itself, whatever it refers to.
_ASKING = frozenset(("NEEDS_HELP", "BLOCKED", "HANDOFF_REQUEST", "RESOURCE_CLAIM", "REMINDER"))
_ENDING = frozenset(("COMPLETED", "READY"))


class Said(NamedTuple):
    """One signal. Its first nine values are those of `core.samples.Signal`.

    `heard_at` is `at`, or the time of the file where the signal names none. `references` are the
    ids of the signals that it names. `wants_answer` is False only if it says so itself.
    """

    signal_id: str
    kind: str
    agent: str
    to: str
    at: float | None
    message: str
    priority: str
    task: str
    path: str
    heard_at: float
    expires_at: float | None
    references: tuple[str, ...]
    wants_answer: bool


def signal(document: Any, name: str, path: str, latest: float) -> Said | None:
    """The signal in `document`; None if that is no signal.

    `name` stands for the id where there is none. `latest` is the time beyond which nothing in the
    file can be true: that of the file, or now if that is earlier.
    """
    if not isinstance(document, dict):
        return None
    kind = _folded(_first(document, _KIND_KEYS))
    agent = id_text(_first(document, _AGENT_KEYS))
    if not kind and not agent:
        return None
    context = document.get("context")
    context = context if isinstance(context, dict) else {}
    moment, expires = parse(document.get("timestamp")), parse(document.get("expires_at"))
    at = None if moment is None else min(moment.at, latest)
    to = id_text(_first(document, _TO_KEYS))
    keys = ("completed_task", *_TASK_KEYS) if kind == "COMPLETED" else _TASK_KEYS
    priority = document.get("priority")
    return Said(
        signal_id=id_text(_first(document, _ID_KEYS)) or clean_line(name, 120),
        kind=sys.intern(kind),
        agent=sys.intern(agent),
        to="" if to.upper() == "ALL" else sys.intern(to),
        at=at,
        message=text(document.get("message"), 300),
        priority="" if isinstance(priority, bool) else sys.intern(shown(priority).upper()),
        task=id_text(_first(context, keys)) or id_text(_first(document, keys)),
        path=path,
        heard_at=latest if at is None else at,
        expires_at=None if expires is None else expires.at,
        references=_references(document, context),
        wants_answer=document.get("response_required") is not False,
    )


def _first(record: dict[str, Any], keys: tuple[str, ...]) -> Any:
    return next((record[key] for key in keys if isinstance(record.get(key), (str, int))), None)


def _folded(value: Any) -> str:
    """The word for a kind of signal: `needs-help` is NEEDS_HELP."""
    return clean_line(value, 40).upper().replace("-", "_").replace(" ", "_") if isinstance(value, str) else ""


def _references(document: dict[str, Any], context: dict[str, Any]) -> tuple[str, ...]:
    found: list[str] = []
    for record, keys in ((document, _REFERENCE_KEYS[:-1]), (context, _REFERENCE_KEYS)):
        for key in keys:
            value = record.get(key)
            for item in value[:_MOST_REFERENCES] if isinstance(value, list) else (value,):
                name = id_text(item)
                if name:
                    found.append(name)
    return tuple(found[:_MOST_REFERENCES])


class Answers:
    """What was said in answer to something.

    The protocol (AGENT_COMMUNICATION_PROTOCOL.md of the real system) knows `related_signals` and the
    pair HANDOFF_REQUEST, HANDOFF_ACCEPT; the files name no other way. So a signal is answered by

    - one that names its id: from another agent, unless that asks something itself (a REMINDER,
      another cry for help); from the same agent only COMPLETED or READY;
    - a HANDOFF_ACCEPT from the agent that was asked, or any if none was, for the same task, not
      earlier;
    - the asker's own COMPLETED for the task it was stuck with (NEEDS_HELP, BLOCKED), not earlier.
    """

    def __init__(self) -> None:
        self._naming: dict[str, list[Said]] = {}
        self._accepted: dict[str, dict[tuple[str, str], float]] = {}
        self._completed: dict[tuple[str, str], float] = {}

    def add(self, said: Said) -> None:
        """Take a signal of a daily folder into account."""
        if not said.agent:
            return
        for name in said.references:
            self._naming.setdefault(name, []).append(said)
        if said.task and said.kind == "HANDOFF_ACCEPT":
            accepted = self._accepted.setdefault(said.task, {})
            pair = said.agent, said.to
            if pair in accepted or len(accepted) < _MOST_ACCEPTING:
                accepted[pair] = max(said.heard_at, accepted.get(pair, 0.0))
        elif said.task and said.kind == "COMPLETED":
            key = said.agent, said.task
            self._completed[key] = max(said.heard_at, self._completed.get(key, 0.0))

    def answered(self, asked: Said) -> bool:
        """Whether something answers `asked`."""
        for said in self._naming.get(asked.signal_id, ()):
            if said.kind in _ENDING if said.agent == asked.agent else said.kind not in _ASKING:
                return True
        if not asked.task:
            return False
        if asked.kind == "HANDOFF_REQUEST":
            return any(
                at >= asked.heard_at
                and agent != asked.agent
                and agent == (asked.to or agent)
                and asked.agent == (to or asked.agent)
                for (agent, to), at in self._accepted.get(asked.task, {}).items()
            )
        if asked.kind in ("NEEDS_HELP", "BLOCKED"):
            return self._completed.get((asked.agent, asked.task), -1.0) >= asked.heard_at
        return False
