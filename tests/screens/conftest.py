import time

import pytest
from pytest_textual_snapshot import SVGImageExtension

# The plugin sets a name that syrupy no longer reads; without this the pictures would end in `.raw`.
SVGImageExtension.file_extension = "svg"


@pytest.fixture(autouse=True)
def _same_everywhere(monkeypatch):
    """Times of day, paths and the clipboard look the same on every machine."""
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.setenv("HOME", "/srv/operator")
    for name in ("NO_COLOR", "TMUX", "STY", "TERM"):
        monkeypatch.delenv(name, raising=False)
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()
