"""What the tests of carrying out plans have in common."""

from pathlib import Path

import pytest

from tests.balance.executor.scene import put, queue, task
from tests.fakes import FakeClock


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """CA has three pending tasks, CB one, CC none."""
    put(tmp_path, "CA", queue("CA", task("T-1", "HIGH"), task("T-2"), task("T-3", "LOW")))
    put(tmp_path, "CB", queue("CB", task("B-1")))
    put(tmp_path, "CC", queue("CC"))
    return tmp_path
