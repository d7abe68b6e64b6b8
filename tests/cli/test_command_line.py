"""Words on the command line: where they may stand, what wrong ones are told, and what each costs to import."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from core import __version__
from tui.cli import main
from tui.cli.options import Options, quick
from tui.cli.parser import COMMANDS, duration

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    for name in ("BLUETOP_CONFIG", "BLUETOP_WORKSPACE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)


def bluetop(*words, **more):
    environ = {**os.environ, "PYTHONPATH": str(ROOT), **more.pop("env", {})}
    return subprocess.run(
        [sys.executable, "-m", "tui", *words], env=environ, capture_output=True, text=True, timeout=50, **more
    )


def imported_by(*words):
    code = (
        "import sys, json\nfrom tui.cli import main\n"
        f"try: main({list(words)!r})\nexcept SystemExit: pass\n"
        "sys.stderr.write(json.dumps(sorted(sys.modules)))"
    )
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    run = subprocess.run(
        [sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=True
    )
    return set(json.loads(run.stderr.splitlines()[-1]))


def test_version_is_one_line(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"bluetop {__version__}\n"


HEAVY = {
    "textual",
    "rich",
    "asyncio",
    "psutil",
    "msgspec",
    "tomllib",
    "importlib.metadata",
    "filelock",
    "subprocess",
}


@pytest.mark.parametrize(
    "words", [["--version"], ["--help"], *([c.name, "--help"] for c in COMMANDS if not c.screen)]
)
def test_help_and_version_import_argparse_and_nothing_heavy(words):
    assert not imported_by(*words) & HEAVY


@pytest.mark.parametrize("words", [["config", "show"], ["config", "validate"], ["analyze"], ["validate"]])
def test_no_command_but_the_dashboard_imports_textual(words):
    loaded = imported_by(*words)
    assert not {name for name in loaded if name.startswith(("textual", "rich"))}


@pytest.mark.parametrize("name", [command.name for command in COMMANDS])
def test_every_help_shows_examples(name, capsys):
    with pytest.raises(SystemExit) as caught:
        main([name, "--help"])
    assert caught.value.code == 0
    text = capsys.readouterr().out
    assert "examples:\n  bluetop" in text
    assert f"usage: bluetop {name}" in text


def test_general_help_lists_every_command_and_the_exit_statuses(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    text = capsys.readouterr().out
    for command in COMMANDS:
        assert f"\n    {command.name} " in text
    assert "3 the workspace cannot be read" in text


WRONG = [
    (["anlyze"], "anlyze is no command; did you mean analyze?"),
    (["xyzzy"], "xyzzy is no command; the commands are demo, analyze"),
    (["/tmp"], "did you mean --workspace /tmp?"),
    (["config", "show", "--jsn"], "config: --jsn is no option; did you mean --json?"),
    (["--read-onl"], "--read-onl is no option; did you mean --read-only?"),
    (["config", "shw"], "did you mean show?"),
    (["config"], "config: the following arguments are required: action"),
    (["config", "show", "pol"], "there is no section pol"),
    (["monitor"], "monitor: the following arguments are required: --duration"),
    (["monitor", "--duration", "soon"], "soon is no duration; write seconds, or 90s 15m 4h 7d"),
    (["monitor", "--duration", "-5"], "-5 is no duration"),
    (["monitor", "--duration", "5", "--interval", "0"], "0 is no duration"),
    (["monitor", "--duration", "5", "--alert-threshold", "200"], "200 is not a percentage"),
    (["--interval", "3", "analyze"], "--interval before the command's name is for the dashboard"),
    (["analyze", "--fail-on", "hgh"], "did you mean high?"),
    (["analyze", "extra"], "analyze: extra is one word too many"),
    (["--workspace"], "--workspace: expected one argument"),
    (["--workspace", ""], "must not be empty"),
    (["--interval", "0.01"], "0.01 is not between 0.1 and 3600 seconds"),
    (["analyze", "\x1b[31m"], "analyze: \\x1b[31m is one word too many"),
]


@pytest.mark.parametrize(("words", "said"), WRONG)
def test_wrong_words_are_exit_2_and_one_helpful_line(words, said, capsys):
    assert main(words) == 2
    streams = capsys.readouterr()
    assert streams.out == ""
    assert said in streams.err
    assert streams.err.startswith("bluetop: ")
    assert streams.err.count("\n") == 1


def test_global_options_may_stand_on_either_side_of_the_command(tmp_path, capsys):
    path = tmp_path / "c.toml"
    path.write_text('[ui]\ntheme = "mono"\n')
    for words in (
        ["--config", str(path), "config", "show", "ui", "--json"],
        ["config", "--config", str(path), "show", "ui", "--json"],
        ["config", "show", "ui", "--json", f"--config={path}"],
    ):
        assert main(words) == 0
        assert json.loads(capsys.readouterr().out)["settings"]["ui"]["theme"] == "mono"


@pytest.mark.parametrize(
    "words", [["--json", "validate", "{}"], ["validate", "--json", "{}"], ["validate", "{}", "--json"]]
)
def test_options_may_stand_anywhere_among_the_words_of_a_command(words, tmp_path, capsys):
    file = tmp_path / "mine.toml"
    file.write_text("")
    assert main(["config", *(word.format(file) for word in words)]) == 0
    assert json.loads(capsys.readouterr().out)["files"] == [str(file)]


def test_a_bad_configuration_is_exit_2_and_one_line(tmp_path, capsys):
    path = tmp_path / "c.toml"
    path.write_text("[ui]\nmouse = 3\n[poll]\nx = 1\n")
    for words in (["analyze"], ["config", "show"], ["validate"], ["monitor", "--duration", "1"]):
        assert main([*words, "--config", str(path)]) == 2
        streams = capsys.readouterr()
        assert streams.err.startswith(f"bluetop: {path}:2: ui.mouse is 3; it must be true or false")
        assert streams.err.count("\n") == 1
    assert main(["config", "validate", str(path), "--json"]) == 2
    faults = json.loads(capsys.readouterr().out)["faults"]
    assert [(fault["line"], fault["key"]) for fault in faults] == [(2, "ui.mouse"), (4, "poll.x")]


@pytest.mark.parametrize("words", [["analyze"], ["validate"]])
def test_without_a_workspace_it_is_exit_3_and_says_how_to_name_one(words, capsys):
    assert main(words) == 3
    assert (
        "name one with --workspace DIR or BLUETOP_WORKSPACE, or try `bluetop demo`" in capsys.readouterr().err
    )


def test_plain_global_options_are_understood_without_argparse():
    assert quick([]) == Options()
    assert quick(["--workspace", "x", "--read-only", "--interval=2"]) == Options(
        "x", read_only=True, interval=2.0
    )
    for words in (
        ["analyze"],
        ["--help"],
        ["--workspace"],
        ["--interval", "0"],
        ["--read-only=1"],
        ["--theme", "-x"],
    ):
        assert quick(words) is None
    assert "argparse" not in imported_by_quick()


def imported_by_quick():
    code = "import sys\nfrom tui.cli.options import quick\nquick(['--ascii'])\nprint('\\n'.join(sys.modules))"
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, "-c", code], env=environ, capture_output=True, text=True
    ).stdout.split()


@pytest.mark.parametrize(
    ("words", "seconds"), [("90", 90), ("90s", 90), ("15m", 900), ("4h", 14400), ("7d", 604800), ("0.5", 0.5)]
)
def test_durations_take_the_documented_forms(words, seconds):
    assert duration(words) == seconds


def test_a_reader_that_goes_away_is_no_traceback():
    read, write = os.pipe()
    os.close(read)
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    run = subprocess.run(
        [sys.executable, "-m", "tui", "config", "show"],
        env=environ,
        stdout=write,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.close(write)
    assert run.returncode == 141
    assert run.stderr == ""


@pytest.mark.parametrize("redirection", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
@pytest.mark.parametrize(
    ("words", "status"), [("--version", 0), ("config show", 0), ("", 2), ("nonsense", 2)]
)
def test_a_closed_standard_stream_is_no_traceback(words, status, redirection, tmp_path):
    ended = subprocess.run(
        ["sh", "-c", f'"$0" -m tui {words} {redirection}', sys.executable],
        capture_output=True, text=True, cwd=ROOT, env={**os.environ, "HOME": str(tmp_path)}, check=False,
    )  # fmt: skip
    assert "Traceback" not in ended.stderr
    assert ended.returncode == status


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
@pytest.mark.parametrize("words", [["--version"], ["config", "show"], ["config", "show", "--json"]])
def test_a_full_disk_is_one_line(words):
    with open("/dev/full", "w") as full:
        ended = subprocess.run(
            [sys.executable, "-m", "tui", *words],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            check=False,
        )
    assert ended.returncode == 1
    assert ended.stderr == "bluetop: the output cannot be written: No space left on device\n"


def test_output_is_ascii_where_the_locale_is(tmp_path):
    path = tmp_path / "c.toml"
    path.write_text('[workspace]\npath = "/é"\n', encoding="utf-8")
    env = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    for words in (["--ascii", "config", "show", "workspace"], ["config", "show", "workspace"]):
        run = bluetop(*words, "--config", str(path), env=env)
        assert run.returncode == 0, run.stderr
        assert run.stdout.isascii()
        assert "\\xe9" in run.stdout
