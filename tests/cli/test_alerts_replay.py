"""`bluetop alerts replay` and `test`: recorded samples in, the documented object or a table out."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from core.alerts.replay import replay_text
from core.text import clean
from tests.cli.conftest import tree
from tests.cli.test_output import on_terminal
from tests.documented import faults

ROOT = Path(__file__).parents[2]
RULES = """\
[[rule]]
name = "cpu_critical"
metric = "cpu_percent"
scope = "host"
threshold = 90
clear = 85
for = "15s"
severity = "critical"

[[rule]]
name = "queue"
metric = "queue_length"
threshold = 15

[[kpi]]
name = "cpu"
metric = "cpu_percent"
target = "< 80"
"""


def cpu(t, value):
    return json.dumps({"t": t, "metric": "cpu_percent", "value": value})


def queue(t, subject, value):
    return json.dumps(
        {"t": t, "metric": "queue_length", "scope": "agent", "subject": subject, "value": value}
    )


LINES = [
    *(cpu(t, 95) for t in range(0, 31, 5)), queue(31, "CA", 20),
    '{"t": 32, "event": "ack", "rule": "queue", "subject": "CA"}',
    cpu(35, 50), cpu(40, 50), "junk", cpu(3, 1), '{"t": 41, "event": "ack", "rule": "queue", "subject": "CX"}',
]  # fmt: skip


@pytest.fixture
def files(ws, tmp_path):
    """A file of rules and one of samples, outside the workspace."""
    rules, samples = tmp_path / "rules.toml", tmp_path / "samples.jsonl"
    rules.write_text(RULES)
    samples.write_text("\n".join(LINES) + "\n")
    return str(rules), str(samples)


@pytest.fixture
def stdin(monkeypatch):
    """Put bytes on standard input."""

    class Piped(io.TextIOWrapper):
        pass

    def put(data: bytes) -> None:
        monkeypatch.setattr(sys, "stdin", Piped(io.BytesIO(data)))

    return put


def test_json_is_the_public_contract_and_nothing_else(ws, files, bluetop):
    rules, samples = files
    before = tree(ws)
    status, out, err = bluetop("alerts", "replay", "--rules", rules, "--samples", samples, "--json")
    assert (status, err) == (0, "")
    document = json.loads(out)
    assert faults(document) == []
    assert document == json.loads(json.dumps(replay_text(RULES, LINES)))
    assert list(document) == ["schema", "transitions", "notifications", "final", "dropped", "kpis"]
    assert [(made["t"], made["rule"], made["to"]) for made in document["transitions"]] == [
        (0.0, "cpu_critical", "pending"), (15.0, "cpu_critical", "firing"), (31.0, "queue", "firing"),
        (35.0, "cpu_critical", "resolved"),
    ]  # fmt: skip
    assert document["final"] == [
        {"rule": "queue", "subject": "CA", "state": "firing", "since": 31.0, "acked": True, "flapping": False}
    ]
    assert document["dropped"] == {"out_of_order": 1, "invalid": 1, "rejected": 1}
    assert tree(ws) == before


def test_text_tells_what_happens_in_order_then_what_is_left(files, bluetop):
    rules, samples = files
    status, out, _ = bluetop("alerts", "replay", "--rules", rules, "--samples", samples)
    lines = out.splitlines()
    assert status == 0
    assert lines[0].split() == ["T", "RULE", "SUBJECT", "CHANGE", "REASON", "VALUE"]
    assert [line.split() for line in lines[1:5]] == [
        ["0", "cpu_critical", "host", "inactive", "->", "pending", "breach", "95"],
        ["15", "cpu_critical", "host", "pending", "->", "firing", "for_elapsed", "95"],
        ["15", "cpu_critical", "host", "told:", "firing"],
        ["31", "queue", "CA", "inactive", "->", "firing", "breach", "20"],
    ]  # fmt: skip
    assert "4 transitions, 3 notifications" in out
    assert "firing   queue on CA since 31 (10 s), acknowledged" in out
    assert "ok: cpu: host ok" in out
    assert "not used: 1 out of order, 1 invalid, 1 rejected" in out


def test_samples_may_come_on_standard_input(files, bluetop, stdin):
    stdin(("\n".join(LINES)).encode())
    status, out, _ = bluetop("alerts", "replay", "--rules", files[0], "--samples", "-", "--json")
    assert (status, len(json.loads(out)["transitions"])) == (0, 4)


def test_where_nothing_happens_it_says_so(files, tmp_path, bluetop):
    empty = tmp_path / "empty.jsonl"
    empty.write_text("")
    status, out, _ = bluetop("alerts", "replay", "--rules", files[0], "--samples", str(empty))
    assert status == 0
    assert out.startswith("nothing happened\n")
    assert "nothing fires, is pending or flaps" in out
    assert "unknown: cpu: no samples" in out


def test_rejected_rules_are_one_line_each_on_standard_error_and_no_failure(files, tmp_path, bluetop):
    rules = tmp_path / "some.toml"
    rules.write_text(
        RULES
        + '[[rule]]\nname = "odd"\nmetric = "a"\n[[rule]]\nname = "queue"\nmetric = "a"\nthreshold = 1\n'
    )
    status, out, err = bluetop("alerts", "replay", "--rules", str(rules), "--samples", files[1], "--json")
    assert (status, faults(json.loads(out))) == (0, [])
    assert [line.split(": ")[1] for line in err.splitlines()] == [f"{rules}:19", f"{rules}:23"]
    assert bluetop("alerts", "test", "--rules", str(rules), "--samples", files[1])[0] == 0


WRONG = [
    (["replay", "--rules", "{rules}"], "the following arguments are required: --samples"),
    (["replay", "--samples", "{samples}"], "the following arguments are required: --rules"),
    (["replay", "--rules", "{rules}", "--samples", "none.jsonl"], "none.jsonl cannot be read: No such file"),
    (["replay", "--rules", "{rules}", "--samples", "."], ". cannot be read: Is a directory"),
    (["replay", "--rules", "none.toml", "--samples", "{samples}"], "none.toml: cannot be read"),
    (["replay", "--rules", "{samples}", "--samples", "{samples}"], "is not TOML"),
    (["test", "--rules", "{rules}"], "record some with `bluetop monitor --duration 1d --json >> FILE`"),
    (["test", "--rules", "{rules}", "--samples", "{rules}"], "holds no samples"),
    (["test", "--rules", "{rules}", "--samples", "{samples}", "--since", "soon"], "soon is no duration"),
    (["test", "--samples", "{samples}"], "the following arguments are required: --rules"),
]  # fmt: skip


@pytest.mark.parametrize(("words", "said"), WRONG)
def test_bad_usage_is_exit_2_and_one_line(files, bluetop, words, said):
    named = {"rules": files[0], "samples": files[1]}
    status, out, err = bluetop("alerts", *(word.format(**named) for word in words))
    assert (status, out) == (2, "")
    assert said in err
    assert err.count("\n") == 1


def test_a_file_without_a_rule_that_can_be_read_is_exit_2(files, tmp_path, bluetop):
    rules = tmp_path / "bad.toml"
    for text in ("", "x = 1\n", '[[rule]]\nname = "a"\nmetric = "m"\nthreshold = "much"\n'):
        rules.write_text(text)
        for action in ("replay", "test"):
            assert bluetop("alerts", action, "--rules", str(rules), "--samples", files[1])[0] == 2


def test_hostile_samples_reach_no_terminal(files, tmp_path, bluetop):
    samples = tmp_path / "evil.jsonl"
    samples.write_text(queue(0, "\x1b]0;x\x07\n\u202e", 20) + "\n" + queue(1, "漢字" * 40, 20) + "\n")
    for words in (["replay"], ["test"]):
        out = bluetop("alerts", *words, "--rules", files[0], "--samples", str(samples))[1]
        assert "]0;x" in out
        assert all(char == "\n" or char == clean(char) for char in out)


@pytest.mark.skipif(sys.platform != "linux", reason="reads the highest mark from /proc")
def test_memory_does_not_grow_with_the_samples(files, tmp_path):
    samples = tmp_path / "many.jsonl"
    with open(samples, "w") as file:
        for t in range(80_000):
            file.write(queue(t, f"A{t % 7}", 20 if t // 7 % 2 else 5) + "\n")
    code = (
        "import sys\nfrom tui.cli import main\n"
        f"main(['alerts', 'replay', '--rules', {files[0]!r}, '--samples', {str(samples)!r}])\n"
        "sys.stderr.write(next(line for line in open('/proc/self/status') if line.startswith('VmHWM')))"
    )
    run = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert run.stdout.count("\n") > 80_000  # as many changes, none of them kept
    assert int(run.stderr.split()[1]) < 40_000


def test_how_far_it_is_is_shown_on_a_terminal_only_and_leaves_nothing_behind():
    code = (
        "from tests.fakes import FakeClock; from tui.cli.progress import ProgressLine;"
        "clock = FakeClock(); line = ProgressLine(clock); line.show(1, 9, 'MB of samples'); clock.advance(2);"
        "line.show(3, 9, 'MB of samples'); clock.advance(2); line.show(5, 0, 'MB of samples'); line.clear();"
        "print('end')"
    )
    text = on_terminal(code, 80)
    assert "MB of samples: 3 of 9" in text
    assert "MB of samples: 5" in text
    assert "1 of 9" not in text
    assert text.endswith("\rend\n")


# -- test ----------------------------------------------------------------------------------------------


def monitored(*rows):
    return "".join(
        json.dumps({
            "schema": "bluetop.monitor/1", "at": f"2026-11-24T{s // 3600:02d}:{s // 60 % 60:02d}:{s % 60:02d}Z",
            "cpu_percent": value, "memory_percent": 50.0, "fleet": {"pending": 3}, "alerts": [],
        }) + "\n"
        for s, value in rows
    )  # fmt: skip


@pytest.fixture
def recorded(tmp_path, stdin):
    """Two hours of monitor: the processor is busy for a minute each half hour, the last time for two."""
    path = tmp_path / "monitor.jsonl"
    rows = [(s, 95.0 if s % 1800 < (120 if s >= 5400 else 60) else 20.0) for s in range(0, 7200, 5)]
    path.write_text(monitored(*rows))
    return str(path)


def test_it_compares_with_the_rules_in_force(files, recorded, bluetop):
    rules = Path(files[0])
    rules.write_text(RULES.replace('for = "15s"', 'for = "90s"'))
    status, out, err = bluetop("alerts", "test", "--rules", str(rules), "--samples", recorded)
    assert (status, err) == (0, "")
    assert out.startswith(f"samples of 1h 59m from {recorded}\n")
    assert (
        "cpu_critical (changed): would have fired once, longest 30 s, on host (now: fired 4 times)\n" in out
    )
    assert "queue (new): would have fired 0 times (now: no such rule)\n" in out
    assert "in force, and not in this file: " in out
    assert "no samples of what they are about: queue\n" in out


def test_json_of_a_test_keeps_to_its_table(files, recorded, bluetop):
    out = bluetop("alerts", "test", "--rules", files[0], "--samples", recorded, "--json")[1]
    document = json.loads(out)
    assert faults(document) == []
    found = {rule["name"]: rule for rule in document["rules"]}
    assert found["cpu_critical"]["would"] == found["cpu_critical"]["now"]
    assert found["cpu_critical"]["would"]["fired"] == 4
    assert found["memory_high"]["would"] is None
    assert document["last_t"] - document["first_t"] == 7195.0


def test_since_counts_back_from_the_newest_sample_also_on_a_pipe(files, recorded, bluetop, stdin):
    words = ["alerts", "test", "--rules", files[0], "--since", "45m", "--json"]
    named = json.loads(bluetop(*words, "--samples", recorded)[1])
    assert [rule["would"]["fired"] for rule in named["rules"] if rule["name"] == "cpu_critical"] == [1]
    stdin(Path(recorded).read_bytes())
    piped = json.loads(bluetop(*words, "--samples", "-")[1])
    assert piped == {**named, "samples": "standard input"}
    out = bluetop(*words[:-1], "--samples", recorded)[1]
    assert "; the last 45 m of them count\n" in out


def test_without_samples_it_says_how_to_record_some(files, bluetop):
    status, _, err = bluetop("alerts", "test", "--rules", files[0])
    assert status == 2
    assert "then add --samples FILE" in err
