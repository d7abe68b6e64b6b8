"""The names of what a helper can be asked for. Apart from what it does, which its owner need not have in memory."""

READING = ("plan", "why", "undoable", "verify", "history", "outcomes", "state", "auto")
CHANGING = ("apply", "undo", "recover", "attend")


def is_changing(op: str) -> bool:
    """Whether a request may change queues, so that its process must not be killed."""
    return op in CHANGING
