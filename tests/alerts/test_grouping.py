"""What is told in one message, and when: no process, no clock that moves by itself."""

import subprocess
import sys

import pytest

from core.alerts.grouping import SCHEMA, Group, Grouping, message
from core.alerts.note import Note

WALL = 1_780_000_000.0


def note(name: str = "a1", severity: str = "high", what: str = "firing", **more: object) -> Note:
    """A notification of the alert `name`."""
    plain = Note(
        what=what, id=name, rule="cpu_critical", metric="cpu_percent", scope="host", subject="host",
        severity=severity, value=93.5, threshold=90.0, text=f"CPU of {name} is 94 %", advice="Find the process",
        host="build-7", workspace="/w", at=WALL, since=WALL - 15,
    )  # fmt: skip
    return plain._replace(**more)


def names(group: Group | None) -> list[str]:
    assert group is not None
    return [told.id for told in group.notes]


def test_first_note_may_go_at_once():
    grouping = Grouping("info")
    assert grouping.due is None
    grouping.put([note()])
    assert grouping.due == 0.0
    assert names(grouping.take(500.0)) == ["a1"]


def test_what_comes_meanwhile_goes_ten_seconds_after_in_one_message():
    grouping = Grouping("info")
    grouping.put([note("a1")])
    grouping.take(500.0)
    grouping.put([note("a2")])
    grouping.put([note("a3")])
    assert grouping.due == 510.0
    assert grouping.take(509.9) is None
    assert names(grouping.take(510.0)) == ["a2", "a3"]
    assert grouping.due is None
    assert grouping.take(520.0) is None


def test_less_than_the_severity_of_the_channel_is_left_out():
    grouping = Grouping("medium")
    grouping.put([note(severity, severity) for severity in ("info", "low", "medium", "high", "critical")])
    assert names(grouping.take(0.0)) == ["critical", "high", "medium"]


def test_nothing_waits_when_all_is_left_out():
    grouping = Grouping("critical")
    grouping.put([note(severity="high")])
    assert grouping.due is None
    assert grouping.take(0.0) is None


def test_alerts_are_listed_by_severity_and_then_as_they_came():
    grouping = Grouping("info")
    grouping.put([note("1", "low"), note("2", "critical"), note("3", "low"), note("4", "critical")])
    assert names(grouping.take(0.0)) == ["2", "4", "1", "3"]


def test_firing_and_resolved_of_one_alert_are_both_kept_in_order():
    grouping = Grouping("info")
    grouping.put([note("x", what="firing"), note("y"), note("x", what="resolved")])
    group = grouping.take(0.0)
    assert group is not None
    assert [(told.id, told.what) for told in group.notes] == [
        ("x", "firing"),
        ("y", "firing"),
        ("x", "resolved"),
    ]


def test_twenty_are_listed_and_the_rest_is_counted():
    grouping = Grouping("info")
    grouping.put([note(str(number), "low") for number in range(30)] + [note("worst", "critical")])
    group = grouping.take(0.0)
    assert names(group) == ["worst", *map(str, range(19))]
    assert group is not None
    assert (group.total, group.more) == (31, 11)


def test_of_too_many_the_oldest_of_the_lowest_severity_are_dropped_and_counted():
    grouping = Grouping("info", room=3, listed=3)
    grouping.put([note("i1", "info"), note("c1", "critical"), note("i2", "info")])
    grouping.put([note("h1", "high")])
    grouping.put([note("h2", "high")])
    grouping.put([note("h3", "high")])
    assert len(grouping) == 3
    group = grouping.take(0.0)
    assert names(group) == ["c1", "h2", "h3"]
    assert group is not None
    assert (group.total, group.more) == (6, 3)


def test_what_comes_last_is_dropped_itself_if_it_is_the_least():
    grouping = Grouping("info", room=2)
    grouping.put([note("h1", "high"), note("h2", "high"), note("l1", "low")])
    assert names(grouping.take(0.0)) == ["h1", "h2"]


def test_dropped_ones_are_counted_once():
    grouping = Grouping("info", room=1)
    grouping.put([note("a"), note("b")])
    grouping.take(0.0)
    grouping.put([note("c")])
    group = grouping.take(10.0)
    assert group is not None
    assert group.total == 1


def test_a_flood_takes_no_more_room_than_two_hundred_notes():
    grouping = Grouping("info")
    for number in range(5000):
        grouping.put([note(str(number), "low")])
    assert len(grouping) == 200
    group = grouping.take(0.0)
    assert group is not None
    assert group.total == 5000
    assert names(group)[0] == "4800"


def test_flush_does_not_wait():
    grouping = Grouping("info")
    grouping.put([note("a1")])
    grouping.take(500.0)
    grouping.put([note("a2")])
    assert names(grouping.flush(500.5)) == ["a2"]
    assert grouping.flush(500.6) is None


def test_message_has_the_documented_form():
    told = message(Group((note(),), 3), WALL)
    assert told == {
        "schema": SCHEMA,
        "host": "build-7",
        "workspace": "/w",
        "sent_at": "2026-05-28T20:26:40Z",
        "count": 3,
        "more": 2,
        "alerts": [
            {
                "what": "firing", "id": "a1", "rule": "cpu_critical", "metric": "cpu_percent", "scope": "host",
                "subject": "host", "severity": "high", "value": 93.5, "threshold": 90.0,
                "text": "CPU of a1 is 94 %", "recommendation": "Find the process",
                "at": "2026-05-28T20:26:40Z", "since": "2026-05-28T20:26:25Z",
            }
        ],
    }  # fmt: skip


@pytest.mark.parametrize("value", [float("nan"), float("inf"), None])
def test_what_json_has_no_number_for_is_null(value):
    alert = message(Group((note(value=value, since=None, at=1e300),), 1), WALL)["alerts"][0]
    assert (alert["value"], alert["since"], alert["at"]) == (None, None, None)


def test_texts_of_a_message_are_clean_and_of_limited_length():
    alert = message(Group((note(text="\x1b]0;evil\x07\n" + "x" * 9000, subject="a\x00b\udc80"),), 1), WALL)[
        "alerts"
    ][0]
    assert alert["subject"] == r"a\x00b\udc80"
    assert len(alert["text"]) == 500
    assert alert["text"].isprintable()


def test_the_owner_pays_for_no_network_and_no_subprocess():
    code = (
        "import sys; import core.alerts.outbox, core.alerts.grouping\n"
        "heavy = ('urllib', 'ssl', 'socket', 'http', 'subprocess', 'asyncio', 'threading', 'core.alerts.courier')\n"
        "print([name for name in heavy if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
