"""Collecting a workspace of several agents: moves, tasks that two have, files that cannot be read."""

import errno
import json
import os
import random
import shutil
import signal

import pytest

from core.agentmetrics.collect import Place, collect
from core.agentmetrics.export import csv_text, openmetrics_text
from core.agentmetrics.report import export_data
from core.agentmetrics.store import Refused
from core.errors import UsageError, WorkspaceError
from tests.agentmetrics.space import entry, history, outbox, task, totals
from tests.documented import faults
from tui.cli.output import json_text

OLD = (
    "total_tasks", "completed_tasks", "failed_tasks", "success_rate", "avg_execution_time_hours",
    "avg_efficiency_score",
)  # fmt: skip


def test_collecting_again_writes_nothing(space):
    space.queue("CA", task(), done=[history("TASK-2")])
    first = space.collect()
    assert [(agent.queue.agent, agent.added, agent.written) for agent in first.agents] == [("CA", 2, True)]
    before = space.written("CA")
    space.clock.advance(100)
    again = space.collect()
    assert (again.written, again.agents[0].added, again.agents[0].updated) == (0, 0, 0)
    assert space.written("CA") == before


def test_an_agent_without_tasks_is_told_of_and_gets_no_file(space):
    space.queue("CA")
    (space.root / "postbox" / "CB").mkdir()
    assert totals(space.collect()) == {"CA": 0, "CB": 0}
    assert list((space.root / ".metrics" / "agents").iterdir()) == []


def test_without_saving_nothing_is_made_and_everything_is_told(space):
    space.queue("CA", task())
    space.put("CB", entry("TASK-9", "CB", "completed"))
    before = space.file("CB").read_bytes()
    shutil.rmtree(space.root / ".metrics" / "reports", ignore_errors=True)
    found = space.collect(save=False, tasks=True)
    assert totals(found) == {"CA": 1, "CB": 1}
    assert [row["id"] for agent in found.agents for row in agent.tasks] == ["TASK-1", "TASK-9"]
    assert space.file("CB").read_bytes() == before
    assert sorted(path.name for path in (space.root / ".metrics").rglob("*")) == ["CB_metrics.json", "agents"]


def test_a_task_that_moved_counts_once_for_its_new_agent_who_inherits_what_was_known(space):
    space.queue("CA", task(estimated_hours=4, deliverables=["a", "b"]))
    space.queue("CB")
    space.collect()
    space.queue("CA")
    space.queue("CB", done=[history(metrics={"actual_hours": 2})])
    found = space.collect()
    assert totals(found) == {"CA": 0, "CB": 1}
    assert found.agents[0].moved == (("TASK-1", "CB"),)
    assert space.facts("CA")["moved_to"] == "CB"
    assert space.entry("CA")["estimated_hours"] == 4
    assert (space.entry("CB")["estimated_hours"], space.entry("CB")["deliverables_total"]) == (4, 2)
    assert found.overall.measures().efficiency_percent == 200
    again = space.collect()
    assert (again.written, again.agents[0].moved) == (0, ())
    space.queue("CB")  # the history was rewritten: the task still is the new agent's
    assert totals(space.collect()) == {"CA": 0, "CB": 1}


def test_a_task_that_came_back_counts_where_it_is_again(space):
    space.queue("CA", task())
    space.queue("CB")
    space.collect()
    for here, there in (("CB", "CA"), ("CA", "CB")):
        space.queue(here, task())
        space.queue(there)
        space.collect()
    assert "moved_to" not in space.facts("CA")
    assert space.facts("CB")["moved_to"] == "CA"
    assert totals(space.collect()) == {"CA": 1, "CB": 0}


def test_a_task_in_two_queue_files_counts_once_and_is_named(space):
    space.queue("ARCH", done=[history("T", at="2026-05-01T22:30:00Z")])
    space.queue("CA", done=[history("T", at="2026-05-01T22:00:00Z")])
    found = space.collect()
    assert [(row.task_id, row.owner, row.others, row.why) for row in found.shared] == [
        ("T", "ARCH", ("CA",), "the later one")
    ]
    assert totals(found) == {"ARCH": 1, "CA": 0}
    assert space.facts("CA", "T")["counted_for"] == "ARCH"


def test_entries_of_one_task_that_only_old_metrics_files_have_count_once(space):
    times = {"created_at": "2026-05-01T10:00:00Z"}
    space.put("CA", entry(**times))
    space.put("CB", entry("TASK-1", "CB", "completed", completed_at="2026-05-02T10:00:00Z", **times))
    for agent in ("CA", "CB"):
        space.queue(agent)
    assert totals(space.collect()) == {"CA": 0, "CB": 1}
    assert totals(space.collect()) == {"CA": 0, "CB": 1}


def test_an_agent_that_is_gone_keeps_its_metrics_and_counts(space):
    space.queue("CA", done=[history()])
    space.collect()
    shutil.rmtree(space.root / "postbox" / "CA")
    found = space.collect()
    assert [(agent.queue.agent, agent.queue.form) for agent in found.agents] == [("CA", "gone")]
    assert found.overall.measures().counts["completed"] == 1
    assert found.complete


def test_a_queue_file_that_cannot_be_read_costs_no_task_and_no_other_agent(space):
    space.queue("CA", task(), task("TASK-2"))
    space.queue("CB", task("TASK-3"))
    space.collect()
    for broken in (b"", b'{"tasks": [{"task_id": "TASK-2", "status": "comp', b"\xff\xfe\x00nonsense"):
        space.raw("CA", broken)
        space.queue("CB", done=[history("TASK-3")])
        found = space.collect()
        (problem,) = found.problems
        assert problem.file.startswith("postbox/CA/outbox.json")
        assert not found.complete
        assert totals(found) == {"CA": 2, "CB": 1}
        assert "gone" not in space.facts("CA")
        assert space.entry("CB", "TASK-3")["status"] == "completed"


def test_one_agent_alone_is_written_and_the_others_still_say_whose_a_task_is(space):
    space.queue("CA", task())
    space.queue("CB", task("TASK-2"))
    space.collect()
    space.queue("CA")
    space.queue("CB", task("TASK-2"), task())
    found = space.collect(agent="CA")
    assert totals(found) == {"CA": 0}
    assert space.facts("CA")["moved_to"] == "CB"
    assert len(space.metrics("CB")["metrics"]) == 1


@pytest.mark.parametrize(
    ("name", "said"),
    [("ca", "did you mean CA"), ("ZZZ", "there are CA, CB"), ("CA\x1b", r"no agent CA\\x1b in")],
)
def test_an_unknown_agent_is_told_which_there_are(space, name, said):
    space.queue("CA", task())
    space.queue("CB", task("TASK-2"))
    with pytest.raises(UsageError, match=said):
        space.collect(agent=name)
    assert not (space.root / ".metrics").exists()


def test_more_agents_than_are_read_are_told_of_and_none_is_taken_for_gone(space):
    for agent in ("CA", "CB", "CC"):
        space.queue(agent, task(f"TASK-{agent}"))
    space.collect()
    place = space.place._replace(limits=space.place.limits._replace(max_agents=2))
    found = collect(place, save=True)
    assert "1 more agents are not read" in found.problems[0].text
    assert space.facts("CC", "TASK-CC") == {}


def hang_at(monkeypatch, part):
    """From now on whoever opens a path with this in it never comes back, as on a dead mount."""
    opened = os.open

    def slow(path, *words, **more):
        if part in os.fsdecode(path):
            signal.pause()
        return opened(path, *words, **more)

    monkeypatch.setattr(os, "open", slow)


def test_a_queue_file_that_hangs_is_left_behind_and_named(space, monkeypatch):
    for agent in ("CA", "CB", "CC"):
        space.queue(agent, task(f"TASK-{agent}"))
    hang_at(monkeypatch, "postbox/CB/")
    found = collect(Place(str(space.root), deadline_s=0.2), save=True)
    (problem,) = found.problems
    assert (problem.file, problem.text) == ("postbox/CB/outbox.json", "no answer within 0.2 s")
    assert totals(found) == {"CA": 1, "CB": 0, "CC": 1}


def test_a_metrics_folder_that_hangs_is_an_error_and_leaves_no_process(space, monkeypatch):
    space.queue("CA", task())
    space.put("CA", entry())
    hang_at(monkeypatch, "CA_metrics.json")
    monkeypatch.setattr("core.agentmetrics.collect.LOCK_S", 0.1)
    with pytest.raises(WorkspaceError, match=r"\.metrics .* does not answer"):
        collect(Place(str(space.root), deadline_s=0.1), save=True)
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


def denied(name, call):
    """A call that is not allowed for this name."""

    def refuse(path, *words, **more):
        if path == name:
            raise PermissionError(errno.EACCES, "Permission denied", path)
        return call(path, *words, **more)

    return refuse


def test_a_metrics_folder_that_may_not_be_read_is_an_error_with_its_name(space, monkeypatch):
    space.queue("CA", task())
    monkeypatch.setattr(os, "open", denied(".metrics", os.open))
    with pytest.raises(Refused, match=r"\.metrics cannot be read: Permission denied; check its permissions"):
        space.collect(save=False)
    with pytest.raises(PermissionError) as caught:
        space.collect()
    assert caught.value.filename == ".metrics"


def test_a_metrics_folder_that_cannot_be_made_is_an_error_with_its_name(space, monkeypatch):
    space.queue("CA", task())
    monkeypatch.setattr(os, "mkdir", denied("reports", os.mkdir))
    with pytest.raises(PermissionError) as caught:
        space.collect()
    assert caught.value.filename == ".metrics/reports"


def test_hostile_values_in_a_metrics_file_reach_no_report(space):
    hostile = entry(
        "T\x1b[31m", status="\x1b]0;x\x07", created_at=7, started_at=[], estimated_hours="x", actual_hours={}
    )
    facts = {"T\\x1b[31m": {"doubtful": 1, "approximate": {}, "delivered": -4, "tracked": [], "gone": "no"}}
    space.put("CA", hostile, last_updated="\x1b[2J", bluetop={"tasks": facts})
    space.put("CB", last_updated=[7])
    for agent in ("CA", "CB"):
        space.queue(agent)
    found = space.collect(save=False, tasks=True)
    for text in (csv_text(found), openmetrics_text(found), json_text(export_data(found, "/w"))):
        assert all(char in "\r\n" or char.isprintable() for char in text)
    assert faults(export_data(found, "/w")) == []
    assert [agent.last_updated for agent in found.agents] == [None, None]


def test_a_metrics_folder_that_leads_away_is_refused_for_reading_too(space, tmp_path):
    (space.root / ".metrics").symlink_to(tmp_path)
    space.queue("CA", task())
    for save in (True, False):
        with pytest.raises(Refused, match="leads out of the workspace"):
            space.collect(save=save)


def test_hostile_names_stay_in_their_folder_and_are_shown_as_text(space):
    names = [
        "..hidden",
        "-rf",
        "a b",
        "new\nline",
        "\x1b]0;x\x07",
        "b\udcff",
        "$(id)",
        "é完了",
        "%s",
        "...",
        "CA ",
    ]
    for name in names:
        space.queue("x", task(f"TASK-{name}"))
        (space.root / "postbox" / "x").rename(space.root / "postbox" / name)
    found = space.collect()
    assert found.complete
    assert len(list((space.root / ".metrics" / "agents").iterdir())) == len(names)
    assert {path.name for path in space.root.iterdir()} == {"postbox", ".metrics"}
    assert all(agent.queue.agent.isprintable() for agent in found.agents)
    assert space.collect().written == 0


def test_a_saved_report_has_the_old_layout_and_every_agent(space):
    space.queue("CA", done=[history(metrics={"actual_hours": 3})])
    space.queue("CB")
    found = space.collect(report=True)
    folder = space.root / ".metrics" / "reports"
    latest = json.loads((folder / "latest_performance_report.json").read_text())
    assert found.report == ".metrics/reports/performance_report_20260528_202640.json"
    assert json.loads((space.root / found.report).read_text()) == latest
    assert list(latest)[:3] == ["generated_at", "agents", "overall"]
    assert list(latest["agents"]) == ["CA", "CB"]
    old = list(OLD)
    assert [list(row)[:6] for row in (*latest["agents"].values(), latest["overall"])] == [old] * 3
    assert [latest["overall"][name] for name in old] == [1, 1, 0, 100, 3, 0]
    assert latest["overall"]["efficiency_percent"] is None
    assert latest["agents"]["CB"]["success_percent"] is None
    again = space.collect(report=True)
    assert again.report.endswith("_2.json")


def test_as_tasks_move_finish_and_vanish_each_counts_once_and_collecting_again_changes_nothing(space):
    rng = random.Random(5)
    agents = ["A", "B", "C"]
    live: dict[str, list] = {name: [] for name in agents}
    done: dict[str, list] = {name: [] for name in agents}
    made: set[str] = set()
    for step in range(30):
        name = rng.choice(agents)
        action = rng.choice(["add", "add", "move", "finish", "finish", "drop", "copy", "break"])
        if action == "add":
            made.add(f"T{step}")
            live[name].append(task(f"T{step}", estimated_hours=rng.choice([None, 2, 4])))
        elif action == "move" and live[name]:
            live[rng.choice(agents)].append(live[name].pop())
        elif action == "finish" and live[name]:
            ended = live[name].pop(0)
            done[name].append(
                history(ended["task_id"], at=f"2026-05-01T{step % 24:02d}:00:00Z", actual_hours=1)
            )
        elif action == "drop" and done[name]:
            done[name].pop(rng.randrange(len(done[name])))
        elif action == "copy" and done[name]:
            done[rng.choice(agents)].append(done[name][-1])
        for agent in agents:
            space.queue(agent, *live[agent], done=done[agent])
        if action == "break":
            space.raw(name, json.dumps(outbox(*live[name]))[:-40])
        found = space.collect(tasks=True)
        counted = [row["id"] for agent in found.agents for row in agent.tasks]
        assert sorted(counted) == sorted(made), (step, action)
        assert found.overall.measures().total_tasks == len(made)
        again = space.collect()
        assert again.written == 0, (step, action)
        now = {row["id"]: row for agent in found.agents for row in agent.tasks}
        for agent in agents if action != "break" else ():
            for row in live[agent]:
                assert now[row["task_id"]]["agent"] in [a for a in agents if row in live[a]]
