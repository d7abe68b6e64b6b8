"""Rules on trial: sums over recorded samples, from lines of a replay and of monitor alike."""

import io
import json

import pytest

from core.alerts.samplefile import LONGEST, UNREADABLE, as_samples, lines_of, newest, pieces
from core.alerts.trial import Trial, Would
from core.config import Rule
from core.queues.times import parse

QUEUE = Rule("queue", "queue_length", 15, "agent", clear=12)


def sample(t, value, subject="CA", metric="queue_length", scope="agent"):
    return (
        json.dumps({"t": t, "metric": metric, "scope": scope, "subject": subject, "value": value}).encode()
        + b"\n"
    )


def monitor(seconds, **figures):
    at = f"2026-11-24T{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}Z"
    return json.dumps(
        {"schema": "bluetop.monitor/1", "at": at, "host": "box", "fleet": None, "alerts": [], **figures}
    ).encode()


def tried(rules, in_force, lines, begin=float("-inf")):
    trial = Trial(rules, in_force, begin)
    trial.feed(as_samples(lines))
    return {rule.name: rule for rule in trial.end()}, trial


# CA: 0-100 and 300-360; CB: 100 to the end
LIFE = [
    sample(0, 20), sample(100, 5), sample(100, 30, "CB"), sample(300, 20), sample(360, 5), sample(400, 5, "CC"),
]  # fmt: skip


def test_each_rule_says_how_often_how_long_and_on_what():
    found, trial = tried([QUEUE], [QUEUE], LIFE)
    expected = Would(3, 0, 5, 1, 300.0, 100.0 + 60.0 + 300.0, ("CA", "CB"), True)
    assert found["queue"].would == found["queue"].now == expected
    assert not found["queue"].changed
    assert (trial.first, trial.last) == (0.0, 400.0)


def test_an_edited_rule_is_told_beside_the_one_in_force():
    edited = Rule("queue", "queue_length", 25, "agent")
    found, _ = tried([edited, Rule("new", "cpu_percent", 5)], [QUEUE, Rule("old", "queue_length", 1)], LIFE)
    assert list(found) == ["queue", "new", "old"]
    assert (found["queue"].changed, found["queue"].would.fired, found["queue"].now.fired) == (True, 1, 3)
    assert (found["new"].now, found["new"].would) == (None, Would())
    assert (found["old"].would, found["old"].now.fired) == (None, 3)


def test_what_comes_before_is_seen_and_not_counted():
    found, _ = tried([QUEUE], [], LIFE, begin=150.0)
    would = found["queue"].would
    assert (would.fired, would.still, would.firing_s) == (1, 1, 60.0 + 250.0)
    assert would.longest_s == 300.0  # the whole of one that was under way
    assert would.subjects == ("CA", "CB")


def test_flapping_is_counted_where_it_would_be_told():
    rule = Rule("queue", "queue_length", 15, "agent", flap_high=4, flap_low=1, flap_window_s=100)
    lines = [sample(t, 20 if t % 2 else 5) for t in range(12)]
    found, _ = tried([rule], [], lines)
    assert (found["queue"].would.flapped, found["queue"].would.fired) == (1, 6)


def test_a_disabled_rule_is_none():
    found, _ = tried([Rule("queue", "queue_length", 15, enabled=False)], [QUEUE], LIFE)
    assert (found["queue"].would, found["queue"].now.fired) == (None, 3)


def test_lines_of_monitor_are_samples_of_the_host():
    lines = [
        monitor(0, cpu_percent=50.0, memory_percent=None, fleet={"pending": 3, "in_progress": 1}),
        monitor(5, cpu_percent=95.0, disk_io_mb_per_s=60.0, open_files=120),
    ]
    found = [json.loads(line) for line in as_samples(lines)]
    t = parse("2026-11-24T00:00:00Z").at
    assert found == [
        {"t": t, "event": "tick"}, {"t": t, "metric": "cpu_percent", "value": 50.0},
        {"t": t, "metric": "pending_tasks", "value": 3}, {"t": t, "metric": "in_progress_tasks", "value": 1},
        {"t": t + 5, "event": "tick"}, {"t": t + 5, "metric": "cpu_percent", "value": 95.0},
        {"t": t + 5, "metric": "disk_io_mb_per_s", "value": 60.0}, {"t": t + 5, "metric": "open_files", "value": 120.0},
    ]  # fmt: skip
    cpu = Rule("cpu", "cpu_percent", 90, "host")
    assert tried([cpu], [], lines)[0]["cpu"].would.fired == 1


ODD = [
    b"", b"\n", b"nonsense\n", b"[1]\n", b"\xff\xfe\n", monitor(0)[:40], b'{"schema": "bluetop.monitor/1"}',
    b'{"schema": "bluetop.monitor/1", "at": 5}', b'{"schema": "bluetop.monitor/1", "at": "yesterday"}',
    b'{"schema": "bluetop.monitor/1", "at": "2026-11-24T00:00:00Z", "cpu_percent": "much", "fleet": 3}',
]  # fmt: skip


@pytest.mark.parametrize("line", ODD)
def test_a_line_that_is_neither_stops_nothing(line):
    found, trial = tried([QUEUE], [QUEUE], [line, *LIFE, line])
    assert found["queue"].would.fired == 3
    assert trial.dropped["invalid"] == (2 if line.strip() else 0)


def test_lines_are_read_one_by_one_and_one_without_an_end_is_one_that_cannot_be_read():
    told = []
    data = b"a\n" * 10_000 + b"x" * (3 * LONGEST) + b"\nb\nlast"
    lines = list(lines_of(io.BytesIO(data), told.append))
    assert lines[:2] == [b"a\n", b"a\n"]
    assert lines[10_000:] == [UNREADABLE, b"b\n", b"last"]
    assert told == [8192, 16384]
    assert [len(piece) for piece in pieces(lines)] == [4096, 4096, 10_003 - 8192]


def test_the_newest_time_is_that_of_any_line():
    assert newest([b"x\n", sample(7, 1), b'{"t": 9, "event": "tick"}\n', sample(8, 1), b'{"t": true}\n']) == 9
    assert newest([b"x\n"]) is None
