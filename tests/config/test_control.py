"""The narrow door: what it writes, what it refuses, and that a failure changes nothing."""

import logging
import os
import stat

import pytest

from core.config import Settings, View, load
from core.configfile import examine, shipped_text
from core.control import ChangeFailed, InitConfig, SaveSettings, starting_text, submit
from core.errors import ConfigError, ReadOnlyError


@pytest.fixture
def environ(tmp_path):
    return {"XDG_CONFIG_HOME": str(tmp_path), "USER": "ann"}


def test_saved_settings_overlay_and_leave_the_operators_file_alone(environ, tmp_path):
    (tmp_path / "bluetop").mkdir()
    own = tmp_path / "bluetop/config.toml"
    own.write_text('[ui]\ntheme = "dawn" # mine\nmouse = false\n')
    outcome = submit(
        SaveSettings({"ui.theme": "mono", "poll.host_interval_s": 2.0}), read_only=False, environ=environ
    )
    settings = load(None, environ)
    assert (settings.ui.theme, settings.ui.mouse, settings.poll.host_interval_s) == ("mono", False, 2.0)
    assert own.read_text() == '[ui]\ntheme = "dawn" # mine\nmouse = false\n'
    assert outcome.path == str(tmp_path / "bluetop/settings.toml")
    assert "ui.theme" in outcome.text


def test_a_second_save_keeps_the_first_and_none_takes_back(environ):
    submit(SaveSettings({"ui.theme": "mono"}), read_only=False, environ=environ)
    submit(SaveSettings({"ui.mouse": False}), read_only=False, environ=environ)
    submit(SaveSettings({"ui.theme": None}), read_only=False, environ=environ)
    assert load(None, environ).ui.theme == Settings().ui.theme
    assert load(None, environ).ui.mouse is False


@pytest.mark.parametrize("changes", [{"ui.theme": ""}, {"ui.tehme": "mono"}, {"poll.host_interval_s": 0}])
def test_what_is_not_allowed_is_refused_and_nothing_is_written(environ, tmp_path, changes):
    submit(SaveSettings({"ui.mouse": False}), read_only=False, environ=environ)
    before = (tmp_path / "bluetop/settings.toml").read_bytes()
    with pytest.raises(ConfigError):
        submit(SaveSettings(changes), read_only=False, environ=environ)
    assert (tmp_path / "bluetop/settings.toml").read_bytes() == before


@pytest.mark.parametrize("command", [SaveSettings({"ui.theme": "mono"}), InitConfig()])
def test_read_only_refuses_below_the_interface(environ, tmp_path, command):
    with pytest.raises(ReadOnlyError, match="--read-only"):
        submit(command, read_only=True, environ=environ)
    assert list(tmp_path.iterdir()) == []


def test_every_change_leaves_an_audit_line_with_who_and_what(environ, caplog):
    with caplog.at_level(logging.INFO, logger="bluetop.audit"):
        submit(SaveSettings({"ui.theme": "mono"}), read_only=False, environ=environ)
        with pytest.raises(ReadOnlyError):
            submit(InitConfig(), read_only=True, environ=environ)
    assert [record.getMessage().split(":")[0] for record in caplog.records] == [
        "saving ui.theme by ann", "writing a configuration by ann",
    ]  # fmt: skip


def test_init_writes_every_setting_commented_out_and_never_over_a_file(environ, tmp_path):
    outcome = submit(InitConfig(), read_only=False, environ=environ)
    assert load(None, environ) == Settings()
    with open(outcome.path, encoding="utf-8") as file:
        lines = file.read().splitlines()
    assert all(not line or line.startswith("#") for line in lines)
    with pytest.raises(ConfigError, match="--force"):
        submit(InitConfig(), read_only=False, environ=environ)
    submit(InitConfig(force=True), read_only=False, environ=environ)


def test_the_starting_file_without_its_marks_is_the_shipped_one(tmp_path):
    text = "\n".join(
        line[1:] if line.startswith("#") and not line.startswith("# ") and line != "#" else line
        for line in starting_text(shipped_text()).splitlines()
    )
    assert text + "\n" == shipped_text()
    path = tmp_path / "c.toml"
    path.write_text(text)
    assert examine((str(path),)).settings == Settings()


def test_a_symlink_is_followed_so_that_dotfiles_stay_linked(environ, tmp_path):
    (tmp_path / "bluetop").mkdir()
    (tmp_path / "real.toml").write_text("")
    os.symlink(tmp_path / "real.toml", tmp_path / "bluetop/settings.toml")
    submit(SaveSettings({"ui.mouse": False}), read_only=False, environ=environ)
    assert (tmp_path / "bluetop/settings.toml").is_symlink()
    assert "mouse" in (tmp_path / "real.toml").read_text()


def test_a_directory_in_the_way_is_one_sentence_and_leaves_no_temporary_file(environ, tmp_path):
    (tmp_path / "bluetop").mkdir()
    target = tmp_path / "bluetop/config.toml"
    target.mkdir()
    with pytest.raises(ChangeFailed, match="writing a configuration failed"):
        submit(InitConfig(force=True), read_only=False, environ=environ)
    assert os.listdir(tmp_path / "bluetop") == ["config.toml"]


def test_written_files_are_the_operators_alone(environ):
    outcome = submit(SaveSettings({"ui.mouse": False}), read_only=False, environ=environ)
    assert stat.S_IMODE(os.stat(outcome.path).st_mode) == 0o600


def test_without_a_home_there_is_no_place_and_a_sentence_says_so():
    with pytest.raises(ConfigError, match="set HOME"):
        submit(SaveSettings({"ui.mouse": False}), read_only=False, environ={})


def test_views_and_columns_are_saved_and_a_view_can_be_removed(environ, tmp_path):
    view = {"filter": 'title:"a b" -x', "sort": "pending", "descending": True, "columns": ["agent", "load"]}
    submit(
        SaveSettings({"ui.views.long queues": view, "ui.columns": ["load"]}), read_only=False, environ=environ
    )
    ui = load(None, environ).ui
    assert ui.columns == ("load",)
    assert ui.views == {"long queues": View("agents", 'title:"a b" -x', "pending", True, ("agent", "load"))}
    submit(SaveSettings({"ui.views.long queues": None}), read_only=False, environ=environ)
    assert load(None, environ).ui.views == {}
    assert load(None, environ).ui.columns == ("load",)


@pytest.mark.parametrize("name", ["", " ", "a b ", "x\n", "x" * 41, "[red]"])
def test_a_view_whose_name_is_none_is_refused(environ, tmp_path, name):
    with pytest.raises(ConfigError, match="its name must be"):
        submit(SaveSettings({f"ui.views.{name}": {"filter": "x"}}), read_only=False, environ=environ)
    assert not (tmp_path / "bluetop/settings.toml").exists()
