"""The pollers whose source can hang: they ask the prober, and put its parts together.

Two ways to the same sample. Before there is an event loop: `begin`, then `accept` each reply
until `ready`, then `sample`. On the loop: `await poll(now)`; a poll that was cancelled (its
deadline passed) leaves the request open, and the next one takes it up where it was, so no
part is lost. `deadline_s` is generous, since a unit that hangs is the guard's to find.
"""

from typing import Any, Generic, TypeVar

from core.errors import PollError, ProberGone
from core.pollers.setup import Setup
from core.prober.client import Reply

S = TypeVar("S")


class AskingPoller(Generic[S]):
    """One operation of the prober as a poller. Subclasses say what to ask and what a part means."""

    name = ""
    operation = ""
    deadline_s = 600.0

    def __init__(self, setup: Setup, interval_s: float) -> None:
        self.interval_s = interval_s
        self.ready = False
        self.setup = setup
        self._request: int | None = None

    def arguments(self) -> dict[str, Any]:
        """What the operation is told."""
        raise NotImplementedError

    def begun(self) -> None:
        """A request was sent: forget the parts of the one before."""

    def part(self, part: Any) -> None:
        """One part has come."""
        raise NotImplementedError

    def ended(self) -> None:
        """The last part has come."""

    def sample(self, now: float) -> S:
        """The sample from the parts so far."""
        raise NotImplementedError

    def begin(self) -> None:
        """Ask, unless an answer is under way."""
        if self._request is None:
            self.ready = False
            self.begun()
            self._request = self.setup.prober.send(self.operation, **self.arguments())

    def accept(self, reply: Reply) -> bool:
        """Take a reply if it is to our request.

        Raises:
            PollError: the reply says that there is no answer.
        """
        if reply.id != self._request:
            return False
        if reply.error:
            self._request = None
            raise ProberGone(reply.error) if reply.gone else PollError(reply.error)
        if reply.part is not None:
            self.part(reply.part)
        if reply.done:
            self._request = None
            self.ready = True
            self.ended()
        return True

    def prime(self, now: float) -> None:
        """Ask already, so that the answer is under way while the rest starts."""
        self.begin()

    async def poll(self, now: float) -> S:
        """Ask, and wait for the whole answer.

        Raises:
            PollError: the prober cannot tell.
            ProberGone: the prober ended meanwhile.
        """
        self.begin()
        request = self._request
        if request is None:  # `begin` sets it
            raise PollError(f"{self.name}: nothing was asked")
        try:
            async for part in self.setup.prober.parts(request):
                self.part(part)
        except PollError:
            self._request = None
            raise
        self._request = None
        self.ended()
        return self.sample(now)
