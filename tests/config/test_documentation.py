"""docs/configuration.md lists every setting as it is, and its example works."""

import re
from pathlib import Path

from core.configfile import described, examine

DOC = Path(__file__).parents[2] / "docs" / "configuration.md"


def rows():
    return [
        f"| `{s.key}` | {f'`{s.default}`' if s.default else '(must be given)'} | {s.allowed} |"
        for s in described()
    ]


def test_table_of_all_settings_is_what_the_program_knows():
    text = DOC.read_text(encoding="utf-8")
    assert [line for line in text.splitlines() if line.startswith("| `")] == rows()


def test_example_is_a_good_configuration(tmp_path):
    example = re.search(r"```toml\n(.*?)```", DOC.read_text(encoding="utf-8"), re.S)
    assert example
    path = tmp_path / "config.toml"
    path.write_text(example[1])
    assert examine((str(path),)).faults == ()
