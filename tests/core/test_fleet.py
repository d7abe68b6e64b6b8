"""From a queue file to a row: state, reason, scores, sums."""

import pytest

from core.fleet import (
    NO_FIGURES,
    Figures,
    agent_view,
    figures_by_agent,
    fleet_changed,
    same_content,
    success_percent,
    workload_percent,
)
from core.snapshot import Fleet
from tests.measured import LOWER_CASE, TRAILING_COMMA, process, processes, queue


def view(**fields):
    return agent_view(queue("CA", **fields), NO_FIGURES, 8.0, None, "ok")


@pytest.mark.parametrize(
    ("fields", "state", "why"),
    [
        ({}, "idle", "nothing waiting, nothing in progress"),
        ({"pending": 3}, "idle", "3 tasks waiting, none in progress"),
        ({"in_progress": 1, "current_id": "T-1", "blocked": 2}, "working", "in progress: T-1"),
        ({"in_progress": 3, "current_id": "T-1"}, "working", "in progress: T-1 and 2 more"),
        ({"in_progress": 1}, "working", "in progress: 1 without an id"),
        ({"blocked": 1, "review": 1}, "blocked", "1 task blocked, none in progress"),
        ({"review": 2, "pending": 4}, "review", "2 tasks ready for review, none in progress"),
        ({"state": "paused", "in_progress": 1, "status_text": "on leave"}, "paused", "the file says: on leave"),
        ({"state": "decommissioned", "status_text": "DECOMMISSIONED - No longer active"}, "retired",
         "the file says: DECOMMISSIONED - No longer active"),
        ({"state": "decommissioned"}, "retired", "the file says decommissioned"),
        ({"form": "missing"}, "missing", "no queue file at /w/postbox/CA/outbox.json"),
        ({"form": "unreadable", "problems": (LOWER_CASE, TRAILING_COMMA)}, "unreadable",
         "a comma before the closing bracket (line 80, column 5)"),
        ({"stale_since": 5.0, "in_progress": 1, "problems": (TRAILING_COMMA,)}, "stale",
         "last good state; now: a comma before the closing bracket (line 80, column 5)"),
        ({"stale_since": 5.0, "state": "decommissioned"}, "stale", "last good state; now: the file cannot be read"),
    ],
)  # fmt: skip
def test_state_follows_from_the_file_and_says_from_what(fields, state, why):
    row = view(**fields)
    assert (row.state, row.why) == (state, why)


@pytest.mark.parametrize(
    ("fields", "percent"),
    [
        ({"pending": 2, "pending_hours": 4.0}, 50.0),
        ({"pending": 2, "pending_hours": 800.0}, 100.0),
        ({"pending": 0, "pending_hours": None}, 0.0),
        ({"pending": 2, "pending_hours": None}, None),
        ({"pending": 2, "pending_hours": float("nan")}, None),
        ({"pending": 2, "pending_hours": -5.0}, None),
        ({"form": "unreadable"}, None),
        ({"form": "missing"}, None),
    ],
)
def test_workload_is_hours_waiting_over_a_working_day(fields, percent):
    assert workload_percent(queue("CA", **fields), 8.0) == percent


def test_success_is_unknown_before_anything_was_finished():
    assert success_percent(queue("CA")) is None
    assert success_percent(queue("CA", completed=3, failed=1)) == 75.0


def test_sums_follow_changes():
    working = view(in_progress=1, pending=4, completed=7)
    blocked = view(blocked=2, pending=1)
    broken = view(form="unreadable")
    fleet = fleet_changed(Fleet(), [], [working, broken])
    assert fleet == Fleet(agents=2, active=1, pending=4, in_progress=1, completed=7, unreadable=1)
    fleet = fleet_changed(fleet, [working], [blocked])
    assert fleet == Fleet(agents=2, active=1, pending=1, blocked=2, unreadable=1)
    assert fleet_changed(fleet, [blocked, broken], []) == Fleet()


def test_figures_are_summed_per_agent_over_what_is_known():
    sample = processes(
        1.0,
        process(1, "CA", handles=10, cpu_percent=5.0),
        process(2, "CA", handles=None, cpu_percent=None, started_at=-7.0),
        process(3, "CB", handles=None, cpu_percent=None, rss_bytes=None),
        process(4, ""),
    ).sample
    assert figures_by_agent(sample) == {
        "CA": Figures(2, 10, 5.0, 20_000_000, -7.0, 2),
        "CB": Figures(1, None, None, None, 0.0, 1),
    }


@pytest.mark.parametrize(
    ("name", "command", "works"),
    [
        ("python", "python agent.py", True), ("node", "node /usr/bin/agent", True), ("sh", "/bin/sh -c loop", True),
        ("bash", "bash -lc ./agent.sh", True), ("bash", "bash agent.sh", True), ("vi", "vi outbox.json", False),
        ("bash", "-bash", False), ("zsh", "zsh -i", False), ("tail", "tail -f outbox.json", False),
        ("tmux: server", "tmux new", False),
    ],
)  # fmt: skip
def test_shells_editors_and_the_like_are_no_workers(name, command, works):
    sample = processes(1.0, process(1, "CA", name=name, command=command, started_at=-7.0)).sample
    assert figures_by_agent(sample)["CA"][4:] == ((-7.0, 1) if works else (None, 0))
    assert figures_by_agent(sample)["CA"].processes == 1


def test_a_file_read_again_with_the_same_content_is_the_same():
    assert same_content(queue("CA", read_ms=1.0, read_at=5.0), queue("CA", read_ms=2.0, read_at=9.0))
    assert not same_content(queue("CA", pending=1), queue("CA", pending=2))
    assert not same_content(queue("CA"), queue("CA", stale_since=1.0))
