"""`bluetop why`: which name is meant, where each number of an agent comes from, and what becomes of a task."""

import json
import os
import re
from pathlib import Path

import pytest

from core.config import Settings
from core.kpi import worst_severity
from core.policy import policy_of
from core.queues.model import Knot, Task
from core.reports.tasks import SEEN, Listed, Since
from core.reports.why_agent import agent_reasons, severities
from core.reports.why_task import Facts, how_long, state_of, task_reasons, task_why_data, waits
from tests.cli.conftest import tree
from tests.cli.past import Past, task, write
from tests.documented import faults
from tests.snapshots import WALL, snapshot, view

CORPUS = os.environ.get("BLUETOP_CORPUS", "")


def why(bluetop, name, *words):
    status, out, _ = bluetop("why", name, "--json", *words)
    report = json.loads(out)
    assert faults(report) == []
    return status, report


def sentences(part):
    return [f"{reason['about']}: {reason['text']}" for reason in part["reasons"]]


@pytest.fixture
def past(ws):
    """CA works; CB has lost DB-1, for which X-1 of CC waits; X-2 waits for X-1; TASK-9 is in two files."""
    past = Past(ws, 3)
    past.put(
        "CA",
        task("TASK-1", estimated_hours=5),
        task("TASK-2", estimated_hours=None),
        task("TASK-9"),
        role="Frontend",
    )
    past.put("CB", task("DB-1", "in_progress"), task("TASK-9", "in_progress"))
    past.put(
        "CC",
        task("X-1", "blocked", dependencies=["DB-1"]),
        task("X-2", dependencies=["X-1", "OLD-7", "TASK-9"]),
    )
    past.look(30)
    past.put(
        "CA", task("TASK-1", "in_progress", estimated_hours=5), task("TASK-2", estimated_hours=None), task("TASK-9"),
        role="Frontend",
    )  # fmt: skip
    past.look(30)
    past.put("CB", task("TASK-9", "in_progress"))
    past.end()
    return past


# -- which name -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "name", "found_by"),
    [
        ("X-1", "X-1", "name"),
        ("x-1", "X-1", "case"),
        ("task-1", "TASK-1", "case"),
        ("db", "DB-1", "beginning"),
        ("ca", "CA", "case"),
    ],
)
def test_a_name_is_taken_as_it_is_else_in_another_case_else_as_a_beginning(
    asked, name, found_by, past, bluetop
):
    status, report = why(bluetop, asked)
    assert (status, report["asked"], report["name"], report["found_by"]) == (0, asked, name, found_by)
    assert (report["agent"] is None) is (name != "CA")


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("TASK", "why: 3 names begin so: TASK-1, TASK-2, TASK-9; write more of the one you mean"),
        ("c", "why: 3 names begin so: CA, CB, CC; write more of the one you mean"),
        ("TSAK-2", "why: no agent or task is called TSAK-2; did you mean TASK-2?"),
        ("CD", "why: no agent or task is called CD; did you mean CA or CB or CC?"),
        (
            "nonsense",
            "why: no agent or task is called nonsense; `bluetop agents` and `bluetop tasks` list them",
        ),
        (" ", "why: name an agent or a task; `bluetop agents` and `bluetop tasks` list them"),
    ],
)
def test_a_name_that_means_nothing_or_too_much_is_told_so(asked, said, past, bluetop):
    assert bluetop("why", asked) == (2, "", f"bluetop: {said}\n")


def test_a_name_that_is_an_agents_and_a_tasks_tells_of_both(past, ws, bluetop):
    write(ws, "CD", [task("CB", "blocked")])
    _, report = why(bluetop, "CB")
    assert (report["agent"]["id"], report["task"]["id"]) == ("CB", "CB")
    text = bluetop("why", "CB")[1]
    assert "AGENT CB" in text
    assert "TASK CB: blocked" in text


# -- an agent ---------------------------------------------------------------------------------------


def test_each_number_of_an_agent_comes_with_its_operands(past, bluetop):
    _, report = why(bluetop, "CA")
    said = dict(line.split(": ", 1) for line in sentences(report["agent"]))
    assert re.match(
        r"silent: status in_progress, no change for 2h \d\dm, no process; silent from 30 m", said["state"]
    )
    assert said["its file"] == "says working: in progress: TASK-1"
    assert said["waiting"].startswith("2 tasks, 2 h estimated, 1 without an estimate; the oldest since 20")
    assert re.match(
        r"1 of at most 5 at once \(tuning.max_concurrent_tasks\); TASK-1 since \S+ \(2h \d\dm ago\)$",
        said["running"],
    )
    assert re.match(
        r"0\.\d/h, 90 % interval 0\.0 to [12]\.\d: 1 seen to cease to wait in 2h 5\dm watched$", said["out"]
    )
    assert said["workload"] == (
        "25 % = 2 h waiting / 8 h a working day (workload.hours), at most 100; "
        "1 waiting without an estimate count nothing"
    )
    assert said["load"].startswith("88 % = 7 h not done yet")
    assert said["efficiency"] == "unknown: no finished task has both an estimate and actual hours"
    assert said["severity"] == "medium: silent"
    assert report["agent"]["severity"] == "medium"
    assert said["watched"].endswith(f"the record is {past.root}/.bluetop/transitions.jsonl")
    assert [(row["task"], row["to"]) for row in report["agent"]["life"]] == [("TASK-1", "in_progress")]
    assert report["agent"]["skills"][0]["skill"] == "*"


def test_for_people_the_agent_has_its_sections_and_problems(past, ws, bluetop):
    write(ws, "CA", '{"tasks": [{"task_id": "T-1", "status": "pending"},]}')
    _, text, _ = bluetop("why", "CA")
    for heading in ("AGENT CA", "NEEDS YOU", "LATELY, as it was seen", "PROBLEMS OF ITS FILE"):
        assert heading in text
    assert re.search(r"^odd: .*\(line 1, column \d+\)$", text, re.M)


def test_the_reasons_for_a_severity_are_all_there_is_to_it():
    policy = policy_of(Settings(), host="h", workspace="/w", read_only=True, intervals={})
    found = severities(view("CC", "working", load=100.0, pending=14), policy)
    assert found == ["medium: queue 14 tasks (target < 10)", "medium: workload 100 % (target <= 80)"]
    assert severities(view("WA", "retired", load=None, pending=14), policy) == []
    said = {r.about: r.text for r in agent_reasons(view("X", "unreadable", load=None), snapshot(), policy)}
    assert said["severity"] == "high: its file cannot be read"
    assert "waiting" not in said


# -- a task -----------------------------------------------------------------------------------------


def test_a_task_says_where_it_is_since_when_and_how_that_is_known(past, bluetop):
    _, report = why(bluetop, "TASK-1")
    found = report["task"]
    assert (found["status"], found["since_source"], found["timed_out"], found["vanished"]) == (
        "in_progress", "seen", False, False,
    )  # fmt: skip
    where, how, stuck = sentences(found)
    assert where == "where: CA: in_progress in postbox/CA/outbox.json, tasks[0]"
    assert re.match(r"how long: in_progress for 2h \d\dm: seen to become so at \S+Z$", how)
    assert stuck.startswith("stuck: its agent CA is silent: ")
    (change,) = found["life"]
    assert (change["from"], change["to"], change["after_s"], change["watched"]) == (
        "pending",
        "in_progress",
        None,
        True,
    )


def test_what_a_task_waits_for_comes_with_what_becomes_of_it(past, bluetop):
    _, report = why(bluetop, "X-2")
    found = report["task"]
    assert [(wait["task"], wait["agent"], wait["status"], wait["outcome"]) for wait in found["waits_for"]] == [
        ("X-1", "CC", "blocked", "never"), ("OLD-7", None, None, "unknown"), ("TASK-9", "CA", "pending", "open"),
    ]  # fmt: skip
    assert found["will_not_end"] is True
    assert "will not end: X-2 waits for X-1, which waits for DB-1, which is in no file any more" in sentences(
        found
    )
    assert "OLD-7: in no file: nobody knows it" in bluetop("why", "X-2")[1]


def test_a_lost_task_is_told_of_though_no_file_has_it(past, bluetop):
    _, report = why(bluetop, "DB-1")
    found = report["task"]
    assert (found["vanished"], found["status"], found["records"]) == (True, None, [])
    (state,) = sentences(found)
    assert re.match(
        r"state: lost: in no file any more since \S+Z \([12]h \d\dm ago\); it was in_progress in that of CB$",
        state,
    )
    assert [need["kind"] for need in found["needs"]] == ["lost"]


def test_a_task_that_went_while_nobody_looked_is_known_from_the_record(ws, bluetop):
    past = Past(ws, 2)
    past.put("CA", task("T-1"), task("T-2", "completed"))
    past.look(10)
    past.put("CA", task("T-1", "in_progress"), task("T-2", "completed"))
    past.look(10)
    past.end(until_now=False)
    write(ws, "CA", [])
    (state,) = sentences(why(bluetop, "T-1")[1]["task"])
    assert re.match(
        r"state: in no file any more since .*; it was in_progress in that of CA, and went while nobody looked$",
        state,
    )
    life = why(bluetop, "T-1")[1]["task"]["life"]
    assert [(row["to"], row["watched"]) for row in life] == [("in_progress", True), (None, False)]
    (state,) = sentences(why(bluetop, "T-2")[1]["task"])
    assert state.endswith("it was completed in that of CA, so nothing is lost")


def test_a_task_in_two_files_is_told_of_in_both(past, bluetop):
    _, report = why(bluetop, "TASK-9")
    found = report["task"]
    assert [(row["agent"], row["status"]) for row in found["records"]] == [
        ("CA", "pending"),
        ("CB", "in_progress"),
    ]
    assert "twice: it is in the files of CA and CB: two agents may work on it" in sentences(found)


def test_a_file_that_cannot_be_read_whole_is_named_and_the_rest_told(past, ws, bluetop):
    write(ws, "CA", '{"tasks": [{"task_id": "TASK-1", "status": "pending"}, {]')
    status, out, err = bluetop("why", "TASK-1", "--json")
    report = json.loads(out)
    assert (status, report["complete"], report["unread"][0]["agent"]) == (1, False, "CA")
    assert err.startswith("bluetop: postbox/CA/outbox.json: ")
    assert faults(report) == []


def test_a_workspace_that_is_none_is_exit_three(tmp_path, ws, bluetop):
    for words in (["why", "CA"], ["agents"], ["tasks"]):
        status, out, _ = bluetop(*words, "--workspace", str(tmp_path / "none"))
        assert (status, out) == (3, "")


RECORD = Task(
    "T",
    "CA",
    "",
    "pending",
    "pending",
    "",
    None,
    None,
    None,
    None,
    None,
    (),
    "tasks",
    0,
    0,
    (),
    ("A", "B", "C", "D"),
)


def test_what_will_never_come_is_told_from_what_may():
    facts = Facts(
        "T",
        (Listed(RECORD, Since(WALL - 60, SEEN)),),
        standing={
            "A": ("CB", "failed"),
            "B": ("WA", "pending"),
            "C": ("CC", "in_progress"),
            "D": ("CC", "pending"),
        },
        knots=[Knot("cycle", "D", "CC", ("D", "E"), "D and E wait for each other")],
        views={"WA": view("WA", "retired"), "CC": view("CC")},
    )
    assert [wait.outcome for wait in waits(facts)] == ["never", "never", "open", "never"]
    assert waits(facts._replace(listed=(Listed(RECORD._replace(status="failed"), Since()),))) == ()


def test_a_knot_holds_up_all_of_its_chain_but_the_dead_end():
    chain = Knot("failed", "T", "CA", ("T", "U", "V"), "T waits for U, which waits for V, which failed")
    data = {
        name: task_why_data(
            Facts(name, (Listed(RECORD._replace(task_id=name, needs=()), Since()),), knots=[chain]),
            snapshot(),
            1.0,
        )
        for name in "TUV"
    }
    assert {name: found["will_not_end"] for name, found in data.items()} == {"T": True, "U": True, "V": False}


def test_what_was_read_well_before_and_cannot_be_read_now_is_not_called_vanished():
    facts = Facts("T", known={"CA": "blocked"})
    assert state_of(facts) == "blocked"
    (reason, *_) = task_reasons(facts, snapshot(), 1.0)
    assert reason.text == "blocked at CA, as its file was last read well; now that cannot be read whole"
    assert how_long(Listed(RECORD, Since()), WALL).startswith("pending since nobody knows when")


def _snapshots():
    """All of them; those that show nothing new take their time with the long tests."""
    names = sorted(os.listdir(os.path.join(CORPUS, "snapshots"))) if CORPUS else []
    first = "autopilot-6681f7dd8"
    return [name if name == first else pytest.param(name, marks=pytest.mark.long) for name in names]


# -- every real workspace ---------------------------------------------------------------------------


@pytest.mark.skipif(not CORPUS, reason="BLUETOP_CORPUS is not set")
@pytest.mark.parametrize("name", _snapshots())
def test_every_real_workspace_is_told_of_and_left_as_it_is(name, ws, bluetop):
    root = Path(CORPUS, "snapshots", name)
    before = tree(root)
    here = ("--workspace", str(root))
    documents = {}
    for words in (["agents"], ["agents", "--skills"], ["tasks", "--all"], ["analyze"]):
        status, text, _ = bluetop(*words, *here)
        again, out, _ = bluetop(*words, "--json", *here)
        documents[words[0]] = json.loads(out)
        assert faults(documents[words[0]]) == [], words
        assert status == again in (0, 1)
        assert all(char == "\n" or char.isprintable() for char in text + out)
    counts = ("pending", "in_progress", "review", "blocked", "failed", "completed", "other")
    counted = sum(agent[key] or 0 for agent in documents["agents"]["agents"] for key in counts)
    assert counted == len(documents["tasks"]["tasks"])
    names = [agent["id"] for agent in documents["agents"]["agents"]]
    named = [row["id"] for row in documents["tasks"]["tasks"] if row["id"]]
    reports = {}
    for asked in (*names, *named[:3]):
        status, out, _ = bluetop("why", "--json", *here, "--", asked)
        assert status in (0, 1)
        reports[asked] = json.loads(out)
        assert faults(reports[asked]) == []
    for agent in documents["agents"]["agents"]:
        assert agent["severity"] == worst_severity(
            row.split(":")[0] for row in _severity(reports[agent["id"]]) if row != "ok"
        )
    assert bluetop("why", *here, "--", names[0])[0] in (0, 1)
    assert tree(root) == before


def _severity(report):
    (text,) = [reason["text"] for reason in report["agent"]["reasons"] if reason["about"] == "severity"]
    return [] if text.startswith("ok:") else text.split("; ")


@pytest.mark.parametrize("name", [" lead", "n" * 255, "CA "])
def test_an_agent_is_found_by_whatever_its_folder_is_called(name, ws, bluetop):
    (ws / "postbox" / name).mkdir()
    (ws / "postbox" / name / "outbox.json").write_text('{"tasks": []}')
    status, report = why(bluetop, name)
    assert (status, report["name"], report["found_by"]) == (0, name, "name")
    assert report["agent"]["id"] == name
