"""What the commands need to be tried on: an environment of their own, and an empty workspace."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from tui.cli import main


@pytest.fixture
def ws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty workspace, which is the current directory; no configuration and no state of the user's."""
    for name in ("BLUETOP_CONFIG", "BLUETOP_WORKSPACE", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    here = tmp_path / "ws"
    (here / "postbox").mkdir(parents=True)
    monkeypatch.chdir(here)
    return here


Told = Callable[..., tuple[int, str, str]]


@pytest.fixture
def bluetop(capsys: pytest.CaptureFixture[str]) -> Told:
    """Run a command: (exit status, what it printed, what it said on standard error)."""

    def run(*words: str) -> tuple[int, str, str]:
        status = main(list(words))
        said = capsys.readouterr()
        return status, said.out, said.err

    return run


def tree(path: Path) -> Mapping[str, Any]:
    """Everything below a folder, with what changes when somebody touches it."""
    return {
        str(entry.relative_to(path)): (
            entry.lstat().st_mtime_ns,
            entry.lstat().st_size,
            entry.lstat().st_mode,
        )
        for entry in [path, *sorted(path.rglob("*"))]
    }
