"""The wheel and the source distribution: what is in them, and that the wheel runs where nothing else is.

No network: they are built without isolation, and the empty environment borrows the dependencies of
the one that runs the tests.
"""

import json
import os
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

from core import __version__

ROOT = Path(__file__).parents[2]
THEMES = sorted(path.name for path in (ROOT / "themes").glob("*.toml"))


def run(*words, **options):
    done = subprocess.run([str(w) for w in words], capture_output=True, text=True, timeout=120, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done


@pytest.fixture(scope="session")
def built(tmp_path_factory):
    """The folder with wheel and sdist, built from a copy so that nothing is left in the checkout."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "hatchling", "build", "-d", folder, cwd=ROOT)
    return folder


@pytest.fixture(scope="session")
def wheel(built):
    (path,) = built.glob("*.whl")
    return path


@pytest.fixture(scope="session")
def installed(wheel, tmp_path_factory):
    """The bin folder of an otherwise empty environment with the wheel in it."""
    folder = tmp_path_factory.mktemp("empty") / "venv"
    venv.create(folder, symlinks=True)
    run(sys.executable, "-m", "pip", "--python", folder / "bin/python", "install",
        "--quiet", "--no-index", "--no-deps", "--disable-pip-version-check", wheel)  # fmt: skip
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    borrowed = folder / "lib" / version / "site-packages" / "borrowed.pth"
    # After the wheel's own packages on the path; its .pth files (an editable bluetop) do not count.
    borrowed.write_text("\n".join({sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}))
    return folder / "bin"


def bluetop(installed, *words, cwd):
    home = cwd / "home"
    home.mkdir()
    return run(installed / "bluetop", *words, cwd=cwd, env={"HOME": str(home)})


def test_the_wheel_has_the_settings_and_every_theme(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    assert "core/config.toml" in names
    assert THEMES
    assert {f"themes/{theme}" for theme in THEMES} <= names
    assert any(name.endswith("licenses/LICENSE") for name in names)


def test_the_wheel_has_nothing_but_the_three_packages(wheel):
    tops = {name.partition("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert tops == {"core", "tui", "themes", f"bluetop-{__version__}.dist-info"}


def test_every_file_of_the_packages_is_in_the_wheel(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    for package in ("core", "tui", "themes"):
        for path in (ROOT / package).rglob("*"):
            if path.suffix in (".py", ".toml", ".tcss"):
                assert str(path.relative_to(ROOT)) in names


def test_the_source_distribution_can_be_tested_and_run(built):
    (path,) = built.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"config.toml", "LICENSE", "README.md", "CHANGELOG.md", "Makefile", "pyproject.toml",
            "requirements.lock", "requirements-build.lock", "requirements-dev.lock", "tests/fakes.py",
            "core/__init__.py", "themes/__init__.py", "tui/cli/__init__.py"} <= names  # fmt: skip
    assert not [name for name in names if "__pycache__" in name or ".venv" in name]


def test_the_wheel_built_from_the_source_distribution_is_the_same(built, wheel, tmp_path):
    (source,) = built.glob("*.tar.gz")
    with tarfile.open(source) as archive:
        archive.extractall(tmp_path, filter="data")
    (unpacked,) = tmp_path.iterdir()
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path / "again", cwd=unpacked)
    (again,) = (tmp_path / "again").glob("*.whl")
    assert set(zipfile.ZipFile(again).namelist()) == set(zipfile.ZipFile(wheel).namelist())


def test_the_installed_wheel_says_its_version(installed, tmp_path):
    done = bluetop(installed, "--version", cwd=tmp_path)
    assert done.stdout == f"bluetop {__version__}\n"


def test_the_installed_wheel_finds_its_settings(installed, tmp_path):
    done = bluetop(installed, "config", "show", "--json", cwd=tmp_path)
    assert json.loads(done.stdout)["schema"].startswith("bluetop.config")


def test_the_installed_wheel_reads_its_own_settings_and_themes_and_no_checkout(installed, tmp_path):
    code = (
        "import core, themes; from importlib.resources import files;"
        "print(core.__file__); print((files('core') / 'config.toml').is_file());"
        "print(sum(p.name.endswith('.toml') for p in files('themes').iterdir()))"
    )
    done = run(installed / "python", "-c", code, cwd=tmp_path, env={})
    place, settings, count = done.stdout.split()
    assert Path(place).is_relative_to(installed.parent)
    assert settings == "True"
    assert int(count) == len(THEMES)


def test_the_installed_wheel_runs_the_demos_agents(installed, tmp_path):
    show = tmp_path / "show"
    bluetop(installed, "demo", "--headless", "--dir", show, "--duration", "0.2", cwd=tmp_path)
    assert os.path.exists(show / "postbox/CB/outbox.json")
