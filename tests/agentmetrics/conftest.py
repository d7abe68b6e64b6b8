from pathlib import Path

import pytest

from tests.agentmetrics.space import Space


@pytest.fixture
def space(tmp_path: Path) -> Space:
    return Space(tmp_path / "ws")
