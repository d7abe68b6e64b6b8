"""What must not be touched, as an operation and the owner's pollers both see it.

In a room of its own: the owner needs it before its first frame, and none of the operations.
"""

from collections.abc import Iterable


class Skip:
    """What must not be touched: paths, and everything below them. Answers `path in skip`.

    "/" bars the root folder itself and nothing below: there would be nothing left to show.
    """

    def __init__(self, paths: Iterable[str]) -> None:
        self._paths = tuple(path.rstrip("/") or "/" for path in paths)

    def __bool__(self) -> bool:
        return bool(self._paths)

    def __contains__(self, path: object) -> bool:
        return any(path == barred or str(path).startswith(barred + "/") for barred in self._paths)
