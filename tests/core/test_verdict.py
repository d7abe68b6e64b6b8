"""The one sentence: what it names, in which order, and that it stands still."""

import pytest

from core.snapshot import Verdict
from core.sources import Answer, Trouble
from tests.measured import (
    LOWER_CASE,
    TRAILING_COMMA,
    WALL,
    Session,
    cpu,
    disk,
    memory,
    process,
    processes,
    queue,
    queues,
)


def test_before_the_first_samples_it_waits():
    session = Session()
    assert session.snapshot.verdict == Verdict("unknown", "waiting for the first samples", "")
    said = session.step(cpu(1000.0, None), memory(1000.0)).verdict
    assert said.text == "waiting for the first samples"
    assert said.evidence == "CPU, disk I/O, open files, the queues"


def test_all_well_says_what_was_checked():
    session = Session()
    said = session.calm(queue("CA"), queue("CB", in_progress=1)).verdict
    assert said == Verdict("ok", "all well: 2 agents, 4 host checks, 2 files, 1 mount", "")


def test_without_a_workspace_it_speaks_of_the_host_and_says_how_to_name_one():
    session = Session(workspace=None)
    said = session.step(cpu(1000.0), memory(1000.0), disk(1000.0), processes(1000.0)).verdict
    assert (said.severity, said.text) == ("ok", "the host is well: 4 host checks")
    assert "--workspace DIR" in said.evidence
    assert "bluetop demo" in said.evidence
    assert said.action == "show_help"


def test_while_the_queues_are_read_it_says_how_far():
    session = Session()
    at = session.at
    said = session.step(
        cpu(at),
        memory(at),
        disk(at),
        processes(at, process(1)),
        queues(at, queue("CA"), done=1200, total=10_000),
    ).verdict
    assert said.text == "reading the queues: 1200 of 10000 files"
    assert said.severity == "unknown"


LONG = queue("CC", pending=14, oldest_waiting_at=WALL - 187_200)
REVIEW = queue("CD", review=2)
ODD = queue("CE", problems=(LOWER_CASE,))
BROKEN = queue("CF", form="unreadable", problems=(TRAILING_COMMA,))
AT = 1002.0
TROUBLES = [
    (Trouble("/w", "workspace", "unreadable", "no permission", AT), "the workspace /w cannot be read"),
    (cpu(AT, 99.0), "CPU averages 99 % since the start"),
    (Trouble("/mnt/nfs", "mount", "hung", "no answer for 14 s", AT), "/mnt/nfs does not answer"),
    (queues(AT, BROKEN), "CF's queue file cannot be read"),
    (queues(AT, LONG), "CC has 14 tasks waiting"),
    (queues(AT, REVIEW), "CD: 2 ready for review"),
    (queues(AT, ODD), "CE's queue file is odd: priority 'high' in lower case"),
]


@pytest.mark.parametrize("first", range(len(TROUBLES)))
def test_the_worst_thing_is_named_whatever_else_is_wrong(first):
    session = Session()
    session.step(cpu(1001.0, TROUBLES[1][0].sample.percent if first <= 1 else 20.0), seconds=1.0)
    answers = [answer for answer, _ in TROUBLES[first:]]
    said = session.tick(
        processes(AT, process(1)),
        *(answer for answer in reversed(answers) if answer is not TROUBLES[1][0]),
        *([cpu(AT, 99.0)] if first <= 1 else []),
    ).verdict
    assert said.text == TROUBLES[first][1]


def test_a_missed_target_names_evidence_subject_and_key():
    session = Session()
    said = session.calm(LONG).verdict
    assert said == Verdict(
        "medium", "CC has 14 tasks waiting", "target < 10, oldest 2d 4h, none in progress",
        "agent:CC", "open_agent", "show CC",
    )  # fmt: skip


def test_a_queue_that_others_could_help_with_names_the_key_of_a_rebalance():
    said = Session().calm(LONG, queue("CA")).verdict
    assert (said.subject, said.action, said.hint) == ("agent:CC", "open_rebalance", "rebalance")


@pytest.mark.parametrize(
    ("fields", "text", "evidence"),
    [
        ({"pending": 4, "pending_hours": 32.4}, "CA is overloaded: 32 h of work waiting",
         "workload 100 %, target <= 80"),
        ({"completed": 6, "failed": 4}, "CA fails too often: 60 % succeed", "4 failed, 6 completed, target > 95"),
    ],
)  # fmt: skip
def test_sentences_of_agent_kpis(fields, text, evidence):
    said = Session().calm(queue("CA", **fields)).verdict
    assert (said.text, said.evidence, said.subject) == (text, evidence, "agent:CA")


def test_sentences_of_host_kpis_name_a_measured_cause():
    session = Session()
    session.calm()
    big = process(9, "CB", cpu_percent=95.2, rss_bytes=3 << 30, handles=410)
    said = session.tick(memory(1002.0, 152.0), processes(1002.0, big)).verdict
    assert (said.severity, said.text) == ("critical", "memory is 96 % full since the start")
    assert said.evidence == "target < 75, most: CB 3.00 GiB"
    session = Session()
    session.calm()
    said = session.tick(processes(1002.0, big)).verdict
    assert (said.severity, said.text, said.action) == (
        "low",
        "watched processes hold 410 files open",
        "open_processes",
    )
    assert said.evidence == "target < 100, most: CB 410 of 1024"


def test_disk():
    session = Session()
    session.calm()
    said = session.tick(disk(1002.0, 150.4)).verdict
    assert (said.text, said.action) == ("the disks move 76 MB/s since the start", "expand")


def test_unknown_is_said_as_unknown():
    session = Session()
    session.calm(queue("CA"))
    at = session.at + 20
    said = session.step(memory(at), disk(at), processes(at, process(1)), queues(at), seconds=20).verdict
    assert (said.severity, said.text) == ("unknown", "cannot tell: no sample of CPU for 20 s")
    assert (said.subject, said.action) == ("source:cpu", "open_sources")


def test_silent_queues_are_said_as_unknown():
    session = Session()
    session.calm(queue("CA", pending=14))
    for _ in range(20):
        at = session.at + 1
        said = session.step(cpu(at), memory(at), disk(at), processes(at, process(1)), seconds=1).verdict
    assert said.text == "cannot tell: no sample of the queues for 20 s"
    assert session.snapshot.kpi("queue").status == "unknown"
    assert session.snapshot.overall == "unknown"


def test_what_this_host_cannot_measure_does_not_cry_unknown_for_ever():
    session = Session()
    for _ in range(30):
        at = session.at + 1
        said = session.step(
            cpu(at), memory(at), disk(at, None), processes(at, process(1)), queues(at, queue("CA")), seconds=1
        ).verdict
    assert (said.severity, said.text) == ("ok", "all well: 1 agent, 3 host checks, 1 file")
    assert said.evidence == "not measured here: disk I/O"


def test_a_poller_that_fails_is_named_with_its_reason():
    session = Session()
    session.calm(queue("CA"))
    said = session.tick(
        Answer("mounts", session.at + 1, None, "/proc/self/mountinfo: no permission", "unreadable")
    ).verdict
    assert said.text == "mounts cannot be read"
    assert said.evidence == "/proc/self/mountinfo: no permission, last answer 1 s ago"


def test_the_subject_is_kept_while_it_is_among_the_worst():
    session = Session()
    session.calm(queue("CA", pending=14), queue("CB", pending=9))
    assert session.snapshot.verdict.subject == "agent:CA"
    assert session.tick(queues(session.at + 1, queue("CB", pending=15))).verdict.subject == "agent:CA"
    assert session.tick(queues(session.at + 1, queue("CB", pending=40))).verdict.subject == "agent:CB"
    assert session.tick(queues(session.at + 1, queue("CA", pending=42))).verdict.subject == "agent:CB"
    assert session.tick(queues(session.at + 1, queue("CB", pending=0))).verdict.subject == "agent:CA"


def test_the_sentence_does_not_flicker_with_decimals():
    session = Session()
    session.calm()
    said = session.tick(cpu(1002.0, 161.0)).verdict
    for tenth in range(5):
        again = session.tick(cpu(session.at + 1, 90.5 + tenth / 100)).verdict
        assert "." not in again.text
    assert said.text == "CPU averages 90 % since the start"


def test_a_file_that_is_one_of_several_broken_ones_says_so():
    broken = [queue(name, form="unreadable", problems=(TRAILING_COMMA,)) for name in ("CA", "CB", "CC")]
    said = Session().calm(*broken).verdict
    assert said.evidence == "a comma before the closing bracket (line 80, column 5); 2 more like it"
    assert (said.severity, said.subject) == ("high", "agent:CA")


def test_an_average_says_over_what_time_it_is_once_it_is():
    session = Session()
    session.calm()
    for _ in range(310):
        said = session.tick(cpu(session.at + 1, 85.0), processes(session.at + 1, process(1))).verdict
    assert said.text == "CPU averages 85 % over 5 m"
    assert said.evidence == "target < 80, now 85 %"
