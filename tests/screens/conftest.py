import time

import pytest


@pytest.fixture(autouse=True)
def _same_everywhere(monkeypatch):
    """Times of day, paths and the clipboard look the same on every machine."""
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.setenv("HOME", "/home/operator")
    for name in ("NO_COLOR", "TMUX", "STY", "TERM"):
        monkeypatch.delenv(name, raising=False)
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()
