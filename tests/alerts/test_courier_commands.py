"""Command hooks: real commands, run by a real courier."""

import json
import os
import select
import sys
from pathlib import Path

import pytest

from core.alerts import outbox
from core.alerts.grouping import Group, message
from tests.alerts.sites import WAIT_S, carry, ended, hook, own, result_of, script
from tests.alerts.test_grouping import note

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="watches processes through /proc and pidfd")


TOKEN = "t0ken"  # in arguments that no problem may repeat

DUMP = """
out="$1"; shift
printf '%s\\0' "$@" > "$out.args"
env -0 > "$out.env"
cat > "$out.stdin"
ls -l /proc/self/fd > "$out.fds"
grep -E '^(SigIgn|SigBlk)' /proc/self/status > "$out.signals"
echo "$$ $(cut -d ' ' -f 5,6 /proc/$$/stat)" > "$out.session"
exit 0
"""


def test_a_command_is_told_by_its_environment_and_its_input_alone(tmp_path, monkeypatch):
    monkeypatch.setenv("BLUETOP_ALERT_TEXT", "of another bluetop")
    monkeypatch.setenv("BLUETOP_ALERT_OLD", "of another bluetop")
    monkeypatch.setenv("KEPT", "as it was")
    evil = '$(touch evil) `touch evil` ; "\x00\x1b]0;x\x07\udc80'
    told = message(Group((note(text=evil, value=90.0, since=None), note("second")), 40), 1_780_000_000.0)
    arguments = ("$(touch evil)", "a b", "*", "")
    out = str(tmp_path / "out")
    work = hook(script(tmp_path, DUMP), out, *arguments, message=told)
    assert carry(work) == {"ok": True, "tries": 1, "problem": ""}
    assert Path(f"{out}.args").read_text() == "".join(f"{argument}\0" for argument in arguments)
    assert json.loads(Path(f"{out}.stdin").read_text()) == told
    env = dict(line.split("=", 1) for line in Path(f"{out}.env").read_text().split("\0") if "=" in line)
    assert env["KEPT"] == "as it was"
    assert {name: value for name, value in env.items() if name.startswith("BLUETOP_ALERT_")} == {
        "BLUETOP_ALERT_" + name: value
        for name, value in (
            ("WHAT", "firing"), ("ID", "a1"), ("RULE", "cpu_critical"), ("METRIC", "cpu_percent"), ("SCOPE", "host"),
            ("SUBJECT", "host"), ("SEVERITY", "high"), ("VALUE", "90"), ("THRESHOLD", "90"),
            ("TEXT", r'$(touch evil) `touch evil` ; "\x00\x1b]0;x\x07\udc80'), ("RECOMMENDATION", "Find the process"),
            ("AT", "2026-05-28T20:26:40Z"), ("SINCE", ""), ("COUNT", "40"), ("MORE", "38"), ("HOST", "build-7"),
            ("WORKSPACE", "/w"), ("SENT_AT", "2026-05-28T20:26:40Z"), ("CHANNEL", "ops"),
        )
    }  # fmt: skip
    assert not list(tmp_path.glob("**/evil"))
    fds = Path(f"{out}.fds").read_text().splitlines()[1:]
    assert sum("/dev/null" in line for line in fds) == 1  # stderr; stdout is the listing, stdin the message
    assert len(fds) == 4  # and the folder that is being listed
    masks = [int(line.split()[1], 16) for line in Path(f"{out}.signals").read_text().splitlines()]
    assert [mask & 0x7FFFFFFF for mask in masks] == [0, 0]  # 32 and 33 are the C library's own
    # Of a group and a session of its own: no terminal is its own, ctrl+c is not for it.
    assert len(set(Path(f"{out}.session").read_text().split())) == 1


def test_a_command_that_does_not_read_its_input_is_not_waited_for():
    many = message(Group(tuple(note(str(n), text="x" * 500) for n in range(200)), 200), 0.0)
    assert len(json.dumps(many)) > 100_000
    assert carry(hook("true", message=many))["ok"]


def test_a_command_that_fails_is_tried_again(tmp_path):
    mark = tmp_path / "mark"
    path = script(tmp_path, f"[ -e {mark} ] || {{ : > {mark}; exit 3; }}")
    assert carry(hook(path)) == {"ok": True, "tries": 2, "problem": ""}


@pytest.mark.parametrize(
    ("text", "problem"), [("exit 3", "hook.sh: exit status 3"), ("kill -9 $$", "hook.sh: ended by signal 9")]
)
def test_a_command_that_keeps_failing_is_a_failure(tmp_path, text, problem):
    work = hook(script(tmp_path, text), TOKEN, backoff_s=[0.001])
    assert carry(work) == {"ok": False, "tries": 2, "problem": problem}


@pytest.mark.parametrize(
    ("command", "problem"),
    [((), "the channel names no command"), (("no-such-command", TOKEN), "no-such-command: no such command"),
     (("/no/such", TOKEN), "such: No such file or directory"), (("/etc/passwd", TOKEN), "passwd: Permission denied"),
     (("true", f"{TOKEN}\0"), "true: an argument cannot be passed on")],
)  # fmt: skip
def test_a_command_that_cannot_be_run_is_not_tried_again(command, problem):
    assert carry(hook(*command)) == {"ok": False, "tries": 1, "problem": problem}


def test_a_file_without_an_interpreter_is_not_given_to_a_shell(tmp_path):
    path = tmp_path / "plain"
    path.write_text(f": > {tmp_path}/evil\n")
    path.chmod(0o755)
    assert carry(hook(str(path), backoff_s=[]))["problem"] == "plain: Exec format error"
    assert not (tmp_path / "evil").exists()


def test_no_command_is_taken_from_the_current_directory(tmp_path, monkeypatch):
    script(tmp_path, "exit 0", "deploy-note")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", f":.:{os.environ['PATH']}:")
    assert carry(hook("deploy-note"))["problem"] == "deploy-note: no such command"


def test_a_command_that_ignores_sigterm_is_killed_with_all_its_children(tmp_path):
    fifo = tmp_path / "alive"
    os.mkfifo(fifo)
    alive = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    text = f"trap '' TERM HUP; exec 9> {fifo}; (trap '' TERM; sleep 60; sleep 60) & echo x >&9; sleep 60; sleep 60"
    started = outbox.start(json.dumps(hook(script(tmp_path, text), timeout_s=0.3, backoff_s=[])))
    assert select.select([alive], [], [], WAIT_S)[0]
    assert os.read(alive, 2) == b"x\n"  # it runs
    result = result_of(started)
    own(started)
    assert result == {"ok": False, "tries": 1, "problem": "hook.sh: did not end within 0.3 s and was killed"}
    assert select.select([alive], [], [], WAIT_S)[0]
    assert os.read(alive, 1) == b""  # end of file: of all that had it open none lives
    os.close(alive)
    assert ended(started) == 0
