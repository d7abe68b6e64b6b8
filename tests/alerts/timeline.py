"""What small timelines for the alert engine are written in: these rules and these lines, so that (alerting.md).

`sentence` is what the timeline is about, in the specification's words. `expected` was worked out by
hand from those words. It names all that a replay should give; a part that it leaves out is empty:

    transitions    (t, "rule subject", "from → to", reason, value, since)
    notifications  (t, "rule subject", what)
    final          ("rule subject", state, since), then "acked" and "flapping" where they are so
    dropped        (out_of_order, invalid, rejected)
    kpis           (name, status, {subject: status})

A line of `lines` is a sample as (t, value), (t, value, subject), (t, value, subject, scope) or
(t, value, subject, scope, metric); an event as one of the functions below; or raw text.
"""

import json
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

Line = tuple[Any, ...] | dict[str, Any] | str
NAN, INFINITY = float("nan"), float("inf")


class Timeline(NamedTuple):
    """One row: what happens, and what should come of it."""

    name: str
    sentence: str
    rules: str
    lines: Sequence[Line]
    expected: dict[str, Any]


def rule(keys: str = "", name: str = "r", metric: str = "m", op: str = ">", threshold: float = 10) -> str:
    """A `[[rule]]` in TOML; `keys` are further lines, with "; " between them."""
    own = f'name = "{name}"\nmetric = "{metric}"\nop = "{op}"\nthreshold = {threshold}\n'
    return f"[[rule]]\n{own}" + keys.replace("; ", "\n") + "\n"


def kpi(keys: str, name: str = "k", metric: str = "m") -> str:
    """A `[[kpi]]` in TOML; `keys` as for `rule`."""
    return f'[[kpi]]\nname = "{name}"\nmetric = "{metric}"\n' + keys.replace("; ", "\n") + "\n"


def tick(t: float) -> dict[str, Any]:
    return {"t": t, "event": "tick"}


def gone(t: float, subject: str, scope: str = "agent") -> dict[str, Any]:
    return {"t": t, "event": "gone", "scope": scope, "subject": subject}


def ack(t: float, rule: str = "r", subject: str = "host") -> dict[str, Any]:
    return {"t": t, "event": "ack", "rule": rule, "subject": subject, "by": "ann"}


def unack(t: float, rule: str = "r", subject: str = "host") -> dict[str, Any]:
    return {"t": t, "event": "unack", "rule": rule, "subject": subject, "by": "ann"}


def silence(t: float, until: float, id: str = "s1", **match: str) -> dict[str, Any]:
    return {"t": t, "event": "silence", "id": id, "match": match, "until": until}


def unsilence(t: float, id: str = "s1") -> dict[str, Any]:
    return {"t": t, "event": "unsilence", "id": id}


def stop(t: float) -> dict[str, Any]:
    return {"t": t, "event": "stop"}


def start(t: float) -> dict[str, Any]:
    return {"t": t, "event": "start"}


def resume(t: float) -> dict[str, Any]:
    return {"t": t, "event": "resume"}


def jsonl(lines: Iterable[Line]) -> list[str]:
    """The lines as a recording has them."""
    written = []
    for line in lines:
        if isinstance(line, tuple):
            said = dict(zip(("t", "value", "subject", "scope", "metric"), line, strict=False))
            written.append(json.dumps({"metric": "m", "scope": "host", "subject": "host"} | said))
        else:
            written.append(line if isinstance(line, str) else json.dumps(line))
    return written


def compact(result: dict[str, Any]) -> dict[str, Any]:
    """A replay's object in the form of `expected`, with its empty parts."""

    def who(entry: dict[str, Any]) -> str:
        return f"{entry['rule']} {entry['subject']}"

    return {
        "transitions": [
            (entry["t"], who(entry), f"{entry['from']} → {entry['to']}", entry["reason"], entry["value"],
             entry["since"])
            for entry in result["transitions"]
        ],
        "notifications": [(entry["t"], who(entry), entry["what"]) for entry in result["notifications"]],
        "final": [
            (who(entry), entry["state"], entry["since"], *(flag for flag in ("acked", "flapping") if entry[flag]))
            for entry in result["final"]
        ],
        "dropped": tuple(result["dropped"][key] for key in ("out_of_order", "invalid", "rejected")),
        "kpis": [(entry["name"], entry["status"], entry["subjects"]) for entry in result["kpis"]],
    }  # fmt: skip


NOTHING: dict[str, Any] = {
    "transitions": [],
    "notifications": [],
    "final": [],
    "dropped": (0, 0, 0),
    "kpis": [],
}


# fmt: off
R = "r host"
PENDS = (0, R, "inactive → pending", "breach", 11, 0)  # what a value of 11 at 0 does to a rule with `for`,
FIRES = (0, R, "inactive → firing", "breach", 11, 0)   # and to one without,
TOLD = (0, R, "firing")                                # which is told at once
FIRED = {"transitions": [FIRES], "notifications": [TOLD], "final": [(R, "firing", 0)]}
# fmt: on
