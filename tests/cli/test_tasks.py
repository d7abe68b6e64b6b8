"""`bluetop tasks`: which tasks, in which order, since when they are what they are, and what could not be read."""

import io
import json
import os
import re
import time

import pytest

from core.errors import PollError, ProberGone
from core.fields import TASK_FIELDS
from core.filter import parse
from core.queues.model import RecordState, Task, Transition
from core.reports.tasks import CLAIMED, FOUND, SEEN, Since, beginnings, since_of, timed_out, unfinished
from core.reports.tasks import Listed as Row
from tests.cli.past import Past, stamp, task, write
from tests.documented import faults
from tests.fakes import FakeClock
from tests.snapshots import snapshot, view
from tui.cli.progress import ProgressLine
from tui.cli.reading import tasks_of
from tui.cli.tasks import EXAMPLES, asked

WALL = 1_780_000_000.0


@pytest.fixture
def two(ws):
    """CA has tasks of every kind, CB one that it claims to have begun in the future."""
    now = time.time()
    write(
        ws, "CA",
        [
            task("A-1", created_at=stamp(now - 3600)), task("A-2", created_at=stamp(now - 7200), priority="low"),
            task("A-3", "in_progress", started_at=stamp(now - 5 * 3600)), task("A-4", "blocked"),
            task("A-5", "failed", completed_at=stamp(now - 60)),
        ],
        history=[task("A-6", "completed", completed_at=stamp(now - 600), actual_hours=3)],
    )  # fmt: skip
    write(
        ws,
        "CB",
        [task("B-1", "in_progress", started_at=stamp(now + 7200), dependencies=["A-1"])],
        at=now - 10,
    )
    return ws


def tasks(bluetop, *words):
    status, out, err = bluetop("tasks", "--json", *words)
    report = json.loads(out)
    assert faults(report) == []
    assert report["listed"] == len(report["tasks"])
    return status, report, err


def ids(report):
    return [row["id"] for row in report["tasks"]]


def test_unfinished_tasks_are_listed_the_longest_in_their_state_first_and_unknown_ages_last(two, bluetop):
    status, report, err = tasks(bluetop)
    assert (status, err) == (0, "")
    assert ids(report) == ["A-3", "A-2", "A-1", "B-1", "A-4"]
    assert (report["matched"], report["finished_left_out"], report["finished_too"]) == (5, 2, False)
    first = report["tasks"][0]
    assert (first["agent"], first["status"], first["since_source"], first["timed_out"]) == (
        "CA", "in_progress", "claimed", True,
    )  # fmt: skip
    assert (report["tasks"][-1]["since_at"], report["tasks"][-1]["timed_out"]) == (None, False)


def test_all_of_them_or_those_of_a_state_that_is_named(two, bluetop):
    assert len(ids(tasks(bluetop, "--all")[1])) == 7
    assert ids(tasks(bluetop, "state:completed,failed")[1]) == ["A-6", "A-5"]
    assert ids(tasks(bluetop, "status:completed", "actual>2h")[1]) == ["A-6"]
    assert tasks(bluetop, "agent:CB")[1]["finished_left_out"] == 0


def test_a_claim_that_cannot_be_true_is_marked_and_a_claim_is_told_from_what_was_seen(two, bluetop):
    _, report, _ = tasks(bluetop, "agent:CB")
    assert report["tasks"][0]["doubtful"] == ["started_at"]
    _, text, _ = bluetop("tasks")
    rows = {line.split()[0]: line for line in text.splitlines()}
    assert re.search(r" ~0 s\? ", rows["B-1"])
    assert re.search(r" ~2h 00m +2h 00m +2h +Do A-2$", rows["A-2"])
    assert re.search(r" blocked +high +- ", rows["A-4"])
    assert "and 2 finished: --all shows them too" in text


def test_a_filter_that_names_agents_reads_no_other_file(two, bluetop):
    os.mkfifo(two / "postbox/CB/pipe")
    os.replace(two / "postbox/CB/pipe", two / "postbox/CB/outbox.json")
    status, report, err = tasks(bluetop, "agent:c*", "-agent:cb", "priority:low")
    assert (status, err, ids(report), report["agents"]) == (0, "", ["A-2"], 1)


def test_terms_about_the_agent_alone_decide_which_files_are_read():
    snap = snapshot(agents=(view("CA"), view("CB"), view("DA")))

    def names(text):
        return "".join(
            v.queue.agent[1] for v in asked(snap, parse(text, TASK_FIELDS)) if v.queue.agent[0] == "C"
        )

    assert (names("agent:ca"), names("agent:C*,x"), names("-agent:CA age>3d word"), names("x")) == (
        "A", "AB", "B", "AB",
    )  # fmt: skip


def test_files_that_cannot_be_read_are_named_and_the_others_are_listed(two, bluetop):
    (two / "postbox/CD/outbox.json").mkdir(parents=True)
    write(two, "CE", '{"tasks": [{"task_id": "E-1", "status": "pending"}, {]')
    (two / "postbox/CF").mkdir()
    status, report, err = tasks(bluetop)
    assert (status, report["complete"]) == (1, False)
    assert [row["agent"] for row in report["unread"]] == ["CD", "CE"]
    assert {"A-1", "B-1", "E-1"} <= set(ids(report))
    lines = err.splitlines()
    assert lines[0].startswith("bluetop: postbox/CD/outbox.json: a directory and not a file")
    assert lines[1].startswith("bluetop: postbox/CE/outbox.json: ")
    status, text, _ = bluetop("tasks")
    assert status == 1
    assert "Do B-1" in text


def test_so_many_are_listed_and_the_rest_counted_whatever_is_printed(ws, bluetop):
    now = time.time()
    for agent in ("CA", "CB"):
        write(ws, agent, [task(f"{agent}-{n}", created_at=stamp(now - 60 * n)) for n in range(300)])
    _, report, _ = tasks(bluetop, "--limit", "3")
    assert (ids(report), report["matched"]) == (["CA-299", "CB-299", "CA-298"], 600)
    everything = tasks(bluetop)[1]["tasks"]
    assert everything[:3] == report["tasks"]
    assert len(everything) == 600
    text = bluetop("tasks")[1].splitlines()
    assert (len(text), text[-1]) == (503, "and 100 more: --limit 0 shows them all")
    assert len(bluetop("tasks", "--limit", "0")[1].splitlines()) == 602


def test_where_nothing_is_taken_it_says_so(two, bluetop):
    assert bluetop("tasks", "title:nowhere") == (0, "TASKS (0)\nnone\n", "")
    assert tasks(bluetop, "title:nowhere")[1]["tasks"] == []


def test_times_that_were_seen_go_before_claims_and_a_gap_gives_no_more_than_at_least(ws, bluetop):
    past = Past(ws, 4)
    begun = stamp(past.now - 86_400)
    past.put("CA", task("T-1"), task("T-2"), task("T-3", "in_progress", started_at=begun))
    past.look(60)
    past.put(
        "CA",
        task("T-1", "in_progress", started_at=begun),
        task("T-2"),
        task("T-3", "in_progress", started_at=begun),
    )
    past.look(60)
    past.end(until_now=False)  # two hours in which nobody looks
    write(ws, "CA", [task("T-1", "in_progress", started_at=begun), task("T-2", "blocked"), task("T-3", "in_progress")],
          at=time.time() - 600)  # fmt: skip
    _, report, _ = tasks(bluetop)
    rows = {row["id"]: (row["since_source"], row["timed_out"]) for row in report["tasks"]}
    assert rows == {"T-1": ("seen", False), "T-2": ("found", False), "T-3": (None, None)}
    _, text, _ = bluetop("tasks", "--limit", "0")
    assert re.search(r"T-1 .* 3h 00m ", text)
    assert re.search(r"T-2 .* >10 m ", text)


BLANK = Task("T", "CA", "", "in_progress", "in_progress", "", None, None, 1.0, 2.0, 3.0, (), "tasks", 0, 0)


@pytest.mark.parametrize(
    ("status", "doubtful", "last", "since"),
    [
        ("in_progress", (), None, Since(2.0, CLAIMED)),
        ("in_progress", ("started_at",), None, Since(2.0, CLAIMED, True)),
        ("in_progress", ("created_at",), None, Since(2.0, CLAIMED)),
        ("pending", (), None, Since(1.0, CLAIMED)),
        ("ready_for_review", (), None, Since(3.0, CLAIMED)),
        ("completed", (), None, Since(3.0, CLAIMED)),
        ("blocked", (), None, Since()),
        ("sent", (), None, Since()),
        ("in_progress", (), (50.0, "in_progress", 49.0), Since(50.0, SEEN)),
        ("in_progress", (), (50.0, "pending", 49.0), Since(2.0, CLAIMED)),
        ("blocked", (), (90.004, "blocked", 80.0), Since(80.0, FOUND)),
        ("blocked", (), (90.0, "blocked", 95.0), Since(90.0, FOUND)),
        ("blocked", (), (90.0, "blocked", None), Since(90.0, FOUND)),
    ],
)
def test_since_when_a_task_is_what_it_is(status, doubtful, last, since):
    begins = beginnings(RecordState(watched=((10.0, 60.0), (90.0, 100.0))))
    told = None if last is None else Transition(last[0], "CA", "T", None, last[1], last[2])
    assert since_of(BLANK._replace(status=status, doubtful=doubtful), told, begins) == since


def test_too_long_in_progress_is_told_only_where_the_time_is_known():
    running = Row(BLANK, Since(1000.0, SEEN))
    assert [timed_out(running, 1000.0 + s, 3600.0) for s in (3599.0, 3600.0)] == [False, True]
    assert timed_out(Row(BLANK, Since()), 1e9, 3600.0) is None
    assert timed_out(Row(BLANK._replace(status="blocked"), Since()), 1e9, 3600.0) is False
    assert [unfinished(BLANK._replace(status=word)) for word in ("failed", "completed", "sent")] == [
        False,
        False,
        True,
    ]


class Asked:
    """Answers as a scripted engine: a list of tasks, or an error for each time it is asked."""

    def __init__(self, **answers):
        self.answers = {agent: list(found) for agent, found in answers.items()}

    def pause(self):
        """Nothing else goes on."""

    async def tasks(self, agent):
        found = self.answers[agent].pop(0)
        if isinstance(found, Exception):
            raise found
        return found


async def test_an_agent_is_asked_again_where_the_helper_process_ended_and_holds_up_nobody():
    gone, hung = ProberGone("it ended"), PollError("no answer for 30 s")
    engine = Asked(CA=[gone, (BLANK,)], CB=[gone, gone], CC=[hung], CD=[(BLANK, BLANK)])
    views = [view(name) for name in ("CA", "CB", "CC", "CD")]
    found = [(len(read.tasks), read.problem) async for read in tasks_of(engine, views)]
    assert found == [(1, ""), (0, "it ended"), (0, "no answer for 30 s"), (2, "")]


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_progress_is_shown_after_a_second_at_a_terminal_and_leaves_nothing_behind(monkeypatch):
    clock = FakeClock()
    for stream, shown in ((Terminal(), True), (io.StringIO(), False)):
        monkeypatch.setattr("sys.stderr", stream)
        with ProgressLine(clock) as line:
            line.show(1, 9, "files")
            assert stream.getvalue() == ""
            clock.advance(1.5)
            line.show(5, 9, "files")
            line.show(6, 9, "files")
        assert stream.getvalue() == ("\rfiles: 5 of 9\r             \r" if shown else "")


def test_the_help_names_every_key_of_the_filter():
    named = EXAMPLES.split("The keys:")[1].split("exit status")[0].split()
    assert named == list(TASK_FIELDS)
