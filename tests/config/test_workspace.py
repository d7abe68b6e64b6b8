"""Which directory is the workspace, and what is said where there is none."""

import os

import pytest

from core.apart import ask_apart
from core.errors import WorkspaceError
from core.workspace import find, queue_files, required


@pytest.fixture
def workspace(tmp_path):
    (tmp_path / "ws/postbox/CA").mkdir(parents=True)
    (tmp_path / "ws/postbox/CA/outbox.json").write_text("{}")
    (tmp_path / "ws/deep/er").mkdir(parents=True)
    (tmp_path / "bare").mkdir()
    return tmp_path


def test_found_from_the_current_directory_upward(workspace, monkeypatch):
    monkeypatch.chdir(workspace / "ws/deep/er")
    assert find(None, {}) == str(workspace / "ws")


def test_named_wins_over_environment_over_here_over_configuration(workspace, monkeypatch):
    for name in ("a", "b", "c"):
        (workspace / name / "postbox").mkdir(parents=True)
    a, b, c = (str(workspace / name) for name in "abc")
    monkeypatch.chdir(workspace / "ws")
    env = {"BLUETOP_WORKSPACE": b}
    assert find(a, env, c) == a
    assert find(None, env, c) == b
    assert find(None, {}, c) == str(workspace / "ws")
    monkeypatch.chdir(workspace / "bare")
    assert find(None, {}, c) == c
    assert find(None, {}) is None


def test_nowhere_is_none_and_a_command_that_needs_one_says_how(workspace, monkeypatch):
    monkeypatch.chdir(workspace / "bare")
    with pytest.raises(
        WorkspaceError, match=r"--workspace DIR or BLUETOP_WORKSPACE, or try `bluetop demo`"
    ) as caught:
        required(find(None, {}))
    assert caught.value.exit_status == 3


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("none", "is not there"), ("bare", "holds no postbox/"), ("ws/postbox", "is itself a postbox"),
        ("file", "is not a directory"), ("odd", "postbox in it is not a directory"),
    ],
)  # fmt: skip
def test_a_named_one_that_is_none_says_why(workspace, path, said):
    (workspace / "file").write_text("")
    (workspace / "odd").mkdir()
    (workspace / "odd/postbox").write_text("")
    with pytest.raises(WorkspaceError, match=said) as caught:
        find(str(workspace / path), {})
    assert "(from --workspace)" in str(caught.value)


def test_hostile_directory_names_are_shown_harmless(workspace):
    with pytest.raises(WorkspaceError) as caught:
        find(str(workspace / "a\x1b]0;x\nb"), {})
    assert "\x1b" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_queue_files_of_a_workspace_an_agent_and_a_file(workspace):
    ws = workspace / "ws"
    (ws / "postbox/CB/outbox").mkdir(parents=True)
    (ws / "postbox/CB/outbox/outbox.json").write_text("{}")
    (ws / "postbox/.hidden").mkdir()
    (ws / "postbox/README.md").write_text("")
    ca, cb = str(ws / "postbox/CA/outbox.json"), str(ws / "postbox/CB/outbox/outbox.json")
    assert queue_files(str(ws)) == [ca, cb]
    assert queue_files(str(ws / "postbox/CA")) == [ca]
    assert queue_files(ca) == [ca]
    with pytest.raises(WorkspaceError, match="holds neither"):
        queue_files(str(workspace / "bare"))


def test_names_that_are_not_utf8_are_found(workspace):
    folder = os.fsencode(workspace / "ws/postbox") + b"/\xff"
    os.mkdir(folder)
    with open(folder + b"/outbox.json", "w") as file:
        file.write("{}")
    assert os.fsdecode(folder + b"/outbox.json") in queue_files(str(workspace / "ws"))


def test_a_question_without_an_answer_costs_its_deadline_and_stops_no_other(tmp_path):
    os.mkfifo(tmp_path / "fifo")

    def read(path):
        if path == "bad":
            raise ValueError("no such thing")
        if path == "dies":
            os._exit(3)
        with open(path) as file:
            return file.read()

    (tmp_path / "good").write_text("here")
    items = [
        str(tmp_path / "good"),
        str(tmp_path / "fifo"),
        "bad",
        "dies",
        str(tmp_path / "none"),
        str(tmp_path / "good"),
    ]
    answers = [answer for _, answer in ask_apart(items, read, 0.2)]
    assert [a.value for a in answers] == ["here", None, None, None, None, "here"]
    assert [a.hung for a in answers] == [False, True, False, False, False, False]
    assert "0.2 s" in answers[1].problem
    assert answers[2].problem == "no such thing"
    assert "unexpectedly" in answers[3].problem
    assert answers[4].problem == "No such file or directory"


def test_an_agent_whose_folder_hangs_does_not_hide_the_queue_files_of_the_others(workspace, monkeypatch):
    ours, theirs = os.pipe()
    for name in ("CB", "CC", "CD"):
        (workspace / "ws/postbox" / name).mkdir()
    (workspace / "ws/postbox/CC/outbox.json").write_text("{}")
    asked = os.path.lexists

    def lexists(path):
        if "CB" in path:
            os.read(ours, 1)  # as on a dead mount: for ever
        return asked(path)

    monkeypatch.setattr(os.path, "lexists", lexists)
    root = str(workspace / "ws/postbox")
    assert queue_files(str(workspace / "ws"), 0.2) == [
        f"{root}/{name}/outbox.json" for name in ("CA", "CB", "CC")
    ]
    for end in (ours, theirs):
        os.close(end)
