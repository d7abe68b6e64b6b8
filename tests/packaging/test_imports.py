"""What importing costs and drags in, seen from a fresh interpreter."""

import json
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

ROOT = Path(__file__).parents[2]
OURS = ("core", "tui", "themes")


def modules_after(code):
    """The names in sys.modules after running the code in an interpreter of its own."""
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport json, sys; print(json.dumps(sorted(sys.modules)))"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return set(json.loads(done.stdout.splitlines()[-1]))


def core_modules():
    for path in sorted((ROOT / "core").rglob("*.py")):
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        if not name.endswith("__main__"):
            yield name.removesuffix(".__init__")


def test_all_of_core_is_headless():
    loaded = modules_after("import " + ", ".join(core_modules()))
    assert not {name.partition(".")[0] for name in loaded} & {"textual", "rich", "tui"}


def test_version_imports_next_to_nothing():
    loaded = modules_after("from tui.cli import main\nmain(['--version'])")
    assert not loaded & {"argparse", "asyncio", "textual", "rich", "psutil", "msgspec", "importlib.metadata"}


def test_nobody_else_owns_our_packages():
    owners = packages_distributions()
    for name in OURS:
        assert set(owners.get(name, ["bluetop"])) == {"bluetop"}


def test_every_theme_is_a_toml_table_with_text():
    themes = sorted((ROOT / "themes").glob("*.toml"))
    assert len(themes) >= 6
    for path in themes:
        assert tomllib.loads(path.read_text()), path.name
