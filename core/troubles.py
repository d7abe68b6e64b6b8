"""News of what hangs and of the prober itself, for the sources list. Notices, does not act: acting is the guard's."""

from collections.abc import Callable

from core.prober.client import Prober
from core.prober.guard import Guard
from core.sources import Trouble
from core.text import clean_line

HELPER = "the helper process"


class Watch:
    """Compares what the guard leaves alone, and the prober's health, with what was told before."""

    def __init__(
        self, prober: Prober, guard: Guard, workspace: str | None, is_mount: Callable[[str], bool]
    ) -> None:
        self._prober = prober
        self._guard = guard
        self._workspace = workspace
        self._is_mount = is_mount
        self._told: dict[str, Trouble] = {}
        self._helper = ("ok", "", 0)

    def news(self, now: float) -> list[Trouble]:
        """What changed since the last call; costs nothing while all is well."""
        news: list[Trouble] = []
        if self._told or self._guard.hung:
            news = self._hung(now)
        misses = self._guard.misses + self._prober.restarts
        state, detail = "ok", f"started {misses + 1} times" if misses else ""
        if self._prober.pid is None and self._prober.problem:
            state, detail = "hung", clean_line(self._prober.problem)
        if (state, detail, misses) != self._helper:
            self._helper = (state, detail, misses)
            news.append(Trouble(HELPER, "helper", state, detail, now, None, misses))
        return news

    def _hung(self, now: float) -> list[Trouble]:
        found = {
            hung.path: self._trouble(hung.path, hung.reason, hung.tries, now)._replace(since=hung.since)
            for hung in self._guard.hung
        }
        news = [told._replace(state="gone", at=now) for path, told in self._told.items() if path not in found]
        for path, trouble in found.items():
            told = self._told.get(path)
            if told is None or told._replace(at=now) != trouble:
                news.append(trouble)
        self._told = found
        return news

    def _trouble(self, path: str, reason: str, tries: int, now: float) -> Trouble:
        told = self._told.get(path)
        name, detail = clean_line(path), clean_line(reason)
        if told is not None:  # a row keeps its kind, or it could not be taken away again
            kind = told.kind
        elif self._workspace is not None and _holds(path, self._workspace):
            kind = "workspace"
        else:
            kind = "mount" if self._is_mount(name) else "path"
        if kind == "workspace":
            name, detail = self._workspace or name, f"{name}: {detail}"
        return Trouble(name, kind, "hung", detail, now, None, 1 + tries)


def _holds(folder: str, path: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")
