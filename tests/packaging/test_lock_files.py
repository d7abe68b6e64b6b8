"""The lock files: pins with hashes, no address of any index, and in step with pyproject.toml."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOCKS = ("requirements.lock", "requirements-build.lock", "requirements-dev.lock")


def pins(lock):
    """Name → version of everything that a lock file pins."""
    text = (ROOT / lock).read_text()
    return dict(re.findall(r"^([a-z0-9-]+)==(\S+)", text, re.MULTILINE))


def names(requirements):
    return {
        re.split(r"[<>=!~ \[;]", r, maxsplit=1)[0].lower().replace("_", "-")
        for r in requirements
        if isinstance(r, str)
    }


@pytest.fixture(scope="module")
def project():
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


@pytest.mark.parametrize("lock", LOCKS)
def test_no_address_is_recorded(lock):
    text = (ROOT / lock).read_text()
    assert not re.search(r"https?:|file:|ftp:|--(extra-)?index-url|--find-links|--trusted-host|@", text)


@pytest.mark.parametrize("lock", LOCKS)
def test_every_pin_has_hashes(lock):
    entries = re.split(r"\n(?=[a-z0-9])", (ROOT / lock).read_text())[1:]
    assert entries
    for entry in entries:
        assert "--hash=sha256:" in entry, entry.splitlines()[0]


def test_everything_the_project_asks_for_is_pinned(project):
    groups = project["dependency-groups"]
    runtime = names(project["project"]["dependencies"])
    assert runtime <= set(pins("requirements.lock"))
    assert names(groups["build"]) <= set(pins("requirements-build.lock"))
    assert runtime | names(groups["dev"]) | names(groups["build"]) <= set(pins("requirements-dev.lock"))


def test_the_lock_files_agree_with_each_other():
    dev = pins("requirements-dev.lock")
    for lock in LOCKS[:2]:
        for name, version in pins(lock).items():
            assert dev[name] == version


def test_there_is_no_uv_lock():
    assert not (ROOT / "uv.lock").exists()
