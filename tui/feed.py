"""Engine → one message: the newest Snapshot. The only place where core's data enters Textual."""

from collections.abc import Callable

from core.engine import Engine
from core.snapshot import Snapshot


class Feed:
    """Runs the engine on Textual's loop for as long as the app lives.

    `deliver` is called with each Snapshot, from the loop, and must return at once.
    """

    def __init__(self, engine: Engine, deliver: Callable[[Snapshot], None]) -> None:
        self.engine = engine
        engine.subscribe(deliver)

    async def run(self) -> None:
        """Until cancelled; the prober is gone when this returns."""
        try:
            await self.engine.run()
        finally:
            self.engine.close()
