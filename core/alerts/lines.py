"""The lines of `.bluetop/alerts.jsonl`: one object for each transition, notification, ack, silence, rule load.

Wall times are text (`at`), times on the clock of the samples are numbers (`t`, `since`). `from` says which
process wrote a line. docs/alerts.md documents them.
"""

import os
from collections.abc import Sequence
from typing import Any

from core.alerts.instances import Notification, Transition
from core.record.files import stamp
from core.text import clean_line

Line = dict[str, Any]


class Lines:
    """Makes the lines of one process on one host."""

    def __init__(self, host: str, token: str = "") -> None:
        self.host = host
        self.token = token or f"{os.getpid()}-{os.urandom(4).hex()}"

    def is_foreign(self, line: Line) -> bool:
        """Whether another process wrote it."""
        return line.get("from") != self.token

    def _line(self, wall: float, what: str, **more: Any) -> Line:
        return {"at": stamp(wall), "what": what, "host": self.host, "from": self.token, **more}

    def transition(self, made: Transition, text: str, offset: float) -> Line:
        """A change of state; `offset` makes wall time of the samples' time."""
        rule = made.instance.judged.rule
        return self._line(
            made.t + offset, "transition", t=made.t, rule=made.rule, metric=rule.metric, scope=made.scope,
            subject=made.subject, severity=rule.severity, op=rule.op, threshold=rule.threshold, id=made.id,
            before=made.before, to=made.after, reason=made.reason, value=made.value, since=made.since,
            since_at=stamp(made.since + offset), text=text,
        )  # fmt: skip

    def notification(self, told: Notification, offset: float) -> Line:
        """Somebody is told."""
        return self._line(
            told.t + offset, "notification", t=told.t, kind=told.what, rule=told.rule, scope=told.scope,
            subject=told.subject, id=told.id,
        )  # fmt: skip

    def ack(self, wall: float, rule: str, subject: str, by: str, undo: bool) -> Line:
        """An acknowledgement, or its end."""
        return self._line(wall, "unack" if undo else "ack", rule=rule, subject=subject, by=by)

    def silence(
        self, wall: float, silence: str, match: tuple[str, str, str], until: float, by: str, comment: str
    ) -> Line:
        """A silence; `until` is wall time, `match` rule, subject and severity."""
        named = dict(zip(("rule", "subject", "severity"), match, strict=True))
        return self._line(
            wall, "silence", id=silence, match={key: word for key, word in named.items() if word},
            until=stamp(until), by=by, comment=comment,
        )  # fmt: skip

    def unsilence(self, wall: float, silence: str, by: str) -> Line:
        """The end of a silence before its time."""
        return self._line(wall, "unsilence", id=silence, by=by)

    def rules(self, wall: float, count: int, rejected: Sequence[str]) -> Line:
        """Which rules are in force now, and as whom the process runs that read them."""
        by = os.environ.get("USER") or os.environ.get("LOGNAME") or f"uid {os.getuid()}"
        return self._line(wall, "rules", by=clean_line(by, 100), count=count, rejected=list(rejected))

    def failed(self, wall: float, channel: str, alerts: int, problem: str) -> Line:
        """A channel did not take a message in the end."""
        return self._line(wall, "delivery_failed", channel=channel, alerts=alerts, problem=problem)


def request_of(line: Line) -> Line:
    """The same as something that is asked of the instance that keeps the alerts."""
    return {**line, "what": "request", "op": line["what"]}
