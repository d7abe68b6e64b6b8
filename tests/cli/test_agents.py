"""`bluetop agents`: what it prints of a workspace with a past, in which order, and what it says of a wrong filter."""

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest

from core.fields import AGENT_FIELDS
from core.measures.needs import Need
from core.reports.agents import urgent_first
from core.samples import ProcessesSample, SignalsSample
from core.snapshot import Reading
from tests.cli.conftest import tree
from tests.cli.past import Past, stamp, task, write
from tests.documented import faults
from tests.snapshots import snapshot, view
from tui.cli.agents import EXAMPLES, chosen, key_of
from tui.cli.filters import marked
from tui.cli.look import in_doubt
from tui.cli.options import Options
from tui.cli.output import Output


@pytest.fixture
def past(ws):
    """CA takes a task every half hour and finishes it; CB waits for a review; CC began a day ago and is silent."""
    past = Past(ws, 5.75)
    waiting = [task(f"T-{number}") for number in range(20)]
    history = []
    past.put("CB", task("R-1", "ready_for_review", completed_at=stamp(past.now - 60)), role="Backend")
    past.put("CC", task("X-1", "in_progress", started_at=stamp(past.now - 86_400)))
    for number in range(12):
        past.put(
            "CA",
            {**waiting[0], "status": "in_progress"},
            *waiting[1:],
            history=history,
            expertise=["python"],
        )
        past.look(30)
        history.append(
            {**waiting.pop(0), "status": "completed", "actual_hours": 0.5, "skills_required": ["python"]}
        )
        assert number == len(history) - 1
    past.end()
    return past


def agents(bluetop, *words):
    status, out, _ = bluetop("agents", "--json", *words)
    report = json.loads(out)
    assert faults(report) == []
    return status, report, {agent["id"]: agent for agent in report["agents"]}


def test_one_documented_object_tells_how_every_agent_is_doing(past, bluetop):
    status, report, found = agents(bluetop)
    assert (status, report["complete"], report["matched"], report["fleet"]["agents"]) == (0, True, 3, 3)
    assert {name: agent["state"] for name, agent in found.items()} == {
        "CA": "working", "CB": "waiting", "CC": "silent",
    }  # fmt: skip
    assert found["CB"]["file_state"] == "review"
    assert found["CC"]["evidence"][0] == "status in_progress"
    assert re.fullmatch(r"status in_progress, no change for [56]h \d\dm, no process", found["CC"]["why"])
    assert report["fleet"]["states"] == {"silent": 1, "waiting": 1, "working": 1}


def test_rates_forecast_and_task_times_come_from_what_was_seen(past, bluetop):
    _, report, found = agents(bluetop)
    out = found["CA"]["rates"]["out"]
    assert out["n"] == 11  # the first began with the watching
    assert out["low_per_hour"] < 2 < out["high_per_hour"]
    assert 5.5 < out["watched_hours"] < 5.8
    assert found["CA"]["drain"]["kind"] == "clears"
    assert found["CA"]["drain"]["low_s"] < 8 * 1800 < found["CA"]["drain"]["high_s"]
    time = found["CA"]["task_time"]
    assert (time["source"], time["p50_hours"]) == ("seen", 0.5)
    assert (found["CA"]["efficiency_percent"], found["CA"]["efficiency_n"]) == (400.0, 11)
    assert report["record"]["mode"] == "reading"
    assert 5.5 < report["record"]["watched_hours"] < 5.8
    assert report["fleet"]["rates"]["out"]["n"] == 11


def test_what_is_found_changed_after_a_gap_is_no_sign_of_life_now(ws, bluetop):
    past = Past(ws, 3)
    past.put("CA", task("T-1"))
    past.look(60)
    past.end(until_now=False)
    write(ws, "CA", [task("T-1", "in_progress")], at=time.time() - 3600)
    found = agents(bluetop)[2]["CA"]
    assert (found["state"], found["evidence"][1]) == ("silent", "no change for 1h 00m")
    assert found["current_since_at"] == found["progress_at"] == found["changed_at"]


def test_without_a_record_nothing_is_forecast_and_nothing_counts_as_watched(ws, bluetop):
    write(ws, "CA", [task("T-1"), task("T-2", "in_progress")])
    _, report, found = agents(bluetop)
    assert found["CA"]["rates"] == {"in": None, "out": None, "ended": None}
    assert (found["CA"]["drain"]["kind"], found["CA"]["drain"]["low_s"]) == ("unknown", None)
    assert (report["record"]["mode"], report["record"]["observed_since_at"]) == ("memory", None)
    assert "nobody has watched yet" in bluetop("agents")[1]


def test_the_table_has_those_first_that_need_a_person_then_the_needs_then_the_fleet(past, bluetop):
    _, text, _ = bluetop("agents")
    lines = text.splitlines()
    assert [line.split()[0] for line in lines[2:5]] == ["CC", "CB", "CA"]
    assert "NEEDS YOU (2)" in lines
    assert re.search(r"^medium: CC X-1 is in progress for too long, for 1d [56]h$", text, re.M)
    assert re.search(r"^low: CB R-1 ready for review, for \S+", text, re.M)
    (fleet,) = [line for line in lines if line.startswith("3 agents: ")]
    assert (
        "1 silent, 1 waiting for a person, 1 working; tasks: 8 waiting, 2 in progress, 1 in review" in fleet
    )
    assert lines[-1].startswith("watched for 5h 4")


def need(agent, severity):
    return Need("signal", severity, agent, "", 1, None, "asks for help")


def test_urgency_is_the_most_severe_need_then_severity_then_load_then_name():
    def made(agent, *needs, **more):
        return msgspec.structs.replace(view(agent, **more), needs=tuple(need(agent, n) for n in needs))

    views = [
        made("A", load=10.0), made("B", "low", "high", load=10.0), made("C", "low", severity="high", load=None),
        made("D", load=90.0), made("E", severity="medium", load=0.0), made("F", load=10.0), made("G", "low", load=0.0),
    ]  # fmt: skip
    backwards = views[::-1]
    assert "".join(v.queue.agent for v in sorted(backwards, key=urgent_first)) == "BCGEDAF"


def sorted_by(name, *views, reverse=False):
    from core.filter import parse

    snap = snapshot(agents=views)
    return "".join(
        v.queue.agent for v in chosen(snap, parse("", AGENT_FIELDS), key_of(name, AGENT_FIELDS), reverse)
    )


def test_sorting_has_the_largest_first_and_what_is_unknown_last_whichever_way_it_goes():
    views = (view("A", load=10.0), view("B", load=None), view("C", load=90.0))
    assert sorted_by("load", *views) == "CAB"
    assert sorted_by("load", *views, reverse=True) == "ACB"
    assert sorted_by("agent", *reversed(views)) == "ABC"


def test_states_sort_by_how_much_they_matter():
    words = ("idle", "gone", "working", "silent")
    views = (msgspec.structs.replace(view(word[0]), liveness=word) for word in words)
    assert sorted_by("state", *views) == "gswi"


def test_sort_takes_the_other_names_of_a_key_and_guesses_at_wrong_ones(past, bluetop):
    assert agents(bluetop, "--sort", "pending")[1]["order"] == "wait"
    assert agents(bluetop, "--sort", "pending", "--reverse")[1]["order"] == "wait reversed"
    status, _, err = bluetop("agents", "--sort", "lod")
    assert (status, err) == (2, "bluetop: --sort cannot be lod; did you mean load?\n")


def test_a_filter_is_all_the_words_and_may_begin_with_a_dash(past, bluetop):
    assert set(agents(bluetop, "wait>3")[2]) == {"CA"}
    assert set(agents(bluetop, "-state:working", "--sort", "agent", "no:skill")[2]) == {"CB", "CC"}
    assert set(agents(bluetop, "backend")[2]) == {"CB"}
    status, report, _ = agents(bluetop, "wait>99")
    assert (status, report["matched"], report["needs_count"]) == (0, 0, 0)
    assert report["fleet"]["agents"] == 3
    status, _, err = bluetop("agents", "wait>3", "--jsn")
    assert (status, err) == (2, "bluetop: agents: --jsn is no option; did you mean --json?\n")


def test_a_wrong_filter_is_shown_with_a_mark_below_what_is_wrong(past, bluetop):
    status, out, err = bluetop("agents", "wait>3", "state:silnt", "CA")
    assert (status, out) == (2, "")
    assert err.splitlines() == [
        "  wait>3 state:silnt CA",
        "               ^^^^^",
        "bluetop: state cannot be silnt; did you mean silent?",
    ]


def test_the_mark_stands_right_in_wide_hostile_and_long_texts():
    line, mark = marked("表:x wat:\x1b[2J", 4, 7)
    assert line == "  表:x wat:\\x1b[2J"
    assert mark == "  " + " " * 5 + "^^^"
    line, mark = marked("a " * 200 + "wrong " + "b " * 200, 400, 405)
    assert len(line) < 80
    assert line[mark.index("^") : mark.rindex("^") + 1] == "wrong"
    assert marked("", 2000, 2000)[1] == "  ^"


def test_only_so_many_are_listed_and_the_rest_is_counted(past, bluetop):
    _, text, _ = bluetop("agents", "--limit", "1")
    assert "AGENTS (3)" in text
    assert "and 2 more: --limit 0 shows them all" in text
    _, report, found = agents(bluetop, "--limit", "2")
    assert (report["matched"], len(found)) == (3, 2)


def test_skills_are_read_only_when_asked_for_and_a_file_that_cannot_be_read_is_named(past, ws, bluetop):
    assert {agent["skills"] for agent in agents(bluetop)[2].values()} == {None}
    write(ws, "CD", "{")
    status, out, err = bluetop("agents", "--json", "--skills")
    report = json.loads(out)
    assert (status, report["complete"], [row["agent"] for row in report["unread"]]) == (1, False, ["CD"])
    assert err.startswith("bluetop: postbox/CD/outbox.json: ")
    assert faults(report) == []
    skills = {
        row["skill"]: row for agent in report["agents"] if agent["id"] == "CA" for row in agent["skills"]
    }
    assert (skills["*"]["done"], skills["*"]["failed"], skills["*"]["speed_n"]) == (11, 0, 11)
    assert skills["*"]["success_low_percent"] < 100
    assert skills["python"]["skill"] == "python"
    assert "SKILLS" in bluetop("agents", "--skills", "CA")[1]


def test_agents_whose_file_cannot_be_read_have_a_row_and_unknown_counts(ws, bluetop):
    (ws / "postbox/CA/outbox.json").mkdir(parents=True)
    (ws / "postbox/CB").mkdir()
    status, _, found = agents(bluetop)
    assert status == 0
    assert (found["CA"]["state"], found["CA"]["pending"], found["CA"]["drain"]) == ("unreadable", None, None)
    assert (found["CB"]["state"], found["CB"]["success_n"]) == ("missing", None)


@pytest.mark.parametrize(
    "words", [["agents"], ["agents", "--skills"], ["tasks", "--all"], ["why", "CA"], ["why", "T-3"]]
)
def test_nothing_in_the_workspace_is_created_or_changed(words, past, ws, tmp_path, bluetop):
    folders = [ws, *(path for path in ws.rglob("*") if path.is_dir())]
    for folder in folders:
        folder.chmod(0o555)
    try:
        before = tree(ws)
        for more in ([], ["--json"]):
            status, _, err = bluetop(*words, *more)
            assert (status, err) == (0, "")
        assert tree(ws) == before
    finally:
        for folder in folders:
            folder.chmod(0o755)
    assert not (tmp_path / "state").exists()


def test_a_process_that_may_be_busy_and_what_was_not_read_yet_want_a_second_look():
    silent = msgspec.structs.replace(view("CA"), liveness="silent", cpu_percent=None)
    calm = snapshot()
    assert not in_doubt(calm)
    assert in_doubt(snapshot(agents=(silent,)))
    assert not in_doubt(snapshot(agents=(msgspec.structs.replace(silent, processes=0),)))
    assert not in_doubt(snapshot(agents=(msgspec.structs.replace(silent, cpu_percent=50.0),)))
    unread = Reading(SignalsSample(1.0, "h", (), 0, (), (), False), 1.0)
    assert in_doubt(snapshot(signals=unread))
    assert in_doubt(snapshot(processes=Reading(ProcessesSample(1.0, "h", (), None, 9, 0, 1.0, False), 1.0)))


def test_the_help_names_every_key_of_the_filter():
    named = EXAMPLES.split("the largest first):")[1].split("exit status")[0].split()
    assert named == list(AGENT_FIELDS)


def test_names_and_titles_cannot_act_on_the_terminal(ws, bluetop):
    evil = "\x1b]0;x\x07\u202e[red]\u200b\n"
    write(ws, "CA", [task(evil, "in_progress", title=evil)], role=evil, status=evil)
    os.makedirs(os.fsencode(ws / "postbox") + b"/\x1b[2J\xff")
    for words in (
        ["agents"],
        ["agents", "--json"],
        ["tasks"],
        ["tasks", "--json"],
        ["why", "CA"],
        ["why", evil],
    ):
        status, out, _ = bluetop(*words)
        assert status == 0, words
        assert all(char == "\n" or char.isprintable() for char in out), words


def test_analyze_shows_how_alive_agents_are_and_keeps_the_meaning_of_its_state(past, bluetop):
    _, text, _ = bluetop("analyze")
    assert text.index("NEEDS YOU (2)") < text.index("KPIS")
    rows = {line.split()[0]: line for line in text[text.index("AGENTS (3)") :].splitlines() if line}
    assert "DRAINS" in rows["AGENT"]
    assert re.match(r"CA +working +8 .* in \d", rows["CA"])
    assert rows["CC"].split()[1] == "silent"
    report = json.loads(bluetop("analyze", "--json")[1])
    assert faults(report) == []
    assert [(a["id"], a["state"], a["file_state"], a["liveness"]) for a in report["agents"][1:]] == [
        ("CB", "review", "review", "waiting"), ("CC", "working", "working", "silent"),
    ]  # fmt: skip
    assert report["needs_count"] == 2


def test_no_more_is_imported_than_the_commands_need(past, ws):
    code = (
        "import sys\nfrom tui.cli import main\n"
        "for words in (['agents', '--skills'], ['tasks'], ['why', 'CA'], ['why', 'X-1']): main(words)\n"
        "sys.stderr.write(' '.join(sys.modules))"
    )
    environ = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    run = subprocess.run(
        [sys.executable, "-c", code], env=environ, cwd=ws, capture_output=True, text=True, check=True
    )
    assert not [name for name in run.stderr.split() if name.partition(".")[0] in ("textual", "rich")]


def test_a_narrow_terminal_keeps_what_matters_most(past, bluetop, monkeypatch, capsys):
    monkeypatch.setattr(Output, "__init__", _narrow(Output.__init__))
    _, text, _ = bluetop("agents")
    heading = text.splitlines()[1]
    assert len(heading) <= 80
    assert {"AGENT", "STATE", "WAIT", "DRAINS", "LOAD", "NOW"} <= set(heading.split())


def _narrow(init):
    def made(self, options: Options, environ=None):
        init(self, options, environ)
        self.cells = 80

    return made


def test_figures_beyond_all_measure_are_unknown(ws, bluetop):
    tasks = [
        {"task_id": "T-1", "status": "completed", "estimated_hours": 1e308, "actual_hours": 1e308},
        {"task_id": "T-2", "status": "pending", "estimated_hours": 1e308},
    ]
    (ws / "postbox" / "CA").mkdir()
    (ws / "postbox" / "CA" / "outbox.json").write_text(json.dumps({"agent_id": "CA", "tasks": tasks}))
    for command in ("agents", "analyze", "tasks", "why"):
        status, out, _ = bluetop(*([command, "CA"] if command == "why" else [command]))
        assert status == 0
        assert not re.search(r"\d{17}|\binf\b|\bnan\b", out)


def test_a_call_for_help_of_somebody_without_a_folder_is_heard(ws, bluetop):
    (ws / "postbox" / "CA").mkdir()
    (ws / "postbox" / "CA" / "outbox.json").write_text(json.dumps({"agent_id": "CA", "tasks": []}))
    active = ws / ".signals" / "active"
    active.mkdir(parents=True)
    call = {"signal_id": "S", "signal_type": "NEEDS_HELP", "from_agent": "GHOST", "message": "hello?"}
    (active / "S.json").write_text(json.dumps(call))
    (active / "T.json").write_text("{broken")
    os.utime(active / "T.json", (1e9, 1e9))
    assert "high: GHOST asks for help: hello?" in bluetop("agents")[1]
    assert "GHOST" not in bluetop("agents", "agent:CA")[1]
    report = json.loads(bluetop("analyze", "--json")[1])
    assert [(need["agent"], need["kind"]) for need in report["needs"]] == [("GHOST", "signal")]
    assert [p["source"] for p in report["problems"]] == [".signals/active/T.json"]
