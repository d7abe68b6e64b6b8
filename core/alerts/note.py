"""What a channel is given: one notification of one alert, as plain values. All of its text is clean."""

from typing import NamedTuple


class Note(NamedTuple):
    """One notification. `what` is firing, repeat, resolved or flapping; times are wall seconds, None unknown.

    `text` is the rule's summary of this alert, `advice` its recommendation, both filled in.
    """

    what: str
    id: str
    rule: str
    metric: str
    scope: str
    subject: str
    severity: str
    value: float | None
    threshold: float
    text: str
    advice: str
    host: str
    workspace: str
    at: float
    since: float | None
