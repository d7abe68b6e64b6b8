from pathlib import Path

import pytest

from tui.cli.parser import COMMANDS
from tui.keys import KEYS

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("row", KEYS, ids=lambda r: r.shown)
def test_the_readme_has_every_key(row):
    assert f"| `{row.shown}` | {row.help} |" in README


def test_the_readme_has_every_command():
    for command in COMMANDS:
        assert f"`bluetop {command.name}" in README, command.name
