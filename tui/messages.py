"""Every message that our own code posts, and nothing else."""

from textual.message import Message

from core.snapshot import Snapshot


class SnapshotArrived(Message):
    """A newer Snapshot is there. A slow terminal drops older ones instead of queueing them."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        super().__init__()

    def can_replace(self, message: Message) -> bool:
        return isinstance(message, SnapshotArrived)
