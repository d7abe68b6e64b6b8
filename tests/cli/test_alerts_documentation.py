"""docs/alerts.md says the truth: its tables are what the program knows, its examples run."""

import json
import re
import shlex
from pathlib import Path

import pytest

from core.alerts.grouping import Group, message
from core.alerts.lines import Lines
from core.alerts.note import Note
from core.alerts.rulefile import parse
from core.config import DEFAULT_RULES
from core.configfile import described, examine
from core.reports.alerts import condition_words, span
from tests.cli.alerting import lived
from tests.cli.test_alerts_replay import monitored
from tests.fakes import FakeClock

DOC = (Path(__file__).parents[2] / "docs" / "alerts.md").read_text(encoding="utf-8")


def blocks(kind: str, under: str = "") -> list[str]:
    """The examples of a kind, those below a heading only if that is named."""
    text = DOC.split(f"\n## {under}\n")[1].split("\n## ")[0] if under else DOC
    return re.findall(rf"```{kind}\n(.*?)```", text, re.S)


def rows(heading: str) -> list[list[str]]:
    """The rows of the table below a line of headings."""
    table = DOC.split(f"\n{heading}\n")[1].split("\n\n")[0].splitlines()[1:]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in table]


def test_every_key_of_a_rule_is_explained_with_its_default():
    known = {s.key.removeprefix("rule."): s.default for s in described() if s.key.startswith("rule.")}
    told = {row[0].strip("`"): row[1].strip("`") for row in rows("| key | default | what it does |")}
    assert list(told) == sorted(told, key=list(told).index)
    assert set(told) == set(known)
    for key, default in known.items():
        plain = default.removesuffix(".0") or "(must be given)"
        assert told[key] == {"none": "threshold"}.get(plain, plain), key


def test_the_shipped_rules_are_listed_as_they_are():
    told = [
        [row[0].strip("`"), row[1], row[2], row[3], row[4]]
        for row in rows("| rule | fires when | for | clear | severity |")
    ]
    assert told == [
        [r.name, condition_words(r), span(r.for_s), "" if r.clear is None else f"{r.clear:g}", r.severity]
        for r in DEFAULT_RULES
    ]


@pytest.mark.parametrize("text", blocks("toml")[:2])
def test_examples_of_configuration_are_good_ones(text, tmp_path):
    path = tmp_path / "config.toml"
    path.write_text(text)
    loaded = examine((str(path),))
    assert (loaded.faults, loaded.rejected) == ((), ())


def test_the_example_message_has_the_keys_of_a_message():
    (example,) = (json.loads(text) for text in blocks("json", "Who is told of what"))
    note = Note("firing", "1", "r", "m", "agent", "CA", "low", 1.0, 2.0, "t", "a", "h", "/w", 0.0, 0.0)
    real = message(Group((note,), 1), 0.0)
    assert list(example) == list(real)
    assert list(example["alerts"][0]) == list(real["alerts"][0])


def test_the_example_lines_of_the_log_have_the_keys_of_such_lines(tmp_path):
    examples = {}
    for line in blocks("json", "What is kept, and where")[0].splitlines():
        row = json.loads(line)
        examples[row["what"]] = row
    lines = Lines("box", "1-a")
    clock = FakeClock()
    here = lived(tmp_path)
    logged = [json.loads(line) for line in (tmp_path / ".bluetop" / "alerts.jsonl").read_text().splitlines()]
    real = {row["what"]: [key for key in row if key != "batch"] for row in logged}
    made = {
        "ack": lines.ack(clock.wall(), "r", "s", "ann", undo=False),
        "unack": lines.ack(clock.wall(), "r", "s", "ann", undo=True),
        "silence": lines.silence(clock.wall(), "x", ("r", "s", ""), clock.wall(), "ann", "why"),
        "unsilence": lines.unsilence(clock.wall(), "x", "ann"),
        "delivery_failed": lines.failed(clock.wall(), "ops", 1, "why"),
    }
    real |= {what: ["n", *line] for what, line in made.items()}
    assert {what: list(row) for what, row in examples.items()} == real
    assert here.live.keeping is not None


def test_the_replay_is_what_it_prints(tmp_path, ws, bluetop, monkeypatch):
    (rules,), (samples,), (text,) = (blocks(kind, "Replay") for kind in ("toml", "jsonl", "text"))
    assert parse(rules, "rules").faults == ()
    monkeypatch.chdir(tmp_path)
    Path("rules.toml").write_text(rules)
    Path("samples.jsonl").write_text(samples)
    (command,) = blocks("sh", "Replay")
    status, out, err = bluetop(*shlex.split(command)[1:])
    assert (status, out, err) == (0, text, "")


def test_the_commands_run(ws, tmp_path, bluetop):
    """Those about kept alerts, on some; `monitor` for a moment only."""
    lived(ws)
    Path("rules.toml").write_text(blocks("toml", "Replay")[0])
    Path("monitor.jsonl").write_text(monitored((0, 50.0), (5, 60.0)))
    ran = []
    for line in "".join(blocks("sh")).splitlines():
        words = shlex.split(line.partition(" >> ")[0])
        assert words[0] == "bluetop"
        if words[1] == "monitor":
            words[words.index("--duration") + 1] = "0.4"
            words += ["--interval", "0.2"]
        if words[2] == "replay":
            continue  # tried above
        status, _, err = bluetop(*words[1:])
        assert err == "", line
        assert status in ((0, 1) if words[1] == "monitor" else (0,)), line
        ran.append(words[2])
    assert {"ack", "silence", "list", "rules", "test"} <= set(ran)


def test_the_commands_of_the_first_table_exist(capsys):
    from tui.cli import main

    named = re.findall(r"`bluetop alerts (\w+)", DOC) + re.findall(r"\(`(un\w+)", DOC.split("\n## ")[0])
    for action in set(named) & {"list", "ack", "unack", "silence", "unsilence", "rules", "test", "replay"}:
        with pytest.raises(SystemExit):
            main(["alerts", action, "--help"])
    assert set(named) <= {"list", "ack", "unack", "silence", "unsilence", "rules", "test", "replay"}
    assert capsys.readouterr().err == ""
