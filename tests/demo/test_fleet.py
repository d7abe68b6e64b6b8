"""The fleet on real files, driven by a clock that only the test moves."""

import json
import os
import stat

import pytest

from core.demo import workspace
from core.demo.fleet import Fleet
from core.demo.rng import Rng
from core.errors import UsageError, WorkspaceError
from tests.fakes import FakeClock


@pytest.fixture
def place(tmp_path):
    directory = str(tmp_path / "demo")
    workspace.create(directory, Rng(5), FakeClock().wall())
    return directory


def read(place, agent):
    with open(workspace.outbox(place, agent), encoding="utf-8") as file:
        return json.load(file)


def write(place, agent, document):
    workspace.save_by_rename(workspace.outbox(place, agent), json.dumps(document))


def play(fleet, clock, seconds):
    """Everything the fleet does in so many seconds of its clock."""
    changes = []
    end = clock.now() + seconds
    while fleet.next_wake() <= end:
        clock.advance(max(0.0, fleet.next_wake() - clock.now()))
        changes += fleet.turn()
    return changes


def test_the_workspace_is_of_the_standard_form(place):
    assert sorted(os.listdir(os.path.join(place, "postbox"))) == ["ARCH", "BLUE", "CA", "CB", "CC", "WA"]
    document = read(place, "CB")
    assert list(document) == [
        "agent_id", "agent_name", "agent_type", "version", "expertise", "tasks", "history", "metadata",
    ]  # fmt: skip
    task = document["tasks"][-1]
    assert os.path.exists(os.path.join(place, "postbox/CB/inbox", f"NEW_{task['task_id']}.flag"))


def test_every_change_is_in_the_file(place):
    clock = FakeClock()
    fleet = Fleet(place, seed=5, speed=1.0, clock=clock, solitary=True)
    changes = play(fleet, clock, 300)
    assert len(changes) > 50
    for agent, document in fleet.state.documents.items():
        assert read(place, agent) == document


def test_agents_save_in_place_and_the_orchestrator_renames(place):
    clock = FakeClock()
    fleet = Fleet(place, seed=5, speed=1.0, clock=clock, solitary=True)
    kinds = set()
    while len(kinds) < 2:
        before = {a: os.stat(workspace.outbox(place, a)).st_ino for a in fleet.state.documents}
        clock.advance(max(0.0, fleet.next_wake() - clock.now()))
        changes = fleet.turn()
        if len(changes) == 1:
            same = os.stat(workspace.outbox(place, changes[0].agent)).st_ino == before[changes[0].agent]
            assert same == changes[0].by_agent
            kinds.add(same)


def test_a_task_moved_away_by_hand_is_not_worked_on_nor_brought_back(place):
    clock = FakeClock()
    fleet = Fleet(place, seed=5, speed=1.0, clock=clock, solitary=True)
    document = read(place, "CB")
    moved = [t["task_id"] for t in document["tasks"] if t["status"] == "pending"]
    document["tasks"] = [t for t in document["tasks"] if t["status"] != "pending"]
    write(place, "CB", document)
    play(fleet, clock, 400)
    after = read(place, "CB")
    assert not {t["task_id"] for t in (*after["tasks"], *after["history"])} & set(moved)


def test_a_task_moved_to_an_idle_agent_is_done_there(place):
    clock = FakeClock()
    fleet = Fleet(place, seed=5, speed=1.0, clock=clock, solitary=True)
    task = next(t for t in read(place, "CB")["tasks"] if t["status"] == "pending")
    document = read(place, "BLUE")
    document["tasks"].append(task)
    write(place, "BLUE", document)
    play(fleet, clock, 120)
    done = {e["task_id"]: e["status"] for e in read(place, "BLUE")["history"]}
    assert done[task["task_id"]] == "completed"


@pytest.mark.parametrize("broken", ['{"tasks": [', "", "[]", '{"tasks": 1, "history": []}', "\xff"])
def test_a_file_broken_by_hand_is_left_alone_until_it_is_mended(place, broken):
    clock = FakeClock()
    fleet = Fleet(place, seed=5, speed=1.0, clock=clock, solitary=True)
    path = workspace.outbox(place, "CB")
    whole = read(place, "CB")
    with open(path, "w", encoding="latin-1") as file:
        file.write(broken)
    changes = play(fleet, clock, 120)
    assert changes
    assert all(change.agent != "CB" for change in changes)
    with open(path, encoding="latin-1") as file:
        assert file.read() == broken
    write(place, "CB", whole)
    assert any(change.agent == "CB" for change in play(fleet, clock, 120))


def test_a_finished_task_leaves_the_inbox(place):
    clock = FakeClock()
    fleet = Fleet(place, seed=5, speed=1.0, clock=clock, solitary=True)
    play(fleet, clock, 3600)
    for agent, document in fleet.state.documents.items():
        waiting = {t["task_id"] for t in document["tasks"]}
        laid = {n for n in os.listdir(os.path.join(place, "postbox", agent, "inbox")) if n.endswith(".md")}
        assert {name.removesuffix(".md") for name in laid} <= waiting


def test_a_folder_with_something_of_somebody_elses_is_refused_and_kept(tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(UsageError, match="not empty"):
        workspace.create(str(tmp_path), Rng(1), 0.0)
    workspace.remove(str(tmp_path))
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


def test_a_demos_own_folder_is_laid_out_anew(place):
    os.unlink(workspace.outbox(place, "CB"))
    workspace.create(place, Rng(6), 1_780_000_000.0)
    assert read(place, "CB")["agent_id"] == "CB"


def test_a_place_that_cannot_be_written_is_a_workspace_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(WorkspaceError, match="Not a directory"):
        workspace.create(str(tmp_path / "file" / "demo"), Rng(1), 0.0)


def test_removing_follows_no_link(place, tmp_path):
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "kept").write_text("")
    os.symlink(tmp_path / "outside", os.path.join(place, "postbox", "link"))
    workspace.remove(place)
    assert not os.path.exists(place)
    assert (tmp_path / "outside" / "kept").exists()


def test_a_temporary_folder_is_for_its_owner_only(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    path = workspace.temporary()
    assert os.path.dirname(path) == str(tmp_path)
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o700
