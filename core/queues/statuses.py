"""Status words, folded: what agents write for the same thing becomes one word.

Only words that real files use, in any case, with blanks or dashes for underscores. What is
not listed stays as it was written and is counted as `other`: "partial", "cancelled", "sent".
Not for the state of an agent, except the words that take it out of service.
"""

from typing import Any

from core.queues.model import STATUSES
from core.text import clean_line

STATUS_SYNONYMS = {
    "complete": "completed",
    "done": "completed",
    "success": "completed",
    "successful": "completed",
    "closed_via_reference": "completed",
    "failure": "failed",
    "error": "failed",
    "inprogress": "in_progress",
    "review": "ready_for_review",
    "in_review": "ready_for_review",
}

# What a message says by its type alone, where it has no status.
MESSAGE_TYPES = {
    "task_completion": "completed",
    "task_complete": "completed",
    "completion": "completed",
    "task_closure": "completed",
}

_DECOMMISSIONED = ("decommissioned", "retired", "inactive")
_PAUSED = ("paused", "offline", "maintenance")

KNOWN: dict[str, str] = {word: word for word in STATUSES} | STATUS_SYNONYMS


def fold(raw: Any) -> str:
    """One of `STATUSES`, or "" if `raw` is no word that bluetop knows."""
    if type(raw) is not str:
        return ""
    known = KNOWN.get(raw)
    if known is not None:
        return known
    if len(raw) > 40:
        return ""
    return KNOWN.get("_".join(raw.lower().replace("-", " ").split()), "")


def shown(raw: Any) -> str:
    """A status as the file writes it, fit to be shown; "" if there is none."""
    if raw is None or isinstance(raw, (dict, list)):
        return ""
    return clean_line(str(raw), 60)


def agent_state(status: Any) -> str:
    """active, paused or decommissioned, from the free text of an agent's own status."""
    if type(status) is not str:
        return "active"
    word = status[:200].strip().casefold()
    if word.startswith(_DECOMMISSIONED):
        return "decommissioned"
    return "paused" if word.startswith(_PAUSED) else "active"
